"""Verbs of a home with one plan: make it, add somebody, leave it, end with the last of its people.

Every change first holds the people it concerns (people.hold), then the home's row, then its plan: so of two who leave
at once the second sees that the first has gone, and no plan is left without anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.people.opening import Facts
from inclusion_app.roadmaps import merging, queries, services
from inclusion_app.roadmaps.models import Household, HouseholdMember, Roadmap, StepProgress
from inclusion_app.roadmaps.rules import DONE, FIRST_GOAL, StepState

MOST_MEMBERS = 12
FULL = N_("Twelve people share this plan. There is no room for more.")
HERE_ALREADY = N_("This person is in your plan already.")
IN_ANOTHER = N_("This person is in another household. They must leave it first.")
NAME_TAKEN = N_("Somebody here has this name already. Choose another one.")
OWN_PLAN = N_("This person has a plan of their own. May it wait? Then tick the box.")
# Of a home's answers those that are as true of the one who leaves: devices and the way online.
OF_THE_HOME = ("q2", "q3")


def make(session: Session, *, resident_id: int, name: str, now: datetime) -> None:
    """The plan of a home begins as a copy of the resident's own, with nobody but them in it yet. Their own waits, whole.

    The steps they do or have done carry their name, so that those go along when they leave.

    Raises RuleBroken when there is no plan of their own, or they are in a home (a form sent twice).
    """
    people.hold(session, residents=(resident_id,))
    roadmap = _own_plan(session, resident_id)
    if roadmap is None or queries.home_of_resident(session, resident_id) is not None:
        raise RuleBroken(CHANGED_ALREADY)
    home = Household(made_at=now)
    session.add(home)
    session.flush()
    resident = session.get_one(Resident, resident_id)
    resident.last_used_at = now  # so that their code counts as used, and is shown to nobody
    founder = _put_in(session, home.id, resident, name, now)
    _copy(session, roadmap, founder, now=now)
    people.note(session, resident_id, "make household", ("plan", "nickname"), now)


def add(
    session: Session, *, by: int, code: str, proven: Facts, name: str, may_wait: bool, now: datetime
) -> None:
    """Take somebody in whose code and own PIN or pictures were just proven (people.opening).

    A plan of their own waits untouched until they leave, if it `may_wait`. Raises RuleBroken at `code` for somebody
    who is here or elsewhere already, at `name` for a name that is taken, at `may_wait`, and when twelve are here.
    """
    people.hold(session, residents=(by, proven.number))
    resident = people.find_by_code(session, code=code)
    home_id = queries.home_of_resident(session, by)
    # Checking the secret took a while. What was changed meanwhile (another code, no home any more) counts.
    if resident is None or home_id is None or (resident.id, resident.secret_hash) != proven[:2]:
        raise RuleBroken(CHANGED_ALREADY)
    _hold_home(session, home_id)
    theirs = queries.home_of_resident(session, resident.id)
    if theirs is not None:
        raise RuleBroken(HERE_ALREADY if theirs == home_id else IN_ANOTHER, field="code")
    _check_room(session, home_id, name)
    own = _own_plan(session, resident.id)
    if own is not None and not may_wait:
        raise RuleBroken(OWN_PLAN, field="may_wait")
    resident.last_used_at = now  # the same
    _put_in(session, home_id, resident, name, now)
    people.note(session, resident.id, "join household", ("plan", "nickname"), now, by=by)


def add_new(
    session: Session,
    *,
    by: int,
    name: str,
    secret_kind: str,
    secret_hash: str,
    newest: str,
    language: str,
    now: datetime,
) -> HouseholdMember | None:
    """Take somebody in who has no code: they get one. The hash of the secret they chose is made before (it is slow).

    `newest` is the number of the last member the form knew. None when somebody came since, most likely by this form sent twice.
    Raises RuleBroken at `name`, and when twelve are here.
    """
    people.hold(session, residents=(by,))
    home_id = queries.home_of_resident(session, by)
    if home_id is None:
        raise RuleBroken(CHANGED_ALREADY)
    _hold_home(session, home_id)
    if str(max(member.id for member in queries.members_of(session, home_id))) != newest:
        return None
    _check_room(session, home_id, name)
    resident = people.make_resident(
        session,
        secret_kind=secret_kind,
        secret_hash=secret_hash,
        nickname=name,
        pin_for_everything=False,
        language=language,
        now=now,
    )
    member = _put_in(session, home_id, resident, name, now)
    people.note(session, resident.id, "join household", ("plan", "nickname"), now, by=by)
    return member


def leave(session: Session, *, resident_id: int, today: date, actor: str, now: datetime) -> int | None:
    """The resident has a plan of their own again, and the steps they do go with them.

    Returns how many stay; None for somebody who had left before.

    The others' plan goes on without those steps' progress. When nobody stays, the whole plan becomes theirs: what
    waited is put into it, so that neither is lost.
    """
    people.hold(session, residents=(resident_id,))
    home_id = queries.home_of_resident(session, resident_id)
    if home_id is None:
        return None
    _hold_home(session, home_id)
    members = queries.members_of(session, home_id)
    mine = next(member.id for member in members if member.resident_id == resident_id)
    plan = session.scalars(
        select(Roadmap)
        .where(Roadmap.household_id == home_id)
        .with_for_update(of=Roadmap)
        .execution_options(populate_existing=True)
    ).one()
    own = _own_plan(session, resident_id)
    if len(members) == 1:
        _take_all(session, plan, own, mine=mine, resident_id=resident_id, now=now)
        session.execute(
            delete(Household).where(Household.id == home_id), execution_options={"synchronize_session": False}
        )
    else:
        _take_steps(session, plan, own, mine=mine, resident_id=resident_id, today=today, actor=actor, now=now)
        session.execute(
            delete(HouseholdMember).where(HouseholdMember.id == mine),
            execution_options={"synchronize_session": False},
        )
    people.note(session, resident_id, "leave household", ("plan", "nickname"), now)
    return len(members) - 1


def end_with(session: Session, resident_id: int) -> None:
    """Before a resident is deleted: when nobody else is in their home, it goes with its plan. Reads no plan."""
    home_id = queries.home_of_resident(session, resident_id)
    if home_id is None:
        return
    _hold_home(session, home_id)
    others = exists().where(
        HouseholdMember.household_id == home_id, HouseholdMember.resident_id != resident_id
    )
    if not session.scalar(select(others)):
        session.execute(
            delete(Household).where(Household.id == home_id), execution_options={"synchronize_session": False}
        )


def _hold_home(session: Session, home_id: int) -> None:
    """Until the commit nobody else comes into this home or leaves it."""
    session.execute(select(Household.id).where(Household.id == home_id).with_for_update())


def _own_plan(session: Session, resident_id: int) -> Roadmap | None:
    mine = select(Roadmap).where(Roadmap.resident_id == resident_id).with_for_update(of=Roadmap)
    return session.scalar(mine.execution_options(populate_existing=True))


def _check_room(session: Session, home_id: int, name: str) -> None:
    members = queries.members_of(session, home_id)
    if len(members) >= MOST_MEMBERS:
        raise RuleBroken(FULL)
    if name.casefold() in {member.name.casefold() for member in members}:
        raise RuleBroken(NAME_TAKEN, field="name")


def _put_in(session: Session, home_id: int, resident: Resident, name: str, now: datetime) -> HouseholdMember:
    member = HouseholdMember(household_id=home_id, resident_id=resident.id, nickname=name, joined_at=now)
    session.add(member)
    session.flush()
    return member


def _copy(session: Session, own: Roadmap, founder: HouseholdMember, *, now: datetime) -> None:
    """The home's plan, with all that the founder's own says, and the days of it."""
    settled = [row.step_id for row in own.progress if StepState(row.status) in services.SIGNED]
    plan = Roadmap(
        household_id=founder.household_id,
        answers=dict(own.answers),
        choices={**own.choices, "who": dict.fromkeys(settled, founder.id)},
        near=own.near,
        made_at=own.made_at,
        changed_at=now,
    )
    session.add(plan)
    pairs = [
        (row.id, StepProgress(step_id=row.step_id, status=row.status, changed_at=row.changed_at))
        for row in own.progress
    ]
    plan.progress.extend(row for _number, row in pairs)
    session.flush()
    copies = {number: row.id for number, row in pairs}
    history.copy(session, StepProgress.__tablename__, copies, roadmap_id=plan.id)


def _take_all(
    session: Session, plan: Roadmap, own: Roadmap | None, *, mine: int, resident_id: int, now: datetime
) -> None:
    """Nobody stays: the home's plan becomes the resident's, with all that waited in their own."""
    home_id = plan.household_id or 0
    theirs = _steps_of(plan, mine)
    plan.choices = {key: value for key, value in plan.choices.items() if key != "who"}
    if own is not None:
        plan.answers = merging.answers_of_both(plan.answers, own.answers)
        plan.choices = merging.choices_of_both(plan.choices, own.choices)
        plan.near = plan.near or own.near
        _carry(session, list(own.progress), plan, theirs=theirs)
        _tidy(plan)
        session.delete(own)
    services.change_owner(
        session, roadmap=plan, of={"household_id": home_id}, to={"resident_id": resident_id}
    )
    plan.changed_at = now


def _take_steps(
    session: Session,
    plan: Roadmap,
    own: Roadmap | None,
    *,
    mine: int,
    resident_id: int,
    today: date,
    actor: str,
    now: datetime,
) -> None:
    """The steps one does go along with how far they have come; the home goes on without it.

    Who has no plan that waited gets one with what is as true of them: devices, the way online, the goals those steps
    serve, else all of the home's goals.
    """
    before = queries.compute(plan, today=today)
    who = plan.choices.get("who", {})
    steps = _steps_of(plan, mine)
    served = {step.id: step.serves for step in before.plan.steps if step.id in steps}
    pins = [step for step in plan.choices.get("pins", ()) if step in steps]
    if own is None:
        own = Roadmap(
            resident_id=resident_id,
            answers={key: plan.answers[key] for key in OF_THE_HOME if key in plan.answers},
            choices={},
            made_at=now,
            changed_at=now,
        )
        session.add(own)
        session.flush()
        if not served:
            own.answers = {**own.answers, "q1": list(plan.answers.get("q1", ()))}
    dropped = [step for step in plan.choices.get("drop_dependants", ()) if step in steps]
    own.choices = merging.choices_of_both(own.choices, {"drop_dependants": dropped})
    _carry(session, [row for row in plan.progress if row.step_id in steps], own, theirs=steps)
    _plan_for(session, own, served, today=today, actor=actor, now=now)
    own.choices = merging.choices_of_both(own.choices, {"pins": pins})
    _tidy(own)
    own.changed_at = now
    plan.choices = {
        **plan.choices,
        "who": {step: number for step, number in who.items() if number != mine},
        "pins": [step for step in plan.choices.get("pins", ()) if step not in pins],
        "drop_dependants": [step for step in plan.choices.get("drop_dependants", ()) if step not in dropped],
    }
    plan.changed_at = now
    session.flush()


def _steps_of(plan: Roadmap, member_id: int) -> list[str]:
    who = plan.choices.get("who", {})
    return [step for step in who if who[step] == member_id]


def _carry(session: Session, rows: Sequence[StepProgress], to: Roadmap, *, theirs: Collection[str]) -> None:
    """How far steps have come goes over to another roadmap, with its days.

    Where both know a step what was changed later stays. Only what a person had done is not taken back by a step that
    is not `theirs`. The days of both are kept.
    """
    has = {row.step_id: row for row in to.progress}
    for row in rows:
        other = has.get(row.step_id)
        if other is not None:
            stays = _staying(row, other, theirs=row.step_id in theirs)
            goes = other if stays is row else row
            history.merge(session, StepProgress.__tablename__, goes.id, into=stays.id, roadmap_id=to.id)
            goes.roadmap.progress.remove(goes)
            session.flush()
            if goes is row:
                continue
        history.hand_over(session, StepProgress.__tablename__, [row.id], roadmap_id=to.id)
        row.roadmap = to
        session.flush()


def _staying(row: StepProgress, other: StepProgress, *, theirs: bool) -> StepProgress:
    states = StepState(row.status), StepState(other.status)
    if theirs or DONE.isdisjoint(states):
        return max(row, other, key=lambda item: item.changed_at)
    return row if merging.further(*states) is states[0] else other


def _tidy(roadmap: Roadmap) -> None:
    """Of two plans' choices those that still mean something: pins of open steps, drops of refused ones."""
    states = {row.step_id: StepState(row.status) for row in roadmap.progress}
    closed = {step for step, state in states.items() if state in DONE or state is StepState.NOT_FOR_ME}
    drops = roadmap.choices.get("drop_dependants", ())
    roadmap.choices = {
        **roadmap.choices,
        "pins": [step for step in roadmap.choices.get("pins", ()) if step not in closed],
        "drop_dependants": [step for step in drops if states.get(step) is StepState.NOT_FOR_ME],
    }


def _plan_for(
    session: Session,
    roadmap: Roadmap,
    served: Mapping[str, Sequence[str]],
    *,
    today: date,
    actor: str,
    now: datetime,
) -> None:
    """Have these open steps in a plan: by the first goal each served, else as one more step of a goal."""
    open_steps = []
    for step_id, goals in served.items():
        made = queries.compute(roadmap, today=today)
        state = made.choices.states.get(step_id)
        if state in DONE or state is StepState.NOT_FOR_ME:
            continue
        open_steps.append(step_id)
        if step_id in made.step_ids:
            continue
        if step_id in made.plan.known:
            # Their answers say that they can do it; they took it on all the same.
            services.set_step_state(
                session, roadmap=roadmap, step_id=step_id, state=StepState.NOT_STARTED, actor=actor, now=now
            )
        if goals:
            services.add_goal(session, roadmap=roadmap, goal_id=goals[0], now=now)
    # Only now, for a goal that came since may bring the step.
    for step_id in open_steps:
        if step_id in queries.compute(roadmap, today=today).step_ids:
            continue
        goal = next(iter((*served[step_id], *roadmap.answers.get("q1", ()))), FIRST_GOAL)
        services.add_goal(session, roadmap=roadmap, goal_id=goal, now=now)
        pair = {"extras": [[goal, step_id]]}
        roadmap.choices = merging.choices_of_both(roadmap.choices, pair)
