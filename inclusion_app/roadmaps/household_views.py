"""Pages of a home with one plan: who is in it, who does what, and the way out."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for

from inclusion_app.core import clock, i18n, pins
from inclusion_app.core.access import current_principal, shows_of
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import asks_for_pictures
from inclusion_app.core.pins import read_pin
from inclusion_app.core.words import N_
from inclusion_app.people import opening
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import household_services, policy, queries, services
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.household_forms import AddForm, AddNewForm, HomeForm
from inclusion_app.roadmaps.household_services import MOST_MEMBERS
from inclusion_app.roadmaps.views import _mine, _mine_to_change, room


def _me() -> int:
    number = current_principal().resident_id
    return number if number is not None else abort(403)


def _home() -> queries.Home | None:
    roadmap = _mine()
    return queries.home_of(db_session(), roadmap) if roadmap else None


@room.page(
    "/roadmap/household", allow=policy.HOUSEHOLD, methods=("GET", "POST"), reads=("household", "nickname")
)
def household() -> Any:
    """What one plan for a home means, and a name to begin it with; once there is one, the people in it."""
    home, form = _home(), HomeForm()
    if request.method == "GET" and home is None:
        # The name they gave for their paper, if any; it can be another one here.
        form.name.data = db_session().get_one(Resident, _me()).nickname or ""
    if request.method == "POST":
        if home is not None:
            # Sent twice, and the first one was quicker: it counts.
            return redirect(url_for("roadmaps.household"), 303)
        if form.validate():
            try:
                household_services.make(db_session(), resident_id=_me(), name=form.name.data, now=now())
                return redirect(url_for("roadmaps.household"), 303)
            except RuleBroken as broken:
                form.refuse(broken)
                db_session().rollback()
    page = render_template("roadmaps/household.html", form=form, home=home, me=_me(), most=MOST_MEMBERS)
    return page, 422 if form.errors or form.form_errors else 200


@room.page("/roadmap/household/leave", allow=policy.HOUSEHOLD, methods=("POST",))
def household_leave() -> Any:
    """One step and no question back. Leaving twice is leaving once."""
    staying = household_services.leave(
        db_session(), resident_id=_me(), today=clock.today(), actor=current_principal().kind, now=now()
    )
    if staying == 0:
        flash(N_("You have your own plan again. Nothing is lost."))
    elif staying:
        flash(N_("You have your own plan again. Your steps came with you."))
        flash(N_("The others are not told."))
    return redirect(url_for("roadmaps.plan"), 303)


@room.page("/roadmap/household/add", allow=policy.HOUSEHOLD, methods=("GET", "POST"))
def household_add() -> Any:
    """Somebody who has a code joins: it takes their own PIN or pictures."""
    if _home() is None:
        return redirect(url_for("roadmaps.household"), 303)
    form, pictures = AddForm(), asks_for_pictures()
    if request.method == "POST":
        form.validate()
        code = form.read_code()
        if code is not None and not form.errors:
            try:
                return _add(form, code, form.secret() if pictures else read_pin(form.pin.data or ""))
            except RuleBroken as broken:
                form.refuse(broken)
                db_session().rollback()
    page = render_template("roadmaps/household_add.html", form=form, pictures=pictures)
    return page, 422 if form.errors or form.form_errors else 200


def _add(form: AddForm, code: str, secret: str) -> Any:
    moment = now()
    proven = opening.prove(
        code,
        secret,
        address=request.remote_addr,
        secret_key=current_app.extensions["settings"].secret_key,
        now=moment,
        others=opening.NOT_A_MEMBER,
    )
    household_services.add(
        db_session(),
        by=_me(),
        code=code,
        proven=proven.facts,
        name=form.name.data,
        may_wait=form.may_wait.data,
        now=moment,
    )
    if proven.fresh_hash is not None:
        people.renew_hash(
            db_session(),
            resident_id=proven.facts.number,
            old=proven.facts.secret_hash,
            fresh=proven.fresh_hash,
        )
    flash(N_("There is one more person in your plan."))
    return redirect(url_for("roadmaps.household"), 303)


@room.page("/roadmap/household/new", allow=policy.HOUSEHOLD, methods=("GET", "POST"))
def household_new() -> Any:
    """Somebody without a code joins: they choose a PIN or pictures and get a code."""
    home = _home()
    if home is None:
        return redirect(url_for("roadmaps.household"), 303)
    form, kind = AddNewForm(), "pictures" if asks_for_pictures() else "pin"
    if request.method == "POST":
        form.validate()
        try:
            secret = form.secret(kind)
        except RuleBroken as broken:
            form.refuse(broken)
        if not form.errors:
            try:
                return _add_new(form, kind, secret)
            except RuleBroken as broken:
                form.refuse(broken)
                db_session().rollback()
    page = render_template(
        "roadmaps/household_new.html", form=form, kind=kind, newest=max(member.id for member in home.members)
    )
    return page, 422 if form.errors or form.form_errors else 200


def _add_new(form: AddNewForm, kind: str, secret: str) -> Any:
    # Slow on purpose, so it is done before the write lock is taken.
    db_session().rollback()
    opening.count_making(request.remote_addr, now=now())
    secret_hash = pins.hash_secret(secret, current_app.extensions["settings"].secret_key)
    member = household_services.add_new(
        db_session(),
        by=_me(),
        name=form.name.data,
        secret_kind=kind,
        secret_hash=secret_hash,
        newest=form.newest.data or "",
        language=i18n.current_language().slug,
        now=now(),
    )
    if member is None:
        flash(CHANGED_ALREADY)
        return redirect(url_for("roadmaps.household"), 303)
    return redirect(url_for("roadmaps.household_code", member_id=member.id), 303)


@room.page("/roadmap/household/code/<int:member_id>", allow=policy.HOUSEHOLD, reads=("code", "nickname"))
def household_code(member_id: int) -> Any:
    """The code somebody got here, to write down; shown until they have opened the plan with it, never after."""
    home = _home()
    member = (
        next((item for item in home.members if item.id == member_id and item.is_new), None) if home else None
    )
    resident = db_session().get(Resident, member.resident_id) if member else None
    if member is None or resident is None:
        abort(404)
    # It is their code: that it was looked at stands in their record too.
    if resident.id != _me():
        shows_of(resident.id, kind="resident", actor_id=_me())
    return render_template(
        "roadmaps/household_code.html",
        member=member,
        code=show_code(resident.code),
        words=code_to_words(resident.code),
    )


@room.page("/roadmap/steps/<step_id>/who", allow=policy.HOUSEHOLD, methods=("POST",))
def step_who(step_id: str) -> Any:
    """Who of the home does this step; nothing means everybody."""
    who = request.form.get("who", "")
    if step_id not in load_catalogue().steps:
        abort(404)
    if not re.fullmatch(r"[0-9]{0,9}", who):
        raise RuleBroken(CHANGED_ALREADY)
    services.set_who(
        db_session(),
        roadmap=_mine_to_change(),
        step_id=step_id,
        member_id=int(who) if who else None,
        now=now(),
    )
    flash(N_("Your plan is changed."))
    return redirect(url_for("roadmaps.plan"), 303)
