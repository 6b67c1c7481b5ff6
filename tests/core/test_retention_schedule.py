"""One schedule says how long everything is kept; a setting changes it within bounds; each run leaves a trace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app import cli
from inclusion_app.accounts.rules import ROLES
from inclusion_app.app import create_app
from inclusion_app.config import BadSetting, load_settings
from inclusion_app.core import retention, retention_runs
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.retention_runs import RetentionRun
from inclusion_app.groups import rules as groups
from inclusion_app.people import rules as people
from inclusion_app.people.models import Resident
from inclusion_app.people.staff_retention_words import SOURCES, WORDS
from tests.conftest import StaffBrowser, settings_for
from tests.core.test_trust import make_resident

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_every_kind_has_words_and_every_chore_a_kind() -> None:
    assert set(WORDS) == set(retention.SCHEDULE)
    assert set(SOURCES) <= set(WORDS)
    assert set(cli.DELETIONS) <= set(retention.OF_CHORE), "a chore deletes what is in no schedule"
    room = RetentionRun.__table__.c.kind.type.length  # SQLite would take a longer name, PostgreSQL would not
    assert [name for name in cli.DELETIONS if len(name) > room] == []
    for kind in retention.SCHEDULE.values():
        assert (kind.least is None) == (kind.most is None), kind.name
        assert kind.least is None or kind.most is None or kind.least <= kind.keep <= kind.most, kind.name
    assert retention.SCHEDULE["saved-plan"].keep == people.PLAN_IDLE == timedelta(days=396)
    assert retention.SCHEDULE["group"].keep == groups.GROUP_IDLE


def test_times_are_read_from_the_environment(tmp_path: Path) -> None:
    given = load_settings({"INCLUSION_RETENTION": " saved-plan=400d, feedback=3y "}, instance=tmp_path)
    assert given.retention == {"saved-plan": timedelta(days=400), "feedback": timedelta(days=1098)}
    assert load_settings({}, instance=tmp_path).retention == {}


@pytest.mark.parametrize(
    "text", ["saved-plan", "saved-plan=", "saved-plan=0d", "saved-plan=4w", "saved-plan=-1d", "saved-plan=400d,saved-plan=1y",
             "SAVED=1d", "saved-plan=999999d", "saved-plan=٤d", "saved-plan=400d;feedback=3y"],
)  # fmt: skip
def test_a_time_that_cannot_be_read_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSetting, match="INCLUSION_RETENTION"):
        load_settings({"INCLUSION_RETENTION": text}, instance=tmp_path)


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [("cake", 400, "knows no kind"), ("saved-plan", 1, "from 30 to"), ("saved-plan", 9000, "from 30 to"),
     ("visit", 30, "cannot change"), ("audit", 30, "cannot change")],
)  # fmt: skip
def test_a_time_nobody_may_choose_stops_the_start(tmp_path: Path, name: str, days: int, said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        create_app(settings_for(tmp_path, retention={name: timedelta(days=days)}))


def test_another_time_counts(tmp_path: Path, loaded_database: Path) -> None:
    import shutil

    shutil.copy(loaded_database, tmp_path / "test.sqlite3")
    app = create_app(settings_for(tmp_path, retention={"saved-plan": timedelta(days=60)}))
    with app.app_context():
        make_resident(now() - timedelta(days=50), "one")
        old = make_resident(now() - timedelta(days=61), "another")
    done = app.test_cli_runner().invoke(args=["retention", "run"])
    assert "deleted 1 saved plans" in done.output, done.output
    with app.app_context(), transaction() as session:
        assert old not in session.scalars(select(Resident.id)).all()
    app.extensions["engine"].dispose()


def test_a_run_is_remembered_and_traced_without_a_fact(both_engines: Flask) -> None:
    with transaction() as session:
        for gone, minutes in ((0, 0), (2, 1), (0, 2), (0, 30), (3, 31)):
            done = retention_runs.carry_out(
                session, "groups", lambda _session, now, gone=gone: gone, now=NOON + timedelta(minutes=minutes)
            )  # fmt: skip
            assert done == gone
    with transaction() as session:
        run = session.scalars(select(RetentionRun)).one()
        assert (run.gone, run.gone_in_all) == (3, 5)
        assert run.ran_at == run.gone_at == NOON + timedelta(minutes=31)
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
        assert [(row.action, row.items, row.resident_id, row.actor_kind) for row in rows] == [
            ("expire group", "2", None, "retention"), ("expire group", "3", None, "retention")
        ]  # fmt: skip


def test_a_run_without_effect_is_noted_every_ten_minutes(both_engines: Flask) -> None:
    with transaction() as session:
        for minutes in (0, 5, 12):
            retention_runs.note_run(session, "visits", 0, now=NOON + timedelta(minutes=minutes))
            session.expire_all()
            run = session.get_one(RetentionRun, "visits")
            assert run.ran_at == NOON + timedelta(minutes={0: 0, 5: 0, 12: 12}[minutes])
            assert run.gone_at is None


def test_a_dry_run_counts_each_kind_and_leaves_no_trace(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["retention", "run", "--dry-run"])
    assert done.exit_code == 0
    assert [line.split(" ", 3)[3] for line in done.output.splitlines()] == list(cli.DELETIONS)
    with app.app_context(), transaction() as session:
        assert session.scalars(select(RetentionRun)).all() == []


def test_the_page_says_what_is_kept_and_what_went(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    with app.app_context(), transaction() as session:
        retention_runs.note_run(session, "saved plans", 7, now=NOON)
        retention_runs.note_run(session, "a chore nobody planned", 1, now=NOON)
    for role in ROLES:
        person = staff_browser(role)
        if role in {"platform_admin", "data_protection"}:
            page = person.text("/staff/retention")
            assert "396 days" in page
            assert "7, Wednesday 25 November 2026" in page
            assert "Not in the schedule" in page
            assert "What is kept how long" in person.text("/staff")
        else:
            assert person.get("/staff/retention").status_code == 403, role
