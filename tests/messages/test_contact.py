"""To whom a booking names: one way, typed for one thing, taken back when that ends, and forgotten in time."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.core import clock, events, i18n, paper
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import transaction
from inclusion_app.core.events import Contact, MessageWanted
from inclusion_app.messages import sending, services, templates
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.messages.templates import BadMessage
from tests.conftest import StaffBrowser, sign_in_staff
from tests.factories.people import make_consent
from tests.messages.conftest import ADDRESS, EMAIL, PHONE, Mailbox, Provider, configure, reachable
from tests.messages.test_outbox import Later, rows, send

VALUES = {"sms": PHONE, "call": PHONE, "email": EMAIL, "letter": ADDRESS}
LINK = "https://roadmap.example.org/en/book/ABCD2345"
WHEN = {"when": "2027-03-29T09:30:00+00:00"}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(monkeypatch)


def tell(app: Flask, kind: str, organisation_id: int | None = None, **more: Any) -> Message:
    """Training tells whom booking 7 names."""
    known = {name: more.pop(name) for name in ("name", "is_discreet") if name in more}
    contact = Contact(kind, VALUES[kind], **known)
    usual: dict[str, Any] = {
        "key": "training booked 7",
        "template": "training_booked",
        "params": WHEN,
        "about": "booking 7",
    }
    with app.app_context(), transaction() as session:
        wanted = MessageWanted(**{**usual, **more}, contact=contact, organisation_id=organisation_id)
        events.publish(session, wanted)
    return rows(app)[-1]


def organiser(app: Flask, organisation: str = "Red Door") -> StaffBrowser:
    return sign_in_staff(app, "training_organiser", organisation=organisation)


def awake(monkeypatch: pytest.MonkeyPatch, hour: int = 12) -> None:
    at = clock.now().replace(hour=hour, minute=0)
    monkeypatch.setattr(clock, "now", lambda: at)


# --- putting


@pytest.mark.parametrize("kind", ["sms", "email"])
def test_a_channel_that_is_not_set_up_is_dropped_and_seen(app: Flask, kind: str) -> None:
    with_post = organiser(app)
    configure(app, base_url="https://roadmap.example.org")  # no folder for what is not sent
    row = tell(app, kind, with_post.organisation_id)
    assert (row.state, row.fault, row.to, row.params, row.to_name) == (
        "dropped",
        "no safe route",
        None,
        None,
        None,
    )
    admin = sign_in_staff(app, "organisation_admin")
    configure(app, base_url=None)
    assert "1" in admin.text("/staff/tray/watch")
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Message.organisation_id)).all() == [admin.organisation_id]


def test_a_stopped_number_gets_nothing(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        services.stop_number(session, number="07700 900123", now=clock.now())
    assert tell(app, "sms").state == "dropped"
    assert tell(app, "call", organiser(app).organisation_id, key="another").state == "waiting"


def test_a_number_stopped_after_it_was_put_gets_nothing(
    app: Flask, with_notify: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake(monkeypatch)
    assert tell(app, "sms").state == "waiting"
    with app.app_context(), transaction() as session:
        services.stop_number(session, number=PHONE, now=clock.now())
    send(app)
    (row,) = rows(app)
    assert (row.state, row.fault) == ("dead", "rule changed")
    assert with_notify.taken == []


def test_the_message_of_the_day_takes_no_letter(app: Flask) -> None:
    row = tell(
        app, "letter", organiser(app).organisation_id, template="training_remind_hours", params={"time": "x"}
    )
    assert row.state == "dropped"


def test_a_discreet_contact_never_gets_a_link_by_wire(app: Flask) -> None:
    params = {**WHEN, "link": LINK}
    assert tell(app, "sms", is_discreet=True, params=params).state == "dropped"
    assert tell(app, "sms", is_discreet=True, key="plain").state == "waiting"
    assert tell(app, "sms", params=params, key="open").state == "waiting"


def test_a_discreet_mail_names_nothing(
    app: Flask, with_mail: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake(monkeypatch)
    tell(app, "email", is_discreet=True)
    send(app)
    (envelope,) = with_mail.mails
    read = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
    text = str(read["subject"]) + read.get_content()
    assert "You have a place." in text
    for word in ("roadmap", "digital", "inclusion"):
        assert word not in text.lower()


TYPED = [
    ("training_new_room", {"room": "Digital CANARY room"}, "new room"),
    ("training_bring", {"things": "your digital CANARY"}, "a message about your session"),
    ("training_words", {"words": "My digital CANARY roadmap"}, "a message about your session"),
]


@pytest.mark.parametrize(("template", "typed", "said"), TYPED)
def test_a_discreet_mail_has_no_words_that_somebody_typed(
    app: Flask,
    with_mail: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    template: str,
    typed: dict[str, str],
    said: str,
) -> None:
    awake(monkeypatch)
    tell(app, "email", is_discreet=True, template=template, params=typed)
    tell(app, "email", template=template, params=typed, key="open")
    send(app)
    bodies = []
    for envelope in with_mail.mails:
        read = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        bodies.append(str(read["subject"]) + read.get_content())
    quiet, plain = bodies
    assert "CANARY" not in quiet and "digital" not in quiet
    assert said in quiet
    assert "on the page of your code" in quiet
    assert "CANARY" in plain


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize(("template", "typed", "said"), TYPED)
def test_a_discreet_text_has_no_words_that_somebody_typed(
    app: Flask, template: str, typed: dict[str, str], said: str, language: str
) -> None:
    with app.app_context():
        text = templates.write(
            templates.template_of(template), typed, language=i18n.language_for(language), channel="sms",
            service_name=None,
        ).body  # fmt: skip
    assert text and "CANARY" not in text
    assert said in text or language != "en"


@pytest.mark.parametrize(("template", "typed", "said"), TYPED)
def test_a_discreet_letter_or_call_has_no_words_that_somebody_typed(
    app: Flask, monkeypatch: pytest.MonkeyPatch, template: str, typed: dict[str, str], said: str
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: drawn.append(html) or b"%PDF")
    me = organiser(app)
    tell(app, "letter", me.organisation_id, is_discreet=True, template=template, params=typed)
    item = the_item(app)
    assert me.get(f"/staff/tray/{item}/letter.pdf").status_code == 200
    for html in (*drawn, me.text(f"/staff/tray/{item}")):
        assert "CANARY" not in html
        assert said in html


def test_nobody_posts_without_an_organisation(app: Flask) -> None:
    assert tell(app, "letter").state == "dropped"
    with app.app_context(), transaction() as session:
        assert session.scalars(select(TrayItem)).all() == []


def test_a_message_is_for_one(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        person = reachable(session, "email").id
    with pytest.raises(BadMessage):
        tell(app, "email", resident_id=person)
    with pytest.raises(BadMessage):
        tell(app, "email", template="staff_feedback", params={"link": "x"})


# --- sending


@pytest.mark.parametrize(("hour", "state"), [(12, "sent"), (3, "waiting")])
def test_no_phone_rings_at_night(
    app: Flask, with_notify: Provider, monkeypatch: pytest.MonkeyPatch, hour: int, state: str
) -> None:
    awake(monkeypatch, hour)
    tell(app, "sms")
    send(app)
    (row,) = rows(app)
    assert row.state == state
    assert row.tries == (1 if state == "sent" else 0)


def test_what_has_begun_is_told_no_more(app: Flask, with_mail: Mailbox, later: Later) -> None:
    tell(app, "email", useful_until=clock.now() + timedelta(hours=1))
    later.pass_by(hours=2)
    send(app)
    (row,) = rows(app)
    assert (row.state, row.fault) == ("dead", "too late")
    assert with_mail.mails == []


def test_what_was_taken_back_leaves_no_more(app: Flask, with_mail: Mailbox) -> None:
    tell(app, "email")
    tell(app, "email", key="other", about="booking 77")
    with app.app_context(), transaction() as session:
        assert services.take_back(session, about="booking 7", now=clock.now()) == 1
    send(app)
    assert [(row.state, row.fault) for row in rows(app)] == [("dropped", "taken back"), ("sent", None)]
    assert len(with_mail.mails) == 1


def test_one_that_is_being_sent_is_not_tried_again(app: Flask, with_mail: Mailbox, later: Later) -> None:
    """Taken back between the claim and an answer "try later": the next try would tell what is no longer true."""
    tell(app, "email")
    with app.app_context(), transaction() as session:
        claim = services.claim(session, now=clock.now())
        assert claim is not None
    with app.app_context(), transaction() as session:
        assert services.take_back(session, about="booking 7", now=clock.now()) == 0
    with app.app_context(), transaction() as session:
        services.mark_failed(
            session, claim=claim, fault="no answer", permanent=False, channels=(), now=clock.now()
        )
    later.pass_by(minutes=5)
    send(app)
    (row,) = rows(app)
    assert (row.state, row.fault) == ("dead", "too late")
    assert with_mail.mails == []


def test_only_what_begins_so_is_taken_back(app: Flask) -> None:
    tell(app, "email")
    tell(app, "email", key="training remind days 7 1 0")
    tell(app, "email", key="training remind days 7 12 0")
    with app.app_context(), transaction() as session:
        began = "training remind days 7 1 "
        assert services.take_back(session, about="booking 7", now=clock.now(), key_begins=began) == 1
    assert [row.state for row in rows(app)] == ["waiting", "dropped", "waiting"]


def test_what_was_taken_back_by_mistake_is_told_anew_once(app: Flask) -> None:
    at = clock.now()
    tell(app, "email")
    tell(app, "email", key="before")
    tell(app, "email", key="left")
    with app.app_context(), transaction() as session:
        before = at - timedelta(hours=1)
        assert services.take_back(session, about="booking 7", now=before, key_begins=["before", "none"]) == 1
        left = update(Message).where(Message.key == "left")
        session.execute(left.values(state="sent", sent_at=at))
        assert services.take_back(session, about="booking 7", now=at) == 1
        first = services.free_keys(session, about="booking 7", taken_back_at=at)
        assert (
            len(first) == 1
            and services.free_keys(session, about="booking 7", taken_back_at=at + timedelta(1)) == []
        )
    for _time in range(2):
        tell(app, "email", key=first[0])
        tell(app, "email", key="before")
        tell(app, "email", key="left")
    assert [row.state for row in rows(app)] == ["dropped", "dropped", "sent", "waiting"]


def test_what_was_tried_by_another_route_before_is_told_anew_too(app: Flask) -> None:
    tell(app, "email", key="k")
    tell(app, "email", key="longer")
    at = clock.now()
    with app.app_context(), transaction() as session:
        session.execute(update(Message).where(Message.key == "longer").values(key="k~1"))
        session.execute(update(Message).where(Message.key == "k").values(state="dead"))
        assert services.take_back(session, about="booking 7", now=at) == 1
        assert services.free_keys(session, about="booking 7", taken_back_at=at) == ["k"]
    tell(app, "email", key="k")
    assert [row.state for row in rows(app)] == ["dead", "dropped", "waiting"]


# --- the provider's tray


def the_item(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        return session.scalars(select(TrayItem.id).where(TrayItem.done_at.is_(None))).one()


def audit_rows(app: Flask) -> list[AuditRow]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.id)))


@pytest.mark.parametrize(("kind", "shown"), [("letter", "1 Any Road"), ("call", "07700 900123")])
def test_the_provider_posts_and_calls_by_name(app: Flask, kind: str, shown: str) -> None:
    me = organiser(app)
    tell(app, kind, me.organisation_id, name="Amina Canary")
    item = the_item(app)
    assert f"/staff/tray/{item}" in me.text("/staff/tray")
    assert "Canary" not in me.text("/staff/tray")
    before = len(audit_rows(app))
    page = me.text(f"/staff/tray/{item}")
    assert "Amina Canary" in page and shown in page and "You have a place." in page
    (read,) = audit_rows(app)[before:]
    assert (read.action, read.actor_id, read.resident_id) == ("read messages.tray_item", me.staff_id, None)
    assert me.send(f"/staff/tray/{item}/take", f"/staff/tray/{item}").status_code == 303
    assert me.send(f"/staff/tray/{item}/done", f"/staff/tray/{item}", outcome="strange").status_code == 422
    outcome = "posted" if kind == "letter" else "spoke"
    assert me.send(f"/staff/tray/{item}/done", f"/staff/tray/{item}", outcome=outcome).status_code == 303
    assert rows(app)[-1].state == "sent"


def test_who_gave_no_name_has_none(app: Flask) -> None:
    me = organiser(app)
    tell(app, "call", me.organisation_id)
    page = me.text(f"/staff/tray/{the_item(app)}")
    assert "No name was given." in page
    assert "does not share" not in page


def test_a_letter_to_whom_a_booking_names(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: drawn.append(html) or b"%PDF")
    me = organiser(app)
    tell(app, "letter", me.organisation_id, name="Amina Canary", is_discreet=True, language="ur")
    assert me.get(f"/staff/tray/{the_item(app)}/letter.pdf").status_code == 200
    (html,) = drawn
    assert "Amina Canary" in html and "M14 5RQ" in html
    assert "Red Door" not in html and "My digital roadmap" not in html
    assert "plain envelope" in me.text(f"/staff/tray/{the_item(app)}")


@pytest.mark.parametrize(
    ("role", "organisation"),
    [("training_organiser", "Blue Door"), ("caseworker", "Red Door"), ("data_protection", "Red Door")],
)
def test_nobody_else_opens_it(app: Flask, role: str, organisation: str) -> None:
    tell(app, "letter", organiser(app).organisation_id)
    other = sign_in_staff(app, role, organisation=organisation)
    item = the_item(app)
    assert other.get(f"/staff/tray/{item}").status_code == 404
    assert other.get(f"/staff/tray/{item}/letter.pdf").status_code == 404
    assert f"/staff/tray/{item}" not in other.text("/staff/tray")


def test_an_organiser_opens_no_letter_to_a_resident(app: Flask) -> None:
    me = organiser(app)
    with app.app_context(), transaction() as session:
        person = reachable(session, "letter").id
        make_consent(session, resident_id=person, organisation_id=me.organisation_id)
        events.publish(
            session,
            MessageWanted("k", "request_done", resident_id=person, organisation_id=me.organisation_id),
        )
    assert me.get(f"/staff/tray/{the_item(app)}").status_code == 404


def test_what_is_taken_back_leaves_the_tray(app: Flask) -> None:
    me = organiser(app)
    tell(app, "letter", me.organisation_id, name="Amina Canary")
    item = the_item(app)
    with app.app_context(), transaction() as session:
        services.take_back(session, about="booking 7", now=clock.now())
    assert me.get(f"/staff/tray/{item}").status_code == 404
    (row,) = rows(app)
    assert (row.state, row.fault, row.to, row.to_name, row.params) == (
        "dropped",
        "taken back",
        None,
        None,
        None,
    )


def test_what_is_over_leaves_the_tray(app: Flask, later: Later) -> None:
    me = organiser(app)
    tell(app, "call", me.organisation_id, useful_until=clock.now() + timedelta(minutes=5))
    item = the_item(app)
    later.pass_by(minutes=6)
    with app.app_context():
        sending.look_at_trays()
    with app.app_context(), transaction() as session:
        assert session.get_one(TrayItem, item).outcome == "could_not"
    assert rows(app)[0].state == "dead"


# --- what is forgotten


@pytest.mark.parametrize("state", ["sent", "dead", "dropped"])
def test_words_address_and_name_are_gone_after_30_days(app: Flask, later: Later, state: str) -> None:
    tell(app, "letter", organiser(app).organisation_id, name="Amina Canary")
    ended = {"sent_at": clock.now()} if state == "sent" else {}
    with app.app_context(), transaction() as session:
        session.execute(update(Message).values(state=state, **ended))
    for days, left in ((29, True), (2, False)):
        later.pass_by(days=days)
        with app.app_context(), transaction() as session:
            services.delete_old_texts(session, now=clock.now())
        (row,) = rows(app)
        assert [value is not None for value in (row.params, row.to, row.to_name)] == [left] * 3


def test_what_was_told_about_one_booking_is_forgotten_alone(app: Flask) -> None:
    tell(app, "email", name="Amina Canary")
    tell(app, "email", key="other", about="booking 77", name="Sam")
    with app.app_context(), transaction() as session:
        services.forget_about(session, about="booking 7")
    assert [row.to_name for row in rows(app)] == [None, "Sam"]


def test_a_time_is_said_as_a_clock_shows_it(app: Flask) -> None:
    with app.app_context():
        told = templates.write(
            templates.template_of("training_remind_hours"), {"time": "2027-03-29T08:30:00+00:00"},
            language=i18n.ENGLISH, channel="sms", service_name=None,
        )  # fmt: skip
    assert told.body == "Your session begins today at 9:30."
