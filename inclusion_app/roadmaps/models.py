"""A roadmap and the progress on its steps. It belongs to a visit until it is saved, then to a resident or a household."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.roadmaps.rules import STEP_LIFECYCLE, StepState


class Roadmap(Base):
    """The answers and choices a plan is computed from; the plan itself is never stored."""

    __tablename__ = "roadmaps"
    __table_args__ = (
        CheckConstraint(
            "(visit_id IS NOT NULL AND resident_id IS NULL AND household_id IS NULL)"
            " OR (visit_id IS NULL AND resident_id IS NOT NULL AND household_id IS NULL)"
            " OR (visit_id IS NULL AND resident_id IS NULL AND household_id IS NOT NULL)",
            name="one_owner",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visits.id", ondelete="CASCADE"), unique=True)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), unique=True
    )
    household_id: Mapped[int | None] = mapped_column(
        ForeignKey("households.id", ondelete="CASCADE"), unique=True
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


class Household(Base):
    """People of one home with one plan together. It ends when the last of them leaves."""

    __tablename__ = "households"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class HouseholdMember(Base):
    """A person of a household, by the name the others call them. Nobody is in two households."""

    __tablename__ = "household_members"
    __table_args__ = {"sqlite_autoincrement": True}  # who does a step is kept by this number

    id: Mapped[int] = mapped_column(primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id", ondelete="CASCADE"), index=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), unique=True)
    nickname: Mapped[str] = mapped_column(EncryptedText)
    joined_at: Mapped[datetime] = mapped_column(UTCDateTime)


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
