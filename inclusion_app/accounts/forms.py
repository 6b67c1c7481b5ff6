"""Forms of organisations: invite, accept, roles, whom to act for. What is right is decided in services and rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.accounts.rules import NAME_LENGTH, ORGANISATION_KINDS, ROLES, may_give
from inclusion_app.core.forms import BaseForm, SecretField, one_line
from inclusion_app.core.words import N_

NOT_IN_LIST = N_("Choose from the list on this page.")
TYPE_NAME = N_("Type your name.")
NAME_TOO_LONG = N_("This name is too long. Use at most 80 letters.")
NOT_THE_SAME = N_("The two passwords are not the same. Type both again.")
CHOOSE_ONE = N_("Choose one organisation.")


class OneOf(RadioField):
    """Radio buttons; what is not in the list is refused in a sentence."""

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data not in {value for value, *_ in self.iter_choices()}:
            raise ValidationError(_l(NOT_IN_LIST))


class AnyOf(SelectMultipleField):
    """Checkboxes, same."""

    def pre_validate(self, form: Any) -> None:
        known = {value for value, *_ in self.iter_choices()}
        if any(value not in known for value in self.data or ()):
            raise ValidationError(_l(NOT_IN_LIST))


def role_choices(giver_roles: frozenset[str]) -> list[SelectChoice]:
    """The roles somebody with these roles may give."""
    return [SelectChoice(role, _l(words)) for role, words in ROLES.items() if may_give(giver_roles, role)]


def kind_choices() -> list[SelectChoice]:
    """The kinds of organisation."""
    return [SelectChoice(kind, _l(words)) for kind, words in ORGANISATION_KINDS.items()]


class InviteForm(BaseForm):
    """Who is invited and to which roles."""

    email = StringField(_l("E-mail address"))
    roles = AnyOf(_l("Roles"))


class RolesForm(BaseForm):
    """The roles of one person."""

    roles = AnyOf(_l("Roles"))


class NewOrganisationForm(BaseForm):
    """An organisation that is not there yet."""

    name = StringField(_l("Name of the organisation"))
    kind = OneOf(_l("What kind of organisation is it?"))

    def validate_name(self, field: StringField) -> None:
        """Trimmed; whether it is free is asked of the database."""
        field.data = one_line(field.data)


class CaseloadForm(BaseForm):
    """Whether caseworkers see everybody who gave consent to their organisation."""

    shares = BooleanField(_l("All caseworkers here see everybody who gave consent to the organisation"))


class AcceptForm(BaseForm):
    """The name and first password of somebody who was invited."""

    name = StringField(_l("Your name, as colleagues know you"))
    password = SecretField(_l("Choose a password"))
    password_again = SecretField(_l("The same password again"))

    def validate_name(self, field: StringField) -> None:
        """Needed: colleagues and residents read who did something."""
        field.data = one_line(field.data)
        if not field.data:
            raise ValidationError(_l(TYPE_NAME))
        if len(field.data) > NAME_LENGTH:
            raise ValidationError(_l(NAME_TOO_LONG))

    def validate_password_again(self, field: SecretField) -> None:
        """A slip of the finger would lock somebody out on their first day."""
        if field.data != self.password.data:
            raise ValidationError(_l(NOT_THE_SAME))


class JoinForm(BaseForm):
    """Somebody with an account accepts: nothing to type."""


class ActForForm(BaseForm):
    """In whose name somebody of several organisations works now."""

    organisation = OneOf(_l("Which organisation do you work for now?"))

    def validate_organisation(self, field: OneOf) -> None:
        """One has to be chosen."""
        if not field.data:
            raise ValidationError(_l(CHOOSE_ONE))


class ReadsForm(BaseForm):
    """Whose acts the log shows; it lives in the address."""

    person = SelectField(_l("Show what one person did"))


def organisation_choices(names: Mapping[int, str]) -> list[SelectChoice]:
    """Organisations by their number; their names are data."""
    return [SelectChoice(str(number), name) for number, name in names.items()]
