"""Use, idle stock, outcomes and the carbon that re-use saves, in sums nobody stands in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request

from inclusion_app.core import registry
from inclusion_app.core.access import the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.csv_out import csv_file
from inclusion_app.core.db import db_session
from inclusion_app.core.words import N_
from inclusion_app.loans import carbon, policy, rules
from inclusion_app.loans import staff_figures_queries as queries
from inclusion_app.loans.reuse import carbon_saved
from inclusion_app.loans.staff_desk_views import shown
from inclusion_app.loans.views import room

MONTHS = {"3": 92, "12": 366, "36": 1096}
USUAL = "12"
HEAD = (
    "model", "kind", "units", "days owned", "days lent", "use, per cent", "loans begun", "lost", "given away",
    "idle over 60 days", "used for (at least)", "changed (at least)",
)  # fmt: skip
registry.add_to_menu(registry.StaffLink("loans.loan_figures", N_("Figures of loans"), policy.SEE_COUNTS, 52))


def _use() -> tuple[str, list[queries.Use]]:
    months = request.args.get("months", USUAL)
    months = months if months in MONTHS else USUAL
    moment = now()
    since = moment - timedelta(days=MONTHS[months])
    return months, queries.use_of(db_session(), the_staff(), since=since, now=moment)


@room.page("/staff/loans/figures", allow=policy.SEE_COUNTS, localised=False)
def loan_figures() -> Any:
    """How the scheme stands today; for each model days lent of days owned, loans, idle; the idle units; answers where
    there are enough of them. The pages behind are for whoever runs the scheme.
    """
    session, principal, moment = db_session(), the_staff(), now()
    months, rows = _use()
    return shown(
        "figures.html", rows=rows, months=months, choices=list(MONTHS), idle=queries.idle_of(session, principal, moment),
        today=queries.today_of(session, principal, moment), runs_it=policy.RUN.may_at_all(principal),
        outcomes=queries.outcomes_of(session, principal), changed=rules.CHANGED, carbon=carbon,
        saved=carbon_saved(session, organisation_id=principal.organisation_id),
        idle_days=rules.IDLE_DAYS,
    )  # fmt: skip


@room.page("/staff/loans/figures.csv", allow=policy.SEE_COUNTS, localised=False)
def loan_figures_csv() -> Any:
    """The same as a table for a spreadsheet. Answers stand at the first model of their kind."""
    _months, rows = _use()
    said = {one.kind: one for one in queries.outcomes_of(db_session(), the_staff())}
    lines = []
    for row in rows:
        answers = said.pop(row.model.kind, None)
        lines.append(
            (
                row.model.name, row.model.kind, row.units, row.owned, row.lent, "" if row.share is None else row.share,
                row.begun, row.lost, row.gifted, row.idle, _listed(answers.used_for if answers else {}),
                _listed(answers.changed if answers else {}),
            )
        )  # fmt: skip
    response = Response(csv_file(HEAD, lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="loan-figures.csv"'
    return response


def _listed(counts: Any) -> str:
    return "; ".join(f"{code} {count}" for code, count in counts.items())
