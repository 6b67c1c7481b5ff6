"""One clear thing for each state of a step, and no button that would change nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from flask import Flask

from inclusion_app.core.db import transaction
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.moves import moves
from inclusion_app.roadmaps.rules import DONE, StepState
from tests.conftest import Browser

CASES = list(itertools.product((None, *StepState), (True, False), (True, False), (True, False)))


@pytest.mark.parametrize(("state", "in_plan", "known", "pinned"), CASES)
def test_no_move_is_offered_twice_or_in_vain(
    state: StepState | None, in_plan: bool, known: bool, pinned: bool
) -> None:
    found = moves(state, in_plan=in_plan, known=known, pinned=pinned)
    offered = [move.do for move in (*found.first, *found.done, *found.move)]
    assert len(offered) == len(set(offered))
    assert found.now
    assert len(found.first) <= 2
    if state is not None:
        assert state.value not in offered
    if state in {None, StepState.NOT_STARTED}:
        assert "not_started" not in offered
    assert not {"pin", "unpin"} <= set(offered)
    if state in DONE or (not in_plan and state is not StepState.DOING):
        assert not {"pin", "unpin"} & set(offered)  # a pin moves only what stands in the plan


@pytest.mark.parametrize(
    ("state", "in_plan", "first"),
    [
        (None, True, ["doing"]),
        (StepState.DOING, True, ["done_with_help", "done_alone"]),
        (StepState.DONE_ALONE, False, []),
        (StepState.NOT_FOR_ME, False, ["add"]),
        (None, False, ["add", "doing"]),
    ],
)
def test_the_first_button_fits_the_state(state: StepState | None, in_plan: bool, first: list[str]) -> None:
    assert [move.do for move in moves(state, in_plan=in_plan, known=False, pinned=False).first] == first


def test_the_page_follows_the_step(browser: Browser) -> None:
    browser.make_plan()
    page = browser.text("/roadmap/steps/A3")
    assert "You have not started this step." in page
    assert 'value="not_started"' not in page
    browser.send("/roadmap/steps/A3", do="doing")
    page = browser.text("/roadmap/steps/A3")
    assert "You are doing this step now." in page
    assert 'value="doing"' not in page
    browser.send("/roadmap/steps/A3", do="done_with_help")
    page = browser.text("/roadmap/steps/A3")
    assert "You have done this with help." in page
    assert "Go on with my plan" in page
    assert 'value="done_with_help"' not in page


def test_every_reason_stands_on_the_step_page_and_the_first_on_the_card(browser: Browser) -> None:
    browser.make_plan()
    page, plan = browser.text("/roadmap/steps/A3"), browser.text("/roadmap")
    assert "Why is this here?" in page
    for reason in ("This answers what you told us: My data runs out.", "You need this for a later step"):
        assert reason in page
    card = plan[plan.index('class="card"') : plan.index("</form>", plan.index('class="card"'))]
    assert "My data runs out" in card
    assert "You need this for" not in card


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ((), "D2"),  # nothing asked for it
        ((), "H2"),  # an extra of the goal
        (("done_alone",), "T6"),  # done, and to be done again
        (("already_knew",), "D2"),  # known, and no goal needs it
        (("doing", "not_for_me"), "T7"),
    ],
)
def test_what_is_added_is_in_the_plan(
    browser: Browser, app: Flask, before: tuple[str, ...], step: str
) -> None:
    browser.make_plan(("g02",))
    for do in before:
        browser.send(f"/roadmap/steps/{step}", do=do)
    assert f'id="s-{step}"' not in browser.text("/roadmap") or "doing" in before
    assert browser.send(f"/roadmap/steps/{step}", do="add").status_code == 303
    assert f'id="s-{step}"' in browser.text("/roadmap")
    with app.app_context(), transaction() as session:
        choices = session.query(Roadmap).one().choices
        assert choices.get("extras", []) == ([["g02", "H2"]] if step == "H2" else [])


def test_who_has_no_plan_is_led_to_one(browser: Browser) -> None:
    page = browser.text("/roadmap/steps/A3")
    assert 'name="do"' not in page
    assert "Make my plan" in page


def three_pinned(browser: Browser) -> None:
    browser.make_plan()
    for step in ("C1", "C2", "C3"):
        browser.send(f"/roadmap/steps/{step}", do="pin")


@pytest.mark.parametrize(("step", "do"), [("T6", "pin"), ("D2", "add")])
def test_a_fourth_pin_names_the_three_and_one_can_make_room(
    browser: Browser, app: Flask, step: str, do: str
) -> None:
    three_pinned(browser)
    refused = browser.send(f"/roadmap/steps/{step}", do=do)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "<title>Error:" in page
    assert 'href="#do"' in page
    for title in ("Set up your own email", "Send messages and photos", "Make a video call"):
        assert f": {title}</span></button>" in page
    for _ in range(2):  # sent twice it does the same
        assert browser.send(f"/roadmap/steps/{step}", do=do, instead="C2").status_code == 303
        with app.app_context(), transaction() as session:
            assert session.query(Roadmap).one().choices["pins"] == ["C1", "C3", step]


def test_what_was_refused_changed_nothing(browser: Browser, app: Flask) -> None:
    three_pinned(browser)
    assert browser.send("/roadmap/steps/T6", do="pin", instead="F1").status_code == 422
    with app.app_context(), transaction() as session:
        assert session.query(Roadmap).one().choices["pins"] == ["C1", "C2", "C3"]


def test_a_refusal_shows_the_step_as_it_is(browser: Browser) -> None:
    browser.make_plan()
    browser.send("/roadmap/steps/K1", do="already_knew")
    for step in ("C2", "C3", "T6"):
        browser.send(f"/roadmap/steps/{step}", do="pin")
    refused = browser.send("/roadmap/steps/K1", do="add")
    assert refused.status_code == 422
    assert "You knew this already." in refused.get_data(as_text=True)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("for_me", "Never give a helper your PIN or password."),
        ("together", "Sit side by side."),
    ],
)
def test_who_does_it_is_said_on_goal_card_and_step(browser: Browser, mode: str, says: str) -> None:
    browser.make_plan(("g02",))
    assert says not in browser.text("/roadmap/goals/g02")
    browser.send("/roadmap/goals/g02", mode=mode)
    for page in ("/roadmap/goals/g02", "/roadmap", "/roadmap/steps/T7"):
        assert says in browser.text(page), page


def test_goals_move_to_the_place_the_page_named(browser: Browser, app: Flask) -> None:
    browser.make_plan(("g02", "g03", "g04"))
    for _ in range(2):
        assert browser.send("/roadmap/goals", goal="g04", up="2").status_code == 303
    for place in ("3", "0", "99"):
        browser.send("/roadmap/goals", goal="g04", up=place)
    assert browser.send("/roadmap/goals", goal="g04", up="-1").status_code == 422
    with app.app_context(), transaction() as session:
        assert session.query(Roadmap).one().answers["q1"] == ["g02", "g04", "g03"]


def test_a_code_alone_is_led_to_pin_or_pictures_with_the_code_filled_in(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    other = another_browser()
    assert code not in other.text("/come-back")
    other.send("/come-back", code=code, pin="")
    for closed in (
        "/roadmap/check",
        "/roadmap/check/5",
        "/roadmap/goals",
        "/roadmap/save",
        "/roadmap/print",
        "/roadmap/code",
    ):
        answer = other.get(closed)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 403, closed
        assert "Type your PIN or choose your pictures" in page, closed
        assert "/en/come-back" in page
        assert code not in page
    for way in ("/come-back", "/come-back?with=pictures"):
        assert f'value="{code}"' in other.text(way)
    assert other.send("/come-back", code=code, pin="4071").status_code == 303
    assert code not in other.text("/come-back")
    stranger = another_browser().get("/roadmap/code").get_data(as_text=True)
    assert "This page is not open to you" in stranger
