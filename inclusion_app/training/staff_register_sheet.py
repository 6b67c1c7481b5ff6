"""The register on paper: one line a booking with boxes to tick. No contact, no whole name, the end of the code only."""

from __future__ import annotations

from flask import render_template

from inclusion_app.core import paper
from inclusion_app.core.clock import today
from inclusion_app.core.i18n import day_words
from inclusion_app.core.paper_parts import PRINTED_ON, Pair, Paper
from inclusion_app.training.rules import NEEDS
from inclusion_app.training.staff_register_queries import Register

WALK_IN_LINES = 6


def sheet_html(found: Register) -> str:
    """The finished sheet, in English as all pages of the staff."""
    printed = PRINTED_ON % {"day": day_words(today())}
    return render_template(
        "pdf/register.html",
        paper=Paper(lang="en", dir="ltr", words={}, printed_on=Pair(printed, printed)),
        paper_style=paper.style_sheet("paper.css", "paperregister.css"),
        r=found, title=found.training.course.title_in(), needs=NEEDS, walk_in_lines=range(WALK_IN_LINES),
    )  # fmt: skip
