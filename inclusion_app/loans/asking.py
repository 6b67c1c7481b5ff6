"""What was typed so far on the pages of the form: it lies in the visit, is in no address and no cookie, and goes with it."""

from __future__ import annotations

import secrets
from typing import Any

from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.sessions import current_visit, visit_for_change
from inclusion_app.loans.services.requests import Asked

SENT = "sent"
# What each page of the form leaves behind; without it the next ones cannot be shown.
PAGES = {1: "model", 2: "answers", 3: "contact_kind"}


def typed_so_far() -> dict[str, Any]:
    """All of it; nothing where no form was begun here, or the last one was sent."""
    visit = current_visit()
    kept = dict(visit.asking or {}) if visit else {}
    return {} if SENT in kept else kept


def keep(**answers: Any) -> None:
    """Keep what a page asked. The first one makes the key of this form: sent twice, it asks once."""
    visit = visit_for_change(db_session(), now())
    before = {} if SENT in (visit.asking or {}) else dict(visit.asking or {})
    before.setdefault("key", secrets.token_urlsafe(32))
    visit.asking = {**before, **answers}


def first_missing(typed: dict[str, Any], page: int) -> int | None:
    """The first page before this one that nobody has filled in yet."""
    return next((number for number, name in PAGES.items() if number < page and name not in typed), None)


def asked_of(typed: dict[str, Any], *, language: str) -> Asked:
    """What somebody asks for, of a form with all its pages."""
    return Asked(
        form_key=typed["key"],
        model_id=typed["model"],
        language=language,
        purposes=typed["purposes"],
        whom=typed["whom"],
        wants_data=typed["wants_data"],
        settings=typed["settings"],
        place_id=typed["place"],
        ward=typed.get("ward") or None,
        answers=typed["answers"],
    )
