"""A caseworker books for somebody of their caseload: the session, what they need, their spoken yes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from inclusion_app.core import i18n
from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people_queries
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.models import Resident
from inclusion_app.training import queries as public
from inclusion_app.training import rules, staff_forms
from inclusion_app.training import staff_queries as queries
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import Booking
from inclusion_app.training.services import bookings
from inclusion_app.training.staff_change_views import is_just_made
from inclusion_app.training.staff_views import english_line, refused, shown, words_for_pages
from inclusion_app.training.views import room

PERSON = "/staff/people/<int(max=999999999):resident_id>"


def the_person(resident_id: int) -> Resident | None:
    """Somebody of my caseload, whose own consent stands: broken glass books nothing."""
    return people_queries.resident_for(db_session(), the_staff(), resident_id, "resident.edit")


@room.page(f"{PERSON}/book", allow=people_policy.EDIT, load=the_person, methods=("GET", "POST"), reads=("identity",),
           localised=False)  # fmt: skip
def book_for_resident(resident: Resident) -> Any:
    """Choose a session, then book it with the person present. They are told by the ways they chose for their plan."""
    session, principal, moment = db_session(), the_staff(), now()
    number, language = resident.id, resident.read or resident.language
    training = queries.bookable(session, number_of(request.args.get("session", "")), moment)
    dates = (
        [date for date in training.occurrences if date.status == "on" and date.starts_at > moment]
        if training
        else []
    )
    form = staff_forms.PersonBookingForm(dates=[(date.id, english_line(date)) for date in dates])
    text = one_line(request.args.get("text", "")[:80])
    if request.method == "GET":
        form.form_key.data = secrets.token_urlsafe(16)
    elif training is not None and form.validate():
        try:
            booking = bookings.book(
                session, training=training, now=moment,
                wanted=bookings.Wanted(
                    form_key=f"{principal.staff_id} {(form.form_key.data or '')[:40]}", language=language,
                    companions=form.companions.count, occurrence_ids=form.date.data or (), booked_for="other",
                    label=form.label.data or None, age_band=resident.age_band, needs=form.access_needs(),
                    contact_kind="record", resident_id=number, consent_how="spoken",
                    waiting_mode=form.waiting_mode.data, staff_id=principal.staff_id,
                    organisation_id=principal.organisation_id,
                ),
            )  # fmt: skip
            record_act(
                session, principal, action="book for a person", resident_id=number, items=("identity", "needs"),
                now=moment,
            )  # fmt: skip
            flash(words.BOOKED_FOR[booking.status])
            return redirect(
                url_for("training.booked_for_resident", resident_id=number, booking_id=booking.id), 303
            )
        except RuleBroken as broken:
            refused(form, broken)
    shows_person(number, "identity")
    find = staff_forms.FindForm()
    find.text.data = text
    lines = [] if training else queries.bookable_sessions(session, text, moment)
    sessions = [training] if training else [line.training for line in lines]
    to_come = public.dates_of(session, [one.id for one in sessions], now=moment)
    left = {one.id: rules.PLACES_LEFT[public.left_of(one, to_come[one.id])] for one in sessions}
    return shown(
        "book_person.html", form, resident_id=number, name=resident.name or resident.nickname, training=training,
        found=lines, find=find, dates=[english_line(date) for date in dates], left=left,
        wording=rules.WORDINGS[rules.WORDING],
    )  # fmt: skip


@dataclass(frozen=True)
class JustBooked:
    """A booking, under the number of its person: that is what the right is asked for."""

    id: int
    booking: Booking


def _just_booked(resident_id: int, booking_id: int) -> JustBooked | None:
    if the_person(resident_id) is None:
        return None
    booking = db_session().get(Booking, booking_id)
    if booking is None or booking.resident_id != resident_id or not is_just_made(booking):
        return None
    return JustBooked(resident_id, booking)


@room.page(f"{PERSON}/booked/<int(max=999999999):booking_id>", allow=people_policy.EDIT, load=_just_booked,
           reads=("code",), localised=False)  # fmt: skip
def booked_for_resident(just: JustBooked) -> Any:
    """The code of a new booking and its slip, to give to the person before they go."""
    shows_person(just.id, "code")
    booking = just.booking
    return render_template(
        "training/staff/booked_person.html",
        booking=booking,
        code=show_code(booking.code),
        code_words=" ".join(code_to_words(booking.code)),
        theirs={"code": booking.code, "language": i18n.language_for(booking.language).slug},
        **words_for_pages(),
    )
