"""A visit that ended: every page says so, what was typed is kept, nothing is made or lost in silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.roadmaps.models import Roadmap
from tests.conftest import Browser

ENDED = "Your visit has ended"


@pytest.fixture
def later(browser: Browser) -> Iterator[dict[str, str]]:
    """Forms opened before the visit ended, by their path; the clock then stands two hours on."""
    browser.make_plan(("g02", "g04"))
    paths = (
        "/roadmap/check",
        "/roadmap/check/5",
        "/roadmap/check/days",
        "/roadmap/steps/A3",
        "/roadmap/goals",
        "/places?for=plan",
    )
    token = {path: browser.text(path).split('name="csrf_token" value="')[1].split('"')[0] for path in paths}
    with time_machine.travel(now() + timedelta(hours=2, minutes=1)):
        yield token


def plans(app: Flask) -> list[Roadmap]:
    with app.app_context(), transaction() as session:
        return session.query(Roadmap).all()


def test_an_answer_is_kept_and_it_is_said_that_the_others_are_gone(
    browser: Browser, app: Flask, later: dict[str, str]
) -> None:
    data = {"answer": "alone", "csrf_token": later["/roadmap/check/5"]}
    answer = browser.client.post("/en/roadmap/check/5", data=data)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/roadmap/check")
    page = browser.text("/roadmap/check")
    assert "Your visit ended after two hours. Your other answers are gone." in page
    assert "We kept the answer you just gave." in page
    assert "Your other answers are gone" not in browser.text("/roadmap/check")
    assert 'value="alone" checked' in browser.text("/roadmap/check/5")
    assert [plan.answers["q5"] for plan in plans(app)] == ["alone"]


def test_the_first_question_goes_on_from_there(browser: Browser, later: dict[str, str]) -> None:
    data = {"answer": ["g04"], "csrf_token": later["/roadmap/check"]}
    answer = browser.client.post("/en/roadmap/check", data=data)
    assert answer.headers["Location"].endswith("/roadmap/check/days")
    assert "Your other answers are gone." in browser.text("/roadmap/check/days")


def test_a_wrong_answer_keeps_what_was_typed(browser: Browser, app: Flask, later: dict[str, str]) -> None:
    data = {"answer": ["g01", "g02", "g03", "g04"], "csrf_token": later["/roadmap/check"]}
    answer = browser.client.post("/en/roadmap/check", data=data)
    assert answer.status_code == 422
    assert answer.get_data(as_text=True).count(" checked") == 4


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/roadmap/steps/A3", {"do": "doing"}),
        ("/roadmap/steps/A3/not-for-me", {"dependants": "keep"}),
        ("/roadmap/goals", {"goal": "g08"}),
        ("/roadmap/goals/g02", {"mode": "together"}),
        ("/roadmap/settings", {"minutes": "30"}),
        ("/roadmap/check/new", {}),
        ("/roadmap/check/days", {"g04": ["1", "1", "2030"]}),
    ],
)
def test_a_change_of_a_plan_that_is_gone_makes_no_other(
    browser: Browser, app: Flask, later: dict[str, str], path: str, data: dict[str, str]
) -> None:
    before = len(plans(app))
    answer = browser.client.post(f"/en{path}", data={**data, "csrf_token": later["/roadmap/goals"]})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert ENDED in page
    assert "changed nothing" in page
    assert "/come-back" in page
    assert len(plans(app)) == before


@pytest.mark.parametrize(
    "path", ["/roadmap", "/roadmap/check/5", "/roadmap/answers", "/roadmap/save", "/roadmap/print", "/roadmap/check/days"]
)  # fmt: skip
def test_every_page_of_the_plan_says_so(browser: Browser, later: dict[str, str], path: str) -> None:
    assert ENDED in browser.get(path, follow_redirects=True).get_data(as_text=True)


def test_a_step_page_says_so_and_the_first_question_begins(browser: Browser, later: dict[str, str]) -> None:
    assert ENDED in browser.text("/roadmap/steps/A3")
    assert browser.get("/roadmap/check").status_code == 200


def test_an_area_for_a_plan_that_is_gone_says_so_and_begins_nothing(
    browser: Browser, app: Flask, later: dict[str, str]
) -> None:
    data = {"near": "M14 5RQ", "for": "plan", "csrf_token": later["/places?for=plan"]}
    answer = browser.client.post("/en/places", data=data)
    assert answer.status_code == 422
    assert ENDED in answer.get_data(as_text=True)
    assert ENDED in browser.text("/roadmap")
