"""Sessions with others for the steps of a plan, and what somebody has booked: on the plan, on a step's page, on paper."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_parts import Pair, joined, pair
from inclusion_app.core.words import N_
from inclusion_app.people.models import Resident
from inclusion_app.places.on_paper import english_day
from inclusion_app.places.queries import Where
from inclusion_app.roadmaps.award_rules import offers_award
from inclusion_app.training import offers
from inclusion_app.training.offers import StepOffer
from inclusion_app.training.wording import language_called

BOOKINGS_SHOWN = 3
STATE_WORDS = {
    "booked": N_("You have a place."),
    "waitlisted": N_("You are on the waiting list."),
    "offered": N_("A place is free for you. Say yes or no."),
    "requested": N_("This has no date yet."),
}
ON_PAPER = N_("With others: %(day)s at %(time)s, %(place)s.")
ON_PAPER_ONLINE = N_("With others, online: %(day)s at %(time)s.")
PHONE_TO_BOOK = N_("To book, phone %(phone)s.")
TELL_US = N_("To book, ask the helper who gave you this paper.")


@dataclass(frozen=True)
class Learn:
    """One session to book for a step, as a page shows it."""

    offer: StepOffer
    url: str
    day: str
    time: str
    # In which language it is taught, when not in English.
    spoken: str = ""


@dataclass(frozen=True)
class Mine:
    """One booking of the person whose plan it is; its address is its code."""

    title: str
    title_language: str
    url: str
    day: str
    time: str
    state: str


def needs_of(resident_id: int | None) -> tuple[str, ...]:
    """What somebody needs to take part, as their saved record says it."""
    resident = db_session().get(Resident, resident_id) if resident_id else None
    return said_needs(resident) if resident else ()


def said_needs(resident: Resident) -> tuple[str, ...]:
    """What somebody needs to take part, of a record that is loaded."""
    return tuple((resident.needs or {}).get("needs", ()))


def offers_award_to(resident_id: int | None) -> bool:
    """True when a page may name the award of young people by itself to whoever has this plan."""
    resident = db_session().get(Resident, resident_id) if resident_id else None
    return offers_award(resident.age_band if resident else None)


def sessions_for(
    steps: Collection[str], where: Where | None, *, needs: Collection[str] = ()
) -> dict[str, list[Learn]]:
    """What can be booked in the next two weeks for each step. A session of several steps stands at the first of them."""
    near = (where.lat, where.lng) if where else None
    found = offers.for_steps(db_session(), steps, near=near, needs=needs, now=now())
    said: set[str] = set()
    sessions: dict[str, list[Learn]] = {}
    for step in steps:
        fresh = [offer for offer in found.get(step, ()) if offer.slug not in said]
        said |= {offer.slug for offer in fresh}
        if fresh:
            sessions[step] = [_learn(offer) for offer in fresh]
    return sessions


def _learn(offer: StepOffer) -> Learn:
    spoken = language_called(offer.taught_in) if offer.taught_in != "en" else ""
    return Learn(offer, url_for("training.session", slug=offer.slug), *_when(offer.starts_at), spoken)


def bookings_of(resident_id: int | None) -> list[Mine]:
    """The next three things somebody has booked or waits for."""
    if resident_id is None:
        return []
    found = offers.bookings_of(db_session(), resident_id, now=now())
    return [
        Mine(
            one.title,
            one.title_language,
            url_for("training.booking", code=one.code),
            *(_when(one.starts_at) if one.starts_at else ("", "")),
            _(STATE_WORDS[one.state]),
        )
        for one in found[:BOOKINGS_SHOWN]
    ]


def on_paper(
    steps: Iterable[str], where: Where | None, *, needs: Collection[str] = ()
) -> dict[str, tuple[Pair, ...]]:
    """One session for each step, in sentences for paper: when, where, and how somebody without a screen books it."""
    return {
        step: _sentences(found[0].offer)
        for step, found in sessions_for(tuple(steps), where, needs=needs).items()
    }


def _sentences(offer: StepOffer) -> tuple[Pair, ...]:
    day, time = _when(offer.starts_at)
    english = english_day(i18n.local(offer.starts_at).date(), "EEEE d MMMM")
    if offer.place:
        when = Pair(
            _(ON_PAPER, day=day, time=time, place=offer.place),
            ON_PAPER % {"day": english, "time": time, "place": offer.place},
        )
    else:
        when = Pair(_(ON_PAPER_ONLINE, day=day, time=time), ON_PAPER_ONLINE % {"day": english, "time": time})
    how = pair(_, PHONE_TO_BOOK, phone=i18n.isolated(offer.phone)) if offer.phone else pair(_, TELL_US)
    # One line on the sheet instead of two: it has two sides only.
    return (joined((when, how)),)


def _when(moment: datetime) -> tuple[str, str]:
    wall = i18n.local(moment)
    return i18n.near_day_words(wall.date()), i18n.clock_words(wall.time())
