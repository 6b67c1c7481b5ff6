"""From what somebody asks or says to what reaches them, through every room and a real mail server."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy

from flask import Flask
from sqlalchemy import select

from inclusion_app.core.db import transaction
from inclusion_app.messages import sending
from inclusion_app.people.models import Resident
from tests.conftest import Browser, StaffBrowser
from tests.factories.people import make_consent, put_on_caseload
from tests.messages.conftest import Mailbox

Staff = Callable[..., StaffBrowser]


def send(app: Flask) -> None:
    with app.app_context():
        sending.send_pass()


def mail_in(box: Mailbox) -> str:
    """The words of the only mail."""
    (one,) = box.mails
    raw = one.content if isinstance(one.content, bytes) else (one.content or "").encode()
    body = message_from_bytes(raw, policy=policy.default).get_body()  # type: ignore[attr-defined]
    return str(body.get_content())


def test_who_forgot_their_pin_comes_back_by_a_mail(
    app: Flask, browser: Browser, another_browser: Callable[..., Browser], with_mail: Mailbox
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    browser.send("/my-record/contact", kind="email", value="amina@example.org")
    later = another_browser()
    assert "/en/come-back/link" in later.text("/come-back")
    assert later.send("/come-back/link", code=code).status_code == 303
    send(app)
    assert with_mail.mails[0].rcpt_tos == ["amina@example.org"]
    found = re.search(r"http://[^/\s]+/en(/come-back/link/[\w-]{43})", mail_in(with_mail))
    assert found
    assert later.get(found[1]).status_code == 200
    assert later.send(found[1]).location == "/en/roadmap"
    assert "Your next steps" in later.text("/roadmap")
    assert later.get("/my-record/contact").status_code == 200


def test_a_complaint_is_answered_by_a_letter_that_somebody_posts(
    app: Flask, browser: Browser, staff_browser: Staff
) -> None:
    admin, worker = staff_browser("organisation_admin"), staff_browser("caseworker")
    browser.make_plan()
    browser.save_plan()
    browser.send("/my-record/contact", kind="letter", value="1 High Street\nM14 5RQ")
    with app.app_context(), transaction() as session:
        number = session.scalars(select(Resident.id)).one()
        shared = {"resident_id": number, "organisation_id": worker.organisation_id}
        make_consent(session, **shared)
        put_on_caseload(session, staff_id=worker.staff_id, **shared)
    browser.send("/my-record/tell", kind="complaint", to=str(admin.organisation_id), words="You were late")
    admin.send("/staff/feedback/1", do="take")
    assert admin.send("/staff/feedback/1", do="answer", answer="We are sorry.").status_code == 303
    assert "waits for somebody to take it" in worker.text("/staff")
    item = re.search(r'href="(/staff/tray/\d+)"', worker.text("/staff/tray"))
    assert item
    page = worker.text(item[1])
    assert "1 High Street" in page and "We are sorry." in page and "You were late" not in page
    assert worker.send(f"{item[1]}/take", form_on=item[1]).status_code == 303
    assert worker.send(f"{item[1]}/done", form_on=item[1], outcome="posted").status_code == 303
    record = browser.text("/my-record")
    assert "We are sorry." in record and "By letter, on" in record
