"""Notes of a case: write one, change it for fifteen minutes, add to it ever after."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import db_session
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_forms as forms
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseNote
from inclusion_app.referrals.services import staff_notes
from inclusion_app.referrals.staff_case_views import PERSON, name_for, to_write
from inclusion_app.referrals.staff_outreach_views import back_to_outreach
from inclusion_app.referrals.views import room

NOTE = "/staff/notes/<int(max=999999999):note_id>"


@room.page(f"{PERSON}/notes/new", allow=policy.WRITE_CASE, load=to_write, methods=("GET", "POST"),
           reads=("identity",), localised=False)  # fmt: skip
def new_note(resident: Resident) -> Any:
    """Write a note. Typed in later from paper, it keeps the day it happened and the day it was typed."""
    form, number = forms.NoteForm(), resident.id
    if request.method == "GET":
        form.happened_on.process_data(today())
    else:
        form.validate()
        found = staff_notes.whats_against(form.written(), today=today())
        if not form.refuse_all([one for one in found if not form.errors.get(one.field or "")]):
            session, principal = db_session(), the_staff()
            is_new = staff_notes.write(
                session, resident_id=number, organisation_id=principal.organisation_id or 0,
                author_id=principal.staff_id or 0, form_key=form.key_of(principal.staff_id),
                written=form.written(), now=now(), today=today(),
            )  # fmt: skip
            if is_new:
                _record("write note", number)
            flash(words.NOTE_SAVED)
            back = back_to_outreach()
            return redirect(back, 303) if back else _to_case(number)
    shows_person(number, "identity")
    return _shown("note.html", form, resident_id=number, name=name_for(resident), outreach=back_to_outreach())


def _record(action: str, resident_id: int) -> None:
    record_act(db_session(), the_staff(), action=action, resident_id=resident_id, items=("notes",), now=now())


def _to_case(resident_id: int) -> Any:
    return redirect(url_for("referrals.case", resident_id=resident_id), 303)


def _shown(template: str, form: Any, status: int = 200, **more: Any) -> Any:
    page = render_template(f"referrals/staff/{template}", form=form, longest=rules.NOTE_LONGEST, **more)
    return page, 422 if form.errors or form.form_errors else status


def _note(right: str) -> Any:
    def load(note_id: int) -> CaseNote | None:
        rows = policy.NOTES.rows(right, the_staff())
        return db_session().query(CaseNote).where(CaseNote.id == note_id, rows).one_or_none()

    return load


@room.page(f"{NOTE}/edit", allow=policy.WRITE_NOTE, load=_note("note.write"), methods=("GET", "POST"),
           reads=("notes",), localised=False)  # fmt: skip
def edit_note(note: CaseNote) -> Any:
    """Change a note in its first fifteen minutes. Later the page says so, and takes what was typed as an addition."""
    session, principal = db_session(), the_staff()
    number, note_id, written_at = note.resident_id, note.id, note.written_at
    too_late = words.NOTE_SENT_ALONG if staff_notes.sent_along(session, [note_id]) else words.NOTE_TOO_LATE
    may = too_late == words.NOTE_TOO_LATE and rules.may_edit_note(
        is_author=True, written_at=written_at, now=now()
    )
    form = forms.NoteForm()
    if request.method == "GET":
        form.show(note)
    else:
        form.validate()
        found = staff_notes.whats_against(form.written(), today=today())
        if not may:
            form.refuse(RuleBroken(too_late))
        elif not form.refuse_all([one for one in found if not form.errors.get(one.field or "")]):
            try:
                staff_notes.change(
                    session, note_id=note_id, author_id=principal.staff_id or 0, written=form.written(),
                    now=now(), today=today(),
                )  # fmt: skip
                _record("change note", number)
                flash(words.NOTE_CHANGED)
                return _to_case(number)
            except (
                RuleBroken
            ) as broken:  # the time ran out, or it was sent, between the page and the statement
                may = False
                form.refuse(broken)
    shows_person(number, "notes")
    if may:
        return _shown("note.html", form, resident_id=number, note=note, ends=rules.note_edit_ends(written_at))
    why = words.SENT_ALONG if too_late == words.NOTE_SENT_ALONG else words.MINUTES_OVER
    return _page_of_addition(note, _addition_of(form), why=why)


def _addition_of(form: forms.NoteForm) -> forms.AdditionForm:
    """What was typed too late, as what could be added: nothing of it is lost."""
    added = forms.AdditionForm(formdata=None)
    added.happened_on.process_data(today())
    if request.method == "POST":
        added.words.data, added.may_read.data = form.words.data, form.may_read.data
        added.form_errors.extend(form.form_errors)
    return added


def _page_of_addition(note: CaseNote, form: forms.AdditionForm, *, why: str = "") -> Any:
    """`why` (N_): why the note cannot be changed, where somebody wanted to."""
    return _shown(
        "add_to_note.html",
        form,
        resident_id=note.resident_id,
        note=note,
        why=why,
        kinds=rules.NOTE_KINDS,
    )


@room.page(f"{NOTE}/add", allow=policy.ADD_TO_NOTE, load=_note("note.add"), methods=("GET", "POST"),
           reads=("notes",), localised=False)  # fmt: skip
def add_to_note(note: CaseNote) -> Any:
    """Something is added under a note of the organisation; the note itself stays as it was written."""
    session, principal, number = db_session(), the_staff(), note.resident_id
    form = forms.AdditionForm()
    if request.method == "GET":
        form.happened_on.process_data(today())
    else:
        form.validate()
        found = staff_notes.whats_against(form.written(note.kind), today=today())
        if not form.refuse_all([one for one in found if not form.errors.get(one.field or "")]):
            is_new = staff_notes.write(
                session, resident_id=number, organisation_id=principal.organisation_id or 0,
                author_id=principal.staff_id or 0, form_key=form.key_of(principal.staff_id),
                written=form.written(note.kind), now=now(), today=today(), amends=note,
            )  # fmt: skip
            if is_new:
                _record("add to note", number)
            flash(words.ADDED)
            return _to_case(number)
    shows_person(number, "notes")
    return _page_of_addition(note, form)
