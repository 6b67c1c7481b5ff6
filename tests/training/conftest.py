"""What the tests of training ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import event


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Every statement sent to the database while the test lasts."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(app.extensions["engine"], "before_cursor_execute", note)
    yield seen
    event.remove(app.extensions["engine"], "before_cursor_execute", note)
