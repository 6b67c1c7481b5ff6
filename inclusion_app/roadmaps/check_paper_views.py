"""The self-check on paper as a PDF and as an equal print page. Anybody may print it: it holds nothing of anybody."""

from __future__ import annotations

import re
from typing import Any

from flask import g, render_template, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, paper
from inclusion_app.core.access import ANYONE
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.roadmaps.check_paper import CheckSheet, check_sheet
from inclusion_app.roadmaps.typed_in_views import DOORS
from inclusion_app.roadmaps.views import room

STYLE = "checkpaper.css"


@room.page("/roadmap/check/paper", allow=ANYONE)
def check_paper() -> Any:
    """The sheet as a web page: the accessible version, and the one for a printer at hand."""
    g.long_page = True  # all of it must fit one window, pictures and two languages
    page = render_template("roadmaps/check_paper.html", sheet=_sheet())
    return re.sub(r"\n\s*", "\n", page)


@room.page("/roadmap/check/paper.pdf", allow=ANYONE)
def check_pdf() -> Any:
    """The sheet as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    return pdf_answer(check_html(_sheet()), name="questions.pdf", print_page=url_for("roadmaps.check_paper"))


@i18n.one_language()
def check_html(sheet: CheckSheet) -> str:
    """The finished page the paper service draws."""
    return render_template("pdf/check.html", sheet=sheet, paper_style=paper.style_sheet(STYLE))


@i18n.one_language()
def _sheet() -> CheckSheet:
    language = i18n.current_language()
    return check_sheet(_, lang=language.tag, direction=language.dir, with_group=bool(DOORS))
