"""Forms of a case: a note and what is added to it, a task and what becomes of it, a file. Their rules are the services'."""

from __future__ import annotations

import secrets
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField

from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import BaseForm, DayField, OnceForm
from inclusion_app.core.uploads import UploadField
from inclusion_app.people.choice_fields import OneOf, words_of
from inclusion_app.people.staff_fields import NumberFromList
from inclusion_app.people.staff_words import CHOOSE, REAL_DAY
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseNote, CaseTask
from inclusion_app.referrals.services.staff_notes import Written
from inclusion_app.referrals.services.staff_tasks import Wanted

KEY_LENGTH = 40


class _Keyed(BaseForm):
    """A form that makes one row however often it is sent: its page carries the key, drawn anew each time."""

    form_key = StringField(default=lambda: secrets.token_urlsafe(16))

    def key_of(self, staff_id: int | None) -> str:
        """The key of this sending; nobody can use up somebody else's."""
        return f"{staff_id} {(self.form_key.data or '')[:KEY_LENGTH]}"

    def refuse_all(self, found: list[RuleBroken]) -> bool:
        """Put each message at its field. True where there was any."""
        for broken in found:
            self.refuse(broken)
        return bool(found or self.errors)


class AdditionForm(_Keyed):
    """What is added to a note: the day and the words."""

    happened_on = DayField(_l("When did it happen?"), wrong=_l(REAL_DAY))
    words = TextAreaField(_l("What you add"))
    may_read = BooleanField(_l("The person may read this in their own record"))

    def written(self, kind: str) -> Written:
        """What was typed; of the kind of the note it is added to."""
        return Written(kind, self.happened_on.data, self.words.data or "", bool(self.may_read.data))


class NoteForm(_Keyed):
    """A note: how we were in touch, when, and what there is to say."""

    kind = OneOf(_l("How were you in touch?"), choices=words_of(rules.NOTE_KINDS), missing=words.CHOOSE_KIND)
    happened_on = DayField(_l("When did it happen?"), wrong=_l(REAL_DAY))
    words = TextAreaField(_l("What happened"))
    may_read = BooleanField(_l("The person may read this in their own record"))

    def written(self) -> Written:
        """What was typed."""
        return Written(
            self.kind.data or "", self.happened_on.data, self.words.data or "", bool(self.may_read.data)
        )

    def show(self, note: CaseNote) -> None:
        """Show what stands in a note."""
        self.kind.data, self.words.data, self.may_read.data = note.kind, note.words, note.is_shareable
        self.happened_on.process_data(note.happened_on)


class _Owned(BaseForm):
    def __init__(self, *args: Any, owners: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner.choices = [(0, _l(CHOOSE)), *owners]


class TaskForm(_Owned, _Keyed):
    """What is to be done, by when, by whom."""

    words = StringField(_l("What is to be done?"))
    due_on = DayField(_l("By which day?"), wrong=_l(REAL_DAY))
    owner = NumberFromList(_l("Who does it?"))

    def wanted(self) -> Wanted:
        """What was typed."""
        return Wanted(self.words.data or "", self.due_on.data, self.owner.data or 0)


class EndTaskForm(BaseForm):
    """How a task ended."""

    how = OneOf(_l("How did it end?"), choices=words_of(words.TASK_CHOICES), missing=words.CHOOSE_HOW)


class MoveTaskForm(BaseForm):
    """Another day for a task."""

    due_on = DayField(_l("By which day?"), wrong=_l(REAL_DAY))

    def show(self, task: CaseTask) -> None:
        """Show the day that stands."""
        self.due_on.process_data(task.due_on)


class GiveTaskForm(_Owned):
    """A colleague who does it."""

    owner = NumberFromList(_l("Who does it?"))


class FileForm(OnceForm):
    """A file for a case."""

    file = UploadField(_l("File"))


class DeleteFileForm(BaseForm):
    """Why a file goes."""

    reason = StringField(_l("Why is it deleted?"))
