"""Stock of one scheme: device models and their words, units, parts, SIMs and what is counted."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from inclusion_app.core import i18n, registry
from inclusion_app.core.access import record_act, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.paging import page_number
from inclusion_app.core.uploads import takes_files
from inclusion_app.core.words import N_
from inclusion_app.loans import policy, rules, stock_csv
from inclusion_app.loans import staff_stock_forms as forms
from inclusion_app.loans import staff_stock_queries as queries
from inclusion_app.loans.models import DeviceModel, Evidence, Sim, StockItem, Unit
from inclusion_app.loans.services import files, stock
from inclusion_app.loans.services.cleaning import is_since_return, why_not_ready
from inclusion_app.loans.staff_loan_words import STATES as LOAN_STATES
from inclusion_app.loans.views import room
from inclusion_app.people.choice_fields import number_of

UNIT = "/staff/loans/units/<int(max=999999999):unit_id>"
MODEL = "/staff/loans/models/<int(max=999999999):model_id>"
SAVED = N_("Saved.")
NO_SCHEME = N_("Set up your scheme first.")
registry.add_to_menu(registry.StaffLink("loans.stock_list", N_("Devices"), policy.RUN_UNIT, 32))


def the_unit(unit_id: int) -> Unit | None:
    """One unit of the pool."""
    return queries.unit_for(db_session(), the_staff(), unit_id)


def holder() -> int:
    """The organisation the staff act for, which holds the pool. Raises RuleBroken where it has no scheme yet."""
    scheme = queries.scheme_of(db_session(), the_staff())
    if scheme is None:
        raise RuleBroken(NO_SCHEME)
    return scheme.organisation_id


def shown(template: str, form: BaseForm | None, **more: Any) -> Any:
    """A page with its form; 422 where something of it was refused."""
    page = render_template(f"loans/staff/{template}", form=form, **words_for_pages(), **more)
    return page, 422 if form is not None and (form.errors or form.form_errors) else 200


def refused(form: BaseForm, broken: RuleBroken) -> None:
    """Say why at the field, and forget what was changed in memory."""
    db_session().rollback()
    form.refuse(broken)


def words_for_pages() -> dict[str, Any]:
    """Tables of words and the few verbs the pages of the stock need."""
    return {
        "rules": rules,
        "local": i18n.local,
        "day_words": i18n.day_words,
        "clock_words": i18n.clock_words,
        "today": today(),
        "stamp": stamp,
        "loan_states": LOAN_STATES,
        "write_parts": stock_csv.write_parts,
        "is_since_return": is_since_return,
        "scheme": queries.scheme_of(db_session(), the_staff()),
    }


def stamp(moment: Any) -> str:
    """Day and time in words."""
    at = i18n.local(moment)
    return f"{i18n.day_words(at.date())}, {i18n.clock_words(at.time())}"


def act(action: str) -> None:
    """The row of a change in the record; nothing in the stock is about a resident."""
    record_act(db_session(), the_staff(), action=action, items=("stock",), now=now())


def first_press(form: Any, what: str) -> bool:
    """True for the first sending of a form."""
    whose = f"loans {what} {the_staff().staff_id}"
    return bool(form.is_first_press(db_session(), whose=whose, now=now()))


# --- units


def _chosen() -> queries.Filters:
    return queries.Filters(
        model_id=number_of(request.args.get("model", "")),
        place_id=number_of(request.args.get("place", "")),
        owner_id=number_of(request.args.get("owner", "")),
        fitness=request.args.get("fitness", "") if request.args.get("fitness") in rules.FITNESS else "",
        where=request.args.get("where", "") if request.args.get("where") in forms.WHERE else "",
        ends_soon=request.args.get("ends") == "soon",
        text=one_line(request.args.get("text", "")[:60]),
    )


def choices() -> dict[str, Any]:
    """Models, places and owners to choose from."""
    session, principal = db_session(), the_staff()
    return {
        "models": [(model.id, model.name) for model in queries.models_of(session, principal)],
        "places": queries.places(session),
        "owners": queries.owners(session),
    }


@room.page("/staff/loans/stock", allow=policy.RUN_UNIT, localised=False)
def stock_list() -> Any:
    """The units of the pool, narrowed by what stands in the address."""
    session, principal, chosen = db_session(), the_staff(), _chosen()
    total = queries.count_units(session, principal, chosen, today=today())
    page = page_number(total, queries.ON_A_PAGE)
    filters = forms.FilterForm(formdata=None)
    known = choices()
    filters.offer(**known)
    filters.text.data, filters.fitness.data, filters.where.data = chosen.text, chosen.fitness, chosen.where
    filters.model.data, filters.place.data = str(chosen.model_id), str(chosen.place_id)
    filters.owner.data, filters.ends.data = str(chosen.owner_id), "soon" if chosen.ends_soon else ""
    kept = {
        "model": chosen.model_id or None,
        "place": chosen.place_id or None,
        "owner": chosen.owner_id or None,
        "fitness": chosen.fitness or None,
        "where": chosen.where or None,
        "ends": "soon" if chosen.ends_soon else None,
        "text": chosen.text or None,
    }
    return shown(
        "stock.html", None, filters=filters, total=total, page=page, pages=-(-total // queries.ON_A_PAGE), kept=kept,
        units=queries.units_page(session, principal, chosen, page=page, today=today()), owner_names=known["owners"],
        ends_by=today() + queries.ENDS_SOON, narrowed=any(kept.values()),
    )  # fmt: skip


@room.page("/staff/loans/units/new", allow=policy.RUN_UNIT, methods=("GET", "POST"), localised=False)
def new_units() -> Any:
    """Make a unit, or so many that are alike; each has a tag of its own at once."""
    form = forms.NewUnitForm(**choices())
    if request.method == "GET":
        form.owner.data = the_staff().organisation_id
        form.model.data = number_of(request.args.get("model", ""))
    elif form.validate():
        try:
            if not first_press(form, "units"):
                return redirect(url_for("loans.stock_list"), 303)
            made = stock.make_units(
                db_session(), holder_id=holder(), facts=form.read(), count=form.count.count or 1,
                prefix=form.prefix.data or "", tag=form.tag.data or "", now=now(),
            )  # fmt: skip
            act("make devices")
            if len(made) == 1:
                return redirect(url_for("loans.stock_unit", unit_id=made[0].id), 303)
            return redirect(url_for("loans.labels", first=made[0].tag, last=made[-1].tag), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("unit_new.html", form)


@room.page(UNIT, allow=policy.RUN_UNIT, load=the_unit, localised=False)
def stock_unit(unit: Unit) -> Any:
    """One unit: what it is, where, its parts, what happened to it. Who had it is not told here."""
    return _unit_page(unit, forms.PhotoForm(formdata=None))


def _unit_page(unit: Unit, form: forms.PhotoForm) -> Any:
    session = db_session()
    past = queries.past_of(session, the_staff(), unit)
    return shown(
        "unit.html", form, unit=unit, past=past, owner=queries.owners(session).get(unit.owner_id, "–"),
        missing=why_not_ready(session, unit) if unit.status in ("intake", "quarantine", "wiping", "testing") else None,
        ends=unit.support_until or unit.model.support_until,
    )  # fmt: skip


@room.page(f"{UNIT}/edit", allow=policy.RUN_UNIT, load=the_unit, methods=("GET", "POST"), localised=False)
def change_unit(unit: Unit) -> Any:
    """Change what is known of it. Its tag stays."""
    known = choices()
    known["owners"] = {unit.owner_id: "–"} | known["owners"]
    form = forms.UnitForm(**known)
    if request.method == "GET":
        form.show(unit)
    elif form.validate():
        try:
            stock.change_unit(db_session(), unit=unit, facts=form.read())
            act("change device")
            flash(SAVED)
            return redirect(url_for("loans.stock_unit", unit_id=unit.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("unit_edit.html", form, unit=unit)


@room.page(f"{UNIT}/retire", allow=policy.RUN_UNIT, load=the_unit, methods=("GET", "POST"), localised=False)
def retire_unit(unit: Unit) -> Any:
    """It leaves the pool for good, for a reason."""
    form = forms.RetireForm()
    if request.method == "POST" and form.validate():
        try:
            stock.retire(db_session(), unit=unit, reason=form.reason.data, now=now())
            act("retire device")
            flash(N_("It is retired. Take its label off."))
            return redirect(url_for("loans.stock_unit", unit_id=unit.id), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("unit_retire.html", form, unit=unit)


@room.page(f"{UNIT}/photo", allow=policy.RUN_UNIT, load=the_unit, methods=("POST",), localised=False)
@takes_files
def unit_photo(unit: Unit) -> Any:
    """Keep a photo of its condition."""
    form = forms.PhotoForm()
    try:
        form.validate()
        files.keep_file(
            db_session(), instance=current_app.extensions["settings"].instance, organisation_id=unit.holder_id,
            kind="photo", data=form.file.sent, staff_id=the_staff().staff_id, now=now(), unit_id=unit.id,
        )  # fmt: skip
        act("change device")
        flash(N_("The photo is kept."))
        return redirect(url_for("loans.stock_unit", unit_id=unit.id, _anchor="photos"), 303)
    except RuleBroken as broken:
        refused(form, broken)
    return _unit_page(unit, form)


def the_evidence(evidence_id: int) -> Evidence | None:
    """A file of this scheme."""
    return queries.evidence_for(db_session(), the_staff(), evidence_id)


@room.page("/staff/loans/evidence/<int(max=999999999):evidence_id>", allow=policy.RUN, localised=False)
def evidence_file(evidence_id: int) -> Any:
    """A file, as a download; never shown as a page of ours. The right is that of the scheme, so the load is here."""
    row = the_evidence(evidence_id)
    data = files.open_file(row, instance=current_app.extensions["settings"].instance) if row else None
    if row is None or data is None:
        abort(404)
    answer = Response(data, mimetype=row.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{files.name_of(row)}"'
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


# --- device models


def the_model(model_id: int, **_more: Any) -> DeviceModel | None:
    """One model of the scheme."""
    return queries.model_for(db_session(), the_staff(), model_id)


@room.page("/staff/loans/models", allow=policy.WRITE_MODEL, localised=False)
def models() -> Any:
    """What residents can ask for."""
    session, principal = db_session(), the_staff()
    return shown(
        "models.html", None, models=queries.models_of(session, principal),
        counts=queries.units_by_model(session, principal), languages=tongues(), states=forms.WORDS_STATES,
    )  # fmt: skip


def tongues() -> list[i18n.Language]:
    """The languages of the service but English."""
    return [tongue for tongue in i18n.LANGUAGES.values() if tongue.released and tongue.slug != "en"]


@room.page("/staff/loans/models/new", allow=policy.WRITE_MODEL, methods=("GET", "POST"), localised=False)
def new_model() -> Any:
    """A new device model."""
    form = forms.ModelForm()
    if request.method == "POST" and form.validate():
        try:
            if first_press(form, "model"):
                stock.make_model(
                    db_session(), organisation_id=holder(), facts=form.read(), title=form.title.data or "",
                    summary=form.summary.data or "", now=now(),
                )  # fmt: skip
                act("write device model")
            return redirect(url_for("loans.models"), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("model.html", form, model=None, steps=registry.step_titles())


@room.page(MODEL, allow=policy.WRITE_MODEL, load=the_model, methods=("GET", "POST"), localised=False)
def model(found: DeviceModel) -> Any:
    """Change a device model and its English words."""
    form = forms.ModelForm()
    if request.method == "GET":
        form.show(found)
    elif form.validate():
        try:
            stock.change_model(
                db_session(), model=found, facts=form.read(), title=form.title.data or "",
                summary=form.summary.data or "",
            )  # fmt: skip
            act("write device model")
            flash(SAVED)
            return redirect(url_for("loans.models"), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("model.html", form, model=found, steps=registry.step_titles())


def _model_and_tongue(model_id: int, tongue: str) -> DeviceModel | None:
    if tongue not in {one.slug for one in tongues()}:
        return None
    return the_model(model_id)


@room.page(
    f"{MODEL}/words/<string(maxlength=8):tongue>", allow=policy.WRITE_MODEL, load=_model_and_tongue,
    methods=("GET", "POST"), localised=False,
)  # fmt: skip
def model_words(found: DeviceModel) -> Any:
    """The words of a model in another language: a draft, or checked by somebody who reads it."""
    tongue = i18n.LANGUAGES[(request.view_args or {})["tongue"]]
    form = forms.WordsForm()
    known = next((text for text in found.texts if text.language == tongue.slug), None)
    if request.method == "GET":
        form.state.data = known.state if known else "drafted"
        form.title.data, form.summary.data = (known.title, known.summary) if known else ("", "")
    elif form.validate():
        stock.put_words(
            db_session(), model=found, language=tongue.slug, title=form.title.data or "",
            summary=form.summary.data or "", state=form.state.data,
        )  # fmt: skip
        act("write device model")
        flash(SAVED)
        return redirect(url_for("loans.models"), 303)
    return shown("model_words.html", form, model=found, tongue=tongue, english=found.text_in("en"))


# --- SIM cards


@room.page("/staff/loans/sims", allow=policy.RUN_SIM, localised=False)
def sims() -> Any:
    """The SIM cards of the scheme; those whose data ends first come first."""
    session = db_session()
    state, text = request.args.get("state", ""), rules.plain_mark(request.args.get("text", "")[:40])
    soon = request.args.get("ends") == "soon"
    found = queries.sims_of(
        session, the_staff(), state=state, ends_before=today() + queries.DATA_ENDS_SOON if soon else None,
        text=text,
    )  # fmt: skip
    return shown(
        "sims.html", None, sims=found, place_names=dict(queries.places(session)), state=state, soon=soon,
        ends_by=today() + queries.DATA_ENDS_SOON,
    )  # fmt: skip


@room.page("/staff/loans/sims/new", allow=policy.RUN_SIM, methods=("GET", "POST"), localised=False)
def new_sim() -> Any:
    """A new SIM card."""
    form = forms.SimForm(places=queries.places(db_session()))
    if request.method == "POST" and form.validate():
        try:
            if first_press(form, "sim"):
                stock.make_sim(db_session(), holder_id=holder(), facts=form.read(), now=now())
                act("write sim")
            return redirect(url_for("loans.sims"), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("sim.html", form, sim=None)


def the_sim(sim_id: int) -> Sim | None:
    """One SIM of the scheme."""
    return queries.sim_for(db_session(), the_staff(), sim_id)


@room.page(
    "/staff/loans/sims/<int(max=999999999):sim_id>", allow=policy.RUN_SIM, load=the_sim, methods=("GET", "POST"),
    localised=False,
)  # fmt: skip
def sim(found: Sim) -> Any:
    """Change a SIM card, or say that it has ended or is lost."""
    form = forms.SimForm(places=queries.places(db_session()), before=found)
    if request.method == "GET":
        form.show(found)
        return shown("sim.html", form, sim=found)
    try:
        if request.form.get("do") in rules.SIM_STATES:
            stock.end_sim(db_session(), sim=found, to=request.form["do"])
        elif not form.validate():
            return shown("sim.html", form, sim=found)
        else:
            stock.change_sim(db_session(), sim=found, facts=form.read())
        act("write sim")
        flash(SAVED)
        return redirect(url_for("loans.sims"), 303)
    except RuleBroken as broken:
        refused(form, broken)
    return shown("sim.html", form, sim=found)


# --- what is counted


@room.page("/staff/loans/items", allow=policy.RUN_ITEM, methods=("GET", "POST"), localised=False)
def items() -> Any:
    """Accessories and what is used up, by place, with a form for a new one."""
    session = db_session()
    form = forms.ItemForm(places=queries.places(session))
    if request.method == "POST" and form.validate():
        try:
            if first_press(form, "item"):
                stock.make_item(
                    session, holder_id=holder(), place_id=form.place.data, kind=form.kind.data,
                    name=form.name.data or "", count=form.count.count or 0,
                )  # fmt: skip
                act("count stock")
            return redirect(url_for("loans.items"), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("items.html", form, items=queries.items_of(session, the_staff()), kinds=forms.ITEM_KINDS)


def the_item(stock_item_id: int) -> StockItem | None:
    """One of what is counted."""
    return queries.item_for(db_session(), the_staff(), stock_item_id)


@room.page(
    "/staff/loans/items/<int(max=999999999):stock_item_id>", allow=policy.RUN_ITEM, load=the_item,
    methods=("GET", "POST"), localised=False,
)  # fmt: skip
def item(found: StockItem) -> Any:
    """So many more in stock, or fewer."""
    form = forms.ByForm()
    if request.method == "POST" and form.validate():
        try:
            if first_press(form, f"item {found.id}"):
                stock.count_item(db_session(), item=found, by=form.by.count or 0)
                act("count stock")
                flash(N_("Counted."))
            return redirect(url_for("loans.items"), 303)
        except RuleBroken as broken:
            refused(form, broken)
    return shown("item.html", form, item=found)
