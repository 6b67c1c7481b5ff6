"""What a resident may choose, share and take back, what is kept of them, how long, and the clocks of staff. Pure."""

from __future__ import annotations

import calendar
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from inclusion_app.core.retention import SCHEDULE
from inclusion_app.core.words import N_
from inclusion_app.core.working_days import is_working, working_days_after

# Retention default, to be confirmed by the city's data-protection officer: a saved plan nobody used.
PLAN_IDLE = SCHEDULE["saved-plan"].keep
NICKNAME_LENGTH = 40
# What a resident shares by a consent, item by item; later rooms add theirs.
ITEMS = ("identity", "contact", "needs", "plan")
# A consent ends by itself, to be asked again.
CONSENT_LIFE = timedelta(days=365)
MERGE_UNDONE_WITHIN = timedelta(days=90)
GLASS_BROKEN_FOR = timedelta(minutes=60)
GLASS_REVIEWED_WITHIN_DAYS = 2  # working days
LINK_LIFE = timedelta(minutes=30)

NAME_LENGTH, ADDRESS_LENGTH, NOTE_LENGTH = 80, 300, 200
ROUTES_AT_MOST = 5
PEOPLE_ON_A_PAGE = 20

ITEM_WORDS: Mapping[str, str] = {
    "identity": N_("Your name, languages, age group and area"),
    "contact": N_("How to reach you, and how not to"),
    "needs": N_("What help you need to take part"),
    "plan": N_("The names of your steps, and which are done"),
}
PURPOSES: Mapping[str, str] = {
    "help": N_("To help you with your plan"),
    "device": N_("To find you a device or data"),
    "course": N_("To find you a course or a group"),
    "other_help": N_("To find you other help near you"),
}
HOW_GIVEN: Mapping[str, str] = {
    "screen": N_("by you, on a screen"),
    "paper": N_("on paper"),
    "spoken": N_("said to a member of staff"),
}
BASES: Mapping[str, str] = {
    "consent": N_("You said yes."),
    "public_task": N_("The law gives this task to the council."),
    "vital_interests": N_("Somebody’s life or safety was at risk."),
}
# What somebody is told before they say yes. A wording that was used stays here: consents name it.
WORDINGS: Mapping[str, tuple[str, ...]] = {
    "2026-11": (
        N_("You choose what you share, and with whom."),
        N_("They may use it only for what you choose here."),
        N_("You can stop it at any time with one press."),
        N_("You get the same help here if you say no."),
        N_("It ends by itself, after one year at most."),
    ),
}
WORDING = "2026-11"
# Days for which somebody shares, as they choose.
SHARED_FOR: Mapping[int, str] = {
    30: N_("30 days"),
    182: N_("Six months"),
    365: N_("One year"),
}
SHARE_SOMETHING = N_("Choose at least one thing to share.")
NOT_AN_ANSWER = N_("Choose one of the answers on this page.")
NOT_SO_LONG = N_("Sharing can last one year at most.")

AGE_BANDS: Mapping[str, str] = {
    "under_13": N_("Under 13"),
    "13_15": N_("13 to 15"),
    "16_17": N_("16 or 17"),
    "18_24": N_("18 to 24"),
    "25_49": N_("25 to 49"),
    "50_64": N_("50 to 64"),
    "65_over": N_("65 or over"),
}
NEEDS: Mapping[str, str] = {
    "large_print": N_("Large print"),
    "step_free": N_("Step-free way in"),
    "bsl": N_("British Sign Language"),
    "interpreter": N_("An interpreter"),
    "quiet": N_("A quiet place"),
    "companion": N_("Somebody comes along"),
}
ROUTES: Mapping[str, str] = {
    "sms": N_("Text message"),
    "email": N_("E-mail"),
    "letter": N_("Letter"),
    "call": N_("Phone call"),
    "caseworker": N_("Through my caseworker"),
}
# A route of these kinds is a number or an address; of the others nothing is written down with it.
WITH_PHONE = frozenset({"sms", "call"})
WITH_VALUE = WITH_PHONE | {"email"}
# Languages people of the city speak; a sign language is one of them (codes of ISO 639).
LANGUAGES = (
    "en", "ur", "ar", "bn", "pa", "pl", "so", "fa", "ps", "ku", "ro", "zh", "yue", "fr", "es", "pt", "it", "gu", "hi",
    "ta", "ti", "am", "vi", "uk", "ru", "yo", "ig", "bfi",
)  # fmt: skip

# The safe-contact rule: each line is one thing nobody may do. Every message obeys it.
NEVER: Mapping[str, str] = {
    "never_call": N_("Never call"),
    "no_voicemail": N_("Leave no message on the phone"),
    "no_service_name": N_("Never name this service in a message"),
    "no_letter": N_("Send no letter"),
}
# How alike two names in one sector must be to warn of a possible duplicate (rapidfuzz, 0 to 100).
LIKE_ENOUGH = 92
# Breaking the glass: who may, who needs a second person, how much of a reason is a reason.
GLASS_ROLES = ("caseworker", "safeguarding_lead", "platform_admin")
GLASS_NEEDS_SECOND = "platform_admin"
# The second person is asked for so long; then the asking is over and has to begin anew.
GLASS_ASKED_FOR = timedelta(hours=24)
GLASS_REASON_SHORTEST, GLASS_REASON_LONGEST = 20, 500
FINDINGS = ("justified", "not_justified", "follow_up")
# Safeguarding: how much of a reason is a reason, how long whoever raised a flag may read their own words again, after
# how many days without a word somebody is asked to look.
FLAG_SHORTEST, FLAG_LONGEST = 10, 2_000
FLAG_OWN_SHOWN = timedelta(minutes=15)
FLAG_QUIET = timedelta(days=7)
# Requests by right (UK GDPR, art. 12(3)): one month, and two more once where they are complex or many.
REQUEST_KINDS = ("access", "correction", "erasure", "objection")
REQUEST_OUTCOMES = ("granted", "partly", "refused", "withdrawn")
EXTENSIONS = ("complex", "many")
REQUEST_MONTHS, REQUEST_MONTHS_MORE = 1, 2
# The paper of a new code stays on the screen of whoever gave it, and a button pressed twice leads to it.
DESK_PAPER_LIFE = timedelta(minutes=10)


def why_not_share(
    *,
    items: Collection[str],
    purpose: str,
    basis: str,
    how: str,
    wording: str,
    has_witness: bool,
    given_at: datetime,
    until_at: datetime,
) -> tuple[str, str] | None:
    """Why a consent like this cannot be: a sentence and the field it belongs to; None when it can."""
    if not items:
        return SHARE_SOMETHING, "items"
    if not set(items) <= set(ITEMS):
        return NOT_AN_ANSWER, "items"
    if purpose not in PURPOSES:
        return NOT_AN_ANSWER, "purpose"
    # Who is not at the screen themself tells it to somebody, who then answers for having written it down.
    if how not in HOW_GIVEN or (how != "screen") != has_witness:
        return NOT_AN_ANSWER, "how"
    if basis not in BASES or wording not in WORDINGS:
        return NOT_AN_ANSWER, ""
    if not given_at < until_at <= given_at + CONSENT_LIFE:
        return NOT_SO_LONG, "until"
    return None


def plain_name(name: str) -> str:
    """A name as it is compared: without accents, case, signs and double spaces."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return " ".join("".join(sign if sign.isalnum() else " " for sign in bare).split())


def needs_adult(age_band: str | None, *, has_adult_contact: bool) -> bool:
    """True when a record may not be kept yet: of a child under 13 only with a way to reach an adult."""
    return age_band == "under_13" and not has_adult_contact


def has_safe_contact(rule: Mapping[str, Any] | None) -> bool:
    """True when anything at all was said of how not to reach somebody."""
    return any((rule or {}).values())


def calendar_months_after(day: date, months: int, holidays: Collection[date]) -> date:
    """The same day of the month so many months later; the month's last day where there is none such.

    When no one works on that day, the next working day. Source: ICO, "How long do we have to comply?" (a month runs to
    the corresponding calendar date).
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    due = date(year, month + 1, min(day.day, last))
    return due if is_working(due, holidays) else working_days_after(due, 1, holidays)


def letters_in(words: str) -> int:
    """How many letters there are, whatever the script: signs and spaces say nothing of a reason."""
    return sum(sign.isalpha() for sign in words)
