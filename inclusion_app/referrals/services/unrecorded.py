"""Sending somebody who has no record with us: what one of the staff typed of them, with their spoken yes, at once.

It stands on no record until its receiver has met the person (see services.public.put_on_record).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import LOST, one_line
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, PublicReferral, Referral, ReferralWords
from inclusion_app.referrals.services import machine, sending
from inclusion_app.referrals.services.public import (
    CONTACT_LENGTH,
    NAME_LENGTH,
    SAY_HOW_TO_REACH,
    SAY_THEIR_NAME,
)

# What kind of sender that is, among those of the public form: somebody who refers as their work.
FROM_KIND = "other"


@dataclass(frozen=True)
class Wanted:
    """What was typed. `urgency` is a code of rules, `language` the slug of a released one."""

    form_key: str
    name: str
    contact: str
    why: str
    urgency: str
    language: str
    has_yes: bool


def whats_against(*, service: CityService, sender_id: int, wanted: Wanted) -> list[RuleBroken]:
    """All that stands against sending this, each at its field."""
    found = against_service(service=service, sender_id=sender_id)
    why = wanted.why.replace(LOST, "").strip()
    if not 0 < len(one_line(wanted.name)) <= NAME_LENGTH:
        found.append(RuleBroken(SAY_THEIR_NAME, field="name"))
    if not 0 < len(one_line(wanted.contact)) <= CONTACT_LENGTH:
        found.append(RuleBroken(SAY_HOW_TO_REACH, field="contact"))
    if sum(sign.isalpha() for sign in why) < rules.REASON_SHORTEST:
        found.append(RuleBroken(sending.SAY_WHY, field="why"))
    elif len(why) > rules.REASON_LONGEST:
        found.append(RuleBroken(sending.WHY_LONG, field="why"))
    if wanted.urgency not in rules.URGENCIES:
        found.append(RuleBroken(sending.CHOOSE_URGENCY, field="urgency"))
    if not wanted.has_yes:
        found.append(RuleBroken(sending.SAY_YES, field="consent"))
    return found


def against_service(*, service: CityService, sender_id: int) -> list[RuleBroken]:
    """Why nobody can be sent to this service by this organisation now, whatever is typed; empty where somebody can."""
    if service.organisation_id == sender_id:
        return [RuleBroken(sending.TO_ONESELF, field="service")]
    if service.closed_at is not None or service.organisation.closed_at is not None:
        return [RuleBroken(machine.SERVICE_CLOSED, field="service")]
    is_full = rules.is_full(places=service.places, taken=service.taken)
    return (
        [RuleBroken(sending.IS_FULL, field="service")] if is_full and not service.keeps_waiting_list else []
    )


def sent_by(session: Session, *, service: CityService, sender_id: int, form_key: str) -> Referral | None:
    """The referral this very form made before; None where it made none yet. Raises RuleBroken where it went elsewhere."""
    known = session.scalar(select(Referral).where(Referral.form_key == form_key))
    if known is not None and (known.sender_id, known.service_id) != (sender_id, service.id):
        raise RuleBroken(CHANGED_ALREADY)
    return known


def refer(
    session: Session,
    *,
    service: CityService,
    sender_id: int,
    staff_id: int | None,
    wanted: Wanted,
    now: datetime,
) -> Referral:
    """Send somebody without a record to a service. The same form sent twice sends once.

    Raises RuleBroken at the field of what stands against it.
    """
    known = sent_by(session, service=service, sender_id=sender_id, form_key=wanted.form_key)
    if known is not None:
        return known
    for broken in whats_against(service=service, sender_id=sender_id, wanted=wanted):
        raise broken
    row = Referral(
        form_key=wanted.form_key, service_id=service.id, organisation_id=service.organisation_id, sender_id=sender_id,
        sender_staff_id=staff_id, mode="cold", urgency=wanted.urgency, status="draft", language=wanted.language,
        made_at=now,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # The other press was quicker by a moment.
        known = sent_by(session, service=service, sender_id=sender_id, form_key=wanted.form_key)
        if known is None:
            raise RuleBroken(CHANGED_ALREADY) from None
        return known
    session.add(
        PublicReferral(
            referral_id=row.id, from_kind=FROM_KIND, from_name="",
            from_organisation=session.get_one(Organisation, sender_id).name,
            about_name=one_line(wanted.name), about_contact=one_line(wanted.contact), expires_at=now, confirmed_at=now,
        )
    )  # fmt: skip
    words = wanted.why.replace(LOST, "").strip()
    session.add(ReferralWords(referral_id=row.id, kind="why", words=words, at=now, staff_id=staff_id))
    machine.act(session, referral=row, actor=rules.SENDER, action="send", staff_id=staff_id, now=now)
    return row
