"""Residents, consents and what surrounds them, for tests."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.pins import hash_secret
from inclusion_app.people import services
from inclusion_app.people.models import CaseloadEntry, Consent, ConsentItem, Resident
from inclusion_app.people.rules import ITEMS

SECRET = "a secret for tests only, long enough to be taken"
PIN = "4071"


@functools.cache
def hash_of_pin() -> str:
    """The PIN's hash, made once: it is slow on purpose."""
    return hash_secret(PIN, SECRET)


def make_person(session: Session, **facts: Any) -> Resident:
    """A resident with a code and the PIN 4071; any column of the record can be said."""
    row = services.make_resident(
        session, secret_kind="pin", secret_hash=hash_of_pin(), nickname=None, pin_for_everything=False,
        language=facts.pop("language", "en"), now=now(),
    )  # fmt: skip
    for name, value in facts.items():
        setattr(row, name, value)
    session.flush()
    return row


def make_consent(
    session: Session, *, resident_id: int, organisation_id: int, items: tuple[str, ...] = ITEMS, **facts: Any
) -> Consent:
    """A live consent by screen to an organisation, for a year, of all items unless said otherwise."""
    usual = {
        "purpose": "help", "basis": "consent", "wording": "2026-11", "language": "en", "how": "screen",
        "given_at": now(), "until_at": now() + timedelta(days=365),
    }  # fmt: skip
    row = Consent(**{**usual, **facts}, resident_id=resident_id, organisation_id=organisation_id)
    row.items = [ConsentItem(item=item) for item in items]
    session.add(row)
    session.flush()
    return row


def put_on_caseload(session: Session, *, resident_id: int, staff_id: int, organisation_id: int) -> None:
    """The resident is looked after by this member of staff."""
    session.add(
        CaseloadEntry(
            organisation_id=organisation_id, staff_id=staff_id, resident_id=resident_id, since_at=now()
        )
    )
    session.flush()
