"""Reads: whose roadmap is this, and what plan does it give today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from inclusion_app.core import clock
from inclusion_app.core.history import StatusChange
from inclusion_app.core.sessions import Visit
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import journeys
from inclusion_app.roadmaps.catalogue import Catalogue, load_catalogue
from inclusion_app.roadmaps.models import HouseholdMember, Roadmap, StepProgress
from inclusion_app.roadmaps.progress import Change, Moment, moments
from inclusion_app.roadmaps.rules import (
    Answers,
    Choices,
    Mode,
    Plan,
    StepState,
    make_plan,
    modes_of,
    uses_library,
)


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


class Member(NamedTuple):
    """Somebody of a home. `is_new`: this service gave them a code there and nobody has opened anything with it yet."""

    id: int
    resident_id: int
    name: str
    is_new: bool


@dataclass(frozen=True)
class Home:
    """The people who share a plan, in the order they joined, and who of them does which step."""

    id: int
    members: tuple[Member, ...]
    who: Mapping[str, Member]

    def name_for(self, step_id: str) -> str:
        """Who does a step; empty when it is everybody's."""
        return self.who[step_id].name if step_id in self.who else ""


def home_of(session: Session, roadmap: Roadmap) -> Home | None:
    """The home whose plan this is; None for the plan of one person. A name that went does no step any more."""
    if roadmap.household_id is None:
        return None
    found = members_of(session, roadmap.household_id)
    numbers = {member.id: member for member in found}
    chosen = roadmap.choices.get("who", {})
    who = {step: numbers[number] for step, number in chosen.items() if number in numbers}
    return Home(roadmap.household_id, found, who)


def shared_home_of(session: Session, roadmap: Roadmap) -> Home | None:
    """The home whose plan this is, when there is somebody to share it with: pages and papers of one alone name nobody."""
    home = home_of(session, roadmap)
    return home if home is not None and len(home.members) > 1 else None


def members_of(session: Session, household_id: int) -> tuple[Member, ...]:
    """Who is in a home, first come first."""
    rows = session.execute(
        select(
            HouseholdMember.id,
            HouseholdMember.resident_id,
            HouseholdMember.nickname,
            Resident.last_used_at == Resident.made_at,
        )
        .join(Resident, Resident.id == HouseholdMember.resident_id)
        .where(HouseholdMember.household_id == household_id)
        .order_by(HouseholdMember.id)
    )
    return tuple(Member(number, whose, name, bool(is_new)) for number, whose, name, is_new in rows)


def home_of_resident(session: Session, resident_id: int) -> int | None:
    """The number of the home somebody is in."""
    return session.scalar(
        select(HouseholdMember.household_id).where(HouseholdMember.resident_id == resident_id)
    )


def _opened_by(resident_id: int) -> ColumnElement[bool]:
    """The plan a resident opens: that of their home, else their own. In a home their own waits, as it was."""
    home = select(HouseholdMember.household_id).where(HouseholdMember.resident_id == resident_id)
    return or_(
        Roadmap.household_id == home.scalar_subquery(),
        and_(Roadmap.resident_id == resident_id, ~home.exists()),
    )


def roadmap_of(session: Session, visit: Visit, *, to_change: bool = False) -> Roadmap | None:
    """The saved roadmap a visit has opened, else the one it is making.

    With `to_change` nobody else changes it before the commit, and it is read as it stands now, even if this request
    has read it before: its answers and choices are written back whole, so an old copy would undo another's change.
    SQLite needs no lock of the row, for a request that may write is alone from its first statement on (core/db.py).
    """
    owner: ColumnElement[bool] = Roadmap.visit_id == visit.id
    if visit.resident_id is not None:
        owner = _opened_by(visit.resident_id)
        if to_change:
            # Whose plan they open must stand still before it is looked up: they may be leaving a home just now.
            people.hold(session, residents=(visit.resident_id,))
    mine = select(Roadmap).where(owner)
    if to_change:
        mine = mine.with_for_update(of=Roadmap).execution_options(populate_existing=True)
    return session.scalar(mine)


def has_roadmap(session: Session, visit: Visit) -> bool:
    """The same question as `roadmap_of` without reading the answers: every page asks it."""
    # Who asked for a device or booked a course without a plan is a resident who has none.
    mine = _opened_by(visit.resident_id) if visit.resident_id is not None else Roadmap.visit_id == visit.id
    return bool(session.scalar(select(exists().where(mine))))


def roadmap_of_resident(session: Session, resident_id: int, *, to_change: bool = False) -> Roadmap | None:
    """The saved roadmap a resident opens: that of their home, else their own. `to_change` as in `roadmap_of`."""
    theirs = select(Roadmap).where(_opened_by(resident_id))
    if to_change:
        people.hold(session, residents=(resident_id,))
        theirs = theirs.with_for_update(of=Roadmap).execution_options(populate_existing=True)
    return session.scalar(theirs)


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


def moments_of(session: Session, roadmap: Roadmap) -> tuple[Moment, ...]:
    """What is worth telling of a roadmap's steps, oldest first: one select, none when no step was touched."""
    states = {row.step_id: StepState(row.status) for row in roadmap.progress}
    if not states:
        return ()
    steps = {row.id: row.step_id for row in roadmap.progress}
    mine = (
        select(StatusChange.row_id, StatusChange.after, StatusChange.at)
        .where(StatusChange.roadmap_id == roadmap.id, StatusChange.noun == StepProgress.__tablename__)
        .order_by(StatusChange.at, StatusChange.id)
    )
    changes = [
        Change(steps[row_id], StepState(after), at.astimezone(clock.LONDON))
        for row_id, after, at in session.execute(mine)
        if row_id in steps
    ]
    return moments(changes, states)
