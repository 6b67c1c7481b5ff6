"""Schemes, device models, units, requests and loans, for tests."""

from __future__ import annotations

import itertools
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.loans.models import (
    DeviceModel,
    DeviceModelText,
    Evidence,
    KitPart,
    Loan,
    LoanOffer,
    LoanRequest,
    LoanScheme,
    QuotaPool,
    Sim,
    StockItem,
    StockTake,
    Ticket,
    Transfer,
    Unit,
    Wipe,
)
from inclusion_app.loans.rules import POINTS
from inclusion_app.loans.services import custody
from inclusion_app.people import services as people
from inclusion_app.people.models import Consent
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent, make_person
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
    """Somebody who waits in the queue, and shares with the scheme who they are (`shares`: or no longer does)."""
    model, shares = model or make_model(session), facts.pop("shares", True)
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
    known = select(Consent.id).where(
        Consent.resident_id == row.resident_id, Consent.organisation_id == row.organisation_id
    )
    if shares and session.scalar(known.limit(1)) is None:
        make_consent(
            session, resident_id=row.resident_id, organisation_id=row.organisation_id, items=("identity", "contact")
        )  # fmt: skip
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


def one_of_each(session: Session, *, scheme: LoanScheme, unit: Unit, request: LoanRequest) -> dict[str, Any]:
    """One row of each kind of this scheme, by the name of the part of an address that asks for it."""
    holder, place_id = scheme.organisation_id, unit.place_id
    number = next(_numbers)
    evidence = Evidence(
        organisation_id=holder, unit_id=unit.id, kind="photo", media_type="image/png", sha256="0" * 64, size=1,
        added_at=now(),
    )  # fmt: skip
    in_repair = make_unit(session, model=unit.model, place_id=place_id, status="repair")
    rows: dict[str, Any] = {
        "sim_id": Sim(holder_id=holder, place_id=place_id, iccid=f"89{number:018d}", made_at=now()),
        "stock_item_id": StockItem(
            holder_id=holder, place_id=place_id, kind="accessory", name=f"mouse {number}", in_stock=3
        ),
        "pool_id": QuotaPool(organisation_id=holder, kind="area", ward="E05011355", share=10),
        "offer_id": LoanOffer(
            request_id=make_request(session, model=unit.model, status="offered", shares=False).id,
            unit_id=make_unit(session, model=unit.model).id, made_at=now(), ends_at=now() + timedelta(days=5),
        ),
        "evidence_id": evidence,
        "wipe_id": Wipe(
            unit_id=unit.id, method="clear", tool="Nwipe", wiped_at=now(), verified_at=now()
        ),
        "ticket_id": Ticket(
            unit_id=in_repair.id, organisation_id=holder, status="reported", fault="screen", opened_at=now()
        ),
        "transfer_id": Transfer(
            unit_id=unit.id, from_id=place_id, to_id=make_place(session).id, sent_at=now()
        ),
        "count_id": StockTake(organisation_id=holder, place_id=place_id, begun_at=now()),
    }  # fmt: skip
    session.add_all(rows.values())
    session.flush()
    return rows | {"model_id": unit.model, "unit_id": unit, "loan_request_id": request}
