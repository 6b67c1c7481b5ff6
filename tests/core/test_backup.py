"""A backup holds all but the keys; a restore gives it back, refuses what cannot be right, and brings back nobody who left."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core import audit, backup
from inclusion_app.core.clock import now
from inclusion_app.core.db import engine, transaction
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.supervisor import lock_instance
from tests.conftest import Browser, settings_for


def folder(app: Flask) -> Path:
    path: Path = app.extensions["settings"].instance
    return path


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def sign_heads(app: Flask) -> None:
    """What the worker does once a minute."""
    with app.app_context(), transaction() as session:
        audit.append_heads(session, folder(app) / "audit-heads")


def make_resident(app: Flask, nickname: str) -> str:
    with app.app_context(), transaction() as session:
        made = people.make_resident(
            session,
            secret_kind="pin",
            secret_hash="x",
            nickname=nickname,
            pin_for_everything=False,
            language="en",
            now=now(),
        )
        return made.code


def delete_resident(app: Flask, code: str) -> None:
    with app.app_context(), transaction() as session:
        found = people.find_by_code(session, code=code)
        assert found is not None
        people.delete_resident(session, resident=found, now=now())


def nicknames(app: Flask) -> set[str | None]:
    with app.app_context(), transaction() as session:
        return set(session.scalars(select(Resident.nickname)))


def test_what_was_there_comes_back_and_whoever_was_deleted_since_does_not(
    service_on_both: Flask, tmp_path: Path
) -> None:
    app, file = service_on_both, tmp_path / "monday.backup"
    with time_machine.travel(now() - timedelta(hours=3), tick=True):
        make_resident(app, "Amina")
        leaving = make_resident(app, "Bashir")
        sign_heads(app)
        assert run(app, "backup", str(file))[0] == 0
    delete_resident(app, leaving)
    make_resident(app, "Carla")
    sign_heads(app)
    assert nicknames(app) == {"Amina", "Carla"}
    code, said = run(app, "restore", str(file), "--yes")
    assert (code, "deleted again: 1" in said) == (0, True), said
    assert nicknames(app) == {"Amina"}
    assert run(app, "audit", "verify") == (0, "every row of the record is as it was written\n")


def test_the_worker_writes_down_who_left_so_that_a_lost_database_forgets_nobody(
    app: Flask, tmp_path: Path
) -> None:
    file = tmp_path / "monday.backup"
    with time_machine.travel(now() - timedelta(hours=3), tick=True):
        leaving = make_resident(app, "Bashir")
        sign_heads(app)
        run(app, "backup", str(file))
    delete_resident(app, leaving)
    with app.app_context(), transaction() as session:
        assert backup.remember_erasures(session, folder(app)) == 1
        assert backup.remember_erasures(session, folder(app)) == 0
    app.extensions["engine"].dispose()
    for path in folder(app).glob("test.sqlite3*"):
        path.write_bytes(b"a disk that broke")
    assert run(app, "restore", str(file), "--yes")[0] == 0
    assert nicknames(app) == set()


def test_a_whole_road_survives(app: Flask, browser: Browser, tmp_path: Path) -> None:
    browser.make_plan()
    code = browser.save_plan(nickname="Amina")
    sign_heads(app)
    file = tmp_path / "monday.backup"
    assert run(app, "backup", str(file))[0] == 0
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == ["audit-heads", "database.sqlite3", "manifest.json"]
        whole = b"".join(archive.read(name) for name in archive.namelist())
    settings = app.extensions["settings"]
    for secret in (settings.secret_key, *settings.field_keys, code.replace("-", ""), "Amina"):
        assert secret.encode() not in whole
    before = browser.text("/roadmap/print")
    ours = {"test.sqlite3", "audit-heads", "erasures"}
    app.extensions["engine"].dispose()
    for path in folder(app).glob("test.sqlite3*"):
        path.unlink()
    assert run(app, "restore", str(file), "--yes")[0] == 0
    assert not list(folder(app).glob("test.sqlite3.before-*"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder(app).glob("*") if path.name in ours)
    there = Browser(app)
    assert there.send("/come-back", code=code, pin="4071").status_code == 303
    assert there.text("/roadmap/print") == before


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_written(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "here.backup"
    file.write_text("something dear")
    code, said = run(app, "backup", str(file))
    assert (code, "never overwrites" in said) == (1, True)
    assert file.read_text() == "something dear"
    assert [path.name for path in tmp_path.glob(".backup-*")] == []


def proofs(app: Flask) -> dict[str, bytes]:
    """The files rows name by their sha256."""
    return {path.name: path.read_bytes() for path in (folder(app) / backup.FILES).glob("*")}


def keep_proof(app: Flask, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()
    (folder(app) / backup.FILES).mkdir(exist_ok=True)
    (folder(app) / backup.FILES / name).write_bytes(data)
    return name


def test_files_that_prove_something_come_back_for_the_service_alone(app: Flask, tmp_path: Path) -> None:
    make_resident(app, "Amina")
    sign_heads(app)
    kept, whole = keep_proof(app, b"%PDF- wiped"), tmp_path / "whole.backup"
    (folder(app) / backup.FILES / "half-written").write_bytes(b"not yet")
    assert run(app, "backup", str(whole))[0] == 0
    later = keep_proof(app, b"of today")
    (folder(app) / backup.FILES / kept).write_bytes(b"a disk that broke")
    assert run(app, "restore", str(whole), "--yes")[0] == 0
    assert proofs(app) == {kept: b"%PDF- wiped", later: b"of today", "half-written": b"not yet"}
    assert (folder(app) / backup.FILES / kept).stat().st_mode & 0o777 == 0o600
    assert not list(folder(app).glob(".backup-*"))


def test_all_files_fit_into_what_a_backup_says_of_itself(app: Flask, tmp_path: Path) -> None:
    names = {keep_proof(app, b"%d" % number) for number in range(3_000)}
    whole = tmp_path / "whole.backup"
    assert run(app, "backup", str(whole))[0] == 0
    for name in names:
        (folder(app) / backup.FILES / name).unlink()
    assert run(app, "restore", str(whole), "--yes")[0] == 0
    assert set(proofs(app)) == names


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/cron.d/x", "/etc/cron.d/x", "a link", "no archive"])
def test_a_sealed_file_that_is_not_what_its_name_says_stops_a_restore(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def pack(_folder: Path, target: Path) -> None:
        if name == "no archive":
            target.write_bytes(b"x" * 2_000)
            return
        with tarfile.open(target, "w") as archive:
            part = tarfile.TarInfo("0" * 64 if name == "a link" else name)
            part.type, part.linkname = (
                (tarfile.SYMTYPE, "/etc/passwd") if name == "a link" else (part.type, "")
            )
            archive.addfile(part)

    make_resident(app, "Amina")
    whole = tmp_path / "whole.backup"
    monkeypatch.setattr(backup, "_pack_files", pack)
    assert run(app, "backup", str(whole))[0] == 0
    make_resident(app, "Bashir")
    code, said = run(app, "restore", str(whole), "--yes")
    assert (code, "damaged: loan-files.tar" in said) == (1, True), said
    assert nicknames(app) == {"Amina", "Bashir"}
    assert not (folder(app) / backup.FILES).exists()


def damaged(source: Path, target: Path, **changes: object) -> Path:
    """A copy of a backup whose manifest says something else, or whose database has other bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                data = json.dumps({**json.loads(data), **changes}).encode()
            if name == "database.sqlite3" and not changes:
                data = data[:-1] + bytes([data[-1] ^ 1])
            new.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "damaged: database.sqlite3"),
        ({"format": 1}, "another version"),
        ({"format": 3}, "another version"),
        ({"revision": "from the future"}, "Upgrade first"),
        ({"engine": "postgresql"}, "This backup is of postgresql"),
        ({"secret_proof": "0" * 64}, "The secret key here"),
        ({"field_proof": "gAAAA"}, "The field keys here"),
        ({"parts": {"database.sqlite3": "0" * 64}}, "damaged"),
        ({"parts": {"../../etc/passwd": "0" * 64}}, "damaged"),
        ({"parts": {}, "sizes": {}}, "its seal is not right"),
        ({"made_at": "2027-01-01T00:00:00+00:00"}, "its seal is not right"),
        ({"made_at": "yesterday"}, "what it says of itself"),
        ({"made_at": ["2027"]}, "what it says of itself"),
        ({"parts": ["database.sqlite3"]}, "what it says of itself"),
        ({"parts": {"database.sqlite3": 7}}, "what it says of itself"),
        ({"sizes": {"database.sqlite3": "7"}}, "what it says of itself"),
        ({"sizes": None}, "what it says of itself"),
        ({"secret_proof": "ö"}, "what it says of itself"),
        ({"more": 1}, "what it says of itself"),
        ({"seal": ""}, "its seal is not right"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_changes(
    app: Flask, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    make_resident(app, "Amina")
    whole = tmp_path / "whole.backup"
    run(app, "backup", str(whole))
    make_resident(app, "Bashir")
    code, output = run(app, "restore", str(damaged(whole, tmp_path / "other.backup", **changes)), "--yes")
    assert (code, said in output) == (1, True), output
    assert nicknames(app) == {"Amina", "Bashir"}


def other_zip(source: Path, target: Path, manifest: bytes | None = None, **parts: bytes) -> Path:
    """A copy of a backup with another manifest or database."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = parts.get(name.partition(".")[0], old.read(name))
            new.writestr(name, manifest if manifest is not None and name == "manifest.json" else data)
    return target


@pytest.mark.parametrize(
    ("manifest", "database"),
    [(b"[" * 50_000, None), (b'"x"', None), (b"{}", None), (b" " * 200_000, None), (b"\xff", None),
     (None, b"no database"), (None, b"\0" * 30_000_000)],
)  # fmt: skip
def test_hostile_files_get_a_sentence_and_fill_no_disk(
    app: Flask, tmp_path: Path, manifest: bytes | None, database: bytes | None
) -> None:
    make_resident(app, "Amina")
    whole = tmp_path / "whole.backup"
    run(app, "backup", str(whole))
    parts = {} if database is None else {"database": database}
    unpacked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup.shutil, "copyfileobj", lambda *_: unpacked.append("something"))
        code, said = run(app, "restore", str(other_zip(whole, tmp_path / "x", manifest, **parts)), "--yes")
    assert (code, said.startswith("Error: "), said.count("\n")) == (1, True, 1), said
    assert unpacked == []
    assert nicknames(app) == {"Amina"}


def test_a_sealed_database_that_is_none_is_refused(app: Flask, tmp_path: Path) -> None:
    """Only somebody with the secret key can make this one; the files here still stay as they are."""
    make_resident(app, "Amina")
    whole, bad = tmp_path / "whole.backup", b"no database"
    run(app, "backup", str(whole))
    with zipfile.ZipFile(whole) as archive:
        said = json.loads(archive.read("manifest.json"))
    said["parts"], said["sizes"] = (
        {"database.sqlite3": hashlib.sha256(bad).hexdigest()},
        {"database.sqlite3": len(bad)},
    )
    sealed = backup.Manifest(**said).sealed(app.extensions["settings"].secret_key)
    other = other_zip(whole, tmp_path / "x", json.dumps(vars(sealed)).encode(), database=bad)
    code, words = run(app, "restore", str(other), "--yes")
    assert (code, "The database in this backup is damaged" in words) == (1, True), words
    assert nicknames(app) == {"Amina"}


def test_a_deletion_that_commits_while_the_backup_is_made_stays_a_deletion(
    service_on_both: Flask, tmp_path: Path
) -> None:
    """Its moment is before the backup's, and its row is in the copy all the same."""
    app, file = service_on_both, tmp_path / "monday.backup"
    with time_machine.travel(now() - timedelta(hours=3), tick=True):
        leaving = make_resident(app, "Bashir")
        staying = make_resident(app, "Amina")
    assert staying
    with app.app_context():
        pressed = now()
        sign_heads(app)
        assert run(app, "backup", str(file))[0] == 0
        with transaction() as session:
            found = people.find_by_code(session, code=leaving)
            assert found is not None
            people.delete_resident(session, resident=found, now=pressed)
    sign_heads(app)
    code, said = run(app, "restore", str(file), "--yes")
    assert (code, "deleted again: 1" in said) == (0, True), said
    assert nicknames(app) == {"Amina"}


def test_a_number_given_again_is_another_person(app: Flask) -> None:
    number = 1
    make_resident(app, "Amina")
    with app.app_context(), transaction() as session:
        made = session.get_one(Resident, number).made_at
        assert people.delete_again(session, erased={number: made - timedelta(seconds=1)}, now=now()) == 0
        assert people.delete_again(session, erased={number + 1: made, number: made}, now=now()) == 1


def test_an_unreadable_line_of_who_was_deleted_stops_a_restore(app: Flask, tmp_path: Path) -> None:
    make_resident(app, "Amina")
    file = tmp_path / "monday.backup"
    assert run(app, "backup", str(file))[0] == 0
    (folder(app) / "erasures").write_text("2026-11-01T10:00:00+00:00 8\nhalf a li\n")
    code, said = run(app, "restore", str(file), "--yes")
    assert (code, "'half a li'" in said) == (1, True), said
    assert nicknames(app) == {"Amina"}


def test_something_that_is_no_backup_is_refused(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"\xff\xd8 not a backup")
    code, said = run(app, "restore", str(file), "--yes")
    assert (code, "is not a whole backup" in said) == (1, True)


def test_a_running_service_is_not_restored_under_its_feet(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "monday.backup"
    run(app, "backup", str(file))
    lock_instance(folder(app))
    code, said = run(app, "restore", str(file), "--yes")
    assert (code, "Stop the service first" in said) == (1, True)


def test_an_older_field_key_still_opens_its_backup(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "monday.backup"
    run(app, "backup", str(file))
    old = app.extensions["settings"]
    newer = settings_for(tmp_path)
    newer = type(newer)(**{**vars(newer), "field_keys": ("bmV3" * 10 + "bmU=", *old.field_keys)})
    with app.app_context():
        manifest, aside = backup.restore(file, settings=newer, engine=engine(), now=now())
        assert manifest.engine == "sqlite"
        assert [
            path.name.split(".before-")[0] for path in aside if not path.name.endswith(("-wal", "-shm"))
        ] == ["test.sqlite3"]
        with transaction() as session:
            assert session.scalar(select(func.count()).select_from(Resident)) == 0
