"""Return: scan after scan into quarantine, parts looked at later by the list they went out with; nobody owes anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField

from inclusion_app.core import paper, registry
from inclusion_app.core.access import Principal, record_act, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.headers import with_camera
from inclusion_app.core.i18n import day_words
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.paper_parts import PRINTED_ON, Pair, Paper
from inclusion_app.core.words import N_
from inclusion_app.loans import policy
from inclusion_app.loans import staff_handover_queries as queries
from inclusion_app.loans.models import Loan, TakeIn, Unit
from inclusion_app.loans.rules import CONDITIONS, FAULTS, marks_in
from inclusion_app.loans.services import repairs, returns, sims
from inclusion_app.loans.services.custody import UNDO_MINUTES, UNDO_OVER
from inclusion_app.loans.services.returns import PART_COUNT, Looked
from inclusion_app.loans.services.stock import unit_by_mark
from inclusion_app.loans.staff_elsewhere import NOT_OUT, number_of_tag
from inclusion_app.loans.staff_handover_forms import NO_MARK, count_of
from inclusion_app.loans.staff_handover_views import LOAN, _loan
from inclusion_app.loans.staff_place_forms import PlaceForm
from inclusion_app.loans.views import room
from inclusion_app.people.choice_fields import FromList, OneOf, number_of
from inclusion_app.places.models import Place

# What one press did; the tag itself stands in the list below.
CAME = {
    "in": N_("It is in. Scan the next one."),
    "found": N_("This one was missing. It is found."),
    "arrived": N_("It has arrived here."),
    "not_out": N_("Nobody had this one. It stays ready."),
    "in_already": N_("This one is in already. Nothing has changed."),
    "retired": N_("This one is retired. Put it aside and ask."),
}
ON_ITS_WAY = N_("It is in. It belongs to another place: put it with what is sent there.")
# Of another organisation's: what it is and whose, they do not read.
PUT_ASIDE = N_("Thank you. Put it aside for the place in the list below.")
UNDONE = N_("Taken back. All is as it was before.")
SEEN = N_("Noted. There is nothing to pay.")
YES_NO = {
    "yes": N_("Yes"),
    "no": N_("No"),
    "unknown": N_("Nobody could say"),
}
FILES = {
    "saved": N_("Yes, or there are none"),
    "later": N_("No: they come back for them"),
    "nobody_knows": N_("Nobody could say"),
}
SHOWN_FOR = timedelta(hours=12)
ANSWER = N_("Choose an answer.")
registry.add_to_menu(registry.StaffLink("loans.take_in", N_("Take in a device"), policy.TAKE_IN, 32))


class ScanForm(BaseForm):
    """What stands on the device: its tag, its label, else its serial number or IMEI."""

    mark = StringField(_l("Tag, serial number or IMEI"))


# --- scan, scan, scan


@room.page("/staff/loans/take-in", allow=policy.TAKE_IN, methods=("GET", "POST"), localised=False)
def take_in() -> Any:
    """One scan, one device in quarantine. No name stands here, and nothing can be searched for.

    One that is out from another organisation's scheme is taken in too, by its tag only, and put aside for its place.
    """
    session, principal, form = db_session(), the_staff(), ScanForm()
    places = queries.desks_of(session, principal)
    where = PlaceForm(formdata=request.args if "place" in request.args else None)
    where.offer(places)
    here = _place_here(places)
    if here is None and "place" in request.args:
        try:
            return redirect(url_for("loans.take_in", at=where.chosen(session, places).id), 303)
        except RuleBroken as broken:
            where.refuse(broken)
    if request.method == "POST" and here is not None:
        at_place_id = here.id
        try:
            if request.form.get("do") == "undo":
                _undo_mine(principal)
            else:
                _scan(principal, form, at_place_id)
            return redirect(url_for("loans.take_in", at=at_place_id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            session.rollback()
    moment, is_wrong = now(), bool(form.errors or form.form_errors or where.errors)
    page = render_template(
        "loans/staff/quick_return.html", form=form, where=where, at=here,
        came=queries.my_take_ins(session, principal, moment - SHOWN_FOR),
        undo_since=moment - timedelta(minutes=UNDO_MINUTES), may_look=policy.RUN.may_at_all(principal),
    )  # fmt: skip
    return with_camera(page, 422 if is_wrong else 200)


def _place_here(places: Sequence[Place]) -> Place | None:
    """The place they said they are at, which the address keeps. With one place only nobody is asked."""
    asked_at = request.args.get("at")
    if asked_at is None and "place" not in request.args:
        return places[0] if len(places) == 1 else None
    return db_session().get(Place, number_of(asked_at or ""))


def _scan(principal: Principal, form: ScanForm, place_id: int) -> None:
    session, moment, typed = db_session(), now(), form.mark.data or ""
    if not typed.strip():
        raise RuleBroken(NO_MARK, field="mark")
    unit = unit_by_mark(session, holder_id=principal.organisation_id or 0, typed=typed)
    is_ours = unit is not None
    if unit is None:
        if _is_in_by_me(principal, typed):
            flash(CAME["in_already"])
            return
        number = number_of_tag(typed, principal=principal, address=request.remote_addr, now=moment)
        unit = session.get_one(Unit, number)
    came = returns.quick_return(
        session, unit=unit, at_place_id=place_id, staff_id=principal.staff_id, now=moment
    )
    if not is_ours and came.take_in is None:
        raise RuleBroken(NOT_OUT, field="mark")  # somebody else took it in a moment ago
    if came.take_in is not None:
        resident_id = came.loan.resident_id if came.loan else None
        record_act(session, principal, action="take in device", resident_id=resident_id, now=moment)
    flash(PUT_ASIDE if not is_ours else ON_ITS_WAY if came.is_on_its_way else CAME[came.how])


def _is_in_by_me(principal: Principal, typed: str) -> bool:
    """The same tag of another scheme once more: who took it in reads that it is in, and no more than that."""
    mine = queries.my_take_ins(db_session(), principal, now() - SHOWN_FOR)
    tags = {one.row.unit.tag for one in mine if one.row.unit and not one.is_ours and not one.row.undone_at}
    return not tags.isdisjoint(marks_in(typed))


def _undo_mine(principal: Principal) -> None:
    session, moment = db_session(), now()
    number = number_of(request.form.get("take_in", ""))
    mine = queries.my_take_ins(session, principal, moment - SHOWN_FOR)
    came = next((one for one in mine if one.row.id == number), None)
    if came is None:
        raise RuleBroken(UNDO_OVER)
    _undo(principal, came.row, by_coordinator=False)


def _undo(principal: Principal, row: TakeIn, *, by_coordinator: bool) -> None:
    session, moment = db_session(), now()
    loan = returns.undo(
        session, take_in=row, staff_id=principal.staff_id, by_coordinator=by_coordinator, now=moment
    )
    record_act(
        session, principal, action="undo take in", resident_id=loan.resident_id if loan else None, now=moment
    )
    flash(UNDONE)


# --- parts later


@room.page("/staff/loans/returns", allow=policy.RUN, methods=("GET", "POST"), localised=False)
def returns_to_look_at() -> Any:
    """What came in and nobody has looked at yet. No name stands here."""
    session, principal, form = db_session(), the_staff(), BaseForm()
    rows = queries.take_ins_to_look_at(session, principal)
    if request.method == "POST":
        try:
            number = number_of(request.form.get("take_in", ""))
            row = next((one for one in rows if one.id == number), None)
            if row is None:
                raise RuleBroken(CHANGED_ALREADY)
            if request.form.get("do") == "undo":
                _undo(principal, row, by_coordinator=True)
            else:
                returns.looked_at_stray(session, take_in=row, now=now())
                record_act(session, principal, action="look at return", now=now())
                flash(SEEN)
            return redirect(url_for("loans.returns_to_look_at"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            session.rollback()
            rows = queries.take_ins_to_look_at(session, principal)
    page = render_template("loans/staff/return_list.html", form=form, rows=rows)
    return page, 422 if form.form_errors else 200


class PartsForm(BaseForm):
    """What somebody saw when they looked: the state, and the two questions before the wipe."""

    at = FromList(_l("Where are you?"))
    condition = OneOf(_l("How it looks"), missing=ANSWER)
    is_unlocked = OneOf(_l("Signed out of Google or Apple, activation lock off?"), missing=ANSWER)
    files = OneOf(_l("Files saved?"), missing=ANSWER)
    sim = OneOf(_l("Is the SIM card here?"), missing=ANSWER)
    fault = FromList(_l("Does something need repair?"))

    def offer(self, loan: Loan, places: Sequence[tuple[str, str]], *, has_sim: bool) -> None:
        """What can be answered for this loan; questions that mean nothing for it are not asked."""
        self.condition.choices = [(key, f"{key} – {_(words)}") for key, words in CONDITIONS.items()]
        self.is_unlocked.choices = [(key, _(words)) for key, words in YES_NO.items()]
        self.files.choices = [(key, _(words)) for key, words in FILES.items()]
        self.sim.choices = [("yes", _("Yes")), ("no", _("No"))]
        self.fault.choices = [("", _("No")), *((key, _(words)) for key, words in FAULTS.items())]
        self.at.choices = list(places)
        if loan.unit is None:
            del self.condition, self.is_unlocked, self.files, self.fault
        if not has_sim or loan.unit is None:
            del self.sim
        if loan.status != "active":
            del self.at

    def answer(self, name: str) -> str:
        """What was chosen; empty where it was not asked."""
        return str(self[name].data or "") if name in self else ""


@room.page(f"{LOAN}/return", allow=policy.RUN_LOAN, load=_loan, methods=("GET", "POST"), localised=False)
def return_loan(loan: Loan) -> Any:
    """The list it went out with, part by part. One that is still out is taken in with the same press. No name stands here."""
    session, principal, form = db_session(), the_staff(), PartsForm()
    places = queries.places_of(session, principal.organisation_id, (loan.place_id,))
    has_sim = sims.sim_in(session, loan.id) is not None
    form.offer(loan, [(str(place.id), place.name) for place in places], has_sim=has_sim)
    row = queries.open_take_in(session, loan.id)
    if request.method == "POST":
        try:
            if request.form.get("do") == "undo":
                if row is None:
                    raise RuleBroken(CHANGED_ALREADY)
                _undo(principal, row, by_coordinator=True)
                return redirect(url_for("loans.return_loan", loan_id=loan.id), 303)
            if not form.validate():
                raise RuleBroken(N_("Look at what is marked below."))
            _look(principal, loan, form)
            return redirect(url_for("loans.returns_to_look_at"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            session.rollback()
    elif "at" in form:
        form.at.data = str(loan.place_id)
    page = render_template(
        "loans/staff/return.html", form=form, loan=loan, row=row, typed=request.form,
        wrong_parts=any(PART_COUNT in str(message) for message in form.form_errors),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _look(principal: Principal, loan: Loan, form: PartsForm) -> None:
    session, moment = db_session(), now()
    back = {}
    for part in loan.parts:
        typed = request.form.get(f"part-{part.id}", "")
        if not typed.strip():
            raise RuleBroken(PART_COUNT)
        back[part.id] = count_of(typed)
    if loan.status == "active":
        returns.give_back(
            session, loan=loan, at_place_id=number_of(form.answer("at")), staff_id=principal.staff_id, now=moment
        )  # fmt: skip
    unlocked = {"yes": True, "no": False}.get(form.answer("is_unlocked"))
    sim = {"yes": True, "no": False}.get(form.answer("sim"))
    returns.check_parts(
        session, loan=loan, staff_id=principal.staff_id, now=moment,
        looked=Looked(
            back=back, damaged=[part.id for part in loan.parts if request.form.get(f"damaged-{part.id}")],
            condition=form.answer("condition") or "B", is_unlocked=unlocked,
            files=form.answer("files") or "nobody_knows", sim_is_here=sim,
        ),
    )  # fmt: skip
    if form.answer("fault") and loan.unit is not None:
        repairs.open_ticket(
            session, unit=loan.unit, fault=form.answer("fault"), staff_id=principal.staff_id, now=moment
        )
    record_act(session, principal, action="look at return", resident_id=loan.resident_id, now=moment)
    flash(SEEN)


@room.page(f"{LOAN}/return.pdf", allow=policy.RUN_LOAN, load=_loan, localised=False)
def return_pdf(loan: Loan) -> Any:
    """The list to tick on paper. No name stands on it."""
    printed = PRINTED_ON % {"day": day_words(today())}
    html = render_template(
        "pdf/return_list.html",
        paper=Paper(lang="en", dir="ltr", words={}, printed_on=Pair(printed, printed)),
        paper_style=paper.style_sheet("paper.css", "paperregister.css"), loan=loan, conditions=CONDITIONS,
    )  # fmt: skip
    return pdf_answer(html, name="return.pdf", print_page=url_for("loans.return_loan", loan_id=loan.id))
