"""One loan and what becomes of it: kept longer, another SIM, lost and found, a gift, how it went, notes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_loan_forms as forms
from inclusion_app.loans import staff_loan_queries as queries
from inclusion_app.loans import staff_loan_words as words
from inclusion_app.loans.models import Loan, Sim
from inclusion_app.loans.services import endings, outcomes, renewals, requests_decide, sims, telling
from inclusion_app.loans.staff_people import say_told
from inclusion_app.loans.views import room

ONE = "/staff/loans/loans/<int(max=999999999):loan_id>"
READS = ("identity", "loan")


def the_loan(loan_id: int) -> Loan | None:
    """One loan of the scheme the staff act for."""
    return queries.loan_for(db_session(), the_staff(), loan_id)


def _shown(loan: Loan, template: str, form: BaseForm, **more: Any) -> Any:
    """A page about this loan; 422 where something of its form was refused."""
    found = queries.whole(db_session(), the_staff(), loan, now())
    if loan.resident_id is not None:
        shows_person(loan.resident_id, *READS)
    page = render_template(
        f"loans/staff/{template}", form=form, found=found, loan=loan, rules=rules, words=words,
        day_words=i18n.day_words, today=now().astimezone(LONDON).date(), day_of=_day_of, sim_words=_sim_words,
        title=_title(found), **more,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _title(found: queries.WholeLoan) -> str:
    if found.loan.unit is not None:
        return f"{found.loan.unit.model.name}, {found.loan.unit.tag}"
    return found.model.name if found.model is not None else str(_("SIM card"))


def _day_of(moment: Any) -> str:
    return i18n.day_words(i18n.local(moment).date())


def _sim_words(sim: Sim) -> str:
    """Carrier, the last signs of its number, how much data, and until when."""
    data = (
        ngettext("%(num)s gigabyte a month", "%(num)s gigabytes a month", sim.data_gb)
        if sim.data_gb is not None
        else _("As much data as they like")
    )
    until = (
        _("until %(day)s", day=i18n.day_words(sim.data_until)) if sim.data_until else _("without an end day")
    )
    return ", ".join(filter(None, [sim.carrier, f"…{sim.iccid[-6:]}", data, until]))


def _refused(form: BaseForm, broken: RuleBroken) -> None:
    """Say why at the field, and forget what was changed in memory: it is not what stands in the record."""
    db_session().rollback()
    form.refuse(broken)


def _done(loan: Loan, action: str, said: str, *, is_told: bool = False) -> Any:
    record_act(
        db_session(), the_staff(), action=action, resident_id=loan.resident_id, items=("loan",), now=now()
    )
    done = _said(loan, said)
    request = telling.request_of(db_session(), loan) if is_told else None
    if request is not None:
        say_told(db_session(), request, now())
    return done


def _said(loan: Loan, said: str) -> Any:
    flash(said)
    return redirect(url_for("loans.one_loan", loan_id=loan.id), 303)


def _is_over(loan: Loan) -> bool:
    """Nobody fills in a form about what has ended; one that was open already is refused by its service."""
    return request.method == "GET" and loan.status != "active"


def _about_it(more: str, *methods: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A page about one loan of the scheme."""
    return room.page(
        ONE + more, allow=policy.RUN_LOAN, load=the_loan, methods=methods, reads=READS, localised=False
    )


@_about_it("", "GET")
def one_loan(loan: Loan) -> Any:
    """What it is, who has it until when, and what can be done about it."""
    return _page(loan, forms.RenewForm(), forms.NoteForm())


def _page(loan: Loan, form: BaseForm, note: forms.NoteForm, refused: str = "") -> Any:
    session, moment = db_session(), now()
    is_active = loan.status == "active"
    why_not = renewals.why_not(session, loan, moment) if is_active else None
    return _shown(
        loan, "loan.html", form, note=note,
        renew_key=forms.RenewForm(formdata=None).form_key.data,
        why_not=why_not,
        new_day=renewals.new_due_day(session, loan, moment) if is_active and why_not is None else None,
        is_last=renewals.is_last(session, loan),
        ways_on=_ways_on(),
        renewals=renewals.renewals_of(session, loan),
        data_before_end=_data_before_end(session, loan),
        can_answer=loan.outcome_asked_at is None and loan.status != "lost",
    )  # fmt: skip


def _ways_on() -> list[tuple[str, str]]:
    """Ways to a device of one's own, each with the title of the step of a plan that says how."""
    titles = registry.step_titles()
    return [(said, titles.get(step, "")) for said, step in rules.WAYS_TO_OWN.values()]


def _data_before_end(session: Any, loan: Loan) -> date | None:
    """The last day of the SIM's data, where that is before the end of the loan."""
    use = sims.sim_in(session, loan.id)
    until = use.sim.data_until if use is not None else None
    return until if until is not None and until < loan.due_on else None


@_about_it("/renew", "POST")
def renew(loan: Loan) -> Any:
    """Keep it longer, for who asks at the desk. The page says until when, or why not."""
    form = forms.RenewForm()
    if form.validate():
        try:
            key = f"desk {loan.id} {(form.form_key.data or '')[:40]}"
            row = renewals.ask_to_renew(db_session(), loan=loan, how="desk", form_key=key, now=now())
            if row.refused_for:
                # Nothing was changed, so there is nothing to record.
                return _said(loan, words.REFUSED_FOR[row.refused_for])
            return _done(loan, "renew loan", words.KEPT_LONGER, is_told=True)
        except RuleBroken as broken:
            _refused(form, broken)
    return _page(loan, form, forms.NoteForm(formdata=None))


# --- SIMs


@_about_it("/sim", "GET", "POST")
def loan_sim(loan: Loan) -> Any:
    """A SIM goes in, or takes the place of the one that is in."""
    if _is_over(loan):
        return _said(loan, words.LOAN_OVER)
    session, moment = db_session(), now()
    form = forms.SimForm()
    form.offer(_free(loan))
    if form.validate_on_submit():
        try:
            sim = session.get_one(Sim, form.sim.data)
            if sims.sim_in(session, loan.id) is None:
                sims.put_in(session, loan=loan, sim=sim, now=moment)
                return _done(loan, "put SIM into loan", words.SIM_IN)
            sims.swap(session, loan=loan, sim=sim, now=moment)
            return _done(loan, "swap SIM of loan", words.SIM_SWAPPED)
        except RuleBroken as broken:
            _refused(form, broken)
            form.offer(_free(loan))
    return _shown(loan, "loan_sim.html", form, databank=words.DATABANK)


def _free(loan: Loan) -> list[tuple[int, str]]:
    return [(sim.id, _sim_words(sim)) for sim in sims.free_sims(db_session(), loan=loan)]


@_about_it("/sim/out", "POST")
def take_sim_out(loan: Loan) -> Any:
    """The SIM leaves the loan."""
    form = BaseForm()
    if form.validate():
        try:
            if sims.take_out(db_session(), loan=loan, now=now()) is None:
                raise RuleBroken(words.HAS_NONE)
            return _done(loan, "take SIM out of loan", words.SIM_OUT)
        except RuleBroken as broken:
            _refused(form, broken)
    return _page(loan, form, forms.NoteForm(formdata=None))


# --- gone, found, given


@_about_it("/lost", "GET", "POST")
def loan_lost(loan: Loan) -> Any:
    """It is gone: by which cause, and what to do now. Nobody owes anything."""
    if _is_over(loan):
        return _said(loan, words.LOAN_OVER)
    form = forms.LostForm()
    if form.validate_on_submit():
        try:
            endings.report_lost(
                db_session(), loan=loan, cause=form.cause.data, staff_id=the_staff().staff_id, now=now()
            )
            return _done(loan, "report loan lost", words.LOST_NOTED)
        except RuleBroken as broken:
            _refused(form, broken)
    return _shown(loan, "loan_lost.html", form)


@_about_it("/locked", "POST")
def loan_locked(loan: Loan) -> Any:
    """It was locked from afar."""
    form = BaseForm()
    if form.validate():
        try:
            if loan.status != "lost":
                raise RuleBroken(words.NOT_LOST)
            endings.note_locked(db_session(), loan=loan, now=now())
            return _done(loan, "note that loan is locked", words.LOCK_NOTED)
        except RuleBroken as broken:
            _refused(form, broken)
    return _page(loan, form, forms.NoteForm(formdata=None))


@_about_it("/found", "POST")
def loan_found(loan: Loan) -> Any:
    """It turned up again."""
    form = BaseForm()
    if form.validate():
        try:
            endings.found_again(db_session(), loan=loan, staff_id=the_staff().staff_id, now=now())
            return _done(loan, "note that loan is found", words.FOUND_NOTED)
        except RuleBroken as broken:
            _refused(form, broken)
    return _page(loan, form, forms.NoteForm(formdata=None))


@_about_it("/gift", "GET", "POST")
def loan_gift(loan: Loan) -> Any:
    """It is theirs now: asked once more, with what was wiped when and how long its maker keeps it safe."""
    if _is_over(loan):
        return _said(loan, words.LOAN_OVER)
    form = forms.GiftForm()
    if form.validate_on_submit():
        try:
            endings.give_away(
                db_session(), loan=loan, staff_id=the_staff().staff_id, now=now(),
                owner_agrees=bool(form.owner_agrees.data),
            )  # fmt: skip
            return _done(loan, "give loan away", words.GIVEN, is_told=True)
        except RuleBroken as broken:
            _refused(form, broken)
    until = endings.support_until(loan.unit) if loan.unit is not None else None
    return _shown(loan, "loan_gift.html", form, support_until=until)


# --- how it went, notes


@_about_it("/outcome", "GET", "POST")
def loan_outcome(loan: Loan) -> Any:
    """What they say it was used for and what changed; asked once, and kept without the loan."""
    form = forms.OutcomeForm()
    if form.validate_on_submit():
        try:
            outcomes.answer_outcome(
                db_session(), loan=loan, used_for=form.used_for.data or (), changed=form.changed.data or (),
                now=now(),
            )  # fmt: skip
            return _done(loan, "answer how loan went", words.ANSWER_KEPT)
        except RuleBroken as broken:
            _refused(form, broken)
    return _shown(loan, "loan_outcome.html", form)


@_about_it("/note", "POST")
def loan_note(loan: Loan) -> Any:
    """A note about this loan; nothing of needs, health or safety belongs there."""
    session, form, moment = db_session(), forms.NoteForm(), now()
    if form.validate():
        try:
            request = telling.request_of(session, loan)
            if request is None:
                raise RuleBroken(words.LOAN_OVER)
            if not form.is_first_press(session, whose=f"note of loan {loan.id}", now=moment):
                return redirect(url_for("loans.one_loan", loan_id=loan.id), 303)
            requests_decide.add_note(
                session,
                request=request,
                words=form.words.data or "",
                staff_id=the_staff().staff_id,
                now=moment,
            )
            return _done(loan, "note about loan", words.NOTE_KEPT)
        except RuleBroken as broken:
            _refused(form, broken)
    return _page(loan, form, form)
