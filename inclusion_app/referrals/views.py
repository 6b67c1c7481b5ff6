"""The room of referrals: its pages stand in the modules beside this one (see pages)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request

from inclusion_app.core.access import Room, is_staff_path
from inclusion_app.core.db import db_session
from inclusion_app.people import queries as people

room = Room("referrals", __name__)


def flags_of(resident_ids: Iterable[int | None]) -> dict[int, list[str]]:
    """Of whom of these somebody fears for their safety, and in which organisations: to say whom to ask first, never why."""
    return people.flagged_by(db_session(), resident_ids)


@room.context_processor
def words_for_staff() -> dict[str, Any]:
    """What the staff pages of this room ask for; nothing on pages that residents read."""
    return {"flags_of": flags_of} if is_staff_path(request.path) else {}
