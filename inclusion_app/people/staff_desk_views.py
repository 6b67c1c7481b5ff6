"""The front desk: with the person present, a new code and a new PIN or pictures. Nothing of their plan is seen."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from inclusion_app.core import pins, registry
from inclusion_app.core.access import StaffRight, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, code_to_words, show_code
from inclusion_app.core.db import db_session, reading
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import asks_for_pictures
from inclusion_app.core.staff_sessions import current_session
from inclusion_app.core.words import N_
from inclusion_app.people import desk_services, naming, policy
from inclusion_app.people.forms import code_of
from inclusion_app.people.models import Resident
from inclusion_app.people.staff_request_forms import NewSecretForm, PresentForm
from inclusion_app.people.views import room


@room.page("/staff/desk", allow=policy.PRESENT_AT_DESK, methods=("GET", "POST"), localised=False)
def desk() -> Any:
    """Type the code of the person who stands here; then they choose a new PIN or pictures on this screen."""
    form, chosen = PresentForm(), NewSecretForm()
    known, pictures = False, asks_for_pictures()
    if request.method == "POST":
        step = request.form.get("step", "look")
        try:
            if step == "give" and (answer := _pressed_twice(form.person.data or "")):
                return answer
            resident_id = naming.number_of(
                form.person.data or "", principal=the_staff(), address=request.remote_addr, now=now(),
                by_number=False,
            )  # fmt: skip
            known = True
            if request.form.get("show"):
                pictures = request.form["show"] == "pictures"
                chosen = NewSecretForm(formdata=None)
            elif step == "give":
                new_code = request.form.get("what") != "secret"
                return _give(
                    chosen, resident_id, pictures=pictures, new_code=new_code, right=policy.PRESENT_AT_DESK
                )
            else:
                chosen = NewSecretForm(formdata=None)
        except RuleBroken as broken:
            (chosen if known else form).refuse(broken)
    wrong = chosen if known else form
    page = render_template(
        "people/staff/desk.html", form=wrong, typed=form, chosen=chosen, known=known, pictures=pictures
    )
    return page, 422 if wrong.errors or wrong.form_errors else 200


def _pressed_twice(typed: str) -> Any:
    """The first of two presses gave the new code already: the second leads to its paper."""
    row = current_session()
    try:
        code = code_of(typed)
    except BrokenCode:
        return None
    if row is None:
        return None
    with reading() as session:
        given = desk_services.was_given_just_now(session, session_id=row.id, code=code, now=now())
    return redirect(url_for("people.desk_paper"), 303) if given else None


def _give(form: NewSecretForm, resident_id: int, *, pictures: bool, new_code: bool, right: StaffRight) -> Any:
    kind = "pictures" if pictures else "pin"
    secret = form.secret(kind)
    row, principal = current_session(), the_staff()
    if row is None:
        raise RuleBroken(CHANGED_ALREADY)
    session_id = row.id
    # Slow on purpose, so it is done before the write lock is taken.
    db_session().rollback()
    secret_hash = pins.hash_secret(secret, current_app.extensions["settings"].secret_key)
    desk_services.reissue(
        db_session(), principal=principal, session_id=session_id, resident_id=resident_id, secret_kind=kind,
        secret_hash=secret_hash, new_code=new_code, role=right.roles(principal)[0], now=now(),
    )  # fmt: skip
    if new_code:
        return redirect(url_for("people.desk_paper"), 303)
    flash(N_("The new PIN or pictures are kept. The code on the paper stays the same."))
    return redirect(url_for("people.desk"), 303)


def _load_paper() -> Resident | None:
    row = current_session()
    return desk_services.paper_of(db_session(), session_id=row.id, now=now()) if row else None


@room.page("/staff/desk/paper", allow=policy.PRESENT_AT_DESK, reads=("code",), localised=False)
def desk_paper() -> Any:
    """The new code to print or write down, for ten minutes and for this sign-in only."""
    resident = _load_paper()
    if resident is None:
        return redirect(url_for("people.desk"), 303)
    shows_person(resident.id, "code", purpose=desk_services.PRESENT)
    return render_template(
        "people/staff/desk_paper.html",
        code=show_code(resident.code),
        words=code_to_words(resident.code),
    )


@room.page("/staff/desk/paper/away", allow=policy.PRESENT_AT_DESK, methods=("POST",), localised=False)
def desk_paper_away() -> Any:
    """The person has it on paper: this screen forgets it."""
    row = current_session()
    if row is not None:
        desk_services.put_paper_away(db_session(), session_id=row.id)
    return redirect(url_for("people.desk"), 303)


def _load_lost(resident_id: int) -> Resident | None:
    wanted = select(Resident).where(
        Resident.id == resident_id, policy.TABLE.rows("resident.reissue", the_staff())
    )
    return db_session().scalar(wanted)


@room.page(
    "/staff/people/<int(max=999999999):resident_id>/new-code", allow=policy.REISSUE, load=_load_lost,
    methods=("GET", "POST"), localised=False,
)  # fmt: skip
def lost_paper(resident: Resident) -> Any:
    """A lost paper: the caseworker knows the person, who chooses a new PIN or pictures here and gets a new code."""
    form, pictures = NewSecretForm(), asks_for_pictures()
    resident_id = resident.id
    if request.method == "POST":
        if request.form.get("show"):
            form, pictures = NewSecretForm(formdata=None), request.form["show"] == "pictures"
        else:
            try:
                return _give(form, resident_id, pictures=pictures, new_code=True, right=policy.REISSUE)
            except RuleBroken as broken:
                form.refuse(broken)
    page = render_template(
        "people/staff/desk_lost.html", form=form, pictures=pictures, resident_id=resident_id
    )
    return page, 422 if form.errors or form.form_errors else 200


registry.add_to_menu(registry.StaffLink("people.desk", N_("Front desk"), policy.PRESENT_AT_DESK, 11))
