"""The organiser's desk: courses and their words, sessions and their dates, who comes and what they need."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import Principal, record_act, the_staff
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.csv_out import csv_file
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people import queries as people_queries
from inclusion_app.people.choice_fields import number_of
from inclusion_app.training import policy, rules, staff_forms
from inclusion_app.training import staff_queries as queries
from inclusion_app.training import staff_words as words
from inclusion_app.training.models import Booking, Course, Occurrence, TrainingSession
from inclusion_app.training.services import changes, sessions
from inclusion_app.training.services.telling import can_be_told
from inclusion_app.training.staff_register_queries import registers_to_fill
from inclusion_app.training.views import room

ONE = "/staff/training/<int(max=999999999):session_id>"
COURSE = "/staff/training/courses/<int(max=999999999):course_id>"
A_MONDAY = date(2027, 2, 1)
WHO_COMES = ("identity", "contact", "needs")
registry.add_to_menu(registry.StaffLink("training.desk", N_("Training"), policy.RUN, 30))


def what_waits(session: Session, principal: Principal, moment: datetime) -> list[registry.WaitingItem]:
    """Registers to fill, what to arrange by when, dates at a closed place, people who wait, offers nobody hears of."""
    if not policy.RUN.may_at_all(principal):
        return []
    waits, items = queries.waits_for(session, principal, moment), []
    if waits.arrange and waits.arrange_by:
        said = ngettext(
            "%(num)s need to arrange by %(day)s", "%(num)s needs to arrange, the first by %(day)s", waits.arrange,
            day=i18n.day_words(waits.arrange_by),
        )  # fmt: skip
        since = datetime.combine(waits.arrange_by, time(), LONDON)
        items.append(registry.WaitingItem(said, url_for("training.arrange"), since))
    on_the_desk = (
        (waits.closed, ngettext(
            "The place is closed on %(num)s date of a session", "The place is closed on %(num)s dates of sessions", waits.closed
        )),
        (waits.sessions_waiting, ngettext(
            "%(num)s session has people waiting", "%(num)s sessions have people waiting", waits.sessions_waiting
        )),
        (waits.offers_untold, ngettext(
            "%(num)s person has an offer and no way to hear of it", "%(num)s people have an offer and no way to hear of it",
            waits.offers_untold,
        )),
    )  # fmt: skip
    items += [registry.WaitingItem(said, url_for("training.desk")) for number, said in on_the_desk if number]
    return [*_registers_that_wait(session, principal, moment), *items]


# A date each, so that one press opens the register; what is older than these comes up when they are done.
REGISTERS_NAMED = 5


def _registers_that_wait(
    session: Session, principal: Principal, moment: datetime
) -> list[registry.WaitingItem]:
    dates = registers_to_fill(session, principal, now=moment)
    items = [
        registry.WaitingItem(
            ngettext(
                "Register: %(title)s. %(num)s booking is not marked",
                "Register: %(title)s. %(num)s bookings are not marked",
                unmarked,
                title=date.session.course.title_in(),
            ),
            url_for("training.register", occurrence_id=date.id),
            date.starts_at,
        )
        for date, unmarked in dates[:REGISTERS_NAMED]
    ]
    if len(dates) > REGISTERS_NAMED:
        said = ngettext(
            "%(num)s more register to fill", "%(num)s more registers to fill", len(dates) - REGISTERS_NAMED
        )
        url = url_for("training.register", occurrence_id=dates[REGISTERS_NAMED][0].id)
        items.append(registry.WaitingItem(said, url))
    return items


registry.wait_for(what_waits)


def the_session(session_id: int) -> TrainingSession | None:
    """One session of the organisation the staff act for."""
    return queries.session_for(db_session(), the_staff(), session_id)


def the_course(course_id: int, **_more: Any) -> Course | None:
    """One course of it."""
    return queries.course_for(db_session(), the_staff(), course_id)


def shown(template: str, form: BaseForm, **more: Any) -> Any:
    """A page with its form; 422 where something of it was refused."""
    page = render_template(f"training/staff/{template}", form=form, **words_for_pages(), **more)
    return page, 422 if form.errors or form.form_errors else 200


def refused(form: BaseForm, broken: RuleBroken) -> None:
    """Say why at the field, and forget what was changed in memory: it is not what stands in the record."""
    db_session().rollback()
    form.refuse(broken)


def words_for_pages() -> dict[str, Any]:
    """Tables of words and the few verbs that pages of the desk need to say what they show."""
    return {
        "rules": rules,
        "words": words,
        "language_name": language_name,
        "where_of": where_of,
        "moment": now(),
        "local": i18n.local,
        "can_be_told": can_be_told,
        "english_line": english_line,
        "planned_for": planned_for,
    }


def language_name(code: str) -> str:
    """The English name of a language, of the service or of the city."""
    known = i18n.known(code)
    return known.english_name if known else dict(staff_forms.languages_taught()).get(code, code)


def where_of(training: TrainingSession, date: Occurrence | None = None) -> str:
    """The place of a session or of one date, in words."""
    place, room_name = date.where if date is not None else (training.place, training.room)
    if place is None:
        return str(_("Online")) if training.is_online else str(_("No place yet"))
    return f"{place.name}, {room_name}" if room_name else place.name


def english_line(date: Any) -> str:
    """Day and times of one date."""
    return f"{i18n.day_words(date.day)}, {i18n.clock_words(date.begins)}–{i18n.clock_words(date.ends)}"


def planned_for(pattern: str) -> str:
    """A weekly pattern in words: every week, Tuesday."""
    weeks, weekday = rules.weeks_and_weekday(pattern)
    return f"{_(words.WHOLE_WEEKS[str(weeks)])}, {i18n.weekday_words(A_MONDAY + timedelta(days=weekday))}"


def act(action: str, *, booking: Booking | None = None, items: tuple[str, ...] = ()) -> None:
    """The row of a change in the record."""
    record_act(
        db_session(), the_staff(), action=action, items=items, now=now(),
        resident_id=booking.resident_id if booking is not None else None,
    )  # fmt: skip


def to_session(training: TrainingSession) -> Any:
    """Back to the page of the session."""
    return redirect(url_for("training.run_session", session_id=training.id), 303)


# --- the list

# A place that closes for months would push the list off the page; each session names all of its own.
CLOSED_SHOWN = 10


@room.page("/staff/training", allow=policy.RUN, localised=False)
def desk() -> Any:
    """The sessions of the organisation, coming or past, with how many places are taken."""
    session, principal, moment = db_session(), the_staff(), now()
    chosen = queries.Filters(
        when="past" if request.args.get("when") == "past" else "coming",
        course_id=number_of(request.args.get("course", "")) or None,
        state=request.args.get("state", "") if request.args.get("state") in words.STATES else "",
        text=one_line(request.args.get("text", "")[:80]),
    )
    numbers = [number for number, _at in queries.sessions_of(session, principal, chosen, moment)]
    page = page_number(len(numbers), queries.ON_A_PAGE)
    part = numbers[(page - 1) * queries.ON_A_PAGE : page * queries.ON_A_PAGE]
    kept = {
        "when": chosen.when,
        "course": chosen.course_id,
        "state": chosen.state or None,
        "text": chosen.text or None,
    }
    form = staff_forms.FilterForm(courses=course_choices())
    form.show(chosen.when, chosen.course_id or 0, chosen.state, chosen.text)
    return render_template(
        "training/staff/desk.html",
        lines=queries.lines_of(session, part, moment),
        total=len(numbers),
        page=page,
        pages=-(-len(numbers) // queries.ON_A_PAGE),
        chosen=chosen,
        kept=kept,
        closed=queries.closed_dates(session, principal, moment),
        shown_at_most=CLOSED_SHOWN,
        filters=form,
        **words_for_pages(),
    )


def course_choices() -> list[tuple[int, str]]:
    """The courses of the organisation, to choose from."""
    found = queries.courses_of(db_session(), the_staff())
    return [(course.id, course.title_in()) for course in found]


# --- courses


@room.page("/staff/training/courses", allow=policy.WRITE, localised=False)
def courses() -> Any:
    """The courses, and in which languages their words are there."""
    return render_template(
        "training/staff/courses.html",
        courses=queries.courses_of(db_session(), the_staff()),
        languages=[language for language in i18n.released() if language.slug != "en"],
        **words_for_pages(),
    )


@room.page("/staff/training/courses/new", allow=policy.WRITE, methods=("GET", "POST"), localised=False)
def new_course() -> Any:
    """What is taught, in English words."""
    session, principal, moment = db_session(), the_staff(), now()
    form = staff_forms.CourseForm(courses=course_choices())
    if request.method == "POST" and form.validate():
        try:
            if not form.is_first_press(session, whose=f"course of {principal.staff_id}", now=moment):
                return redirect(url_for("training.courses"), 303)
            course = sessions.make_course(
                session, actor=principal, facts=form.facts(), english=form.words(), now=moment
            )
            act("make course")
            flash(words.SAVED)
            return redirect(url_for("training.new_session", course=course.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("course.html", form, course=None, steps=step_titles())


def step_titles() -> dict[str, str]:
    """The steps of the plan by their ids."""
    return dict(registry.step_titles())


@room.page(COURSE, allow=policy.WRITE, load=the_course, methods=("GET", "POST"), localised=False)
def edit_course(course: Course) -> Any:
    """Change what is taught; residents read it at once."""
    others = [(number, title) for number, title in course_choices() if number != course.id]
    form = staff_forms.CourseForm(courses=others)
    if request.method == "GET":
        form.show(course)
    elif form.validate():
        try:
            sessions.change_course(
                db_session(),
                actor=the_staff(),
                course=course,
                facts=form.facts(),
                english=form.words(),
                now=now(),
            )
            act("change course")
            flash(words.SAVED)
            return redirect(url_for("training.courses"), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("course.html", form, course=course, steps=step_titles())


@room.page(
    f"{COURSE}/words/<tongue>",
    allow=policy.WRITE,
    load=the_course,
    methods=("GET", "POST"),
    localised=False,
)
def course_words(course: Course) -> Any:
    """The words of a course in another language: a draft, or checked by somebody who reads it."""
    tongue = i18n.LANGUAGES.get(str((request.view_args or {})["tongue"]))
    if tongue is None or tongue.slug == "en" or not tongue.released:
        return redirect(url_for("training.courses"), 303)
    form = staff_forms.TranslationForm()
    there = next((text for text in course.texts if text.language == tongue.slug), None)
    if request.method == "GET":
        form.state.data = there.state if there else "drafted"
        if there:
            form.title.data, form.summary.data, form.bring.data = there.title, there.summary, there.bring
    elif form.validate():
        sessions.put_words(
            db_session(),
            course=course,
            language=tongue.slug,
            text=form.words(),
            state=form.state.data,
            now=now(),
        )
        act("translate course")
        flash(words.SAVED)
        return redirect(url_for("training.courses"), 303)
    english = next((text for text in course.texts if text.language == "en"), None)
    return shown("words.html", form, course=course, tongue=tongue, english=english)


# --- a session


@room.page("/staff/training/new", allow=policy.RUN, methods=("GET", "POST"), localised=False)
def new_session() -> Any:
    """A session with all its dates, from nothing or from a copy; the dates are looked at before they are saved."""
    session, principal, moment = db_session(), the_staff(), now()
    form = staff_forms.NewSessionForm(courses=course_choices())
    if request.method == "GET":
        _begin_with(form)
    else:
        form.offer_places(queries.places_named(session, one_line(form.place.data)))
        if form.validate():
            try:
                facts = form.facts()
                dates = None if form.is_undated else form.dates()
                if dates is not None:
                    days, skipped = sessions.planned_dates(session, dates=dates, place_id=facts.place_id)
                    unseen = sessions.seen_of(days, skipped) != form.seen.data
                    if unseen and (skipped or len(days) > 1 or request.form.get("do") == "look"):
                        form.seen.data = sessions.seen_of(days, skipped)
                        return shown("new.html", form, days=days, skipped=skipped, look=True)
                if not form.is_first_press(session, whose=f"session of {principal.staff_id}", now=moment):
                    return redirect(url_for("training.desk"), 303)
                training = sessions.make_session(
                    session, actor=principal, course_id=form.course.data, booked_as=form.booked_as.data, facts=facts,
                    dates=dates, now=moment,
                )  # fmt: skip
                act("make session")
                flash(words.DRAFTED)
                return to_session(training)
            except RuleBroken as broken:
                refused(form, broken)
    return shown("new.html", form, days=None, skipped=None, look=False)


def _begin_with(form: staff_forms.NewSessionForm) -> None:
    """What a new session begins with: the course that was just made, or another session to copy."""
    form.course.data = number_of(request.args.get("course", ""))
    copied = the_session(number_of(request.args.get("copy", "")))
    if copied is not None:
        form.show(sessions.facts_of(copied), copied.course_id, copied.place)
        form.booked_as.data = copied.booked_as
        if copied.occurrences:
            first = copied.occurrences[0]
            form.begins.data, form.ends.data = i18n.clock_words(first.begins), i18n.clock_words(first.ends)
            if copied.booked_as != "single":
                form.times.data = str(len(copied.occurrences))
        if copied.pattern:
            form.every.data = str(rules.weeks_and_weekday(copied.pattern)[0])


@room.page(ONE, allow=policy.RUN, load=the_session, reads=WHO_COMES, localised=False)
def run_session(training: TrainingSession) -> Any:
    """One session: its dates, who comes with what needs, what to arrange, who waits."""
    session, principal, moment = db_session(), the_staff(), now()
    found = queries.coming(session, principal, session_id=training.id, states=rules.LIVE)
    by_state = {state: [row for row in found.bookings if row.status == state] for state in rules.LIVE}
    return render_template(
        "training/staff/session.html",
        training=training,
        by_state=by_state,
        hidden=found.hidden,
        flagged=people_queries.flagged_by(session, (one.resident_id for one in found.bookings)),
        senders=found.senders,
        needs=queries.needs_of(session, principal, moment, session_id=training.id),
        closed=queries.closed_dates(session, principal, moment, session_id=training.id),
        demand=queries.demand_of(session, training) if training.booked_as == "undated" else None,
        notices=queries.notices_of(session, training),
        **words_for_pages(),
    )


@room.page(f"{ONE}/edit", allow=policy.RUN, load=the_session, methods=("GET", "POST"), localised=False)
def edit_session(training: TrainingSession) -> Any:
    """Change what all its dates have in common."""
    session = db_session()
    form = staff_forms.EditSessionForm(courses=course_choices())
    form.may_be_nowhere = training.booked_as == "undated"
    if request.method == "GET":
        form.show(sessions.facts_of(training), training.course_id, training.place)
    else:
        form.offer_places(queries.places_named(session, one_line(form.place.data)))
        if form.validate():
            try:
                sessions.change_session(
                    session, training=training, course_id=form.course.data, facts=form.facts(), now=now()
                )
                act("change session")
                flash(words.SAVED)
                return to_session(training)
            except RuleBroken as broken:
                refused(form, broken)
    return shown("edit.html", form, training=training)


@room.page(f"{ONE}/dates", allow=policy.RUN, load=the_session, methods=("GET", "POST"), localised=False)
def add_dates(training: TrainingSession) -> Any:
    """More dates; what is skipped is shown before."""
    session, moment = db_session(), now()
    form = staff_forms.AddDatesForm()
    if request.method == "GET":
        if training.occurrences:
            last = training.occurrences[-1]
            form.begins.data, form.ends.data = i18n.clock_words(last.begins), i18n.clock_words(last.ends)
        if training.occurrences and training.pattern:
            weeks, _weekday = rules.weeks_and_weekday(training.pattern)
            form.first.process_data(last.day + timedelta(weeks=weeks))
            form.every.data = str(weeks)
    elif form.validate():
        try:
            dates = form.dates()
            days, skipped = sessions.planned_dates(session, dates=dates, place_id=training.place_id)
            if sessions.seen_of(days, skipped) != form.seen.data:
                form.seen.data = sessions.seen_of(days, skipped)
                return shown("dates.html", form, training=training, days=days, skipped=skipped, look=True)
            if not form.is_first_press(session, whose=f"dates of {training.id}", now=moment):
                return to_session(training)
            sessions.add_dates(session, training=training, dates=dates, now=moment)
            act("add dates")
            flash(words.DATES_ADDED)
            return to_session(training)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("dates.html", form, training=training, days=None, skipped=None, look=False)


@room.page(f"{ONE}/publish", allow=policy.RUN, load=the_session, methods=("POST",), localised=False)
def publish_session(training: TrainingSession) -> Any:
    """Residents find it from now on; where something is missing the page of the session says what."""
    try:
        sessions.publish(db_session(), training=training, now=now())
    except RuleBroken as broken:
        db_session().rollback()
        flash(broken.message)
        return to_session(training)
    act("publish session")
    flash(words.PUBLISHED)
    return to_session(training)


@room.page(f"{ONE}/delete", allow=policy.RUN, load=the_session, methods=("POST",), localised=False)
def delete_draft(training: TrainingSession) -> Any:
    """A draft nobody saw goes without a trace but the row of the act."""
    sessions.delete_draft(db_session(), training=training)
    act("delete draft session")
    flash(words.SAVED)
    return redirect(url_for("training.desk"), 303)


@room.page(f"{ONE}/cancel", allow=policy.RUN, load=the_session, methods=("GET", "POST"), localised=False)
def cancel_session(training: TrainingSession) -> Any:
    """None of its dates takes place any more. The page says first how many people are told, and how."""
    session, moment, form = db_session(), now(), BaseForm()
    if request.method == "POST":
        try:
            changes.cancel_session(session, training=training, now=moment)
            act("cancel session")
            flash(words.SESSION_CANCELLED)
            return to_session(training)
        except RuleBroken as broken:
            refused(form, broken)
    told = changes.bookings_of_session(session, training.id, *rules.LIVE)
    return shown(
        "cancel.html", form, training=training, date=None, routes=queries.routes_of(told), bookings=len(told),
        people=sum(booking.places for booking in told),
    )  # fmt: skip


# --- the table of who comes


@room.page(
    f"{ONE}/coming.csv", allow=policy.RUN, load=the_session, reads=("identity", "needs"), localised=False
)
def coming_table(training: TrainingSession) -> Any:
    """Who comes, for a spreadsheet, without how to reach anybody."""
    return _table(training, with_contact=False)


@room.page(
    f"{ONE}/coming-with-contact.csv", allow=policy.RUN, load=the_session, reads=WHO_COMES, localised=False
)
def coming_table_with_contact(training: TrainingSession) -> Any:
    """The same with how to reach them, for whoever asks for that."""
    return _table(training, with_contact=True)


def _table(training: TrainingSession, *, with_contact: bool) -> Any:
    head = [
        _("Booking"), _("Called"), _("State"), _("People"), _("People who come along"), _("Dates"), _("Language"),
        _("Needs"), _("Note"),
    ]  # fmt: skip
    head += (
        [_("How to reach them"), _("Number or address"), _("Name of the contact"), _("Mind")]
        if with_contact
        else []
    )
    found = queries.coming(db_session(), the_staff(), session_id=training.id, states=rules.ON_A_LIST)
    rows: list[list[object]] = []
    for booking in found.bookings:
        needs = booking.needs or {}
        row: list[object] = [
            booking.id, booking.label or "", _(words.BOOKING_STATES[booking.status]), booking.places,
            booking.companions,
            "; ".join(f"{date.occurrence.day:%Y-%m-%d}" for date in booking.dates if date.status == "on"),
            language_name(booking.language),
            "; ".join(_(rules.NEEDS[code]) for code in needs.get("codes", ()) if code in rules.NEEDS),
            needs.get("note") or "",
        ]  # fmt: skip
        if with_contact:
            row += [
                _(words.REACH[booking.contact_kind]),
                booking.contact or "",
                booking.contact_name or "",
                _(words.DISCREET) if booking.is_discreet else "",
            ]
        rows.append(row)
    return csv_file(head, rows), {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="session-{training.id}.csv"',
    }
