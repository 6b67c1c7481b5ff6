"""Forms to keep a plan and to come back to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core import pins
from inclusion_app.core.codes import BrokenCode, read_code
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, SecretField, one_line
from inclusion_app.core.words import N_
from inclusion_app.people.rules import NICKNAME_LENGTH


def picture_choices() -> list[SelectChoice]:
    """The twelve pictures with their words."""
    return [SelectChoice(name, _l(pins.PICTURE_WORDS[name])) for name in pins.PICTURES]


def code_of(typed: str) -> str:
    """The canonical code of what was typed; who copies the whole address of a paper means the code in it.

    Raises BrokenCode.
    """
    return read_code(re.split(r"/(?:[rg]|book|loans)/", typed[:200])[-1].split("?")[0])


class CodeForm(BaseForm):
    """A code as people type it."""

    nothing_typed = N_("Type your code.")
    code = StringField(_l("Your code"))

    def read_code(self) -> str | None:
        """The canonical code; None with an error at the field."""
        try:
            if not (self.code.data or "").strip():
                raise BrokenCode(self.nothing_typed)
            return code_of(self.code.data or "")
        except BrokenCode as broken:
            self.refuse(RuleBroken(broken.message, field="code"))
            return None


class PictureField(RadioField):
    """One of the twelve pictures; what is not in the list is refused in the reader's language."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(label, choices=picture_choices(), validate_choice=False, **kwargs)

    def pre_validate(self, form: Any) -> None:
        if self.data and self.data not in pins.PICTURES:
            raise ValidationError(_l("Choose one of the pictures on this page."))


class PictureOfPaper(PictureField):
    """The same as a list, for whoever types in what stands on a paper. What was chosen is never sent back."""

    def iter_choices(self) -> Iterator[tuple[str, Any, bool, dict[str, Any]]]:
        """A first line for none, then the pictures by name."""
        yield "", _l("No answer"), True, {}
        for value, label, _chosen, attributes in super().iter_choices():
            yield value, label, False, attributes


class PicturesForm(BaseForm):
    """Three pictures in order."""

    picture1 = PictureField(_l("First picture"))
    picture2 = PictureField(_l("Second picture"))
    picture3 = PictureField(_l("Third picture"))

    def chosen_pictures(self) -> list[str]:
        """What was chosen, in order; an empty text where nothing was."""
        return [field.data or "" for field in (self.picture1, self.picture2, self.picture3)]

    def secret(self) -> str:
        """The three pictures as one secret. Raises RuleBroken."""
        return pins.read_pictures(self.chosen_pictures())


class ComeBackForm(PicturesForm, CodeForm):
    """A code, and what opens all of the plan."""

    pin = SecretField(_l("Your PIN"))

    def typed_secret(self, *, pictures: bool) -> str | None:
        """The PIN or the pictures; None when nothing was typed: then the code alone. Raises RuleBroken."""
        if pictures:
            return self.secret() if any(self.chosen_pictures()) else None
        return pins.read_pin(self.pin.data) if (self.pin.data or "").strip() else None


class ChosenSecretForm(PicturesForm):
    """A new PIN, typed twice, or three new pictures. The forms below say in their labels who chooses."""

    pin = SecretField(_l("Choose a PIN of 4 numbers"))
    pin_again = SecretField(_l("Type the PIN once more"))

    def secret(self, kind: str = "pin") -> str:
        """The chosen secret. Raises RuleBroken with the field."""
        if kind == "pictures":
            return pins.choose_pictures(self.chosen_pictures())
        pin = pins.choose_pin(self.pin.data or "")
        if pins.read_pin(self.pin_again.data or "") != pin:
            raise RuleBroken(pins.NOT_THE_SAME, field="pin_again")
        return pin


class KeepForm(ChosenSecretForm):
    """How to open the plan again, and what may be kept with it."""

    nickname = StringField(_l("First name or nickname, if you like"))
    everything = BooleanField(_l("Ask for my PIN or pictures for everything"))
    keep_near = BooleanField(_l("Keep my area with the plan"))

    def validate_nickname(self, field: StringField) -> None:
        """A short name is enough; it is printed on the paper."""
        field.data = one_line(field.data)
        if len(field.data) > NICKNAME_LENGTH:
            raise ValidationError(_l("Use a shorter name, 40 letters at most."))
