"""The worker's chores of training: somebody is reminded of their session, and an offer nobody answers goes on.

Called inside an application context. A look decides whether there is anything to do, so that a quiet minute takes no
lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from inclusion_app.core import clock
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message
from inclusion_app.messages.sending import settings_now
from inclusion_app.people.models import ContactRoute
from inclusion_app.training.models import Booking, BookingDate, Occurrence
from inclusion_app.training.rules import (
    LETTER_EARLIER,
    REMIND_BY,
    REMIND_LATE,
    is_time_to_remind,
    remind_at,
)
from inclusion_app.training.services import telling, waiting

# As many as are put in one transaction: their bookings are locked meanwhile.
AT_ONCE = 100
# No reminder is moved by more than this to come at a good hour.
MOVED_AT_MOST = timedelta(hours=14)


@dataclass(frozen=True)
class Due:
    """One booking that is to be reminded of one of its dates."""

    booking_id: int
    occurrence_id: int


def remind() -> int:
    """Put every reminder that is due, each once. Returns how many."""
    told = 0
    for which, before in settings_now().reminders.items():
        with reading() as session:
            due = due_now(session, which=which, before=before, now=clock.now())
        for begin in range(0, len(due), AT_ONCE):
            with transaction() as session:
                told += put(session, due[begin : begin + AT_ONCE], which=which, now=clock.now())
    return told


def lapse() -> int:
    """End the offers whose time is over, and give what they held to who waits. Returns how many ended."""
    with reading() as session:
        if session.scalar(waiting.offers_over(clock.now()).limit(1)) is None:
            return 0
    with transaction() as session:
        return waiting.lapse_offers(session, now=clock.now())


def due_now(session: Session, *, which: str, before: timedelta, now: datetime) -> Sequence[Due]:
    """Whom to remind now, the soonest date first: one query, whatever the number of bookings."""
    booked_at = (
        select(func.max(StatusChange.at))
        .where(StatusChange.booking_id == Booking.id, StatusChange.after == "booked")
        .scalar_subquery()
    )
    # By its key: what was put before is not put again, and a date that was moved has another one.
    begin, space = literal(f"training remind {which} "), literal(" ")
    booking, occurrence, sequence = (
        cast(number, String) for number in (Booking.id, Occurrence.id, Occurrence.sequence)
    )
    key = begin + booking + space + occurrence + space + sequence
    told = select(Message.id).where(Message.key == key).exists()
    # Somebody who keeps a plan may have chosen letters there, and a letter is posted days earlier.
    chosen = (
        select(ContactRoute.kind)
        .where(ContactRoute.resident_id == Booking.resident_id)
        .order_by(ContactRoute.position)
        .limit(1)
        .scalar_subquery()
    )
    way = case((Booking.contact_kind == "record", func.coalesce(chosen, "")), else_=Booking.contact_kind)
    earlier = now + before + MOVED_AT_MOST
    late = now + before - REMIND_LATE[which] - MOVED_AT_MOST
    wanted = (
        select(
            Booking.id,
            Occurrence.id,
            Occurrence.starts_at,
            way,
            case((booked_at.is_(None), Booking.made_at), else_=booked_at),
        )
        .select_from(BookingDate)
        .join(Booking, Booking.id == BookingDate.booking_id)
        .join(Occurrence, Occurrence.id == BookingDate.occurrence_id)
        .where(
            Booking.status == "booked",
            BookingDate.status == "on",
            Occurrence.status == "on",
            Occurrence.starts_at > now,
            or_(
                and_(way != "letter", Occurrence.starts_at.between(late, earlier)),
                and_(
                    way == "letter",
                    Occurrence.starts_at.between(late + LETTER_EARLIER, earlier + LETTER_EARLIER),
                ),
            ),
            Booking.contact_kind.in_(REMIND_BY[which]),
            # Without a way there is nobody to tell.
            or_(Booking.contact.is_not(None), Booking.resident_id.is_not(None)),
            ~told,
        )
        .order_by(Occurrence.starts_at, Booking.id)
    )
    found = []
    for booking_id, occurrence_id, starts_at, kind, since in session.execute(wanted):
        at = remind_at(starts_at, which, before, by_letter=kind == "letter")
        if is_time_to_remind(which, at, starts_at=starts_at, booked_at=since, now=now):
            found.append(Due(booking_id, occurrence_id))
    return found


def put(session: Session, due: Sequence[Due], *, which: str, now: datetime) -> int:
    """Put these reminders, once by their keys. Returns how many.

    A booking or a date that somebody cancels or moves at this moment is left for the next time: nobody is told to come
    to what has just ended.
    """
    pairs = {(one.booking_id, one.occurrence_id) for one in due}
    wanted = (
        select(Booking, Occurrence)
        .join(BookingDate, BookingDate.booking_id == Booking.id)
        .join(Occurrence, Occurrence.id == BookingDate.occurrence_id)
        .where(
            Booking.id.in_([one.booking_id for one in due]),
            Booking.status == "booked",
            BookingDate.status == "on",
            Occurrence.status == "on",
            Occurrence.starts_at > now,
        )
        .order_by(Occurrence.starts_at, Booking.id)
        .with_for_update(of=(Booking, BookingDate, Occurrence), key_share=True, skip_locked=True)
    )
    told = 0
    for booking, occurrence in session.execute(wanted).all():
        if (booking.id, occurrence.id) not in pairs:
            continue
        key = f"{telling.reminder_key(which, booking.id, occurrence.id)}{occurrence.sequence}"
        facts = {"time": occurrence.starts_at} if which == "hours" else {}
        # Nobody travels to what they cannot take part in: whatever was decided late, or by nobody, is said once more.
        is_open = which == "days" and any(need.status != "arranged" for need in booking.arrangements)
        told += telling.tell(
            session, booking, f"training_remind_{which}{'_open' if is_open else ''}", key=key, now=now, occurrence=occurrence,
            dates=(), useful_until=occurrence.starts_at, **facts,
        )  # fmt: skip
    return told
