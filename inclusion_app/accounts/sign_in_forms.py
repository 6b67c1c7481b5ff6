"""What is typed to sign in, to prove oneself again, and to choose a password."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import ValidationError

from inclusion_app.accounts import passkeys
from inclusion_app.core.forms import BaseForm, SecretField, one_line
from inclusion_app.core.words import N_

TYPE_EMAIL = N_("Type your e-mail address.")
TYPE_PASSWORD = N_("Type your password.")
TYPE_CODE = N_("Type the code from your app, or a recovery code.")
NAME_KEY = N_("Give the key a name.")
LONG_NAME = N_("Use at most 60 letters.")


class EmailForm(BaseForm):
    """The address of an account."""

    email = StringField(_l("E-mail address"))

    def validate_email(self, field: StringField) -> None:
        """Needed. Whether it is anybody's is not said here."""
        field.data = one_line(field.data)
        if not field.data:
            raise ValidationError(_l(TYPE_EMAIL))


class SignInForm(EmailForm):
    """Address and password."""

    password = SecretField(_l("Password"))

    def validate_password(self, field: StringField) -> None:
        """Needed."""
        if not field.data:
            raise ValidationError(_l(TYPE_PASSWORD))


class KeyForm(BaseForm):
    """What a key answered, filled in by the script of the page."""

    answer = HiddenField()


class SecondForm(BaseForm):
    """A code of the app or a recovery code; or the answer of a key."""

    code = StringField(_l("Code"))
    answer = HiddenField()

    def validate_code(self, field: StringField) -> None:
        """Needed unless a key answered."""
        field.data = one_line(field.data)
        if not field.data and not self.answer.data:
            raise ValidationError(_l(TYPE_CODE))


class AgainForm(BaseForm):
    """The password once more; or the answer of a key."""

    password = SecretField(_l("Password"))
    answer = HiddenField()

    def validate_password(self, field: StringField) -> None:
        """Needed unless a key answered."""
        if not field.data and not self.answer.data:
            raise ValidationError(_l(TYPE_PASSWORD))


class AppForm(BaseForm):
    """The first code of a new authenticator app, and its sealed secret."""

    code = StringField(_l("Code that the app shows now"))
    sealed = HiddenField()


class NewKeyForm(BaseForm):
    """A name for a new key, and what the key answered."""

    label = StringField(_l("Name of the key"))
    answer = HiddenField()

    def validate_label(self, field: StringField) -> None:
        """Needed: two keys are told apart by it."""
        field.data = one_line(field.data)
        if not field.data:
            raise ValidationError(_l(NAME_KEY))
        if len(field.data) > passkeys.LABEL_LENGTH:
            raise ValidationError(_l(LONG_NAME))


class PasswordForm(BaseForm):
    """A new password."""

    password = SecretField(_l("New password"))
