"""Questions about broken glass: what of mine is open, what waits for a second person or a review, what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import LONDON
from inclusion_app.core.registry import holidays
from inclusion_app.core.working_days import working_days_after
from inclusion_app.people.models import BreakGlass
from inclusion_app.people.policy import GLASS_TABLE
from inclusion_app.people.rules import GLASS_ASKED_FOR, GLASS_REVIEWED_WITHIN_DAYS

SHOWN = 20


@dataclass(frozen=True)
class Seen:
    """A glass as lists show it: never the reason, never who the person is."""

    glass: BreakGlass
    staff_name: str
    organisation_name: str
    due_on: date | None
    is_late: bool
    acts: int = 0


def due_on(glass: BreakGlass, days_off: frozenset[date]) -> date | None:
    """By when somebody reviews it: two working days after it began."""
    if glass.began_at is None:
        return None
    began_on = glass.began_at.astimezone(LONDON).date()
    return working_days_after(began_on, GLASS_REVIEWED_WITHIN_DAYS, days_off)


def glass_for(session: Session, principal: Principal, right: str, number: int) -> BreakGlass | None:
    """The glass of this number when the principal reaches it by this right, else None."""
    wanted = select(BreakGlass).where(BreakGlass.id == number, GLASS_TABLE.rows(right, principal))
    return session.scalar(wanted)


def unfinished_of(session: Session, principal: Principal, now: datetime) -> BreakGlass | None:
    """What the principal has open, or has asked for, in the organisation they act for."""
    wanted = select(BreakGlass).where(
        BreakGlass.open_slot == principal.staff_id,
        BreakGlass.organisation_id == principal.organisation_id,
        or_(BreakGlass.ends_at > now, BreakGlass.began_at.is_(None)),
        or_(BreakGlass.began_at.is_not(None), BreakGlass.asked_at > now - GLASS_ASKED_FOR),
    )
    return session.scalar(wanted)


def purpose_of(session: Session, principal: Principal, resident_id: int, now: datetime) -> str | None:
    """What a look at this resident is for while the principal has broken the glass: safety."""
    live = select(BreakGlass.id).where(
        BreakGlass.open_slot == principal.staff_id,
        BreakGlass.organisation_id == principal.organisation_id,
        BreakGlass.resident_id == resident_id,
        BreakGlass.ends_at > now,
    )
    return "safety" if session.scalar(live) is not None else None


def to_agree(session: Session, principal: Principal) -> list[BreakGlass]:
    """What waits for a second person and may have this one; the oldest first."""
    wanted = (
        select(BreakGlass).where(GLASS_TABLE.rows("glass.agree", principal)).order_by(BreakGlass.asked_at)
    )
    return list(session.scalars(wanted))


def to_review(session: Session, principal: Principal, today: date) -> list[Seen]:
    """What this person has to review, the oldest first."""
    return _seen(session, principal, today, BreakGlass.reviewed_at.is_(None), BreakGlass.began_at.asc())


def reviewed(session: Session, principal: Principal, today: date) -> list[Seen]:
    """The last twenty that were reviewed."""
    return _seen(session, principal, today, BreakGlass.reviewed_at.is_not(None), BreakGlass.began_at.desc())


def _seen(
    session: Session,
    principal: Principal,
    today: date,
    which: ColumnElement[bool],
    order: ColumnElement[datetime | None],
) -> list[Seen]:
    acts = select(func.count()).where(_during_glass()).correlate(BreakGlass).scalar_subquery()
    rows = session.execute(
        select(BreakGlass, Staff.name, Organisation.name, acts)
        .join(Staff, Staff.id == BreakGlass.staff_id)
        .join(Organisation, Organisation.id == BreakGlass.organisation_id)
        .where(GLASS_TABLE.rows("glass.review", principal), which)
        .order_by(order)
        .limit(SHOWN)
    )
    days_off = holidays(session)
    found = []
    for glass, staff_name, organisation_name, count in rows:
        due = due_on(glass, days_off)
        late = glass.reviewed_at is None and due is not None and due < today
        found.append(Seen(glass, staff_name, organisation_name, due, late, count))
    return found


def _during_glass() -> ColumnElement[bool]:
    """Rows of the record that the one who broke the glass left of this person while it was open."""
    return (
        (AuditRow.resident_id == BreakGlass.resident_id)
        & (AuditRow.actor_id == BreakGlass.staff_id)
        & AuditRow.actor_kind.in_(ROLES)
        & (AuditRow.organisation_id == BreakGlass.organisation_id)
        & (AuditRow.at >= BreakGlass.began_at)
        & (AuditRow.at <= BreakGlass.ends_at)
    )


def acts_during(session: Session, glass: BreakGlass) -> list[AuditRow]:
    """What was looked at and changed while it was open, in order; a page of them is enough to judge."""
    wanted = (
        select(AuditRow)
        .join(BreakGlass, BreakGlass.id == glass.id)
        .where(_during_glass())
        .order_by(AuditRow.at, AuditRow.id)
        .limit(200)
    )
    return list(session.scalars(wanted))


def people_of(session: Session, glass: BreakGlass) -> tuple[str, str, str | None, str | None]:
    """Names: who broke it, for which organisation, who agreed, who reviewed it."""
    second, reviewer = aliased(Staff), aliased(Staff)
    row = session.execute(
        select(Staff.name, Organisation.name, second.name, reviewer.name)
        .select_from(BreakGlass)
        .join(Staff, Staff.id == BreakGlass.staff_id)
        .join(Organisation, Organisation.id == BreakGlass.organisation_id)
        .outerjoin(second, second.id == BreakGlass.second_id)
        .outerjoin(reviewer, reviewer.id == BreakGlass.reviewed_by_id)
        .where(BreakGlass.id == glass.id)
    ).one()
    return row[0], row[1], row[2], row[3]
