"""What the registers add up to for the provider, and answers on paper typed in as sums. Nobody is named here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.csv_out import csv_file
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import OnceForm
from inclusion_app.core.i18n import local
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.words import N_
from inclusion_app.training import policy
from inclusion_app.training.rules import HELPED, WHAT_NEXT
from inclusion_app.training.services import opinions
from inclusion_app.training.slip import QUESTIONS_ON_A_SIDE
from inclusion_app.training.slip_views import questions_html
from inclusion_app.training.staff_change_views import DATE, OneDate, the_date
from inclusion_app.training.staff_register_forms import PaperLanguageForm, whole_number
from inclusion_app.training.staff_register_queries import Figures, figures_for
from inclusion_app.training.views import room

MONTHS = {"1": 31, "3": 92, "12": 366}
USUAL = "3"
HEAD = (
    "session", "first date", "dates", "booked", "came", "came for part", "did not come", "said they could not",
    "not marked", "without a booking", "share that came, per cent", "answers (at least)", "wishes (at least)",
)  # fmt: skip
NOT_A_NUMBER = N_("Type whole numbers from 0 to %(most)s.")


def _figures() -> tuple[str, list[Figures]]:
    months = request.args.get("months", USUAL)
    months = months if months in MONTHS else USUAL
    moment = now()
    since = moment - timedelta(days=MONTHS[months])
    return months, figures_for(db_session(), the_staff(), since=since, now=moment)


@room.page("/staff/training/figures", allow=policy.RUN, localised=False)
def figures() -> Any:
    """For each session: booked, came, part, absent, excused, walk-ins; answers where there are enough of them."""
    months, rows = _figures()
    return render_template(
        "training/staff/register_figures.html", rows=rows, months=months, choices=list(MONTHS), helped=HELPED,
        what_next=WHAT_NEXT,
    )  # fmt: skip


@room.page("/staff/training/figures.csv", allow=policy.RUN, localised=False)
def figures_csv() -> Any:
    """The same as a table for a spreadsheet."""
    _months, rows = _figures()
    lines = [
        (
            row.title, local(row.first).date().isoformat(), row.dates, row.booked, row.came, row.part, row.absent,
            row.excused, row.unmarked, row.walk_ins, "" if row.share is None else row.share,
            _listed(row.answers), _listed(row.wishes),
        )
        for row in rows
    ]  # fmt: skip
    response = Response(csv_file(HEAD, lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="training-figures.csv"'
    return response


def _listed(counts: dict[str, int]) -> str:
    return "; ".join(f"{code} {count}" for code, count in counts.items())


class AnswersForm(OnceForm):
    """Sums of answers on paper."""


@room.page(
    f"{DATE}/answers", allow=policy.RUN, load=the_date,
    methods=("GET", "POST"), localised=False,
)  # fmt: skip
def answers(found: OneDate) -> Any:
    """Print the question for a date, and type in how many people ticked which answer on paper after it."""
    form, questions = AnswersForm(), PaperLanguageForm()
    if request.form.get("do") == "print":
        if questions.validate():
            with i18n.speaking(i18n.LANGUAGES[questions.language.data]):
                html = questions_html(found.date.session)
            return pdf_answer(html, name="question.pdf", print_page=request.path)
    elif request.method == "POST":
        try:
            _type_in(found, form)
            return redirect(url_for("training.register", occurrence_id=found.date.id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            db_session().rollback()
    page = render_template(
        "training/staff/register_answers.html", form=form, questions=questions, copies=QUESTIONS_ON_A_SIDE,
        date=found.date, begun=found.date.starts_at <= now(), title=found.date.session.course.title_in(),
        helped=HELPED, what_next=WHAT_NEXT, typed=request.form,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors or questions.errors else 200


def _type_in(found: OneDate, form: AnswersForm) -> None:
    session, moment = db_session(), now()
    counts = {
        kind: {code: whole_number(request.form.get(f"{kind}-{code}")) or 0 for code in codes}
        for kind, codes in (("helped", HELPED), ("next", WHAT_NEXT))
    }
    if any(not 0 <= count <= opinions.ANSWERS_AT_MOST for of in counts.values() for count in of.values()):
        raise RuleBroken(NOT_A_NUMBER, most=opinions.ANSWERS_AT_MOST)
    whose = f"answers {found.date.id} {the_staff().staff_id}"
    if not form.is_first_press(session, whose=whose, now=moment):
        return
    many = opinions.type_in(session, session_id=found.id, helped=counts["helped"], what_next=counts["next"])
    record_act(session, the_staff(), action="opinions typed in", items=("opinions",), now=moment)
    flash(N_("The answers are typed in.") if many else N_("There was nothing to type in."))


registry.add_to_menu(registry.StaffLink("training.figures", N_("Figures of training"), policy.RUN, 51))
