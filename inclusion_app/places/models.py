"""Places and when they are open; postcodes, wards and neighbourhoods; reports that something is wrong."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    Time,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inclusion_app.core.crypto import EncryptedText
from inclusion_app.core.db import Base, UTCDateTime
from inclusion_app.core.lifecycle import Lifecycle
from inclusion_app.places.hours import DatedException, HolidayRule, Hours, Kind, Span

REPORT_LIFECYCLE = Lifecycle(
    "place report",
    {"new": frozenset({"mended", "refused"}), "mended": frozenset({"new"}), "refused": frozenset({"new"})},
)


class Place(Base):
    """Somewhere to go. Without a point it is found by ward or name only. A hand-made edit stops imports."""

    __tablename__ = "places"
    __table_args__ = (
        CheckConstraint("(lat IS NULL) = (lng IS NULL)", name="point_whole"),
        CheckConstraint("confidence IN ('high', 'medium')", name="confidence_known"),
        UniqueConstraint("source_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    source_key: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(160))
    kinds: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(240), default="")
    postcode: Mapped[str] = mapped_column(String(8), default="")
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    ward_id: Mapped[int | None] = mapped_column(ForeignKey("wards.id"), index=True)
    area: Mapped[str] = mapped_column(String(80), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    website: Mapped[str] = mapped_column(String(240), default="")
    opening_note: Mapped[str] = mapped_column(String(240), default="")
    holiday_rule: Mapped[str] = mapped_column(String(12), default="ask")
    hours_confirmed: Mapped[bool] = mapped_column(default=False)
    hours_source: Mapped[str] = mapped_column(String(120), default="")
    hours_source_on: Mapped[str] = mapped_column(String(12), default="")
    hours_differ: Mapped[bool] = mapped_column(default=False)
    self_service_unknown: Mapped[bool] = mapped_column(default=False)
    confidence: Mapped[str] = mapped_column(String(8))
    source: Mapped[str] = mapped_column(String(160))
    source_address: Mapped[str] = mapped_column(String(300), default="")
    licence: Mapped[str] = mapped_column(String(60))
    source_on: Mapped[str] = mapped_column(String(12), default="")
    read_on: Mapped[date]
    checked_on: Mapped[date | None]
    edited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    spans: Mapped[list[OpeningSpan]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    exceptions: Mapped[list[OpeningException]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )
    facilities: Mapped[list[Facility]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="Facility.id"
    )
    ward: Mapped[Ward | None] = relationship()

    @property
    def kind_list(self) -> list[str]:
        """The kinds, the main one first."""
        return self.kinds.split()

    @property
    def hours(self) -> Hours:
        """The hours as the pure model wants them."""
        return Hours(
            spans=tuple(row.as_span() for row in self.spans if not row.on_holidays),
            exceptions=tuple(row.as_exception() for row in self.exceptions),
            holiday_rule=HolidayRule(self.holiday_rule),
            holiday_spans=tuple(row.as_span() for row in self.spans if row.on_holidays),
            confirmed=self.hours_confirmed,
            self_service_unknown=self.self_service_unknown,
            source=self.hours_source,
            source_on=self.hours_source_on,
            checked_on=self.checked_on,
        )


class OpeningSpan(Base):
    """One weekly span, or one of an nth weekday, in wall time."""

    __tablename__ = "opening_spans"
    __table_args__ = (
        CheckConstraint("opens <> closes", name="has_length"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int]
    opens: Mapped[time] = mapped_column(Time)
    closes: Mapped[time] = mapped_column(Time)
    kind: Mapped[str] = mapped_column(String(14), default="staffed")
    nth: Mapped[int | None]
    on_holidays: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]

    def as_span(self) -> Span:
        """The pure span."""
        return Span(
            self.weekday,
            self.opens,
            self.closes,
            Kind(self.kind),
            self.nth,
            self.valid_from,
            self.valid_until,
        )


class OpeningException(Base):
    """One dated day that differs; closed when it has no times."""

    __tablename__ = "opening_exceptions"
    __table_args__ = (
        CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="times_whole"),
        UniqueConstraint("place_id", "day", "opens"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"), index=True)
    day: Mapped[date]
    opens: Mapped[time | None] = mapped_column(Time)
    closes: Mapped[time | None] = mapped_column(Time)
    reason: Mapped[str] = mapped_column(String(120), default="")

    def as_exception(self) -> DatedException:
        """The pure exception."""
        spans = (Span(self.day.weekday(), self.opens, self.closes),) if self.opens and self.closes else ()
        return DatedException(self.day, spans, self.reason)


class Facility(Base):
    """A fact about a place: yes, no or not known, with who says so and when."""

    __tablename__ = "facilities"
    __table_args__ = (
        UniqueConstraint("place_id", "name"),
        CheckConstraint("value IN ('yes', 'no', 'not_known')", name="value_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(30))
    value: Mapped[str] = mapped_column(String(10))
    source_address: Mapped[str] = mapped_column(String(300), default="")
    source_on: Mapped[str] = mapped_column(String(12), default="")
    confidence: Mapped[str] = mapped_column(String(8), default="medium")


class Ward(Base):
    """A ward with its label point; the outline is there for the city's own wards only."""

    __tablename__ = "wards"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(9), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    district: Mapped[str] = mapped_column(String(40))
    lat: Mapped[float]
    lng: Mapped[float]
    outline: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)


class Area(Base):
    """A name people use (a neighbourhood, a ward, an outcode) and the point it stands for."""

    __tablename__ = "areas"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(14))
    ward_codes: Mapped[str] = mapped_column(String(200), default="")
    lat: Mapped[float]
    lng: Mapped[float]


class PostcodePoint(Base):
    """One live postcode: whole-number key, point in 1/100,000 degrees, ward. No rowid: two megabytes in all."""

    __tablename__ = "postcode_points"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    key: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    lat_e5: Mapped[int]
    lng_e5: Mapped[int]
    ward_id: Mapped[int | None] = mapped_column(ForeignKey("wards.id"))


class BankHoliday(Base):
    """One bank holiday in England and Wales."""

    __tablename__ = "bank_holidays"

    day: Mapped[date] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(60))


class PlaceReport(Base):
    """Somebody says a fact is wrong. The words may name a person, so they are kept encrypted."""

    __tablename__ = "place_reports"
    __table_args__ = (
        CheckConstraint("status IN ('new', 'mended', 'refused')", name="status_known"),
        Index("ix_place_reports_status", "status"),
        {"sqlite_autoincrement": True},  # core.history names rows by number
    )
    __lifecycle__ = REPORT_LIFECYCLE

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    what: Mapped[str] = mapped_column(String(20))
    words: Mapped[str] = mapped_column(EncryptedText)
    language: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(10), default="new")
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    place: Mapped[Place] = relationship()


class PackState(Base):
    """Which release of a table of the city pack is loaded."""

    __tablename__ = "pack_states"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    loaded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    note: Mapped[str] = mapped_column(Text, default="")
