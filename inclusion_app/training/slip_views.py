"""The slip of a booking: as a PDF, and as an equal page to print from a kiosk."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from babel.dates import format_date
from flask import render_template, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, paper
from inclusion_app.core.access import ANYONE
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import pdf_answer, whole_address
from inclusion_app.core.paper_parts import Pair, pair, qr_square
from inclusion_app.places import drawing
from inclusion_app.places.on_paper import drawn_map, printed_today
from inclusion_app.places.queries import city_sheet
from inclusion_app.training import wording
from inclusion_app.training.models import Booking
from inclusion_app.training.opened import booking_of, note_reader
from inclusion_app.training.rules import young_words
from inclusion_app.training.slip import CALL, HAPPENS, HAPPENS_ONLINE, ON_SCREEN, WORDS, Slip, SlipDate
from inclusion_app.training.views import room


@room.page("/book/<code>/print", allow=ANYONE, load=booking_of, reads=("booking",))
def print_slip(booking: Booking) -> Any:
    """The slip as a web page: the accessible version, and the one for a kiosk's printer."""
    note_reader(booking)
    return render_template("training/print.html", sheet=build_slip(booking), booking=booking)


@room.page("/book/<code>/slip.pdf", allow=ANYONE, load=booking_of, reads=("booking",))
def slip(booking: Booking) -> Any:
    """The slip as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    note_reader(booking)
    print_page = url_for("training.print_slip", code=booking.code)
    return pdf_answer(slip_html(build_slip(booking)), name="slip.pdf", print_page=print_page)


@i18n.one_language()
def slip_html(sheet: Slip) -> str:
    """The finished page the paper service draws."""
    return render_template(
        "pdf/slip.html", sheet=sheet, paper_style=paper.style_sheet("paper.css", "papersheets.css")
    )


@i18n.one_language()
def build_slip(booking: Booking) -> Slip:
    """All that the slip prints, in the reader's language and in English."""
    language, training = i18n.current_language(), booking.session
    words = {name: pair(_, text) for name, text in WORDS.items()}
    own, english = wording.course_words(training.course), wording.course_words(training.course, i18n.ENGLISH)
    coming = sorted(
        (date.occurrence for date in booking.dates if date.status == "on" and date.occurrence.status == "on"),
        key=lambda date: date.starts_at,
    )
    place = next((date.place for date in coming if date.place), None) or training.place
    address = whole_address(url_for("training.booking", code=booking.code))
    city = city_sheet(db_session()) if place else None
    drawn = drawing.close_up(city, place, None) if city and place else None
    return Slip(
        lang=language.tag,
        dir=language.dir,
        words=words,
        printed_on=printed_today(),
        address=address,
        qr=qr_square(address, words["code"].own),
        heading=pair(_, wording.how_it_stands(booking)),
        title=Pair(own.title, english.title),
        dates=tuple(_date(date.day, date.begins, date.ends) for date in coming),
        place=place.name if place else "",
        address_line=", ".join(part for part in (place.address, place.postcode) if part) if place else "",
        room=next((date.room for date in coming if date.room), "") or training.room,
        online=training.is_online,
        bring=Pair(own.bring, english.bring) if own.bring else None,
        happens=tuple(pair(_, sentence) for sentence in (HAPPENS_ONLINE if training.is_online else HAPPENS)),
        phone=training.phone,
        call=pair(_, CALL) if training.phone else None,
        on_screen=pair(_, ON_SCREEN),
        young=_young(booking) if young_words(booking.age_band) else None,
        drawing=drawn_map(drawn) if drawn else None,
        drawing_names=tuple(ward.name for ward in drawn.names) if drawn else (),
        code=show_code(booking.code),
        code_words=" ".join(code_to_words(booking.code)),
    )


def _date(day: date, begins: time, ends: time) -> SlipDate:
    both = Pair(i18n.day_words(day), str(format_date(day, "EEEE d MMMM y", locale="en")))
    return SlipDate(both, f"{i18n.clock_words(begins)}–{i18n.clock_words(ends)}")


def _young(booking: Booking) -> Pair:
    adult = booking.session.responsible_adult
    return pair(_, wording.ALONE, name=adult) if adult else pair(_, wording.WITH_ADULT)
