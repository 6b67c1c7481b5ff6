"""The one question after a session, by whoever holds the code of a booking. Nobody has to answer it."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from inclusion_app.core import i18n
from inclusion_app.core.access import ANYONE
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.people.choice_fields import OneOf
from inclusion_app.training.models import Booking
from inclusion_app.training.opened import booking_of, note_reader, page_of
from inclusion_app.training.rules import HELPED, WHAT_NEXT
from inclusion_app.training.services import opinions
from inclusion_app.training.views import room


class QuestionForm(BaseForm):
    """Did it help, and what next? The second may be left out."""

    helped = OneOf(
        _l("Did this help you?"), choices=[SelectChoice(code, _l(words)) for code, words in HELPED.items()]
    )
    what_next = OneOf(
        _l("What would you like next?"),
        choices=[SelectChoice(code, _l(words)) for code, words in WHAT_NEXT.items()],
    )


@room.page(
    "/book/<code>/question", allow=ANYONE, load=booking_of, methods=("GET", "POST"), reads=("booking",)
)
def question(booking: Booking) -> Any:
    """One question. The answer names nobody, and is asked once."""
    note_reader(booking)
    form = QuestionForm()
    if request.method == "POST":
        try:
            opinions.answer(
                db_session(), booking=booking, helped=form.helped.data or "", what_next=form.what_next.data or None,
                now=now(),
            )  # fmt: skip
            return redirect(url_for("training.question", code=booking.code), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    page = render_template(
        "training/question.html", booking=booking, form=form, may_be_asked=opinions.may_be_asked(booking),
        title=booking.session.course.title_in(i18n.current_language().slug), booking_page=page_of(booking),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200
