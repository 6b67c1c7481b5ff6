"""Decisions of a request: every state and every verb, what is told, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import messages, reminders, rules
from inclusion_app.loans.models import REQUEST_LIFECYCLE, LoanRequest, RequestAnswers
from inclusion_app.loans.services import offers, requests, schemes
from inclusion_app.loans.services import requests_decide as decide
from inclusion_app.messages.models import Message
from inclusion_app.people.models import ContactRoute
from tests.conftest import Browser
from tests.factories.loans import make_model, make_request, make_scheme, make_unit
from tests.factories.people import make_consent
from tests.messages.conftest import configure, reachable

STATES = (*rules.LIVE, "fulfilled", "declined", "withdrawn", "expired")
ENDED = ("fulfilled", "declined", "withdrawn", "expired")
Verb = Callable[[Session, LoanRequest], Any]
VERBS: dict[str, tuple[Verb, tuple[str, ...], str]] = {
    "approve": (
        lambda session, one: decide.approve(session, request=one, staff_id=None, now=now()),
        ("submitted",), "queued",
    ),
    "ask": (
        lambda session, one: decide.ask_more(session, request=one, question="talk", staff_id=None, now=now()),
        ("submitted", "queued", "offered"), "need_info",
    ),
    "answer": (
        lambda session, one: decide.answer_more(session, request=one, now=now()), ("need_info",), "submitted"
    ),
    "decline": (
        lambda session, one: decide.decline(session, request=one, reason="no_stock", staff_id=None, now=now()),
        ("submitted", "need_info", "approved", "queued", "offered"), "declined",
    ),
    "withdraw": (
        lambda session, one: requests.withdraw(session, request=one, actor="staff", now=now()),
        ("draft", "submitted", "need_info", "approved", "queued", "offered"), "withdrawn",
    ),
    "first": (
        lambda session, one: decide.put_first(session, request=one, why="Court", now=now()), ("queued",), "queued"
    ),
    "yes": (lambda session, one: offers.accept(session, request=one, now=now()), (), ""),
    "no": (
        lambda session, one: offers.decline_offer(session, request=one, keep_waiting=True, now=now()), (), ""
    ),
}  # fmt: skip


def in_state(session: Session, state: str) -> LoanRequest:
    """A request in a state, as the table of its constraints allows it; what is offered has no unit behind it here."""
    facts: dict[str, Any] = {"status": state, "waits_since": now() - timedelta(days=3)}
    if state in ENDED:
        facts["ended_at"] = now()
    if state == "declined":
        facts["reason"] = "no_stock"
    return make_request(session, **facts)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
def test_each_verb_in_each_state(app: Flask, state: str, verb: str) -> None:
    do, may, to = VERBS[verb]
    with app.app_context(), transaction() as session:
        request = in_state(session, state)
        since = request.waits_since
        if state in may:
            do(session, request)
            assert request.status == to
            assert request.waits_since == since  # no decision takes anybody's time away
            assert (request.ended_at is not None) == (to in ENDED)
        elif not (verb == "withdraw" and state == "withdrawn"):  # twice is once
            with pytest.raises(RuleBroken):
                do(session, request)
            assert request.status == state


def test_the_verbs_go_no_other_way_than_the_table() -> None:
    for verb, (_do, may, to) in VERBS.items():
        for state in may:
            if verb not in ("first", "approve"):
                assert REQUEST_LIFECYCLE.allows(state, to), (verb, state)


def test_a_question_frees_what_was_kept_for_the_next_one(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        first = make_request(session, model=unit.model, points=20)
        second = make_request(session, model=unit.model, points=1)
        offers.serve(session, organisation_id=first.organisation_id, model_id=first.model_id, now=now())
        decide.ask_more(session, request=first, question="reach", staff_id=None, now=now())
        assert (first.status, second.status) == ("need_info", "offered")
        with pytest.raises(RuleBroken, match="question"):
            decide.ask_more(session, request=second, question="your papers", staff_id=None, now=now())
        with pytest.raises(RuleBroken, match="reason"):
            decide.decline(session, request=second, reason="no_id", staff_id=None, now=now())
        assert second.status == "offered"


def test_who_can_be_told_is_told_and_what_is_not_true_any_more_is_taken_back(both_engines: Flask) -> None:
    with transaction() as session:
        request = make_request(session, status="submitted", waits_since=None)
        session.add(
            ContactRoute(
                resident_id=request.resident_id, position=1, kind="sms", value="+447700900123", value_hash="x",
                made_at=now(),
            )
        )  # fmt: skip
        session.flush()
        decide.approve(session, request=request, staff_id=None, now=now())
        decide.ask_more(session, request=request, question="still_wanted", staff_id=None, now=now())
        decide.decline(session, request=request, reason="no_contact", staff_id=None, now=now())
        told = session.execute(
            select(Message.template, Message.state).where(Message.about == f"loan {request.id}").order_by(Message.id)
        ).all()  # fmt: skip
        names = [name for name, _state in told]
        assert names == ["loan_queued", "loan_need_still_wanted", "loan_declined_no_contact"]
        assert told[0].state == told[1].state != told[2].state


def test_every_question_and_reason_has_its_message() -> None:
    names = {template.name for template in messages.TEMPLATES}
    assert {f"loan_need_{code}" for code in rules.QUESTIONS} <= names
    assert {f"loan_declined_{code}" for code in rules.DECLINED} <= names
    assert {"loan_queued", "loan_offer", "loan_slot", "loan_offer_lapsed", "loan_offer_taken_back"} <= names


def test_new_points_count_for_all_who_wait_and_not_for_who_forgot_their_answers(both_engines: Flask) -> None:
    with transaction() as session:
        scheme = make_scheme(session)
        model = make_model(session, scheme=scheme)
        with_answers = make_request(session, model=model, points=8)
        session.add(
            RequestAnswers(request_id=with_answers.id, answers={"no_device": True, "children": False})
        )
        without = make_request(session, model=model, points=8)
        ended = make_request(session, model=model, points=8, status="withdrawn", ended_at=now())
        session.add(RequestAnswers(request_id=ended.id, answers={"no_device": True}))
        facts = schemes.SchemeFacts(True, "", {"no_device": 3}, 5, 3, 2)
        assert schemes.change_scheme(session, scheme=scheme, facts=facts) == 1
        assert (with_answers.points, without.points, ended.points) == (3, 8, 8)


def test_first_is_first_and_undone(both_engines: Flask) -> None:
    from inclusion_app.loans.services import queue

    with transaction() as session:
        model = make_model(session)
        for _one in range(3):
            make_request(session, model=model, points=30)
        last = make_request(session, model=model, points=0)
        assert queue.place_of(session, last, now()).position == 4
        decide.put_first(session, request=last, why="Court on Monday", now=now())
        place = queue.place_of(session, last, now())
        assert (place.position, place.is_put_first, place.moved_by_quota) == (1, True, False)
        decide.put_back(session, request=last)
        assert queue.place_of(session, last, now()).position == 4


# --- a question that nobody answers


def test_a_question_nobody_answers_ends_the_request_once(both_engines: Flask) -> None:
    with transaction() as session:
        asked = make_request(session, status="submitted", made_at=now() - timedelta(days=90))
        again = make_request(session, model=asked.model, status="submitted", made_at=asked.made_at)
        answered = make_request(session, model=asked.model, status="submitted", made_at=asked.made_at)
        begun = now() - timedelta(days=60)
        for one in (asked, again, answered):
            decide.ask_more(session, request=one, question="talk", staff_id=None, now=begun)
        decide.answer_more(session, request=answered, now=begun)
        decide.answer_more(session, request=again, now=begun)
        decide.ask_more(
            session, request=again, question="where", staff_id=None, now=begun + timedelta(days=10)
        )
        numbers = asked.id, again.id, answered.id

    def stand() -> list[str]:
        with transaction() as session:
            rows = [session.get_one(LoanRequest, number) for number in numbers]
            assert all((row.ended_at is not None) == (row.status == "expired") for row in rows)
            return [row.status for row in rows]

    edge = begun + timedelta(days=rules.ANSWER_DAYS)
    assert reminders.serve_and_lapse(edge - timedelta(minutes=1)) == 0
    assert stand() == ["need_info", "need_info", "submitted"]
    assert reminders.serve_and_lapse(edge) == 1
    assert reminders.serve_and_lapse(edge) == 0, "once"
    assert stand() == ["expired", "need_info", "submitted"]
    assert reminders.serve_and_lapse(edge + timedelta(days=10)) == 1
    assert stand() == ["expired", "expired", "submitted"]


def test_who_is_reached_is_told_once_and_their_page_says_so(app: Flask, browser: Browser) -> None:
    configure(app, sms="https://example.org/sms", sms_token="t")
    with app.app_context(), transaction() as session:
        asked = make_request(session, status="submitted", resident_id=reachable(session, "sms").id)
        make_consent(session, resident_id=asked.resident_id, organisation_id=asked.organisation_id)
        code = asked.code
        decide.ask_more(session, request=asked, question="reach", staff_id=None, now=now())
    page = browser.text(f"/loans/{code}")
    assert "We wait 30 days for your answer." in page and "You can ask again at any time." in page
    with app.app_context():
        later = now() + timedelta(days=rules.ANSWER_DAYS, minutes=1)
        for _look in range(2):
            reminders.serve_and_lapse(later)
        with transaction() as session:
            told = session.scalars(select(Message).where(Message.template == "loan_expired")).all()
            asked_them = session.scalars(select(Message).where(Message.template == "loan_need_reach")).one()
            assert len(told) == 1 and asked_them.state == "dropped"
    page = browser.text(f"/loans/{code}")
    assert "This request has ended" in page and "We did not hear from you." in page
    assert "We wait 30 days" not in page
