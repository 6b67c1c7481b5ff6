"""Somebody helps at the person's own screen: what it means, the person's yes, and the end of it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField
from wtforms.validators import InputRequired

from inclusion_app.core import clock, i18n
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.sessions import begin_helping, had_visit, stop_helping
from inclusion_app.roadmaps import policy, services
from inclusion_app.roadmaps.views import VISIT_ENDED, _mine_to_change, has_plan, room


class HelperForm(BaseForm):
    """The person's yes."""

    agreed = BooleanField(
        _l("The person says yes: you may read and type with me"),
        validators=[InputRequired(_l("Ask the person first. Tick the box when they say yes."))],
    )


@room.page("/roadmap/helper", allow=policy.CHANGE, methods=("GET", "POST"))
def helper() -> Any:
    """Tell both what happens, and take the person's yes. Said in both languages from then on."""
    i18n.show_english_here()
    form = HelperForm()
    if request.method == "POST" and form.validate():
        goes_on, ended = has_plan(), had_visit()
        services.note_helper(db_session(), roadmap=_mine_to_change(anew=True), today=clock.today(), now=now())
        begin_helping()
        i18n.show_english(True)
        if ended:
            for sentence in VISIT_ENDED:
                flash(sentence, "ended")
        return redirect(url_for("roadmaps.plan" if goes_on else "roadmaps.check"), 303)
    return render_template("roadmaps/helper.html", form=form), 422 if form.errors else 200


@room.page("/roadmap/helper/stop", allow=ANYONE, methods=("POST",), endpoint="stop_helping")
def stop() -> Any:
    """The person goes on alone. The answers stay, and that a helper was there; the English goes as it came."""
    stop_helping()
    i18n.show_english(False)
    return redirect(url_for("roadmaps.plan" if has_plan() else "start.home"), 303)
