"""A coordinator of Red Door with a scheme, a model and a place: what the tests of the stock's pages begin with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from inclusion_app.core.db import transaction
from inclusion_app.loans.models import Unit
from tests.conftest import StaffBrowser
from tests.factories.loans import make_model, make_scheme, make_unit
from tests.factories.training import make_place

Staff = Callable[..., StaffBrowser]


class Stock:
    """What there is, by numbers."""

    def __init__(self, app: Flask, staff: StaffBrowser, **facts: Any) -> None:
        self.app, self.holder_id = app, staff.organisation_id
        with app.app_context(), transaction() as session:
            scheme = make_scheme(session, organisation_id=staff.organisation_id, **facts)
            self.model_id = make_model(session, scheme=scheme, name="Maker 14").id
            self.place_id, self.place = (place := make_place(session)).id, place.slug

    def unit(self, **facts: Any) -> int:
        """A unit of this pool."""
        with self.app.app_context(), transaction() as session:
            from inclusion_app.loans.models import DeviceModel

            model = session.get_one(DeviceModel, self.model_id)
            return make_unit(session, model=model, place_id=self.place_id, **facts).id

    def facts(self, unit_id: int) -> Unit:
        """How a unit stands, apart from the session."""
        with self.app.app_context(), transaction() as session:
            unit = session.get_one(Unit, unit_id)
            session.expunge_all()
            return unit

    def tags(self) -> list[str]:
        """All tags of the pool."""
        with self.app.app_context(), transaction() as session:
            return list(
                session.scalars(select(Unit.tag).where(Unit.holder_id == self.holder_id).order_by(Unit.tag))
            )

    def new(self, **more: Any) -> dict[str, Any]:
        """The form of a new unit, filled in."""
        return {
            "model": self.model_id, "place": self.place_id, "owner": self.holder_id, "count": "1", "condition": "B",
            "once": re.sub(r"\W", "", str(sorted(more.items()))), **more,
        }  # fmt: skip
