"""The plan offers sessions that can be booked in the next two weeks, and nothing else; and shows what somebody booked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session, engine, transaction
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import learning
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.sheets import build_handout
from inclusion_app.training import offers
from inclusion_app.training.models import Booking, CourseText, Occurrence
from inclusion_app.training.services import bookings
from tests.conftest import Browser
from tests.factories.accounts import make_organisation
from tests.factories.training import make_booking, make_course, make_place, make_session

TOWN = (53.48, -2.24)


def soon(
    session: Session, *, steps: str = "F1 F2", days: int = 3, title: str = "First steps", **facts: Any
) -> str:
    owner = make_organisation(session).id
    course = make_course(session, organisation_id=owner, steps=steps, title=title)
    when = facts.pop("dates", [today() + timedelta(days=days)])
    return make_session(session, organisation_id=owner, course=course, days=when, **facts).slug


def slugs(
    session: Session, *steps: str, near: Any = None, needs: Any = (), at: datetime | None = None
) -> dict[str, list[str]]:
    found = offers.for_steps(session, steps, near=near, needs=needs, now=at or now())
    return {step: [offer.slug for offer in best] for step, best in found.items()}


def test_each_step_gets_the_two_soonest(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        late, first, second = (soon(session, days=days) for days in (9, 2, 4))
        other = soon(session, steps="F12 S1", days=1)
        assert slugs(session, "F1", "S1", "T1") == {"F1": [first, second], "S1": [other]}
        # A step is found by its whole name: F1 is not F12.
        assert (
            late not in str(slugs(session, "F1")) and slugs(session, "F") == {} and slugs(session, "%") == {}
        )
        assert slugs(session) == {}


def test_where_it_is_known_the_nearest(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        far, near, online, nearer = (
            soon(
                session,
                days=days,
                place_id=make_place(session, lat=lat, lng=-2.24).id if lat else None,
                is_online=not lat,
            )
            for days, lat in ((1, 53.40), (5, 53.47), (1, None), (9, 53.479))
        )
        assert slugs(session, "F1", near=TOWN) == {"F1": [nearer, near]}
        assert set(slugs(session, "F1")["F1"]) == {far, online}


def test_what_somebody_needs_and_speaks_comes_first(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        plain, urdu, quiet = (
            soon(session, days=1),
            soon(session, days=1, taught_in="ur"),
            soon(session, days=5, offers="quiet"),
        )
        assert slugs(session, "F1", needs=("quiet", "companion")) == {"F1": [quiet, plain]}
        assert slugs(session, "F1") == {"F1": [plain, quiet]}
        assert urdu not in str(slugs(session, "F1"))


@pytest.mark.parametrize(
    "facts",
    [{"status": "draft"}, {"status": "cancelled"}, {"days": 15}, {"days": -1}, {"capacity": 1}, {"booked_as": "undated"}],
)  # fmt: skip
def test_nothing_is_promised_that_cannot_be_booked(app: Flask, facts: dict[str, Any]) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        slug = soon(session, **facts)
        if facts.get("capacity") == 1:
            training = session.scalars(select(Occurrence)).one().session
            assert slugs(session, "F1") == {"F1": [slug]}
            make_booking(session, training)
            make_booking(session, training)  # waits
        assert slugs(session, "F1") == {}


def test_a_date_that_was_cancelled_or_is_waited_for_is_not_offered(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        soon(session)
        date = session.scalars(select(Occurrence)).one()
        date.waiting = 1
        session.flush()
        assert slugs(session, "F1") == {}
        date.waiting = 0
        session.execute(Occurrence.__table__.update().values(status="cancelled"))
        assert slugs(session, "F1") == {}


def test_a_course_is_offered_before_it_begins_only(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        weekly = [today() + timedelta(days=days) for days in (2, 9)]
        course = soon(session, booked_as="course", dates=weekly)
        series = soon(session, booked_as="series", dates=weekly)
        found = offers.for_steps(session, ["F1"], near=None, now=now())["F1"]
        assert {offer.slug for offer in found} == {course, series}
        assert {offer.starts_at.date() for offer in found} == {weekly[0]}
        after = now() + timedelta(days=4)
        assert slugs(session, "F1", at=after) == {"F1": [series]}


def test_it_is_one_query_however_many_there_are(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        for days in range(1, 9):
            soon(session, days=days, steps="F1 F2 F3")
        asked: list[str] = []
        session.flush()
        event.listen(engine(), "before_cursor_execute", lambda *said: asked.append(said[2]))
        slugs(session, "F1", "F2", "F3", near=TOWN)
        assert len(asked) == 1


def test_words_are_in_the_readers_language_else_english(app: Flask) -> None:
    with app.test_request_context("/ur/"), transaction() as session:
        from flask import g

        from inclusion_app.core import i18n

        g.language = i18n.known("ur")
        soon(session, days=1)
        soon(session, days=2)
        course = session.scalars(select(Occurrence).order_by(Occurrence.starts_at)).all()[1].session.course
        session.add(CourseText(course_id=course.id, language="ur", title="پہلے قدم"))
        session.flush()
        found = offers.for_steps(session, ["F1"], near=None, now=now())["F1"]
        assert [(offer.title, offer.title_language) for offer in found] == [
            ("First steps", "en"),
            ("پہلے قدم", "ur"),
        ]


# --- the pages


def first_steps(app: Flask) -> list[str]:
    from inclusion_app.core.clock import today as day
    from inclusion_app.roadmaps import queries

    with app.test_request_context("/en/"), transaction() as session:
        roadmap = session.scalars(select(Roadmap)).one()
        return list(queries.compute(roadmap, today=day()).plan.next)


def test_the_plan_and_the_page_of_a_step_say_what_can_be_booked(app: Flask, browser: Browser) -> None:
    browser.make_plan()
    steps = first_steps(app)
    before = browser.text("/roadmap")
    assert "/en/training/" not in before and "What you have booked" not in before
    with app.app_context(), transaction() as session:
        slug = soon(session, steps=" ".join(steps), for_age="older", taught_in="pl", title="Tea & tablets")
    page = browser.text("/roadmap")
    # A session of several steps is said once.
    assert page.count(f'href="/en/training/{slug}"') == 1
    assert "at 10:00</a>" in page and "Tea &amp; tablets" in page
    assert "The teacher speaks Polish" in page and "For people over 50" in page
    for step in steps:
        assert f'href="/en/training/{slug}"' in browser.text(f"/roadmap/steps/{step}")
    assert "Learn this with others" not in browser.text("/roadmap/steps/V1")
    with app.app_context(), transaction() as session:
        soon(session, steps="V1", taught_in="bfi")
    assert "The teacher speaks British Sign Language" in browser.text("/roadmap/steps/V1")


def test_the_plan_shows_three_bookings_to_whom_it_is_open(
    app: Flask, browser: Browser, another_browser: Any
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    with app.app_context(), transaction() as session:
        person = session.scalars(select(Resident)).one()
        codes = []
        for days in (5, 2, 9, 7):
            slug = soon(session, days=days, steps="V1", title=f"In {days} days")
            training = session.scalars(select(Occurrence).order_by(Occurrence.id.desc())).first().session  # type: ignore[union-attr]
            assert training.slug == slug
            codes.append(make_booking(session, training, resident_id=person.id).code)
        gone = session.scalars(select(Booking).where(Booking.resident_id == person.id)).all()[3]
        bookings.cancel(session, booking_id=gone.id, by="learner", now=now())
        undated = make_booking(
            session, make_session(session, booked_as="undated", place_id=None), resident_id=person.id
        ).code
    page = browser.text("/roadmap")
    assert [page.index(f"In {days} days") for days in (2, 5, 9)] == sorted(
        page.index(f"In {days} days") for days in (2, 5, 9)
    )
    assert f"/en/book/{codes[1]}" in page and "You have a place." in page
    assert "In 7 days" not in page and undated not in page  # the fourth one
    # The code alone shows no booking.
    stranger = another_browser()
    stranger.send("/come-back", code=code)
    titles = stranger.text("/roadmap")
    assert "/en/book/" not in titles and "In 2 days" not in titles


def test_paper_says_when_where_and_how_to_book_and_keeps_its_two_sides(app: Flask, browser: Browser) -> None:
    browser.make_plan()
    steps = first_steps(app)
    with app.app_context(), transaction() as session:
        soon(
            session,
            steps=steps[0],
            place_id=make_place(session, name="Longsight Library").id,
            phone="0161 496 0111",
        )
    page = browser.text("/roadmap/print")
    assert "Longsight Library. To book, phone 0161 496 0111." in page
    assert "To book" not in browser.text("/roadmap/print?private=yes")


@pytest.mark.parametrize("language", ["ur", "ar"])
def test_a_phone_keeps_its_order_where_one_reads_from_the_right(
    app: Flask, browser: Browser, language: str
) -> None:
    browser.make_plan()
    step, phone = first_steps(app)[0], "0161 496 0222"
    with app.app_context(), transaction() as session:
        soon(session, steps=step, phone=phone)
    browser.language = language
    assert f"{i18n.ISOLATE}{phone}{i18n.END_ISOLATE}" in browser.text("/roadmap/print")
    with app.test_request_context(f"/{language}/"), i18n.speaking(i18n.LANGUAGES[language]):
        (note,) = learning.on_paper([step], None)[step]
        assert f"{i18n.ISOLATE}{phone}{i18n.END_ISOLATE}" in note.own
    with app.test_request_context("/en/"):
        (note,) = learning.on_paper([step], None)[step]
        assert note.own == note.en and i18n.ISOLATE not in note.own


def test_a_full_sheet_goes_without_sessions(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.make_plan()
    steps = first_steps(app)
    with app.app_context(), transaction() as session:
        for step in steps:
            soon(session, steps=step)
    from inclusion_app.roadmaps import sheets

    def said(room: int) -> int:
        monkeypatch.setattr(
            sheets,
            "has_room",
            lambda sheet: sum("To book" in note.en for step in sheet.steps for note in step.notes) <= room,
        )
        with app.test_request_context("/en/"):
            roadmap = db_session().scalars(select(Roadmap)).one()
            sheet = build_handout(roadmap, resident=None, where=None)
            return sum("To book" in note.en for step in sheet.steps for note in step.notes)

    assert [said(room) for room in (0, 1, 2, 9)] == [0, 1, 2, len(steps)]


def test_who_gave_no_phone_is_asked_through_the_helper(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        soon(session, phone="", is_online=True, place_id=None)
    with app.test_request_context("/en/"):
        (note,) = learning.on_paper(["F1"], None)["F1"]
        assert note.en.startswith("With others, online:") and note.en.endswith("who gave you this paper.")
