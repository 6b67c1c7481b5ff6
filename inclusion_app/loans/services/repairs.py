"""Repair: a ticket for each fault, a workshop that has the machine, and a result that says what the machine is after it.

A unit has one open ticket at most; the index has the last word. A machine that somebody has on loan stays what it is until
it is back: the ticket waits for it, and nothing makes it ready while the ticket is open (`is_broken`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, lazyload

from inclusion_app.core import history
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.loans.models import Loan, Ticket, Unit
from inclusion_app.loans.rules import FAULTS, RESULTS, after_repair
from inclusion_app.places.models import Place

NOTE_LENGTH = 300
IS_RETIRED = N_("This one is retired.")
IS_MISSING = N_("This one is missing. Take it in first, then open a ticket.")
NOT_BACK = N_("Somebody has this one on loan. Take it in first.")
NO_FAULT = N_("Choose what is wrong.")
NO_RESULT = N_("Choose what came of it.")
NO_WORKSHOP = N_("Choose the workshop.")


def open_ticket(
    session: Session, *, unit: Unit, fault: str, staff_id: int | None, now: datetime, note: str = ""
) -> Ticket:
    """A fault of a unit is known: it goes to repair, unless somebody has it on loan. None of the staff: its person said so.

    Where a ticket is open already, that one is given back, with the new fault in its note. Raises RuleBroken for a fault
    nobody knows, and for a unit that is retired or missing.
    """
    if fault not in FAULTS:
        raise RuleBroken(NO_FAULT, field="fault")
    # Whoever issues it or opens another ticket for it waits here.
    session.scalar(select(Unit.id).where(Unit.id == unit.id).with_for_update())
    session.refresh(unit, ["status"])
    if unit.status == "retired":
        raise RuleBroken(IS_RETIRED)
    if unit.status == "missing":
        raise RuleBroken(IS_MISSING)
    note = one_line(note)[:NOTE_LENGTH]
    known = ticket_of(session, unit.id)
    if known is None:
        ticket = Ticket(
            unit_id=unit.id, organisation_id=unit.holder_id, status="reported", fault=fault, note=note,
            opened_at=now, opened_by_id=staff_id,
        )  # fmt: skip
        try:
            with session.begin_nested():
                session.add(ticket)
        except IntegrityError:  # the index let another one through
            known = ticket_of(session, unit.id)
            if known is None:
                raise RuleBroken(CHANGED_ALREADY) from None
    if known is not None:
        _say_more(known, fault, note)
        ticket = known
    if unit.status != "repair" and not _is_out(session, unit.id):
        history.move(session, unit, "repair", actor="staff", now=now, why=fault)
    return ticket


def _say_more(ticket: Ticket, fault: str, note: str) -> None:
    """The same machine, another fault: told by its words, and only where they say something new."""
    new = [words for words in (FAULTS[fault] if fault != ticket.fault else "", note) if words]
    more = [words for words in new if words not in ticket.note]
    ticket.note = "; ".join(words for words in (ticket.note, *more) if words)[:NOTE_LENGTH]


def ticket_of(session: Session, unit_id: int) -> Ticket | None:
    """The open ticket of a unit."""
    wanted = select(Ticket).where(Ticket.unit_id == unit_id, Ticket.status != "done")
    return session.scalar(wanted.options(lazyload(Ticket.unit)))


def is_broken(session: Session, unit_id: int) -> bool:
    """True while a ticket is open: what asks whether a unit may be made ready asks this too."""
    return bool(session.scalar(select(exists().where(Ticket.unit_id == unit_id, Ticket.status != "done"))))


def _is_out(session: Session, unit_id: int) -> bool:
    return bool(session.scalar(select(exists().where(Loan.unit_id == unit_id, Loan.status == "active"))))


def send(session: Session, *, ticket: Ticket, workshop: Place, now: datetime) -> None:
    """To a workshop: a FabLab or a repair café. From one workshop to another too.

    Raises RuleBroken while somebody has the unit on loan.
    """
    unit = _here(session, ticket)
    if ticket.status == "at_workshop":
        if ticket.workshop_id == workshop.id:
            raise RuleBroken(CHANGED_ALREADY)
        ticket.workshop_id = workshop.id
        return
    ticket.workshop_id = workshop.id
    history.move(session, ticket, "at_workshop", actor="staff", now=now)
    if unit.status != "repair":
        history.move(session, unit, "repair", actor="staff", now=now, why=ticket.fault)


def wait_for_part(session: Session, *, ticket: Ticket, now: datetime) -> None:
    """The workshop has it and waits for a part. Raises RuleBroken when it is at none."""
    history.move(session, ticket, "waiting_for_part", actor="staff", now=now)


def go_on(session: Session, *, ticket: Ticket, now: datetime) -> None:
    """The part came. Raises RuleBroken when it waits for none."""
    if ticket.status != "waiting_for_part":
        raise RuleBroken(CHANGED_ALREADY)
    history.move(session, ticket, "at_workshop", actor="staff", now=now)


def end(session: Session, *, ticket: Ticket, result: str, now: datetime) -> None:
    """What came of it. Mended, it is tested again, or lies in quarantine where nobody wiped it yet; else it is written off.

    Raises RuleBroken for a result nobody knows, and while somebody has the unit on loan.
    """
    if result not in RESULTS:
        raise RuleBroken(NO_RESULT, field="result")
    unit = _here(session, ticket)
    if unit.status == "missing":
        raise RuleBroken(IS_MISSING)
    ticket.result, ticket.done_at = result, now
    history.move(session, ticket, "done", actor="staff", now=now, why=result)
    to = after_repair(result, wiped_at=unit.wiped_at, returned_at=unit.returned_at)
    if unit.status == "retired":
        return  # written off meanwhile
    # No check before the repair counts: the machine was open.
    unit.checked_at = None
    if to == "wiping":
        unit.wiped_at = None
    if unit.status in ("quarantine", "wiping") and to != "retired":
        return  # it came back since, and is on its way to be wiped
    if to == "retired":
        unit.retired_for = result
    if unit.status != to:
        history.move(session, unit, to, actor="staff", now=now, why=result)


def _here(session: Session, ticket: Ticket) -> Unit:
    """Its unit, kept still; nobody has it on loan. Raises RuleBroken."""
    unit = session.get_one(Unit, ticket.unit_id)
    session.scalar(select(Unit.id).where(Unit.id == unit.id).with_for_update())
    session.refresh(unit, ["status"])
    if _is_out(session, unit.id):
        raise RuleBroken(NOT_BACK)
    return unit
