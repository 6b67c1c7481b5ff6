"""Hand-over on a coordinator's tablet or on paper: for one person, for somebody who walks in, and for a whole course."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import BooleanField, StringField

from inclusion_app.core import i18n, paper, registry
from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.headers import with_camera
from inclusion_app.core.paper_answer import pdf_answer
from inclusion_app.core.paper_parts import Pair
from inclusion_app.core.words import N_
from inclusion_app.loans import agreement, policy
from inclusion_app.loans import staff_handover_queries as queries
from inclusion_app.loans.models import DeviceModel, Loan, LoanOffer, LoanRequest, Sim, Unit
from inclusion_app.loans.parts import part_words
from inclusion_app.loans.rules import KINDS, SETTINGS
from inclusion_app.loans.services import fetching, handover, sims
from inclusion_app.loans.services.days import due_on
from inclusion_app.loans.services.handover import Ticked
from inclusion_app.loans.services.stock import unit_by_mark
from inclusion_app.loans.staff_handover_forms import (
    AGREED_HOW_OF_MANY,
    NO_MARK,
    NOTHING_FOUND,
    UNKNOWN_MARK,
    HandOverForm,
    ManyForm,
    ReadInForm,
    StartForm,
    code_in,
)
from inclusion_app.loans.staff_loan_words import DATABANK
from inclusion_app.loans.staff_people import name_of, shared_with
from inclusion_app.loans.views import room
from inclusion_app.people.choice_fields import number_of
from inclusion_app.places.models import Place

ONE = "/staff/loans/requests/<int(max=999999999):loan_request_id>"
LOAN = "/staff/loans/<int(max=999999999):loan_id>"
WHO = ("identity", "loan")
HANDED_OVER = N_("Handed over. The next one, please.")
WRONG = N_("Look at what is marked below.")
registry.add_to_menu(registry.StaffLink("loans.hand_over_start", N_("Hand over a device"), policy.RUN, 31))


def _request(loan_request_id: int) -> LoanRequest | None:
    return queries.request_for(db_session(), the_staff(), loan_request_id)


def _loan(loan_id: int) -> Loan | None:
    return queries.loan_for(db_session(), the_staff(), loan_id)


# --- which


@room.page(
    "/staff/loans/hand-over", allow=policy.RUN, methods=("GET", "POST"), reads=("identity",), localised=False
)
def hand_over_start() -> Any:
    """Whom something is kept for; or scan the device, or the code of somebody who walked in."""
    session, principal, form = db_session(), the_staff(), StartForm()
    if request.method == "POST":
        try:
            return redirect(_meant(form.mark.data or ""), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template(
        "loans/staff/hand_over_start.html", form=form, kept=queries.ready_for(session, principal)
    )
    return with_camera(page, 422 if form.errors or form.form_errors else 200)


def _meant(typed: str) -> str:
    """The page of the hand-over somebody means by a tag or a code. Raises RuleBroken where there is none."""
    session, principal = db_session(), the_staff()
    if not typed.strip():
        raise RuleBroken(NO_MARK, field="mark")
    unit = unit_by_mark(session, holder_id=principal.organisation_id or 0, typed=typed)
    found = queries.request_kept(session, principal, unit.id) if unit is not None else None
    if unit is not None and found is None:
        raise RuleBroken(N_("This device is kept for nobody. Type the code of the request."), field="mark")
    if found is None:
        code = code_in(typed)
        found = queries.request_by_code(session, principal, code) if code else None
    if found is None:
        raise RuleBroken(NOTHING_FOUND, field="mark")
    return url_for("loans.hand_over", loan_request_id=found.id)


# --- one


@room.page(
    f"{ONE}/hand-over", allow=policy.DECIDE, load=_request, methods=("GET", "POST"), reads=WHO, localised=False
)  # fmt: skip
def hand_over(asked: LoanRequest) -> Any:
    """Set, ticked, agreed and handed over. What is wrong is said at its field, and what was ticked stays."""
    session, principal = db_session(), the_staff()
    form = HandOverForm()
    sent_before = (
        handover.made_by(session, request=asked, form_key=form.key()) if request.method == "POST" else None
    )
    if sent_before is not None:
        # Pressed twice: the SIM that went out is no choice any more, and still nothing is wrong.
        return redirect(url_for("loans.handed_over", loan_id=sent_before.id), 303)
    # What the page needs is read before anything is changed.
    unit, wrong_unit = _unit_of(asked)
    offer, name = queries.live_offer(session, asked.id), name_of(session, principal, asked.resident_id)
    sees_address = "contact" in shared_with(session, principal, asked.resident_id)
    place_id = _where(asked, offer, unit)
    places = queries.places_of(session, principal.organisation_id, (place_id,))
    items = queries.items_at(session, principal, unit.place_id if unit else place_id or 0)
    sims = queries.sims_in_stock(session, principal, asked.id)
    form.offer(
        settings=asked.settings.split(), parts=unit.parts if unit else (),
        missing=handover.missing_last_time(session, unit) if unit else set(),
        sims=[(str(sim.id), _sim_words(sim)) for sim in sims],
        places=[(str(place.id), place.name) for place in places],
    )  # fmt: skip
    if request.method == "GET":
        form.language.data = i18n.language_for(request.args.get("language"), asked.language).slug
        form.place.data = str(place_id or "")
        form.condition.data = unit.condition if unit else "B"
        form.sim.data = str(offer.sim_id) if offer and offer.sim_id else ""
        if wrong_unit:
            form.refuse(RuleBroken(UNKNOWN_MARK, field="unit"))
    else:
        try:
            if wrong_unit:
                raise RuleBroken(UNKNOWN_MARK, field="unit")
            if unit is None:
                form.condition.data = form.condition.data or "B"
            ticked = _sent(form, asked, unit, [item.id for item in items])
            if not form.errors and not form.form_errors:
                return _hand_over(asked, unit, ticked)
        except RuleBroken as broken:
            form.refuse(broken)
            session.rollback()
    shows_person(asked.resident_id, *WHO)
    language = i18n.language_for(form.language.data, asked.language)
    read_in = ReadInForm(formdata=None)
    read_in.language.data = language.slug
    # Who signed need not sign again because a box was not ticked.
    signature = (form.signature.data or "").strip()
    page = render_template(
        "loans/staff/hand_over.html", form=form, asked=asked, unit=unit, offer=offer, name=name, items=items,
        paper=_paper(asked, unit, language, place_id), read_in=read_in, typed=request.form,
        in_turn=asked.status == "offered", width=agreement.SIGNED_IN[0], height=agreement.SIGNED_IN[1],
        drawn=signature if agreement.is_signature(signature) else "", sees_address=sees_address, databank=DATABANK,
    )  # fmt: skip
    return with_camera(page, 422 if form.errors or form.form_errors else 200)


def _sent(form: HandOverForm, asked: LoanRequest, unit: Unit | None, item_ids: Sequence[int]) -> Ticked:
    """What was ticked. All that is wrong with it stands in the form, one message a field, so that it is mended in one go."""
    form.validate()
    wrong: list[RuleBroken] = []
    parts: list[tuple[str, int]] = []
    try:
        parts = handover.parts_of(unit, form.parts.data or ()) if unit else []
    except RuleBroken as broken:
        wrong.append(broken)
    ticked = form.ticked(parts, item_ids)
    wrong += handover.whats_against(db_session(), request=asked, unit=unit, ticked=ticked)
    for one in wrong:
        if not one.field or one.field not in form or not form[one.field].errors:
            form.refuse(one)
    return ticked


def _unit_of(asked: LoanRequest) -> tuple[Unit | None, bool]:
    """The unit that is handed over: as scanned, else the one kept for them; and True where what was scanned is unknown."""
    typed = request.values.get("unit", "")
    session, holder = db_session(), the_staff().organisation_id or 0
    offer = queries.live_offer(session, asked.id)
    kept = offer.unit if offer is not None else None
    if not typed.strip():
        return kept, False
    found = unit_by_mark(session, holder_id=holder, typed=typed)
    return found or kept, found is None


def _where(asked: LoanRequest, offer: LoanOffer | None, unit: Unit | None) -> int | None:
    """Where they fetch it; of what is brought or kept for nobody: where it lies."""
    place_id = fetching.may_come_to(asked, offer) if offer is not None else asked.place_id
    return place_id or (unit.place_id if unit else None)


def _sim_words(sim: Sim) -> str:
    parts = [sim.carrier, f"…{sim.iccid[-5:]}"]
    if sim.data_until is not None:
        parts.append(str(_("data until %(day)s", day=i18n.day_words(sim.data_until))))
    return ", ".join(part for part in parts if part)


def _hand_over(asked: LoanRequest, unit: Unit | None, ticked: Ticked) -> Any:
    session, principal, moment = db_session(), the_staff(), now()
    in_turn = asked.status == "offered"
    loan = handover.hand_over(
        session, request=asked, unit=unit, ticked=ticked, staff_id=principal.staff_id, now=moment
    )
    # The same form sent a second time hands nothing over, and there is nothing to record.
    if loan.issued_at == moment:
        record_act(
            session, principal, action="hand over device" if in_turn else "hand over device out of turn",
            resident_id=asked.resident_id, items=("identity",), now=moment,
        )  # fmt: skip
    return redirect(url_for("loans.handed_over", loan_id=loan.id), 303)


@room.page(f"{LOAN}/handed-over", allow=policy.RUN_LOAN, load=_loan, reads=("identity",), localised=False)
def handed_over(loan: Loan) -> Any:
    """What has gone out, until when; their paper to print; and on to the next one."""
    name = name_of(db_session(), the_staff(), loan.resident_id)
    _note_person(loan)
    sim = sims.sim_in(db_session(), loan.id)
    return render_template(
        "loans/staff/hand_over_done.html", loan=loan, name=name, sim=sim.sim if sim else None
    )


def _card(loan: Loan, language: i18n.Language) -> list[Pair]:
    """The SIM in the loan as a thing on the paper: in the language of whoever keeps it, beside English."""
    if sims.sim_in(db_session(), loan.id) is None:
        return []
    with i18n.speaking(language):
        return [Pair(i18n.translated(KINDS["sim"]), KINDS["sim"])]


def _things(parts: Iterable[tuple[str, int]], language: i18n.Language) -> list[Pair]:
    """What goes with it, as whoever borrows it reads it and as it was typed."""
    with i18n.speaking(language):
        return [part_words(name, count) for name, count in parts]


def _note_person(loan: Loan) -> None:
    if loan.resident_id is not None:
        shows_person(loan.resident_id, "identity")


# --- the agreement


def _device(model: DeviceModel, language: i18n.Language) -> Pair:
    own, english = model.text_in(language.slug), model.text_in("en")
    return Pair(own.title if own else model.name, english.title if english else model.name)


def _paper(
    asked: LoanRequest, unit: Unit | None, language: i18n.Language, place_id: int | None
) -> agreement.Agreement:
    """The agreement as it would be made now, with a line to sign on."""
    session = db_session()
    model = unit.model if unit else asked.model
    place = session.get(Place, place_id) if place_id else None
    due = (
        due_on(session, place_id=place_id, since=now().astimezone(LONDON).date(), days=model.loan_days)
        if place_id
        else None
    )
    facts = agreement.Facts(
        name=name_of(session, the_staff(), asked.resident_id), device=_device(model, language),
        tag=unit.tag if unit else "", things=_things(((part.name, part.count) for part in unit.parts), language) if unit else [],
        due_on=due, place=place.name if place else "", phone=asked.scheme.phone,
    )  # fmt: skip
    with i18n.speaking(language):
        return agreement.build(agreement.CURRENT, facts)


def _paper_of(loan: Loan, language: i18n.Language) -> agreement.Agreement:
    """The agreement of a loan, in the words of its own version."""
    session = db_session()
    asked = loan.request
    model = loan.unit.model if loan.unit else asked.model if asked else None
    place = session.get(Place, loan.place_id)
    facts = agreement.Facts(
        name=name_of(session, the_staff(), loan.resident_id),
        device=_device(model, language) if model else Pair("", ""), tag=loan.unit.tag if loan.unit else "",
        things=[*_things(((part.name, part.count_out) for part in loan.parts), language), *_card(loan, language)],
        due_on=loan.due_on,
        place=place.name if place else "", phone=asked.scheme.phone if asked else "", agreed_how=loan.agreed_how,
        agreed_on=loan.issued_at.astimezone(LONDON).date(), signature=loan.signature or "",
    )  # fmt: skip
    with i18n.speaking(language):
        return agreement.build(loan.agreement, facts)


def agreement_html(made: agreement.Agreement, language: i18n.Language) -> str:
    """The finished paper: the reader's language beside English."""
    with i18n.speaking(language):
        style = paper.style_sheet("paper.css", "papersheets.css", "paperloans.css")
        return render_template(
            "pdf/agreement.html", paper=made, h=made, paper_style=style, width=agreement.SIGNED_IN[0],
            height=agreement.SIGNED_IN[1],
        )  # fmt: skip


@room.page(f"{ONE}/agreement.pdf", allow=policy.DECIDE, load=_request, reads=("identity",), localised=False)
def agreement_to_sign(asked: LoanRequest) -> Any:
    """The agreement to sign on paper, before the hand-over."""
    unit, _wrong = _unit_of(asked)
    language = i18n.language_for(request.args.get("language"), asked.language)
    offer = queries.live_offer(db_session(), asked.id)
    made = _paper(asked, unit, language, _where(asked, offer, unit))
    shows_person(asked.resident_id, "identity")
    back = url_for("loans.hand_over", loan_request_id=asked.id)
    return pdf_answer(agreement_html(made, language), name="agreement.pdf", print_page=back)


@room.page(f"{LOAN}/agreement", allow=policy.RUN_LOAN, load=_loan, reads=("identity",), localised=False)
def agreement_page(loan: Loan) -> Any:
    """The agreement of a loan as a page: the accessible version, and the one to print where no PDF can be made."""
    language = i18n.language_for(request.args.get("language"), loan.language)
    _note_person(loan)
    return render_template("loans/staff/hand_over_agreement.html", loan=loan, paper=_paper_of(loan, language))


@room.page(f"{LOAN}/agreement.pdf", allow=policy.RUN_LOAN, load=_loan, reads=("identity",), localised=False)
def agreement_pdf(loan: Loan) -> Any:
    """The agreement of a loan to take home."""
    language = i18n.language_for(request.args.get("language"), loan.language)
    made, back = _paper_of(loan, language), url_for("loans.agreement_page", loan_id=loan.id)
    _note_person(loan)
    return pdf_answer(agreement_html(made, language), name="agreement.pdf", print_page=back)


# --- many


def _many_form(kept: list[queries.Kept]) -> ManyForm:
    """One line a person: the tag of what they get, and that it is set."""
    fields: dict[str, Any] = {}
    for one in kept:
        fields[f"tag_{one.request.id}"] = StringField(_("Tag"))
        fields[f"set_{one.request.id}"] = BooleanField(_("Set as they asked"))
    return type("CourseForm", (ManyForm,), fields)()


@room.page(
    "/staff/loans/hand-over/many", allow=policy.RUN, methods=("GET", "POST"), reads=WHO, localised=False
)
def hand_over_many() -> Any:
    """A whole course: a tag for each, each by the same service; who could not get theirs stays in the list with the reason."""
    session, principal = db_session(), the_staff()
    kept = [one for one in queries.ready_for(session, principal) if one.offer is not None and one.offer.unit]
    form = _many_form(kept)
    places = queries.places_of(session, principal.organisation_id)
    form.place.choices = [(str(place.id), place.name) for place in places]
    form.agreed_how.choices = [(how, _(AGREED_HOW_OF_MANY[how])) for how in AGREED_HOW_OF_MANY]
    done: set[int] = set()
    if request.method == "POST":
        try:
            if not form.validate():
                raise RuleBroken(WRONG)
            done = _hand_over_many(form, kept)
        except RuleBroken as broken:
            form.refuse(broken)
    if done and not form.errors:
        flash(HANDED_OVER)
        return redirect(url_for("loans.hand_over_many"), 303)
    page = render_template(
        "loans/staff/hand_over_many.html", form=form, done=len(done), settings=SETTINGS,
        kept=[one for one in kept if one.request.id not in done],
    )  # fmt: skip
    # What was handed over stays so, whatever is wrong with another line.
    return page, 422 if (form.errors or form.form_errors) and not done else 200


def _hand_over_many(form: ManyForm, kept: list[queries.Kept]) -> set[int]:
    """The requests that were handed over. Raises RuleBroken where nothing was typed at all."""
    session, principal, moment = db_session(), the_staff(), now()
    done: set[int] = set()
    lines = [(one, form[f"tag_{one.request.id}"]) for one in kept]
    typed = [(one, tag) for one, tag in lines if (tag.data or "").strip()]
    if not typed:
        raise RuleBroken(N_("Scan or type the tag beside each name."))
    for one, tag in typed:
        asked = one.request
        try:
            with session.begin_nested():
                unit = unit_by_mark(session, holder_id=asked.organisation_id, typed=tag.data)
                if unit is None:
                    raise RuleBroken(UNKNOWN_MARK)
                ticked = Ticked(
                    form_key=form.key_for(asked.id), place_id=number_of(form.place.data),
                    agreed_how=form.agreed_how.data or "",
                    is_agreed=bool(form.is_agreed.data), parts=[(part.name, part.count) for part in unit.parts],
                    settings_done=asked.settings.split() if form[f"set_{asked.id}"].data else (),
                    condition=unit.condition,
                )  # fmt: skip
                handover.hand_over(
                    session, request=asked, unit=unit, ticked=ticked, staff_id=principal.staff_id, now=moment
                )
                record_act(
                    session, principal, action="hand over device", resident_id=asked.resident_id,
                    items=("identity",), now=moment,
                )  # fmt: skip
            done.add(asked.id)
        except RuleBroken as broken:
            tag.errors = [*tag.errors, _(broken.message, **broken.params)]
    return done
