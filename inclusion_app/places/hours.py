"""When a place is open: weekly spans, nth-weekday rules, dated exceptions, bank holidays. Pure.

Times are wall times in Europe/London. A wrong "closed" is worse than no answer, so on a bank holiday whose rule
nobody knows the answer is "ask", never "closed".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from inclusion_app.core.clock import LONDON

LOOK_AHEAD = 14


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

    `nth` 1 to 5 means that weekday of the month ("third Saturday"), -1 the last one. Raises ValueError for a span
    of no length.
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

    def falls_on(self, day: date) -> bool:
        """True when this span begins on the day."""
        if day.weekday() != self.weekday:
            return False
        if self.valid_from and day < self.valid_from or self.valid_until and day >= self.valid_until:
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
    """One day of the week table. `ask` is a bank holiday nobody knows the rule for."""

    day: date
    spans: tuple[Span, ...] = ()
    ask: bool = False
    reason: str = field(default="")


def hours_of_day(hours: Hours, day: date, holidays: Collection[date]) -> DayHours:
    """The spans that begin on one day: a dated exception wins, then the bank-holiday rule, then the week."""
    for exception in hours.exceptions:
        if exception.on == day:
            return DayHours(day, exception.spans, reason=exception.reason)
    spans = tuple(sorted((span for span in hours.spans if span.falls_on(day)), key=lambda span: span.opens))
    if day in holidays:
        if hours.holiday_rule is HolidayRule.CLOSED:
            return DayHours(day, reason="bank holiday")
        if hours.holiday_rule is HolidayRule.SPANS:
            return DayHours(day, hours.holiday_spans, reason="bank holiday")
        if hours.holiday_rule is HolidayRule.ASK and hours.spans:
            return DayHours(day, ask=True, reason="bank holiday")
    return DayHours(day, spans)


def week(hours: Hours, monday: date, holidays: Collection[date]) -> tuple[DayHours, ...]:
    """Seven days from a Monday."""
    return tuple(hours_of_day(hours, monday + timedelta(days=number), holidays) for number in range(7))


def _bounds(span: Span, day: date) -> tuple[datetime, datetime]:
    begins = datetime.combine(day, span.opens, LONDON)
    last = day if span.closes > span.opens else day + timedelta(days=1)
    return begins, datetime.combine(last, span.closes, LONDON)


_ANSWERS = {
    Kind.STAFFED: Answer.OPEN,
    Kind.SELF_SERVICE: Answer.SELF_SERVICE,
    Kind.APPOINTMENT: Answer.APPOINTMENT,
    Kind.MEMBERS: Answer.MEMBERS,
}
_BEST_FIRST = (Kind.STAFFED, Kind.SELF_SERVICE, Kind.APPOINTMENT, Kind.MEMBERS)


def status_at(hours: Hours, moment: datetime, holidays: Collection[date]) -> Status:
    """What can be said of a moment (aware). Staffed wins over self-service where both run."""
    if not hours.spans and not hours.exceptions:
        return Status(Answer.UNKNOWN)
    wall = moment.astimezone(LONDON)
    running: list[tuple[Span, datetime]] = []
    ask = False
    for day in (wall.date() - timedelta(days=1), wall.date()):
        today = hours_of_day(hours, day, holidays)
        ask = ask or (today.ask and day == wall.date())
        for span in today.spans:
            begins, ends = _bounds(span, day)
            if begins <= moment < ends:
                running.append((span, ends))
    if running:
        span, ends = min(running, key=lambda item: _BEST_FIRST.index(item[0].kind))
        return Status(_ANSWERS[span.kind], until=_stretch(hours, span.kind, ends, holidays))
    if ask:
        return Status(Answer.ASK)
    if hours.self_service_unknown:
        # Some people can let themselves in at hours nobody published: "no staff" is known, "closed" is not.
        return Status(Answer.NO_STAFF, opens_at=_next_opening(hours, wall, holidays))
    return Status(Answer.CLOSED, opens_at=_next_opening(hours, wall, holidays))


def _stretch(hours: Hours, kind: Kind, ends: datetime, holidays: Collection[date]) -> datetime:
    """The end of an unbroken run of the same kind."""
    day = ends.astimezone(LONDON).date()
    for span in hours_of_day(hours, day, holidays).spans:
        begins, later = _bounds(span, day)
        if span.kind is kind and begins <= ends < later:
            return _stretch(hours, kind, later, holidays)
    return ends


def _next_opening(hours: Hours, wall: datetime, holidays: Collection[date]) -> datetime | None:
    """The next time staff open the door within two weeks; None past a day we would have to ask about."""
    for number in range(LOOK_AHEAD + 1):
        day = wall.date() + timedelta(days=number)
        today = hours_of_day(hours, day, holidays)
        if today.ask:
            return None
        starts = [
            _bounds(span, day)[0] for span in today.spans if span.kind in {Kind.STAFFED, Kind.SELF_SERVICE}
        ]
        later = [start for start in starts if start > wall]
        if later:
            return min(later)
    return None


def is_open_late(hours: Hours) -> bool:
    """True when some weekday goes on after five, or a weekend day is open."""
    return any(
        span.kind in {Kind.STAFFED, Kind.SELF_SERVICE}
        and (span.weekday >= 5 or span.closes > time(17) or span.closes < span.opens)
        for span in hours.spans
    )


def leave_before(status: Status, walk_minutes: int, stay_minutes: int = 30) -> datetime | None:
    """The last useful time to set out: half an hour inside before the door closes."""
    if status.until is None:
        return None
    return status.until - timedelta(minutes=walk_minutes + stay_minutes)


def read_osm_week(text: str) -> tuple[Span, ...]:
    """Spans of a simple OSM `opening_hours` text ("Mo,Tu 09:00-17:00; Sa 10:00-12:00"). Raises ValueError."""
    days = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
    spans: list[Span] = []
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        which, times = rule.split(" ", 1)
        numbers: list[int] = []
        for piece in which.split(","):
            first, _, last = piece.partition("-")
            begin, end = days.index(first), days.index(last or first)
            numbers.extend(range(begin, end + 1))
        for pair in times.split(","):
            opens, closes = (time.fromisoformat(part.strip()) for part in pair.split("-"))
            spans.extend(Span(number, opens, closes) for number in numbers)
    return tuple(spans)


def write_osm_week(spans: Sequence[Span]) -> str:
    """The same, written: one rule per day."""
    days = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
    plain = sorted((span for span in spans if span.nth is None), key=lambda span: (span.weekday, span.opens))
    return "; ".join(f"{days[span.weekday]} {span.opens:%H:%M}-{span.closes:%H:%M}" for span in plain)
