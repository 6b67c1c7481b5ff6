"""What training tells the plan: sessions for a step in the next two weeks that can be booked, and somebody's own bookings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, noload

from inclusion_app.core import i18n
from inclusion_app.core.geo import metres_between
from inclusion_app.core.registry import Booked, StepOffer, booked_with, offer_with
from inclusion_app.places.models import Place
from inclusion_app.training.models import (
    Booking,
    BookingDate,
    Course,
    CourseText,
    Occurrence,
    TrainingSession,
)

WITHIN = timedelta(days=14)
MOST = 2
# As many as are looked at for the nearest; a city has fewer in two weeks for the steps of one plan.
LOOKED_AT = 400


def offers(
    session: Session,
    step_ids: Collection[str],
    near: tuple[float, float] | None,
    needs: Collection[str],
    now: datetime,
) -> Mapping[str, Sequence[StepOffer]]:
    """For each step at most two sessions with a free place: nearest first when it is known where, else soonest first.

    One query. Nothing that is full, or for which somebody waits; of a course only while its first date is ahead. Only a
    session that offers by itself what somebody needs.
    """
    found: dict[str, list[StepOffer]] = {}
    for offer, moves in _in_order(_read(session, step_ids, needs, now), near):
        for step_id in moves & set(step_ids):
            mine = found.setdefault(step_id, [])
            if len(mine) < MOST and offer.slug not in {known.slug for known in mine}:
                mine.append(offer)
    return found


def _in_order(
    rows: Sequence[tuple[StepOffer, frozenset[str], float | None, float | None]],
    near: tuple[float, float] | None,
) -> list[tuple[StepOffer, frozenset[str]]]:
    if near is None:
        return [(offer, moves) for offer, moves, _lat, _lng in rows]

    def far(row: tuple[StepOffer, frozenset[str], float | None, float | None]) -> float:
        _offer, _moves, lat, lng = row
        # What is online is near to everybody, but it is no place to go to: after those that are.
        return float("inf") if lat is None or lng is None else metres_between(*near, lat, lng)

    return [(offer, moves) for offer, moves, _lat, _lng in sorted(rows, key=far)]


def _read(
    session: Session, step_ids: Collection[str], needs: Collection[str], now: datetime
) -> list[tuple[StepOffer, frozenset[str], float | None, float | None]]:
    own, english = aliased(CourseText), aliased(CourseText)
    date, other, where = aliased(Occurrence), aliased(Occurrence), aliased(Place)
    language = i18n.current_language().code
    free = (date.status == "on", date.waiting == 0, date.taken + date.held < date.capacity)
    # All dates of a course belong together: it is on offer as a whole, before it begins.
    begun = select(other.id).where(
        other.session_id == TrainingSession.id,
        other.status == "on",
        or_(other.starts_at < date.starts_at, other.waiting > 0, other.taken + other.held >= other.capacity),
    )
    moves: ColumnElement[str] = literal(" ") + Course.steps + literal(" ")
    offered: ColumnElement[str] = literal(" ") + TrainingSession.offers + literal(" ")
    statement = (
        select(
            func.coalesce(own.title, english.title),
            own.title.is_(None),
            date.starts_at,
            func.coalesce(where.name, ""),
            TrainingSession.slug,
            Course.steps,
            where.lat,
            where.lng,
        )
        .select_from(date)
        .join(TrainingSession, TrainingSession.id == date.session_id)
        .join(Course, Course.id == TrainingSession.course_id)
        .outerjoin(own, and_(own.course_id == Course.id, own.language == language))
        .outerjoin(english, and_(english.course_id == Course.id, english.language == "en"))
        .outerjoin(where, where.id == func.coalesce(date.place_id, TrainingSession.place_id))
        .where(
            TrainingSession.status == "published",
            date.starts_at > now,
            date.starts_at <= now + WITHIN,
            *free,
            or_(*(moves.contains(f" {step_id} ", autoescape=True) for step_id in step_ids)),
            *(offered.contains(f" {need} ", autoescape=True) for need in needs),
            or_(TrainingSession.booked_as != "course", ~begun.exists()),
        )
        .order_by(date.starts_at, date.id)
        .limit(LOOKED_AT)
    )
    return [
        (
            StepOffer(title or "", "en" if is_english else language, starts_at, place, slug),
            frozenset(steps.split()),
            lat,
            lng,
        )
        for title, is_english, starts_at, place, slug, steps, lat, lng in session.execute(statement)
    ]


def bookings(session: Session, resident_id: int, now: datetime) -> Sequence[Booked]:
    """What somebody has booked, was offered or waits for, from their next date on."""
    wanted = (
        select(Booking)
        .options(noload(Booking.arrangements))
        .where(
            Booking.resident_id == resident_id,
            Booking.status.in_(("requested", "booked", "waitlisted", "offered")),
            Booking.forgotten_at.is_(None),
        )
    )
    found = []
    for booking in session.scalars(wanted):
        ahead = [date.occurrence.starts_at for date in booking.dates if _is_ahead(date, now)]
        if booking.dates and not ahead:
            continue
        title, language = _title(booking.session.course)
        found.append(Booked(title, language, min(ahead, default=None), booking.status, booking.code))
    return found


def _is_ahead(date: BookingDate, now: datetime) -> bool:
    return date.status == "on" and date.occurrence.status == "on" and date.occurrence.ends_at > now


def _title(course: Course) -> tuple[str, str]:
    titles = {text.language: text.title for text in course.texts}
    language = i18n.current_language().code
    chosen = language if language in titles else "en"
    return titles.get(chosen, ""), chosen


offer_with(offers)
booked_with(bookings)
