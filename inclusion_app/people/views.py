"""Coming back to a saved plan: code alone, or code with PIN or pictures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, g, redirect, render_template, request, url_for

from inclusion_app.core import attempts, i18n
from inclusion_app.core.access import ANYONE, Room
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, read_code
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, reading, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.pins import read_pin
from inclusion_app.core.sessions import end_visit, visit_for_change
from inclusion_app.core.words import N_
from inclusion_app.people import services
from inclusion_app.people.forms import ComeBackForm
from inclusion_app.people.models import Resident

room = Room("people", __name__)

WRONG = N_("The code and the PIN or pictures do not fit. Check them and try again.")
UNKNOWN = N_("We do not know this code. Look at your paper again.")
NEEDS_SECRET = N_("This plan asks for the PIN or pictures too.")
LOCKED = N_("Too many wrong tries. Try again at %(time)s, or make a new plan.")
BUSY = N_("Too many codes were tried. Wait a few minutes and try again.")


@room.page("/come-back", allow=ANYONE, methods=("GET", "POST"))
def come_back() -> Any:
    form = ComeBackForm()
    pictures = request.values.get("with") == "pictures"
    if request.method == "POST":
        code = form.read_code()
        if code is not None:
            try:
                _open(code, _typed_secret(form, pictures))
                return redirect(url_for("roadmaps.plan"), 303)
            except RuleBroken as broken:
                form.refuse(broken)
    return _page(form, pictures)


@room.page("/r/<code>", allow=ANYONE, localised=False)
def scanned(code: str) -> Any:
    """What the QR on the paper opens: the same form with the code filled in. Looks nothing up."""
    g.language = i18n.preferred(request, None)
    form = ComeBackForm(formdata=None)
    try:
        form.code.data = read_code(code)
    except BrokenCode as broken:
        form.code.data = code[:40]
        form.refuse(RuleBroken(broken.message, field="code"))
    return _page(form, pictures=False)


def _page(form: ComeBackForm, pictures: bool) -> Any:
    page = render_template("people/come_back.html", form=form, pictures=pictures)
    return page, 422 if form.errors or form.form_errors else 200


def _typed_secret(form: ComeBackForm, pictures: bool) -> str | None:
    """What was typed beside the code; None when it was left empty: then titles only."""
    if pictures:
        chosen = [form.picture1.data, form.picture2.data, form.picture3.data]
        return form.secret() if any(chosen) else None
    return read_pin(form.pin.data) if (form.pin.data or "").strip() else None


def _open(code: str, secret: str | None) -> None:
    """Open a saved plan in this browser. Tries are claimed before anything is looked up or checked."""
    moment = now()
    code_key = keyed_hash("attempt-pin", code)
    network_key = keyed_hash("attempt-network", attempts.network_of(request.remote_addr))
    _claim(code_key if secret else None, network_key, moment)
    with reading() as session:
        found = services.find_by_code(session, code=code)
        facts = (found.id, found.secret_hash, found.pin_for_everything) if found else None
    if secret is not None:
        stored = facts[1] if facts else None
        if not services.open_with_secret(stored, secret, current_app.extensions["settings"].secret_key):
            raise RuleBroken(WRONG, field="code")
    if facts is None:
        raise RuleBroken(UNKNOWN, field="code")
    if secret is None and facts[2]:
        raise RuleBroken(NEEDS_SECRET, field="pin")
    with side_write() as session:
        if secret is not None:
            attempts.settle_success(session, key_hash=code_key)
        attempts.give_back(session, key_hash=network_key, limit=attempts.CODE_NETWORK)
        all_key = keyed_hash("attempt-network", "all")
        attempts.give_back(session, key_hash=all_key, limit=attempts.CODE_ALL)
    _enter(facts[0], "everything" if secret else "titles", moment)


def _claim(code_key: str | None, network_key: str, moment: datetime) -> None:
    all_key = keyed_hash("attempt-network", "all")
    with side_write() as session:
        free = attempts.claim(session, key_hash=network_key, limit=attempts.CODE_NETWORK, now=moment)
        # A network that is locked takes nothing from the city's own limit: one machine cannot shut all out.
        free = free and attempts.claim(session, key_hash=all_key, limit=attempts.CODE_ALL, now=moment)
        until = None
        if (
            free
            and code_key
            and not attempts.claim(session, key_hash=code_key, limit=attempts.PIN_WRONG, now=moment)
        ):
            until = attempts.locked_until(session, key_hash=code_key, now=moment)
    if not free:
        raise RuleBroken(BUSY)
    if until is not None:
        raise RuleBroken(LOCKED, time=i18n.clock_words(i18n.local(until).time()))


def _enter(resident_id: int, unlocked: str, moment: datetime) -> None:
    session = db_session()
    end_visit(session)
    visit = visit_for_change(session, moment)
    visit.resident_id = resident_id
    visit.unlocked = unlocked
    resident = session.get(Resident, resident_id)
    if resident is not None:
        resident.last_used_at = moment
    session.flush()
