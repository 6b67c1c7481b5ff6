"""Fields of the stock pages: one line, a whole number, a row of a list, a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import ValidationError

from inclusion_app.core.codes import plain_digits
from inclusion_app.core.forms import one_line
from inclusion_app.core.words import N_
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.rules import NOT_AN_ANSWER

MISSING = N_("Fill this in.")
TOO_LONG = N_("This is too long. Use fewer words.")
NO_NUMBER = N_("Type a whole number from %(least)s to %(most)s.")
NO_DAY = N_("Type a real day: day, month, year.")


def words_of(table: Mapping[str, str]) -> list[tuple[str, Any]]:
    """The choices of a table of words, as the page says them."""
    return [(code, _l(said)) for code, said in table.items()]


class LineField(StringField):
    """A few words on one line, not longer than their column."""

    data: str | None

    def __init__(self, label: Any, *, longest: int, needed: bool = False, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.longest, self.needed = longest, needed

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Refuse nothing where something is needed, and what does not fit."""
        typed = self.data = one_line(self.data)
        if self.needed and not typed:
            raise ValidationError(_l(MISSING))
        if len(typed) > self.longest:
            raise ValidationError(_l(TOO_LONG))


class CountField(StringField):
    """A whole number between two bounds, which the refusal names. Empty is None where that is allowed."""

    count: int | None = None

    def __init__(
        self, label: Any, *, least: int, most: int, may_be_empty: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, **kwargs)
        self.least, self.most, self.may_be_empty = least, most, may_be_empty

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Read what was typed."""
        typed = plain_digits(self.data or "").strip().replace("\u2212", "-")[:10]
        if not typed and self.may_be_empty:
            self.count = None
            return
        figures = typed.removeprefix("-").removeprefix("+")
        fits = figures.isascii() and figures.isdigit() and len(figures) < 7
        if not fits or not self.least <= int(typed) <= self.most:
            raise ValidationError(_l(NO_NUMBER, least=self.least, most=self.most))
        self.count = int(typed)


class NumberFromList(SelectField):
    """A list of rows by their numbers."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, coerce=number_of, choices=[], **kwargs)

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused."""
        if self.data not in {value for value, *_ in self.iter_choices()}:
            raise ValidationError(_l(NOT_AN_ANSWER))


class UploadField(StringField):
    """A file that is sent along. What it is, is judged by its bytes (services/files); its name is never read."""

    sent: bytes = b""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Read the bytes."""
        file = request.files.get(self.name)
        self.sent = file.read() if file is not None else b""

    def _value(self) -> str:
        return ""
