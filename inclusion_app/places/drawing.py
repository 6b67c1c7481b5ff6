"""The map: an SVG of the city's wards with the numbers of the list. Drawn here; no tiles, no script. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 400.0
EDGE = 8.0
GRID = 24  # spots tried across, and down, for a letter


@dataclass(frozen=True)
class Pin:
    """One numbered place on the map."""

    number: str
    x: float
    y: float


@dataclass(frozen=True)
class Drawn:
    """What the template puts into the SVG: outlines as one path, pins, and where the person looks from."""

    width: int
    height: int
    path: str
    pins: tuple[Pin, ...]
    here: Pin | None


@dataclass(frozen=True)
class Name:
    """A ward in a close-up: the letter that stands in it, and where. Its name stands in a list below the picture."""

    letter: str
    name: str
    x: float
    y: float


LETTERS = "ABCD"


@dataclass(frozen=True)
class CloseUp:
    """One place, the person's area and the ward outlines around them, cut to a frame of three to two."""

    wide: float
    high: float
    path: str
    pin: Pin
    here: Pin | None
    names: tuple[Name, ...] = ()


Point = tuple[float, float]


class Sheet:
    """The wards of the city on a sheet WIDTH wide: where a longitude and latitude come to lie on it.

    Drawing the outlines is most of the work and the same for everybody, so one sheet serves many maps.
    """

    def __init__(self, wards: Sequence[Any]) -> None:
        drawn = [ward for ward in wards if ward.outline]
        self.rings = [ward.outline for ward in drawn]
        self.names = [getattr(ward, "name", "") for ward in drawn]
        self.west = min(x for ring in self.rings for x, _y in ring)
        self.east = max(x for ring in self.rings for x, _y in ring)
        self.south = min(y for ring in self.rings for _x, y in ring)
        self.north = max(y for ring in self.rings for _x, y in ring)
        self.squeeze = math.cos(math.radians((self.south + self.north) / 2))
        self.scale = (WIDTH - 2 * EDGE) / ((self.east - self.west) * self.squeeze)
        self.height = int(2 * EDGE + (self.north - self.south) * self.scale)
        self.path = _steps(self._borders(11))
        self.rough = self._outlines(20)

    def spot(self, lng: float, lat: float) -> Point:
        """Across and down, in units of the drawing."""
        across, down = (lng - self.west) * self.squeeze, self.north - lat
        return round(EDGE + across * self.scale, 1), round(EDGE + down * self.scale, 1)

    def holds(self, point: Any) -> bool:
        """True when something with a point lies on the sheet."""
        if point is None or point.lat is None:
            return False
        return self.west <= point.lng <= self.east and self.south <= point.lat <= self.north

    def _outlines(self, step: float) -> list[list[Point]]:
        return [_thin([self.spot(lng, lat) for lng, lat in ring], step) for ring in self.rings]

    def _borders(self, step: float) -> list[list[Point]]:
        """The lines between wards and around the city, each once: corners nearer than `step` to each other are one.

        Neighbours draw their common border each in its own way, so two lines would lie side by side, at twice the bytes.
        """
        corners: list[Point] = []

        def corner(x: float, y: float) -> Point:
            near = next((at for at in corners if abs(at[0] - x) + abs(at[1] - y) < step), None)
            if near is None:
                near = (round(x), round(y))
                corners.append(near)
            return near

        drawn: set[frozenset[Point]] = set()
        lines: list[list[Point]] = []
        for ring in self.rings:
            around = [corner(*self.spot(lng, lat)) for lng, lat in ring]
            line: list[Point] = []
            for start, end in zip(around, [*around[1:], around[0]], strict=True):
                side = frozenset((start, end))
                if side in drawn:
                    lines.append(line)
                    line = []
                elif start != end:
                    drawn.add(side)
                    line = [*(line or [start]), end]
            lines.append(line)
        return [line for line in lines if line]

    def pin(self, point: Any) -> Pin | None:
        """A pin without a number; None for what does not lie on the sheet."""
        return Pin("", *self.spot(point.lng, point.lat)) if self.holds(point) else None


def city_sheet(wards: Sequence[Any]) -> Sheet | None:
    """The sheet of these wards; None when no outline is known."""
    return Sheet(wards) if any(ward.outline for ward in wards) else None


def city_map(sheet: Sheet, entries: Sequence[dict[str, Any]], where: Any) -> Drawn:
    """Put the numbers of the list on the map. Pins at one spot share it ("1, 3")."""
    groups: dict[Point, list[int]] = {}
    for entry in entries:
        place = entry["place"]
        if not sheet.holds(place):
            continue
        x, y = sheet.spot(place.lng, place.lat)
        near = next((key for key in groups if abs(key[0] - x) < 14 and abs(key[1] - y) < 14), (x, y))
        groups.setdefault(near, []).append(entry["number"])
    pins = tuple(Pin(",".join(map(str, numbers[:3])), x, y) for (x, y), numbers in groups.items())
    return Drawn(int(WIDTH), sheet.height, sheet.path, pins, sheet.pin(where))


def close_up(sheet: Sheet, place: Any, where: Any) -> CloseUp | None:
    """The picture of one place for paper; None where its point is not known.

    Outlines are cut at the frame: a path that runs on, only hidden, would cover the words beside the picture for
    whoever looks at boxes (a printer driver, a checker of contrast).
    """
    pin = sheet.pin(place)
    if pin is None:
        return None
    here = sheet.pin(where)
    other = here or pin
    high = max(90.0, 1.6 * abs(pin.y - other.y), 1.1 * abs(pin.x - other.x))
    wide = 1.5 * high
    left, top = (pin.x + other.x - wide) / 2, (pin.y + other.y - high) / 2
    moved = [[(x - left, y - top) for x, y in ring] for ring in sheet.rough]
    cut = [_cut(ring, wide, high) for ring in moved]
    pin, here = _moved(pin, left, top), here and _moved(here, left, top)
    signs = [(point.x, point.y) for point in (pin, here) if point]
    names = _names(zip(cut, sheet.names, strict=True), signs, wide, high)
    return CloseUp(wide, high, _steps([ring for ring in cut if ring], closed=True), pin, here, names)


def _names(
    wards: Iterable[tuple[list[Point], str]], signs: list[Point], wide: float, high: float
) -> tuple[Name, ...]:
    """A letter in each of the largest wards seen, those of the place and the person first, clear of their signs."""
    free = high / 7  # from the middle of a letter to whatever must not touch it
    found = []
    for ring, name in wards:
        spot = _roomiest(ring, signs, wide, high, free) if ring and name else None
        if spot:
            holds_sign = any(_inside(ring, *sign) for sign in signs)
            found.append((not holds_sign, -_area(ring), name, spot))
    best = sorted(found)[: len(LETTERS)]
    # Read as a page is: from the top, from the left.
    ordered = sorted(best, key=lambda item: (item[3][1], item[3][0]))
    return tuple(
        Name(letter, name, *spot) for letter, (_a, _b, name, spot) in zip(LETTERS, ordered, strict=False)
    )


def _roomiest(ring: list[Point], signs: list[Point], wide: float, high: float, free: float) -> Point | None:
    """Where in a ring a letter stands farthest from its edge and from the signs; None when it is nowhere clear."""
    best, at = free * 0.75, None
    for down in range(1, GRID):
        for across in range(1, GRID):
            x, y = wide * across / GRID, high * down / GRID
            if not _inside(ring, x, y):
                continue
            edges = zip([*ring[-1:], *ring[:-1]], ring, strict=True)
            room = min(_from_line((x, y), *edge) for edge in edges)
            room = min(room, *(math.dist((x, y), sign) - free * 0.4 for sign in signs))
            if room > best:
                best, at = room, (round(x, 1), round(y, 1))
    return at


def _inside(ring: list[Point], x: float, y: float) -> bool:
    """True when a point lies in a ring: a line from it crosses the ring's an odd number of times."""
    lines = zip([*ring[-1:], *ring[:-1]], ring, strict=True)
    crossed = (
        (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax for (ax, ay), (bx, by) in lines
    )
    return sum(crossed) % 2 == 1


def _area(ring: list[Point]) -> float:
    lines = zip([*ring[-1:], *ring[:-1]], ring, strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in lines)) / 2


def _from_line(point: Point, start: Point, end: Point) -> float:
    """How far a point is from the piece of line between two others."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = across * across + down * down
    share = ((point[0] - start[0]) * across + (point[1] - start[1]) * down) / length if length else 0.0
    share = min(1.0, max(0.0, share))
    return math.dist(point, (start[0] + share * across, start[1] + share * down))


def _moved(pin: Pin, left: float, top: float) -> Pin:
    return Pin(pin.number, round(pin.x - left, 1), round(pin.y - top, 1))


def _steps(lines: Sequence[Sequence[Point]], *, closed: bool = False) -> str:
    """Lines with each point told from the one before: small figures, so a third fewer bytes to send."""
    parts = []
    for line in lines:
        whole = [(round(x), round(y)) for x, y in line]
        (x, y), steps = whole[0], ""
        for (from_x, from_y), (to_x, to_y) in zip(whole, whole[1:], strict=False):
            across, down = to_x - from_x, to_y - from_y
            steps += f"{'' if across < 0 or not steps else ' '}{across}{'' if down < 0 else ' '}{down}"
        parts.append(f"M{x} {y}{steps and f'l{steps}'}{'z' if closed else ''}")
    return "".join(parts)


def _cut(ring: list[Point], wide: float, high: float) -> list[Point]:
    """What of a ring lies inside (0, 0)-(wide, high): Sutherland and Hodgman, one edge of the frame after the other."""
    for axis, edge, sign in ((0, 0.0, 1), (0, wide, -1), (1, 0.0, 1), (1, high, -1)):
        kept: list[Point] = []
        for before, point in zip([*ring[-1:], *ring[:-1]], ring, strict=True):
            was_in, is_in = (sign * (at[axis] - edge) >= 0 for at in (before, point))
            if was_in != is_in:
                share = (edge - before[axis]) / (point[axis] - before[axis])
                other = 1 - axis
                across = before[other] + share * (point[other] - before[other])
                kept.append((edge, across) if axis == 0 else (across, edge))
            if is_in:
                kept.append(point)
        ring = kept
    return ring


def _thin(points: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Drop points closer than this many units to the last one kept: the drawing is a sketch, not a survey."""
    kept = [points[0]]
    for x, y in points[1:]:
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= step:
            kept.append((x, y))
    return kept
