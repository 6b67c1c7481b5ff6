"""Organisations and staff for tests."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.accounts.queries import hash_of_email
from inclusion_app.core import staff_sessions
from inclusion_app.core.clock import now
from inclusion_app.core.staff_sessions import StaffSession

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


def sign_in(session: Session, *, staff_id: int, organisation_id: int) -> str:
    """A sign-in with both factors, proven just now; what its cookie holds."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=staff_sessions.hash_of(token), staff_id=staff_id, organisation_id=organisation_id, stage="full",
            began_at=now(), last_used_at=now(), proven_at=now(),
        )
    )  # fmt: skip
    session.flush()
    return token
