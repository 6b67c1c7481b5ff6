"""One resident with everything, looked after by somebody: what most tests of the staff pages begin with."""

from __future__ import annotations

from typing import Any

from flask import Flask

from inclusion_app.core import audit
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people import contact, record_services
from inclusion_app.people.models import ContactRoute, Resident
from tests.conftest import StaffBrowser
from tests.factories.people import make_consent, make_person, put_on_caseload

NAME, PHONE, EMAIL = "Amina Yusuf", "+447700900123", "amina@example.org"


def looked_after(app: Flask, staff: StaffBrowser | None, *, items: Any = None, **facts: Any) -> int:
    """A resident with a name, a phone and a safe-contact rule, on the caseload of this member of staff."""
    usual = {
        "name": NAME, "spoken": "so", "read": "so", "age_band": "25_49", "ward": "E05011368",
        "postcode_sector": "M14 5", "needs": {"needs": ["large_print", "quiet"]},
        "safe_contact": {"never_call": True, "hours": ["10:00", "12:00"], "interpreters_to_avoid": "a cousin"},
    }  # fmt: skip
    facts = {**usual, **facts}
    with app.app_context(), transaction() as session:
        name_hash = record_services.hash_of_name(facts["name"] or "")
        number = make_person(session, **facts, name_hash=name_hash).id
        for position, (kind, value) in enumerate((("sms", PHONE), ("email", EMAIL), ("caseworker", None)), 1):
            session.add(
                ContactRoute(
                    resident_id=number, position=position, kind=kind, value=value,
                    value_hash=contact.hash_of_value(value) if value else None, made_at=now(),
                )
            )  # fmt: skip
        if staff is not None:
            more = {} if items is None else {"items": items}
            make_consent(session, resident_id=number, organisation_id=staff.organisation_id, **more)
            put_on_caseload(
                session, resident_id=number, staff_id=staff.staff_id, organisation_id=staff.organisation_id
            )
    return number


def code_of(app: Flask, number: int) -> str:
    with app.app_context(), transaction() as session:
        return session.get_one(Resident, number).code


def rows_of(app: Flask, number: int | None = None) -> list[tuple[str, int | None, int | None, str, str]]:
    """(action, staff, resident, items, purpose) of each row of the record, the oldest first."""
    with app.app_context(), transaction() as session:
        rows = session.query(audit.AuditRow).order_by(audit.AuditRow.id)
        return [
            (row.action, row.actor_id, row.resident_id, row.items, row.purpose)
            for row in rows
            if number is None or row.resident_id == number
        ]
