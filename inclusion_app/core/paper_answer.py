"""The answer to whoever asks for a paper: the PDF, or the page that offers its print page instead."""

from __future__ import annotations

from flask import current_app, make_response, render_template, request
from werkzeug.wrappers import Response

from inclusion_app.core import i18n, paper
from inclusion_app.core.db import db_session

WAIT_SECONDS = 20


def pdf_answer(html: str, *, name: str, print_page: str) -> Response:
    """The tagged PDF of a finished page, as the file `name`, which must tell nothing of anybody.

    When the paper service is full, away, or cannot draw it: 503 and a page that leads to `print_page`, which has the
    same words. Ends the reads of this request first: no transaction is held while a paper is drawn.
    """
    db_session().rollback()
    try:
        pdf = paper.render_pdf(html, settings=current_app.extensions["settings"])
    except (paper.PaperBusy, paper.PaperFailed):
        response = make_response(render_template("errors/paper_busy.html", print_page=print_page), 503)
        response.headers["Retry-After"] = str(WAIT_SECONDS)
        return response
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


def in_this_language(address: str) -> str:
    """What a square opens: the address in the language of its paper. The one people type stays short."""
    slug = i18n.current_language().slug
    return address if slug == "en" else f"{address}?l={slug}"


def whole_address(path: str) -> str:
    """A path of ours with the service's own name in front: what a square or a link in an e-mail opens."""
    base = current_app.extensions["settings"].base_url or request.host_url.rstrip("/")
    return f"{base}{path}"
