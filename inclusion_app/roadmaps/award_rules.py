"""The digital challenge award of young people: what counts, and what each level asks for. Published as it stands here. Pure.

Steps count when somebody did them, with help or alone; what they knew before is no challenge. Nobody is refused for
their age: the page only offers it to who is under 18, or has not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.rules import StepState

COUNTED = frozenset({StepState.DONE_WITH_HELP, StepState.DONE_ALONE, StepState.CAN_SHOW})
# Nobody is 18 in these.
UNDER_18 = frozenset({"under_13", "13_15", "16_17"})


@dataclass(frozen=True)
class Level:
    """What a level asks for: steps, in so many areas, sessions, and steps one can show others."""

    code: str
    words: str
    steps: int
    areas: int
    sessions: int
    shows: int = 0


LEVELS = (
    Level("bronze", N_("Bronze"), steps=3, areas=2, sessions=1),
    Level("silver", N_("Silver"), steps=8, areas=3, sessions=3),
    Level("gold", N_("Gold"), steps=15, areas=6, sessions=6, shows=1),
)
REACHED: Mapping[str, str] = {
    "bronze": N_("They reached bronze in the digital challenge award."),
    "silver": N_("They reached silver in the digital challenge award."),
    "gold": N_("They reached gold in the digital challenge award."),
}
LEVEL_BY_CODE: Mapping[str, Level] = {level.code: level for level in LEVELS}


@dataclass(frozen=True)
class Done:
    """What somebody has done so far."""

    steps: int = 0
    areas: int = 0
    sessions: int = 0
    shows: int = 0


def count(states: Mapping[str, StepState], area_of: Mapping[str, str], *, sessions: int) -> Done:
    """What these steps and so many sessions come to. A step the catalogue does not know counts nothing."""
    did = [step for step, state in states.items() if state in COUNTED and step in area_of]
    return Done(
        steps=len(did),
        areas=len({area_of[step] for step in did}),
        sessions=sessions,
        shows=sum(states[step] is StepState.CAN_SHOW for step in did),
    )


def missing(level: Level, done: Done) -> Done:
    """What is still to do for a level; all noughts when it is reached."""
    return Done(
        steps=max(level.steps - done.steps, 0),
        areas=max(level.areas - done.areas, 0),
        sessions=max(level.sessions - done.sessions, 0),
        shows=max(level.shows - done.shows, 0),
    )


def is_reached(level: Level, done: Done) -> bool:
    """True when nothing is missing."""
    return missing(level, done) == Done()


def highest(done: Done) -> Level | None:
    """The highest level that is reached; None before bronze."""
    return next((level for level in reversed(LEVELS) if is_reached(level, done)), None)


def offers_award(age_band: str | None) -> bool:
    """True for whom a plan may name the award by itself: under 18, or nobody knows."""
    return age_band is None or age_band in UNDER_18
