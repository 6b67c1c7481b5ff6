"""Sending somebody to a service: which ones fit, what is shared with which yes, how they were introduced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import LOST, one_line
from inclusion_app.core.words import N_
from inclusion_app.people.consent_services import give_consent
from inclusion_app.people.models import ContactRoute, Resident, Restriction
from inclusion_app.people.rules import HOW_GIVEN, NOT_AN_ANSWER
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseNote,
    CaseTask,
    CityService,
    Referral,
    ReferralNote,
    ReferralWords,
)
from inclusion_app.referrals.services import machine

TO_ONESELF = N_("This is your own organisation. Put the person on a colleague’s caseload instead.")
# Also said where the person keeps away from whoever runs it: nobody learns that from here.
CLOSED = N_("This service takes nobody any more. Choose another one.")
IS_FULL = N_("This service is full and keeps no waiting list. Choose another one.")
ALREADY = N_("They are referred there already. Look at that one.")
TOLD_ALREADY = N_("They were told about it already. Look at their case.")
NOTHING_SHARED = N_("Who is only told where to go shares nothing. Untick it, or send their details.")
NOT_INTRODUCED = N_(
    "Who is only told where to go is introduced to nobody. Leave it empty, or choose “Introduced them”."
)
CHOOSE_MODE = N_("Choose how you pass them on.")
CHOOSE_ITEMS = N_("Tick what they want to share. At least their name, or how to reach them.")
CANNOT_REACH = N_("They could not be reached. Tick how to reach them, or introduce them instead.")
NO_WAY = N_("They gave no way to be reached. Write one in their record first, or introduce them instead.")
CHOOSE_URGENCY = N_("Choose how urgent it is.")
SAY_HOW_YES = N_("Choose how they said yes.")
SAY_YES = N_("Read it to them. Then tick that they said yes.")
SAY_WHY = N_("Write what they need, in at least ten letters.")
WHY_LONG = N_("Write at most 1000 letters.")
SAY_HOW = N_("Choose how you introduced them.")
SAY_WHEN = N_("Write the day of the introduction: today or before.")
SAY_WHOM = N_("Write whom they met, in up to 80 letters.")
# Without one of these nobody could help: what it is for is not enough.
LEAST = frozenset({"identity", "contact"})
WHOM_LENGTH = 80


@dataclass(frozen=True)
class Wanted:
    """What was chosen and typed: codes of rules; `items` of rules.SHARED, none of which is ticked beforehand."""

    form_key: str
    mode: str
    why: str = ""
    items: Collection[str] = ()
    # Notes of the sender's own organisation about this person; what was added to one of them goes with it.
    note_ids: Collection[int] = ()
    how: str = "spoken"
    has_yes: bool = False
    urgency: str = "usual"
    language: str = "en"
    introduced_how: str = ""
    introduced_on: date | None = None
    introduced_to: str = ""
    parent_id: int | None = None


@dataclass(frozen=True)
class Choice:
    """A service of the directory for one person: why they cannot go there (N_), or that it is full."""

    service: CityService
    why_not: str | None
    is_full: bool

    @property
    def can_be_sent(self) -> bool:
        """Somebody can be sent there now, to a place or to a waiting list."""
        return self.why_not is None and (not self.is_full or self.service.keeps_waiting_list)


def services_for(
    session: Session, *, resident: Resident, sender_id: int, help_with: str = ""
) -> list[Choice]:
    """Every open service of other organisations, those first that take them now, then by name.

    Whom a person keeps away from themself is not in it, and nothing says so.
    """
    kept = exists().where(
        Restriction.resident_id == resident.id, Restriction.organisation_id == CityService.organisation_id
    )
    wanted = (
        select(CityService)
        .join(Organisation, Organisation.id == CityService.organisation_id)
        .where(
            CityService.closed_at.is_(None),
            Organisation.closed_at.is_(None),
            CityService.organisation_id != sender_id,
            ~kept,
        )
        .order_by(CityService.name, CityService.id)
    )
    found = [_choice(service, resident) for service in session.scalars(wanted)]
    if help_with:
        found = [one for one in found if help_with in one.service.helps.split()]
    return sorted(found, key=lambda one: (not one.can_be_sent, one.is_full))


def why_nobody(choices: Collection[Choice]) -> str | None:
    """What is said where nobody can be sent anywhere: that none fits, or that all are full. None where one can."""
    if any(one.can_be_sent for one in choices):
        return None
    return rules.ALL_FULL if any(one.why_not is None for one in choices) else rules.NO_SERVICE


def _choice(service: CityService, resident: Resident) -> Choice:
    asks = rules.Asks(wards=frozenset(service.wards.split()), ages=frozenset(service.ages.split()))
    why_not = rules.why_not_eligible(asks, ward=resident.ward, age=resident.age_band)
    return Choice(service, why_not, rules.is_full(places=service.places, taken=service.taken))


def whats_against(
    session: Session, *, resident: Resident, service: CityService, sender_id: int, wanted: Wanted, today: date
) -> list[RuleBroken]:
    """All that stands against sending this, each at its field, so that it is mended in one go."""
    found = against_service(
        session,
        resident=resident,
        service=service,
        sender_id=sender_id,
        only_told=wanted.mode == "signposted",
    )
    why = wanted.why.replace(LOST, "").strip()
    if wanted.mode not in rules.MODES:
        found.append(RuleBroken(CHOOSE_MODE, field="mode"))
    if len(why) > rules.REASON_LONGEST:
        found.append(RuleBroken(WHY_LONG, field="why"))
    if wanted.urgency not in rules.URGENCIES:
        found.append(RuleBroken(CHOOSE_URGENCY, field="urgency"))
    if wanted.mode == "signposted":
        return [*found, *_of_telling(wanted)]
    if sum(sign.isalpha() for sign in why) < rules.REASON_SHORTEST:
        found.append(RuleBroken(SAY_WHY, field="why"))
    if not set(wanted.items) <= set(rules.SHARED) or not LEAST & set(wanted.items):
        found.append(RuleBroken(CHOOSE_ITEMS, field="items"))
    elif wanted.mode == "cold" and "contact" not in wanted.items:
        found.append(RuleBroken(CANNOT_REACH, field="items"))
    elif wanted.mode == "cold" and not _can_be_reached(session, resident):
        found.append(RuleBroken(NO_WAY, field="items"))
    if set(wanted.note_ids) - set(_with_what_was_added(session, resident.id, sender_id, wanted.note_ids)):
        found.append(RuleBroken(NOT_AN_ANSWER, field="notes"))
    if wanted.how not in HOW_GIVEN:
        found.append(RuleBroken(SAY_HOW_YES, field="how"))
    if not wanted.has_yes:
        found.append(RuleBroken(SAY_YES, field="consent"))
    return [*found, *_of_the_introduction(wanted, today)] if wanted.mode == "warm" else found


def against_service(
    session: Session, *, resident: Resident, service: CityService, sender_id: int, only_told: bool = False
) -> list[RuleBroken]:
    """Why this person cannot be sent to this service by this organisation, whatever is typed; empty where they can.

    `only_told`: they are told where to go, which takes no place.
    """
    if service.organisation_id == sender_id:
        return [RuleBroken(TO_ONESELF, field="service")]
    if service.closed_at is not None or service.organisation.closed_at is not None:
        return [RuleBroken(CLOSED, field="service")]
    kept = exists().where(
        Restriction.resident_id == resident.id, Restriction.organisation_id == service.organisation_id
    )
    if session.scalar(select(kept)):
        return [RuleBroken(CLOSED, field="service")]
    choice = _choice(service, resident)
    if choice.why_not is not None:
        return [RuleBroken(choice.why_not, field="service")]
    return [] if choice.can_be_sent or only_told else [RuleBroken(IS_FULL, field="service")]


def _with_what_was_added(
    session: Session, resident_id: int, organisation_id: int, note_ids: Collection[int]
) -> list[int]:
    """Those of these notes that are the organisation's own about this person, and what was added to them since."""
    own = select(CaseNote.id).where(
        CaseNote.resident_id == resident_id, CaseNote.organisation_id == organisation_id
    )
    found = new = set(session.scalars(own.where(CaseNote.id.in_(note_ids))))
    while new:
        new = set(session.scalars(own.where(CaseNote.amends_id.in_(new)))) - found
        found = found | new
    return sorted(found)


def _can_be_reached(session: Session, resident: Resident) -> bool:
    """They gave at least one way, or an address: whoever gets their details alone has nothing else."""
    ways = exists().where(ContactRoute.resident_id == resident.id)
    return bool(resident.address) or bool(session.scalar(select(ways)))


def _of_telling(wanted: Wanted) -> list[RuleBroken]:
    """Who is only told where to go shares nothing: what was ticked or typed for the other ways is not dropped in silence."""
    shared = {"items": wanted.items, "notes": wanted.note_ids}
    introduced = {"introduced_how": wanted.introduced_how, "introduced_on": wanted.introduced_on,
                  "introduced_to": one_line(wanted.introduced_to)}  # fmt: skip
    return [
        *(RuleBroken(NOTHING_SHARED, field=name) for name, value in shared.items() if value),
        *(RuleBroken(NOT_INTRODUCED, field=name) for name, value in introduced.items() if value),
    ]


def _of_the_introduction(wanted: Wanted, today: date) -> list[RuleBroken]:
    found: list[RuleBroken] = []
    if wanted.introduced_how not in rules.INTRODUCED:
        found.append(RuleBroken(SAY_HOW, field="introduced_how"))
    if wanted.introduced_on is None or rules.why_not_happened(wanted.introduced_on, today=today):
        found.append(RuleBroken(SAY_WHEN, field="introduced_on"))
    if not 0 < len(one_line(wanted.introduced_to)) <= WHOM_LENGTH:
        found.append(RuleBroken(SAY_WHOM, field="introduced_to"))
    return found


def sent_by(
    session: Session, *, resident: Resident, service: CityService, sender_id: int, form_key: str
) -> Referral | None:
    """The referral this very form made before; None where it made none yet.

    Raises RuleBroken where it made one of somebody else, or to somewhere else.
    """
    known = session.scalar(select(Referral).where(Referral.form_key == form_key))
    if known is None:
        return None
    if (known.resident_id, known.sender_id, known.service_id) != (resident.id, sender_id, service.id):
        raise RuleBroken(ALREADY, field="service")
    return known


def refer(
    session: Session,
    *,
    resident: Resident,
    service: CityService,
    sender_id: int,
    staff_id: int | None,
    wanted: Wanted,
    today: date,
    now: datetime,
) -> Referral:
    """Send somebody to a service, with their yes to what is shared. The same form sent twice sends once.

    Raises RuleBroken at the field of what stands against it, and when they are referred there already.
    """
    # Held: two helpers who send the same person at once come one after the other.
    session.execute(select(Resident.id).where(Resident.id == resident.id).with_for_update(key_share=True))
    known = sent_by(
        session, resident=resident, service=service, sender_id=sender_id, form_key=wanted.form_key
    )
    if known is not None:
        return known
    for broken in whats_against(
        session, resident=resident, service=service, sender_id=sender_id, wanted=wanted, today=today
    ):
        raise broken
    shares, consent_id = wanted.mode != "signposted", None
    if shares:
        consent_id = give_consent(
            session, resident_id=resident.id, organisation_id=service.organisation_id, items=wanted.items,
            purpose="other_help", how=wanted.how, language=wanted.language, now=now, for_referral=True,
            told_staff_id=staff_id if wanted.how != "screen" else None,
        ).id  # fmt: skip
    is_warm = wanted.mode == "warm"
    row = Referral(
        form_key=wanted.form_key, resident_id=resident.id, service_id=service.id, organisation_id=service.organisation_id,
        sender_id=sender_id, sender_staff_id=staff_id, consent_id=consent_id, mode=wanted.mode, urgency=wanted.urgency,
        status="draft", language=wanted.language, made_at=now, parent_id=wanted.parent_id,
        introduced_how=wanted.introduced_how if is_warm else None, introduced_on=wanted.introduced_on if is_warm else None,
        introduced_to=one_line(wanted.introduced_to) if is_warm else None,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise RuleBroken(ALREADY if shares else TOLD_ALREADY, field="service") from None
    why = wanted.why.replace(LOST, "").strip()
    if why:
        session.add(ReferralWords(referral_id=row.id, kind="why", words=why, at=now, staff_id=staff_id))
    if shares:
        for number in _with_what_was_added(session, resident.id, sender_id, wanted.note_ids):
            session.add(ReferralNote(referral_id=row.id, note_id=number))
    if wanted.parent_id is not None:
        # The way that was to be found has been found.
        done = update(CaseTask).where(
            CaseTask.referral_id == wanted.parent_id,
            CaseTask.kind == "another_way",
            CaseTask.done_at.is_(None),
        )
        rows_changed(session, done.values(done_at=now, done_how="sent_on", done_by_id=staff_id))
    machine.act(session, referral=row, actor=rules.SENDER, action="send", staff_id=staff_id, now=now)
    return row
