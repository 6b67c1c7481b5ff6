"""Nothing ends where nobody looks: what came by the public form, tasks of nobody, another way after an end; pressed twice."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core.attempts import Attempt
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Resident, Restriction
from inclusion_app.referrals import messages, rules
from inclusion_app.referrals.models import CaseTask, CityService, Referral
from inclusion_app.referrals.services import machine, public, telling
from inclusion_app.referrals.services.machine import Said
from tests.conftest import Browser
from tests.factories.people import make_consent, put_on_caseload
from tests.factories.referrals import make_task
from tests.referrals.paths import Doors
from tests.referrals.public_form import fill_in, public_service


@pytest.fixture
def doors(app: Flask) -> Doors:
    return Doors(app)


def ask_myself(doors: Doors, app: Flask, *, form_key: str = "once", **service: object) -> int:
    """The person refers themself to Blue Door by their code; the number of it."""
    with app.app_context(), transaction() as session:
        found = session.get_one(CityService, doors.service_id)
        for name, value in service.items():
            setattr(found, name, value)
        return public.ask_by_code(
            session, service=found, resident=session.get_one(Resident, doors.resident_id),
            why="Please help me with my letters.", items=("identity",), form_key=form_key, language="en", now=now(),
        ).id  # fmt: skip


def do(app: Flask, number: int, actor: str, action: str, **said: str) -> None:
    with app.app_context(), transaction() as session:
        machine.act(session, referral=session.get_one(Referral, number), actor=actor, action=action, now=now(),
                    said=Said(**said))  # fmt: skip


def task_of(app: Flask, number: int) -> int:
    with app.app_context(), reading() as session:
        return session.scalars(select(CaseTask.id).where(CaseTask.referral_id == number)).one()


# --- what nobody has


def test_what_nobody_answered_and_nobody_sent_is_found_by_whoever_works_there(
    doors: Doors, app: Flask
) -> None:
    number = ask_myself(doors, app)
    do(app, number, rules.CLOCK, "lapse")
    task = task_of(app, number)
    assert f"/staff/tasks/{task}" in doors.receiver.text("/staff/caseload")
    assert doors.receiver.get(f"/staff/tasks/{task}").status_code == 200
    admin = doors.staff("organisation_admin", organisation="Blue Door")
    assert "1 referral was answered by nobody" in admin.text("/staff")
    assert f"Referral {number}" in admin.text("/staff/referrals/assign")
    assert f"Referral {number}" not in doors.staff("organisation_admin", organisation="Red Door").text(
        "/staff/referrals/assign"
    )
    ended = doors.receiver.send(f"/staff/tasks/{task}", form_on=f"/staff/tasks/{task}", do="end", how="done")
    assert ended.status_code == 303


def test_a_task_of_nobody_shows_no_words_of_whom_one_may_not_open(doors: Doors, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        task = make_task(session, organisation_id=doors.receiver.organisation_id, resident_id=doors.resident_id,
                         words="Ask about the husband").id  # fmt: skip
    for path in ("/staff/caseload", f"/staff/tasks/{task}"):
        page = doors.receiver.text(path)
        assert f"/staff/tasks/{task}" in page and "Ask about the husband" not in page
    with app.app_context(), transaction() as session:
        session.add(
            Restriction(resident_id=doors.resident_id, staff_id=doors.receiver.staff_id, made_at=now())
        )
    assert f"/staff/tasks/{task}" not in doors.receiver.text("/staff/caseload")
    assert doors.receiver.get(f"/staff/tasks/{task}").status_code == 404


WAYS = {
    "accept": (("accept",),), "decline": (("decline",),),
    "begin": (("accept",), ("begin",)), "close": (("accept",), ("begin",), ("close",)),
}  # fmt: skip
SAID = {
    "decline": {"reason": "no_capacity"}, "close": {"outcome": "got_help"},
}  # fmt: skip


@pytest.mark.parametrize("action", [*WAYS, "lapse"])
def test_whoever_asked_themself_is_not_told_of_a_helper(doors: Doors, app: Flask, action: str) -> None:
    number = ask_myself(doors, app)
    if action == "lapse":
        do(app, number, rules.CLOCK, "lapse")
    for (one,) in WAYS.get(action, ()):
        do(app, number, rules.RECEIVER, one, **SAID.get(one, {}))
    with app.app_context(), reading() as session:
        told = session.scalars(
            select(Message.template)
            .where(Message.resident_id == doors.resident_id)
            .order_by(Message.id.desc())
        ).first()
    known = {one.name: one for one in messages.TEMPLATES}
    # They shared their name alone, so nobody there will call them either.
    alone = telling.ALONE[telling.TO_RESIDENT[action]]
    assert told == telling.UNREACHED.get(alone, alone)
    said = " ".join((*known[told].lines, known[told].sms or ""))
    assert "helper" not in said.replace("%(helper)s", "")


def test_whoever_was_sent_is_told_of_their_helper_as_before(doors: Doors, app: Flask) -> None:
    sent = doors.refer("decline")
    with app.app_context(), reading() as session:
        wanted = select(Message.template).where(Message.about == telling.about_number(sent))
        assert "referral_declined" in set(session.scalars(wanted))


# --- another way


@pytest.mark.parametrize("outcome", ["not_eligible", "got_help"])
def test_after_an_end_without_help_another_way_leads_somewhere(
    doors: Doors, app: Flask, outcome: str
) -> None:
    number = doors.refer("accept", "begin")
    do(app, number, rules.RECEIVER, "close", outcome=outcome)
    page = doors.sender.text(f"/staff/referrals/{number}")
    links = re.findall(r'href="([^"]*parent=[^"]*)"', page)
    assert bool(links) is (outcome in rules.UNSUCCESSFUL)
    for link in links:
        assert doors.sender.get(link.replace("&amp;", "&")).status_code == 200
    path = f"/staff/people/{doors.resident_id}/refer?parent={number}"
    assert doors.sender.get(path).status_code == (200 if links else 404)


def test_the_task_of_a_public_one_leads_to_no_page_that_is_not_there(doors: Doors, app: Flask) -> None:
    number = ask_myself(doors, app)
    do(app, number, rules.CLOCK, "lapse")
    with app.app_context(), transaction() as session:
        here = doors.receiver.organisation_id
        make_consent(session, resident_id=doors.resident_id, organisation_id=here)
        put_on_caseload(
            session, resident_id=doors.resident_id, staff_id=doors.receiver.staff_id, organisation_id=here
        )
    page = doors.receiver.text(f"/staff/tasks/{task_of(app, number)}")
    found = re.search(r'href="([^"]*/refer[^"]*)"', page)
    assert found and doors.receiver.get(found[1]).status_code == 200


# --- pressed twice


def test_taking_it_twice_is_one_line_in_the_record(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    page = f"/staff/referrals/{number}"
    for _press in range(2):
        took = doors.receiver.send(f"{page}/owner", form_on=page, do="take", was="0", **{"from": "page"})
        assert took.status_code == 303
    with app.app_context(), reading() as session:
        rows = select(func.count()).where(AuditRow.action == "give referral an owner")
        assert session.scalar(rows) == 1


def test_the_public_form_pressed_twice_at_once_is_one(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = public_service(app)
    # Both presses look before either has written.
    monkeypatch.setattr(public, "was_sent", lambda _session, _form_key: False)
    path = f"/refer/{number}"
    once = re.search(r'name="once" value="([^"]+)"', browser.text(path))
    assert once
    counted = []
    for _press in range(2):
        answer = fill_in(browser, number, once=once[1])
        assert answer.status_code == 303 and answer.headers["Location"].endswith("/refer/sent")
        with app.app_context(), reading() as session:
            counted.append(sorted(session.scalars(select(Attempt.tries))))
            assert session.scalar(select(func.count()).select_from(Referral)) == 1
    assert counted[0] == counted[1]


# --- by code


def test_by_code_nobody_is_sent_where_they_do_not_fit_or_where_it_is_full(doors: Doors, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Resident, doors.resident_id).age_band = "25_49"
    for service, said in (
        ({"ages": "65_over"}, public.NOT_FOR_YOU),
        ({"ages": "", "places": 1, "taken": 1, "keeps_waiting_list": False}, public.NONE_FREE),
    ):  # fmt: skip
        with pytest.raises(RuleBroken) as broken:
            ask_myself(doors, app, **service)
        assert broken.value.message == said
    ask_myself(doors, app, keeps_waiting_list=True, places=1, taken=1, ages="")
