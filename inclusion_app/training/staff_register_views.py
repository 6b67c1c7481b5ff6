"""The register of a date on a phone, on paper and at a front desk; and the figures it gives the provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select

from inclusion_app.core import attempts, i18n, registry
from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, reading, side_write
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.headers import with_camera
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.words import N_
from inclusion_app.people import naming
from inclusion_app.people import queries as people_queries
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.staff_words import TOO_MANY_TRIES
from inclusion_app.training import policy
from inclusion_app.training.credential_views import NameForm, paper_of, this_issuer
from inclusion_app.training.models import Booking, BookingDate, Credential, Occurrence, WalkIn
from inclusion_app.training.rules import ATTENDANCE, CAME, NEEDS, REGISTER_OPENS
from inclusion_app.training.services import credentials
from inclusion_app.training.services import register as services
from inclusion_app.training.services.register import Mark
from inclusion_app.training.staff_change_views import DATE
from inclusion_app.training.staff_register_forms import (
    NOT_HERE,
    UNKNOWN_BOOKING,
    CodeForm,
    PaperLanguageForm,
    SheetForm,
    WalkInForm,
    whole_number,
)
from inclusion_app.training.staff_register_queries import (
    Line,
    Register,
    booking_by_code,
    register_for,
)
from inclusion_app.training.staff_register_sheet import sheet_html
from inclusion_app.training.views import room

HOW = {
    "screen": N_("on the screen"),
    "scan": N_("by QR"),
    "paper": N_("from the sheet"),
    "desk": N_("at the front desk"),
}
OVERWRITTEN = N_("Somebody else had marked this a moment ago. Your mark counts now.")
NOBODY_CAME = N_("Only who came can have a certificate.")
NO_BUTTON = N_("Choose one of the buttons on this page.")


def _load(occurrence_id: int) -> Register | None:
    return register_for(db_session(), the_staff(), occurrence_id)


@room.page(
    f"{DATE}/register", allow=policy.RUN, load=_load, methods=("GET", "POST"), reads=("register",), localised=False
)  # fmt: skip
def register(found: Register) -> Any:
    """Who came: big buttons for each booking, a code by camera or typed, walk-ins, and the end of the register."""
    code, walk_in = CodeForm(formdata=None), WalkInForm(formdata=None)
    wrong: Any = code
    if request.method == "POST":
        do = request.form.get("do", "")
        if do == "scan":
            code = wrong = CodeForm()
        elif do in {"walk_attended", "walk_part"}:
            walk_in = wrong = WalkInForm()
        try:
            return _press(found, do, code, walk_in)
        except RuleBroken as broken:
            wrong.refuse(broken)
            db_session().rollback()
            found = _again(found)
    page = render_template(
        "training/staff/register.html", r=found, form=wrong, code=code, walk_in=walk_in,
        title=found.training.course.title_in(), attendance=ATTENDANCE, came=CAME, needs=NEEDS, how=HOW,
        flagged=people_queries.flagged_by(db_session(), (line.booking.resident_id for line in found.lines)),
        is_open=_is_open(found, now()), begun=found.date.starts_at <= now(),
    )  # fmt: skip
    return with_camera(page, 422 if wrong.errors or wrong.form_errors else 200)


def _again(found: Register) -> Register:
    """The register as it stands after a refusal took back what this request had begun."""
    fresh = _load(found.date.id)
    if fresh is None:
        raise RuleBroken(services.NOT_IN_REGISTER)
    return fresh


def _is_open(found: Register, moment: datetime) -> bool:
    return (
        found.date.status == "on"
        and found.date.closed_at is None
        and found.date.starts_at - REGISTER_OPENS <= moment
    )


def _press(found: Register, do: str, code: CodeForm, walk_in: WalkInForm) -> Any:
    number, principal, moment = found.date.id, the_staff(), now()
    at = "register"
    if do == "scan":
        line = found.line_of_code(code.read())
        if line is None:
            raise RuleBroken(NOT_HERE, field="code")
        how = "scan" if request.form.get("how") == "scan" else "screen"
        services.mark(
            db_session(), principal=principal, booking=line.booking, occurrence_id=number,
            mark=Mark("attended", how=how), now=moment,
        )  # fmt: skip
        at = f"b{line.booking.id}"
    elif do in {"walk_attended", "walk_part"}:
        _walk_in(found, do.removeprefix("walk_"), walk_in, moment)
        at = "walk-ins"
    elif do == "walk_out":
        row = _walk_in_of(found, number_of(request.form.get("walk_in")))
        services.remove_walk_in(db_session(), principal=principal, walk_in=row, now=moment)
        at = "walk-ins"
    elif do == "close":
        if services.close(db_session(), principal=principal, occurrence_id=number, now=moment):
            flash(N_("The register is finished. Who was not marked did not come."))
    elif do == "reopen":
        if services.reopen(db_session(), principal=principal, occurrence_id=number, now=moment):
            flash(N_("The register is open again."))
    elif do in ATTENDANCE or do == "undo":
        at = f"b{_mark(found, do, moment)}"
    else:
        raise RuleBroken(NO_BUTTON)
    return redirect(url_for("training.register", occurrence_id=number, _anchor=at), 303)


def _mark(found: Register, do: str, moment: datetime) -> int:
    line = found.line_of(number_of(request.form.get("booking")))
    if line is None:
        raise RuleBroken(services.NOT_IN_REGISTER)
    booking = line.booking
    stood = line.date.attendance or ""
    if do == "undo":
        services.unmark(
            db_session(), principal=the_staff(), booking=booking, occurrence_id=found.date.id, now=moment
        )
    else:
        came = whole_number(request.form.get("came")) if do in CAME else None
        services.mark(
            db_session(), principal=the_staff(), booking=booking, occurrence_id=found.date.id,
            mark=Mark(do, came), now=moment,
        )  # fmt: skip
    if request.form.get("seen", stood) != stood:
        flash(OVERWRITTEN)
    return booking.id


def _walk_in(found: Register, attendance: str, form: WalkInForm, moment: datetime) -> None:
    label = form.read_label()
    resident_id = None
    if (form.person.data or "").strip():
        resident_id = naming.number_of(
            form.person.data or "", principal=the_staff(), address=request.remote_addr, now=moment, by_number=False
        )  # fmt: skip
    services.add_walk_in(
        db_session(), principal=the_staff(), occurrence_id=found.date.id, mark=Mark(attendance), label=label,
        resident_id=resident_id, form_key=f"{found.date.id} {(form.once.data or '')[:40]}", now=moment,
    )  # fmt: skip


def _walk_in_of(found: Register, number: int) -> WalkIn:
    row = next((one for one in found.walk_ins if one.id == number), None)
    if row is None:
        raise RuleBroken(CHANGED_ALREADY)
    return row


@room.page(
    f"{DATE}/register/sheet", allow=policy.RUN, load=_load, methods=("GET", "POST"), reads=("register",), localised=False
)  # fmt: skip
def register_sheet(found: Register) -> Any:
    """Type in what stands on the printed sheet, all lines at once."""
    form = SheetForm()
    if request.method == "POST":
        try:
            if not form.validate():
                raise RuleBroken(N_("Look at what is marked below."))
            _type_in(found, form)
            flash(N_("The sheet is typed in."))
            return redirect(url_for("training.register", occurrence_id=found.date.id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
            db_session().rollback()
            found = _again(found)
    page = render_template(
        "training/staff/register_sheet.html", r=found, form=form, title=found.training.course.title_in(),
        attendance=ATTENDANCE, typed=request.form, is_open=_is_open(found, now()),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _type_in(found: Register, form: SheetForm) -> None:
    session, principal, moment = db_session(), the_staff(), now()
    happened = form.happened_at(found.date.starts_at, found.date.day)
    walk_ins = form.read_walk_ins()
    for line in found.lines:
        written = request.form.get(f"mark-{line.booking.id}", "")
        if written:
            came = whole_number(request.form.get(f"came-{line.booking.id}"))
            services.mark(
                session, principal=principal, booking=line.booking, occurrence_id=found.date.id,
                mark=Mark(written, came, how="paper", happened_at=happened), now=moment,
            )  # fmt: skip
    for number in range(walk_ins):
        services.add_walk_in(
            session, principal=principal, occurrence_id=found.date.id,
            mark=Mark("attended", how="paper", happened_at=happened), label=None, resident_id=None,
            form_key=f"{found.date.id} {(form.once.data or '')[:40]} {number}", now=moment,
        )  # fmt: skip


@room.page(f"{DATE}/register.pdf", allow=policy.RUN, load=_load, reads=("register",), localised=False)
def register_pdf(found: Register) -> Any:
    """The sheet to print: number, what they are called, boxes to tick. No way to reach anybody stands on it."""
    print_page = url_for("training.register", occurrence_id=found.date.id)
    return pdf_answer(sheet_html(found), name="register.pdf", print_page=print_page)


# --- a certificate on the day


@dataclass(frozen=True)
class Came:
    """Somebody of a register who came: a line of it, or a walk-in."""

    line: Line | None
    walk_in: WalkIn | None

    @property
    def of(self) -> dict[str, int]:
        """What the address says of whom it is."""
        return (
            {"walk_in": self.walk_in.id}
            if self.walk_in
            else {"booking": self.line.booking.id if self.line else 0}
        )

    @property
    def label(self) -> str:
        """What they wish to be called; it may be empty."""
        return (self.walk_in.label if self.walk_in else self.line.booking.label if self.line else None) or ""

    @property
    def resident_id(self) -> int | None:
        """Whose plan it counts for."""
        return (
            self.walk_in.resident_id if self.walk_in else self.line.booking.resident_id if self.line else None
        )

    @property
    def language(self) -> str:
        """The language they read."""
        return i18n.language_for(self.line.booking.language if self.line else None).slug


class PrintForm(PaperLanguageForm, NameForm):
    """A name for one print, and the language beside English."""


def _who_came(found: Register) -> Came | None:
    number = number_of(request.args.get("walk_in", ""))
    walk_in = next((one for one in found.walk_ins if one.id == number), None)
    line = None if walk_in else found.line_of(number_of(request.args.get("booking", "")))
    if walk_in is None and (line is None or line.date.attendance not in CAME):
        return None
    return Came(line, walk_in)


@room.page(
    f"{DATE}/certificate", allow=policy.RUN, load=_load, methods=("GET", "POST"), reads=("attendance",), localised=False
)  # fmt: skip
def register_certificate(found: Register) -> Any:
    """Somebody who came takes their certificate home: made by one button, then printed with the name they say now."""
    came = _who_came(found)
    if came is None:
        flash(NOBODY_CAME)
        return redirect(url_for("training.register", occurrence_id=found.date.id), 303)
    session, form, here = db_session(), PrintForm(), request.full_path
    own = (
        Credential.walk_in_id == came.walk_in.id
        if came.walk_in
        else Credential.booking_id == came.of["booking"]
    )
    made = session.scalar(select(Credential).where(own))
    if request.method == "GET":
        form.language.data = came.language
    else:
        try:
            if request.form.get("do") == "make":
                _certify(came)
                return redirect(here, 303)
            if made is not None and form.validate():
                return _print(found, came, made, form, here)
        except RuleBroken as broken:
            form.refuse(broken)
            session.rollback()
    if came.resident_id is not None:
        shows_person(came.resident_id, "attendance")
    page = render_template(
        "training/staff/register_certificate.html", r=found, form=form, label=came.label, made=made,
        title=found.training.course.title_in(), here=here,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _certify(came: Came) -> None:
    session, issuer, moment = db_session(), this_issuer(), now()
    if came.walk_in is not None:
        credentials.certify_walk_in(session, walk_in_id=came.walk_in.id, issuer=issuer, now=moment)
    elif came.line is not None:
        credentials.certify_booking(session, booking=came.line.booking, issuer=issuer, now=moment)
    record_act(
        session, the_staff(), action="make certificate", resident_id=came.resident_id, items=("attendance",), now=moment
    )  # fmt: skip


def _print(found: Register, came: Came, made: Credential, form: PrintForm, here: str) -> Any:
    name = form.read()
    if came.resident_id is not None:
        shows_person(came.resident_id, "attendance")
    dates = came.line.booking.dates if came.line is not None else ()
    days = [day.occurrence.day for day in dates if day.attendance in CAME] or [found.date.day]
    with i18n.speaking(i18n.LANGUAGES[form.language.data]):
        html = paper_of(made, found.training, days, name=name)
    return pdf_answer(html, name="certificate.pdf", print_page=here)


# --- with the person present, by the code of the booking


@room.page(
    "/staff/training/mark", allow=policy.MARK, methods=("GET", "POST"), reads=("booking",), localised=False
)
def mark_by_code() -> Any:
    """A front desk: somebody shows the code of a booking, and is marked. Nothing can be searched for here."""
    form = CodeForm()
    booking: Booking | None = None
    date: Occurrence | None = None
    if request.method == "POST":
        try:
            code = form.read()
            booking, date = _shown(code)
            do = request.form.get("do", "look")
            if do in CAME or do == "undo":
                return _mark_at_desk(booking, date, do)
        except RuleBroken as broken:
            form.refuse(broken)
            db_session().rollback()
            booking = date = None
    if booking is not None:
        # This form was sent, so its row goes with the answer; the empty page shows nobody and writes none.
        record_act(
            db_session(), the_staff(), action="read training.mark_by_code", resident_id=booking.resident_id,
            items=("booking",), now=now(),
        )  # fmt: skip
    page = render_template(
        "training/staff/register_mark.html", form=form, booking=booking, date=date, attendance=ATTENDANCE,
        stands=_date_of(booking, date), title=booking.session.course.title_in() if booking else "",
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _date_of(booking: Booking | None, date: Occurrence | None) -> BookingDate | None:
    dates = booking.dates if booking is not None and date is not None else ()
    return next((one for one in dates if date is not None and one.occurrence_id == date.id), None)


def _shown(code: str) -> tuple[Booking, Occurrence]:
    """The booking and its date. Tries count for the person and the network, as where residents are named. Raises RuleBroken."""
    moment = now()
    limits = {
        keyed_hash("attempt-naming", str(the_staff().staff_id)): naming.BY_STAFF,
        keyed_hash("attempt-naming-network", attempts.network_of(request.remote_addr)): naming.BY_NETWORK,
    }
    with side_write() as session:
        free = all(
            attempts.claim(session, key_hash=key, limit=limit, now=moment) for key, limit in limits.items()
        )
    if not free:
        raise RuleBroken(TOO_MANY_TRIES, field="code")
    with reading() as session:
        known = booking_by_code(session, the_staff(), code, now=moment) is not None
    if not known:
        raise RuleBroken(UNKNOWN_BOOKING, field="code")
    with side_write() as session:
        for key, limit in limits.items():
            attempts.give_back(session, key_hash=key, limit=limit, now=moment)
    found = booking_by_code(db_session(), the_staff(), code, now=moment)
    if found is None:
        raise RuleBroken(UNKNOWN_BOOKING, field="code")
    return found


def _mark_at_desk(booking: Booking, date: Occurrence, do: str) -> Any:
    moment = now()
    if do == "undo":
        services.unmark(
            db_session(), principal=the_staff(), booking=booking, occurrence_id=date.id, now=moment
        )
        flash(N_("The mark is taken back."))
    else:
        came = whole_number(request.form.get("came"))
        services.mark(
            db_session(), principal=the_staff(), booking=booking, occurrence_id=date.id,
            mark=Mark(do, came, how="desk"), now=moment,
        )  # fmt: skip
        flash(N_("Written down. The next person can show their code."))
    return redirect(url_for("training.mark_by_code"), 303)


registry.add_to_menu(registry.StaffLink("training.mark_by_code", N_("Who came, by code"), policy.MARK, 12))
