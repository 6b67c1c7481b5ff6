"""Looking back at what was done, and choosing the day to look at the plan again."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l

from inclusion_app.core import clock, i18n
from inclusion_app.core.access import current_principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.roadmaps import forms, policy, queries, services
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.progress import better_answers, easiest, path_of, wins_of
from inclusion_app.roadmaps.selfcheck import QUESTIONS
from inclusion_app.roadmaps.views import (
    _follow_up_words,
    _mine,
    _mine_to_change,
    _no_answers,
    room,
)


@room.page("/roadmap/look-back", allow=policy.READ, reads=("plan", "history"))
def look_back() -> Any:
    """Day by day since the plan was made: each step begun or done, then the answers that got better."""
    roadmap = _mine()
    if roadmap is None:
        return _no_answers()
    made = queries.compute(roadmap, today=clock.today())
    steps = made.catalogue.steps
    told = [moment for moment in queries.moments_of(db_session(), roadmap) if moment.step in steps]
    wins = wins_of(told)
    first_step = easiest(made.plan.next, lambda step: steps[step].minutes)
    return render_template(
        "roadmaps/look_back.html",
        made_on=i18n.local(roadmap.made_at).date(),
        days=[(day, list(group)) for day, group in groupby(told, key=lambda moment: moment.day)],
        wins=wins,
        path=path_of(wins, rtl=i18n.current_language().dir == "rtl"),
        better=[
            (QUESTIONS[int(question[1:]) - 1], words) for question, words in better_answers(roadmap.answers)
        ],
        home=queries.shared_home_of(db_session(), roadmap),
        me=current_principal().resident_id,
        steps=steps,
        first_step=steps[first_step] if first_step else None,
    )


@room.page("/roadmap/follow-up", allow=policy.CHANGE, methods=("GET", "POST"), reads=("plan",))
def follow_up() -> Any:
    """When shall we look at this again? A ready day, a typed one, or none any more."""
    roadmap = _mine()
    if roadmap is None:
        return _no_answers()
    form = forms.FollowUpForm()
    if request.method == "POST" and _change_follow_up(form):
        return redirect(url_for("roadmaps.plan"), 303)
    words = _follow_up_words(roadmap)
    soon = words["ready_days"][0][1]
    page = render_template(
        "roadmaps/follow_up.html",
        form=form,
        example=f"{soon.day} {soon.month} {soon.year}",
        **words,
    )
    return page, 422 if form.errors else 200


def _change_follow_up(form: forms.FollowUpForm) -> bool:
    """Do what was pressed; False when the day typed cannot be kept, which the form then says."""
    if "remove" in request.form:
        services.remove_follow_up(db_session(), roadmap=_mine_to_change(), now=now())
        flash(N_("The day is taken out of your plan."))
        return True
    form.validate()
    day = _ready(request.form["ready"]) if "ready" in request.form else form.day.data
    if day is None:
        form.day.errors = form.day.errors or [_l("Type a day, or choose one of the days above.")]
        return False
    roadmap: Roadmap = _mine_to_change()
    try:
        services.set_follow_up(db_session(), roadmap=roadmap, on=day, today=clock.today(), now=now())
    except RuleBroken as broken:
        form.refuse(broken)
        return False
    flash(N_("The day is in your plan."))
    return True


def _ready(sent: str) -> date | None:
    """The day of a button, as it stood on the page that showed it."""
    try:
        return date.fromisoformat(sent)
    except ValueError:
        return None
