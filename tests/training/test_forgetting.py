"""What is kept of a booking is said, given out, and goes: with its person, and when its time is over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app import cli
from inclusion_app.core import registry
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message
from inclusion_app.people import services as people
from inclusion_app.people.models import GivenCode, Resident
from inclusion_app.training import protections
from inclusion_app.training.models import (
    Arrangement,
    Booking,
    BookingDate,
    Credential,
    Occurrence,
    Opinion,
    TrainingSession,
    WalkIn,
)
from inclusion_app.training.services import bookings, forgetting
from tests.core.test_backup import folder, run
from tests.factories.people import make_person
from tests.factories.training import make_booking, make_session

FULL: dict[str, Any] = {
    "label": "Amina with the blue bag", "needs": {"codes": ["bsl"], "note": "near the door"},
    "contact_kind": "sms", "contact": "+447700900123", "contact_of": "helper", "contact_name": "Bea",
}  # fmt: skip
TYPED = ("Amina with the blue bag", "near the door", "+447700900123", "Bea")


def certificate(session: Session, **facts: Any) -> None:
    number = session.scalar(select(func.count()).select_from(Credential)) or 0
    session.add(
        Credential(id=f"certificate-{number}", kind="attendance", issued_at=now(), signed="a.b.c", **facts)
    )
    session.flush()


def walk_in(session: Session, training: TrainingSession, **facts: Any) -> None:
    date = session.scalars(select(Occurrence.id).where(Occurrence.session_id == training.id)).first()
    key = str(session.scalar(select(func.count()).select_from(WalkIn)))
    session.add(
        WalkIn(
            **{
                "occurrence_id": date,
                "label": "Came late, Dodi",
                "marked_at": now(),
                "form_key": key,
                **facts,
            }
        )
    )
    session.flush()


def count(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def room_of(session: Session) -> registry.Holding:
    return next(holding for holding in registry.holdings() if holding.name == "training")


def test_a_person_reads_and_takes_along_what_is_held(app: Flask) -> None:
    with app.test_request_context("/en/"), transaction() as session:
        training = make_session(session)
        person, other = make_person(session), make_person(session)
        booking = make_booking(session, training, resident_id=person.id, **FULL)
        make_booking(session, training, label="Somebody else", resident_id=other.id)
        walk_in(session, training, resident_id=person.id)
        certificate(session, booking_id=booking.id)
        held = room_of(session)
        said = " ".join(f"{fact.label} {fact.value}" for fact in held.describe(session, person.id))
        given = str(held.export(session, person.id))
        for words in (*TYPED, "Came late, Dodi"):
            assert words in said and words in given, words
        assert "Certificate" in said or "certificate" in said
        assert "First steps" in said and "a.b.c" in given
        assert "Somebody else" not in said + given
        # The code opens the booking for whoever reads the file.
        assert booking.code not in said + given


def test_who_is_deleted_frees_their_place_for_who_waits(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1)
        person = make_person(session)
        booking = make_booking(session, training, resident_id=person.id, **FULL)
        waits = make_booking(session, training, label="Next")
        walk_in(session, training, resident_id=person.id)
        certificate(session, booking_id=booking.id)
        certificate(session, resident_id=person.id)
        number, code_hash, next_id, person_id = booking.id, booking.code_hash, waits.id, person.id
        assert count(session, Message) == 1 and waits.status == "waitlisted"
    with app.app_context(), transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, person_id), now=now())
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Booking.id)).all() == [next_id]
        assert session.get_one(Booking, next_id).status == "booked"
        assert session.scalars(select(Occurrence.taken)).all() == [1]
        for model in (Credential, WalkIn, Arrangement):
            assert count(session, model) == 0, model
        assert session.get(GivenCode, code_hash) is None
        told = session.scalars(select(Message).where(Message.about == f"booking {number}")).one()
        assert (told.to, told.to_name, told.params) == (None, None, None)
        left = select(func.count()).select_from(StatusChange).where(StatusChange.booking_id == number)
        assert session.scalar(left) == 0


def past(app: Flask, *, days: int, **facts: Any) -> int:
    """A booking whose only date was so many days ago."""
    with app.app_context(), transaction() as session:
        training = make_session(session)
        booking = make_booking(session, training, **facts)
        back(session, training, days)
        booking.made_at = now() - timedelta(days=days + 5)
        return booking.id


def back(session: Session, training: TrainingSession, days: int) -> None:
    for date in session.scalars(select(Occurrence).where(Occurrence.session_id == training.id)):
        date.day = today() - timedelta(days=days)
        date.starts_at, date.ends_at = (
            now() - timedelta(days=days),
            now() - timedelta(days=days) + timedelta(hours=2),
        )
    session.flush()


def test_three_months_after_the_last_date_nobody_can_be_reached(app: Flask) -> None:
    old, young = past(app, days=94, **FULL), past(app, days=90, **FULL)
    with app.app_context(), transaction() as session:
        training = session.get_one(Booking, old).session
        walk_in(session, training)
        code_hash = session.get_one(Booking, old).code_hash
    code, said = run(app, "retention", "run")
    assert code == 0 and "deleted 1 ways to reach who booked" in said, said
    with app.app_context(), transaction() as session:
        gone, stays = session.get_one(Booking, old), session.get_one(Booking, young)
        assert (gone.label, gone.needs, gone.contact, gone.contact_name, gone.code) == (
            None,
            None,
            None,
            None,
            "",
        )
        assert gone.forgotten_at is not None and stays.forgotten_at is None
        assert (
            gone.status == "booked" and len(gone.dates) == 1
        )  # that somebody had a place stays for the figures
        assert gone.arrangements == [] and len(stays.arrangements) == 1
        assert session.get(GivenCode, code_hash) is None and stays.label == FULL["label"]
        assert session.scalars(select(WalkIn.label)).all() == [None]
        told = session.scalars(select(Message).where(Message.about == f"booking {old}")).one()
        assert told.to is None
    assert "deleted 0 ways to reach who booked" in run(app, "retention", "run")[1]


def test_a_course_is_forgotten_after_its_last_date_only(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=10), today() + timedelta(days=11)]
        training = make_session(session, booked_as="course", days=days)
        booking = make_booking(session, training, **FULL)
        first = session.scalars(select(Occurrence).where(Occurrence.session_id == training.id)).first()
        assert first is not None
        first.ends_at = now() - timedelta(days=200)
        booking.made_at = now() - timedelta(days=300)
        session.flush()
        assert forgetting.forget_contacts(session, now=now()) == 0


@pytest.mark.parametrize(("days", "left"), [(760, 1), (763, 0)])
def test_after_25_months_the_booking_goes_and_the_sums_stay(app: Flask, days: int, left: int) -> None:
    number = past(app, days=days, **FULL)
    with app.app_context(), transaction() as session:
        training = session.get_one(Booking, number).session
        walk_in(session, training)
        session.add(Opinion(session_id=training.id, helped="yes"))
        certificate(session, booking_id=number)
    assert f"deleted {1 - left} bookings" in run(app, "retention", "run")[1]
    with app.app_context(), transaction() as session:
        assert [count(session, model) for model in (Booking, BookingDate, WalkIn)] == [left] * 3
        assert count(session, Opinion) == count(session, Credential) == 1
        assert session.scalars(select(Occurrence.taken)).all() == [1]


@pytest.mark.parametrize(("days", "left"), [(395, 1), (397, 0)])
def test_a_request_without_a_date_is_kept_for_13_months(app: Flask, days: int, left: int) -> None:
    with app.app_context(), transaction() as session:
        booking = make_booking(session, make_session(session, booked_as="undated", place_id=None), **FULL)
        booking.made_at = now() - timedelta(days=days)
        assert booking.status == "requested"
    assert f"deleted {1 - left} requests without a date" in run(app, "retention", "run")[1]
    with app.app_context(), transaction() as session:
        assert count(session, Booking) == left
        assert count(session, GivenCode) == left
        if left:
            assert session.scalars(select(Booking)).one().contact == FULL["contact"]


# --- after a restore


def test_a_booking_that_was_cancelled_or_forgotten_since_the_backup_stays_so(
    app: Flask, tmp_path: Path
) -> None:
    file = tmp_path / "monday.backup"
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=10), today() + timedelta(days=11)]
        training = make_session(session, booked_as="series", capacity=1, days=days)
        one = session.scalars(select(Occurrence.id).where(Occurrence.session_id == training.id)).all()
        both = make_booking(session, training, occurrence_ids=one, **FULL).id
        other = make_session(session, capacity=1)
        single, waits = (
            make_booking(session, other, **FULL).id,
            make_booking(session, other, label="Waits").id,
        )
        stays = make_booking(session, make_session(session)).id
    over = past(app, days=5, **FULL)
    assert run(app, "backup", str(file))[0] == 0
    with app.app_context(), transaction() as session:
        assert bookings.cancel(session, booking_id=single, by="learner", now=now())
        assert bookings.cancel_date(session, booking_id=both, occurrence_id=one[0], by="learner", now=now())
        assert forgetting.forget(session, [over], now=now()) == 1
    with app.app_context():
        cli._remember_protections(folder(app))
        assert "Amina" not in (folder(app) / "protections").read_text()
    code, said = run(app, "restore", str(file), "--yes")
    assert code == 0 and "3 bookings" in said, said
    with app.app_context(), transaction() as session:
        assert session.get_one(Booking, single).status == "cancelled"
        assert session.get_one(Booking, waits).status == "booked"
        assert {date.occurrence_id: date.status for date in session.get_one(Booking, both).dates} == {
            one[0]: "cancelled",
            one[1]: "on",
        }
        assert session.get_one(Booking, over).contact is None
        assert session.get_one(Booking, stays).status == "booked"
        assert sorted(session.scalars(select(Occurrence.taken))) == [0, 1, 1, 1, 1]


def test_another_booking_with_the_same_number_is_left_alone(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        booking = make_booking(session, make_session(session), **FULL)
        line = (booking.id, (booking.made_at - timedelta(days=1)).isoformat(), now().isoformat())
        facts: Any = {protections.ENDED: [line], protections.FORGOTTEN: [line]}
        assert protections.put_back(session, facts=facts, now=now()) == 0
        assert booking.status == "booked" and booking.contact


def test_lines_go_when_no_backup_is_so_old(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        old = (1, now().isoformat(), (now() - timedelta(days=93)).isoformat())
        fresh = (2, now().isoformat(), (now() - timedelta(days=91)).isoformat())
        facts = protections.facts_of(session, {protections.ENDED: [old, fresh]}, now=now())
        assert facts[protections.ENDED] == [fresh]
