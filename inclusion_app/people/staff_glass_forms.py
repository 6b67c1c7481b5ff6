"""Forms of break-glass."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core.forms import MAX_TEXT, BaseForm, one_line
from inclusion_app.people import staff_words as words


class OneOf(RadioField):
    """One of a few answers with their words; what is not among them is refused in words of ours."""

    def __init__(self, label: Any, answers: dict[str, str], **kwargs: Any) -> None:
        choices = [SelectChoice(code, _l(text)) for code, text in answers.items()]
        super().__init__(label, choices=choices, validate_choice=False, **kwargs)
        self.codes = frozenset(answers)

    def pre_validate(self, _form: Any) -> None:
        if self.data not in self.codes:
            raise ValidationError(_l(words.CHOOSE_ONE))


class GlassForm(BaseForm):
    """Whom, and why."""

    person = StringField(_l("The person’s code, or the number of their record"))
    reason = TextAreaField(_l("Why you must see this person’s record now"))

    def words_of_reason(self) -> str:
        """The reason on one line."""
        return one_line((self.reason.data or "")[:MAX_TEXT])


class ReviewForm(BaseForm):
    """What the one who looked at it found."""

    finding = OneOf(_l("What did you find?"), words.FINDINGS)
