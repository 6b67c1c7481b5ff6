"""Clocks of the staff run from Monday to Friday and stand still on bank holidays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.core.working_days import is_working, working_days_after, working_days_between

GOOD_FRIDAY, EASTER_MONDAY = date(2026, 4, 3), date(2026, 4, 6)
EASTER = {GOOD_FRIDAY, EASTER_MONDAY}


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), 0),
        (date(2026, 11, 23), date(2026, 11, 25), 2),
        (date(2026, 11, 27), date(2026, 11, 30), 1),
        (date(2026, 11, 28), date(2026, 11, 30), 1),
        (date(2026, 11, 27), date(2026, 11, 29), 0),
        (date(2026, 4, 2), date(2026, 4, 7), 1),
        (date(2026, 11, 25), date(2026, 11, 23), 0),
    ],
)
def test_days_between(since: date, until: date, days: int) -> None:
    assert working_days_between(since, until, EASTER) == days


days = st.dates(date(2025, 1, 1), date(2028, 1, 1))


@given(days, st.integers(0, 40), st.sets(days))
def test_after_and_between_agree(since: date, count: int, holidays: set[date]) -> None:
    end = working_days_after(since, count, holidays)
    assert working_days_between(since, end, holidays) == count
    if count:
        assert is_working(end, holidays)
        assert working_days_between(since, end - timedelta(days=1), holidays) == count - 1


def test_a_clock_does_not_run_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        working_days_after(date(2026, 11, 23), -1, ())
