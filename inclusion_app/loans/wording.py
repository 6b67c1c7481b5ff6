"""A device and a request in words of the reader: its title in their language, how it stands, how long one waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from inclusion_app.core import clock, i18n
from inclusion_app.core.words import N_
from inclusion_app.loans.models import DeviceModel, Loan, LoanRequest
from inclusion_app.loans.rules import FEATURES, LIVE, REASONS
from inclusion_app.loans.services.queue import QueuePlace


@dataclass(frozen=True)
class ModelWords:
    """The words of a device in one language: `tag` and `dir` of what is read. `is_other` when it is not the reader's."""

    title: str
    summary: str
    tag: str
    dir: str
    is_other: bool


def model_words(model: DeviceModel, language: i18n.Language | None = None) -> ModelWords:
    """In the reader's language where somebody wrote it so, else in English; its name where nobody wrote anything."""
    reader = language or i18n.current_language()
    chosen = model.text_in(reader.slug)
    if chosen is None:
        return ModelWords(model.name, "", "en", "ltr", reader.slug != "en")
    spoken = i18n.LANGUAGES.get(chosen.language, i18n.ENGLISH)
    return ModelWords(
        chosen.title, chosen.summary, spoken.tag, spoken.dir, spoken.slug != reader.slug
    )  # fmt: skip


def feature_words(model: DeviceModel) -> list[str]:
    """What a device has."""
    return listed(model.feature_list, FEATURES)


def listed(codes: Collection[str], words: Mapping[str, str]) -> list[str]:
    """The words of these codes, in the order of the list they stand in."""
    return [_(said) for code, said in words.items() if code in codes]


def length_words(model: DeviceModel) -> str:
    """For how long it is lent, in whole weeks."""
    weeks = max(1, round(model.loan_days / 7))
    return ngettext(
        "You can keep it for about %(num)s week.", "You can keep it for about %(num)s weeks.", weeks
    )


def wait_words(weeks: tuple[int, int] | None) -> str:
    """About how long one waits: a range, never a day."""
    if weeks is None:
        return _("We do not know yet how long you wait.")
    least, most = weeks
    if least == 0:
        return ngettext(
            "You wait up to %(num)s week, as far as we know.",
            "You wait up to %(num)s weeks, as far as we know.",
            most,
        )
    if least == most:
        return ngettext("You wait about %(num)s week.", "You wait about %(num)s weeks.", most)
    return _("You wait about %(least)s to %(most)s weeks.", least=least, most=most)


def until_words(moment: datetime) -> str:
    """A moment as a day and a time of the wall."""
    wall = i18n.local(moment)
    return f"{i18n.day_words(wall.date())} · {i18n.clock_words(wall.time())}"


# --- a request

STANDS = {
    "draft": N_("You asked for a device"),
    "submitted": N_("We have your request"),
    "need_info": N_("We need to know one more thing"),
    "approved": N_("You are in the queue"),
    "queued": N_("You are in the queue"),
    "offered": N_("There is a device for you"),
    "fulfilled": N_("You have a device from us"),
    "declined": N_("We cannot lend you this one"),
    "withdrawn": N_("You took your request back"),
    "expired": N_("This request has ended"),
}
NEXT = {
    "draft": N_("Somebody reads it and tells you what comes next."),
    "submitted": N_("Somebody reads it and tells you what comes next."),
    "need_info": N_("Please phone us or go to a place below."),
    "declined": N_("You can ask for another one. Or speak to a person."),
    "withdrawn": N_("You can ask again at any time."),
    "expired": N_("We did not hear from you. You can ask again at any time."),
}
# What can only be asked for again.
ENDED = ("declined", "withdrawn", "expired")
KEPT_FOR_YOU = N_("A device is kept for you")
GIVEN_BACK = N_("You gave it back. Thank you.")
GIVEN_AWAY = N_("It is yours now. You can keep it.")
NOT_THERE = N_("We know that you do not have it any more.")
NO_WAY = N_("We have no way to reach you. Look at the page of your code once a week, or ask us.")
READ_HERE = N_("Somebody reads it. Then the page of your code says what comes next.")
TOO_LATE = N_("The time to answer is over.")
LATE = N_("The day to give it back is over. Please bring it soon.")
NOTHING_TO_PAY = N_("There is nothing to pay, whatever happens to it.")
CODE_OPENS = N_("It opens this page on any screen. It does not show your name.")
OF_LOAN = {"returned": GIVEN_BACK, "gifted": GIVEN_AWAY, "lost": NOT_THERE}


def how_it_stands(request: LoanRequest, loan: Loan | None, *, is_kept: bool = False) -> str:
    """The heading of its page, an N_ word. `is_kept`: they said yes to what was offered."""
    if loan is not None and loan.status != "active":
        return OF_LOAN[loan.status]
    return KEPT_FOR_YOU if is_kept else STANDS[request.status]


def next_words(request: LoanRequest, *, has_way: bool) -> list[str]:
    """What comes next, N_ words. Who gave no way to be told is not promised that somebody tells them."""
    if request.status not in LIVE or has_way:
        return [NEXT[request.status]] if request.status in NEXT else []
    own = READ_HERE if request.status in {"draft", "submitted"} else NEXT.get(request.status, "")
    return [said for said in (own, NO_WAY) if said]


def queue_words(place: QueuePlace, *, shows_reasons: bool) -> list[str]:
    """Where somebody stands in the queue, why, and about when: whole sentences.

    That a person was put first tells of a reason too: whoever holds the code alone does not read it.
    """
    if place.position == 1:
        said = [_("You are next.")]
    else:
        said = [
            _("You are number %(position)s of %(of)s people who wait.", position=place.position, of=place.of)
        ]
    said.append(wait_words(place.weeks))
    if place.is_put_first and shows_reasons:
        said.append(_("We put you first, for a special reason."))
    if place.moved_by_quota:
        said.append(_("Some devices are kept for some areas or helpers. So a few people go before you."))
    elif place.moved_forward:
        # The page of the points promises that either is told.
        said.append(_("Some devices are kept for some areas or helpers. So you go before a few people."))
    if shows_reasons:
        said.append(
            ngettext(
                "Your reasons give you %(num)s point.", "Your reasons give you %(num)s points.", place.points
            )
        )
        said.extend(_(REASONS[reason]) for reason in place.reasons)
    if place.weeks_waited:
        said.append(
            ngettext(
                "Waiting gives you %(num)s more point.",
                "Waiting gives you %(num)s more points.",
                place.weeks_waited,
            )
        )
    said.append(_("Each week you wait gives you one more point."))
    return said


def is_late(loan: Loan) -> bool:
    """True when the day to give it back has passed."""
    return loan.status == "active" and loan.due_on < clock.today()
