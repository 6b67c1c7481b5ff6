"""Distance and position, against sums done another way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inclusion_app.core.geo import EARTH_METRES, is_inside, metres_between, walk_minutes

POINT = st.tuples(st.floats(-89, 89), st.floats(-179, 179))
NEARBY = st.tuples(st.floats(53.3, 53.7), st.floats(-2.8, -1.9))
SQUARE = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0)]
HORSESHOE = [
    (0.0, 0.0),
    (5.0, 0.0),
    (5.0, 5.0),
    (4.0, 5.0),
    (4.0, 1.0),
    (1.0, 1.0),
    (1.0, 5.0),
    (0.0, 5.0),
    (0.0, 0.0),
]


def by_vectors(lat1: float, lng1: float, lat2: float, lng2: float) -> float:
    """The angle between two unit vectors, from their cross and dot product."""

    def unit(lat: float, lng: float) -> tuple[float, float, float]:
        phi, lam = math.radians(lat), math.radians(lng)
        return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)

    (ax, ay, az), (bx, by, bz) = unit(lat1, lng1), unit(lat2, lng2)
    cross = math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    return EARTH_METRES * math.atan2(cross, ax * bx + ay * by + az * bz)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(NEARBY, NEARBY)
def test_in_the_region_the_distance_is_right_to_the_metre(
    one: tuple[float, float], two: tuple[float, float]
) -> None:
    assert metres_between(*one, *two) == pytest.approx(by_vectors(*one, *two), abs=0.5)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(POINT, POINT)
def test_far_away_the_distance_is_right_to_the_metre(
    one: tuple[float, float], two: tuple[float, float]
) -> None:
    assert metres_between(*one, *two) == pytest.approx(by_vectors(*one, *two), abs=1.0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(POINT, POINT)
def test_there_and_back_is_the_same_way(one: tuple[float, float], two: tuple[float, float]) -> None:
    assert metres_between(*one, *two) == pytest.approx(metres_between(*two, *one), abs=1e-6)


def test_no_distance_to_oneself() -> None:
    assert metres_between(53.48, -2.24, 53.48, -2.24) == 0


def test_a_degree_along_a_meridian_is_a_360th_of_the_round() -> None:
    assert metres_between(53, -2, 54, -2) == pytest.approx(math.tau * EARTH_METRES / 360, abs=0.01)


def test_opposite_ends_of_the_earth_are_half_the_round_apart() -> None:
    assert metres_between(0, 0, 0, 180) == pytest.approx(math.pi * EARTH_METRES, abs=0.01)


@pytest.mark.parametrize(
    ("metres", "minutes"), [(0, 5), (300, 5), (301, 10), (600, 10), (1_500, 25), (1_501, 30)]
)
def test_a_slow_walk_is_rounded_up_to_five_minutes(metres: float, minutes: int) -> None:
    assert walk_minutes(metres) == minutes


@pytest.mark.parametrize(
    ("lat", "lng", "inside"), [(2, 2, True), (2, 5, False), (2, -1, False), (5, 2, False), (-1, 2, False)]
)
def test_a_square_knows_its_inside(lat: float, lng: float, inside: bool) -> None:
    assert is_inside(lat, lng, SQUARE) is inside


@pytest.mark.parametrize(
    ("lat", "lng", "inside"), [(3, 2.5, False), (0.5, 2.5, True), (3, 0.5, True), (3, 4.5, True)]
)
def test_a_bay_is_outside(lat: float, lng: float, inside: bool) -> None:
    assert is_inside(lat, lng, HORSESHOE) is inside


def test_a_ring_may_run_either_way() -> None:
    assert is_inside(3, 2.5, HORSESHOE[::-1]) is False
    assert is_inside(0.5, 2.5, HORSESHOE[::-1]) is True


def test_a_line_through_a_corner_is_counted_once() -> None:
    diamond = [(0.0, 1.0), (1.0, 0.0), (2.0, 1.0), (1.0, 2.0), (0.0, 1.0)]
    assert is_inside(1.0, 1.0, diamond) is True
    assert is_inside(1.0, -1.0, diamond) is False


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_point_lies_in_one_of_two_neighbours_and_never_both(lat: float, lng: float) -> None:
    left = [(0.0, 0.0), (0.6, 0.0), (0.3, 1.0), (0.0, 1.0), (0.0, 0.0)]
    right = [(0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.3, 1.0), (0.6, 0.0)]
    assert is_inside(lat, lng, left) is not is_inside(lat, lng, right)
