"""Courses, sessions with dates, and bookings, for tests."""

from __future__ import annotations

import itertools
import secrets
import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.places.models import Place
from inclusion_app.training.models import Booking, Course, CourseText, Occurrence, TrainingSession
from inclusion_app.training.rules import moment
from inclusion_app.training.services.bookings import Wanted, book
from tests.factories.accounts import make_organisation

_numbers = itertools.count(1)


def make_place(session: Session, **facts: Any) -> Place:
    """A library without opening hours."""
    number = next(_numbers)
    usual = {
        "slug": f"hall-{number}", "source_key": f"test:{number}", "name": f"Hall {number}", "kinds": "library",
        "confidence": "high", "source": "test", "licence": "OGL-UK-3.0", "read_on": today(),
        "address": "1 High Street", "postcode": "M14 5RQ", "lat": 53.45, "lng": -2.22,
    }  # fmt: skip
    row = Place(**{**usual, **facts})
    session.add(row)
    session.flush()
    return row


def make_course(
    session: Session, *, organisation_id: int, title: str = "First steps", **facts: Any
) -> Course:
    """A course of first steps with English words."""
    usual = {"area": "FND", "level": 1, "steps": "F1 F2", "made_at": now()}
    row = Course(**{**usual, **facts}, organisation_id=organisation_id)
    row.texts = [
        CourseText(language="en", title=title, summary="We begin at the beginning.", bring="Nothing")
    ]
    session.add(row)
    session.flush()
    return row


def make_session(
    session: Session,
    *,
    days: Sequence[date] | None = None,
    begins: time = time(10),
    ends: time = time(12),
    organisation_id: int | None = None,
    course: Course | None = None,
    **facts: Any,
) -> TrainingSession:
    """A published session in ten days at a hall, with eight places; the dates can be said."""
    organisation_id = organisation_id or make_organisation(session).id
    course = course or make_course(session, organisation_id=organisation_id)
    if "place_id" not in facts:
        facts["place_id"] = make_place(session).id
    usual = {
        "slug": f"first-steps-{next(_numbers)}", "status": "published", "booked_as": "single", "capacity": 8,
        "waiting_size": 10, "companion_cap": 2, "party_size": 6, "led_by": "Noor", "phone": "0161 496 0000",
        "made_at": now(), "changed_at": now(), "change_number": next(_numbers),
    }  # fmt: skip
    row = TrainingSession(**{**usual, **facts}, course_id=course.id, organisation_id=organisation_id)
    session.add(row)
    session.flush()
    if row.booked_as != "undated":
        for day in days or [today() + timedelta(days=10)]:
            add_date(session, row, day=day, begins=begins, ends=ends)
    session.expire(row)
    return row


def add_date(
    session: Session,
    training: TrainingSession,
    *,
    day: date,
    begins: time = time(10),
    ends: time = time(12),
    **facts: Any,
) -> Occurrence:
    """One more date of a session, with as many places as the session has."""
    row = Occurrence(
        session_id=training.id, day=day, begins=begins, ends=ends, starts_at=moment(day, begins),
        ends_at=moment(day, ends), uid=str(uuid.uuid4()),
        **{"capacity": training.capacity, "companion_cap": training.companion_cap, **facts},
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def wanted(**facts: Any) -> Wanted:
    """What a form would say: one place for oneself, no contact."""
    return Wanted(**{"form_key": secrets.token_hex(16), "language": "en", **facts})


def make_booking(
    session: Session, training: TrainingSession, *, at: datetime | None = None, **facts: Any
) -> Booking:
    """A booking by the service itself: booked, or waiting where the session is full."""
    return book(session, training=training, wanted=wanted(**facts), now=at or now())
