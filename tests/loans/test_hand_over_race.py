"""Two coordinators hand over one device at one moment, fifty times, at the pages and at the service, on both engines."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest, Sim, SimUse, Unit
from inclusion_app.loans.services import custody, offers, sims
from inclusion_app.loans.services.handover import Ticked, hand_over
from inclusion_app.loans.staff_loan_words import NOT_FREE
from tests.conftest import sign_in_staff
from tests.factories import loans as factory
from tests.factories.accounts import make_staff
from tests.factories.loans import make_model, make_request, make_scheme, make_unit
from tests.factories.people import make_person

pytestmark = pytest.mark.postgres
ROUNDS = int(os.environ.get("RACE_ROUNDS", "50"))


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """What each gives when all begin at one moment."""
    ready, given = threading.Barrier(len(work)), [None] * len(work)

    def do(number: int) -> None:
        ready.wait(30)
        given[number] = work[number]()

    crowd = [threading.Thread(target=do, args=(number,)) for number in range(len(work))]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    return given


def lay_out(app: Flask, organisation_id: int) -> list[tuple[int, str, int, tuple[int, int]]]:
    """Units, each with two people who could have it."""
    with app.app_context(), transaction() as session:
        model = make_model(session, scheme=make_scheme(session, organisation_id=organisation_id))
        place_id, person_id = make_unit(session, model=model).place_id, make_person(session).id
        found = []
        for _round in range(ROUNDS):
            unit = make_unit(session, model=model, place_id=place_id)
            both = [
                make_request(session, model=model, status="offered", resident_id=person_id).id
                for _who in range(2)
            ]
            found.append((unit.id, unit.tag, place_id, (both[0], both[1])))
        return found


def counts_fit(app: Flask, units: list[int]) -> None:
    with app.app_context(), transaction() as session:
        issued = dict(session.execute(select(Unit.id, Unit.issued).where(Unit.id.in_(units))).all())
        assert issued == dict.fromkeys(units, 1)
        loans = select(Loan.unit_id, func.count()).where(Loan.unit_id.in_(units)).group_by(Loan.unit_id)
        assert dict(session.execute(loans).all()) == dict.fromkeys(units, 1)


def test_at_the_pages_one_wins_and_the_other_reads_by_whom(service_on_both: Flask) -> None:
    app = service_on_both
    browsers = [sign_in_staff(app, "loan_coordinator", name=name) for name in ("Ann", "Ben")]
    rounds = lay_out(app, browsers[0].organisation_id)
    tokens = []
    for browser in browsers:
        found = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/staff/loans/hand-over"))
        assert found
        tokens.append(found[1])
    lost = {"Ann": 0, "Ben": 0}
    for _unit, tag, place_id, requests in rounds:

        def press(
            number: int, tag: str = tag, place_id: int = place_id, requests: Any = requests
        ) -> tuple[int, str]:
            form = {
                "csrf_token": tokens[number], "form_key": secrets.token_hex(10), "unit": tag, "condition": "B",
                "place": str(place_id), "agreed_how": "paper", "is_agreed": "y", "language": "en", "sim": "",
            }  # fmt: skip
            page = f"/staff/loans/requests/{requests[number]}/hand-over"
            answer = browsers[number].client.post(page, data=form)
            return answer.status_code, answer.get_data(as_text=True)

        answers = at_once(lambda press=press: press(0), lambda press=press: press(1))
        assert sorted(status for status, _page in answers) == [303, 422]
        slower = next(number for number, (status, _page) in enumerate(answers) if status == 422)
        name, other = ("Ann", "Ben")[slower], ("Ben", "Ann")[slower]
        lost[name] += 1
        assert f"Just issued by {other}" in answers[slower][1]
    counts_fit(app, [unit for unit, *_more in rounds])
    assert sum(lost.values()) == ROUNDS


def test_at_the_service_one_wins(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session)
        organisation_id = scheme.organisation_id
        staff = [
            make_staff(session, organisation_id=organisation_id, name=name).id for name in ("Ann", "Ben")
        ]
    rounds = lay_out(app, organisation_id)
    for unit_id, _tag, place_id, requests in rounds:

        def issue(
            number: int, unit_id: int = unit_id, place_id: int = place_id, requests: Any = requests
        ) -> str:
            with app.app_context():
                try:
                    with transaction() as session:
                        hand_over(
                            session, request=session.get_one(LoanRequest, requests[number]),
                            unit=session.get_one(Unit, unit_id), staff_id=staff[number], now=now(),
                            ticked=Ticked(form_key=secrets.token_hex(10), place_id=place_id, agreed_how="spoken"),
                        )  # fmt: skip
                    return "issued"
                except RuleBroken as broken:
                    return broken.message

        said = at_once(lambda issue=issue: issue(0), lambda issue=issue: issue(1))
        assert sorted(said) == sorted(["issued", custody.JUST_ISSUED])
    counts_fit(app, [unit for unit, *_more in rounds])


def test_two_who_scan_one_return_take_it_in_once(service_on_both: Flask) -> None:
    from inclusion_app.loans.models import TakeIn
    from inclusion_app.loans.services.returns import quick_return
    from tests.factories.loans import make_loan

    app = service_on_both
    with app.app_context(), transaction() as session:
        units = [make_loan(session, unit=make_unit(session)).unit_id for _round in range(5)]
    for unit_id in units:

        def scan(unit_id: int | None = unit_id) -> str:
            with app.app_context():
                try:
                    with transaction() as session:
                        unit = session.get_one(Unit, unit_id)
                        return quick_return(
                            session, unit=unit, at_place_id=unit.place_id, staff_id=None, now=now()
                        ).how
                except RuleBroken:
                    return "in_already"

        said = at_once(scan, scan)
        assert "in" in said and set(said) <= {"in", "in_already", "not_out"}, said
        assert said.count("in") == 1
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count(TakeIn.id))) == len(units)


def _issue_with_it(session: Session, request_id: int, unit_id: int, sim_id: int, _loan_id: int) -> None:
    unit, request = session.get_one(Unit, unit_id), session.get_one(LoanRequest, request_id)
    history.move(session, request, "offered", actor="staff", now=now())
    custody.issue(
        session, request=request, unit=unit, staff_id=None, now=now(),
        hand_over=factory.hand_over(unit, sim_id=sim_id),
    )  # fmt: skip


def _put_it_in(session: Session, _request_id: int, _unit_id: int, sim_id: int, loan_id: int) -> None:
    sims.put_in(session, loan=session.get_one(Loan, loan_id), sim=session.get_one(Sim, sim_id), now=now())


def _swap_for_it(session: Session, _request_id: int, _unit_id: int, sim_id: int, loan_id: int) -> None:
    sims.swap(session, loan=session.get_one(Loan, loan_id), sim=session.get_one(Sim, sim_id), now=now())


@pytest.mark.parametrize("take", [_issue_with_it, _put_it_in, _swap_for_it])
def test_sim_race_one_that_was_just_kept_for_somebody_goes_to_nobody_else(
    service_on_both: Flask, take: Callable[[Session, int, int, int, int], None]
) -> None:
    """The queue offers a SIM and has not ended yet, when a coordinator takes it for another: they wait, and then see it."""
    app = service_on_both
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session)
        sim_model, laptop = make_model(session, scheme=scheme, kind="sim"), make_model(session, scheme=scheme)
        unit = make_unit(session, model=laptop)
        loan = factory.make_loan(session, unit=make_unit(session, model=laptop, place_id=unit.place_id))
        old, free = (
            Sim(
                holder_id=scheme.organisation_id,
                place_id=unit.place_id,
                iccid=f"8944000000000000000{n}",
                made_at=now(),
            )
            for n in range(2)
        )
        session.add(old)
        session.flush()
        if take is _swap_for_it:
            sims.put_in(session, loan=loan, sim=old, now=now())
        else:
            old.state = "ended"
        session.add(free)
        session.flush()
        make_request(session, model=sim_model, status="queued")
        other = make_request(session, model=laptop, status="queued")
        organisation_id, model_id = scheme.organisation_id, sim_model.id
        numbers = (other.id, unit.id, free.id, loan.id)
    is_kept = threading.Event()

    def keep() -> int:
        with app.app_context(), transaction() as session:
            made = offers.serve(session, organisation_id=organisation_id, model_id=model_id, now=now())
            session.flush()
            is_kept.set()
            # So long that the other one comes to the locked row meanwhile.
            time.sleep(0.7)
            return made

    def take_it() -> str:
        with app.app_context():
            is_kept.wait(30)
            try:
                with transaction() as session:
                    take(session, *numbers)
                return "taken"
            except RuleBroken as broken:
                return broken.message

    assert at_once(keep, take_it) == [1, custody.SIM_TAKEN if take is _issue_with_it else NOT_FREE]
    with app.app_context(), transaction() as session:
        sim_id = numbers[2]
        assert session.get_one(Sim, sim_id).state == "stock"
        assert session.scalar(select(func.count()).where(SimUse.sim_id == sim_id)) == 0
        assert session.scalars(select(LoanOffer.state).where(LoanOffer.sim_id == sim_id)).all() == ["open"]
