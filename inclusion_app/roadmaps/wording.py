"""Reasons, states and places of a plan in the reader's language: whole sentences from facts."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import ngettext

from inclusion_app.core.words import N_
from inclusion_app.roadmaps.catalogue import Goal, load_catalogue
from inclusion_app.roadmaps.rules import BARRIER_WORDS, REASON_WORDS, Reason, StepState

HOURS_FROM = 240  # minutes: a longer time is easier to see in hours
STATE_WORDS = {
    StepState.NOT_STARTED: N_("Not started"),
    StepState.DOING: N_("Doing"),
    StepState.DONE_WITH_HELP: N_("Done with help"),
    StepState.DONE_ALONE: N_("Done on my own"),
    StepState.CAN_SHOW: N_("I can show others"),
    StepState.NOT_FOR_ME: N_("Not for me"),
    StepState.ALREADY_KNEW: N_("I knew this already"),
}


def reason_title(reason: Reason) -> str:
    """The English title that fills a reason's sentence."""
    catalogue = load_catalogue()
    if reason.goal:
        return catalogue.goals[reason.goal].title
    if reason.step:
        return catalogue.steps[reason.step].title
    return BARRIER_WORDS.get(reason.barrier or "", "")


def reason_words(reason: Reason) -> str:
    """Why a step is here, or why nothing is next, as one sentence."""
    title = reason_title(reason)
    return _(REASON_WORDS[reason.kind], title=_(title) if title else "")


def reason_in_english(reason: Reason) -> str:
    """The same sentence in English, for a sheet of two languages."""
    return REASON_WORDS[reason.kind] % {"title": reason_title(reason)}


def state_words(state: StepState | None) -> str:
    """A step state in words."""
    return _(STATE_WORDS[state or StepState.NOT_STARTED])


def minutes_words(minutes: int) -> str:
    """How long in the reader's words: minutes as they are, from four hours on in hours."""
    if minutes < HOURS_FROM:
        return _("About %(minutes)s minutes", minutes=minutes)
    return ngettext("About %(num)s hour", "About %(num)s hours", round(minutes / 60))


def minutes_in_english(minutes: int) -> str:
    """The same in English, for a sheet of two languages."""
    return f"About {minutes} minutes" if minutes < HOURS_FROM else f"About {round(minutes / 60)} hours"


def notes_of(goals: Iterable[Goal]) -> list[str]:
    """The notes of these goals, each once."""
    return list(dict.fromkeys(note for goal in goals for note in goal.notes))
