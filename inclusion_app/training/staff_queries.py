"""What an organiser sees of the sessions of their organisation. Each list asks the table who asks (`policy`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, lazyload, selectinload

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.core.registry import holidays
from inclusion_app.places.hours import hours_of_day
from inclusion_app.places.models import OpeningException, Place
from inclusion_app.training.models import (
    Arrangement,
    Booking,
    BookingDate,
    Course,
    CourseText,
    Notice,
    Occurrence,
    TrainingSession,
)
from inclusion_app.training.policy import BOOKINGS, COURSES, SESSIONS
from inclusion_app.training.rules import ON_A_LIST, SMALLEST_SUM, arrange_by, is_shut
from inclusion_app.training.services.telling import can_be_told

ON_A_PAGE = 20
PLACES_SHOWN = 12


# --- sessions


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; everything of it stands in the address."""

    when: str = "coming"
    course_id: int | None = None
    state: str = ""
    text: str = ""


@dataclass(frozen=True)
class Line:
    """One session of the list: its next date, or the last when it is over, and how many dates it has to come, or had.

    Places are those of that date. A course is booked for all its dates, so it has the places of its fullest one.
    """

    training: TrainingSession
    date: Occurrence | None
    dates: int
    places: Occurrence | None
    waits_later: bool
    requested: int


def _seen(principal: Principal) -> ColumnElement[bool]:
    return SESSIONS.rows("session.run", principal)


def sessions_of(
    session: Session, principal: Principal, filters: Filters, now: datetime
) -> list[tuple[int, datetime | None]]:
    """The numbers of the sessions that fit, in the order of their next (or last) date; those without a date come first."""
    coming = filters.when != "past"
    at = func.min(Occurrence.starts_at) if coming else func.max(Occurrence.starts_at)
    to_come = and_(
        Occurrence.session_id == TrainingSession.id, Occurrence.status == "on", Occurrence.ends_at > now
    )
    has_date_to_come = select(Occurrence.id).where(to_come).correlate(TrainingSession).exists()
    joined = to_come if coming else Occurrence.session_id == TrainingSession.id
    conditions = [_seen(principal)]
    if coming:
        conditions += [
            TrainingSession.status != "cancelled",
            or_(has_date_to_come, TrainingSession.booked_as == "undated", _has_no_date()),
        ]
    else:
        conditions.append(
            or_(
                TrainingSession.status == "cancelled",
                ~or_(has_date_to_come, TrainingSession.booked_as == "undated", _has_no_date()),
            )
        )
    if filters.course_id is not None:
        conditions.append(TrainingSession.course_id == filters.course_id)
    if filters.state:
        conditions.append(TrainingSession.status == filters.state)
    if filters.text:
        conditions.append(_has_words(filters.text))
    wanted = (
        select(TrainingSession.id, at.label("at"))
        .outerjoin(Occurrence, joined)
        .where(*conditions)
        .group_by(TrainingSession.id)
    )
    rows = [(number, moment) for number, moment in session.execute(wanted)]
    none, dated = [row for row in rows if row[1] is None], [row for row in rows if row[1] is not None]
    dated.sort(key=lambda row: (row[1], row[0]), reverse=not coming)
    return [*sorted(none), *dated]


def _has_words(text: str) -> ColumnElement[bool]:
    """These words stand in the title of its course, in any language, or in the name of its place."""
    return or_(
        exists().where(
            CourseText.course_id == TrainingSession.course_id,
            CourseText.title.icontains(text, autoescape=True),
        ),
        exists().where(Place.id == TrainingSession.place_id, Place.name.icontains(text, autoescape=True)),
    )


def _has_no_date() -> ColumnElement[bool]:
    """A draft that waits for its dates."""
    any_date = aliased(Occurrence)
    return and_(TrainingSession.status == "draft", ~exists().where(any_date.session_id == TrainingSession.id))


def lines_of(session: Session, numbers: Sequence[int], now: datetime) -> list[Line]:
    """These sessions with their places, in this order."""
    wanted = (
        select(TrainingSession)
        .where(TrainingSession.id.in_(numbers))
        .options(selectinload(TrainingSession.occurrences))
    )
    found = {training.id: training for training in session.scalars(wanted)}
    asked = select(Booking.session_id, func.sum(Booking.places)).where(
        Booking.session_id.in_(numbers), Booking.status == "requested"
    )
    requested = {row[0]: row[1] for row in session.execute(asked.group_by(Booking.session_id))}
    lines = []
    for number in numbers:
        training = found[number]
        on = [date for date in training.occurrences if date.status == "on"]
        to_come = [date for date in on if date.ends_at > now]
        counted = to_come or on
        date = to_come[0] if to_come else on[-1] if on else None
        places, waits_later = date, False
        if training.booked_as == "course":
            places = min(counted, key=lambda one: one.capacity - one.taken - one.held, default=None)
        else:
            waits_later = any(one.waiting + one.held for one in to_come[1:])
        lines.append(Line(training, date, len(counted), places, waits_later, requested.get(number, 0)))
    return lines


@dataclass(frozen=True)
class Closed:
    """A date to come of which its place says that it is closed then."""

    date: Occurrence
    place: Place
    reason: str
    is_holiday: bool


def closed_dates(
    session: Session, principal: Principal, now: datetime, *, session_id: int | None = None
) -> list[Closed]:
    """The dates whose place has said since, or said before, that it is closed on that day or at that time; the next first.

    As where dates are planned, the usual week of a place says nothing: a session may be what it opens for.
    """
    days = [day for day in holidays(session) if day >= now.astimezone(LONDON).date()]
    place_id = func.coalesce(Occurrence.place_id, TrainingSession.place_id)
    said = exists().where(OpeningException.place_id == place_id, OpeningException.day == Occurrence.day)
    wanted = (
        select(Occurrence, Place)
        .join(Occurrence.session)
        .join(Place, Place.id == place_id)
        .where(
            _seen(principal),
            TrainingSession.status != "cancelled",
            Occurrence.status == "on",
            Occurrence.starts_at > now,
            or_(said, Occurrence.day.in_(days)),
        )
        .options(
            contains_eager(Occurrence.session), selectinload(Place.spans), selectinload(Place.exceptions)
        )
        .order_by(Occurrence.starts_at, Occurrence.id)
    )
    if session_id is not None:
        wanted = wanted.where(Occurrence.session_id == session_id)
    found = []
    for row, place in session.execute(wanted):
        here = hours_of_day(place.hours, row.day, days)
        dated = any(exception.day == row.day for exception in place.exceptions)
        if is_shut(here, row.begins, row.ends) and (dated or here.reason):
            found.append(Closed(row, place, here.reason, not dated))
    return found


def session_for(session: Session, principal: Principal, number: int) -> TrainingSession | None:
    """One session this principal runs."""
    return session.scalar(select(TrainingSession).where(TrainingSession.id == number, _seen(principal)))


def date_for(session: Session, principal: Principal, number: int) -> Occurrence | None:
    """One date of such a session."""
    mine = select(TrainingSession.id).where(_seen(principal))
    return session.scalar(select(Occurrence).where(Occurrence.id == number, Occurrence.session_id.in_(mine)))


def courses_of(session: Session, principal: Principal) -> list[Course]:
    """The courses of the organisation, by their English titles."""
    wanted = select(Course).where(COURSES.rows("course.write", principal))
    return sorted(session.scalars(wanted), key=lambda course: (course.title_in().casefold(), course.id))


def course_for(session: Session, principal: Principal, number: int) -> Course | None:
    """One course of the organisation."""
    wanted = select(Course).where(Course.id == number, COURSES.rows("course.write", principal))
    return session.scalar(wanted)


def places_named(session: Session, text: str) -> list[Place]:
    """Places with these words in their name or address; the one whose whole name it is stands alone."""
    typed = text.split()
    if not typed or len(text) > 160:
        return []
    fits = and_(
        *(
            or_(Place.name.icontains(word, autoescape=True), Place.address.icontains(word, autoescape=True))
            for word in typed[:8]
        )
    )
    found = list(
        session.scalars(select(Place).where(fits).order_by(Place.name, Place.id).limit(PLACES_SHOWN))
    )
    same = [place for place in found if place.name.casefold() == " ".join(typed).casefold()]
    return same if len(same) == 1 else found


# --- who comes


@dataclass(frozen=True)
class Coming:
    """Who comes, as this principal may see it, and how many bookings they may not see."""

    bookings: Sequence[Booking]
    hidden: int
    # By booking, whose staff sent somebody here.
    senders: Mapping[int, str]


def coming(
    session: Session,
    principal: Principal,
    *,
    session_id: int,
    states: Iterable[str],
    occurrence_id: int | None = None,
) -> Coming:
    """The bookings of a session, or of one date of it, in these states: the list in its order, the others as they came."""
    conditions: list[Any] = [Booking.session_id == session_id, Booking.status.in_(tuple(states))]
    if occurrence_id is not None:
        on_it = select(BookingDate.booking_id).where(
            BookingDate.occurrence_id == occurrence_id, BookingDate.status == "on"
        )
        conditions.append(Booking.id.in_(on_it))
    total = session.scalar(select(func.count()).select_from(Booking).where(*conditions)) or 0
    wanted = select(Booking).where(*conditions, BOOKINGS.rows("booking.read", principal))
    rows = session.scalars(
        wanted.order_by(func.coalesce(Booking.waits_since, Booking.made_at), Booking.id)
    ).all()
    return Coming(rows, total - len(rows), senders_of(session, rows))


def routes_of(bookings: Iterable[Booking]) -> Counter[str]:
    """By which way how many bookings are told. `none` is for whom there is no way."""
    return Counter(booking.contact_kind if can_be_told(booking) else "none" for booking in bookings)


def booking_for(session: Session, principal: Principal, number: int) -> Booking | None:
    """One booking this principal may read."""
    return session.scalar(
        select(Booking).where(Booking.id == number, BOOKINGS.rows("booking.read", principal))
    )


def senders_of(session: Session, bookings: Iterable[Booking]) -> dict[int, str]:
    """By booking, the organisation whose staff sent somebody here; none for one's own, and for what they booked themselves."""
    sent = {
        booking.id: booking.organisation_id
        for booking in bookings
        if booking.organisation_id not in {None, booking.session.organisation_id} and booking.staff_id
    }
    if not sent:
        return {}
    names = dict(
        session.execute(
            select(Organisation.id, Organisation.name).where(Organisation.id.in_(set(sent.values())))
        ).all()
    )
    return {number: names[organisation] for number, organisation in sent.items()}


def not_told(session: Session, principal: Principal, date: Occurrence) -> list[Booking]:
    """Whom nobody can tell of what became of this date: their own bookings name no way to reach them."""
    on_it = select(BookingDate.booking_id).where(BookingDate.occurrence_id == date.id)
    states = (*ON_A_LIST, "session_cancelled") if date.status == "cancelled" else ON_A_LIST
    wanted = select(Booking).where(
        Booking.id.in_(on_it), Booking.status.in_(states), BOOKINGS.rows("booking.read", principal)
    )
    return [booking for booking in session.scalars(wanted.order_by(Booking.id)) if not can_be_told(booking)]


# --- what a caseworker can book


def dates_of_person(
    session: Session, resident_id: int, *, made_by: int | None = None
) -> list[tuple[Booking, Occurrence | None]]:
    """What somebody has booked, one line for each date, or for the booking where it has none yet.

    `made_by`: only what this organisation booked for them.
    """
    wanted = (
        select(Booking, Occurrence)
        .outerjoin(BookingDate, BookingDate.booking_id == Booking.id)
        .outerjoin(Occurrence, Occurrence.id == BookingDate.occurrence_id)
        .where(Booking.resident_id == resident_id)
        .order_by(Occurrence.starts_at, Booking.id)
        .options(lazyload(Booking.dates), lazyload(Booking.arrangements), joinedload(Occurrence.place))
    )
    if made_by is not None:
        wanted = wanted.where(Booking.organisation_id == made_by)
    return [(booking, date) for booking, date in session.execute(wanted)]


def _open_to_book(now: datetime) -> ColumnElement[bool]:
    to_come = select(Occurrence.id).where(
        Occurrence.session_id == TrainingSession.id, Occurrence.status == "on", Occurrence.starts_at > now
    )
    has_date = to_come.correlate(TrainingSession).exists()
    return and_(TrainingSession.status == "published", or_(has_date, TrainingSession.booked_as == "undated"))


def bookable(session: Session, number: int, now: datetime) -> TrainingSession | None:
    """A session of any provider that can be booked: it is open to everybody."""
    return session.scalar(select(TrainingSession).where(TrainingSession.id == number, _open_to_book(now)))


def bookable_sessions(session: Session, text: str, now: datetime) -> list[Line]:
    """Sessions to book with these words in title or place, the next ones first; as many as one page holds."""
    first = (
        select(func.min(Occurrence.starts_at))
        .where(
            Occurrence.session_id == TrainingSession.id, Occurrence.status == "on", Occurrence.starts_at > now
        )
        .correlate(TrainingSession)
        .scalar_subquery()
    )
    wanted = select(TrainingSession.id).where(_open_to_book(now))
    if text:
        wanted = wanted.where(_has_words(text))
    soonest = (first.is_(None), first, TrainingSession.id)  # without a date: at the end, in every engine
    numbers = session.scalars(wanted.order_by(*soonest).limit(ON_A_PAGE)).all()
    return lines_of(session, numbers, now)


# --- what to arrange


@dataclass(frozen=True)
class Need:
    """One thing to arrange for somebody, for their next date."""

    arrangement: Arrangement
    booking: Booking
    date: Occurrence | None
    is_late: bool
    is_short_notice: bool
    decided_by: str


def needs_of(
    session: Session, principal: Principal, now: datetime, *, session_id: int | None = None
) -> list[Need]:
    """What is asked for, and what was decided for dates to come: the most urgent first, what is decided last.

    Short notice is said honestly: it was asked for after the last day on which it could be arranged.
    """
    wanted = (
        select(Arrangement, Booking, Staff.name)
        .join(Booking, Booking.id == Arrangement.booking_id)
        .outerjoin(Staff, Staff.id == Arrangement.decided_by_id)
        .where(Booking.status.in_(ON_A_LIST), BOOKINGS.rows("booking.read", principal))
        .order_by(Arrangement.due_on, Arrangement.id)
    )
    if session_id is not None:
        wanted = wanted.where(Booking.session_id == session_id)
    today = now.astimezone(LONDON).date()
    found = []
    for arrangement, booking, decided_by in session.execute(wanted):
        dates = sorted(
            (
                entry.occurrence
                for entry in booking.dates
                if entry.status == "on" and entry.occurrence.status == "on" and entry.occurrence.ends_at > now
            ),
            key=lambda date: date.starts_at,
        )
        if not dates:
            continue
        asked_on = booking.made_at.astimezone(LONDON).date()
        short = asked_on > arrange_by(dates[0].day, booking.session.lead_days)
        late = arrangement.status == "asked" and arrangement.due_on < today
        found.append(Need(arrangement, booking, dates[0], late, short, decided_by or ""))
    return sorted(found, key=lambda need: need.arrangement.status != "asked")


def need_for(session: Session, principal: Principal, number: int) -> Arrangement | None:
    """One thing to arrange for a booking this principal may read."""
    mine = select(Booking.id).where(BOOKINGS.rows("booking.read", principal), Booking.status.in_(ON_A_LIST))
    return session.scalar(
        select(Arrangement).where(Arrangement.id == number, Arrangement.booking_id.in_(mine))
    )


# --- would anybody come?


@dataclass(frozen=True)
class Demand:
    """Who would come to a session without a date: sums only. Of languages and needs those of five people or more."""

    bookings: int
    places: int
    languages: dict[str, int]
    needs: dict[str, int]


def demand_of(session: Session, training: TrainingSession) -> Demand:
    """Sums over everybody who said they would come, whoever may be seen by name."""
    wanted = select(Booking).where(Booking.session_id == training.id, Booking.status == "requested")
    bookings = session.scalars(wanted).all()
    languages, needs = Counter[str](), Counter[str]()
    for booking in bookings:
        languages[booking.language] += booking.places
        needs.update((booking.needs or {}).get("codes", ()))
    return Demand(
        len(bookings),
        sum(booking.places for booking in bookings),
        {code: count for code, count in languages.most_common() if count >= SMALLEST_SUM},
        {code: count for code, count in needs.most_common() if count >= SMALLEST_SUM},
    )


def notices_of(session: Session, training: TrainingSession) -> Sequence[Notice]:
    """What those booked were told by ready-made words, the newest first."""
    wanted = select(Notice).where(Notice.session_id == training.id)
    return session.scalars(wanted.order_by(Notice.made_at.desc(), Notice.id.desc())).all()


# --- what waits for an organiser


@dataclass(frozen=True)
class Waits:
    """How much waits, and since or until when the oldest of it."""

    arrange: int
    arrange_by: date | None
    closed: int
    sessions_waiting: int
    offers_untold: int


def waits_for(session: Session, principal: Principal, now: datetime) -> Waits:
    """The figures for the start page: what to arrange, dates at a closed place, people who wait, offers nobody hears of."""
    to_arrange = [need for need in needs_of(session, principal, now) if need.arrangement.status == "asked"]
    soon = now + timedelta(days=60)
    with_list = (
        select(func.count(func.distinct(Occurrence.session_id)))
        .join(TrainingSession, TrainingSession.id == Occurrence.session_id)
        .where(
            _seen(principal),
            Occurrence.status == "on",
            Occurrence.waiting > 0,
            Occurrence.starts_at > now,
            Occurrence.starts_at < soon,
        )
    )
    offered = select(Booking).where(Booking.status == "offered", BOOKINGS.rows("booking.read", principal))
    untold = [booking for booking in session.scalars(offered) if not can_be_told(booking)]
    return Waits(
        len(to_arrange),
        min((need.arrangement.due_on for need in to_arrange), default=None),
        len(closed_dates(session, principal, now)),
        session.scalar(with_list) or 0,
        len(untold),
    )
