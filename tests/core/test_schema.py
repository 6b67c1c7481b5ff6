"""Migrations keep what is there: up from every schema that was ever landed, and down again, with data in it."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import inspect, text

from inclusion_app.core import audit, migrations
from inclusion_app.core.db import engine, transaction
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people.models import Resident
from inclusion_app.training.models import Booking
from tests.core.test_trust import make_resident
from tests.factories.training import make_booking, make_session

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = "ec959aa3b1c6"


def tables() -> set[str]:
    return set(inspect(engine()).get_table_names())


def test_down_to_the_first_schema_and_up_again_keeps_people_and_record(both_engines: Flask) -> None:
    number = make_resident()
    with transaction() as session:
        audit.record(
            session, at=NOON, actor_kind="staff", actor_id=1, action="read", purpose="own", resident_id=number,
            reason="typed words",
        )  # fmt: skip
    migrations.downgrade(FIRST)
    assert not tables() & {"audit_reasons", "known_networks", "offer_gaps"}
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM audit_rows")).scalar() == 2
    migrations.upgrade()
    assert not migrations.pending_migrations()
    assert tables() >= {"audit_reasons", "known_networks", "offer_gaps"}
    with transaction() as session:
        assert session.get_one(Resident, number).nickname == "Canary Amina"
        # The reason itself went with its table; what it was can still be told from another.
        assert audit.verify(session) == []


def test_the_schema_is_what_the_classes_say(both_engines: Flask) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from inclusion_app import models_index

    with engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, models_index.metadata) == []


BEFORE_OWNERS = "b41c7d20e9f5"
PLAN = "INSERT INTO roadmaps (id, resident_id, answers, choices, made_at, changed_at) VALUES (:id, :id, '', '', :at, :at)"
STEP = "INSERT INTO step_progress (id, roadmap_id, step_id, status, changed_at) VALUES (:id, :plan, 'A1', 'doing', :at)"
CHANGE = (
    "INSERT INTO status_changes (noun, row_id, before, after, at, actor, why)"
    " VALUES (:noun, :id, 'not_started', :after, :at, 'resident', '')"
)
CHANGE_OF_PLAN = (
    "INSERT INTO status_changes (noun, row_id, before, after, at, actor, why, roadmap_id)"
    " VALUES ('step_progress', 1, 'not_started', 'doing', :at, 'resident', '', :plan)"
)
PLACE = (
    "INSERT INTO places (id, slug, source_key, name, kinds, address, postcode, area, phone, website, opening_note,"
    " holiday_rule, hours_confirmed, hours_source, hours_source_on, hours_differ, self_service_unknown, confidence,"
    " source, source_address, licence, source_on, read_on)"
    " VALUES (1, 'a', 'a', 'A', 'library', '', '', '', '', '', '', 'ask', false, '', '', false, false, 'high', 's', '',"
    " 'l', '', '2026-11-01')"
)
REPORT = (
    "INSERT INTO place_reports (id, place_id, what, words, language, status, at)"
    " VALUES (3, 1, 'hours', '', 'en', 'mended', :at)"
)


def test_changes_of_deleted_plans_go_and_the_rest_find_their_owner(both_engines: Flask) -> None:
    number = make_resident()
    migrations.downgrade(BEFORE_OWNERS)
    early, late = "2026-11-01 10:00:00", "2026-11-20 10:00:00"
    with transaction() as session:
        # Step 6 was a deleted person's on the 1st, and its number was given again to the plan made on the 20th.
        session.execute(text(PLAN), {"id": number, "at": late})
        session.execute(text(STEP), {"id": 6, "plan": number, "at": late})
        session.execute(text(PLACE))
        session.execute(text(REPORT), {"at": late})
        for noun, row, after, at in (
            ("step_progress", 6, "done_alone", early),
            ("step_progress", 6, "doing", late),
            ("step_progress", 7, "doing", late),
            ("place_reports", 3, "mended", late),
            ("place_reports", 4, "mended", late),
        ):
            session.execute(text(CHANGE), {"noun": noun, "id": row, "after": after, "at": at})
    migrations.upgrade()
    with transaction() as session:
        found = session.execute(
            text("SELECT noun, row_id, after, roadmap_id, place_id FROM status_changes ORDER BY noun DESC")
        ).all()
        assert [tuple(row) for row in found] == [
            ("step_progress", 6, "doing", number, None), ("place_reports", 3, "mended", None, 1),
        ]  # fmt: skip
        assert session.execute(text("SELECT count(*) FROM place_reports WHERE settled_at = at")).scalar() == 1
    migrations.downgrade(BEFORE_OWNERS)
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM status_changes")).scalar() == 2
        assert session.execute(text("SELECT status FROM step_progress")).all() == [("doing",)]
    migrations.upgrade()


def test_a_number_the_history_names_is_given_once(both_engines: Flask) -> None:
    if engine().dialect.name != "sqlite":
        return  # a sequence never goes back
    with transaction() as session:
        made = dict(session.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all())  # type: ignore[arg-type]
    assert [name for name in ("step_progress", "place_reports") if "AUTOINCREMENT" not in made[name]] == []


VISIT = "INSERT INTO visits (id, token_hash, unlocked, started_at, last_used_at) VALUES (1, 't', 'nothing', :at, :at)"
UNSAVED = "INSERT INTO roadmaps (id, visit_id, answers, choices, made_at, changed_at) VALUES (90, 1, '', '', :at, :at)"
KEPT = ("residents", "visits", "roadmaps", "step_progress", "places", "place_reports")


def test_no_migration_takes_rows_that_belong_to_a_table_it_writes_anew(both_engines: Flask) -> None:
    """On SQLite a changed table is dropped and written again; its plans and reports must not go with it."""
    number, at = make_resident(), {"at": "2026-11-20 10:00:00"}
    migrations.downgrade(FIRST)
    with transaction() as session:
        for statement in (VISIT, UNSAVED, PLACE, REPORT):
            session.execute(text(statement), at)
        session.execute(text(PLAN), {"id": number, **at})
        for row, plan in ((6, number), (7, 90)):
            session.execute(text(STEP), {"id": row, "plan": plan, **at})

    def counts() -> dict[str, int]:
        with transaction() as session:
            return {
                name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar() or 0 for name in KEPT
            }

    before = counts()
    migrations.upgrade()
    assert counts() == before
    migrations.downgrade(FIRST)
    assert counts() == before
    migrations.upgrade()
    with transaction() as session:
        if session.get_bind().dialect.name == "sqlite":
            assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1


BEFORE_TRAINING = "3d6ff9c79c87"


def test_training_goes_down_with_bookings_in_it_and_up_again(both_engines: Flask) -> None:
    number, at = make_resident(), {"at": "2026-11-20 10:00:00"}
    with transaction() as session:
        session.execute(text(PLAN), {"id": number, **at})
        session.execute(text(CHANGE_OF_PLAN), {"plan": number, **at})
        training = make_session(session)
        by_call = {"contact_kind": "call", "contact": "+447700900123", "needs": {"codes": ["bsl"]}}
        make_booking(session, training, resident_id=number, **by_call)
        session.flush()
        assert [session.query(kind).count() for kind in (Booking, Message, TrayItem)] == [1, 1, 1]
    migrations.downgrade(BEFORE_TRAINING)
    assert not tables() & {"bookings", "occurrences", "training_sessions", "courses", "credentials"}
    with transaction() as session:
        left = {
            name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar()
            for name in ("residents", "roadmaps", "status_changes", "messages", "tray_items", "places")
        }
        # The history of the plan stays; what was told about bookings and their codes went with them.
        assert left == {
            "residents": 1, "roadmaps": 1, "status_changes": 1, "messages": 0, "tray_items": 0, "places": 1
        }  # fmt: skip
        kinds = session.execute(text("SELECT DISTINCT kind FROM given_codes")).scalars().all()
        assert "booking" not in kinds
    migrations.upgrade()
    assert not migrations.pending_migrations()
    with transaction() as session:
        assert session.get_one(Resident, number).nickname == "Canary Amina"
        assert make_booking(session, make_session(session), resident_id=number).status == "booked"
