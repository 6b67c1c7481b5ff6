"""A printed outreach sheet: made with people on it, typed in later, ticked as destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session, aliased

from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import policy as people
from inclusion_app.people.models import CaseloadEntry, Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_caseload_words as words
from inclusion_app.referrals.models import CaseNote, OutreachSheet, SheetPerson
from inclusion_app.referrals.staff_caseload_rules import SHEET_ENDS


def make(session: Session, *, actor: Principal, numbers: Sequence[int], now: datetime) -> OutreachSheet:
    """A numbered sheet with these people of one's own caseload on it, in this order, in one transaction.

    Raises RuleBroken at `people` for nobody, for too many, and for somebody who cannot be listed (any more).
    """
    chosen = list(dict.fromkeys(numbers))
    if not chosen:
        raise RuleBroken(words.CHOOSE_FOR_SHEET, field="people")
    if len(chosen) > rules.SHEET_PEOPLE:
        raise RuleBroken(words.TOO_MANY_ON_SHEET, field="people", most=rules.SHEET_PEOPLE)
    entry = aliased(CaseloadEntry)
    own = select(entry.resident_id).where(
        entry.staff_id == actor.staff_id, entry.organisation_id == actor.organisation_id
    )
    mine = select(Resident.id).where(
        Resident.id.in_(chosen), Resident.id.in_(own), people.TABLE.rows("resident.search", actor)
    )
    if set(session.scalars(mine)) != set(chosen):
        raise RuleBroken(words.CHOOSE_FOR_SHEET, field="people")
    sheet = OutreachSheet(organisation_id=actor.organisation_id, staff_id=actor.staff_id, made_at=now)
    session.add(sheet)
    session.flush()
    session.add_all(
        SheetPerson(sheet_id=sheet.id, resident_id=number, place=place)
        for place, number in enumerate(chosen, 1)
    )
    session.flush()
    record_act(session, actor, action="make outreach sheet", items=("identity", "plan"), now=now)
    return sheet


@dataclass(frozen=True)
class OnSheet:
    """One line of a sheet that may still be read: its place, and the person's number, name and code."""

    place: int
    resident_id: int
    name: str
    code: str


def people_on(
    session: Session, principal: Principal, sheet_id: int, *, to_write: bool = False
) -> tuple[list[OnSheet], int]:
    """Whoever stands on a sheet and still shares who they are, in their order; and how many do not any more.

    `to_write`: only those about whom something new may be written, which broken glass never lets.
    """
    may = _writable(principal) if to_write else people.TABLE.rows("resident.identity", principal)
    rows = session.execute(
        select(SheetPerson.place, Resident.id, Resident.name, Resident.code)
        .join(Resident, Resident.id == SheetPerson.resident_id)
        .where(SheetPerson.sheet_id == sheet_id, may)
        .order_by(SheetPerson.place)
    )
    found = [OnSheet(place, number, name or "", code) for place, number, name, code in rows]
    every = session.scalar(select(func.count()).where(SheetPerson.sheet_id == sheet_id)) or 0
    return found, every - len(found)


def _writable(principal: Principal) -> ColumnElement[bool]:
    return policy.CASES.rows("case.write", principal)


def destroy(session: Session, *, actor: Principal, sheet: OutreachSheet, how: str, now: datetime) -> bool:
    """Tick a sheet as destroyed. False where it was before. Raises RuleBroken at `how` for what is no way."""
    if how not in SHEET_ENDS:
        raise RuleBroken(words.CHOOSE_END, field="how")
    ended = update(OutreachSheet).where(OutreachSheet.id == sheet.id, OutreachSheet.destroyed_at.is_(None))
    done = rows_changed(
        session, ended.values(destroyed_at=now, destroyed_how=how, destroyed_by_id=actor.staff_id)
    )
    session.expire(sheet)
    if not done:
        return False
    record_act(session, actor, action="destroy outreach sheet", items=("sheet",), now=now)
    return True


@dataclass(frozen=True)
class Typed:
    """What was typed about one person from the sheet: the day it happened, and the words."""

    resident_id: int
    happened_on: date
    words: str


def _mark_of(sheet_id: int, resident_id: int) -> str:
    """How the form keys of the notes of one line of a sheet begin."""
    return f"sheet {sheet_id} {resident_id} "


def write_notes(
    session: Session, *, actor: Principal, sheet_id: int, typed: Sequence[Typed], once: str, now: datetime
) -> int:
    """One note each, with the day it happened and the moment it was typed. The same form sent twice writes once.

    Returns how many were written now. About whom nothing may be written (any more) nothing is.
    """
    asked = select(Resident.id).where(Resident.id.in_([one.resident_id for one in typed]), _writable(actor))
    may, written = set(session.scalars(asked)), 0
    for one in typed:
        if one.resident_id not in may:
            continue
        facts = {
            "form_key": _mark_of(sheet_id, one.resident_id) + keyed_hash("sheet-note", once)[:32],
            "resident_id": one.resident_id, "organisation_id": actor.organisation_id, "author_id": actor.staff_id,
            "kind": "outreach", "happened_on": one.happened_on, "written_at": now, "words": one.words,
            "is_shareable": False,
        }  # fmt: skip
        new = insert_into(session, CaseNote).values(**facts).on_conflict_do_nothing().returning(CaseNote.id)
        if session.scalar(new) is None:
            continue
        written += 1
        record_act(
            session, actor, action="write a note from a sheet", resident_id=one.resident_id, items=("note",), now=now
        )  # fmt: skip
    return written


def noted(session: Session, sheet_id: int, numbers: Sequence[int]) -> set[int]:
    """About whom of these a note of this sheet was typed in already."""
    rows = session.execute(
        select(CaseNote.resident_id, CaseNote.form_key).where(
            CaseNote.resident_id.in_(numbers), CaseNote.form_key.startswith(f"sheet {sheet_id} ")
        )
    )
    return {number for number, key in rows if key.startswith(_mark_of(sheet_id, number))}
