"""Signing in with password and second factor: who gets in, who learns nothing, who must wait."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app.accounts import passwords, sign_in
from inclusion_app.accounts.devices import device_words, way_on
from inclusion_app.accounts.models import KnownDevice, Membership, Staff
from inclusion_app.app import create_app
from inclusion_app.core import migrations
from inclusion_app.core.attempts import host_of
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted
from inclusion_app.core.staff_sessions import StaffSession
from tests.accounts.conftest import PASSWORD, Moving, Worker, errors, make_worker
from tests.conftest import Browser, StaffBrowser, settings_for

Make = Callable[..., Worker]


def plain(answer: Any) -> str:
    """A page without the token and the typed address, which differ each time."""
    text = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.get_data(as_text=True))
    return re.sub(r'(name="email" type="email" value=")[^"]*', r"\1", text)


def test_password_and_code_open_the_staff_pages(worker: Make) -> None:
    person = worker(name="Asha Khan")
    answer = person.give_password()
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in/second")
    assert person.browser.get("/staff").status_code == 303, "the password alone opens nothing"
    answer = person.browser.send("/staff/sign-in/second", code=person.app_code())
    assert (answer.status_code, answer.location) == (303, "/staff")
    assert "Asha Khan, for Red Door" in person.browser.text("/staff")


def test_a_sign_in_leads_back_to_the_page_somebody_wanted(worker: Make) -> None:
    person = worker()
    start = person.browser.get("/staff/sessions").location
    assert person.browser.get(start).status_code == 200
    assert person.sign_in(next="/staff/sessions").location == "/staff/sessions"


@pytest.mark.parametrize(
    "wish",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "/staff/../x//y", "/staff//evil.example",
        "/staff\\..", "/staffing", "/en/", "/staff/sign-in", "/staff/sign-out", "/staff/a\r\nb", "/staff/" + "a" * 600, "",
        None, "/staff/%2e%2e/x", "/staff/@evil.example",
    ],
)  # fmt: skip
def test_a_sign_in_leads_nowhere_else(wish: str | None) -> None:
    assert way_on(wish) == "/staff"


def test_a_sign_in_leads_to_pages_of_the_staff_with_their_filters() -> None:
    assert way_on("/staff/people/12?sort=name&page=2") == "/staff/people/12?sort=name&page=2"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile Safari/537.36", "Chrome on Android"),
        ("", "A browser"),
        ("<script>\0", "A browser"),
    ],
)
def test_a_browser_is_called_in_plain_words(agent: str, words: str) -> None:
    assert device_words(agent) == words


def test_nobody_learns_who_has_an_account(app: Flask, worker: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[Any, ...]] = []
    verify = passwords.HASHER.verify

    class Counting:
        def verify(self, stored: str, typed: str) -> bool:
            runs.append(tuple(stored.split("$")[1:4]))
            return verify(stored, typed)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    people = {
        "known": worker(organisation="A"),
        "left": worker(organisation="B", left_at=now()),
        "no password yet": worker(organisation="C", password_hash=None),
        "in no organisation": worker(organisation="D"),
    }
    with app.app_context(), transaction() as session:
        gone = people["in no organisation"].staff_id
        session.execute(update(Membership).where(Membership.staff_id == gone).values(until_at=now()))
    answers = {}
    for name, person in people.items():
        typed = PASSWORD if name != "known" else "not the password at all"
        answer = person.give_password(typed)
        answers[name] = (answer.status_code, plain(answer))
    stranger = people["known"].browser.send("/staff/sign-in", email="no@one.example", password=PASSWORD)
    answers["unknown"] = (stranger.status_code, plain(stranger))
    assert len(set(answers.values())) == 1
    assert answers["known"][0] == 422
    assert "do not fit" in answers["known"][1]
    assert len(runs) == 5
    assert len(set(runs)) == 1


def test_what_is_checked_for_nobody_costs_what_a_password_costs() -> None:
    assert passwords.NOBODY.split("$")[:4] == passwords.hash_password(PASSWORD).split("$")[:4]
    assert not passwords.check_password(None, "an account that does not exist")


@pytest.mark.parametrize(
    "typed",
    [
        {"email": "a\0b@example.org", "password": "x\0y"},
        {"email": "ü" * 5000, "password": "ü" * 5000},
        {"email": "", "password": ""},
        {},
        {"email": ["a@b.c", "d@e.f"], "password": "x"},
        {"email": "a@b.c", "password": "x", "next": "//evil\0"},
    ],
)
def test_odd_input_is_refused_and_breaks_nothing(app: Flask, typed: dict[str, Any]) -> None:
    assert StaffBrowser(app).send("/staff/sign-in", **typed).status_code == 422


def test_a_body_of_a_megabyte_is_refused(app: Flask) -> None:
    answer = StaffBrowser(app).client.post("/staff/sign-in", data={"email": "a" * 1_000_000})
    assert answer.status_code in {400, 413}


def test_a_form_of_another_website_is_refused(worker: Make) -> None:
    person = worker()
    person.give_password()
    answer = person.browser.client.post(
        "/staff/sign-in/second", data={"code": person.app_code()}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 400
    assert person.browser.client.post("/staff/sign-in/second", data={"code": "1"}).status_code == 400
    assert person.browser.get("/staff").status_code == 303


def test_each_step_has_a_new_cookie_and_the_old_ones_open_nothing(worker: Make) -> None:
    person = worker()
    person.give_password()
    half = person.browser.client.get_cookie("staff")
    person.browser.send("/staff/sign-in/second", code=person.app_code())
    full = person.browser.client.get_cookie("staff")
    assert half and full and half.value != full.value
    thief = StaffBrowser(person.app)
    thief.client.set_cookie("staff", half.value)
    assert thief.get("/staff").status_code == 303
    thief.client.set_cookie("staff", full.value)
    assert thief.get("/staff").status_code == 200
    assert person.browser.send("/staff/sign-out", form_on="/staff").status_code == 303
    assert thief.get("/staff").status_code == 303


def test_a_planted_cookie_opens_nothing(worker: Make) -> None:
    person = worker()
    person.browser.client.set_cookie("staff", "planted-by-somebody-else-planted-by")
    person.sign_in()
    kept = person.browser.client.get_cookie("staff")
    assert kept and kept.value != "planted-by-somebody-else-planted-by"


def test_the_form_token_is_new_and_a_residents_visit_has_ended(app: Flask, worker: Make) -> None:
    person = worker()
    resident = Browser(app)
    resident.client = person.browser.client
    resident.make_plan()
    assert "Your next steps" in resident.text("/roadmap")
    token = re.search(r'csrf_token" value="([^"]+)', person.browser.text("/staff/sign-in"))
    person.sign_in()
    assert "No plan here yet" in resident.text("/roadmap")
    assert token
    late = person.browser.client.post("/staff/sign-out", data={"csrf_token": token[1]})
    assert late.status_code == 400


def test_a_half_way_sign_in_ends_after_ten_minutes(worker: Make, time: Moving) -> None:
    person = worker()
    person.give_password()
    time.forward(minutes=10, seconds=1)
    answer = person.browser.get("/staff/sign-in/second")
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in?ended=yes")
    assert "Your sign-in ended" in person.browser.text(answer.location)


def test_a_new_browser_is_told_by_mail_once(worker: Make, mails: list[MessageWanted], time: Moving) -> None:
    person = worker()
    person.sign_in()
    assert [(mail.template, mail.staff_id, mail.params["device"]) for mail in mails] == [
        ("staff_new_device", person.staff_id, "A browser")
    ]
    person.browser.send("/staff/sign-out", form_on="/staff")
    time.forward(minutes=1)
    person.sign_in()
    assert len(mails) == 1
    person.browser = StaffBrowser(person.app)
    time.forward(minutes=1)
    person.sign_in()
    assert len({mail.key for mail in mails}) == 2


def test_too_many_tries_must_wait_and_are_told_until_when_known_or_not(worker: Make, time: Moving) -> None:
    person = worker()
    pages = []
    for email in (person.email, "no@one.example"):
        browser = StaffBrowser(person.app)
        for _ in range(5):
            answer = browser.send("/staff/sign-in", email=email, password="wrong wrong wrong")
            assert "do not fit" in errors(answer)
        answer = browser.send("/staff/sign-in", email=email, password=PASSWORD)
        assert answer.status_code == 422
        assert re.search(r"Too many tries. Wait until \d\d?[:.]\d\d", errors(answer))
        pages.append(re.sub(r"Wait until [^,]+", "", plain(answer)))
    assert pages[0] == pages[1]
    time.forward(seconds=61)
    assert person.give_password().status_code == 303


def test_ten_tries_in_five_minutes_lead_to_a_longer_wait_but_never_for_ever(
    worker: Make, time: Moving
) -> None:
    person = worker()
    ahead = 0
    for _ in range(60):
        answer = person.give_password("wrong wrong wrong")
        ahead += "do not fit" in errors(answer)
        time.forward(seconds=5)
    assert ahead == 10
    time.forward(minutes=15)
    assert person.give_password().status_code == 303


def test_strangers_wrong_tries_keep_nobody_out_of_their_own_browser(worker: Make) -> None:
    person = worker()
    person.sign_in()
    person.browser.send("/staff/sign-out", form_on="/staff")
    stranger = StaffBrowser(person.app)
    for _ in range(6):
        stranger.send("/staff/sign-in", email=person.email, password="wrong wrong wrong")
    assert stranger.send("/staff/sign-in", email=person.email, password=PASSWORD).status_code == 422
    assert person.give_password().status_code == 303


def count_ahead(tmp_path: Path, hops: int, forged: Callable[[int], dict[str, str]], tries: int = 30) -> int:
    app = create_app(settings_for(tmp_path, trusted_hops=hops, base_url="http://localhost"))
    app.testing = True
    with app.app_context():
        migrations.upgrade()
    browser, ahead = StaffBrowser(app), 0
    token = re.search(r'csrf_token" value="([^"]+)', browser.text("/staff/sign-in"))
    assert token
    for number in range(tries):
        typed = {"email": f"p{number}@example.org", "password": "wrong", "csrf_token": token[1]}
        answer = browser.client.post("/staff/sign-in", data=typed, headers=forged(number))
        ahead += "do not fit" in errors(answer)
    app.extensions["engine"].dispose()
    return ahead


def test_one_address_gets_twenty_tries_whatever_it_says_of_itself(tmp_path: Path) -> None:
    # Without a proxy the header is somebody's own words.
    assert count_ahead(tmp_path, 0, lambda number: {"X-Forwarded-For": f"10.0.0.{number}"}) == 20


def test_behind_one_proxy_only_what_the_proxy_added_counts(tmp_path: Path) -> None:
    assert count_ahead(tmp_path, 1, lambda number: {"X-Forwarded-For": f"10.0.0.{number}, 192.0.2.7"}) == 20


def test_behind_one_proxy_two_addresses_count_apart(tmp_path: Path) -> None:
    assert count_ahead(tmp_path, 1, lambda number: {"X-Forwarded-For": f"192.0.2.{number % 2}"}) == 30


def test_all_addresses_one_machine_has_are_one(tmp_path: Path) -> None:
    # An IPv6 machine is given 18 million million million of them.
    assert count_ahead(tmp_path, 1, lambda number: {"X-Forwarded-For": f"2001:db8::{number:x}"}) == 20


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (None, "unknown"), ("nonsense", "unknown"),
    ],
)  # fmt: skip
def test_what_counts_as_one_machine(address: str | None, host: str) -> None:
    assert host_of(address) == host


def test_the_limit_holds_for_many_at_once(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction():
        person = make_worker(app, app_set=False)
    moment, ahead, lock = now(), [], threading.Lock()

    def tries(number: int) -> None:
        for count in range(10):
            with app.test_request_context("/staff/sign-in", method="POST"):
                try:
                    sign_in.prove_password(
                        email=person.email, password="wrong", where=sign_in.From(f"192.0.2.{number}"),
                        now=moment + timedelta(milliseconds=count),
                    )  # fmt: skip
                except RuleBroken as broken:
                    if broken.message == sign_in.WRONG:
                        with lock:
                            ahead.append(number)

    threads = [threading.Thread(target=tries, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ahead) == 5


def test_old_browsers_are_forgotten(app: Flask, worker: Make) -> None:
    worker().sign_in()
    with app.app_context(), transaction() as session:
        assert sign_in.delete_old_devices(session, now=now() + timedelta(days=395)) == 0
        assert sign_in.delete_old_devices(session, now=now() + timedelta(days=397)) == 1
        assert session.scalar(select(func.count()).select_from(KnownDevice)) == 0


def test_who_leaves_between_the_two_pages_does_not_get_in(app: Flask, worker: Make) -> None:
    person = worker()
    person.give_password()
    with app.app_context(), transaction() as session:
        session.execute(update(Staff).values(left_at=now()))
    answer = person.browser.send("/staff/sign-in/second", code=person.app_code())
    assert answer.status_code == 422
    with app.app_context(), transaction() as session:
        assert session.scalar(select(StaffSession.stage)) == "password"
