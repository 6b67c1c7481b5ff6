"""What stands in a referral after each turn: its moments, its clock, its place, what was typed; and what ends with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import history, registry
from inclusion_app.core.clock import moment, now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.people.models import Consent
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CaseTask, CityService, PartnerLink, Referral, ReferralWords
from inclusion_app.referrals.services import machine, public
from inclusion_app.referrals.services.machine import Said
from tests.factories.people import make_consent, make_person
from tests.factories.referrals import make_referral, make_service
from tests.referrals.world import Pair, do, in_state, make_pair, said_for, say_yes, send

MONDAY = date(2026, 11, 23)
NINE, TEN, NOON = (moment(MONDAY, time(hour)) for hour in (9, 10, 12))


@pytest.fixture
def here(app: Flask) -> Iterator[tuple[Session, Pair]]:
    with app.app_context(), transaction() as session:
        yield session, make_pair(session)


def act(
    session: Session,
    referral: Referral,
    action: str,
    when: datetime,
    pair: Pair,
    *,
    actor: str = rules.RECEIVER,
    said: Said | None = None,
) -> None:
    staff_id = {rules.SENDER: pair.helper, rules.RECEIVER: pair.worker}.get(actor)
    machine.act(
        session, referral=referral, actor=actor, action=action, now=when, staff_id=staff_id,
        said=said or said_for(session, referral, action, pair),
    )  # fmt: skip


def moments(referral: Referral) -> tuple[datetime | None, ...]:
    return referral.acknowledged_at, referral.decided_at, referral.contacted_at, referral.ended_at


def test_each_moment_is_kept_by_the_turn_it_belongs_to_and_by_the_first_one(
    here: tuple[Session, Pair],
) -> None:
    session, pair = here
    one = send(session, pair)
    assert one.sent_at is not None and moments(one) == (None, None, None, None)
    act(session, one, "acknowledge", NINE, pair)
    assert moments(one) == (NINE, None, None, None)
    act(session, one, "waitlist", TEN, pair, said=Said(promised_on=MONDAY + timedelta(days=9)))
    assert moments(one) == (NINE, TEN, None, None) and one.promised_on == MONDAY + timedelta(days=9)
    act(session, one, "accept", NOON, pair)
    # What was decided first stays: the figures count how long somebody waited for any answer.
    assert moments(one) == (NINE, TEN, None, None) and one.promised_on is None
    act(session, one, "begin", NOON + timedelta(hours=1), pair)
    assert moments(one) == (NINE, TEN, NOON + timedelta(hours=1), None)
    act(session, one, "close", NOON + timedelta(hours=2), pair)
    assert moments(one) == (NINE, TEN, NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    assert one.outcome == "got_help" and one.better_id is None
    act(session, one, "reopen", NOON + timedelta(hours=3), pair)
    assert one.ended_at is None and one.outcome is None


@pytest.mark.parametrize("action", ["accept", "waitlist", "decline", "reroute"])
def test_who_decides_at_once_has_seen_it_too(here: tuple[Session, Pair], action: str) -> None:
    session, pair = here
    one = send(session, pair)
    act(session, one, action, NINE, pair)
    assert moments(one)[:3] == (NINE, NINE, None)
    assert (one.better_id is not None) == (action == "reroute")


def test_a_question_and_its_answer_decide_nothing(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one = in_state(session, pair, "needs_info")
    assert one.asked_from == "acknowledged" and one.decided_at is None and one.contacted_at is None
    do(session, one, rules.SENDER, "answer", pair)
    assert one.asked_from is None and one.decided_at is None and one.better_id is None


def test_what_was_typed_is_kept_once_with_its_kind_and_blank_words_are_none(
    here: tuple[Session, Pair],
) -> None:
    session, pair = here
    one = send(session, pair)
    act(session, one, "acknowledge", NINE, pair, said=Said(words="Nobody asked for these."))
    act(session, one, "ask", NINE, pair, said=Said(words="  When?  "))
    act(session, one, "answer", TEN, pair, actor=rules.SENDER, said=Said(words="Today."))
    act(session, one, "decline", NOON, pair, said=Said(reason="no_capacity", words="   "))
    kept = session.scalars(
        select(ReferralWords).where(ReferralWords.referral_id == one.id).order_by(ReferralWords.id)
    ).all()
    assert [(row.kind, row.words, row.staff_id) for row in kept if row.kind != "why"] == [
        ("question", "When?", pair.worker), ("answer", "Today.", pair.helper),
    ]  # fmt: skip


# --- the clock


def test_each_turn_begins_its_clock_anew_and_no_nudge_is_left_of_the_one_before(
    here: tuple[Session, Pair],
) -> None:
    session, pair = here
    one = send(session, pair)
    one.nudged = 80
    act(session, one, "acknowledge", NINE, pair)
    assert (one.clock_since, one.nudged, one.clock_stopped_at) == (NINE, 0, None)
    act(session, one, "ask", TEN, pair)
    assert (one.clock_since, one.clock_stopped_at) == (NINE, TEN)
    act(session, one, "answer", NOON, pair, actor=rules.SENDER)
    # One hour had run, and the two of the question are none of it.
    assert one.clock_since == NOON - timedelta(hours=1) and one.clock_stopped_at is None
    act(session, one, "accept", NOON, pair)
    act(session, one, "begin", NOON, pair)
    act(session, one, "close", NOON, pair)
    assert (one.clock_since, one.clock_due, one.clock_stopped_at, one.nudged) == (None, None, None, 0)


@pytest.mark.parametrize(("urgency", "due"), [("urgent", time(17)), ("usual", time(10))])
def test_what_is_urgent_is_seen_on_the_same_day(app: Flask, urgency: str, due: time) -> None:
    with app.app_context(), transaction() as session:
        pair = make_pair(session)
        row = public._draft(
            session, service=session.get_one(CityService, pair.service), form_key="public", language="en", now=TEN
        )  # fmt: skip
        row.urgency = urgency
        act(session, row, "confirm", TEN, pair, actor=rules.STRANGER)
        days = 0 if urgency == "urgent" else 2
        assert row.clock_due == moment(MONDAY + timedelta(days=days), due)


def test_a_question_taken_back_leaves_no_clock_that_stands_still(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one = in_state(session, pair, "needs_info")
    assert one.clock_stopped_at is not None
    do(session, one, rules.SENDER, "recall", pair)
    assert (one.clock_since, one.clock_due, one.clock_stopped_at) == (None, None, None)


def test_only_what_runs_and_has_begun_is_looked_at(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one = send(session, pair)
    act(session, one, "acknowledge", NINE, pair)

    def looked_at(when: datetime) -> list[int]:
        return list(session.scalars(machine.overdue(when)))

    # A clock of the machine that was put back: nothing began in what is to come.
    assert looked_at(NINE - timedelta(minutes=1)) == [] and looked_at(TEN) == [one.id]
    act(session, one, "ask", TEN, pair)
    assert looked_at(NOON) == []
    act(session, one, "answer", NOON, pair, actor=rules.SENDER)
    assert looked_at(NOON) == [one.id]
    do(session, one, rules.RESIDENT, "withdraw", pair)
    assert looked_at(NOON) == []


def test_only_an_open_question_is_reminded_of(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one, late = send(session, pair), moment(MONDAY + timedelta(days=60), time(12))
    act(session, one, "acknowledge", NINE, pair)
    assert machine.reminder_due(session, one, now=late) == 0
    act(session, one, "ask", TEN, pair)
    assert list(session.scalars(machine.asked(TEN))) == []
    assert list(session.scalars(machine.asked(NINE))) == []
    assert list(session.scalars(machine.asked(NOON))) == [one.id]
    assert machine.reminder_due(session, one, now=late) == 5
    act(session, one, "answer", NOON, pair, actor=rules.SENDER)
    assert machine.reminder_due(session, one, now=late) == 0
    for number in (one.id, 999_999):
        assert machine.remind(session, referral_id=number, now=late) == ""


def test_a_look_at_what_has_no_clock_or_is_gone_does_nothing(here: tuple[Session, Pair]) -> None:
    session, pair = here
    late = moment(MONDAY + timedelta(days=60), time(12))
    ended = in_state(session, pair, "declined")
    asked = in_state(session, make_pair(session), "needs_info")
    for number in (999_999, ended.id, asked.id):
        assert machine.tick(session, referral_id=number, now=late) == ""
    assert (ended.status, asked.status) == ("declined", "needs_info")


def test_each_nudge_once_and_of_this_referral_alone_and_it_lapses_at_its_very_moment(
    here: tuple[Session, Pair],
) -> None:
    session, pair = here
    other = make_pair(session)
    one, beside = send(session, pair), send(session, other)
    for referral in (one, beside):
        act(session, referral, "acknowledge", NINE, pair)
    assert one.clock_due is not None

    def look(when: datetime) -> str:
        return machine.tick(session, referral_id=one.id, now=when)

    assert look(NINE) == ""
    half = moment(MONDAY + timedelta(days=2), time(13))
    assert (look(half - timedelta(minutes=1)), look(half), look(half)) == ("", "nudge 50", "")
    assert (one.nudged, beside.nudged) == (50, 0)
    # An earlier nudge that was never given is not given late.
    assert (look(one.clock_due), look(one.clock_due), look(half)) == ("nudge 100", "", "")
    lapses = rules.lapses_at(one.clock_due, registry.holidays(session))
    assert look(lapses - timedelta(minutes=1)) == "" and one.status == "acknowledged"
    assert look(lapses) == "lapse" and one.status == "lapsed" and beside.status == "acknowledged"
    # The pass came late.
    late = lapses + timedelta(hours=5)
    assert machine.tick(session, referral_id=beside.id, now=late) == "lapse" and beside.ended_at == late


def test_what_does_not_lapse_is_nudged_however_late(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one = in_state(session, pair, "accepted")
    assert one.clock_due is not None
    assert machine.tick(session, referral_id=one.id, now=one.clock_due + timedelta(days=90)) == "nudge 100"
    assert one.status == "accepted"


# --- the place, the promise, the yes


def test_of_several_places_one_is_given_back(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        pair = make_pair(session, places=3)
        service = session.get_one(CityService, pair.service)
        others = [
            make_referral(
                session, resident_id=make_pair(session).person, service=service, sender_id=pair.sender
            )
            for _one in range(2)
        ]
        first = in_state(session, pair, "accepted")
        for other in others:
            act(session, other, "accept", now(), pair)
        assert service.taken == 3
        do(session, first, rules.RESIDENT, "withdraw", pair)
        assert service.taken == 2


@pytest.mark.parametrize(("days", "is_taken"), [(-1, False), (0, True), (366, True), (367, False)])
def test_a_day_may_be_promised_from_today_to_a_year_ahead(
    here: tuple[Session, Pair], days: int, is_taken: bool
) -> None:
    session, pair = here
    one, said = send(session, pair), Said(promised_on=today() + timedelta(days=days))
    broken = machine.what_is_missing(session, one, "waitlist", said, now=now())
    assert [found.field for found in broken] == ([] if is_taken else ["promised_on"])


def test_a_yes_that_is_over_opens_nothing_again_and_lets_nobody_answer(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one = in_state(session, pair, "closed")
    past = {"given_at": now() - timedelta(days=400), "until_at": now() - timedelta(days=35)}
    over = make_consent(session, resident_id=pair.person, organisation_id=pair.receiver, **past)
    with pytest.raises(RuleBroken) as refused:
        act(session, one, "reopen", now(), pair, said=Said(reason="came_back", consent_id=over.id))
    assert refused.value.field == "consent"
    act(session, one, "reopen", now(), pair, said=Said(reason="came_back", consent_id=say_yes(session, pair)))
    assert machine.has_live_consent(session, one, now())
    one.consent_id = over.id
    session.flush()
    assert not machine.has_live_consent(session, one, now())
    assert list(session.scalars(machine.who_shares_no_more(now()))) == [pair.person]


def test_what_stands_on_no_record_needs_no_yes_and_is_opened_again(here: tuple[Session, Pair]) -> None:
    session, pair = here
    rows = [
        public._draft(
            session, service=session.get_one(CityService, pair.service), form_key=f"public {number}", language="en", now=NINE
        )
        for number in range(2)
    ]  # fmt: skip
    for row in rows:
        act(session, row, "confirm", NINE, pair, actor=rules.STRANGER)
    one = rows[0]
    for action in ("accept", "begin", "close"):
        act(session, one, action, TEN, pair)
    # The other one, of somebody who is on no record either, stands in nobody's way.
    act(session, one, "reopen", NOON, pair, said=Said(reason="came_back"))
    assert one.status == "active" and rows[1].status == "sent"


def test_what_was_only_told_asks_for_no_yes_and_is_asked_about_a_fortnight_later(
    here: tuple[Session, Pair],
) -> None:
    session, pair = here
    one = send(session, pair, mode="signposted")
    assert machine.has_live_consent(session, one, now())
    task = session.scalars(select(CaseTask).where(CaseTask.referral_id == one.id)).one()
    assert (task.kind, task.due_on) == ("find_out", today() + rules.FIND_OUT)
    assert timedelta(days=1) < rules.FIND_OUT


def test_what_ends_ends_its_own_yes_and_links_and_no_others(here: tuple[Session, Pair]) -> None:
    session, pair = here
    other = make_pair(session)
    one, beside = send(session, pair), send(session, other)
    for number, referral in enumerate((one, beside)):
        session.add(
            PartnerLink(
                referral_id=referral.id, token_hash=f"{number}" * 64, made_at=now(),
                expires_at=now() + timedelta(days=9),
            )
        )  # fmt: skip
    session.flush()
    do(session, one, rules.RESIDENT, "withdraw", pair)
    links = {row.referral_id: row.ended_at is None for row in session.scalars(select(PartnerLink))}
    assert links == {one.id: False, beside.id: True}
    assert one.consent_id and beside.consent_id
    assert session.get_one(Consent, one.consent_id).withdrawn_at is not None
    assert session.get_one(Consent, beside.consent_id).withdrawn_at is None


def test_who_was_quicker_is_read_from_this_referral_and_nothing_else_of_its_number(
    here: tuple[Session, Pair],
) -> None:
    session, pair = here
    one = in_state(session, pair, "withdrawn")
    row = history.StatusChange(
        noun="bookings", row_id=one.id, before="a", after="b", actor=f"staff {pair.worker}", why="", at=now(),
        referral_id=one.id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    with pytest.raises(RuleBroken) as refused:
        do(session, one, rules.RECEIVER, "accept", pair)
    assert refused.value.message == CHANGED_ALREADY


def test_each_end_without_help_makes_a_task_of_its_own(here: tuple[Session, Pair]) -> None:
    session, pair = here
    one = in_state(session, pair, "active")
    for _end in range(2):
        act(session, one, "close", now(), pair, said=Said(outcome="partly"))
        again = Said(reason="came_back", consent_id=say_yes(session, pair))
        act(session, one, "reopen", now(), pair, said=again)
    tasks = session.scalars(select(CaseTask).where(CaseTask.kind == "another_way")).all()
    assert [task.referral_id for task in tasks] == [one.id, one.id]


def test_a_full_service_says_so_and_one_without_a_number_never_is(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        pair = make_pair(session)
        service = make_service(session, organisation_id=pair.receiver)
        for _one in range(3):
            person = make_person(session, name="Somebody")
            referral = make_referral(session, resident_id=person.id, service=service, sender_id=pair.sender)
            act(session, referral, "accept", now(), pair)
        assert service.taken == 3 and service.places is None
