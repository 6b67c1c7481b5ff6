"""Forms of what may be done to a referral: each asks only for what its action needs, and nothing is chosen beforehand.

What must be there is said by `machine.what_is_missing`, all at once, so that pages of the staff and of a partner refuse
alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import Choice

from inclusion_app.core.forms import BaseForm, DayField, lines_of
from inclusion_app.people.choice_fields import AnyOf, number_of, words_of
from inclusion_app.people.staff_fields import MustChoose, NumberFromList
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_referral_words as words
from inclusion_app.referrals.services.machine import Said

LONGEST_TYPED = rules.ANSWER_LONGEST * 4


class FilterForm(BaseForm):
    """Which referrals the list shows."""

    which = SelectField(_l("Which ones"), choices=words_of(words.WHICH))
    state = SelectField(_l("State"), choices=words_of(words.STATES))
    owner = SelectField(_l("Whose"), choices=words_of(words.OWNERS))
    due = SelectField(_l("Due"), choices=words_of(words.DUE))
    waits = SelectField(_l("Waits for"), choices=words_of(words.WAITS))


def Pick(label: Any, *, choices: Any) -> RadioField:  # noqa: N802 - it stands where a field stands
    """Radio buttons whose refusal the rules say."""
    return RadioField(label, choices=choices, validate_choice=False)


class ActForm(BaseForm):
    """A button alone. `shown`: the macro of each field and its name, in the order of the page."""

    shown: Sequence[tuple[str, str]] = ()

    def said(self) -> Said:
        """What was chosen and typed."""
        fields = self._fields
        better = fields["better"].data if "better" in fields else None
        day = fields.get("promised_on")
        return Said(
            words="\n".join(lines_of(self._typed("words"), LONGEST_TYPED)),
            reason=self._typed("reason"),
            by=self._typed("by"),
            outcome=self._typed("outcome"),
            promised_on=day.data if day is not None and not day.errors else None,
            better_id=better or None,
        )

    def _typed(self, name: str) -> str:
        return str(self._fields[name].data or "") if name in self._fields else ""


def _long(action: str) -> TextAreaField:
    return TextAreaField(_l(words.LONG_WORDS[action]))


class AskForm(ActForm):
    """A question to whoever sent it."""

    words = _long("ask")
    shown = (("area", "words"),)


class AnswerForm(ActForm):
    """Its answer."""

    words = _long("answer")
    shown = (("area", "words"),)


class WaitForm(ActForm):
    """The day that is promised."""

    promised_on = DayField(_l("By which day do you answer again?"), wrong=_l(words.WRONG_DAY))
    shown = (("day", "promised_on"),)


class DeclineForm(ActForm):
    """Why not, and who says no."""

    reason = Pick(_l("Why not?"), choices=words_of(rules.DECLINED_FOR))
    by = Pick(_l("Who says no?"), choices=words_of(rules.DECLINED_BY))
    words = _long("decline")
    shown = (("options", "reason"), ("options", "by"), ("area", "words"))


class RerouteForm(ActForm):
    """Which service is better."""

    better = NumberFromList(_l("Which service is better?"))
    words = _long("reroute")
    shown = (("select", "better"), ("area", "words"))


class CloseForm(ActForm):
    """How it ended."""

    outcome = Pick(_l("How did it end?"), choices=words_of(rules.OUTCOMES))
    words = _long("close")
    shown = (("options", "outcome"), ("area", "words"))


class ReopenForm(ActForm):
    """Why it is open again, and what the person shares now."""

    shown: Sequence[tuple[str, str]]

    reason = Pick(_l("Why is it open again?"), choices=words_of(rules.REOPENED_FOR))
    items = AnyOf(_l("What do they share now?"), choices=words_of(rules.SHARED))
    how = Pick(_l("How did they say yes?"), choices=words_of(words.SAID_HOW))
    consent = BooleanField(_l("I read it to them, and they said yes"))
    words = _long("reopen")
    shown = (
        ("options", "reason"), ("checkboxes", "items"), ("options", "how"), ("one_box", "consent"), ("area", "words"),
    )  # fmt: skip


FORMS: dict[str, type[ActForm]] = {
    "acknowledge": ActForm, "found_out": ActForm, "accept": ActForm, "begin": ActForm, "recall": ActForm,
    "withdraw": ActForm, "ask": AskForm, "answer": AnswerForm, "waitlist": WaitForm, "decline": DeclineForm,
    "reroute": RerouteForm, "close": CloseForm, "reopen": ReopenForm,
}  # fmt: skip


def form_for(action: str, *, better: Sequence[tuple[int, str]] = (), is_shared: bool = True) -> ActForm:
    """The form of an action. Several stand on one page, so the names of its fields begin with the action.

    `is_shared`: nothing was shared for a public referral, so opening it again asks for no yes.
    """
    form = FORMS[action](prefix=f"{action}-")
    if isinstance(form, RerouteForm):
        form.better.choices = [(0, _l("Choose one")), *better]
    if isinstance(form, ReopenForm) and not is_shared:
        form.shown = (("options", "reason"), ("area", "words"))
    return form


class OwnerForm(BaseForm):
    """Who looks after it."""

    to = MustChoose(_l("Who looks after it?"), missing=words.CHOOSE_OWNER)

    def __init__(self, people: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to.choices = list(people)

    def iter_staff(self) -> Sequence[Choice]:
        """Who can be chosen."""
        return self.to.iter_choices()


def number_typed(value: str | None) -> int:
    """A number that a hidden field sent; 0 for what is none."""
    return number_of(value or "")
