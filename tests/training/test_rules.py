"""The leaflet of the training desk: offers end while a phone is answered, dates keep their wall time, nobody is woken."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.core import answer_hours
from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.working_days import is_working
from inclusion_app.training import rules
from inclusion_app.training.rules import Waiting, Weekly

SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)  # Sundays on which the clocks change
EASTER = {date(2027, 3, 26), date(2027, 3, 29)}  # Good Friday and Easter Monday
HOLIDAYS = EASTER | {date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), LONDON).astimezone(UTC)


def offer(
    made: datetime, starts: datetime, kind: str = "sms", holidays: set[date] | None = None
) -> datetime | None:
    return rules.offer_ends(made_at=made, starts_at=starts, hears_by=kind, holidays=holidays or set())


MONDAY = date(2027, 2, 1)
LATER = at(MONDAY + timedelta(days=60), 10)


@pytest.mark.parametrize(
    ("made", "kind", "ends"),
    [
        # Eight hours in which a phone is answered are one day; what is made at noon ends at noon.
        (at(MONDAY, 9), "sms", at(MONDAY, 17)),
        (at(MONDAY, 12), "sms", at(MONDAY + timedelta(days=1), 12)),
        (at(MONDAY, 12), "email", at(MONDAY + timedelta(days=1), 12)),
        (at(MONDAY, 12), "call", at(MONDAY + timedelta(days=2), 12)),
        (at(MONDAY, 12), "none", at(MONDAY + timedelta(days=3), 12)),
        (at(MONDAY, 12), "letter", at(MONDAY + timedelta(days=7), 12)),  # five working days
        # Before the day begins and after it has ended nothing runs.
        (at(MONDAY, 3), "sms", at(MONDAY, 17)),
        (at(MONDAY, 22), "sms", at(MONDAY + timedelta(days=1), 17)),
        # Friday afternoon goes on on Monday.
        (at(date(2027, 2, 5), 15), "sms", at(date(2027, 2, 8), 15)),
        (at(date(2027, 2, 6), 11), "sms", at(date(2027, 2, 8), 17)),
        # Over Easter four days are not counted, and a clock changes between them.
        (at(date(2027, 3, 25), 15), "sms", at(date(2027, 3, 30), 15)),
        (at(date(2027, 10, 29), 15), "sms", at(date(2027, 11, 1), 15)),
    ],
)  # fmt: skip
def test_an_offer_lasts_so_many_hours_in_which_a_phone_is_answered(
    made: datetime, kind: str, ends: datetime
) -> None:
    assert offer(made, made + timedelta(days=60), kind, HOLIDAYS) == ends


def test_an_offer_ends_three_hours_before_the_start_or_there_is_none() -> None:
    starts = at(MONDAY, 16)
    assert offer(at(MONDAY, 9), starts) == at(MONDAY, 13)
    assert offer(at(MONDAY, 9, 1), starts) is None  # less than four hours would be left
    assert offer(starts - timedelta(minutes=1), starts) is None
    assert offer(starts + timedelta(days=1), starts) is None


def test_an_offer_for_a_saturday_morning_ends_when_the_phone_was_last_answered() -> None:
    saturday = date(2027, 2, 6)
    assert offer(at(date(2027, 2, 5), 10), at(saturday, 10)) == at(date(2027, 2, 5), 17)
    assert offer(at(date(2027, 2, 5), 14), at(saturday, 10)) is None
    # Early on a Monday: what would end before anybody answers ended on Friday.
    assert offer(at(date(2027, 2, 4), 16), at(date(2027, 2, 8), 9), "letter") == at(date(2027, 2, 5), 17)


moments = st.integers(0, 395 * 24 * 60).map(
    lambda minutes: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(
    moments,
    st.timedeltas(timedelta(days=-2), timedelta(days=40)),
    st.sampled_from(sorted(rules.ANSWER_HOURS)),
)
def test_no_offer_ends_when_nobody_answers_or_too_late_or_too_soon(
    made: datetime, until: timedelta, kind: str
) -> None:
    starts = made + until
    ends = offer(made, starts, kind, HOLIDAYS)
    if ends is None:
        return
    wall = ends.astimezone(LONDON)
    assert is_working(wall.date(), HOLIDAYS)
    assert answer_hours.OPENS <= wall.time() <= answer_hours.CLOSES
    assert ends <= starts - rules.BEFORE_START
    assert ends - made >= rules.SHORTEST_OFFER


@given(moments, st.sampled_from(sorted(rules.ANSWER_HOURS)))
def test_whoever_has_weeks_is_always_offered_it(made: datetime, kind: str) -> None:
    assert offer(made, made + timedelta(days=30), kind, HOLIDAYS) is not None


# --- wall time and weekly patterns


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(date(2027, 3, 22), 10), (date(2027, 3, 29), 9), (date(2027, 10, 25), 9), (date(2027, 11, 1), 10)],
)
def test_ten_on_the_wall_stays_ten_on_the_wall(day: date, utc_hour: int) -> None:
    assert moment(day, time(10)) == datetime.combine(day, time(utc_hour), UTC)


def test_a_time_that_a_change_of_clocks_leaves_out_or_brings_twice_is_one_instant() -> None:
    assert moment(SPRING, time(1, 30)) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)  # 2:30 on the wall
    assert moment(SPRING, time(1, 30)).astimezone(LONDON).time() == time(2, 30)
    assert moment(SPRING, time(0, 59)) == datetime(2027, 3, 28, 0, 59, tzinfo=UTC)
    assert moment(SPRING, time(2)) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert moment(AUTUMN, time(1, 30)) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)  # the first of the two
    assert moment(AUTUMN, time(2)) == datetime(2027, 10, 31, 2, tzinfo=UTC)


def test_six_mornings_are_six_whatever_is_skipped() -> None:
    pattern = Weekly(date(2027, 3, 15), 1, 4)
    dates, skipped = rules.weekly_dates(pattern, skip=HOLIDAYS)
    assert dates == [date(2027, 3, 15), date(2027, 3, 22), date(2027, 4, 5), date(2027, 4, 12)]
    assert skipped == [date(2027, 3, 29)]
    assert pattern.rule == "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;COUNT=4"
    starts = [moment(day, time(10)).astimezone(LONDON).time() for day in dates]
    assert set(starts) == {time(10)}


@given(st.dates(date(2026, 11, 1), date(2028, 1, 1)), st.integers(1, 8), st.integers(1, 60), st.data())
def test_weekly_dates_keep_their_weekday_and_their_step(
    begins: date, every: int, times: int, data: st.DataObject
) -> None:
    skip = set(data.draw(st.lists(st.integers(0, 10), max_size=4).map(
        lambda weeks: [begins + timedelta(weeks=week * every) for week in weeks])))  # fmt: skip
    dates, skipped = rules.weekly_dates(Weekly(begins, every, times), skip=skip)
    assert len(dates) == min(times, rules.DATES_AT_MOST)
    assert not set(dates) & skip
    assert set(skipped) <= skip
    whole = sorted({*dates, *skipped})
    assert whole[0] == begins
    assert {later - earlier for earlier, later in zip(whole, whole[1:], strict=False)} <= {
        timedelta(weeks=every)
    }


def test_a_pattern_that_meets_only_closed_days_ends() -> None:
    closed = {date(2027, 1, 4) + timedelta(weeks=week) for week in range(200)}
    dates, skipped = rules.weekly_dates(Weekly(date(2027, 1, 4), 1, 6), skip=closed)
    assert dates == []
    assert len(skipped) == rules.DATES_AT_MOST


# --- reminders


BEFORE = {"days": timedelta(days=2), "hours": timedelta(hours=2)}


@given(moments, st.sampled_from(rules.REMINDERS), st.booleans())
def test_no_reminder_comes_at_night_or_after_the_start(starts: datetime, which: str, by_letter: bool) -> None:
    sent = rules.remind_at(starts, which, BEFORE[which], by_letter=by_letter)
    if sent is None:
        assert which == "hours"
        return
    assert rules.QUIET_UNTIL <= sent.astimezone(LONDON).time() < rules.QUIET_FROM
    assert sent < starts
    late = timedelta(hours=14) + (rules.LETTER_EARLIER if by_letter else timedelta(0))
    assert starts - sent <= BEFORE[which] + late


# --- places in words


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ((8, 0, 0, 0, 5), "free"),
        ((8, 4, 0, 0, 5), "free"),
        ((8, 5, 0, 0, 5), "few"),
        ((8, 5, 1, 0, 5), "few"),
        ((8, 6, 1, 0, 5), "last"),
        ((8, 8, 0, 0, 5), "waiting"),
        ((8, 6, 2, 0, 5), "waiting"),
        ((8, 4, 0, 1, 5), "waiting"),  # whoever waits comes first
        ((8, 8, 0, 5, 5), "full"),
        ((8, 8, 0, 0, 0), "full"),
        ((5, 8, 0, 0, 0), "full"),  # the room became smaller
    ],
)
def test_places_are_said_in_words_and_never_more_than_there_are(
    facts: tuple[int, int, int, int, int], word: str
) -> None:
    names = ("capacity", "taken", "held", "waiting", "waiting_size")
    said = rules.places_left(**dict(zip(names, facts, strict=True)))
    assert said == word
    assert said in rules.PLACES_LEFT


# --- who is asked how


@pytest.mark.parametrize(
    ("age", "kind", "contact", "of", "why"),
    [
        (None, "none", None, "learner", None),
        ("13_15", "none", None, "learner", None),
        ("13_15", "sms", "07700900123", "learner", None),
        (None, "pigeon", "x", "learner", rules.NOT_AN_ANSWER),
        (None, "sms", None, "learner", rules.NEEDS_CONTACT),
        (None, "letter", "", "learner", rules.NEEDS_CONTACT),
        (None, "record", None, "learner", None),
        ("under_13", "none", None, "adult", rules.CHILD_NEEDS_ADULT),
        ("under_13", "record", None, "adult", rules.CHILD_NEEDS_ADULT),
        ("under_13", "sms", "07700900123", "learner", rules.CHILD_NEEDS_ADULT),
        ("under_13", "sms", "07700900123", "helper", rules.CHILD_NEEDS_ADULT),
        ("under_13", "sms", "07700900123", "adult", None),
        ("under_13", "email", "", "adult", rules.NEEDS_CONTACT),
    ],
)
def test_a_child_has_an_adult_and_nobody_else_needs_anything(
    age: str | None, kind: str, contact: str | None, of: str, why: str | None
) -> None:
    assert rules.why_not_reach(age_band=age, contact_kind=kind, contact=contact, contact_of=of) == why
    assert rules.young_words(age) == (age in {"under_13", "13_15"})


def test_what_somebody_must_see_to_is_what_is_not_there_already() -> None:
    assert rules.to_arrange(["bsl", "large_print", "step_free", "bsl"], ["step_free"]) == ["bsl"]
    assert rules.to_arrange([], ["bsl"]) == []
    assert rules.to_arrange(["assistance_dog", "nonsense"], []) == []
    assert set(rules.ARRANGED) <= set(rules.NEEDS)
    assert rules.arrange_by(date(2027, 3, 3), 7) == date(2027, 2, 24)


# --- the waiting list

LIST = [Waiting(7, 4, "book_me"), Waiting(3, 1, "ask_me"), Waiting(9, 2, "book_me")]


@pytest.mark.parametrize(("free", "number"), [(0, None), (1, 3), (2, 3), (3, 3), (4, 7), (9, 7)])
def test_the_first_who_fits_is_served_and_no_group_is_split(free: int, number: int | None) -> None:
    found = rules.next_to_serve(LIST, free)
    assert (found.booking_id if found else None) == number


def test_the_place_in_the_list_is_said_with_the_groups_before() -> None:
    assert [rules.position(LIST, entry.booking_id) for entry in LIST] == [(0, 0), (1, 1), (2, 1)]
    with pytest.raises(ValueError, match="not in list"):
        rules.position(LIST, 1)


@given(st.lists(st.integers(1, 6), max_size=8), st.integers(-3, 8))
def test_nobody_who_fits_is_passed_over(sizes: list[int], free: int) -> None:
    entries = [Waiting(number, size, "book_me") for number, size in enumerate(sizes)]
    found = rules.next_to_serve(entries, free)
    fitting = [entry for entry in entries if entry.places <= free]
    assert found == (fitting[0] if fitting else None)
