"""The public form: a Jobcentre, a GP's link worker, a friend or somebody themself asks for help, without an account."""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, render_template, request, url_for

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import BaseForm, asks_for_pictures
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.core.words import N_
from inclusion_app.people import contact, opening
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService
from inclusion_app.referrals.public_forms import ReferForm, ReferMyselfForm, key_of
from inclusion_app.referrals.services import public
from inclusion_app.referrals.views import room

ONE = "/refer/<int(max=999999999):service_id>"
NEEDS_SECRET = N_("Type your PIN or choose your pictures too.")


def _service(service_id: int) -> CityService | None:
    return public.open_service(db_session(), service_id)


def _link_of(token: str) -> str:
    return whole_address(url_for("referrals.confirm", token=token))


@room.page("/refer", allow=ANYONE, endpoint="public")
def public_list() -> Any:
    """Who helps with what, and takes people from everybody."""
    return render_template(
        "referrals/public.html", services=public.open_services(db_session()), helps=rules.HELPS
    )


@room.page(ONE, allow=ANYONE, load=_service, methods=("GET", "POST"))
def refer(service: CityService) -> Any:
    """The form that an e-mail confirms. Nobody reads it before."""
    form, can_mail = ReferForm(), "email" in contact.offered()
    if request.method == "POST" and can_mail:
        is_valid, asked, number = form.validate(), form.asked(), service.id
        if is_valid and public.was_sent(db_session(), asked.form_key):
            return redirect(url_for("referrals.look_at_mail"), 303)
        problems = public.whats_against(asked)
        for broken in problems:
            if broken.field not in form or not form[broken.field].errors:
                form.refuse(broken)
        if is_valid and not problems:
            try:
                # Tries are counted beside this request's own transaction, so nothing may be held in it.
                db_session().rollback()
                email = contact.read_email(asked.from_email, field="from_email")
                public.count_asking(address=request.remote_addr, email=email, now=now())
                found = _service(number)
                if found is None:
                    raise RuleBroken(public.NOT_TAKEN)
                if public.ask(db_session(), service=found, asked=asked, link_of=_link_of, now=now()) is None:
                    public.count_back(db_session(), address=request.remote_addr, email=email, now=now())
                return redirect(url_for("referrals.look_at_mail"), 303)
            except RuleBroken as broken:
                form.refuse(broken)
    page = render_template("referrals/refer.html", form=form, service=service, can_mail=can_mail)
    return page, 422 if form.errors or form.form_errors else 200


@room.page("/refer/sent", allow=ANYONE)
def look_at_mail() -> Any:
    """The same for everybody: an e-mail is on its way."""
    return render_template("referrals/refer_sent.html")


@room.page("/refer/confirm/<token>", allow=ANYONE, methods=("GET", "POST"))
def confirm(token: str) -> Any:
    """A button. Mail programs open links by themselves, so opening one changes nothing."""
    form, session, moment = BaseForm(), db_session(), now()
    found = public.unconfirmed(session, token, now=moment)
    if found is not None and request.method == "POST":
        try:
            public.confirm(session, public=found, now=moment)
            return redirect(url_for("referrals.confirm", token=token), 303)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
            found = public.unconfirmed(session, token, now=moment)
    page = render_template(
        "referrals/refer_confirm.html",
        form=form,
        token=token,
        found=found,
        is_done=found is not None and found.confirmed_at is not None,
    )
    return page, 422 if form.errors or form.form_errors else 200


@room.page(f"{ONE}/code", allow=ANYONE, load=_service, methods=("GET", "POST"))
def refer_myself(service: CityService) -> Any:
    """Somebody with a saved plan refers themself: their code and PIN confirm it at once, and it stands in their record."""
    form, pictures = ReferMyselfForm(), asks_for_pictures()
    is_open, number = current_principal().kind == "resident", service.id
    show = request.form.get("show")
    if show:
        pictures = show == "pictures"
    elif request.method == "POST" and form.validate():
        for broken in public.whats_against_code(form.why.data or "", form.items.data or ()):
            form.refuse(broken)
        code = secret = None
        if not is_open:
            # All that is missing is said at once, each at its field.
            code, secret = form.read_code(), _read_secret(form, pictures=pictures)
        if not (form.errors or form.form_errors):
            try:
                return _send_for(form, number, code, secret)
            except RuleBroken as broken:
                db_session().rollback()
                form.refuse(broken)
    page = render_template(
        "referrals/refer_myself.html", form=form, service=_service(number) or service, pictures=pictures,
        is_open=is_open,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _read_secret(form: ReferMyselfForm, *, pictures: bool) -> str | None:
    """The PIN or the pictures, which a referral needs; None where they are missing or none, which stands at their field."""
    try:
        secret = form.typed_secret(pictures=pictures)
        if secret is None:
            raise RuleBroken(NEEDS_SECRET, field="picture1" if pictures else "pin")
    except RuleBroken as broken:
        form.refuse(broken)
        return None
    return secret


def _send_for(form: ReferMyselfForm, service_id: int, code: str | None, secret: str | None) -> Any:
    """Whose code this is, or whose plan is open here, asks. No plan is opened by it. Raises RuleBroken."""
    moment, key = now(), key_of(form)
    mine = current_principal().resident_id
    is_again = public.was_sent(db_session(), key)
    # Tries are counted, and a slow hash is made, before this request's own transaction begins.
    db_session().rollback()
    proven = _prove(code, secret) if code is not None else None
    if not is_again:
        public.count_asking(address=request.remote_addr, email=None, now=moment)
    session = db_session()
    if proven is None:
        resident = session.get(Resident, mine)
    else:
        resident = people.find_by_code(session, code=proven.code, to_change=True)
        # Hashing took a while: another code or PIN since then counts.
        if resident is None or proven.facts[:2] != (resident.id, resident.secret_hash):
            raise RuleBroken(CHANGED_ALREADY)
    service = public.open_service(session, service_id)
    if resident is None or service is None:
        raise RuleBroken(public.NOT_TAKEN)
    items = tuple(form.items.data or ())
    public.ask_by_code(
        session, service=service, resident=resident, why=form.why.data or "", items=items, form_key=key,
        language=i18n.current_language().slug, now=moment,
    )  # fmt: skip
    if not is_again:
        people.note(session, resident.id, "refer oneself", items, moment)
    return redirect(url_for("referrals.sent_by_code"), 303)


def _prove(code: str, secret: str | None) -> opening.Proven:
    return opening.prove(
        code, secret, address=request.remote_addr, now=now(),
        secret_key=current_app.extensions["settings"].secret_key,
    )  # fmt: skip


@room.page("/refer/done", allow=ANYONE)
def sent_by_code() -> Any:
    """It stands in their record; nothing of it here, for no plan was opened."""
    return render_template("referrals/refer_done.html")
