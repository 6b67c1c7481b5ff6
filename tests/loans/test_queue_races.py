"""Many at once: no unit is kept for two, nobody has two offers, and each end is one end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest, Unit
from inclusion_app.loans.services import custody, offers, requests
from inclusion_app.loans.services.custody import LIVE_OFFER
from tests.factories.loans import hand_over, make_model, make_request, make_unit
from tests.loans.test_offers import a_place

pytestmark = pytest.mark.postgres
Work = Callable[[Session], None]


def all_at_once(app: Flask, *works: Work) -> list[str]:
    """Each in a transaction of its own, all begun at one moment. What each said: done, or the rule."""
    ready, said = threading.Barrier(len(works)), []

    def run(work: Work) -> None:
        with app.app_context():
            ready.wait(30)
            try:
                with transaction() as session:
                    work(session)
                said.append("done")
            except RuleBroken as broken:
                said.append(broken.message)

    crowd = [threading.Thread(target=run, args=(work,)) for work in works]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert len(said) == len(works), said
    return said


def nothing_is_broken(session: Session) -> None:
    """What holds whatever happened: one live offer a unit and a request, and states that fit to them."""
    live = session.execute(
        select(LoanOffer.unit_id, LoanOffer.request_id).where(LoanOffer.state.in_(LIVE_OFFER))
    ).all()
    assert len({unit for unit, _request in live}) == len(live)
    assert len({request for _unit, request in live}) == len(live)
    offered = session.scalars(select(LoanRequest.id).where(LoanRequest.status == "offered")).all()
    assert sorted(offered) == sorted(request for _unit, request in live)
    out = session.scalars(select(Loan.unit_id).where(Loan.status == "active")).all()
    assert len(set(out)) == len(out) and not set(out) & {unit for unit, _request in live}


def test_eight_serve_one_queue_and_no_unit_is_kept_twice(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        model = make_model(session)
        numbers = model.organisation_id, model.id
        for _unit in range(4):
            make_unit(session, model=model)
        for _request in range(6):
            make_request(session, model=model)

    def serve(session: Session) -> None:
        offers.serve(session, organisation_id=numbers[0], model_id=numbers[1], now=now())

    assert all_at_once(app, *[serve] * 8) == ["done"] * 8
    with app.app_context(), transaction() as session:
        nothing_is_broken(session)
        assert session.scalar(select(func.count()).select_from(LoanOffer)) == 4
        states = session.scalars(select(LoanRequest.status).order_by(LoanRequest.id)).all()
        assert states == ["offered"] * 4 + ["queued"] * 2


def test_yes_no_lapse_and_withdraw_at_once_end_it_one_way(service_on_both: Flask) -> None:
    app = service_on_both
    for _round in range(3):
        with app.app_context(), transaction() as session:
            unit = make_unit(session)
            request = make_request(session, model=unit.model)
            other = make_request(session, model=unit.model, waits_since=now() + timedelta(seconds=1))
            number, other_number = request.id, other.id
            holder, model_id = request.organisation_id, request.model_id
            offers.serve(session, organisation_id=holder, model_id=model_id, now=now())

        def mine(session: Session, number: int = number) -> LoanRequest:
            return session.get_one(LoanRequest, number)

        def accept(session: Session, mine: Callable[[Session], LoanRequest] = mine) -> None:
            offers.accept(session, request=mine(session), now=now())

        def decline(session: Session, mine: Callable[[Session], LoanRequest] = mine) -> None:
            offers.decline_offer(session, request=mine(session), keep_waiting=True, now=now())

        def withdraw(session: Session, mine: Callable[[Session], LoanRequest] = mine) -> None:
            requests.withdraw(session, request=mine(session), actor="resident", now=now())

        def lapse(session: Session) -> None:
            offers.lapse_offers(session, now=now() + timedelta(days=40))

        def serve(session: Session, holder: int = holder, model_id: int = model_id) -> None:
            offers.serve(session, organisation_id=holder, model_id=model_id, now=now())

        all_at_once(app, accept, accept, decline, decline, withdraw, lapse, serve, serve)
        with app.app_context(), transaction() as session:
            nothing_is_broken(session)
            for one in (number, other_number):
                kept = session.get_one(LoanRequest, one)
                assert kept.status in ("queued", "offered", "withdrawn", "need_info")
                assert kept.offers_lapsed <= 1


def test_the_desk_and_the_queue_never_give_one_unit_twice(service_on_both: Flask) -> None:
    """A coordinator hands over a unit at the desk while the queue is served."""
    app = service_on_both
    for _round in range(4):
        with app.app_context(), transaction() as session:
            unit = make_unit(session)
            at_desk = make_request(session, model=unit.model, points=0)
            waits = make_request(session, model=unit.model, points=20)
            unit_id, desk_id, holder, model_id = unit.id, at_desk.id, unit.holder_id, unit.model_id
            waits_id = waits.id

        def issue(session: Session, unit_id: int = unit_id, desk_id: int = desk_id) -> None:
            unit = session.get_one(Unit, unit_id)
            custody.issue(
                session, request=session.get_one(LoanRequest, desk_id), unit=unit, hand_over=hand_over(unit),
                staff_id=None, now=now(),
            )  # fmt: skip

        def serve(session: Session, holder: int = holder, model_id: int = model_id) -> None:
            offers.serve(session, organisation_id=holder, model_id=model_id, now=now())

        said = all_at_once(app, *[serve] * 4, *[issue] * 4)
        with app.app_context(), transaction() as session:
            nothing_is_broken(session)
            issued = session.get_one(LoanRequest, desk_id).status == "fulfilled"
            kept = session.get_one(LoanRequest, waits_id).status == "offered"
            assert issued != kept or session.get_one(LoanRequest, desk_id).status == "offered", said


def test_eight_choose_one_time_and_two_get_it(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        place = a_place(session)
        place_id, at = place.id, offers.slots(session, place_id=place.id, now=now())[0].at
        model = make_model(session)
        numbers = []
        for _one in range(8):
            make_unit(session, model=model, place_id=place_id)
            request = make_request(session, model=model)
            offers.serve(session, organisation_id=model.organisation_id, model_id=model.id, now=now())
            numbers.append(offers.accept(session, request=request, now=now()).id)

    def choose(offer_id: int) -> Work:
        def work(session: Session) -> None:
            offer = session.get_one(LoanOffer, offer_id)
            offers.choose_slot(session, offer=offer, place_id=place_id, slot_at=at, now=now())

        return work

    said = all_at_once(app, *(choose(number) for number in numbers))
    assert sorted(said) == sorted(["done"] * 2 + [offers.SLOT_TAKEN] * 6)


def test_two_swap_to_one_unit_and_one_has_it(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        model, numbers = make_model(session), []
        for _one in range(2):
            make_unit(session, model=model)
            request = make_request(session, model=model)
            offers.serve(session, organisation_id=model.organisation_id, model_id=model.id, now=now())
            offer = offers.live_offer(session, request.id)
            assert offer is not None
            numbers.append(offer.id)
        free = make_unit(session, model=model).id

    def swap(offer_id: int) -> Work:
        def work(session: Session) -> None:
            offer, unit = session.get_one(LoanOffer, offer_id), session.get_one(Unit, free)
            offers.swap_unit(session, offer=offer, unit=unit, now=now())

        return work

    said = all_at_once(app, *(swap(number) for number in numbers))
    assert sorted(said) == sorted(["done", custody.KEPT_FOR_ANOTHER])
    with app.app_context(), transaction() as session:
        nothing_is_broken(session)
