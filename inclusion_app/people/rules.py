"""What a resident may choose when keeping a plan, how long unused plans and codes stay, and the clocks of staff. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import date, timedelta

# Retention default, to be confirmed by the city's data-protection officer: a saved plan nobody used.
PLAN_IDLE = timedelta(days=396)  # 13 months
# As long as a sticker may lie in a drawer before its paper is typed in.
STICKER_LIFE = timedelta(days=731)  # 24 months
NICKNAME_LENGTH = 40
# What a resident shares by a consent, item by item; later rooms add theirs.
ITEMS = ("identity", "contact", "needs", "plan")
# A consent ends by itself, to be asked again.
CONSENT_LIFE = timedelta(days=365)
MERGE_UNDONE_WITHIN = timedelta(days=90)
GLASS_BROKEN_FOR = timedelta(minutes=60)
GLASS_REVIEWED_WITHIN_DAYS = 2  # working days
LINK_LIFE = timedelta(minutes=30)

# Breaking the glass: who may, who needs a second person, how much of a reason is a reason.
GLASS_ROLES = ("caseworker", "safeguarding_lead", "platform_admin")
GLASS_NEEDS_SECOND = "platform_admin"
# The second person is asked for so long; then the asking is over and has to begin anew.
GLASS_ASKED_FOR = timedelta(hours=24)
GLASS_REASON_SHORTEST, GLASS_REASON_LONGEST = 20, 500
FINDINGS = ("justified", "not_justified", "follow_up")
# Requests by right (UK GDPR, art. 12(3)): one month, and two more once where they are complex or many.
REQUEST_KINDS = ("access", "correction", "erasure", "objection")
REQUEST_OUTCOMES = ("granted", "partly", "refused", "withdrawn")
EXTENSIONS = ("complex", "many")
REQUEST_MONTHS, REQUEST_MONTHS_MORE = 1, 2
# The paper of a new code stays on the screen of whoever gave it, and a button pressed twice leads to it.
DESK_PAPER_LIFE = timedelta(minutes=10)


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """True from Monday to Friday, but for bank holidays."""
    return day.weekday() < 5 and day not in holidays


def working_days_after(day: date, count: int, holidays: Collection[date]) -> date:
    """The `count`-th working day after `day`, which itself does not count."""
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day, holidays)
    return day


def calendar_months_after(day: date, months: int, holidays: Collection[date]) -> date:
    """The same day of the month so many months later; the month's last day where there is none such.

    When no one works on that day, the next working day. Source: ICO, "How long do we have to comply?" (a month runs to
    the corresponding calendar date).
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    due = date(year, month + 1, min(day.day, last))
    return due if is_working_day(due, holidays) else working_days_after(due, 1, holidays)


def letters_in(words: str) -> int:
    """How many letters there are, whatever the script: signs and spaces say nothing of a reason."""
    return sum(sign.isalpha() for sign in words)
