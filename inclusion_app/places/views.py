"""The finder, one place, and "tell us it is wrong"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms.fields.choices import SelectChoice

from inclusion_app.core import attempts, i18n
from inclusion_app.core.access import ANYONE, Room
from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import db_session, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.geo import metres_between
from inclusion_app.core.sessions import VisitEnded, current_visit, had_visit, visit_for_change
from inclusion_app.core.words import N_
from inclusion_app.places import drawing, forms, names, organisations, queries, services, wording
from inclusion_app.places.hours import is_told_by_rules, status_at, week
from inclusion_app.places.models import Place
from inclusion_app.places.postcodes import Postcode, read_where
from inclusion_app.places.rules import FACILITIES, KINDS
from inclusion_app.places.sites import site_words

room = Room("places", __name__)
room.add_app_template_filter(site_words)
OPEN_WISHES = {"now": _l("Open now"), "late": _l("After 5 or at the weekend")}
SHOWN_FACILITIES = (
    "computers",
    "wifi",
    "data_sim",
    "device_donation",
    "staff_help",
    "tools",
    "printing",
    "step_free",
)


LAST_PAGE = 10_000  # beyond any list; a database counts rows in 64 bits only


@room.page("/places", allow=ANYONE, methods=("GET", "POST"))
def finder() -> Any:
    """Nearest first. A full postcode comes by POST, is kept for the visit, and never stands in an address."""
    form = forms.WhereForm()
    if request.method == "POST":
        found = queries.find_where(db_session(), form.near.data or "")
        if isinstance(found, queries.Where):
            if _for_plan() and had_visit():
                raise VisitEnded
            visit_for_change(db_session(), now()).near = found.as_near()
            # From beyond the region the plan's places are rough: that is said here first, and leads on to the plan.
            if _for_plan() and not found.outside:
                return redirect(url_for("roadmaps.plan"), 303)
            return redirect(url_for("places.finder", near="mine", **_kept(plan=True)), 303)
        form.refuse(wording.why_not(found))
        return _results(form, None, 422, nearest=found.nearest if found else "")
    near = request.args.get("near", "").strip()
    if near == "mine":
        visit = current_visit()
        return _results(form, queries.where_of_near(visit.near if visit else None), 200)
    read = read_where(near)
    if isinstance(read, Postcode):
        return redirect(url_for("places.finder", near=read.outward, **_kept(plan=True)), 303)
    found = queries.find_where(db_session(), near)
    form.near.data = near
    if isinstance(found, queries.NotFound):
        form.refuse(wording.why_not(found))
        return _results(form, None, 422, nearest=found.nearest)
    return _results(form, found, 200)


@room.page("/places/areas", allow=ANYONE)
def areas() -> Any:
    """All names to pick from, for whoever cannot type one: links to the finder, or buttons that set it for the plan."""
    language = i18n.current_language().code
    own, around = queries.names_to_pick(db_session())
    return render_template(
        "places/areas.html",
        groups=names.in_order(own, language),
        around=[item for _letter, group in names.in_order(around, language) for item in group],
        in_own_letters=bool(names.written(own[0], language)),
        wards=queries.all_wards(db_session(), of_the_city=True),
        for_plan=_for_plan(),
        kept=_kept(),
        form=forms.WhereForm(formdata=None),
    )


def _for_plan() -> bool:
    return request.values.get("for") == "plan"


def _kept(plan: bool = False) -> dict[str, Any]:
    """What rides along in the address: the filters, and with `plan` that the plan asked where somebody is."""
    kept = {
        name: request.args.getlist(name) if name == "has" else request.args[name]
        for name in ("kind", "open", "has")
        if request.args.get(name)
    }
    return {**kept, "for": "plan"} if plan and _for_plan() else kept


def _known(filters: queries.Filters) -> dict[str, Any]:
    """The filters as they ride along from a list: what is unknown was said once and is left behind."""
    return {
        name: value
        for name, value in (
            ("kind", filters.kind),
            ("open", filters.open),
            ("has", list(filters.facilities)),
        )
        if value
    }


def _filters(kinds: set[str], facilities: set[str]) -> queries.Filters:
    """What stands in the address and is known; the rest is as if it were not there."""
    kind, opens = request.args.get("kind", ""), request.args.get("open", "")
    return queries.Filters(
        kind=kind if kind in kinds else "",
        open=opens if opens in OPEN_WISHES else "",
        facilities=tuple(name for name in request.args.getlist("has") if name in facilities),
    )


def _asks_for_unknown(filters: queries.Filters) -> bool:
    """True when the address asks for a list we have not, or have no more: an old bookmark or a printed link."""
    asked = {request.args.get("kind"), request.args.get("open"), *request.args.getlist("has")}
    return not asked <= {None, "", filters.kind, filters.open, *filters.facilities}


def _results(form: forms.WhereForm, where: queries.Where | None, status: int, nearest: str = "") -> Any:
    session, moment = db_session(), now()
    kinds = queries.kinds_with_data(session) | organisations.kinds_without_address()
    facilities = queries.facilities_with_data(session)
    filters = _filters(kinds, facilities)
    page = min(max(1, request.args.get("page", 1, type=int)), LAST_PAGE)
    found, total = queries.find_places(session, where=where, filters=filters, now=moment, page=page)
    entries = [
        _entry(item, (page - 1) * queries.PAGE + number, moment, filters.facilities)
        for number, item in enumerate(found, 1)
    ]
    sheet = queries.city_sheet(session)
    html = render_template(
        "places/finder.html",
        form=form,
        where=where,
        entries=entries,
        total=total,
        page=page,
        pages=-(-total // queries.PAGE),
        filters=filters,
        unknown=_asks_for_unknown(filters),
        kinds=[(kind, KINDS[kind]) for kind in KINDS if kind in kinds],
        wishes=OPEN_WISHES,
        facilities=[(name, FACILITIES[name]) for name in SHOWN_FACILITIES if name in facilities],
        facility_words=FACILITIES,
        without_address=organisations.without_address(
            filters.kind, queries.nearest_district(session, where) if where else ""
        ),
        drawn=drawing.city_map(sheet, entries, where) if sheet else None,
        for_plan=_for_plan(),
        ward=queries.slug_of_ward(session, where.ward_id) if where else None,
        where_name=_shown_name(where),
        outside=wording.outside_words(where),
        nearest=nearest or (where.outside if where else ""),
        kept=_known(filters),
        mine="mine" if where and request.args.get("near") == "mine" else (request.args.get("near") or None),
        asked_mine=request.args.get("near") == "mine",
    )
    return html, status


def _shown_name(where: queries.Where | None) -> str | Markup:
    """The name of where somebody looks from, said in English, with how it is written in the reader's letters."""
    language = i18n.current_language()
    if where is None or language.slug == "en":
        return where.name if where else ""
    other = names.written(where.name, language.code)
    name = Markup('<bdi lang="en">{}</bdi>').format(where.name)
    return i18n.two(Markup("{} ({})").format(name, other), name) if other else name


def _entry(item: queries.Found, number: int, moment: datetime, asked: tuple[str, ...]) -> dict[str, Any]:
    """One place of the list: at most three facts, a "no" and what was asked for before the rest."""
    place = item.place
    facts = [fact for fact in place.facilities if fact.value != "not_known" and fact.name in SHOWN_FACILITIES]
    facts.sort(key=lambda fact: (fact.value != "no", fact.name not in asked))
    open_now, leave = wording.visit_words(item, moment)
    return {
        "place": place,
        "number": number,
        "distance": wording.distance_words(item),
        "open": open_now,
        "leave": leave,
        "note": _(place.opening_note) if place.opening_note and place.spans else "",
        "kinds": [_(KINDS[kind]) for kind in place.kind_list],
        "facts": facts[:3],
    }


def _place(slug: str) -> Place | None:
    return queries.place_by_slug(db_session(), slug)


@room.page("/places/<slug>", allow=ANYONE, load=_place)
def place(here: Place) -> Any:
    """One place: hours, facilities, how sure we are and when somebody checked."""
    return _place_page(here, forms.ReportForm(formdata=None))


def _looking_from() -> tuple[queries.Where | None, str]:
    """Where somebody came from on the list: a name in the address, else what the visit keeps; with its address part."""
    near = request.args.get("near", "").strip()
    if near and not isinstance(read_where(near), Postcode):
        found = queries.find_where(db_session(), near)
        if isinstance(found, queries.Where):
            return found, near
    visit = current_visit()
    return queries.where_of_near(visit.near if visit else None), "mine"


def _place_page(here: Place, form: forms.ReportForm, reported: bool = False) -> Any:
    moment = now()
    today = moment.astimezone(LONDON).date()
    days = queries.holidays(db_session())
    monday = today - timedelta(days=today.weekday())
    where, near = _looking_from()
    found = queries.Found(
        here,
        metres_between(where.lat, where.lng, here.lat, here.lng)
        if where and here.lat is not None and here.lng is not None
        else None,
        status_at(here.hours, moment, days),
        from_edge=bool(where and where.outside),
    )
    open_now, leave = wording.visit_words(found, moment)
    this_week = week(here.hours, monday, days) if here.spans else ()
    known = {fact.name: fact for fact in here.facilities}
    form.what.choices = [SelectChoice(value, _(label)) for value, label in forms.WHAT_IS_WRONG.items()]
    page = render_template(
        "places/place.html",
        place=here,
        ward=queries.slug_of_ward(db_session(), here.ward_id),
        open=open_now,
        leave=leave,
        distance=wording.distance_words(found),
        near=near if found.metres is not None else None,
        week=() if is_told_by_rules(here.hours, this_week) else this_week,
        rules=[both.own for both in wording.rule_words(here)],
        closed=_(wording.closed_text(here)),
        hours_source=wording.hours_source_words(here).own,
        self_service=_(text) if (text := wording.self_service_text(here)) else "",
        today=today,
        kinds=[_(KINDS[kind]) for kind in here.kind_list],
        facts=[
            (FACILITIES[name], known.get(name))
            for name in FACILITIES
            if name in known or name in SHOWN_FACILITIES
        ],
        form=form,
        reported=reported,
    )
    return page, 422 if form.errors else 200


@room.page("/places/<slug>/wrong", allow=ANYONE, load=_place, methods=("GET", "POST"))
def report(here: Place) -> Any:
    """Keep a report; no name, no account."""
    form = forms.ReportForm()
    form.what.choices = [SelectChoice(value, _(label)) for value, label in forms.WHAT_IS_WRONG.items()]
    if request.method == "POST" and form.validate():
        try:
            _claim_report()
            services.report_place(
                db_session(),
                place=here,
                what=form.what.data,
                words=form.words.data or "",
                language=i18n.current_language().slug,
                now=now(),
            )
            return redirect(url_for("places.reported", slug=here.slug), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template("places/wrong.html", place=here, form=form)
    return page, 422 if form.errors else 200


def _claim_report() -> None:
    """One more report from this network. Raises RuleBroken when there were too many; what was typed stays in the form."""
    network = keyed_hash("attempt-report", attempts.network_of(request.remote_addr))
    with side_write() as session:
        free = attempts.claim(session, key_hash=network, limit=attempts.REPORT_NETWORK, now=now())
    if not free:
        raise RuleBroken(
            N_("Many people near you wrote to us just now. Try again in an hour."), field="words"
        )


@room.page("/places/<slug>/thanks", allow=ANYONE, load=_place)
def reported(here: Place) -> Any:
    return render_template("places/thanks.html", place=here)
