"""Who has a unit: issuing it and taking it in. One statement takes the unit, and the index of open loans has the last word.

The desk, the scan and the bulk list all come through here. Fitness is stored at the unit; that it is out is the open loan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, lazyload

from inclusion_app.accounts.models import Staff
from inclusion_app.core import history
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.models import Loan, LoanOffer, LoanPart, LoanRequest, Unit
from inclusion_app.loans.services import telling

JUST_ISSUED = N_("Just issued by %(who)s.")
IS_OUT = N_("Somebody has this one already.")
NOT_READY = N_("This one is not ready. Look at its page.")
KEPT_FOR_ANOTHER = N_("This one is kept for somebody else.")
LIVE_OFFER = ("open", "accepted")


@dataclass(frozen=True)
class HandOver:
    """What was agreed and ticked when a unit went out. `parts`: name, count."""

    form_key: str
    due_on: date
    place_id: int
    agreement: str
    agreed_how: str
    language: str
    parts: Sequence[tuple[str, int]] = ()
    condition: str = "B"
    signature: str | None = None
    follow_up_on: date | None = None


def issue(
    session: Session,
    *,
    request: LoanRequest,
    unit: Unit,
    hand_over: HandOver,
    staff_id: int | None,
    now: datetime,
) -> Loan:
    """Issue a unit for a request: the one its offer keeps, or another ready one in its place.

    The same form sent twice gives the same loan. Raises RuleBroken when somebody else was quicker, or it is not ready.
    """
    # Held first, here and by whoever ends a request: then its unit and its offer. So nobody waits in a circle.
    session.execute(select(LoanRequest.id).where(LoanRequest.id == request.id).with_for_update())
    known = session.scalar(select(Loan).where(Loan.form_key == hand_over.form_key))
    if known is not None:
        return known
    if not _take(session, unit.id, request.id):
        raise _why_not(session, unit.id, request.id)
    loan = Loan(
        form_key=hand_over.form_key, loan_request_id=request.id, unit_id=unit.id, resident_id=request.resident_id,
        organisation_id=request.organisation_id, place_id=hand_over.place_id, status="active", issued_at=now,
        issued_by_id=staff_id, due_on=hand_over.due_on, condition_out=hand_over.condition,
        agreement=hand_over.agreement, agreed_how=hand_over.agreed_how, signature=hand_over.signature,
        language=hand_over.language, follow_up_on=hand_over.follow_up_on,
    )  # fmt: skip
    loan.parts = [LoanPart(name=name, count_out=count) for name, count in hand_over.parts]
    try:
        with session.begin_nested():
            session.add(loan)
    except IntegrityError:
        # Another press came between the look and the row: the index let one through.
        raise _why_not(session, unit.id, request.id) from None
    _end_offer(session, request.id, now)
    history.move(session, request, "fulfilled", actor="staff", now=now)
    request.ended_at = now
    return loan


def _take(session: Session, unit_id: int, request_id: int) -> bool:
    """One statement: a ready unit that nobody has and no offer keeps for another. It waits for whoever holds the row."""
    # Held first: PostgreSQL would wait inside the statement, and then not see the offer or loan it waited for.
    session.execute(select(Unit.id).where(Unit.id == unit_id).with_for_update())
    kept = exists().where(
        LoanOffer.unit_id == unit_id, LoanOffer.state.in_(LIVE_OFFER), LoanOffer.request_id != request_id
    )
    out = exists().where(Loan.unit_id == unit_id, Loan.status == "active")
    taking = update(Unit).where(Unit.id == unit_id, Unit.status == "ready", ~kept, ~out)
    return rows_changed(session, taking.values(issued=Unit.issued + 1)) == 1


def _why_not(session: Session, unit_id: int, request_id: int) -> RuleBroken:
    """What stands in the way, for whoever was slower."""
    out = select(Staff.name).select_from(Loan).outerjoin(Staff, Staff.id == Loan.issued_by_id)
    who = session.execute(out.where(Loan.unit_id == unit_id, Loan.status == "active")).first()
    if who is not None:
        return (
            RuleBroken(JUST_ISSUED, field="unit", who=who.name)
            if who.name
            else RuleBroken(IS_OUT, field="unit")
        )
    kept = select(LoanOffer.id).where(
        LoanOffer.unit_id == unit_id, LoanOffer.state.in_(LIVE_OFFER), LoanOffer.request_id != request_id
    )
    is_kept = session.scalar(kept) is not None
    return RuleBroken(KEPT_FOR_ANOTHER if is_kept else NOT_READY, field="unit")


def _end_offer(session: Session, request_id: int, now: datetime) -> None:
    ending = update(LoanOffer).where(LoanOffer.request_id == request_id, LoanOffer.state.in_(LIVE_OFFER))
    # The address was for the way there only.
    rows_changed(session, ending.values(state="fulfilled", ended_at=now, address=None))


def take_in(
    session: Session, *, unit: Unit, staff_id: int | None, hold_days: int, now: datetime
) -> Loan | None:
    """A unit is back: into quarantine at once, parts are looked at later. Twice is once.

    Returns the loan that ended; None for a unit that was not out (a stray one, or one that came in a moment ago).
    """
    wanted = select(Loan).where(Loan.unit_id == unit.id, Loan.status == "active").options(lazyload("*"))
    loan = session.scalar(wanted.with_for_update())
    if loan is None:
        return None
    history.move(session, loan, "returned", actor="staff", now=now)
    loan.ended_at, loan.ended_by_id = now, staff_id
    history.move(session, unit, "quarantine", actor="staff", now=now)
    unit.returned_at, unit.is_unlocked = now, None
    unit.hold_until = now.astimezone(LONDON).date() + timedelta(days=hold_days)
    request = telling.request_of(session, loan)
    if request is not None:
        # Nobody is asked to bring what has just come back.
        telling.take_back(session, request, now=now)
    return loan


def open_loan(session: Session, unit_id: int) -> Loan | None:
    """Who has it now."""
    return session.scalar(select(Loan).where(Loan.unit_id == unit_id, Loan.status == "active"))


def can_be_lent(session: Session, holder_id: int, model_id: int, place_id: int | None = None) -> int:
    """How many units of a model are ready, with nobody, and kept for nobody; at one place or at all."""
    kept = exists().where(LoanOffer.unit_id == Unit.id, LoanOffer.state.in_(LIVE_OFFER))
    out = exists().where(Loan.unit_id == Unit.id, Loan.status == "active")
    wanted = select(func.count()).where(
        Unit.holder_id == holder_id, Unit.model_id == model_id, Unit.status == "ready", ~kept, ~out
    )
    return session.scalar(wanted.where(Unit.place_id == place_id) if place_id else wanted) or 0
