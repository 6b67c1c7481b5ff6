"""What an organiser changes when people are booked: everyone is told, by their route, in the transaction that changes it.

Each verb first waits for the dates of the session, as every booking does, and then changes one row by a statement that
says what it expects. Whoever came second reads that it was changed already, and nothing of theirs is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Day  # noqa: N812 - a date of a session is called that here
from datetime import datetime, time

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import moment
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.history import move
from inclusion_app.people.staff_words import MISSING
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import (
    Arrangement,
    Booking,
    BookingDate,
    Notice,
    Occurrence,
    TrainingSession,
)
from inclusion_app.training.rules import BEFORE_START, ON_A_LIST, arrange_by, moved_to, to_arrange
from inclusion_app.training.services import places, telling, waiting
from inclusion_app.training.services.feed import touch, touch_shown
from inclusion_app.training.services.sessions import (
    Dates,
    check_when,
    put_date,
    set_capacity,
)

NOTICES: Mapping[str, str] = {
    "training_late": "minutes",
    "training_bring": "things",
    "training_words": "words",
}


@dataclass(frozen=True)
class When:
    """Where and when one date is now. `place_id` and `room` are empty where it is with the others."""

    day: Day
    begins: time
    ends: time
    place_id: int | None = None
    room: str = ""


def bookings_of_date(session: Session, occurrence_id: int, *states: str) -> Sequence[Booking]:
    """The bookings on one date in these states, with what stands in the database now."""
    on_it = select(BookingDate.booking_id).where(
        BookingDate.occurrence_id == occurrence_id, BookingDate.status == "on"
    )
    wanted = select(Booking).where(Booking.id.in_(on_it), Booking.status.in_(states)).order_by(Booking.id)
    return session.scalars(wanted.execution_options(populate_existing=True)).all()


def bookings_of_session(session: Session, session_id: int, *states: str) -> Sequence[Booking]:
    """The bookings of a session in these states, the first one first."""
    wanted = select(Booking).where(Booking.session_id == session_id, Booking.status.in_(states))
    return session.scalars(
        wanted.order_by(Booking.made_at, Booking.id).execution_options(populate_existing=True)
    ).all()


def _renew(session: Session, training: TrainingSession) -> None:
    """Read again what statements beside the session's own objects have changed."""
    session.flush()
    session.expire_all()
    session.refresh(training)


# --- one date


@dataclass(frozen=True)
class Move:
    """One date as it will be; `is_new_room` when nothing but its room changes."""

    date: Occurrence
    to: When
    is_new_room: bool


def as_it_is(date: Occurrence) -> When:
    """Where and when one date is now."""
    return When(date.day, date.begins, date.ends, date.place_id, date.room)


def from_this_on(session: Session, date: Occurrence, now: datetime) -> Sequence[Occurrence]:
    """This date and all later ones of its session, the soonest first, as they stand in the database.

    Only dates to come; none at all when this one is cancelled or over.
    """
    wanted = select(Occurrence).where(
        Occurrence.session_id == date.session_id, Occurrence.status == "on", Occurrence.starts_at > now,
        Occurrence.starts_at >= date.starts_at, Occurrence.closed_at.is_(None),
    )  # fmt: skip
    in_order = wanted.order_by(Occurrence.starts_at, Occurrence.id)
    found = session.scalars(in_order.execution_options(populate_existing=True)).all()
    return found if date in found else []


def seen_of(dates: Sequence[Occurrence]) -> str:
    """A short mark of several dates as a page showed them: whoever comes second is told so."""
    return " ".join(f"{date.id}.{date.sequence}" for date in dates)


def plan_moves(session: Session, *, date: Occurrence, to: When, and_later: bool, now: datetime) -> list[Move]:
    """How each date will be, the chosen one first; with `and_later` what changes of it changes of all later ones too.

    A day is moved by as many days; time and place are the new ones of this date. What does not change of it stays as it
    is on the others, a room of another place too. Raises RuleBroken, at a field for a day and time that cannot be.
    """
    check_when(to.day, to.begins, to.ends, now, field="day")
    training, was = date.session, as_it_is(date)
    # What is where all dates are needs no place of its own.
    to = When(
        to.day, to.begins, to.ends,
        None if to.place_id == training.place_id else to.place_id,
        "" if to.room == training.room else to.room,
    )  # fmt: skip
    if to == was:
        raise RuleBroken(words.NOTHING_CHANGED)
    wishes = [(date, was, to)]
    if and_later:
        to_come = from_this_on(session, date, now)
        if not to_come or as_it_is(date) != was:
            raise RuleBroken(CHANGED_ALREADY)
        others = [(later, as_it_is(later)) for later in to_come if later is not date]
        wishes += [(later, old, _likewise(old, was, to)) for later, old in others]
    moves = [
        Move(each, new, (new.day, new.begins, new.ends, new.place_id) == (old.day, old.begins, old.ends, old.place_id))
        for each, old, new in wishes
        if new != old
    ]  # fmt: skip
    starts = {moment(one.to.day, one.to.begins) for one in moves}
    for one in moves:
        check_when(one.to.day, one.to.begins, one.to.ends, now, field="day")
    stay = select(Occurrence.starts_at).where(
        Occurrence.session_id == training.id, Occurrence.status == "on",
        Occurrence.id.not_in([one.date.id for one in moves]),
    )  # fmt: skip
    if len(starts) < len(moves) or starts & set(session.scalars(stay)):
        raise RuleBroken(words.DATE_TWICE, field="day")
    return moves


def _likewise(old: When, was: When, to: When) -> When:
    """A later date, changed in what the chosen one (`was`, `to`) is changed in."""
    times_stay = (to.begins, to.ends) == (was.begins, was.ends)
    begins, ends = (old.begins, old.ends) if times_stay else (to.begins, to.ends)
    place_id, room = old.place_id, old.room
    if to.place_id != was.place_id:
        place_id, room = to.place_id, to.room
    elif to.room != was.room and old.place_id == was.place_id:
        room = to.room
    return When(old.day + (to.day - was.day), begins, ends, place_id, room)


def move_date(session: Session, *, date: Occurrence, sequence: int, to: When, now: datetime) -> None:
    """Another day, time, place or room. Everybody booked, offered a place or waiting on it is told.

    `sequence` is the one the organiser saw. Raises RuleBroken when somebody else has changed the date since, when it is
    over, and at a field for a day and time it cannot be moved to.
    """
    places.lock_session(session, date.session_id)
    moves = plan_moves(session, date=date, to=to, and_later=False, now=now)
    _carry_out(session, date.session, moves, {date.id: sequence}, now)


def move_dates(session: Session, *, date: Occurrence, seen: str, to: When, now: datetime) -> int:
    """The same for a date and all later ones, all of them or none. Each booking is told once. Returns how many dates.

    `seen` is the mark (`seen_of`) of the dates the organiser saw. Raises RuleBroken as `move_date` does.
    """
    places.lock_session(session, date.session_id)
    moves = plan_moves(session, date=date, to=to, and_later=True, now=now)
    if seen_of([one.date for one in moves]) != seen:
        raise RuleBroken(CHANGED_ALREADY)
    sequences = {one.date.id: one.date.sequence for one in moves}
    training = date.session
    if training.pattern:  # what is added later goes on with these
        training.pattern = moved_to(training.pattern, moves[0].to.day)
    _carry_out(session, training, moves, sequences, now)
    return len(moves)


def _carry_out(
    session: Session,
    training: TrainingSession,
    moves: Sequence[Move],
    sequences: Mapping[int, int],
    now: datetime,
) -> None:
    was_at = {one.date.id: one.date.starts_at for one in moves}
    for one in moves:
        to = one.to
        moving = update(Occurrence).where(
            Occurrence.id == one.date.id, Occurrence.sequence == sequences[one.date.id], Occurrence.status == "on",
            Occurrence.starts_at > now, Occurrence.closed_at.is_(None),
        )  # fmt: skip
        values = {
            "day": to.day, "begins": to.begins, "ends": to.ends, "starts_at": moment(to.day, to.begins),
            "ends_at": moment(to.day, to.ends), "place_id": to.place_id, "room": to.room,
            "sequence": Occurrence.sequence + 1,
        }  # fmt: skip
        if rows_changed(session, moving.values(**values)) == 0:
            raise RuleBroken(CHANGED_ALREADY)
    _renew(session, training)
    is_new_room = all(one.is_new_room for one in moves)
    theirs = _by_booking(session, sorted((one.date for one in moves), key=lambda date: date.starts_at))
    for number, dates in sorted(theirs.items()):
        booking, first = session.get_one(Booking, number), dates[0]
        for date in dates:
            # A reminder that waits for the morning names the old time.
            telling.take_back_date(session, booking, occurrence_id=date.id, now=now)
        version = f"{first.id} {first.sequence} {number}"
        # Who is on several of them hears of all at once: how all of their dates are now.
        mine = telling.dates_to_come(booking, now) if len(dates) > 1 else ()
        room = first.where[1]
        if is_new_room and room:
            telling.tell(
                session, booking, "training_new_room", key=f"room {version}", now=now, occurrence=first, dates=mine,
                room=room,
            )  # fmt: skip
        else:
            telling.tell(
                session, booking, "training_moved_dates" if mine else "training_moved", key=f"moved {version}", now=now,
                occurrence=first, dates=mine, before=was_at[first.id],
            )  # fmt: skip
        if booking.status == "offered":
            _shorten_offer(session, booking, first, now)
        _redate_needs(booking)
    session.flush()
    waiting.serve(session, session_id=training.id, now=now)
    touch_shown(session, training, now=now)


def _by_booking(session: Session, dates: Sequence[Occurrence]) -> dict[int, list[Occurrence]]:
    """On which of these dates each booking is that counts on a list, in the order of the dates."""
    theirs: dict[int, list[Occurrence]] = {}
    for date in dates:
        for booking in bookings_of_date(session, date.id, *ON_A_LIST):
            theirs.setdefault(booking.id, []).append(date)
    return theirs


def _shorten_offer(session: Session, booking: Booking, date: Occurrence, now: datetime) -> None:
    """No offer ends after the start, when that comes earlier now. One that would be over already goes back to the list."""
    latest = date.starts_at - BEFORE_START
    if booking.offer_ends_at is None or booking.offer_ends_at <= latest:
        return
    if latest <= now:
        waiting.drop(session, booking, by="session", now=now, waits=True)
        return
    booking.offer_ends_at = latest
    session.flush()
    telling.tell(
        session, booking, "training_offer", key=f"offer {booking.id} moved {date.id} {date.sequence}", now=now,
        until=latest, useful_until=latest,
    )  # fmt: skip


def _redate_needs(booking: Booking) -> None:
    """What was asked for dates that moved has its own last day now."""
    days = [date.occurrence.day for date in booking.dates_on]
    for need in booking.arrangements:
        if need.status == "asked" and days:
            need.due_on = arrange_by(min(days), booking.session.lead_days)


def cancel_date(session: Session, *, date: Occurrence, sequence: int, now: datetime) -> None:
    """This date does not take place. Everybody on it is told; nobody was absent.

    A booking of which no date is left has ended, and a session without any date is cancelled. Raises RuleBroken.
    """
    places.lock_session(session, date.session_id)
    _cancel(session, date.session, [date], {date.id: sequence}, now)


def cancel_dates(session: Session, *, date: Occurrence, seen: str, now: datetime) -> int:
    """The same for a date and all later ones, all of them or none. Each booking is told once. Returns how many dates.

    `seen` is the mark (`seen_of`) of the dates the organiser saw. Raises RuleBroken when they are others by now.
    """
    places.lock_session(session, date.session_id)
    dates = from_this_on(session, date, now)
    if not dates or seen_of(dates) != seen:
        raise RuleBroken(CHANGED_ALREADY)
    _cancel(session, date.session, dates, {each.id: each.sequence for each in dates}, now)
    return len(dates)


def _cancel(
    session: Session,
    training: TrainingSession,
    dates: Sequence[Occurrence],
    sequences: Mapping[int, int],
    now: datetime,
) -> None:
    theirs = _by_booking(session, dates)
    for number, sequence in sequences.items():
        if not _cancel_row(session, number, sequence, now):
            raise RuleBroken(CHANGED_ALREADY)
    _renew(session, training)
    for number, gone in sorted(theirs.items()):
        _tell_cancelled(session, session.get_one(Booking, number), gone, now)
    left = select(func.count()).where(Occurrence.session_id == training.id, Occurrence.status == "on")
    if not session.scalar(left):
        _withdraw(session, training, now)
    else:
        waiting.serve(session, session_id=training.id, now=now)
        touch_shown(session, training, now=now)


def _cancel_row(session: Session, number: int, sequence: int, now: datetime) -> bool:
    cancelling = update(Occurrence).where(
        Occurrence.id == number, Occurrence.sequence == sequence, Occurrence.status == "on", Occurrence.starts_at > now
    )  # fmt: skip
    # Nobody has a place on a date that does not take place.
    empty = {"taken": 0, "held": 0, "waiting": 0, "companions": 0}
    if rows_changed(session, cancelling.values(status="cancelled", sequence=sequence + 1, **empty)) == 0:
        return False
    ended = update(BookingDate).where(
        BookingDate.occurrence_id == number, BookingDate.status == "on", BookingDate.attendance.is_(None)
    )
    rows_changed(session, ended.values(status="cancelled"))
    return True


def _tell_cancelled(session: Session, booking: Booking, dates: list[Occurrence], now: datetime) -> None:
    """Tell one booking that these dates do not take place; end it when no date is left to it."""
    for date in dates:
        telling.take_back_date(session, booking, occurrence_id=date.id, now=now)
    left = [entry.occurrence for entry in booking.dates if entry.status == "on"]
    to_come = [date for date in left if date.status == "on" and date.starts_at > now]
    if not to_come and (booking.status != "booked" or not left):
        _end(session, booking, now)
    first = min(dates, key=lambda date: date.starts_at)
    # Who hears of one date only would travel to the next one; whose earlier dates stay would not come to those.
    several = "training_cancelled_from" if to_come else "training_all_cancelled"
    template = "training_cancelled" if len(dates) == 1 else several
    telling.tell(
        session, booking, template, key=f"cancelled {first.id} {booking.id}", now=now, occurrence=first
    )


def _end(session: Session, booking: Booking, now: datetime) -> None:
    move(session, booking, "session_cancelled", actor="organiser", now=now)
    booking.ended_at, booking.ended_by = now, "session"
    booking.offer_ends_at = booking.waits_since = None
    session.flush()
    # A reminder or an offer that did not leave yet is not true any more.
    telling.take_back(session, booking, now=now)
    telling.tell_sender(session, booking, now=now)


def change_capacity(
    session: Session, *, date: Occurrence, capacity: int, companion_cap: int, now: datetime
) -> None:
    """More or fewer places on one date; what is free then goes to who waits. Raises RuleBroken at `capacity`."""
    training = date.session
    if date.status != "on" or date.starts_at <= now:
        raise RuleBroken(words.NOT_TO_CHANGE)
    places.lock_session(session, training.id)
    set_capacity(session, [date.id], capacity=capacity, companion_cap=companion_cap)
    waiting.serve(session, session_id=training.id, now=now)
    session.refresh(training)
    touch_shown(session, training, now=now)


# --- the whole session


def cancel_session(session: Session, *, training: TrainingSession, now: datetime) -> None:
    """None of its dates to come takes place. Each booking is told once. Raises RuleBroken when it was cancelled before."""
    places.lock_session(session, training.id)
    if not _withdraw(session, training, now):
        raise RuleBroken(CHANGED_ALREADY)
    to_come = session.scalars(
        select(Occurrence)
        .where(Occurrence.session_id == training.id, Occurrence.status == "on", Occurrence.starts_at > now)
        .order_by(Occurrence.id)
        .execution_options(populate_existing=True)
    ).all()
    theirs = _by_booking(session, to_come)
    for date in to_come:
        _cancel_row(session, date.id, date.sequence, now)
    _renew(session, training)
    for number, gone in sorted(theirs.items()):
        _tell_cancelled(session, session.get_one(Booking, number), gone, now)
    for booking in bookings_of_session(session, training.id, "requested"):
        _end(session, booking, now)
        telling.tell(session, booking, "training_dropped", key=f"dropped {booking.id}", now=now)


def _withdraw(session: Session, training: TrainingSession, now: datetime) -> bool:
    """The session is cancelled; the feed says for a while that it is gone. False when it was cancelled before."""
    was_shown = training.status == "published"
    ending = update(TrainingSession).where(
        TrainingSession.id == training.id, TrainingSession.status.in_(("draft", "published"))
    )
    if rows_changed(session, ending.values(status="cancelled", withdrawn_at=now)) == 0:
        return False
    _renew(session, training)
    if was_shown:
        touch(session, training, now=now)
    return True


def set_date(
    session: Session,
    *,
    training: TrainingSession,
    dates: Dates,
    place_id: int | None,
    capacity: int,
    now: datetime,
) -> None:
    """An undated session gets its date. Who would come is asked in the order they said so; a place is held for each.

    Whoever finds no free place stands on the waiting list. Nobody is booked on a day they have not seen: all of them are
    asked first. Raises RuleBroken, at a field where there is one.
    """
    check_when(dates.first, dates.begins, dates.ends, now)
    if place_id is None and not training.is_online:
        raise RuleBroken(words.NEEDS_PLACE, field="place")
    dating = update(TrainingSession).where(
        TrainingSession.id == training.id, TrainingSession.booked_as == "undated", TrainingSession.status != "cancelled"
    )  # fmt: skip
    values = {"booked_as": "single", "place_id": place_id, "capacity": capacity}
    if rows_changed(session, dating.values(**values)) == 0:
        raise RuleBroken(words.HAS_DATES)
    _renew(session, training)
    date = put_date(session, training, day=dates.first, begins=dates.begins, ends=dates.ends)
    asked = bookings_of_session(session, training.id, "requested")
    for booking in asked:
        session.add(BookingDate(booking_id=booking.id, occurrence_id=date.id))
        move(session, booking, "waitlisted", actor="organiser", now=now)
        booking.waits_since, booking.waiting_mode = booking.made_at, "ask_me"
    session.flush()
    if asked:
        everybody = sum(booking.places for booking in asked)
        places.wait(session, [date.id], places=everybody, size=everybody, now=now)
    _renew(session, training)
    _arrange_all(session, training, date)
    waiting.serve(session, session_id=training.id, now=now)
    for booking in bookings_of_session(session, training.id, "waitlisted"):  # an offer says the date itself
        telling.tell(session, booking, "training_dated", key=f"dated {booking.id}", now=now, occurrence=date)
    touch_shown(session, training, now=now)


def _arrange_all(session: Session, training: TrainingSession, date: Occurrence) -> None:
    """What somebody needs can be arranged now that there is a day to arrange it for."""
    for booking in bookings_of_session(session, training.id, "waitlisted"):
        known = {need.need for need in booking.arrangements}
        for need in to_arrange((booking.needs or {}).get("codes", ()), training.offer_list):
            if need not in known:
                due = arrange_by(date.day, training.lead_days)
                session.add(Arrangement(booking_id=booking.id, need=need, due_on=due, status="asked"))
    _renew(session, training)


# --- access needs


def decide_need(
    session: Session, *, actor: Principal, need: Arrangement, possible: bool, now: datetime
) -> None:
    """What somebody needs is arranged, or not possible this time; they are told at once. Raises RuleBroken."""
    to = "arranged" if possible else "not_possible"
    deciding = update(Arrangement).where(Arrangement.id == need.id, Arrangement.status == "asked")
    values = {"status": to, "decided_at": now, "decided_by_id": actor.staff_id}
    if rows_changed(session, deciding.values(**values)) == 0:
        raise RuleBroken(CHANGED_ALREADY)
    booking = session.get_one(Booking, need.booking_id)
    telling.tell(session, booking, f"training_{to}", key=f"need {need.id} {now:%y%m%d%H%M%S%f}", now=now)


def undo_need(session: Session, *, need: Arrangement, seen: str) -> None:
    """A decision is taken back; whatever is decided next is told again. Raises RuleBroken when it is not `seen` any more."""
    undoing = update(Arrangement).where(
        Arrangement.id == need.id, Arrangement.status == seen, Arrangement.status != "asked"
    )
    if rows_changed(session, undoing.values(status="asked", decided_at=None, decided_by_id=None)) == 0:
        raise RuleBroken(CHANGED_ALREADY)


# --- ready-made words


def booked_for_notice(
    session: Session, *, training: TrainingSession, occurrence_id: int | None, now: datetime
) -> Sequence[Booking]:
    """Whom a message to those booked goes to: who has a place on this date, or on any date to come."""
    if occurrence_id is not None:
        return bookings_of_date(session, occurrence_id, "booked")
    return [
        booking
        for booking in bookings_of_session(session, training.id, "booked")
        if any(date.status == "on" and date.occurrence.ends_at > now for date in booking.dates)
    ]


def send_notice(
    session: Session,
    *,
    actor: Principal,
    training: TrainingSession,
    template: str,
    blank: str,
    date: Occurrence | None,
    now: datetime,
) -> Notice:
    """Tell everybody booked by a ready-made message; it stands on the page of their booking too. Raises RuleBroken."""
    if template not in NOTICES:
        raise RuleBroken(MISSING, field="template")
    told = booked_for_notice(session, training=training, occurrence_id=date.id if date else None, now=now)
    if not told:
        raise RuleBroken(words.NOBODY_TO_TELL)
    fact = {NOTICES[template]: blank}
    notice = Notice(
        session_id=training.id, occurrence_id=date.id if date else None, template=template, params=fact, made_at=now,
        staff_id=actor.staff_id,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    useful = date.ends_at if date is not None else None
    for booking in told:
        telling.tell(
            session, booking, template, key=f"notice {notice.id} {booking.id}", now=now, occurrence=date,
            dates=(), useful_until=useful, **fact,
        )  # fmt: skip
    return notice
