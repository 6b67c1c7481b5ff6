"""What must work when the database does not: the way out, error pages, and addresses made of nonsense."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask

from inclusion_app.core.db import transaction
from inclusion_app.core.sessions import Visit
from tests.conftest import Browser


@contextmanager
def somebody_writes(app: Flask) -> Iterator[None]:
    """The one write lock is held, as by a long import."""
    with app.app_context(), transaction() as session:
        session.query(Visit).count()
        yield


def test_leaving_waits_for_nobody(browser: Browser, app: Flask) -> None:
    browser.make_plan()
    with somebody_writes(app):
        began = time.monotonic()
        gone = browser.get("/leave")
        assert time.monotonic() - began < 5  # the lock is waited for 15 seconds and more
    assert gone.status_code == 303
    assert gone.headers["Clear-Site-Data"]
    assert not gone.headers["Location"].startswith("/")
    assert browser.client.get_cookie("visit") is None
    assert "Your next steps" not in browser.text("/roadmap")


def test_a_note_of_use_never_costs_a_page(
    browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.make_plan()
    monkeypatch.setattr("inclusion_app.core.sessions.SEEN_EVERY", timedelta(minutes=-1))
    with somebody_writes(app):
        assert browser.get("/roadmap").status_code == 200


@pytest.mark.parametrize(
    "name", ["endpoint", "_anchor", "_method", "_scheme", "_external", "values", "language"]
)
def test_names_in_an_address_are_only_names(browser: Browser, name: str) -> None:
    for path in ("/", "/places", "/nothing", "/roadmap/steps/F1"):
        answer = browser.get(f"{path}?{name}=x&{name}=y")
        assert answer.status_code in {200, 404}, path
        assert "javascript" not in answer.text


@pytest.mark.parametrize(
    "host", ["a..b", "a" * 70, "a" * 64 + ".example", ".a", "a b", "a:99999999", "ü.example", ""]
)
def test_a_host_that_is_no_name_is_refused_with_our_headers(app: Flask, host: str) -> None:
    answer = app.test_client().get("/en/", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.headers["Content-Security-Policy"]


def test_when_even_the_error_page_fails_one_sentence_is_left(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["RAISE_UNFORESEEN"] = False

    def broken(*_args: object, **_more: object) -> str:
        raise RuntimeError("2D7YHEWV")

    monkeypatch.setattr("inclusion_app.core.errors.render_template", broken)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/r/2D7YHEWV/nothing")
    assert answer.status_code == 404
    assert "Something went wrong" in answer.text
    assert answer.headers["Content-Security-Policy"]
    assert "2D7Y" not in caplog.text
