"""The waiting list: what is freed goes to who waits, before the public, in the transaction that freed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from inclusion_app.core.history import move
from inclusion_app.core.registry import holidays
from inclusion_app.training.models import Booking, BookingDate, Occurrence
from inclusion_app.training.rules import Waiting, next_to_serve, offer_ends
from inclusion_app.training.services import places, telling


def open_dates(booking: Booking) -> list[int]:
    """The dates of a booking that are still on."""
    return [date.occurrence_id for date in booking.dates_on]


@dataclass(frozen=True)
class Entry(Waiting):
    """One entry of a waiting list with the dates it waits for that are still on."""

    dates: tuple[int, ...]


def entries(session: Session, session_id: int) -> list[Entry]:
    """Who waits for any date that is still on, in the order of the list. One query, and nobody's words are read for it."""
    wanted = (
        select(Booking.id, Booking.places, Booking.waiting_mode, BookingDate.occurrence_id)
        .join(BookingDate, and_(BookingDate.booking_id == Booking.id, BookingDate.status == "on"))
        .join(Occurrence, and_(Occurrence.id == BookingDate.occurrence_id, Occurrence.status == "on"))
        .where(Booking.session_id == session_id, Booking.status == "waitlisted")
        .order_by(Booking.waits_since, Booking.id, BookingDate.occurrence_id)
    )
    found: dict[int, Entry] = {}
    for number, size, mode, date in session.execute(wanted):
        before = found[number].dates if number in found else ()
        found[number] = Entry(number, size, mode, (*before, date))
    return list(found.values())


def serve(session: Session, *, session_id: int, now: datetime, but: Collection[int] = ()) -> int:
    """Give what is free to who waits: booked at once, or offered and held for a while. Returns how many were served.

    Called in the transaction that freed something. Somebody who could not answer in time is passed over, and so is a
    group that does not fit; both keep their place in the list. `but`: bookings that have just said no.
    """
    served, waits = 0, None
    while True:
        # Locks the dates of the session; what is free is read once for the whole list.
        room = places.lock_session(session, session_id)
        if not any(date.free > 0 and date.waiting for date in room.values()):
            return served
        if waits is None:
            waits = [entry for entry in entries(session, session_id) if entry.booking_id not in but]
        chosen = _first_who_fits(waits, room)
        if chosen is None:
            return served
        waits.remove(chosen)
        booking = session.get_one(Booking, chosen.booking_id, populate_existing=True)
        served += _serve_one(session, booking, now)


def _first_who_fits(waits: Sequence[Entry], room: Mapping[int, places.Room]) -> Entry | None:
    for entry in waits:
        if next_to_serve([entry], min(room[date].free for date in entry.dates)) is not None:
            return entry
    return None


def _serve_one(session: Session, booking: Booking, now: datetime) -> bool:
    dates = open_dates(booking)
    first = min(date.occurrence.starts_at for date in booking.dates_on)
    if first <= now:
        return False
    room = {"places": booking.places, "companions": booking.companions}
    if booking.waiting_mode == "book_me":
        if not places.take_from_list(session, dates, **room):
            return False
        move(session, booking, "booked", actor="list", now=now)
        booking.waits_since = None
        session.flush()
        telling.tell(session, booking, "training_booked_from_list", key=f"booked {booking.id}", now=now)
        return True
    ends = offer_ends(
        made_at=now,
        starts_at=first,
        hears_by=telling.hears_by(session, booking, now),
        holidays=holidays(session),
    )
    if ends is None or not places.hold_from_list(session, dates, **room):
        return False
    move(session, booking, "offered", actor="list", now=now)
    booking.offer_ends_at = ends
    session.flush()
    telling.tell(
        session, booking, "training_offer", key=f"offer {booking.id} {now.isoformat()}", now=now,
        until=ends, useful_until=ends,
    )  # fmt: skip
    return True


def is_over(booking: Booking, now: datetime) -> bool:
    """True when an offer cannot be taken up any more: its hour has come, or (a date was moved) its session has begun."""
    starts = [date.occurrence.starts_at for date in booking.dates_on]
    return booking.offer_ends_at is None or booking.offer_ends_at <= now or not starts or min(starts) <= now


def offers_over(now: datetime) -> Select[int, int]:
    """The offers that `is_over` says are over, with their sessions, as a query."""
    begun = exists().where(
        BookingDate.booking_id == Booking.id,
        BookingDate.status == "on",
        BookingDate.occurrence_id == Occurrence.id,
        Occurrence.status == "on",
        Occurrence.starts_at <= now,
    )
    over = select(Booking.id, Booking.session_id).where(
        Booking.status == "offered", or_(Booking.offer_ends_at <= now, begun)
    )
    return over.order_by(Booking.session_id, Booking.id)


def lapse_offers(session: Session, *, now: datetime) -> int:
    """Offers nobody answered: the place goes to the next. The first time they go to the end of the list.

    After the second they are off it; the page of the booking says so. Returns how many lapsed.
    """
    lapsed = 0
    for booking_id, session_id in session.execute(offers_over(now)).all():
        places.lock_session(session, session_id)
        booking = session.get(Booking, booking_id, populate_existing=True)
        if booking is None or booking.status != "offered" or not is_over(booking, now):
            continue
        drop(session, booking, by="offer", now=now, waits=booking.offers_lapsed == 0)
        telling.take_back_offer(session, booking, now=now)
        lapsed += 1
        serve(session, session_id=session_id, now=now, but=(booking_id,))
    return lapsed


def drop(session: Session, booking: Booking, *, by: str, now: datetime, waits: bool) -> None:
    """An offer comes to nothing; with `waits` its booking goes to the end of the list. Only who says nothing is counted."""
    dates = open_dates(booking)
    places.drop_held(session, dates, places=booking.places, companions=booking.companions, waits=waits)
    move(session, booking, "waitlisted" if waits else "cancelled", actor=by, now=now)
    booking.offer_ends_at = None
    booking.offers_lapsed += by == "offer"
    booking.waits_since = now if waits else None
    if not waits:
        booking.ended_at, booking.ended_by = now, by
    session.flush()
    if not waits:
        telling.tell_sender(session, booking, now=now)
