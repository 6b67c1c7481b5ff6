"""What the provider of text messages tells us, and who may tell it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from inclusion_app.core import clock
from inclusion_app.core.db import transaction
from inclusion_app.messages import queries
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Resident
from tests.messages.conftest import PHONE, Provider, configure
from tests.messages.test_outbox import rows, send, want

TOKEN = "a token of the provider"
NOBODY = "740e5834-3a29-46b4-9a6f-999999999999"


@pytest.fixture
def tell(app: Flask) -> Callable[..., TestResponse]:
    configure(app, notify_callback_token=TOKEN)
    client = app.test_client()

    def told(what: str, token: str | None = TOKEN, **facts: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.post(f"/hooks/notify/{what}", json=facts, headers=headers)

    return told


Tell = Callable[..., TestResponse]


def sent_text(app: Flask, make: Callable[..., int], *more: str) -> Message:
    want(app, make("sms", *more))
    assert send(app).sent == 1
    return rows(app)[0]


@pytest.mark.parametrize("what", ["receipt", "inbound"])
def test_without_a_token_of_ours_the_addresses_do_not_exist(app: Flask, what: str) -> None:
    client = app.test_client()
    assert client.post(f"/hooks/notify/{what}", json={}).status_code == 404


@pytest.mark.parametrize("what", ["receipt", "inbound"])
@pytest.mark.parametrize("token", [None, "", "another", TOKEN[:-1], TOKEN + "x", "ä"])
def test_nobody_else_may_tell(tell: Tell, what: str, token: str | None) -> None:
    if token == "ä":
        token = "ä".encode().decode("latin-1")
    answer = tell(what, token, id=NOBODY, status="delivered", source_number=PHONE, message="stop")
    assert answer.status_code == 403


@pytest.mark.parametrize("status", ["permanent-failure", "temporary-failure", "technical-failure"])
def test_what_was_not_delivered_is_dead_and_the_next_route_is_taken_once(
    app: Flask, make: Callable[..., int], with_notify: Provider, tell: Tell, status: str
) -> None:
    row = sent_text(app, make, "email")
    for _ in range(2):  # Notify may tell it twice
        assert tell("receipt", id=row.provider_id, status=status).status_code == 204
    assert [(one.channel, one.state, one.fault) for one in rows(app)] == [
        ("sms", "dead", "not delivered"),
        ("email", "waiting", None),
    ]


def test_what_was_delivered_stays_sent(
    app: Flask, make: Callable[..., int], with_notify: Provider, tell: Tell
) -> None:
    row = sent_text(app, make, "email")
    assert tell("receipt", id=row.provider_id, status="delivered").status_code == 204
    assert [one.state for one in rows(app)] == ["sent"]


def test_what_is_not_ours_is_asked_for_again_later(tell: Tell) -> None:
    assert tell("receipt", id=NOBODY, status="delivered").status_code == 404


@pytest.mark.parametrize(
    "facts",
    [
        {}, {"id": 7, "status": "delivered"}, {"id": NOBODY}, {"id": NOBODY, "status": ["x"]},
        {"id": NOBODY + "\0", "status": "delivered"}, {"id": "x" * 100_000, "status": "delivered"},
        {"id": NOBODY, "status": "sending"}, {"id": {"a": 1}, "status": None},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(tell: Tell, facts: dict[str, Any]) -> None:
    assert tell("receipt", **facts).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\0", b"[" * 5000])
def test_what_is_no_json_object_is_refused(app: Flask, tell: Tell, body: bytes) -> None:
    answer = app.test_client().post(
        "/hooks/notify/inbound", data=body, headers={"Authorization": f"Bearer {TOKEN}"},
        content_type="application/json",
    )  # fmt: skip
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused(app: Flask, tell: Tell) -> None:
    answer = tell("inbound", source_number=PHONE, message="x" * 300_000)
    assert answer.status_code in {400, 413}


def routes_of(app: Flask, person: int) -> list[str]:
    with app.app_context(), transaction() as session:
        resident = session.get_one(Resident, person)
        reach = queries.reach_of(session, resident=resident, organisation_id=None, now=clock.now())
        return [route.kind for route in reach.routes]


@pytest.mark.parametrize("words", ["STOP", " stop. ", "Stop!", "UNSUBSCRIBE", "stop\nall"])
def test_stop_ends_texts_to_that_number_and_start_begins_again(
    app: Flask, make: Callable[..., int], tell: Tell, words: str
) -> None:
    person = make("sms", "email", "call")
    for _ in range(2):
        assert tell("inbound", source_number="447700900123", message=words).status_code == 204
    assert routes_of(app, person) == ["email", "call"]
    want(app, person)
    assert rows(app)[0].channel == "email"
    assert tell("inbound", source_number="447700900123", message="start").status_code == 204
    assert routes_of(app, person) == ["sms", "email", "call"]


def test_other_answers_change_nothing_and_are_kept_nowhere(
    app: Flask, make: Callable[..., int], tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    person = make("sms")
    assert tell("inbound", source_number=PHONE, message="Please stop my neighbour").status_code == 204
    assert routes_of(app, person) == ["sms"]
    assert "neighbour" not in caplog.text


@pytest.mark.parametrize("number", ["", "x", None, 7, "0" * 200, "\0447700900123"])
def test_a_number_that_is_none_is_refused(tell: Tell, number: Any) -> None:
    assert tell("inbound", source_number=number, message="stop").status_code == 400


def test_the_hooks_alone_need_no_token_of_a_form(app: Flask, tell: Tell) -> None:
    """Taken out for these two, and for nothing beside them."""
    exempt = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        and f"{(view := app.view_functions[rule.endpoint]).__module__}.{view.__name__}"
        in app.extensions["csrf"]._exempt_views
    }
    assert exempt == {"messages.receipt", "messages.inbound"}


def test_messages_have_the_numbers_a_provider_gave(
    app: Flask, make: Callable[..., int], with_notify: Provider
) -> None:
    row = sent_text(app, make)
    given = "740e5834-3a29-46b4-9a6f-000000000001"
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Message.id).where(Message.provider_id == given)).all() == [row.id]
