"""Our own CSV: what `places export` writes, or any table with at least a column `name`. Pure."""

from __future__ import annotations

import re
from typing import Any

from inclusion_app.places.export import COLUMNS, unguarded
from inclusion_app.places.pack import Refused
from inclusion_app.places.readers.rows import (
    Options,
    Reading,
    clean,
    kinds_in_words,
    read_lines,
)

# What other people call our columns.
ALIASES = {
    "kind": "kinds",
    "type": "kinds",
    "latitude": "lat",
    "longitude": "lng",
    "lon": "lng",
    "long": "lng",
    "url": "website",
    "telephone": "phone",
    "opening_hours": "hours",
    "license": "licence",
}
KNOWN = frozenset(COLUMNS) | {"id"}
FACILITY = re.compile(
    r"(?P<name>\w+)(?:[\s=]+(?P<value>yes|no|not_known))?"
    r"(?: (?P<sure>high|medium) (?P<on>\d[\d-]*|-) (?P<address>\S+))?"
)
NEXT_FACILITY = re.compile(r";\s+(?=\w+(?:[\s=]|;|$))")


def read_csv(data: bytes, options: Options) -> Reading:
    """Rows with a name. A row without kinds takes `options.kind`, else what its name gives away, else is refused.

    Raises Unusable without a column `name`.
    """
    reading = Reading()
    for line, cells in read_lines(data, ("name",), _our_name):
        if isinstance(cells, Refused):
            reading.refused.append(cells)
            continue
        row: dict[str, Any] = {name: clean(unguarded(cell.strip(" "))) for name, cell in cells.items()}
        row["line"] = line
        if not row["name"]:
            reading.refused.append(Refused(line, "has no name"))
            continue
        if not row.get("kinds"):
            row["kinds"] = options.kind or " ".join(kinds_in_words(row["name"]))
        if not row["kinds"]:
            reading.refused.append(Refused(line, f"{row['name']}: no kind; fill in `kinds` or say --kind"))
            continue
        try:
            row["facilities"] = read_facilities(row.get("facilities", ""))
        except ValueError as err:
            reading.refused.append(Refused(line, f"{row['name']}: {err}"))
            continue
        reading.rows.append(row)
    return reading


def _our_name(name: str) -> str:
    """Our name of a column; small and capital letters are one. "" for what we do not know."""
    plain = name.casefold().replace(" ", "_")
    ours = ALIASES.get(plain, plain)
    return ours if ours in KNOWN else ""


def read_facilities(text: str) -> list[tuple[str, str, str | None, str | None, str | None]]:
    """(name, value, source address, source date, confidence) of "wifi yes high 2025-06 https://…; computers".

    The last three are None where the text does not say: the row's own then hold. Raises ValueError.
    """
    found: list[tuple[str, str, str | None, str | None, str | None]] = []
    for part in filter(None, (piece.strip() for piece in NEXT_FACILITY.split(text))):
        read = FACILITY.fullmatch(part)
        if not read:
            raise ValueError(f"cannot read the facility: {part[:60]}")
        # A dash says there is none; a part left out says nothing, and the row's own then holds.
        address, on = ("" if given == "-" else given for given in (read["address"], read["on"]))
        found.append((read["name"], read["value"] or "yes", address, on, read["sure"]))
    return found
