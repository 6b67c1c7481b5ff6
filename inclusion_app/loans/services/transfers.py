"""Moves between places: a unit is on its way from one place until somebody takes it in at another.

Where it is by the books stays the place it left, until it arrives. A unit is on one way at a time; the index has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.models import Loan, Transfer, Unit
from inclusion_app.loans.services import fetching
from inclusion_app.places.models import Place

MOST_AT_ONCE = 200
NOTHING_TO_SEND = N_("Scan or type at least one tag.")
TOO_MANY = N_("Send %(most)s at once at most.")
IS_THERE = N_("%(tag)s is at that place already.")
IS_GONE = N_("%(tag)s is missing or retired.")
IS_LENT = N_("Somebody has %(tag)s on loan.")
ON_THE_WAY = N_("%(tag)s is on its way already.")
NOT_ON_THE_WAY = N_("This one is not on its way. Look at its page.")
# Whoever is sent there by their page would find nothing: first they fetch it elsewhere, or another one is kept for them.
IS_KEPT = N_(
    "%(tag)s is kept for request %(number)s, to be fetched at %(place)s. Send it there, or keep another one for them first."
)
GONE = ("missing", "retired")


def send(
    session: Session, *, units: Sequence[Unit], to: Place, staff_id: int | None, now: datetime
) -> list[Transfer]:
    """All of them leave for another place, or none does: the first that cannot is named.

    Raises RuleBroken for one that is there, gone, lent, or on its way already, and for those kept for somebody who fetches
    them at another place. What is to be brought to somebody may go anywhere: they come to no place.
    """
    once = {unit.id: unit for unit in units}
    if not once:
        raise RuleBroken(NOTHING_TO_SEND, field="tags")
    if len(once) > MOST_AT_ONCE:
        raise RuleBroken(TOO_MANY, field="tags", most=MOST_AT_ONCE)
    # Whoever hands one of them over now waits, or has just done so. In one order, so that no two wait for each other.
    session.execute(select(Unit.id).where(Unit.id.in_(once)).order_by(Unit.id).with_for_update())
    lent = set(session.scalars(select(Loan.unit_id).where(Loan.unit_id.in_(once), Loan.status == "active")))
    moving = Transfer.unit_id.in_(once), Transfer.arrived_at.is_(None)
    away = set(session.scalars(select(Transfer.unit_id).where(*moving)))
    for unit in once.values():
        session.refresh(unit, ["status", "place_id"])
        said = (
            IS_GONE if unit.status in GONE
            else IS_LENT if unit.id in lent
            else ON_THE_WAY if unit.id in away
            else IS_THERE if unit.place_id == to.id
            else None
        )  # fmt: skip
        if said:
            raise RuleBroken(said, field="tags", tag=unit.tag)
    for one in fetching.kept_units(session, once):
        if one.place_id not in (None, to.id):
            raise RuleBroken(IS_KEPT, field="tags", tag=one.tag, number=str(one.request_id), place=one.place)
    sent = [
        Transfer(unit_id=unit.id, from_id=unit.place_id, to_id=to.id, sent_at=now, sent_by_id=staff_id)
        for unit in once.values()
    ]
    try:
        with session.begin_nested():
            session.add_all(sent)
    except IntegrityError:  # a return at another place put one of them on its way meanwhile
        raise RuleBroken(ON_THE_WAY, field="tags", tag=next(iter(once.values())).tag) from None
    return sent


def arrive(session: Session, *, unit: Unit, at: Place, now: datetime) -> None:
    """Somebody has it in their hand at a place: there it is by the books too, wherever it was sent.

    Raises RuleBroken when it is on no way, and so the second time.
    """
    if not close(session, unit_id=unit.id, now=now):
        raise RuleBroken(NOT_ON_THE_WAY, field="tag")
    session.execute(update(Unit).where(Unit.id == unit.id).values(place_id=at.id))


def call_off(session: Session, *, transfer: Transfer, now: datetime) -> None:
    """It did not leave: it is where it was. Raises RuleBroken when it arrived meanwhile."""
    ending = update(Transfer).where(Transfer.id == transfer.id, Transfer.arrived_at.is_(None))
    if not rows_changed(session, ending.values(arrived_at=now)):
        raise RuleBroken(NOT_ON_THE_WAY)


def close(session: Session, *, unit_id: int, now: datetime) -> bool:
    """End the way a unit is on. False when it is on none."""
    ending = update(Transfer).where(Transfer.unit_id == unit_id, Transfer.arrived_at.is_(None))
    return rows_changed(session, ending.values(arrived_at=now)) == 1


def is_moving(session: Session, unit_id: int) -> bool:
    """True between two places."""
    moving = exists().where(Transfer.unit_id == unit_id, Transfer.arrived_at.is_(None))
    return bool(session.scalar(select(moving)))
