"""The plan rule: the worked examples to the letter, and what must hold for any answers at all."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inclusion_app.core.lifecycle import ForbiddenMove
from inclusion_app.roadmaps.catalogue import Catalogue, load_catalogue
from inclusion_app.roadmaps.rules import (
    ACCESS_STEPS,
    BARRIER_WORDS,
    DONE,
    REASON_WORDS,
    STEP_LIFECYCLE,
    Answers,
    Barrier,
    Choices,
    Connection,
    Device,
    Mode,
    Offer,
    Plan,
    PlannedStep,
    Reason,
    ReasonKind,
    Skill,
    StepState,
    best_offers,
    group_next,
    make_plan,
    named_barriers,
    next_steps,
    own_steps,
    what_they_have,
)

TODAY = date(2026, 11, 23)
CATALOGUE = load_catalogue()
PHONE = frozenset({Device.SMARTPHONE})
FIRST_SIX = ("F1", "F2", "F3", "F4", "F5", "F6")


def own(*steps: str) -> Choices:
    """Steps the person knew already, and nothing else."""
    return Choices(states=dict.fromkeys(steps, StepState.ALREADY_KNEW))


def barriers(*named: Barrier) -> frozenset[Barrier]:
    return frozenset(named)


NOTHING = Choices()
EXAMPLES = [
    (Answers(("g02", "g03"), devices=frozenset({Device.NONE})), NOTHING, 13, 465, "A1"),
    (Answers(("g04",), devices=PHONE, connection=Connection.YES), own(*FIRST_SIX), 9, 415, "A1 H1 C1"),
    (Answers(("g08",), connection=Connection.LIBRARY), NOTHING, 10, 355, "E1 A2 S1"),
    (
        Answers(
            ("g01", "g03"),
            devices=frozenset({Device.NONE}),
            barriers=barriers(Barrier.CONFIDENCE, Barrier.ENGLISH),
            helped=True,
        ),
        NOTHING,
        10,
        345,
        "A1 S1",
    ),
    (
        Answers(
            ("g06",),
            devices=PHONE,
            connection=Connection.SOMETIMES,
            barriers=barriers(Barrier.CONFIDENCE, Barrier.ENGLISH, Barrier.MONEY),
            skills={"q7": Skill.NOT_YET, "q8": Skill.NOT_YET},
        ),
        own("F1", "F2", "F3", "F4", "F6", "C2"),
        7,
        230,
        "A6 A3 F5",
    ),
    (
        Answers(("g02",), devices=PHONE, connection=Connection.YES, barriers=barriers(Barrier.SEEING)),
        own(*FIRST_SIX, "C1", "C2", "C3"),
        2,
        65,
        "T6",
    ),
    (
        Answers(
            ("g05", "g04"),
            devices=frozenset({Device.NONE}),
            connection=Connection.NO,
            barriers=barriers(Barrier.NO_ID),
        ),
        NOTHING,
        18,
        780,
        "A1 A7",
    ),
    (
        Answers(("g11", "g12"), devices=PHONE, connection=Connection.YES),
        own(*FIRST_SIX, "C1", "C2", "C3", "C4", "H1", "H2", "T1", "T2", "S1", "S5"),
        9,
        2430,
        "A1 M1 D1",
    ),
    (Answers(("g12",)), NOTHING, 2, 210, "M1"),
    (
        Answers(
            ("g05",),
            devices=PHONE,
            connection=Connection.SOMETIMES,
            barriers=barriers(Barrier.NO_ID, Barrier.CONFIDENCE),
        ),
        own("F1", "F6"),
        10,
        370,
        "A6 A3 A7",
    ),
    (Answers(("g02",), barriers=barriers(Barrier.NOT_WANTED)), NOTHING, 1, 20, "T7"),
    (
        Answers(("g10",), barriers=barriers(Barrier.ALONE)),
        Choices(modes={"g10": Mode.TOGETHER}),
        3,
        90,
        "A6 N1 C2",
    ),
    (Answers(("g10",), devices=PHONE, connection=Connection.YES), NOTHING, 9, 305, "A6 F1"),
    (
        Answers(("g01", "g15"), devices=PHONE, connection=Connection.YES),
        Choices(modes={"g01": Mode.TOGETHER}),
        13,
        535,
        "F1 S1 F6",
    ),
]


@pytest.mark.parametrize(("answers", "choices", "steps", "minutes", "following"), EXAMPLES)
def test_worked_examples(
    answers: Answers, choices: Choices, steps: int, minutes: int, following: str
) -> None:
    plan = make_plan(CATALOGUE, answers, choices, TODAY)
    assert (len(plan.steps), plan.minutes, " ".join(plan.next)) == (steps, minutes, following)


def test_do_not_want_puts_the_route_first_and_does_it_for_me() -> None:
    plan = make_plan(CATALOGUE, Answers(("g02",), barriers=barriers(Barrier.NOT_WANTED)), NOTHING, TODAY)
    assert plan.route_first
    assert plan.steps[0].mode is Mode.FOR_ME


SKILLS = st.dictionaries(st.sampled_from([f"q{n}" for n in range(5, 13)]), st.sampled_from(list(Skill)))
ANSWERS = st.builds(
    Answers,
    goals=st.lists(st.sampled_from(sorted(CATALOGUE.goals)), max_size=3, unique=True).map(tuple),
    days=st.dictionaries(
        st.sampled_from(sorted(CATALOGUE.goals)),
        st.dates(TODAY - timedelta(days=20), TODAY + timedelta(days=30)),
        max_size=2,
    ),
    devices=st.none() | st.frozensets(st.sampled_from(list(Device))),
    connection=st.none() | st.sampled_from(list(Connection)),
    barriers=st.none() | st.frozensets(st.sampled_from(list(Barrier))),
    skills=SKILLS,
    checks_who_wrote_it=st.booleans(),
    pays_online=st.booleans(),
    helped=st.booleans(),
)
STATES = st.dictionaries(
    st.sampled_from(sorted(CATALOGUE.steps)), st.sampled_from(list(StepState)), max_size=10
)
CHOICES = st.builds(
    Choices,
    states=STATES,
    modes=st.dictionaries(st.sampled_from(sorted(CATALOGUE.goals)), st.sampled_from(list(Mode)), max_size=3),
    drop_dependants=st.frozensets(st.sampled_from(sorted(CATALOGUE.steps)), max_size=2),
    use_library=st.none() | st.booleans(),
    free_minutes=st.none() | st.sampled_from([10, 30, 60, 120]),
    booked=st.dictionaries(
        st.sampled_from(sorted(CATALOGUE.steps)),
        st.dates(TODAY - timedelta(days=20), TODAY + timedelta(days=30)),
        max_size=3,
    ),
)


def done_with(plan: Plan) -> bool:
    """True when the person can do all that their goals ask, extras left aside."""
    wanted = {step for goal in plan.extras for step in CATALOGUE.goals[goal].steps}
    return wanted <= plan.known


def check_promises(plan: Plan, free_minutes: int | None = None) -> None:
    """What the leaflet promises of every plan without pins."""
    place = {step.id: number for number, step in enumerate(plan.steps)}
    refused = set(plan.not_for_me)
    for step in plan.steps:
        assert all(place[before] < place[step.id] for before in step.after)
        if not step.light and step.state is not StepState.DOING:
            missing = set(CATALOGUE.steps[step.id].after) - set(place) - plan.known
            # Only what the person refused, or what went with it, may be missing.
            assert not missing or refused
        assert step.reasons
    assert not set(place) & (plan.known | refused)
    assert not set(plan.next) & set(plan.doing)
    if free_minutes is None:
        assert len(plan.next) == min(3, len(plan.ready))
    else:
        assert bool(plan.next) == bool(plan.ready)
        assert len(plan.next) == 1 or sum(CATALOGUE.steps[step].minutes for step in plan.next) <= free_minutes
    assert set(plan.next) <= plan.ready
    assert plan.next or plan.nothing_next is not None
    if not plan.steps:
        assert plan.nothing_next is not None
        assert plan.nothing_next.kind is (
            ReasonKind.SET_ASIDE if refused and not done_with(plan) else ReasonKind.ALL_DONE
        )


@settings(max_examples=400, deadline=None)
@given(ANSWERS, CHOICES)
def test_promises_hold_for_any_answers(answers: Answers, choices: Choices) -> None:
    check_promises(make_plan(CATALOGUE, answers, choices, TODAY), choices.free_minutes)


def turned(items: frozenset[Any] | None, by: random.Random) -> Any:
    """The same set, filled in another order."""
    if items is None:
        return None
    listed = sorted(items, key=str)
    by.shuffle(listed)
    return frozenset(listed)


def turned_map(items: Mapping[str, Any], by: random.Random) -> dict[str, Any]:
    """The same mapping, filled in another order."""
    listed = list(items.items())
    by.shuffle(listed)
    return dict(listed)


@settings(max_examples=150, deadline=None)
@given(ANSWERS, CHOICES, st.integers(0, 10_000))
def test_same_input_same_plan_whatever_the_order_of_sets_and_mappings(
    answers: Answers, choices: Choices, seed: int
) -> None:
    by = random.Random(seed)
    same_answers = replace(
        answers,
        days=turned_map(answers.days, by),
        devices=turned(answers.devices, by),
        barriers=turned(answers.barriers, by),
        skills=turned_map(answers.skills, by),
    )
    same_choices = replace(
        choices,
        states=turned_map(choices.states, by),
        modes=turned_map(choices.modes, by),
        drop_dependants=turned(choices.drop_dependants, by),
        booked=turned_map(choices.booked, by),
    )
    plan = make_plan(CATALOGUE, answers, choices, TODAY)
    assert make_plan(CATALOGUE, same_answers, same_choices, TODAY) == plan


FIFTEEN_DAYS = range(15)
ACCESS = ("A1", "A2", "A3", "A4", "A5", "A6", "A7")
ASKED = {
    "q5": "F1 F2 F6", "q6": "F3 F4", "q7": "F5", "q8": "C1", "q9": "C2 C3", "q10": "H1", "q11": "T1", "q12": "S1 S5",
}  # fmt: skip


def second_reader(a: Answers, c: Choices) -> tuple[list[str], list[str], set[str]]:
    """The rule read a second time, slowly and on its own: (order, next, known). No pins, nothing being done,
    nothing refused. It shares only the catalogue's rows with the code it checks."""
    steps, goals_of = CATALOGUE.steps, CATALOGUE.goals
    devices, barred = {str(item) for item in a.devices or ()}, {str(item) for item in a.barriers or ()}
    have = {"dev"} if devices & {"smartphone", "tablet", "computer", "shared"} else set()
    have |= {"big"} if devices & {"tablet", "computer"} else set()
    have |= {"net"} if a.connection == "yes" else set()
    have |= set() if "no_id" in barred else {"id"}
    library = a.connection == "library" if c.use_library is None else c.use_library

    own = {step for step, state in c.states.items() if state not in {"not_started", "doing", "not_for_me"}}
    unsure = set()
    for question, skill in a.skills.items():
        if skill in {"alone", "show"}:
            own |= set(ASKED[question].split())
            own |= {"C4"} if question == "q8" and skill == "show" else set()
            own |= {"H2"} if question == "q10" and a.checks_who_wrote_it else set()
            own |= {"T2"} if question == "q11" and a.pays_online else set()
        else:
            unsure |= set(ASKED[question].split())
    own |= {"A6"} if a.helped else set()

    def ancestors(step: str) -> set[str]:
        return {above for before in steps[step].after for above in {before} | ancestors(before)}

    guessed = {above for step in own for above in ancestors(step)} - unsure - {"F5", *ACCESS}
    known = own | {step for step in guessed if steps[step].area != "SAFE"}

    goals = list(a.goals) or ["g01"]
    usual = "for_me" if "not_wanted" in barred else "me"
    mine = [goal for goal in goals if str(c.modes.get(goal, usual)) == "me"]
    targets = list(dict.fromkeys(step for goal in goals for step in goals_of[goal].steps))

    def under(step: str) -> set[str]:
        rest = set(steps[step].after) - known
        return rest.union(*(under(item) for item in rest))

    ordinary = {target for target in targets if any(target in goals_of[goal].steps for goal in mine)}
    needed = {below for target in ordinary - known for below in under(target)}
    light = set(targets) - ordinary - needed

    def rests_on(step: str) -> set[str]:
        needs = set(steps[step].needs) & {"dev", "big", "net", "id"} - have
        enabling = dict.fromkeys(("dev", "big"), "A2" if library else "A1")
        enabling |= {"net": "A2" if library else "A3", "id": "A7"}
        brought = {enabling[need] for need in needs if step not in light or need == "id"}
        return (brought | (set() if step in light else set(steps[step].after))) - known - {step}

    def whole(found: set[str]) -> set[str]:
        more = found.union(*(rests_on(step) for step in found))
        return found if more == found else whole(more)

    chosen = whole(set(targets) - known)
    first = ({"S1"} if "scams" in barred else set()) | ({"A6"} if barred & {"confidence", "alone"} else set())
    answering = set(first)
    # Point 5 names A5 after S1 and A6, which bring no F1.
    if "F1" in chosen and barred & {"seeing", "hearing", "hands", "reading"}:
        answering.add("A5")
    if "none" in devices:
        answering.add("A2" if library else "A1")
    if a.connection in {"sometimes", "no"}:
        answering.add("A2" if library else "A3")
    chosen = whole(chosen | (answering - known))
    answering |= {"A7"} if "no_id" in barred else set()

    def reach(step: str) -> set[str]:
        return {step}.union(*(reach(item) for item in chosen if step in rests_on(item)))

    def is_near(day: date | None) -> bool:
        return day is not None and (day - TODAY).days in FIFTEEN_DAYS

    def key(step: str) -> tuple[Any, ...]:
        led = [target for target in targets if target in reach(step)]
        served = [goal for goal in goals if set(goals_of[goal].steps) & set(led)]
        where = (99, 99)
        if served:
            places = [goals_of[served[0]].steps.index(t) for t in led if t in goals_of[served[0]].steps]
            where = (goals.index(served[0]), min(places))
        row = steps[step]
        near = is_near(c.booked.get(step)) or any(is_near(a.days.get(goal)) for goal in served)
        base = step in ACCESS or row.level == 0
        return (not near, step not in first, not base, where, row.level, -len(led), row.minutes, step)

    keys = {step: key(step) for step in chosen}
    order: list[str] = []
    while len(order) < len(chosen):
        free = [step for step in chosen if step not in order and rests_on(step) <= set(order)]
        order.append(min(free, key=lambda step: keys[step]))

    def area(step: str) -> str:
        return "access" if step in ACCESS else steps[step].area

    ready = [step for step in order if not rests_on(step)]
    following: list[str] = []
    while len(following) < min(3, len(ready)):
        rest = [step for step in ready if step not in following]
        if following:
            used = {area(step) for step in following}
            best = [step for step in rest if step in answering] or [s for s in rest if area(s) not in used]
        else:
            best = [step for step in rest if "confidence" in barred and steps[step].minutes <= 30]
        following.append((best or rest)[0])
    return order, following, known


SECOND_CHOICES = st.builds(
    Choices,
    states=st.dictionaries(
        st.sampled_from(sorted(CATALOGUE.steps)), st.sampled_from(sorted(DONE)), max_size=6
    ),
    modes=st.dictionaries(st.sampled_from(sorted(CATALOGUE.goals)), st.sampled_from(list(Mode)), max_size=6),
    use_library=st.none() | st.booleans(),
    booked=st.dictionaries(
        st.sampled_from(sorted(CATALOGUE.steps)),
        st.dates(TODAY - timedelta(days=3), TODAY + timedelta(days=18)),
        max_size=4,
    ),
)


@settings(max_examples=300, deadline=None)
@given(ANSWERS, SECOND_CHOICES)
def test_two_readers_make_the_same_plan(answers: Answers, choices: Choices) -> None:
    plan = make_plan(CATALOGUE, answers, choices, TODAY)
    assert ([step.id for step in plan.steps], list(plan.next), set(plan.known)) == second_reader(
        answers, choices
    )


def plan_for(answers: Answers, choices: Choices = NOTHING, today: date = TODAY) -> Plan:
    return make_plan(CATALOGUE, answers, choices, today)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def step_of(plan: Plan, step: str) -> PlannedStep:
    return next(item for item in plan.steps if item.id == step)


def catalogue_with(step: str, **changed: Any) -> Catalogue:
    """The catalogue with one step changed, for what today's data cannot show."""
    steps = {**CATALOGUE.steps, step: replace(CATALOGUE.steps[step], **changed)}
    return replace(CATALOGUE, steps=steps, _ancestors={}, _chains={})


ONLINE = Answers(("g03",), devices=PHONE, connection=Connection.YES)


# What is derived from the answers.


@pytest.mark.parametrize(
    ("devices", "connection", "have"),
    [
        (None, None, {"id"}),
        ({Device.NONE}, Connection.NO, {"id"}),
        ({Device.SMARTPHONE}, Connection.SOMETIMES, {"dev", "id"}),
        ({Device.SHARED}, Connection.LIBRARY, {"dev", "id"}),
        ({Device.TABLET}, None, {"dev", "big", "id"}),
        ({Device.COMPUTER}, Connection.YES, {"dev", "big", "net", "id"}),
    ],
)
def test_what_they_have(devices: set[Device] | None, connection: Connection | None, have: set[str]) -> None:
    answers = Answers(devices=None if devices is None else frozenset(devices), connection=connection)
    assert what_they_have(answers) == have


def test_no_id_means_that_id_is_not_there() -> None:
    assert "id" not in what_they_have(Answers(barriers=barriers(Barrier.NO_ID)))


@pytest.mark.parametrize(
    ("connection", "runs_out"),
    [(None, False), *((item, item in {Connection.SOMETIMES, Connection.NO}) for item in Connection)],
)
def test_data_runs_out_is_named_by_sometimes_or_no(connection: Connection | None, runs_out: bool) -> None:
    assert ("data_runs_out" in named_barriers(Answers(connection=connection))) is runs_out


def test_no_device_is_named_by_none_of_these() -> None:
    assert "no_device" in named_barriers(Answers(devices=frozenset({Device.NONE})))
    assert "no_device" not in named_barriers(Answers(devices=None))


@pytest.mark.parametrize(
    ("answers", "own_of_it"),
    [
        (Answers(skills={"q5": Skill.ALONE}), {"F1", "F2", "F6"}),
        (Answers(skills={"q5": Skill.WITH_HELP, "q6": Skill.NOT_YET, "q7": Skill.SKIPPED}), set()),
        (Answers(skills={"q8": Skill.ALONE}), {"C1"}),
        (Answers(skills={"q8": Skill.SHOW}), {"C1", "C4"}),
        (Answers(skills={"q10": Skill.ALONE}), {"H1"}),
        (Answers(skills={"q10": Skill.ALONE}, checks_who_wrote_it=True), {"H1", "H2"}),
        (Answers(skills={"q10": Skill.WITH_HELP}, checks_who_wrote_it=True), set()),
        (Answers(skills={"q11": Skill.SHOW}, pays_online=True), {"T1", "T2"}),
        (Answers(pays_online=True), set()),
        (Answers(helped=True), {"A6"}),
    ],
)
def test_own_steps_of_the_answers(answers: Answers, own_of_it: set[str]) -> None:
    assert own_steps(answers, NOTHING) == own_of_it


@pytest.mark.parametrize("state", list(StepState))
def test_a_step_is_own_once_it_is_done_in_any_way(state: StepState) -> None:
    assert ("H1" in own_steps(Answers(), Choices(states={"H1": state}))) is (state in DONE)


def test_do_not_want_gives_way_to_a_mode_chosen_later() -> None:
    answers = Answers(
        ("g02",), devices=PHONE, connection=Connection.YES, barriers=barriers(Barrier.NOT_WANTED)
    )
    assert len(plan_for(answers, Choices(modes={"g02": Mode.ME})).steps) > 1


# Points 1 and 2.


def test_a_step_the_catalogue_lost_is_skipped_with_a_warning() -> None:
    steps = {key: row for key, row in CATALOGUE.steps.items() if key not in {"F3", "M3"}}
    lost = replace(CATALOGUE, steps=steps, _ancestors={}, _chains={})
    plan = make_plan(lost, ONLINE, Choices(states={"M3": StepState.DOING}, pins=("Z1",)), TODAY)
    assert "C3" in ids(plan)
    assert set(plan.warnings) == {"unknown step F3", "unknown step M3", "unknown step Z1"}


def test_no_goal_or_not_sure_gives_the_first_goal() -> None:
    assert ids(plan_for(Answers())) == ids(plan_for(Answers(("g01",))))


def test_a_target_of_two_goals_stands_once_and_serves_both() -> None:
    plan = plan_for(Answers(("g01", "g09"), devices=PHONE, connection=Connection.YES))
    assert ids(plan).count("S1") == 1
    assert step_of(plan, "S1").serves == ("g01", "g09")


def test_a_light_target_keeps_only_its_id_need() -> None:
    plan = plan_for(
        Answers(("g07",), devices=frozenset({Device.NONE}), barriers=barriers(Barrier.NO_ID)),
        Choices(modes={"g07": Mode.TOGETHER}),
    )
    assert step_of(plan, "T3").light
    assert step_of(plan, "T3").after == ("A7",)
    assert step_of(plan, "T2").after == ()


def test_a_light_target_has_no_links_even_when_its_prerequisite_is_chosen_for_another_goal() -> None:
    plan = plan_for(
        Answers(("g01", "g10"), devices=PHONE, connection=Connection.YES),
        Choices(modes={"g10": Mode.TOGETHER}),
    )
    assert "F6" in ids(plan)
    assert step_of(plan, "C2").after == ()


def test_a_target_that_an_ordinary_target_rests_on_is_ordinary() -> None:
    plan = plan_for(
        Answers(("g10", "g03"), devices=PHONE, connection=Connection.YES),
        Choices(modes={"g10": Mode.TOGETHER}),
    )
    assert not step_of(plan, "C2").light
    assert step_of(plan, "C2").after == ("F3", "F6")
    assert step_of(plan, "N1").light


def test_it_stays_light_when_the_ordinary_target_is_known() -> None:
    plan = plan_for(
        Answers(("g10", "g03"), devices=PHONE, connection=Connection.YES, skills={"q9": Skill.NOT_YET}),
        Choices(modes={"g10": Mode.TOGETHER}, states={"C3": StepState.DONE_ALONE}),
    )
    assert "C3" in plan.known
    assert "C2" not in plan.known
    assert step_of(plan, "C2").light


def test_a_target_that_one_goal_wants_done_by_me_is_ordinary() -> None:
    answers = Answers(("g09", "g02"), devices=PHONE, connection=Connection.YES)
    together = Choices(modes={"g09": Mode.TOGETHER})
    assert step_of(plan_for(answers, together), "S5").light
    both = plan_for(answers, replace(together, extras=(("g02", "S5"),)))
    assert not step_of(both, "S5").light
    assert step_of(both, "S5").mode is Mode.ME


# Points 3, 4 and 5.


def test_an_access_step_is_never_inferred_even_where_a_skill_rests_on_it() -> None:
    catalogue = catalogue_with("F1", after=("A2",))
    plan = make_plan(catalogue, ONLINE, own("C2"), TODAY)
    assert "F1" in plan.known
    assert "A2" not in plan.known


def test_a_step_never_enables_itself() -> None:
    catalogue = catalogue_with("A2", needs=("place", "net"))
    plan = make_plan(catalogue, Answers(("g01",), connection=Connection.LIBRARY), NOTHING, TODAY)
    assert step_of(plan, "A2").after == ()


@pytest.mark.parametrize(
    ("answers", "step", "enabling"),
    [
        (Answers(("g03",), devices=frozenset(), connection=Connection.YES), "F1", "A1"),
        (Answers(("g04",), devices=PHONE, connection=Connection.YES), "W2", "A1"),
        (Answers(("g03",), devices=PHONE, connection=None), "F3", "A3"),
        (Answers(("g03",), devices=PHONE, connection=Connection.LIBRARY), "F3", "A2"),
        (Answers(("g04",), devices=PHONE, connection=Connection.LIBRARY), "W2", "A2"),
        (replace(ONLINE, goals=("g05",), barriers=barriers(Barrier.NO_ID)), "U1", "A7"),
    ],
)
def test_a_need_not_met_brings_its_enabling_step(answers: Answers, step: str, enabling: str) -> None:
    assert enabling in step_of(plan_for(answers), step).after


def test_switching_to_the_library_takes_the_place_of_device_and_data() -> None:
    plan = plan_for(Answers(("g03",), devices=frozenset({Device.NONE})), Choices(use_library=True))
    assert "A2" in ids(plan)
    assert not {"A1", "A3"} & set(ids(plan))


def test_the_library_can_be_switched_off_again() -> None:
    answers = Answers(("g03",), devices=frozenset({Device.NONE}), connection=Connection.LIBRARY)
    assert "A2" in ids(plan_for(answers))
    plan = plan_for(answers, Choices(use_library=False))
    assert {"A1", "A3"} <= set(ids(plan))
    assert "A2" not in ids(plan)


def barrier_reasons(plan: Plan, step: str) -> list[str | None]:
    return [reason.barrier for reason in step_of(plan, step).reasons if reason.kind is ReasonKind.ANSWERS]


@pytest.mark.parametrize(
    ("answers", "step", "marks"),
    [
        (replace(ONLINE, barriers=barriers(Barrier.SCAMS)), "S1", ["scams"]),
        (replace(ONLINE, barriers=barriers(Barrier.CONFIDENCE)), "A6", ["confidence"]),
        (
            replace(ONLINE, barriers=barriers(Barrier.ALONE, Barrier.CONFIDENCE)),
            "A6",
            ["alone", "confidence"],
        ),
        (replace(ONLINE, barriers=barriers(Barrier.SEEING)), "A5", ["seeing"]),
        (replace(ONLINE, barriers=barriers(Barrier.HEARING)), "A5", ["hearing"]),
        (replace(ONLINE, barriers=barriers(Barrier.HANDS)), "A5", ["hands"]),
        (replace(ONLINE, barriers=barriers(Barrier.READING)), "A5", ["reading"]),
        (replace(ONLINE, devices=frozenset({Device.NONE})), "A1", ["no_device"]),
        (replace(ONLINE, connection=Connection.SOMETIMES), "A3", ["data_runs_out"]),
        (replace(ONLINE, goals=("g05",), barriers=barriers(Barrier.NO_ID)), "A7", ["no_id"]),
    ],
)
def test_a_named_barrier_brings_a_step_that_says_so(answers: Answers, step: str, marks: list[str]) -> None:
    assert barrier_reasons(plan_for(answers), step) == marks


@pytest.mark.parametrize("barrier", [Barrier.ENGLISH, Barrier.REMEMBERING, Barrier.TIME])
def test_a_barrier_that_only_filters_offers_changes_no_step(barrier: Barrier) -> None:
    assert plan_for(replace(ONLINE, barriers=barriers(barrier))) == plan_for(ONLINE)


def test_a_barrier_never_adds_a_step_already_known() -> None:
    answers = replace(ONLINE, barriers=barriers(Barrier.SCAMS, Barrier.CONFIDENCE), helped=True)
    plan = plan_for(answers, own("S1"))
    assert not {"S1", "A6"} & set(ids(plan))


def test_no_id_adds_nothing_where_no_step_asks_for_it() -> None:
    assert ids(plan_for(replace(ONLINE, barriers=barriers(Barrier.NO_ID)))) == ids(plan_for(ONLINE))


def test_help_with_the_screen_is_offered_when_the_first_step_is_not_in_the_plan() -> None:
    answers = Answers(("g12",), barriers=barriers(Barrier.SEEING))
    plan = plan_for(answers)
    assert plan.offered == ("A5",)
    assert "A5" not in ids(plan)


def test_a_pinned_first_step_is_chosen_so_help_with_the_screen_is_added() -> None:
    answers = Answers(("g12",), devices=PHONE, barriers=barriers(Barrier.SEEING))
    plan = plan_for(answers, Choices(pins=("F1",)))
    assert "A5" in ids(plan)
    assert plan.offered == ()


def test_what_is_done_or_in_the_plan_is_not_offered_as_well() -> None:
    answers = Answers(("g08",), barriers=barriers(Barrier.MONEY))
    assert plan_for(answers).offered == ("A4",)
    assert plan_for(answers, own("A4")).offered == ()
    assert plan_for(answers, Choices(states={"A4": StepState.NOT_FOR_ME})).offered == ()


# Point 6, one part of the key after another.


def test_put_first_beats_level_and_goal_rank() -> None:
    assert ids(plan_for(replace(ONLINE, barriers=barriers(Barrier.SCAMS))))[0] == "S1"


def test_a_day_that_is_near_beats_put_first() -> None:
    answers = replace(ONLINE, days={"g03": TODAY}, barriers=barriers(Barrier.SCAMS))
    assert ids(plan_for(answers))[-1] == "S1"


@pytest.mark.parametrize(("days", "is_first"), [(-1, False), (0, True), (14, True), (15, False)])
def test_a_booked_date_within_two_weeks_comes_first(days: int, is_first: bool) -> None:
    answers = Answers(("g12", "g09"), devices=PHONE, connection=Connection.YES)
    plan = plan_for(answers, Choices(booked={"S1": TODAY + timedelta(days=days)}))
    assert (ids(plan)[0] == "S1") is is_first


def test_goals_come_in_the_order_the_person_chose() -> None:
    one = ids(plan_for(Answers(("g09", "g14"), devices=PHONE, connection=Connection.YES)))
    two = ids(plan_for(Answers(("g14", "g09"), devices=PHONE, connection=Connection.YES)))
    assert one.index("S5") < one.index("P2")
    assert two.index("P2") < two.index("S5")


def test_a_step_that_serves_no_goal_ranks_after_all_others_of_its_kind() -> None:
    plan = plan_for(replace(ONLINE, barriers=barriers(Barrier.SEEING)))
    assert step_of(plan, "A5").serves == ()
    access_first = plan_for(
        Answers(("g10", "g12"), barriers=barriers(Barrier.SEEING), connection=Connection.NO)
    )
    assert ids(access_first).index("A6") < ids(access_first).index("M1")
    assert ids(plan).index("A5") > ids(plan).index("F1")


# Point 7.


def test_a_step_whose_prerequisite_is_being_done_is_not_ready() -> None:
    plan = plan_for(ONLINE, Choices(states={"F1": StepState.DOING}))
    assert plan.doing == ("F1",)
    assert not step_of(plan, "F2").ready


def test_not_for_me_counts_as_satisfied_when_dependants_are_kept() -> None:
    plan = plan_for(ONLINE, Choices(states={"F1": StepState.NOT_FOR_ME}))
    assert "F1" in plan.not_for_me
    assert step_of(plan, "F2").ready


# Point 8, on a list of ready steps.


def following(ready: str, pins: str = "", **more: Any) -> str:
    settled: dict[str, Any] = {"marked": frozenset(), "unsure": False, **more}
    return " ".join(next_steps(ready.split(), pins.split(), catalogue=CATALOGUE, **settled))


def test_the_first_slot_takes_the_first_ready_step() -> None:
    assert following("F2 S1 A6").startswith("F2")


def test_when_not_confident_the_first_slot_takes_a_short_step() -> None:
    assert following("F2 F5 F3 S1", unsure=True).startswith("F3")


def test_when_not_confident_and_no_step_is_short_the_first_ready_is_taken() -> None:
    assert following("F2 F5", unsure=True).startswith("F2")


def test_the_other_slots_take_what_answers_a_barrier_before_another_area() -> None:
    assert following("F2 S1 C1 F3", marked=frozenset({"F3"})) == "F2 F3 S1"


def test_the_first_slot_does_not_look_for_barriers() -> None:
    assert following("F2 S1", marked=frozenset({"S1"})) == "F2 S1"


def test_the_other_slots_take_another_area_before_the_next_ready() -> None:
    assert following("F2 F3 F5 S1") == "F2 S1 F3"


def test_access_steps_are_an_area_of_their_own() -> None:
    assert following("F2 F3 A1 A3 S1") == "F2 A1 S1"


def test_pins_fill_first_and_the_slot_after_them_is_the_first_slot() -> None:
    assert following("F2 F3 S1", pins="U2", unsure=True) == "U2 F3 S1"


def test_no_more_than_three_pins_count_the_oldest_first() -> None:
    assert following("F2", pins="U2 T7 C3 H1") == "U2 T7 C3"


def test_a_pinned_step_is_not_shown_twice() -> None:
    assert following("F2 S1", pins="S1") == "S1 F2"


@pytest.mark.parametrize(
    ("minutes", "shown"), [(1, "F2"), (60, "F2"), (89, "F2"), (90, "F2 S1"), (120, "F2 S1 F3")]
)
def test_free_minutes_show_fewer_once_the_sum_passes_them_but_always_one(minutes: int, shown: str) -> None:
    assert following("F2 F3 S1", free_minutes=minutes) == shown


def test_refusing_all_is_not_praised_as_done() -> None:
    refused = Choices(states={"M1": StepState.NOT_FOR_ME, "M2": StepState.NOT_FOR_ME})
    plan = plan_for(Answers(("g12",)), refused)
    assert plan.nothing_next == Reason(ReasonKind.SET_ASIDE)


def test_someone_who_can_help_others_already_is_not_offered_that_again() -> None:
    assert plan_for(Answers(("g12",)), own("M1", "M2", "V1")).offered == ()


# Points 9 and 10.


def test_a_step_can_be_done_before_what_comes_before_it() -> None:
    plan = plan_for(ONLINE, Choices(states={"C3": StepState.DOING}))
    assert plan.doing == ("C3",)
    assert "F1" in plan.next


def test_a_step_done_outside_the_plan_is_shown_with_nothing_before_it() -> None:
    plan = plan_for(Answers(("g12",)), Choices(states={"H4": StepState.DOING}))
    assert plan.doing == ("H4",)
    assert set(ids(plan)) == {"M1", "M2", "H4"}


def test_nothing_is_dropped_through_a_refused_step_whose_dependants_were_kept() -> None:
    plan = plan_for(
        ONLINE,
        Choices(
            states={"F2": StepState.NOT_FOR_ME, "F6": StepState.NOT_FOR_ME}, drop_dependants=frozenset({"F2"})
        ),
    )
    assert "C3" in ids(plan)


def test_dropping_takes_what_leans_on_the_step_at_any_depth() -> None:
    plan = plan_for(ONLINE, Choices(states={"F2": StepState.NOT_FOR_ME}, drop_dependants=frozenset({"F2"})))
    assert not {"F2", "F6", "C2", "C3"} & set(ids(plan))


def test_a_dropped_step_comes_back_when_the_person_takes_the_step_up_again() -> None:
    plan = plan_for(ONLINE, Choices(states={"F2": StepState.NOT_STARTED}, drop_dependants=frozenset({"F2"})))
    assert "C3" in ids(plan)


def test_extras_stand_under_their_goal_until_they_are_in_the_plan() -> None:
    answers = Answers(("g02", "g13"), devices=PHONE, connection=Connection.YES)
    assert plan_for(answers).extras == {"g02": ("H4",), "g13": ("P1",)}
    assert plan_for(answers, Choices(extras=(("g02", "H4"),))).extras["g02"] == ()


def test_an_extra_that_was_refused_is_not_held_out_again() -> None:
    plan = plan_for(Answers(("g12",)), Choices(states={"M3": StepState.NOT_FOR_ME}))
    assert plan.extras == {"g12": ("D3",)}


# Point 13.


def test_each_step_says_which_goal_or_step_it_is_for() -> None:
    plan = plan_for(ONLINE)
    assert step_of(plan, "C3").reasons == (Reason(ReasonKind.FOR_GOAL, goal="g03"),)
    assert step_of(plan, "C2").reasons == (
        Reason(ReasonKind.FOR_STEP, step="C3"),
        Reason(ReasonKind.FOR_GOAL, goal="g03"),
    )


def test_a_step_that_several_rest_on_names_the_first_of_them_and_the_first_goal() -> None:
    plan = plan_for(Answers(("g02", "g03"), devices=PHONE, connection=Connection.YES))
    rest_on_it = [step.id for step in plan.steps if "F2" in step.after]
    assert len(rest_on_it) > 1
    assert step_of(plan, "F2").serves == ("g02", "g03")
    assert step_of(plan, "F2").reasons == (
        Reason(ReasonKind.FOR_STEP, step=rest_on_it[0]),
        Reason(ReasonKind.FOR_GOAL, goal="g02"),
    )


def test_every_kind_of_reason_and_every_barrier_that_brings_a_step_has_words() -> None:
    assert set(REASON_WORDS) == set(ReasonKind)
    named = Answers(
        ("g05",),
        devices=frozenset({Device.NONE}),
        connection=Connection.NO,
        barriers=frozenset(Barrier) - {Barrier.NOT_WANTED},
    )
    said = {reason.barrier for step in plan_for(named).steps for reason in step.reasons} - {None}
    assert said <= set(BARRIER_WORDS)
    assert {"no_device", "data_runs_out", "no_id", "seeing"} <= said


def test_the_lifecycle_of_a_step_knows_every_state_and_refuses_others() -> None:
    assert set(STEP_LIFECYCLE.moves) == {state.value for state in StepState}
    for before in StepState:
        for after in StepState:
            assert STEP_LIFECYCLE.allows(before, after) is (before is not after)
    with pytest.raises(ForbiddenMove, match="step: doing → lost"):
        STEP_LIFECYCLE.check("doing", "lost")
    assert not STEP_LIFECYCLE.allows("lost", "doing")


def test_knowing_a_step_means_knowing_what_comes_before_but_never_safety_access_or_passwords() -> None:
    plan = plan_for(Answers(("g07",), devices=PHONE, connection=Connection.YES), own("T2"))
    assert {"C1", "F4", "F1"} <= plan.known
    assert not {"S1", "S2", "F5"} & plan.known


def test_a_skipped_question_is_not_inferred_but_one_not_asked_is() -> None:
    asked = Answers(("g04",), devices=PHONE, connection=Connection.YES, skills={"q8": Skill.SKIPPED})
    assert "C1" not in plan_for(asked, own("T1")).known
    assert "C1" in plan_for(replace(asked, skills={}), own("T1")).known


def test_with_help_stays_in_as_practice() -> None:
    plan = plan_for(
        Answers(("g03",), devices=PHONE, connection=Connection.YES, skills={"q5": Skill.WITH_HELP})
    )
    assert next(step for step in plan.steps if step.id == "F1").practice


def test_library_takes_the_place_of_device_and_data() -> None:
    plan = plan_for(Answers(("g01",), connection=Connection.LIBRARY))
    assert "A2" in ids(plan)
    assert not {"A1", "A3"} & set(ids(plan))


def test_a_day_within_two_weeks_comes_first_and_a_day_gone_by_does_not() -> None:
    answers = Answers(("g03", "g05"), devices=PHONE, connection=Connection.YES)
    near = plan_for(replace(answers, days={"g05": TODAY + timedelta(days=14)}))
    far = plan_for(replace(answers, days={"g05": TODAY + timedelta(days=15)}))
    gone = plan_for(replace(answers, days={"g05": TODAY - timedelta(days=1)}))
    assert ids(near).index("U2") < ids(near).index("C3")
    assert ids(far) == ids(gone) == ids(plan_for(answers))


def test_what_a_person_is_doing_is_not_known_even_when_a_helper_answered() -> None:
    plan = plan_for(Answers(("g10",), devices=PHONE, helped=True), Choices(states={"A6": StepState.DOING}))
    assert plan.doing == ("A6",)
    assert "A6" not in plan.known


def test_pins_win_ready_or_not_oldest_first() -> None:
    answers = Answers(("g02",), devices=PHONE, connection=Connection.YES)
    assert plan_for(answers, Choices(pins=("T7", "C1"))).next[:2] == ("T7", "C1")


def test_doing_is_never_next() -> None:
    plan = plan_for(Answers(("g02",), devices=PHONE), Choices(states={"A3": StepState.DOING}, pins=("A3",)))
    assert plan.doing == ("A3",)
    assert "A3" not in plan.next


def test_when_all_that_is_ready_is_being_done_the_plan_says_what_is_in_the_way() -> None:
    plan = plan_for(Answers(("g12",)), Choices(states={"M1": StepState.DOING}))
    assert plan.next == ()
    assert plan.nothing_next is not None
    assert (plan.nothing_next.kind, plan.nothing_next.step) == (ReasonKind.WAITING_DOING, "M1")


def test_nothing_left_offers_the_next_thing_to_give() -> None:
    plan = plan_for(Answers(("g12",)), own("M1", "M2"))
    assert plan.nothing_next is not None
    assert plan.nothing_next.kind is ReasonKind.ALL_DONE
    assert "V1" in plan.offered


def test_not_for_me_keeps_or_drops_what_leans_on_it() -> None:
    answers = Answers(("g12",))
    kept = plan_for(answers, Choices(states={"M1": StepState.NOT_FOR_ME}))
    dropped = plan_for(
        answers, Choices(states={"M1": StepState.NOT_FOR_ME}, drop_dependants=frozenset({"M1"}))
    )
    assert ids(kept) == ["M2"]
    assert kept.next == ("M2",)
    assert ids(dropped) == []


def test_extras_are_never_chosen_until_tapped() -> None:
    answers = Answers(("g12",))
    assert "M3" not in ids(plan_for(answers))
    tapped = plan_for(answers, Choices(extras=(("g12", "M3"),)))
    assert "M3" in ids(tapped)
    reasons = next(step for step in tapped.steps if step.id == "M3").reasons
    assert reasons[0].kind is ReasonKind.CHOSEN


def test_money_offers_cheaper_internet_and_help_with_bills() -> None:
    plan = plan_for(Answers(("g03",), barriers=barriers(Barrier.MONEY)))
    assert plan.offered == ("A4", "E1")


def test_an_unknown_goal_or_step_is_skipped_with_a_warning() -> None:
    plan = plan_for(Answers(("g99", "g12")), Choices(extras=(("g12", "Z9"),)))
    assert ids(plan) == ["M1", "M2"]
    assert len(plan.warnings) == 2


def test_private_steps_are_marked() -> None:
    plan = plan_for(Answers(("g05",), devices=PHONE, connection=Connection.YES))
    assert {step.id for step in plan.steps if step.private} == {"U1", "U2"}


def test_group_next_is_what_most_are_ready_for_from_three_members_up() -> None:
    ready = [frozenset({"F1", "S1"}), frozenset({"S1", "A6"}), frozenset({"A6", "S1"})]
    assert group_next(CATALOGUE, ready) == "S1"
    assert group_next(CATALOGUE, ready[:2]) is None
    assert group_next(CATALOGUE, [frozenset({"S1", "A6"})] * 3) == "A6"
    assert group_next(CATALOGUE, [frozenset()] * 3) is None


def test_a_group_is_not_stopped_by_a_step_the_catalogue_lost() -> None:
    assert group_next(CATALOGUE, [frozenset({"Z1", "S1"})] * 3) == "S1"


def test_a_tie_in_a_group_goes_by_level_then_id() -> None:
    assert group_next(CATALOGUE, [frozenset({"S1", "H1"})] * 3) == "S1"
    assert group_next(CATALOGUE, [frozenset({"F2", "F1"})] * 3) == "F1"


SOON = TODAY + timedelta(days=3)


@pytest.mark.parametrize(
    "unfit",
    [
        Offer("x", "A6", metres=1, fits_access=False),
        Offer("x", "A6", metres=1, fits_age=False),
        Offer("x", "A6", metres=1, free=False),
        Offer("x", "A6", metres=1, until=TODAY),
        Offer("x", "A6", session_on=TODAY - timedelta(days=1)),
    ],
)
def test_an_offer_that_fails_access_age_cost_or_date_is_dropped(unfit: Offer) -> None:
    assert best_offers([unfit, Offer("fits", "A6")], today=TODAY) == (Offer("fits", "A6"),)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (Offer("z", "A6", session_on=SOON), Offer("a", "A6", used_before=True)),
        (Offer("z", "A6", session_on=TODAY + timedelta(days=14)), Offer("a", "A6", in_language=True)),
        (Offer("z", "A6", used_before=True), Offer("a", "A6", session_on=TODAY + timedelta(days=15))),
        (Offer("z", "A6", used_before=True), Offer("a", "A6", in_language=True)),
        (Offer("z", "A6", in_language=True), Offer("a", "A6", metres=1)),
        (Offer("z", "A6", session_on=SOON), Offer("a", "A6", session_on=SOON + timedelta(days=1), metres=1)),
        (Offer("z", "A6", metres=1), Offer("a", "A6", metres=2)),
        (Offer("z", "A6", metres=2), Offer("a", "A6")),
        (Offer("a", "A6"), Offer("z", "A6")),
        (Offer("z", "A6", metres=1, until=TODAY + timedelta(days=1)), Offer("a", "A6", metres=2)),
    ],
)
def test_offers_rank_by_session_used_language_soonest_nearest_id(better: Offer, worse: Offer) -> None:
    assert best_offers([worse, better], today=TODAY) == (better, worse)


def test_no_more_than_two_offers_stand_by_a_step() -> None:
    offers = [Offer(name, "A6") for name in "abc"]
    assert [offer.id for offer in best_offers(offers, today=TODAY)] == ["a", "b"]
    assert best_offers([], today=TODAY) == ()


def test_no_access_step_but_a5_rests_on_a_skill() -> None:
    for step in ACCESS_STEPS - {"A5"}:
        assert set(CATALOGUE.steps[step].after) <= ACCESS_STEPS
