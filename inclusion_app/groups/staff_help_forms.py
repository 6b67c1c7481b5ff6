"""Forms of whoever leads a group: its code, and a booking for all of it."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField

from inclusion_app.core.forms import BaseForm
from inclusion_app.people.staff_fields import CountField, LineField
from inclusion_app.training import rules
from inclusion_app.training.staff_forms import PhoneBookingForm


class HelpForm(BaseForm):
    """The code of a group, which the group gave."""

    code = StringField(_l("Code of the group"))


class GroupBookingForm(PhoneBookingForm):
    """What is asked to book for a group that stays together. Nothing of whoever fills it in stands in it beforehand."""

    label = LineField(_l("What the group is called on the day"), longest=rules.LABEL_LENGTH)
    places = CountField(_l("How many people"), least=2, most=rules.PLACES_AT_MOST, default="")
    consent = BooleanField(_l("I read the group the words above and they said yes"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.age_band.label.text = _l("Is somebody of them under 16?")
