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
# How many letters of the person's own language a side holds at each setting of the print style but the tightest, the
# loosest first; languages not named fit at the loosest. A row of the week counts as ROW letters.
ROOM = {"ur": (580, 610, 710)}
ROW = 15
TIGHTEST = 3  # the next would set Urdu in another hand
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

    @property
    def fit(self) -> int:
        """The loosest setting that should fit one side: a guess that spares drawings, and all that a browser has."""
        sentences = [
            self.title, self.why, self.minutes, *self.how, *self.safe, *self.routes, *self.have, *self.bring,
            *self.without_id, *self.notes, *self.phone_notes,
        ]  # fmt: skip
        rows = 0
        if self.phone:
            sentences.append(self.phone.what_for)
        if self.place:
            sentences += self.place.how_sure
            rows = len(self.place.days(True))
        letters = sum(len(sentence.own) for sentence in sentences) + ROW * rows
        rooms = () if self.large else ROOM.get(self.lang, ())
        return sum(letters > room for room in rooms)

    @property
    def fit_in_browser(self) -> int:
        """The setting for a print page: a browser has its own fonts and sets nothing tighter."""
        return self.fit if self.is_english else min(self.fit + 1, TIGHTEST)
