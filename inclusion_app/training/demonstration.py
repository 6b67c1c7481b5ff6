"""A believable fortnight of sessions at real places of the city, by the demonstration organisations.

Their days are counted from the day they are made. Names, telephone numbers (Ofcom keeps them for dramas) and bookings are
invented. Nobody checked the Urdu and Arabic words, and their state says so.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.clock import LONDON
from inclusion_app.core.registry import Demonstration, demonstrate, holidays
from inclusion_app.places.models import Place
from inclusion_app.training.models import (
    Booking,
    Course,
    CourseText,
    Credential,
    Occurrence,
    TrainingSession,
    WalkIn,
)
from inclusion_app.training.rules import Weekly, weekly_dates
from inclusion_app.training.services import bookings, feed, forgetting, sessions

LIBRARY, CHARITY, WORK = (
    "Elm Row Library (demonstration)",
    "Red Door (demonstration)",
    "Cobden Yard Work Team (demonstration)",
)
PHONES = {LIBRARY: "0161 496 0111", CHARITY: "0161 496 0222", WORK: "0161 496 0333"}
WORDS = Path(__file__).with_name("demonstration_words.toml")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = range(6)


@dataclass(frozen=True)
class Shown:
    """One session: its words (by slug in the file of words), when in the fortnight, where, and who books it.

    `week` 0 is the seven days from tomorrow. `booked` are places taken by invented people without a name, one booking
    each number; who does not fit waits.
    """

    slug: str
    organisation: str
    steps: str
    area: str
    level: int
    place: str
    weekday: int
    begins: str
    ends: str
    week: int = 0
    kind: str = "skills"
    after: str = ""
    booked_as: str = "single"
    times: int = 1
    taught_in: str = "en"
    offers: str = "step_free"
    for_age: str = "any"
    led_by: str = "Noor"
    adult: str = ""
    capacity: int = 10
    is_online: bool = False
    booked: tuple[int, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


FORTNIGHT = (
    Shown("first-steps-on-a-phone-in-urdu", LIBRARY, "F1 F2 F3", "FND", 1, "longsight-library-learning-centre", TUESDAY,
          "10:00", "12:00", taught_in="ur", offers="step_free quiet", led_by="Sadia", booked=(1, 1, 2)),
    Shown("first-steps-on-a-computer", LIBRARY, "F1 F2 F4", "FND", 1, "gorton-library", MONDAY, "10:30", "12:30",
          led_by="Graham", booked=(1, 1)),
    Shown("phones-for-women-in-arabic", CHARITY, "F1 F6 C2", "FND", 1, "moss-side-powerhouse-library", WEDNESDAY,
          "11:30", "13:30", taught_in="ar", offers="step_free women_only creche prayer_time", led_by="Huda", capacity=8,
          booked=(1, 1, 1)),
    Shown("email-and-video-calls-with-bsl", LIBRARY, "C1 C3", "COMM", 2, "central-library", THURSDAY, "14:00", "16:00",
          offers="step_free bsl hearing_loop", led_by="Marcus", capacity=8, booked=(1, 2)),
    Shown("spot-a-scam", CHARITY, "S1 S5", "SAFE", 1, "forum-library-wythenshawe", TUESDAY, "18:00", "19:30",
          offers="step_free quiet", led_by="Bridget", capacity=16, booked=(1, 1, 4)),
    Shown("universal-credit-online", WORK, "U1 U2 T1", "TRAN", 2, "hulme-high-street-library", FRIDAY, "10:00", "12:00",
          offers="step_free travel_help", led_by="Denise", for_age="adults", capacity=12, booked=(1, 1, 1, 1)),
    Shown("find-work-online", WORK, "W1 W2 W3", "TRAN", 2, "north-city-library", TUESDAY, "13:00", "15:00", week=1,
          offers="step_free travel_help childcare_help", led_by="Denise", for_age="adults", booked=(1, 1)),
    Shown("six-weeks-to-get-online", LIBRARY, "F1 F3 F4 F5 S1 C1", "FND", 1, "withington-library", WEDNESDAY, "10:00",
          "12:00", booked_as="course", times=6, offers="step_free hearing_loop", led_by="Graham", capacity=8,
          booked=(1, 1, 2)),
    Shown("bring-your-question", LIBRARY, "A5 P1 F6", "PROB", 1, "abraham-moss-library", FRIDAY, "14:00", "16:00",
          booked_as="series", times=4, led_by="Oksana", capacity=6),
    Shown("nhs-app-with-help", CHARITY, "T6 T7", "TRAN", 2, "beswick-library", THURSDAY, "10:00", "11:30",
          offers="step_free quiet", led_by="Bridget", capacity=3, booked=(1, 1, 1, 1, 2)),
    Shown("video-calls-from-home", CHARITY, "C3", "COMM", 2, "", WEDNESDAY, "18:00", "19:00", week=1, is_online=True,
          offers="", led_by="Marcus", capacity=20, booked=(1,),
          facts={"joining": "We phone you a quarter of an hour before and help you to join."}),
    Shown("try-an-ai-helper", LIBRARY, "P3 H2", "PROB", 3, "newton-heath-library", MONDAY, "14:00", "15:30",
          booked_as="undated", led_by="Oksana", capacity=10, booked=(1, 1)),
    Shown("saturday-code-club", CHARITY, "D3", "PROB", 2, "manchester-youth-zone-formerly-the-factory", SATURDAY, "10:30",
          "12:30", kind="code_club", for_age="young", offers="step_free quiet", led_by="Theo", adult="Theo Marsh",
          capacity=12, booked=(1, 1)),
    Shown("make-and-mend-day", CHARITY, "M1 M2 M3", "PROB", 2, "hackspace-manchester", SATURDAY, "11:00", "15:00",
          kind="making_day", offers="assistance_dog", led_by="Ivy", capacity=10, week=1, booked=(1, 3)),
    Shown("ready-for-a-bootcamp", LIBRARY, "H1 H3 C4", "INFO", 2, "arcadia-library-leisure-centre", MONDAY, "17:30",
          "19:30", offers="step_free", for_age="adults", led_by="Theo", booked=(1, 1)),
    Shown("taste-a-coding-bootcamp", WORK, "D1 D3", "PROB", 3, "central-library", THURSDAY, "17:30", "19:30", week=0,
          kind="bootcamp_taster", after="ready-for-a-bootcamp", for_age="adults", offers="step_free childcare_help",
          led_by="Priyanka", capacity=16, booked=(1, 1, 1)),
    Shown("coding-bootcamp", WORK, "D2 D3 D4", "PROB", 3, "central-library", MONDAY, "17:30", "19:30", week=1,
          kind="bootcamp", after="taste-a-coding-bootcamp", booked_as="course", times=4, for_age="adults",
          offers="step_free travel_help childcare_help", led_by="Priyanka", capacity=16, booked=(1,)),
    Shown("families-online", CHARITY, "K1 S6", "SAFE", 2, "benchill-community-centre", THURSDAY, "15:45", "17:00", week=1,
          kind="family", offers="step_free creche childcare_help", led_by="Bridget", adult="Bridget Hale", capacity=12,
          booked=(3, 2)),
    Shown("tea-and-tablets", LIBRARY, "C2 N1", "COMM", 1, "arcadia-library-leisure-centre", THURSDAY, "13:30", "15:30",
          kind="wellbeing", for_age="older", offers="step_free quiet guide_from_stop", led_by="Graham", capacity=12,
          booked=(1, 1)),
    Shown("passwords-and-second-locks", LIBRARY, "F5 S3", "SAFE", 2, "chorlton-library", TUESDAY, "17:30", "19:00", week=1,
          led_by="Oksana", capacity=10, booked=(1,)),
)  # fmt: skip


def load(session: Session, now: datetime) -> str:
    """Make the fortnight when there is none, or when all of it is over. Returns a line for the terminal."""
    ahead = (
        select(Occurrence.id)
        .join(TrainingSession, TrainingSession.id == Occurrence.session_id)
        .where(TrainingSession.is_demonstration, Occurrence.starts_at > now)
    )
    if session.scalar(ahead.limit(1)) is not None:
        return ""
    # What is over makes room; what somebody of the demonstration staff made themselves stays.
    _remove(session, TrainingSession.is_demonstration)
    names = select(Organisation.name, Organisation.id).where(Organisation.is_demonstration)
    organisations = dict(session.execute(names).all())
    slugs = select(Place.slug, Place.id).where(Place.slug.in_([one.place for one in FORTNIGHT]))
    places = dict(session.execute(slugs).all())
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    courses: dict[str, int] = {}
    made = [
        _make(
            session,
            shown,
            words[shown.slug],
            organisations[shown.organisation],
            places.get(shown.place),
            courses,
            now,
        )
        for shown in FORTNIGHT
        # Another city has other places.
        if shown.organisation in organisations and (shown.is_online or shown.place in places)
    ]
    return f"demonstration: {len(made)} sessions over the next two weeks"


def _make(
    session: Session,
    shown: Shown,
    words: Mapping[str, Sequence[str]],
    organisation_id: int,
    place_id: int | None,
    courses: dict[str, int],
    now: datetime,
) -> TrainingSession:
    course = Course(
        organisation_id=organisation_id, kind=shown.kind, comes_after_id=courses.get(shown.after), area=shown.area,
        level=shown.level, steps=shown.steps, made_at=now,
    )  # fmt: skip
    course.texts = [
        CourseText(
            language=language, title=title, summary=summary, bring=bring,
            state="checked" if language == "en" else "drafted",
        )
        for language, (title, summary, bring) in words.items()
    ]  # fmt: skip
    session.add(course)
    session.flush()
    courses[shown.slug] = course.id
    pattern, days = _days(session, shown, now)
    training = TrainingSession(
        slug=_free_slug(session, shown.slug), course_id=course.id, organisation_id=organisation_id, place_id=place_id,
        status="published", booked_as=shown.booked_as, is_online=shown.is_online, taught_in=shown.taught_in,
        offers=shown.offers, for_age=shown.for_age, led_by=shown.led_by, responsible_adult=shown.adult,
        phone=PHONES[shown.organisation], capacity=shown.capacity, companion_cap=2, waiting_size=10, pattern=pattern,
        is_demonstration=True, made_at=now, changed_at=now, **shown.facts,
    )  # fmt: skip
    session.add(training)
    session.flush()
    begins, ends = time.fromisoformat(shown.begins), time.fromisoformat(shown.ends)
    for day in days:
        sessions.put_date(session, training, day=day, begins=begins, ends=ends)
    feed.touch(session, training, now=now)
    for places in shown.booked:
        _book(session, training, places, now)
    return training


def _days(session: Session, shown: Shown, now: datetime) -> tuple[str, Sequence[date]]:
    """The dates of a session, none of them a bank holiday; and the weekly pattern they came from, if there is one."""
    if shown.booked_as == "undated":
        return "", ()
    tomorrow = now.astimezone(LONDON).date() + timedelta(days=1)
    first = tomorrow + timedelta(days=(shown.weekday - tomorrow.weekday()) % 7 + 7 * shown.week)
    weekly = Weekly(begins_on=first, every=1, times=shown.times)
    days, _skipped = weekly_dates(weekly, skip=holidays(session))
    return weekly.rule if shown.times > 1 else "", days


def _free_slug(session: Session, slug: str) -> str:
    taken = session.scalar(select(TrainingSession.id).where(TrainingSession.slug == slug))
    return slug if taken is None else f"{slug}-{secrets.token_hex(3)}"


def _book(session: Session, training: TrainingSession, places: int, now: datetime) -> None:
    """Somebody without a name books, who comes by themself."""
    dates = session.scalars(
        select(Occurrence.id).where(Occurrence.session_id == training.id).order_by(Occurrence.id)
    ).all()
    wanted = bookings.Wanted(
        form_key=secrets.token_urlsafe(32), language=training.taught_in if training.taught_in in {"ur", "ar"} else "en",
        places=places, occurrence_ids=dates[:1], booked_for="group" if places > 1 else "me",
        waiting_mode="ask_me" if places == 1 else "book_me",
    )  # fmt: skip
    bookings.book(session, training=training, wanted=wanted, now=now)


def remove(session: Session) -> None:
    """Take away the demonstration's sessions with all that hangs on them; and whatever staff of it made while trying it out."""
    theirs = select(Organisation.id).where(Organisation.is_demonstration)
    _remove(session, TrainingSession.is_demonstration | TrainingSession.organisation_id.in_(theirs))


def _remove(session: Session, which: ColumnElement[bool] | InstrumentedAttribute[bool]) -> None:
    numbers = session.scalars(select(TrainingSession.id).where(which)).all()
    courses = session.scalars(
        select(TrainingSession.course_id).where(TrainingSession.id.in_(numbers)).distinct()
    ).all()
    booked = select(Booking.id).where(Booking.session_id.in_(numbers))
    session.execute(delete(Credential).where(Credential.session_id.in_(numbers)))
    forgetting.delete_bookings(session, session.scalars(booked).all())
    dates = select(Occurrence.id).where(Occurrence.session_id.in_(numbers))
    session.execute(delete(WalkIn).where(WalkIn.occurrence_id.in_(dates)))
    session.execute(delete(TrainingSession).where(TrainingSession.id.in_(numbers)))
    still = select(TrainingSession.course_id).distinct()
    session.execute(delete(Course).where(Course.id.in_(courses), Course.id.not_in(still)))
    session.expire_all()


demonstrate(Demonstration("training", load, remove))
