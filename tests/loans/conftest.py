"""A scheme with a laptop in a real library, for the pages."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.db import transaction
from inclusion_app.places.models import Place
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation
from tests.factories.loans import make_model, make_scheme, make_unit
from tests.loans.stock_pages import Staff, Stock


@dataclass(frozen=True)
class Scheme:
    """Ids of what is lent: an organisation, a laptop model with one ready unit, and where that lies."""

    organisation_id: int
    model_id: int
    unit_id: int
    place_id: int


@pytest.fixture
def lending(app: Flask) -> Scheme:
    """An open scheme that lends a laptop."""
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session, name="Red Door")
        scheme = make_scheme(session, organisation_id=organisation.id)
        place = session.scalars(select(Place).where(Place.slug == "gorton-library")).one()
        model = make_model(session, scheme=scheme, steps="A1 A2")
        unit = make_unit(session, model=model, place_id=place.id)
        return Scheme(organisation.id, model.id, unit.id, place.id)


@pytest.fixture
def coordinator(staff_browser: Staff) -> StaffBrowser:
    """A loan coordinator at a screen."""
    return staff_browser("loan_coordinator")


@pytest.fixture
def stock(app: Flask, coordinator: StaffBrowser) -> Stock:
    """What the scheme of this coordinator has."""
    return Stock(app, coordinator)
