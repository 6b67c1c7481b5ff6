"""What one row of a list says of a place, checked and mended; and what became of each row of an import.

It reads the database (postcodes, wards) and changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from inclusion_app.core.geo import is_inside, metres_between
from inclusion_app.places.hours import HolidayRule, Kind, Span, read_osm_week
from inclusion_app.places.models import Place, Ward
from inclusion_app.places.pack import Refused
from inclusion_app.places.postcodes import Postcode, alternatives, name_key, read_where
from inclusion_app.places.queries import OUTSIDE_METRES, NotFound, Where, find_where
from inclusion_app.places.readers.rows import DAY, MOST_LETTERS, clean, number, phone_number, web_address
from inclusion_app.places.rules import FACILITIES, KINDS, SURENESS

PACK_TAGS = ("libraries", "leads")
TAG_LETTERS = 30
APART_METRES = 3_000  # a postcode of the countryside can be this wide; one of a town is not


class Action(StrEnum):
    """What becomes of a row of a list."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "the same"
    KEPT = "left to a person"
    LIKELY = "held back"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of one row, in plain words. `of_another` when it is a place that came from another source."""

    line: int
    part: str
    action: Action
    text: str
    of_another: bool = False

    def __str__(self) -> str:
        return f"{self.part} {self.line}: {self.text}"


@dataclass
class ImportReport:
    """Every row's outcome in the order of the file, and remarks on rows that were taken all the same."""

    outcomes: list[Outcome] = field(default_factory=list)
    remarks: list[Refused] = field(default_factory=list)

    def of(self, *actions: Action) -> list[Outcome]:
        """The outcomes of these actions."""
        return [outcome for outcome in self.outcomes if outcome.action in actions]

    @property
    def taken(self) -> int:
        """Rows that are in the database now, or would be: added, changed or already the same."""
        return len(self.of(Action.ADDED, Action.CHANGED, Action.SAME))

    @property
    def refused(self) -> list[Refused]:
        """The rows with a fault."""
        return [Refused(item.line, item.text, item.part) for item in self.of(Action.REFUSED)]

    @property
    def kept(self) -> list[Refused]:
        """The rows left out because a person's word stands."""
        return [Refused(item.line, item.text, item.part) for item in self.of(Action.KEPT)]


# What only a list of our own may say of itself; anybody's could say that it was checked, and by whom.
OURS_ALONE = ("checked_on", "hours_confirmed", "source", "licence")


def as_a_strangers(row: dict[str, Any]) -> None:
    """Take out of a row what only our own may say; its key is then an id among those of its source."""
    key = row.pop("key", "")
    if key and not row.get("id"):
        row["id"] = key
    for name in OURS_ALONE:
        row.pop(name, None)
    row["confidence"] = _less_sure(row.get("confidence"))
    row["facilities"] = [(*fact[:4], _less_sure(fact[4])) for fact in row.get("facilities") or ()]


def _less_sure(sure: str | None) -> str | None:
    """They may say that they are less sure than others, never more."""
    return None if clean(sure) == "high" else sure


def source_tag(source: str) -> str:
    """What the keys of a publisher's rows begin with, at most 30 letters; never that of the city pack's own tables."""
    plain = source.casefold()
    if plain in PACK_TAGS:
        return f"{plain} list"
    if len(plain) <= TAG_LETTERS:
        return plain
    return f"{plain[: TAG_LETTERS - 9]}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def source_key(source_name: str, row: Mapping[str, Any]) -> str:
    """Our own key when the row carries one, else the source and its id, else the source and the name. At most 120."""
    key = clean(row.get("key")) or f"{source_name}:{clean(row.get('id')) or name_key(row['name'])}"
    most = longest("source_key")
    if len(key) <= most:
        return key
    return f"{key[: most - 17]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def longest(column: str) -> int:
    """How many letters a column of a place holds."""
    return int(Place.__table__.c[column].type.length)  # type: ignore[attr-defined]


class Ground:
    """What a row's position is read against: the wards by code, and the session for postcodes. It only reads."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.wards = {
            ward.code: ward for ward in session.scalars(select(Ward).options(undefer(Ward.outline)))
        }

    def nearest_metres(self, lat: float, lng: float) -> float:
        """To the middle of the nearest ward; 0 where no wards are loaded."""
        return min(
            (metres_between(lat, lng, ward.lat, ward.lng) for ward in self.wards.values()), default=0.0
        )

    def ward_around(self, lat: float, lng: float) -> int | None:
        """The ward whose outline holds the point; only the city's own wards have one."""
        for ward in self.wards.values():
            if ward.outline and is_inside(lat, lng, ward.outline):
                return ward.id
        return None


@dataclass(frozen=True)
class Facts:
    """A row read: columns of Place by name, spans as (span, on holidays), facilities by name."""

    columns: dict[str, Any]
    spans: frozenset[tuple[Span, bool]]
    facilities: dict[str, tuple[str, str, str, str]]
    read_on: date | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds, the main one first."""
        return tuple(str(self.columns["kinds"]).split())

    @property
    def lat(self) -> float | None:
        """Degrees north; None without a point."""
        found: float | None = self.columns["lat"]
        return found

    @property
    def lng(self) -> float | None:
        """Degrees east; None without a point."""
        found: float | None = self.columns["lng"]
        return found


CLEAN_COLUMNS = ("name", "address", "area", "opening_note", "licence")


def read_facts(ground: Ground, row: Mapping[str, Any]) -> tuple[Facts, list[str]]:
    """The facts of a row and remarks on what was left out. Raises ValueError with the reason for a refusal.

    Row keys, missing ones being unknown: name, kinds, address, postcode, lat, lng, ward (code), area, phone, website;
    hours, hours_self_service, hours_appointment, hours_members and hours_holidays (OSM text), or spans and
    holiday_spans; holiday_rule, opening_note, facilities (name, value, source address, source date, confidence);
    source, source_address, source_on, licence, confidence, read_on, checked_on, hours_confirmed, hours_source,
    hours_source_on, sources_differ, self_service_entry; notes. `services.import_places` also reads id (the source's
    own) or key (ours), slug, line and part.
    """
    remarks = [str(note) for note in row.get("notes", ())]
    columns: dict[str, Any] = {name: clean(row.get(name)) for name in CLEAN_COLUMNS}
    if not columns["name"]:
        raise ValueError("has no name")
    if not columns["licence"]:
        raise ValueError("has no licence")
    columns["kinds"] = _read_kinds(row)
    columns["confidence"] = clean(row.get("confidence")) or "medium"
    if columns["confidence"] not in SURENESS:
        raise ValueError(f"too weak to show: {columns['confidence']}")
    columns |= _read_position(ground, row, remarks)
    phone, website = clean(row.get("phone")), clean(row.get("website"))
    columns["phone"], columns["website"] = phone_number(phone), web_address(website)
    if phone and not columns["phone"]:
        remarks.append(f"phone number left out: {phone[:40]}")
    if website and not columns["website"]:
        remarks.append(f"web page left out: {website[:80]}")
    columns |= _read_source(row)
    _check_lengths(columns)
    spans, rule = _read_spans(row)
    columns["holiday_rule"] = rule
    columns["hours_confirmed"] = row.get("hours_confirmed") == "yes"
    read_on = _day(row, "read_on")
    if "checked_on" in row:
        columns["checked_on"] = _day(row, "checked_on")
    return Facts(columns, spans, _read_facilities(row, columns), read_on), remarks


def _day(row: Mapping[str, Any], name: str) -> date | None:
    text = clean(row.get(name))
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as err:
        raise ValueError(f"{name} is no day like 2026-11-23: {text}") from err


def _read_kinds(row: Mapping[str, Any]) -> str:
    kinds = list(dict.fromkeys(re.split(r"[\s,;]+", clean(row.get("kinds")))))
    strange = [kind for kind in kinds if kind not in KINDS]
    if strange:
        raise ValueError(f"no such kind: {', '.join(strange) or 'nothing'}; the kinds are {', '.join(KINDS)}")
    return " ".join(kinds)


def _read_position(ground: Ground, row: Mapping[str, Any], remarks: list[str]) -> dict[str, Any]:
    """Postcode as we write it, point and ward. The row's own point counts before its postcode's."""
    typed = clean(row.get("postcode"))
    read = read_where(typed) if typed else None
    lat, lng = _read_point(row)
    where = None
    if isinstance(read, Postcode):
        found = find_where(ground.session, str(read))
        where = found if isinstance(found, Where) else None
        known = where is not None
        # The look-alikes of the area's letters are mended by the geocoder, so its answer tells which one it was.
        read = next((one for one in alternatives(read) if known and one.sector == found.sector), read)  # type: ignore[union-attr]
        if isinstance(found, NotFound) and lat is None:
            if found.reason == "outside":
                raise ValueError(f"outside the region: {read}")
            remarks.append(f"postcode not known, so it has no point: {read}")
    elif typed and lat is None:
        raise ValueError(f"no postcode can be read in: {typed[:40]}")
    elif typed:
        remarks.append(f"postcode left out, it cannot be read: {typed[:40]}")
    if lat is None and where is not None:
        lat, lng = where.lat, where.lng
    ward = ground.wards.get(clean(row.get("ward")))
    ward_id = ward.id if ward else None
    if lat is not None and lng is not None and ward is None:
        metres = ground.nearest_metres(lat, lng)
        if metres > OUTSIDE_METRES:
            raise ValueError(f"outside the region, by about {metres / 1609.344:.0f} miles")
        ward_id = ground.ward_around(lat, lng) or (where.ward_id if where else None)
    if where is not None and lat is not None and lng is not None:
        apart = metres_between(lat, lng, where.lat, where.lng)
        if apart > APART_METRES:
            remarks.append(f"its point and its postcode are {apart / 1000:.1f} km apart")
    return {
        "postcode": str(read) if isinstance(read, Postcode) else "",
        "lat": lat,
        "lng": lng,
        "ward_id": ward_id,
    }


def _read_point(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    given = clean(row.get("lat")), clean(row.get("lng"))
    if given == ("", ""):
        return None, None
    lat, lng = number(given[0]), number(given[1])
    if lat is None or lng is None:
        raise ValueError(f"lat and lng cannot be read: {given[0][:20]} {given[1][:20]}")
    if not (49.8 < lat < 61 and -9 < lng < 2.5):
        raise ValueError(f"not in Great Britain: {given[0][:20]} {given[1][:20]}")
    return lat, lng


def _read_source(row: Mapping[str, Any]) -> dict[str, Any]:
    source, address = clean(row.get("source")), web_address(clean(row.get("source_address")))
    on = clean(row.get("source_on"))
    hours_on = clean(row.get("hours_source_on"))
    for day in (on, hours_on):
        if day and not DAY.fullmatch(day):
            raise ValueError(f"no day like 2026-11-23 or 2026-11 or 2026: {day[:20]}")
    return {
        "source": (source or "public page")[: longest("source")],
        "source_address": address,
        "source_on": on,
        "hours_source": (clean(row.get("hours_source")) or source or address)[: longest("hours_source")],
        "hours_source_on": hours_on or on,
        "hours_differ": row.get("sources_differ") == "yes",
        "self_service_unknown": row.get("self_service_entry") == "yes",
    }


def _check_lengths(columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        if isinstance(value, str) and name != "confidence" and len(value) > longest(name):
            raise ValueError(f"{name} is longer than {longest(name)} letters")


def _read_spans(row: Mapping[str, Any]) -> tuple[frozenset[tuple[Span, bool]], str]:
    """Spans with whether they are of bank holidays, and the rule of those days. Raises ValueError."""
    found = {(span, False) for span in row.get("spans", ())}
    found |= {(span, True) for span in row.get("holiday_spans", ())}
    found |= {(span, False) for span in read_place_hours(clean(row.get("hours")))}
    for kind in (Kind.SELF_SERVICE, Kind.APPOINTMENT, Kind.MEMBERS):
        text = clean(row.get(f"hours_{kind.value}"))
        found |= {(replace(span, kind=kind), False) for span in read_place_hours(text)}
    found |= {(span, True) for span in read_place_hours(clean(row.get("hours_holidays")))}
    rule = clean(row.get("holiday_rule")) or HolidayRule.ASK.value
    if rule not in set(HolidayRule):
        raise ValueError(f"no such rule of bank holidays: {rule[:20]}; they are {', '.join(HolidayRule)}")
    return frozenset(found), rule


def _read_facilities(
    row: Mapping[str, Any], columns: Mapping[str, Any]
) -> dict[str, tuple[str, str, str, str]]:
    """Value, source address, source date and confidence by name; what a fact does not say of itself its row says."""
    address, on, sure = columns["source_address"], columns["source_on"], columns["confidence"]
    found: dict[str, tuple[str, str, str, str]] = {}
    for name, value, its_address, its_on, its_sure in row.get("facilities") or ():
        if name not in FACILITIES or value not in {"yes", "no", "not_known"}:
            raise ValueError(f"no such facility: {name} {value}")
        found[name] = (
            value,
            address if its_address is None else web_address(its_address),
            on if its_on is None else its_on,
            its_sure or sure,
        )
    kinds = set(columns["kinds"].split())
    here = ("yes", address, on, sure)
    if "wifi" in kinds:
        found.setdefault("wifi", here)
    if "data_bank" in kinds:
        found.setdefault("data_sim", here)
    if {"makerspace", "fablab", "repair_cafe"} & kinds:
        found.setdefault("tools", here)
    return found


def read_place_hours(text: str) -> tuple[Span, ...]:
    """OSM text, with nth weekdays ("Sa[3] 10:00-12:00"). Raises ValueError."""
    if len(text) > MOST_LETTERS:
        raise ValueError(f"hours are longer than {MOST_LETTERS:,} letters")
    spans: list[Span] = []
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        nth = re.match(r"([A-Z][a-z])\[(-?\d)\]\s+(.*)", rule)
        if nth:
            spans += [
                Span(span.weekday, span.opens, span.closes, nth=int(nth[2]))
                for span in read_osm_week(f"{nth[1]} {nth[3]}")
            ]
        else:
            spans += read_osm_week(rule)
    return tuple(spans)
