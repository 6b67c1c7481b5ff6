"""Stock-take: somebody scans what is at a place; what the books say and what was seen differ in a list.

Two people may scan at one place at once: it is one count. Each tag counts once, and so does one that nobody knows. What
happened since the count began (a return, an arrival, a new unit) is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.loans.models import Sighting, StockTake, Ticket, Transfer, Unit
from inclusion_app.loans.services import custody, transfers
from inclusion_app.loans.services.custody import is_lent, is_moving
from inclusion_app.loans.services.stock import unit_by_mark
from inclusion_app.places.models import Place

TAG_LENGTH = 40
# Of tags that nobody knows: somebody scans the price labels of a whole shop.
UNKNOWN_AT_MOST = 500
IS_OVER = N_("This count is over. Begin a new one.")
NOTHING_TYPED = N_("Scan or type a tag.")
TOO_MANY_UNKNOWN = N_("This count has %(most)s unknown tags. Look at them first.")
STILL_RUNS = N_("This count still runs. End it first.")
NOT_MISSING = N_("It is not missing here any more.")
IS_LENT = N_("Somebody has this one on loan. Take it in first.")
IS_RETIRED = N_("This one is retired.")
NOT_SEEN = N_("This one was not seen in this count.")


@dataclass(frozen=True)
class Seen:
    """What a scan was: the tag as kept, its unit where somebody knows it, and whether it is new in this count."""

    tag: str
    unit: Unit | None
    is_new: bool


def begin(
    session: Session, *, organisation_id: int, place: Place, staff_id: int | None, now: datetime
) -> StockTake:
    """A count at a place; the one that is open there, where there is one."""
    count = StockTake(organisation_id=organisation_id, place_id=place.id, begun_at=now, begun_by_id=staff_id)
    try:
        with session.begin_nested():
            session.add(count)
        return count
    except IntegrityError:
        running = select(StockTake).where(
            StockTake.organisation_id == organisation_id,
            StockTake.place_id == place.id,
            StockTake.ended_at.is_(None),
        )
        known = session.scalar(running)
        if known is None:
            raise RuleBroken(CHANGED_ALREADY) from None
        return known


def see(session: Session, *, count: StockTake, typed: str, now: datetime) -> Seen:
    """A tag is here, as scanned or typed; each once. A unit is found by its serial number too.

    Raises RuleBroken for nothing at all, and when the count is over.
    """
    text = one_line(typed)
    if not text:
        raise RuleBroken(NOTHING_TYPED, field="tag")
    # Who ends the count waits for this scan, and other scans do not.
    running = select(StockTake.id).where(StockTake.id == count.id, StockTake.ended_at.is_(None))
    if session.scalar(running.with_for_update(read=True)) is None:
        raise RuleBroken(IS_OVER)
    unit = unit_by_mark(session, holder_id=count.organisation_id, typed=text)
    if unit is None:
        unknown = select(func.count()).where(Sighting.stock_take_id == count.id, Sighting.unit_id.is_(None))
        if (session.scalar(unknown) or 0) >= UNKNOWN_AT_MOST:
            raise RuleBroken(TOO_MANY_UNKNOWN, field="tag", most=UNKNOWN_AT_MOST)
    tag = unit.tag if unit else text.upper()[:TAG_LENGTH]
    seeing = insert_into(session, Sighting).values(
        stock_take_id=count.id, tag=tag, unit_id=unit.id if unit else None, seen_at=now
    )
    # Asked what was written: the number of rows of an INSERT is not known on every engine.
    is_new = session.scalar(seeing.on_conflict_do_nothing().returning(Sighting.tag)) is not None
    return Seen(tag, unit, is_new)


def end(session: Session, *, count: StockTake, now: datetime) -> None:
    """Nobody scans any more. Raises RuleBroken the second time."""
    ending = update(StockTake).where(StockTake.id == count.id, StockTake.ended_at.is_(None))
    if not rows_changed(session, ending.values(ended_at=now)):
        raise RuleBroken(IS_OVER)
    session.refresh(count)


# --- the differences


def _is_at_workshop() -> ColumnElement[bool]:
    return exists().where(Ticket.unit_id == Unit.id, Ticket.status.in_(("at_workshop", "waiting_for_part")))


def is_seen(count: StockTake) -> ColumnElement[bool]:
    """The unit of this row was scanned in this count."""
    return exists().where(Sighting.stock_take_id == count.id, Sighting.unit_id == Unit.id)


def should_be_here(count: StockTake) -> ColumnElement[bool]:
    """By the books it is at the place and was, all the time the count lasted. What a workshop has is not looked for."""
    came = exists().where(Transfer.unit_id == Unit.id, Transfer.arrived_at > count.begun_at)
    return and_(
        Unit.holder_id == count.organisation_id,
        Unit.place_id == count.place_id,
        Unit.status.not_in(transfers.GONE),
        Unit.made_at <= count.begun_at,
        or_(Unit.returned_at.is_(None), Unit.returned_at <= count.begun_at),
        ~is_lent(),
        ~is_moving(),
        ~_is_at_workshop(),
        ~came,
    )


def is_missing_here(count: StockTake) -> ColumnElement[bool]:
    """It should be here and nobody saw it."""
    return and_(should_be_here(count), ~is_seen(count))


def is_elsewhere_by_the_books(count: StockTake) -> ColumnElement[bool]:
    """It was seen here, and the books say: at another place, on its way, lent, missing or retired."""
    wrong = or_(Unit.place_id != count.place_id, Unit.status.in_(transfers.GONE), is_lent(), is_moving())
    return and_(is_seen(count), wrong)


def mark_missing(session: Session, *, count: StockTake, unit: Unit, now: datetime) -> None:
    """It should be here and is not. Raises RuleBroken while somebody still scans, and when that is not so any more."""
    over = select(StockTake.id).where(StockTake.id == count.id, StockTake.ended_at.is_not(None))
    if session.scalar(over.with_for_update(read=True)) is None:
        raise RuleBroken(STILL_RUNS)
    _hold(session, unit)
    if session.scalar(select(Unit.id).where(Unit.id == unit.id, is_missing_here(count))) is None:
        raise RuleBroken(NOT_MISSING)
    history.move(session, unit, "missing", actor="staff", now=now, why="stock_take")


def move_here(session: Session, *, count: StockTake, unit: Unit, staff_id: int | None, now: datetime) -> None:
    """It was seen here: so it is here by the books. One that was missing goes into quarantine, to be wiped anew.

    Raises RuleBroken for one that was not seen, that somebody has on loan, or that is retired.
    """
    _hold(session, unit)
    if session.scalar(select(Unit.id).where(Unit.id == unit.id, is_seen(count))) is None:
        raise RuleBroken(NOT_SEEN)
    if session.scalar(select(Unit.id).where(Unit.id == unit.id, is_lent())) is not None:
        raise RuleBroken(IS_LENT)
    if unit.status == "retired":
        raise RuleBroken(IS_RETIRED)
    transfers.close(session, unit_id=unit.id, now=now)
    if unit.status == "missing":
        custody.take_in(session, unit=unit, staff_id=staff_id, now=now, at_place_id=count.place_id)
    unit.place_id = count.place_id
    session.flush()


def _hold(session: Session, unit: Unit) -> None:
    session.scalar(select(Unit.id).where(Unit.id == unit.id).with_for_update())
    session.refresh(unit, ["status", "place_id"])
