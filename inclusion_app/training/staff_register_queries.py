"""Reads of the register: who is in it, in the order of the printed sheet, and what each provider may know in sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session, selectinload

from inclusion_app.accounts.models import Staff
from inclusion_app.core.access import Principal
from inclusion_app.people import services as people
from inclusion_app.people.policy import keeps_away
from inclusion_app.training.models import (
    Booking,
    BookingDate,
    Occurrence,
    Opinion,
    TrainingSession,
    WalkIn,
)
from inclusion_app.training.policy import BOOKINGS, RUN, SESSIONS
from inclusion_app.training.rules import REGISTER_CLOSES, REGISTER_OPENS, SMALLEST_SUM
from inclusion_app.training.services.register import is_in_register
from inclusion_app.training.staff_queries import date_for

LAST_SIGNS = 4  # of a code on a sheet that lies on a table: enough to tell two apart, too few to open one


@dataclass(frozen=True)
class Line:
    """One booking of a date. `number` stays the same on the sheet and on the screen, whoever cancels meanwhile."""

    number: int
    booking: Booking
    date: BookingDate
    marked_by: str

    @property
    def short_code(self) -> str:
        """The end of its code, as it stands on the sheet."""
        return self.booking.code[-LAST_SIGNS:]

    @property
    def needs(self) -> list[str]:
        """What these people need to take part (keys of rules.NEEDS)."""
        return list((self.booking.needs or {}).get("codes", ()))


@dataclass(frozen=True)
class Register:
    """The register of one date as one member of staff may see it. `id` is that of the session, which the right asks for.

    `hidden` bookings are of people who are kept from this person: they are counted and nothing else.
    """

    id: int
    training: TrainingSession
    date: Occurrence
    lines: Sequence[Line]
    walk_ins: Sequence[WalkIn]
    hidden: int

    @property
    def unmarked(self) -> int:
        """Bookings nobody has marked yet."""
        return sum(line.date.attendance is None for line in self.lines)

    @property
    def came(self) -> int:
        """Heads that came, walk-ins among them."""
        return sum(line.date.came for line in self.lines) + len(self.walk_ins)

    def line_of(self, booking_id: int) -> Line | None:
        """The line of a booking; None when it is not in this register."""
        return next((line for line in self.lines if line.booking.id == booking_id), None)

    def line_of_code(self, code: str) -> Line | None:
        """The line whose canonical code this is."""
        wanted = people.hash_of_code(code)
        return next((line for line in self.lines if line.booking.code_hash == wanted), None)


def register_for(session: Session, principal: Principal, occurrence_id: int) -> Register | None:
    """The register of a date, as this person may see it. The same number of statements however many come."""
    date = date_for(session, principal, occurrence_id)
    if date is None:
        return None
    numbers = {
        booking_id: number
        for number, booking_id in enumerate(
            session.scalars(
                select(BookingDate.booking_id)
                .where(BookingDate.occurrence_id == occurrence_id)
                .order_by(BookingDate.booking_id)
            ),
            1,
        )
    }
    in_it = (BookingDate.occurrence_id == occurrence_id) & is_in_register()
    rows = session.execute(
        select(Booking, BookingDate, Staff.name)
        .join(BookingDate, BookingDate.booking_id == Booking.id)
        .outerjoin(Staff, Staff.id == BookingDate.marked_by_id)
        .where(in_it, BOOKINGS.rows("booking.read", principal))
        .order_by(Booking.id)
        .options(selectinload(Booking.dates), selectinload(Booking.arrangements))
        .execution_options(populate_existing=True)
    ).all()
    total = session.scalar(select(func.count()).select_from(BookingDate).where(in_it)) or 0
    walk_ins = session.scalars(
        select(WalkIn)
        .where(WalkIn.occurrence_id == occurrence_id, not_(keeps_away(principal, WalkIn.resident_id)))
        .order_by(WalkIn.id)
    ).all()
    lines = [Line(numbers[booking.id], booking, day, name or "") for booking, day, name in rows]
    return Register(date.session_id, date.session, date, lines, walk_ins, total - len(lines))


def booking_by_code(
    session: Session, principal: Principal, code: str, *, now: datetime
) -> tuple[Booking, Occurrence] | None:
    """The booking of a code that is shown at a desk, and the date it can be marked for now.

    None when there is no such booking, when it has no date now, and when its person is kept from whoever asks: all
    three look the same.
    """
    rows = session.execute(
        select(Booking, Occurrence)
        .join(BookingDate, BookingDate.booking_id == Booking.id)
        .join(Occurrence, Occurrence.id == BookingDate.occurrence_id)
        .where(
            Booking.code_hash == people.hash_of_code(code),
            is_in_register(),
            Occurrence.status == "on",
            Occurrence.closed_at.is_(None),
            Occurrence.starts_at <= now + REGISTER_OPENS,
            Occurrence.ends_at >= now - DESK_UNTIL,
            not_(keeps_away(principal, Booking.resident_id)),
        )
        .order_by(Occurrence.starts_at.desc())
    ).all()
    return (rows[0][0], rows[0][1]) if rows else None


DESK_UNTIL = timedelta(hours=12)


def registers_to_fill(
    session: Session, principal: Principal, *, now: datetime
) -> list[tuple[Occurrence, int]]:
    """Dates of own sessions that are over and whose register is not finished, with how many are not marked; oldest first."""
    unmarked = func.count(BookingDate.booking_id)
    wanted = (
        select(Occurrence, unmarked)
        .join(TrainingSession, TrainingSession.id == Occurrence.session_id)
        .join(BookingDate, BookingDate.occurrence_id == Occurrence.id)
        .join(Booking, Booking.id == BookingDate.booking_id)
        .where(
            SESSIONS.rows(RUN.name, principal),
            Occurrence.status == "on",
            Occurrence.closed_at.is_(None),
            Occurrence.ends_at < now,
            Occurrence.ends_at > now - REGISTER_CLOSES,
            BookingDate.status == "on",
            BookingDate.attendance.is_(None),
            Booking.status == "booked",
        )
        .group_by(Occurrence.id)
        .order_by(Occurrence.starts_at)
    )
    dates = [
        (number, count)
        for number, count in session.execute(wanted.with_only_columns(Occurrence.id, unmarked))
    ]
    found = {
        row.id: row
        for row in session.scalars(
            select(Occurrence).where(Occurrence.id.in_([number for number, _ in dates]))
        )
    }
    return [(found[number], count) for number, count in dates]


# --- sums for the provider


@dataclass(frozen=True)
class Figures:
    """How many people one session had, over all its dates that have begun. The parts are heads, so they add up.

    `answers` and `wishes` are codes with at least so many answers, where there are enough to say anything.
    """

    session_id: int
    title: str
    dates: int
    first: datetime
    booked: int
    came: int
    part: int
    absent: int
    excused: int
    unmarked: int
    walk_ins: int
    answers: dict[str, int]
    wishes: dict[str, int]

    @property
    def share(self) -> int | None:
        """How many of a hundred booked people came, of those who are marked; None while nobody is."""
        marked = self.booked - self.unmarked
        return round(100 * (self.came + self.part) / marked) if marked else None


def figures_for(session: Session, principal: Principal, *, since: datetime, now: datetime) -> list[Figures]:
    """The sums of every session of the own organisation with a date since then, the latest first. Seven statements.

    Whoever is kept from this person is in the sums, as in every sum.
    """
    mine = (
        SESSIONS.rows(RUN.name, principal),
        Occurrence.status == "on",
        Occurrence.starts_at <= now,
        Occurrence.starts_at >= since,
    )
    dates = session.execute(
        select(TrainingSession.id, func.count(Occurrence.id), func.min(Occurrence.starts_at))
        .join(Occurrence, Occurrence.session_id == TrainingSession.id)
        .where(*mine)
        .group_by(TrainingSession.id)
        .order_by(func.min(Occurrence.starts_at).desc(), TrainingSession.id.desc())
    ).all()
    ids = [number for number, _count, _first in dates]
    titles = {
        row.id: row.course.title_in()
        for row in session.scalars(select(TrainingSession).where(TrainingSession.id.in_(ids)))
    }
    marks: dict[int, dict[str | None, tuple[int, int]]] = {}
    for number, state, places, came in session.execute(
        select(
            Occurrence.session_id,
            BookingDate.attendance,
            func.sum(Booking.places),
            func.sum(BookingDate.came),
        )
        .join(BookingDate, BookingDate.occurrence_id == Occurrence.id)
        .join(Booking, Booking.id == BookingDate.booking_id)
        .join(TrainingSession, TrainingSession.id == Occurrence.session_id)
        .where(*mine, is_in_register())
        .group_by(Occurrence.session_id, BookingDate.attendance)
    ):
        marks.setdefault(number, {})[state] = (int(places), int(came))
    came_unbooked = session.execute(
        select(Occurrence.session_id, func.count(WalkIn.id))
        .join(WalkIn, WalkIn.occurrence_id == Occurrence.id)
        .join(TrainingSession, TrainingSession.id == Occurrence.session_id)
        .where(*mine)
        .group_by(Occurrence.session_id)
    )
    walked: dict[int, int] = {row[0]: row[1] for row in came_unbooked}
    answers = _said(session, ids, Opinion.helped)
    wishes = _said(session, ids, Opinion.what_next)
    return [
        _figures(number, titles[number], count, first, marks.get(number, {}), walked.get(number, 0),
                 answers.get(number, {}), wishes.get(number, {}))
        for number, count, first in dates
    ]  # fmt: skip


def _figures(
    number: int,
    title: str,
    dates: int,
    first: datetime,
    marks: dict[str | None, tuple[int, int]],
    walk_ins: int,
    answers: dict[str, int],
    wishes: dict[str, int],
) -> Figures:
    none = (0, 0)
    (all_came, came), (all_part, part) = marks.get("attended", none), marks.get("part", none)
    return Figures(
        session_id=number, title=title, dates=dates, first=first,
        booked=sum(places for places, _came in marks.values()), came=came, part=part,
        # Of a group of four of whom three came, one was absent.
        absent=marks.get("absent", none)[0] + (all_came - came) + (all_part - part),
        excused=marks.get("excused", none)[0], unmarked=marks.get(None, none)[0], walk_ins=walk_ins,
        answers=answers, wishes=wishes,
    )  # fmt: skip


def _said(session: Session, ids: Sequence[int], column: Any) -> dict[int, dict[str, int]]:
    """Answers by session and code, rounded down to fives; fewer than five are not said, nor how many there are in all.

    A sum that went up by one would tell what the last one answered. Answers on paper are a sum of their own: whoever
    typed in four would read from a sum of five what somebody said on a screen.
    """
    found: dict[int, dict[str, int]] = {}
    for number, code, count in session.execute(
        select(Opinion.session_id, column, func.count())
        .where(Opinion.session_id.in_(ids), column.is_not(None))
        .group_by(Opinion.session_id, column, Opinion.on_paper)
        .having(func.count() >= SMALLEST_SUM)
    ):
        said = found.setdefault(number, {})
        said[code] = said.get(code, 0) + count - count % SMALLEST_SUM
    return found
