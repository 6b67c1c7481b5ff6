"""What every paper is made of: sentences in two languages, the day of printing, the square of an address. Pure.

Views fill these with words that are translated already; the templates only print them. So a PDF and its print page
cannot differ, and a paper can be drawn in a test without a database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

import segno
from markupsafe import Markup

from inclusion_app.core.words import N_

PRINTED_ON = N_("Printed on %(day)s.")
QUIET_ZONE = 4  # modules of white around a QR: ISO/IEC 18004

Translate = Callable[..., str]


def direction_of(text: str) -> str:
    """`rtl` or `ltr`: which way typed words run, by their first letter (Unicode, UAX 9, rule P2).

    A paper's drawing knows no `dir="auto"`, nor does a plain mail.
    """
    strong = (unicodedata.bidirectional(sign) for sign in text)
    return "ltr" if next((kind for kind in strong if kind in {"L", "R", "AL"}), "L") == "L" else "rtl"


@dataclass(frozen=True)
class Pair:
    """One sentence in the person's language and in English. Equal when that is English, or when nobody translated it."""

    own: str
    en: str

    @property
    def is_single(self) -> bool:
        """True when there is one text to print, not two."""
        return self.own == self.en

    @property
    def typed_dir(self) -> str:
        """Which way it runs when it is words somebody typed, the same in both."""
        return direction_of(self.own)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Any sheet. `lang` is a BCP 47 tag, `dir` "rtl" or "ltr"; `address` what its square opens, whole."""

    lang: str
    dir: str
    words: dict[str, Pair]
    printed_on: Pair
    address: str = ""
    qr: Markup | None = None
    large: bool = False

    @property
    def is_english(self) -> bool:
        """True when there is one column only."""
        return self.lang == "en"

    @property
    def typed_address(self) -> str:
        """The address as a person types it."""
        return self.address.split("://")[-1]


def pair(translate: Translate, text: str, **params: object) -> Pair:
    """An N_ sentence both ways. `translate` is gettext: it takes the sentence and the named places that fill it."""
    return Pair(translate(text, **params), text % params if params else text)


def joined(pairs: Iterable[Pair]) -> Pair:
    """Several sentences as one paragraph."""
    pairs = tuple(pairs)
    return Pair(" ".join(pair.own for pair in pairs), " ".join(pair.en for pair in pairs))


def with_day(translate: Translate, text: str, own_day: str, english_day: str) -> Pair:
    """An N_ sentence of a day, with the day in words both ways."""
    return Pair(translate(text, day=own_day), text % {"day": english_day})


def qr_square(text: str, label: str) -> Markup:
    """A QR as one SVG path, a stroke a run, with its quiet zone, error correction medium. `label` is its alternate text."""
    code = segno.make(text, error="m", micro=False)
    size = code.symbol_size(border=QUIET_ZONE)[0]
    runs = []
    for y, row in enumerate(code.matrix, start=QUIET_ZONE):
        at = 0  # where the pen is; each run of dark modules is a stroke, told from the one before
        for dark, group in groupby(enumerate(row), key=lambda module: module[1]):
            (x, _dark), *rest = group
            if dark:
                runs.append(f"M{x + QUIET_ZONE} {y}" if not at else f"m{x - at} 0")
                runs.append(f"h{len(rest) + 1}")
                at = x + len(rest) + 1
    return Markup(
        '<svg class="qr" viewBox="0 0 {size} {size}" role="img"><title>{label}</title>'
        '<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path stroke="#000" transform="translate(0 .5)" d="{path}"/></svg>'
    ).format(size=size, label=label, path="".join(runs))
