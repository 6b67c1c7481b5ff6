"""The outbox: one row for one thing told, sent once, tried again, by the next route at the end, forgotten in time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core import clock, events, i18n
from inclusion_app.core.db import transaction
from inclusion_app.core.events import MessageWanted
from inclusion_app.messages import sending, services, templates
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.messages.templates import BadMessage
from inclusion_app.people.models import Consent, ContactRoute, Resident, Restriction
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent
from tests.messages.conftest import EMAIL, PHONE, Mailbox, Provider, configure

Make = Callable[..., int]


def want(app: Flask, resident_id: int | None = None, key: str = "thing 1", **more: Any) -> None:
    """Some room tells somebody something."""
    usual: dict[str, Any] = {"template": "request_done"} if resident_id else {}
    with app.app_context(), transaction() as session:
        events.publish(session, MessageWanted(key=key, resident_id=resident_id, **{**usual, **more}))


def rows(app: Flask) -> list[Message]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def shared_with(app: Flask, resident_id: int, **facts: Any) -> int:
    """An organisation that this resident shares their contact with."""
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        make_consent(session, resident_id=resident_id, organisation_id=organisation.id, **facts)
        return organisation.id


def send(app: Flask) -> sending.Passed:
    with app.app_context():
        return sending.send_pass()


class Later:
    """The wall clock of the room, moved on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by = timedelta(0)
        real = clock.now
        monkeypatch.setattr(clock, "now", lambda: real() + self.by)

    def pass_by(self, **time: float) -> None:
        self.by += timedelta(**time)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(monkeypatch)


# --- putting


def test_the_same_key_is_one_message(app: Flask, make: Make) -> None:
    person = make("email")
    want(app, person)
    want(app, person)
    want(app, person, key="thing 2")
    assert [row.key for row in rows(app)] == ["thing 1", "thing 2"]


def test_a_change_that_is_taken_back_tells_nobody(app: Flask, make: Make) -> None:
    person = make("email")
    with app.app_context(), pytest.raises(RuntimeError), transaction() as session:
        events.publish(session, MessageWanted("k", "request_done", resident_id=person))
        raise RuntimeError
    assert rows(app) == []


@pytest.mark.parametrize(
    "event",
    [
        {"template": "nothing_of_the_kind"},
        {"template": "consent_recorded"},
        {"template": "staff_review_due", "params": {"link": "x"}},
        {"staff_id": 1},
        {"key": "k" * 81},
        {"key": ""},
        {"key": "a~1"},
    ],
)
def test_a_wrong_message_is_found_where_it_is_asked_for(
    app: Flask, make: Make, event: dict[str, Any]
) -> None:
    person = make("email")
    with pytest.raises(BadMessage):
        want(app, person, **event)


def test_staff_are_told_by_email_and_who_has_left_is_not(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        here = make_staff(session, organisation_id=organisation.id, email="here@example.org").id
        gone = make_staff(session, organisation_id=organisation.id, left_at=clock.now()).id
    for number in (here, gone):
        want(app, key=f"m {number}", template="staff_feedback", staff_id=number, params={"link": "https://x"})
    want(app, key="new", template="staff_feedback", email="new@example.org", params={"link": "https://x"})
    assert [(row.channel, row.to) for row in rows(app)] == [
        ("email", "here@example.org"),
        ("email", "new@example.org"),
    ]


def test_the_first_route_the_person_allows_is_taken(app: Flask, make: Make) -> None:
    person = make("call", "letter", "sms", safe_contact={"never_call": True, "no_letter": True})
    want(app, person, organisation_id=shared_with(app, person))
    (row,) = rows(app)
    assert (row.channel, row.to, row.state) == ("sms", PHONE, "waiting")


def test_without_a_safe_route_the_row_stays_as_dropped_and_holds_nothing(app: Flask, make: Make) -> None:
    person = make("call", safe_contact={"never_call": True})
    want(app, person, organisation_id=shared_with(app, person))
    (row,) = rows(app)
    assert (row.state, row.fault, row.to, row.params) == ("dropped", "no safe route", None, None)
    assert send(app).sent == 0


@pytest.mark.parametrize("kind", ["letter", "call", "caseworker"])
def test_a_letter_or_call_lands_in_the_tray_of_the_organisation(app: Flask, make: Make, kind: str) -> None:
    person = make(kind)
    organisation = shared_with(app, person)
    want(app, person, organisation_id=organisation)
    with app.app_context(), transaction() as session:
        item = session.scalars(select(TrayItem)).one()
        assert (item.organisation_id, item.kind) == (organisation, "call" if kind == "caseworker" else kind)
        assert (item.message.to is None) == (kind == "caseworker")


@pytest.mark.parametrize("why", ["rule", "restriction", "withdrawn", "over", "other item", "closed"])
def test_no_tray_of_an_organisation_the_person_does_not_want(app: Flask, make: Make, why: str) -> None:
    person = make("letter", "email")
    items = ("plan",) if why == "other item" else ("contact",)
    organisation = shared_with(app, person, items=items)
    with app.app_context(), transaction() as session:
        resident, consent = session.get_one(Resident, person), session.scalars(select(Consent)).one()
        if why == "rule":
            resident.safe_contact = {"not_organisations": [organisation]}
        elif why == "restriction":
            session.add(Restriction(resident_id=person, organisation_id=organisation, made_at=clock.now()))
        elif why == "withdrawn":
            consent.withdrawn_at = clock.now()
        elif why == "over":
            consent.until_at = clock.now()
        elif why == "closed":
            from inclusion_app.accounts.models import Organisation

            session.get_one(Organisation, organisation).closed_at = clock.now()
    want(app, person, organisation_id=organisation)
    assert [row.channel for row in rows(app)] == ["email"]


# --- sending


def test_what_waits_is_sent_once(app: Flask, make: Make, with_mail: Mailbox, with_notify: Provider) -> None:
    want(app, make("email"), key="a")
    want(app, make("sms"), key="b")
    assert send(app) == sending.Passed(sent=2)
    assert send(app) == sending.Passed()
    assert [mail.rcpt_tos for mail in with_mail.mails] == [[EMAIL]]
    assert [text["phone_number"] for text in with_notify.taken] == [PHONE]
    first, second = rows(app)
    assert first.state == second.state == "sent"
    assert second.provider_id
    assert second.tries == 1


def test_who_reads_none_of_our_languages_best_gets_the_one_of_their_plan(app: Flask, make: Make) -> None:
    want(app, make("email", language="ur", read="so"))
    want(app, make("email", language="so", read="xx"), key="thing 2")
    assert [row.language for row in rows(app)] == ["ur", "en"]


@pytest.mark.parametrize(
    ("rule", "channel", "says", "hides"),
    [({}, "email", "http://x/record", "We are sorry."),
     ({"no_service_name": True}, "letter", "We are sorry.", "http://x/record")],
)  # fmt: skip
def test_an_answer_is_read_on_paper_and_linked_to_by_wire(
    app: Flask, make: Make, rule: dict[str, Any], channel: str, says: str, hides: str
) -> None:
    number = make("email", "letter", safe_contact=rule)
    organisation = shared_with(app, number)
    params = {"link": "http://x/record", "words": "We are sorry."}
    want(app, number, template="feedback_answered", params=params, organisation_id=organisation)
    (row,) = rows(app)
    assert row.channel == channel
    template = templates.template_of(row.template)
    with app.app_context(), app.test_request_context():
        if channel == "letter":
            said = " ".join(
                pair.own for pair in templates.lines_in_both(template, row.params or {}, i18n.ENGLISH)
            )
        else:
            said = templates.write(
                template, row.params or {}, language=i18n.ENGLISH, channel=channel, service_name=None
            ).body
    assert says in said and hides not in said


def test_a_message_speaks_the_language_the_person_reads(app: Flask, make: Make, with_mail: Mailbox) -> None:
    want(app, make("email", language="en", read="ar"))
    send(app)
    assert rows(app)[0].language == "ar"


def test_tries_come_later_and_later_and_then_it_is_dead(
    app: Flask, make: Make, with_mail: Mailbox, later: Later
) -> None:
    with_mail.fault = "later"
    want(app, make("email"))
    waits = []
    for _ in range(6):
        assert send(app).failed == 1
        assert send(app) == sending.Passed()  # not before its time
        (row,) = rows(app)
        waits.append(round((row.next_try_at - clock.now()).total_seconds() / 60))
        later.by += max(row.next_try_at - clock.now(), timedelta(0)) + timedelta(seconds=1)
    assert waits[:5] == [1, 5, 15, 60, 240]
    assert (row.state, row.tries, row.fault) == ("dead", 6, "provider trouble")
    later.pass_by(days=2)
    assert send(app) == sending.Passed()
    with_mail.fault = None
    with app.app_context(), transaction() as session:
        services.send_again(session, message_id=row.id, now=clock.now())
    assert send(app).sent == 1


def test_every_try_has_the_same_message_id(app: Flask, make: Make, with_mail: Mailbox, later: Later) -> None:
    want(app, make("email"))
    with app.app_context(), transaction() as session:
        claim = services.claim(session, now=clock.now())
    assert claim is not None
    # The worker that claimed it died after sending, so nobody knows; another takes over after two minutes.
    assert send(app) == sending.Passed()
    with app.app_context():
        made = sending._make(_reading(app), claim.number, clock.now())
    later.pass_by(minutes=3)
    assert send(app).sent == 1
    assert isinstance(made, sending.Outgoing)
    assert f"<{made.reference}@example.org>".encode() in with_mail.mails[0].content  # type: ignore[operator]
    assert rows(app)[0].tries == 2


def _reading(app: Flask) -> Any:
    from sqlalchemy.orm import Session

    return Session(app.extensions["engine"])


def test_who_comes_back_after_the_claim_ran_out_changes_nothing(app: Flask, make: Make, later: Later) -> None:
    want(app, make("email"))
    with app.app_context(), transaction() as session:
        old = services.claim(session, now=clock.now())
    later.pass_by(minutes=3)
    with app.app_context(), transaction() as session:
        services.release_claims(session, now=clock.now())
        new = services.claim(session, now=clock.now())
        assert old and new and new.number == old.number
        assert not services.mark_sent(session, claim=old, provider_id=None, now=clock.now())
        services.mark_failed(session, claim=old, fault="x", permanent=True, channels=(), now=clock.now())
        assert services.mark_sent(session, claim=new, provider_id=None, now=clock.now())


def test_a_claim_that_ran_out_six_times_is_dead(app: Flask, make: Make, later: Later) -> None:
    want(app, make("email", "sms"))
    for _ in range(6):
        with app.app_context(), transaction() as session:
            services.release_claims(session, now=clock.now())
            assert services.claim(session, now=clock.now())
        later.pass_by(minutes=3)
    with app.app_context(), transaction() as session:
        services.release_claims(session, now=clock.now(), channels=("email", "sms"))
    dead, following = rows(app)
    assert (dead.state, dead.fault) == ("dead", "claim ran out")
    assert (following.channel, following.state) == ("sms", "waiting")


def test_a_refused_address_is_dead_at_once_and_the_next_route_is_taken(
    app: Flask, make: Make, with_mail: Mailbox, with_notify: Provider
) -> None:
    with_mail.fault = "unknown address"
    want(app, make("email", "sms"))
    assert send(app) == sending.Passed(sent=1, failed=1)
    first, second = rows(app)
    assert (first.state, first.fault, first.tries) == ("dead", "address refused", 1)
    assert (second.key, second.channel, second.state) == ("thing 1~1", "sms", "sent")
    assert second.made_at == first.made_at


def test_each_route_is_tried_once(app: Flask, make: Make, with_mail: Mailbox, with_notify: Provider) -> None:
    with_mail.fault, with_notify.fault = "unknown address", 400
    person = make("email", "sms", "letter")
    want(app, person, organisation_id=shared_with(app, person))
    assert send(app).failed == 2
    assert [(row.channel, row.state) for row in rows(app)] == [
        ("email", "dead"), ("sms", "dead"), ("letter", "waiting"),
    ]  # fmt: skip


def test_only_in_the_hours_the_person_said(app: Flask, make: Make, with_mail: Mailbox, later: Later) -> None:
    begin = (clock.now() + timedelta(hours=5)).astimezone(clock.LONDON)
    hours = [f"{begin:%H:%M}", f"{begin + timedelta(hours=1):%H:%M}"]
    person = make("email")
    want(app, person)
    # Said after the message was put: the worker asks again.
    with app.app_context(), transaction() as session:
        session.get_one(Resident, person).safe_contact = {"hours": hours}
    assert send(app) == sending.Passed(put_off=1)
    assert rows(app)[0].tries == 0
    assert send(app) == sending.Passed()
    later.pass_by(hours=5)
    assert send(app).sent == 1


@pytest.mark.parametrize("change", ["rule", "route", "stop"])
def test_a_rule_that_changed_meanwhile_is_obeyed(
    app: Flask, make: Make, with_mail: Mailbox, with_notify: Provider, change: str
) -> None:
    person = make("sms", "email")
    want(app, person, template="consent_recorded", params={"organisation": "Red Door", "link": "https://x"})
    with app.app_context(), transaction() as session:
        if change == "rule":
            session.get_one(Resident, person).safe_contact = {"no_service_name": True}
        elif change == "route":
            session.delete(session.scalars(select(ContactRoute).where(ContactRoute.kind == "sms")).one())
        else:
            services.stop_number(session, number="07700 900 123", now=clock.now())
    passed = send(app)
    assert not with_notify.taken
    assert rows(app)[0].fault == "rule changed"
    # A link names the service by its address: then no e-mail either.
    assert passed.sent == (0 if change == "rule" else 1)


def test_for_whom_the_service_may_not_be_named(app: Flask, make: Make, with_mail: Mailbox) -> None:
    want(app, make("email", safe_contact={"no_service_name": True}))
    want(app, make("email"), key="other")
    send(app)
    shy, open_one = (str(mail.content) for mail in with_mail.mails)
    assert "My digital roadmap" not in shy
    assert "My digital roadmap" in open_one


def test_a_link_that_opens_nothing_any_more_is_not_sent(
    app: Flask, make: Make, with_mail: Mailbox, later: Later
) -> None:
    params = {"link": "https://x", "minutes": "30"}
    want(app, make("email", "sms"), template="resident_link", params=params)
    later.pass_by(minutes=31)
    assert send(app).failed == 1
    assert [(row.state, row.fault) for row in rows(app)] == [("dead", "too late")]
    assert not with_mail.mails


def test_one_message_that_cannot_be_read_keeps_no_other_back(
    app: Flask, make: Make, with_mail: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    from sqlalchemy import text

    want(app, make("email"), key="broken")
    want(app, make("email"), key="whole")
    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE messages SET params = 'nonsense' WHERE key = 'broken'"))
    with app.app_context():
        passed = sending.send_pass()
    assert (passed.sent, passed.failed) == (1, 1)
    assert EMAIL not in caplog.text
    with app.app_context(), transaction() as session:
        session.execute(text("DELETE FROM messages WHERE key = 'broken'"))


def test_texts_are_forgotten_after_30_days(app: Flask, make: Make, with_mail: Mailbox) -> None:
    want(app, make("email"), key="sent")
    send(app)
    want(app, make("email"), key="waits")
    want(app, make("call"), key="dropped")

    def forget(when: datetime) -> int:
        with app.app_context(), transaction() as session:
            return services.delete_old_texts(session, now=when)

    assert forget(clock.now() + timedelta(days=29)) == 0
    assert forget(clock.now() + timedelta(days=31)) == 1
    sent, waits, _dropped = rows(app)
    assert (sent.params, sent.to, sent.state) == (None, None, "sent")
    assert waits.to == EMAIL


def test_a_person_who_goes_takes_their_messages_along(app: Flask, make: Make) -> None:
    from inclusion_app.messages import holding
    from inclusion_app.people import services as people

    person = make("email")
    want(app, person)
    send(app)
    folder = app.extensions["settings"].instance / "outbox"
    assert len(list(folder.iterdir())) == 1
    with app.app_context(), transaction() as session:
        assert holding.describe(session, person)[0].label == "What you asked for is ready"
        assert holding.export(session, person)["messages"][0]["to"] == EMAIL
        holding.erase(session, person)
        people.delete_resident(session, resident=session.get_one(Resident, person), now=clock.now())
    assert rows(app) == []
    assert list(folder.iterdir()) == []


# --- several workers


def test_four_workers_send_each_message_once(service_on_both: Flask, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    app = service_on_both
    configure(app, mail_url=url, mail_from="roadmap@example.org")
    count = 40
    with app.app_context(), transaction() as session:
        for number in range(count):
            wanted = MessageWanted(
                f"m {number}", "staff_feedback", email=f"p{number}@example.org", params={"link": "https://x"}
            )
            events.publish(session, wanted)
    passed: list[sending.Passed] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        with app.app_context():
            passed.append(sending.send_pass())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.sent for one in passed) == count
    got = sorted(mail.rcpt_tos[0] for mail in box.mails)
    assert got == sorted(f"p{number}@example.org" for number in range(count))
