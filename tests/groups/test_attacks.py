"""What somebody who means harm tried at a group's pages, and what it leads to now."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from inclusion_app.core import attempts
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import reading, transaction
from inclusion_app.groups.models import Group, GroupMember
from inclusion_app.people import opening, services
from inclusion_app.people.models import Resident
from tests.conftest import Browser
from tests.groups.test_views import OURS, PIN, make_group, member, words

NOTE = {"what": "Tea", "when": "Mondays", "where": "Hall"}


def token(person: Browser, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.text(path))
    assert found
    return found[1]


def send_json(person: Browser, path: str, body: Any) -> TestResponse:
    return person.client.post(
        f"/{person.language}{path}",
        data=json.dumps(body),
        content_type="application/json",
        headers={"X-CSRFToken": token(person, path)},
    )


@pytest.mark.parametrize(
    "body", [NOTE | {"what": "A\ue000x\ue001"}, NOTE | {"what": "\ud800"}, {"what": 5}, [1, 2], "x", 5]
)
def test_a_body_that_is_no_form_is_read_as_empty(browser: Browser, body: Any) -> None:
    make_group(browser)
    assert send_json(browser, f"{OURS}/notes", body).status_code == 422
    assert browser.text(OURS).rstrip().endswith("</html>")


@pytest.mark.parametrize(
    "path", [f"{OURS}/notes", f"{OURS}/list", f"{OURS}/add", "/groups/open", "/come-back"]
)
def test_a_file_in_the_place_of_words_is_no_words(browser: Browser, path: str) -> None:
    make_group(browser)
    fields = ("what", "people", "code", "pin", "nickname")
    files = {name: (io.BytesIO(b"x"), "x.txt") for name in fields}
    answer = browser.client.post(
        f"/en{path}", data={**files, "csrf_token": token(browser, path)}, content_type="multipart/form-data"
    )
    assert answer.status_code in {303, 422}
    assert browser.text(OURS).rstrip().endswith("</html>")


def test_people_typed_in_do_not_show_what_one_plan_holds(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = make_group(browser)
    member(another_browser, code)
    alone = words(browser.text(OURS))
    assert browser.send(f"{OURS}/list", people="2", F1="2").status_code == 303
    assert words(browser.text(OURS)).replace("The list is kept.", "").split() == alone.split()


def test_what_a_person_changed_while_a_keeper_typed_their_code_counts(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_group(browser)
    person = another_browser()
    person.make_plan()
    code = person.save_plan()
    prove = opening.prove

    def slowly(*given: Any, **more: Any) -> opening.Proven:
        proven = prove(*given, **more)
        with transaction() as session:
            resident = session.scalars(select(Resident)).one()
            services.set_pin_for_everything(session, resident=resident, on=True, now=more["now"])
        return proven

    monkeypatch.setattr(opening, "prove", slowly)
    assert browser.send(f"{OURS}/add", code=code).status_code == 422
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(GroupMember)) == 0


def test_a_note_sent_twice_stands_once(browser: Browser) -> None:
    make_group(browser)
    for _ in range(2):
        assert browser.send(f"{OURS}/notes", **NOTE).status_code == 303
    assert browser.text(OURS).count("<strong><bdi>Tea") == 1


def test_no_sign_that_nobody_sees_stays_in_a_name_or_a_note(browser: Browser, app: Flask) -> None:
    make_group(browser, name="Tea\u202e\u200b\x01 time")
    browser.send(f"{OURS}/notes", **(NOTE | {"what": "نیم\u200cفاصله \u202e"}))
    with app.app_context(), reading() as session:
        group = session.scalars(select(Group)).one()
        assert group.name == "Tea time"
        assert group.kept["notes"][0]["what"] == "نیم\u200cفاصله"


def test_a_group_number_is_given_once(browser: Browser, app: Flask) -> None:
    make_group(browser)
    assert browser.send(f"{OURS}/code", do="end").status_code == 303
    with app.app_context(), reading() as session:
        assert session.scalars(select(Group)).all() == []
    answer = browser.send("/groups/new", pin=PIN, pin_again=PIN)
    assert answer.headers["Location"] == "/en/groups/2/code"


def test_making_groups_has_an_end(
    another_browser: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = attempts.Limit("making-network", 3, *[attempts.MAKING_NETWORK.window] * 3)
    monkeypatch.setattr(attempts, "MAKING_NETWORK", few)
    answers = [another_browser().send("/groups/new", pin=PIN, pin_again=PIN) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 422]
    assert "Too many were made from here." in answers[-1].get_data(as_text=True)


def test_each_look_of_a_keeper_is_in_the_record(browser: Browser, app: Flask) -> None:
    make_group(browser)

    def rows() -> list[str]:
        with app.app_context(), reading() as session:
            mine = select(AuditRow.action).where(AuditRow.actor_kind == "group", AuditRow.actor_id == 1)
            return list(session.scalars(mine))

    before = len(rows())
    browser.text(OURS)
    assert rows()[before:] == ["read groups.group"]


def test_another_website_does_not_turn_english_on(browser: Browser) -> None:
    browser.language = "ur"
    for site, status in (("cross-site", 200), ("same-origin", 303)):
        assert browser.get("/?english=on", headers={"Sec-Fetch-Site": site}).status_code == status
