"""Units in and out as CSV: what stands in each column, which rows are refused and why. Pure, but for the look-ups it is given.

The columns are told in docs/loan-stock.md.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

from inclusion_app.core.csv_out import STARTS_A_FORMULA, csv_file
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import Unit
from inclusion_app.loans.services.stock import NewUnit, UnitFacts, known_tag, marks_of

COLUMNS = (
    "tag", "model", "place", "serial", "imei", "owner", "donor", "acquired_on", "support_until", "condition", "parts", "note",
)  # fmt: skip
OUT = (*COLUMNS, "fitness", "lent_times")
ALIASES = {
    "serial_number": "serial",
    "asset_tag": "tag",
    "device": "model",
    "location": "place",
    "donated_by": "donor",
    "date": "acquired_on",
    "os_support_until": "support_until",
    "accessories": "parts",
    "notes": "note",
}
T = TypeVar("T")
MOST_ROWS = 2_000
LONGEST = {"donor": 80, "note": 300}
NO_HEAD = N_("The first line names the columns. We need at least: model, place.")
NO_TEXT = N_("This file is no CSV in UTF-8.")
TOO_MANY_ROWS = N_("A file has up to 2000 devices. Send it in parts.")
NO_MODEL = N_("No device model has this name.")
NO_PLACE = N_("No place has this name or short name.")
NO_OWNER = N_("No organisation has this name.")
WRONG_DAY = N_("Write a day like 2026-03-31 or 31/03/2026.")
WRONG_CONDITION = N_("Condition is A, B, C or D.")
WRONG_PARTS = N_("Write parts like: charger; mouse; bag x2.")
TOO_LONG = N_("This is too long.")
TWICE = N_("An earlier line of this file has the same.")
NEEDS_MARK = N_("Give a tag, a serial number or an IMEI, so that the file can be sent twice.")


@dataclass(frozen=True)
class Refused:
    """A line that is not taken: which, in which column, and why (N_)."""

    line: int
    column: str
    why: str
    params: Mapping[str, str]


@dataclass(frozen=True)
class Names:
    """The rows a file names: model, place and owner by their names, small and capital letters alike."""

    models: Mapping[str, int]
    place: Callable[[str], int | None]
    owners: Mapping[str, int]
    own: int


def read_units(text: str, names: Names) -> tuple[list[NewUnit], list[Refused]]:
    """The rows of a file, and the refused ones. Raises RuleBroken at `file` for one that is no such table."""
    reader = csv.reader(io.StringIO(text), delimiter=_sign(text))
    try:
        table = [(reader.line_num, cells) for cells in reader]
    except csv.Error:
        raise RuleBroken(NO_TEXT, field="file") from None
    head = [_column(cell) for cell in table[0][1]] if table else []
    if not {"model", "place"} <= set(head):
        raise RuleBroken(NO_HEAD, field="file")
    if len(table) - 1 > MOST_ROWS:
        raise RuleBroken(TOO_MANY_ROWS, field="file")
    rows: list[NewUnit] = []
    refused: list[Refused] = []
    seen: set[tuple[str, str]] = set()
    for line, cells in table[1:]:
        said = {name: _cell(cell) for name, cell in zip(head, cells, strict=False) if name}
        if not any(said.values()):
            continue
        wrong: list[RuleBroken] = []
        row = _row(line, said, names, wrong)
        marks = {("tag", row.tag), ("serial", row.facts.serial), ("imei", row.facts.imei)}
        marks = {mark for mark in marks if mark[1]}
        wrong += [RuleBroken(TWICE, field=mark[0]) for mark in sorted(marks & seen)]
        seen |= marks
        refused += [Refused(line, one.field or "", one.message, one.params) for one in wrong]
        if not wrong:
            rows.append(row)
    return rows, refused


def _sign(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _column(cell: str) -> str:
    plain = re.sub(r"[\s-]+", "_", cell.strip().casefold())
    ours = ALIASES.get(plain, plain)
    return ours if ours in COLUMNS else ""


def _cell(cell: str) -> str:
    """What was typed; the apostrophe that our own files put before a formula goes."""
    text = one_line(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith(STARTS_A_FORMULA) else text


def _row(line: int, said: Mapping[str, str], names: Names, wrong: list[RuleBroken]) -> NewUnit:
    """The unit of a line. All that is wrong in it goes into `wrong`, so that whoever mends it mends it once."""

    def good(read: Callable[[], T], instead: T) -> T:
        try:
            return read()
        except RuleBroken as broken:
            wrong.append(broken)
            return instead

    def known(number: int | None, why: str, column: str) -> int:
        if number is None:
            wrong.append(RuleBroken(why, field=column))
        return number or 0

    owner = names.owners.get(said["owner"].casefold()) if said.get("owner") else names.own
    condition = (said.get("condition") or "B").upper()
    facts = UnitFacts(
        model_id=known(names.models.get(said.get("model", "").casefold()), NO_MODEL, "model"),
        place_id=known(names.place(said.get("place", "")), NO_PLACE, "place"),
        owner_id=known(owner, NO_OWNER, "owner"), donor=said.get("donor", ""), note=said.get("note", ""),
        acquired_on=good(lambda: _day(said, "acquired_on"), None), condition=condition,
        support_until=good(lambda: _day(said, "support_until"), None),
        parts=good(lambda: read_parts(said.get("parts", "")), ()),
    )  # fmt: skip
    for name, longest in LONGEST.items():
        if len(said.get(name, "")) > longest:
            wrong.append(RuleBroken(TOO_LONG, field=name))
    if condition not in rules.CONDITIONS:
        wrong.append(RuleBroken(WRONG_CONDITION, field="condition"))
    serial = good(lambda: marks_of(replace(facts, serial=said.get("serial", "")))[0], None) or ""
    imei = good(lambda: marks_of(replace(facts, imei=said.get("imei", "")))[1], None) or ""
    tag = good(lambda: known_tag(said["tag"]) if said.get("tag") else "", "")
    if not (said.get("tag") or said.get("serial") or said.get("imei")):
        wrong.append(RuleBroken(NEEDS_MARK, field="serial"))
    return NewUnit(line, tag, replace(facts, serial=serial, imei=imei))


def _day(said: Mapping[str, str], name: str) -> date | None:
    typed = said.get(name, "")
    if not typed:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(typed, form).date()  # noqa: DTZ007 - a day of the wall calendar
        except ValueError:
            continue
    raise RuleBroken(WRONG_DAY, field=name)


def read_parts(typed: str) -> tuple[tuple[str, int], ...]:
    """Names and counts of "charger; bag x2", a line or a semicolon each. Raises RuleBroken at `parts`."""
    found: dict[str, int] = {}
    for piece in re.split(r"[;\n]", typed):
        words = one_line(piece)
        if not words:
            continue
        counted = re.fullmatch(r"(.*\S)\s*[x×]\s*(\d{1,2})", words)  # noqa: RUF001 - as people type it
        name, count = (counted[1], int(counted[2])) if counted else (words, 1)
        if not 1 <= count <= 20 or len(name) > 40 or name in found or len(found) > 20:
            raise RuleBroken(WRONG_PARTS, field="parts")
        found[name] = count
    return tuple(found.items())


def write_parts(unit: Unit) -> str:
    """The same back."""
    return "; ".join(part.name if part.count == 1 else f"{part.name} x{part.count}" for part in unit.parts)


def units_file(units: Sequence[Unit], owners: Mapping[int, str]) -> bytes:
    """All units, a line each. No resident is in it: who has one is not told."""
    return csv_file(
        OUT,
        [
            (
                unit.tag, unit.model.name, unit.place.slug, unit.serial, unit.imei, owners.get(unit.owner_id, ""),
                unit.donor, _iso(unit.acquired_on), _iso(unit.support_until), unit.condition, write_parts(unit), unit.note,
                unit.status, unit.issued,
            )
            for unit in units
        ],
    )  # fmt: skip


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
