"""Typing in a paper: a helper puts the answers of one sheet in, on one page, in one transaction.

With the code of a sticker the plan is saved under it, so that the code the person took home opens it. Without one it
is the plan of this visit, as if the questions had been answered here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy.orm import Session

from inclusion_app.core import audit, clock, i18n, pins
from inclusion_app.core.access import current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.sessions import current_visit, fresh_visit
from inclusion_app.core.words import N_
from inclusion_app.people import opening
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.roadmaps import journeys, policy, queries, services
from inclusion_app.roadmaps.keep_views import pressed_twice
from inclusion_app.roadmaps.selfcheck import DAY_GOALS
from inclusion_app.roadmaps.typed_in_form import TypedInForm, typed_in_form
from inclusion_app.roadmaps.views import TYPED_IN, room, say_wrong_days

UNSAVED = N_("A plan made here is not saved. Save it first, or clear it.")


@dataclass(frozen=True)
class GroupDoor:
    """How a paper's person comes into a group; the room of groups stands above this one and opens it.

    `find` reads what was typed as a group's code and gives the group's number, its try counted; it raises RuleBroken.
    `join` brings the resident in, in the transaction that saves the plan.
    """

    find: Callable[[str], int]
    join: Callable[[Session, Resident, int], None]


# While nobody has put a door here neither the paper nor the page asks for a group.
DOORS: list[GroupDoor] = []


@room.page("/roadmap/check/type-in", allow=policy.CHANGE, methods=("GET", "POST"))
def type_in() -> Any:
    """One page for the twelve answers of a paper. A saved plan that is open here is closed, never changed."""
    form = typed_in_form(with_group=bool(DOORS))
    if request.method == "POST":
        answer = _take_in(form)
        if answer is not None:
            return answer
        form.ask_secret_again()
    page = render_template(
        "roadmaps/type_in.html", form=form, unsaved=_has_unsaved_plan(), day_goals=DAY_GOALS
    )
    return page, 422 if form.errors or form.form_errors else 200


def _has_unsaved_plan() -> bool:
    visit = current_visit()
    return visit is not None and visit.resident_id is None and queries.has_roadmap(db_session(), visit)


def _take_in(form: TypedInForm) -> Any:
    """The way on when the paper was kept; None with everything that is wrong at its field."""
    form.validate()
    say_wrong_days(form, DAY_GOALS)
    form.check_answers()
    keys = form.read_keys()
    # Tries are counted beside this request, and hashing is slow: nothing may be locked meanwhile.
    db_session().rollback()
    again = keys is not None and current_principal().kind == "stranger" and _sent_twice(form, keys[0])
    if again:
        return _to_the_plan()
    if keys is not None:
        try:
            opening.prove_unclaimed(keys[0], address=request.remote_addr, now=now())
        except RuleBroken as broken:
            _refuse(form, broken)
    group = _find_group(form) if keys is not None else None
    if form.errors or form.form_errors:
        return None
    try:
        _keep(form, keys, group)
    except RuleBroken as broken:
        db_session().rollback()
        # Of two presses at once the quicker one has won the code.
        if keys is not None and broken.field == "code" and _sent_twice(form, keys[0]):
            return _to_the_plan()
        _refuse(form, broken)
        return None
    return _to_the_plan()


def _refuse(form: TypedInForm, broken: RuleBroken) -> None:
    form.refuse(broken)
    form.sticker_used = broken.message == people.NOT_CLAIMED["resident"]


def _find_group(form: TypedInForm) -> int | None:
    """The number of the group on the paper; None without one, or with an error at its field."""
    typed = (form["group_code"].data or "").strip() if DOORS else ""
    if not typed:
        return None
    try:
        return DOORS[0].find(typed)
    except RuleBroken as broken:
        form.refuse(RuleBroken(broken.message, field="group_code", **broken.params))
        return None


def _to_the_plan() -> Any:
    cookie[TYPED_IN] = 1
    return redirect(url_for("roadmaps.plan"), 303)


def _sent_twice(form: TypedInForm, code: str) -> bool:
    return pressed_twice(form.secret, code=code)


def _keep(form: TypedInForm, keys: tuple[str, str, str] | None, group: int | None) -> None:
    """Keep the paper, and open its plan in a visit of its own. Raises RuleBroken; then nothing is kept."""
    secret_key = current_app.extensions["settings"].secret_key
    secret_hash = pins.hash_secret(keys[2], secret_key) if keys else ""
    session, moment = db_session(), now()
    if _has_unsaved_plan() and "clear" not in request.form:
        raise RuleBroken(UNSAVED)
    answers = journeys.from_paper(form.given, days=form.days, agreed_on=clock.today(), **form.taps)
    if keys is None:
        services.type_in(
            session, answers=answers, resident=None, visit=fresh_visit(session, moment), now=moment
        )
        return
    code, kind, _secret = keys
    resident = people.make_resident(
        session,
        secret_kind=kind,
        secret_hash=secret_hash,
        nickname=form.nickname.data,
        pin_for_everything=False,
        language=i18n.current_language().slug,
        now=moment,
        claimed=code,
    )
    services.type_in(session, answers=answers, resident=resident, visit=None, now=moment)
    audit.record(
        session,
        at=moment,
        actor_kind="helper",
        actor_id=None,
        action="type in",
        purpose="help",
        resident_id=resident.id,
        items=("answers",),
    )
    if group is not None:
        DOORS[0].join(session, resident, group)
    # Last, for it changes the cookie too: whatever was refused before leaves the helper's own visit as it was.
    visit = fresh_visit(session, moment)
    visit.resident_id = resident.id
    visit.unlocked = "everything"
