"""Verbs that change a roadmap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.core import clock, history
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.sessions import Visit
from inclusion_app.core.words import N_
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import journeys, progress, queries
from inclusion_app.roadmaps.catalogue import Catalogue
from inclusion_app.roadmaps.models import OfferGap, Roadmap, StepProgress
from inclusion_app.roadmaps.rules import DONE, Mode, StepState

MAX_PINS = 3
# What somebody does or has done: in a home it carries a name.
SIGNED = DONE | {StepState.DOING}


def roadmap_for_change(session: Session, *, visit: Visit, now: datetime) -> Roadmap:
    """The roadmap this visit works on; made at the first answer. A code alone changes nothing."""
    if visit.unlocked == "titles":
        raise RuleBroken(N_("Type your PIN or choose your pictures to change this plan."))
    roadmap = queries.roadmap_of(session, visit, to_change=True)
    if roadmap is None:
        owner = {"resident_id": visit.resident_id} if visit.resident_id else {"visit_id": visit.id}
        roadmap = Roadmap(answers={}, choices={}, made_at=now, changed_at=now, **owner)
        session.add(roadmap)
        session.flush()
    roadmap.changed_at = now
    return roadmap


def roadmap_to_change_for(session: Session, *, resident_id: int, now: datetime) -> Roadmap:
    """The roadmap of a resident, for somebody of the staff who sits beside them; made when they have none.

    Raises RuleBroken for the plan of a home: the others who live there said yes to nothing.
    """
    roadmap = queries.roadmap_of_resident(session, resident_id, to_change=True)
    if roadmap is None:
        roadmap = Roadmap(answers={}, choices={}, made_at=now, changed_at=now, resident_id=resident_id)
        session.add(roadmap)
        session.flush()
    elif roadmap.household_id is not None:
        raise RuleBroken(CHANGED_ALREADY)
    return roadmap


def type_in(
    session: Session,
    *,
    answers: Mapping[str, Any],
    resident: Resident | None,
    visit: Visit | None,
    now: datetime,
) -> Roadmap:
    """A new roadmap of the answers on a paper (see journeys.from_paper): a resident's, else the visit's."""
    owner = {"resident_id": resident.id} if resident else {"visit_id": visit.id if visit else None}
    roadmap = Roadmap(answers=dict(answers), choices={}, made_at=now, changed_at=now, **owner)
    session.add(roadmap)
    session.flush()
    return roadmap


def give_answer(
    session: Session, *, roadmap: Roadmap, question: str, value: str | Sequence[str] | None, now: datetime
) -> None:
    """Keep one answer of the self-check, or that it was skipped."""
    roadmap.answers = journeys.with_answer(roadmap.answers, question, value)
    roadmap.changed_at = now


def set_facts(session: Session, *, roadmap: Roadmap, now: datetime, **facts: Any) -> None:
    """Keep facts beside the answers: days, checks_who_wrote_it, pays_online."""
    roadmap.answers = {**roadmap.answers, **facts}
    roadmap.changed_at = now


def note_helper(session: Session, *, roadmap: Roadmap, today: date, now: datetime) -> None:
    """The person agreed today that a helper reads and types with them. Nothing about the helper is kept."""
    set_facts(session, roadmap=roadmap, now=now, helped=True, helped_agreed_on=today.isoformat())


def finish_as_new(session: Session, *, roadmap: Roadmap, now: datetime) -> None:
    """The person is new to all this: no more questions."""
    roadmap.answers = journeys.new_to_all_this(roadmap.answers)
    roadmap.changed_at = now


def set_step_state(
    session: Session,
    *,
    roadmap: Roadmap,
    step_id: str,
    state: StepState,
    actor: str,
    now: datetime,
    by: int | None = None,
) -> None:
    """Move one step of the plan to a state; a finished or refused step gives up its pin.

    A device or a SIM that came proposes the day to look at the plan again. In a home a step that is done or being done
    gets the name of `by`, the resident who says so, where it has none.
    """
    row = next((item for item in roadmap.progress if item.step_id == step_id), None)
    if row is None:
        row = StepProgress(step_id=step_id, status=StepState.NOT_STARTED.value, changed_at=now)
        roadmap.progress.append(row)
        session.flush()
    if state in SIGNED and by is not None:
        _sign(session, roadmap, step_id, by)
    if row.status == state.value:
        return
    before = StepState(row.status)
    history.move(session, row, state.value, actor=actor, now=now)
    row.changed_at = now
    today = now.astimezone(clock.LONDON).date()
    if day := progress.day_to_propose(roadmap.choices, step=step_id, before=before, after=state, today=today):
        _choose(roadmap, follow_up_on=day.isoformat(), follow_up_proposed=True)
    if state not in {StepState.NOT_STARTED, StepState.DOING}:
        _choose(roadmap, pins=[pin for pin in roadmap.choices.get("pins", []) if pin != step_id])
    if state is not StepState.NOT_FOR_ME:
        dropped = [item for item in roadmap.choices.get("drop_dependants", []) if item != step_id]
        _choose(roadmap, drop_dependants=dropped)
    roadmap.changed_at = now


def refuse_step(
    session: Session, *, roadmap: Roadmap, step_id: str, drop_dependants: bool, actor: str, now: datetime
) -> None:
    """Not for me; the steps that lean on it stay or go with it, as the person said."""
    set_step_state(
        session, roadmap=roadmap, step_id=step_id, state=StepState.NOT_FOR_ME, actor=actor, now=now
    )
    if drop_dependants:
        _choose(roadmap, drop_dependants=sorted({*roadmap.choices.get("drop_dependants", []), step_id}))


def pin_step(session: Session, *, roadmap: Roadmap, step_id: str, actor: str, now: datetime) -> None:
    """Put a step among the next three; one that was not for them comes back.

    Raises RuleBroken when three are pinned already.
    """
    pins = list(roadmap.choices.get("pins", []))
    if step_id in pins:
        return
    if len(pins) >= MAX_PINS:
        raise RuleBroken(N_("You have three steps at the top already. Take one down first."), field="do")
    if any(row.step_id == step_id and row.status == StepState.NOT_FOR_ME.value for row in roadmap.progress):
        set_step_state(
            session, roadmap=roadmap, step_id=step_id, state=StepState.NOT_STARTED, actor=actor, now=now
        )
    _choose(roadmap, pins=[*pins, step_id])
    roadmap.changed_at = now


def unpin_step(session: Session, *, roadmap: Roadmap, step_id: str, now: datetime) -> None:
    """Take a step down from the top."""
    _choose(roadmap, pins=[pin for pin in roadmap.choices.get("pins", []) if pin != step_id])
    roadmap.changed_at = now


def add_step(
    session: Session, *, roadmap: Roadmap, step_id: str, today: date, actor: str, now: datetime
) -> None:
    """Have this step in the plan: as a step to do again, as an extra of a goal, else at the top.

    Raises RuleBroken when only the top is left for it and three are there already.
    """
    made = queries.compute(roadmap, today=today)
    state = made.choices.states.get(step_id, StepState.NOT_STARTED)
    if state is not StepState.NOT_STARTED or step_id in made.plan.known:
        set_step_state(
            session, roadmap=roadmap, step_id=step_id, state=StepState.NOT_STARTED, actor=actor, now=now
        )
        made = queries.compute(roadmap, today=today)
    if step_id in made.step_ids:
        return
    for goal in made.answers.goals:
        if goal in made.catalogue.goals and step_id in made.catalogue.goals[goal].extras:
            add_extra(
                session, roadmap=roadmap, catalogue=made.catalogue, goal_id=goal, step_id=step_id, now=now
            )
            return
    pin_step(session, roadmap=roadmap, step_id=step_id, actor=actor, now=now)


def set_mode(session: Session, *, roadmap: Roadmap, goal_id: str, mode: Mode, now: datetime) -> None:
    """Who does the steps of this goal: me, together, or for me."""
    _choose(roadmap, modes={**roadmap.choices.get("modes", {}), goal_id: mode.value})
    roadmap.changed_at = now


def set_who(
    session: Session, *, roadmap: Roadmap, step_id: str, member_id: int | None, now: datetime
) -> None:
    """Who of a home does this step; None is everybody. Raises RuleBroken for somebody who is not in it (any more)."""
    home = queries.home_of(session, roadmap)
    if home is None or (member_id is not None and member_id not in {member.id for member in home.members}):
        raise RuleBroken(CHANGED_ALREADY)
    who = {step: number for step, number in roadmap.choices.get("who", {}).items() if step != step_id}
    _choose(roadmap, who=who if member_id is None else {**who, step_id: member_id})
    roadmap.changed_at = now


def _sign(session: Session, roadmap: Roadmap, step_id: str, resident_id: int) -> None:
    home = queries.home_of(session, roadmap)
    if home is None or step_id in home.who:
        return
    mine = next((member.id for member in home.members if member.resident_id == resident_id), None)
    if mine is not None:
        _choose(roadmap, who={**roadmap.choices.get("who", {}), step_id: mine})


def add_extra(
    session: Session, *, roadmap: Roadmap, catalogue: Catalogue, goal_id: str, step_id: str, now: datetime
) -> None:
    """Make one of a goal's extras a target of the plan."""
    if step_id not in catalogue.goals[goal_id].extras:
        raise RuleBroken(N_("This step does not belong to that goal."))
    pairs = [list(pair) for pair in roadmap.choices.get("extras", [])]
    if [goal_id, step_id] not in pairs:
        _choose(roadmap, extras=[*pairs, [goal_id, step_id]])
    roadmap.changed_at = now


def add_goal(session: Session, *, roadmap: Roadmap, goal_id: str, now: datetime) -> None:
    """Add a goal after the ones already chosen."""
    goals = list(roadmap.answers.get("q1", []))
    if goal_id not in goals:
        give_answer(session, roadmap=roadmap, question="q1", value=[*goals, goal_id], now=now)


def move_goal_up(session: Session, *, roadmap: Roadmap, goal_id: str, place: int, now: datetime) -> None:
    """Put a goal at this place (1 is the first), never further down than it is: sent twice, it moves once."""
    goals = list(roadmap.answers.get("q1", []))
    if goal_id in goals and 1 <= place <= goals.index(goal_id):
        goals.remove(goal_id)
        goals.insert(place - 1, goal_id)
        give_answer(session, roadmap=roadmap, question="q1", value=goals, now=now)


def put_goal_first(session: Session, *, roadmap: Roadmap, goal_id: str, now: datetime) -> None:
    """The plan begins with this goal. Raises RuleBroken when it is none of the person's goals."""
    goals = list(roadmap.answers.get("q1", []))
    if goal_id not in goals:
        raise RuleBroken(CHANGED_ALREADY)
    first = [goal_id, *(goal for goal in goals if goal != goal_id)]
    give_answer(session, roadmap=roadmap, question="q1", value=first, now=now)


def remove_goal(session: Session, *, roadmap: Roadmap, goal_id: str, now: datetime) -> None:
    """Take a goal away; steps already done stay known."""
    goals = [goal for goal in roadmap.answers.get("q1", []) if goal != goal_id]
    give_answer(session, roadmap=roadmap, question="q1", value=goals, now=now)
    _choose(roadmap, extras=[pair for pair in roadmap.choices.get("extras", []) if pair[0] != goal_id])


def set_use_library(session: Session, *, roadmap: Roadmap, use: bool, now: datetime) -> None:
    """Plan with a library's computers and Wi-Fi in place of an own device."""
    _choose(roadmap, use_library=use)
    roadmap.changed_at = now


def set_free_minutes(session: Session, *, roadmap: Roadmap, minutes: int | None, now: datetime) -> None:
    """Show fewer next steps when time is short."""
    _choose(roadmap, free_minutes=minutes)
    roadmap.changed_at = now


def set_follow_up(session: Session, *, roadmap: Roadmap, on: date, today: date, now: datetime) -> None:
    """Keep the day the person wants to look at the plan again; agreeing to the proposed day is the same.

    Raises RuleBroken at the field `day` when the day has passed or is more than a year away.
    """
    if wrong := progress.what_is_wrong(on, today):
        raise RuleBroken(wrong, field="day")
    _choose(roadmap, follow_up_on=on.isoformat(), follow_up_proposed=False)
    roadmap.changed_at = now


def remove_follow_up(session: Session, *, roadmap: Roadmap, now: datetime) -> None:
    """Forget the day; nothing is kept of it."""
    gone = {"follow_up_on", "follow_up_proposed"}
    roadmap.choices = {name: value for name, value in roadmap.choices.items() if name not in gone}
    roadmap.changed_at = now


def count_gaps(session: Session, *, visit_id: int, steps: Collection[str], area: str, today: date) -> None:
    """Count once for a visit and step that no place near helps with it (point 11). The count names nobody."""
    visit = session.scalar(select(Visit).where(Visit.id == visit_id).with_for_update())
    if visit is None:
        return
    counted = (visit.gaps_counted or {}).get("steps", [])
    fresh = [step for step in steps if step not in counted]
    if not fresh:
        return
    visit.gaps_counted = {"steps": [*counted, *fresh]}
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    # In one order, so that two visits that count the same steps cannot wait for each other.
    for step in sorted(fresh):
        session.execute(
            kind.insert(OfferGap)
            .values(step_id=step, month=f"{today:%Y-%m}", area=area, times=1)
            .on_conflict_do_update(
                index_elements=["step_id", "month", "area"], set_={"times": OfferGap.times + 1}
            )
        )


def take_saved_area(session: Session, visit: Visit) -> None:
    """A plan was opened with its secret: the area kept with it is where this visit looks from, in the finder too."""
    if visit.resident_id is None:
        return
    roadmap = queries.roadmap_of_resident(session, visit.resident_id)
    if roadmap is not None and roadmap.near and not visit.near:
        visit.near = dict(roadmap.near)


def give_to_resident(
    session: Session,
    *,
    roadmap: Roadmap,
    visit: Visit,
    resident: Resident,
    near: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Saving: the visit's roadmap becomes the resident's, by changing its owner and nothing else.

    Of two only one can win; the other is refused and makes no resident.
    """
    change_owner(session, roadmap=roadmap, of={"visit_id": visit.id}, to={"resident_id": resident.id})
    roadmap.near = dict(near) if near else None
    roadmap.changed_at = now
    visit.resident_id = resident.id
    visit.unlocked = "everything"
    session.flush()


def change_owner(session: Session, *, roadmap: Roadmap, of: Mapping[str, int], to: Mapping[str, int]) -> None:
    """A roadmap changes its owner (visit_id, resident_id or household_id) and nothing else.

    One statement that only one of two can win. Raises RuleBroken when it is no longer that owner's.
    """
    session.flush()
    of_them = [getattr(Roadmap, column) == number for column, number in of.items()]
    won = session.execute(
        update(Roadmap)
        .where(Roadmap.id == roadmap.id, *of_them)
        .values({**dict.fromkeys(of), **to})
        .execution_options(synchronize_session=False)
    )
    if won.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(CHANGED_ALREADY)
    session.refresh(roadmap)


def _choose(roadmap: Roadmap, **new: Any) -> None:
    roadmap.choices = {**roadmap.choices, **new}
