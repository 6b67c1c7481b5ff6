"""Which kinds of place stand by which step."""

from __future__ import annotations

import pytest

from inclusion_app.places.rules import (
    KINDS,
    NEEDS_NO_PLACE,
    STEP_KINDS,
    kind_groups_for_step,
    kinds_for_step,
)


def test_nobody_is_sent_to_a_shared_computer_to_pay_or_bank() -> None:
    assert kinds_for_step("T2") == kinds_for_step("T3") == ()


@pytest.mark.parametrize("step", ["A4", "A7", "E1"])
def test_advice_by_phone_needs_no_place(step: str) -> None:
    assert kinds_for_step(step) == ()


@pytest.mark.parametrize("step", ["U1", "U2", "W1", "W3"])
def test_work_and_benefits_go_to_the_jobcentre_first_then_the_library(step: str) -> None:
    assert kinds_for_step(step) == ("jobcentre", "library")


@pytest.mark.parametrize("step", ["F2", "F4", "F6", "C2", "H1", "H2", "P1"])
def test_what_is_learnt_in_a_class_goes_to_the_nearest_of_three_kinds(step: str) -> None:
    (group,) = kind_groups_for_step(step)
    assert set(group) == {"online_centre", "adult_learning", "library"}


@pytest.mark.parametrize("step", ["K1", "S6", "D3"])
def test_children_have_clubs_and_youth_zones(step: str) -> None:
    assert {"code_club", "youth_zone"} <= set(kinds_for_step(step))


def test_a_grown_up_who_tries_coding_is_sent_to_the_centre_for_adults_first() -> None:
    assert kinds_for_step("D3")[0] == "adult_learning"


def test_every_kind_serves_a_step_and_exists() -> None:
    used = {kind for groups in STEP_KINDS.values() for group in groups for kind in group}
    assert used == set(KINDS)
    assert not set(STEP_KINDS) & NEEDS_NO_PLACE
