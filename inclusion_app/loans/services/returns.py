"""Return: scanned into quarantine at once, parts looked at later by the list they went out with. Nobody owes anything.

A mistake is undone: whoever scanned the wrong one says so within minutes, a coordinator until the parts were looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import (
    Loan,
    LoanPart,
    LoanRequest,
    StockItem,
    TakeIn,
    Transfer,
    Unit,
)
from inclusion_app.loans.services import custody, renewals, sims
from inclusion_app.loans.services.telling import about, free_keys, request_of, take_back, tell
from inclusion_app.messages.models import Message
from inclusion_app.places.models import Place

PART_COUNT = N_("Of each part, type how many came back.")
NOT_BACK = N_("This one is with somebody. Take it in first.")
FILES = ("saved", "later", "nobody_knows")
CONDITIONS = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Came:
    """What a scan did. `how`: `in` (from somebody), `found` (was missing), `arrived`, `not_out`, `in_already`, `retired`."""

    how: str
    unit: Unit
    loan: Loan | None = None
    take_in: TakeIn | None = None
    is_on_its_way: bool = False


def quick_return(
    session: Session, *, unit: Unit, at_place_id: int, staff_id: int | None, now: datetime
) -> Came:
    """One scan: whatever somebody had or was missing is in quarantine now. Twice is once; nothing else is changed.

    Brought to another place than its own, it is on its way home; scanned there, it has arrived.
    """
    if unit.status == "retired":
        return Came("retired", unit)
    was_missing, home_id = unit.status == "missing", unit.place_id
    loan = custody.take_in(session, unit=unit, staff_id=staff_id, now=now, at_place_id=at_place_id)
    row = take_in_of(session, unit, now)
    if row is None:
        arrived = _arrive(session, unit, at_place_id, now)
        if arrived:
            return Came("arrived", unit)
        return Came("not_out" if unit.status == "ready" else "in_already", unit)
    on_its_way = False
    if at_place_id != home_id:
        on_its_way = _send(session, unit, at_place_id, home_id, staff_id, now)
    else:
        _arrive(session, unit, at_place_id, now)
    if loan is not None:
        tell_back(session, loan, now)
    return Came("found" if was_missing else "in", unit, loan, row, on_its_way)


def out_elsewhere(session: Session, *, typed: str, but_of: int | None) -> Unit | None:
    """A unit of any other scheme that somebody has, or that is missing, by its exact tag; else None, whatever it is."""
    marks = rules.marks_in(typed)
    out = or_(custody.is_lent(), Unit.status == "missing")
    wanted = select(Unit).where(Unit.tag.in_(marks), Unit.holder_id != (but_of or 0), out)
    found = {unit.tag: unit for unit in session.scalars(wanted)}
    return next((found[mark] for mark in marks if mark in found), None)


def take_in_of(session: Session, unit: Unit, now: datetime) -> TakeIn | None:
    """The row of a return at this very moment."""
    return session.scalar(
        select(TakeIn).where(TakeIn.unit_id == unit.id, TakeIn.taken_at == now, TakeIn.undone_at.is_(None))
    )


def _send(
    session: Session, unit: Unit, from_id: int, to_id: int, staff_id: int | None, now: datetime
) -> bool:
    """On its way home. One that is on a way already stays on that one: the index lets one be open."""
    try:
        with session.begin_nested():
            session.add(
                Transfer(unit_id=unit.id, from_id=from_id, to_id=to_id, sent_at=now, sent_by_id=staff_id)
            )
    except IntegrityError:
        return False
    return True


def _arrive(session: Session, unit: Unit, place_id: int, now: datetime) -> bool:
    here = update(Transfer).where(
        Transfer.unit_id == unit.id, Transfer.to_id == place_id, Transfer.arrived_at.is_(None)
    )
    if rows_changed(session, here.values(arrived_at=now)) != 1:
        return False
    unit.place_id = place_id
    return True


def give_back(
    session: Session, *, loan: Loan, at_place_id: int, staff_id: int | None, now: datetime
) -> Loan | None:
    """A loan comes back at the desk, of a unit or of a SIM alone. None when it came back a moment ago."""
    if loan.unit is not None:
        came = quick_return(session, unit=loan.unit, at_place_id=at_place_id, staff_id=staff_id, now=now)
        return came.loan
    ended = custody.take_in(
        session, unit=None, loan=loan, staff_id=staff_id, now=now, at_place_id=at_place_id
    )
    if ended is not None:
        tell_back(session, ended, now)
    return ended


def tell_back(session: Session, loan: Loan, now: datetime) -> None:
    """They read that it is back with us, and how to say that it is not so."""
    request = request_of(session, loan)
    if request is not None:
        tell(session, request, "loan_back", key=f"back {loan.id} {now.isoformat()}", now=now)


def undo(
    session: Session, *, take_in: TakeIn, staff_id: int | None, by_coordinator: bool, now: datetime
) -> Loan | None:
    """It was the wrong one: everything stands as before. Who was told that it is back is told that this was a mistake.

    What the return took back and nobody read is told anew. Raises RuleBroken when it is too late.
    """
    loan = custody.undo_take_in(
        session, take_in=take_in, staff_id=staff_id, by_coordinator=by_coordinator, now=now
    )
    request = request_of(session, loan) if loan is not None else None
    if loan is not None and request is not None:
        take_back(session, request, now=now, key_begins=f"back {loan.id} ")
        freed = free_keys(session, request, taken_back_at=take_in.taken_at)
        if loan.status == "active" and _thinks_it_is_back(session, request):
            tell(session, request, "loan_not_back", key=f"not back {take_in.id}", now=now,
                 day=loan.due_on.isoformat())  # fmt: skip
        _tell_anew(session, loan, request, freed, now)
    return loan


def _thinks_it_is_back(session: Session, request: LoanRequest) -> bool:
    """The last they heard is that it is back: at this return, or at one before whose mistake was not told them yet."""

    def heard(template: str) -> datetime | None:
        left = (Message.about == about(request), Message.template == template, Message.state != "dropped")
        return session.scalar(select(func.max(Message.made_at)).where(*left))

    back, not_back = heard("loan_back"), heard("loan_not_back")
    return back is not None and (not_back is None or not_back < back)


def _tell_anew(
    session: Session, loan: Loan, request: LoanRequest, freed: Collection[str], now: datetime
) -> None:
    """What the return took back; reminders come by themselves, as their keys are free."""
    for key in freed:
        kind, _space, number = key.partition(" ")
        if kind == "begun" and loan.status == "active":
            tell(session, request, "loan_begun", key=key, now=now, place=session.get(Place, loan.place_id),
                 day=loan.due_on.isoformat())  # fmt: skip
        elif kind == "lost" and loan.status == "lost":
            tell(session, request, "loan_lost", key=key, now=now)
        elif kind == "renewed":
            renewals.tell_anew(session, loan, int(number), now)


# --- the parts


@dataclass(frozen=True)
class Looked:
    """What somebody saw. `back`: part, how many came; `damaged`: parts. `is_unlocked`: signed out of Google or Apple."""

    back: Mapping[int, int]
    damaged: Collection[int] = ()
    condition: str = "B"
    is_unlocked: bool | None = None
    files: str = "nobody_knows"
    sim_is_here: bool | None = None


def check_parts(
    session: Session, *, loan: Loan, looked: Looked, staff_id: int | None, now: datetime
) -> TakeIn:
    """Look at what came back, part by part, once. What is missing or damaged is noted; nobody owes for it.

    Files saved: no need to wait before the wipe. Else it is held for the days of the scheme.
    Raises RuleBroken for a loan that runs, one looked at already, and a count that cannot be.
    """
    if loan.status == "active":
        raise RuleBroken(NOT_BACK)
    wrong = looked.condition not in CONDITIONS or looked.files not in FILES
    if wrong or set(looked.damaged) - {part.id for part in loan.parts}:
        raise RuleBroken(CHANGED_ALREADY)
    looking = update(TakeIn).where(
        TakeIn.loan_id == loan.id, TakeIn.looked_at.is_(None), TakeIn.undone_at.is_(None)
    )
    if rows_changed(session, looking.values(looked_at=now)) != 1:
        raise RuleBroken(custody.LOOKED_AT)
    for part in loan.parts:
        _count_back(session, part, looked.back.get(part.id), part.id in looked.damaged)
    loan.condition_back = looked.condition
    if looked.sim_is_here is not None:
        if looked.sim_is_here:
            sims.take_out(session, loan=loan, now=now)
        else:
            sims.stop(session, loan=loan, state="lost", now=now)
    if loan.unit is not None:
        _note_unit(loan.unit, looked, now)
    session.flush()
    row = session.scalars(select(TakeIn).where(TakeIn.loan_id == loan.id, TakeIn.looked_at == now)).one()
    session.refresh(row)
    return row


def _count_back(session: Session, part: LoanPart, came: int | None, is_damaged: bool) -> None:
    if came is None or not 0 <= came <= part.count_out:
        raise RuleBroken(PART_COUNT, field="back")
    part.count_back, part.is_damaged = came, is_damaged
    if part.stock_item_id is not None:
        # What is damaged is not lent again; what is missing is on nobody any more.
        to_shelf = 0 if is_damaged else came
        back = update(StockItem).where(
            StockItem.id == part.stock_item_id, StockItem.on_loan >= part.count_out
        )
        rows_changed(
            session,
            back.values(on_loan=StockItem.on_loan - part.count_out, in_stock=StockItem.in_stock + to_shelf),
        )


def _note_unit(unit: Unit, looked: Looked, now: datetime) -> None:
    unit.condition, unit.is_unlocked = looked.condition, looked.is_unlocked
    if unit.returned_at is not None and unit.status == "quarantine":
        if looked.files == "saved":
            unit.hold_until = unit.returned_at.astimezone(LONDON).date()
        elif looked.files == "later":
            # They were asked and want to fetch something: the days count from today.
            since_return = (unit.hold_until or now.astimezone(LONDON).date()) - unit.returned_at.astimezone(
                LONDON
            ).date()
            unit.hold_until = now.astimezone(LONDON).date() + max(since_return, timedelta(days=1))


def looked_at_stray(session: Session, *, take_in: TakeIn, now: datetime) -> None:
    """A found one that came from no loan has no list: it is looked at with one press."""
    looking = update(TakeIn).where(
        TakeIn.id == take_in.id, TakeIn.loan_id.is_(None), TakeIn.looked_at.is_(None), TakeIn.undone_at.is_(None)
    )  # fmt: skip
    if rows_changed(session, looking.values(looked_at=now)) != 1:
        raise RuleBroken(CHANGED_ALREADY)
