"""How a person is passed from one agency to another without getting lost: the leaflet of referrals. Pure.

Who may do what, and when, is one table (MOVES) and nothing else. A moment is aware, a day is a day in Europe/London; the
clocks run in working days, from nine to five, without bank holidays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

from inclusion_app.core.answer_hours import CLOSES, OPENS, after_open_hours, after_open_time
from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.lifecycle import Lifecycle
from inclusion_app.core.words import N_
from inclusion_app.core.working_days import is_working, working_days_after

# --- states

STATES: Mapping[str, str] = {
    "draft": N_("Not sent yet"),
    "sent": N_("Sent"),
    "acknowledged": N_("Seen"),
    "needs_info": N_("They asked something"),
    "accepted": N_("Accepted"),
    "waitlisted": N_("On a waiting list"),
    "active": N_("Being helped"),
    "closed": N_("Ended"),
    "declined": N_("Said no"),
    "rerouted": N_("A better service was named"),
    "recalled": N_("Taken back by the sender"),
    "withdrawn": N_("Taken back by the person"),
    "lapsed": N_("Nobody answered"),
}
# The same for the person whom it is about, who never saw a form of ours.
STATES_FOR_RESIDENT: Mapping[str, str] = {
    "draft": N_("It is not sent yet."),
    "sent": N_("We asked them. They have not looked yet."),
    "acknowledged": N_("They are looking at it."),
    "needs_info": N_("They asked your helper something."),
    "accepted": N_("They said yes. They will contact you."),
    "waitlisted": N_("You are on their waiting list."),
    "active": N_("They are helping you."),
    "closed": N_("It has ended."),
    "declined": N_("They said no. Your helper looks for another way."),
    "rerouted": N_("They named somebody better. Your helper asks you first."),
    "recalled": N_("Your helper took it back."),
    "withdrawn": N_("You took it back."),
    "lapsed": N_("Nobody answered. Your helper looks for another way."),
}
# Of somebody who was only told where to go: nothing was sent, so nobody there looks at anything. Else it is said as above.
STATES_SIGNPOSTED: Mapping[str, str] = {"sent": N_("Told where to go")}
STATES_SIGNPOSTED_FOR_RESIDENT: Mapping[str, str] = {
    "sent": N_("Your helper told you about it. Nothing was sent."),
}
# Where no organisation sent it, no helper looks on: nobody is promised one.
STATES_ALONE_FOR_RESIDENT: Mapping[str, str] = {
    "declined": N_("They cannot help with this. We are sorry. You can look for another service."),
    "rerouted": N_("They know somebody who can help you better. You can ask them who it is."),
    "lapsed": N_("Nobody answered. We are sorry. You can look for another service."),
}
# They said yes, but were not told how to reach the person: nobody is promised a call that cannot come.
ACCEPTED_UNREACHED = N_(
    "They said yes. You did not share how to reach you. Please contact them, or ask your helper."
)
ACCEPTED_UNREACHED_ALONE = N_("They said yes. You did not share how to reach you. Please contact them.")


def state_words(status: str, mode: str) -> str:
    """How a referral of this mode stands, as its staff read it (N_)."""
    own = STATES_SIGNPOSTED.get(status) if mode == "signposted" else None
    return own or STATES[status]


def state_words_for_resident(status: str, mode: str, *, has_sender: bool, can_be_reached: bool) -> str:
    """The same as the person reads it whom it is about (N_)."""
    if mode == "signposted":
        return {**STATES_FOR_RESIDENT, **STATES_SIGNPOSTED_FOR_RESIDENT}[status]
    if status == "accepted" and not can_be_reached:
        return ACCEPTED_UNREACHED if has_sender else ACCEPTED_UNREACHED_ALONE
    alone = {} if has_sender else STATES_ALONE_FOR_RESIDENT
    return alone.get(status) or STATES_FOR_RESIDENT[status]


# While one of these holds, whoever received it sees what was shared. At any other time they see nothing.
OPEN = frozenset({"sent", "acknowledged", "needs_info", "accepted", "waitlisted", "active"})
LIVE = OPEN | {"draft"}
# Ends after which whoever sent it has to do something for the person.
DEAD_ENDS = frozenset({"declined", "rerouted", "lapsed"})

# --- who may do what, when

SENDER, RECEIVER, RESIDENT, STRANGER, CLOCK = "sender", "receiver", "resident", "stranger", "clock"


@dataclass(frozen=True)
class Move:
    """One thing that may be done: who does it, in which states, and which state follows. `to` is empty where it goes back."""

    actor: str
    action: str
    states: frozenset[str]
    to: str


def _move(actor: str, action: str, states: str, to: str) -> Move:
    return Move(actor, action, frozenset(states.split()), to)


# Actor × state × action. Nothing else changes the state of a referral.
MOVES: tuple[Move, ...] = (
    _move(SENDER, "send", "draft", "sent"),
    _move(STRANGER, "confirm", "draft", "sent"),
    _move(RECEIVER, "acknowledge", "sent", "acknowledged"),
    _move(RECEIVER, "ask", "acknowledged accepted", "needs_info"),
    _move(SENDER, "answer", "needs_info", ""),  # back to where it was asked
    _move(RECEIVER, "found_out", "needs_info", ""),  # the person rang, say: nobody has to wait for an answer
    _move(RECEIVER, "accept", "sent acknowledged waitlisted", "accepted"),
    _move(RECEIVER, "waitlist", "sent acknowledged", "waitlisted"),
    _move(RECEIVER, "decline", "sent acknowledged", "declined"),
    _move(RECEIVER, "reroute", "sent acknowledged", "rerouted"),
    _move(RECEIVER, "begin", "accepted", "active"),
    _move(RECEIVER, "close", "active", "closed"),
    _move(RECEIVER, "reopen", "closed", "active"),
    _move(SENDER, "reopen", "closed", "active"),
    _move(SENDER, "recall", "sent acknowledged needs_info waitlisted", "recalled"),
    _move(RESIDENT, "withdraw", " ".join(sorted(LIVE)), "withdrawn"),
    _move(CLOCK, "lapse", "sent acknowledged waitlisted", "lapsed"),
)
# Only pointed at: nothing was shared and nobody received it, so the sender alone asks later and writes down what came of it.
MOVES_SIGNPOSTED: tuple[Move, ...] = (
    _move(SENDER, "send", "draft", "sent"),
    _move(SENDER, "close", "sent", "closed"),
    _move(SENDER, "recall", "sent", "recalled"),
    _move(RESIDENT, "withdraw", "draft sent", "withdrawn"),
)
ACTIONS: Mapping[str, str] = {
    "send": N_("Send it"),
    "confirm": N_("Confirm it"),
    "acknowledge": N_("We have seen it"),
    "ask": N_("Ask the sender something"),
    "answer": N_("Answer"),
    "found_out": N_("We know it now"),
    "accept": N_("Accept"),
    "waitlist": N_("Put on the waiting list"),
    "decline": N_("Say no, with the reason"),
    "reroute": N_("Name a better service"),
    "begin": N_("First contact made"),
    "close": N_("Close with the outcome"),
    "reopen": N_("Open it again"),
    "recall": N_("Take it back"),
    "withdraw": N_("They take it back"),
    "lapse": N_("Nobody answered"),
}
# What ends a question, so that the clock runs on.
ENDS_QUESTION = frozenset({"answer", "found_out"})
# Asked before anybody said yes it may be taken back; asked after that it may not.
ASKED_AFTER_YES = "accepted"


def moves_of(mode: str) -> tuple[Move, ...]:
    """The table for a referral of this mode."""
    return MOVES_SIGNPOSTED if mode == "signposted" else MOVES


def _lifecycle() -> Lifecycle:
    after: dict[str, set[str]] = {state: set() for state in STATES}
    for move in (*MOVES, *MOVES_SIGNPOSTED):
        targets = {move.to} if move.to else {"acknowledged", "accepted"}
        for state in move.states:
            after[state] |= targets
    return Lifecycle("referral", {state: frozenset(targets) for state, targets in after.items()})


LIFECYCLE = _lifecycle()


def leads_to(
    *, actor: str, action: str, state: str, mode: str, asked_from: str = "", has_sender: bool = True
) -> str | None:
    """The state that follows; None where this actor may not do this now. `asked_from` is where a question was asked.

    What came by the public form has no sender who could answer a question (`has_sender`), so none is asked.
    """
    if action == "recall" and state == "needs_info" and asked_from == ASKED_AFTER_YES:
        return None
    if action == "ask" and not has_sender:
        return None
    for move in moves_of(mode):
        if move.actor == actor and move.action == action and state in move.states:
            return move.to or asked_from or None
    return None


def actions_for(
    *, actor: str, state: str, mode: str, asked_from: str = "", has_sender: bool = True
) -> list[str]:
    """What this actor may do now, in the order of the table."""
    stands = {"state": state, "mode": mode, "asked_from": asked_from}
    return [
        move.action
        for move in moves_of(mode)
        if move.actor == actor and leads_to(actor=actor, action=move.action, has_sender=has_sender, **stands)
    ]


def is_done(*, actor: str, action: str, before: str, after: str, mode: str) -> bool:
    """This turn of this actor was this action: a button was pressed twice, and the answer to the first press was lost."""
    return any(
        move.actor == actor and move.action == action and before in move.states and move.to in {"", after}
        for move in moves_of(mode)
    )


def speaks_as(side: str, action: str, *, is_recorded: bool) -> str:
    """As whom somebody does this. Who stands on no record has no page: they say no to whoever talks to them, on either side,
    and it counts as their own. With a record it is theirs alone.
    """
    return RESIDENT if action == "withdraw" and not is_recorded else side


def acts_of(
    side: str, *, is_recorded: bool, state: str, mode: str, asked_from: str = "", has_sender: bool = True
) -> list[str]:
    """What this side may do now, in the order of the table; last to take it back for somebody who stands on no record,
    where the sender may not take it back as their own.
    """
    own = actions_for(actor=side, state=state, mode=mode, asked_from=asked_from, has_sender=has_sender)
    is_theirs = not is_recorded and mode != "signposted" and state in OPEN
    return [*own, "withdraw"] if is_theirs and "recall" not in own else own


# --- what is said about one

MODES: Mapping[str, str] = {
    "signposted": N_("Told them where to go"),
    "cold": N_("Sent their details"),
    "warm": N_("Introduced them"),
}
# The same three as the person reads them, in what is held of them.
MODES_FOR_RESIDENT: Mapping[str, str] = {
    "signposted": N_("You were told where to go"),
    "cold": N_("Your details were sent"),
    "warm": N_("You were introduced"),
}
INTRODUCED: Mapping[str, str] = {
    "together": N_("We went there together"),
    "call": N_("We called together"),
    "video": N_("We met on a screen"),
    "here": N_("They came to us"),
}
URGENCIES: Mapping[str, str] = {"usual": N_("Usual"), "urgent": N_("Urgent: today")}
OUTCOMES: Mapping[str, str] = {
    "got_help": N_("Got help"),
    "partly": N_("Got part of the help"),
    "could_not_contact": N_("Could not be reached"),
    "did_not_attend": N_("Did not come"),
    "not_eligible": N_("This service is not for them"),
    "no_capacity": N_("The service was full"),
    "met_elsewhere": N_("Got help elsewhere"),
    "no_longer_wanted": N_("Did not want it any more"),
    "moved": N_("Moved away"),
    "other": N_("Something else"),
}
# After these the person still lacks what they were sent for.
UNSUCCESSFUL = frozenset(
    {"partly", "could_not_contact", "did_not_attend", "not_eligible", "no_capacity", "other"}
)
DECLINED_FOR: Mapping[str, str] = {
    "not_eligible": N_("The service is not for this person"),
    "no_capacity": N_("The service is full"),
    "out_of_area": N_("They live outside the area"),
    "not_safe": N_("We cannot help safely"),
    "wrong_service": N_("We do not do this"),
    "no_longer_wanted": N_("The person does not want it"),
    "other": N_("Something else"),
}
DECLINED_BY: Mapping[str, str] = {"provider": N_("The service"), "resident": N_("The person")}
REOPENED_FOR: Mapping[str, str] = {
    "came_back": N_("The person came back"),
    "closed_early": N_("It was closed too early"),
    "new_need": N_("Something new came up"),
    "mistake": N_("It was closed by mistake"),
}


def needs_follow_up(state: str, *, outcome: str = "", declined_by: str = "") -> bool:
    """Rule (a), no dead end: True when this end makes a dated task for whoever sent it.

    What the person ended themselves makes none: nobody is followed who said no.
    """
    if state == "declined":
        return declined_by != "resident"
    return state in DEAD_ENDS or (state == "closed" and outcome in UNSUCCESSFUL)


# Working days until whoever sent it has to have found another way.
FOLLOW_UP_DAYS, FOLLOW_UP_DAYS_URGENT = 2, 1


def follow_up_on(ended: date, *, is_urgent: bool, holidays: Collection[date]) -> date:
    """The day of that task."""
    days = FOLLOW_UP_DAYS_URGENT if is_urgent else FOLLOW_UP_DAYS
    return working_days_after(ended, days, holidays)


# Somebody who was told where to go is asked after this many days whether it helped.
FIND_OUT = timedelta(days=14)

# --- clocks

HOURS_A_DAY = CLOSES.hour - OPENS.hour
ACKNOWLEDGE_DAYS, DECIDE_DAYS, CONTACT_DAYS = 2, 5, 10
# Nobody answered: so many working days after its clock ran out it lapses, and a person decides.
LAPSE_DAYS = 5
NUDGES = (50, 80, 100)
CLOCKS: Mapping[str, str] = {
    "acknowledge": N_("Say that you have seen it"),
    "decide": N_("Say yes or no"),
    "contact": N_("Make the first contact"),
    "waitlist": N_("The day you promised"),
}
# Which clock runs in which state. In every other state none does; while a question is open it stands still.
CLOCK_OF: Mapping[str, str] = {
    "sent": "acknowledge",
    "acknowledged": "decide",
    "accepted": "contact",
    "waitlisted": "waitlist",
}


def clock_ends(
    clock: str,
    *,
    since: datetime,
    is_urgent: bool = False,
    holidays: Collection[date],
    promised: date | None = None,
) -> datetime:
    """When this clock has run out. An urgent one is seen the same day: by five, or by five of the next working day where
    it came in when nobody works. A waiting list ends at five on the day that was promised, or the next working day.

    Raises ValueError for a waiting list without a day.
    """
    if clock == "waitlist":
        if promised is None:
            raise ValueError("a place on a waiting list has a day")
        return _closing_of(promised, holidays)
    if clock == "acknowledge" and is_urgent:
        # At least an hour is left: what comes in at ten to five is seen by ten the next morning.
        least = after_open_hours(since, 1, holidays)
        return max(_closing_of(since.astimezone(LONDON).date(), holidays), least)
    days = {"acknowledge": ACKNOWLEDGE_DAYS, "decide": DECIDE_DAYS, "contact": CONTACT_DAYS}[clock]
    return after_open_hours(since, days * HOURS_A_DAY, holidays)


def _closing_of(day: date, holidays: Collection[date]) -> datetime:
    while not is_working(day, holidays):
        day += timedelta(days=1)
    return moment(day, CLOSES)


def worked_between(since: datetime, until: datetime, holidays: Collection[date]) -> timedelta:
    """The time in which somebody works between two moments; nothing when `until` is not later."""
    total, day = timedelta(), since.astimezone(LONDON).date()
    last = until.astimezone(LONDON).date()
    while day <= last:
        if is_working(day, holidays):
            begins, ends = max(since, moment(day, OPENS)), min(until, moment(day, CLOSES))
            total += max(ends - begins, timedelta())
        day += timedelta(days=1)
    return total


def moved_on(due: datetime, *, stopped_at: datetime, now: datetime, holidays: Collection[date]) -> datetime:
    """The end of a clock that stood still while a question was open: as much working time is left as was left then."""
    left = worked_between(stopped_at, due, holidays)
    # One that had run out already is due at once.
    return after_open_time(now, left, holidays) if left else max(due, now)


def began_before(until: datetime, run: timedelta, holidays: Collection[date]) -> datetime:
    """The moment from which so much working time has run until then. Raises ValueError where half a year has not so much."""
    if not run:
        return until
    left, day = run, until.astimezone(LONDON).date()
    for _day in range(183):
        if is_working(day, holidays):
            ends = min(until, moment(day, CLOSES))
            whole = max(ends - moment(day, OPENS), timedelta())
            if left <= whole:
                return ends - left
            left -= whole
        day -= timedelta(days=1)
    raise ValueError("half a year without so much working time")


def nudge_due(*, since: datetime, due: datetime, now: datetime, holidays: Collection[date]) -> int:
    """How much of a clock has run, as the last of NUDGES that is reached: 0, 50, 80 or 100 per cent of its working time."""
    if now >= due:
        return NUDGES[-1]
    whole = worked_between(since, due, holidays)
    if not whole:
        return 0
    run = worked_between(since, now, holidays) * 100 / whole
    return max((nudge for nudge in NUDGES if nudge < 100 and run >= nudge), default=0)


# After so many working days without an answer whoever was asked is reminded; the second time their colleagues are as well.
REMINDED_AFTER = (2, 5)


def reminder_due(*, asked_at: datetime, now: datetime, holidays: Collection[date]) -> int:
    """After how many working days without an answer to a question a reminder is due now: 0, or the last of REMINDED_AFTER."""
    asked = asked_at.astimezone(LONDON).date()
    due = (days for days in REMINDED_AFTER if now >= moment(working_days_after(asked, days, holidays), OPENS))
    return max(due, default=0)


def lapses_at(due: datetime, holidays: Collection[date]) -> datetime:
    """When nobody has answered for so long that a person has to decide."""
    return _closing_of(working_days_after(due.astimezone(LONDON).date(), LAPSE_DAYS, holidays), holidays)


@dataclass(frozen=True)
class Attained:
    """How an organisation kept a clock: how often, half of them within, nine of ten within (hours of work), how many in time."""

    count: int
    median: float
    ninetieth: float
    in_time: int


def attained(hours: Sequence[float], limits: Sequence[float]) -> Attained | None:
    """Median and 90th percentile of what was done. Of what nobody did yet its time so far counts. None without any.

    `hours` and `limits` go together, one pair for each referral.
    """
    if not hours:
        return None
    ranked = sorted(hours)
    half = len(ranked) // 2
    median = ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2
    return Attained(
        count=len(ranked),
        median=median,
        # The nearest rank: a value that somebody really had.
        ninetieth=ranked[ceil(len(ranked) * 0.9) - 1],
        in_time=sum(took <= limit for took, limit in zip(hours, limits, strict=True)),
    )


# --- to whom

NO_SERVICE = N_(
    "Nobody in the directory does this for this person. Ask a colleague, or tell them where to go."
)
ALL_FULL = N_(
    "All services that would help are full, and none keeps a waiting list. Tell them where to go, or ask again later."
)


@dataclass(frozen=True)
class Asks:
    """What a service asks of whoever comes to it. Empty: of everybody."""

    wards: frozenset[str] = frozenset()
    ages: frozenset[str] = frozenset()


def why_not_eligible(asks: Asks, *, ward: str | None, age: str | None) -> str | None:
    """Why this person cannot go there, in words; None when they can. What we do not know keeps nobody out."""
    if asks.wards and ward and ward not in asks.wards:
        return N_("Only for people in other areas.")
    if asks.ages and age and age not in asks.ages:
        return N_("Only for people of another age.")
    return None


def is_full(*, places: int | None, taken: int) -> bool:
    """True where no place is free. A service without a number of places is never full."""
    return places is not None and taken >= places


# --- what is shared

# What whoever receives it may read, item by item; nothing is ticked for anybody. Safeguarding facts are never here.
SHARED: Mapping[str, str] = {
    "identity": N_("Their name, languages, age group and area"),
    "contact": N_("How to reach them, and how not to"),
    "needs": N_("What help they need to take part"),
    "plan": N_("The names of their steps, and which are done"),
}
# Read to the person beside the wording of people.rules, before they say yes to a referral.
GOES_TO = N_("It goes to: %(organisation)s.")
READ_ALOUD: tuple[str, ...] = (
    N_("They see it only while they help you with this."),
    N_("When it ends, they see no more."),
    N_("They also read what your helper writes about what you need."),
    N_("A note goes along only if you say yes to that note."),
)
REASON_SHORTEST, REASON_LONGEST = 10, 1_000
ANSWER_LONGEST = 1_000

# What both sides type about a referral.
WORDS: Mapping[str, str] = {
    "why": N_("What they need"),
    "question": N_("Question"),
    "answer": N_("Answer"),
    "said_no": N_("Why not"),
    "better": N_("Why another service is better"),
    "ended": N_("How it went"),
    "again": N_("Why it is open again"),
}
WORDS_FOR_RESIDENT: Mapping[str, str] = {
    "why": N_("What you need"),
    "question": N_("What they asked your helper"),
    "answer": N_("What your helper answered"),
    "said_no": N_("Why they said no"),
    "better": N_("Why another service is better for you"),
    "ended": N_("How it went"),
    "again": N_("Why it is open again"),
}
# What a service helps with.
HELPS: Mapping[str, str] = {
    "digital": N_("Getting online"),
    "device": N_("A device or data"),
    "course": N_("Courses and groups"),
    "money": N_("Benefits, money and debt"),
    "work": N_("Work"),
    "housing": N_("Housing"),
    "health": N_("Health and wellbeing"),
    "family": N_("Family, safety and company"),
    "law": N_("Immigration and law"),
}

# --- links of partners, and the public form

PARTNER_LINK_LIFE = timedelta(days=14)
PUBLIC_FROM: Mapping[str, str] = {
    "self": N_("Myself"),
    "family": N_("Somebody in my family, or a friend"),
    "jobcentre": N_("I work at a Jobcentre"),
    "health": N_("I work for a GP or in health"),
    "other": N_("I work for somebody else"),
}
# Who refers as their work, of those who say so.
PUBLIC_BY_WORK = frozenset({"jobcentre", "health"})
# Until then it is confirmed, or it goes.
CONFIRM_WITHIN = timedelta(days=3)
PUBLIC_A_DAY_FROM_ONE_NETWORK = 20

# --- notes and tasks

NOTE_EDIT = timedelta(minutes=15)
NOTE_LONGEST = 4_000
NOTE_KINDS: Mapping[str, str] = {
    "visit": N_("Met in person"),
    "call": N_("Phone call"),
    "message": N_("Message"),
    "outreach": N_("Outreach"),
    "other": N_("Other"),
}
TASK_LONGEST = 200
TASK_KINDS: Mapping[str, str] = {
    "own": N_("To do"),
    "another_way": N_("Find another way"),
    "find_out": N_("Ask whether it helped"),
    "take_over": N_("Take this person on"),
}
# What a helper has to do for somebody, as they read it. Their own tasks are not told.
TASKS_FOR_RESIDENT: Mapping[str, str] = {
    "own": N_("Something to do"),
    "another_way": N_("Find another way for you"),
    "find_out": N_("Ask you whether it helped"),
    "take_over": N_("Find a new helper for you"),
}
ATTACHMENT_BYTES = 5_000_000
SHEET_PEOPLE = 20


def may_edit_note(*, is_author: bool, written_at: datetime, now: datetime) -> bool:
    """True in the first fifteen minutes, for who wrote it. After that something is added, and nothing is changed."""
    return is_author and now - written_at < NOTE_EDIT


def note_edit_ends(written_at: datetime) -> datetime:
    """Until when who wrote a note may change it; the same clock as `may_edit_note`."""
    return written_at + NOTE_EDIT


def why_not_due(due_on: date, *, today: date) -> str | None:
    """Why a task cannot be due on this day; None when it can: today, or up to two years ahead."""
    if due_on < today:
        return N_("This day is over.")
    if due_on > today + timedelta(days=2 * 366):
        return N_("This is more than two years ahead.")
    return None


def why_not_happened(happened_on: date, *, today: date) -> str | None:
    """Why a note cannot be of this day; None when it can: today, or up to a year ago."""
    if happened_on > today:
        return N_("This day is still to come.")
    if happened_on < today - timedelta(days=366):
        return N_("This is more than a year ago.")
    return None


# From this answer of the self-check on somebody does it on their own.
ON_THEIR_OWN = 2


@dataclass(frozen=True)
class SmallWins:
    """The outcome measure, question by question and never as a score: what somebody does on their own now and could not at
    first, and what only got easier.
    """

    new: tuple[str, ...]
    easier: tuple[str, ...]


def small_wins(first: Mapping[str, int], latest: Mapping[str, int]) -> SmallWins:
    """Compare the first and the latest answer (0 not yet, 1 with help, 2 on their own, 3 can show others) by question.

    What went down, stayed, or was answered once only is not told: nobody is measured by a bad day.
    """
    better = [name for name, late in latest.items() if name in first and late > first[name]]
    new = tuple(name for name in better if first[name] < ON_THEIR_OWN <= latest[name])
    return SmallWins(new, tuple(name for name in better if name not in new))
