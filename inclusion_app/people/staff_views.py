"""Pages of the staff about residents: the caseload, one page of a person, their record, consent and linking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import pins, registry
from inclusion_app.core.access import Principal, record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, code_to_words, show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, asks_for_pictures
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people import (
    consent_services,
    contact,
    flag_queries,
    merge_services,
    opening,
    policy,
    queries,
    record_services,
    rules,
    services,
    staff_forms,
)
from inclusion_app.people import staff_words as words
from inclusion_app.people.forms import code_of
from inclusion_app.people.models import CaseloadEntry, GivenCode, Merge, Resident
from inclusion_app.people.views import room

ONE = "/staff/people/<int(max=999999999):resident_id>"
LINK = "/staff/people/links/<int(max=999999999):merge_id>"
# So long the code of a new record can be looked at again by whoever made it, with the person beside them.
CODE_SHOWN_FOR = timedelta(minutes=15)
PARTS = (*rules.ITEMS, "consents")
registry.add_to_menu(registry.StaffLink("people.caseload", N_("People"), policy.RECORD, 10))
registry.add_to_menu(registry.StaffLink("people.links", N_("Links between records"), policy.DECIDE_MERGE, 12))


def waiting_links(session: Session, principal: Principal, moment: datetime) -> list[registry.WaitingItem]:
    """Requests to link two records that somebody else of the organisation made."""
    if not policy.DECIDE_MERGE.may_at_all(principal):
        return []
    return [
        registry.WaitingItem(
            _("Somebody asks to link two records"),
            url_for("people.links"),
            link.merge.asked_at,
        )
        for link in queries.links_for(session, principal, moment)
        if link.merge.agreed_at is None and link.merge.asked_by_id != principal.staff_id
    ]


registry.wait_for(waiting_links)


def _with(*rights: str) -> Any:
    """The load of a page of one person: through the list filters of these rights together."""

    def load(resident_id: int) -> Resident | None:
        return queries.resident_for(db_session(), the_staff(), resident_id, *rights)

    return load


def _to_change(item: str) -> Any:
    """The load of a page that changes this item: what broken glass shows is not changed by it."""

    def load(resident_id: int) -> Resident | None:
        return queries.resident_to_change(db_session(), the_staff(), resident_id, item)

    return load


def _shown(template: str, form: BaseForm, **more: Any) -> Any:
    page = render_template(f"people/staff/{template}", form=form, **more)
    return page, 422 if form.errors or form.form_errors else 200


def _back_to(resident: Resident) -> Any:
    return redirect(url_for("people.person", resident_id=resident.id), 303)


def _warn_of_match(session: Session, resident: Resident) -> None:
    if queries.may_be_known(session, the_staff(), resident):
        flash(words.POSSIBLE_MATCH)


@room.page("/staff/people", allow=policy.RECORD, reads=("identity",), localised=False)
def caseload() -> Any:
    """My own caseload by name, or that of the organisation where it is shared."""
    session, principal = db_session(), the_staff()
    mine = request.args.get("whose") != "organisation"
    people, size = queries.people_of(session, principal, mine=mine), rules.PEOPLE_ON_A_PAGE
    page = page_number(len(people), size)
    return render_template(
        "people/staff/people.html",
        people=people[(page - 1) * size : page * size],
        total=len(people),
        page=page,
        pages=-(-len(people) // size),
        restricted=queries.restricted_of(session, principal) if mine else [],
        mine=mine,
        form=staff_forms.SearchForm(),
    )


@room.page(
    "/staff/people/search", allow=policy.SEARCH, methods=("POST",), reads=("identity",), localised=False
)
def search() -> Any:
    """An exact phone number, e-mail address or code finds whom I may see, or nobody."""
    form = staff_forms.SearchForm()
    found = _found((form.what.data or "")[:200])
    if len(found) == 1:
        shows_person(found[0].id, "identity")
    return render_template("people/staff/found.html", form=form, found=found)


def _found(typed: str) -> Sequence[queries.Line]:
    session, principal = db_session(), the_staff()
    if "@" not in typed:
        try:
            return queries.people_with_code(session, principal, code_of(typed))
        except BrokenCode:
            pass
    try:
        value = contact.read_value("email" if "@" in typed else "call", typed)
    except RuleBroken:
        return []
    return queries.people_with_value(session, principal, value)


@room.page("/staff/people/new", allow=policy.RECORD, methods=("GET", "POST"), localised=False)
def new_record() -> Any:
    """Make a record with the person present: consent, what they wish to say, and the PIN or pictures they choose."""
    session, principal = db_session(), the_staff()
    form = staff_forms.NewRecordForm(
        staff=queries.colleagues(session, principal.organisation_id),
        organisations=queries.open_organisations(session),
    )
    kind = "pictures" if asks_for_pictures() else "pin"
    if request.method == "POST" and form.validate():
        try:
            return _make(form, kind, principal)
        except RuleBroken as broken:
            form.refuse(broken)
    return _shown("new.html", form, kind=kind, wording=rules.WORDINGS[rules.WORDING])


def _make(form: staff_forms.NewRecordForm, kind: str, principal: Principal) -> Any:
    moment = now()
    facts: dict[str, Any] = {
        "agreement": form.agreement(),
        "language": form.language.data,
        "identity": form.identity(_area(form)),
        "needs": form.needs.data or (),
        "routes": form.routes(),
        "address": form.address.data or "",
        "safe_contact": form.safe_contact(),
    }
    secret = form.secret(kind)
    # Slow on purpose, so it is done before the write lock is taken.
    db_session().rollback()
    secret_hash = pins.hash_secret(secret, current_app.extensions["settings"].secret_key)
    session = db_session()
    if not form.is_first_press(session, whose=f"record of {principal.staff_id}", now=moment):
        return redirect(url_for("people.caseload"), 303)
    resident = record_services.make_record(
        session, actor=principal, secret_kind=kind, secret_hash=secret_hash, now=moment, **facts
    )
    _warn_of_match(session, resident)
    return redirect(url_for("people.record_made", resident_id=resident.id), 303)


def _area(form: staff_forms.IdentityForm) -> tuple[str, str]:
    """Ward and sector of the typed postcode, which goes no further. Raises RuleBroken for one nobody knows."""
    typed = (form.postcode.data or "").strip()
    if not typed:
        return "", ""
    area = services.AREA_OF[0](db_session(), typed) if services.AREA_OF else ("", "")
    if not any(area):
        raise RuleBroken(staff_forms.UNKNOWN_POSTCODE, field="postcode")
    return area


def _just_made(resident_id: int) -> Resident | None:
    """A record I made a few minutes ago: only then is its code shown to me."""
    session, principal = db_session(), the_staff()
    resident = queries.resident_for(session, principal, resident_id, "resident.edit")
    if resident is None or resident.made_at <= now() - CODE_SHOWN_FOR:
        return None
    # A code the person got since is theirs alone.
    first = select(GivenCode.code_hash).where(
        GivenCode.code_hash == resident.code_hash, GivenCode.given_at == resident.made_at
    )
    if session.scalar(first) is None:
        return None
    made = select(CaseloadEntry.id).where(
        CaseloadEntry.resident_id == resident_id,
        CaseloadEntry.staff_id == principal.staff_id,
        CaseloadEntry.since_at == resident.made_at,
    )
    return resident if session.scalar(made) is not None else None


@room.page(f"{ONE}/code", allow=policy.EDIT, load=_just_made, reads=("code",), localised=False)
def record_made(resident: Resident) -> Any:
    """The code of a new record, for the person to write down."""
    shows_person(resident.id, "code")
    return render_template(
        "people/staff/made.html",
        resident=resident,
        code=show_code(resident.code),
        code_words=code_to_words(resident.code),
    )


@room.page("/staff/people/join", allow=policy.RECORD, methods=("GET", "POST"), localised=False)
def join() -> Any:
    """Somebody who has a plan already shares with us: they type their code with PIN or pictures themselves."""
    form, pictures = staff_forms.JoinForm(), asks_for_pictures()
    if request.method == "POST" and form.validate() and (code := form.read_code()) is not None:
        try:
            return _join(form, code, pictures)
        except RuleBroken as broken:
            form.refuse(broken)
    return _shown("join.html", form, pictures=pictures, wording=rules.WORDINGS[rules.WORDING])


def _join(form: staff_forms.JoinForm, code: str, pictures: bool) -> Any:
    principal, moment = the_staff(), now()
    secret = form.secret() if pictures else pins.read_pin(form.pin.data or "")
    db_session().rollback()
    proven = opening.prove(
        code, secret, address=request.remote_addr, now=moment,
        secret_key=current_app.extensions["settings"].secret_key,
    )  # fmt: skip
    session = db_session()
    if not form.is_first_press(session, whose=f"join of {principal.staff_id}", now=moment):
        return redirect(url_for("people.caseload"), 303)
    record_services.write_down_consent(
        session, actor=principal, resident_id=proven.facts.number, agreement=form.agreement(), by_themselves=True,
        now=moment,
    )  # fmt: skip
    record_services.put_on_caseload(session, actor=principal, resident_id=proven.facts.number, now=moment)
    flash(words.ON_CASELOAD)
    seen = queries.resident_for(session, principal, proven.facts.number, "resident.open")
    # Whom the person is kept from gets no page of theirs by this door either.
    return _back_to(seen) if seen else redirect(url_for("people.caseload"), 303)


@room.page(ONE, allow=policy.OPEN, load=_with("resident.open"), reads=PARTS, localised=False)
def person(resident: Resident) -> Any:
    """One page of a person, made of the parts that are shared with us now."""
    session, principal, moment = db_session(), the_staff(), now()
    parts = queries.parts_seen(session, principal, resident.id)
    glass = queries.glass_of(session, principal, resident.id, moment)
    for_request = policy.OPEN.role_for(principal, resident) == "data_protection"
    shows_person(
        resident.id,
        *parts,
        *(("safe contact",) if resident.safe_contact else ()),
        purpose="safety" if glass else "request" if for_request else "help",
    )
    own = None if for_request else principal.organisation_id
    return render_template(
        "people/staff/person.html",
        resident=resident,
        parts=parts,
        glass=glass,
        may_edit=policy.TABLE.allows(session, "resident.edit", principal, resident.id),
        may_flag=policy.RAISE_FLAG.grants(principal, resident),
        flagged=queries.flagged_by(session, [resident.id]).get(resident.id, []),
        flags=flag_queries.flags_about(session, principal, resident.id),
        changed=queries.parts_changed(session, principal, resident.id),
        routes=queries.routes_of(session, resident.id) if "contact" in parts else [],
        safe=safe_words(session, resident),
        steps=services.PLAN_OF[0](session, resident.id) if "plan" in parts and services.PLAN_OF else [],
        consents=queries.consents_of(session, resident.id, organisation_id=own)
        if "consents" in parts
        else [],
        kept=queries.kept_from(session, resident.id) if "consents" in parts else [],
        linked=[
            (number, policy.TABLE.allows(session, "resident.open", principal, number))
            for number in queries.linked_to(session, resident.id)
        ],
        linked_to=resident.merged_into_id
        if resident.merged_into_id
        and policy.TABLE.allows(session, "resident.open", principal, resident.merged_into_id)
        else None,
        ward=services.WARD_NAME[0](session, resident.ward) if resident.ward and services.WARD_NAME else "",
        language_name=staff_forms.language_name,
        show_value=contact.show_value,
        rules=rules,
        how_given=words.HOW_GIVEN,
        moment=moment,
        form=BaseForm(),
    )


def safe_words(session: Session, resident: Resident) -> dict[str, Any]:
    """The safe-contact rule in parts that a page can say; empty when nothing was said."""
    rule = resident.safe_contact or {}
    if not rules.has_safe_contact(rule):
        return {}
    return {
        "never": [said for name, said in rules.NEVER.items() if rule.get(name)],
        "hours": rule.get("hours"),
        "not_through": queries.names_of(
            session, staff=rule.get("not_staff") or [], organisations=rule.get("not_organisations") or []
        ),
        "interpreters": rule.get("interpreters_to_avoid"),
    }


@room.page(
    f"{ONE}/identity", allow=policy.EDIT, load=_to_change("identity"),
    methods=("GET", "POST"), reads=("identity",), localised=False,
)  # fmt: skip
def edit_identity(resident: Resident) -> Any:
    """Name, languages, age group and area."""
    form = staff_forms.IdentityForm()
    if request.method == "GET":
        form.show_identity(resident)
    elif form.validate():
        try:
            area = (
                _area(form)
                if (form.postcode.data or "").strip()
                else (resident.ward or "", resident.postcode_sector or "")
            )
            record_services.change_identity(
                db_session(), actor=the_staff(), resident=resident, identity=form.identity(area), now=now()
            )
            return _saved(resident)
        except RuleBroken as broken:
            form.refuse(broken)
    return _edit("identity.html", form, resident, "identity")


def _saved(resident: Resident) -> Any:
    flash(words.SAVED)
    _warn_of_match(db_session(), resident)
    return _back_to(resident)


def _edit(template: str, form: BaseForm, resident: Resident, *items: str, **more: Any) -> Any:
    shows_person(resident.id, *items)
    number = resident.id
    # What a refused form has changed in memory is not what stands in the record.
    db_session().rollback()
    return _shown(template, form, resident_id=number, **more)


@room.page(
    f"{ONE}/needs", allow=policy.EDIT, load=_to_change("needs"),
    methods=("GET", "POST"), reads=("needs",), localised=False,
)  # fmt: skip
def edit_needs(resident: Resident) -> Any:
    """What the person needs to take part."""
    form = staff_forms.NeedsForm()
    if request.method == "GET":
        form.needs.data = (resident.needs or {}).get("needs", [])
    elif form.validate():
        record_services.change_needs(
            db_session(), actor=the_staff(), resident=resident, needs=form.needs.data or (), now=now()
        )
        return _saved(resident)
    return _edit("needs.html", form, resident, "needs")


@room.page(
    f"{ONE}/contact", allow=policy.EDIT, load=_to_change("contact"),
    methods=("GET", "POST"), reads=("contact",), localised=False,
)  # fmt: skip
def edit_contact(resident: Resident) -> Any:
    """The ways to reach somebody, in order, and how never to."""
    session, principal = db_session(), the_staff()
    form = staff_forms.ContactForm(
        staff=queries.colleagues(session, principal.organisation_id),
        organisations=queries.open_organisations(session),
        kept=queries.kinds_of_routes(session, resident.id),
    )
    if request.method == "GET":
        form.show_contact(resident, queries.routes_of(session, resident.id))
    elif form.validate():
        try:
            record_services.change_contact(
                session, actor=principal, resident=resident, routes=form.routes(),
                address=form.address.data or "", safe_contact=form.safe_contact(resident.safe_contact), now=now(),
            )  # fmt: skip
            return _saved(resident)
        except RuleBroken as broken:
            form.refuse(broken)
    return _edit("contact.html", form, resident, "contact")


@room.page(
    f"{ONE}/consents/new", allow=policy.EDIT, load=_with("resident.edit"), methods=("GET", "POST"), localised=False
)  # fmt: skip
def new_consent(resident: Resident) -> Any:
    """The person says yes once more, or to more: a new row beside the old ones."""
    form = staff_forms.ToldAgreementForm()
    if request.method == "POST" and form.validate():
        session, moment = db_session(), now()
        if not form.is_first_press(session, whose=f"consent of {resident.id}", now=moment):
            return _back_to(resident)
        try:
            record_services.write_down_consent(
                session, actor=the_staff(), resident_id=resident.id, agreement=form.agreement(), now=moment
            )
            flash(words.CONSENT_SAVED)
            return _back_to(resident)
        except RuleBroken as broken:
            form.refuse(broken)
    return _shown(
        "consent.html", form, resident_id=resident.id, wording=rules.WORDINGS[rules.WORDING]
    )  # fmt: skip


def _own_consent(resident_id: int, consent_id: int) -> Resident | None:
    """The resident, when this consent is theirs and was given to the organisation that asks."""
    session, principal = db_session(), the_staff()
    resident = queries.resident_for(session, principal, resident_id, "resident.edit")
    mine = queries.consents_of(session, resident_id, organisation_id=principal.organisation_id)
    return resident if consent_id in {shared.consent.id for shared in mine} else None


@room.page(
    f"{ONE}/consents/<int(max=999999999):consent_id>/end", allow=policy.EDIT, methods=("POST",), localised=False,
    load=_own_consent,
)  # fmt: skip
def end_consent(resident: Resident) -> Any:
    """The person says no to us, in front of us: it counts from the next page on."""
    session, principal, moment = db_session(), the_staff(), now()
    consent_id = int((request.view_args or {})["consent_id"])
    if consent_services.withdraw_consent(session, resident_id=resident.id, consent_id=consent_id, now=moment):
        record_act(
            session, principal, action="withdraw consent", resident_id=resident.id, items=("consents",), now=moment
        )  # fmt: skip
    flash(words.CONSENT_ENDED)
    seen = queries.resident_for(session, principal, resident.id, "resident.open")
    return _back_to(seen) if seen else redirect(url_for("people.caseload"), 303)


@room.page(
    f"{ONE}/restrict", allow=policy.EDIT, load=_with("resident.edit"), methods=("GET", "POST"),
    reads=("restriction",), localised=False,
)  # fmt: skip
def restrict(resident: Resident) -> Any:
    """The person asks to be kept from somebody, or out of every search."""
    session, principal, moment = db_session(), the_staff(), now()
    form = staff_forms.RestrictForm()
    form.staff.choices = queries.colleagues(session, principal.organisation_id)
    form.organisations.choices = queries.open_organisations(session)
    if request.method == "GET":
        form.restricted.data = resident.is_restricted
    elif form.validate():
        if bool(form.restricted.data) != resident.is_restricted:
            record_services.restrict(
                session, actor=principal, resident_id=resident.id, on=bool(form.restricted.data), now=moment
            )
        record_services.keep_from(
            session, actor=principal, resident_id=resident.id, staff=form.staff.data or (),
            organisations=form.organisations.data or (), now=moment,
        )  # fmt: skip
        flash(words.RESTRICTED)
        seen = queries.resident_for(session, principal, resident.id, "resident.open")
        return _back_to(seen) if seen else redirect(url_for("people.caseload"), 303)
    return _edit("restrict.html", form, resident, "restriction", kept=queries.kept_from(session, resident.id))


@room.page(
    f"{ONE}/restrict/<int(max=999999999):restriction_id>/end", allow=policy.EDIT, methods=("POST",), localised=False,
    load=lambda resident_id, restriction_id: _with("resident.edit")(resident_id),
)  # fmt: skip
def end_restriction(resident: Resident) -> Any:
    """The person takes a wish back."""
    number = int((request.view_args or {})["restriction_id"])
    record_services.stop_keeping_from(
        db_session(), actor=the_staff(), resident_id=resident.id, restriction_id=number, now=now()
    )
    flash(words.RESTRICTED)
    return redirect(url_for("people.restrict", resident_id=resident.id), 303)


@room.page(
    f"{ONE}/link", allow=policy.EDIT, load=_with("resident.edit"), methods=("GET", "POST"), localised=False
)
def ask_link(resident: Resident) -> Any:
    """The person has two records and wishes them linked: they give the other code."""
    form = staff_forms.LinkForm()
    if request.method == "POST" and (code := form.read_code()) is not None:
        number = resident.id
        try:
            if not form.permission.data:
                raise RuleBroken(words.NO_PERMISSION, field="permission")
            db_session().rollback()
            opening.count_code(request.remote_addr, now=now())
            merge_services.ask_merge(db_session(), actor=the_staff(), kept_id=number, code=code, now=now())
            flash(words.LINK_ASKED)
            return redirect(url_for("people.person", resident_id=number), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _shown("link.html", form, resident_id=(request.view_args or {})["resident_id"])


@room.page("/staff/people/links", allow=policy.DECIDE_MERGE, localised=False)
def links() -> Any:
    """What waits for a second person, and what can still be undone. It shows no facts of anybody."""
    principal = the_staff()
    return render_template(
        "people/staff/links.html",
        links=queries.links_for(db_session(), principal, now()),
        me=principal.staff_id,
        undone_within=rules.MERGE_UNDONE_WITHIN,
        form=BaseForm(),
    )


def _link(merge_id: int) -> Merge | None:
    return queries.link_for(db_session(), the_staff(), merge_id)


@room.page(LINK, allow=policy.DECIDE_MERGE, load=_link, methods=("POST",), localised=False)
def decide_link(merge: Merge) -> Any:
    """Agree, refuse, or undo."""
    verbs = {
        "agree": (merge_services.agree_merge, words.LINKED),
        "refuse": (merge_services.refuse_merge, words.LINK_REFUSED),
        "undo": (merge_services.undo_merge, words.UNLINKED),
    }
    if request.form.get("do") not in verbs:
        abort(400)
    verb, said = verbs[request.form["do"]]
    verb(db_session(), actor=the_staff(), merge=merge, now=now())
    flash(said)
    return redirect(url_for("people.links"), 303)
