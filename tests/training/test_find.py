"""Finding a session: the list, its filters and their order, and that it stays light and asks little of the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import brotli
import pytest
from flask import Flask
from sqlalchemy import event, select

from inclusion_app.core import assets
from inclusion_app.core.clock import today
from inclusion_app.core.db import transaction
from inclusion_app.places.models import Place
from inclusion_app.training.models import CourseText
from inclusion_app.training.services import bookings
from tests.conftest import Browser
from tests.factories.accounts import make_organisation
from tests.factories.training import make_booking, make_course, make_place, make_session

LANGUAGES = [("en", False), ("ur", False), ("ar", False), ("ur", True), ("ar", True)]


def offer(app: Flask, *sessions: dict[str, Any]) -> list[str]:
    """Make sessions, each with a title of its own; `course` holds facts of its course. Returns their slugs."""
    slugs = []
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session, name="Red Door")
        for number, facts in enumerate(sessions):
            about = {"title": f"Course {number}", **facts.pop("of_course", {})}
            course = make_course(session, organisation_id=organisation.id, **about)
            made = make_session(session, organisation_id=organisation.id, course=course, **facts)
            slugs.append(made.slug)
    return slugs


def titles(html: str) -> list[str]:
    """What the list shows, in its order."""
    return re.findall(r'<h2><a href="[^"]+">([^<]+)</a>', html)


def in_days(number: int) -> date:
    return today() + timedelta(days=number)


def a_weekday(after: int) -> date:
    return next(in_days(n) for n in range(after, after + 7) if in_days(n).weekday() == 1)


def a_saturday(after: int) -> date:
    return next(in_days(n) for n in range(after, after + 7) if in_days(n).weekday() == 5)


def test_the_soonest_stands_first_and_what_has_no_date_last(app: Flask, browser: Browser) -> None:
    offer(
        app,
        {"booked_as": "undated", "place_id": None, "of_course": {"title": "Some day"}},
        {"days": [in_days(9)], "of_course": {"title": "Later"}},
        {"days": [in_days(2), in_days(16)], "booked_as": "series", "of_course": {"title": "Soon"}},
        {"days": [in_days(3)], "status": "draft", "of_course": {"title": "Draft"}},
        {"days": [in_days(-1)], "of_course": {"title": "Over"}},
    )
    page = browser.text("/training")
    assert titles(page) == ["Soon", "Later", "Some day"]
    assert "and 1 more date" in page
    assert "No date yet. Say that you would come." in page
    assert "Red Door, Noor" in page


def test_an_entry_says_how_many_places_are_left_in_words(app: Flask, browser: Browser) -> None:
    slugs = offer(app, {"capacity": 4}, {"capacity": 1, "waiting_size": 0})
    assert browser.text("/training").count("Places free") == 1
    assert "One place left" in browser.text("/training")
    for slug in slugs:
        browser.send(f"/training/{slug}")
    page = browser.text("/training")
    assert "A few places left" in page
    assert re.search(r">Full<", page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("step=F1", ["Course 1", "Course 3"]),
        ("step=F9x", ["Course 0", "Course 1", "Course 2", "Course 3"]),
        ("when=evening", ["Course 0"]),
        ("when=weekend", ["Course 2"]),
        ("when=midnight", ["Course 0", "Course 1", "Course 2", "Course 3"]),
        ("taught_in=ur", ["Course 1"]),
        ("has=step_free&has=quiet", ["Course 0"]),
        ("has=quiet", ["Course 0", "Course 2"]),
        ("has=lions", ["Course 0", "Course 1", "Course 2", "Course 3"]),
        ("online=y", ["Course 3"]),
        ("kind=family", ["Course 2"]),
        ("age=young", ["Course 0", "Course 1", "Course 3"]),
        ("kind=family&when=evening", []),
        ("since=not-a-day", ["Course 0", "Course 1", "Course 2", "Course 3"]),
        ("since=9999-12-31", ["Course 0", "Course 1", "Course 2", "Course 3"]),
        ("page=99999999999999", ["Course 0", "Course 1", "Course 2", "Course 3"]),
    ],
)
def test_a_filter_narrows_the_list_and_an_unknown_one_does_not(
    app: Flask, browser: Browser, query: str, found: list[str]
) -> None:
    offer(
        app,
        {"days": [a_weekday(2)], "begins": time(17), "ends": time(19), "offers": "step_free quiet",
         "of_course": {"steps": "F2 A1"}},
        {"days": [a_weekday(9)], "taught_in": "ur", "of_course": {"steps": "F1 F2"}, "for_age": "young"},
        {"days": [a_saturday(16)], "offers": "quiet", "of_course": {"kind": "family", "steps": "F11"},
         "for_age": "older"},
        {"days": [a_weekday(23)], "is_online": True, "place_id": None, "of_course": {"steps": "F1"}},
    )  # fmt: skip
    assert titles(browser.text(f"/training?{query}")) == found


@pytest.mark.parametrize(
    ("code", "name"), [("gu", "Gujarati"), ("zh", "Chinese"), ("bfi", "British Sign Language"), ("pl", "Polski")]
)  # fmt: skip
def test_a_language_of_the_city_has_its_name_even_where_no_page_is_in_it(
    app: Flask, browser: Browser, code: str, name: str
) -> None:
    offer(app, {"taught_in": code})
    page = browser.text("/training")
    assert f"<bdi>{name}</bdi>" in page and f">{name}</option>" in page


def test_a_day_to_begin_with_leaves_out_what_is_sooner(app: Flask, browser: Browser) -> None:
    offer(app, {"days": [in_days(3)]}, {"days": [in_days(8)]})
    assert titles(browser.text(f"/training?since={in_days(4)}")) == ["Course 1"]
    assert titles(browser.text(f"/training?since={in_days(8)}")) == ["Course 1"]


def test_the_step_of_a_plan_is_named_above_its_sessions(app: Flask, browser: Browser) -> None:
    offer(app, {})
    assert "For your step:" in browser.text("/training?step=F1")
    assert "For your step:" not in browser.text("/training?step=<b>")


def test_the_nearest_stands_first_once_an_area_is_known(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        far = make_place(session, lat=53.53, lng=-2.20, name="Far hall").id
        near = make_place(session, lat=53.446, lng=-2.218, name="Near hall").id
    offer(app, {"place_id": far, "days": [in_days(2)]}, {"place_id": near, "days": [in_days(12)]},
          {"is_online": True, "place_id": None, "days": [in_days(1)]})  # fmt: skip
    assert titles(browser.text("/training")) == ["Course 2", "Course 0", "Course 1"]
    by_name = browser.text("/training?near=M14")
    assert titles(by_name) == ["Course 1", "Course 0", "Course 2"]
    assert "miles, straight line" in by_name
    answer = browser.send("/training", near="m14 5rq")
    assert answer.status_code == 303
    assert "m14" not in answer.location.casefold()
    assert titles(browser.text("/training")) == ["Course 1", "Course 0", "Course 2"]
    assert titles(browser.text("/training?first=soon")) == ["Course 2", "Course 0", "Course 1"]


def test_no_postcode_stands_in_an_address(app: Flask, browser: Browser) -> None:
    offer(app, {})
    answer = browser.get("/training?near=M14+5RQ&kind=skills")
    assert answer.status_code == 303
    assert answer.location.endswith("/en/training?kind=skills&near=M14")


@pytest.mark.parametrize("near", ["", "nowhere at all", "LS1 4AP"])
def test_an_area_nobody_knows_is_said_at_its_field(app: Flask, browser: Browser, near: str) -> None:
    offer(app, {})
    answer = browser.send("/training", near=near)
    assert answer.status_code == 422
    assert 'id="near-error"' in answer.get_data(as_text=True)
    assert titles(answer.get_data(as_text=True)) == ["Course 0"]


def test_twenty_stand_on_a_page(app: Flask, browser: Browser) -> None:
    offer(app, *({"days": [in_days(2 + n)]} for n in range(21)))
    page = browser.text("/training?kind=skills")
    assert len(titles(page)) == 20
    assert "21 sessions" in page
    assert "kind=skills&amp;page=2" in page
    assert titles(browser.text("/training?kind=skills&page=2")) == ["Course 20"]


def test_a_title_is_read_in_the_readers_language_or_said_to_be_in_english(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    [slug, _other] = offer(app, {}, {})
    with app.app_context(), transaction() as session:
        text = session.scalars(select(CourseText).where(CourseText.title == "Course 0")).one()
        session.add(CourseText(course_id=text.course_id, language="ur", title="پہلے قدم", bring="قلم"))
    urdu = another_browser("ur").text("/training")
    assert "پہلے قدم" in urdu
    assert '<bdi lang="en" dir="ltr">Course 1</bdi>' in urdu
    assert urdu.count("صرف انگریزی میں لکھا ہے") == 1
    assert "قلم" in another_browser("ur").text(f"/training/{slug}")


def test_the_list_asks_the_same_of_the_database_whatever_it_holds(app: Flask, browser: Browser) -> None:
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    def look() -> int:
        asked.clear()
        assert browser.get("/training?near=M14").status_code == 200
        return len([one for one in asked if one.startswith("SELECT")])

    offer(app, {})
    browser.get("/training")
    event.listen(app.extensions["engine"], "before_cursor_execute", count)
    few = look()
    event.remove(app.extensions["engine"], "before_cursor_execute", count)
    with app.app_context(), transaction() as session:
        for number in range(25):
            made = make_session(session, booked_as="series", days=[in_days(2 + number), in_days(30 + number)])
            make_booking(session, made, occurrence_ids=[made.occurrences[0].id])
    event.listen(app.extensions["engine"], "before_cursor_execute", count)
    assert look() == few <= 12
    event.remove(app.extensions["engine"], "before_cursor_execute", count)


@pytest.mark.parametrize(("language", "english"), LANGUAGES)
def test_the_pages_are_light(
    app: Flask, another_browser: Callable[..., Browser], language: str, english: bool
) -> None:
    fixed = sum(
        len(brotli.compress((assets.BUILD / built).read_bytes(), quality=11))
        for name, built in assets.manifest().items()
        if name in {"app.css", "app.js", "icon.svg"}
    )
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session, name="Manchester Adult Learning")
        halls = session.scalars(select(Place.id).where(Place.lat.is_not(None)).limit(20)).all()
        for number, hall in enumerate(halls):
            course = make_course(session, organisation_id=organisation.id, title=f"Your phone, part {number}")
            made = make_session(
                session, organisation_id=organisation.id, course=course, place_id=hall, booked_as="series",
                days=[in_days(3 + number), in_days(20 + number)], offers="step_free quiet bsl", taught_in="ur",
                capacity=1,
            )  # fmt: skip
            make_booking(session, made, occurrence_ids=[made.occurrences[0].id])
        code = make_booking(
            session, made, occurrence_ids=[made.occurrences[0].id], places=2, waiting_mode="ask_me",
            needs={"codes": ["bsl", "interpreter", "quiet", "large_print"]},
        ).code  # fmt: skip
    person = another_browser(language)
    person.make_plan()
    if english:
        person.get("/?english=on")
    for path in ("/training", "/training?near=M14", f"/training/{made.slug}", f"/book/{code}"):
        answer = person.get(path, headers={"Accept-Encoding": "br"})
        assert len(answer.get_data()) + fixed <= 10_000, (path, len(answer.get_data()) + fixed)


def test_the_list_says_where_all_of_it_can_be_had_as_data(app: Flask, browser: Browser) -> None:
    page = browser.text("/training")
    assert 'href="/training.ics"' in page
    assert 'href="/api/openactive/sessions"' in page
    assert "There is no such session now." in page


def test_a_session_that_was_cancelled_says_so_and_takes_no_booking(app: Flask, browser: Browser) -> None:
    [slug] = offer(app, {"status": "cancelled"})
    assert titles(browser.text("/training")) == []
    assert "This session does not take place" in browser.text(f"/training/{slug}")
    answer = browser.send(f"/training/{slug}", "/training")
    assert answer.status_code == 422
    assert bookings.NOT_ON in answer.get_data(as_text=True)


def test_a_draft_and_an_unknown_session_answer_alike(app: Flask, browser: Browser) -> None:
    [slug] = offer(app, {"status": "draft"})
    draft, unknown = browser.get(f"/training/{slug}"), browser.get("/training/nothing")
    assert draft.status_code == unknown.status_code == 404
    same = draft.get_data(as_text=True).replace(slug, "nothing")
    assert same == unknown.get_data(as_text=True)


def test_what_comes_before_a_course_is_named_with_its_next_session(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        before = make_course(session, organisation_id=organisation.id, title="The taster")
        after = make_course(
            session, organisation_id=organisation.id, title="The bootcamp", comes_after_id=before.id
        )
        slug = make_session(session, course=after, organisation_id=organisation.id).slug
    assert "Before this:" not in browser.text(f"/training/{slug}")
    with app.app_context(), transaction() as session:
        first = make_session(session, course=session.merge(before), organisation_id=organisation.id).slug
    page = browser.text(f"/training/{slug}")
    assert "Before this:" in page
    assert f"/en/training/{first}" in page


@pytest.mark.parametrize(
    ("age", "adult", "words"),
    [("young", "Sam", "Under 16 and alone? Sam is there for you."), ("any", "", "Under 16? Bring an adult"),
     ("older", "", "")],
)  # fmt: skip
def test_a_session_says_who_is_there_for_somebody_young(
    app: Flask, browser: Browser, age: str, adult: str, words: str
) -> None:
    [slug] = offer(app, {"for_age": age, "responsible_adult": adult})
    page = browser.text(f"/training/{slug}")
    assert (words in page) if words else ("Under 16" not in page)


def test_a_step_of_my_plan_can_be_chosen(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        for title, steps in (("For my plan", "T6"), ("For others", "A1")):
            course = make_course(session, organisation_id=organisation.id, title=title, steps=steps)
            make_session(session, organisation_id=organisation.id, course=course)
    assert 'name="step"' not in browser.text("/training")
    browser.make_plan()
    page = browser.text("/training")
    choice = re.search(r'<select[^>]+name="step".*?</select>', page, re.S)
    assert choice
    mine = re.findall(r'<option value="([A-Z]+\d+)"', choice[0])
    assert 1 <= len(mine) <= 12
    step = mine[0]
    chosen = browser.text(f"/training?step={step}")
    assert f'<option value="{step}" selected>' in chosen
    # What was done is not offered any more; a step named by the address stays to be seen.
    assert browser.send(f"/roadmap/steps/{step}", do="done_alone").status_code == 303
    assert f'<option value="{step}"' not in browser.text("/training")
    assert f'<option value="{step}" selected>' in browser.text(f"/training?step={step}")
    assert browser.text(f"/training?step={step}").count('name="step"') == 1
    assert browser.get("/training?step=%27x").status_code == 200


def test_the_steps_of_a_plan_cost_the_same_few_queries(
    app: Flask, browser: Browser, statements: list[str]
) -> None:
    browser.make_plan()
    browser.get("/training")
    statements.clear()
    browser.get("/training")
    assert len(statements) <= 16, statements


def test_what_was_chosen_is_said_in_words_and_the_list_stands_before_no_form(
    app: Flask, browser: Browser
) -> None:
    offer(app, {"offers": "step_free"}, {})
    page = browser.text("/training?has=step_free&when=evening")
    assert "You chose:" in page
    assert "In the evening, from 17:00 · Step-free way in" in page
    assert "<details open>" not in page, "on a small screen an open form is many screens tall"
    assert "You chose:" not in browser.text("/training")
