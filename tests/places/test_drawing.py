"""The map of the city and the close-up of one place, over wards made for the purpose."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.places.drawing import Sheet, city_map, city_sheet, close_up

WEST, SOUTH = -2.3, 53.35
NORTH_EAST = (-2.1, 53.55)


def ward(west: float, south: float, east: float, north: float, name: str = "") -> SimpleNamespace:
    return SimpleNamespace(
        name=name,
        outline=[(west, south), (east, south), (east, north), (west, north), (west, south)],
    )


def spot(lng: float | None, lat: float | None) -> SimpleNamespace:
    return SimpleNamespace(lng=lng, lat=lat)


WARDS = (ward(WEST, SOUTH, -2.2, NORTH_EAST[1], "Western"), ward(-2.2, SOUTH, *NORTH_EAST, "Eastern"))
SHEET = Sheet(WARDS)


def points(path: str) -> list[tuple[int, int]]:
    numbers = [int(number) for number in re.findall(r"-?\d+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def corners_of(path: str) -> list[list[tuple[int, int]]]:
    """The corners of each line or ring, told from the one before, as places on the sheet."""
    found = []
    for line in path.split("M")[1:]:
        start, _l, steps = line.removesuffix("z").partition("l")
        [(x, y)] = points(start)
        corners = [(x, y)]
        for across, down in points(steps):
            x, y = x + across, y + down
            corners.append((x, y))
        found.append(corners)
    return found


def test_pins_at_one_spot_share_it_and_those_outside_are_left_out() -> None:
    entries = [
        {"place": spot(-2.25, 53.45), "number": 1},
        {"place": spot(-2.25, 53.4501), "number": 2},
        {"place": spot(-3.0, 53.45), "number": 3},
        {"place": spot(None, None), "number": 4},
    ]
    drawn = city_map(SHEET, entries, None)
    assert [pin.number for pin in drawn.pins] == ["1,2"]
    assert drawn.here is None


def test_without_outlines_there_is_no_map() -> None:
    bare = [SimpleNamespace(outline=None)]
    assert city_sheet(bare) is None


def test_a_place_whose_point_is_not_known_has_no_close_up() -> None:
    assert close_up(SHEET, spot(None, None), None) is None
    assert close_up(SHEET, spot(-3.0, 53.45), None) is None


inside = st.builds(spot, st.floats(WEST, NORTH_EAST[0]), st.floats(SOUTH, NORTH_EAST[1]))


@given(place=inside, where=st.none() | inside)
def test_a_close_up_holds_the_place_and_the_area_and_nothing_of_it_reaches_past_the_frame(
    place: SimpleNamespace, where: SimpleNamespace | None
) -> None:
    near = close_up(SHEET, place, where)
    assert near is not None
    for pin in (near.pin, near.here):
        if pin is not None:
            assert 0 < pin.x < near.wide
            assert 0 < pin.y < near.high
    for x, y in (corner for corners in corners_of(near.path) for corner in corners):
        assert 0 <= x <= near.wide + 0.5
        assert 0 <= y <= near.high + 0.5


def test_a_line_between_two_wards_is_kept_where_it_crosses_the_close_up() -> None:
    near = close_up(SHEET, spot(-2.2, 53.45), None)
    assert near is not None
    assert near.here is None
    # The border of the two wards runs through the place: both rings have points on it, at the top and the bottom.
    on_border = [y for corners in corners_of(near.path) for x, y in corners if abs(x - near.pin.x) <= 1]
    assert sorted(on_border) == [0, 0, round(near.high), round(near.high)]


def test_each_point_of_the_city_map_is_told_from_the_one_before() -> None:
    found = corners_of(city_map(SHEET, [], None).path)
    assert {x for corners in found for x, _y in corners} == {8, 200, 392}
    assert min(found[0]) == (8, 8)
    assert found[0][0] == found[0][-1]


def test_the_border_of_two_wards_is_drawn_once_and_none_is_left_out() -> None:
    sides = [
        frozenset(side)
        for corners in corners_of(city_map(SHEET, [], None).path)
        for side in zip(corners, corners[1:], strict=False)
    ]
    assert len(sides) == len(set(sides)) == 7
    assert sum({x for x, _y in side} == {200} for side in sides) == 1


def test_a_close_up_names_the_wards_by_letters_each_in_its_own_and_clear_of_the_signs() -> None:
    near = close_up(SHEET, spot(-2.215, 53.45), spot(-2.17, 53.45))
    assert near is not None
    assert near.here is not None
    assert [(ward.letter, ward.name) for ward in near.names] in (
        [("A", "Western"), ("B", "Eastern")],
        [("A", "Eastern"), ("B", "Western")],
    )
    border = SHEET.spot(-2.2, 53.45)[0] - SHEET.spot(-2.215, 53.45)[0] + near.pin.x
    for ward_ in near.names:
        assert (ward_.x < border) is (ward_.name == "Western")
        for sign in (near.pin, near.here):
            assert math.dist((ward_.x, ward_.y), (sign.x, sign.y)) > near.high / 10


def test_a_letter_that_finds_no_room_is_left_out() -> None:
    narrow = [
        ward(WEST + 0.002 * n, SOUTH, WEST + 0.002 * (n + 1), NORTH_EAST[1], f"W{n}") for n in range(100)
    ]
    near = close_up(Sheet(narrow), spot(-2.2, 53.45), None)
    assert near is not None
    assert near.names == ()
