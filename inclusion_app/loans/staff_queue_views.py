"""The queue: requests to decide, their order and why, offers and their slots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_queue_forms as forms
from inclusion_app.loans import staff_queue_queries as queries
from inclusion_app.loans import staff_queue_words as words
from inclusion_app.loans.models import DeviceModel, LoanOffer, LoanRequest
from inclusion_app.loans.services import fetching, offers, queue, requests, requests_decide, transfers
from inclusion_app.loans.staff_count_views import note_act
from inclusion_app.loans.staff_people import say_told
from inclusion_app.loans.staff_stock_queries import model_for
from inclusion_app.loans.views import room
from inclusion_app.people import contact
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.rules import NEVER, ROUTES
from inclusion_app.people.staff_forms import language_name
from inclusion_app.places.models import Place
from inclusion_app.places.queries import ward_name

ONE = "/staff/loans/requests/<int(max=999999999):loan_request_id>"
registry.add_to_menu(registry.StaffLink("loans.requests", N_("Device requests"), policy.DECIDE, 31))


def the_request(loan_request_id: int) -> LoanRequest | None:
    """One request to the scheme of the organisation the staff act for."""
    return queries.request_for(db_session(), the_staff(), loan_request_id)


def words_for_pages() -> dict[str, Any]:
    """Tables of words and the few verbs these pages need to say what they show."""
    return {
        "rules": rules,
        "words": words,
        "local": i18n.local,
        "title_of": title_of,
        "moment_words": moment_words,
        "weeks_words": weeks_words,
        "listed": listed,
    }


def title_of(model: DeviceModel) -> str:
    """A device in words: its English title and what the staff call it."""
    text = model.text_in()
    return f"{text.title} ({model.name})" if text is not None else model.name


def moment_words(moment: datetime) -> str:
    """A day and a time of the wall."""
    wall = i18n.local(moment)
    return f"{i18n.day_words(wall.date())}, {i18n.clock_words(wall.time())}"


def weeks_words(weeks: tuple[int, int] | None) -> str:
    """The wait as a range, never a day."""
    if weeks is None:
        return _("Nobody can say yet: none was handed over lately.")
    if weeks == (0, 1):
        return _("A week at most")
    return _("%(least)s to %(most)s weeks", least=weeks[0], most=weeks[1])


def listed(codes: str, table: dict[str, str]) -> list[str]:
    """The words of some codes, in the order of their table."""
    return [said for code, said in table.items() if code in codes.split()]


def act(action: str, asked: LoanRequest, *, reason: str | None = None) -> None:
    """The row of a change in the record."""
    record_act(
        db_session(), the_staff(), action=action, resident_id=asked.resident_id, items=("loan",), reason=reason,
        now=now(),
    )  # fmt: skip


def to_request(asked: LoanRequest) -> Any:
    """Back to the page of the request."""
    return redirect(url_for("loans.one_request", loan_request_id=asked.id), 303)


# --- the list and the queue


@room.page("/staff/loans/requests", allow=policy.DECIDE, localised=False, endpoint="requests")
def request_list() -> Any:
    """Requests to the own scheme by state, device and place. No name stands here."""
    session, principal = db_session(), the_staff()
    state = request.args.get("state", "")
    chosen = queries.Filters(
        state=state if state in words.SHOWN else "submitted",
        model_id=number_of(request.args.get("model", "")) or None,
        place_id=number_of(request.args.get("place", "")) or None,
    )
    total = queries.count_requests(session, principal, chosen)
    page = page_number(total, queries.ON_A_PAGE)
    found = queries.requests_of(session, principal, chosen, page=page)
    models = queries.models_of(session, principal)
    places = queries.places_of(session, principal.organisation_id)
    form = forms.FilterForm()
    form.model.choices = [(0, _("Every device")), *((model.id, title_of(model)) for model in models)]
    form.place.choices = [(0, _("Every place")), *((place.id, place.name) for place in places)]
    form.state.data, form.model.data = chosen.state, chosen.model_id or 0
    form.place.data = chosen.place_id or 0
    return render_template(
        "loans/staff/queue.html",
        filters=form,
        requests=found,
        total=total,
        page=page,
        pages=max(1, -(-total // queries.ON_A_PAGE)),
        kept={"state": chosen.state, "model": chosen.model_id, "place": chosen.place_id},
        models=models,
        places={place.id: place.name for place in places},
        senders={
            number: queries.name_of_organisation(session, number)
            for number in {one.referrer_id for one in found} - {None}
        },
        has_scheme=queries.scheme_of(session, principal) is not None,
        **words_for_pages(),
    )


def _the_model(model_id: int) -> DeviceModel | None:
    return model_for(db_session(), the_staff(), model_id)


@room.page("/staff/loans/queue/<int(max=999999999):model_id>", allow=policy.WRITE_MODEL, load=_the_model,
           localised=False)  # fmt: skip
def queue_of(model: DeviceModel) -> Any:
    """Who waits for a model, in order, with the points. No name stands here."""
    session, principal, moment = db_session(), the_staff(), now()
    waiting = len(queue.entries_of(session, model.organisation_id, model.id))
    asking = queue.asking_now(session, [model], moment)[model.id]
    return render_template(
        "loans/staff/queue_model.html",
        model=model,
        turns=queries.turns_of(session, principal, model, moment),
        total=waiting,
        undecided=asking.before - waiting,
        pace=queue.handed_over(session, model.organisation_id, model.id, moment),
        weeks=asking.weeks,
        ready=asking.ready,
        **words_for_pages(),
    )


# --- one request


@room.page(ONE, allow=policy.DECIDE, load=the_request, reads=("identity", "contact", "loan"), localised=False)
def one_request(asked: LoanRequest) -> Any:
    """One request: what for, why, where in the queue, what is kept, and how to reach whoever asked."""
    session, principal, moment = db_session(), the_staff(), now()
    person = queries.person_of(session, principal, asked)
    shows_person(asked.resident_id, *person.parts, "loan")
    offer = offers.live_offer(session, asked.id)
    return render_template(
        "loans/staff/request.html",
        asked=asked,
        person=person,
        never=[said for name, said in NEVER.items() if person.rule.get(name)],
        place=queue.place_of(session, asked, moment)
        if asked.status in ("submitted", "need_info", "queued")
        else None,
        reasons=queue.reasons_of(session, asked),
        fetch_at=session.get(Place, asked.place_id) if asked.place_id else None,
        ward=ward_name(session, asked.ward) if asked.ward else "",
        referrer=queries.name_of_organisation(session, asked.referrer_id),
        offer=offer,
        loan_id=queries.loan_of(session, asked.id) if asked.status == "fulfilled" else None,
        before=[one for one in queries.offers_of(session, asked.id) if one.ended_at],
        slot_place=session.get(Place, offer.slot_place_id) if offer and offer.slot_place_id else None,
        kept_at=_places_of_kept(asked, offer),
        is_moving=offer is not None and fetching.way_of(session, offer) is not None,
        notes=queries.notes_of(session, asked.id),
        changes=queries.changes_of(session, asked.id),
        ways=ROUTES,
        language_name=language_name,
        show_value=contact.show_value,
        **words_for_pages(),
    )


def _places_of_kept(asked: LoanRequest, offer: LoanOffer | None) -> tuple[str, str] | None:
    """The names of where what is kept lies and where it is fetched, when these are two places."""
    if offer is None or not fetching.is_elsewhere(asked, offer):
        return None
    both = fetching.lies_at(offer), fetching.fetched_at(asked, offer)
    names = [place.name if (place := db_session().get(Place, number)) else "" for number in both]
    return names[0], names[1]


def _asked_for(
    asked: LoanRequest,
    form: Any,
    *,
    title: str,
    button: str,
    do: Callable[[Any], str],
    action: str,
    reason: Callable[[Any], str | None] = lambda _form: None,
    **more: Any,
) -> Any:
    """A page with one small form about a request: shown, refused with what was typed kept, or done and recorded."""
    if request.method == "POST" and form.validate():
        try:
            said = do(form)
            act(action, asked, reason=reason(form))
            _say(asked, said)
            return to_request(asked)
        except RuleBroken as broken:
            db_session().rollback()
            form.refuse(broken)
    page = render_template(
        "loans/staff/request_act.html", form=form, asked=asked, title=title, button=button,
        **words_for_pages(), **more,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _say(asked: LoanRequest, said: str) -> None:
    flash(said)
    if said in words.WITH_MESSAGE:
        say_told(db_session(), asked, now())


def _done(asked: LoanRequest, action: str, said: str) -> Any:
    act(action, asked)
    _say(asked, said)
    return to_request(asked)


@room.page(f"{ONE}/approve", allow=policy.DECIDE, load=the_request, methods=("POST",), localised=False)
def approve(asked: LoanRequest) -> Any:
    """Into the queue, or to a ready device at once."""
    requests_decide.approve(db_session(), request=asked, staff_id=the_staff().staff_id, now=now())
    said = words.OFFERED if asked.status == "offered" else words.APPROVED
    return _done(asked, "approve a loan request", said)


@room.page(f"{ONE}/ask", allow=policy.DECIDE, load=the_request, methods=("GET", "POST"), localised=False)
def ask_more(asked: LoanRequest) -> Any:
    """Ask them a ready-made question."""

    def do(form: forms.QuestionForm) -> str:
        requests_decide.ask_more(
            db_session(), request=asked, question=form.question.data, staff_id=the_staff().staff_id, now=now()
        )
        return words.ASKED

    return _asked_for(
        asked, forms.QuestionForm(), title=N_("Ask them something"), button=N_("Ask"), do=do,
        action="ask about a loan request",
    )  # fmt: skip


@room.page(f"{ONE}/answered", allow=policy.DECIDE, load=the_request, methods=("POST",), localised=False)
def answered(asked: LoanRequest) -> Any:
    """They answered by phone or in person."""
    requests_decide.answer_more(db_session(), request=asked, actor="staff", now=now())
    return _done(asked, "note an answer to a loan request", words.ANSWERED)


@room.page(f"{ONE}/decline", allow=policy.DECIDE, load=the_request, methods=("GET", "POST"), localised=False)
def decline(asked: LoanRequest) -> Any:
    """No, with a reason; the ways on are told with it."""

    def do(form: forms.DeclineForm) -> str:
        requests_decide.decline(
            db_session(), request=asked, reason=form.reason.data, staff_id=the_staff().staff_id, now=now()
        )
        return words.DECLINED_NOW

    return _asked_for(
        asked, forms.DeclineForm(), title=N_("Decline this request"), button=N_("Decline"), do=do,
        action="decline a loan request", is_warning=True,
    )  # fmt: skip


@room.page(f"{ONE}/withdraw", allow=policy.DECIDE, load=the_request, methods=("GET", "POST"), localised=False)
def withdraw_for(asked: LoanRequest) -> Any:
    """They said that they do not need it any more."""

    def do(_form: BaseForm) -> str:
        requests.withdraw(db_session(), request=asked, actor="staff", now=now())
        return words.WITHDRAWN

    return _asked_for(
        asked, NothingForm(), title=N_("They do not need it any more"), button=N_("Withdraw the request"), do=do,
        action="withdraw a loan request", is_warning=True,
        hint=N_("Only when they said so themselves. What is kept for them goes to the next person."),
    )  # fmt: skip


class NothingForm(BaseForm):
    """A button alone."""

    shown: forms.Shown = ()


@room.page(f"{ONE}/first", allow=policy.DECIDE, load=the_request, methods=("GET", "POST"), localised=False)
def put_first(asked: LoanRequest) -> Any:
    """Before all who wait for this device, for a typed reason."""

    def do(form: forms.FirstForm) -> str:
        requests_decide.put_first(db_session(), request=asked, why=form.why.data or "", now=now())
        return words.FIRST

    return _asked_for(
        asked, forms.FirstForm(), title=N_("Put them first"), button=N_("Put them first"), do=do,
        action="put a loan request first", reason=lambda form: form.why.data,
        hint=N_("They come before everybody who waits for this device. Their page says that you did it."),
    )  # fmt: skip


@room.page(f"{ONE}/not-first", allow=policy.DECIDE, load=the_request, methods=("POST",), localised=False)
def put_back(asked: LoanRequest) -> Any:
    """The points decide again."""
    requests_decide.put_back(db_session(), request=asked)
    return _done(asked, "undo a loan request put first", words.NOT_FIRST)


@room.page(f"{ONE}/note", allow=policy.DECIDE, load=the_request, methods=("GET", "POST"), localised=False)
def write_note(asked: LoanRequest) -> Any:
    """A note about the loan."""

    def do(form: forms.NoteForm) -> str:
        session, principal, moment = db_session(), the_staff(), now()
        if form.is_first_press(session, whose=f"loan note {principal.staff_id} {asked.id}", now=moment):
            requests_decide.add_note(
                session, request=asked, words=form.words.data or "", staff_id=principal.staff_id, now=moment
            )
        return words.NOTED

    return _asked_for(
        asked, forms.NoteForm(), title=N_("Write a note"), button=N_("Keep the note"), do=do,
        action="write a loan note",
    )  # fmt: skip


# --- what is kept for them


def the_offered(loan_request_id: int) -> LoanRequest | None:
    """A request for which something is kept; else its offer pages are no pages."""
    asked = the_request(loan_request_id)
    return asked if asked is not None and asked.status == "offered" else None


def _offer(asked: LoanRequest) -> LoanOffer:
    offer = offers.live_offer(db_session(), asked.id)
    if offer is None:
        raise RuleBroken(offers.OFFER_OVER)
    return offer


def _accepted(asked: LoanRequest) -> LoanOffer:
    """Who agrees a time or says where to bring it says yes with it."""
    offer = _offer(asked)
    return offers.accept(db_session(), request=asked, now=now()) if offer.state == "open" else offer


@room.page(f"{ONE}/offer/yes", allow=policy.DECIDE, load=the_request, methods=("POST",), localised=False)
def offer_yes(asked: LoanRequest) -> Any:
    """They said yes by phone or in person."""
    offers.accept(db_session(), request=asked, now=now())
    return _done(asked, "note a yes to a kept device", words.SAID_YES)


@room.page(f"{ONE}/offer/no", allow=policy.DECIDE, load=the_offered, methods=("GET", "POST"), localised=False)
def offer_no(asked: LoanRequest) -> Any:
    """They said no: they wait on, or their request ends."""

    def do(form: forms.NoForm) -> str:
        offers.decline_offer(db_session(), request=asked, keep_waiting=form.keep.data == "keep", now=now())
        return words.SAID_NO

    return _asked_for(
        asked, forms.NoForm(), title=N_("They said no"), button=N_("Save"), do=do,
        action="note a no to a kept device",
    )  # fmt: skip


@room.page(
    f"{ONE}/offer/time", allow=policy.DECIDE, load=the_offered, methods=("GET", "POST"), localised=False
)
def offer_time(asked: LoanRequest) -> Any:
    """When and where they fetch it."""
    session, moment, offer = db_session(), now(), _offer(asked)
    unit_place = fetching.lies_at(offer)
    places = queries.places_of(session, the_staff().organisation_id, asked.place_id, unit_place)
    usual = fetching.may_come_to(asked, offer)
    chosen = number_of(request.args.get("place", "")) or usual
    place = next((one for one in places if one.id == chosen), None)
    free = offers.slots(session, place_id=place.id, now=moment, offer=offer) if place else []
    form, pick = forms.TimeForm(), forms.PlaceForm(formdata=None)
    form.slot.choices = [(slot.at.isoformat(), moment_words(slot.at)) for slot in free]
    pick.place.choices, pick.place.data = [(one.id, one.name) for one in places], chosen

    def do(form: forms.TimeForm) -> str:
        if place is None:
            raise RuleBroken(offers.NO_SUCH_SLOT, field="slot")
        at = datetime.fromisoformat(form.slot.data)
        offers.choose_slot(session, offer=_accepted(asked), place_id=place.id, slot_at=at, now=moment)
        return words.TIME_SET

    return _asked_for(
        asked, form, title=N_("Agree a time to fetch it"), button=N_("Set this time"), do=do,
        action="set a time to fetch a device", pick=pick, has_times=bool(free),
        hint=N_("It lies at another place. So the first times are in two working days.")
        if place is not None and not fetching.is_there(session, offer, place.id)
        else "",
    )  # fmt: skip


@room.page(
    f"{ONE}/offer/bring", allow=policy.DECIDE, load=the_offered, methods=("GET", "POST"), localised=False
)
def offer_bring(asked: LoanRequest) -> Any:
    """It is brought to them."""

    def do(form: forms.BringForm) -> str:
        offers.bring_to(db_session(), offer=_accepted(asked), address=form.address.data or "", now=now())
        return words.ADDRESS_KEPT

    return _asked_for(
        asked, forms.BringForm(), title=N_("Bring it to them"), button=N_("Keep the address"), do=do,
        action="keep an address to bring a device",
    )  # fmt: skip


@room.page(
    f"{ONE}/offer/swap", allow=policy.DECIDE, load=the_offered, methods=("GET", "POST"), localised=False
)
def offer_swap(asked: LoanRequest) -> Any:
    """Keep another ready unit for them."""
    units = queries.ready_units(db_session(), the_staff(), asked.model_id)
    form = forms.SwapForm()
    form.unit.choices = [(unit.id, f"{unit.tag}, {unit.place.name}") for unit in units]

    def do(form: forms.SwapForm) -> str:
        unit = next(unit for unit in units if unit.id == form.unit.data)
        offers.swap_unit(db_session(), offer=_offer(asked), unit=unit, now=now())
        return words.SWAPPED

    return _asked_for(
        asked, form, title=N_("Keep another device"), button=N_("Keep this one"), do=do,
        action="swap a kept device", none_ready=not units,
    )  # fmt: skip


@room.page(f"{ONE}/offer/back", allow=policy.DECIDE, load=the_request, methods=("POST",), localised=False)
def offer_back(asked: LoanRequest) -> Any:
    """It is not kept for them any more; they wait on, and are told."""
    offers.take_back(db_session(), request=asked, staff_id=the_staff().staff_id, now=now())
    return _done(asked, "take back a kept device", words.TAKEN_BACK)


@room.page(f"{ONE}/offer/send", allow=policy.DECIDE, load=the_offered, methods=("POST",), localised=False)
def send_kept(asked: LoanRequest) -> Any:
    """What is kept leaves for the place at which they fetch it: one press, from its page or from the list."""
    session, offer, moment = db_session(), _offer(asked), now()
    place_id = fetching.fetched_at(asked, offer)
    place = session.get(Place, place_id) if place_id is not None else None
    if offer.unit is None or place is None:
        raise RuleBroken(words.NOTHING_TO_SEND)
    principal = the_staff()
    transfers.send(session, units=[offer.unit], to=place, staff_id=principal.staff_id, now=moment)
    # A move of a device, as on the page of moves: the row is about no person.
    note_act("devices sent")
    flash(words.SENT_THERE)
    if request.form.get("from") == "list":
        return redirect(url_for("loans.desk_people", show="elsewhere"), 303)
    return to_request(asked)
