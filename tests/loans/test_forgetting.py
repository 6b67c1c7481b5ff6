"""What goes with its person, what goes by the schedule, and what stays ended after a restore."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.loans import holding, protections
from inclusion_app.loans.models import Loan, LoanNote, LoanOffer, LoanRequest, RequestAnswers, Sim, Unit
from inclusion_app.loans.services import custody, endings, forgetting
from inclusion_app.people import services as people
from inclusion_app.people.models import GivenCode, Resident
from tests.factories.loans import hand_over, make_loan, make_model, make_request, make_unit

CANARY = "Zebra-7731"


def say_everything(session: Session, request: LoanRequest) -> None:
    """Every text a request can carry."""
    request.put_first_at, request.put_first_for = now(), CANARY
    session.add(RequestAnswers(request_id=request.id, answers={"no_device": True, "note": CANARY}))
    session.add(LoanNote(loan_request_id=request.id, words=CANARY, made_at=now()))
    session.add(
        LoanOffer(
            request_id=request.id, unit_id=make_unit(session, model=request.model).id, made_at=now(),
            ends_at=now() + timedelta(days=5), address=CANARY,
        )
    )  # fmt: skip
    session.flush()


def ended(session: Session, request: LoanRequest, how: str, at: datetime) -> LoanRequest:
    history.move(session, request, how, actor="test", now=at)
    request.ended_at, request.reason = at, "no_stock"
    session.flush()
    return request


def test_their_page_says_everything_and_nothing_of_it_stays(app: Flask) -> None:
    with app.test_request_context("/en"), transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        resident_id = loan.resident_id
        assert resident_id and loan.request
        loan.signature = CANARY
        waits = make_request(session, model=make_model(session), resident_id=resident_id)
        say_everything(session, waits)
        kept_for = session.scalars(select(LoanOffer.unit_id)).one()
        said = " ".join(f"{fact.label} {fact.value}" for fact in holding.describe(session, resident_id))
        assert said.count(CANARY) == 3 and "You borrow a device" in said
        data = str(holding.export(session, resident_id))
        assert data.count(CANARY) == 5 and waits.code not in data
        number = loan.id
        people.delete_resident(session, resident=session.get_one(Resident, resident_id), now=now())
        session.expire_all()
        left = session.get_one(Loan, number)
        # The machine is still out, and nobody else can have it; the one that was kept is free.
        assert (left.status, left.resident_id, left.loan_request_id, left.signature) == (
            "active", None, None, None,
        )  # fmt: skip
        assert custody.can_be_lent(session, unit.holder_id, unit.model_id) == 0
        freed = session.get_one(Unit, kept_for)
        assert custody.can_be_lent(session, freed.holder_id, freed.model_id) == 1
        for table in (LoanRequest, RequestAnswers, LoanNote, LoanOffer):
            assert session.scalar(select(func.count()).select_from(table)) == 0, table
        assert session.scalar(select(func.count()).where(GivenCode.kind == "loan")) == 0
        # It comes back like any other, with nobody behind it.
        assert custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now()) is left
        assert holding.describe(session, resident_id) == []


def test_what_came_to_nothing_goes_after_half_a_year(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        at = now()
        old = ended(session, make_request(session), "withdrawn", at - timedelta(days=184))
        young = ended(session, make_request(session), "declined", at - timedelta(days=182))
        waits = make_request(session, made_at=at - timedelta(days=900))
        stay = [young.id, waits.id]
        assert old.status == "withdrawn" and forgetting.delete_refused(session, now=at) == 1
        assert session.scalars(select(LoanRequest.id).order_by(LoanRequest.id)).all() == stay


def test_answers_go_after_ninety_days_and_the_sum_stays(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        at = now()
        old, young = make_request(session), make_request(session)
        for request, days in ((old, 91), (young, 89)):
            session.add(RequestAnswers(request_id=request.id, answers={"no_device": True}))
            request.put_first_at, request.put_first_for = at, CANARY
            ended(session, request, "withdrawn", at - timedelta(days=days))
        assert (forgetting.forget_answers(session, now=at), forgetting.forget_answers(session, now=at)) == (
            1,
            0,
        )
        assert session.scalars(select(RequestAnswers.request_id)).all() == [young.id]
        session.refresh(old)
        assert (old.points, old.put_first_for) == (8, None)


def test_a_code_opens_its_page_while_they_have_the_device_and_ninety_days_on(app: Flask) -> None:
    client = app.test_client()
    with app.app_context(), transaction() as session:
        loan = make_loan(session)
        asked = session.get_one(LoanRequest, loan.loan_request_id)
        loan.issued_at = asked.ended_at = now() - timedelta(days=91)
        session.add(RequestAnswers(request_id=asked.id, answers={"no_device": True}))
        number, code = asked.id, asked.code
    with app.app_context(), transaction() as session:
        # The answers have gone, and the code still opens what they have.
        assert forgetting.forget_answers(session, now=now()) == 1
        assert session.scalars(select(RequestAnswers.request_id)).all() == []
        assert forgetting.forget_answers(session, now=now() + timedelta(days=400)) == 0
    assert client.get(f"/en/loans/{code}").status_code == 200
    with app.app_context(), transaction() as session:
        loan = session.scalars(select(Loan).where(Loan.loan_request_id == number)).one()
        assert loan.unit
        back = now()
        custody.take_in(session, unit=loan.unit, staff_id=None, hold_days=0, now=back)
        assert forgetting.forget_answers(session, now=back + timedelta(days=89)) == 0
    assert client.get(f"/en/loans/{code}").status_code == 200
    with app.app_context(), transaction() as session:
        assert forgetting.forget_answers(session, now=back + timedelta(days=91)) == 1
        assert session.get_one(LoanRequest, number).forgotten_at is not None
    assert client.get(f"/en/loans/{code}").status_code == 404


def test_a_loan_goes_two_years_after_its_end_with_its_request(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        at = now()
        old, young, out = make_loan(session), make_loan(session), make_loan(session)
        for loan, days in ((old, 732), (young, 730)):
            assert loan.unit
            custody.take_in(
                session, unit=loan.unit, staff_id=None, hold_days=0, now=at - timedelta(days=days)
            )
        session.flush()
        gone, numbers = (old.id, old.loan_request_id, old.unit_id), [young.id, out.id]
        assert forgetting.delete_old_loans(session, now=at) == 1
        assert session.scalars(select(Loan.id).order_by(Loan.id)).all() == numbers
        assert session.get(LoanRequest, gone[1]) is None and session.get(Unit, gone[2]) is not None


def test_a_sim_alone_that_came_back_stays_back_after_a_restore(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        shell = make_unit(session, model=model)
        usual = {"holder_id": model.organisation_id, "place_id": shell.place_id, "made_at": now()}
        sims_ = [Sim(iccid=f"8944000000000000000{number}", **usual) for number in range(3)]
        session.add_all(sims_)
        session.flush()
        loans = [
            custody.issue(
                session, request=make_request(session, model=model, status="offered"), unit=None, staff_id=None, now=now(),
                hand_over=hand_over(shell, sim_id=sim.id, parts=[]),
            )
            for sim in sims_
        ]  # fmt: skip
        back, found, _out = loans
        ids = [loan.id for loan in loans]
        session.commit()
        custody.take_in(session, unit=None, loan=back, staff_id=None, now=now())
        endings.report_lost(session, loan=found, cause="lost", staff_id=None, now=now())
        session.flush()
        known = protections.facts_of(session, {}, now=now())
        session.rollback()
        assert [session.get_one(Loan, number).status for number in ids] == ["active"] * 3
        assert protections.put_back(session, facts=known, now=now()) == 2
        assert protections.put_back(session, facts=known, now=now()) == 0
        assert [session.get_one(Loan, number).status for number in ids] == ["returned", "lost", "active"]
        # Its number does not ring at somebody else's.
        assert [session.get_one(Sim, sim.id).state for sim in sims_] == ["ended", "lost", "out"]


def test_what_ended_stays_ended_after_a_restore(app: Flask) -> None:
    with app.app_context():
        with transaction() as session:
            withdrawn, waits = make_request(session), make_request(session)
            back, lost, given, out = (make_loan(session) for _each in range(4))
            ids = [loan.id for loan in (back, lost, given, out)]
            requests = withdrawn.id, waits.id
        known = {}
        with transaction() as session:
            ended(session, session.get_one(LoanRequest, requests[0]), "withdrawn", now())
            one, two, three, _out = (session.get_one(Loan, number) for number in ids)
            assert one.unit
            custody.take_in(session, unit=one.unit, staff_id=None, hold_days=3, now=now())
            endings.report_lost(session, loan=two, cause="stolen", staff_id=None, now=now())
            endings.give_away(session, loan=three, staff_id=None, now=now())
            session.flush()
            known = protections.facts_of(session, {}, now=now())
            session.rollback()
        with transaction() as session:
            assert protections.put_back(session, facts=known, now=now()) == 4
            assert protections.put_back(session, facts=known, now=now()) == 0
            session.flush()
            states = [session.get_one(Loan, number).status for number in ids]
            assert states == ["returned", "lost", "gifted", "active"]
            unit = session.get_one(Loan, ids[0]).unit
            assert unit and unit.status == "quarantine"
            assert [session.get_one(LoanRequest, number).status for number in requests] == [
                "withdrawn", "queued",
            ]  # fmt: skip
        # Of a row that got the number of another nothing is known.
        with transaction() as session:
            other = {
                protections.LOANS: [
                    (ids[3], "2020-01-01T00:00:00+00:00", now().isoformat(), "returned", None)
                ]
            }
            assert protections.put_back(session, facts=other, now=now()) == 0
