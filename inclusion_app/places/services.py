"""Verbs that change places: load the city pack, import a release, keep a report."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, selectinload, undefer

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.places import names, pack
from inclusion_app.places.hours import Span
from inclusion_app.places.likeness import Known, Likeness, Neighbourhood
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
from inclusion_app.places.postcodes import area_key, postcode_key
from inclusion_app.places.readers.rows import clean
from inclusion_app.places.row_facts import (
    PACK_TAGS,
    Action,
    Facts,
    Ground,
    ImportReport,
    Outcome,
    longest,
    read_facts,
    source_key,
)

REPORT_LENGTH = 1_000
REPORT_KINDS = ("hours", "closed", "address", "offer", "other")
REPORT_TWICE = timedelta(minutes=10)  # the same words again within this time are one report sent twice
BATCH = 5_000
RESERVED_SLUGS = {"areas"}  # pages of their own below /places


def load_city_pack(session: Session, *, now: datetime) -> list[str]:
    """Load every table of the pack whose content changed; one line of report each. Nothing a person edited is lost.

    What is made of several tables is made again when any of them changed.
    """
    lines = []
    for name, load in LOADERS.items():
        sha = digest_of_all(name)
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


def digest_of_all(name: str, digest: Callable[[str], str] = pack.digest) -> str:
    """The digest of a table; of several, in their order, when it is loaded together with others."""
    if name not in TOGETHER:
        return digest(name)
    return hashlib.sha256("".join(map(digest, (name, *TOGETHER[name]))).encode()).hexdigest()


def _count(name: str) -> Callable[[Session, datetime], tuple[int, list[Refused]]]:
    """The loader of a table that another one takes in: it only counts the rows."""
    return lambda _session, _now: (sum(1 for _row in pack.read_table(name)), [])


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
    """Names, districts, outcodes and names in other letters together: one table answers the one box."""
    wards = {ward.code: ward for ward in session.scalars(select(Ward).options(undefer(Ward.outline)))}
    areas: dict[str, Area] = {}
    for ward in wards.values():
        key = area_key(ward.name)
        if key not in areas or ward.outline:
            areas[key] = Area(
                key=key, name=ward.name, kind="ward", ward_codes=ward.code, lat=ward.lat, lng=ward.lng
            )
    neighbourhoods = list(pack.read_table("neighbourhoods.csv"))
    for row in neighbourhoods:
        own = [wards[code] for code in row["ward_codes"].split()]
        key = area_key(row["name"])
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
    for district in {ward.district for ward in wards.values()} - {""}:
        own = [ward for ward in wards.values() if ward.district == district]
        areas.setdefault(
            area_key(district),
            Area(
                key=area_key(district),
                name=district,
                kind="district",
                lat=sum(ward.lat for ward in own) / len(own),
                lng=sum(ward.lng for ward in own) / len(own),
            ),
        )
    for name, forms in names.all_written().items():
        for form in (form for some in forms.values() for form in some):
            same = areas[area_key(name)]
            areas.setdefault(
                area_key(form),
                Area(
                    key=area_key(form),
                    name=same.name,
                    kind="written",
                    ward_codes=same.ward_codes,
                    lat=same.lat,
                    lng=same.lng,
                ),
            )
    session.execute(delete(Area))
    session.add_all(areas.values())
    return len(neighbourhoods), []


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
        if row["opening_note"]:
            facts["self_service_entry"] = ""  # its hours stand in the week already
        rows.append(facts)
    return _load_rows(session, rows, PACK_TAGS[0], now)


def _load_places(session: Session, now: datetime) -> tuple[int, list[Refused]]:
    return _load_rows(session, pack.read_table("places.csv"), PACK_TAGS[1], now)


def _load_rows(
    session: Session, rows: Iterable[Mapping[str, Any]], source_name: str, now: datetime
) -> tuple[int, list[Refused]]:
    report = import_places(session, rows, source_name=source_name, now=now)
    return report.taken, report.refused + report.kept


LOADERS = {
    "wards.csv": _load_wards,
    "outcodes.csv": _count("outcodes.csv"),
    "names.csv": _count("names.csv"),
    "neighbourhoods.csv": _load_areas,
    "postcodes.csv.gz": _load_postcodes,
    "bank_holidays.csv": _load_holidays,
    "library_facilities.csv": _count("library_facilities.csv"),
    "libraries.csv": _load_libraries,
    "places.csv": _load_places,
}
TOGETHER = {
    "neighbourhoods.csv": ("wards.csv", "outcodes.csv", "names.csv"),
    "libraries.csv": ("library_facilities.csv",),
}


def import_places(
    session: Session,
    rows: Iterable[Mapping[str, Any]],
    *,
    source_name: str,
    now: datetime,
    hold_likely: bool = False,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _count: None,
) -> ImportReport:
    """Add or renew places of one source by their key; what a person edited or checked is left as it is.

    A row that says what is already known changes nothing. With `hold_likely` a new row that looks like a place we
    have (same kind, near, like name) is held back and reported, never merged. `dry_run` only reads. `progress` is
    called with the number of rows done. The keys of a row stand at `row_facts.read_facts`.
    """
    work = _Import(session, source_name, now.date(), hold_likely, dry_run)
    for count, row in enumerate(rows, 1):
        progress(count)
        line, part = int(row.get("line", count + 1)), str(row.get("part", "line"))
        action, text = work.take(row, f"{part} {line}")
        work.report.outcomes.append(Outcome(line, part, action, text))
        work.report.remarks += [Refused(line, remark, part) for remark in work.remarks]
    if not dry_run:
        session.flush()
    return work.report


class _Import:
    """One run: the places there are, and what the rows so far have added to them."""

    def __init__(
        self, session: Session, source_name: str, today: date, hold_likely: bool, dry_run: bool
    ) -> None:
        self.session, self.source_name, self.today = session, source_name, today
        self.hold_likely, self.dry_run = hold_likely, dry_run
        self.report = ImportReport()
        self.remarks: list[str] = []
        self.ground = Ground(session)
        stored = session.scalars(
            select(Place).options(selectinload(Place.spans), selectinload(Place.facilities))
        ).all()
        self.known = {place.source_key: place for place in stored}
        self.slugs = {place.slug for place in stored} | RESERVED_SLUGS
        self.seen: dict[str, str] = {}
        self.neighbours = Neighbourhood()
        for place in stored:
            self.neighbours.add(
                Known(place.name, tuple(place.kind_list), place.lat, place.lng, place.slug, place.source)
            )

    def take(self, row: Mapping[str, Any], where: str) -> tuple[Action, str]:
        """Take one row, or say why not; `remarks` then holds what was mended or left out."""
        self.remarks = []
        name = clean(row.get("name"))
        try:
            facts, remarks = read_facts(self.ground, row)
        except ValueError as err:
            return Action.REFUSED, f"{name or '?'}: {err}"
        key = source_key(self.source_name, row)
        if key in self.seen:
            return Action.REFUSED, f"{name}: stands there twice, first at {self.seen[key]}; give each an id"
        self.seen[key] = where
        here = self.known.get(key)
        if here is not None and (here.edited_at or here.checked_on or here.hours_confirmed):
            return Action.KEPT, f"{name}: edited or checked by a person, left as it is"
        if here is None and self.hold_likely and not row.get("key"):
            like = self.neighbours.find_like(name, facts.kinds, facts.lat, facts.lng)
            if like is not None:
                return Action.LIKELY, f"{name}: {_like_words(like)}"
        self.remarks = [f"{name}: {remark}" for remark in remarks]
        if here is None:
            return Action.ADDED, f"{name} ({self._add(name, key, row, facts)})"
        changed = _differences(here, facts)
        if not changed:
            return Action.SAME, f"{name} ({here.slug})"
        if not self.dry_run:
            _fill(here, facts, self.today)
        return Action.CHANGED, f"{name} ({here.slug}): {', '.join(changed)}"

    def _add(self, name: str, key: str, row: Mapping[str, Any], facts: Facts) -> str:
        slug = _free_slug(name, self.slugs, clean(row.get("slug")))
        self.slugs.add(slug)
        self.neighbours.add(
            Known(name, facts.kinds, facts.lat, facts.lng, slug, str(facts.columns["source"]))
        )
        if not self.dry_run:
            place = Place(source_key=key, slug=slug, read_on=self.today)
            self.session.add(place)
            _fill(place, facts, self.today)
        return slug


def _like_words(like: Likeness) -> str:
    far = "same name" if like.metres is None else f"{like.metres:.0f} metres away"
    return f"looks like {like.known.name} ({like.known.slug}, {far}, from {like.known.source})"


def _stored_spans(place: Place) -> frozenset[tuple[Span, bool]]:
    return frozenset((row.as_span(), row.on_holidays) for row in place.spans)


def _stored_facilities(place: Place) -> dict[str, tuple[str, str, str, str]]:
    return {
        fact.name: (fact.value, fact.source_address, fact.source_on, fact.confidence)
        for fact in place.facilities
    }


def _differences(place: Place, facts: Facts) -> list[str]:
    """The names of what a row says otherwise. The day of reading counts only where the row itself names one."""
    found = [name for name, value in facts.columns.items() if getattr(place, name) != value]
    if facts.spans != _stored_spans(place):
        found.append("hours")
    if facts.facilities != _stored_facilities(place):
        found.append("facilities")
    if facts.read_on is not None and facts.read_on != place.read_on:
        found.append("read_on")
    return found


def _fill(place: Place, facts: Facts, today: date) -> None:
    for name, value in facts.columns.items():
        setattr(place, name, value)
    place.read_on = facts.read_on or today
    if place.id is None or facts.spans != _stored_spans(place):
        place.spans = [
            OpeningSpan(
                weekday=span.weekday,
                opens=span.opens,
                closes=span.closes,
                kind=span.kind.value,
                nth=span.nth,
                on_holidays=on_holidays,
            )
            for span, on_holidays in sorted(facts.spans, key=_in_week)
        ]
    here = {facility.name: facility for facility in place.facilities}
    place.facilities = [_facility(here.get(name), name, *fact) for name, fact in facts.facilities.items()]


def _in_week(item: tuple[Span, bool]) -> tuple[Any, ...]:
    span, on_holidays = item
    return on_holidays, span.weekday, span.opens, span.closes, span.kind.value, span.nth or 0


def _facility(found: Facility | None, name: str, value: str, address: str, on: str, sure: str) -> Facility:
    facility = found or Facility(name=name)
    facility.value, facility.source_address, facility.source_on, facility.confidence = (
        value,
        address,
        on,
        sure,
    )
    return facility


def _free_slug(name: str, taken: set[str], wish: str = "") -> str:
    """A part of an address nobody has yet; the one wished for, if it is well-formed and free."""
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", wish) and len(wish) <= longest("slug") and wish not in taken:
        return wish
    stem = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:70] or "place"
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug


def report_place(
    session: Session, *, place: Place, what: str, words: str, language: str, now: datetime
) -> PlaceReport:
    """Keep "tell us it is wrong", once when it is sent twice. No name is asked for.

    Raises RuleBroken for an empty or endless report.
    """
    words = words.strip()
    if what not in REPORT_KINDS:
        raise RuleBroken(N_("Choose what is wrong."), field="what")
    if len(words) > REPORT_LENGTH:
        raise RuleBroken(N_("That is too long. Use 1,000 letters at most."), field="words")
    recent = session.scalars(
        select(PlaceReport).where(
            PlaceReport.place_id == place.id,
            PlaceReport.what == what,
            PlaceReport.at > now - REPORT_TWICE,
            PlaceReport.at <= now,
        )
    )
    # The words are encrypted, so the database cannot compare them.
    same = next((report for report in recent if report.words == words), None)
    if same is not None:
        return same
    report = PlaceReport(place_id=place.id, what=what, words=words, language=language, status="new", at=now)
    session.add(report)
    session.flush()
    return report
