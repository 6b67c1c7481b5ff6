"""My record: what is held, who looked, take it along, put it right, say how to be reached, delete it."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import ANYONE, Room, current_principal, permission, shows_nobody
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paging import page_number
from inclusion_app.core.sessions import end_visit
from inclusion_app.core.words import N_
from inclusion_app.people import (
    feedback_services,
    my_record_file,
    my_record_queries,
    my_record_services,
    queries,
    services,
)
from inclusion_app.people.contact import offered, show_value
from inclusion_app.people.models import Resident
from inclusion_app.people.my_record_forms import CorrectForm, FeedbackForm, RouteForm
from inclusion_app.people.my_record_words import CITY, KEPT_AFTER
from inclusion_app.people.rules import NEVER, ROUTES
from inclusion_app.people.views import room as people_room

room: Room = people_room
# With the code alone nobody reads anything here.
OWN = permission("record.own", "resident")


def _resident() -> Resident | None:
    return db_session().get(Resident, current_principal().resident_id)


def _number() -> int:
    number = current_principal().resident_id
    if number is None:
        raise RuntimeError("a page of somebody's own record without anybody")
    return number


def _answer(template: str, form: BaseForm, **context: Any) -> Any:
    page = render_template(template, form=form, **context)
    return page, 422 if form.errors or form.form_errors else 200


@room.page("/my-record", allow=ANYONE, reads=("record",))
def my_record() -> Any:
    """All of it for whoever came in with PIN, pictures or a link; what it is, and the way in, for everybody else."""
    if current_principal().kind != "resident":
        shows_nobody()
        return render_template("people/my_record_closed.html")
    session, number = db_session(), _number()
    return render_template(
        "people/my_record.html",
        sections=my_record_queries.held(session, number),
        looked=my_record_queries.count_looks(session, number, others=True),
    )


@room.page("/my-record/looked", allow=OWN, reads=("looks",))
def my_record_looked() -> Any:
    """Who looked, newest first, 20 a page; first only others, and with `all` what the person did themself."""
    session, number = db_session(), _number()
    others = "all" not in request.args
    total = my_record_queries.count_looks(session, number, others=others)
    page = page_number(total, my_record_queries.LOOKS_ON_A_PAGE)
    lines = my_record_queries.looks(
        session, number, others=others, first=(page - 1) * my_record_queries.LOOKS_ON_A_PAGE
    )
    more = page * my_record_queries.LOOKS_ON_A_PAGE < total
    return render_template(
        "people/my_record_looked.html", looks=lines, others=others, total=total, page=page, more=more
    )


@room.page("/my-record/print", allow=OWN, reads=("record", "looks"))
def my_record_print() -> Any:
    """All of it on paper, for the person or for a helper with them, in their language and in English."""
    pieces = my_record_file.parts(db_session(), _number(), now=now())
    return render_template("people/my_record_print.html", pieces=pieces)


@room.page("/my-record/download", allow=OWN, methods=("GET", "POST"))
def my_record_download() -> Any:
    """What the file is; the POST gives it."""
    if request.method != "POST":
        return render_template("people/my_record_download.html", form=BaseForm())
    session, number, moment = db_session(), _number(), now()
    archive = my_record_services.bundle(session, number, now=moment)
    services.note(session, number, "export", ("record",), moment)
    answer = make_response(archive)
    answer.mimetype = "application/zip"
    answer.headers["Content-Disposition"] = "attachment; filename=my-record.zip"
    return answer


@room.page("/my-record/correct", allow=OWN, methods=("GET", "POST"), reads=("identity", "needs"))
def my_record_correct() -> Any:
    """The facts a resident gives of themself; each may be taken away."""
    resident = _resident()
    if resident is None:
        return redirect(url_for("people.my_record"), 303)
    form = CorrectForm()
    form.offer(spoken=resident.spoken, read=resident.read)
    if request.method == "POST":
        try:
            my_record_services.correct_facts(
                db_session(), resident=resident, nickname=form.nickname.data or "", name=form.name.data or "",
                language=form.language.data or "", spoken=form.spoken.data or "", read=form.read.data or "",
                needs=form.needs.data or (), languages={language.slug for language in i18n.released()}, now=now(),
            )  # fmt: skip
            flash(N_("Your facts are changed."))
            return redirect(url_for("people.my_record"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    else:
        form.name.data, form.nickname.data = resident.name, resident.nickname
        form.language.data, form.spoken.data, form.read.data = (
            resident.language,
            resident.spoken,
            resident.read,
        )
        form.needs.data = list((resident.needs or {}).get("needs", ()))
    return _answer("people/my_record_correct.html", form)


@room.page("/my-record/contact", allow=OWN, methods=("GET", "POST"), reads=("contact",))
def my_record_contact() -> Any:
    """How to be reached, in order: add one, put one first, take one away; and how never to be reached."""
    resident = _resident()
    if resident is None:
        return redirect(url_for("people.my_record"), 303)
    form = RouteForm()
    form.offer(offered())
    if request.method == "POST":
        try:
            _change_routes(resident, form)
            return redirect(url_for("people.my_record_contact"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    if request.form.get("do") != "never":
        rule = resident.safe_contact or {}
        form.never.data = [name for name in NEVER if rule.get(name)]
    routes = [
        (route.id, ROUTES[route.kind], _shown(route.kind, route.value, resident))
        for route in queries.routes_of(db_session(), resident.id)
    ]
    return _answer("people/my_record_contact.html", form, routes=routes)


def _change_routes(resident: Resident, form: RouteForm) -> None:
    session, moment = db_session(), now()
    do, _colon, number = request.form.get("do", "").partition(":")
    route_id = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    if do == "up":
        my_record_services.move_route_up(session, resident=resident, route_id=route_id, now=moment)
    elif do == "never":
        my_record_services.set_never(session, resident=resident, never=form.never.data or (), now=moment)
    elif do == "remove":
        my_record_services.remove_route(session, resident=resident, route_id=route_id, now=moment)
    else:
        my_record_services.add_route(
            session, resident=resident, kind=form.kind.data or "", value=form.value.data or "", channels=offered(),
            now=moment,
        )  # fmt: skip


def _shown(kind: str, value: str | None, resident: Resident) -> str:
    if kind == "letter":
        return resident.address or ""
    return show_value(kind, value) if value else ""


@room.page("/my-record/tell", allow=OWN, methods=("GET", "POST"), reads=("consents",))
def my_record_tell() -> Any:
    """A complaint, thanks, or what is wrong in a record, to somebody who is named before it is sent."""
    session, number = db_session(), _number()
    form = FeedbackForm()
    form.offer(
        [
            (
                str(organisation.id),
                _("%(organisation)s: %(name)s reads it", organisation=organisation.name, name=name),
            )
            for organisation, name in feedback_services.organisations_to_tell(session, resident_id=number)
        ]
    )
    if request.method == "POST":
        kind, to, words = form.kind.data or "", form.to.data or "", form.words.data or ""
        problems = feedback_services.problems_with(
            kind=kind, to=to, readers=[choice.value for choice in form.to.choices], words=words
        )
        for problem in problems:
            form.refuse(problem)
        if problems:
            return _answer("people/my_record_tell.html", form)
        if not form.is_first_press(session, whose=f"feedback of {number}", now=now()):
            return redirect(url_for("people.my_record"), 303)
        try:
            feedback_services.send_feedback(
                session, resident_id=number, organisation_id=None if to == CITY else int(to), kind=kind,
                words=words, language=i18n.current_language().slug,
                link=url_for("people.feedback", _external=True), now=now(),
            )  # fmt: skip
            flash(N_("Thank you. We have sent it. The answer comes to this page."))
            return redirect(url_for("people.my_record"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    elif request.args.get("kind") in {"correction", "complaint", "thanks"}:
        form.kind.data = request.args["kind"]
    return _answer("people/my_record_tell.html", form)


@room.page("/my-record/delete", allow=OWN, methods=("GET", "POST"))
def my_record_delete() -> Any:
    """What goes, what stays and why; the POST deletes everything at once."""
    resident = _resident()
    if resident is None:
        return redirect(url_for("people.my_record"), 303)
    if request.method == "POST":
        session = db_session()
        services.delete_resident(session, resident=resident, now=now())
        end_visit(session)
        return redirect(url_for("start.finished", deleted=1), 303)
    titles = [holding.title for holding in registry.holdings()]
    return render_template(
        "people/my_record_delete.html", form=BaseForm(), titles=titles, kept_after=KEPT_AFTER
    )
