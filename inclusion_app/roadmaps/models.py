"""A roadmap and the progress on its steps. It belongs to a visit until it is saved, then to a resident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.core.crypto import EncryptedJSON
from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.roadmaps.rules import STEP_LIFECYCLE, StepState


class Roadmap(Base):
    """The answers and choices a plan is computed from; the plan itself is never stored."""

    __tablename__ = "roadmaps"
    __table_args__ = (CheckConstraint("(visit_id IS NULL) <> (resident_id IS NULL)", name="one_owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visits.id", ondelete="CASCADE"), unique=True)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), unique=True
    )
    answers: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    choices: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    # Where the person looks from, kept only by choice: a ward and a postcode sector (see places).
    near: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    progress: Mapped[list[StepProgress]] = relationship(
        back_populates="roadmap", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )


class StepProgress(Base):
    """How far one step of one roadmap has come. Its status moves only through core.history.move()."""

    __tablename__ = "step_progress"
    __table_args__ = (
        UniqueConstraint("roadmap_id", "step_id"),
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{state.value}'" for state in StepState)), name="status_known"
        ),
        {"sqlite_autoincrement": True},  # core.history names rows by number
    )
    __lifecycle__ = STEP_LIFECYCLE

    id: Mapped[int] = mapped_column(primary_key=True)
    roadmap_id: Mapped[int] = mapped_column(ForeignKey("roadmaps.id", ondelete="CASCADE"))
    step_id: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(20), default="not_started")
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    roadmap: Mapped[Roadmap] = relationship(back_populates="progress")


class OfferGap(Base):
    """How often a step was shown in a month and no place near helped with it. No person and no day stands here.

    `month` is written 2026-11; `area` is a ward's code or a district, never finer.
    """

    __tablename__ = "offer_gaps"
    __table_args__ = (CheckConstraint("times > 0", name="times_counted"),)

    step_id: Mapped[str] = mapped_column(String(8), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    area: Mapped[str] = mapped_column(String(40), primary_key=True)
    times: Mapped[int] = mapped_column(Integer)
