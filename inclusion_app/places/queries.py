"""Reads: where is this, what is near, when is it open."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, literal, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.core.geo import metres_between
from inclusion_app.places import drawing
from inclusion_app.places.drawing import Sheet
from inclusion_app.places.hours import Answer, Status, is_open_late, status_at
from inclusion_app.places.models import (
    Area,
    BankHoliday,
    Facility,
    PackState,
    Place,
    PlaceReport,
    PostcodePoint,
    Ward,
)
from inclusion_app.places.postcodes import Name, Outcode, Postcode, alternatives, postcode_key, read_where
from inclusion_app.places.rules import FAR_METRES

PAGE = 20
# A place with all its facts, in one query each and not one a place.
WHOLE = (
    selectinload(Place.spans),
    selectinload(Place.exceptions),
    selectinload(Place.facilities),
    selectinload(Place.ward),
)
OUTSIDE_METRES = 25_000


@dataclass(frozen=True)
class Where:
    """A position found from what somebody typed. `rough` when it stands for a whole area."""

    lat: float
    lng: float
    name: str
    ward: str = ""
    ward_id: int | None = None
    sector: str = ""
    rough: bool = False

    def as_near(self) -> dict[str, Any]:
        """What the visit keeps; the full postcode is not among it."""
        return {
            "lat": self.lat,
            "lng": self.lng,
            "name": self.name,
            "ward": self.ward,
            "ward_id": self.ward_id,
            "sector": self.sector,
            "rough": self.rough,
        }


def where_of_near(near: Mapping[str, Any] | None) -> Where | None:
    """The position a visit or a saved plan keeps."""
    if not near:
        return None
    return Where(
        near["lat"],
        near["lng"],
        near.get("name", ""),
        near.get("ward", ""),
        near.get("ward_id"),
        near.get("sector", ""),
        bool(near.get("rough")),
    )


@dataclass(frozen=True)
class NotFound:
    """Why a text gave no position: unknown postcode, half a postcode, outside the region, no such name."""

    reason: str
    nearest: str = ""


def find_where(session: Session, text: str) -> Where | NotFound | None:
    """The position of a typed text; None when it is empty."""
    read = read_where(text)
    if read is None:
        return None
    if isinstance(read, Postcode):
        return _find_postcode(session, read)
    if isinstance(read, Outcode):
        area = session.get(Area, read.outward.casefold())
        return Where(area.lat, area.lng, read.outward, rough=True) if area else NotFound("outside")
    return _find_name(session, read)


def _find_postcode(session: Session, postcode: Postcode) -> Where | NotFound:
    for candidate in alternatives(postcode):
        row = session.get(PostcodePoint, postcode_key(candidate))
        if row is not None:
            ward = session.get(Ward, row.ward_id) if row.ward_id else None
            return Where(
                row.lat_e5 / 1e5,
                row.lng_e5 / 1e5,
                candidate.sector,
                ward.name if ward else "",
                row.ward_id,
                candidate.sector,
            )
    for candidate in alternatives(postcode):
        if session.get(Area, candidate.outward.casefold()) is not None:
            return NotFound("unknown_postcode")
    return NotFound("outside")


def _find_name(session: Session, name: Name) -> Where | NotFound:
    area = session.get(Area, name.key)
    if area is None:
        if any(sign.isdigit() for sign in name.text):
            return NotFound("half_postcode")
        starts = session.scalars(
            select(Area)
            .where(Area.key.startswith(name.key, autoescape=True), Area.kind != "outcode")
            .limit(2)
        ).all()
        if len(name.key) < 4 or len(starts) != 1:
            return NotFound("unknown_name")
        area = starts[0]
    codes = area.ward_codes.split()
    ward = session.scalar(select(Ward).where(Ward.code == codes[0])) if len(codes) == 1 else None
    return Where(
        area.lat, area.lng, area.name, ward.name if ward else "", ward.id if ward else None, rough=True
    )


def holidays(session: Session) -> frozenset[date]:
    """Every bank holiday we know."""
    return frozenset(session.scalars(select(BankHoliday.day)))


@dataclass(frozen=True)
class Found:
    """One entry of the finder: the place, how far, and whether it is open."""

    place: Place
    metres: float | None
    status: Status
    in_area: bool = False


@dataclass(frozen=True)
class Filters:
    """What the finder is narrowed to."""

    kind: str = ""
    open: str = ""
    facilities: tuple[str, ...] = ()


def find_places(
    session: Session, *, where: Where | None, filters: Filters, now: datetime, page: int = 1, size: int = PAGE
) -> tuple[list[Found], int]:
    """Places nearest first (those without a point: the ones of the same ward, then the rest by name); with the count.

    The database sorts, and only the places of one page are read; "open now" has to look at the hours of each.
    """
    wanted = select(Place.id, Place.lat, Place.lng, Place.ward_id).where(*_narrowed(filters))
    light = wanted.order_by(*_nearest_first(where), func.lower(Place.name), Place.id)
    days = holidays(session)
    first = (page - 1) * size
    if filters.open:
        fitting = _fitting(session, session.execute(light).all(), filters.open, now, days)
        part, total = fitting[first : first + size], len(fitting)
    else:
        total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
        part = list(session.execute(light.limit(size).offset(first)))
    rows = _rows(session, [row.id for row in part])
    return [_found(rows[row.id], row, where, now, days) for row in part], total


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.kind:
        spaced = literal(" ").concat(Place.kinds).concat(" ")
        conditions.append(spaced.contains(f" {filters.kind} ", autoescape=True))
    for name in filters.facilities:
        has = (Facility.place_id == Place.id) & (Facility.name == name) & (Facility.value == "yes")
        conditions.append(exists().where(has))
    return conditions


def _nearest_first(where: Where | None) -> list[ColumnElement[Any]]:
    """Of the same ward without a point, then by distance, then the rest. Flat sums: right to a metre across a city."""
    if where is None:
        return []
    down = Place.lat - where.lat
    across = (Place.lng - where.lng) * math.cos(math.radians(where.lat))
    same = Place.lat.is_(None) & (Place.ward_id == (where.ward_id or -1))
    return [case((same, 0), (Place.lat.is_not(None), 1), else_=2), down * down + across * across]


def _found(place: Place, row: Any, where: Where | None, now: datetime, days: Collection[date]) -> Found:
    known = where is not None and row.lat is not None
    metres = metres_between(where.lat, where.lng, row.lat, row.lng) if known and where else None
    same = bool(where and where.ward_id and row.lat is None and row.ward_id == where.ward_id)
    return Found(place, metres, status_at(place.hours, now, days), same)


def _fitting(
    session: Session, light: Sequence[Any], wish: str, now: datetime, days: Collection[date]
) -> list[Any]:
    hours = session.scalars(
        select(Place)
        .where(Place.id.in_([row.id for row in light]))
        .options(selectinload(Place.spans), selectinload(Place.exceptions))
    )
    open_ones = {place.id for place in hours if _fits(place, wish, now, days)}
    return [row for row in light if row.id in open_ones]


def _rows(session: Session, ids: Sequence[int]) -> dict[int, Place]:
    if not ids:
        return {}
    found = session.scalars(select(Place).where(Place.id.in_(ids)).options(*WHOLE))
    return {place.id: place for place in found}


def _fits(place: Place, wish: str, now: datetime, days: Collection[date]) -> bool:
    if wish == "late":
        return is_open_late(place.hours)
    return status_at(place.hours, now, days).answer in {Answer.OPEN, Answer.SELF_SERVICE}


def place_by_slug(session: Session, slug: str) -> Place | None:
    """One place with all its facts."""
    return session.scalar(select(Place).where(Place.slug == slug).options(*WHOLE))


def kinds_with_data(session: Session) -> set[str]:
    """The kinds at least one place has: only those are offered as a filter."""
    return {kind for kinds in session.scalars(select(Place.kinds).distinct()) for kind in kinds.split()}


def facilities_with_data(session: Session) -> set[str]:
    """The facilities some place is known to have."""
    return set(session.scalars(select(Facility.name).where(Facility.value == "yes").distinct()))


def near_for_kinds(
    session: Session,
    *,
    where: Where,
    kinds_by_step: Mapping[str, tuple[str, ...]],
    now: datetime,
    most: int = 2,
) -> dict[str, list[Found]]:
    """At most two places for each step, nearest of the first kind that has one near; three queries in all."""
    light = session.execute(
        select(Place.id, Place.lat, Place.lng, Place.kinds).where(Place.lat.is_not(None))
    ).all()
    measured = sorted(
        (metres_between(where.lat, where.lng, row.lat, row.lng), row.id, row.kinds.split()) for row in light
    )
    picked: dict[str, list[tuple[float, int]]] = {}
    for step, kinds in kinds_by_step.items():
        best: list[tuple[float, int]] = []
        for kind in kinds:
            fitting = [
                (metres, place) for metres, place, has in measured if kind in has and metres <= FAR_METRES
            ]
            best += [item for item in fitting if item not in best][: most - len(best)]
            if len(best) >= most:
                break
        picked[step] = best
    rows = _rows(session, sorted({place for best in picked.values() for _metres, place in best}))
    days = holidays(session)
    return {
        step: [Found(rows[place], metres, status_at(rows[place].hours, now, days)) for metres, place in best]
        for step, best in picked.items()
    }


_sheets: dict[str, Sheet | None] = {}


def city_sheet(session: Session) -> Sheet | None:
    """The city's wards ready to draw on; drawn once a process for each release of the wards."""
    release = session.scalar(select(PackState.sha256).where(PackState.name == "wards.csv")) or ""
    if release not in _sheets:
        rows = session.execute(select(Ward.outline, Ward.name).order_by(Ward.name)).all()
        if not release:
            return drawing.city_sheet(rows)
        _sheets.clear()
        _sheets[release] = drawing.city_sheet(rows)
    return _sheets[release]


def nearest_district(session: Session, where: Where) -> str:
    """The district of the ward whose label point is nearest."""
    wards = session.execute(select(Ward.district, Ward.lat, Ward.lng)).all()
    best = min(wards, key=lambda ward: metres_between(where.lat, where.lng, ward.lat, ward.lng))
    return str(best.district)


def places_to_export(session: Session, licence: str = "") -> list[Place]:
    """Every shown place with all its facts, by name; of one licence alone when it is named."""
    wanted = select(Place).order_by(Place.name, Place.id).options(*WHOLE)
    if licence:
        wanted = wanted.where(Place.licence == licence)
    return list(session.scalars(wanted))


def new_reports(session: Session) -> list[PlaceReport]:
    """Reports nobody has looked at yet, oldest first."""
    return list(
        session.scalars(
            select(PlaceReport)
            .where(PlaceReport.status == "new")
            .options(selectinload(PlaceReport.place))
            .order_by(PlaceReport.at)
        )
    )
