"""What a partner without an account gets, opens and answers; and what a link never does."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from inclusion_app.core import attempts
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.staff_sessions import hash_of
from inclusion_app.messages.models import Message
from inclusion_app.people.consent_services import withdraw_consent
from inclusion_app.people.my_record_queries import looks
from inclusion_app.referrals import staff_referral_words as words
from inclusion_app.referrals.models import CityService, PartnerLink, Referral
from inclusion_app.referrals.rules import PARTNER_LINK_LIFE
from inclusion_app.referrals.services import directory, machine, owning
from tests.conftest import Browser
from tests.factories.referrals import WHY
from tests.referrals.cases import attach, note_of
from tests.referrals.paths import NAME, Doors
from tests.referrals.test_receive_pages import make_public
from tests.referrals.test_unrecorded import TYPED

EMAIL = "desk@partner.example.org"
PARTNER = {"partner_email": EMAIL}


@pytest.fixture
def doors(app: Flask) -> Doors:
    return Doors(app)


def mails(app: Flask, template: str = "partner_referral") -> list[Message]:
    with app.app_context(), transaction() as session:
        wanted = select(Message).where(Message.template == template, Message.state == "waiting")
        return list(session.scalars(wanted.order_by(Message.id)))


def token_in(mail: Message) -> str:
    assert mail.to == EMAIL
    return str(mail.params["link"]).rpartition("/p/")[2]


class Partner:
    """Somebody at a partner's desk with a link and no account."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, token: str) -> TestResponse:
        return self.client.get(f"/p/{token}")

    def post(self, token: str, what: str = "", **typed: Any) -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(token).get_data(as_text=True))
        assert found
        data = {f"{what}-{name}": value for name, value in typed.items()} | {"csrf_token": found[1]}
        return self.client.post(f"/p/{token}{'/' if what else ''}{what}", data=data)


@pytest.fixture
def partner(app: Flask) -> Partner:
    return Partner(app)


def opened_rows(app: Flask) -> list[AuditRow]:
    with app.app_context(), transaction() as session:
        return list(
            session.scalars(select(AuditRow).where(AuditRow.actor_kind == "partner").order_by(AuditRow.id))
        )


def test_a_link_is_sent_stored_hashed_and_opening_its_address_shows_and_changes_nothing(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    number = doors.refer(service=PARTNER)
    (mail,) = mails(app)
    token = token_in(mail)
    with app.app_context(), transaction() as session:
        (link,) = session.scalars(select(PartnerLink)).all()
        assert link.token_hash == hash_of(token) and link.expires_at - link.made_at == PARTNER_LINK_LIFE
    looked, strange = partner.get(token), partner.get("x" * 43)
    text = looked.get_data(as_text=True)
    assert looked.status_code == strange.status_code == 200
    assert NAME not in text and WHY not in text and f"Referral {number}" not in text
    assert looked.headers["X-Robots-Tag"].startswith("noindex")
    assert looked.headers["Referrer-Policy"] == "no-referrer" and 'name="robots"' in text
    # Of a link that nobody ever made it says the very same.
    bare = re.compile(r'name="csrf_token" value="[^"]+"')
    assert bare.sub("", text).replace(token, "T") == bare.sub("", strange.get_data(as_text=True)).replace(
        "x" * 43, "T"
    )
    assert opened_rows(app) == [] and doors.state(number) == "sent"


def test_the_button_shows_what_was_agreed_and_no_more_and_the_person_sees_who_looked(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    doors.refer(service=PARTNER, items=("contact",))
    text = partner.post(token_in(mails(app)[0])).get_data(as_text=True)
    assert "07700 900123" in text and WHY in text and NAME not in text and "Rita" not in text
    (row,) = opened_rows(app)
    assert row.items == "contact referral" and row.resident_id == doors.resident_id
    assert row.organisation_id == doors.receiver.organisation_id and row.purpose == "help"
    with app.app_context(), app.test_request_context(), transaction() as session:
        seen = looks(session, doors.resident_id, others=True)
    assert seen[0].organisation == "Blue Door" and seen[0].who


def test_a_partner_goes_the_whole_way_by_links(doors: Doors, app: Flask, partner: Partner) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    assert partner.post(token, "acknowledge").status_code == 200
    empty = partner.post(token, "ask")
    assert empty.status_code == 422 and machine.WRITE_QUESTION in empty.get_data(as_text=True)
    assert NAME in empty.get_data(as_text=True)
    assert partner.post(token, "ask", words="When do they have time?").status_code == 200
    assert doors.state(number) == "needs_info"
    # The answer is a turn that needs them: a new link is made, and the old one still works.
    sent = doors.sender.send(
        f"/staff/referrals/{number}/answer", form_on="/staff", **{"answer-words": "In the morning."}
    )
    assert sent.status_code == 303
    newer = token_in(mails(app)[-1])
    assert newer != token and "In the morning." in partner.post(newer).get_data(as_text=True)
    assert partner.post(token, "accept").status_code == 200
    twice = partner.post(token, "accept")
    assert twice.status_code == 200 and words.DONE["accept"] in twice.get_data(as_text=True)
    assert partner.post(token, "begin").status_code == 200
    done = partner.post(token, "close", outcome="got_help")
    assert (
        done.status_code == 200
        and NAME not in done.get_data(as_text=True)
        and doors.state(number) == "closed"
    )
    for old in (token, newer):
        over = partner.post(old)
        assert over.status_code == 422 and NAME not in over.get_data(as_text=True)
    shown = doors.sender.text(f"/staff/referrals/{number}")
    assert "When do they have time?" in shown and "Blue Door" in shown and "Got help" in shown
    assert [row.action for row in opened_rows(app) if not row.action.startswith("read")] == [
        "acknowledge referral", "ask referral", "accept referral", "begin referral", "close referral",
    ]  # fmt: skip


def test_a_partner_goes_on_when_they_know_it_themself(doors: Doors, app: Flask, partner: Partner) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    assert partner.post(token, "acknowledge").status_code == 200
    assert partner.post(token, "ask", words="When do they have time?").status_code == 200
    for _press in range(2):
        known = partner.post(token, "found_out")
        assert known.status_code == 200 and words.DONE["found_out"] in known.get_data(as_text=True)
    assert doors.state(number) == "acknowledged"
    # What is typed for what can be done no more stands there to copy.
    late = partner.post(token, "close", outcome="got_help", words="They came in, and all is well.")
    assert late.status_code == 422 and "They came in, and all is well." in late.get_data(as_text=True)


def test_a_partner_is_offered_only_what_the_rules_allow_now(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    text = partner.post(token).get_data(as_text=True)
    for action in ("acknowledge", "accept", "waitlist", "decline"):
        assert f'action="/p/{token}/{action}"' in text
    for action in ("ask", "begin", "close", "reroute", "reopen", "recall", "withdraw"):
        assert f'action="/p/{token}/{action}"' not in text
    assert partner.post(token, "reroute").status_code == 422
    early = partner.post(token, "begin")
    assert early.status_code == 422 and "changed already" in early.get_data(as_text=True)


def test_every_link_that_works_no_more_answers_alike(doors: Doors, app: Flask, partner: Partner) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])

    def answer(of: str, what: str = "") -> str:
        given = partner.post(of, what)
        assert given.status_code == 422
        return re.sub(r'name="csrf_token" value="[^"]+"', "", given.get_data(as_text=True)).replace(of, "T")

    unknown = answer("y" * 43)
    assert "This link works no more. Ask who sent it." in unknown and answer("y" * 43, "accept") == unknown
    with app.app_context(), transaction() as session:
        session.execute(update(PartnerLink).values(expires_at=now() - timedelta(minutes=1)))
    assert answer(token) == unknown and answer(token, "accept") == unknown
    with app.app_context(), transaction() as session:
        session.execute(update(PartnerLink).values(expires_at=now() + timedelta(days=1)))
        one = session.get_one(Referral, number)
        # Without the event: the yes ends, and whoever has the link meets the very next request.
        withdraw_consent(session, resident_id=doors.resident_id, consent_id=one.consent_id or 0, now=now())
    assert answer(token) == unknown
    assert opened_rows(app) == [] and doors.state(number) == "withdrawn"
    assert mails(app, "partner_referral_ended")


def test_a_fresh_link_goes_to_the_partners_address_and_the_answer_is_the_same_for_all(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    with app.app_context(), transaction() as session:
        session.execute(update(PartnerLink).values(expires_at=now() - timedelta(minutes=1)))
    known, unknown = partner.post(token, "fresh"), partner.post("z" * 43, "fresh")
    assert (
        known.status_code == unknown.status_code == 303 and known.location == unknown.location == "/p/asked"
    )
    assert "A new link was asked for" in partner.client.get("/p/asked").get_data(as_text=True)
    fresh = token_in(mails(app)[-1])
    assert fresh != token and partner.post(fresh).status_code == 200
    assert partner.post(token).status_code == 422
    before = len(mails(app))
    for _time in range(attempts.LINK_CODE.tries + 2):
        assert partner.post(token, "fresh").status_code == 303
    assert len(mails(app)) <= before + attempts.LINK_CODE.tries
    # What has ended sends nothing any more.
    doors.sender.send(f"/staff/referrals/{number}/recall", form_on="/staff")
    assert doors.state(number) == "recalled"
    with app.app_context(), transaction() as session:
        count = len(session.scalars(select(PartnerLink)).all())
    assert partner.post(fresh, "fresh").status_code == 303
    with app.app_context(), transaction() as session:
        assert len(session.scalars(select(PartnerLink)).all()) == count


def test_the_sender_sends_a_new_link_or_ends_it(doors: Doors, app: Flask, partner: Partner) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    address = f"/staff/referrals/{number}/partner-link"
    assert "The link of the partner" in doors.sender.text(f"/staff/referrals/{number}")
    assert doors.sender.send(address, form_on="/staff", do="send").status_code == 303
    fresh = token_in(mails(app)[-1])
    assert partner.post(token).status_code == 422 and partner.post(fresh).status_code == 200
    assert doors.sender.send(address, form_on="/staff", do="end").status_code == 303
    assert partner.post(fresh).status_code == 422
    # The sender ended it, so whoever holds an old one does not get a new one by themselves.
    partner.post(fresh, "fresh")
    assert len(mails(app)) == 2
    assert doors.receiver.send(address, form_on="/staff", do="send").status_code == 404
    for _time in range(attempts.LINK_CODE.tries):
        last = doors.sender.send(address, form_on="/staff", do="send")
    assert last.status_code == 422 and words.TOO_MANY_LINKS in last.get_data(as_text=True)
    assert doors.sender.send(address, form_on="/staff", do="x").status_code == 400


def test_where_somebody_has_an_account_no_link_is_made(doors: Doors, app: Flask) -> None:
    duty = doors.receiver.staff_id
    number = doors.refer(service=PARTNER | {"duty_staff_id": duty})
    assert mails(app) == []
    answer = doors.sender.send(f"/staff/referrals/{number}/partner-link", form_on="/staff", do="send")
    assert answer.status_code == 422
    with app.app_context(), transaction() as session:
        assert session.scalars(select(PartnerLink)).all() == []
        assert session.get_one(CityService, doors.service_id).duty_staff_id == duty


def test_nothing_of_the_link_stands_in_the_log(
    doors: Doors, app: Flask, partner: Partner, caplog: pytest.LogCaptureFixture
) -> None:
    doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    with caplog.at_level("DEBUG"):
        partner.get(token)
        partner.post(token)
        partner.post(token, "nonsense")
    assert token not in caplog.text


def test_a_form_without_its_token_of_the_page_is_refused(doors: Doors, app: Flask) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    assert app.test_client().post(f"/p/{token}/accept").status_code == 400
    assert doors.state(number) == "sent"
    # Somebody with a visit of their own is not written down as having looked.
    visitor = Browser(app)
    visitor.make_plan()
    assert visitor.client.get(f"/p/{token}").status_code == 200


def test_a_partner_reads_what_the_public_form_said(doors: Doors, app: Flask, partner: Partner) -> None:
    make_public(doors, app, partner_email=EMAIL)
    (mail,) = mails(app)
    assert mail.params["organisation"] == app.extensions["settings"].service_name
    text = partner.post(token_in(mail)).get_data(as_text=True)
    assert NAME in text and "Jo Centre" in text and WHY in text
    assert [row.resident_id for row in opened_rows(app)] == [None]


def change(doors: Doors, app: Flask, **facts: Any) -> None:
    """Whoever looks after the service says who answers for it now."""
    with app.app_context(), transaction() as session:
        service = session.get_one(CityService, doors.service_id)
        said = directory.Facts(
            name=service.name, helps=service.helps.split(), summary=service.summary, phone=service.phone,
            **{"partner_email": EMAIL, "duty_staff_id": None, **facts},
        )  # fmt: skip
        directory.change_service(session, service=service, facts=said, has_accounts=False, now=now())


def test_after_the_address_changed_the_old_link_opens_nothing_and_the_new_address_gets_one(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    change(doors, app)
    assert partner.post(token).status_code == 200 and len(mails(app)) == 1
    change(doors, app, partner_email="new@partner.example.org")
    assert partner.post(token).status_code == 422
    (newer,) = [mail for mail in mails(app) if mail.to == "new@partner.example.org"]
    assert newer.params and partner.post(str(newer.params["link"]).rpartition("/p/")[2]).status_code == 200


def test_when_staff_answer_now_no_link_opens_it_and_the_sender_ends_what_is_left(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    with app.app_context(), transaction() as session:
        # However it came about: somebody with an account answers it.
        session.get_one(CityService, doors.service_id).duty_staff_id = doors.receiver.staff_id
    assert partner.post(token).status_code == 422
    page = doors.sender.text(f"/staff/referrals/{number}")
    assert "End the link" in page and "Send a new link" not in page
    address = f"/staff/referrals/{number}/partner-link"
    assert doors.sender.send(address, form_on="/staff", do="end").status_code == 303
    assert "End the link" not in doors.sender.text(f"/staff/referrals/{number}")


def test_a_duty_or_an_owner_ends_the_links_that_were_sent(doors: Doors, app: Flask, partner: Partner) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    change(doors, app, duty_staff_id=doors.receiver.staff_id)
    change(doors, app)
    assert partner.post(token).status_code == 422
    newest = token_in(mails(app)[-1])
    with app.app_context(), transaction() as session:
        one = session.get_one(Referral, number)
        owning.give_owner(
            session, referral=one, owner_id=doors.receiver.staff_id, was=0, by_id=None, now=now()
        )
    with app.app_context(), transaction() as session:
        session.get_one(Referral, number).owner_id = None
    assert partner.post(newest).status_code == 422


def test_loaded_anew_after_an_answer_any_link_leads_back_to_its_button(partner: Partner) -> None:
    for what in ("decline", "dance", "fresh"):
        answer = partner.client.get(f"/p/{'x' * 43}/{what}")
        assert (answer.status_code, answer.location) == (303, f"/p/{'x' * 43}"), what


def test_a_partner_is_told_to_contact_only_whom_they_can_reach(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    doors.refer(service=PARTNER, mode="warm", items=("identity",))
    token = token_in(mails(app)[0])
    for said in (words.DONE["acknowledge"], words.SEEN_ALREADY):
        assert said in partner.post(token, "acknowledge").get_data(as_text=True)
    text = partner.post(token, "accept").get_data(as_text=True)
    assert words.ACCEPTED_UNREACHED in text and "you contact them" not in text


def with_notes(doors: Doors, app: Flask, *actions: str) -> int:
    """A referral with one note and what was added to it along, and one note that was not ticked."""
    number = doors.refer(*actions, service=PARTNER)
    along = note_of(app, doors.resident_id, doors.sender, words="Likes to come in the morning.")
    added = note_of(app, doors.resident_id, doors.sender, words="Or at noon.", amends_id=along)
    note_of(app, doors.resident_id, doors.sender, words="Not along.")
    for one in (along, added):
        attach(app, number, one)
    return number


def test_a_note_that_goes_along_is_read_by_the_link_and_no_other(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    with_notes(doors, app)
    text = partner.post(token_in(mails(app)[0])).get_data(as_text=True)
    assert "Likes to come in the morning." in text and "Or at noon." in text
    assert "Not along." not in text and "Rita" not in text
    (row,) = opened_rows(app)
    assert "notes" in row.items.split()


def test_a_note_of_another_referral_or_person_is_not_read_by_the_link(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    number = doors.refer(service=PARTNER)
    token = token_in(mails(app)[0])
    with app.app_context(), transaction() as session:
        stranger = doors.person(session, name="Somebody Else")
    attach(app, number, note_of(app, stranger, doors.sender, words="Of somebody else."))
    elsewhere = doors.refer(resident_id=stranger)
    attach(app, elsewhere, note_of(app, doors.resident_id, doors.sender, words="With another one."))
    text = partner.post(token).get_data(as_text=True)
    assert NAME in text and "Of somebody else." not in text and "With another one." not in text
    assert "notes" not in opened_rows(app)[-1].items.split()


@pytest.mark.parametrize("ends", ["close", "decline", "withdraw"])
def test_no_note_is_read_by_the_link_once_it_has_ended(
    doors: Doors, app: Flask, partner: Partner, ends: str
) -> None:
    number = (
        with_notes(doors, app, "acknowledge", "accept", "begin")
        if ends == "close"
        else with_notes(doors, app)
    )
    token = token_in(mails(app)[-1])
    assert "Likes to come" in partner.post(token).get_data(as_text=True)
    if ends == "withdraw":
        with app.app_context(), transaction() as session:
            consent_id = session.get_one(Referral, number).consent_id or 0
            withdraw_consent(session, resident_id=doors.resident_id, consent_id=consent_id, now=now())
    else:
        typed = {"close": {"outcome": "got_help"}, "decline": {"reason": "not_safe", "by": "provider"}}[ends]
        done = partner.post(token, ends, **typed)
        assert done.status_code == 200 and "Likes to come" not in done.get_data(as_text=True)
    over = partner.post(token)
    assert over.status_code == 422 and "Likes to come" not in over.get_data(as_text=True)


def test_a_partner_reads_how_to_contact_somebody_without_a_record_and_that_nobody_else_does(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(CityService, doors.service_id).partner_email = EMAIL
    path = f"/staff/services/{doors.service_id}/refer"
    assert doors.sender.send(path, **TYPED, once="k").status_code == 303
    token = token_in(mails(app)[0])
    text = partner.post(token).get_data(as_text=True)
    assert "Language to contact them in" in text and "Urdu" in text and "Red Door" in text
    assert "Who that is" not in text
    assert words.HINTS_UNRECORDED["waitlist"] in text and words.HINTS["waitlist"] not in text
    # Pressed twice it says the same.
    for _press in range(2):
        said = partner.post(token, "accept").get_data(as_text=True)
        assert words.DONE_UNRECORDED["accept"] in said and "person is told" not in said


def test_a_promised_day_of_somebody_without_a_record_is_the_partners_to_tell(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    make_public(doors, app, partner_email=EMAIL)
    token = token_in(mails(app)[0])
    opened = partner.post(token).get_data(as_text=True)
    assert "Who that is" in opened and "Language to contact them in" not in opened
    day = (now() + timedelta(days=10)).date()
    typed = [str(day.day), str(day.month), str(day.year)]
    said = partner.post(token, "waitlist", promised_on=typed).get_data(as_text=True)
    assert words.DONE_UNRECORDED["waitlist"] in said and "are told the day" not in said


def test_who_stands_on_no_record_takes_it_back_by_the_partner_too(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    change(doors, app, **PARTNER)
    assert doors.sender.send(f"/staff/services/{doors.service_id}/refer", **TYPED).status_code == 303
    token = token_in(mails(app)[-1])
    partner.post(token, "accept")
    assert "They take it back" in partner.post(token).get_data(as_text=True)
    done = partner.post(token, "withdraw")
    assert done.status_code == 200 and "Canary Newcomer" not in done.get_data(as_text=True)
    assert partner.post(token).status_code == 422
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Referral)).one()
        assert row.status == "withdrawn"
        told = select(Message.staff_id).where(Message.template == "staff_referral_turned")
        assert doors.sender.staff_id in session.scalars(told).all()


def test_somebody_with_a_record_is_not_taken_back_by_a_link(
    doors: Doors, app: Flask, partner: Partner
) -> None:
    number = doors.refer("acknowledge", service=PARTNER)
    token = token_in(mails(app)[-1])
    assert "They take it back" not in partner.post(token).get_data(as_text=True)
    partner.post(token, "withdraw")
    assert doors.state(number) == "acknowledged"
