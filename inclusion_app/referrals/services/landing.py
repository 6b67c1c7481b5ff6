"""Who is sent to training or to a device loan lands there as a booking or a request; no dead end there either.

Those rooms know nothing of referrals: they say that what was asked of them came to nothing (core.events), and whoever asked
gets a dated task here.
"""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core import registry
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import insert_into
from inclusion_app.core.events import RequestEnded
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CaseTask
from inclusion_app.referrals.staff_together_words import CAME_TO_NOTHING


def look_for_another_way(session: Session, ended: RequestEnded) -> None:
    """Rule (a), no dead end: a dated task for who asked; for their organisation, when they may not see the person any more.

    None when the person shares nothing with it any more: nobody is followed who took that back. Told twice it is one task.
    """
    if not _shares(session, ended):
        return
    due = rules.follow_up_on(
        ended.at.astimezone(LONDON).date(), is_urgent=False, holidays=registry.holidays(session)
    )
    making = insert_into(session, CaseTask).values(
        key=f"another_way {ended.noun} {ended.number}", organisation_id=ended.organisation_id,
        owner_id=_owner(session, ended), resident_id=ended.resident_id, kind="another_way",
        words=CAME_TO_NOTHING[ended.noun] % {"number": ended.number}, due_on=due, made_at=ended.at,
    )  # fmt: skip
    session.execute(making.on_conflict_do_nothing(index_elements=["key"]))


def _shares(session: Session, ended: RequestEnded) -> bool:
    shared = exists().where(
        Consent.resident_id == ended.resident_id,
        Consent.organisation_id == ended.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > ended.at,
        Consent.is_for_referral.is_(False),
    )
    kept = exists().where(
        Restriction.resident_id == ended.resident_id, Restriction.organisation_id == ended.organisation_id
    )
    return bool(session.scalar(select(shared & ~kept)))


def _owner(session: Session, ended: RequestEnded) -> int | None:
    """Who asked, while they work there and the person does not keep them away; else whoever there takes it up."""
    works = exists().where(
        Membership.staff_id == Staff.id,
        Membership.organisation_id == ended.organisation_id,
        Membership.until_at.is_(None),
    )
    kept = exists().where(Restriction.resident_id == ended.resident_id, Restriction.staff_id == Staff.id)
    return session.scalar(
        select(Staff.id).where(Staff.id == ended.staff_id, Staff.left_at.is_(None), works, ~kept)
    )
