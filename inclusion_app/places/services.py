"""Verbs that change places: load the city pack, import a release, keep a report."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.orm import Session, selectinload, undefer

from inclusion_app.core import history
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import LOST
from inclusion_app.core.retention_runs import keep
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
RESERVED_SLUGS = {"areas"}  # pages of their own below /places
# Retention default, to be confirmed by the city's data-protection officer.
REPORT_SETTLED_KEPT = timedelta(days=90)
BATCH = 5_000
WRITE_BATCH = 200


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
    # The pack's own tables say themselves whose each row is.
    report = import_places(session, rows, source_name=source_name, now=now, own=True)
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
    own: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Add or renew places of one source by their key; what a person edited or checked is left as it is.

    A row that says what is already known changes nothing. With `hold_likely` a new row that looks like a place we
    have (same kind, near, like name) is held back and reported, never merged. `own` lets rows change places of
    another source. `dry_run` only reads. The keys of a row stand at `row_facts.read_facts`.
    """
    report, changes = decide_import(
        session, rows, source_name=source_name, now=now, hold_likely=hold_likely, own=own
    )
    if not dry_run:
        for batch in in_batches(changes):
            write_import(session, batch, now=now)
    return report


def in_batches(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """The changes in parts that are written quickly, so that others wait for a moment only."""
    for first in range(0, len(changes), WRITE_BATCH):
        yield changes[first : first + WRITE_BATCH]


@dataclass(frozen=True)
class Change:
    """What a row adds (`place_id` None, with its key and address) or changes; decided, not written yet."""

    key: str
    slug: str
    facts: Facts
    place_id: int | None


def decide_import(
    session: Session,
    rows: Iterable[Mapping[str, Any]],
    *,
    source_name: str,
    now: datetime,
    hold_likely: bool = False,
    own: bool = False,
    progress: Callable[[int], None] = lambda _count: None,
) -> tuple[ImportReport, list[Change]]:
    """What an import would do, row by row, and what is to be written for it. It only reads, however long it takes.

    `progress` is called with the number of rows done.
    """
    work = _Import(session, source_name, hold_likely, own)
    for count, row in enumerate(rows, 1):
        progress(count)
        line, part = int(row.get("line", count + 1)), str(row.get("part", "line"))
        action, text = work.take(row, f"{part} {line}")
        work.report.outcomes.append(Outcome(line, part, action, text, work.of_another))
        work.report.remarks += [Refused(line, remark, part) for remark in work.remarks]
    return work.report, work.changes


def write_import(session: Session, changes: Sequence[Change], *, now: datetime) -> int:
    """Write what was decided; returns how many. A place somebody edited, checked or added meanwhile is left as it is."""
    found = session.scalars(
        select(Place)
        .where(or_(Place.source_key.in_([c.key for c in changes]), Place.slug.in_([c.slug for c in changes])))
        .options(selectinload(Place.spans), selectinload(Place.facilities))
    ).all()
    by_key, slugs = {place.source_key: place for place in found}, {place.slug for place in found}
    done = 0
    for change in changes:
        here = by_key.get(change.key)
        if change.place_id is None:
            if here is not None or change.slug in slugs:
                continue
            here = Place(source_key=change.key, slug=change.slug, read_on=now.date())
            session.add(here)
        elif here is None or here.id != change.place_id or _is_a_persons(here):
            continue
        _fill(here, change.facts, now.date())
        done += 1
    session.flush()
    return done


def _is_of(place: Place, facts: Facts) -> bool:
    return place.source.casefold() == str(facts.columns["source"]).casefold()


def _is_a_persons(place: Place) -> bool:
    return bool(place.edited_at or place.checked_on or place.hours_confirmed)


class _Import:
    """One run: the places there are, what the rows so far would add to them, and what is to be written."""

    def __init__(self, session: Session, source_name: str, hold_likely: bool, own: bool) -> None:
        self.source_name, self.hold_likely, self.own = source_name, hold_likely, own
        self.report = ImportReport()
        self.changes: list[Change] = []
        self.remarks: list[str] = []
        self.of_another = False
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
        self.remarks, self.of_another = [], False
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
        if here is not None and _is_a_persons(here):
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
        if not key.startswith(f"{self.source_name}:") or not _is_of(here, facts):
            self.of_another = True
            if not self.own:
                return (
                    Action.REFUSED,
                    f"{name}: would change {here.slug}, which is from {here.source}; --own if that is right",
                )
        self.changes.append(Change(key, here.slug, facts, here.id))
        return Action.CHANGED, f"{name} ({here.slug}): {', '.join(changed)}"

    def _add(self, name: str, key: str, row: Mapping[str, Any], facts: Facts) -> str:
        slug = _free_slug(name, self.slugs, clean(row.get("slug")))
        self.slugs.add(slug)
        self.neighbours.add(
            Known(name, facts.kinds, facts.lat, facts.lng, slug, str(facts.columns["source"]))
        )
        self.changes.append(Change(key, slug, facts, None))
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
    words = words.replace(LOST, "").strip()
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
    if what == "other" and not words:
        raise RuleBroken(N_("Write what is wrong."), field="words")
    report = PlaceReport(place_id=place.id, what=what, words=words, language=language, status="new", at=now)
    session.add(report)
    session.flush()
    return report


def settle_report(session: Session, *, report_id: int, to: str, actor: str, now: datetime) -> PlaceReport:
    """Somebody has looked at a report: "mended" or "refused". Raises RuleBroken when there is none, or it was settled."""
    report = session.get(PlaceReport, report_id)
    if report is None:
        raise RuleBroken(CHANGED_ALREADY)
    history.move(session, report, to, actor=actor, now=now)
    report.settled_at = now
    session.flush()
    return report


def delete_old_reports(session: Session, *, now: datetime) -> int:
    """Delete reports 90 days after they were settled, and all after a year: they may name a person. Returns how many."""
    old = or_(
        PlaceReport.settled_at <= now - REPORT_SETTLED_KEPT, PlaceReport.at <= now - keep("place-report")
    )
    history.forget(session, PlaceReport.__tablename__, select(PlaceReport.id).where(old))
    done = session.execute(delete(PlaceReport).where(old), execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]
