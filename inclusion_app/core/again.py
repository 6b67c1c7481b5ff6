"""Again: a request that PostgreSQL ended to resolve a deadlock is done again, and its person never hears of it.

Two changes of one saved plan may take the same rows in another order (its deletion takes them through the resident, a
step through the plan). Then the database ends one of them, and nothing of it was written. The one that was ended waits
a moment before it comes back: it must not take the rows again before the other, who is just being woken, has them.
"""

from __future__ import annotations

import time
from typing import Any

from flask import g
from flask import session as cookie
from flask.sansio.app import App
from sqlalchemy.exc import OperationalError

DEADLOCK = "40P01"
TRIES = 3
PAUSE = 0.2  # seconds, longer by as much with each try
# Of this request's notes those that belong to the transaction that was ended.
OF_THE_TRANSACTION = ("db_session", "after_commit")


def dispatch_again_on_deadlock(app: App) -> None:
    """Let each request be worked on up to three times while it is ended by a deadlock before it was committed."""
    dispatch = app.dispatch_request  # type: ignore[attr-defined]

    def answer() -> Any:
        notes, kept = dict(vars(g._get_current_object())), dict(cookie)
        for tried in range(1, TRIES):
            try:
                return dispatch()
            except OperationalError as err:
                if getattr(err.orig, "sqlstate", None) != DEADLOCK or g.get("committed"):
                    raise
                app.logger.warning("a request was ended by a deadlock; again")
            here = vars(g._get_current_object())
            here.clear()
            here.update({name: note for name, note in notes.items() if name not in OF_THE_TRANSACTION})
            cookie.clear()
            cookie.update(kept)
            time.sleep(PAUSE * tried)
        return dispatch()

    app.dispatch_request = answer  # type: ignore[attr-defined]
