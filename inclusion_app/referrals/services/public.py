"""Referring somebody in without an account: by e-mail, confirmed by a link, or by one's own code, confirmed by its PIN.

What came by e-mail stays a draft that nobody reads until its link was used, and goes after three days. A referral by code
is its person's own: it stands in their record at once, with their yes to what they ticked. Who received one without a record
puts it on one when they have met the person, with a yes said aloud.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import attempts
from inclusion_app.core.access import Principal
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import side_write
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.events import Contact, MessageWanted, publish
from inclusion_app.core.forms import LOST, one_line
from inclusion_app.core.staff_sessions import hash_of
from inclusion_app.core.words import N_
from inclusion_app.people import contact
from inclusion_app.people.consent_services import give_consent
from inclusion_app.people.models import Resident, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, PublicReferral, Referral, ReferralWords
from inclusion_app.referrals.services import machine, owning, sending, telling
from inclusion_app.referrals.staff_public_words import ON_ONE_ALREADY, THERE_ALREADY

NAME_LENGTH, CONTACT_LENGTH = 80, 200
SAY_WHO = N_("Choose who you are.")
SAY_YOUR_NAME = N_("Type your name, 80 letters at most.")
SAY_WHERE_YOU_WORK = N_("Type where you work, 80 letters at most.")
SAY_THEIR_NAME = N_("Type the name of the person, 80 letters at most.")
SAY_HOW_TO_REACH = N_("Type a phone number, an email or an address. Use 200 letters at most.")
SAY_WHY = N_("Write what help is needed. A few words are enough.")
WHY_LONG = N_("This is too long. Use 1000 letters at most.")
SAY_THEY_AGREED = N_("Ask the person first. Then tick that they said yes.")
SHARE_SOMETHING = N_("Tick your name, or how to reach you. Else nobody can help.")
TOO_MANY_HERE = N_("Too many came from here today. Try again tomorrow, or phone them.")
TOO_MANY_TO = N_("We sent several emails to this address today. Open one of them first.")
NONE_FREE = N_("They have no free place now. Choose another one.")
NOT_FOR_YOU = N_("They help people of another area or age. Choose another one.")
NOT_TAKEN = N_("They take nobody any more. Choose another one.")
KEPT_AWAY = N_("You keep them away from you. Choose another one.")
HAVE_ALREADY = N_("You have asked them already. Look at your record.")
FROM_NETWORK = attempts.Limit(
    "refer-network", rules.PUBLIC_A_DAY_FROM_ONE_NETWORK, timedelta(days=1), timedelta(hours=12), timedelta(days=1)
)  # fmt: skip
# E-mails to one address which nobody there has opened: a stranger is not mailed without end.
TO_ADDRESS = attempts.Limit("refer-address", 4, timedelta(days=1), timedelta(hours=12), timedelta(days=1))
WORKS_SOMEWHERE = frozenset({"jobcentre", "health", "other"})


@dataclass(frozen=True)
class Asked:
    """What somebody typed in the public form. For oneself the name and the ways are one's own."""

    form_key: str
    from_kind: str
    from_name: str
    from_organisation: str
    from_email: str
    about_name: str
    about_contact: str
    why: str
    said_yes: bool
    language: str

    @property
    def is_for_oneself(self) -> bool:
        """Nobody else has to say yes."""
        return self.from_kind == "self"


def open_services(session: Session, *, resident_id: int | None = None) -> list[CityService]:
    """What somebody without an account may refer to, by name. Whom a resident keeps away is not in their list."""
    wanted = (
        select(CityService)
        .join(Organisation, Organisation.id == CityService.organisation_id)
        .where(
            CityService.is_public, CityService.closed_at.is_(None), Organisation.closed_at.is_(None),
            ~exists().where(
                Restriction.resident_id == resident_id, Restriction.organisation_id == CityService.organisation_id
            ),
        )
        .order_by(Organisation.name, CityService.name)
    )  # fmt: skip
    found = session.scalars(wanted).all()
    return [one for one in found if one.keeps_waiting_list or not _is_full(one)]


def _is_full(service: CityService) -> bool:
    return rules.is_full(places=service.places, taken=service.taken)


def open_service(session: Session, service_id: int) -> CityService | None:
    """One of them; None for a miss, whatever the reason."""
    return next((one for one in open_services(session) if one.id == service_id), None)


def whats_against(asked: Asked) -> list[RuleBroken]:
    """All that is missing or too long, each at its field."""
    found: list[RuleBroken] = []
    if asked.from_kind not in rules.PUBLIC_FROM:
        found.append(RuleBroken(SAY_WHO, field="from_kind"))
    if not 0 < len(one_line(asked.from_name)) <= NAME_LENGTH:
        found.append(RuleBroken(SAY_YOUR_NAME, field="from_name"))
    works = one_line(asked.from_organisation)
    if len(works) > NAME_LENGTH or (asked.from_kind in WORKS_SOMEWHERE and not works):
        found.append(RuleBroken(SAY_WHERE_YOU_WORK, field="from_organisation"))
    try:
        contact.read_email(asked.from_email, field="from_email")
    except RuleBroken as broken:
        found.append(broken)
    least = 0 if asked.is_for_oneself else 1
    if not least <= len(one_line(asked.about_name)) <= NAME_LENGTH:
        found.append(RuleBroken(SAY_THEIR_NAME, field="about_name"))
    if not least <= len(one_line(asked.about_contact)) <= CONTACT_LENGTH:
        found.append(RuleBroken(SAY_HOW_TO_REACH, field="about_contact"))
    found += whats_wrong_with(asked.why)
    if not asked.is_for_oneself and not asked.said_yes:
        found.append(RuleBroken(SAY_THEY_AGREED, field="said_yes"))
    return found


def whats_wrong_with(why: str) -> list[RuleBroken]:
    """What is wrong with the words of why."""
    plain = why.replace(LOST, "").strip()
    if sum(sign.isalpha() for sign in plain) < rules.REASON_SHORTEST:
        return [RuleBroken(SAY_WHY, field="why")]
    return [RuleBroken(WHY_LONG, field="why")] if len(plain) > rules.REASON_LONGEST else []


def was_sent(session: Session, form_key: str) -> bool:
    """The same form came a moment ago."""
    return session.scalar(select(Referral.id).where(Referral.form_key == form_key)) is not None


def count_asking(*, address: str | None, email: str | None, now: datetime) -> None:
    """Count one more from this network, and one more e-mail to this address. Hold no change of your own yet.

    Whose address it is, and whether we know it, makes no difference. Raises RuleBroken when there were too many.
    """
    with side_write() as session:
        network = keyed_hash("attempt-refer-network", attempts.network_of(address))
        if not attempts.claim(session, key_hash=network, limit=FROM_NETWORK, now=now):
            raise RuleBroken(TOO_MANY_HERE)
        if email is not None and not attempts.claim(
            session, key_hash=_key_of_address(email), limit=TO_ADDRESS, now=now
        ):
            raise RuleBroken(TOO_MANY_TO, field="from_email")


def count_back(session: Session, *, address: str | None, email: str, now: datetime) -> None:
    """The other press of the same button was counted already."""
    network = keyed_hash("attempt-refer-network", attempts.network_of(address))
    attempts.give_back(session, key_hash=network, limit=FROM_NETWORK, now=now)
    attempts.give_back(session, key_hash=_key_of_address(email), limit=TO_ADDRESS, now=now)


def _key_of_address(email: str) -> str:
    return keyed_hash("attempt-refer-address", email.casefold())


def ask(
    session: Session, *, service: CityService, asked: Asked, link_of: Callable[[str], str], now: datetime
) -> Referral | None:
    """Write down a draft that nobody reads, and send the link that confirms it: `link_of` makes it of a token.

    None where the same form, pressed twice, came a moment earlier. Raises RuleBroken at the field of what is missing.
    """
    for broken in whats_against(asked):
        raise broken
    email, token = contact.read_email(asked.from_email, field="from_email"), secrets.token_urlsafe(32)
    try:
        with session.begin_nested():
            row = _draft(session, service=service, form_key=asked.form_key, language=asked.language, now=now)
    except IntegrityError:
        return None
    name = one_line(asked.from_name)
    session.add(
        PublicReferral(
            referral_id=row.id, from_kind=asked.from_kind, from_name=name, from_email=email,
            from_organisation=one_line(asked.from_organisation),
            about_name=one_line(asked.about_name) or name, about_contact=one_line(asked.about_contact) or email,
            token_hash=hash_of(token), expires_at=now + rules.CONFIRM_WITHIN,
        )
    )  # fmt: skip
    _say_why(session, row, asked.why, now)
    publish(
        session,
        MessageWanted(
            key=f"referral {row.id} confirm", template="public_referral_confirm", language=asked.language,
            params={"link": link_of(token)}, contact=Contact("email", email), about=telling.about(row),
            useful_until=now + rules.CONFIRM_WITHIN,
        ),
    )  # fmt: skip
    return row


def _draft(
    session: Session, *, service: CityService, form_key: str, language: str, now: datetime,
    resident_id: int | None = None, consent_id: int | None = None,
) -> Referral:  # fmt: skip
    row = Referral(
        form_key=form_key, resident_id=resident_id, consent_id=consent_id, service_id=service.id,
        organisation_id=service.organisation_id, mode="cold", urgency="usual", status="draft", language=language,
        made_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _say_why(session: Session, row: Referral, why: str, now: datetime) -> None:
    words = why.replace(LOST, "").strip()
    session.add(ReferralWords(referral_id=row.id, kind="why", words=words, at=now))
    session.flush()


def unconfirmed(session: Session, token: str, *, now: datetime) -> PublicReferral | None:
    """What a link belongs to, confirmed or not, as long as it lasts; None for one that opens nothing."""
    found = select(PublicReferral).where(
        PublicReferral.token_hash == hash_of(token[:100]), PublicReferral.expires_at > now
    )
    return session.scalar(found)


def confirm(session: Session, *, public: PublicReferral, now: datetime) -> None:
    """Whoever has the e-mail says that it is from them: it is sent. Pressed twice it is sent once.

    Raises RuleBroken when the service takes nobody any more.
    """
    session.refresh(public, with_for_update=True)
    if public.confirmed_at is not None:
        return
    row = session.get_one(Referral, public.referral_id)
    if row.service.closed_at is not None or row.service.organisation.closed_at is not None:
        raise RuleBroken(NOT_TAKEN)
    public.confirmed_at = now
    if public.from_email:
        # They opened it: it was no letter to a stranger.
        attempts.give_back(session, key_hash=_key_of_address(public.from_email), limit=TO_ADDRESS, now=now)
    machine.act(session, referral=row, actor=rules.STRANGER, action="confirm", now=now)


def ask_by_code(
    session: Session,
    *,
    service: CityService,
    resident: Resident,
    why: str,
    items: Collection[str],
    form_key: str,
    language: str,
    now: datetime,
) -> Referral:
    """Somebody who proved their code refers themself, and shares what they ticked. Sent twice it is one.

    Raises RuleBroken at the field of what is missing, when they keep away from it or do not fit, when it is full, and when they
    have asked there already.
    """
    session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update(key_share=True))
    known = session.scalar(select(Referral).where(Referral.form_key == form_key))
    if known is not None:
        if known.resident_id != resident.id:
            raise RuleBroken(CHANGED_ALREADY)
        return known
    for broken in whats_against_code(why, items):
        raise broken
    kept = exists().where(
        Restriction.resident_id == resident.id, Restriction.organisation_id == service.organisation_id
    )
    if session.scalar(select(kept)):
        raise RuleBroken(KEPT_AWAY)
    choice = sending.choice_for(service, resident)
    if choice.why_not is not None:
        raise RuleBroken(NOT_FOR_YOU)
    if not choice.can_be_sent:
        raise RuleBroken(NONE_FREE)
    consent = give_consent(
        session, resident_id=resident.id, organisation_id=service.organisation_id, items=items,
        purpose="other_help", how="screen", language=language, now=now, for_referral=True,
    )  # fmt: skip
    try:
        with session.begin_nested():
            row = _draft(
                session, service=service, form_key=form_key, language=language, now=now, resident_id=resident.id,
                consent_id=consent.id,
            )  # fmt: skip
    except IntegrityError:
        raise RuleBroken(HAVE_ALREADY) from None
    session.add(
        PublicReferral(
            referral_id=row.id, from_kind="self", from_name="", about_name="", about_contact="", expires_at=now,
            confirmed_at=now,
        )
    )  # fmt: skip
    _say_why(session, row, why, now)
    machine.act(session, referral=row, actor=rules.STRANGER, action="confirm", now=now)
    return row


def whats_against_code(why: str, items: Collection[str]) -> list[RuleBroken]:
    """What is missing in the form of somebody with a code, each at its field."""
    found = whats_wrong_with(why)
    if not set(items) <= set(rules.SHARED) or not sending.LEAST & set(items):
        found.append(RuleBroken(SHARE_SOMETHING, field="items"))
    return found


# --- what its receiver does


def put_on_record(
    session: Session,
    *,
    referral: Referral,
    resident: Resident,
    items: Collection[str],
    language: str,
    actor: Principal,
    now: datetime,
) -> None:
    """Its receiver has met the person, who said yes aloud to what they share for it.

    Raises RuleBroken when it is on a record already, has ended, or when the person is referred there already.
    """
    session.flush()
    session.refresh(referral, with_for_update={"of": Referral})
    if referral.resident_id is not None:
        raise RuleBroken(ON_ONE_ALREADY)
    if referral.status not in rules.OPEN:
        raise RuleBroken(CHANGED_ALREADY)
    if not set(items) <= set(rules.SHARED) or not sending.LEAST & set(items):
        raise RuleBroken(sending.CHOOSE_ITEMS, field="items")
    consent = give_consent(
        session, resident_id=resident.id, organisation_id=referral.organisation_id, items=items,
        purpose="other_help", how="spoken", language=language, now=now, told_staff_id=actor.staff_id,
        for_referral=True,
    )  # fmt: skip
    try:
        with session.begin_nested():
            referral.resident_id, referral.consent_id = resident.id, consent.id
            session.flush()
    except IntegrityError:
        raise RuleBroken(THERE_ALREADY, field="person") from None
    owning.settle_owner(session, referral, else_to=actor.staff_id)
