"""Who is sent to training or to a device loan lands there; what comes to nothing comes back as a dated task, once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership
from inclusion_app.core import events
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import LoanRequest
from inclusion_app.loans.services import requests, requests_decide
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals.models import CaseTask
from inclusion_app.referrals.services.landing import look_for_another_way
from inclusion_app.training.models import Booking, TrainingSession
from inclusion_app.training.services import bookings, changes
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.loans import make_model, make_request, make_scheme
from tests.factories.people import make_consent, make_person
from tests.factories.training import make_booking, make_session
from tests.people.world import looked_after


class Sent:
    """Somebody of Red Door, and a resident who shares with it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.red = make_organisation(session, name="Red Door").id
        self.staff = make_staff(session, organisation_id=self.red, roles=("caseworker",)).id
        self.resident = make_person(session).id
        make_consent(session, resident_id=self.resident, organisation_id=self.red)

    def booking(self, **facts: object) -> Booking:
        """Booked on a session of another organisation, by who works at Red Door."""
        training = make_session(self.session, **facts)
        return make_booking(
            self.session, training, resident_id=self.resident, contact_kind="record", booked_for="other",
            staff_id=self.staff, organisation_id=self.red,
        )  # fmt: skip

    def request(self, **facts: object) -> LoanRequest:
        """Asked for at the scheme of another organisation."""
        return make_request(
            self.session, resident_id=self.resident, staff_id=self.staff, referrer_id=self.red, **facts
        )

    def tasks(self) -> list[CaseTask]:
        """What there is to do now."""
        return list(self.session.scalars(select(CaseTask).order_by(CaseTask.id)))


def test_a_session_that_is_called_off_makes_one_dated_task(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        booking = sent.booking()
        changes.cancel_session(session, training=booking.session, now=now())
        assert booking.status == "session_cancelled"
        task = sent.tasks()[0]
        assert (task.kind, task.key) == ("another_way", f"another_way booking {booking.id}")
        assert (task.organisation_id, task.owner_id, task.resident_id) == (
            sent.red,
            sent.staff,
            sent.resident,
        )
        assert task.words == f"Booking {booking.id} for a session came to nothing. Find them another one."
        assert today() < task.due_on <= today() + timedelta(days=14) and task.done_at is None
        # Said twice, it is one task; and a person's own "I cannot come" afterwards changes nothing.
        ended = events.RequestEnded(sent.resident, sent.red, sent.staff, "booking", booking.id, now())
        for _time in range(2):
            events.publish(session, ended)
        assert len(sent.tasks()) == 1


@pytest.mark.parametrize(("by", "count"), [("organiser", 1), ("learner", 0), ("helper", 0)])
def test_what_they_wished_themselves_makes_none(both_engines: Flask, by: str, count: int) -> None:
    with transaction() as session:
        sent = Sent(session)
        booking = sent.booking()
        assert bookings.cancel(session, booking_id=booking.id, by=by, now=now())
        assert not bookings.cancel(session, booking_id=booking.id, by=by, now=now())
        assert len(sent.tasks()) == count


def test_one_date_of_several_is_no_end(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        days = [today() + timedelta(days=count) for count in (10, 17)]
        booking = sent.booking(days=days, booked_as="course")
        date = booking.session.occurrences[0]
        changes.cancel_date(session, date=date, sequence=date.sequence, now=now())
        assert booking.status == "booked" and sent.tasks() == []


def test_a_booking_they_made_themselves_makes_none(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        booking = make_booking(
            session, make_session(session), resident_id=sent.resident, contact_kind="record"
        )
        changes.cancel_session(
            session, training=session.get_one(TrainingSession, booking.session_id), now=now()
        )
        assert sent.tasks() == []


def test_a_device_that_is_declined_or_not_answered_makes_one(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        scheme = make_scheme(session)
        model = make_model(session, scheme=scheme)
        declined = sent.request(model=model, status="submitted")
        requests_decide.decline(session, request=declined, reason="no_stock", staff_id=None, now=now())
        long_ago = now() - timedelta(days=200)
        asked = sent.request(model=model, status="need_info", made_at=long_ago, reason="still_wanted")
        assert requests_decide.expire_unanswered(session, now=now()) == 1
        found = {task.key: task for task in sent.tasks()}
        assert set(found) == {f"another_way loan request {one.id}" for one in (declined, asked)}
        assert all(task.owner_id == sent.staff for task in found.values())
        taken_back = sent.request(model=model, status="submitted")
        requests.withdraw(session, request=taken_back, actor="resident", now=now())
        assert len(sent.tasks()) == 2


def ended(sent: Sent) -> None:
    look_for_another_way(
        sent.session, events.RequestEnded(sent.resident, sent.red, sent.staff, "loan request", 7, now())
    )


def test_who_shares_nothing_any_more_is_not_followed(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        session.execute(update(Consent).values(withdrawn_at=now()))
        ended(sent)
        assert sent.tasks() == []
        make_consent(session, resident_id=sent.resident, organisation_id=sent.red, is_for_referral=True)
        ended(sent)
        assert sent.tasks() == []
        make_consent(session, resident_id=sent.resident, organisation_id=sent.red)
        session.add(Restriction(resident_id=sent.resident, organisation_id=sent.red, made_at=now()))
        session.flush()
        ended(sent)
        assert sent.tasks() == []


def test_the_task_of_who_left_is_the_organisations(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        session.execute(update(Membership).where(Membership.staff_id == sent.staff).values(until_at=now()))
        ended(sent)
        assert [(task.owner_id, task.organisation_id) for task in sent.tasks()] == [(None, sent.red)]


def test_the_task_of_whom_they_keep_away_is_the_organisations(both_engines: Flask) -> None:
    with transaction() as session:
        sent = Sent(session)
        session.add(Restriction(resident_id=sent.resident, staff_id=sent.staff, made_at=now()))
        session.flush()
        ended(sent)
        assert [task.owner_id for task in sent.tasks()] == [None]


# --- on the pages


def hidden_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def test_an_organiser_reads_who_sent_them(app: Flask, staff_browser: Callable[..., StaffBrowser]) -> None:
    worker = staff_browser("caseworker")
    organiser = staff_browser("training_organiser", organisation="Green Hall")
    number = looked_after(app, worker)
    with app.app_context(), transaction() as session:
        training = make_session(session, organisation_id=organiser.organisation_id)
        make_booking(session, training, label="Own")
        training_id, date_id = training.id, training.occurrences[0].id
    path = f"/staff/people/{number}/book?session={training_id}"
    facts = {"label": "Amina", "companions": "0", "waiting_mode": "book_me", "consent": "y"}
    sent = worker.client.post(path, data={**hidden_of(worker.text(path)), **facts})
    assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        booking = session.scalars(select(Booking).where(Booking.resident_id == number)).one()
        assert (booking.staff_id, booking.organisation_id) == (worker.staff_id, worker.organisation_id)
        booking_id = booking.id
    for page in (f"/staff/training/{training_id}", f"/staff/training/dates/{date_id}"):
        text = organiser.text(page)
        assert text.count("Sent by") == 1 and "Red Door" in text, page
    text = organiser.text(f"/staff/training/bookings/{booking_id}")
    assert "Sent by" in text and "Red Door" in text
    # Who sent somebody is theirs to know; another organiser finds nothing there.
    other = staff_browser("training_organiser", organisation="Blue Door")
    assert other.get(f"/staff/training/bookings/{booking_id}").status_code == 404
    # The organiser calls it off: the sender has to find another way.
    text = organiser.text(f"/staff/training/bookings/{booking_id}")
    for _press in range(2):
        answer = organiser.client.post(f"/staff/training/bookings/{booking_id}/cancel", data=hidden_of(text))
        assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        task = session.scalars(select(CaseTask)).one()
        assert (task.owner_id, task.resident_id, task.kind) == (worker.staff_id, number, "another_way")


def test_a_coordinator_reads_in_the_list_who_sent_them(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker")
    coordinator = staff_browser("loan_coordinator", organisation="Green Loans")
    with app.app_context(), transaction() as session:
        model = make_model(session, scheme=make_scheme(session, organisation_id=coordinator.organisation_id))
        make_request(session, model=model, status="submitted")
        make_request(
            session,
            model=model,
            status="submitted",
            staff_id=worker.staff_id,
            referrer_id=worker.organisation_id,
        )
    text = coordinator.text("/staff/loans/requests")
    assert text.count("Sent by") == 1 and "Red Door" in text
