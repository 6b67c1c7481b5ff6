"""Opening times as OpenStreetMap writes them, read whole or not at all. Pure.

A week read in part would call a day closed that is open, so whatever the model cannot say (months, school
holidays, sunset, comments, open ends) makes the whole text unread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from inclusion_app.places.hours import Span, read_osm_week
from inclusion_app.places.readers.rows import MOST_LETTERS

_RULE = re.compile(r"(?:(?P<days>[A-Z][A-Za-z\[\],\s0-9-]*?)\s+)?(?P<times>off|closed|\d[\d:,\s-]*)")
# A comma between two rules adds to the week; the one between two days does not stand after a figure.
_MORE = re.compile(r"(?<=\d)\s*,\s*(?=(?:Mo|Tu|We|Th|Fr|Sa|Su|PH)\b)")


@dataclass(frozen=True)
class OsmHours:
    """The week, what bank holidays are ("ask", "closed" or "spans"), and the times on them (on Monday's number)."""

    spans: tuple[Span, ...]
    holiday_rule: str = "ask"
    holiday_spans: tuple[Span, ...] = ()


def read_osm_hours(text: str) -> OsmHours:
    """Read an `opening_hours` value. A later rule takes the place of an earlier one on its days.

    Raises ValueError for what cannot be said exactly; "24/7" is refused too, for at makers' places it mostly means
    members with a key.
    """
    if len(text) > MOST_LETTERS:
        raise ValueError(f"longer than {MOST_LETTERS:,} letters")
    if text.strip() == "24/7":
        raise ValueError("24/7 does not say who has a key")
    week: dict[tuple[int, int | None], list[Span]] = {}
    holiday_rule = "ask"
    holiday_spans: tuple[Span, ...] = ()
    for rule, adds in _rules(text):
        found = _RULE.fullmatch(rule)
        if not found:
            raise ValueError(f"cannot read: {rule}")
        names = [name.strip() for name in (found["days"] or "Mo-Su").split(",")]
        times = re.sub(r"\s", "", re.sub(r"\b(\d):", r"0\1:", found["times"]))
        shut = times in {"off", "closed"}
        if "PH" in names:
            names.remove("PH")
            holiday_rule = "closed" if shut else "spans"
            holiday_spans = () if shut else read_osm_week(f"Mo {times}")
        if not names:
            continue
        # The days of an "off" rule are read with any times; the times are thrown away.
        spans = read_osm_week(f"{','.join(names)} {'09:00-10:00' if shut else times}")
        if not adds:
            for span in spans:
                week[span.weekday, span.nth] = []
        if not shut:
            for span in spans:
                week.setdefault((span.weekday, span.nth), []).append(span)
    full = {key for key, spans in week.items() if spans}
    if any(nth is not None and (weekday, None) in full for weekday, nth in week):
        raise ValueError("a day of every week and of one week in the month cannot be told apart")
    ordered = tuple(span for key in sorted(week, key=str) for span in week[key])
    return OsmHours(ordered, holiday_rule, holiday_spans)


def _rules(text: str) -> list[tuple[str, bool]]:
    """(rule, whether it adds to the rules before it)."""
    found: list[tuple[str, bool]] = []
    for part in text.split(";"):
        found += [(rule.strip(), bool(place)) for place, rule in enumerate(_MORE.split(part)) if rule.strip()]
    return found
