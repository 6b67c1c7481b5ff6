"""Small wins, the look back, and the day a plan is looked at again. Pure.

A win is a step that is done, in whatever way. Nothing here is a score: nothing is counted, compared or ranked, and
what was undone, put off or set aside is not told.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.journeys import SKILL_QUESTIONS
from inclusion_app.roadmaps.rules import DONE, Skill, StepState

# --- what was done ----------------------------------------------------------------------------------------------

WIN_WORDS: Mapping[StepState, str] = {
    StepState.DONE_WITH_HELP: N_("You did this with help."),
    StepState.DONE_ALONE: N_("You did this on your own."),
    StepState.CAN_SHOW: N_("You can show others."),
    StepState.ALREADY_KNEW: N_("You knew this already."),
}
# The same at the moment it happened.
WIN_SAID: Mapping[StepState, str] = {
    StepState.DONE_WITH_HELP: N_("You did this with help. That is a real step."),
    StepState.DONE_ALONE: N_("You did this on your own. You can be proud of it."),
    StepState.CAN_SHOW: N_("You can show others. That helps them too."),
    StepState.ALREADY_KNEW: N_("You knew this already. That is good to know."),
}
BEGAN = N_("You began this step.")


@dataclass(frozen=True)
class Change:
    """One move of one step: to which state, and when on a Manchester clock."""

    step: str
    after: StepState
    at: datetime


@dataclass(frozen=True)
class Moment:
    """Something worth telling of a step, as a whole sentence, and the day it happened."""

    step: str
    state: StepState
    at: datetime

    @property
    def day(self) -> date:
        """The day on a Manchester wall calendar."""
        return self.at.date()

    @property
    def is_win(self) -> bool:
        """True when the step is done."""
        return self.state in DONE

    @property
    def words(self) -> str:
        """How it was done, or that it was begun: an N_ sentence."""
        return WIN_WORDS.get(self.state, BEGAN)


def moments(changes: Iterable[Change], states: Mapping[str, StepState]) -> tuple[Moment, ...]:
    """What is worth telling, oldest first: each step that is done or being done, when it last came to that state."""
    last = {change.step: change for change in changes if states.get(change.step) is change.after}
    told = [
        Moment(change.step, change.after, change.at)
        for change in last.values()
        if change.after in DONE or change.after is StepState.DOING
    ]
    return tuple(sorted(told, key=lambda moment: (moment.at, moment.step)))


def wins_of(told: Iterable[Moment]) -> tuple[Moment, ...]:
    """The moments that are wins, in the same order."""
    return tuple(moment for moment in told if moment.is_win)


def easiest(steps: Sequence[str], minutes: Callable[[str], int]) -> str | None:
    """The shortest of the next steps, of equals the first; None when nothing is next."""
    return min(steps, key=minutes, default=None)


# --- answers that got better ------------------------------------------------------------------------------------

SCALE = (Skill.NOT_YET, Skill.WITH_HELP, Skill.ALONE, Skill.SHOW)
BETTER_WORDS: Mapping[tuple[Skill, Skill], str] = {
    (Skill.NOT_YET, Skill.WITH_HELP): N_("At first: not yet. Now: with help."),
    (Skill.NOT_YET, Skill.ALONE): N_("At first: not yet. Now: on your own."),
    (Skill.NOT_YET, Skill.SHOW): N_("At first: not yet. Now: you can show others."),
    (Skill.WITH_HELP, Skill.ALONE): N_("At first: with help. Now: on your own."),
    (Skill.WITH_HELP, Skill.SHOW): N_("At first: with help. Now: you can show others."),
    (Skill.ALONE, Skill.SHOW): N_("At first: on your own. Now: you can show others."),
}


def better_answers(stored: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The skill questions whose answer is further than the first one, each with an N_ sentence.

    One that is less far, the same, skipped, or without a first answer is not told.
    """
    first = stored.get("first", {})
    found = []
    for question in SKILL_QUESTIONS:
        if question in first and question in stored:
            words = BETTER_WORDS.get((Skill(first[question]), Skill(stored[question])))
            if words:
                found.append((question, words))
    return tuple(found)


# --- the picture ------------------------------------------------------------------------------------------------

PITCH = 44  # pixels from one sign to the next, along the path and from row to row
ROW_SIGNS = 7  # signs in a row: a phone of 320 px has room for them


@dataclass(frozen=True)
class Sign:
    """One win on the path: where it stands, how it looks, and whether it is the latest."""

    x: int
    y: int
    shape: str
    latest: bool


@dataclass(frozen=True)
class Path:
    """A road that grows by a sign for each win. `line` is its track, `ahead` the piece that goes on after the latest."""

    width: int
    height: int
    line: str
    ahead: str
    start: tuple[int, int]
    signs: tuple[Sign, ...]


def path_of(wins: Sequence[Moment], *, most: int | None = None, rtl: bool = False) -> Path:
    """The picture of these wins, oldest first; with `most`, of the latest only. Right-to-left it runs from the right.

    The road begins at a dot, turns at the end of a row and comes back in the next, so that it is one line.
    """
    shown = wins[-most:] if most else wins
    width = PITCH * ROW_SIGNS
    spots = []
    for number in range(len(shown) + 2):  # the dot before the first sign, and the spot of the sign to come
        row, along = divmod(number, ROW_SIGNS)
        x = PITCH // 2 + PITCH * (along if row % 2 == 0 else ROW_SIGNS - 1 - along)
        spots.append((width - x if rtl else x, PITCH // 2 + PITCH * row))
    signs = tuple(
        Sign(x, y, "knew" if win.state is StepState.ALREADY_KNEW else "done", latest=win is shown[-1])
        for win, (x, y) in zip(shown, spots[1:], strict=False)
    )
    return Path(
        width=width,
        height=spots[-1][1] + PITCH // 2,
        line=_line(spots[:-1]),
        ahead=_line(spots[-2:]),
        start=spots[0],
        signs=signs,
    )


def _line(spots: Sequence[tuple[int, int]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in spots)


# --- the day to look again --------------------------------------------------------------------------------------

# A device or a SIM came: after some weeks somebody asks whether it works (promise 11 of the service).
GIVEN_STEPS = frozenset({"A1", "A3"})
GIVEN = DONE - {StepState.ALREADY_KNEW}  # who had it already was given nothing
ASK_AFTER = timedelta(weeks=4)
PAST = N_("This day has passed. Type a later day.")
TOO_FAR = N_("This day is too far away. Type a day within one year.")


@dataclass(frozen=True)
class FollowUp:
    """The day the person wants to look at the plan again. `proposed`: we put it there and they have not agreed yet."""

    day: date
    proposed: bool
    come: bool  # it is today, or has passed


def follow_up_of(choices: Mapping[str, Any], today: date) -> FollowUp | None:
    """The follow-up of a plan's choices; None when there is none."""
    stored = choices.get("follow_up_on")
    if not stored:
        return None
    day = date.fromisoformat(stored)
    return FollowUp(day, bool(choices.get("follow_up_proposed")), day <= today)


def day_to_propose(
    choices: Mapping[str, Any], *, step: str, before: StepState, after: StepState, today: date
) -> date | None:
    """The day we propose after this move: four weeks after a device or a SIM came, unless a day still stands."""
    came = step in GIVEN_STEPS and after in GIVEN and before not in GIVEN
    stands = follow_up_of(choices, today)
    return today + ASK_AFTER if came and (stands is None or stands.come) else None


def what_is_wrong(day: date, today: date) -> str | None:
    """Why a day cannot be kept, as an N_ sentence; None when it can: from today to the same day next year."""
    if day < today:
        return PAST
    return TOO_FAR if day > months_after(today, 12) else None


def ready_days(today: date) -> tuple[tuple[str, date], ...]:
    """The days one can choose with a tap, each with its N_ label."""
    return (
        (N_("In one week"), today + timedelta(weeks=1)),
        (N_("In two weeks"), today + timedelta(weeks=2)),
        (N_("In one month"), months_after(today, 1)),
    )


def months_after(day: date, months: int) -> date:
    """The same day of a later month; the last of that month where it is shorter."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
