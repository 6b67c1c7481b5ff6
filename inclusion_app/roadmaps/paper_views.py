"""The handout as a PDF and as an equal print page: resident's language beside English."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import segno
from flask import current_app, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.access import current_principal
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.sessions import current_visit
from inclusion_app.core.words import N_
from inclusion_app.people.models import Resident
from inclusion_app.places.hours import week
from inclusion_app.places.models import Place
from inclusion_app.places.queries import holidays, where_of_near
from inclusion_app.places.wording import Near
from inclusion_app.roadmaps import policy, queries, wording
from inclusion_app.roadmaps.picture import line_map
from inclusion_app.roadmaps.views import _mine, room


@room.page("/roadmap/print", allow=policy.READ, reads=("plan", "code"))
def print_page() -> Any:
    """The same sheet as a web page: the accessible version, and the one for a kiosk's printer."""
    facts = _facts()
    if facts is None:
        return redirect(url_for("roadmaps.plan"))
    return render_template("roadmaps/print.html", **facts)


@room.page("/roadmap/handout.pdf", allow=policy.READ, reads=("plan", "code"))
def handout() -> Any:
    """The sheet as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    facts = _facts()
    if facts is None:
        return redirect(url_for("roadmaps.plan"))
    html = render_template("pdf/sheet.html", **facts)
    db_session().rollback()
    try:
        pdf = paper.render_pdf(html, settings=current_app.extensions["settings"])
    except (paper.PaperBusy, paper.PaperFailed):
        response = make_response(render_template("errors/paper_busy.html"), 503)
        response.headers["Retry-After"] = "20"
        return response
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="plan.pdf"'
    return answer


def _facts() -> dict[str, Any] | None:
    """Everything both sheets show; None without a plan."""
    roadmap = _mine()
    if roadmap is None:
        return None
    made = queries.compute(roadmap, today=clock.today())
    principal = current_principal()
    resident = db_session().get(Resident, principal.resident_id) if principal.resident_id else None
    visit = current_visit()
    where = where_of_near((visit.near if visit else None) or roadmap.near)
    near = wording.places_for(made.plan.next, where)
    first = next((places[0] for places in near.values() if places), None)
    code = resident.code if resident else None
    return {
        "made": made,
        "plan": made.plan,
        "catalogue": made.catalogue,
        "steps": {step.id: step for step in made.plan.steps},
        "goals": [made.catalogue.goals[goal] for goal in made.answers.goals or ("g01",)],
        "next_ids": made.plan.next or made.plan.doing[:3],
        "near": first,
        "week": _week(first),
        "resident": resident,
        "code": show_code(code) if code else None,
        "qr": qr_svg(short_address(code)) if code else None,
        "short_address": short_address(code) if code else None,
        "picture_of_plan": line_map(
            made.plan,
            made.answers.goals or ("g01",),
            made.choices.states,
            rtl=i18n.current_language().dir == "rtl",
        ),
        "large": request.args.get("size") == "large",
        "private": request.args.get("private") == "yes",
        "scam_words": SCAM_BOX,
        "line": next(
            (
                line
                for goal in made.answers.goals
                if (line := made.catalogue.phone_line_for_goal(goal)) is not None
            ),
            None,
        ),
    }


def _week(near: Near | None) -> Any:
    if near is None or not near.place.spans:
        return ()
    place: Place = near.place
    today = clock.today()
    return week(place.hours, today - timedelta(days=today.weekday()), holidays(db_session()))


def short_address(code: str) -> str:
    """What the QR opens, as short as this service's own address allows."""
    base = current_app.extensions["settings"].base_url or request.host_url.rstrip("/")
    return f"{base}/r/{code}"


def qr_svg(text: str) -> Markup:
    """A QR drawn as one SVG path, medium error correction, with its quiet zone."""
    code = segno.make(text, error="m", micro=False)
    width, height = code.symbol_size(border=4)
    path = "".join(
        f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark
    )
    return Markup(
        '<svg class="qr" viewBox="0 0 {w} {h}" role="img"><title>QR</title><rect width="{w}" height="{h}" fill="#fff"/>'
        '<path d="{path}" fill="#000"/></svg>'
    ).format(w=width, h=height, path=path)


SCAM_BOX = (
    N_("Somebody you do not know wants money, a code or your password? Stop."),
    N_("They say it is urgent or secret? That is a sign of a scam."),
    N_("Put the phone down. Talk to somebody you trust."),
    N_("Is it your bank? Call 159. Got a bad text? Send it on to 7726."),
)
