"""Residents who may be reached, and servers on this machine that take or refuse what is sent."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as SMTPServer
from aiosmtpd.smtp import Envelope, Session
from flask import Flask
from sqlalchemy.orm import Session as DbSession

from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import transaction
from inclusion_app.messages import channels
from inclusion_app.people.models import ContactRoute, Resident
from tests.factories.people import make_person

NOTIFY_KEY = "test-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
PHONE, EMAIL, ADDRESS = "+447700900123", "amina@example.org", "1 Any Road\nManchester\nM14 5RQ"
VALUES = {"sms": PHONE, "call": PHONE, "email": EMAIL, "letter": ADDRESS, "caseworker": None}


def give_routes(session: DbSession, resident: Resident, *kinds: str, **values: str | None) -> None:
    """Ways to reach somebody, in this order."""
    for position, kind in enumerate(kinds):
        value = values.get(kind, VALUES[kind])
        session.add(
            ContactRoute(
                resident_id=resident.id, position=position, kind=kind, value=value, made_at=now(),
                value_hash=keyed_hash("contact", value) if value else None,
            )
        )  # fmt: skip
    session.flush()


def reachable(session: DbSession, *kinds: str, **facts: Any) -> Resident:
    """A resident with these routes."""
    person = make_person(session, **facts)
    give_routes(session, person, *kinds)
    return person


def configure(app: Flask, **more: Any) -> None:
    """Other settings for a running application."""
    app.extensions["settings"] = replace(app.extensions["settings"], **more)


class Mailbox:
    """A real SMTP server on this machine. `fault` says how the next messages are treated."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.fault: str | None = None
        self.lock = threading.Lock()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTPServer, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.fault == "unknown address":
            return "550 5.1.1 no such person <amina@example.org>"
        if self.fault == "later":
            return "451 4.7.1 try again later"
        if self.fault == "cut":
            assert server.transport is not None
            server.transport.abort()
            return "421 gone"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTPServer, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.fault == "sender refused":
            return "550 5.7.1 not you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTPServer, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.fault == "text refused":
            return "554 5.6.0 not this"
        if self.fault == "busy":
            return "452 4.2.2 full"
        with self.lock:
            self.mails.append(envelope)
        return "250 OK"


class AnyPort(Controller):
    """Takes whatever port is free, and says which."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    """The server and its address."""
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)  # type: ignore[arg-type]
    controller.start()
    yield box, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@dataclass
class Provider:
    """A provider of text messages on this machine that speaks Notify's contract, and the door's."""

    url: str = ""
    fault: str | int | None = None
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """POST /v2/notifications/sms answers 201 with an id; POST /door answers 200."""
    found, lock = Provider(), threading.Lock()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if found.fault == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if found.fault == "slow":
                time.sleep(1.0)
            status = found.fault if isinstance(found.fault, int) else 201
            with lock:
                if status < 300:
                    found.taken.append(body)
                    found.headers.append(dict(self.headers))
                number = f"740e5834-3a29-46b4-9a6f-{len(found.taken):012d}"
            said = (
                {"id": number, "reference": body.get("reference"), "content": {}, "uri": "x", "template": {}}
                if status < 300
                else {"status_code": status, "errors": [{"error": "X", "message": body.get("to", "")}]}
            )
            text = b"<html>" if found.fault == "no json" else json.dumps(said).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{found.url}/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...

    server = Quiet(("127.0.0.1", 0), Answer)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def with_mail(mailbox: tuple[Mailbox, str], app: Flask) -> Mailbox:
    """The application with that mail server."""
    configure(app, mail_url=mailbox[1], mail_from="roadmap@example.org")
    return mailbox[0]


@pytest.fixture
def with_notify(provider: Provider, app: Flask) -> Provider:
    """The application with that provider in the place of GOV.UK Notify."""
    configure(app, sms=NOTIFY_KEY, sms_template=TEMPLATE, sms_url=provider.url)
    return provider


@pytest.fixture
def make(app: Flask) -> Callable[..., int]:
    """Residents by their routes: `make("sms", "letter", safe_contact={…})` gives a number."""

    def made(*kinds: str, **facts: Any) -> int:
        with app.app_context(), transaction() as session:
            return reachable(session, *kinds, **facts).id

    return made


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds in a test."""
    monkeypatch.setattr(channels, "SECONDS", 0.4)
