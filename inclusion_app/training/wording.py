"""A session and a booking in words of the reader: its title in their language, its days, its places, how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from inclusion_app.core import clock, i18n, registry
from inclusion_app.core.words import N_
from inclusion_app.messages import templates
from inclusion_app.places.models import Place
from inclusion_app.training.models import Booking, Course, Notice, Occurrence, TrainingSession
from inclusion_app.training.queries import Date
from inclusion_app.training.rules import ARRANGED, NEEDS, OFFERS, PLACES_LEFT


@dataclass(frozen=True)
class CourseWords:
    """The words of a course in one language: `tag` and `dir` of what is read. `is_other` when it is not the reader's."""

    title: str
    summary: str
    bring: str
    tag: str
    dir: str
    is_other: bool


NO_WORDS = CourseWords("", "", "", "en", "ltr", True)


def course_words(course: Course, language: i18n.Language | None = None) -> CourseWords:
    """In the reader's language where somebody wrote it so, else in English."""
    reader = language or i18n.current_language()
    chosen = course.text_in(reader.slug)
    if chosen is None:
        return NO_WORDS
    spoken = i18n.LANGUAGES.get(chosen.language, i18n.ENGLISH)
    return CourseWords(
        chosen.title, chosen.summary, chosen.bring, spoken.tag, spoken.dir, spoken.slug != reader.slug
    )  # fmt: skip


def step_title(step_id: str) -> str | None:
    """The title of a step, an N_ word; None for one nobody knows."""
    return registry.step_titles().get(step_id)


def language_name(code: str) -> str:
    """A language as its own speakers write it; one this service does not speak as the reader calls it."""
    known = i18n.LANGUAGES.get(code)
    return known.own_name if known else language_called(code)


def language_called(code: str) -> str:
    """What the reader calls a language of the city (people.rules.LANGUAGES)."""
    # No list of languages we have knows the name of this one.
    signed = OFFERS["bsl"]
    return _(signed) if code == "bfi" else i18n.language_names([code])[code]


def offer_words(training: TrainingSession) -> list[str]:
    """What a session offers by itself."""
    return [_(OFFERS[offer]) for offer in training.offer_list if offer in OFFERS]


def until_words(moment: datetime) -> str:
    """A moment as a day and a time of the wall."""
    wall = i18n.local(moment)
    return f"{i18n.day_words(wall.date())} · {i18n.clock_words(wall.time())}"


def where_of(training: TrainingSession, date: Date | None) -> tuple[str, str]:
    """Name of the place and the room of a date; empty for what is online or nowhere yet."""
    if date is not None and date.place:
        return date.place, date.room
    return (training.place.name if training.place else "", (date.room if date else "") or training.room)


def places_of(training: TrainingSession, occurrences: Sequence[Occurrence]) -> list[tuple[Place, str]]:
    """Every place, with its room, to which somebody goes on these dates; that of the session where there is no date."""
    wheres = [date.where for date in occurrences] or [(training.place, training.room)]
    return list(dict.fromkeys((place, room) for place, room in wheres if place is not None))


ALONE = N_("Under 16 and alone? %(name)s is there for you.")
WITH_ADULT = N_("Under 16? Bring an adult with you.")


def young_words_for(training: TrainingSession) -> str:
    """Who is there for somebody under 16 who comes alone, or that they bring an adult. Empty where it is not for them."""
    if training.for_age not in {"any", "young"}:
        return ""
    return _(ALONE, name=training.responsible_adult) if training.responsible_adult else _(WITH_ADULT)


# --- a booking

TOO_LATE = N_("This has begun already. You cannot cancel it now.")
STANDS = {
    "requested": N_("We know that you would come"),
    "booked": N_("You are booked"),
    "waitlisted": N_("You are on the waiting list"),
    "offered": N_("A place is free for you"),
    "cancelled": N_("This booking has ended"),
    "session_cancelled": N_("This session does not take place"),
}
ENDED = {
    "learner": N_("You said that you cannot come."),
    "helper": N_("Your helper said that you cannot come."),
    "organiser": N_("The people who run the session ended this booking."),
    "offer": N_("You did not answer two offers. So you are off the list."),
}
ARRANGEMENT = {
    "asked": N_("Asked for. We tell you here if it works."),
    "arranged": N_("Arranged."),
    "not_possible": N_("This time it did not work. Ask before you travel."),
}
THERE_BY_ITSELF, WE_KNOW = N_("It is there."), N_("We know.")
NOT_YET = N_("Do not travel yet. First you need a place.")
YES_FIRST = N_("Say yes first. Then the place is yours.")
DO_NOT_TRAVEL = N_("Please do not travel to it.")
NO_DATE = N_("This session has no date yet.")
NEWS = N_("Ask for news by phone, at any library or on the page of your code.")
CODE_OPENS = N_("It opens your booking on a screen.")
# Who asked for one of these may not hear a phone.
HARD_OF_HEARING = frozenset({"bsl", "hearing_loop"})
# The last day to arrange it is over, or was before they booked.
NOT_ARRANGED_YET = N_("Not arranged yet. Phone before you travel.")


BEEN_THERE = N_("You have been there")


def how_it_stands(booking: Booking, *, is_over: bool = False, has_come: bool = False) -> str:
    """The heading of a booking's page, an N_ word. `is_over`: it was booked, and its last date has ended."""
    if is_over:
        return BEEN_THERE if has_come else PLACES_LEFT["over"]
    return STANDS[booking.status]


def waiting_words(booking: Booking, before: int, groups: int, *, is_told: bool) -> list[str]:
    """Where a booking stands in the list, and what may happen to it there: whole sentences."""
    said = [
        ngettext("%(num)s booking is before yours.", "%(num)s bookings are before yours.", before)
        if before
        else _("You are the first on the list.")
    ]
    if groups:
        said.append(_("A group before you may be too big. Then you go first."))
    if booking.places > 1:
        said.append(_("Your group stays together. Smaller groups may go first."))
    if booking.offers_lapsed:
        said.append(_("You did not take an offer. So you went to the end of the list."))
    if booking.waiting_mode == "book_me":
        said.append(_("When a place is free, it is yours at once."))
    else:
        said.append(_("When a place is free, we ask you first."))
    if not is_told:
        said.append(_("We cannot reach you. Look at this page now and then."))
    return said


def needs_words(booking: Booking) -> list[tuple[str, str]]:
    """What was asked for, and what became of it: pairs of words."""
    codes = (booking.needs or {}).get("codes", ())
    stands = {arrangement.need: arrangement for arrangement in booking.arrangements}
    offers = booking.session.offer_list
    asked_for = ARRANGEMENT["asked"]
    found = []
    for need in NEEDS:
        if need not in codes:
            continue
        if need in stands:
            asked = stands[need]
            is_late = asked.status == "asked" and asked.due_on < clock.today()
            words = _(NOT_ARRANGED_YET if is_late else ARRANGEMENT[asked.status])
        elif need in offers:
            words = _(THERE_BY_ITSELF)
        else:
            words = _(asked_for if need in ARRANGED else WE_KNOW)
        found.append((_named(need, booking), words))
    return found


def _named(need: str, booking: Booking) -> str:
    """A need by its name; an interpreter with the language, as its speakers write it."""
    language = str((booking.needs or {}).get("interpreter", "")) if need == "interpreter" else ""
    return f"{_(NEEDS[need])}: {language_name(language)}" if language else _(NEEDS[need])


def may_not_hear(booking: Booking) -> bool:
    """True for who asked for signs or a hearing loop: beside a phone number they need another way."""
    return bool(HARD_OF_HEARING & set((booking.needs or {}).get("codes", ())))


@dataclass(frozen=True)
class Told:
    """Something the organiser told those booked: its day and its sentences; typed words in one language apart."""

    day: date
    subject: str
    lines: tuple[str, ...]
    typed: str


def told_words(notices: Iterable[Notice]) -> list[Told]:
    """What the organiser told, in the reader's language; what nobody can read any more is left out."""
    found = []
    for notice in notices:
        try:
            template = templates.template_of(notice.template)
        except templates.BadMessage:
            continue
        facts = {name: str(value) for name, value in notice.params.items()}
        typed = facts.pop(templates.WORDS, "")
        pairs = templates.lines_in_both(template, facts, i18n.current_language())
        found.append(
            Told(
                i18n.local(notice.made_at).date(), template.subject, tuple(pair.own for pair in pairs), typed
            )
        )
    return found
