"""What the tests of bookings share: a Monday morning, and short words for what is asked of the database again and again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.errors import RuleBroken
from inclusion_app.messages.models import Message
from inclusion_app.training.models import Booking, Occurrence, TrainingSession
from tests.factories.training import make_booking, make_session

NOW = datetime(2027, 2, 1, 10, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = tuple(date(2027, 2, 15) + timedelta(weeks=week) for week in range(3))
PHONE = "+447700900123"
BY_SMS = {"contact_kind": "sms", "contact": PHONE}


def session_of(session: Session, capacity: int = 2, dates: int = 1, **facts: Any) -> TrainingSession:
    """A published session two weeks after NOW; with more dates a series, unless said otherwise."""
    usual = {"capacity": capacity, "booked_as": "single" if dates == 1 else "series"}
    return make_session(session, days=DAYS[:dates], **{**usual, **facts})


def booked(session: Session, training: TrainingSession, at: datetime = NOW, **facts: Any) -> Booking:
    """What became of this wish."""
    return make_booking(session, training, at=at, **facts)


def refusal(
    session: Session, training: TrainingSession, at: datetime = NOW, **facts: Any
) -> tuple[str, str | None]:
    """With which words, and at which field, this wish is refused."""
    try:
        made = booked(session, training, at, **facts)
    except RuleBroken as broken:
        return broken.message, broken.field
    raise AssertionError(f"not refused: {made.status}")


def counters(session: Session, training: TrainingSession) -> list[tuple[int, int, int, int]]:
    """Taken, held, waiting and companions of each date."""
    of = select(Occurrence.taken, Occurrence.held, Occurrence.waiting, Occurrence.companions)
    return [
        tuple(row)
        for row in session.execute(of.where(Occurrence.session_id == training.id).order_by(Occurrence.id))
    ]


def told(session: Session, booking: Booking, *, state: str | None = None) -> list[str]:
    """The messages about a booking, in their order; `state` for those in this state alone."""
    of = select(Message.template).where(Message.about == f"booking {booking.id}")
    if state is not None:
        of = of.where(Message.state == state)
    return list(session.scalars(of.order_by(Message.id)))
