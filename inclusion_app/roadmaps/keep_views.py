"""Keeping a plan: save it, see its code, change what opens it, delete it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from inclusion_app.core import i18n, pins
from inclusion_app.core.access import current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, asks_for_pictures
from inclusion_app.core.sessions import Visit, current_visit, end_visit, renew_browser
from inclusion_app.core.words import N_
from inclusion_app.people import opening
from inclusion_app.people import services as people
from inclusion_app.people.forms import KeepForm
from inclusion_app.people.models import Resident
from inclusion_app.places.rules import area_to_keep
from inclusion_app.roadmaps import policy, queries, services
from inclusion_app.roadmaps.views import room


@room.page("/roadmap/save", allow=policy.CHANGE, methods=("GET", "POST"))
def save() -> Any:
    """Choose a PIN or pictures; the answer is a code. Saving twice shows the same code."""
    visit = current_visit()
    if visit is None and request.method == "POST" and pressed_twice(KeepForm().secret):
        return redirect(url_for("roadmaps.code"), 303)
    if visit is None or queries.roadmap_of(db_session(), visit) is None:
        return redirect(url_for("roadmaps.plan"), 303)
    if visit.resident_id is not None:
        return redirect(url_for("roadmaps.code"), 303)
    kind = "pictures" if asks_for_pictures() else "pin"
    form = KeepForm()
    if request.method == "POST" and form.validate():
        try:
            return _keep(form, kind)
        except RuleBroken as broken:
            form.refuse(broken)
    near = area_to_keep(visit.near)
    page = render_template("roadmaps/save.html", form=form, kind=kind, near=near)
    return page, 422 if form.errors or form.form_errors else 200


def _keep(form: KeepForm, kind: str) -> Any:
    secret = form.secret(kind)
    # Slow on purpose, so it is done before the write lock is taken.
    db_session().rollback()
    secret_hash = pins.hash_secret(secret, current_app.extensions["settings"].secret_key)
    session, moment = db_session(), now()
    visit = current_visit()
    if visit is None:
        # Sent twice, and the first one was quicker: it counts.
        again = pressed_twice(KeepForm().secret)
        return redirect(url_for("roadmaps.code" if again else "roadmaps.plan"), 303)
    visit.last_used_at = moment
    roadmap = queries.roadmap_of(session, visit)
    if visit.resident_id is not None or roadmap is None:
        return redirect(url_for("roadmaps.code"), 303)
    resident = people.make_resident(
        session,
        secret_kind=kind,
        secret_hash=secret_hash,
        nickname=form.nickname.data,
        pin_for_everything=form.everything.data,
        language=i18n.current_language().slug,
        now=moment,
    )
    kept = area_to_keep(visit.near) if form.keep_near.data else None
    services.give_to_resident(
        session, roadmap=roadmap, visit=visit, resident=resident, near=kept.near if kept else None, now=moment
    )
    renew_browser(visit)
    return redirect(url_for("roadmaps.code"), 303)


def keep_with(session: Session, visit: Visit, resident: Resident, now: datetime) -> None:
    """Somebody became a resident in another room, with an unsaved plan open: it is kept with them."""
    roadmap = queries.roadmap_of(session, visit)
    if roadmap is not None:
        services.give_to_resident(
            session, roadmap=roadmap, visit=visit, resident=resident, near=None, now=now
        )


def pressed_twice(read_secret: Callable[[str], str], *, code: str | None = None) -> bool:
    """The plan was saved by the first of two presses: the second leads to the same one (see opening.pressed_twice).

    `read_secret` gives what was typed of a kind (pin, pictures) or raises RuleBroken; with `code` the plan must be
    the one of that code.
    """

    def stored(session: Session, visit: Visit) -> opening.Stored | None:
        resident = session.get(Resident, visit.resident_id) if visit.resident_id else None
        if resident is None or (code is not None and resident.code_hash != people.hash_of_code(code)):
            return None
        return opening.Stored(resident.secret_kind, resident.secret_hash)

    return opening.pressed_twice(
        stored, read_secret, secret_key=current_app.extensions["settings"].secret_key, now=now()
    )


def _resident() -> Resident | None:
    principal = current_principal()
    return db_session().get(Resident, principal.resident_id) if principal.resident_id else None


@room.page("/roadmap/code", allow=policy.OWN_CODE, methods=("GET", "POST"), reads=("code",))
def code() -> Any:
    """The code of a saved plan, as signs and as words; a new one, other settings, or the end of it."""
    resident = _resident()
    if resident is None:
        return redirect(url_for("roadmaps.save"), 303)
    if request.method == "POST":
        return _change(resident)
    return render_template(
        "roadmaps/code.html",
        form=BaseForm(),
        resident=resident,
        code=show_code(resident.code),
        words=code_to_words(resident.code),
        home=queries.home_of_resident(db_session(), resident.id),
    )


def _change(resident: Resident) -> Any:
    do, session = request.form.get("do"), db_session()
    if do == "new":
        people.renew_code(session, resident=resident, now=now())
        flash(N_("This is your new code. The old one does not work any more."))
    elif do in {"everything-on", "everything-off"}:
        people.set_pin_for_everything(session, resident=resident, on=do == "everything-on", now=now())
    elif do == "delete":
        people.delete_resident(session, resident=resident, now=now())
        end_visit(session)
        return redirect(url_for("start.finished", deleted=1), 303)
    else:
        raise RuleBroken(_("Choose one of the answers on this page."))
    return redirect(url_for("roadmaps.code"), 303)
