"""A group, who is in it, and who of the staff leads it. Members are residents with a plan of their own; paper ticks are sums."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import Base, UTCDateTime


class Group(Base):
    """A self-help group. `kept` holds its own notes, the sums typed in from its paper and what it has done together."""

    __tablename__ = "self_help_groups"
    __table_args__ = (
        CheckConstraint("secret_kind IN ('pin', 'pictures')", name="secret_kind_known"),
        Index("ix_self_help_groups_last_used_at", "last_used_at"),
        {"sqlite_autoincrement": True},  # an old tab names a group by its number
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str] = mapped_column(EncryptedText)
    secret_kind: Mapped[str] = mapped_column(String(10))
    secret_hash: Mapped[str] = mapped_column(String(200))
    name: Mapped[str | None] = mapped_column(EncryptedText)
    language: Mapped[str] = mapped_column(String(8))
    kept: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)


class GroupMember(Base):
    """That a resident is in a group. No name and no step stands here; it goes with the resident or the group."""

    __tablename__ = "group_members"
    __table_args__ = (UniqueConstraint("group_id", "resident_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("self_help_groups.id", ondelete="CASCADE"))
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    joined_at: Mapped[datetime] = mapped_column(UTCDateTime)


class GroupFacilitator(Base):
    """Somebody of the staff who leads a group, for one organisation, since the group gave them its code. Ended, not deleted:
    the group sees who helps it now.
    """

    __tablename__ = "group_facilitators"
    __table_args__ = (
        Index(
            "uq_group_facilitators_live",
            "group_id",
            "staff_id",
            "organisation_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},  # the group's own page names one by its number
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("self_help_groups.id", ondelete="CASCADE"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    since_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Where the group ended it: the code it had then, hashed. By that one nobody of this organisation comes back.
    ended_with: Mapped[str | None] = mapped_column(String(64))
