"""What is said of when a place opens: days of the month, dates, undated lists, doors without staff."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import time_machine
from flask import Flask, g

from inclusion_app.core import i18n
from inclusion_app.core.db import transaction
from inclusion_app.places import queries, wording
from tests.conftest import Browser

WEDNESDAY = "2026-11-25 12:00"
RULE = "The third Saturday of each month, 10:00 to 12:00."


def rows(page: str) -> dict[str, str]:
    """The table of the week: what stands beside each day."""
    found = re.findall(r'<tr[^>]*><th scope="row">(\w+day).*?<td>(.*?)</td></tr>', page)
    return {day: re.sub(r"<[^>]+>", "", words) for day, words in found}


@time_machine.travel(WEDNESDAY, tick=False)
def test_a_place_of_one_saturday_a_month_says_when_in_words(browser: Browser) -> None:
    for slug, rule in (
        ("levenshulme-repair-cafe", RULE),
        ("cheadle-coderdojo", "The third Saturday of each month, 10:30 to 14:30"),
    ):
        page = browser.text(f"/places/{slug}")
        assert rule in page
        assert "Opens Saturday 19 December 10:" in page
        assert "Ask when it opens" not in page
        assert rows(page) == {}
    listed = browser.text("/places?kind=repair_cafe&near=Levenshulme")
    assert "Opens Saturday 19 December 10:00 (not confirmed)" in listed


@time_machine.travel("2026-12-16 12:00", tick=False)
def test_in_the_week_of_its_day_the_table_stands_under_the_rule(browser: Browser) -> None:
    page = browser.text("/places/levenshulme-repair-cafe")
    assert RULE in page
    assert rows(page)["Saturday"] == "10:00–12:00"
    assert "Opens Saturday 10:00 (not confirmed)" in page


@pytest.mark.parametrize(
    ("language", "rule"),
    [
        ("ur", "ہر مہینے کا تیسرا ہفتہ، 10:00 سے 12:00 تک۔"),
        ("ar", "يوم السبت الثالث من كل شهر، من 10:00 إلى 12:00."),
    ],
)
def test_the_rule_in_other_languages(
    another_browser: Callable[..., Browser], language: str, rule: str
) -> None:
    assert rule in another_browser(language).text("/places/levenshulme-repair-cafe")


@pytest.mark.parametrize(
    ("moment", "when"),
    [("2026-12-13 08:00", "Saturday 10:00"), ("2026-12-12 08:00", "Saturday 19 December 10:00")],
)
def test_a_day_more_than_six_days_ahead_has_its_date(browser: Browser, moment: str, when: str) -> None:
    with time_machine.travel(moment, tick=False):
        assert f"Opens {when} (not confirmed)" in browser.text("/places/levenshulme-repair-cafe")


def test_a_list_without_a_date_is_not_given_the_day_we_read_it(browser: Browser) -> None:
    page = browser.text("/places/levenshulme-repair-cafe")
    assert "a public list without a date. We read it on Monday 23 November 2026." in page
    assert "a public list of Monday" not in page
    assert "a public list of July 2023." in browser.text("/places/gorton-library")


def test_where_a_card_opens_the_door_a_day_is_without_staff_and_not_closed(browser: Browser) -> None:
    for slug in ("avenue-library-learning-centre", "gorton-library", "longsight-library-learning-centre"):
        page = browser.text(f"/places/{slug}")
        assert rows(page)["Sunday"] == "No staff", slug
        assert "<h2>Staffed hours</h2>" in page
    for slug in ("withington-library", "forum-library-wythenshawe"):
        page = browser.text(f"/places/{slug}")
        assert rows(page)["Sunday"] == "No staff", slug
        # Its week holds the hours without staff too.
        assert "<h2>Opening times</h2>" in page
    assert rows(browser.text("/places/central-library"))["Sunday"] == "Closed"


@time_machine.travel("2026-11-25 22:00", tick=False)
def test_a_card_and_a_list_warn_of_hours_without_staff(browser: Browser) -> None:
    warning = "For some of these hours there may be no staff."
    browser.make_plan()
    browser.send("/places", near="M20 3BN")
    for path in ("/roadmap", "/places?near=mine&kind=library"):
        page = browser.text(path)
        assert "Opens Thursday 8:00" in page
        assert warning in page, path


@time_machine.travel(WEDNESDAY, tick=False)
def test_the_words_for_paper_are_in_both_languages(app: Flask) -> None:
    with app.test_request_context("/ur/"), transaction() as session:
        g.language = i18n.LANGUAGES["ur"]
        cafe = queries.place_by_slug(session, "levenshulme-repair-cafe")
        assert cafe
        assert wording.rule_words(cafe) == [("ہر مہینے کا تیسرا ہفتہ، 10:00 سے 12:00 تک۔", RULE)]
        own, english = wording.hours_source_words(cafe)
        assert "without a date" in english
        assert "تاریخ نہیں" in own
        gorton = queries.place_by_slug(session, "gorton-library")
        assert gorton
        assert wording.closed_text(gorton) == "No staff"
        assert wording.self_service_text(gorton)
        assert wording.rule_words(gorton) == []


@time_machine.travel(WEDNESDAY, tick=False)
def test_the_paper_says_the_rule_and_no_week_of_closed(browser: Browser) -> None:
    browser.make_plan(("g12",))
    browser.send("/roadmap/steps/M1", do="pin")
    browser.send("/places", near="M19 3QE")
    page = browser.text("/roadmap/print")
    assert "Levenshulme Repair Cafe" in page
    assert RULE in page
    assert 'class="week"' not in page
