"""A deadlock of two changes of one plan is the database's matter: the person's press counts, once."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from inclusion_app.core import audit
from inclusion_app.core.db import transaction
from inclusion_app.people.models import Resident
from tests.conftest import Browser


class Deadlock(Exception):
    sqlstate = "40P01"


def ended(sqlstate: str = "40P01") -> OperationalError:
    why = Deadlock()
    why.sqlstate = sqlstate
    return OperationalError("", {}, why)


@pytest.mark.postgres
@pytest.mark.parametrize("service_on_both", ["postgres"], indirect=True)
def test_a_plan_is_deleted_although_the_database_ended_the_first_try(service_on_both: Flask) -> None:
    app, browser = service_on_both, Browser(service_on_both)
    browser.make_plan()
    browser.save_plan()
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/roadmap/code"))
    assert token
    form = {"do": "delete", "csrf_token": token[1]}
    with app.app_context():
        with transaction() as session:
            number = session.query(Resident).one().id
        answers: list[int] = []

        def press() -> None:
            answers.append(browser.client.post("/en/roadmap/code", data=form).status_code)

        person = threading.Thread(target=press)
        with transaction() as session:
            # Ours takes the end of the record's chain, theirs the resident; then each wants the other's.
            session.execute(
                text("SET LOCAL deadlock_timeout = '60s'")
            )  # so that theirs is the one that is ended
            chain = {"chain": number % audit.CHAINS}
            session.execute(text("SELECT 1 FROM audit_heads WHERE chain = :chain FOR UPDATE"), chain)
            person.start()
            waiting = text(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            give_up = time.monotonic() + 20
            while not session.execute(waiting).scalar():
                assert time.monotonic() < give_up
                time.sleep(0.02)
                session.execute(text("SELECT pg_stat_clear_snapshot()"))
            session.execute(text("SELECT 1 FROM residents FOR UPDATE"))
        person.join()
        assert answers == [303]
        with transaction() as session:
            assert session.query(Resident).count() == 0
            assert session.query(audit.AuditRow).filter_by(action="delete").count() == 1


@pytest.mark.parametrize(
    ("times", "code", "seen"), [(1, "40P01", 303), (2, "40P01", 303), (3, "40P01", 503), (1, "57P01", 503)]
)
def test_twice_more_and_for_a_deadlock_only(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch, times: int, code: str, seen: int
) -> None:
    app.config["RAISE_UNFORESEEN"] = False
    browser.make_plan()
    browser.save_plan()
    from inclusion_app.roadmaps import keep_views

    real, left = keep_views.people.renew_code, [times]

    def renew(*facts: Any, **more: Any) -> str:
        made = real(*facts, **more)
        if left[0]:
            left[0] -= 1
            raise ended(code)
        return made

    monkeypatch.setattr(keep_views.people, "renew_code", renew)
    assert browser.send("/roadmap/code", do="new").status_code == seen
    with app.app_context(), transaction() as session:
        assert session.query(audit.AuditRow).filter_by(action="renew code").count() == (seen == 303)
    if seen == 303:
        assert browser.text("/roadmap/code").count("This is your new code") == 1


def test_what_was_committed_is_not_done_twice(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["RAISE_UNFORESEEN"] = False
    browser.make_plan()
    browser.save_plan()
    from inclusion_app.core import access

    def late() -> None:
        raise ended()

    text_before = browser.text("/roadmap/code")
    assert "csrf_token" in text_before
    monkeypatch.setattr(access, "touch_visit", lambda: late() if access.request.method == "POST" else None)
    assert browser.send("/roadmap/code", do="new").status_code == 503
    with app.app_context(), transaction() as session:
        assert session.query(audit.AuditRow).filter_by(action="renew code").count() == 1
