"""Keeping the schedule: how long a kind is kept in this instance, and a trace of what went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import String, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.config import BadSetting, Settings
from inclusion_app.core import audit
from inclusion_app.core.db import Base, UTCDateTime, insert_into
from inclusion_app.core.retention import OF_CHORE, SCHEDULE, Kind, why_not

# A run in which nothing went is noted so often; one that deleted something at once.
NOTED_EVERY = timedelta(minutes=10)


class RetentionRun(Base):
    """The last run of one chore that deletes what was kept long enough. Numbers only."""

    __tablename__ = "retention_runs"

    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # How many went the last time any did, and when.
    gone: Mapped[int]
    gone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    gone_in_all: Mapped[int]


def keep(name: str) -> timedelta:
    """How long this instance keeps a kind of record. An unknown name is a KeyError."""
    settings: Settings = current_app.extensions["settings"]
    return settings.retention.get(name, SCHEDULE[name].keep)


def check(settings: Settings) -> None:
    """Refuse to start with a time nobody may choose. Raises BadSetting."""
    for name, time in settings.retention.items():
        if fault := why_not(name, time):
            raise BadSetting(f"INCLUSION_RETENTION {fault}")


def carry_out(session: Session, chore: str, delete: Callable[..., int], *, now: datetime) -> int:
    """Delete what was kept long enough by one chore and leave a trace of it. Returns how many went."""
    gone = delete(session, now=now)
    note_run(session, chore, gone, now=now)
    kind: Kind | None = OF_CHORE.get(chore)
    if gone and kind is not None and kind.traced:
        audit.record(
            session, at=now, actor_kind="retention", actor_id=None, action=f"expire {kind.name}", purpose="retention",
            resident_id=None, items=(str(gone),),
        )  # fmt: skip
    return gone


def note_run(session: Session, chore: str, gone: int, *, now: datetime) -> None:
    """Remember that a chore ran and how many went."""
    table = RetentionRun.__table__.c
    session.execute(
        insert_into(session, RetentionRun)
        .values(kind=chore, ran_at=now, gone=gone, gone_at=now if gone else None, gone_in_all=gone)
        .on_conflict_do_update(
            index_elements=["kind"],
            set_={
                "ran_at": now,
                "gone": gone if gone else table.gone,
                "gone_at": now if gone else table.gone_at,
                "gone_in_all": table.gone_in_all + gone,
            },
            where=true() if gone else table.ran_at <= now - NOTED_EVERY,
        )
    )
