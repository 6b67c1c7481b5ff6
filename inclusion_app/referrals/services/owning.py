"""Who of the receiver's staff looks after a referral, and who is told of it on either side.

It is given by an admin without opening it, or taken by oneself. Whom the person keeps away neither has it nor hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.messages.sending import whole_address
from inclusion_app.people.models import Resident, Restriction
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.services import partners
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


def is_kept(session: Session, resident_id: int | None, staff_id: int) -> bool:
    """The person does not want this member of staff."""
    kept = exists().where(Restriction.resident_id == resident_id, Restriction.staff_id == staff_id)
    return bool(session.scalar(select(kept)))


def first_not_kept(session: Session, resident_id: int | None, *staff_ids: int | None) -> int | None:
    """The first of these whom the person does not keep away."""
    return next((one for one in staff_ids if one and not is_kept(session, resident_id, one)), None)


def settle_owner(session: Session, referral: Referral, *, else_to: int | None = None) -> bool:
    """Nobody whom the person keeps away looks after it; of whom is restricted the duty does, or `else_to`, since no
    other caseworker may open it. False where nothing had to change.
    """
    before, person = referral.owner_id, referral.resident_id
    owner = first_not_kept(session, person, before)
    restricted = select(Resident.is_restricted).where(Resident.id == person)
    if owner is None and referral.mode != "signposted" and session.scalar(restricted):
        owner = first_not_kept(session, person, referral.service.duty_staff_id, else_to)
    referral.owner_id = owner
    session.flush()
    return owner != before


def _page_of(referral: Referral) -> str:
    return f"/staff/referrals/{referral.id}"


class Ear(NamedTuple):
    """Who is told, and under which address they find it."""

    staff_id: int
    path: str


def who_hears(session: Session, referral: Referral, side: str) -> Ear | None:
    """Whom of this side to tell: who has it there, else somebody else. None where a partner answers by a link, and on the
    side of the sender where no organisation sent it.
    """
    receives = side == rules.RECEIVER
    had = [referral.owner_id, referral.service.duty_staff_id] if receives else [referral.sender_staff_id]
    one = first_not_kept(session, referral.resident_id, *had)
    if one is not None:
        return Ear(one, _page_of(referral))
    by_link = receives and not any(had) and partners.address_of(referral) is not None
    has_side = receives or referral.sender_id is not None
    return somebody_else(session, referral, side) if has_side and not by_link else None


def somebody_else(session: Session, referral: Referral, side: str, *, but: Ear | None = None) -> Ear | None:
    """A colleague of this side who may read the line of it, else the lead, else an admin. None where there is nobody.

    `but`: somebody who hears of it already.
    """
    receives, page = side == rules.RECEIVER, _page_of(referral)
    organisation_id = referral.organisation_id if receives else referral.sender_id
    for role in (*OWNS, policy.ADMIN):
        for number in _who_works_as(session, organisation_id, role):
            if but is not None and number == but.staff_id:
                continue
            who = Principal(
                "staff", staff_id=number, organisation_id=organisation_id, roles=frozenset({role})
            )
            if role == policy.ADMIN and not is_kept(session, referral.resident_id, number):
                return Ear(number, "/staff/referrals/assign")
            if policy.REFERRALS.allows(session, "referral.follow", who, referral.id):
                return Ear(number, page)
    return None


def _who_works_as(session: Session, organisation_id: int | None, role: str) -> Sequence[int]:
    works = select(Staff.id).join(Membership, Membership.staff_id == Staff.id).where(
        Membership.organisation_id == organisation_id, Membership.role == role, Membership.until_at.is_(None),
        Staff.left_at.is_(None),
    )  # fmt: skip
    return session.scalars(works.order_by(Staff.id)).all()


def give_owner(
    session: Session, *, referral: Referral, owner_id: int, was: int, by_id: int | None, now: datetime
) -> bool:
    """Say who looks after it from now on, and tell them. `was`: the owner whoever decides this has seen, 0 for nobody.

    False where it was theirs already.

    Raises RuleBroken at `to` for who is no caseworker there or is kept from the person, and where it changed meanwhile.
    """
    session.refresh(referral, with_for_update={"of": Referral})
    if referral.owner_id == owner_id:
        return False
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
    if is_kept(session, referral.resident_id, owner_id):
        raise RuleBroken(CANNOT_OWN, field="to")
    referral.owner_id = owner_id
    session.flush()
    partners.end_links(session, referral_id=referral.id, now=now)
    if owner_id != by_id:
        publish(
            session,
            MessageWanted(
                key=f"referral {referral.id} owner {owner_id} {now.isoformat()}", template="staff_referral_yours",
                params={
                    "number": str(referral.id),
                    "link": whole_address(f"/staff/referrals/{referral.id}"),
                },
                staff_id=owner_id, about=f"referral {referral.id}",
            ),
        )  # fmt: skip
    return True
