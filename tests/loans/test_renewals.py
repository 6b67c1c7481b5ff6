"""Keeping it longer: granted by one statement, refused with the reason, and a due day that never goes back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import rules
from inclusion_app.loans.models import Loan, LoanScheme, Renewal
from inclusion_app.loans.services import custody, renewals
from inclusion_app.loans.services.days import due_on, open_days
from inclusion_app.messages.models import Message
from inclusion_app.places.models import OpeningSpan
from tests.factories.loans import make_loan, make_model, make_request, make_unit
from tests.factories.training import make_place


def ask(
    session: Session, loan: Loan, key: str = "a", at: datetime | None = None, how: str = "code"
) -> Renewal:
    return renewals.ask_to_renew(session, loan=loan, how=how, form_key=key, now=at or now())


def test_it_is_kept_as_long_again_and_the_new_day_is_told(both_engines: Flask) -> None:
    with transaction() as session:
        loan = make_loan(session)
        before = loan.due_on
        row = ask(session, loan)
        assert row.refused_for is None and row.new_due_on == loan.due_on
        assert loan.due_on >= before + timedelta(days=90) and loan.renewals == 1
        told = session.scalars(select(Message.template).where(Message.resident_id == loan.resident_id)).all()
        assert told == ["loan_kept_longer"]


def test_the_same_form_asks_once_and_another_form_on_the_same_day_is_refused(both_engines: Flask) -> None:
    with transaction() as session:
        loan = make_loan(session)
        first = ask(session, loan)
        assert ask(session, loan).id == first.id and loan.renewals == 1
        again = ask(session, loan, "b")
        assert (again.refused_for, again.new_due_on, loan.renewals) == ("asked", None, 1)
        with pytest.raises(RuleBroken):
            ask(session, make_loan(session), "a")


def test_it_is_refused_while_somebody_waits_but_not_for_oneself_or_another_model(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        make_request(session, model=make_model(session))
        make_request(session, model=unit.model, status="offered")
        make_request(session, model=unit.model, resident_id=loan.resident_id)
        assert renewals.why_not(session, loan, now()) is None
        waits = make_request(session, model=unit.model)
        before = loan.due_on
        assert renewals.why_not(session, loan, now()) == "waited_for"
        row = ask(session, loan)
        assert (row.refused_for, loan.due_on, loan.renewals) == ("waited_for", before, 0)
        waits.status, waits.ended_at = "withdrawn", now()  # as its room would
        assert ask(session, loan, "b").refused_for is None


def test_it_is_kept_twice_and_then_ways_on_are_named(both_engines: Flask) -> None:
    with transaction() as session:
        loan, at = make_loan(session), now()
        for key in ("a", "b"):
            at += timedelta(days=80)
            assert ask(session, loan, key, at).refused_for is None
        assert renewals.is_last(session, loan)
        assert ask(session, loan, "c", at + timedelta(days=80)).refused_for == "most"
        session.get_one(LoanScheme, loan.organisation_id).max_renewals = 3
        assert ask(session, loan, "d", at + timedelta(days=80)).refused_for is None


def test_what_is_back_is_not_kept_longer(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now())
        assert ask(session, loan).refused_for == "over"


def test_a_late_one_is_counted_from_today(both_engines: Flask) -> None:
    with transaction() as session:
        loan = make_loan(session)
        loan.due_on = today() - timedelta(days=200)
        ask(session, loan)
        assert loan.due_on >= today() + timedelta(days=90)


def test_a_text_message_is_answered_once_for_each_loan_that_is_due_soon(both_engines: Flask) -> None:
    with transaction() as session:
        soon = make_loan(session)
        soon.due_on = today() + timedelta(days=5)
        later = make_loan(session, request=make_request(
            session, model=make_model(session), status="offered", resident_id=soon.resident_id
        ))  # fmt: skip
        session.flush()
        for _answer in range(2):
            assert renewals.keep_by_text(session, resident_ids=[soon.resident_id or 0], now=now()) <= 1
        assert (soon.renewals, later.renewals) == (1, 0)
        assert session.scalar(select(func.count(Renewal.id))) == 1


def test_a_due_day_is_a_day_on_which_the_place_is_open(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        place = make_place(session)
        place.spans = [OpeningSpan(weekday=2, opens=time(10), closes=time(16), kind="staffed")]
        session.flush()
        session.expire(place)
        found = due_on(session, place_id=place.id, since=date(2027, 3, 18), days=7)
        assert found == date(2027, 3, 31)
        assert open_days(session, place_id=place.id, since=date(2027, 1, 4), until=date(2027, 1, 10)) == {
            date(2027, 1, 6)
        }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 200), st.sampled_from("abcd"), st.booleans()), max_size=6))
def test_nobodys_due_day_ever_moves_back(app: Flask, steps: list[tuple[int, str, bool]]) -> None:
    with app.app_context(), transaction() as session:
        loan, at = make_loan(session), datetime(2027, 1, 4, 12, tzinfo=UTC)
        loan.due_on = date(2027, 3, 1)
        session.flush()
        for days, key, is_late in steps:
            before, at = loan.due_on, at + timedelta(days=days if is_late else days // 9)
            row = ask(session, loan, key, at)
            session.refresh(loan)
            assert loan.due_on >= before
            assert row.new_due_on is None or row.new_due_on <= loan.due_on
        assert loan.renewals <= 2
        session.rollback()


@pytest.mark.parametrize(
    "day",
    [date(2027, 3, 20) + timedelta(days=number) for number in range(30)],
)
def test_the_ladder_across_the_change_of_clocks(day: date) -> None:
    due = date(2027, 3, 28)
    found = rules.reminders_due(due, date(2026, 12, 28), day)
    expected = {-7: "sms", -1: "sms", 1: "sms", 7: "letter", 14: "call"}
    if (day - due).days in expected:
        assert found == ((day - due).days, expected[(day - due).days])
    if found:
        assert found[0] <= (day - due).days
