"""The paper of a request or a loan, in its own language beside English: as a PDF, and as an equal page to print."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, paper
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import pdf_answer, whole_address
from inclusion_app.core.paper_parts import Pair, pair, qr_square, with_day
from inclusion_app.loans import queries, rules, wording
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest
from inclusion_app.loans.opened import note_reader, page_of, request_of
from inclusion_app.loans.services import fetching, offers, queue, renewals, sims, telling
from inclusion_app.loans.slip import (
    AT_A_LIBRARY,
    BACK_BY,
    CALL,
    CALL_FIRST,
    COME_OR_CALL,
    DATA_UNTIL,
    FETCH,
    KEPT_UNTIL,
    LONGER,
    LOOK,
    NO_DEBT,
    NO_PAPERS,
    OPENS,
    PAY_NOTHING,
    SAY_WHERE,
    SAY_YES,
    WE_BRING_IT,
    WITH_PARTS,
    WORDS,
    LoanSlip,
)
from inclusion_app.loans.views import room
from inclusion_app.places.models import Place
from inclusion_app.places.on_paper import english_day, printed_today

RETURN_PLACES = 3  # so many stand on the slip


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
    moment = now()
    said, numbers = _said(asked, loan, offer, moment)
    said.append(pair(_, LOOK))
    places = [place for number in numbers if (place := session.get(Place, number))]
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
        places=tuple(
            (place.name, ", ".join(part for part in (place.address, place.postcode) if part))
            for place in places
        ),
        phone=asked.scheme.phone,
        call=pair(_, CALL),
        at_a_library=pair(_, AT_A_LIBRARY),
        code_opens=pair(_, OPENS),
        code=show_code(asked.code),
        code_words=" ".join(code_to_words(asked.code)),
    )


def _said(
    asked: LoanRequest, loan: Loan | None, offer: LoanOffer | None, moment: datetime
) -> tuple[list[Pair], list[int]]:
    """All that its page says of how it stands, for who never opens it; and the places that stand on the slip."""
    if loan is not None and loan.status == "active":
        return _of_loan(asked, loan, moment), _return_places(asked, loan)
    if loan is not None:
        said = [pair(_, NO_DEBT if loan.status == "lost" else PAY_NOTHING)]
        return said, [asked.place_id] if asked.place_id else []
    said, number = _of_offer(offer, moment) if offer is not None else (_of_request(asked, moment), None)
    has_way = telling.own_way(db_session(), asked, moment).route is not None
    said += [pair(_, words) for words in wording.next_words(asked, has_way=has_way)]
    if asked.status in rules.LIVE:
        said.append(pair(_, PAY_NOTHING))
    is_brought = offer is not None and offer.address is not None
    where = None if is_brought else number or asked.place_id
    return said, [where] if where else []


def _return_places(asked: LoanRequest, loan: Loan) -> list[int]:
    """Where it can be brought: where it was fetched first, then other places of the scheme, as many as fit."""
    others = queries.places_of(db_session(), [asked.organisation_id], most=RETURN_PLACES)
    numbers = [loan.place_id, *(near.place.id for near in others)]
    return list(dict.fromkeys(number for number in numbers if number))[:RETURN_PLACES]


def _of_request(asked: LoanRequest, moment: datetime) -> list[Pair]:
    """What is asked, why not and where else, or where they stand. Reasons of a person are on no paper."""
    if asked.status == "queued":
        place = queue.place_of(db_session(), asked, moment)
        own = wording.queue_words(place, shows_reasons=False)
        with i18n.speaking(i18n.ENGLISH):
            english = wording.queue_words(place, shows_reasons=False)
        return [Pair(mine, theirs) for mine, theirs in zip(own, english, strict=True)]
    if asked.status == "need_info" and asked.reason in rules.QUESTIONS:
        return [pair(_, rules.QUESTIONS[asked.reason])]
    if asked.status == "declined" and asked.reason in rules.DECLINED:
        ways = (rules.WAYS_ON[way] for way in rules.WAYS_ON_FROM[asked.reason])
        return [pair(_, words) for words in (rules.DECLINED[asked.reason], *ways)]
    return []


def _of_offer(offer: LoanOffer, moment: datetime) -> tuple[list[Pair], int | None]:
    """Until when it is kept, and how somebody says yes or comes for it without a screen."""
    number = fetching.fetched_at(offer.request, offer)
    if offer.address is not None:
        return [pair(_, WE_BRING_IT)], number
    if offer.ends_at <= moment:
        return [pair(_, wording.TOO_LATE), pair(_, COME_OR_CALL)], number
    kept = _at("until", KEPT_UNTIL, offer.ends_at)
    if offer.state == "open":
        return [kept, pair(_, SAY_YES)], number
    if fetching.has_to_say_where(offer.request, offer):
        return [pair(_, SAY_WHERE), kept], None
    when = _at("when", FETCH, offer.slot_at) if offer.slot_at else pair(_, CALL_FIRST)
    return [when, kept, pair(_, NO_PAPERS)], number


def _of_loan(asked: LoanRequest, loan: Loan, moment: datetime) -> list[Pair]:
    session = db_session()
    use, refused = sims.sim_in(session, loan.id), renewals.why_not(session, loan, moment)
    said = [pair(_, wording.LATE)] if wording.is_late(loan) else [_on_day(BACK_BY, loan.due_on)]
    said += [pair(_, WITH_PARTS), pair(_, NO_DEBT)]
    if use is not None and use.sim.data_until:
        said.append(_on_day(DATA_UNTIL, use.sim.data_until))
    # Who asked today reads the new day above.
    if refused != "asked":
        said.append(pair(_, rules.NOT_RENEWED[refused] if refused else LONGER))
    return said


def _on_day(text: str, day: date) -> Pair:
    return with_day(_, text, i18n.day_words(day), english_day(day))


def _at(name: str, text: str, moment: datetime) -> Pair:
    wall = i18n.local(moment)
    english = f"{english_day(wall.date())}, {i18n.clock_words(wall.time())}"
    return Pair(_(text, **{name: wording.until_words(moment)}), text % {name: english})
