"""What GOV.UK Notify tells us: whether a text message arrived, and what somebody answered.

Notify sends JSON with a bearer token we gave it, from no page of ours: these two addresses alone take a POST without a
form's token. Unset, they do not exist. Nothing of what comes in is kept but a code.
"""

from __future__ import annotations

import hmac
import re
from typing import Any

from flask import abort, current_app, request
from werkzeug.wrappers import Response

from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.messages import queries, services
from inclusion_app.messages.sending import channels_now
from inclusion_app.messages.views import room

NOTIFY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = re.compile(r"\+?[0-9 ()-]{6,30}")
DELIVERED = "delivered"
# Notify has given up in each of these; it tries no more itself.
FAILED = frozenset({"permanent-failure", "temporary-failure", "technical-failure"})
STOP = frozenset({"stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel"})
START = frozenset({"start", "unstop"})


@room.page("/hooks/notify/receipt", allow=ANYONE, methods=("POST",), localised=False)
def receipt() -> Any:
    """How a text message ended. 404 for one we do not know (yet): Notify then asks again in a few minutes."""
    told = _told()
    number, status = told.get("id"), told.get("status")
    if not isinstance(number, str) or not NOTIFY_ID.fullmatch(number):
        abort(400)
    if not isinstance(status, str) or status not in {*FAILED, DELIVERED}:
        abort(400)
    known = services.take_receipt(
        db_session(), provider_id=number, delivered=status == DELIVERED, channels=channels_now(), now=now()
    )
    if not known:
        abort(404)
    return Response(status=204)


@room.page("/hooks/notify/inbound", allow=ANYONE, methods=("POST",), localised=False)
def inbound() -> Any:
    """Somebody answered a text message: STOP ends text messages to their number, START takes that back.

    Other words do what a room above says (KEEP: keep longer what is borrowed). A number can be forged, so none of them
    does what would harm anybody, and the answer goes to the number we know.
    """
    told = _told()
    number, words = told.get("source_number"), told.get("message")
    if not isinstance(number, str) or not NUMBER.fullmatch(number) or not isinstance(words, str):
        abort(400)
    wish = " ".join(words.split()).strip(" .!").casefold()
    if wish in STOP:
        services.stop_number(db_session(), number=number, now=now())
    elif wish in START:
        services.start_number(db_session(), number=number)
    elif wish in services.ANSWERS:
        session = db_session()
        theirs = queries.residents_of_number(session, number)
        if theirs:
            services.ANSWERS[wish](session, theirs, now())
    return Response(status=204)


def _told() -> dict[str, Any]:
    token = current_app.extensions["settings"].notify_callback_token
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode()):
        abort(403)
    try:
        told = request.get_json(silent=True)
    except RecursionError:  # thousands of brackets in one another
        abort(400)
    if not isinstance(told, dict):
        abort(400)
    return told
