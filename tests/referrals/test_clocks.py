"""The worker's pass: each nudge once, a question stops it, five working days late it lapses, and that is heard of."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core import registry
from inclusion_app.core.clock import moment, now
from inclusion_app.core.db import transaction
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import clocks, rules
from inclusion_app.referrals.models import CaseTask, CityService, PartnerLink, Referral
from inclusion_app.referrals.services import machine
from inclusion_app.referrals.services.machine import Said
from tests.factories.people import put_on_caseload
from tests.factories.referrals import bring_to, make_referral, make_service
from tests.referrals.paths import Doors

# A Monday with no holiday near, at nine; and the Thursday before Christmas, with Friday and Monday closed.
MONDAY = date(2026, 11, 23)
EVE = date(2026, 12, 24)


@pytest.fixture
def doors(app: Flask) -> Doors:
    return Doors(app)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return moment(day, time(hour, minute))


def set_clock(app: Flask, number: int, since: datetime, *, is_urgent: bool = False) -> datetime:
    """Let its clock have begun at this moment. Returns when it ends."""
    with app.app_context(), transaction() as session:
        one = session.get_one(Referral, number)
        one.clock_since, one.nudged = since, 0
        one.clock_due = rules.clock_ends(
            rules.CLOCK_OF[one.status],
            since=since,
            is_urgent=is_urgent,
            holidays=registry.holidays(session),
        )
        return one.clock_due


def look(app: Flask, now: datetime) -> int:
    with app.app_context():
        return clocks.look(now)


def told(app: Flask, template: str) -> list[int | None]:
    with app.app_context(), transaction() as session:
        wanted = select(Message.staff_id).where(Message.template == template).order_by(Message.id)
        return list(session.scalars(wanted))


def test_each_nudge_is_given_once_and_at_the_end_the_sender_hears_it_too(doors: Doors, app: Flask) -> None:
    number = doors.refer(service={"duty_staff_id": doors.receiver.staff_id})
    due = set_clock(app, number, at(MONDAY, 9))
    assert due == at(MONDAY + timedelta(days=1), 17)
    assert look(app, at(MONDAY, 16, 59)) == 0
    assert look(app, at(MONDAY, 17)) == 1 and look(app, at(MONDAY, 17)) == 0
    assert told(app, "staff_referral_waits") == [doors.receiver.staff_id]
    assert look(app, at(MONDAY + timedelta(days=1), 13, 48)) == 1
    assert look(app, at(MONDAY + timedelta(days=1), 16)) == 0
    assert look(app, due) == 1 and look(app, due + timedelta(hours=1)) == 0
    assert told(app, "staff_referral_waits") == [doors.receiver.staff_id] * 2
    assert sorted(told(app, "staff_referral_late"), key=int) == sorted(  # type: ignore[arg-type]
        [doors.sender.staff_id, doors.receiver.staff_id]
    )


def test_a_bank_holiday_is_no_day_of_any_clock(doors: Doors, app: Flask) -> None:
    number = doors.refer(service={"duty_staff_id": doors.receiver.staff_id})
    due = set_clock(app, number, at(EVE, 9))
    # Friday is Christmas, Monday stands for Boxing Day: two days of work are Thursday and Tuesday.
    assert due == at(date(2026, 12, 29), 17)
    assert look(app, at(EVE, 17)) == 1  # half of it
    for day in (25, 26, 27, 28):
        assert look(app, at(date(2026, 12, day), 12)) == 0
    assert look(app, due) == 1
    # Five working days more: 30 and 31 December, then 4, 5 and 6 January.
    assert look(app, at(date(2027, 1, 6), 16, 59)) == 0 and doors.state(number) == "sent"
    assert look(app, at(date(2027, 1, 6), 17)) == 1 and doors.state(number) == "lapsed"


def test_what_comes_in_urgent_on_a_holiday_is_due_on_the_next_day_of_work(doors: Doors, app: Flask) -> None:
    number = doors.refer(urgency="urgent")
    assert set_clock(app, number, at(date(2026, 12, 25), 10), is_urgent=True) == at(date(2026, 12, 29), 17)


@pytest.mark.parametrize("ends", [(rules.SENDER, "answer"), (rules.RECEIVER, "found_out")])
def test_while_a_question_is_open_nothing_is_nudged_and_its_end_lets_it_run_on(
    doors: Doors, app: Flask, ends: tuple[str, str]
) -> None:
    number = doors.refer("acknowledge")
    due = set_clock(app, number, at(MONDAY, 9))
    asked, answered = at(MONDAY, 11), at(MONDAY + timedelta(days=14), 11)
    for actor, action, when in ((rules.RECEIVER, "ask", asked), (*ends, answered)):
        if when == answered:
            # Whoever was asked is reminded, and that is all.
            assert look(app, due + timedelta(days=10)) == 1 and doors.state(number) == "needs_info"
            assert told(app, "staff_referral_waits") == told(app, "staff_referral_late") == []
        with app.app_context(), transaction() as session:
            one = session.get_one(Referral, number)
            machine.act(
                session, referral=one, actor=actor, action=action, said=Said(words="Words."), now=when
            )
    with app.app_context(), transaction() as session:
        one = session.get_one(Referral, number)
        assert one.status == "acknowledged" and one.clock_stopped_at is None
        assert one.clock_due == due + timedelta(days=14) and one.clock_since == at(
            MONDAY + timedelta(days=14), 9
        )
    # Two of its forty hours have run, and the fortnight of the question is none of them.
    assert look(app, answered) == 0 and look(app, at(MONDAY + timedelta(days=16), 12)) == 0
    assert look(app, at(MONDAY + timedelta(days=16), 13)) == 1


def test_whoever_was_asked_is_reminded_once_after_two_days_and_with_a_colleague_after_five(
    doors: Doors, app: Flask
) -> None:
    colleague = doors.staff("caseworker", organisation="Red Door")
    number = doors.refer("acknowledge")
    with app.app_context(), transaction() as session:
        put_on_caseload(
            session, resident_id=doors.resident_id, staff_id=colleague.staff_id, organisation_id=colleague.organisation_id
        )  # fmt: skip
        one = session.get_one(Referral, number)
        machine.act(
            session, referral=one, actor=rules.RECEIVER, action="ask", said=Said(words="When?"), now=at(MONDAY, 11)
        )  # fmt: skip
    reminded = "staff_referral_question"
    assert look(app, at(MONDAY + timedelta(days=1), 17)) == 0 and told(app, reminded) == []
    two_days = at(MONDAY + timedelta(days=2), 9)
    assert look(app, two_days) == 1 and look(app, two_days + timedelta(hours=3)) == 0
    assert told(app, reminded) == [doors.sender.staff_id]
    week = at(MONDAY + timedelta(days=7), 9)
    assert look(app, week - timedelta(minutes=1)) == 0
    assert look(app, week) == 1 and look(app, week + timedelta(days=30)) == 0
    assert told(app, reminded) == [doors.sender.staff_id, doors.sender.staff_id, colleague.staff_id]
    # Answered, and asked again: it begins anew.
    with app.app_context(), transaction() as session:
        one = session.get_one(Referral, number)
        for actor, action in ((rules.SENDER, "answer"), (rules.RECEIVER, "ask")):
            machine.act(
                session, referral=one, actor=actor, action=action, said=Said(words="Words."), now=week
            )
    assert machine_reminds(app, number, week + timedelta(days=1)) == ""
    assert machine_reminds(app, number, week + timedelta(days=2)) == "remind 2"


def machine_reminds(app: Flask, number: int, now: datetime) -> str:
    with app.app_context(), transaction() as session:
        return machine.remind(session, referral_id=number, now=now)


def test_a_moment_so_much_working_time_ago() -> None:
    holidays = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
    began = rules.began_before
    assert began(at(MONDAY, 12), timedelta(), holidays) == at(MONDAY, 12)
    assert began(at(MONDAY, 12), timedelta(hours=3), holidays) == at(MONDAY, 9)
    assert began(at(MONDAY, 12), timedelta(hours=4), holidays) == at(MONDAY - timedelta(days=3), 16)
    assert began(at(MONDAY, 20), timedelta(hours=1), holidays) == at(MONDAY, 16)
    assert began(at(date(2026, 12, 29), 7), timedelta(minutes=30), holidays) == at(EVE, 16, 30)
    with pytest.raises(ValueError, match="half a year"):
        began(at(MONDAY, 12), timedelta(hours=2_000), holidays)
    for hours in range(1, 60):
        then = began(at(MONDAY, 12), timedelta(hours=hours), holidays)
        assert rules.worked_between(then, at(MONDAY, 12), holidays) == timedelta(hours=hours)


def test_what_nobody_answers_lapses_and_the_sender_and_their_lead_hear_of_it(
    doors: Doors, app: Flask
) -> None:
    lead = doors.staff("safeguarding_lead", organisation="Red Door")
    admin = doors.staff("organisation_admin", organisation="Red Door")
    number = doors.refer()
    due = set_clock(app, number, at(MONDAY, 9))
    assert look(app, due) == 1
    assert look(app, due + timedelta(days=7) - timedelta(minutes=1)) == 0
    assert look(app, due + timedelta(days=7)) == 1 and look(app, due + timedelta(days=8)) == 0
    assert doors.state(number) == "lapsed"
    with app.app_context(), transaction() as session:
        (task,) = session.scalars(select(CaseTask)).all()
        assert task.kind == "another_way" and task.owner_id == doors.sender.staff_id
        assert task.organisation_id == doors.sender.organisation_id and task.referral_id == number
    for browser in (lead, admin):
        assert "1 referral was answered by nobody" in browser.text("/staff")
        shown = browser.text("/staff/referrals/assign")
        assert f"Referral {number}" in shown and "Rita Red" in shown and "Amina" not in shown
    assert "What to do next" in doors.sender.text(f"/staff/referrals/{number}")
    assert "Nobody answered" in doors.receiver.text(f"/staff/referrals/{number}")
    # Another way was found: nothing waits for the lead any more.
    with app.app_context(), transaction() as session:
        task = session.scalars(select(CaseTask)).one()
        task.done_at, task.done_how = task.made_at, "done"
    assert "answered by nobody" not in lead.text("/staff")


def test_a_partner_is_nudged_with_a_new_link(doors: Doors, app: Flask) -> None:
    number = doors.refer(service={"partner_email": "desk@partner.example.org"})
    due = set_clock(app, number, at(MONDAY, 9))
    assert look(app, at(MONDAY, 17)) == 1 and look(app, due) == 1
    assert told(app, "partner_referral_waits") == [None, None]
    assert told(app, "staff_referral_late") == [doors.sender.staff_id]
    with app.app_context(), transaction() as session:
        assert len(session.scalars(select(PartnerLink).where(PartnerLink.ended_at.is_(None))).all()) == 3


def test_what_the_yes_has_run_out_of_ends_and_gives_its_place_back(doors: Doors, app: Flask) -> None:
    number = doors.refer("accept", "begin", service={"places": 1})
    with app.app_context(), transaction() as session:
        person = doors.person(session)
        one = make_referral(
            session, resident_id=person, service=make_service(session, organisation_id=doors.receiver.organisation_id),
            sender_id=doors.sender.organisation_id,
        )  # fmt: skip
        live = bring_to(session, one, "accept", "begin").id
        end = session.scalars(
            select(Consent.until_at).join(Referral, Referral.consent_id == Consent.id)
        ).first()
        assert end is not None
        # The other one was said yes to a day later.
        other = session.get_one(Consent, session.get_one(Referral, live).consent_id)
        other.until_at = end + timedelta(days=1)
    assert look(app, now()) == 0
    assert look(app, end) == 1
    assert doors.state(number) == "withdrawn" and doors.state(live) == "active"
    with app.app_context(), transaction() as session:
        assert session.get_one(CityService, doors.service_id).taken == 0


def test_what_came_back_from_a_copy_of_the_data_ends_where_the_person_keeps_away(
    doors: Doors, app: Flask
) -> None:
    number = doors.refer("accept")
    with app.app_context(), transaction() as session:
        session.add(
            Restriction(
                resident_id=doors.resident_id, organisation_id=doors.receiver.organisation_id, made_at=now()
            )
        )
    moment_now = now()
    assert look(app, moment_now) == 1 and look(app, moment_now) == 0
    assert doors.state(number) == "withdrawn"
