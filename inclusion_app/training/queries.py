"""Reads for whoever looks for a session, and for whoever holds the code of a booking."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, extract, func, literal, or_, select, true
from sqlalchemy.orm import Session, aliased, selectinload

from inclusion_app.core.clock import moment
from inclusion_app.core.geo import metres_between
from inclusion_app.people import services as people
from inclusion_app.places.models import Place
from inclusion_app.places.queries import Where
from inclusion_app.training.models import Booking, Course, Notice, Occurrence, TrainingSession
from inclusion_app.training.rules import places_left, position
from inclusion_app.training.services import waiting

PAGE = 20
EVENING = time(17)
SUNDAY, SATURDAY = 0, 6  # as both databases count the days of a week


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to. `when` is evening or weekend, `since` the first day, `where` online or at a place."""

    step: str = ""
    when: str = ""
    since: date | None = None
    taught_in: str = ""
    offers: tuple[str, ...] = ()
    online: bool = False
    kind: str = ""
    age: str = ""


@dataclass(frozen=True)
class Date:
    """One date of a session as a list needs it; `place` when it is not where the others are."""

    id: int
    day: date
    begins: time
    ends: time
    starts_at: datetime
    capacity: int
    taken: int
    held: int
    waiting: int
    companion_cap: int
    place: str | None
    room: str

    def left(self, waiting_size: int) -> str:
        """Its places in words: a code of rules.PLACES_LEFT."""
        return places_left(
            capacity=self.capacity, taken=self.taken, held=self.held, waiting=self.waiting,
            waiting_size=waiting_size,
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One entry of the list: the session, its dates to come, and how far it is."""

    training: TrainingSession
    dates: tuple[Date, ...]
    metres: float | None = None
    from_edge: bool = False

    @property
    def left(self) -> str:
        """Its places in words. A course is as free as its fullest date, a series as its freest."""
        return left_of(self.training, self.dates)


FREEST_FIRST = ("free", "few", "last", "waiting", "full", "over")


def left_of(training: TrainingSession, dates: Sequence[Date]) -> str:
    """A code of rules.PLACES_LEFT for a session with these dates to come."""
    if training.status != "published":
        return "cancelled"
    if training.booked_as == "undated":
        return "ask"
    codes = [date.left(training.waiting_size) for date in dates]
    if not codes:
        return "over"
    pick = min if training.booked_as == "series" else max
    return pick(codes, key=FREEST_FIRST.index)


def find_sessions(
    session: Session,
    *,
    where: Where | None,
    filters: Filters,
    now: datetime,
    page: int = 1,
    soonest: bool = False,
    size: int = PAGE,
) -> tuple[list[Found], int]:
    """Sessions that can still be booked: the nearest first where somebody is known, else the soonest; with the count.

    Those without a date stand at the end, and only where no time is asked for. Five queries, whatever the page holds;
    one more on the pages where those without a date begin.
    """
    narrowed = [TrainingSession.status == "published", *_narrowed(filters)]
    # Asked for each session by the index of its dates: what a city offers is far less than all its dates.
    dated = exists().where(*_coming(now), *_at_times(filters)).correlate(TrainingSession)
    undated = TrainingSession.booked_as == "undated"
    counted = select(func.count().filter(dated), func.count().filter(undated)).select_from(TrainingSession)
    counts = session.execute(
        counted.join(Course, Course.id == TrainingSession.course_id).where(*narrowed)
    ).one()
    with_date, without = counts[0], 0 if filters.when or filters.since else counts[1]
    wanted = (
        select(TrainingSession.id, Place.lat, Place.lng)
        .join(Course, Course.id == TrainingSession.course_id)
        .outerjoin(Place, Place.id == TrainingSession.place_id)
        .where(*narrowed)
    )
    near = [] if where is None or soonest else _nearest_first(where)
    first = (page - 1) * size
    by_first_date = _by_first_date(wanted, near, filters, now)
    part = list(session.execute(by_first_date.limit(size).offset(first)))
    if without and len(part) < size:
        at_the_end = wanted.where(undated).order_by(*near, TrainingSession.id)
        left = size - len(part)
        part += session.execute(at_the_end.limit(left).offset(max(0, first - with_date))).all()
    total = with_date + without
    ids = [row.id for row in part]
    rows = {
        row.id: row for row in session.scalars(select(TrainingSession).where(TrainingSession.id.in_(ids)))
    }
    dates = dates_of(session, ids, now=now)
    return [_found(rows[row.id], dates[row.id], row, where) for row in part], total


def _by_first_date(
    wanted: Select[*tuple[Any, ...]], near: Sequence[ColumnElement[Any]], filters: Filters, now: datetime
) -> Select[*tuple[Any, ...]]:
    """These sessions, each by its first date to come. Walked in the order of the dates, so a page reads no more than it
    shows; who wants the nearest reads them all.
    """
    earlier = aliased(Occurrence)
    is_first = ~exists().where(
        *_coming(now, earlier),
        *_at_times(filters, earlier),
        or_(
            earlier.starts_at < Occurrence.starts_at,
            and_(earlier.starts_at == Occurrence.starts_at, earlier.id < Occurrence.id),
        ),
    ).correlate(TrainingSession, Occurrence)
    dates = wanted.join(Occurrence, Occurrence.session_id == TrainingSession.id)
    return dates.where(*_coming(now), *_at_times(filters), is_first).order_by(
        *near, Occurrence.starts_at, TrainingSession.id
    )


def _found(training: TrainingSession, dates: Sequence[Date], row: Any, where: Where | None) -> Found:
    known = where is not None and row.lat is not None and not training.is_online
    metres = metres_between(where.lat, where.lng, row.lat, row.lng) if known and where else None
    return Found(training, tuple(dates), metres, bool(where and where.outside))


def _at_times(filters: Filters, date: type[Occurrence] = Occurrence) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.when == "evening":
        conditions.append(date.begins >= EVENING)
    elif filters.when == "weekend":
        conditions.append(extract("dow", date.day).in_((SUNDAY, SATURDAY)))
    if filters.since is not None:
        conditions.append(date.starts_at >= moment(filters.since, time()))
    return conditions


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [_has_word(TrainingSession.offers, offer) for offer in filters.offers]
    if filters.step:
        conditions.append(_has_word(Course.steps, filters.step))
    if filters.kind:
        conditions.append(Course.kind == filters.kind)
    if filters.taught_in:
        conditions.append(TrainingSession.taught_in == filters.taught_in)
    if filters.age:
        conditions.append(TrainingSession.for_age.in_(("any", filters.age)))
    if filters.online:
        conditions.append(TrainingSession.is_online.is_(True))
    return conditions


def _has_word(column: Any, word: str) -> ColumnElement[bool]:
    return literal(" ").concat(column).concat(" ").contains(f" {word} ", autoescape=True)


def _nearest_first(where: Where) -> list[ColumnElement[Any]]:
    """By distance, as the finder of places sums it; what has no point, such as online, stands after."""
    down = Place.lat - where.lat
    lat = math.radians(where.lat)
    across = (Place.lng - where.lng) * (math.cos(lat) - down * (math.radians(1) / 2 * math.sin(lat)))
    here = and_(Place.lat.is_not(None), TrainingSession.is_online.is_(False))
    return [case((here, 0), else_=1), case((here, down * down + across * across), else_=0)]


def dates_of(
    session: Session, session_ids: Collection[int], *, now: datetime
) -> defaultdict[int, list[Date]]:
    """The dates to come of these sessions, the soonest first."""
    wanted = (
        select(
            Occurrence.session_id, Occurrence.id, Occurrence.day, Occurrence.begins, Occurrence.ends,
            Occurrence.starts_at, Occurrence.capacity, Occurrence.taken, Occurrence.held, Occurrence.waiting,
            Occurrence.companion_cap, Place.name, Occurrence.room,
        )
        .outerjoin(Place, Place.id == Occurrence.place_id)
        .where(
            Occurrence.session_id.in_(session_ids), Occurrence.status == "on", Occurrence.starts_at > now
        )
    )  # fmt: skip
    found: defaultdict[int, list[Date]] = defaultdict(list)
    for number, *facts in session.execute(wanted):
        found[number].append(Date(*facts))
    # Put in order here: asked for by time, SQLite would read the dates of the whole city to have them in order.
    for dates in found.values():
        dates.sort(key=lambda date: (date.starts_at, date.id))
    return found


def taught_languages(session: Session, *, now: datetime) -> list[str]:
    """The languages that something to be booked is taught in."""
    return sorted(session.scalars(select(TrainingSession.taught_in).where(*_bookable(now)).distinct()))


def kinds_offered(session: Session, *, now: datetime) -> set[str]:
    """The kinds of course of which something can be booked."""
    of_course = exists().where(TrainingSession.course_id == Course.id, *_bookable(now))
    return set(session.scalars(select(Course.kind).where(of_course).distinct()))


def _bookable(now: datetime) -> tuple[ColumnElement[bool], ...]:
    dated = exists().where(*_coming(now)).correlate(TrainingSession)
    return TrainingSession.status == "published", or_(TrainingSession.booked_as == "undated", dated)


def _coming(now: datetime, date: type[Occurrence] = Occurrence) -> tuple[ColumnElement[bool], ...]:
    """A date to come of the session that is asked about."""
    return date.session_id == TrainingSession.id, date.status == "on", date.starts_at > now


def session_by_slug(session: Session, slug: str) -> TrainingSession | None:
    """A session anybody may look at: published, or cancelled after it was. A draft is none."""
    wanted = select(TrainingSession).where(
        TrainingSession.slug == slug, TrainingSession.status.in_(("published", "cancelled"))
    )
    return session.scalar(wanted)


def next_of_course(session: Session, course_id: int, *, now: datetime) -> TrainingSession | None:
    """The next session of a course that can be booked."""
    wanted = (
        select(TrainingSession)
        .join(Occurrence, and_(*_coming(now)))
        .where(TrainingSession.course_id == course_id, TrainingSession.status == "published")
        .order_by(Occurrence.starts_at, TrainingSession.id)
        .limit(1)
    )
    return session.scalar(wanted)


# --- a booking, for whoever holds its code


def booking_by_code(session: Session, code: str) -> Booking | None:
    """The booking of a canonical code, with its dates and their places. What the code opens is forgotten in time."""
    wanted = (
        select(Booking)
        .where(Booking.code_hash == people.hash_of_code(code), Booking.forgotten_at.is_(None))
        .options(selectinload(Booking.dates))
    )
    return session.scalar(wanted)


def place_in_list(session: Session, booking: Booking) -> tuple[int, int]:
    """How many bookings wait before this one for any of its dates, and how many of those are of more than one person."""
    mine = set(waiting.open_dates(booking))
    before = [
        entry
        for entry in waiting.entries(session, booking.session_id)
        if entry.booking_id == booking.id or mine & set(entry.dates)
    ]
    if booking.id not in {entry.booking_id for entry in before}:
        return 0, 0  # a place came up while this page was made, or no date is left
    return position(before, booking.id)


def notices_of(session: Session, booking: Booking) -> list[Notice]:
    """What the organiser told those booked since this booking was made, the newest first."""
    dates = [date.occurrence_id for date in booking.dates]
    of_mine = Notice.occurrence_id.in_(dates) if dates else ~true()
    wanted = select(Notice).where(
        Notice.session_id == booking.session_id,
        Notice.made_at >= booking.made_at,
        or_(Notice.occurrence_id.is_(None), of_mine),
    )
    return list(session.scalars(wanted.order_by(Notice.made_at.desc(), Notice.id.desc()).limit(5)))
