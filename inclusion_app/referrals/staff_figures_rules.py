"""What may be shown of a few counts, so that nobody can work out one below five. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# Fewer are not shown, and what is counted is rounded to so many. Shares stand in per cent, in the same steps.
FEWEST = STEP = 5
# From so many on every share is that of several counts: the last that is not is 5 of 67, found by counting them out.
MANY = 70
# "Nine of ten within" is the time of the slowest one where there are fewer.
TEN = 10


@dataclass(frozen=True)
class Shown:
    """What is shown of one clock: counts rounded, None for fewer than FEWEST; `share` in time, in per cent, None hidden."""

    count: int | None
    not_due: int | None
    share: int | None
    has_ninetieth: bool


def rounded(count: int) -> int | None:
    """A count as it is shown: in steps of five, and not at all below five."""
    return None if count < FEWEST else STEP * round(count / STEP)


def shown(*, in_time: int, not_in_time: int, not_due: int) -> Shown:
    """What may be shown of those done in time, done too late or never or overdue now, and neither done nor due.

    The share leaves out what is not due: nobody knows yet how it ends. It is hidden where one of its parts is below
    FEWEST, and where few fill the rounded count so exactly that it would tell that nothing else is left.
    """
    ended = in_time + not_in_time
    total, share = ended + not_due, None
    fills_it = ended < MANY and (rounded(ended + 1) or 0) > (rounded(total) or 0)
    if min(in_time, not_in_time) >= FEWEST and not fills_it:
        share = STEP * round(in_time * 100 / ended / STEP)
    return Shown(rounded(total), rounded(not_due), share, total >= TEN)
