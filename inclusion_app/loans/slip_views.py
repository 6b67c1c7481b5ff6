"""The paper of a request or a loan, in its own language beside English: as a PDF, and as an equal page to print."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, paper
from inclusion_app.core.access import ANYONE
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import pdf_answer, whole_address
from inclusion_app.core.paper_parts import Pair, pair, qr_square, with_day
from inclusion_app.loans import queries, wording
from inclusion_app.loans.models import LoanRequest
from inclusion_app.loans.opened import note_reader, page_of, request_of
from inclusion_app.loans.services import offers
from inclusion_app.loans.slip import (
    AT_A_LIBRARY,
    BACK_BY,
    BROUGHT,
    CALL,
    FETCH,
    KEPT_UNTIL,
    LOOK,
    NO_DEBT,
    OPENS,
    WORDS,
    LoanSlip,
)
from inclusion_app.loans.views import room
from inclusion_app.places.models import Place
from inclusion_app.places.on_paper import english_day, printed_today


@room.page("/loans/<code>/print", allow=ANYONE, load=request_of, reads=("loan",))
def print_slip(asked: LoanRequest) -> Any:
    """The slip as a web page: the accessible version, and the one for a kiosk's printer."""
    note_reader(asked)
    return render_template("loans/print.html", sheet=build_slip(asked), asked=asked)


@room.page("/loans/<code>/slip.pdf", allow=ANYONE, load=request_of, reads=("loan",))
def slip(asked: LoanRequest) -> Any:
    """The slip as a tagged PDF. When the paper service is full the print page is offered, with 503."""
    note_reader(asked)
    print_page = url_for("loans.print_slip", code=asked.code)
    return pdf_answer(slip_html(build_slip(asked)), name="slip.pdf", print_page=print_page)


@i18n.one_language()
def slip_html(sheet: LoanSlip) -> str:
    """The finished page the paper service draws."""
    return render_template(
        "pdf/loan_slip.html", sheet=sheet, paper_style=paper.style_sheet("paper.css", "papersheets.css")
    )


@i18n.one_language()
def build_slip(asked: LoanRequest) -> LoanSlip:
    """All that the slip prints, in the reader's language and in English."""
    language, session = i18n.current_language(), db_session()
    words = {name: pair(_, text) for name, text in WORDS.items()}
    loan, offer = queries.loan_of(session, asked), offers.live_offer(session, asked.id)
    said: list[Pair] = []
    number = asked.place_id
    if loan is not None and loan.status == "active":
        said += [_on_day(BACK_BY, loan.due_on), pair(_, NO_DEBT)]
        number = loan.place_id
    elif offer is not None:
        said += [_at("when", FETCH, offer.slot_at)] if offer.slot_at else []
        if offer.address is None:
            said.append(_at("until", KEPT_UNTIL, offer.ends_at))
            number = offer.slot_place_id or number
        else:
            said.append(pair(_, BROUGHT))
            number = None
    elif asked.status in wording.NEXT:
        said.append(pair(_, wording.NEXT[asked.status]))
    said.append(pair(_, LOOK))
    place = session.get(Place, number) if number else None
    address = whole_address(page_of(asked))
    is_kept = offer is not None and offer.state == "accepted"
    return LoanSlip(
        lang=language.tag,
        dir=language.dir,
        words=words,
        printed_on=printed_today(),
        address=address,
        qr=qr_square(address, words["code"].own),
        heading=pair(_, wording.how_it_stands(asked, loan, is_kept=is_kept)),
        title=Pair(
            wording.model_words(asked.model).title, wording.model_words(asked.model, i18n.ENGLISH).title
        ),
        said=tuple(said),
        place=place.name if place else "",
        address_line=", ".join(part for part in (place.address, place.postcode) if part) if place else "",
        phone=asked.scheme.phone,
        call=pair(_, CALL),
        at_a_library=pair(_, AT_A_LIBRARY),
        code_opens=pair(_, OPENS),
        code=show_code(asked.code),
        code_words=" ".join(code_to_words(asked.code)),
    )


def _on_day(text: str, day: date) -> Pair:
    return with_day(_, text, i18n.day_words(day), english_day(day))


def _at(name: str, text: str, moment: datetime) -> Pair:
    wall = i18n.local(moment)
    english = f"{english_day(wall.date())}, {i18n.clock_words(wall.time())}"
    return Pair(_(text, **{name: wording.until_words(moment)}), text % {name: english})
