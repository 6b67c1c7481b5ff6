"""Every shown place as a CSV that anybody can open and `places import --format csv` reads back. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from inclusion_app.places.hours import Kind, Span, write_osm_week

if TYPE_CHECKING:  # so that readers, which share the columns, stay free of the database
    from inclusion_app.places.models import Facility, Place

COLUMNS = (
    "key",
    "slug",
    "name",
    "kinds",
    "address",
    "postcode",
    "lat",
    "lng",
    "ward",
    "area",
    "phone",
    "website",
    "hours",
    "hours_self_service",
    "hours_appointment",
    "hours_members",
    "hours_holidays",
    "holiday_rule",
    "opening_note",
    "facilities",
    "source",
    "source_address",
    "source_on",
    "licence",
    "confidence",
    "read_on",
    "checked_on",
    "hours_confirmed",
    "hours_source",
    "hours_source_on",
    "sources_differ",
    "self_service_entry",
)
# A spreadsheet takes a cell that begins so for a sum to be worked out, which can call programs and send data away.
DANGEROUS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def guarded(cell: str) -> str:
    """The cell with an apostrophe before it when a spreadsheet would work it out; plain numbers stay numbers."""
    if DANGEROUS.match(cell) and not PLAIN_NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if cell.startswith("'") and DANGEROUS.match(cell) else cell


def write_places(places: Iterable[Place]) -> str:
    """The CSV text, one place a line in the order given. Dated exceptions and dated spans are not in it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for place in places:
        row = _row(place)
        writer.writerow([guarded(row[name]) for name in COLUMNS])
    return out.getvalue()


def _row(place: Place) -> dict[str, str]:
    row = {name: _text(getattr(place, name, "")) for name in COLUMNS}
    hours = place.hours
    row |= {
        "key": place.source_key,
        "ward": place.ward.code if place.ward else "",
        "hours": write_osm_week(hours.spans),
        "hours_self_service": _week(hours.spans, Kind.SELF_SERVICE),
        "hours_appointment": _week(hours.spans, Kind.APPOINTMENT),
        "hours_members": _week(hours.spans, Kind.MEMBERS),
        "hours_holidays": write_osm_week(hours.holiday_spans),
        "facilities": "; ".join(_facility(fact) for fact in place.facilities),
        "sources_differ": _text(place.hours_differ),
        "self_service_entry": _text(place.self_service_unknown),
    }
    return row


def _text(value: object) -> str:
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value)


def _week(spans: Iterable[Span], kind: Kind) -> str:
    return write_osm_week([replace(span, kind=Kind.STAFFED) for span in spans if span.kind is kind])


def _facility(fact: Facility) -> str:
    on, address = fact.source_on or "-", fact.source_address or "-"
    return f"{fact.name} {fact.value} {fact.confidence} {on} {address}"
