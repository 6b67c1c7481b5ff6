"""The line map of a journey: one line per goal, a station per step, shared stations drawn once. Pure.

Rows are steps in plan order, lanes are goals in the person's order. A station sits on every lane whose goal it
serves; an interchange spans them. Mirroring for right-to-left happens here, in numbers, so that the drawing
needs no transform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inclusion_app.roadmaps.rules import DONE, Plan, StepState

LANE = 22
ROW = 44
MIDDLE = 22
DASHES = ("", "7 4", "2 4")


@dataclass(frozen=True)
class Track:
    """A piece of one goal's line through one row; `top` and `bottom` say whether it goes on."""

    x: int
    lane: int
    top: bool
    bottom: bool


@dataclass(frozen=True)
class Station:
    """One step: where it stands, what it looks like, and the number of its place in the list."""

    id: str
    number: int
    lanes: tuple[int, ...]
    first_x: int
    last_x: int
    shape: str
    next_number: int | None
    here: bool
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class LineMap:
    """All of it: how many lanes, how wide, the stations in plan order, the goals of the lanes."""

    lanes: tuple[str, ...]
    width: int
    stations: tuple[Station, ...]


def _shape(state: StepState, is_next: bool, is_doing: bool) -> str:
    if is_doing:
        return "doing"
    if is_next:
        return "next"
    return "done" if state in DONE else "later"


def line_map(
    plan: Plan, goals: Sequence[str], states: Mapping[str, StepState], *, rtl: bool = False
) -> LineMap:
    """The map of a plan. Done steps of the plan's goals come first: the way already gone."""
    lanes = (
        [goal for goal in goals if any(goal in step.serves for step in plan.steps)] or list(goals[:1]) or [""]
    )
    width = LANE * len(lanes)
    rows = [
        (step.id, tuple(lanes.index(goal) for goal in step.serves if goal in lanes) or (0,))
        for step in plan.steps
    ]
    spans = {
        lane: (
            min((row for row, (_id, on) in enumerate(rows) if lane in on), default=0),
            max((row for row, (_id, on) in enumerate(rows) if lane in on), default=-1),
        )
        for lane in range(len(lanes))
    }

    def x_of(lane: int) -> int:
        x = LANE // 2 + lane * LANE
        return width - x if rtl else x

    here = next((step.id for step in plan.steps if step.id in plan.doing), plan.next[0] if plan.next else "")
    stations = []
    for row, (step_id, on) in enumerate(rows):
        xs = [x_of(lane) for lane in on]
        stations.append(
            Station(
                id=step_id,
                number=row + 1,
                lanes=on,
                first_x=min(xs),
                last_x=max(xs),
                shape=_shape(
                    states.get(step_id, StepState.NOT_STARTED), step_id in plan.next, step_id in plan.doing
                ),
                next_number=plan.next.index(step_id) + 1 if step_id in plan.next else None,
                here=step_id == here,
                tracks=tuple(
                    Track(x_of(lane), lane, top=row > first, bottom=row < last)
                    for lane, (first, last) in spans.items()
                    if first <= row <= last
                ),
            )
        )
    return LineMap(tuple(lanes), width, tuple(stations))
