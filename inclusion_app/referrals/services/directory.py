"""The city's own directory of services: who runs which, what it asks, how many it can take; added, changed, closed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.people.rules import AGE_BANDS, LANGUAGES, NOT_AN_ANSWER
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, Referral
from inclusion_app.referrals.policy import WORKER
from inclusion_app.referrals.policy import has_accounts as has_accounts_at
from inclusion_app.referrals.services import owning, partners

BELOW_TAKEN = N_("%(taken)s people have a place now. Type at least that number.")
NAME_TAKEN = N_("Your list has a service of this name already. Choose another name.")
SAY_HELPS = N_("Tick at least one thing it helps with.")
SAY_SUMMARY = N_("Write what it does, in up to 300 letters.")
WRITE_EMAIL = N_("They have no account. Type the e-mail address for the links.")
CHOOSE_DUTY = N_("Choose who looks at what comes in. Without them nobody hears of it.")
NOBODY_THERE = N_("This organisation is closed.")
NAME_LENGTH, SUMMARY_LENGTH, WEBSITE_LENGTH = 80, 300, 200
MOST_PLACES, MOST_REPLY_DAYS = 9_999, 60


@dataclass(frozen=True)
class Facts:
    """All that is said of a service. `places` None is no limit; empty wards and ages are everybody. Codes of the lists."""

    name: str
    helps: Collection[str]
    summary: str
    wards: Collection[str] = ()
    ages: Collection[str] = ()
    languages: Collection[str] = ()
    places: int | None = None
    keeps_waiting_list: bool = True
    reply_days: int = rules.DECIDE_DAYS
    phone: str = ""
    website: str = ""
    is_public: bool = False
    partner_email: str | None = None
    duty_staff_id: int | None = None


def whats_against(
    session: Session,
    *,
    organisation_id: int,
    facts: Facts,
    has_accounts: bool,
    taken: int = 0,
    is_closed: bool = False,
) -> list[RuleBroken]:
    """All that is wrong with these facts, each at its field. `taken`: how many have a place now.

    Who has accounts names somebody who hears of what comes in, unless the service is closed and nothing does.
    """
    found = []
    if not facts.name or len(facts.name) > NAME_LENGTH:
        found.append(RuleBroken(NOT_AN_ANSWER, field="name"))
    if not facts.helps or not set(facts.helps) <= set(rules.HELPS):
        found.append(RuleBroken(SAY_HELPS, field="helps"))
    if not facts.summary or len(facts.summary) > SUMMARY_LENGTH:
        found.append(RuleBroken(SAY_SUMMARY, field="summary"))
    if facts.places is not None and facts.places < taken:
        found.append(RuleBroken(BELOW_TAKEN, field="places", taken=taken))
    if not set(facts.ages) <= set(AGE_BANDS):
        found.append(RuleBroken(NOT_AN_ANSWER, field="ages"))
    if not set(facts.languages) <= set(LANGUAGES):
        found.append(RuleBroken(NOT_AN_ANSWER, field="languages"))
    if not has_accounts and not facts.partner_email:
        found.append(RuleBroken(WRITE_EMAIL, field="partner_email"))
    if has_accounts and facts.duty_staff_id is None and not is_closed:
        found.append(RuleBroken(CHOOSE_DUTY, field="duty"))
    if facts.duty_staff_id is not None and facts.duty_staff_id not in dict(
        caseworkers(session, organisation_id)
    ):
        found.append(RuleBroken(NOT_AN_ANSWER, field="duty"))
    return found


def caseworkers(session: Session, organisation_id: int) -> list[tuple[int, str]]:
    """Who can look after what comes in: the caseworkers of an organisation who work there now, by name."""
    wanted = (
        select(Staff.id, Staff.name)
        .join(Membership, Membership.staff_id == Staff.id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role == WORKER,
            Membership.until_at.is_(None),
            Staff.left_at.is_(None),
        )
        .order_by(Staff.name, Staff.id)
    )
    return [(number, name) for number, name in session.execute(wanted)]


def make_service(
    session: Session, *, organisation_id: int, facts: Facts, has_accounts: bool, now: datetime
) -> CityService:
    """A new service in the directory. Raises RuleBroken at the field of what is wrong, and for a name it has already."""
    for broken in whats_against(
        session, organisation_id=organisation_id, facts=facts, has_accounts=has_accounts
    ):
        raise broken
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or organisation.closed_at is not None:
        raise RuleBroken(NOBODY_THERE, field="organisation")
    row = CityService(organisation_id=organisation_id, made_at=now, **_columns(facts))
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise RuleBroken(NAME_TAKEN, field="name") from None
    return row


def change_service(
    session: Session, *, service: CityService, facts: Facts, has_accounts: bool, now: datetime
) -> None:
    """Write down what is true now. One statement sets it, only where no more places are taken than there would be.

    Where somebody else answers for it from now on, links of whoever did before open nothing any more.

    Raises RuleBroken at the field of what is wrong: too few places, a name it has already.
    """
    for broken in whats_against(
        session, organisation_id=service.organisation_id, facts=facts, has_accounts=has_accounts,
        is_closed=service.closed_at is not None,
    ):  # fmt: skip
        raise broken
    answered = (service.partner_email or None, service.duty_staff_id)
    # Whoever answers one of them holds it before they take a place: so do we, or two would wait for each other.
    held = select(Referral.id).where(
        Referral.service_id == service.id, Referral.status.in_(sorted(rules.OPEN))
    )
    session.execute(held.order_by(Referral.id).with_for_update())
    fits: ColumnElement[bool] = CityService.taken <= facts.places if facts.places is not None else true()
    changing = update(CityService).where(CityService.id == service.id, fits).values(**_columns(facts))
    try:
        with session.begin_nested():
            changed = rows_changed(session, changing)
    except IntegrityError:
        raise RuleBroken(NAME_TAKEN, field="name") from None
    session.expire(service)
    if changed != 1:
        raise RuleBroken(BELOW_TAKEN, field="places", taken=service.taken)
    if (facts.partner_email or None, facts.duty_staff_id) != answered:
        partners.address_changed(session, service_id=service.id, now=now)


def set_closed(session: Session, *, service: CityService, is_closed: bool, now: datetime) -> None:
    """It takes nobody any more, or takes people again. Who was sent there before stays with it till the end.

    Raises RuleBroken where somebody else did the same already, and before it opens without anybody on duty.
    """
    if not is_closed and session.scalar(
        select(CityService.id).where(CityService.id == service.id, has_no_duty())
    ):
        raise RuleBroken(CHOOSE_DUTY)
    state = CityService.closed_at.is_(None) if is_closed else CityService.closed_at.is_not(None)
    changing = update(CityService).where(CityService.id == service.id, state)
    if rows_changed(session, changing.values(closed_at=now if is_closed else None)) != 1:
        raise RuleBroken(CHANGED_ALREADY)
    session.expire(service)


def has_no_duty() -> ColumnElement[bool]:
    """Its organisation has accounts, and none of its caseworkers of today looks at what comes in."""
    on_duty = exists().where(
        Membership.staff_id == CityService.duty_staff_id,
        Membership.organisation_id == CityService.organisation_id,
        Membership.role == WORKER,
        Membership.until_at.is_(None),
        Staff.id == Membership.staff_id,
        Staff.left_at.is_(None),
    )
    return and_(has_accounts_at(CityService.organisation_id), not_(on_duty))


def nobody_reads(session: Session, service: CityService) -> bool:
    """It has no address for links, and nobody with an account there may receive: what is sent would wait unread."""
    return not service.partner_email and not owning.who_can_own(session, service.organisation_id)


def is_open() -> ColumnElement[bool]:
    """A service that takes people, of an organisation that is there; needs a join with Organisation."""
    return CityService.closed_at.is_(None) & Organisation.closed_at.is_(None)


def takes_now() -> ColumnElement[bool]:
    """A place is free, or it has no number of places."""
    return or_(CityService.places.is_(None), CityService.taken < CityService.places)


def _columns(facts: Facts) -> dict[str, Any]:
    return {
        "name": facts.name, "helps": _listed(rules.HELPS, facts.helps), "summary": facts.summary,
        "wards": " ".join(sorted(set(facts.wards))), "ages": _listed(AGE_BANDS, facts.ages),
        "languages": _listed(LANGUAGES, facts.languages), "places": facts.places,
        "keeps_waiting_list": facts.keeps_waiting_list, "reply_days": facts.reply_days, "phone": facts.phone,
        "website": facts.website, "is_public": facts.is_public, "partner_email": facts.partner_email,
        "duty_staff_id": facts.duty_staff_id,
    }  # fmt: skip


def _listed(known: Collection[str], chosen: Collection[str]) -> str:
    """The chosen codes, always in the same order."""
    return " ".join(code for code in known if code in chosen)
