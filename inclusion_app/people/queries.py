"""Questions about residents, each narrowed by the permission table; and whether somebody may be known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.later import later
from inclusion_app.people import contact, policy, rules, services
from inclusion_app.people.models import (
    BreakGlass,
    CaseloadEntry,
    Consent,
    ContactRoute,
    Merge,
    Resident,
    Restriction,
    SafeguardingFlag,
)

fuzz = later("rapidfuzz.fuzz")


class Line(NamedTuple):
    """One person in a list: a number and the name they wish to have, empty when they gave none."""

    id: int
    name: str


def _on_own(principal: Principal) -> ColumnElement[bool]:
    return exists().where(
        CaseloadEntry.resident_id == Resident.id,
        CaseloadEntry.staff_id == principal.staff_id,
        CaseloadEntry.organisation_id == principal.organisation_id,
    )


def people_of(session: Session, principal: Principal, *, mine: bool) -> list[Line]:
    """Whom this member of staff may find, by name: on their own caseload, or on any the organisation shares.

    Names are encrypted, so they are put in order here and not by the database: a page of them is cut by whoever asks.
    Restricted people are not among them.
    """
    wanted = select(Resident.id, Resident.name).where(policy.TABLE.rows("resident.search", principal))
    if mine:
        wanted = wanted.where(_on_own(principal))
    found = [Line(number, name or "") for number, name in session.execute(wanted)]
    return sorted(found, key=lambda line: (not line.name, rules.plain_name(line.name), line.id))


def restricted_of(session: Session, principal: Principal) -> list[Line]:
    """The restricted people on one's own caseload: they are in no search and no count, but their worker finds them."""
    rows = session.execute(
        select(Resident.id, Resident.name).where(
            policy.TABLE.rows("resident.identity", principal), Resident.is_restricted, _on_own(principal)
        )
    )
    found = [Line(number, name or "") for number, name in rows]
    return sorted(found, key=lambda line: (rules.plain_name(line.name), line.id))


def people_with_value(session: Session, principal: Principal, value: str) -> list[Line]:
    """Whom a phone number or e-mail address in its normal form belongs to, among those this person may find by it."""
    has_it = exists().where(
        ContactRoute.resident_id == Resident.id, ContactRoute.value_hash == contact.hash_of_value(value)
    )
    return _found(session, principal, has_it, policy.TABLE.rows("resident.contact", principal))


def people_with_code(session: Session, principal: Principal, code: str) -> list[Line]:
    """Whose canonical code this is, if this person may find them."""
    return _found(session, principal, Resident.code_hash == services.hash_of_code(code))


def _found(session: Session, principal: Principal, *conditions: ColumnElement[bool]) -> list[Line]:
    rows = session.execute(
        select(Resident.id, Resident.name)
        .where(policy.TABLE.rows("resident.search", principal), *conditions)
        .order_by(Resident.id)
        .limit(rules.PEOPLE_ON_A_PAGE)
    )
    return [Line(number, name or "") for number, name in rows]


def resident_for(session: Session, principal: Principal, number: int, *rights: str) -> Resident | None:
    """One resident through the list filters of these rights together; None for a miss, whatever the reason."""
    reached = (policy.TABLE.rows(right, principal) for right in rights)
    return session.scalar(select(Resident).where(Resident.id == number, *reached))


def resident_to_change(session: Session, principal: Principal, number: int, item: str) -> Resident | None:
    """One resident of whom this item may be changed; None for a miss, whatever the reason."""
    may = policy.may_change(principal, item)
    return session.scalar(select(Resident).where(Resident.id == number, may))


def parts_changed(session: Session, principal: Principal, resident_id: int) -> list[str]:
    """Which parts of one person this member of staff may change now."""
    return _true_of(session, resident_id, {item: policy.may_change(principal, item) for item in rules.ITEMS})


def parts_seen(session: Session, principal: Principal, resident_id: int) -> list[str]:
    """Which parts of one person this member of staff may see now, in their order."""
    parts = (*rules.ITEMS, "consents")
    seen = {part: policy.TABLE.rows(f"resident.{part}", principal) for part in parts}
    return _true_of(session, resident_id, seen)


def _true_of(session: Session, resident_id: int, wanted: Mapping[str, ColumnElement[bool]]) -> list[str]:
    """The names of the conditions that hold for this resident, all asked at once."""
    asked = select(*(condition.label(name) for name, condition in wanted.items()))
    row = session.execute(asked.select_from(Resident).where(Resident.id == resident_id)).one_or_none()
    return [name for name, holds in zip(wanted, row or (), strict=False) if holds]


def glass_of(session: Session, principal: Principal, resident_id: int, now: datetime) -> BreakGlass | None:
    """The glass this person broke, through which alone they see this resident; None when they see them without."""
    seen_without = [
        by(principal, item)
        for role, by in (("caseworker", policy.by_caseload), ("safeguarding_lead", policy.by_organisation))
        if role in principal.roles
        for item in rules.ITEMS
    ]
    if seen_without and session.scalar(
        select(Resident.id).where(Resident.id == resident_id, or_(*seen_without))
    ):
        return None
    return session.scalar(
        select(BreakGlass)
        .where(
            BreakGlass.resident_id == resident_id,
            BreakGlass.staff_id == principal.staff_id,
            BreakGlass.organisation_id == principal.organisation_id,
            BreakGlass.began_at <= now,
            BreakGlass.ends_at > now,
        )
        .order_by(BreakGlass.ends_at.desc())
        .limit(1)
    )


def routes_of(session: Session, resident_id: int) -> list[ContactRoute]:
    """The ways to reach somebody, in the order they wish."""
    rows = select(ContactRoute).where(ContactRoute.resident_id == resident_id).order_by(ContactRoute.position)
    return list(session.scalars(rows))


def kinds_of_routes(session: Session, resident_id: int) -> set[str]:
    """Which kinds of way there are to reach somebody. No row is loaded: they are about to be written anew."""
    return set(session.scalars(select(ContactRoute.kind).where(ContactRoute.resident_id == resident_id)))


class Shared(NamedTuple):
    """A consent and the name of who received it."""

    consent: Consent
    organisation: str

    @property
    def items(self) -> list[str]:
        """What is shared, always in the same order."""
        found = {one.item for one in self.consent.items}
        return [*(item for item in rules.ITEMS if item in found), *sorted(found - set(rules.ITEMS))]

    def is_live(self, now: datetime) -> bool:
        """True while it opens anything."""
        return self.consent.withdrawn_at is None and self.consent.until_at > now


def consents_of(session: Session, resident_id: int, *, organisation_id: int | None = None) -> list[Shared]:
    """What somebody shared, the newest first: with everybody, or with one organisation."""
    rows = (
        select(Consent, Organisation.name)
        .join(Organisation, Organisation.id == Consent.organisation_id)
        .where(Consent.resident_id == resident_id)
        .order_by(Consent.given_at.desc(), Consent.id.desc())
    )
    if organisation_id is not None:
        rows = rows.where(Consent.organisation_id == organisation_id)
    return [Shared(consent, name) for consent, name in session.execute(rows)]


def open_organisations(session: Session) -> list[tuple[int, str]]:
    """Every organisation that is open, by name."""
    rows = session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.closed_at.is_(None))
        .order_by(Organisation.name)
    )
    return [(number, name) for number, name in rows]


def colleagues(session: Session, organisation_id: int | None) -> list[tuple[int, str]]:
    """Who works for an organisation now, by name."""
    rows = session.execute(
        select(Staff.id, Staff.name)
        .where(
            exists().where(
                Membership.staff_id == Staff.id,
                Membership.organisation_id == organisation_id,
                Membership.until_at.is_(None),
            ),
            Staff.left_at.is_(None),
        )
        .order_by(Staff.name, Staff.id)
    )
    return [(number, name) for number, name in rows]


class Kept(NamedTuple):
    """From whom somebody is kept: a member of staff or an organisation, by name."""

    id: int
    name: str


def kept_from(session: Session, resident_id: int) -> list[Kept]:
    """Everybody whom this resident does not want to be seen by."""
    rows = session.execute(
        select(Restriction.id, Staff.name, Organisation.name)
        .outerjoin(Staff, Staff.id == Restriction.staff_id)
        .outerjoin(Organisation, Organisation.id == Restriction.organisation_id)
        .where(Restriction.resident_id == resident_id)
        .order_by(Restriction.id)
    )
    return [Kept(number, person or organisation or "") for number, person, organisation in rows]


def names_of(session: Session, *, staff: Sequence[int], organisations: Sequence[int]) -> list[str]:
    """The names of these members of staff and organisations, for the safe-contact rule in words."""
    people = session.scalars(select(Staff.name).where(Staff.id.in_(staff)).order_by(Staff.name))
    those = session.scalars(
        select(Organisation.name).where(Organisation.id.in_(organisations)).order_by(Organisation.name)
    )
    return [*people, *those]


def flagged(session: Session, resident_ids: Iterable[int | None]) -> set[int]:
    """Of whom of these somebody fears for their safety, in whatever organisation: one question for a whole list.

    A page says to whom to talk first, never why; nothing of it goes on paper, into a file or a message, or to a resident.
    """
    return set(flagged_by(session, resident_ids))


def flagged_by(session: Session, resident_ids: Iterable[int | None]) -> dict[int, list[str]]:
    """The same with the names of the organisations whose lead knows more. A flag counts for a linked record as well."""
    asked = {number for number in resident_ids if number is not None}
    if not asked:
        return {}
    other = aliased(Resident)
    rows = session.execute(
        select(Resident.id, Organisation.name)
        .join(
            other,
            (other.id == Resident.id)
            | (other.id == Resident.merged_into_id)
            | (other.merged_into_id == Resident.id)
            | (other.merged_into_id == Resident.merged_into_id),
        )
        .join(SafeguardingFlag, SafeguardingFlag.resident_id == other.id)
        .join(Organisation, Organisation.id == SafeguardingFlag.organisation_id)
        .where(
            Resident.id.in_(asked),
            SafeguardingFlag.ended_at.is_(None),
            # The flags first: they are few, the residents many.
            other.id.in_(select(SafeguardingFlag.resident_id).where(SafeguardingFlag.ended_at.is_(None))),
        )
        .distinct()
        .order_by(Organisation.name)
    )
    found: dict[int, list[str]] = {}
    for number, name in rows:
        found.setdefault(number, []).append(name)
    return found


def linked_to(session: Session, resident_id: int) -> list[int]:
    """The numbers of the records that were found to be the same person as this one."""
    rows = select(Resident.id).where(Resident.merged_into_id == resident_id).order_by(Resident.id)
    return list(session.scalars(rows))


class Link(NamedTuple):
    """A request to link two records, who asked, and whether it was agreed."""

    merge: Merge
    asked_by: str


def links_for(session: Session, principal: Principal, now: datetime) -> list[Link]:
    """The requests of the organisation that wait, and what can still be undone. Nobody of the two is named here."""
    rows = session.execute(
        select(Merge, Staff.name)
        .join(Staff, Staff.id == Merge.asked_by_id)
        .where(
            policy.MERGES.rows("merge.decide", principal),
            Merge.refused_at.is_(None),
            Merge.undone_at.is_(None),
            or_(Merge.agreed_at.is_(None), Merge.agreed_at > now - rules.MERGE_UNDONE_WITHIN),
        )
        .order_by(Merge.asked_at, Merge.id)
    )
    return [Link(merge, name) for merge, name in rows]


def link_for(session: Session, principal: Principal, number: int) -> Merge | None:
    """One request of the organisation."""
    rows = policy.MERGES.rows("merge.decide", principal)
    return session.scalar(select(Merge).where(Merge.id == number, rows))


def may_be_known(session: Session, principal: Principal, resident: Resident) -> bool:
    """True when another record looks like this person: that is all that is told, never who or where.

    The same phone or e-mail, the same name in the same ward or sector, or much the same name in the same sector.
    Restricted people never give a match, nor do those who are kept from whoever asks, nor records that are linked
    already.
    """
    other = aliased(Resident)
    mine = select(ContactRoute.value_hash).where(
        ContactRoute.resident_id == resident.id, ContactRoute.value_hash.is_not(None)
    )
    same_value = exists().where(ContactRoute.resident_id == other.id, ContactRoute.value_hash.in_(mine))
    alike: list[ColumnElement[bool]] = [same_value]
    if resident.name_hash and resident.ward:
        alike.append((other.name_hash == resident.name_hash) & (other.ward == resident.ward))
    if resident.name_hash and resident.postcode_sector:
        alike.append(
            (other.name_hash == resident.name_hash) & (other.postcode_sector == resident.postcode_sector)
        )
    others = [
        other.id != resident.id,
        ~other.is_restricted,
        ~policy.is_kept_from(principal, other),
        other.merged_into_id.is_(None),
        other.id != (resident.merged_into_id or 0),
    ]
    if session.scalar(select(other.id).where(*others, or_(*alike)).limit(1)) is not None:
        return True
    name = rules.plain_name(resident.name or "")
    if not name or not resident.postcode_sector:
        return False
    near = select(other.name).where(
        *others, other.postcode_sector == resident.postcode_sector, other.name.is_not(None)
    )
    return any(
        fuzz.token_sort_ratio(name, rules.plain_name(found or "")) >= rules.LIKE_ENOUGH
        for found in session.scalars(near)
    )
