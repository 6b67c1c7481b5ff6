"""Where somebody fetches what is kept for them: one place in every word they read, and the device is brought there first."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.registry import holidays
from inclusion_app.loans import rules
from inclusion_app.loans.models import DeviceModel, LoanOffer, LoanRequest, Sim, Transfer, Unit
from inclusion_app.loans.services import fetching, offers, transfers
from inclusion_app.messages.models import Message
from inclusion_app.messages.templates import template_of, write
from inclusion_app.people import my_record_services
from inclusion_app.people.models import Resident
from inclusion_app.places.models import Place
from tests.conftest import Browser
from tests.factories.loans import make_request, make_unit
from tests.loans.coordinator import Desk, words_of
from tests.loans.test_offers import a_place, custody_of, serve


def at(text: str) -> datetime:
    """A moment of the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("moment", "holidays", "first"),
    [
        ("2026-11-30T10:00", (), "2026-12-02T00:00"),
        ("2026-11-27T23:30", (), "2026-12-01T00:00"),  # a Friday, at night
        ("2026-11-28T12:00", (), "2026-12-01T00:00"),
        ("2026-12-24T09:00", (date(2026, 12, 25), date(2026, 12, 28)), "2026-12-30T00:00"),
        ("2027-03-27T10:00", (date(2027, 3, 29),), "2027-03-31T00:00"),  # the clocks change between
    ],
)
def test_what_lies_elsewhere_is_fetched_from_two_working_days_on(
    moment: str, holidays: Collection[date], first: str
) -> None:
    assert rules.first_slot(at(moment), is_there=False, holidays=holidays) == at(first)
    soon = rules.first_slot(at(moment), is_there=True, holidays=holidays)
    assert soon == at(moment) + rules.SLOT_LEAD


def kept_elsewhere(session: Session, **facts: Any) -> tuple[LoanRequest, LoanOffer, Place]:
    """Somebody who fetches it where mornings are staffed, and whose device lies at another place."""
    unit, place = make_unit(session), a_place(session)
    request = make_request(session, model=unit.model, place_id=place.id, **facts)
    assert serve(session, request) == 1
    return request, offers.accept(session, request=request, now=now()), place


def by_letter(session: Session, request: LoanRequest) -> None:
    my_record_services.add_route(
        session, resident=session.get_one(Resident, request.resident_id), kind="letter", value="1 Red Road",
        channels=("letter",), now=now(),
    )  # fmt: skip


def letters(session: Session, request: LoanRequest) -> list[str]:
    """What they were told, as it stands in the letters."""
    found = session.scalars(select(Message).where(Message.about == f"loan {request.id}").order_by(Message.id))
    return [
        write(
            template_of(one.template), one.params or {}, language=i18n.ENGLISH, channel="letter", service_name="Us"
        ).body
        for one in found
    ]  # fmt: skip


def test_no_time_is_offered_before_the_device_can_be_there(both_engines: Flask) -> None:
    with transaction() as session:
        _request, offer, place = kept_elsewhere(session)
        unit = offer.unit
        assert unit is not None and fetching.is_elsewhere(offer.request, offer)
        first = rules.first_slot(now(), is_there=False, holidays=holidays(session))
        times = [slot.at for slot in offers.slots(session, place_id=place.id, now=now(), offer=offer)]
        early = [one for one in offers.open_times(place, now=now(), days=()) if one < first]
        assert times and min(times) >= first
        for sooner in early:
            with pytest.raises(RuleBroken, match="from the list"):
                offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=sooner, now=now())
        # On its way it is not there yet; once it has arrived the first times are those of every device there.
        transfers.send(session, units=[unit], to=place, staff_id=None, now=now())
        on_its_way = [slot.at for slot in offers.slots(session, place_id=place.id, now=now(), offer=offer)]
        assert on_its_way == times
        transfers.arrive(session, unit=unit, at=place, now=now())
        session.refresh(unit)
        moment = now()
        there = [slot.at for slot in offers.slots(session, place_id=place.id, now=moment, offer=offer)]
        assert there == [slot.at for slot in offers.slots(session, place_id=place.id, now=moment)]
        assert not fetching.is_elsewhere(offer.request, offer)


def test_the_letters_name_the_place_they_asked_for(both_engines: Flask) -> None:
    with transaction() as session:
        unit, place = make_unit(session), a_place(session)
        request = make_request(session, model=unit.model, place_id=place.id)
        by_letter(session, request)
        serve(session, request)
        lies = session.get_one(Place, unit.place_id).name
        (offered,) = letters(session, request)
        assert place.name in offered and lies not in offered
        assert "It waits for you" not in offered  # it does not, yet
        offer = offers.accept(session, request=request, now=now())
        when = offers.slots(session, place_id=place.id, now=now(), offer=offer)[0].at
        offers.choose_slot(session, offer=offer, place_id=place.id, slot_at=when, now=now())
        assert place.name in letters(session, request)[-1]


def test_another_one_is_kept_only_if_it_can_be_there_when_they_come(both_engines: Flask) -> None:
    with transaction() as session:
        request, offer, place = kept_elsewhere(session)
        here = make_unit(session, model=request.model, place_id=place.id)
        offers.swap_unit(session, offer=offer, unit=here, now=now())
        assert not fetching.is_elsewhere(request, offer)
        # They come at a time at which nothing of another place can be there.
        offer.slot_place_id, offer.slot_at, offer.slot_seat = place.id, now() + timedelta(hours=4), 1
        session.flush()
        far = session.scalars(select(Unit).where(Unit.model_id == request.model_id, Unit.id != here.id)).one()
        with pytest.raises(RuleBroken, match="before this one can be there"):
            offers.swap_unit(session, offer=offer, unit=far, now=now())
        custody_of(session, here, "repair")
        near = make_unit(session, model=request.model, place_id=place.id)
        assert offers.mend_offers(session, now=now()) == 1
        session.refresh(offer)
        assert offer.unit_id == near.id
        custody_of(session, near, "repair")
        assert offers.mend_offers(session, now=now()) == 1
        session.refresh(offer)
        # Rather than find nothing there they are told, and keep their place.
        assert (offer.state, request.status) == ("taken_back", "queued")


# --- what they read


def test_page_and_paper_say_the_place_they_asked_for_and_that_it_comes_there_first(
    app: Flask, browser: Browser
) -> None:
    with app.app_context(), transaction() as session:
        request, offer, place = kept_elsewhere(session)
        code, name, lies = request.code, place.name, session.get_one(Place, fetching.lies_at(offer)).name
        first = rules.first_slot(now(), is_there=False, holidays=holidays(session))
    page = html.unescape(browser.text(f"/loans/{code}"))
    own = page[page.index("<h1>") : page.index("Speak to a person")]
    assert "A device is kept for you" in own and "waits for you" not in own
    assert name in own and lies not in own
    assert "It is at another place now. We take it there first." in own
    times = [datetime.fromisoformat(one) for one in re.findall(r'name="slot" value="([^"]+)"', page)]
    assert times and min(times) >= first
    assert name in html.unescape(browser.text(f"/loans/{code}/print"))
    with app.app_context(), transaction() as session:
        unit = session.get_one(Unit, session.scalars(select(LoanOffer.unit_id)).one())
        unit.place_id = session.scalars(select(LoanRequest.place_id)).one()
    assert "another place" not in browser.text(f"/loans/{code}")


# --- what the desk is told


@pytest.fixture
def desk(app: Flask) -> Desk:
    """A coordinator at a screen; `here` is where people fetch it."""
    return Desk(app)


def lies_there(desk: Desk, session: Session, **facts: Any) -> LoanOffer:
    """Kept for somebody who fetches it here; it lies at the other place."""
    return desk.offer(session, unit_id=desk.unit(session, place_id=desk.there).id, **facts)


def test_the_desk_names_what_lies_elsewhere_and_one_press_sends_it(desk: Desk) -> None:
    def fill(session: Session) -> tuple[int, int]:
        kept = lies_there(desk, session, state="accepted")
        desk.offer(session)  # lies where it is fetched
        lies_there(desk, session, state="accepted", address="1 Red Road")  # brought from wherever it lies
        return kept.request_id, kept.unit_id or 0

    request_id, unit_id = desk.write(fill)
    path, said = "/staff/loans/people?show=elsewhere", f"lies at {desk.names[desk.there]} · fetched at"
    line = words_of(desk.browser.text("/staff/loans")).split("Kept for somebody, but lies elsewhere")[1]
    assert line.startswith(" 1 ")
    assert "1 device is kept for somebody, but lies elsewhere" in desk.browser.text("/staff")
    one = f"/staff/loans/requests/{request_id}"
    for shown in (path, "/staff/loans/hand-over", one):
        page = words_of(html.unescape(desk.browser.text(shown)))
        assert f"{said} {desk.names[desk.here]}" in page, shown
        assert page.count("lies at") == 1, shown
    assert "Send it there" in desk.browser.text(one)
    sent = desk.browser.send(f"{one}/offer/send", form_on=path, **{"from": "list"})
    assert sent.status_code == 303 and "show=elsewhere" in sent.headers["Location"]
    assert "There is nothing here now." in desk.browser.text(path)
    page = desk.browser.text(one)
    assert "On its way to another place" in page and "Send it there" not in page
    again = desk.browser.send(f"{one}/offer/send", form_on=one)
    assert again.status_code == 422
    with desk.app.app_context(), transaction() as session:
        way = session.scalars(select(Transfer)).one()
        assert (way.unit_id, way.from_id, way.to_id) == (unit_id, desk.there, desk.here)
    arrived = {"here-tag": desk.write(lambda session: session.get_one(Unit, unit_id).tag)}
    answer = desk.browser.send("/staff/loans/moves", do="arrive", **arrived, **{"here-place": str(desk.here)})
    assert answer.status_code == 303
    assert "lies at" not in words_of(desk.browser.text(one))


def test_who_tells_the_time_by_phone_is_shown_the_first_ones_and_why(desk: Desk) -> None:
    def fill(session: Session) -> int:
        desk.here = a_place(session).id
        return lies_there(desk, session, state="accepted").request_id

    page = desk.browser.text(f"/staff/loans/requests/{desk.write(fill)}/offer/time")
    with desk.app.app_context(), transaction() as session:
        first = rules.first_slot(now(), is_there=False, holidays=holidays(session))
    times = [datetime.fromisoformat(one) for one in re.findall(r'<option value="(20[^"]+)"', page)]
    assert times and min(times) >= first
    assert "the first times are in two working days" in page


def test_a_sim_that_lies_elsewhere_is_named_too(desk: Desk) -> None:
    def fill(session: Session) -> int:
        holder_id = session.get_one(DeviceModel, desk.model_id).organisation_id
        sim = Sim(holder_id=holder_id, place_id=desk.there, iccid="89440000000000000001", made_at=now())
        session.add(sim)
        session.flush()
        desk.offer(session, unit_id=None, sim_id=sim.id)
        return sim.id

    number = desk.write(fill)
    page = desk.browser.text("/staff/loans/people?show=elsewhere")
    assert f"/staff/loans/sims/{number}" in page and "Send it there" not in page


# --- moves


def test_what_is_kept_for_somebody_leaves_only_for_where_they_fetch_it(desk: Desk) -> None:
    def fill(session: Session) -> tuple[str, int, str, int, str]:
        offer, other = desk.offer(session), desk.unit(session)
        desk.unit(session, place_id=desk.there)  # so that the place is one of theirs
        brought = desk.offer(session, state="accepted", address="1 Red Road")
        assert offer.unit is not None and brought.unit is not None
        return offer.unit.tag, offer.request_id, other.tag, brought.request_id, brought.unit.tag

    tag, number, other, bring_number, bring = desk.write(fill)

    def send(*tags: str, to: int) -> Any:
        marks = {"to-tags": "\n".join(tags), "to-place": str(to)}
        return desk.browser.send("/staff/loans/moves", do="send", **marks)

    refused = send(other, tag, to=desk.there)
    said = html.unescape(refused.get_data(as_text=True))
    assert refused.status_code == 422
    assert f"{tag} is kept for request {number}, to be fetched at {desk.names[desk.here]}." in said
    assert desk.write(lambda session: session.scalars(select(Transfer)).all()) == []
    assert send(other, to=desk.there).status_code == 303
    # What is brought comes from anywhere; it is said for whom it is kept.
    assert send(bring, to=desk.there).status_code == 303
    page = desk.browser.text("/staff/loans/moves")
    assert f"Kept for request {bring_number}. It is brought to them." in page

    def lie_apart(session: Session) -> tuple[str, int]:
        offer = lies_there(desk, session)
        assert offer.unit is not None
        return offer.unit.tag, offer.request_id

    apart, its_number = desk.write(lie_apart)
    assert send(apart, to=desk.here).status_code == 303
    assert f"Kept for request {its_number}. They fetch it there." in desk.browser.text("/staff/loans/moves")


def test_another_schemes_kept_device_is_sent_by_nobody_else(desk: Desk, app: Flask) -> None:
    number = desk.write(lambda session: lies_there(desk, session).request_id)
    other = Desk(app, organisation="Blue Door")
    answer = other.browser.send(f"/staff/loans/requests/{number}/offer/send", form_on="/staff/loans/moves")
    assert answer.status_code == 404


# --- who cannot come


def brought(session: Session) -> LoanRequest:
    """Somebody who said that it has to be brought, and for whom a unit is kept where mornings are staffed."""
    unit = make_unit(session, place_id=a_place(session).id)
    request = make_request(session, model=unit.model, place_id=None)
    by_letter(session, request)
    assert serve(session, request) == 1
    return request


def test_who_cannot_come_is_sent_to_no_place(both_engines: Flask) -> None:
    with transaction() as session:
        request = brought(session)
        offer = offers.live_offer(session, request.id)
        assert offer is not None
        name = session.get_one(Place, fetching.lies_at(offer)).name
        (letter,) = letters(session, request)
        assert name not in letter and "You fetch it at" not in letter
        assert "You told us that you cannot come. So we bring it." in letter
        assert not fetching.is_elsewhere(request, offer)


def test_after_yes_who_cannot_come_is_asked_where_to_bring_it(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        request = brought(session)
        code, name = request.code, session.scalars(select(Place.name).join(Unit)).one()
    browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer="yes")
    page = html.unescape(browser.text(f"/loans/{code}"))
    own = page[page.index("<h1>") : page.index("Speak to a person")]
    asked, times = own.index("Where should we bring it?"), own.index('id="times"')
    # The question stands open and first; the place and its times are folded away below it.
    assert asked < times < own.index(name)
    assert "<details" not in own[:asked] and 'id="times" open' not in own
    assert "I can come and fetch it" in own and "I cannot come" not in own.replace("you cannot come", "")
    assert "Say your code there." not in own
    slip = html.unescape(browser.text(f"/loans/{code}/print"))
    assert "We bring it to you. Phone us to say where." in slip
    assert name not in slip and "Phone us to say when you come." not in slip
    empty = browser.send(f"/loans/{code}/bring", f"/loans/{code}", address=" ")
    assert empty.status_code == 422
    # They may still choose to come.
    when = re.findall(r'name="slot" value="([^"]+)"', page)[0]
    assert browser.send(f"/loans/{code}/slot", f"/loans/{code}", slot=when).status_code == 303
    page = html.unescape(browser.text(f"/loans/{code}"))
    assert "You fetch it:" in page and "Say your code there." in page and name in page
    assert browser.send(f"/loans/{code}/bring", f"/loans/{code}", address="1 Red Road").status_code == 303
    assert "We bring it to you. We tell you when." in browser.text(f"/loans/{code}")
