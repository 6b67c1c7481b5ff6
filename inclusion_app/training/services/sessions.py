"""Make a course, its words, a session and its dates; publish it. What people are told of a change is in `changes`."""

from __future__ import annotations

import re
import secrets
import unicodedata
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import moment
from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.registry import holidays, step_titles
from inclusion_app.people.staff_words import MISSING, TOO_LONG
from inclusion_app.places.models import Place
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import Booking, Course, CourseText, Occurrence, TrainingSession
from inclusion_app.training.rules import BOOKED_AS, FOR_AGE, KINDS, LIVE, OFFERS, Weekly, weekly_dates
from inclusion_app.training.services import places, waiting
from inclusion_app.training.services.feed import touch, touch_shown

FURTHEST = timedelta(days=730)


@dataclass(frozen=True)
class CourseFacts:
    """What a course is about. `steps` are ids of steps of the plan."""

    kind: str
    area: str
    level: int
    steps: tuple[str, ...] = ()
    comes_after_id: int | None = None


@dataclass(frozen=True)
class CourseWords:
    """The words of a course in one language."""

    title: str
    summary: str = ""
    bring: str = ""


@dataclass(frozen=True)
class SessionFacts:
    """What all dates of a session have in common. `phone` is in the form of `contact.read_phone`, or empty."""

    place_id: int | None = None
    is_online: bool = False
    joining: str = ""
    room: str = ""
    taught_in: str = "en"
    offers: str = ""
    lead_days: int = 7
    for_age: str = "any"
    led_by: str = ""
    responsible_adult: str = ""
    phone: str = ""
    capacity: int = 8
    companion_cap: int = 0
    waiting_size: int = 10
    party_size: int = 6


@dataclass(frozen=True)
class Dates:
    """When it is, in wall time: a first day, and so many more every so many weeks."""

    first: date
    begins: time
    ends: time
    every: int = 1
    times: int = 1

    @property
    def weekly(self) -> Weekly:
        """The same as a weekly pattern."""
        return Weekly(self.first, self.every, self.times)


# --- courses


def make_course(
    session: Session, *, actor: Principal, facts: CourseFacts, english: CourseWords, now: datetime
) -> Course:
    """A course of the actor's organisation with its English words. Raises RuleBroken at a field."""
    check_course(session, actor, facts)
    course = Course(
        organisation_id=_organisation(actor), kind=facts.kind, comes_after_id=facts.comes_after_id, area=facts.area,
        level=facts.level, steps=" ".join(facts.steps), made_at=now,
    )  # fmt: skip
    # What an organiser types in English is what residents read when there is nothing better.
    course.texts = [CourseText(language="en", state="checked", **asdict(english))]
    session.add(course)
    session.flush()
    return course


def change_course(
    session: Session,
    *,
    actor: Principal,
    course: Course,
    facts: CourseFacts,
    english: CourseWords,
    now: datetime,
) -> None:
    """Change what it is about, and its English words. Raises RuleBroken at a field."""
    check_course(session, actor, facts, course_id=course.id)
    course.kind, course.area, course.level = facts.kind, facts.area, facts.level
    course.steps, course.comes_after_id = " ".join(facts.steps), facts.comes_after_id
    put_words(session, course=course, language="en", text=english, state="checked", now=now)


def check_course(
    session: Session, actor: Principal, facts: CourseFacts, course_id: int | None = None
) -> None:
    """Refuse what no course can be: an unknown step, a course of others before it. Raises RuleBroken at a field."""
    if facts.kind not in KINDS or facts.area not in words.AREAS or str(facts.level) not in words.LEVELS:
        raise RuleBroken(MISSING, field="kind")
    known = step_titles()
    for step in facts.steps:
        if not re.fullmatch(r"[A-Z]{1,3}[0-9]{1,2}", step) or (known and step not in known):
            raise RuleBroken(words.UNKNOWN_STEP, field="steps", step=step[:10])
    if len(" ".join(facts.steps)) > 120:
        raise RuleBroken(TOO_LONG, field="steps")
    if facts.comes_after_id is None:
        return
    if facts.comes_after_id == course_id:
        raise RuleBroken(words.AFTER_ITSELF, field="comes_after")
    before = select(Course.id).where(
        Course.id == facts.comes_after_id, Course.organisation_id == actor.organisation_id
    )
    if session.scalar(before) is None:
        raise RuleBroken(words.OWN_COURSE, field="comes_after")


def put_words(
    session: Session, *, course: Course, language: str, text: CourseWords, state: str, now: datetime
) -> None:
    """The words of a course in one language, new or changed; every published session of it changed with them."""
    row = asdict(text) | {"state": state}
    putting = insert_into(session, CourseText).values(course_id=course.id, language=language, **row)
    session.execute(putting.on_conflict_do_update(index_elements=["course_id", "language"], set_=row))
    session.flush()
    session.expire(course, ["texts"])
    shown = select(TrainingSession).where(
        TrainingSession.course_id == course.id, TrainingSession.status == "published"
    )
    for training in session.scalars(shown.order_by(TrainingSession.id)).all():
        touch(session, training, now=now)


# --- sessions


def planned_dates(session: Session, *, dates: Dates, place_id: int | None) -> tuple[list[date], list[date]]:
    """The days of a plan, and those that are skipped: bank holidays, and days on which the place says it is closed.

    The usual week of a place skips nothing: a session may be what it opens for. One date was meant for its day, holiday or
    not; the page says so before.
    """
    days, skipped = weekly_dates(dates.weekly, skip=set(days_off(session, place_id)))
    return [dates.first] if dates.times == 1 else days, skipped


def days_off(session: Session, place_id: int | None) -> dict[date, str]:
    """Bank holidays, and days on which the place says it is closed, each with the word that says which."""
    off = dict.fromkeys(holidays(session), words.BANK_HOLIDAY)
    place = session.get(Place, place_id) if place_id else None
    if place is not None:
        off |= {closed.on: words.PLACE_CLOSED for closed in place.hours.exceptions if not closed.spans}
    return off


def make_session(
    session: Session,
    *,
    actor: Principal,
    course_id: int,
    booked_as: str,
    facts: SessionFacts,
    dates: Dates | None,
    now: datetime,
) -> TrainingSession:
    """A draft of a session with its dates; nobody sees it before it is published. Raises RuleBroken at a field."""
    course = session.scalar(
        select(Course).where(Course.id == course_id, Course.organisation_id == actor.organisation_id)
    )
    if course is None:
        raise RuleBroken(words.OWN_COURSE, field="course")
    if booked_as not in BOOKED_AS:
        raise RuleBroken(MISSING, field="booked_as")
    _check_facts(facts, undated=booked_as == "undated")
    if booked_as != "undated":
        if dates is None:
            raise RuleBroken(words.NO_DAY, field="first")
        if booked_as == "single" and dates.times > 1:
            raise RuleBroken(words.MANY_DATES, field="times")
        check_when(dates.first, dates.begins, dates.ends, now)
    training = TrainingSession(
        slug=_slug(course), course_id=course.id, organisation_id=_organisation(actor), status="draft", booked_as=booked_as,
        made_at=now, changed_at=now, **asdict(facts),
    )  # fmt: skip
    session.add(training)
    session.flush()
    if dates is not None and booked_as != "undated":
        training.pattern = dates.weekly.rule if dates.times > 1 else ""
        days, _skipped = planned_dates(session, dates=dates, place_id=training.place_id)
        _put_dates(session, training, dates, days)
    return training


def _organisation(actor: Principal) -> int:
    if actor.organisation_id is None:
        raise RuleBroken(CHANGED_ALREADY)
    return actor.organisation_id


def _check_facts(facts: SessionFacts, *, undated: bool) -> None:
    if not facts.is_online and facts.place_id is None and not undated:
        raise RuleBroken(words.NEEDS_PLACE, field="place")
    if facts.for_age not in FOR_AGE or not set(facts.offers.split()) <= set(OFFERS):
        raise RuleBroken(MISSING, field="offers")


def _slug(course: Course) -> str:
    plain = unicodedata.normalize("NFKD", course.title_in()).encode("ascii", "ignore").decode().casefold()
    return f"{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:60] or 'session'}-{secrets.token_hex(4)}"


def check_when(day: date, begins: time, ends: time, now: datetime, *, field: str = "first") -> None:
    """Refuse a date that is over, has no length or is years away. Raises RuleBroken at its field."""
    for fault in when_faults(day, begins, ends, now, field=field):
        raise fault


def when_faults(
    day: date | None, begins: time | None, ends: time | None, now: datetime, *, field: str = "first"
) -> list[RuleBroken]:
    """All that is wrong with a date, each at its field. What is not known of it is not judged."""
    faults = []
    if begins is not None and ends is not None and begins >= ends:
        faults.append(RuleBroken(words.ENDS_FIRST, field="ends"))
    if day is not None and day > now.date() + FURTHEST:
        faults.append(RuleBroken(words.TOO_FAR, field=field))
    elif day is not None and moment(day, begins or time.max) <= now:
        faults.append(RuleBroken(words.IN_THE_PAST, field=field))
    return faults


def _put_dates(session: Session, training: TrainingSession, dates: Dates, days: Sequence[date]) -> None:
    for day in days:
        put_date(session, training, day=day, begins=dates.begins, ends=dates.ends)
    session.expire(training, ["occurrences"])


def put_date(
    session: Session, training: TrainingSession, *, day: date, begins: time, ends: time
) -> Occurrence:
    """One date with all the places of its session."""
    row = Occurrence(
        session_id=training.id, day=day, begins=begins, ends=ends, starts_at=moment(day, begins), ends_at=moment(day, ends),
        capacity=training.capacity, companion_cap=training.companion_cap, uid=str(uuid.uuid4()),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def add_dates(session: Session, *, training: TrainingSession, dates: Dates, now: datetime) -> None:
    """More dates of a series, or of a course nobody is booked on. Raises RuleBroken, at a field where there is one."""
    places.lock_session(session, training.id)
    if training.status == "cancelled":
        raise RuleBroken(words.NOT_TO_CHANGE)
    if training.booked_as not in {"series", "course"}:
        raise RuleBroken(words.ONE_DATE)
    if training.booked_as == "course" and has_bookings(session, training.id):
        raise RuleBroken(words.COURSE_HAS_BOOKINGS)
    days, _skipped = planned_dates(session, dates=dates, place_id=training.place_id)
    there = select(Occurrence.id).where(
        Occurrence.session_id == training.id,
        Occurrence.starts_at.in_([moment(day, dates.begins) for day in days]),
        Occurrence.status == "on",
    )
    if session.scalar(there) is not None:
        raise RuleBroken(words.DATE_TWICE, field="first")
    check_when(dates.first, dates.begins, dates.ends, now)
    _put_dates(session, training, dates, days)
    touch_shown(session, training, now=now)


def has_bookings(session: Session, session_id: int) -> bool:
    """True while somebody is booked, waits, or said they would come."""
    live = exists().where(Booking.session_id == session_id, Booking.status.in_(LIVE))
    return bool(session.scalar(select(live)))


def change_session(
    session: Session, *, training: TrainingSession, course_id: int, facts: SessionFacts, now: datetime
) -> None:
    """Change what all dates have in common. Capacity is for all dates to come, at once or not at all; what is free then
    goes to who waits.

    Where somebody is booked, place and room are changed date by date, so that they are told. Raises RuleBroken.
    """
    places.lock_session(session, training.id)
    session.refresh(training)
    if training.status == "cancelled":
        raise RuleBroken(words.NOT_TO_CHANGE)
    _check_facts(facts, undated=training.booked_as == "undated")
    moves = (facts.place_id, facts.is_online, facts.room) != (
        training.place_id,
        training.is_online,
        training.room,
    )
    if moves and training.booked_as != "undated" and has_bookings(session, training.id):
        raise RuleBroken(words.PLACE_OF_DATES, field="place")
    course = select(Course.id).where(
        Course.id == course_id, Course.organisation_id == training.organisation_id
    )
    if session.scalar(course) is None:
        raise RuleBroken(words.OWN_COURSE, field="course")
    if training.status == "published":
        _check_shown(facts, training.booked_as)
    resized = (facts.capacity, facts.companion_cap) != (training.capacity, training.companion_cap)
    if resized:
        to_come = [date.id for date in training.occurrences if date.status == "on" and date.starts_at > now]
        set_capacity(session, to_come, capacity=facts.capacity, companion_cap=facts.companion_cap)
    for name, value in asdict(facts).items():
        setattr(training, name, value)
    training.course_id = course_id
    session.flush()
    session.expire(training, ["course", "place"])
    if resized:
        waiting.serve(session, session_id=training.id, now=now)
    touch_shown(session, training, now=now)


def set_capacity(session: Session, ids: Collection[int], *, capacity: int, companion_cap: int) -> None:
    """So many places on each of these dates. Raises RuleBroken at `capacity` when one has more taken or offered.

    One statement with its condition: a booking of the same moment is counted before or after it, never missed.
    """
    if not ids:
        return
    places.lock(session, ids)
    changing = (
        update(Occurrence)
        .where(
            Occurrence.id.in_(ids),
            Occurrence.status == "on",
            Occurrence.taken + Occurrence.held <= capacity,
            Occurrence.companions <= companion_cap,
        )
        .values(capacity=capacity, companion_cap=companion_cap)
    )
    if rows_changed(session, changing) != len(set(ids)):
        raise RuleBroken(words.SMALLER_THAN_TAKEN, field="capacity")
    session.expire_all()


def _check_shown(facts: SessionFacts, booked_as: str) -> None:
    if booked_as != "undated" and not facts.is_online and facts.place_id is None:
        raise RuleBroken(words.CANNOT_PUBLISH_PLACE, field="place")
    if not facts.phone:
        raise RuleBroken(words.CANNOT_PUBLISH_PHONE, field="phone")


def facts_of(training: TrainingSession) -> SessionFacts:
    """What its dates have in common, as a form shows it or a copy begins with it."""
    return SessionFacts(**{name: getattr(training, name) for name in SessionFacts.__dataclass_fields__})


def publish(session: Session, *, training: TrainingSession, now: datetime) -> None:
    """Residents can find it from now on. Pressed twice it is published once. Raises RuleBroken for what is missing."""
    _check_shown(facts_of(training), training.booked_as)
    if not any(text.language == "en" and text.title for text in training.course.texts):
        raise RuleBroken(words.CANNOT_PUBLISH_WORDS)
    if training.booked_as != "undated" and not any(
        date.status == "on" and date.starts_at > now for date in training.occurrences
    ):
        raise RuleBroken(words.CANNOT_PUBLISH_DATE)
    publishing = update(TrainingSession).where(
        TrainingSession.id == training.id, TrainingSession.status == "draft"
    )
    if rows_changed(session, publishing.values(status="published", withdrawn_at=None)) == 0:
        raise RuleBroken(CHANGED_ALREADY)
    session.refresh(training)
    touch(session, training, now=now)


def delete_draft(session: Session, *, training: TrainingSession) -> None:
    """A draft nobody saw is simply gone. Raises RuleBroken for anything else."""
    if training.status != "draft" or has_bookings(session, training.id):
        raise RuleBroken(CHANGED_ALREADY)
    session.delete(training)
    session.flush()


def seen_of(days: Sequence[date], skipped: Sequence[date]) -> str:
    """A short mark of the dates a page showed, so that what is saved is what was looked at."""
    return " ".join(f"{day:%y%m%d}" for day in [*days, *skipped])
