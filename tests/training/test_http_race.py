"""200 press "book" on 20 places at one moment, at the real web server: 20 are booked, and everybody reads a clear answer.

`RACE_RUNS=10 ./test tests/training/test_http_race.py` is the deep run.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from inclusion_app.app import create_app
from inclusion_app.config import load_settings
from inclusion_app.core import migrations
from inclusion_app.core.clock import today
from inclusion_app.core.db import transaction
from inclusion_app.training.models import Booking
from tests.conftest import FIELD_KEY, SECRET
from tests.factories.training import make_session
from tests.plugins.chromium import ROOT, end, environment_for, free_port, wait_for_page
from tests.training.test_places_race import counters_fit

RUNS = int(os.environ.get("RACE_RUNS", "1"))
WANT, PLACES, LIST = 200, 20, 30
AT_ONCE = 50  # browsers; each sends the next form as soon as it has read an answer

pytestmark = (
    pytest.mark.postgres
)  # all of them in one process, one after the other: they want the whole machine


class Form(HTMLParser):
    """What a browser without script would send of the form to book with, if nobody touched it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        if not self.forms:
            return
        fields, name = self.forms[-1], facts.get("name", "")
        if tag == "select":
            self.select = name
        if tag == "option" and self.select and (self.select not in fields or "selected" in facts):
            fields[self.select] = facts.get("value", "")
        is_choice = facts.get("type") in {"radio", "checkbox"}
        if tag == "textarea" or (tag == "input" and name and (not is_choice or "checked" in facts)):
            fields[name] = facts.get("value", "")

    def to_book(self) -> dict[str, str]:
        """The fields of the form that has a key of its own."""
        return next(fields for fields in self.forms if "form_key" in fields)


@dataclass
class Server:
    """The web server with so many workers, and the same application here, to look into its database."""

    url: str
    app: Flask
    log: Path


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    return {"INCLUSION_DATABASE_URL": request.getfixturevalue("postgres_url")}


@pytest.fixture
def start(database: dict[str, str], tmp_path: Path) -> Iterator[Callable[[int], Server]]:
    """start(workers): the web server as the service runs it."""
    running: list[subprocess.Popen[bytes]] = []
    own = {"INCLUSION_SECRET_KEY": SECRET, "INCLUSION_FIELD_KEYS": FIELD_KEY}
    badges = load_settings(own, instance=tmp_path).badge_keys  # asked for beside another database
    secrets = {**own, "INCLUSION_BADGE_KEY": badges, "INCLUSION_DEMO": "0"}
    environment = environment_for(tmp_path / "instance", **secrets, **database)
    app = create_app(load_settings(environment))
    app.testing = True

    def start(workers: int) -> Server:
        with app.app_context():
            migrations.upgrade()
        port, log = free_port(), tmp_path / "log"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "tests.training.race_app:app",
            "--bind",
            f"127.0.0.1:{port}",
        ]
        command += ["--preload", "--worker-class", "gthread", "--workers", str(workers), "--threads", "4"]
        command += ["--graceful-timeout", "2", "--no-control-socket", "--log-level", "warning"]
        with log.open("wb") as out:
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out))
        wait_for_page(f"http://127.0.0.1:{port}/healthz", running[-1], log)
        return Server(f"http://127.0.0.1:{port}", app, log)

    yield start
    for process in running:
        end(process)
    with app.app_context(), contextlib.suppress(Exception):
        migrations.downgrade("base")
    app.extensions["engine"].dispose()


def race(server: Server, address: str) -> tuple[Counter[int], list[str], float]:
    """Everybody opens the page, then all press. Returns the answers, where they led, and the seconds it took."""

    def open_page(_number: int) -> tuple[requests.Session, dict[str, str]]:
        person = requests.Session()
        person.headers["Connection"] = "close"  # each form comes over a line of its own
        page = person.get(address, timeout=60)
        assert page.status_code == 200, page.status_code
        return person, Form(page.text).to_book()

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        people = list(crowd.map(open_page, range(WANT)))
        ready = threading.Barrier(AT_ONCE)

        def press(number: int) -> tuple[int, str]:
            person, fields = people[number]
            if number < AT_ONCE:
                ready.wait(60)
            with person:
                answer = person.post(address, data=fields, allow_redirects=False, timeout=60)
            return answer.status_code, answer.headers.get("Location", "")

        began = time.monotonic()
        answers = list(crowd.map(press, range(WANT)))
        took = time.monotonic() - began
    return Counter(status for status, _where in answers), [where for _status, where in answers if where], took


@pytest.mark.parametrize("workers", [2, 8])
def test_200_press_book_on_20_places(
    start: Callable[[int], Server], workers: int, database: dict[str, str], tally: Callable[[str, int], None]
) -> None:
    server = start(workers)
    per_second = []
    for run in range(RUNS):
        with server.app.app_context(), transaction() as session:
            days = [today() + timedelta(days=10)]
            training = make_session(session, capacity=PLACES, waiting_size=LIST, days=days)
            number, slug = training.id, training.slug
        statuses, led_to, took = race(server, f"{server.url}/en/training/{slug}")
        said = f"run {run}: {dict(statuses)} in {took:.1f} s\n{server.log.read_text()[-2000:]}"
        assert set(statuses) <= {303, 422}, said
        assert statuses[303] == PLACES + LIST, said
        assert len(set(led_to)) == PLACES + LIST, said  # nobody is shown the booking of another
        assert all("/en/book/" in where for where in led_to), said
        with server.app.app_context(), transaction() as session:
            found = Counter(session.scalars(select(Booking.status).where(Booking.session_id == number)))
        assert found == {"booked": PLACES, "waitlisted": LIST}, said
        per_second.append(WANT / took)
    engine = "PostgreSQL" if database else "SQLite"
    tally(f"forms a second, {WANT} people, {workers} workers, {engine}", round(statistics.median(per_second)))
    counters_fit(server.app)
