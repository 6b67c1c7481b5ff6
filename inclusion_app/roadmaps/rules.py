"""How a plan is made from answers: thirteen points, each a small pure function, same input, same plan.

The rule is published in plain words on the page "How plans are made". The numbers in the comments are its points.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from inclusion_app.core.lifecycle import Lifecycle
from inclusion_app.core.words import N_

if TYPE_CHECKING:
    from inclusion_app.roadmaps.catalogue import Catalogue


class Device(StrEnum):
    SMARTPHONE = "smartphone"
    TABLET = "tablet"
    COMPUTER = "computer"
    SHARED = "shared"
    NONE = "none"


class Connection(StrEnum):
    YES = "yes"
    SOMETIMES = "sometimes"
    LIBRARY = "library"
    NO = "no"


class Barrier(StrEnum):
    SEEING = "seeing"
    HEARING = "hearing"
    HANDS = "hands"
    REMEMBERING = "remembering"
    ENGLISH = "english"
    READING = "reading"
    SCAMS = "scams"
    CONFIDENCE = "confidence"
    ALONE = "alone"
    MONEY = "money"
    TIME = "time"
    NO_ID = "no_id"
    NOT_WANTED = "not_wanted"


class Skill(StrEnum):
    NOT_YET = "not_yet"
    WITH_HELP = "with_help"
    ALONE = "alone"
    SHOW = "show"
    SKIPPED = "skipped"


class StepState(StrEnum):
    NOT_STARTED = "not_started"
    DOING = "doing"
    DONE_WITH_HELP = "done_with_help"
    DONE_ALONE = "done_alone"
    CAN_SHOW = "can_show_others"
    NOT_FOR_ME = "not_for_me"
    ALREADY_KNEW = "already_knew"


class Mode(StrEnum):
    ME = "me"
    TOGETHER = "together"
    FOR_ME = "for_me"


DONE = frozenset({StepState.DONE_WITH_HELP, StepState.DONE_ALONE, StepState.CAN_SHOW, StepState.ALREADY_KNEW})
# People change their minds and mend mistakes: every state can follow every other one. What is refused is
# a state that does not exist, and a "move" to where the step already is.
STEP_LIFECYCLE = Lifecycle(
    "step",
    {state.value: frozenset(other.value for other in StepState if other is not state) for state in StepState},
)

ACCESS_STEPS = frozenset({"A1", "A2", "A3", "A4", "A5", "A6", "A7"})
NEVER_INFERRED = frozenset({"F5"})
SKILL_STEPS: Mapping[str, tuple[str, ...]] = {
    "q5": ("F1", "F2", "F6"),
    "q6": ("F3", "F4"),
    "q7": ("F5",),
    "q8": ("C1",),
    "q9": ("C2", "C3"),
    "q10": ("H1",),
    "q11": ("T1",),
    "q12": ("S1", "S5"),
}
FIRST_GOAL = "g01"
LAST_RESORT = "V1"
SOON = timedelta(days=14)
SHOWN = 3
SHORT_MINUTES = 30
NO_RANK = 1_000


class ReasonKind(StrEnum):
    """Why a step is here, or why nothing is next."""

    FOR_GOAL = "for_goal"
    FOR_STEP = "for_step"
    BIG_SCREEN = "big_screen"
    ANSWERS = "answers"
    CHOSEN = "chosen"
    WAITING_DOING = "waiting_doing"
    WAITING_STEP = "waiting_step"
    ALL_DONE = "all_done"
    SET_ASIDE = "set_aside"


REASON_WORDS: Mapping[ReasonKind, str] = {
    ReasonKind.FOR_GOAL: N_("You need this for your goal: %(title)s."),
    ReasonKind.BIG_SCREEN: N_("This needs a bigger screen than a phone: %(title)s."),
    ReasonKind.FOR_STEP: N_("You need this for a later step: %(title)s."),
    ReasonKind.ANSWERS: N_("This answers what you told us: %(title)s."),
    ReasonKind.CHOSEN: N_("You added this yourself."),
    ReasonKind.WAITING_DOING: N_("First finish what you are doing: %(title)s. You can move it on."),
    ReasonKind.WAITING_STEP: N_("This step is in the way: %(title)s. A helper can move it."),
    ReasonKind.ALL_DONE: N_("You can already do this. Well done."),
    ReasonKind.SET_ASIDE: N_("You set the other steps aside. You can bring a step back."),
}
NO_DEVICE = "no_device"
DATA_RUNS_OUT = "data_runs_out"
BARRIER_WORDS: Mapping[str, str] = {
    Barrier.SEEING: N_("Seeing is hard"),
    Barrier.HEARING: N_("Hearing is hard"),
    Barrier.HANDS: N_("Using my hands is hard"),
    Barrier.READING: N_("Reading is hard"),
    Barrier.SCAMS: N_("I worry about scams"),
    Barrier.CONFIDENCE: N_("I do not feel sure of myself"),
    Barrier.ALONE: N_("I am on my own with this"),
    Barrier.MONEY: N_("It costs too much"),
    Barrier.NO_ID: N_("I have no ID"),
    NO_DEVICE: N_("I have no device"),
    DATA_RUNS_OUT: N_("My data runs out"),
}


@dataclass(frozen=True)
class Reason:
    """A reason in pieces: the page says it in the reader's language. `goal`, `step` or `barrier` fills the title."""

    kind: ReasonKind
    goal: str | None = None
    step: str | None = None
    barrier: str | None = None


@dataclass(frozen=True)
class Answers:
    """The self-check; everything is optional. None means not asked or skipped."""

    goals: tuple[str, ...] = ()
    days: Mapping[str, date] = field(default_factory=dict)
    devices: frozenset[Device] | None = None
    connection: Connection | None = None
    barriers: frozenset[Barrier] | None = None
    skills: Mapping[str, Skill] = field(default_factory=dict)
    checks_who_wrote_it: bool = False
    pays_online: bool = False
    helped: bool = False


@dataclass(frozen=True)
class Choices:
    """What the person set on the plan page. Pins are oldest first; extras are (goal id, step id).

    `use_library` is None until the switch is touched: then the answer to question 3 decides.
    """

    states: Mapping[str, StepState] = field(default_factory=dict)
    pins: tuple[str, ...] = ()
    modes: Mapping[str, Mode] = field(default_factory=dict)
    extras: tuple[tuple[str, str], ...] = ()
    drop_dependants: frozenset[str] = frozenset()
    use_library: bool | None = None
    free_minutes: int | None = None
    booked: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan. `after` are this plan's links; `light` steps have none of the catalogue's."""

    id: str
    state: StepState
    mode: Mode
    light: bool
    practice: bool
    after: tuple[str, ...]
    serves: tuple[str, ...]
    reasons: tuple[Reason, ...]
    minutes: int
    ready: bool
    private: bool


@dataclass(frozen=True)
class Plan:
    """The plan of one person, household or group, in the order of point 6."""

    steps: tuple[PlannedStep, ...]
    next: tuple[str, ...]
    doing: tuple[str, ...]
    done: tuple[str, ...]
    not_for_me: tuple[str, ...]
    known: frozenset[str]
    offered: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    route_first: bool
    nothing_next: Reason | None
    minutes: int
    warnings: tuple[str, ...]

    @property
    def ready(self) -> frozenset[str]:
        """The steps that could be done today."""
        return frozenset(step.id for step in self.steps if step.ready)


@dataclass(frozen=True)
class _Wish:
    """What point 2 derives: goals and targets with the goals that want them, in order.

    `place` is (rank of the first goal that wants the target, the target's place within that goal): point 6.
    """

    goals: tuple[str, ...]
    targets: Mapping[str, tuple[str, ...]]
    asked: frozenset[str]
    place: Mapping[str, tuple[int, int]]


def what_they_have(answers: Answers) -> frozenset[str]:
    """Needs that are met already: dev, big, net, id."""
    have = set()
    devices = answers.devices or frozenset()
    if devices & {Device.SMARTPHONE, Device.SHARED, Device.TABLET, Device.COMPUTER}:
        have.add("dev")
    if devices & {Device.TABLET, Device.COMPUTER}:
        have.add("big")
    if answers.connection is Connection.YES:
        have.add("net")
    if Barrier.NO_ID not in named_barriers(answers):
        have.add("id")
    return frozenset(have)


def shares_device(answers: Answers) -> bool:
    """True when a shared device is among those of question 2: it counts as a device, but nobody should bank on it."""
    return Device.SHARED in (answers.devices or ())


def named_barriers(answers: Answers) -> frozenset[str]:
    """The barriers of question 4, with "no device" and "data runs out" from questions 2 and 3."""
    named: set[str] = {barrier.value for barrier in answers.barriers or ()}
    if Device.NONE in (answers.devices or ()):
        named.add(NO_DEVICE)
    if answers.connection in {Connection.SOMETIMES, Connection.NO}:
        named.add(DATA_RUNS_OUT)
    return frozenset(named)


def own_steps(answers: Answers, choices: Choices) -> frozenset[str]:
    """Steps the person said they can do, or has done since. A helper who answers makes A6 known."""
    own: set[str] = {"A6"} if answers.helped else set()
    for question, steps in SKILL_STEPS.items():
        skill = answers.skills.get(question)
        if skill in {Skill.ALONE, Skill.SHOW}:
            own.update(steps)
            if question == "q8" and skill is Skill.SHOW:
                own.add("C4")
            if question == "q10" and answers.checks_who_wrote_it:
                own.add("H2")
            if question == "q11" and answers.pays_online:
                own.add("T2")
    for step, state in choices.states.items():
        if state in DONE:
            own.add(step)
        elif state in {StepState.DOING, StepState.NOT_STARTED}:
            own.discard(step)
    return frozenset(own)


def denied_steps(answers: Answers, choices: Choices) -> frozenset[str]:
    """Steps never inferred because the person answered not yet, with help, or skipped their question."""
    denied: set[str] = set()
    for question, skill in answers.skills.items():
        if skill not in {Skill.ALONE, Skill.SHOW}:
            denied.update(SKILL_STEPS.get(question, ()))
    denied.update(
        step for step, state in choices.states.items() if state in {StepState.DOING, StepState.NOT_STARTED}
    )
    return frozenset(denied)


def practised_steps(answers: Answers) -> frozenset[str]:
    """Steps done "with help": they stay in, worded as practice."""
    return frozenset(
        step
        for question, skill in answers.skills.items()
        if skill is Skill.WITH_HELP
        for step in SKILL_STEPS.get(question, ())
    )


def _wishes(catalogue: Catalogue, answers: Answers, choices: Choices) -> tuple[_Wish, list[str]]:
    """Point 2: targets are the required steps of each goal, in goal order, no repeats; taps on extras join."""
    warnings = [f"unknown goal {goal}" for goal in answers.goals if goal not in catalogue.goals]
    goals = tuple(dict.fromkeys(goal for goal in answers.goals if goal in catalogue.goals)) or (FIRST_GOAL,)
    targets: dict[str, list[str]] = {}
    place: dict[str, tuple[int, int]] = {}
    for rank, goal in enumerate(goals):
        added = [step for owner, step in choices.extras if owner == goal]
        for number, step in enumerate(dict.fromkeys((*catalogue.goals[goal].steps, *added))):
            if step not in catalogue.steps:
                warnings.append(f"unknown step {step}")
                continue
            targets.setdefault(step, []).append(goal)
            place.setdefault(step, (rank, number))
    asked = frozenset(step for goal, step in choices.extras if goal in goals and step in targets)
    wanted_by = {step: tuple(wanted) for step, wanted in targets.items()}
    return _Wish(goals, wanted_by, asked, place), warnings


def known_steps(catalogue: Catalogue, own: frozenset[str], denied: frozenset[str]) -> frozenset[str]:
    """Point 3: knowing a step means knowing its ancestors, but safety, access and passwords are never inferred."""
    known = set(own)
    for step in own:
        for ancestor in catalogue.ancestors(step):
            inferable = (
                ancestor not in ACCESS_STEPS
                and ancestor not in NEVER_INFERRED
                and catalogue.steps[ancestor].area != "SAFE"
                and ancestor not in denied
            )
            if inferable:
                known.add(ancestor)
    return frozenset(known)


def modes_of(goals: Sequence[str], answers: Answers, choices: Choices) -> Mapping[str, Mode]:
    """Who does each goal's steps; "do not want to" means for me on all goals until changed."""
    usual = Mode.FOR_ME if Barrier.NOT_WANTED in (answers.barriers or ()) else Mode.ME
    return {goal: choices.modes.get(goal, usual) for goal in goals}


def uses_library(answers: Answers, choices: Choices) -> bool:
    """Plan with a library's computers and Wi-Fi: the switch of the plan page, else what question 3 says."""
    if choices.use_library is not None:
        return choices.use_library
    return answers.connection is Connection.LIBRARY


def light_steps(
    catalogue: Catalogue,
    targets: Mapping[str, tuple[str, ...]],
    modes: Mapping[str, Mode],
    known: frozenset[str],
) -> frozenset[str]:
    """Point 2: targets wanted only together or for me, unless an ordinary target rests on them."""
    light = {step for step, goals in targets.items() if all(modes[goal] is not Mode.ME for goal in goals)}
    rested_on: set[str] = set()
    for step in targets:
        if step not in light and step not in known:
            _gather(catalogue, step, known, rested_on)
    return frozenset(light - rested_on)


def _gather(catalogue: Catalogue, step: str, known: frozenset[str], into: set[str]) -> None:
    for before in catalogue.steps[step].after:
        if before not in known and before not in into and before in catalogue.steps:
            into.add(before)
            _gather(catalogue, before, known, into)


@dataclass(frozen=True)
class _Links:
    """What one step rests on in this plan."""

    catalogue: Catalogue
    have: frozenset[str]
    library: bool
    light: frozenset[str]
    known: frozenset[str]

    def of(self, step: str) -> tuple[str, ...]:
        """Points 2 and 4: prerequisites, then the enabling step of each need not met; a step never enables itself."""
        row = self.catalogue.steps[step]
        before = [] if step in self.light else list(row.after)
        for need in row.needs:
            if need in self.have or (step in self.light and need != "id"):
                continue
            if need in {"dev", "big"}:
                before.append("A2" if self.library else "A1")
            elif need == "net":
                before.append("A2" if self.library else "A3")
            elif need == "id":
                before.append("A7")
        return tuple(
            item
            for item in dict.fromkeys(before)
            if item != step and item not in self.known and item in self.catalogue.steps
        )


def _choose(links: _Links, starts: Iterable[str], chosen: dict[str, tuple[str, ...]]) -> None:
    """Point 4: take every prerequisite until nothing is added; stop at known."""
    waiting = list(starts)
    while waiting:
        step = waiting.pop()
        if step in links.known or step in chosen:
            continue
        chosen[step] = links.of(step)
        waiting.extend(chosen[step])


@dataclass
class _Answering:
    """What named barriers did (point 5): put first, marked with the barriers they answer, offered."""

    first: set[str] = field(default_factory=set)
    marked: dict[str, list[str]] = field(default_factory=dict)
    offered: list[str] = field(default_factory=list)


def _answer_barriers(named: frozenset[str], links: _Links, chosen: dict[str, tuple[str, ...]]) -> _Answering:
    done = _Answering()

    def bring(step: str, barriers: Iterable[str], *, first: bool = False) -> None:
        if step in links.known or step not in links.catalogue.steps:
            return
        _choose(links, [step], chosen)
        done.marked.setdefault(step, []).extend(sorted(barriers))
        if first:
            done.first.add(step)

    if Barrier.SCAMS in named:
        bring("S1", {Barrier.SCAMS}, first=True)
    if lonely := named & {Barrier.CONFIDENCE, Barrier.ALONE}:
        bring("A6", lonely, first=True)
    if senses := named & {Barrier.SEEING, Barrier.HEARING, Barrier.HANDS, Barrier.READING}:
        if "F1" in chosen:
            bring("A5", senses)
        else:
            done.offered.append("A5")
    if NO_DEVICE in named:
        bring("A2" if links.library else "A1", {NO_DEVICE})
    if DATA_RUNS_OUT in named:
        bring("A2" if links.library else "A3", {DATA_RUNS_OUT})
    if Barrier.NO_ID in named and "A7" in chosen:
        done.marked.setdefault("A7", []).append(Barrier.NO_ID)
    if Barrier.MONEY in named:
        done.offered.extend(["A4", "E1"])
    return done


def _dependants(chosen: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """For each chosen step, the chosen steps that rest on it directly."""
    dependants: dict[str, list[str]] = {step: [] for step in chosen}
    for step, before in chosen.items():
        for item in before:
            dependants[item].append(step)
    return dependants


def _targets_reached(
    chosen: Mapping[str, tuple[str, ...]], targets: Mapping[str, object]
) -> dict[str, frozenset[str]]:
    """For each chosen step, the chosen targets it leads to over this plan's links, itself included (point 6)."""
    dependants = _dependants(chosen)
    reached: dict[str, frozenset[str]] = {}

    def walk(step: str) -> frozenset[str]:
        if step not in reached:
            itself = frozenset({step}) if step in targets else frozenset()
            reached[step] = itself.union(*(walk(item) for item in dependants[step]))
        return reached[step]

    for step in chosen:
        walk(step)
    return reached


def _is_soon(day: date | None, today: date) -> bool:
    return day is not None and today <= day <= today + SOON


_Key = tuple[int, int, int, int, int, int, int, int, str]


def _key(
    step: str, *, catalogue: Catalogue, wish: _Wish, reached: frozenset[str], first: bool, soon: bool
) -> _Key:
    """Point 6, smallest first."""
    # The smallest pair is the first goal served and, within that goal, the first target served.
    rank, place = min((wish.place[target] for target in reached), default=(NO_RANK, NO_RANK))
    row = catalogue.steps[step]
    return (
        0 if soon else 1,
        0 if first else 1,
        0 if step in ACCESS_STEPS or row.level == 0 else 1,
        rank,
        place,
        row.level,
        -len(reached),
        row.minutes,
        step,
    )


def _in_order(chosen: Mapping[str, tuple[str, ...]], keys: Mapping[str, _Key]) -> list[str]:
    """Point 6: Kahn's sort; of all that could come next, the smallest key does."""
    dependants = _dependants(chosen)
    missing = {step: len(before) for step, before in chosen.items()}
    free = [keys[step] for step, count in missing.items() if count == 0]
    heapq.heapify(free)
    order: list[str] = []
    while free:
        step = heapq.heappop(free)[-1]
        order.append(step)
        for item in dependants[step]:
            missing[item] -= 1
            if missing[item] == 0:
                heapq.heappush(free, keys[item])
    return order


def next_steps(
    ready: Sequence[str],
    pins: Sequence[str],
    *,
    catalogue: Catalogue,
    marked: frozenset[str],
    unsure: bool,
    free_minutes: int | None = None,
) -> tuple[str, ...]:
    """Point 8: pins, then an easy first step, then one that answers a named barrier, then another area."""
    picked = list(pins[:SHOWN])
    slots_filled = 0
    while len(picked) < SHOWN:
        rest = [step for step in ready if step not in picked]
        if not rest:
            break
        if slots_filled == 0:
            short = [step for step in rest if catalogue.steps[step].minutes <= SHORT_MINUTES]
            picked.append(short[0] if unsure and short else rest[0])
        else:
            answering = [step for step in rest if step in marked]
            areas = {_area(catalogue, step) for step in picked}
            elsewhere = [step for step in rest if _area(catalogue, step) not in areas]
            picked.append((answering or elsewhere or rest)[0])
        slots_filled += 1
    if free_minutes is not None:
        return tuple(_fit(picked, free_minutes, catalogue))
    return tuple(picked)


def _area(catalogue: Catalogue, step: str) -> str:
    return "ACCESS" if step in ACCESS_STEPS else catalogue.steps[step].area


def _fit(picked: Sequence[str], free_minutes: int, catalogue: Catalogue) -> list[str]:
    """Fewer once the sum passes the free minutes, but always one."""
    total = 0
    kept: list[str] = []
    for step in picked:
        total += catalogue.steps[step].minutes
        if kept and total > free_minutes:
            break
        kept.append(step)
    return kept


def _missing(catalogue: Catalogue, chosen: Iterable[str], choices: Choices) -> list[str]:
    """Point 1: steps that are kept or rested on, but stand in the catalogue no more; skipped with a warning."""
    before = (item for step in chosen for item in catalogue.steps[step].after)
    return sorted({*before, *choices.states, *choices.pins} - catalogue.steps.keys())


def _dropped(chosen: Mapping[str, tuple[str, ...]], leaving: Iterable[str]) -> frozenset[str]:
    """Point 9: the refused steps whose dependants were to go with them, and all those dependants."""
    dependants = _dependants(chosen)
    gone: set[str] = set()
    waiting = [step for step in leaving if step in chosen]
    while waiting:
        step = waiting.pop()
        if step not in gone:
            gone.add(step)
            waiting.extend(dependants[step])
    return frozenset(gone)


def make_plan(catalogue: Catalogue, answers: Answers, choices: Choices, today: date) -> Plan:
    """The plan for these answers and choices on this day (points 2 to 10 and 13)."""
    wish, warnings = _wishes(catalogue, answers, choices)
    named = named_barriers(answers)
    known = known_steps(
        catalogue,
        frozenset(step for step in own_steps(answers, choices) if step in catalogue.steps),
        denied_steps(answers, choices),
    )
    modes = modes_of(wish.goals, answers, choices)
    refused = frozenset(
        step
        for step, state in choices.states.items()
        if state is StepState.NOT_FOR_ME and step in catalogue.steps
    )
    doing_states = {
        step for step, state in choices.states.items() if state is StepState.DOING and step in catalogue.steps
    }
    pinned = [pin for pin in choices.pins if pin in catalogue.steps]

    def gather(stops: frozenset[str]) -> tuple[_Links, dict[str, tuple[str, ...]], _Answering]:
        light = light_steps(catalogue, wish.targets, modes, stops)
        links = _Links(catalogue, what_they_have(answers), uses_library(answers, choices), light, stops)
        chosen: dict[str, tuple[str, ...]] = {}
        _choose(links, wish.targets, chosen)
        # Pins come before the barriers: a pinned first step is chosen, so help with the screen is added to it.
        _choose(links, (pin for pin in pinned if pin not in doing_states), chosen)
        answering = _answer_barriers(named, links, chosen)
        for step in sorted(doing_states):
            # Somebody doing a step outside the plan needs nothing before it: never lock.
            chosen.setdefault(step, ())
        return links, chosen, answering

    stops = known | refused
    if leaving := refused & choices.drop_dependants:
        # A step refused with its dependants kept counts as satisfied: nothing is dropped through it.
        _links, whole, _answering = gather(known | (refused - leaving))
        # A pin is the later word: what is pinned comes back.
        stops |= _dropped(whole, leaving) - set(pinned)
    links, chosen, answering = gather(stops)

    warnings.extend(f"unknown step {step}" for step in _missing(catalogue, chosen, choices))
    reached = _targets_reached(chosen, wish.targets)
    serves = {step: _serves(wish, targets) for step, targets in reached.items()}
    soon_goals = {goal for goal in wish.goals if _is_soon(answers.days.get(goal), today)}
    keys = {
        step: _key(
            step,
            catalogue=catalogue,
            wish=wish,
            reached=reached[step],
            first=step in answering.first,
            soon=not soon_goals.isdisjoint(serves[step]) or _is_soon(choices.booked.get(step), today),
        )
        for step in chosen
    }
    order = _in_order(chosen, keys)
    doing = tuple(step for step in order if step in doing_states)
    ready = [step for step in order if step not in doing_states and not chosen[step]]
    following = next_steps(
        ready,
        [pin for pin in pinned if pin in chosen and pin not in doing_states],
        catalogue=catalogue,
        marked=frozenset(answering.marked),
        unsure=Barrier.CONFIDENCE in named,
        free_minutes=choices.free_minutes,
    )
    practised = practised_steps(answers)
    leaning = _dependants(chosen)
    number_in_order = {step: number for number, step in enumerate(order)}
    steps = tuple(
        PlannedStep(
            id=step,
            state=choices.states.get(step, StepState.NOT_STARTED),
            mode=_mode_of(modes, serves[step]),
            light=step in links.light,
            practice=step in practised,
            after=chosen[step],
            serves=serves[step],
            reasons=_reasons(
                step,
                wish,
                serves[step],
                leads_to=min(leaning[step], key=number_in_order.__getitem__, default=None),
                has_device="dev" in links.have,
                barriers=answering.marked.get(step, ()),
            ),
            minutes=catalogue.steps[step].minutes,
            ready=step in ready,
            private=catalogue.steps[step].private,
        )
        for step in order
    )
    offered = [step for step in answering.offered if step not in stops and step not in chosen]
    nothing = None if following else _why_nothing(doing, order, all_known=known.issuperset(wish.targets))
    if nothing is not None and not order and LAST_RESORT not in stops:
        offered.append(LAST_RESORT)
    return Plan(
        steps=steps,
        next=following,
        doing=doing,
        done=tuple(step for step in catalogue.steps if choices.states.get(step) in DONE),
        not_for_me=tuple(step for step in catalogue.steps if step in refused),
        known=known,
        offered=tuple(dict.fromkeys(offered)),
        extras={
            goal: tuple(
                step
                for step in catalogue.goals[goal].extras
                if step in catalogue.steps and step not in stops and step not in chosen
            )
            for goal in wish.goals
        },
        route_first=Barrier.NOT_WANTED in named,
        nothing_next=nothing,
        minutes=sum(step.minutes for step in steps),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _serves(wish: _Wish, reached: frozenset[str]) -> tuple[str, ...]:
    """The goals, in goal order, that want a target this step leads to."""
    wanted = {goal for target in reached for goal in wish.targets[target]}
    return tuple(goal for goal in wish.goals if goal in wanted)


def _mode_of(modes: Mapping[str, Mode], serves: Sequence[str]) -> Mode:
    """A step is done by me as soon as one goal it serves is mine; else together before for me."""
    found = {modes[goal] for goal in serves} or {Mode.ME}
    for mode in (Mode.ME, Mode.TOGETHER):
        if mode in found:
            return mode
    return Mode.FOR_ME


def _reasons(
    step: str,
    wish: _Wish,
    serves: Sequence[str],
    *,
    leads_to: str | None,
    has_device: bool,
    barriers: Sequence[str],
) -> tuple[Reason, ...]:
    """Point 13: each step explains itself; what the person told us comes first."""
    reasons = [Reason(ReasonKind.ANSWERS, barrier=barrier) for barrier in barriers]
    if step in wish.asked:
        reasons.append(Reason(ReasonKind.CHOSEN))
    if step in wish.targets:
        reasons.extend(Reason(ReasonKind.FOR_GOAL, goal=goal) for goal in wish.targets[step])
    else:
        if leads_to is not None:
            # Who has a phone and reads "get a phone" must hear that it is the big screen that is missing.
            kind = ReasonKind.BIG_SCREEN if step == "A1" and has_device else ReasonKind.FOR_STEP
            reasons.append(Reason(kind, step=leads_to))
        reasons.extend(Reason(ReasonKind.FOR_GOAL, goal=goal) for goal in serves[:1])
    return tuple(reasons) or (Reason(ReasonKind.CHOSEN),)


def _why_nothing(doing: Sequence[str], order: Sequence[str], *, all_known: bool) -> Reason:
    """Point 8: what is in the way; else that all is done. What was refused is not praised as done."""
    if doing:
        return Reason(ReasonKind.WAITING_DOING, step=doing[0])
    if order:
        return Reason(ReasonKind.WAITING_STEP, step=order[0])
    return Reason(ReasonKind.ALL_DONE if all_known else ReasonKind.SET_ASIDE)


@dataclass(frozen=True)
class Offer:
    """Something of an agency that helps with a step: a session, a place, a device, a person (point 11).

    `until` is the first day it is no longer there; `session_on` the day of a session that can be booked.
    """

    id: str
    step: str
    fits_access: bool = True
    fits_age: bool = True
    free: bool = True
    until: date | None = None
    session_on: date | None = None
    used_before: bool = False
    in_language: bool = False
    metres: float | None = None


def best_offers(offers: Iterable[Offer], *, today: date, most: int = 2) -> tuple[Offer, ...]:
    """Point 11: drop what fails access need, age, cost or date; then the best two."""
    fitting = [
        offer
        for offer in offers
        if offer.fits_access
        and offer.fits_age
        and offer.free
        and (offer.until is None or offer.until > today)
        and (offer.session_on is None or offer.session_on >= today)
    ]

    def rank(offer: Offer) -> tuple[bool, bool, bool, date, float, str]:
        return (
            not _is_soon(offer.session_on, today),
            not offer.used_before,
            not offer.in_language,
            offer.session_on or date.max,
            offer.metres if offer.metres is not None else float("inf"),
            offer.id,
        )

    return tuple(sorted(fitting, key=rank)[:most])


GROUP_FROM = 3


def group_next(catalogue: Catalogue, members_ready: Sequence[frozenset[str]]) -> str | None:
    """Point 12: the step ready for most members, ties by level then id; None below three members.

    A step the catalogue no longer has is passed over.
    """
    if len(members_ready) < GROUP_FROM:
        return None
    counts: dict[str, int] = {}
    for ready in members_ready:
        for step in ready & catalogue.steps.keys():
            counts[step] = counts.get(step, 0) + 1
    if not counts:
        return None
    return min(counts, key=lambda step: (-counts[step], catalogue.steps[step].level, step))
