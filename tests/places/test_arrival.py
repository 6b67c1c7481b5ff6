"""The last useful arrival: whether a slow walker can still use a place that is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inclusion_app.core.clock import LONDON
from inclusion_app.places.hours import Answer, Status
from inclusion_app.places.rules import WALKABLE, Trip, last_useful_arrival

CLOSES = datetime(2026, 11, 24, 17, tzinfo=LONDON)
OPEN = Status(Answer.OPEN, until=CLOSES)
TEN_MINUTES = 600.0  # metres


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "trip"),
    [
        (at(9), Trip.LEAVE_BEFORE),
        (at(16, 19), Trip.LEAVE_BEFORE),
        (at(16, 20), Trip.HURRY),
        (at(16, 49), Trip.HURRY),
        (at(16, 50), Trip.TOO_LATE),
        (at(16, 59), Trip.TOO_LATE),
    ],
)
def test_ten_minutes_away_and_closing_at_five(now: datetime, trip: Trip) -> None:
    arrival = last_useful_arrival(OPEN, TEN_MINUTES, now)
    assert arrival is not None
    assert (arrival.trip, arrival.leave, arrival.closes) == (trip, at(16, 20), CLOSES)


@pytest.mark.parametrize(
    ("status", "metres"),
    [
        (OPEN, None),
        (OPEN, WALKABLE + 1.0),
        (Status(Answer.OPEN), TEN_MINUTES),
        (Status(Answer.CLOSED, opens_at=CLOSES), TEN_MINUTES),
        (Status(Answer.APPOINTMENT, until=CLOSES), TEN_MINUTES),
        (Status(Answer.ASK), TEN_MINUTES),
    ],
)
def test_nothing_is_said_where_it_cannot_be_known(status: Status, metres: float | None) -> None:
    assert last_useful_arrival(status, metres, at(12)) is None


def test_a_door_that_people_open_themselves_counts_as_open() -> None:
    arrival = last_useful_arrival(Status(Answer.SELF_SERVICE, until=CLOSES), WALKABLE, at(12))
    assert arrival is not None
    assert arrival.leave == at(15, 40)  # 50 minutes on foot and 30 inside


def test_the_hour_that_comes_twice_is_counted_twice() -> None:
    closes = datetime(2026, 10, 25, 2, 30, tzinfo=LONDON)
    summer = datetime(
        2026, 10, 25, 1, 55, tzinfo=LONDON
    )  # the first of two times 1:55; the second 1:50 is later
    arrival = last_useful_arrival(Status(Answer.OPEN, until=closes), TEN_MINUTES, summer)
    assert arrival is not None
    assert arrival.trip is Trip.LEAVE_BEFORE
    assert arrival.leave.astimezone(UTC) - summer.astimezone(UTC) == timedelta(minutes=55)
