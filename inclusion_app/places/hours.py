"""When a place is open: weekly spans, nth-weekday rules, dated exceptions, bank holidays. Pure.

Times are wall times in Europe/London; moments are compared in UTC, so the hour that comes twice in October and the
one that is missing in March are counted right. A wrong "closed" is worse than no answer: on a bank holiday whose
rule nobody knows the answer is "ask", and on a day outside every span's dates it is "unknown", never "closed".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from inclusion_app.core.clock import LONDON

LOOK_AHEAD = 14  # days an opening without a break is followed
OPENING_AHEAD = 62  # days the next opening is looked for: a day of the month may be five weeks off
LATE = time(17)


class Kind(StrEnum):
    """What an open door means."""

    STAFFED = "staffed"
    SELF_SERVICE = "self_service"
    APPOINTMENT = "appointment"
    MEMBERS = "members"


class HolidayRule(StrEnum):
    """What a place does on a bank holiday."""

    CLOSED = "closed"
    AS_NORMAL = "as_normal"
    SPANS = "spans"
    ASK = "ask"


@dataclass(frozen=True)
class Span:
    """Open on a weekday (Monday 0) from opens to closes; past midnight when closes is earlier.

    `nth` 1 to 5 means that weekday of the month ("third Saturday"), -1 the last one. Raises ValueError for a
    span of no length.
    """

    weekday: int
    opens: time
    closes: time
    kind: Kind = Kind.STAFFED
    nth: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise ValueError("a span must have a length: opening and closing time are the same")
        if not 0 <= self.weekday <= 6 or self.nth not in {None, -1, 1, 2, 3, 4, 5}:
            raise ValueError("no such weekday rule")

    def holds_on(self, day: date) -> bool:
        """True when the day lies within this span's dates (`valid_until` is the first day it no longer holds)."""
        return not (
            (self.valid_from is not None and day < self.valid_from)
            or (self.valid_until is not None and day >= self.valid_until)
        )

    def falls_on(self, day: date) -> bool:
        """True when this span begins on the day."""
        if day.weekday() != self.weekday or not self.holds_on(day):
            return False
        if self.nth is None:
            return True
        if self.nth == -1:
            return (day + timedelta(days=7)).month != day.month
        return (day.day - 1) // 7 + 1 == self.nth


@dataclass(frozen=True)
class DatedException:
    """One day that differs: closed when `spans` is empty."""

    on: date
    spans: tuple[Span, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Hours:
    """All that is known of when a place is open, and how sure we are."""

    spans: tuple[Span, ...] = ()
    exceptions: tuple[DatedException, ...] = ()
    holiday_rule: HolidayRule = HolidayRule.ASK
    holiday_spans: tuple[Span, ...] = ()
    confirmed: bool = False
    self_service_unknown: bool = False
    source: str = ""
    source_on: str = ""
    checked_on: date | None = None


class Answer(StrEnum):
    """What can be said of one moment."""

    OPEN = "open"
    CLOSED = "closed"
    NO_STAFF = "no_staff"
    SELF_SERVICE = "self_service"
    APPOINTMENT = "appointment"
    MEMBERS = "members"
    ASK = "ask"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Status:
    """The answer for a moment; `until` when it is open, `opens_at` the next opening when it is closed."""

    answer: Answer
    until: datetime | None = None
    opens_at: datetime | None = None


@dataclass(frozen=True)
class DayHours:
    """One day of the week table.

    `ask` is a bank holiday nobody knows the rule for; `known` is False when nothing is known of the day, so that no
    spans then does not mean closed.
    """

    day: date
    spans: tuple[Span, ...] = ()
    ask: bool = False
    reason: str = field(default="")
    known: bool = True


def _in_order(spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(sorted(spans, key=lambda span: span.opens))


def _usual_spans(hours: Hours, day: date) -> tuple[Span, ...]:
    return _in_order([span for span in hours.spans if span.falls_on(day)])


def hours_of_day(hours: Hours, day: date, holidays: Collection[date]) -> DayHours:
    """The spans that begin on one day: a dated exception wins, then the bank-holiday rule, then the week.

    A day may have several exceptions, one a span; together they are that day.
    """
    dated = [exception for exception in hours.exceptions if exception.on == day]
    if dated:
        reason = next((exception.reason for exception in dated if exception.reason), "")
        return DayHours(
            day, _in_order([span for exception in dated for span in exception.spans]), reason=reason
        )
    if day in holidays:
        if hours.holiday_rule is HolidayRule.CLOSED:
            return DayHours(day, reason="bank holiday")
        if hours.holiday_rule is HolidayRule.SPANS:
            return DayHours(day, _in_order(hours.holiday_spans), reason="bank holiday")
        if hours.holiday_rule is HolidayRule.ASK and hours.spans:
            return DayHours(day, ask=True, reason="bank holiday")
    known = any(span.holds_on(day) for span in hours.spans)
    return DayHours(day, _usual_spans(hours, day), known=known)


def week(hours: Hours, monday: date, holidays: Collection[date]) -> tuple[DayHours, ...]:
    """Seven days from a Monday."""
    return tuple(hours_of_day(hours, monday + timedelta(days=number), holidays) for number in range(7))


def _bounds(span: Span, day: date) -> tuple[datetime, datetime]:
    """Begin and end in UTC: two moments of one zone object compare by the clock on the wall and ignore the fold."""
    begins = datetime.combine(day, span.opens, LONDON)
    last = day if span.closes > span.opens else day + timedelta(days=1)
    return begins.astimezone(UTC), datetime.combine(last, span.closes, LONDON).astimezone(UTC)


_ANSWERS = {
    Kind.STAFFED: Answer.OPEN,
    Kind.SELF_SERVICE: Answer.SELF_SERVICE,
    Kind.APPOINTMENT: Answer.APPOINTMENT,
    Kind.MEMBERS: Answer.MEMBERS,
}
_BEST_FIRST = (Kind.STAFFED, Kind.SELF_SERVICE, Kind.APPOINTMENT, Kind.MEMBERS)


def status_at(hours: Hours, moment: datetime, holidays: Collection[date]) -> Status:
    """What can be said of a moment (aware). Staffed wins over self-service where both run.

    Open without an end in sight (day and night) has no `until`.
    """
    if not hours.spans and not hours.exceptions:
        return Status(Answer.UNKNOWN)
    moment = moment.astimezone(UTC)
    days = _two_days(hours, moment, holidays)
    yesterday = days[0].day
    kind = _running(days, moment)
    if kind is not None:
        until = _end_of_run(hours, kind, moment, holidays)
        return Status(_ANSWERS[kind], until=until.astimezone(LONDON) if until else None)
    if days[1].ask or (days[0].ask and _would_run(hours, yesterday, moment)):
        return Status(Answer.ASK)
    if not days[1].known:
        return Status(Answer.UNKNOWN)
    opens_at = _next_opening(hours, moment, holidays)
    if hours.self_service_unknown:
        # Some people can let themselves in at hours nobody published: "no staff" is known, "closed" is not.
        return Status(Answer.NO_STAFF, opens_at=opens_at)
    return Status(Answer.CLOSED, opens_at=opens_at)


def is_open_at(hours: Hours, moment: datetime, holidays: Collection[date]) -> bool:
    """True when `status_at` would say open, or open without staff; it need not look for the end or the next opening.

    Weekly spans of other days than this one and the one before may be missing from `hours`.
    """
    moment = moment.astimezone(UTC)
    return _running(_two_days(hours, moment, holidays), moment) in {Kind.STAFFED, Kind.SELF_SERVICE}


def _two_days(hours: Hours, moment: datetime, holidays: Collection[date]) -> tuple[DayHours, DayHours]:
    """The day of a moment and the one before it, whose last span may go on past midnight."""
    today = moment.astimezone(LONDON).date()
    yesterday = today - timedelta(days=1)
    return hours_of_day(hours, yesterday, holidays), hours_of_day(hours, today, holidays)


def _running(days: Collection[DayHours], moment: datetime) -> Kind | None:
    """The best kind of span that runs at a moment (in UTC); None when none does."""
    bounds = [(span, *_bounds(span, each.day)) for each in days for span in each.spans]
    running = [span.kind for span, begins, ends in bounds if begins <= moment < ends]
    return min(running, key=_BEST_FIRST.index, default=None)


def _would_run(hours: Hours, day: date, moment: datetime) -> bool:
    """True when the usual week of that day would still be open, had it not been a bank holiday."""
    bounds = [_bounds(span, day) for span in _usual_spans(hours, day)]
    return any(begins <= moment < ends for begins, ends in bounds)


def _end_of_run(hours: Hours, kind: Kind, moment: datetime, holidays: Collection[date]) -> datetime | None:
    """The end of the unbroken run of one kind around a moment; None when it outlasts the look-ahead."""
    first = moment.astimezone(LONDON).date() - timedelta(days=1)
    ends = moment
    for number in range(LOOK_AHEAD + 2):
        day = first + timedelta(days=number)
        bounds = [
            _bounds(span, day) for span in hours_of_day(hours, day, holidays).spans if span.kind is kind
        ]
        for begins, later in sorted(bounds):
            if begins <= ends < later:
                ends = later
        if number and ends.astimezone(LONDON).date() <= day:
            return ends
    return None


def _next_opening(hours: Hours, moment: datetime, holidays: Collection[date]) -> datetime | None:
    """The next time staff open the door within two months; None past a day we would have to ask about.

    A bank holiday on which the place would be shut anyway is no reason to ask.
    """
    first = moment.astimezone(LONDON).date()
    for day in _days_to_look_at(hours, first, holidays):
        here = hours_of_day(hours, day, holidays)
        if (here.ask and _usual_spans(hours, day)) or not here.known:
            return None
        doors = [span for span in here.spans if span.kind in {Kind.STAFFED, Kind.SELF_SERVICE}]
        later = [begins for begins, _ends in (_bounds(span, day) for span in doors) if begins > moment]
        if later:
            return min(later).astimezone(LONDON)
    return None


def _days_to_look_at(hours: Hours, first: date, holidays: Collection[date]) -> list[date]:
    """The days ahead on which something may begin. All of them where spans hold for a time only."""
    days = [first + timedelta(days=number) for number in range(OPENING_AHEAD + 1)]
    if any(span.valid_from or span.valid_until for span in hours.spans):
        return days
    weekdays = {span.weekday for span in hours.spans}
    dated = {exception.on for exception in hours.exceptions}
    # Without weekly spans nothing is known of a day that no exception names: then all of them count.
    return [
        day for day in days if not weekdays or day.weekday() in weekdays or day in dated or day in holidays
    ]


def nth_rules(hours: Hours) -> tuple[Span, ...]:
    """The spans of a day of the month ("third Saturday"), first of the week first."""
    rules = [span for span in hours.spans if span.nth is not None and span.kind is Kind.STAFFED]
    return tuple(sorted(rules, key=lambda span: (span.weekday, span.nth, span.opens)))


def is_told_by_rules(hours: Hours, days: Sequence[DayHours]) -> bool:
    """True when the place opens by days of the month only, and these days hold none of them.

    A table of that week would say "closed" all through and never when to come.
    """
    rules = nth_rules(hours)
    return bool(rules) and len(rules) == len(hours.spans) and not any(day.spans for day in days)


def is_open_late(hours: Hours) -> bool:
    """True when some weekday goes on after five, or a weekend day is open. The finder asks the database the same."""
    return any(
        span.kind in {Kind.STAFFED, Kind.SELF_SERVICE}
        and (span.weekday >= 5 or span.closes > LATE or span.closes < span.opens)
        for span in hours.spans
    )


def leave_before(status: Status, walk_minutes: int, stay_minutes: int = 30) -> datetime | None:
    """The last useful time to set out: half an hour inside before the door closes."""
    if status.until is None:
        return None
    leave = status.until.astimezone(UTC) - timedelta(minutes=walk_minutes + stay_minutes)
    return leave.astimezone(LONDON)


OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_OSM_DAY = re.compile(r"([A-Z][a-z])(?:-([A-Z][a-z])|\[(-?\d)\])?")


def _osm_number(name: str) -> int:
    if name not in OSM_DAYS:
        raise ValueError(f"no such day: {name}")
    return OSM_DAYS.index(name)


def _osm_days(text: str) -> list[tuple[int, int | None]]:
    """(weekday, nth) of "Mo,We", "Fr-Mo" or "Sa[3]"; a range may go round the end of the week."""
    days: list[tuple[int, int | None]] = []
    for piece in text.split(","):
        found = _OSM_DAY.fullmatch(piece.strip())
        if not found:
            raise ValueError(f"cannot read the days: {text}")
        first = _osm_number(found[1])
        last = _osm_number(found[2]) if found[2] else first
        nth = int(found[3]) if found[3] else None
        days += [((first + step) % 7, nth) for step in range((last - first) % 7 + 1)]
    return days


def _osm_time(text: str) -> time:
    return time() if text.strip() == "24:00" else time.fromisoformat(text.strip())


def read_osm_week(text: str) -> tuple[Span, ...]:
    """Spans of a simple OSM `opening_hours` text ("Mo,Tu 09:00-17:00; Sa[3] 10:00-12:00"). Raises ValueError."""
    spans: list[Span] = []
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        which, _space, times = rule.partition(" ")
        days = _osm_days(which)
        for pair in times.split(","):
            opens, dash, closes = pair.partition("-")
            if not dash:
                raise ValueError(f"cannot read the times: {rule}")
            spans += [Span(number, _osm_time(opens), _osm_time(closes), nth=nth) for number, nth in days]
    return tuple(spans)


def write_osm_week(spans: Sequence[Span]) -> str:
    """The hours with staff, written as OSM text: one rule per day.

    Other kinds are left out: OSM text cannot say "members only" or "with a card", and would call them open.
    """
    staffed = [span for span in spans if span.kind is Kind.STAFFED]
    ordered = sorted(staffed, key=lambda span: (span.weekday, span.nth or 0, span.opens))
    return "; ".join(
        f"{OSM_DAYS[span.weekday]}{f'[{span.nth}]' if span.nth else ''} {span.opens:%H:%M}-{span.closes:%H:%M}"
        for span in ordered
    )
