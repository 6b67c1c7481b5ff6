"""What can go wrong on purpose, and the plain pages for it."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask import session as cookie
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from inclusion_app.core.access import is_staff_path
from inclusion_app.core.sessions import VisitEnded
from inclusion_app.core.words import N_

CHANGED_ALREADY = N_("This was changed already. Look at the page again.")


class RuleBroken(Exception):
    """A rule of the service says no. `message` is an N_ string shown to the person, at `field` when one is named.

    `params` fill the message's named places. Answered with 422, never 500.
    """

    def __init__(self, message: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.params = params


def page(name: str, status: int, **context: Any) -> Response:
    """A plain error page that says nothing about what was asked for.

    It only reads, so that it need not wait for what may have been the trouble. When even the page cannot be made, one
    English sentence is left.
    """
    g.only_reads = True
    # A page of the staff that was not found for want of a right says what it says for an address nobody has.
    template = "errors/staff/error.html" if is_staff_path(request.path) else f"errors/{name}.html"
    try:
        return make_response(render_template(template, status=status, **context), status)
    except Exception as err:
        current_app.logger.error("no error page: %s", type(err).__name__)
        if current_app.testing and current_app.config.get("RAISE_UNFORESEEN", True):
            raise
        return Response(f"{status}. Something went wrong. Please try again.\n", status, mimetype="text/plain")


def register_error_pages(app: Flask) -> None:
    """Every error a person can meet answers with a page of ours, in their language."""

    @app.errorhandler(HTTPException)
    def http_error(err: HTTPException) -> Any:
        known = {400: "bad_request", 404: "not_found", 405: "not_found", 413: "too_large"}
        code = err.code or 500
        if code < 400:
            return err
        if code == 404 and g.get("unreleased") is not None:
            return page("no_language", 404)
        if code == 403:
            # Who came in by the code alone is told how to open the rest.
            return page("forbidden", 403, code_alone=getattr(g.get("principal"), "kind", "") == "code")
        if code == 413 and "file_megabytes" in g:
            # Of the address itself nothing but its path is sent back, and only where it can be asked for.
            can_get = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
            back = request.path if can_get else ""
            return page("too_large", 413, file_megabytes=g.file_megabytes, back=back)
        return page(known.get(code, "broken" if code >= 500 else "bad_request"), code)

    @app.errorhandler(CSRFError)
    def no_token(_err: CSRFError) -> Any:
        return page("no_cookie", 400, had_cookie=bool(cookie))

    @app.errorhandler(RuleBroken)
    def refused(err: RuleBroken) -> Any:
        return page("refused", 422, broken=err)

    @app.errorhandler(VisitEnded)
    def plan_gone(_err: VisitEnded) -> Any:
        return page("ended", 422, sent=True)

    @app.errorhandler(IntegrityError)
    def constraint_said_no(err: IntegrityError) -> Any:
        # Two sent the same thing at once: the constraint let one through, the other reads what happened.
        app.logger.info("a constraint said no: %s", type(err.orig).__name__)
        return page("refused", 422, broken=RuleBroken(CHANGED_ALREADY))

    @app.errorhandler(StaleDataError)
    def gone_meanwhile(_err: StaleDataError) -> Any:
        # What this page was to change was deleted in another tab while it was being worked on.
        return page("refused", 422, broken=RuleBroken(CHANGED_ALREADY))

    @app.errorhandler(OperationalError)
    def database_away(err: OperationalError) -> Any:
        app.logger.error("database did not answer: %s", type(err.orig).__name__)
        if app.testing and app.config.get("RAISE_UNFORESEEN", True):
            raise err
        return page("try_again", 503)

    @app.errorhandler(Exception)
    def unforeseen(err: Exception) -> Any:
        # The type and place only: a message could carry what somebody typed.
        trace = err.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        app.logger.error("unforeseen %s at %s", type(err).__name__, where)
        if app.testing and app.config.get("RAISE_UNFORESEEN", True):
            raise err
        return page("broken", 500)
