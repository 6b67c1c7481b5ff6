"""Pages of one's second factors: set up the first at sign-in, change them later, recovery codes, the password."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from inclusion_app.accounts import factors, passkeys, passwords, sign_in
from inclusion_app.accounts.models import Passkey, Staff
from inclusion_app.accounts.rules import PROOF_FRESH
from inclusion_app.accounts.sign_in_forms import AppForm, NewKeyForm, PasswordForm
from inclusion_app.accounts.sign_in_views import half_way, opened, site, to, where_it_stands, wish
from inclusion_app.accounts.views import room
from inclusion_app.core.access import ANYONE, SIGNED_IN, current_staff, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session, reading
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.staff_sessions import StaffSession, current_session
from inclusion_app.core.words import N_

CHANGED = N_("Changed. Other sign-ins of yours were ended, and an e-mail tells you of it.")


# At the first sign-in


def first_time() -> StaffSession | None:
    """The sign-in of somebody who has no second factor yet, and must set one up before anything else opens."""
    row = half_way()
    if row is None or factors.factors_of(db_session(), staff_id=row.staff_id).any:
        return None
    return row


@room.page("/staff/sign-in/set-up", allow=ANYONE, localised=False)
def sign_in_set_up() -> Any:
    if first_time() is None:
        return where_it_stands()
    return render_template("accounts/sign_in_set_up.html", next=wish())


@room.page("/staff/sign-in/set-up/app", allow=ANYONE, localised=False, methods=("GET", "POST"))
def sign_in_set_up_app() -> Any:
    row = first_time()
    if row is None:
        return where_it_stands()
    return _app_page(row, lambda moment: opened(row, moment))


@room.page("/staff/sign-in/set-up/key", allow=ANYONE, localised=False, methods=("GET", "POST"))
def sign_in_set_up_key() -> Any:
    row = first_time()
    if row is None:
        return where_it_stands()
    return _key_page(row, lambda moment: opened(row, moment))


@room.page("/staff/sign-in/codes", allow=ANYONE, localised=False, methods=("GET", "POST"))
def sign_in_codes() -> Any:
    """Ten recovery codes, made when asked for and shown in that answer alone. Asked again, they are ten others."""
    row = current_session()
    if row is None or row.stage != "codes":
        return where_it_stands()
    codes = []
    if request.method == "POST":
        codes = factors.new_recovery_codes(db_session(), staff_id=row.staff_id, now=now())
    return render_template(
        "accounts/factors_codes.html", form=BaseForm(), codes=codes, first=True, next=wish()
    )


@room.page("/staff/sign-in/kept", allow=ANYONE, localised=False, methods=("POST",))
def sign_in_kept() -> Any:
    row = current_session()
    if row is None or row.stage != "codes":
        return where_it_stands()
    try:
        sign_in.kept_codes(db_session(), row=row, now=now())
    except RuleBroken:
        return to("accounts.sign_in_codes")
    return redirect(wish(), 303)


# Later


def asks_again() -> Response | None:
    """None while the last proof is fresh; else on to the page that asks for the password, and back here after it."""
    row = current_session()
    if row is not None and row.proven_at > now() - PROOF_FRESH:
        return None
    back = request.full_path.removesuffix("?") if request.method == "GET" else url_for("accounts.factors")
    return redirect(url_for("accounts.sign_in_again", next=back), 303)


def mine() -> StaffSession:
    """The sign-in of this page; there is one, for only the staff come here."""
    row = current_session()
    if row is None:
        raise RuntimeError("nobody is signed in")
    return row


@room.page("/staff/factors", allow=SIGNED_IN, localised=False, endpoint="factors")
def factors_page() -> Any:
    has = factors.factors_of(db_session(), staff_id=mine().staff_id)
    person = db_session().get_one(Staff, mine().staff_id)
    return render_template("accounts/factors.html", has=has, person=person)


@room.page("/staff/factors/app", allow=SIGNED_IN, localised=False, methods=("GET", "POST"))
def factors_app() -> Any:
    # The sealed secret of the form was given out after a fresh proof, so its answer may take longer than that.
    if request.method == "GET" and (question := asks_again()) is not None:
        return question
    return _app_page(mine(), lambda _moment: _changed())


@room.page("/staff/factors/app/remove", allow=SIGNED_IN, localised=False, methods=("POST",))
def factors_app_remove() -> Any:
    if (question := asks_again()) is not None:
        return question
    row = mine()
    factors.remove_app(db_session(), staff_id=row.staff_id, keep=row.id, now=now())
    return _changed()


@room.page("/staff/factors/key", allow=SIGNED_IN, localised=False, methods=("GET", "POST"))
def factors_key() -> Any:
    # As above: the challenge was given out after a fresh proof, for adding alone.
    if request.method == "GET" and (question := asks_again()) is not None:
        return question
    return _key_page(mine(), lambda _moment: _changed())


def _own_key(number: int) -> Passkey | None:
    return db_session().scalar(
        select(Passkey).where(Passkey.id == number, Passkey.staff_id == the_staff().staff_id)
    )


@room.page(
    "/staff/factors/keys/<int(max=999999999):number>/remove", allow=SIGNED_IN, load=_own_key, localised=False, methods=("POST",)
)  # fmt: skip
def factors_key_remove(key: Passkey) -> Any:
    if (question := asks_again()) is not None:
        return question
    row = mine()
    factors.remove_key(db_session(), staff_id=row.staff_id, key_id=key.id, keep=row.id, now=now())
    return _changed()


@room.page("/staff/factors/codes", allow=SIGNED_IN, localised=False, methods=("GET", "POST"))
def factors_codes() -> Any:
    if (question := asks_again()) is not None:
        return question
    codes = []
    if request.method == "POST":
        row, moment = mine(), now()
        codes = factors.new_recovery_codes(db_session(), staff_id=row.staff_id, now=moment)
        factors.changed(
            db_session(), staff_id=row.staff_id, action="change recovery codes", keep=row.id, now=moment
        )
    return render_template("accounts/factors_codes.html", form=BaseForm(), codes=codes, first=False)


@room.page("/staff/factors/password", allow=SIGNED_IN, localised=False, methods=("GET", "POST"))
def factors_password() -> Any:
    if (question := asks_again()) is not None:
        return question
    form, row = PasswordForm(), mine()
    if form.validate_on_submit():
        number, staff_id = row.id, row.staff_id
        try:
            fresh = hashed_password(form.password.data or "", staff_id=staff_id)
        except RuleBroken as broken:
            form.refuse(broken)
        else:
            sign_in.set_password(db_session(), staff_id=staff_id, password_hash=fresh, keep=number, now=now())
            return _changed()
    page = render_template("accounts/factors_password.html", form=form)
    return page, 422 if form.is_submitted() else 200


def hashed_password(text: str, *, staff_id: int) -> str:
    """A new password as it is stored. Raises RuleBroken at `password`. Hashed while no transaction waits for it."""
    db_session().rollback()
    with reading() as session:
        words = sign_in.own_words(
            session, staff_id=staff_id, service=current_app.extensions["settings"].service_name
        )
    return passwords.hash_password(passwords.choose_password(text, own_words=words))


def _changed() -> Response:
    flash(CHANGED)
    return redirect(url_for("accounts.factors"), 303)


# The same page for both


def _app_page(row: StaffSession, done: Callable[[datetime], Response]) -> Any:
    """The square of a new app and the field for its first code."""
    form, moment, session = AppForm(), now(), db_session()
    sealed = ""
    if form.validate_on_submit():
        sealed = (form.sealed.data or "")[:1000]
        try:
            secret = factors.open_app_secret(sealed, staff_id=row.staff_id, now=moment)
            factors.set_app(
                session, staff_id=row.staff_id, secret=secret, code=form.code.data or "", keep=row.id,
                now=moment,
            )  # fmt: skip
            return done(moment)
        except RuleBroken as broken:
            form.refuse(broken)
            if broken.field is None:
                if current_staff() is not None and (question := asks_again()) is not None:
                    return question
                sealed = ""
    sealed = sealed or factors.new_app_secret(staff_id=row.staff_id, now=moment)
    secret = factors.open_app_secret(sealed, staff_id=row.staff_id, now=moment)
    person = session.get_one(Staff, row.staff_id)
    name = current_app.extensions["settings"].service_name
    address = factors.app_address(secret, email=person.email, service=name)
    page = render_template(
        "accounts/factors_app.html", form=form, sealed=sealed, square=factors.square(address), next=wish(),
        groups=[secret[at : at + 4] for at in range(0, len(secret), 4)], first=row.stage != "full",
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _key_page(row: StaffSession, done: Callable[[datetime], Response]) -> Any:
    """A name for a new key; the script of the page asks the key."""
    form, moment, session = NewKeyForm(), now(), db_session()
    if form.validate_on_submit():
        try:
            challenge = passkeys.take_challenge(session, row=row, purpose="add", now=moment)
            passkeys.add_key(
                session, staff_id=row.staff_id, answer=form.answer.data or "", challenge=challenge,
                label=form.label.data, site=site(), keep=row.id, now=moment,
            )  # fmt: skip
            return done(moment)
        except RuleBroken as broken:
            form.refuse(broken)
            session.rollback()
    page = render_template("accounts/factors_key.html", form=form, next=wish(), first=current_staff() is None)
    return page, 422 if form.is_submitted() else 200
