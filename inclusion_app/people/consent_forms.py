"""The form by which a resident shares something with an organisation."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms.validators import ValidationError

from inclusion_app.core.forms import OnceForm
from inclusion_app.core.words import N_
from inclusion_app.people import rules
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of

CHOOSE_WHOM = N_("Choose with whom to share.")
CHOOSE_PURPOSE = N_("Choose what they may use it for.")
CHOOSE_DAYS = N_("Choose for how long.")


class ShareForm(OnceForm):
    """With whom, what, what for, and for how long."""

    organisation = FromList(_l("With whom?"), choices=[], coerce=number_of)
    items = AnyOf(_l("What do you want to share?"), choices=[])
    purpose = OneOf(_l("What may they use it for?"), choices=[], missing=CHOOSE_PURPOSE)
    days = OneOf(_l("For how long?"), choices=[], missing=CHOOSE_DAYS)

    def __init__(self, organisations: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.organisation.choices = [(0, _l("Choose one")), *organisations]
        self.items.choices = [(item, _l(words)) for item, words in rules.ITEM_WORDS.items()]
        self.purpose.choices = [(purpose, _l(words)) for purpose, words in rules.PURPOSES.items()]
        self.days.choices = [(str(days), _l(words)) for days, words in rules.SHARED_FOR.items()]

    def validate_organisation(self, field: Any) -> None:
        """One must be chosen."""
        if not field.data:
            raise ValidationError(_l(CHOOSE_WHOM))

    def validate_items(self, field: Any) -> None:
        """Sharing nothing is no consent."""
        if not field.data:
            raise ValidationError(_l(rules.SHARE_SOMETHING))
