"""A resident: no name, e-mail, phone or account is needed to have one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from inclusion_app.core.crypto import EncryptedText
from inclusion_app.core.db import Base, UTCDateTime


class GivenCode(Base):
    """Every code that was given out and still lives, once: no code can open two things.

    `unclaimed` is printed on a sticker and opens nothing yet; a plan typed in from paper makes it a resident's.
    The code itself does not stand here, only its keyed hash.
    """

    __tablename__ = "given_codes"
    __table_args__ = (
        CheckConstraint("kind IN ('resident', 'group', 'unclaimed')", name="kind_known"),
        Index("ix_given_codes_kind_given_at", "kind", "given_at"),
    )

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Resident(Base):
    """Somebody who keeps a plan. Found by the keyed hash of the code; the code itself is kept encrypted to print it."""

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint("secret_kind IN ('pin', 'pictures')", name="secret_kind_known"),
        Index("ix_residents_last_used_at", "last_used_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str] = mapped_column(EncryptedText)
    secret_kind: Mapped[str] = mapped_column(String(10))
    secret_hash: Mapped[str] = mapped_column(String(200))
    pin_for_everything: Mapped[bool] = mapped_column(default=False)
    nickname: Mapped[str | None] = mapped_column(EncryptedText)
    language: Mapped[str] = mapped_column(String(8))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)
