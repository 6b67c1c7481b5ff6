"""Files of a case: sent, downloaded, deleted. They lie sealed outside the web root and are never shown as a page of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.http import dump_options_header
from werkzeug.wrappers import Response

from inclusion_app.core.access import record_act, shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import after_commit, db_session, side_write
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.uploads import takes_files
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_forms as forms
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseFile
from inclusion_app.referrals.services import staff_files
from inclusion_app.referrals.staff_case_views import PERSON, name_for, to_write
from inclusion_app.referrals.views import room

FILE = "/staff/files/<int(max=999999999):file_id>"


def _instance() -> Path:
    folder: Path = current_app.extensions["settings"].instance
    return folder


@room.page(f"{PERSON}/files/new", allow=policy.WRITE_CASE, load=to_write, methods=("GET", "POST"),
           reads=("identity",), localised=False)  # fmt: skip
@takes_files
def new_file(resident: Resident) -> Any:
    """Put a file into the case. What is refused is not kept, and the record says that somebody tried."""
    form, number, name = forms.FileForm(), resident.id, name_for(resident)
    if request.method == "POST" and form.validate():
        session, principal = db_session(), the_staff()
        try:
            if form.is_first_press(session, whose=f"file of {principal.staff_id}", now=now()):
                staff_files.keep(
                    session, instance=_instance(), resident_id=number, author_id=principal.staff_id or 0,
                    organisation_id=principal.organisation_id or 0, name=form.file.sent_name,
                    data=form.file.sent, now=now(),
                )  # fmt: skip
                record_act(
                    session, principal, action="keep file", resident_id=number, items=("files",), now=now()
                )
            flash(words.FILE_KEPT)
            return redirect(url_for("referrals.case", resident_id=number), 303)
        except RuleBroken as broken:
            session.rollback()
            with side_write() as record:
                record_act(
                    record, principal, action="refuse file", resident_id=number, items=("files",), now=now()
                )
            form.refuse(broken)
    shows_person(number, "identity")
    page = render_template("referrals/staff/file_new.html", form=form, resident_id=number, name=name)
    return page, 422 if form.errors or form.form_errors else 200


def _file(right: str) -> Any:
    def load(file_id: int) -> CaseFile | None:
        rows = policy.FILES.rows(right, the_staff())
        return db_session().query(CaseFile).where(CaseFile.id == file_id, rows).one_or_none()

    return load


@room.page(FILE, allow=policy.READ_FILE, load=_file("file.read"), reads=("files",), localised=False)
def file(row: CaseFile) -> Any:
    """A file, as a download into a sandbox."""
    data = staff_files.read(row, instance=_instance())
    if data is None:
        abort(404)
    shows_person(row.resident_id, "files")
    # What is said to be text may be anything: it is never shown in a window of ours.
    answer = Response(
        data, mimetype="application/octet-stream" if row.media_type == "text/plain" else row.media_type
    )
    # A header is plain signs: a name in another script goes beside it (RFC 6266).
    plain = row.name.encode("ascii", "replace").decode().replace("?", "_")
    said = {"filename": plain} | (
        {} if plain == row.name else {"filename*": f"UTF-8''{quote(row.name, safe='')}"}
    )
    answer.headers.set("Content-Disposition", dump_options_header("attachment", said))
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@room.page(f"{FILE}/delete", allow=policy.DELETE_FILE, load=_file("file.delete"), methods=("GET", "POST"),
           reads=("files",), localised=False)  # fmt: skip
def delete_file(row: CaseFile) -> Any:
    """Whoever sent it takes it back within fifteen minutes; later a lead deletes it, for a reason."""
    session, principal, moment = db_session(), the_staff(), now()
    number, path = row.resident_id, _instance() / staff_files.FOLDER / row.stored_as
    is_mine = rules.may_edit_note(
        is_author=row.author_id == principal.staff_id, written_at=row.added_at, now=moment
    )
    needs_reason = not is_mine and policy.LEAD in principal.roles
    form = forms.DeleteFileForm()
    if request.method == "POST" and form.validate():
        try:
            reason = None
            if needs_reason:
                reason = form.reason.data or ""
                staff_files.delete_for_reason(session, file=row, reason=reason)
            else:
                staff_files.delete_own(session, file=row, author_id=principal.staff_id or 0, now=moment)
            record_act(
                session, principal, action="delete file", resident_id=number, items=("files",), now=moment,
                reason=reason,
            )  # fmt: skip
            after_commit(lambda: path.unlink(missing_ok=True))
            flash(words.FILE_DELETED)
            return redirect(url_for("referrals.case", resident_id=number), 303)
        except RuleBroken as broken:
            form.refuse(broken)
    shows_person(number, "files")
    page = render_template(
        "referrals/staff/file_delete.html", form=form, file=row, needs_reason=needs_reason,
        may_delete=is_mine or needs_reason, resident_id=number,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200
