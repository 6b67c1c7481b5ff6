"""The start page of the staff: what waits for me today, across rooms."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, render_template

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.accounts.rules import SESSION_WARNED
from inclusion_app.core import registry
from inclusion_app.core.access import ANYONE, SIGNED_IN, Room, current_staff, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.staff_sessions import current_session, ends_at, forget_cookie
from inclusion_app.core.words import N_

room = Room("accounts", __name__)
registry.add_to_menu(registry.StaffLink("accounts.home", N_("Today"), SIGNED_IN, 0))
registry.add_to_menu(registry.StaffLink("accounts.factors", N_("Your account"), SIGNED_IN, 90))


@room.page("/staff", allow=SIGNED_IN, localised=False)
def home() -> Any:
    principal = the_staff()
    waiting = registry.waiting_for(db_session(), principal, now())
    return render_template("accounts/home.html", waiting=waiting)


@room.page("/staff/sign-out", allow=ANYONE, localised=False, methods=("POST",))
def sign_out() -> Any:
    row = current_session()
    if row is not None:
        db_session().delete(row)
    forget_cookie()
    return redirect("/staff/sign-in", 303)


def staff_words() -> dict[str, Any]:
    """What the layout of the staff pages says about who is signed in; asked for on those pages only."""
    principal = current_staff()
    if principal is None:
        return {"staff": None}
    if "staff_words" not in g:
        session, row = db_session(), current_session()
        person = session.get(Staff, principal.staff_id)
        organisation = session.get(Organisation, principal.organisation_id)
        g.staff_words = {
            "staff": principal,
            "staff_name": person.name if person else "",
            "organisation_name": organisation.name if organisation else "",
            "staff_menu": registry.menu_of(principal),
            "acts_for_many": len(g.get("acts_for_choices", ())) > 1,
            "signed_in_until": ends_at(row, now()) if row is not None else now(),
            "signed_in_warned": int(SESSION_WARNED.total_seconds()),
            "staff_alerts": registry.alerts_for(session, principal, now()),
        }
    found: dict[str, Any] = g.staff_words
    return found
