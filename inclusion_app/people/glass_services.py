"""Breaking the glass: one member of staff sees one resident without consent, for 60 minutes, and it is looked at after.

Whoever works for a platform only needs a second person before it begins. Each verb is one statement with its condition
inside, and the constraints of the table say the same (two people, one at a time, reviewed by another).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.core.registry import holidays
from inclusion_app.people import staff_words as words
from inclusion_app.people.glass_queries import due_on
from inclusion_app.people.models import BreakGlass
from inclusion_app.people.policy import BREAK, GLASS_TABLE
from inclusion_app.people.rules import (
    FINDINGS,
    GLASS_ASKED_FOR,
    GLASS_BROKEN_FOR,
    GLASS_NEEDS_SECOND,
    GLASS_REASON_LONGEST,
    GLASS_REASON_SHORTEST,
    ITEMS,
    letters_in,
)

LinkTo = Callable[[int], str]
SAFETY = "safety"


def check_reason(reason: str) -> None:
    """Raises RuleBroken at `reason` when it is too short to say anything, or too long to be read."""
    if letters_in(reason) < GLASS_REASON_SHORTEST:
        raise RuleBroken(words.REASON_SHORT, field="reason")
    if len(reason) > GLASS_REASON_LONGEST:
        raise RuleBroken(words.REASON_LONG, field="reason")


def break_glass(
    session: Session, *, principal: Principal, resident_id: int, reason: str, link_to: LinkTo, now: datetime
) -> int:
    """Open one resident to the one who asks, at once; or ask for a second person. Gives the number of the glass.

    The first statement empties the slot of a glass of theirs that is over, the second takes the slot or nothing: of two
    at once one wins. Raises RuleBroken at `reason`, or without a field when they have one already.
    """
    check_reason(reason)
    role = next(iter(BREAK.roles(principal)))
    at_once = role != GLASS_NEEDS_SECOND
    _empty_slot(session, principal=principal, now=now)
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    number: int | None = session.scalar(
        kind.insert(BreakGlass)
        .values(
            resident_id=resident_id, staff_id=principal.staff_id, organisation_id=principal.organisation_id,
            role=role, reason=reason, asked_at=now, open_slot=principal.staff_id,
            began_at=now if at_once else None, ends_at=now + GLASS_BROKEN_FOR if at_once else None,
        )
        .on_conflict_do_nothing(index_elements=["open_slot"])
        .returning(BreakGlass.id)
    )  # fmt: skip
    if number is None:
        raise RuleBroken(words.ONE_AT_A_TIME)
    record_act(
        session, principal, action="break glass" if at_once else "ask to break glass", resident_id=resident_id,
        items=ITEMS, purpose=SAFETY, role=role, reason=reason, now=now,
    )  # fmt: skip
    if at_once:
        _tell(session, number, principal.staff_id, principal.organisation_id, link_to)
    else:
        for staff_id in _staff_with(session, ("platform_admin", "data_protection", "safeguarding_lead")):
            if staff_id != principal.staff_id:
                publish(
                    session,
                    MessageWanted(
                        key=f"glass-second-{number}-{staff_id}", template="staff_second_person",
                        staff_id=staff_id, params={"link": link_to(number)},
                    ),
                )  # fmt: skip
    return number


def agree(session: Session, *, principal: Principal, glass_id: int, link_to: LinkTo, now: datetime) -> None:
    """The second person says yes: now it begins. Raises RuleBroken when it does not wait any more."""
    agreed = session.execute(
        update(BreakGlass)
        .where(
            BreakGlass.id == glass_id,
            BreakGlass.role == GLASS_NEEDS_SECOND,
            BreakGlass.began_at.is_(None),
            BreakGlass.open_slot.is_not(None),
            BreakGlass.asked_at > now - GLASS_ASKED_FOR,
            BreakGlass.staff_id != principal.staff_id,
        )
        .values(second_id=principal.staff_id, began_at=now, ends_at=now + GLASS_BROKEN_FOR)
        .returning(BreakGlass.resident_id, BreakGlass.staff_id, BreakGlass.organisation_id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if agreed is None:
        raise RuleBroken(words.NOT_WAITING)
    resident_id, staff_id, organisation_id = agreed
    record_act(
        session, principal, action="agree to break glass", resident_id=resident_id, items=ITEMS, purpose=SAFETY,
        role=_role(principal, "glass.agree"), now=now,
    )  # fmt: skip
    _tell(session, glass_id, staff_id, organisation_id, link_to)


def end_glass(session: Session, *, principal: Principal, glass_id: int, now: datetime) -> None:
    """The one who broke it, or asked to, ends it now. Raises RuleBroken when it was over already."""
    mine = and_(
        BreakGlass.id == glass_id,
        BreakGlass.staff_id == principal.staff_id,
        BreakGlass.organisation_id == principal.organisation_id,
        BreakGlass.open_slot.is_not(None),
    )
    live = and_(mine, BreakGlass.ends_at > now)
    ended = session.scalar(
        update(BreakGlass).where(live).values(ends_at=now, open_slot=None).returning(BreakGlass.resident_id),
        execution_options={"synchronize_session": False},
    )
    if ended is None:
        ended = session.scalar(
            update(BreakGlass)
            .where(mine, BreakGlass.began_at.is_(None))
            .values(open_slot=None)
            .returning(BreakGlass.resident_id),
            execution_options={"synchronize_session": False},
        )
    if ended is None:
        raise RuleBroken(words.NOT_OPEN)
    record_act(
        session, principal, action="end glass", resident_id=ended, purpose=SAFETY,
        role=_role(principal, "glass.break"), now=now,
    )  # fmt: skip


def review(session: Session, *, principal: Principal, glass_id: int, finding: str, now: datetime) -> None:
    """Another person says what they found. Raises RuleBroken at `finding`, or when it was reviewed already."""
    if finding not in FINDINGS:
        raise RuleBroken(words.CHOOSE_ONE, field="finding")
    resident_id = session.scalar(
        update(BreakGlass)
        .where(
            BreakGlass.id == glass_id,
            BreakGlass.reviewed_at.is_(None),
            BreakGlass.began_at.is_not(None),
            BreakGlass.staff_id != principal.staff_id,
            or_(BreakGlass.second_id.is_(None), BreakGlass.second_id != principal.staff_id),
        )
        .values(reviewed_by_id=principal.staff_id, reviewed_at=now, finding=finding)
        .returning(BreakGlass.resident_id),
        execution_options={"synchronize_session": False},
    )
    if resident_id is None:
        raise RuleBroken(words.REVIEWED_ALREADY)
    record_act(
        session, principal, action="review glass", resident_id=resident_id, items=(finding,), purpose=SAFETY,
        role=_role(principal, "glass.review"), now=now,
    )  # fmt: skip


def tell_late_reviews(session: Session, *, link_to: LinkTo, today: date) -> int:
    """Whoever may review a glass that is past its day is told once, the officers too. Returns how many are late."""
    wanted = select(BreakGlass).where(BreakGlass.reviewed_at.is_(None), BreakGlass.began_at.is_not(None))
    days_off, late = holidays(session), 0
    for glass in session.scalars(wanted):
        due = due_on(glass, days_off)
        if due is None or due >= today:
            continue
        late += 1
        leads = _staff_with(session, ("safeguarding_lead",), organisation_id=glass.organisation_id)
        for staff_id in sorted({*leads, *_staff_with(session, ("data_protection",))} - {glass.staff_id}):
            publish(
                session,
                MessageWanted(
                    key=f"glass-late-{glass.id}-{staff_id}", template="staff_review_due", staff_id=staff_id,
                    params={"link": link_to(glass.id)},
                ),
            )  # fmt: skip
    return late


def _empty_slot(session: Session, *, principal: Principal, now: datetime) -> None:
    over = or_(
        BreakGlass.ends_at <= now,
        and_(BreakGlass.began_at.is_(None), BreakGlass.asked_at <= now - GLASS_ASKED_FOR),
    )
    session.execute(
        update(BreakGlass).where(BreakGlass.open_slot == principal.staff_id, over).values(open_slot=None),
        execution_options={"synchronize_session": False},
    )


def _role(principal: Principal, right: str) -> str:
    return next(iter(GLASS_TABLE.permission(right).roles(principal)))


def _tell(
    session: Session, number: int, broken_by: int | None, organisation_id: int | None, link_to: LinkTo
) -> None:
    """The leads of the organisation and every data-protection officer learn of it at once."""
    leads = _staff_with(session, ("safeguarding_lead",), organisation_id=organisation_id)
    officers = _staff_with(session, ("data_protection",))
    for staff_id in sorted({*leads, *officers} - {broken_by}):
        publish(
            session,
            MessageWanted(
                key=f"glass-broken-{number}-{staff_id}", template="staff_glass_broken", staff_id=staff_id,
                params={"number": str(number), "link": link_to(number)},
            ),
        )  # fmt: skip


def _staff_with(session: Session, roles: tuple[str, ...], *, organisation_id: int | None = None) -> list[int]:
    holders = (
        select(Membership.staff_id)
        .join(Staff, Staff.id == Membership.staff_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.role.in_(roles),
            Membership.until_at.is_(None),
            Staff.left_at.is_(None),
            Organisation.closed_at.is_(None),
        )
        .distinct()
        .order_by(Membership.staff_id)
    )
    if organisation_id is not None:
        holders = holders.where(Membership.organisation_id == organisation_id)
    return list(session.scalars(holders))
