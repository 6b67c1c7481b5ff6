"""A coordinator at Red Door with a scheme, a model, ready devices and somebody a device is kept for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import DeviceModel, LoanOffer, Unit
from tests.conftest import StaffBrowser
from tests.factories.loans import make_model, make_request, make_scheme, make_unit
from tests.factories.people import make_person

DRAWN = "M10 20L30 40L50 45L70 20M90 90L100 120L130 140"


class Desk:
    """A browser signed in as coordinator, and the ids of what lies on the desk."""

    def __init__(
        self, app: Flask, make: Callable[..., StaffBrowser], role: str = "loan_coordinator", **facts: Any
    ):
        self.app = app
        self.browser = make(role, name="Cora")
        with app.app_context(), transaction() as session:
            scheme = make_scheme(session, organisation_id=self.browser.organisation_id)
            model = make_model(session, scheme=scheme, **facts)
            self.model_id, self.holder_id = model.id, scheme.organisation_id
            unit = make_unit(session, model=model)
            self.unit_id, self.tag, self.place_id = unit.id, unit.tag, unit.place_id
            self.parts = [str(part.id) for part in unit.parts]
            self.request_id = self.keep(session, unit)

    def keep(self, session: Session, unit: Unit, **facts: Any) -> int:
        """Somebody a unit is kept for: the number of their request."""
        person = make_person(session, name="Amina")
        asked = make_request(
            session, model=session.get_one(DeviceModel, self.model_id), status="offered", resident_id=person.id,
            place_id=unit.place_id, **facts,
        )  # fmt: skip
        session.add(
            LoanOffer(
                request_id=asked.id, unit_id=unit.id, state="accepted", made_at=now(),
                ends_at=now() + timedelta(days=5),
            )
        )  # fmt: skip
        session.flush()
        return asked.id

    @property
    def page(self) -> str:
        """The page of the hand-over."""
        return f"/staff/loans/requests/{self.request_id}/hand-over"

    def ticked(self, **facts: Any) -> dict[str, Any]:
        """A form as it is sent when all is well."""
        usual = {
            "form_key": "k" * 20, "unit": self.tag, "parts": self.parts, "condition": "B", "sim": "",
            "place": str(self.place_id), "agreed_how": "paper", "is_agreed": "y", "language": "en", "signature": "",
        }  # fmt: skip
        return {**usual, **facts}
