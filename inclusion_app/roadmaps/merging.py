"""Two plans become one: what both say of a person's answers, choices and steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inclusion_app.roadmaps.journeys import QUESTIONS
from inclusion_app.roadmaps.rules import SHOWN, StepState
from inclusion_app.roadmaps.selfcheck import TAPS

# Nothing that was reached is taken back by a plan that knows less of it.
HOW_FAR = (
    StepState.NOT_STARTED,
    StepState.NOT_FOR_ME,
    StepState.DOING,
    StepState.ALREADY_KNEW,
    StepState.DONE_WITH_HELP,
    StepState.DONE_ALONE,
    StepState.CAN_SHOW,
)


def further(one: StepState, other: StepState) -> StepState:
    """Of what two plans say of a step, how far it has come."""
    return max(one, other, key=HOW_FAR.index)


def answers_of_both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The goals and days of both, those of the first in front; every other answer of the first, else of the second."""
    both = {**second, **first}
    skipped = []
    for question in QUESTIONS:
        given = [stored for stored in (first, second) if _is_answered(stored, question)]
        asked = given or [stored for stored in (first, second) if question in stored.get("skipped", ())]
        if not asked:
            continue
        if question in asked[0]:
            both[question] = asked[0][question]
        if not given:
            skipped.append(question)
        both.update({tap.name: asked[0].get(tap.name, False) for tap in TAPS if tap.question == question})
    goals = dict.fromkeys((*first.get("q1", ()), *second.get("q1", ())))
    if goals:
        both["q1"] = list(goals)
    if told := {**second.get("first", {}), **first.get("first", {})}:
        both["first"] = told
    both["days"] = {**second.get("days", {}), **first.get("days", {})}
    both["helped"] = bool(first.get("helped") or second.get("helped"))
    both["skipped"] = skipped
    return both


def _is_answered(stored: Mapping[str, Any], question: str) -> bool:
    return question in stored and question not in stored.get("skipped", ())


def choices_of_both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The pins of both as far as there is room, what either added or dropped, and the settings of the first."""
    pins = dict.fromkeys((*first.get("pins", ()), *second.get("pins", ())))
    extras = [list(pair) for pair in first.get("extras", ())]
    extras += [list(pair) for pair in second.get("extras", ()) if list(pair) not in extras]
    return {
        **second,
        **first,
        "pins": list(pins)[:SHOWN],
        "extras": extras,
        "modes": {**second.get("modes", {}), **first.get("modes", {})},
        "drop_dependants": sorted({*first.get("drop_dependants", ()), *second.get("drop_dependants", ())}),
    }
