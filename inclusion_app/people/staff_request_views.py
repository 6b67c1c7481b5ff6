"""The data-protection officer's desk: requests by right with their clock, their person, and the record of all reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms.fields.choices import SelectChoice

from inclusion_app.accounts.models import Organisation
from inclusion_app.accounts.record_words import action_words
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core import registry
from inclusion_app.core.access import Principal, shows_person, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.people import flag_queries, naming, policy, request_queries, request_services
from inclusion_app.people.models import AccessRequest, Resident
from inclusion_app.people.rules import ITEMS
from inclusion_app.people.staff_record_words import WHO
from inclusion_app.people.staff_request_forms import CloseForm, ExtendForm, ReadsForm, RequestForm
from inclusion_app.people.staff_words import EXTENSIONS, PURPOSES, REQUEST_KINDS, REQUEST_OUTCOMES
from inclusion_app.people.views import room

ONE = "/staff/requests/<int(max=999999999):request_id>"
SOON = 7


def _load(right: str) -> Any:
    return lambda request_id: request_queries.request_for(db_session(), the_staff(), right, request_id)


@room.page("/staff/requests", allow=policy.KEEP_REQUESTS, methods=("GET", "POST"), localised=False)
def requests() -> Any:
    """Open requests by their day, the form of a new one, and those that were closed."""
    form = RequestForm()
    if request.method == "POST" and form.validate():
        try:
            number = _open(form)
            if number is None:
                return redirect(url_for("people.requests"), 303)
            return redirect(url_for("people.request_by_right", request_id=number), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    session, principal = db_session(), the_staff()
    before = request.args.get("before", "")
    older = int(before) if before.isascii() and before.isdigit() and len(before) <= 9 else None
    closed = request_queries.requests(session, principal, today(), is_open=False, before=older)
    page = render_template(
        "people/staff/requests.html",
        form=form,
        open_ones=request_queries.requests(session, principal, today(), is_open=True),
        closed=closed[: request_queries.SHOWN],
        has_older=len(closed) > request_queries.SHOWN,
        kinds=REQUEST_KINDS,
        outcomes=REQUEST_OUTCOMES,
    )
    return page, 422 if form.errors or form.form_errors else 200


def _open(form: RequestForm) -> int | None:
    """The number of the new request; None when its button was pressed twice."""
    principal, moment = the_staff(), now()
    received_on = request_services.check_received(form.received_on.data, today())
    resident_id = naming.number_of(
        form.person.data or "", principal=principal, address=request.remote_addr, now=moment
    )
    session = db_session()
    if not form.is_first_press(session, whose=f"request of {principal.staff_id}", now=moment):
        return None
    return request_services.open_request(
        session, principal=principal, resident_id=resident_id, kind=form.kind.data or "",
        received_on=received_on, now=moment,
    )  # fmt: skip


@room.page(ONE, allow=policy.KEEP_REQUESTS, load=_load("request.keep"), localised=False)
def request_by_right(row: AccessRequest) -> Any:
    """One request: its clock, and what can be done about it. Nothing of the person stands here."""
    return _page_of(row, ExtendForm(formdata=None), CloseForm(formdata=None))


def _page_of(row: AccessRequest, extend: ExtendForm, close: CloseForm) -> Any:
    wrong = extend if extend.errors or extend.form_errors else close
    page = render_template(
        "people/staff/request.html",
        row=row,
        clock=request_queries.clock_of(row, today()),
        extend=extend,
        close=close,
        form=wrong,
        may_extend=row.extended_at is None and row.closed_at is None and row.due_on >= today(),
        may_see=policy.REQUEST_PERSON.grants(the_staff(), row),
        kinds=REQUEST_KINDS,
        outcomes=REQUEST_OUTCOMES,
        extensions=EXTENSIONS,
    )
    return page, 422 if wrong.errors or wrong.form_errors else 200


@room.page(
    f"{ONE}/extend",
    allow=policy.KEEP_REQUESTS,
    load=_load("request.keep"),
    methods=("POST",),
    localised=False,
)
def request_extend(row: AccessRequest) -> Any:
    """Two months more, once."""
    form = ExtendForm()
    if form.validate():
        try:
            request_services.extend_request(
                db_session(), principal=the_staff(), request_id=row.id, extension=form.extension.data or "",
                today=today(), now=now(),
            )  # fmt: skip
            flash(N_("There are two months more. Tell the person why, within the first month."))
            return redirect(url_for("people.request_by_right", request_id=row.id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _page_of(row, form, CloseForm(formdata=None))


@room.page(
    f"{ONE}/close", allow=policy.KEEP_REQUESTS, load=_load("request.keep"), methods=("POST",), localised=False
)
def request_close(row: AccessRequest) -> Any:
    """Answered: from the next request on its person cannot be reached here."""
    form = CloseForm()
    if form.validate():
        try:
            request_services.close_request(
                db_session(), principal=the_staff(), request_id=row.id, outcome=form.outcome.data or "", now=now()
            )  # fmt: skip
            flash(N_("The request is closed. You cannot reach its person from here any more."))
            return redirect(url_for("people.requests"), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _page_of(row, ExtendForm(formdata=None), form)


@room.page(
    f"{ONE}/person", allow=policy.REQUEST_PERSON, load=_load("request.person"), reads=ITEMS, localised=False
)
def request_person(row: AccessRequest) -> Any:
    """What is held of the person who asks, while their request is open, in the words they read on their own record.

    Of links with other records the officer sees numbers and days too, which stand nowhere else.
    """
    session, principal = db_session(), the_staff()
    resident = session.get(Resident, row.resident_id)
    if resident is None:
        abort(404)
    if not all(policy.SEE[item].grants(principal, resident) for item in ITEMS):
        abort(404)
    shows_person(resident.id, *ITEMS, "record", purpose=request_services.BY_RIGHT)
    return render_template(
        "people/staff/request_person.html",
        row=row,
        kinds=REQUEST_KINDS,
        held=[(holding.title, holding.describe(session, resident.id)) for holding in registry.holdings()],
        merges=request_queries.merges_of(session, resident.id),
        flags=flag_queries.flags_about(session, principal, resident.id),
    )


@room.page(
    f"{ONE}/bundle",
    allow=policy.REQUEST_PERSON,
    load=_load("request.person"),
    methods=("POST",),
    localised=False,
)
def request_bundle(row: AccessRequest) -> Any:
    """The very ZIP the person would get from their own record."""
    if row.resident_id is None:
        abort(404)
    made = request_services.bundle(
        db_session(), principal=the_staff(), resident_id=row.resident_id, now=now()
    )
    answer = Response(made, mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="request-{row.id}.zip"'
    return answer


@room.page("/staff/reads", allow=policy.READ_RECORD, reads=("looks",), localised=False)
def reads() -> Any:
    """Who looked at whom, in which role and what for; never what stood there."""
    session, principal = db_session(), the_staff()
    form = ReadsForm(formdata=request.args)
    names = session.execute(select(Organisation.id, Organisation.name).order_by(Organisation.name))
    form.organisation.choices = [
        SelectChoice("", _("All")),
        *(SelectChoice(str(number), name) for number, name in names),
    ]
    form.validate()
    chosen = request_queries.Filter(
        organisation_id=form.chosen_number("organisation"),
        role=form.role.data if form.role.data in ROLES else None,
        resident_id=form.chosen_number("number"),
        day=form.day.data,
        before=_whole(request.args.get("before", "")),
    )
    rows, has_older = request_queries.reads(session, principal, chosen)
    if chosen.resident_id is not None and rows:
        # Only a number the record knows: it must not learn new ones from what somebody types.
        shows_person(chosen.resident_id, "looks", purpose=request_services.BY_RIGHT)
    kept = [(name, text[:40]) for name, text in request.args.items(multi=True) if name != "before"]
    older = urlencode([*kept, ("before", rows[-1][0].id)]) if has_older else None
    page = render_template(
        "people/staff/request_reads.html",
        form=form,
        rows=rows,
        older=older,
        roles=ROLES,
        who=WHO,
        purposes=PURPOSES,
        action_words=action_words,
    )
    return page, 422 if form.errors else 200


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _waiting(session: Session, principal: Principal, _moment: datetime) -> Sequence[registry.WaitingItem]:
    if not policy.KEEP_REQUESTS.may_at_all(principal):
        return ()
    found = []
    for clock in request_queries.requests(session, principal, today(), is_open=True):
        if clock.days_left > SOON:
            break
        number = clock.request.id
        words = (
            _("Late: answer request number %(number)s.", number=number)
            if clock.is_late
            else _("Answer request number %(number)s soon.", number=number)
        )
        found.append(
            registry.WaitingItem(
                words, url_for("people.request_by_right", request_id=number), clock.request.opened_at
            )
        )
    return found


registry.wait_for(_waiting)
registry.add_to_menu(registry.StaffLink("people.requests", N_("Requests by right"), policy.KEEP_REQUESTS, 40))
registry.add_to_menu(registry.StaffLink("people.reads", N_("Who looked"), policy.READ_RECORD, 41))
