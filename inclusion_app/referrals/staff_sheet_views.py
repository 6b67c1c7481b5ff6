"""Outreach sheets: made for some of one's people, printed on that day, typed in later, ticked as destroyed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.access import Principal, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.people import policy as people
from inclusion_app.people.models import Resident
from inclusion_app.people.policy import RECORD
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_caseload_forms as forms
from inclusion_app.referrals import staff_caseload_queries as queries
from inclusion_app.referrals import staff_caseload_rules as caseload
from inclusion_app.referrals import staff_caseload_words as words
from inclusion_app.referrals.models import OutreachSheet
from inclusion_app.referrals.services import sheets as services
from inclusion_app.referrals.staff_caseload_views import name_words, paper_words
from inclusion_app.referrals.staff_plan_steps import next_steps
from inclusion_app.referrals.staff_sheet_paper import NAMES, sheet_html
from inclusion_app.referrals.views import room

ONE = "/staff/caseload/sheets/<int(max=999999999):sheet_id>"
ENDED_SHOWN = 20


@room.page("/staff/caseload/sheets", allow=policy.KEEP_SHEET, localised=False)
def sheets() -> Any:
    """One's own sheets: those that still lie somewhere first. They are numbers and days; nobody is named."""
    session, principal, moment = db_session(), the_staff(), now()
    mine = select(OutreachSheet).where(policy.SHEETS.rows("sheet.keep", principal))
    out = session.scalars(
        mine.where(OutreachSheet.destroyed_at.is_(None)).order_by(OutreachSheet.made_at, OutreachSheet.id)
    ).all()
    ended = session.scalars(
        mine.where(OutreachSheet.destroyed_at.is_not(None))
        .order_by(OutreachSheet.destroyed_at.desc(), OutreachSheet.id.desc())
        .limit(ENDED_SHOWN)
    ).all()
    late = {one.id for one in out if caseload.looks_for(one.made_at, destroyed=False, now=moment)}
    return render_template(
        "referrals/staff/sheets.html", out=out, ended=ended, late=late, ends=caseload.SHEET_ENDS
    )


@room.page(
    "/staff/caseload/sheets/new", allow=policy.KEEP_SHEET, methods=("GET", "POST"), reads=("identity", "tasks"),
    localised=False,
)  # fmt: skip
def new_sheet() -> Any:
    """Choose up to twenty of my people, as the filters show them. Nobody is ticked for anybody."""
    session, principal, moment = db_session(), the_staff(), now()
    filters = caseload.Filters.read(
        {**request.args, "whose": "mine"},
        wards=[code for code, _name in queries.choices_for(session, principal).wards],
    )
    lines = queries.caseload_of(session, principal, filters, moment).lines
    shown = queries.shown_of(session, principal, lines)
    form = forms.SheetForm()
    form.people.choices = [
        (
            line.resident_id,
            name_words(shown.names.get(line.resident_id, ""), shown.ends.get(line.resident_id, ""))
            or _("No name, number %(number)s", number=line.resident_id),
        )
        for line in lines
    ]
    if request.method == "POST" and form.validate():
        try:
            if not form.is_first_press(session, whose=f"sheet of {principal.staff_id}", now=moment):
                return redirect(url_for("referrals.sheets"), 303)
            made = services.make(session, actor=principal, numbers=form.people.data or (), now=moment)
            flash(words.SHEET_MADE)
            return redirect(url_for("referrals.sheet", sheet_id=made.id), 303)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    page = render_template(
        "referrals/staff/sheet_new.html", form=form, filters=filters, most=rules.SHEET_PEOPLE
    )
    return page, 422 if form.errors or form.form_errors else 200


def _sheet(sheet_id: int) -> OutreachSheet | None:
    return queries.sheet_for(db_session(), the_staff(), sheet_id)


def _shown(made: OutreachSheet, form: forms.DestroyForm) -> Any:
    on_it, gone = services.people_on(db_session(), the_staff(), made.id)
    page = render_template(
        "referrals/staff/sheet.html", form=form, sheet=made, many=len(on_it), gone=gone, names=NAMES,
        may_print=caseload.may_print(made.made_at, destroyed=made.destroyed_at is not None, now=now()),
        ends=caseload.SHEET_ENDS,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@room.page(ONE, allow=policy.KEEP_SHEET, load=_sheet, methods=("GET", "POST"), localised=False)
def sheet(made: OutreachSheet) -> Any:
    """One sheet: print it on its day, type in what came of it, say that it is destroyed."""
    form = forms.DestroyForm()
    if request.method == "POST" and form.validate():
        try:
            services.destroy(db_session(), actor=the_staff(), sheet=made, how=form.how.data, now=now())
            flash(words.SHEET_DESTROYED)
            return redirect(url_for("referrals.sheets"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _shown(made, form)


def _to_print(sheet_id: int) -> OutreachSheet | None:
    """A sheet on its own day, until it is destroyed; after that there is nothing to print."""
    made = _sheet(sheet_id)
    if made is None:
        return None
    may = caseload.may_print(made.made_at, destroyed=made.destroyed_at is not None, now=now())
    return made if may else None


@room.page(
    f"{ONE}/sheet.pdf", allow=policy.KEEP_SHEET, load=_to_print, reads=("identity", "code", "plan", "tasks"),
    localised=False,
)  # fmt: skip
def sheet_pdf(made: OutreachSheet) -> Any:
    """The sheet on paper, with first names or with initials. Whoever ended their sharing since is left out."""
    session, principal, show = db_session(), the_staff(), request.args.get("name", "")
    if show not in NAMES:
        return redirect(url_for("referrals.sheet", sheet_id=made.id), 303)
    on_it, gone = services.people_on(session, principal, made.id)
    plans = _sees_plans(session, principal, [one.resident_id for one in on_it])
    steps = next_steps(session, plans, on_paper=True) if plans else {}
    others = [one.resident_id for one in on_it if one.resident_id not in steps]
    for number, due in queries.next_of(session, principal, others, now()).items():
        steps[number] = paper_words(due)
    html = sheet_html(made, on_it, gone=gone, steps=steps, show=show)
    back = url_for("referrals.sheet", sheet_id=made.id)
    return pdf_answer(html, name="outreach-sheet.pdf", print_page=back)


def _sees_plans(session: Session, principal: Principal, numbers: list[int]) -> list[int]:
    """Which of these people share their plan."""
    rows = people.TABLE.rows("resident.plan", principal)
    return list(session.scalars(select(Resident.id).where(Resident.id.in_(numbers), rows)))


@room.page(
    f"{ONE}/notes", allow=policy.KEEP_SHEET, load=_sheet, methods=("GET", "POST"), reads=("identity",), localised=False
)  # fmt: skip
def sheet_notes(made: OutreachSheet) -> Any:
    """Type in what came of a sheet: a day and words for each person; who has none is left empty."""
    session, principal, moment, number = db_session(), the_staff(), now(), made.id
    on_it, gone = services.people_on(session, principal, number, to_write=True)
    called = {one.resident_id: one.name or _("number %(number)s", number=one.resident_id) for one in on_it}
    labels = {
        one.resident_id: (
            _("Day it happened: %(name)s", name=called[one.resident_id]),
            _("What happened: %(name)s", name=called[one.resident_id]),
        )
        for one in on_it
    }
    form = forms.notes_form(on_it, labels)
    if request.method == "POST":
        # Each box says for itself what is wrong, all at once.
        form.validate()
        typed = form.read(today=today())
        if typed:
            services.write_notes(
                session, actor=principal, sheet_id=number, typed=typed, once=form.once.data or "", now=moment
            )
            flash(words.NOTES_SAVED)
            return redirect(url_for("referrals.sheet", sheet_id=number), 303)
    page = render_template(
        "referrals/staff/sheet_notes.html", form=form, sheet=made, people=on_it, gone=gone, called=called,
        noted=services.noted(session, number, [one.resident_id for one in on_it]),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _still_out(session: Session, principal: Principal, moment: datetime) -> list[registry.WaitingItem]:
    """Sheets of one's own that nobody has ticked as destroyed for a week."""
    if not RECORD.may_at_all(principal):
        return []
    found = session.execute(
        select(OutreachSheet.id, OutreachSheet.made_at)
        .where(
            policy.SHEETS.rows("sheet.keep", principal),
            OutreachSheet.destroyed_at.is_(None),
            OutreachSheet.made_at <= moment - caseload.SHEET_ASKED_AFTER,
        )
        .order_by(OutreachSheet.made_at)
    ).all()
    if not found:
        return []
    said = ngettext(
        "%(num)s outreach sheet is not ticked as destroyed",
        "%(num)s outreach sheets are not ticked as destroyed",
        len(found),
    )
    return [registry.WaitingItem(said, url_for("referrals.sheets"), found[0].made_at)]


registry.wait_for(_still_out)
