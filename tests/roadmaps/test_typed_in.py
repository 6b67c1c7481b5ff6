"""A paper that a helper types in: what is kept, what is refused, and that nothing typed is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core import audit
from inclusion_app.core.clock import now
from inclusion_app.core.codes import new_code, show_code
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.groups.models import Group, GroupMember
from inclusion_app.people import services as people
from inclusion_app.people.models import GivenCode, Resident
from inclusion_app.roadmaps import typed_in_views
from inclusion_app.roadmaps.models import Roadmap
from tests.conftest import Browser

PAGE = "/roadmap/check/type-in"
PICTURES = {"picture1": "fish", "picture2": "key", "picture3": "boat"}
ANSWERS = {
    "goal1": "g05", "goal2": "g02", "g02": ["24", "12", "2099"], "q2": ["smartphone", "shared"], "q3": "library",
    "q4": ["english", "money"], "q5": "alone", "q8": "not_yet", "q10": "show", "checks_who_wrote_it": "y", "agreed": "y",
}  # fmt: skip


def sticker(app: Flask) -> str:
    code = new_code()
    with app.app_context(), transaction() as session:
        people.keep_sticker_codes(session, codes=[code], now=now())
    return code


def roadmaps(app: Flask) -> list[Roadmap]:
    with app.app_context(), reading() as session:
        return list(session.scalars(select(Roadmap).order_by(Roadmap.id)))


def kind_of(app: Flask, code: str) -> str | None:
    with app.app_context(), reading() as session:
        return people.kind_of_code(session, code=code)


def error_at(html: str, field: str) -> str:
    found = re.search(rf'id="{field}-error"><span[^>]*>[^<]*</span>([^<]+)', html)
    return found[1] if found else ""


def test_a_paper_with_a_sticker_opens_at_home(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = sticker(app)
    answer = browser.send(PAGE, code=show_code(code).lower(), nickname="Amina", **PICTURES, **ANSWERS)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    [made] = roadmaps(app)
    assert made.resident_id is not None
    assert made.answers["q1"] == ["g05", "g02"]
    assert made.answers["days"] == {"g02": "2099-12-24"}
    assert made.answers["q2"] == ["smartphone", "shared"]
    assert (made.answers["q3"], made.answers["q5"], made.answers["q6"]) == ("library", "alone", "skipped")
    assert made.answers["checks_who_wrote_it"] is True
    assert made.answers["pays_online"] is False
    assert made.answers["helped"] is True
    assert made.answers["helped_agreed_on"]
    assert kind_of(app, code) == "resident"
    plan = browser.text("/roadmap")
    assert "Typed in. Print the plan for the person, then finish and clear." in plan
    assert "A helper answered the questions with you." in plan
    assert "Amina" in browser.text("/roadmap/print")
    home = another_browser()
    assert home.send("/come-back", code=code, **{"with": "pictures"}, **PICTURES).status_code == 303
    there = home.text("/roadmap")
    assert "Your next steps" in there
    assert "Typed in." not in there
    with app.app_context(), reading() as session:
        rows = session.scalars(
            select(audit.AuditRow.action).where(audit.AuditRow.actor_kind == "helper")
        ).all()
    assert list(rows) == ["type in"]


def test_without_a_sticker_it_is_the_plan_of_this_visit_and_can_be_saved(
    app: Flask, browser: Browser
) -> None:
    assert browser.send(PAGE, **ANSWERS).status_code == 303
    [made] = roadmaps(app)
    assert made.visit_id is not None
    assert "Typed in. This plan has no code yet." in browser.text("/roadmap")
    assert len(browser.save_plan()) == 9


def test_the_next_paper_begins_with_an_empty_page(app: Flask, browser: Browser) -> None:
    assert browser.send(PAGE, code=sticker(app), **PICTURES, **ANSWERS).status_code == 303
    gone = browser.send("/finish", form_on="/roadmap", then="type-in")
    assert gone.headers["Location"].endswith(PAGE)
    page = browser.text(PAGE)
    assert "checked" not in page
    assert "No plan here yet" in browser.text("/roadmap")


def test_everything_wrong_is_said_at_once_and_what_was_typed_stays(app: Flask, browser: Browser) -> None:
    answer = browser.send(
        PAGE, goal1="g03", goal2="g03", g04=["1", "2", "1999"], g05=["x", "", ""], q2=["none", "tablet"], q3="spaceship",
        q7="with_help", code="KQ", picture1="fish", nickname="N" * 50,
    )  # fmt: skip
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert error_at(html, "goal2") == "This goal is chosen already. Choose another one."
    assert "This day has passed" in error_at(html, "g04")
    assert "Type a real day" in error_at(html, "g05")
    assert "Not both" in error_at(html, "q2")
    assert "Choose one of the answers" in error_at(html, "q3")
    assert "too short" in error_at(html, "code")
    assert "Choose three pictures" in error_at(html, "picture1")
    assert "Use a shorter name" in error_at(html, "nickname")
    assert error_at(html, "agreed") == "Ask the person first. Then tick this box."
    for field in ("goal2", "g04", "g05", "q2-0", "q3", "code", "picture1", "nickname", "agreed"):
        assert f'<a href="#{field}"' in html, field
        assert f'id="{field}"' in html, field
    assert '<option value="with_help" selected>' in html
    assert 'value="KQ"' in html
    assert not re.search(r'<option value="fish" selected', html)
    assert roadmaps(app) == []


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"code": "sticker"}, "picture1", "Choose the three pictures or a PIN. They protect this plan."),
        ({"code": "sticker", "pin": "4071", "pin_again": "4071", **PICTURES}, "pin", "Type the pictures or a PIN, not both."),
        ({"code": "sticker", "pin": "1234", "pin_again": "1234"}, "pin", "stand in order"),
        ({"code": "sticker", "pin": "4071", "pin_again": "4072"}, "pin_again", "The two PINs are not the same."),
        ({"code": "sticker", **PICTURES, "picture2": "fish"}, "picture2", "This picture is chosen already."),
        ({**PICTURES, "picture3": "key"}, "picture3", "This picture is chosen already."),
        ({"pin": "4071", "pin_again": "4071"}, "code", "Type the code of the sticker too."),
        ({"code": "22222222", **PICTURES}, "code", "We do not know this code."),
        ({"code": "22222223", **PICTURES}, "code", "One letter or number is not right."),
        ({"code": "group", **PICTURES}, "code", "This is the code of a group."),
        ({"code": "taken", **PICTURES}, "code", "This code has a plan already."),
        ({**dict.fromkeys(ANSWERS.keys() - {"agreed"}, ""), "q2": [], "q4": []}, "goal1", "Type in at least one answer."),
        ({"goal2": ""}, "g02", "Choose this goal too, or leave its day empty."),
    ],
)  # fmt: skip
def test_what_is_refused(
    app: Flask, another_browser: Callable[..., Browser], typed: dict[str, object], field: str, said: str
) -> None:
    with app.app_context(), transaction() as session:
        group = people.give_code(session, kind="group", now=now())
    taken = another_browser()
    taken.make_plan()
    codes = {"sticker": sticker(app), "group": group, "taken": taken.save_plan()}
    before = len(roadmaps(app))
    if typed.get("code") in codes:
        typed = {**typed, "code": codes[str(typed["code"])]}
    answer = another_browser().send(PAGE, **{**ANSWERS, **typed})
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in error_at(html, field), html
    assert len(roadmaps(app)) == before
    assert kind_of(app, codes["sticker"]) == "unclaimed"
    if "code" in typed:
        assert f'value="{typed["code"]}"' in html
    assert "4071" not in html


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        (PICTURES, "picture1", "Choose the pictures again."),
        ({"pin": "4071", "pin_again": "4071"}, "pin", "Type the PIN again."),
        ({"pin": "4071", "pin_again": "4071", **PICTURES}, "picture1", ""),
        ({}, "picture1", "Choose the three pictures or a PIN."),
    ],
)
def test_what_is_gone_from_the_page_is_asked_for_again(
    app: Flask, browser: Browser, typed: dict[str, str], field: str, said: str
) -> None:
    html = browser.send(PAGE, **{**ANSWERS, "goal2": ""}, code=sticker(app), **typed).get_data(as_text=True)
    assert said in error_at(html, field)
    assert bool(said) == bool(error_at(html, field))
    assert "4071" not in html


def test_the_yes_on_the_paper_is_pointed_at(browser: Browser) -> None:
    html = browser.text(PAGE)
    assert 'id="agreed-hint">Look beside the sticker. Is the box “I say yes” ticked?<' in html
    assert 'aria-describedby="agreed-hint"' in html


@pytest.mark.parametrize("other", [True, False], ids=["two helpers", "pressed twice"])
def test_the_same_sheet_twice(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], other: bool
) -> None:
    code = sticker(app)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text(PAGE))[1]  # type: ignore[index]
    here = browser.client.get_cookie("visit")
    assert here is not None
    data = {**ANSWERS, **PICTURES, "code": code, "csrf_token": token}
    assert browser.client.post(f"/en{PAGE}", data=data).status_code == 303
    if other:
        second = another_browser()
        answer = second.send(PAGE, **{**ANSWERS, **PICTURES, "code": code})
        html = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "Did somebody else type in this paper?" in error_at(html, "code")
        assert '<a href="/en/come-back">Open the plan of this code</a>' in html
        assert f'<a href="/en{PAGE}">Clear, and type in the next paper</a>' in html
        assert '<option value="not_yet" selected>' in html
    else:
        # The browser threw the first answer away, and its cookie with it.
        browser.client.set_cookie("visit", here.value)
        answer = browser.client.post(f"/en{PAGE}", data=data)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        assert "Your next steps" in browser.text("/roadmap")
    assert len(roadmaps(app)) == 1


def test_a_twice_pressed_button_with_other_pictures_opens_nothing(app: Flask, browser: Browser) -> None:
    code = sticker(app)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text(PAGE))[1]  # type: ignore[index]
    here = browser.client.get_cookie("visit")
    assert here is not None
    data = {**ANSWERS, **PICTURES, "code": code, "csrf_token": token}
    assert browser.client.post(f"/en{PAGE}", data=data).status_code == 303
    browser.client.set_cookie("visit", here.value)
    again = browser.client.post(f"/en{PAGE}", data={**data, "picture1": "sun"})
    assert again.status_code == 422
    assert "Your next steps" not in browser.text("/roadmap")


def test_an_unsaved_plan_is_not_replaced_unasked(app: Flask, browser: Browser) -> None:
    browser.make_plan(("g12",))
    page = browser.text(PAGE)
    assert "A plan made here is not saved. Typing in a paper clears it." in page
    assert "Clear it and type in this paper" in page
    code = sticker(app)
    refused = browser.send(PAGE, code=code, **PICTURES, **ANSWERS)
    html = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Save it first, or clear it." in html
    assert f'value="{code}"' in html
    assert [row.answers["q1"] for row in roadmaps(app)] == [["g12"]]
    assert browser.send(PAGE, code=code, clear="1", **PICTURES, **ANSWERS).status_code == 303
    assert [row.answers["q1"] for row in roadmaps(app)] == [["g05", "g02"]]


def test_a_saved_plan_that_is_open_here_stays_as_it_is(app: Flask, browser: Browser) -> None:
    browser.make_plan(("g12",))
    browser.save_plan()
    # A refusal leaves it open.
    assert browser.send(PAGE, code="22222222", **PICTURES, **ANSWERS).status_code == 422
    assert "Repair and make things" in browser.text("/roadmap")
    assert browser.send(PAGE, code=sticker(app), **PICTURES, **ANSWERS).status_code == 303
    assert [row.answers["q1"] for row in roadmaps(app)] == [["g12"], ["g05", "g02"]]
    assert "Repair and make things" not in browser.text("/roadmap")


def test_codes_cannot_be_guessed_here(app: Flask, browser: Browser) -> None:
    good = sticker(app)
    for _ in range(30):
        assert browser.send(PAGE, code=new_code(), **PICTURES, **ANSWERS).status_code == 422
    locked = browser.send(PAGE, code=good, **PICTURES, **ANSWERS)
    assert "Too many codes were tried." in locked.get_data(as_text=True)
    assert kind_of(app, good) == "unclaimed"


def test_a_class_of_forty_papers_is_not_shut_out(app: Flask, browser: Browser) -> None:
    for _ in range(40):
        with app.app_context():
            from inclusion_app.people import opening

            opening.prove_unclaimed(sticker(app), address="10.0.0.1", now=now())


def test_no_group_is_asked_for_where_no_room_has_groups(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typed_in_views, "DOORS", [])
    assert "group_code" not in browser.text(PAGE)


def test_the_group_of_a_paper(app: Flask, another_browser: Callable[..., Browser]) -> None:
    code = sticker(app)
    keeper = another_browser()
    keeper.send("/groups/new", pin="8306", pin_again="8306")
    with app.app_context(), reading() as session:
        ours = session.scalars(select(Group.code)).one()
    wrong = another_browser().send(PAGE, code=code, group_code=code, **PICTURES, **ANSWERS)
    assert "This is the code of a person" in error_at(wrong.get_data(as_text=True), "group_code")
    broken = another_browser().send(PAGE, code=code, group_code="ours", **PICTURES, **ANSWERS)
    assert "too short" in error_at(broken.get_data(as_text=True), "group_code")
    unknown = another_browser().send(PAGE, code=code, group_code=new_code(), **PICTURES, **ANSWERS)
    assert "We do not know this code." in error_at(unknown.get_data(as_text=True), "group_code")
    assert kind_of(app, code) == "unclaimed"
    assert roadmaps(app) == []
    none = another_browser().send(PAGE, group_code=ours, **ANSWERS)
    assert "The group needs it." in error_at(none.get_data(as_text=True), "group_code")
    assert (
        another_browser().send(PAGE, code=code, group_code=f" {ours} ", **PICTURES, **ANSWERS).status_code
        == 303
    )
    assert another_browser().send(PAGE, code=sticker(app), **PICTURES, **ANSWERS).status_code == 303
    with app.app_context(), reading() as session:
        assert len(session.scalars(select(GroupMember)).all()) == 1


def test_one_of_many_claims_a_code(both_engines: Flask) -> None:
    with transaction() as session:
        code = people.give_code(session, kind="unclaimed", now=now())
    ready, outcomes = threading.Barrier(6), []

    def claim() -> None:
        with both_engines.app_context():
            ready.wait()
            try:
                with transaction() as session:
                    people.make_resident(
                        session, secret_kind="pin", secret_hash="x", nickname=None, pin_for_everything=False,
                        language="en", now=now(), claimed=code,
                    )  # fmt: skip
                outcomes.append("won")
            except RuleBroken as broken:
                outcomes.append(broken.field or "")

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["code"] * 5 + ["won"]
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Resident)) == 1
        assert session.scalar(select(GivenCode.kind)) == "resident"


def test_many_helpers_send_one_sheet(app: Flask, another_browser: Callable[..., Browser]) -> None:
    code = sticker(app)
    people_there = [another_browser() for _ in range(4)]
    tokens = [
        re.search(r'name="csrf_token" value="([^"]+)"', person.text(PAGE))[1] for person in people_there
    ]  # type: ignore[index]
    answers: list[int] = []

    def send(person: Browser, token: str) -> None:
        data = {**ANSWERS, **PICTURES, "code": code, "csrf_token": token}
        answers.append(person.client.post(f"/en{PAGE}", data=data).status_code)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(people_there, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 422, 422, 422]
    assert len(roadmaps(app)) == 1
