"""The work page of a caseworker: whom they look after, what is due, what is late, what waits; and the views they keep."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people.policy import RECORD
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_caseload_forms as forms
from inclusion_app.referrals import staff_caseload_queries as queries
from inclusion_app.referrals import staff_caseload_words as words
from inclusion_app.referrals.models import SavedView
from inclusion_app.referrals.services import saved_views
from inclusion_app.referrals.staff_caseload_rules import OTHERS, US, VIEWS_AT_MOST, Due
from inclusion_app.referrals.views import room

VIEW = "/staff/caseload/views/<int(max=999999999):view_id>"
registry.add_to_menu(registry.StaffLink("referrals.caseload", N_("Caseload"), RECORD, 5))


def due_words(due: Due, typed: str = "") -> str:
    """What one thing is, in words; of a task of one's own what was typed."""
    if due.kind == "task":
        return typed or _(rules.TASK_KINDS[due.code])
    if due.kind == "clock":
        return _(rules.CLOCKS[due.code])
    if due.kind == "sent" and due.until is not None and due.code in words.SENT:
        return _(words.SENT[due.code], day=i18n.near_day_words(due.until))
    return _(words.KINDS[due.kind])


def paper_words(due: Due | None) -> str:
    """What kind of thing comes next and by when, for a sheet of paper; empty where nothing does."""
    if due is None:
        return ""
    said = words.ON_PAPER.get(due.code) if due.kind in {"clock", "task"} else None
    said = said or words.ON_PAPER.get(due.kind, "")
    return _(said, day=i18n.near_day_words(due.day) if due.day is not None else "") if said else ""


def day_of(due: Due) -> str:
    """The day of it in words, with the hour where it has one; empty where it has none."""
    if due.at is not None:
        at = i18n.local(due.at)
        return _("%(day)s, %(time)s", day=i18n.day_words(at.date()), time=i18n.clock_words(at.time()))
    return i18n.day_words(due.on) if due.on is not None else ""


def name_words(name: str, end: str) -> str:
    """A name in a list to choose from; where another one has it too, with the end of the code."""
    return _("%(name)s (code ends in %(end)s)", name=name, end=end) if end else name


def words_for_lines(moment: datetime) -> dict[str, Any]:
    """What a template needs to say a line of a caseload."""
    return {"due_words": due_words, "day_of": day_of, "moment": moment, "US": US, "OTHERS": OTHERS}


@room.page(
    "/staff/caseload", allow=RECORD, methods=("GET", "POST"), reads=("identity", "tasks", "referrals"),
    localised=False,
)  # fmt: skip
def caseload() -> Any:
    """Everybody I look after (or my organisation does), the soonest first. A POST keeps what is chosen as a view."""
    session, principal, moment = db_session(), the_staff(), now()
    choices = queries.choices_for(session, principal)
    filters = choices.read(request.args)
    form = forms.ViewForm()
    if request.method == "POST" and form.validate():
        try:
            if form.is_first_press(session, whose=f"view of {principal.staff_id}", now=moment):
                saved_views.keep(session, actor=principal, name=form.name.data or "", filters=filters)
                flash(words.VIEW_SAVED)
            return redirect(url_for("referrals.caseload", **filters.chosen), 303)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    found = queries.caseload_of(session, principal, filters, moment)
    size = queries.ON_A_PAGE
    page = page_number(len(found.lines), size)
    lines = found.lines[(page - 1) * size : page * size]
    others = found.others[: queries.OTHERS_SHOWN]
    answer = render_template(
        "referrals/staff/caseload.html",
        form=form,
        filters_form=forms.FiltersForm(filters, choices),
        filters=filters,
        lines=lines,
        total=len(found.lines),
        page=page,
        pages=max(1, -(-len(found.lines) // size)),
        restricted=found.restricted,
        others=others,
        others_more=len(found.others) - len(others),
        shown=queries.shown_of(session, principal, [*lines, *found.restricted], others),
        workers=queries.workers_of(session, principal, [line.resident_id for line in lines])
        if filters.whose == "organisation"
        else None,
        views=queries.views_of(session, principal),
        has_room=VIEWS_AT_MOST,
        **words_for_lines(moment),
    )
    return answer, 422 if form.errors or form.form_errors else 200


def _view(view_id: int) -> SavedView | None:
    return queries.view_for(db_session(), the_staff(), view_id)


@room.page(VIEW, allow=RECORD, load=_view, localised=False)
def view(kept: SavedView) -> Any:
    """Open a view: the caseload with its filters. What it names and nobody knows any more is left out there."""
    choices = queries.choices_for(db_session(), the_staff())
    filters = choices.read(dict(parse_qsl(kept.filters)))
    return redirect(url_for("referrals.caseload", **filters.chosen), 303)


@room.page(f"{VIEW}/change", allow=RECORD, load=_view, methods=("GET", "POST"), localised=False)
def change_view(kept: SavedView) -> Any:
    """Give a view another name, or delete it."""
    session, form = db_session(), forms.ViewForm()
    if request.method == "POST" and request.form.get("do") == "delete":
        session.delete(kept)
        session.flush()
        flash(words.VIEW_GONE)
        return redirect(url_for("referrals.caseload"), 303)
    if request.method == "GET":
        form.name.data = kept.name
    elif form.validate():
        try:
            saved_views.rename(session, actor=the_staff(), view=kept, name=form.name.data or "")
            flash(words.VIEW_RENAMED)
            return redirect(url_for("referrals.caseload"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("referrals/staff/view.html", form=form, view_id=kept.id)
    return page, 422 if form.errors or form.form_errors else 200
