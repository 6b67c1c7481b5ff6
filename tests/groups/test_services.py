"""Verbs of a group on both engines: races, what is deleted with what, and what stands in the database in clear."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, inspect, select, text
from sqlalchemy.orm import Session

from inclusion_app.core import pins
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import engine, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.groups import queries, rules, services
from inclusion_app.groups.models import Group, GroupMember
from inclusion_app.people import services as people
from inclusion_app.people.models import GivenCode, Resident
from inclusion_app.roadmaps.models import Household, HouseholdMember, Roadmap
from tests.conftest import SECRET

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HASH = pins.hash_secret("8306", SECRET)


def group(session: Session, name: str = "Tea") -> Group:
    return services.make_group(
        session, name=name, secret_kind="pin", secret_hash=HASH, language="en", now=NOON
    )


def resident(session: Session, goals: tuple[str, ...] = ("g03",)) -> int:
    made = people.make_resident(
        session, secret_kind="pin", secret_hash=HASH, nickname="Zarqa", pin_for_everything=False, language="en", now=NOON
    )  # fmt: skip
    answers = {"q1": list(goals), "q2": ["smartphone"], "q3": "yes"}
    session.add(Roadmap(resident_id=made.id, answers=answers, choices={}, made_at=NOON, changed_at=NOON))
    session.flush()
    return made.id


def made(members: int) -> tuple[int, list[int]]:
    with transaction() as session:
        mine = group(session)
        people_in = [resident(session) for _ in range(members)]
        for number in people_in:
            services.join(session, group=mine, resident_id=number, actor="resident", now=NOON)
        return mine.id, people_in


def at_once(app: Flask, *works: Callable[[Session], Any]) -> list[Any]:
    """Each in a transaction and a thread of its own, begun together."""
    start, answers = threading.Barrier(len(works)), []

    def run(work: Callable[[Session], Any]) -> None:
        with app.app_context():
            start.wait(5)
            with transaction() as session:
                answers.append(work(session))

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_joining_twice_and_at_once_makes_one_member_and_one_row(both_engines: Flask) -> None:
    group_id, _ = made(0)
    with transaction() as session:
        number = resident(session)

    def join(session: Session) -> None:
        mine = session.get_one(Group, group_id)
        services.join(session, group=mine, resident_id=number, actor="resident", now=NOON)

    assert at_once(both_engines, join, join) == [None, None]
    with transaction() as session:
        join(session)
        assert session.query(GroupMember).count() == 1
        assert len(session.scalars(select(AuditRow).where(AuditRow.action == "join group")).all()) == 1


def test_two_who_write_notes_at_once_keep_both(both_engines: Flask) -> None:
    group_id, _ = made(0)

    def write(what: str) -> Callable[[Session], None]:
        note = {"what": what, "when": "", "where": ""}
        return lambda session: services.add_note(session, group_id=group_id, note=note, now=NOON)

    at_once(both_engines, write("Tea"), write("Walk"))
    with transaction() as session:
        notes = queries.notes_of(session.get_one(Group, group_id))
        assert {note["what"] for note in notes} == {"Tea", "Walk"}
        assert {note["id"] for note in notes} == {1, 2}
        services.keep_paper(session, group_id=group_id, people=2, ticks={"F1": 2, "S1": 0}, now=NOON)
        services.done_together(session, group_id=group_id, step_id="A2", now=NOON)
        mine = session.get_one(Group, group_id)
        assert queries.paper_of(mine) == rules.PaperList(2, {"F1": 2})
        assert len(queries.notes_of(mine)) == 2


def test_a_note_somebody_deleted_meanwhile_is_not_brought_back(both_engines: Flask) -> None:
    group_id, _ = made(0)
    note = {"what": "Tea", "when": "", "where": ""}
    with transaction() as session:
        services.add_note(session, group_id=group_id, note=note, now=NOON)
        services.delete_note(session, group_id=group_id, number=1, now=NOON)
        services.delete_note(session, group_id=group_id, number=1, now=NOON)
        with pytest.raises(RuleBroken):
            services.change_note(session, group_id=group_id, number=1, note=note, now=NOON)


def test_leaving_twice_is_fine_and_only_the_members_own_chain_knows(both_engines: Flask) -> None:
    group_id, (first, second) = made(2)
    for number in (first, first, second):
        with transaction() as session:
            services.leave(session, group_id=group_id, resident_id=number, now=NOON)
    with transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "leave group")).all()
        assert [row.resident_id for row in rows] == [first, second]
        assert session.query(Group).count() == 1
        assert session.query(Roadmap).count() == 2


def test_a_deleted_person_is_out_and_a_closed_group_takes_no_plan_along(both_engines: Flask) -> None:
    group_id, (first, second) = made(2)
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, first), now=NOON)
    with transaction() as session:
        assert [row.resident_id for row in session.query(GroupMember)] == [second]
        services.close(session, group_id=group_id)
    with transaction() as session:
        services.close(session, group_id=group_id)  # pressed twice
        assert session.query(Group).count() == session.query(GroupMember).count() == 0
        assert session.query(Resident).count() == 1
        assert [row.kind for row in session.query(GivenCode)] == ["resident"]


def test_groups_nobody_used_for_13_months_go_with_their_code(both_engines: Flask) -> None:
    group_id, _ = made(1)
    with transaction() as session:
        later = group(session)
        later.last_used_at = NOON + timedelta(days=30)
    day = NOON + rules.GROUP_IDLE
    with transaction() as session:
        assert services.delete_idle_groups(session, now=day - timedelta(seconds=1)) == 0
        assert services.delete_idle_groups(session, now=day) == 1
    with transaction() as session:
        assert session.get(Group, group_id) is None
        assert session.query(GroupMember).count() == 0
        assert session.query(Resident).count() == 1
        assert sorted(row.kind for row in session.query(GivenCode)) == ["group", "resident"]


def test_a_group_of_forty_costs_a_few_selects(both_engines: Flask) -> None:
    group_id, _ = made(40)
    statements: list[str] = []
    with transaction() as session:
        mine = session.get_one(Group, group_id)
        event.listen(engine(), "before_cursor_execute", lambda *facts: statements.append(facts[2]))
        found = queries.together(session, mine, today=NOON.date())
    assert found.enough
    assert found.line.following == "F1"
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    assert 2 <= len(selects) <= 5


def test_members_of_one_home_count_each_with_the_plan_of_the_home(both_engines: Flask) -> None:
    group_id, members = made(3)
    with transaction() as session:
        home = Household(made_at=NOON)
        session.add(home)
        session.flush()
        session.add(
            Roadmap(household_id=home.id, answers={"q1": ["g12"]}, choices={}, made_at=NOON, changed_at=NOON)
        )
        for number in members[:2]:
            session.add(
                HouseholdMember(household_id=home.id, resident_id=number, nickname="Zarqa", joined_at=NOON)
            )
        session.flush()
        found = queries.together(session, session.get_one(Group, group_id), today=NOON.date())
        assert found.line.following == "M1"


def test_a_group_is_seen_by_its_keeper_and_its_members_only(both_engines: Flask) -> None:
    group_id, (number,) = made(1)
    with transaction() as session:
        other = resident(session)
        for principal, seen in (
            (Principal("visit", 1, None, group_id), (True, False)),
            (Principal("resident", 1, number, None), (False, True)),
            (Principal("resident", 1, number, group_id), (True, True)),
            (Principal("code", 1, number, None), None),
            (Principal("resident", 1, other, None), None),
            (Principal("visit", 1, None, group_id + 1), None),
            (Principal("stranger"), None),
        ):
            found = queries.seen_by(session, principal, group_id)
            assert (found and (found.keeps, found.member)) == seen, principal


def test_own_words_of_a_group_stand_nowhere_in_clear_and_are_gone_with_it(both_engines: Flask) -> None:
    canary = "Canary tea in the blue hall"
    with transaction() as session:
        mine = group(session, canary)
        note = {"what": canary, "when": canary, "where": canary}
        services.add_note(session, group_id=mine.id, note=note, now=NOON)
        session.flush()
        code, number = mine.code, mine.id
        assert not found_in_tables(session, canary)
        assert not found_in_tables(session, code)
        services.close(session, group_id=number)
        session.flush()
        assert session.scalar(text("SELECT count(*) FROM self_help_groups")) == 0
        assert session.scalar(text("SELECT count(*) FROM given_codes")) == 0


def found_in_tables(session: Session, words: str) -> list[str]:
    return [
        name
        for name in inspect(session.connection()).get_table_names()
        if any(words in str(row) for row in session.execute(text(f'SELECT * FROM "{name}"')))
    ]
