"""A caseworker books training for somebody of their caseload."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import transaction
from inclusion_app.messages.models import Message
from inclusion_app.training.models import Booking
from tests.conftest import StaffBrowser
from tests.factories.training import make_booking, make_course, make_session
from tests.people.world import NAME, looked_after, rows_of

FACTS = {
    "label": "Amina",
    "companions": "0",
    "needs": ["quiet"],
    "note": "",
    "waiting_mode": "book_me",
    "consent": "y",
}


@pytest.fixture
def worker(staff_browser: Callable[..., StaffBrowser]) -> StaffBrowser:
    return staff_browser("caseworker")


def two_sessions(app: Flask) -> tuple[int, int]:
    """One to book and a draft of another provider."""
    with app.app_context(), transaction() as session:
        shown = make_session(session)
        course = make_course(session, organisation_id=shown.organisation_id, title="Hidden course")
        return shown.id, make_session(session, course=course, status="draft").id


def send(worker: StaffBrowser, path: str, times: int = 1, **data: Any) -> Any:
    page = worker.text(path)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    answers = [worker.client.post(path, data={**hidden, **FACTS, **data}) for _press in range(times)]
    return answers[-1]


def test_the_page_of_a_person_leads_here_for_whom_it_is_open(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    assert f'href="/staff/people/{number}/book"' in worker.text(f"/staff/people/{number}")


def test_a_session_is_found_and_booked_once(app: Flask, worker: StaffBrowser) -> None:
    shown, draft = two_sessions(app)
    number = looked_after(app, worker)
    here = f"/staff/people/{number}/book"
    page = worker.text(here)
    assert NAME in page and "First steps" in page and "Hidden course" not in page
    assert "No session fits." in worker.text(f"{here}?text=pottery")
    assert "First steps" in worker.text(f"{here}?session={draft}")
    assert [row[:1] + row[2:4] for row in rows_of(app, number)][-1] == (
        "read training.book_for_resident",
        number,
        "identity",
    )
    answer = send(worker, f"{here}?session={shown}", times=2)
    assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        booking = session.scalars(select(Booking)).one()
        assert (booking.status, booking.resident_id, booking.contact_kind, booking.contact, booking.label) == (
            "booked", number, "record", None, "Amina",
        )  # fmt: skip
        assert (booking.staff_id, booking.organisation_id) == (worker.staff_id, worker.organisation_id)
        message = session.scalars(select(Message).where(Message.template == "training_booked")).one()
        assert message.resident_id == number
    assert ("book for a person", worker.staff_id, number, "identity needs", "help") in rows_of(app, number)


def test_the_person_goes_home_with_code_and_slip(
    app: Flask, worker: StaffBrowser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    shown, _draft = two_sessions(app)
    looked_after(app, worker)  # so that no booking has the number of its person
    number = looked_after(app, worker, read="ur")
    answer = send(worker, f"/staff/people/{number}/book?session={shown}")
    page = worker.text(answer.location)
    with app.app_context(), transaction() as session:
        booking = session.scalars(select(Booking)).one()
        code, row = booking.code, booking.id
        words = " ".join(code_to_words(code))
    assert f'href="/ur/book/{code}/slip.pdf"' in page
    assert show_code(code) in page and words in page
    assert rows_of(app, number)[-1][:4:2] == ("read training.booked_for_resident", number)
    theirs = worker.client.get(f"/ur/book/{code}/print")
    assert theirs.status_code == 200 and 'lang="ur"' in theirs.text
    # Whoever did not book it, and another person's page, know nothing of the code; nor do I a quarter of an hour later.
    colleague = staff_browser("caseworker")
    other = looked_after(app, worker)
    assert colleague.get(answer.location).status_code == 404
    assert worker.get(f"/staff/people/{other}/booked/{row}").status_code == 404
    with app.app_context(), transaction() as session:
        session.get_one(Booking, row).made_at -= timedelta(minutes=16)
    assert worker.get(answer.location).status_code == 404


def test_what_is_full_says_so_before_it_is_chosen(app: Flask, worker: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1)
        make_booking(session, training)
        make_session(session, booked_as="undated", days=[])
        number = training.id
    here = f"/staff/people/{looked_after(app, worker)}/book"
    page = worker.text(here)
    assert page.index("You can join the waiting list") < page.index("No date yet. Say that you would come.")
    assert "You can join the waiting list" in worker.text(f"{here}?session={number}")


def test_nobody_is_booked_without_their_yes(app: Flask, worker: StaffBrowser) -> None:
    shown, _draft = two_sessions(app)
    here = f"/staff/people/{looked_after(app, worker)}/book?session={shown}"
    answer = send(worker, here, consent="", note="by the window")
    assert (
        answer.status_code == 422
        and "only when they say yes" in answer.text
        and "by the window" in answer.text
    )
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Booking)).all() == []


def test_a_child_needs_an_adult_to_reach(app: Flask, worker: StaffBrowser) -> None:
    shown, _draft = two_sessions(app)
    number = looked_after(app, worker, age_band="under_13")
    answer = send(worker, f"/staff/people/{number}/book?session={shown}")
    assert answer.status_code == 422 and "Under 13?" in answer.text


def test_somebody_elses_person_answers_like_none(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, None)
    answers = [worker.get(f"/staff/people/{each}/book") for each in (number, 999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    signs = r'name="csrf_token" value="[^"]+"|signed in until [0-9:]+|data-ends="[^"]+"'
    assert re.sub(signs, "", answers[0].text) == re.sub(signs, "", answers[1].text)


def test_an_organiser_does_not_reach_a_caseload(
    app: Flask, staff_browser: Callable[..., StaffBrowser], worker: StaffBrowser
) -> None:
    number = looked_after(app, worker)
    assert staff_browser("training_organiser").get(f"/staff/people/{number}/book").status_code == 403
