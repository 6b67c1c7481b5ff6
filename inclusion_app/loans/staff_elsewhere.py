"""A device of another organisation's scheme, brought to this desk: found by its exact tag while it is out, and by nothing else.

Each try counts for the member of staff and for the network before anything is looked up, and a right one is given back. A
tag that nobody knows and one of a device that is not out are refused in the same words.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from inclusion_app.core import attempts
from inclusion_app.core.access import Principal
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import reading, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.services import returns

BY_STAFF = attempts.Limit("tag-staff", 20, timedelta(hours=1), timedelta(minutes=15), timedelta(days=1))
BY_NETWORK = attempts.Limit("tag-network", 60, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
NOT_OUT = N_("No device on loan has this tag. Put it aside and ask a loan coordinator.")
TOO_MANY_TAGS = N_("Too many unknown tags. Wait a while and try again.")


def number_of_tag(typed: str, *, principal: Principal, address: str | None, now: datetime) -> int:
    """The number of the unit with this tag. Hold no change in the request's own transaction yet. Raises RuleBroken."""
    limits = {
        keyed_hash("attempt-tag", str(principal.staff_id)): BY_STAFF,
        keyed_hash("attempt-tag-network", attempts.network_of(address)): BY_NETWORK,
    }
    with side_write() as session:
        free = all(
            attempts.claim(session, key_hash=key, limit=limit, now=now) for key, limit in limits.items()
        )
    if not free:
        raise RuleBroken(TOO_MANY_TAGS, field="mark")
    with reading() as session:
        unit = returns.out_elsewhere(session, typed=typed, but_of=principal.organisation_id)
        number = unit.id if unit is not None else None
    if number is None:
        raise RuleBroken(NOT_OUT, field="mark")
    with side_write() as session:
        for key, limit in limits.items():
            attempts.give_back(session, key_hash=key, limit=limit, now=now)
    return number
