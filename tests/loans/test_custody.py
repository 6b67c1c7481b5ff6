"""One unit, one loan: two who issue it at once, a form sent twice, a unit that is back."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest, Ticket, Transfer, Unit
from inclusion_app.loans.services import custody, offers
from tests.factories.loans import hand_over, make_loan, make_request, make_unit
from tests.factories.training import make_place

pytestmark = pytest.mark.postgres


def test_many_issue_one_unit_and_one_wins(service_on_both: Flask) -> None:
    for _round in range(5):
        everybody_issues(service_on_both)


def everybody_issues(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        unit = make_unit(session)
        number, requests = (
            unit.id,
            [make_request(session, model=unit.model, status="offered").id for _ in range(8)],
        )
    ready, said = threading.Barrier(8), []

    def issue(request_id: int) -> None:
        with app.app_context():
            ready.wait(30)
            try:
                with transaction() as session:
                    unit = session.get_one(Unit, number)
                    request = session.get_one(LoanRequest, request_id)
                    custody.issue(
                        session,
                        request=request,
                        unit=unit,
                        hand_over=hand_over(unit),
                        staff_id=None,
                        now=now(),
                    )
                said.append("issued")
            except RuleBroken as broken:
                said.append(broken.message)

    crowd = [threading.Thread(target=issue, args=(each,)) for each in requests]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert sorted(said) == [custody.IS_OUT] * 7 + ["issued"], said
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).where(Loan.unit_id == number)) == 1
        states = session.scalars(select(LoanRequest.status).where(LoanRequest.id.in_(requests))).all()
        assert sorted(states) == ["fulfilled"] + ["offered"] * 7
        assert session.get_one(Unit, number).issued == 1


def test_a_form_sent_twice_issues_once(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        request, form = make_request(session, model=unit.model, status="offered"), hand_over(unit)
        loans = [
            custody.issue(session, request=request, unit=unit, hand_over=form, staff_id=None, now=now())
            for _press in range(2)
        ]
        session.refresh(unit)
        assert loans[0].id == loans[1].id and unit.issued == 1


def test_what_is_back_is_in_quarantine_and_not_lent_before_it_is_clean(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        assert custody.can_be_lent(session, unit.holder_id, unit.model_id) == 0
        assert custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now()) is loan
        assert custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=now()) is None
        assert (loan.status, unit.status) == ("returned", "quarantine")
        with pytest.raises(RuleBroken, match="not ready"):
            make_loan(session, unit=unit)
    with pytest.raises(IntegrityError, match="clean"), transaction() as session:
        session.execute(update(Unit).values(status="ready"))


def on_its_way(session: Session, unit: Unit) -> None:
    """Somebody sent it to another place."""
    session.add(Transfer(unit_id=unit.id, from_id=unit.place_id, to_id=make_place(session).id, sent_at=now()))


def with_a_fault(session: Session, unit: Unit) -> None:
    """A fault of it is known, and nobody has put it into repair."""
    session.add(
        Ticket(
            unit_id=unit.id, organisation_id=unit.holder_id, status="reported", fault="screen", opened_at=now()
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("happened", "said"), [(on_its_way, custody.IS_MOVING), (with_a_fault, custody.IS_BROKEN)]
)
def test_what_is_on_its_way_or_broken_is_not_lent_offered_or_counted(
    both_engines: Flask, happened, said: str
) -> None:  # type: ignore[no-untyped-def]
    with transaction() as session:
        unit = make_unit(session)
        waits = make_request(session, model=unit.model)
        kept = make_request(session, model=unit.model, status="offered")
        other = make_unit(session, model=unit.model)
        offer = LoanOffer(
            request_id=kept.id, unit_id=other.id, made_at=now(), ends_at=now() + timedelta(days=5)
        )
        session.add(offer)
        assert custody.can_be_lent(session, unit.holder_id, unit.model_id) == 1
        happened(session, unit)
        session.flush()
        assert custody.can_be_lent(session, unit.holder_id, unit.model_id) == 0
        assert not offers.could_serve(session, unit.holder_id, unit.model_id)
        assert offers.serve(session, organisation_id=unit.holder_id, model_id=unit.model_id, now=now()) == 0
        assert waits.status == "queued"
        for refused in (
            lambda: custody.issue(
                session, request=kept, unit=unit, hand_over=hand_over(unit), staff_id=None, now=now()
            ),
            lambda: offers.swap_unit(session, offer=offer, unit=unit, now=now()),
        ):
            with pytest.raises(RuleBroken) as broken:
                refused()
            assert broken.value.message == said
        assert offer.unit_id == other.id
