"""Two change one plan at the same time, or one person sends a form twice: nothing is lost, nothing is done twice."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from flask import Flask

from inclusion_app.core.db import transaction
from inclusion_app.roadmaps import views
from inclusion_app.roadmaps.models import Roadmap, StepProgress
from tests.conftest import Browser


def stored(app: Flask) -> Roadmap:
    with app.app_context(), transaction() as session:
        return session.query(Roadmap).one()


def at_once(monkeypatch: pytest.MonkeyPatch, first: Callable[[], int], second: Callable[[], int]) -> None:
    """Run two requests so that both have read the plan before either changes it, where the engine lets them."""
    both_have_read = threading.Barrier(2)
    real = views.visit_for_change

    def slow(*given: object) -> object:
        # On SQLite the second is still waiting for the write lock: it is alone from its first statement on.
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_read.wait(timeout=1)
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(views, "visit_for_change", slow)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda do=do: answers.append(do())) for do in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303, 303]


def prepared(browser: Browser, path: str, form_on: str, **data: object) -> Callable[[], int]:
    """A form that was opened before and is sent later."""
    token = browser.text(form_on).split('name="csrf_token" value="')[1].split('"')[0]
    return lambda: browser.client.post(f"/en{path}", data={**data, "csrf_token": token}).status_code


CHANGES = [
    (("/roadmap/steps/C1", {"do": "pin"}), ("/roadmap/steps/C2", {"do": "pin"})),
    (("/roadmap/goals/g02", {"mode": "together"}), ("/roadmap/goals/g03", {"mode": "for_me"})),
    (("/roadmap/steps/A3", {"do": "doing"}), ("/roadmap/steps/F1", {"do": "done_alone"})),
    (("/roadmap/check/5", {"answer": "alone"}), ("/roadmap/check/7", {"answer": "with_help"})),
]


@pytest.mark.parametrize(("one", "other"), CHANGES)
def test_of_two_changes_at_once_both_survive(
    service_on_both: Flask,
    monkeypatch: pytest.MonkeyPatch,
    one: tuple[str, dict[str, str]],
    other: tuple[str, dict[str, str]],
) -> None:
    here, there = Browser(service_on_both), Browser(service_on_both)
    here.make_plan(("g02", "g03"))
    code = here.save_plan()
    assert there.send("/come-back", code=code, pin="4071").status_code == 303
    sends = [prepared(person, path, path, **data) for person, (path, data) in ((here, one), (there, other))]
    at_once(monkeypatch, *sends)
    plan = stored(service_on_both)
    if "mode" in one[1]:
        assert plan.choices["modes"] == {"g02": "together", "g03": "for_me"}
    elif one[1].get("do") == "pin":
        assert sorted(plan.choices["pins"]) == ["C1", "C2"]
    elif "answer" in one[1]:
        assert (plan.answers["q5"], plan.answers["q7"]) == ("alone", "with_help")
    else:
        assert {row.step_id: row.status for row in plan.progress} == {"A3": "doing", "F1": "done_alone"}


TWICE = [
    ("/roadmap/steps/A3", {"do": "doing"}),
    ("/roadmap/steps/A3", {"do": "done_with_help"}),
    ("/roadmap/steps/A3", {"do": "pin"}),
    ("/roadmap/steps/A3", {"do": "unpin"}),
    ("/roadmap/steps/D2", {"do": "add"}),
    ("/roadmap/steps/T7", {"do": "not_for_me"}),
    ("/roadmap/goals/g02", {"extra": "H2"}),
    ("/roadmap/goals/g02", {"mode": "together"}),
    ("/roadmap/goals", {"goal": "g08"}),
    ("/roadmap/goals", {"goal": "g08", "up": "2"}),
    ("/roadmap/goals", {"goal": "g03", "remove": "1"}),
    ("/roadmap/check/4", {"answer": ["money"]}),
    ("/roadmap/check/4", {"skip": "1"}),
    ("/roadmap/check/new", {}),
    ("/roadmap/settings", {"library": "yes", "minutes": "30"}),
]


@pytest.mark.parametrize(("path", "data"), TWICE)
def test_a_form_sent_twice_does_once_what_it_says(
    browser: Browser, app: Flask, path: str, data: dict[str, str]
) -> None:
    browser.make_plan(("g02", "g03"))
    browser.send("/roadmap/goals", goal="g04")
    if data.get("up"):
        browser.send("/roadmap/goals", goal="g08")
    browser.text("/roadmap")
    seen = []
    form_on = "/roadmap/check" if path.endswith("/new") else "/roadmap" if path.endswith("settings") else path
    for _ in range(2):
        assert browser.send(path, form_on, **data).status_code == 303
        plan = stored(app)
        seen.append((plan.answers, plan.choices, {row.step_id: row.status for row in plan.progress}))
    assert seen[0] == seen[1]
    with app.app_context(), transaction() as session:
        steps = [row.step_id for row in session.query(StepProgress)]
        assert len(steps) == len(set(steps))
    assert browser.text("/roadmap").count('role="status"') <= 1
