"""Forms of the hour beside somebody: their yes, the questions on one page, the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core import clock
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import DayField, OnceForm
from inclusion_app.people.choice_fields import AnyOf, FromList, words_of
from inclusion_app.people.rules import NOT_AN_ANSWER
from inclusion_app.referrals import staff_together_words as words
from inclusion_app.referrals.services import together
from inclusion_app.roadmaps import journeys
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.rules import Device, Mode, StepState
from inclusion_app.roadmaps.selfcheck import DAY_GOALS, GOALS, QUESTIONS, Question

SKIP, NOTHING = "not_said", "nothing"
MOST_GOALS = 3
FIRST, DAY_OF, STEP, WAS, GOAL = "first", "day_", "step_", "was_", "goal_"
# The question to which "nothing" is an answer too.
MAY_BE_NOTHING = "q4"


class OneOf(RadioField):
    """Radio buttons of which none need be chosen: what was not asked stays as it was."""

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused."""
        if self.data is not None and self.data not in {value for value, *_ in self.iter_choices()}:
            raise ValidationError(_l(NOT_AN_ANSWER))


class BesideForm(OnceForm):
    """The person's yes, given to whoever sits beside them; asked for again when the hour is over."""

    beside = BooleanField(_l("They sit beside me, and said yes"))

    @property
    def is_wrong(self) -> bool:
        """True when the page has to say what is not right."""
        return bool(self.errors or self.form_errors)


class QuestionsForm(BesideForm):
    """All twelve questions; `questions_form` adds them. Left open is not asked."""

    def read(self) -> together.Given:
        """What was given. Look at `is_wrong` afterwards: what does not fit together is said at its field."""
        self.validate()
        answers: dict[str, Any] = {}
        for question in QUESTIONS:
            chosen = self[question.id].data
            if not chosen:
                continue
            answers[question.id] = self._many(question, chosen) if question.many else _one(chosen)
        goals = list(answers.get(GOALS.id) or ())
        if len(goals) > max(MOST_GOALS, len(self.before)):
            self.refuse(RuleBroken(words.THREE_AT_MOST, field=GOALS.id))
        if not answers and not self.is_wrong:
            self.refuse(RuleBroken(words.ONE_ANSWER, field=GOALS.id))
        first = self[FIRST].data or ""
        if first and first not in goals and not self[FIRST].errors:
            self.refuse(RuleBroken(words.FIRST_OF_THESE, field=FIRST))
        taps = {name: bool(self[name].data) for name in words.TAPS}
        return together.Given(answers, taps, self._days(goals), first)

    before: tuple[str, ...] = ()

    def _many(self, question: Question, chosen: list[str]) -> list[str] | None:
        for alone, said in (
            (SKIP, words.NOT_BOTH),
            (NOTHING, words.NOT_NOTHING),
            (Device.NONE.value, words.NOT_NONE),
        ):
            if alone in chosen and len(chosen) > 1:
                self.refuse(RuleBroken(said, field=question.id))
                return None
        if SKIP in chosen:
            return None
        return [] if NOTHING in chosen else chosen

    def _days(self, goals: list[str]) -> dict[str, Any]:
        found = {}
        for goal in DAY_GOALS:
            day = self[f"{DAY_OF}{goal}"]
            if day.data is None:
                continue
            found[goal] = day.data
            if goal not in goals:
                self.refuse(RuleBroken(words.DAY_OF_GOAL, field=day.name))
            elif day.data < clock.today():
                self.refuse(RuleBroken(words.DAY_PASSED, field=day.name))
        return found


def _one(chosen: str) -> str | None:
    return None if chosen == SKIP else chosen


def questions_form(stored: Mapping[str, Any]) -> QuestionsForm:
    """The questions with what was answered before, as far as it is shown here; nothing else is chosen."""
    shown = together.shown_answers(stored)
    answered, skipped = journeys.answered(stored), stored.get("skipped", ())
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for number, question in enumerate(QUESTIONS, 1):
        kind = AnyOf if question.many else OneOf
        label = f"{number}. {_(question.text)}"
        fields[question.id] = kind(label, choices=_choices(question), validate_choice=False)
        if question.id in skipped:
            data[question.id] = [SKIP] if question.many else SKIP
        elif question.id == MAY_BE_NOTHING and question.id in answered and not shown.get(question.id):
            data[question.id] = [NOTHING]
        elif question.id in shown:
            data[question.id] = shown[question.id]
    goals = [SelectChoice(option.value, _(option.label)) for option in GOALS.options]
    fields[FIRST] = FromList(_("Which goal comes first?"), choices=[SelectChoice("", _("Not said")), *goals])
    titles = {option.value: option.label for option in GOALS.options}
    for goal in DAY_GOALS:
        fields[f"{DAY_OF}{goal}"] = DayField(_(titles[goal]), wrong=_l(words.NO_REAL_DAY))
        day = shown["days"].get(goal)
        data[f"{DAY_OF}{goal}"] = _day(day) if day else None
    fields |= {name: BooleanField(_(said)) for name, said in words.TAPS.items()}
    data |= {name: bool(stored.get(name)) for name in words.TAPS}
    form: QuestionsForm = type("TogetherQuestions", (QuestionsForm,), fields)(data=data)
    form.before = tuple(shown.get(GOALS.id, ()))
    return form


def _day(stored: str) -> date:
    return date.fromisoformat(stored)


def _choices(question: Question) -> list[SelectChoice]:
    own = [SelectChoice(option.value, _(option.label)) for option in question.options]
    if question.id == MAY_BE_NOTHING:
        own.append(SelectChoice(NOTHING, _(words.NOTHING)))
    return [*own, SelectChoice(SKIP, _(words.NOT_SAID))]


class PlanForm(BesideForm):
    """The plan: how far each step is, who does the steps of a goal, one more step, the day to look again."""

    day = DayField(_l("Look at the plan again on"), wrong=_l(words.NO_REAL_DAY))

    def states(self) -> dict[str, StepState]:
        """The steps that are to be marked otherwise than the page showed them."""
        found = {}
        for name in self._fields:
            if not name.startswith(STEP):
                continue
            step_id = name.removeprefix(STEP)
            if self[name].data != request.form.get(f"{WAS}{step_id}", self[name].data):
                found[step_id] = StepState(self[name].data)
        return found

    def modes(self) -> dict[str, Mode]:
        """Who does the steps of each goal that is shown and answered."""
        return {
            name.removeprefix(GOAL): Mode(self[name].data)
            for name in self._fields
            if name.startswith(GOAL) and self[name].data
        }


def plan_form(plan: together.ShownPlan) -> PlanForm:
    """The form of this plan, as it stands."""
    catalogue = load_catalogue()
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for shown in plan.all_steps:
        name = f"{STEP}{shown.step.id}"
        fields[name] = FromList(_(shown.step.title), choices=words_of(words.STATES))
        data[name] = shown.state.value
    for goal in plan.goals:
        fields[f"{GOAL}{goal}"] = OneOf(_(catalogue.goals[goal].title), choices=words_of(words.MODES))
        data[f"{GOAL}{goal}"] = plan.modes[goal].value
    add = [SelectChoice(step.id, _(step.title)) for step in plan.to_add]
    fields["add"] = FromList(_("One more step"), choices=[SelectChoice("", _("Choose")), *add])
    form: PlanForm = type("TogetherPlan", (PlanForm,), fields)(data=data)
    return form
