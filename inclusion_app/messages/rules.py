"""How somebody may be told something: which route, at which hour, how often it is tried. Pure.

A safe-contact rule protects people who live with somebody they are afraid of. So whatever in it cannot be read means
no, and what is not allowed is never tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
CHANNELS = ("email", "sms", "letter", "call")
# What a route somebody chose comes down to. A caseworker tells them at the next meeting: a call task without a number.
CHANNEL_OF = {"email": "email", "sms": "sms", "letter": "letter", "call": "call", "caseworker": "call"}
BY_HAND = frozenset({"letter", "call"})
BY_WIRE = frozenset({"email", "sms"})

CLAIM = timedelta(minutes=2)
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
TRIES = len(BACK_OFF) + 1
UNTOUCHED_DAYS = 2  # working days
JOB_LATE = timedelta(minutes=10)

# Why a message was not sent is kept as a code (see staff_words.FAULTS): a provider's own words may repeat the address.
NO_SAFE_ROUTE = "no safe route"
TAKEN_BACK = "taken back"
# Who keeps no plan said nothing of hours; nobody's phone is to ring at night.
AWAKE = (time(8), time(21))
# How a letter or a call ended (see staff_words.OUTCOMES). Only `REACHED` ones were told.
OUTCOMES_OF = {
    "letter": ("posted", "wrong_number", "could_not"),
    "call": ("spoke", "no_answer", "wrong_number", "could_not"),
}
REACHED = frozenset({"posted", "spoke"})


@dataclass(frozen=True)
class Route:
    """One way to reach somebody: `kind` as they chose it, `value` a number or an address; None for none."""

    kind: str
    value: str | None = None

    @property
    def channel(self) -> str:
        """By what it goes out."""
        return CHANNEL_OF[self.kind]


@dataclass(frozen=True)
class SafeContact:
    """How not to reach somebody. `hours` is a pair of local wall times; `unreadable` when the rule makes no sense."""

    never_call: bool = False
    no_service_name: bool = False
    no_voicemail: bool = False
    no_letter: bool = False
    hours: tuple[time, time] | None = None
    not_organisations: frozenset[int] = frozenset()
    not_staff: frozenset[int] = frozenset()
    unreadable: bool = False

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> SafeContact:
        """The rule as it is kept with a resident. What cannot be read counts as the strictest."""
        stored = stored or {}
        try:
            hours = stored.get("hours")
            return cls(
                never_call=bool(stored.get("never_call")),
                no_service_name=bool(stored.get("no_service_name")),
                no_voicemail=bool(stored.get("no_voicemail")),
                no_letter=bool(stored.get("no_letter")),
                hours=_hours(hours) if hours else None,
                not_organisations=frozenset(int(number) for number in stored.get("not_organisations") or ()),
                not_staff=frozenset(int(number) for number in stored.get("not_staff") or ()),
            )
        except (TypeError, ValueError, AttributeError):
            return cls(True, True, True, True, unreadable=True)


def _hours(pair: Any) -> tuple[time, time]:
    since, until = (time.fromisoformat(text) for text in pair)
    if since == until or since.tzinfo or until.tzinfo:
        raise ValueError("no hours at all")
    return since, until


@dataclass(frozen=True)
class Through:
    """Who would post the letter or make the call: an organisation the person shares their contact with, or nobody."""

    organisation_id: int | None = None
    has_consent: bool = False


@dataclass(frozen=True)
class Wanted:
    """What is to be told: by which channels it makes sense at all, and whether its words must name the service.

    A link does: its address is the service's own.
    """

    channels: Collection[str] = CHANNELS
    names_service: bool = False
    not_to: frozenset[tuple[str, str | None]] = field(default_factory=frozenset)


def choose_route(
    routes: Sequence[Route],
    rule: SafeContact,
    *,
    channels: Collection[str],
    through: Through,
    wanted: Wanted,
) -> Route | None:
    """The first route, in the person's own order, that is set up and that their rule allows; None when there is none.

    `channels` are those this instance has. Nothing is guessed: who gave no route is not written to.
    """
    for route in routes:
        if route.channel in channels and is_allowed(route, rule, through=through, wanted=wanted):
            return route
    return None


def is_allowed(route: Route, rule: SafeContact, *, through: Through, wanted: Wanted) -> bool:
    """Whether this message may take this route."""
    if rule.unreadable or route.channel not in wanted.channels or (route.kind, route.value) in wanted.not_to:
        return False
    if route.kind != "caseworker" and not route.value:
        return False
    if rule.no_service_name and wanted.names_service and route.channel in BY_WIRE:
        return False
    if (route.kind == "call" and rule.never_call) or (route.kind == "letter" and rule.no_letter):
        return False
    if route.channel in BY_HAND:
        return (
            through.organisation_id is not None
            and through.has_consent
            and through.organisation_id not in rule.not_organisations
        )
    return True


def may_send_at(rule: SafeContact, now: datetime) -> bool:
    """True when a message or call may reach the person at this instant (`now` is aware). Letters keep no hours."""
    if rule.unreadable:
        return False
    if rule.hours is None:
        return True
    since, until = rule.hours
    wall = now.astimezone(LONDON).time()
    if since < until:
        return since <= wall < until
    return wall >= since or wall < until  # over midnight


def next_time_to_send(rule: SafeContact, now: datetime) -> datetime:
    """The first instant from `now` on at which the person may be reached.

    A wall time that a change of clocks leaves out comes on the next day. Raises ValueError for an unreadable rule.
    """
    if may_send_at(rule, now):
        return now
    if rule.unreadable or rule.hours is None:
        raise ValueError("no hour is right under a rule that cannot be read")
    day = now.astimezone(LONDON).date()
    for later in range(4):
        begin = datetime.combine(day + timedelta(days=later), rule.hours[0], LONDON).astimezone(UTC)
        if begin >= now and may_send_at(rule, begin):
            return begin
    raise ValueError("these hours never come")


def next_try(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many tries that failed; None after the sixth: then a person must look."""
    return now + BACK_OFF[tries - 1] if tries < TRIES else None


def reference_of(key: str) -> str:
    """What a message is called outside: the same for each try, so that a provider can tell a repeat. Says nothing."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def plain_number(text: str) -> str:
    """A British or international phone number as bare digits with the country in front, to compare two of them."""
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if digits.startswith("00"):
        return digits[2:]
    return f"44{digits[1:]}" if digits.startswith("0") else digits
