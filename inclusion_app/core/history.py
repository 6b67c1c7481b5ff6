"""move(): the only place a status is assigned. It asks the room's table and writes who, from, to, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken


class StatusChange(Base):
    """One move of one row, in the transaction that made it."""

    __tablename__ = "status_changes"
    __table_args__ = (Index("ix_status_changes_noun_row_id", "noun", "row_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    noun: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    before: Mapped[str] = mapped_column(String(30))
    after: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(String(40))
    why: Mapped[str] = mapped_column(String(40), default="")


def move(session: Session, row: Any, to: str, *, actor: str, now: datetime, why: str = "") -> None:
    """Move a row to a state its `__lifecycle__` allows, and remember it. `why` is a code, never typed text.

    Raises RuleBroken when the table does not know the move.
    """
    before = row.status
    state = inspect(row)
    if state.persistent:
        # Two people may move the same row at once: the second waits here and then sees what the first did.
        past = state.attrs.status.history
        loaded = (past.deleted or past.unchanged)[0]
        kind = type(row)
        with session.no_autoflush:
            stored = session.scalar(select(kind.status).where(kind.id == row.id).with_for_update())
        if stored != loaded:
            raise RuleBroken(CHANGED_ALREADY)
    if not row.__lifecycle__.allows(before, to):
        raise RuleBroken(CHANGED_ALREADY)
    row.status = to
    session.add(
        StatusChange(
            noun=row.__tablename__, row_id=row.id, before=before, after=to, at=now, actor=actor, why=why
        )
    )
