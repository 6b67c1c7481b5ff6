"""What is kept how long, why, and when something was last deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template
from flask_babel import ngettext
from sqlalchemy import select

from inclusion_app.core import registry
from inclusion_app.core.access import Room
from inclusion_app.core.db import db_session
from inclusion_app.core.permissions import role_right
from inclusion_app.core.retention import DAY, OF_CHORE, SCHEDULE
from inclusion_app.core.retention_runs import RetentionRun, keep
from inclusion_app.core.words import N_
from inclusion_app.people.staff_retention_words import PROPOSED, SOURCES, WORDS
from inclusion_app.people.views import room as people_room

room: Room = people_room
# Times and sums, nothing of anybody.
SEE_RETENTION = role_right("retention.see", "platform_admin", "data_protection")
registry.add_to_menu(registry.StaffLink("people.retention", N_("What is kept how long"), SEE_RETENTION, 42))


@room.page("/staff/retention", allow=SEE_RETENTION, localised=False)
def retention() -> Any:
    """The schedule of this instance beside what its runs did."""
    runs = {run.kind: run for run in db_session().scalars(select(RetentionRun).order_by(RetentionRun.kind))}
    kinds = [
        (
            kind,
            *WORDS[kind.name],
            time_words(keep(kind.name)),
            keep(kind.name) != kind.keep,
            runs.get(kind.done_by or ""),
        )
        for kind in SCHEDULE.values()
    ]
    others = [run for name, run in runs.items() if name not in OF_CHORE]
    return render_template(
        "people/staff/retention.html", kinds=kinds, others=others, sources=SOURCES, proposed=PROPOSED
    )


def time_words(time: timedelta) -> str:
    """How long, in minutes below an hour, in hours below two days, else in days."""
    if time < timedelta(hours=1):
        minutes = time // timedelta(minutes=1)
        return ngettext("%(num)d minute", "%(num)d minutes", minutes)
    if time < 2 * DAY:
        hours = time // timedelta(hours=1)
        return ngettext("%(num)d hour", "%(num)d hours", hours)
    return ngettext("%(num)d day", "%(num)d days", time.days)
