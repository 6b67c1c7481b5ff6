"""Forms of safeguarding flags."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import ValidationError

from inclusion_app.core.forms import BaseForm, OnceForm, lines_of
from inclusion_app.people.choice_fields import FromList
from inclusion_app.people.rules import FLAG_LONGEST
from inclusion_app.people.staff_words import CHOOSE_ONE


def _said(field: TextAreaField) -> str:
    """What was typed, line by line. Longer than allowed stays longer: it is refused, not cut."""
    return "\n".join(lines_of(field.data, FLAG_LONGEST * 4))


class FlagForm(OnceForm):
    """Why somebody fears for a person; also what they write about it later."""

    words = TextAreaField(_l("What did you see or hear, and when?"))

    def said(self) -> str:
        """The words as they are kept."""
        return _said(self.words)


class MoreForm(FlagForm):
    """One more thing about a flag."""

    words = TextAreaField(_l("What did you see, hear or do since?"))


class AssignForm(BaseForm):
    """Which caseworker works on it; 0 is nobody but the lead."""

    assigned = FromList(_l("Who works on it with you?"), choices=[])

    def validate_assigned(self, field: FromList) -> None:
        """Nobody is chosen beforehand."""
        if not field.data:
            raise ValidationError(_l(CHOOSE_ONE))


class EndForm(OnceForm):
    """What was done, so that it can end."""

    ending = TextAreaField(_l("What was done, and why is it safe to end this?"))

    def said(self) -> str:
        """The words as they are kept."""
        return _said(self.ending)
