"""Forms of the hour beside somebody: their yes, the questions on one page, the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core import clock, i18n
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import DayField, OnceForm
from inclusion_app.people.choice_fields import AnyOf, FromList
from inclusion_app.people.rules import NOT_AN_ANSWER
from inclusion_app.referrals import staff_together_words as words
from inclusion_app.referrals.services import together
from inclusion_app.roadmaps import journeys, wording
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.rules import Device, Mode, StepState
from inclusion_app.roadmaps.selfcheck import DAY_GOALS, GOALS, QUESTIONS, Question

SKIP, NOTHING = "not_said", "nothing"
MOST_GOALS = 3
FIRST, DAY_OF, STEP, WAS, GOAL = "first", "day_", "step_", "was_", "goal_"
ADD, NO_DAY = "add", "no_day"
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


class Beside:
    """English words with the same in the person's language: they look on."""

    def __init__(self, language: i18n.Language) -> None:
        self.language = language

    def _own(self, text: str) -> str:
        if self.language is i18n.ENGLISH:
            return text
        with i18n.speaking(self.language):
            return _(text)

    def __call__(self, english: str, own: str = "", before: str = "") -> str:
        """Both, side by side; English alone where that is all. `own` is how it is said to the person, where otherwise."""
        said, text = self._own(own or english), _(english)
        if said == (own or english):
            return f"{before}{text}"
        return Markup(
            '<span class="beside"><span lang="{}" dir="{}">{}{}</span><span lang="en" dir="ltr">{}{}</span></span>'
        ).format(self.language.tag, self.language.dir, before, said, before, text)

    def in_list(self, english: str, own: str = "") -> str:
        """Both on one line, for a list in which no part can have a direction of its own."""
        said, text = self._own(own or english), _(english)
        if said == (own or english):
            return text
        return f"{text} · {i18n.ISOLATE}{said}{i18n.END_ISOLATE}"


def questions_form(stored: Mapping[str, Any], language: i18n.Language) -> QuestionsForm:
    """The questions with what was answered before, as far as it is shown here; nothing else is chosen."""
    both = Beside(language)
    shown = together.shown_answers(stored)
    answered, skipped = journeys.answered(stored), stored.get("skipped", ())
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for number, question in enumerate(QUESTIONS, 1):
        kind = AnyOf if question.many else OneOf
        label = both(question.text, before=f"{number}. ")
        fields[question.id] = kind(label, choices=_choices(question, both), validate_choice=False)
        if question.id in skipped:
            data[question.id] = [SKIP] if question.many else SKIP
        elif question.id == MAY_BE_NOTHING and question.id in answered and not shown.get(question.id):
            data[question.id] = [NOTHING]
        elif question.id in shown:
            data[question.id] = shown[question.id]
    goals = [SelectChoice(option.value, both.in_list(option.label)) for option in GOALS.options]
    fields[FIRST] = FromList(_("Which goal comes first?"), choices=[SelectChoice("", _("Not said")), *goals])
    titles = {option.value: option.label for option in GOALS.options}
    for goal in DAY_GOALS:
        fields[f"{DAY_OF}{goal}"] = DayField(both(titles[goal]), wrong=_l(words.NO_REAL_DAY))
        day = shown["days"].get(goal)
        data[f"{DAY_OF}{goal}"] = _day(day) if day else None
    fields |= {name: BooleanField(_(said)) for name, said in words.TAPS.items()}
    data |= {name: bool(stored.get(name)) for name in words.TAPS}
    form: QuestionsForm = type("TogetherQuestions", (QuestionsForm,), fields)(data=data)
    form.before = tuple(shown.get(GOALS.id, ()))
    return form


def _day(stored: str) -> date:
    return date.fromisoformat(stored)


def _choices(question: Question, both: Beside) -> list[SelectChoice]:
    own = [SelectChoice(option.value, both(option.label)) for option in question.options]
    if question.id == MAY_BE_NOTHING:
        own.append(SelectChoice(NOTHING, _(words.NOTHING)))
    return [*own, SelectChoice(SKIP, _(words.NOT_SAID))]


class PlanForm(BesideForm):
    """The plan: how far each step is, who does the steps of a goal, one more step, the day to look again."""

    day = DayField(_l("Look at the plan again on"), wrong=_l(words.NO_REAL_DAY))
    no_day = BooleanField(_l("No day to look again"))

    def states(self) -> dict[str, StepState]:
        """The steps that are to be marked otherwise than the page showed them."""
        return {name.removeprefix(STEP): StepState(value) for name, value in self._changed(STEP)}

    def modes(self) -> dict[str, Mode]:
        """Who does the steps of each goal that is shown, where that is to be otherwise than the page showed it."""
        return {name.removeprefix(GOAL): Mode(value) for name, value in self._changed(GOAL) if value}

    def _changed(self, kind: str) -> Iterator[tuple[str, Any]]:
        for name in self._fields:
            if name.startswith(kind):
                value = self[name].data
                if value != request.form.get(f"{WAS}{name}", value if kind == STEP else None):
                    yield name, value

    @property
    def asks_for_nothing(self) -> bool:
        """True when all is to stay as the page showed it."""
        day = self.day.data is not None or self.no_day.data
        return not (self.states() or self.modes() or self[ADD].data or day)

    def is_sendable(self) -> bool:
        """What was typed is whole, and no two things of it speak against each other."""
        self.validate()
        if self.no_day.data and (self.day.data is not None or self.day.errors):
            self.refuse(RuleBroken(words.DAY_OR_NONE, field=NO_DAY))
        return not self.is_wrong


def typed_in_plan() -> list[tuple[str, str]]:
    """What this request sent of a plan, to be sent again after another yes; nothing that is kept."""
    kinds, names = (STEP, GOAL, WAS), ("day", ADD, NO_DAY)
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name in names or name.startswith(kinds)
    ]


def plan_form(plan: together.ShownPlan, language: i18n.Language) -> PlanForm:
    """The form of this plan, as it stands."""
    catalogue, both = load_catalogue(), Beside(language)
    fields: dict[str, Any] = {}
    data: dict[str, Any] = {}
    states = [
        SelectChoice(code, both.in_list(said, wording.STATE_WORDS[StepState(code)]))
        for code, said in words.STATES.items()
    ]
    modes = [SelectChoice(code, both(said, words.MODES_SAID[code])) for code, said in words.MODES.items()]
    for shown in plan.all_steps:
        name = f"{STEP}{shown.step.id}"
        fields[name] = FromList(both(shown.step.title), choices=states)
        data[name] = shown.state.value
    for goal in plan.goals:
        fields[f"{GOAL}{goal}"] = OneOf(both(catalogue.goals[goal].title), choices=modes)
        data[f"{GOAL}{goal}"] = plan.modes[goal].value
    add = [SelectChoice(step.id, both.in_list(step.title)) for step in plan.to_add]
    fields[ADD] = FromList(_("One more step"), choices=[SelectChoice("", _("Choose")), *add])
    form: PlanForm = type("TogetherPlan", (PlanForm,), fields)(data=data)
    return form
