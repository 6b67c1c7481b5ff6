"""The finder and its pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import brotli
import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from inclusion_app.core import assets, attempts, db
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.places import pack, wording
from inclusion_app.places.hours import Answer, Status
from inclusion_app.places.models import Place, PlaceReport
from inclusion_app.places.queries import Found
from tests.conftest import Browser


def names(html: str) -> list[str]:
    main = html[html.index("<main") : html.index("</main>")]
    return re.findall(r'<a href="/\w+/places/[^"]+"><bdi lang="en">([^<]+)', main)


def test_a_postcode_is_posted_never_stands_in_an_address_and_is_remembered(browser: Browser) -> None:
    answer = browser.send("/places", near="M18 8HE")
    assert answer.headers["Location"].endswith("/places?near=mine")
    page = browser.text("/places?near=mine&kind=library")
    assert names(page)[0] == "Gorton Library"
    assert "8HE" not in page
    assert "near=mine" in page


def test_filters_ride_along_with_a_post(browser: Browser) -> None:
    answer = browser.send(
        "/places?kind=library&open=late&has=wifi", "/places?kind=library&open=late&has=wifi", near="M14"
    )
    assert answer.headers["Location"].endswith("/places?near=mine&kind=library&open=late&has=wifi")


def test_an_outcode_or_a_name_may_stand_in_the_address(browser: Browser) -> None:
    assert "Near M14" in browser.text("/places?near=M14")
    assert names(browser.text("/places?near=gorton&kind=library"))[0] == "Gorton Library"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Type a postcode"),
        ("M14 9ZZ", "It may be new. Try its first part, M14."),
        ("SK1 1AA", "Try its first part, SK1."),
        ("م14 5", "not a whole postcode"),
        ("ش14 5RQ", "not a whole postcode"),
        ("M14 5رق", "not a whole postcode"),
        ("SW1A 1AA", "far outside Greater Manchester"),
        ("L1 8JQ", "outside Greater Manchester. The nearest part is Wigan."),
        ("M10 7AA", "do not know this postcode"),
        ("M14 5", "not a whole postcode"),
        ("Atlantis", "do not know this place name"),
    ],
)
def test_what_cannot_be_found_is_said_and_kept(browser: Browser, typed: str, says: str) -> None:
    answer = browser.send("/places", near=typed)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in html
    assert f'value="{typed}"' in html


def test_the_search_box_is_the_first_text_input_and_names_are_the_only_link_text(browser: Browser) -> None:
    page = browser.text("/places?near=M14")
    first = re.search(r'<input class="input[^>]*>', page)
    assert first
    assert 'name="near"' in first[0]
    assert len(names(page)) == 18


def test_a_page_of_places_and_the_next(browser: Browser) -> None:
    first, second = names(browser.text("/places")), names(browser.text("/places?page=2"))
    assert len(first) == 18
    assert not set(first) & set(second)


def test_a_place_says_how_sure_we_are(browser: Browser) -> None:
    page = browser.text("/places/gorton-library")
    for words in (
        "Not confirmed",
        "Two public lists do not agree",
        "card and PIN",
        "Nobody has checked",
        "Source",
    ):
        assert words in page
    assert browser.get("/places/no-such-place").status_code == 404


def test_a_report_is_kept_and_printed(browser: Browser, app: Flask) -> None:
    assert browser.send("/places/gorton-library/wrong", words="x").status_code == 422
    answer = browser.send("/places/gorton-library/wrong", what="hours", words="Opens at ten.")
    assert answer.status_code == 303
    shown = app.test_cli_runner().invoke(args=["places", "reports"]).output
    assert "gorton-library [hours] (en) Opens at ten." in shown
    assert "1 new reports" in shown


def test_the_map_carries_the_numbers_of_the_list(browser: Browser) -> None:
    page = browser.text("/places?near=M14&kind=library")
    assert re.search(r'<svg class="map"[^>]*role="img"', page)
    assert re.search(r"<text[^>]*>1[,<]", page)


def test_withington_says_that_some_hours_are_without_staff_and_gorton_that_they_are_not_known(
    browser: Browser,
) -> None:
    withington, gorton = browser.text("/places/withington-library"), browser.text("/places/gorton-library")
    assert "For some of these hours there may be no staff" in withington
    assert "You can also get in without staff" not in withington
    assert "You can also get in without staff" in gorton


@time_machine.travel("2026-11-24 07:00", tick=False)
def test_where_the_week_holds_all_hours_it_is_closed_before_them(browser: Browser) -> None:
    assert "Closed. Opens 8:00 (not confirmed)" in browser.text("/places/withington-library")
    assert "No staff now. Staff from 10:00 (not confirmed)" in browser.text("/places/gorton-library")


def test_a_full_postcode_in_an_address_is_cut_to_its_first_half(browser: Browser) -> None:
    answer = browser.get("/places?near=M18+8HE&kind=library")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/places?near=M18&kind=library")


def test_from_beyond_the_edge_it_answers_roughly_and_offers_the_nearest_district(browser: Browser) -> None:
    answer = browser.send("/places", near="SK23 7AA")
    assert answer.headers["Location"].endswith("/places?near=mine")
    page = browser.text("/places?near=mine")
    assert "SK23 is outside Greater Manchester. The nearest part is Stockport." in page
    assert "Distances are rough" in page
    assert "7AA" not in page
    assert "slow walk" not in page
    assert len(names(page)) == 18
    assert re.search(r'name="near" value="Stockport">Show places near Stockport<', page)
    browser.send("/places", near="Stockport")
    assert "Near Stockport" in browser.text("/places?near=mine")
    assert "outside Greater Manchester" not in browser.text("/places?near=mine")


def test_from_beyond_the_edge_nobody_is_told_minutes_on_foot(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        here = session.query(Place).filter_by(slug="gorton-library").one()
        status = Status(Answer.OPEN, until=datetime(2026, 11, 24, 20, tzinfo=UTC))
        inside, beyond = Found(here, 500.0, status), Found(here, 500.0, status, from_edge=True)
        noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
        with app.test_request_context("/en/"):
            assert "slow walk" in wording.distance_words(inside)
            assert wording.distance_words(beyond) == "About 0.3 miles, straight line"
            assert wording.visit_words(inside, noon)[1]
            assert wording.visit_words(beyond, noon)[1] == ""


def test_what_is_refused_offers_the_nearest_district_or_nothing(browser: Browser) -> None:
    refused = browser.send("/places", near="L1 8JQ").get_data(as_text=True)
    assert "Show places near Wigan" in refused
    far = browser.send("/places", near="EH1 1AA").get_data(as_text=True)
    assert "Show places near" not in far.replace("Show places near there", "")


def test_a_postcode_we_do_not_know_near_the_edge_is_not_called_outside(browser: Browser) -> None:
    browser.send("/places", near="OL14 9ZZ")
    page = browser.text("/places?near=mine")
    assert "It may be outside Greater Manchester. The nearest part is Rochdale." in page


def test_a_plan_from_beyond_the_edge_is_told_so_first(browser: Browser) -> None:
    browser.make_plan()
    answer = browser.send("/places", near="SK23 7AA", **{"for": "plan"})
    assert answer.headers["Location"].endswith("/places?near=mine&for=plan")
    page = browser.text("/places?near=mine&for=plan")
    assert "Back to my plan" in page
    assert '<input type="hidden" name="for" value="plan">' in page
    answer = browser.send("/places", near="Stockport", **{"for": "plan"})
    assert answer.headers["Location"].endswith("/en/roadmap")
    assert "Places near Stockport." in browser.text("/roadmap")


@pytest.mark.parametrize(
    ("language", "first"),
    [("en", '<bdi lang="en">Abbey Hey</bdi>'), ("ur", "آرڈوک <bdi"), ("ar", "آبي هاي <bdi")],
)
def test_names_can_be_picked_instead_of_typed(
    another_browser: Callable[..., Browser], language: str, first: str
) -> None:
    person = another_browser(language)
    page = person.text("/places/areas?kind=library&has=wifi")
    found = re.findall(r'href="/\w\w/(places\?near=[^"]+)">(.*?)</a>', page)
    assert len(found) == 62
    assert found[0][1].startswith(first)
    assert "kind=library" in found[0][0]
    assert "has=wifi" in found[0][0]
    for address, _words in found:
        assert person.get("/" + address.replace("&amp;", "&")).status_code == 200, address
    said = {"en": "A machine wrote", "ur": "مشین نے لکھے", "ar": "كتبت آلة"}[language]
    assert (said in page) is (language != "en")
    assert "/places/areas" in person.text("/places")


def test_a_name_picked_for_the_plan_sets_it_and_goes_back_to_the_plan(browser: Browser) -> None:
    browser.make_plan()
    assert "/places/areas?for=plan" in browser.text("/places?for=plan")
    page = browser.text("/places/areas?for=plan")
    assert len(re.findall(r'<button class="link-button" name="near" value="', page)) == 62
    answer = browser.send("/places", "/places/areas?for=plan", near="Gorton", **{"for": "plan"})
    assert answer.headers["Location"].endswith("/en/roadmap")
    assert "Places near Gorton." in browser.text("/roadmap")


def test_the_heading_says_the_name_in_the_readers_letters_too(
    another_browser: Callable[..., Browser],
) -> None:
    assert '<bdi lang="en">Gorton</bdi> (گورٹن)' in another_browser("ur").text("/places?near=گورٹن")
    assert "Near Gorton<" in another_browser().text("/places?near=گورٹن")


@pytest.mark.parametrize(
    ("moment", "said", "not_said"),
    [
        (
            "2026-11-24 12:00",
            ("Open until 20:00 (not confirmed)", "Leave before 19:25 to get there"),
            "Too late",
        ),
        ("2026-11-24 19:30", ("Open until 20:00 (not confirmed)", "Go now"), "Leave before"),
        (
            "2026-11-24 19:56",
            ("Closes at 20:00 (not confirmed). Too late to walk there now",),
            "Open until 20:00",
        ),
    ],
)
def test_the_last_useful_arrival_on_list_page_and_place_page(
    browser: Browser, moment: str, said: tuple[str, ...], not_said: str
) -> None:
    with time_machine.travel(moment, tick=False):
        browser.send("/places", near="M18 8HE")
        whole = browser.text("/places?near=mine&kind=library")
        entry = whole[whole.index(">Gorton Library<") :].partition("</li>\n<li class=")[0]
        page = browser.text("/places/gorton-library")
    for words in said:
        assert words in entry
        assert words in page
    assert not_said not in entry
    assert not_said not in page


@time_machine.travel("2026-11-24 12:00", tick=False)
def test_farther_than_a_walk_only_the_closing_time_is_said(browser: Browser) -> None:
    browser.send("/places", near="M22 5RX")
    page = browser.text("/places/gorton-library")
    assert "Open until 20:00 (not confirmed)" in page
    assert "miles, straight line" in page
    assert "Leave before" not in page


@time_machine.travel("2026-11-24 12:00", tick=False)
def test_today_is_marked_in_the_week(browser: Browser) -> None:
    page = browser.text("/places/gorton-library")
    marked = re.findall(r'<tr aria-current="date"><th scope="row">(\w+) <span class="tag">Today</span>', page)
    assert marked == ["Tuesday"]


def test_each_fact_we_track_is_answered_and_a_no_is_shown(browser: Browser, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        here = session.query(Place).filter_by(slug="gorton-library").one()
        known = {fact.name: fact for fact in here.facilities}
        known["step_free"].value, known["step_free"].source_on = "no", "2026-10"
    page = browser.text("/places/gorton-library")
    rows = dict(re.findall(r'<tr><th scope="row">([^<]+)</th><td>(.*?)</td></tr>', page))
    assert rows["Step-free way in"].startswith("No, not confirmed<br>")
    assert "Source of October 2026" in rows["Step-free way in"]
    assert rows["Printing"] == "Not known: ask"
    assert rows["Tools to make and mend things"] == "Not known: ask"
    assert 'href="https://' in rows["Free Wi-Fi"]
    assert "Source of June 2025" in rows["Free Wi-Fi"]
    listed = browser.text("/places?near=M18&kind=library")
    assert "✗ No: Step-free way in" in listed
    hub = browser.text("/places/gorton-hub")
    assert hub.count("Not known: ask") >= 6


def test_where_nothing_fits_there_is_a_way_on(browser: Browser) -> None:
    page = browser.text("/places?kind=library&has=tools&near=M14")
    assert "We know no such place. That does not mean there is none." in page
    assert re.search(r'href="/en/places\?near=M14">Show all kinds of places, at any time<', page)


@time_machine.travel("2026-11-24 23:30", tick=False)
def test_where_nothing_is_open_the_time_is_what_is_named(browser: Browser) -> None:
    page = browser.text("/places?kind=library&open=now&near=M14")
    assert "We know no such place that is open then." in page
    assert re.search(r'href="/en/places\?near=M14&amp;kind=library">Show them at any time<', page)


@time_machine.travel("2026-11-24 12:00", tick=False)
def test_a_name_in_the_address_leads_on_to_the_place_with_its_distance(browser: Browser) -> None:
    listed = browser.text("/places?near=Gorton&kind=library")
    [address] = re.findall(r'href="/en(/places/gorton-library[^"]*)"', listed)
    assert address == "/places/gorton-library?near=Gorton"
    page = browser.text(address)
    assert "slow walk" in page
    assert "Leave before" in page
    assert 'href="/en/places?near=Gorton">Find a place' in page
    assert "slow walk" not in browser.text("/places/gorton-library?near=M18+8HE")
    browser.send("/places", near="M18 8HE")
    assert 'href="/en/places/gorton-library"' in browser.text("/places?near=mine&kind=library")
    assert 'href="/en/places?near=mine">Find a place' in browser.text("/places/gorton-library")


def test_hours_of_a_leisure_centre_are_told_as_such(browser: Browser) -> None:
    for path in ("/places/hulme-high-street-library", "/places?near=Hulme&kind=library"):
        assert "These are the hours of the leisure centre." in browser.text(path), path


def test_a_report_sent_twice_is_kept_once_and_its_words_stay_on_one_line(
    browser: Browser, app: Flask
) -> None:
    with time_machine.travel("2026-11-24 12:00", tick=False) as clock:
        for _time in range(2):
            answer = browser.send(
                "/places/gorton-library/wrong", what="hours", words="Opens\nat \x1b[31mten."
            )
            assert answer.status_code == 303
        browser.send("/places/gorton-library/wrong", what="hours", words="Closes at four.")
        clock.shift(11 * 60)
        browser.send("/places/gorton-library/wrong", what="hours", words="Closes at four.")
    shown = app.test_cli_runner().invoke(args=["places", "reports"]).output
    assert shown.count("Opens at [31mten.") == 1
    assert shown.count("Closes at four.") == 2
    assert "\x1b" not in shown
    assert shown.endswith("3 new reports\n")


@pytest.mark.parametrize(
    ("language", "english"), [("en", False), ("ur", False), ("ar", False), ("ur", True), ("ar", True)]
)
@pytest.mark.parametrize("moment", ["2026-11-24 12:00", "2026-11-24 16:40", "2026-11-25 23:00"])
def test_the_finder_is_light_at_any_time_of_day(
    another_browser: Callable[..., Browser], language: str, english: bool, moment: str
) -> None:
    fixed = sum(
        len(brotli.compress((assets.BUILD / built).read_bytes(), quality=11))
        for name, built in assets.manifest().items()
        if name in {"app.css", "app.js", "icon.svg"}
    )
    with time_machine.travel(moment, tick=False):
        person = another_browser(language)
        person.make_plan()
        if english:
            person.get("/?english=on")
        for path in (
            "near=M14",
            "near=SK23",
            "near=L1",
            "near=City+centre&for=plan",
            "near=M13&has=wifi&open=now",
        ):
            answer = person.get(f"/places?{path}", headers={"Accept-Encoding": "br"})
            assert len(answer.get_data()) + fixed <= 10_000, path


def test_a_report_says_something(browser: Browser) -> None:
    answer = browser.send("/places/gorton-library/wrong", what="other", words="  ")
    assert answer.status_code == 422
    assert "Write what is wrong." in answer.get_data(as_text=True)
    assert browser.send("/places/gorton-library/wrong", what="closed", words="").status_code == 303


def test_too_many_reports_of_one_network_are_refused_kindly_and_nothing_is_lost(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = attempts.Limit("report-network", 2, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
    monkeypatch.setattr(attempts, "REPORT_NETWORK", few)
    for number in range(2):
        assert (
            browser.send("/places/gorton-library/wrong", what="hours", words=f"{number}").status_code == 303
        )
    answer = browser.send("/places/gorton-library/wrong", what="hours", words="Opens at ten & closes at one.")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Many people near you wrote to us just now. Try again in an hour." in html
    assert "Opens at ten &amp; closes at one." in html
    with app.app_context(), transaction() as session:
        assert session.query(PlaceReport).count() == 2
    with time_machine.travel(now() + timedelta(hours=2)):
        assert browser.send("/places/gorton-library/wrong", what="hours", words="again").status_code == 303


def test_reports_are_printed_on_one_line_each_and_settled(app: Flask, browser: Browser) -> None:
    words = "real\r\n99: 2026-01-01 00:00 gorton-library [closed] (en) made up\x1b[2J\x1b]0;x\x07\u202eback"
    browser.send("/places/gorton-library/wrong", what="hours", words=words)
    with app.app_context(), transaction() as session:
        number = session.query(PlaceReport).one().id
    run = app.test_cli_runner()
    told = run.invoke(args=["places", "reports"]).output
    assert len(told.splitlines()) == 2
    assert told.startswith(f"{number}: ")
    assert not set("\x1b\x07\r\u202e") & set(told)
    assert "real 99: 2026-01-01 00:00 gorton-library [closed] (en) made up" in told
    assert (
        run.invoke(args=["places", "reports", "--settle", str(number)]).output == f"report {number}: mended\n"
    )
    assert run.invoke(args=["places", "reports"]).output == "0 new reports\n"
    for wrong in (number, 999):
        done = run.invoke(args=["places", "reports", "--refuse", str(wrong)])
        assert (done.exit_code, f"There is no new report {wrong}." in done.output) == (1, True)


def test_somebody_who_reads_reports_keeps_nobody_from_writing(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.send("/places/gorton-library/wrong", what="hours", words="first")
    said: list[str] = []

    def echo(words: str, **_: object) -> None:
        with app.app_context():
            db.engine().dispose()
            with db.transaction() as session:  # a lock held by the command would refuse this
                session.execute(text("UPDATE place_reports SET language = 'ur'"))
        said.append(words)

    monkeypatch.setattr(db, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr("inclusion_app.places.cli.click.echo", echo)
    app.test_cli_runner().invoke(args=["places", "reports"], catch_exceptions=False)
    assert len(said) == 2


def test_an_unknown_postcode_leads_on_to_its_first_half(browser: Browser) -> None:
    refused = browser.send("/places", near="SK1 1AA").get_data(as_text=True)
    assert re.search(r'name="near" value="SK1">Show places near SK1<', refused)


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("م14 5RQ", "M14 5"),
        ("م١٤ ٥RQ", "M14 5"),
        ("م14", "M14"),
        ("Longsight library", "Longsight Library &amp; Learning Centre"),
        ("central library", "Central Library"),
        ("moss side library", "Moss Side Powerhouse Library"),
        ("Gorton Hub, Manchester", "Gorton Hub"),
        ("Whalley Range, Manchester", "Whalley Range"),
        ("whalley range greater manchester", "Whalley Range"),
        ("والی رینج، مانچسٹر", "Whalley Range"),
        ("Manchester", "Manchester"),
    ],
)
def test_a_place_we_list_and_a_name_with_the_city_behind_it_are_found(
    browser: Browser, typed: str, near: str
) -> None:
    assert browser.send("/places", near=typed).status_code == 303
    assert f"<h2>Near {near}</h2>" in browser.text("/places?near=mine")


def test_a_word_many_places_share_is_no_place(browser: Browser) -> None:
    for typed in ("library", "repair cafe", "youth zone", "adult learning"):
        assert browser.send("/places", near=typed).status_code == 422, typed


@pytest.mark.parametrize(
    ("query", "all_of_them"),
    [
        ("kind=bogus", True),
        ("open=bogus", True),
        ("has=bogus&has=bogus2", True),
        ("kind=bogus&has=wifi", False),
    ],
)
def test_a_list_we_have_not_is_said_once(browser: Browser, query: str, all_of_them: bool) -> None:
    page = browser.text(f"/places?{query}")
    assert page.count("We have no such list.") == 1
    assert ("These are all places." in page) is all_of_them
    main = page[page.index("<main") : page.index("</main>")]
    assert "bogus" not in main
    assert "We have no such list." not in browser.text("/places?kind=library&open=now&has=wifi")


def test_every_link_to_another_website_says_what_and_whose_it_is(
    another_browser: Callable[..., Browser],
) -> None:
    page = another_browser().text("/places/greenheys-adult-learning-centre-maes")
    source = (
        'Source: <bdi lang="en" dir="ltr">Manchester City Council bulletin, content.govdelivery.com</bdi>'
        " (another website)</a>"
    )
    assert source in page
    library = another_browser().text("/places/gorton-library")
    assert 'Source of 2025: <bdi lang="en" dir="ltr">Google Docs</bdi> (another website)</a>' in library
    for language, mark in (("en", "(another website)"), ("ur", "(دوسری ویب سائٹ)"), ("ar", "(موقع آخر)")):
        for path in ("/places", "/places/greenheys-adult-learning-centre-maes", "/places/gorton-library"):
            page = another_browser(language).text(path)
            links = re.findall(r'<a[^>]*href="https?://[^>]*>.*?</a>', page)
            assert links, path
            for link in links:
                assert 'rel="noreferrer external"' in link
                assert f"</bdi> {mark}</a>" in link
                assert "://" not in link.partition(">")[2]


def test_a_phone_number_stays_on_one_line() -> None:
    style = (pack.CITY.parents[3] / "static/css/base.css").read_text(encoding="utf-8")
    assert ".ltr>[href^=tel]{white-space:nowrap}" in style
