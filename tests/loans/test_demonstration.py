"""The demonstration shows sixty devices in every state, people who wait, loans late and not; and goes without a trace."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core import registry
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import Base, reading, transaction
from inclusion_app.loans.models import Loan, LoanRequest, Unit
from inclusion_app.loans.rules import FITNESS
from inclusion_app.loans.services.days import open_days
from inclusion_app.messages.models import Message
from inclusion_app.people.models import GivenCode, Resident
from tests.accounts.test_commands import run


@pytest.mark.parametrize("day", ["2026-12-24", "2027-03-27"])
def test_sixty_devices_in_every_state(app: Flask, day: str) -> None:
    with time_machine.travel(datetime.fromisoformat(day).replace(hour=11, tzinfo=UTC), tick=False):
        assert "60 devices to lend" in run(app, "demo", "load").output
        with app.app_context(), reading() as session:
            states = Counter(session.scalars(select(Unit.status)))
            assert set(states) == set(FITNESS) and sum(states.values()) == 60
            loans = session.scalars(select(Loan).where(Loan.status == "active")).all()
            late = [loan for loan in loans if loan.due_on < today()]
            assert len(loans) == 31 and 1 <= len(late) <= 4
            for loan in loans:
                opens = open_days(session, place_id=loan.place_id, since=loan.due_on, until=loan.due_on)
                assert loan.due_on in opens
            waits = Counter(session.scalars(select(LoanRequest.status)))
            assert waits["queued"] == 10 and waits["submitted"] == 2 and waits["offered"] == 2
        assert "devices" not in run(app, "demo", "load").output


def test_it_comes_again_when_all_of_it_is_late_and_goes_without_a_trace(app: Flask) -> None:
    rooms = ("loan", "unit", "sim", "device", "repair", "stock", "kit", "residents")
    tables = [table for table in Base.metadata.sorted_tables if table.name.startswith(rooms)]
    run(app, "demo", "load")
    with app.app_context(), transaction() as session:
        before = session.scalar(select(func.count(Resident.id)))
    with time_machine.travel(now() + timedelta(days=400), tick=False):
        assert "60 devices to lend" in run(app, "demo", "load").output
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count(Resident.id))) == before
        assert session.scalar(select(func.count(Unit.id))) == 60
        for shown in registry.demonstrations():
            shown.remove(session)
    with app.app_context(), reading() as session:
        left = {
            table.name: count
            for table in tables
            if (count := session.scalar(select(func.count()).select_from(table)))
        }
        assert left == {}
        kinds = set(session.scalars(select(GivenCode.kind)))
        assert kinds.isdisjoint({"loan", "resident"})
        assert session.scalars(select(Message.id).where(Message.params.is_not(None))).all() == []
