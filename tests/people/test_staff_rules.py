"""The clocks of the staff: working days, and one calendar month as the law counts it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.core.working_days import is_working, working_days_after
from inclusion_app.people.rules import (
    calendar_months_after,
    letters_in,
)

DAYS = st.dates(date(2020, 1, 1), date(2060, 12, 31))
BOXING_DAY_MOVED = frozenset({date(2026, 12, 25), date(2026, 12, 28)})


@pytest.mark.parametrize(
    ("came", "due"),
    [
        (date(2026, 9, 3), date(2026, 10, 5)),  # the example of the ICO: 3 October is a Saturday
        (date(2026, 1, 31), date(2026, 3, 2)),  # no 31 February; the 28th is a Saturday
        (date(2024, 1, 31), date(2024, 2, 29)),  # a leap year, a Thursday
        (date(2028, 1, 30), date(2028, 2, 29)),
        (date(2027, 1, 29), date(2027, 3, 1)),  # the 28th is a Sunday
        (date(2026, 3, 31), date(2026, 4, 30)),
        (date(2026, 11, 25), date(2026, 12, 29)),  # Christmas, a weekend, the bank holiday of Boxing Day
        (date(2026, 12, 7), date(2027, 1, 7)),  # over the end of the year
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last_and_never_on_a_day_off(came: date, due: date) -> None:
    assert calendar_months_after(came, 1, BOXING_DAY_MOVED) == due


def test_three_months_are_counted_from_the_day_it_came_not_from_the_end_of_the_first() -> None:
    assert calendar_months_after(date(2026, 1, 31), 3, ()) == date(2026, 4, 30)
    assert calendar_months_after(date(2026, 11, 30), 3, ()) == date(2027, 3, 1)


@given(DAYS, st.integers(0, 4))
def test_a_due_day_is_a_working_day_close_after_the_calendar_day(came: date, months: int) -> None:
    due = calendar_months_after(came, months, ())
    assert is_working(due, ())
    assert due >= came + timedelta(days=28 * months)
    assert due <= came + timedelta(days=31 * months + 2)


@given(DAYS, st.integers(1, 30), st.sets(DAYS, max_size=5))
def test_working_days_are_counted_one_by_one(day: date, count: int, holidays: set[date]) -> None:
    end = working_days_after(day, count, holidays)
    between = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(is_working(one, holidays) for one in between) == count
    assert is_working(end, holidays)


def test_two_working_days_after_a_friday_is_a_tuesday() -> None:
    assert working_days_after(date(2026, 11, 27), 2, ()) == date(2026, 12, 1)


def test_signs_and_spaces_are_no_reason() -> None:
    assert letters_in("...   !!! 123") == 0
    assert letters_in("لا أحد يفتح الباب") == 14
