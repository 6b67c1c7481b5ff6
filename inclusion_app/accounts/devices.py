"""What a browser is called in the list of sign-ins, and where a sign-in may lead to. Pure."""

from __future__ import annotations

import re

# Looked for in this order: most browsers also name those they wish to be taken for.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"),
    ("CrOS", "a Chromebook"), ("Mac OS X", "a Mac"), ("Linux", "Linux"),
)  # fmt: skip
STAFF_PATH = re.compile(r"/staff(/[A-Za-z0-9_.~-]+)*/?(\?[A-Za-z0-9_.~%=&+-]*)?")
HOME = "/staff"


def device_words(user_agent: str) -> str:
    """ "Firefox on Windows": enough to tell one's own sign-ins apart, too little to tell people apart."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "A browser")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if system else browser


def way_on(wish: str | None) -> str:
    """The page of the staff somebody wished to see, or their start page.

    Nothing but a plain path under /staff: no other host, no two strokes, no backslash, and never the sign-in again.
    """
    path = wish or ""
    if (
        len(path) > 500
        or not STAFF_PATH.fullmatch(path)
        or path.startswith(("/staff/sign-", "/staff/recover"))
    ):
        return HOME
    return path
