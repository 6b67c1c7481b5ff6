"""A resident and what they may add: no name, e-mail, phone or account is needed to have a plan."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import Base, UTCDateTime


class GivenCode(Base):
    """Every code that was given out and still lives, once: no code can open two things.

    `unclaimed` is printed on a sticker and opens nothing yet; a plan typed in from paper makes it a resident's. Of a
    booking or a loan the code opens that alone.
    The code itself does not stand here, only its keyed hash.
    """

    __tablename__ = "given_codes"
    __table_args__ = (
        CheckConstraint("kind IN ('resident', 'group', 'unclaimed', 'booking', 'loan')", name="kind_known"),
        Index("ix_given_codes_kind_given_at", "kind", "given_at"),
    )

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Resident(Base):
    """Somebody who keeps a plan. Found by the keyed hash of the code; the code itself is kept encrypted to print it.

    Everything a person is asked for beside their secret is optional, and they may take it back.
    """

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint("secret_kind IN ('pin', 'pictures')", name="secret_kind_known"),
        CheckConstraint("merged_into_id IS NULL OR merged_into_id <> id", name="merged_into_another"),
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
    # The record: every line optional. The preferred name; a keyed hash of it finds a likely duplicate.
    name: Mapped[str | None] = mapped_column(EncryptedText)
    name_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    spoken: Mapped[str | None] = mapped_column(String(20))
    read: Mapped[str | None] = mapped_column(String(20))
    age_band: Mapped[str | None] = mapped_column(String(10))
    ward: Mapped[str | None] = mapped_column(String(12))
    postcode_sector: Mapped[str | None] = mapped_column(String(8))
    # Only while a delivery or a letter needs it.
    address: Mapped[str | None] = mapped_column(EncryptedText)
    needs: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    safe_contact: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    # In no search, count or suggestion.
    is_restricted: Mapped[bool] = mapped_column(default=False)
    # Found to be the same person as another row. Nothing moves, so that it can be undone.
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="SET NULL"), index=True
    )


class ContactRoute(Base):
    """One way to reach somebody, in the order they wish. A route through a caseworker or a visit has no value."""

    __tablename__ = "contact_routes"
    __table_args__ = (
        CheckConstraint("kind IN ('sms', 'email', 'letter', 'call', 'caseworker')", name="kind_known"),
        CheckConstraint("(value IS NULL) = (value_hash IS NULL)", name="value_with_hash"),
        UniqueConstraint("resident_id", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))
    value: Mapped[str | None] = mapped_column(EncryptedText)
    value_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    # It reaches an adult who answers for a child.
    is_adults: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Restriction(Base):
    """Somebody of the staff, or an organisation, who may not see this resident; also in their own organisation."""

    __tablename__ = "restrictions"
    __table_args__ = (
        CheckConstraint("(staff_id IS NULL) <> (organisation_id IS NULL)", name="one_of_two"),
        UniqueConstraint("resident_id", "staff_id"),
        UniqueConstraint("resident_id", "organisation_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Consent(Base):
    """One act of sharing: to whom, for what, by which words, how it was given, until when. Never changed, only ended."""

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("how IN ('screen', 'paper', 'spoken')", name="how_known"),
        CheckConstraint("basis IN ('consent', 'public_task', 'vital_interests')", name="basis_known"),
        Index("ix_consents_organisation_id_resident_id", "organisation_id", "resident_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    purpose: Mapped[str] = mapped_column(String(40))
    basis: Mapped[str] = mapped_column(String(20))
    wording: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(8))
    how: Mapped[str] = mapped_column(String(10))
    # Who wrote it down when it was spoken or on paper.
    told_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
    until_at: Mapped[datetime] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Given for one referral: it opens nothing by itself, only while that referral is live (see referrals.policy).
    is_for_referral: Mapped[bool] = mapped_column(default=False)
    items: Mapped[list[ConsentItem]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )


class ConsentItem(Base):
    """One thing that is shared by a consent: identity, contact, needs or plan (later rooms add theirs)."""

    __tablename__ = "consent_items"

    consent_id: Mapped[int] = mapped_column(ForeignKey("consents.id", ondelete="CASCADE"), primary_key=True)
    item: Mapped[str] = mapped_column(String(20), primary_key=True)


class SafeguardingFlag(Base):
    """Somebody of the staff fears for a resident. That there is one may be seen by whoever helps them; why, by few.

    The lead of the organisation is told at once. What was written stands apart (SafeguardingWords).
    """

    __tablename__ = "safeguarding_flags"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name="ended_by_somebody"),
        Index("ix_safeguarding_flags_organisation_id_resident_id", "organisation_id", "resident_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    raised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Which of the organisation's caseworkers works on it with the lead, and so reads it.
    assigned_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class SafeguardingWords(Base):
    """What was written about a flag: the reason first, then what was done. Added to, never changed."""

    __tablename__ = "safeguarding_words"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    flag_id: Mapped[int] = mapped_column(ForeignKey("safeguarding_flags.id", ondelete="CASCADE"), index=True)
    words: Mapped[str] = mapped_column(EncryptedText)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class CaseloadEntry(Base):
    """A resident whom one member of staff looks after, for one organisation."""

    __tablename__ = "caseload_entries"
    __table_args__ = (UniqueConstraint("organisation_id", "staff_id", "resident_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    since_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Merge(Base):
    """Two rows that are one person: asked by one member of staff, agreed by another, undone within 90 days or never."""

    __tablename__ = "merges"
    __table_args__ = (
        CheckConstraint("agreed_by_id IS NULL OR agreed_by_id <> asked_by_id", name="two_people"),
        CheckConstraint("(agreed_by_id IS NULL) = (agreed_at IS NULL)", name="agreed_with_time"),
        CheckConstraint("kept_id <> gone_id", name="two_residents"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kept_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    gone_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    agreed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    agreed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    refused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    undone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ResidentLink(Base):
    """A one-time link that opens somebody's plan: shown as a button, used by a POST, once, within a short time."""

    __tablename__ = "resident_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Feedback(Base):
    """A complaint, thanks or correction of a resident to an organisation, and the answer of a named person.

    Without an organisation it is for the city's data-protection officer. `owner_id` is who took it to answer.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("kind IN ('complaint', 'thanks', 'correction')", name="kind_known"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_with_time"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(EncryptedText)
    language: Mapped[str] = mapped_column(String(8))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    answer: Mapped[str | None] = mapped_column(EncryptedText)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class BreakGlass(Base):
    """Somebody of the staff sees one resident without consent, for 60 minutes, for a reason that is looked at after."""

    __tablename__ = "break_glasses"
    __table_args__ = (
        CheckConstraint("(began_at IS NULL) = (ends_at IS NULL)", name="began_with_end"),
        CheckConstraint("second_id IS NULL OR second_id <> staff_id", name="two_people"),
        CheckConstraint("reviewed_by_id IS NULL OR reviewed_by_id <> staff_id", name="reviewed_by_another"),
        CheckConstraint(
            "reviewed_by_id IS NULL OR second_id IS NULL OR reviewed_by_id <> second_id",
            name="reviewed_by_a_third",
        ),
        CheckConstraint("(reviewed_at IS NULL) = (finding IS NULL)", name="reviewed_with_finding"),
        CheckConstraint(
            "finding IS NULL OR finding IN ('justified', 'not_justified', 'follow_up')", name="finding_known"
        ),
        CheckConstraint("open_slot IS NULL OR open_slot = staff_id", name="own_slot"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(EncryptedText)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # A platform admin needs a second person; then it begins when that one agrees.
    second_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    began_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finding: Mapped[str | None] = mapped_column(String(20))
    # The number of the one who broke it, until it is over: so nobody has two at a time. No index can ask the clock;
    # the statement that opens the next one empties the slot of one that ran out.
    open_slot: Mapped[int | None] = mapped_column(unique=True)


class AccessRequest(Base):
    """What somebody asks of the data-protection officer by right, with its clock of one month (UK GDPR, art. 12(3))."""

    __tablename__ = "access_requests"
    __table_args__ = (
        CheckConstraint("kind IN ('access', 'correction', 'erasure', 'objection')", name="kind_known"),
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed_with_outcome"),
        CheckConstraint(
            "outcome IS NULL OR outcome IN ('granted', 'partly', 'refused', 'withdrawn')",
            name="outcome_known",
        ),
        CheckConstraint("(extended_at IS NULL) = (extension IS NULL)", name="extended_with_reason"),
        CheckConstraint("extension IS NULL OR extension IN ('complex', 'many')", name="extension_known"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str] = mapped_column(String(12))
    received_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    extended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    extension: Mapped[str | None] = mapped_column(String(10))
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(String(20))


class DeskPaper(Base):
    """The new code somebody of the staff has just given, on their screen for ten minutes; one for each sign-in."""

    __tablename__ = "desk_papers"

    session_id: Mapped[int] = mapped_column(
        ForeignKey("staff_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    # What was typed for it. The button pressed twice comes with a code that is dead already, and leads here.
    old_code_hash: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
