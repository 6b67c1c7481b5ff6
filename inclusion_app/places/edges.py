"""Postcodes outside the region: which district of it is nearest, and from where its edge can still answer. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inclusion_app.places.pack import CITY, read_table


@dataclass(frozen=True)
class Edge:
    """What is known of a first half of a postcode.

    `kind` is "near" (the region's edge answers from `ward`, its code), "area" (only the nearest district is named) or
    "inside" (all of it lies in the region).
    """

    kind: str
    district: str
    ward: str = ""


@cache
def all_edges(folder: Path = CITY) -> dict[str, Edge]:
    """By outcode, or by the letters of a whole postcode area; read once a process."""
    return {
        row["start"]: Edge(row["kind"], row["district"], row["ward"])
        for row in read_table("edges.csv", folder)
    }


def edge_of(outward: str, folder: Path = CITY) -> Edge | None:
    """The entry of an outcode, else of its area; None when it is far away."""
    edges = all_edges(folder)
    letters = re.match(r"[A-Z]*", outward)
    return edges.get(outward) or edges.get(letters[0] if letters else "")
