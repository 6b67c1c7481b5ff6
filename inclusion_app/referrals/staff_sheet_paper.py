"""The outreach sheet on paper: the end of the code, a first name or initials, the next step, and room to write.

No address, no phone, nothing of health or safety, no typed words. Of the code its end only: the whole one opens the titles
of somebody's plan to whoever finds the sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template
from sqlalchemy import select

from inclusion_app.accounts.models import Staff
from inclusion_app.core import paper
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import db_session
from inclusion_app.core.i18n import day_words
from inclusion_app.core.paper_parts import Pair, Paper, direction_of
from inclusion_app.core.words import N_
from inclusion_app.referrals.models import OutreachSheet
from inclusion_app.referrals.services.sheets import OnSheet
from inclusion_app.referrals.staff_caseload_rules import LAST_SIGNS, first_name, initials

NAMES: Mapping[str, str] = {"first": N_("Print with first names"), "initials": N_("Print with initials")}


@dataclass(frozen=True)
class PaperLine:
    """One person of a sheet as it is printed; `dir` is which way their name runs."""

    place: int
    code: str
    name: str
    dir: str
    step: str


def sheet_html(
    sheet: OutreachSheet, people: Sequence[OnSheet], *, gone: int, steps: Mapping[int, str], show: str
) -> str:
    """The finished sheet. `show` is `first` or `initials`; `gone` how many do not share any more and are left out."""
    shorten = first_name if show == "first" else initials
    lines = []
    for one in people:
        name = shorten(one.name)
        step = steps.get(one.resident_id, "")
        lines.append(PaperLine(one.place, one.code[-LAST_SIGNS:], name, direction_of(name), step))
    return render_template(
        "pdf/staff/outreach.html",
        paper=Paper(lang="en", dir="ltr", words={}, printed_on=Pair("", "")),
        paper_style=paper.style_sheet("paper.css", "paperoutreach.css"),
        number=sheet.id,
        made_by=db_session().scalar(select(Staff.name).where(Staff.id == sheet.staff_id)) or "",
        made_on=day_words(sheet.made_at.astimezone(LONDON).date()),
        lines=lines,
        gone=gone,
    )
