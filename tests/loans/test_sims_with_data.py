"""A SIM whose data is over goes to nobody: it is not offered, not counted, and not written down as new."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans import queries, reminders
from inclusion_app.loans.models import DeviceModel, LoanRequest, Sim
from inclusion_app.loans.services import custody, offers, queue
from tests.conftest import StaffBrowser
from tests.factories.loans import make_model, make_request
from tests.factories.training import make_place
from tests.loans.stock_pages import Staff, Stock

_numbers = iter(range(20_000, 99_999))


def a_sim(session: Session, model: DeviceModel, *, days: int | None, **facts: Any) -> Sim:
    """A SIM in stock whose data ends so many days from now."""
    usual = {
        "holder_id": model.organisation_id, "iccid": f"89{next(_numbers):018d}", "made_at": now(),
        "data_until": today() + timedelta(days=days) if days is not None else None,
    }  # fmt: skip
    row = Sim(**{"place_id": make_place(session).id, **usual, **facts})
    session.add(row)
    session.flush()
    return row


def test_a_sim_without_data_is_never_offered(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        a_sim(session, model, days=-1)
        asked = make_request(session, model=model)
        assert not offers.could_serve(session, model.organisation_id, model.id)
        assert offers.serve(session, organisation_id=model.organisation_id, model_id=model.id, now=now()) == 0
        assert asked.status == "queued"
        # The last day still has data; and of some cards nobody knows a last day.
        last, endless = a_sim(session, model, days=0), a_sim(session, model, days=None)
        make_request(session, model=model)
        assert offers.serve(session, organisation_id=model.organisation_id, model_id=model.id, now=now()) == 2
        kept = session.scalars(select(offers.LoanOffer.sim_id).order_by(offers.LoanOffer.sim_id)).all()
        assert kept == [last.id, endless.id]


def test_sims_with_data_count_where_the_wait_is_reckoned(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        a_sim(session, model, days=-1)
        asked = make_request(session, model=model)
        assert custody.can_be_lent(session, model.organisation_id, model.id) == 0
        assert queue.place_of(session, asked, now()).weeks is None
        good = a_sim(session, model, days=30)
        assert custody.can_be_lent(session, model.organisation_id, model.id) == 1
        assert custody.can_be_lent(session, model.organisation_id, model.id, good.place_id) == 1
        assert custody.can_be_lent(session, model.organisation_id, model.id, make_place(session).id) == 0
        assert custody.free_by_model(session, [model.id]) == {model.id: 1}
        assert queue.place_of(session, asked, now()).weeks == (0, 1)
        asked.status, asked.ended_at = "withdrawn", now()
        session.flush()
        assert [one.weeks for one in queries.with_wait(session, [model], now=now())] == [(0, 1)]


def test_a_kept_sim_whose_data_has_ended_is_taken_back_and_another_one_kept(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        kept = a_sim(session, model, days=0)
        number = make_request(session, model=model).id
        offers.serve(session, organisation_id=model.organisation_id, model_id=model.id, now=now())
        kept.data_until = today() - timedelta(days=1)
        fresh = a_sim(session, model, days=30).id
    reminders.serve_and_lapse(now())
    with transaction() as session:
        offer = offers.live_offer(session, number)
        assert session.get_one(LoanRequest, number).status == "offered"
        assert offer is not None and offer.sim_id == fresh


# --- written down


@pytest.fixture
def coordinator(staff_browser: Staff) -> StaffBrowser:
    """Somebody who lends devices at Red Door."""
    return staff_browser("loan_coordinator")


def test_the_form_of_a_sim_refuses_a_day_that_is_over_and_what_is_no_number(
    app: Flask, coordinator: StaffBrowser
) -> None:
    stock, path = Stock(app, coordinator), "/staff/loans/sims/new"
    form = {"iccid": "8944 1100 0000 0000 0007", "place": stock.place_id}
    yesterday, month = today() - timedelta(days=1), today() + timedelta(days=30)
    over = coordinator.send(path, **form, once="a", **day_of(yesterday))
    assert over.status_code == 422
    assert "This day is over." in over.get_data(as_text=True)
    for number, wrong in enumerate(("12345", "no number", "+44 7700 90012")):
        refused = coordinator.send(path, **form, once=f"b{number}", number=wrong, **day_of(month))
        assert refused.status_code == 422, wrong
        assert "This is no phone number." in refused.get_data(as_text=True)
    sent = coordinator.send(path, **form, once="c", number="+44 7700 900123", **day_of(month))
    assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        sim = session.scalars(select(Sim)).one()
        number, sim_id = sim.number, sim.id
        sim.data_until = yesterday
    assert number == "07700900123"
    # The day came to an end meanwhile: the rest can still be put right.
    page = f"/staff/loans/sims/{sim_id}"
    same = {**form, "once": "d", "number": "07700 900123", "carrier": "Giffgaff", **day_of(yesterday)}
    assert coordinator.send(page, **same).status_code == 303
    earlier = {**same, **day_of(yesterday - timedelta(days=1))}
    assert coordinator.send(page, **earlier).status_code == 422


def day_of(day: date) -> dict[str, list[str]]:
    """A day as its three boxes send it."""
    return {"data_until": [str(day.day), str(day.month), str(day.year)]}
