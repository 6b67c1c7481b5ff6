"""Training in a real browser: found, booked, waited for, offered, given up; every page and state of it looked at."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.people.services import hash_of_code
from inclusion_app.places.models import Place
from inclusion_app.training.models import Booking
from inclusion_app.training.services import bookings
from tests.factories.accounts import make_organisation
from tests.factories.training import make_booking, make_course, make_session
from tests.journeys.test_access import AXE, checks_of, make_plan
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 360, "height": 740}
SMALL = {"width": 320, "height": 640}


@dataclass(frozen=True)
class Town:
    """Where it answers, its sessions by their slugs, and a code of each state a booking may be in."""

    url: str
    free: str
    full: str
    series: str
    codes: dict[str, str]


def fill(app: Flask) -> Town:
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session, name="Manchester Adult Learning and Skills Partnership").id
        hall = session.scalar(select(Place.id).where(Place.lat.is_not(None)).order_by(Place.id).limit(1))
        before = make_course(session, organisation_id=organisation, title="A first taste of making")
        course = make_course(
            session, organisation_id=organisation, title="Your phone, from the very first touch on",
            comes_after_id=before.id,
        )  # fmt: skip
        usual = {
            "organisation_id": organisation,
            "place_id": hall,
            "room": "Room 1",
            "responsible_adult": "Noor",
        }
        make_session(session, course=before, **usual)
        free = make_session(
            session, course=course, offers="step_free bsl quiet women_only creche hearing_loop", taught_in="ur", **usual
        )  # fmt: skip
        days = [today() + timedelta(days=7 * number) for number in range(1, 5)]
        series = make_session(session, booked_as="series", days=days, **usual)
        full = make_session(session, capacity=1, **usual)
        first = make_booking(session, full, places=1)
        asked = make_booking(
            session, full, waiting_mode="ask_me", contact_kind="sms", contact="+447700900123"
        )
        make_booking(session, full)
        bookings.cancel(session, booking_id=first.id, by="learner", now=now())
        waiting = make_booking(session, full, places=2, needs={"codes": ["bsl", "large_print"]})
        several = make_booking(
            session, series, occurrence_ids=[date.id for date in series.occurrences], places=2, companions=1,
            age_band="13_15", needs={"codes": ["bsl", "interpreter", "quiet"]},
        )  # fmt: skip
        came = make_booking(session, make_session(session, booked_as="single", **usual))
        date = came.dates[0]
        date.attendance, date.came, date.how, date.marked_at = "attended", 1, "screen", now()
        date.occurrence.starts_at = now() - timedelta(days=1)
        date.occurrence.ends_at = now() - timedelta(hours=22)
        made = {"offered": asked, "cancelled": first, "waiting": waiting, "booked": several, "came": came}
        codes = {state: booking.code for state, booking in made.items()}
        slugs = {"free": free.slug, "full": full.slug, "series": series.slug}
    return Town("", codes=codes, **slugs)


@pytest.fixture
def town(app: Flask) -> Iterator[Town]:
    filled = fill(app)
    with serving(app) as port:
        yield Town(f"http://127.0.0.1:{port}", filled.free, filled.full, filled.series, filled.codes)


def status_of(app: Flask, code: str) -> str:
    with app.app_context(), transaction() as session:
        return session.scalars(select(Booking.status).where(Booking.code_hash == hash_of_code(code))).one()


@pytest.mark.parametrize("language", ["en", "ur"])
def test_no_fault_on_any_page_of_training(
    town: Town, new_page: Callable[..., Page], language: str, checked: Callable[..., None], tmp_path: Path
) -> None:
    root = f"{town.url}/{language}"
    page = new_page(viewport=PHONE, bypass_csp=True)
    page.set_default_timeout(10_000)
    rows: list[str] = []
    # Of their own: beside them in the test's folder stands the database, which is no page.
    pages = tmp_path / "pages"
    pages.mkdir()

    def look(name: str, state: str) -> None:
        # As it came: what the checks put into a page is none of ours.
        source = page.request.get(page.url).text() if state == "plain" else page.content()
        (pages / f"{len(list(pages.iterdir()))}.html").write_text(source)
        for check, found in checks_of(page).items():
            checked("pages × states × checks", f"{name} {state}", check, len(found))
            rows.extend(f"{name} {state}: {check} {fault}" for fault in found)

    def open_(path: str, name: str, state: str = "plain") -> None:
        answer = page.goto(root + path)
        assert answer and answer.status == 200, path
        look(name, state)

    open_("/training", "/training")
    open_("/training?near=M14&has=bsl", "/training narrowed")
    page.goto(f"{root}/training")
    page.click("summary >> nth=0")
    page.fill("#near", "nowhere at all")
    page.click("form:has(#near) .button")
    assert page.locator(".error-summary").count()
    look("/training", "error")
    for name, slug in (("free", town.free), ("full", town.full), ("series", town.series)):
        open_(f"/training/{slug}", f"/training/<slug> {name}")
    page.goto(f"{root}/training/{town.series}")
    page.check("input[name=contact_kind][value=letter]")
    page.fill("#contact", "x")
    page.click("main form > .button")
    assert page.locator(".error-summary").count()
    look("/training/<slug>", "error")
    for state, code in town.codes.items():
        open_(f"/book/{code}", f"/book/<code> {state}")
    open_(f"/book/{town.codes['booked']}/print", "/book/<code>/print")
    came = f"/book/{town.codes['came']}"
    for path in ("/question", "/certificate"):
        open_(f"/book/{town.codes['booked']}{path}", f"/book/<code>{path}", "too early")
        open_(came + path, f"/book/<code>{path}")
    page.goto(f"{root}{came}/question")
    page.click("main form .button")
    look("/book/<code>/question", "error")
    page.check("input[name=helped] >> nth=0")
    page.click("main form .button")
    look("/book/<code>/question", "answered")
    page.goto(f"{root}{came}/certificate")
    page.click("main form .button")
    look("/book/<code>/certificate", "made")
    page.click("main a[href*='/certificates/']")
    look("/certificates/<id>", "checked")
    open_("/award", "/award")
    make_plan(page, root)
    for path in ("/training", "/roadmap", "/award"):
        open_(path, path, "with a plan")
    vnu = AXE.parents[1] / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(vnu), "--errors-only", str(pages)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not rows, "\n".join(rows)
    assert done.returncode == 0, done.stderr


def keyboard(page: Page) -> Callable[[str], None]:
    def tab_to(selector: str) -> None:
        for _ in range(150):
            page.keyboard.press("Tab")
            if page.locator(f"{selector}:focus").count():
                return
        raise AssertionError(f"the keyboard never came to {selector}")

    return tab_to


@pytest.mark.parametrize("language", ["en", "ur"])
def test_find_book_and_give_up_by_keyboard_without_script(
    app: Flask, town: Town, new_page: Callable[..., Page], language: str
) -> None:
    page = new_page(viewport=SMALL, java_script_enabled=False)
    page.set_default_timeout(10_000)
    tab_to = keyboard(page)
    page.goto(f"{town.url}/{language}/training")
    tab_to(f"main h2 a[href$='/{town.free}']")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to("main form > .button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    code = page.url.rsplit("/", maxsplit=1)[1]
    assert status_of(app, code) == "booked"
    assert page.locator(".code").inner_text().replace("-", "") == code
    tab_to("form[action$='/cancel'] .button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith(f"/{language}/book/{code}")
    assert status_of(app, code) == "cancelled"
    assert not page.locator("form[action$='/cancel']").count()


def test_wait_for_a_place_and_take_the_offer_without_script(
    app: Flask, town: Town, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport=SMALL, java_script_enabled=False)
    page.set_default_timeout(10_000)
    tab_to = keyboard(page)
    page.goto(f"{town.url}/en/training/{town.full}")
    page.check("input[name=waiting_mode][value=ask_me]")
    tab_to("main form > .button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("h1").inner_text() == "You are on the waiting list"
    assert "before yours" in page.locator("main").inner_text()
    page.goto(f"{town.url}/en/book/{town.codes['offered']}")
    assert page.locator("h1").inner_text() == "A place is free for you"
    assert status_of(app, town.codes["offered"]) == "offered"
    tab_to("button[value=yes]")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("h1").inner_text() == "You are booked"
    assert status_of(app, town.codes["offered"]) == "booked"


def test_a_refused_form_keeps_what_was_typed_and_leads_to_the_field(
    town: Town, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport=SMALL, java_script_enabled=False)
    page.set_default_timeout(10_000)
    page.goto(f"{town.url}/en/training/{town.free}")
    page.check("input[name=contact_kind][value=call]")
    page.fill("#contact", "12")
    with page.expect_navigation():
        page.click("main form > .button")
    assert page.title().startswith("Error:")
    assert page.locator("#contact").input_value() == "12"
    page.click(".error-summary a >> nth=0")
    assert page.locator("#contact:focus").count()
