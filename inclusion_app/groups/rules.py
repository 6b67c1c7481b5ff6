"""What a group sees of its members' plans: one next step and one line, never a name and never a count. Pure.

A group is its members with a code and the people on its paper list. Below three nothing of their plans is shown.
Steps that tell of health, benefits, energy bills or papers are never shown, and what the group has done together is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inclusion_app.core.retention import SCHEDULE
from inclusion_app.roadmaps.rules import GROUP_FROM, group_next

if TYPE_CHECKING:
    from inclusion_app.roadmaps.catalogue import Catalogue

# Retention default, to be confirmed by the city's data-protection officer: a group nobody opened.
GROUP_IDLE = SCHEDULE["group"].keep
NAME_LENGTH = 40
MOST_NOTES = 12
NOTE_LENGTHS = {"what": 200, "when": 60, "where": 120}
MOST_PEOPLE = 99
# What two sides of paper hold with boxes large enough for a pencil.
LISTED = 24
EASY_LEVEL = 2
DONE_SHOWN = 3
LATER_SHOWN = 8


@dataclass(frozen=True)
class PaperList:
    """The sums typed in from the paper list: how many people, and how many of them ticked each step."""

    people: int = 0
    ticks: Mapping[str, int] = field(default_factory=dict)

    def wishes(self) -> list[frozenset[str]]:
        """As many sets of steps as there are people. Who ticked what is not known: the sums are what counts."""
        return [
            frozenset(step for step, ticks in self.ticks.items() if ticks > person)
            for person in range(self.people)
        ]


@dataclass(frozen=True)
class Line:
    """The group's line: the steps done together last, the next one, and what comes after it."""

    done: tuple[str, ...] = ()
    following: str | None = None
    later: tuple[str, ...] = ()


def is_enough(members: int, paper: PaperList) -> bool:
    """True from three people up who are here with a code, or three on the paper list.

    They are not added up for this: sums that somebody types in must not show what one or two plans hold.
    """
    return max(members, paper.people) >= GROUP_FROM


def next_step(
    catalogue: Catalogue,
    ready: Sequence[frozenset[str]],
    paper: PaperList,
    done_together: Sequence[str] = (),
) -> str | None:
    """The step most are ready for; a tie goes to the lower level, then by id. None below three people (see is_enough)."""
    passed = frozenset(done_together).union(step.id for step in catalogue.steps.values() if step.private)
    plans = ready if len(ready) >= GROUP_FROM else ()
    return group_next(catalogue, [wish - passed for wish in (*plans, *paper.wishes())])


def line(
    catalogue: Catalogue,
    ready: Sequence[frozenset[str]],
    plans: Sequence[frozenset[str]],
    paper: PaperList,
    done_together: Sequence[str] = (),
) -> Line:
    """The group's line. Later steps are those at least three people have in their plan or ticked on paper.

    `plans` are the steps still ahead in each member's plan; plans and ticks are not added up. Below three people only
    what was done together shows: the group itself said so.
    """
    done = tuple(step for step in done_together if step in catalogue.steps)[-DONE_SHOWN:]
    following = next_step(catalogue, ready, paper, done_together)
    later = [
        step.id
        for step in catalogue.steps.values()
        if not step.private
        and step.id != following
        and step.id not in done_together
        and any(sum(step.id in wish for wish in wishes) >= GROUP_FROM for wishes in (plans, paper.wishes()))
    ]
    return Line(done, following, tuple(_in_order(catalogue, later)[:LATER_SHOWN]))


def listed_steps(catalogue: Catalogue) -> tuple[str, ...]:
    """The steps of the paper list: everyday ones that tell nothing private, what comes first standing first."""
    easy = [step.id for step in catalogue.steps.values() if step.level <= EASY_LEVEL and not step.private]
    # Each step brings those below it: a list without them would ask for the roof before the walls.
    return tuple(_in_order(catalogue, easy)[:LISTED])


def _in_order(catalogue: Catalogue, steps: Sequence[str]) -> list[str]:
    """Prerequisites first: by how long the line of steps below is, then by level, then as the catalogue stands."""
    return sorted(steps, key=lambda step: (catalogue.chain(step), catalogue.steps[step].level))
