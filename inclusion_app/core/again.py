"""Once more: a request that PostgreSQL ended to resolve a deadlock is done again, and its person never hears of it.

Two changes of one saved plan may take the same rows in another order (its deletion takes them through the resident, a
step through the plan). Then the database ends one of them, and nothing of it was written.
"""

from __future__ import annotations

from typing import Any

from flask import g
from flask import session as cookie
from flask.sansio.app import App
from sqlalchemy.exc import OperationalError

DEADLOCK = "40P01"
# Of this request's notes those that belong to the transaction that was ended.
OF_THE_TRANSACTION = ("db_session", "after_commit")


def dispatch_again_on_deadlock(app: App) -> None:
    """Let each request be worked on a second time when it was ended by a deadlock before it was committed."""
    dispatch = app.dispatch_request  # type: ignore[attr-defined]

    def answer() -> Any:
        notes, kept = dict(vars(g._get_current_object())), dict(cookie)
        try:
            return dispatch()
        except OperationalError as err:
            if getattr(err.orig, "sqlstate", None) != DEADLOCK or g.get("committed"):
                raise
            app.logger.warning("a request was ended by a deadlock; once more")
        here = vars(g._get_current_object())
        here.clear()
        here.update({name: note for name, note in notes.items() if name not in OF_THE_TRANSACTION})
        cookie.clear()
        cookie.update(kept)
        return dispatch()

    app.dispatch_request = answer  # type: ignore[attr-defined]
