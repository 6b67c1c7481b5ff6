"""The clean gate on both engines: whatever the order of acts, nothing is ready but wiped and found safe since its return."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.loans.models import SafetyCheck, Ticket, Unit, Wipe
from inclusion_app.loans.services import cleaning, custody
from inclusion_app.loans.services.cleaning import Wiped
from inclusion_app.loans.services.repairs import open_ticket
from tests.factories.loans import make_loan, make_unit

DOES = ("wipe", "wipe_before", "check", "fails", "locked", "unlocked", "ready", "lend", "back", "ticket")


def new_here(session, **facts):  # type: ignore[no-untyped-def]
    """A unit that was neither wiped nor checked."""
    return make_unit(session, **{"status": "intake", "wiped_at": None, "checked_at": None, **facts})


@pytest.mark.postgres
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(DOES), min_size=1, max_size=14))
def test_no_order_of_services_makes_ready_what_is_not_clean(both_engines: Flask, steps: list[str]) -> None:
    moment = now() - timedelta(days=30)
    with transaction() as session:
        unit = new_here(session)
        back = None
        for step in steps:
            moment += timedelta(hours=1)
            try:
                with session.begin_nested():
                    if step in {"wipe", "wipe_before"}:
                        at = moment if step == "wipe" else moment - timedelta(days=9)
                        cleaning.record_wipe(
                            session, unit=unit, wiped=Wiped("clear", "Nwipe", at, "has_files"), staff_id=None, now=moment
                        )  # fmt: skip
                    elif step in {"check", "fails", "locked", "unlocked"}:
                        cleaning.record_check(
                            session, unit=unit, passed=step != "fails", faults=["screen"] if step == "fails" else [],
                            is_unlocked={"locked": False, "unlocked": True}.get(step), staff_id=None, now=moment,
                        )  # fmt: skip
                    elif step == "ready":
                        cleaning.make_ready(session, unit=unit, now=moment)
                    elif step == "lend":
                        make_loan(session, unit=unit)
                    elif step == "back":
                        if custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=moment):
                            back = moment
                    else:
                        open_ticket(session, unit=unit, fault="screen", staff_id=None, now=moment)
            except RuleBroken:
                session.expire_all()
            session.flush()
            session.refresh(unit)
            if unit.status == "ready":
                wipes = session.scalars(select(Wipe.wiped_at).where(Wipe.unit_id == unit.id)).all()
                good = select(SafetyCheck.checked_at).where(
                    SafetyCheck.unit_id == unit.id, SafetyCheck.passed
                )
                checks = session.scalars(good).all()
                assert any(back is None or at > back for at in wipes), steps
                assert any(back is None or at > back for at in checks), steps
                assert unit.is_unlocked is not False, steps


def clean(session, unit):  # type: ignore[no-untyped-def]
    """Wiped and found safe."""
    cleaning.record_wipe(session, unit=unit, wiped=Wiped("purge", "ShredOS", now()), staff_id=None, now=now())
    cleaning.record_check(session, unit=unit, passed=True, staff_id=None, now=now())


@pytest.mark.postgres
def test_two_who_make_it_ready_at_once_make_it_ready_once(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        unit = new_here(session)
        clean(session, unit)
        number = unit.id
    at_once, said = threading.Barrier(6), []

    def press() -> None:
        with app.app_context():
            at_once.wait(30)
            try:
                with transaction() as session:
                    cleaning.make_ready(session, unit=session.get_one(Unit, number), now=now())
                said.append("ready")
            except RuleBroken as broken:
                said.append(broken.message)

    crowd = [threading.Thread(target=press) for _each in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert sorted(said) == [cleaning.IS_READY] * 5 + ["ready"], said
    with app.app_context(), transaction() as session:
        moved = select(StatusChange).where(StatusChange.unit_id == number, StatusChange.after == "ready")
        assert len(session.scalars(moved).all()) == 1


def test_a_unit_that_came_back_is_held_and_says_until_when(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        make_loan(session, unit=unit)
        custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now())
        later = now() + timedelta(minutes=5)
        with pytest.raises(RuleBroken, match="come back for a file") as held:
            cleaning.record_wipe(
                session, unit=unit, wiped=Wiped("clear", "Nwipe", later), staff_id=None, now=later
            )
        assert held.value.field == "early"
        with pytest.raises(RuleBroken, match="before it last came back"):
            cleaning.record_wipe(
                session, unit=unit, wiped=Wiped("clear", "Nwipe", now() - timedelta(days=1), "has_files"),
                staff_id=None, now=later,
            )  # fmt: skip
        cleaning.record_wipe(
            session, unit=unit, wiped=Wiped("clear", "Nwipe", later, "has_files"), staff_id=None, now=later
        )
        assert (unit.status, unit.hold_until) == ("testing", None)
        moved = select(StatusChange.after, StatusChange.why).where(StatusChange.unit_id == unit.id)
        assert ("testing", "has_files") in [tuple(row) for row in session.execute(moved)]
        with pytest.raises(RuleBroken, match="not checked"):
            cleaning.make_ready(session, unit=unit, now=later)


@pytest.mark.parametrize(
    ("method", "tool", "hours", "at"),
    [
        ("burned", "Nwipe", 0, "method"),
        ("clear", "", 0, "tool"),
        ("clear", "x" * 61, 0, "tool"),
        ("clear", "N", 2, "wiped_on"),
    ],
)
def test_a_wipe_says_how_with_what_and_when(app: Flask, method: str, tool: str, hours: int, at: str) -> None:
    with app.app_context(), transaction() as session:
        unit = new_here(session)
        with pytest.raises(RuleBroken) as broken:
            cleaning.record_wipe(
                session, unit=unit, wiped=Wiped(method, tool, now() + timedelta(hours=hours)), staff_id=None, now=now()
            )  # fmt: skip
        assert broken.value.field == at and unit.status == "intake"


def test_what_fails_its_check_goes_to_repair_with_one_ticket(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        unit = new_here(session)
        with pytest.raises(RuleBroken, match="Choose what is wrong"):
            cleaning.record_check(session, unit=unit, passed=False, staff_id=None, now=now())
        with pytest.raises(RuleBroken, match="nothing is wrong"):
            cleaning.record_check(
                session, unit=unit, passed=True, faults=["screen"], staff_id=None, now=now()
            )
        cleaning.record_check(
            session, unit=unit, passed=False, faults=["screen", "battery"], staff_id=None, now=now()
        )
        assert unit.status == "repair" and unit.checked_at is None
        assert len(session.scalars(select(Ticket).where(Ticket.unit_id == unit.id)).all()) == 1
        with pytest.raises(RuleBroken):
            cleaning.make_ready(session, unit=unit, now=now())
