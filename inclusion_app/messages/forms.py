"""The form that asks for a link to a plan."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from inclusion_app.core.codes import BrokenCode, read_code
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm
from inclusion_app.core.words import N_

NOTHING_TYPED = N_("Type your code.")


class LinkForm(BaseForm):
    """A code as people type it; who copies the whole address of a paper means the code in it."""

    code = StringField(_l("Your code"))

    def read_code(self) -> str | None:
        """The canonical code; None with an error at the field."""
        try:
            typed = (self.code.data or "").strip()
            if not typed:
                raise BrokenCode(NOTHING_TYPED)
            return read_code(re.split(r"/[rg]/", typed[:200])[-1].split("?")[0])
        except BrokenCode as broken:
            self.refuse(RuleBroken(broken.message, field="code"))
            return None
