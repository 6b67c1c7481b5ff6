"""The readable page of a download: one file that needs nothing beside it, in two languages."""

from __future__ import annotations

from datetime import datetime

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.people import my_record_queries
from inclusion_app.people.models import Resident
from inclusion_app.people.my_record_words import KEPT_AFTER


def tongues(session: Session, resident_id: int) -> list[i18n.Language]:
    """The language of the page; on an English one that which the resident reads. And English for whoever helps."""
    own = i18n.current_language()
    resident = session.get(Resident, resident_id)
    if own is i18n.ENGLISH and resident is not None:
        own = i18n.language_for(resident.read, resident.language)
    return [i18n.ENGLISH] if own is i18n.ENGLISH else [own, i18n.ENGLISH]


def parts(session: Session, resident_id: int, *, now: datetime) -> list[tuple[i18n.Language, Markup]]:
    """What is held and who looked, once in each of their languages."""
    # Every line there is, in words of no language yet: asked for once.
    looks = my_record_queries.looks(session, resident_id, others=True, most=None)
    drawn = []
    for language in tongues(session, resident_id):
        with i18n.speaking(language):
            drawn.append(
                (
                    language,
                    Markup(  # noqa: S704 - a template of ours, which escapes what it shows
                        render_template(
                            "people/_my_record_parts.html",
                            sections=my_record_queries.held(session, resident_id),
                            looks=looks,
                            kept_after=KEPT_AFTER,
                            day=i18n.local(now).date(),
                        )
                    ),
                )
            )
    return drawn


def draw(session: Session, resident_id: int, *, now: datetime) -> str:
    """The whole file."""
    pieces = parts(session, resident_id, now=now)
    with i18n.speaking(pieces[0][0]):
        return render_template("people/my_record_file.html", pieces=pieces)
