"""Are two entries one place? Names compared by words and letters, points by metres. Pure; it only ever suspects."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from inclusion_app.core.geo import metres_between
from inclusion_app.places.postcodes import name_key

# A postcode's middle and the door of a building on it can lie this far apart.
NEAR_METRES = 300
# The very same name a short walk off is more likely a point put wrongly than a second place.
SAME_NAME_METRES = 2_000
LIKE = 0.85
VERY_LIKE = 0.92
CELL = 0.005  # degrees: wider than NEAR_METRES both ways in Great Britain (about 300 metres at 58° north)
# Words that say what a place is and not which one.
COMMON = frozenset(
    {
        "the", "a", "at", "of", "in", "and", "for", "library", "libraries", "community", "centre",
        "center", "hub", "leisure", "learning", "cafe", "repair", "makerspace", "hackspace",
        "fablab", "fab", "lab", "wifi", "wi", "fi", "free", "job", "jobcentre", "plus", "public",
        "town", "hall",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A place to compare with; `lat` and `lng` are None for one without a point."""

    name: str
    kinds: tuple[str, ...]
    lat: float | None
    lng: float | None
    slug: str
    source: str


@dataclass(frozen=True)
class Likeness:
    """A known place that may be the same; `metres` is None when one of the two has no point."""

    known: Known
    metres: float | None


def _plain(name: str) -> str:
    apart = unicodedata.normalize("NFKD", name)
    return name_key("".join(sign for sign in apart if not unicodedata.combining(sign)))


def is_like(one: str, other: str, *, near: bool = True) -> bool:
    """True when two names could stand for one place.

    Of neighbours the telling words may differ in a few letters, or be in the other's; elsewhere they must all but
    agree. A bare "Library" tells nothing apart: it is like its neighbour, and like nothing farther off.
    """
    own, others = set(_plain(one).split()) - COMMON, set(_plain(other).split()) - COMMON
    if not own or not others:
        return near and own == others
    if near and (own <= others or others <= own):
        return True
    match = SequenceMatcher(None, " ".join(sorted(own)), " ".join(sorted(others)))
    least = LIKE if near else VERY_LIKE
    return match.quick_ratio() >= least and match.ratio() >= least


class Neighbourhood:
    """The places known so far, in cells of the map, so that a long list is compared with its neighbours only."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Known]] = defaultdict(list)
        self._nowhere: list[Known] = []
        self._all: dict[str, list[Known]] = defaultdict(list)

    def add(self, known: Known) -> None:
        """Compare later ones with this place too."""
        self._all[_plain(known.name)].append(known)
        if known.lat is None or known.lng is None:
            self._nowhere.append(known)
        else:
            self._cells[_cell(known.lat, known.lng)].append(known)

    def find_like(
        self, name: str, kinds: Collection[str], lat: float | None, lng: float | None
    ) -> Likeness | None:
        """The nearest place of a shared kind with a like name; without a point on one side the names must agree closely."""
        found = [
            Likeness(known, metres)
            for known, metres in self._around(name, lat, lng)
            if set(known.kinds) & set(kinds)
            and is_like(name, known.name, near=metres is not None and metres <= NEAR_METRES)
        ]
        return min(found, key=lambda like: (like.metres is None, like.metres or 0.0), default=None)

    def _around(
        self, name: str, lat: float | None, lng: float | None
    ) -> Iterator[tuple[Known, float | None]]:
        if lat is None or lng is None:
            yield from ((known, None) for known in self._all.get(_plain(name), ()))
            return
        row, column = _cell(lat, lng)
        for cell in ((row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)):
            for known in self._cells.get(cell, ()):
                assert known.lat is not None
                assert known.lng is not None
                metres = metres_between(lat, lng, known.lat, known.lng)
                if metres <= NEAR_METRES:
                    yield known, metres
        for known in self._all.get(_plain(name), ()):
            if known.lat is not None and known.lng is not None:
                metres = metres_between(lat, lng, known.lat, known.lng)
                if NEAR_METRES < metres <= SAME_NAME_METRES:
                    yield known, metres
        yield from ((known, None) for known in self._nowhere)


def _cell(lat: float, lng: float) -> tuple[int, int]:
    return int(lat // CELL), int(lng // CELL)
