"""What an organiser changes, asked of the services: offers and needs that move with a date, and two who change at once."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.messages.models import Message
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import Booking, Occurrence, TrainingSession
from inclusion_app.training.rules import moment
from inclusion_app.training.services import bookings, changes, sessions, telling
from inclusion_app.training.services.changes import When
from tests.factories.training import make_booking, make_place, make_session, wanted
from tests.training.test_places_race import counters_fit

SMS = {"contact_kind": "sms", "contact": "+447700900123"}
# A Wednesday at noon: an offer made now ends tomorrow. What is made before nine ends the same day.
WEDNESDAY = "2027-02-03 12:00"


@time_machine.travel(WEDNESDAY)
def test_an_offer_never_ends_after_a_date_that_moved(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1, days=[today() + timedelta(days=20)])
        booked = make_booking(session, training)
        waits = make_booking(session, training, waiting_mode="ask_me", **SMS)
        bookings.cancel(session, booking_id=booked.id, by="learner", now=now())
        assert waits.status == "offered" and waits.offer_ends_at is not None
        row = training.occurrences[0]
        # So near that the offer is over three hours before it.
        at = moment(today() + timedelta(days=1), time(0, 15))
        changes.move_date(
            session, date=row, sequence=0, now=at - timedelta(hours=5),
            to=When(today() + timedelta(days=1), time(0, 15), time(1), training.place_id),
        )  # fmt: skip
        session.refresh(waits)
        assert waits.offer_ends_at == at - timedelta(hours=3)
        templates = session.scalars(select(Message.template).order_by(Message.id)).all()
        assert list(templates)[-2:] == ["training_moved", "training_offer"]


def test_a_date_that_was_cancelled_is_none_of_their_dates_now(app: Flask) -> None:
    days = [today() + timedelta(days=number) for number in (10, 17, 24)]
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="course", days=days)
        booking = make_booking(session, training, **SMS)
        first, gone, last = training.occurrences
        changes.cancel_date(session, date=gone, sequence=0, now=now())
        to_come = changes.from_this_on(session, first, now())
        changes.move_dates(
            session, date=first, seen=changes.seen_of(to_come), now=now(),
            to=When(days[0], time(14), time(16), training.place_id),
        )  # fmt: skip
        told = session.scalars(select(Message).where(Message.template == "training_moved_dates")).one()
        assert (told.params or {})["dates"].split() == [
            moment(day, time(14)).isoformat() for day in (days[0], days[2])
        ]
        # Whatever else is told of the booking names a date that takes place.
        changes.cancel_date(session, date=first, sequence=1, now=now())
        assert telling.facts_of(booking, None, now())["when"] == last.starts_at.isoformat()


def test_what_is_to_arrange_moves_with_its_date(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, lead_days=3)
        booking = make_booking(session, training, needs={"codes": ["bsl"]})
        day = today() + timedelta(days=25)
        changes.move_date(
            session, date=training.occurrences[0], sequence=0, to=When(day, time(9), time(10), training.place_id),
            now=now(),
        )  # fmt: skip
        assert [need.due_on for need in booking.arrangements] == [day - timedelta(days=3)]


def test_a_discreet_booking_is_told_when_but_not_where(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session)
        make_booking(session, training, is_discreet=True, contact_kind="call", contact="+441614960000")
        day = today() + timedelta(days=25)
        changes.move_date(
            session, date=training.occurrences[0], sequence=0, to=When(day, time(9), time(10), training.place_id),
            now=now(),
        )  # fmt: skip
        params = session.scalars(select(Message.params).where(Message.template == "training_moved")).one()
        assert params is not None and set(params) == {"when", "before"}


def test_a_course_that_has_begun_keeps_who_came(app: Flask) -> None:
    """Who was there on the first date keeps their booking when the others are cancelled."""
    days = [today() + timedelta(days=3), today() + timedelta(days=10)]
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="course", days=days)
        booking = make_booking(session, training, **SMS)
        first, second = training.occurrences
        between = moment(days[0], time(18))
        changes.cancel_date(session, date=second, sequence=0, now=between)
        session.refresh(booking)
        assert booking.status == "booked"
        assert {entry.occurrence_id: entry.status for entry in booking.dates} == {
            first.id: "on", second.id: "cancelled",
        }  # fmt: skip
        assert training.status == "published"
        with pytest.raises(RuleBroken):
            changes.cancel_date(session, date=first, sequence=0, now=between)


def test_wall_times_stay_across_the_change_of_clocks(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, days=[date(2027, 3, 21)])
        row = training.occurrences[0]
        changes.move_date(
            session, date=row, sequence=0, now=now(),
            to=When(date(2027, 3, 28), time(10), time(12), training.place_id),
        )  # fmt: skip
        assert f"{row.starts_at:%H:%M}" == "09:00" and row.begins == time(10)


@pytest.mark.parametrize(("by", "begins", "weekday"), [(2, 10, "TH"), (7, 10, "TU"), (0, 14, "TU")])
def test_a_weekly_pattern_goes_on_with_the_new_weekday(
    app: Flask, by: int, begins: int, weekday: str
) -> None:
    """Tuesdays become Thursdays, and dates that are added later do so too."""
    tuesday = next_weekday(1)
    with app.app_context(), transaction() as session:
        days = [tuesday, tuesday + timedelta(weeks=1)]
        training = make_session(
            session, booked_as="series", days=days, pattern="FREQ=WEEKLY;INTERVAL=1;BYDAY=TU;COUNT=2"
        )
        first = training.occurrences[0]
        to = When(tuesday + timedelta(days=by), time(begins), time(begins + 2), training.place_id)
        seen = changes.seen_of(changes.from_this_on(session, first, now()))
        changes.move_dates(session, date=first, seen=seen, to=to, now=now())
        assert training.pattern == f"FREQ=WEEKLY;INTERVAL=1;BYDAY={weekday};COUNT=2"


def next_weekday(number: int) -> date:
    """The first such day after a week from now."""
    day = today() + timedelta(days=8)
    return day + timedelta(days=(number - day.weekday()) % 7)


def test_later_dates_keep_their_wall_times_across_the_change_of_clocks(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="course", days=[date(2027, 3, 20), date(2027, 3, 27)])
        rows = list(training.occurrences)
        to = When(date(2027, 3, 21), time(10), time(12), training.place_id)
        assert changes.move_dates(session, date=rows[0], seen=changes.seen_of(rows), to=to, now=now()) == 2
        assert [(row.day, f"{row.starts_at:%H:%M}") for row in rows] == [
            (date(2027, 3, 21), "10:00"), (date(2027, 3, 28), "09:00"),
        ]  # fmt: skip
        assert {row.begins for row in rows} == {time(10)}


def test_whose_dates_are_at_two_places_is_told_no_one_place_for_all(app: Flask) -> None:
    days = [today() + timedelta(days=20 + 7 * week) for week in range(3)]
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="course", days=days)
        rows = list(training.occurrences)
        make_booking(session, training, **SMS)
        to = When(days[0] + timedelta(days=1), time(10), time(12), training.place_id)
        changes.move_dates(session, date=rows[0], seen=changes.seen_of(rows), to=to, now=now())
        # The last two dates go elsewhere; the first stays where it is.
        elsewhere = When(rows[1].day, time(10), time(12), make_place(session).id)
        changes.move_dates(session, date=rows[1], seen=changes.seen_of(rows[1:]), to=elsewhere, now=now())
        wanted = select(Message.params).where(Message.template == "training_moved_dates").order_by(Message.id)
        first, second = session.scalars(wanted).all()
        assert first is not None and second is not None
        assert "place" in first
        assert "place" not in second
        assert len(second["dates"].split()) == 3
        assert second["when"] == rows[1].starts_at.isoformat()


@time_machine.travel(WEDNESDAY)
def test_an_offer_of_a_course_never_ends_after_its_first_date_that_moved(app: Flask) -> None:
    days = [today() + timedelta(days=20 + 7 * week) for week in range(2)]
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="course", days=days, capacity=1)
        booked = make_booking(session, training)
        waits = make_booking(session, training, waiting_mode="ask_me", **SMS)
        bookings.cancel(session, booking_id=booked.id, by="learner", now=now())
        assert waits.status == "offered"
        at, rows = moment(today() + timedelta(days=1), time(0, 15)), list(training.occurrences)
        to = When(today() + timedelta(days=1), time(0, 15), time(1), training.place_id)
        seen = changes.seen_of(rows)
        changes.move_dates(session, date=rows[0], seen=seen, to=to, now=at - timedelta(hours=5))
        session.refresh(waits)
        assert waits.offer_ends_at == at - timedelta(hours=3)
        templates = session.scalars(select(Message.template).order_by(Message.id)).all()
        assert list(templates)[-2:] == ["training_moved_dates", "training_offer"]


def _run(*works: object) -> None:
    threads = [threading.Thread(target=work) for work in works]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.postgres
def test_a_smaller_room_and_bookings_at_once_never_oversell(service_on_both: Flask) -> None:
    app, said = service_on_both, Counter[str]()
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=12, waiting_size=40)
        number, row_id = training.id, training.occurrences[0].id

    def want() -> None:
        for _try in range(12):
            with app.app_context(), transaction() as session:
                training = session.get_one(TrainingSession, number)
                said[bookings.book(session, training=training, wanted=wanted(), now=now()).status] += 1

    def resize() -> None:
        for capacity in (6, 10, 4, 9, 7, 12, 5):
            with app.app_context():
                try:
                    with transaction() as session:
                        changes.change_capacity(
                            session, date=session.get_one(Occurrence, row_id), capacity=capacity, companion_cap=2,
                            now=now(),
                        )  # fmt: skip
                        said["resized"] += 1
                except RuleBroken as broken:
                    assert broken.message == words.SMALLER_THAN_TAKEN
                    said["refused"] += 1

    _run(want, want, want, resize, resize)
    assert said["booked"] + said["waitlisted"] == 36
    assert said["resized"] + said["refused"] == 14
    counters_fit(app)


@pytest.mark.postgres
def test_of_two_who_move_one_date_one_does(service_on_both: Flask) -> None:
    app, said = service_on_both, Counter[str]()
    with app.app_context(), transaction() as session:
        training = make_session(session)
        make_booking(session, training, **SMS)
        row_id, place = training.occurrences[0].id, training.place_id

    def move(hour: int) -> None:
        with app.app_context():
            try:
                with transaction() as session:
                    to = When(today() + timedelta(days=30), time(hour), time(hour + 1), place)
                    changes.move_date(
                        session, date=session.get_one(Occurrence, row_id), sequence=0, to=to, now=now()
                    )
                    said["moved"] += 1
            except RuleBroken as broken:
                assert broken.message == CHANGED_ALREADY
                said["refused"] += 1

    _run(*(lambda hour=hour: move(hour) for hour in range(8, 14)))
    assert said == {"moved": 1, "refused": 5}
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Occurrence.sequence)).all() == [1]
        assert len(session.scalars(select(Message).where(Message.template == "training_moved")).all()) == 1


@pytest.mark.postgres
def test_all_later_dates_move_whole_or_not_while_others_move_and_cancel_them(service_on_both: Flask) -> None:
    """Whoever is first changes all he saw; nobody's change is lost, and each change of all tells a booking once."""
    app, said = service_on_both, Counter[str]()
    days = [today() + timedelta(days=20 + 7 * week) for week in range(4)]
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="course", days=days, capacity=30)
        make_booking(session, training, **SMS)
        ids, place = [row.id for row in training.occurrences], training.place_id
        seen = changes.seen_of(training.occurrences)

    def change(verb: str) -> None:
        with app.app_context():
            try:
                with transaction() as session:
                    if verb == "book":
                        session_of = session.get_one(Occurrence, ids[0]).session
                        bookings.book(session, training=session_of, wanted=wanted(), now=now())
                    elif verb == "move one":
                        last, to = session.get_one(Occurrence, ids[3]), When(days[3], time(8), time(9), place)
                        changes.move_date(session, date=last, sequence=0, to=to, now=now())
                    elif verb == "cancel":
                        changes.cancel_dates(
                            session, date=session.get_one(Occurrence, ids[0]), seen=seen, now=now()
                        )
                    else:
                        to = When(days[0] + timedelta(days=2), time(14), time(15), place)
                        first = session.get_one(Occurrence, ids[0])
                        changes.move_dates(session, date=first, seen=seen, to=to, now=now())
                said[verb] += 1
            except RuleBroken as broken:
                assert verb == "book" or broken.message in {CHANGED_ALREADY, words.NOTHING_CHANGED}
                said["refused"] += 1

    verbs = ["move", "book", "cancel", "move one", "book", "move", "cancel", "book"]
    _run(*(lambda verb=verb: change(verb) for verb in verbs))
    assert sum(said.values()) == len(verbs)
    assert said["move"] + said["cancel"] + said["move one"] == 1
    with app.app_context(), transaction() as session:
        sequences = list(session.scalars(select(Occurrence.sequence).order_by(Occurrence.id)))
        assert sequences == ([0, 0, 0, 1] if said["move one"] else [1, 1, 1, 1])
        of_change = select(Message).where(Message.template.in_(["training_moved_dates", "training_moved",
                                                                 "training_all_cancelled"]))  # fmt: skip
        assert len(session.scalars(of_change).all()) == 1
    counters_fit(app)


@pytest.mark.postgres
def test_bookings_while_a_session_is_cancelled_leave_nobody_behind(service_on_both: Flask) -> None:
    app, said = service_on_both, Counter[str]()
    with app.app_context(), transaction() as session:
        number = make_session(session, capacity=40).id

    def want() -> None:
        for _try in range(10):
            with app.app_context():
                try:
                    with transaction() as session:
                        training = session.get_one(TrainingSession, number)
                        bookings.book(session, training=training, wanted=wanted(**SMS), now=now())
                        said["booked"] += 1
                except RuleBroken:
                    said["refused"] += 1

    def cancel() -> None:
        with app.app_context(), transaction() as session:
            changes.cancel_session(session, training=session.get_one(TrainingSession, number), now=now())

    _run(want, want, cancel, want)
    with app.app_context(), transaction() as session:
        states = Counter(session.scalars(select(Booking.status)))
        assert states == {"session_cancelled": said["booked"]} or not said["booked"]
        told = session.scalars(select(Message.key).where(Message.template == "training_cancelled")).all()
        assert len(told) == said["booked"]
    assert said["booked"] + said["refused"] == 30


def test_more_places_on_all_dates_go_to_who_waits(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1)
        make_booking(session, training)
        waits = make_booking(session, training, waiting_mode="book_me", **SMS)
        assert waits.status == "waitlisted"
        facts = replace(sessions.facts_of(training), capacity=2)
        sessions.change_session(
            session, training=training, course_id=training.course_id, facts=facts, now=now()
        )
        session.refresh(waits)
        assert waits.status == "booked"
        told = session.scalars(select(Message.template).order_by(Message.id)).all()
        assert list(told)[-1] == "training_booked_from_list"
    counters_fit(app)
