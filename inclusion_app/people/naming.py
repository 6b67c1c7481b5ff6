"""How the staff name one person without a search: by the code on their paper, or by the number of their record.

Each try counts for the member of staff and for the network before anything is looked up, and a right one is given back.
An unknown code, an unknown number, and somebody who must not be seen by whoever asks, are refused in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import not_, select
from sqlalchemy.orm import Session

from inclusion_app.core import attempts
from inclusion_app.core.access import Principal
from inclusion_app.core.codes import BrokenCode, plain_digits
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import reading, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people.forms import code_of
from inclusion_app.people.models import Resident
from inclusion_app.people.policy import is_kept_from
from inclusion_app.people.services import hash_of_code
from inclusion_app.people.staff_words import NOBODY_TYPED, TOO_MANY_TRIES, UNKNOWN_PERSON

BY_STAFF = attempts.Limit("naming-staff", 10, timedelta(hours=1), timedelta(minutes=15), timedelta(days=1))
BY_NETWORK = attempts.Limit(
    "naming-network", 60, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1)
)
LONGEST_NUMBER = 9


def number_of(
    typed: str, *, principal: Principal, address: str | None, now: datetime, by_number: bool = True
) -> int:
    """The number of the one person who was named. Hold no change in the request's own transaction yet.

    `by_number=False` takes a code only. Raises RuleBroken at `person`.
    """
    if not typed.strip():
        raise RuleBroken(NOBODY_TYPED, field="person")
    return counted(
        lambda session: _find(session, typed[:200], principal, by_number=by_number), principal=principal,
        address=address, now=now, field="person", unknown=UNKNOWN_PERSON,
    )  # fmt: skip


def counted(
    find: Callable[[Session], int | None], *, principal: Principal, address: str | None, now: datetime, field: str,
    unknown: str,
) -> int:  # fmt: skip
    """Look something up by what the staff typed: the try counts before, and is given back when it was found.

    Hold no change in the request's own transaction yet. Raises RuleBroken at `field`.
    """
    limits = {
        keyed_hash("attempt-naming", str(principal.staff_id)): BY_STAFF,
        keyed_hash("attempt-naming-network", attempts.network_of(address)): BY_NETWORK,
    }
    with side_write() as session:
        free = all(
            attempts.claim(session, key_hash=key, limit=limit, now=now) for key, limit in limits.items()
        )
    if not free:
        raise RuleBroken(TOO_MANY_TRIES, field=field)
    with reading() as session:
        found = find(session)
    if found is None:
        raise RuleBroken(unknown, field=field)
    with side_write() as session:
        for key, limit in limits.items():
            attempts.give_back(session, key_hash=key, limit=limit, now=now)
    return found


def _find(session: Session, typed: str, principal: Principal, *, by_number: bool) -> int | None:
    wanted = select(Resident.id).where(not_(is_kept_from(principal)))
    number = plain_digits(typed).strip().removeprefix("#").strip()
    if by_number and number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER:
        found = session.scalar(wanted.where(Resident.id == int(number)))
        if found is not None:
            return found
    try:
        code = code_of(typed)
    except BrokenCode:
        return None
    return session.scalar(wanted.where(Resident.code_hash == hash_of_code(code)))
