"""Pages of the organiser about one date, what to arrange, messages to those booked, and a booking by phone."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for

from inclusion_app.core import i18n
from inclusion_app.core.access import shows_person, the_staff
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.messages import templates
from inclusion_app.people import contact
from inclusion_app.people import queries as people_queries
from inclusion_app.places.models import Place
from inclusion_app.training import policy, rules, staff_forms
from inclusion_app.training import staff_queries as queries
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import Arrangement, Booking, Occurrence, TrainingSession
from inclusion_app.training.services import bookings, changes, sessions
from inclusion_app.training.services.telling import can_be_told
from inclusion_app.training.staff_views import (
    ONE,
    WHO_COMES,
    act,
    english_line,
    refused,
    shown,
    the_session,
    to_session,
    words_for_pages,
)
from inclusion_app.training.views import room

DATE = "/staff/training/dates/<int(max=999999999):occurrence_id>"
NEED = "/staff/training/needs/<int(max=999999999):arrangement_id>"
BOOKING = "/staff/training/bookings/<int(max=999999999):booking_id>"
CODE_SHOWN_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class OneDate:
    """One date, under the number of its session: that is what the right is asked for."""

    id: int
    date: Occurrence


@dataclass(frozen=True)
class OneNeed:
    """One thing to arrange, under the number of its booking."""

    id: int
    need: Arrangement


def the_date(occurrence_id: int) -> OneDate | None:
    """One date of a session of the organisation."""
    found = queries.date_for(db_session(), the_staff(), occurrence_id)
    return OneDate(found.session_id, found) if found else None


def the_need(arrangement_id: int, what: str) -> OneNeed | None:
    """One thing to arrange for a booking I may read, and something that can be done about it."""
    if what not in {"arranged", "not_possible", "undo"}:
        return None
    found = queries.need_for(db_session(), the_staff(), arrangement_id)
    return OneNeed(found.booking_id, found) if found else None


def the_booking(booking_id: int) -> Booking | None:
    """One booking I may read."""
    return queries.booking_for(db_session(), the_staff(), booking_id)


def _to_date(date: Occurrence) -> Any:
    return redirect(url_for("training.run_date", occurrence_id=date.id), 303)


# --- one date


@room.page(DATE, allow=policy.RUN, load=the_date, reads=WHO_COMES, localised=False)
def run_date(one: OneDate) -> Any:
    """One date: its places, who is on it, and whom the organiser must tell themselves."""
    return _date_page(one.date, staff_forms.CapacityForm(), fresh=True)


def _date_page(date: Occurrence, form: staff_forms.CapacityForm, *, fresh: bool = False) -> Any:
    session, principal = db_session(), the_staff()
    if fresh:
        form.capacity.data, form.companion_cap.data = str(date.capacity), str(date.companion_cap)
    found = queries.coming(
        session, principal, session_id=date.session_id, states=rules.ON_A_LIST, occurrence_id=date.id
    )
    return shown(
        "date.html", form, date=date, training=date.session, found=found, senders=found.senders,
        not_told=queries.not_told(session, principal, date),
        flagged=people_queries.flagged_by(session, (one.resident_id for one in found.bookings)),
    )  # fmt: skip


@room.page(
    f"{DATE}/capacity", allow=policy.RUN, load=the_date, methods=("POST",), reads=WHO_COMES, localised=False
)
def change_capacity(one: OneDate) -> Any:
    """More or fewer places; never fewer than are taken or offered."""
    form = staff_forms.CapacityForm()
    if form.validate():
        try:
            changes.change_capacity(
                db_session(), date=one.date, capacity=form.capacity.count, companion_cap=form.companion_cap.count,
                now=now(),
            )  # fmt: skip
            act("change capacity")
            flash(words.CAPACITY_CHANGED)
            return _to_date(one.date)
        except RuleBroken as broken:
            refused(form, broken)
    return _date_page(one.date, form)


def _told_of(dates: Iterable[Occurrence]) -> dict[str, Any]:
    """Who is told of a change of these dates: each booking once, however many of them it is on."""
    told = {
        booking.id: booking
        for date in dates
        for booking in changes.bookings_of_date(db_session(), date.id, *rules.ON_A_LIST)
    }
    people = sum(booking.places for booking in told.values())
    return {"routes": queries.routes_of(told.values()), "bookings": len(told), "people": people}


@dataclass(frozen=True)
class Moved:
    """One date of the page that asks once more: how it is, where it will be, and why its new day is a bad one."""

    date: Occurrence
    to: changes.When
    place: Place | None
    room: str
    off: str


def _moved(moves: Iterable[changes.Move]) -> list[Moved]:
    session, found = db_session(), []
    off: dict[int | None, dict[date, str]] = {}
    for move in moves:
        training, to = move.date.session, move.to
        place = session.get(Place, to.place_id) if to.place_id else training.place
        room_name = to.room or (training.room if place is training.place else "")
        number = place.id if place else None
        if number not in off:
            off[number] = sessions.days_off(session, number)
        found.append(Moved(move.date, to, place, room_name, off[number].get(to.day, "")))
    return found


@room.page(f"{DATE}/move", allow=policy.RUN, load=the_date, methods=("GET", "POST"), localised=False)
def move_date(one: OneDate) -> Any:
    """Another day, time, place or room, of one date or of all later ones too.

    What will be is shown first, with the days on which nobody may be there, and with how many people are told.
    """
    session, date, moment = db_session(), one.date, now()
    form = staff_forms.MoveForm(has_later=len(changes.from_this_on(session, date, moment)) > 1)
    if request.method == "GET":
        form.show(date)
        form.sequence.data = str(date.sequence)
    else:
        form.offer_places(queries.places_named(session, one_line(form.place.data)))
        if form.validate():
            try:
                to = form.when()
                if form.is_sure.data:
                    return _move(date, form, to)
                if form.seen() != date.sequence:
                    raise RuleBroken(CHANGED_ALREADY)
                moves = changes.plan_moves(session, date=date, to=to, and_later=form.and_later, now=moment)
                dates = [planned.date for planned in moves]
                form.seen_dates.data = changes.seen_of(dates)
                return shown(
                    "move_sure.html", form, date=date, training=date.session, to=to, moves=_moved(moves),
                    **_told_of(dates),
                )  # fmt: skip
            except RuleBroken as broken:
                refused(form, broken)
    return shown("move.html", form, date=date, training=date.session, **_told_of([date]))


def _move(date: Occurrence, form: staff_forms.MoveForm, to: changes.When) -> Any:
    if form.and_later:
        changes.move_dates(db_session(), date=date, seen=form.seen_dates.data or "", to=to, now=now())
        act("move dates")
        flash(words.DATES_MOVED)
        return to_session(date.session)
    changes.move_date(db_session(), date=date, sequence=form.seen(), to=to, now=now())
    act("move date")
    flash(words.MOVED)
    return _to_date(date)


@room.page(f"{DATE}/cancel", allow=policy.RUN, load=the_date, methods=("GET", "POST"), localised=False)
def cancel_date(one: OneDate) -> Any:
    """This date does not take place, or none from it on; the page says first how many people are told, and how."""
    session, date, moment = db_session(), one.date, now()
    to_come = changes.from_this_on(session, date, moment)
    form = staff_forms.LaterForm(has_later=len(to_come) > 1)
    if request.method == "GET":
        asked = request.args.get("which")
        form.which.data = "later" if form.has_later and asked == "later" else "one"
        form.seen_dates.data = changes.seen_of(to_come)
    elif form.validate():
        try:
            if form.and_later:
                changes.cancel_dates(session, date=date, seen=form.seen_dates.data or "", now=moment)
                act("cancel dates")
                flash(words.DATES_CANCELLED)
                return to_session(date.session)
            changes.cancel_date(session, date=date, sequence=form.seen(), now=moment)
            act("cancel date")
            flash(words.DATE_CANCELLED)
            return _to_date(date)
        except RuleBroken as broken:
            refused(form, broken)
            # The page shows how it is now; the next press is about that.
            to_come = changes.from_this_on(session, date, moment)
            form.seen_dates.data = changes.seen_of(to_come)
            form.offer_later(len(to_come) > 1)
    dates = list(to_come) if form.and_later else [date]
    return shown("cancel.html", form, training=date.session, date=date, dates=dates, **_told_of(dates))


# --- a session without a date


@room.page(f"{ONE}/set-date", allow=policy.RUN, load=the_session, methods=("GET", "POST"), localised=False)
def set_date(training: TrainingSession) -> Any:
    """An undated session gets its date; who would come is asked in their order."""
    session, moment, form = db_session(), now(), staff_forms.SetDateForm()
    if request.method == "GET":
        form.capacity.data = str(training.capacity)
        form.place.data = training.place.name if training.place else ""
    else:
        form.offer_places(queries.places_named(session, one_line(form.place.data)))
        if form.validate():
            try:
                if not form.is_first_press(session, whose=f"date of {training.id}", now=moment):
                    return to_session(training)
                changes.set_date(
                    session, training=training, dates=form.dates(), place_id=form.chosen_place(),
                    capacity=form.capacity.count, now=moment,
                )  # fmt: skip
                act("set date")
                flash(words.DATED)
                return to_session(training)
            except RuleBroken as broken:
                refused(form, broken)
    asked = changes.bookings_of_session(session, training.id, "requested")
    return shown(
        "set_date.html", form, training=training, routes=queries.routes_of(asked), bookings=len(asked),
        people=sum(booking.places for booking in asked),
    )  # fmt: skip


# --- what to arrange


@room.page("/staff/training/arrange", allow=policy.READ, reads=("identity", "needs"), localised=False)
def arrange() -> Any:
    """What to arrange for whom by which day, over all sessions: the most urgent first."""
    needs = queries.needs_of(db_session(), the_staff(), now())
    return render_template(
        "training/staff/arrange.html",
        asked=[need for need in needs if need.arrangement.status == "asked"],
        decided=[need for need in needs if need.arrangement.status != "asked"],
        form=BaseForm(),
        **words_for_pages(),
    )


@room.page(f"{NEED}/<what>", allow=policy.READ, load=the_need, methods=("POST",),
           localised=False)  # fmt: skip
def decide_need(one: OneNeed) -> Any:
    """Arranged, or not possible: the person is told at once. A slip is taken back, and the next decision told anew."""
    session, what = db_session(), str((request.view_args or {})["what"])
    booking = session.get_one(Booking, one.id)
    try:
        if what == "undo":
            changes.undo_need(session, need=one.need, seen=one.need.status)
        else:
            changes.decide_need(
                session, actor=the_staff(), need=one.need, possible=what == "arranged", now=now()
            )
        act("decide need", booking=booking, items=("needs",))
        flash(words.NEED_UNDONE if what == "undo" else words.NEED_DECIDED)
    except RuleBroken as broken:
        # A colleague was quicker; nothing was changed and the list shows how it is now.
        session.rollback()
        flash(broken.message)
    if request.form.get("back") == "session":
        return redirect(url_for("training.run_session", session_id=booking.session_id) + "#needs", 303)
    return redirect(url_for("training.arrange"), 303)


# --- messages to those booked


@room.page(f"{ONE}/message", allow=policy.RUN, load=the_session, methods=("GET", "POST"), localised=False)
def send_notice(training: TrainingSession) -> Any:
    """A ready-made message: choose it, fill its blank, look at it in every language it goes out in, send it once."""
    session, principal, moment = db_session(), the_staff(), now()
    dates = [date for date in training.occurrences if date.status == "on" and date.ends_at > moment]
    form = staff_forms.NoticeForm(dates=[(date.id, english_line(date)) for date in dates])
    chosen, samples, told = None, [], []
    if request.method == "POST" and form.validate():
        try:
            blank, chosen = form.blank(), next((date for date in dates if date.id == form.date.data), None)
            if form.template.data == "training_late" and (
                chosen is None or chosen.day != moment.astimezone(LONDON).date()
            ):
                raise RuleBroken(words.LATE_NEEDS_TODAY, field="date")
            told = list(
                changes.booked_for_notice(
                    session, training=training, occurrence_id=chosen.id if chosen else None, now=moment
                )
            )
            if not told:
                raise RuleBroken(words.NOBODY_TO_TELL)
            if request.form.get("do") == "send":
                if not form.is_first_press(session, whose=f"notice of {principal.staff_id}", now=moment):
                    flash(words.NOTICE_TWICE)
                    return to_session(training)
                changes.send_notice(
                    session, actor=principal, training=training, template=form.template.data, blank=blank, date=chosen,
                    now=moment,
                )  # fmt: skip
                act("send notice")
                flash(words.NOTICE_SENT)
                return to_session(training)
            samples = _samples(training, form.template.data, blank, chosen or dates[0], told)
        except RuleBroken as broken:
            refused(form, broken)
    return shown(
        "message.html", form, training=training, dates=dates, samples=samples, routes=queries.routes_of(told),
        bookings=len(told), people=sum(booking.places for booking in told), quiet=_not_shown_typed(form, told),
    )  # fmt: skip


def _not_shown_typed(form: staff_forms.NoticeForm, told: list[Booking]) -> int:
    """How many bookings are told without the words the organiser typed: no message to them may name the service."""
    has_typed = form.template.data in changes.NOTICES and templates.template_of(form.template.data).typed
    return sum(booking.is_discreet and can_be_told(booking) for booking in told) if has_typed else 0


def _samples(
    training: TrainingSession, name: str, blank: str, date: Occurrence, told: list[Booking]
) -> list[tuple[i18n.Language, templates.Text]]:
    """How the message reads in each language of the people booked, English first."""
    template = templates.template_of(name)
    place = date.place or training.place
    facts = {"when": date.starts_at.isoformat(), "phone": training.phone, changes.NOTICES[name]: blank}
    if place is not None:
        facts["place"] = place.name
    slugs = dict.fromkeys(["en", *(i18n.language_for(booking.language).slug for booking in told)])
    service_name = current_app.extensions["settings"].service_name
    return [
        (
            i18n.LANGUAGES[slug],
            templates.write(
                template,
                {fact: said for fact, said in facts.items() if said},
                language=i18n.LANGUAGES[slug],
                channel="email",
                service_name=service_name,
            ),
        )
        for slug in slugs
    ]


# --- a booking by phone


@room.page(f"{ONE}/book", allow=policy.RUN, load=the_session, methods=("GET", "POST"), localised=False)
def book_for_somebody(training: TrainingSession) -> Any:
    """Somebody phones or stands here: the organiser books for them after reading them what they agree to."""
    session, principal, moment = db_session(), the_staff(), now()
    dates = [date for date in training.occurrences if date.status == "on" and date.starts_at > moment]
    form = staff_forms.PhoneBookingForm(dates=[(date.id, english_line(date)) for date in dates])
    if request.method == "GET":
        form.form_key.data = secrets.token_urlsafe(16)
    elif form.validate():
        try:
            booking = bookings.book(
                session, training=training, now=moment,
                wanted=bookings.Wanted(
                    form_key=f"{principal.staff_id} {(form.form_key.data or '')[:40]}", language=form.language.data,
                    places=form.places.count, companions=form.companions.count,
                    occurrence_ids=form.date.data or (), booked_for="group" if form.places.count > 1 else "other",
                    label=form.label.data or None, age_band=form.age_band.data or None,
                    needs=form.access_needs(), contact_kind=form.contact_kind.data, contact=form.read_contact(),
                    contact_of=form.contact_of.data, contact_name=form.contact_name.data or None,
                    is_discreet=bool(form.is_discreet.data), consent_how="spoken", waiting_mode=form.waiting_mode.data,
                    staff_id=principal.staff_id, organisation_id=principal.organisation_id,
                ),
            )  # fmt: skip
            act("book for somebody")
            flash(words.BOOKED)
            return redirect(url_for("training.booking_made", booking_id=booking.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("book.html", form, training=training, wording=rules.WORDINGS[rules.WORDING])


def is_just_made(booking: Booking) -> bool:
    """True for a booking I made a few minutes ago: only then is its code shown to me."""
    return booking.staff_id == the_staff().staff_id and booking.made_at > now() - CODE_SHOWN_FOR


def _just_made(booking_id: int) -> Booking | None:
    booking = the_booking(booking_id)
    return booking if booking is not None and is_just_made(booking) else None


@room.page(f"{BOOKING}/made", allow=policy.READ, load=_just_made, reads=("code",), localised=False)
def booking_made(booking: Booking) -> Any:
    """The code of a new booking, to say to the person or write down for them."""
    if booking.resident_id is not None:
        shows_person(booking.resident_id, "code")
    return render_template(
        "training/staff/made.html",
        booking=booking,
        training=booking.session,
        code=show_code(booking.code),
        code_words=" ".join(code_to_words(booking.code)),
        told=can_be_told(booking),
        **words_for_pages(),
    )


@room.page(BOOKING, allow=policy.READ, load=the_booking, reads=WHO_COMES, localised=False)
def one_booking(booking: Booking) -> Any:
    """One booking as its organiser sees it."""
    if booking.resident_id is not None:
        shows_person(booking.resident_id, *WHO_COMES)
    return render_template(
        "training/staff/booking.html",
        booking=booking,
        training=booking.session,
        flagged=people_queries.flagged_by(db_session(), [booking.resident_id]).get(
            booking.resident_id or 0, []
        ),
        sender=queries.senders_of(db_session(), [booking]).get(booking.id, ""),
        show_value=contact.show_value,
        form=BaseForm(),
        **words_for_pages(),
    )


@room.page(f"{BOOKING}/cancel", allow=policy.READ, load=the_booking, methods=("POST",), localised=False)
def cancel_booking(booking: Booking) -> Any:
    """Somebody told us that they cannot come: their places are free, and go to who waits."""
    number, session_id = booking.id, booking.session_id
    if bookings.cancel(db_session(), booking_id=number, by="organiser", now=now()):
        act("cancel booking", booking=booking)
    flash(words.SAVED)
    return redirect(url_for("training.run_session", session_id=session_id), 303)
