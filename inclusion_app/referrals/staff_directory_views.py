"""The city's own directory of services, for the staff: look, add, change, close. It holds no fact of anybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from inclusion_app.core import registry
from inclusion_app.core.access import Principal, record_act, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, one_line
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.people import rules as people_rules
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.staff_forms import language_name
from inclusion_app.people.staff_words import CHOOSE_ONE
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_directory_forms as forms
from inclusion_app.referrals import staff_directory_queries as queries
from inclusion_app.referrals.models import CityService
from inclusion_app.referrals.services import directory as services
from inclusion_app.referrals.views import room

SAVED = N_("Saved. Helpers see it from now on.")
CLOSED = N_("It is closed. Nobody is sent there any more.")
OPENED = N_("It is open again.")
registry.add_to_menu(registry.StaffLink("referrals.directory", N_("City services"), policy.LOOK, 16))


def what_waits(session: Session, principal: Principal, _moment: datetime) -> list[registry.WaitingItem]:
    """Services of one's own of which nobody hears what comes in."""
    if not policy.WRITE_SERVICE.may_at_all(principal) or not (
        found := queries.without_duty(session, principal)
    ):
        return []
    said = ngettext(
        "Nobody is on duty at %(num)s service: choose somebody",
        "Nobody is on duty at %(num)s services: choose somebody", len(found),
    )  # fmt: skip
    return [registry.WaitingItem(said, url_for("referrals.change_service", service_id=found[0]))]


registry.wait_for(what_waits)


def words_for_pages() -> dict[str, Any]:
    """Tables of words the pages about services need."""
    return {"rules": rules, "people_rules": people_rules, "language_name": language_name}


def shown(template: str, form: BaseForm | None, **more: Any) -> Any:
    """A page with its form; 422 where something of it was refused."""
    page = render_template(f"referrals/staff/{template}", form=form, **words_for_pages(), **more)
    return page, 422 if form is not None and (form.errors or form.form_errors) else 200


def help_asked_for() -> str:
    """What the address narrows by, as far as it is something we know."""
    asked = request.args.get("help", "")
    return asked if asked in rules.HELPS else ""


@room.page("/staff/services", allow=policy.LOOK, localised=False)
def directory() -> Any:
    """Every open service by name, narrowed by what stands in the address; one's own closed ones when asked."""
    session, principal = db_session(), the_staff()
    may_write = policy.WRITE_SERVICE.may_at_all(principal)
    chosen = queries.Filters(
        help_with=help_asked_for(), text=one_line(request.args.get("text", "")[:80]),
        takes_now=request.args.get("takes") == "now", closed=may_write and request.args.get("closed") == "yes",
    )  # fmt: skip
    total = queries.count(session, principal, chosen)
    page = page_number(total, queries.ON_A_PAGE)
    found = queries.page_of(session, principal, chosen, page=page)
    filters = forms.FilterForm(formdata=None)
    filters.help.data, filters.text.data = chosen.help_with, chosen.text
    filters.takes.data = "now" if chosen.takes_now else ""
    kept = {
        "help": chosen.help_with or None,
        "text": chosen.text or None,
        "takes": "now" if chosen.takes_now else None,
        "closed": "yes" if chosen.closed else None,
    }
    return shown(
        "directory.html", None, without_duty=queries.without_duty(session, principal) if may_write else (),
        services=found, total=total, page=page, pages=-(-total // queries.ON_A_PAGE),
        kept=kept, chosen=chosen, filters=filters, may_write=may_write,
        replies=queries.reply_days(session, [one.id for one in found], now=now()),
        ward_names=queries.ward_names(session, {code for one in found for code in one.wards.split()}),
    )  # fmt: skip


def _listed(listed_id: int) -> CityService | None:
    return queries.service_for(db_session(), the_staff(), listed_id, "service.look")


@room.page("/staff/services/<int(max=999999999):listed_id>", allow=policy.LOOK, load=_listed, localised=False)
def service(found: CityService) -> Any:
    """All that is known of one service, and for whose it is the way to change it."""
    session, principal = db_session(), the_staff()
    return shown(
        "service.html", BaseForm(), service=found, replies=queries.reply_days(session, [found.id], now=now()),
        ward_names=queries.ward_names(session, found.wards.split()),
        may_write=policy.SERVICES.allows(session, "service.write", principal, found.id),
        may_refer=policy.REFER.may_at_all(principal) and found.organisation_id != principal.organisation_id
        and not (found.closed_at or found.organisation.closed_at),
        duty=dict(services.caseworkers(session, found.organisation_id)).get(found.duty_staff_id or 0, ""),
    )  # fmt: skip


def _own_to_write() -> list[tuple[int, str]]:
    """For which organisations this person may add a service: their own; a platform admin for those without accounts."""
    session, principal = db_session(), the_staff()
    own: list[tuple[int, str]] = []
    if principal.roles & {policy.WORKER, policy.ADMIN} and principal.organisation_id is not None:
        own = [(principal.organisation_id, _("Our own organisation"))]
    others = queries.organisations_without_accounts(session) if policy.PLATFORM in principal.roles else []
    return [*own, *(one for one in others if one[0] != principal.organisation_id)]


def _act(action: str) -> None:
    record_act(db_session(), the_staff(), action=action, items=("service",), now=now())


def _refused(form: BaseForm, broken: RuleBroken) -> None:
    db_session().rollback()
    form.refuse(broken)


def _all_wrong(
    form: forms.ServiceForm,
    organisation_id: int,
    has_accounts: bool,
    *,
    taken: int = 0,
    is_closed: bool = False,
) -> bool:
    """Say everything that is wrong at once, each at its field. True when something is."""
    form.validate()
    seen = set(form.errors)
    for broken in services.whats_against(
        db_session(),
        organisation_id=organisation_id,
        facts=form.read(),
        has_accounts=has_accounts,
        taken=taken,
        is_closed=is_closed,
    ):
        if broken.field not in seen:
            form.refuse(broken)
    return bool(form.errors or form.form_errors)


@room.page("/staff/services/new", allow=policy.WRITE_SERVICE, methods=("GET", "POST"), localised=False)
def new_service() -> Any:
    """Put a service of one's own organisation into the directory; a platform admin one of who has no account."""
    session, principal, moment = db_session(), the_staff(), now()
    organisations = dict(_own_to_write())
    asked = number_of(request.args.get("organisation", ""))
    of = asked if asked in organisations else next(iter(organisations)) if len(organisations) == 1 else 0
    if not of:
        whose = forms.WhoseForm()
        whose.organisation.choices = list(organisations.items())
        if request.method == "POST" or asked:
            whose.refuse(RuleBroken(CHOOSE_ONE, field="organisation"))
        return shown("service_whose.html", whose, organisations=organisations)
    has_accounts = queries.has_accounts(session, of)
    form = forms.ServiceForm(
        wards=queries.wards(session), duty=services.caseworkers(session, of), has_accounts=has_accounts
    )
    if request.method == "GET":
        form.keeps_waiting_list.data, form.reply_days.data = True, str(rules.DECIDE_DAYS)
    elif not _all_wrong(form, of, has_accounts):
        try:
            if not form.is_first_press(session, whose=f"service {principal.staff_id}", now=moment):
                return redirect(url_for("referrals.directory"), 303)
            made = services.make_service(
                session, organisation_id=of, facts=form.read(), has_accounts=has_accounts, now=moment
            )
            _act("write service")
            flash(SAVED)
            return redirect(url_for("referrals.service", listed_id=made.id), 303)
        except RuleBroken as broken:
            _refused(form, broken)
    return shown("service_new.html", form, whose=organisations[of], has_accounts=has_accounts)


def _to_write(service_id: int) -> CityService | None:
    return queries.service_for(db_session(), the_staff(), service_id, "service.write")


ONE = "/staff/services/<int(max=999999999):service_id>"


@room.page(
    f"{ONE}/edit", allow=policy.WRITE_SERVICE, load=_to_write, methods=("GET", "POST"), localised=False
)
def change_service(found: CityService) -> Any:
    """Change what is said of it. Places cannot go below those that are taken."""
    session, of = db_session(), found.organisation_id
    has_accounts = queries.has_accounts(session, of)
    form = forms.ServiceForm(
        wards=queries.wards(session), duty=services.caseworkers(session, of), has_accounts=has_accounts
    )
    if request.method == "GET":
        form.show(found)
    elif not _all_wrong(form, of, has_accounts, taken=found.taken, is_closed=found.closed_at is not None):
        try:
            services.change_service(
                session, service=found, facts=form.read(), has_accounts=has_accounts, now=now()
            )
            _act("write service")
            flash(SAVED)
            return redirect(url_for("referrals.service", listed_id=found.id), 303)
        except RuleBroken as broken:
            _refused(form, broken)
    return shown("service_edit.html", form, service=found, has_accounts=has_accounts)


@room.page(f"{ONE}/close", allow=policy.WRITE_SERVICE, load=_to_write, methods=("POST",), localised=False)
def close_service(found: CityService) -> Any:
    """Close it, or open it again. Who was sent there before stays with it till the end."""
    is_closed = request.form.get("do") != "open"
    services.set_closed(db_session(), service=found, is_closed=is_closed, now=now())
    _act("close service" if is_closed else "open service")
    flash(CLOSED if is_closed else OPENED)
    return redirect(url_for("referrals.service", listed_id=found.id), 303)
