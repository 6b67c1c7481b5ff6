"""Names of the websites we link to: nobody wants to hear an address spelled letter by letter. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from inclusion_app.places.pack import CITY, read_table


@cache
def all_names(folder: Path = CITY) -> dict[str, str]:
    """Who speaks on a website, by its host without "www.". Read once a process."""
    return {row["site"]: row["name"] for row in read_table("sites.csv", folder)}


def site_words(address: str, short: bool = False, folder: Path = CITY) -> str:
    """A website as people say it: its name where we have one, and the host it stands on; `short`: one of the two."""
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    name = all_names(folder).get(host, "")
    if short or not name:
        return name or host
    return f"{name}, {host}"
