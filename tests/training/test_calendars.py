"""Calendar files: right on each side of a change of clocks, stable, rising, and without a person in what is public."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from flask import Flask
from icalendar import Calendar, Event
from sqlalchemy import update

from inclusion_app.core.clock import now, today
from inclusion_app.core.codes import new_code
from inclusion_app.core.db import transaction
from inclusion_app.training.models import Booking, CourseText, Occurrence, TrainingSession
from inclusion_app.training.services import bookings
from tests.conftest import Browser
from tests.factories.training import add_date, make_booking, make_place, make_session

LONDON = ZoneInfo("Europe/London")
# A week on each side of both changes.
AROUND = [date(2027, 3, day) for day in (21, 28)] + [date(2027, 4, 4)]
AROUND += [date(2027, 10, day) for day in (24, 31)] + [date(2027, 11, 7)]


def the_file(browser: Browser, path: str) -> tuple[Calendar, list[Event]]:
    answer = browser.client.get(path)
    assert answer.status_code == 200, path
    assert answer.content_type == "text/calendar; charset=utf-8"
    body = answer.get_data()
    assert b"\r\n" in body and all(len(line) <= 75 for line in body.split(b"\r\n"))
    calendar = Calendar.from_ical(body)
    return calendar, [part for part in calendar.walk("VEVENT") if isinstance(part, Event)]


def slug_of(app: Flask, **facts: object) -> str:
    with app.app_context(), transaction() as session:
        return make_session(session, **facts).slug  # type: ignore[arg-type]


def booked(app: Flask, **facts: object) -> tuple[str, int]:
    """A booking of a course of two dates: its code and number."""
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=10), today() + timedelta(days=17)]
        training = make_session(session, booked_as="course", days=days, joining="Ask for Noor's table.")
        booking = make_booking(session, training, **facts)
        return booking.code, booking.id


@pytest.mark.parametrize("begins", [time(0, 30), time(10), time(23, 15)])
def test_the_wall_time_stays_on_both_sides_of_a_change_of_clocks(
    app: Flask, browser: Browser, begins: time
) -> None:
    slug = slug_of(app, booked_as="series", days=AROUND, begins=begins, ends=time(23, 45))
    _calendar, events = the_file(browser, f"/en/training/{slug}.ics")
    assert len(events) == len(AROUND)
    for day, event in zip(AROUND, events, strict=True):
        assert event["dtstart"].params["TZID"] == "Europe/London"
        begin = event["dtstart"].dt
        assert (begin.date(), begin.time()) == (day, begins)
        assert begin.astimezone(UTC) == datetime.combine(day, begins, LONDON).astimezone(UTC)


def test_the_file_itself_says_when_the_clocks_change(app: Flask, browser: Browser) -> None:
    """Read by another library from the VTIMEZONE alone, every hour of three years is what the zone database says."""
    slug = slug_of(app)
    body = browser.client.get(f"/en/training/{slug}.ics").get_data(as_text=True).replace("\r\n", "\n")
    begin, end = body.index("BEGIN:VTIMEZONE"), body.index("END:VTIMEZONE")
    zone = tzical(io.StringIO(body[begin:end] + "END:VTIMEZONE\n")).get("Europe/London")
    moment = datetime.fromisoformat("2026-01-01T00:00")
    while moment.year < 2029:
        # The hour that comes twice is told apart by nothing in a file.
        known = moment.replace(tzinfo=LONDON)
        is_twice = known.utcoffset() != known.replace(fold=1).utcoffset()
        if not is_twice:
            assert moment.replace(tzinfo=zone).utcoffset() == known.utcoffset(), moment
        moment += timedelta(hours=1)


def test_a_public_file_names_nobody(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(
            session, led_by="Noor Canary", joining="https://meet.example.org/secret", responsible_adult="Sam Canary"
        )  # fmt: skip
        slug = training.slug
        make_booking(session, training, label="Amina Canary", contact_kind="sms", contact="07700 900123")
    for path in ("/training.ics", f"/en/training/{slug}.ics", f"/ur/training/{slug}.ics"):
        body = browser.client.get(path).get_data(as_text=True).replace("\r\n ", "")
        assert slug in body
        assert "Canary" not in body and "900123" not in body and "secret" not in body


def test_what_nobody_may_see_is_in_no_file(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        draft = make_session(session, status="draft").slug
        never = make_session(session, change_number=0).slug
        gone = make_session(session, withdrawn_at=now()).slug
        empty = make_session(session, booked_as="undated").slug
        over = make_session(session, days=[today() - timedelta(days=2)]).slug
    everything = browser.client.get("/training.ics").get_data(as_text=True)
    misses = set()
    for slug in (draft, never, gone, empty, "no-such-session"):
        answer = browser.client.get(f"/en/training/{slug}.ics")
        assert answer.status_code == 404
        # The links to other languages repeat what was asked for, and nothing else differs.
        misses.add(answer.get_data(as_text=True).replace(slug, ""))
        assert slug not in everything
    assert len(misses) == 1
    assert over not in everything
    assert len(the_file(browser, f"/en/training/{over}.ics")[1]) == 1


def test_a_file_without_a_date_is_still_a_calendar(browser: Browser) -> None:
    calendar, events = the_file(browser, "/training.ics")
    assert events == []
    assert calendar.timezones


def test_the_words_are_those_of_the_address(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session)
        session.add(CourseText(course_id=training.course_id, language="ur", title="پہلے قدم"))
        slug = training.slug
    assert the_file(browser, f"/ur/training/{slug}.ics")[1][0]["summary"] == "پہلے قدم"
    assert the_file(browser, f"/ar/training/{slug}.ics")[1][0]["summary"] == "First steps"


def test_an_unchanged_file_is_not_sent_again(app: Flask, browser: Browser) -> None:
    slug = slug_of(app)
    first = browser.client.get("/training.ics")
    assert first.headers["Cache-Control"] == "public, max-age=900"
    tag = first.headers["ETag"]
    assert browser.client.get("/training.ics", headers={"If-None-Match": tag}).status_code == 304
    with app.app_context(), transaction() as session:
        session.execute(
            update(TrainingSession)
            .where(TrainingSession.slug == slug)
            .values(changed_at=now() + timedelta(1))
        )
    assert browser.client.get("/training.ics", headers={"If-None-Match": tag}).status_code == 200


def test_a_cancelled_date_says_so_under_its_own_name(app: Flask, browser: Browser) -> None:
    slug = slug_of(app)
    (before,) = the_file(browser, "/training.ics")[1]
    with app.app_context(), transaction() as session:
        session.execute(update(Occurrence).values(status="cancelled", sequence=Occurrence.sequence + 1))
    for path in ("/training.ics", f"/en/training/{slug}.ics"):
        (after,) = the_file(browser, path)[1]
        assert after["uid"] == before["uid"]
        assert (after["status"], after["sequence"]) == ("CANCELLED", before["sequence"] + 1)


def test_all_dates_of_a_booking_are_in_one_file(app: Flask, browser: Browser) -> None:
    code, _number = booked(app)
    calendar, events = the_file(browser, f"/en/book/{code}.ics")
    assert calendar["method"] == "PUBLISH"
    assert [event["status"] for event in events] == ["CONFIRMED", "CONFIRMED"]
    assert "Noor's table" in events[0]["description"]
    assert events[0]["url"].endswith(f"/en/book/{code}")
    answer = browser.client.get(f"/en/book/{code.lower()}.ics")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_booking_that_ended_takes_its_dates_out_again(app: Flask, browser: Browser) -> None:
    code, number = booked(app)
    _calendar, before = the_file(browser, f"/en/book/{code}.ics")
    with app.app_context(), transaction() as session:
        bookings.cancel(session, booking_id=number, by="learner", now=now())
    calendar, after = the_file(browser, f"/en/book/{code}.ics")
    assert calendar["method"] == "CANCEL"
    assert [event["uid"] for event in after] == [event["uid"] for event in before]
    for was, is_now in zip(before, after, strict=True):
        assert is_now["status"] == "CANCELLED"
        assert is_now["sequence"] > was["sequence"]
        assert is_now["dtstamp"].dt >= was["dtstamp"].dt
        assert "Noor's table" not in is_now.get("description", "")


def test_one_date_of_a_series_goes_and_the_others_stay(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=10), today() + timedelta(days=17)]
        training = make_session(session, booked_as="series", days=days)
        dates = [occurrence.id for occurrence in training.occurrences]
        booking = make_booking(session, training, occurrence_ids=dates)
        code, number = booking.code, booking.id
    with app.app_context(), transaction() as session:
        bookings.cancel_date(session, booking_id=number, occurrence_id=dates[0], by="learner", now=now())
    calendar, events = the_file(browser, f"/en/book/{code}.ics")
    assert calendar["method"] == "PUBLISH"
    assert [(event["status"], event["sequence"]) for event in events] == [("CANCELLED", 1), ("CONFIRMED", 0)]


def test_who_waits_has_it_in_pencil(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1)
        make_booking(session, training)
        code = make_booking(session, training).code
    (event,) = the_file(browser, f"/en/book/{code}.ics")[1]
    assert event["status"] == "TENTATIVE"


def test_where_nothing_may_name_the_service_it_says_when_and_no_more(app: Flask, browser: Browser) -> None:
    code, _number = booked(app, is_discreet=True)
    answer = browser.client.get(f"/en/book/{code}.ics")
    body = answer.get_data(as_text=True)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="appointment.ics"'
    assert "SUMMARY:Appointment" in body
    for word in ("roadmap", "First", "Hall", "digital", "Noor", "URL", "LOCATION", code):
        assert word.lower() not in body.lower(), word


def test_a_dead_code_and_one_that_never_was_answer_alike(app: Flask, browser: Browser) -> None:
    code, number = booked(app)
    with app.app_context(), transaction() as session:
        session.execute(update(Booking).where(Booking.id == number).values(forgotten_at=now()))
        undated = make_booking(session, make_session(session, booked_as="undated")).code
    misses = set()
    for typed in (code, "ABCDEFGH", "x" * 300, "...", undated):
        answer = browser.client.get(f"/en/book/{typed}.ics")
        assert answer.status_code == 404
        misses.add(answer.get_data(as_text=True).replace(f"{typed}.ics", ""))
    assert len(misses) == 1


def test_codes_are_not_guessed_here(app: Flask, browser: Browser) -> None:
    code, _number = booked(app)
    for _try in range(30):
        assert browser.client.get(f"/en/book/{new_code()}.ics").status_code == 404
    # It says that too many were tried, not that there is no such booking: a calendar keeps what it has and asks again.
    refused = browser.client.get(f"/en/book/{code}.ics")
    assert refused.status_code == 422
    assert "Too many codes were tried" in refused.get_data(as_text=True)


def test_one_date_elsewhere_says_where(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, booked_as="series", room="Room 1")
        other = make_place(session, name="Other Hall")
        add_date(session, training, day=today() + timedelta(days=20), place_id=other.id, room="Attic")
        add_date(session, training, day=today() + timedelta(days=30), place_id=other.id)
        slug = training.slug
    first, second, third = the_file(browser, f"/en/training/{slug}.ics")[1]
    assert first["location"].startswith("Room 1, Hall ")
    assert second["location"].startswith("Attic, Other Hall, ")
    assert third["location"].startswith("Other Hall, "), "the room is one of the first hall"


def test_a_file_costs_the_same_for_many_dates(app: Flask, browser: Browser, statements: list[str]) -> None:
    with app.app_context(), transaction() as session:
        for _number in range(12):
            make_session(
                session, days=[today() + timedelta(days=day) for day in (10, 17)], booked_as="course"
            )
    statements.clear()
    assert len(the_file(browser, "/training.ics")[1]) == 24
    assert len([text for text in statements if text.startswith("SELECT")]) <= 6
