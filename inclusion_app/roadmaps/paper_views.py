"""The handout and the sheets of steps, as PDFs and as equal print pages: resident's language beside English."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flask import g, redirect, render_template, request, url_for

from inclusion_app.core.access import current_principal
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.sessions import current_visit
from inclusion_app.people.models import Resident
from inclusion_app.places.queries import where_of_near
from inclusion_app.roadmaps import policy
from inclusion_app.roadmaps.catalogue import Step, load_catalogue
from inclusion_app.roadmaps.handout import Handout
from inclusion_app.roadmaps.handout_fit import SPARE_BROWSER, arrange
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.sheets import build_handout, build_step_sheet, handout_html, step_sheet_html
from inclusion_app.roadmaps.step_sheet import StepSheet
from inclusion_app.roadmaps.views import _mine, room


@room.page("/roadmap/print", allow=policy.READ, reads=("plan", "code"))
def print_page() -> Any:
    """The same sheet as a web page: the accessible version, and the one for a kiosk's printer."""
    roadmap = _mine()
    if roadmap is None:
        return redirect(url_for("roadmaps.plan"))
    # Two languages, and a square that is another for each code: one window has to hold any of them.
    g.long_page = True
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
    return pdf_answer(html, name="plan.pdf", print_page=url_for("roadmaps.print_page"))


def _my_sheet(roadmap: Roadmap) -> Handout:
    """The sheet in the form the address asks for: in large print, or without goals and reasons."""
    principal, visit = current_principal(), current_visit()
    resident = db_session().get(Resident, principal.resident_id) if principal.resident_id else None
    return build_handout(
        roadmap,
        resident=resident,
        where=where_of_near((visit.near if visit else None) or roadmap.near),
        large=request.args.get("size") == "large",
        private=request.args.get("private") == "yes",
    )


def _known_step(step_id: str) -> Step | None:
    return load_catalogue().steps.get(step_id)


@room.page("/roadmap/steps/<step_id>/print", allow=policy.LOOK, load=_known_step)
def step_print(step: Step) -> Any:
    """The sheet of a step as a web page: the accessible version, and the one for a kiosk's printer."""
    sheet = _step_sheet(step)
    size = "large" if sheet.large else None
    return render_template(
        "roadmaps/step_print.html",
        step=step,
        sheet=sheet,
        pdf=url_for("roadmaps.step_sheet", step_id=step.id, size=size),
        other_size=url_for("roadmaps.step_print", step_id=step.id, size=None if size else "large"),
    )


@room.page("/roadmap/steps/<step_id>/sheet.pdf", allow=policy.LOOK, load=_known_step)
def step_sheet(step: Step) -> Any:
    """The sheet of a step as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    sheet = _step_sheet(step)
    size = "large" if sheet.large else None
    print_page = url_for("roadmaps.step_print", step_id=step.id, size=size)
    return pdf_answer(step_sheet_html(sheet), name="step.pdf", print_page=print_page)


def _step_sheet(step: Step) -> StepSheet:
    """Read from the catalogue; of the visit nothing but the area, for the nearest place."""
    visit = current_visit()
    where = where_of_near(visit.near if visit else None)
    return build_step_sheet(step, where=where, large=request.args.get("size") == "large")
