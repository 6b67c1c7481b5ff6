"""The outbox, what is posted and called by hand, and whether the jobs run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import Base, UTCDateTime


class Message(Base):
    """One thing to tell one person by one channel. Written in the transaction of what it tells; sent after it.

    `key` makes it one message however often it is asked for. `to`, `to_name` and `params` are gone 30 days after the end.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("channel IN ('email', 'sms', 'letter', 'call')", name="channel_known"),
        CheckConstraint("state IN ('waiting', 'sending', 'sent', 'dead', 'dropped')", name="state_known"),
        CheckConstraint("(state = 'sending') = (claimed_until IS NOT NULL)", name="sending_is_claimed"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_with_time"),
        Index("ix_messages_state_next_try_at", "state", "next_try_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    template: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(8))
    params: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    # An answer of the data-protection officer (see core.events.MessageWanted).
    from_officer: Mapped[bool] = mapped_column(default=False)
    # What it is about, such as `booking 12`: taken back when that ends.
    about: Mapped[str | None] = mapped_column(String(40), index=True)
    useful_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Of somebody who keeps no plan: whom to ask for, and whether nothing may name the service.
    to_name: Mapped[str | None] = mapped_column(EncryptedText)
    is_discreet: Mapped[bool] = mapped_column(default=False)
    channel: Mapped[str] = mapped_column(String(10))
    to: Mapped[str | None] = mapped_column(EncryptedText)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    # Of one that will not be tried again: when that was decided.
    next_try_at: Mapped[datetime] = mapped_column(UTCDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # What the provider calls it: a receipt comes back under this name.
    provider_id: Mapped[str | None] = mapped_column(String(80), index=True)
    # A code of what went wrong last, never the provider's words: they may repeat the address.
    fault: Mapped[str | None] = mapped_column(String(40))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class TrayItem(Base):
    """A letter to print and post or a call to make, in the tray of one organisation."""

    __tablename__ = "tray_items"
    __table_args__ = (
        CheckConstraint("kind IN ('letter', 'call')", name="kind_known"),
        CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="done_with_outcome"),
        Index("ix_tray_items_organisation_id_done_at", "organisation_id", "done_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(10))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    taken_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    outcome: Mapped[str | None] = mapped_column(String(20))
    message: Mapped[Message] = relationship(lazy="joined")


class StoppedAddress(Base):
    """A number whose owner answered STOP; nothing goes there until they answer START. A keyed hash, so none can be read."""

    __tablename__ = "stopped_addresses"

    value_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class JobRun(Base):
    """The last runs of one job of the worker: a failing one is visible on a page."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ok_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    fault: Mapped[str | None] = mapped_column(String(60))
    failures: Mapped[int] = mapped_column(default=0)
