"""Verbs of organisations and their staff: invite, accept, give roles, leave, close. Each writes its row in the record."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Invitation, Membership, Organisation, Staff
from inclusion_app.accounts.queries import hash_of_email, is_pending
from inclusion_app.accounts.rules import (
    CITY_WIDE,
    EMAIL_LENGTH,
    INVITATION_KEPT,
    INVITATION_LIFE,
    ORGANISATION_KINDS,
    ORGANISATION_LENGTH,
    ROLES,
    may_give,
)
from inclusion_app.core import audit
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.db import insert_into
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.core.staff_sessions import StaffSession, end_sessions, hash_of
from inclusion_app.core.words import N_

NO_EMAIL = N_("Type an e-mail address, like name@example.org.")
NO_ROLE = N_("Choose at least one role.")
UNKNOWN_ROLE = N_("Choose roles from the list.")
NOT_YOURS_TO_GIVE = N_("Only a platform admin can give or take a role for the whole city.")
HAS_THEM = N_("This person has these roles already.")
LAST_ADMIN = N_("This is the only organisation admin here. Make somebody else an admin first.")
LAST_PLATFORM_ADMIN = N_("This is the only platform admin of the city. Make somebody else one first.")
NAME_TAKEN = N_("There is an organisation of this name already.")
NO_ORGANISATION_NAME = N_("Type the name of the organisation.")
ORGANISATION_NAME_TOO_LONG = N_("This name is too long. Use at most 100 letters.")
UNKNOWN_KIND = N_("Choose what kind of organisation it is.")
CLOSED = N_("This organisation is closed.")
OWN_IS_OPEN = N_("You act for this organisation now, so you cannot close it.")
NOT_OPEN = N_("This invitation is not open any more. Ask for a new one.")
# The service must keep somebody who can give these roles.
LAST = {"organisation_admin": LAST_ADMIN, "platform_admin": LAST_PLATFORM_ADMIN}
PURPOSE = "administration"


@dataclass(frozen=True)
class Accepted:
    """Who an invitation made staff. `is_new` is False for somebody who had an account: they sign in as always."""

    staff_id: int
    organisation_id: int
    is_new: bool


def read_email(text: str) -> str:
    """An e-mail address in its normal form. Raises RuleBroken at `email`; whether mail arrives is not asked."""
    from email_validator import EmailNotValidError, validate_email  # a resident's page never needs it

    typed = text.strip()
    try:
        if len(typed) > EMAIL_LENGTH:
            raise RuleBroken(NO_EMAIL, field="email")
        return validate_email(typed, check_deliverability=False).normalized
    except EmailNotValidError as wrong:
        raise RuleBroken(NO_EMAIL, field="email") from wrong


def _record(session: Session, actor: Principal | None, action: str, now: datetime, **more: Any) -> None:
    """The row of a change; without an actor it was a command on the machine itself."""
    if actor is not None:
        record_act(session, actor, action=action, now=now, purpose=PURPOSE, **more)
        return
    audit.record(
        session, at=now, actor_kind="command", actor_id=None, action=action, purpose=PURPOSE, resident_id=None, **more
    )  # fmt: skip


# Organisations


def make_organisation(
    session: Session,
    *,
    name: str,
    kind: str,
    actor: Principal | None,
    now: datetime,
    is_demonstration: bool = False,
) -> Organisation:
    """A new organisation. Raises RuleBroken at `name` when there is one of that name, at `kind` for an unknown one."""
    if not name:
        raise RuleBroken(NO_ORGANISATION_NAME, field="name")
    if len(name) > ORGANISATION_LENGTH:
        raise RuleBroken(ORGANISATION_NAME_TOO_LONG, field="name")
    if kind not in ORGANISATION_KINDS:
        raise RuleBroken(UNKNOWN_KIND, field="kind")
    facts = {
        "name": name,
        "kind": kind,
        "shares_caseload": False,
        "is_demonstration": is_demonstration,
        "made_at": now,
    }
    number = session.scalar(
        insert_into(session, Organisation).values(**facts).on_conflict_do_nothing().returning(Organisation.id)
    )
    if number is None:
        raise RuleBroken(NAME_TAKEN, field="name")
    _record(session, actor, "make organisation", now, items=(f"organisation-{number}",))
    return session.get_one(Organisation, number)


def share_caseload(
    session: Session, *, organisation_id: int, shares: bool, actor: Principal, now: datetime
) -> None:
    """Whether its caseworkers see everybody who gave consent to the organisation, or their own caseload only."""
    done = session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id, Organisation.shares_caseload.is_not(shares))
        .values(shares_caseload=shares)
    )
    if _count(done):
        action = "share caseload" if shares else "unshare caseload"
        _record(session, actor, action, now, items=(f"organisation-{organisation_id}",))


def close_organisation(session: Session, *, organisation_id: int, actor: Principal, now: datetime) -> None:
    """Nobody acts for it from their next request on, and its open invitations end. Its rows stay.

    Raises RuleBroken for the organisation the actor acts for, and for one that is closed already.
    """
    if organisation_id == actor.organisation_id:
        raise RuleBroken(OWN_IS_OPEN)
    done = session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id, Organisation.closed_at.is_(None))
        .values(closed_at=now)
    )
    if not _count(done):
        raise RuleBroken(CLOSED)
    session.execute(
        delete(StaffSession).where(StaffSession.organisation_id == organisation_id),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        update(Invitation)
        .where(Invitation.organisation_id == organisation_id, is_pending())
        .values(revoked_at=now)
    )
    _record(session, actor, "close organisation", now, items=(f"organisation-{organisation_id}",))


# Invitations


def invite(
    session: Session,
    *,
    organisation_id: int,
    email: str,
    roles: Collection[str],
    actor: Principal | None,
    link_for: Callable[[str], str],
    now: datetime,
) -> str:
    """Invite somebody by e-mail; an older open invitation to the same address and organisation ends. Returns the token.

    Without an `actor` (the command line) every role may be given. `link_for` makes the address of a token. Raises
    RuleBroken at `email` or `roles`, also for roles the person holds already.
    """
    address = read_email(email)
    _check_roles(roles, actor)
    # Locked, so that a closing organisation and an invitation to it come one after the other.
    organisation = session.get(Organisation, organisation_id, with_for_update=True)
    if organisation is None or organisation.closed_at is not None:
        raise RuleBroken(CLOSED)
    hashed = hash_of_email(address)
    held = session.scalars(
        select(Membership.role)
        .join(Staff)
        .where(Staff.email_hash == hashed, _is_live(), Membership.organisation_id == organisation_id)
    )
    if set(roles) <= set(held):
        raise RuleBroken(HAS_THEM, field="roles")
    session.execute(
        update(Invitation)
        .where(Invitation.email_hash == hashed, Invitation.organisation_id == organisation_id, is_pending())
        .values(revoked_at=now)
    )
    token = secrets.token_urlsafe(32)
    row = Invitation(
        token_hash=hash_of(token), email=address, email_hash=hashed, organisation_id=organisation_id,
        roles=" ".join(name for name in ROLES if name in roles), invited_by_id=actor.staff_id if actor else None,
        made_at=now, expires_at=now + INVITATION_LIFE,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _record(session, actor, "invite staff", now, items=(f"invitation-{row.id}", *row.roles.split()))
    facts = {"organisation": organisation.name, "link": link_for(token), "days": str(INVITATION_LIFE.days)}
    publish(
        session,
        MessageWanted(
            key=f"invitation-{row.id}", template="staff_invitation", email=address, params=facts, organisation_id=organisation_id
        ),
    )  # fmt: skip
    return token


def invite_again(
    session: Session,
    *,
    invitation_id: int,
    organisation_id: int,
    actor: Principal,
    link_for: Callable[[str], str],
    now: datetime,
) -> str:
    """The same invitation with a new link and another seven days; the old link ends. Returns the new token.

    Raises RuleBroken when it was used or taken back, or gives roles that the actor may not give.
    """
    old = session.scalar(
        select(Invitation).where(
            Invitation.id == invitation_id, Invitation.organisation_id == organisation_id, is_pending()
        )
    )
    if old is None:
        raise RuleBroken(CHANGED_ALREADY)
    return invite(
        session, organisation_id=organisation_id, email=old.email, roles=old.roles.split(), actor=actor,
        link_for=link_for, now=now,
    )  # fmt: skip


def take_back_invitation(
    session: Session, *, invitation_id: int, organisation_id: int, actor: Principal, now: datetime
) -> None:
    """Its link opens nothing any more. Raises RuleBroken when it was used or taken back already."""
    done = session.execute(
        update(Invitation)
        .where(Invitation.id == invitation_id, Invitation.organisation_id == organisation_id, is_pending())
        .values(revoked_at=now)
    )
    if not _count(done):
        raise RuleBroken(CHANGED_ALREADY)
    _record(session, actor, "take back invitation", now, items=(f"invitation-{invitation_id}",))


def accept_invitation(
    session: Session, *, token: str, name: str | None, password_hash: str | None, now: datetime
) -> Accepted:
    """Use an invitation, once: of two at the same moment one gets the account and the other RuleBroken.

    Who has an account keeps its name and password and gains the roles; all their sign-ins end. Raises RuleBroken when
    the link is not open, or when there is no account and no password was chosen.
    """
    row = session.scalar(select(Invitation).where(Invitation.token_hash == hash_of(token), _is_open(now)))
    if row is None:
        raise RuleBroken(NOT_OPEN)
    is_new = False
    if name and password_hash:
        facts = {"name": name, "email": row.email, "email_hash": row.email_hash, "made_at": now}
        made = insert_into(session, Staff).values(**facts, password_hash=password_hash, password_set_at=now)
        is_new = session.scalar(made.on_conflict_do_nothing().returning(Staff.id)) is not None
        if not is_new:
            # Somebody whose row never had a password chooses their first one here as well.
            first = update(Staff).where(Staff.email_hash == row.email_hash, Staff.password_hash.is_(None))
            is_new = bool(
                _count(
                    session.execute(first.values(name=name, password_hash=password_hash, password_set_at=now))
                )
            )
    staff_id = session.scalar(select(Staff.id).where(Staff.email_hash == row.email_hash))
    if staff_id is None:
        raise RuleBroken(CHANGED_ALREADY)
    used = session.execute(
        update(Invitation)
        .where(Invitation.id == row.id, _is_open(now))
        .values(used_at=now, staff_id=staff_id)
        .execution_options(synchronize_session=False)
    )
    if not _count(used):
        raise RuleBroken(NOT_OPEN)
    roles = row.roles.split()
    gained = _add_roles(session, staff_id=staff_id, organisation_id=row.organisation_id, roles=roles, now=now)
    session.execute(update(Staff).where(Staff.id == staff_id).values(left_at=None))
    if gained and not is_new:
        end_sessions(session, staff_id=staff_id)
    who = Principal("staff", staff_id=staff_id, organisation_id=row.organisation_id, roles=frozenset(roles))
    _record(session, who, "accept invitation", now, items=(f"invitation-{row.id}", *roles))
    return Accepted(staff_id, row.organisation_id, is_new)


def delete_old_invitations(session: Session, *, now: datetime) -> int:
    """Delete those that were used, taken back or not answered, 30 days after their end. Returns how many."""
    done = session.execute(
        delete(Invitation).where(Invitation.expires_at <= now - INVITATION_KEPT),
        execution_options={"synchronize_session": False},
    )
    return _count(done)


# Roles


def give_roles(
    session: Session,
    *,
    staff_id: int,
    organisation_id: int,
    roles: Collection[str],
    actor: Principal,
    now: datetime,
) -> None:
    """The roles one person has in one organisation from now on; a change ends all their sign-ins.

    What was taken does not come back by an open invitation: neither by one to them, nor, of who may invite no more, by
    one they sent. Roles that the actor may not give stay as they are. Raises RuleBroken at `roles`: none chosen, not
    the actor's to give, or the last admin would lose theirs.
    """
    held = _held(session, staff_id=staff_id, organisation_id=organisation_id)
    if not held:
        raise RuleBroken(CHANGED_ALREADY)
    wanted = set(roles) | {role for role in held if not may_give(actor.roles, role)}
    if not wanted:
        raise RuleBroken(NO_ROLE, field="roles")
    _check_roles(wanted - held, actor, some=False)
    lost = held - wanted
    _take_roles(session, staff_id=staff_id, organisation_id=organisation_id, roles=lost, now=now)
    gained = _add_roles(
        session, staff_id=staff_id, organisation_id=organisation_id, roles=wanted - held, now=now
    )
    if not lost and not gained:
        return
    end_sessions(session, staff_id=staff_id)
    changed = [f"+{role}" for role in sorted(gained)] + [f"-{role}" for role in sorted(lost)]
    _record(session, actor, "change roles", now, items=(f"staff-{staff_id}", *changed))
    if lost:
        _end_ways_back(
            session, staff_id=staff_id, organisation_id=organisation_id, roles=lost, actor=actor, now=now
        )


def leave(session: Session, *, staff_id: int, organisation_id: int, actor: Principal, now: datetime) -> None:
    """Somebody has left the organisation: their roles in it and every sign-in of theirs end at once.

    Who is in no organisation any more may not sign in at all. No open invitation is a way back: neither one to them, nor
    one they sent, perhaps to another address of their own. Raises RuleBroken for the last admin, and for somebody with a
    city-wide role when the actor could not take it.
    """
    held = _held(session, staff_id=staff_id, organisation_id=organisation_id)
    if not held:
        raise RuleBroken(CHANGED_ALREADY)
    if any(not may_give(actor.roles, role) for role in held):
        raise RuleBroken(NOT_YOURS_TO_GIVE)
    _take_roles(session, staff_id=staff_id, organisation_id=organisation_id, roles=held, now=now)
    others = exists().where(Membership.staff_id == Staff.id, _is_live())
    session.execute(
        update(Staff)
        .where(Staff.id == staff_id, Staff.left_at.is_(None), ~others)
        .values(left_at=now)
        .execution_options(synchronize_session=False)
    )
    end_sessions(session, staff_id=staff_id)
    _record(session, actor, "end staff", now, items=(f"staff-{staff_id}", *sorted(held)))
    _end_ways_back(
        session, staff_id=staff_id, organisation_id=organisation_id, roles=held, actor=actor, now=now
    )


def end_sign_ins(
    session: Session, *, staff_id: int, organisation_id: int, actor: Principal, now: datetime
) -> None:
    """A laptop was lost: every sign-in of a colleague ends at once, and they keep their roles.

    Raises RuleBroken when they work there no more.
    """
    if not _held(session, staff_id=staff_id, organisation_id=organisation_id):
        raise RuleBroken(CHANGED_ALREADY)
    end_sessions(session, staff_id=staff_id)
    _record(session, actor, "end sign-ins", now, items=(f"staff-{staff_id}",))


def _end_ways_back(
    session: Session,
    *,
    staff_id: int,
    organisation_id: int,
    roles: Collection[str],
    actor: Principal,
    now: datetime,
) -> None:
    """Take back the open invitations to somebody who loses these roles, and those they sent by them.

    An organisation admin sent theirs in the organisation, a platform admin in every one.
    """
    theirs = select(Staff.email_hash).where(Staff.id == staff_id).scalar_subquery()
    here = Invitation.organisation_id == organisation_id
    sent = Invitation.invited_by_id == staff_id
    which = [and_(here, Invitation.email_hash == theirs)]
    if "platform_admin" in roles:
        which.append(sent)
    elif "organisation_admin" in roles:
        which.append(and_(here, sent))
    ended = session.scalars(
        update(Invitation)
        .where(or_(*which), is_pending())
        .values(revoked_at=now)
        .returning(Invitation.id)
        .execution_options(synchronize_session=False)
    )
    for number in sorted(ended):
        _record(session, actor, "take back invitation", now, items=(f"invitation-{number}",))


def act_for(
    session: Session, *, sign_in: StaffSession, organisation_id: int, actor: Principal, now: datetime
) -> None:
    """Act for another of one's own organisations from now on. Raises RuleBroken for one that is not."""
    member = exists().where(
        Membership.staff_id == sign_in.staff_id, _is_live(), Membership.organisation_id == organisation_id
    )
    is_open = exists().where(Organisation.id == organisation_id, Organisation.closed_at.is_(None))
    done = session.execute(
        update(StaffSession)
        .where(StaffSession.id == sign_in.id, member, is_open)
        .values(organisation_id=organisation_id)
    )
    if not _count(done):
        raise RuleBroken(CHANGED_ALREADY)
    _record(session, actor, "act for", now, items=(f"organisation-{organisation_id}",))


def _check_roles(roles: Collection[str], actor: Principal | None, *, some: bool = True) -> None:
    if some and not roles:
        raise RuleBroken(NO_ROLE, field="roles")
    if any(role not in ROLES for role in roles):
        raise RuleBroken(UNKNOWN_ROLE, field="roles")
    if actor is not None and any(not may_give(actor.roles, role) for role in roles):
        raise RuleBroken(NOT_YOURS_TO_GIVE, field="roles")


def _held(session: Session, *, staff_id: int, organisation_id: int) -> set[str]:
    """The live roles. Changes of roles in one organisation come one after the other: they wait at its row.

    Two who take the last two admins away at once would else each still see the other's.
    """
    _lock_organisation(session, organisation_id)
    rows = session.scalars(
        select(Membership.role).where(
            Membership.staff_id == staff_id, Membership.organisation_id == organisation_id, _is_live()
        )
    )
    return set(rows)


def _lock_organisation(session: Session, organisation_id: int) -> None:
    one = select(Organisation.id).where(Organisation.id == organisation_id)
    session.execute(one.with_for_update(key_share=True)).all()


def _add_roles(
    session: Session, *, staff_id: int, organisation_id: int, roles: Collection[str], now: datetime
) -> set[str]:
    gained = set()
    for role in roles:
        facts = {"staff_id": staff_id, "organisation_id": organisation_id, "role": role, "since_at": now}
        insert = insert_into(session, Membership).values(**facts).on_conflict_do_nothing()
        if session.scalar(insert.returning(Membership.id)) is not None:
            gained.add(role)
    return gained


def _take_roles(
    session: Session, *, staff_id: int, organisation_id: int, roles: Collection[str], now: datetime
) -> None:
    """End these roles. One statement asks whether somebody else is left where somebody must be."""
    for role in sorted(roles, key=lambda role: (role in LAST, role)):
        other = aliased(Membership)
        ending = update(Membership).where(
            Membership.staff_id == staff_id, Membership.organisation_id == organisation_id, Membership.role == role, _is_live()
        )  # fmt: skip
        if role in LAST:
            others = [other.role == role, other.until_at.is_(None), other.staff_id != staff_id]
            if role in CITY_WIDE:
                _lock_city(session, role)
                is_open = exists().where(
                    Organisation.id == other.organisation_id, Organisation.closed_at.is_(None)
                )
                others.append(is_open)
            else:
                others.append(other.organisation_id == organisation_id)
            ending = ending.where(exists().where(*others))
        done = session.execute(ending.values(until_at=now).execution_options(synchronize_session=False))
        if not _count(done):
            raise RuleBroken(LAST.get(role, CHANGED_ALREADY), field="roles")


def _lock_city(session: Session, role: str) -> None:
    """The same for a role of which the city must keep one: they wait at the rows that give it."""
    holders = select(Membership.id).where(Membership.role == role, _is_live()).order_by(Membership.id)
    session.execute(holders.with_for_update()).all()


def _is_live() -> ColumnElement[bool]:
    return Membership.until_at.is_(None)


def _is_open(now: datetime) -> ColumnElement[bool]:
    is_open = exists().where(Organisation.id == Invitation.organisation_id, Organisation.closed_at.is_(None))
    return and_(is_pending(), Invitation.expires_at > now, is_open)


def _count(done: Any) -> int:
    return int(done.rowcount)
