"""What a yes does not cover is read by nobody: broken glass, the person's own download, tasks and words after a withdrawal."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.people import caseload_services, my_record_services, request_services
from inclusion_app.people.models import Consent
from inclusion_app.referrals import holding, rules
from inclusion_app.referrals.models import CaseTask, Referral
from inclusion_app.referrals.services import machine
from inclusion_app.referrals.services.machine import Said
from tests.conftest import StaffBrowser
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import WHY, make_flag, make_task
from tests.factories.world import make_glass
from tests.people.world import code_of
from tests.referrals.cases import end_consents, note_of
from tests.referrals.paths import Doors
from tests.referrals.test_receive_pages import make_public


@pytest.fixture
def doors(app: Flask) -> Doors:
    return Doors(app)


def put(doors: Doors, number: int, *, by: StaffBrowser | None = None, **typed: object) -> int:
    """Put a referral of the public form on a record; the answer's status."""
    usual = {"resident": "0", "person": "", "items": ["identity"], "language": "en", "said_yes": "y"}
    return (by or doors.receiver).send(f"/staff/referrals/{number}/person", **{**usual, **typed}).status_code


def test_broken_glass_puts_nothing_on_a_record(doors: Doors, app: Flask) -> None:
    number = make_public(doors, app)
    with app.app_context(), transaction() as session:
        person = make_person(session, name="Afraid Person").id
        make_glass(
            session, resident_id=person, staff_id=doors.receiver.staff_id,
            organisation_id=doors.receiver.organisation_id, began_at=now() - timedelta(minutes=1),
        )  # fmt: skip
    assert doors.receiver.get(f"/staff/people/{person}").status_code == 200
    assert put(doors, number, person=code_of(app, person)) == 422
    with app.app_context(), reading() as session:
        assert session.get_one(Referral, number).resident_id is None
        assert session.scalars(select(Consent).where(Consent.resident_id == person)).all() == []


def test_a_lead_puts_it_on_the_record_of_whoever_shares_with_us(doors: Doors, app: Flask) -> None:
    number, lead = make_public(doors, app), doors.staff("safeguarding_lead", organisation="Blue Door")
    with app.app_context(), transaction() as session:
        person = make_person(session).id
        make_consent(session, resident_id=person, organisation_id=lead.organisation_id)
    assert put(doors, number, by=lead, person=code_of(app, person)) == 303


# --- what the person reads and downloads themself


def archive(app: Flask, resident_id: int, *, by: StaffBrowser | None = None) -> str:
    """All files of the person's own download, or (by an officer) of the one for a request by right."""
    with app.test_request_context("/en/"), transaction() as session:
        if by is None:
            made = my_record_services.bundle(session, resident_id, now=now())
        else:
            officer = Principal("staff", staff_id=by.staff_id, organisation_id=by.organisation_id,
                                roles=frozenset({"data_protection"}))  # fmt: skip
            made = request_services.bundle(session, principal=officer, resident_id=resident_id, now=now())
        with zipfile.ZipFile(io.BytesIO(made)) as files:
            return "".join(files.read(name).decode() for name in files.namelist())


def test_what_a_service_types_when_it_says_no_is_not_for_the_record(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    said = Said(reason="not_safe", words="We fear her son.")
    with app.app_context(), transaction() as session:
        machine.act(session, referral=session.get_one(Referral, number), actor=rules.RECEIVER, action="decline",
                    staff_id=doors.receiver.staff_id, now=now(), said=said)  # fmt: skip
    with app.test_request_context("/en/"), transaction() as session:
        read = [fact.value for fact in holding.describe(session, doors.resident_id)]
    assert WHY in read and said.words not in read
    own = archive(app, doors.resident_id)
    assert WHY in own and said.words not in own
    assert said.words in archive(app, doors.resident_id, by=doors.sender)


def test_the_own_download_leaves_out_what_only_an_officer_gives_out(doors: Doors, app: Flask) -> None:
    note_of(app, doors.resident_id, doors.sender, words="For us alone.", is_shareable=False)
    note_of(app, doors.resident_id, doors.sender, words="For them too.", is_shareable=True)
    with app.app_context(), transaction() as session:
        make_task(session, organisation_id=doors.sender.organisation_id, owner_id=doors.sender.staff_id,
                  resident_id=doors.resident_id, words="Ask about the husband")  # fmt: skip
    own = archive(app, doors.resident_id)
    assert "For them too." in own
    assert "For us alone." not in own and "Ask about the husband" not in own
    whole = archive(app, doors.resident_id, by=doors.sender)
    assert "For them too." in whole and "For us alone." in whole and "Ask about the husband" in whole


# --- after a withdrawal


def ask_about(doors: Doors, app: Flask, **facts: object) -> int:
    """A task of the sender about the person; its number."""
    usual = {
        "owner_id": doors.sender.staff_id,
        "resident_id": doors.resident_id,
        "words": "Ask about the husband",
    }
    with app.app_context(), transaction() as session:
        return make_task(session, organisation_id=doors.sender.organisation_id, **{**usual, **facts}).id


def test_a_task_says_its_words_only_while_the_name_is_shared(doors: Doors, app: Flask) -> None:
    number = ask_about(doors, app)
    for path in ("/staff/caseload", f"/staff/tasks/{number}", f"/staff/people/{doors.resident_id}/case"):
        assert "Ask about the husband" in doors.sender.text(path)
    end_consents(app, doors.resident_id, now())
    with app.app_context(), transaction() as session:
        make_consent(
            session,
            resident_id=doors.resident_id,
            organisation_id=doors.sender.organisation_id,
            items=("contact",),
        )
    for path in ("/staff/caseload", f"/staff/tasks/{number}", f"/staff/people/{doors.resident_id}/case"):
        page = doors.sender.text(path)
        assert "Ask about the husband" not in page and f"/staff/tasks/{number}" in page


def test_what_one_sent_is_read_while_it_lives_and_followed_after(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    with app.app_context(), transaction() as session:
        for yes in session.scalars(
            select(Consent).where(Consent.organisation_id == doors.sender.organisation_id)
        ):
            yes.withdrawn_at = now()
    assert WHY in doors.sender.text(f"/staff/referrals/{number}")
    with app.app_context(), transaction() as session:
        machine.act(session, referral=session.get_one(Referral, number), actor=rules.RESIDENT, action="withdraw",
                    now=now())  # fmt: skip
    page = doors.sender.get(f"/staff/referrals/{number}")
    assert page.status_code == 200 and WHY not in page.get_data(as_text=True)


def test_handing_over_gives_nobody_what_the_person_took_back(doors: Doors, app: Flask) -> None:
    sent, task = doors.refer(), ask_about(doors, app)
    other = doors.staff("caseworker", organisation="Red Door")
    end_consents(app, doors.resident_id, now())
    admin = Principal("staff", staff_id=doors.sender.staff_id, organisation_id=doors.sender.organisation_id,
                      roles=frozenset({"organisation_admin"}))  # fmt: skip
    with app.app_context(), transaction() as session:
        caseload_services.hand_over(
            session, actor=admin, from_id=doors.sender.staff_id, to_id=other.staff_id, now=now()
        )
    with app.app_context(), reading() as session:
        assert session.get_one(CaseTask, task).owner_id == doors.sender.staff_id
        assert session.get_one(Referral, sent).sender_staff_id == doors.sender.staff_id
    assert other.get(f"/staff/referrals/{sent}").status_code == 404
    assert other.get(f"/staff/tasks/{task}").status_code == 404


# --- the page of a referral


def test_the_marker_of_safety_stands_only_where_the_person_is_shown(doors: Doors, app: Flask) -> None:
    number = doors.refer()
    lead = doors.staff("safeguarding_lead", organisation="Third Door")
    with app.app_context(), transaction() as session:
        make_flag(
            session,
            resident_id=doors.resident_id,
            organisation_id=lead.organisation_id,
            raised_by_id=lead.staff_id,
        )
    assert "Third Door" in doors.sender.text(f"/staff/referrals/{number}")
    with app.app_context(), transaction() as session:
        for yes in session.scalars(
            select(Consent).where(Consent.organisation_id == doors.sender.organisation_id)
        ):
            yes.withdrawn_at = now()
    page = doors.sender.text(f"/staff/referrals/{number}")
    assert "You see nothing of the person here." in page and "Third Door" not in page


@pytest.mark.parametrize("items", [("identity",), ("contact",)])
def test_on_a_record_the_form_shows_only_what_is_shared(
    doors: Doors, app: Flask, items: tuple[str, ...]
) -> None:
    number = make_public(doors, app)
    assert "0161 496 0000" in doors.receiver.text(f"/staff/referrals/{number}")
    with app.app_context(), transaction() as session:
        person = make_person(session, name="Shy").id
        make_consent(session, resident_id=person, organisation_id=doors.receiver.organisation_id)
        put_on_caseload(session, resident_id=person, staff_id=doors.receiver.staff_id,
                        organisation_id=doors.receiver.organisation_id)  # fmt: skip
    assert put(doors, number, resident=str(person), items=list(items)) == 303
    page = doors.receiver.text(f"/staff/referrals/{number}")
    assert ("0161 496 0000" in page) is ("contact" in items)
    assert ("Amina Example" in page) is ("identity" in items)
    assert "Jo Centre" in page
