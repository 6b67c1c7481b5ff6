"""Beside the person: the hour in which somebody of the staff may work on their plan, and what may be changed in it.

What the person keeps to themselves (steps whose titles tell of health, benefits, energy bills or papers, and the goals
that lead to them) is neither shown nor changed here: it stays as they left it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.referrals.models import Sitting
from inclusion_app.roadmaps import journeys, queries, services
from inclusion_app.roadmaps.catalogue import Catalogue, Step, load_catalogue
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.rules import DONE, Mode, StepState
from inclusion_app.roadmaps.selfcheck import QUESTIONS, TAPS

LASTS = timedelta(minutes=60)


# --- the hour


def begin(
    session: Session, *, session_id: int, resident_id: int, organisation_id: int, now: datetime
) -> datetime:
    """They said yes: for an hour, in this sign-in. It ends whatever this sign-in had begun with somebody else.

    Returns when it ends.
    """
    until = now + LASTS
    facts = {
        "resident_id": resident_id, "organisation_id": organisation_id, "began_at": now, "until_at": until,
    }  # fmt: skip
    beginning = insert_into(session, Sitting).values(session_id=session_id, **facts)
    session.execute(beginning.on_conflict_do_update(index_elements=["session_id"], set_=facts))
    return until


def sitting_of(
    session: Session, *, session_id: int, organisation_id: int | None, now: datetime
) -> Sitting | None:
    """Beside whom this sign-in sits now, for the organisation it acts for."""
    return session.scalar(
        select(Sitting).where(
            Sitting.session_id == session_id,
            Sitting.organisation_id == organisation_id,
            Sitting.began_at <= now,
            Sitting.until_at > now,
        )
    )


def end(session: Session, *, session_id: int, resident_id: int) -> bool:
    """It is over, at once. False when it was before."""
    ending = delete(Sitting).where(Sitting.session_id == session_id, Sitting.resident_id == resident_id)
    return rows_changed(session, ending) == 1


# --- what may be seen


def keeps_to_themselves(catalogue: Catalogue, goal_id: str) -> bool:
    """A goal whose own steps nobody of the staff sees: by its name it would tell of them."""
    goal = catalogue.goals.get(goal_id)
    return goal is not None and any(catalogue.steps[step].private for step in goal.steps)


def shown_answers(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as the page shows them: without the goals they keep to themselves, and the days of these."""
    catalogue = load_catalogue()
    goals = [goal for goal in stored.get("q1", ()) if not keeps_to_themselves(catalogue, goal)]
    days = {goal: day for goal, day in stored.get("days", {}).items() if goal in goals}
    shown = {**stored, "days": days}
    if "q1" in stored:
        shown["q1"] = goals
        if not goals:
            del shown["q1"]
    return shown


@dataclass(frozen=True)
class ShownStep:
    """A step they share, and how far it is."""

    step: Step
    state: StepState


@dataclass(frozen=True)
class ShownPlan:
    """A plan without what they keep to themselves: its steps in order, and what is done or left out."""

    steps: tuple[ShownStep, ...]
    over: tuple[ShownStep, ...]
    goals: tuple[str, ...]
    modes: Mapping[str, Mode]
    to_add: tuple[Step, ...]

    @property
    def all_steps(self) -> tuple[ShownStep, ...]:
        """Those of the plan first."""
        return (*self.steps, *self.over)


def shown_plan(roadmap: Roadmap, *, today: date) -> ShownPlan:
    """What of a plan somebody of the staff works on beside its person."""
    made = queries.compute(roadmap, today=today)
    states, steps = made.choices.states, made.catalogue.steps
    planned = [step.id for step in made.plan.steps if not step.private]
    over = [
        step_id
        for step_id, state in states.items()
        if step_id in steps and not steps[step_id].private and step_id not in made.step_ids
        and (state in DONE or state is StepState.NOT_FOR_ME)
    ]  # fmt: skip
    goals = tuple(
        goal
        for goal in made.answers.goals
        if goal in made.catalogue.goals and not keeps_to_themselves(made.catalogue, goal)
    )
    known = {*made.step_ids, *states, *made.plan.known}
    return ShownPlan(
        steps=tuple(_shown(steps[step_id], states) for step_id in planned),
        over=tuple(_shown(steps[step_id], states) for step_id in sorted(over)),
        goals=goals,
        modes={goal: made.mode_of(goal) for goal in goals},
        to_add=tuple(step for step in steps.values() if not step.private and step.id not in known),
    )


def _shown(step: Step, states: Mapping[str, StepState]) -> ShownStep:
    return ShownStep(step, states.get(step.id, StepState.NOT_STARTED))


def tells_in_private(roadmap: Roadmap, *, today: date) -> bool:
    """True when a paper of this plan would show something they keep to themselves."""
    made = queries.compute(roadmap, today=today)
    steps = made.catalogue.steps
    touched = (steps[row.step_id].private for row in roadmap.progress if row.step_id in steps)
    goals = (keeps_to_themselves(made.catalogue, goal) for goal in made.answers.goals)
    return any(step.private for step in made.plan.steps) or any(touched) or any(goals)


# --- what is changed


@dataclass(frozen=True)
class Given:
    """Answers that were given beside the worker, by question; None is "rather not say". What was not asked is not in it.

    `days` are those of goals, `first` the goal that comes first.
    """

    answers: Mapping[str, str | Sequence[str] | None]
    taps: Mapping[str, bool] = field(default_factory=dict)
    days: Mapping[str, date] = field(default_factory=dict)
    first: str = ""


def answer(session: Session, *, roadmap: Roadmap, given: Given, today: date, now: datetime) -> None:
    """Keep these answers, as the person's own check would have kept them; a helper was there."""
    catalogue = load_catalogue()
    kept = [goal for goal in roadmap.answers.get("q1", ()) if keeps_to_themselves(catalogue, goal)]
    kept_days = {goal: day for goal, day in roadmap.answers.get("days", {}).items() if goal in kept}
    for question in QUESTIONS:
        if question.id not in given.answers:
            continue
        value = given.answers[question.id]
        if question.id == "q1":
            value = _goals(value, kept, roadmap.answers.get("q1", ()))
        services.give_answer(session, roadmap=roadmap, question=question.id, value=value, now=now)
        taps = {
            tap.name: given.taps.get(tap.name, False) and value is not None
            for tap in TAPS
            if tap.question == question.id
        }
        if taps:
            services.set_facts(session, roadmap=roadmap, now=now, **taps)
    if given.first:
        services.put_goal_first(session, roadmap=roadmap, goal_id=given.first, now=now)
    if "q1" in given.answers:
        days = {**kept_days, **{goal: day.isoformat() for goal, day in given.days.items()}}
        services.set_facts(session, roadmap=roadmap, now=now, days=days)
    services.note_helper(session, roadmap=roadmap, today=today, now=now)


def _goals(
    given: str | Sequence[str] | None, kept: Sequence[str], before: Sequence[str]
) -> Sequence[str] | None:
    """The goals that were ticked, and those they keep to themselves as they were, in the order of before."""
    ticked = [] if given is None or isinstance(given, str) else list(given)
    goals = [*kept, *(goal for goal in ticked if goal not in kept)]
    return journeys.in_old_order(goals, before) if goals else None


def set_states(
    session: Session,
    *,
    roadmap: Roadmap,
    wanted: Mapping[str, StepState],
    staff_id: int | None,
    today: date,
    now: datetime,
) -> None:
    """Mark these steps as the person says. Raises RuleBroken for one they do not share, and what the room's rules refuse."""
    steps, actor = load_catalogue().steps, signed(staff_id)
    for step_id, state in wanted.items():
        if step_id not in steps or steps[step_id].private:
            raise RuleBroken(CHANGED_ALREADY)
        row = next((item for item in roadmap.progress if item.step_id == step_id), None)
        before = StepState(row.status) if row else StepState.NOT_STARTED
        if state is StepState.NOT_FOR_ME:
            services.refuse_step(
                session, roadmap=roadmap, step_id=step_id, drop_dependants=False, actor=actor, now=now
            )
        elif state is StepState.NOT_STARTED and (before in DONE or before is StepState.NOT_FOR_ME):
            services.add_step(session, roadmap=roadmap, step_id=step_id, today=today, actor=actor, now=now)
        else:
            services.set_step_state(
                session, roadmap=roadmap, step_id=step_id, state=state, actor=actor, now=now
            )


def add_step(
    session: Session, *, roadmap: Roadmap, step_id: str, staff_id: int | None, today: date, now: datetime
) -> None:
    """Have this step in the plan. Raises RuleBroken for one that is not shown here, and when the top is full."""
    step = load_catalogue().steps.get(step_id)
    if step is None or step.private:
        raise RuleBroken(CHANGED_ALREADY)
    services.add_step(session, roadmap=roadmap, step_id=step_id, today=today, actor=signed(staff_id), now=now)


def set_modes(session: Session, *, roadmap: Roadmap, modes: Mapping[str, Mode], now: datetime) -> None:
    """Who does the steps of these goals: they, we together, or somebody for them."""
    catalogue = load_catalogue()
    for goal_id, mode in modes.items():
        if goal_id not in catalogue.goals or keeps_to_themselves(catalogue, goal_id):
            raise RuleBroken(CHANGED_ALREADY)
        services.set_mode(session, roadmap=roadmap, goal_id=goal_id, mode=mode, now=now)


def signed(staff_id: int | None) -> str:
    """Who did it, as the history of a step keeps it: never a name."""
    return f"staff {staff_id}"
