"""What the award asks of training: on how many dates somebody was there."""

from __future__ import annotations

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from inclusion_app.training.models import Booking, BookingDate, WalkIn
from inclusion_app.training.rules import CAME


def dates_come_to(session: Session, resident_id: int) -> int:
    """The dates a resident came to, booked or not; a date counts once."""
    booked = (
        select(BookingDate.occurrence_id)
        .join(Booking, Booking.id == BookingDate.booking_id)
        .where(
            Booking.resident_id == resident_id,
            Booking.booked_for != "group",
            BookingDate.attendance.in_(CAME),
        )
    )
    walked_in = select(WalkIn.occurrence_id).where(WalkIn.resident_id == resident_id)
    return len(session.scalars(union(booked, walked_in)).all())
