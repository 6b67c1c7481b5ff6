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
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from inclusion_app.places.postcodes import Postcode, read_where

CITY = Path(__file__).parent / "city" / "manchester"
OUTLINE_TOLERANCE = 0.00025  # degrees: about 20 metres, finer than the drawing shows


@dataclass(frozen=True)
class Refused:
    """A line of a release that was not taken, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


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


def build_holidays(source: Path, target: Path) -> tuple[int, list[Refused]]:
    """From a CSV with date and title."""
    rows, refused = [], []
    with source.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                rows.append([date.fromisoformat(row["date"]).isoformat(), row["title"].replace("_", " ")])
            except (KeyError, ValueError) as err:
                refused.append(Refused(number, f"no date: {err}"))
    rows.sort()
    write_table(target, ["date", "title"], rows)
    return len(rows), refused


def extract_notes(
    fileobj: Any, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extraction method: the opening notes of places are our own words, so they are translated."""
    text = io.StringIO(fileobj.read().decode("utf-8"), newline="")
    for number, row in enumerate(csv.DictReader(text), 2):
        if row.get("opening_note"):
            yield number, "gettext", row["opening_note"], [f"opening times of {row['name']}"]
