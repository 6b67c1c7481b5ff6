"""Forms of the self-check and of the plan page; wording and limits come from the question list and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core.forms import BaseForm, DayField
from inclusion_app.roadmaps.catalogue import Goal
from inclusion_app.roadmaps.selfcheck import Question

MAX_GOALS = 3
NO_REAL_DAY = _l("Type a real day: day, month, year. Or leave it empty.")
NOT_IN_LIST = _l("Choose one of the answers on this page.")


class OneOf(RadioField):
    """Radio buttons whose refusal speaks the reader's language."""

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data not in {value for value, *_ in self.iter_choices()}:
            raise ValidationError(NOT_IN_LIST)


class AnyOf(SelectMultipleField):
    """Checkboxes, same."""

    def pre_validate(self, form: Any) -> None:
        known = {value for value, *_ in self.iter_choices()}
        if any(value not in known for value in self.data or ()):
            raise ValidationError(NOT_IN_LIST)


class OneOfList(SelectField):
    """A list to choose one from or none, same."""

    def pre_validate(self, form: Any) -> None:
        if self.data and self.data not in {value for value, *_ in self.iter_choices()}:
            raise ValidationError(NOT_IN_LIST)


class CheckForm(BaseForm):
    """One question of the self-check; the field is set to the question's kind in `question_form`."""

    back = HiddenField()


class StepForm(BaseForm):
    """The buttons of a step page; what the rules refuse is said at them."""

    do = HiddenField()


def question_form(question: Question, chosen: Any) -> CheckForm:
    """The form of one question, filled with the answer given before."""
    choices = [SelectChoice(option.value, _l(option.label)) for option in question.options]
    kind = AnyOf if question.many else OneOf
    form_class = type(
        "QuestionForm",
        (CheckForm,),
        {"answer": kind(_l(question.text), choices=choices, validate_choice=False)},
    )
    return form_class(data={"answer": chosen})


def first_form(goals: Sequence[Goal], first: str) -> CheckForm:
    """Which goal comes first; the one that does now is chosen already."""
    choices = [SelectChoice(goal.id, _l(goal.title)) for goal in goals]
    field = OneOf(_l("Which do you want to do first?"), choices=choices, validate_choice=False)
    form_class = type("FirstForm", (CheckForm,), {"answer": field})
    return form_class(data={"answer": first})


class FollowUpForm(BaseForm):
    """The day to look at the plan again."""

    day = DayField(_l("Or type a day"), wrong=_l("Type a real day: day, month, year."))


class WordField(StringField):
    """A short text, trimmed."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = (valuelist[0] if valuelist else "").strip()
