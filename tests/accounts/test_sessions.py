"""How long a sign-in lasts, where one is signed in, and how it is ended."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from inclusion_app.cli import DELETIONS
from inclusion_app.core import clock
from inclusion_app.core.db import transaction
from inclusion_app.core.staff_sessions import StaffSession, delete_ended_sessions
from tests.accounts.conftest import Moving, Worker
from tests.conftest import StaffBrowser

Make = Callable[..., Worker]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def test_every_page_says_until_when_one_is_signed_in(
    staff_browser: Callable[..., StaffBrowser], time: Moving
) -> None:
    person = staff_browser("caseworker")
    page = person.text("/staff")
    found = re.search(r'data-ends="([^"]+)"', page)
    assert found
    left = datetime.fromisoformat(found[1]) - clock.now()
    assert timedelta(minutes=28, seconds=50) < left <= timedelta(minutes=30)
    assert re.search(r"signed in until \d\d?[:.]\d\d", page)


def test_a_sign_in_ends_after_30_minutes_without_use(
    staff_browser: Callable[..., StaffBrowser], time: Moving
) -> None:
    person = staff_browser("caseworker")
    for _ in range(3):
        time.forward(minutes=29)
        assert person.get("/staff").status_code == 200
    time.forward(minutes=30, seconds=1)
    assert person.get("/staff").status_code == 303


def test_the_notice_keeps_a_sign_in_but_not_past_ten_hours(
    staff_browser: Callable[..., StaffBrowser], time: Moving
) -> None:
    person = staff_browser("caseworker")
    began = clock.now()
    for _ in range(23):
        time.forward(minutes=25)
        answer = person.send("/staff/sign-in/stay", form_on="/staff")
        until = datetime.fromisoformat(json.loads(answer.get_data())["until"])
        assert until <= began + timedelta(hours=10)
    assert until < clock.now() + timedelta(minutes=26)
    time.forward(minutes=26)
    assert person.get("/staff").status_code == 303


def test_what_was_written_when_the_sign_in_had_ended_is_shown_again_and_not_taken(
    staff_browser: Callable[..., StaffBrowser], time: Moving
) -> None:
    person = staff_browser("caseworker")
    token = re.search(r'csrf_token" value="([^"]+)', person.text("/staff"))
    assert token
    time.forward(minutes=31)
    long = "She would like to <b>learn</b> how to write to her landlord."
    typed = {"csrf_token": token[1], "note": long, "password": "hunter2"}
    answer = person.client.post("/staff/sessions/end-others", data=typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Your sign-in ended" in page
    assert "&lt;b&gt;learn&lt;/b&gt; how to write" in page
    assert "hunter2" not in page
    assert (
        person.client.post("/staff/sessions/end-others", data={**typed, "csrf_token": "x"}).status_code == 400
    )


def test_a_stranger_who_sends_a_form_is_sent_to_sign_in(app: Flask) -> None:
    answer = StaffBrowser(app).send("/staff/sessions/end-others", form_on="/staff/sign-in", note="x" * 99)
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in")


def test_own_sign_ins_are_listed_and_ended(worker: Make, time: Moving) -> None:
    person, other = worker(), worker(organisation="Blue Door")
    other.sign_in()
    person.sign_in()
    elsewhere = person.browser
    person.browser = StaffBrowser(person.app)
    person.browser.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    time.forward(minutes=1)
    person.sign_in()
    page = person.browser.text("/staff/sessions")
    assert page.count('/end"') == 2
    assert 'Firefox on Linux <span class="tag">This one' in page
    with person.app.app_context(), transaction() as session:
        rows = {row.id: row.staff_id for row in session.scalars(select(StaffSession))}
    theirs = next(number for number, owner in rows.items() if owner == other.staff_id)
    for number in (theirs, 999):
        assert (
            person.browser.send(f"/staff/sessions/{number}/end", form_on="/staff/sessions").status_code == 404
        )
    assert other.browser.get("/staff").status_code == 200
    mine = min(number for number, owner in rows.items() if owner == person.staff_id)
    assert person.browser.send(f"/staff/sessions/{mine}/end", form_on="/staff/sessions").status_code == 303
    assert elsewhere.get("/staff").status_code == 303
    assert person.browser.get("/staff").status_code == 200


def test_all_others_end_at_once_and_this_one_when_asked(worker: Make, time: Moving) -> None:
    person = worker()
    browsers = []
    for _ in range(3):
        person.browser = StaffBrowser(person.app)
        time.forward(minutes=1)
        person.sign_in()
        browsers.append(person.browser)
    assert browsers[0].send("/staff/sessions/end-others", form_on="/staff/sessions").status_code == 303
    assert [browser.get("/staff").status_code for browser in browsers] == [200, 303, 303]
    found = re.search(r"/staff/sessions/\d+/end", browsers[0].text("/staff/sessions"))
    assert found
    assert browsers[0].send(found[0], form_on="/staff/sessions").location == "/staff/sign-in"
    assert browsers[0].get("/staff").status_code == 303


def test_a_number_no_row_can_have_is_no_page(staff_browser: Callable[..., StaffBrowser]) -> None:
    person = staff_browser("caseworker")
    for path in ("/staff/sessions/{}/end", "/staff/factors/keys/{}/remove"):
        assert person.send(path.format(10**20), form_on="/staff/sessions").status_code == 404


def test_ended_sign_ins_are_deleted(app: Flask, worker: Make) -> None:
    worker().sign_in()
    assert delete_ended_sessions in DELETIONS.values()
    with app.app_context(), transaction() as session:
        assert delete_ended_sessions(session, now=clock.now()) == 0
        assert delete_ended_sessions(session, now=clock.now() + timedelta(minutes=31)) == 1
        assert session.scalar(select(func.count()).select_from(StaffSession)) == 0
