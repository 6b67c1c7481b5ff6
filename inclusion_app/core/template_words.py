"""What every template can say: languages, days, money, the way out, and the two-language sentence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, redirect, request, url_for
from werkzeug.routing import BuildError
from werkzeug.wrappers import Response

from inclusion_app.core import clock, i18n
from inclusion_app.core.access import Permission, current_principal
from inclusion_app.core.db import SAFE_METHODS
from inclusion_app.core.sessions import is_helping
from inclusion_app.core.words import N_

ENGLISH_WISH = "english"
USUAL_NAME = N_("My digital roadmap")


def register(app: Flask) -> None:
    """Add the globals and filters of our templates."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.filters["translated"] = i18n.translated
    env.globals.update(
        money=i18n.money,
        day_words=i18n.day_words,
        source_words=i18n.source_words,
        weekday_words=i18n.weekday_words,
        clock_words=i18n.clock_words,
        local=i18n.local,
        in_english=i18n.in_english,
        may=may,
        same_page_in=same_page_in,
        same_page_with_english=same_page_with_english,
        in_one_language=i18n.in_one_language,
        in_both_languages=i18n.in_both_languages,
        here=here,
    )

    @app.context_processor
    def words() -> dict[str, Any]:
        return {
            "language": i18n.current_language(),
            "languages": i18n.released(),
            "shows_english": i18n.shows_english(),
            "wants_english": i18n.wants_english(),
            "helping": is_helping(),
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
    if request.endpoint in {"people.scanned", "groups.scanned"}:
        return url_for(request.endpoint, **(request.view_args or {}), l=language.slug)
    is_spoken = request.url_rule is not None and "language" in request.url_rule.arguments
    return (_same_page(language=language.slug) if is_spoken else "") or url_for(
        "start.home", language=language.slug
    )


def same_page_with_english(on: bool | None) -> str:
    """The address that turns the English under each sentence on or off here; with None this page without that wish."""
    wish = () if on is None else ((ENGLISH_WISH, "on" if on else "off"),)
    return _same_page(*wish) or f"{url_for('start.home')}{'?' if wish else ''}{urlencode(wish)}"


def _same_page(*more: tuple[str, str], **parts: Any) -> str:
    """This page's own address by its name, its filters kept; "" where no page answers a GET here.

    Never by what was typed: an address of two strokes would lead to another website.
    """
    rule = request.url_rule
    if rule is None or not request.endpoint or "GET" not in (rule.methods or ()):
        return ""
    try:
        address = url_for(request.endpoint, **{**(request.view_args or {}), **parts})
    except BuildError:
        return ""
    # Joined by hand: a visitor's names would otherwise stand beside Flask's own, such as `_scheme`.
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != ENGLISH_WISH]
    query = urlencode([*kept, *more])
    return f"{address}?{query}" if query else address


def register_english_too(app: Flask) -> None:
    """A link of any page turns the English on or off; the wish never stays in the address."""

    @app.before_request
    def turn_english() -> Response | None:
        wish = request.args.get(ENGLISH_WISH)
        if request.method not in SAFE_METHODS or request.url_rule is None or wish not in {"on", "off"}:
            return None
        if request.headers.get("Sec-Fetch-Site") not in {None, "same-origin", "none"}:
            return None  # another website decides nothing here
        i18n.show_english(wish == "on")
        return redirect(same_page_with_english(None), 303)
