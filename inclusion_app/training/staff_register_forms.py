"""Forms of the register: a code, a walk-in, what stands on the printed sheet."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Field, SelectField, StringField

from inclusion_app.core import i18n
from inclusion_app.core.clock import moment
from inclusion_app.core.codes import BrokenCode, plain_digits
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, OnceForm, one_line
from inclusion_app.core.words import N_
from inclusion_app.people.staff_words import TOO_LONG
from inclusion_app.training.codes import booking_code_of
from inclusion_app.training.rules import LABEL_LENGTH

NO_CODE = N_("Type or scan the code of the booking.")
NOT_HERE = N_("No booking of this date has this code.")
UNKNOWN_BOOKING = N_("No booking that can be marked now has this code.")
REAL_TIME = N_("Type a time such as 10:15.")
WALK_INS_AT_MOST = 50
HOW_MANY = N_("Type a number from 0 to %(most)s.")


def whole_number(typed: str | None) -> int | None:
    """The number somebody typed in the digits of any script; None for what is none, -1 where there is something else."""
    plain = plain_digits((typed or "")[:20]).strip()
    if not plain:
        return None
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 4 else -1


class PaperLanguageForm(BaseForm):
    """In which language something is printed, beside English."""

    language = SelectField(_l("Language of the paper"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [(one.slug, one.english_name) for one in i18n.released()]


class TimeField(Field):
    """A time of day as people write it: 10:15, 10.15, 1015 or 9."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.typed = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it. Raises ValueError, which wtforms shows at the field."""
        self.typed = (valuelist or [""])[0].strip()[:10]
        self.data = None
        if not self.typed:
            return
        digits = [sign for sign in plain_digits(self.typed) if sign not in ":.h "]
        text = "".join(digits)
        if not text.isascii() or not text.isdigit() or len(text) > 4:
            raise ValueError(_l(REAL_TIME))
        hour, minute = (int(text), 0) if len(text) < 3 else (int(text[:-2]), int(text[-2:]))
        if hour > 23 or minute > 59:
            raise ValueError(_l(REAL_TIME))
        self.data = time(hour, minute)

    def _value(self) -> str:
        return self.typed


class CodeForm(BaseForm):
    """The code of a booking: typed, or put here by the camera."""

    code = StringField(_l("Code of the booking"))

    def read(self) -> str:
        """The canonical code. Raises RuleBroken at the field."""
        if not (self.code.data or "").strip():
            raise RuleBroken(NO_CODE, field="code")
        try:
            return booking_code_of(self.code.data or "")
        except BrokenCode as broken:
            raise RuleBroken(broken.message, field="code") from None


class WalkInForm(OnceForm):
    """Somebody who came without a booking. A name is not needed; a number will do."""

    label = StringField(_l("What they wish to be called"))
    person = StringField(_l("The code of their plan"))

    def read_label(self) -> str:
        """What was typed, on one line. Raises RuleBroken at the field."""
        label = one_line(self.label.data)
        if len(label) > LABEL_LENGTH:
            raise RuleBroken(TOO_LONG, field="label")
        return label


class SheetForm(OnceForm):
    """What stands on the printed sheet, typed in later. Each line is read by the number of its booking."""

    at = TimeField(_l("When was it written down?"))
    walk_ins = StringField(_l("How many came without a booking?"))

    def happened_at(self, starts_at: datetime, day: Any) -> datetime:
        """The moment it happened: the time on the sheet, else the start."""
        return moment(day, self.at.data) if self.at.data is not None else starts_at

    def read_walk_ins(self) -> int:
        """How many. Raises RuleBroken at the field."""
        number = whole_number(self.walk_ins.data) or 0
        if not 0 <= number <= WALK_INS_AT_MOST:
            raise RuleBroken(HOW_MANY, field="walk_ins", most=WALK_INS_AT_MOST)
        return number
