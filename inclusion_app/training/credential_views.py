"""Certificates: made by whoever holds the code of a booking, printed with a name or a line, checked by anybody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import StringField

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.paper_answer import pdf_answer, whole_address
from inclusion_app.core.paper_parts import Pair, pair
from inclusion_app.core.words import N_
from inclusion_app.places.on_paper import dated
from inclusion_app.training.badges import Issuer, NotOurs
from inclusion_app.training.badges import issuer as make_issuer
from inclusion_app.training.certificate_paper import certificate_html
from inclusion_app.training.models import Booking, Credential, TrainingSession
from inclusion_app.training.opened import booking_of, note_reader, page_of
from inclusion_app.training.rules import CAME
from inclusion_app.training.services import credentials, opinions
from inclusion_app.training.views import room

NAME_LENGTH = 60
NAME_TOO_LONG = N_("This name is too long for the paper.")
CAME_TO = N_("They came to this free session:")
ON_DAY = N_("It was on %(day)s.")
FIRST_DAY = N_("The first day was %(day)s.")
LAST_DAY = N_("The last day was %(day)s.")


class NameForm(BaseForm):
    """A name for one print. It stands in no address and is kept nowhere."""

    name = StringField(_l("The name on the paper"))

    def read(self) -> str:
        """The name on one line. Raises RuleBroken at the field."""
        name = one_line(self.name.data)
        if len(name) > NAME_LENGTH:
            raise RuleBroken(NAME_TOO_LONG, field="name")
        return name


def this_issuer() -> Issuer:
    """Who signs here: the service at the address people reach it by."""
    settings = current_app.extensions["settings"]
    return make_issuer(address=whole_address(""), name=settings.service_name, keys=settings.badge_keys)


def credential_of(booking: Booking) -> Credential | None:
    """The certificate of a booking, when one was made."""
    return db_session().scalar(select(Credential).where(Credential.booking_id == booking.id))


@room.page(
    "/book/<code>/certificate", allow=ANYONE, load=booking_of, methods=("GET", "POST"), reads=("booking",)
)
def certificate(booking: Booking) -> Any:
    """Make the certificate of a booking, then print it: one button, and nothing to fill in."""
    note_reader(booking)
    form = NameForm(formdata=None)
    if request.method == "POST":
        try:
            credentials.certify_booking(db_session(), booking=booking, issuer=this_issuer(), now=now())
            return redirect(url_for("training.certificate", code=booking.code), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _certificate_page(booking, form)


def _certificate_page(booking: Booking, form: NameForm) -> Any:
    page = render_template(
        "training/certificate.html", booking=booking, form=form, made=credential_of(booking),
        has_come=opinions.may_be_asked(booking), booking_page=page_of(booking),
        title=booking.session.course.title_in(i18n.current_language().slug),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@room.page(
    "/book/<code>/certificate.pdf", allow=ANYONE, load=booking_of, methods=("GET", "POST"), reads=("booking",)
)
def certificate_pdf(booking: Booking) -> Any:
    """The paper: with the name that was typed for this print, else with a line to write it on."""
    note_reader(booking)
    made, page = credential_of(booking), url_for("training.certificate", code=booking.code)
    if made is None or made.revoked_at is not None:
        return redirect(page, 303)
    form = NameForm()
    try:
        name = form.read() if request.method == "POST" else ""
    except RuleBroken as broken:
        form.refuse(broken)
        return _certificate_page(booking, form)
    days = [day.occurrence.day for day in booking.dates if day.attendance in CAME]
    html = paper_of(made, booking.session, days, name=name)
    return pdf_answer(html, name="certificate.pdf", print_page=page)


def paper_of(made: Credential, training: TrainingSession, days: Collection[date], *, name: str) -> str:
    """The certificate of this session on these days, in the language that is spoken here beside English."""
    titles = Pair(training.course.title_in(i18n.current_language().slug), training.course.title_in())
    said = [pair(_, CAME_TO), titles]
    if len(days) == 1:
        said.append(dated(ON_DAY, min(days)))
    elif days:
        said += [dated(FIRST_DAY, min(days)), dated(LAST_DAY, max(days))]
    by = (training.organisation.name, current_app.extensions["settings"].service_name)
    return certificate_html(made, name=name, said=said, by=by)


# --- what anybody can check


@dataclass(frozen=True)
class Checked:
    """A certificate as this service vouches for it: `state` is valid, revoked or broken. `said` is what was signed."""

    credential: Credential
    state: str
    said: dict[str, Any]
    title: str
    provider: str


def checked(credential_id: UUID) -> Checked | None:
    """The certificate of this number with what its signature says; None when there is none."""
    row = db_session().get(Credential, str(credential_id))
    if row is None:
        return None
    try:
        said = this_issuer().read(row.signed)
        state = "valid" if row.revoked_at is None else "revoked"
    except NotOurs:
        said, state = {}, "broken"
    training = db_session().get(TrainingSession, row.session_id) if row.session_id else None
    title = str(said.get("name", ""))
    if training is not None and said:
        title = training.course.title_in(i18n.current_language().slug) or title
    return Checked(row, state, said, title, training.organisation.name if training is not None else "")


@room.page("/certificates/<uuid:credential_id>", allow=ANYONE)
def verify(credential_id: UUID) -> Any:
    """What the square on a certificate opens: what, by whom, when, and whether it still holds. Never who.

    A number that was never given answers 404, with the same question answered no: whoever holds a paper with a made-up
    number is told so, not that a page is missing.
    """
    found = checked(credential_id)
    issued = found.credential.issued_at.astimezone(LONDON).date() if found else None
    page = render_template("training/verify.html", found=found, issued=issued)
    return page, 200 if found else 404


def _open_to_all(response: Response) -> Response:
    # Whoever checks a badge does it from a page of theirs; there is nothing of anybody in these.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@room.page("/certificates/<uuid:credential_id>.json", allow=ANYONE, load=checked)
def verify_json(found: Checked) -> Any:
    """What was signed, as data, with whether it still holds beside it."""
    return _open_to_all(jsonify({"credential": found.said, "state": found.state}))


@room.page("/certificates/<uuid:credential_id>.jwt", allow=ANYONE, load=checked)
def verify_jwt(found: Checked) -> Any:
    """The signed form, for a wallet or whoever checks badges."""
    response = make_response(found.credential.signed)
    response.mimetype = "application/vc+jwt"
    response.headers["Content-Disposition"] = 'attachment; filename="certificate.jwt"'
    return _open_to_all(response)


@room.page("/api/badges/issuer", allow=ANYONE, localised=False)
def badge_issuer() -> Any:
    """Who signs."""
    return _open_to_all(jsonify(this_issuer().profile()))


@room.page("/api/badges/keys", allow=ANYONE, localised=False)
def badge_keys() -> Any:
    """Every public key that signs or has signed (a JWK set, RFC 7517)."""
    signer = this_issuer()
    keys = [{**key, "kid": signer.key_address(name)} for name, key in signer.keys().items()]
    return _open_to_all(jsonify({"keys": keys}))


def _key_of(key_name: str) -> dict[str, str] | None:
    return this_issuer().keys().get(key_name)


@room.page("/api/badges/keys/<key_name>", allow=ANYONE, load=_key_of, localised=False)
def badge_key(key: dict[str, str]) -> Any:
    """One public key, as the header of a certificate names it."""
    return _open_to_all(jsonify(key))


@room.page("/api/badges/revoked", allow=ANYONE, localised=False)
def badge_revoked() -> Any:
    """What was taken back (1EdTech Revocation List Status Method): addresses of certificates, nothing of anybody."""
    signer = this_issuer()
    numbers = db_session().scalars(
        select(Credential.id).where(Credential.revoked_at.is_not(None)).order_by(Credential.id)
    )
    taken = [{"id": f"{signer.address}/en/certificates/{number}", "revoked": True} for number in numbers]
    # The words of that method call the list by the second name; the validator of 1EdTech itself looks for the first
    # (RevocationListProbe), and would call good what was taken back.
    lists = {"revokedCredential": taken, "revokedCredentials": taken}
    return _open_to_all(jsonify({"id": signer.revoked, "issuer": signer.id, **lists}))
