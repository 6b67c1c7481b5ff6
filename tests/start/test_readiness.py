"""/readyz: every part on its own line, nothing that helps an attacker, and an answer in time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from inclusion_app.core import paper
from inclusion_app.core.db import transaction
from inclusion_app.start import readiness


def ask(app: Flask) -> tuple[int, dict[str, str]]:
    answer = app.test_client().get("/readyz")
    lines = dict(line.split(": ") for line in answer.get_data(as_text=True).splitlines())
    return answer.status_code, lines


def not_ready(app: Flask) -> set[str]:
    status, lines = ask(app)
    assert set(lines) == {"database", "migrations", "worker", "paper"}
    assert set(lines.values()) <= {"ready", "not ready"}
    missing = {name for name, state in lines.items() if state != "ready"}
    assert status == (503 if missing else 200)
    return missing


@pytest.fixture
def well(service_on_both: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An instance whose parts all answer; the paper service is a stand-in."""
    (service_on_both.extensions["settings"].instance / "worker-beat").touch()
    monkeypatch.setattr(paper, "ask_state", lambda **_: {"ready": True})
    yield service_on_both


def test_all_parts_ready(well: Flask) -> None:
    assert not_ready(well) == set()


def test_a_worker_that_is_silent_or_was_never_there(well: Flask) -> None:
    beat = well.extensions["settings"].instance / "worker-beat"
    for moment in (time.time() - 150, time.time() + 3_600):
        os.utime(beat, (moment, moment))
        assert not_ready(well) == {"worker"}
    beat.unlink()
    assert not_ready(well) == {"worker"}


def test_a_paper_service_that_is_away_or_not_ready(well: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "ask_state", lambda **_: {"ready": False})
    assert not_ready(well) == {"paper"}

    def away(**_: object) -> dict[str, bool]:
        raise paper.PaperBusy

    monkeypatch.setattr(paper, "ask_state", away)
    assert not_ready(well) == {"paper"}


def test_a_schema_that_is_behind(well: Flask) -> None:
    with well.app_context(), transaction() as session:
        (was,) = session.execute(text("SELECT version_num FROM alembic_version")).one()
        session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    assert not_ready(well) == {"migrations"}
    with well.app_context(), transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :was"), {"was": was})


def test_a_part_that_hangs_is_not_waited_for_and_ties_up_nothing_more(
    well: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    hanging = []

    def hang(_app: Flask) -> bool:
        hanging.append(1)
        return go_on.wait(20)

    monkeypatch.setattr(readiness, "_database_answers", hang)
    monkeypatch.setattr(readiness, "SECONDS", 0.3)
    try:
        began = time.monotonic()
        for _ in range(8):
            assert "database" in not_ready(well)
        assert time.monotonic() - began < 8
        assert len(hanging) <= 4
    finally:
        go_on.set()


def test_a_part_that_fails_says_no_more_than_that(
    well: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_app: Flask) -> bool:
        raise RuntimeError("password=hunter2 host=db.internal")

    monkeypatch.setattr(readiness, "_database_answers", fail)
    answer = well.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_data(as_text=True).splitlines()[0] == "database: not ready"
    assert "hunter2" not in answer.get_data(as_text=True) + caplog.text
    assert answer.headers["Cache-Control"] == "private, no-store"
