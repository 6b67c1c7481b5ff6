"""Passkeys and security keys (W3C Web Authentication, level 3): how one is added, and what it proves.

A key that checked its owner itself (PIN, finger, face) is both factors in one and opens an account without a password;
one that was only touched is the second factor beside the password. See docs/decisions/0016-front-desk-key.md.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.factors import changed
from inclusion_app.accounts.models import Passkey, Staff
from inclusion_app.core import attempts
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.later import later
from inclusion_app.core.staff_sessions import StaffSession
from inclusion_app.core.words import N_

# Six megabytes for each worker, and most never see a key.
webauthn = later("webauthn")
helpers = later("webauthn.helpers")
structs = later("webauthn.helpers.structs")

MOST_KEYS = 10
CHALLENGE_LIFE = timedelta(minutes=5)
LABEL_LENGTH, CREDENTIAL_LONGEST, ANSWER_LONGEST = 60, 1_400, 20_000

WRONG_KEY = N_("This key did not open your account. Try again, or use another way.")
NOT_CHECKED = N_("This key did not ask who you are. Sign in with your password first, then with the key.")
NOT_TAKEN = N_("This key could not be added. Try again, or use another key.")
TOO_MANY = N_("You have ten keys. Take one away first.")
KNOWN_KEY = N_("This key is added already.")


@dataclass(frozen=True)
class Site:
    """To whom a key answers: the name of the host, and the address its pages come from."""

    host: str
    origin: str
    name: str


def new_challenge() -> str:
    """What a key is asked to sign, once."""
    return secrets.token_urlsafe(32)


def ask_for_new(session: Session, *, person: Staff, site: Site, challenge: str) -> dict[str, Any]:
    """What a browser needs to make a new key for somebody. Keys they have already are not made twice."""
    known = session.scalars(select(Passkey.credential_id).where(Passkey.staff_id == person.id))
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=user_handle(person.id),
        user_name=person.email,
        user_display_name=person.name,
        challenge=helpers.base64url_to_bytes(challenge),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(id=helpers.base64url_to_bytes(text)) for text in known
        ],
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def ask_for_known(session: Session, *, staff_id: int | None, site: Site, challenge: str) -> dict[str, Any]:
    """What a browser needs to let a key sign: one of this person's, or without a person any that knows its owner."""
    known = (
        session.scalars(select(Passkey.credential_id).where(Passkey.staff_id == staff_id)).all()
        if staff_id
        else []
    )
    alone = (
        structs.UserVerificationRequirement.PREFERRED
        if staff_id
        else structs.UserVerificationRequirement.REQUIRED
    )
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=helpers.base64url_to_bytes(challenge),
        allow_credentials=[
            structs.PublicKeyCredentialDescriptor(id=helpers.base64url_to_bytes(text)) for text in known
        ],
        user_verification=alone,
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def user_handle(staff_id: int) -> bytes:
    """What a key keeps to know its owner by: it says nothing to anybody else."""
    return bytes.fromhex(keyed_hash("passkey-owner", str(staff_id)))


# A challenge is good once


def take_challenge(session: Session, *, row: StaffSession, purpose: str, now: datetime) -> str:
    """The challenge of this sign-in, which is used up with it. Raises RuleBroken when there is none.

    One asked for another purpose is none: who only may prove themselves may not add a key with it.
    """
    challenge, asked_at = _asked(row.challenge, purpose)
    taken = session.execute(
        update(StaffSession)
        .where(StaffSession.id == row.id, StaffSession.challenge == row.challenge)
        .values(challenge=None)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1 or asked_at <= now - CHALLENGE_LIFE:  # type: ignore[attr-defined]
        raise RuleBroken(WRONG_KEY)
    return challenge


def take_loose_challenge(session: Session, *, kept: object, now: datetime) -> str:
    """The challenge of a browser nobody has signed in with yet, from its signed cookie; good once and for 5 minutes.

    A cookie can be copied and sent again. So the first use is noted, in one statement, beside the counts of tries.
    Raises RuleBroken.
    """
    challenge, asked_at = _asked(kept if isinstance(kept, str) else None, "enter")
    key = keyed_hash("passkey-challenge", challenge)
    is_first = attempts.claim_once(session, key_hash=key, window=2 * CHALLENGE_LIFE, now=now)
    if not is_first or asked_at <= now - CHALLENGE_LIFE:
        raise RuleBroken(WRONG_KEY)
    return challenge


def written(challenge: str, *, purpose: str, now: datetime) -> str:
    """A challenge as it is kept: what for, and when it was asked."""
    return f"{purpose} {challenge} {int(now.timestamp())}"


def _asked(text: str | None, purpose: str) -> tuple[str, datetime]:
    parts = (text or "").split(" ")
    if len(parts) != 3 or parts[0] != purpose or not parts[2].isdigit():
        raise RuleBroken(WRONG_KEY)
    return parts[1], datetime.fromtimestamp(int(parts[2]), UTC)


# What a key answered


def add_key(
    session: Session, *, staff_id: int, answer: str, challenge: str, label: str, site: Site, keep: int | None,
    now: datetime,
) -> None:  # fmt: skip
    """Take a new key of somebody. Raises RuleBroken when the answer is not what was asked for."""
    session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update())
    if len(session.scalars(select(Passkey.id).where(Passkey.staff_id == staff_id)).all()) >= MOST_KEYS:
        raise RuleBroken(TOO_MANY)
    try:
        made = webauthn.verify_registration_response(
            credential=_read(answer),
            expected_challenge=helpers.base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except Exception as broken:  # the library raises whatever its parsers do for bytes from anywhere
        raise RuleBroken(NOT_TAKEN) from broken
    number = helpers.bytes_to_base64url(made.credential_id)
    public = helpers.bytes_to_base64url(made.credential_public_key)
    if len(number) > CREDENTIAL_LONGEST or len(public) > CREDENTIAL_LONGEST:
        raise RuleBroken(NOT_TAKEN)
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == number)) is not None:
        raise RuleBroken(KNOWN_KEY)
    session.add(
        Passkey(
            staff_id=staff_id, credential_id=number, public_key=public, sign_count=made.sign_count,
            label=label[:LABEL_LENGTH], made_at=now,
        )
    )  # fmt: skip
    session.flush()
    changed(session, staff_id=staff_id, action="add key", keep=keep, now=now)


def check_key(
    session: Session,
    *,
    answer: str,
    challenge: str,
    site: Site,
    staff_id: int | None,
    alone: bool,
    now: datetime,
) -> Passkey:
    """The key that signed this challenge. Raises RuleBroken: of nobody or somebody else, a wrong signature, a copy.

    With `alone` it stands for the password too, so it must say that it checked its owner. A key that counts its uses
    must have counted on: two copies of one key are found by that.
    """
    try:
        told = _read(answer)
        number = str(told["id"])
        found = select(Passkey).where(Passkey.credential_id == number)
        if staff_id is not None:
            found = found.where(Passkey.staff_id == staff_id)
        key = session.scalar(found)
        if key is None:
            raise RuleBroken(WRONG_KEY)
        signed = webauthn.verify_authentication_response(
            credential=told,
            expected_challenge=helpers.base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=helpers.base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=False,
        )
        owner = told["response"].get("userHandle")
        if owner and helpers.base64url_to_bytes(owner) != user_handle(key.staff_id):
            raise RuleBroken(WRONG_KEY)
    except RuleBroken:
        raise
    except Exception as broken:
        raise RuleBroken(WRONG_KEY) from broken
    if alone and not signed.user_verified:
        raise RuleBroken(NOT_CHECKED)
    counted = session.execute(
        update(Passkey)
        .where(Passkey.id == key.id, Passkey.sign_count == key.sign_count)
        .values(sign_count=signed.new_sign_count, last_used_at=now)
        .execution_options(synchronize_session=False)
    )
    if counted.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(WRONG_KEY)
    return key


def _read(answer: str) -> dict[str, Any]:
    """What a browser sent of its key: a JSON object of a sane size."""
    if len(answer) > ANSWER_LONGEST:
        raise ValueError("too long for the answer of a key")
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise ValueError("not what a key answers")
    return found
