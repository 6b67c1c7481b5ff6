"""The four pages to ask for a device: what is typed lies in the visit, is kept on the way back, and is sent once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text
from werkzeug.test import TestResponse

from inclusion_app.core import attempts
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import DeviceModel, LoanRequest, LoanScheme, RequestAnswers
from inclusion_app.loans.rules import MOST_AT_ONCE, POINTS
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Consent, ContactRoute, GivenCode, Resident
from inclusion_app.roadmaps.models import Roadmap
from tests.conftest import Browser
from tests.loans.conftest import Scheme
from tests.messages.conftest import configure

WHAT = {"purposes": ["learn", "work"], "whom": "me", "wants_data": "y"}
WHY = {"no_device": "yes", "deadline": "no", "disability": "skip", "children": "skip", "unsafe": "yes"}
HOW = {"settings": ["large_text"], "contact_kind": "none", "contact": "", "name": "Sam Canary", "age": ""}
PIN = {"pin": "4071", "pin_again": "4071"}


def fill_in(browser: Browser, lending: Scheme, **how: Any) -> None:
    """Pages 1 to 3."""
    assert browser.send("/loans/ask", model=str(lending.model_id), **WHAT).status_code == 303
    assert browser.send("/loans/ask/2", **WHY).status_code == 303
    sent = browser.send("/loans/ask/3", **{**HOW, "place": str(lending.place_id), **how})
    assert sent.status_code == 303, sent.get_data(as_text=True)


def send(browser: Browser, **secret: str) -> TestResponse:
    return browser.send("/loans/ask/4", **(secret or PIN))


def count(app: Flask, *kinds: Any) -> list[int]:
    with app.app_context(), transaction() as session:
        return [session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds]


def test_somebody_with_nothing_asks(app: Flask, browser: Browser, lending: Scheme) -> None:
    """No plan, phone, e-mail, name or script: four pages, and a code."""
    fill_in(browser, lending, name="")
    page = browser.text("/loans/ask/4")
    assert "Laptop with a camera" in page
    assert "Gorton Library" in page
    assert "Red Door" in page
    sent = send(browser)
    assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        made = session.scalars(select(LoanRequest)).one()
        assert sent.headers["Location"] == f"/en/loans/{made.code}"
        assert (made.status, made.purposes, made.settings) == ("submitted", "learn work", "large_text")
        assert (made.wants_data, made.place_id, made.language) == (True, lending.place_id, "en")
        assert made.points == POINTS["no_device"] + POINTS["unsafe"]
        kept = session.get_one(RequestAnswers, made.id)
        # What was left out is not kept, and is no "no".
        assert kept.answers == {"no_device": True, "deadline": False, "unsafe": True}
        assert session.scalars(select(Consent.organisation_id)).one() == lending.organisation_id
        assert session.scalars(select(ContactRoute)).all() == []
        resident = session.get_one(Resident, made.resident_id)
        assert (resident.nickname, resident.age_band) == (None, None)
    # Their record is open here, and opens elsewhere with code and PIN.
    assert "We have your request" in browser.text(sent.headers["Location"][3:])
    assert browser.get("/roadmap/code").status_code == 200


def test_speaking_to_a_person_is_on_every_page_of_the_form(
    app: Flask, browser: Browser, lending: Scheme
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(LoanScheme, lending.organisation_id).phone = "0161 496 0001"
    assert browser.send("/loans/ask", model=str(lending.model_id), **WHAT).status_code == 303
    assert browser.send("/loans/ask/2", **WHY).status_code == 303
    browser.send("/loans/ask/3", **{**HOW, "place": str(lending.place_id)})
    for path in ("/loans/ask", "/loans/ask/2", "/loans/ask/3", "/loans/ask/4"):
        page = browser.text(path)
        assert "speak to a person" in page, path
        assert "0161 496 0001" in page, path
        assert "Gorton Library" in page.split("speak to a person")[-1], path
    # What is wrong with a form takes nothing of it away.
    wrong = browser.send("/loans/ask/3", **{**HOW, "place": str(lending.place_id), "contact": "x"})
    assert wrong.status_code == 422
    assert "0161 496 0001" in wrong.get_data(as_text=True)


def test_an_unsaved_plan_is_kept_with_it(app: Flask, browser: Browser, lending: Scheme) -> None:
    browser.make_plan()
    fill_in(browser, lending)
    assert send(browser).status_code == 303
    with app.app_context(), transaction() as session:
        made = session.scalars(select(LoanRequest)).one()
        assert session.scalars(select(Roadmap.resident_id)).one() == made.resident_id
    plan = browser.text("/roadmap")
    assert "What you borrow" in plan
    assert "We have your request" in plan


def test_with_a_saved_plan_neither_pin_nor_contact_is_asked(
    app: Flask, browser: Browser, lending: Scheme
) -> None:
    browser.make_plan()
    browser.save_plan()
    browser.send("/my-record/contact", kind="sms", value="07700 900123")
    browser.send("/loans/ask", model=str(lending.model_id), **WHAT)
    browser.send("/loans/ask/2", **WHY)
    page = browser.text("/loans/ask/3")
    assert "07700 900123" in page
    assert 'name="contact"' not in page
    assert 'name="age"' not in page
    assert browser.send("/loans/ask/3", settings=[], place="bring").status_code == 303
    assert 'name="pin"' not in browser.text("/loans/ask/4")
    assert browser.send("/loans/ask/4").status_code == 303
    assert count(app, Resident, LoanRequest, ContactRoute) == [1, 1, 1]
    with app.app_context(), transaction() as session:
        assert session.scalars(select(LoanRequest.place_id)).one() is None


def test_a_way_to_reach_them_is_kept_with_their_record(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending, contact_kind="sms", contact="07700 900123", is_adults="y", age="under_13")
    page = browser.text("/loans/ask/4")
    assert "07700 900123" in page
    assert "Please come with an adult" in page
    send(browser)
    with app.app_context(), transaction() as session:
        route = session.scalars(select(ContactRoute)).one()
        assert (route.kind, route.value, route.is_adults) == ("sms", "+447700900123", True)
        assert session.scalars(select(Resident.age_band)).one() == "under_13"
        assert session.scalars(select(Resident.nickname)).one() == "Sam Canary"


def test_who_is_not_safe_can_say_that_no_message_names_the_service(
    app: Flask, browser: Browser, lending: Scheme
) -> None:
    fill_in(browser, lending, contact_kind="sms", contact="07700 900123", is_discreet="y")
    assert "No message may name this service" in browser.text("/loans/ask/4")
    send(browser)
    with app.app_context(), transaction() as session:
        resident = session.scalars(select(Resident)).one()
        assert resident.safe_contact == {"no_service_name": True}


def test_the_hint_of_a_box_stands_below_it(browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending)
    page = browser.text("/loans/ask/3")
    assert page.index("No message may name this service") < page.index("somebody else reads your phone")
    assert 'aria-describedby="is_discreet-hint"' in page


def test_three_pictures_do_too(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending)
    page = browser.text("/loans/ask/4?with=pictures")
    pictures = re.findall(r'name="picture1" value="([a-z0-9]+)"', page)[:3]
    chosen = {f"picture{number}": picture for number, picture in enumerate(pictures, 1)}
    sent = browser.send(
        "/loans/ask/4", form_on="/loans/ask/4?with=pictures", **chosen, **{"with": "pictures"}
    )
    assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Resident.secret_kind)).one() == "pictures"


# --- back, twice, gone


def test_back_keeps_what_was_typed(browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending, contact_kind="email", contact="sam@example.org")
    first, second, third = (browser.text(f"/loans/ask{page}") for page in ("", "/2", "/3"))
    assert re.search(rf'value="{lending.model_id}" checked', first)
    assert re.search(r'value="learn" checked', first)
    assert re.search(r'name="no_device" value="yes" checked', second)
    assert re.search(r'name="deadline" value="no" checked', second)
    assert re.search(r'name="children" value="skip" checked', second)
    assert re.search(r'value="large_text" checked', third)
    assert 'value="sam@example.org"' in third
    assert 'value="Sam Canary"' in third


def test_nothing_typed_is_in_an_address_or_a_cookie(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending, contact_kind="email", contact="sam@example.org")
    cookie = browser.client.get_cookie("visit")
    assert cookie is not None
    with app.test_request_context(headers={"Cookie": f"visit={cookie.value}"}):
        from flask import session as opened  # noqa: PLC0415 - the cookie of this request

        assert set(opened) <= {"v", "began", "csrf_token", "language"}
    with app.app_context(), transaction() as session:
        stored = session.execute(text("SELECT asking FROM visits WHERE asking IS NOT NULL")).scalar()
        assert stored and "Canary" not in stored and "example" not in stored
    browser.send("/finish")
    assert count(app, LoanRequest) == [0]
    with app.app_context(), transaction() as session:
        assert session.execute(text("SELECT count(*) FROM visits")).scalar() == 0


def test_the_button_pressed_twice_asks_once(app: Flask, browser: Browser, lending: Scheme) -> None:
    """The second press comes with the old cookie, as the browser threw the first answer away."""
    fill_in(browser, lending)
    old = browser.client.get_cookie("visit")
    assert old is not None
    page = browser.text("/loans/ask/4")
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    data = {**PIN, "csrf_token": token}
    first = browser.client.post("/en/loans/ask/4", data=data)
    browser.client.set_cookie("visit", old.value)
    second = browser.client.post("/en/loans/ask/4", data=data)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert count(app, LoanRequest, Resident, Consent) == [1, 1, 1]
    # Another PIN opens nothing of it.
    browser.client.set_cookie("visit", old.value)
    other = browser.client.post("/en/loans/ask/4", data={**data, "pin": "5182", "pin_again": "5182"})
    assert other.headers.get("Location") != first.headers["Location"]


def test_back_and_send_again_leads_to_what_was_sent(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending)
    first = send(browser)
    again = browser.send("/loans/ask/4", form_on="/loans/ask", **PIN)
    assert again.headers["Location"] == first.headers["Location"]
    assert count(app, LoanRequest, Resident) == [1, 1]
    # A new form begins empty, and asks for another one.
    assert 'value="learn" checked' not in browser.text("/loans/ask")
    fill_in(browser, lending)
    assert browser.send("/loans/ask/4").status_code == 303
    assert count(app, LoanRequest, Resident) == [2, 1]


def test_a_later_page_leads_to_the_first_that_is_empty(browser: Browser, lending: Scheme) -> None:
    for page in ("/2", "/3", "/4"):
        assert browser.get(f"/loans/ask{page}").headers["Location"] == "/en/loans/ask"
    browser.send("/loans/ask", model=str(lending.model_id), **WHAT)
    assert browser.get("/loans/ask/4").headers["Location"] == "/en/loans/ask/2"


def test_a_visit_that_ended_says_so(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending)
    with app.app_context(), transaction() as session:
        session.execute(text("DELETE FROM visits"))
    answer = browser.get("/loans/ask/3")
    assert answer.status_code == 200
    assert "ended" in answer.get_data(as_text=True)


# --- refused


@pytest.mark.parametrize(
    ("page", "wrong", "said"),
    [
        ("", {"model": ""}, "Choose a device."),
        ("", {"model": "999999"}, "Choose one of the answers"),
        ("", {"model": "\0"}, "Choose one of the answers"),
        ("", {"purposes": ["fun"]}, "Choose one of the answers"),
        ("", {"whom": "cat"}, "Choose one of the answers"),
        ("/2", {"unsafe": "maybe"}, "Choose one of the answers"),
        ("/3", {"settings": ["gold"]}, "Choose one of the answers"),
        ("/3", {"place": "999999"}, "Choose one of the answers"),
        ("/3", {"contact_kind": "pigeon"}, "Choose one of the answers"),
        ("/3", {"contact_kind": "sms"}, "Type the number or address"),
        ("/3", {"contact_kind": "sms", "contact": "12"}, "This is no phone number."),
        ("/3", {"contact": "07700 900123"}, "Choose above how we may use this."),
        ("/3", {"contact_kind": "letter", "contact": "x" * 300}, "This is too long."),
        ("/3", {"name": "x" * 100}, "This is too long."),
        ("/3", {"age": "under_13"}, "Then give the phone or address of an adult."),
        ("/3", {"age": "under_13", "contact_kind": "sms", "contact": "07700 900123"}, "of an adult."),
        ("/4", {"pin": "1234", "pin_again": "1234"}, "There is a problem"),
        ("/4", {"pin": "4071", "pin_again": "4072"}, "There is a problem"),
        ("/4", {}, "There is a problem"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    app: Flask, browser: Browser, lending: Scheme, page: str, wrong: dict[str, Any], said: str
) -> None:
    fill_in(browser, lending)
    right = {
        "": {"model": str(lending.model_id), **WHAT},
        "/2": WHY,
        "/3": {**HOW, "place": str(lending.place_id)},
        "/4": {},
    }[page]
    answer = browser.send(f"/loans/ask{page}", **{**right, **wrong})
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in html
    assert count(app, LoanRequest, Resident) == [0, 0]
    if page == "/3" and "name" not in wrong:
        assert 'value="Sam Canary"' in html
    for pin in ("4071", "1234"):
        assert f'value="{pin}"' not in html


def test_what_is_no_longer_lent_is_refused_at_the_end(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending)
    with app.app_context(), transaction() as session:
        session.get_one(DeviceModel, lending.model_id).is_offered = False
    answer = send(browser)
    assert answer.status_code == 422
    assert "We do not lend this one now." in answer.get_data(as_text=True)
    assert count(app, LoanRequest, Resident, GivenCode) == [0, 0, 0]
    # What was typed is still there, and the browser kept its visit.
    assert "Sam Canary" in browser.text("/loans/ask/4")


def test_with_the_code_alone_the_plan_is_opened_first(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], lending: Scheme
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    other = another_browser()
    other.send("/come-back", code=code)
    assert "Open your plan first" in other.text("/loans/ask")
    assert other.get("/loans/ask/3").headers["Location"] == "/en/loans/ask"


def test_a_closed_scheme_lends_nothing(app: Flask, browser: Browser, lending: Scheme) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(LoanScheme, lending.organisation_id).is_open = False
    assert "There is nothing to borrow here just now." in browser.text("/loans")
    assert "There is nothing to borrow here just now." in browser.text("/loans/ask")


def test_the_record_says_that_it_was_made_and_no_more(app: Flask, browser: Browser, lending: Scheme) -> None:
    fill_in(browser, lending, contact_kind="sms", contact="07700 900123")
    send(browser)
    with app.app_context(), transaction() as session:
        actions = session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
        assert actions[:2] == ["make", "change contact"]


def test_the_pages_ask_few_questions_of_the_database(app: Flask, browser: Browser, lending: Scheme) -> None:
    browser.text("/loans")
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(app.extensions["engine"], "before_cursor_execute", note)
    browser.text("/loans")
    event.remove(app.extensions["engine"], "before_cursor_execute", note)
    assert len([one for one in asked if one.startswith("SELECT")]) <= 10, asked


def ask_and_take_back(browser: Browser, lending: Scheme, **how: Any) -> int:
    fill_in(browser, lending, **how)
    sent = send(browser)
    if sent.status_code == 303:
        page = sent.headers["Location"][3:]
        assert browser.send(f"{page}/withdraw", page).status_code == 303
    return sent.status_code


STRANGER = {"contact_kind": "email", "contact": "stranger@example.org"}


def test_nobody_has_a_stranger_told_all_day(app: Flask, browser: Browser, lending: Scheme) -> None:
    """Asked and taken back by one visit, and by new ones that name the same address in another way."""
    configure(app, mail_url="smtp://127.0.0.1:9", mail_from="post@example.org")
    most = attempts.ASKING.tries
    assert ask_and_take_back(browser, lending, **STRANGER) == 303
    for _time in range(most - 1):
        assert ask_and_take_back(browser, lending) == 303
    fill_in(browser, lending)
    for one in (browser, Browser(app)):
        if one is not browser:
            fill_in(one, lending, contact_kind="email", contact="Stranger@Example.org")
        refused = send(one)
        page = refused.get_data(as_text=True)
        assert refused.status_code == 422
        # What to do now: wait, another way to be reached, or a person.
        assert "Wait an hour and try again." in page and "Or speak to a person" in page
        assert "0161 496 0000" in page and 'href="/en/loans/ask/3"' in page
    assert count(app, LoanRequest, Resident) == [most, 1]
    with app.app_context(), transaction() as session:
        told = select(func.count()).select_from(Message).where(Message.template == "loan_asked")
        assert session.scalar(told) == most
    # Who is told of nothing, or names another address, is not kept from asking.
    fill_in(one, lending)
    assert send(one).status_code == 303
    other = Browser(app)
    assert ask_and_take_back(other, lending, contact_kind="email", contact="other@example.org") == 303


def test_one_who_asks_by_themselves_may_ask_for_as_many_as_a_home_needs(app: Flask, lending: Scheme) -> None:
    browser = Browser(app)
    for _time in range(MOST_AT_ONCE):
        fill_in(browser, lending)
        assert send(browser).status_code == 303
    fill_in(browser, lending)
    refused = send(browser)
    # The reason that is theirs comes first.
    assert refused.status_code == 422 and "Take one request back" in refused.get_data(as_text=True)


def test_an_asking_that_is_refused_for_another_reason_counts_for_nothing(
    app: Flask, browser: Browser, lending: Scheme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ASKING", replace(attempts.ASKING, tries=1))
    fill_in(browser, lending, **STRANGER)
    with app.app_context(), transaction() as session:
        session.get_one(LoanScheme, lending.organisation_id).is_open = False
    assert send(browser).status_code != 303
    with app.app_context(), transaction() as session:
        session.get_one(LoanScheme, lending.organisation_id).is_open = True
    assert send(browser).status_code == 303
