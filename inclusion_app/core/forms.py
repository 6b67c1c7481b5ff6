"""One base for every form: no hidden defaults, messages in the reader's language, errors that lead to their field."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.sessions import remember_browser

MAX_TEXT = 2_000


class BaseForm(FlaskForm):
    """A form of the service. Showing one gives the browser its random id, so that the token has a holder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        remember_browser()
        super().__init__(*args, **kwargs)

    def refuse(self, broken: RuleBroken) -> None:
        """Put a broken rule's message at its field, or at the head of the form."""
        message = lazy_gettext(broken.message, **broken.params)
        field = self._fields.get(broken.field or "")
        if field is None:
            self.form_errors.append(message)
        else:
            field.errors = [*field.errors, message]
