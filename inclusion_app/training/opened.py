"""A booking by the code that opens it, as it stands in an address. Each try counts before anything is looked up."""

from __future__ import annotations

from flask import request, url_for

from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode
from inclusion_app.core.db import db_session
from inclusion_app.people import opening
from inclusion_app.training import queries
from inclusion_app.training.codes import booking_code_of
from inclusion_app.training.models import Booking


def booking_of(code: str) -> Booking | None:
    """The booking of a code as people type it. An unknown code and one that has ended to be known answer alike: None.

    Raises RuleBroken when too many wrong codes came from this network.
    """
    try:
        canonical = booking_code_of(code)
    except BrokenCode:
        return None
    if not opening.find_thing(canonical, address=request.remote_addr, now=now(), kind="booking"):
        return None
    return queries.booking_by_code(db_session(), canonical)


def page_of(booking: Booking) -> str:
    """The address of its own page, below which what belongs to it stands."""
    return url_for("training.booking", code=booking.code)
