"""What a group sees of its members' plans, as a pure rule."""

from __future__ import annotations

import pytest

from inclusion_app.groups import rules
from inclusion_app.groups.rules import PaperList
from inclusion_app.roadmaps.catalogue import load_catalogue

CATALOGUE = load_catalogue()
PRIVATE = [step.id for step in CATALOGUE.steps.values() if step.private]


def ready(*members: str) -> list[frozenset[str]]:
    return [frozenset(member.split()) for member in members]


@pytest.mark.parametrize(
    ("members", "paper", "following"),
    [
        (["F1", "F1"], PaperList(), None),
        (["F1 S1", "F1", "S1"], PaperList(), "F1"),
        (["F1", "S1", "A6 S1"], PaperList(), "S1"),
        (["H1", "C2", "A2"], PaperList(), "A2"),  # one each: the lower level
        (["H1", "C2", "H2"], PaperList(), "C2"),  # and then by id
        (["F1", "F1"], PaperList(1), None),  # somebody may have typed in a third who does not exist
        (["S1", "S1"], PaperList(3, {"F1": 1}), "F1"),  # three on paper, and nothing of the two plans
        (["F1", "F1 S1", ""], PaperList(2, {"S1": 2}), "S1"),
        ([], PaperList(3, {"S1": 2, "F1": 3}), "F1"),
        (["", "", ""], PaperList(), None),
        (["Z9", "Z9", "Z9"], PaperList(), None),
    ],
)
def test_the_next_step_is_what_most_are_ready_for(
    members: list[str], paper: PaperList, following: str | None
) -> None:
    assert rules.next_step(CATALOGUE, ready(*members), paper) == following


def test_a_private_step_is_never_the_next_one_however_many_are_ready_for_it() -> None:
    assert {"A7", "T6", "T7", "U1", "U2", "E1"} <= set(PRIVATE)
    for step in PRIVATE:
        assert rules.next_step(CATALOGUE, ready(step, step, step), PaperList(3, {step: 3})) is None
        assert rules.next_step(CATALOGUE, ready(step, step, f"{step} F1"), PaperList()) == "F1"


def test_what_was_done_together_is_passed_over_though_some_are_still_ready_for_it() -> None:
    members = ready("F1 S1", "F1 S1", "F1")
    assert rules.next_step(CATALOGUE, members, PaperList(), ("F1",)) == "S1"
    assert rules.next_step(CATALOGUE, members, PaperList(), ("F1", "S1")) is None


def test_the_line_shows_the_last_done_and_what_three_people_have_ahead_in_order() -> None:
    plans = ready("F1 F2 F3 F4 H1", "F1 F2 F3 F4 C2", "F1 F2 F3 F4 C2")
    line = rules.line(
        CATALOGUE, ready("F1", "F1", "F1"), plans, PaperList(1, {"F1": 1, "C2": 1}), ("A2", "A6", "S1", "S5")
    )
    assert line == rules.Line(("A6", "S1", "S5"), "F1", ("F2", "F3", "F4"))


def test_the_line_holds_no_private_step_and_no_more_than_eight_to_come() -> None:
    everything = [frozenset(CATALOGUE.steps)] * 3
    line = rules.line(CATALOGUE, everything, everything, PaperList())
    assert len(line.later) == rules.LATER_SHOWN
    assert not {line.following, *line.later} & set(PRIVATE)


def test_below_three_people_the_line_holds_only_what_the_group_said_itself() -> None:
    plans = ready("F1 F2", "F1 F2")
    assert rules.line(CATALOGUE, plans, plans, PaperList(), ("A2",)) == rules.Line(("A2",), None, ())


def test_each_step_of_the_line_comes_after_those_below_it() -> None:
    everything = [frozenset(step for step in CATALOGUE.steps)] * 3
    later = rules.line(CATALOGUE, [], everything, PaperList()).later
    for number, step in enumerate(later):
        assert not CATALOGUE.ancestors(step) & set(later[number:])


def test_the_paper_list_asks_for_everyday_steps_only() -> None:
    listed = rules.listed_steps(CATALOGUE)
    assert 20 <= len(listed) <= 24
    assert len(set(listed)) == len(listed)
    assert not set(listed) & set(PRIVATE)
    assert all(CATALOGUE.steps[step].level <= 2 for step in listed)
    assert {"A1", "A2", "A3", "F1", "S1", "C1", "C2"} <= set(listed)


def test_sums_of_ticks_count_each_once() -> None:
    wishes = PaperList(3, {"F1": 3, "S1": 1}).wishes()
    assert sum("F1" in wish for wish in wishes) == 3
    assert sum("S1" in wish for wish in wishes) == 1
