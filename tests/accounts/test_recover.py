"""A forgotten password: the same answer for everybody, a link that works once, and still the second factor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app.accounts import passwords, sign_in
from inclusion_app.accounts.models import Staff, StaffLink
from inclusion_app.core import clock
from inclusion_app.core.db import transaction
from inclusion_app.core.events import MessageWanted
from tests.accounts.conftest import PASSWORD, Moving, Worker, errors, make_worker
from tests.conftest import StaffBrowser

Make = Callable[..., Worker]
NEW = "three quiet old bicycles"


def ask(person: Worker, email: str | None = None) -> Any:
    return person.browser.send("/staff/recover", email=email or person.email)


def path_of(mails: list[MessageWanted]) -> str:
    links = [mail.params["link"] for mail in mails if mail.template == "staff_recover"]
    assert links[-1].startswith("http://localhost/staff/recover/")
    return links[-1].removeprefix("http://localhost")


def test_the_answer_is_the_same_for_everybody(worker: Make, mails: list[MessageWanted]) -> None:
    person, left = worker(), worker(organisation="Blue Door", left_at=clock.now())
    answers = [
        ask(person, email) for email in (person.email, left.email, "no@one.example", "not an address\0")
    ]
    assert {(answer.status_code, answer.location, answer.get_data()) for answer in answers} == {
        (303, "/staff/recover/sent", answers[0].get_data())
    }
    assert person.browser.get("/staff/recover/sent").status_code == 200
    assert [(mail.template, mail.staff_id) for mail in mails] == [("staff_recover", person.staff_id)]


def test_a_link_sets_a_password_once_and_the_second_factor_is_still_asked_for(
    app: Flask, worker: Make, mails: list[MessageWanted]
) -> None:
    person = worker()
    person.sign_in()
    signed_in, person.browser = person.browser, StaffBrowser(app)
    ask(person)
    path = path_of(mails)
    assert person.browser.get(path).status_code == 200
    assert person.browser.get(path).status_code == 200, "looking uses nothing up"
    answer = person.browser.send(path, password="password1234")
    assert answer.status_code == 422
    assert "Many people use this password" in errors(answer)
    assert signed_in.get("/staff").status_code == 200
    token = person.browser.text(path)
    assert person.browser.send(path, password=NEW).location == "/staff/sign-in"
    assert signed_in.get("/staff").status_code == 303
    assert "staff_password_changed" in {mail.template for mail in mails}
    assert "Your new password is set" in person.browser.text("/staff/sign-in")
    assert person.browser.get(path).status_code == 404
    assert token
    assert (
        person.browser.send(path, form_on="/staff/sign-in", password="another good long one").status_code
        == 404
    )
    assert person.give_password(PASSWORD).status_code == 422
    assert person.give_password(NEW).location == "/staff/sign-in/second"
    assert person.browser.get("/staff").status_code == 303


@pytest.mark.parametrize("how", ["old", "replaced", "unknown", "left"])
def test_a_link_that_works_no_more_says_so(
    app: Flask, worker: Make, mails: list[MessageWanted], time: Moving, how: str
) -> None:
    person = worker()
    ask(person)
    path = path_of(mails)
    if how == "old":
        time.forward(hours=1, seconds=1)
    if how == "replaced":
        ask(person)
    if how == "unknown":
        path = "/staff/recover/" + "x" * 43
    if how == "left":
        with app.app_context(), transaction() as session:
            session.execute(update(Staff).values(left_at=clock.now()))
    answer = person.browser.get(path)
    assert answer.status_code == 404
    assert "This link works no more" in answer.get_data(as_text=True)


def test_nobody_is_sent_more_than_three_links_an_hour(worker: Make, mails: list[MessageWanted]) -> None:
    person = worker()
    for _ in range(6):
        assert ask(person).location == "/staff/recover/sent"
    assert len(mails) == 3


def test_an_address_asks_twenty_times(worker: Make) -> None:
    person = worker()
    for number in range(20):
        assert ask(person, f"p{number}@example.org").status_code == 303
    assert "Too many tries" in errors(ask(person, "p@example.org"))


def test_of_four_with_the_same_link_one_sets_the_password(service_on_both: Flask) -> None:
    app, moment = service_on_both, clock.now()
    person, links = make_worker(app), list[str]()
    with app.test_request_context("/staff/recover", method="POST"), transaction() as session:

        def keep(token: str) -> str:
            links.append(token)
            return token

        sign_in.ask_for_link(
            session, email=person.email, where=sign_in.From("192.0.2.1"), link_for=keep, now=moment
        )
    hashed, won = passwords.hash_password(NEW), []

    def use() -> None:
        with app.app_context(), transaction() as session:
            won.append(sign_in.use_link(session, token=links[0], password_hash=hashed, now=moment))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]


def test_old_links_are_deleted(app: Flask, worker: Make, mails: list[MessageWanted]) -> None:
    ask(worker())
    with app.app_context(), transaction() as session:
        assert sign_in.delete_old_links(session, now=clock.now()) == 0
        assert sign_in.delete_old_links(session, now=clock.now() + timedelta(hours=2)) == 1
        assert session.scalar(select(func.count()).select_from(StaffLink)) == 0


def test_the_log_holds_no_token_and_no_address(
    worker: Make, mails: list[MessageWanted], caplog: pytest.LogCaptureFixture
) -> None:
    person = worker()
    ask(person)
    person.browser.get(path_of(mails))
    person.sign_in()
    for secret in (person.email, path_of(mails)[-20:], PASSWORD):
        assert secret not in caplog.text
