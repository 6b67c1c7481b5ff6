"""Distance and position. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

EARTH_METRES = 6_371_008.8  # mean radius (IUGG)
SLOW_WALK = 60.0  # metres a minute, about 3.6 km/h


def metres_between(lat1: float, lng1: float, lat2: float, lng2: float) -> float:
    """Great-circle distance (haversine) between two WGS84 points, in metres."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_lat = math.sin((phi2 - phi1) / 2)
    half_lng = math.sin(math.radians(lng2 - lng1) / 2)
    root = half_lat * half_lat + math.cos(phi1) * math.cos(phi2) * half_lng * half_lng
    return 2 * EARTH_METRES * math.asin(min(1.0, math.sqrt(root)))


def walk_minutes(metres: float) -> int:
    """Minutes at a slow walk, rounded up to five."""
    return max(5, math.ceil(metres / SLOW_WALK / 5) * 5)


def is_inside(lat: float, lng: float, ring: Sequence[tuple[float, float]]) -> bool:
    """Ray casting: is the point inside a closed ring of (lng, lat)?"""
    inside = False
    before_x, before_y = ring[-1]
    for x, y in ring:
        if (y > lat) != (before_y > lat) and lng < (before_x - x) * (lat - y) / (before_y - y) + x:
            inside = not inside
        before_x, before_y = x, y
    return inside
