"""Raising a safeguarding flag, writing about it, asking a caseworker to work on it, ending it. Words are added, never changed.

Each verb is one statement with its condition inside: of two who end one flag at once, one does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.db import insert_into
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.people import flag_queries, policy
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import SafeguardingFlag, SafeguardingWords
from inclusion_app.people.rules import FLAG_LONGEST, FLAG_SHORTEST, letters_in

LinkTo = Callable[[int], str]
SAFETY = "safety"
ITEM = "safeguarding"


def check_words(said: str, *, field: str = "words", short: str = words.FLAG_SHORT) -> None:
    """Raises RuleBroken at the field when this is too short to say anything, or too long to be read."""
    if letters_in(said) < FLAG_SHORTEST:
        raise RuleBroken(short, field=field)
    if len(said) > FLAG_LONGEST:
        raise RuleBroken(words.FLAG_LONG, field=field)


def raise_flag(
    session: Session, *, principal: Principal, resident_id: int, said: str, form_key: str, link_to: LinkTo,
    to_appoint: str, now: datetime,
) -> tuple[int, bool]:  # fmt: skip
    """A flag with its reason; the leads of the organisation are told at once. Gives its number, and whether one reads it.

    `form_key` makes it one flag however often the button is pressed. Without a lead who may read it whoever can appoint
    one is told its number, with the link `to_appoint`. Raises RuleBroken at `words`, or when the form was of another
    person.
    """
    check_words(said)
    key = hashlib.sha256(f"flag {principal.staff_id} {form_key}".encode(errors="replace")).hexdigest()
    number: int | None = session.scalar(
        insert_into(session, SafeguardingFlag)
        .values(
            form_key=key, resident_id=resident_id, organisation_id=principal.organisation_id,
            raised_by_id=principal.staff_id, raised_at=now,
        )
        .on_conflict_do_nothing(index_elements=["form_key"])
        .returning(SafeguardingFlag.id)
    )  # fmt: skip
    leads = flag_queries.leads_of(session, principal.organisation_id, resident_id)
    if number is None:
        known = session.scalar(
            select(SafeguardingFlag.id).where(
                SafeguardingFlag.form_key == key, SafeguardingFlag.resident_id == resident_id
            )
        )
        if known is None:
            raise RuleBroken(words.FLAG_SENT_BEFORE)
        return known, bool(leads)
    _write(session, principal, number, said, now)
    _record(
        session,
        principal,
        "raise safeguarding flag",
        resident_id,
        now,
        role=_role(policy.RAISE_FLAG, principal),
    )
    for staff_id, _name in leads:
        if staff_id != principal.staff_id:
            _tell(
                session,
                f"flag-raised-{number}-{staff_id}",
                "staff_flag_raised",
                staff_id,
                number,
                link_to(number),
            )
    if not leads:
        for staff_id in flag_queries.admins_of(session, principal.organisation_id):
            _tell(
                session, f"flag-unread-{number}-{staff_id}", "staff_flag_unread", staff_id, number, to_appoint
            )
    return number, bool(leads)


def write(
    session: Session, *, principal: Principal, flag: SafeguardingFlag, said: str, now: datetime
) -> None:
    """One more thing somebody saw, heard or did. Raises RuleBroken at `words`, or when the flag was ended meanwhile."""
    check_words(said)
    # Its row is held until the words stand: nobody ends it in between and never sees them.
    _change(session, flag.id, raised_at=SafeguardingFlag.raised_at)
    _write(session, principal, flag.id, said, now)
    _record(
        session, principal, "write about safeguarding flag", flag.resident_id, now,
        role=policy.WRITE_FLAG.role_for(principal, flag),
    )  # fmt: skip


def assign(
    session: Session, *, principal: Principal, flag: SafeguardingFlag, staff_id: int, link_to: LinkTo, now: datetime
) -> None:  # fmt: skip
    """Ask a caseworker of the organisation to work on it, or with 0 nobody: then the lead alone reads it again.

    Raises RuleBroken at `assigned` for anybody else than who may open the person, or when the flag was ended meanwhile.
    """
    if staff_id and staff_id not in {number for number, _name in flag_queries.caseworkers_for(session, flag)}:
        raise RuleBroken(words.FLAG_NOT_THEM, field="assigned")
    before = flag.assigned_id
    _change(session, flag.id, assigned_id=staff_id or None)
    if before == (staff_id or None):
        return
    _record(session, principal, "assign safeguarding flag", flag.resident_id, now, role=flag_queries.LEAD)
    if staff_id and staff_id != principal.staff_id:
        key = f"flag-assigned-{flag.id}-{staff_id}-{int(now.timestamp())}"
        _tell(session, key, "staff_flag_assigned", staff_id, flag.id, link_to(flag.id))


def end(session: Session, *, principal: Principal, flag: SafeguardingFlag, said: str, now: datetime) -> None:
    """The lead says what was done, and the marker goes. Raises RuleBroken at `ending`, or when it was ended already."""
    check_words(said, field="ending", short=words.FLAG_END_SHORT)
    _change(session, flag.id, ended_at=now, ended_by_id=principal.staff_id)
    _write(session, principal, flag.id, said, now)
    _record(session, principal, "end safeguarding flag", flag.resident_id, now, role=flag_queries.LEAD)


def _change(session: Session, number: int, **values: Any) -> None:
    """Change a flag that stands. Raises RuleBroken for one that was ended."""
    stood = session.scalar(
        update(SafeguardingFlag)
        .where(SafeguardingFlag.id == number, SafeguardingFlag.ended_at.is_(None))
        .values(**values)
        .returning(SafeguardingFlag.id),
        execution_options={"synchronize_session": False},
    )
    if stood is None:
        raise RuleBroken(words.FLAG_IS_OVER)


def _write(session: Session, principal: Principal, number: int, said: str, now: datetime) -> None:
    session.add(SafeguardingWords(flag_id=number, words=said, at=now, staff_id=principal.staff_id))
    session.flush()


def _role(right: Any, principal: Principal) -> str:
    return next(iter(right.roles(principal)))


def _record(
    session: Session, principal: Principal, action: str, resident_id: int, now: datetime, *, role: str
) -> None:
    # The words themselves stand with the flag alone: what is typed beside a row of the record outlives an erasure.
    record_act(
        session, principal, action=action, resident_id=resident_id, items=(ITEM,), purpose=SAFETY, role=role, now=now
    )  # fmt: skip


def _tell(session: Session, key: str, template: str, staff_id: int, number: int, link: str) -> None:
    publish(
        session,
        MessageWanted(
            key=key, template=template, staff_id=staff_id, params={"number": str(number), "link": link}
        ),
    )
