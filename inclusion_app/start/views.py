"""Start page, statement pages, finish and leave, health."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask import current_app, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE, Room
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session, side_write
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.sessions import current_visit, end_visit
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.views import has_plan
from inclusion_app.start.readiness import check_parts

room = Room("start", __name__)


@room.page("/", allow=ANYONE, localised=False, endpoint="root")
def root() -> Response:
    language = i18n.preferred(request, cookie.get("language"))
    response = make_response(redirect(url_for("start.home", language=language.slug), 302))
    response.vary.add("Accept-Language")
    return response


@room.page("/", allow=ANYONE)
def home() -> Any:
    return render_template("start/home.html")


@room.page("/languages", allow=ANYONE)
def languages() -> Any:
    return render_template("start/languages.html", every=list(i18n.LANGUAGES.values()))


@room.page("/accessibility", allow=ANYONE)
def accessibility() -> Any:
    return render_template("start/accessibility.html")


@room.page("/privacy", allow=ANYONE)
def privacy() -> Any:
    return render_template("start/privacy.html")


@room.page("/cookies", allow=ANYONE)
def cookies() -> Any:
    return render_template("start/cookies.html")


@room.page("/not-safe", allow=ANYONE)
def not_safe() -> Any:
    """Helplines for somebody who is not safe; this page is neither counted nor logged."""
    return render_template("start/not_safe.html", lines=load_catalogue().unsafe_lines())


# Where a visit that ends may begin anew at once.
NEXT = {"check": "roadmaps.check", "type-in": "roadmaps.type_in"}


@room.page("/finish", allow=ANYONE, methods=("GET", "POST"))
def finish() -> Any:
    """Ask once, then end the visit. The POST answers 303: only then does the Back button show nothing."""
    form = BaseForm()
    if request.method == "POST":
        end_visit(db_session())
        return redirect(url_for(NEXT.get(request.form.get("then", ""), "start.finished")), 303)
    visit = current_visit()
    unsaved = has_plan() and (visit is None or visit.resident_id is None)
    return render_template("start/finish.html", form=form, unsaved=unsaved)


@room.page("/finished", allow=ANYONE)
def finished() -> Any:
    response = make_response(render_template("start/finished.html", deleted="deleted" in request.args))
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@room.page("/leave", allow=ANYONE)
def leave() -> Any:
    """End the visit and show something dull. Only our own pages may end it; others are just sent away."""
    site = request.headers.get("Sec-Fetch-Site")
    if site in {None, "same-origin"} and cookie:
        # The way out waits for nothing. What cannot be deleted now goes two hours after its last use.
        with suppress(SQLAlchemyError), side_write(impatient=True) as session:
            end_visit(session)
        cookie.clear()
    response = make_response(redirect(load_catalogue().exit_site(), 303))
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@room.page("/healthz", allow=ANYONE, localised=False)
def healthz() -> Any:
    """This process answers."""
    return Response("ok\n", mimetype="text/plain")


@room.page("/readyz", allow=ANYONE, localised=False)
def readyz() -> Any:
    """Each part on a line of its own, "ready" or "not ready" and no more: 200 when all are ready, else 503."""
    parts = check_parts(current_app._get_current_object())  # type: ignore[attr-defined]
    body = "".join(f"{name}: {'ready' if good else 'not ready'}\n" for name, good in parts.items())
    return Response(body, status=200 if all(parts.values()) else 503, mimetype="text/plain")


@room.page("/robots.txt", allow=ANYONE, localised=False)
def robots_txt() -> Any:
    """Search engines may know the service and its places, and nothing a person works on."""
    mine = ["/r/", "/g/", *(f"/{language.slug}/roadmap" for language in i18n.released())]
    mine += [
        f"/{language.slug}/{part}"
        for language in i18n.released()
        for part in ("book/", "come-back", "groups/", "my-record")
    ]
    open_data = "# Open data, CC BY 4.0: /api/openactive/sessions (OpenActive) and /training.ics (iCalendar)"
    lines = [open_data, "User-agent: *", *(f"Disallow: {path}" for path in mine)]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@room.page("/.well-known/security.txt", allow=ANYONE, localised=False)
def security_txt() -> Any:
    """RFC 9116; without INCLUSION_CONTACT the contact is our page that says whom to tell."""
    settings = current_app.extensions["settings"]
    base = settings.base_url or request.host_url.rstrip("/")
    contact = f"mailto:{settings.contact}" if settings.contact else f"{base}/en/accessibility"
    expires = (now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires}",
        "Preferred-Languages: en",
        f"Canonical: {base}/.well-known/security.txt",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
