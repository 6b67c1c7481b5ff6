"""Somebody helps at the person's own screen: the person's yes, what the helper is told, and the end of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
import time_machine
from flask import Flask

from inclusion_app.core.clock import today
from inclusion_app.core.db import transaction
from inclusion_app.core.sessions import VISIT_IDLE
from inclusion_app.roadmaps.helper_script import SCRIPTS
from inclusion_app.roadmaps.journeys import helper_agreed_on, read_answers
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.selfcheck import QUESTIONS
from tests.conftest import Browser


def begin(browser: Browser) -> None:
    assert browser.send("/roadmap/helper", agreed="y").status_code == 303


def stored(app: Flask) -> Roadmap:
    with app.app_context(), transaction() as session:
        found = session.query(Roadmap).one()
        session.expunge(found)
        return found


def test_the_way_to_it_stands_on_the_first_page_and_on_question_1(browser: Browser) -> None:
    for path in ("/", "/roadmap/check"):
        assert 'href="/en/roadmap/helper"' in browser.text(path)
    assert "helped" not in browser.text("/roadmap/check")  # one way, not two
    begin(browser)
    for path in ("/", "/roadmap/check"):
        assert 'href="/en/roadmap/helper"' not in browser.text(path)


def test_without_a_yes_nothing_begins(browser: Browser, app: Flask) -> None:
    answer = browser.send("/roadmap/helper")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert '<a href="#agreed">Ask the person first. Tick the box when they say yes.</a>' in html
    assert 'aria-describedby=" agreed-error"' in html
    assert 'id="agreed-error"' in html
    assert "Someone is helping you" not in browser.text("/")
    with app.app_context(), transaction() as session:
        assert session.query(Roadmap).count() == 0


def test_the_yes_is_kept_with_its_day_and_nothing_of_the_helper(browser: Browser, app: Flask) -> None:
    answer = browser.send("/roadmap/helper", agreed="y", name="Joan")
    assert answer.headers["Location"] == "/en/roadmap/check"
    assert stored(app).answers == {"helped": True, "helped_agreed_on": today().isoformat()}
    browser.make_plan()
    # A helper answering is a helper met.
    assert read_answers(stored(app).answers).helped
    assert helper_agreed_on(stored(app).answers) == today()
    assert "A helper answered the questions with you." in browser.text("/roadmap")


def test_a_plan_from_before_names_no_day() -> None:
    assert helper_agreed_on({"helped": True}) is None
    assert helper_agreed_on({"helped": True, "helped_agreed_on": "2026-11-23"}) == date(2026, 11, 23)


def test_the_answers_say_that_somebody_helped_and_on_which_day(browser: Browser) -> None:
    browser.make_plan()
    assert "Help with the answers" not in browser.text("/roadmap/answers")
    with time_machine.travel("2026-11-23 12:00", tick=False):
        browser.make_plan()
        assert browser.send("/roadmap/helper", agreed="y").headers["Location"] == "/en/roadmap"
        assert "You agreed to this on Monday 23 November 2026." in browser.text("/roadmap/answers")


def test_two_who_share_no_language_read_the_page_in_both(another_browser: Callable[..., Browser]) -> None:
    person = another_browser("ur")
    assert "The person decides every answer." in person.text("/roadmap/helper")
    assert "in-english" not in person.text("/roadmap/check")
    begin(person)
    assert "What do you want to do?" in person.text("/roadmap/check")
    person.send("/roadmap/helper/stop", form_on="/finish")
    assert "in-english" not in person.text("/roadmap/check")


@pytest.mark.parametrize("number", range(1, 13))
def test_each_question_tells_the_helper_what_to_ask(browser: Browser, number: int) -> None:
    path = f"/roadmap/check/{number}"
    script = SCRIPTS[QUESTIONS[number - 1].id]
    browser.make_plan()
    assert script.ask not in browser.text(path)
    begin(browser)
    page = browser.text(path)
    for sentence in (script.ask, script.say, script.avoid):
        assert sentence in page


def test_the_other_pages_have_their_words_too(browser: Browser) -> None:
    browser.make_plan(("g02", "g05"))
    begin(browser)
    for name, path in (("days", "/roadmap/check/days"), ("first", "/roadmap/check/first"), ("plan", "/roadmap"),
                       ("save", "/roadmap/save")):  # fmt: skip
        assert SCRIPTS[name].avoid in browser.text(path), name


def test_the_script_asks_nothing_twice_and_stays_short() -> None:
    asked = [script.ask for script in SCRIPTS.values()]
    assert len(asked) == len(set(asked)) == len(QUESTIONS) + 4
    for script in SCRIPTS.values():
        assert script.avoid.startswith("Do not ")
        for sentences in (script.ask, script.say, script.avoid):
            assert len(re.findall(r"[.?!]”?(?: |$)", sentences)) <= 3


def test_letters_are_larger_and_the_end_is_said(browser: Browser) -> None:
    assert 'class="larger"' not in browser.text("/")
    browser.make_plan()
    assert "The last things" not in browser.text("/roadmap")
    begin(browser)
    assert 'class="larger"' in browser.text("/")
    last = browser.text("/roadmap").split("The last things")[1]
    assert (
        last.index("Save the plan.")
        < last.index("Print the plan for the person")
        < last.index("Finish and clear")
    )
    assert "Give the paper to the person. Then:" in browser.text("/roadmap/print")
    browser.save_plan()
    assert "Save the plan." not in browser.text("/roadmap")
    assert '<a class="button" href="/en/finish">' in browser.text("/roadmap/code")


def test_stopping_keeps_the_answers_and_that_somebody_helped(browser: Browser, app: Flask) -> None:
    begin(browser)
    browser.make_plan()
    before = stored(app).answers
    answer = browser.send("/roadmap/helper/stop", form_on="/roadmap")
    assert answer.headers["Location"] == "/en/roadmap"
    assert "Someone is helping you" not in browser.text("/roadmap")
    assert stored(app).answers == before
    assert "A helper answered the questions with you." in browser.text("/roadmap")


def test_finish_clears_it(browser: Browser) -> None:
    begin(browser)
    assert "Someone is helping you" in browser.text("/")
    browser.send("/finish")
    assert "Someone is helping you" not in browser.text("/")


def test_after_a_visit_that_ended_it_begins_anew_and_says_so(browser: Browser) -> None:
    with time_machine.travel("2026-11-23 09:00", tick=False) as clock:
        browser.make_plan()
        clock.shift(VISIT_IDLE * 2)
        begin(browser)
        assert "Your visit ended after two hours." in browser.text("/roadmap/check")


def test_with_the_code_alone_no_helper_begins(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    alone = another_browser()
    alone.send("/come-back", code=code, pin="")
    assert alone.get("/roadmap/helper").status_code == 403
    assert alone.send("/roadmap/helper", form_on="/finish", agreed="y").status_code == 403
