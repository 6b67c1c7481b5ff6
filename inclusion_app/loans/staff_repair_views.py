"""Repair: tickets, workshops, results."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import ValidationError

from inclusion_app.core.access import record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, OnceForm, one_line
from inclusion_app.core.paging import page_number
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_queries as queries
from inclusion_app.loans import staff_words as words
from inclusion_app.loans.models import Ticket
from inclusion_app.loans.services import repairs as services
from inclusion_app.loans.services.stock import unit_by_mark
from inclusion_app.loans.staff_desk_views import refused, shown
from inclusion_app.loans.staff_place_forms import PlaceForm
from inclusion_app.loans.views import room
from inclusion_app.people.choice_fields import OneOf, number_of

ONE = "/staff/loans/repairs/<int(max=999999999):ticket_id>"


class TicketForm(OnceForm):
    """Which device, and what is wrong with it."""

    tag = StringField(_l("Tag, serial number or IMEI"))
    fault = OneOf(_l("What is wrong?"), choices=[], missing=services.NO_FAULT)
    note = StringField(_l("What did you see? (optional)"))

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.fault.choices = [(code, _l(said)) for code, said in rules.FAULTS.items()]

    def validate_note(self, field: StringField) -> None:
        """Not longer than its column; nothing about the person, says the hint."""
        field.data = one_line(field.data)
        if len(field.data) > services.NOTE_LENGTH:
            raise ValidationError(_l(words.TOO_LONG))


class ResultForm(BaseForm):
    """What came of a repair."""

    result = OneOf(_l("What came of it?"), choices=[], missing=services.NO_RESULT)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.result.choices = [(code, _l(said)) for code, said in rules.RESULTS.items()]


def the_ticket(ticket_id: int) -> Ticket | None:
    """One ticket of the organisation the staff act for."""
    return queries.ticket_for(db_session(), the_staff(), ticket_id)


@room.page("/staff/loans/repairs", allow=policy.RUN_TICKET, localised=False)
def repairs() -> Any:
    """The open tickets by workshop, the oldest first; or those that are done."""
    session, principal = db_session(), the_staff()
    workshop_id, done = number_of(request.args.get("workshop", "")), request.args.get("state") == "done"
    page = 1
    found = queries.tickets_of(session, principal, workshop_id=workshop_id, done=done, page=page, now=now())
    if found.total > queries.ON_A_PAGE:
        page = page_number(found.total, queries.ON_A_PAGE)
        found = queries.tickets_of(
            session, principal, workshop_id=workshop_id, done=done, page=page, now=now()
        )
    return shown(
        "repair_list.html", lines=found.rows, total=found.total, page=page, done=done, workshop_id=workshop_id,
        pages=-(-found.total // queries.ON_A_PAGE) or 1, workshops=queries.workshops_in_use(session, principal),
        kept={"workshop": workshop_id or None, "state": "done" if done else None},
    )  # fmt: skip


@room.page("/staff/loans/repairs/new", allow=policy.RUN_TICKET, methods=("GET", "POST"), localised=False)
def new_repair() -> Any:
    """Open a ticket for a device by its tag."""
    session, principal, form = db_session(), the_staff(), TicketForm()
    if request.method == "GET":
        form.tag.data = one_line(request.args.get("tag", "")[:60])
    elif form.validate():
        unit = unit_by_mark(session, holder_id=principal.organisation_id or 0, typed=form.tag.data or "")
        try:
            if unit is None:
                raise RuleBroken(words.TAG_UNKNOWN, field="tag")
            if not form.is_first_press(session, whose=f"ticket {principal.staff_id}", now=now()):
                return redirect(url_for("loans.repairs"), 303)
            ticket = services.open_ticket(
                session, unit=unit, fault=form.fault.data, staff_id=principal.staff_id, now=now(),
                note=form.note.data or "",
            )  # fmt: skip
            record_act(session, principal, action="repair ticket opened", items=("device",), now=now())
            session.flush()
            flash(words.TICKET_OPEN)
            return redirect(url_for("loans.repair", ticket_id=ticket.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("repair_new.html", form)


@room.page(ONE, allow=policy.RUN_TICKET, load=the_ticket, methods=("GET", "POST"), localised=False)
def repair(ticket: Ticket) -> Any:
    """One ticket: to a workshop, waits for a part, the part came, what came of it."""
    session, principal, moment = db_session(), the_staff(), now()
    shops = queries.workshops(session, principal)
    shop, result, plain = PlaceForm(prefix="shop-"), ResultForm(prefix="end-"), BaseForm()
    shop.offer(shops)
    form: BaseForm = plain
    if request.method == "POST":
        do = request.form.get("do", "")
        form = {"send": shop, "end": result}.get(do, plain)
        try:
            if _is_done(do, ticket, shop, result, shops):
                record_act(session, principal, action=f"repair {do}", items=("device",), now=moment)
                flash(words.REPAIR_DONE if do == "end" else words.SAVED)
                return redirect(url_for("loans.repair", ticket_id=ticket.id), 303)
        except RuleBroken as broken:
            number = ticket.id
            refused(form, broken)
            again = the_ticket(number)
            assert again is not None
            ticket = again
    elif ticket.workshop_id:
        shop.place.data = ticket.workshop_id
    return shown(
        "repair.html", form, ticket=ticket, shop=shop, result=result, workshop=queries.place_name(session, ticket.workshop_id),
        days=((ticket.done_at or moment) - ticket.opened_at).days, is_lent=queries.is_lent(session, ticket.unit_id),
    )  # fmt: skip


def _is_done(do: str, ticket: Ticket, shop: PlaceForm, result: ResultForm, shops: Any) -> bool:
    """Do what one of the buttons says; False where its form is not right."""
    session, moment = db_session(), now()
    if do == "send":
        if not shop.validate():
            return False
        services.send(session, ticket=ticket, workshop=shop.chosen(session, shops), now=moment)
    elif do == "part":
        services.wait_for_part(session, ticket=ticket, now=moment)
    elif do == "go_on":
        services.go_on(session, ticket=ticket, now=moment)
    elif do == "end":
        if not result.validate():
            return False
        services.end(session, ticket=ticket, result=result.result.data, now=moment)
    else:
        raise RuleBroken(words.NOTHING_CHOSEN)
    return True
