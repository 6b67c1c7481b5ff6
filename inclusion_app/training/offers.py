"""What training tells the plan: sessions for a step in the next two weeks that can be booked, and somebody's own bookings."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, lazyload

from inclusion_app.core import i18n
from inclusion_app.core.geo import metres_between
from inclusion_app.places.models import Place
from inclusion_app.training.models import (
    Booking,
    Course,
    CourseText,
    Occurrence,
    TrainingSession,
)
from inclusion_app.training.rules import FOR_AGE, LIVE, OFFERS

WITHIN = timedelta(days=14)
MOST = 2
# As many are looked at, the nearest or the soonest of all.
LOOKED_AT = 200


@dataclass(frozen=True)
class StepOffer:
    """A session somebody can book that moves a step: when and where.

    `starts_at` is the first date that can still be booked. `place` is empty when it is online.
    """

    title: str
    title_language: str
    starts_at: datetime
    place: str
    slug: str
    phone: str = ""
    taught_in: str = "en"
    # For whom it is, when it is not for everybody (N_).
    for_whom: tuple[str, ...] = ()


@dataclass(frozen=True)
class Booked:
    """Something a resident has booked or waits for, to be found again from their plan."""

    title: str
    title_language: str
    starts_at: datetime | None
    state: str
    code: str


@dataclass(frozen=True)
class _Found:
    offer: StepOffer
    moves: frozenset[str]
    has: frozenset[str]
    metres: float


def for_steps(
    session: Session,
    step_ids: Collection[str],
    *,
    near: tuple[float, float] | None,
    needs: Collection[str] = (),
    now: datetime,
) -> dict[str, list[StepOffer]]:
    """For each step at most two sessions with a free place, a step without one is not in it; one query.

    `near` is where somebody is (latitude, longitude), `needs` what they need to take part.
    First those that have by themselves what somebody needs, then those in the language of the page, then those in English;
    of these the nearest, or the soonest when it is not known where. Nothing that is full, or for which somebody waits; a
    course only before it begins.
    """
    if not step_ids:
        return {}
    language = i18n.current_language().slug

    def rank(found: _Found) -> tuple[float, ...]:
        missing = sum(need in OFFERS and need not in found.has for need in needs)
        spoken = {language: 0, "en": 1}.get(found.offer.taught_in, 2)
        return missing, spoken, found.metres

    best: dict[str, list[StepOffer]] = {}
    for found in sorted(_read(session, step_ids, near, language, now), key=rank):
        for step_id in found.moves & set(step_ids):
            mine = best.setdefault(step_id, [])
            if len(mine) < MOST and found.offer.slug not in {known.slug for known in mine}:
                mine.append(found.offer)
    return best


def _read(
    session: Session,
    step_ids: Collection[str],
    near: tuple[float, float] | None,
    language: str,
    now: datetime,
) -> list[_Found]:
    own, english = aliased(CourseText), aliased(CourseText)
    date, other, where = aliased(Occurrence), aliased(Occurrence), aliased(Place)
    # All dates of a course belong together: it is on offer as a whole, before it begins.
    not_whole = select(other.id).where(
        other.session_id == TrainingSession.id,
        other.status == "on",
        or_(other.starts_at < date.starts_at, other.waiting > 0, other.taken + other.held >= other.capacity),
    )
    moves: ColumnElement[str] = literal(" ") + Course.steps + literal(" ")
    wanted = (
        select(
            func.coalesce(own.title, english.title, ""), own.title.is_(None), date.starts_at,
            func.coalesce(where.name, ""), TrainingSession.slug, TrainingSession.phone, TrainingSession.taught_in,
            TrainingSession.for_age, TrainingSession.offers, Course.steps, where.lat, where.lng,
        )
        .select_from(date)
        .join(TrainingSession, TrainingSession.id == date.session_id)
        .join(Course, Course.id == TrainingSession.course_id)
        .outerjoin(own, and_(own.course_id == Course.id, own.language == language))
        .outerjoin(english, and_(english.course_id == Course.id, english.language == "en"))
        .outerjoin(where, where.id == func.coalesce(date.place_id, TrainingSession.place_id))
        .where(
            TrainingSession.status == "published",
            date.status == "on",
            date.starts_at > now,
            date.starts_at <= now + WITHIN,
            date.waiting == 0,
            date.taken + date.held < date.capacity,
            or_(*(moves.contains(f" {step_id} ", autoescape=True) for step_id in step_ids)),
            or_(TrainingSession.booked_as != "course", ~not_whole.exists()),
        )
        .order_by(*_nearest_first(where, near), date.starts_at, date.id)
        .limit(LOOKED_AT)
    )  # fmt: skip
    found = []
    for (
        title,
        is_english,
        starts_at,
        place,
        slug,
        phone,
        taught_in,
        for_age,
        has,
        steps,
        lat,
        lng,
    ) in session.execute(wanted):
        offered = frozenset(has.split())
        whom = [FOR_AGE[for_age]] if for_age != "any" else []
        whom += [OFFERS["women_only"]] if "women_only" in offered else []
        offer = StepOffer(
            title, "en" if is_english else language, starts_at, place, slug, phone, taught_in, tuple(whom)
        )
        found.append(_Found(offer, frozenset(steps.split()), offered, _metres(near, lat, lng)))
    return found


def _nearest_first(where: type[Place], near: tuple[float, float] | None) -> list[ColumnElement[Any]]:
    """Near enough for a city: degrees, those of longitude shortened as they are there."""
    if near is None:
        return []
    north, east = where.lat - near[0], (where.lng - near[1]) * math.cos(math.radians(near[0]))
    # What is online or has no point comes last.
    return [func.coalesce(north * north + east * east, literal(1e6))]


def _metres(near: tuple[float, float] | None, lat: float | None, lng: float | None) -> float:
    if near is None:
        return 0.0
    return metres_between(*near, lat, lng) if lat is not None and lng is not None else math.inf


def bookings_of(session: Session, resident_id: int, *, now: datetime) -> list[Booked]:
    """What somebody has booked, was offered or waits for: by their next date, without a date last."""
    wanted = (
        select(Booking)
        .options(lazyload(Booking.arrangements))
        .where(
            Booking.resident_id == resident_id,
            Booking.status.in_(LIVE),
            Booking.forgotten_at.is_(None),
        )
    )
    found, language = [], i18n.current_language().slug
    for booking in session.scalars(wanted):
        ahead = [date.occurrence.starts_at for date in booking.dates_on if date.occurrence.ends_at > now]
        if booking.dates and not ahead:
            continue
        text = booking.session.course.text_in(language)
        title, spoken = (text.title, text.language) if text is not None else ("", "en")
        found.append(Booked(title, spoken, min(ahead, default=None), booking.status, booking.code))
    return sorted(found, key=lambda one: (one.starts_at is None, one.starts_at or now))
