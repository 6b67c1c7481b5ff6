"""The message back: what came of it, for a referrer's own record; no fact of health, no name without a right to it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.services.machine import Said, act
from tests.conftest import Browser, StaffBrowser
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import WHY, bring_to, make_referral, make_service
from tests.referrals.public_form import fill_in, link_in_mail, public_service


def closed(app: Flask, sender: StaffBrowser, receiver: StaffBrowser) -> int:
    """One that was closed with words about how it went; the person is on the sender's caseload."""
    with app.app_context(), transaction() as session:
        person = make_person(session, name="Canary Person")
        make_consent(session, resident_id=person.id, organisation_id=sender.organisation_id)
        put_on_caseload(
            session, resident_id=person.id, staff_id=sender.staff_id, organisation_id=sender.organisation_id
        )
        service = make_service(
            session, organisation_id=receiver.organisation_id, name="Walking group", helps="health"
        )
        row = make_referral(
            session, resident_id=person.id, service=service, sender_id=sender.organisation_id, staff_id=sender.staff_id
        )  # fmt: skip
        bring_to(session, row, "accept", "begin")
        act(
            session, referral=row, actor="receiver", action="close", now=now(),
            said=Said(outcome="partly", words="Canary words about their knee."),
        )  # fmt: skip
        return row.id


def test_it_says_what_came_of_it_and_never_what_was_typed(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    sender = staff_browser("caseworker", organisation="Red Door")
    receiver = staff_browser("caseworker", organisation="Open Door")
    number = closed(app, sender, receiver)
    for who, named in ((sender, True), (receiver, False)):
        page = who.text(f"/staff/referrals/{number}/message-back")
        assert "Got part of the help" in page and "Walking group" in page and f">{number}<" in page
        assert "knee" not in page and WHY not in page
        assert ("Canary Person" in page) is named
        text = who.get(f"/staff/referrals/{number}/message-back.txt")
        assert text.mimetype == "text/plain"
        assert text.headers["Content-Disposition"].startswith("attachment")
        words = text.get_data(as_text=True)
        assert "Outcome: Got part of the help" in words and "knee" not in words
        assert ("Name of the person: Canary Person" in words) is named
    with app.app_context(), reading() as session:
        rows = session.scalars(
            select(AuditRow).where(AuditRow.action.in_(["read referrals.message_back", "read referrals.message_back_text"]))
        ).all()  # fmt: skip
        assert len(rows) == 4
        assert {row.actor_id for row in rows if row.resident_id} == {sender.staff_id}


def test_a_stranger_and_an_unknown_number_answer_alike(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    sender = staff_browser("caseworker", organisation="Red Door")
    number = closed(app, sender, staff_browser("caseworker", organisation="Open Door"))
    stranger = staff_browser("caseworker", organisation="Blue Door")
    for end in ("message-back", "message-back.txt"):
        answers = [stranger.get(f"/staff/referrals/{one}/{end}").status_code for one in (number, 999_999)]
        assert answers == [404, 404]
    admin = staff_browser("organisation_admin", organisation="Open Door")
    assert admin.get(f"/staff/referrals/{number}/message-back").status_code == 403


def test_a_public_one_names_its_person_only_while_it_is_live(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    fill_in(browser, public_service(app, worker.organisation_id))
    with app.app_context(), reading() as session:
        number = session.scalars(select(Referral.id)).one()
    path = f"/staff/referrals/{number}/message-back"
    assert worker.get(path).status_code == 404  # nobody has confirmed it
    browser.send(link_in_mail(app))
    assert "Canary Person" in worker.text(path)
    with app.app_context(), transaction() as session:
        bring_to(session, session.get_one(Referral, number), "accept", "begin", "close")
    assert worker.get(path).status_code == 200 and "Canary Person" not in worker.text(path)


def test_where_somebody_was_only_told_to_go_there_is_no_message(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    sender = staff_browser("caseworker", organisation="Red Door")
    with app.app_context(), transaction() as session:
        person = make_person(session)
        service = make_service(session, organisation_id=make_organisation(session).id)
        number = make_referral(
            session, resident_id=person.id, service=service, sender_id=sender.organisation_id,
            staff_id=sender.staff_id, mode="signposted",
        ).id  # fmt: skip
    assert sender.get(f"/staff/referrals/{number}/message-back").status_code == 404
