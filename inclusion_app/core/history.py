"""move(): the only place a status is assigned. It asks the room's table and writes who, from, to, when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    String,
    delete,
    exists,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken

OWNERS = ("roadmap_id", "place_id", "booking_id", "loan_request_id", "loan_id", "unit_id", "referral_id")


class StatusChange(Base):
    """One move of one row, in the transaction that made it. It goes with the plan, place, booking, request, loan, unit or
    referral the row belongs to; a row that knows two of them says by `__owner__` which.

    A row that may be deleted alone takes its changes with it by `forget`. The numbers of rows named here are given
    once only (`sqlite_autoincrement` at their tables), so that no later row can take these for its own.
    """

    __tablename__ = "status_changes"
    __table_args__ = (
        Index("ix_status_changes_noun_row_id", "noun", "row_id"),
        CheckConstraint(
            " + ".join(f"CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END" for owner in OWNERS) + " = 1",
            name="one_owner",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    noun: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    before: Mapped[str] = mapped_column(String(30))
    after: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(String(40))
    why: Mapped[str] = mapped_column(String(40), default="")
    roadmap_id: Mapped[int | None] = mapped_column(ForeignKey("roadmaps.id", ondelete="CASCADE"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"), index=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    loan_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("loan_requests.id", ondelete="CASCADE"), index=True
    )
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id", ondelete="CASCADE"), index=True)
    referral_id: Mapped[int | None] = mapped_column(
        ForeignKey("referrals.id", ondelete="CASCADE"), index=True
    )


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
            noun=row.__tablename__, row_id=row.id, before=before, after=to, at=now, actor=actor, why=why,
            **{owner: getattr(row, owner, None) for owner in getattr(row, "__owner__", OWNERS)},
        )
    )  # fmt: skip


def hand_over(session: Session, noun: str, row_ids: Sequence[int], *, roadmap_id: int) -> None:
    """What is remembered of these rows goes with them to another plan, the days as they were."""
    theirs = update(StatusChange).where(StatusChange.noun == noun, StatusChange.row_id.in_(row_ids))
    session.execute(theirs.values(roadmap_id=roadmap_id), execution_options={"synchronize_session": False})


def copy(session: Session, noun: str, copies: Mapping[int, int], *, roadmap_id: int) -> None:
    """What is remembered of these rows is remembered of their copies in another plan too. `copies`: old number to new."""
    theirs = select(StatusChange).where(StatusChange.noun == noun, StatusChange.row_id.in_(copies))
    for change in session.scalars(theirs.order_by(StatusChange.id)).all():
        session.add(
            StatusChange(
                noun=noun, row_id=copies[change.row_id], before=change.before, after=change.after, at=change.at,
                actor=change.actor, why=change.why, roadmap_id=roadmap_id,
            )
        )  # fmt: skip
    session.flush()


def merge(session: Session, noun: str, row_id: int, *, into: int, roadmap_id: int) -> None:
    """What is remembered of one row goes to another one of the same noun; a move both know is kept once."""
    known = aliased(StatusChange)
    twice = exists().where(
        known.noun == noun,
        known.row_id == into,
        known.at == StatusChange.at,
        known.before == StatusChange.before,
        known.after == StatusChange.after,
    )
    theirs = StatusChange.noun == noun, StatusChange.row_id == row_id
    apart = {"synchronize_session": False}
    session.execute(delete(StatusChange).where(*theirs, twice), execution_options=apart)
    session.execute(
        update(StatusChange).where(*theirs).values(row_id=into, roadmap_id=roadmap_id),
        execution_options=apart,
    )


def forget(session: Session, noun: str, row_ids: Select[int]) -> None:
    """Delete what is remembered of these rows, before they are deleted; for whoever deletes rows without their plan or place."""
    theirs = delete(StatusChange).where(StatusChange.noun == noun, StatusChange.row_id.in_(row_ids))
    session.execute(theirs, execution_options={"synchronize_session": False})
