"""Book, answer an offer, say "I cannot come": what somebody, or whoever helps them, does with a booking."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, lazyload

from inclusion_app.core import attempts
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import insert_into
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.history import move
from inclusion_app.core.words import N_
from inclusion_app.people import services as people
from inclusion_app.training.models import Arrangement, Booking, BookingDate, Occurrence, TrainingSession
from inclusion_app.training.rules import (
    CHOOSE_DATES,
    COMPANIONS_AT_MOST,
    LIVE,
    NEEDS,
    NEEDS_CONTACT,
    NOT_AN_ANSWER,
    PLACES_AT_MOST,
    TOO_MANY,
    WITH_VALUE,
    WORDING,
    arrange_by,
    to_arrange,
    why_not_reach,
)
from inclusion_app.training.services import places, telling, waiting

NO_PLACE = N_("This session is full, and so is its waiting list.")
TOO_BIG = N_(
    "Free places: %(free)s. Room on the waiting list: %(left)s. Your group stays together, so it does not fit. "
    "Book fewer places, or look for another date."
)
NOT_ON = N_("This session cannot be booked any more.")
NO_ROOM_FOR_COMPANIONS = N_("There is no room for more people who come along.")
SENT_BEFORE = N_("This form was sent before. To book again, open the page of the session anew.")
TOO_MANY_HERE = N_("Many places were booked from here just now. Wait a while, or phone the session.")
TOO_MANY_TO = N_("Many bookings name this phone or email today. Phone the session to book more.")
BOOKED_FOR = frozenset({"me", "other", "group"})
CONTACT_OF = frozenset({"learner", "helper", "adult"})
WAITING_MODES = frozenset({"book_me", "ask_me"})


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to book. `occurrence_ids` are ignored where all dates belong together.

    `contact_kind` is a key of rules.CONTACTS, `contact_of` learner, helper or adult. `needs` has `codes`, and may have
    `interpreter` (a language) and `note`. `address` is where the form was sent from: it is counted and not kept. What
    the staff book counts for nobody.
    """

    form_key: str
    language: str
    places: int = 1
    companions: int = 0
    occurrence_ids: Collection[int] = ()
    booked_for: str = "me"
    label: str | None = None
    age_band: str | None = None
    needs: Mapping[str, Any] = field(default_factory=dict)
    contact_kind: str = "none"
    contact: str | None = None
    contact_of: str = "learner"
    contact_name: str | None = None
    is_discreet: bool = False
    consent_how: str = "screen"
    waiting_mode: str = "book_me"
    resident_id: int | None = None
    group_id: int | None = None
    staff_id: int | None = None
    organisation_id: int | None = None
    address: str | None = None


def book(session: Session, *, training: TrainingSession, wanted: Wanted, now: datetime) -> Booking:
    """Book places on the dates of a session, all of them or none; else join its waiting list.

    The same form sent twice gives the same booking. Raises RuleBroken, at a field where there is one, when this cannot
    be booked; then nothing is written.
    """
    known = _of_form(session, training, wanted)
    if known is not None:
        return known
    with session.begin_nested():
        return _book(session, training, wanted, now)


def _book(session: Session, training: TrainingSession, wanted: Wanted, now: datetime) -> Booking:
    dates = _check(session, training, wanted, now)
    # Only so that the many who come too late make nobody wait: whether there is a place is decided by the statements below.
    if dates and places.is_full(
        session, [date.id for date in dates], places=wanted.places, size=training.waiting_size
    ):
        raise _no_place(session, training, [date.id for date in dates], wanted.places)
    _count(session, wanted, now)
    code = people.give_code(session, kind="booking", now=now)
    number = _insert(session, training, wanted, code, now)
    if number is None:
        # The other press of the same button was quicker by a moment; its code is given, this one is not.
        people.take_back_code(session, code_hash=people.hash_of_code(code))
        known = _of_form(session, training, wanted)
        if known is None:
            raise RuleBroken(CHANGED_ALREADY)
        return known
    session.add_all(BookingDate(booking_id=number, occurrence_id=date.id) for date in dates)
    session.flush()
    # Its session is known here already: neither it nor the words of its course are read a second time.
    booking = session.get_one(Booking, number, options=[lazyload(Booking.session)])
    _arrange(session, booking, dates)
    if training.booked_as == "undated":
        telling.tell(session, booking, "training_noted", key=f"noted {number}", now=now)
        return booking
    who = "staff" if wanted.staff_id else "learner"
    if _take(session, training, booking, now):
        move(session, booking, "booked", actor=who, now=now)
        session.flush()
        telling.tell(session, booking, "training_booked", key=f"booked {number}", now=now)
        return booking
    ids = [date.id for date in dates]
    if wanted.companions and places.lacks_room_for_companions(
        session, ids, places=wanted.places, companions=wanted.companions
    ):
        raise RuleBroken(NO_ROOM_FOR_COMPANIONS, field="companions")
    if not places.wait(session, ids, places=wanted.places, size=training.waiting_size, now=now):
        raise _no_place(session, training, ids, wanted.places)
    move(session, booking, "waitlisted", actor=who, now=now)
    booking.waits_since = now
    session.flush()
    template = "training_waitlisted" if wanted.places == 1 else "training_waitlisted_group"
    telling.tell(session, booking, template, key=f"waitlisted {number}", now=now)
    return booking


def _no_place(session: Session, training: TrainingSession, ids: Collection[int], size: int) -> RuleBroken:
    """Why so many find neither places nor a waiting list: nothing is left, or too little for a group that stays together."""
    free, left = places.left_on(session, ids, size=training.waiting_size)
    if 0 < max(free, left) < size:
        return RuleBroken(TOO_BIG, field="places", free=free, left=left)
    return RuleBroken(NO_PLACE)


def _take(session: Session, training: TrainingSession, booking: Booking, now: datetime) -> bool:
    """Take the places of a new booking: after whoever waits and fits, so that a big group at the head of the list, or
    somebody who has just said "not this time", keeps no place empty.
    """
    # All dates of the session, in their order: of two who each hold another date of it, neither waits for the other.
    room = places.lock_session(session, training.id)
    ids = [date.occurrence_id for date in booking.dates]
    size, along = booking.places, booking.companions
    if any(number not in room or room[number].free < size for number in ids):
        return False  # nobody who waits could leave more than this
    if places.take(session, ids, places=size, companions=along, now=now):
        return True
    waiting.serve(session, session_id=training.id, now=now)
    return places.take(session, ids, places=size, companions=along, now=now, beside_list=True)


def key_of(training: TrainingSession, form_key: str) -> str:
    """What is kept of the key a form came with: it opens nothing, and is of one length whatever was sent."""
    return hashlib.sha256(f"{training.id} {form_key}".encode(errors="replace")).hexdigest()


def _of_form(session: Session, training: TrainingSession, wanted: Wanted) -> Booking | None:
    """The booking this very form made before. Raises RuleBroken when it said something else then.

    On a shared screen "Back" may bring the form of the person before; their booking is nobody else's to see.
    """
    key = key_of(training, wanted.form_key)
    known = session.scalar(select(Booking).where(Booking.form_key == key))
    if known is not None and any(getattr(known, name) != said for name, said in _said(wanted).items()):
        raise RuleBroken(SENT_BEFORE)
    return known


def _said(wanted: Wanted) -> dict[str, Any]:
    """What stands in a booking as its form said it; the same form sent anew says the same."""
    return {
        "places": wanted.places, "companions": wanted.companions, "booked_for": wanted.booked_for, "label": wanted.label,
        "age_band": wanted.age_band, "needs": dict(wanted.needs) or None, "contact_kind": wanted.contact_kind,
        "contact": _contact(wanted), "contact_of": wanted.contact_of, "contact_name": wanted.contact_name,
        "resident_id": wanted.resident_id, "group_id": wanted.group_id, "staff_id": wanted.staff_id,
    }  # fmt: skip


def _contact(wanted: Wanted) -> str | None:
    """Who says "do not contact me" leaves no number behind, whatever stood in the field."""
    return wanted.contact if wanted.contact_kind in WITH_VALUE else None


def _count(session: Session, wanted: Wanted, now: datetime) -> None:
    """Nobody books all places of the city from one network, nor has a stranger's phone ring all day. Raises RuleBroken.

    In the transaction of the booking: what is refused for another reason counts for nothing.
    """
    if wanted.staff_id is not None:
        return
    if wanted.address is not None:
        network = keyed_hash("attempt-booking", attempts.network_of(wanted.address))
        for _place in range(wanted.places):
            if not attempts.claim(session, key_hash=network, limit=attempts.BOOKING_NETWORK, now=now):
                raise RuleBroken(TOO_MANY_HERE)
    contact = _contact(wanted)
    if contact is not None and wanted.contact_kind != "letter":
        to = keyed_hash("attempt-booking-contact", contact.casefold())
        if not attempts.claim(session, key_hash=to, limit=attempts.BOOKING_CONTACT, now=now):
            raise RuleBroken(TOO_MANY_TO, field="contact")


def _check(session: Session, training: TrainingSession, wanted: Wanted, now: datetime) -> list[Occurrence]:
    asked = select(TrainingSession.status, TrainingSession.booked_as).where(TrainingSession.id == training.id)
    if training.booked_as == "undated":
        # It has no date whose state would be asked when a place is taken; so its own may not change meanwhile.
        asked = asked.with_for_update(read=True)
    status, booked_as = session.execute(asked).one()
    if status != "published":
        raise RuleBroken(NOT_ON)
    if booked_as != training.booked_as:
        # It got its date since it was read. Nobody is booked on a day they have not seen, nor left without one.
        session.refresh(training)
        raise RuleBroken(CHANGED_ALREADY)
    most = min(training.party_size, PLACES_AT_MOST)
    if not 1 <= wanted.places <= most:
        raise RuleBroken(TOO_MANY, field="places", most=most)
    if not 0 <= wanted.companions <= COMPANIONS_AT_MOST:
        raise RuleBroken(NOT_AN_ANSWER, field="companions")
    if not set(wanted.needs.get("codes", ())) <= set(NEEDS):
        raise RuleBroken(NOT_AN_ANSWER, field="needs")
    if (
        wanted.booked_for not in BOOKED_FOR
        or wanted.contact_of not in CONTACT_OF
        or wanted.waiting_mode not in WAITING_MODES
    ):
        raise RuleBroken(NOT_AN_ANSWER)
    if wanted.contact_kind == "record" and wanted.resident_id is None:
        raise RuleBroken(NEEDS_CONTACT, field="contact")
    why_not = why_not_reach(
        age_band=wanted.age_band, contact_kind=wanted.contact_kind, contact=_contact(wanted),
        contact_of=wanted.contact_of,
    )  # fmt: skip
    if why_not:
        raise RuleBroken(why_not, field="contact")
    if training.booked_as == "undated":
        return []
    wished = select(Occurrence).where(Occurrence.session_id == training.id, Occurrence.status == "on")
    open_ = [date for date in session.scalars(wished.order_by(Occurrence.id)) if date.starts_at > now]
    if training.booked_as == "series":
        chosen = [date for date in open_ if date.id in set(wanted.occurrence_ids)]
        if not chosen or len(chosen) != len(set(wanted.occurrence_ids)):
            raise RuleBroken(CHOOSE_DATES, field="dates")
    else:
        chosen = open_
    if not chosen:
        raise RuleBroken(NOT_ON)
    if any(date.companion_cap < wanted.companions for date in chosen):
        raise RuleBroken(NO_ROOM_FOR_COMPANIONS, field="companions")
    return chosen


def _insert(
    session: Session, training: TrainingSession, wanted: Wanted, code: str, now: datetime
) -> int | None:
    statement = (
        insert_into(session, Booking)
        .values(
            code_hash=people.hash_of_code(code), code=code, form_key=key_of(training, wanted.form_key), session_id=training.id,
            status="requested", language=wanted.language, is_discreet=wanted.is_discreet, waiting_mode=wanted.waiting_mode,
            consent_wording=WORDING, consent_how=wanted.consent_how, organisation_id=wanted.organisation_id,
            offers_lapsed=0, made_at=now, ended_by="", **_said(wanted),
        )
        .on_conflict_do_nothing(index_elements=["form_key"])
        .returning(Booking.id)
    )  # fmt: skip
    number: int | None = session.scalar(statement)
    return number


def _arrange(session: Session, booking: Booking, dates: list[Occurrence]) -> None:
    asked = to_arrange((booking.needs or {}).get("codes", ()), booking.session.offer_list)
    if not asked or not dates:
        return
    due = arrange_by(min(date.day for date in dates), booking.session.lead_days)
    session.add_all(
        Arrangement(booking_id=booking.id, need=need, due_on=due, status="asked") for need in asked
    )
    session.flush()
    session.expire(booking, ["arrangements"])


# --- what becomes of it


def cancel(session: Session, *, booking_id: int, by: str, now: datetime) -> bool:
    """ "I cannot come": free the places of this booking, and give them to who waits. False when nothing was left of it.

    `by` is learner, helper or organiser. Who has been to a date already stays booked for that one: it keeps who came.
    """
    booking = _locked(session, booking_id)
    if booking is None or booking.status not in LIVE:
        return False
    coming = _coming(booking, now)
    begun = len(coming) < len(booking.dates_on)
    if begun and booking.status == "booked":
        if not coming:
            return False
        _call_off(session, booking, coming)
    else:
        _end(session, booking, coming, by, now)
    telling.take_back(session, booking, now=now)
    waiting.serve(session, session_id=booking.session_id, now=now)
    return True


def cancel_date(session: Session, *, booking_id: int, occurrence_id: int, by: str, now: datetime) -> bool:
    """ "I cannot come on this date": the others stay. The last one takes the booking with it. False when it was off before."""
    booking = _locked(session, booking_id)
    if booking is None or booking.status not in {"booked", "waitlisted", "offered"}:
        return False
    coming = _coming(booking, now)
    wanted = [date for date in coming if date.occurrence_id == occurrence_id]
    if not wanted:
        return False
    if len(coming) == 1:
        return cancel(session, booking_id=booking_id, by=by, now=now)
    _call_off(session, booking, wanted)
    telling.take_back_date(session, booking, occurrence_id=occurrence_id, now=now)
    waiting.serve(session, session_id=booking.session_id, now=now)
    return True


def _coming(booking: Booking, now: datetime) -> list[BookingDate]:
    """Its dates that can be called off: not begun, and nobody was marked yet (the register opens before the start)."""
    return [date for date in booking.dates_on if date.occurrence.starts_at > now and date.attendance is None]


def _call_off(session: Session, booking: Booking, dates: list[BookingDate]) -> None:
    """These dates of a booking are free for others."""
    ids = [date.occurrence_id for date in dates]
    _free(session, booking, ids)
    off = update(BookingDate).where(
        BookingDate.booking_id == booking.id, BookingDate.occurrence_id.in_(ids), BookingDate.status == "on"
    )
    session.execute(off.values(status="cancelled"), execution_options={"synchronize_session": False})
    session.expire(booking, ["dates"])


def _end(session: Session, booking: Booking, dates: list[BookingDate], by: str, now: datetime) -> None:
    _call_off(session, booking, dates)
    move(session, booking, "cancelled", actor=by, now=now)
    booking.ended_at, booking.ended_by = now, by
    booking.offer_ends_at = booking.waits_since = None
    session.flush()
    telling.tell_sender(session, booking, now=now)


def _free(session: Session, booking: Booking, ids: list[int]) -> None:
    if booking.status == "booked":
        places.give_back(session, ids, places=booking.places, companions=booking.companions)
    elif booking.status == "waitlisted":
        places.leave(session, ids, places=booking.places)
    elif booking.status == "offered":
        places.drop_held(session, ids, places=booking.places, companions=booking.companions, waits=False)


def _locked(session: Session, booking_id: int) -> Booking | None:
    """The booking as it is now, its session's dates locked before it: the order in which everybody takes them."""
    session_id = session.scalar(select(Booking.session_id).where(Booking.id == booking_id))
    if session_id is None:
        return None
    places.lock_session(session, session_id)
    return session.scalar(
        select(Booking)
        .where(Booking.id == booking_id)
        .with_for_update(of=Booking, key_share=True)
        .execution_options(populate_existing=True)
    )


OFFER_OVER = N_("This offer is over. You are still told what comes next.")


def take_up_offer(session: Session, *, booking_id: int, now: datetime) -> None:
    """ "Yes, I come": what was held is booked. Pressed twice it is booked once. Raises RuleBroken when the offer is over."""
    booking = _locked(session, booking_id)
    if booking is not None and booking.status == "booked":
        return
    if booking is None or booking.status != "offered" or waiting.is_over(booking, now):
        raise RuleBroken(OFFER_OVER)
    places.take_held(session, waiting.open_dates(booking), places=booking.places)
    move(session, booking, "booked", actor="learner", now=now)
    booking.offer_ends_at = booking.waits_since = None
    session.flush()
    telling.take_back_offer(session, booking, now=now)
    telling.tell(session, booking, "training_booked", key=f"taken up {booking.id}", now=now)


def turn_down_offer(session: Session, *, booking_id: int, stays: bool, now: datetime) -> None:
    """ "Not this time": the place goes to the next one. With `stays` they go to the end of the list. Raises RuleBroken."""
    booking = _locked(session, booking_id)
    if booking is None or booking.status != "offered":
        raise RuleBroken(OFFER_OVER)
    waiting.drop(session, booking, by="learner", now=now, waits=stays)
    (telling.take_back_offer if stays else telling.take_back)(session, booking, now=now)
    waiting.serve(session, session_id=booking.session_id, now=now, but=(booking.id,))
