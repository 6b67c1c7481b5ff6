"""Verbs that change places: load the city pack, import a release, keep a report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.places import pack
from inclusion_app.places.hours import Span, read_osm_week
from inclusion_app.places.models import (
    Area,
    BankHoliday,
    Facility,
    OpeningSpan,
    PackState,
    Place,
    PlaceReport,
    PostcodePoint,
    Ward,
)
from inclusion_app.places.pack import Refused
from inclusion_app.places.postcodes import name_key, postcode_key

REPORT_LENGTH = 1_000
REPORT_KINDS = ("hours", "closed", "address", "offer", "other")
BATCH = 5_000


def load_city_pack(session: Session, *, now: datetime) -> list[str]:
    """Load every table of the pack whose content changed; one line of report each. Nothing a person edited is lost."""
    lines = []
    for name, load in LOADERS.items():
        sha = pack.digest(name)
        state = session.get(PackState, name)
        if state is not None and state.sha256 == sha:
            continue
        rows, refused = load(session, now)
        if state is None:
            session.add(PackState(name=name, sha256=sha, rows=rows, loaded_at=now))
        else:
            state.sha256, state.rows, state.loaded_at = sha, rows, now
        lines.append(f"{name}: {rows} rows, {len(refused)} refused")
        lines += [f"  {item}" for item in refused]
        session.flush()
    return lines


def _load_wards(session: Session, _now: datetime) -> tuple[int, list[Refused]]:
    import json

    known = {ward.code: ward for ward in session.scalars(select(Ward))}
    rows = list(pack.read_table("wards.csv"))
    for row in rows:
        ward = known.get(row["code"]) or Ward(code=row["code"])
        ward.name, ward.district = row["name"], row["district"]
        ward.lat, ward.lng = float(row["lat"]), float(row["lng"])
        ward.outline = json.loads(row["outline"]) if row["outline"] else None
        session.add(ward)
    session.flush()
    return len(rows), []


def _load_areas(session: Session, _now: datetime) -> tuple[int, list[Refused]]:
    """Names and outcodes together: one table answers the one box."""
    wards = {ward.code: ward for ward in session.scalars(select(Ward))}
    areas: dict[str, Area] = {}
    for ward in wards.values():
        key = name_key(ward.name)
        if key not in areas or ward.outline:
            areas[key] = Area(
                key=key, name=ward.name, kind="ward", ward_codes=ward.code, lat=ward.lat, lng=ward.lng
            )
    for row in pack.read_table("neighbourhoods.csv"):
        own = [wards[code] for code in row["ward_codes"].split()]
        key = name_key(row["name"])
        areas[key] = Area(
            key=key,
            name=row["name"],
            kind="neighbourhood",
            ward_codes=row["ward_codes"],
            lat=sum(ward.lat for ward in own) / len(own),
            lng=sum(ward.lng for ward in own) / len(own),
        )
    for row in pack.read_table("outcodes.csv"):
        key = row["outcode"].casefold()
        areas[key] = Area(
            key=key, name=row["outcode"], kind="outcode", lat=float(row["lat"]), lng=float(row["lng"])
        )
    session.execute(delete(Area))
    session.add_all(areas.values())
    return len(areas), []


def _load_postcodes(session: Session, _now: datetime) -> tuple[int, list[Refused]]:
    return import_postcodes(session, pack.read_postcodes())


def import_postcodes(
    session: Session, rows: Iterable[tuple[Any, int, int, str]]
) -> tuple[int, list[Refused]]:
    """Replace all postcodes by these (postcode, lat, lng in 1/100,000 degrees, ward code)."""
    wards = {row.code: row.id for row in session.execute(select(Ward.code, Ward.id))}
    session.execute(delete(PostcodePoint))
    batch: list[dict[str, Any]] = []
    total = 0
    for postcode, lat, lng, ward in rows:
        batch.append(
            {"key": postcode_key(postcode), "lat_e5": lat, "lng_e5": lng, "ward_id": wards.get(ward)}
        )
        if len(batch) == BATCH:
            session.execute(insert(PostcodePoint), batch)
            total += len(batch)
            batch = []
    if batch:
        session.execute(insert(PostcodePoint), batch)
    return total + len(batch), []


def _load_holidays(session: Session, _now: datetime) -> tuple[int, list[Refused]]:
    session.execute(delete(BankHoliday))
    rows = [
        {"day": date.fromisoformat(row["date"]), "title": row["title"]}
        for row in pack.read_table("bank_holidays.csv")
    ]
    session.execute(insert(BankHoliday), rows)
    return len(rows), []


def _load_libraries(session: Session, now: datetime) -> tuple[int, list[Refused]]:
    offers = list(pack.read_table("library_facilities.csv"))
    rows = []
    for row in pack.read_table("libraries.csv"):
        facts = dict(row, kinds="library", hours=row["staffed_hours_osm"], hours_source_on=row["source_on"])
        facts["facilities"] = [  # type: ignore[assignment]
            (
                item["facility"],
                item["value"],
                item["source_address"],
                item["source_on"],
                item["confidence"] or "medium",
            )
            for item in offers
        ]
        if row["self_service_entry"] == "yes":
            facts["facilities"].append(  # type: ignore[attr-defined]
                ("self_service", "yes", row["source_address"], row["source_on"], "medium")
            )
        rows.append(facts)
    return import_places(session, rows, source_name="libraries", now=now)


def _load_places(session: Session, now: datetime) -> tuple[int, list[Refused]]:
    return import_places(session, list(pack.read_table("places.csv")), source_name="leads", now=now)


LOADERS = {
    "wards.csv": _load_wards,
    "outcodes.csv": lambda session, now: (0, []),
    "neighbourhoods.csv": _load_areas,
    "postcodes.csv.gz": _load_postcodes,
    "bank_holidays.csv": _load_holidays,
    "library_facilities.csv": lambda session, now: (0, []),
    "libraries.csv": _load_libraries,
    "places.csv": _load_places,
}


def import_places(
    session: Session, rows: Iterable[Mapping[str, Any]], *, source_name: str, now: datetime
) -> tuple[int, list[Refused]]:
    """Add or renew places of one source by their key; a row a person edited is left as it is. Returns rows and refusals.

    Row keys: name, kinds, address, postcode, lat, lng, ward, area, hours (OSM text), opening_note, phone, website,
    source_address, source_on, licence, read_on, confidence, facilities.
    """
    wards = {ward.code: ward.id for ward in session.scalars(select(Ward))}
    known = {place.source_key: place for place in session.scalars(select(Place))}
    slugs = {place.slug for place in known.values()}
    refused: list[Refused] = []
    done = 0
    for line, row in enumerate(rows, 2):
        key = f"{source_name}:{name_key(row['name'])}"
        try:
            spans = read_place_hours(row.get("hours") or "")
            lat, lng = (float(row["lat"]), float(row["lng"])) if row.get("lat") else (None, None)
            read_on = date.fromisoformat(row["read_on"])
        except (ValueError, KeyError) as err:
            refused.append(Refused(line, f"{row.get('name', '?')}: {err}"))
            continue
        place = known.get(key)
        if place is not None and place.edited_at is not None:
            refused.append(Refused(line, f"{row['name']}: edited by a person, left as it is"))
            continue
        if place is None:
            place = Place(source_key=key, slug=_free_slug(row["name"], slugs))
            slugs.add(place.slug)
            session.add(place)
        _fill(place, row, spans, lat, lng, wards.get(row.get("ward") or ""), read_on)
        done += 1
    session.flush()
    return done, refused


def _fill(
    place: Place,
    row: Mapping[str, Any],
    spans: tuple[Span, ...],
    lat: float | None,
    lng: float | None,
    ward_id: int | None,
    read_on: date,
) -> None:
    place.name, place.kinds = row["name"], row["kinds"]
    place.address, place.postcode = row.get("address", ""), row.get("postcode", "")
    place.lat, place.lng, place.ward_id = lat, lng, ward_id
    place.area, place.phone, place.website = row.get("area", ""), row.get("phone", ""), row.get("website", "")
    place.opening_note = row.get("opening_note", "")
    place.hours_source = row.get("source", "") or row["source_address"]
    place.hours_source = place.hours_source[:120]
    place.hours_source_on = row.get("hours_source_on", "") or row.get("source_on", "")
    place.hours_differ = row.get("sources_differ") == "yes"
    place.self_service_unknown = row.get("self_service_entry") == "yes"
    place.source = (row.get("source") or "public page")[:160]
    place.source_address, place.source_on = row["source_address"], row.get("source_on", "")
    place.licence, place.read_on, place.confidence = row["licence"], read_on, row["confidence"]
    place.holiday_rule, place.hours_confirmed = "ask", False
    place.spans = [
        OpeningSpan(
            weekday=span.weekday, opens=span.opens, closes=span.closes, kind=span.kind.value, nth=span.nth
        )
        for span in spans
    ]
    wanted = {
        name: (value, address, on, sure) for name, value, address, on, sure in row.get("facilities", ()) or ()
    }
    if "wifi" in place.kind_list and "wifi" not in wanted:
        wanted["wifi"] = ("yes", row["source_address"], row.get("source_on", ""), row["confidence"])
    if "data_bank" in place.kind_list:
        wanted.setdefault(
            "data_sim", ("yes", row["source_address"], row.get("source_on", ""), row["confidence"])
        )
    if {"makerspace", "fablab", "repair_cafe"} & set(place.kind_list):
        wanted.setdefault(
            "tools", ("yes", row["source_address"], row.get("source_on", ""), row["confidence"])
        )
    here = {facility.name: facility for facility in place.facilities}
    place.facilities = [_facility(here.get(name), name, *facts) for name, facts in wanted.items()]


def _facility(found: Facility | None, name: str, value: str, address: str, on: str, sure: str) -> Facility:
    facility = found or Facility(name=name)
    facility.value, facility.source_address, facility.source_on, facility.confidence = (
        value,
        address,
        on,
        sure,
    )
    return facility


def read_place_hours(text: str) -> tuple[Span, ...]:
    """OSM text, with nth weekdays ("Sa[3] 10:00-12:00"). Raises ValueError."""
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


def _free_slug(name: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:70] or "place"
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug


def report_place(
    session: Session, *, place: Place, what: str, words: str, language: str, now: datetime
) -> PlaceReport:
    """Keep "tell us it is wrong". No name is asked for. Raises RuleBroken for an empty or endless report."""
    words = words.strip()
    if what not in REPORT_KINDS:
        raise RuleBroken(N_("Choose what is wrong."), field="what")
    if len(words) > REPORT_LENGTH:
        raise RuleBroken(N_("That is too long. Use 1,000 letters at most."), field="words")
    report = PlaceReport(place_id=place.id, what=what, words=words, language=language, status="new", at=now)
    session.add(report)
    session.flush()
    return report
