"""Reminders: at the right hour, once, in the reader's language, never of what has ended; and offers that end."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app import cli
from inclusion_app.core import clock
from inclusion_app.core.db import transaction
from inclusion_app.messages import sending
from inclusion_app.messages.models import JobRun, Message, TrayItem
from inclusion_app.training import reminders
from inclusion_app.training.models import Arrangement, Booking, BookingDate, Occurrence
from inclusion_app.training.rules import is_time_to_remind, moment, remind_at
from inclusion_app.training.services import bookings, changes
from inclusion_app.training.services.changes import When
from tests.factories.training import make_booking, make_session
from tests.messages.conftest import ADDRESS, EMAIL, PHONE, configure, reachable

DAYS, HOURS = timedelta(days=2), timedelta(hours=2)
# A Wednesday in winter.
DAY = date(2027, 1, 13)
START = moment(DAY, time(10))
BOOKED = START - timedelta(days=10)


class Clock:
    """The wall clock of the chores, as the test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = BOOKED
        monkeypatch.setattr(clock, "now", lambda: self.at)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ready(app: Flask, wall: Clock) -> Flask:
    """An instance whose e-mail and text messages are set up."""
    configure(
        app, mail_url="smtp://127.0.0.1:9", mail_from="post@example.org", sms="https://example.org/sms", sms_token="t"
    )  # fmt: skip
    return app


def booked(
    app: Flask,
    *,
    at: datetime = BOOKED,
    days: tuple[date, ...] = (DAY,),
    begins: time = time(10),
    **facts: Any,
) -> int:
    usual = {"contact_kind": "sms", "contact": PHONE}
    with app.app_context(), transaction() as session:
        training = make_session(session, days=days, begins=begins, ends=time(23, 59), booked_as="series")
        dates = [occurrence.id for occurrence in training.occurrences]
        return make_booking(session, training, at=at, occurrence_ids=dates, **{**usual, **facts}).id


def told(app: Flask, which: str = "") -> list[Message]:
    with app.app_context(), transaction() as session:
        wanted = Message.template.startswith(f"training_remind_{which}")
        return list(session.scalars(select(Message).where(wanted).order_by(Message.id)))


def run(app: Flask, wall: Clock, at: datetime) -> int:
    wall.at = at
    with app.app_context():
        return reminders.remind()


# --- the rule


@pytest.mark.parametrize(
    ("which", "begins", "before", "comes"),
    [
        ("days", time(10), DAYS, (DAY - DAYS, time(10))),
        ("days", time(7), DAYS, (DAY - timedelta(days=3), time(19))),
        ("days", time(20, 30), DAYS, (DAY - DAYS, time(19))),
        ("hours", time(10), HOURS, (DAY, time(8))),
        ("hours", time(18), HOURS, (DAY, time(16))),
        # At night: in the morning, for it says "today".
        ("hours", time(9), HOURS, (DAY, time(8))),
        ("hours", time(22, 30), HOURS, (DAY, time(19))),
        ("hours", time(8), HOURS, None),
        ("hours", time(0, 30), HOURS, None),
    ],
)
def test_nobody_is_reminded_at_night(
    which: str, begins: time, before: timedelta, comes: tuple[date, time] | None
) -> None:
    assert remind_at(moment(DAY, begins), which, before) == (moment(*comes) if comes else None)


def test_two_days_are_two_days_on_the_wall_when_the_clocks_change() -> None:
    start = moment(date(2027, 3, 29), time(10))
    at = remind_at(start, "days", DAYS)
    assert at is not None
    # 48 hours before: an hour earlier on the wall, and still by day.
    assert at == moment(date(2027, 3, 27), time(9))


def test_who_booked_after_the_time_is_not_told_late() -> None:
    at = START - DAYS
    due = {"starts_at": START, "booked_at": BOOKED}
    assert is_time_to_remind("days", at, now=at, **due)
    assert not is_time_to_remind("days", at, now=at - timedelta(minutes=1), **due)
    assert not is_time_to_remind("days", at, now=at + timedelta(hours=19), **due)
    assert not is_time_to_remind("days", at, now=at, starts_at=START, booked_at=at)
    assert not is_time_to_remind("hours", None, now=at, **due)


# --- the chore


def test_two_days_and_two_hours_before_each_once(ready: Flask, wall: Clock) -> None:
    booked(ready, language="ur")
    assert run(ready, wall, START - DAYS - timedelta(minutes=1)) == 0
    assert run(ready, wall, START - DAYS) == 1
    assert run(ready, wall, START - DAYS + timedelta(minutes=1)) == 0
    assert run(ready, wall, START - HOURS) == 1
    assert run(ready, wall, START - HOURS + timedelta(minutes=1)) == 0
    first, second = told(ready)
    assert (first.template, second.template) == ("training_remind_days", "training_remind_hours")
    assert {row.language for row in (first, second)} == {"ur"}
    assert {row.useful_until for row in (first, second)} == {START}
    assert second.params is not None and second.params["time"] == START.isoformat()


def test_what_the_message_of_the_day_says(ready: Flask, wall: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    booked(ready, begins=time(14, 30))
    run(ready, wall, moment(DAY, time(12, 30)))
    sent: list[str] = []
    monkeypatch.setattr(sending.channels, "deliver", lambda made, _settings: sent.append(made.text.body))
    with ready.app_context(), transaction() as session:
        session.execute(update(Message).where(Message.template == "training_booked").values(state="dead"))
    with ready.app_context():
        sending.send_pass()
    assert len(sent) == 1
    assert "Your session begins today at 14:30." in sent[0]


@pytest.mark.parametrize(
    ("kind", "value", "days", "hours"),
    [("sms", PHONE, 1, 1), ("email", EMAIL, 1, 1), ("call", PHONE, 1, 0), ("none", None, 0, 0)],
)
def test_each_way_has_its_reminders(
    ready: Flask, wall: Clock, kind: str, value: str | None, days: int, hours: int
) -> None:
    booked(ready, contact_kind=kind, contact=value)
    assert run(ready, wall, START - DAYS) == days
    assert run(ready, wall, START - HOURS) == hours


def test_a_letter_goes_earlier(ready: Flask, wall: Clock) -> None:
    booked(ready, contact_kind="letter", contact=ADDRESS)
    assert run(ready, wall, START - DAYS - timedelta(days=4)) == 1
    assert run(ready, wall, START - DAYS) == 0


def test_who_keeps_a_plan_is_reminded_by_its_way(ready: Flask, wall: Clock) -> None:
    with ready.app_context(), transaction() as session:
        person = reachable(session, "email", read="ar").id
    booked(ready, contact_kind="record", contact=None, resident_id=person)
    assert run(ready, wall, START - DAYS) == 1
    (message,) = told(ready)
    assert (message.channel, message.resident_id, message.language) == ("email", person, "ar")


def test_who_chose_letters_for_their_plan_is_reminded_earlier_too(ready: Flask, wall: Clock) -> None:
    with ready.app_context(), transaction() as session:
        person = reachable(session, "letter", "sms").id
    booked(ready, contact_kind="record", contact=None, resident_id=person)
    assert run(ready, wall, START - DAYS - timedelta(days=4)) == 1
    assert run(ready, wall, START - DAYS) == 0


@pytest.mark.parametrize(
    ("status", "says_so"), [("asked", True), ("not_possible", True), ("arranged", False)]
)
def test_what_is_not_arranged_is_said_before_they_travel(
    ready: Flask, wall: Clock, status: str, says_so: bool
) -> None:
    booked(ready, needs={"codes": ["bsl"]})
    if status != "asked":
        with ready.app_context(), transaction() as session:
            session.execute(update(Arrangement).values(status=status, decided_at=BOOKED))
    assert run(ready, wall, START - DAYS) == 1
    assert [message.template for message in told(ready)] == [
        "training_remind_days_open" if says_so else "training_remind_days"
    ]


def test_a_booking_of_today_is_not_reminded_two_days_late(ready: Flask, wall: Clock) -> None:
    booked(ready, at=START - timedelta(hours=5))
    assert run(ready, wall, START - timedelta(hours=4)) == 0
    assert run(ready, wall, START - HOURS) == 1
    booked(ready, at=START - timedelta(hours=1))
    assert run(ready, wall, START - timedelta(minutes=50)) == 0


def test_who_came_from_the_waiting_list_late_is_told_once(ready: Flask, wall: Clock) -> None:
    """They read "you have a place now" a moment before; the booking itself is ten days old."""
    with ready.app_context(), transaction() as session:
        training = make_session(session, days=[DAY], capacity=1)
        first = make_booking(session, training, at=BOOKED).id
        make_booking(session, training, at=BOOKED, contact_kind="sms", contact=PHONE)
    with ready.app_context(), transaction() as session:
        bookings.cancel(session, booking_id=first, by="learner", now=START - timedelta(days=1, hours=20))
    assert run(ready, wall, START - timedelta(days=1, hours=19)) == 0
    assert run(ready, wall, START - HOURS) == 1


def test_a_worker_that_stood_still_catches_up_and_not_too_late(ready: Flask, wall: Clock) -> None:
    booked(ready)
    assert run(ready, wall, START - DAYS + timedelta(hours=17)) == 1
    booked(ready)
    assert run(ready, wall, START - DAYS + timedelta(hours=19)) == 0
    assert run(ready, wall, START - timedelta(minutes=30)) == 0


@pytest.mark.parametrize(
    "ended", ["booking", "one date", "occurrence", "waits"]
)  # fmt: skip
def test_what_has_ended_is_not_reminded(ready: Flask, wall: Clock, ended: str) -> None:
    number = booked(ready)
    with ready.app_context(), transaction() as session:
        if ended == "booking":
            bookings.cancel(session, booking_id=number, by="learner", now=BOOKED)
        elif ended == "one date":
            session.execute(update(BookingDate).values(status="cancelled"))
        elif ended == "occurrence":
            session.execute(update(Occurrence).values(status="cancelled"))
        else:
            session.execute(update(Booking).values(status="waitlisted"))
    assert run(ready, wall, START - DAYS) == 0


def test_i_cannot_come_takes_the_reminder_back(ready: Flask, wall: Clock) -> None:
    """A call in the tray and a text message that waits for the morning."""
    later = DAY + timedelta(days=7)
    number = booked(ready, days=(DAY, later), contact_kind="call")
    run(ready, wall, START - DAYS)
    run(ready, wall, START - DAYS + timedelta(days=7))
    with ready.app_context(), transaction() as session:
        date_id = session.scalars(select(Occurrence.id).where(Occurrence.day == DAY)).one()
        bookings.cancel_date(
            session, booking_id=number, occurrence_id=date_id, by="learner", now=START - HOURS
        )
    assert [(row.state, row.fault, row.to) for row in told(ready)] == [
        ("dropped", "taken back", None),
        ("waiting", None, PHONE),
    ]
    with ready.app_context(), transaction() as session:
        open_items = select(TrayItem).join(Message).where(TrayItem.done_at.is_(None))
        left = session.scalars(open_items.where(Message.template == "training_remind_days")).all()
        assert len(left) == 1
        # What was told of the booking itself stays true.
        assert session.scalars(open_items.where(Message.template == "training_booked")).all()


def test_a_date_that_was_moved_is_reminded_anew(ready: Flask, wall: Clock) -> None:
    booked(ready)
    run(ready, wall, START - DAYS)
    moved = START + timedelta(days=3)
    with ready.app_context(), transaction() as session:
        date = session.scalars(select(Occurrence)).one()
        to = When(DAY + timedelta(days=3), date.begins, date.ends)
        changes.move_date(session, date=date, sequence=0, to=to, now=START - timedelta(days=1))
    assert [row.state for row in told(ready)] == ["dropped"]
    assert run(ready, wall, START - HOURS) == 0
    assert run(ready, wall, moved - DAYS) == 1
    assert [row.state for row in told(ready)] == ["dropped", "waiting"]


def test_a_cancelled_date_takes_its_reminder_back_and_leaves_the_others(ready: Flask, wall: Clock) -> None:
    """A booking of which another date is left has not ended."""
    later = DAY + timedelta(days=1)
    booked(ready, days=(DAY, later))
    run(ready, wall, START - DAYS)
    run(ready, wall, START - DAYS + timedelta(days=1))
    assert [row.state for row in told(ready)] == ["waiting", "waiting"]
    with ready.app_context(), transaction() as session:
        date = session.scalars(select(Occurrence).where(Occurrence.day == DAY)).one()
        changes.cancel_date(session, date=date, sequence=0, now=START - HOURS)
    assert sorted(row.state for row in told(ready)) == ["dropped", "waiting"]
    with ready.app_context(), transaction() as session:
        whole = session.scalars(select(Occurrence)).first().session  # type: ignore[union-attr]
        changes.cancel_session(session, training=whole, now=START - HOURS)
    assert [row.state for row in told(ready)] == ["dropped", "dropped"]


def test_other_times_can_be_set(ready: Flask, wall: Clock) -> None:
    configure(ready, reminders={"days": timedelta(days=5)})
    booked(ready)
    assert run(ready, wall, START - timedelta(days=5)) == 1
    assert run(ready, wall, START - HOURS) == 0
    configure(ready, reminders={})
    booked(ready)
    assert run(ready, wall, START - timedelta(days=5)) == 0


def test_a_quiet_minute_asks_once_of_each_and_takes_no_lock(
    ready: Flask, wall: Clock, statements: list[str]
) -> None:
    for _number in range(5):
        booked(ready)
    run(ready, wall, START - DAYS)
    statements.clear()
    assert run(ready, wall, START - DAYS + timedelta(minutes=1)) == 0
    assert [text.partition(" ")[0] for text in statements if not text.startswith("PRAGMA")] == [
        "BEGIN", "SELECT", "BEGIN", "SELECT",
    ]  # fmt: skip
    assert "IMMEDIATE" not in "".join(statements)


@pytest.mark.postgres
def test_both_engines_know_what_was_told(both_engines: Flask, wall: Clock) -> None:
    app = both_engines
    configure(app, mail_url="smtp://127.0.0.1:9", mail_from="post@example.org")
    number = booked(app, contact_kind="email", contact=EMAIL)
    assert run(app, wall, START - DAYS) == 1
    assert run(app, wall, START - DAYS) == 0
    (message,) = told(app)
    with app.app_context(), transaction() as session:
        date_id = session.scalars(select(Occurrence.id)).one()
    assert message.key == f"training remind days {number} {date_id} 0"


# --- offers, and the worker


def offered(app: Flask) -> int:
    """An offer to somebody who waits, made ten days before."""
    with app.app_context(), transaction() as session:
        training = make_session(session, days=[DAY], capacity=1)
        first = make_booking(session, training, at=BOOKED).id
        number = make_booking(
            session, training, at=BOOKED, waiting_mode="ask_me", contact_kind="sms", contact=PHONE
        ).id
    with app.app_context(), transaction() as session:
        bookings.cancel(session, booking_id=first, by="learner", now=BOOKED)
    return number


def test_an_offer_nobody_answers_ends(ready: Flask, wall: Clock) -> None:
    number = offered(ready)
    with ready.app_context():
        wall.at = BOOKED + timedelta(minutes=5)
        assert reminders.lapse() == 0
        wall.at = BOOKED + timedelta(days=6)
        assert reminders.lapse() == 1
        assert reminders.lapse() == 0
    with ready.app_context(), transaction() as session:
        assert session.get_one(Booking, number).status == "waitlisted"
        (message,) = session.scalars(select(Message).where(Message.template == "training_offer"))
        assert (message.state, message.fault) == ("dropped", "taken back")


def test_the_worker_ends_an_offer_whose_session_was_moved_and_has_begun(ready: Flask, wall: Clock) -> None:
    number = offered(ready)
    with ready.app_context(), transaction() as session:
        earlier = BOOKED + timedelta(hours=1)
        session.execute(update(Occurrence).values(starts_at=earlier, ends_at=earlier + timedelta(hours=1)))
    with ready.app_context():
        wall.at = earlier
        assert reminders.lapse() == 1
    with ready.app_context(), transaction() as session:
        booking = session.get_one(Booking, number)
        assert (booking.status, booking.offer_ends_at) == ("waitlisted", None)


def test_the_worker_does_both_each_minute_and_says_when_it_fails(
    ready: Flask, wall: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def jobs() -> dict[str, tuple[str | None, int]]:
        with ready.app_context(), transaction() as session:
            return {row.name: (row.fault, row.failures) for row in session.scalars(select(JobRun))}

    booked(ready)
    wall.at = START - DAYS
    monkeypatch.setattr(cli.sending, "send_pass", lambda: None)
    with ready.app_context():
        cli.do_chores(ready.extensions["settings"].instance)
    assert len(told(ready)) == 1
    assert jobs()["remind of sessions"] == jobs()["end offers of places"] == (None, 0)

    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("Amina Canary")

    monkeypatch.setattr(reminders, "due_now", fail)
    with ready.app_context():
        cli.do_chores(ready.extensions["settings"].instance)
    assert jobs()["remind of sessions"] == ("RuntimeError", 1)
    assert jobs()["end offers of places"] == (None, 0)
