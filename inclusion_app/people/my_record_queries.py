"""Questions about one resident's own record: what is held, who looked, what was said and answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, func, not_, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.queries import names_of
from inclusion_app.core import registry
from inclusion_app.core.audit import AuditRow
from inclusion_app.people import my_record_words as words
from inclusion_app.people.feedback_services import who_reads
from inclusion_app.people.models import Feedback

LOOKS_ON_A_PAGE = 20
# That somebody fears for a person is not told by their own record, nor by a copy of it: whoever they fear may read it
# over their shoulder. The data-protection officer sees these rows, and decides what to hand out.
NOT_TOLD = (
    "read people.safeguard",
    "read people.flag",
    "read people.flag_words",
    "read people.flag_assign",
    "read people.flag_end",
    "raise safeguarding flag",
    "write about safeguarding flag",
    "assign safeguarding flag",
    "end safeguarding flag",
)


@dataclass(frozen=True)
class Look:
    """One line of who looked: three sentences (N_), the organisation's name, and what was looked at by name (N_)."""

    at: datetime
    who: str
    organisation: str | None
    action: str
    items: list[str]
    purpose: str | None


@dataclass(frozen=True)
class Section:
    """What one room holds, under its title (N_)."""

    name: str
    title: str
    facts: list[registry.Fact]


def held(session: Session, resident_id: int) -> list[Section]:
    """What every room holds of this resident, in plain words; rooms that hold nothing of them are left out."""
    found = [
        Section(holding.name, holding.title, holding.describe(session, resident_id))
        for holding in registry.holdings()
    ]
    return [section for section in found if section.facts]


def looks(
    session: Session, resident_id: int, *, others: bool, first: int = 0, most: int | None = LOOKS_ON_A_PAGE
) -> list[Look]:
    """Who looked at or changed this record, newest first; with `others` without what the person did themself."""
    rows = session.scalars(
        select(AuditRow)
        .where(_about(resident_id, others=others))
        .order_by(AuditRow.id.desc())
        .offset(first)
        .limit(most)
    ).all()
    names = _organisation_names(session, (row.organisation_id for row in rows))
    return [
        Look(
            at=row.at,
            who=words.who_words(row.actor_kind, is_self=row.actor_id == resident_id),
            organisation=names.get(row.organisation_id or 0),
            action=words.action_words(row.action),
            items=words.item_names(row.action, row.items),
            purpose=words.purpose_words(row.purpose),
        )
        for row in rows
    ]


def count_looks(session: Session, resident_id: int, *, others: bool) -> int:
    """How many lines `looks` has in all."""
    return session.scalar(select(func.count()).where(_about(resident_id, others=others))) or 0


def _about(resident_id: int, *, others: bool) -> ColumnElement[bool]:
    mine = and_(AuditRow.resident_id == resident_id, AuditRow.action.not_in(NOT_TOLD))
    # Also with the code alone: that may have been anybody who found the paper.
    by_self = and_(AuditRow.actor_kind == "resident", AuditRow.actor_id == resident_id)
    return and_(mine, not_(by_self)) if others else mine


def looks_as_data(session: Session, resident_id: int) -> list[dict[str, Any]]:
    """Every line of the record of this resident as data; nobody of the staff is named in it."""
    rows = session.scalars(
        select(AuditRow).where(_about(resident_id, others=False)).order_by(AuditRow.id)
    ).all()
    names = _organisation_names(session, (row.organisation_id for row in rows))
    return [
        {
            "at": row.at,
            "by": "you" if row.actor_kind == "resident" and row.actor_id == resident_id else row.actor_kind,
            "organisation": names.get(row.organisation_id or 0),
            "action": row.action,
            "items": row.items.split(),
            "purpose": row.purpose,
        }
        for row in rows
    ]


def _organisation_names(session: Session, numbers: Iterable[int | None]) -> dict[int, str]:
    """The names of organisations, also of closed ones, by number."""
    return names_of(session, sorted({number for number in numbers if number}))


def feedback_of(session: Session, resident_id: int) -> Sequence[Feedback]:
    """What this resident sent, newest first."""
    return session.scalars(
        select(Feedback).where(Feedback.resident_id == resident_id).order_by(Feedback.id.desc())
    ).all()


def describe_feedback(session: Session, resident_id: int) -> list[registry.Fact]:
    """What was sent and answered, in plain words."""
    sent = feedback_of(session, resident_id)
    names = _organisation_names(session, (row.organisation_id for row in sent))
    facts = []
    for row in sent:
        facts.append(registry.Fact(words.KINDS[row.kind], row.words))
        facts.append(
            registry.Fact(words.SENT_TO, names.get(row.organisation_id or 0) or gettext(words.THE_OFFICER))
        )
        reader = who_reads(session, row)
        if row.answer:
            facts.append(registry.Fact(words.ANSWERED, row.answer))
        if reader:
            facts.append(registry.Fact(words.ANSWERED_BY if row.answer else words.READ_BY, reader))
    return facts


def export_feedback(session: Session, resident_id: int) -> dict[str, Any]:
    """The same as data."""
    sent = feedback_of(session, resident_id)
    names = _organisation_names(session, (row.organisation_id for row in sent))
    return {
        "messages": [
            {
                "kind": row.kind,
                "to": names.get(row.organisation_id or 0),
                "words": row.words,
                "language": row.language,
                "sent_at": row.made_at,
                "answer": row.answer,
                "answered_at": row.answered_at,
            }
            for row in sent
        ]
    }


registry.hold(
    registry.Holding("feedback", words.FEEDBACK_TITLE, ("feedback",), describe_feedback, export_feedback)
)
