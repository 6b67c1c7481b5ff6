"""Which part of a handout stands on which side, and how tight it must be set to fill its sides and no more. Pure.

Both follow from heights guessed by the lengths of its sentences. The paper service sets a side tighter when it spills
over, but each try is another drawing. Starting near the right setting spares them. The measures are those of
static/css/paper.css, the widths those of the Noto fonts over our own catalogues; tests/paper/ holds the guess against
what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from inclusion_app.core.paper_parts import Pair, joined
from inclusion_app.places.place_sheet import OpenDay
from inclusion_app.roadmaps.handout import LEAN, LEAN_HOME, LEAN_LARGE, Handout, Lean, StepBox

MM = 72 / 25.4
WIDTH, HEIGHT = 188 * MM, 281 * MM
TIGHTEST = 4
NASKH_FIT = 4  # from here Urdu stands in Naskh
SPARE = 0.99  # of a side: the guess is a little off, and a side that spills over is set tighter
SPARE_BROWSER = 0.94  # a browser has its own fonts and sets nothing tighter
SURE = 0.94  # so full, a side fits even when the guess is low
SMALL_HOLE = 0.15  # of a side: nobody minds
SPARE_LARGE = 0.95  # a part that was guessed to fit and does not leaves a hole

# Mean width of a letter in em, the spaces among them.
LATIN, NASKH, NASTALIQ, HAN, INDIC, CYRILLIC = 0.475, 0.39, 0.405, 1.0, 0.55, 0.53
LETTERS = {
    "ur": NASTALIQ, "ar": NASKH, "fa": NASKH, "ckb": NASKH, "bn": INDIC, "pa": INDIC, "uk": CYRILLIC,
    "zh-Hans": HAN, "zh-Hant": HAN,
}  # fmt: skip
LINES = {"ur": (1.95, 1.8, 1.8, 1.8, 1.35), "ar": (1.5, 1.4, 1.4, 1.4, 1.4), "bn": (1.5,), "pa": (1.5,)}
HEADS = {"ur": (1.85, 1.75, 1.65, 1.85, 1.3)}
DAYS = {"ur": (1.65, 1.65, 1.5, 1.65, 1.3)}
ALONE = (1.45, 1.25, 1.25, 1.25, 1.25)
LATIN_LINES = (1.32, 1.25, 1.25, 1.25, 1.25)
SIZES, SIZES_LARGE = (14, 14, 13, 12, 12), (18, 18, 18, 17, 17)


@dataclass(frozen=True)
class Measures:
    """The measures of one side set at one fit, in points."""

    handout: Handout
    fit: int
    lean: Lean = LEAN[0]

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
        return 6.0 * MM if self.fit < 1 else 4.0 * MM

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


# What may stand on either side, in the order it is read there, and where it stands when there is room: talk in front.
MOVABLE = ("talk", "route", "scam")
PLACEMENTS = (  # what stands in front, the usual first, then the fewest moved
    ("talk",), ("talk", "scam"), (), ("talk", "route"), ("scam",), ("route",), ("talk", "route", "scam"), ("route", "scam"),
)  # fmt: skip
LEANER = frozenset({"place", "scam", "journey", "talk", "wins"})  # what leaner sheets show less of
LETTERS_OF = (0, 0, 1, 2, 3)  # settings 0 and 1 differ in the air between the lines only
MOST_SIDES = 4  # of large print: two sheets


@dataclass(frozen=True)
class Layout:
    """How a sheet is set: the names of the parts on each side, how tight each side is, what it goes without.

    Large print runs on over `sides` sides: all parts stand in `front`, and `back` is empty.
    """

    front: tuple[str, ...]
    back: tuple[str, ...]
    fits: tuple[int, int]
    lean: Lean
    sides: int = 2

    @property
    def runs_on(self) -> bool:
        """True when no part is bound to a side."""
        return not self.back


def arrange(handout: Handout, *, spare: float = SPARE) -> Layout:
    """The best way to set a sheet, by the heights guessed: the same sheet is always set the same way.

    `spare` is how much of a side may be filled.

    First the letters are as large as can be. Then as little as can be is left out, then there is air between the
    lines, then as much as can be stands where it usually does.
    """
    heights = Heights(handout)
    return _run_on(heights) if handout.large else _two_sides(heights, HEIGHT * spare)


def has_room(handout: Handout) -> bool:
    """True when the sheet fills no more than its sides, also where a browser prints it: for what may be left out."""
    layout = arrange(handout, spare=SPARE_BROWSER)
    if layout.runs_on:
        return layout.fits[0] < TIGHTEST and layout.sides <= MOST_SIDES
    heights, room = Heights(handout), HEIGHT * SPARE_BROWSER
    sides = zip((layout.front, layout.back), layout.fits, strict=True)
    return all(heights.side(parts, fit, layout.lean) <= room for parts, fit in sides)


def _two_sides(heights: Heights, room: float) -> Layout:
    leans = LEAN_HOME if heights.handout.people else LEAN

    def rank(layout: Layout) -> tuple[float, ...]:
        fullest = max(
            heights.side(parts, fit, layout.lean) / HEIGHT
            for parts, fit in zip((layout.front, layout.back), layout.fits, strict=True)
        )
        over, risk = max(0.0, fullest - room / HEIGHT), max(0.0, fullest - SURE)
        return over, LETTERS_OF[max(layout.fits)], leans.index(layout.lean), sum(layout.fits), risk

    def layouts() -> Iterator[Layout]:
        for lean in leans:
            for in_front in PLACEMENTS:
                front, back = parts_of(in_front)
                fits = heights.loosest(front, room, lean), heights.loosest(back, room, lean)
                yield Layout(front, back, fits, lean)

    return min(layouts(), key=rank)  # of equals the first: the usual placement comes first


def _run_on(heights: Heights) -> Layout:
    """Large print: as few sides as its letters allow. It goes without things only where four sides are too few.

    What the person has done stands there only where no side is added for it.
    """
    best = _least_sides(heights)
    with_wins = replace(best.lean, wins=True)
    _order, sides = _packed(heights, best.fits[0], with_wins)
    return replace(best, lean=with_wins) if sides <= best.sides else best


def _least_sides(heights: Heights) -> Layout:
    best = None
    for lean in LEAN_LARGE:
        for fit in (1, 0):  # tighter lines may save a side; where they do not, there is air
            order, sides = _packed(heights, fit, lean)
            layout = Layout(order, (), (fit, fit), lean, sides)
            best = layout if best is None or layout.sides <= best.sides else best
        assert best is not None
        if best.sides <= MOST_SIDES:
            return best
    order, _sides = _packed(heights, TIGHTEST, LEAN_LARGE[-1])
    return Layout(order, (), (TIGHTEST, TIGHTEST), LEAN_LARGE[-1], MOST_SIDES)


def _packed(heights: Heights, fit: int, lean: Lean) -> tuple[tuple[str, ...], int]:
    """The parts in the order that leaves no holes, and how many sides they fill. No part is cut in two.

    What comes first stays first. The rest stands in its usual order, unless that leaves a hole another would not; what
    the person has done comes last and moves nothing.
    """
    first, rest = parts_of(PLACEMENTS[0])
    fixed = [name for name in first if name not in MOVABLE]
    room = HEIGHT * SPARE_LARGE
    m = Measures(heights.handout, fit, lean)
    blocks = [heights.of(name, fit, lean) for name in fixed if name != "steps"]
    blocks[2:2] = [_step(m, step) for step in heights.handout.steps]
    begun = _stacked(blocks, room)
    *others, wins = rest
    tall = {name: height for name in ("talk", *others) if (height := heights.of(name, fit, lean))}
    last = heights.of(wins, fit, lean)

    def rank(order: tuple[str, ...]) -> tuple[int, float]:
        sides, _filled, hole = _stacked([tall[name] for name in order], room, *begun)
        return sides, max(0.0, hole - SMALL_HOLE * HEIGHT)

    order = min(permutations(tall), key=rank)  # of equals the first: the usual order comes first
    return (*fixed, *order, wins), _stacked([*(tall[name] for name in order), last], room, *begun)[0]


def _stacked(
    blocks: Iterable[float], room: float, sides: int = 1, filled: float = 0.0, hole: float = 0.0
) -> tuple[int, float, float]:
    """Blocks put one below the other on sides: how many, how full the last is, the largest hole on those before."""
    for height in blocks:
        if filled + height > room:
            sides, filled, hole = sides + 1, 0.0, max(hole, room - filled)
        filled += height
    return sides, filled, hole


def parts_of(in_front: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the parts of the front and of the back, in the order they are read."""
    front = (
        "head",
        "doing",
        "steps",
        "again",
        "notes",
        "appointment",
        *(n for n in MOVABLE if n in in_front),
    )
    return front, ("code", "place", *(n for n in MOVABLE if n not in in_front), "journey", "wins")


class Heights:
    """The heights of a sheet's parts, each looked at once for each setting."""

    def __init__(self, handout: Handout) -> None:
        self.handout = handout
        self._known: dict[tuple[str, int, Lean], float] = {}

    def of(self, part: str, fit: int, lean: Lean) -> float:
        """The height of a part in points; 0 for one the sheet has not got."""
        name = part, fit, lean if part in LEANER else LEAN[0]
        if name not in self._known:
            self._known[name] = PARTS[part](Measures(self.handout, fit, name[2]))
        return self._known[name]

    def side(self, parts: Iterable[str], fit: int, lean: Lean) -> float:
        """The height of parts one below the other, in points."""
        return sum(self.of(part, fit, lean) for part in parts)

    def loosest(self, parts: Sequence[str], room: float, lean: Lean) -> int:
        """The loosest setting, 0 to 4, at which the parts fill no more than the room; the tightest when none does."""
        fits = range(TIGHTEST)
        return next((fit for fit in fits if self.side(parts, fit, lean) <= room), TIGHTEST)


def _head(m: Measures) -> float:
    h = m.handout
    total = m.text(joined((h.printed_on, h.words["old"])), WIDTH, size=m.small) + 2 * MM
    total += m.head(h.words["title"], WIDTH, scale=1.6)
    if not h.private and (h.goals or h.name or h.people):
        inside = WIDTH - 4.5 * MM
        names = " · ".join(h.people) or h.name
        lines = _lines(names, 0.6 * m.size, inside) if names else 0
        total += 3.5 * MM + lines * m.size * 1.43 + sum(m.text(goal, inside) for goal in h.goals)
    if not h.steps and not h.private:
        total += 3.5 * MM + m.text(h.words["done"], WIDTH - 4.5 * MM)
    return total


def _doing(m: Measures) -> float:
    h = m.handout
    if not h.doing:
        return 0.0
    inside = WIDTH - 17.8 * MM
    total = m.head(h.words["doing"], WIDTH)
    for step in h.doing:
        if h.steps:
            total += m.between - 0.9 * MM + m.text(step.title, inside)
        else:
            total += _step(m, step)
    return total


def _step(m: Measures, step: StepBox) -> float:
    inside = WIDTH - 17.8 * MM
    total = m.between - 0.9 * MM + m.head(step.title, inside)
    if step.why and not m.handout.private:
        total += m.text(step.why, inside)
    words = m.handout.words["bring"]
    facts = joined(
        (
            *((m.handout.words["who"], Pair(step.who, step.who)) if step.who else ()),
            *((step.mode,) if step.mode else ()),
            step.minutes,
            *((words, *step.bring) if step.bring else ()),
        )
    )
    total += m.text(Pair(facts.own + " " * 9, facts.en + " " * 9), inside)
    return total + sum(m.text(note, inside) for note in step.notes)


def _again(m: Measures) -> float:
    h, inside = m.handout, WIDTH - 6.8 * MM
    if not h.again_on:
        return 0.0
    return (
        m.between
        + MM
        + m.text(h.again_on, inside - 1.7 * m.size)
        + m.text(h.words["again_with"], inside)
        + 7 * MM
    )


def _wins(m: Measures) -> float:
    wins = m.handout.told_wins
    if not wins or not m.lean.wins:
        return 0.0
    return 3 * MM + m.head(m.handout.words["won"], WIDTH) + sum(m.text(won.words, WIDTH) for won in wins)


def _notes(m: Measures) -> float:
    inside = WIDTH - 6.8 * MM
    return (
        0.0 if m.handout.private else sum(m.between + MM + m.text(note, inside) for note in m.handout.notes)
    )


def _appointment(m: Measures) -> float:
    a, inside = m.handout.appointment, WIDTH - 6.8 * MM
    if a is None:
        return 0.0
    total = m.between + m.head(m.handout.words["appointment"], inside - 1.7 * m.size) + m.size * 1.9
    return total + sum(m.text(pair, inside) for pair in (a.day, a.who, a.what_happens, a.if_time_is_bad))


def _talk(m: Measures) -> float:
    h, inside = m.handout, WIDTH - 6.8 * MM
    if not h.phones:
        return 0.0
    total = m.between + 3 * MM + m.head(h.words["talk"], inside - 1.7 * m.size)
    for line in h.phones[: m.lean.phones]:
        number = f" {line.name} {line.number}" + len(line.number) * "0" + 8 * " "  # large and bold
        total += m.text(Pair(line.what_for.own + number, line.what_for.en), inside)
        total += m.text(line.cost, inside) if line.cost and m.lean.phones > 1 else 0
    return total


def _code(m: Measures) -> float:
    h, inside = m.handout, WIDTH - 6.8 * MM
    if not h.code:
        return 0.0
    inside -= 33 * MM
    width = (len(h.code) * 1.3 + len(h.typed_address) * 0.58 + 2) * m.size
    words = m.head(h.words["code"], inside) + m.size * (2.35 if width < inside else 3.65)
    opens, letter = h.words["code_opens"], LATIN if h.is_english else m.letter
    words += _lines(opens.own, letter * m.size, inside) * m.size * m.line
    words += 0 if opens.is_single else _lines(opens.en, LATIN * m.english, inside) * m.english * 1.3
    return max(words, 30 * MM) + m.between - MM


def _route(m: Measures) -> float:
    h = m.handout
    if not h.routes or h.private:
        return 0.0
    return m.head(h.words["route"], WIDTH - 1.7 * m.size) + sum(m.text(pair, WIDTH) for pair in h.routes)


def _scam(m: Measures) -> float:
    h, inside = m.handout, WIDTH - 6.8 * MM
    head = 2.5 * MM + m.between + m.head(h.words["scam"], inside - 1.7 * m.size)
    return head + sum(m.text(pair, inside) for pair in ((joined(h.scam),) if m.lean.scam_in_one else h.scam))


def _journey(m: Measures) -> float:
    h = m.handout
    if not h.journey or h.private:
        return 0.0
    line = m.small * (1.25 if h.lang != "ur" else 1.75 if m.fit < NASKH_FIT else 1.3)
    first, further = (9, 6.5) if h.large else (7, 5)  # what the tracks of its lines take, in millimetres
    width = 91 * MM - (first + further * max(0, h.journey.keys - 1)) * MM
    letter = (LATIN if h.is_english else m.letter) * m.small
    rows = [max(7 * MM, _lines(row.striptags(), letter, width) * line) for row in h.journey.rows]
    rows = rows[: m.lean.stations]
    half = math.ceil(len(rows) / 2)
    total = m.head(h.words["journey"], WIDTH) + MM + max(sum(rows[:half]), sum(rows[half:]))
    total += h.journey.keys * line * 1.04
    more = h.journey.more.get(m.lean.stations)
    return total + (m.text(more, WIDTH, size=m.small) if more else 0)


def _place(m: Measures) -> float:
    h, place = m.handout, m.handout.place
    if place is None:
        return 0.0
    total = m.head(h.words["place"], WIDTH - 1.7 * m.size) + 1.5 * MM
    total += _lines(f"{place.name} {place.address} {place.postcode}", 0.49 * m.size, WIDTH) * m.size * 1.3
    total += m.text(place.distance, WIDTH) if place.distance else 0
    day = max(_at(DAYS.get(h.lang, (1.4,)), m.fit), 1.4) * m.size
    rows = place.days(m.lean.week_in_groups)
    table = day * (sum(_row_lines(m, rows)) if place.drawing else len(rows))
    caption = h.words["week"].own if h.is_english else f"{h.words['week'].own} {h.words['week'].en}"
    caption_height = _lines(caption, (0.51 if h.is_english else 0.48) * m.size, 110 * MM) * m.size * m.line
    table += caption_height if place.week else 0
    small, width = m.size * (1 if h.large else 0.86), 72 * MM
    signs = [h.words["map_place"], *([h.words["map_you"]] if place.drawing_shows_you else [])]
    told = "    ".join(f"O {sign.own} {'' if sign.is_single else sign.en}" for sign in signs)
    key = _lines(told, LATIN * small, width) * small * (1.6 if h.lang == "ur" else 1.3)
    names = "  ".join(f"A {name}" for name in place.drawing_names)
    key += _lines(names, 0.55 * small, width) * small * 1.3 if names else 0
    total += max(table, (30 * MM + key) if place.drawing else 0)
    total += m.text(place.opening_note, WIDTH) if place.opening_note else 0
    return total + (m.text(joined(place.how_sure), WIDTH, size=m.small) if place.how_sure else 0)


def _row_lines(m: Measures, rows: Sequence[OpenDay]) -> list[float]:
    """How many lines each day of the week takes beside the drawing: hours in two parts may need a second."""
    letter = LATIN if m.handout.is_english else m.letter
    names = max((len(row.day.own) for row in rows), default=0) * letter * m.size
    if not m.handout.is_english:
        names += max((len(row.day.en) for row in rows), default=0) * 0.52 * m.english + 4 * MM
    room = 113 * MM - names - 8 * MM
    times = [sum(len(part) * 0.56 + 0.3 for part in row.times) * m.size for row in rows]
    return [1 if width <= room else 1.8 for width in times]


def _lines(text: str, letter: float, width: float) -> int:
    # A line ends at a word, so it holds a little less than its width.
    return max(1, math.ceil(len(text) * letter / width - 0.02 + 0.03 * (len(text) * letter > width)))


def _at(values: tuple[float, ...], fit: int) -> float:
    return values[min(fit, len(values) - 1)]


PARTS: Mapping[str, Callable[[Measures], float]] = {
    "head": _head, "doing": _doing, "steps": lambda m: sum(_step(m, step) for step in m.handout.steps),
    "notes": _notes, "appointment": _appointment, "talk": _talk, "code": _code, "place": _place, "route": _route,
    "scam": _scam, "journey": _journey, "again": _again, "wins": _wins,
}  # fmt: skip
