"""Forms of a caseload: filters, a view that is kept, giving somebody on, sheets and what is typed in from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.fields.choices import Choice, SelectChoice
from wtforms.validators import ValidationError

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, DayField, OnceForm, lines_of
from inclusion_app.core.words import N_
from inclusion_app.people.choice_fields import AnyOf, FromList, OneOf, number_of, words_of
from inclusion_app.people.rules import LANGUAGES
from inclusion_app.people.staff_fields import LineField, MustChoose, NumberFromList
from inclusion_app.people.staff_forms import language_name
from inclusion_app.people.staff_words import CHOOSE, CHOOSE_WHO_LOOKS
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_caseload_rules as caseload
from inclusion_app.referrals import staff_caseload_words as words
from inclusion_app.referrals.services.sheets import OnSheet, Typed
from inclusion_app.referrals.staff_caseload_queries import Choices
from inclusion_app.referrals.staff_caseload_rules import Filters

ANY = N_("Any")


class Colleague(MustChoose):
    """Which colleague: nobody is chosen beforehand, not even where there is one alone."""

    def iter_choices(self) -> list[Any]:
        """Nobody, and then everybody."""
        nobody = Choice(value="", label=_l(CHOOSE), selected=not self.data, render_kw={})
        return [nobody, *NumberFromList.iter_choices(self)]


class FiltersForm(BaseForm):
    """What a caseload shows. It is sent by GET: an address says it, and nothing of a person stands in that."""

    whose = FromList(_l("Whose people"), choices=[])
    due = FromList(_l("What is due"), choices=[])
    waiting = FromList(_l("What waits"), choices=[])
    help = FromList(_l("Referred for"), choices=[])
    language = FromList(_l("Language"), choices=[])
    ward = FromList(_l("Ward"), choices=[])

    def __init__(self, filters: Filters, choices: Choices, *, formdata: Any = None) -> None:
        super().__init__(formdata=formdata)
        anything = SelectChoice("", _l(ANY))
        whose = words_of(caseload.WHOSE) if choices.shares else words_of({"mine": caseload.WHOSE["mine"]})
        self.whose.choices = [*whose, *((str(number), name) for number, name in choices.colleagues)]
        self.due.choices = [anything, *words_of(caseload.DUE)]
        self.waiting.choices = [anything, *words_of(caseload.WAITING)]
        self.help.choices = [anything, *words_of(rules.HELPS)]
        named = sorted(((code, language_name(code)) for code in LANGUAGES), key=lambda one: one[1])
        self.language.choices = [anything, *named]
        self.ward.choices = [anything, *choices.wards]
        for name in ("whose", "due", "waiting", "help", "language", "ward"):
            self[name].data = getattr(filters, name)


class ViewForm(OnceForm):
    """The name under which filters are kept."""

    name = LineField(_l("Name of this view"), longest=40, needed=True, missing=words.NO_VIEW_NAME)


class GiveForm(OnceForm):
    """Which colleague looks after a person from now on."""

    to_id = Colleague(_l("Who looks after them from now on?"), missing=CHOOSE_WHO_LOOKS)


class NumbersForm(BaseForm):
    """Some of somebody's people, by their numbers, and who looks after them from now on."""

    people = AnyOf(_l("Numbers"), choices=[], coerce=number_of)
    to_id = Colleague(_l("Who looks after them from now on?"), missing=CHOOSE_WHO_LOOKS)

    def validate_people(self, asked: Any) -> None:
        """At least one."""
        if not asked.data:
            raise ValidationError(_l(words.CHOOSE_PEOPLE))


class SheetForm(OnceForm):
    """Who stands on a sheet."""

    people = AnyOf(_l("Who is on the sheet?"), choices=[], coerce=number_of)

    def validate_people(self, asked: Any) -> None:
        """At least one, and no more than there is room for."""
        if not asked.data:
            raise ValidationError(_l(words.CHOOSE_FOR_SHEET))
        if len(set(asked.data)) > rules.SHEET_PEOPLE:
            raise ValidationError(_l(words.TOO_MANY_ON_SHEET, most=rules.SHEET_PEOPLE))


class DestroyForm(BaseForm):
    """How a sheet was destroyed."""

    how = OneOf(_l("How was it destroyed?"), choices=words_of(caseload.SHEET_ENDS), missing=words.CHOOSE_END)


class _NotesForm(OnceForm):
    """What came of a sheet: for each of its people a day and words. The boxes of one person are left empty together."""

    people: Sequence[OnSheet] = ()

    def read(self, *, today: Any) -> list[Typed]:
        """What was typed, where all of it is right; else every error stands at its box and nothing is given back."""
        found: list[Typed] = []
        for one in self.people:
            day, box = self[f"day_{one.resident_id}"], self[f"words_{one.resident_id}"]
            said = "\n".join(lines_of(box.data, rules.NOTE_LONGEST + 1))
            if not said and not any(day.typed):
                continue
            if not said:
                self._refuse_for(one, box, words.WORDS_MISSING)
            if len(box.data or "") > rules.NOTE_LONGEST:
                self._refuse_for(one, box, words.NOTE_LONG)
            if day.errors:
                day.errors = []
                self._refuse_for(one, day, words.REAL_DAY)
                continue
            why = rules.why_not_happened(day.data, today=today) if day.data else words.DAY_MISSING
            if why:
                self._refuse_for(one, day, why)
            else:
                found.append(Typed(one.resident_id, day.data, said))
        if not found and not self.errors:
            self.refuse(RuleBroken(words.NOTHING_TYPED))
        return [] if self.errors or self.form_errors else found

    def _refuse_for(self, one: OnSheet, field: Any, said: str) -> None:
        """At the box, and in the summary of many people with the number of whose it is."""
        self.refuse(RuleBroken(words.FOR_PERSON, field=field.name, place=one.place, said=_l(said)))


def notes_form(people: Sequence[OnSheet], labels: Mapping[int, tuple[str, str]]) -> _NotesForm:
    """The form of one sheet, with the boxes of whoever stands on it. `labels`: of the day and of the words, by person."""
    boxes: dict[str, Any] = {}
    for one in people:
        day, said = labels[one.resident_id]
        boxes[f"day_{one.resident_id}"] = DayField(day, wrong=_l(words.REAL_DAY))
        boxes[f"words_{one.resident_id}"] = TextAreaField(said)
    form: _NotesForm = type("NotesForm", (_NotesForm,), boxes)()
    form.people = people
    return form
