"""Files lie outside the database: one no row names goes after a day, and never one that somebody sends in that moment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.core import backup
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.loans.services import files
from tests.factories.accounts import make_organisation
from tests.factories.loans import make_scheme

REPORT, OTHER = b"%PDF- one", b"%PDF- another"


def keep(app: Flask, data: bytes, *, fails: bool = False) -> str:
    """The name of a file that was sent; `fails`: its row did not last."""
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session, organisation_id=make_organisation(session).id)
        name = files.keep_file(
            session, instance=folder(app), organisation_id=scheme.organisation_id, kind="wipe_report", data=data,
            staff_id=None, now=now(),
        ).sha256  # fmt: skip
        if fails:
            session.rollback()
    return name


def folder(app: Flask) -> Path:
    path: Path = app.extensions["settings"].instance
    return path


def there(app: Flask) -> set[str]:
    return {path.name for path in (folder(app) / files.FOLDER).glob("*")}


def sweep(app: Flask, *, days: int) -> int:
    with app.app_context(), transaction() as session:
        return files.delete_unnamed(session, instance=folder(app), now=now() + timedelta(days=days))


def test_what_no_row_names_goes_after_a_day(app: Flask) -> None:
    assert sweep(app, days=2) == 0
    kept, refused = keep(app, REPORT), keep(app, OTHER, fails=True)
    (folder(app) / files.FOLDER / "tmp-of-a-crash").write_bytes(b"half")
    assert sweep(app, days=0) == 0
    assert there(app) == {kept, refused, "tmp-of-a-crash"}
    assert sweep(app, days=2) == 2
    assert there(app) == {kept}


def test_who_sends_the_same_bytes_again_keeps_them(app: Flask) -> None:
    name = keep(app, REPORT, fails=True)
    old = (now() - timedelta(days=5)).timestamp()
    os.utime(folder(app) / files.FOLDER / name, (old, old))
    assert keep(app, REPORT) == name
    assert (folder(app) / files.FOLDER / name).stat().st_mtime > old + 1_000


def test_a_file_touched_while_it_is_swept_stays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    name = keep(app, REPORT, fails=True)
    rename = Path.rename

    def touched(path: Path, target: Path) -> Path:
        if not path.name.startswith("."):
            os.utime(path, ((now() + timedelta(days=3)).timestamp(),) * 2)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", touched)
    assert sweep(app, days=2) == 0
    assert there(app) == {name}
    assert (folder(app) / files.FOLDER / name).read_bytes() == REPORT


def test_the_worker_sweeps_and_a_backup_takes_along_what_lies_in_the_same_folder(app: Flask) -> None:
    from inclusion_app.cli import do_chores

    assert files.FOLDER == backup.FILES
    name = keep(app, REPORT, fails=True)
    old = (now() - timedelta(days=5)).timestamp()
    os.utime(folder(app) / files.FOLDER / name, (old, old))
    with app.app_context():
        do_chores(folder(app))
    assert there(app) == set()
