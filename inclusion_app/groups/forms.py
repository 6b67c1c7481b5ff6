"""Forms of a group: what opens it, who joins, its notes, and the sums of its paper list."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import ValidationError

from inclusion_app.core.codes import plain_digits
from inclusion_app.core.forms import BaseForm, SecretField, one_line
from inclusion_app.core.pins import read_pin
from inclusion_app.core.words import N_
from inclusion_app.groups.rules import MOST_PEOPLE, NOTE_LENGTHS, PaperList
from inclusion_app.people.forms import CodeForm, ComeBackForm, KeepForm, PicturesForm
from inclusion_app.roadmaps.catalogue import Step

WRITE_WHAT = N_("Write what you will do.")
NOT_A_NUMBER = N_("Type a number from 0 to 99.")
MORE_TICKS = N_("There are more ticks than people. Count again.")
TOO_LONG = N_("This is too long. Use fewer words.")


class NewGroupForm(KeepForm):
    """The name of a group and what opens it. `nickname` is the group's name here."""

    nickname = StringField(_l("Name of the group, if you like"))


class GroupCodeForm(PicturesForm, CodeForm):
    """The code of a group."""

    nothing_typed = N_("Type the code.")
    code = StringField(_l("Code of the group"))


class OpenForm(GroupCodeForm):
    """What opens a group: its code with its PIN or pictures. The code alone opens nothing."""

    pin = SecretField(_l("PIN of the group"))

    def typed_secret(self, *, pictures: bool) -> str:
        """The PIN or the pictures. Raises RuleBroken, also when nothing was typed."""
        return self.secret() if pictures else read_pin(self.pin.data or "")


class AddForm(ComeBackForm):
    """The code of a person, who types it themselves; with their PIN or pictures only where their plan asks for it."""

    nothing_typed = N_("Type the code.")
    code = StringField(_l("Code of the person"))
    pin = SecretField(_l("Their PIN, if their plan asks for it"))


class NoteForm(BaseForm):
    """One thing the group will do together."""

    what = StringField(_l("What will you do?"))
    when = StringField(_l("When?"))
    where = StringField(_l("Where?"))

    def validate_what(self, field: StringField) -> None:
        """Needed: a note without it says nothing."""
        _fit(field)
        if not field.data:
            raise ValidationError(_l(WRITE_WHAT))

    def validate_when(self, field: StringField) -> None:
        """Free words."""
        _fit(field)

    def validate_where(self, field: StringField) -> None:
        """Free words."""
        _fit(field)

    def note(self) -> dict[str, str]:
        """What was typed, trimmed."""
        return {name: self[name].data for name in NOTE_LENGTHS}


def _fit(field: StringField) -> None:
    field.data = one_line(field.data)
    if len(field.data) > NOTE_LENGTHS[field.name]:
        raise ValidationError(_l(TOO_LONG))


class NumberField(StringField):
    """A number from 0 to 99 in the digits of any script; an empty box is none."""

    number = 0

    def pre_validate(self, form: Any) -> None:
        typed = plain_digits((self.data or "")[:20]).strip()
        if len(typed) > 2 or (typed and not (typed.isascii() and typed.isdigit())):
            raise ValidationError(_l(NOT_A_NUMBER))
        self.number = int(typed or 0)
        if self.number > MOST_PEOPLE:
            raise ValidationError(_l(NOT_A_NUMBER))


class PaperForm(BaseForm):
    """How many people are on the paper list. The box of each step is added in `paper_form`."""

    people = NumberField(_l("How many people are on the paper?"))

    def read(self) -> PaperList | None:
        """The sums; None with an error at each field that cannot be right."""
        self.validate()
        ticks = {name: field for name, field in self._fields.items() if name.startswith("step_")}
        for field in ticks.values():
            if not self.people.errors and not field.errors and field.number > self.people.number:
                field.errors = [_l(MORE_TICKS)]
            if field.errors:
                # Several may be wrong: the links of the error summary must not read alike.
                field.errors = [f"{field.label.text}: {field.errors[0]}"]
        if self.errors:
            return None
        sums = {name.removeprefix("step_"): field.number for name, field in ticks.items()}
        return PaperList(self.people.number, sums)


def paper_form(steps: tuple[Step, ...], stored: PaperList) -> PaperForm:
    """The form of the paper list as it is printed, filled with the sums typed in before."""
    fields = {f"step_{step.id}": NumberField(_l(step.title)) for step in steps}
    form_class = type("StepsForm", (PaperForm,), fields)
    kept = {f"step_{step}": str(count) for step, count in stored.ticks.items()}
    return form_class(data={"people": str(stored.people or ""), **kept})
