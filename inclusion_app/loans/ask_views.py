"""The form to ask for a device: four pages, without script, e-mail or phone. What is typed lies in the visit till it is sent."""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import i18n, pins
from inclusion_app.core.access import ANYONE, Principal, current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import asks_for_pictures
from inclusion_app.core.sessions import Visit, current_visit, had_visit, renew_browser
from inclusion_app.loans import asking, forms, queries, wording
from inclusion_app.loans.models import DeviceModel, LoanRequest
from inclusion_app.loans.rules import PURPOSES, REASONS, SETTINGS, WHOM, WORDING, WORDINGS
from inclusion_app.loans.services import requests
from inclusion_app.loans.views import room, speak_to
from inclusion_app.people import my_record_services, opening
from inclusion_app.people import services as people
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.contact import offered, show_value
from inclusion_app.people.models import Resident
from inclusion_app.people.queries import routes_of
from inclusion_app.people.rules import AGE_BANDS, ROUTES
from inclusion_app.places import queries as places
from inclusion_app.places.models import Place

PATHS = {1: "loans.ask", 2: "loans.ask_why", 3: "loans.ask_how", 4: "loans.ask_send"}


@room.page("/loans/ask", allow=ANYONE, methods=("GET", "POST"))
def ask() -> Any:
    """Page 1: which device, what for, for whom. Somebody whose plan is open by its code alone opens it first."""
    if current_principal().kind == "code":
        return render_template("loans/open_first.html")
    form, models = forms.WhatForm(), _models()
    form.offer(models)
    typed = asking.typed_so_far()
    if request.method == "POST":
        if form.validate():
            asking.keep(
                model=number_of(form.model.data), purposes=list(form.purposes.data or ()), whom=form.whom.data,
                wants_data=bool(form.wants_data.data),
            )  # fmt: skip
            return _to(2)
    else:
        form.model.data = request.args.get("model", "")[:10] or str(typed.get("model", ""))
        if typed:
            form.purposes.data, form.whom.data = typed["purposes"], typed["whom"]
            form.wants_data.data = typed["wants_data"]
        elif len(models) == 1:
            form.model.data = str(models[0].id)
    return _page("loans/ask_what.html", form, nothing=not models, **speak_to())


def _models() -> list[DeviceModel]:
    return queries.offered_models(db_session(), queries.open_schemes(db_session()))


def _to(page: int) -> Any:
    return redirect(url_for(PATHS[page]), 303)


def _page(template: str, form: Any, **words: Any) -> Any:
    page = render_template(template, form=form, **words)
    return page, 422 if form.errors or form.form_errors else 200


def _not_yet(page: int, typed: dict[str, Any]) -> Any:
    """Where to go when an earlier page is still empty, or the visit has ended; None when this page can be shown."""
    if current_principal().kind == "code":
        return _to(1)
    missing = asking.first_missing(typed, page)
    if missing is None:
        return None
    if not typed and had_visit():
        return render_template("errors/ended.html")
    return _to(missing)


@room.page("/loans/ask/2", allow=ANYONE, methods=("GET", "POST"))
def ask_why() -> Any:
    """Page 2: what makes somebody come sooner. Each question may be left out, and nothing has to be proven."""
    typed = asking.typed_so_far()
    elsewhere = _not_yet(2, typed)
    if elsewhere is not None:
        return elsewhere
    form = forms.WhyForm()
    form.offer()
    if request.method == "POST":
        if form.validate():
            asking.keep(answers=form.answers)
            return _to(3)
    else:
        for name, said in typed.get("answers", {}).items():
            form.reasons[name].data = "yes" if said else "no"
    return _page("loans/ask_why.html", form, **speak_to())


@room.page("/loans/ask/3", allow=ANYONE, methods=("GET", "POST"), reads=("contact",))
def ask_how() -> Any:
    """Page 3: how it is set, where to fetch it, how to reach somebody. What a saved plan knows is not asked again."""
    typed = asking.typed_so_far()
    elsewhere = _not_yet(3, typed)
    if elsewhere is not None:
        return elsewhere
    session, visit = db_session(), current_visit()
    resident = _resident()
    routes = routes_of(session, resident.id) if resident else []
    where = places.where_of_near(visit.near if visit else None)
    model = _model_of(typed)
    near = queries.places_of(session, [model.organisation_id] if model else [], where)
    form = forms.HowForm()
    asks_contact = not routes
    asks_age = asks_contact and (resident is None or resident.age_band is None)
    form.offer(near, offered(), asks_contact=asks_contact, asks_age=asks_age)
    area = places.ward_name(session, places.area_code(session, where)) if where else ""
    if request.method == "POST":
        if form.validate():
            asking.keep(**_how(form, area=places.area_code(session, where) if where else ""))
            return _to(4)
    elif "contact_kind" in typed:
        form.settings.data, form.name.data, form.age.data = typed["settings"], typed["name"], typed["age"]
        form.place.data = str(typed["place"] or forms.BRING)
        form.contact_kind.data, form.contact.data = typed["contact_kind"], typed["contact"]
        form.is_adults.data, form.keep_area.data = typed["is_adults"], bool(typed["ward"])
        form.is_discreet.data = typed["is_discreet"]
    return _page(
        "loans/ask_how.html", form, asks_contact=asks_contact, asks_age=asks_age, asks_name=resident is None,
        has_places=bool(near), area=area, **speak_to(),
        routes=[(ROUTES[route.kind], show_value(route.kind, route.value) if route.value else "") for route in routes],
    )  # fmt: skip


def _how(form: forms.HowForm, *, area: str) -> dict[str, Any]:
    place = form.place.data
    return {
        "settings": list(form.settings.data or ()),
        "place": number_of(place) if place != forms.BRING else None,
        "name": form.name.data or "",
        "age": form.age.data or "",
        "contact_kind": form.contact_kind.data,
        "contact": form.contact.data or "",
        "is_adults": bool(form.is_adults.data),
        "is_discreet": bool(form.is_discreet.data),
        "ward": area if form.keep_area.data else "",
    }


def _model_of(typed: dict[str, Any]) -> DeviceModel | None:
    return db_session().get(DeviceModel, typed["model"])


def _resident() -> Resident | None:
    principal = current_principal()
    return db_session().get(Resident, principal.resident_id) if principal.kind == "resident" else None


@room.page("/loans/ask/4", allow=ANYONE, methods=("GET", "POST"), reads=("contact",))
def ask_send() -> Any:
    """Page 4: look at it, choose a PIN or pictures where there is no plan yet, agree and send. Sent twice it asks once."""
    kind = "pictures" if asks_for_pictures() else "pin"
    if request.method == "POST":
        known = _sent_before(kind)
        if known is not None:
            return known
    typed = asking.typed_so_far()
    elsewhere = _not_yet(4, typed)
    if elsewhere is not None:
        return elsewhere
    form, principal = forms.SendForm(), current_principal()
    if request.method == "POST" and form.validate():
        try:
            return _send(form, kind, principal)
        except RuleBroken as broken:
            # Nothing of it stays, and the page is shown of what was before.
            db_session().rollback()
            form.refuse(broken)
    model = _model_of(typed)
    place = db_session().get(Place, typed["place"]) if typed["place"] else None
    return _page(
        "loans/ask_check.html", form, kind=kind, typed=typed, model=wording.model_words(model) if model else None,
        needs_secret=principal.kind != "resident",
        purposes=wording.listed(typed["purposes"], PURPOSES), whom=WHOM[typed["whom"]],
        reasons=wording.listed([name for name, yes in typed["answers"].items() if yes], REASONS),
        settings=wording.listed(typed["settings"], SETTINGS), place=place,
        way=ROUTES.get(typed["contact_kind"], ""), age=forms.AGES.get(typed["age"], ""),
        with_adult=typed["age"] in {"under_13", "13_15"}, consent=WORDINGS[WORDING],
        lender=_lender(model) if model else "", **speak_to(),
    )  # fmt: skip


def _lender(model: DeviceModel) -> str:
    return db_session().get_one(Organisation, model.organisation_id).name


def _sent_before(kind: str) -> Any:
    """The same form was sent a moment ago: its button was pressed twice, or somebody went back and pressed it again."""
    visit = current_visit()
    if visit is None and not _pressed_twice(forms.SendForm(), kind):
        return None
    visit = visit or current_visit()
    number = (visit.asking or {}).get(asking.SENT) if visit else None
    known = db_session().get(LoanRequest, number) if number else None
    return redirect(url_for("loans.request_page", code=known.code), 303) if known else None


def _pressed_twice(form: forms.SendForm, kind: str) -> bool:
    """The browser threw the first answer away with its new id in it: the same PIN or pictures lead to what was made."""

    def stored(session: Session, visit: Visit) -> opening.Stored | None:
        resident = session.get(Resident, visit.resident_id) if visit.resident_id else None
        return opening.Stored(resident.secret_kind, resident.secret_hash) if resident else None

    return opening.pressed_twice(
        stored, form.secret, secret_key=current_app.extensions["settings"].secret_key, now=now()
    )


def _send(form: forms.SendForm, kind: str, principal: Principal) -> Any:
    """Make the record where there is none, then ask. Raises RuleBroken; then nothing of it is kept."""
    secret_hash = ""
    if principal.kind != "resident":
        secret = form.secret(kind)
        # Slow on purpose, so it is done before the write lock is taken.
        db_session().rollback()
        opening.count_making(request.remote_addr, now=now())
        secret_hash = pins.hash_secret(secret, current_app.extensions["settings"].secret_key)
    session, moment, language = db_session(), now(), i18n.current_language().slug
    visit = _held_visit(session)
    if visit is None or not visit.asking or asking.SENT in visit.asking:
        # Sent twice, and the first one was quicker: it counts.
        return _sent_before(kind) or _to(1)
    typed, is_new = visit.asking, visit.resident_id is None
    visit.last_used_at = moment
    if is_new:
        resident = people.make_resident(
            session, secret_kind=kind, secret_hash=secret_hash, nickname=typed["name"] or None,
            pin_for_everything=False, language=language, now=moment,
        )  # fmt: skip
        opening.begin_record(resident, visit, now=moment)
    else:
        resident = session.get_one(Resident, visit.resident_id)
    _keep_facts(session, resident, typed)
    made = requests.ask(
        session, resident_id=resident.id, asked=asking.asked_of(typed, language=language), now=moment
    )
    requests.count_asking(session, resident_id=resident.id, now=moment)
    visit.asking = {asking.SENT: made.id}
    if is_new:
        renew_browser(visit)
    return redirect(url_for("loans.request_page", code=made.code), 303)


def _held_visit(session: Session) -> Visit | None:
    """This visit as it stands, held till the commit: of two presses the second one reads what the first one made."""
    visit = current_visit()
    if visit is None:
        return None
    mine = select(Visit).where(Visit.id == visit.id)
    return session.scalar(mine.with_for_update().execution_options(populate_existing=True))


def _keep_facts(session: Session, resident: Resident, typed: dict[str, Any]) -> None:
    """How to reach somebody and how old they are, where their record does not know it yet. Raises RuleBroken."""
    if resident.age_band is None and typed["age"] in AGE_BANDS:
        resident.age_band = typed["age"]
    if typed["contact_kind"] != forms.NO_WAY and not routes_of(session, resident.id):
        my_record_services.add_route(
            session, resident=resident, kind=typed["contact_kind"], value=typed["contact"], channels=offered(),
            is_adults=typed["is_adults"], now=now(),
        )  # fmt: skip
        if typed["is_discreet"]:
            resident.safe_contact = {**(resident.safe_contact or {}), "no_service_name": True}
