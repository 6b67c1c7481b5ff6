"""Pages of whoever of the staff leads a self-help group: its next step, its papers, and training for all of it.

A group gives them its code, once. They see what the group has in common, as the group sees it, and nobody of it: no name,
no number of anybody, nobody's plan. The group ends it with one press (groups.end_help).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from inclusion_app.core import clock, i18n, registry
from inclusion_app.core.access import record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.words import N_
from inclusion_app.groups import policy, queries, services
from inclusion_app.groups.models import Group
from inclusion_app.groups.sheets import GroupSheet, build_sheet, handout_html, list_html, poster_html
from inclusion_app.groups.staff_help_forms import GroupBookingForm, HelpForm
from inclusion_app.groups.views import note_use, room
from inclusion_app.people import naming
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.forms import code_of
from inclusion_app.roadmaps.picture import one_line as line_of
from inclusion_app.training import queries as public
from inclusion_app.training import rules, staff_forms
from inclusion_app.training import staff_queries as training_queries
from inclusion_app.training import staff_words as training_words
from inclusion_app.training.models import Booking
from inclusion_app.training.services import bookings
from inclusion_app.training.staff_change_views import is_just_made
from inclusion_app.training.staff_views import english_line, refused, words_for_pages

ONE = "/staff/groups/<int(max=999999999):facilitated_id>"
NO_CODE = N_("Type the code of the group.")
UNKNOWN_GROUP = N_("This is not the code of a group. Look at it again with the group.")
HELP_ENDED = N_(
    "This group has ended your help. If it wants you again, it makes a new code and gives it to you."
)
LEADS_NOW = N_("You lead this group now. The group sees that on its page, and can end it.")
LEADS_NO_MORE = N_("You do not lead this group any more.")
BOOKED = {
    "requested": N_("The group’s wish is noted. The session has no date yet."),
    "booked": N_("The group is booked."),
    "waitlisted": N_("It is full now. The group stands on the waiting list, and stays together."),
}
registry.add_to_menu(registry.StaffLink("groups.helped_groups", N_("Groups"), policy.HELP, 15))


def _helped(facilitated_id: int) -> Group | None:
    return queries.helped(db_session(), the_staff(), facilitated_id)


# --- the groups


@room.page("/staff/groups", allow=policy.HELP, methods=("GET", "POST"), reads=("group",), localised=False)
def helped_groups() -> Any:
    """The groups I lead; and the code of one more, which the group gives."""
    form = HelpForm()
    if request.method == "POST" and form.validate():
        try:
            group_id = _begin(form.code.data or "")
            flash(LEADS_NOW)
            return redirect(url_for("groups.helped", facilitated_id=group_id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template(
        "groups/staff/groups.html", form=form, groups=queries.helped_groups(db_session(), the_staff())
    )
    return page, 422 if form.errors or form.form_errors else 200


def _begin(typed: str) -> int:
    """Raises RuleBroken at `code`. Each wrong code counts as one of another person's record would."""
    if not typed.strip():
        raise RuleBroken(NO_CODE, field="code")
    try:
        code = code_of(typed[:200])
    except BrokenCode as broken:
        raise RuleBroken(broken.message, field="code") from broken
    principal, moment = the_staff(), now()

    def find(session: Any) -> int | None:
        group = queries.find_by_code(session, code=code)
        return group.id if group is not None else None

    group_id = naming.counted(
        find,
        principal=principal,
        address=request.remote_addr,
        now=moment,
        field="code",
        unknown=UNKNOWN_GROUP,
    )
    session = db_session()
    group = queries.group_to_change(session, group_id)
    if group is None:
        raise RuleBroken(CHANGED_ALREADY, field="code")  # ended meanwhile
    if not services.begin_help(session, principal=principal, group=group, now=moment):
        raise RuleBroken(HELP_ENDED, field="code")
    return group_id


@room.page(ONE, allow=policy.HELP, load=_helped, reads=("group",), localised=False)
def helped(group: Group) -> Any:
    """What the group has in common, as it sees it: the next step, the line, its notes; its papers and its bookings."""
    session = db_session()
    found = queries.together(session, group, today=clock.today())
    page = render_template(
        "groups/staff/group.html",
        group=group,
        together=found,
        catalogue=found.catalogue,
        step=found.catalogue.steps.get(found.line.following or ""),
        map=line_of(found.line.done, found.line.following, found.line.later, rtl=False),
        notes=queries.notes_of(group),
        bookings=queries.bookings_of(session, group.id),
        languages=i18n.released(),
        form=BaseForm(),
        is_just_made=is_just_made,
        **words_for_pages(),
    )
    note_use(group)
    return page


@room.page(f"{ONE}/stop", allow=policy.HELP, load=_helped, methods=("POST",), localised=False)
def stop_help(group: Group) -> Any:
    """I lead it no more."""
    services.stop_help(db_session(), principal=the_staff(), group_id=group.id, now=now())
    flash(LEADS_NO_MORE)
    return redirect(url_for("groups.helped_groups"), 303)


# --- its papers, in each language


def _language() -> i18n.Language:
    return i18n.language_for(request.args.get("tongue"))


@room.page(f"{ONE}/print", allow=policy.HELP, load=_helped, reads=("group", "code"), localised=False)
def help_print(group: Group) -> Any:
    """The handout as a page: the accessible version, and the one to print where no PDF can be made."""
    language = _language()
    with i18n.speaking(language):
        sheet = build_sheet(group)
        return render_template("groups/staff/print.html", group=group, h=sheet, sheet_language=language)


def _pdf(group: Group, draw: Callable[[GroupSheet], str], name: str) -> Any:
    language, number = _language(), group.id
    with i18n.speaking(language):
        html = draw(build_sheet(group))
    back = url_for("groups.help_print", facilitated_id=number, tongue=language.slug)
    return pdf_answer(html, name=name, print_page=back)


@room.page(f"{ONE}/handout.pdf", allow=policy.HELP, load=_helped, reads=("group", "code"), localised=False)
def help_handout(group: Group) -> Any:
    """One sheet for everybody in the group."""
    return _pdf(group, handout_html, "group.pdf")


@room.page(f"{ONE}/poster.pdf", allow=policy.HELP, load=_helped, reads=("group", "code"), localised=False)
def help_poster(group: Group) -> Any:
    """A poster for the wall."""
    return _pdf(group, poster_html, "poster.pdf")


@room.page(f"{ONE}/list.pdf", allow=policy.HELP, load=_helped, reads=("group", "code"), localised=False)
def help_list(group: Group) -> Any:
    """The paper list, for people who join by a tick."""
    return _pdf(group, list_html, "list.pdf")


# --- training for all of it


@room.page(
    f"{ONE}/book", allow=policy.HELP, load=_helped, methods=("GET", "POST"), reads=("group",), localised=False
)
def help_book(group: Group) -> Any:
    """Choose a session, then book so many places: the group stays together, booked or on the waiting list."""
    session, principal, moment, number = db_session(), the_staff(), now(), group.id
    training = training_queries.bookable(session, number_of(request.args.get("session", "")), moment)
    dates = (
        [date for date in training.occurrences if date.status == "on" and date.starts_at > moment]
        if training
        else []
    )
    form = GroupBookingForm(dates=[(date.id, english_line(date)) for date in dates])
    # The refusal names what this session takes, as the hint above the box does.
    form.places.most = most = min(training.party_size, rules.PLACES_AT_MOST) if training else 0
    text = one_line(request.args.get("text", "")[:80])
    if request.method == "GET":
        form.form_key.data = secrets.token_urlsafe(16)
    elif training is not None and form.validate():
        try:
            booking = bookings.book(session, training=training, wanted=_wanted(form, number), now=moment)
            record_act(session, principal, action="book for a group", items=("group",), now=moment)
            flash(BOOKED[booking.status])
            return redirect(url_for("groups.help_booked", facilitated_id=number, booking_id=booking.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    find = staff_forms.FindForm()
    find.text.data = text
    lines = [] if training else training_queries.bookable_sessions(session, text, moment)
    sessions = [training] if training else [line.training for line in lines]
    to_come = public.dates_of(session, [one.id for one in sessions], now=moment)
    left = {one.id: rules.PLACES_LEFT[public.left_of(one, to_come[one.id])] for one in sessions}
    page = render_template(
        "groups/staff/book.html", form=form, group_id=number, name=group.name, training=training, found=lines, find=find,
        dates=[english_line(date) for date in dates], left=left, wording=rules.WORDINGS[rules.WORDING],
        most=most, **words_for_pages(),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _wanted(form: GroupBookingForm, group_id: int) -> bookings.Wanted:
    principal = the_staff()
    return bookings.Wanted(
        form_key=f"{principal.staff_id} {(form.form_key.data or '')[:40]}", language=form.language.data,
        places=form.places.count, companions=form.companions.count, occurrence_ids=form.date.data or (),
        booked_for="group", label=form.label.data or None, age_band=form.age_band.data or None,
        needs=form.access_needs(), contact_kind=form.contact_kind.data, contact=form.read_contact(),
        contact_of=form.contact_of.data, contact_name=form.contact_name.data or None,
        is_discreet=bool(form.is_discreet.data), consent_how="spoken", waiting_mode=form.waiting_mode.data,
        group_id=group_id, staff_id=principal.staff_id, organisation_id=principal.organisation_id,
    )  # fmt: skip


@dataclass(frozen=True)
class JustBooked:
    """A booking, under the number of its group: that is what the right is asked for."""

    id: int
    booking: Booking


def _just_booked(facilitated_id: int, booking_id: int) -> JustBooked | None:
    if _helped(facilitated_id) is None:
        return None
    booking = db_session().get(Booking, booking_id)
    if booking is None or booking.group_id != facilitated_id or not is_just_made(booking):
        return None
    return JustBooked(facilitated_id, booking)


@room.page(f"{ONE}/booked/<int(max=999999999):booking_id>", allow=policy.HELP, load=_just_booked, reads=("code",),
           localised=False)  # fmt: skip
def help_booked(just: JustBooked) -> Any:
    """The code of a new booking and its slip, to give to the group before it goes."""
    booking = just.booking
    return render_template(
        "groups/staff/booked.html",
        group_id=just.id,
        booking=booking,
        code=show_code(booking.code),
        code_words=" ".join(code_to_words(booking.code)),
        theirs={"code": booking.code, "language": i18n.language_for(booking.language).slug},
        booking_states=training_words.BOOKING_STATES,
        **words_for_pages(),
    )
