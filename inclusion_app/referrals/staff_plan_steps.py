"""The next step of somebody's plan, as it may stand on a phone or on a sheet of paper outdoors."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import today
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import queries

# Steps whose title tells something of somebody's health: on no paper that can be lost (a test looks through all titles).
NOT_ON_PAPER = frozenset({"T6", "T7"})


def next_steps(session: Session, numbers: Sequence[int], *, on_paper: bool = False) -> dict[int, str]:
    """The title of the next step of each of these people who has a plan, in the reader's words; never a private step.

    Who may see a plan is asked before. `on_paper` leaves out what says something of somebody's health.
    """
    plans = queries.roadmaps_of_residents(session, select(Resident.id).where(Resident.id.in_(numbers)))
    found: dict[int, str] = {}
    for number, roadmap in plans.items():
        made = queries.compute(roadmap, today=today())
        hidden = {step.id for step in made.plan.steps if step.private}
        if on_paper:
            hidden |= NOT_ON_PAPER
        step = next((one for one in (*made.plan.doing, *made.plan.next) if one not in hidden), None)
        if step is not None:
            found[number] = _(made.catalogue.steps[step].title)
    return found
