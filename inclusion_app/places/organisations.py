"""Programmes without a fixed address: they are in no list of places and on no map, yet somebody can ring them. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inclusion_app.places.pack import CITY, read_table

MOST_SHOWN = 6


@dataclass(frozen=True)
class Organisation:
    """One programme. `what` is our own English sentence, translated when shown; `source_on` is a day, month or year."""

    name: str
    kinds: tuple[str, ...]
    area: str
    what: str
    phone: str
    website: str
    source_on: str


@cache
def all_organisations(folder: Path = CITY) -> tuple[Organisation, ...]:
    """Every programme of the city pack, read once a process."""
    return tuple(
        Organisation(
            row["name"],
            tuple(row["kinds"].split()),
            row["area"],
            row["what"],
            row["phone"],
            row["website"],
            row["source_on"],
        )
        for row in read_table("organisations.csv", folder)
    )


@cache
def city_and_region(folder: Path = CITY) -> tuple[str, str]:
    """The names of the pack's city and of the region around it."""
    about = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
    return about["city"], about["region"]


def kinds_without_address() -> set[str]:
    """The kinds some programme has, so that the finder can offer them although no place has."""
    return {kind for organisation in all_organisations() for kind in organisation.kinds}


def without_address(kind: str = "", district: str = "", most: int = MOST_SHOWN) -> list[Organisation]:
    """Programmes of a kind ("" for all): those of the district first, then of the whole region, then the rest.

    Without a district the city's own come first.
    """
    city, region = city_and_region()
    order = {region: 1, district or city: 0}
    fitting = [here for here in all_organisations() if not kind or kind in here.kinds]
    return sorted(fitting, key=lambda here: order.get(here.area, 2))[:most]
