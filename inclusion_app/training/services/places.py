"""The counters of places: each verb is one conditional UPDATE over the dates it is for, all of them or none.

Who changes counters takes the rows in the order of their numbers (`lock`), so two who want the same dates wait for each
other instead of locking each other out. CHECK constraints have the last word.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.db import rows_changed
from inclusion_app.training.models import Occurrence


def lock(session: Session, occurrence_ids: Collection[int]) -> None:
    """Wait for these dates in the order of their numbers. (SQLite has one writer anyway and waits at its BEGIN.)

    A date of a booking that was just written points to its row; such a pointer must not stand in the way of this lock.
    """
    wanted = select(Occurrence.id).where(Occurrence.id.in_(occurrence_ids)).order_by(Occurrence.id)
    session.execute(wanted.with_for_update(key_share=True)).all()


FREE = Occurrence.capacity - Occurrence.taken - Occurrence.held


@dataclass(frozen=True)
class Room:
    """What is free on one date and how many wait for it; fewer free than none where an organiser made the room smaller."""

    free: int
    waiting: int


def lock_session(session: Session, session_id: int) -> dict[int, Room]:
    """Wait for all dates of a session that are still on. Returns what is free on each, as it is once they are locked."""
    wanted = select(Occurrence.id, FREE, Occurrence.waiting)
    of_session = wanted.where(Occurrence.session_id == session_id, Occurrence.status == "on")
    rows = session.execute(of_session.order_by(Occurrence.id).with_for_update(key_share=True))
    return {number: Room(free, waiting) for number, free, waiting in rows}


def _change(session: Session, occurrence_ids: Collection[int], *conditions: Any, **values: Any) -> bool:
    """One UPDATE over these dates; when it does not reach all of them, it reaches none."""
    ids = set(occurrence_ids)
    if not ids:
        return False
    changing = update(Occurrence).where(Occurrence.id.in_(ids), *conditions).values(**values)
    if len(ids) == 1:
        # One row has no order to be locked in, and is reached or not.
        return rows_changed(session, changing) == 1
    lock(session, ids)
    with session.begin_nested() as inner:
        if rows_changed(session, changing) == len(ids):
            return True
        inner.rollback()
    return False


def _has_room(places: int, companions: int) -> tuple[ColumnElement[bool], ...]:
    """A date is still on, and has so many free places and so much room for who comes along."""
    return (
        Occurrence.status == "on",
        Occurrence.taken + Occurrence.held + places <= Occurrence.capacity,
        Occurrence.companions + companions <= Occurrence.companion_cap,
    )


def take(
    session: Session,
    occurrence_ids: Collection[int],
    *,
    places: int,
    companions: int,
    now: datetime,
    beside_list: bool = False,
) -> bool:
    """Take so many places on each of these dates. False when one of them has too few, has begun, or has a waiting list.

    `beside_list` is for whoever has just asked the list (waiting.serve): nobody who waits can use what is free.
    """
    nobody_waits = () if beside_list else (Occurrence.waiting == 0,)
    return _change(
        session,
        occurrence_ids,
        Occurrence.starts_at > now,
        *nobody_waits,
        *_has_room(places, companions),
        taken=Occurrence.taken + places,
        companions=Occurrence.companions + companions,
    )


def give_back(session: Session, occurrence_ids: Collection[int], *, places: int, companions: int) -> None:
    """Places that were taken are free again."""
    _change(
        session,
        occurrence_ids,
        taken=Occurrence.taken - places,
        companions=Occurrence.companions - companions,
    )


def wait(session: Session, occurrence_ids: Collection[int], *, places: int, size: int, now: datetime) -> bool:
    """Join the waiting list of these dates. False when the list of one is full or it has begun."""
    return _change(
        session,
        occurrence_ids,
        Occurrence.status == "on",
        Occurrence.starts_at > now,
        Occurrence.waiting + places <= size,
        waiting=Occurrence.waiting + places,
    )


def leave(session: Session, occurrence_ids: Collection[int], *, places: int) -> None:
    """Leave the waiting list."""
    _change(session, occurrence_ids, waiting=Occurrence.waiting - places)


def take_from_list(
    session: Session, occurrence_ids: Collection[int], *, places: int, companions: int
) -> bool:
    """Who waited is booked. False when there is too little room."""
    return _change(
        session,
        occurrence_ids,
        *_has_room(places, companions),
        taken=Occurrence.taken + places,
        waiting=Occurrence.waiting - places,
        companions=Occurrence.companions + companions,
    )


def hold_from_list(
    session: Session, occurrence_ids: Collection[int], *, places: int, companions: int
) -> bool:
    """Who waited is offered a place, which is held for them: nobody else can have it. False when there is too little room."""
    return _change(
        session,
        occurrence_ids,
        *_has_room(places, companions),
        held=Occurrence.held + places,
        waiting=Occurrence.waiting - places,
        companions=Occurrence.companions + companions,
    )


def take_held(session: Session, occurrence_ids: Collection[int], *, places: int) -> None:
    """An offer was taken up."""
    _change(session, occurrence_ids, held=Occurrence.held - places, taken=Occurrence.taken + places)


def drop_held(
    session: Session, occurrence_ids: Collection[int], *, places: int, companions: int, waits: bool
) -> None:
    """An offer was not taken up: its place is free. `waits`: they stay on the list."""
    again = {"waiting": Occurrence.waiting + places} if waits else {}
    _change(
        session,
        occurrence_ids,
        held=Occurrence.held - places,
        companions=Occurrence.companions - companions,
        **again,
    )


def free_on(session: Session, occurrence_ids: Collection[int]) -> int:
    """How many places are free on every one of these dates; fewer than none where an organiser made the room smaller."""
    return session.scalar(select(func.min(FREE)).where(Occurrence.id.in_(occurrence_ids))) or 0


def left_on(session: Session, occurrence_ids: Collection[int], *, size: int) -> tuple[int, int]:
    """How many places are free on every one of these dates, and how many are left on every waiting list, just now."""
    found = select(func.min(FREE), func.max(Occurrence.waiting)).where(Occurrence.id.in_(occurrence_ids))
    free, waiting = session.execute(found).one()
    return max(0, free or 0), max(0, size - (waiting or 0))


def is_full(session: Session, occurrence_ids: Collection[int], *, places: int, size: int) -> bool:
    """True when just now so many places are neither free on all of these dates nor left on their waiting lists. A look,
    which promises nothing.
    """
    return max(left_on(session, occurrence_ids, size=size)) < places


def lacks_room_for_companions(
    session: Session, occurrence_ids: Collection[int], *, places: int, companions: int
) -> bool:
    """True when there would be a place, but not for so many who come along."""
    room = func.min(Occurrence.companion_cap - Occurrence.companions)
    left = session.scalar(select(room).where(Occurrence.id.in_(occurrence_ids))) or 0
    return left < companions and free_on(session, occurrence_ids) >= places
