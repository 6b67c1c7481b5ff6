"""The catalogue: goals and steps as data files, checked whole when they are loaded.

Load check (point 1 of the plan rule): every id exists, no loop, no access step but A5 rests on a skill step.
Words are checked too: every field is there, titles and sentences keep their length, no hard word is used.
A fault stops the load with a CatalogueError that names the file and the id.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from inclusion_app.roadmaps.rules import ACCESS_STEPS

FOLDER = Path(__file__).parent
AREAS = frozenset({"FND", "COMM", "INFO", "TRAN", "PROB", "SAFE"})
NEEDS = frozenset({"dev", "big", "net", "id", "papers", "place", "person"})
MAY_REST_ON_SKILL = frozenset({"A5"})
ENABLING_STEPS = ("A1", "A2", "A3", "A7")
ID_STEP = "A7"
# A longer line of steps is more than a person can look ahead.
LONGEST_CHAIN = 7
OFFERS_SHOWN = 3
LINES_ON_PAPER = 3
# A source without a date is written as "".
READ_DAY = re.compile(r"\d{4}-\d\d-\d\d")
SOURCE_DAY = re.compile(r"(\d{4}(-\d\d(-\d\d)?)?)?")
DIGCOMP = re.compile(r"[1-5]\.[1-6]")
TITLE_WORDS = 12
SENTENCE_WORDS = 15
INITIALS = frozenset({"GP", "NHS", "ID", "PDF", "SIM", "CV", "AI", "PIN", "QR", "BSL"})
HARD_WORDS = frozenset(
    {
        "utilise",
        "via",
        "commence",
        "eligible",
        "eligibility",
        "verify",
        "authenticate",
        "authentication",
        "credential",
        "credentials",
        "approximately",
        "facilitate",
        "endeavour",
        "regarding",
        "prior",
        "subsequently",
        "terminate",
        "configure",
        "configuration",
        "functionality",
        "navigate",
        "initiate",
        "interface",
        "browser",
    }
)
STEP_WORDS = ("title", "why", "have", "bring", "how", "safe", "no_internet", "setting")
GOAL_WORDS = ("title", "words", "route")
OFFER_WORDS = ("what", "who", "without_internet")


class CatalogueError(ValueError):
    """The catalogue cannot be used; the message names the file and the id."""


@dataclass(frozen=True)
class Goal:
    """Something a person wants to do. `route` is the way without the internet, always printed."""

    id: str
    title: str
    steps: tuple[str, ...]
    extras: tuple[str, ...] = ()
    words: str = ""
    route: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    together_first: bool = False


@dataclass(frozen=True)
class Step:
    """One thing to learn or to get. `after` is advice, never a lock; `minutes` a guess of how long."""

    id: str
    title: str
    area: str
    level: int
    after: tuple[str, ...]
    needs: tuple[str, ...]
    minutes: int
    digcomp: str = ""
    why: str = ""
    have: tuple[str, ...] = ()
    bring: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()
    no_internet: tuple[str, ...] = ()
    without_id: tuple[str, ...] = ()
    setting: str = ""
    notes: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True)
class NationalOffer:
    """An offer that is not tied to one place, with its source; shown as not confirmed.

    The order of the file counts: a step shows the first ones that name it.
    """

    key: str
    name: str
    steps: tuple[str, ...]
    what: str
    who: str
    cost: str
    without_internet: str
    website: str
    source: str
    source_on: str
    read_on: str
    confidence: str
    number: str = ""

    @property
    def link(self) -> str:
        """What a tap on the number opens."""
        return call_link(self.number)

    @property
    def site(self) -> str:
        """The name of the website the offer was read on."""
        return site_of(self.source)


@dataclass(frozen=True)
class PhoneLine:
    """A telephone line with its source; shown as not confirmed.

    `steps` and `goals` stand in the order of how directly the line helps with them. `unsafe` marks the lines for
    somebody who is not safe, `deaf` those of them that need no hearing or speech. `text` lines take text messages:
    `word` is what to send. A line without a number is reached on `website`, or as `for_what` says. `cost` is "free",
    or empty when not known.
    """

    key: str
    name: str
    for_what: str
    number: str = ""
    steps: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    text: bool = False
    word: str = ""
    website: str = ""
    cost: str = ""
    hours: str = ""
    unsafe: bool = False
    deaf: bool = False
    source: str = ""
    source_on: str = ""
    read_on: str = ""
    confidence: str = ""

    @property
    def link(self) -> str:
        """What a tap opens: a call, a text message or a page; empty when there is nothing to tap."""
        if not self.number:
            return f"https://{self.website}" if self.website else ""
        return call_link(self.number).replace("tel:", "sms:") if self.text else call_link(self.number)

    @property
    def site(self) -> str:
        """The name of the website the line was read on."""
        return site_of(self.source)


def call_link(number: str) -> str:
    """The link that calls a number."""
    return f"tel:{number.replace(' ', '')}"


def site_of(address: str) -> str:
    """The name of a website: "gov.uk" of "https://www.gov.uk/contact"."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


@dataclass(frozen=True)
class Catalogue:
    """Goals and steps by id, in the order of their files, with what the rule asks of them worked out once."""

    goals: Mapping[str, Goal]
    steps: Mapping[str, Step]
    offers: tuple[NationalOffer, ...] = ()
    lines: tuple[PhoneLine, ...] = ()
    exits: tuple[str, ...] = ()
    _ancestors: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)
    _chains: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def ancestors(self, step: str) -> frozenset[str]:
        """Every step below this one, at any depth."""
        if step not in self._ancestors:
            found: set[str] = set()
            for before in self.steps[step].after:
                if before in self.steps:
                    found.add(before)
                    found |= self.ancestors(before)
            self._ancestors[step] = frozenset(found)
        return self._ancestors[step]

    def chain(self, step: str) -> int:
        """How many steps stand in the longest line that ends with this one."""
        if step not in self._chains:
            before = self.steps[step].after
            self._chains[step] = 1 + max((self.chain(item) for item in before), default=0)
        return self._chains[step]

    def offers_for(self, step: str) -> tuple[NationalOffer, ...]:
        """At most three offers for a step, in the order of the file: the most direct ones first.

        What stands there as the step's phone line already is not said twice.
        """
        line = self.phone_line_for(step)
        fitting = (
            offer for offer in self.offers if step in offer.steps and (not line or offer.key != line.key)
        )
        return tuple(islice(fitting, OFFERS_SHOWN))

    def phone_line_for(self, step: str) -> PhoneLine | None:
        """The sourced line that helps most directly with a step, if one is known."""
        fitting = [line for line in self.lines if step in line.steps and not line.unsafe]
        return min(fitting, key=lambda line: line.steps.index(step), default=None)

    def phone_lines_for_goal(self, goal: str) -> tuple[PhoneLine, ...]:
        """The sourced lines for a goal, the most direct ones first."""
        fitting = [line for line in self.lines if goal in line.goals and not line.unsafe]
        return tuple(sorted(fitting, key=lambda line: line.goals.index(goal)))

    def phone_lines_for_goals(
        self, goals: Sequence[str], most: int = LINES_ON_PAPER
    ) -> tuple[PhoneLine, ...]:
        """At most three lines for a sheet, in the order of the goals, none twice.

        Each goal gets its first line before any goal gets a second one: nobody's goal is left out because
        an earlier goal has many lines.
        """
        rows = [self.phone_lines_for_goal(goal) for goal in dict.fromkeys(goals)]
        chosen: list[PhoneLine] = []
        for turn in range(max((len(row) for row in rows), default=0)):
            chosen += [row[turn] for row in rows if turn < len(row) and row[turn] not in chosen]
        kept = chosen[:most]
        return tuple(dict.fromkeys(line for row in rows for line in row if line in kept))

    def unsafe_lines(self) -> tuple[PhoneLine, ...]:
        """The lines of the page "I am not safe", those for deaf people last."""
        return tuple(sorted((line for line in self.lines if line.unsafe), key=lambda line: line.deaf))

    def exit_site(self) -> str:
        """The dull page that "Leave this page now" opens."""
        return self.exits[0]


@functools.cache
def load_catalogue() -> Catalogue:
    """The catalogue of this service, read and checked once per process. Raises CatalogueError."""
    return read_catalogue(FOLDER)


def read_catalogue(folder: Path) -> Catalogue:
    """Read the data files of a folder and check them whole. Raises CatalogueError."""
    goals = [_row(Goal, row, "goals.toml") for row in _table(folder / "goals.toml", "goal")]
    steps = [_row(Step, row, "steps.toml") for row in _table(folder / "steps.toml", "step")]
    catalogue = Catalogue(
        goals=_by_id(goals, "goals.toml"),
        steps=_by_id(steps, "steps.toml"),
        offers=tuple(
            _row(NationalOffer, row, "offers.toml") for row in _table(folder / "offers.toml", "offer")
        ),
        lines=tuple(
            _row(PhoneLine, row, "phone_lines.toml") for row in _table(folder / "phone_lines.toml", "line")
        ),
        exits=tuple(str(row.get("address", "")) for row in _table(folder / "safe_sites.toml", "site")),
    )
    check_structure(catalogue)
    check_words(catalogue)
    return catalogue


def _table(path: Path, name: str) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise CatalogueError(f"{path.name}: {err}") from err
    # A mistyped table name would lose its rows without a word.
    if unknown := set(tables) - {name}:
        raise CatalogueError(f"{path.name}: unknown table {sorted(unknown)[0]}")
    rows: list[dict[str, Any]] = tables.get(name, [])
    if not rows or not isinstance(rows, list):
        raise CatalogueError(f"{path.name}: there is no [[{name}]]")
    return rows


_TYPES: Mapping[str, tuple[type, str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
    "tuple[str, ...]": (list, "a list of texts"),
}


def _row(kind: Any, row: Mapping[str, Any], file: str) -> Any:
    known = kind.__dataclass_fields__
    name_of_row = row.get("id") or row.get("key") or "a row without an id"
    for name, value in row.items():
        if name not in known:
            raise CatalogueError(f"{file}: {name_of_row}: unknown field {name}")
        wanted, words = _TYPES[known[name].type]
        texts = value if isinstance(value, list) else ()
        # A sentence where a list belongs would be drawn letter by letter.
        if type(value) is not wanted or any(not isinstance(text, str) for text in texts):
            raise CatalogueError(f"{file}: {name_of_row}: {name} must be {words}")
    try:
        return kind(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
        )
    except TypeError as err:
        raise CatalogueError(f"{file}: {name_of_row}: {err}") from err


def _by_id(rows: Iterable[Any], file: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        if row.id in found:
            raise CatalogueError(f"{file}: {row.id} stands there twice")
        found[row.id] = row
    return found


def check_structure(catalogue: Catalogue) -> None:
    """Point 1. Raises CatalogueError naming the file and the id."""
    steps = catalogue.steps
    for step in steps.values():
        for before in step.after:
            if before not in steps:
                raise CatalogueError(f"steps.toml: {step.id}: there is no step {before}")
            if step.id in ACCESS_STEPS - MAY_REST_ON_SKILL and before not in ACCESS_STEPS:
                raise CatalogueError(f"steps.toml: {step.id}: an access step may not rest on {before}")
        if step.area not in AREAS:
            raise CatalogueError(f"steps.toml: {step.id}: there is no area {step.area}")
        if unknown := set(step.needs) - NEEDS:
            raise CatalogueError(f"steps.toml: {step.id}: there is no need {sorted(unknown)[0]}")
        if not 0 <= step.level <= 4 or step.minutes <= 0:
            raise CatalogueError(f"steps.toml: {step.id}: level or minutes cannot be right")
        if not DIGCOMP.fullmatch(step.digcomp):
            raise CatalogueError(f"steps.toml: {step.id}: there is no DigComp number {step.digcomp}")
    _check_no_loop(catalogue)
    for step_id in steps:
        if catalogue.chain(step_id) > LONGEST_CHAIN:
            raise CatalogueError(f"steps.toml: {step_id}: more than {LONGEST_CHAIN} steps stand in its line")
    for enabling in ENABLING_STEPS:
        if enabling not in steps:
            raise CatalogueError(f"steps.toml: the enabling step {enabling} is missing")
    for goal in catalogue.goals.values():
        for step_id in (*goal.steps, *goal.extras):
            if step_id not in steps:
                raise CatalogueError(f"goals.toml: {goal.id}: there is no step {step_id}")
        if not goal.steps:
            raise CatalogueError(f"goals.toml: {goal.id}: a goal needs a step")
    _check_help(catalogue)


def _check_help(catalogue: Catalogue) -> None:
    """Offers and phone lines stand by steps and goals that exist; the way out is an https address."""
    for offer in catalogue.offers:
        if unknown := set(offer.steps) - set(catalogue.steps):
            raise CatalogueError(f"offers.toml: {offer.key}: there is no step {sorted(unknown)[0]}")
        if not SOURCE_DAY.fullmatch(offer.source_on):
            raise CatalogueError(f"offers.toml: {offer.key}: source_on is no day, month or year")
        if fault := _source_fault(offer):
            raise CatalogueError(f"offers.toml: {offer.key}: {fault}")
    for line in catalogue.lines:
        if unknown := set(line.steps) - set(catalogue.steps):
            raise CatalogueError(f"phone_lines.toml: {line.key}: there is no step {sorted(unknown)[0]}")
        if unknown := set(line.goals) - set(catalogue.goals):
            raise CatalogueError(f"phone_lines.toml: {line.key}: there is no goal {sorted(unknown)[0]}")
        if not line.link and not line.deaf:
            raise CatalogueError(f"phone_lines.toml: {line.key}: neither number nor website")
        if line.cost not in {"", "free"}:
            raise CatalogueError(f"phone_lines.toml: {line.key}: cost is free, or left out")
        if not SOURCE_DAY.fullmatch(line.source_on):
            raise CatalogueError(f"phone_lines.toml: {line.key}: source_on is no day, month or year")
        if fault := _source_fault(line):
            raise CatalogueError(f"phone_lines.toml: {line.key}: {fault}")
    for address in catalogue.exits:
        if not address.startswith("https://"):
            raise CatalogueError(f"safe_sites.toml: {address or 'a site'}: address must start with https://")


def _source_fault(row: NationalOffer | PhoneLine) -> str:
    """What is wrong with how sure we are of a row, in words; empty when nothing is. Only what is shown may stand here."""
    if not row.site:
        return "source is no address"
    if not READ_DAY.fullmatch(row.read_on):
        return "read_on is no day"
    if row.confidence not in {"high", "medium"}:
        return "confidence must be high or medium"
    return ""


def _check_no_loop(catalogue: Catalogue) -> None:
    done: set[str] = set()

    def walk(step: str, path: tuple[str, ...]) -> None:
        if step in path:
            raise CatalogueError(
                f"steps.toml: {step}: a loop: {' → '.join((*path[path.index(step) :], step))}"
            )
        if step in done:
            return
        for before in catalogue.steps[step].after:
            walk(before, (*path, step))
        done.add(step)

    for step in catalogue.steps:
        walk(step, ())


_Worded = Goal | Step | NationalOffer | PhoneLine


def sentences_of(row: _Worded, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(field name, text) of every text in these word fields of a row."""
    for name in names:
        value = getattr(row, name)
        for text in (value,) if isinstance(value, str) else value:
            yield name, text


def check_words(catalogue: Catalogue) -> None:
    """Every word field is there and plain enough. Raises CatalogueError."""
    for step in catalogue.steps.values():
        _check_row("steps.toml", step.id, step, STEP_WORDS, ("without_id", "notes"))
        if bool(step.without_id) != ("id" in step.needs or step.id == ID_STEP):
            fault = "is only for steps that ask for ID" if step.without_id else "is missing"
            raise CatalogueError(f"steps.toml: {step.id}: without_id {fault}")
    for goal in catalogue.goals.values():
        _check_row("goals.toml", goal.id, goal, GOAL_WORDS, ("notes",))
    for offer in catalogue.offers:
        _check_row("offers.toml", offer.key, offer, OFFER_WORDS)
    for line in catalogue.lines:
        # The hours of a line are often not known: then nothing is said about them.
        _check_row("phone_lines.toml", line.key, line, ("for_what",), ("hours",) if line.hours else ())


def _check_row(
    file: str, row_id: str, row: _Worded, needed: tuple[str, ...], more: tuple[str, ...] = ()
) -> None:
    for name in needed:
        if not getattr(row, name):
            raise CatalogueError(f"{file}: {row_id}: {name} is missing")
    for name, text in sentences_of(row, (*needed, *more)):
        if not text.strip():
            raise CatalogueError(f"{file}: {row_id}: {name} has an empty text")
        limit = TITLE_WORDS if name == "title" else SENTENCE_WORDS
        for sentence in re.split(r"(?<=[.?!])\s+", text):
            if len(sentence.split()) > limit:
                raise CatalogueError(f"{file}: {row_id}: {name} has more than {limit} words: {sentence}")
        if fault := hard_word(text):
            raise CatalogueError(f"{file}: {row_id}: {name} has the hard word {fault}: {text}")


def hard_word(text: str) -> str | None:
    """The first listed hard word or unknown initials in a text; None when it is plain."""
    for word in re.findall(r"[A-Za-z]+", text):
        if word.lower() in HARD_WORDS:
            return word
        if len(word) > 1 and word.isupper() and word not in INITIALS:
            return word
    return None


TRANSLATED = {
    "goal": (*GOAL_WORDS, "notes"),
    "step": (*STEP_WORDS, "without_id", "notes"),
    "offer": OFFER_WORDS,
    "line": ("for_what", "hours"),
}


def extract_catalogue(
    fileobj: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extraction method for the data files: every word field becomes a message, its id a comment."""
    text = fileobj.read().decode()
    lines = text.splitlines()
    for table, rows in tomllib.loads(text).items():
        for row in rows:
            for name in TRANSLATED.get(table, ()):
                value = row.get(name)
                for message in (value,) if isinstance(value, str) else value or ():
                    if message:
                        where = next((n for n, line in enumerate(lines, 1) if message in line), 1)
                        yield where, "gettext", message, [f"{row.get('id') or row.get('key')} {name}"]
