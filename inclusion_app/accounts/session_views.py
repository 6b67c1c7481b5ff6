"""Where one is signed in, and how to end it from here."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from sqlalchemy import select

from inclusion_app.accounts.views import room
from inclusion_app.core.access import SIGNED_IN, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.staff_sessions import (
    StaffSession,
    current_session,
    end_sessions,
    forget_cookie,
    is_live,
)
from inclusion_app.core.words import N_

ENDED = N_("That sign-in was ended.")
OTHERS_ENDED = N_("All other sign-ins were ended.")


def _own() -> Any:
    return select(StaffSession).where(StaffSession.staff_id == the_staff().staff_id)


def _own_session(number: int) -> StaffSession | None:
    return db_session().scalar(_own().where(StaffSession.id == number))


@room.page("/staff/sessions", allow=SIGNED_IN, localised=False)
def sessions() -> Any:
    rows = db_session().scalars(_own().order_by(StaffSession.last_used_at.desc(), StaffSession.id)).all()
    this = current_session()
    live = [row for row in rows if is_live(row, now())]
    return render_template("accounts/sessions.html", rows=live, this_id=this.id if this else None)


@room.page(
    "/staff/sessions/<int(max=999999999):number>/end", allow=SIGNED_IN, load=_own_session, localised=False, methods=("POST",)
)  # fmt: skip
def sessions_end(row: StaffSession) -> Any:
    this = current_session()
    db_session().delete(row)
    if this is not None and this.id == row.id:
        forget_cookie()
        return redirect(url_for("accounts.sign_in"), 303)
    flash(ENDED)
    return redirect(url_for("accounts.sessions"), 303)


@room.page("/staff/sessions/end-others", allow=SIGNED_IN, localised=False, methods=("POST",))
def sessions_end_others() -> Any:
    this = current_session()
    end_sessions(db_session(), staff_id=the_staff().staff_id or 0, keep=this.id if this else None)
    flash(OTHERS_ENDED)
    return redirect(url_for("accounts.sessions"), 303)
