"""Who has a unit: issuing it, taking it in, and undoing a return that was none. No other module writes the row of a loan's
beginning or its return.

One statement takes the unit, and the index of open loans has the last word. The desk, the scan and the bulk list all come
through here. Fitness is stored at the unit; that it is out is the open loan. A SIM lent alone has a loan without a unit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, lazyload

from inclusion_app.accounts.models import Staff
from inclusion_app.core import clock, history
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.models import (
    DeviceModel,
    Loan,
    LoanOffer,
    LoanPart,
    LoanRequest,
    LoanScheme,
    Sim,
    SimUse,
    StockItem,
    TakeIn,
    Ticket,
    Transfer,
    Unit,
)
from inclusion_app.loans.services import telling

JUST_ISSUED = N_("Just issued by %(who)s.")
IS_OUT = N_("Somebody has this one already.")
NOT_READY = N_("This one is not ready. Look at its page.")
KEPT_FOR_ANOTHER = N_("This one is kept for somebody else.")
IS_MOVING = N_("This one is on its way to another place. Say first that it has arrived.")
IS_BROKEN = N_("A repair of this one is not done.")
HAS_ONE = N_("They have a device of this request already. %(who)s handed it over.")
HAS_ONE_OF_SOMEBODY = N_("They have a device of this request already.")
SIM_TAKEN = N_("This SIM is not in stock any more. Choose another one.")
TOO_FEW = N_("There are not so many in stock: %(name)s.")
LIVE_OFFER = ("open", "accepted")
# Whoever took it in may take that back so long; after that a coordinator may, until the parts were looked at.
UNDO_MINUTES = 15
# The kinds of key of what is told while somebody has it, or lost it: none of that is true of what came back.
ABOUT_BEING_OUT = ("begun ", "remind ", "data ", "how ", "renewed ", "not back ", "lost ")
UNDO_OVER = N_("This cannot be undone any more. Ask a loan coordinator.")
LOOKED_AT = N_("Somebody has looked at it already. The return stays.")


# --- who may have a unit: each asks about the unit of the row it stands beside


def is_lent() -> ColumnElement[bool]:
    """Somebody has it."""
    return exists().where(Loan.unit_id == Unit.id, Loan.status == "active")


def is_kept(*, but_for: int | None = None) -> ColumnElement[bool]:
    """A live offer keeps it for somebody; `but_for` is a request whose own offer does not count."""
    offer = aliased(LoanOffer)
    kept = [offer.unit_id == Unit.id, offer.state.in_(LIVE_OFFER)]
    if but_for is not None:
        kept.append(offer.request_id != but_for)
    return exists().where(*kept)


def is_moving() -> ColumnElement[bool]:
    """It is between two places."""
    return exists().where(Transfer.unit_id == Unit.id, Transfer.arrived_at.is_(None))


def is_broken() -> ColumnElement[bool]:
    """A repair of it is not done."""
    return exists().where(Ticket.unit_id == Unit.id, Ticket.status != "done")


def is_free(*, but_for: int | None = None) -> ColumnElement[bool]:
    """It may be lent: ready, with nobody, kept for nobody else, at its place, and nothing of it is to be repaired.

    Whatever lends, offers or counts what is ready asks this, so that none of them promises what another one refuses.
    """
    return and_(Unit.status == "ready", ~is_lent(), ~is_kept(but_for=but_for), ~is_moving(), ~is_broken())


def has_data() -> ColumnElement[bool]:
    """A SIM with data today: its last day is not over, or nobody knows of one."""
    return or_(Sim.data_until.is_(None), Sim.data_until >= clock.today())


def sim_is_free(*, but_for: int | None = None) -> ColumnElement[bool]:
    """A SIM that may go out: in stock, with data, with nobody and kept for nobody else.

    Asked wherever SIMs are offered, handed over or counted: one without data was offered, and the desk had no such SIM.
    """
    kept = [LoanOffer.sim_id == Sim.id, LoanOffer.state.in_(LIVE_OFFER)]
    if but_for is not None:
        kept.append(LoanOffer.request_id != but_for)
    out = exists().where(SimUse.sim_id == Sim.id, SimUse.until_at.is_(None))
    return and_(Sim.state == "stock", has_data(), ~exists().where(*kept), ~out)


@dataclass(frozen=True)
class HandOver:
    """What was agreed and ticked when a unit went out. `parts`: name, count. `items`: stock item, count."""

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
    items: Sequence[tuple[int, int]] = ()
    sim_id: int | None = None


def issue(
    session: Session,
    *,
    request: LoanRequest,
    unit: Unit | None,
    hand_over: HandOver,
    staff_id: int | None,
    now: datetime,
) -> Loan:
    """Issue a unit for a request: the one its offer keeps, or another ready one in its place. None: its SIM alone.

    The same form sent twice gives the same loan. Raises RuleBroken when somebody else was quicker, or it is not ready, or
    something that goes with it is not there. Whoever calls takes everything back then.
    """
    # Held first, here and by whoever ends a request: then its unit and its offer. So nobody waits in a circle.
    session.execute(select(LoanRequest.id).where(LoanRequest.id == request.id).with_for_update())
    known = session.scalar(select(Loan).where(Loan.form_key == hand_over.form_key))
    if known is not None:
        if known.loan_request_id != request.id:
            raise RuleBroken(CHANGED_ALREADY)
        return known
    if unit is None and (hand_over.sim_id is None or request.model.kind != "sim"):
        raise RuleBroken(NOT_READY, field="unit")
    if unit is not None and not _take(session, unit.id, request.id):
        raise _why_not(session, unit.id, request.id)
    loan = Loan(
        form_key=hand_over.form_key, loan_request_id=request.id, unit_id=unit.id if unit else None,
        model_id=unit.model_id if unit else request.model_id,
        resident_id=request.resident_id,
        organisation_id=request.organisation_id, place_id=hand_over.place_id, status="active", issued_at=now,
        issued_by_id=staff_id, due_on=hand_over.due_on, condition_out=hand_over.condition,
        agreement=hand_over.agreement, agreed_how=hand_over.agreed_how, signature=hand_over.signature,
        language=hand_over.language, follow_up_on=hand_over.follow_up_on,
    )  # fmt: skip
    loan.parts = [LoanPart(name=name, count_out=count) for name, count in hand_over.parts]
    loan.parts += _take_items(session, request, hand_over.items)
    try:
        with session.begin_nested():
            session.add(loan)
    except IntegrityError:
        # Another press came between the look and the row: the index let one through.
        raise _why_not(session, unit.id if unit else None, request.id) from None
    if hand_over.sim_id is not None:
        _take_sim(session, loan, request, hand_over.sim_id, now)
    _end_offer(session, request.id, now)
    history.move(session, request, "fulfilled", actor="staff", now=now)
    request.ended_at = now
    return loan


def _take(session: Session, unit_id: int, request_id: int) -> bool:
    """One statement: a unit that is free, or kept for this request. It waits for whoever holds the row."""
    # Held first: PostgreSQL would wait inside the statement, and then not see the offer or loan it waited for.
    session.execute(select(Unit.id).where(Unit.id == unit_id).with_for_update())
    taking = update(Unit).where(Unit.id == unit_id, is_free(but_for=request_id))
    return rows_changed(session, taking.values(issued=Unit.issued + 1)) == 1


def hold_sims(session: Session, *sim_ids: int) -> None:
    """Lock these SIMs, in one order, before a statement asks whether they are free.

    PostgreSQL would wait inside the statement, and then not see the offer it waited for.
    """
    held = select(Sim.id).where(Sim.id.in_(sim_ids)).order_by(Sim.id)
    session.execute(held.with_for_update())


def _take_sim(session: Session, loan: Loan, request: LoanRequest, sim_id: int, now: datetime) -> None:
    """A SIM of this scheme that is free, or kept for this request, goes out with this loan."""
    hold_sims(session, sim_id)
    mine = Sim.id == sim_id, Sim.holder_id == request.organisation_id
    taking = update(Sim).where(*mine, sim_is_free(but_for=request.id))
    if rows_changed(session, taking.values(state="out")) != 1:
        raise RuleBroken(SIM_TAKEN, field="sim")
    try:
        with session.begin_nested():
            session.add(SimUse(loan_id=loan.id, sim_id=sim_id, from_at=now))
    except IntegrityError:
        raise RuleBroken(SIM_TAKEN, field="sim") from None


def _take_items(
    session: Session, request: LoanRequest, items: Sequence[tuple[int, int]]
) -> Sequence[LoanPart]:
    """Accessories leave the shelf and stand on the loan; what is used up leaves the shelf and never comes back."""
    parts = []
    for item_id, count in items:
        item = session.get(StockItem, item_id)
        if item is None or count < 1:
            raise RuleBroken(CHANGED_ALREADY)
        comes_back = item.kind == "accessory"
        taking = update(StockItem).where(
            StockItem.id == item_id,
            StockItem.holder_id == request.organisation_id,
            StockItem.in_stock >= count,
        )
        more = StockItem.on_loan + (count if comes_back else 0)
        if rows_changed(session, taking.values(in_stock=StockItem.in_stock - count, on_loan=more)) != 1:
            raise RuleBroken(TOO_FEW, field="items", name=item.name)
        if comes_back:
            parts.append(LoanPart(name=item.name, stock_item_id=item.id, count_out=count))
    return parts


def count_accessories(session: Session, loan: Loan, *, out: bool) -> None:
    """What went out with a loan and is counted by its kind is with somebody again, or no more.

    For whoever changes what becomes of the loan, in the transaction that does it: so each time counts once.
    """
    theirs = select(LoanPart.stock_item_id, func.sum(LoanPart.count_out)).where(
        LoanPart.loan_id == loan.id, LoanPart.stock_item_id.is_not(None)
    )
    by_item = theirs.group_by(LoanPart.stock_item_id).order_by(LoanPart.stock_item_id)
    for item_id, count in session.execute(by_item).all():
        more = int(count) if out else -int(count)
        counting = update(StockItem).where(StockItem.id == item_id, StockItem.on_loan + more >= 0)
        rows_changed(session, counting.values(on_loan=StockItem.on_loan + more))


def _why_not(session: Session, unit_id: int | None, request_id: int) -> RuleBroken:
    """What stands in the way, for whoever was slower."""
    issued = select(Staff.name).select_from(Loan).outerjoin(Staff, Staff.id == Loan.issued_by_id)
    if unit_id is not None:
        who = session.execute(issued.where(Loan.unit_id == unit_id, Loan.status == "active")).first()
        if who is not None:
            return (
                RuleBroken(JUST_ISSUED, field="unit", who=who.name)
                if who.name
                else RuleBroken(IS_OUT, field="unit")
            )
    had = session.execute(issued.where(Loan.loan_request_id == request_id)).first()
    if had is not None:
        return RuleBroken(HAS_ONE, who=had.name) if had.name else RuleBroken(HAS_ONE_OF_SOMEBODY)
    if unit_id is None:
        return RuleBroken(CHANGED_ALREADY)
    return why_not_free(session, unit_id, request_id)


def why_not_free(session: Session, unit_id: int, request_id: int) -> RuleBroken:
    """Why a unit that nobody has cannot go to this request."""
    asked = select(is_kept(but_for=request_id), is_moving(), is_broken()).where(
        Unit.id == unit_id, Unit.status == "ready"
    )
    kept, moving, broken = session.execute(asked).one_or_none() or (False, False, False)
    said = KEPT_FOR_ANOTHER if kept else IS_MOVING if moving else IS_BROKEN if broken else NOT_READY
    return RuleBroken(said, field="unit")


def _end_offer(session: Session, request_id: int, now: datetime) -> None:
    ending = update(LoanOffer).where(LoanOffer.request_id == request_id, LoanOffer.state.in_(LIVE_OFFER))
    # The address was for the way there only.
    rows_changed(session, ending.values(state="fulfilled", ended_at=now, address=None))


# --- taking in


def take_in(
    session: Session,
    *,
    unit: Unit | None,
    staff_id: int | None,
    now: datetime,
    hold_days: int | None = None,
    loan: Loan | None = None,
    at_place_id: int | None = None,
) -> Loan | None:
    """A unit is back: into quarantine at once, parts are looked at later. Twice is once.

    One that was missing is found: it goes into quarantine, and the loan it was lost from has come back. `unit` None: the
    SIM alone of this `loan` came in, and it is in stock again. `hold_days` None: as many as its scheme says.
    Returns the loan that ended; None for a unit nobody had (a stray one, or one that came in a moment ago).
    """
    if unit is None:
        return (
            _take_in_sim(session, loan, staff_id=staff_id, at_place_id=at_place_id, now=now) if loan else None
        )
    is_out = _was_with_somebody(unit)
    wanted = select(Loan).where(Loan.unit_id == unit.id, is_out).order_by(Loan.id.desc()).limit(1)
    ended = session.scalar(wanted.options(lazyload("*")).with_for_update())
    if ended is None and unit.status != "missing":
        return None
    why = "found" if unit.status == "missing" else ""
    row = TakeIn(
        organisation_id=unit.holder_id, unit_id=unit.id, loan_id=ended.id if ended else None,
        place_id=at_place_id or unit.place_id, taken_at=now, taken_by_id=staff_id,
        was_loan=ended.status if ended else None, was_ended_at=ended.ended_at if ended else None,
        was_fitness=unit.status, was_place_id=unit.place_id, was_returned_at=unit.returned_at,
        was_hold_until=unit.hold_until, was_unlocked=unit.is_unlocked,
    )  # fmt: skip
    if ended is not None:
        _with_somebody_till_looked_at(session, ended)
        history.move(session, ended, "returned", actor="staff", now=now, why=why)
        ended.ended_at, ended.ended_by_id = now, staff_id
    history.move(session, unit, "quarantine", actor="staff", now=now, why=why)
    if hold_days is None:
        hold_days = session.get_one(LoanScheme, unit.holder_id).hold_days
    unit.returned_at, unit.is_unlocked = now, None
    unit.hold_until = now.astimezone(LONDON).date() + timedelta(days=hold_days)
    unit.place_id = row.place_id
    session.add(row)
    session.flush()
    if ended is not None:
        _no_more_reminders(session, ended, now)
    return ended


def _with_somebody_till_looked_at(session: Session, loan: Loan) -> None:
    """Accessories of a lost loan were with nobody; now it is looked at, like every other, which of them came back."""
    if loan.status == "lost":
        count_accessories(session, loan, out=True)


def _no_more_reminders(session: Session, loan: Loan, now: datetime) -> None:
    """Nobody is asked to bring what has just come back. What was told about the request itself stays as it is."""
    request = telling.request_of(session, loan)
    if request is not None:
        telling.take_back(session, request, now=now, key_begins=ABOUT_BEING_OUT)


def _was_with_somebody(unit: Unit) -> ColumnElement[bool]:
    """The loan a unit comes back from: the open one, or of a missing unit the one it was lost from."""
    return Loan.status.in_(("active", "lost")) if unit.status == "missing" else Loan.status == "active"


def _take_in_sim(
    session: Session, loan: Loan, *, staff_id: int | None, at_place_id: int | None, now: datetime
) -> Loan | None:
    from inclusion_app.loans.services import sims  # it knows this module

    stored = session.scalar(
        select(Loan.status).where(Loan.id == loan.id, Loan.unit_id.is_(None)).with_for_update()
    )
    if stored not in {"active", "lost"}:
        return None
    row = TakeIn(
        organisation_id=loan.organisation_id, loan_id=loan.id, place_id=at_place_id or loan.place_id, taken_at=now,
        taken_by_id=staff_id, was_loan=loan.status, was_ended_at=loan.ended_at,
    )  # fmt: skip
    _with_somebody_till_looked_at(session, loan)
    history.move(session, loan, "returned", actor="staff", now=now)
    loan.ended_at, loan.ended_by_id = now, staff_id
    sims.take_out(session, loan=loan, now=now)
    session.add(row)
    session.flush()
    _no_more_reminders(session, loan, now)
    return loan


def undo_take_in(
    session: Session, *, take_in: TakeIn, staff_id: int | None, by_coordinator: bool, now: datetime
) -> Loan | None:
    """The wrong one was taken in, or it did not come back at all: everything stands as before, the loan runs on.

    Whoever took it in may say so for UNDO_MINUTES, a coordinator until the parts were looked at. Returns the loan that runs
    again. Raises RuleBroken when it is too late, or the machine is being wiped already.
    """
    mine = update(TakeIn).where(
        TakeIn.id == take_in.id, TakeIn.undone_at.is_(None), TakeIn.looked_at.is_(None)
    )
    if not by_coordinator:
        recent = now - timedelta(minutes=UNDO_MINUTES)
        mine = mine.where(TakeIn.taken_by_id == staff_id, TakeIn.taken_at > recent)
    if rows_changed(session, mine.values(undone_at=now)) != 1:
        raise RuleBroken(LOOKED_AT if by_coordinator else UNDO_OVER)
    session.refresh(take_in)
    unit = session.get(Unit, take_in.unit_id) if take_in.unit_id is not None else None
    loan = session.get(Loan, take_in.loan_id) if take_in.loan_id is not None else None
    if unit is not None:
        session.refresh(unit)
        if unit.status != "quarantine" or unit.returned_at != take_in.taken_at:
            raise RuleBroken(LOOKED_AT)
        history.move(session, unit, take_in.was_fitness or "quarantine", actor="staff", now=now, why="undone")
        unit.returned_at, unit.hold_until = take_in.was_returned_at, take_in.was_hold_until
        unit.is_unlocked = take_in.was_unlocked
        unit.place_id = take_in.was_place_id or unit.place_id
        # It never was on its way.
        sent = delete(Transfer).where(Transfer.unit_id == unit.id, Transfer.sent_at == take_in.taken_at)
        rows_changed(session, sent)
    if loan is not None and take_in.was_loan is not None:
        history.move(session, loan, take_in.was_loan, actor="staff", now=now, why="undone")
        if take_in.was_loan == "lost":
            count_accessories(session, loan, out=False)
        loan.ended_at = take_in.was_ended_at
        loan.ended_by_id = None
        if unit is None:
            _sims_out_again(session, loan.id, take_in.taken_at)
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        # It was lent to somebody else meanwhile: what is true now stays.
        raise RuleBroken(LOOKED_AT) from None
    return loan


def _sims_out_again(session: Session, loan_id: int, taken_at: datetime) -> None:
    """The SIMs that came in with this return are out again. Raises RuleBroken when one has gone to somebody else."""
    theirs = SimUse.loan_id == loan_id, SimUse.until_at == taken_at
    ids = session.scalars(select(SimUse.sim_id).where(*theirs)).all()
    back = update(Sim).where(Sim.id.in_(ids), Sim.state.in_(("stock", "ended")))
    if rows_changed(session, back.values(state="out")) != len(ids):
        raise RuleBroken(LOOKED_AT)
    rows_changed(session, update(SimUse).where(*theirs).values(until_at=None))


def open_loan(session: Session, unit_id: int) -> Loan | None:
    """Who has it now."""
    return session.scalar(select(Loan).where(Loan.unit_id == unit_id, Loan.status == "active"))


def free_by_model(session: Session, model_ids: Collection[int]) -> dict[int, int]:
    """How many units of each of these models are free; of a model that is a SIM alone, how many SIMs of its scheme."""
    units = select(Unit.model_id, func.count(Unit.id)).where(Unit.model_id.in_(model_ids), is_free())
    sims = (
        select(DeviceModel.id, func.count(Sim.id))
        .join(Sim, Sim.holder_id == DeviceModel.organisation_id)
        .where(DeviceModel.id.in_(model_ids), DeviceModel.kind == "sim", sim_is_free())
    )
    found = dict(session.execute(units.group_by(Unit.model_id)).all())
    return found | dict(session.execute(sims.group_by(DeviceModel.id)).all())


def can_be_lent(session: Session, holder_id: int, model_id: int, place_id: int | None = None) -> int:
    """How many of a model are free; at one place or at all."""
    is_sim = session.scalar(select(DeviceModel.kind).where(DeviceModel.id == model_id)) == "sim"
    kind: Any = Sim if is_sim else Unit
    wanted = select(func.count(kind.id)).where(kind.holder_id == holder_id)
    wanted = wanted.where(sim_is_free()) if is_sim else wanted.where(Unit.model_id == model_id, is_free())
    return session.scalar(wanted.where(kind.place_id == place_id) if place_id else wanted) or 0
