"""Keep it longer, bring it back, and somebody who begins to wait, all at once: one of them wins and nothing is half done."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import DeviceModel, Loan, LoanRequest, Renewal, Unit
from inclusion_app.loans.services import custody, renewals
from tests.factories.loans import make_loan, make_model, make_request, make_unit

pytestmark = pytest.mark.postgres


def at_once(app: Flask, *works: Callable[[Session], object]) -> list[object]:
    """Each in a thread and a transaction of its own, from one start; what each gave back or refused."""
    ready, said = threading.Barrier(len(works)), []

    def do(work: Callable[[Session], object]) -> None:
        with app.app_context():
            ready.wait(30)
            try:
                with transaction() as session:
                    found = work(session)
                said.append(found)
            except RuleBroken as broken:
                said.append(broken.message)

    crowd = [threading.Thread(target=do, args=(work,)) for work in works]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    return said


def test_renewed_returned_and_waited_for_at_once(service_on_both: Flask) -> None:
    for _round in range(6):
        with service_on_both.app_context(), transaction() as session:
            unit = make_unit(session)
            loan = make_loan(session, unit=unit)
            number, due, model_id, unit_id = loan.id, loan.due_on, unit.model_id, unit.id

        def renew(key: str, number: int = number) -> Callable[[Session], object]:
            return lambda session: (
                renewals.ask_to_renew(
                    session,
                    loan=session.get_one(Loan, number),
                    how="code",
                    form_key=f"{number} {key}",
                    now=now(),
                ).refused_for
                or "kept"
            )

        def bring_back(session: Session, unit_id: int = unit_id) -> object:
            unit = session.get_one(Unit, unit_id)
            custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now())
            return "back"

        def wait_for_it(session: Session, model_id: int = model_id) -> object:
            make_request(session, model=session.get_one(DeviceModel, model_id))
            return "waits"

        said = at_once(
            service_on_both, renew("a"), renew("a"), renew("b"), renew("c"), bring_back, wait_for_it
        )
        with service_on_both.app_context(), transaction() as session:
            loan = session.get_one(Loan, number)
            rows = session.scalars(select(Renewal).where(Renewal.loan_id == number)).all()
            granted = [row for row in rows if row.new_due_on is not None]
            assert loan.status == "returned" and len(rows) == 3, said
            assert len(granted) == loan.renewals <= 1
            assert loan.due_on == (granted[0].new_due_on if granted else due) and loan.due_on >= due
            assert session.scalar(select(func.count()).where(LoanRequest.model_id == model_id)) == 2


def test_four_who_ask_at_once_get_one_more_time(service_on_both: Flask) -> None:
    with service_on_both.app_context(), transaction() as session:
        number = make_loan(session, unit=make_unit(session, model=make_model(session))).id

    def renew(key: str) -> Callable[[Session], object]:
        return lambda session: (
            renewals.ask_to_renew(
                session, loan=session.get_one(Loan, number), how="desk", form_key=key, now=now()
            ).refused_for
        )

    said = at_once(service_on_both, *(renew(f"form {each}") for each in range(4)))
    assert sorted(map(str, said)) == ["None", "asked", "asked", "asked"]
