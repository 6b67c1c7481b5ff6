"""The list of libraries as LibrariesHacked publishes it: a CSV of 31 columns. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inclusion_app.places.pack import WEEK, Refused
from inclusion_app.places.postcodes import name_key
from inclusion_app.places.readers.rows import Options, Reading, clean, read_lines


def read_librarieshacked(data: bytes, _options: Options) -> Reading:
    """Open libraries; closed ones are passed over. Raises Unusable without the list's own columns."""
    reading = Reading()
    for line, cells in read_lines(data, ("Library name", "Postcode")):
        if isinstance(cells, Refused):
            reading.refused.append(cells)
            continue
        row = {name: clean(cell) for name, cell in cells.items()}
        name = row["Library name"]
        if not name:
            reading.refused.append(Refused(line, "has no name"))
        elif row.get("Year closed"):
            reading.passed_over.append(Refused(line, f"{name}: closed in {row['Year closed']}"))
        else:
            reading.rows.append({**_row(row), "line": line})
    return reading


def _row(row: Mapping[str, str]) -> dict[str, Any]:
    authority = name_key(row.get("Local authority", ""))
    # Nearly every city has a Central Library: the authority is part of what makes it this one.
    own = name_key(row["Library name"])
    address = [row.get(f"Address {part}", "") for part in (1, 2, 3)]
    return {
        "id": f"{authority}/{own}" if authority else own,
        "name": row["Library name"],
        "kinds": "library",
        "address": ", ".join(part for part in address if part),
        "postcode": row["Postcode"],
        "hours": _week(row, "staffed"),
        "hours_self_service": _week(row, "unstaffed"),
        "website": row.get("URL", ""),
    }


def _week(row: Mapping[str, str], which: str) -> str:
    days = [(day[:2], row.get(f"{day} {which} hours", "")) for day in WEEK]
    return "; ".join(f"{day} {times}" for day, times in days if times)
