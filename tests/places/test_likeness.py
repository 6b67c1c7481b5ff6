"""Which two entries are suspected to be one place."""

from __future__ import annotations

import pytest

from inclusion_app.places.likeness import Known, Neighbourhood, is_like

HERE = (53.45, -2.22)


@pytest.mark.parametrize(
    ("one", "other", "near", "like"),
    [
        ("Gorton Library", "Gorton Community Library & Hub", True, True),
        ("Longsight Libary", "Longsight Library", True, True),
        ("Café Réparé", "Cafe Repare", True, True),
        ("Portico Library", "Central Library", True, False),
        ("Library", "Gorton Library", True, False),
        ("Library", "The Library", True, True),
        ("Library", "The Library", False, False),
        ("Gorton Library", "Gorton Green Library", False, False),
        ("Gorton Library", "The Gorton Library", False, True),
    ],
)
def test_names_are_compared_by_the_words_that_tell(one: str, other: str, near: bool, like: bool) -> None:
    assert is_like(one, other, near=near) is like
    assert is_like(other, one, near=near) is like


def known(name: str, lat: float | None, lng: float | None, *kinds: str) -> Known:
    return Known(name, kinds or ("library",), lat, lng, "a-slug", "A list")


@pytest.mark.parametrize(
    ("there", "kinds", "found"),
    [
        (known("Gorton Hub Library", HERE[0] + 0.001, HERE[1]), ("library",), True),
        (known("Gorton Hub Library", HERE[0] + 0.004, HERE[1]), ("library",), False),
        (known("Gorton Library", HERE[0] + 0.01, HERE[1]), ("library",), True),
        (known("Gorton Library", HERE[0] + 0.1, HERE[1]), ("library",), False),
        (known("Gorton Library", *HERE), ("repair_cafe",), False),
        (known("Gorton Library", None, None), ("wifi", "library"), True),
    ],
)
def test_kind_name_and_distance_must_all_fit(there: Known, kinds: tuple[str, ...], found: bool) -> None:
    neighbours = Neighbourhood()
    neighbours.add(there)
    assert (neighbours.find_like("Gorton Library", kinds, *HERE) is not None) is found


def test_the_nearest_of_several_is_named_and_edges_of_cells_do_not_hide_one() -> None:
    neighbours = Neighbourhood()
    neighbours.add(known("Gorton Library", None, None))
    neighbours.add(known("Gorton Library", 53.4502, -2.2201))
    neighbours.add(known("Gorton Library", 53.4499, -2.2199))
    like = neighbours.find_like("Gorton Library", ("library",), 53.44999, -2.21999)
    assert like is not None
    assert (like.known.lat, like.metres is not None and like.metres < 20) == (53.4499, True)


def test_without_a_point_only_the_same_name_is_found() -> None:
    neighbours = Neighbourhood()
    neighbours.add(known("Gorton Library", *HERE))
    assert neighbours.find_like("gorton library", ("library",), None, None)
    assert not neighbours.find_like("Gorton Hub Library", ("library",), None, None)
