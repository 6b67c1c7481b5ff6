"""The readable page of a download: one file that needs nothing beside it, in two languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import flask_babel
from flask import g, render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.people import my_record_queries
from inclusion_app.people.models import Resident
from inclusion_app.people.my_record_words import KEPT_AFTER


@contextmanager
def speaking(language: i18n.Language) -> Iterator[None]:
    """Everything said within is in this language alone."""
    before = g.get("language")
    g.language = language
    try:
        with flask_babel.force_locale(language.code), i18n.one_language():
            yield
    finally:
        if before is None:
            g.pop("language", None)
        else:
            g.language = before


def tongues(session: Session, resident_id: int) -> list[i18n.Language]:
    """The language of the page; on an English one that which the resident reads. And English for whoever helps."""
    own = i18n.current_language()
    resident = session.get(Resident, resident_id)
    if own is i18n.ENGLISH and resident is not None:
        own = i18n.language_for(resident.read, resident.language)
    return [i18n.ENGLISH] if own is i18n.ENGLISH else [own, i18n.ENGLISH]


def parts(
    session: Session, resident_id: int, *, now: datetime, heading: str = "h2"
) -> list[tuple[i18n.Language, Markup]]:
    """What is held and who looked, once in each of their languages."""
    drawn = []
    for language in tongues(session, resident_id):
        with speaking(language):
            drawn.append(
                (
                    language,
                    Markup(  # noqa: S704 - a template of ours, which escapes what it shows
                        render_template(
                            "people/_my_record_parts.html",
                            sections=my_record_queries.held(session, resident_id),
                            looks=my_record_queries.looks(session, resident_id, others=True, most=None),
                            kept_after=KEPT_AFTER,
                            heading=heading,
                            day=i18n.local(now).date(),
                        )
                    ),
                )
            )
    return drawn


def draw(session: Session, resident_id: int, *, now: datetime) -> str:
    """The whole file."""
    pieces = parts(session, resident_id, now=now)
    with speaking(pieces[0][0]):
        return render_template("people/my_record_file.html", pieces=pieces)
