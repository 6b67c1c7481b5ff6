"""A letter on A4 in the person's language beside English, its address where a window envelope shows it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask_babel import gettext

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.paper_parts import Pair, Paper, with_day
from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.messages.queries import Opened
from inclusion_app.messages.templates import MessageTemplate

WRITTEN_ON = N_("Written on %(day)s.")
WINDOW_LINES = 6


@dataclass(frozen=True, kw_only=True)
class Letter(Paper):
    """All that a letter prints. `window` are the lines of name and address; `signature` and `sender` are empty for
    whom nothing may name the service.
    """

    window: tuple[str, ...]
    subject: Pair
    lines: tuple[Pair, ...]
    signature: Pair | None
    sender: str
    link: str | None


def what_to_say(opened: Opened) -> tuple[MessageTemplate, dict[str, str]]:
    """The message of a letter or call and its facts, as they may be said to this person."""
    template, params = templates.template_of(opened.message.template), dict(opened.message.params or {})
    return templates.discreet(template, params) if opened.rule.no_service_name else (template, params)


def window_lines(name: str | None, address: str) -> tuple[str, ...]:
    """Name and address as the window shows them: an address of many lines has its first ones beside each other, so that
    the postcode is never the one that is cut.
    """
    lines = [line.strip() for line in address.splitlines() if line.strip()]
    while len(lines) > WINDOW_LINES - bool(name):
        lines[:2] = [f"{lines[0]}, {lines[1]}"]
    return (*([name] if name else []), *lines)


def build_letter(opened: Opened, *, name: str | None, service_name: str, organisation: str) -> Letter:
    """The letter of an open item, from this organisation; `name` only where the person shares it with them."""
    message = opened.message
    template, params = what_to_say(opened)
    language = i18n.language_for(message.language)
    window = window_lines(name, message.to or "")
    today = clock.today()
    with i18n.speaking(i18n.ENGLISH):
        english_day, english_name = i18n.day_words(today), i18n.translated(service_name)
    with i18n.speaking(language):
        written = with_day(gettext, WRITTEN_ON, i18n.day_words(today), english_day)
        signature = Pair(i18n.translated(service_name), english_name)
    is_named = not opened.rule.no_service_name
    return Letter(
        lang=language.tag,
        dir=language.dir,
        words={},
        printed_on=written,
        window=window,
        subject=templates.subject_in_both(template, language),
        lines=tuple(templates.lines_in_both(template, params, language)),
        signature=signature if is_named else None,
        sender=organisation if is_named else "",
        link=params.get(templates.LINK) if is_named else None,
    )


@i18n.one_language()
def letter_html(letter: Letter) -> str:
    """The finished page the paper service draws."""
    return render_template("letters/letter.html", paper=letter, paper_style=paper.style_sheet("letter.css"))
