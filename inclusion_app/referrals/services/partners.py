"""Links for an organisation without accounts: made at each turn that needs it, stored hashed, ended with the referral.

A link opens nothing by being opened: its page shows a button, since programs that read mail open links too.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.db import rows_changed
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.core.staff_sessions import hash_of
from inclusion_app.messages.sending import settings_now, whole_address
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import PartnerLink, Referral

TOKEN_BYTES = 32


def address_of(referral: Referral) -> str | None:
    """Where links of this referral go; None where somebody with an account answers it, or nothing was received."""
    if referral.mode == "signposted" or referral.owner_id or referral.service.duty_staff_id:
        return None
    return referral.service.partner_email or None


def make_link(session: Session, *, referral: Referral, now: datetime) -> str:
    """A new link to this referral; the token, which is kept nowhere."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        PartnerLink(
            token_hash=hash_of(token),
            referral_id=referral.id,
            made_at=now,
            expires_at=now + rules.PARTNER_LINK_LIFE,
        )
    )
    session.flush()
    return token


def send_link(
    session: Session, *, referral: Referral, key: str, now: datetime, template: str = "partner_referral"
) -> bool:
    """Make a link and send it to the partner. False where there is nobody to send it to, or the referral has ended."""
    to = address_of(referral)
    if to is None or referral.status not in rules.OPEN:
        return False
    token = make_link(session, referral=referral, now=now)
    sender = session.get(Organisation, referral.sender_id) if referral.sender_id else None
    publish(
        session,
        MessageWanted(
            key=key, template=template, email=to, about=f"referral {referral.id}",
            params={
                "organisation": sender.name if sender else settings_now().service_name,
                "link": whole_address(f"/p/{token}"),
                "until": (now + rules.PARTNER_LINK_LIFE).isoformat(),
            },
        ),
    )  # fmt: skip
    return True


def tell_ended(session: Session, *, referral: Referral, key: str) -> None:
    """Tell a partner that it has ended without them. No link: there is nothing to open any more."""
    to = address_of(referral)
    if to is not None:
        publish(
            session,
            MessageWanted(
                key=key, template="partner_referral_ended", email=to, params={"number": str(referral.id)},
                about=f"referral {referral.id}",
            ),
        )  # fmt: skip


def end_links(session: Session, *, referral_id: int, now: datetime) -> int:
    """No link made so far opens this referral any more. Returns how many ended."""
    live = update(PartnerLink).where(PartnerLink.referral_id == referral_id, PartnerLink.ended_at.is_(None))
    return rows_changed(session, live.values(ended_at=now))


def send_anew(session: Session, *, referral: Referral, now: datetime) -> bool:
    """End all links and send a new one to the partner. False where nothing could be sent; then nothing has ended."""
    if address_of(referral) is None or referral.status not in rules.OPEN:
        return False
    end_links(session, referral_id=referral.id, now=now)
    return send_link(
        session, referral=referral, key=f"referral {referral.id} anew {now.isoformat()}", now=now
    )


def opened_by(session: Session, *, token: str, now: datetime) -> Referral | None:
    """The referral a link opens now: it is live and shared, and the link neither over nor ended. None for any other."""
    wanted = (
        select(Referral)
        .join(PartnerLink, PartnerLink.referral_id == Referral.id)
        .where(
            PartnerLink.token_hash == hash_of(token),
            PartnerLink.ended_at.is_(None),
            PartnerLink.expires_at > now,
            *_is_shared(now),
        )
    )
    found = session.scalar(wanted)
    return found if found is not None and address_of(found) is not None else None


def address_changed(session: Session, *, service_id: int, now: datetime) -> None:
    """Who answers for a service is another now: links sent so far open nothing, and what is live goes to the new address."""
    live = select(Referral).where(Referral.service_id == service_id, *_is_shared(now))
    for referral in session.scalars(live.order_by(Referral.id)).all():
        if not send_anew(session, referral=referral, now=now):
            end_links(session, referral_id=referral.id, now=now)


def _is_shared(now: datetime) -> list:  # type: ignore[type-arg]
    """Live, by a yes that holds, and the person keeps nobody there away. The same as policy asks for staff."""
    by_yes = exists().where(
        Consent.id == Referral.consent_id,
        Consent.resident_id == Referral.resident_id,
        Consent.organisation_id == Referral.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > now,
    )
    kept = exists().where(
        Restriction.resident_id == Referral.resident_id,
        Restriction.organisation_id == Referral.organisation_id,
    )
    return [
        Referral.mode != "signposted",
        Referral.status.in_(sorted(rules.OPEN)),
        Referral.resident_id.is_(None) | by_yes,
        ~kept,
    ]


def ask_anew(session: Session, *, token: str, now: datetime) -> bool:
    """Whoever holds an old link asks for a new one. It goes to the address of the service and to nobody else.

    False where there is none to send: an unknown link, one of a referral that has ended, or the sender ended them all.
    """
    one = select(PartnerLink.referral_id).where(PartnerLink.token_hash == hash_of(token)).scalar_subquery()
    not_ended = exists().where(PartnerLink.referral_id == Referral.id, PartnerLink.ended_at.is_(None))
    referral = session.scalar(select(Referral).where(Referral.id == one, not_ended, *_is_shared(now)))
    return referral is not None and send_anew(session, referral=referral, now=now)
