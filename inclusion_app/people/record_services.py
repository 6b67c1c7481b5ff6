"""Verbs of a resident's record: make it, change a part of it, restrict it, put somebody on a caseload.

Whoever calls has checked the right on the resident (policy.py). Each change writes its row in the record of changes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted, SharingEnded, publish
from inclusion_app.people import contact, rules, services
from inclusion_app.people import staff_words as words
from inclusion_app.people.consent_services import give_consent
from inclusion_app.people.models import CaseloadEntry, Consent, ContactRoute, Resident, Restriction

CLOCK = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})")


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as far as they wish to say. Of a postcode only ward and sector are kept."""

    name: str = ""
    spoken: str = ""
    read: str = ""
    age_band: str = ""
    ward: str = ""
    postcode_sector: str = ""


@dataclass(frozen=True)
class Route:
    """One way to reach somebody; the value in its normal form (see contact.py), None where there is none."""

    kind: str
    value: str | None = None
    is_adults: bool = False


@dataclass(frozen=True)
class Agreement:
    """What the person agreed to share with the organisation, and how they said so."""

    items: Collection[str]
    purpose: str
    how: str
    language: str


def hash_of_name(name: str) -> str | None:
    """Under what a likely duplicate is looked for; None for no name."""
    plain = rules.plain_name(name)
    return keyed_hash("resident-name", plain) if plain else None


def make_record(
    session: Session,
    *,
    actor: Principal,
    agreement: Agreement,
    secret_kind: str,
    secret_hash: str,
    language: str,
    identity: Identity,
    needs: Collection[str],
    routes: Sequence[Route],
    address: str,
    safe_contact: Mapping[str, Any],
    now: datetime,
) -> Resident:
    """A record made with the person present: their consent first, then what they wish to say, then the caseload.

    Raises RuleBroken for a consent that cannot be (see give_consent), too many routes, and a child under 13 without
    an adult's contact.
    """
    resident = services.make_resident(
        session, secret_kind=secret_kind, secret_hash=secret_hash, nickname=None, pin_for_everything=False,
        language=language, now=now,
    )  # fmt: skip
    _agree(session, actor, resident.id, agreement, now)
    _put_identity(resident, identity)
    _put_needs(resident, needs)
    _put_contact(session, resident, routes, address, safe_contact, now)
    _check_child(session, resident)
    put_on_caseload(session, actor=actor, resident_id=resident.id, now=now)
    record_act(
        session, actor, action="make record", resident_id=resident.id,
        items=("identity", "contact", "needs", "consents"), now=now,
    )  # fmt: skip
    return resident


def _agree(
    session: Session, actor: Principal, resident_id: int, agreement: Agreement, now: datetime
) -> Consent:
    return give_consent(
        session, resident_id=resident_id, organisation_id=_organisation(actor), items=agreement.items,
        purpose=agreement.purpose, how=agreement.how, language=agreement.language,
        told_staff_id=None if agreement.how == "screen" else actor.staff_id, now=now,
    )  # fmt: skip


def _organisation(actor: Principal) -> int:
    if actor.organisation_id is None:
        raise RuntimeError("who acts for no organisation keeps no records")
    return actor.organisation_id


def write_down_consent(
    session: Session,
    *,
    actor: Principal,
    resident_id: int,
    agreement: Agreement,
    now: datetime,
    by_themselves: bool = False,
) -> None:
    """The person agreed to share with the organisation, in front of a member of staff; they are told so by their route.

    `by_themselves` says that they typed their PIN for it. Raises RuleBroken, at `how` for "on a screen" without that:
    such a row would name nobody who answers for it.
    """
    if agreement.how == "screen" and not by_themselves:
        raise RuleBroken(rules.NOT_AN_ANSWER, field="how")
    consent = _agree(session, actor, resident_id, agreement, now)
    organisation = session.get_one(Organisation, consent.organisation_id).name
    _tell(session, actor, resident_id, f"consent-{consent.id}", "consent_recorded", organisation=organisation)
    # Whoever still comes for help still uses the service: the plan is not idle.
    session.execute(
        update(Resident)
        .where(Resident.id == resident_id)
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )
    record_act(
        session, actor, action="write down consent", resident_id=resident_id, items=tuple(agreement.items), now=now
    )  # fmt: skip


def _tell(
    session: Session, actor: Principal, resident_id: int, key: str, template: str, **params: str
) -> None:
    """The person hears of what was written down in their name, also when they were not there."""
    language = session.scalar(select(Resident.language).where(Resident.id == resident_id)) or "en"
    publish(
        session,
        MessageWanted(
            key=key, template=template, language=language, params=params, resident_id=resident_id,
            organisation_id=actor.organisation_id,
        ),
    )  # fmt: skip


def _tell_of_limit(session: Session, actor: Principal, resident_id: int, now: datetime) -> None:
    """Once for all that one form changed."""
    _tell(session, actor, resident_id, f"limit-{resident_id}-{now.isoformat()}", "restricted_changed")


def put_on_caseload(session: Session, *, actor: Principal, resident_id: int, now: datetime) -> None:
    """This member of staff looks after the resident from now on; twice is once."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(
        kind.insert(CaseloadEntry)
        .values(
            organisation_id=_organisation(actor),
            staff_id=actor.staff_id,
            resident_id=resident_id,
            since_at=now,
        )
        .on_conflict_do_nothing()
    )


def change_identity(
    session: Session, *, actor: Principal, resident: Resident, identity: Identity, now: datetime
) -> None:
    """Raises RuleBroken when somebody becomes a child under 13 without an adult's contact."""
    services.hold(session, residents=(resident.id,))
    _put_identity(resident, identity)
    _check_child(session, resident)
    _note(session, actor, "change record", resident, ("identity",), now)


def change_needs(
    session: Session, *, actor: Principal, resident: Resident, needs: Collection[str], now: datetime
) -> None:
    """What somebody needs to take part."""
    _put_needs(resident, needs)
    _note(session, actor, "change record", resident, ("needs",), now)


def change_contact(
    session: Session,
    *,
    actor: Principal,
    resident: Resident,
    routes: Sequence[Route],
    address: str,
    safe_contact: Mapping[str, Any],
    now: datetime,
) -> None:
    """The ways to reach somebody in their order, and the safe-contact rule. Raises RuleBroken."""
    services.hold(session, residents=(resident.id,))
    _put_contact(session, resident, routes, address, safe_contact, now)
    services.end_links(session, resident_id=resident.id)
    _check_child(session, resident)
    _note(session, actor, "change record", resident, ("contact",), now)


def _note(
    session: Session, actor: Principal, action: str, resident: Resident, items: tuple[str, ...], now: datetime
) -> None:
    session.flush()
    record_act(session, actor, action=action, resident_id=resident.id, items=items, now=now)


def _put_identity(resident: Resident, identity: Identity) -> None:
    resident.name = identity.name or None
    resident.name_hash = hash_of_name(identity.name)
    resident.spoken = identity.spoken or None
    resident.read = identity.read or None
    resident.age_band = identity.age_band or None
    resident.ward = identity.ward or None
    resident.postcode_sector = identity.postcode_sector or None


def _put_needs(resident: Resident, needs: Collection[str]) -> None:
    chosen = [need for need in rules.NEEDS if need in needs]
    resident.needs = {"needs": chosen} if chosen else None


def _put_contact(
    session: Session,
    resident: Resident,
    routes: Sequence[Route],
    address: str,
    safe_contact: Mapping[str, Any],
    now: datetime,
) -> None:
    if len(routes) > rules.ROUTES_AT_MOST:
        raise RuleBroken(words.TOO_MANY_ROUTES)
    wants_letters = any(route.kind == "letter" for route in routes)
    if wants_letters and not address:
        raise RuleBroken(words.NO_ADDRESS, field="address")
    session.execute(
        delete(ContactRoute).where(ContactRoute.resident_id == resident.id),
        execution_options={"synchronize_session": False},
    )
    session.add_all(
        ContactRoute(
            resident_id=resident.id, position=position, kind=route.kind, value=route.value,
            value_hash=contact.hash_of_value(route.value) if route.value else None, is_adults=route.is_adults,
            made_at=now,
        )
        for position, route in enumerate(routes, 1)
    )  # fmt: skip
    # An address nobody writes to is not kept.
    resident.address = address if wants_letters else None
    resident.safe_contact = dict(safe_contact) if rules.has_safe_contact(safe_contact) else None
    session.flush()


def _check_child(session: Session, resident: Resident) -> None:
    adult = exists().where(
        ContactRoute.resident_id == resident.id,
        ContactRoute.is_adults,
        ContactRoute.kind != "caseworker",
    )
    if rules.needs_adult(resident.age_band, has_adult_contact=bool(session.scalar(select(adult)))):
        raise RuleBroken(words.NEEDS_ADULT, field="age_band")


def hours_between(first: str, last: str) -> list[str] | None:
    """From when till when somebody may be called, as written on a clock; None for any time. Raises RuleBroken."""
    if not first and not last:
        return None
    try:
        begin, end = (_clock(part) for part in (first, last))
    except ValueError:
        raise RuleBroken(words.HOURS_WRONG, field="hours_from") from None
    if not begin < end:
        raise RuleBroken(words.HOURS_WRONG, field="hours_from")
    return [begin.strftime("%H:%M"), end.strftime("%H:%M")]


def _clock(text: str) -> time:
    found = CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return time(int(found[1]), int(found[2]))


def restrict(session: Session, *, actor: Principal, resident_id: int, on: bool, now: datetime) -> None:
    """The person asks to be in no search, count or suggestion, and on nobody's caseload but their own worker's."""
    session.execute(
        update(Resident)
        .where(Resident.id == resident_id)
        .values(is_restricted=on)
        .execution_options(synchronize_session=False)
    )
    record_act(
        session, actor, action="restrict" if on else "lift restriction", resident_id=resident_id,
        items=("restriction",), now=now,
    )  # fmt: skip
    _tell_of_limit(session, actor, resident_id, now)
    if on:
        publish(session, SharingEnded(resident_id, now))


def keep_from(
    session: Session,
    *,
    actor: Principal,
    resident_id: int,
    staff: Collection[int],
    organisations: Collection[int],
    now: datetime,
) -> None:
    """The person does not want these members of staff, or these organisations, to see them. Added to what stands."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    wanted: list[dict[str, Any]] = [{"staff_id": number, "organisation_id": None} for number in staff]
    wanted += [{"staff_id": None, "organisation_id": number} for number in organisations]
    for one in wanted:
        session.execute(
            kind.insert(Restriction)
            .values(resident_id=resident_id, made_at=now, **one)
            .on_conflict_do_nothing()
        )
    if wanted:
        record_act(
            session, actor, action="keep from", resident_id=resident_id, items=("restriction",), now=now
        )
        _tell_of_limit(session, actor, resident_id, now)
        publish(session, SharingEnded(resident_id, now))


def stop_keeping_from(
    session: Session, *, actor: Principal, resident_id: int, restriction_id: int, now: datetime
) -> None:
    """The person takes one such wish back; one that is gone already is no mistake."""
    gone = session.execute(
        delete(Restriction).where(Restriction.id == restriction_id, Restriction.resident_id == resident_id),
        execution_options={"synchronize_session": False},
    )
    if gone.rowcount:  # type: ignore[attr-defined]
        record_act(
            session, actor, action="lift restriction", resident_id=resident_id, items=("restriction",), now=now
        )  # fmt: skip
        _tell_of_limit(session, actor, resident_id, now)
