"""The form by which somebody is sent to a service: nothing in it is chosen beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField, TextAreaField

from inclusion_app.core import i18n
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, DayField
from inclusion_app.core.words import N_
from inclusion_app.people.choice_fields import AnyOf, FromList, number_of, words_of
from inclusion_app.people.staff_words import REAL_DAY
from inclusion_app.referrals import rules
from inclusion_app.referrals.services.sending import Wanted

SAY_LANGUAGE = N_("Choose the language you explained it in.")
# What each way means, beside its name.
MODES = {
    "warm": N_("Introduced them: the person met or spoke to somebody there with you"),
    "cold": N_("Sent their details: the service contacts the person"),
    "signposted": N_("Told them where to go: the person goes by themselves, and nothing is shared"),
}
HOW = {"spoken": N_("They told me"), "paper": N_("They signed a paper")}
KEY_LENGTH = 40


def _radio(label: Any) -> Any:
    """One of several, none of them beforehand. What is missing is said by the rules of sending, with all the rest."""
    return RadioField(label, choices=[], validate_choice=False)


class ReferForm(BaseForm):
    """How they are passed on, why, what is shared, and their yes."""

    form_key = StringField()
    mode = _radio(_l("How do you pass them on?"))
    introduced_how = _radio(_l("How did you introduce them?"))
    introduced_on = DayField(_l("On which day?"), wrong=_l(REAL_DAY))
    introduced_to = StringField(_l("Whom did they meet there?"))
    why = TextAreaField(_l("What do they need?"))
    urgency = _radio(_l("How urgent is it?"))
    items = AnyOf(_l("What may they see?"), choices=[])
    notes = AnyOf(_l("Which of our notes may go along?"), choices=[], coerce=number_of)
    how = _radio(_l("How did they say yes?"))
    language = FromList(_l("In which language did you explain it?"), choices=[])
    consent = BooleanField(_l("I read it to them, and they said yes to what is ticked here"))

    def __init__(self, *args: Any, notes: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mode.choices, self.how.choices = words_of(MODES), words_of(HOW)
        self.introduced_how.choices = words_of(rules.INTRODUCED)
        self.urgency.choices, self.items.choices = words_of(rules.URGENCIES), words_of(rules.SHARED)
        self.language.choices = [
            ("", _l("Choose")),
            *((language.slug, language.english_name) for language in i18n.released()),
        ]
        self.notes.choices = list(notes)

    @property
    def shares(self) -> bool:
        """Something is shared, or it is not known yet whether."""
        return self.mode.data != "signposted"

    def wanted(self, *, key: str, language: str, parent_id: int | None) -> Wanted:
        """What was chosen and typed. `language` is that of who is only told where to go: nothing is explained to them."""
        return Wanted(
            form_key=key, mode=self.mode.data or "", why=(self.why.data or "").replace("\r\n", "\n"),
            items=self.items.data or (), note_ids=self.notes.data or (),
            how=self.how.data if self.how.data in HOW else "", has_yes=bool(self.consent.data),
            urgency=self.urgency.data or "" if self.shares else "usual",
            language=self.language.data or "en" if self.shares else language,
            introduced_how=self.introduced_how.data or "", introduced_on=self.introduced_on.data,
            introduced_to=self.introduced_to.data or "", parent_id=parent_id,
        )  # fmt: skip

    def check(self) -> None:
        """Say what is wrong with the boxes themselves. What stands under another way of passing on is not judged."""
        self.validate()
        if self.mode.data != "warm":
            self.introduced_on.errors = []
        if not self.shares:
            self.items.errors = self.notes.errors = self.language.errors = []
        elif not self.language.data:
            self.refuse(RuleBroken(SAY_LANGUAGE, field="language"))

    @property
    def is_good(self) -> bool:
        """Nothing was refused."""
        return not (self.errors or self.form_errors)
