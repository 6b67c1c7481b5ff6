"""A booking that was made without a plan is put into one: whoever holds its code and has the plan open may do so.

A code proves nothing of who typed what: a slip is lost on a table, or somebody booked for somebody. So what was typed
before (a name, a number, needs) is not shown with that plan; see training/holding.py.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from inclusion_app.core.db import rows_changed
from inclusion_app.people import services as people
from inclusion_app.training.models import Booking


def put_into_plan(session: Session, *, booking_id: int, resident_id: int, now: datetime) -> bool:
    """Keep a booking with somebody's plan. False when it is in one already; of two presses one wins."""
    statement = (
        update(Booking)
        .where(Booking.id == booking_id, Booking.resident_id.is_(None), Booking.booked_for != "group")
        .values(resident_id=resident_id, kept_at=now)
    )
    won = rows_changed(session, statement) == 1
    if won:
        people.note(session, resident_id, "keep booking", ("booking",), now)
    return won
