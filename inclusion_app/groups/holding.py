"""What is held of a resident with groups: that they are in one, and since when."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.registry import Fact, Holding
from inclusion_app.core.words import N_
from inclusion_app.groups.models import GroupMember


def _joined(session: Session, resident_id: int) -> list[GroupMember]:
    rows = select(GroupMember).where(GroupMember.resident_id == resident_id).order_by(GroupMember.joined_at)
    return list(session.scalars(rows))


def _describe(session: Session, resident_id: int) -> list[Fact]:
    return [
        Fact(N_("You are in a group since"), i18n.day_words(i18n.local(row.joined_at).date()))
        for row in _joined(session, resident_id)
    ]


def _export(session: Session, resident_id: int) -> dict[str, Any]:
    # Neither the name nor the code of a group is one person's to take along.
    return {"groups_joined_at": [row.joined_at.isoformat() for row in _joined(session, resident_id)]}


HOLDING = Holding("groups", N_("Your groups"), ("group_members",), describe=_describe, export=_export)
