"""Notes of a case: written, changed for fifteen minutes by who wrote them, added to ever after."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import LOST
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseNote, ReferralNote


@dataclass(frozen=True)
class Written:
    """What was typed. `may_read`: the person may read it in their own record."""

    kind: str
    happened_on: date | None
    words: str
    may_read: bool = False


def whats_against(written: Written, *, today: date) -> list[RuleBroken]:
    """All that stands against keeping this, each at its field."""
    found = []
    if written.kind not in rules.NOTE_KINDS:
        found.append(RuleBroken(words.CHOOSE_KIND, field="kind"))
    if written.happened_on is None:
        found.append(RuleBroken(words.DAY_MISSING, field="happened_on"))
    elif why := rules.why_not_happened(written.happened_on, today=today):
        found.append(RuleBroken(why, field="happened_on"))
    typed = plain(written.words)
    if not typed:
        found.append(RuleBroken(words.NOTHING_WRITTEN, field="words"))
    elif len(typed) > rules.NOTE_LONGEST:
        found.append(RuleBroken(words.NOTE_TOO_LONG, field="words"))
    return found


def plain(typed: str) -> str:
    """The words without signs that were lost on the way, and without empty lines around them."""
    return typed.replace(LOST, "").strip()


def write(
    session: Session,
    *,
    resident_id: int,
    organisation_id: int,
    author_id: int,
    form_key: str,
    written: Written,
    now: datetime,
    today: date,
    amends: CaseNote | None = None,
) -> bool:
    """Keep a note, or what is added to one. False where the same form was sent before: it keeps one.

    What is added to an addition stands under the note itself. Raises RuleBroken at the first field that is wrong.
    """
    for broken in whats_against(written, today=today):
        raise broken
    root = amends.amends_id or amends.id if amends is not None else None
    made = session.execute(
        insert_into(session, CaseNote)
        .values(
            form_key=form_key, resident_id=resident_id, organisation_id=organisation_id, author_id=author_id,
            kind=written.kind, happened_on=written.happened_on, written_at=now, words=plain(written.words),
            is_shareable=written.may_read, amends_id=root,
        )
        .on_conflict_do_nothing(index_elements=["form_key"])
        .returning(CaseNote.id)
    )  # fmt: skip
    return made.first() is not None


def change(
    session: Session, *, note_id: int, author_id: int, written: Written, now: datetime, today: date
) -> None:
    """Change a note within its fifteen minutes: one statement that asks for the author, the time and who has it too.

    Raises RuleBroken at the first field that is wrong, and without a field where the time is over or it was sent along.
    """
    for broken in whats_against(written, today=today):
        raise broken
    statement = (
        update(CaseNote)
        .where(
            CaseNote.id == note_id,
            CaseNote.author_id == author_id,
            CaseNote.written_at > now - rules.NOTE_EDIT,
            ~exists().where(ReferralNote.note_id == CaseNote.id),
        )
        .values(
            kind=written.kind, happened_on=written.happened_on, words=plain(written.words),
            is_shareable=written.may_read, edited_at=now,
        )
    )  # fmt: skip
    if rows_changed(session, statement) != 1:
        raise RuleBroken(words.NOTE_SENT_ALONG if sent_along(session, [note_id]) else words.NOTE_TOO_LATE)


def sent_along(session: Session, note_ids: Collection[int]) -> set[int]:
    """Those of these notes that went with a referral: somebody else read them, so they stay as they are."""
    return set(session.scalars(select(ReferralNote.note_id).where(ReferralNote.note_id.in_(note_ids))))
