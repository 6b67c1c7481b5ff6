"""Readers of other people's lists of places: bytes in, plain rows and refusals out. Pure: no database, no Flask.

A row is a dict with the keys `places.services.import_places` knows; `line` and `part` say where it stood.
"""

from __future__ import annotations

from collections.abc import Callable

from inclusion_app.places.readers.hsds import read_hsds
from inclusion_app.places.readers.librarieshacked import read_librarieshacked
from inclusion_app.places.readers.osm import read_osm
from inclusion_app.places.readers.own_csv import read_csv
from inclusion_app.places.readers.rows import Options, Reading, Unusable

READERS: dict[str, Callable[[bytes, Options], Reading]] = {
    "librarieshacked": read_librarieshacked,
    "osm": read_osm,
    "hsds": read_hsds,
    "csv": read_csv,
}

__all__ = ["READERS", "Options", "Reading", "Unusable"]
