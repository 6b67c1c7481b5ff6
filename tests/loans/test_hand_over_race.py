"""Two coordinators hand over one device at one moment, fifty times, at the pages and at the service, on both engines."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import Loan, LoanRequest, Unit
from inclusion_app.loans.services import custody
from inclusion_app.loans.services.handover import Ticked, hand_over
from tests.conftest import sign_in_staff
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
