"""What can be borrowed, how we choose, a device somebody found, and what the plan says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import brotli
import pytest
from flask import Flask
from sqlalchemy import event, select

from inclusion_app.core import assets
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans import offers_for_steps, wording
from inclusion_app.loans.models import DeviceModel, DeviceModelText, Loan, LoanScheme, Unit
from inclusion_app.loans.rules import POINTS, REASONS
from inclusion_app.loans.services import requests_decide
from inclusion_app.people.models import Resident
from inclusion_app.places.models import Place
from tests.conftest import Browser, StaffBrowser, sign_in_staff
from tests.factories.loans import make_loan, make_model, make_request, make_scheme, make_unit
from tests.loans.conftest import Scheme
from tests.serving import serving

LANGUAGES = [("en", False), ("ur", False), ("ur", True)]


def test_what_is_lent_stands_there_in_plain_words(browser: Browser, lending: Scheme) -> None:
    page = browser.text("/loans")
    for said in (
        "Laptop with a camera", "For learning.", "Has a camera", "You can keep it for about 13 weeks.",
        "There is nothing to pay.", "You need no ID, bank account, address, email or phone.", "0161 496 0000",
        "Gorton Library", "You wait up to 1 week, as far as we know.", f"/en/loans/ask?model={lending.model_id}",
    ):  # fmt: skip
        assert said in page, said
    assert "/en/loans" in browser.text("/")


def test_in_the_readers_language_where_somebody_wrote_it(
    app: Flask, another_browser: Callable[..., Browser], lending: Scheme
) -> None:
    reader = another_browser("ur")
    assert "Laptop with a camera" in reader.text("/loans")
    with app.app_context(), transaction() as session:
        session.add(DeviceModelText(model_id=lending.model_id, language="ur", title="لیپ ٹاپ", summary=""))
    page = reader.text("/loans")
    assert "لیپ ٹاپ" in page
    assert "Laptop with a camera" not in page


def test_the_wait_is_a_range_and_never_a_day(app: Flask, browser: Browser, lending: Scheme) -> None:
    with app.app_context(), transaction() as session:
        model = session.get_one(DeviceModel, lending.model_id)
        for _ in range(13):
            make_loan(session, unit=make_unit(session, model=model, place_id=lending.place_id))
        # One of them is for the device that is ready.
        for _ in range(6):
            make_request(session, model=model)
    assert "You wait about 4 to 9 weeks." in browser.text("/loans")
    with app.test_request_context("/en/"):
        assert wording.wait_words((0, 3)) == "You wait up to 3 weeks, as far as we know."
        assert wording.wait_words((2, 2)) == "You wait about 2 weeks."


def test_what_is_not_lent_is_not_there(app: Flask, browser: Browser, lending: Scheme) -> None:
    with app.app_context(), transaction() as session:
        closed = make_scheme(session, is_open=False)
        make_model(session, scheme=closed).texts[0].title = "Closed tablet"
        hidden = make_model(
            session, scheme=session.get_one(LoanScheme, lending.organisation_id), is_offered=False
        )
        hidden.texts[0].title = "Hidden phone"
    page = browser.text("/loans")
    assert "Closed tablet" not in page
    assert "Hidden phone" not in page


def test_the_points_are_published_as_the_scheme_has_them(
    app: Flask, browser: Browser, lending: Scheme
) -> None:
    page = browser.text("/loans/how-we-choose")
    for reason, words in REASONS.items():
        assert words in page
        assert f"{POINTS[reason]} points" in page
    with app.app_context(), transaction() as session:
        session.get_one(LoanScheme, lending.organisation_id).points = {"no_device": 1}
    page = browser.text("/loans/how-we-choose")
    assert "1 point<" in page
    assert REASONS["unsafe"] not in page


# --- found


def test_every_tag_answers_alike(app: Flask, browser: Browser, lending: Scheme) -> None:
    with app.app_context(), transaction() as session:
        unit = session.scalars(select(Unit)).one()
        tag = unit.tag
        make_loan(session, unit=unit)
    answers = []
    for typed in (tag, "MCR-99999", "nothing", "x" * 2000):
        answer = browser.client.get(f"/d/{typed}", headers={"Accept-Language": "ur"})
        answers.append((answer.status_code, answer.headers["Location"], answer.get_data()))
    assert len(set(answers)) == 1
    assert answers[0][:2] == (303, "/ur/found-device")
    assert browser.client.get(f"/d/{tag}?l=ar").headers["Location"] == "/ar/found-device"
    page = browser.text("/found-device")
    assert "0161 496 0000" in page
    assert "Gorton Library" in page
    assert tag not in page


def test_who_runs_the_pool_comes_to_the_unit(app: Flask, lending: Scheme) -> None:
    with app.app_context(), transaction() as session:
        tag = session.get_one(Unit, lending.unit_id).tag
    ours = sign_in_staff(app, "loan_coordinator", organisation="Red Door")
    assert ours.get(f"/d/{tag}").headers["Location"] == f"/staff/loans/units/{lending.unit_id}"
    assert "/found-device" in ours.get("/d/MCR-99999").headers["Location"]
    others: list[StaffBrowser] = [
        sign_in_staff(app, "loan_coordinator", organisation="Elsewhere"),
        sign_in_staff(app, "caseworker", organisation="Red Door"),
    ]
    for other in others:
        assert "/found-device" in other.get(f"/d/{tag}").headers["Location"]


# --- the plan


def test_a_step_offers_what_can_be_borrowed_in_one_query(app: Flask, lending: Scheme) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        scheme = session.get_one(LoanScheme, lending.organisation_id)
        for _ in range(3):
            make_model(session, scheme=scheme, steps="A3 A11")
        make_model(session, scheme=make_scheme(session, is_open=False), steps="A3")
        session.flush()
        asked: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            asked.append(statement)

        event.listen(app.extensions["engine"], "before_cursor_execute", note)
        found = offers_for_steps.for_steps(session, ["A1", "A2", "A3", "F1"])
        event.remove(app.extensions["engine"], "before_cursor_execute", note)
        assert len(asked) == 1
        assert {step: len(devices) for step, devices in found.items()} == {"A1": 1, "A2": 1, "A3": 2}
        assert offers_for_steps.for_steps(session, []) == {}
        assert offers_for_steps.for_steps(session, ["A"]) == {}


def test_the_page_of_a_step_leads_to_the_form(browser: Browser, lending: Scheme) -> None:
    browser.make_plan()
    page = browser.text("/roadmap/steps/A1")
    assert "Borrow one for free" in page
    assert f"/en/loans/ask?model={lending.model_id}" in page
    assert "Borrow one for free" not in browser.text("/roadmap/steps/F1")


def test_what_was_asked_for_is_not_offered_again(app: Flask, browser: Browser, lending: Scheme) -> None:
    browser.make_plan()
    browser.save_plan()
    link = f"/en/loans/ask?model={lending.model_id}"
    assert link in browser.text("/roadmap/steps/A1")
    with app.app_context(), transaction() as session:
        me = session.scalars(select(Resident.id)).one()
        make_request(session, model=session.get_one(DeviceModel, lending.model_id), resident_id=me)
    assert link not in browser.text("/roadmap/steps/A1")
    assert link not in browser.text("/roadmap")


def test_the_plan_says_until_when_and_when_somebody_asks(
    app: Flask, browser: Browser, lending: Scheme
) -> None:
    browser.make_plan()
    browser.save_plan()
    with app.app_context(), transaction() as session:
        me = session.scalars(select(Resident.id)).one()
        unit = session.scalars(select(Unit)).one()
        asked = make_request(session, model=unit.model, resident_id=me, status="offered")
        loan = make_loan(session, unit=unit, request=asked)
        loan.follow_up_on, number = today() + timedelta(days=28), loan.id
    page = browser.text("/roadmap")
    assert "You have a device from us" in page
    assert "Please give it back by" in page
    assert "we ask how it goes." in page
    with app.app_context(), transaction() as session:
        session.get_one(Loan, number).follow_up_on = today()
    assert "Tell us how it goes." in browser.text("/roadmap")


def test_what_has_ended_leaves_the_plan(app: Flask, lending: Scheme) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        model = session.get_one(DeviceModel, lending.model_id)
        asked = make_request(session, model=model, status="withdrawn", ended_at=now())
        assert offers_for_steps.loans_of(session, asked.resident_id) == []


# --- light, and in a real browser


@pytest.mark.parametrize(("language", "english"), LANGUAGES)
def test_the_pages_are_light(
    app: Flask, another_browser: Callable[..., Browser], lending: Scheme, language: str, english: bool
) -> None:
    fixed = sum(
        len(brotli.compress((assets.BUILD / built).read_bytes(), quality=11))
        for name, built in assets.manifest().items()
        if name in {"app.css", "app.js", "icon.svg"}
    )
    with app.app_context(), transaction() as session:
        scheme = session.get_one(LoanScheme, lending.organisation_id)
        for kind in ("tablet", "phone", "hub", "sim"):
            model = make_model(
                session, scheme=scheme, kind=kind, features="camera big_screen touch keyboard data"
            )
            model.texts[0].title = f"A {kind} to borrow"
            model.texts[0].summary = f"This {kind} is for everybody who needs one. " * 3
        for place in session.scalars(select(Place).where(Place.lat.is_not(None)).limit(8)):
            make_unit(session, model=model, place_id=place.id)
        asked = make_request(
            session, model=model, status="submitted", waits_since=None, place_id=lending.place_id
        )
        code = asked.code
        lent = make_request(session, model=session.get_one(DeviceModel, lending.model_id), status="offered")
        loan = make_loan(session, unit=session.get_one(Unit, lending.unit_id), request=lent)
        loan.follow_up_on, on_loan = today(), lent.code
        requests_decide.approve(session, request=asked, staff_id=None, now=now())
    person = another_browser(language)
    person.make_plan()
    if english:
        person.get("/?english=on")
    person.send("/loans/ask", model=str(lending.model_id), purposes=["learn"], whom="me")
    answers = dict.fromkeys(REASONS, "yes")
    person.send("/loans/ask/2", **answers)
    person.send("/loans/ask/3", place="bring", contact_kind="none", contact="", name="", age="")
    person.send(f"/loans/{code}/offer", f"/loans/{code}", answer="yes")
    for path in (
        "/loans", "/loans/how-we-choose", "/loans/ask", "/loans/ask/2", "/loans/ask/3", "/loans/ask/4", "/found-device",
        f"/loans/{code}", f"/loans/{on_loan}", f"/loans/{on_loan}/lost", f"/loans/{on_loan}/how-it-goes",
    ):  # fmt: skip
        answer = person.get(path, headers={"Accept-Encoding": "br"})
        assert answer.status_code == 200, path
        assert len(answer.get_data()) + fixed <= 10_000, (path, len(answer.get_data()) + fixed)


def test_without_script_with_a_keyboard_only(app: Flask, lending: Scheme, chromium: Any) -> None:
    """From the start page to the code in a real browser with script off, with keys alone."""
    app.testing = False
    with serving(app) as port:
        context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/en/loans")
        page.get_by_role("link", name="Ask for a device").first.press("Enter")
        page.get_by_label("To learn or for school").press("Space")
        page.get_by_role("button", name="Next page").press("Enter")
        page.get_by_role("radio", name="Yes").first.press("Space")
        page.get_by_role("button", name="Next page").press("Enter")
        page.get_by_label("Gorton Library").press("Space")
        page.get_by_role("button", name="Next page").press("Enter")
        page.get_by_label("Choose a PIN of 4 numbers").fill("4071")
        page.get_by_label("Type the PIN once more").fill("4071")
        page.get_by_role("button", name="I agree. Send it.").press("Enter")
        assert page.get_by_role("heading", level=1).inner_text() == "We have your request"
        assert page.locator(".code").inner_text()
        context.close()
