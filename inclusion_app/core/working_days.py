"""Working days: Monday to Friday without bank holidays. Pure; `core.registry.holidays` knows the holidays.

Clocks of the staff (two days to look at something) run in these days, and in them only.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

SATURDAY = 5


def is_working(day: date, holidays: Collection[date]) -> bool:
    """True from Monday to Friday, but not on a bank holiday."""
    return day.weekday() < SATURDAY and day not in holidays


def working_day_from(day: date, holidays: Collection[date]) -> date:
    """This day, or the first working day after it."""
    while not is_working(day, holidays):
        day += timedelta(days=1)
    return day


def working_days_between(since: date, until: date, holidays: Collection[date]) -> int:
    """How many working days have begun after `since`, up to and with `until`; 0 when `until` is not later.

    What came in on Friday is one working day old on Monday, and so is what came in on Saturday.
    """
    days = (since + timedelta(days=number) for number in range(1, (until - since).days + 1))
    return sum(is_working(day, holidays) for day in days)


def working_days_after(since: date, count: int, holidays: Collection[date]) -> date:
    """The day on which something of `since` has become `count` working days old. Raises ValueError below nought."""
    if count < 0:
        raise ValueError("a clock runs forward")
    day = since
    while count:
        day += timedelta(days=1)
        count -= is_working(day, holidays)
    return day
