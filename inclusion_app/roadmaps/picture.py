"""The line map of a journey: one line per goal, a station per step, shared stations drawn once. Pure.

Rows are steps in plan order, lanes are goals in the person's order. A station sits on every lane whose goal it
serves and spans them. A step that serves no goal of its own (it answers what the person told us, or they added it)
helps the whole journey: it sits on every lane. Two drawings share one layout: down the page with the words beside
(phone, paper), and across it with the words below (wide screens). Mirroring for right-to-left happens here, in
numbers, so that the drawing needs no transform.

Lengths are CSS pixels at normal text size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.rules import DONE, Plan, StepState

if TYPE_CHECKING:
    from inclusion_app.roadmaps.catalogue import Catalogue

LANE = 22  # from one lane to the next
LANES_WIDTH = 110  # five goals at full width; more of them share it, so that words keep their room at 320 px
MIDDLE = 22  # of a row's first line down the page, and of the first lane across it
CELL = 128  # one station across the page
STOP = 26  # how far into its cell a station stands, from the side reading starts


class Shape(StrEnum):
    """How a station looks; colour is never the only sign."""

    LATER = "later"
    NEXT = "next"
    DOING = "doing"
    DONE = "done"
    KNEW = "knew"
    REFUSED = "refused"
    HERE = "here"
    GOAL = "goal"


WORDS: Mapping[Shape, str] = {
    Shape.LATER: N_("Not started"),
    Shape.NEXT: N_("Next"),
    Shape.DOING: N_("Doing"),
    Shape.KNEW: N_("I knew this already"),
    Shape.REFUSED: N_("Not for me"),
    Shape.HERE: N_("You are here"),
}
DONE_WORDS: Mapping[StepState, str] = {
    StepState.DONE_WITH_HELP: N_("Done with help"),
    StepState.DONE_ALONE: N_("Done on my own"),
    StepState.CAN_SHOW: N_("I can show others"),
}
DONE_TOGETHER = N_("Done together")
LATER = N_("Later")
GOAL_REACHED = N_("You can already do this. Well done.")


@dataclass(frozen=True)
class Track:
    """A piece of one goal's line at one station. Down the page it stands at `x`; `top` and `bottom` say whether it
    goes on. Across the page it runs from `start` to `end` within the cell, at `y`. `stops`: this station is on it."""

    lane: int
    x: int
    top: bool
    bottom: bool
    y: int
    start: int
    end: int
    stops: bool


@dataclass(frozen=True)
class Station:
    """One step, the "you are here", or a goal at the end of its line.

    `id` is a step's or a goal's. `number` is its place in the numbered list of the plan, None when it is not in it;
    `next_number` is 1 to 3. `word` is a message to translate, "" for none. `here`: on a map of the way ahead only,
    the step the person stands before. `at` is where its sign is drawn across the page, the rest down the page.
    """

    id: str
    number: int | None
    lanes: tuple[int, ...]
    first_x: int
    last_x: int
    sign_x: int
    first_y: int
    last_y: int
    at: int
    shape: Shape
    word: str
    next_number: int | None
    here: bool
    tracks: tuple[Track, ...]


@dataclass(frozen=True)
class LineMap:
    """All of it: the goals of the lanes, the stations in the order they are drawn and read, and both sizes.

    `whole` is False for a map of the way ahead only.
    """

    lanes: tuple[str, ...]
    width: int
    height: int
    stations: tuple[Station, ...]
    whole: bool = False


@dataclass(frozen=True)
class _Row:
    id: str
    lanes: tuple[int, ...]
    shape: Shape
    word: str
    number: int | None = None
    next_number: int | None = None
    here: bool = False


def line_map(
    plan: Plan,
    goals: Sequence[str],
    states: Mapping[str, StepState],
    *,
    catalogue: Catalogue | None = None,
    rtl: bool = False,
) -> LineMap:
    """The map of a plan, its goals in the person's order, the states of the steps they touched.

    With the catalogue the whole journey is drawn: what lies behind, "you are here" as a station, the way ahead in
    plan order, each goal at the end of its line. Without it, only the way ahead: for paper, where room is short.
    """
    lanes = _lanes(plan, goals, catalogue)
    ahead = _ahead(plan, lanes, states, mark_here=catalogue is None)
    rows = ahead if catalogue is None else _whole(plan, lanes, states, catalogue, ahead)
    return _draw(lanes, rows, whole=catalogue is not None, rtl=rtl)


def one_line(
    done: Sequence[str], following: str | None, later: Sequence[str], *, whole: bool = True, rtl: bool = False
) -> LineMap:
    """The map of a group: one line without goals. What it has done together, "you are here", its next step, what is
    to come. `whole` draws it for a page; without it, for paper.
    """
    rows = [_Row(step, (0,), Shape.DONE, DONE_TOGETHER) for step in done]
    rows.append(_Row("", (0,), Shape.HERE, N_("We are here")))
    rows.extend(_Row(step, (0,), Shape.NEXT, WORDS[Shape.NEXT]) for step in (following,) if step)
    rows.extend(_Row(step, (0,), Shape.LATER, LATER) for step in later)
    return _draw(("",), rows, whole=whole, rtl=rtl)


def _draw(lanes: tuple[str, ...], rows: Sequence[_Row], *, whole: bool, rtl: bool) -> LineMap:
    """Both sizes of a map, from its rows in the order they are read."""
    pitch = min(LANE, LANES_WIDTH // len(lanes))
    width = pitch * len(lanes)
    spans = {
        lane: (min(on), max(on))
        for lane in range(len(lanes))
        if (on := [number for number, row in enumerate(rows) if lane in row.lanes])
    }

    def x_of(lane: int) -> int:
        x = pitch // 2 + lane * pitch
        return width - x if rtl else x

    def across(x: int) -> int:
        return CELL - x if rtl else x

    def station(number: int, row: _Row) -> Station:
        xs = sorted(x_of(lane) for lane in row.lanes)
        tracks = []
        for lane, (first, last) in spans.items():
            if first <= number <= last:
                ends = sorted(
                    (across(STOP if number == first else 0), across(STOP if number == last else CELL))
                )
                tracks.append(
                    Track(
                        lane=lane,
                        x=x_of(lane),
                        top=number > first,
                        bottom=number < last,
                        y=MIDDLE + lane * LANE,
                        start=ends[0],
                        end=ends[1],
                        stops=lane in row.lanes,
                    )
                )
        return Station(
            id=row.id,
            number=row.number,
            lanes=row.lanes,
            first_x=xs[0],
            last_x=xs[-1],
            sign_x=x_of(row.lanes[0]),
            first_y=MIDDLE + row.lanes[0] * LANE,
            last_y=MIDDLE + row.lanes[-1] * LANE,
            at=across(STOP),
            shape=row.shape,
            word=row.word,
            next_number=row.next_number,
            here=row.here,
            tracks=tuple(tracks),
        )

    return LineMap(
        lanes=lanes,
        width=width,
        height=2 * MIDDLE + (len(lanes) - 1) * LANE,
        stations=tuple(station(number, row) for number, row in enumerate(rows)),
        whole=whole,
    )


def _lanes(plan: Plan, goals: Sequence[str], catalogue: Catalogue | None) -> tuple[str, ...]:
    """The goals that have a line; "" is the one line of a plan without any."""
    served = tuple(dict.fromkeys(goal for step in plan.steps for goal in step.serves))
    drawn = served if catalogue is None else tuple(catalogue.goals)
    return tuple(dict.fromkeys(goal for goal in goals if goal in drawn)) or served or ("",)


def _on(serves: Sequence[str], lanes: Sequence[str]) -> tuple[int, ...]:
    """The lanes of a step; every lane when none is its own."""
    return tuple(lane for lane, goal in enumerate(lanes) if goal in serves) or tuple(range(len(lanes)))


def _shape(state: StepState) -> Shape:
    if state is StepState.ALREADY_KNEW:
        return Shape.KNEW
    if state is StepState.NOT_FOR_ME:
        return Shape.REFUSED
    return Shape.DONE if state in DONE else Shape.LATER


def _word(shape: Shape, state: StepState) -> str:
    return DONE_WORDS[state] if shape is Shape.DONE else WORDS[shape]


def _ahead(
    plan: Plan, lanes: Sequence[str], states: Mapping[str, StepState], *, mark_here: bool
) -> list[_Row]:
    here = (*plan.doing, *plan.next, *(step.id for step in plan.steps))[:1] if mark_here else ()
    rows = []
    for number, step in enumerate(plan.steps, 1):
        state = states.get(step.id, step.state)
        shape = _shape(state)
        if step.id in plan.doing:
            shape = Shape.DOING
        elif step.id in plan.next:
            shape = Shape.NEXT
        rank = plan.next.index(step.id) + 1 if shape is Shape.NEXT else None
        rows.append(
            _Row(step.id, _on(step.serves, lanes), shape, _word(shape, state), number, rank, step.id in here)
        )
    return rows


def _whole(
    plan: Plan,
    lanes: Sequence[str],
    states: Mapping[str, StepState],
    catalogue: Catalogue,
    ahead: Sequence[_Row],
) -> list[_Row]:
    """What is settled, the goals that are reached, "you are here", the way ahead with each goal at its line's end."""
    shown = {row.id for row in ahead}
    wanted = {goal: _needed(catalogue, goal) for goal in lanes}
    rows = []
    # Fewer steps below it: earlier. The catalogue's own order settles ties (both tuples are in it).
    for step in sorted((*plan.done, *plan.not_for_me), key=lambda step: len(catalogue.ancestors(step))):
        if step not in shown:
            state = states.get(
                step, StepState.NOT_FOR_ME if step in plan.not_for_me else StepState.DONE_ALONE
            )
            serves = [goal for goal in lanes if step in wanted[goal]]
            rows.append(_Row(step, _on(serves, lanes), _shape(state), _word(_shape(state), state)))
    last = {lane: number for number, row in enumerate(ahead) for lane in row.lanes}
    ends = {lane: _goal(catalogue, goal, lane, plan) for lane, goal in enumerate(lanes) if goal}
    rows.extend(end for lane, end in ends.items() if lane not in last)
    rows.append(_Row("", tuple(sorted(last)) or _on((), lanes), Shape.HERE, WORDS[Shape.HERE]))
    for number, row in enumerate(ahead):
        rows.append(row)
        rows.extend(end for lane, end in ends.items() if last.get(lane) == number)
    return rows


def _needed(catalogue: Catalogue, goal: str) -> frozenset[str]:
    """A goal's required steps with all that come before them."""
    if goal not in catalogue.goals:
        return frozenset()
    required = catalogue.goals[goal].steps
    return frozenset(required).union(*(catalogue.ancestors(step) for step in required))


def _goal(catalogue: Catalogue, goal: str, lane: int, plan: Plan) -> _Row:
    reached = plan.known.issuperset(catalogue.goals[goal].steps) if goal in catalogue.goals else False
    return _Row(goal, (lane,), Shape.GOAL, GOAL_REACHED if reached else "")


# Every picture of templates/components/pictures.html by what it stands for.
PICTURES: Mapping[str, tuple[str, ...]] = {
    "goals": tuple(f"g{number:02}" for number in range(1, 16)),
    "questions": tuple(f"q{number}" for number in range(1, 13)),
    "devices": ("smartphone", "tablet", "computer", "shared", "none"),
    "connection": ("q3-yes", "q3-sometimes", "q3-library", "q3-no"),
    "barriers": (
        "seeing", "hearing", "hands", "remembering", "english", "reading", "scams", "confidence", "alone", "money",
        "time", "no_id", "not_wanted", "nothing",
    ),
    "skill": ("not_yet", "with_help", "by_myself", "show"),
    "secret": (
        "sun", "tree", "house", "key", "cup", "fish", "bird", "boat", "star", "apple", "bicycle", "umbrella",
    ),
    "start": ("plan", "place", "session", "device", "comeback"),
    "places": ("library", "makers", "wifi", "screen", "printer", "step_free", "sim", "repair"),
    "signs": ("arrow", "arrow_left", "tick", "phone", "box", "warning"),
}  # fmt: skip
