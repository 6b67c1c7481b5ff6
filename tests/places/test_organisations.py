"""Programmes without an address: in the finder, under the kinds they have, in words that are translated."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask

from inclusion_app.core.i18n import source_words
from inclusion_app.places import organisations, pack
from inclusion_app.places.rules import KINDS
from tests.conftest import Browser

HEADING = "Also in the city, without a fixed address"


def below(html: str) -> str:
    """The section on the page, "" when there is none."""
    found = re.search(rf"<h2>{HEADING}</h2>(.*?)(?=<h2>|</main>)", html, re.S)
    return found[1] if found else ""


def named(html: str) -> list[str]:
    return re.findall(r'<h3><bdi lang="en">([^<]+)', below(html))


def test_every_programme_has_known_kinds_an_area_and_short_sentences() -> None:
    found = organisations.all_organisations()
    assert len(found) == 9
    for one in found:
        assert set(one.kinds) <= set(KINDS), one.name
        assert one.area, one.name
        assert not one.website or one.website.startswith("https://"), one.name
        for sentence in filter(None, re.split(r"[.?!]\s*", one.what)):
            assert len(sentence.split()) <= 15, sentence


def test_those_of_the_district_come_first_then_those_of_the_region() -> None:
    areas = [one.area for one in organisations.without_address(district="Salford", most=9)]
    assert areas[:4] == ["Salford", "Salford", "Greater Manchester", "Greater Manchester"]
    assert organisations.without_address()[0].area == "Manchester"
    assert len(organisations.without_address()) == organisations.MOST_SHOWN


@pytest.mark.parametrize("kind", sorted(organisations.kinds_without_address()))
def test_a_kind_shows_only_its_own_and_can_be_chosen(browser: Browser, kind: str) -> None:
    page = browser.text(f"/places?kind={kind}")
    expected = [one.name for one in organisations.without_address(kind)]
    assert expected
    assert [name.replace("&amp;", "&") for name in named(page)] == expected
    assert re.search(rf'<option value="{kind}" selected', page)


def test_a_kind_no_programme_has_shows_no_section(browser: Browser) -> None:
    page = browser.text("/places?kind=library")
    assert HEADING not in page


def test_the_empty_state_shows_them_too(browser: Browser) -> None:
    page = browser.text("/places?kind=device_bank&has=tools&has=computers")
    assert "We know no such place." in page
    assert "Trafford Libraries laptop lending" in named(page)


def test_each_says_area_phone_page_and_that_nobody_confirmed_it(browser: Browser) -> None:
    section = below(browser.text("/places?kind=device_bank"))
    assert '<bdi class="ltr"><a href="tel:01619123189">0161 912 3189</a></bdi>' in section
    assert '<a href="https://digitalinclusion.salford.gov.uk/" rel="noreferrer external">' in section
    assert '<bdi lang="en">Trafford</bdi>' in section
    assert "Not confirmed. Source of 26 March 2021" in section
    assert section.count("Not confirmed") == section.count("<h3>")


def test_somebody_in_salford_sees_salford_first(browser: Browser) -> None:
    assert named(browser.text("/places?near=M6"))[0] == "Digital Everyone, Salford City Council"


def test_their_sentences_are_collected_for_translation() -> None:
    text = b"name,what,opening_note\nOne,Free help.,\nTwo,,Ask first.\n"
    found = [words for _line, _kind, words, _notes in pack.extract_notes(io.BytesIO(text), (), (), {})]
    assert found == ["Free help.", "Ask first."]
    assert "city/*/organisations.csv" in (pack.CITY.parents[3] / "babel.cfg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("2024-02-01", "1 February 2024"),
        ("2024-02", "February 2024"),
        ("2024", "2024"),
        ("2024-13", "2024-13"),
        ("", ""),
    ],
)
def test_the_date_of_a_source_is_told_in_words(app: Flask, on: str, words: str) -> None:
    with app.test_request_context("/en/places"):
        assert source_words(on) == words
