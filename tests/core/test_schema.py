"""Migrations keep what is there: up from every schema that was ever landed, and down again, with data in it."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import inspect, text

from inclusion_app.core import audit, migrations
from inclusion_app.core.db import engine, transaction
from inclusion_app.people.models import Resident
from tests.core.test_trust import make_resident

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
