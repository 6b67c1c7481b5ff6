"""The front desk: with the person present, a new code and secret; the old ones are dead, and nothing of the plan shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.core import attempts, pins
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.staff_sessions import StaffSession
from inclusion_app.people import desk_services
from inclusion_app.people import services as people
from inclusion_app.people import staff_words as words
from inclusion_app.people.desk_services import delete_old_papers
from inclusion_app.people.models import DeskPaper, Resident, Restriction
from tests.conftest import Browser, StaffBrowser
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.world import build

Staff = Callable[..., StaffBrowser]
CODE = re.compile(r'class="code"><bdi>([^<]+)')


def saved(browser: Browser) -> str:
    browser.make_plan()
    return browser.save_plan(nickname="Zarqa")


def give(desk: StaffBrowser, code: str, **more: str) -> str:
    typed = {"person": code, "step": "give", "pin": "8306", "pin_again": "8306", "what": "code", **more}
    answer = desk.send("/staff/desk", **typed)
    assert (answer.status_code, answer.location) == (303, "/staff/desk/paper"), answer.get_data(as_text=True)
    found = CODE.search(desk.text("/staff/desk/paper"))
    assert found
    return found[1]


def test_a_new_code_and_pin_open_the_plan_and_the_old_ones_nothing(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], staff_browser: Staff
) -> None:
    code = saved(browser)
    desk = staff_browser("front_desk")
    looked = desk.send("/staff/desk", person=code, step="look")
    page = looked.get_data(as_text=True)
    assert looked.status_code == 200
    assert "This code opens a plan." in page
    for private in ("Zarqa", "Your next steps"):
        assert private not in page
    fresh = give(desk, code)
    assert fresh != code
    # Whoever had the plan open is out.
    assert "Your next steps" not in browser.text("/roadmap")
    old, new = another_browser(), another_browser()
    assert old.send("/come-back", code=code, pin="4071").status_code == 422
    assert new.send("/come-back", code=fresh, pin="4071").status_code == 422
    assert new.send("/come-back", code=fresh, pin="8306").status_code == 303
    with app.app_context(), transaction() as session:
        acts = session.scalars(
            select(AuditRow).where(AuditRow.actor_kind == "front_desk").order_by(AuditRow.id)
        ).all()
        assert [(act.action, act.purpose, act.items) for act in acts] == [
            ("give new code", "present", "code secret"), ("read people.desk_paper", "present", "code")
        ]  # fmt: skip
        # It was no act of the resident.
        assert not session.scalars(select(AuditRow).where(AuditRow.action == "renew code")).all()


def test_only_a_new_pin_keeps_the_code_and_lifts_the_lock_of_wrong_tries(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], staff_browser: Staff
) -> None:
    code = saved(browser)
    with app.app_context(), transaction() as session:
        key = keyed_hash("attempt-pin", code.replace("-", ""))
        for _ in range(5):
            attempts.claim(session, key_hash=key, limit=attempts.PIN_WRONG, now=now())
        assert attempts.locked_until(session, key_hash=key, now=now()) is not None
    desk = staff_browser("front_desk")
    answer = desk.send("/staff/desk", person=code, step="give", what="secret", pin="8306", pin_again="8306")
    assert (answer.status_code, answer.location) == (303, "/staff/desk")
    assert "The new PIN or pictures are kept." in desk.text("/staff/desk")
    with app.app_context(), transaction() as session:
        assert attempts.locked_until(session, key_hash=key, now=now()) is None
    assert another_browser().send("/come-back", code=code, pin="8306").status_code == 303


def test_three_pictures_in_place_of_a_pin(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], staff_browser: Staff
) -> None:
    code = saved(browser)
    desk = staff_browser("caseworker")
    shown = desk.send("/staff/desk", person=code, step="give", show="pictures").get_data(as_text=True)
    assert "three pictures" in shown
    assert 'value="umbrella"' in shown
    pictures = {"picture1": "sun", "picture2": "key", "picture3": "boat", "with": "pictures"}
    fresh = give(desk, code, **pictures)
    person = another_browser()
    assert person.send("/come-back", code=fresh, **pictures).status_code == 303


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"pin": "1234", "pin_again": "1234"}, pins.IN_ORDER),
        ({"pin": "8306", "pin_again": "8307"}, pins.NOT_THE_SAME),
        ({"pin": "", "pin_again": ""}, "A PIN has 4 numbers"),
        ({"with": "pictures"}, "Choose three pictures"),
        ({"with": "pictures", "picture1": "sun", "picture2": "sun", "picture3": "sun"}, pins.ONE_PICTURE),
        (
            {"with": "pictures", "picture1": "sun", "picture2": "\x00", "picture3": "moon" * 900},
            "Choose three",
        ),
    ],
)
def test_an_easy_or_broken_secret_is_refused_and_never_sent_back(
    browser: Browser, staff_browser: Staff, typed: dict[str, str], message: str
) -> None:
    code = saved(browser)
    answer = staff_browser("front_desk").send("/staff/desk", person=code, step="give", what="code", **typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert message in page
    assert "<title>Error:" in page
    assert 'value="8306"' not in page
    assert f'name="person" value="{code}"' in page


def test_unknown_hidden_and_a_number_answer_alike_and_tries_are_counted(
    app: Flask, browser: Browser, staff_browser: Staff
) -> None:
    saved(browser)
    desk = staff_browser("front_desk")
    with app.app_context(), transaction() as session:
        row = make_person(session)
        hidden, number = row.code, row.id
        session.add(Restriction(resident_id=number, staff_id=desk.staff_id, made_at=now()))
    seen = set()
    for typed in ("ABCD-EFGH", hidden, str(number), "\x00", "x" * 4000):
        for step in ("look", "give"):
            answer = desk.send("/staff/desk", person=typed, step=step, pin="8306", pin_again="8306")
            assert answer.status_code == 422
            page = answer.get_data(as_text=True)
            assert words.UNKNOWN_PERSON in page
            seen.add(re.sub(r'csrf_token" value="[^"]+|<input class="input input--error[^>]+>', "", page))
    assert len(seen) == 1
    answer = desk.send("/staff/desk", person="ABCD-EFGH", step="look")
    assert words.TOO_MANY_TRIES in answer.get_data(as_text=True)


def test_the_button_pressed_twice_loses_no_code(
    browser: Browser, another_browser: Callable[..., Browser], staff_browser: Staff
) -> None:
    code = saved(browser)
    desk = staff_browser("front_desk")
    first = give(desk, code)
    assert give(desk, code) == first
    # Nor does it where the whole address of the paper was typed in.
    address = f"https://example.org/r/{first.replace('-', '')}?l=ur"
    second = give(desk, address)
    assert second != first
    assert give(desk, address) == second
    # Another sign-in knows nothing of it: for them the old code is dead.
    other = staff_browser("front_desk")
    assert (
        other.send("/staff/desk", person=code, step="give", pin="8306", pin_again="8306").status_code == 422
    )
    assert other.get("/staff/desk/paper").location == "/staff/desk"


def test_the_paper_is_gone_when_cleared_and_after_ten_minutes(
    app: Flask, browser: Browser, staff_browser: Staff
) -> None:
    code = saved(browser)
    desk = staff_browser("front_desk")
    fresh = give(desk, code)
    assert desk.send("/staff/desk/paper/away", form_on="/staff/desk/paper").status_code == 303
    assert desk.get("/staff/desk/paper").location == "/staff/desk"
    give(desk, fresh)
    with app.app_context(), transaction() as session:
        session.execute(update(DeskPaper).values(made_at=now() - timedelta(minutes=11)))
    assert desk.get("/staff/desk/paper").location == "/staff/desk"
    with app.app_context(), transaction() as session:
        assert delete_old_papers(session, now=now()) == 1


def test_a_lost_paper_is_for_the_caseworker_who_has_consent(app: Flask, staff_browser: Staff) -> None:
    worker, other = staff_browser("caseworker"), staff_browser("caseworker", organisation="Blue Door")
    desk = staff_browser("front_desk")
    with app.app_context(), transaction() as session:
        row = make_person(session)
        number, code = row.id, row.code
        consent = make_consent(session, resident_id=number, organisation_id=worker.organisation_id)
        put_on_caseload(
            session, resident_id=number, staff_id=worker.staff_id, organisation_id=worker.organisation_id
        )
        consent_id = consent.id
    path = f"/staff/people/{number}/new-code"
    assert (desk.get(path).status_code, other.get(path).status_code) == (403, 404)
    refused = worker.send(path, pin="1234", pin_again="1234")
    assert refused.status_code == 422
    pictures = worker.send(path, show="pictures").get_data(as_text=True)
    assert 'value="umbrella"' in pictures
    assert worker.send(path, pin="8306", pin_again="8306").location == "/staff/desk/paper"
    with app.app_context(), transaction() as session:
        assert session.get_one(Resident, number).code != code
        session.execute(
            update(type(consent)).where(type(consent).id == consent_id).values(withdrawn_at=now())
        )
    assert worker.get(path).status_code == 404


def test_a_second_paper_takes_the_place_of_the_first_on_both_engines(both_engines: Flask) -> None:
    with transaction() as session:
        world = build(session)
        row = session.scalars(
            select(StaffSession).where(StaffSession.staff_id == world.staff["front_desk"])
        ).one()
        me = Principal(
            "staff", staff_id=row.staff_id, organisation_id=world.red, roles=frozenset({"front_desk"})
        )
        session_id = row.id
    for case in ("own", "other", "own"):
        with transaction() as session:
            desk_services.reissue(
                session, principal=me, session_id=session_id, resident_id=world.residents[case], secret_kind="pin",
                secret_hash="a hash", new_code=True, role="front_desk", now=now(),
            )  # fmt: skip
        with transaction() as session:
            shown = desk_services.paper_of(session, session_id=session_id, now=now())
            assert shown is not None
            assert shown.id == world.residents[case]
            assert session.query(DeskPaper).count() == 1
    with transaction() as session:
        gone = session.get_one(Resident, world.residents["own"])
        assert gone.code != world.codes["own"]
        people.delete_resident(session, resident=gone, now=now())
    with transaction() as session, pytest.raises(RuleBroken):
        desk_services.reissue(
            session, principal=me, session_id=session_id, resident_id=world.residents["own"], secret_kind="pin",
            secret_hash="a hash", new_code=True, role="front_desk", now=now(),
        )  # fmt: skip


def test_the_desk_says_that_helping_needs_no_sign_in(staff_browser: Staff) -> None:
    page = staff_browser("front_desk").text("/staff/desk")
    assert "Do not sign in for that." in page
    assert 'type="search"' not in page
