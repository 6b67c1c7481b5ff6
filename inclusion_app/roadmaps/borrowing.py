"""Devices to borrow for the steps of a plan, and what somebody asked for or has: on the plan and on a step's page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from inclusion_app.core import clock, i18n
from inclusion_app.core.db import db_session
from inclusion_app.core.words import N_
from inclusion_app.loans import offers_for_steps

GIVE_BACK_BY = N_("Please give it back by %(day)s.")
FETCH_ON = N_("You fetch it on %(day)s at %(time)s.")
HOW_IT_GOES = N_("Tell us how it goes.")
ASKED_ON = N_("On %(day)s we ask how it goes.")


@dataclass(frozen=True)
class Borrow:
    """One device to ask for, as a page shows it."""

    title: str
    title_language: str
    url: str


@dataclass(frozen=True)
class Borrowed:
    """What the person whose plan it is asked for or has; its address is its code. `stands` is an N_ word."""

    title: str
    title_language: str
    url: str
    stands: str
    more: tuple[str, ...]


def devices_for(steps: Collection[str], resident_id: int | None) -> dict[str, list[Borrow]]:
    """What can be borrowed for each step, without what this person asked for already. A device of several steps stands
    at the first of them.
    """
    found = offers_for_steps.for_steps(db_session(), steps, resident_id=resident_id)
    said: set[int] = set()
    devices: dict[str, list[Borrow]] = {}
    for step in steps:
        fresh = [lent for lent in found.get(step, ()) if lent.model_id not in said]
        said |= {lent.model_id for lent in fresh}
        if fresh:
            devices[step] = [
                Borrow(lent.title, lent.title_language, url_for("loans.ask", model=lent.model_id))
                for lent in fresh
            ]
    return devices


def borrowed_by(resident_id: int | None) -> list[Borrowed]:
    """What somebody waits for, is offered or has."""
    if resident_id is None:
        return []
    return [
        Borrowed(
            mine.title,
            mine.title_language,
            url_for("loans.request_page", code=mine.code),
            mine.stands,
            _more(mine),
        )
        for mine in offers_for_steps.loans_of(db_session(), resident_id)
    ]


def _more(mine: offers_for_steps.Mine) -> tuple[str, ...]:
    said = []
    if mine.fetch_at is not None:
        wall = i18n.local(mine.fetch_at)
        said.append(_(FETCH_ON, day=i18n.day_words(wall.date()), time=i18n.clock_words(wall.time())))
    if mine.due_on is not None:
        said.append(_(GIVE_BACK_BY, day=i18n.day_words(mine.due_on)))
    if mine.follow_up_on is not None:
        due = mine.follow_up_on <= clock.today()
        said.append(_(HOW_IT_GOES) if due else _(ASKED_ON, day=i18n.day_words(mine.follow_up_on)))
    return tuple(said)
