"""What happened is told at once, in the same transaction; who raises takes it all back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import events
from inclusion_app.core.db import reading, transaction
from tests.factories.accounts import make_organisation


@dataclass(frozen=True)
class Made:
    name: str


@pytest.fixture(autouse=True)
def no_handlers_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_handlers", {})


def test_a_handler_is_called_once_however_often_it_subscribes(app: Flask) -> None:
    seen: list[Any] = []

    def handler(_session: Any, event: Any) -> None:
        seen.append(event)

    events.subscribe(Made, handler)
    events.subscribe(Made, handler)
    with app.app_context(), transaction() as session:
        events.publish(session, Made("a"))
        events.publish(session, "nobody listens")
    assert seen == [Made("a")]


def test_a_handler_that_raises_takes_the_change_back(app: Flask) -> None:
    def refuse(_session: Any, _event: Any) -> None:
        raise ValueError("no")

    events.subscribe(Made, refuse)
    with app.app_context():
        with pytest.raises(ValueError, match="no"), transaction() as session:
            make_organisation(session)
            events.publish(session, Made("a"))
        with reading() as session:
            assert session.query(Organisation).count() == 0
