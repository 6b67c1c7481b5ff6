"""A request and its loan, for whoever holds its code: how it stands, what is offered, and what one can do with it.

The code alone shows nothing that was typed: no name, contact or reason. Who has the plan open with its PIN reads why.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import flash, redirect, render_template, request

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.sessions import current_visit
from inclusion_app.core.words import N_
from inclusion_app.loans import forms, queries, rules, wording
from inclusion_app.loans.models import Loan, LoanOffer, LoanRequest
from inclusion_app.loans.opened import is_mine, note_change, note_reader, page_of, request_of
from inclusion_app.loans.services import (
    endings,
    fetching,
    offers,
    outcomes,
    queue,
    renewals,
    repairs,
    requests,
    requests_decide,
    sims,
    telling,
)
from inclusion_app.loans.views import room
from inclusion_app.places import queries as places
from inclusion_app.places import wording as place_words
from inclusion_app.places.models import Place


@room.page("/loans/<code>", allow=ANYONE, load=request_of, reads=("loan",))
def request_page(asked: LoanRequest) -> Any:
    """How it stands and what comes next, in plain words. Looking changes nothing."""
    note_reader(asked)
    return _show(asked, {})


def _show(asked: LoanRequest, bad: dict[str, Any], status: int = 200) -> Any:
    """The page of a request; `bad` holds forms that were refused, with what was typed in them."""
    session, moment = db_session(), now()
    loan, offer = queries.loan_of(session, asked), offers.live_offer(session, asked.id)
    is_kept = offer is not None and offer.state == "accepted"
    page = render_template(
        "loans/request.html",
        asked=asked,
        loan=loan,
        offer=offer,
        form=next(iter(bad.values()), None),
        words=wording.model_words(asked.model),
        heading=wording.how_it_stands(asked, loan, is_kept=is_kept),
        next_words=wording.next_words(
            asked, has_way=telling.own_way(session, asked, moment).route is not None
        ),
        answer_days=rules.ANSWER_DAYS if asked.status == "need_info" else 0,
        question=rules.QUESTIONS.get(asked.reason, "") if asked.status == "need_info" else "",
        declined=rules.DECLINED.get(asked.reason, "") if asked.status == "declined" else "",
        ways_on=[rules.WAYS_ON[way] for way in rules.WAYS_ON_FROM.get(asked.reason, ())]
        if asked.status == "declined"
        else [],
        mine=is_mine(asked),
        is_kept=is_kept,
        is_live=asked.status in rules.LIVE,
        has_ended=loan.status != "active" if loan else asked.status in wording.ENDED,
        **_waiting(asked, moment),
        **_offered(asked, offer, bad, moment),
        **_on_loan(asked, loan, bad, moment),
        nearest=_places(asked),
        code=show_code(asked.code),
        code_words=" ".join(code_to_words(asked.code)),
    )
    return page, status


def _waiting(asked: LoanRequest, moment: datetime) -> dict[str, Any]:
    """Why they are 4th and about when; the reasons only for whoever opened the plan."""
    if asked.status != "queued":
        return {"queue": []}
    return {
        "queue": wording.queue_words(
            queue.place_of(db_session(), asked, moment), shows_reasons=is_mine(asked)
        )
    }


def _offered(
    asked: LoanRequest, offer: LoanOffer | None, bad: dict[str, Any], moment: datetime
) -> dict[str, Any]:
    if offer is None:
        return {"until": "", "slots": [], "days": [], "slot_place": None}
    place = _place_of_offer(asked, offer)
    times = (
        offers.slots(db_session(), place_id=place.id, now=moment, offer=offer)
        if place and offer.state == "accepted"
        else []
    )
    return {
        "until": wording.until_words(offer.ends_at)
        if offer.ends_at > moment and offer.address is None
        else "",
        **_times(times),
        "slot_place": place,
        "is_elsewhere": fetching.is_elsewhere(asked, offer),
        "asks_where": fetching.has_to_say_where(asked, offer),
        "asked_day": "day" in request.args,
        "chosen": wording.until_words(offer.slot_at) if offer.slot_at else "",
        "is_brought": offer.address is not None,
        "bring": bad.get("bring") or forms.BringForm(formdata=None),
    }


def _times(slots: Sequence[offers.Slot]) -> dict[str, Any]:
    """The days on which it can be fetched, and the times of one of them: the one asked for, else the first."""
    by_day: dict[str, list[offers.Slot]] = {}
    for slot in slots:
        by_day.setdefault(i18n.local(slot.at).date().isoformat(), []).append(slot)
    shown = request.args.get("day", "")
    shown = shown if shown in by_day else next(iter(by_day), "")
    return {
        "days": [(day, i18n.day_words(date.fromisoformat(day)), day == shown) for day in by_day],
        "shown_day": i18n.day_words(date.fromisoformat(shown)) if shown else "",
        "slots": [
            (slot.at.isoformat(), i18n.clock_words(i18n.local(slot.at).time()))
            for slot in by_day.get(shown, ())
        ],
    }


def _place_of_offer(asked: LoanRequest, offer: LoanOffer) -> Place | None:
    """Where they fetch it, or may fetch it if they come after all."""
    number = fetching.may_come_to(asked, offer)
    return db_session().get(Place, number) if number else None


def _on_loan(asked: LoanRequest, loan: Loan | None, bad: dict[str, Any], moment: datetime) -> dict[str, Any]:
    if loan is None or loan.status != "active":
        return {"asks_outcome": False}
    session = db_session()
    broken, lost = bad.get("broken"), bad.get("lost")
    if broken is None:
        broken = forms.BrokenForm(formdata=None)
        broken.offer()
    if lost is None:
        lost = forms.LostForm(formdata=None)
        lost.offer()
    use = sims.sim_in(session, loan.id)
    refused = renewals.why_not(session, loan, moment)
    return {
        "due": i18n.day_words(loan.due_on),
        "is_late": wording.is_late(loan),
        "data_until": i18n.day_words(use.sim.data_until) if use and use.sim.data_until else "",
        "is_longer": renewals.is_granted_today(session, loan, moment),
        "why_not": rules.NOT_RENEWED.get(refused or "", ""),
        "form_key": secrets.token_urlsafe(32),
        "ways_to_own": list(rules.WAYS_TO_OWN.values()) if renewals.is_last(session, loan) else [],
        "ticket": repairs.ticket_of(session, loan.unit_id) if loan.unit_id else None,
        "broken": broken,
        "lost": lost,
        "has_unit": loan.unit_id is not None,
        "asks_outcome": _asks_outcome(loan, moment),
    }


def _asks_outcome(loan: Loan, moment: datetime) -> bool:
    day = loan.follow_up_on
    return loan.outcome_asked_at is None and day is not None and day <= i18n.local(moment).date()


def _places(asked: LoanRequest) -> list[tuple[Place, str]]:
    """Where one can ask, fetch and give back."""
    visit = current_visit()
    where = places.where_of_near(visit.near if visit else None)
    found = queries.places_of(db_session(), [asked.organisation_id], where, most=3)
    return [(one.place, place_words.metres_words(one.metres, from_edge=False)) for one in found]


def _back(asked: LoanRequest) -> Any:
    return redirect(page_of(asked), 303)


def _not_done(asked: LoanRequest, broken: RuleBroken) -> Any:
    db_session().rollback()
    page = render_template(
        "loans/not_done.html", code=request.view_args and request.view_args["code"], broken=broken
    )
    return page, 422


@room.page("/loans/<code>/withdraw", allow=ANYONE, load=request_of, methods=("POST",))
def withdraw(asked: LoanRequest) -> Any:
    """ "I do not need it any more". Pressed twice it is said once."""
    was_over = asked.status == "withdrawn"
    try:
        requests.withdraw(db_session(), request=asked, actor="resident", now=now())
    except RuleBroken as broken:
        return _not_done(asked, broken)
    if not was_over:
        note_change(asked, "withdraw loan request")
    return _back(asked)


@room.page("/loans/<code>/still", allow=ANYONE, load=request_of, methods=("POST",))
def still(asked: LoanRequest) -> Any:
    """ "Yes, I still want one", or "I have told you": somebody looks at it again, with the time kept."""
    if asked.status == "need_info":
        requests_decide.answer_more(db_session(), request=asked, now=now())
        note_change(asked, "answer loan question")
    return _back(asked)


@room.page("/loans/<code>/offer", allow=ANYONE, load=request_of, methods=("POST",))
def answer_offer(asked: LoanRequest) -> Any:
    """Yes to an offer, not now, or no. One that is over says so."""
    answer, session = request.form.get("answer"), db_session()
    try:
        if answer == "yes":
            offers.accept(session, request=asked, now=now())
        elif answer in {"no", "keep"}:
            offers.decline_offer(session, request=asked, keep_waiting=answer == "keep", now=now())
        else:
            return _back(asked)
    except RuleBroken as broken:
        return _not_done(asked, broken)
    note_change(asked, "answer loan offer")
    return _back(asked)


@room.page("/loans/<code>/slot", allow=ANYONE, load=request_of, methods=("POST",))
def slot(asked: LoanRequest) -> Any:
    """When to fetch it: one of the times that stand on the page, at the place that stands there."""
    session = db_session()
    offer = offers.live_offer(session, asked.id)
    try:
        if offer is None:
            raise RuleBroken(offers.OFFER_OVER)
        place = _place_of_offer(asked, offer)
        offers.choose_slot(
            session, offer=offer, place_id=place.id if place else 0, slot_at=_moment(request.form.get("slot")), now=now()
        )  # fmt: skip
    except RuleBroken as broken:
        return _not_done(asked, broken)
    note_change(asked, "choose loan time")
    return _back(asked)


def _moment(typed: str | None) -> datetime:
    """A time as its button sends it. Raises RuleBroken for what is none."""
    try:
        found = datetime.fromisoformat((typed or "")[:40])
    except ValueError:
        raise RuleBroken(offers.NO_SUCH_SLOT) from None
    if found.tzinfo is None:
        raise RuleBroken(offers.NO_SUCH_SLOT)
    return found


@room.page("/loans/<code>/bring", allow=ANYONE, load=request_of, methods=("POST",), reads=("loan",))
def bring(asked: LoanRequest) -> Any:
    """Where it is brought, for who cannot come. It is shown on no page of the code, and forgotten once it was brought."""
    form, session = forms.BringForm(), db_session()
    offer = offers.live_offer(session, asked.id)
    try:
        if offer is None:
            raise RuleBroken(offers.OFFER_OVER)
        offers.bring_to(session, offer=offer, address=form.address.data or "", now=now())
    except RuleBroken as broken:
        if broken.field is None:
            return _not_done(asked, broken)
        form.refuse(broken)
        note_reader(asked)
        return _show(asked, {"bring": form}, 422)
    note_reader(asked)
    note_change(asked, "have loan brought")
    return _back(asked)


# --- on loan


def _active(asked: LoanRequest) -> Loan:
    loan = queries.loan_of(db_session(), asked)
    if loan is None or loan.status != "active":
        raise RuleBroken(endings.NOT_OUT)
    return loan


@room.page("/loans/<code>/longer", allow=ANYONE, load=request_of, methods=("POST",))
def longer(asked: LoanRequest) -> Any:
    """Keep it longer. The page says until when, or why not; sent twice it is asked once."""
    try:
        loan = _active(asked)
        # Its own keys alone: those of text messages and of the desk can be reckoned.
        key = f"code {loan.id} {request.form.get('form_key', '')[:40] or secrets.token_urlsafe(24)}"
        row = renewals.ask_to_renew(db_session(), loan=loan, how="code", form_key=key, now=now())
    except RuleBroken as broken:
        return _not_done(asked, broken)
    if row.new_due_on is not None:
        note_change(asked, "keep loan longer")
    return _back(asked)


@room.page("/loans/<code>/broken", allow=ANYONE, load=request_of, methods=("POST",), reads=("loan",))
def broken_device(asked: LoanRequest) -> Any:
    """ "It is broken": somebody of the scheme knows it from now on. Nothing is to pay."""
    form = forms.BrokenForm()
    form.offer()
    note_reader(asked)
    if not form.validate():
        return _show(asked, {"broken": form}, 422)
    try:
        loan = _active(asked)
        if loan.unit is None:
            raise RuleBroken(endings.NOT_OUT)
        repairs.open_ticket(db_session(), unit=loan.unit, fault=form.fault.data, staff_id=None, now=now())
    except RuleBroken as broken:
        return _not_done(asked, broken)
    note_change(asked, "report loan broken")
    return _back(asked)


@room.page("/loans/<code>/lost", allow=ANYONE, load=request_of, methods=("GET", "POST"), reads=("loan",))
def lost_device(asked: LoanRequest) -> Any:
    """ "I do not have it any more": asked once more, for it ends the loan. Nobody owes anything for it."""
    note_reader(asked)
    form = forms.LostForm()
    form.offer()
    if request.method == "POST" and form.validate():
        try:
            loan = _active(asked)
            endings.report_lost(db_session(), loan=loan, cause=form.cause.data, staff_id=None, now=now())
        except RuleBroken as broken:
            return _not_done(asked, broken)
        note_change(asked, "report loan lost")
        return _back(asked)
    page = render_template("loans/lost.html", form=form, asked=asked)
    return page, 422 if form.errors else 200


@room.page(
    "/loans/<code>/how-it-goes", allow=ANYONE, load=request_of, methods=("GET", "POST"), reads=("loan",)
)
def how_it_goes(asked: LoanRequest) -> Any:
    """What somebody used it for and what changed: asked once, and no answer says whose it is."""
    note_reader(asked)
    loan = queries.loan_of(db_session(), asked)
    if loan is None or not _asks_outcome(loan, now()):
        return _back(asked)
    form = forms.OutcomeForm()
    form.offer()
    if request.method == "POST" and form.validate():
        try:
            outcomes.answer_outcome(
                db_session(),
                loan=loan,
                used_for=form.used_for.data or (),
                changed=form.changed.data or (),
                now=now(),
            )
        except RuleBroken as broken:
            return _not_done(asked, broken)
        flash(N_("Thank you. We have your answer."))
        return _back(asked)
    page = render_template("loans/how_it_goes.html", form=form, asked=asked)
    return page, 422 if form.errors else 200
