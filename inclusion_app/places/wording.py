"""Distances, openings and reasons in the reader's language: from facts of the rules to one whole sentence each."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from babel.dates import format_date as babel_format_date
from flask_babel import gettext as _

from inclusion_app.core.clock import LONDON
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.geo import walk_minutes
from inclusion_app.core.i18n import clock_words, day_words, near_day_words, source_words, weekday_words
from inclusion_app.core.words import N_
from inclusion_app.places.hours import Answer, Status, nth_rules
from inclusion_app.places.models import Place
from inclusion_app.places.queries import Found, NotFound, Where
from inclusion_app.places.rules import WALKABLE, Trip, last_useful_arrival

A_MONDAY = date(2024, 1, 1)
SOON = 6  # days ahead a weekday alone says which day is meant
RULES = {
    1: N_("The first %(day)s of each month, %(opens)s to %(closes)s."),
    2: N_("The second %(day)s of each month, %(opens)s to %(closes)s."),
    3: N_("The third %(day)s of each month, %(opens)s to %(closes)s."),
    4: N_("The fourth %(day)s of each month, %(opens)s to %(closes)s."),
    5: N_("The fifth %(day)s of each month, %(opens)s to %(closes)s."),
    -1: N_("The last %(day)s of each month, %(opens)s to %(closes)s."),
}
NOT_FOUND = {
    "unknown_postcode": N_("We do not know this postcode. It may be new. Try its first part, %(outcode)s."),
    "unknown_outcode": N_("We do not know this postcode. Try a name like Gorton."),
    "half_postcode": N_("This is not a whole postcode. Type all of it, or the first part, like M14."),
    "unknown_name": N_("We do not know this place name. Try a postcode, or a name like Gorton."),
    "outside": N_("This is far outside Greater Manchester. We only know places here."),
    "outside_nearby": N_("This is outside Greater Manchester. The nearest part is %(district)s."),
}


def why_not(found: NotFound | None) -> RuleBroken:
    """Why a typed text gave no position; None stands for no text."""
    if found is None:
        return RuleBroken(N_("Type a postcode, or a name like Gorton."), field="near")
    facts = (
        {"outcode" if found.reason == "unknown_postcode" else "district": found.nearest}
        if found.nearest
        else {}
    )
    return RuleBroken(NOT_FOUND[found.reason], field="near", **facts)


def outside_words(where: Where | None) -> str:
    """That somebody looks from beyond the region and which district is nearest; empty for everybody else."""
    if where is None or not where.outside:
        return ""
    if where.unsure:
        return _(
            "We do not know this postcode. It may be outside Greater Manchester. The nearest part is %(district)s.",
            district=where.outside,
        )
    return _(
        "%(name)s is outside Greater Manchester. The nearest part is %(district)s.",
        name=where.name,
        district=where.outside,
    )


def distance_facts(found: Found) -> tuple[str, dict[str, object]]:
    """How far, as the crow flies, as an N_ sentence and what fills it; empty when nothing is known."""
    if found.in_area:
        return N_("In your area"), {}
    return metres_facts(found.metres, from_edge=found.from_edge)


def metres_facts(metres: float | None, *, from_edge: bool) -> tuple[str, dict[str, object]]:
    """The same for a distance alone; `from_edge` when it begins at the edge of the region."""
    if metres is None:
        return "", {}
    if metres <= WALKABLE and not from_edge:
        return N_("About %(minutes)s minutes’ slow walk, straight line"), {"minutes": walk_minutes(metres)}
    return N_("About %(miles)s miles, straight line"), {"miles": f"{metres / 1609.344:.1f}"}


def distance_words(found: Found) -> str:
    """How far: minutes at a slow walk when near, miles when not."""
    text, facts = distance_facts(found)
    return _(text, **facts) if text else ""


def metres_words(metres: float | None, *, from_edge: bool) -> str:
    """How far, for what is no entry of the finder."""
    text, facts = metres_facts(metres, from_edge=from_edge)
    return _(text, **facts) if text else ""


def visit_words(found: Found, now: datetime) -> tuple[str, str]:
    """Whether it is open, and until when going there is of use (empty where nothing can be said of that).

    What closes before a slow walker gets there is not called open.
    """
    arrival = last_useful_arrival(found.status, None if found.from_edge else found.metres, now)
    open_now = open_words(found.place, found.status, now)
    if arrival is None:
        return open_now, ""
    closes = clock_words(arrival.closes.astimezone(LONDON).time())
    if arrival.trip is Trip.TOO_LATE:
        return (
            _("Closes at %(time)s. Too late to walk there now", time=closes)
            if found.place.hours_confirmed
            else _("Closes at %(time)s (not confirmed). Too late to walk there now", time=closes)
        ), ""
    if arrival.trip is Trip.HURRY:
        return open_now, _("Go now: less than half an hour is left there")
    leave = clock_words(arrival.leave.astimezone(LONDON).time())
    return open_now, _("Leave before %(time)s to get there", time=leave)


def _when(moment: datetime, now: datetime) -> str:
    wall, here = moment.astimezone(LONDON), now.astimezone(LONDON)
    if wall.date() == here.date():
        return clock_words(wall.time())
    # "Saturday" is next Saturday to whoever reads it.
    day = weekday_words if wall.date() - here.date() <= timedelta(days=SOON) else near_day_words
    return f"{day(wall.date())} {clock_words(wall.time())}"


class Both(NamedTuple):
    """One sentence in the reader's language and in English, as a sheet of two languages prints it."""

    own: str
    english: str


def rule_words(place: Place) -> list[Both]:
    """When a place of "every third Saturday" opens, one sentence a rule; empty for a place of the week alone."""
    sentences = []
    for span in nth_rules(place.hours):
        text, day = RULES[span.nth or 1], A_MONDAY + timedelta(days=span.weekday)
        times = {"opens": clock_words(span.opens), "closes": clock_words(span.closes)}
        english = text % {"day": babel_format_date(day, "EEEE", locale="en"), **times}
        sentences.append(Both(_(text, day=weekday_words(day), **times), english))
    return sentences


def hours_source_words(place: Place) -> Both:
    """Where hours nobody confirmed come from. A list without a date is never given the day we read it for its own."""
    if place.hours_source_on:
        text, on = (
            N_("These times come from a public list of %(date)s. Ask before you travel."),
            (source_words(place.hours_source_on), source_words(place.hours_source_on, "en")),
        )
    else:
        text, on = (
            N_(
                "These times come from a public list without a date. We read it on %(date)s. "
                "Ask before you travel."
            ),
            (day_words(place.read_on), babel_format_date(place.read_on, "EEEE d MMMM y", locale="en")),
        )
    return Both(_(text, date=on[0]), text % {"date": on[1]})


def unconfirmed_words(source_on: str, read_on: str) -> Both:
    """That nobody confirmed something for us, with the day of its source, or that it has none and when we read it."""
    if source_on:
        text, on = N_("Not confirmed. Source seen: %(date)s."), source_on
    else:
        text, on = N_("Not confirmed. Its source has no date. We read it on %(date)s."), read_on
    return Both(_(text, date=source_words(on)), text % {"date": source_words(on, "en")})


def checked_words(place: Place) -> Both:
    """Who says that a place is there and what is in it: somebody who checked it, or a source nobody confirmed."""
    if not place.checked_on:
        return unconfirmed_words(place.source_on, place.read_on.isoformat())
    text = N_("Somebody checked this on %(date)s.")
    english = babel_format_date(place.checked_on, "EEEE d MMMM y", locale="en")
    return Both(_(text, date=day_words(place.checked_on)), text % {"date": english})


def has_self_service(place: Place) -> bool:
    """True where people with a card and PIN let themselves in, at some hours at least."""
    return place.self_service_unknown or any(
        fact.name == "self_service" and fact.value == "yes" for fact in place.facilities
    )


def closed_text(place: Place) -> str:
    """The N_ word for a day without spans. Where a card and PIN open the door, nobody knows that it is closed."""
    return N_("No staff") if has_self_service(place) else N_("Closed")


def self_service_text(place: Place) -> str:
    """That one can get in without staff at hours nobody knows, as an N_ sentence; empty where it is not so."""
    if place.self_service_unknown and not place.opening_note:
        return N_("You can also get in without staff, with a card and PIN. We do not know the hours.")
    return ""


def open_words(place: Place, status: Status, now: datetime) -> str:
    """Open until, opens at, ask first – one sentence, with "not confirmed" where nobody confirmed it."""
    sure = place.hours_confirmed
    if status.answer is Answer.OPEN and status.until:
        until = clock_words(status.until.astimezone(LONDON).time())
        return (
            _("Open until %(time)s", time=until)
            if sure
            else _("Open until %(time)s (not confirmed)", time=until)
        )
    if status.answer is Answer.OPEN:
        return _("Open day and night") if sure else _("Open day and night (not confirmed)")
    if status.answer is Answer.SELF_SERVICE:
        return _("Open now without staff, with a card and PIN")
    if status.answer is Answer.APPOINTMENT:
        return _("Only with a time you agreed")
    if status.answer is Answer.MEMBERS:
        return _("Only for members now")
    if status.answer is Answer.ASK:
        return _("It is a bank holiday. Ask before you go")
    if status.answer in {Answer.CLOSED, Answer.NO_STAFF} and status.opens_at:
        when = _when(status.opens_at, now)
        if status.answer is Answer.NO_STAFF:
            return _("No staff now. Staff from %(when)s (not confirmed)", when=when)
        return (
            _("Closed. Opens %(when)s", when=when)
            if sure
            else _("Closed. Opens %(when)s (not confirmed)", when=when)
        )
    if status.answer is Answer.CLOSED:
        return _("Closed now. Ask when it opens")
    if place.opening_note:
        return _(place.opening_note)
    return _("Opening times not known. Ask first")


class Near:
    """One place for a step, with its words: what the plan, the step page and the paper show."""

    def __init__(self, found: Found, why: str, now: datetime) -> None:
        self.found = found
        self.place: Any = found.place
        self.distance_words = distance_words(found)
        self.open_words, self.leave_words = visit_words(found, now)
        # What the hours do not say by themselves: some are without staff, some are not those of the library.
        self.note = _(found.place.opening_note) if found.place.opening_note and found.place.spans else ""
        self.why = why
