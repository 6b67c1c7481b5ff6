"""Pages of training: find a session, book it in one form, and what becomes of a booking, for whoever holds its code."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from inclusion_app.core import clock, i18n, registry
from inclusion_app.core.access import ANYONE, Principal, Room, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paging import page_number
from inclusion_app.core.sessions import current_visit, visit_for_change
from inclusion_app.messages.sending import channels_now
from inclusion_app.people.choice_fields import number_of
from inclusion_app.places import drawing
from inclusion_app.places import queries as places
from inclusion_app.places import wording as place_words
from inclusion_app.places.forms import WhereForm
from inclusion_app.places.models import Place
from inclusion_app.places.postcodes import Postcode, read_where
from inclusion_app.training import forms, queries, wording
from inclusion_app.training.models import Booking, TrainingSession
from inclusion_app.training.opened import booking_of, note_change, note_reader
from inclusion_app.training.rules import KINDS, LIVE, OFFERS, PLACES_LEFT, WORDING, WORDINGS, young_words
from inclusion_app.training.services import bookings, keeping, opinions, register, telling
from inclusion_app.training.services.waiting import open_dates

room = Room("training", __name__)


@room.page("/training", allow=ANYONE, methods=("GET", "POST"))
def find() -> Any:
    """A list, the soonest first, or the nearest where an area is known. A postcode comes by POST and is in no address."""
    form = WhereForm()
    if request.method == "POST":
        found = places.find_where(db_session(), form.near.data or "")
        if isinstance(found, places.Where):
            visit_for_change(db_session(), now()).near = found.as_near()
            return redirect(url_for("training.find", **_kept()), 303)
        form.refuse(place_words.why_not(found))
        return _list(form, _where_of_visit(), 422)
    near = request.args.get("near", "").strip()
    if not near or near == "mine":
        return _list(form, _where_of_visit(), 200)
    read = read_where(near)
    if isinstance(read, Postcode):
        return redirect(url_for("training.find", **{**_kept(), "near": read.outward}), 303)
    named = places.find_where(db_session(), near)
    form.near.data = near
    if isinstance(named, places.Where):
        return _list(form, named, 200)
    form.refuse(place_words.why_not(named))
    return _list(form, None, 422)


def _where_of_visit() -> places.Where | None:
    visit = current_visit()
    return places.where_of_near(visit.near if visit else None)


# The next steps of a plan to choose from; a page must stay light.
STEPS_SHOWN = 12
RIDES_ALONG = ("step", "kind", "when", "since", "taught_in", "age", "online", "first", "near")


def _kept() -> dict[str, Any]:
    """What rides along in the address of the list."""
    kept: dict[str, Any] = {name: request.args[name] for name in RIDES_ALONG if request.args.get(name)}
    if kept.get("near") and isinstance(read_where(kept["near"]), Postcode):
        del kept["near"]
    return kept | ({"has": request.args.getlist("has")} if request.args.get("has") else {})


def _list(form: WhereForm, where: places.Where | None, status: int) -> Any:
    session, moment = db_session(), now()
    step = request.args.get("step", "")
    title = wording.step_title(step)
    mine = registry.steps_of_my_plan()[:STEPS_SHOWN]
    narrow = forms.FilterForm(
        steps=(*mine, *({step} - {*mine})) if mine and title else mine,
        kinds=queries.kinds_offered(session, now=moment),
        languages=queries.taught_languages(session, now=moment),
    )
    filters = narrow.filters(step=step if title else "", today=clock.today())
    narrow.since.data = filters.since.isoformat() if filters.since else ""
    soonest = request.args.get("first") == "soon"
    asked = page_number(10**6, queries.PAGE)
    found, total = queries.find_sessions(
        session, where=where, filters=filters, now=moment, page=asked, soonest=soonest
    )
    kept = _kept()
    page = render_template(
        "training/list.html",
        form=form,
        narrow=narrow,
        entries=[_entry(one) for one in found],
        total=total,
        page=asked,
        pages=-(-total // queries.PAGE),
        filters=filters,
        offers=OFFERS,
        step_title=title,
        where=where,
        soonest=soonest,
        kept=kept,
        more={
            name: value
            for name, value in kept.items()
            if name in {"first", "near", *(() if mine else ("step",))}
        },
        chosen=narrow.chosen(filters),
        is_narrowed=bool(set(kept) - {"first", "near"}),
    )
    return page, status


def _entry(found: queries.Found) -> dict[str, Any]:
    """One session of the list."""
    training = found.training
    first = found.dates[0] if found.dates else None
    place, _room_name = wording.where_of(training, first)
    return {
        "training": training,
        "words": wording.course_words(training.course),
        "first": first,
        "more": len(found.dates) - 1 if first else 0,
        "place": place,
        "distance": place_words.metres_words(found.metres, from_edge=found.from_edge),
        "left": PLACES_LEFT[found.left],
        "kind": KINDS[training.course.kind],
        "language": wording.language_name(training.taught_in) if training.taught_in != "en" else "",
        "offers": wording.offer_words(training),
    }


# --- one session, and its form


def _session(slug: str) -> TrainingSession | None:
    return queries.session_by_slug(db_session(), slug)


@room.page("/training/<slug>", allow=ANYONE, load=_session, methods=("GET", "POST"))
def session(training: TrainingSession) -> Any:
    """One session with all its dates, and the form to book it. What is not asked for need not be said."""
    dates = queries.dates_of(db_session(), [training.id], now=now())[training.id]
    principal = current_principal()
    form = forms.BookingForm()
    form.offer(training, dates, has_plan=principal.kind == "resident", channels=channels_now())
    was_sent = is_too_big = False
    if request.method == "POST" and form.validate():
        try:
            made = bookings.book(db_session(), training=training, wanted=_wanted(form, principal), now=now())
            return redirect(url_for("training.booking", code=made.code), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            was_sent = broken.message == bookings.SENT_BEFORE
            is_too_big = broken.message == bookings.TOO_BIG
            dates = queries.dates_of(db_session(), [training.id], now=now())[training.id]
    return _session_page(training, dates, form, principal, was_sent=was_sent, is_too_big=is_too_big)


def _wanted(form: forms.BookingForm, principal: Principal) -> bookings.Wanted:
    resident_id = principal.resident_id if principal.kind == "resident" else None
    return form.wanted(resident_id=resident_id, group_id=principal.group_id, address=request.remote_addr)


def _session_page(
    training: TrainingSession,
    dates: list[queries.Date],
    form: forms.BookingForm,
    principal: Principal,
    *,
    was_sent: bool,
    is_too_big: bool,
) -> Any:
    left = queries.left_of(training, dates)
    where = _where_of_visit()
    before = training.course.comes_after_id
    before_session = queries.next_of_course(db_session(), before, now=now()) if before else None
    wheres = _places_of(training, dates)
    city = places.city_sheet(db_session()) if len(wheres) == 1 else None
    page = render_template(
        "training/session.html",
        form=form,
        training=training,
        words=wording.course_words(training.course),
        kind=KINDS[training.course.kind],
        dates=dates,
        left=left,
        left_words=PLACES_LEFT,
        can_book=left in {"free", "few", "last", "waiting", "ask"},
        choose_date=training.booked_as == "series" and len(dates) > 1,
        # Where all are full the list is spoken of anyway.
        some_are_full=left != "waiting"
        and any(date.left(training.waiting_size) in {"waiting", "full"} for date in dates),
        language_name=wording.language_name(training.taught_in),
        offers=wording.offer_words(training),
        young=wording.young_words_for(training),
        # Where children come, how old somebody is comes first: an adult may have to be named.
        for_the_young=training.for_age == "young",
        consent=WORDINGS[WORDING],
        before_session=before_session,
        before_words=wording.course_words(before_session.course) if before_session else None,
        places=wheres,
        drawn=drawing.close_up(city, wheres[0][0], where) if city else None,
        has_saved=principal.kind == "resident",
        asks_more=bool(form.errors or form.form_errors),
        was_sent=was_sent,
        is_too_big=is_too_big,
    )
    return page, 422 if form.errors or form.form_errors else 200


def _places_of(training: TrainingSession, dates: list[queries.Date]) -> list[tuple[Place, str]]:
    """Where its dates are. Only a date that is elsewhere asks for more than the session itself."""
    if not any(date.place or date.room for date in dates):
        return wording.places_of(training, [])
    shown = {date.id for date in dates}
    return wording.places_of(training, [date for date in training.occurrences if date.id in shown])


# --- a booking


@room.page("/book/<code>", allow=ANYONE, load=booking_of, reads=("booking",))
def booking(booking: Booking) -> Any:
    """What is booked or waited for, in plain words. Looking changes nothing."""
    note_reader(booking)
    training, moment = booking.session, now()
    words = wording.course_words(training.course)
    before, groups = (
        queries.place_in_list(db_session(), booking) if booking.status == "waitlisted" else (0, 0)
    )
    principal = current_principal()
    coming = [date for date in booking.dates_on if date.occurrence.starts_at > moment]
    offer_ends = booking.offer_ends_at
    over = all(date.occurrence.ends_at <= moment for date in booking.dates_on)
    is_over, has_come = booking.status == "booked" and over, opinions.may_be_asked(booking)
    return render_template(
        "training/booking.html",
        booking=booking,
        training=training,
        words=words,
        heading=wording.how_it_stands(booking, is_over=is_over, has_come=has_come),
        is_over=is_over,
        ended=wording.ENDED.get(booking.ended_by, ""),
        dates=sorted(booking.dates, key=lambda date: date.occurrence.starts_at),
        coming={date.occurrence_id for date in coming},
        is_live=booking.status in LIVE and bool(coming or booking.status == "requested"),
        waiting=wording.waiting_words(booking, before, groups, is_told=telling.can_be_told(booking))
        if booking.status == "waitlisted"
        else [],
        offer_until=wording.until_words(offer_ends) if offer_ends and offer_ends > moment else "",
        offer_over=booking.status == "offered" and not (offer_ends and offer_ends > moment),
        needs=wording.needs_words(booking),
        told=wording.told_words(queries.notices_of(db_session(), booking)),
        young=wording.young_words_for(training) if young_words(booking.age_band) else "",
        places=wording.places_of(training, [date.occurrence for date in coming]),
        deaf=wording.may_not_hear(booking),
        not_yet=wording.NOT_YET if booking.status == "waitlisted" else "",
        has_ended=booking.status not in LIVE,
        code_opens=wording.CODE_OPENS,
        code=show_code(booking.code),
        code_words=" ".join(code_to_words(booking.code)),
        may_keep=principal.kind == "resident"
        and booking.resident_id is None
        and booking.booked_for != "group",
        is_kept=booking.resident_id is not None and booking.resident_id == principal.resident_id,
        has_come=has_come,
    )


def _back(booking: Booking) -> Any:
    return redirect(url_for("training.booking", code=booking.code), 303)


@room.page("/book/<code>/cancel", allow=ANYONE, load=booking_of, methods=("POST",))
def cancel(booking: Booking) -> Any:
    """ "I cannot come", to all of it or to one date. Pressed twice it is said once; too late says that it was."""
    by, moment = "helper" if booking.booked_for == "other" else "learner", now()
    asked = open_dates(booking)
    if "date" in request.form:
        asked = [number_of(request.form["date"])]
        done = bookings.cancel_date(
            db_session(), booking_id=booking.id, occurrence_id=asked[0], by=by, now=moment
        )  # fmt: skip
    else:
        done = bookings.cancel(db_session(), booking_id=booking.id, by=by, now=moment)
    if done:
        note_change(booking, "cancel booking")
    # What was off before is as wished; what is still on has begun.
    if not done and booking.status in LIVE and set(asked) & set(open_dates(booking)):
        return render_template("training/not_done.html", booking=booking, message=wording.TOO_LATE), 422
    return _back(booking)


@room.page("/book/<code>/offer", allow=ANYONE, load=booking_of, methods=("POST",))
def answer_offer(booking: Booking) -> Any:
    """Yes to an offer, no, or no for this time. One that is over says so on the page of the booking."""
    answer, before = request.form.get("answer"), booking.status
    try:
        if answer == "yes":
            bookings.take_up_offer(db_session(), booking_id=booking.id, now=now())
        elif answer in {"no", "keep"}:
            bookings.turn_down_offer(db_session(), booking_id=booking.id, stays=answer == "keep", now=now())
    except RuleBroken as broken:
        return render_template("training/not_done.html", booking=booking, message=broken.message), 422
    if booking.status != before:
        note_change(booking, "answer offer")
    return _back(booking)


@room.page("/book/<code>/plan", allow=ANYONE, load=booking_of, methods=("POST",))
def put_into_plan(booking: Booking) -> Any:
    """Keep a booking with the plan that is open here; where somebody came already, its steps move there."""
    principal, session, moment = current_principal(), db_session(), now()
    resident_id = principal.resident_id if principal.kind == "resident" else None
    if resident_id is not None and keeping.put_into_plan(
        session, booking_id=booking.id, resident_id=resident_id, now=moment
    ):
        steps = booking.session.course.step_ids
        register.settle_credit(session, resident_id=resident_id, step_ids=steps, now=moment)
    return _back(booking)


def address_of(code: str) -> str:
    """Where the code of a booking leads, in the reader's language."""
    return url_for("training.booking", code=code, language=i18n.current_language().slug)
