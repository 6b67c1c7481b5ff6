"""Give one of one's people to a colleague; and the admin's list of numbers, from which some are handed on unopened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from inclusion_app.accounts.models import Staff
from inclusion_app.core.access import shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import caseload_services
from inclusion_app.people import policy as people
from inclusion_app.people import queries as people_queries
from inclusion_app.people import staff_words as people_words
from inclusion_app.people.models import CaseloadEntry, Resident
from inclusion_app.referrals import staff_caseload_forms as forms
from inclusion_app.referrals import staff_caseload_queries as queries
from inclusion_app.referrals import staff_caseload_words as words
from inclusion_app.referrals.services import handover
from inclusion_app.referrals.views import room


@dataclass(frozen=True)
class Mine:
    """Somebody of my own caseload; or a number only, where this very form has given them on already."""

    id: int
    resident: Resident | None


def _mine(resident_id: int) -> Mine | None:
    session, principal = db_session(), the_staff()
    once = request.form.get("once", "")
    if once and handover.is_given(session, actor=principal, resident_id=resident_id, once=once):
        return Mine(resident_id, None)
    own = select(CaseloadEntry.id).where(
        CaseloadEntry.resident_id == resident_id,
        CaseloadEntry.staff_id == principal.staff_id,
        CaseloadEntry.organisation_id == principal.organisation_id,
    )
    found = people_queries.resident_for(session, principal, resident_id, "resident.edit")
    return Mine(resident_id, found) if found is not None and session.scalar(own) is not None else None


@room.page(
    "/staff/people/<int(max=999999999):resident_id>/give", allow=people.RECORD, load=_mine, methods=("GET", "POST"),
    reads=("identity",), localised=False,
)  # fmt: skip
def give(mine: Mine) -> Any:
    """A colleague looks after this person from now on, and gets a task to take over."""
    session, principal = db_session(), the_staff()
    if mine.resident is None:
        return redirect(url_for("referrals.caseload"), 303)
    form = forms.GiveForm()
    colleagues = caseload_services.caseworkers(session, principal)
    form.to_id.choices = [one for one in colleagues if one[0] != principal.staff_id]
    if request.method == "POST" and form.validate():
        try:
            handover.give(
                session, actor=principal, resident_id=mine.id, to_id=form.to_id.data, once=form.once.data or "", now=now()
            )  # fmt: skip
            flash(words.GIVEN)
            return redirect(url_for("referrals.caseload"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    shows_person(mine.id, "identity")
    name = mine.resident.name or ""
    others = people_queries.people_of(session, principal, mine=True)
    ends = queries.ends_of(session, {mine.id: name, **{line.id: line.name for line in others}})
    page = render_template(
        "referrals/staff/give.html", form=form, resident_id=mine.id, name=name, end=ends.get(mine.id, "")
    )
    return page, 422 if form.errors or form.form_errors else 200


@dataclass(frozen=True)
class Theirs:
    """The people of one caseworker, as numbers."""

    id: int
    name: str
    numbers: list[int]


def _theirs(staff_id: int) -> Theirs | None:
    session = db_session()
    numbers = caseload_services.numbers_of(session, the_staff(), staff_id)
    if not numbers:
        return None
    return Theirs(staff_id, session.scalar(select(Staff.name).where(Staff.id == staff_id)) or "", numbers)


@room.page(
    "/staff/caseloads/<int(max=999999999):staff_id>", allow=people.HAND_OVER, load=_theirs, methods=("GET", "POST"),
    reads=("caseload",), localised=False,
)  # fmt: skip
def numbers(theirs: Theirs) -> Any:
    """The numbers of somebody's people and how much is open about each; some of them are handed on. Nobody is opened."""
    session, principal = db_session(), the_staff()
    form = forms.NumbersForm()
    tasks = handover.tasks_about(session, principal.organisation_id or 0, theirs.numbers)
    form.people.choices = [(number, _open_about(number, tasks.get(number, 0))) for number in theirs.numbers]
    form.to_id.choices = [
        one for one in caseload_services.caseworkers(session, principal) if one[0] != theirs.id
    ]
    if request.method == "POST" and form.validate():
        try:
            caseload_services.hand_over(
                session, actor=principal, from_id=theirs.id, to_id=form.to_id.data, only=form.people.data or (), now=now()
            )  # fmt: skip
            flash(people_words.HANDED_ON)
            return redirect(url_for("people.caseloads"), 303)
        except RuleBroken as broken:
            form.refuse(RuleBroken(broken.message, field="to_id" if broken.field == "to_id" else "people"))
    page = render_template("referrals/staff/numbers.html", form=form, theirs=theirs)
    return page, 422 if form.errors or form.form_errors else 200


def _open_about(number: int, tasks: int) -> str:
    open_tasks = ngettext("%(num)s open task", "%(num)s open tasks", tasks)
    return _("Number %(number)s, %(tasks)s", number=number, tasks=open_tasks)
