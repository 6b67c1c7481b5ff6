"""What every template can say: languages, days, money, the way out, and the two-language sentence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, request, url_for
from werkzeug.routing import BuildError

from inclusion_app.core import clock, i18n
from inclusion_app.core.access import Permission, current_principal
from inclusion_app.core.words import N_

USUAL_NAME = N_("My digital roadmap")


def register(app: Flask) -> None:
    """Add the globals and filters of our templates."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters["translated"] = i18n.translated
    env.globals.update(
        both=i18n.both,
        money=i18n.money,
        day_words=i18n.day_words,
        source_words=i18n.source_words,
        clock_words=i18n.clock_words,
        local=i18n.local,
        in_english=i18n.in_english,
        may=may,
        same_page_in=same_page_in,
        here=here,
    )

    @app.context_processor
    def words() -> dict[str, Any]:
        return {
            "language": i18n.current_language(),
            "languages": i18n.released(),
            "contact": app.extensions["settings"].contact,
            "service_name": app.extensions["settings"].service_name,
            "demonstration": app.extensions["settings"].demo,
            "asset": lambda name: f"/static/{app.extensions['assets'][name]}",
            "today": clock.today(),
        }


def may(permission: Permission, obj: Any = None) -> bool:
    """The same answer the page itself would give, so a button and its page cannot disagree."""
    return permission.grants(current_principal(), obj)


def here() -> str:
    """This page's own address for its form. Without it a fragment in the address (a link of the error summary) would
    stay through the answer and open the next page past its heading.
    """
    return request.full_path.rstrip("?")


def same_page_in(language: i18n.Language) -> str:
    """The address of this very page in another language, its filters kept; the start page where there is none."""
    if request.endpoint and "language" in (request.url_rule.arguments if request.url_rule else ()):
        try:
            address = url_for(request.endpoint, **(request.view_args or {}), language=language.slug)
            # Joined by hand: a visitor's names would otherwise stand beside Flask's own, such as `_scheme`.
            query = urlencode(list(request.args.items(multi=True)))
            return f"{address}?{query}" if query else address
        except BuildError:
            pass
    if request.endpoint in {"people.scanned", "groups.scanned"}:
        return url_for(request.endpoint, **(request.view_args or {}), l=language.slug)
    return url_for("start.home", language=language.slug)
