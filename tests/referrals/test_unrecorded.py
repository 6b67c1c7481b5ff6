"""A referrer's way: somebody without a record is sent at once, read by its receiver, put on a record; and tasks of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_referral_queries as queries
from inclusion_app.referrals import staff_unrecorded_views as views
from inclusion_app.referrals.models import CaseTask, CityService, PublicReferral, Referral
from inclusion_app.referrals.services import machine, sending
from tests.conftest import StaffBrowser
from tests.factories.people import make_consent, put_on_caseload
from tests.factories.referrals import bring_to, make_referral
from tests.referrals.paths import NAME, Doors

TYPED: dict[str, Any] = {
    "name": "Canary Newcomer", "contact": "07700 900999", "language": "ur", "why": "They want to learn to send an e-mail.",
    "urgency": "usual", "consent": "y",
}  # fmt: skip


@pytest.fixture
def doors(app: Flask) -> Doors:
    return Doors(app)


@pytest.fixture
def referrer(doors: Doors) -> StaffBrowser:
    return doors.staff("referrer", organisation="Red Door", name="Ray Referrer")


def page(doors: Doors) -> str:
    return f"/staff/services/{doors.service_id}/refer"


def all_of(app: Flask, model: Any) -> list[Any]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(model)))


def test_a_referrer_refers_somebody_without_a_record_from_the_directory(
    app: Flask, doors: Doors, referrer: StaffBrowser
) -> None:
    assert page(doors) in referrer.text(f"/staff/services/{doors.service_id}")
    shown = referrer.text(page(doors))
    assert "goes to Blue Door" in shown or "Blue Door" in shown
    assert "checked" not in shown
    once = re.search(r'name="once" value="([^"]+)"', shown)
    assert once
    for _press in range(2):
        answer = referrer.send(page(doors), **TYPED, once=once[1])
        assert answer.status_code == 303
    (row,) = all_of(app, Referral)
    assert (row.status, row.sender_staff_id, row.resident_id, row.language) == (
        "sent",
        referrer.staff_id,
        None,
        "ur",
    )
    assert answer.location == f"/staff/referrals/{row.id}"
    assert [one.items for one in all_of(app, AuditRow) if one.action == "refer a person"] == ["referral"]
    # Whoever sent it and whoever received it read it; a colleague of the sender does not.
    for who in (referrer, doors.receiver):
        seen = who.text(answer.location)
        assert "Canary Newcomer" in seen and "07700 900999" in seen and TYPED["why"] in seen
        assert ("Put it on a record" in seen) is (who is doors.receiver)
    assert doors.sender.get(answer.location).status_code == 404


STATES = {
    "sent": (), "acknowledged": ("acknowledge",), "needs_info": ("acknowledge", "ask"), "waitlisted": ("waitlist",),
    "accepted": ("accept",), "active": ("accept", "begin"), "asked after the yes": ("accept", "ask"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_who_stands_on_no_record_takes_it_back_by_whoever_talks_to_them(
    app: Flask, doors: Doors, referrer: StaffBrowser, state: str, side: str
) -> None:
    where = referrer.send(page(doors), **TYPED).location
    with app.app_context(), transaction() as session:
        bring_to(session, session.scalars(select(Referral)).one(), *STATES[state])
    who = referrer if side == "sender" else doors.receiver
    shown = who.text(where)
    # While the sender may take back what they sent, that is their one button.
    recalls = side == "sender" and state in {"sent", "acknowledged", "needs_info", "waitlisted"}
    assert ("They take it back" in shown) is not recalls
    for _press in range(2):
        assert who.send(f"{where}/withdraw", where).status_code == 303
    (row,) = all_of(app, Referral)
    assert row.status == "withdrawn" and not row.holds_place and row.ended_at is not None
    assert [one.action for one in all_of(app, AuditRow)].count("withdraw referral") == 1
    for one in (referrer, doors.receiver):
        assert "07700 900999" not in one.get(where).get_data(as_text=True)
    history = who.text(where)
    assert "Taken back by the person" in history
    other = {"sender": doors.receiver, "receiver": referrer}[side]
    with app.app_context(), transaction() as session:
        told = select(Message.staff_id).where(Message.template == "staff_referral_turned")
        assert other.staff_id in session.scalars(told).all() or side == "sender"


def test_the_history_says_that_the_person_took_it_back_and_whom_they_told(
    app: Flask, doors: Doors, referrer: StaffBrowser
) -> None:
    where = referrer.send(page(doors), **TYPED).location
    assert doors.receiver.send(f"{where}/withdraw", "/staff").status_code == 303
    with app.app_context(), transaction() as session:
        last = queries.turns_of(session, session.scalars(select(Referral)).one())[-1]
    assert (last.state, last.who) == ("Taken back by the person", "The person, said to Ben Blue")
    # Whoever comes second reads it too, and changes nothing.
    late = referrer.send(f"{where}/withdraw", "/staff")
    assert late.status_code == 422 and "Ben Blue was quicker" in late.get_data(as_text=True)


def test_put_on_a_record_in_the_same_moment_it_is_its_persons_own(app: Flask, doors: Doors) -> None:
    number = doors.refer("accept")
    with app.app_context(), transaction() as session, pytest.raises(RuleBroken):
        machine.act(
            session, referral=session.get_one(Referral, number), actor=rules.RESIDENT, action="withdraw",
            staff_id=doors.receiver.staff_id, now=now(),
        )  # fmt: skip
    assert doors.state(number) == "accepted"


def test_with_a_record_nobody_takes_it_back_but_its_person(doors: Doors) -> None:
    number = doors.refer("accept")
    for who in (doors.sender, doors.receiver):
        assert "They take it back" not in who.text(f"/staff/referrals/{number}")
        assert who.send(f"/staff/referrals/{number}/withdraw", "/staff").status_code == 422
    assert doors.state(number) == "accepted"
    stranger = doors.staff("caseworker", organisation="Green Door")
    assert stranger.send(f"/staff/referrals/{number}/withdraw", "/staff").status_code == 404


def test_all_that_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    app: Flask, doors: Doors, referrer: StaffBrowser
) -> None:
    answer = referrer.send(page(doors), name="", contact="", why="Help!", once="k")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Help!" in text
    for name in ("name", "contact", "language", "why", "urgency", "consent"):
        assert f'id="{name}-error"' in text, name
    assert sending.SAY_YES in text and views.SAY_LANGUAGE in text
    assert referrer.send(page(doors), **{**TYPED, "language": "xx"}, once="k").status_code == 422
    assert referrer.send(page(doors), **{**TYPED, "why": "x" * 1001}, once="k").status_code == 422
    assert all_of(app, Referral) == []


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"closed_at": True}, machine.SERVICE_CLOSED),
        ({"places": 0, "keeps_waiting_list": False}, sending.IS_FULL),
    ],
)
def test_a_closed_and_a_full_service_take_nobody(
    app: Flask, doors: Doors, referrer: StaffBrowser, facts: dict[str, Any], why: str
) -> None:
    with app.app_context(), transaction() as session:
        service = session.get_one(CityService, doors.service_id)
        for name, value in facts.items():
            setattr(service, name, now() if name == "closed_at" else value)
    shown = referrer.text(page(doors))
    assert why in shown and "<textarea" not in shown
    answer = referrer.send(page(doors), form_on="/staff", **TYPED, once="k")
    assert answer.status_code == 422 and why in answer.get_data(as_text=True)
    assert all_of(app, Referral) == []


def test_ones_own_organisation_an_unknown_service_and_other_roles_are_refused(
    app: Flask, doors: Doors, staff_browser: Callable[..., StaffBrowser]
) -> None:
    own = doors.receiver
    assert page(doors) not in own.text(f"/staff/services/{doors.service_id}")
    assert sending.TO_ONESELF in own.text(page(doors)).replace("&#39;", "'")
    assert own.send(page(doors), form_on="/staff", **TYPED, once="k").status_code == 422
    assert own.get("/staff/services/99999/refer").status_code == 404
    assert staff_browser("organisation_admin").get(page(doors)).status_code == 403
    assert all_of(app, Referral) == []


def test_its_receiver_puts_it_on_a_record_and_the_sender_follows_without_the_facts(
    app: Flask, doors: Doors, referrer: StaffBrowser
) -> None:
    sent = referrer.send(page(doors), **TYPED, once="k").location
    number = int(sent.rpartition("/")[2])
    with app.app_context(), transaction() as session:
        person = doors.person(session, name="Somebody Met")
        make_consent(session, resident_id=person, organisation_id=doors.receiver.organisation_id)
        put_on_caseload(
            session,
            resident_id=person,
            staff_id=doors.receiver.staff_id,
            organisation_id=doors.receiver.organisation_id,
        )
    put = doors.receiver.send(
        f"{sent}/person", resident=str(person), person="", items=["identity"], language="en", said_yes="y"
    )
    assert put.status_code == 303
    with app.app_context(), transaction() as session:
        assert session.get_one(Referral, number).resident_id == person
    seen = referrer.text(sent)
    assert "Canary Newcomer" not in seen and "07700 900999" not in seen
    assert len(all_of(app, PublicReferral)) == 1


def test_a_referrer_does_what_came_of_their_own_referral(
    app: Flask, doors: Doors, referrer: StaffBrowser
) -> None:
    sent = referrer.send(page(doors), **TYPED, once="k").location
    with app.app_context(), transaction() as session:
        bring_to(session, session.get_one(Referral, int(sent.rpartition("/")[2])), "decline")
        task = session.scalars(select(CaseTask)).one().id
    home = referrer.text("/staff")
    assert f"/staff/tasks/{task}" in home
    shown = referrer.text(f"/staff/tasks/{task}")
    assert "/staff/services" in shown
    other = doors.staff("referrer", organisation="Red Door", name="Another")
    assert other.get(f"/staff/tasks/{task}").status_code == 404 and f"/staff/tasks/{task}" not in other.text(
        "/staff"
    )
    assert referrer.send(f"/staff/tasks/{task}", do="end", how="done").status_code == 303
    assert f"/staff/tasks/{task}" not in referrer.text("/staff")


def referred(app: Flask, doors: Doors, referrer: StaffBrowser, *actions: str) -> int:
    with app.app_context(), transaction() as session:
        row = make_referral(
            session, resident_id=doors.resident_id, service=session.get_one(CityService, doors.service_id),
            sender_id=referrer.organisation_id, staff_id=referrer.staff_id,
        )  # fmt: skip
        return bring_to(session, row, *actions).id


@pytest.mark.parametrize("ends", [(), ("decline",)])
@pytest.mark.parametrize("how", ["withdrawn", "kept"])
def test_a_referrer_reads_nobody_who_took_every_yes_back_or_keeps_them_away(
    app: Flask, doors: Doors, referrer: StaffBrowser, ends: tuple[str, ...], how: str
) -> None:
    referred(app, doors, referrer, *ends)
    choose = f"/staff/people/{doors.resident_id}/refer"
    assert NAME in referrer.text(choose)
    with app.app_context(), transaction() as session:
        if how == "kept":
            session.add(Restriction(resident_id=doors.resident_id, staff_id=referrer.staff_id, made_at=now()))
        for yes in session.scalars(select(Consent)) if how == "withdrawn" else ():
            yes.withdrawn_at = now()
    for path in (choose, f"{choose}/{doors.service_id}"):
        assert referrer.get(path).status_code == 404
