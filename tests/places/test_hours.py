"""Opening hours: every answer for a moment, checked by example and against a walk from minute to minute."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inclusion_app.core.clock import LONDON
from inclusion_app.places.hours import (
    LOOK_AHEAD,
    OPENING_AHEAD,
    Answer,
    DatedException,
    HolidayRule,
    Hours,
    Kind,
    Span,
    Status,
    is_open_late,
    is_told_by_rules,
    leave_before,
    nth_rules,
    read_osm_week,
    status_at,
    week,
    write_osm_week,
)

MONDAY = date(2026, 11, 23)
CHRISTMAS = date(2026, 12, 25)  # a Friday
NONE: frozenset[date] = frozenset()
WEEKDAYS = Hours(spans=tuple(Span(day, time(9), time(17)) for day in range(5)))


def on(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), LONDON)


# --- a span


def test_a_span_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        Span(0, time(9), time(9))


@pytest.mark.parametrize("weekday", [-1, 7])
def test_a_weekday_that_is_not_there_is_refused(weekday: int) -> None:
    with pytest.raises(ValueError, match="weekday"):
        Span(weekday, time(9), time(17))


@pytest.mark.parametrize("nth", [0, 6, -2])
def test_an_nth_weekday_that_is_not_there_is_refused(nth: int) -> None:
    with pytest.raises(ValueError, match="weekday"):
        Span(5, time(9), time(17), nth=nth)


@pytest.mark.parametrize(
    ("nth", "falls"),
    [(1, date(2026, 11, 7)), (3, date(2026, 11, 21)), (4, date(2026, 11, 28)), (-1, date(2026, 11, 28))],
)
def test_an_nth_saturday_falls_on_that_saturday_only(nth: int, falls: date) -> None:
    span = Span(5, time(10), time(12), nth=nth)
    november = [date(2026, 11, 1) + timedelta(days=number) for number in range(30)]
    assert [day for day in november if span.falls_on(day)] == [falls]


def test_a_fifth_saturday_is_skipped_in_a_month_of_four() -> None:
    span = Span(5, time(10), time(12), nth=5)
    days = [date(2026, 10, 1) + timedelta(days=number) for number in range(61)]
    assert [day for day in days if span.falls_on(day)] == [date(2026, 10, 31)]


def test_the_first_day_of_validity_counts_and_the_end_day_does_not() -> None:
    span = Span(0, time(9), time(17), valid_from=date(2026, 11, 9), valid_until=date(2026, 11, 23))
    mondays = [date(2026, 11, 2) + timedelta(days=7 * number) for number in range(4)]
    assert [day.day for day in mondays if span.falls_on(day)] == [9, 16]


# --- an answer for a moment


def test_open_until_the_closing_time() -> None:
    assert status_at(WEEKDAYS, on(MONDAY, 10), NONE) == Status(Answer.OPEN, until=on(MONDAY, 17))


def test_the_opening_minute_is_open() -> None:
    assert status_at(WEEKDAYS, on(MONDAY, 9), NONE).answer is Answer.OPEN


def test_the_closing_minute_is_closed() -> None:
    assert status_at(WEEKDAYS, on(MONDAY, 17), NONE).answer is Answer.CLOSED


def test_closed_in_the_evening_names_the_next_morning() -> None:
    found = status_at(WEEKDAYS, on(MONDAY, 18), NONE)
    assert found == Status(Answer.CLOSED, opens_at=on(MONDAY + timedelta(days=1), 9))


def test_closed_on_saturday_names_monday() -> None:
    saturday = MONDAY + timedelta(days=5)
    assert status_at(WEEKDAYS, on(saturday, 10), NONE).opens_at == on(MONDAY + timedelta(days=7), 9)


def test_closed_between_two_spans_names_the_afternoon() -> None:
    hours = Hours(spans=(Span(0, time(14), time(16)), Span(0, time(9), time(12))))
    assert status_at(hours, on(MONDAY, 12, 30), NONE).opens_at == on(MONDAY, 14)


def test_spans_that_touch_are_one_opening() -> None:
    hours = Hours(spans=(Span(0, time(9), time(12)), Span(0, time(12), time(16))))
    assert status_at(hours, on(MONDAY, 10), NONE).until == on(MONDAY, 16)


def test_nothing_known_is_not_closed() -> None:
    assert status_at(Hours(), on(MONDAY, 10), NONE) == Status(Answer.UNKNOWN)


def test_a_moment_in_another_zone_is_read_as_that_moment() -> None:
    july = datetime(2026, 7, 6, 8, 30, tzinfo=UTC)  # 9:30 in Manchester
    assert status_at(WEEKDAYS, july, NONE).answer is Answer.OPEN


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (Kind.STAFFED, Answer.OPEN),
        (Kind.SELF_SERVICE, Answer.SELF_SERVICE),
        (Kind.APPOINTMENT, Answer.APPOINTMENT),
        (Kind.MEMBERS, Answer.MEMBERS),
    ],
)
def test_each_kind_of_span_has_its_own_answer(kind: Kind, answer: Answer) -> None:
    hours = Hours(spans=(Span(0, time(9), time(17), kind),))
    assert status_at(hours, on(MONDAY, 10), NONE) == Status(answer, until=on(MONDAY, 17))


def test_staff_win_over_self_service_while_both_run() -> None:
    hours = Hours(spans=(Span(0, time(8), time(20), Kind.SELF_SERVICE), Span(0, time(10), time(16))))
    assert status_at(hours, on(MONDAY, 11), NONE) == Status(Answer.OPEN, until=on(MONDAY, 16))


def test_self_service_answers_when_staff_have_gone() -> None:
    hours = Hours(spans=(Span(0, time(8), time(20), Kind.SELF_SERVICE), Span(0, time(10), time(16))))
    assert status_at(hours, on(MONDAY, 17), NONE) == Status(Answer.SELF_SERVICE, until=on(MONDAY, 20))


def test_a_members_evening_is_not_an_opening_for_everybody() -> None:
    hours = Hours(spans=(Span(0, time(18), time(21), Kind.MEMBERS), Span(1, time(9), time(12))))
    assert status_at(hours, on(MONDAY, 8), NONE).opens_at == on(MONDAY + timedelta(days=1), 9)


def test_self_service_at_hours_nobody_knows_is_never_called_closed() -> None:
    hours = Hours(spans=WEEKDAYS.spans, self_service_unknown=True)
    found = status_at(hours, on(MONDAY, 19), NONE)
    assert found == Status(Answer.NO_STAFF, opens_at=on(MONDAY + timedelta(days=1), 9))


def test_the_next_day_of_the_month_is_found_weeks_ahead() -> None:
    hours = Hours(spans=(Span(5, time(10), time(12), nth=3),))
    found = status_at(hours, on(MONDAY, 9), NONE)
    assert found == Status(Answer.CLOSED, opens_at=on(date(2026, 12, 19), 10))


def test_a_bank_holiday_on_another_day_does_not_hide_the_next_day_of_the_month() -> None:
    hours = Hours(spans=(Span(5, time(10), time(12), nth=3),))
    found = status_at(hours, on(date(2026, 12, 20), 9), {CHRISTMAS, date(2026, 12, 28), date(2027, 1, 1)})
    assert found == Status(Answer.CLOSED, opens_at=on(date(2027, 1, 16), 10))
    assert status_at(hours, on(date(2026, 12, 20), 9), {date(2027, 1, 16)}).opens_at is None


def test_no_opening_within_two_months_gives_none() -> None:
    hours = Hours(spans=(Span(0, time(9), time(10), nth=5),))
    assert status_at(hours, on(date(2026, 12, 1), 9), NONE) == Status(Answer.CLOSED)


def test_a_week_outside_the_days_of_the_month_is_told_by_its_rules() -> None:
    third = Span(5, time(10), time(12), nth=3)
    hours = Hours(spans=(third,))
    assert nth_rules(hours) == (third,)
    assert is_told_by_rules(hours, week(hours, MONDAY, NONE))
    assert not is_told_by_rules(hours, week(hours, date(2026, 12, 14), NONE))
    both = Hours(spans=(third, Span(0, time(9), time(17))))
    assert not is_told_by_rules(both, week(both, MONDAY, NONE))
    assert not is_told_by_rules(Hours(), ())


# --- past midnight


def test_open_past_midnight_on_the_evening_itself() -> None:
    hours = Hours(spans=(Span(0, time(20), time(2)),))
    assert status_at(hours, on(MONDAY, 23), NONE).until == on(MONDAY + timedelta(days=1), 2)


def test_open_past_midnight_on_the_morning_after() -> None:
    hours = Hours(spans=(Span(0, time(20), time(2)),))
    assert status_at(hours, on(MONDAY + timedelta(days=1), 1), NONE).answer is Answer.OPEN


def test_closed_before_that_evening() -> None:
    hours = Hours(spans=(Span(0, time(20), time(2)),))
    assert status_at(hours, on(MONDAY, 1), NONE).answer is Answer.CLOSED


def test_closing_at_midnight_goes_on_into_a_span_that_begins_there() -> None:
    hours = Hours(spans=(Span(0, time(20), time(0)), Span(1, time(0), time(2))))
    assert status_at(hours, on(MONDAY, 21), NONE).until == on(MONDAY + timedelta(days=1), 2)


# --- days that differ


def test_a_dated_exception_closes_the_day() -> None:
    hours = Hours(spans=WEEKDAYS.spans, exceptions=(DatedException(MONDAY, reason="Staff training"),))
    assert status_at(hours, on(MONDAY, 10), NONE).opens_at == on(MONDAY + timedelta(days=1), 9)


def test_a_dated_exception_opens_a_day_off() -> None:
    sunday = MONDAY + timedelta(days=6)
    hours = Hours(spans=WEEKDAYS.spans, exceptions=(DatedException(sunday, (Span(6, time(11), time(15)),)),))
    assert status_at(hours, on(sunday, 12), NONE) == Status(Answer.OPEN, until=on(sunday, 15))


def test_an_exception_wins_over_the_bank_holiday_rule() -> None:
    hours = Hours(
        spans=WEEKDAYS.spans,
        exceptions=(DatedException(CHRISTMAS, (Span(4, time(10), time(12)),)),),
        holiday_rule=HolidayRule.CLOSED,
    )
    assert status_at(hours, on(CHRISTMAS, 11), {CHRISTMAS}).answer is Answer.OPEN


def test_an_unknown_bank_holiday_rule_says_ask_and_never_closed() -> None:
    assert status_at(WEEKDAYS, on(CHRISTMAS, 11), {CHRISTMAS}) == Status(Answer.ASK)


def test_ask_covers_the_whole_bank_holiday() -> None:
    answers = {status_at(WEEKDAYS, on(CHRISTMAS, hour), {CHRISTMAS}).answer for hour in range(24)}
    assert answers == {Answer.ASK}


def test_no_next_opening_is_promised_across_a_day_to_ask_about() -> None:
    thursday = CHRISTMAS - timedelta(days=1)
    assert status_at(WEEKDAYS, on(thursday, 18), {CHRISTMAS}) == Status(Answer.CLOSED)


def test_closed_on_bank_holidays_names_the_day_after() -> None:
    hours = Hours(spans=WEEKDAYS.spans, holiday_rule=HolidayRule.CLOSED)
    found = status_at(hours, on(CHRISTMAS, 11), {CHRISTMAS})
    assert found == Status(Answer.CLOSED, opens_at=on(CHRISTMAS + timedelta(days=3), 9))


def test_as_normal_on_bank_holidays() -> None:
    hours = Hours(spans=WEEKDAYS.spans, holiday_rule=HolidayRule.AS_NORMAL)
    assert status_at(hours, on(CHRISTMAS, 11), {CHRISTMAS}).until == on(CHRISTMAS, 17)


def test_own_times_on_bank_holidays() -> None:
    spans = (Span(0, time(11), time(14)),)
    hours = Hours(spans=WEEKDAYS.spans, holiday_rule=HolidayRule.SPANS, holiday_spans=spans)
    assert status_at(hours, on(CHRISTMAS, 12), {CHRISTMAS}).until == on(CHRISTMAS, 14)


# --- clock changes (29 March and 25 October 2026)


@pytest.mark.parametrize(("day", "utc_hour"), [(date(2026, 3, 30), 8), (date(2026, 10, 26), 9)])
def test_nine_is_nine_on_the_wall_after_a_clock_change(day: date, utc_hour: int) -> None:
    saturday = day - timedelta(days=2)
    opens = status_at(WEEKDAYS, on(saturday, 12), NONE).opens_at
    assert opens is not None
    assert opens.astimezone(UTC) == datetime(day.year, day.month, day.day, utc_hour, tzinfo=UTC)


@pytest.mark.parametrize(("day", "length"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9)])
def test_a_night_over_a_clock_change_has_its_true_length(day: date, length: int) -> None:
    hours = Hours(spans=(Span(5, time(22), time(6)),))
    begins = on(day, 22).astimezone(UTC)
    until = status_at(hours, begins, NONE).until
    assert until is not None
    assert until.astimezone(UTC) - begins == timedelta(hours=length)


# --- the week, late openings, setting out


def test_the_week_has_seven_days_from_its_monday() -> None:
    table = week(WEEKDAYS, MONDAY, NONE)
    assert [day.day for day in table] == [MONDAY + timedelta(days=number) for number in range(7)]


def test_the_week_shows_spans_in_order_of_the_day() -> None:
    hours = Hours(spans=(Span(0, time(14), time(16)), Span(0, time(9), time(12))))
    assert [span.opens.hour for span in week(hours, MONDAY, NONE)[0].spans] == [9, 14]


def test_the_week_marks_a_bank_holiday_to_ask_about() -> None:
    monday = CHRISTMAS - timedelta(days=4)
    assert [day.ask for day in week(WEEKDAYS, monday, {CHRISTMAS})] == [False] * 4 + [True] + [False] * 2


def test_the_week_carries_the_reason_of_an_exception() -> None:
    hours = Hours(spans=WEEKDAYS.spans, exceptions=(DatedException(MONDAY, reason="Staff training"),))
    first = week(hours, MONDAY, NONE)[0]
    assert (first.spans, first.reason) == ((), "Staff training")


@pytest.mark.parametrize(
    ("span", "late"),
    [
        (Span(0, time(9), time(17)), False),
        (Span(0, time(9), time(17, 30)), True),
        (Span(5, time(9), time(12)), True),
        (Span(0, time(20), time(2)), True),
        (Span(5, time(9), time(12), Kind.MEMBERS), False),
    ],
)
def test_late_means_after_five_or_at_the_weekend_for_everybody(span: Span, late: bool) -> None:
    assert is_open_late(Hours(spans=(span,))) is late


def test_leave_before_allows_for_the_walk_and_half_an_hour_inside() -> None:
    status = Status(Answer.OPEN, until=on(MONDAY, 17))
    assert leave_before(status, 10) == on(MONDAY, 16, 20)


def test_leave_before_is_nothing_when_no_end_is_known() -> None:
    assert leave_before(Status(Answer.CLOSED, opens_at=on(MONDAY, 9)), 10) is None


# --- OSM text


def test_osm_days_and_ranges_are_read() -> None:
    spans = read_osm_week("Mo,We-Th 09:00-17:00; Sa 10:00-12:00")
    assert [(span.weekday, span.opens.hour, span.closes.hour) for span in spans] == [
        (0, 9, 17),
        (2, 9, 17),
        (3, 9, 17),
        (5, 10, 12),
    ]


def test_osm_two_times_on_one_day_are_read() -> None:
    assert len(read_osm_week("Tu 09:00-12:00,13:00-17:00")) == 2


@pytest.mark.parametrize("text", ["Xx 09:00-17:00", "Mo", "Mo 9-17 Uhr", "Mo 09:00", "Mo 09:00-09:00"])
def test_osm_text_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the reason differs from text to text
        read_osm_week(text)


def test_osm_text_comes_back_the_same() -> None:
    spans = read_osm_week("Mo-Fr 09:00-17:00; Sa 10:00-12:00")
    assert read_osm_week(write_osm_week(spans)) == spans


# --- any hours at all, against a walk in quarters of an hour


def quarter(number: int) -> time:
    return time(number // 4, number % 4 * 15)


# No time between one and two at night: on the morning in October such a wall time names two moments.
QUARTERS = [number for number in range(96) if not 4 <= number < 8]


@st.composite
def spans(draw: Any, overnight: bool, weekdays: tuple[int, ...]) -> Span:
    opens, closes = draw(st.lists(st.sampled_from(QUARTERS), min_size=2, max_size=2, unique=True))
    if not overnight:
        opens, closes = sorted((opens, closes))
    nth = draw(st.sampled_from([None, None, None, None, 1, 3, 4, -1]))
    kind = draw(st.sampled_from([Kind.STAFFED, Kind.STAFFED, *Kind]))
    return Span(draw(st.sampled_from(weekdays)), quarter(opens), quarter(closes), kind, nth)


@st.composite
def cases(draw: Any, overnight: bool) -> tuple[Hours, datetime, frozenset[date]]:
    """Hours, a moment and bank holidays around a clock change or an ordinary week.

    Spans and days that differ crowd around the moment, where they meet each other.
    """
    around = draw(
        st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 25), date(2026, 6, 10)])
    )
    midnight = datetime.combine(around - timedelta(days=1), time(), UTC)
    moment = midnight + timedelta(minutes=15 * draw(st.integers(0, 4 * 24 * 3)))
    today = moment.astimezone(LONDON).date()
    near = st.sampled_from([-1, -1, 0, 0, 1, 2, 7]).map(lambda number: today + timedelta(days=number))
    weekdays = tuple((today.weekday() + step) % 7 for step in (-1, -1, 0, 0, 1, 3))
    some_spans = st.lists(spans(overnight, weekdays), max_size=2).map(tuple)
    days = draw(st.lists(near, max_size=2, unique=True))
    hours = Hours(
        spans=tuple(draw(st.lists(spans(overnight, weekdays), min_size=1, max_size=7))),
        exceptions=tuple(DatedException(day, draw(some_spans)) for day in days),
        holiday_rule=draw(st.sampled_from([HolidayRule.ASK, *HolidayRule])),
        holiday_spans=draw(some_spans),
    )
    return hours, moment, frozenset(draw(st.lists(near, max_size=2)))


@cache
def begins_on(weekday: int, nth: int | None, day: date) -> bool:
    """By counting: list that weekday's days of the month and look up the one asked for."""
    length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    month = [day.replace(day=number) for number in range(1, length + 1)]
    same = [each for each in month if each.weekday() == weekday]
    if nth is None:
        return day in same
    return same[nth:] == [day] if nth < 0 else same[nth - 1 : nth] == [day]


class Oracle:
    """The same questions answered the slow way: what is on the wall at this moment, and whose span holds it."""

    def __init__(self, hours: Hours, holidays: Collection[date]) -> None:
        self.hours = hours
        self.holidays = holidays
        self.seen: dict[date, list[Span] | None] = {}

    def spans_of(self, day: date) -> list[Span] | None:
        """None for a day to ask about."""
        if day not in self.seen:
            self.seen[day] = self.work_out(day)
        return self.seen[day]

    def work_out(self, day: date) -> list[Span] | None:
        dated = [item for item in self.hours.exceptions if item.on == day]
        if dated:
            return [span for item in dated for span in item.spans]
        if day in self.holidays and self.hours.holiday_rule is not HolidayRule.AS_NORMAL:
            if self.hours.holiday_rule is HolidayRule.ASK:
                return None
            return list(self.hours.holiday_spans) if self.hours.holiday_rule is HolidayRule.SPANS else []
        return self.usual(day)

    def usual(self, day: date) -> list[Span]:
        return [span for span in self.hours.spans if begins_on(span.weekday, span.nth, day)]

    @staticmethod
    def holds(listed: list[Span], clock: time, from_yesterday: bool) -> set[Kind]:
        kinds = set()
        for span in listed:
            round_midnight = span.closes < span.opens
            if from_yesterday:
                inside = round_midnight and clock < span.closes
            else:
                inside = clock >= span.opens and (round_midnight or clock < span.closes)
            if inside:
                kinds.add(span.kind)
        return kinds

    def kinds_at(self, moment: datetime) -> set[Kind]:
        here = moment.astimezone(LONDON)
        today, before = self.spans_of(here.date()), self.spans_of(here.date() - timedelta(days=1))
        return self.holds(today or [], here.time(), False) | self.holds(before or [], here.time(), True)

    def must_ask(self, moment: datetime) -> bool:
        here = moment.astimezone(LONDON)
        before = here.date() - timedelta(days=1)
        left_open = self.spans_of(before) is None and self.holds(self.usual(before), here.time(), True)
        return self.spans_of(here.date()) is None or bool(left_open)

    def status(self, moment: datetime) -> Status:
        kinds = self.kinds_at(moment)
        for kind, answer in (
            (Kind.STAFFED, Answer.OPEN),
            (Kind.SELF_SERVICE, Answer.SELF_SERVICE),
            (Kind.APPOINTMENT, Answer.APPOINTMENT),
            (Kind.MEMBERS, Answer.MEMBERS),
        ):
            if kind in kinds:
                return Status(answer, until=self.end_of(kind, moment))
        if self.must_ask(moment):
            return Status(Answer.ASK)
        return Status(Answer.CLOSED, opens_at=self.next_opening(moment))

    def end_of(self, kind: Kind, moment: datetime) -> datetime | None:
        return self.walk(moment, lambda then: kind not in self.kinds_at(then))

    @staticmethod
    def walk(moment: datetime, reached: Any, days: int = LOOK_AHEAD) -> datetime | None:
        for step in range(1, 4 * 24 * (days + 1)):
            then = moment + timedelta(minutes=15 * step)
            if reached(then):
                return then
        return None

    def next_opening(self, moment: datetime) -> datetime | None:
        last = moment.astimezone(LONDON).date() + timedelta(days=OPENING_AHEAD)

        def in_doubt(day: date) -> bool:
            return self.spans_of(day) is None and bool(self.usual(day))

        def reached(then: datetime) -> bool:
            day = then.astimezone(LONDON).date()
            return (
                day > last or in_doubt(day) or bool(self.kinds_at(then) & {Kind.STAFFED, Kind.SELF_SERVICE})
            )

        found = self.walk(moment, reached, OPENING_AHEAD)
        if found is None or found.astimezone(LONDON).date() > last:
            return None
        return None if in_doubt(found.astimezone(LONDON).date()) else found


@settings(max_examples=200, deadline=None, derandomize=True)
@given(cases(overnight=False))
def test_any_daytime_hours_agree_with_a_walk(case: tuple[Hours, datetime, frozenset[date]]) -> None:
    hours, moment, holidays = case
    assert status_at(hours, moment, holidays) == Oracle(hours, holidays).status(moment)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(cases(overnight=False))
def test_an_unknown_holiday_rule_never_answers_closed(case: tuple[Hours, datetime, frozenset[date]]) -> None:
    hours, moment, _holidays = case
    today = moment.astimezone(LONDON).date()
    asking = Hours(spans=hours.spans, holiday_rule=HolidayRule.ASK)
    assert status_at(asking, moment, {today}).answer is Answer.ASK


# --- nights, overlaps, and days nothing is known of


def wall(year: int, month: int, day: int, hour: int, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LONDON, fold=fold)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(cases(overnight=True))
def test_any_hours_past_midnight_agree_with_a_walk(case: tuple[Hours, datetime, frozenset[date]]) -> None:
    hours, moment, holidays = case
    assert status_at(hours, moment, holidays) == Oracle(hours, holidays).status(moment)


def test_a_place_open_day_and_night_has_no_end() -> None:
    halves = ((time(0), time(12)), (time(12), time(0)))
    hours = Hours(spans=tuple(Span(day, *half) for day in range(7) for half in halves))
    assert status_at(hours, on(MONDAY, 10), NONE) == Status(Answer.OPEN)


def test_the_longer_of_two_nights_counts() -> None:
    hours = Hours(spans=(Span(0, time(10), time(1)), Span(0, time(23), time(3))))
    assert status_at(hours, on(MONDAY, 23, 30), NONE).until == on(MONDAY + timedelta(days=1), 3)


def test_an_exception_in_two_parts_is_one_day() -> None:
    parts = (
        DatedException(MONDAY, (Span(0, time(14), time(16)),)),
        DatedException(MONDAY, (Span(0, time(9), time(11)),), "Half a day"),
    )
    first = week(Hours(spans=WEEKDAYS.spans, exceptions=parts), MONDAY, NONE)[0]
    assert ([span.opens.hour for span in first.spans], first.reason) == ([9, 14], "Half a day")


def test_hours_that_have_run_out_are_unknown_and_not_closed() -> None:
    hours = Hours(spans=(Span(0, time(9), time(17), valid_until=date(2026, 11, 1)),))
    assert status_at(hours, on(MONDAY, 10), NONE) == Status(Answer.UNKNOWN)


def test_a_week_after_the_hours_ran_out_is_marked_unknown() -> None:
    hours = Hours(spans=(Span(0, time(9), time(17), valid_until=date(2026, 11, 25)),))
    assert [day.known for day in week(hours, MONDAY, NONE)] == [True] * 2 + [False] * 5


def test_one_closed_day_tells_nothing_of_the_others() -> None:
    hours = Hours(exceptions=(DatedException(CHRISTMAS),))
    assert status_at(hours, on(MONDAY, 10), NONE) == Status(Answer.UNKNOWN)


def test_no_next_opening_is_promised_past_the_end_of_what_is_known() -> None:
    hours = Hours(
        spans=(
            Span(0, time(9), time(17), valid_until=MONDAY + timedelta(days=1)),
            Span(4, time(9), time(17), valid_from=MONDAY + timedelta(days=3)),
        )
    )
    assert status_at(hours, on(MONDAY, 18), NONE) == Status(Answer.CLOSED)


def test_the_small_hours_after_a_bank_holiday_to_ask_about_say_ask() -> None:
    hours = Hours(spans=(Span(4, time(20), time(2)),))
    assert status_at(hours, on(CHRISTMAS + timedelta(days=1), 1), {CHRISTMAS}) == Status(Answer.ASK)


@pytest.mark.parametrize("fold", [0, 1])
def test_both_of_the_hours_that_come_twice_are_told_apart(fold: int) -> None:
    hours = Hours(spans=(Span(6, time(1, 30), time(5)),))
    answer = status_at(hours, wall(2026, 10, 25, 1, 15, fold), NONE).answer
    assert answer is (Answer.CLOSED, Answer.OPEN)[fold]


def test_setting_out_over_a_clock_change_counts_true_minutes() -> None:
    status = Status(Answer.OPEN, until=wall(2026, 3, 29, 2, 10))
    assert leave_before(status, 10) == wall(2026, 3, 29, 0, 30)


def test_an_osm_range_may_go_round_the_week() -> None:
    assert [span.weekday for span in read_osm_week("Fr-Mo 09:00-17:00")] == [4, 5, 6, 0]


def test_an_osm_nth_weekday_comes_back_the_same() -> None:
    found = read_osm_week("Sa[3] 10:00-12:00; Su[-1] 11:00-24:00")
    assert [span.nth for span in found] == [3, -1]
    assert read_osm_week(write_osm_week(found)) == found


def test_osm_text_never_calls_a_members_evening_open() -> None:
    hours = (Span(0, time(9), time(17)), Span(1, time(18), time(21), Kind.MEMBERS))
    assert write_osm_week(hours) == "Mo 09:00-17:00"
