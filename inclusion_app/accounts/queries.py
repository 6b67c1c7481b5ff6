"""Questions about staff: who asks, by which e-mail address, in which organisations."""

from __future__ import annotations

from flask_login import UserMixin
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal, current_staff
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session
from inclusion_app.core.staff_sessions import current_session


def hash_of_email(email: str) -> str:
    """Under what an e-mail address is looked up: the blind index of staff, whatever its case and spaces."""
    return keyed_hash("staff-email", email.strip().casefold())


def staff_by_email(session: Session, email: str) -> Staff | None:
    """The member of staff with this address, also one who has left."""
    return session.scalar(select(Staff).where(Staff.email_hash == hash_of_email(email)))


def roles_of(session: Session, *, staff_id: int) -> dict[int, frozenset[str]]:
    """The live roles of one person by organisation that is open, in the order of its name."""
    rows = session.execute(
        select(Membership.organisation_id, Membership.role)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.staff_id == staff_id, Membership.until_at.is_(None), Organisation.closed_at.is_(None)
        )
        .order_by(Organisation.name, Membership.role)
    )
    found: dict[int, set[str]] = {}
    for organisation_id, role in rows:
        found.setdefault(organisation_id, set()).add(role)
    return {number: frozenset(roles) for number, roles in found.items()}


def staff_principal() -> Principal | None:
    """Who of the staff this browser is signed in as, with both factors; None for everybody else.

    Roles are read anew with each request, so one that was taken away is gone on the next.
    """
    signed_in = current_session()
    if signed_in is None or signed_in.stage != "full":
        return None
    session = db_session()
    has_left = session.scalar(select(Staff.left_at).where(Staff.id == signed_in.staff_id))
    by_organisation = roles_of(session, staff_id=signed_in.staff_id)
    if has_left is not None or signed_in.organisation_id not in by_organisation:
        return None
    return Principal(
        "staff", staff_id=signed_in.staff_id, organisation_id=signed_in.organisation_id,
        roles=by_organisation[signed_in.organisation_id],
    )  # fmt: skip


class SignedInStaff(UserMixin):
    """What Flask-Login calls the user: nobody but a member of staff ever is one."""

    def __init__(self, principal: Principal) -> None:
        self.id = principal.staff_id
        self.principal = principal


def signed_in_staff() -> SignedInStaff | None:
    """Flask-Login's answer to who is signed in."""
    principal = current_staff()
    return SignedInStaff(principal) if principal is not None else None
