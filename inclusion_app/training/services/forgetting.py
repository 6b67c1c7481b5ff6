"""What is kept of a booking goes: with its person, three months after its last date, and altogether after two years."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, exists, literal, or_, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.retention_runs import keep
from inclusion_app.messages import services as messages
from inclusion_app.people import services as people
from inclusion_app.training.models import (
    Arrangement,
    Booking,
    BookingDate,
    Credential,
    Notice,
    Occurrence,
    WalkIn,
)
from inclusion_app.training.rules import LIVE
from inclusion_app.training.services import bookings, telling

ENDED = ("cancelled", "session_cancelled")
APART = {"synchronize_session": False}
# At once, so that no statement names more rows than an engine takes.
AT_ONCE = 500


def erase_of_resident(session: Session, *, resident_id: int, now: datetime) -> None:
    """Somebody is deleted: their places go to who waits, and all that was booked or certified for them goes.

    How many came to a date that is over stays in the counters of the date, which name nobody.
    """
    mine = select(Booking.id).where(Booking.resident_id == resident_id)
    for number in session.scalars(mine.where(Booking.status.in_(LIVE)).order_by(Booking.id)).all():
        bookings.cancel(session, booking_id=number, by="learner", now=now)
    session.flush()
    session.execute(delete(Credential).where(papers_of(resident_id)), execution_options=APART)
    session.execute(delete(WalkIn).where(WalkIn.resident_id == resident_id), execution_options=APART)
    delete_bookings(session, session.scalars(mine).all())


def papers_of(resident_id: int) -> ColumnElement[bool]:
    """Awards of a resident, and certificates of what was booked for them or where they walked in."""
    booked = select(Booking.id).where(Booking.resident_id == resident_id)
    walked = select(WalkIn.id).where(WalkIn.resident_id == resident_id)
    return or_(
        Credential.resident_id == resident_id,
        Credential.booking_id.in_(booked),
        Credential.walk_in_id.in_(walked),
    )


def delete_bookings(session: Session, numbers: Sequence[int]) -> int:
    """These bookings go with their dates, their code, and the words of what was told about them. Returns how many."""
    session.flush()
    for begin in range(0, len(numbers), AT_ONCE):
        some = numbers[begin : begin + AT_ONCE]
        _close(session, some)
        session.execute(delete(Booking).where(Booking.id.in_(some)), execution_options=APART)
    session.expire_all()
    return len(numbers)


def _close(session: Session, numbers: Sequence[int]) -> None:
    """Their codes open nothing any more, and nobody can read what they were told."""
    for code_hash in session.scalars(select(Booking.code_hash).where(Booking.id.in_(numbers))).all():
        people.take_back_code(session, code_hash=code_hash)
    for number in numbers:
        messages.forget_about(session, about=telling.about_number(number))


# --- by the schedule


def _over_since(moment: datetime) -> ColumnElement[bool]:
    """All dates of a booking were over by then. One without any date counts from the day it ended."""
    dates = select(BookingDate.booking_id).where(BookingDate.booking_id == Booking.id)
    later = dates.join(Occurrence, Occurrence.id == BookingDate.occurrence_id).where(
        Occurrence.ends_at > moment
    )
    no_date = ~exists(dates)
    return (
        (Booking.made_at <= moment)
        & ~exists(later)
        & (~no_date | (Booking.status.in_(ENDED) & (Booking.ended_at <= moment)))
    )


def forget_contacts(session: Session, *, now: datetime) -> int:
    """Three months after the last date: how to reach somebody, what they are called and need, and their code. Returns how many.

    That there was a booking, for how many, and whether they came, stays for the figures.
    """
    moment = now - keep("booking-contact")
    due = select(Booking.id).where(Booking.forgotten_at.is_(None), _over_since(moment)).order_by(Booking.id)
    numbers = session.scalars(due).all()
    for begin in range(0, len(numbers), AT_ONCE):
        forget(session, numbers[begin : begin + AT_ONCE], now=now)
    session.execute(
        update(WalkIn)
        .where(
            WalkIn.label.is_not(None),
            WalkIn.occurrence_id.in_(select(Occurrence.id).where(Occurrence.ends_at <= moment)),
        )
        .values(label=None),
        execution_options=APART,
    )
    _forget_notices(session, moment)
    return len(numbers)


def _forget_notices(session: Session, moment: datetime) -> None:
    """What an organiser wrote to those booked goes with how to reach them; nobody who was told still travels to it."""
    goes_on = exists().where(Occurrence.session_id == Notice.session_id, Occurrence.ends_at > moment)
    session.execute(delete(Notice).where(Notice.made_at <= moment, ~goes_on), execution_options=APART)


def forget(session: Session, numbers: Sequence[int], *, now: datetime) -> int:
    """Forget how to reach whoever these bookings name, and whatever was typed in them. Returns how many it was done to.

    What somebody needed to take part is a fact about their health: what was arranged for it goes too.
    """
    session.flush()
    _close(session, numbers)
    session.execute(delete(Arrangement).where(Arrangement.booking_id.in_(numbers)), execution_options=APART)
    nothing = literal("forgotten ") + cast(Booking.id, String)
    gone: dict[str, Any] = {
        "contact": None, "contact_name": None, "label": None, "needs": None, "group_id": None,
        "code": "", "code_hash": nothing, "form_key": nothing,
        "forgotten_at": now,
    }  # fmt: skip
    forgetting = update(Booking).where(Booking.id.in_(numbers), Booking.forgotten_at.is_(None))
    done = session.execute(forgetting.values(**gone), execution_options=APART)
    session.expire_all()
    return int(done.rowcount)  # type: ignore[attr-defined]


def delete_old_bookings(session: Session, *, now: datetime) -> int:
    """Bookings, their marks in the register, and walk-ins, 25 months after the last date. Returns how many bookings.

    A certificate stays: it names nobody, and somebody may still show it. So do answers to the question, and the counters.
    """
    moment = now - keep("booking")
    old = select(Booking.id).where(_over_since(moment)).order_by(Booking.id)
    dates = select(Occurrence.id).where(Occurrence.ends_at <= moment)
    session.execute(delete(WalkIn).where(WalkIn.occurrence_id.in_(dates)), execution_options=APART)
    return delete_bookings(session, session.scalars(old).all())


def delete_old_requests(session: Session, *, now: datetime) -> int:
    """ "I would come", to a session that got no date for 13 months. Returns how many."""
    has_date = exists().where(BookingDate.booking_id == Booking.id)
    old = select(Booking.id).where(
        Booking.status.in_(LIVE), ~has_date, Booking.made_at <= now - keep("booking-undated")
    )
    return delete_bookings(session, session.scalars(old.order_by(Booking.id)).all())
