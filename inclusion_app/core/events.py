"""The way up for things that happened: a room says so, rooms above it act, in the same transaction.

Events are frozen dataclasses. Handlers are subscribed in `create_app` and called at once; one that raises takes the
whole change back with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

_handlers: dict[type, list[Callable[[Session, Any], None]]] = {}


@dataclass(frozen=True)
class Contact:
    """How to reach somebody who keeps no plan with us: one way, typed for one thing, and gone with it.

    `kind` is sms, email, call or letter. `name` is whom to ask for or to write to. With `is_discreet` no message names
    the service.
    """

    kind: str
    value: str
    name: str | None = None
    is_discreet: bool = False


@dataclass(frozen=True)
class MessageWanted:
    """Somebody should be told something. `key` is given once for one thing told: twice the same key is one message.

    To a resident: `resident_id`; the routes they chose and their safe-contact rule decide how, and `organisation_id`
    posts a letter or makes a call. To staff: `staff_id`, or `email` for whoever has no account yet. To whom a booking
    names: `contact`, in `language`, and `organisation_id` posts and calls.

    `about` names what it is about (a noun and its number): what was not sent yet is taken back when that ends. After
    `useful_until` it is not sent any more.
    """

    key: str
    template: str
    language: str = "en"
    params: Mapping[str, str] = field(default_factory=dict)
    resident_id: int | None = None
    staff_id: int | None = None
    email: str | None = None
    contact: Contact | None = None
    about: str | None = None
    useful_until: datetime | None = None
    organisation_id: int | None = None
    # An answer of the data-protection officer, which the person asked for: it needs no consent to the organisation
    # that posts it, and only an officer works on it.
    from_officer: bool = False


@dataclass(frozen=True)
class AttendanceRecorded:
    """Somebody with a saved plan came to what teaches these steps; with `came` False nothing says so any more."""

    resident_id: int
    step_ids: tuple[str, ...]
    came: bool
    at: datetime


@dataclass(frozen=True)
class SharingEnded:
    """A resident shares less than they did: a consent ended, they keep somebody away, or they are restricted.

    What lived by it ends too.
    """

    resident_id: int
    at: datetime


@dataclass(frozen=True)
class CaseloadHandedOver:
    """Whoever `from_id` looked after for this organisation is looked after by `to_id` from now on.

    `resident_ids` are these people. With `is_everything` all that was open with `from_id` goes on too, also what is about
    nobody; without, only what is about these people.
    """

    organisation_id: int
    from_id: int
    to_id: int
    resident_ids: tuple[int, ...]
    at: datetime
    is_everything: bool = False


@dataclass(frozen=True)
class RequestEnded:
    """What somebody of the staff asked of another room for a resident came to nothing, and not by the person's own wish.

    `noun` and `number` name what it was; `staff_id` and `organisation_id` are who asked, and for whom they worked.
    """

    resident_id: int
    organisation_id: int
    staff_id: int | None
    noun: str
    number: int
    at: datetime


def subscribe(kind: type, handler: Callable[[Session, Any], None]) -> None:
    """Call this handler for each event of this kind; the same handler is kept once."""
    known = _handlers.setdefault(kind, [])
    if handler not in known:
        known.append(handler)


def publish(session: Session, event: Any) -> None:
    """Tell whoever subscribed, in the order they did."""
    for handler in _handlers.get(type(event), ()):
        handler(session, event)
