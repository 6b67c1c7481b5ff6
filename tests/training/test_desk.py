"""The organiser's desk: each page once as it should be, once refused; what is not one's own answers like what is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.accounts.models import Staff
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.codes import code_to_words
from inclusion_app.core.db import transaction
from inclusion_app.core.i18n import day_words
from inclusion_app.messages.models import Message
from inclusion_app.places.models import BankHoliday, OpeningException, OpeningSpan
from inclusion_app.training import rules
from inclusion_app.training.models import (
    Arrangement,
    Booking,
    Course,
    Notice,
    Occurrence,
    TrainingSession,
)
from tests.conftest import StaffBrowser
from tests.factories.people import make_person
from tests.factories.training import add_date, make_booking, make_course, make_place, make_session

Make = Callable[..., StaffBrowser]
SMS = {"contact_kind": "sms", "contact": "+447700900123"}


@pytest.fixture
def organiser(staff_browser: Make) -> StaffBrowser:
    return staff_browser("training_organiser")


def a_session(app: Flask, organiser: StaffBrowser, **facts: Any) -> int:
    """A published session of the organiser's own organisation."""
    with app.app_context(), transaction() as session:
        return make_session(session, organisation_id=organiser.organisation_id, **facts).id


def book(app: Flask, number: int, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        return make_booking(session, session.get_one(TrainingSession, number), **facts).id


def first_date(app: Flask, number: int) -> Occurrence:
    with app.app_context(), transaction() as session:
        wanted = select(Occurrence).where(Occurrence.session_id == number).order_by(Occurrence.starts_at)
        return session.scalars(wanted).first()  # type: ignore[return-value]


def one(app: Flask, kind: Any, number: int) -> Any:
    with app.app_context(), transaction() as session:
        row = session.get_one(kind, number)
        if kind is TrainingSession:
            assert row.occurrences is not None
        return row


def told(app: Flask) -> list[tuple[str, str]]:
    """(template, key) of every message, the oldest first."""
    with app.app_context(), transaction() as session:
        rows = session.execute(select(Message.template, Message.key).order_by(Message.id))
        return [(template, key) for template, key in rows]


def reads(app: Flask) -> list[tuple[str, int | None, str]]:
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.id))
        return [(row.action, row.resident_id, row.items) for row in rows if row.action.startswith("read ")]


def plain(answer: Any) -> str:
    """An answer without what is drawn anew with each page: its form's token, and the minute the sign-in ends."""
    signs = r'name="csrf_token" value="[^"]+"|signed in until [0-9:]+|data-ends="[^"]+"'
    return re.sub(signs, "", answer.text)


def boxes(day: date) -> list[str]:
    return [str(day.day), str(day.month), str(day.year)]


def new_facts(course_id: int, /, **more: Any) -> dict[str, Any]:
    """What the form of a new session sends."""
    usual = {
        "course": str(course_id), "booked_as": "single", "first": boxes(today() + timedelta(days=12)), "begins": "9:30",
        "ends": "11.30", "times": "1", "every": "1", "place": "Larkspur Hall", "taught_in": "en", "for_age": "any",
        "lead_days": "7", "capacity": "10", "companion_cap": "2", "waiting_size": "5", "party_size": "6",
        "phone": "0161 496 0001", "led_by": "Noor", "room": "", "offers": ["step_free", "quiet"],
    }  # fmt: skip
    return {**usual, **more}


@pytest.fixture
def course(app: Flask, organiser: StaffBrowser) -> int:
    with app.app_context(), transaction() as session:
        make_place(session, name="Larkspur Hall", slug="larkspur-hall")
        make_place(session, name="Larkspur Annexe")
        return make_course(session, organisation_id=organiser.organisation_id, title="Tablets").id


def fill(browser: StaffBrowser, path: str, **data: Any) -> Any:
    """Send the form of a page with all its hidden fields."""
    page = browser.text(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    return browser.client.post(path, data={**hidden, **data})


# --- the list


def test_the_list_shows_own_sessions_with_their_figures(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    with app.app_context(), transaction() as session:
        other = make_session(session)
        assert other.organisation_id != organiser.organisation_id
        slug = other.id
    book(app, number, places=3)
    page = organiser.text("/staff/training")
    assert "First steps" in page and "3 of 8" in page and "1 session" in page
    assert f"/staff/training/{slug}" not in page
    assert "No session fits." in organiser.text("/staff/training?when=past")
    assert "No session fits." in organiser.text("/staff/training?text=pottery")
    assert "1 session" in organiser.text("/staff/training?text=FIRST&state=published&page=99&course=zzz")
    assert reads(app) == []


def test_what_is_over_stands_in_the_other_list(app: Flask, organiser: StaffBrowser) -> None:
    a_session(app, organiser, days=[today() - timedelta(days=3)])
    assert "No session fits." in organiser.text("/staff/training")
    assert "1 session" in organiser.text("/staff/training?when=past")


def figures(page: str) -> list[list[str]]:
    """The cells of each line of the list, in plain words."""
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in row] for row in cells]


def test_a_course_has_the_places_of_its_fullest_date_and_a_series_those_of_its_next(
    app: Flask, organiser: StaffBrowser
) -> None:
    days = [today() + timedelta(weeks=week) for week in (1, 2, 3)]
    course = a_session(app, organiser, booked_as="course", days=days)
    book(app, course, places=5)
    with app.app_context(), transaction() as session:
        session.execute(update(Occurrence).where(Occurrence.day == days[1]).values(capacity=6))
        series = make_session(
            session, organisation_id=organiser.organisation_id, booked_as="series", days=days, capacity=2
        )
        later = series.occurrences[2].id
        first = series.occurrences[0].id
        number = series.id
    book(app, number, places=1, occurrence_ids=[first])
    for _waits in range(2):
        book(app, number, places=2, occurrence_ids=[later])
    lines = figures(organiser.text("/staff/training"))
    assert [line[3:] for line in lines] == [
        ["5 of 6 for the whole course", "0", "0"],
        ["1 of 2 on this date", "0", "0 more wait on later dates"],
    ]
    over = a_session(
        app, organiser, booked_as="series", days=[today() - timedelta(days=9), today() - timedelta(days=2)]
    )
    page = organiser.text("/staff/training?when=past")
    assert f"/staff/training/{over}" in page and "Last date" in page
    assert figures(page)[0][3] == "0 of 8 on this date"
    with app.app_context(), transaction() as session:
        session.execute(update(Occurrence).where(Occurrence.session_id == over).values(status="cancelled"))
        session.execute(update(TrainingSession).where(TrainingSession.id == over).values(status="cancelled"))
    assert figures(organiser.text("/staff/training?when=past"))[0][3:] == ["–", "–", "–"]


def closed_on(app: Flask, number: int, day: date, **facts: Any) -> None:
    """The place of this session says that it differs on this day."""
    with app.app_context(), transaction() as session:
        place = session.get_one(TrainingSession, number).place_id
        session.add(OpeningException(place_id=place, day=day, **facts))


def test_a_closed_day_that_was_said_later_is_on_the_desk_and_on_the_session(
    app: Flask, organiser: StaffBrowser, statements: list[str]
) -> None:
    days = [today() + timedelta(weeks=week) for week in range(1, 7)]
    number = a_session(app, organiser, booked_as="series", days=days)
    other = a_session(app, organiser, days=days[:1])
    here, said = f"/staff/training/{number}", "The place is closed then"
    assert said not in organiser.text("/staff/training") and said not in organiser.text(here)
    closed_on(app, number, days[0], reason="Stocktake")
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(Occurrence).where(Occurrence.session_id == number)).all()
        dates = [row.id for row in rows]
    for path in ("/staff/training", here):
        page = organiser.text(path)
        assert said in page and "Stocktake" in page
        for part in ("move", "cancel"):
            assert page.count(f"/staff/training/dates/{dates[0]}/{part}") == 1
            assert f"/staff/training/dates/{dates[1]}/{part}" not in page
    assert said not in organiser.text(f"/staff/training/{other}")
    assert "The place is closed on 1 date of a session" in organiser.text("/staff")
    counts = []
    for path in ("/staff/training", here):
        statements.clear()
        organiser.text(path)
        counts.append(len(statements))
    for day in days[1:]:
        closed_on(app, number, day)
        closed_on(app, other, day)
    for path, before in zip(("/staff/training", here), counts, strict=True):
        statements.clear()
        page = organiser.text(path)
        assert len(statements) == before
        assert all(f"/staff/training/dates/{date}/move" in page for date in dates)
    # Moved to a place that is open, or cancelled: nothing to say any more.
    with app.app_context(), transaction() as session:
        open_place = make_place(session).id
        session.execute(update(Occurrence).where(Occurrence.id == dates[0]).values(place_id=open_place))
        session.execute(update(Occurrence).where(Occurrence.id == dates[1]).values(status="cancelled"))
    page = organiser.text(here)
    assert not any(f"/staff/training/dates/{date}/move" in page for date in dates[:2])


def test_many_closed_days_do_not_push_the_list_away(app: Flask, organiser: StaffBrowser) -> None:
    days = [today() + timedelta(days=day) for day in range(1, 13)]
    number = a_session(app, organiser, booked_as="series", days=days)
    for day in days:
        closed_on(app, number, day)
    page = organiser.text("/staff/training")
    assert page.count("/move") == 10 and "2 more dates stand on the pages of their sessions." in page
    assert organiser.text(f"/staff/training/{number}").count("/move") == 12


@pytest.mark.parametrize(
    ("hours", "closed"),
    [
        ([("09:00", "17:00")], False),
        ([("09:00", "11:00"), ("11:00", "12:00")], False),
        ([("09:00", "11:00")], True),
        ([("09:00", "11:00"), ("11:30", "17:00")], True),
        ([("13:00", "17:00")], True),
        ([("09:00", "02:00")], False),
    ],
)
def test_short_hours_of_one_day_count_as_closed_only_where_they_leave_the_date_out(
    app: Flask, organiser: StaffBrowser, hours: list[tuple[str, str]], closed: bool
) -> None:
    day = today() + timedelta(days=10)
    number = a_session(app, organiser, days=[day])  # 10 to 12
    for opens, closes in hours:
        closed_on(app, number, day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))
    assert ("The place is closed then" in organiser.text(f"/staff/training/{number}")) is closed


@pytest.mark.parametrize(("rule", "closed"), [("closed", True), ("as_normal", False), ("ask", False)])
def test_a_bank_holiday_counts_where_the_place_closes_for_it(
    app: Flask, organiser: StaffBrowser, rule: str, closed: bool
) -> None:
    day = today() + timedelta(days=10)
    number = a_session(app, organiser, days=[day])
    with app.app_context(), transaction() as session:
        if session.scalar(select(BankHoliday).where(BankHoliday.day == day)) is None:
            session.merge(BankHoliday(day=day, title="A holiday"))
        place = session.get_one(TrainingSession, number).place
        assert place is not None
        place.holiday_rule = rule
        place.spans = [OpeningSpan(weekday=day.weekday(), opens=time(13), closes=time(17))]
    assert ("(bank holiday)" in organiser.text(f"/staff/training/{number}")) is closed


def test_a_place_of_others_is_no_matter_of_this_desk(app: Flask, organiser: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        number = make_session(session).id
    closed_on(app, number, today() + timedelta(days=10))
    assert "The place is closed then" not in organiser.text("/staff/training")


def test_a_published_session_leads_to_what_residents_see(app: Flask, organiser: StaffBrowser) -> None:
    number, draft = a_session(app, organiser), a_session(app, organiser, status="draft")
    page = organiser.text(f"/staff/training/{number}")
    link = re.search(r'href="([^"]+)">See it as a resident</a>', page)
    assert link and link[1] == f"/en/training/{one(app, TrainingSession, number).slug}"
    assert organiser.get(link[1]).status_code == 200
    assert "See it as a resident" not in organiser.text(f"/staff/training/{draft}")


def test_a_weekly_pattern_is_said_in_words_and_gone_on_with(app: Flask, organiser: StaffBrowser) -> None:
    days = [date(2027, 6, 1), date(2027, 6, 15)]  # Tuesdays
    rule = rules.Weekly(days[0], 2, 2).rule
    number = a_session(app, organiser, booked_as="series", days=days, pattern=rule)
    assert "Every two weeks, Tuesday" in organiser.text(f"/staff/training/{number}")
    more = organiser.text(f"/staff/training/{number}/dates")
    assert [f'value="{part}"' in more for part in boxes(date(2027, 6, 29))] == [True] * 3
    assert '<option value="2" selected>' in more
    assert '<option value="2" selected>' in organiser.text(f"/staff/training/new?copy={number}")
    assert "Planned for" not in organiser.text(f"/staff/training/{a_session(app, organiser)}")


def test_other_roles_have_no_desk(staff_browser: Make) -> None:
    assert staff_browser("caseworker").get("/staff/training").status_code == 403


# --- courses


def test_a_course_is_made_and_its_words_translated(app: Flask, organiser: StaffBrowser) -> None:
    facts = {
        "title": "  Tablets   for all ", "summary": "We begin.\n\nSlowly.", "bring": "Nothing", "kind": "family",
        "area": "FND", "level": "1", "steps": "f1, a1", "comes_after": "",
    }  # fmt: skip
    wrong = fill(organiser, "/staff/training/courses/new", **{**facts, "steps": "Q99"})
    assert wrong.status_code == 422 and "There is no step Q99" in wrong.text
    answer = fill(organiser, "/staff/training/courses/new", **{**facts, "steps": "a1 a2"})
    assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        course = session.scalars(select(Course)).one()
        number, text = course.id, course.texts[0]
        assert (course.kind, course.step_ids, text.title, text.summary) == (
            "family", ["A1", "A2"], "Tablets for all", "We begin.\nSlowly.",
        )  # fmt: skip
    path = f"/staff/training/courses/{number}/words/ur"
    assert "Tablets for all" in organiser.text(path)
    assert fill(organiser, path, title="", state="checked").status_code == 422
    assert fill(organiser, path, title="ٹیبلٹ", state="checked", summary="", bring="").status_code == 303
    assert "checked" in organiser.text("/staff/training/courses")
    page = fill(organiser, f"/staff/training/courses/{number}", **{**facts, "steps": "a1", "title": "New"})
    assert page.status_code == 303
    assert [(text.language, text.title) for text in one(app, Course, number).texts] == [
        ("en", "New"), ("ur", "ٹیبلٹ"),
    ]  # fmt: skip


def test_a_course_comes_after_one_of_the_own_organisation(
    app: Flask, organiser: StaffBrowser, course: int
) -> None:
    with app.app_context(), transaction() as session:
        other = make_session(session).course_id
    facts = {"title": "Bootcamp", "kind": "bootcamp", "area": "FND", "level": "2", "steps": ""}
    assert fill(organiser, "/staff/training/courses/new", **facts, comes_after=str(other)).status_code == 422
    assert fill(organiser, "/staff/training/courses/new", **facts, comes_after=str(course)).status_code == 303


@pytest.mark.parametrize("part", ["", "/words/ur"])
def test_a_course_of_others_answers_like_none(app: Flask, organiser: StaffBrowser, part: str) -> None:
    with app.app_context(), transaction() as session:
        other = make_session(session).course_id
    answers = [organiser.get(f"/staff/training/courses/{number}{part}") for number in (other, 999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert plain(answers[0]) == plain(answers[1])


# --- a new session


def test_a_session_is_made_published_and_found(app: Flask, organiser: StaffBrowser, course: int) -> None:
    answer = fill(organiser, "/staff/training/new", **new_facts(course))
    assert answer.status_code == 303
    number = int(answer.location.rsplit("/", 1)[1])
    made = one(app, TrainingSession, number)
    assert (made.status, made.booked_as, made.capacity, made.offer_list) == (
        "draft", "single", 10, ["step_free", "quiet"],
    )  # fmt: skip
    assert made.place.name == "Larkspur Hall" and made.slug.startswith("tablets-")
    [row] = made.occurrences
    assert (row.day, f"{row.begins:%H:%M}", row.capacity) == (today() + timedelta(days=12), "09:30", 10)
    assert fill(organiser, answer.location).status_code == 405
    assert organiser.send(f"/staff/training/{number}/publish", f"/staff/training/{number}").status_code == 303
    again = one(app, TrainingSession, number)
    assert again.status == "published" and again.change_number > 0
    organiser.send(f"/staff/training/{number}/publish", f"/staff/training/{number}")
    assert one(app, TrainingSession, number).change_number == again.change_number


def test_a_weekly_pattern_is_shown_before_it_is_saved(
    app: Flask, organiser: StaffBrowser, course: int
) -> None:
    first = today() + timedelta(days=10)
    holiday, closed = first + timedelta(weeks=1), first + timedelta(weeks=3)
    with app.app_context(), transaction() as session:
        if session.scalar(select(BankHoliday).where(BankHoliday.day == holiday)) is None:
            session.merge(BankHoliday(day=holiday, title="A holiday"))
        place = make_place(session, name="Zion Hall")
        session.add(OpeningException(place_id=place.id, day=closed, reason="stocktake"))
    facts = new_facts(course, booked_as="course", first=boxes(first), times="4", place="zion")
    page = fill(organiser, "/staff/training/new", **facts)
    assert page.status_code == 200
    assert "This makes 4 dates" in page.text and "2 days are skipped" in page.text
    with app.app_context(), transaction() as session:
        assert session.scalars(select(TrainingSession)).all() == []
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    answer = organiser.client.post("/staff/training/new", data={**hidden, **facts})
    assert answer.status_code == 303
    made = one(app, TrainingSession, int(answer.location.rsplit("/", 1)[1]))
    days = [row.day for row in made.occurrences]
    assert days == [first + timedelta(weeks=week) for week in (0, 2, 4, 5)]
    assert made.pattern.startswith("FREQ=WEEKLY;INTERVAL=1;")
    # The same form once more makes nothing.
    assert organiser.client.post("/staff/training/new", data={**hidden, **facts}).status_code == 303
    with app.app_context(), transaction() as session:
        assert len(session.scalars(select(TrainingSession)).all()) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"course": "0"}, "Choose one of the courses"),
        ({"course": "99999999999999"}, "Choose one of the courses"),
        ({"place": "Atlantis"}, "We know no place with this name."),
        ({"place": "larkspur"}, "Several places have this name."),
        ({"place": ""}, "A session is at a place or online."),
        ({"first": ["", "", ""]}, "Type a real day"),
        ({"first": ["31", "2", "2027"]}, "Type a real day"),
        ({"first": ["1", "1", "2020"]}, "over already"),
        ({"first": ["1", "1", "2099"]}, "more than two years away"),
        ({"begins": "25:00"}, "Type when it begins"),
        ({"begins": "12:00"}, "The end comes after the beginning"),
        ({"times": "2"}, "A session of one date has no weekly pattern."),
        ({"times": "53"}, "Type a whole number from 1 to 52."),
        ({"capacity": "0"}, "Type a whole number from 1 to 500."),
        ({"capacity": "٠"}, "Type a whole number from 1 to 500."),
        ({"phone": "12"}, "This is no phone number."),
        ({"offers": ["magic"]}, "Choose one of the answers"),
        ({"booked_as": "never"}, "Choose one of the answers"),
        ({"taught_in": "klingon"}, "Choose one of the answers"),
        ({"led_by": "x" * 81}, "This is too long."),
        ({"joining": "y" * 301}, "This is too long."),
    ],
)
def test_what_is_refused_keeps_what_was_typed(
    app: Flask, organiser: StaffBrowser, course: int, wrong: dict[str, Any], said: str
) -> None:
    page = fill(organiser, "/staff/training/new", **new_facts(course, **wrong))
    course_said = "course" in wrong and ("Choose one of the" in page.text)
    assert (
        page.status_code == 422 and (said in page.text or course_said) and "There is a problem" in page.text
    )
    assert "0161 496 0001" in page.text or "phone" in wrong
    with app.app_context(), transaction() as session:
        assert session.scalars(select(TrainingSession)).all() == []


def faults(page: Any) -> list[str]:
    """What the head of a refused page says, in its order."""
    head = page.text.partition('class="error-summary"')[2].partition("</div>")[0]
    return re.findall(r'<li><a href="#([a-z_]+)(?:-0)?">', head)


def test_all_faults_of_a_new_session_are_said_in_one_go(
    app: Flask, organiser: StaffBrowser, course: int
) -> None:
    nothing = {"booked_as": "single", "times": "2", "every": "1", "taught_in": "en", "for_age": "any"}
    page = fill(
        organiser,
        "/staff/training/new",
        **nothing,
        capacity="0",
        companion_cap="",
        phone="12",
        led_by="x" * 81,
    )
    assert page.status_code == 422
    # From the top of the page down.
    wanted = "first begins ends times course place led_by phone capacity companion_cap"
    assert " ".join(faults(page)) == wanted
    said = re.findall(r'class="error-message".*?</span>(.*?)</p>', page.text)
    assert len(said) == len(set(said)) == 10
    assert "Type when it begins" in page.text and "Type when it ends" in page.text
    # A day that is over is wrong whatever the times are, and so is an end before the beginning.
    wrong = new_facts(course, first=["1", "1", "2020"], begins="12:00", place="Atlantis", phone="12")
    page = fill(organiser, "/staff/training/new", **wrong)
    assert sorted(faults(page)) == ["ends", "first", "phone", "place"]
    # Half a day is one fault, not two; without a date none of this is asked for.
    assert faults(fill(organiser, "/staff/training/new", **new_facts(course, first=["31", "2", ""]))) == [
        "first"
    ]
    undated = new_facts(
        course, booked_as="undated", first=["", "", ""], begins="", ends="", times="", place=""
    )
    assert fill(organiser, "/staff/training/new", **undated).status_code == 303


def test_all_faults_of_a_change_or_a_move_are_said_in_one_go(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    wrong = new_facts(0, place="", phone="12")
    page = fill(organiser, f"/staff/training/{number}/edit", **wrong)
    assert sorted(faults(page)) == ["course", "phone", "place"]
    to = {
        "day": boxes(today() - timedelta(days=3)),
        "begins": "",
        "ends": "x",
        "place": "Atlantis",
        "room": "",
    }
    page = fill(organiser, f"/staff/training/dates/{first_date(app, number).id}/move", **to)
    assert page.status_code == 422 and sorted(faults(page)) == ["begins", "day", "ends", "place"]


def test_of_several_places_one_is_chosen(app: Flask, organiser: StaffBrowser, course: int) -> None:
    with app.app_context(), transaction() as session:
        hall = make_place(session, name="Larkspur Annexe East").id
    page = fill(organiser, "/staff/training/new", **new_facts(course, place="larkspur annexe e"))
    assert page.status_code == 422 and f'<option value="{hall}"' in page.text
    answer = fill(
        organiser, "/staff/training/new", **new_facts(course, place="larkspur annexe e", place_id=str(hall))
    )
    assert answer.status_code == 303
    assert one(app, TrainingSession, int(answer.location.rsplit("/", 1)[1])).place_id == hall


def test_a_copy_begins_with_what_is_known(app: Flask, organiser: StaffBrowser, course: int) -> None:
    number = a_session(app, organiser, room="Room 7", capacity=13)
    page = organiser.text(f"/staff/training/new?copy={number}")
    assert "Room 7" in page and 'value="13"' in page
    with app.app_context(), transaction() as session:
        other = make_session(session, room="Secret room").id
    assert "Secret room" not in organiser.text(f"/staff/training/new?copy={other}")


def test_a_draft_can_be_deleted_and_nothing_else(app: Flask, organiser: StaffBrowser, course: int) -> None:
    draft, shown = a_session(app, organiser, status="draft"), a_session(app, organiser)
    here = f"/staff/training/{draft}"
    assert organiser.send(f"{here}/delete", here).status_code == 303
    assert organiser.get(here).status_code == 404
    assert organiser.send(f"/staff/training/{shown}/delete", f"/staff/training/{shown}").status_code == 422


def test_a_draft_without_phone_is_not_published(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, status="draft", phone="")
    here = f"/staff/training/{number}"
    organiser.send(f"{here}/publish", here)
    assert "Give a phone number" in organiser.text(here)
    assert one(app, TrainingSession, number).status == "draft"


# --- one session


def test_the_session_page_shows_who_comes_and_writes_one_row(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, capacity=2)
    book(app, number, label="Aisha", needs={"codes": ["bsl"], "note": "sits at the front"}, places=2, **SMS)
    book(app, number, label="Bilal")
    page = organiser.text(f"/staff/training/{number}")
    for said in ("Aisha", "Bilal", "British Sign Language", "sits at the front", "2 of 2", "Waiting list"):
        assert said in page, said
    assert reads(app) == [("read training.run_session", None, "identity contact needs")]


def test_who_is_kept_from_the_organiser_stands_in_the_figures_only(
    app: Flask, organiser: StaffBrowser
) -> None:
    from inclusion_app.people.models import Restriction

    number = a_session(app, organiser)
    with app.app_context(), transaction() as session:
        person = make_person(session).id
        session.add(Restriction(resident_id=person, staff_id=organiser.staff_id, made_at=now()))
    booking = book(app, number, label="Hidden Hana", resident_id=person, needs={"codes": ["bsl"]}, **SMS)
    for path in (f"/staff/training/{number}", f"/staff/training/dates/{first_date(app, number).id}"):
        page = organiser.text(path)
        assert "Hidden Hana" not in page and "1 more booking is in the figures" in page
    for path in ("/staff/training/arrange", f"/staff/training/{number}/coming.csv"):
        assert "Hidden Hana" not in organiser.text(path)
    assert organiser.get(f"/staff/training/bookings/{booking}").status_code == 404


PAGES = (
    "",
    "/edit",
    "/dates",
    "/cancel",
    "/message",
    "/set-date",
    "/book",
    "/coming.csv",
    "/coming-with-contact.csv",
)


@pytest.mark.parametrize("part", PAGES)
def test_a_session_of_others_answers_like_none(app: Flask, organiser: StaffBrowser, part: str) -> None:
    with app.app_context(), transaction() as session:
        other = make_session(session).id
    answers = [organiser.get(f"/staff/training/{number}{part}") for number in (other, 999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert plain(answers[0]) == plain(answers[1])
    assert reads(app) == []


@pytest.mark.parametrize("part", ["", "/move", "/cancel"])
def test_a_date_of_others_answers_like_none(app: Flask, organiser: StaffBrowser, part: str) -> None:
    with app.app_context(), transaction() as session:
        other = make_session(session).occurrences[0].id
    answers = [organiser.get(f"/staff/training/dates/{number}{part}") for number in (other, 999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert plain(answers[0]) == plain(answers[1])


def test_a_booking_and_a_need_of_others_answer_like_none(app: Flask, organiser: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session)
        booking = make_booking(session, training, needs={"codes": ["bsl"]})
        number, need = booking.id, booking.arrangements[0].id
    answers = [organiser.get(f"/staff/training/bookings/{each}") for each in (number, 999_999)]
    assert answers[0].status_code == 404 and plain(answers[0]) == plain(answers[1])
    for path, each in (("bookings/{}/cancel", number), ("needs/{}/arranged", need)):
        sent = [
            organiser.send(f"/staff/training/{path.format(one_of)}", "/staff/training/new")
            for one_of in (each, 999_999)
        ]
        assert [answer.status_code for answer in sent] == [404, 404]
        assert plain(sent[0]) == plain(sent[1])
    assert one(app, Booking, number).status == "booked" and one(app, Arrangement, need).status == "asked"


def test_a_session_is_changed_but_not_moved_while_somebody_is_booked(
    app: Flask, organiser: StaffBrowser, course: int
) -> None:
    number = a_session(app, organiser)
    with app.app_context(), transaction() as session:
        place = session.get_one(TrainingSession, number).place.name  # type: ignore[union-attr]
    before = one(app, TrainingSession, number)
    facts = new_facts(course, place=place, capacity="12")
    here = f"/staff/training/{number}/edit"
    assert fill(organiser, here, **facts).status_code == 303
    after = one(app, TrainingSession, number)
    assert after.course_id == course and after.change_number != before.change_number
    assert first_date(app, number).capacity == 12
    book(app, number, places=5)
    moved = fill(organiser, here, **{**facts, "place": "Larkspur Hall"})
    assert moved.status_code == 422 and "Move each date on its own page" in moved.text
    small = fill(organiser, here, **{**facts, "capacity": "4"})
    assert small.status_code == 422 and "More places than that" in small.text
    assert one(app, TrainingSession, number).capacity == 12


def test_dates_are_added_to_a_series(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, booked_as="series")
    here, day = f"/staff/training/{number}/dates", today() + timedelta(days=30)
    facts = {"first": boxes(day), "begins": "10:00", "ends": "12:00", "times": "2", "every": "2"}
    look = fill(organiser, here, **facts)
    assert look.status_code == 200 and "This makes 2 dates" in look.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', look.text))
    assert organiser.client.post(here, data={**hidden, **facts}).status_code == 303
    assert len(one(app, TrainingSession, number).occurrences) == 3
    # Once more, from a new page: they are there already.
    look = fill(organiser, here, **facts)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', look.text))
    twice = organiser.client.post(here, data={**hidden, **facts})
    assert twice.status_code == 422 and "has this date already" in twice.text


def test_no_date_is_added_to_a_course_somebody_is_booked_on(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, booked_as="course")
    book(app, number)
    here = f"/staff/training/{number}/dates"
    facts = {
        "first": boxes(today() + timedelta(days=30)),
        "begins": "10:00",
        "ends": "12:00",
        "times": "1",
        "every": "1",
    }
    look = fill(organiser, here, **facts)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', look.text))
    assert "no date can be added" in organiser.client.post(here, data={**hidden, **facts}).text


# --- one date: move, cancel, places


def move(organiser: StaffBrowser, number: int, **facts: Any) -> Any:
    """Both steps of moving a date."""
    here = f"/staff/training/dates/{number}/move"
    page = organiser.text(here)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    known = {
        name: re.findall(rf'name="{name}"[^>]*value="([^"]*)"', page)
        for name in ("day", "begins", "ends", "place", "room")
    }
    data = {**hidden, **known, **facts}
    sure = organiser.client.post(here, data=data)
    if sure.status_code != 200:
        return sure
    assert "Move this date?" in sure.text
    return organiser.client.post(here, data={**data, "is_sure": "y"})


def test_a_moved_date_tells_everybody_once_by_their_way(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, capacity=3)
    by_sms = book(app, number, **SMS)
    by_letter = book(app, number, contact_kind="letter", contact="1 High Street", language="ur")
    nobody = book(app, number, label="Quiet Qasim")
    waits = book(app, number, contact_kind="call", contact="+441614960000")
    before, start = first_date(app, number), one(app, TrainingSession, number)
    day = today() + timedelta(days=20)
    sure = organiser.text(f"/staff/training/dates/{before.id}/move")
    assert "4 bookings" in sure and "By text message: 1" in sure and "tell these yourself</strong>: 1" in sure
    assert move(organiser, before.id, day=boxes(day), begins="14:00", ends="16:00").status_code == 303
    after = first_date(app, number)
    assert (after.day, f"{after.begins:%H:%M}", after.sequence) == (day, "14:00", before.sequence + 1)
    assert one(app, TrainingSession, number).change_number != start.change_number
    moved = [key for template, key in told(app) if template == "training_moved"]
    assert moved == [f"training moved {before.id} 1 {each}" for each in (by_sms, by_letter, waits)]
    page = organiser.text(f"/staff/training/dates/{before.id}")
    assert "Tell these yourself" in page and "Quiet Qasim" in page
    assert f"bookings/{nobody}" in page
    # The old page sent again: somebody else has moved it since.
    assert "training_moved" in {template for template, _key in told(app)}
    stale = {
        "sequence": "0",
        "day": boxes(day + timedelta(days=1)),
        "begins": "14:00",
        "ends": "16:00",
        "place": "",
        "room": "",
    }
    with app.app_context(), transaction() as session:
        stale["place"] = session.get_one(Occurrence, before.id).session.place.name  # type: ignore[union-attr]
    page = organiser.send(f"/staff/training/dates/{before.id}/move", is_sure="y", **stale)
    assert page.status_code == 422 and "changed already" in page.text
    assert len([key for template, key in told(app) if template == "training_moved"]) == 3


def test_another_room_is_told_as_another_room(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    book(app, number, **SMS)
    assert move(organiser, first_date(app, number).id, room="Room 9").status_code == 303
    assert [template for template, _key in told(app)] == ["training_booked", "training_new_room"]
    assert first_date(app, number).room == "Room 9"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Nothing is different"),
        ({"day": ["1", "1", "2020"]}, "over already"),
        ({"day": ["", "", ""]}, "Type a real day"),
        ({"ends": "8:00"}, "The end comes after"),
        ({"place": "Atlantis"}, "We know no place"),
    ],
)
def test_a_date_is_not_moved_to_where_it_cannot_be(
    app: Flask, organiser: StaffBrowser, wrong: dict[str, Any], said: str
) -> None:
    number = a_session(app, organiser)
    book(app, number, **SMS)
    before = first_date(app, number)
    answer = move(organiser, before.id, **wrong)
    assert answer.status_code == 422 and said in answer.text
    assert first_date(app, number).sequence == before.sequence
    assert [template for template, _key in told(app)] == ["training_booked"]


WEEKS = tuple(today() + timedelta(days=20 + 7 * week) for week in range(3))


def three_weeks(app: Flask, organiser: StaffBrowser, **facts: Any) -> tuple[int, list[int]]:
    """A session of three weekly dates; its number and theirs."""
    number = a_session(app, organiser, **{"days": WEEKS, "booked_as": "series", **facts})
    return number, [date.id for date in one(app, TrainingSession, number).occurrences]


def dates_now(app: Flask, number: int) -> list[tuple[Any, ...]]:
    rows = one(app, TrainingSession, number).occurrences
    return [(row.day, f"{row.begins:%H:%M}", row.room, row.status, row.sequence) for row in rows]


def hidden_of(html: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html):
        found.setdefault(name, []).append(value)
    return found


def move_later(organiser: StaffBrowser, number: int, **facts: Any) -> tuple[Any, Any]:
    """The page that asks once more, and what becomes of pressing its button."""
    here = f"/staff/training/dates/{number}/move"
    page = organiser.text(here)
    names = ("day", "begins", "ends", "place", "room")
    known = {name: re.findall(rf'name="{name}"[^>]*value="([^"]*)"', page) for name in names}
    sure = organiser.client.post(here, data={**hidden_of(page), **known, "which": "later", **facts})
    if sure.status_code != 200:
        return sure, None
    return sure, organiser.client.post(here, data=hidden_of(sure.text))


def test_a_date_and_all_later_ones_move_at_once(app: Flask, organiser: StaffBrowser) -> None:
    """Tuesdays become Thursdays: who is on several is told once, who is on one of the first is told nothing."""
    number, (first, second, third) = three_weeks(app, organiser)
    several = book(app, number, occurrence_ids=[first, second, third], **SMS)
    last = book(
        app, number, occurrence_ids=[third], contact_kind="letter", contact="1 High Street", language="ur"
    )
    book(app, number, occurrence_ids=[first], **SMS)
    new = WEEKS[1] + timedelta(days=2)
    sure, done = move_later(organiser, second, day=boxes(new), begins="14:00", ends="16:00")
    assert "Move 2 dates?" in sure.text
    assert sure.text.count('data-label="From"') == 2
    assert "2 bookings" in sure.text
    assert done.status_code == 303
    assert done.location == f"/staff/training/{number}"
    assert dates_now(app, number) == [
        (WEEKS[0], "10:00", "", "on", 0),
        (new, "14:00", "", "on", 1),
        (WEEKS[2] + timedelta(days=2), "14:00", "", "on", 1),
    ]
    # The feed counted its first change: one for all dates.
    assert one(app, TrainingSession, number).change_number == 1
    assert [one for one in told(app) if "moved" in one[0]] == [
        ("training_moved_dates", f"training moved {second} 1 {several}"),
        ("training_moved", f"training moved {third} 1 {last}"),
    ]
    with app.app_context(), transaction() as session:
        params = session.scalars(
            select(Message.params).where(Message.template == "training_moved_dates")
        ).one()
        assert params is not None
        days = [row.starts_at.isoformat() for row in session.get_one(TrainingSession, number).occurrences]
        assert params["dates"].split() == days
        assert params["when"] == days[1]
    with app.app_context(), transaction() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("move"))).all()
    assert list(acts) == ["move dates"]


def test_another_room_from_a_date_on_is_told_once_and_leaves_other_places_alone(
    app: Flask, organiser: StaffBrowser
) -> None:
    number, (first, second, third) = three_weeks(app, organiser, booked_as="course")
    with app.app_context(), transaction() as session:
        session.get_one(Occurrence, third).place_id = make_place(session).id
    book(app, number, **SMS)
    _sure, done = move_later(organiser, first, room="Room 9")
    assert done.status_code == 303
    assert [row[2] for row in dates_now(app, number)] == ["Room 9", "Room 9", ""]
    assert [row[4] for row in dates_now(app, number)] == [1, 1, 0]
    assert [template for template, _key in told(app)] == ["training_booked", "training_new_room"]


def test_bad_new_days_are_named_before_anybody_is_told(app: Flask, organiser: StaffBrowser) -> None:
    number, dates = three_weeks(app, organiser)
    with app.app_context(), transaction() as session:
        place_id = session.get_one(TrainingSession, number).place_id
        session.merge(BankHoliday(day=WEEKS[1] + timedelta(days=1), title="A holiday"))
        session.add(OpeningException(place_id=place_id, day=WEEKS[2] + timedelta(days=1), reason="stocktake"))
    sure, done = move_later(organiser, dates[0], day=boxes(WEEKS[0] + timedelta(days=1)))
    assert "2 new days are bank holidays, or the place is closed on them." in sure.text
    assert sure.text.count("Bank holiday<") == 1
    assert sure.text.count("The place is closed<") == 1
    assert done.status_code == 303
    # One date alone is asked about in the same way.
    look = move(organiser, dates[0], day=boxes(WEEKS[1] + timedelta(days=8)))
    assert look.status_code == 422 and "has this date already" in look.text
    here = f"/staff/training/dates/{dates[1]}/move"
    data = {**hidden_of(organiser.text(here)), "begins": "9:00", "ends": "11:00", "room": "", "which": "one"}
    data |= {
        "day": boxes(WEEKS[1] + timedelta(days=1)),
        "place": one(app, TrainingSession, number).place.name,
    }
    assert "1 new day is a bank holiday" in organiser.client.post(here, data=data).text


@pytest.mark.parametrize(
    ("weeks", "said"),
    [(-1, "has this date already"), (104, "more than two years away"), (-9, "over already"), (0, "Nothing is different")],
)  # fmt: skip
def test_all_later_dates_move_or_none(app: Flask, organiser: StaffBrowser, weeks: int, said: str) -> None:
    number, (_first, second, _third) = three_weeks(app, organiser)
    before = dates_now(app, number)
    answer, _done = move_later(organiser, second, day=boxes(WEEKS[1] + timedelta(weeks=weeks)))
    assert answer.status_code == 422 and said in answer.text
    assert 'value="later" checked' in answer.text
    assert dates_now(app, number) == before


def test_who_moves_all_later_dates_second_is_told_so(app: Flask, organiser: StaffBrowser) -> None:
    number, (first, _second, third) = three_weeks(app, organiser)
    here = f"/staff/training/dates/{first}/move"
    page = organiser.text(here)
    names = ("day", "begins", "ends", "place", "room")
    known = {name: re.findall(rf'name="{name}"[^>]*value="([^"]*)"', page) for name in names}
    data = {**hidden_of(page), **known, "which": "later", "room": "Room 9"}
    sure = hidden_of(organiser.client.post(here, data=data).text)
    assert move(organiser, third, room="Room 2").status_code == 303
    before = dates_now(app, number)
    answer = organiser.client.post(here, data=sure)
    assert answer.status_code == 422 and "changed already" in answer.text
    assert dates_now(app, number) == before


def test_the_last_date_has_no_later_ones(app: Flask, organiser: StaffBrowser) -> None:
    _number, dates = three_weeks(app, organiser)
    for number, has_choice in ((dates[0], True), (dates[2], False)):
        for page in ("move", "cancel"):
            html = organiser.text(f"/staff/training/dates/{number}/{page}")
            assert ("all later ones" in html) is has_choice
    assert "Cancel this date?" in organiser.text(f"/staff/training/dates/{dates[2]}/cancel?which=later")


def test_a_date_and_all_later_ones_are_cancelled_at_once(app: Flask, organiser: StaffBrowser) -> None:
    number, (first, second, third) = three_weeks(app, organiser)
    stays = book(app, number, occurrence_ids=[first, second, third], **SMS)
    ends = book(app, number, occurrence_ids=[second, third], **SMS)
    last = book(app, number, occurrence_ids=[third], **SMS)
    here = f"/staff/training/dates/{second}/cancel?which=later"
    page = organiser.text(here)
    assert "Cancel 2 dates?" in page and "3 bookings" in page
    assert organiser.client.post(here, data=hidden_of(page)).status_code == 303
    assert [row[3:] for row in dates_now(app, number)] == [("on", 0), ("cancelled", 1), ("cancelled", 1)]
    assert [one(app, Booking, each).status for each in (stays, ends, last)] == [
        "booked", "session_cancelled", "session_cancelled",
    ]  # fmt: skip
    assert [one for one in told(app) if "cancelled" in one[0]] == [
        ("training_cancelled_from", f"training cancelled {second} {stays}"),
        ("training_all_cancelled", f"training cancelled {second} {ends}"),
        ("training_cancelled", f"training cancelled {third} {last}"),
    ]
    assert one(app, TrainingSession, number).status == "published"
    # The same page sent again changes nothing, and says so.
    again = organiser.client.post(here, data=hidden_of(page))
    assert again.status_code == 422 and "changed already" in again.text
    assert len(told(app)) == 6


def test_all_dates_cancelled_from_the_first_on_end_the_session(app: Flask, organiser: StaffBrowser) -> None:
    number, dates = three_weeks(app, organiser, booked_as="course")
    booking = book(app, number, **SMS)
    here = f"/staff/training/dates/{dates[0]}/cancel?which=later"
    page = hidden_of(organiser.text(here))
    assert organiser.client.post(here, data={**page, "seen_dates": f"{dates[0]}.0"}).status_code == 422
    assert organiser.client.post(here, data=page).status_code == 303
    assert one(app, TrainingSession, number).status == "cancelled"
    assert one(app, Booking, booking).status == "session_cancelled"
    assert [template for template, _key in told(app)] == ["training_booked", "training_all_cancelled"]


def test_a_cancelled_date_ends_its_bookings_and_the_session(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, capacity=1)
    booked, waits = book(app, number, **SMS), book(app, number, **SMS)
    row = first_date(app, number)
    page = organiser.text(f"/staff/training/dates/{row.id}/cancel")
    assert "2 bookings" in page and "By text message: 2" in page
    assert fill(organiser, f"/staff/training/dates/{row.id}/cancel").status_code == 303
    after, training = first_date(app, number), one(app, TrainingSession, number)
    assert (after.status, after.sequence, after.taken, after.waiting) == ("cancelled", 1, 0, 0)
    assert training.status == "cancelled" and training.withdrawn_at is not None
    for each in (booked, waits):
        booking = one(app, Booking, each)
        assert (booking.status, booking.ended_by) == ("session_cancelled", "session")
        assert [date.attendance for date in booking.dates] == [None]
    cancelled = [key for template, key in told(app) if template == "training_cancelled"]
    assert cancelled == [f"training cancelled {row.id} {each}" for each in (booked, waits)]
    again = fill(organiser, f"/staff/training/dates/{row.id}/cancel")
    assert again.status_code == 422 and "changed already" in again.text
    assert len([key for template, key in told(app) if template == "training_cancelled"]) == 2


def test_of_a_course_one_date_is_cancelled_and_the_rest_stays(app: Flask, organiser: StaffBrowser) -> None:
    days = [today() + timedelta(days=10), today() + timedelta(days=17)]
    number = a_session(app, organiser, booked_as="course", days=days)
    booking = book(app, number, **SMS)
    row = first_date(app, number)
    assert fill(organiser, f"/staff/training/dates/{row.id}/cancel").status_code == 303
    kept = one(app, Booking, booking)
    assert kept.status == "booked" and [date.status for date in kept.dates] == ["cancelled", "on"]
    assert one(app, TrainingSession, number).status == "published"
    organiser.send(f"/staff/training/{number}/cancel")
    assert one(app, Booking, booking).status == "session_cancelled"
    assert [template for template, _key in told(app)] == [
        "training_booked", "training_cancelled", "training_cancelled",
    ]  # fmt: skip


def test_a_whole_course_is_cancelled_with_one_message(app: Flask, organiser: StaffBrowser) -> None:
    days = [today() + timedelta(days=10), today() + timedelta(days=17)]
    number = a_session(app, organiser, booked_as="course", days=days)
    book(app, number, **SMS)
    assert organiser.send(f"/staff/training/{number}/cancel").status_code == 303
    assert [template for template, _key in told(app)] == ["training_booked", "training_all_cancelled"]
    assert organiser.send(f"/staff/training/{number}/cancel").status_code == 422


def test_a_date_freed_by_a_cancelled_one_lets_who_waits_in(app: Flask, organiser: StaffBrowser) -> None:
    """A waiter of a full and an empty date gets their place when the full one is cancelled."""
    days = [today() + timedelta(days=10), today() + timedelta(days=17)]
    number = a_session(app, organiser, booked_as="series", days=days, capacity=1)
    with app.app_context(), transaction() as session:
        first, second = [row.id for row in session.get_one(TrainingSession, number).occurrences]
    book(app, number, occurrence_ids=[first])
    waits = book(app, number, occurrence_ids=[first, second], **SMS)
    assert one(app, Booking, waits).status == "waitlisted"
    fill(organiser, f"/staff/training/dates/{first}/cancel")
    assert one(app, Booking, waits).status == "booked"


def test_more_places_go_to_the_list_and_fewer_than_taken_are_refused(
    app: Flask, organiser: StaffBrowser
) -> None:
    number = a_session(app, organiser, capacity=2)
    book(app, number, places=2)
    waits = book(app, number, **SMS)
    row = first_date(app, number)
    here = f"/staff/training/dates/{row.id}"
    page = organiser.send(f"{here}/capacity", here, capacity="1", companion_cap="2")
    assert page.status_code == 422 and "More places than that are taken" in page.text
    assert organiser.send(f"{here}/capacity", here, capacity="3", companion_cap="2").status_code == 303
    assert one(app, Booking, waits).status == "booked"
    assert (first_date(app, number).capacity, first_date(app, number).taken) == (3, 3)


# --- no date yet


def test_demand_is_shown_in_sums_of_five(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, booked_as="undated")
    for each in range(6):
        book(app, number, language="ur" if each < 5 else "ar", needs={"codes": ["quiet"]} if each < 2 else {})
    page = organiser.text(f"/staff/training/{number}")
    assert "6 bookings" in page and "Urdu: 5" in page
    assert (
        "Arabic" not in page.split("Would anybody come?")[1]
        and "A quiet place" not in page.split("Would anybody")[1]
    )


def test_a_date_asks_everybody_in_their_order(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, booked_as="undated", capacity=1)
    bookings = [book(app, number, needs={"codes": ["bsl"]}, **SMS) for _each in range(2)]
    here = f"/staff/training/{number}/set-date"
    page = organiser.text(here)
    assert "2 bookings" in page
    with app.app_context(), transaction() as session:
        place = session.get_one(TrainingSession, number).place.name  # type: ignore[union-attr]
    facts = {
        "first": boxes(today() + timedelta(days=14)),
        "begins": "10:00",
        "ends": "12:00",
        "place": place,
        "capacity": "1",
    }
    assert fill(organiser, here, **{**facts, "begins": ""}).status_code == 422
    assert fill(organiser, here, **facts).status_code == 303
    assert [one(app, Booking, each).status for each in bookings] == ["offered", "waitlisted"]
    row = first_date(app, number)
    assert (row.taken, row.held, row.waiting) == (0, 1, 1)
    templates = [template for template, _key in told(app)]
    assert templates.count("training_dated") == 1 and templates.count("training_offer") == 1
    assert len(one(app, Booking, bookings[0]).arrangements) == 1
    twice = fill(organiser, here, **facts)
    assert twice.status_code == 422 and "has a date already" in twice.text


def test_an_undated_session_that_is_dropped_says_so(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, booked_as="undated")
    booking = book(app, number, **SMS)
    assert organiser.send(f"/staff/training/{number}/cancel").status_code == 303
    assert one(app, Booking, booking).status == "session_cancelled"
    assert told(app)[-1][0] == "training_dropped"


# --- what to arrange


def test_needs_are_decided_told_undone_and_told_again(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, lead_days=30)
    booking = book(app, number, label="Dalia", needs={"codes": ["bsl", "large_print"]}, **SMS)
    [need] = one(app, Booking, booking).arrangements
    page = organiser.text("/staff/training/arrange")
    assert "Dalia" in page and "British Sign Language" in page and "short notice" in page
    assert reads(app) == [("read training.arrange", None, "identity needs")]
    here = f"/staff/training/needs/{need.id}"
    assert organiser.send(f"{here}/arranged", "/staff/training/arrange").status_code == 303
    assert organiser.send(f"{here}/not_possible", "/staff/training/arrange").status_code == 303
    decided = one(app, Arrangement, need.id)
    assert (decided.status, decided.decided_by_id) == ("arranged", organiser.staff_id)
    # Colleagues see who decided, and when: that is who can say why.
    with app.app_context(), transaction() as session:
        session.get_one(Staff, organiser.staff_id).name = "Imran of the desk"
    table = organiser.text("/staff/training/arrange").partition('id="table-decided"')[2]
    with app.test_request_context("/staff"):
        assert (
            f"{day_words(today())}, " in table and "Imran of the desk</bdi>" in table.partition("</table>")[0]
        )
    assert [template for template, _key in told(app)] == ["training_booked", "training_arranged"]
    organiser.send(f"{here}/undo", "/staff/training/arrange")
    assert one(app, Arrangement, need.id).status == "asked"
    organiser.send(f"{here}/not_possible", "/staff/training/arrange", back="session")
    assert told(app)[-1][0] == "training_not_possible"
    assert organiser.send(f"{here}/destroy", "/staff/training/arrange").status_code == 404


def test_late_needs_are_marked_and_wait_on_the_start_page(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    booking = book(app, number, needs={"codes": ["bsl"]}, **SMS)
    with app.app_context(), transaction() as session:
        session.execute(
            update(Booking).where(Booking.id == booking).values(made_at=now() - timedelta(days=30))
        )
        session.execute(update(Arrangement).values(due_on=today() - timedelta(days=1)))
    assert '<span class="tag tag--bad">late</span>' in organiser.text("/staff/training/arrange")
    assert "1 need to arrange" in organiser.text("/staff")


# --- messages


def test_a_message_is_looked_at_in_each_language_and_sent_once(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    for language in ("en", "ur"):
        book(app, number, language=language, **SMS)
    book(app, number)
    here = f"/staff/training/{number}/message"
    facts = {"template": "training_bring", "date": "0", "things": " your  phone "}
    page = fill(organiser, here, **facts, do="look")
    assert page.status_code == 200 and "Nothing is sent yet" in page.text
    assert "your phone" in page.text and 'lang="ur"' in page.text and "By text message: 2" in page.text
    assert len(told(app)) == 2
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    for _press in range(2):
        answer = organiser.client.post(here, data={**hidden, **facts, "do": "send"})
        assert answer.status_code == 303
    assert [template for template, _key in told(app)].count("training_bring") == 2
    with app.app_context(), transaction() as session:
        notice = session.scalars(select(Notice)).one()
        assert (notice.template, notice.params) == ("training_bring", {"things": "your phone"})
    assert "Bring something" in organiser.text(f"/staff/training/{number}")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"template": "training_booked"}, "Choose one of the answers"),
        ({"template": "training_words", "words": ""}, "Write what people should read."),
        ({"template": "training_words", "words": "x" * 401}, "This is too long."),
        ({"template": "training_bring", "things": "\u200b"}, "Write what people should read."),
        ({"template": "training_late", "minutes": "0", "date": "0"}, "Type a whole number from 1 to 120."),
        ({"template": "training_late", "minutes": "20", "date": "0"}, "Choose a date of today."),
        ({"template": "training_bring", "things": "a pen", "date": "999999"}, "Choose one of the answers"),
    ],
)
def test_no_message_without_its_words(
    app: Flask, organiser: StaffBrowser, wrong: dict[str, Any], said: str
) -> None:
    number = a_session(app, organiser)
    book(app, number, **SMS)
    page = fill(organiser, f"/staff/training/{number}/message", **{"date": "0", "do": "send", **wrong})
    assert page.status_code == 422 and said in page.text
    assert len(told(app)) == 1


def test_free_words_say_that_they_are_in_english_only(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    book(app, number, **SMS)
    facts = {"template": "training_words", "date": "0", "words": "Use the side door."}
    page = fill(organiser, f"/staff/training/{number}/message", **facts, do="look").text
    assert "It is only in English" in page and "0161 496 0000" in page and "Use the side door." in page


# --- the table, a booking by phone


def test_an_organiser_reads_who_does_not_get_typed_words(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    book(app, number, **SMS)
    code = book(app, number, is_discreet=True, **SMS)
    here = f"/staff/training/{number}/message"
    page = fill(organiser, here, template="training_words", words="Side door", date="0", do="look").text
    assert "To 1 booking no message may name the service." in page
    late = fill(organiser, here, template="training_bring", things="Side door", date="0", do="send")
    assert late.status_code == 303
    # The page of the code shows what was typed.
    with app.app_context(), transaction() as session:
        address = session.get_one(Booking, code).code
    assert "Side door" in app.test_client().get(f"/en/book/{address}").text


def test_the_table_has_no_contact_unless_asked_for(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    book(app, number, label="=cmd()", **SMS)
    plain = organiser.get(f"/staff/training/{number}/coming.csv")
    assert plain.mimetype == "text/csv" and "'=cmd()" in plain.text and "7700900123" not in plain.text
    assert "7700900123" in organiser.text(f"/staff/training/{number}/coming-with-contact.csv")
    assert reads(app) == [
        ("read training.coming_table", None, "identity needs"),
        ("read training.coming_table_with_contact", None, "identity contact needs"),
    ]


BOOKING = {
    "label": "Farah", "places": "1", "companions": "0", "age_band": "", "language": "ur", "needs": ["quiet"], "note": "",
    "contact_kind": "sms", "contact": "07700 900456", "contact_of": "learner", "contact_name": "",
    "waiting_mode": "book_me", "consent": "y",
}  # fmt: skip


def test_a_booking_by_phone_shows_its_code_once(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser)
    here = f"/staff/training/{number}/book"
    page = organiser.text(here)
    assert "They use it for this session only." in page
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    answers = [organiser.client.post(here, data={**hidden, **BOOKING}) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303] and answers[0].location == answers[
        1
    ].location
    with app.app_context(), transaction() as session:
        booking = session.scalars(select(Booking)).one()
        assert (booking.status, booking.language, booking.contact, booking.consent_how, booking.staff_id) == (
            "booked", "ur", "+447700900456", "spoken", organiser.staff_id,
        )  # fmt: skip
        code, made = booking.code, booking.id
    made_page = organiser.text(answers[0].location)
    assert f"{code[:4]}-{code[4:]}" in made_page
    assert f"To say it on the phone: {' '.join(code_to_words(code))}<" in made_page
    shown = organiser.text(f"/staff/training/bookings/{made}")
    assert code not in shown and f"{code[:4]}-{code[4:]}" not in shown and "Farah" in shown
    with app.app_context(), transaction() as session:
        session.execute(update(Booking).values(made_at=now() - timedelta(minutes=16)))
    assert organiser.get(answers[0].location).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"consent": ""}, "only when they say yes"),
        ({"contact": "12"}, "This is no phone number."),
        ({"places": "7"}, "One booking can be for 6 people here."),
        ({"companions": "3"}, "Type a whole number from 0 to 2."),
        ({"age_band": "under_13"}, "Under 13?"),
        ({"contact_kind": "pigeon"}, "Choose one of the answers"),
        ({"contact_kind": "record"}, "Choose one of the answers"),
        ({"needs": ["gold"]}, "Choose one of the answers"),
        ({"note": "x" * 121}, "This is too long."),
    ],
)
def test_a_booking_by_phone_is_refused_at_its_field(
    app: Flask, organiser: StaffBrowser, wrong: dict[str, Any], said: str
) -> None:
    number = a_session(app, organiser)
    page = fill(organiser, f"/staff/training/{number}/book", **{**BOOKING, **wrong})
    assert page.status_code == 422 and said in page.text
    assert "Farah" in page.text
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Booking)).all() == []


def test_an_organiser_cancels_for_who_phones(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, capacity=1)
    booked, waits = book(app, number), book(app, number, **SMS)
    here = f"/staff/training/bookings/{booked}"
    assert organiser.send(f"{here}/cancel", here).status_code == 303
    assert (one(app, Booking, booked).status, one(app, Booking, booked).ended_by) == (
        "cancelled",
        "organiser",
    )
    assert one(app, Booking, waits).status == "booked"


def test_who_cannot_be_told_of_an_offer_waits_on_the_start_page(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, capacity=1)
    booked = book(app, number)
    book(app, number, waiting_mode="ask_me")
    here = f"/staff/training/bookings/{booked}"
    assert "1 session has people waiting" in organiser.text("/staff")
    organiser.send(f"{here}/cancel", here)
    assert "no way to hear of it" in organiser.text("/staff")


def test_a_date_of_a_series_stands_under_its_own_page(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, booked_as="series")
    with app.app_context(), transaction() as session:
        training = session.get_one(TrainingSession, number)
        second = add_date(session, training, day=today() + timedelta(days=20)).id
        first = training.occurrences[0].id
    book(app, number, label="Only first", occurrence_ids=[first])
    assert "Only first" in organiser.text(f"/staff/training/dates/{first}")
    assert "Only first" not in organiser.text(f"/staff/training/dates/{second}")


def test_the_room_of_a_session_is_not_at_another_place(app: Flask, organiser: StaffBrowser) -> None:
    number = a_session(app, organiser, room="Room 7")
    with app.app_context(), transaction() as session:
        date = session.get_one(TrainingSession, number).occurrences[0]
        date.place_id, row_id = make_place(session, name="Larkspur House").id, date.id
    page = organiser.text(f"/staff/training/dates/{row_id}")
    assert "Larkspur House" in page and "Room 7" not in page
