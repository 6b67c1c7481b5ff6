"""Working days: Monday to Friday without bank holidays. The room that keeps the holidays registers them.

Clocks of the staff (two days to look at something) run in these days, and in them only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, timedelta

from sqlalchemy.orm import Session

SATURDAY = 5
Holidays = Callable[[Session], Collection[date]]
_provider: list[Holidays] = []


def holidays_from(provider: Holidays) -> None:
    """Say who knows the bank holidays; wired in `create_app`. Until then there are weekends only."""
    _provider[:] = [provider]


def holidays(session: Session) -> Collection[date]:
    """Every bank holiday that is known."""
    return _provider[0](session) if _provider else frozenset()


def is_working(day: date, holidays: Collection[date]) -> bool:
    """True from Monday to Friday, but not on a bank holiday."""
    return day.weekday() < SATURDAY and day not in holidays


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
