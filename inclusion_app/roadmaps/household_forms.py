"""Forms of a home with one plan. A secret is never sent back; a name is."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import ValidationError

from inclusion_app.core.forms import BaseForm, SecretField, one_line
from inclusion_app.people.forms import ComeBackForm, KeepForm
from inclusion_app.people.rules import NICKNAME_LENGTH


class NameField(StringField):
    """What the others call somebody: needed, short, on one line."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = one_line(valuelist[0] if valuelist else "")

    def pre_validate(self, form: Any) -> None:
        if not self.data:
            raise ValidationError(_l("Type a name. A nickname is enough."))
        if len(self.data) > NICKNAME_LENGTH:
            raise ValidationError(_l("Use a shorter name, 40 letters at most."))


class HomeForm(BaseForm):
    """Make one plan with the people at home."""

    name = NameField(_l("Your name for the others"))


class AddForm(ComeBackForm):
    """Somebody who has a code types their own secret."""

    code = StringField(_l("Their code"))
    pin = SecretField(_l("Their own PIN"))
    name = NameField(_l("Their name for the others"))
    may_wait = BooleanField(_l("Their own plan may wait"))


class AddNewForm(KeepForm):
    """Somebody who has no code chooses a secret. `newest` is the last one who came before the form was opened."""

    nickname = None
    everything = None
    keep_near = None
    newest = HiddenField()
    name = NameField(_l("Their name for the others"))
