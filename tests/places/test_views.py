"""The finder and its pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from inclusion_app.core import attempts, db
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.places.models import PlaceReport
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
        ("M14 9ZZ", "It may be new"),
        ("SW1A 1AA", "outside Greater Manchester"),
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
    assert len(names(page)) == 20


def test_a_page_of_twenty_and_the_next(browser: Browser) -> None:
    first, second = names(browser.text("/places")), names(browser.text("/places?page=2"))
    assert len(first) == 20
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
