"""The finder's box and the report form."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core.forms import BaseForm
from inclusion_app.core.words import N_
from inclusion_app.places.services import REPORT_KINDS

WHAT_IS_WRONG = {
    "hours": N_("The opening times"),
    "closed": N_("It is closed for good"),
    "address": N_("The address"),
    "offer": N_("What you can get there"),
    "other": N_("Something else"),
}


class WhereForm(BaseForm):
    """One box for a postcode, an outcode or a name."""

    near = StringField(_l("Your postcode or area"))


class FilterForm(BaseForm):
    """What kind of place, and when."""

    kind = SelectField(_l("What are you looking for?"), validate_choice=False)
    open = SelectField(_l("When?"), validate_choice=False)


class ReportForm(BaseForm):
    """Tell us it is wrong."""

    what = RadioField(_l("What is wrong?"), validate_choice=False)
    words = TextAreaField(_l("What is right? Please do not write names of people."))

    def validate_what(self, field: RadioField) -> None:
        """One of the listed things."""
        if field.data not in REPORT_KINDS:
            raise ValidationError(_l("Choose what is wrong."))
