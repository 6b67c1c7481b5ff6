"""What is due of whom on a caseload, what waits for whom, and which filters there are. Pure.

A day is a day in Europe/London, a moment is aware. Filters are made of known values only, so that no fact of a person can
stand in an address or in a view somebody keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from inclusion_app.core.clock import LONDON
from inclusion_app.core.words import N_
from inclusion_app.people.rules import LANGUAGES, plain_name
from inclusion_app.referrals.rules import HELPS

US, OTHERS = "us", "others"
WEEK = timedelta(days=7)
VIEWS_AT_MOST = 20
# A sheet that nobody has ticked as destroyed after so long is asked after.
SHEET_ASKED_AFTER = timedelta(days=7)

WHOSE: Mapping[str, str] = {"mine": N_("My people"), "organisation": N_("My organisation’s people")}
DUE: Mapping[str, str] = {
    "late": N_("Something is late"),
    "today": N_("Something is due today"),
    "week": N_("Something is due in 7 days"),
    "none": N_("Nothing has a day"),
}
WAITING: Mapping[str, str] = {US: N_("Waits for us"), OTHERS: N_("Waits for others")}
SHEET_ENDS: Mapping[str, str] = {"shredded": N_("Shredded"), "given_back": N_("Given back to be destroyed")}


@dataclass(frozen=True)
class Due:
    """One thing about one person: what kind, of which row, by when if it has a day, and for whom it waits.

    `at` is the moment it runs out, where that is known to the hour. `code` says it closer: the kind of a task, a clock,
    the state of a referral. `until` is the day by which others have said they do it: it is not due of us.
    """

    kind: str
    number: int
    resident_id: int | None = None
    on: date | None = None
    at: datetime | None = None
    waits: str = ""
    code: str = ""
    is_firm: bool = True
    until: date | None = None

    @property
    def day(self) -> date | None:
        """The day it is due."""
        return self.at.astimezone(LONDON).date() if self.at is not None else self.on

    def is_late(self, now: datetime) -> bool:
        """True when its day or moment has passed. What only takes place (a session) is never late."""
        if not self.is_firm:
            return False
        if self.at is not None:
            return self.at <= now
        return self.on is not None and self.on < now.astimezone(LONDON).date()


@dataclass(frozen=True)
class Line:
    """One person of a caseload and all that is open about them, the soonest first."""

    resident_id: int
    spoken: str = ""
    read: str = ""
    ward: str = ""
    helps: frozenset[str] = frozenset()
    dues: tuple[Due, ...] = ()

    @property
    def next(self) -> Due | None:
        """What comes next: what has a day, soonest first, else what waits for us."""
        dated = [due for due in self.dues if due.day is not None]
        return dated[0] if dated else next((due for due in self.dues if due.waits == US), None)

    @property
    def also(self) -> list[Due]:
        """What waits for us beside that and has no day: a question of somebody."""
        return [due for due in self.dues if due.waits == US and due.day is None and due is not self.next]

    @property
    def more(self) -> int:
        """How much else has a day, beside what comes next."""
        return max(sum(due.day is not None for due in self.dues) - 1, 0)

    def late(self, now: datetime) -> list[Due]:
        """What is overdue."""
        return [due for due in self.dues if due.is_late(now)]

    def waits_for(self, whom: str) -> list[Due]:
        """What waits for us, or for others."""
        return [due for due in self.dues if due.waits == whom]


_FAR = date.max


def in_order(dues: Iterable[Due]) -> tuple[Due, ...]:
    """The soonest first; of one day what has an hour first; what has no day at the end."""
    return tuple(sorted(dues, key=_when))


def _when(due: Due) -> tuple[date, float, str, int]:
    at = due.at.timestamp() if due.at is not None else float("inf")
    return due.day or _FAR, at, due.kind, due.number


def sorted_by_due(lines: Iterable[Line]) -> list[Line]:
    """Whoever has the soonest thing first, so what is late comes before all; whoever has nothing last, by number."""

    def key(line: Line) -> tuple[date, float, bool, int]:
        first = next((due for due in line.dues if due.day is not None), None)
        day, at = (_when(first)[:2]) if first is not None else (_FAR, float("inf"))
        return day, at, not line.waits_for(US), line.resident_id

    return sorted(lines, key=key)


@dataclass(frozen=True)
class Filters:
    """What is shown of a caseload. `whose` is `mine`, `organisation` or the number of a colleague; empty is everything."""

    whose: str = "mine"
    due: str = ""
    waiting: str = ""
    help: str = ""
    language: str = ""
    ward: str = ""

    @classmethod
    def read(
        cls, given: Mapping[str, str], *, colleagues: Collection[int] = (), wards: Collection[str] = ()
    ) -> Filters:
        """The filters of an address or of a view. What is not known is left out, whatever it was."""
        known: Mapping[str, Collection[str]] = {
            "whose": {*WHOSE, *map(str, colleagues)},
            "due": DUE,
            "waiting": WAITING,
            "help": HELPS,
            "language": LANGUAGES,
            "ward": wards,
        }
        found = {name: given.get(name, "") for name in known}
        return cls(**{name: value for name, value in found.items() if value in known[name]})

    @property
    def chosen(self) -> dict[str, Any]:
        """What differs from everything of mine, always in the same order: the parts of an address."""
        values = {one.name: str(getattr(self, one.name)) for one in fields(self)}
        return {name: value for name, value in values.items() if value and (name, value) != ("whose", "mine")}

    @property
    def line(self) -> str:
        """The same as one line, as a view is kept."""
        return urlencode(self.chosen)

    @property
    def colleague_id(self) -> int | None:
        """The colleague whose people are asked for."""
        return int(self.whose) if self.whose.isdigit() else None

    def takes(self, line: Line, now: datetime) -> bool:
        """True for a person who fits all that was chosen."""
        return (
            (not self.due or self.takes_due(line.dues, now))
            and (not self.waiting or bool(line.waits_for(self.waiting)))
            and (not self.help or self.help in line.helps)
            and (not self.language or self.language in {line.spoken, line.read})
            and (not self.ward or self.ward == line.ward)
        )

    def takes_due(self, dues: Sequence[Due], now: datetime) -> bool:
        """True where these things fit the chosen time. What is late is neither of today nor of the week."""
        if not self.due:
            return True
        late = [due for due in dues if due.is_late(now)]
        days = [due.day for due in dues if due.day is not None and due not in late]
        today = now.astimezone(LONDON).date()
        if self.due == "late":
            return bool(late)
        if self.due == "today":
            return today in days
        if self.due == "week":
            return any(today <= day < today + WEEK for day in days)
        return not late and not days


@dataclass
class Gathered:
    """What was found about each person, while it is put together."""

    dues: dict[int | None, list[Due]] = field(default_factory=dict)
    helps: dict[int, set[str]] = field(default_factory=dict)

    def add(self, *dues: Due) -> None:
        """Put each with its person."""
        for due in dues:
            self.dues.setdefault(due.resident_id, []).append(due)


# Enough of a code to tell two people apart, too little to open anything with it.
LAST_SIGNS = 4


def told_apart(names: Mapping[int, str], codes: Mapping[int, str]) -> dict[int, str]:
    """The end of the code of whoever is called like another of these, by their numbers."""
    plain = {number: plain_name(name) for number, name in names.items() if name}
    many = Counter(plain.values())
    return {number: codes[number][-LAST_SIGNS:] for number, name in plain.items() if many[name] > 1}


def first_name(name: str) -> str:
    """The first word of a name, as it stands on a sheet of paper."""
    return (name.split() or [""])[0]


def initials(name: str) -> str:
    """The first sign of each word of a name, four at most. In a script without capitals they are as written."""
    return " ".join(f"{word[0].upper()}." for word in name.split()[:4] if word[0].isalnum())


def looks_for(sheet_made_at: datetime, *, destroyed: bool, now: datetime) -> bool:
    """True when a sheet is asked after: a week has passed and nobody said that it is destroyed."""
    return not destroyed and now - sheet_made_at >= SHEET_ASKED_AFTER


def may_print(sheet_made_at: datetime, *, destroyed: bool, now: datetime) -> bool:
    """True on the day it was made, until it is destroyed: the same sheet may be printed again."""
    made, today = (moment.astimezone(LONDON).date() for moment in (sheet_made_at, now))
    return made == today and not destroyed
