"""The sheet of the places in a ward."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from inclusion_app.core import paper
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.places import queries
from inclusion_app.places.names import ward_slug
from inclusion_app.places.place_sheet import ENOUGH
from inclusion_app.places.rules import FACILITIES
from tests.conftest import Browser


def names_on(html: str) -> list[str]:
    return re.findall(r'<h3 lang="en" dir="ltr">([^<]+)', html)


def test_the_places_of_a_ward_with_what_helps_to_choose(browser: Browser) -> None:
    html = browser.text("/places/areas/gorton-and-abbey-hey/print")
    assert names_on(html) == ["Gorton Hub", "Gorton Library", "HideOut Youth Zone"]
    for words in ("Places that can help you", "Gorton &amp; Abbey Hey", "In this ward", "Library", "M18 8HE",
                  "Opening times this week", "Computers to use", "These times come from a public list of",
                  "Not confirmed. Source seen:", "Printed on", "Ask us if this is old.",
                  "localhost/en/places/areas/gorton-and-abbey-hey/print"):  # fmt: skip
        assert words in html, words
    assert "outside" not in html
    assert 'href="/en/places/areas/gorton-and-abbey-hey/sheet.pdf"' in html
    assert 'href="/en/places/areas/gorton-and-abbey-hey/print?size=large"' in html


def test_the_pdf_has_the_same_words(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: asked.append(html) or b"%PDF-")
    answer = browser.get("/places/areas/hulme/sheet.pdf?size=large")
    assert answer.headers["Content-Disposition"] == 'inline; filename="places-hulme.pdf"'
    assert 'class="sheet sheet--large"' in asked[0]
    assert names_on(asked[0]) == names_on(browser.text("/places/areas/hulme/print"))


def test_a_full_paper_service_offers_the_print_page_of_the_ward(browser: Browser) -> None:
    answer = browser.get("/places/areas/hulme/sheet.pdf")
    assert answer.status_code == 503
    assert 'href="/en/places/areas/hulme/print"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("name", ["sheet.pdf", "print"])
@pytest.mark.parametrize("ward", ["nowhere", "Hulme", "gorton"])
def test_no_such_ward(browser: Browser, ward: str, name: str) -> None:
    assert browser.get(f"/places/areas/{ward}/{name}").status_code == 404


def test_where_few_are_known_the_nearest_outside_stand_there_and_it_says_so(browser: Browser) -> None:
    few, none = browser.text("/places/areas/hulme/print"), browser.text("/places/areas/ardwick/print")
    assert len(names_on(few)) == len(names_on(none)) == ENOUGH
    assert few.index("In this ward") < few.index("Hulme High Street Library") < few.index("Near, but outside")
    assert "We know few places in this ward." in few
    assert "In this ward" not in none
    assert "We know no place in this ward." in none


def test_the_nearest_outside_are_the_nearest(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        for ward in queries.all_wards(session, of_the_city=True):
            inside, outside = queries.ward_places(session, ward, now=now())
            assert {found.place.ward_id for found in inside} <= {ward.id}
            assert ward.id not in {found.place.ward_id for found in outside}
            assert len(outside) == max(0, ENOUGH - len(inside)), ward.name
            far = [found.metres for found in outside if found.metres is not None]
            assert far == sorted(far)


def test_what_is_known_not_to_be_there_is_said_in_words(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        place = queries.place_by_slug(session, "gorton-library")
        assert place
        place.facilities[0].value, name = "no", place.facilities[0].name
        place.phone = "0161 227 3774"
    html = browser.text("/places/areas/gorton-and-abbey-hey/print")
    assert f"No: {FACILITIES[name]}" in html
    assert "0161 227 3774" in html


def test_every_ward_has_an_address_of_its_own_made_of_its_name(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        wards = queries.all_wards(session)
        assert len({ward.slug for ward in wards}) == len(wards) > 200
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", ward.slug) for ward in wards)
        assert len(queries.all_wards(session, of_the_city=True)) == 32
    assert ward_slug("Gorton & Abbey Hey", "Manchester", "Manchester") == "gorton-and-abbey-hey"
    assert ward_slug("Ashton St Michael's", "Tameside", "Manchester") == "ashton-st-michaels-tameside"
    assert ward_slug("Brooklands", "Trafford", "Manchester") == "brooklands-trafford"


def test_the_sheet_is_a_link_away_from_list_place_and_names(browser: Browser) -> None:
    link = 'href="/en/places/areas/gorton-and-abbey-hey/print"'
    assert link in browser.text("/places/gorton-library")
    assert link in browser.text("/places/areas")
    assert link not in browser.text("/places/areas?for=plan")  # who picks a name for the plan picks a name
    assert link not in browser.text("/places?near=M18")  # a whole first half is no ward
    browser.send("/places", near="M18 8HE")
    assert link in browser.text("/places?near=mine")


@pytest.mark.parametrize(("language", "written"), [("ur", "ہیوم"), ("ar", "هيوم")])
def test_a_ward_is_named_in_the_readers_letters_too(
    another_browser: Callable[..., Browser], language: str, written: str
) -> None:
    html = another_browser(language).text("/places/areas/hulme/print")
    assert f'{written} <bdi lang="en" dir="ltr">Hulme</bdi>' in html
    assert "Places that can help you" in html
