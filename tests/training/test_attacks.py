"""Who means harm: books the city empty, guesses codes from many networks, takes a paper that was left on a table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Text, func, select
from sqlalchemy.dialects import postgresql

from inclusion_app.core import attempts
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.codes import new_code
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import transaction
from inclusion_app.training import holding
from inclusion_app.training.models import Booking, BookingDate, Credential, Notice, WalkIn
from inclusion_app.training.services import bookings, credentials, forgetting, keeping
from tests.conftest import Browser, StaffBrowser
from tests.factories.people import make_person
from tests.factories.training import make_booking, make_session
from tests.training.test_register import Date

Staff = Callable[..., StaffBrowser]
BELOW_A_BOOKING = ("", "/print", "/slip.pdf", "/certificate", "/certificate.pdf", "/question", ".ics")


def made(app: Flask, **facts: Any) -> tuple[str, int]:
    """A booking; its code and number."""
    with app.app_context(), transaction() as session:
        booking = make_booking(session, make_session(session), **facts)
        return booking.code, booking.id


# --- all places of the city from one network


def test_one_network_does_not_book_all_places_of_the_city(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        slug = make_session(session, capacity=200, party_size=6).slug
    for _press in range(attempts.BOOKING_NETWORK.tries // 6):
        assert browser.send(f"/training/{slug}", who="group", places="6").status_code == 303
    answer = browser.send(f"/training/{slug}", who="group", places="6")
    assert answer.status_code == 422
    assert bookings.TOO_MANY_HERE in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.sum(Booking.places))) == attempts.BOOKING_NETWORK.tries


# --- a paper that was left on a table


FOUND: dict[str, Any] = {
    "label": "Amina", "contact_kind": "sms", "contact": "+447700900123", "contact_of": "helper", "contact_name": "Bea",
    "needs": {"codes": ["bsl"], "note": "my leg"},
}  # fmt: skip


def test_who_found_a_code_reads_nothing_typed_by_putting_it_into_their_own_plan(app: Flask) -> None:
    _code, number = made(app, **FOUND)
    with app.test_request_context("/en/my-record"), transaction() as session:
        finder = make_person(session).id
        assert keeping.put_into_plan(session, booking_id=number, resident_id=finder, now=now())
        session.expire_all()
        said = " ".join(str(fact.value) for fact in holding.describe(session, finder))
        handed_on = str(holding.export(session, finder)["bookings"])
    for secret in ("Amina", "900123", "Bea", "my leg", "bsl", "British Sign Language"):
        assert secret not in said, secret
        assert secret not in handed_on, secret
    assert "First steps" in said
    assert holding.TYPED_BEFORE in said


def test_who_booked_with_their_plan_open_reads_what_they_typed(app: Flask) -> None:
    with app.test_request_context("/en/my-record"), transaction() as session:
        person = make_person(session).id
        make_booking(session, make_session(session), resident_id=person, **FOUND)
        said = " ".join(str(fact.value) for fact in holding.describe(session, person))
    for known in ("Amina", "900123", "Bea", "my leg"):
        assert known in said


# --- codes


@pytest.mark.parametrize("below", BELOW_A_BOOKING)
def test_every_door_of_a_code_counts_for_the_whole_city(app: Flask, browser: Browser, below: str) -> None:
    """Guesses from many networks stop at the city's own limit, whichever page they are tried at."""
    assert browser.get(f"/book/{new_code()}{below}").status_code == 404
    with app.app_context(), transaction() as session:
        everybody = keyed_hash("attempt-network", "all")
        left = attempts.tries_left(session, key_hash=everybody, limit=attempts.CODE_ALL)
    assert left == attempts.CODE_ALL.tries - 1


@pytest.mark.parametrize("below", BELOW_A_BOOKING)
def test_every_page_of_a_kept_booking_notes_once_who_read_it(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    for view in ("slip_views", "credential_views"):
        monkeypatch.setattr(f"inclusion_app.training.{view}.pdf_answer", lambda _html, **_more: "paper")
    with app.app_context(), transaction() as session:
        person = make_person(session).id
        booking = make_booking(session, make_session(session), resident_id=person)
        code = booking.code
        if below.startswith("/certificate"):
            from inclusion_app.training.credential_views import this_issuer

            session.get_one(BookingDate, (booking.id, booking.dates[0].occurrence_id)).attendance = "attended"
            booking.dates[0].marked_at = now()
            session.flush()
            with app.test_request_context():
                credentials.certify_booking(session, booking=booking, issuer=this_issuer(), now=now())
    assert browser.get(f"/book/{code}{below}").status_code == 200
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action.startswith("read training."))).all()
        assert [(row.actor_kind, row.resident_id) for row in rows] == [("booking code", person)]


# --- a provider that wants to know what one person answered


def test_answers_typed_in_do_not_lift_one_answer_on_the_screen_over_the_least_sum(
    app: Flask, browser: Browser, staff_browser: Staff
) -> None:
    organiser = staff_browser("training_organiser")
    date = Date(app, organiser)
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    assert browser.send(f"/book/{date.codes[0]}/question", helped="no").status_code == 303
    path = f"/staff/training/dates/{date.id}/answers"
    assert organiser.send(path, **{"helped-no": "4"}).status_code == 303
    page = organiser.text("/staff/training/figures")
    assert "No: " not in page, "four of our own, and the fifth is somebody"
    assert organiser.send(path, **{"helped-no": "1"}).status_code == 303
    assert "No: 5 or more" in organiser.text("/staff/training/figures")
    assert organiser.send(path, **{"helped-no": "4"}).status_code == 303
    assert "No: 5 or more" in organiser.text("/staff/training/figures"), (
        "nine of our own, and one is somebody"
    )


# --- nothing may name the service


def test_the_table_to_phone_from_says_for_whom_nothing_may_name_the_service(
    app: Flask, staff_browser: Staff
) -> None:
    organiser = staff_browser("training_organiser")
    with app.app_context(), transaction() as session:
        training = make_session(session, organisation_id=organiser.organisation_id)
        for discreet in (True, False):
            make_booking(session, training, label=f"discreet {discreet}", contact_kind="call",
                         contact="+447700900123", is_discreet=discreet)  # fmt: skip
        number = training.id
    text = organiser.get(f"/staff/training/{number}/coming-with-contact.csv").get_data().decode("utf-8-sig")
    rows = {row["Called"]: row for row in csv.DictReader(io.StringIO(text))}
    assert "No message may name the service." in rows["discreet True"].values()
    assert "No message may name the service." not in rows["discreet False"].values()
    page = organiser.text(f"/staff/training/{number}")
    found = re.findall(r"discreet (True|False)</bdi>.*?</tr>", page, re.S)
    assert len(found) == 2
    assert page.count("No message may name the service.") == 1


# --- who changed something in whose plan


@pytest.mark.parametrize(
    ("button", "data", "action"),
    [("cancel", {}, "cancel booking"), ("offer", {"answer": "yes"}, "answer offer")],
)
def test_what_a_stranger_does_with_the_code_of_a_kept_booking_stands_in_the_record(
    app: Flask, browser: Browser, button: str, data: dict[str, str], action: str
) -> None:
    with app.app_context(), transaction() as session:
        person = make_person(session).id
        training = make_session(session, capacity=1)
        first = make_booking(session, training)
        kept = make_booking(session, training, resident_id=person, waiting_mode="ask_me", contact_kind="call",
                            contact="+447700900123")  # fmt: skip
        bookings.cancel(session, booking_id=first.id, by="learner", now=now())
        code, unkept = kept.code, first.code
    for _press in range(2):
        browser.send(f"/book/{code}/{button}", "/training", **data)
    browser.send(f"/book/{unkept}/cancel", "/training")
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == action)).all()
        # The second press changed nothing, and a booking nobody keeps is in nobody's record.
        assert [(row.actor_kind, row.resident_id) for row in rows] == [("booking code", person)]


# --- what no database takes


def test_a_null_byte_in_the_hidden_key_of_a_walk_in_reaches_no_database(
    app: Flask, staff_browser: Staff
) -> None:
    organiser = staff_browser("training_organiser")
    date = Date(app, organiser)
    answer = organiser.send(date.path, do="walk_attended", once="a\0b", label="7")
    assert answer.status_code == 303
    sheet = organiser.send(f"{date.path}/sheet", once="a\0b", walk_ins="2")
    assert sheet.status_code == 303
    with app.app_context(), transaction() as session:
        keys = session.scalars(select(WalkIn.form_key)).all()
    assert len(keys) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


def test_a_course_of_many_long_words_still_gives_a_certificate() -> None:
    """600 letters of four bytes each, signed, are longer than any length a column would say."""
    assert isinstance(Credential.__table__.c.signed.type, Text)


def test_who_makes_a_certificate_and_who_takes_the_mark_back_wait_for_each_other() -> None:
    """Else a mark that is taken back between the look and the certificate leaves one that is good for ever."""
    asked = str(credentials.came_to(7).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert asked.rstrip().endswith("FOR SHARE")


# --- what is kept too long


def test_words_an_organiser_typed_to_those_booked_go_when_they_are_forgotten(app: Flask) -> None:
    """In a hurry somebody writes who is ill. What was said goes three months after the last date."""
    with app.app_context(), transaction() as session:
        over = make_session(session, days=[today() - timedelta(days=95)])
        goes_on = make_session(session, booked_as="series",
                               days=[today() - timedelta(days=95), today() + timedelta(days=7)])  # fmt: skip
        undated = make_session(session, booked_as="undated")
        for training in (over, goes_on, undated):
            for ago in (100, 1):
                session.add(Notice(session_id=training.id, template="training_words", params={"words": "Bea is ill"},
                                   made_at=now() - timedelta(days=ago)))  # fmt: skip
        session.flush()
        forgetting.forget_contacts(session, now=now())
        left = session.scalars(select(Notice.session_id).order_by(Notice.id)).all()
        # What was said of a session that goes on, or yesterday, may still be read by whoever it was said to.
        assert left == [over.id, goes_on.id, goes_on.id, undated.id]
