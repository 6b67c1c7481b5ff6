"""Make the compact tables of a city pack from fresh releases of open data, and read them back.

Each builder takes the release as its publisher gives it, refuses lines it cannot use with their number and reason,
and writes the table in one order, so that the same release gives the same file.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

from inclusion_app.places.hours import read_osm_week
from inclusion_app.places.postcodes import Postcode, read_where

CITY = Path(__file__).parent / "city" / "manchester"
OUTLINE_TOLERANCE = 0.00025  # degrees: about 20 metres, finer than the drawing shows


@dataclass(frozen=True)
class Refused:
    """A line of a release that was not taken, and why. `part` is what is counted: line, feature or service."""

    line: int
    reason: str
    part: str = "line"

    def __str__(self) -> str:
        return f"{self.part} {self.line}: {self.reason}"


def open_table(name: str, folder: Path = CITY) -> io.StringIO:
    """The text of a table, unpacked when it is packed."""
    path = folder / name
    data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    return io.StringIO(data.decode("utf-8"), newline="")


def read_table(name: str, folder: Path = CITY) -> Iterator[dict[str, str]]:
    """The rows of a table by column name."""
    yield from csv.DictReader(open_table(name, folder))


def describe(folder: Path = CITY) -> dict[str, dict[str, Any]]:
    """pack.toml: each table with source, licence, notice, date."""
    found: dict[str, dict[str, Any]] = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))[
        "table"
    ]
    return found


def digest(name: str, folder: Path = CITY) -> str:
    """The SHA-256 of a table file."""
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


def write_table(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    """Write a CSV, packed when the name says so; the same rows give the same bytes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    data = out.getvalue().encode()
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def build_postcodes(source: Path, target: Path) -> tuple[int, list[Refused]]:
    """From a CSV with postcode, lat, lng and ward_code: ours groups by outward part and keeps whole 1/100,000 degrees.

    Columns of ours: outward, inward, lat_e5, lng_e5, ward. Returns rows written and lines refused.
    """
    rows: list[list[Any]] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    with source.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                read = read_where(row["postcode"])
                lat, lng = round(float(row["lat"]) * 1e5), round(float(row["lng"]) * 1e5)
            except (KeyError, ValueError) as err:
                refused.append(Refused(number, f"cannot be read: {err}"))
                continue
            if not isinstance(read, Postcode):
                refused.append(Refused(number, f"no postcode: {row['postcode']}"))
            elif str(read) in seen:
                refused.append(Refused(number, f"stands there twice: {read}"))
            elif not (49_80000 < lat < 61_00000 and -9_00000 < lng < 2_50000):
                refused.append(Refused(number, f"not in Great Britain: {read}"))
            else:
                seen.add(str(read))
                rows.append([read.outward, read.inward, lat, lng, row.get("ward_code", "")])
    rows.sort()
    short = [
        [row[0] if index == 0 or rows[index - 1][0] != row[0] else "", *row[1:]]
        for index, row in enumerate(rows)
    ]
    write_table(target, ["outward", "inward", "lat_e5", "lng_e5", "ward"], short)
    return len(rows), refused


def read_postcodes(folder: Path = CITY) -> Iterator[tuple[Postcode, int, int, str]]:
    """(postcode, lat, lng in 1/100,000 degrees, ward code) of the pack."""
    return read_postcodes_file(folder / "postcodes.csv.gz")


def read_postcodes_file(path: Path) -> Iterator[tuple[Postcode, int, int, str]]:
    """The same of any table that build_postcodes wrote."""
    outward = ""
    for row in csv.reader(open_table(path.name, path.parent)):
        if row[0] == "outward":
            continue
        outward = row[0] or outward
        yield Postcode(outward, row[1]), int(row[2]), int(row[3]), row[4]


def build_wards(labels: Path, outlines: Path | None, target: Path, districts: Mapping[str, str]) -> int:
    """From ward GeoJSON (label points) and, for the city's own wards, a finer GeoJSON for outlines."""
    shapes: dict[str, list[list[float]]] = {}
    if outlines:
        for feature in json.loads(outlines.read_text())["features"]:
            facts, ring = feature["properties"], _largest_ring(feature["geometry"])
            shapes[facts.get("ward_code") or facts["area_code"]] = simplify(ring, OUTLINE_TOLERANCE)
    rows = []
    for feature in json.loads(labels.read_text())["features"]:
        facts = feature["properties"]
        code = facts.get("area_code") or facts["ward_code"]
        district = districts.get(
            facts.get("local_authority_area_code", ""), facts.get("local_authority_area_name", "")
        )
        outline = json.dumps(shapes[code], separators=(",", ":")) if code in shapes else ""
        name = facts.get("area_name") or facts["ward_name"]
        rows.append(
            [code, name, district, round(float(facts["lat"]), 5), round(float(facts["lon"]), 5), outline]
        )
    rows.sort()
    write_table(target, ["code", "name", "district", "lat", "lng", "outline"], rows)
    return len(rows)


def _largest_ring(geometry: Mapping[str, Any]) -> list[list[float]]:
    rings = (
        geometry["coordinates"] if geometry["type"] == "Polygon" else [p[0] for p in geometry["coordinates"]]
    )
    return max(rings if geometry["type"] == "MultiPolygon" else rings[:1], key=len)


def simplify(ring: list[list[float]], tolerance: float) -> list[list[float]]:
    """Douglas and Peucker's line simplification on a closed ring; keeps the ends."""
    if len(ring) < 4:
        return ring
    keep = {0, len(ring) - 1}
    waiting = [(0, len(ring) // 2), (len(ring) // 2, len(ring) - 1)]
    keep.add(len(ring) // 2)
    while waiting:
        first, last = waiting.pop()
        (x1, y1), (x2, y2) = ring[first], ring[last]
        length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1e-12)
        far, where = 0.0, first
        for index in range(first + 1, last):
            x, y = ring[index]
            away = abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length
            if away > far:
                far, where = away, index
        if far > tolerance:
            keep.add(where)
            waiting += [(first, where), (where, last)]
    return [[round(ring[index][0], 5), round(ring[index][1], 5)] for index in sorted(keep)]


def _holiday_lines(source: Path, division: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(line, row) of gov.uk's bank-holidays.json, or of a CSV with the same column names."""
    if source.suffix == ".json":
        found = json.loads(source.read_text(encoding="utf-8"))
        if division not in found:
            raise ValueError(f"no {division} in {source.name}")
        yield from enumerate(found[division]["events"], 1)
        return
    with source.open(encoding="utf-8-sig", newline="") as file:
        yield from enumerate(csv.DictReader(file), 2)


def build_holidays(
    source: Path, target: Path, *, division: str = "england-and-wales"
) -> tuple[int, list[Refused]]:
    """From a CSV with date and title, or gov.uk's JSON. Columns of ours: date, title.

    Returns days written and entries refused (JSON entries count from 1). Raises ValueError for a JSON file without
    the division.
    """
    rows: list[list[Any]] = []
    refused = []
    seen: set[str] = set()
    for number, row in _holiday_lines(source, division):
        try:
            day = date.fromisoformat(row["date"]).isoformat()
            title = str(row["title"]).replace("_", " ").strip()
        except (KeyError, TypeError, ValueError) as err:
            refused.append(Refused(number, f"no date: {err}"))
            continue
        if not title:
            refused.append(Refused(number, f"no name: {day}"))
        elif day in seen:
            refused.append(Refused(number, f"stands there twice: {day}"))
        else:
            seen.add(day)
            rows.append([day, title])
    rows.sort()
    write_table(target, ["date", "title"], rows)
    return len(rows), refused


def build_outcodes(postcodes: Path, wards: Path, target: Path) -> int:
    """The middle of each outward part (the mean of its postcodes) and the district most of them lie in.

    From a postcode table and a ward table of ours. Columns: outcode, lat, lng, district. Returns rows written.
    """
    districts = {row["code"]: row["district"] for row in read_table(wards.name, wards.parent)}
    points: dict[str, list[tuple[int, int]]] = {}
    inside: dict[str, Counter[str]] = {}
    for postcode, lat, lng, ward in read_postcodes_file(postcodes):
        points.setdefault(postcode.outward, []).append((lat, lng))
        inside.setdefault(postcode.outward, Counter())[districts.get(ward, "")] += 1
    rows = [
        [
            outcode,
            round(sum(lat for lat, _lng in here) / len(here) / 1e5, 4),
            round(sum(lng for _lat, lng in here) / len(here) / 1e5, 4),
            inside[outcode].most_common(1)[0][0],
        ]
        for outcode, here in sorted(points.items())
    ]
    write_table(target, ["outcode", "lat", "lng", "district"], rows)
    return len(rows)


LIBRARY_COLUMNS = [
    "name",
    "address",
    "postcode",
    "lat",
    "lng",
    "ward",
    "run_by",
    "staffed_hours_osm",
    "self_service_entry",
    "sources_differ",
    "staffed_hours_other_source",
    "source_on",
    "source",
    "source_address",
    "licence",
    "read_on",
    "confidence",
    "opening_note",
]
SOME_HOURS_NO_STAFF = "For some of these hours there may be no staff. Then you need a card and PIN."
HOURS_OF_THE_BUILDING = (
    "These are the hours of the leisure centre. Library staff may be there for fewer hours."
)
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SAME_HOURS = 0.5  # weekly totals this near are taken for the same


def build_libraries(
    listed: Path,
    totals: Path,
    postcodes: Path,
    target: Path,
    *,
    authority: str,
    source_on: str,
    read_on: date,
) -> tuple[int, list[Refused]]:
    """Open libraries of one authority, from a LibrariesHacked list, the Arts Council's totals and our postcodes.

    A library stands at its postcode's point. `sources_differ` is "yes" when the listed week comes within half an
    hour of neither weekly total of the other source; `self_service_entry` when that source names entry without
    staff. Where the listed week is the total with those hours in it, `opening_note` says so. Closed libraries are
    passed over, and so it does where a leisure centre under the same roof is open longer than the library has staff.
    Returns rows written and lines refused.
    """
    points = {str(postcode): (lat, lng, ward) for postcode, lat, lng, ward in read_postcodes_file(postcodes)}
    with totals.open(encoding="utf-8-sig", newline="") as file:
        # By name within the authority: nearly every city has a Central Library.
        known = {
            row["name"].casefold(): row
            for row in csv.DictReader(file)
            if row["reporting"].startswith(authority) and not row["closed"].strip()
        }
    rows: list[list[Any]] = []
    refused: list[Refused] = []
    with listed.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            if not row["Local authority"].startswith(authority) or row["Year closed"].strip():
                continue
            read = read_where(row["Postcode"])
            point = points.get(str(read))
            other = known.get(row["Library name"].casefold(), {})
            try:
                week = _listed_week(row)
                hours = sum(_length(span.opens, span.closes) for span in read_osm_week(week))
            except ValueError as err:
                refused.append(Refused(number, f"{row['Library name']}: {err}"))
                continue
            if point is None:
                refused.append(
                    Refused(number, f"{row['Library name']}: postcode not known: {row['Postcode']}")
                )
                continue
            sums = [
                float(other[name]) for name in ("hours", "staffed_hours") if _is_number(other.get(name, ""))
            ]
            differ = not any(abs(total - hours) <= SAME_HOURS for total in sums)
            entry = bool(re.fullmatch(r"Yes|.*Open\+.*", other.get("automated", "")))
            staffed = other.get("staffed_hours", "")
            fewer = _is_number(staffed) and hours - float(staffed) > SAME_HOURS
            note = SOME_HOURS_NO_STAFF if entry and not differ and fewer else ""
            if fewer and "leisure" in (row.get("Co-located with") or "").casefold():
                note = HOURS_OF_THE_BUILDING
            address = [row[f"Address {part}"].strip() for part in (1, 2, 3)]
            rows.append(
                [
                    row["Library name"],
                    ", ".join(part for part in address if part and part != "Greater Manchester"),
                    row["Postcode"],
                    point[0] / 1e5,
                    point[1] / 1e5,
                    point[2],
                    "community" if row["Type of library"] == "CRL" else "council",
                    week,
                    "yes" if entry else "",
                    "yes" if sums and differ else "",
                    staffed,
                    source_on,
                    "LibrariesHacked librarydata-db; Arts Council England 2023",
                    "https://github.com/LibrariesHacked/librarydata-db",
                    "OGL-UK-3.0",
                    read_on.isoformat(),
                    "high",
                    note,
                ]
            )
    rows.sort()
    write_table(target, LIBRARY_COLUMNS, rows)
    return len(rows), refused


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d+(\.\d+)?", text.strip()))


def _length(opens: time, closes: time) -> float:
    """Hours from opening to closing, past midnight when it closes earlier."""
    minutes = (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
    return minutes % (24 * 60) / 60


def _listed_week(row: Mapping[str, str]) -> str:
    """OSM text of the seven staffed columns; days that follow each other with the same times stand together."""
    groups: list[tuple[list[str], str]] = []
    last = -2
    for number, day in enumerate(WEEK):
        times = row[f"{day} staffed hours"].strip()
        if not times:
            continue
        if groups and groups[-1][1] == times and last == number - 1:
            groups[-1][0].append(day[:2])
        else:
            groups.append(([day[:2]], times))
        last = number
    return "; ".join(
        f"{days[0]}-{days[-1]} {times}" if len(days) > 2 else f"{','.join(days)} {times}"
        for days, times in groups
    )


def renew_description(folder: Path = CITY, *, released_on: Mapping[str, date] | None = None) -> list[str]:
    """Write the row counts and checksums of the tables as they are now into pack.toml, and release dates if given.

    Everything else in the file stays as it is. Returns the names of the tables whose entry changed.
    """
    path = folder / "pack.toml"
    text = path.read_text(encoding="utf-8")
    changed = []
    for name, facts in describe(folder).items():
        now = {
            "rows": str(sum(1 for _row in read_table(name, folder))),
            "sha256": f'"{digest(name, folder)}"',
        }
        if released_on and name in released_on:
            now["released_on"] = f'"{released_on[name].isoformat()}"'
        begins = text.index(f'[table."{name}"]')
        ends = text.find("\n[", begins)
        entry = text[begins:] if ends < 0 else text[begins:ends]
        fresh = entry
        for key, value in now.items():
            fresh = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", fresh)
        if fresh != entry:
            text = text.replace(entry, fresh)
            changed.append(name)
        if set(now) - set(facts):
            raise ValueError(f"{name}: pack.toml has no {', '.join(sorted(set(now) - set(facts)))}")
    path.write_text(text, encoding="utf-8")
    return changed


DESCRIBED = ("title", "source", "licence", "released_on", "rows", "sha256", "notice")


def check_pack(folder: Path = CITY) -> list[str]:
    """What is wrong with a pack, one sentence each: a table that is not described, not there, or not as described."""
    told = describe(folder)
    there = {path.name for path in folder.iterdir() if path.name.endswith((".csv", ".csv.gz"))}
    wrong = [f"{name}: not in pack.toml" for name in sorted(there - set(told))]
    for name, facts in told.items():
        wrong += [f"{name}: pack.toml has no {key}" for key in DESCRIBED if key not in facts]
        if name not in there:
            wrong.append(f"{name}: the table is not there")
            continue
        rows = sum(1 for _row in read_table(name, folder))
        if rows != facts.get("rows"):
            wrong.append(f"{name}: {rows} rows, {facts.get('rows')} told")
        if digest(name, folder) != facts.get("sha256"):
            wrong.append(f"{name}: the checksum differs")
    return wrong


def extract_notes(
    fileobj: Any, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extraction method: opening notes and what a programme gives are our own words, so they are translated."""
    text = io.StringIO(fileobj.read().decode("utf-8"), newline="")
    for number, row in enumerate(csv.DictReader(text), 2):
        if row.get("opening_note"):
            yield number, "gettext", row["opening_note"], [f"opening times of {row['name']}"]
        if row.get("what"):
            yield number, "gettext", row["what"], [f"what {row['name']} gives"]
