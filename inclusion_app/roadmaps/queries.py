"""Reads: whose roadmap is this, and what plan does it give today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from inclusion_app.core.sessions import Visit
from inclusion_app.roadmaps import journeys
from inclusion_app.roadmaps.catalogue import Catalogue, load_catalogue
from inclusion_app.roadmaps.models import HouseholdMember, Roadmap
from inclusion_app.roadmaps.rules import Answers, Choices, Mode, Plan, make_plan, modes_of, uses_library


@dataclass(frozen=True)
class Computed:
    """A roadmap with the plan it gives today and all that went into it."""

    roadmap: Roadmap
    catalogue: Catalogue
    answers: Answers
    choices: Choices
    plan: Plan

    @property
    def library(self) -> bool:
        """True when the plan counts on a library's computers and Wi-Fi."""
        return uses_library(self.answers, self.choices)

    @property
    def step_ids(self) -> frozenset[str]:
        """The steps of the plan as it stands."""
        return frozenset(step.id for step in self.plan.steps)

    def mode_of(self, goal_id: str) -> Mode:
        """Who does the steps of this goal."""
        return modes_of([goal_id], self.answers, self.choices)[goal_id]


def roadmap_of(session: Session, visit: Visit, *, to_change: bool = False) -> Roadmap | None:
    """The saved roadmap a visit has opened, else the one it is making.

    With `to_change` nobody else changes it before the commit, and it is read as it stands now, even if this request
    has read it before: its answers and choices are written back whole, so an old copy would undo another's change.
    SQLite needs no lock of the row, for a request that may write is alone from its first statement on (core/db.py).
    """
    owner = Roadmap.visit_id == visit.id
    if visit.resident_id is not None:
        owner = Roadmap.resident_id == visit.resident_id
    mine = select(Roadmap).where(owner)
    if to_change:
        mine = mine.with_for_update(of=Roadmap).execution_options(populate_existing=True)
    return session.scalar(mine)


def has_roadmap(session: Session, visit: Visit) -> bool:
    """The same question as `roadmap_of` without reading the answers: every page asks it."""
    if visit.resident_id is not None:
        return True
    return bool(session.scalar(select(exists().where(Roadmap.visit_id == visit.id))))


def roadmap_of_resident(session: Session, resident_id: int) -> Roadmap | None:
    """The saved roadmap of a resident."""
    return session.scalar(select(Roadmap).where(Roadmap.resident_id == resident_id))


def roadmaps_of_residents(session: Session, residents: Select[int]) -> dict[int, Roadmap]:
    """The roadmap each of these residents opens, by resident: that of their home when they share one, else their own.

    Two selects and the progress of all, however many they are.
    """
    own = select(Roadmap).where(Roadmap.resident_id.in_(residents))
    found = {roadmap.resident_id: roadmap for roadmap in session.scalars(own) if roadmap.resident_id}
    shared = (
        select(HouseholdMember.resident_id, Roadmap)
        .join(Roadmap, Roadmap.household_id == HouseholdMember.household_id)
        .where(HouseholdMember.resident_id.in_(residents))
    )
    found.update((resident, roadmap) for resident, roadmap in session.execute(shared))
    return found


def compute(roadmap: Roadmap, *, today: date) -> Computed:
    """The plan of a roadmap: pure work on two small rows, no query per step."""
    catalogue = load_catalogue()
    answers = journeys.read_answers(roadmap.answers)
    choices = journeys.read_choices(roadmap.choices, {row.step_id: row.status for row in roadmap.progress})
    return Computed(roadmap, catalogue, answers, choices, make_plan(catalogue, answers, choices, today))
