"""The code of a booking, from whatever was typed, scanned, or stands in an address."""

from __future__ import annotations

import re

from inclusion_app.core.codes import read_code


def booking_code_of(typed: str) -> str:
    """The canonical code; who scans or copies the whole address of a booking means the code in it. Raises BrokenCode."""
    return read_code(re.split(r"/(?:book|b)/", typed[:200])[-1].split("?")[0].split("/")[0])
