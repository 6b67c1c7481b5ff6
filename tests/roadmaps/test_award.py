"""The digital challenge award: the same rules in a plan and on paper, given once, and nobody refused for their age."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

import pytest
from flask import Flask, g
from markupsafe import escape
from sqlalchemy import select

from inclusion_app.core import i18n
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import award, services
from inclusion_app.roadmaps.award_rules import LEVELS, Done, count, highest, is_reached, missing, offers_award
from inclusion_app.roadmaps.award_views import award_sheet_html
from inclusion_app.roadmaps.catalogue import AREAS, load_catalogue
from inclusion_app.roadmaps.queries import roadmap_of_resident
from inclusion_app.roadmaps.rules import StepState
from inclusion_app.training.models import Credential, WalkIn
from tests.conftest import Browser, StaffBrowser
from tests.factories.training import make_session
from tests.training.open_badges import faults

HELP, SHOW = StepState.DONE_WITH_HELP, StepState.CAN_SHOW
BRONZE, SILVER, GOLD = LEVELS


def test_each_level_is_reached_at_its_numbers_and_not_one_below() -> None:
    for level in LEVELS:
        whole = Done(level.steps, level.areas, level.sessions, level.shows)
        assert is_reached(level, whole) and missing(level, whole) == Done()
        for name in ("steps", "areas", "sessions", "shows"):
            if getattr(level, name):
                less = {part: getattr(whole, part) for part in ("steps", "areas", "sessions", "shows")}
                assert not is_reached(level, Done(**{**less, name: less[name] - 1}))
    assert [(level.steps, level.areas, level.sessions, level.shows) for level in LEVELS] == [
        (3, 2, 1, 0), (8, 3, 3, 0), (15, len(AREAS), 6, 1),
    ]  # fmt: skip


def test_what_was_known_before_or_set_aside_counts_nothing() -> None:
    states = {
        "F1": HELP, "F2": StepState.ALREADY_KNEW, "S1": SHOW, "S2": StepState.NOT_FOR_ME, "C1": StepState.DONE_ALONE,
        "H1": StepState.DOING, "ZZ": HELP,
    }  # fmt: skip
    assert count(states, award.area_of(), sessions=2) == Done(steps=3, areas=3, sessions=2, shows=1)


def test_more_is_never_less() -> None:
    for steps in range(0, 20, 3):
        before = highest(Done(steps, 6, 6, 1))
        after = highest(Done(steps + 1, 6, 6, 1))
        order = [None, *LEVELS]
        assert order.index(after) >= order.index(before)


def test_it_is_offered_to_who_is_young_or_has_not_said() -> None:
    assert all(offers_award(band) for band in (None, "under_13", "13_15", "16_17"))
    assert not offers_award("25_49")


# --- the page


def did(app: Flask, *steps: str, sessions: int, state: StepState = HELP) -> int:
    """The newest resident did these steps and came to so many sessions."""
    with app.app_context(), transaction() as session:
        person = session.scalars(select(Resident.id).order_by(Resident.id.desc())).first() or 0
        roadmap = roadmap_of_resident(session, person)
        assert roadmap is not None
        for step in steps:
            services.set_step_state(
                session, roadmap=roadmap, step_id=step, state=state, actor="test", now=now()
            )
        for number in range(sessions):
            date = make_session(session, days=[today()]).occurrences[0]
            session.add(
                WalkIn(occurrence_id=date.id, resident_id=person, marked_at=now(), form_key=f"{person} {date.id} {number}")
            )  # fmt: skip
        return person


def test_the_rules_are_published_to_everybody(browser: Browser) -> None:
    page = browser.text("/award")
    for said in ("Do 3 steps of the plan.", "Take them from 2 areas.", "Come to 1 session.", "Do 15 steps of the plan.",
                 "Show one step to others.", "Start a digital career"):  # fmt: skip
        assert said in page
    assert "Get this award" not in page


def test_a_plan_shows_what_is_missing_and_gives_what_is_reached_once(app: Flask, browser: Browser) -> None:
    browser.make_plan()
    browser.save_plan()
    did(app, "F1", "F2", sessions=0)
    page = browser.text("/award")
    assert "1 more step<" in page and "1 more session<" in page and "Get this award" not in page
    assert browser.send("/award", form_on="/finish", level="bronze").status_code == 422
    person = did(app, "S1", sessions=1)
    assert "Get this award" in browser.text("/award")
    for _press in range(2):
        answer = browser.send("/award", form_on="/finish", level="bronze")
        assert answer.location == "/en/award/bronze/certificate"
    for wrong in ("silver", "platinum", "", "\x00"):
        assert browser.send("/award", form_on="/finish", level=wrong).status_code == 422
    with app.app_context(), transaction() as session:
        (row,) = session.scalars(select(Credential)).all()
        assert (row.kind, row.level, row.resident_id) == ("award", "bronze", person)
    assert "You have this award" in browser.text("/award")
    found = re.search(r'href="(/en/certificates/[0-9a-f-]{36})"', browser.text("/award/bronze/certificate"))
    assert found
    assert "Yes. We gave this certificate." in browser.client.get(found[1]).get_data(as_text=True)
    said = browser.client.get(f"{found[1]}.json").get_json()["credential"]
    assert list(faults(said)) == []
    achieved = said["credentialSubject"]["achievement"]
    assert (achieved["achievementType"], achieved["id"]) == ("Award", "http://localhost/en/award#bronze")
    assert browser.get("/award/gold/certificate").status_code == 404


def test_strangers_and_codes_alone_see_the_rules_and_no_plan(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    did(app, "F1", "F2", "S1", sessions=1)
    alone = another_browser()
    alone.send("/come-back", code=code, pin="")
    for person in (alone, another_browser()):
        page = person.text("/award")
        assert "Get this award" not in page and "Still to do" not in page
        assert person.send("/award", form_on="/finish", level="bronze").status_code == 422
        assert person.get("/award/bronze/certificate").status_code == 404


# --- on paper


@pytest.fixture
def worker(staff_browser: Callable[..., StaffBrowser]) -> StaffBrowser:
    return staff_browser("group_facilitator")


def test_a_signed_sheet_reaches_what_a_plan_would(app: Flask, worker: StaffBrowser) -> None:
    once = re.search(r'name="once" value="([^"]+)"', worker.text("/staff/award"))[1]  # type: ignore[index]
    answer = worker.send("/staff/award", once=once, did=["F1", "F2"], show=["S1"], sessions="1")
    assert answer.status_code == 303
    page = worker.client.get(answer.location).get_data(as_text=True)
    assert "Bronze" in page and "Print the award" in page
    assert worker.send("/staff/award", once=once, did=["F1", "F2", "S1"], sessions="1").status_code == 422
    with app.app_context(), transaction() as session:
        (row,) = session.scalars(select(Credential)).all()
        assert (row.level, row.resident_id) == ("bronze", None)


@pytest.mark.parametrize(
    "typed",
    [
        {"did": ["F1", "F2"], "sessions": "1"},
        {"did": ["F1", "F2", "S1"], "sessions": ""},
        {"did": ["F1", "F2", "S1"], "sessions": "999"},
        {"did": ["F1", "F2", "S1"], "sessions": "1", "person": "22222222"},
        {"did": ["F1", "F2", "<b>", "\x00"], "sessions": "1"},
    ],
)
def test_a_sheet_that_is_not_enough_is_refused_and_keeps_its_ticks(
    app: Flask, worker: StaffBrowser, typed: dict[str, object]
) -> None:
    answer = worker.send("/staff/award", **typed)
    assert answer.status_code == 422
    assert 'id="did-F1" name="did" value="F1" checked' in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Credential)) is None


def test_a_sheet_with_a_code_counts_for_the_plan_once(
    app: Flask, browser: Browser, worker: StaffBrowser
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    for _sheet in range(2):
        answer = worker.send("/staff/award", did=["F1", "F2", "S1"], sessions="1", person=code)
        assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        assert len(session.scalars(select(Credential)).all()) == 1
    assert "You have this award" in browser.text("/award")


def test_only_who_works_with_young_people_types_in(staff_browser: Callable[..., StaffBrowser]) -> None:
    assert staff_browser("training_organiser").get("/staff/award").status_code == 200
    for role in ("caseworker", "front_desk", "insights_viewer"):
        assert staff_browser(role).get("/staff/award").status_code == 403
    unknown = staff_browser("group_facilitator").get("/staff/award/00000000-0000-4000-8000-000000000000")
    assert unknown.status_code == 404


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_sheet_has_every_step_and_level_in_both_languages(app: Flask, language: str) -> None:
    with app.test_request_context("/"):
        g.language = i18n.LANGUAGES[language]
        g.principal = Principal("stranger")
        html = award_sheet_html()
    for said in ("Turn it on and find your way round", "Steps: 15. Areas: 6. Sessions: 6.", "Signed by"):
        assert said in html
    assert f'lang="{language}"' in html


def test_the_sheet_and_the_page_it_is_typed_in_have_the_steps_in_one_order(
    app: Flask, worker: StaffBrowser
) -> None:
    with app.test_request_context("/"):
        g.language = i18n.LANGUAGES["en"]
        g.principal = Principal("stranger")
        html = award_sheet_html()
    typed = re.findall(r'name="did" value="(\w+)"', worker.text("/staff/award"))
    steps = load_catalogue().steps
    assert re.findall(r'<th scope="row">\s*<p>(.*?)</p>', html) == [
        str(escape(steps[step].title)) for step in typed
    ]
    areas = [steps[step].area for step in typed]
    assert [area for area, _same in groupby(areas)] == list(dict.fromkeys(areas)), "area by area"
    assert set(typed) == set(steps)
