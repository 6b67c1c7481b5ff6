"""Coming back to a saved plan: code alone, or code with PIN or pictures."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, redirect, render_template, request, url_for

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE, Room, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, read_code, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import asks_for_pictures
from inclusion_app.people import opening, services
from inclusion_app.people.forms import ComeBackForm, code_of
from inclusion_app.people.models import Resident

room = Room("people", __name__)


@room.page("/come-back", allow=ANYONE, methods=("GET", "POST"))
def come_back() -> Any:
    form = ComeBackForm()
    pictures = asks_for_pictures()
    if request.method == "GET":
        form.code.data = _code_of_the_page_before() or _code_of_this_visit()
    show = request.form.get("show")
    if show:
        # The other of the two was asked for: nothing is tried, and the code that was typed stays.
        pictures = show == "pictures"
    elif request.method == "POST":
        code = form.read_code()
        if code is not None:
            try:
                door = _open(code, form.typed_secret(pictures=pictures))
                return redirect(door or url_for("roadmaps.plan"), 303)
            except opening.AnotherDoor as another:
                return redirect(another.address, 303)
            except RuleBroken as broken:
                form.refuse(broken)
    return _page(form, pictures)


def _code_of_the_page_before() -> str:
    """Who comes from a page that its code opened finds that code filled in. Looks nothing up."""
    try:
        return show_code(code_of(request.args.get("code", "")))
    except BrokenCode:
        return ""


def _code_of_this_visit() -> str:
    """The code whoever came in by it alone has typed already; only the PIN or the pictures are missing.

    Which of the two opens the plan is not told: it would halve a guesser's work.
    """
    principal = current_principal()
    if principal.kind != "code":
        return ""
    resident = db_session().get(Resident, principal.resident_id)
    return show_code(resident.code) if resident else ""


@room.page("/r/<code>", allow=ANYONE, localised=False)
def scanned(code: str) -> Any:
    """What the QR on the paper opens: the same form with the code filled in. Looks nothing up."""
    asked = i18n.known(request.args.get("l", ""))
    g.language = asked if asked and asked.released else i18n.preferred(request, None)
    form = ComeBackForm(formdata=None)
    try:
        form.code.data = read_code(code[:200])
    except BrokenCode as broken:
        form.code.data = code[:40]
        form.refuse(RuleBroken(broken.message, field="code"))
    return _page(form, pictures=False, from_paper=True)


def _page(form: ComeBackForm, pictures: bool, *, from_paper: bool = False) -> Any:
    page = render_template(
        "people/come_back.html",
        form=form,
        pictures=pictures,
        from_paper=from_paper,
        # Opening another plan ends this visit, and what is not saved goes with it.
        unsaved=current_principal().kind == "visit",
    )
    return page, 422 if form.errors or form.form_errors else 200


def _open(code: str, secret: str | None) -> str:
    """Open a saved plan in this browser. Tries are claimed before anything is looked up or checked.

    Returns where the code leads, when it was that of a thing of theirs and not their own.
    """
    moment = now()
    proven = opening.prove(
        code,
        secret,
        address=request.remote_addr,
        secret_key=current_app.extensions["settings"].secret_key,
        now=moment,
        other_doors=True,
    )
    facts = proven.facts
    opening.enter(facts, proven.code, "everything" if secret else "titles", now=moment)
    if proven.fresh_hash is not None:
        services.renew_hash(
            db_session(), resident_id=facts.number, old=facts.secret_hash, fresh=proven.fresh_hash
        )
    return proven.door
