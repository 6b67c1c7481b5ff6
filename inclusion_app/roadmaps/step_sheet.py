"""What stands on the sheet of one step: a public paper, the same for everybody but for the place nearest. Pure.

Nothing of a plan is on it: no name, no goal, no code, and not how far the place is from anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from inclusion_app.core.paper_parts import Pair, Paper
from inclusion_app.core.words import N_
from inclusion_app.places.place_sheet import PlaceBox
from inclusion_app.roadmaps.handout import PhoneLine

SIDES, SIDES_LARGE = 1, 2
# The words that stand on every step's sheet.
WORDS = {
    "old": N_("Ask us if this is old."),
    "have": N_("What you need"),
    "bring": N_("What to bring"),
    "how": N_("How to do it"),
    "safe": N_("The safe way"),
    "route": N_("Without the internet"),
    "without_id": N_("Without ID"),
    "talk": N_("Talk to a person"),
    "place": N_("A place near you"),
    "week": N_("Opening times this week"),
    "screen": N_("This step on a screen"),
}


@dataclass(frozen=True, kw_only=True)
class StepSheet(Paper):
    """One step on one side, on two in large print. `ask` says where to ask when no place near is known."""

    title: Pair
    why: Pair
    minutes: Pair
    how: tuple[Pair, ...]
    safe: tuple[Pair, ...]
    routes: tuple[Pair, ...]
    setting: Pair | None = None
    have: tuple[Pair, ...] = ()
    bring: tuple[Pair, ...] = ()
    without_id: tuple[Pair, ...] = ()
    notes: tuple[Pair, ...] = ()
    phone: PhoneLine | None = None
    phone_notes: tuple[Pair, ...] = ()  # when somebody answers, and how sure we are of it
    place: PlaceBox | None = None
    ask: Pair | None = None

    @property
    def sides(self) -> int:
        """How many sides it may fill."""
        return SIDES_LARGE if self.large else SIDES
