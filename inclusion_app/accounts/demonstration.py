"""Three invented organisations with one member of staff for each role, to try the service out on one's own machine."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Membership, Organisation, Staff, Totp
from inclusion_app.accounts.passwords import hash_password
from inclusion_app.accounts.queries import hash_of_email
from inclusion_app.accounts.rules import ROLES
from inclusion_app.accounts.services import make_organisation
from inclusion_app.core.db import Base

# Name, kind, part of the e-mail addresses, and the roles with the names of who holds them. All invented.
ORGANISATIONS = (
    (
        "Red Door (demonstration)",
        "voluntary",
        "red-door",
        {
            "organisation_admin": "Olwen Achebe",
            "caseworker": "Casey Mahmood",
            "safeguarding_lead": "Sunniva Lal",
            "loan_coordinator": "Leon Duarte",
            "referrer": "Rosa Whitfield",
            "group_facilitator": "Gethin Osei",
        },
    ),
    (
        "Elm Row Library (demonstration)",
        "library",
        "elm-row",
        {
            "front_desk": "Farah Desmond",
            "places_editor": "Piotr Ellison",
            "training_organiser": "Tova Orwell",
            "insights_viewer": "Ines Vaughan",
        },
    ),
    (
        "Cobden Yard Work Team (demonstration)",
        "jobcentre",
        "cobden-yard",
        {"data_protection": "Dara Pryce", "platform_admin": "Priya Ackroyd"},
    ),
)


@dataclass(frozen=True)
class SignIn:
    """What opens one demonstration account."""

    organisation: str
    role: str
    name: str
    email: str
    password: str
    totp_secret: str
    password_hash: str

    def shown(self) -> dict[str, str]:
        """What stands in the file of sign-ins."""
        return {
            "organisation": self.organisation,
            "role": self.role,
            "email": self.email,
            "password": self.password,
            "totp_secret": self.totp_secret,
        }


def is_loaded(session: Session) -> bool:
    """True when any demonstration organisation is there."""
    return session.scalar(select(Organisation.id).where(Organisation.is_demonstration).limit(1)) is not None


def new_sign_ins() -> list[SignIn]:
    """One for each role, with fresh random secrets. Slow (it hashes), so call it outside any transaction."""
    import pyotp  # only here: loading the service must stay quick

    found = []
    for organisation, _kind, place, people in ORGANISATIONS:
        for role, name in people.items():
            password = secrets.token_urlsafe(12)
            email = f"{role.replace('_', '-')}@{place}.example.org"
            found.append(
                SignIn(
                    organisation, role, name, email, password, pyotp.random_base32(), hash_password(password)
                )
            )
    return found


def load(session: Session, *, sign_ins: list[SignIn], now: datetime) -> None:
    """Make the organisations and their staff. Raises RuleBroken when there is an organisation of such a name."""
    numbers = {
        name: make_organisation(session, name=name, kind=kind, actor=None, now=now, is_demonstration=True).id
        for name, kind, _place, _people in ORGANISATIONS
    }
    # Its caseworker sees the whole caseload of the organisation, so that this can be tried out too.
    shared = numbers[ORGANISATIONS[0][0]]
    session.execute(update(Organisation).where(Organisation.id == shared).values(shares_caseload=True))
    for one in sign_ins:
        person = Staff(
            name=one.name, email=one.email, email_hash=hash_of_email(one.email), password_hash=one.password_hash,
            password_set_at=now, made_at=now,
        )  # fmt: skip
        session.add(person)
        session.flush()
        session.add(Totp(staff_id=person.id, secret=one.totp_secret, made_at=now, confirmed_at=now))
        session.add(
            Membership(
                staff_id=person.id, organisation_id=numbers[one.organisation], role=one.role, since_at=now
            )
        )
    session.flush()


def remove(session: Session) -> int:
    """Delete the demonstration organisations, their staff and whatever hangs on either, in every room.

    The rows of the record stay: they name numbers only. Who also works for a real organisation stays too. Returns how
    many organisations went.
    """
    organisations = list(session.scalars(select(Organisation.id).where(Organisation.is_demonstration)))
    other, real = aliased(Membership), aliased(Organisation)
    works_elsewhere = (
        exists()
        .where(other.staff_id == Membership.staff_id)
        .where(real.id == other.organisation_id, real.is_demonstration.is_(False))
    )
    staff = list(
        session.scalars(
            select(Membership.staff_id)
            .where(Membership.organisation_id.in_(organisations), ~works_elsewhere)
            .distinct()
        )
    )
    tables: Any = Base.metadata.tables
    delete_with_all(session, tables["staff"], tables["staff"].c.id.in_(staff))
    delete_with_all(session, tables["organisations"], tables["organisations"].c.id.in_(organisations))
    return len(organisations)


def delete_with_all(session: Session, table: Table, which: ColumnElement[bool]) -> None:
    """Delete rows after those that name them, as far as the database does not do that by itself."""
    for child in Base.metadata.tables.values():
        for key in child.foreign_keys:
            if key.column.table is not table or key.ondelete in {"CASCADE", "SET NULL"}:
                continue
            theirs = key.parent.in_(select(key.column).where(which))
            if key.parent.nullable:
                session.execute(update(child).where(theirs).values({key.parent.name: None}))
            else:
                delete_with_all(session, child, theirs)
    session.execute(delete(table).where(which))


assert {role for *_rest, people in ORGANISATIONS for role in people} == set(ROLES)  # noqa: S101 - one for each role
