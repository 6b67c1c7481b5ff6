"""SIMs inside a loan: put in, swapped before its data ends, taken out. Each SIM is out once: the index has the last word."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import Loan, Sim, SimUse
from inclusion_app.loans.services import custody, telling
from inclusion_app.loans.services.custody import hold_sims
from inclusion_app.loans.services.days import follow_up_day
from inclusion_app.loans.staff_loan_words import HAS_NONE, HAS_ONE, LOAN_OVER, NOT_FREE


def sim_in(session: Session, loan_id: int) -> SimUse | None:
    """The SIM that is in this loan now."""
    return session.scalar(select(SimUse).where(SimUse.loan_id == loan_id, SimUse.until_at.is_(None)))


def put_in(session: Session, *, loan: Loan, sim: Sim, now: datetime) -> SimUse:
    """A SIM from stock goes into this loan. Raises RuleBroken at `sim` when it is not free, or one is in it already."""
    _hold(session, loan)
    if sim_in(session, loan.id) is not None:
        raise RuleBroken(HAS_ONE, field="sim")
    hold_sims(session, sim.id)
    taking = update(Sim).where(Sim.id == sim.id, *_free(loan))
    if rows_changed(session, taking.values(state="out")) != 1:
        raise RuleBroken(NOT_FREE, field="sim")
    return _begin(session, loan, sim, now)


def swap(session: Session, *, loan: Loan, sim: Sim, now: datetime) -> SimUse:
    """Another SIM with fresh data in the same loan: one statement ends the old one and takes the new one out.

    Raises RuleBroken at `sim` when the new one is not free; the old one then stays in.
    """
    _hold(session, loan)
    old = sim_in(session, loan.id)
    if old is None:
        raise RuleBroken(HAS_NONE, field="sim")
    hold_sims(session, old.sim_id, sim.id)
    both = or_(and_(Sim.id == old.sim_id, Sim.state == "out"), and_(Sim.id == sim.id, *_free(loan)))
    swapping = update(Sim).where(both).values(state=case((Sim.id == old.sim_id, "ended"), else_="out"))
    with session.begin_nested():
        if rows_changed(session, swapping) != 2:
            raise RuleBroken(NOT_FREE, field="sim")
        _end(session, old, now)
        return _begin(session, loan, sim, now)


def take_out(session: Session, *, loan: Loan, now: datetime) -> Sim | None:
    """The SIM leaves this loan. Returns it; None when there was none. Twice is once.

    A number that somebody gave to their bank must never ring at another's: only the SIM of a Wi-Fi box, with data left,
    goes back to stock. Every other one has ended.
    """
    use = sim_in(session, loan.id)
    if use is None or not _end(session, use, now):
        return None
    is_hub = loan.unit is not None and loan.unit.model.kind == "hub"
    has_data = use.sim.data_until is None or use.sim.data_until >= now.astimezone(LONDON).date()
    _leave(session, use.sim_id, "stock" if is_hub and has_data else "ended")
    return use.sim


def stop(session: Session, *, loan: Loan, state: str, now: datetime) -> Sim | None:
    """The SIM of a loan that was lost (`lost`) or given away (`ended`) is out no more. Returns it, if there was one."""
    use = sim_in(session, loan.id)
    if use is None or not _end(session, use, now):
        return None
    _leave(session, use.sim_id, state)
    return use.sim


def free_sims(session: Session, *, loan: Loan) -> list[Sim]:
    """SIMs of this scheme that can go out, with the longest data first."""
    free = custody.sim_is_free(but_for=loan.loan_request_id)
    wanted = select(Sim).where(Sim.holder_id == loan.organisation_id, free)
    return list(session.scalars(wanted.order_by(Sim.data_until.desc().nulls_first(), Sim.id)))


def _hold(session: Session, loan: Loan) -> None:
    """Nobody ends this loan, or puts another SIM in, meanwhile."""
    status = session.scalar(select(Loan.status).where(Loan.id == loan.id).with_for_update())
    if status != "active":
        raise RuleBroken(LOAN_OVER)


def _free(loan: Loan) -> tuple[ColumnElement[bool], ...]:
    """Of this scheme, and free for this loan."""
    return Sim.holder_id == loan.organisation_id, custody.sim_is_free(but_for=loan.loan_request_id)


def _begin(session: Session, loan: Loan, sim: Sim, now: datetime) -> SimUse:
    use = SimUse(loan_id=loan.id, sim_id=sim.id, from_at=now)
    session.add(use)
    session.flush()
    session.refresh(sim)
    # Some weeks after any device or SIM somebody asks how it goes; once for a loan.
    asking = update(Loan).where(
        Loan.id == loan.id, Loan.follow_up_on.is_(None), Loan.outcome_asked_at.is_(None)
    )
    day = follow_up_day(session, now.astimezone(LONDON).date())
    if rows_changed(session, asking.values(follow_up_on=day)):
        session.refresh(loan, ["follow_up_on"])
    return use


def _end(session: Session, use: SimUse, now: datetime) -> bool:
    ending = update(SimUse).where(SimUse.id == use.id, SimUse.until_at.is_(None))
    done = rows_changed(session, ending.values(until_at=now)) == 1
    session.expire(use, ["until_at"])
    loan = session.get(Loan, use.loan_id)
    request = telling.request_of(session, loan) if loan is not None else None
    if request is not None:
        # Nobody is warned of data that is no longer theirs.
        telling.take_back(session, request, now=now, key_begins=f"data {use.id} ")
    return done


def _leave(session: Session, sim_id: int, state: str) -> None:
    rows_changed(session, update(Sim).where(Sim.id == sim_id, Sim.state == "out").values(state=state))
    session.expire(session.get_one(Sim, sim_id), ["state"])
