"""The demonstration shows people passed between agencies in every state; a second time does nothing; it goes without a trace."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.clock import now
from inclusion_app.core.db import Base, reading, transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message
from inclusion_app.people.models import CaseloadEntry, Resident
from inclusion_app.referrals import demonstration
from inclusion_app.referrals import staff_figures_queries as figures
from inclusion_app.referrals.models import (
    CaseNote,
    CaseTask,
    CityService,
    OutreachSheet,
    PublicReferral,
    Referral,
)
from inclusion_app.referrals.rules import HELPS
from tests.accounts.test_commands import run
from tests.factories.accounts import make_organisation
from tests.factories.people import make_person
from tests.factories.referrals import make_referral


@pytest.mark.parametrize("moment", ["2026-12-25T03:00", "2027-03-27T11:00", "2026-11-25T17:30"])
def test_it_shows_every_kind_of_state_at_any_hour(app: Flask, moment: str) -> None:
    with time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=UTC), tick=False):
        assert "8 people passed from one agency to another" in run(app, "demo", "load").output
        with app.app_context(), reading() as session:
            states = Counter(session.scalars(select(Referral.status)))
            assert set(states) >= {
                "draft", "sent", "acknowledged", "accepted", "needs_info", "waitlisted", "active", "declined", "closed",
            }  # fmt: skip
            for service in session.scalars(select(CityService)):
                held = select(func.count()).where(Referral.service_id == service.id, Referral.holds_place)
                assert service.taken == session.scalar(held)
                assert set(service.helps.split()) <= set(HELPS) and len(service.summary) <= 300
            assert session.scalar(select(func.count()).where(CityService.partner_email.is_not(None))) == 3
            modes = set(session.scalars(select(Referral.mode)))
            assert modes == {"cold", "warm", "signposted"}
            assert session.scalar(select(func.count()).select_from(PublicReferral)) == 2
            assert session.scalar(select(func.count()).select_from(CaseNote)) == 3
            kinds = set(session.scalars(select(CaseTask.kind)))
            assert kinds == {"own", "another_way", "find_out"}
            assert session.scalar(select(func.count()).select_from(OutreachSheet)) == 1
            # Nobody is told: everybody is invented.
            told = select(Message.key).where(Message.key.startswith("referral "))
            assert session.scalars(told).all() == []
        assert "passed" not in run(app, "demo", "load").output


def test_the_figures_show_something_at_first_sight(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 12, 25, 3, tzinfo=UTC), tick=False):
        run(app, "demo", "load")
        with app.app_context(), reading() as session:
            own = session.scalar(select(Organisation.id).where(Organisation.name == demonstration.CHARITY))
            house, *_others = figures.houses_of(session, own_id=own, now=now())
            shares = {kept.clock: kept.share for kept in house.kept if kept.ninetieth}
            assert shares == {"acknowledge": 60, "decide": 60, "contact": 60}
            ends = dict(figures.outcomes_of(session, organisation_id=own, now=now()))
            assert ends == {"Got help": 10, "Got help elsewhere": 5}
            last = session.scalar(select(func.max(StatusChange.at)).where(StatusChange.after == "closed"))
            assert last and last < now()


def test_it_comes_again_when_it_is_old_and_goes_without_a_trace(app: Flask) -> None:
    rooms = (
        "referral", "case", "city_services", "public_referrals", "outreach", "sheet", "partner", "saved", "residents",
        "consents",
    )  # fmt: skip
    tables = [table for table in Base.metadata.sorted_tables if table.name.startswith(rooms)]
    run(app, "demo", "load")
    with app.app_context(), reading() as session:
        before = [session.scalar(select(func.count()).select_from(table)) for table in tables]
    with time_machine.travel(now() + timedelta(days=22), tick=False):
        assert "people passed" in run(app, "demo", "load").output
    with app.app_context(), reading() as session:
        assert [session.scalar(select(func.count()).select_from(table)) for table in tables] == before
    assert run(app, "demo", "remove").exit_code == 0
    with app.app_context(), reading() as session:
        left = {
            table.name: count
            for table in tables
            if (count := session.scalar(select(func.count()).select_from(table)))
        }
        assert left == {}


def test_whoever_tried_it_out_keeps_their_plan(app: Flask) -> None:
    run(app, "demo", "load")
    with app.app_context(), transaction() as session:
        person = make_person(session).id
        service = session.scalars(select(CityService).order_by(CityService.id)).first()
        assert service
        make_referral(session, resident_id=person, service=service, sender_id=make_organisation(session).id)
        demonstration.remove(session)
    with app.app_context(), reading() as session:
        assert session.get(Resident, person) is not None
        assert session.scalars(select(Referral.id)).all() == []
        assert session.scalar(select(func.count()).select_from(CaseloadEntry)) == 0
