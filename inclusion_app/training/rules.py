"""Who may book what, how a waiting list moves, when somebody is told: the leaflet of the training desk. Pure.

Wall times are those of Europe/London; a moment is aware. A day on which nobody works answers no phone, so no offer ends
on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.rrule import MO, WEEKLY, rrule, weekday

from inclusion_app.core.answer_hours import after_open_hours, within_hours
from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.words import N_
from inclusion_app.places.hours import DayHours

# --- what there is

BOOKED_AS: Mapping[str, str] = {
    "single": N_("One date"),
    "series": N_("Several dates: choose yours"),
    "course": N_("A course: all dates belong together"),
    "undated": N_("No date yet"),
}
# A kind of course has its own filter; its codes are those of the constraint of `Course`.
KINDS: Mapping[str, str] = {
    "skills": N_("Digital skills"),
    "code_club": N_("Code club"),
    "making_day": N_("Making day"),
    "bootcamp_taster": N_("Taster before a bootcamp"),
    "bootcamp": N_("Bootcamp"),
    "family": N_("Family session"),
    "wellbeing": N_("Wellbeing group"),
}
FOR_AGE: Mapping[str, str] = {
    "any": N_("For everyone"),
    "young": N_("For young people"),
    "adults": N_("For adults"),
    "older": N_("For people over 50"),
}
# What a session offers by itself.
OFFERS: Mapping[str, str] = {
    "step_free": N_("Step-free way in"),
    "bsl": N_("British Sign Language"),
    "hearing_loop": N_("Hearing loop"),
    "quiet": N_("A quiet room"),
    "women_only": N_("Women only"),
    "creche": N_("A crèche"),
    "screen_reader": N_("Screen reader on the machines"),
    "guide_from_stop": N_("Somebody meets you at the stop"),
    "assistance_dog": N_("Room for an assistance dog"),
    "prayer_time": N_("Time and a place to pray"),
    "travel_help": N_("Help with travel costs"),
    "childcare_help": N_("Help with childcare costs"),
}
# What somebody may ask for.
NEEDS: Mapping[str, str] = {
    "step_free": N_("Step-free way in"),
    "bsl": N_("British Sign Language"),
    "interpreter": N_("An interpreter"),
    "large_print": N_("Large print"),
    "hearing_loop": N_("Hearing loop"),
    "quiet": N_("A quiet place"),
    "screen_reader": N_("Screen reader on the machines"),
    "guide_from_stop": N_("Somebody meets me at the stop"),
    "assistance_dog": N_("I bring an assistance dog"),
    "prayer_time": N_("Time and a place to pray"),
    "travel_help": N_("Help with travel costs"),
    "childcare_help": N_("Help with childcare costs"),
}
# Somebody must see to these, and the learner is told before they travel whether it worked.
ARRANGED = (
    "step_free", "bsl", "interpreter", "hearing_loop", "quiet", "screen_reader", "guide_from_stop", "prayer_time",
    "travel_help", "childcare_help",
)  # fmt: skip
NOTE_LENGTH, LABEL_LENGTH = 120, 60
PLACES_AT_MOST = 30  # in one booking, whatever its session allows
COMPANIONS_AT_MOST = 2

CONTACTS: Mapping[str, str] = {
    "none": N_("I will come by myself. Do not contact me."),
    "sms": N_("Send a text message"),
    "email": N_("Send an e-mail"),
    "call": N_("Phone me"),
    "letter": N_("Send a letter"),
    "record": N_("The way I chose for my plan"),
}
WITH_PHONE = frozenset({"sms", "call"})
WITH_VALUE = frozenset({"sms", "email", "call", "letter"})

# By these words somebody agrees that the provider reads their booking. A wording that was used stays here.
WORDINGS: Mapping[str, tuple[str, ...]] = {
    "2026-11": (
        N_("The people who run the session read what you write here."),
        N_("They use it for this session only."),
        N_("We delete how to reach you three months after the last date."),
    ),
}
WORDING = "2026-11"

UNDER_13, FROM_13 = "under_13", "13_15"
YOUNG = frozenset({UNDER_13, FROM_13})
CHILD_NEEDS_ADULT = N_("Under 13? Then give the phone or e-mail of a parent, a carer or a youth worker.")
NEEDS_CONTACT = N_("Write how we can reach you, or choose “I will come by myself”.")
TOO_MANY = N_("One booking can be for %(most)s people here.")
CHOOSE_DATES = N_("Choose at least one date.")
NOT_AN_ANSWER = N_("Choose one of the answers on this page.")


def young_words(age_band: str | None) -> bool:
    """True for whom the words are for a twelve-year-old."""
    return age_band in YOUNG


def why_not_reach(
    *, age_band: str | None, contact_kind: str, contact: str | None, contact_of: str
) -> str | None:
    """Why somebody cannot book with this way to reach them; None when they can.

    A child under 13 books with an adult to ask; from 13 on they may book alone, and need no way at all.
    """
    if contact_kind not in CONTACTS:
        return NOT_AN_ANSWER
    if contact_kind in WITH_VALUE and not contact:
        return NEEDS_CONTACT
    if age_band == UNDER_13 and (contact_of != "adult" or contact_kind not in WITH_VALUE):
        return CHILD_NEEDS_ADULT
    return None


def to_arrange(needs: Iterable[str], offers: Collection[str]) -> list[str]:
    """The needs somebody must see to: not what the session offers by itself, nor what takes no arranging."""
    return [need for need in ARRANGED if need in set(needs) and need not in offers]


def arrange_by(day: date, lead_days: int) -> date:
    """The last day on which something can still be arranged for a date."""
    return day - timedelta(days=lead_days)


# --- places in words

FEW = 3
PLACES_LEFT: Mapping[str, str] = {
    "free": N_("Places free"),
    "few": N_("A few places left"),
    "last": N_("One place left"),
    "waiting": N_("Full. You can join the waiting list."),
    "full": N_("Full"),
    "ask": N_("No date yet. Say that you would come."),
    "over": N_("Over"),
    "cancelled": N_("Cancelled"),
}


def places_left(*, capacity: int, taken: int, held: int, waiting: int, waiting_size: int) -> str:
    """A code of PLACES_LEFT. Who waits comes first, so while somebody waits nothing is free for others."""
    free = capacity - taken - held if waiting == 0 else 0
    if free > FEW:
        return "free"
    if free > 0:
        return "few" if free > 1 else "last"
    return "waiting" if waiting < waiting_size else "full"


# --- wall time and weekly patterns


@dataclass(frozen=True)
class Weekly:
    """Every so many weeks on one weekday (Monday 0), so many times."""

    begins_on: date
    every: int
    times: int

    @property
    def rule(self) -> str:
        """The pattern as it is kept (RFC 5545)."""
        day = WEEKDAYS[self.begins_on.weekday()]
        return f"FREQ=WEEKLY;INTERVAL={self.every};BYDAY={day};COUNT={self.times}"


WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def weeks_and_weekday(rule: str) -> tuple[int, int]:
    """Every how many weeks, and on which weekday (Monday 0), of a pattern as `Weekly.rule` writes it."""
    parts = dict(part.split("=") for part in rule.split(";"))
    return int(parts["INTERVAL"]), WEEKDAYS.index(parts["BYDAY"])


def moved_to(rule: str, day: date) -> str:
    """The same pattern on the weekday of this day."""
    _weeks, was = weeks_and_weekday(rule)
    return rule.replace(f"BYDAY={WEEKDAYS[was]}", f"BYDAY={WEEKDAYS[day.weekday()]}")


DATES_AT_MOST = 52


def weekly_dates(pattern: Weekly, *, skip: Collection[date]) -> tuple[list[date], list[date]]:
    """The dates of a weekly pattern, and those that were skipped (bank holidays, closed days).

    A skipped date is made up for at the end: who plans six mornings gets six.
    """
    by = weekday(pattern.begins_on.weekday()) if pattern.begins_on.weekday() else MO
    dates: list[date] = []
    skipped: list[date] = []
    begin = datetime.combine(pattern.begins_on, time())
    for found in rrule(WEEKLY, interval=pattern.every, byweekday=by, dtstart=begin):
        if len(dates) >= min(pattern.times, DATES_AT_MOST) or len(skipped) >= DATES_AT_MOST:
            break
        (skipped if found.date() in skip else dates).append(found.date())
    return dates, skipped


def is_shut(day: DayHours, begins: time, ends: time) -> bool:
    """True when a place is not open all through from `begins` to `ends`. Where one has to ask, nobody knows."""
    open_until = begins
    for span in sorted(day.spans, key=lambda span: span.opens):
        if span.opens <= open_until:
            open_until = max(open_until, span.closes if span.closes > span.opens else time.max)
    return not day.ask and open_until < ends


# --- the waiting list

# How long somebody may think about an offer: hours in which a phone is answered. A letter needs its days, and so does
# a caseworker, who tells it at the next meeting.
ANSWER_HOURS: Mapping[str, int] = {
    "sms": 8,
    "email": 8,
    "call": 16,
    "letter": 40,
    "caseworker": 40,
    "none": 24,
}
# An offer that somebody could not use any more is none: it ends this long before the start at the latest.
BEFORE_START = timedelta(hours=3)
SHORTEST_OFFER = timedelta(hours=4)


def offer_ends(
    *, made_at: datetime, starts_at: datetime, hears_by: str, holidays: Collection[date]
) -> datetime | None:
    """Until when an offer made now is held: so many opening hours on, and never past the start.

    It ends within opening hours, so that who wants to answer by phone can. None when too little time is left to offer it
    to this person; then the place goes on to the next one.
    """
    latest = starts_at - BEFORE_START
    end = within_hours(min(after_open_hours(made_at, ANSWER_HOURS[hears_by], holidays), latest), holidays)
    return end if end - made_at >= SHORTEST_OFFER else None


@dataclass(frozen=True)
class Waiting:
    """One entry of a waiting list, in the order of the list."""

    booking_id: int
    places: int
    mode: str


def next_to_serve(entries: Sequence[Waiting], free: int) -> Waiting | None:
    """Who gets what is free: the first in the list who fits. A group too big is passed over and never split."""
    return next((entry for entry in entries if entry.places <= free), None)


def position(entries: Sequence[Waiting], booking_id: int) -> tuple[int, int]:
    """How many bookings stand before this one, and how many of those are of more than one person.

    Both stand on the page: a group before somebody may be passed over. Raises ValueError for one not in the list.
    """
    ids = [entry.booking_id for entry in entries]
    before = entries[: ids.index(booking_id)]
    return len(before), sum(entry.places > 1 for entry in before)


# --- reminders

# What is said some days before, and what is said on the day: how long before stands in the settings.
REMINDERS = ("days", "hours")
QUIET_FROM, QUIET_UNTIL, EVENING = time(20), time(8), time(19)
# A letter is printed, posted and carried.
LETTER_EARLIER = timedelta(days=4)
# A worker that stood still catches up with what is not older; then somebody is told too late to be helped by it.
REMIND_LATE = {"days": timedelta(hours=18), "hours": timedelta(hours=1)}
# Nobody reads a letter or makes a call on the day itself.
REMIND_BY = {"days": frozenset(CONTACTS) - {"none"}, "hours": frozenset({"sms", "email", "record"})}


def remind_at(
    starts_at: datetime, which: str, before: timedelta, *, by_letter: bool = False
) -> datetime | None:
    """When a reminder is sent that comes so long before. None when it cannot come at a good time.

    One of days before that would come at night comes the evening before. One of the day itself says "today", so it
    comes in the morning, and not at all before a session that begins so early.
    """
    at = starts_at - before - (LETTER_EARLIER if by_letter else timedelta(0))
    wall = at.astimezone(LONDON)
    if wall.time() >= QUIET_FROM:
        at = moment(wall.date(), EVENING)
    elif wall.time() < QUIET_UNTIL and which == "days":
        at = moment(wall.date() - timedelta(days=1), EVENING)
    elif wall.time() < QUIET_UNTIL:
        at = moment(wall.date(), QUIET_UNTIL)
    is_today = at.astimezone(LONDON).date() == starts_at.astimezone(LONDON).date()
    return at if at < starts_at and (is_today or which == "days") else None


def is_time_to_remind(
    which: str, at: datetime | None, *, starts_at: datetime, booked_at: datetime, now: datetime
) -> bool:
    """True when it is due, not long past, and not of a booking made after it: who books today is not told "soon"."""
    if at is None or not at <= now < starts_at:
        return False
    return booked_at < at and now - at < REMIND_LATE[which]


# --- who came

ATTENDANCE: Mapping[str, str] = {
    "attended": N_("Came"),
    "part": N_("Came for part"),
    "absent": N_("Did not come"),
    "excused": N_("Said they could not"),
}
CAME = frozenset({"attended", "part"})
# A booking that has a place, is offered one or waits for one; and one that has not ended at all.
ON_A_LIST = ("booked", "waitlisted", "offered")
LIVE = ("requested", *ON_A_LIST)
# From so long before the start until so long after a date somebody may be marked.
REGISTER_OPENS = timedelta(hours=2)
REGISTER_CLOSES = timedelta(days=60)

HELPED: Mapping[str, str] = {"yes": N_("Yes"), "a_bit": N_("A bit"), "no": N_("No")}
WHAT_NEXT: Mapping[str, str] = {
    "more": N_("More of the same"),
    "harder": N_("Something harder"),
    "easier": N_("Something easier"),
    "device": N_("A device of my own"),
    "one_to_one": N_("Somebody who helps me alone"),
}
# Sums of fewer answers are shown to nobody.
SMALLEST_SUM = 5
