"""The message back to whoever referred: what stands in it, line by line. Pure; no fact of health, no typed word.

Its headings follow the PRSB Social Prescribing Information Standard, “Message back to GP and referrer”, as far as they are public
facts (docs/social-prescribing.md says which we carry and which not).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from flask_babel import gettext as _

from inclusion_app.core import i18n
from inclusion_app.core.words import N_
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import Referral

# What stands where something has to be written by hand.
BLANK = "." * 40


class Line(NamedTuple):
    """A heading (N_) and what stands there; `by_hand` is a line to write on."""

    heading: str
    value: str
    by_hand: bool = False


def _day(moment: datetime | date | None) -> str:
    if moment is None:
        return _("Not yet")
    return i18n.day_words(i18n.local(moment).date() if isinstance(moment, datetime) else moment)


def outcome_of(referral: Referral) -> str:
    """How it ended, in words."""
    if referral.status in rules.LIVE:
        return _("Not yet")
    if referral.outcome:
        return _(rules.OUTCOMES[referral.outcome])
    if referral.declined_for:
        return _(rules.DECLINED_FOR[referral.declined_for])
    return _(rules.STATES[referral.status])


def lines(referral: Referral, *, name: str, today: datetime) -> list[Line]:
    """Every line of it, in order."""
    service = referral.service
    helps = " · ".join(_(rules.HELPS[help_]) for help_ in service.helps.split() if help_ in rules.HELPS)
    return [
        Line(N_("Date of this message"), _day(today)),
        Line(N_("Number of the referral"), str(referral.id)),
        Line(N_("Name of the person"), name, by_hand=not name),
        Line(N_("Date of birth and NHS number"), "", by_hand=True),
        Line(N_("Date of the referral"), _day(referral.sent_at or referral.made_at)),
        Line(N_("How they were passed on"), _(rules.MODES[referral.mode])),
        Line(N_("Organisation"), service.organisation.name),
        Line(N_("Service that was offered"), service.name),
        Line(N_("What it helps with"), helps),
        Line(N_("Phone of the service"), service.phone, by_hand=not service.phone),
        Line(N_("Date they said yes or no"), _day(referral.decided_at)),
        Line(N_("Date of the first contact"), _day(referral.contacted_at)),
        Line(N_("Status"), _(rules.STATES[referral.status])),
        Line(N_("Outcome"), outcome_of(referral)),
        Line(N_("Date it ended"), _day(referral.ended_at)),
        Line(N_("Summary the person agreed to"), "", by_hand=True),
        Line(N_("Written by"), "", by_hand=True),
    ]


def text(found: list[Line]) -> str:
    """The same as plain text."""
    head = [_("Message back to the referrer"), ""]
    return "\n".join(
        [*head, *(f"{_(line.heading)}: {BLANK if line.by_hand else line.value}" for line in found), ""]
    )
