"""Who keeps a booking with a plan is told by the way they chose there: their caseworker, a letter, or a phone."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.db import transaction
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.people.models import Resident
from inclusion_app.training.models import Booking
from inclusion_app.training.services import bookings, telling
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, put_on_caseload
from tests.messages.conftest import configure, reachable
from tests.training.desk import BY_SMS, DAY, NOW, booked, session_of


def helped(session: Session, *routes: str, **facts: object) -> tuple[Resident, int]:
    """Somebody on a caseload, who shares their contact with the organisation that helps them and with nobody else."""
    person, organisation = reachable(session, *routes, **facts), make_organisation(session).id
    worker = make_staff(session, organisation_id=organisation)
    put_on_caseload(session, resident_id=person.id, staff_id=worker.id, organisation_id=organisation)
    make_consent(session, resident_id=person.id, organisation_id=organisation)
    return person, organisation


def of_plan(session: Session, person: Resident, **facts: object) -> Booking:
    return booked(session, session_of(session), contact_kind="record", resident_id=person.id, **facts)


def test_a_caseworker_or_a_letter_of_who_helps_tells_them(app: Flask) -> None:
    for kind in ("caseworker", "letter", "call"):
        with app.app_context(), transaction() as session:
            person, organisation = helped(session, kind)
            booking = of_plan(session, person)
            (message,) = session.scalars(select(Message).where(Message.about == f"booking {booking.id}"))
            assert (message.state, message.organisation_id) == ("waiting", organisation)
            assert session.scalars(
                select(TrayItem.organisation_id).where(TrayItem.message_id == message.id)
            ).all() == [organisation]
            assert telling.can_be_told(booking)


def test_who_has_no_way_in_their_plan_is_not_said_to_be_told(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        person, _organisation = helped(session)
        assert not telling.can_be_told(of_plan(session, person))


def test_an_offer_gives_a_letter_and_a_caseworker_their_days(app: Flask) -> None:
    for kind, days in (("sms", 1), ("letter", 7), ("caseworker", 7)):
        configure(app, sms="https://example.org/sms", sms_token="t")
        with app.app_context(), transaction() as session:
            person, _organisation = helped(session, kind)
            training = session_of(session, 1)
            first = booked(session, training, **BY_SMS)
            waits = booked(
                session, training, contact_kind="record", resident_id=person.id, waiting_mode="ask_me"
            )
            assert bookings.cancel(session, booking_id=first.id, by="learner", now=NOW)
            assert waits.status == "offered"
            assert waits.offer_ends_at is not None
            assert waits.offer_ends_at >= NOW + days * DAY


def test_a_text_message_names_no_service_to_who_asked_for_that_in_their_plan(app: Flask) -> None:
    configure(app, sms="https://example.org/sms", sms_token="t")
    with app.app_context(), transaction() as session:
        person, _organisation = helped(session, "sms", safe_contact={"no_service_name": True})
        booking = of_plan(session, person)
        (message,) = session.scalars(select(Message).where(Message.about == f"booking {booking.id}"))
        assert (message.state, message.channel, set(message.params or ())) == ("waiting", "sms", {"when"})


def test_however_many_help_them_as_much_is_asked_as_for_one(app: Flask, statements: list[str]) -> None:
    asked = []
    with app.app_context(), transaction() as session:
        person, _organisation = helped(session, "letter")
        booking = of_plan(session, person)
        for _more in range(3):
            organisation = make_organisation(session).id
            worker = make_staff(session, organisation_id=organisation)
            put_on_caseload(session, resident_id=person.id, staff_id=worker.id, organisation_id=organisation)
            statements.clear()
            assert telling.own_way(session, booking, NOW).route is not None
            asked.append(len(statements))
    assert len(set(asked)) == 1
