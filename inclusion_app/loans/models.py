"""What is lent, where it is and in which state; who asked for it, who has it, and what became of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
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
from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.core.lifecycle import Lifecycle
from inclusion_app.places.models import Place

# Fitness is what is known of the machine. Custody is not in it: whoever has an open loan of a unit has the unit.
UNIT_LIFECYCLE = Lifecycle(
    "unit",
    {
        "intake": frozenset({"wiping", "repair", "missing", "retired"}),
        "wiping": frozenset({"testing", "repair", "missing", "retired"}),
        "testing": frozenset({"ready", "wiping", "repair", "missing", "retired"}),
        "ready": frozenset({"testing", "quarantine", "repair", "missing", "retired"}),
        # Back to ready only where a return was a mistake: it never left, and the clean gate asks once more.
        "quarantine": frozenset({"wiping", "repair", "missing", "retired", "ready"}),
        "repair": frozenset({"quarantine", "wiping", "testing", "missing", "retired"}),
        "missing": frozenset({"quarantine", "retired"}),
        "retired": frozenset(),
    },
)
REQUEST_LIFECYCLE = Lifecycle(
    "request",
    {
        "draft": frozenset({"submitted", "withdrawn", "expired"}),
        "submitted": frozenset({"need_info", "approved", "declined", "withdrawn"}),
        "need_info": frozenset({"submitted", "declined", "withdrawn", "expired"}),
        "approved": frozenset({"queued", "declined", "withdrawn"}),
        "queued": frozenset({"offered", "need_info", "declined", "withdrawn", "expired"}),
        "offered": frozenset({"fulfilled", "queued", "need_info", "declined", "withdrawn"}),
        "fulfilled": frozenset(),
        "declined": frozenset(),
        "withdrawn": frozenset(),
        "expired": frozenset(),
    },
)
LOAN_LIFECYCLE = Lifecycle(
    "loan",
    {
        "active": frozenset({"returned", "lost", "gifted"}),
        "lost": frozenset({"returned"}),  # found again
        "returned": frozenset({"active", "lost"}),  # the wrong device was taken in: they have it still
        "gifted": frozenset(),
    },
)
TICKET_LIFECYCLE = Lifecycle(
    "ticket",
    {
        "reported": frozenset({"at_workshop", "done"}),
        "at_workshop": frozenset({"waiting_for_part", "done"}),
        "waiting_for_part": frozenset({"at_workshop", "done"}),
        "done": frozenset(),
    },
)


class LoanScheme(Base):
    """How one organisation lends: points of its queue, how long an offer and a hold last, whom to phone."""

    __tablename__ = "loan_schemes"
    __table_args__ = (
        CheckConstraint("offer_days > 0 AND hold_days >= 0 AND max_renewals >= 0", name="times"),
    )

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    is_open: Mapped[bool] = mapped_column(default=True)
    phone: Mapped[str] = mapped_column(String(40), default="")
    # Points by the code of a reason (rules.REASONS): whole numbers of 0 or more.
    points: Mapped[dict[str, int]] = mapped_column(JSON)
    offer_days: Mapped[int] = mapped_column(default=5)
    # Days between a return and its wipe, for somebody who left a photo on it.
    hold_days: Mapped[int] = mapped_column(default=3)
    max_renewals: Mapped[int] = mapped_column(default=2)
    # The letters its tags begin with, which no other scheme has, and the last number that was given to one.
    tag_prefix: Mapped[str | None] = mapped_column(String(3), unique=True)
    last_tag: Mapped[int] = mapped_column(default=0)
    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class QuotaPool(Base):
    """A share of the devices kept for an area, or for who comes through one organisation. What is left over is for all."""

    __tablename__ = "quota_pools"
    __table_args__ = (
        CheckConstraint("kind IN ('area', 'referrer')", name="kind_known"),
        CheckConstraint(
            "(kind = 'area') = (ward IS NOT NULL) AND (kind = 'referrer') = (referrer_id IS NOT NULL)",
            name="of_one_thing",
        ),
        CheckConstraint("share BETWEEN 1 AND 100", name="share_in_hundred"),
        UniqueConstraint("organisation_id", "ward"),
        UniqueConstraint("organisation_id", "referrer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    kind: Mapped[str] = mapped_column(String(8))
    ward: Mapped[str | None] = mapped_column(String(12))
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    share: Mapped[int]


class DeviceModel(Base):
    """What residents ask for: "a laptop with a camera". Its words are rows of `DeviceModelText`."""

    __tablename__ = "device_models"
    __table_args__ = (
        CheckConstraint("kind IN ('laptop', 'tablet', 'phone', 'hub', 'sim')", name="kind_known"),
        CheckConstraint("loan_days > 0", name="has_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    # As the coordinator calls it: maker and type.
    name: Mapped[str] = mapped_column(String(80))
    # What it has (rules.FEATURES), with spaces between.
    features: Mapped[str] = mapped_column(String(120), default="")
    steps: Mapped[str] = mapped_column(String(40), default="")
    loan_days: Mapped[int] = mapped_column(default=90)
    # The last day its maker mends its system; None where nobody knows.
    support_until: Mapped[date | None] = mapped_column(Date)
    is_offered: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    texts: Mapped[list[DeviceModelText]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        lazy="selectin",
        order_by="DeviceModelText.language",
    )

    @property
    def feature_list(self) -> list[str]:
        """What it has."""
        return self.features.split()

    def text_in(self, language: str = "en") -> DeviceModelText | None:
        """Its words in this language, else in English, else in any; None where nobody has written any."""
        texts = {text.language: text for text in self.texts}
        return texts.get(language) or texts.get("en") or next(iter(self.texts), None)


class DeviceModelText(Base):
    """The words of a device model in one language, as staff typed them: a draft, or checked by somebody who reads it."""

    __tablename__ = "device_model_texts"
    __table_args__ = (CheckConstraint("state IN ('drafted', 'checked')", name="state_known"),)

    model_id: Mapped[int] = mapped_column(
        ForeignKey("device_models.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(String(600), default="")
    state: Mapped[str] = mapped_column(String(8), default="drafted")


class Unit(Base):
    """One machine with its tag. Never deleted; `retired` is the end. A kit is a unit with parts.

    `holder_id` is the organisation in whose pool it is, `owner_id` to whom it belongs. It may be lent when it is ready, no
    offer holds it and no open loan has it: the partial unique indexes of Offer and Loan have the last word.
    """

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint(
            "fitness IN ('intake', 'wiping', 'testing', 'ready', 'quarantine', 'repair', 'missing', 'retired')",
            name="fitness_known",
        ),
        CheckConstraint("(fitness = 'retired') = (retired_for IS NOT NULL)", name="retired_for_a_reason"),
        # The clean gate: no machine is ready unless it was wiped and found safe, both after it last came back.
        CheckConstraint(
            "fitness <> 'ready' OR (wiped_at IS NOT NULL AND checked_at IS NOT NULL)", name="ready_is_clean"
        ),
        CheckConstraint(
            "fitness <> 'ready' OR returned_at IS NULL OR (wiped_at > returned_at AND checked_at > returned_at)",
            name="clean_since_return",
        ),
        Index("ix_units_holder_id", "holder_id", "fitness", "model_id", "place_id", "hold_until"),
        Index("ix_units_place_id", "place_id", "fitness"),
        {"sqlite_autoincrement": True},
    )
    __lifecycle__ = UNIT_LIFECYCLE
    __owner__ = ("unit_id",)

    id: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(String(12), unique=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("device_models.id"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    # Letters as on the machine, in capitals and without spaces: no two units have one serial number.
    serial: Mapped[str | None] = mapped_column(String(40), unique=True)
    imei: Mapped[str | None] = mapped_column(String(15), unique=True)
    donor: Mapped[str] = mapped_column(String(80), default="")
    acquired_on: Mapped[date | None] = mapped_column(Date)
    # Where this machine ends sooner or later than its model.
    support_until: Mapped[date | None] = mapped_column(Date)
    # By the name core.history asks for.
    status: Mapped[str] = mapped_column("fitness", String(10), default="intake")
    retired_for: Mapped[str | None] = mapped_column(String(20))
    condition: Mapped[str] = mapped_column(String(1), default="B")
    note: Mapped[str] = mapped_column(String(300), default="")
    # The last return; no wipe and no check before it counts for the gate.
    returned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # The last verified wipe and the last safety check it passed, as their rows say.
    wiped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Nobody wipes it before: somebody may come back for a file.
    hold_until: Mapped[date | None] = mapped_column(Date)
    # Signed out of Google or Apple, activation lock off: None as long as nobody looked.
    is_unlocked: Mapped[bool | None]
    # How often it was issued: for its label sheet and the figures, and what the statement that issues it counts up.
    issued: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    is_demonstration: Mapped[bool] = mapped_column(default=False)
    model: Mapped[DeviceModel] = relationship(lazy="joined", innerjoin=True)
    place: Mapped[Place] = relationship(lazy="joined", innerjoin=True)
    parts: Mapped[list[KitPart]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="KitPart.id"
    )

    @property
    def unit_id(self) -> int:
        """Itself, as what its changes belong to (see core.history)."""
        return self.id


class KitPart(Base):
    """Something that belongs to a unit and comes back with it: a charger, a mouse, a bag. Copied onto each loan."""

    __tablename__ = "kit_parts"
    __table_args__ = (CheckConstraint("count > 0", name="counts"), UniqueConstraint("unit_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    count: Mapped[int] = mapped_column(default=1)


class StockItem(Base):
    """Things that are counted and have no tag: accessories that come back (`accessory`), and what is used up."""

    __tablename__ = "stock_items"
    __table_args__ = (
        CheckConstraint("kind IN ('accessory', 'consumable')", name="kind_known"),
        CheckConstraint("in_stock >= 0 AND on_loan >= 0", name="counts"),
        CheckConstraint("kind = 'accessory' OR on_loan = 0", name="consumables_are_gone"),
        UniqueConstraint("holder_id", "place_id", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(40))
    in_stock: Mapped[int] = mapped_column(default=0)
    on_loan: Mapped[int] = mapped_column(default=0)


class Sim(Base):
    """A SIM card: whose network, how much data and until when. Whoever has it out stands in `SimUse`."""

    __tablename__ = "sims"
    __table_args__ = (
        CheckConstraint("state IN ('stock', 'out', 'ended', 'lost')", name="state_known"),
        CheckConstraint("data_gb IS NULL OR data_gb > 0", name="has_data"),
        Index("ix_sims_holder_id", "holder_id", "state", "data_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    iccid: Mapped[str] = mapped_column(String(20), unique=True)
    number: Mapped[str | None] = mapped_column(String(20), unique=True)
    carrier: Mapped[str] = mapped_column(String(40), default="")
    # A month; None for as much as somebody likes.
    data_gb: Mapped[int | None]
    # The last day with data.
    data_until: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(6), default="stock")
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    is_demonstration: Mapped[bool] = mapped_column(default=False)


class LoanRequest(Base):
    """Somebody asks for a device model. `waits_since` is their place in the queue; the points stand beside it.

    `form_key` comes with the form: the same form sent twice asks once. `code` opens it for whoever holds it.
    """

    __tablename__ = "loan_requests"
    __table_args__ = (
        CheckConstraint(
            "status IN ('draft', 'submitted', 'need_info', 'approved', 'queued', 'offered', 'fulfilled', 'declined',"
            " 'withdrawn', 'expired')",
            name="status_known",
        ),
        CheckConstraint(
            "(status IN ('queued', 'offered', 'fulfilled')) <= (waits_since IS NOT NULL)", name="queued_since"
        ),
        CheckConstraint(
            "(status IN ('fulfilled', 'declined', 'withdrawn', 'expired')) = (ended_at IS NOT NULL)",
            name="ended_with_time",
        ),
        CheckConstraint("(status = 'declined') <= (reason <> '')", name="declined_for_a_reason"),
        CheckConstraint("(put_first_at IS NULL) = (put_first_for IS NULL)", name="put_first_for_a_reason"),
        CheckConstraint("points >= 0 AND offers_lapsed >= 0", name="counts"),
        Index("ix_loan_requests_queue", "organisation_id", "status", "model_id"),
        {"sqlite_autoincrement": True},
    )
    __lifecycle__ = REQUEST_LIFECYCLE
    __owner__ = ("loan_request_id",)

    id: Mapped[int] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str] = mapped_column(EncryptedText)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("residents.id", ondelete="CASCADE"), index=True)
    # Whose scheme it is, and which of its models; a SIM alone is a model of kind `sim`.
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("device_models.id"), index=True)
    status: Mapped[str] = mapped_column(String(10))
    # What for (rules.PURPOSES), with spaces between, and whom it is for: `me`, `child`, `household`, `other`.
    purposes: Mapped[str] = mapped_column(String(120), default="")
    whom: Mapped[str] = mapped_column(String(10), default="me")
    wants_data: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(8))
    # How it is set before hand-over (rules.SETTINGS), with spaces between.
    settings: Mapped[str] = mapped_column(String(120), default="")
    # Where they would fetch it; None when it has to be brought.
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)
    # The area of their quota; only where they gave one.
    ward: Mapped[str | None] = mapped_column(String(12))
    # Who of the staff asked for them, and for which organisation.
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"), index=True)
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    consent_wording: Mapped[str] = mapped_column(String(20))
    consent_how: Mapped[str] = mapped_column(String(10), default="screen")
    # Of the reasons, without the time waited: the sum stays when the answers behind it are gone.
    points: Mapped[int] = mapped_column(default=0)
    waits_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    put_first_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    put_first_for: Mapped[str | None] = mapped_column(EncryptedText)
    offers_lapsed: Mapped[int] = mapped_column(default=0)
    # Why it was declined, or what is asked for (codes of rules).
    reason: Mapped[str] = mapped_column(String(20), default="")
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    forgotten_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    model: Mapped[DeviceModel] = relationship(lazy="joined", innerjoin=True)
    scheme: Mapped[LoanScheme] = relationship()

    @property
    def loan_request_id(self) -> int:
        """Itself, as what its changes belong to (see core.history)."""
        return self.id


class RequestAnswers(Base):
    """The yes and no behind the points of a request. Gone 90 days after it ended; the sum stays."""

    __tablename__ = "loan_request_answers"

    request_id: Mapped[int] = mapped_column(
        ForeignKey("loan_requests.id", ondelete="CASCADE"), primary_key=True
    )
    answers: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)


class LoanOffer(Base):
    """One concrete ready unit (or a SIM alone) kept for one request until they answer, and then until they fetch it.

    While it lives (`open` or `accepted`) no other offer can have the unit.
    """

    __tablename__ = "loan_offers"
    __table_args__ = (
        CheckConstraint(
            "state IN ('open', 'accepted', 'lapsed', 'declined', 'taken_back', 'fulfilled')", name="state_known"
        ),
        CheckConstraint("(state IN ('open', 'accepted')) = (ended_at IS NULL)", name="ended_with_time"),
        CheckConstraint("(unit_id IS NULL) <> (sim_id IS NULL)", name="of_one_thing"),
        CheckConstraint("slot_at IS NULL OR slot_place_id IS NOT NULL", name="slot_somewhere"),
        CheckConstraint("slot_seat IS NULL OR slot_at IS NOT NULL", name="seat_of_slot"),
        # So many fetch at once as there are numbers: no number of a time is given twice.
        Index(
            "uq_loan_offers_slot", "slot_place_id", "slot_at", "slot_seat", unique=True,
            sqlite_where=text("state = 'accepted' AND slot_at IS NOT NULL"),
            postgresql_where=text("state = 'accepted' AND slot_at IS NOT NULL"),
        ),
        Index(
            "uq_loan_offers_live_unit", "unit_id", unique=True,
            sqlite_where=text("state IN ('open', 'accepted')"), postgresql_where=text("state IN ('open', 'accepted')"),
        ),
        Index(
            "uq_loan_offers_live_sim", "sim_id", unique=True,
            sqlite_where=text("state IN ('open', 'accepted')"), postgresql_where=text("state IN ('open', 'accepted')"),
        ),
        Index(
            "uq_loan_offers_live_request", "request_id", unique=True,
            sqlite_where=text("state IN ('open', 'accepted')"), postgresql_where=text("state IN ('open', 'accepted')"),
        ),
        Index("ix_loan_offers_state_ends_at", "state", "ends_at"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("loan_requests.id", ondelete="CASCADE"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    sim_id: Mapped[int | None] = mapped_column(ForeignKey("sims.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="open")
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # In opening hours. Of one that was accepted: until when it is kept to be fetched.
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # When and where they fetch it, chosen from the hours of a place.
    slot_place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)
    slot_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    slot_seat: Mapped[int | None]
    # Only where it is brought, and only until it was.
    address: Mapped[str | None] = mapped_column(EncryptedText)
    request: Mapped[LoanRequest] = relationship()
    unit: Mapped[Unit | None] = relationship()
    sim: Mapped[Sim | None] = relationship()


class Loan(Base):
    """Who has a unit (or a SIM alone) until when. A unit has at most one that is active: the index has the last word."""

    __tablename__ = "loans"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'returned', 'lost', 'gifted')", name="status_known"),
        CheckConstraint("(status = 'active') = (ended_at IS NULL)", name="ended_with_time"),
        CheckConstraint("renewals >= 0", name="counts"),
        CheckConstraint("cause IS NULL OR status IN ('lost', 'returned')", name="cause_of_loss"),
        CheckConstraint("agreed_how IN ('drawn', 'paper', 'spoken')", name="agreed_how_known"),
        Index(
            "uq_loans_active_unit", "unit_id", unique=True,
            sqlite_where=text("status = 'active'"), postgresql_where=text("status = 'active'"),
        ),
        Index("ix_loans_organisation_id", "organisation_id", "status", "due_on", "unit_id"),
        # The pace of the last weeks by model, without a look at the years before or at the units.
        Index("ix_loans_issued", "organisation_id", "model_id", "issued_at"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip
    __lifecycle__ = LOAN_LIFECYCLE
    __owner__ = ("loan_id",)

    id: Mapped[int] = mapped_column(primary_key=True)
    # The form of the hand-over: sent twice it issues once.
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    # Both are gone when somebody deletes what we hold of them; the machine is still out until its day.
    loan_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("loan_requests.id", ondelete="SET NULL"), unique=True
    )
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="SET NULL"), index=True
    )
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    # What was lent, as it was called then: the model of the unit, or of a SIM alone what was asked for.
    model_id: Mapped[int] = mapped_column(ForeignKey("device_models.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    status: Mapped[str] = mapped_column(String(10), default="active")
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    # A day on which the place is open. Overdue is not stored: it is a day that has passed.
    due_on: Mapped[date] = mapped_column(Date)
    renewals: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    # Why it is lost (rules.CAUSES); nobody owes anything for it.
    cause: Mapped[str | None] = mapped_column(String(12))
    locked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    condition_out: Mapped[str] = mapped_column(String(1), default="B")
    condition_back: Mapped[str | None] = mapped_column(String(1))
    agreement: Mapped[str] = mapped_column(String(12))
    agreed_how: Mapped[str] = mapped_column(String(6))
    # Lines of a drawn signature as an SVG path; who heard a spoken yes is `issued_by_id`.
    signature: Mapped[str | None] = mapped_column(EncryptedText)
    language: Mapped[str] = mapped_column(String(8))
    # Asked once how it goes, some weeks after it began.
    follow_up_on: Mapped[date | None] = mapped_column(Date)
    outcome_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    request: Mapped[LoanRequest | None] = relationship(lazy="joined")
    unit: Mapped[Unit | None] = relationship(lazy="joined")
    parts: Mapped[list[LoanPart]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="LoanPart.id"
    )

    @property
    def loan_id(self) -> int:
        """Itself, as what its changes belong to (see core.history)."""
        return self.id


class LoanPart(Base):
    """A part or accessory as it went out with a loan, and as it came back. What is missing is noted; nobody owes for it."""

    __tablename__ = "loan_parts"
    __table_args__ = (
        CheckConstraint("count_out > 0 AND count_back >= 0 AND count_back <= count_out", name="counts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    stock_item_id: Mapped[int | None] = mapped_column(ForeignKey("stock_items.id", ondelete="SET NULL"))
    count_out: Mapped[int] = mapped_column(default=1)
    # None as long as nobody looked.
    count_back: Mapped[int | None]
    is_damaged: Mapped[bool] = mapped_column(default=False)


class TakeIn(Base):
    """One unit, or SIM alone, that came in: who took it in and where, and how everything stood before.

    Parts are looked at later (`looked_at`). A mistake is undone from here, as if it had not been.
    """

    __tablename__ = "take_ins"
    __table_args__ = (
        CheckConstraint("unit_id IS NOT NULL OR loan_id IS NOT NULL", name="of_something"),
        CheckConstraint("looked_at IS NULL OR undone_at IS NULL", name="one_end"),
        Index(
            "uq_take_ins_open_loan", "loan_id", unique=True,
            sqlite_where=text("undone_at IS NULL"), postgresql_where=text("undone_at IS NULL"),
        ),
        Index("ix_take_ins_organisation_id", "organisation_id", "looked_at"),
        Index("ix_take_ins_taken_by_id", "taken_by_id", "taken_at"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    looked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # As it stood before: of the loan, then of the unit.
    was_loan: Mapped[str | None] = mapped_column(String(10))
    was_ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    was_fitness: Mapped[str | None] = mapped_column(String(10))
    was_place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    was_returned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    was_hold_until: Mapped[date | None] = mapped_column(Date)
    was_unlocked: Mapped[bool | None]
    unit: Mapped[Unit | None] = relationship(lazy="joined")
    place: Mapped[Place] = relationship(lazy="joined", innerjoin=True, foreign_keys=place_id)


class SimUse(Base):
    """A SIM inside a loan. It may be swapped for another there; each SIM is out once."""

    __tablename__ = "sim_uses"
    __table_args__ = (
        Index(
            "uq_sim_uses_open_sim", "sim_id", unique=True,
            sqlite_where=text("until_at IS NULL"), postgresql_where=text("until_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    sim_id: Mapped[int] = mapped_column(ForeignKey("sims.id"))
    from_at: Mapped[datetime] = mapped_column(UTCDateTime)
    until_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    warned_for: Mapped[date | None] = mapped_column(Date)
    sim: Mapped[Sim] = relationship(lazy="joined", innerjoin=True)


class Renewal(Base):
    """Somebody asked to keep it longer, by which way, and what came of it. Asked once at a time."""

    __tablename__ = "loan_renewals"
    __table_args__ = (
        CheckConstraint("how IN ('code', 'link', 'sms', 'helper', 'desk')", name="how_known"),
        CheckConstraint("(new_due_on IS NULL) <> (refused_for IS NULL)", name="granted_or_refused"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id", ondelete="CASCADE"), index=True)
    how: Mapped[str] = mapped_column(String(8))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    new_due_on: Mapped[date | None] = mapped_column(Date)
    refused_for: Mapped[str | None] = mapped_column(String(20))


class Evidence(Base):
    """A file that proves something: the report of a wiping tool, a photo of the condition. It lies outside the web root."""

    __tablename__ = "loan_evidence"
    __table_args__ = (
        CheckConstraint("kind IN ('wipe_report', 'photo')", name="kind_known"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loans.id", ondelete="SET NULL"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    media_type: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))


class Wipe(Base):
    """One verified wipe of a unit: how, with what, by whom, with which evidence. Several may share one tool's report."""

    __tablename__ = "wipes"
    __table_args__ = (
        CheckConstraint(
            "method IN ('clear', 'purge', 'crypto_erase', 'encrypted_reset')", name="method_known"
        ),
        UniqueConstraint("unit_id", "evidence_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    method: Mapped[str] = mapped_column(String(16))
    tool: Mapped[str] = mapped_column(String(60))
    wiped_at: Mapped[datetime] = mapped_column(UTCDateTime)
    verified_at: Mapped[datetime] = mapped_column(UTCDateTime)
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("loan_evidence.id"), index=True)


class SafetyCheck(Base):
    """Somebody looked whether a unit is safe: cable, battery, case. What fails goes to repair."""

    __tablename__ = "safety_checks"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    checked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    passed: Mapped[bool]
    # What was wrong (rules.FAULTS), with spaces between.
    faults: Mapped[str] = mapped_column(String(120), default="")


class Ticket(Base):
    """A fault of a unit, from report to result. The workshop is a place: a FabLab or a repair café."""

    __tablename__ = "repair_tickets"
    __table_args__ = (
        CheckConstraint(
            "status IN ('reported', 'at_workshop', 'waiting_for_part', 'done')", name="status_known"
        ),
        CheckConstraint("(status = 'done') = (result IS NOT NULL)", name="done_with_result"),
        CheckConstraint("(status = 'done') = (done_at IS NOT NULL)", name="done_with_time"),
        CheckConstraint("status <> 'at_workshop' OR workshop_id IS NOT NULL", name="at_a_place"),
        Index(
            "uq_repair_tickets_open_unit", "unit_id", unique=True,
            sqlite_where=text("status <> 'done'"), postgresql_where=text("status <> 'done'"),
        ),
        # What is open of a scheme, without a look at the years before.
        Index("ix_repair_tickets_organisation_id", "organisation_id", "status"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip
    __lifecycle__ = TICKET_LIFECYCLE

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    status: Mapped[str] = mapped_column(String(18), default="reported")
    fault: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(300), default="")
    workshop_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    result: Mapped[str | None] = mapped_column(String(16))
    unit: Mapped[Unit] = relationship(lazy="joined", innerjoin=True)


class Transfer(Base):
    """A unit on its way from one place to another, until somebody there takes it in."""

    __tablename__ = "unit_transfers"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="to_another_place"),
        Index(
            "uq_unit_transfers_open_unit", "unit_id", unique=True,
            sqlite_where=text("arrived_at IS NULL"), postgresql_where=text("arrived_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    from_id: Mapped[int] = mapped_column(ForeignKey("places.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    arrived_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class StockTake(Base):
    """Counting at one place by scanning. At its end the list of differences is what was expected and what was seen."""

    __tablename__ = "stock_takes"
    __table_args__ = (
        Index(
            "uq_stock_takes_open_place", "organisation_id", "place_id", unique=True,
            sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id"), index=True)
    begun_at: Mapped[datetime] = mapped_column(UTCDateTime)
    begun_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Sighting(Base):
    """A tag seen in a stock-take, once; also one that nobody knows."""

    __tablename__ = "stock_take_sightings"

    stock_take_id: Mapped[int] = mapped_column(
        ForeignKey("stock_takes.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(40), primary_key=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LoanOutcome(Base):
    """An answer to "what did you use it for, what changed?". It names no loan, so nobody is behind it."""

    __tablename__ = "loan_outcomes"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("loan_schemes.organisation_id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    used_for: Mapped[str] = mapped_column(String(120), default="")
    changed: Mapped[str] = mapped_column(String(120), default="")


class LoanNote(Base):
    """A note of a coordinator about a request or its loan. It says nothing of needs, health or safety."""

    __tablename__ = "loan_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_request_id: Mapped[int] = mapped_column(
        ForeignKey("loan_requests.id", ondelete="CASCADE"), index=True
    )
    words: Mapped[str] = mapped_column(EncryptedText)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
