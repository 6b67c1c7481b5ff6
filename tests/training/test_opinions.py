"""One question after a session: asked once, answered by nobody in particular, read in sums of five and more."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.db import transaction
from inclusion_app.training import staff_figures_views
from inclusion_app.training.models import Booking, Opinion
from tests.conftest import Browser, StaffBrowser
from tests.training.test_register import Date, begin

Staff = Callable[..., StaffBrowser]


@pytest.fixture
def organiser(staff_browser: Staff) -> StaffBrowser:
    return staff_browser("training_organiser")


@pytest.fixture
def date(app: Flask, organiser: StaffBrowser) -> Date:
    return Date(app, organiser)


def test_whoever_came_is_asked_once_and_the_answer_names_nobody(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    path = f"/book/{date.codes[0]}/question"
    assert "We ask this when you have been there" in browser.text(path)
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text(path))[1]  # type: ignore[index]
    for _press in range(2):
        data = {"helped": "yes", "what_next": "harder", "csrf_token": token}
        assert browser.client.post(f"/en{path}", data=data).status_code == 303
    assert "We have your answer" in browser.text(path)
    with app.app_context(), transaction() as session:
        (row,) = session.scalars(select(Opinion)).all()
        assert (row.session_id, row.helped, row.what_next) == (date.session_id, "yes", "harder")
        asked = session.get_one(Booking, date.bookings[0]).asked_at
        assert asked is not None and (asked.minute, asked.second, asked.microsecond) == (0, 0, 0)
    # Nothing but the session, and whether the provider typed it in: no way back to a booking.
    kept = {"id", "session_id", "helped", "what_next", "on_paper"}
    assert set(Opinion.__table__.columns.keys()) == kept


@pytest.mark.parametrize(
    "data", [{}, {"helped": "very"}, {"helped": "yes", "what_next": "cake"}, {"helped": "\x00"}]
)
def test_a_wrong_answer_is_refused_at_its_field(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date, data: dict[str, str]
) -> None:
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    answer = browser.send(f"/book/{date.codes[0]}/question", **data)
    assert answer.status_code == 422 and "error-summary" in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Opinion)) is None


def test_who_was_not_there_is_not_asked(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    organiser.send(date.path, do="absent", booking=date.bookings[0])
    path = f"/book/{date.codes[0]}/question"
    assert browser.send(path, form_on="/finish", helped="yes").status_code == 422
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Opinion)) is None


# --- on paper


def answers(date: Date) -> str:
    return f"/staff/training/dates/{date.id}/answers"


def test_sums_of_paper_are_typed_in_once(app: Flask, organiser: StaffBrowser, date: Date) -> None:
    once = re.search(r'name="once" value="([^"]+)"', organiser.text(answers(date)))[1]  # type: ignore[index]
    for _press in range(2):
        typed = {"helped-yes": "٧", "helped-no": "1", "next-harder": "6"}
        assert organiser.send(answers(date), once=once, **typed).status_code == 303
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(Opinion)).all()
        assert len(rows) == 8 and sum(row.what_next == "harder" for row in rows) == 6


@pytest.mark.parametrize(
    "typed",
    [
        {"helped-yes": "-1"},
        {"helped-yes": "201"},
        {"helped-yes": "many"},
        {"helped-yes": "1", "next-more": "2"},
    ],
)
def test_sums_that_cannot_be_are_refused_and_kept_on_the_page(
    app: Flask, organiser: StaffBrowser, date: Date, typed: dict[str, str]
) -> None:
    answer = organiser.send(answers(date), **typed)
    assert answer.status_code == 422
    assert f'value="{typed["helped-yes"]}"' in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Opinion)) is None


# --- what the provider reads


def put(app: Flask, date: Date, **counts: int) -> None:
    with app.app_context(), transaction() as session:
        session.add_all(
            Opinion(session_id=date.session_id, helped=code)
            for code, count in counts.items()
            for _ in range(count)
        )


def test_fewer_than_five_answers_are_shown_to_nobody_nor_how_many_there_are(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    put(app, date, yes=4, no=4)
    assert "or more" not in organiser.text("/staff/training/figures")
    put(app, date, yes=3)
    page = organiser.text("/staff/training/figures")
    assert "Yes: 5 or more" in page and "No:" not in page
    for number in ("7 ", "11", "8 "):
        assert f"{number}or more" not in page


def test_the_figures_add_up_in_heads(
    app: Flask, organiser: StaffBrowser, staff_browser: Staff, date: Date
) -> None:
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    organiser.send(date.path, do="part", booking=date.bookings[1], came="3")
    organiser.send(date.path, do="excused", booking=date.bookings[2])
    organiser.send(date.path, do="walk_attended")
    answer = organiser.get("/staff/training/figures.csv")
    (row,) = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert {name: row[name] for name in row if name not in {"first date", "session"}} == {
        "dates": "1", "booked": "6", "came": "1", "came for part": "3", "did not come": "1",
        "said they could not": "1", "not marked": "0", "without a booking": "1", "share that came, per cent": "67",
        "answers (at least)": "", "wishes (at least)": "",
    }  # fmt: skip
    page = organiser.text("/staff/training/figures?months=1")
    assert "First steps" in page and "67 %" in page
    assert organiser.get("/staff/training/figures?months=x").status_code == 200
    blue = staff_browser("training_organiser", organisation="Blue Door")
    assert "First steps" not in blue.text("/staff/training/figures")
    assert staff_browser("front_desk").get("/staff/training/figures").status_code == 403
    assert blue.get(answers(date)).status_code == 404


def test_the_question_is_printed_for_a_date_in_a_language(
    app: Flask, organiser: StaffBrowser, date: Date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip of a long course in two languages has no room for it, and a walk-in has no slip."""
    drawn: list[str] = []
    monkeypatch.setattr(
        staff_figures_views, "pdf_answer", lambda html, **_more: drawn.append(html) or "paper"
    )
    assert organiser.send(answers(date), do="print", language="ur").status_code == 200
    assert 'lang="ur" dir="rtl"' in drawn[0] and "Did this help you?" in drawn[0]
    for private in ("Zarqa", *date.codes):
        assert private not in drawn[0]
    refused = organiser.send(answers(date), do="print", language="tlh")
    assert refused.status_code == 422 and len(drawn) == 1
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Opinion)) is None, "printing answers nothing"


def test_answers_are_typed_in_once_the_date_has_begun(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    assert "Keep these sums" in organiser.text(answers(date))
    begin(app, date.id, ago=timedelta(days=-1))
    page = organiser.text(answers(date))
    assert "Print the question" in page and "Keep these sums" not in page
    assert answers(date) in organiser.text(date.path)
