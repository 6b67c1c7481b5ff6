"""Forms of the data-protection officer's desk, and of the front desk."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.codes import plain_digits
from inclusion_app.core.forms import BaseForm, DayField, OnceForm, SecretField
from inclusion_app.people import staff_words as words
from inclusion_app.people.forms import ChosenSecretForm
from inclusion_app.people.staff_glass_forms import OneOf


class RequestForm(OnceForm):
    """Who asks for what, and when it came."""

    person = StringField(_l("The person’s code, or the number of their record"))
    kind = OneOf(_l("What do they ask for?"), words.REQUEST_KINDS)
    received_on = DayField(_l("The day the request came"), wrong=_l(words.REAL_DAY))


class ExtendForm(BaseForm):
    """Why two months more are needed."""

    extension = OneOf(_l("Why is more time needed?"), words.EXTENSIONS)


class CloseForm(BaseForm):
    """How the request ended."""

    outcome = OneOf(_l("How did it end?"), words.REQUEST_OUTCOMES)


def _number(text: str | None, longest: int = 9) -> int | None:
    plain = plain_digits((text or "")[:40]).strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= longest else None


class ReadsForm(BaseForm):
    """What of the record to show. It lives in the address, so that a page can be looked at again."""

    class Meta:
        """A form that changes nothing carries no token in the address."""

        csrf = False

    organisation = SelectField(_l("Organisation"), validate_choice=False)
    role = SelectField(
        _l("Role"),
        choices=[
            SelectChoice("", _l("All")),
            *(SelectChoice(code, _l(text)) for code, text in ROLES.items()),
        ],
        validate_choice=False,
    )
    number = StringField(_l("Number of the person’s record"))
    day = DayField(_l("Day"), wrong=_l(words.REAL_DAY))

    def chosen_number(self, name: str) -> int | None:
        """The number typed or chosen in a field; None when there is none."""
        return _number(self._fields[name].data)


class PresentForm(BaseForm):
    """The code on the paper of somebody who stands here."""

    person = StringField(_l("The code on the person’s paper"))


class NewSecretForm(ChosenSecretForm):
    """What the person chooses on this screen. It is never shown again."""

    pin = SecretField(_l("The person’s new PIN of 4 numbers"))
    pin_again = SecretField(_l("The PIN once more"))
