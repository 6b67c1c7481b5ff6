"""Safeguarding for the staff: raise a flag about somebody, and the page of one flag for whoever works on it.

The reason is read by the lead of the organisation, by a caseworker the lead asks, and by a data-protection officer with an
open request; whoever raised it may add to it, and has their own words back for a quarter of an hour, to see what they wrote.
Everybody else who helps the person sees that there is a flag and whom to ask, never why.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.access import Principal, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import flag_queries, flag_services, policy, queries
from inclusion_app.people import staff_words as words
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.flag_queries import FlagLine
from inclusion_app.people.models import Resident, SafeguardingFlag
from inclusion_app.people.staff_flag_forms import AssignForm, EndForm, FlagForm, MoreForm
from inclusion_app.people.views import room

ONE = "/staff/safeguarding/flags/<int(max=999999999):flag_id>"
READS = (flag_services.ITEM,)


def _link_to(number: int) -> str:
    return url_for("people.flag", flag_id=number, _external=True)


# --- raise one


def _to_flag(resident_id: int) -> Resident | None:
    return queries.resident_for(db_session(), the_staff(), resident_id, "resident.flag")


@room.page(
    "/staff/people/<int(max=999999999):resident_id>/safeguarding", allow=policy.RAISE_FLAG, load=_to_flag,
    methods=("GET", "POST"), reads=READS, localised=False,
)  # fmt: skip
def safeguard(resident: Resident) -> Any:
    """Say why you fear for somebody. The lead of the organisation is told at once, and reads it."""
    session, principal, moment, number = db_session(), the_staff(), now(), resident.id
    form = FlagForm()
    sees_name = policy.SEE["identity"].grants(principal, resident)
    name = (resident.name or resident.nickname) if sees_name else ""
    if request.method == "POST" and form.validate():
        try:
            flag_id, is_read = flag_services.raise_flag(
                session, principal=principal, resident_id=number, said=form.said(),
                form_key=form.once.data or secrets.token_urlsafe(16), link_to=_link_to,
                to_appoint=url_for("accounts.own_organisation", _external=True), now=moment,
            )  # fmt: skip
            flash(words.FLAG_RAISED if is_read else words.FLAG_RAISED_WITHOUT_LEAD)
            return redirect(url_for("people.flag", flag_id=flag_id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    shows_person(number, *READS, *(("identity",) if sees_name else ()), purpose=flag_services.SAFETY)
    page = render_template(
        "people/staff/flag_raise.html",
        form=form,
        resident_id=number,
        name=name,
        leads=[lead for _number, lead in flag_queries.leads_of(session, principal.organisation_id, number)],
        flagged=queries.flagged_by(session, [number]).get(number, []),
    )
    return page, 422 if form.errors or form.form_errors else 200


# --- one flag


def _load(right: str) -> Any:
    return lambda flag_id: flag_queries.flag_for(db_session(), the_staff(), right, flag_id)


@room.page(ONE, allow=policy.SEE_FLAG, load=_load("flag.see"), reads=READS, localised=False)
def flag(row: SafeguardingFlag) -> Any:
    """One flag: that it stands and who works on it; with all that was written, for whoever reads it."""
    return _page_of(row)


def _page_of(
    row: SafeguardingFlag,
    *,
    more: MoreForm | None = None,
    choice: AssignForm | None = None,
    ending: EndForm | None = None,
) -> Any:
    session, principal, moment = db_session(), the_staff(), now()
    reads = policy.READ_FLAG.grants(principal, row)
    may_work = row.ended_at is None and policy.WORK_FLAG.grants(principal, row)
    form = more or choice or ending or MoreForm(formdata=None)
    resident = session.get_one(Resident, row.resident_id)
    sees_name = policy.SEE["identity"].grants(principal, resident)
    shown = (*READS, "identity") if sees_name else READS
    shows_person(row.resident_id, *shown, purpose=flag_services.SAFETY)
    page = render_template(
        "people/staff/flag.html",
        line=flag_queries.line_of(session, row, moment),
        flag=row,
        reads=reads,
        written=flag_queries.words_of(session, principal, row, reads=reads, now=moment),
        # What somebody typed while another ended it stays on their screen.
        may_write=more is not None or (row.ended_at is None and policy.WRITE_FLAG.grants(principal, row)),
        may_work=may_work,
        name=(resident.name or resident.nickname) if sees_name else "",
        may_open=policy.OPEN.grants(principal, resident),
        may_break=policy.BREAK.may_at_all(principal),
        is_lead=policy.LIST.may_at_all(principal),
        form=form,
        more=more or MoreForm(formdata=None),
        choice=choice or (_assign_form(session, row) if may_work else None),
        ending=ending or EndForm(formdata=None),
    )
    return page, 422 if form.errors or form.form_errors else 200


def _assign_form(session: Session, row: SafeguardingFlag, **more: Any) -> AssignForm:
    form = AssignForm(**(more or {"formdata": None}))
    form.assigned.choices = [
        ("", _("Choose")),
        ("0", _("Nobody: I work on it myself")),
        *((str(number), name) for number, name in flag_queries.caseworkers_for(session, row)),
    ]
    return form


def _done(row: SafeguardingFlag, said: str) -> Any:
    flash(said)
    return redirect(url_for("people.flag", flag_id=row.id), 303)


@room.page(
    f"{ONE}/words", allow=policy.WRITE_FLAG, load=_load("flag.write"), methods=("POST",), reads=READS, localised=False
)  # fmt: skip
def flag_words(row: SafeguardingFlag) -> Any:
    """Write one more thing. The button pressed twice writes it once."""
    session, principal, moment, form = db_session(), the_staff(), now(), MoreForm()
    if form.validate():
        try:
            flag_services.check_words(form.said())
            if form.is_first_press(session, whose=f"flag {row.id} of {principal.staff_id}", now=moment):
                flag_services.write(session, principal=principal, flag=row, said=form.said(), now=moment)
            return _done(row, words.FLAG_WORDS_KEPT)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    return _page_of(row, more=form)


@room.page(
    f"{ONE}/assign", allow=policy.WORK_FLAG, load=_load("flag.work"), methods=("POST",), reads=READS, localised=False
)  # fmt: skip
def flag_assign(row: SafeguardingFlag) -> Any:
    """Ask a caseworker who may see the person to work on it: from then on they read it."""
    session = db_session()
    form = _assign_form(session, row, formdata=request.form)
    if form.validate():
        try:
            flag_services.assign(
                session, principal=the_staff(), flag=row, staff_id=number_of(form.assigned.data), link_to=_link_to, now=now()
            )  # fmt: skip
            return _done(
                row, words.FLAG_ASSIGNED if number_of(form.assigned.data) else words.FLAG_NOBODY_ASSIGNED
            )
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    return _page_of(row, choice=form)


@room.page(
    f"{ONE}/end", allow=policy.WORK_FLAG, load=_load("flag.work"), methods=("POST",), reads=READS, localised=False
)  # fmt: skip
def flag_end(row: SafeguardingFlag) -> Any:
    """The lead ends it, and says what was done."""
    session, form = db_session(), EndForm()
    if form.validate():
        try:
            flag_services.end(session, principal=the_staff(), flag=row, said=form.said(), now=now())
            return _done(row, words.FLAG_ENDED)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    return _page_of(row, ending=form)


# --- what waits


def _waiting(session: Session, principal: Principal, moment: datetime) -> Sequence[registry.WaitingItem]:
    found: list[registry.WaitingItem] = []
    if policy.READ_FLAG.may_at_all(principal):
        leads = policy.WORK_FLAG.may_at_all(principal)
        found += [
            registry.WaitingItem(said, url_for("people.flag", flag_id=line.flag.id), line.last_at)
            for line in flag_queries.standing(session, principal, moment)
            if (said := _why_it_waits(principal, line, leads=leads))
        ]
    if "organisation_admin" in principal.roles:
        count = flag_queries.without_lead(session, principal.organisation_id)
        if count:
            found.append(
                registry.WaitingItem(
                    ngettext(
                        "%(num)s safeguarding flag is read by nobody. Give a colleague the role of safeguarding lead.",
                        "%(num)s safeguarding flags are read by nobody. Give a colleague the role of safeguarding lead.",
                        count,
                    ),
                    url_for("accounts.own_organisation"),
                )
            )
    return found


def _why_it_waits(principal: Principal, line: FlagLine, *, leads: bool) -> str:
    number, is_theirs = line.flag.id, line.flag.assigned_id == principal.staff_id
    if not (leads or is_theirs):
        return ""  # an officer with an open request reads it, and works on nothing
    if line.is_new and leads:
        return _("New safeguarding flag, number %(number)s.", number=number)
    if line.is_quiet:
        return _("Safeguarding flag %(number)s: nothing was written for 7 days.", number=number)
    return _("You work on safeguarding flag %(number)s.", number=number) if is_theirs else ""


registry.wait_for(_waiting)
