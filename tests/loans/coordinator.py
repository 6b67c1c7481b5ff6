"""What the tests of the desk share: a coordinator at a screen, with a scheme of two places."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import DeviceModel, LoanOffer, LoanRequest, Unit
from inclusion_app.places.models import Place
from tests.conftest import StaffBrowser, sign_in_staff
from tests.factories.loans import make_loan, make_model, make_request, make_scheme, make_unit
from tests.factories.training import make_place


class Desk:
    """The scheme of the organisation a coordinator acts for."""

    def __init__(self, app: Flask, *roles: str, organisation: str = "Red Door") -> None:
        self.app = app
        self.browser: StaffBrowser = sign_in_staff(
            app, *(roles or ("loan_coordinator",)), organisation=organisation
        )
        with app.app_context(), transaction() as session:
            scheme = make_scheme(session, organisation_id=self.browser.organisation_id)
            self.model_id = make_model(session, scheme=scheme, name="Maker 14").id
            self.here, self.there = make_place(session).id, make_place(session).id
            self.names = {number: session.get_one(Place, number).name for number in (self.here, self.there)}

    def unit(self, session: Session, **facts: Any) -> Unit:
        """A unit here, made yesterday."""
        usual = {"place_id": self.here, "made_at": now() - timedelta(days=1)}
        return make_unit(session, model=session.get_one(DeviceModel, self.model_id), **{**usual, **facts})

    def request(self, session: Session, **facts: Any) -> LoanRequest:
        """Somebody who would fetch it here."""
        return make_request(
            session,
            model=session.get_one(DeviceModel, self.model_id),
            **{"place_id": self.here, **facts},
        )

    def offer(self, session: Session, **facts: Any) -> LoanOffer:
        """An offer of a ready unit."""
        request = self.request(session, status="offered")
        usual = {"request_id": request.id, "made_at": now(), "ends_at": now() + timedelta(days=5)}
        if "unit_id" not in facts:
            usual["unit_id"] = self.unit(session).id
        row = LoanOffer(**{**usual, **facts})
        session.add(row)
        session.flush()
        return row

    def loan(self, session: Session, *, due_in: int = 90, name: str = "", **facts: Any) -> Unit:
        """A unit that somebody has for so many days yet."""
        unit = self.unit(session, **facts)
        request = self.request(session, status="offered")
        loan = make_loan(session, unit=unit, request=request)
        loan.due_on = today() + timedelta(days=due_in)
        session.flush()
        return unit

    def write(self, work: Callable[[Session], Any]) -> Any:
        """Do something in a transaction of its own."""
        with self.app.app_context(), transaction() as session:
            return work(session)


def words_of(page: str) -> str:
    """The words of a page without its marks."""
    main = page[page.index("<main") :]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())
