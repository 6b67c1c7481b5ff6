"""The clean gate: wipes with their evidence, safety checks, one report for many units, the certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext

from inclusion_app.accounts import queries as accounts
from inclusion_app.core import kept_files, paper
from inclusion_app.core.access import the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.i18n import day_words
from inclusion_app.core.paging import page_number
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.paper_parts import PRINTED_ON, Pair, Paper
from inclusion_app.core.uploads import takes_files
from inclusion_app.core.words import N_
from inclusion_app.loans import policy, rules, tool_reports
from inclusion_app.loans import staff_stock_forms as forms
from inclusion_app.loans import staff_stock_queries as queries
from inclusion_app.loans.models import Evidence, Unit, Wipe
from inclusion_app.loans.services import cleaning, files
from inclusion_app.loans.staff_stock_views import (
    UNIT,
    act,
    first_press,
    holder,
    refused,
    shown,
    stamp,
    the_evidence,
    the_unit,
)
from inclusion_app.loans.views import room
from inclusion_app.people.choice_fields import number_of

READY_NOW = N_("It is ready to be lent.")
ALL_READY = N_("All that you ticked is ready to be lent.")
CHECKS_KEPT = N_("The checks are written down.")
ONE_IS_NOT = N_("%(tag)s: %(why)s Nothing was changed.")
WIPES_KEPT = N_("The wipes are written down.")
NOTHING_TICKED = N_("Tick at least one device.")
NOT_WIPED_BY_REPORT = N_("The report says that this wipe did not hold.")
REPORT_IS_SILENT = N_("The report does not say how it went. Wipe or record this one alone.")
NO_REPORT = N_("This is no report of a tool.")


@room.page("/staff/loans/clean", allow=policy.RUN_UNIT, methods=("GET", "POST"), localised=False)
def clean() -> Any:
    """What waits to be wiped, tested or made ready; who came back first comes first."""
    session, principal = db_session(), the_staff()
    form, ticked = forms.TickedForm(), request.form.getlist("unit")[:200]
    if request.method == "POST":
        try:
            return _do_many(form, [number_of(one) for one in ticked])
        except RuleBroken as broken:
            refused(form, broken)
    state, place_id = request.args.get("fitness", ""), number_of(request.args.get("place", ""))
    total, _units = queries.to_clean(session, principal, state=state, place_id=place_id, page=1)
    page = page_number(total, queries.ON_A_PAGE)
    total, units = queries.to_clean(session, principal, state=state, place_id=place_id, page=page)
    return shown(
        "clean.html", form, units=units, total=total, page=page, pages=-(-total // queries.ON_A_PAGE), state=state,
        states=cleaning.TO_CLEAN, ticked=ticked, kept={"fitness": state or None, "place": place_id or None},
    )  # fmt: skip


def _do_many(form: forms.TickedForm, numbers: Sequence[int]) -> Any:
    """Write down the check of all that are ticked, or make them ready: all, or none and why the first of them is not."""
    session, principal, moment = db_session(), the_staff(), now()
    units = queries.units_for(session, principal, numbers)
    if not units:
        raise RuleBroken(NOTHING_TICKED)
    is_check = request.form.get("do") == "check"
    these = " ".join(str(unit.id) for unit in units)
    is_first = not is_check or first_press(form, f"checks {these}")
    for unit in units if is_first else ():
        try:
            if is_check:
                # One press must not take away a lock that somebody found: that is looked at alone, on its page.
                if unit.is_unlocked is False:
                    raise RuleBroken(cleaning.LOCKED)
                cleaning.record_check(
                    session, unit=unit, passed=True, is_unlocked=True, staff_id=principal.staff_id, now=moment
                )
            else:
                cleaning.make_ready(session, unit=unit, now=moment)
        except RuleBroken as broken:
            why = lazy_gettext(broken.message, **broken.params)
            raise RuleBroken(ONE_IS_NOT, tag=unit.tag, why=why) from None
    if is_first:
        act("record safety check" if is_check else "make device ready")
    if is_check:
        flash(CHECKS_KEPT)
    else:
        flash(READY_NOW if len(units) == 1 else ALL_READY)
    return redirect(url_for("loans.clean"), 303)


@room.page(f"{UNIT}/clean", allow=policy.RUN_UNIT, load=the_unit, methods=("GET", "POST"), localised=False)
@takes_files
def clean_unit(unit: Unit) -> Any:
    """Write down a wipe and a check of one unit, and make it ready."""
    wipe, check = forms.WipeForm(formdata=None), forms.CheckForm(formdata=None)
    wrong: Any = wipe
    if request.method == "POST":
        do = request.form.get("do", "")
        try:
            if do == "wipe":
                wipe = wrong = forms.WipeForm()
                done = wipe.validate() and _wipe(unit, wipe)
            elif do == "check":
                check = wrong = forms.CheckForm()
                done = check.validate() and _check(unit, check)
            else:
                cleaning.make_ready(db_session(), unit=unit, now=now())
                act("make device ready")
                flash(READY_NOW)
                done = True
            if done:
                return redirect(url_for("loans.clean_unit", unit_id=unit.id), 303)
        except RuleBroken as broken:
            refused(wrong, broken)
    return shown(
        "clean_unit.html", wrong, unit=unit, wipe=wipe, check=check, missing=cleaning.why_not_ready(db_session(), unit),
        may_clean=unit.status in cleaning.TO_CLEAN, is_held=unit.hold_until is not None and unit.hold_until > today(),
        past=queries.past_of(db_session(), the_staff(), unit),
    )  # fmt: skip


def _wipe(unit: Unit, form: forms.WipeForm) -> bool:
    """Write it down once, with its file where there is one."""
    wiped = form.read()
    if not first_press(form, f"wipe {unit.id}"):
        return True
    evidence = None
    if form.file.sent:
        evidence = files.keep_file(
            db_session(), instance=current_app.extensions["settings"].instance, organisation_id=unit.holder_id,
            kind="wipe_report", data=form.file.sent, staff_id=the_staff().staff_id, now=now(), unit_id=unit.id,
        )  # fmt: skip
    cleaning.record_wipe(
        db_session(), unit=unit, wiped=wiped, staff_id=the_staff().staff_id, now=now(), evidence=evidence
    )
    act("record wipe")
    flash(N_("The wipe is written down."))
    return True


def _check(unit: Unit, form: forms.CheckForm) -> bool:
    if first_press(form, f"check {unit.id}"):
        passed = form.passed.data == "yes"
        cleaning.record_check(
            db_session(), unit=unit, passed=passed, faults=form.faults.data or (),
            is_unlocked={"yes": True, "no": False}.get(form.unlocked.data), note=form.note.data or "",
            staff_id=the_staff().staff_id, now=now(),
        )  # fmt: skip
        act("record safety check")
        flash(N_("The check is written down.") if passed else N_("It is in repair now, with a ticket."))
    return True


# --- one report, many units


@dataclass(frozen=True)
class Found:
    """A unit a report names: on which line, what the line says, and what stands against writing it down (N_, filled)."""

    unit: Unit
    line: int
    broken: RuleBroken | None
    is_done: bool


@room.page("/staff/loans/clean/reports", allow=policy.RUN_UNIT, methods=("GET", "POST"), localised=False)
@takes_files
def send_report() -> Any:
    """Send the report of a tool. It is only read; what it would do stands on the next page."""
    form = forms.ReportForm()
    if request.method == "POST":
        try:
            form.validate()
            row = files.keep_file(
                db_session(), instance=current_app.extensions["settings"].instance, organisation_id=holder(),
                kind="wipe_report", data=form.file.sent, staff_id=the_staff().staff_id, now=now(),
            )  # fmt: skip
            act("send wipe report")
            return redirect(url_for("loans.report", evidence_id=row.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("clean_send.html", form)


@room.page(
    "/staff/loans/clean/reports/<int(max=999999999):evidence_id>", allow=policy.RUN, methods=("GET", "POST"),
    localised=False,
)  # fmt: skip
def report(evidence_id: int) -> Any:
    """Which units a report names: wiped by it, written down already, or not to be; and lines that name none of ours."""
    row = the_evidence(evidence_id)
    if row is None or row.kind != "wipe_report" or row.unit_id is not None:
        abort(404)
    form = forms.ReportWipesForm()
    found, unknown = _read(row, form)
    if request.method == "POST" and form.validate():
        try:
            wiped = form.read()
            found, unknown = _read(row, form, wiped)
            if request.form.get("do") == "record":
                return _record(row, wiped, found)
        except RuleBroken as broken:
            refused(form, broken)
    return shown(
        "clean_report.html", form, report=row, found=found, unknown=unknown[:200], more_unknown=max(0, len(unknown) - 200),
        asked=request.method == "POST" and not form.errors and not form.form_errors,
    )  # fmt: skip


def _read(
    row: Evidence, form: forms.ReportWipesForm, wiped: cleaning.Wiped | None = None
) -> tuple[list[Found], list[tool_reports.Line]]:
    """What the report and the typed marks name. Without `wiped` only what the report itself says stands against it."""
    session, principal = db_session(), the_staff()
    data = files.open_file(row, instance=current_app.extensions["settings"].instance) or b""
    text = kept_files.text_of(data) if row.media_type != "application/pdf" else ""
    known = queries.marks_of_pool(session, principal)
    named, unknown = tool_reports.matched(tool_reports.read_report(text or ""), known)
    for line in (form.marks.data or "")[:20_000].splitlines():
        if line.strip():
            number = next((known[mark] for mark in rules.marks_in(line) if mark in known), None)
            if number is None:
                unknown.append(tool_reports.Line(0, (rules.plain_mark(line)[:40],), None))
            else:
                named.setdefault(number, (0, True))
    done = queries.wiped_by(session, row.id)
    found = []
    for unit in queries.units_for(session, principal, list(named)):
        line, held = named[unit.id]
        broken = cleaning.why_not_wiped(unit, wiped, now=now()) if wiped is not None else None
        if held is not True:
            broken = RuleBroken(NOT_WIPED_BY_REPORT if held is False else REPORT_IS_SILENT)
        elif wiped is None and unit.status not in cleaning.TO_CLEAN:
            broken = RuleBroken(cleaning.NOT_TO_CLEAN)
        elif wiped is None and unit.hold_until is not None and unit.hold_until > today():
            broken = RuleBroken(cleaning.HELD, day=f"{unit.hold_until:%d.%m.%Y}")
        found.append(Found(unit, line, broken, unit.id in done))
    return found, unknown


def _record(row: Evidence, wiped: cleaning.Wiped, found: Sequence[Found]) -> Any:
    """Write down each that nothing stands against. Pressed twice it is written down once: by unit and report."""
    todo = [one.unit for one in found if not one.is_done and one.broken is None]
    for unit in todo:
        cleaning.record_wipe(
            db_session(), unit=unit, wiped=wiped, staff_id=the_staff().staff_id, now=now(), evidence=row
        )
    if todo:
        act("record wipe")
    flash(WIPES_KEPT)
    return redirect(url_for("loans.report", evidence_id=row.id), 303)


# --- the certificate


@room.page(
    "/staff/loans/wipes/<int(max=999999999):wipe_id>/certificate.pdf", allow=policy.RUN, localised=False
)
def wipe_certificate(wipe_id: int) -> Any:
    """One page that says how and when a unit was wiped, for its owner or giver. It names no resident."""
    session = db_session()
    row = queries.wipe_for(session, the_staff(), wipe_id)
    unit = the_unit(row.unit_id) if row is not None else None
    if row is None or unit is None:
        abort(404)
    back = url_for("loans.stock_unit", unit_id=unit.id)
    return pdf_answer(certificate_html(row, unit), name=f"wipe-{unit.tag}.pdf", print_page=back)


def certificate_html(row: Wipe, unit: Unit) -> str:
    """The finished certificate, in English as all pages of the staff."""
    session = db_session()
    printed = PRINTED_ON % {"day": day_words(today())}
    names = accounts.names_of(session, [unit.holder_id, unit.owner_id])
    return render_template(
        "pdf/staff/wipe_certificate.html",
        paper=Paper(lang="en", dir="ltr", words={}, printed_on=Pair(printed, printed)),
        paper_style=paper.style_sheet("paper.css", "paperlabels.css"),
        wipe=row, unit=unit, rules=rules, stamp=stamp, verifier=queries.staff_name(session, row.verified_by_id),
        holder=names.get(unit.holder_id, ""), owner=names.get(unit.owner_id, ""),
        evidence=session.get(Evidence, row.evidence_id) if row.evidence_id else None,
    )  # fmt: skip
