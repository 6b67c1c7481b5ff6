"""How a place stands on paper, and the sheet of the places in one ward. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from markupsafe import Markup

from inclusion_app.core.paper_parts import Pair, Paper
from inclusion_app.core.words import N_

# With fewer places than this in a ward, the nearest outside it stand on its sheet too.
ENOUGH = 3
# The words that stand on every sheet of a ward.
WORDS = {
    "title": N_("Places that can help you"),
    "old": N_("Ask us if this is old."),
    "week": N_("Opening times this week"),
    "here": N_("What is there"),
    "call": N_("Phone:"),
    "in_ward": N_("In this ward"),
    "outside": N_("Near, but outside this ward"),
    "few": N_("We know few places in this ward. So the nearest outside it are here too."),
    "none": N_("We know no place in this ward. The nearest outside it are here."),
    "unnamed": N_("Is something not named here? Then we do not know. Ask first."),
    "newer": N_("The newest sheet"),
}


@dataclass(frozen=True)
class OpenDay:
    """One row of the week: times like "9:00–17:00", or words such as closed."""

    day: Pair
    times: tuple[str, ...] = ()
    words: Pair | None = None
    today: bool = False  # the day the sheet is printed


def in_rows(week: Sequence[OpenDay]) -> tuple[OpenDay, ...]:
    """A week in as few rows as can be: "Monday–Friday" when the times are the same."""
    rows = []
    for _same, group in groupby(week, key=lambda day: (day.times, day.words)):
        first, *rest = group
        last = rest[-1] if rest else first
        name = Pair(f"{first.day.own}–{last.day.own}", f"{first.day.en}–{last.day.en}") if rest else first.day
        rows.append(replace(first, day=name, today=first.today and not rest))
    return tuple(rows)


@dataclass(frozen=True)
class PlaceBox:
    """A place as a paper prints it. `how_sure` says who says so and of when, as whole sentences.

    `helps` names what is there, and what is known not to be; what nobody knows is not among it.
    """

    name: str
    address: str
    postcode: str = ""
    distance: Pair | None = None
    week: tuple[OpenDay, ...] = ()
    opening_note: Pair | None = None
    how_sure: tuple[Pair, ...] = ()
    drawing: Markup | None = None
    drawing_shows_you: bool = False
    drawing_names: tuple[str, ...] = ()  # of the wards marked A, B, C … in the drawing
    kinds: Pair | None = None
    phone: str = ""
    helps: Pair | None = None

    def __post_init__(self) -> None:
        # WeasyPrint draws the text of a picture letter by letter (its issue 2249): joined scripts fall apart.
        if self.drawing is not None and "<text" in self.drawing:
            raise ValueError("the words of a map stand beside it, not in it")

    def days(self, in_groups: bool) -> tuple[OpenDay, ...]:
        """The rows of the week, days that follow each other with the same times as one when `in_groups`."""
        return in_rows(self.week) if in_groups else self.week


@dataclass(frozen=True, kw_only=True)
class PlaceSheet(Paper):
    """The places of one ward, for a wall or a helper's desk: `inside` it, and the nearest `outside` where those are few."""

    ward: str
    ward_written: str = ""  # in the reader's letters
    inside: tuple[PlaceBox, ...] = ()
    outside: tuple[PlaceBox, ...] = ()
