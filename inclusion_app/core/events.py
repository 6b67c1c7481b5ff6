"""The way up for things that happened: a room says so, rooms above it act, in the same transaction.

Events are frozen dataclasses. Handlers are subscribed in `create_app` and called at once; one that raises takes the
whole change back with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

_handlers: dict[type, list[Callable[[Session, Any], None]]] = {}


@dataclass(frozen=True)
class MessageWanted:
    """Somebody should be told something. `key` is given once for one thing told: twice the same key is one message.

    To a resident: `resident_id`; the routes they chose and their safe-contact rule decide how, and `organisation_id`
    posts a letter or makes a call. To staff: `staff_id`, or `email` for whoever has no account yet.
    """

    key: str
    template: str
    language: str = "en"
    params: Mapping[str, str] = field(default_factory=dict)
    resident_id: int | None = None
    staff_id: int | None = None
    email: str | None = None
    organisation_id: int | None = None
    # An answer of the data-protection officer, which the person asked for: it needs no consent to the organisation
    # that posts it, and only an officer works on it.
    from_officer: bool = False


def subscribe(kind: type, handler: Callable[[Session, Any], None]) -> None:
    """Call this handler for each event of this kind; the same handler is kept once."""
    known = _handlers.setdefault(kind, [])
    if handler not in known:
        known.append(handler)


def publish(session: Session, event: Any) -> None:
    """Tell whoever subscribed, in the order they did."""
    for handler in _handlers.get(type(event), ()):
        handler(session, event)
