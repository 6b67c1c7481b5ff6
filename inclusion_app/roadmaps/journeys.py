"""Between the stored roadmap and the pure rule: read answers and choices out, put a new answer in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from inclusion_app.roadmaps.rules import Answers, Barrier, Choices, Connection, Device, Mode, Skill, StepState

QUESTIONS = tuple(f"q{number}" for number in range(1, 13))
SKILL_QUESTIONS = QUESTIONS[4:]
ENOUGH_FOR_A_PLAN = 3


def read_answers(stored: Mapping[str, Any]) -> Answers:
    """The self-check as the rule wants it. A skipped set of life questions counts as not told."""
    return Answers(
        goals=tuple(stored.get("q1", ())),
        days={goal: date.fromisoformat(day) for goal, day in stored.get("days", {}).items()},
        devices=frozenset(Device(value) for value in stored["q2"]) if "q2" in stored else None,
        connection=Connection(stored["q3"]) if stored.get("q3") else None,
        barriers=frozenset(Barrier(value) for value in stored["q4"]) if "q4" in stored else None,
        skills={key: Skill(stored[key]) for key in SKILL_QUESTIONS if key in stored},
        checks_who_wrote_it=bool(stored.get("checks_who_wrote_it")),
        pays_online=bool(stored.get("pays_online")),
        helped=bool(stored.get("helped")),
    )


def read_choices(stored: Mapping[str, Any], progress: Mapping[str, str]) -> Choices:
    """What the person set on the plan page, with the states of their steps."""
    return Choices(
        states={step: StepState(state) for step, state in progress.items()},
        pins=tuple(stored.get("pins", ())),
        modes={goal: Mode(mode) for goal, mode in stored.get("modes", {}).items()},
        extras=tuple((goal, step) for goal, step in stored.get("extras", ())),
        drop_dependants=frozenset(stored.get("drop_dependants", ())),
        use_library=stored.get("use_library"),
        free_minutes=stored.get("free_minutes"),
    )


def helper_agreed_on(stored: Mapping[str, Any]) -> date | None:
    """The last day the person agreed to a helper; None where no helper was, or on plans from before this was asked."""
    on = stored.get("helped_agreed_on")
    return date.fromisoformat(on) if on else None


def answered(stored: Mapping[str, Any]) -> set[str]:
    """The questions that were answered or skipped by their button."""
    return {key for key in QUESTIONS if key in stored or key in stored.get("skipped", ())}


def next_question(stored: Mapping[str, Any], after: int = 0) -> int | None:
    """The number of the first question after this one that is still open; None when all are done."""
    done = answered(stored)
    for number in range(after + 1, len(QUESTIONS) + 1):
        if f"q{number}" not in done:
            return number
    return None


def with_answer(
    stored: Mapping[str, Any], question: str, value: str | Sequence[str] | None
) -> dict[str, Any]:
    """A copy of the stored answers with this one put in; None means the skip button.

    `first` keeps the first answer to each skill question, and no later one: the look back tells what got better.
    """
    new = {key: item for key, item in stored.items() if key != question}
    skipped = [item for item in stored.get("skipped", ()) if item != question]
    if value is None:
        skipped.append(question)
        if question in SKILL_QUESTIONS:
            new[question] = Skill.SKIPPED.value
    else:
        new[question] = value if isinstance(value, str) else list(value)
        if question in SKILL_QUESTIONS:
            before = stored.get(question, Skill.SKIPPED.value)
            _keep_first(new, {question: new[question] if before == Skill.SKIPPED.value else before})
    new["skipped"] = skipped
    if question == "q1":
        kept = new.get("q1", [])
        new["days"] = {goal: day for goal, day in new.get("days", {}).items() if goal in kept}
    return new


def _keep_first(new: dict[str, Any], told: Mapping[str, Any]) -> None:
    if told:
        new["first"] = {**told, **new.get("first", {})}


def from_paper(
    given: Mapping[str, str | Sequence[str]],
    *,
    days: Mapping[str, date],
    agreed_on: date,
    checks_who_wrote_it: bool,
    pays_online: bool,
) -> dict[str, Any]:
    """The answers of a paper as they are stored. What the paper leaves empty counts as skipped: it was asked.

    A helper typed them in on the day `agreed_on`, when the person said yes to it.
    """
    stored: dict[str, Any] = {}
    for question in QUESTIONS:
        stored = with_answer(stored, question, given.get(question) or None)
    return stored | {
        "days": {goal: day.isoformat() for goal, day in days.items()},
        "checks_who_wrote_it": checks_who_wrote_it,
        "pays_online": pays_online,
        "helped": True,
        "helped_agreed_on": agreed_on.isoformat(),
    }


def in_old_order(goals: Sequence[str], before: Sequence[str]) -> list[str]:
    """The goals as they were put in order before, new ones after them: boxes that are ticked again say no order."""
    old = [goal for goal in before if goal in goals]
    return [*old, *(goal for goal in goals if goal not in old)]


def new_to_all_this(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Finish the check kindly: every skill not answered yet counts as not yet."""
    new = dict(stored)
    done = answered(stored)
    open_ones = {question: Skill.NOT_YET.value for question in SKILL_QUESTIONS if question not in done}
    new.update(open_ones)
    _keep_first(new, open_ones)
    new["skipped"] = sorted({*new.get("skipped", ()), *(q for q in QUESTIONS[:4] if q not in done)})
    return new
