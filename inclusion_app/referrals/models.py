"""What services there are, who was sent to which, what was said about it; notes, tasks, files and sheets of a case."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.crypto import EncryptedText
from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.people.models import Consent
from inclusion_app.referrals import rules


def _one_of(column: str, names: object) -> str:
    return f"{column} IN ({', '.join(repr(name) for name in names)})"  # type: ignore[attr-defined]


_LIVE = _one_of("status", sorted(rules.LIVE))
_LIVE_SENT = f"{_LIVE} AND mode <> 'signposted'"
_LIVE_TOLD = f"{_LIVE} AND mode = 'signposted'"


class CityService(Base):
    """One thing somebody can be sent to, of the city's own directory: what it does, for whom, how many it can take.

    `taken` is how many referrals hold a place of it now. It is moved by one statement only, which asks `places` (see
    services.machine). An organisation without accounts answers by links to `partner_email`.
    """

    __tablename__ = "city_services"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken_not_below_nought"),
        CheckConstraint("places IS NULL OR taken <= places", name="no_more_than_places"),
        UniqueConstraint("organisation_id", "name"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(80))
    # What it helps with (rules.HELPS), with spaces between; the summary is English, typed by its staff.
    helps: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(String(300))
    # Of whom it asks what: wards and age groups, with spaces between; empty is everybody.
    wards: Mapped[str] = mapped_column(String(600), default="")
    ages: Mapped[str] = mapped_column(String(80), default="")
    languages: Mapped[str] = mapped_column(String(120), default="")
    places: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0)
    keeps_waiting_list: Mapped[bool] = mapped_column(default=True)
    # How many working days it usually takes to answer, as its staff say.
    reply_days: Mapped[int] = mapped_column(default=rules.DECIDE_DAYS)
    phone: Mapped[str] = mapped_column(String(40), default="")
    website: Mapped[str] = mapped_column(String(200), default="")
    # Somebody without an account may refer to it by the public form.
    is_public: Mapped[bool] = mapped_column(default=False)
    partner_email: Mapped[str | None] = mapped_column(EncryptedText)
    duty_staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class Referral(Base):
    """One person sent to one service. What may be read of the person follows from its state and its consent, live.

    A public referral has no sender, and no resident until its receiver has met the person (see PublicReferral).
    """

    __tablename__ = "referrals"
    __table_args__ = (
        CheckConstraint(_one_of("status", rules.STATES), name="status_known"),
        CheckConstraint(_one_of("mode", rules.MODES), name="mode_known"),
        CheckConstraint(_one_of("urgency", rules.URGENCIES), name="urgency_known"),
        # A state and its facts go together.
        CheckConstraint("(status = 'closed') = (outcome IS NOT NULL)", name="closed_with_outcome"),
        CheckConstraint("(status = 'declined') = (declined_for IS NOT NULL)", name="declined_with_reason"),
        CheckConstraint("(declined_for IS NULL) = (declined_by IS NULL)", name="declined_by_somebody"),
        CheckConstraint("(status = 'waitlisted') = (promised_on IS NOT NULL)", name="waitlisted_with_day"),
        CheckConstraint("(status = 'needs_info') = (asked_from IS NOT NULL)", name="asked_from_somewhere"),
        CheckConstraint("(clock_since IS NULL) = (clock_due IS NULL)", name="clock_with_end"),
        CheckConstraint("status = 'draft' OR sent_at IS NOT NULL OR ended_at IS NOT NULL", name="sent_with_time"),
        # Nothing is shared with where somebody was only told to go, and nothing is sent without a yes.
        CheckConstraint("mode <> 'signposted' OR consent_id IS NULL", name="signposted_shares_nothing"),
        CheckConstraint("parent_id IS NULL OR parent_id <> id", name="child_of_another"),
        # One live referral of a person to a service: a form sent twice, or by two helpers at once, is one.
        Index(
            "uq_referrals_live", "resident_id", "service_id", unique=True,
            sqlite_where=text(_LIVE_SENT), postgresql_where=text(_LIVE_SENT),
        ),
        # Who was only told where to go may still be sent there; they are told of it once.
        Index(
            "uq_referrals_told", "resident_id", "service_id", unique=True,
            sqlite_where=text(_LIVE_TOLD), postgresql_where=text(_LIVE_TOLD),
        ),
        Index("ix_referrals_received", "organisation_id", "status"),
        Index("ix_referrals_sent", "sender_id", "status"),
        Index("ix_referrals_clock_due", "clock_due"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip
    __lifecycle__ = rules.LIFECYCLE
    __owner__ = ("referral_id",)

    id: Mapped[int] = mapped_column(primary_key=True)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    service_id: Mapped[int] = mapped_column(ForeignKey("city_services.id"), index=True)
    # Who receives it: the service's organisation when it was sent.
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    # Who sent it, and for which organisation; nobody for a public one.
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    sender_staff_id: Mapped[int | None] = mapped_column(
        ForeignKey("staff.id", ondelete="SET NULL"), index=True
    )
    # Who of the receiver's staff looks after it.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    consent_id: Mapped[int | None] = mapped_column(ForeignKey("consents.id", ondelete="SET NULL"), index=True)
    mode: Mapped[str] = mapped_column(String(10))
    urgency: Mapped[str] = mapped_column(String(6), default="usual")
    status: Mapped[str] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(8), default="en")
    # How, when and by whom they were introduced (warm).
    introduced_how: Mapped[str | None] = mapped_column(String(10))
    introduced_on: Mapped[date | None] = mapped_column(Date)
    introduced_to: Mapped[str | None] = mapped_column(EncryptedText)
    asked_from: Mapped[str | None] = mapped_column(String(12))
    promised_on: Mapped[date | None] = mapped_column(Date)
    declined_for: Mapped[str | None] = mapped_column(String(20))
    declined_by: Mapped[str | None] = mapped_column(String(10))
    outcome: Mapped[str | None] = mapped_column(String(20))
    # The clock that runs now; while a question is open it stands still since `clock_stopped_at`.
    clock_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    clock_due: Mapped[datetime | None] = mapped_column(UTCDateTime)
    clock_stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    nudged: Mapped[int] = mapped_column(default=0)
    # True while it holds a place of its service (CityService.taken).
    holds_place: Mapped[bool] = mapped_column(default=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("referrals.id", ondelete="SET NULL"), index=True)
    # The service a receiver named as the better one.
    better_id: Mapped[int | None] = mapped_column(ForeignKey("city_services.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    contacted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    service: Mapped[CityService] = relationship(foreign_keys=[service_id], lazy="joined", innerjoin=True)
    consent: Mapped[Consent | None] = relationship()

    @property
    def referral_id(self) -> int:
        """Itself, as what its changes belong to (see core.history)."""
        return self.id

    @property
    def can_be_reached(self) -> bool:
        """Its yes was given for how to reach the person too; what stands on no record came with how to reach them."""
        if self.resident_id is None:
            return True
        return self.consent is not None and any(one.item == "contact" for one in self.consent.items)


class ReferralWords(Base):
    """What was typed about a referral: why, a question and its answer, the reason of an end. Both sides read it."""

    __tablename__ = "referral_words"
    __table_args__ = (
        CheckConstraint(_one_of("kind", rules.WORDS), name="kind_known"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    referral_id: Mapped[int] = mapped_column(ForeignKey("referrals.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    words: Mapped[str] = mapped_column(EncryptedText)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    # Nobody of the staff: a partner by a link, or whoever filled in the public form.
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class PartnerLink(Base):
    """A link by which an organisation without accounts answers one referral: it expires, and shows what was consented."""

    __tablename__ = "partner_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    referral_id: Mapped[int] = mapped_column(ForeignKey("referrals.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class PublicReferral(Base):
    """Who filled in the public form, and for whom; unread by anybody until it is confirmed. Gone when it is not."""

    __tablename__ = "public_referrals"
    __table_args__ = (
        CheckConstraint(_one_of("from_kind", rules.PUBLIC_FROM), name="from_kind_known"),
        CheckConstraint("token_hash IS NOT NULL OR confirmed_at IS NOT NULL", name="to_be_confirmed"),
    )

    referral_id: Mapped[int] = mapped_column(
        ForeignKey("referrals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    from_kind: Mapped[str] = mapped_column(String(10))
    from_name: Mapped[str] = mapped_column(EncryptedText)
    from_organisation: Mapped[str] = mapped_column(EncryptedText, default="")
    from_email: Mapped[str | None] = mapped_column(EncryptedText)
    about_name: Mapped[str] = mapped_column(EncryptedText)
    about_contact: Mapped[str] = mapped_column(EncryptedText)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CaseNote(Base):
    """What one of the staff wrote about somebody. It is added to, never changed, but for its first fifteen minutes.

    `happened_on` is the day it is about, `written_at` when it was typed; typed in later from paper they differ.
    """

    __tablename__ = "case_notes"
    __table_args__ = (
        CheckConstraint(_one_of("kind", rules.NOTE_KINDS), name="kind_known"),
        CheckConstraint("amends_id IS NULL OR amends_id <> id", name="amends_another"),
        Index("ix_case_notes_organisation_id_resident_id", "organisation_id", "resident_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    happened_on: Mapped[date] = mapped_column(Date)
    written_at: Mapped[datetime] = mapped_column(UTCDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    words: Mapped[str] = mapped_column(EncryptedText)
    # The person may read it in their own record.
    is_shareable: Mapped[bool] = mapped_column(default=False)
    amends_id: Mapped[int | None] = mapped_column(ForeignKey("case_notes.id", ondelete="CASCADE"), index=True)


class ReferralNote(Base):
    """A note that goes with a referral: whoever received it reads this one, while it is live and shared."""

    __tablename__ = "referral_notes"

    referral_id: Mapped[int] = mapped_column(
        ForeignKey("referrals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    note_id: Mapped[int] = mapped_column(
        ForeignKey("case_notes.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )


class CaseFile(Base):
    """A file of a case. It lies sealed in the instance folder, outside the web root, and leaves as a download only."""

    __tablename__ = "case_files"
    __table_args__ = (
        Index("ix_case_files_organisation_id_resident_id", "organisation_id", "resident_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    media_type: Mapped[str] = mapped_column(String(40))
    stored_as: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)


class CaseTask(Base):
    """Something one of the staff has to do by a day. `key` makes what the service asks for one task, however often asked."""

    __tablename__ = "case_tasks"
    __table_args__ = (
        CheckConstraint(_one_of("kind", rules.TASK_KINDS), name="kind_known"),
        CheckConstraint("(done_at IS NULL) OR (done_how IS NOT NULL)", name="done_somehow"),
        Index("ix_case_tasks_open", "organisation_id", "done_at", "due_on"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    referral_id: Mapped[int | None] = mapped_column(
        ForeignKey("referrals.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(12))
    words: Mapped[str | None] = mapped_column(EncryptedText)
    due_on: Mapped[date] = mapped_column(Date)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_how: Mapped[str | None] = mapped_column(String(20))
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class SavedView(Base):
    """Filters of a caseload that somebody keeps under a name of their own. No name of a person can stand in them."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("staff_id", "organisation_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    organisation_id: Mapped[int] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(40))
    filters: Mapped[str] = mapped_column(String(300))


class OutreachSheet(Base):
    """One printed sheet with people on it: numbered, and ticked as destroyed when it is."""

    __tablename__ = "outreach_sheets"
    __table_args__ = (
        CheckConstraint("(destroyed_at IS NULL) = (destroyed_how IS NULL)", name="destroyed_somehow"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    destroyed_how: Mapped[str | None] = mapped_column(String(10))
    destroyed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class SheetPerson(Base):
    """One line of a printed sheet."""

    __tablename__ = "sheet_people"

    sheet_id: Mapped[int] = mapped_column(
        ForeignKey("outreach_sheets.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    place: Mapped[int]


class Sitting(Base):
    """Somebody of the staff sits beside a resident, who said yes to it: for an hour their plan may be changed together.

    One for each sign-in, and gone with it, so nothing of it is kept: what was done stands in the record.
    """

    __tablename__ = "sittings"
    __table_args__ = (CheckConstraint("until_at > began_at", name="ends_after_begin"),)

    session_id: Mapped[int] = mapped_column(
        ForeignKey("staff_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    # For which organisation: the person shares their plan with it.
    organisation_id: Mapped[int] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), index=True
    )
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    until_at: Mapped[datetime] = mapped_column(UTCDateTime)
