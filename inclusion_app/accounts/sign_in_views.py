"""Pages to sign in: password, second factor, a security key alone, proving oneself again, staying signed in."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import (
    abort,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from werkzeug.wrappers import Response

from inclusion_app.accounts import factors, passkeys, sign_in
from inclusion_app.accounts.devices import HOME, device_words, way_on
from inclusion_app.accounts.models import Staff
from inclusion_app.accounts.rules import PROOF_FRESH
from inclusion_app.accounts.sign_in_forms import AgainForm, KeyForm, SecondForm, SignInForm
from inclusion_app.accounts.views import room
from inclusion_app.core.access import ANYONE, SIGNED_IN, current_staff, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import after_commit, db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.sessions import end_visit
from inclusion_app.core.staff_sessions import (
    StaffSession,
    begin_session,
    current_session,
    ends_at,
    forget_cookie,
)
from inclusion_app.core.words import N_

WRONG_PASSWORD = N_("This password does not fit.")
RECOVERY_USED = N_("You signed in with a recovery code. Set up your new phone or key here.")
KNOWN_SECONDS = int(sign_in.DEVICE_KEPT.total_seconds())
LOOSE = "key"  # the challenge of a browser nobody signed in with yet, in its signed cookie


def where() -> sign_in.From:
    """Where this request comes from: the address as the trusted proxies say it, and what this browser was given."""
    return sign_in.From(request.remote_addr, request.cookies.get(_known_name(), "")[:100])


def _known_name() -> str:
    return "__Host-staff-known" if current_app.extensions["settings"].is_https else "staff-known"


def site() -> passkeys.Site:
    """To whom keys answer here."""
    settings = current_app.extensions["settings"]
    address = urlsplit(settings.base_url or request.host_url)
    # As a browser writes it: small letters, and no port where it is the usual one.
    host = address.netloc.lower().removesuffix(":443" if address.scheme == "https" else ":80")
    return passkeys.Site(address.hostname or "", f"{address.scheme}://{host}", settings.service_name)


def wish() -> str:
    """Where this sign-in shall lead."""
    return way_on(request.values.get("next"))


def to(endpoint: str) -> Response:
    """On to another page of the sign-in, with where it shall lead."""
    target = wish()
    return redirect(url_for(endpoint, next=None if target == HOME else target), 303)


def half_way() -> StaffSession | None:
    """The sign-in of this browser that still lacks its second factor."""
    row = current_session()
    return row if row is not None and row.stage == "password" else None


def where_it_stands() -> Response:
    """Who is not at this step of a sign-in is led to the one they are at."""
    if current_staff() is not None:
        return redirect(wish(), 303)
    row = current_session()
    if row is not None and row.stage == "codes":
        return to("accounts.sign_in_codes")
    if row is not None and row.stage == "password":
        has = factors.factors_of(db_session(), staff_id=row.staff_id).any
        return to("accounts.sign_in_second" if has else "accounts.sign_in_set_up")
    return redirect(url_for("accounts.sign_in", ended="yes"), 303)


def begin(staff_id: int, moment: datetime) -> StaffSession:
    """A new sign-in in this browser in the place of the one before, with nothing open yet."""
    session = db_session()
    g.pop("staff_session", None)  # tries were counted meanwhile, in a transaction of their own
    old = current_session()
    if old is not None:
        session.delete(old)
    device = device_words(request.headers.get("User-Agent", ""))
    return begin_session(
        session, staff_id=staff_id, stage="password", organisation_id=None, device=device, now=moment
    )


def opened(row: StaffSession, moment: datetime, *, lead_to: str | None = None) -> Response:
    """Both factors were right: open this sign-in, and leave nothing of a resident's visit in this browser."""
    session = db_session()
    target = lead_to or wish()
    token = sign_in.open_fully(session, row=row, device=where().device, now=moment)
    g.pop("staff_principal", None)
    end_visit(session)
    cookie.clear()
    if row.stage == "codes":
        target = url_for("accounts.sign_in_codes")
    response = make_response(redirect(target, 303))
    response.set_cookie(
        _known_name(), token, max_age=KNOWN_SECONDS, secure=current_app.extensions["settings"].is_https,
        httponly=True, samesite="Lax", path="/",
    )  # fmt: skip
    return response


def email_hash(staff_id: int) -> str:
    """Under what the tries of somebody who gave their password count."""
    return db_session().get_one(Staff, staff_id).email_hash


@room.page("/staff/sign-in", allow=ANYONE, localised=False, methods=("GET", "POST"), endpoint="sign_in")
def sign_in_page() -> Any:
    if current_staff() is not None:
        return redirect(wish(), 303)
    form = SignInForm()
    if form.validate_on_submit():
        moment = now()
        try:
            staff_id = sign_in.prove_password(
                email=form.email.data, password=form.password.data, where=where(), now=moment
            )
        except RuleBroken as broken:
            form.refuse(broken)
        else:
            begin(staff_id, moment)
            has = factors.factors_of(db_session(), staff_id=staff_id).any
            return to("accounts.sign_in_second" if has else "accounts.sign_in_set_up")
    page = render_template("accounts/sign_in.html", form=form, next=wish(), ended="ended" in request.args)
    return page, 422 if form.is_submitted() else 200


@room.page("/staff/sign-in/second", allow=ANYONE, localised=False, methods=("GET", "POST"))
def sign_in_second() -> Any:
    row = half_way()
    has = factors.factors_of(db_session(), staff_id=row.staff_id) if row else None
    if row is None or has is None or not has.any:
        return where_it_stands()
    form = SecondForm()
    if form.validate_on_submit():
        moment, number, staff_id = now(), row.id, row.staff_id
        try:
            counted = sign_in.count_try(
                what="second", email_hash=email_hash(staff_id), where=where(), now=moment
            )
            session = db_session()
            row = session.get(StaffSession, number)  # the count stands in a transaction of its own
            if row is None:
                return where_it_stands()
            by_recovery_code = _second(row, form, moment)
            after_commit(functools.partial(sign_in.was_right, counted, now=moment))
            response = opened(row, moment, lead_to=url_for("accounts.factors") if by_recovery_code else None)
            if by_recovery_code:
                flash(RECOVERY_USED)
            return response
        except RuleBroken as broken:
            form.refuse(broken)
    has_app, has_keys = has.app_since is not None, bool(has.keys)
    page = render_template(
        "accounts/sign_in_second.html", form=form, next=wish(), has_app=has_app, has_keys=has_keys
    )
    return page, 422 if form.is_submitted() else 200


def _second(row: StaffSession, form: SecondForm, moment: datetime) -> bool:
    """Take the second factor that was given. True for a recovery code. Raises RuleBroken."""
    session = db_session()
    if not form.answer.data:
        return factors.use_code(session, staff_id=row.staff_id, code=form.code.data, now=moment)
    challenge = passkeys.take_challenge(session, row=row, purpose="second", now=moment)
    passkeys.check_key(
        session, answer=form.answer.data, challenge=challenge, site=site(), staff_id=row.staff_id, alone=False,
        now=moment,
    )  # fmt: skip
    return False


@room.page("/staff/sign-in/key", allow=ANYONE, localised=False, methods=("GET", "POST"))
def sign_in_key() -> Any:
    if current_staff() is not None:
        return redirect(wish(), 303)
    form = KeyForm()
    if form.validate_on_submit():
        moment = now()
        try:
            return _by_key_alone(form.answer.data or "", moment)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("accounts/sign_in_key.html", form=form, next=wish())
    return page, 422 if form.is_submitted() else 200


def _by_key_alone(answer: str, moment: datetime) -> Response:
    """A key that checked its owner is password and second factor in one. Raises RuleBroken."""
    counted = sign_in.count_address(where=where(), now=moment)
    session = db_session()
    challenge = passkeys.take_loose_challenge(session, kept=cookie.pop(LOOSE, None), now=moment)
    key = passkeys.check_key(
        session, answer=answer, challenge=challenge, site=site(), staff_id=None, alone=True, now=moment
    )
    if sign_in.first_organisation(session, staff_id=key.staff_id) is None:
        raise RuleBroken(passkeys.WRONG_KEY)
    after_commit(functools.partial(sign_in.was_right, counted, now=moment))
    return opened(begin(key.staff_id, moment), moment)


@room.page("/staff/sign-in/switch", allow=ANYONE, localised=False, methods=("POST",))
def sign_in_switch() -> Any:
    """The next person at a shared computer: this sign-in ends and the page of the security key stands there."""
    row = current_session()
    if row is not None:
        db_session().delete(row)
    end_visit(db_session())
    cookie.clear()
    forget_cookie()
    return redirect(url_for("accounts.sign_in_key"), 303)


@room.page("/staff/sign-in/challenge", allow=ANYONE, localised=False, methods=("POST",))
def sign_in_challenge() -> Any:
    """What the script of a page asks a key to sign; as JSON. 400 for what this browser may not ask for now."""
    purpose = request.form.get("purpose", "")
    session, moment, challenge = db_session(), now(), passkeys.new_challenge()
    if purpose == "enter":
        cookie[LOOSE] = passkeys.written(challenge, purpose=purpose, now=moment)
        return jsonify(passkeys.ask_for_known(session, staff_id=None, site=site(), challenge=challenge))
    row = current_session()
    if row is None or not may_ask(row, purpose, moment):
        abort(400)
    row.challenge = passkeys.written(challenge, purpose=purpose, now=moment)
    if purpose == "add":
        person = session.get_one(Staff, row.staff_id)
        return jsonify(passkeys.ask_for_new(session, person=person, site=site(), challenge=challenge))
    return jsonify(passkeys.ask_for_known(session, staff_id=row.staff_id, site=site(), challenge=challenge))


def may_ask(row: StaffSession, purpose: str, moment: datetime) -> bool:
    """Whether a key may be asked for this now: a new one only after a fresh proof, or as the very first factor."""
    if purpose == "second":
        return row.stage == "password"
    if current_staff() is not None:
        return purpose == "again" or (purpose == "add" and row.proven_at > moment - PROOF_FRESH)
    first = row.stage == "password" and not factors.factors_of(db_session(), staff_id=row.staff_id).any
    return purpose == "add" and first


@room.page("/staff/sign-in/again", allow=SIGNED_IN, localised=False, methods=("GET", "POST"))
def sign_in_again() -> Any:
    """The password or a key once more, before something is changed that opens the account."""
    form = AgainForm()
    session, staff_id = db_session(), the_staff().staff_id
    person, row = session.get_one(Staff, staff_id), current_session()
    if form.validate_on_submit() and row is not None:
        moment, number, email = now(), row.id, person.email
        try:
            if form.answer.data:
                counted = sign_in.count_address(where=where(), now=moment)
                row = db_session().get(StaffSession, number)
                if row is None:
                    return where_it_stands()
                challenge = passkeys.take_challenge(db_session(), row=row, purpose="again", now=moment)
                passkeys.check_key(
                    db_session(), answer=form.answer.data, challenge=challenge, site=site(), staff_id=staff_id,
                    alone=True, now=moment,
                )  # fmt: skip
                after_commit(functools.partial(sign_in.was_right, counted, now=moment))
            else:
                sign_in.prove_password(
                    email=email, password=form.password.data, where=where(), now=moment, wrong=WRONG_PASSWORD,
                    field="password",
                )  # fmt: skip
            sign_in.prove_again(db_session(), row_id=number, now=moment)
            return redirect(wish(), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    has_keys = bool(factors.factors_of(db_session(), staff_id=the_staff().staff_id or 0).keys)
    page = render_template("accounts/sign_in_again.html", form=form, next=wish(), has_keys=has_keys)
    return page, 422 if form.is_submitted() else 200


@room.page("/staff/sign-in/stay", allow=SIGNED_IN, localised=False, methods=("POST",))
def sign_in_stay() -> Any:
    """Somebody is still there: asked by the notice before a sign-in ends. Until when it lasts now, as JSON."""
    row = current_session()
    return jsonify(until=ends_at(row, now()).isoformat() if row is not None else None)
