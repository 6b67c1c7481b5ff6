"""The form of a paper that a helper types in: all of the self-check on one page, in the order of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from string import ascii_lowercase
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.fields.choices import SelectChoice

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import DayField, SecretField
from inclusion_app.core.words import N_
from inclusion_app.people.forms import CodeForm, KeepForm, PictureOfPaper
from inclusion_app.roadmaps.forms import MAX_GOALS, NO_REAL_DAY, AnyOf, OneOfList
from inclusion_app.roadmaps.rules import Device
from inclusion_app.roadmaps.selfcheck import DAY_GOALS, GOALS, QUESTIONS, TAPS, Question

NEEDS_SECRET = N_("Choose the three pictures or a PIN. They protect this plan.")
NOT_BOTH = N_("Type the pictures or a PIN, not both.")
NEEDS_CODE = N_("Type the code of the sticker too. Pictures or a PIN need it.")
GROUP_NEEDS_CODE = N_("Type the code of the sticker too. The group needs it.")
PICTURE_TWICE = N_("This picture is chosen already. Look at the paper again.")
PICTURES_AGAIN = N_("Choose the pictures again.")
PIN_AGAIN = N_("Type the PIN again.")
ONLY_ONE_OF_BOTH = N_("Choose what they can use, or “none of these”. Not both.")
# On a paper there is no helper's tick: a helper types it in, so one helped.
PAPER_TAPS = tuple(tap for tap in TAPS if tap.name != "helped")


class TypedInForm(KeepForm, CodeForm):
    """What stands on a paper; `typed_in_form` adds the fields in the order of the paper."""

    everything = None
    keep_near = None
    sticker_used = False  # somebody typed in a paper with this sticker already

    @property
    def given(self) -> dict[str, str | Sequence[str]]:
        """The answers by question; what was left empty is not in it."""
        answers: dict[str, str | Sequence[str]] = {"q1": [goal for goal in self._goals() if goal]}
        answers |= {question.id: self[question.id].data for question in QUESTIONS if question is not GOALS}
        return {question: answer for question, answer in answers.items() if answer}

    @property
    def days(self) -> dict[str, date]:
        """The days that were written beside goals."""
        return {goal: self[goal].data for goal in DAY_GOALS if self[goal].data}

    @property
    def taps(self) -> Mapping[str, bool]:
        """The second answers of two questions."""
        return {tap.name: bool(self[tap.name].data) for tap in PAPER_TAPS}

    @property
    def kind_of_secret(self) -> str | None:
        """Whether pictures or a PIN were typed in; None for neither."""
        if any(self.chosen_pictures()):
            return "pictures"
        return "pin" if self._has_pin() else None

    def _has_pin(self) -> bool:
        return any((field.data or "").strip() for field in (self.pin, self.pin_again))

    def _goals(self) -> list[str]:
        return [self[name].data or "" for name in GOAL_FIELDS]

    def check_answers(self) -> None:
        """Put what does not fit together at its field. Ask for `validate` first."""
        chosen = self._goals()
        for name, goal, before in zip(GOAL_FIELDS, chosen, range(MAX_GOALS), strict=True):
            if goal and goal in chosen[:before]:
                self.refuse(RuleBroken(N_("This goal is chosen already. Choose another one."), field=name))
        for goal in DAY_GOALS:
            if self[goal].data and goal not in chosen:
                self.refuse(RuleBroken(N_("Choose this goal too, or leave its day empty."), field=goal))
        # On a paper each picture has one box, so two alike can only be a slip.
        pictures = self.chosen_pictures()
        for place, picture in enumerate(pictures):
            if picture and picture in pictures[:place]:
                self.refuse(RuleBroken(PICTURE_TWICE, field=f"picture{place + 1}"))
        devices = self["q2"].data or ()
        if Device.NONE.value in devices and len(devices) > 1:
            self.refuse(RuleBroken(ONLY_ONE_OF_BOTH, field="q2"))
        if not self.given and not self.errors:
            self.refuse(RuleBroken(N_("Type in at least one answer."), field="goal1"))
        if not self["agreed"].data:
            self.refuse(RuleBroken(N_("Ask the person first. Then tick this box."), field="agreed"))

    def read_keys(self) -> tuple[str, str, str] | None:
        """The canonical code of the sticker with the kind and text of the secret; None without a code, or with errors."""
        kind, secret = self.kind_of_secret, ""
        if not (self.code.data or "").strip():
            if kind is not None:
                self.refuse(RuleBroken(NEEDS_CODE, field="code"))
            if "group_code" in self and (self["group_code"].data or "").strip():
                self.refuse(RuleBroken(GROUP_NEEDS_CODE, field="group_code"))
            return None
        code = self.read_code()
        try:
            if kind is None:
                raise RuleBroken(NEEDS_SECRET, field="picture1")
            if kind == "pictures" and (self.pin.data or "").strip():
                raise RuleBroken(NOT_BOTH, field="pin")
            secret = self.secret(kind)
        except RuleBroken as broken:
            self.refuse(broken)
        return (code, kind or "", secret) if code is not None else None

    def ask_secret_again(self) -> None:
        """Say that the pictures or the PIN are gone from the page: what was typed there is never sent back."""
        if any(self.chosen_pictures()) == self._has_pin():
            return  # nothing typed, or both, and then one of the two is to stay away
        name, message = ("pin", PIN_AGAIN) if self._has_pin() else ("picture1", PICTURES_AGAIN)
        if not self[name].errors:
            self.refuse(RuleBroken(message, field=name))


GOAL_FIELDS = tuple(f"goal{place}" for place in range(1, MAX_GOALS + 1))


def typed_in_form(*, with_group: bool) -> TypedInForm:
    """The empty form, or the one that was sent, its fields in the order of the paper."""
    goals = _list_of(GOALS)
    places = (_l("First goal"), _l("Second goal"), _l("Third goal"))
    fields: dict[str, Any] = {
        name: OneOfList(label, choices=goals, validate_choice=False)
        for name, label in zip(GOAL_FIELDS, places, strict=True)
    }
    titles = {option.value: option.label for option in GOALS.options}
    fields |= {goal: DayField(_l(titles[goal]), wrong=NO_REAL_DAY) for goal in DAY_GOALS}
    for number, question in enumerate(QUESTIONS[1:], start=2):
        label = f"{number}. {_(question.text)}"
        if question.many:
            fields[question.id] = AnyOf(label, choices=_lettered(question), validate_choice=False)
        else:
            fields[question.id] = OneOfList(label, choices=_list_of(question), validate_choice=False)
        fields |= {tap.name: BooleanField(_l(tap.label)) for tap in PAPER_TAPS if tap.question == question.id}
    fields["code"] = StringField(_l("Code on the sticker"))
    fields["picture1"] = PictureOfPaper(_l("First picture"))
    fields["picture2"] = PictureOfPaper(_l("Second picture"))
    fields["picture3"] = PictureOfPaper(_l("Third picture"))
    fields["pin"] = SecretField(_l("Choose a PIN of 4 numbers"))
    fields["pin_again"] = SecretField(_l("Type the PIN once more"))
    fields["nickname"] = StringField(_l("First name or nickname, if you like"))
    if with_group:
        fields["group_code"] = StringField(_l("Code of the group"))
    fields["agreed"] = BooleanField(_l("The person said yes. I may type this in."))
    form: TypedInForm = type("TypedInPaper", (TypedInForm,), fields)()
    return form


def _lettered(question: Question) -> list[SelectChoice]:
    """The answers with the letters the paper gives them: a helper finds them by their keys."""
    return [
        SelectChoice(option.value, f"{letter}. {_(option.label)}")
        for letter, option in zip(ascii_lowercase, question.options, strict=False)
    ]


def _list_of(question: Question) -> list[SelectChoice]:
    return [SelectChoice("", _("No answer")), *_lettered(question)]
