"""Who reads and answers what residents say of the help they got.

An organisation's admin reads what was sent to it, the data-protection officer what was sent to the city, and what was
sent to an organisation in which nobody is left to answer. Nobody reads of a person who is kept from them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.permissions import PermissionTable, Scope
from inclusion_app.people.models import Feedback, Restriction
from inclusion_app.people.policy import is_named


def is_kept_from(principal: Principal) -> ColumnElement[bool]:
    """Whoever wrote it does not want this member of staff to see them."""
    return is_named(principal, Feedback.resident_id)


def answers(resident_id: Any, role: str = "organisation_admin") -> tuple[ColumnElement[bool], ...]:
    """Of the staff with this role in an open organisation: who has not left, and from whom the person is not kept."""
    kept_from = select(Restriction.staff_id).where(
        Restriction.resident_id == resident_id, Restriction.staff_id.is_not(None)
    )
    return (
        Organisation.closed_at.is_(None),
        Membership.role == role,
        Membership.until_at.is_(None),
        Staff.left_at.is_(None),
        Staff.id.not_in(kept_from),
    )


def somebody_answers() -> ColumnElement[bool]:
    """Where it was sent somebody is there to answer it."""
    return exists().where(
        Organisation.id == Feedback.organisation_id,
        Membership.organisation_id == Feedback.organisation_id,
        Staff.id == Membership.staff_id,
        *answers(Feedback.resident_id),
    )


OWN = Scope(
    "sent to the own organisation",
    lambda principal: and_(
        Feedback.organisation_id == principal.organisation_id, not_(is_kept_from(principal))
    ),
)
OF_THE_CITY = Scope(
    "sent to the city, or where nobody answers",
    lambda principal: and_(
        or_(Feedback.organisation_id.is_(None), not_(somebody_answers())), not_(is_kept_from(principal))
    ),
)
TABLE = PermissionTable(
    Feedback, {"feedback.answer": {"organisation_admin": OWN, "data_protection": OF_THE_CITY}}
)
ANSWER = TABLE.permission("feedback.answer")
