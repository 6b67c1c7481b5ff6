"""The plan rule: the worked examples to the letter, and what must hold for any answers at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.rules import (
    ACCESS_STEPS,
    Answers,
    Barrier,
    Choices,
    Connection,
    Device,
    Mode,
    Offer,
    Plan,
    ReasonKind,
    Skill,
    StepState,
    best_offers,
    group_next,
    make_plan,
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
    use_library=st.booleans(),
)


def check_promises(plan: Plan) -> None:
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
    assert len(plan.next) == min(3, len(plan.ready))
    assert set(plan.next) <= plan.ready
    assert plan.next or plan.nothing_next is not None
    if not plan.steps:
        assert plan.nothing_next is not None
        assert plan.nothing_next.kind is ReasonKind.ALL_DONE


@settings(max_examples=400, deadline=None)
@given(ANSWERS, CHOICES)
def test_promises_hold_for_any_answers(answers: Answers, choices: Choices) -> None:
    check_promises(make_plan(CATALOGUE, answers, choices, TODAY))


@settings(max_examples=150, deadline=None)
@given(ANSWERS, CHOICES, st.randoms())
def test_same_input_same_plan_whatever_the_order_of_sets(
    answers: Answers, choices: Choices, shuffle: object
) -> None:
    states = list(choices.states.items())
    shuffle.shuffle(states)  # type: ignore[attr-defined]
    again = replace(choices, states=dict(states))
    turned = replace(answers, skills=dict(reversed(answers.skills.items())))
    assert make_plan(CATALOGUE, answers, choices, TODAY) == make_plan(CATALOGUE, turned, again, TODAY)


def plan_for(answers: Answers, choices: Choices = NOTHING, today: date = TODAY) -> Plan:
    return make_plan(CATALOGUE, answers, choices, today)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


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


def test_free_minutes_show_fewer_but_always_one() -> None:
    answers = Answers(("g02", "g03"), devices=PHONE)
    full = plan_for(answers, Choices(states={"A3": StepState.DONE_ALONE}))
    short = plan_for(answers, Choices(states={"A3": StepState.DONE_ALONE}, free_minutes=5))
    assert len(full.next) >= 1
    assert len(short.next) == 1


def test_extras_are_never_chosen_until_tapped() -> None:
    answers = Answers(("g12",))
    assert "P2" not in ids(plan_for(answers))
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


def test_offers_drop_what_does_not_fit_and_rank_the_rest() -> None:
    offers = [
        Offer("far", "A6", metres=900),
        Offer("near", "A6", metres=100),
        Offer("stairs", "A6", metres=1, fits_access=False),
        Offer("old", "A6", metres=2, until=TODAY - timedelta(days=1)),
        Offer("soon", "A6", metres=5_000, session_on=TODAY + timedelta(days=3)),
        Offer("known", "A6", metres=4_000, used_before=True),
    ]
    assert [offer.id for offer in best_offers(offers, today=TODAY)] == ["soon", "known"]
    assert [offer.id for offer in best_offers(offers[:4], today=TODAY)] == ["near", "far"]


def test_no_access_step_but_a5_rests_on_a_skill() -> None:
    for step in ACCESS_STEPS - {"A5"}:
        assert set(CATALOGUE.steps[step].after) <= ACCESS_STEPS
