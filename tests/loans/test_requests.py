"""Asking for a device and taking it back: once by its form, with its points, its code and its yes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.loans.models import LoanOffer, LoanRequest, RequestAnswers
from inclusion_app.loans.rules import MOST_AT_ONCE, POINTS
from inclusion_app.loans.services import requests
from inclusion_app.loans.services.requests import Asked
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Consent, GivenCode
from inclusion_app.people.rules import NOT_AN_ANSWER
from tests.factories.accounts import make_staff
from tests.factories.loans import make_model, make_request, make_scheme, make_unit
from tests.factories.people import make_person


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """One transaction on a fresh database."""
    with app.app_context(), transaction() as session:
        yield session


def asked(model_id: int, **more: Any) -> Asked:
    """A form somebody sent."""
    usual = {"form_key": "key", "language": "ur", "purposes": ["work", "learn"], "settings": ["large_text"]}
    return Asked(model_id=model_id, **{**usual, **more})


def test_a_request_stands_with_its_points_its_code_and_its_consent(session: Session) -> None:
    model, person = make_model(session), make_person(session, ward="E05011355")
    answers = {"no_device": True, "deadline": False, "unsafe": True}
    made = requests.ask(
        session, resident_id=person.id, asked=asked(model.id, answers=answers, wants_data=True), now=now()
    )
    assert made.status == "submitted"
    assert made.points == POINTS["no_device"] + POINTS["unsafe"]
    assert (made.purposes, made.settings, made.ward, made.wants_data) == (
        "learn work",
        "large_text",
        "E05011355",
        True,
    )
    assert session.scalar(select(GivenCode.kind).where(GivenCode.code_hash == made.code_hash)) == "loan"
    assert session.get_one(RequestAnswers, made.id).answers == answers
    consent = session.scalars(select(Consent).where(Consent.resident_id == person.id)).one()
    assert (consent.purpose, consent.how, {one.item for one in consent.items}) == (
        "device",
        "screen",
        {"identity", "contact"},
    )
    moves = session.scalars(select(StatusChange.after).where(StatusChange.loan_request_id == made.id)).all()
    assert moves == ["submitted"]


def test_the_points_are_those_of_the_scheme(session: Session) -> None:
    scheme = make_scheme(session, points={"no_device": 3})
    model, person = make_model(session, scheme=scheme), make_person(session)
    answers = {"no_device": True, "deadline": True}
    made = requests.ask(session, resident_id=person.id, asked=asked(model.id, answers=answers), now=now())
    assert made.points == 3


def test_a_form_sent_twice_asks_once(session: Session) -> None:
    model, other, person = make_model(session), make_model(session), make_person(session)
    first = requests.ask(session, resident_id=person.id, asked=asked(model.id), now=now())
    again = requests.ask(session, resident_id=person.id, asked=asked(model.id), now=now())
    assert first.id == again.id
    assert session.scalar(select(func.count()).select_from(Consent)) == 1
    with pytest.raises(RuleBroken) as broken:
        requests.ask(session, resident_id=person.id, asked=asked(other.id), now=now())
    assert broken.value.message == requests.SENT_BEFORE
    # The same key from somebody else is another request, and shows nothing of the first.
    elsewhere = requests.ask(session, resident_id=make_person(session).id, asked=asked(model.id), now=now())
    assert elsewhere.id != first.id


def test_two_presses_at_once_ask_once(service_on_both: Flask) -> None:
    with service_on_both.app_context(), transaction() as session:
        model_id, person_id = make_model(session).id, make_person(session).id
    ready, found = threading.Barrier(6), []

    def press() -> None:
        with service_on_both.app_context():
            ready.wait(30)
            with transaction() as session:
                made = requests.ask(session, resident_id=person_id, asked=asked(model_id), now=now())
                found.append(made.id)

    crowd = [threading.Thread(target=press) for _ in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    with service_on_both.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(LoanRequest)) == 1
        assert session.scalar(select(func.count()).where(GivenCode.kind == "loan")) == 1


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"purposes": ["fun"]}, "purposes"),
        ({"settings": ["gold"]}, "settings"),
        ({"whom": "cat"}, "whom"),
        ({"answers": {"rich": True}}, "answers"),
        ({"consent_wording": "1999-01"}, "consent"),
        ({"consent_how": "paper"}, "consent"),
        ({"place_id": 987654}, "place"),
    ],
)
def test_an_answer_that_is_none_is_refused(session: Session, wrong: dict[str, Any], where: str) -> None:
    model, person = make_model(session), make_person(session)
    with pytest.raises(RuleBroken) as broken:
        requests.ask(session, resident_id=person.id, asked=asked(model.id, **wrong), now=now())
    assert (broken.value.message, broken.value.field) == (NOT_AN_ANSWER, where)
    assert session.scalar(select(func.count()).select_from(LoanRequest)) == 0


def test_what_is_not_lent_cannot_be_asked_for(session: Session) -> None:
    person = make_person(session)
    gone = make_model(session, is_offered=False)
    closed = make_model(session, scheme=make_scheme(session, is_open=False))
    for model_id in (gone.id, closed.id, 999_999):
        with pytest.raises(RuleBroken) as broken:
            requests.ask(session, resident_id=person.id, asked=asked(model_id), now=now())
        assert broken.value.message == requests.NOT_LENT


def test_nobody_fills_the_queue_alone(session: Session) -> None:
    model, person = make_model(session), make_person(session)
    for number in range(MOST_AT_ONCE):
        requests.ask(session, resident_id=person.id, asked=asked(model.id, form_key=f"{number}"), now=now())
    with pytest.raises(RuleBroken) as broken:
        requests.ask(session, resident_id=person.id, asked=asked(model.id, form_key="more"), now=now())
    assert broken.value.message == requests.ENOUGH_ASKED
    # Whoever asks for somebody reads it of them.
    with pytest.raises(RuleBroken) as broken:
        requests.ask(
            session, resident_id=person.id, now=now(), staff_id=1,
            asked=asked(model.id, form_key="staff more", consent_how="spoken"),
        )  # fmt: skip
    assert broken.value.message.startswith("They have asked for")


def test_staff_ask_with_a_spoken_yes(session: Session) -> None:
    model, person = make_model(session), make_person(session)
    staff = make_staff(session, organisation_id=model.organisation_id, roles=("caseworker",))
    made = requests.ask(
        session, resident_id=person.id, asked=asked(model.id, consent_how="spoken"), staff_id=staff.id,
        referrer_id=model.organisation_id, now=now(),
    )  # fmt: skip
    assert (made.staff_id, made.referrer_id, made.consent_how) == (staff.id, model.organisation_id, "spoken")
    assert session.scalars(select(Consent.told_staff_id)).one() == staff.id


def test_they_are_told_by_their_own_way_only(session: Session) -> None:
    model, person = make_model(session), make_person(session)
    requests.ask(session, resident_id=person.id, asked=asked(model.id), now=now())
    assert session.scalar(select(func.count()).select_from(Message)) in {0, 1}


def test_withdrawing_frees_what_was_kept_and_is_done_once(session: Session) -> None:
    unit = make_unit(session)
    request = make_request(session, model=unit.model, status="offered")
    offer = LoanOffer(
        request_id=request.id,
        unit_id=unit.id,
        state="accepted",
        made_at=now(),
        ends_at=now(),
        address="1 Road",
    )
    session.add(offer)
    session.flush()
    requests.withdraw(session, request=request, actor="resident", now=now())
    requests.withdraw(session, request=request, actor="resident", now=now())
    session.refresh(offer)
    assert (request.status, offer.state, offer.address) == ("withdrawn", "taken_back", None)
    assert session.scalar(select(func.count()).where(StatusChange.loan_request_id == request.id)) == 1


def test_what_is_out_is_not_withdrawn(session: Session) -> None:
    request = make_request(session, status="fulfilled", ended_at=now())
    with pytest.raises(RuleBroken):
        requests.withdraw(session, request=request, actor="resident", now=now())
