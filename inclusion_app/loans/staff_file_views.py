"""Files of the stock: devices and SIM cards, in and out as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from inclusion_app.core import kept_files
from inclusion_app.core.access import the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.uploads import takes_files
from inclusion_app.core.words import N_
from inclusion_app.loans import csv_in, policy, sim_csv, stock_csv
from inclusion_app.loans import staff_stock_forms as forms
from inclusion_app.loans import staff_stock_queries as queries
from inclusion_app.loans.services import files
from inclusion_app.loans.services.stock import NewSim, NewUnit, Sorted
from inclusion_app.loans.staff_stock_views import act, holder, refused, shown
from inclusion_app.loans.views import room

# In bytes: 200 for each line that a file may have. A page that takes files may be sent back as much.
LONGEST_TEXT = 200 * csv_in.MOST_ROWS
UNITS_MADE = N_("All devices of the file are in the stock now.")
SIMS_MADE = N_("All SIM cards of the file are in the stock now.")


# --- out


@room.page("/staff/loans/units.csv", allow=policy.RUN_UNIT, localised=False)
def units_csv() -> Any:
    """All units as a table. It tells of no resident."""
    session = db_session()
    return _download(
        stock_csv.units_file(queries.all_units(session, the_staff()), queries.owners(session)), "devices.csv"
    )


@room.page("/staff/loans/sims.csv", allow=policy.RUN_SIM, localised=False)
def sims_csv() -> Any:
    """All SIM cards as a table. It tells of no resident."""
    return _download(sim_csv.sims_file(queries.all_sims(db_session(), the_staff())), "sims.csv")


def _download(table: bytes, name: str) -> Response:
    answer = Response(table, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# --- in


@room.page("/staff/loans/import", allow=policy.RUN_UNIT, methods=("GET", "POST"), localised=False)
@takes_files
def import_units() -> Any:
    """A file of devices: tried first, and made by a second press. A file sent twice changes nothing."""
    form = forms.ImportUnitsForm()

    def way() -> csv_in.Way[NewUnit]:
        return stock_csv.way_in(
            db_session(), holder_id=holder(), names=names(), prefix=form.prefix.data or "", now=now()
        )

    return _bring_in(
        form, way, "import.html", stock_csv.COLUMNS, action="import devices", done=UNITS_MADE, then="loans.stock_list"
    )  # fmt: skip


@room.page("/staff/loans/sims/import", allow=policy.RUN_SIM, methods=("GET", "POST"), localised=False)
@takes_files
def import_sims() -> Any:
    """A file of SIM cards: tried first, and made by a second press. A file sent twice changes nothing."""

    def way() -> csv_in.Way[NewSim]:
        session = db_session()
        return sim_csv.way_in(session, holder_id=holder(), place=queries.place_finder(session), now=now())

    return _bring_in(
        forms.ImportForm(), way, "import_sims.html", sim_csv.COLUMNS, action="import sims", done=SIMS_MADE,
        then="loans.sims",
    )  # fmt: skip


def _bring_in(
    form: forms.ImportForm,
    way: Callable[[], csv_in.Way[Any]],
    template: str,
    columns: csv_in.Columns,
    *,
    action: str,
    done: str,
    then: str,
) -> Any:
    """The page of a file: what it would do, all that is refused; made where it was asked for and nothing is."""
    tried: Sorted[Any] | None = None
    wrong: list[csv_in.Refused] = []
    if request.method == "POST":
        try:
            form.validate()
            text, chosen = _text_of(form), way()
            tried, wrong = chosen.try_it(text)
            if request.form.get("do") == "make" and not wrong:
                chosen.make(tried.new)
                act(action)
                flash(done)
                return redirect(url_for(then), 303)
        except RuleBroken as broken:
            refused(form, broken)
            tried = None
    return shown(template, form, tried=tried, wrong=wrong, columns=columns.names)


def _text_of(form: forms.ImportForm) -> str:
    """The lines of the file, or those in the box. They stand in the box then, so that the second press has them."""
    data = form.file.sent
    if data:
        text = kept_files.text_of(data) if len(data) <= files.LARGEST else None
        if text is None:
            raise RuleBroken(csv_in.NO_TEXT, field="file")
        form.text.data = text if len(text.encode()) <= LONGEST_TEXT else ""
    else:
        text = form.text.data or ""
    if not text.strip():
        raise RuleBroken(files.NOTHING_SENT, field="file")
    return text


def names() -> stock_csv.Names:
    """What a file of devices may name."""
    session, principal = db_session(), the_staff()
    return stock_csv.Names(
        models={model.name.casefold(): model.id for model in queries.models_of(session, principal)},
        place=queries.place_finder(session),
        owners={name.casefold(): number for number, name in queries.owners(session).items()},
        own=principal.organisation_id or 0,
    )
