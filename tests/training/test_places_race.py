"""Never oversold: many want the last places at once, on both engines, and the counters always fit the bookings."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.training.models import Booking, Occurrence, TrainingSession
from inclusion_app.training.services import bookings, changes, waiting
from inclusion_app.training.services.sessions import Dates
from tests.factories.training import make_booking, make_session, wanted

pytestmark = pytest.mark.postgres


def counters_fit(app: Flask) -> None:
    """Each date's counters are what its bookings say."""
    with app.app_context(), transaction() as session:
        taken, held, waits, along = Counter[int](), Counter[int](), Counter[int](), Counter[int]()
        for booking in session.scalars(select(Booking)):
            for date in booking.dates:
                if date.status != "on":
                    continue
                count = {"booked": taken, "offered": held, "waitlisted": waits}.get(booking.status)
                if count is not None:
                    count[date.occurrence_id] += booking.places
                if booking.status in {"booked", "offered"}:
                    along[date.occurrence_id] += booking.companions
        for row in session.scalars(select(Occurrence)):
            assert (row.taken, row.held, row.waiting, row.companions) == (
                taken[row.id], held[row.id], waits[row.id], along[row.id],
            )  # fmt: skip
            assert row.taken + row.held <= row.capacity


@pytest.mark.parametrize(("threads", "size"), [(2, 0), (8, 5)])
def test_200_want_20_places(service_on_both: Flask, threads: int, size: int) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=10 + number) for number in range(3)]
        training = make_session(session, capacity=20, waiting_size=size, booked_as="course", days=days)
        number = training.id
    answers: list[str] = []

    def want() -> None:
        for _try in range(200 // threads):
            with app.app_context():
                try:
                    with transaction() as session:
                        training = session.get_one(TrainingSession, number)
                        answers.append(
                            bookings.book(session, training=training, wanted=wanted(), now=now()).status
                        )
                except RuleBroken:
                    answers.append("refused")

    people = [threading.Thread(target=want) for _ in range(threads)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(answers) == 200
    assert [answers.count(answer) for answer in ("booked", "waitlisted", "refused")] == [20, size, 180 - size]
    counters_fit(app)


def test_one_form_sent_many_times_at_once_books_once(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        number = make_session(session, capacity=20).id
    codes: list[str] = []

    def press() -> None:
        with app.app_context(), transaction() as session:
            training = session.get_one(TrainingSession, number)
            facts = wanted(form_key="the same form")
            codes.append(bookings.book(session, training=training, wanted=facts, now=now()).code)

    fingers = [threading.Thread(target=press) for _ in range(6)]
    for finger in fingers:
        finger.start()
    for finger in fingers:
        finger.join()
    assert len(codes) == 6
    assert len(set(codes)) == 1
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Occurrence.taken)).all() == [1]


def test_nobody_is_left_behind_when_a_session_gets_its_date(service_on_both: Flask) -> None:
    """Whoever asks for a place in that moment is on the list of its date, or is shown it; nobody stays `requested`."""
    app = service_on_both
    for _round in range(3):
        with app.app_context(), transaction() as session:
            number = make_session(session, booked_as="undated", capacity=4, waiting_size=100).id
        ready, answers = threading.Barrier(7), list[str]()

        def want(
            number: int = number, ready: threading.Barrier = ready, answers: list[str] = answers
        ) -> None:
            ready.wait(30)
            for _try in range(5):
                with app.app_context():
                    try:
                        with transaction() as session:
                            training = session.get_one(TrainingSession, number)
                            made = bookings.book(session, training=training, wanted=wanted(), now=now())
                            answers.append(made.status)
                    except RuleBroken as broken:
                        answers.append(broken.message)

        people = [threading.Thread(target=want) for _ in range(6)]
        for person in people:
            person.start()
        with app.app_context(), transaction() as session:
            training = session.get_one(TrainingSession, number)
            place, first = training.place_id, today() + timedelta(days=10)
            ready.wait(30)
            when = Dates(first=first, begins=time(10), ends=time(12))
            changes.set_date(
                session, training=training, dates=when, place_id=place, capacity=4, now=now()
            )  # fmt: skip
        for person in people:
            person.join()
        assert len(answers) == 30
        with app.app_context(), transaction() as session:
            states = Counter(session.scalars(select(Booking.status).where(Booking.session_id == number)))
        assert states["requested"] == 0, (states, Counter(answers))
        assert set(answers) <= {"requested", "booked", "waitlisted", CHANGED_ALREADY}
        assert sum(states.values()) == 30 - answers.count(CHANGED_ALREADY)
    counters_fit(app)


def test_the_constraint_has_the_last_word(both_engines: Flask) -> None:
    with transaction() as session:
        make_session(session, capacity=2)
    with pytest.raises(IntegrityError, match="not_oversold"), transaction() as session:
        session.execute(update(Occurrence).values(taken=3))


@pytest.mark.parametrize("seed", range(2))
def test_whatever_people_do_the_counters_fit(service_on_both: Flask, seed: int) -> None:
    """A random walk of booking, leaving, offers taken up, turned down and lapsed, over a series of three dates."""
    app, chance = service_on_both, random.Random(seed)  # noqa: S311 - a walk that can be repeated
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=10 + number) for number in range(3)]
        training = make_session(session, capacity=3, waiting_size=4, booked_as="series", days=days)
        number, dates = training.id, [date.id for date in training.occurrences]
    seen = Counter[str]()
    at = now()
    for _step in range(160):
        at += timedelta(minutes=20)
        with app.app_context():
            try:
                with transaction() as session:
                    seen[act(session, number, dates, chance, at)] += 1
            except RuleBroken:
                seen["refused"] += 1
    assert {"book", "cancel", "cancel date", "take up", "turn down", "lapse", "refused"} <= set(seen)
    counters_fit(app)


def act(session, number: int, dates: list[int], chance: random.Random, at) -> str:  # type: ignore[no-untyped-def]
    """One thing somebody does."""
    live = session.scalars(
        select(Booking.id).where(Booking.status.in_(["booked", "waitlisted", "offered"])).order_by(Booking.id)
    ).all()
    offered = session.scalars(
        select(Booking.id).where(Booking.status == "offered").order_by(Booking.id)
    ).all()
    choice = chance.random()
    if offered and choice < 0.2:
        bookings.take_up_offer(session, booking_id=chance.choice(offered), now=at)
        return "take up"
    if offered and choice < 0.3:
        bookings.turn_down_offer(
            session, booking_id=chance.choice(offered), stays=chance.random() < 0.5, now=at
        )
        return "turn down"
    if offered and choice < 0.4:
        return "lapse" if waiting.lapse_offers(session, now=at + timedelta(days=6)) else "nothing"
    if live and choice < 0.5:
        bookings.cancel(session, booking_id=chance.choice(live), by="learner", now=at)
        return "cancel"
    if live and choice < 0.6:
        done = bookings.cancel_date(
            session, booking_id=chance.choice(live), occurrence_id=chance.choice(dates), by="learner", now=at
        )
        return "cancel date" if done else "nothing"
    make_booking(
        session, session.get_one(TrainingSession, number), at=at, places=chance.randint(1, 2),
        companions=chance.randint(0, 1), occurrence_ids=chance.sample(dates, chance.randint(1, 3)),
        waiting_mode=chance.choice(["book_me", "ask_me", "ask_me", "ask_me"]),
    )  # fmt: skip
    return "book"
