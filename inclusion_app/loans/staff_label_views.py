"""Label sheets, and the page on which a coordinator scans one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from markupsafe import Markup

from inclusion_app.accounts import queries as accounts
from inclusion_app.core import paper
from inclusion_app.core.access import the_staff
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.headers import with_camera
from inclusion_app.core.paper_answer import pdf_answer, whole_address
from inclusion_app.core.paper_parts import Pair, Paper, qr_square
from inclusion_app.core.words import N_
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_stock_forms as forms
from inclusion_app.loans import staff_stock_queries as queries
from inclusion_app.loans.models import Unit
from inclusion_app.loans.services import stock
from inclusion_app.loans.staff_stock_views import refused, shown, words_for_pages
from inclusion_app.loans.staff_words import TAGS_UNKNOWN
from inclusion_app.loans.views import room

# A4 with three by eight labels of 63.5 by 33.9 mm, the layout most label sheets of 24 have.
ON_A_SHEET = 24
MOST = 240
NO_TAGS = N_("Type at least one tag of yours.")
TOO_MANY = N_("Print up to 240 labels at a time.")
NOT_OURS = N_("None of your devices has this on it.")


@dataclass(frozen=True)
class Label:
    """What stands on one label."""

    tag: str
    square: Markup


@room.page("/staff/loans/labels", allow=policy.RUN_UNIT, localised=False)
def labels() -> Any:
    """Which labels to print, and at which label of a begun sheet they start."""
    form = forms.LabelsForm(formdata=request.args or None)
    if not form.tags.data:
        units = _between(request.args.get("first", ""), request.args.get("last", ""))
        form.tags.data = "\n".join(unit.tag for unit in units)
    if not form.start.data:
        form.start.data = "1"
    return shown("labels.html", form)


def _between(first: str, last: str) -> Sequence[Unit]:
    """The units whose tags lie between two, of those made together."""
    first, last = rules.plain_mark(first)[:12], rules.plain_mark(last)[:12]
    if not first or not last:
        return []
    return queries.units_between(db_session(), the_staff(), first, last, most=MOST)


@room.page("/staff/loans/labels.pdf", allow=policy.RUN_UNIT, localised=False)
def labels_pdf() -> Any:
    """The sheet: a square that leads to "found this device", the tag, and whom to phone. No name, no model."""
    form = forms.LabelsForm(formdata=request.args)
    units: list[Unit] = []
    if form.validate():
        try:
            units = _named(form.tags.data or "")
        except RuleBroken as broken:
            form.refuse(broken)
    if form.errors:
        return shown("labels.html", form)
    html = labels_html(units, start=form.start.count or 1)
    return pdf_answer(html, name="labels.pdf", print_page=url_for("loans.stock_list"))


def _named(typed: str) -> list[Unit]:
    """The units of these lines, in their order. Raises RuleBroken at the field."""
    lines = [line for line in typed.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise RuleBroken(TOO_MANY, field="tags")
    wanted = [rules.marks_in(line) for line in lines]
    known = queries.units_tagged(db_session(), the_staff(), [mark for marks in wanted for mark in marks])
    units = [next((known[mark] for mark in marks if mark in known), None) for marks in wanted]
    if not units:
        raise RuleBroken(NO_TAGS, field="tags")
    unknown = [line.strip()[:40] for line, unit in zip(lines, units, strict=True) if unit is None]
    if unknown:
        raise RuleBroken(TAGS_UNKNOWN, field="tags", tags=", ".join(unknown[:5]))
    return [unit for unit in units if unit is not None]


def labels_html(units: Sequence[Unit], *, start: int = 1) -> str:
    """The finished sheets; the first label stands at place `start` of the first sheet."""
    session = db_session()
    scheme = queries.scheme_of(session, the_staff())
    made: list[Label | None] = [None] * (start - 1)
    made += [Label(unit.tag, qr_square(whole_address(f"/d/{unit.tag}"), unit.tag)) for unit in units]
    holder = the_staff().organisation_id or 0
    return render_template(
        "pdf/staff/labels.html",
        paper=Paper(lang="en", dir="ltr", words={}, printed_on=Pair("", "")),
        sheets=[made[at : at + ON_A_SHEET] for at in range(0, len(made), ON_A_SHEET)],
        phone=scheme.phone if scheme else "",
        holder=accounts.names_of(session, [holder]).get(holder, ""),
        paper_style=paper.style_sheet("paperlabels.css"),
    )


@room.page("/staff/loans/scan", allow=policy.RUN_UNIT, methods=("GET", "POST"), localised=False)
def scan() -> Any:
    """Scan or type one label: its device opens."""
    form = forms.MarkForm()
    if request.method == "POST" and form.validate():
        unit = stock.unit_by_mark(
            db_session(), holder_id=the_staff().organisation_id or 0, typed=form.mark.data or ""
        )
        if unit is not None:
            return redirect(url_for("loans.stock_unit", unit_id=unit.id), 303)
        refused(form, RuleBroken(NOT_OURS, field="mark"))
    page = render_template("loans/staff/scan.html", form=form, **words_for_pages())
    return with_camera(page, 422 if form.errors else 200)
