"""Coming back by a link: the same answer to everybody, a button, one use, half an hour."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.core import attempts, clock
from inclusion_app.core.access import Principal
from inclusion_app.core.db import transaction
from inclusion_app.messages import services
from inclusion_app.messages.models import Message
from inclusion_app.people import my_record_services, record_services
from inclusion_app.people import services as people
from inclusion_app.people.models import ContactRoute, Resident, ResidentLink
from tests.conftest import Browser
from tests.messages.conftest import configure, give_routes

Another = Callable[..., Browser]
ASKED = "/en/come-back/link/asked"


@pytest.fixture
def saved(app: Flask, browser: Browser) -> str:
    """The code of a saved plan with a phone number, made in another browser that has left."""
    browser.make_plan()
    code = browser.save_plan()
    with app.app_context(), transaction() as session:
        give_routes(session, session.scalars(select(Resident)).one(), "sms")
    return code


def link_in(app: Flask) -> str:
    """The newest link that was put in the outbox, as a path."""
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
        assert row.params is not None
        found = re.fullmatch(r"http://[^/]+(/\w+/come-back/link/[\w-]{43})", row.params["link"])
        assert found
        return found[1].removeprefix("/en")


def links(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        return session.query(ResidentLink).count()


def test_a_link_opens_the_plan_once(app: Flask, saved: str, another_browser: Another) -> None:
    person = another_browser()
    assert "Send me a link" in person.text("/come-back")
    assert person.send("/come-back/link", code=saved).location == ASKED
    link = link_in(app)
    for _scanner in range(3):
        page = person.get(link)
        assert page.status_code == 200
        assert "Your next steps" not in page.get_data(as_text=True)
    assert "Your next steps" not in person.text("/roadmap")
    assert person.send(link).location == "/en/roadmap"
    assert "Your next steps" in person.text("/roadmap")
    thief = another_browser()
    again = thief.send(link)
    assert again.status_code == 422
    assert "This link is over" in again.get_data(as_text=True)
    assert "Your next steps" not in thief.text("/roadmap")


def test_it_ends_what_was_open_and_says_so(app: Flask, saved: str, another_browser: Another) -> None:
    person = another_browser()
    person.make_plan(("g12",))
    person.send("/come-back/link", code=saved)
    assert "The plan you made here is not saved" in person.text(link_in(app))


def test_nobody_learns_who_can_be_reached(app: Flask, saved: str, another_browser: Another) -> None:
    def answer(code: str) -> tuple[int, str | None]:
        got = another_browser().send("/come-back/link", code=code)
        return got.status_code, got.location

    with app.app_context(), transaction() as session:
        from tests.factories.people import make_person

        unreachable = make_person(session).code
        group = people.give_code(session, kind="group", now=clock.now())
    known = answer(saved)
    assert known == (303, ASKED)
    with app.app_context():
        from inclusion_app.core.codes import new_code

        unknown = new_code()
    assert answer(unreachable) == answer(group) == answer(unknown) == known
    assert links(app) == 1
    assert answer("nonsense")[0] == 422


def test_a_code_is_sent_three_links_an_hour_and_the_fourth_asker_sees_no_difference(
    app: Flask, saved: str, another_browser: Another
) -> None:
    person = another_browser()
    for _ in range(5):
        assert person.send("/come-back/link", code=saved).location == ASKED
    with app.app_context(), transaction() as session:
        assert session.query(Message).count() == 3
    assert links(app) == 1  # a new link ends the one before


def test_a_network_that_asks_for_too_many_is_told_so(
    app: Flask, saved: str, another_browser: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = attempts.Limit("link-network", 2, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
    monkeypatch.setattr(attempts, "LINK_NETWORK", few)
    person = another_browser()
    assert [person.send("/come-back/link", code=saved).status_code for _ in range(3)] == [303, 303, 422]


@pytest.mark.parametrize("why", ["over", "new code", "deleted"])
def test_a_link_that_is_over_opens_nothing(
    app: Flask, saved: str, another_browser: Another, why: str
) -> None:
    person = another_browser()
    person.send("/come-back/link", code=saved)
    link = link_in(app)
    with app.test_request_context(), transaction() as session:
        resident = session.scalars(select(Resident)).one()
        if why == "over":
            session.execute(update(ResidentLink).values(expires_at=clock.now()))
        elif why == "new code":
            people.renew_code(session, resident=resident, now=clock.now())
        else:
            people.delete_resident(session, resident=resident, now=clock.now())
    assert person.send(link).status_code == 422
    assert "Your next steps" not in person.text("/roadmap")


@pytest.mark.parametrize("by", ["resident", "staff"])
def test_a_link_in_a_phone_that_is_theirs_no_more_opens_nothing(
    app: Flask, saved: str, another_browser: Another, by: str
) -> None:
    another_browser().send("/come-back/link", code=saved)
    link = link_in(app)
    with app.test_request_context(), transaction() as session:
        resident = session.scalars(select(Resident)).one()
        if by == "resident":
            route = session.scalars(select(ContactRoute)).one()
            my_record_services.remove_route(session, resident=resident, route_id=route.id, now=clock.now())
        else:
            person = Principal("staff", staff_id=None, organisation_id=None, roles=frozenset({"caseworker"}))
            record_services.change_contact(
                session,
                actor=person,
                resident=resident,
                routes=(),
                address="",
                safe_contact={},
                now=clock.now(),
            )
    answer = another_browser().send(link)
    assert answer.status_code == 422


@pytest.mark.parametrize("token", ["x", "x" * 5000, "%00", "%F0%9F%92%A9"])
def test_strange_tokens_open_nothing(browser: Browser, token: str) -> None:
    answer = browser.client.get(f"/en/come-back/link/{token}")
    assert answer.status_code in {200, 404}
    if answer.status_code == 200:
        assert browser.send(f"/come-back/link/{token}").status_code == 422


def test_a_link_in_the_persons_language(app: Flask, another_browser: Another) -> None:
    person = another_browser("ur")
    person.make_plan()
    code = person.save_plan()
    with app.app_context(), transaction() as session:
        give_routes(session, session.scalars(select(Resident)).one(), "email")
    another_browser("en").send("/come-back/link", code=code)
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Message)).one()
        assert row.params is not None
        assert "/ur/come-back/link/" in row.params["link"]


def test_where_no_link_can_be_sent_nothing_speaks_of_it(
    app: Flask, saved: str, another_browser: Another
) -> None:
    configure(app, base_url="https://localhost.example.org", demo=False)
    person = another_browser()
    options = {"base_url": "https://localhost"}
    assert "/come-back/link" not in person.get("/come-back", **options).get_data(as_text=True)
    page = person.get("/come-back/link", **options).get_data(as_text=True)
    assert "We cannot send links yet" in page
    assert "<form" not in page.split("<main")[1].split("</main")[0]


def test_for_whom_the_service_may_not_be_named_there_is_no_link(
    app: Flask, saved: str, another_browser: Another
) -> None:
    with app.app_context(), transaction() as session:
        session.scalars(select(Resident)).one().safe_contact = {"no_service_name": True}
    assert another_browser().send("/come-back/link", code=saved).location == ASKED
    assert links(app) == 0


def test_links_are_forgotten_a_day_after_they_ended(app: Flask, saved: str, another_browser: Another) -> None:
    another_browser().send("/come-back/link", code=saved)
    with app.app_context(), transaction() as session:
        assert services.delete_old_links(session, now=clock.now() + timedelta(hours=24)) == 0
        assert services.delete_old_links(session, now=clock.now() + timedelta(hours=25)) == 1


def test_without_a_name_of_its_own_the_link_leads_to_where_it_was_asked_for(
    app: Flask, saved: str, another_browser: Another
) -> None:
    person = another_browser()
    page = person.get("/come-back/link", base_url="http://127.0.0.1:8080")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.get_data(as_text=True))
    assert token
    asked = person.client.post(
        "/en/come-back/link", data={"code": saved, "csrf_token": token[1]}, base_url="http://127.0.0.1:8080"
    )
    assert asked.status_code == 303
    with app.app_context(), transaction() as session:
        params = session.scalars(select(Message)).one().params
    assert params is not None
    assert params["link"].startswith("http://127.0.0.1:8080/en/come-back/link/")
