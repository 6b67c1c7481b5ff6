"""The slip of a booking: as a PDF, and as an equal page to print from a kiosk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, paper
from inclusion_app.core.access import ANYONE
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import pdf_answer, whole_address
from inclusion_app.core.paper_parts import Pair, Paper, pair, qr_square
from inclusion_app.places import drawing
from inclusion_app.places.on_paper import drawn_map, english_day, printed_today
from inclusion_app.places.queries import city_sheet
from inclusion_app.training import wording
from inclusion_app.training.models import Booking, Occurrence, TrainingSession
from inclusion_app.training.opened import booking_of, note_reader
from inclusion_app.training.rules import HELPED, WHAT_NEXT, young_words
from inclusion_app.training.slip import (
    ASKED_WITH,
    ASKED_WITH_IN_TWO,
    AT_A_LIBRARY,
    CALL,
    HAPPENS,
    HAPPENS_ONLINE,
    HELPED_ASKED,
    KEPT_UNTIL,
    NEXT_ASKED,
    ON_SCREEN,
    OPEN,
    QUESTIONS_ON_A_SIDE,
    SHOW_IT,
    TICK,
    WORDS,
    Slip,
    SlipDate,
)
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
def questions_html(training: TrainingSession) -> str:
    """The one question several times on a side: for who has no slip, or one with too many dates to ask it there."""
    language, course = i18n.current_language(), training.course
    sheet = Paper(
        lang=language.tag, dir=language.dir, words={name: pair(_, WORDS[name]) for name in ("tear", "free")},
        printed_on=printed_today(),
    )  # fmt: skip
    return render_template(
        "pdf/questions.html", paper=sheet, asked=_asked(), title=Pair(course.title_in(language.slug), course.title_in()),
        copies=range(QUESTIONS_ON_A_SIDE),
        paper_style=paper.style_sheet("paper.css", "papersheets.css"),
    )  # fmt: skip


@i18n.one_language()
def build_slip(booking: Booking) -> Slip:
    """All that the slip prints, in the reader's language and in English."""
    language, training = i18n.current_language(), booking.session
    words = {name: pair(_, text) for name, text in WORDS.items()}
    own, english = wording.course_words(training.course), wording.course_words(training.course, i18n.ENGLISH)
    coming = sorted((date.occurrence for date in booking.dates_on), key=lambda date: date.starts_at)
    places = wording.places_of(training, coming)
    place, room = places[0] if places else (None, "")
    ended = booking.status in {"cancelled", "session_cancelled"}
    address = whole_address(url_for("training.booking", code=booking.code))
    city = city_sheet(db_session()) if place else None
    drawn = drawing.close_up(city, place, None) if city and place else None
    asked_with = ASKED_WITH if language.slug == "en" else ASKED_WITH_IN_TWO
    return Slip(
        lang=language.tag,
        dir=language.dir,
        words=words,
        printed_on=printed_today(),
        address=address,
        qr=qr_square(address, words["code"].own),
        heading=pair(_, wording.how_it_stands(booking)),
        title=Pair(own.title, english.title),
        dates=() if ended else tuple(_date(date, says_where=len(places) > 1) for date in coming),
        others=tuple(f"{other.name} ({inside})" if inside else other.name for other, inside in places[1:]),
        people=_people(booking.places, words["people"]) if booking.places > 1 else None,
        place=place.name if place else "",
        address_line=", ".join(part for part in (place.address, place.postcode) if part) if place else "",
        room=room,
        online=training.is_online,
        bring=Pair(own.bring, english.bring) if own.bring else None,
        warning=pair(_, WARNINGS[booking.status]) if booking.status in WARNINGS else None,
        happens=_what_happens(booking),
        bad=not ended,
        phone=training.phone,
        call=pair(_, CALL) if training.phone else None,
        on_screen=pair(_, ON_SCREEN if training.phone else OPEN),
        at_a_library=pair(_, AT_A_LIBRARY),
        code_opens=pair(_, SHOW_IT if booking.status == "booked" else wording.CODE_OPENS),
        asked=_asked() if booking.status == "booked" and len(coming) <= asked_with else (),
        young=_young(booking) if young_words(booking.age_band) else None,
        drawing=drawn_map(drawn) if drawn else None,
        drawing_names=tuple(ward.name for ward in drawn.names) if drawn else (),
        code=show_code(booking.code),
        code_words=" ".join(code_to_words(booking.code)),
    )


def _asked() -> tuple[tuple[Pair, Pair], ...]:
    """The one question, with what may be ticked."""
    return ((pair(_, HELPED_ASKED), _ticks(HELPED)), (pair(_, NEXT_ASKED), _ticks(WHAT_NEXT)))


def _ticks(answers: Mapping[str, str]) -> Pair:
    """What may be ticked, on one line where there is room."""
    both = [pair(_, words) for words in answers.values()]
    return Pair(
        " \u00a0 ".join(TICK + one.own for one in both), " \u00a0 ".join(TICK + one.en for one in both)
    )


WARNINGS = {
    "waitlisted": wording.NOT_YET,
    "offered": wording.YES_FIRST,
    "requested": wording.NO_DATE,
    "cancelled": wording.DO_NOT_TRAVEL,
    "session_cancelled": wording.DO_NOT_TRAVEL,
}


def _what_happens(booking: Booking) -> tuple[Pair, ...]:
    """What to expect. Who has no place reads how to hear of one, for paper is carried away and read at home."""
    if booking.status == "booked":
        return tuple(pair(_, said) for said in (HAPPENS_ONLINE if booking.session.is_online else HAPPENS))
    if booking.status in {"cancelled", "session_cancelled"}:
        return ()
    kept = (
        (_kept_until(booking.offer_ends_at),) if booking.status == "offered" and booking.offer_ends_at else ()
    )
    return (*kept, pair(_, wording.NEWS))


def _kept_until(moment: datetime) -> Pair:
    wall = i18n.local(moment)
    english = f"{english_day(wall.date())}, {i18n.clock_words(wall.time())}"
    return Pair(_(KEPT_UNTIL, until=wording.until_words(moment)), KEPT_UNTIL % {"until": english})


def _people(number: int, words: Pair) -> Pair:
    return Pair(f"{words.own} {number}", f"{words.en} {number}")


def _date(occurrence: Occurrence, *, says_where: bool) -> SlipDate:
    day = occurrence.day
    both = Pair(i18n.day_words(day), english_day(day))
    place, room = occurrence.where if says_where else (None, "")
    where = f"{place.name} ({room})" if place and room else place.name if place else ""
    return SlipDate(both, f"{i18n.clock_words(occurrence.begins)}–{i18n.clock_words(occurrence.ends)}", where)


def _young(booking: Booking) -> Pair:
    adult = booking.session.responsible_adult
    return pair(_, wording.ALONE, name=adult) if adult else pair(_, wording.WITH_ADULT)
