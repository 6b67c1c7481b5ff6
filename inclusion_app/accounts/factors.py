"""The second factor: an authenticator app, passkeys, and ten recovery codes for the day both are lost.

Sources: RFC 6238 (time-based codes), 5.2: a code is taken once; NIST SP 800-63B, 3.1.4 (one-time codes) and 3.1.2
(look-up secrets).
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
import segno
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import KnownDevice, Passkey, RecoveryCode, Staff, Totp
from inclusion_app.accounts.rules import RECOVERY_CODES
from inclusion_app.accounts.sign_in import record, tell
from inclusion_app.core import audit
from inclusion_app.core.codes import ALPHABET, MENDED
from inclusion_app.core.crypto import InvalidToken, keyed_hash, seal, unseal
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.staff_sessions import end_sessions
from inclusion_app.core.words import N_

STEP_SECONDS = 30
DRIFT = 1  # steps before and after this one that still count
SLOW_CLOCK = 40  # steps back (20 minutes) in which an old code shows that a clock is slow
CODE_SIGNS = 10
SECRET_LIFE = timedelta(hours=1)

WRONG_CODE = N_("This code does not fit. Wait for the next one and check that your phone sets its own clock.")
USED_CODE = N_("This code was used already. Wait for the next one.")
SLOW = N_("Your phone's clock is slow, so its codes come too late. Let the phone set its time by itself.")
WRONG_RECOVERY = N_("This recovery code does not fit, or it was used already.")
TYPE_CODE = N_("Type the six numbers from your app.")
TOO_OLD = N_("This square is too old. Scan the new one.")
LAST_FACTOR = N_("This is your last way to prove it is you. Add another one first.")


@dataclass(frozen=True)
class Factors:
    """What somebody has set up: an app, keys, and how many recovery codes are left."""

    app_since: datetime | None
    keys: list[Passkey]
    codes_left: int

    @property
    def any(self) -> bool:
        """True when there is a second factor beside the recovery codes."""
        return self.app_since is not None or bool(self.keys)


def factors_of(session: Session, *, staff_id: int) -> Factors:
    """The second factors of one person."""
    since = session.scalar(
        select(Totp.confirmed_at).where(Totp.staff_id == staff_id, Totp.confirmed_at.is_not(None))
    )
    keys = session.scalars(select(Passkey).where(Passkey.staff_id == staff_id).order_by(Passkey.id))
    left = select(func.count()).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    return Factors(since, list(keys), session.scalar(left) or 0)


# The app


def new_app_secret(*, staff_id: int, now: datetime) -> str:
    """A new secret for an authenticator app, sealed for this person: it waits in their form, not in the database."""
    told = {"secret": pyotp.random_base32(), "at": now.timestamp()}
    return seal(json.dumps(told), _place(staff_id))


def open_app_secret(sealed: str, *, staff_id: int, now: datetime) -> str:
    """What was sealed. Raises RuleBroken for one of somebody else, a changed one, or one of an hour ago."""
    try:
        # Only our own sealed form: values of before were bound to nothing.
        told = json.loads(unseal(sealed if sealed.startswith("e2.") else "e2.", _place(staff_id)))
    except (InvalidToken, ValueError):
        raise RuleBroken(TOO_OLD) from None
    if told["at"] <= (now - SECRET_LIFE).timestamp():
        raise RuleBroken(TOO_OLD)
    secret: str = told["secret"]
    return secret


def _place(staff_id: int) -> str:
    return f"a new authenticator app of {staff_id}"


def app_address(secret: str, *, email: str, service: str) -> str:
    """What the square holds: the address an authenticator app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=service)


def square(address: str) -> str:
    """The square as SVG to stand in a page, white round it as scanners need."""
    return segno.make(address, error="m", micro=False).svg_inline(
        scale=5, border=4, light="#fff", omitsize=True
    )


def set_app(
    session: Session, *, staff_id: int, secret: str, code: str, keep: int | None, now: datetime
) -> None:
    """Take this secret for the app, in place of the one before, once a code of it was typed.

    Raises RuleBroken at `code`.
    """
    step = fitting_step(secret, code, now)
    session.execute(delete(Totp).where(Totp.staff_id == staff_id))
    session.add(Totp(staff_id=staff_id, secret=secret, last_step=step, made_at=now, confirmed_at=now))
    session.flush()
    changed(session, staff_id=staff_id, action="set up app", keep=keep, now=now)


def fitting_step(secret: str, code: str, now: datetime) -> int:
    """The time step whose code this is, one before or after now at most. Raises RuleBroken at `code`.

    That a clock is slow is said of old codes only: those of the future would still be worth something to a guesser.
    """
    typed = "".join(code.split())
    if not (len(typed) == 6 and typed.isascii() and typed.isdigit()):
        raise RuleBroken(TYPE_CODE, field="code")
    app = pyotp.TOTP(secret)
    this = int(now.timestamp()) // STEP_SECONDS
    fits = [
        step
        for step in range(this - SLOW_CLOCK, this + DRIFT + 1)
        if hmac.compare_digest(app.generate_otp(step), typed)
    ]
    if not fits:
        raise RuleBroken(WRONG_CODE, field="code")
    if fits[-1] < this - DRIFT:
        raise RuleBroken(SLOW, field="code")
    return fits[-1]


def use_app_code(session: Session, *, staff_id: int, code: str, now: datetime) -> None:
    """Take a code of the app, once. Raises RuleBroken at `code`.

    One statement decides between two who type the same code: the step moves on for the first only.
    """
    app = session.get(Totp, staff_id)
    if app is None or app.confirmed_at is None:
        raise RuleBroken(WRONG_CODE, field="code")
    step = fitting_step(app.secret, code, now)
    moved = session.execute(
        update(Totp)
        .where(Totp.staff_id == staff_id, Totp.last_step < step)
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(USED_CODE, field="code")


# Recovery codes


def new_recovery_codes(session: Session, *, staff_id: int, now: datetime) -> list[str]:
    """Ten new codes in place of those before. They are shown now and never again; only their hashes stay."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_SIGNS)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(staff_id=staff_id, code_hash=_hash_of_code(staff_id, code), made_at=now)
        for code in codes
    )
    session.flush()
    record(session, staff_id=staff_id, action="new recovery codes", now=now)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _hash_of_code(staff_id: int, code: str) -> str:
    return keyed_hash("recovery-code", f"{staff_id} {code}")


def is_recovery_code(typed: str) -> bool:
    """True for what is no code of an app: longer, or with letters."""
    return len("".join(typed.split())) > 6 or any(sign.isalpha() for sign in typed)


def use_recovery_code(session: Session, *, staff_id: int, code: str, now: datetime) -> int:
    """Use up one recovery code; its owner is told by e-mail. Returns how many are left. Raises RuleBroken at `code`."""
    plain = "".join(sign for sign in code.upper() if sign.isalnum()).translate(MENDED)
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.staff_id == staff_id,
            RecoveryCode.code_hash == _hash_of_code(staff_id, plain[:100]),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(WRONG_RECOVERY, field="code")
    left = factors_of(session, staff_id=staff_id).codes_left
    tell(session, template="staff_recovery_used", staff_id=staff_id, now=now, left=str(left))
    record(session, staff_id=staff_id, action="use recovery code", now=now)
    return left


def use_code(session: Session, *, staff_id: int, code: str, now: datetime) -> bool:
    """Take what was typed as the second factor. True when it was a recovery code. Raises RuleBroken at `code`."""
    if is_recovery_code(code):
        use_recovery_code(session, staff_id=staff_id, code=code, now=now)
        return True
    use_app_code(session, staff_id=staff_id, code=code, now=now)
    return False


# Taking away


def remove_app(session: Session, *, staff_id: int, keep: int | None, now: datetime) -> None:
    """Take the app away. Raises RuleBroken when there is no key beside it."""
    _keep_one(session, staff_id, app=0)
    session.execute(delete(Totp).where(Totp.staff_id == staff_id))
    changed(session, staff_id=staff_id, action="remove app", keep=keep, now=now)


def remove_key(session: Session, *, staff_id: int, key_id: int, keep: int | None, now: datetime) -> None:
    """Take one key away. Raises RuleBroken when it is the last way to prove who somebody is."""
    _keep_one(session, staff_id, keys=1)
    session.execute(delete(Passkey).where(Passkey.id == key_id, Passkey.staff_id == staff_id))
    changed(session, staff_id=staff_id, action="remove key", keep=keep, now=now)


def _keep_one(session: Session, staff_id: int, *, app: int = 1, keys: int = 0) -> None:
    """Refuse when nothing would be left. The person's row is held meanwhile: of two removals one waits."""
    session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update())
    found = factors_of(session, staff_id=staff_id)
    if (app if found.app_since else 0) + len(found.keys) - keys < 1:
        raise RuleBroken(LAST_FACTOR)


def changed(session: Session, *, staff_id: int, action: str, keep: int | None, now: datetime) -> None:
    """A factor was added or taken away: other sign-ins end, and its owner is told by e-mail."""
    end_sessions(session, staff_id=staff_id, keep=keep)
    tell(session, template="staff_factor_changed", staff_id=staff_id, now=now)
    record(session, staff_id=staff_id, action=action, now=now)


def reset(session: Session, *, staff_id: int, now: datetime) -> None:
    """Take all second factors away: phone, keys and codes are lost. Every sign-in ends.

    Whoever signs in next with the password sets up new ones, so the caller must know to whom they speak: an operator
    at the command line, never a page.
    """
    for kept in (Totp, Passkey, RecoveryCode, KnownDevice):
        session.execute(delete(kept).where(kept.staff_id == staff_id))
    end_sessions(session, staff_id=staff_id)
    tell(session, template="staff_factor_changed", staff_id=staff_id, now=now)
    # Not by themselves: the record must not say that they opened their account to somebody.
    audit.record(
        session, at=now, actor_kind="command", actor_id=None, action="reset factors", purpose="administration",
        resident_id=None, items=(f"staff-{staff_id}",),
    )  # fmt: skip
