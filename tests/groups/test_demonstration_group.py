"""The demonstration shows a group to whoever leads it; a second time does nothing; it goes without a trace."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import reading, transaction
from inclusion_app.groups import demonstration, queries
from inclusion_app.groups.models import Group, GroupFacilitator, GroupMember
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps.models import Roadmap
from tests.accounts.test_commands import run
from tests.factories.people import make_person

TABLES = (Group, GroupFacilitator, GroupMember, Resident, Roadmap)


def counts(app: Flask) -> list[int]:
    with app.app_context(), reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def test_it_shows_a_next_step_and_comes_once(app: Flask) -> None:
    assert "a group of 5" in run(app, "demo", "load").output
    before = counts(app)
    assert before[:3] == [1, 1, 5]
    assert "a group of" not in run(app, "demo", "load").output and counts(app) == before
    with app.app_context(), reading() as session:
        group = session.scalars(select(Group)).one()
        together = queries.together(session, group, today=today())
        assert together.enough and together.line.following


def test_it_goes_without_a_trace_and_whoever_joined_keeps_their_plan(app: Flask) -> None:
    run(app, "demo", "load")
    with app.app_context(), transaction() as session:
        person = make_person(session).id
        group_id = session.scalars(select(Group.id)).one()
        session.add(GroupMember(group_id=group_id, resident_id=person, joined_at=now()))
        real = Group(
            code_hash="x" * 64, code="ABCD", secret_kind="pin",  # noqa: S106 - which kind, not a secret
            secret_hash="x", name="Monday tea", language="en", kept={}, made_at=now(), last_used_at=now(),
        )  # fmt: skip
        session.add(real)
    assert run(app, "demo", "remove").exit_code == 0
    with app.app_context(), reading() as session:
        assert [one.name for one in session.scalars(select(Group))] == ["Monday tea"]
        assert session.scalars(select(Resident.id)).all() == [person]
        assert session.scalars(select(GroupMember.id)).all() == []
        assert session.scalars(select(GroupFacilitator.id)).all() == []
    assert demonstration.NAME.endswith("(demonstration)")
