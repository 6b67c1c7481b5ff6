"""Reads: where is this, what is near, when is it open."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.core.clock import LONDON
from inclusion_app.core.geo import metres_between
from inclusion_app.places import drawing, names
from inclusion_app.places.drawing import Sheet
from inclusion_app.places.edges import edge_of
from inclusion_app.places.hours import (
    LATE,
    DatedException,
    HolidayRule,
    Hours,
    Kind,
    Span,
    Status,
    is_open_at,
    status_at,
)
from inclusion_app.places.models import (
    Area,
    BankHoliday,
    Facility,
    OpeningException,
    OpeningSpan,
    PackState,
    Place,
    PlaceReport,
    PostcodePoint,
    Ward,
)
from inclusion_app.places.organisations import city_and_region
from inclusion_app.places.place_sheet import ENOUGH
from inclusion_app.places.postcodes import (
    Name,
    Outcode,
    Postcode,
    alternatives,
    area_key,
    name_key,
    postcode_key,
    read_where,
)
from inclusion_app.places.rules import FAR_METRES

PAGE = 18  # with English beside it and the map, 10 kB hold no more in every language
# A place with all its facts, in one query each and not one a place.
WHOLE = (
    selectinload(Place.spans),
    selectinload(Place.exceptions),
    selectinload(Place.facilities),
    selectinload(Place.ward),
)
SPAN_COLUMNS = (
    OpeningSpan.place_id,
    OpeningSpan.on_holidays,
    OpeningSpan.weekday,
    OpeningSpan.opens,
    OpeningSpan.closes,
    OpeningSpan.kind,
    OpeningSpan.nth,
    OpeningSpan.valid_from,
    OpeningSpan.valid_until,
)
OUTSIDE_METRES = 25_000
CANDIDATES = 20  # of each kind; what is further away is never among the best two


@dataclass(frozen=True)
class Where:
    """A position found from what somebody typed. `rough` when it stands for a whole area.

    `outside` names the nearest district when the place itself lies beyond the region and the point is only the edge
    of it; `unsure` when we know the first half of the postcode and the whole of it may be beyond.
    """

    lat: float
    lng: float
    name: str
    ward: str = ""
    ward_id: int | None = None
    sector: str = ""
    rough: bool = False
    outside: str = ""
    unsure: bool = False

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
            "outside": self.outside,
            "unsure": self.unsure,
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
        near.get("outside", ""),
        bool(near.get("unsure")),
    )


@dataclass(frozen=True)
class NotFound:
    """Why a text gave no position: unknown postcode, half a postcode, outside the region, no such name.

    `nearest` is where to look instead: the district of the region that is nearest, when it is not too far to say, or
    the first half of an unknown postcode, when that is known.
    """

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
        return (
            Where(area.lat, area.lng, read.outward, rough=True) if area else _outside(session, read.outward)
        )
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
        area = session.get(Area, candidate.outward.casefold())
        if area is not None:
            edge = edge_of(candidate.outward)
            if edge is None or edge.kind != "near":
                return NotFound("unknown_postcode", candidate.outward)
            return Where(
                area.lat, area.lng, candidate.outward, rough=True, outside=edge.district, unsure=True
            )
    return _outside(session, postcode.outward)


def _outside(session: Session, outward: str) -> Where | NotFound:
    """What can be said of an outcode that no postcode of ours has."""
    edge = edge_of(outward)
    if edge is None:
        return NotFound("outside")
    if edge.kind == "inside":
        return NotFound("unknown_outcode")
    ward = session.scalar(select(Ward).where(Ward.code == edge.ward)) if edge.ward else None
    if ward is None:
        return NotFound("outside_nearby", edge.district)
    return Where(ward.lat, ward.lng, outward, rough=True, outside=edge.district)


def _find_name(session: Session, name: Name) -> Where | NotFound:
    """A part of the city, else a place we list. "Manchester" behind the name says nothing more."""
    for key in dict.fromkeys((name.key, _without_city(name.key))):
        found = _where_of_area(session, key, name.text) or _where_of_place(session, key)
        if found is not None:
            return found
    return NotFound("half_postcode" if any(sign.isdigit() for sign in name.text) else "unknown_name")


def _without_city(key: str) -> str:
    city, region = city_and_region()
    forms = [form for written in names.all_written().get(city, {}).values() for form in written]
    for end in (region, city, *forms):
        rest = key.removesuffix(area_key(end))
        if rest not in {key, ""} and (rest.endswith(" ") or not rest.isascii()):
            return rest.rstrip()
    return key


def _where_of_area(session: Session, key: str, text: str) -> Where | None:
    area = session.get(Area, key)
    if area is None:
        if len(key) < 4 or any(sign.isdigit() for sign in text):
            return None
        starts = session.scalars(
            select(Area).where(Area.key.startswith(key, autoescape=True), Area.kind != "outcode").limit(10)
        ).all()
        # Several forms of one name in other letters are one name.
        if len({found.name for found in starts}) != 1:
            return None
        area = starts[0]
    codes = area.ward_codes.split()
    ward = session.scalar(select(Ward).where(Ward.code == codes[0])) if len(codes) == 1 else None
    return Where(
        area.lat, area.lng, area.name, ward.name if ward else "", ward.id if ward else None, rough=True
    )


def _where_of_place(session: Session, key: str) -> Where | None:
    """The one place of this name, or the one whose name begins so and has all these words ("Longsight library")."""
    words = key.split()
    if len(key) < 4:
        return None
    rows = session.scalars(
        select(Place).where(Place.name.istartswith(words[0], autoescape=True)).options(*WHOLE[-1:])
    ).all()
    keys = {place: name_key(place.name) for place in rows}
    fitting = [place for place in rows if keys[place] == key] or [
        place
        for place in rows
        if keys[place].startswith(key) or (len(words) > 1 and set(words) <= set(keys[place].split()))
    ]
    if len(fitting) != 1:
        return None
    [place] = fitting
    ward = place.ward
    if place.lat is not None and place.lng is not None:
        return Where(
            place.lat, place.lng, place.name, ward.name if ward else "", ward.id if ward else None
        )  # fmt: skip
    return Where(ward.lat, ward.lng, place.name, ward.name, ward.id, rough=True) if ward else None


def names_to_pick(session: Session) -> tuple[list[str], list[str]]:
    """The names of the city's neighbourhoods and wards, and those of the districts of the region."""
    rows = session.execute(
        select(Area.name, Area.kind).where(Area.kind.in_(("neighbourhood", "district"))).order_by(Area.name)
    ).all()
    return (
        [name for name, kind in rows if kind == "neighbourhood"],
        [name for name, kind in rows if kind == "district"],
    )


def holidays(session: Session) -> frozenset[date]:
    """Every bank holiday we know."""
    return frozenset(session.scalars(select(BankHoliday.day)))


@dataclass(frozen=True)
class Found:
    """One entry of the finder: the place, how far, and whether it is open.

    `from_edge` when the person is beyond the region and the distance only begins at its edge.
    """

    place: Place
    metres: float | None
    status: Status
    in_area: bool = False
    from_edge: bool = False


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

    The database sorts, and only the places of one page are read; "open now" looks at today's hours of each.
    """
    conditions = _narrowed(filters)
    wanted = select(Place.id, Place.lat, Place.lng, Place.ward_id, Place.holiday_rule).where(*conditions)
    light = wanted.order_by(*_nearest_first(where), func.lower(Place.name), Place.id)
    days = holidays(session)
    first = (page - 1) * size
    if filters.open == "now":
        fitting = _open_now(session, session.execute(light).all(), conditions, now, days)
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
    if filters.open == "late":
        conditions.append(exists().where(OpeningSpan.place_id == Place.id, _is_late()))
    return conditions


def _is_late() -> ColumnElement[bool]:
    """A span that makes `hours.is_open_late` true: a weekend, after five, or past midnight."""
    doors = OpeningSpan.kind.in_([Kind.STAFFED.value, Kind.SELF_SERVICE.value])
    late = or_(
        OpeningSpan.weekday >= 5,
        OpeningSpan.closes > LATE,
        OpeningSpan.closes < OpeningSpan.opens,
    )
    return and_(OpeningSpan.on_holidays.is_(False), doors, late)


def _nearest_first(where: Where | None) -> list[ColumnElement[Any]]:
    """Of the same ward without a point, then by distance, then the rest.

    Flat sums with the squeeze of the latitude half-way: right to a metre across a region.
    """
    if where is None:
        return []
    down = Place.lat - where.lat
    lat = math.radians(where.lat)
    across = (Place.lng - where.lng) * (math.cos(lat) - down * (math.radians(1) / 2 * math.sin(lat)))
    same = Place.lat.is_(None) & (Place.ward_id == (where.ward_id or -1))
    return [case((same, 0), (Place.lat.is_not(None), 1), else_=2), down * down + across * across]


def _found(place: Place, row: Any, where: Where | None, now: datetime, days: Collection[date]) -> Found:
    known = where is not None and row.lat is not None
    metres = metres_between(where.lat, where.lng, row.lat, row.lng) if known and where else None
    same = bool(where and where.ward_id and row.lat is None and row.ward_id == where.ward_id)
    return Found(place, metres, status_at(place.hours, now, days), same, bool(where and where.outside))


def _open_now(
    session: Session,
    light: Sequence[Any],
    conditions: Sequence[ColumnElement[bool]],
    now: datetime,
    days: Collection[date],
) -> list[Any]:
    """Those of `light` (of places under `conditions`) that are open now: of each only the hours of these two days."""
    today = now.astimezone(LONDON).date()
    two_days = (today - timedelta(days=1), today)
    spans: dict[int, list[Any]] = defaultdict(list)
    on_holidays: dict[int, list[Any]] = defaultdict(list)
    exceptions: dict[int, list[DatedException]] = defaultdict(list)
    wanted = select(*SPAN_COLUMNS).join(Place, Place.id == OpeningSpan.place_id).where(*conditions)
    dated = select(OpeningException).join(Place, Place.id == OpeningException.place_id).where(*conditions)
    if not any(day in days for day in two_days):
        weekdays = [day.weekday() for day in two_days]
        wanted = wanted.where(OpeningSpan.on_holidays.is_(False), OpeningSpan.weekday.in_(weekdays))
        dated = dated.where(OpeningException.day.in_(two_days))
    for place, holiday, *facts in session.execute(wanted):
        (on_holidays if holiday else spans)[place].append(tuple(facts))
    for exception in session.scalars(dated):
        exceptions[exception.place_id].append(exception.as_exception())

    # Most places keep the hours of many others, so each kind of week is looked at once.
    seen: dict[Any, bool] = {}

    def is_open(row: Any) -> bool:
        week = (row.holiday_rule, tuple(spans[row.id]), tuple(on_holidays[row.id]))
        dated_days = tuple(exceptions.get(row.id, ()))
        if dated_days or week not in seen:
            answer = is_open_at(_hours(*week, dated_days), now, days)
            if dated_days:
                return answer
            seen[week] = answer
        return seen[week]

    return [row for row in light if (row.id in spans or row.id in exceptions) and is_open(row)]


def _hours(
    rule: str, spans: Sequence[Any], on_holidays: Sequence[Any], exceptions: tuple[DatedException, ...]
) -> Hours:
    weekly, special = (
        tuple(
            Span(weekday, opens, closes, Kind(kind), nth, first, last)
            for weekday, opens, closes, kind, nth, first, last in facts
        )
        for facts in (spans, on_holidays)
    )
    return Hours(weekly, exceptions, HolidayRule(rule), special)


def _rows(session: Session, ids: Sequence[int]) -> dict[int, Place]:
    if not ids:
        return {}
    found = session.scalars(select(Place).where(Place.id.in_(ids)).options(*WHOLE))
    return {place.id: place for place in found}


def place_by_slug(session: Session, slug: str) -> Place | None:
    """One place with all its facts."""
    return session.scalar(select(Place).where(Place.slug == slug).options(*WHOLE))


def kinds_with_data(session: Session) -> set[str]:
    """The kinds at least one place has: only those are offered as a filter."""
    return {kind for kinds in session.scalars(select(Place.kinds).distinct()) for kind in kinds.split()}


def facilities_with_data(session: Session) -> set[str]:
    """The facilities some place is known to have."""
    return set(session.scalars(select(Facility.name).where(Facility.value == "yes").distinct()))


def near_candidates(
    session: Session, *, where: Where, kinds: Collection[str], most: int = CANDIDATES
) -> dict[str, list[tuple[float, int]]]:
    """(metres, place id) of the nearest places of each kind, nearest first; what is too far to go is left out."""
    light = session.execute(
        select(Place.id, Place.lat, Place.lng, Place.kinds).where(Place.lat.is_not(None))
    ).all()
    found: dict[str, list[tuple[float, int]]] = {kind: [] for kind in kinds}
    for row in light:
        metres = metres_between(where.lat, where.lng, row.lat, row.lng)
        if metres <= FAR_METRES:
            for kind in set(row.kinds.split()) & found.keys():
                found[kind].append((metres, row.id))
    return {kind: sorted(measured)[:most] for kind, measured in found.items()}


def found_places(
    session: Session, metres: Mapping[int, float | None], *, now: datetime, from_edge: bool = False
) -> dict[int, Found]:
    """These places with all their facts, each with its distance and whether it is open now."""
    rows = _rows(session, sorted(metres))
    days = holidays(session) if rows else frozenset()
    return {
        number: Found(place, metres[number], status_at(place.hours, now, days), from_edge=from_edge)
        for number, place in rows.items()
    }


@dataclass(frozen=True)
class NamedWard:
    """A ward by its name, as an address says it, and the point its places are nearest to."""

    id: int
    name: str
    slug: str
    lat: float
    lng: float


def all_wards(session: Session, *, of_the_city: bool = False) -> list[NamedWard]:
    """The wards we know, by name; those of the city alone when asked."""
    city, _region = city_and_region()
    wanted = select(Ward.id, Ward.name, Ward.district, Ward.lat, Ward.lng).order_by(Ward.name, Ward.id)
    if of_the_city:
        wanted = wanted.where(Ward.district == city)
    return [
        NamedWard(number, name, names.ward_slug(name, district, city), lat, lng)
        for number, name, district, lat, lng in session.execute(wanted)
    ]


def ward_by_slug(session: Session, slug: str) -> NamedWard | None:
    """The ward an address names."""
    return next((ward for ward in all_wards(session) if ward.slug == slug), None)


def slug_of_ward(session: Session, ward_id: int | None) -> str | None:
    """How an address names the ward of a place or of where somebody looks from; None without one."""
    row = (
        session.execute(select(Ward.name, Ward.district).where(Ward.id == ward_id)).first()
        if ward_id
        else None
    )
    return names.ward_slug(row.name, row.district, city_and_region()[0]) if row else None


def ward_places(session: Session, ward: NamedWard, *, now: datetime) -> tuple[list[Found], list[Found]]:
    """The places of a ward by name; and where those are few, the nearest ones outside that make them ENOUGH."""
    numbers = session.scalars(select(Place.id).where(Place.ward_id == ward.id)).all()
    inside = sorted(
        found_places(session, dict.fromkeys(numbers), now=now).values(),
        key=lambda found: (found.place.name.casefold(), found.place.id),
    )
    missing = ENOUGH - len(inside)
    if missing <= 0:
        return inside, []
    here = Where(ward.lat, ward.lng, ward.name, ward.name, ward.id)
    near, _total = find_places(session, where=here, filters=Filters(), now=now, size=ENOUGH + len(inside))
    return inside, [found for found in near if found.place.ward_id != ward.id][:missing]


def area_code(session: Session, where: Where) -> str:
    """A ward's code for a position, else the district it lies in: fine enough for a figure, too rough for a person."""
    ward = session.get(Ward, where.ward_id) if where.ward_id else None
    return ward.code if ward else nearest_district(session, where)


def area_of_postcode(session: Session, typed: str) -> tuple[str, str]:
    """The code of the ward and the sector of a typed postcode: all that a record keeps of it. Empty when not known."""
    read = read_where(typed)
    found = _find_postcode(session, read) if isinstance(read, Postcode) else None
    if not isinstance(found, Where) or not found.sector:
        return "", ""
    ward = session.get(Ward, found.ward_id) if found.ward_id else None
    return (ward.code if ward else ""), found.sector


def ward_name(session: Session, code: str) -> str:
    """The name of a ward by its code; empty for one that is not loaded."""
    return session.scalar(select(Ward.name).where(Ward.code == code)) or ""


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
    """The district of the ward whose label point is nearest; empty while no ward is loaded."""
    wards = session.execute(select(Ward.district, Ward.lat, Ward.lng)).all()
    best = min(wards, key=lambda ward: metres_between(where.lat, where.lng, ward.lat, ward.lng), default=None)
    return str(best.district) if best else ""


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
