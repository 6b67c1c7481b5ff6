"""What is held of a resident with plans: said in plain words for their own page, as data for their download."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from inclusion_app.core import clock, i18n
from inclusion_app.core.registry import Fact, Holding
from inclusion_app.core.words import N_
from inclusion_app.roadmaps import progress, queries
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.journeys import SKILL_QUESTIONS
from inclusion_app.roadmaps.rules import StepState
from inclusion_app.roadmaps.selfcheck import QUESTIONS
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


class DoneStep(NamedTuple):
    """A step that is done: its title, how it was done, and when."""

    title: str
    how: str
    at: datetime


class ToldToStaff(NamedTuple):
    """What somebody who shares their plan shows of how far they came.

    `first` and `latest` are the answers to the questions of skill (0 not yet … 3 can show others) by question, `asked` the
    words of those. Nobody's answers stand in the plan of a home, which several people answer together.
    """

    made_at: datetime
    is_of_home: bool
    done: list[DoneStep]
    first: dict[str, int]
    latest: dict[str, int]
    asked: dict[str, str]


def told_to_staff(session: Session, resident_id: int) -> ToldToStaff | None:
    """When the plan was made, its steps that are done without the private ones, and the answers of the self-check.

    None without a plan. As many queries whatever its length.
    """
    roadmap = queries.roadmap_of_resident(session, resident_id)
    if roadmap is None:
        return None
    steps = load_catalogue().steps
    done = [
        DoneStep(_(steps[moment.step].title), state_words(moment.state), moment.at)
        for moment in progress.wins_of(queries.moments_of(session, roadmap))
        if moment.step in steps and not steps[moment.step].private
    ]
    is_of_home = roadmap.household_id is not None
    answers = {} if is_of_home else roadmap.answers
    asked = {question.id: _(question.text) for question in QUESTIONS if question.id in SKILL_QUESTIONS}
    return ToldToStaff(
        roadmap.made_at, is_of_home, done, _levels(answers.get("first", {})), _levels(answers), asked
    )


def _levels(answers: Mapping[str, Any]) -> dict[str, int]:
    """How far each answer to a question of skill goes; one that was skipped goes nowhere and is left out."""
    known = [skill.value for skill in progress.SCALE]
    return {name: known.index(answers[name]) for name in SKILL_QUESTIONS if answers.get(name) in known}


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
