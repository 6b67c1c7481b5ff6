"""Whoever asked for a device without a plan comes back: by their own code or the code of the request, with their PIN."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.clock import now
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import LoanRequest, Unit
from inclusion_app.loans.services import requests_decide
from inclusion_app.people.models import Resident
from tests.conftest import Browser
from tests.loans.conftest import Scheme
from tests.loans.test_ask import PIN, fill_in, send

Screens = Callable[..., Browser]


@pytest.fixture
def asked(app: Flask, another_browser: Screens, lending: Scheme) -> tuple[str, str]:
    """The code of the request and the own code of whoever asked; they made no plan. They wait, for nothing is free."""
    person = another_browser()
    fill_in(person, lending)
    assert send(person).status_code == 303
    with app.app_context(), transaction() as session:
        made = session.scalars(select(LoanRequest)).one()
        session.delete(session.scalars(select(Unit)).one())
        requests_decide.approve(session, request=made, staff_id=None, now=now())
        return made.code, session.scalars(select(Resident.code)).one()


def come_back(browser: Browser, code: str, pin: str = "") -> tuple[int, str]:
    answer = browser.send("/come-back", code=show_code(code), pin=pin)
    return answer.status_code, answer.headers.get("Location", "")


def links_of(page: str) -> list[str]:
    return re.findall(r"<main.*</main>", page, re.DOTALL)[0].split('href="')


def leads_to(page: str, address: str) -> bool:
    return any(link.startswith(f'{address}"') for link in links_of(page))


def test_with_their_own_code_every_page_leads_to_what_they_borrow(
    browser: Browser, asked: tuple[str, str]
) -> None:
    of_loan, own = asked
    assert come_back(browser, own, PIN["pin"]) == (303, "/en/roadmap")
    for path in ("/roadmap", "/loans", "/my-record"):
        page = browser.text(path)
        assert "What you borrow" in page, path
        assert leads_to(page, f"/en/loans/{of_loan}"), path
    page = browser.text("/roadmap")
    assert "You are in the queue" in page
    assert "Come back to my plan" not in page  # they are back
    assert leads_to(page, "/en/roadmap/check")


def test_with_the_code_of_the_request_and_their_pin_all_that_is_theirs_is_open(
    browser: Browser, asked: tuple[str, str]
) -> None:
    of_loan, _own = asked
    assert come_back(browser, of_loan, PIN["pin"]) == (303, f"/en/loans/{of_loan}")
    page = browser.text(f"/loans/{of_loan}")
    assert "Your reasons give you 14 points." in page
    assert "to see your reasons" not in page
    assert "This is all we hold." in browser.text("/my-record")
    assert leads_to(browser.text("/roadmap"), f"/en/loans/{of_loan}")


def test_the_code_of_the_request_alone_opens_its_page_and_no_more(
    browser: Browser, asked: tuple[str, str]
) -> None:
    of_loan, _own = asked
    assert come_back(browser, of_loan) == (303, f"/en/loans/{of_loan}")
    page = browser.text(f"/loans/{of_loan}")
    assert "points." not in page.replace("more points", "")
    assert "This is all we hold." not in browser.text("/my-record")
    for path in ("/roadmap", "/loans", "/my-record"):
        assert of_loan not in browser.text(path), path
    # Where the PIN is typed is one press away, and the code is there already.
    link = re.search(r'href="([^"]+)"[^>]*>[^<]*to see your reasons', page)
    assert link
    assert f'value="{show_code(of_loan)}"' in browser.text(link[1].replace("/en", "", 1))


def test_with_a_wrong_pin_nothing_is_opened_and_it_says_so(
    browser: Browser, another_browser: Screens, asked: tuple[str, str]
) -> None:
    of_loan, own = asked
    page = browser.send("/come-back", code=of_loan, pin="9876")
    assert page.status_code == 422
    assert "do not fit" in page.get_data(as_text=True)
    assert "This is all we hold." not in browser.text("/my-record")
    # The tries of both codes are tries of one PIN.
    for _ in range(4):
        another_browser().send("/come-back", code=of_loan, pin="9876")
    for code in (own, of_loan):
        late = another_browser().send("/come-back", code=code, pin=PIN["pin"])
        assert late.status_code == 422
        assert "Too many wrong tries." in late.get_data(as_text=True)
    # The page of the request asks for no PIN, so it stays open.
    assert come_back(another_browser(), of_loan) == (303, f"/en/loans/{of_loan}")


def test_right_ones_lock_nobody_out(app: Flask, another_browser: Screens, asked: tuple[str, str]) -> None:
    of_loan, own = asked
    for _ in range(6):
        assert come_back(another_browser(), of_loan, PIN["pin"])[0] == 303
    assert come_back(another_browser(), own, PIN["pin"])[0] == 303
    # A code that opens nothing of anybody any more: what is typed beside it is no try of a PIN.
    with app.app_context(), transaction() as session:
        session.scalars(select(LoanRequest)).one().forgotten_at = now()
    for _ in range(6):
        assert come_back(another_browser(), of_loan, "9876") == (303, f"/en/loans/{of_loan}")


def test_with_their_own_code_alone_no_loan_is_shown(browser: Browser, asked: tuple[str, str]) -> None:
    of_loan, own = asked
    assert come_back(browser, own) == (303, "/en/roadmap")
    page = browser.text("/roadmap")
    for words in ("borrow", "What you asked for", "in the queue"):
        assert words not in page, words
    assert of_loan not in page
    assert "I have a PIN" in page
    assert of_loan not in browser.text("/loans")
    assert of_loan not in browser.text("/my-record")


def test_where_there_is_no_plan_nobody_speaks_of_one(browser: Browser, asked: tuple[str, str]) -> None:
    of_loan, own = asked
    come_back(browser, own, PIN["pin"])
    page = browser.text(f"/loans/{of_loan}")
    assert "The code of your plan" not in page
    assert "Back to my plan" not in page
    page = browser.text("/roadmap/code")
    assert show_code(own) in page
    for words in (
        "Your plan is saved",
        "Print my plan",
        "Back to my plan",
        "delete my plan",
        "Delete my plan",
    ):
        assert words not in page, words
    assert "Delete all of it" in page
    browser.make_plan()
    assert "The code of your plan" in browser.text(f"/loans/{of_loan}")
    assert "Your plan is saved" in browser.text("/roadmap/code")


def test_who_asked_already_finds_the_way_back(browser: Browser, lending: Scheme) -> None:
    page = browser.text("/loans")
    # Beside the button to ask, not below all there is.
    assert (
        page.index("Ask for a device")
        < page.index("Did you ask already?")
        < page.index("What you can borrow")
    )
    assert leads_to(page, "/en/come-back")
