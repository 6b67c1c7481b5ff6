"""The page an invitation leads to. Opening it changes nothing: mail programs open links by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import current_app, flash, redirect, render_template, request
from sqlalchemy import delete
from wtforms import Form

from inclusion_app.accounts import forms, queries, services
from inclusion_app.accounts.models import Invitation
from inclusion_app.accounts.passwords import choose_password, hash_password
from inclusion_app.accounts.rules import INVITATION_PATH, ROLE_WORDS, ROLES
from inclusion_app.accounts.views import room
from inclusion_app.core import attempts
from inclusion_app.core.access import ANYONE, SIGN_IN
from inclusion_app.core.attempts import Limit, network_of
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.staff_sessions import StaffSession, begin_session, current_session, forget_cookie
from inclusion_app.core.words import N_

SET_UP = "/staff/sign-in/set-up"
INVITATION_NETWORK = Limit(
    "invitation-network", 30, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1)
)
TOO_MANY = N_("There were too many tries from here. Please try again in an hour.")
JOINED = N_("Your new roles are ready.")
# Used and unknown links answer alike: neither says whether anybody has an account.
STATUS = {"unknown": 404, "expired": 410, "revoked": 410}


@room.page(INVITATION_PATH + "<token>", allow=ANYONE, localised=False, methods=("GET", "POST"))
def invitation(token: str) -> Any:
    """Who invites, to what; the button below accepts. A link that opens nothing says why and how to go on."""
    found = queries.invitation_of(db_session(), token)
    closed = _closed(found, now())
    if closed or found is None:
        return _closed_page(closed)
    person = queries.staff_by_email(db_session(), found.email)
    has_account = person is not None and person.password_hash is not None
    form = forms.JoinForm() if has_account else forms.AcceptForm()
    if request.method == "POST" and form.validate():
        try:
            return _accept(token, found, form)
        except RuleBroken as broken:
            if broken.message == services.NOT_OPEN:
                return _closed_page(_closed(queries.invitation_of(db_session(), token), now()) or "unknown")
            form.refuse(broken)
    page = render_template(
        "accounts/invitation.html",
        form=form,
        invitation=found,
        has_account=has_account,
        roles=[(ROLES[role], ROLE_WORDS[role]) for role in found.roles.split()],
    )
    return page, 422 if form.errors or form.form_errors else 200


def _closed(found: Invitation | None, moment: datetime) -> str:
    """Why a link opens nothing; "" while it does."""
    if found is None or found.used_at is not None:
        return "unknown"
    if found.revoked_at is not None or found.organisation.closed_at is not None:
        return "revoked"
    return "expired" if found.expires_at <= moment else ""


def _closed_page(why: str) -> Any:
    return render_template("accounts/invitation_closed.html", why=why), STATUS[why]


def _accept(token: str, found: Invitation, form: Form) -> Any:
    moment = now()
    before = current_session()
    before_id = before.id if before is not None else None
    _count_try(moment)
    name = password_hash = None
    if isinstance(form, forms.AcceptForm):
        name = form.name.data
        service = current_app.extensions["settings"].service_name
        own_words = (found.organisation.name, name or "", found.email, service)
        password = choose_password(form.password.data or "", own_words=own_words)
        # Slow on purpose, so it is done before the write lock is taken.
        db_session().rollback()
        password_hash = hash_password(password)
    session = db_session()
    accepted = services.accept_invitation(
        session, token=token, name=name, password_hash=password_hash, now=moment
    )
    # Whoever was signed in here before is not: the browser now belongs to who was invited.
    session.execute(
        delete(StaffSession).where(StaffSession.id == before_id),
        execution_options={"synchronize_session": False},
    )
    forget_cookie()
    if not accepted.is_new:
        flash(JOINED)
        return redirect(SIGN_IN, 303)
    begin_session(
        session, staff_id=accepted.staff_id, stage="password", organisation_id=accepted.organisation_id,
        device="", now=moment,
    )  # fmt: skip
    return redirect(SET_UP, 303)


def _count_try(moment: datetime) -> None:
    key = keyed_hash("attempt-invitation", network_of(request.remote_addr))
    with side_write() as session:
        may_go_on = attempts.claim(session, key_hash=key, limit=INVITATION_NETWORK, now=moment)
    if not may_go_on:
        raise RuleBroken(TOO_MANY)
