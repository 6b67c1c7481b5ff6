"""Questions about staff and organisations: who asks, who works where, who is invited, what the record says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, g
from flask_login import UserMixin
from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from inclusion_app.accounts import policy
from inclusion_app.accounts.models import (
    Invitation,
    KnownDevice,
    Membership,
    Organisation,
    Passkey,
    Staff,
    Totp,
)
from inclusion_app.accounts.rules import EXPIRES_SOON, ROLES
from inclusion_app.core.access import Principal, current_staff
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session
from inclusion_app.core.staff_sessions import StaffSession, current_session, hash_of

PAGE = 20


def hash_of_email(email: str) -> str:
    """Under what an e-mail address is looked up: the blind index of staff, whatever its case and spaces."""
    return keyed_hash("staff-email", email.strip().casefold())


def staff_by_email(session: Session, email: str) -> Staff | None:
    """The member of staff with this address, also one who has left."""
    return session.scalar(select(Staff).where(Staff.email_hash == hash_of_email(email)))


def roles_of(session: Session, *, staff_id: int) -> dict[int, frozenset[str]]:
    """The live roles of one person by organisation that is open, in the order of its name.

    Demonstration staff work only where demonstration data may be: their passwords lie in a file.
    """
    may_be_demonstration: ColumnElement[bool] = (
        true() if current_app.extensions["settings"].demo else Organisation.is_demonstration.is_(False)
    )
    rows = session.execute(
        select(Membership.organisation_id, Membership.role)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.staff_id == staff_id,
            Membership.until_at.is_(None),
            Organisation.closed_at.is_(None),
            may_be_demonstration,
        )
        .order_by(Organisation.name, Membership.role)
    )
    found: dict[int, set[str]] = {}
    for organisation_id, role in rows:
        found.setdefault(organisation_id, set()).add(role)
    return {number: frozenset(roles) for number, roles in found.items()}


def staff_principal() -> Principal | None:
    """Who of the staff this browser is signed in as, with both factors; None for everybody else.

    Roles are read anew with each request, so one that was taken away is gone on the next.
    """
    signed_in = current_session()
    if signed_in is None or signed_in.stage != "full":
        return None
    session = db_session()
    has_left = session.scalar(select(Staff.left_at).where(Staff.id == signed_in.staff_id))
    by_organisation = roles_of(session, staff_id=signed_in.staff_id)
    g.acts_for_choices = tuple(by_organisation)
    if has_left is not None or signed_in.organisation_id not in by_organisation:
        return None
    return Principal(
        "staff", staff_id=signed_in.staff_id, organisation_id=signed_in.organisation_id,
        roles=by_organisation[signed_in.organisation_id],
    )  # fmt: skip


class SignedInStaff(UserMixin):
    """What Flask-Login calls the user: nobody but a member of staff ever is one."""

    def __init__(self, principal: Principal) -> None:
        self.id = principal.staff_id
        self.principal = principal


def signed_in_staff() -> SignedInStaff | None:
    """Flask-Login's answer to who is signed in."""
    principal = current_staff()
    return SignedInStaff(principal) if principal is not None else None


@dataclass(frozen=True)
class Colleague:
    """One person of an organisation. `id` is the organisation's: the table of rights is asked about that row."""

    id: int
    organisation: Organisation
    staff: Staff
    roles: tuple[str, ...]
    last_seen_at: datetime | None = None
    has_second_factor: bool = False


@dataclass(frozen=True)
class OrganisationLine:
    """One line of the list of organisations."""

    organisation: Organisation
    people: int
    open_invitations: int


@dataclass(frozen=True)
class ReadLine:
    """One row of the record as an organisation's admin reads it: nothing of the resident, nothing of the content."""

    at: datetime
    staff_id: int | None
    name: str
    role: str
    action: str


def organisation_for(
    session: Session, principal: Principal, organisation_id: int, right: str
) -> Organisation | None:
    """This organisation, as far as the principal reaches it by the right; else None."""
    return session.scalar(
        select(Organisation).where(Organisation.id == organisation_id, policy.TABLE.rows(right, principal))
    )


def organisations_for(session: Session, principal: Principal, *, now: datetime) -> list[OrganisationLine]:
    """Every organisation the principal may look after, open ones first, by name."""
    people = (
        select(func.count(Membership.staff_id.distinct()))
        .where(Membership.organisation_id == Organisation.id, Membership.until_at.is_(None))
        .scalar_subquery()
    )
    invited = (
        select(func.count(Invitation.id))
        .where(Invitation.organisation_id == Organisation.id, is_pending(), Invitation.expires_at > now)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Organisation, people, invited)
        .where(policy.TABLE.rows("organisation.manage", principal))
        .order_by(Organisation.closed_at.is_not(None), Organisation.name)
    )
    return [OrganisationLine(*row) for row in rows]


def names_of(session: Session, organisation_ids: Sequence[int]) -> dict[int, str]:
    """These organisations by name."""
    rows = session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.id.in_(organisation_ids))
        .order_by(Organisation.name)
    )
    return {row.id: row.name for row in rows}


def colleagues(
    session: Session, organisation: Organisation, *, staff_id: int | None = None
) -> list[Colleague]:
    """The people of an organisation by name, or the one with this number. Callers reach the organisation by a right."""
    live = [Membership.organisation_id == organisation.id, Membership.until_at.is_(None)]
    if staff_id is not None:
        live.append(Membership.staff_id == staff_id)
    roles: dict[int, set[str]] = {}
    for number, role in session.execute(select(Membership.staff_id, Membership.role).where(*live)):
        roles.setdefault(number, set()).add(role)
    session_at = _newest(StaffSession.last_used_at, StaffSession.staff_id)
    device_at = _newest(KnownDevice.last_at, KnownDevice.staff_id)
    has_factor = or_(
        select(Totp.staff_id).where(Totp.staff_id == Staff.id, Totp.confirmed_at.is_not(None)).exists(),
        select(Passkey.id).where(Passkey.staff_id == Staff.id).exists(),
    )
    rows = session.execute(
        select(Staff, session_at, device_at, has_factor).where(
            Staff.id.in_(select(Membership.staff_id).where(*live))
        )
    )
    found = [
        Colleague(
            id=organisation.id,
            organisation=organisation,
            staff=staff,
            roles=tuple(role for role in ROLES if role in roles.get(staff.id, ())),
            last_seen_at=max((at for at in (used, known) if at is not None), default=None),
            has_second_factor=bool(factor),
        )
        for staff, used, known, factor in rows
    ]
    return sorted(found, key=lambda one: (one.staff.name.casefold(), one.staff.id))


def _newest(moment: ColumnElement[datetime] | object, owner: object) -> ColumnElement[datetime | None]:
    newest: ColumnElement[datetime | None] = (
        select(func.max(moment)).where(owner == Staff.id).scalar_subquery()
    )
    return newest


def is_pending() -> ColumnElement[bool]:
    """An invitation neither used nor taken back; perhaps too old."""
    return and_(Invitation.used_at.is_(None), Invitation.revoked_at.is_(None))


def pending_invitations(session: Session, organisation_id: int) -> list[Invitation]:
    """What an organisation waits for, also what nobody answered in time; the oldest first."""
    return list(
        session.scalars(
            select(Invitation)
            .where(Invitation.organisation_id == organisation_id, is_pending())
            .order_by(Invitation.made_at, Invitation.id)
        )
    )


def count_ending_invitations(session: Session, principal: Principal, *, now: datetime) -> int:
    """How many open invitations of the organisation acted for end within two days; 0 for who may not invite."""
    if not policy.MANAGE.may_at_all(principal):
        return 0
    found = session.scalar(
        select(func.count(Invitation.id))
        .join(Organisation, Organisation.id == Invitation.organisation_id)
        .where(
            Organisation.id == principal.organisation_id,
            policy.TABLE.rows("organisation.manage", principal),
            is_pending(),
            Invitation.expires_at > now,
            Invitation.expires_at <= now + EXPIRES_SOON,
        )
    )
    return int(found or 0)


def invitation_of(session: Session, token: str) -> Invitation | None:
    """The invitation of a link, in whatever state."""
    return session.scalar(select(Invitation).where(Invitation.token_hash == hash_of(token)))


def read_lines(
    session: Session, organisation_id: int, *, staff_id: int | None = None, page: int = 1
) -> tuple[list[ReadLine], bool]:
    """One page of what was done and looked at for an organisation, newest first; and whether there is more."""
    asked = select(AuditRow).where(AuditRow.organisation_id == organisation_id)
    if staff_id is not None:
        asked = asked.where(AuditRow.actor_id == staff_id)
    rows = list(session.scalars(asked.order_by(AuditRow.id.desc()).offset((page - 1) * PAGE).limit(PAGE + 1)))
    names = _names(session, {row.actor_id for row in rows if row.actor_id is not None})
    lines = [
        ReadLine(
            row.at, row.actor_id, names.get(row.actor_id or 0, ""), row.actor_kind, row.action
        )
        for row in rows[:PAGE]
    ]  # fmt: skip
    return lines, len(rows) > PAGE


def who_acted(session: Session, organisation_id: int) -> dict[int, str]:
    """Everybody who is or was of this organisation, by name; to choose whose acts are shown."""
    numbers = session.scalars(
        select(Membership.staff_id).where(Membership.organisation_id == organisation_id).distinct()
    )
    found = _names(session, set(numbers))
    return dict(sorted(found.items(), key=lambda pair: (pair[1].casefold(), pair[0])))


def _names(session: Session, numbers: set[int]) -> dict[int, str]:
    rows = session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(numbers)))
    return {row.id: row.name for row in rows}
