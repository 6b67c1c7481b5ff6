"""People who can sign in, the messages they would get, and a clock that tests move."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from inclusion_app.accounts import factors, passwords
from inclusion_app.accounts.models import Totp
from inclusion_app.core import clock, events, staff_sessions
from inclusion_app.core.db import transaction
from inclusion_app.core.events import MessageWanted
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.keys import SoftKey

PASSWORD = "seven green umbrellas sing"
HASHED = passwords.hash_password(PASSWORD)


@dataclass
class Worker:
    """Somebody with an account, at a browser where nobody is signed in."""

    app: Flask
    staff_id: int
    email: str
    secret: str | None
    codes: list[str]
    browser: StaffBrowser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = StaffBrowser(self.app)

    def give_password(self, password: str = PASSWORD, **more: Any) -> TestResponse:
        """The first page."""
        return self.browser.send("/staff/sign-in", email=self.email, password=password, **more)

    def app_code(self, moment: datetime | None = None, steps: int = 0) -> str:
        """What the app shows now, or so many steps of 30 seconds from now."""
        assert self.secret
        return pyotp.TOTP(self.secret).at(moment or clock.now(), counter_offset=steps)

    def sign_in(self, **more: Any) -> TestResponse:
        """Both pages."""
        assert self.give_password(**more).status_code == 303
        return self.browser.send("/staff/sign-in/second", code=self.app_code(), **more)

    def challenge(self, purpose: str, form_on: str) -> TestResponse:
        """What the script of a page asks for."""
        return self.browser.send("/staff/sign-in/challenge", form_on=form_on, purpose=purpose)

    def add_key(self, key: SoftKey, label: str = "Blue key", on: str = "/staff/factors/key") -> TestResponse:
        """Add a key with the page for it."""
        asked = self.challenge("add", on)
        return self.browser.send(on, label=label, answer=key.make(json.loads(asked.get_data())))


@pytest.fixture
def worker(app: Flask) -> Callable[..., Worker]:
    """Make people with a password: `worker()` has an app and ten codes, `worker(app_set=False)` is new."""
    return lambda **facts: make_worker(app, **facts)


def make_worker(app: Flask, *, app_set: bool = True, organisation: str = "Red Door", **facts: Any) -> Worker:
    """A caseworker of a charity of this name."""
    with app.app_context(), transaction() as session:
        number = make_organisation(session, name=organisation).id
        usual = {"roles": ("caseworker",), "password_hash": HASHED}
        person = make_staff(session, organisation_id=number, **{**usual, **facts})
        secret, codes = None, []
        if app_set:
            secret = pyotp.random_base32()
            moment = clock.now()
            session.add(Totp(staff_id=person.id, secret=secret, made_at=moment, confirmed_at=moment))
            codes = factors.new_recovery_codes(session, staff_id=person.id, now=moment)
        return Worker(app, person.id, person.email, secret, codes)


@pytest.fixture
def mails(app: Flask) -> Iterator[list[MessageWanted]]:
    """What would be told by e-mail."""
    found: list[MessageWanted] = []

    def keep(_session: Any, wanted: MessageWanted) -> None:
        found.append(wanted)

    handlers = events._handlers.setdefault(MessageWanted, [])
    handlers.append(keep)
    yield found
    handlers.remove(keep)


class Moving:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.by = timedelta()
        self._real = clock.now

    def __call__(self) -> datetime:
        return self._real() + self.by

    def forward(self, **much: float) -> None:
        """Move it on."""
        self.by += timedelta(**much)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Moving:
    """Move the clock of the pages: `time.forward(minutes=6)`."""
    from inclusion_app.accounts import factor_views, recover_views, session_views, sign_in_views, views
    from inclusion_app.core import access

    moving = Moving()
    for module in (factor_views, recover_views, session_views, sign_in_views, views):
        monkeypatch.setattr(module, "now", moving)
    monkeypatch.setattr(staff_sessions, "clock_now", moving)
    monkeypatch.setattr(access, "clock_now", moving)
    monkeypatch.setattr(clock, "now", moving)
    return moving


def errors(answer: TestResponse) -> str:
    """What the page says is wrong."""
    found = re.search(r'class="error-summary".*?</div>', answer.get_data(as_text=True), re.S)
    return found[0] if found else ""
