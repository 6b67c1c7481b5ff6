"""Booking: every verb and every refusal, on both engines; nothing is written of what is refused."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from inclusion_app.core import attempts
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people.models import GivenCode, Resident
from inclusion_app.training import rules
from inclusion_app.training.models import Arrangement, Booking, BookingDate, Occurrence, TrainingSession
from inclusion_app.training.services import bookings, waiting
from tests.factories.people import make_person
from tests.factories.training import wanted
from tests.training.desk import (
    BY_SMS,
    DAY,
    DAYS,
    HOUR,
    NOW,
    PHONE,
    booked,
    counters,
    refusal,
    session_of,
    told,
)


def rows(session: Session, *kinds: type[Any]) -> list[int]:
    return [session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds]


def test_one_place_for_oneself(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, companion_cap=2)
        booking = booked(session, training, companions=1, label="Zed", **BY_SMS)
        assert booking.status == "booked"
        assert booking.consent_wording == rules.WORDING
        assert counters(session, training) == [(1, 0, 0, 1)]
        assert told(session, booking) == ["training_booked"]
        message = session.scalars(select(Message)).one()
        assert message.params["when"].startswith("2027-02-15T10:00")
        assert message.params["link"].endswith(f"/en/book/{booking.code}")
        changes = session.scalars(select(StatusChange)).all()
        assert [(row.before, row.after, row.booking_id) for row in changes] == [
            ("requested", "booked", booking.id)
        ]
        # Who wants no message gets none, and leaves no number behind.
        quiet = booked(session, training, contact_kind="none", contact=PHONE)
        assert (quiet.status, quiet.contact, told(session, quiet)) == ("booked", None, [])


def test_the_same_form_is_one_booking_and_another_persons_words_open_it_not(both_engines: Flask) -> None:
    with transaction() as session:
        training, other = session_of(session, capacity=5), session_of(session)
        facts = {"form_key": "from the page", "label": "Amina", "needs": {"codes": ["bsl"]}, **BY_SMS}
        first = booked(session, training, **facts)
        session.expire_all()
        assert booked(session, training, at=NOW + HOUR, **facts).id == first.id
        assert rows(session, Booking, GivenCode, Message, Arrangement) == [1, 1, 1, 1]
        # "Back" on a screen at a library: the next person must not land on this booking.
        for more in (
            {"label": "Bilal"},
            {"contact": "+447700900999"},
            {"places": 2},
            {"contact_kind": "none"},
        ):
            assert refusal(session, training, **{**facts, **more}) == (bookings.SENT_BEFORE, None)
        # The key of one session opens nothing of another.
        assert booked(session, other, **facts).session_id == other.id
        assert first.form_key != "from the page"
        # Whatever stands in the field, it is a key and no fault of the database.
        for key in ("", "\x00", "x" * 5_000, "\ud7ff😀", "\udcff"):
            assert booked(session, training, form_key=key).status in {"booked", "waitlisted"}


REFUSED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no place": ({"places": 0}, rules.TOO_MANY, "places"),
    "too many": ({"places": 7}, rules.TOO_MANY, "places"),
    "fewer than none come along": ({"companions": -1}, rules.NOT_AN_ANSWER, "companions"),
    "three come along": ({"companions": 3}, rules.NOT_AN_ANSWER, "companions"),
    "more come along than there is room": ({"companions": 2}, bookings.NO_ROOM_FOR_COMPANIONS, "companions"),
    "a need nobody knows": ({"needs": {"codes": ["a lift home"]}}, rules.NOT_AN_ANSWER, "needs"),
    "no number": ({"contact_kind": "sms"}, rules.NEEDS_CONTACT, "contact"),
    "a way nobody knows": ({"contact_kind": "pigeon", "contact": "x"}, rules.NOT_AN_ANSWER, "contact"),
    "the way of a plan, and no plan": ({"contact_kind": "record"}, rules.NEEDS_CONTACT, "contact"),
    "a child alone": ({"age_band": "under_13"}, rules.CHILD_NEEDS_ADULT, "contact"),
    "a child with its own phone": ({"age_band": "under_13", **BY_SMS}, rules.CHILD_NEEDS_ADULT, "contact"),
    "for whom": ({"booked_for": "everybody"}, rules.NOT_AN_ANSWER, None),
    "whose phone": ({"contact_of": "stranger"}, rules.NOT_AN_ANSWER, None),
    "how to wait": ({"waiting_mode": "push me"}, rules.NOT_AN_ANSWER, None),
    "a group that does not fit": ({"places": 3}, bookings.TOO_BIG, "places"),
}


def test_what_is_refused_writes_nothing(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, companion_cap=1, waiting_size=0)
        kinds = (Booking, BookingDate, GivenCode, Message, Arrangement, StatusChange, attempts.Attempt)
        for name, (facts, message, field) in REFUSED.items():
            assert refusal(session, training, **facts) == (message, field), name
            # In the very same transaction, so a page that shows the form again shows the truth.
            assert rows(session, *kinds) == [0] * len(kinds), name
        assert counters(session, training) == [(0, 0, 0, 0)]
        child = booked(
            session, training, age_band="under_13", contact_of="adult", contact_name="Mum", **BY_SMS
        )
        assert child.status == "booked"
        assert booked(session, training, age_band="13_15").status == "booked"  # alone, and with no way at all


def test_what_is_not_on_cannot_be_booked(both_engines: Flask) -> None:
    with transaction() as session:
        for status in ("draft", "cancelled"):
            training = session_of(session, status=status)
            assert refusal(session, training) == (bookings.NOT_ON, None)
            undated = session_of(session, status=status, booked_as="undated")
            assert refusal(session, undated) == (bookings.NOT_ON, None)
        training = session_of(session)
        begins = training.occurrences[0].starts_at
        assert refusal(session, training, at=begins) == (bookings.NOT_ON, None)
        assert booked(session, training, at=begins - timedelta(seconds=1)).status == "booked"
        session.execute(update(Occurrence).values(status="cancelled"))
        assert refusal(session, training) == (bookings.NOT_ON, None)


def test_a_course_is_booked_whole_or_not_at_all(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, dates=3, booked_as="course", waiting_size=1)
        middle = training.occurrences[1]
        session.execute(update(Occurrence).where(Occurrence.id == middle.id).values(capacity=1))
        # What is chosen on a form counts for nothing where all dates belong together.
        assert len(booked(session, training, occurrence_ids=[middle.id]).dates) == 3
        assert booked(session, training).status == "waitlisted"  # one date of three is full
        assert counters(session, training) == [(1, 0, 1, 0)] * 3
        assert refusal(session, training) == (bookings.NO_PLACE, None)
        assert counters(session, training) == [(1, 0, 1, 0)] * 3


def test_of_a_series_somebody_chooses_dates(both_engines: Flask) -> None:
    with transaction() as session:
        training, other = session_of(session, dates=3), session_of(session)
        first, second, third = (date.id for date in training.occurrences)
        elsewhere = other.occurrences[0].id
        for chosen in ([], [0], [elsewhere], [first, elsewhere], [10**9]):
            assert refusal(session, training, occurrence_ids=chosen) == (rules.CHOOSE_DATES, "dates"), chosen
        booking = booked(session, training, occurrence_ids=[first, first, third], **BY_SMS)
        assert [date.occurrence_id for date in booking.dates] == [first, third]
        assert counters(session, training) == [(1, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0)]
        # One date is called off, and the other stays; off is off; the last one takes the booking along.
        off = {"booking_id": booking.id, "by": "learner"}
        assert bookings.cancel_date(session, occurrence_id=first, now=NOW, **off)
        assert not bookings.cancel_date(session, occurrence_id=first, now=NOW, **off)
        assert not bookings.cancel_date(session, occurrence_id=second, now=NOW, **off)
        assert (booking.status, counters(session, training)[0]) == ("booked", (0, 0, 0, 0))
        assert bookings.cancel_date(session, occurrence_id=third, now=NOW, **off)
        assert (booking.status, booking.ended_by, booking.ended_at) == ("cancelled", "learner", NOW)
        assert counters(session, training) == [(0, 0, 0, 0)] * 3
        assert not bookings.cancel(session, booking_id=booking.id, by="learner", now=NOW)


def test_a_date_that_was_cancelled_is_no_date_that_is_left(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, dates=2)
        first, second = (date.id for date in training.occurrences)
        booking = booked(session, training, occurrence_ids=[first, second])
        session.execute(update(Occurrence).where(Occurrence.id == first).values(status="cancelled"))
        session.expire_all()
        off = {"booking_id": booking.id, "by": "learner", "now": NOW}
        assert not bookings.cancel_date(session, occurrence_id=first, **off)
        assert bookings.cancel_date(session, occurrence_id=second, **off)
        assert booking.status == "cancelled"


def test_who_has_been_to_a_date_keeps_it(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, dates=3, booked_as="course")
        booking = booked(session, training, places=2)
        after_first = training.occurrences[0].starts_at + HOUR
        assert bookings.cancel(session, booking_id=booking.id, by="learner", now=after_first)
        assert [date.status for date in booking.dates] == ["on", "cancelled", "cancelled"]
        assert booking.status == "booked"  # so the register of the first date still knows them
        assert counters(session, training) == [(2, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)]
        assert not bookings.cancel(session, booking_id=booking.id, by="learner", now=after_first)


def test_who_cancels_is_told_nothing_more_and_frees_the_place(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, companion_cap=1)
        booking = booked(
            session, training, companions=1, contact_kind="letter", contact="1 Any Road\nM14 5RQ"
        )
        assert rows(session, TrayItem) == [1]
        assert bookings.cancel(session, booking_id=booking.id, by="organiser", now=NOW)
        assert told(session, booking, state="waiting") == []
        assert session.scalars(select(TrayItem.done_at)).one() is not None  # no letter is posted any more
        assert counters(session, training) == [(0, 0, 0, 0)]
        assert not bookings.cancel(session, booking_id=10**9, by="learner", now=NOW)
        assert not bookings.cancel_date(session, booking_id=10**9, occurrence_id=1, by="learner", now=NOW)


def test_an_undated_session_asks_who_would_come(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, booked_as="undated", capacity=1)
        asked = [booked(session, training, **BY_SMS) for _ in range(3)]
        assert {booking.status for booking in asked} == {"requested"}
        assert told(session, asked[0]) == ["training_noted"]
        assert bookings.cancel(session, booking_id=asked[0].id, by="learner", now=NOW)
        assert asked[0].status == "cancelled"
        with pytest.raises(RuleBroken):
            bookings.take_up_offer(session, booking_id=asked[1].id, now=NOW)


def test_who_comes_in_the_moment_a_session_gets_its_date_is_shown_it(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, booked_as="undated")
        assert training.booked_as == "undated"
        # Another request has given it a date since this one read it.
        dating = update(TrainingSession).where(TrainingSession.id == training.id).values(booked_as="single")
        session.execute(dating, execution_options={"synchronize_session": False})
        assert refusal(session, training) == (CHANGED_ALREADY, None)
        assert training.booked_as == "single"
        assert session.scalars(select(Booking)).all() == []


def test_what_somebody_needs_is_asked_of_the_organiser(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, dates=2, booked_as="course", offers="step_free quiet", lead_days=10)
        needs = {"codes": ["step_free", "interpreter", "large_print"], "interpreter": "so"}
        booking = booked(session, training, needs=needs)
        found = [(row.need, row.status, row.due_on) for row in booking.arrangements]
        assert found == [("interpreter", "asked", DAYS[0] - timedelta(days=10))]


def test_people_who_come_along_have_places_of_their_own(both_engines: Flask) -> None:
    with transaction() as session:
        training = session_of(session, capacity=3, companion_cap=2)
        booked(session, training, companions=2)
        # There is a place, but not for one more who comes along: said so, and nobody waits for it.
        assert refusal(session, training, companions=1) == (bookings.NO_ROOM_FOR_COMPANIONS, "companions")
        assert booked(session, training).status == "booked"
        assert counters(session, training) == [(2, 0, 0, 2)]
        booked(session, training)
        assert booked(session, training, companions=1).status == "waitlisted"


def test_nobody_books_all_places_of_the_city_from_one_network(
    both_engines: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "BOOKING_NETWORK", replace(attempts.BOOKING_NETWORK, tries=6))
    here, there = {"address": "192.0.2.7"}, {"address": "198.51.100.1"}
    with transaction() as session:
        training = session_of(session, capacity=40)
        booked(session, training, places=4, **here)
        assert refusal(session, training, places=3, address="192.0.2.99") == (bookings.TOO_MANY_HERE, None)
        booked(session, training, places=2, **here)  # what was refused took nothing from it
        assert refusal(session, training, **here) == (bookings.TOO_MANY_HERE, None)
        assert booked(session, training, **there).status == "booked"
        assert booked(session, training, staff_id=None, address=None).status == "booked"
        assert booked(session, training, at=NOW + HOUR, **here).status == "booked"
        kept = session.scalars(select(attempts.Attempt.key_hash)).all()
        assert keyed_hash("attempt-booking", attempts.network_of("192.0.2.7")) in kept
        assert not [key for key in kept if "192" in key]


def test_nobody_has_a_strangers_phone_ring_all_day(
    both_engines: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "BOOKING_CONTACT", replace(attempts.BOOKING_CONTACT, tries=2))
    with transaction() as session:
        training = session_of(session, capacity=40)
        mail = {"contact_kind": "email", "contact": "amina@example.org"}
        booked(session, training, **mail)
        booked(session, training, **{**mail, "contact": "Amina@example.org"})
        assert refusal(session, training, **mail) == (bookings.TOO_MANY_TO, "contact")
        assert booked(session, training, **BY_SMS).status == "booked"
        assert booked(session, training).status == "booked"
        assert booked(session, training, at=NOW + 2 * DAY, **mail).status == "booked"


def test_a_record_that_is_erased_takes_its_bookings_and_leaves_the_counters_right(
    both_engines: Flask,
) -> None:
    with transaction() as session:
        training = session_of(session)
        person = make_person(session)
        booking = booked(session, training, contact_kind="record", resident_id=person.id)
        number = booking.id
        assert bookings.cancel(session, booking_id=number, by="learner", now=NOW)
        session.delete(session.get_one(Resident, person.id))
        session.flush()
        session.expire_all()
        assert session.get(Booking, number) is None
        assert rows(session, BookingDate, StatusChange) == [0, 0]
        assert counters(session, training) == [(0, 0, 0, 0)]


@pytest.mark.postgres
def test_two_who_want_different_dates_of_a_full_series_wait_for_each_other(service_on_both: Flask) -> None:
    """Each joins the list of one date and then looks at all of them: taken in two orders, that is a deadlock."""
    app = service_on_both
    with app.app_context(), transaction() as session:
        training = session_of(session, capacity=1, dates=3, waiting_size=30)
        number, dates = training.id, [date.id for date in training.occurrences]
        booked(session, training, occurrence_ids=dates)
    faults: list[BaseException] = []

    def want(date: int) -> None:
        try:
            for _ in range(12):
                with app.app_context(), transaction() as session:
                    training = session.get_one(TrainingSession, number)
                    bookings.book(session, training=training, wanted=wanted(occurrence_ids=[date]), now=NOW)
                    waiting.serve(session, session_id=number, now=NOW)
        except BaseException as fault:
            faults.append(fault)

    people = [threading.Thread(target=want, args=(dates[number % 3],)) for number in (2, 1, 0, 2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    if faults:
        # The list of date three may be full before all have joined; a deadlock is another thing.
        assert all(isinstance(fault, RuleBroken) for fault in faults), faults
    with app.app_context(), transaction() as session:
        assert [row[2] for row in counters(session, session.get_one(TrainingSession, number))][:2] == [12, 12]
