"""A caseworker or referrer asks for somebody of their caseload, and reads how it stands."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import Principal, record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.codes import code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_queue_forms as forms
from inclusion_app.loans import staff_queue_queries as queries
from inclusion_app.loans import staff_queue_words as words
from inclusion_app.loans.models import DeviceModel, LoanRequest
from inclusion_app.loans.services import offers, queue, requests
from inclusion_app.loans.staff_people import names_of
from inclusion_app.loans.staff_queue_views import title_of, words_for_pages
from inclusion_app.loans.views import room
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people_queries
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.models import Resident

# The code of a new request is shown to whoever asked for it, to give it to the person before they go.
SHOWS_CODE = timedelta(minutes=15)
registry.add_to_menu(registry.StaffLink("loans.sent", N_("Devices asked for"), policy.FOLLOW, 32))


def the_person(resident_id: int) -> Resident | None:
    """Somebody of my caseload, whose own consent stands: broken glass asks for nothing."""
    return people_queries.resident_for(db_session(), the_staff(), resident_id, "resident.edit")


@room.page("/staff/people/<int(max=999999999):resident_id>/ask-device", allow=people_policy.EDIT, load=the_person,
           methods=("GET", "POST"), reads=("identity",), localised=False)  # fmt: skip
def ask_for(resident: Resident) -> Any:
    """Ask for a device with the person present. They are told by the ways they chose for their plan."""
    session, principal, moment, number = db_session(), the_staff(), now(), resident.id
    language = resident.read or resident.language
    models = queries.lent_models(session)
    holders = {model.organisation_id for model in models}
    places = {place.id: place for one in holders for place in queries.places_of(session, one)}
    form = forms.AskForForm()
    form.model.choices = [(str(model.id), title_of(model)) for model in models]
    form.place.choices = [
        ("", _("Choose")),
        ("0", _("They cannot come: it is brought")),
        *(
            (str(place.id), place.name)
            for place in sorted(places.values(), key=lambda one: (one.name, one.id))
        ),
    ]
    if request.method == "GET":
        form.form_key.data = secrets.token_urlsafe(16)
    elif form.validate():
        try:
            _check_place(form, models)
            asked = requests.ask(
                session, resident_id=number, staff_id=principal.staff_id, referrer_id=principal.organisation_id,
                now=moment, asked=_asked(form, language, resident.ward),
            )  # fmt: skip
            record_act(
                session, principal, action="ask for a device for a person", resident_id=number,
                items=("identity", "contact", "loan"), now=moment,
            )  # fmt: skip
            flash(words.ASKED_FOR)
            return redirect(url_for("loans.sent_request", loan_request_id=asked.id), 303)
        except RuleBroken as broken:
            session.rollback()
            form.refuse(broken)
    shows_person(number, "identity")
    page = render_template(
        "loans/staff/ask_for.html", form=form, resident_id=number, name=resident.name or resident.nickname,
        models=models, wording=rules.WORDINGS[rules.WORDING], before=queries.followed_of(session, principal, number),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _check_place(form: forms.AskForForm, models: Sequence[DeviceModel]) -> None:
    """Each scheme hands over at its own places. Raises RuleBroken for a place of another one."""
    model = next(model for model in models if str(model.id) == form.model.data)
    there = queries.places_of(db_session(), model.organisation_id)
    if number_of(form.place.data) and number_of(form.place.data) not in {place.id for place in there}:
        raise RuleBroken(words.NOT_THERE, field="place")


def _asked(form: forms.AskForForm, language: str, ward: str | None) -> requests.Asked:
    return requests.Asked(
        form_key=f"staff {(form.form_key.data or '')[:40]}", model_id=int(form.model.data), language=language,
        purposes=form.purposes.data or (), whom=form.whom.data, wants_data=bool(form.wants_data.data),
        settings=form.settings.data or (), place_id=number_of(form.place.data) or None, ward=ward,
        # What they did not say yes to is not a no.
        answers=dict.fromkeys(form.reasons.data or (), True), consent_how="spoken",
    )  # fmt: skip


# --- how it stands


@room.page("/staff/loans/sent", allow=policy.FOLLOW, reads=("identity",), localised=False)
def sent() -> Any:
    """What I asked for, and what was asked for my caseload: a name only of whom I may see, while they share it."""
    session, principal = db_session(), the_staff()
    every = queries.Filters(state="all", sent_by=principal.organisation_id)
    total = queries.count_requests(session, principal, every, right="request.follow")
    page = page_number(total, queries.ON_A_PAGE)
    found = queries.requests_of(session, principal, every, page=page, right="request.follow")
    return render_template(
        "loans/staff/ask_for_list.html",
        requests=found,
        names=names_of(session, principal, _may_be_named(session, principal, found)),
        total=total,
        page=page,
        pages=max(1, -(-total // queries.ON_A_PAGE)),
        **words_for_pages(),
    )


def _may_be_named(session: Session, principal: Principal, found: Sequence[LoanRequest]) -> set[int]:
    """Whom a referrer asked for themself, and whom the table of people opens; who was handed on is a number only."""
    own = {one.resident_id for one in found if one.staff_id == principal.staff_id}
    opened = select(Resident.id).where(
        Resident.id.in_({one.resident_id for one in found}),
        people_policy.TABLE.rows("resident.identity", principal),
    )
    return (own if "referrer" in principal.roles else set()) | set(session.scalars(opened))


def _followed(loan_request_id: int) -> LoanRequest | None:
    return queries.request_for(db_session(), the_staff(), loan_request_id, "request.follow")


@room.page("/staff/loans/sent/<int(max=999999999):loan_request_id>", allow=policy.FOLLOW, load=_followed,
           reads=("loan",), localised=False)  # fmt: skip
def sent_request(asked: LoanRequest) -> Any:
    """How a request stands: its state, its place and about when. To whoever asked for it a moment ago, its code too."""
    session, moment = db_session(), now()
    is_new = asked.staff_id == the_staff().staff_id and moment - asked.made_at < SHOWS_CODE
    shows_person(asked.resident_id, "loan", *(("code",) if is_new else ()))
    return render_template(
        "loans/staff/ask_for_stands.html",
        asked=asked,
        place=queue.place_of(session, asked, moment) if asked.status == "queued" else None,
        offer=offers.live_offer(session, asked.id),
        code=show_code(asked.code) if is_new else "",
        code_words=" ".join(code_to_words(asked.code)) if is_new else "",
        slip_language=i18n.language_for(asked.language).slug,
        flagged=people_queries.flagged_by(session, [asked.resident_id]).get(asked.resident_id, []),
        may_open_person=people_policy.TABLE.allows(session, "resident.open", the_staff(), asked.resident_id),
        **words_for_pages(),
    )
