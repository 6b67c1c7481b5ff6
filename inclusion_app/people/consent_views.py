"""A resident's own pages of sharing: who gets what until when, one press to stop, and a way to share."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from inclusion_app.core import i18n
from inclusion_app.core.access import current_principal, permission
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.people import consent_services, queries, rules, services
from inclusion_app.people.consent_forms import ShareForm
from inclusion_app.people.views import room

OWN = permission("consent.own", "resident")
STOPPED = N_("They see nothing more of you from now on.")
SHARED = N_("You share this now. You can stop at any time.")


@room.page("/my-record/sharing", allow=OWN, reads=("consents",))
def sharing() -> Any:
    """Who gets what, until when."""
    shares = queries.consents_of(db_session(), current_principal().resident_id or 0)
    moment = now()
    live = sorted(
        (shared for shared in shares if shared.is_live(moment)), key=lambda shared: shared.organisation
    )
    return render_template(
        "people/consents.html",
        live=[list(those) for _who, those in groupby(live, lambda shared: shared.organisation)],
        ended=[shared for shared in shares if not shared.is_live(moment)],
        rules=rules,
    )


@room.page("/my-record/sharing/new", allow=OWN, methods=("GET", "POST"))
def share() -> Any:
    """Share something with an organisation of the list."""
    session, moment = db_session(), now()
    form = ShareForm(queries.open_organisations(session))
    if request.method == "POST" and form.validate():
        number = current_principal().resident_id or 0
        if not form.is_first_press(session, whose=f"share of {number}", now=moment):
            return redirect(url_for("people.sharing"), 303)
        try:
            consent_services.give_consent(
                session, resident_id=number, organisation_id=form.organisation.data, items=form.items.data or [],
                purpose=form.purpose.data, how="screen", language=i18n.current_language().slug, now=moment,
                until_at=moment + timedelta(days=int(form.days.data)),
            )  # fmt: skip
            services.note(session, number, "give consent", tuple(form.items.data or ()), moment)
            flash(SHARED)
            return redirect(url_for("people.sharing"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("people/consent_new.html", form=form, wording=rules.WORDINGS[rules.WORDING])
    return page, 422 if form.errors or form.form_errors else 200


@room.page("/my-record/sharing/<int(max=999999999):consent_id>/stop", allow=OWN, methods=("POST",))
def withdraw(consent_id: int) -> Any:
    """One press ends all that goes to this organisation.

    Somebody else's consent, an unknown one and one that has ended change nothing.
    """
    session, moment = db_session(), now()
    number = current_principal().resident_id or 0
    if consent_services.stop_sharing(session, resident_id=number, consent_id=consent_id, now=moment):
        services.note(session, number, "withdraw consent", ("consents",), moment)
        flash(STOPPED)
    return redirect(url_for("people.sharing"), 303)
