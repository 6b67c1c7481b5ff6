"""Certificates and awards: signed when somebody asks for theirs, once, and without a name.

That an attendance is undone takes its certificate back; marked again it is good again (services/register.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from inclusion_app.core.db import insert_into
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.training.badges import Achievement, Issuer
from inclusion_app.training.models import (
    Booking,
    BookingDate,
    Credential,
    Occurrence,
    TrainingSession,
    WalkIn,
)
from inclusion_app.training.rules import CAME

NOT_YET = N_("You can print a certificate when you have been there.")
CRITERIA = "Came to this session, as its register says."
CRITERIA_COURSE = "Came to dates of this course, as its register says."


def certify_booking(session: Session, *, booking: Booking, issuer: Issuer, now: datetime) -> str:
    """The number of the certificate of a booking whose people came; given once. Raises RuleBroken when they did not yet."""
    if not session.scalars(came_to(booking.id)).all():
        raise RuleBroken(NOT_YET)
    training = booking.session
    facts = {"kind": "attendance", "booking_id": booking.id, "session_id": training.id}
    return _give(session, issuer, _achieved(training, issuer), now, facts, ["booking_id"])


def certify_walk_in(session: Session, *, walk_in_id: int, issuer: Issuer, now: datetime) -> str:
    """The same for somebody who came without a booking. Raises RuleBroken when that was undone meanwhile."""
    # Whoever undoes it waits, so that no certificate is given of what has just been taken back.
    wanted = select(WalkIn).where(WalkIn.id == walk_in_id).with_for_update(key_share=True)
    walk_in = session.scalar(wanted.execution_options(populate_existing=True))
    if walk_in is None:
        raise RuleBroken(CHANGED_ALREADY)
    training = session.get_one(Occurrence, walk_in.occurrence_id).session
    facts = {"kind": "attendance", "walk_in_id": walk_in.id, "session_id": training.id}
    return _give(session, issuer, _achieved(training, issuer), now, facts, ["walk_in_id"])


def _achieved(training: TrainingSession, issuer: Issuer) -> Achievement:
    words = training.course.text_in()
    title, summary = (words.title, words.summary) if words else (training.organisation.name, "")
    return Achievement(
        address=f"{issuer.address}/en/training/{training.slug}",
        name=title,
        description=f"{title}. Taught by {training.organisation.name}. {summary}".strip(),
        criteria=CRITERIA_COURSE if training.booked_as == "course" else CRITERIA,
        kind="Certificate",
    )


def came_to(booking_id: int) -> Select[int]:
    """The dates somebody of a booking came to, as they stand until the certificate is given: whoever takes a mark back
    waits, and then finds the certificate to take back with it.
    """
    wanted = select(BookingDate.occurrence_id).where(
        BookingDate.booking_id == booking_id, BookingDate.attendance.in_(CAME)
    )
    return wanted.order_by(BookingDate.occurrence_id).with_for_update(read=True)


def certify_award(
    session: Session,
    *,
    level: str,
    achievement: Achievement,
    resident_id: int | None,
    issuer: Issuer,
    now: datetime,
) -> str:
    """The number of an award of this level; of somebody with a plan it is given once."""
    facts = {"kind": "award", "level": level, "resident_id": resident_id}
    return _give(session, issuer, achievement, now, facts, ["resident_id", "kind", "level"])


def _give(
    session: Session,
    issuer: Issuer,
    achievement: Achievement,
    now: datetime,
    facts: Mapping[str, Any],
    once: list[str],
) -> str:
    number = str(uuid.uuid4())
    statement = (
        insert_into(session, Credential)
        .values(id=number, issued_at=now, signed=issuer.sign(number, achievement, now=now), **facts)
        .on_conflict_do_nothing(index_elements=once)
        .returning(Credential.id)
    )
    given = session.scalar(statement)
    if given is not None:
        return str(given)
    known = session.scalar(
        select(Credential.id).where(*(getattr(Credential, name) == facts[name] for name in once))
    )
    if known is None:
        raise RuleBroken(CHANGED_ALREADY)
    return known
