"""What this room holds of a resident: what they booked, where they came, what they can show for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import clock, i18n
from inclusion_app.core.registry import Fact, Holding, hold
from inclusion_app.core.words import N_
from inclusion_app.training.models import Booking, Course, Credential, Occurrence, TrainingSession, WalkIn
from inclusion_app.training.rules import ATTENDANCE, CONTACTS, NEEDS
from inclusion_app.training.services import forgetting
from inclusion_app.training.wording import course_words

STATES = {
    "requested": N_("You asked for a place"),
    "booked": N_("You have a place"),
    "waitlisted": N_("You are on a waiting list"),
    "offered": N_("A place is kept for you"),
    "cancelled": N_("You had a booking"),
    "session_cancelled": N_("You had a booking"),
}
# Whoever finds a slip can put its booking into a plan of theirs: what another typed is not theirs to read.
TYPED_BEFORE = N_("It was typed before this booking was in your plan. Ask us if it is yours.")
PAPERS = {"attendance": N_("Your certificate, given on"), "award": N_("Your award, given on")}


def _bookings(session: Session, resident_id: int) -> Sequence[Booking]:
    mine = select(Booking).where(Booking.resident_id == resident_id)
    return session.scalars(mine.order_by(Booking.made_at, Booking.id)).all()


def _walk_ins(session: Session, resident_id: int) -> list[tuple[WalkIn, Occurrence, TrainingSession]]:
    rows = session.execute(
        select(WalkIn, Occurrence, TrainingSession)
        .join(Occurrence, Occurrence.id == WalkIn.occurrence_id)
        .join(TrainingSession, TrainingSession.id == Occurrence.session_id)
        .where(WalkIn.resident_id == resident_id)
        .order_by(WalkIn.marked_at, WalkIn.id)
    )
    return [(walk_in, date, training) for walk_in, date, training in rows]


def _credentials(session: Session, resident_id: int) -> Sequence[Credential]:
    """Awards, and certificates of what was booked for them or where they walked in."""
    booked = select(Booking.id).where(Booking.resident_id == resident_id)
    walked = select(WalkIn.id).where(WalkIn.resident_id == resident_id)
    theirs = (
        (Credential.resident_id == resident_id)
        | Credential.booking_id.in_(booked)
        | Credential.walk_in_id.in_(walked)
    )
    return session.scalars(select(Credential).where(theirs).order_by(Credential.issued_at)).all()


def _title(course: Course) -> str:
    return course_words(course).title


def _day(date: Occurrence) -> str:
    return i18n.day_words(date.day)


def _describe_booking(booking: Booking) -> list[Fact]:
    title = _title(booking.session.course)
    facts = [Fact(STATES[booking.status], title)]
    for date in booking.dates:
        said = [_day(date.occurrence)]
        if date.attendance:
            said.append(_(ATTENDANCE[date.attendance]))
        facts.append(Fact(N_("Date"), _(", ").join(said)))
    if booking.kept_at is not None:
        typed = not booking.forgotten_at and (booking.label or booking.needs or booking.contact)
        return [*facts, *([Fact(N_("What was typed for it"), _(TYPED_BEFORE))] if typed else [])]
    needs = booking.needs or {}
    asked = [_(NEEDS[code]) for code in needs.get("codes", ()) if code in NEEDS]
    reach = _(CONTACTS[booking.contact_kind]) + (f" {booking.contact}" if booking.contact else "")
    facts += [
        Fact(N_("What you asked us to call you"), booking.label or ""),
        Fact(N_("What you need there"), _(", ").join([*asked, *filter(None, [needs.get("note")])])),
        Fact(N_("How we reach you about it"), "" if booking.forgotten_at else reach),
        Fact(N_("Who helped to book"), booking.contact_name or ""),
    ]
    return [fact for fact in facts if fact.value]


def describe(session: Session, resident_id: int) -> list[Fact]:
    """Each booking with its dates and what was typed for it; where they walked in; certificates and awards."""
    facts = [fact for booking in _bookings(session, resident_id) for fact in _describe_booking(booking)]
    for walk_in, date, training in _walk_ins(session, resident_id):
        said = [_title(training.course), _day(date), walk_in.label or ""]
        facts.append(Fact(N_("You came without a booking"), _(", ").join(filter(None, said))))
    for paper in _credentials(session, resident_id):
        facts.append(Fact(PAPERS[paper.kind], i18n.day_words(i18n.local(paper.issued_at).date())))
    return facts


def _typed(booking: Booking) -> dict[str, Any]:
    """What was typed to book; nothing of it where the plan came to the booking later."""
    if booking.kept_at is not None:
        return {"typed_before_it_was_in_the_plan": True}
    return {
        "label": booking.label,
        "age_band": booking.age_band,
        "language": booking.language,
        "needs": booking.needs,
        "contact_kind": booking.contact_kind,
        "contact": booking.contact,
        "contact_of": booking.contact_of,
        "contact_name": booking.contact_name,
        "nothing_names_the_service": booking.is_discreet,
        "agreed_to": booking.consent_wording,
        "agreed_how": booking.consent_how,
        "arranged": {row.need: row.status for row in booking.arrangements},
    }


def export(session: Session, resident_id: int) -> dict[str, Any]:
    """Everything as data, with the signed form of each certificate: it is theirs to show. No code is a fact to hand on."""
    return {
        "bookings": [
            {
                "session": _title(booking.session.course),
                "state": booking.status,
                "made_at": booking.made_at.isoformat(),
                "places": booking.places,
                "companions": booking.companions,
                "booked_for": booking.booked_for,
                **_typed(booking),
                "waiting_mode": booking.waiting_mode,
                "dates": [
                    {"day": date.occurrence.day.isoformat(), "state": date.status, "attendance": date.attendance}
                    for date in booking.dates
                ],
            }
            for booking in _bookings(session, resident_id)
        ],
        "walk_ins": [
            {"session": _title(training.course), "day": date.day.isoformat(), "label": walk_in.label,
             "attendance": walk_in.attendance}
            for walk_in, date, training in _walk_ins(session, resident_id)
        ],
        "credentials": [
            {"id": paper.id, "kind": paper.kind, "level": paper.level, "issued_at": paper.issued_at.isoformat(),
             "signed": paper.signed}
            for paper in _credentials(session, resident_id)
        ],
    }  # fmt: skip


def erase(session: Session, resident_id: int) -> None:
    """Their places are free at once; codes, certificates, and the words of messages about a booking go too."""
    forgetting.erase_of_resident(session, resident_id=resident_id, now=clock.now())


TABLES = ("bookings", "walk_ins", "credentials")
hold(Holding("training", N_("Your sessions"), TABLES, describe, export, erase))
