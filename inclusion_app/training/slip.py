"""What stands on the slip of a booking: one side of paper, in the reader's language beside English. Pure.

It names nobody and says nothing of what somebody needs: paper is left on tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from inclusion_app.core.paper_parts import Pair, Paper
from inclusion_app.core.words import N_

WORDS = {
    "old": N_("The page of your code is always right."),
    "when": N_("When"),
    "where": N_("Where"),
    "place": N_("Where"),
    "map_place": N_("The place"),
    "map_you": N_("Your area"),
    "bring": N_("What to bring"),
    "happens": N_("What will happen"),
    "bad": N_("Is the time bad?"),
    "code": N_("Your code"),
    "people": N_("How many people?"),
    "online": N_("Online"),
    "tear": N_("After the session you can tear this off and leave it there."),
    "free": N_("You do not have to answer."),
}
# The one question: what may be ticked stands in rules.
HELPED_ASKED = N_("Did this help you?")
NEXT_ASKED = N_("What would you like next?")
TICK = "☐\u00a0"
MANY_DATES = 2
# With more dates than these the question would not fit on the side, in two languages sooner; it is asked on paper of its
# own there.
ASKED_WITH, ASKED_WITH_IN_TWO = 6, 2
# So many fill a side in the language that needs most room.
QUESTIONS_ON_A_SIDE = 3
HAPPENS = (
    N_("Somebody at the door shows you where to go."),
    N_("You say your code. Nobody needs your name."),
    N_("You learn at your own speed. You can ask anything."),
)
HAPPENS_ONLINE = (
    N_("The page of your code says how to join."),
    N_("You learn at your own speed. You can ask anything."),
)
SHOW_IT = N_("Show it when you come. It opens your booking on a screen too.")
KEPT_UNTIL = N_("A place is free. We keep it for you until %(until)s.")
CALL = N_("Phone this number:")
OPEN = N_("Open the address and press “I cannot come”.")
AT_A_LIBRARY = N_("Ask at any library.")
ON_SCREEN = N_("Or open the address and press “I cannot come”.")


@dataclass(frozen=True)
class SlipDate:
    """One date: its day in words, its times as on a clock; its place where not all dates are at the same one."""

    day: Pair
    times: str
    where: str = ""

    @property
    def line(self) -> Pair:
        """Both on one line; the times stay left to right in it."""
        times = f"\u2066{self.times}\u2069"
        return Pair(f"{self.day.own} · {times}", f"{self.day.en} · {times}")


@dataclass(frozen=True, kw_only=True)
class Slip(Paper):
    """One booking on one side. `dates` are those that are still on; `title` runs in the direction it is written in."""

    heading: Pair
    title: Pair
    dates: tuple[SlipDate, ...]
    place: str = ""
    address_line: str = ""
    room: str = ""
    online: bool = False
    others: tuple[str, ...] = ()
    warning: Pair | None = None
    people: Pair | None = None
    bring: Pair | None = None
    bad: bool = True
    happens: tuple[Pair, ...] = ()
    phone: str = ""
    call: Pair | None = None
    on_screen: Pair | None = None
    at_a_library: Pair | None = None
    code_opens: Pair
    # Below the dotted line, without the code: whoever leaves it there is nobody we know.
    asked: tuple[tuple[Pair, Pair], ...] = ()
    young: Pair | None = None
    drawing: Markup | None = None
    drawing_shows_you: bool = False
    drawing_names: tuple[str, ...] = ()
    code: str
    code_words: str

    @property
    def has_many_dates(self) -> bool:
        """True when each date gets one line, so that all of them fit on the side, in two languages too."""
        return len(self.dates) > MANY_DATES or not self.heading.is_single
