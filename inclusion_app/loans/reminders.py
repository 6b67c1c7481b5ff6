"""What the worker does for loans: serve the queue, end offers, remind, warn before data ends.

Called inside an application context. A look decides whether there is anything to do, so that a quiet minute takes no
lock.
"""

from __future__ import annotations

from datetime import datetime

from inclusion_app.core.db import reading, transaction
from inclusion_app.loans.services import offers

# --- the queue


def serve_and_lapse(now: datetime) -> int:
    """End the offers whose time is over, keep another unit where one broke, and offer what is free to who comes next.

    Returns how many were ended, mended and made.
    """
    with reading() as session:
        is_over = session.scalar(offers.offers_over(now).limit(1)) is not None
        is_unready = bool(offers.unready(session))
    done = 0
    if is_over:
        with transaction() as session:
            done += offers.lapse_offers(session, now=now)
    if is_unready:
        with transaction() as session:
            done += offers.mend_offers(session, now=now)
    with reading() as session:
        queues = [pair for pair in offers.models_to_serve(session) if offers.could_serve(session, *pair)]
    for organisation_id, model_id in queues:
        with transaction() as session:
            done += offers.serve(session, organisation_id=organisation_id, model_id=model_id, now=now)
    return done
