"""Telling whoever a booking names, by the way they chose: in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session, object_session

from inclusion_app.core import clock
from inclusion_app.core.events import Contact, MessageWanted, RequestEnded, publish
from inclusion_app.core.i18n import language_for
from inclusion_app.messages import services as messages
from inclusion_app.messages.own_way import OwnWay, unless_kept
from inclusion_app.messages.own_way import own_way as way_of
from inclusion_app.messages.sending import whole_address
from inclusion_app.training.models import Booking, Occurrence
from inclusion_app.training.rules import REMINDERS, WITH_VALUE


def about(booking: Booking) -> str:
    """Under what the messages about a booking are found again."""
    return about_number(booking.id)


def about_number(booking_id: int) -> str:
    """The same by the number of the booking."""
    return f"booking {booking_id}"


def can_be_told(booking: Booking) -> bool:
    """True when there is a way to tell somebody of this booking; else they look at its page."""
    if booking.contact_kind == "record":
        session = object_session(booking)
        return session is not None and own_way(session, booking, clock.now()).route is not None
    return booking.contact_kind in WITH_VALUE and booking.contact is not None


def own_way(session: Session, booking: Booking, now: datetime) -> OwnWay:
    """How whoever keeps this booking with a plan is told."""
    return way_of(session, resident_id=booking.resident_id, runs_it=booking.session.organisation_id, now=now)


def hears_by(session: Session, booking: Booking, now: datetime) -> str:
    """By which way somebody hears of it: a key of rules.ANSWER_HOURS."""
    if booking.contact_kind != "record":
        return booking.contact_kind
    route = own_way(session, booking, now).route
    return route.kind if route is not None else "none"


def tell(
    session: Session,
    booking: Booking,
    template: str,
    *,
    key: str,
    now: datetime,
    occurrence: Occurrence | None = None,
    dates: Sequence[Occurrence] = (),
    useful_until: datetime | None = None,
    **facts: str | datetime,
) -> bool:
    """Put one message about this booking; once by its key. False when it names no way, so nobody is told.

    The facts of `facts_of` stand in it beside those that are given; `dates` are several it is about.
    Instants become ISO texts, which the message says in words of its language.
    """
    is_own = booking.contact_kind == "record"
    if booking.resident_id is None if is_own else not can_be_told(booking):
        return False
    params = facts_of(booking, occurrence, now)
    way = own_way(session, booking, now) if is_own else OwnWay(None, _provider(session, booking))
    if way.no_service_name:
        params = {name: fact for name, fact in params.items() if name == "when"}
    if dates:
        params["dates"] = " ".join(date.starts_at.isoformat() for date in dates)
        if len({date.where[0] for date in dates}) > 1:
            params.pop("place", None)  # of one date it would be said of all
    params |= {name: fact.isoformat() if isinstance(fact, datetime) else fact for name, fact in facts.items()}
    publish(
        session,
        MessageWanted(
            key=f"training {key}", template=template, language=booking.language, params=params,
            organisation_id=way.posts, about=about(booking), useful_until=useful_until,
            resident_id=booking.resident_id if is_own else None,
            contact=_contact(booking),
        ),
    )  # fmt: skip
    return True


def dates_to_come(booking: Booking, now: datetime) -> list[Occurrence]:
    """The dates of a booking that take place, that it has not called off and that have not begun, the soonest first."""
    mine = [date.occurrence for date in booking.dates_on if date.occurrence.starts_at > now]
    return sorted(mine, key=lambda date: date.starts_at)


def facts_of(booking: Booking, occurrence: Occurrence | None, now: datetime) -> dict[str, str]:
    """When, where, the organiser's phone and the link to the booking; for whom nothing may name the service, when only."""
    training = booking.session
    first = occurrence or next(iter(dates_to_come(booking, now)), None)
    facts = {"when": first.starts_at.isoformat()} if first is not None else {}
    if booking.is_discreet:
        return facts
    place = (first.place if first is not None else None) or training.place
    if place is not None:
        facts["place"] = place.name
    if training.phone:
        facts["phone"] = training.phone
    language = language_for(booking.language)
    return facts | {"link": whole_address(f"/{language.slug}/book/{booking.code}")}


def _provider(session: Session, booking: Booking) -> int | None:
    return unless_kept(
        session, resident_id=booking.resident_id, organisation_id=booking.session.organisation_id
    )


def _contact(booking: Booking) -> Contact | None:
    if booking.contact_kind == "record" or booking.contact is None:
        return None
    name = booking.label if booking.contact_of == "learner" else booking.contact_name
    return Contact(booking.contact_kind, booking.contact, name, booking.is_discreet)


def take_back(session: Session, booking: Booking, *, now: datetime) -> None:
    """What was to be told about this booking and did not leave yet is not true any more."""
    messages.take_back(session, about=about(booking), now=now)


def reminder_key(which: str, booking_id: int, occurrence_id: int) -> str:
    """How the keys of all reminders of one kind about one date of a booking begin, however often it was moved."""
    return f"remind {which} {booking_id} {occurrence_id} "


def take_back_date(session: Session, booking: Booking, *, occurrence_id: int, now: datetime) -> None:
    """Reminders of one date of a booking that did not leave yet, for whoever moves or cancels that date.

    What was told about the others stays.
    """
    for which in REMINDERS:
        messages.take_back(
            session, about=about(booking), now=now,
            key_begins=f"training {reminder_key(which, booking.id, occurrence_id)}",
        )  # fmt: skip


def take_back_offer(session: Session, booking: Booking, *, now: datetime) -> None:
    """An offer was answered or lapsed: it is told no more, nor that they wait. Whatever else was to be told stays true."""
    for key in (f"training offer {booking.id} ", f"training waitlisted {booking.id}"):
        messages.take_back(session, about=about(booking), now=now, key_begins=key)


# Ended by these nobody who asked for it has to look for another way: the person, or who helps them, wished it so.
OWN_WISH = frozenset({"learner", "helper"})


def tell_sender(session: Session, booking: Booking, *, now: datetime) -> None:
    """A booking that staff made for somebody with a record has ended. Whoever made it hears of it, unless it was wished."""
    if booking.ended_by in OWN_WISH or booking.resident_id is None or booking.organisation_id is None:
        return
    if booking.staff_id is None:
        return
    publish(
        session,
        RequestEnded(
            resident_id=booking.resident_id, organisation_id=booking.organisation_id, staff_id=booking.staff_id,
            noun="booking", number=booking.id, at=now,
        ),
    )  # fmt: skip
