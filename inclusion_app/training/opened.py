"""A booking by the code that opens it, as it stands in an address. Each try counts before anything is looked up."""

from __future__ import annotations

from flask import request, url_for

from inclusion_app.core import audit
from inclusion_app.core.access import current_principal, shows_nobody, shows_of
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode
from inclusion_app.core.db import db_session
from inclusion_app.people import opening
from inclusion_app.training import queries
from inclusion_app.training.codes import booking_code_of
from inclusion_app.training.models import Booking


def booking_of(code: str) -> Booking | None:
    """The booking of a code as people type it. An unknown code and one that has ended to be known answer alike.

    Every page below a code asks here, so that a guess counts the same at each. Raises RuleBroken when too many wrong
    codes came from this network, or from everywhere.
    """
    try:
        canonical = booking_code_of(code)
    except BrokenCode:
        return None
    if not opening.find_thing(canonical, address=request.remote_addr, now=now(), kind="booking"):
        return None
    return queries.booking_by_code(db_session(), canonical)


def note_reader(booking: Booking) -> None:
    """A booking that is kept with a plan shows something of a person: its one row says by whom it was read."""
    if booking.resident_id is None:
        shows_nobody()
    elif current_principal().resident_id != booking.resident_id:
        shows_of(booking.resident_id, kind="booking code", actor_id=None, instead=True)


def note_change(booking: Booking, action: str) -> None:
    """What was done with a booking that is kept with a plan stands in that person's record: by them, or by its code."""
    if booking.resident_id is None:
        return
    by_code = current_principal().resident_id != booking.resident_id
    audit.record(
        db_session(), at=now(), actor_kind="booking code" if by_code else "resident",
        actor_id=None if by_code else booking.resident_id, action=action, purpose="own",
        resident_id=booking.resident_id, items=("booking",),
    )  # fmt: skip


def page_of(booking: Booking) -> str:
    """The address of its own page, below which what belongs to it stands."""
    return url_for("training.booking", code=booking.code)
