"""A loan that ends without coming back: lost by a cause, found again, or given away. Nobody owes anything, and may ask again."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session, lazyload

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import history
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import Loan, Unit
from inclusion_app.loans.services import custody, sims, telling
from inclusion_app.loans.staff_loan_words import NOT_LOST, NOTHING_TO_GIVE, OWNER_FIRST

NOT_A_CAUSE = N_("Choose what happened.")
NOT_OUT = N_("This loan is over.")


def report_lost(session: Session, *, loan: Loan, cause: str, staff_id: int | None, now: datetime) -> None:
    """It is gone, by this cause (rules.CAUSES): the loan ends, the unit is missing, its SIM is to be stopped.

    Its accessories are with nobody at once: after a loss nothing has to follow at which they could be written off (a SIM
    alone has no unit that is retired). When it is found, they are with somebody again until somebody looks.
    Nothing is written about the person: no debt, no ban. Raises RuleBroken at `cause`, or when the loan is over.
    """
    if cause not in rules.CAUSES:
        raise RuleBroken(NOT_A_CAUSE, field="cause")
    _hold(session, loan, "active", NOT_OUT)
    sims.stop(session, loan=loan, state="ended" if cause == "broken" else "lost", now=now)
    history.move(session, loan, "lost", actor="staff" if staff_id else "resident", now=now, why=cause)
    loan.ended_at, loan.ended_by_id, loan.cause = now, staff_id, cause
    custody.count_accessories(session, loan, out=False)
    if loan.unit is not None and loan.unit.status not in {"missing", "retired"}:
        history.move(session, loan.unit, "missing", actor="staff" if staff_id else "resident", now=now)
    session.flush()
    request = telling.request_of(session, loan)
    if request is not None:
        telling.take_back(session, request, now=now)
        # Whom nobody reaches is told nothing; a promise that nothing is owed does not wait for an answer.
        telling.tell(session, request, "loan_lost", key=f"lost {loan.id}", now=now)


def note_locked(session: Session, *, loan: Loan, now: datetime) -> None:
    """It was locked from afar, so that nobody reads what is on it. Where it is, nobody looks. Twice is once."""
    locking = update(Loan).where(Loan.id == loan.id, Loan.status == "lost", Loan.locked_at.is_(None))
    if rows_changed(session, locking.values(locked_at=now)):
        session.refresh(loan)


def lost_loan(session: Session, unit_id: int) -> Loan | None:
    """The loan in which this unit was lost, when it is still missing."""
    wanted = select(Loan).where(Loan.unit_id == unit_id, Loan.status == "lost")
    return session.scalar(wanted.order_by(Loan.ended_at.desc(), Loan.id.desc()).limit(1))


def found_again(
    session: Session, *, loan: Loan, staff_id: int | None, now: datetime, at_place_id: int | None = None
) -> None:
    """It turned up: the loan counts as returned, the unit goes into quarantine like every other that comes back.

    Its SIM was stopped and stays so. Raises RuleBroken when the loan is not lost.
    """
    _hold(session, loan, "lost", NOT_LOST)
    unit = loan.unit
    if unit is None or unit.status == "missing":
        custody.take_in(session, unit=unit, loan=loan, staff_id=staff_id, now=now, at_place_id=at_place_id)
    else:
        history.move(session, loan, "returned", actor="staff", now=now, why="found")
        loan.ended_at, loan.ended_by_id = now, staff_id
    session.flush()


def give_away(
    session: Session, *, loan: Loan, staff_id: int | None, now: datetime, owner_agrees: bool = False
) -> None:
    """It is theirs now: the loan ends as a gift, the unit leaves the pool for good with its accessories, a SIM stays in it.

    It is not wiped: what is on it is theirs. Raises RuleBroken when the loan is over, or it belongs to another
    organisation and nobody said that they agree.
    """
    unit = loan.unit
    if unit is None:
        raise RuleBroken(NOTHING_TO_GIVE)
    if unit.owner_id != unit.holder_id and not owner_agrees:
        owner = session.scalar(select(Organisation.name).where(Organisation.id == unit.owner_id))
        raise RuleBroken(OWNER_FIRST, field="owner_agrees", owner=owner or "")
    _hold(session, loan, "active", NOT_OUT)
    sims.stop(session, loan=loan, state="ended", now=now)
    history.move(session, loan, "gifted", actor="staff", now=now)
    loan.ended_at, loan.ended_by_id = now, staff_id
    custody.count_accessories(session, loan, out=False)
    history.move(session, unit, "retired", actor="staff", now=now, why="gifted")
    unit.retired_for = "gifted"
    session.flush()
    request = telling.request_of(session, loan)
    if request is None:
        return
    telling.take_back(session, request, now=now)
    until = support_until(unit)
    if until is None:
        telling.tell(session, request, "loan_gift", key=f"gift {loan.id}", now=now)
    elif until < now.astimezone(LONDON).date():
        telling.tell(session, request, "loan_gift_old", key=f"gift {loan.id}", now=now)
    else:
        day = until.isoformat()
        telling.tell(session, request, "loan_gift_until", key=f"gift {loan.id}", now=now, day=day)


def support_until(unit: Unit) -> date | None:
    """The last day its maker mends its system, of the unit or else of its model; None where nobody knows."""
    return unit.support_until or unit.model.support_until


def _hold(session: Session, loan: Loan, status: str, broken: str) -> None:
    """Lock the loan as it stands. Raises RuleBroken when somebody else ended it meanwhile."""
    wanted = select(Loan).where(Loan.id == loan.id).options(lazyload("*"))
    held = session.scalar(wanted.with_for_update().execution_options(populate_existing=True))
    if held is None:
        raise RuleBroken(CHANGED_ALREADY)
    if held.status != status:
        raise RuleBroken(broken)
