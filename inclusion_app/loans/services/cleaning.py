"""The clean gate: no machine is ready unless it was wiped and found safe, both after it last came back.

A wipe and a check are rows that stay. The unit keeps the day of the last of each; one statement asks for both before it is
ready, and the table's own constraint has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.models import Evidence, SafetyCheck, Ticket, Unit, Wipe
from inclusion_app.loans.rules import FAULTS, WIPE_METHODS, WIPED_EARLY
from inclusion_app.loans.services.repairs import open_ticket

TO_CLEAN = ("intake", "quarantine", "wiping", "testing")
CHOOSE_METHOD = N_("Choose how it was wiped.")
SAY_TOOL = N_("Say with which tool it was wiped, in up to 60 letters.")
NOT_TO_CLEAN = N_("This one does not wait to be wiped. Look at its page.")
WIPED_BEFORE = N_("This was before it last came back. Wipe it again.")
NOT_YET = N_("This time is still to come.")
HELD = N_("Somebody may come back for a file until %(day)s. Say why you wiped it before.")
ALREADY = N_("This report is written down for it already.")
NOT_IN_POOL = N_("This file is not known.")
CHOOSE_FAULT = N_("Choose what is wrong with it.")
NO_FAULT_HERE = N_("It has passed, so nothing is wrong. Take the ticks away.")
NOT_WIPED = N_("It is not wiped since it last came back.")
NOT_CHECKED = N_("It is not checked since it last came back.")
LOCKED = N_("It is still locked to an account. Take the lock off first.")
IN_REPAIR = N_("A repair of it is not done.")
IS_READY = N_("It is ready already.")


@dataclass(frozen=True)
class Wiped:
    """How something was wiped, with what and when. `early` is a code of WIPED_EARLY, for one that was still held."""

    method: str
    tool: str
    at: datetime
    early: str = ""


def why_not_wiped(unit: Unit, wiped: Wiped, *, now: datetime) -> RuleBroken | None:
    """What stands against writing down this wipe of this unit; None when nothing does."""
    if wiped.method not in WIPE_METHODS:
        return RuleBroken(CHOOSE_METHOD, field="method")
    if not wiped.tool or len(wiped.tool) > 60:
        return RuleBroken(SAY_TOOL, field="tool")
    if unit.status not in TO_CLEAN:
        return RuleBroken(NOT_TO_CLEAN)
    if wiped.at > now:
        return RuleBroken(NOT_YET, field="wiped_on")
    if unit.returned_at is not None and wiped.at <= unit.returned_at:
        return RuleBroken(WIPED_BEFORE, field="wiped_on")
    held = unit.hold_until is not None and wiped.at.astimezone(LONDON).date() < unit.hold_until
    if held and wiped.early not in WIPED_EARLY:
        return RuleBroken(HELD, field="early", day=f"{unit.hold_until:%d.%m.%Y}")
    return None


def record_wipe(
    session: Session,
    *,
    unit: Unit,
    wiped: Wiped,
    staff_id: int | None,
    now: datetime,
    evidence: Evidence | None = None,
) -> Wipe:
    """Somebody verified that a unit is wiped: it goes on to be tested. The same report counts for a unit once.

    Raises RuleBroken for what is not here to be wiped, a time that cannot be, and before the days of its hold are over.
    """
    _hold(session, unit)
    broken = why_not_wiped(unit, wiped, now=now)
    if broken is not None:
        raise broken
    if evidence is not None and evidence.organisation_id != unit.holder_id:
        raise RuleBroken(NOT_IN_POOL, field="file")
    row = Wipe(
        unit_id=unit.id, method=wiped.method, tool=wiped.tool, wiped_at=wiped.at, verified_at=now,
        verified_by_id=staff_id, evidence_id=evidence.id if evidence is not None else None,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise RuleBroken(ALREADY) from None
    unit.wiped_at = max(wiped.at, unit.wiped_at or wiped.at)
    why = wiped.early if unit.hold_until is not None else ""
    for step in {
        "intake": ("wiping", "testing"),
        "quarantine": ("wiping", "testing"),
        "wiping": ("testing",),
    }.get(unit.status, ()):
        history.move(session, unit, step, actor="staff", now=now, why=why)
        session.flush()
    unit.hold_until = None
    session.flush()
    return row


def record_check(
    session: Session,
    *,
    unit: Unit,
    passed: bool,
    faults: Sequence[str] = (),
    is_unlocked: bool | None = None,
    note: str = "",
    staff_id: int | None,
    now: datetime,
) -> SafetyCheck:
    """Somebody looked at cable, battery, case and lock. What fails goes to repair. Raises RuleBroken at a field."""
    _hold(session, unit)
    if unit.status not in TO_CLEAN:
        raise RuleBroken(NOT_TO_CLEAN)
    if not set(faults) <= set(FAULTS) or (not passed and not faults):
        raise RuleBroken(CHOOSE_FAULT, field="faults")
    if passed and faults:
        raise RuleBroken(NO_FAULT_HERE, field="faults")
    row = SafetyCheck(
        unit_id=unit.id, checked_at=now, checked_by_id=staff_id, passed=passed, faults=" ".join(faults)
    )
    session.add(row)
    if is_unlocked is not None:
        unit.is_unlocked = is_unlocked
    if passed:
        unit.checked_at = now
    session.flush()
    for fault in faults:
        open_ticket(session, unit=unit, fault=fault, staff_id=staff_id, now=now, note=note)
    session.flush()
    return row


def make_ready(session: Session, *, unit: Unit, now: datetime) -> None:
    """A tested unit is ready to be lent: one statement asks for all of the gate. Raises RuleBroken with what is missing."""
    session.flush()
    broken = exists().where(Ticket.unit_id == unit.id, Ticket.status != "done")
    gate = update(Unit).where(
        Unit.id == unit.id,
        Unit.status == "testing",
        Unit.wiped_at.is_not(None),
        Unit.checked_at.is_not(None),
        or_(
            Unit.returned_at.is_(None),
            (Unit.wiped_at > Unit.returned_at) & (Unit.checked_at > Unit.returned_at),
        ),
        or_(Unit.is_unlocked.is_(None), Unit.is_unlocked.is_(True)),
        ~broken,
    )
    # The statement holds the row; the move then finds it as it left it.
    if rows_changed(session, gate.values(hold_until=None)) != 1:
        session.refresh(unit)
        raise RuleBroken(why_not_ready(session, unit) or NOT_TO_CLEAN)
    history.move(session, unit, "ready", actor="staff", now=now)
    session.flush()


def why_not_ready(session: Session, unit: Unit) -> str | None:
    """What is still missing, in words; None when nothing is."""
    if unit.status == "ready":
        return IS_READY
    if unit.status not in TO_CLEAN:
        return NOT_TO_CLEAN
    if not is_since_return(unit.wiped_at, unit.returned_at):
        return NOT_WIPED
    if not is_since_return(unit.checked_at, unit.returned_at):
        return NOT_CHECKED
    if unit.is_unlocked is False:
        return LOCKED
    if session.scalar(select(exists().where(Ticket.unit_id == unit.id, Ticket.status != "done"))):
        return IN_REPAIR
    return None


def is_since_return(at: datetime | None, returned_at: datetime | None) -> bool:
    """True for a wipe or check that counts: after it last came back, or at all where it never was out."""
    return at is not None and (returned_at is None or at > returned_at)


def _hold(session: Session, unit: Unit) -> None:
    """The unit as it stands now; whoever else changes it waits until this is done."""
    session.flush()
    session.refresh(unit, with_for_update={"of": Unit})
