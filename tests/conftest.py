"""What every test can ask for: an application on a fresh database, a client that fills in forms, one clock."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from inclusion_app.accounts.models import Organisation
from inclusion_app.app import create_app
from inclusion_app.config import Settings
from inclusion_app.core import migrations, staff_sessions
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.places.services import load_city_pack
from tests.factories.accounts import make_organisation, make_staff, sign_in

if TYPE_CHECKING:
    from tests.plugins.postgres import Cluster

pytest_plugins = [
    "tests.plugins.warm",
    "tests.plugins.postgres",
    "tests.plugins.chromium",
    "tests.plugins.no_silent_skips",
]

FIELD_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
SECRET = "a secret for tests only, long enough to be taken"


def settings_for(folder: Path, url: str | None = None, **more: Any) -> Settings:
    """Settings of a throw-away instance."""
    return Settings(
        instance=folder,
        database_url=url or f"sqlite:///{folder / 'test.sqlite3'}",
        secret_key=SECRET,
        field_keys=(FIELD_KEY,),
        **more,
    )


@pytest.fixture(scope="session")
def loaded_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every migration and the whole city pack; copied for each test."""
    folder = tmp_path_factory.mktemp("loaded")
    app = create_app(settings_for(folder))
    with app.app_context():
        migrations.upgrade()
        with transaction() as session:
            load_city_pack(session, now=now())
    app.extensions["engine"].dispose()
    return folder / "test.sqlite3"


@pytest.fixture
def app(tmp_path: Path, loaded_database: Path) -> Iterator[Flask]:
    """The application with real places in it."""
    shutil.copy(loaded_database, tmp_path / "test.sqlite3")
    made = create_app(settings_for(tmp_path))
    made.testing = True
    yield made
    made.extensions["engine"].dispose()


def _migrate(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        migrations.upgrade()
    app.extensions["engine"].dispose()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every migration and nothing in it; copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    _migrate(settings_for(folder))
    return folder / "test.sqlite3"


@pytest.fixture(scope="session")
def empty_postgres(postgres_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a PostgreSQL database with every migration and nothing in it; copied for each test."""
    postgres_cluster.run("CREATE DATABASE empty")
    _migrate(settings_for(tmp_path_factory.mktemp("empty"), postgres_cluster.url("empty")))
    return "empty"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def service_on_both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application on an empty database of each engine, migrated."""
    url = None
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_like")(request.getfixturevalue("empty_postgres"))
    else:
        shutil.copy(request.getfixturevalue("empty_database"), tmp_path / "test.sqlite3")
    made = create_app(settings_for(tmp_path, url))
    made.testing = True
    yield made
    made.extensions["engine"].dispose()


@pytest.fixture
def both_engines(service_on_both: Flask) -> Iterator[Flask]:
    """The same inside an application context, for tests that call services themselves."""
    with service_on_both.app_context():
        yield service_on_both


class Browser:
    """A person at a screen without script: opens pages, fills in the form that stands there."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client = app.test_client()
        self.language = language

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page below the language."""
        return self.client.get(f"/{self.language}{path}", **options)

    def text(self, path: str) -> str:
        """The HTML of a page."""
        return self.get(path).get_data(as_text=True)

    def send(self, path: str, form_on: str | None = None, **data: Any) -> TestResponse:
        """Send a form, with the token of the page it stands on."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.text(form_on or path))
        assert found, f"no form on {form_on or path}"
        return self.client.post(f"/{self.language}{path}", data={**data, "csrf_token": found[1]})

    def make_plan(self, goals: tuple[str, ...] = ("g02", "g03")) -> None:
        """Answer three questions."""
        assert self.send("/roadmap/check", answer=list(goals)).status_code == 303
        assert self.send("/roadmap/check/2", answer=["smartphone"]).status_code == 303
        assert self.send("/roadmap/check/3", answer="sometimes").status_code == 303

    def save_plan(self, pin: str = "4071", **more: Any) -> str:
        """Save and give back the code."""
        assert self.send("/roadmap/save", pin=pin, pin_again=pin, **more).status_code == 303
        found = re.search(r'class="code"><bdi>([^<]+)', self.text("/roadmap/code"))
        assert found
        return found[1]


@pytest.fixture
def browser(app: Flask) -> Browser:
    """One person at one screen, in English."""
    return Browser(app)


@pytest.fixture
def another_browser(app: Flask) -> Callable[..., Browser]:
    """More screens of the same service."""
    return lambda language="en": Browser(app, language)


class StaffBrowser(Browser):
    """A member of staff at a screen, signed in with both factors; pages stand under /staff, without a language."""

    staff_id: int
    organisation_id: int

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page by its whole address."""
        return self.client.get(path, **options)

    def send(self, path: str, form_on: str | None = None, **data: Any) -> TestResponse:
        """Send a form, with the token of the page it stands on."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.text(form_on or path))
        assert found, f"no form on {form_on or path}"
        return self.client.post(path, data={**data, "csrf_token": found[1]})


@pytest.fixture
def staff_browser(app: Flask) -> Callable[..., StaffBrowser]:
    """Make members of staff: `staff_browser("caseworker", organisation="Red Door")` is signed in as one."""
    return lambda *roles, **more: sign_in_staff(app, *roles, **more)


def without_token(answer: TestResponse) -> bytes:
    """The bytes of a page without its token, which has the second in it, and without the minute until which somebody is
    signed in: two pages asked one after the other differ in these.
    """
    return re.sub(rb'name="csrf_token" value="[^"]+"|signed in until [^<]+', b"", answer.get_data())


def sign_in_staff(app: Flask, *roles: str, organisation: str = "Red Door", **facts: Any) -> StaffBrowser:
    """A new member of staff with these roles in an organisation (made when there is none), signed in. The sign-in row
    is written straight into the database: how it comes about is tested in tests/accounts.
    """
    with app.app_context(), transaction() as session:
        found = session.scalar(select(Organisation).where(Organisation.name == organisation))
        found = found or make_organisation(session, name=organisation)
        person = make_staff(session, organisation_id=found.id, roles=roles, **facts)
        token = sign_in(session, staff_id=person.id, organisation_id=found.id)
        browser = StaffBrowser(app)
        browser.staff_id, browser.organisation_id = person.id, found.id
        browser.client.set_cookie(staff_sessions.cookie_name(), token)
    return browser
