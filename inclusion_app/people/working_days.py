"""The bank holidays, which a room above knows: it says so here when the service starts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

from sqlalchemy.orm import Session

# Wired in app.py; without it only weekends count as days off.
HOLIDAYS: list[Callable[[Session], Collection[date]]] = []


def holidays(session: Session) -> frozenset[date]:
    """Every bank holiday we know."""
    return frozenset(day for ask in HOLIDAYS for day in ask(session))
