"""What stands on the handout: one sheet, two sides, the person's language beside English. Pure.

The view fills these with words that are translated already; the templates only print them. So the PDF and the
print page cannot differ, and a sheet can be drawn in a test without a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from inclusion_app.core.paper_parts import Pair, Paper, Translate, joined, pair
from inclusion_app.core.words import N_
from inclusion_app.places.place_sheet import PlaceBox

STEPS_SHOWN = 3
WINS_SHOWN = 3
STATIONS_SHOWN = 14  # what two sides hold beside all the rest

# The words that stand on every sheet.
WORDS = {
    "title": N_("My next steps"),
    "doing": N_("You are doing this now"),
    "old": N_("Ask us if this is old."),
    "bring": N_("Bring:"),
    "who": N_("Who does it:"),
    "done": N_("You can already do this. Well done."),
    "appointment": N_("My next appointment"),
    "talk": N_("Talk to a person"),
    "code": N_("My code"),
    "code_opens": N_("Open your plan with this code and your PIN or pictures."),
    "place": N_("A place near you"),
    "week": N_("Opening times this week"),
    "closed": N_("Closed"),
    "ask_first": N_("Ask first"),
    "ask_travel": N_("Ask before you travel."),
    "kept_private": N_("A step you keep to yourself"),
    "map_place": N_("The place"),
    "map_you": N_("Your area"),
    "route": N_("Without the internet"),
    "scam": N_("Is it a scam?"),
    "journey": N_("Your journey as a picture"),
    "again_with": N_("Where, and who with:"),
    "won": N_("What you have done"),
}
OURS = N_("Our next steps")  # the title of a home's sheet
AGAIN_ON = N_("Look at this plan again on %(day)s.")
# Signs and what to do. The two numbers: Stop Scams UK (159) and Ofcom (7726), rows of catalogue/phone_lines.toml.
SCAM_WORDS = (
    N_("Somebody wants money, a password or a code? Stop."),
    N_("Is it urgent or secret? That is a sign of a scam."),
    N_("Put the phone down. Talk to somebody you trust."),
    N_("Your bank? Call 159. A bad text? Send it to 7726."),
)


@dataclass(frozen=True)
class Lean:
    """What a full sheet goes without before its letters become smaller."""

    stations: int = STATIONS_SHOWN  # of the journey that are drawn
    week_in_groups: bool = False  # days that follow each other with the same times share a row
    scam_in_one: bool = False  # the scam box is a paragraph, not a list
    phones: int = 2  # telephone lines; one stands alone without its hours
    wins: bool = False  # what the person has done


LEAN = (
    Lean(wins=True),
    Lean(),
    Lean(12),
    Lean(10),
    Lean(8),
    Lean(8, True),
    Lean(6, True),
    Lean(6, True, True),
    Lean(6, True, True, 1),
    Lean(4, True, True, 1),
)
# A home prints names beside its steps: the journey is shorter from the start.
LEAN_HOME = tuple(replace(lean, stations=min(lean.stations, 8)) for lean in LEAN)
LEAN_LARGE = tuple(
    Lean(stations) for stations in (14, 12, 10, 8, 6, 4)
)  # its week has no room for two days a row


@dataclass(frozen=True)
class StepBox:
    """One of the next three steps, or one being done: a box to tick."""

    title: Pair
    minutes: Pair
    why: Pair | None = None
    bring: tuple[Pair, ...] = ()
    notes: tuple[Pair, ...] = ()  # what can be done without ID
    mode: Pair | None = None  # who does it, when the person does not do it alone
    private: bool = False  # its title tells of money, health or where somebody comes from
    who: str = ""  # by which name, in a home with one plan


@dataclass(frozen=True)
class Won:
    """A step that is done, and how, in one line."""

    words: Pair
    private: bool = False


@dataclass(frozen=True)
class Appointment:
    """When and where somebody waits for the person. `who` is a role, never a name."""

    day: Pair
    time: str
    who: Pair
    place: str
    what_happens: Pair
    if_time_is_bad: Pair


@dataclass(frozen=True)
class PhoneLine:
    """A number to call, printed only when it is known with a source: the helper's desk, or a free line."""

    what_for: Pair
    number: str
    name: str = ""
    cost: Pair | None = None


@dataclass(frozen=True)
class Journey:
    """The line map in pieces, so that a full sheet can show less of it.

    `key` names the lines; `more` is the sentence on the steps left out, by how many stations are shown.
    """

    rows: tuple[Markup, ...]
    key: Markup = Markup("")
    keys: int = 0
    more: Mapping[int, Pair] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Handout(Paper):
    """The whole sheet. `words` and `scam` come from fixed_words()."""

    scam: tuple[Pair, ...]
    steps: tuple[StepBox, ...] = ()
    doing: tuple[StepBox, ...] = ()
    name: str = ""
    people: tuple[str, ...] = ()  # the names of a home, in place of one
    goals: tuple[Pair, ...] = ()
    notes: tuple[Pair, ...] = ()
    again_on: Pair | None = None  # when the plan is looked at again
    wins: tuple[Won, ...] = ()  # the latest first
    appointment: Appointment | None = None
    phones: tuple[PhoneLine, ...] = ()
    place: PlaceBox | None = None
    routes: tuple[Pair, ...] = ()
    journey: Journey | None = None
    code: str = ""
    private: bool = False

    def __post_init__(self) -> None:
        if max(len(self.steps), len(self.doing)) > STEPS_SHOWN:
            raise ValueError("a handout shows three steps at most")
        if len(self.wins) > WINS_SHOWN:
            raise ValueError("a handout shows three wins at most")
        if bool(self.code) != bool(self.qr):
            raise ValueError("the code and its square stand together")

    @property
    def told_wins(self) -> tuple[Won, ...]:
        """The wins this sheet may tell."""
        return tuple(won for won in self.wins if not (self.private and won.private))

    def without_reasons(self) -> Handout:
        """The private version: no name, no goals, no reasons, and nothing that tells them by another way.

        The ways without the internet, the phone lines, the notes and the picture are made of the goals, so they go too,
        and a step that tells of money or health by its title. What can be done without ID goes: it tells who has none. The
        day to look again stays: it tells nothing.
        """
        kept = StepBox(self.words["kept_private"], Pair("", ""))

        def bare(steps: tuple[StepBox, ...]) -> tuple[StepBox, ...]:
            return tuple(
                replace(kept, minutes=step.minutes, mode=step.mode)
                if step.private
                else replace(step, why=None, notes=(), who="")
                for step in steps
            )

        return replace(
            self,
            private=True,
            name="",
            people=(),
            goals=(),
            notes=(),
            phones=(),
            routes=(),
            journey=None,
            steps=bare(self.steps),
            doing=bare(self.doing),
            appointment=None,
        )


def fixed_words(translate: Translate) -> tuple[dict[str, Pair], tuple[Pair, ...]]:
    """The words of every sheet and of its scam box, both ways."""
    return {name: pair(translate, text) for name, text in WORDS.items()}, tuple(
        pair(translate, text) for text in SCAM_WORDS
    )


def cut_journey(stations: int, translate: Translate) -> dict[int, Pair]:
    """The sentence on the steps left out, for each number of stations a sheet may show.

    Lines that go on are drawn to the edge, so the picture shows that it is not the end.
    """
    text = N_("Steps after these: %(number)s")
    shown = {lean.stations for lean in LEAN}
    return {cut: pair(translate, text, number=stations - cut) for cut in sorted(shown) if cut < stations}


def by_goal(routes: Sequence[Sequence[Pair]]) -> tuple[Pair, ...]:
    """The ways without the internet: a sentence a line for one goal, a paragraph a goal for several."""
    if len(routes) == 1:
        return tuple(routes[0])
    return tuple(joined(route) for route in routes if route)
