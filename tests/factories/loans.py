"""Schemes, device models, units, requests and loans, for tests."""

from __future__ import annotations

import itertools
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.loans.models import (
    DeviceModel,
    DeviceModelText,
    KitPart,
    Loan,
    LoanRequest,
    LoanScheme,
    Unit,
)
from inclusion_app.loans.rules import POINTS
from inclusion_app.loans.services import custody
from inclusion_app.people import services as people
from tests.factories.accounts import make_organisation
from tests.factories.people import make_person
from tests.factories.training import make_place

_numbers = itertools.count(1)


def make_scheme(session: Session, *, organisation_id: int | None = None, **facts: Any) -> LoanScheme:
    """An open scheme with the usual points."""
    if organisation_id is None:
        organisation_id = make_organisation(session).id
    known = session.get(LoanScheme, organisation_id)
    if known is not None:
        return known
    row = LoanScheme(
        organisation_id=organisation_id, **{"phone": "0161 496 0000", "points": dict(POINTS), **facts}
    )
    session.add(row)
    session.flush()
    return row


def make_model(session: Session, *, scheme: LoanScheme | None = None, **facts: Any) -> DeviceModel:
    """A laptop with a camera, with English words."""
    scheme = scheme or make_scheme(session)
    usual = {
        "kind": "laptop",
        "name": "Maker 14",
        "features": "camera keyboard",
        "steps": "A1 A2",
        "made_at": now(),
    }
    row = DeviceModel(organisation_id=scheme.organisation_id, **{**usual, **facts})
    row.texts = [DeviceModelText(language="en", title="Laptop with a camera", summary="For learning.")]
    session.add(row)
    session.flush()
    return row


def make_unit(session: Session, *, model: DeviceModel | None = None, **facts: Any) -> Unit:
    """A clean, ready laptop with its charger."""
    model, number = model or make_model(session), next(_numbers)
    usual = {
        "tag": f"MCR-{number:05d}", "owner_id": model.organisation_id, "holder_id": model.organisation_id,
        "serial": f"SN{number:07d}", "status": "ready", "made_at": now(),
        "wiped_at": now() - timedelta(hours=2), "checked_at": now() - timedelta(hours=1),
    }  # fmt: skip
    if "place_id" not in facts:
        usual["place_id"] = make_place(session).id
    row = Unit(model_id=model.id, **{**usual, **facts})
    row.parts = [KitPart(name="charger", count=1)]
    session.add(row)
    session.flush()
    return row


def make_request(session: Session, *, model: DeviceModel | None = None, **facts: Any) -> LoanRequest:
    """Somebody who waits in the queue."""
    model = model or make_model(session)
    code = people.give_code(session, kind="loan", now=now())
    usual = {
        "status": "queued", "purposes": "learn", "language": "en", "consent_wording": "2026-11", "made_at": now(),
        "waits_since": now(), "points": 8, "form_key": secrets.token_hex(16),
    }  # fmt: skip
    if "resident_id" not in facts:
        usual["resident_id"] = make_person(session).id
    row = LoanRequest(
        code=code, code_hash=people.hash_of_code(code), organisation_id=model.organisation_id, model_id=model.id,
        **{**usual, **facts},
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def hand_over(unit: Unit, **facts: Any) -> custody.HandOver:
    """What a coordinator ticks."""
    usual = {
        "form_key": secrets.token_hex(16), "due_on": today() + timedelta(days=90), "place_id": unit.place_id,
        "agreement": "2026-11", "agreed_how": "paper", "language": "en", "parts": [("charger", 1)],
    }  # fmt: skip
    return custody.HandOver(**{**usual, **facts})


def make_loan(session: Session, *, unit: Unit | None = None, request: LoanRequest | None = None) -> Loan:
    """A loan by the service itself."""
    unit = unit or make_unit(session)
    request = request or make_request(session, model=unit.model, status="offered")
    return custody.issue(
        session, request=request, unit=unit, hand_over=hand_over(unit), staff_id=None, now=now()
    )
