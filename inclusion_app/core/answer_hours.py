"""The hours in which somebody answers the phone: an offer ends within them, so that who wants to say yes by phone can. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.working_days import is_working

OPENS, CLOSES = time(9), time(17)


def after_open_hours(since: datetime, hours: int, holidays: Collection[date]) -> datetime:
    """So many answered hours on. Raises ValueError when two months have no working day."""
    return after_open_time(since, timedelta(hours=hours), holidays)


def after_open_time(since: datetime, left: timedelta, holidays: Collection[date]) -> datetime:
    """So much answered time on; the same refusal."""
    at = since
    for _day in range(60):
        day = at.astimezone(LONDON).date()
        opens, closes = moment(day, OPENS), moment(day, CLOSES)
        if is_working(day, holidays) and at < closes:
            at = max(at, opens)
            if left <= closes - at:
                return at + left
            left -= closes - at
        at = moment(day + timedelta(days=1), OPENS)
    raise ValueError("two months without a working day")


def within_hours(end: datetime, holidays: Collection[date]) -> datetime:
    """This moment where somebody answers then, else the last closing before it."""
    wall = end.astimezone(LONDON)
    if is_working(wall.date(), holidays) and OPENS <= wall.time() <= CLOSES:
        return end
    day = wall.date()
    while not is_working(day, holidays) or moment(day, CLOSES) > end:
        day -= timedelta(days=1)
    return moment(day, CLOSES)
