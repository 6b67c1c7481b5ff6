"""Pages of those who look after organisations: staff and roles, invitations, the read log, the list, the record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session
from wtforms.fields.choices import SelectChoice

from inclusion_app.accounts import forms, policy, queries, record_words, services
from inclusion_app.accounts.models import Organisation
from inclusion_app.accounts.queries import Colleague
from inclusion_app.accounts.rules import ORGANISATION_KINDS, ROLE_WORDS, ROLES, may_give
from inclusion_app.accounts.views import room
from inclusion_app.core import audit, registry
from inclusion_app.core.access import SIGNED_IN, Principal, record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.csv_out import csv_file
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.core.staff_sessions import current_session, renew_token
from inclusion_app.core.words import N_

ONE = "/staff/organisations/<int(max=999999999):organisation_id>"
PERSON = ONE + "/people/<int(max=999999999):staff_id>"
INVITATION = ONE + "/invitations/<int(max=999999999):invitation_id>"
INVITED = N_("The invitation is on its way by e-mail.")
TAKEN_BACK = N_("The invitation was taken back. Its link opens nothing any more.")
ROLES_CHANGED = N_("The roles are changed. The person has to sign in again.")
SIGN_INS_ENDED = N_("All their sign-ins ended. They can sign in again.")
ENDED = N_("Their access is ended. All their sign-ins ended at once.")
MADE = N_("The organisation is made. Now invite its first admin.")
SAVED = N_("Saved.")
ORGANISATION_CLOSED = N_("The organisation is closed.")
MOST_FAULTS = 50


# An organisation and its people


def _load(organisation_id: int, right: str = "organisation.manage") -> Organisation | None:
    return queries.organisation_for(db_session(), the_staff(), organisation_id, right)


def _load_own(right: str = "organisation.manage") -> Organisation | None:
    return _load(the_staff().organisation_id or 0, right)


def _load_open(organisation_id: int) -> Organisation | None:
    """A closed organisation is looked at, never changed."""
    found = _load(organisation_id)
    return found if found is not None and found.closed_at is None else None


def _load_person(organisation_id: int, staff_id: int) -> Colleague | None:
    organisation = _load_open(organisation_id)
    if organisation is None:
        return None
    return next(iter(queries.colleagues(db_session(), organisation, staff_id=staff_id)), None)


def _load_for_invitation(organisation_id: int, invitation_id: int) -> Organisation | None:
    found = _load_open(organisation_id)
    if found is None:
        return None
    pending = {row.id for row in queries.pending_invitations(db_session(), found.id)}
    g.invitation_id = invitation_id
    return found if invitation_id in pending else None


@room.page("/staff/organisation", allow=policy.MANAGE, load=_load_own, reads=("staff",), localised=False)
def own_organisation(organisation: Organisation) -> Any:
    """The people of the organisation one acts for."""
    return _organisation_page(organisation)


@room.page(ONE, allow=policy.MANAGE, load=_load, reads=("staff",), localised=False)
def organisation(organisation: Organisation) -> Any:
    """The people of any organisation one may look after."""
    return _organisation_page(organisation)


def _organisation_page(organisation: Organisation) -> Any:
    moment, session = now(), db_session()
    return render_template(
        "accounts/organisation.html",
        organisation=organisation,
        kind=ORGANISATION_KINDS[organisation.kind],
        people=queries.colleagues(session, organisation),
        invitations=[
            (row, _days_left(row.expires_at, moment), [ROLES[role] for role in row.roles.split()])
            for row in queries.pending_invitations(session, organisation.id)
        ],
        role_names=ROLES,
        caseload=forms.CaseloadForm(data={"shares": organisation.shares_caseload}),
        may_share=policy.SHARE.grants(the_staff(), organisation),
        may_run=policy.RUN.may_at_all(the_staff()),
        may_export=policy.EXPORT.grants(the_staff(), organisation),
        may_read_log=policy.READS.grants(the_staff(), organisation),
        is_own=organisation.id == the_staff().organisation_id,
    )


def _days_left(until: datetime, moment: datetime) -> int:
    """Whole days an invitation is open for still, the one that is running counted; 0 when it is over."""
    return (until - moment).days + 1 if until > moment else 0


@room.page(ONE + "/invite", allow=policy.MANAGE, load=_load_open, methods=("GET", "POST"), localised=False)
def invite(organisation: Organisation) -> Any:
    """Invite somebody by e-mail."""
    principal, form = the_staff(), forms.InviteForm()
    form.roles.choices = forms.role_choices(principal.roles)
    if request.method == "POST" and form.validate():
        try:
            services.invite(
                db_session(), organisation_id=organisation.id, email=form.email.data or "", roles=form.roles.data or (),
                actor=principal, link_for=_link, now=now(),
            )  # fmt: skip
            flash(INVITED)
            return _back(organisation)
        except RuleBroken as broken:
            form.refuse(broken)
    return _page("accounts/invite.html", form, organisation=organisation, explained=_explained(principal))


def _link(token: str) -> str:
    return whole_address(url_for("accounts.invitation", token=token))


def _explained(principal: Principal) -> list[tuple[str, str]]:
    return [(ROLES[role], ROLE_WORDS[role]) for role in ROLES if may_give(principal.roles, role)]


def _back(organisation: Organisation) -> Response:
    is_own = organisation.id == the_staff().organisation_id
    own = url_for("accounts.own_organisation")
    there = own if is_own else url_for("accounts.organisation", organisation_id=organisation.id)
    return redirect(there, 303)  # type: ignore[return-value]


def _page(template: str, form: BaseForm, **words: Any) -> Any:
    page = render_template(template, form=form, **words)
    return page, 422 if form.errors or form.form_errors else 200


@room.page(
    INVITATION + "/again",
    allow=policy.MANAGE,
    load=_load_for_invitation,
    methods=("POST",),
    localised=False,
)
def invite_again(organisation: Organisation) -> Any:
    """The same invitation with a new link."""
    services.invite_again(
        db_session(), invitation_id=g.invitation_id, organisation_id=organisation.id, actor=the_staff(), link_for=_link,
        now=now(),
    )  # fmt: skip
    flash(INVITED)
    return _back(organisation)


@room.page(
    INVITATION + "/take-back",
    allow=policy.MANAGE,
    load=_load_for_invitation,
    methods=("POST",),
    localised=False,
)
def take_back(organisation: Organisation) -> Any:
    """End an invitation."""
    services.take_back_invitation(
        db_session(), invitation_id=g.invitation_id, organisation_id=organisation.id, actor=the_staff(), now=now()
    )  # fmt: skip
    flash(TAKEN_BACK)
    return _back(organisation)


@room.page(
    PERSON,
    allow=policy.MANAGE,
    load=_load_person,
    reads=("staff",),
    methods=("GET", "POST"),
    localised=False,
)
def colleague(person: Colleague) -> Any:
    """The roles of one person, to change; and the end of their access."""
    form = _roles_form(person)
    if request.method == "POST" and form.validate():
        return _change(form, person, lambda session, **who: services.give_roles(
            session, roles=form.roles.data or (), **who
        ), ROLES_CHANGED)  # fmt: skip
    return _colleague_page(form, person)


@room.page(
    PERSON + "/end",
    allow=policy.MANAGE,
    load=_load_person,
    reads=("staff",),
    methods=("POST",),
    localised=False,
)
def end_access(person: Colleague) -> Any:
    """Somebody has left the organisation."""
    return _change(_roles_form(person, formdata=None), person, services.leave, ENDED)


@room.page(
    PERSON + "/end-sign-ins",
    allow=policy.MANAGE,
    load=_load_person,
    reads=("staff",),
    methods=("POST",),
    localised=False,
)
def end_sign_ins(person: Colleague) -> Any:
    """Somebody lost a phone or a laptop they were signed in on."""
    return _change(_roles_form(person, formdata=None), person, services.end_sign_ins, SIGN_INS_ENDED)


def _change(form: forms.RolesForm, person: Colleague, do: Callable[..., None], done: str) -> Any:
    try:
        do(db_session(), staff_id=person.staff.id, organisation_id=person.id, actor=the_staff(), now=now())
    except RuleBroken as broken:
        form.refuse(broken)
        return _colleague_page(form, person)
    flash(done)
    return _back(person.organisation)


def _roles_form(person: Colleague, **sent: Any) -> forms.RolesForm:
    form = forms.RolesForm(data={"roles": list(person.roles)}, **sent)
    form.roles.choices = forms.role_choices(the_staff().roles)
    return form


def _colleague_page(form: forms.RolesForm, person: Colleague) -> Any:
    principal = the_staff()
    is_own = person.id == principal.organisation_id
    return _page(
        "accounts/colleague.html",
        form,
        person=person,
        ties=registry.ties_of(db_session(), principal, person.staff.id) if is_own else (),
        kept=[ROLES[role] for role in person.roles if not may_give(principal.roles, role)],
        explained=_explained(principal),
        is_self=person.staff.id == principal.staff_id,
    )


def _load_for_export(organisation_id: int) -> Organisation | None:
    return _load(organisation_id, "organisation.export")


@room.page(
    ONE + "/staff.csv", allow=policy.EXPORT, load=_load_for_export, reads=("staff-list",), localised=False
)
def staff_list(organisation: Organisation) -> Response:
    """The staff of one's own organisation for a spreadsheet."""
    head = [
        gettext("Name"), gettext("E-mail"), gettext("Roles"), gettext("Last signed in"), gettext("Second factor")
    ]  # fmt: skip
    rows = [
        (
            person.staff.name,
            person.staff.email,
            ", ".join(gettext(ROLES[role]) for role in person.roles),
            person.last_seen_at.date().isoformat() if person.last_seen_at else "",
            gettext("yes") if person.has_second_factor else gettext("no"),
        )
        for person in queries.colleagues(db_session(), organisation)
    ]
    answer = Response(csv_file(head, rows), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="staff.csv"'
    return answer


# The read log


def _load_own_for_log() -> Organisation | None:
    return _load_own("organisation.reads")


@room.page(
    "/staff/organisation/reads",
    allow=policy.READS,
    load=_load_own_for_log,
    reads=("read-log",),
    localised=False,
)
def read_log(organisation: Organisation) -> Any:
    """Who did and looked at what, day by day; of residents and of content it says nothing."""
    session, page, person = db_session(), _number("page", 10_000) or 1, _number("person", 999_999_999)
    people = queries.who_acted(session, organisation.id)
    form = forms.ReadsForm(formdata=None, data={"person": str(person or "")})
    form.person.choices = [SelectChoice("", gettext("Everybody")), *forms.organisation_choices(people)]
    lines, is_more = queries.read_lines(session, organisation.id, staff_id=person, page=page)
    return render_template(
        "accounts/read_log.html",
        form=form,
        lines=lines,
        action_words=record_words.action_words,
        role_names=ROLES,
        person=person,
        page=page,
        is_more=is_more,
    )


def _number(name: str, most: int) -> int | None:
    """A whole number of the address within bounds; whatever else stands there is none."""
    text = request.args.get(name, "")
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= most else None
    )


# The whole city


@room.page("/staff/organisations", allow=policy.RUN, localised=False)
def organisations() -> Any:
    """Every organisation of the city."""
    lines = queries.organisations_for(db_session(), the_staff(), now=now())
    return render_template("accounts/organisations.html", lines=lines, kinds=ORGANISATION_KINDS)


@room.page("/staff/organisations/new", allow=policy.RUN, methods=("GET", "POST"), localised=False)
def new_organisation() -> Any:
    """Make an organisation; its first admin is invited next."""
    form = forms.NewOrganisationForm()
    form.kind.choices = forms.kind_choices()
    if request.method == "POST" and form.validate():
        try:
            made = services.make_organisation(
                db_session(), name=form.name.data or "", kind=form.kind.data or "", actor=the_staff(), now=now()
            )  # fmt: skip
            flash(MADE)
            return redirect(url_for("accounts.invite", organisation_id=made.id), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    return _page("accounts/organisation_new.html", form)


def _load_to_run(organisation_id: int) -> Organisation | None:
    return _load(organisation_id, "organisation.run")


def _load_to_share(organisation_id: int) -> Organisation | None:
    return _load(organisation_id, "organisation.share")


@room.page(ONE + "/caseload", allow=policy.SHARE, load=_load_to_share, methods=("POST",), localised=False)
def caseload(organisation: Organisation) -> Any:
    """Whether its caseworkers share their caseload."""
    form = forms.CaseloadForm()
    services.share_caseload(
        db_session(), organisation_id=organisation.id, shares=bool(form.shares.data), actor=the_staff(), now=now()
    )  # fmt: skip
    flash(SAVED)
    return _back(organisation)


@room.page(ONE + "/close", allow=policy.RUN, load=_load_to_run, methods=("POST",), localised=False)
def close(organisation: Organisation) -> Any:
    """Close an organisation: nobody works for it any more."""
    services.close_organisation(db_session(), organisation_id=organisation.id, actor=the_staff(), now=now())
    flash(ORGANISATION_CLOSED)
    return redirect(url_for("accounts.organisations"), 303)


@room.page("/staff/record", allow=policy.VERIFY, methods=("GET", "POST"), localised=False)
def record() -> Any:
    """Check the record of reads and changes. It can be read by its own checks only, and edited by nobody."""
    faults = None
    if request.method == "POST":
        session = db_session()
        faults = audit.verify(session, current_app.extensions["settings"].instance / "audit-heads")
        record_act(session, the_staff(), action="verify record", purpose=services.PURPOSE, now=now())
    return render_template(
        "accounts/record.html",
        faults=None if faults is None else faults[:MOST_FAULTS],
        count=len(faults or ()),
    )


# Somebody of two organisations


@room.page("/staff/act-for", allow=SIGNED_IN, methods=("GET", "POST"), localised=False)
def act_for() -> Any:
    """Choose the organisation one works for now; what it may see is seen from the next page on."""
    principal, sign_in = the_staff(), current_session()
    names = queries.names_of(db_session(), g.get("acts_for_choices", ()))
    form = forms.ActForForm(data={"organisation": str(principal.organisation_id)})
    form.organisation.choices = forms.organisation_choices(names)
    if request.method == "POST" and form.validate() and sign_in is not None:
        services.act_for(
            db_session(), sign_in=sign_in, organisation_id=int(form.organisation.data), actor=principal, now=now()
        )  # fmt: skip
        renew_token(sign_in)
        return redirect(url_for("accounts.home"), 303)
    return _page("accounts/act_for.html", form, alone=len(names) < 2)


def invitations_that_end(
    session: Session, principal: Principal, moment: datetime
) -> list[registry.WaitingItem]:
    """What waits for an organisation's admin: invitations nobody has answered that end within two days."""
    count = queries.count_ending_invitations(session, principal, now=moment)
    if not count:
        return []
    words = ngettext(
        "%(num)s invitation ends within two days and is not answered.",
        "%(num)s invitations end within two days and are not answered.",
        count,
    )
    return [registry.WaitingItem(words, url_for("accounts.own_organisation"))]


registry.wait_for(invitations_that_end)
registry.add_to_menu(
    registry.StaffLink("accounts.own_organisation", N_("Your organisation"), policy.MANAGE, 50)
)
registry.add_to_menu(registry.StaffLink("accounts.read_log", N_("Read log"), policy.READS, 52))
registry.add_to_menu(registry.StaffLink("accounts.organisations", N_("Organisations"), policy.RUN, 60))
registry.add_to_menu(registry.StaffLink("accounts.record", N_("Check the record"), policy.VERIFY, 63))
