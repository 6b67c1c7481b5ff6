"""The handout as a PDF and as an equal print page: resident's language beside English."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flask import current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from inclusion_app.core import paper
from inclusion_app.core.access import current_principal
from inclusion_app.core.db import db_session
from inclusion_app.core.sessions import current_visit
from inclusion_app.people.models import Resident
from inclusion_app.places.queries import where_of_near
from inclusion_app.roadmaps import policy
from inclusion_app.roadmaps.handout import Handout
from inclusion_app.roadmaps.handout_fit import SPARE_BROWSER, arrange
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.sheets import build_handout, handout_html
from inclusion_app.roadmaps.views import _mine, room


@room.page("/roadmap/print", allow=policy.READ, reads=("plan", "code"))
def print_page() -> Any:
    """The same sheet as a web page: the accessible version, and the one for a kiosk's printer."""
    roadmap = _mine()
    if roadmap is None:
        return redirect(url_for("roadmaps.plan"))
    sheet = _my_sheet(roadmap)
    large = arrange(replace(sheet, large=True))
    page = render_template(
        "roadmaps/print.html",
        handout=sheet,
        layout=large if sheet.large else arrange(sheet, spare=SPARE_BROWSER),
        large_sides=large.sides,
        kept={"size": "large" if sheet.large else None, "private": "yes" if sheet.private else None},
    )
    # The page brings the papers' style too; empty lines and indents are what it can do without.
    return re.sub(r"\n\s+", "\n", page)


@room.page("/roadmap/handout.pdf", allow=policy.READ, reads=("plan", "code"))
def handout() -> Any:
    """The sheet as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    roadmap = _mine()
    if roadmap is None:
        return redirect(url_for("roadmaps.plan"))
    html = handout_html(_my_sheet(roadmap))
    db_session().rollback()
    return pdf_answer(html, name="plan.pdf", print_page="roadmaps.print_page")


def pdf_answer(html: str, *, name: str, print_page: str) -> Response:
    """The paper of a finished page, to be seen in the browser. Hold no transaction.

    When the paper service is full or away the answer is a page that leads to `print_page`, with 503.
    """
    try:
        pdf = paper.render_pdf(html, settings=current_app.extensions["settings"])
    except (paper.PaperBusy, paper.PaperFailed):
        response: Response = make_response(
            render_template("errors/paper_busy.html", print_page=print_page), 503
        )
        response.headers["Retry-After"] = "20"
        return response
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


def _my_sheet(roadmap: Roadmap) -> Handout:
    """The sheet in the form the address asks for: in large print, or without goals and reasons."""
    principal, visit = current_principal(), current_visit()
    resident = db_session().get(Resident, principal.resident_id) if principal.resident_id else None
    where = where_of_near((visit.near if visit else None) or roadmap.near)
    large = request.args.get("size") == "large"
    sheet = build_handout(roadmap, resident=resident, where=where, large=large)
    return sheet.without_reasons() if request.args.get("private") == "yes" else sheet
