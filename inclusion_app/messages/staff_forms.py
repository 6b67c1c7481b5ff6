"""How a letter or a call ended."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from inclusion_app.core.forms import BaseForm
from inclusion_app.messages.rules import OUTCOMES_OF
from inclusion_app.messages.staff_words import OUTCOMES


class OutcomeForm(BaseForm):
    """One of the ways an item of this kind can end; anything else is refused by the service."""

    outcome = RadioField(_l("How did it go?"), validate_choice=False)

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = [SelectChoice(name, _l(OUTCOMES[name])) for name in OUTCOMES_OF[kind]]
