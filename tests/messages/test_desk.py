"""The desk of the platform admin: what could not be sent, what is not set up, which job does not run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app import cli
from inclusion_app.core import clock
from inclusion_app.core.db import transaction
from inclusion_app.messages import sending
from inclusion_app.messages.models import JobRun
from tests.conftest import Browser, StaffBrowser
from tests.messages.conftest import EMAIL, Mailbox, configure
from tests.messages.test_outbox import rows, send, want

Staff = Callable[..., StaffBrowser]


def test_what_could_not_be_sent_is_seen_without_address_or_words_and_tried_again(
    app: Flask, staff_browser: Staff, make: Callable[..., int], with_mail: Mailbox
) -> None:
    admin = staff_browser("platform_admin")
    with_mail.fault = "unknown address"
    want(app, make("email"), template="consent_recorded", params={"organisation": "Canary Charity"})
    send(app)
    assert "1 message could not be sent" in admin.text("/staff")
    page = admin.text("/staff/messages")
    assert "consent_recorded" in page and "The address or number was refused" in page
    assert EMAIL not in page and "Canary" not in page
    with_mail.fault = None
    assert admin.send("/staff/messages/1/again", "/staff/messages").location == "/staff/messages"
    assert "It will be tried again within a minute" in admin.text("/staff/messages")
    assert admin.send("/staff/messages/1/again", "/staff/messages").status_code == 404
    assert send(app).sent == 1
    assert rows(app)[0].state == "sent"


def test_what_has_no_words_any_more_is_not_tried_again(
    app: Flask, staff_browser: Staff, make: Callable[..., int], with_mail: Mailbox
) -> None:
    admin = staff_browser("platform_admin")
    with_mail.fault = "unknown address"
    want(app, make("email"))
    send(app)
    from inclusion_app.messages.models import Message

    with app.app_context(), transaction() as session:
        session.execute(update(Message).values(params=None, to=None))
    assert "Try again" not in admin.text("/staff/messages")
    admin.send("/staff/messages/1/again", "/staff")
    assert rows(app)[0].state == "dead"


def test_a_channel_that_is_not_set_up_stands_there_in_red(app: Flask, staff_browser: Staff) -> None:
    admin = staff_browser("platform_admin")
    assert admin.text("/staff/messages").count("go to nobody") == 2
    configure(app, mail_url="smtp://127.0.0.1:1", mail_from="a@example.org")
    page = admin.text("/staff/messages")
    assert page.count('class="banner"') == 1
    assert "Text message:" in page


@pytest.mark.parametrize("role", ["caseworker", "organisation_admin", "front_desk", "data_protection"])
@pytest.mark.parametrize("path", ["/staff/messages", "/staff/jobs"])
def test_other_roles_do_not_see_the_desk(staff_browser: Staff, role: str, path: str) -> None:
    assert staff_browser(role).get(path).status_code == 403


@pytest.mark.parametrize(
    "path", ["/staff/messages", "/staff/jobs", "/staff/tray", "/staff/tray/1", "/staff/tray/watch"]
)
def test_strangers_are_sent_to_sign_in(browser: Browser, path: str) -> None:
    answer = browser.client.get(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/staff/sign-in")


def run(app: Flask) -> None:
    with app.app_context():
        cli.do_chores(app.extensions["settings"].instance)


def test_each_chore_says_how_it_went(
    app: Flask, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    admin = staff_browser("platform_admin")
    assert "The worker has never run" in admin.text("/staff/jobs")

    def broken() -> None:
        raise LookupError("Amina Canary")

    monkeypatch.setattr(sending, "send_pass", broken)
    run(app)
    run(app)
    with app.app_context(), transaction() as session:
        jobs = {row.name: row for row in session.scalars(select(JobRun))}
    assert (jobs["send messages"].failures, jobs["send messages"].fault) == (2, "LookupError")
    assert jobs["send messages"].ok_at is None
    assert jobs["look at the trays"].failures == 0
    assert "Canary" not in caplog.text
    page = admin.text("/staff/jobs")
    assert "A job has not gone well for ten minutes" in page and "LookupError" in page
    assert "A job of the worker does not run" in admin.text("/staff")
    monkeypatch.undo()
    run(app)
    with app.app_context(), transaction() as session:
        job = session.get_one(JobRun, "send messages")
        assert (job.failures, job.fault) == (0, None)
    assert "has not gone well" not in admin.text("/staff/jobs")


def test_a_job_that_was_well_eleven_minutes_ago_is_late(app: Flask, staff_browser: Staff) -> None:
    admin = staff_browser("platform_admin")
    run(app)
    with app.app_context(), transaction() as session:
        session.execute(update(JobRun).values(ok_at=clock.now() - timedelta(minutes=9)))
    assert ">late<" not in admin.text("/staff/jobs").split("<table")[1]
    with app.app_context(), transaction() as session:
        session.execute(
            update(JobRun)
            .where(JobRun.name == "send messages")
            .values(ok_at=clock.now() - timedelta(minutes=11))
        )
        session.add(JobRun(name="a chore of last year", began_at=clock.now(), failures=9))
    assert admin.text("/staff/jobs").count("tag--bad") == 2
    run(app)  # what is done no more is forgotten
    assert "last year" not in admin.text("/staff/jobs")


def test_the_command_says_what_it_did(app: Flask, make: Callable[..., int]) -> None:
    want(app, make("email"))
    done = app.test_cli_runner().invoke(args=["messages", "send"])
    assert done.output == "sent 1, failed 0, put off 0\n"
