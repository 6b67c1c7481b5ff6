"""Staff pages of the tray (letters to post, calls to make), of the outbox, and of the worker's jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import access, i18n, registry
from inclusion_app.core.access import Principal, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.registry import StaffLink, WaitingItem
from inclusion_app.core.words import N_
from inclusion_app.messages import channels, policy, queries, services, templates
from inclusion_app.messages.letter import build_letter, letter_html, what_to_say
from inclusion_app.messages.models import Message, TrayItem
from inclusion_app.messages.queries import Opened
from inclusion_app.messages.rules import may_send_at
from inclusion_app.messages.sending import channels_now
from inclusion_app.messages.staff_forms import OutcomeForm
from inclusion_app.messages.staff_words import CHANNELS, FAULTS, STATES
from inclusion_app.messages.views import room
from inclusion_app.people.contact import show_phone
from inclusion_app.people.models import Resident
from inclusion_app.people.policy import TABLE as PEOPLE
from inclusion_app.people.policy import has_consent

ITEM = "/staff/tray/<int(max=999999999):item_id>"
registry.add_to_menu(StaffLink("messages.tray", N_("Letters and calls"), policy.WORK, 20))
registry.add_to_menu(StaffLink("messages.watch_tray", N_("Tray of your organisation"), policy.WATCH_TRAY, 51))
registry.add_to_menu(StaffLink("messages.outbox", N_("Messages"), policy.WATCH, 61))
registry.add_to_menu(StaffLink("messages.jobs", N_("Jobs"), policy.WATCH, 62))


@room.page("/staff/tray", allow=policy.WORK, localised=False)
def tray() -> Any:
    items = queries.open_items(db_session(), principal=the_staff(), now=now())
    return render_template("messages/staff/tray.html", items=items, me=the_staff().staff_id)


def the_item(item_id: int) -> Opened | None:
    """One open item of the own tray, as this member of staff may see it."""
    return queries.open_item(db_session(), principal=the_staff(), item_id=item_id, now=now())


@room.page(ITEM, allow=policy.WORK, load=the_item, reads=("contact",), localised=False)
def tray_item(opened: Opened) -> Any:
    return _item_page(opened, OutcomeForm(opened.item.kind))


def _item_page(opened: Opened, form: OutcomeForm) -> Any:
    name = _name_of(opened)
    _shows(opened, name)
    message = opened.message
    (template, facts), language = what_to_say(opened), i18n.language_for(message.language)
    page = render_template(
        "messages/staff/item.html",
        form=form,
        item=opened.item,
        name=name,
        is_of_booking=opened.resident is None,
        to=message.to,
        shown_to=show_phone(message.to) if opened.item.kind == "call" and message.to else "",
        rule=opened.rule,
        subject=templates.subject_in_both(template, language),
        lines=templates.lines_in_both(template, facts, language),
        tongue=language,
        is_mine=opened.item.owner_id == the_staff().staff_id,
        right_hour=may_send_at(opened.rule, now()),
        hours=[i18n.clock_words(wall) for wall in opened.rule.hours or ()],
    )
    return page, 422 if form.errors or form.form_errors else 200


def _shows(opened: Opened, name: str | None) -> None:
    if opened.resident is not None:
        access.shows_person(
            opened.resident.id, *(("identity",) if name else ()), "contact", purpose="contact"
        )


def _name_of(opened: Opened) -> str | None:
    """The person's name where they share it with the organisation, or typed it for this; else the address stands alone."""
    if opened.resident is None:
        return opened.message.to_name
    shares = PEOPLE.allows(db_session(), "resident.identity", the_staff(), opened.resident.id) or (
        # Whoever lends something has no caseload: the consent alone says what they may read.
        (opened.message.about or "").startswith("loan ") and _shares_identity(opened.resident.id)
    )
    return (opened.resident.name or opened.resident.nickname) if shares else None


def _shares_identity(resident_id: int) -> bool:
    shares = has_consent(the_staff(), "identity")
    return db_session().scalar(select(Resident.id).where(Resident.id == resident_id, shares)) is not None


@room.page(f"{ITEM}/letter.pdf", allow=policy.WORK, load=the_item, reads=("contact",), localised=False)
def letter(opened: Opened) -> Any:
    """The letter to print. It is made anew each time and stored nowhere."""
    if opened.item.kind != "letter":
        return redirect(_address_of(opened), 303)
    name = _name_of(opened)
    _shows(opened, name)
    service_name = current_app.extensions["settings"].service_name
    sender = db_session().get_one(Organisation, opened.item.organisation_id).name
    html = letter_html(build_letter(opened, name=name, service_name=service_name, organisation=sender))
    return pdf_answer(html, name="letter.pdf", print_page=_address_of(opened))


def _address_of(opened: Opened) -> str:
    return url_for("messages.tray_item", item_id=opened.id)


def _record(opened: Opened, action: str) -> None:
    access.record_act(
        db_session(), the_staff(), action=action, items=("contact",), purpose="contact",
        resident_id=opened.resident.id if opened.resident else None,
        role=policy.WORK.role_for(the_staff(), opened), now=now(),
    )  # fmt: skip


def _change(opened: Opened, action: str, change: Callable[[], None], then: str) -> Response:
    """One change of an item with its row in the record, or back to the tray with why not."""
    try:
        change()
    except RuleBroken as broken:
        # Somebody else was quicker. Nothing was changed; the tray shows how it is now.
        db_session().rollback()
        flash(broken.message)
        return redirect(url_for("messages.tray"), 303)
    _record(opened, action)
    return redirect(then, 303)


@room.page(f"{ITEM}/take", allow=policy.WORK, load=the_item, methods=("POST",), localised=False)
def take_item(opened: Opened) -> Any:
    def take() -> None:
        services.take_item(db_session(), item_id=opened.id, staff_id=_my_number(), now=now())

    return _change(opened, "take tray item", take, _address_of(opened))


@room.page(f"{ITEM}/give-back", allow=policy.WORK, load=the_item, methods=("POST",), localised=False)
def give_back_item(opened: Opened) -> Any:
    def give_back() -> None:
        services.give_back_item(db_session(), item_id=opened.id, staff_id=_my_number())

    return _change(opened, "give back tray item", give_back, url_for("messages.tray"))


@room.page(
    f"{ITEM}/done", allow=policy.WORK, load=the_item, methods=("POST",), reads=("contact",), localised=False
)
def finish_item(opened: Opened) -> Any:
    form = OutcomeForm(opened.item.kind)
    try:
        services.finish_item(
            db_session(), item_id=opened.id, staff_id=_my_number(), outcome=form.outcome.data or "",
            channels=channels_now(), now=now(),
        )  # fmt: skip
    except RuleBroken as broken:
        form.refuse(broken)
        return _item_page(opened, form)
    _record(opened, "finish tray item")
    flash(N_("It is done."))
    return redirect(url_for("messages.tray"), 303)


def _my_number() -> int:
    return the_staff().staff_id or 0


# --- the admin's look at the tray


@room.page("/staff/tray/watch", allow=policy.WATCH_TRAY, localised=False)
def watch_tray() -> Any:
    session, principal = db_session(), the_staff()
    return render_template(
        "messages/staff/watch.html",
        items=queries.watched_items(session, principal=principal, now=now()),
        dropped=queries.dropped_of(session, principal=principal),
    )


def the_watched_item(item_id: int) -> TrayItem | None:
    """One open item of the own organisation; nothing of it is shown."""
    seen = policy.TRAY.rows("tray.watch", the_staff())
    return db_session().scalar(
        select(TrayItem).where(TrayItem.id == item_id, seen, TrayItem.done_at.is_(None))
    )


@room.page(
    "/staff/tray/watch/<int(max=999999999):item_id>/free",
    allow=policy.WATCH_TRAY,
    load=the_watched_item,
    methods=("POST",),
    localised=False,
)
def free_item(item: TrayItem) -> Any:
    try:
        services.free_item(db_session(), item_id=item.id)
    except RuleBroken as broken:
        db_session().rollback()
        flash(broken.message)
        return redirect(url_for("messages.watch_tray"), 303)
    access.record_act(
        db_session(), the_staff(), action="free tray item", resident_id=item.message.resident_id, purpose="contact",
        role=policy.WATCH_TRAY.roles(the_staff())[0], now=now(),
    )  # fmt: skip
    return redirect(url_for("messages.watch_tray"), 303)


# --- the outbox and the jobs


@room.page("/staff/messages", allow=policy.WATCH, localised=False)
def outbox() -> Any:
    session, settings = db_session(), current_app.extensions["settings"]
    return render_template(
        "messages/staff/outbox.html",
        counts=queries.counts(session, principal=the_staff()),
        dead=queries.dead_messages(session, principal=the_staff()),
        not_set_up=[channel for channel in CHANNELS if not channels.is_set_up(channel, settings)],
        is_demonstration=settings.is_local,
        channel_words=CHANNELS,
        state_names=STATES,
        fault_words=FAULTS,
    )


def the_dead_message(message_id: int) -> Message | None:
    """One message that could not be sent."""
    return queries.dead_message(db_session(), principal=the_staff(), message_id=message_id)


@room.page(
    "/staff/messages/<int(max=999999999):message_id>/again",
    allow=policy.WATCH,
    load=the_dead_message,
    methods=("POST",),
    localised=False,
)
def send_again(message: Message) -> Any:
    try:
        services.send_again(db_session(), message_id=message.id, now=now())
    except RuleBroken as broken:
        db_session().rollback()
        flash(broken.message)
        return redirect(url_for("messages.outbox"), 303)
    access.record_act(
        db_session(), the_staff(), action="send message again", resident_id=message.resident_id, purpose="contact",
        role=policy.WATCH.roles(the_staff())[0], now=now(),
    )  # fmt: skip
    flash(N_("It will be tried again within a minute."))
    return redirect(url_for("messages.outbox"), 303)


@room.page("/staff/jobs", allow=policy.WATCH, localised=False)
def jobs() -> Any:
    return render_template("messages/staff/jobs.html", jobs=queries.jobs(db_session(), now()))


# --- what waits, for the start page of the staff


def waiting(session: Session, principal: Principal, moment: datetime) -> Sequence[WaitingItem]:
    """Letters and calls somebody took or may take; for an admin those nobody touches; for a platform admin what failed."""
    found: list[WaitingItem] = []
    if policy.WORK.may_at_all(principal):
        items = queries.open_items(session, principal=principal, now=moment)
        mine = [item for item in items if item.owner_id == principal.staff_id]
        free = [item for item in items if item.owner_id is None]
        if mine:
            words = ngettext(
                "%(num)s letter or call is yours", "%(num)s letters and calls are yours", len(mine)
            )
            found.append(WaitingItem(words, url_for("messages.tray"), mine[0].made_at))
        if free:
            words = ngettext(
                "%(num)s letter or call waits for somebody to take it",
                "%(num)s letters and calls wait for somebody to take them",
                len(free),
            )
            found.append(WaitingItem(words, url_for("messages.tray"), free[0].made_at))
    if policy.WATCH_TRAY.may_at_all(principal):
        late = [
            item for item in queries.watched_items(session, principal=principal, now=moment) if item.is_late
        ]
        if late:
            words = ngettext(
                "%(num)s letter or call was not touched for two working days",
                "%(num)s letters and calls were not touched for two working days",
                len(late),
            )
            found.append(WaitingItem(words, url_for("messages.watch_tray"), late[0].made_at))
    if policy.WATCH.may_at_all(principal):
        dead = session.scalar(
            select(func.count(Message.id)).where(Message.state == "dead", Message.params.is_not(None))
        )
        if dead:
            words = ngettext("%(num)s message could not be sent", "%(num)s messages could not be sent", dead)
            found.append(WaitingItem(words, url_for("messages.outbox")))
        if any(job.is_late for job in queries.jobs(session, moment)):
            found.append(WaitingItem(_("A job of the worker does not run"), url_for("messages.jobs")))
    return found


registry.wait_for(waiting)
