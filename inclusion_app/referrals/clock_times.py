"""How long each clock of a referral ran, from its history alone: hours of work, without the time a question was open. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from inclusion_app.referrals import rules

# What the figures are of; a waiting list has a day of its own.
MEASURED = ("acknowledge", "decide", "contact")
# What ends the waiting for a sign of life, and the waiting for a yes or no.
_SEEN = frozenset({"acknowledged", "accepted", "waitlisted", "declined", "rerouted"})
_DECIDED = frozenset({"accepted", "waitlisted", "declined", "rerouted"})
_ENDS = {"acknowledge": _SEEN, "decide": _DECIDED, "contact": frozenset({"active"})}
_BEGINS = {"acknowledge": frozenset({"sent"}), "decide": _SEEN, "contact": frozenset({"accepted"})}
# Ended by whoever sent it or by the person: nobody kept this clock, and nobody missed it.
_TAKEN_BACK = frozenset({"recalled", "withdrawn"})


class Change(NamedTuple):
    """One move of a referral, as its history keeps it."""

    before: str
    after: str
    at: datetime


@dataclass(frozen=True)
class ClockTime:
    """How one clock of one referral ran: hours of work, the limit, and whether it was done. Lapsed is never done."""

    clock: str
    hours: float
    limit: float
    is_done: bool
    is_running: bool


def clock_times(
    changes: Sequence[Change], *, is_urgent: bool, now: datetime, holidays: Collection[date]
) -> list[ClockTime]:
    """Every clock of MEASURED that began, in the order of a referral's life. `changes` are those of one, the first first."""
    found = []
    for clock in MEASURED:
        one = _clock_time(clock, changes, is_urgent=is_urgent, now=now, holidays=holidays)
        if one is not None:
            found.append(one)
    return found


def _clock_time(
    clock: str, changes: Sequence[Change], *, is_urgent: bool, now: datetime, holidays: Collection[date]
) -> ClockTime | None:
    begun = next((one for one in changes if one.after in _BEGINS[clock] and one.before != "needs_info"), None)
    if begun is None:
        return None
    after = [one for one in changes if one.at >= begun.at]
    # Whoever says yes at once has seen it and decided in one moment.
    ended = next((one for one in after if one.after in _ENDS[clock]), None)
    stopped = next((one for one in after if one.after not in rules.OPEN), None)
    if stopped is not None and (ended is None or stopped.at < ended.at):
        if stopped.after in _TAKEN_BACK:
            return None
        ended, is_done, until = None, False, stopped.at
    else:
        is_done, until = ended is not None, ended.at if ended else now
    took = rules.worked_between(begun.at, until, holidays) - _stood_still(after, begun.at, until, holidays)
    whole = rules.clock_ends(clock, since=begun.at, is_urgent=is_urgent, holidays=holidays)
    return ClockTime(
        clock=clock,
        hours=_hours(took),
        limit=_hours(rules.worked_between(begun.at, whole, holidays)),
        is_done=is_done,
        is_running=ended is None and stopped is None,
    )


def _stood_still(
    changes: Iterable[Change], since: datetime, until: datetime, holidays: Collection[date]
) -> timedelta:
    """The hours of work in which a question was open between two moments."""
    total, asked = timedelta(), None
    for one in changes:
        if one.after == "needs_info":
            asked = one.at
        elif one.before == "needs_info" and asked is not None:
            total += rules.worked_between(max(asked, since), min(one.at, until), holidays)
            asked = None
    if asked is not None:
        total += rules.worked_between(max(asked, since), until, holidays)
    return total


def _hours(time: timedelta) -> float:
    return time / timedelta(hours=1)
