"""The demonstration shows a believable fortnight across the city, comes again when it is over, and goes without a trace."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.clock import LONDON, now, today
from inclusion_app.core.db import reading, transaction
from inclusion_app.places.hours import hours_of_day
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.training import demonstration
from inclusion_app.training.models import Booking, Course, Occurrence, TrainingSession
from inclusion_app.training.rules import FOR_AGE, KINDS, OFFERS
from tests.accounts.test_commands import run


def dates(session: Session) -> list[Occurrence]:
    return list(session.scalars(select(Occurrence).order_by(Occurrence.starts_at)))


# A Thursday, the Christmas fortnight, and the days before the clocks change.
@pytest.mark.parametrize("day", ["2026-11-26", "2026-12-21", "2027-03-24", "2027-10-28"])
def test_a_believable_fortnight(app: Flask, day: str) -> None:
    begin = datetime.fromisoformat(day).replace(hour=8, tzinfo=UTC)
    with time_machine.travel(begin, tick=False):
        assert "20 sessions over the next two weeks" in run(app, "demo", "load").output
        with app.app_context(), reading() as session:
            soon = [date for date in dates(session) if date.day <= today() + timedelta(days=14)]
            holidays = registry.holidays(session)
            assert all(date.day > today() and date.day not in holidays for date in dates(session))
            places = [place for date in soon if (place := date.session.place)]
            for date in soon:
                place = date.session.place
                known = hours_of_day(place.hours, date.day, holidays) if place else None
                if known is not None and known.known and known.spans:
                    assert any(s.opens <= date.begins and date.ends <= s.closes for s in known.spans), (
                        place,
                        date.day,
                    )
                assert date.starts_at.astimezone(LONDON).time() == date.begins
            if day == "2026-11-26":
                assert 16 <= len({date.session_id for date in soon}) <= 20
                assert len({place.ward_id for place in places if place.ward_id}) >= 8
                assert any(date.begins >= time(17) for date in soon) and any(
                    date.begins < time(12) for date in soon
                )
                assert any(date.day.weekday() >= 5 for date in soon)
                courses = session.scalars(select(Course)).all()
                assert {course.kind for course in courses} == set(KINDS)
                taster = next(course for course in courses if course.kind == "bootcamp_taster")
                camp = next(course for course in courses if course.kind == "bootcamp")
                assert camp.comes_after_id == taster.id and taster.comes_after_id is not None
                steps = {step for course in courses for step in course.step_ids}
                assert steps <= set(load_catalogue().steps)
                sessions = session.scalars(select(TrainingSession)).all()
                assert {one.booked_as for one in sessions} == {"single", "series", "course", "undated"}
                assert {one.taught_in for one in sessions} == {"en", "ur", "ar"}
                offered = {offer for one in sessions for offer in one.offer_list}
                assert {"bsl", "quiet", "women_only", "creche", "step_free"} <= offered <= set(OFFERS)
                assert {one.for_age for one in sessions} == set(FOR_AGE)
                assert all(one.responsible_adult for one in sessions if one.for_age == "young")
                assert all(one.phone.startswith("0161 496 0") for one in sessions)
                full = next(date for date in soon if date.session.slug == "nhs-app-with-help")
                assert (full.taken, full.capacity, full.waiting) == (3, 3, 3)


def test_every_course_has_words_in_three_languages_that_fit(app: Flask) -> None:
    words_of = tomllib.loads(demonstration.WORDS.read_text(encoding="utf-8"))
    assert set(words_of) == {one.slug for one in demonstration.FORTNIGHT}
    for slug, words in words_of.items():
        assert set(words) == {"en", "ur", "ar"}, slug
        for language, (title, summary, bring) in words.items():
            assert 0 < len(title) <= 80 and 0 < len(summary) <= 600 and 0 < len(bring) <= 200, slug
            assert bool(re.search("[\\u0600-\\u06ff]", title)) == (language != "en"), (slug, title)
    run(app, "demo", "load")
    with app.app_context(), reading() as session:
        for course in session.scalars(select(Course)):
            assert {text.language: text.state for text in course.texts} == {
                "en": "checked", "ur": "drafted", "ar": "drafted",
            }  # fmt: skip
        # Nobody who booked has a name, a number or a need.
        typed = select(func.count()).select_from(Booking)
        known = typed.where(
            Booking.label.is_not(None) | Booking.contact.is_not(None) | Booking.needs.is_not(None)
        )
        assert (session.scalar(typed) or 0) > 20 and session.scalar(known) == 0


def test_it_comes_again_when_all_of_it_is_over_and_own_sessions_stay(app: Flask) -> None:
    run(app, "demo", "load")
    with app.app_context(), transaction() as session:
        before = {date.id for date in dates(session)}
        last = max(date.starts_at for date in dates(session))
        own = session.scalars(select(TrainingSession).where(TrainingSession.booked_as == "undated")).one()
        own.is_demonstration, own.slug = False, "my-own"
    assert "sessions" not in run(app, "demo", "load").output
    with time_machine.travel(last + timedelta(days=1), tick=False):
        assert "20 sessions" in run(app, "demo", "load").output
        with app.app_context(), reading() as session:
            assert before.isdisjoint({date.id for date in dates(session)})
            assert all(date.starts_at > now() for date in dates(session))
            assert session.scalar(select(TrainingSession.id).where(TrainingSession.slug == "my-own"))
            assert session.scalar(select(func.count()).select_from(TrainingSession)) == 21
