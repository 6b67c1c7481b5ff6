"""The one door by which a referral changes: every actor, action and state against a table written by hand; what goes with it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Staff
from inclusion_app.core import registry
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message
from inclusion_app.people import consent_services, record_services
from inclusion_app.people.models import Consent, Resident, Restriction
from inclusion_app.people.policy import TABLE
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CaseTask, CityService, Referral
from inclusion_app.referrals.policy import NOTES, REFERRALS
from inclusion_app.referrals.services import machine, telling
from inclusion_app.referrals.services.machine import Said
from tests.factories.accounts import make_staff
from tests.factories.people import put_on_caseload
from tests.factories.referrals import make_note, make_referral, make_service, make_task
from tests.referrals.world import WAYS_TO, Pair, do, in_state, make_pair, say_yes, send

# As domain.md says it, by hand: who may do what where, and which state follows. What stands nowhere is refused.
ALLOWED = {
    ("receiver", "acknowledge", "sent"): "acknowledged",
    ("receiver", "ask", "acknowledged"): "needs_info",
    ("receiver", "ask", "accepted"): "needs_info",
    ("sender", "answer", "needs_info"): "acknowledged",
    ("receiver", "found_out", "needs_info"): "acknowledged",
    ("receiver", "accept", "sent"): "accepted",
    ("receiver", "accept", "acknowledged"): "accepted",
    ("receiver", "accept", "waitlisted"): "accepted",
    ("receiver", "waitlist", "sent"): "waitlisted",
    ("receiver", "waitlist", "acknowledged"): "waitlisted",
    ("receiver", "decline", "sent"): "declined",
    ("receiver", "decline", "acknowledged"): "declined",
    ("receiver", "reroute", "sent"): "rerouted",
    ("receiver", "reroute", "acknowledged"): "rerouted",
    ("receiver", "begin", "accepted"): "active",
    ("receiver", "close", "active"): "closed",
    ("receiver", "reopen", "closed"): "active",
    ("sender", "reopen", "closed"): "active",
    ("sender", "recall", "sent"): "recalled",
    ("sender", "recall", "acknowledged"): "recalled",
    ("sender", "recall", "needs_info"): "recalled",
    ("sender", "recall", "waitlisted"): "recalled",
    ("clock", "lapse", "sent"): "lapsed",
    ("clock", "lapse", "acknowledged"): "lapsed",
    ("clock", "lapse", "waitlisted"): "lapsed",
    **{
        ("resident", "withdraw", state): "withdrawn"
        for state in ("sent", "acknowledged", "needs_info", "accepted", "waitlisted", "active")
    },
}
ACTORS = ("sender", "receiver", "resident", "stranger", "clock")


@pytest.mark.parametrize("state", WAYS_TO)
def test_every_actor_and_action_against_the_table(app: Flask, state: str) -> None:
    tried = 0
    for actor in ACTORS:
        for action in rules.ACTIONS:
            with app.app_context(), transaction() as session:
                pair = make_pair(session)
                referral = in_state(session, pair, state)
                to = ALLOWED.get((actor, action, state))
                if to is None:
                    with pytest.raises(RuleBroken):
                        do(session, referral, actor, action, pair)
                    assert referral.status == state
                else:
                    do(session, referral, actor, action, pair)
                    assert referral.status == to
                session.rollback()
            tried += 1
    assert tried == len(ACTORS) * len(rules.ACTIONS)


@pytest.fixture
def pair(app: Flask) -> Pair:
    with app.app_context(), transaction() as session:
        return make_pair(session)


def changes(session: Session, referral: Referral) -> list[tuple[str, str, str, str]]:
    rows = session.scalars(
        select(StatusChange)
        .where(StatusChange.noun == "referrals", StatusChange.row_id == referral.id)
        .order_by(StatusChange.id)
    )
    return [(row.before, row.after, row.actor, row.why) for row in rows]


def test_who_when_and_why_stand_beside_each_change(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "closed")
        assert changes(session, referral) == [
            ("draft", "sent", f"sender {pair.helper}", ""),
            ("sent", "accepted", f"receiver {pair.worker}", ""),
            ("accepted", "active", f"receiver {pair.worker}", ""),
            ("active", "closed", f"receiver {pair.worker}", "got_help"),
        ]


def test_whoever_is_late_reads_who_was_quicker(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "declined")
        with pytest.raises(RuleBroken) as refused:
            do(session, referral, "receiver", "accept", pair)
        assert refused.value.message == machine.SOMEBODY_WAS_QUICKER
        assert refused.value.params["name"] == "Bo Blue"
        alone = in_state(session, make_pair(session), "withdrawn")
        with pytest.raises(RuleBroken) as refused:
            do(session, alone, "receiver", "accept", pair)
        assert refused.value.message == CHANGED_ALREADY


def test_a_yes_takes_a_place_and_the_end_gives_it_back(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        pair = make_pair(session, places=1)
        service = session.get_one(CityService, pair.service)
        first = in_state(session, pair, "accepted")
        assert service.taken == 1
        # A question asked after the yes keeps the place, and so does the answer.
        do(session, first, "receiver", "ask", pair)
        do(session, first, "sender", "answer", pair)
        assert (first.status, service.taken) == ("accepted", 1)
        second = make_referral(
            session, resident_id=make_pair(session).person, service=service, sender_id=pair.sender
        )
        with pytest.raises(RuleBroken) as refused:
            do(session, second, "receiver", "accept", pair)
        assert refused.value.message == machine.FULL
        do(session, second, "receiver", "waitlist", pair)
        do(session, first, "receiver", "begin", pair)
        do(session, first, "receiver", "close", pair)
        assert service.taken == 0
        do(session, second, "receiver", "accept", pair)
        assert (second.status, service.taken) == ("accepted", 1)


def test_the_database_has_the_last_word_on_places(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        pair = make_pair(session, places=1)
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(update(CityService).where(CityService.id == pair.service).values(taken=2))


def tasks(session: Session, referral: Referral) -> list[tuple[str, int, int | None]]:
    rows = session.scalars(select(CaseTask).where(CaseTask.referral_id == referral.id).order_by(CaseTask.id))
    return [(row.kind, row.organisation_id, row.owner_id) for row in rows]


@pytest.mark.parametrize("state", ["declined", "rerouted", "lapsed"])
def test_no_dead_end(app: Flask, pair: Pair, state: str) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, state)
        assert tasks(session, referral) == [("another_way", pair.sender, pair.helper)]
        due = session.scalars(select(CaseTask.due_on)).one()
        assert due > today()


@pytest.mark.parametrize("outcome", rules.OUTCOMES)
def test_an_end_without_help_makes_a_task(app: Flask, pair: Pair, outcome: str) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "active")
        machine.act(
            session,
            referral=referral,
            actor="receiver",
            action="close",
            now=now(),
            said=Said(outcome=outcome),
        )
        helped = outcome in {"got_help", "met_elsewhere", "no_longer_wanted", "moved"}
        assert bool(tasks(session, referral)) is not helped


def test_who_said_no_themself_is_not_followed(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = send(session, pair)
        said = Said(reason="no_longer_wanted", by="resident")
        machine.act(session, referral=referral, actor="receiver", action="decline", now=now(), said=said)
        assert tasks(session, referral) == []
        assert told(session, referral)[-1] == "referral_own_no"


def told(session: Session, referral: Referral) -> list[str]:
    """The templates of what the person was told, in order, each turn once."""
    rows = session.execute(
        select(Message.key, Message.template)
        .where(Message.about == f"referral {referral.id}", Message.resident_id == referral.resident_id)
        .order_by(Message.id)
    )
    return list(dict(rows.all()).values())


@pytest.mark.parametrize(
    ("actor", "action", "said"),
    [("sender", "answer", "referral_answered"), ("receiver", "found_out", "referral_found_out")],
)
def test_the_person_is_told_at_each_turn(app: Flask, pair: Pair, actor: str, action: str, said: str) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "needs_info")
        do(session, referral, actor, action, pair)
        for action in ("accept", "begin", "close", "reopen"):
            do(session, referral, "receiver", action, pair)
        assert told(session, referral) == [
            "referral_sent", "referral_seen", "referral_asked", said, "referral_accepted", "referral_begun",
            "referral_closed", "referral_reopened",
        ]  # fmt: skip


def test_sender_and_receiver_hear_what_the_other_did(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "acknowledged")
        do(session, referral, "sender", "recall", pair)
        rows = session.execute(
            select(Message.template, Message.staff_id)
            .where(Message.staff_id.is_not(None))
            .order_by(Message.id)
        )
        assert [tuple(row) for row in rows] == [
            ("staff_referral_came", pair.worker),
            ("staff_referral_turned", pair.helper),
            ("staff_referral_turned", pair.worker),
        ]
        for message in session.scalars(select(Message).where(Message.staff_id.is_not(None))):
            assert "Amina" not in str(message.params)


def seen(session: Session, pair: Pair, referral: Referral) -> set[str]:
    """What the receiver's worker may read now: of the referral, and which items of the person."""
    found = {
        item
        for item in ("identity", "contact", "needs", "plan")
        if TABLE.allows(session, f"resident.{item}", pair.receiving, pair.person)
    }
    if REFERRALS.allows(session, "referral.read", pair.receiving, referral.id):
        found.add("referral")
    return found


@pytest.mark.parametrize("state", WAYS_TO)
def test_the_receiver_sees_what_was_shared_while_it_lives(app: Flask, pair: Pair, state: str) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, state)
        lives = state in {"sent", "acknowledged", "needs_info", "accepted", "waitlisted", "active"}
        assert seen(session, pair, referral) == ({"referral", "identity", "contact"} if lives else set())


def test_only_told_where_to_go_shares_nothing(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = send(session, pair, mode="signposted", items=(), has_yes=False)
        assert (seen(session, pair, referral), referral.clock_due) == (set(), None)
        assert tasks(session, referral) == [("find_out", pair.sender, pair.helper)]
        told = select(Message.template).where(Message.resident_id == pair.person)
        assert session.scalars(told).all() == ["referral_signposted"]
        with pytest.raises(RuleBroken):
            do(session, referral, "receiver", "acknowledge", pair)
        do(session, referral, "sender", "close", pair)
        assert session.scalars(select(CaseTask.done_how)).all() == ["ended"]


def test_reopening_asks_for_a_new_yes(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "closed")
        for consent_id in (None, referral.consent_id):
            with pytest.raises(RuleBroken) as refused:
                machine.act(
                    session, referral=referral, actor="sender", action="reopen", now=now(),
                    said=Said(reason="came_back", consent_id=consent_id),
                )  # fmt: skip
            assert refused.value.field == "consent"
        do(session, referral, "sender", "reopen", pair)
        assert seen(session, pair, referral) == {"referral", "identity", "contact"}


def test_who_stops_sharing_takes_the_referral_back(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        ours, theirs = in_state(session, pair, "active"), make_pair(session)
        other = in_state(session, theirs, "active")
        assert ours.consent_id is not None
        consent_services.stop_sharing(session, resident_id=pair.person, consent_id=ours.consent_id, now=now())
        assert (ours.status, other.status) == ("withdrawn", "active")
        assert seen(session, pair, ours) == set()
        assert "withdrawn" in changes(session, ours)[-1]
        assert changes(session, ours)[-1][2] == "resident"


def test_who_is_kept_away_loses_what_was_sent(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "accepted")
        record_services.keep_from(
            session, actor=pair.sending, resident_id=pair.person, staff=(), organisations=(pair.receiver,), now=now()
        )  # fmt: skip
        assert referral.status == "withdrawn"


def test_a_yes_that_ended_by_itself_stops_the_receiver(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = in_state(session, pair, "acknowledged")
        session.execute(
            update(Consent)
            .where(Consent.id == referral.consent_id)
            .values(until_at=now() - timedelta(hours=1))
        )
        assert seen(session, pair, referral) == set()
        with pytest.raises(RuleBroken) as refused:
            do(session, referral, "receiver", "accept", pair)
        assert refused.value.message == machine.NO_YES


def test_all_that_is_missing_is_said_at_once(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = send(session, pair)
        found = machine.what_is_missing(
            session, referral, "decline", Said(words="x" * 1001, reason="?", by="?"), now=now()
        )
        assert [broken.field for broken in found] == ["words", "reason", "by"]
        wrong_days = (None, today() - timedelta(days=1), today() + timedelta(days=400))
        for day in wrong_days:
            asked = machine.what_is_missing(session, referral, "waitlist", Said(promised_on=day), now=now())
            assert [broken.field for broken in asked] == ["promised_on"]
        for service_id in (None, referral.service_id, 10**6):
            asked = machine.what_is_missing(
                session, referral, "reroute", Said(better_id=service_id), now=now()
            )
            assert [broken.field for broken in asked] == ["better"]


def test_what_was_still_to_be_told_is_not_told_any_more(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = send(session, pair)
        do(session, referral, "resident", "withdraw", pair)
        states = session.execute(
            select(Message.template, Message.state)
            .where(Message.resident_id == pair.person)
            .order_by(Message.id)
        )
        assert [state for template, state in states if template == "referral_sent"] == ["dropped"]


def test_two_live_referrals_of_one_person_to_one_service_are_one(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        send(session, pair)
        with pytest.raises(RuleBroken):
            send(session, pair)
        assert session.scalar(select(func.count()).select_from(Referral)) == 1
        # To another service of theirs it is a second one.
        make_referral(
            session, resident_id=pair.person, service=make_service(session, organisation_id=pair.receiver),
            sender_id=pair.sender,
        )  # fmt: skip
        assert session.scalar(select(func.count()).select_from(Referral)) == 2


def clock_of(
    session: Session, pair: Pair, action: str, at: datetime
) -> tuple[datetime | None, datetime | None]:
    referral = send(session, pair)
    machine.act(
        session, referral=referral, actor="receiver", action=action, now=at, said=Said(promised_on=at.date())
    )
    return referral.clock_since, referral.clock_due


def test_each_state_starts_its_own_clock(app: Flask) -> None:
    at = now()
    with app.app_context(), transaction() as session:
        for action, days in (("acknowledge", 5), ("accept", 10)):
            since, due = clock_of(session, make_pair(session), action, at)
            assert since == at
            assert due is not None
            holidays = registry.holidays(session)
            assert rules.worked_between(at, due, holidays) == timedelta(hours=8 * days)
        declined = in_state(session, make_pair(session), "declined")
        assert (declined.clock_since, declined.clock_due) == (None, None)


def against_again(session: Session, referral: Referral, consent_id: int) -> list[str]:
    """What stands against opening it again, with all that is asked for."""
    said = Said(reason="came_back", consent_id=consent_id)
    return [one.message for one in machine.what_is_missing(session, referral, "reopen", said, now=now())]


def test_nothing_is_opened_again_where_nobody_can_be_sent(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral, yes = in_state(session, pair, "closed"), say_yes(session, pair)
        assert against_again(session, referral, yes) == []
        service = session.get_one(CityService, pair.service)
        for row in (service, service.organisation):
            row.closed_at = now()
            assert against_again(session, referral, yes) == [machine.SERVICE_CLOSED]
            row.closed_at = None
        session.add(Restriction(resident_id=pair.person, organisation_id=pair.receiver, made_at=now()))
        session.flush()
        assert against_again(session, referral, yes) == [machine.SERVICE_CLOSED]
        with pytest.raises(RuleBroken, match=machine.SERVICE_CLOSED):
            do(session, referral, "sender", "reopen", pair)
        assert referral.status == "closed"


def test_beside_a_live_one_nothing_is_opened_again(
    app: Flask, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(CityService, pair.service).places = 2
        referral = in_state(session, pair, "closed")
        send(session, pair)
        assert against_again(session, referral, say_yes(session, pair)) == [machine.THERE_ALREADY]
        # Both at once: the table of the database says the same, and nothing else is lost with it.
        monkeypatch.setattr(machine, "what_is_missing", lambda *_args, **_more: [])
        with pytest.raises(RuleBroken, match=machine.THERE_ALREADY):
            do(session, referral, "sender", "reopen", pair)
        session.refresh(referral)
        assert referral.status == "closed" and session.get_one(CityService, pair.service).taken == 0


def test_what_was_sent_along_once_is_not_sent_again_by_opening_it(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        note = make_note(session, resident_id=pair.person, organisation_id=pair.sender, author_id=pair.helper)
        referral = in_state(session, pair, "active", note_ids=(note.id,))
        assert NOTES.allows(session, "note.read", pair.receiving, note.id)
        do(session, referral, "receiver", "close", pair)
        do(session, referral, "sender", "reopen", pair)
        assert seen(session, pair, referral) == {"referral", "identity", "contact"}
        assert not NOTES.allows(session, "note.read", pair.receiving, note.id)


def keep_away(session: Session, pair: Pair, *staff: int) -> None:
    """The person says whom they do not want."""
    record_services.keep_from(
        session, actor=pair.sending, resident_id=pair.person, staff=staff, organisations=(), now=now()
    )


def heard(session: Session) -> list[tuple[str, int]]:
    """Which of the staff were told what, in order."""
    rows = session.execute(
        select(Message.template, Message.staff_id).where(Message.staff_id.is_not(None)).order_by(Message.id)
    )
    return [(template, int(staff_id or 0)) for template, staff_id in rows]


def test_whom_the_person_keeps_away_is_not_told_and_somebody_else_is(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        keep_away(session, pair, pair.worker)
        admin = make_staff(session, organisation_id=pair.receiver, roles=("organisation_admin",))
        referral = send(session, pair)
        # Nobody there may open it, so whoever gives out the work hears of it.
        assert heard(session) == [("staff_referral_came", admin.id)]
        (message,) = session.scalars(select(Message).where(Message.staff_id == admin.id))
        assert message.params["link"].endswith("/staff/referrals/assign")
        colleague = make_staff(session, organisation_id=pair.receiver, roles=("caseworker",))
        telling.nudge(session, referral, 100, now=now())
        assert heard(session)[1:] == [
            ("staff_referral_late", colleague.id),
            ("staff_referral_late", pair.helper),
        ]
        do(session, referral, "sender", "recall", pair)
        assert heard(session)[-1] == ("staff_referral_turned", colleague.id)


def test_whom_the_person_keeps_away_looks_after_it_no_more(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        colleague = make_staff(session, organisation_id=pair.receiver, roles=("caseworker",))
        referral = in_state(session, pair, "acknowledged")
        task = make_task(
            session, organisation_id=pair.receiver, owner_id=pair.worker, resident_id=pair.person
        )
        other = make_task(session, organisation_id=pair.receiver, owner_id=pair.worker)
        assert referral.owner_id == pair.worker
        keep_away(session, pair, pair.worker)
        assert (referral.owner_id, task.owner_id, other.owner_id) == (None, None, pair.worker)
        assert heard(session)[-1] == ("staff_referral_turned", colleague.id)
        before = len(heard(session))
        keep_away(session, pair, pair.worker)
        assert len(heard(session)) == before


def test_a_task_is_given_to_nobody_whom_the_person_keeps_away(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = send(session, pair)
        keep_away(session, pair, pair.helper)
        before = len(heard(session))
        do(session, referral, "receiver", "decline", pair)
        assert tasks(session, referral) == [("another_way", pair.sender, None)]
        assert pair.helper not in {who for _template, who in heard(session)[before:]}


def test_of_whom_is_restricted_the_duty_looks_after_it(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Resident, pair.person).is_restricted = True
        referral = send(session, pair)
        assert referral.owner_id == pair.worker
        assert seen(session, pair, referral) == {"referral", "identity", "contact"}


def test_of_whom_is_restricted_without_a_duty_the_lead_hears(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Resident, pair.person).is_restricted = True
        lead = make_staff(session, organisation_id=pair.receiver, roles=("safeguarding_lead",))
        keep_away(session, pair, pair.worker)
        make_staff(session, organisation_id=pair.receiver, roles=("caseworker",))
        referral = send(session, pair)
        assert (referral.owner_id, heard(session)) == (None, [("staff_referral_came", lead.id)])


def test_who_asks_to_be_restricted_later_is_looked_after_too(app: Flask, pair: Pair) -> None:
    with app.app_context(), transaction() as session:
        referral = send(session, pair)
        assert referral.owner_id is None
        record_services.restrict(session, actor=pair.sending, resident_id=pair.person, on=True, now=now())
        assert referral.owner_id == pair.worker
        assert seen(session, pair, referral) == {"referral", "identity", "contact"}


def test_without_a_duty_a_caseworker_hears_and_when_the_sender_left_a_colleague(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        pair = make_pair(session)
        session.get_one(CityService, pair.service).duty_staff_id = None
        session.flush()
        referral = send(session, pair)
        assert heard(session) == [("staff_referral_came", pair.worker)]
        colleague = make_staff(session, organisation_id=pair.sender, roles=("caseworker",), name="Remi Red")
        put_on_caseload(session, resident_id=pair.person, staff_id=colleague.id, organisation_id=pair.sender)
        session.get_one(Staff, pair.helper).left_at = now()
        referral.sender_staff_id = None
        session.flush()
        do(session, referral, "receiver", "acknowledge", pair)
        assert heard(session)[-1] == ("staff_referral_turned", colleague.id)
