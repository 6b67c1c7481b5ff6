"""A fault: one open ticket for a unit, a workshop, a result that says what the machine is after it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.loans import rules
from inclusion_app.loans.models import TICKET_LIFECYCLE, SafetyCheck, Ticket, Unit
from inclusion_app.loans.services import custody, repairs
from tests.factories.loans import make_loan, make_unit
from tests.factories.training import make_place


def opened(session: Session, unit: Unit, fault: str = "screen", note: str = "") -> Ticket:
    return repairs.open_ticket(session, unit=unit, fault=fault, staff_id=None, now=now(), note=note)


def at_workshop(session: Session, unit: Unit) -> Ticket:
    ticket = opened(session, unit)
    repairs.send(session, ticket=ticket, workshop=make_place(session), now=now())
    return ticket


def refused(call: object) -> str:
    with pytest.raises(RuleBroken) as broken:
        call()  # type: ignore[operator]
    return broken.value.message


def test_what_is_broken_is_in_repair_and_cannot_be_lent(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        ticket = opened(session, unit)
        assert (ticket.status, unit.status, ticket.fault) == ("reported", "repair", "screen")
        assert repairs.is_broken(session, unit.id) and repairs.ticket_of(session, unit.id) is ticket
        assert custody.can_be_lent(session, unit.holder_id, unit.model_id) == 0
        with pytest.raises(RuleBroken):
            make_loan(session, unit=unit)


def test_a_second_fault_is_told_by_the_open_ticket(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        first, second = opened(session, unit), opened(session, unit, "battery", " swollen ")
        opened(session, unit, "battery", "swollen")
        assert first is second
        assert first.note == "The battery; swollen"
        assert session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_a_note_of_any_length_is_kept_to_its_column(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        assert len(opened(session, unit, note="x\x00y" * 400).note) == repairs.NOTE_LENGTH
        assert len(opened(session, unit, "slow", "z" * 400).note) == repairs.NOTE_LENGTH


@pytest.mark.parametrize(
    ("fault", "fitness", "said"),
    [
        ("love", "ready", repairs.NO_FAULT),
        ("screen", "missing", repairs.IS_MISSING),
        ("screen", "retired", repairs.IS_RETIRED),
    ],
)
def test_an_unknown_fault_and_a_unit_that_is_gone_are_refused(
    both_engines: Flask, fault: str, fitness: str, said: str
) -> None:
    with transaction() as session:
        gone = {"retired_for": "gifted"} if fitness == "retired" else {}
        unit = make_unit(session, status=fitness, **gone)
        assert refused(lambda: opened(session, unit, fault)) == said


def test_what_somebody_has_waits_for_its_return(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        make_loan(session, unit=unit)
        ticket = opened(session, unit)
        place = make_place(session)
        assert unit.status == "ready"
        assert (
            refused(lambda: repairs.send(session, ticket=ticket, workshop=place, now=now()))
            == repairs.NOT_BACK
        )
        end = lambda: repairs.end(session, ticket=ticket, result="mended", now=now())  # noqa: E731
        assert refused(end) == repairs.NOT_BACK
        custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now())
        assert unit.status == "quarantine" and repairs.is_broken(session, unit.id)
        repairs.send(session, ticket=ticket, workshop=place, now=now())
        assert (unit.status, ticket.status) == ("repair", "at_workshop")
        repairs.end(session, ticket=ticket, result="mended", now=now())
        # Nobody wiped it since it came back.
        assert unit.status == "quarantine" and not repairs.is_broken(session, unit.id)


@pytest.mark.parametrize(
    ("result", "fitness"),
    [
        ("mended", "testing"),
        ("no_fault", "testing"),
        ("new_drive", "wiping"),
        ("not_worth_it", "retired"),
        ("for_parts", "retired"),
        ("unsafe", "retired"),
    ],
)
def test_the_result_says_what_the_machine_is(both_engines: Flask, result: str, fitness: str) -> None:
    with transaction() as session:
        unit = make_unit(session)
        repairs.end(session, ticket=at_workshop(session, unit), result=result, now=now())
        session.flush()
        assert unit.status == fitness
        assert unit.retired_for == (result if fitness == "retired" else None)
        assert unit.checked_at is None and (unit.wiped_at is None) == (result == "new_drive")
        whys = session.scalars(select(StatusChange.why).where(StatusChange.noun == "units")).all()
        assert whys == ["screen", result]


def test_every_result_leads_somewhere_the_table_of_units_knows() -> None:
    assert set(rules.RESULTS) == set(rules.AFTER_REPAIR)
    for result in rules.RESULTS:
        for wiped in (None, now()):
            to = rules.after_repair(result, wiped_at=wiped, returned_at=None)
            assert Unit.__lifecycle__.allows("repair", to)
    assert all(len(code) <= 20 for code in rules.FAULTS) and all(len(code) <= 16 for code in rules.RESULTS)
    every = " ".join(rules.FAULTS)
    assert len(every) <= SafetyCheck.__table__.c.faults.type.length, "all of them fit into one safety check"


def test_a_wipe_before_the_return_does_not_count() -> None:
    moment = now()
    before, after = moment - timedelta(days=1), moment + timedelta(days=1)
    assert rules.after_repair("mended", wiped_at=before, returned_at=moment) == "quarantine"
    assert rules.after_repair("mended", wiped_at=after, returned_at=moment) == "testing"


VERBS = {
    "send": ("reported", "at_workshop"),
    "wait": ("at_workshop", "waiting_for_part"),
    "go_on": ("waiting_for_part", "at_workshop"),
    "end": ("any", "done"),
}


@pytest.mark.parametrize("state", sorted(TICKET_LIFECYCLE.moves))
def test_each_verb_from_each_state(both_engines: Flask, state: str) -> None:
    may = {
        "reported": {"send", "end"},
        "at_workshop": {"send", "wait", "end"},
        "waiting_for_part": {"send", "go_on", "end"},
        "done": set(),
    }[state]
    for verb in VERBS:
        with transaction() as session:
            ticket = opened(session, make_unit(session))
            if state != "reported":
                repairs.send(session, ticket=ticket, workshop=make_place(session), now=now())
            if state == "waiting_for_part":
                repairs.wait_for_part(session, ticket=ticket, now=now())
            if state == "done":
                repairs.end(session, ticket=ticket, result="mended", now=now())
            place = make_place(session)
            session.flush()
            acts = {
                "send": lambda t=ticket, p=place: repairs.send(session, ticket=t, workshop=p, now=now()),
                "wait": lambda t=ticket: repairs.wait_for_part(session, ticket=t, now=now()),
                "go_on": lambda t=ticket: repairs.go_on(session, ticket=t, now=now()),
                "end": lambda t=ticket: repairs.end(session, ticket=t, result="mended", now=now()),
            }
            if verb in may:
                acts[verb]()
                session.flush()
                assert ticket.status == VERBS[verb][1]
            else:
                assert refused(acts[verb]) == CHANGED_ALREADY
                session.rollback()


def test_what_was_written_off_or_lost_meanwhile(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        ticket = at_workshop(session, unit)
        unit.retired_for = "gifted"
        repairs.history.move(session, unit, "retired", actor="staff", now=now())
        repairs.end(session, ticket=ticket, result="mended", now=now())
        assert (ticket.status, unit.status, unit.retired_for) == ("done", "retired", "gifted")
        other = make_unit(session)
        ticket = opened(session, other)
        repairs.history.move(session, other, "missing", actor="staff", now=now())
        session.flush()
        end = lambda: repairs.end(session, ticket=ticket, result="mended", now=now())  # noqa: E731
        assert refused(end) == repairs.IS_MISSING


@pytest.mark.postgres
def test_many_open_a_ticket_for_one_unit_and_there_is_one(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        number = make_unit(session).id
    ready, said = threading.Barrier(6), []

    def report(fault: str) -> None:
        with app.app_context():
            ready.wait(30)
            try:
                with transaction() as session:
                    said.append(opened(session, session.get_one(Unit, number), fault).id)
            except Exception as err:  # noqa: BLE001 - named below
                said.append(repr(err))

    crowd = [threading.Thread(target=report, args=(fault,)) for fault in list(rules.FAULTS)[:6]]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    with app.app_context(), transaction() as session:
        (ticket,) = session.scalars(select(Ticket)).all()
        assert said == [ticket.id] * 6
        assert session.get_one(Unit, number).status == "repair"
        assert sum(words in ticket.note for words in rules.FAULTS.values()) == 5
