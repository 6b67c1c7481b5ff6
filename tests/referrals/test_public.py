"""The public form: confirmed by e-mail or by code, unread before, limited, light in every language, put on a record once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import brotli
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from inclusion_app.core import assets
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import reading, transaction
from inclusion_app.messages.models import Message
from inclusion_app.people import consent_services
from inclusion_app.people import models as people_models
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CaseTask, CityService, PublicReferral, Referral, ReferralWords
from inclusion_app.referrals.services import machine, public
from tests.conftest import Browser, StaffBrowser
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import bring_to, make_referral, make_service
from tests.people.world import code_of, looked_after
from tests.referrals.public_form import TYPED, fill_in, link_in_mail, public_service


def the_one(app: Flask) -> tuple[Referral, PublicReferral]:
    with app.app_context(), reading() as session:
        row = session.scalars(select(Referral)).one()
        assert row.service
        return row, session.get_one(PublicReferral, row.id)


def test_it_is_read_by_nobody_before_its_link_was_used(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    service_id = public_service(app, worker.organisation_id)
    assert "Open Door" in browser.text("/refer")
    answer = fill_in(browser, service_id)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/en/refer/sent")
    row, facts = the_one(app)
    assert (row.status, row.sender_id, row.resident_id, facts.confirmed_at) == ("draft", None, None, None)
    assert worker.get(f"/staff/referrals/{row.id}/person").status_code == 404
    path = link_in_mail(app)
    # A mail program opens it: nothing happens.
    seen = browser.get(path).get_data(as_text=True)
    assert "Yes, send it" in seen and "Canary" not in seen and the_one(app)[0].status == "draft"
    assert browser.send(path).status_code == 303
    row, facts = the_one(app)
    assert row.status == "sent" and facts.confirmed_at is not None and row.clock_due is not None
    assert f"The number is {row.id}." in browser.text(path)
    page = worker.text(f"/staff/referrals/{row.id}/person")
    assert "Canary Person" in page
    # Pressed again, it is one.
    with app.app_context(), transaction() as session:
        found = public.unconfirmed(session, path.rsplit("/", 1)[1], now=now())
        assert found
        public.confirm(session, public=found, now=now())
        assert session.get_one(Referral, row.id).status == "sent"


def test_the_message_says_nothing_of_the_person_and_news_go_back(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    fill_in(browser, service_id)
    browser.send(link_in_mail(app))
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Referral)).one()
        bring_to(session, row, "acknowledge", "accept", "begin", "close")
    with app.app_context(), reading() as session:
        told = session.scalars(select(Message).where(Message.template == "public_referral_ended")).all()
        assert [one.to for one in told if one.state == "waiting"] == ["lin@example.org"]
        assert told[-1].params and told[-1].params["link"].endswith("/en/refer")
        assert (
            told[-1].params
            and told[-1].params["state"] == rules.STATES["closed"]
            and "outcome" not in told[-1].params
        )
        assert "Canary" not in str([one.params for one in session.scalars(select(Message))])


@pytest.mark.parametrize("kind", list(rules.PUBLIC_FROM))
@pytest.mark.parametrize("is_on_record", [False, True])
def test_an_address_nobody_checked_learns_no_reason_and_no_outcome(
    app: Flask, browser: Browser, kind: str, is_on_record: bool
) -> None:
    service_id = public_service(app)
    fill_in(browser, service_id, from_kind=kind)
    browser.send(link_in_mail(app))
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Referral)).one()
        if is_on_record:
            number = make_person(session).id
            row.consent_id = consent_services.give_consent(
                session, resident_id=number, organisation_id=row.organisation_id, items=("identity",),
                purpose="other_help", how="screen", language="en", now=now(), for_referral=True,
            ).id  # fmt: skip
            row.resident_id = number
        states = []
        for action, said in (("acknowledge", machine.NOTHING), ("decline", machine.Said(reason="not_safe"))):
            machine.act(session, referral=row, actor="receiver", action=action, now=now(), said=said)
            news = "public_referral_news" if action == "acknowledge" else "public_referral_ended"
            newest = select(Message).where(Message.template == news).order_by(Message.id.desc())
            params = session.scalars(newest).first().params  # type: ignore[union-attr]
            more = set() if action == "acknowledge" else {"link"}
            assert params and set(params) == {"number", "organisation", "state"} | more
            states.append(params["state"])
    exact = kind in {"jobcentre", "health"} and not is_on_record
    assert states == (["Seen", rules.STATES["declined"]] if exact else ["It goes on", "It has ended"])


@pytest.mark.parametrize("kind", ["health", "family"])
def test_who_refers_as_their_work_reads_which_service_is_better_and_everybody_where_to_ask_again(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser], kind: str
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    service_id = public_service(app, worker.organisation_id, duty_staff_id=worker.staff_id)
    fill_in(browser, service_id, from_kind=kind)
    browser.send(link_in_mail(app))
    with app.app_context(), transaction() as session:
        better = make_service(
            session, organisation_id=make_organisation(session, name="Lamp House").id, name="Letters", phone="0161 496 0999"
        )  # fmt: skip
        row = session.scalars(select(Referral)).one()
        said = machine.Said(better_id=better.id, words="They know letters.")
        machine.act(session, referral=row, actor="receiver", action="reroute", now=now(), said=said)
        ended = session.scalars(select(Message).where(Message.template == "public_referral_ended")).one()
        assert ended.params and ended.params["link"].endswith("/en/refer")
        named = ended.params.get("better")
        assert named == ("Letters, Lamp House, 0161 496 0999" if kind == "health" else None)
        task = session.scalars(select(CaseTask.id).where(CaseTask.kind == "another_way")).one()
    page = worker.text(f"/staff/tasks/{task}")
    assert "Whoever asked was told by e-mail that it has ended" in page and "Talk to them" not in page


def test_what_is_missing_is_said_at_its_field_and_what_was_typed_stays(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    answer = fill_in(browser, service_id, from_name="", why="Help!", said_yes="", from_email="nobody")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for field in ("from_name", "why", "said_yes", "from_email"):
        assert f'id="{field}-error"' in page, field
    assert "Brook Lane Surgery" in page and "Canary Person" in page
    assert "Type where you work" in fill_in(browser, service_id, from_organisation="").get_data(as_text=True)
    assert "checked" not in browser.text(f"/refer/{service_id}")
    with app.app_context(), reading() as session:
        assert session.scalars(select(Referral)).all() == []


def test_for_oneself_nobody_else_says_yes_and_no_name_is_typed_twice(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    more = {
        "from_kind": "self",
        "from_organisation": "",
        "about_name": "",
        "about_contact": "",
        "said_yes": "",
    }
    assert fill_in(browser, service_id, **more).status_code == 303
    _row, facts = the_one(app)
    assert (facts.about_name, facts.about_contact) == ("Lin Worker", "lin@example.org")


def test_sent_twice_it_is_one(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    for _press in range(2):
        assert fill_in(browser, service_id, once="the same page").status_code == 303
    with app.app_context(), reading() as session:
        assert len(session.scalars(select(Referral)).all()) == 1
        assert len(session.scalars(select(Message)).all()) == 1


def test_an_address_is_not_mailed_without_end_and_who_confirms_may_go_on(
    app: Flask, browser: Browser
) -> None:
    service_id = public_service(app)
    for _time in range(public.TO_ADDRESS.tries):
        assert fill_in(browser, service_id).status_code == 303
    refused = fill_in(browser, service_id)
    assert refused.status_code == 422 and "several emails to this address" in refused.get_data(as_text=True)
    assert fill_in(browser, service_id, from_email="other@example.org").status_code == 303
    browser.send(link_in_mail(app))
    assert fill_in(browser, service_id).status_code == 303


def test_a_network_sends_so_many_a_day(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    for number in range(rules.PUBLIC_A_DAY_FROM_ONE_NETWORK):
        assert fill_in(browser, service_id, from_email=f"p{number}@example.org").status_code == 303
    refused = fill_in(browser, service_id, from_email="last@example.org")
    assert refused.status_code == 422 and "Too many came from here today" in refused.get_data(as_text=True)
    with time_machine.travel(now() + timedelta(days=2), tick=False):
        assert fill_in(browser, service_id, from_email="last@example.org").status_code == 303


def test_a_link_that_is_over_and_one_that_never_was_answer_alike(app: Flask, browser: Browser) -> None:
    fill_in(browser, public_service(app))
    path = link_in_mail(app)
    with time_machine.travel(now() + rules.CONFIRM_WITHIN + timedelta(hours=1), tick=False):
        late, unknown = browser.text(path), browser.text("/refer/confirm/" + "x" * 43)
        assert "This link is over" in late
        assert re.sub(r"/refer/confirm/[^?\"]+", "", late) == re.sub(r"/refer/confirm/[^?\"]+", "", unknown)
    assert the_one(app)[0].status == "draft"


@pytest.mark.parametrize("facts", [{"is_public": False}, {"closed_at": now()}])
def test_what_takes_nobody_by_the_form_is_nowhere(
    app: Flask, browser: Browser, facts: dict[str, object]
) -> None:
    service_id = public_service(app)
    with app.app_context(), transaction() as session:
        service = session.get_one(CityService, service_id)
        for name, value in facts.items():
            setattr(service, name, value)
    assert "Open Door" not in browser.text("/refer")
    for path in (f"/refer/{service_id}", f"/refer/{service_id}/code", "/refer/999999"):
        assert browser.get(path).status_code == 404


# --- by code


def send_by_code(browser: Browser, service_id: int, **more: object) -> object:
    path = f"/refer/{service_id}/code"
    once = re.search(r'name="once" value="([^"]+)"', browser.text(path))
    assert once
    typed = {"once": once[1], "why": "I want to learn to send an email.", "items": ["identity", "contact"]}
    return browser.send(path, **{**typed, **more})


def test_a_code_with_its_pin_confirms_at_once_and_shares_what_was_ticked(
    app: Flask, browser: Browser
) -> None:
    service_id = public_service(app)
    with app.app_context(), transaction() as session:
        person = make_person(session)
        code, number = show_code(person.code), person.id
    wrong = send_by_code(browser, service_id, code=code, pin="1111")
    assert wrong.status_code == 422  # type: ignore[attr-defined]
    assert send_by_code(browser, service_id, code=code, pin="").status_code == 422  # type: ignore[attr-defined]
    empty = send_by_code(browser, service_id, code="", pin="", why="", items=[])
    page = empty.get_data(as_text=True)  # type: ignore[attr-defined]
    for field in ("why", "items", "code", "pin"):
        assert f'id="{field}-error"' in page, field
    assert send_by_code(browser, service_id, code=code, pin="4071").status_code == 303  # type: ignore[attr-defined]
    # No plan was opened by it.
    assert browser.get("/my-record/referrals").status_code == 403
    with app.app_context(), reading() as session:
        row = session.scalars(select(Referral)).one()
        assert (row.status, row.resident_id, row.sender_id) == ("sent", number, None)
        assert row.consent and row.consent.is_for_referral
        assert {one.item for one in row.consent.items} == {"identity", "contact"}
        assert session.scalars(select(ReferralWords.words)).one() == "I want to learn to send an email."
        acts = session.scalars(select(AuditRow.action).where(AuditRow.resident_id == number)).all()
        assert acts.count("refer oneself") == 1
    again = send_by_code(browser, service_id, code=code, pin="4071")
    assert again.status_code == 422  # type: ignore[attr-defined]
    assert "You have asked them already" in again.get_data(as_text=True)  # type: ignore[attr-defined]


def test_a_plan_that_is_open_here_needs_no_code_and_nothing_is_ticked(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    browser.make_plan()
    browser.save_plan()
    page = browser.text(f"/refer/{service_id}/code")
    assert 'name="code"' not in page and "checked" not in page
    nothing = send_by_code(browser, service_id, items=["needs"])
    assert nothing.status_code == 422  # type: ignore[attr-defined]
    assert "Tick your name" in nothing.get_data(as_text=True)  # type: ignore[attr-defined]
    for _press in range(2):
        assert send_by_code(browser, service_id, once="one").status_code == 303  # type: ignore[attr-defined]
    assert "Open Door" in browser.text("/my-record/referrals")
    with app.app_context(), reading() as session:
        assert len(session.scalars(select(Referral)).all()) == 1


def test_who_asked_alone_and_shared_no_way_is_told_to_contact_them_and_of_no_helper(
    app: Flask, browser: Browser
) -> None:
    service_id = public_service(app)
    browser.make_plan()
    browser.save_plan()
    assert send_by_code(browser, service_id, items=["identity"]).status_code == 303  # type: ignore[attr-defined]
    with app.app_context(), transaction() as session:
        number = bring_to(session, session.scalars(select(Referral)).one(), "accept").id
    page = browser.text("/my-record/referrals")
    assert "You did not share how to reach you. Please contact them." in page
    assert "helper" not in page and "will contact you" not in page
    with app.app_context(), reading() as session:
        told = select(Message.template).where(
            Message.about == f"referral {number}", Message.staff_id.is_(None)
        )
        assert "referral_accepted_unreached_alone" in session.scalars(told).all()


def test_whom_somebody_keeps_away_gets_nothing_of_them(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    with app.app_context(), transaction() as session:
        person = make_person(session)
        there = session.get_one(CityService, service_id).organisation_id
        session.add(Restriction(resident_id=person.id, organisation_id=there, made_at=now()))
        code = show_code(person.code)
    assert send_by_code(browser, service_id, code=code, pin="4071").status_code == 422  # type: ignore[attr-defined]
    with app.app_context(), reading() as session:
        assert session.scalars(select(Referral)).all() == []


# --- its receiver puts it on a record


def confirmed(app: Flask, browser: Browser, worker: StaffBrowser) -> tuple[int, int]:
    """A confirmed referral to Open Door, and somebody on the caseload there: their numbers."""
    fill_in(browser, public_service(app, worker.organisation_id))
    browser.send(link_in_mail(app))
    with app.app_context(), transaction() as session:
        person = make_person(session, name="Canary Person")
        make_consent(session, resident_id=person.id, organisation_id=worker.organisation_id)
        put_on_caseload(
            session, resident_id=person.id, staff_id=worker.staff_id, organisation_id=worker.organisation_id
        )
        return session.scalars(select(Referral.id)).one(), person.id


FORM = {"items": ["identity"], "language": "en", "said_yes": "y", "person": ""}


def test_it_comes_to_stand_on_a_record_with_a_spoken_yes(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = confirmed(app, browser, worker)
    path = f"/staff/referrals/{number}/person"
    assert worker.send(path, **{**FORM, "said_yes": "", "resident": str(person)}).status_code == 422
    assert worker.send(path, **{**FORM, "resident": "0"}).status_code == 422
    assert worker.send(path, **{**FORM, "resident": str(person), "person": "both"}).status_code == 422
    empty = worker.send(path, person="", language="en", resident="0").get_data(as_text=True)
    for field in ("resident", "items", "said_yes"):
        assert f'id="{field}-error"' in empty, field
    assert worker.send(path, **{**FORM, "resident": "0", "person": "no such code"}).status_code == 422
    assert worker.send(path, **{**FORM, "resident": str(person)}).status_code == 303
    with app.app_context(), reading() as session:
        row = session.get_one(Referral, number)
        assert row.resident_id == person and row.consent
        assert (row.consent.how, row.consent.told_staff_id, row.consent.is_for_referral) == (
            "spoken", worker.staff_id, True,
        )  # fmt: skip
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "put a referral on a record")).all()
        assert [one.resident_id for one in rows] == [person]
    # It is on one already, and another organisation's never opens.
    assert worker.get(path).status_code == 404
    stranger = staff_browser("caseworker", organisation="Blue Door")
    assert stranger.get(path).status_code == stranger.get("/staff/referrals/999/person").status_code == 404


def test_of_two_of_one_name_it_says_which_is_which(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = confirmed(app, browser, worker)
    with app.app_context(), reading() as session:
        name = session.get_one(people_models.Resident, person).name
    twin = looked_after(app, worker, name=name)
    page = worker.text(f"/staff/referrals/{number}/person")
    for one in (person, twin):
        assert f"{name} (code ends in {code_of(app, one)[-4:]})</option>" in page


def test_by_the_code_of_the_person_too(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = confirmed(app, browser, worker)
    with app.app_context(), transaction() as session:
        from inclusion_app.people.models import Resident

        code = show_code(session.get_one(Resident, person).code)
        unknown_to_us = show_code(make_person(session).code)
    path = f"/staff/referrals/{number}/person"
    assert worker.send(path, **{**FORM, "resident": "0", "person": unknown_to_us}).status_code == 422
    assert worker.send(path, **{**FORM, "resident": "0", "person": code}).status_code == 303


def test_who_is_referred_there_already_is_not_referred_twice(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = confirmed(app, browser, worker)
    with app.app_context(), transaction() as session:
        row = session.get_one(Referral, number)
        other = staff_org(session)
        make_referral(session, resident_id=person, service=row.service, sender_id=other)
    answer = worker.send(f"/staff/referrals/{number}/person", **{**FORM, "resident": str(person)})
    assert answer.status_code == 422 and "referred there already" in answer.get_data(as_text=True)
    with app.app_context(), reading() as session:
        assert session.get_one(Referral, number).resident_id is None
        assert len(session.scalars(select(Consent).where(Consent.is_for_referral)).all()) == 1


def staff_org(session: object) -> int:

    return make_organisation(session).id  # type: ignore[arg-type]


def test_a_yes_that_ends_takes_it_back(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    number, person = confirmed(app, browser, worker)
    worker.send(f"/staff/referrals/{number}/person", **{**FORM, "resident": str(person)})
    with app.app_context(), transaction() as session:
        consent_id = session.get_one(Referral, number).consent_id
        assert consent_id
        consent_services.withdraw_consent(session, resident_id=person, consent_id=consent_id, now=now())
        assert session.get_one(Referral, number).status == "withdrawn"
        assert list(session.scalars(machine.live_of(person))) == []


# --- light


@pytest.mark.parametrize(("language", "english"), [("en", False), ("ur", False), ("ur", True), ("ar", True)])
def test_the_pages_are_light(
    app: Flask, another_browser: Callable[..., Browser], language: str, english: bool
) -> None:
    fixed = sum(
        len(brotli.compress((assets.BUILD / built).read_bytes(), quality=11))
        for name, built in assets.manifest().items()
        if name in {"app.css", "app.js", "icon.svg"}
    )
    service_id = public_service(app)
    with app.app_context(), transaction() as session:
        there = session.get_one(CityService, service_id).organisation_id
        for name in ("Advice", "Welfare line", "Book club", "Link workers"):
            make_service(session, organisation_id=there, is_public=True, name=name, helps="health money work")
    person = another_browser(language)
    if english:
        person.get("/?english=on")
    fill_in(person, service_id)
    mail = link_in_mail(app)
    paths = [
        "/",
        "/refer",
        f"/refer/{service_id}",
        f"/refer/{service_id}/code",
        "/refer/sent",
        "/refer/done",
        mail,
    ]
    assert fill_in(person, service_id, from_name="").status_code == 422
    person.make_plan()
    person.save_plan()
    assert send_by_code(person, service_id).status_code == 303  # type: ignore[attr-defined]
    with app.app_context(), reading() as session:
        number = session.scalars(select(Referral.id).where(Referral.resident_id.is_not(None))).one()
    paths += ["/my-record/referrals", f"/my-record/referrals/{number}/take-back"]
    for path in paths:
        answer = person.get(path, headers={"Accept-Encoding": "br"})
        assert answer.status_code == 200, path
        assert len(answer.get_data()) + fixed <= 10_000, (path, len(answer.get_data()) + fixed)


def test_what_was_typed_is_no_link_and_no_markup(
    app: Flask, browser: Browser, staff_browser: Callable[..., StaffBrowser]
) -> None:
    worker = staff_browser("caseworker", organisation="Open Door")
    bad = '<a href="https://example.org">Press me</a>'
    fill_in(browser, public_service(app, worker.organisation_id), about_name=bad)
    browser.send(link_in_mail(app))
    number = the_one(app)[0].id
    page = worker.text(f"/staff/referrals/{number}/person")
    assert "Press me" in page and 'href="https://example.org"' not in page


def test_nothing_of_it_stands_in_an_address(app: Flask, browser: Browser) -> None:
    service_id = public_service(app)
    answer = fill_in(browser, service_id)
    for typed in (TYPED["from_email"], TYPED["about_name"]):
        assert typed not in answer.headers["Location"]


def test_what_staff_typed_in_english_says_so_in_another_language(app: Flask, browser: Browser) -> None:
    public_service(app, summary="We sit beside you.")
    for language, marks in (("en", 0), ("ur", 1)):
        page = browser.client.get(f"/{language}/refer").get_data(as_text=True)
        assert '<p><bdi lang="en" dir="ltr">We sit beside you.</bdi>' in page
        assert page.count('<span class="tag">') == marks


def test_all_that_is_wrong_is_said_at_once_also_where_nobody_said_who_they_are(
    app: Flask, browser: Browser
) -> None:
    nothing = dict.fromkeys(
        ("from_kind", "from_name", "from_email", "about_name", "about_contact", "why", "said_yes"), ""
    )
    answer = fill_in(browser, public_service(app), **nothing, from_organisation="")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name in nothing:
        assert page.count(f'id="{name}-error"') == 1, name
    assert page.count(public.SAY_WHO) == 2  # in the summary and at the field
