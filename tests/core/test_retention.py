"""What is kept for a time goes when it is over, whatever else is broken; and what was deleted leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from inclusion_app import cli
from inclusion_app.core import audit, backup, history
from inclusion_app.core.clock import now
from inclusion_app.core.db import engine, shorten_log, transaction
from inclusion_app.core.sessions import Visit
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.places import services as places
from inclusion_app.places.models import Place, PlaceReport
from inclusion_app.roadmaps.models import Roadmap, StepProgress
from tests.core.test_trust import make_resident

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def folder(app: Flask) -> Path:
    path: Path = app.extensions["settings"].instance
    return path


def make_visit(token: str, last: datetime) -> None:
    with transaction() as session:
        session.add(Visit(token_hash=token * 64, unlocked="nothing", started_at=last, last_used_at=last))


def count(model: type) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_one_value_nobody_can_read_stops_neither_deleting_nor_signing(both_engines: Flask) -> None:
    damaged = make_resident(now() - timedelta(days=400), "one")
    make_resident(now() - timedelta(days=401), "another")
    make_visit("a", now() - timedelta(hours=3))
    with transaction() as session:
        session.execute(
            text("UPDATE residents SET nickname = 'e2.AAAA', code = 'x' WHERE id = :id"), {"id": damaged}
        )
    cli.do_chores(folder(both_engines))
    assert (count(Resident), count(Visit)) == (0, 0)
    assert (folder(both_engines) / "audit-heads").exists()
    assert len(backup.erased(folder(both_engines))) == 2


def test_a_chore_that_fails_keeps_no_other_from_its_work(
    both_engines: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ValueError("words somebody typed")

    monkeypatch.setitem(cli.DELETIONS, "saved plans", broken)
    make_resident()
    make_visit("a", now() - timedelta(hours=3))
    make_visit("b", now())
    cli.do_chores(folder(both_engines))
    assert count(Visit) == 1
    assert (folder(both_engines) / "audit-heads").exists()
    assert "could not delete saved plans: ValueError" in caplog.text
    assert "typed" not in caplog.text
    make_visit("c", now() - timedelta(hours=3))
    done = both_engines.test_cli_runner().invoke(args=["retention", "run"])
    assert (done.exit_code, "saved plans: ValueError" in done.output) == (1, True)
    assert "deleted 1 visits" in done.output


def test_a_dry_run_deletes_nothing(both_engines: Flask) -> None:
    make_resident(now() - timedelta(days=400))
    make_visit("a", now() - timedelta(hours=3))
    done = both_engines.test_cli_runner().invoke(args=["retention", "run", "--dry-run"])
    assert done.exit_code == 0, done.output
    assert "would delete 1 visits" in done.output
    assert "would delete 1 saved plans" in done.output
    assert (count(Resident), count(Visit)) == (1, 1)


def test_a_plan_opened_just_now_is_not_deleted_by_an_old_list(both_engines: Flask) -> None:
    number = make_resident(NOON - timedelta(days=400))
    with transaction() as session:
        idle = Resident.last_used_at <= NOON - timedelta(days=396)
        session.execute(text("UPDATE residents SET last_used_at = '2026-11-25 11:00:00'"))
        assert not people._erase(session, number, "expire", ("plan",), NOON, only_if=idle)
        assert session.get(Resident, number) is not None


def test_two_who_delete_one_plan_leave_one_row_in_the_record(both_engines: Flask) -> None:
    number = make_resident()
    with transaction() as session:
        assert people._erase(session, number, "delete", ("plan",), NOON)
        assert not people._erase(session, number, "delete", ("plan",), NOON)
    with transaction() as session:
        assert session.query(audit.AuditRow).filter_by(action="delete").count() == 1


def make_steps(number: int) -> list[int]:
    with transaction() as session:
        plan = Roadmap(resident_id=number, answers={}, choices={}, made_at=NOON, changed_at=NOON)
        plan.progress = [
            StepProgress(step_id=step, status="not_started", changed_at=NOON) for step in ("A1", "A2")
        ]
        session.add(plan)
        session.flush()
        for row in plan.progress:
            history.move(session, row, "doing", actor="resident", now=NOON)
        return [row.id for row in plan.progress]


def test_the_history_of_a_plan_goes_with_it_and_is_nobody_elses(both_engines: Flask) -> None:
    first = make_resident()
    steps = make_steps(first)
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, first), now=NOON)
    assert count(history.StatusChange) == 0
    again = make_steps(make_resident())
    assert not set(steps) & set(again)
    assert count(history.StatusChange) == 2


def test_an_unsaved_plan_takes_its_history_with_it(both_engines: Flask) -> None:
    make_visit("a", now() - timedelta(hours=3))
    with transaction() as session:
        visit = session.query(Visit).one()
        plan = Roadmap(visit_id=visit.id, answers={}, choices={}, made_at=NOON, changed_at=NOON)
        plan.progress = [StepProgress(step_id="A1", status="not_started", changed_at=NOON)]
        session.add(plan)
        session.flush()
        history.move(session, plan.progress[0], "doing", actor="resident", now=NOON)
    cli.do_chores(folder(both_engines))
    assert (count(Roadmap), count(StepProgress), count(history.StatusChange)) == (0, 0, 0)


def make_report(at: datetime, words: str = "w") -> int:
    with transaction() as session:
        place = session.query(Place).first() or Place(
            slug="a", source_key="a", name="A", kinds="library", confidence="high",
            source="s", licence="l", read_on=NOON.date(),
        )  # fmt: skip
        session.add(place)
        session.flush()
        return places.report_place(session, place=place, what="hours", words=words, language="en", now=at).id


def test_reports_go_ninety_days_after_they_were_settled_and_all_after_a_year(both_engines: Flask) -> None:
    day = timedelta(days=1)
    ages = {"new, eleven months": 364, "new, a year": 365, "settled lately": 200, "settled long ago": 201}
    made = {what: make_report(NOON - days * day, what) for what, days in ages.items()}
    with transaction() as session:
        for what, ago in (("settled lately", 89), ("settled long ago", 90)):
            places.settle_report(
                session, report_id=made[what], to="mended", actor="command", now=NOON - ago * day
            )
    with transaction() as session:
        assert places.delete_old_reports(session, now=NOON) == 2
    with transaction() as session:
        left = {report.words for report in session.scalars(select(PlaceReport))}
        assert left == {"new, eleven months", "settled lately"}
        assert set(session.scalars(select(history.StatusChange.row_id))) == {made["settled lately"]}


def write_rows(many: int, action: str, at: datetime, first: int = 0) -> None:
    with transaction() as session:
        session.execute(text("INSERT INTO audit_heads VALUES (0, 0, 'x') ON CONFLICT DO NOTHING"))
        session.execute(
            audit.AuditRow.__table__.insert(),
            [
                {
                    "id": first + number, "chain": 0, "seq": first + number, "at": at, "actor_kind": "resident",
                    "action": action, "purpose": "own", "resident_id": number, "items": "plan", "mac": "x",
                }
                for number in range(1, many + 1)
            ],
        )  # fmt: skip


def test_deletions_are_found_by_an_index_of_their_own(both_engines: Flask) -> None:
    """Every page of a saved plan is a row of the record; the worker asks each minute who was deleted."""
    write_rows(5_000, "read roadmaps.plan", NOON)
    write_rows(2, "delete", NOON, first=9_000)
    seen: list[str] = []
    with transaction() as session:
        session.execute(text("ANALYZE"))
    with transaction() as session:
        # In a session that may only read: no lock is asked for.
        found = audit.endings_since(session, NOON - timedelta(days=1))
        assert sorted(found) == [(NOON, 1), (NOON, 2)]
        asked = select(audit.AuditRow.at, audit.AuditRow.resident_id).where(
            audit._ENDINGS_SQL, audit.AuditRow.at >= NOON
        )
        compiled = asked.compile(engine(), compile_kwargs={"literal_binds": False})
        plan = "EXPLAIN QUERY PLAN " if engine().dialect.name == "sqlite" else "EXPLAIN "
        rows = session.connection().exec_driver_sql(
            plan + str(compiled), tuple(compiled.params.values()) if compiled.positional else dict.fromkeys(compiled.params, NOON)
        )  # fmt: skip
        seen = [str(row) for row in rows]
    assert "ix_audit_rows_endings" in " ".join(seen), seen


def test_a_line_of_erasures_nobody_can_read_ends_nothing(both_engines: Flask) -> None:
    path = folder(both_engines) / "erasures"
    path.write_bytes(
        b"nonsense\n2026-11-01T10:00:00 7\n2026-11-01T10:00:00+00:00 x\n\xff\xfe\n\n2026-11-01T10:00:00+00:00 8\n"
    )
    assert backup.erased(path.parent) == {8: datetime(2026, 11, 1, 10, tzinfo=UTC)}
    write_rows(1, "delete", NOON)
    cli.do_chores(path.parent)
    assert backup.erased(path.parent) == {8: datetime(2026, 11, 1, 10, tzinfo=UTC), 1: NOON}
    assert b"nonsense" in path.read_bytes()


def test_deleted_people_do_not_stay_in_the_log_of_sqlite(app: Flask) -> None:
    with app.app_context():
        number = make_resident()
        with transaction() as session:
            (sealed,) = session.execute(text("SELECT code_hash FROM residents")).one()
        with transaction() as session:
            people.delete_resident(session, resident=session.get_one(Resident, number), now=NOON)
        log = folder(app) / "test.sqlite3-wal"
        assert sealed.encode() in log.read_bytes()
        cli.do_chores(folder(app))
        assert log.read_bytes() == b""
        assert sealed.encode() not in (folder(app) / "test.sqlite3").read_bytes()
        with transaction() as session:
            assert session.execute(text("PRAGMA busy_timeout")).scalar() == 15_000


def test_a_reader_keeps_the_log_and_no_chore_fails_for_it(app: Flask) -> None:
    with app.app_context():
        make_resident()
        with engine().connect() as reader:
            reader.execute(text("SELECT count(*) FROM residents")).scalar()
            make_resident()
            assert not shorten_log(engine())
            cli.do_chores(folder(app))
        assert shorten_log(engine())
