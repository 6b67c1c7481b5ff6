"""Verbs of consent: give one, end one. A consent is never changed; to renew it makes a new row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import SharingEnded, publish
from inclusion_app.people.models import Consent, ConsentItem
from inclusion_app.people.rules import CONSENT_LIFE, ITEMS, NOT_AN_ANSWER, WORDING, why_not_share


def give_consent(
    session: Session,
    *,
    resident_id: int,
    organisation_id: int,
    items: Collection[str],
    purpose: str,
    how: str,
    language: str,
    now: datetime,
    until_at: datetime | None = None,
    told_staff_id: int | None = None,
    basis: str = "consent",
    wording: str = WORDING,
    for_referral: bool = False,
) -> Consent:
    """Write down one act of sharing. `told_staff_id` heard or read it, where it was not given on a screen. With
    `for_referral` it opens nothing by itself, only while its referral is live.

    Refuses with RuleBroken, at the field it belongs to: nothing shared, an unknown item, purpose or wording, a closed
    or unknown organisation, and an end that is past or more than a year away.
    """
    until_at = until_at or now + CONSENT_LIFE
    broken = why_not_share(
        items=items, purpose=purpose, basis=basis, how=how, wording=wording, has_witness=told_staff_id is not None,
        given_at=now, until_at=until_at,
    )  # fmt: skip
    if broken is not None:
        raise RuleBroken(broken[0], field=broken[1] or None)
    is_open = exists().where(Organisation.id == organisation_id, Organisation.closed_at.is_(None))
    if not session.scalar(select(is_open)):
        raise RuleBroken(NOT_AN_ANSWER, field="organisation")
    row = Consent(
        resident_id=resident_id, organisation_id=organisation_id, purpose=purpose, basis=basis, wording=wording,
        language=language, how=how, told_staff_id=told_staff_id, given_at=now, until_at=until_at,
        is_for_referral=for_referral, items=[ConsentItem(item=item) for item in ITEMS if item in items],
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def withdraw_consent(session: Session, *, resident_id: int, consent_id: int, now: datetime) -> bool:
    """End one consent of this resident at once: whoever received it sees nothing more from their next request on.

    False when it had ended already: pressing twice is no mistake.
    """
    ended = session.execute(
        update(Consent)
        .where(
            Consent.id == consent_id,
            Consent.resident_id == resident_id,
            Consent.withdrawn_at.is_(None),
            Consent.until_at > now,
        )
        .values(withdrawn_at=now)
        .execution_options(synchronize_session=False)
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        publish(session, SharingEnded(resident_id, now))
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def stop_sharing(session: Session, *, resident_id: int, consent_id: int, now: datetime) -> int:
    """End everything this resident shares with whoever received this consent. Returns how many consents ended.

    "Stop sharing" must be true: a second consent to the same organisation would else keep open what the first one
    opened. Nought for somebody else's consent, an unknown one, and when all had ended already.
    """
    receiver = (
        select(Consent.organisation_id)
        .where(Consent.id == consent_id, Consent.resident_id == resident_id)
        .scalar_subquery()
    )
    ended = session.execute(
        update(Consent)
        .where(
            Consent.resident_id == resident_id,
            Consent.organisation_id == receiver,
            Consent.withdrawn_at.is_(None),
            Consent.until_at > now,
        )
        .values(withdrawn_at=now)
        .execution_options(synchronize_session=False)
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        publish(session, SharingEnded(resident_id, now))
    return int(ended.rowcount)  # type: ignore[attr-defined]
