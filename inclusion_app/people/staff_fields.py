"""Fields on pages of the staff that several rooms use: one line, a whole number, a row of a list."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import Choice
from wtforms.validators import ValidationError

from inclusion_app.core.codes import plain_digits
from inclusion_app.core.forms import one_line
from inclusion_app.people.choice_fields import number_of
from inclusion_app.people.rules import NOT_AN_ANSWER
from inclusion_app.people.staff_words import CHOOSE, CHOOSE_ONE, MISSING, NO_NUMBER, TOO_LONG


class LineField(StringField):
    """A few words on one line, not longer than their column."""

    data: str | None

    def __init__(
        self, label: Any, *, longest: int, needed: bool = False, missing: str = MISSING, **kwargs: Any
    ) -> None:
        super().__init__(label, **kwargs)
        self.longest, self.needed, self.missing = longest, needed, missing

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Refuse nothing where something is needed, and what does not fit."""
        typed = self.data = one_line(self.data)
        if self.needed and not typed:
            raise ValidationError(_l(self.missing))
        if len(typed) > self.longest:
            raise ValidationError(_l(TOO_LONG))


class CountField(StringField):
    """A whole number between two bounds, which the refusal names. Empty is 0 where that is allowed."""

    count = 0

    def __init__(
        self, label: Any, *, least: int, most: int, may_be_empty: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, **kwargs)
        self.least, self.most, self.may_be_empty = least, most, may_be_empty

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Read what was typed."""
        typed = plain_digits(self.data or "").strip().replace("\u2212", "-")[:10]
        if not typed and self.may_be_empty:
            self.count = 0
            return
        figures = typed.removeprefix("-").removeprefix("+")
        fits = figures.isascii() and figures.isdigit() and len(figures) < 7
        if not fits or not self.least <= int(typed) <= self.most:
            raise ValidationError(_l(NO_NUMBER, least=self.least, most=self.most))
        self.count = int(typed)


class NumberFromList(SelectField):
    """A list of rows by their numbers; 0 is its first line, where there is one for none of them."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, coerce=number_of, **{"choices": [], **kwargs})

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused."""
        if self.data not in {value for value, *_ in self.iter_choices()}:
            raise ValidationError(_l(NOT_AN_ANSWER))


class MustChoose(NumberFromList):
    """The same, where nothing is written down because nobody looked: of several rows none is chosen beforehand.

    `missing` is what is said where none was chosen.
    """

    def __init__(self, label: Any, *, missing: str = CHOOSE_ONE, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.missing = missing

    def iter_choices(self) -> list[Any]:
        """The rows; where there are several, after a line that stands for none of them."""
        rows: list[Any] = super().iter_choices()
        none = Choice(value="", label=_l(CHOOSE), selected=not self.data, render_kw={})
        return rows if len(rows) < 2 else [none, *rows]

    def pre_validate(self, form: Any) -> None:
        """One of the rows."""
        if not self.data:
            raise ValidationError(_l(self.missing))
        super().pre_validate(form)
