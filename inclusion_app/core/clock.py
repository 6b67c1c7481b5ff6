"""The only reader of the wall clock. Everything else is told what time it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The day on a Manchester wall calendar."""
    return now().astimezone(LONDON).date()


def moment(day: date, wall: time) -> datetime:
    """The instant of a wall time. One that a change of clocks leaves out is the instant an hour later on the wall."""
    return datetime.combine(day, wall, LONDON).astimezone(UTC)
