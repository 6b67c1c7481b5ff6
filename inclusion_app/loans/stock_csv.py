"""Units in and out as CSV: what stands in each column, which rows are refused and why. Pure, but for the look-ups it is given.

The columns are told in docs/loan-stock.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from inclusion_app.core.csv_out import csv_file
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.csv_in import NO_PLACE, Columns, Line, Refused, Way, iso, read_rows
from inclusion_app.loans.models import Unit
from inclusion_app.loans.services import stock
from inclusion_app.loans.services.stock import NewUnit, UnitFacts, known_tag, marks_of

COLUMNS = Columns(
    names=(
        "tag", "model", "place", "serial", "imei", "owner", "donor", "acquired_on", "support_until", "condition", "parts",
        "note",
    ),
    others={
        "serial_number": "serial",
        "asset_tag": "tag",
        "device": "model",
        "location": "place",
        "donated_by": "donor",
        "date": "acquired_on",
        "os_support_until": "support_until",
        "accessories": "parts",
        "notes": "note",
    },
    needed=("model", "place"),
)  # fmt: skip
OUT = (*COLUMNS.names, "fitness", "lent_times")
NO_MODEL = N_("No device model has this name.")
NO_OWNER = N_("No organisation has this name.")
WRONG_CONDITION = N_("Condition is A, B, C or D.")
WRONG_PARTS = N_("Write parts like: charger; mouse; bag x2.")
NEEDS_MARK = N_("Give a tag, a serial number or an IMEI, so that the file can be sent twice.")


@dataclass(frozen=True)
class Names:
    """The rows a file names: model, place and owner by their names, small and capital letters alike."""

    models: Mapping[str, int]
    place: Callable[[str], int | None]
    owners: Mapping[str, int]
    own: int


def way_in(session: Session, *, holder_id: int, names: Names, prefix: str, now: datetime) -> Way[NewUnit]:
    """A file of units into this pool; `prefix` is asked for once, with the first tag of a scheme."""
    return Way(
        read=lambda text: read_units(text, names),
        sort=lambda rows: stock.sort_rows(session, holder_id=holder_id, rows=rows),
        make=lambda rows: stock.make_rows(session, holder_id=holder_id, rows=rows, prefix=prefix, now=now),
        elsewhere=stock.IS_ELSEWHERE,
    )


def read_units(text: str, names: Names) -> tuple[list[NewUnit], list[Refused]]:
    """The rows of a file, and the refused ones. Raises RuleBroken at `file` for one that is no such table."""
    return read_rows(
        text, COLUMNS, read=lambda line: _row(line, names),
        marks=lambda row: {"tag": row.tag, "serial": row.facts.serial, "imei": row.facts.imei},
    )  # fmt: skip


def _row(line: Line, names: Names) -> NewUnit:
    owner = names.owners.get(line.text("owner").casefold()) if line.text("owner") else names.own
    condition = (line.text("condition") or "B").upper()
    facts = UnitFacts(
        model_id=line.known(names.models.get(line.text("model").casefold()), NO_MODEL, "model"),
        place_id=line.known(names.place(line.text("place")), NO_PLACE, "place"),
        owner_id=line.known(owner, NO_OWNER, "owner"), donor=line.text("donor", 80), note=line.text("note", 300),
        acquired_on=line.day("acquired_on"), condition=condition, support_until=line.day("support_until"),
        parts=line.good(lambda: read_parts(line.text("parts")), ()),
    )  # fmt: skip
    if condition not in rules.CONDITIONS:
        line.wrong.append(RuleBroken(WRONG_CONDITION, field="condition"))
    serial = line.good(lambda: marks_of(replace(facts, serial=line.text("serial")))[0], None) or ""
    imei = line.good(lambda: marks_of(replace(facts, imei=line.text("imei")))[1], None) or ""
    tag = line.good(lambda: known_tag(line.text("tag")) if line.text("tag") else "", "")
    if not (line.text("tag") or line.text("serial") or line.text("imei")):
        line.wrong.append(RuleBroken(NEEDS_MARK, field="serial"))
    return NewUnit(line.number, tag, replace(facts, serial=serial, imei=imei))


def read_parts(typed: str) -> tuple[tuple[str, int], ...]:
    """Names and counts of "charger; bag x2", a line or a semicolon each. Raises RuleBroken at `parts`."""
    found: dict[str, int] = {}
    for piece in re.split(r"[;\n]", typed):
        words = one_line(piece)
        if not words:
            continue
        counted = re.fullmatch(r"(.*\S)\s+[x×]\s*(\d{1,2})", words)  # noqa: RUF001 - as people type it
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
                unit.donor, iso(unit.acquired_on), iso(unit.support_until), unit.condition, write_parts(unit), unit.note,
                unit.status, unit.issued,
            )
            for unit in units
        ],
    )  # fmt: skip
