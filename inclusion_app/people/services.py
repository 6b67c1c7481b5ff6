"""Verbs that change a resident: keep a plan, open it, give a new code, delete."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from inclusion_app.core import audit, pins
from inclusion_app.core.codes import new_code
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.people.models import Resident
from inclusion_app.people.rules import PLAN_IDLE

CODE_PURPOSE = "resident-code"


def make_resident(
    session: Session,
    *,
    secret_kind: str,
    secret_hash: str,
    nickname: str | None,
    pin_for_everything: bool,
    language: str,
    now: datetime,
) -> Resident:
    """A new resident with a fresh code; nothing else needs to be known. The hash is made before (it is slow)."""
    code = new_code()
    resident = Resident(
        code_hash=keyed_hash(CODE_PURPOSE, code),
        code=code,
        secret_kind=secret_kind,
        secret_hash=secret_hash,
        nickname=nickname or None,
        pin_for_everything=pin_for_everything,
        language=language,
        made_at=now,
        last_used_at=now,
    )
    session.add(resident)
    session.flush()
    _note(session, resident, "make", ("code", "plan"), now)
    return resident


def find_by_code(session: Session, *, code: str) -> Resident | None:
    """The resident of a canonical code."""
    return session.scalar(select(Resident).where(Resident.code_hash == keyed_hash(CODE_PURPOSE, code)))


def open_with_secret(stored: str | None, secret_text: str, secret_key: str) -> bool:
    """True when the PIN or pictures are right; the same work for a code that does not exist."""
    return pins.check_secret(stored, secret_text, secret_key)


def renew_code(session: Session, *, resident: Resident, now: datetime) -> str:
    """A new code; the old one dies at once."""
    resident.code = new_code()
    resident.code_hash = keyed_hash(CODE_PURPOSE, resident.code)
    _note(session, resident, "renew code", ("code",), now)
    return resident.code


def change_secret(
    session: Session, *, resident: Resident, secret_kind: str, secret_hash: str, now: datetime
) -> None:
    """Another PIN or other pictures."""
    resident.secret_kind = secret_kind
    resident.secret_hash = secret_hash
    _note(session, resident, "change secret", ("secret",), now)


def set_pin_for_everything(session: Session, *, resident: Resident, on: bool, now: datetime) -> None:
    """With it on, the code alone shows nothing."""
    resident.pin_for_everything = on
    _note(session, resident, "set pin for everything", ("setting",), now)


def delete_resident(session: Session, *, resident: Resident, now: datetime) -> None:
    """Delete the resident with the plan and every visit that has it open. The record keeps ids only."""
    _note(session, resident, "delete", ("plan", "code", "nickname"), now)
    session.flush()
    session.execute(delete(Resident).where(Resident.id == resident.id))


def delete_again(session: Session, *, resident_ids: Collection[int], now: datetime) -> int:
    """After a restore: delete whoever was deleted since the backup was made. Returns how many came back with it."""
    back = session.scalars(select(Resident).where(Resident.id.in_(resident_ids))).all()
    for resident in back:
        _note(session, resident, "delete", ("plan",), now, actor="restore")
        session.execute(delete(Resident).where(Resident.id == resident.id))
    return len(back)


def delete_idle_residents(session: Session, *, now: datetime) -> int:
    """Delete saved plans nobody has opened for 13 months. Returns how many."""
    idle = session.scalars(select(Resident).where(Resident.last_used_at <= now - PLAN_IDLE)).all()
    for resident in idle:
        _note(session, resident, "expire", ("plan",), now, actor="retention")
        session.execute(delete(Resident).where(Resident.id == resident.id))
    return len(idle)


def _note(
    session: Session,
    resident: Resident,
    action: str,
    items: tuple[str, ...],
    now: datetime,
    actor: str = "resident",
) -> None:
    audit.record(
        session,
        at=now,
        actor_kind=actor,
        actor_id=resident.id if actor == "resident" else None,
        action=action,
        purpose="own" if actor == "resident" else "retention",
        resident_id=resident.id,
        items=items,
    )
