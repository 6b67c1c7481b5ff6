"""Choices whose refusal is said in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.people.rules import NOT_AN_ANSWER


def _known(field: Any) -> set[Any]:
    return {value for value, *_ in field.iter_choices()}


class OneOf(RadioField):
    """Radio buttons, of which one must be chosen; `missing` says so when none was."""

    def __init__(self, *args: Any, missing: str = NOT_AN_ANSWER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.missing = missing

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused, and so is nothing at all."""
        if self.data not in _known(self):
            raise ValidationError(_l(NOT_AN_ANSWER if self.data else self.missing))


class AnyOf(SelectMultipleField):
    """Checkboxes."""

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused."""
        if not set(self.data or ()) <= _known(self):
            raise ValidationError(_l(NOT_AN_ANSWER))


class FromList(SelectField):
    """A list to choose one from, or none where its first line is empty."""

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused."""
        if (self.data or "") not in _known(self):
            raise ValidationError(_l(NOT_AN_ANSWER))


def words_of(table: Mapping[str, str]) -> list[SelectChoice]:
    """The choices of a table of words, as the page says them."""
    return [SelectChoice(code, _l(said)) for code, said in table.items()]


def number_of(value: Any) -> int:
    """The number a choice sends. What is none is 0, which stands in no list."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
