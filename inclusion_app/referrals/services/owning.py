"""Who of the receiver's staff looks after a referral: given by an admin without opening it, or taken by oneself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.messages.sending import whole_address
from inclusion_app.people.models import Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.staff_referral_words import CANNOT_OWN, CHOOSE_OWNER, HAS_AN_OWNER

# Who may receive one (see policy), and so may look after it.
OWNS = ("caseworker", "safeguarding_lead")


def who_can_own(session: Session, organisation_id: int | None) -> Sequence[tuple[int, str]]:
    """Everybody who works there now and may receive referrals, by name."""
    works = exists().where(
        Membership.staff_id == Staff.id,
        Membership.organisation_id == organisation_id,
        Membership.role.in_(OWNS),
        Membership.until_at.is_(None),
    )
    rows = session.execute(
        select(Staff.id, Staff.name).where(works, Staff.left_at.is_(None)).order_by(Staff.name, Staff.id)
    )
    return [(number, name) for number, name in rows]


def give_owner(
    session: Session, *, referral: Referral, owner_id: int, was: int, by_id: int | None, now: datetime
) -> None:
    """Say who looks after it from now on, and tell them. `was`: the owner whoever decides this has seen, 0 for nobody.

    Raises RuleBroken at `to` for who is no caseworker there or is kept from the person, and where it changed meanwhile.
    """
    session.refresh(referral, with_for_update={"of": Referral})
    if referral.owner_id == owner_id:
        return
    quicker = (
        session.get(Staff, referral.owner_id)
        if (referral.owner_id or 0) != was and referral.owner_id
        else None
    )
    if quicker is not None:
        raise RuleBroken(HAS_AN_OWNER, name=quicker.name)
    if (referral.owner_id or 0) != was or referral.status not in rules.OPEN:
        raise RuleBroken(CHANGED_ALREADY)
    if owner_id not in {number for number, _name in who_can_own(session, referral.organisation_id)}:
        raise RuleBroken(CHOOSE_OWNER, field="to")
    kept = exists().where(Restriction.resident_id == referral.resident_id, Restriction.staff_id == owner_id)
    if session.scalar(select(kept)):
        raise RuleBroken(CANNOT_OWN, field="to")
    referral.owner_id = owner_id
    session.flush()
    if owner_id != by_id:
        publish(
            session,
            MessageWanted(
                key=f"referral {referral.id} owner {owner_id} {now.isoformat()}", template="staff_referral_turned",
                params={
                    "number": str(referral.id), "state": rules.STATES[referral.status],
                    "link": whole_address(f"/staff/referrals/{referral.id}"),
                },
                staff_id=owner_id, about=f"referral {referral.id}",
            ),
        )  # fmt: skip
