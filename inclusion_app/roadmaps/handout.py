"""What stands on the handout: one sheet, two sides, the person's language beside English. Pure.

The view fills these with words that are translated already; the templates only print them. So the PDF and the
print page cannot differ, and a sheet can be drawn in a test without a database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import segno
from markupsafe import Markup

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.picture import LineMap

STEPS_SHOWN = 3
STATIONS_SHOWN = 14  # what two sides hold beside all the rest
QUIET_ZONE = 4  # modules of white around a QR: ISO/IEC 18004

# The words that stand on every sheet.
WORDS = {
    "title": N_("My next steps"),
    "old": N_("Ask us if this is old."),
    "bring": N_("Bring:"),
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
}
# Signs and what to do. The two numbers: Stop Scams UK (159) and Ofcom (7726), rows of catalogue/phone_lines.toml.
SCAM_WORDS = (
    N_("Somebody wants money, a password or a code? Stop."),
    N_("Is it urgent or secret? That is a sign of a scam."),
    N_("Put the phone down. Talk to somebody you trust."),
    N_("Your bank? Call 159. A bad text? Send it to 7726."),
)

Translate = Callable[..., str]


@dataclass(frozen=True)
class Pair:
    """One sentence in the person's language and in English. Equal when that is English, or when nobody translated it."""

    own: str
    en: str

    @property
    def is_single(self) -> bool:
        """True when there is one text to print, not two."""
        return self.own == self.en


def pair(translate: Translate, text: str, **params: object) -> Pair:
    """An N_ sentence both ways. `translate` is gettext: it takes the sentence and the named places that fill it."""
    return Pair(translate(text, **params), text % params if params else text)


@dataclass(frozen=True)
class StepBox:
    """One of the next three steps: a box to tick."""

    title: Pair
    minutes: Pair
    why: Pair | None = None
    bring: tuple[Pair, ...] = ()
    notes: tuple[Pair, ...] = ()  # what can be done without ID
    private: bool = False  # its title tells of money, health or where somebody comes from


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
class OpenDay:
    """One row of the week: times like "9:00–17:00", or words such as closed."""

    day: Pair
    times: tuple[str, ...] = ()
    words: Pair | None = None


@dataclass(frozen=True)
class PlaceBox:
    """The nearest place for the first step. `how_sure` says who says so and of when, as whole sentences."""

    name: str
    address: str
    postcode: str = ""
    distance: Pair | None = None
    week: tuple[OpenDay, ...] = ()
    opening_note: Pair | None = None
    how_sure: tuple[Pair, ...] = ()
    drawing: Markup | None = None
    drawing_shows_you: bool = False

    def __post_init__(self) -> None:
        # WeasyPrint draws the text of a picture letter by letter (its issue 2249): joined scripts fall apart.
        if self.drawing is not None and "<text" in self.drawing:
            raise ValueError("the words of a map stand beside it, not in it")


@dataclass(frozen=True)
class Handout:
    """The whole sheet. `lang` is a BCP 47 tag, `dir` "rtl" or "ltr"; `words` and `scam` come from fixed_words()."""

    lang: str
    dir: str
    words: dict[str, Pair]
    scam: tuple[Pair, ...]
    printed_on: Pair
    steps: tuple[StepBox, ...] = ()
    name: str = ""
    goals: tuple[Pair, ...] = ()
    notes: tuple[Pair, ...] = ()
    appointment: Appointment | None = None
    phones: tuple[PhoneLine, ...] = ()
    place: PlaceBox | None = None
    routes: tuple[Pair, ...] = ()
    line_map: Markup | None = None
    line_map_more: Pair | None = None
    code: str = ""
    address: str = ""
    qr: Markup | None = None
    large: bool = False
    private: bool = field(default=False)

    def __post_init__(self) -> None:
        if len(self.steps) > STEPS_SHOWN:
            raise ValueError("a handout shows three steps at most")
        if bool(self.code) != bool(self.qr):
            raise ValueError("the code and its square stand together")

    @property
    def is_english(self) -> bool:
        """True when there is one column only."""
        return self.lang == "en"

    @property
    def typed_address(self) -> str:
        """The address as a person types it."""
        return self.address.split("://")[-1]

    @property
    def sides(self) -> int:
        """How many sides of paper the front, and the back, may fill."""
        return 2 if self.large else 1

    def without_reasons(self) -> Handout:
        """The private version: no name, no goals, no reasons, and nothing that tells them by another way.

        The ways without the internet, the phone lines, the notes and the picture are made of the goals, so they go too,
        and a step that tells of money or health by its title.
        """
        kept = StepBox(self.words["kept_private"], Pair("", ""))
        bare = tuple(
            replace(kept, minutes=step.minutes) if step.private else replace(step, why=None)
            for step in self.steps
        )
        return replace(
            self,
            private=True,
            name="",
            goals=(),
            notes=(),
            phones=(),
            routes=(),
            line_map=None,
            line_map_more=None,
            steps=bare,
            appointment=None,
        )


def fixed_words(translate: Translate) -> tuple[dict[str, Pair], tuple[Pair, ...]]:
    """The words of every sheet and of its scam box, both ways."""
    return {name: pair(translate, text) for name, text in WORDS.items()}, tuple(
        pair(translate, text) for text in SCAM_WORDS
    )


def printed_words(translate: Translate, own_day: str, english_day: str) -> Pair:
    """When the sheet was printed, with the day in words both ways."""
    text = N_("Printed on %(day)s.")
    return Pair(translate(text, day=own_day), text % {"day": english_day})


def first_stations(drawn: LineMap, translate: Translate) -> tuple[LineMap, Pair | None]:
    """The beginning of a journey's picture, as much as the sheet holds, and a sentence on the steps left out.

    Lines that go on are drawn to the edge, so the picture shows that it is not the end.
    """
    left_out = len(drawn.stations) - STATIONS_SHOWN
    if left_out <= 0:
        return drawn, None
    more = pair(translate, N_("Steps after these: %(number)s"), number=left_out)
    return replace(drawn, stations=drawn.stations[:STATIONS_SHOWN]), more


def qr_square(text: str, label: str) -> Markup:
    """A QR as one SVG path with its quiet zone, error correction medium. `label` is its alternate text."""
    code = segno.make(text, error="m", micro=False)
    size = code.symbol_size(border=QUIET_ZONE)[0]
    runs = []
    for y, row in enumerate(code.matrix, start=QUIET_ZONE):
        x = 0
        while x < len(row):
            width = 0
            while x + width < len(row) and row[x + width]:
                width += 1
            if width:
                runs.append(f"M{x + QUIET_ZONE} {y}h{width}v1h-{width}z")
            x += width or 1
    return Markup(
        '<svg class="qr" viewBox="0 0 {size} {size}" role="img"><title>{label}</title>'
        '<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path fill="#000" d="{path}"/></svg>'
    ).format(size=size, label=label, path="".join(runs))
