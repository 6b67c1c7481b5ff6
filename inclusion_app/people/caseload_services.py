"""Who looks after whom when a caseworker leaves or is ill: the admin hands a caseload on without opening anybody.

Restricted people stay where they are, in no list and no count; they come back by their own code. Whom a person is kept
from never gets them either.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import CaseloadEntry, Resident, Restriction
from inclusion_app.people.policy import HAND_OVER


class Caseload(NamedTuple):
    """How many people one caseworker looks after; `is_here` is False for who holds the role no more."""

    staff_id: int
    name: str
    size: int
    is_here: bool


def caseloads_of(session: Session, principal: Principal) -> list[Caseload]:
    """Every caseworker of the organisation, and who has left people behind; those first. No person is named."""
    here = set(session.scalars(_caseworkers(principal)))
    rows = session.execute(
        select(CaseloadEntry.staff_id, func.count())
        .join(Resident, Resident.id == CaseloadEntry.resident_id)
        .where(CaseloadEntry.organisation_id == principal.organisation_id, ~Resident.is_restricted)
        .group_by(CaseloadEntry.staff_id)
    )
    counts: dict[int, int] = dict(rows.all())
    people = session.execute(select(Staff.id, Staff.name).where(Staff.id.in_({*here, *counts})))
    found = [Caseload(number, name, counts.get(number, 0), number in here) for number, name in people]
    return sorted(found, key=lambda one: (one.is_here, one.name, one.staff_id))


def _caseworkers(principal: Principal) -> Any:
    return (
        select(Membership.staff_id)
        .join(Staff, Staff.id == Membership.staff_id)
        .where(
            Membership.organisation_id == principal.organisation_id,
            Membership.role == "caseworker",
            Membership.until_at.is_(None),
            Staff.left_at.is_(None),
        )
    )


def hand_over(
    session: Session, *, actor: Principal, from_id: int, to_id: int, now: datetime
) -> Sequence[int]:
    """Whoever `from_id` looks after is looked after by `to_id` from now on; returns the numbers of the people.

    Raises RuleBroken at `to_id` for somebody who is no caseworker here, at `from_id` for the same person and for who
    has nobody to hand on.
    """
    if to_id not in set(session.scalars(_caseworkers(actor))):
        raise RuleBroken(words.CHOOSE_ONE, field="to_id")
    if from_id == to_id:
        raise RuleBroken(words.SAME_CASEWORKER, field="from_id")
    kept = exists().where(Restriction.resident_id == CaseloadEntry.resident_id, Restriction.staff_id == to_id)
    hidden = exists().where(Resident.id == CaseloadEntry.resident_id, Resident.is_restricted)
    moved = session.scalars(
        delete(CaseloadEntry)
        .where(
            CaseloadEntry.organisation_id == actor.organisation_id, CaseloadEntry.staff_id == from_id, ~kept, ~hidden
        )
        .returning(CaseloadEntry.resident_id),
        execution_options={"synchronize_session": False},
    ).all()  # fmt: skip
    if not moved:
        raise RuleBroken(words.NOBODY_TO_HAND_ON, field="from_id")
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for number in sorted(moved):
        facts = {
            "organisation_id": actor.organisation_id,
            "staff_id": to_id,
            "resident_id": number,
            "since_at": now,
        }
        session.execute(kind.insert(CaseloadEntry).values(**facts).on_conflict_do_nothing())
        record_act(
            session, actor, action="hand on", resident_id=number, items=("help",), purpose="help",
            role=HAND_OVER.roles(actor)[0], now=now,
        )  # fmt: skip
    return moved
