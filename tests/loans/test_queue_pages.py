"""The coordinator's pages of the queue: what they show, what they do, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import LoanNote, LoanOffer, LoanRequest, LoanScheme, QuotaPool, RequestAnswers
from inclusion_app.loans.services import offers
from inclusion_app.people.models import Consent, ContactRoute, Resident, Restriction
from tests.conftest import StaffBrowser, without_token
from tests.factories.loans import make_model, make_request, make_scheme, make_unit
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.loans.test_offers import a_place

Staff = Callable[..., StaffBrowser]


class Desk:
    """A coordinator at a screen, their scheme, and one who asked."""

    def __init__(self, app: Flask, staff_browser: Staff) -> None:
        self.app, self.browser = app, staff_browser("loan_coordinator")
        with app.app_context(), transaction() as session:
            scheme = make_scheme(session, organisation_id=self.browser.organisation_id)
            model = make_model(session, scheme=scheme)
            person = make_person(session, name="Amina")
            make_consent(
                session, resident_id=person.id, organisation_id=scheme.organisation_id, items=("identity", "contact")
            )  # fmt: skip
            session.add(
                ContactRoute(
                    resident_id=person.id, position=1, kind="sms", value="+447700900123", value_hash="x", made_at=now()
                )
            )  # fmt: skip
            request = make_request(
                session, model=model, resident_id=person.id, status="submitted", waits_since=None, points=0,
                settings="large_text",
            )  # fmt: skip
            session.add(RequestAnswers(request_id=request.id, answers={"no_device": True, "deadline": False}))
            self.model_id, self.request_id, self.resident_id = model.id, request.id, person.id
        self.url = f"/staff/loans/requests/{self.request_id}"

    def row(self, kind: Any, number: int | None = None) -> Any:
        with self.app.app_context(), transaction() as session:
            return session.get(kind, number or self.request_id)

    def acts(self) -> list[str]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))

    def press(self, path: str, **data: Any) -> Any:
        """Press a button of the page of the request."""
        return self.browser.send(f"{self.url}/{path}", form_on=self.url, **data)

    def unit(self, **facts: Any) -> int:
        with self.app.app_context(), transaction() as session:
            return make_unit(session, model=session.get_one(LoanRequest, self.request_id).model, **facts).id

    def offered(self) -> None:
        """Approved, and one is kept for them."""
        self.unit()
        assert self.press("approve").status_code == 303
        assert self.row(LoanRequest).status == "offered"


@pytest.fixture
def desk(app: Flask, staff_browser: Staff) -> Desk:
    return Desk(app, staff_browser)


def test_the_list_names_nobody(desk: Desk) -> None:
    page = desk.browser.text("/staff/loans/requests")
    assert f"Request {desk.request_id}" in page and "Amina" not in page
    assert "No request fits" in desk.browser.text("/staff/loans/requests?state=queued")
    odd = desk.browser.get("/staff/loans/requests?state=x&model=9x&place=99999999999&page=-1")
    assert odd.status_code == 200


def test_one_request_shows_name_ways_reasons_and_writes_one_row(desk: Desk) -> None:
    before = desk.acts()
    page = desk.browser.text(desk.url)
    for shown in ("Amina", "07700 900123", "Large text", "No phone, tablet or computer", "1 of 1"):
        assert shown in page
    assert desk.acts()[len(before) :] == ["read loans.one_request"]


def test_what_is_not_shared_any_more_is_not_shown(desk: Desk) -> None:
    with desk.app.app_context(), transaction() as session:
        session.scalar(select(Consent).where(Consent.resident_id == desk.resident_id)).withdrawn_at = now()
    page = desk.browser.text(desk.url)
    assert "Amina" not in page and "900123" not in page and "Not shared with your organisation" in page


def test_who_is_kept_from_the_coordinator_and_others_answer_alike(desk: Desk, staff_browser: Staff) -> None:
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    unknown = desk.browser.get("/staff/loans/requests/999999")
    with desk.app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=desk.resident_id, staff_id=desk.browser.staff_id, made_at=now()))
    kept = desk.browser.get(desk.url)
    assert kept.status_code == unknown.status_code == 404
    assert without_token(kept) == without_token(unknown)
    assert other.get(desk.url).status_code == 404
    assert staff_browser("caseworker").get(desk.url).status_code == 403


def test_approve_puts_them_in_the_queue_with_the_time_since_they_asked(desk: Desk) -> None:
    assert desk.press("approve").status_code == 303
    row = desk.row(LoanRequest)
    assert (row.status, row.waits_since, row.points) == ("queued", row.made_at, 8)
    assert "approve a loan request" in desk.acts()
    assert desk.press("approve").status_code == 422  # decided already
    assert f"Request {desk.request_id}" in desk.browser.text(f"/staff/loans/queue/{desk.model_id}")


def test_ask_and_note_the_answer(desk: Desk) -> None:
    bad = desk.browser.send(f"{desk.url}/ask", question="x")
    assert bad.status_code == 422 and "There is a problem" in bad.text
    assert desk.browser.send(f"{desk.url}/ask", question="reach").status_code == 303
    assert (desk.row(LoanRequest).status, desk.row(LoanRequest).reason) == ("need_info", "reach")
    assert "How we can reach them" in desk.browser.text(desk.url)
    assert desk.press("answered").status_code == 303
    assert (desk.row(LoanRequest).status, desk.row(LoanRequest).reason) == ("submitted", "")


def test_decline_needs_a_reason_and_frees_what_was_kept(desk: Desk) -> None:
    desk.offered()
    assert desk.browser.send(f"{desk.url}/decline").status_code == 422
    assert desk.browser.send(f"{desk.url}/decline", reason="has_one").status_code == 303
    row = desk.row(LoanRequest)
    assert (row.status, row.reason) == ("declined", "has_one") and row.ended_at
    with desk.app.app_context(), transaction() as session:
        assert offers.live_offer(session, desk.request_id) is None
    assert desk.browser.send(f"{desk.url}/decline", reason="has_one").status_code == 422


def test_withdraw_for_them(desk: Desk) -> None:
    assert desk.browser.send(f"{desk.url}/withdraw").status_code == 303
    assert desk.row(LoanRequest).status == "withdrawn"


def test_first_needs_a_reason_which_the_record_keeps(desk: Desk) -> None:
    desk.press("approve")
    bad = desk.browser.send(f"{desk.url}/first", why=" \x00 ")
    assert bad.status_code == 422
    assert desk.browser.send(f"{desk.url}/first", why="Court hearing on Monday").status_code == 303
    row = desk.row(LoanRequest)
    assert row.put_first_for == "Court hearing on Monday" and row.put_first_at
    assert "put a loan request first" in desk.acts()
    assert "Court hearing" in desk.browser.text(desk.url)
    assert desk.press("not-first").status_code == 303
    assert desk.row(LoanRequest).put_first_at is None


def test_a_note_sent_twice_is_kept_once(desk: Desk) -> None:
    page = desk.browser.text(f"{desk.url}/note")
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once
    for _press in range(2):
        assert desk.browser.send(f"{desk.url}/note", words="Bag asked for", once=once[1]).status_code == 303
    with desk.app.app_context(), transaction() as session:
        assert [note.words for note in session.scalars(select(LoanNote))] == ["Bag asked for"]
    long = desk.browser.send(f"{desk.url}/note", words="x" * 5000)
    assert long.status_code == 422 and "too long" in long.text
    assert "Bag asked for" in desk.browser.text(desk.url)


def test_an_offer_from_yes_to_a_time(desk: Desk) -> None:
    with desk.app.app_context(), transaction() as session:
        place_id = a_place(session).id
    desk.unit(place_id=place_id)
    desk.press("approve")
    assert desk.press("offer/yes").status_code == 303
    page = desk.browser.text(f"{desk.url}/offer/time?place={place_id}")
    slots = re.findall(r'<option value="(20[^"]+)"', page)
    assert slots
    where = f"{desk.url}/offer/time?place={place_id}"
    assert desk.browser.send(where, slot="2020-01-01T10:00:00+00:00").status_code == 422
    assert desk.browser.send(where, slot=slots[0]).status_code == 303
    with desk.app.app_context(), transaction() as session:
        offer = offers.live_offer(session, desk.request_id)
        assert offer is not None and offer.slot_at and offer.slot_place_id == place_id
    # Where nobody knows the hours there is no time, and the page says what to do instead.
    with desk.app.app_context(), transaction() as session:
        unknown = make_unit(session, model=session.get_one(LoanRequest, desk.request_id).model).place_id
    assert "No free time is known here" in desk.browser.text(f"{desk.url}/offer/time?place={unknown}")


def test_bring_it_keeps_the_address_off_the_act(desk: Desk) -> None:
    desk.offered()
    assert desk.browser.send(f"{desk.url}/offer/bring", address="").status_code == 422
    assert desk.browser.send(f"{desk.url}/offer/bring", address="c/o Red Door, 1 Red Road").status_code == 303
    assert "1 Red Road" in desk.browser.text(desk.url)


def test_swap_no_and_take_back(desk: Desk) -> None:
    desk.offered()
    assert "No other device" in desk.browser.text(f"{desk.url}/offer/swap")
    other = desk.unit()
    assert desk.browser.send(f"{desk.url}/offer/swap", unit="999").status_code == 422
    assert desk.browser.send(f"{desk.url}/offer/swap", unit=str(other)).status_code == 303
    with desk.app.app_context(), transaction() as session:
        offer = offers.live_offer(session, desk.request_id)
        assert offer is not None and offer.unit_id == other
    assert desk.press("offer/back").status_code == 303
    assert desk.row(LoanRequest).status == "queued"
    with desk.app.app_context(), transaction() as session:
        offers.serve(session, organisation_id=desk.browser.organisation_id, model_id=desk.model_id, now=now())
    assert desk.browser.send(f"{desk.url}/offer/no").status_code == 422
    assert desk.browser.send(f"{desk.url}/offer/no", keep="end").status_code == 303
    assert desk.row(LoanRequest).status == "withdrawn"
    assert desk.browser.get(f"{desk.url}/offer/no").status_code == 404


def test_restricted_says_speak_to_the_referrer_first(desk: Desk) -> None:
    from inclusion_app.people.models import Resident

    with desk.app.app_context(), transaction() as session:
        session.get_one(Resident, desk.resident_id).is_restricted = True
    assert "Speak to the referrer" in desk.browser.text(desk.url)


# --- the scheme


def scheme_form(**more: str) -> dict[str, str]:
    usual = {
        "is_open": "y", "phone": "0161 496 0001", "offer_days": "3", "hold_days": "0", "max_renewals": "1",
        "no_device": "10", "deadline": "6", "disability": "4", "children": "0", "unsafe": "6",
    }  # fmt: skip
    return usual | more


def test_a_scheme_begins_closed_and_is_begun_once(app: Flask, staff_browser: Staff) -> None:
    browser = staff_browser("loan_coordinator")
    assert "no scheme yet" in browser.text("/staff/loans/requests")
    for _press in range(2):
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/staff/loans/scheme"))
        assert token
        sent = browser.client.post("/staff/loans/scheme/open", data={"csrf_token": token[1]})
        assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        assert [row.is_open for row in session.scalars(select(LoanScheme))] == [False]


def test_the_phone_of_a_scheme_is_one_and_there_while_residents_can_ask(desk: Desk) -> None:
    for wrong in ("abc", "12", "0161 496 0001 0161 496 0001", ""):
        refused = desk.browser.send("/staff/loans/scheme", **scheme_form(phone=wrong))
        assert refused.status_code == 422 and 'id="phone-error"' in refused.text, wrong
    assert desk.browser.send("/staff/loans/scheme", **scheme_form(phone="(0161)4960002")).status_code == 303
    assert desk.row(LoanScheme, desk.browser.organisation_id).phone == "0161 496 0002"
    assert desk.browser.send("/staff/loans/scheme", **scheme_form(phone="", is_open="")).status_code == 303


def test_points_are_whole_numbers_and_count_at_once(desk: Desk) -> None:
    desk.press("approve")
    for wrong in ("-1", "1.5", "51", "x", "", "\x00"):
        refused = desk.browser.send("/staff/loans/scheme", **scheme_form(no_device=wrong))
        assert refused.status_code == 422, wrong
    assert desk.row(LoanRequest).points == 8
    assert desk.browser.send("/staff/loans/scheme", **scheme_form()).status_code == 303
    assert desk.row(LoanRequest).points == 10
    scheme = desk.row(LoanScheme, desk.browser.organisation_id)
    assert (scheme.offer_days, scheme.hold_days, scheme.points["children"]) == (3, 0, 0)
    assert "10 points" in desk.browser.text("/staff/loans/scheme")
    assert desk.browser.send("/staff/loans/scheme", **scheme_form(is_open="")).status_code == 303


def test_quotas_are_never_more_than_the_whole(desk: Desk) -> None:
    url = "/staff/loans/scheme/quotas"
    with desk.app.app_context(), transaction() as session:
        from inclusion_app.places.models import Ward

        first, second = session.scalars(select(Ward.code).limit(2)).all()
    assert desk.browser.send(url, ward=first, referrer_id="0", share="60").status_code == 303
    assert desk.browser.send(url, ward=first, referrer_id="0", share="10").status_code == 422
    too_much = desk.browser.send(url, ward=second, referrer_id="0", share="41")
    assert too_much.status_code == 422 and "room for 40" in too_much.text
    assert desk.browser.send(url, ward="", referrer_id="0", share="10").status_code == 422
    both = desk.browser.send(url, ward=second, referrer_id=str(desk.browser.organisation_id), share="10")
    assert both.status_code == 422
    through = desk.browser.send(url, ward="", referrer_id=str(desk.browser.organisation_id), share="40")
    assert through.status_code == 303
    page = desk.browser.text("/staff/loans/scheme")
    assert "Red Door" in page and ">0<" in page
    with desk.app.app_context(), transaction() as session:
        number = session.scalars(select(QuotaPool.id)).first()
    sent = desk.browser.send(f"{url}/{number}/remove", form_on="/staff/loans/scheme")
    assert sent.status_code == 303
    with desk.app.app_context(), transaction() as session:
        assert session.get(QuotaPool, number) is None


def test_another_schemes_quota_is_not_there(desk: Desk, staff_browser: Staff) -> None:
    with desk.app.app_context(), transaction() as session:
        pool = QuotaPool(
            organisation_id=desk.browser.organisation_id, kind="area", ward="E05011355", share=10
        )
        session.add(pool)
        session.flush()
        number = pool.id
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    sent = other.send(f"/staff/loans/scheme/quotas/{number}/remove", form_on="/staff/loans/scheme")
    assert sent.status_code == 404


# --- asking for somebody


def asks_for(app: Flask, browser: StaffBrowser) -> tuple[int, int]:
    """Somebody of their caseload, and a model that is lent by another organisation."""
    with app.app_context(), transaction() as session:
        person = make_person(session, name="Bilal")
        make_consent(session, resident_id=person.id, organisation_id=browser.organisation_id)
        put_on_caseload(
            session, resident_id=person.id, staff_id=browser.staff_id, organisation_id=browser.organisation_id
        )
        return person.id, make_unit(session).model_id


def test_a_caseworker_asks_with_a_spoken_yes_once(app: Flask, staff_browser: Staff) -> None:
    browser = staff_browser("caseworker")
    resident_id, model_id = asks_for(app, browser)
    url = f"/staff/people/{resident_id}/ask-device"
    page = browser.text(url)
    assert "Bilal" in page and "pay nothing" in page
    key = re.search(r'name="form_key" value="([^"]+)"', page)
    assert key
    data = {"form_key": key[1], "model": str(model_id), "whom": "me", "purposes": ["learn"], "place": "0",
            "reasons": ["no_device", "children"]}  # fmt: skip
    unsaid = browser.send(url, **data)
    assert unsaid.status_code == 422 and "they said yes" in unsaid.text
    assert browser.send(url, **{**data, "model": "0"}, consent="y").status_code == 422
    # Nobody is put down for a delivery because nobody looked.
    unseen = browser.send(url, **{**data, "place": ""}, consent="y")
    assert unseen.status_code == 422 and "or that it is brought" in unseen.text
    for _press in range(2):
        sent = browser.send(url, **data, consent="y")
        assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        (request,) = session.scalars(select(LoanRequest)).all()
        assert (request.staff_id, request.referrer_id) == (browser.staff_id, browser.organisation_id)
        assert (request.status, request.points, request.consent_how) == ("submitted", 12, "spoken")
        number, code = request.id, request.code
    shown = browser.text(sent.location)
    assert "To decide" in shown and code[:3] in shown
    sent_list = browser.text("/staff/loans/sent")
    assert f"Request {number}" in sent_list and "Bilal" in sent_list, "forty people are told apart by name"
    assert f"/staff/loans/sent/{number}" in browser.text(url), "whoever asks again sees that they did"
    assert "Bilal" not in shown
    # A colleague reads nothing of whom they do not help: not in a list, not by its number.
    colleague = staff_browser("caseworker", name="Kim")
    referrer = staff_browser("referrer", name="Rae")
    for other in (colleague, referrer):
        assert other.get(f"/staff/loans/sent/{number}").status_code == 404
        assert "Bilal" not in other.text("/staff/loans/sent") and f"Request {number}" not in other.text(
            "/staff/loans/sent"
        )
    # Where the organisation shares its caseload they read how it stands, and not the code; of a restricted person nothing.
    with app.app_context(), transaction() as session:
        session.get_one(Organisation, browser.organisation_id).shares_caseload = True
    assert "quarter of an hour" not in colleague.text(f"/staff/loans/sent/{number}")
    assert "Bilal" in colleague.text("/staff/loans/sent")
    assert referrer.get(f"/staff/loans/sent/{number}").status_code == 404
    with app.app_context(), transaction() as session:
        session.get_one(Resident, resident_id).is_restricted = True
    assert colleague.get(f"/staff/loans/sent/{number}").status_code == 404
    assert "Bilal" not in colleague.text("/staff/loans/sent") and "Bilal" in browser.text("/staff/loans/sent")
    stranger = staff_browser("referrer", organisation="Blue Door")
    assert stranger.get(f"/staff/loans/sent/{number}").status_code == 404
    assert colleague.get(f"/staff/loans/requests/{number}").status_code == 403


def test_nobody_asks_for_whom_they_do_not_help(app: Flask, staff_browser: Staff) -> None:
    browser, other = staff_browser("caseworker"), staff_browser("caseworker", organisation="Blue Door")
    resident_id, _model = asks_for(app, browser)
    assert other.get(f"/staff/people/{resident_id}/ask-device").status_code == 404
    assert browser.get("/staff/people/999999/ask-device").status_code == 404


def test_a_place_of_another_scheme_is_refused(app: Flask, staff_browser: Staff) -> None:
    browser = staff_browser("caseworker")
    resident_id, model_id = asks_for(app, browser)
    with app.app_context(), transaction() as session:
        elsewhere = make_unit(session).place_id
    url = f"/staff/people/{resident_id}/ask-device"
    sent = browser.send(url, model=str(model_id), whom="me", place=str(elsewhere), consent="y", form_key="k")
    assert sent.status_code == 422 and "not lent there" in sent.text


def test_offers_live_in_one_row(desk: Desk) -> None:
    desk.offered()
    with desk.app.app_context(), transaction() as session:
        assert len(session.scalars(select(LoanOffer)).all()) == 1
