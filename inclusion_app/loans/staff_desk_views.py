"""The desk: what today asks of a coordinator, and the list behind each of its lines."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from flask import abort, current_app, render_template, request, url_for
from flask_babel import ngettext
from sqlalchemy.orm import Session

from inclusion_app.core import clock, registry
from inclusion_app.core.access import Principal, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.paging import page_number
from inclusion_app.core.words import N_
from inclusion_app.loans import policy, rules
from inclusion_app.loans import staff_queries as queries
from inclusion_app.loans import staff_words as words
from inclusion_app.loans.views import room
from inclusion_app.messages.staff_words import CHANNELS, STATES
from inclusion_app.people.choice_fields import number_of

registry.add_to_menu(registry.StaffLink("loans.desk", N_("Device loans"), policy.RUN, 31))

# Pages of the other parts of this room, where the desk leads: of one row, and where work begins.
PAGES = {
    "request": ("loans.one_request", "loan_request_id"),
    "loan": ("loans.one_loan", "loan_id"),
    "unit": ("loans.stock_unit", "unit_id"),
}
DOORS = (
    ("loans.hand_over_start", N_("Hand over")),
    ("loans.take_in", N_("Take in")),
    ("loans.returns_to_look_at", N_("Returns to look at")),
    ("loans.requests", N_("Requests")),
    ("loans.clean", N_("Wipe and test")),
    ("loans.repairs", N_("Repair")),
    ("loans.moves", N_("Moves between places")),
    ("loans.counts", N_("Count the stock")),
    ("loans.stock_list", N_("Devices")),
    ("loans.sims", N_("SIM cards")),
    ("loans.scheme", N_("The scheme")),
    ("loans.loan_figures", N_("Figures of loans")),
)


def page_of(kind: str, number: int | None) -> str:
    """The address of the page of one row; empty where there is none."""
    endpoint, part = PAGES[kind]
    if number is None or endpoint not in current_app.view_functions:
        return ""
    parts: dict[str, Any] = {part: number}
    return url_for(endpoint, **parts)


def doors() -> list[tuple[str, str]]:
    """Where work begins: address and words."""
    return [(url_for(endpoint), said) for endpoint, said in DOORS if endpoint in current_app.view_functions]


def list_of(show: str, **narrow: Any) -> str:
    """The address of the list behind a line of the desk."""
    if show == "repair":
        return url_for("loans.repairs")
    if show == "moving":
        return url_for("loans.moves")
    if show == "to_look_at":
        return url_for("loans.returns_to_look_at")
    if show == "counts":
        return url_for("loans.counts")
    return url_for(
        "loans.desk_people" if show in words.PEOPLE else "loans.desk_machines", show=show, **narrow
    )


def common_words() -> dict[str, Any]:
    """What the pages of the desk, of repair and of counting say things with."""
    return {
        "words": words,
        "rules": rules,
        "page_of": page_of,
        "list_of": list_of,
        "channels": CHANNELS,
        "states": STATES,
    }


def shown(template: str, form: BaseForm | None = None, **more: Any) -> Any:
    """A page; 422 where something of its form was refused."""
    page = render_template(f"loans/staff/{template}", form=form, **common_words(), **more)
    return page, 422 if form is not None and (form.errors or form.form_errors) else 200


def refused(form: BaseForm, broken: RuleBroken) -> None:
    """Say why at the field, and forget what was changed in memory: it is not what stands in the record."""
    db_session().rollback()
    form.refuse(broken)


@room.page("/staff/loans", allow=policy.RUN, localised=False)
def desk() -> Any:
    """What today asks, and what there is: numbers that lead to their lists. Nobody is named."""
    session, principal, moment = db_session(), the_staff(), now()
    return shown(
        "desk.html",
        doors=doors(),
        counts=queries.counts_of(session, principal, moment),
        stock=queries.stock_of(session, principal, moment),
    )


def _narrow(total: int = 0) -> queries.Narrow:
    return queries.Narrow(
        model_id=number_of(request.args.get("model", "")),
        place_id=number_of(request.args.get("place", "")),
        page=page_number(total, queries.ON_A_PAGE) if total else 1,
    )


def _shown(known: tuple[str, ...]) -> str:
    show = request.args.get("show", known[0])
    if show not in known:
        abort(404)
    return show


@room.page("/staff/loans/people", allow=policy.RUN, reads=("identity", "contact"), localised=False)
def desk_people() -> Any:
    """The requests, offers or loans behind one line: whose, of what, how many days, and how they were told last."""
    session, principal, moment, show = db_session(), the_staff(), now(), _shown(words.PEOPLE)
    total = queries.people_count(session, principal, show, _narrow(), moment)
    narrow = _narrow(total)
    return shown(
        "desk_people.html",
        show=show, total=total, page=narrow.page, pages=-(-total // queries.ON_A_PAGE) or 1,
        kept={"show": show, "model": narrow.model_id or None, "place": narrow.place_id or None},
        lines=queries.people_of(session, principal, show, narrow, moment),
    )  # fmt: skip


@room.page("/staff/loans/machines", allow=policy.RUN_UNIT, localised=False)
def desk_machines() -> Any:
    """The units behind one line."""
    session, principal, moment, show = db_session(), the_staff(), now(), _shown(words.MACHINES)
    narrow = _narrow()
    found = queries.machines_of(session, principal, show, narrow, moment)
    if found.total > queries.ON_A_PAGE:
        narrow = _narrow(found.total)
        found = queries.machines_of(session, principal, show, narrow, moment)
    return shown(
        "desk_machines.html",
        show=show, total=found.total, page=narrow.page, pages=-(-found.total // queries.ON_A_PAGE) or 1,
        kept={"show": show, "model": narrow.model_id or None, "place": narrow.place_id or None}, units=found.rows,
    )  # fmt: skip


def what_waits(session: Session, principal: Principal, moment: datetime) -> list[registry.WaitingItem]:
    """For a coordinator: requests to decide, hand-overs of today, what is late, data that ends, offers gone wrong."""
    if not policy.RUN.may_at_all(principal):
        return []
    counts = queries.counts_of(session, principal, moment)
    midnight = datetime.combine(clock.today(), time(), clock.LONDON)
    since = {"hand_overs": midnight, "due": midnight}
    if counts["decide"]:
        oldest = queries.oldest_to_decide(session, principal)
        since |= {"decide": oldest} if oldest else {}
    said = {
        "decide": ngettext("%(num)s request for a device to decide", "%(num)s requests for a device to decide", counts["decide"]),
        "hand_overs": ngettext("%(num)s device to hand over today", "%(num)s devices to hand over today", counts["hand_overs"]),
        "to_bring": ngettext("%(num)s device to bring to somebody", "%(num)s devices to bring to somebody", counts["to_bring"]),
        "due": ngettext("%(num)s device comes back today", "%(num)s devices come back today", counts["due"]),
        "late": ngettext("%(num)s device is late", "%(num)s devices are late", counts["late"]),
        "data": ngettext("%(num)s SIM card runs out of data soon", "%(num)s SIM cards run out of data soon", counts["data"]),
        "elsewhere": ngettext(
            "%(num)s device is kept for somebody, but lies elsewhere", "%(num)s devices are kept for somebody, but lie elsewhere",
            counts["elsewhere"],
        ),
        "broken_offers": ngettext(
            "%(num)s offer is of a device that is not ready", "%(num)s offers are of devices that are not ready",
            counts["broken_offers"],
        ),
        "to_wipe": ngettext("%(num)s device to wipe", "%(num)s devices to wipe", counts["to_wipe"]),
    }  # fmt: skip
    return [
        registry.WaitingItem(line, list_of(show), since.get(show))
        for show, line in said.items()
        if counts[show]
    ]


registry.wait_for(what_waits)
