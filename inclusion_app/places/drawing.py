"""The map: an SVG of the city's wards with the numbers of the list. Drawn here; no tiles, no script. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 400.0
EDGE = 8.0


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


def city_map(
    wards: Sequence[Any], entries: Sequence[dict[str, Any]], where: Any, *, step: float = 7
) -> Drawn | None:
    """Fit the wards into a frame and put the numbers on it. Pins at one spot share it ("1, 3"). None without outlines."""
    rings = [ward.outline for ward in wards if ward.outline]
    if not rings:
        return None
    west = min(x for ring in rings for x, _y in ring)
    east = max(x for ring in rings for x, _y in ring)
    south = min(y for ring in rings for _x, y in ring)
    north = max(y for ring in rings for _x, y in ring)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = (WIDTH - 2 * EDGE) / ((east - west) * squeeze)

    def spot(lng: float, lat: float) -> tuple[float, float]:
        return round(EDGE + (lng - west) * squeeze * scale, 1), round(EDGE + (north - lat) * scale, 1)

    path = "".join(
        "M"
        + " ".join(f"{x:.0f} {y:.0f}" for x, y in _thin([spot(lng, lat) for lng, lat in ring], step))
        + "z"
        for ring in rings
    )
    groups: dict[tuple[float, float], list[int]] = {}
    for entry in entries:
        place = entry["place"]
        if place.lat is None or not (west <= place.lng <= east and south <= place.lat <= north):
            continue
        x, y = spot(place.lng, place.lat)
        near = next((key for key in groups if abs(key[0] - x) < 14 and abs(key[1] - y) < 14), (x, y))
        groups.setdefault(near, []).append(entry["number"])
    pins = tuple(Pin(",".join(map(str, numbers[:3])), x, y) for (x, y), numbers in groups.items())
    here = None
    if where is not None and west <= where.lng <= east and south <= where.lat <= north:
        here = Pin("", *spot(where.lng, where.lat))
    return Drawn(int(WIDTH), int(2 * EDGE + (north - south) * scale), path, pins, here)


def _thin(points: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Drop points closer than this many units to the last one kept: the drawing is a sketch, not a survey."""
    kept = [points[0]]
    for x, y in points[1:]:
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= step:
            kept.append((x, y))
    return kept
