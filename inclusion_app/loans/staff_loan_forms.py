"""Forms of one loan: another SIM, what happened to it, a gift, how it went, a note."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core.forms import BaseForm, OnceForm, lines_of
from inclusion_app.loans import rules
from inclusion_app.loans import staff_loan_words as words
from inclusion_app.people.choice_fields import AnyOf, OneOf, number_of, words_of
from inclusion_app.people.staff_words import TOO_LONG

NOTE_LENGTH = 500


class RenewForm(BaseForm):
    """One press is one wish, however often it is sent."""

    form_key = StringField(default=lambda: secrets.token_urlsafe(16))


class SimForm(BaseForm):
    """Which SIM goes in."""

    sim = SelectField(_l("SIM card"), coerce=number_of, choices=[])

    def offer(self, sims: Sequence[tuple[int, str]]) -> None:
        """What is free, after an empty line."""
        self.sim.choices = [SelectChoice(0, _l("Choose one")), *(SelectChoice(*one) for one in sims)]

    def validate_sim(self, field: Any) -> None:
        """Nothing chosen, and what is in no list, is refused."""
        if not field.data or field.data not in {value for value, *_more in field.iter_choices()}:
            field.errors = []
            raise ValidationError(_l(words.CHOOSE_SIM))


class LostForm(BaseForm):
    """What happened to it."""

    cause = OneOf(_l("What happened?"), missing=words.CHOOSE_CAUSE, choices=words_of(rules.CAUSES))


class GiftForm(BaseForm):
    """It is theirs from now on."""

    owner_agrees = BooleanField(_l("The owner agrees"))


class OutcomeForm(BaseForm):
    """What they say, if they like. Nothing chosen is an answer too."""

    used_for = AnyOf(_l("What did they use it for?"), choices=words_of(rules.PURPOSES))
    changed = AnyOf(_l("What changed?"), choices=words_of(rules.CHANGED))


class NoteForm(OnceForm):
    """A note about the loan."""

    words = TextAreaField(_l("A note about this loan"))

    def validate_words(self, field: Any) -> None:
        """Lines without the signs nobody sees, not too many of them."""
        field.data = "\n".join(lines_of(field.data, NOTE_LENGTH * 4))
        if len(field.data) > NOTE_LENGTH:
            raise ValidationError(_l(TOO_LONG))
