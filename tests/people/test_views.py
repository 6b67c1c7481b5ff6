"""Coming back, seen by somebody who means harm: what stays open, what is told, what is kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from inclusion_app.core import audit, clock, pins, sessions
from inclusion_app.core.db import transaction
from inclusion_app.core.sessions import Visit
from inclusion_app.people import services, views
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import keep_views
from tests.conftest import SECRET, Browser


@pytest.fixture
def on_both(service_on_both: Flask) -> Callable[[], Browser]:
    """More screens of a service on each engine."""
    return lambda: Browser(service_on_both)


def saved(browser: Browser) -> str:
    browser.make_plan()
    return browser.save_plan()


def meanwhile(do: Callable[[], TestResponse]) -> None:
    """What somebody else does in the middle of a request; another thread, as a request is bound to its own."""
    answers: list[int] = []
    other = threading.Thread(target=lambda: answers.append(do().status_code))
    other.start()
    other.join()
    assert answers == [303]


def stored_hash(app: Flask) -> str:
    with app.app_context(), transaction() as session:
        return session.query(Resident).one().secret_hash


def test_a_new_code_ends_what_others_have_open_by_the_old_one(on_both: Callable[[], Browser]) -> None:
    owner, thief, glance = on_both(), on_both(), on_both()
    code = saved(owner)
    assert thief.send("/come-back", code=code, pin="4071").status_code == 303
    assert glance.send("/come-back", code=code, pin="").status_code == 303
    assert "No plan" not in thief.text("/roadmap")
    assert owner.send("/roadmap/code", do="new").status_code == 303
    assert owner.get("/roadmap/code").status_code == 200  # the one who asked stays in
    for other in (thief, glance):
        assert other.get("/roadmap/code").status_code == 403
        assert other.get("/roadmap/handout.pdf").status_code == 302


def test_pin_for_everything_ends_what_is_open_by_the_code_alone(on_both: Callable[[], Browser]) -> None:
    owner, glance, known = on_both(), on_both(), on_both()
    code = saved(owner)
    glance.send("/come-back", code=code, pin="")
    known.send("/come-back", code=code, pin="4071")
    titles = glance.text("/roadmap")
    owner.send("/roadmap/code", do="everything-on")
    assert glance.text("/roadmap") != titles
    assert known.get("/roadmap/code").status_code == 200


def test_a_code_that_changed_while_the_pin_was_checked_opens_nothing(
    on_both: Callable[[], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = on_both(), on_both()
    code = saved(owner)
    real = services.open_with_secret

    def slow(*facts: str) -> bool:
        right = real(*facts)
        monkeypatch.setattr(views.services, "open_with_secret", real)
        meanwhile(lambda: owner.send("/roadmap/code", do="new"))
        return right

    monkeypatch.setattr(views.services, "open_with_secret", slow)
    assert other.send("/come-back", code=code, pin="4071").status_code == 422
    assert other.get("/roadmap/code").status_code == 403


def test_a_plan_deleted_while_the_pin_was_checked_opens_nothing(
    on_both: Callable[[], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = on_both(), on_both()
    code = saved(owner)
    real = services.open_with_secret

    def slow(*facts: str) -> bool:
        right = real(*facts)
        meanwhile(lambda: owner.send("/roadmap/code", do="delete"))
        return right

    monkeypatch.setattr(views.services, "open_with_secret", slow)
    assert other.send("/come-back", code=code, pin="4071").status_code == 422


def test_an_older_hash_is_made_anew_by_the_right_pin_only(
    on_both: Callable[[], Browser], service_on_both: Flask
) -> None:
    code = saved(on_both())
    older = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(pins._peppered("4071", SECRET))
    with service_on_both.app_context(), transaction() as session:
        session.execute(text("UPDATE residents SET secret_hash = :older"), {"older": older})
    on_both().send("/come-back", code=code, pin="8306")
    on_both().send("/come-back", code=code, pin="")
    assert stored_hash(service_on_both) == older
    assert on_both().send("/come-back", code=code, pin="4071").status_code == 303
    fresh = stored_hash(service_on_both)
    assert fresh != older
    assert not pins.needs_new_hash(fresh)
    assert on_both().send("/come-back", code=code, pin="4071").status_code == 303
    assert stored_hash(service_on_both) == fresh


def test_a_damaged_hash_and_an_unknown_code_answer_alike(
    on_both: Callable[[], Browser], service_on_both: Flask
) -> None:
    code = saved(on_both())
    with service_on_both.app_context(), transaction() as session:
        session.execute(text("UPDATE residents SET secret_hash = 'damaged'"))
    known = on_both().send("/come-back", code=code, pin="8306")
    assert known.status_code == 422
    assert "do not fit" in known.get_data(as_text=True)


def test_a_typed_pin_is_never_sent_back(browser: Browser, another_browser: Callable[..., Browser]) -> None:
    browser.make_plan()
    for answer in (
        browser.send("/roadmap/save", pin="8306", pin_again="9148"),
        another_browser().send("/come-back", code="ABC", pin="8306"),
    ):
        assert answer.status_code == 422
        assert "8306" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("pin", "says"),
    [
        ("2345", "in order"),
        ("1212", "two numbers"),
        ("1973", "a year"),
        ("2580", "on the keys"),
        ("7777", "one number"),
    ],
)
def test_the_save_page_says_why_a_pin_is_refused(browser: Browser, pin: str, says: str) -> None:
    browser.make_plan()
    answer = browser.send("/roadmap/save", pin=pin, pin_again=pin)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert says in page
    assert 'href="#pin"' in page


def test_one_picture_three_times_is_refused_when_chosen_and_read_when_typed(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    same = {f"picture{number}": "sun" for number in (1, 2, 3)}
    answer = browser.send("/roadmap/save", "/roadmap/save?with=pictures", **{"with": "pictures"}, **same)
    assert answer.status_code == 422
    assert "the same picture three times" in answer.get_data(as_text=True)
    wrong = another_browser().send(
        "/come-back",
        "/come-back?with=pictures",
        code=browser_code(another_browser()),
        **{"with": "pictures"},
        **same,
    )
    assert "the same picture three times" not in wrong.get_data(as_text=True)


def browser_code(browser: Browser) -> str:
    return saved(browser)


def test_of_many_who_save_one_plan_at_once_one_makes_a_resident(
    on_both: Callable[[], Browser], service_on_both: Flask
) -> None:
    owner = on_both()
    owner.make_plan()
    cookie = owner.client.get_cookie("visit")
    assert cookie
    page = owner.text("/roadmap/save")
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    cookie = owner.client.get_cookie("visit")
    assert cookie
    answers: list[int] = []
    ready = threading.Barrier(4, timeout=10)

    def save() -> None:
        client = service_on_both.test_client()
        client.set_cookie("visit", cookie.decoded_value)
        ready.wait()
        data = {"csrf_token": token, "pin": "4071", "pin_again": "4071"}
        answers.append(client.post("/en/roadmap/save", data=data).status_code)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert max(answers) < 500
    with service_on_both.app_context(), transaction() as session:
        assert session.query(Resident).count() == 1
        assert audit.verify(session) == []


PLANTED = [
    "/come-back?next=//evil.example", "/come-back?back=https://evil.example", "/roadmap/check?back=//evil.example",
    "/roadmap/check/days?back=//evil.example", "/finish?next=//evil.example",
]  # fmt: skip


@pytest.mark.parametrize("path", PLANTED)
def test_no_address_of_another_host_comes_back(browser: Browser, path: str) -> None:
    answer = browser.get(path, headers={"Host": "localhost"})
    # It stands in the links to the other languages, as part of our own address: nothing follows it.
    assert not re.search(r'(?:href|action)="(?:https?:)?//evil', answer.get_data(as_text=True))
    assert "evil.example" not in answer.headers.get("Location", "")


ODD = [
    "%00",
    "a%00b",
    "%0d%0aSet-Cookie:%20x=1",
    "..%2f..%2fetc",
    "%F0%9F%98%80",
    "%ff%fe",
    "A" * 6_000,
    "%EF%B7%BA" * 900,
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_codes_in_an_address_are_answered_by_a_page(on_both: Callable[[], Browser], odd: str) -> None:
    client = on_both().client
    answer = client.get(f"/r/{odd}")
    assert answer.status_code in {404, 422}
    assert "x=1" not in str(answer.headers)


@pytest.mark.parametrize("odd", ["\x00", "a\x00b", "\ud7ff", "\ufdfa" * 5_000, "9" * 50_000, "\u0660" * 9])
def test_odd_bodies_are_refused_by_a_page(on_both: Callable[[], Browser], odd: str) -> None:
    owner = on_both()
    owner.make_plan()
    for path, data in (
        ("/come-back", {"code": odd, "pin": odd}),
        (
            "/come-back",
            {
                "code": "ABCD-EFGH",
                "pin": "4071",
                "picture1": odd,
                "resident_id": "1",
                "unlocked": "everything",
            },
        ),
        ("/roadmap/save", {"pin": odd, "pin_again": odd, "nickname": "x"}),
        ("/roadmap/save", {"pin": "4071", "pin_again": odd, "nickname": odd}),
        ("/roadmap/code", {"do": odd}),
    ):
        form_on = "/come-back" if path == "/roadmap/code" else path
        assert owner.send(path, form_on, **data).status_code in {403, 422}, path
    assert owner.get("/roadmap/code").status_code == 403


def test_a_nickname_of_nothing_but_zero_bytes_breaks_no_engine(on_both: Callable[[], Browser]) -> None:
    owner = on_both()
    owner.make_plan()
    assert owner.send("/roadmap/save", pin="4071", pin_again="4071", nickname="A\x00b").status_code in {
        303,
        422,
    }


@pytest.mark.parametrize("path", ["/come-back", "/roadmap/save", "/roadmap/code", "/finish"])
def test_a_post_without_the_token_or_from_elsewhere_changes_nothing(browser: Browser, path: str) -> None:
    saved(browser)
    assert browser.client.post(f"/en{path}", data={"do": "delete"}).status_code == 400
    for site in ("cross-site", "same-site"):
        answer = browser.client.post(f"/en{path}", data={"do": "delete"}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 400
    assert browser.get("/roadmap/code").status_code == 200


def test_pressing_save_twice_leads_to_the_code_that_was_made(
    on_both: Callable[[], Browser], service_on_both: Flask
) -> None:
    """The browser throws the first answer away, and the new cookie with it."""
    person = on_both()
    person.make_plan()
    before = cookie_of(person)
    code = person.save_plan()
    put_cookie(person, before)
    token = re.search(r'name="csrf_token" value="([^"]+)"', person.text("/come-back"))
    assert token
    put_cookie(person, before)
    for _press in range(2):
        again = person.client.post(
            "/en/roadmap/save", data={"pin": "4071", "pin_again": "4071", "csrf_token": token[1]}
        )
        assert again.headers["Location"] == "/en/roadmap/code"
        assert code in person.text("/roadmap/code")
        put_cookie(person, before)
    with service_on_both.app_context(), transaction() as session:
        assert session.query(Resident).count() == 1
        assert session.query(Visit).count() == 1


@pytest.mark.parametrize("late", [False, True])
def test_an_old_cookie_opens_nothing_without_the_secret_or_later(
    on_both: Callable[[], Browser], monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    person, thief = on_both(), on_both()
    person.make_plan()
    before = cookie_of(person)
    code = person.save_plan()
    put_cookie(thief, before)
    token = re.search(r'name="csrf_token" value="([^"]+)"', thief.text("/come-back"))
    assert token
    if late:
        later = clock.now() + sessions.PRESSED_TWICE + timedelta(seconds=1)
        monkeypatch.setattr(keep_views, "now", lambda: later)
    pins_tried = ["4071"] if late else ["8306", "8307", "8308", "8309", "8310", "4071"]
    for pin in pins_tried:  # the sixth would be right, but five wrong ones end it
        put_cookie(thief, before)
        thief.client.post("/en/roadmap/save", data={"pin": pin, "pin_again": pin, "csrf_token": token[1]})
        assert code not in thief.text("/roadmap/code")
    assert code in person.text("/roadmap/code")


def cookie_of(browser: Browser) -> str:
    found = browser.client.get_cookie("visit")
    assert found
    return found.value


def put_cookie(browser: Browser, value: str) -> None:
    browser.client.set_cookie("visit", value)


def test_an_area_kept_with_the_plan_is_where_its_owner_looks_from_and_nobody_with_the_code_alone(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    browser.send("/places", near="M18 8HE")
    code = browser.save_plan(keep_near="y")
    back = another_browser()
    back.send("/come-back", code=code, pin="4071")
    page = back.text("/places?near=mine")
    assert "We do not know where you are" not in page
    assert "Near Gorton" in page
    stranger = another_browser()
    stranger.send("/come-back", code=code)
    assert "We do not know where you are" in stranger.text("/places?near=mine")
