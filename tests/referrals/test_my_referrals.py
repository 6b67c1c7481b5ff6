"""A resident reads their referrals in plain words and takes one back; on the next request nothing of them is seen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Resident
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, Referral
from tests.conftest import Browser, StaffBrowser
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent
from tests.factories.referrals import bring_to, make_referral, make_service

SHARED = ("identity", "contact")


def my_number(app: Flask) -> int:
    with app.app_context(), reading() as session:
        return session.scalars(select(Resident.id).order_by(Resident.id.desc())).first() or 0


def refer_me(
    app: Flask, organisation_id: int, *actions: str, mode: str = "cold", items: tuple[str, ...] = SHARED
) -> int:
    """The newest person is referred to a service of this organisation, which does these."""
    with app.app_context(), transaction() as session:
        helper = make_organisation(session)
        service = make_service(session, organisation_id=organisation_id, name=f"Desk {helper.id}")
        person = session.scalars(select(Resident.id).order_by(Resident.id.desc())).first() or 0
        row = make_referral(
            session, resident_id=person, service=service, sender_id=helper.id, mode=mode,
            items=items if mode != "signposted" else (),
        )  # fmt: skip
        bring_to(session, row, *actions)
        return row.id


@pytest.fixture
def me(browser: Browser) -> Browser:
    """Somebody whose plan is open here with its PIN."""
    browser.make_plan()
    browser.save_plan()
    return browser


def test_each_stands_there_in_plain_words_with_one_audit_row(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    waits = refer_me(app, worker.organisation_id, "acknowledge", "waitlist")
    refer_me(app, worker.organisation_id, "acknowledge", "decline")
    refer_me(app, worker.organisation_id, mode="signposted")
    page = me.text("/my-record/referrals")
    assert "You are on their waiting list." in page and "They answer again by" in page
    assert "They said no." in page and "Your name, languages, age group and area" in page
    assert page.count("Take it back") == 2
    assert "Your helper told you about it. Nothing was sent." in page and "We asked them." not in page
    record = me.text("/my-record")
    assert "Your helper told you about it. Nothing was sent." in record and "We asked them." not in record
    assert "They see nothing of you." in page  # where somebody was only pointed at
    with app.app_context(), reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "read referrals.my_referrals")).all()
        assert [(row.resident_id, row.items) for row in rows] == [(my_number(app), "referrals")]
    # The record leads there.
    assert 'href="/en/my-record/referrals"' in me.text("/my-record")
    assert str(waits)


def test_who_did_not_share_how_to_reach_them_is_promised_no_call(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    waits = "You did not share how to reach you. Please contact them, or ask your helper."
    refer_me(app, worker.organisation_id, "accept")
    page = me.text("/my-record/referrals")
    assert "They will contact you." in page and waits not in page
    number = refer_me(app, worker.organisation_id, "accept", mode="warm", items=("identity",))
    page = me.text("/my-record/referrals")
    assert waits in page and page.count("They will contact you.") == 1
    assert waits in me.text("/my-record")
    with app.app_context(), reading() as session:
        told = session.scalars(select(Message.template).where(Message.about == f"referral {number}")).all()
        assert "referral_accepted_unreached" in told and "referral_accepted" not in told


def test_one_press_and_a_yes_takes_it_back_and_twenty_who_look_see_nothing_more(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    workers = [staff_browser("caseworker", organisation="Open Door") for _ in range(20)]
    number = refer_me(app, workers[0].organisation_id, "acknowledge", "accept")
    person = my_number(app)
    page = f"/staff/people/{person}"
    assert {one.get(page).status_code for one in workers} == {200}
    path = f"/my-record/referrals/{number}/take-back"
    assert "Yes, take it back" in me.text(path)
    with app.app_context(), reading() as session:
        assert session.get_one(Referral, number).status == "accepted"  # asked, not done
    assert me.send(path).status_code == 303
    assert {one.get(page).status_code for one in workers} == {404}
    with app.app_context(), reading() as session:
        row = session.get_one(Referral, number)
        assert row.status == "withdrawn" and row.consent and row.consent.withdrawn_at is not None
        acts = session.scalars(select(AuditRow.action).where(AuditRow.resident_id == person)).all()
        assert acts.count("withdraw referral") == 1
    listed = me.text("/my-record/referrals")
    assert "You took it back. They see nothing of you any more." in listed and "What has ended" in listed
    # Pressed again from a page that was still open: nothing more happens.
    token = re.search(r'name="csrf_token" value="([^"]+)"', me.text("/my-record/delete"))
    assert token
    again = me.client.post(f"/en{path}", data={"csrf_token": token[1]})
    assert again.status_code == 303
    with app.app_context(), reading() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.resident_id == person)).all()
        assert acts.count("withdraw referral") == 1


@pytest.mark.parametrize(
    "actions",
    [(), ("acknowledge",), ("acknowledge", "ask"), ("accept",), ("waitlist",), ("accept", "begin")],
)
def test_it_works_from_any_live_state(app: Flask, me: Browser, actions: tuple[str, ...]) -> None:
    with app.app_context(), transaction() as session:
        there = make_organisation(session).id
    number = refer_me(app, there, *actions)
    assert me.send(f"/my-record/referrals/{number}/take-back").status_code == 303
    with app.app_context(), reading() as session:
        row = session.get_one(Referral, number)
        assert row.status == "withdrawn" and not row.holds_place
        assert session.get_one(CityService, row.service_id).taken == 0


def test_somebody_elses_and_no_ones_answer_alike(
    app: Flask, me: Browser, another_browser: Callable[..., Browser]
) -> None:
    with app.app_context(), transaction() as session:
        there = make_organisation(session).id
    number = refer_me(app, there)
    other = another_browser()
    other.make_plan()
    other.save_plan()
    theirs, nobodys = (other.get(f"/my-record/referrals/{one}/take-back") for one in (number, 999_999))
    assert theirs.status_code == nobodys.status_code == 404
    token = re.search(r'name="csrf_token" value="([^"]+)"', other.text("/my-record/delete"))
    assert token
    refused = other.client.post(f"/en/my-record/referrals/{number}/take-back", data={"csrf_token": token[1]})
    assert refused.status_code == 404
    with app.app_context(), reading() as session:
        assert session.get_one(Referral, number).status == "sent"
    assert "Desk" not in other.text("/my-record/referrals")


def test_with_the_code_alone_or_without_a_plan_nobody_reads_it(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    browser = another_browser()
    browser.make_plan()
    code = browser.save_plan()
    later = another_browser()
    assert later.get("/my-record/referrals").status_code == 403
    assert later.send("/come-back", code=code, pin="").status_code == 303
    assert later.get("/my-record/referrals").status_code == 403


def test_the_page_of_sharing_says_so_and_stopping_there_takes_it_back(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = refer_me(app, worker.organisation_id, "accept"), my_number(app)
    page = me.text("/my-record/sharing")
    assert "They see it only as long as they help you with this." in page
    stop = re.search(r'action="/en(/my-record/sharing/\d+/stop)"', page)
    assert stop and worker.get(f"/staff/people/{person}").status_code == 200
    assert me.send(stop[1], "/my-record/sharing").status_code == 303
    assert worker.get(f"/staff/people/{person}").status_code == 404
    with app.app_context(), reading() as session:
        assert session.get_one(Referral, number).status == "withdrawn"


def test_what_they_share_otherwise_goes_on(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    """Taking a referral back ends its own yes alone."""
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = refer_me(app, worker.organisation_id), my_number(app)
    with app.app_context(), transaction() as session:
        kept = make_consent(session, resident_id=person, organisation_id=worker.organisation_id).id
    me.send(f"/my-record/referrals/{number}/take-back")
    with app.app_context(), reading() as session:
        from inclusion_app.people.models import Consent

        consent = session.get_one(Consent, kept)
        assert consent.withdrawn_at is None and consent.until_at > now()


def test_every_state_has_plain_words() -> None:
    assert set(rules.STATES_FOR_RESIDENT) == set(rules.STATES)
    for words in rules.STATES_FOR_RESIDENT.values():
        assert all(len(sentence.split()) <= 15 for sentence in words.split(". "))


def test_what_is_held_speaks_to_the_reader_and_not_of_them(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    refer_me(app, worker.organisation_id, "acknowledge", "ask")
    refer_me(app, worker.organisation_id, mode="signposted")
    page = me.text("/my-record")
    for said in (
        "Your details were sent",
        "You were told where to go",
        "What you need",
        "What they asked your helper",
    ):
        assert said in page, said
    for said in ("Sent their details", "Told them where", "What they need"):
        assert said not in page, said
    assert '<bdi lang="en" dir="ltr">Open Door</bdi>' in page
    assert set(rules.MODES_FOR_RESIDENT) == set(rules.MODES)
    assert set(rules.WORDS_FOR_RESIDENT) == set(rules.WORDS)
    assert set(rules.TASKS_FOR_RESIDENT) == set(rules.TASK_KINDS)


def test_names_of_services_are_marked_as_english(
    app: Flask, me: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    refer_me(app, staff_browser("caseworker", organisation="Open Door").organisation_id)
    tag = '<span class="tag">'
    for language, marks in (("en", 0), ("ur", 1)):
        page = me.client.get(f"/{language}/my-record/referrals").get_data(as_text=True)
        assert '<bdi lang="en" dir="ltr">Open Door</bdi>' in page and page.count(tag) == marks
