"""How names of the city are written in other letters, and the order to list them in. Pure.

A name stays as it is on signs. Beside it stands how it sounds, for whoever does not read Latin letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from inclusion_app.places.pack import CITY, read_table

# Urdu's own order; Arabic's letters come in it as they do in Arabic.
ALPHABET = "اآأإبپتٹثجچحخدڈذرڑزژسشصضطظعغفقکكگلمنںوؤہهھةءیىيئے"


@dataclass(frozen=True)
class Listed:
    """A name as on signs, and in the reader's letters where we have them."""

    name: str
    written: str = ""

    @property
    def first(self) -> str:
        """What a reader looks for first."""
        return self.written or self.name


@cache
def all_written(folder: Path = CITY) -> dict[str, dict[str, tuple[str, ...]]]:
    """By name, then by language code: every form it is found by, the one to show first. Read once a process."""
    return {
        row["name"]: {
            code: tuple(form.strip() for form in cell.split("|"))
            for code, cell in row.items()
            if code != "name" and cell
        }
        for row in read_table("names.csv", folder)
    }


def written(name: str, code: str, folder: Path = CITY) -> str:
    """A name in the letters of a language; "" when we have none."""
    return all_written(folder).get(name, {}).get(code, ("",))[0]


def in_order(names: Sequence[str], code: str, folder: Path = CITY) -> list[tuple[str, list[Listed]]]:
    """Names under the letter a reader of the language finds them by, in the order of its alphabet."""
    listed = sorted((Listed(name, written(name, code, folder)) for name in names), key=_place_in_order)
    return [(letter, list(group)) for letter, group in groupby(listed, key=_letter)]


def ward_slug(name: str, district: str, city: str) -> str:
    """What stands for a ward in an address: its name, with the district behind it for wards outside the city.

    Made of names alone, so that it stays when the wards are loaded anew. Two wards of the region may share a name.
    """
    said = name if district == city else f"{name} {district}"
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"['’.]", "", said.casefold()).replace("&", " and ")).strip("-")


def _letter(item: Listed) -> str:
    first = item.first[0].upper()
    return "ا" if first in "آأإ" else first


def _place_in_order(item: Listed) -> tuple[list[int], str]:
    signs = ["ا" if sign in "آأإ" else sign for sign in item.first.casefold()]
    return [
        ALPHABET.find(sign) if sign in ALPHABET else ord(sign) + len(ALPHABET) for sign in signs
    ], item.name
