"""The page of one loan: what can be done about it, what is refused, and who may not even know of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import Loan, LoanNote, LoanOutcome, LoanRequest, Renewal, Unit
from inclusion_app.messages.rules import CHANNELS
from inclusion_app.people import my_record_services
from inclusion_app.people.models import Resident, Restriction
from tests.conftest import StaffBrowser, sign_in_staff, without_token
from tests.factories.accounts import make_organisation
from tests.factories.loans import make_loan, make_model, make_request, make_scheme, make_unit
from tests.loans.test_endings import make_sim


@pytest.fixture
def desk(app: Flask) -> StaffBrowser:
    return sign_in_staff(app, "loan_coordinator")


def lend(app: Flask, desk: StaffBrowser, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session, organisation_id=desk.organisation_id)
        unit = make_unit(session, model=make_model(session, scheme=scheme), **facts)
        loan = make_loan(session, unit=unit)
        session.get_one(Resident, loan.resident_id).name = "Amina"
        return loan.id


def page(number: int, more: str = "") -> str:
    return f"/staff/loans/loans/{number}{more}"


def loan_now(app: Flask, number: int) -> Loan:
    with app.app_context(), transaction() as session:
        return session.get_one(Loan, number)


def sim_of(app: Flask, number: int, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        return make_sim(session, session.get_one(Loan, number), **facts).id


def acts(app: Flask) -> list[str]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def test_it_says_who_has_what_until_when_and_one_row_says_who_looked(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    before = len(acts(app))
    text = desk.text(page(number))
    assert "Amina" in text and "Maker 14" in text and "charger" in text and "Signed on paper" in text
    assert acts(app)[before:] == ["read loans.one_loan"]


def test_kept_longer_at_the_desk_once(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    before = loan_now(app, number).due_on
    key = re.search(r'name="form_key" value="([^"]+)"', desk.text(page(number)))
    assert key
    for _press in range(2):
        assert desk.send(page(number, "/renew"), page(number), form_key=key[1]).status_code == 303
    loan = loan_now(app, number)
    assert loan.renewals == 1 and loan.due_on > before
    # The button is gone for today, and the page says why.
    assert "They asked on that day already." in desk.text(page(number))
    assert "renew loan" in acts(app)


@pytest.mark.parametrize("has_way", [True, False])
def test_that_they_are_told_is_said_only_when_they_are(app: Flask, desk: StaffBrowser, has_way: bool) -> None:
    number = lend(app, desk)
    with app.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        person = session.get_one(Resident, loan.resident_id)
        if has_way:
            my_record_services.add_route(
                session, resident=person, kind="letter", value="1 Red Road", channels=CHANNELS, now=now()
            )
        asked = make_request(
            session, model=loan.unit.model, status="submitted", waits_since=None, resident_id=person.id
        ).id
    said = []
    key = re.findall(r'name="form_key" value="([^"]+)"', desk.text(page(number)))[0]
    desk.send(page(number, "/renew"), page(number), form_key=key)
    said.append(desk.text(page(number)))
    request = f"/staff/loans/requests/{asked}"
    desk.send(f"{request}/ask", question="talk")
    said.append(desk.text(request))
    desk.send(f"{request}/decline", reason="no_stock")
    said.append(desk.text(request))
    notices = [re.findall(r'class="notice" role="status"><p>([^<]+)', text) for text in said]
    for found in notices:
        assert len(found) == 2, notices
        assert found[1].startswith("They are told." if has_way else "There is no safe way."), found
        assert "They are told" not in found[0]


def test_refused_with_the_reason_while_somebody_waits(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    with app.app_context(), transaction() as session:
        unit = session.get_one(Loan, number).unit
        assert unit
        make_request(session, model=unit.model)
    assert "Somebody waits for one." in desk.text(page(number))
    # Pressed on a page that was open before.
    assert desk.send(page(number, "/renew"), page(number), form_key="k").status_code == 303
    assert "Somebody waits for one." in desk.text(page(number))
    assert loan_now(app, number).renewals == 0


def test_after_the_last_time_ways_to_one_of_their_own_are_named(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    with app.app_context(), transaction() as session:
        session.get_one(Loan, number).renewals = 2
    text = desk.text(page(number))
    assert "A device bank gives away devices." in text and "A social tariff is cheaper" in text


def test_a_sim_goes_in_is_swapped_and_comes_out(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    first = sim_of(app, number, carrier="Carrier One", data_until=today() + timedelta(days=30), data_gb=20)
    refused = desk.send(page(number, "/sim"))
    assert refused.status_code == 422 and "Choose a SIM card." in refused.get_data(as_text=True)
    assert desk.send(page(number, "/sim"), sim=str(first)).status_code == 303
    text = desk.text(page(number))
    assert "Carrier One" in text and "The data ends before the loan" in text
    second = sim_of(app, number)
    assert "Is the money of your home low?" in desk.text(page(number, "/sim"))
    assert desk.send(page(number, "/sim"), sim=str(second)).status_code == 303
    assert desk.send(page(number, "/sim/out"), page(number)).status_code == 303
    assert desk.send(page(number, "/sim/out"), page(number)).status_code == 422


@pytest.mark.parametrize("sent", ["0", "999999", "x", "9" * 40, "\0"])
def test_no_sim_but_one_of_the_list(app: Flask, desk: StaffBrowser, sent: str) -> None:
    number = lend(app, desk)
    sim_of(app, number)
    assert desk.send(page(number, "/sim"), sim=sent).status_code == 422


def test_gone_locked_and_found(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    refused = desk.send(page(number, "/lost"))
    assert refused.status_code == 422 and "Choose what happened." in refused.get_data(as_text=True)
    assert desk.send(page(number, "/lost"), cause="stolen").status_code == 303
    text = desk.text(page(number))
    assert "Nobody owes anything" in text and "Do not look where it is" in text
    assert desk.send(page(number, "/locked"), page(number)).status_code == 303
    assert "It was locked from afar" in desk.text(page(number))
    # A second report from a page that was open before.
    late = desk.send(page(number, "/lost"), page(number), cause="lost")
    assert late.status_code == 422 and "This loan is over." in late.get_data(as_text=True)
    # And nobody is given such a form anew.
    for more in ("/lost", "/gift", "/sim"):
        answer = desk.get(page(number, more))
        assert (answer.status_code, answer.location) == (303, page(number))
    assert desk.send(page(number, "/found"), page(number)).status_code == 303
    assert desk.send(page(number, "/found"), page(number)).status_code == 422
    assert loan_now(app, number).status == "returned"


def test_a_gift_is_asked_once_more_and_the_owner_first(app: Flask, desk: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        owner = make_organisation(session, name="Donor & Sons").id
    number = lend(app, desk, owner_id=owner, support_until=today() - timedelta(days=1))
    text = desk.text(page(number, "/gift"))
    assert "It is not safe for a bank." in text and "Donor &amp; Sons" in text
    refused = desk.send(page(number, "/gift"))
    assert refused.status_code == 422 and "Ask them first" in refused.get_data(as_text=True)
    assert desk.send(page(number, "/gift"), owner_agrees="y").status_code == 303
    loan = loan_now(app, number)
    with app.app_context(), transaction() as session:
        unit = session.get_one(Unit, loan.unit_id)
        assert (loan.status, unit.status, unit.retired_for) == ("gifted", "retired", "gifted")


def test_how_it_goes_is_written_once_without_the_loan(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    assert desk.send(page(number, "/outcome"), used_for=["spying"]).status_code == 422
    sent = {"used_for": ["learn", "work"], "changed": ["school"]}
    assert desk.send(page(number, "/outcome"), **sent).status_code == 303
    assert desk.send(page(number, "/outcome"), **sent).status_code == 422
    with app.app_context(), transaction() as session:
        row = session.scalars(select(LoanOutcome)).one()
        assert (row.used_for, row.changed) == ("learn work", "school")


def test_a_note_is_kept_once_and_not_too_long(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    assert desk.send(page(number, "/note"), page(number), words="  ").status_code == 422
    assert desk.send(page(number, "/note"), page(number), words="x" * 501).status_code == 422
    for _press in range(2):
        sent = {"words": "Came without <b>charger</b>\0", "once": "one"}
        assert desk.send(page(number, "/note"), page(number), **sent).status_code == 303
    with app.app_context(), transaction() as session:
        assert len(session.scalars(select(LoanNote)).all()) == 1
    text = desk.text(page(number))
    assert "&lt;b&gt;charger" in text and "<b>charger" not in text


def test_a_loan_whose_person_left_still_has_its_page(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    with app.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        loan.resident_id, loan.loan_request_id = None, None
    assert "They have left nothing with us." in desk.text(page(number))
    assert desk.send(page(number, "/renew"), page(number), form_key="k").status_code == 303
    assert desk.send(page(number, "/lost"), cause="no_contact").status_code == 303


@pytest.mark.parametrize("more", ["", "/sim", "/lost", "/gift", "/outcome"])
def test_anothers_and_an_unknown_one_answer_alike(app: Flask, desk: StaffBrowser, more: str) -> None:
    mine = lend(app, desk)
    other = sign_in_staff(app, "loan_coordinator", organisation="Blue Door")
    assert desk.get(page(mine, more)).status_code == 200
    anothers, unknown = other.get(page(mine, more)), other.get(page(888_888, more))
    assert anothers.status_code == unknown.status_code == 404
    assert without_token(anothers) == without_token(unknown)
    for role in ("caseworker", "front_desk", "organisation_admin"):
        assert sign_in_staff(app, role).get(page(mine, more)).status_code == 403


def test_who_is_kept_from_the_coordinator_has_no_page(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    with app.app_context(), transaction() as session:
        person = session.get_one(Loan, number).resident_id
        session.add(
            Restriction(
                resident_id=person, staff_id=desk.staff_id, made_at=session.get_one(Loan, number).issued_at
            )
        )
    assert desk.get(page(number)).status_code == 404
    assert desk.client.post(page(number, "/lost"), data={"cause": "lost"}).status_code in {400, 404}


def test_nothing_is_asked_for_twice_when_the_request_is_gone(app: Flask, desk: StaffBrowser) -> None:
    number = lend(app, desk)
    for key in ("a", "b"):
        desk.send(page(number, "/renew"), page(number), form_key=key)
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(Renewal).order_by(Renewal.id)).all()
        assert [row.refused_for for row in rows] == [None, "asked"]
        assert session.scalars(select(LoanRequest.status)).all() == ["fulfilled"]
