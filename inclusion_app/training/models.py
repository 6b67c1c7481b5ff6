"""Courses, their sessions and dates; bookings and what becomes of them; what somebody can show for it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    Time,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.core.lifecycle import Lifecycle
from inclusion_app.places.models import Place

BOOKING_LIFECYCLE = Lifecycle(
    "booking",
    {
        "requested": frozenset({"booked", "waitlisted", "cancelled", "session_cancelled"}),
        "waitlisted": frozenset({"booked", "offered", "cancelled", "session_cancelled"}),
        "offered": frozenset({"booked", "waitlisted", "cancelled", "session_cancelled"}),
        "booked": frozenset({"cancelled", "session_cancelled"}),
        "cancelled": frozenset(),
        "session_cancelled": frozenset(),
    },
)


class Course(Base):
    """What is taught: its kind, one area, one level, the steps of a plan it moves. Its words are rows of `CourseText`.

    `comes_after_id` is the pre-training: what somebody should have been to before (a bootcamp has a taster before it).
    """

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("level BETWEEN 0 AND 4", name="level_known"),
        CheckConstraint(
            "kind IN ('skills', 'code_club', 'making_day', 'bootcamp_taster', 'bootcamp', 'family', 'wellbeing')",
            name="kind_known",
        ),
        CheckConstraint("comes_after_id <> id", name="not_after_itself"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16), default="skills")
    comes_after_id: Mapped[int | None] = mapped_column(
        ForeignKey("courses.id", ondelete="SET NULL"), index=True
    )
    area: Mapped[str] = mapped_column(String(4))
    level: Mapped[int]
    # Ids of steps, with spaces between; checked against the catalogue when they are typed.
    steps: Mapped[str] = mapped_column(String(120), default="")
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    texts: Mapped[list[CourseText]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, lazy="selectin", order_by="CourseText.language"
    )

    @property
    def step_ids(self) -> list[str]:
        """The steps of a plan it moves."""
        return self.steps.split()

    def text_in(self, language: str = "en") -> CourseText | None:
        """Its words in this language, else in English, else in any; None where nobody has written any."""
        texts = {text.language: text for text in self.texts}
        return texts.get(language) or texts.get("en") or next(iter(self.texts), None)

    def title_in(self, language: str = "en") -> str:
        """The title of these words; empty where there are none."""
        text = self.text_in(language)
        return text.title if text is not None else ""


class CourseText(Base):
    """The words of a course in one language, as staff typed them: a draft, or checked by somebody who reads it."""

    __tablename__ = "course_texts"
    __table_args__ = (CheckConstraint("state IN ('drafted', 'checked')", name="state_known"),)

    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(String(600), default="")
    bring: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(8), default="drafted")


class TrainingSession(Base):
    """What is booked: a course at a place (or online) on one date, on several, or on no date yet.

    `booked_as`: `single` has one date; of a `series` somebody chooses dates; a `course` is one booking for all dates.
    An `undated` session asks who would come. Its dates are rows of `Occurrence`, which keep the places.
    """

    __tablename__ = "training_sessions"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'cancelled')", name="status_known"),
        CheckConstraint("booked_as IN ('single', 'series', 'course', 'undated')", name="booked_as_known"),
        CheckConstraint("is_online OR place_id IS NOT NULL OR booked_as = 'undated'", name="somewhere"),
        CheckConstraint("capacity > 0 AND companion_cap >= 0 AND waiting_size >= 0", name="sizes"),
        CheckConstraint("party_size > 0", name="party_has_size"),
        CheckConstraint("for_age IN ('any', 'young', 'adults', 'older')", name="for_age_known"),
        Index("ix_training_sessions_status_change_number", "status", "change_number"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)
    status: Mapped[str] = mapped_column(String(10), default="draft")
    booked_as: Mapped[str] = mapped_column(String(8))
    is_online: Mapped[bool] = mapped_column(default=False)
    # Only whoever is booked reads how to join.
    joining: Mapped[str] = mapped_column(String(300), default="")
    room: Mapped[str] = mapped_column(String(80), default="")
    taught_in: Mapped[str] = mapped_column(String(8), default="en")
    # What it offers by itself (rules.OFFERS), with spaces between.
    offers: Mapped[str] = mapped_column(String(200), default="")
    # Days before a date until which an interpreter and the like can be arranged.
    lead_days: Mapped[int] = mapped_column(default=7)
    for_age: Mapped[str] = mapped_column(String(8), default="any")
    led_by: Mapped[str] = mapped_column(String(80), default="")
    # Who answers for young people who come alone.
    responsible_adult: Mapped[str] = mapped_column(String(80), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    capacity: Mapped[int]
    companion_cap: Mapped[int] = mapped_column(default=0)
    waiting_size: Mapped[int] = mapped_column(default=10)
    # As many as one booking may bring.
    party_size: Mapped[int] = mapped_column(default=6)
    # The weekly pattern its first dates came from (RFC 5545), to go on with it; empty where there is none.
    pattern: Mapped[str] = mapped_column(String(120), default="")
    is_demonstration: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # For the open feed: rises with every change that the feed shows; 0 while it was never published.
    change_number: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # No longer in the feed since; its place there says "deleted" for a week.
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    course: Mapped[Course] = relationship(lazy="joined", innerjoin=True)
    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    place: Mapped[Place | None] = relationship(lazy="joined")
    occurrences: Mapped[list[Occurrence]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="Occurrence.starts_at",
        back_populates="session",
    )

    @property
    def offer_list(self) -> list[str]:
        """What it offers by itself."""
        return self.offers.split()


class Occurrence(Base):
    """One date of a session, in wall time of Europe/London, with its places.

    `taken` are booked, `held` are offered to somebody of the waiting list, `waiting` want one. Only the statements of
    `services/places.py` change them.
    """

    __tablename__ = "occurrences"
    __table_args__ = (
        CheckConstraint("taken >= 0 AND held >= 0 AND waiting >= 0 AND companions >= 0", name="counts"),
        CheckConstraint("taken + held <= capacity", name="not_oversold"),
        CheckConstraint("companions <= companion_cap", name="companions_fit"),
        CheckConstraint("begins < ends", name="has_length"),
        CheckConstraint("status IN ('on', 'cancelled')", name="status_known"),
        Index("ix_occurrences_status_starts_at", "status", "starts_at"),
        # The dates to come of a session; it serves whoever asks for all of them too.
        Index("ix_occurrences_session_id", "session_id", "status", "starts_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("training_sessions.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(Date)
    begins: Mapped[time] = mapped_column(Time)
    ends: Mapped[time] = mapped_column(Time)
    # The same as instants, to sort and to compare.
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    status: Mapped[str] = mapped_column(String(10), default="on")
    # Where this one date is, when it is not where the others are.
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)
    room: Mapped[str] = mapped_column(String(80), default="")
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[int] = mapped_column(default=0)
    companion_cap: Mapped[int] = mapped_column(default=0)
    companions: Mapped[int] = mapped_column(default=0)
    # RFC 7986: a UUID, so it stays when the service moves to another name.
    uid: Mapped[str] = mapped_column(String(36), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    # The register is finished: who was not marked was absent.
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    session: Mapped[TrainingSession] = relationship(back_populates="occurrences")
    place: Mapped[Place | None] = relationship()

    @property
    def where(self) -> tuple[Place | None, str]:
        """Its place and room. The room of the session is at the session's place and nowhere else."""
        training = self.session
        if self.place is None or self.place_id == training.place_id:
            return training.place, self.room or training.room
        return self.place, self.room

    @property
    def is_off(self) -> bool:
        """True when it does not take place."""
        return self.status == "cancelled" or self.session.status == "cancelled"


class Booking(Base):
    """n places on some dates, all or none. Booker, learner and contact are three things; all of them may be unknown.

    `form_key` comes with the form: the same form sent twice makes one booking. `code` opens it for whoever holds it.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint(
            "status IN ('requested', 'booked', 'waitlisted', 'offered', 'cancelled', 'session_cancelled')",
            name="status_known",
        ),
        CheckConstraint("places > 0 AND companions >= 0", name="sizes"),
        CheckConstraint(
            "contact_kind IN ('none', 'sms', 'email', 'letter', 'call', 'record')", name="contact_kind_known"
        ),
        CheckConstraint(
            "(contact IS NOT NULL) <= (contact_kind IN ('sms', 'email', 'letter', 'call'))",
            name="contact_has_kind",
        ),
        CheckConstraint("contact_of IN ('learner', 'helper', 'adult')", name="contact_of_known"),
        CheckConstraint("waiting_mode IN ('book_me', 'ask_me')", name="waiting_mode_known"),
        CheckConstraint("(status = 'offered') = (offer_ends_at IS NOT NULL)", name="offered_until"),
        CheckConstraint(
            "(status IN ('cancelled', 'session_cancelled')) = (ended_at IS NOT NULL)", name="ended_with_time"
        ),
        CheckConstraint(
            "age_band IS NULL OR age_band <> 'under_13' OR contact_of = 'adult'", name="child_with_adult"
        ),
        Index("ix_bookings_session_id_status", "session_id", "status"),
        Index("ix_bookings_status_offer_ends_at", "status", "offer_ends_at"),
        {"sqlite_autoincrement": True},
    )
    __lifecycle__ = BOOKING_LIFECYCLE

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str] = mapped_column(EncryptedText)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("training_sessions.id"))
    status: Mapped[str] = mapped_column(String(18))
    places: Mapped[int]
    companions: Mapped[int] = mapped_column(default=0)
    # `me`, `other` (a helper books) or `group`.
    booked_for: Mapped[str] = mapped_column(String(6), default="me")
    # What the learner wishes to be called on the day; a number will do.
    label: Mapped[str | None] = mapped_column(EncryptedText)
    age_band: Mapped[str | None] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(8))
    # Access needs (rules.NEEDS), the language of an interpreter, one short line beside.
    needs: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    contact_kind: Mapped[str] = mapped_column(String(8), default="none")
    contact: Mapped[str | None] = mapped_column(EncryptedText)
    contact_of: Mapped[str] = mapped_column(String(8), default="learner")
    # Of a helper or of the adult who answers for a child.
    contact_name: Mapped[str | None] = mapped_column(EncryptedText)
    # No message may name the service.
    is_discreet: Mapped[bool] = mapped_column(default=False)
    # By which words somebody agreed that the provider may read this.
    consent_wording: Mapped[str] = mapped_column(String(20))
    consent_how: Mapped[str] = mapped_column(String(10), default="screen")
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("self_help_groups.id", ondelete="SET NULL"), index=True
    )
    # Put into the plan later by whoever held the code: that plan is not shown what somebody typed before.
    kept_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Who of the staff booked, and for which organisation.
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    waiting_mode: Mapped[str] = mapped_column(String(8), default="book_me")
    # The place in the list.
    waits_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    offer_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    offers_lapsed: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Code of who ended it: learner, helper, organiser, offer, session.
    ended_by: Mapped[str] = mapped_column(String(10), default="")
    # The one question afterwards was answered; what was answered stands elsewhere without this number.
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # How to reach somebody, what they are called and what they need: gone since, three months after the last date.
    forgotten_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    session: Mapped[TrainingSession] = relationship(lazy="joined", innerjoin=True)
    dates: Mapped[list[BookingDate]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        lazy="selectin",
        order_by="BookingDate.occurrence_id",
        back_populates="booking",
    )
    arrangements: Mapped[list[Arrangement]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )

    @property
    def booking_id(self) -> int:
        """Itself, as what its changes belong to (see core.history)."""
        return self.id

    @property
    def dates_on(self) -> list[BookingDate]:
        """Its dates that take place and that nobody called off."""
        return [date for date in self.dates if date.is_on]


class BookingDate(Base):
    """One date of a booking, and whether its people came. `came` counts heads of a group."""

    __tablename__ = "booking_dates"
    __table_args__ = (
        CheckConstraint("status IN ('on', 'cancelled')", name="status_known"),
        CheckConstraint(
            "attendance IS NULL OR attendance IN ('attended', 'part', 'absent', 'excused')",
            name="attendance_known",
        ),
        CheckConstraint("(attendance IS NULL) = (marked_at IS NULL)", name="marked_with_time"),
        CheckConstraint("happened_at IS NULL OR attendance IS NOT NULL", name="happened_when_marked"),
        CheckConstraint("attendance IS NULL OR status = 'on'", name="cancelled_is_no_absence"),
        CheckConstraint("how IS NULL OR how IN ('screen', 'scan', 'paper', 'desk')", name="how_known"),
        CheckConstraint("came >= 0", name="came_counts"),
        Index("ix_booking_dates_occurrence_id_status", "occurrence_id", "status"),
    )

    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), primary_key=True)
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(10), default="on")
    attendance: Mapped[str | None] = mapped_column(String(10))
    came: Mapped[int] = mapped_column(default=0)
    how: Mapped[str | None] = mapped_column(String(8))
    marked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    marked_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    # When it happened, where it was typed in later from the sheet.
    happened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    booking: Mapped[Booking] = relationship(back_populates="dates")
    occurrence: Mapped[Occurrence] = relationship(lazy="joined", innerjoin=True)

    @property
    def is_on(self) -> bool:
        """True when this date takes place and nobody called it off."""
        return self.status == "on" and self.occurrence.status == "on"


class Arrangement(Base):
    """One access need somebody must see to: asked, then arranged or not possible; the learner is told before they travel."""

    __tablename__ = "arrangements"
    __table_args__ = (
        CheckConstraint("status IN ('asked', 'arranged', 'not_possible')", name="status_known"),
        CheckConstraint("(status = 'asked') = (decided_at IS NULL)", name="decided_with_time"),
        UniqueConstraint("booking_id", "need"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"))
    need: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(12), default="asked")
    due_on: Mapped[date] = mapped_column(Date)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class WalkIn(Base):
    """Somebody who came without a booking: one head, beside the places, with a label or none."""

    __tablename__ = "walk_ins"
    __table_args__ = (CheckConstraint("attendance IN ('attended', 'part')", name="attendance_known"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    occurrence_id: Mapped[int] = mapped_column(ForeignKey("occurrences.id"), index=True)
    label: Mapped[str | None] = mapped_column(EncryptedText)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    attendance: Mapped[str] = mapped_column(String(10), default="attended")
    how: Mapped[str] = mapped_column(String(8), default="screen")
    marked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    marked_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    # When it happened, where it was typed in later from the sheet.
    happened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)


class Notice(Base):
    """Something the organiser told those booked: a ready-made message with its blanks, or words in one language."""

    __tablename__ = "session_notices"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(
        ForeignKey("training_sessions.id", ondelete="CASCADE"), index=True
    )
    occurrence_id: Mapped[int | None] = mapped_column(
        ForeignKey("occurrences.id", ondelete="CASCADE"), index=True
    )
    template: Mapped[str] = mapped_column(String(40))
    params: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class Opinion(Base):
    """An answer to the one question after a session. It names no booking, so nobody is behind it."""

    __tablename__ = "opinions"
    __table_args__ = (
        CheckConstraint("helped IN ('yes', 'a_bit', 'no')", name="helped_known"),
        Index("ix_opinions_session_id", "session_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("training_sessions.id", ondelete="CASCADE"))
    helped: Mapped[str] = mapped_column(String(6))
    # What next: a code of rules.NEXT, or nothing.
    what_next: Mapped[str | None] = mapped_column(String(20))
    # Typed in by the provider, who knows these; so they are never added to what was said on a screen.
    on_paper: Mapped[bool] = mapped_column(default=False)


class Credential(Base):
    """A certificate or an award somebody can show: signed as it was given (Open Badges 3.0), with no name in it."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint("kind IN ('attendance', 'award')", name="kind_known"),
        CheckConstraint("(kind = 'award') = (level IS NOT NULL)", name="award_has_level"),
        CheckConstraint("level IS NULL OR level IN ('bronze', 'silver', 'gold')", name="level_known"),
        UniqueConstraint("booking_id"),
        UniqueConstraint("walk_in_id"),
        UniqueConstraint("resident_id", "kind", "level"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    level: Mapped[str | None] = mapped_column(String(8))
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id", ondelete="SET NULL"))
    walk_in_id: Mapped[int | None] = mapped_column(ForeignKey("walk_ins.id", ondelete="SET NULL"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("training_sessions.id"), index=True)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The compact signed form (JWS), as it is given to whoever asks for it.
    signed: Mapped[str] = mapped_column(Text)


class FeedCounter(Base):
    """The last change number of the open feed. Its one row is locked until the change is committed, so no reader of the
    feed sees a later number before an earlier one.
    """

    __tablename__ = "feed_counters"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
