"""Reasons, states and places of a plan in the reader's language: whole sentences from facts."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape

from inclusion_app.core.db import db_session
from inclusion_app.core.words import N_
from inclusion_app.places.models import Place
from inclusion_app.places.queries import Where, near_candidates
from inclusion_app.places.rules import AT_THE_BANK, KINDS, kinds_for_step
from inclusion_app.places.wording import unconfirmed_words
from inclusion_app.roadmaps.catalogue import Goal, NationalOffer, PhoneLine, Step, load_catalogue
from inclusion_app.roadmaps.rules import (
    BARRIER_WORDS,
    REASON_WORDS,
    Answers,
    Reason,
    StepState,
    shares_device,
)

DATA_STEP = "A3"
UNTIL_THEN = ("A1", "A3")  # a device and data take a while to get (point 9)
# Where card or bank details are typed.
MONEY_STEPS = frozenset({"T2", "T3", "U1"})
SHARED_NOTE = N_("You share a device. Do not bank or pay on it.")
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


def step_titles() -> dict[str, str]:
    """The title of every step, an N_ word, by its id."""
    return {step.id: step.title for step in load_catalogue().steps.values()}


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


def why_here(step: str, place: Place) -> str:
    """Why this place is named for a step: what can be asked for there, else its kind."""
    if step == DATA_STEP and any(
        fact.name == "data_sim" and fact.value == "yes" for fact in place.facilities
    ):
        return _("Ask here for a free data SIM")
    kind = next((kind for kind in kinds_for_step(step) if kind in place.kind_list), "library")
    return _("Nearest for this step: %(kind)s", kind=_(KINDS[kind]))


def ask_at_text(step: str) -> str:
    """Where to ask when no place stands by a step: the bank's branch for paying and banking, else any library.

    An N_ sentence, empty for a step that is done by telephone or with an adviser: a library is no help with it.
    """
    if step in AT_THE_BANK:
        return N_("Ask at your bank’s branch.")
    return N_("Ask at any library.") if kinds_for_step(step) else ""


def ask_at(step: str) -> str:
    """The same in the reader's language."""
    text = ask_at_text(step)
    return _(text) if text else ""


def until_then_facts(step: str, where: Where | None) -> tuple[str, dict[str, str]]:
    """What to do while a device or data is on its way (point 9): an N_ sentence and what fills it, else ("", {}).

    The nearest library when we know where the person is, else any library.
    """
    if step not in UNTIL_THEN:
        return "", {}
    if where is not None:
        nearest = near_candidates(db_session(), where=where, kinds={"library"}, most=1)["library"]
        for _metres, number in nearest:
            library = db_session().get_one(Place, number)
            return N_("Until then, use a free computer at %(place)s."), {"place": library.name}
    return N_("Until then, use a free computer at any library."), {}


def until_then(step: str, where: Where | None) -> str:
    """The same as one sentence in the reader's language; empty for the steps that need no such line."""
    text, facts = until_then_facts(step, where)
    if not text:
        return ""
    names = {name: bdi(value) for name, value in facts.items()}
    return escape(_(text)) % names if names else _(text)


def line_words(line: PhoneLine | NationalOffer) -> Markup:
    """What to tap to reach a line or an offer: call, text or open, with the number or the address as it is dialled or typed."""
    number = Markup('<bdi class="ltr">{}</bdi>').format(line.number or line.website)
    if isinstance(line, NationalOffer):
        return escape(_("Call %(number)s")) % {"number": number}
    if not line.number:
        return escape(_("Open %(site)s (another website)")) % {"site": number}
    if line.word:
        return escape(_("Text %(word)s to %(number)s")) % {"word": bdi(line.word), "number": number}
    return escape(_("Text %(number)s") if line.text else _("Call %(number)s")) % {"number": number}


def how_sure(row: PhoneLine | NationalOffer) -> Markup:
    """That nobody confirmed it for us, with the website it was read on and the day of that source, if it has one."""
    words = unconfirmed_words(row.source_on, row.read_on).own
    # The website stands after the sentence: a name within it would cut it in two for whoever translates.
    return Markup("{} {}").format(words, bdi(row.site))


def bdi(english: str) -> Markup:
    """An English name within a sentence of any language."""
    return Markup('<bdi lang="en">{}</bdi>').format(english)


def notes_of(goals: Iterable[Goal]) -> list[str]:
    """The notes of these goals, each once."""
    return list(dict.fromkeys(note for goal in goals for note in goal.notes))


def notes_for(answers: Answers, goals: Iterable[Goal]) -> list[str]:
    """All notes of a plan, each once: those of its goals, and the one for who shares a device."""
    notes = notes_of(goals)
    if shares_device(answers):
        notes.append(SHARED_NOTE)
    return notes


def notes_for_step(step: Step, answers: Answers | None) -> list[str]:
    """The notes of a step: its own for everybody, and the one on shared devices where money or a bank is in play."""
    notes = list(step.notes)
    if answers is not None and step.id in MONEY_STEPS and shares_device(answers):
        notes.append(SHARED_NOTE)
    return notes
