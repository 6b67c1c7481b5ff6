"""What is held of a resident with plans: said in plain words for their own page, as data for their download."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from inclusion_app.core import clock, i18n
from inclusion_app.core.registry import Fact, Holding
from inclusion_app.core.words import N_
from inclusion_app.roadmaps import queries
from inclusion_app.roadmaps.rules import StepState
from inclusion_app.roadmaps.wording import state_words


def steps_for_staff(session: Session, resident_id: int) -> list[tuple[str, str]]:
    """Title and state of each step somebody shares as their plan; a private step is never among them."""
    roadmap = queries.roadmap_of_resident(session, resident_id)
    if roadmap is None:
        return []
    made = queries.compute(roadmap, today=clock.today())
    states = {row.step_id: StepState(row.status) for row in roadmap.progress}
    return [
        (_(made.catalogue.steps[step.id].title), state_words(states.get(step.id)))
        for step in made.plan.steps
        if not step.private
    ]


def _describe(session: Session, resident_id: int) -> list[Fact]:
    roadmap = queries.roadmap_of_resident(session, resident_id)
    if roadmap is None:
        return []
    made = queries.compute(roadmap, today=clock.today())
    return [
        Fact(N_("Plan made on"), i18n.day_words(i18n.local(roadmap.made_at).date())),
        Fact(N_("Steps in your plan"), str(len(made.plan.steps))),
        Fact(N_("You share a home plan"), _("Yes") if roadmap.household_id is not None else _("No")),
    ]


def _export(session: Session, resident_id: int) -> dict[str, Any]:
    roadmap = queries.roadmap_of_resident(session, resident_id)
    if roadmap is None:
        return {}
    return {
        "made_at": roadmap.made_at.isoformat(),
        "changed_at": roadmap.changed_at.isoformat(),
        # A plan of a home holds the answers of all who live there; each of them may read it on their own page.
        "answers": roadmap.answers,
        "choices": roadmap.choices,
        "near": roadmap.near,
        "steps": [
            {"step": row.step_id, "state": row.status, "changed_at": row.changed_at.isoformat()}
            for row in roadmap.progress
        ],
    }


HOLDING = Holding(
    "roadmaps", N_("Your plan"), ("roadmaps", "household_members"), describe=_describe, export=_export
)
