"""Telling whoever a booking names, by the way they chose: in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, object_session

from inclusion_app.accounts.models import Membership
from inclusion_app.core import clock
from inclusion_app.core.events import Contact, MessageWanted, publish
from inclusion_app.core.i18n import language_for
from inclusion_app.messages import queries as reach
from inclusion_app.messages import services as messages
from inclusion_app.messages.rules import BY_HAND, BY_WIRE, Route, choose_route
from inclusion_app.messages.rules import Wanted as WantedRoute
from inclusion_app.messages.sending import channels_now, whole_address
from inclusion_app.people.models import CaseloadEntry, Resident, Restriction
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


@dataclass(frozen=True)
class OwnWay:
    """The way somebody chose for their plan, as it can be gone now: None when none can. `posts` is who posts or calls."""

    route: Route | None
    posts: int | None
    no_service_name: bool = False


def own_way(session: Session, booking: Booking, now: datetime) -> OwnWay:
    """How whoever keeps this booking with a plan is told.

    The provider seldom is who they share their contact with: a letter, a call or a task of the caseworker goes to the
    organisation that helps them.
    """
    provider = _provider_unless_kept(session, booking)
    resident = session.get(Resident, booking.resident_id) if booking.resident_id is not None else None
    if resident is None:
        return OwnWay(None, provider)
    through = dict.fromkeys([*_helping(session, resident.id), booking.organisation_id, provider])
    reaches = reach.reach_through(session, resident=resident, organisation_ids=through, now=now)
    ways = [(way, route) for way in reaches if (route := _route_of(way)) is not None]
    if not ways:
        return OwnWay(None, provider)
    # The first of their own order that can be gone.
    way, route = min(ways, key=lambda one: one[0].routes.index(one[1]))
    posts = way.through.organisation_id if route.channel in BY_HAND else provider
    return OwnWay(route, posts, way.rule.no_service_name and route.channel in BY_WIRE)


def _route_of(way: reach.Reach) -> Route | None:
    return choose_route(
        way.routes, way.rule, channels=channels_now(), through=way.through, wanted=WantedRoute()
    )


def _helping(session: Session, resident_id: int) -> list[int]:
    """The organisations on whose caseload somebody is."""
    theirs = select(CaseloadEntry.organisation_id).where(CaseloadEntry.resident_id == resident_id)
    return list(session.scalars(theirs.order_by(CaseloadEntry.id)))


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
    way = own_way(session, booking, now) if is_own else OwnWay(None, _provider_unless_kept(session, booking))
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


def _provider_unless_kept(session: Session, booking: Booking) -> int | None:
    """The provider posts the letter and makes the call; but nobody there is shown whom the learner is kept from.

    A tray does not know whose a typed number is, so one colleague who is named keeps it from all of them.
    """
    provider = booking.session.organisation_id
    works_there = select(Membership.staff_id).where(
        Membership.organisation_id == provider, Membership.until_at.is_(None)
    )
    kept = select(Restriction.id).where(
        Restriction.resident_id == booking.resident_id,
        or_(Restriction.organisation_id == provider, Restriction.staff_id.in_(works_there)),
    )
    is_kept = booking.resident_id is not None and session.scalar(kept.limit(1)) is not None
    return None if is_kept else provider


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
