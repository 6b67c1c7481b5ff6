"""How long each kind of record is kept: one schedule. Pure. What each is, and why so long, stands with its page.

Every time is a proposal until the city's data-protection officer has agreed to it. `INCLUSION_RETENTION` changes one
(`saved-plan=400d,feedback=3y`) within the bounds that stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(days=1)
YEAR = timedelta(days=366)  # never a day too short


@dataclass(frozen=True)
class Kind:
    """One kind of record, and how long it is kept.

    `done_by` is the name of the chore that deletes it (see cli.DELETIONS); without one it goes in another way.
    A kind without bounds cannot be changed: something else hangs on its time. `traced`: a run that deleted some
    leaves a row in the record, with their number and nothing else.
    """

    name: str
    keep: timedelta
    done_by: str | None = None
    least: timedelta | None = None
    most: timedelta | None = None
    traced: bool = False


_KINDS = (
    Kind("visit", timedelta(hours=2), "visits"),
    # 13 months: somebody who comes back once a year still finds it.
    Kind("saved-plan", 396 * DAY, "saved plans", 30 * DAY, 6 * YEAR),
    Kind("group", 396 * DAY, "groups", 30 * DAY, 6 * YEAR, traced=True),
    Kind("sticker-code", 731 * DAY, "codes of stickers", 30 * DAY, 6 * YEAR, traced=True),
    Kind("place-report", 365 * DAY, "reports", 90 * DAY, 2 * YEAR, traced=True),
    Kind("attempt", 30 * DAY, "counts of tries"),
    Kind("feedback", 3 * YEAR, "answered feedback", 180 * DAY, 6 * YEAR, traced=True),
    Kind("message-text", 30 * DAY, "texts of messages", 7 * DAY, 180 * DAY),
    Kind("booking-contact", 92 * DAY, "ways to reach who booked", 7 * DAY, YEAR, traced=True),
    Kind("booking", 761 * DAY, "bookings", 180 * DAY, 6 * YEAR, traced=True),
    Kind("booking-undated", 396 * DAY, "requests without a date", 30 * DAY, 2 * YEAR, traced=True),
    Kind("loan-request", 183 * DAY, "requests without a loan", 30 * DAY, 2 * YEAR, traced=True),
    Kind("loan-answers", 90 * DAY, "answers behind points", 7 * DAY, 180 * DAY, traced=True),
    Kind("loan", 731 * DAY, "loans that ended", 180 * DAY, 6 * YEAR, traced=True),
    # As records of care are kept after a case was closed; a person who deletes their plan takes all of it with them.
    Kind("referral", 6 * YEAR, "referrals that ended", YEAR, 8 * YEAR, traced=True),
    # The link that confirms it lives as long (referrals.rules).
    Kind("public-unconfirmed", 3 * DAY, "unconfirmed referrals", traced=True),
    Kind("public-referral", 92 * DAY, "facts of public referrals", 7 * DAY, YEAR, traced=True),
    Kind("case-note", 6 * YEAR, "notes of cases", YEAR, 8 * YEAR, traced=True),
    Kind("case-task", 366 * DAY, "tasks that are done", 30 * DAY, 2 * YEAR, traced=True),
    Kind("outreach-sheet", 366 * DAY, "sheets that were destroyed", 30 * DAY, 2 * YEAR, traced=True),
    Kind("partner-link", 30 * DAY, "links of partners", 7 * DAY, 180 * DAY),
    Kind("saved-view", DAY, "saved views of who left"),
    Kind("staff-session", timedelta(hours=10), "ended sign-ins of staff"),
    Kind("known-device", 396 * DAY, "browsers of staff", 30 * DAY, 2 * YEAR, traced=True),
    Kind("invitation", 30 * DAY, "invitations of staff", traced=True),
    Kind("staff-link", timedelta(hours=1), "links for a new password"),
    Kind("resident-link", DAY, "one-time links"),
    Kind("desk-paper", timedelta(minutes=10), "papers of the front desk"),
    Kind("consent", 396 * DAY),
    Kind("audit", 6 * YEAR),
    Kind("backup", 30 * DAY),
)
SCHEDULE: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
OF_CHORE: Mapping[str, Kind] = {kind.done_by: kind for kind in _KINDS if kind.done_by}


def why_not(name: str, keep: timedelta) -> str | None:
    """Why this kind cannot be kept so long, for whoever runs the service; None when it can."""
    kind = SCHEDULE.get(name)
    if kind is None:
        return f"knows no kind {name!r}; it knows {', '.join(sorted(SCHEDULE))}"
    if kind.least is None or kind.most is None:
        return f"cannot change {name}: other parts of the service hang on its time"
    if not kind.least <= keep <= kind.most:
        return f"must keep {name} from {kind.least.days} to {kind.most.days} days"
    return None
