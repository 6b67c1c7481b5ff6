"""Offers: a ready unit for who comes next; yes, no, nobody answers; when and where they fetch it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from inclusion_app.core import attempts
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import reminders
from inclusion_app.loans.models import LoanOffer, LoanRequest, Sim
from inclusion_app.loans.services import custody, offers, queue
from inclusion_app.loans.services import requests_decide as decide
from inclusion_app.messages.models import Message
from inclusion_app.places.models import OpeningException, OpeningSpan
from tests.factories.loans import hand_over, make_model, make_request, make_scheme, make_unit
from tests.factories.training import make_place
from tests.messages.conftest import configure, reachable

OPEN = [(day, "09:30", "12:00") for day in range(5)]


def a_place(session: Session):  # type: ignore[no-untyped-def]
    """Open on weekday mornings."""
    from datetime import time

    place = make_place(session)
    place.spans = [
        OpeningSpan(
            weekday=day, opens=time.fromisoformat(begin), closes=time.fromisoformat(end), kind="staffed"
        )
        for day, begin, end in OPEN
    ]
    session.flush()
    return place


def serve(session: Session, request: LoanRequest, at=None) -> int:  # type: ignore[no-untyped-def]
    return offers.serve(
        session, organisation_id=request.organisation_id, model_id=request.model_id, now=at or now()
    )


def offered(session: Session, *, lies: int | None = None, **facts: object) -> tuple[LoanRequest, LoanOffer]:
    """Somebody for whom a unit is kept; it `lies` at a place of its own, or there."""
    unit = make_unit(session, **({"place_id": lies} if lies else {}))
    request = make_request(session, model=unit.model, **facts)
    assert serve(session, request) == 1
    offer = offers.live_offer(session, request.id)
    assert offer is not None
    return request, offer


def test_a_ready_unit_is_kept_for_who_comes_next(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session)
        unit = make_unit(session, model=model)
        make_unit(session, model=model, status="repair")
        second = make_request(session, model=model, points=4)
        first = make_request(session, model=model, points=12)
        make_request(session, model=model, points=50, status="submitted", waits_since=None)
        assert serve(session, first) == 1
        assert serve(session, first) == 0  # nothing is left
        assert (first.status, second.status) == ("offered", "queued")
        offer = offers.live_offer(session, first.id)
        assert offer is not None and (offer.unit_id, offer.state) == (unit.id, "open")
        ends = offer.ends_at.astimezone(LONDON)
        assert ends.weekday() < 5 and 9 <= ends.hour <= 17
        assert custody.can_be_lent(session, unit.holder_id, model.id) == 0


def test_the_unit_that_lies_where_they_fetch_it_is_taken(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session)
        make_unit(session, model=model)
        near = make_unit(session, model=model)
        request = make_request(session, model=model, place_id=near.place_id)
        serve(session, request)
        offer = offers.live_offer(session, request.id)
        assert offer is not None and offer.unit_id == near.id


def test_a_sim_alone_is_offered_like_a_unit(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        sim = Sim(
            holder_id=model.organisation_id,
            place_id=make_place(session).id,
            iccid="89440000000000000001",
            made_at=now(),
        )
        session.add(sim)
        session.flush()
        requests = [make_request(session, model=model) for _one in range(2)]
        assert serve(session, requests[0]) == 1 and serve(session, requests[0]) == 0
        offer = offers.live_offer(session, requests[0].id)
        assert offer is not None and offer.sim_id == sim.id and offer.unit_id is None


def test_yes_twice_is_one_yes_and_it_is_kept_longer(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        before = offer.ends_at
        assert offers.accept(session, request=request, now=now()).state == "accepted"
        assert offers.accept(session, request=request, now=now()).ends_at > before
        assert request.status == "offered"


def test_a_yes_that_comes_too_late_is_refused(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        with pytest.raises(RuleBroken, match="over"):
            offers.accept(session, request=request, now=offer.ends_at)


def test_no_gives_it_to_the_next_and_keeps_their_place_if_they_like(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session, points=20)
        unit, since = offer.unit_id, request.waits_since
        other = make_request(session, model=request.model, points=1)
        offers.decline_offer(session, request=request, keep_waiting=True, now=now())
        assert (request.status, request.waits_since, other.status) == ("queued", since, "offered")
        kept = offers.live_offer(session, other.id)
        assert kept is not None and kept.unit_id == unit
        # Not asked again on the same day, though one is ready and they are first; a week later they are.
        make_unit(session, model=request.model)
        assert serve(session, request) == 0
        assert serve(session, request, now() + timedelta(days=8)) == 1
        with pytest.raises(RuleBroken, match="over"):
            offers.decline_offer(session, request=make_request(session), keep_waiting=True, now=now())


def test_no_and_not_any_more_ends_the_request(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        offers.decline_offer(session, request=request, keep_waiting=False, now=now())
        session.refresh(offer)
        assert (request.status, offer.state) == ("withdrawn", "declined") and request.ended_at


def test_nobody_answers_once_they_wait_on_twice_a_person_decides(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        since = request.waits_since
        assert offers.lapse_offers(session, now=offer.ends_at - timedelta(seconds=1)) == 0
        assert offers.lapse_offers(session, now=offer.ends_at) == 1
        assert (request.status, request.waits_since, request.offers_lapsed) == ("queued", since, 1)
        assert serve(session, request) == 1
        again = offers.live_offer(session, request.id)
        assert again is not None
        offers.accept(session, request=request, now=now())
        session.refresh(again)
        # They said yes and never came: the same as no answer.
        assert offers.lapse_offers(session, now=again.ends_at + timedelta(minutes=1)) == 1
        assert (request.status, request.reason, request.waits_since) == ("need_info", "still_wanted", since)
        decide.answer_more(session, request=request, now=now())
        decide.approve(session, request=request, staff_id=None, now=now())
        assert (request.status, request.waits_since) == ("offered", since)


def test_what_broke_is_replaced_or_they_are_told(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        instead = make_unit(session, model=request.model)
        unit = offer.unit
        assert unit is not None
        custody_of(session, unit, "repair")
        assert offers.mend_offers(session, now=now()) == 1
        session.refresh(offer)
        assert offer.unit_id == instead.id and request.status == "offered"
        custody_of(session, instead, "missing")
        assert offers.mend_offers(session, now=now()) == 1
        session.refresh(offer)
        assert (offer.state, request.status) == ("taken_back", "queued")
        assert offers.mend_offers(session, now=now()) == 0


def custody_of(session: Session, unit, to: str) -> None:  # type: ignore[no-untyped-def]
    from inclusion_app.core.history import move

    move(session, unit, to, actor="staff", now=now())
    session.flush()


def test_the_kept_unit_is_swapped_for_another_ready_one_only(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        other = make_unit(session, model=request.model)
        first = offer.unit_id
        assert offers.swap_unit(session, offer=offer, unit=other, now=now()).unit_id == other.id
        assert first and custody.can_be_lent(session, request.organisation_id, request.model_id) == 1
        with pytest.raises(RuleBroken, match="not ready"):
            broken = make_unit(session, model=request.model, status="repair")
            offers.swap_unit(session, offer=offer, unit=broken, now=now())
        with pytest.raises(RuleBroken, match="not ready"):
            offers.swap_unit(session, offer=offer, unit=make_unit(session), now=now())  # of another model
        second = make_request(session, model=request.model)
        serve(session, second)
        kept = offers.live_offer(session, second.id)
        assert kept is not None and kept.unit is not None
        with pytest.raises(RuleBroken, match="kept for somebody else"):
            offers.swap_unit(session, offer=offer, unit=kept.unit, now=now())


def test_slots_are_half_hours_in_which_somebody_is_there(both_engines: Flask) -> None:
    with transaction() as session:
        place = a_place(session)
        times = offers.slots(session, place_id=place.id, now=now())
        walls = {slot.at.astimezone(LONDON).strftime("%H:%M") for slot in times}
        assert walls == {"09:30", "10:00", "10:30", "11:00", "11:30"}
        assert min(slot.at for slot in times) >= now() + timedelta(hours=3)
        day = times[-1].at.astimezone(LONDON).date()
        place.exceptions = [OpeningException(day=day, reason="Training day")]
        session.flush()
        left = offers.slots(session, place_id=place.id, now=now())
        assert day not in {slot.at.astimezone(LONDON).date() for slot in left}
        assert offers.slots(session, place_id=make_place(session).id, now=now()) == []


def test_a_time_is_given_to_so_many_and_not_to_one_more(both_engines: Flask) -> None:
    with transaction() as session:
        place = a_place(session)
        at = offers.slots(session, place_id=place.id, now=now())[0].at
        for _one in range(2):
            request, offer = offered(session, lies=place.id)
            with pytest.raises(RuleBroken, match="over"):  # first they say yes
                offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=at, now=now())
            offer = offers.accept(session, request=request, now=now())
            for _press in range(2):
                offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=at, now=now())
            assert (offer.slot_at, offer.slot_place_id) == (at, place.id)
        request, _offer = offered(session, lies=place.id)
        offer = offers.accept(session, request=request, now=now())
        with pytest.raises(RuleBroken, match="Somebody else"):
            offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=at, now=now())
        with pytest.raises(RuleBroken, match="from the list"):
            odd = at + timedelta(minutes=7)
            offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=odd, now=now())
        assert at not in [slot.at for slot in offers.slots(session, place_id=place.id, now=now())]


def test_a_time_that_is_switched_to_and_fro_is_not_told_each_time(app: Flask) -> None:
    configure(app, sms="https://example.org/sms", sms_token="t")
    at = datetime(2027, 3, 2, 7, tzinfo=UTC)  # a Tuesday with no holiday near
    of_slot = Message.template == "loan_slot"
    with app.app_context(), transaction() as session:
        place = a_place(session)
        request, offer = offered(session, resident_id=reachable(session, "sms").id)
        offer = offers.accept(session, request=request, now=now())
        times = [slot.at for slot in offers.slots(session, place_id=place.id, now=at)][-2:]

        def switch(number: int, after: timedelta = timedelta(0)) -> None:
            moment = at + after + timedelta(minutes=number)
            offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=times[number % 2], now=moment)

        def waiting() -> list[str]:
            return list(session.scalars(select(Message.key).where(of_slot, Message.state == "waiting")))

        # What has not left yet is taken back, and counts for nothing: the last one is told.
        for number in range(12):
            switch(number)
            assert len(waiting()) == 1 and times[number % 2].isoformat() in waiting()[0]
        leave = update(Message).where(of_slot, Message.state == "waiting").values(state="sent", sent_at=at)
        for number in range(12, 30):
            session.execute(leave)
            switch(number)
            assert offer.slot_at == times[number % 2]
        left = select(func.count()).where(of_slot, Message.state == "sent")
        assert session.scalar(left) == attempts.SLOT_TOLD.tries and not waiting()
        switch(30, timedelta(days=1, minutes=1))
        assert len(waiting()) == 1


def test_the_address_is_kept_until_it_was_brought(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        with pytest.raises(RuleBroken, match="over"):
            offers.bring_to(session, offer=offer, address="1 Red Road", now=now())
        offer = offers.accept(session, request=request, now=now())
        with pytest.raises(RuleBroken, match="where"):
            offers.bring_to(session, offer=offer, address=" \x00\n ", now=now())
        with pytest.raises(RuleBroken, match="too long"):
            offers.bring_to(session, offer=offer, address="1" * 301, now=now())
        offers.bring_to(session, offer=offer, address=" " + "1" * 300 + " ", now=now())
        assert offer.address == "1" * 300
        offers.bring_to(session, offer=offer, address="1 Red Road\nMoss Side", now=now())
        assert offer.address == "1 Red Road Moss Side"
        unit = offer.unit
        assert unit is not None
        custody.issue(
            session, request=request, unit=unit, hand_over=hand_over(unit), staff_id=None, now=now()
        )
        session.refresh(offer)
        assert (offer.state, offer.address) == ("fulfilled", None)


def test_what_we_bring_waits_for_us_and_never_lapses(both_engines: Flask) -> None:
    with transaction() as session:
        request, _offer = offered(session)
        offer = offers.accept(session, request=request, now=now())
        offers.bring_to(session, offer=offer, address="1 Red Road", now=now())
        late = offer.ends_at + timedelta(days=90)
        assert offers.lapse_offers(session, now=late) == 0
        assert session.scalars(offers.offers_over(late)).all() == []
        session.refresh(offer)
        assert (offer.state, request.status, offer.address) == ("accepted", "offered", "1 Red Road")


def test_what_is_taken_back_forgets_the_address_too(both_engines: Flask) -> None:
    with transaction() as session:
        request, _offer = offered(session)
        offer = offers.accept(session, request=request, now=now())
        offers.bring_to(session, offer=offer, address="1 Red Road", now=now())
        offers.take_back(session, request=request, staff_id=None, now=now())
        session.refresh(offer)
        assert offer.address is None


def test_the_worker_serves_lapses_and_is_quiet_when_nothing_is_to_do(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        number = make_request(session, model=unit.model).id
    assert reminders.serve_and_lapse(now()) == 1
    assert reminders.serve_and_lapse(now()) == 0
    # Lapsed, and as nobody else waits offered to them once more.
    assert reminders.serve_and_lapse(now() + timedelta(days=20)) == 2
    assert reminders.serve_and_lapse(now() + timedelta(days=40)) == 1
    with transaction() as session:
        request = session.get_one(LoanRequest, number)
        assert (request.status, request.offers_lapsed) == ("need_info", 2)


def test_quotas_and_what_was_given_decide_whose_turn_it_is(both_engines: Flask) -> None:
    from inclusion_app.loans.models import QuotaPool

    with transaction() as session:
        scheme = make_scheme(session)
        model = make_model(session, scheme=scheme)
        session.add(
            QuotaPool(organisation_id=scheme.organisation_id, kind="area", ward="E05011355", share=50)
        )
        session.flush()
        many = [make_request(session, model=model, points=20) for _one in range(3)]
        few = make_request(session, model=model, points=1, ward="E05011355")
        place = queue.place_of(session, few, now())
        assert (place.position, place.of, place.moved_by_quota) == (2, 4, False)
        third = queue.place_of(session, many[1], now())
        assert (third.position, third.moved_by_quota) == (3, True)
        for _one in range(2):
            make_unit(session, model=model)
        assert serve(session, few) == 2
        assert [one.status for one in (*many, few)] == ["offered", "queued", "queued", "offered"]


def test_they_are_told_at_each_turn(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer = offered(session)
        offers.lapse_offers(session, now=offer.ends_at)
        about = select(Message.template).where(Message.about == f"loan {request.id}")
        assert session.scalars(about.order_by(Message.id)).all()[-1:] in ([], ["loan_offer_lapsed"])
