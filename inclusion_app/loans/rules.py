"""Who gets a device next, why, and about when; until when it is lent; what has to be clean: the leaflet of the scheme. Pure.

Nobody pays anything: no deposit, no fine, no debt. No papers, bank account, fixed address or e-mail is never a reason to
refuse. A moment is aware, a day is a day in Europe/London.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from heapq import heapify, heappop, heappush
from math import ceil, floor, inf

from inclusion_app.core.answer_hours import after_open_hours
from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.codes import plain_digits
from inclusion_app.core.words import N_
from inclusion_app.core.working_days import working_days_after

# --- what there is

KINDS: Mapping[str, str] = {
    "laptop": N_("Laptop"),
    "tablet": N_("Tablet"),
    "phone": N_("Phone"),
    "hub": N_("Wi-Fi box"),
    "sim": N_("SIM card with data"),
}
FEATURES: Mapping[str, str] = {
    "camera": N_("Has a camera"),
    "big_screen": N_("Big screen"),
    "touch": N_("You can touch the screen"),
    "keyboard": N_("Has a keyboard"),
    "data": N_("Comes with data"),
    "screen_reader": N_("Can read the screen to you"),
}
PURPOSES: Mapping[str, str] = {
    "learn": N_("To learn or for school"),
    "work": N_("To find work or for work"),
    "benefits": N_("For benefits, housing or the Home Office"),
    "health": N_("For my health or the GP"),
    "family": N_("To talk to family and friends"),
    "bank": N_("To shop or for the bank"),
    "other": N_("For something else"),
}
WHOM: Mapping[str, str] = {
    "me": N_("Me"),
    "child": N_("My child"),
    "household": N_("My home"),
    "other": N_("Somebody I help"),
}
# How a device is set before it is handed over.
SETTINGS: Mapping[str, str] = {
    "large_text": N_("Large text"),
    "screen_reader": N_("A voice that reads the screen"),
    "high_contrast": N_("Strong colours"),
    "captions": N_("Words under films"),
    "own_language": N_("In my language"),
    "slow_keys": N_("Keys that wait until I press longer"),
}
FITNESS: Mapping[str, str] = {
    "intake": N_("New here"),
    "wiping": N_("To be wiped"),
    "testing": N_("To be tested"),
    "ready": N_("Ready"),
    "quarantine": N_("Came back"),
    "repair": N_("In repair"),
    "missing": N_("Missing"),
    "retired": N_("Retired"),
}
# After NIST SP 800-88 Rev. 2 (2025): clear, purge (by cryptographic erase too). A phone or hub is reset while encrypted.
WIPE_METHODS: Mapping[str, str] = {
    "clear": N_("Clear: all storage written over"),
    "purge": N_("Purge: the drive’s own erase"),
    "crypto_erase": N_("Purge: the key of an encrypted drive destroyed"),
    "encrypted_reset": N_("Reset of an encrypted device"),
}
CAUSES: Mapping[str, str] = {
    "lost": N_("Lost"),
    "stolen": N_("Stolen"),
    "left_home": N_("Had to leave home without it"),
    "broken": N_("Broken beyond use"),
    "no_contact": N_("We cannot reach them"),
}

# --- numbers that check themselves


def luhn_holds(digits: str) -> bool:
    """True when the last digit is the right one (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_imei(text: str) -> bool:
    """Fifteen digits with the right check digit (3GPP TS 23.003, 6.2)."""
    return len(text) == 15 and text.isascii() and text.isdigit() and luhn_holds(text)


def is_iccid(text: str) -> bool:
    """Nineteen or twenty digits that begin with 89; of nineteen the last one checks the others (ITU-T E.118)."""
    known = text.isascii() and text.isdigit() and text.startswith("89")
    return known and (len(text) == 20 or (len(text) == 19 and luhn_holds(text)))


# Why a machine leaves the pool for good. What a repair, a loss or a gift ends stands there with its own word.
RETIRED_FOR: Mapping[str, str] = {
    "too_old": N_("Too old: no more updates"),
    "recycled": N_("Recycled"),
    "given_back": N_("Back to its owner"),
    "for_parts": N_("Taken apart for parts"),
    "mistake": N_("Written down by mistake"),
}
CONDITIONS: Mapping[str, str] = {
    "A": N_("As new"),
    "B": N_("Good, small marks"),
    "C": N_("Works, clear marks"),
    "D": N_("Works, with a fault that is known"),
}
# Why a machine is wiped before the days somebody has to come back for a file are over.
WIPED_EARLY: Mapping[str, str] = {
    "has_files": N_("They have all their files"),
    "said_yes": N_("They said we may wipe it"),
    "other_danger": N_("A virus, or somebody else could read it"),
}
SIM_STATES: Mapping[str, str] = {
    "stock": N_("In stock"),
    "out": N_("With somebody"),
    "ended": N_("Ended"),
    "lost": N_("Lost"),
}

# --- tags and marks

TAG_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# As the last sign of a tag these are taken for figures; a number that would end so is passed over.
MISREAD = "BIOSZ"
TAG_NUMBERS = 99_999
TAG = re.compile(r"([A-Z]{2,3})-?([0-9]{5})([0-9A-Z])")
# A tag some other scheme or donor gave, brought in with a file.
ANY_TAG = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")
TAG_LENGTH = 12
SERIAL = re.compile(r"[A-Z0-9][A-Z0-9./_-]{2,39}")


def check_sign(signs: str) -> str:
    """The sign that finds every single wrong one and nearly every swap of two (ISO 7064, MOD 37,36)."""
    rest = 36
    for sign in signs:
        rest = (rest + TAG_SIGNS.index(sign)) % 36 or 36
        rest = rest * 2 % 37
    return TAG_SIGNS[(37 - rest) % 36]


def tag_of(prefix: str, number: int) -> str | None:
    """The tag of this number: letters, five figures and the check sign. None for a number that is passed over."""
    sign = check_sign(f"{prefix}{number:05d}")
    return None if sign in MISREAD else f"{prefix}-{number:05d}{sign}"


def plain_mark(typed: str) -> str:
    """A mark as it is stored: capitals without spaces, in the letters and figures of any keyboard."""
    return "".join(plain_digits(typed[:200]).upper().split())


def marks_in(typed: str) -> list[str]:
    """What a typed or scanned text may stand for, the likeliest first: the tag in an address, a tag, a serial number."""
    text = plain_mark(typed)
    found = re.search(r"/D/([A-Z0-9-]{3,12})(?:[/?#]|$)", text)
    if found:
        return [found[1]]
    marks = [text]
    tag = TAG.fullmatch(text)
    if tag:
        marks.append(f"{tag[1]}-{tag[2]}{tag[3]}")
        marks.append(marks[-1][:-1] + tag[3].translate(str.maketrans("BIOSZ", "81052")))
    if text.startswith("S"):
        marks.append(text[1:])  # bar codes of some makers say S before the serial number
    figures = re.sub(r"[-./]", "", text)
    if figures.isdigit():
        marks.append(figures)
    return list(dict.fromkeys(mark for mark in marks if mark))


# --- the queue

# Why somebody comes sooner. Each is a yes or a no that is looked at and not kept.
REASONS: Mapping[str, str] = {
    "no_device": N_("No phone, tablet or computer at home that works"),
    "deadline": N_("A date soon, such as a benefit claim or a college place"),
    "disability": N_("An illness or disability that makes it hard to go out"),
    "children": N_("Children at home who need it for school"),
    "unsafe": N_("Left home because it was not safe, or has no home"),
}
POINTS: Mapping[str, int] = {"no_device": 8, "deadline": 6, "disability": 4, "children": 4, "unsafe": 6}
# Each whole week of waiting; so everybody's turn comes.
POINTS_A_WEEK = 1


def points_of(answers: Collection[str], points: Mapping[str, int]) -> int:
    """The sum of what is true. One more reason never takes anything away."""
    return sum(max(0, points.get(reason, 0)) for reason in set(answers) if reason in REASONS)


@dataclass(frozen=True)
class Entry:
    """A request in the queue: points of its reasons, since when it waits, its pool, and whether a person put it first."""

    request_id: int
    points: int
    waits_since: datetime
    pool: int | None = None
    is_put_first: bool = False


def total_points(entry: Entry, now: datetime) -> int:
    """With the weeks it has waited."""
    return entry.points + POINTS_A_WEEK * max(0, (now - entry.waits_since) // timedelta(weeks=1))


def in_order(entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """One pool in its order: who was put first, then most points, then who has waited longest. No two are alike."""
    return sorted(
        entries,
        key=lambda one: (not one.is_put_first, -total_points(one, now), one.waits_since, one.request_id),
    )


@dataclass(frozen=True)
class Share:
    """A pool of a quota: its share of a hundred, and how many devices it had in the last months."""

    pool: int | None
    share: int
    given: int


def queue_order(entries: Sequence[Entry], shares: Sequence[Share], now: datetime) -> list[Entry]:
    """All pools together: each next device goes to the pool that is furthest behind its share and still waits.

    Whom a person put first comes before all of them. Within a pool nobody is ever moved. Pools that nobody waits in are
    passed over. A pool of no share gets what the others leave: `shares` need not hold it.
    """
    found: list[Entry] = []
    queues: dict[int | None, list[Entry]] = {}
    for entry in in_order(entries, now):
        if entry.is_put_first:
            found.append(entry)
        else:
            queues.setdefault(entry.pool, []).append(entry)
    known = {one.pool: one for one in shares}
    left = max(0, 100 - sum(one.share for one in shares if one.pool is not None))
    share = {pool: known[pool].share if pool in known and pool is not None else left for pool in queues}
    given = {pool: known[pool].given if pool in known else 0 for pool in queues}
    for entry in found:
        if entry.pool in given:
            given[entry.pool] += 1
    for queue in queues.values():
        queue.reverse()  # the first is popped from the end

    def next_turn(pool: int | None) -> tuple[float, int, datetime, int]:
        """The pool whose next device would leave it least over its share; of two alike the one whose first is before."""
        first = queues[pool][-1]
        over = (given[pool] + 1) / share[pool] if share[pool] else inf
        return over, -total_points(first, now), first.waits_since, first.request_id

    # Only the pool that was served has another next turn.
    turns = [(next_turn(pool), pool) for pool in queues]
    heapify(turns)
    while turns:
        _turn, pool = heappop(turns)
        found.append(queues[pool].pop())
        given[pool] += 1
        if queues[pool]:
            heappush(turns, (next_turn(pool), pool))
    return found


# Handed over in this many weeks: the pace the wait is reckoned from.
PACE_WEEKS = 13


def weeks_to_wait(before: int, handed_over: int, ready: int = 0) -> tuple[int, int] | None:
    """From how many to how many weeks, with so many before and so many handed over in PACE_WEEKS. None: nobody knows.

    For whom one of those that are `ready` is left, it is a week at most.
    Nobody can say a date: devices come back late, and gifts come when they come. So the pace may be half as quick again,
    or half as slow.
    """
    before -= ready
    if before < 0:
        return 0, 1
    if handed_over <= 0:
        return None
    weeks = (before + 1) * PACE_WEEKS / handed_over
    return max(0, floor(weeks / 1.5)), max(1, ceil(weeks * 1.5))


# --- until when

LADDER: Sequence[tuple[int, str]] = (
    (-7, "sms"), (-1, "sms"), (1, "sms"), (7, "letter"), (14, "call"),
)  # fmt: skip


def due_day(issued_on: date, days: int, open_days: Collection[date]) -> date:
    """So many days on, or the first day after that on which the place is open. Raises ValueError when there is none."""
    wanted = issued_on + timedelta(days=days)
    return min(day for day in open_days if day >= wanted)


def why_not_renew(
    *, renewals: int, most: int, somebody_waits: bool, is_active: bool, has_asked_today: bool
) -> str | None:
    """A code of NOT_RENEWED, or None when it can be kept longer."""
    if not is_active:
        return "over"
    if renewals >= most:
        return "most"
    if somebody_waits:
        return "waited_for"
    return "asked" if has_asked_today else None


NOT_RENEWED: Mapping[str, str] = {
    "over": N_("This loan is over."),
    # How often is a setting of each scheme: no number stands here.
    "most": N_("We cannot lend it to you for longer. Let us find a way for you to have one of your own."),
    "waited_for": N_("Somebody waits for one. So we need it back."),
    "asked": N_("You asked today already."),
}

# --- asking

# A request that has not ended: it waits for somebody, or for its device.
LIVE = ("draft", "submitted", "need_info", "approved", "queued", "offered")
# A home may need more than one; nobody fills the queue alone.
MOST_AT_ONCE = 5
# What somebody is told before they send it. A wording that was used stays here: requests name it.
WORDINGS: Mapping[str, tuple[str, ...]] = {
    "2026-11": (
        N_("The people who lend devices may read what you say here."),
        N_("They use it only to lend you a device."),
        N_("We delete your reasons 90 days after your request ends."),
        N_("You can take your request back at any time."),
    ),
}
WORDING = "2026-11"

# --- figures

# With nobody for so many days a machine lies idle.
IDLE_DAYS = 60
# Sums of answers are rounded down to it, and what is smaller is not shown.
SMALLEST_SUM = 5

# --- repair

# What is wrong with a machine. In the safety check, at a return, and where somebody says that it is broken.
FAULTS: Mapping[str, str] = {
    "screen": N_("The screen"),
    "battery": N_("The battery"),
    "cable": N_("The cable or the plug"),
    "case": N_("The case"),
    "keyboard": N_("The keys or the mouse"),
    "no_start": N_("It does not start"),
    "slow": N_("It is very slow"),
    "sound": N_("The sound"),
    "camera": N_("The camera"),
    "wifi": N_("It does not get online"),
    "liquid": N_("It got wet"),
    "system": N_("Its programs"),
    "other": N_("Something else"),
}
# What came of a repair, and what the machine is after it. None: as its last wipe says.
RESULTS: Mapping[str, str] = {
    "mended": N_("Mended"),
    "new_drive": N_("Mended, with another drive"),
    "no_fault": N_("No fault found"),
    "not_worth_it": N_("Not worth mending"),
    "for_parts": N_("Taken apart for parts"),
    "unsafe": N_("Not safe, recycled"),
}
AFTER_REPAIR: Mapping[str, str | None] = {
    "mended": None,
    "new_drive": "wiping",
    "no_fault": None,
    "not_worth_it": "retired",
    "for_parts": "retired",
    "unsafe": "retired",
}


def after_repair(result: str, *, wiped_at: datetime | None, returned_at: datetime | None) -> str:
    """The fitness after a repair: a machine not wiped since it last came back goes back to quarantine, for its hold."""
    fixed = AFTER_REPAIR[result]
    if fixed is not None:
        return fixed
    is_wiped = wiped_at is not None and (returned_at is None or wiped_at > returned_at)
    return "testing" if is_wiped else "quarantine"


# --- decisions: what is asked for, why not, and the ways on

# What a coordinator asks before they decide: ready-made, so that everybody reads it in their language.
QUESTIONS: Mapping[str, str] = {
    "talk": N_("Please talk to us. We want to find the right device for you."),
    "which": N_("Which device would help you most?"),
    "reach": N_("How can we reach you?"),
    "where": N_("Where can you fetch it? Or should we bring it?"),
    "settings": N_("How should we set it up for you?"),
    "still_wanted": N_("Do you still want to borrow a device?"),
}
# A question that nobody answers so long ends the request. Who still wants a device asks again.
ANSWER_DAYS = 30
# Never for want of papers, a bank account, a fixed address or an e-mail address.
DECLINED: Mapping[str, str] = {
    "no_stock": N_("We do not have such a device to lend."),
    "has_one": N_("You have one from us already."),
    "asked_twice": N_("You asked twice. Your first request stays."),
    "not_here": N_("These devices are for people of another area."),
    "other_way": N_("There is a better way for you than to borrow."),
    "no_contact": N_("We could not reach you."),
}
# Where somebody goes instead; a way is never nothing.
WAYS_ON: Mapping[str, str] = {
    "use_there": N_("You can use a computer for free at a library."),
    "phone_us": N_("Phone us. We look for another way with you."),
    "ask_again": N_("You can ask again at any time."),
    "data_bank": N_("A data bank gives free SIM cards with data."),
}
WAYS_ON_FROM: Mapping[str, tuple[str, ...]] = {
    "no_stock": ("use_there", "data_bank", "ask_again"),
    "has_one": ("phone_us",),
    "asked_twice": ("phone_us",),
    "not_here": ("use_there", "phone_us"),
    "other_way": ("phone_us", "use_there"),
    "no_contact": ("ask_again", "phone_us"),
}

# --- offers

# A day of answered hours (core.answer_hours): an offer of five days runs five working days.
DAY_HOURS = 8
# A letter is printed and carried; who has no way to be told has to look for themselves.
LONGER_BY: Mapping[str, int] = {"letter": 4, "none": 4}
# Somebody who said yes fetches it within so many working days; after a time that was set, within one more.
FETCH_DAYS, AFTER_SLOT_DAYS = 10, 1
# Who said "not now, but keep my place" is not asked again before.
REST = timedelta(days=7)
# An offer nobody answered goes back to the queue so often; then a person decides.
LAPSES = 1
SLOT = timedelta(minutes=30)
# So many fetch at once, at one place; so far ahead; and never sooner than the device can be set.
SLOT_SEATS, SLOT_DAYS, SLOT_LEAD = 2, 14, timedelta(hours=3)
# What lies at another place has to be taken to where it is fetched: nobody is asked to come before so many working days.
CARRY_DAYS = 2


def first_slot(now: datetime, *, is_there: bool, holidays: Collection[date]) -> datetime:
    """From when on a device can be fetched: where it lies, after SLOT_LEAD; elsewhere, from CARRY_DAYS working days on."""
    soon = now + SLOT_LEAD
    if is_there:
        return soon
    return max(soon, moment(working_days_after(now.astimezone(LONDON).date(), CARRY_DAYS, holidays), time()))


def offer_ends(made_at: datetime, *, days: int, hears_by: str, holidays: Collection[date]) -> datetime:
    """Until when an offer is kept: so many working days on, more for who hears of it late. It ends when somebody answers."""
    return after_open_hours(made_at, (days + LONGER_BY.get(hears_by, 0)) * DAY_HOURS, holidays)


# --- what changed, the way on, data and how it goes

# Some weeks after a device or SIM somebody is asked how it goes.
FOLLOW_UP = timedelta(weeks=4)
CHANGED: Mapping[str, str] = {
    "found_work": N_("I found work or learn for it"),
    "money": N_("I get money or help that I could not get before"),
    "school": N_("Somebody at home learns better"),
    "in_touch": N_("I am in touch with people more"),
    "health": N_("I look after my health online"),
    "alone": N_("I do things online on my own now"),
    "safer": N_("I feel safer online"),
    "nothing": N_("Nothing changed"),
}
# After the last renewal: how somebody comes to a device of their own. Which step of a plan says how, where there is one.
WAYS_TO_OWN: Mapping[str, tuple[str, str]] = {
    "gift": (N_("Ask us if you can keep this one for good. It costs nothing."), ""),
    "device_bank": (N_("A device bank gives away devices. We can ask one for you."), "A1"),
    "social_tariff": (N_("A social tariff is cheaper internet for people on some benefits."), "A4"),
    "course": (N_("Some courses lend or give you a device while you learn."), ""),
}
# When a SIM stops having data soon: so many days before.
DATA_WARNED = (14, 3)


def reminders_due(due_on: date, issued_on: date, today: date) -> tuple[int, str] | None:
    """The step of the ladder for today, or None. What was missed is not made up for when the next one is there.

    A loan that began after the day of a step is not reminded by it, and the last one stands for two weeks.
    """
    steps = [*LADDER, (LADDER[-1][0] + 14, "")]
    for (days, way), (then, _next) in zip(steps, steps[1:], strict=False):
        begins, ends = due_on + timedelta(days=days), due_on + timedelta(days=then)
        if begins <= today < ends and issued_on < begins:
            return days, way
    return None


def is_overdue(due_on: date, today: date) -> bool:
    """The day has passed. Nothing of it is stored."""
    return due_on < today
