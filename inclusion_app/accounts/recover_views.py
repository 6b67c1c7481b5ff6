"""A forgotten password: a link by e-mail, once, for an hour. The second factor is still asked for afterwards."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for

from inclusion_app.accounts import sign_in
from inclusion_app.accounts.factor_views import hashed_password
from inclusion_app.accounts.sign_in_forms import EmailForm, PasswordForm
from inclusion_app.accounts.sign_in_views import where
from inclusion_app.accounts.views import room
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.core.words import N_

NEW_PASSWORD = N_("Your new password is set. Sign in with it now.")


@room.page("/staff/recover", allow=ANYONE, localised=False, methods=("GET", "POST"))
def recover() -> Any:
    form = EmailForm()
    if form.validate_on_submit():
        try:
            sign_in.ask_for_link(
                db_session(), email=form.email.data, where=where(), link_for=_link, now=now()
            )
        except RuleBroken as broken:
            form.refuse(broken)
        else:
            return redirect(url_for("accounts.recover_sent"), 303)
    page = render_template("accounts/recover.html", form=form)
    return page, 422 if form.is_submitted() else 200


def _link(token: str) -> str:
    return whole_address(url_for("accounts.recover_new", token=token))


@room.page("/staff/recover/sent", allow=ANYONE, localised=False)
def recover_sent() -> Any:
    return render_template("accounts/recover_sent.html")


@room.page("/staff/recover/<token>", allow=ANYONE, localised=False, methods=("GET", "POST"))
def recover_new(token: str) -> Any:
    """Looking changes nothing, so a mail scanner that opens links uses none up."""
    moment = now()
    link = sign_in.live_link(db_session(), token=token, now=moment)
    if link is None:
        return render_template("accounts/recover_gone.html"), 404
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            fresh = hashed_password(form.password.data or "", staff_id=link.staff_id)
        except RuleBroken as broken:
            form.refuse(broken)
        else:
            if not sign_in.use_link(db_session(), token=token, password_hash=fresh, now=moment):
                return render_template("accounts/recover_gone.html"), 404
            flash(NEW_PASSWORD)
            return redirect(url_for("accounts.sign_in"), 303)
    page = render_template("accounts/recover_new.html", form=form)
    return page, 422 if form.is_submitted() else 200
