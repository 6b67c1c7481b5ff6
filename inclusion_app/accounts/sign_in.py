"""Signing in: password, second factor, known browsers, and what ends it all.

A try is counted before anything is looked up; slow hashing stands outside any transaction. Unknown address, wrong
password, no password yet, and somebody who has left answer alike, after one Argon2 run each.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts import passwords
from inclusion_app.accounts.models import KnownDevice, Organisation, RecoveryCode, Staff, StaffLink
from inclusion_app.accounts.queries import hash_of_email, roles_of
from inclusion_app.accounts.rules import RECOVER_LIFE
from inclusion_app.core import attempts, audit, i18n
from inclusion_app.core.attempts import (
    STAFF_ADDRESS,
    STAFF_FIVE,
    STAFF_MINUTE,
    STAFF_RECOVER,
    STAFF_SECOND,
    Limit,
)
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import insert_into, reading, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.core.retention_runs import keep
from inclusion_app.core.staff_sessions import StaffSession, end_sessions, hash_of, renew_token
from inclusion_app.core.words import N_

WRONG = N_("The e-mail address and the password do not fit. Check both and try again.")
LOCKED = N_("Too many tries. Wait until %(time)s, then try again.")
ENDED = N_("Your sign-in ended. Please sign in again.")
DEVICE_KEPT = timedelta(days=400)


@dataclass(frozen=True)
class From:
    """Where a try comes from: the address, and the random id of a browser that was used before."""

    address: str | None
    device: str = ""


@dataclass(frozen=True)
class Counted:
    """What one try was counted under. Lifted again when the secret was right."""

    address: str | None
    keys: tuple[str, ...]


def address_key(address: str | None) -> str:
    """Under what tries from one address count, whatever account they are for."""
    return keyed_hash("staff-address", attempts.host_of(address))


def count_try(*, what: str, email_hash: str, where: From, now: datetime) -> Counted:
    """Count one try of `what` ("password", "second") for an account. Raises RuleBroken while locked, without a field.

    Hold no change in the request's own transaction yet. A browser its owner signed in from before counts for itself,
    so that a stranger's wrong tries shut nobody out; nor do those of the others in its office.
    """
    with side_write() as session:
        known = _knows_device(session, email_hash, where.device)
        account = f"{what} {email_hash} {hash_of(where.device) if known else ''}"
        address = None if known else address_key(where.address)
        limits = [STAFF_MINUTE, STAFF_FIVE, *([STAFF_SECOND] if what == "second" else [])]
        of_account = [(keyed_hash(limit.name, account), limit) for limit in limits]
        until = _claim(session, [*([(address, STAFF_ADDRESS)] if address else []), *of_account], now)
    if until is not None:
        raise locked(until)
    return Counted(address, tuple(key for key, _limit in of_account))


def count_address(*, where: From, now: datetime) -> Counted:
    """Count one try that names no account: a security key. Raises RuleBroken while locked."""
    key = address_key(where.address)
    with side_write() as session:
        until = _claim(session, [(key, STAFF_ADDRESS)], now)
    if until is not None:
        raise locked(until)
    return Counted(key, ())


def _claim(session: Session, wanted: list[tuple[str, Limit]], now: datetime) -> datetime | None:
    """Claim one try under each key in turn; until when the first locked one is locked, or None."""
    for key, limit in wanted:
        if not attempts.claim(session, key_hash=key, limit=limit, now=now):
            until = attempts.locked_until(session, key_hash=key, now=now) or now + limit.lock
            if wanted[0][1] is STAFF_ADDRESS and limit is not STAFF_ADDRESS:
                # Nothing was tried: who presses again while one account is locked keeps the others' tries.
                attempts.give_back(session, key_hash=wanted[0][0], limit=STAFF_ADDRESS, now=now)
            return until
    return None


def locked(until: datetime) -> RuleBroken:
    """The one sentence for whoever tried too often. The minute it names is over the lock, never before its end."""
    end = i18n.local(until + timedelta(seconds=59))
    return RuleBroken(LOCKED, time=i18n.clock_words(end.time()))


def was_right(counted: Counted, *, now: datetime) -> None:
    """The secret was right: the tries of this account are forgotten, and the one of the address is given back.

    Where the secret itself was used up in the request's transaction, this waits for its commit (core.db.after_commit).
    """
    with side_write() as session:
        for key in counted.keys:
            attempts.settle_success(session, key_hash=key, now=now)
        if counted.address is not None:
            attempts.give_back(session, key_hash=counted.address, limit=STAFF_ADDRESS, now=now)


@dataclass(frozen=True)
class Found:
    """Who may sign in by an address: the stored hash is None where nobody may."""

    staff_id: int | None
    password_hash: str | None


def prove_password(
    *, email: str, password: str, where: From, now: datetime, wrong: str = WRONG, field: str = "email"
) -> int:
    """The number of the member of staff whose password this is. Raises RuleBroken at `field`, the same for all.

    One Argon2 run with our parameters in every case but a lock, which is told before any.
    """
    email_hash = hash_of_email(email)
    counted = count_try(what="password", email_hash=email_hash, where=where, now=now)
    with reading() as session:
        found = _may_sign_in(session, email_hash)
    if not passwords.check_password(found.password_hash, password) or found.staff_id is None:
        raise RuleBroken(wrong, field=field)
    was_right(counted, now=now)
    return found.staff_id


def _may_sign_in(session: Session, email_hash: str) -> Found:
    person = session.scalar(select(Staff).where(Staff.email_hash == email_hash))
    if person is None or person.left_at is not None or not roles_of(session, staff_id=person.id):
        return Found(None, None)
    return Found(person.id, person.password_hash)


def first_organisation(session: Session, *, staff_id: int) -> int | None:
    """Where somebody begins: the first of their organisations by name. None for who is in none, or has left."""
    has_left = select(Staff.id).where(Staff.id == staff_id, Staff.left_at.is_not(None))
    if session.scalar(has_left) is not None:
        return None
    return next(iter(roles_of(session, staff_id=staff_id)), None)


def open_fully(session: Session, *, row: StaffSession, device: str, now: datetime) -> str:
    """The second factor was right: this sign-in opens pages from now on, under a new random id.

    Who never got recovery codes is led to them first (stage `codes`). Returns the random id of the browser, new or as
    it was. Raises RuleBroken when the sign-in ended meanwhile or its owner may act nowhere any more.
    """
    organisation_id = first_organisation(session, staff_id=row.staff_id)
    if organisation_id is None:
        raise RuleBroken(ENDED)
    codes = session.scalar(select(RecoveryCode.id).where(RecoveryCode.staff_id == row.staff_id).limit(1))
    stage = "codes" if codes is None else "full"
    _change_stage(session, row, before="password", stage=stage, organisation_id=organisation_id, now=now)
    return know_device(session, row=row, device=device, now=now)


def kept_codes(session: Session, *, row: StaffSession, now: datetime) -> None:
    """Somebody says that they kept their recovery codes. Raises RuleBroken when they were never given any."""
    codes = session.scalar(select(RecoveryCode.id).where(RecoveryCode.staff_id == row.staff_id).limit(1))
    if codes is None or row.organisation_id is None:
        raise RuleBroken(ENDED)
    _change_stage(session, row, before="codes", stage="full", organisation_id=row.organisation_id, now=now)


def _change_stage(
    session: Session, row: StaffSession, *, before: str, stage: str, organisation_id: int, now: datetime
) -> None:
    done = session.execute(
        update(StaffSession)
        .where(StaffSession.id == row.id, StaffSession.stage == before)
        .values(stage=stage, organisation_id=organisation_id, last_used_at=now, proven_at=now, challenge=None)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(ENDED)
    session.refresh(row)
    renew_token(row)


def know_device(session: Session, *, row: StaffSession, device: str, now: datetime) -> str:
    """Remember this browser for its owner, who is told by e-mail when it is a new one. Returns its random id."""
    token = device if 20 <= len(device) <= 100 else secrets.token_urlsafe(32)
    is_new = session.scalar(
        insert_into(session, KnownDevice)
        .values(staff_id=row.staff_id, token_hash=hash_of(token), last_at=now)
        .on_conflict_do_nothing(index_elements=["staff_id", "token_hash"])
        .returning(KnownDevice.id)
    )
    if is_new is None:
        session.execute(
            update(KnownDevice)
            .where(KnownDevice.staff_id == row.staff_id, KnownDevice.token_hash == hash_of(token))
            .values(last_at=now)
        )
    else:
        _tell(session, "staff_new_device", row.staff_id, now, device=row.device, key=row.token_hash[:32])
    return token


def _knows_device(session: Session, email_hash: str, device: str) -> bool:
    if not device:
        return False
    found = (
        select(KnownDevice.id)
        .join(Staff, Staff.id == KnownDevice.staff_id)
        .where(Staff.email_hash == email_hash, KnownDevice.token_hash == hash_of(device))
    )
    return session.scalar(found) is not None


def tell(session: Session, *, template: str, staff_id: int, now: datetime, **params: str) -> None:
    """Tell somebody by e-mail what happened with their account; each time is a message of its own."""
    _tell(session, template, staff_id, now, key=secrets.token_hex(16), **params)


def _tell(session: Session, template: str, staff_id: int, now: datetime, *, key: str, **params: str) -> None:
    moment = i18n.local(now)
    when = f"{i18n.day_words(moment.date())}, {i18n.clock_words(moment.time())}"
    publish(
        session,
        MessageWanted(
            key=f"{template} {key}", template=template, staff_id=staff_id, params={"when": when, **params}
        ),
    )


def record(session: Session, *, staff_id: int, action: str, now: datetime) -> None:
    """Note in the record that somebody changed what opens their own account."""
    audit.record(
        session, at=now, actor_kind="staff", actor_id=staff_id, action=action, purpose="own", resident_id=None
    )


# Passwords


def own_words(session: Session, *, staff_id: int, service: str) -> tuple[str, ...]:
    """Names others know, of which a password must not mostly be made: the person's, their organisations', ours."""
    person = session.get_one(Staff, staff_id)
    numbers = list(roles_of(session, staff_id=staff_id))
    names = session.scalars(select(Organisation.name).where(Organisation.id.in_(numbers)))
    return (person.name, person.email, service, *names)


def set_password(
    session: Session, *, staff_id: int, password_hash: str, keep: int | None, now: datetime
) -> None:
    """Put a new password in the place of the old one: every other sign-in ends and its owner is told by e-mail.

    `keep` is the sign-in it was changed in. Links that still wait to set one open nothing any more.
    """
    session.execute(
        update(Staff).where(Staff.id == staff_id).values(password_hash=password_hash, password_set_at=now)
    )
    session.execute(delete(StaffLink).where(StaffLink.staff_id == staff_id, StaffLink.used_at.is_(None)))
    end_sessions(session, staff_id=staff_id, keep=keep)
    tell(session, template="staff_password_changed", staff_id=staff_id, now=now)
    record(session, staff_id=staff_id, action="change password", now=now)


def prove_again(session: Session, *, row_id: int, now: datetime) -> None:
    """The password or a key was given anew in this sign-in."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.id == row_id)
        .values(proven_at=now, challenge=None)
        .execution_options(synchronize_session=False)
    )


# A forgotten password


def ask_for_link(
    session: Session, *, email: str, where: From, link_for: Callable[[str], str], now: datetime
) -> None:
    """Send a link to set a new password, if this is the address of somebody who may sign in. Says never whether.

    `link_for(token)` is the whole address. The try is counted in this transaction, for known and unknown alike, so
    that both write and both take as long to be written. Raises RuleBroken when too many came from this address.
    """
    email_hash = hash_of_email(email)
    until = _claim(
        session, [(keyed_hash("staff-recover-from", attempts.host_of(where.address)), STAFF_ADDRESS)], now
    )
    if until is not None:
        raise locked(until)
    mine = attempts.claim(
        session, key_hash=keyed_hash("staff-recover", email_hash), limit=STAFF_RECOVER, now=now
    )
    found = _may_sign_in(session, email_hash)
    if not mine or found.staff_id is None:
        return
    token = secrets.token_urlsafe(32)
    session.execute(
        delete(StaffLink).where(StaffLink.staff_id == found.staff_id, StaffLink.used_at.is_(None))
    )
    session.add(
        StaffLink(
            token_hash=hash_of(token), staff_id=found.staff_id, made_at=now, expires_at=now + RECOVER_LIFE
        )
    )
    session.flush()
    publish(
        session,
        MessageWanted(
            key=f"staff_recover {hash_of(token)[:32]}", template="staff_recover", staff_id=found.staff_id,
            params={"link": link_for(token)},
        ),
    )  # fmt: skip


def live_link(session: Session, *, token: str, now: datetime) -> StaffLink | None:
    """The link of this token while it can still be used."""
    return session.scalar(
        select(StaffLink)
        .join(Staff, Staff.id == StaffLink.staff_id)
        .where(
            StaffLink.token_hash == hash_of(token), StaffLink.used_at.is_(None), StaffLink.expires_at > now,
            Staff.left_at.is_(None),
        )
    )  # fmt: skip


def use_link(session: Session, *, token: str, password_hash: str, now: datetime) -> bool:
    """Use up a link and set the password with it. False when another was first, or it is too old.

    Every sign-in ends. The second factor is still asked for: a mailbox alone opens no account.
    """
    table = StaffLink.__table__.c
    staff_id = session.scalar(
        update(StaffLink)
        .where(table.token_hash == hash_of(token), table.used_at.is_(None), table.expires_at > now)
        .values(used_at=now)
        .returning(table.staff_id)
        .execution_options(synchronize_session=False)
    )
    if staff_id is None:
        return False
    set_password(session, staff_id=staff_id, password_hash=password_hash, keep=None, now=now)
    return True


# What is kept long enough


def delete_old_devices(session: Session, *, now: datetime) -> int:
    """Forget browsers nobody signed in from for 13 months. Returns how many."""
    done = session.execute(delete(KnownDevice).where(KnownDevice.last_at <= now - keep("known-device")))
    return int(done.rowcount)  # type: ignore[attr-defined]


def delete_old_links(session: Session, *, now: datetime) -> int:
    """Delete links that open nothing any more. Returns how many."""
    done = session.execute(
        delete(StaffLink).where((StaffLink.expires_at <= now) | StaffLink.used_at.is_not(None))
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
