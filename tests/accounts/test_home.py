"""The start page of the staff and the road every page of theirs takes."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from sqlalchemy import event, update

from inclusion_app.accounts.models import Membership
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from tests.conftest import Browser, StaffBrowser


def test_a_stranger_is_sent_to_sign_in_and_back_to_the_page_after(browser: Browser) -> None:
    answer = browser.client.get("/staff")
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in?next=%2Fstaff")
    filtered = browser.client.get("/staff/people?whose=organisation&page=2")
    assert filtered.location == "/staff/sign-in?next=%2Fstaff%2Fpeople%3Fwhose%3Dorganisation%26page%3D2"


def test_staff_see_their_name_and_organisation(staff_browser: Callable[..., StaffBrowser]) -> None:
    page = staff_browser("caseworker", organisation="Red Door", name="Asha Khan").text("/staff")
    assert "Asha Khan, for Red Door" in page
    assert "Nothing waits for you now." in page


def test_a_residents_page_asks_nothing_about_the_staff(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    asked: list[str] = []
    event.listen(app.extensions["engine"], "before_cursor_execute", lambda *facts: asked.append(facts[2]))
    person = staff_browser("caseworker")
    asked.clear()
    assert person.get("/en/").status_code == 200
    assert not [words for words in asked if "staff" in words or "memberships" in words]


def test_a_role_that_was_taken_away_is_gone_on_the_next_request(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    person = staff_browser("caseworker")
    assert person.get("/staff").status_code == 200
    with app.app_context(), transaction() as session:
        session.execute(update(Membership).values(until_at=now()))
    assert person.get("/staff").status_code == 303


def test_signing_out_ends_the_session_for_a_copy_of_the_cookie_too(
    staff_browser: Callable[..., StaffBrowser],
) -> None:
    person = staff_browser("caseworker")
    stolen = person.client.get_cookie("staff")
    assert person.send("/staff/sign-out", form_on="/staff").status_code == 303
    assert stolen is not None
    person.client.set_cookie("staff", stolen.value)
    assert person.get("/staff").status_code == 303
