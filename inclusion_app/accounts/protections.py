"""Which staff left and which roles ended, to be so again after a restore of an older copy of the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff, StaffLink
from inclusion_app.accounts.services import PURPOSE
from inclusion_app.core import audit
from inclusion_app.core.protections import Facts, Line, lines_of, moment
from inclusion_app.core.staff_sessions import StaffSession

STAFF, ROLES = "staff who left", "roles that ended"


def facts_of(session: Session, known: Facts) -> Facts:
    """Who left (number, made, left) and which roles ended (number, since, until).

    What is known stays, unless the database says why not: a role was given to them after they left. That they are in
    it and have not left is no reason, for it may be an older copy.
    """
    gone = select(Staff.id, Staff.made_at, Staff.left_at).where(Staff.left_at.is_not(None))
    left = _by_first_two(session.execute(gone).all())
    for number, made, at in lines_of(known, STAFF):
        if (number, made) not in left and not _has_returned(session, number, moment(made), moment(at)):
            left[number, made] = (number, made, at)
    # A role that ended never begins again: who gets it once more has another row.
    roles: dict[Line, Line] = {
        (number, since): (number, since, until) for number, since, until in lines_of(known, ROLES)
    }
    over = select(Membership.id, Membership.since_at, Membership.until_at).where(
        Membership.until_at.is_not(None)
    )
    roles |= _by_first_two(session.execute(over).all())
    return {STAFF: list(left.values()), ROLES: list(roles.values())}


def _has_returned(session: Session, number: int | str | None, made: datetime, left: datetime) -> bool:
    given = exists().where(Membership.staff_id == Staff.id, Membership.since_at >= left)
    them = select(Staff.id).where(Staff.id == number, Staff.made_at == made, given)
    return session.scalar(them) is not None


def _by_first_two(rows: Iterable[Any]) -> dict[Line, Line]:
    return {
        (number, begin.isoformat()): (number, begin.isoformat(), end.isoformat())
        for number, begin, end in rows
    }


def put_back(session: Session, *, facts: Facts, now: datetime) -> int:
    """End again the roles that had ended, and the accounts of who had left. Returns how many of both."""
    done = 0
    for number, since, until in lines_of(facts, ROLES):
        ending = update(Membership).where(
            Membership.id == number, Membership.since_at == moment(since), Membership.until_at.is_(None)
        )
        ended = session.execute(
            ending.values(until_at=moment(until))
            .returning(Membership.staff_id, Membership.organisation_id, Membership.role)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if ended is not None:
            staff_id, organisation_id, role = ended
            _note(session, "change roles", (f"staff-{staff_id}", f"-{role}"), now, organisation_id)
            done += 1
    for number, made, at in lines_of(facts, STAFF):
        left = session.execute(
            update(Staff)
            .where(Staff.id == number, Staff.made_at == moment(made), Staff.left_at.is_(None))
            .values(left_at=moment(at))
            .execution_options(synchronize_session=False)
        )
        if left.rowcount:  # type: ignore[attr-defined]
            _note(session, "end staff", (f"staff-{number}",), now)
            done += 1
    return done


def end_all_sign_ins(session: Session) -> None:
    """Every sign-in of the staff ends, and every link for a new password: some were ended after the copy was made."""
    for model in (StaffSession, StaffLink):
        session.execute(delete(model), execution_options={"synchronize_session": False})


def _note(
    session: Session, action: str, items: tuple[str, ...], now: datetime, organisation_id: int | None = None
) -> None:
    audit.record(
        session, at=now, actor_kind="restore", actor_id=None, action=action, purpose=PURPOSE, resident_id=None,
        organisation_id=organisation_id, items=items,
    )  # fmt: skip
