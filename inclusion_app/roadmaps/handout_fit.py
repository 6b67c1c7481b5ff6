"""How tight a handout must be set to fill its sides and no more: a guess from the lengths of its sentences. Pure.

The paper service sets a side tighter when it spills over, but each try is another drawing. Starting near the right
setting spares them. The measures are those of static/css/paper.css, the widths those of the Noto fonts over our
own catalogues; tests/paper/ holds the guess against what is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from inclusion_app.roadmaps.handout import Handout, Pair

MM = 72 / 25.4
WIDTH, HEIGHT = 188 * MM, 281 * MM
TIGHTEST = 4
NASKH_FIT = 4  # from here Urdu stands in Naskh
SPARE = 1.0  # of a side; less would waste paper on guesses that are a little high
SPARE_LARGE = 0.9  # a part over two sides leaves a hole where a box did not fit the first

# Mean width of a letter in em, the spaces among them.
LATIN, NASKH, NASTALIQ, HAN, INDIC, CYRILLIC = 0.475, 0.39, 0.415, 1.0, 0.55, 0.53
LETTERS = {
    "ur": NASTALIQ, "ar": NASKH, "fa": NASKH, "ckb": NASKH, "bn": INDIC, "pa": INDIC, "uk": CYRILLIC,
    "zh-Hans": HAN, "zh-Hant": HAN,
}  # fmt: skip
LINES = {"ur": (1.95, 1.8, 1.8, 1.8, 1.35), "ar": (1.5, 1.4, 1.4, 1.4, 1.4), "bn": (1.5,), "pa": (1.5,)}
HEADS = {"ur": (1.85, 1.85, 1.65, 1.85, 1.3)}
DAYS = {"ur": (1.65, 1.65, 1.5, 1.65, 1.3)}
ALONE = (1.45, 1.25, 1.25, 1.25, 1.25)
LATIN_LINES = (1.32, 1.25, 1.25, 1.25, 1.25)
SIZES, SIZES_LARGE = (14, 14, 13, 12, 12), (18, 18, 18, 17, 17)


@dataclass(frozen=True)
class Measures:
    """The measures of one side set at one fit, in points."""

    handout: Handout
    fit: int

    @property
    def size(self) -> float:
        """The size of the letters."""
        return (SIZES_LARGE if self.handout.large else SIZES)[self.fit]

    @property
    def small(self) -> float:
        """The size of what stands in smaller print."""
        return self.size * (1 if self.handout.large or self.fit >= 3 else 0.86)

    @property
    def english(self) -> float:
        """The size of English beside another language."""
        return self.size * (0.95 if self.handout.large else 0.86 if self.fit == 0 else 0.84)

    @property
    def letter(self) -> float:
        """The mean width of a letter of the person's language, in em."""
        lang = self.handout.lang
        return NASKH if lang == "ur" and self.fit >= NASKH_FIT else LETTERS.get(lang, LATIN)

    @property
    def line(self) -> float:
        """The height of a line of the person's language, in em."""
        if self.handout.is_english:
            return ALONE[self.fit]
        return _at(LINES.get(self.handout.lang, LATIN_LINES), self.fit)

    @property
    def between(self) -> float:
        """What a box or a step adds above its lines: its padding, its border, its distance to the next."""
        if self.handout.is_english and self.fit == 0:
            return 9.8 * MM
        return 6.0 * MM if self.fit < 2 else 4.0 * MM

    def text(self, pair: Pair, width: float, *, size: float = 0) -> float:
        """The height of a sentence and its English side by side."""
        size = size or self.size
        if self.handout.is_english or pair.is_single:
            return (
                _lines(pair.en, LATIN * size, width) * size * (self.line if self.handout.is_english else 1.3)
            )
        share = 0.56 if self.handout.lang == "ur" else 0.53
        own = _lines(pair.own, self.letter * size, width * share - 3 * MM) * size * self.line
        english = self.english * size / self.size
        return max(
            own,
            _lines(pair.en, LATIN * english, width * (1 - share))
            * english
            * (1.25 if self.fit == 0 else 1.2),
        )

    def head(self, pair: Pair, width: float, *, scale: float = 1.1) -> float:
        """The height of a heading."""
        size = self.size * scale
        line = _at(HEADS.get(self.handout.lang, (1.25,)), self.fit)
        if self.handout.is_english:
            return _lines(pair.en, 0.51 * size, width) * size * line
        share = 0.56 if self.handout.lang == "ur" else 0.53
        own = _lines(pair.own, 1.05 * self.letter * size, width * share - 3 * MM) * size * line
        return max(own, _lines(pair.en, 0.51 * self.english, width * (1 - share)) * self.english * 1.25)


def start_fits(handout: Handout) -> tuple[int, int]:
    """The loosest setting, 0 to 4, at which the front, and the back, should fill no more sides than they may."""
    return _loosest(handout, front_height), _loosest(handout, back_height)


def _loosest(handout: Handout, height: Callable[[Measures], float]) -> int:
    room = HEIGHT * handout.sides
    for fit in range(TIGHTEST):
        if height(Measures(handout, fit)) <= room * (SPARE if handout.sides == 1 else SPARE_LARGE):
            return fit
    return TIGHTEST


def front_height(m: Measures) -> float:
    """The height of the front in points, were it one long side."""
    h = m.handout
    total = m.text(joined((h.printed_on, h.words["old"])), WIDTH, size=m.small) + 2 * MM
    total += m.head(h.words["title"], WIDTH, scale=1.6)
    if not h.private and (h.goals or h.name):
        inside = WIDTH - 4.5 * MM
        total += 3.5 * MM + (m.size * 1.43 if h.name else 0) + sum(m.text(goal, inside) for goal in h.goals)
    for step in h.steps:
        inside = WIDTH - 17.8 * MM
        total += m.between - 0.9 * MM + m.head(step.title, inside)
        if step.why and not h.private:
            total += m.text(step.why, inside)
        facts = joined((step.minutes, *((h.words["bring"], *step.bring) if step.bring else ())))
        total += m.text(Pair(facts.own + " " * 9, facts.en + " " * 9), inside)
        total += sum(m.text(note, inside) for note in step.notes)
    inside = WIDTH - 6.8 * MM
    if not h.private:
        total += sum(m.between + m.text(note, inside) for note in h.notes)
    if h.appointment:
        a = h.appointment
        total += m.between + m.head(h.words["appointment"], inside - 1.7 * m.size) + m.size * 1.9
        total += sum(m.text(pair, inside) for pair in (a.day, a.who, a.what_happens, a.if_time_is_bad))
    if h.phones:
        total += m.between + m.head(h.words["talk"], inside - 1.7 * m.size)
        for line in h.phones:
            total += (
                m.text(line.what_for, inside)
                + m.size * 1.85
                + (m.text(line.cost, inside) if line.cost else 0)
            )
    return total


def back_height(m: Measures) -> float:
    """The height of the back in points, were it one long side."""
    h = m.handout
    inside = WIDTH - 6.8 * MM
    total = 0.0
    if h.code:
        words = m.head(h.words["code"], inside - 36 * MM) + m.size * 2.35
        words += m.size * m.line + (0 if h.is_english else m.english * 1.3)
        total += max(words, 30 * MM) + m.between - 2 * MM
    if h.place:
        total += _place_height(m)
    if h.routes and not h.private:
        total += m.head(h.words["route"], WIDTH - 1.7 * m.size) + sum(
            m.text(pair, WIDTH) for pair in h.routes
        )
    total += (
        2.5 * MM
        + m.between
        + m.head(h.words["scam"], inside - 1.7 * m.size)
        + sum(m.text(pair, inside) for pair in h.scam)
    )
    if h.line_map and not h.private:
        rows = len(re.findall(r'class="lm-row', h.line_map))
        row = max(7 * MM, 0.95 * m.small * (1.25 if h.lang != "ur" else 1.75 if m.fit < NASKH_FIT else 1.5))
        total += m.head(h.words["journey"], WIDTH) + MM
        total += math.ceil(rows / (3 if m.fit >= NASKH_FIT else 2)) * row * 1.12
        total += len(re.findall(r"<li>", h.line_map)) * m.small * 1.3
        total += m.text(h.line_map_more, WIDTH, size=m.small) if h.line_map_more else 0
    return total


def _place_height(m: Measures) -> float:
    h, place = m.handout, m.handout.place
    assert place is not None
    total = m.head(h.words["place"], WIDTH - 1.7 * m.size) + 1.5 * MM
    total += _lines(f"{place.name} {place.address} {place.postcode}", 0.49 * m.size, WIDTH) * m.size * 1.3
    total += m.text(place.distance, WIDTH) if place.distance else 0
    day = max(_at(DAYS.get(h.lang, (1.4,)), m.fit), 1.4) * m.size
    table = len(place.week) * day + (m.size * m.line if place.week else 0)
    key = 0.86 * m.size * (1.6 if h.lang == "ur" else 1.3) * (2 if place.drawing_shows_you else 1)
    total += max(table, (30 * MM + key) if place.drawing else 0)
    total += m.text(place.opening_note, WIDTH) if place.opening_note else 0
    return total + (m.text(joined(place.how_sure), WIDTH, size=m.small) if place.how_sure else 0)


def joined(pairs: Iterable[Pair]) -> Pair:
    """Several sentences as one paragraph."""
    pairs = tuple(pairs)
    return Pair(" ".join(pair.own for pair in pairs), " ".join(pair.en for pair in pairs))


def _lines(text: str, letter: float, width: float) -> int:
    # A line ends at a word, so it holds a little less than its width.
    return max(1, math.ceil(len(text) * letter / width - 0.02 + 0.03 * (len(text) * letter > width)))


def _at(values: tuple[float, ...], fit: int) -> float:
    return values[min(fit, len(values) - 1)]
