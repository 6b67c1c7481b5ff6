"""The page of figures: how fast organisations answer referrals, and how those of the own one ended."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import ngettext

from inclusion_app.core import registry
from inclusion_app.core.access import the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.words import N_
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_figures_queries as queries
from inclusion_app.referrals.staff_figures_rules import FEWEST
from inclusion_app.referrals.views import room

registry.add_to_menu(
    registry.StaffLink("referrals.referral_figures", N_("Figures of referrals"), policy.FIGURES, 53)
)
CLOCKS = {
    "acknowledge": N_("Until it is seen"),
    "decide": N_("Until they say yes or no"),
    "contact": N_("From the yes to the first contact"),
}


def time_words(hours: float) -> str:
    """So many hours of work in words: a day of work has eight."""
    if hours < 1:
        return _("less than an hour")
    if hours < rules.HOURS_A_DAY:
        whole = round(hours)
        return ngettext("%(num)s hour of work", "%(num)s hours of work", whole)
    days = round(hours / rules.HOURS_A_DAY, 1)
    if days == 1:
        return _("1 working day")
    return _("%(days)s working days", days=f"{days:g}")


@room.page("/staff/referrals/figures", allow=policy.FIGURES, localised=False)
def referral_figures() -> Any:
    """A year of clocks for each organisation with at least five, and how the own ones ended. Nobody stands in it."""
    session, principal, moment = db_session(), the_staff(), now()
    return render_template(
        "referrals/staff/referral_figures.html",
        houses=queries.houses_of(session, own_id=principal.organisation_id, now=moment),
        outcomes=queries.outcomes_of(session, organisation_id=principal.organisation_id, now=moment),
        clocks=CLOCKS,
        time_words=time_words,
        limits={
            "acknowledge": rules.ACKNOWLEDGE_DAYS,
            "decide": rules.DECIDE_DAYS,
            "contact": rules.CONTACT_DAYS,
        },
        fewest=FEWEST,
        may_follow=policy.FOLLOW.may_at_all(principal),
    )
