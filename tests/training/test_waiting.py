"""The waiting list: who waits comes before the public, an offer is a place that is really held, a group stays together."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.messages.models import Message
from inclusion_app.training.models import Booking, Occurrence, TrainingSession
from inclusion_app.training.rules import moment
from inclusion_app.training.services import bookings, places, waiting
from tests.training.desk import (
    BY_SMS,
    DAY,
    HOUR,
    NOW,
    booked,
    counters,
    refusal,
    session_of,
    told,
)

ASK = {"waiting_mode": "ask_me"}


def full(session: Session, capacity: int = 1, **facts: Any) -> tuple[TrainingSession, list[Booking]]:
    """A session that is full, and who has its places."""
    training = session_of(session, capacity, **facts)
    return training, [booked(session, training) for _ in range(capacity)]


def leaves(session: Session, booking: Booking, at: Any = NOW) -> None:
    assert bookings.cancel(session, booking_id=booking.id, by="learner", now=at)


def test_the_list_is_served_in_its_order_and_before_the_public(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first,) = full(session)
        early, late = booked(session, training, **BY_SMS), booked(session, training, at=NOW + HOUR)
        assert (early.status, late.status) == ("waitlisted", "waitlisted")
        assert told(session, early) == ["training_waitlisted"]
        assert [entry.booking_id for entry in waiting.entries(session, training.id)] == [early.id, late.id]
        leaves(session, first)
        assert (early.status, early.waits_since, late.status) == ("booked", None, "waitlisted")
        assert told(session, early) == ["training_waitlisted", "training_booked_from_list"]
        assert counters(session, training) == [(1, 0, 1, 0)]
        # Asked once more, nothing more happens and nobody is told twice.
        assert waiting.serve(session, session_id=training.id, now=NOW) == 0
        assert len(told(session, early)) == 2
        # Somebody new comes after who waits, also in the moment in which a place is free.
        session.execute(update(Occurrence).values(capacity=2))
        new = booked(session, training, at=NOW + HOUR)
        session.refresh(late)
        assert (late.status, new.status) == ("booked", "waitlisted")


def test_a_long_list_is_served_with_few_questions(app: Flask, statements: list[str]) -> None:
    with app.app_context(), transaction() as session:
        training, (first, _second) = full(session, 2, waiting_size=60)
        waits = [booked(session, training, at=NOW + n * HOUR, places=2) for n in range(29)]
        single = booked(session, training, at=NOW + 30 * HOUR)
        before = len(statements)
        leaves(session, first, NOW + 31 * HOUR)
        assert (single.status, {entry.status for entry in waits}) == ("booked", {"waitlisted"})
        assert len(statements) - before < 30
        # Where nothing is free, nobody is asked for at all.
        before = len(statements)
        assert waiting.serve(session, session_id=training.id, now=NOW) == 0
        assert len(statements) - before == 1


def test_a_list_has_an_end(both_engines: Flask) -> None:
    with transaction() as session:
        training, _ = full(session, waiting_size=3)
        assert booked(session, training, places=2).status == "waitlisted"
        assert refusal(session, training, places=2) == (bookings.TOO_BIG, "places")
        assert booked(session, training).status == "waitlisted"
        assert refusal(session, training) == (bookings.NO_PLACE, None)
        assert counters(session, training) == [(1, 0, 3, 0)]


def test_a_group_is_passed_over_stays_together_and_blocks_nobody(both_engines: Flask) -> None:
    with transaction() as session:
        training, (one, two, three) = full(session, 3, waiting_size=4)
        group = booked(session, training, places=3)
        leaves(session, one)
        assert (group.status, counters(session, training)) == ("waitlisted", [(2, 0, 3, 0)])
        # The place that the group cannot use is for whoever comes, though a list exists.
        single = booked(session, training)
        assert (single.status, counters(session, training)) == ("booked", [(3, 0, 3, 0)])
        # Even when the list itself is full: then there would be no way to it but by its end.
        last = booked(session, training)
        assert last.status == "waitlisted"
        leaves(session, two)
        assert last.status == "booked"
        waits = booked(session, training)
        leaves(session, three)
        assert (waits.status, counters(session, training)) == ("booked", [(3, 0, 3, 0)])
        session.execute(update(TrainingSession).values(waiting_size=3))
        session.expire_all()
        leaves(session, single)
        assert booked(session, training).status == "booked"
        # The group comes together when it fits.
        for booking in (last, waits):
            leaves(session, booking)
        assert group.status == "waitlisted"
        session.execute(update(Occurrence).values(capacity=4))
        assert waiting.serve(session, session_id=training.id, now=NOW) == 1
        assert (group.status, counters(session, training)) == ("booked", [(4, 0, 0, 0)])


def test_who_wants_to_be_asked_is_offered_a_place_nobody_else_can_have(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first,) = full(session, companion_cap=1)
        booking = booked(session, training, companions=1, **ASK, **BY_SMS)
        leaves(session, first)
        assert (booking.status, booking.offer_ends_at) == ("offered", NOW + DAY)
        assert counters(session, training) == [(0, 1, 0, 1)]
        assert told(session, booking) == ["training_waitlisted", "training_offer"]
        message = session.scalars(select(Message).order_by(Message.id.desc())).first()
        assert message is not None
        assert message.params["until"] == (NOW + DAY).isoformat()
        assert message.useful_until == NOW + DAY
        assert booked(session, training).status == "waitlisted"
        for _press in range(2):
            bookings.take_up_offer(session, booking_id=booking.id, now=NOW + HOUR)
        assert (booking.status, booking.offer_ends_at) == ("booked", None)
        assert counters(session, training) == [(1, 0, 1, 1)]
        # What was told of the offer and did not leave yet is told no more; that they are booked is, once.
        assert told(session, booking, state="waiting") == ["training_booked"]
        with pytest.raises(RuleBroken, match="over"):
            bookings.turn_down_offer(session, booking_id=booking.id, stays=True, now=NOW + HOUR)


def test_nobody_must_have_a_phone_to_be_asked(both_engines: Flask) -> None:
    ways = {"none": None, "call": "+447700900123", "letter": "1 Any Road", "email": "a@example.org"}
    for kind, contact in ways.items():
        with transaction() as session:
            training, (first,) = full(session)
            booking = booked(session, training, **ASK, contact_kind=kind, contact=contact)
            leaves(session, first)
            assert booking.status == "offered"
            assert booking.offer_ends_at is not None
            assert booking.offer_ends_at - NOW >= (DAY if kind == "email" else 2 * DAY)
            assert ("training_offer" in told(session, booking)) == (kind != "none")


def test_an_offer_that_is_turned_down_goes_to_the_next(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first,) = full(session)
        stays, next_, goes = (booked(session, training, at=NOW + n * HOUR, **ASK, **BY_SMS) for n in range(3))
        leaves(session, first, NOW + 3 * HOUR)
        bookings.turn_down_offer(session, booking_id=stays.id, stays=True, now=NOW + 4 * HOUR)
        assert (stays.status, next_.status) == ("waitlisted", "offered")
        assert [entry.booking_id for entry in waiting.entries(session, training.id)] == [goes.id, stays.id]
        assert stays.offers_lapsed == 0  # they answered
        bookings.turn_down_offer(session, booking_id=next_.id, stays=False, now=NOW + 5 * HOUR)
        assert (next_.status, next_.ended_by, goes.status) == ("cancelled", "learner", "offered")
        assert counters(session, training) == [(0, 1, 1, 0)]
        # Somebody who says "not this time" does not shut the door to whoever comes next.
        bookings.turn_down_offer(session, booking_id=goes.id, stays=True, now=NOW + 6 * HOUR)
        assert stays.status == "offered"
        assert told(session, stays).count("training_offer") == 2
        for _ in range(2):
            with pytest.raises(RuleBroken):
                bookings.turn_down_offer(session, booking_id=next_.id, stays=True, now=NOW + 6 * HOUR)


def test_an_offer_nobody_answers_lapses_once_to_the_end_and_then_for_good(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first,) = full(session)
        slow, next_ = (
            booked(session, training, **ASK, **BY_SMS),
            booked(session, training, at=NOW + HOUR, **ASK),
        )
        leaves(session, first, NOW + 2 * HOUR)
        ends = slow.offer_ends_at
        assert ends == NOW + 2 * HOUR + DAY
        assert waiting.lapse_offers(session, now=ends - timedelta(seconds=1)) == 0
        with pytest.raises(RuleBroken):
            bookings.take_up_offer(session, booking_id=slow.id, now=ends)
        assert waiting.lapse_offers(session, now=ends) == 1
        assert waiting.lapse_offers(session, now=ends) == 0
        assert (slow.status, slow.waits_since, next_.status) == ("waitlisted", ends, "offered")
        assert told(session, slow, state="waiting") == []
        bookings.turn_down_offer(session, booking_id=next_.id, stays=False, now=ends + HOUR)
        again = slow.offer_ends_at
        assert slow.status == "offered"
        assert again is not None
        assert waiting.lapse_offers(session, now=again) == 1
        assert (slow.status, slow.ended_by, slow.offers_lapsed) == ("cancelled", "offer", 2)
        assert counters(session, training) == [(0, 0, 0, 0)]
        assert booked(session, training, at=again).status == "booked"


def test_an_offer_ends_when_its_session_begins_though_it_was_moved(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first,) = full(session)
        booking = booked(session, training, **ASK)
        leaves(session, first)
        earlier = moment(date(2027, 2, 2), time(9))
        session.execute(update(Occurrence).values(starts_at=earlier, ends_at=earlier + HOUR))
        session.expire_all()
        with pytest.raises(RuleBroken):
            bookings.take_up_offer(session, booking_id=booking.id, now=earlier)
        assert waiting.lapse_offers(session, now=earlier) == 1
        assert counters(session, training) == [(0, 0, 1, 0)]
        assert waiting.serve(session, session_id=training.id, now=earlier) == 0


def test_a_place_that_is_freed_too_late_to_ask_goes_to_who_need_not_be_asked(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first, second) = full(session, 2)
        asks, takes = booked(session, training, **ASK), booked(session, training, at=NOW + HOUR)
        at = training.occurrences[0].starts_at - 4 * HOUR
        leaves(session, first, at)
        assert (asks.status, takes.status) == ("waitlisted", "booked")
        # With nobody left who could use it, it is for the public.
        leaves(session, second, at)
        assert asks.status == "waitlisted"
        assert booked(session, training, at=at).status == "booked"
        begun = training.occurrences[0].starts_at
        leaves_nothing = bookings.cancel(session, booking_id=takes.id, by="learner", now=begun)
        assert not leaves_nothing  # it has begun: the register says who came


def test_whoever_waits_may_leave_and_an_offer_that_is_left_is_free(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first,) = full(session)
        one, two = booked(session, training, **ASK), booked(session, training, at=NOW + HOUR, **ASK)
        leaves(session, first)
        assert counters(session, training) == [(0, 1, 1, 0)]
        leaves(session, one)
        assert (one.status, two.status) == ("cancelled", "offered")
        leaves(session, two)
        assert counters(session, training) == [(0, 0, 0, 0)]


def test_who_waits_for_two_dates_gets_both_or_neither(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, 1, dates=2)
        first, second = (date.id for date in training.occurrences)
        has_first = booked(session, training, occurrence_ids=[first])
        has_second = booked(session, training, occurrence_ids=[second])
        both = booked(session, training, at=NOW + HOUR, occurrence_ids=[first, second])
        only = booked(session, training, at=NOW + 2 * HOUR, occurrence_ids=[first])
        leaves(session, has_first)
        assert (both.status, only.status) == ("waitlisted", "booked")
        leaves(session, has_second)
        assert both.status == "waitlisted"
        # They give up the date that is full, and have the other one at once.
        assert bookings.cancel_date(session, booking_id=both.id, occurrence_id=first, by="learner", now=NOW)
        session.refresh(both)
        assert both.status == "booked"
        assert counters(session, training) == [(1, 0, 0, 0), (1, 0, 0, 0)]


def test_no_place_is_held_where_the_room_became_smaller(both_engines: Flask) -> None:
    with transaction() as session:
        training, (first, *_rest) = full(session, 3)
        waits = booked(session, training)
        leaves(session, first)
        assert waits.status == "booked"
        more = booked(session, training)
        assert places.free_on(session, [training.occurrences[0].id]) == 0
        leaves(session, waits)
        assert more.status == "booked"
