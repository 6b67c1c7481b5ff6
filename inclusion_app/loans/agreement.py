"""What somebody agrees to who borrows a device: versioned, in their language beside English, on a screen or on paper.

`agreement/<version>.toml` holds the sentences of one version. A loan remembers the version it was made under and the
language it was read in, so that the paper can be printed again as it was.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from flask_babel import gettext as _

from inclusion_app.core.i18n import current_language, day_words
from inclusion_app.core.paper_parts import Pair, Paper, direction_of, pair, with_day
from inclusion_app.core.words import N_
from inclusion_app.places.on_paper import english_day, printed_today

FOLDER = Path(__file__).with_name("agreement")
# The one that is agreed to now.
CURRENT = "2026-11"
VERSION = re.compile(r"[0-9]{4}-[0-9]{2}[a-z]?")

# A drawn signature: moves and lines between whole numbers in a square of SIGNED_IN, and nothing else.
SIGNED_IN = (600, 200)
MOST_SIGNS = 12_000
LEAST_POINTS = 5
STROKE = re.compile(r"M[0-9]{1,3} [0-9]{1,3}(?:L[0-9]{1,3} [0-9]{1,3})*")
PATH = re.compile(f"(?:{STROKE.pattern})+")

WORDS: Mapping[str, str] = {
    "title": N_("What we agree on"),
    "things": N_("What you borrow"),
    "until": N_("Until when"),
    "give_back": N_("Where to give it back"),
    "phone": N_("Questions?"),
    "said": N_("You said yes"),
    "sign": N_("Sign here if you say yes"),
    "no_sign": N_("You cannot sign? Say yes, and we write down that we heard it."),
    "number": N_("Number of the device"),
}
UNTIL = N_("You have it until %(day)s.")
BOTH_COPIES = N_("This paper is yours. We keep a copy.")
AGREED: Mapping[str, str] = {
    "drawn": N_("You signed on the screen on %(day)s."),
    "paper": N_("You signed on paper on %(day)s."),
    "spoken": N_("You said yes on %(day)s. Somebody of our team heard it."),
}


@dataclass(frozen=True)
class Part:
    """A heading and its sentences, in English."""

    id: str
    heading: str
    lines: tuple[str, ...]


@cache
def parts_of(version: str) -> tuple[Part, ...]:
    """The parts of a version. Raises KeyError for one that does not exist."""
    path = FOLDER / f"{version}.toml"
    if not VERSION.fullmatch(version) or not path.is_file():
        raise KeyError(version)
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["part"]
    return tuple(Part(row["id"], row["heading"], tuple(row["lines"])) for row in rows)


def extract_agreement(
    fileobj: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extraction method: every sentence of a version is a word of the catalogue."""
    text = fileobj.read().decode()
    lines = text.splitlines()
    for row in tomllib.loads(text)["part"]:
        for message in (row["heading"], *row["lines"]):
            where = next((n for n, line in enumerate(lines, 1) if message in line), 1)
            yield where, "gettext", message, [f"agreement {row['id']}"]


def is_signature(path: str) -> bool:
    """True for the lines of a drawn name: letters M and L, digits and spaces, not too long, and more than a dot."""
    if len(path) > MOST_SIGNS or not PATH.fullmatch(path):
        return False
    points = [(int(x), int(y)) for x, y in re.findall(r"([0-9]+) ([0-9]+)", path)]
    wide, high = SIGNED_IN
    return len(set(points)) >= LEAST_POINTS and all(x <= wide and y <= high for x, y in points)


@dataclass(frozen=True, kw_only=True)
class Agreement(Paper):
    """All that the agreement prints. `signature` is an SVG path or empty; `agreed` is None on one still to be signed."""

    parts: Sequence[tuple[Pair, Sequence[Pair]]]
    name: str
    device: Pair
    tag: str
    things: Sequence[Pair]
    all_things: Pair | None
    until: Pair | None
    place: str
    phone: str
    agreed: Pair | None
    copies: Pair
    signature: str = ""

    @property
    def name_dir(self) -> str:
        """Which way the name runs."""
        return direction_of(self.name)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is lent, until when and where it is brought back; how it was agreed to, where it was."""

    name: str
    device: Pair
    tag: str
    things: Sequence[Pair]
    due_on: date | None
    place: str
    phone: str
    agreed_how: str | None = None
    agreed_on: date | None = None
    signature: str = ""


def _in_a_row(things: Sequence[Pair]) -> Pair | None:
    if not things:
        return None
    return Pair(_(", ").join(thing.own for thing in things), ", ".join(thing.en for thing in things))


def build(version: str, facts: Facts) -> Agreement:
    """The agreement in the language spoken now, beside English."""
    language = current_language()
    agreed = None
    if facts.agreed_how and facts.agreed_on:
        day = facts.agreed_on
        agreed = with_day(_, AGREED[facts.agreed_how], day_words(day), english_day(day))
    return Agreement(
        lang=language.tag, dir=language.dir, words={name: pair(_, words) for name, words in WORDS.items()},
        printed_on=printed_today(), name=facts.name, device=facts.device, tag=facts.tag, things=facts.things,
        all_things=_in_a_row(facts.things),
        parts=[
            (pair(_, part.heading), [pair(_, line) for line in part.lines]) for part in parts_of(version)
        ],
        until=with_day(_, UNTIL, day_words(facts.due_on), english_day(facts.due_on)) if facts.due_on else None,
        place=facts.place, phone=facts.phone, agreed=agreed, copies=pair(_, BOTH_COPIES), signature=facts.signature,
    )  # fmt: skip
