"""Organisations and staff for tests."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.accounts.queries import hash_of_email
from inclusion_app.core.clock import now

_numbers = itertools.count(1)


def make_organisation(session: Session, **facts: Any) -> Organisation:
    """A charity."""
    usual = {"name": f"Charity {next(_numbers)}", "kind": "voluntary", "made_at": now()}
    row = Organisation(**{**usual, **facts})
    session.add(row)
    session.flush()
    return row


def make_staff(session: Session, *, organisation_id: int, roles: tuple[str, ...] = (), **facts: Any) -> Staff:
    """Somebody with these roles in one organisation and no password yet."""
    email = facts.pop("email", f"person{next(_numbers)}@example.org")
    usual = {"name": "Sam Patel", "made_at": now()}
    row = Staff(**{**usual, **facts}, email=email, email_hash=hash_of_email(email))
    session.add(row)
    session.flush()
    for role in roles:
        session.add(Membership(staff_id=row.id, organisation_id=organisation_id, role=role, since_at=now()))
    session.flush()
    return row
