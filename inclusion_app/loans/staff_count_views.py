"""Stock-take by scanning, its differences, and moves between places."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from inclusion_app.core.access import record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, lines_of, one_line
from inclusion_app.core.headers import with_camera
from inclusion_app.loans import policy
from inclusion_app.loans import staff_queries as queries
from inclusion_app.loans import staff_words as words
from inclusion_app.loans.models import StockTake, Unit
from inclusion_app.loans.services import fetching, stocktake, transfers
from inclusion_app.loans.services.stock import unit_by_mark
from inclusion_app.loans.staff_desk_views import common_words, refused, shown
from inclusion_app.loans.staff_place_forms import PlaceForm
from inclusion_app.loans.views import room
from inclusion_app.people.choice_fields import number_of

ONE = "/staff/loans/counts/<int(max=999999999):count_id>"
TYPED_AT_MOST = 20_000


class TagForm(BaseForm):
    """One tag, as scanned or typed."""

    tag = StringField(_l("Tag, serial number or IMEI"))


class ArriveForm(PlaceForm):
    """Where somebody is, and the tag of what arrived there."""

    tag = StringField(_l("Tag, serial number or IMEI"))


class SendForm(PlaceForm):
    """Where to, and the tags of what leaves."""

    tags = TextAreaField(_l("Tags, one on each line"))

    @property
    def marks(self) -> list[str]:
        """What was typed, line by line."""
        return list(dict.fromkeys(lines_of(self.tags.data, TYPED_AT_MOST)))


def note_act(action: str) -> None:
    """The row of a change in the record. It is about no person."""
    record_act(db_session(), the_staff(), action=action, items=("device",), now=now())


# --- counting


@room.page("/staff/loans/counts", allow=policy.COUNT, methods=("GET", "POST"), localised=False)
def counts() -> Any:
    """The counts so far, and a new one: where?"""
    session, principal, form = db_session(), the_staff(), PlaceForm()
    places = queries.own_places(session, principal)
    form.offer(places)
    if request.method == "POST" and form.validate():
        try:
            count = stocktake.begin(
                session, organisation_id=principal.organisation_id or 0, place=form.chosen(session, places),
                staff_id=principal.staff_id, now=now(),
            )  # fmt: skip
            note_act("stock count begun")
            session.flush()
            return redirect(url_for("loans.count", count_id=count.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("count_list.html", form, counts=queries.counts_list(session, principal))


def the_count(count_id: int, **_more: Any) -> StockTake | None:
    """One count of the organisation the staff act for."""
    return queries.count_for(db_session(), the_staff(), count_id)


@room.page(ONE, allow=policy.COUNT, load=the_count, methods=("GET", "POST"), localised=False)
def count(found: StockTake) -> Any:
    """Scan, scan, scan; at the end the list of what differs, each line with what puts it right."""
    session, form, number = db_session(), TagForm(), found.id
    if request.method == "POST":
        do = request.form.get("do", "")
        try:
            _do_count(do, found, form)
            # The list may be long: back to where the button was.
            return redirect(url_for("loans.count", count_id=number), 303)
        except RuleBroken as broken:
            refused(form, broken)
            again = the_count(number)
            assert again is not None
            found = again
    place = queries.place_name(session, found.place_id)
    if found.ended_at is not None:
        differences = queries.differences_of(session, found)
        return shown("count_differences.html", form, count=found, place=place, differences=differences,
                     could_move=("place", "moving", "missing"))  # fmt: skip
    page = render_template(
        "loans/staff/count.html", form=form, count=found, place=place, seen=queries.seen_in(session, found),
        expected=queries.expected_in(session, found), last=queries.last_seen(session, found), **common_words(),
    )  # fmt: skip
    return with_camera(page, 422 if form.errors or form.form_errors else 200)


def _do_count(do: str, found: StockTake, form: TagForm) -> None:
    session, moment = db_session(), now()
    if do == "see":
        seen = stocktake.see(session, count=found, typed=form.tag.data or "", now=moment)
        flash(
            words.SEEN_BEFORE
            if not seen.is_new
            else words.SEEN
            if seen.unit is not None
            else words.SEEN_UNKNOWN
        )
    elif do == "end":
        stocktake.end(session, count=found, now=moment)
        note_act("stock count ended")
        flash(words.COUNT_OVER)
    elif do in ("missing", "here"):
        unit = _unit_of_form()
        if do == "missing":
            stocktake.mark_missing(session, count=found, unit=unit, now=moment)
        else:
            stocktake.move_here(session, count=found, unit=unit, staff_id=the_staff().staff_id, now=moment)
        note_act(f"stock count: {do}")
        flash(words.MARKED_MISSING if do == "missing" else words.MOVED_HERE)
    else:
        raise RuleBroken(words.NOTHING_CHOSEN)


def _unit_of_form() -> Unit:
    """The unit of the line whose button was pressed. Raises RuleBroken for what is no unit of this scheme."""
    unit = queries.unit_for(db_session(), the_staff(), number_of(request.form.get("unit", "")))
    if unit is None:
        raise RuleBroken(words.TAG_UNKNOWN)
    return unit


# --- moves


@room.page("/staff/loans/moves", allow=policy.RUN_UNIT, methods=("GET", "POST"), localised=False)
def moves() -> Any:
    """What is on its way, what arrived, and what leaves."""
    session, principal, moment = db_session(), the_staff(), now()
    arriving, sending = ArriveForm(prefix="here-"), SendForm(prefix="to-")
    places = queries.own_places(session, principal)
    for one in (arriving, sending):
        one.offer(places)
    form: PlaceForm = arriving
    if request.method == "POST":
        do = request.form.get("do", "")
        form = sending if do == "send" else arriving
        try:
            if form.validate():
                place = form.chosen(session, places)
                if do == "send":
                    _send(sending, place)
                    return redirect(url_for("loans.moves"), 303)
                _arrive(arriving, place)
                # Whoever stands there scans the next one: their place stays chosen.
                return redirect(url_for("loans.moves", at=place.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    else:
        arriving.place.data = number_of(request.args.get("at", "")) or arriving.place.data
    found = queries.moves_of(session, principal, moment)
    # For whom each is kept, by the number of their request: whoever takes it along knows that somebody waits for it.
    kept = {one.tag: one for one in fetching.kept_units(session, [move.id for move in found])}
    page = render_template(
        "loans/staff/move_list.html", form=form, arriving=arriving, sending=sending, moves=found, kept=kept,
        **common_words(),
    )  # fmt: skip
    return with_camera(page, 422 if form.errors or form.form_errors else 200)


def _send(form: SendForm, place: Any) -> None:
    session, principal = db_session(), the_staff()
    units, unknown = [], []
    for mark in form.marks[: transfers.MOST_AT_ONCE + 1]:
        unit = unit_by_mark(session, holder_id=principal.organisation_id or 0, typed=mark)
        if unit is None:
            unknown.append(mark[:40])
        else:
            units.append(unit)
    if unknown:
        raise RuleBroken(words.TAGS_UNKNOWN, field="tags", tags=", ".join(unknown[:10]))
    transfers.send(session, units=units, to=place, staff_id=principal.staff_id, now=now())
    note_act("devices sent")
    flash(words.SENT)


def _arrive(form: ArriveForm, place: Any) -> None:
    session, principal = db_session(), the_staff()
    typed = one_line(form.tag.data)
    unit = unit_by_mark(session, holder_id=principal.organisation_id or 0, typed=typed)
    if unit is None:
        raise RuleBroken(words.TAG_UNKNOWN, field="tag")
    transfers.arrive(session, unit=unit, at=place, now=now())
    note_act("device arrived")
    flash(words.ARRIVED)


def the_move(transfer_id: int) -> queries.Move | None:
    """One unit of this scheme that is on its way."""
    found = queries.moves_of(db_session(), the_staff(), now(), transfer_id)
    return found[0] if found else None


@room.page(
    "/staff/loans/moves/<int(max=999999999):transfer_id>/call-off", allow=policy.RUN_UNIT, load=the_move,
    methods=("POST",), localised=False,
)  # fmt: skip
def call_off_move(move: queries.Move) -> Any:
    """It did not leave."""
    transfers.call_off(db_session(), transfer=move.transfer, now=now())
    note_act("device did not leave")
    flash(words.STAYED)
    return redirect(url_for("loans.moves"), 303)
