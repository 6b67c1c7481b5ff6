"""What stands by a step besides its own words: offers, telephone lines, notes, and the free computer until then."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.rules import Answers, Device
from inclusion_app.roadmaps.wording import (
    SHARED_NOTE,
    how_sure,
    line_words,
    notes_for,
    notes_for_step,
    until_then,
)
from tests.conftest import Browser

SHARED = Answers(devices=frozenset({Device.SHARED}))
OWN = Answers(devices=frozenset({Device.SMARTPHONE}))
WAITING = "Waiting for a decision to stay? Ask an adviser before you claim or apply."


def keys(rows: tuple[object, ...]) -> list[str]:
    return [row.key for row in rows]  # type: ignore[attr-defined]


def test_a_goal_has_the_lines_that_fit_it_the_most_direct_first() -> None:
    catalogue = load_catalogue()
    assert keys(catalogue.phone_lines_for_goal("g05")) == ["uc_helpline", "help_to_claim"]
    assert keys(catalogue.phone_lines_for_goal("g09")) == ["scam_7726", "report_fraud", "scam_159"]
    assert catalogue.phone_lines_for_goal("g12") == ()


def test_help_with_a_new_claim_stands_by_the_claim_and_the_helpline_by_the_account() -> None:
    catalogue = load_catalogue()
    lines = {step: catalogue.phone_line_for(step) for step in ("U1", "U2", "T6", "T7", "S5")}
    assert {step: line and line.key for step, line in lines.items()} == {
        "U1": "help_to_claim",
        "U2": "uc_helpline",
        "T6": None,  # urgent health help does not set up an app
        "T7": "nhs_111",
        "S5": "scam_159",
    }


def test_a_sheet_gets_three_lines_at_most_one_for_each_goal_before_a_second() -> None:
    catalogue = load_catalogue()
    assert keys(catalogue.phone_lines_for_goals(["g09", "g05", "g08"])) == [
        "scam_7726",
        "uc_helpline",
        "manchester_cost_of_living_line",
    ]
    assert keys(catalogue.phone_lines_for_goals(["g05", "g02"])) == [
        "uc_helpline",
        "help_to_claim",
        "nhs_111",
    ]
    assert keys(catalogue.phone_lines_for_goals(["g04", "g11"])) == ["national_careers_service"]
    assert keys(catalogue.phone_lines_for_goals(["g05", "g05"], most=1)) == ["uc_helpline"]
    assert catalogue.phone_lines_for_goals([]) == ()


def test_what_is_the_phone_line_of_a_step_is_not_offered_once_more() -> None:
    catalogue = load_catalogue()
    for step in catalogue.steps:
        line = catalogue.phone_line_for(step)
        assert line is None or line.key not in keys(catalogue.offers_for(step))


def test_every_offer_is_shown_by_some_step() -> None:
    catalogue = load_catalogue()
    shown = {offer.key for step in catalogue.steps for offer in catalogue.offers_for(step)}
    lines = {line.key for step in catalogue.steps if (line := catalogue.phone_line_for(step))}
    assert {offer.key for offer in catalogue.offers} <= shown | lines
    assert len(catalogue.offers) == 33


def test_a_line_says_how_to_reach_it(app: Flask) -> None:
    lines = {line.key: line for line in load_catalogue().lines}
    with app.test_request_context("/en/"):
        said = {key: (line.link, re.sub("<[^>]*>", "", line_words(line))) for key, line in lines.items()}
    assert said["uc_helpline"] == ("tel:08003285644", "Call 0800 328 5644")
    assert said["scam_7726"] == ("sms:7726", "Text 7726")
    assert said["shout_text"] == ("sms:85258", "Text SHOUT to 85258")
    assert said["bsl_999"] == ("https://999bsl.co.uk", "Open 999bsl.co.uk (another website)")
    assert lines["relay_uk"].link == ""


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_a_number_is_one_piece_in_every_language(app: Flask, language: str) -> None:
    line = load_catalogue().phone_line_for("U1")
    assert line
    with app.test_request_context(f"/{language}/"):
        assert '<bdi class="ltr">0800 144 8444</bdi>' in line_words(line)


def test_no_sentence_holds_a_number_with_gaps() -> None:
    # In a line from right to left its groups would change places.
    catalogue = load_catalogue()
    for offer in catalogue.offers:
        for text in (offer.what, offer.who, offer.without_internet):
            assert not re.search(r"\d+ \d+", text), offer.key


def test_sources_are_named_with_their_day_or_the_day_we_read_them(app: Flask) -> None:
    catalogue = load_catalogue()
    adviceline, claim = catalogue.phone_line_for("A7"), catalogue.phone_line_for("U1")
    assert adviceline
    assert claim
    with app.test_request_context("/en/"):
        dated, undated = (re.sub("<[^>]*>", "", how_sure(row)) for row in (adviceline, claim))
    assert dated == "Not confirmed. Source seen: 5 May 2020. mail.cabwiltshire.org.uk"
    said = "Not confirmed. Its source has no date. We read it on 23 November 2026. rutland.gov.uk"
    assert undated == said


def test_who_shares_a_device_is_told_not_to_bank_on_it() -> None:
    steps = load_catalogue().steps
    assert SHARED_NOTE in notes_for(SHARED, [])
    assert SHARED_NOTE not in notes_for(OWN, [])
    assert {key for key, step in steps.items() if SHARED_NOTE in notes_for_step(step, SHARED)} == {
        "T2",
        "T3",
        "U1",
    }
    assert not any(
        SHARED_NOTE in notes_for_step(step, answers) for step in steps.values() for answers in (OWN, None)
    )


def test_steps_where_people_claim_or_apply_always_name_the_adviser() -> None:
    steps = load_catalogue().steps
    assert {key for key, step in steps.items() if WAITING in notes_for_step(step, None)} == {"U1", "U2", "W3"}


def plan_with_shared_device(browser: Browser, *goals: str) -> None:
    browser.send("/roadmap/check", answer=list(goals))
    browser.send("/roadmap/check/2", answer=["shared"])
    browser.send("/roadmap/check/3", answer="sometimes")


def test_plan_step_and_paper_carry_the_notes_and_the_way_without_the_internet(browser: Browser) -> None:
    plan_with_shared_device(browser, "g05", "g07")
    page = browser.text("/roadmap")
    for text in (SHARED_NOTE, WAITING, "You may claim by phone.", "tel:08003285644", "tel:08001448444"):
        assert text in page
    assert SHARED_NOTE in browser.text("/roadmap/steps/T2")
    assert WAITING in browser.text("/roadmap/steps/U2")
    assert SHARED_NOTE in browser.text("/roadmap/print")
    goal = browser.text("/roadmap/goals/g05")
    assert (
        goal.index("You may claim by phone.") < goal.index("tel:08003285644") < goal.index("tel:08001448444")
    )


def test_who_has_an_own_device_reads_no_such_note(browser: Browser) -> None:
    browser.make_plan(("g07",))
    for path in ("/roadmap", "/roadmap/steps/T2", "/roadmap/print"):
        assert SHARED_NOTE not in browser.text(path)


def test_the_free_sim_is_asked_for_and_the_computer_until_then_is_a_line_of_its_own(browser: Browser) -> None:
    browser.make_plan()
    step = browser.text("/roadmap/steps/A3")
    assert "Until then, use a free computer at any library." in step
    browser.send("/places", near="M14 5RQ", **{"for": "plan"})
    for page in (browser.text("/roadmap/steps/A3"), browser.text("/roadmap")):
        assert "Ask here for a free data SIM" in page
        assert len(re.findall("Until then, use a free computer at <bdi", page)) == 1
    device = browser.text("/roadmap/steps/A1")
    assert "Nearest for this step: Library" in device
    assert "Until then, use a free computer at <bdi" in device


def test_only_a_device_and_data_take_until_then(app: Flask) -> None:
    with app.test_request_context("/en/"):
        assert {step for step in load_catalogue().steps if until_then(step, None)} == {"A1", "A3"}


def test_for_the_bank_the_branch_is_named_and_no_place(browser: Browser) -> None:
    browser.make_plan(("g07",))
    browser.send("/places", near="M14 5RQ", **{"for": "plan"})
    page = browser.text("/roadmap/steps/T3")
    assert "Ask at your bank’s branch." in page
    assert "Nearest for this step" not in page
    assert "At your bank’s branch, or with one person who helps you" in page


def test_a_claim_goes_to_the_jobcentre_and_a_library(browser: Browser) -> None:
    browser.make_plan(("g05",))
    browser.send("/places", near="M14 5RQ", **{"for": "plan"})
    page = browser.text("/roadmap/steps/U1")
    assert page.index("Nearest for this step: Jobcentre") < page.index("Nearest for this step: Library")


def test_a_step_done_for_me_says_who_needs_the_device(browser: Browser) -> None:
    browser.send("/roadmap/check", answer=["g02"])
    browser.send("/roadmap/check/2", answer=["none"])
    browser.send("/roadmap/check/3", answer="no")
    browser.send("/roadmap/check/4", answer=["not_wanted"])
    says = "That person needs the device, not you."
    assert says in browser.text("/roadmap/steps/T7")
    assert says not in browser.text("/roadmap/steps/A1")


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_not_safe_names_each_line_with_hours_cost_and_source(
    another_browser: Callable[..., Browser], language: str
) -> None:
    page = another_browser(language).text("/not-safe")
    catalogue = load_catalogue()
    assert len(catalogue.unsafe_lines()) == 17
    for line in catalogue.unsafe_lines():
        assert line.link in page
        assert f'<bdi lang="en">{line.name}</bdi>' in page
        assert line.site in page
    before, deaf = page.split('<h2 id="deaf">')
    for key in ("bsl_999", "relay_uk", "emergency_sms", "refuge_bsl"):
        name = next(line.name for line in catalogue.lines if line.key == key)
        assert name in deaf
        assert name not in before
    if language == "en":
        assert page.count("Not confirmed.") == 17
        assert page.count("Free.") + page.count("Cost not known.") == 17


def test_the_rule_stands_on_its_page_in_thirteen_points(browser: Browser) -> None:
    page = browser.text("/how-plans-are-made")
    assert len(re.findall("<li><h3>", page)) == 13
    for text in (
        "A device you share counts as a device",  # what they have
        "Then we do not guess that you can.",  # 3
        "The rule never chooses them.",  # 10
        "From three members up",  # 12
    ):
        assert text in page
