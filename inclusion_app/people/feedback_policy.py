"""Who reads and answers what residents say of the help they got.

An organisation's admin reads what was sent to it, the data-protection officer what was sent to the city, and what was
sent to an organisation in which nobody is left to answer. Nobody reads of a person who is kept from them.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.permissions import PermissionTable, Scope
from inclusion_app.people.models import Feedback, Restriction


def is_kept_from(principal: Principal) -> ColumnElement[bool]:
    """Whoever wrote it does not want this member of staff to see them."""
    return exists().where(
        Restriction.resident_id == Feedback.resident_id, Restriction.staff_id == principal.staff_id
    )


def somebody_answers() -> ColumnElement[bool]:
    """The organisation is open and has an admin who has not left, and from whom the person is not kept."""
    return exists().where(
        Organisation.id == Feedback.organisation_id,
        Organisation.closed_at.is_(None),
        Membership.organisation_id == Feedback.organisation_id,
        Membership.role == "organisation_admin",
        Membership.until_at.is_(None),
        Staff.id == Membership.staff_id,
        Staff.left_at.is_(None),
        Staff.id.not_in(
            select(Restriction.staff_id).where(
                Restriction.resident_id == Feedback.resident_id, Restriction.staff_id.is_not(None)
            )
        ),
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
