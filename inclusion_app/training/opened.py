"""A booking by the code that opens it, as it stands in an address. Each try counts before anything is looked up."""

from __future__ import annotations

from flask import request, url_for
from sqlalchemy import select

from inclusion_app.core import attempts
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, reading, side_write
from inclusion_app.people import services as people
from inclusion_app.training.codes import booking_code_of
from inclusion_app.training.models import Booking


def booking_of(code: str) -> Booking | None:
    """The booking of the code in an address; None for one that is unknown, dead, or guessed from where many were tried."""
    try:
        wanted = people.hash_of_code(booking_code_of(code))
    except BrokenCode:
        return None
    key, moment = keyed_hash("attempt-network", attempts.network_of(request.remote_addr)), now()
    with side_write() as session:
        free = attempts.claim(session, key_hash=key, limit=attempts.CODE_NETWORK, now=moment)
    if not free:
        return None
    with reading() as session:
        found = session.scalar(select(Booking.id).where(Booking.code_hash == wanted))
    if found is None:
        return None
    with side_write() as session:
        attempts.give_back(session, key_hash=key, limit=attempts.CODE_NETWORK, now=moment)
    return db_session().get(Booking, found)


def page_of(booking: Booking) -> str:
    """The address of its own page, below which what belongs to it stands."""
    return url_for("training.certificate", code=booking.code).removesuffix("/certificate")
