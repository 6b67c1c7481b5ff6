"""Files of a case: few kinds, judged by their bytes, sealed outside the web root, and downloads only."""

from __future__ import annotations

import io
import os
import time
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from inclusion_app import cli
from inclusion_app.core import audit, backup, crypto, kept_files, uploads
from inclusion_app.core.audit import AuditReason
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseFile
from inclusion_app.referrals.services import staff_files
from tests.conftest import FIELD_KEY, StaffBrowser
from tests.factories.referrals import PDF, make_file
from tests.people.world import looked_after
from tests.referrals.cases import acts, end_consents, send_on, share_caseload

Make = Callable[..., StaffBrowser]
JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xe1\x00\x06GPS1\xff\xda\x00\x04SSab\xff\xd9"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
PNG = kept_files.PNG + b"\x00\x00\x00\x00IDAT" + b"crc1" + b"\x00\x00\x00\x03eXIfGPScrc2" + PNG_END


def pdf_with(part: bytes) -> bytes:
    return PDF.replace(b"<< /Type", b"<< " + part + b" /Type")


def folded(part: bytes) -> bytes:
    """A PDF with this in an object that is folded up."""
    stream = zlib.compress(b"1 0 << " + part + b" >>")
    return PDF.replace(
        b"trailer",
        b"2 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + stream + b"\nendstream\ntrailer",
    )


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def send(worker: StaffBrowser, number: int, name: str, data: bytes, **more: Any) -> Any:
    return worker.send(f"/staff/people/{number}/files/new", file=(io.BytesIO(data), name), **more)


def files(app: Flask) -> list[CaseFile]:
    with app.app_context(), transaction() as session:
        found = session.query(CaseFile).order_by(CaseFile.id).all()
        session.expunge_all()
        return found


def folder(app: Flask) -> Path:
    path: Path = app.extensions["settings"].instance
    return path


def there(app: Flask) -> set[str]:
    return {path.name for path in (folder(app) / staff_files.FOLDER).glob("*")}


@pytest.mark.parametrize(
    ("name", "data", "kept", "media_type"),
    [
        ("Letter.PDF", PDF, PDF, "application/pdf"),
        ("photo.jpeg", JPEG, JPEG.replace(b"\xff\xe1\x00\x06GPS1", b""), "image/jpeg"),
        ("screen.png", PNG, kept_files.PNG + b"\x00\x00\x00\x00IDATcrc1" + PNG_END, "image/png"),
        ("list.txt", "Bus, tram – 4 o’clock\n".encode(), None, "text/plain"),
    ],
)
def test_what_we_take_is_kept_sealed_and_leaves_as_a_download(
    app: Flask, worker: StaffBrowser, name: str, data: bytes, kept: bytes | None, media_type: str
) -> None:
    number = looked_after(app, worker)
    assert send(worker, number, name, data).status_code == 303
    (file,) = files(app)
    assert (file.name, file.media_type, file.author_id) == (name, media_type, worker.staff_id)
    (stored,) = there(app)
    assert stored == file.stored_as
    path = folder(app) / staff_files.FOLDER / stored
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert data[4:12] not in path.read_bytes() and b"crc1" not in path.read_bytes()
    answer = worker.get(f"/staff/files/{file.id}")
    assert answer.status_code == 200 and answer.get_data() == (data if kept is None else kept)
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "text" not in answer.mimetype
    assert acts(app, number)[-1] == "read referrals.file" and "keep file" in acts(app, number)
    assert name in worker.text(f"/staff/people/{number}/case")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("", b"", words.NOTHING_SENT),
        ("empty.pdf", b"", words.EMPTY_FILE),
        ("big.txt", b"x" * 100_001, words.TOO_LARGE),
        ("tool.exe", b"MZ\x90\x00\x03\x00", words.WRONG_KIND),
        ("letter.docx", b"PK\x03\x04\x14\x00\x06", words.WRONG_KIND),
        ("letter.pdf", b"MZ\x90\x00\x03\x00", words.WRONG_KIND),
        ("photo.png", JPEG, words.OTHER_THAN_ITS_NAME),
        ("letter.txt", PDF, words.OTHER_THAN_ITS_NAME),
        ("letter.pdf.exe", PDF, words.WRONG_ENDING),
        ("page.html", b"<html><script>alert(1)</script></html>", words.WRONG_ENDING),
        ("drawing.svg", b"<svg xmlns='x' onload='alert(1)'/>", words.WRONG_ENDING),
        ("noending", PDF, words.WRONG_ENDING),
        ("photo.jpg", JPEG[:-2], words.BROKEN_FILE),
        ("cut.pdf", PDF.replace(b"%%EOF", b""), words.BROKEN_FILE),
        # Two kinds at once: an archive or a page hangs behind the end.
        ("two.pdf", PDF + b"PK\x03\x04PK\x05\x06" + b"\0" * 18, words.BROKEN_FILE),
        ("two.pdf", PDF + b"<script>alert(1)</script>", words.BROKEN_FILE),
        ("acts.pdf", pdf_with(b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"), words.PDF_ACTS),
        ("acts.pdf", pdf_with(b"/A << /S /La#75nch /F (cmd.exe) >>"), words.PDF_ACTS),
        ("acts.pdf", pdf_with(b"/Names << /EmbeddedFiles 3 0 R >>"), words.PDF_ACTS),
        ("acts.pdf", folded(b"/S /JavaScript"), words.PDF_ACTS),
        ("acts.pdf", folded(b"/S /J#61vaScript"), words.PDF_ACTS),
        ("acts.pdf", folded(b" " * (staff_files.MOST_UNFOLDED + 1)), words.PDF_ACTS),
        ("acts.pdf", folded(b"/S /X").replace(b"/FlateDecode", b"/LZWDecode").replace(b"x\x9c", b"y\x9c"), words.PDF_ACTS),
        ("acts.pdf", folded(b"/S /JavaScript").replace(b"/ObjStm", b"/ObjStm" + b" " * 900), words.PDF_ACTS),
        ("locked.pdf", PDF.replace(b"/Root", b"/Encrypt 5 0 R /Root"), words.PDF_LOCKED),
    ],
)  # fmt: skip
def test_what_we_do_not_take_is_refused_recorded_and_not_kept(
    app: Flask, worker: StaffBrowser, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, why: str
) -> None:
    monkeypatch.setattr(rules, "ATTACHMENT_BYTES", 100_000)
    number = looked_after(app, worker)
    answer = send(worker, number, name, data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and why in page and 'id="file-error"' in page
    assert files(app) == [] and there(app) == set()
    assert acts(app, number)[-2:] == ["refuse file", "read referrals.new_file"]


def test_a_pdf_that_only_opens_at_a_page_is_taken() -> None:
    for part in (b"/OpenAction [3 0 R /Fit]", b"/JSONx 1", b"/Launcher (x)"):
        assert staff_files.judge("a.pdf", pdf_with(part))[0] == "application/pdf"
    assert staff_files.judge("a.pdf", folded(b"/Type /Page"))[0] == "application/pdf"
    # What stands in the bytes of a picture is no name.
    picture = b"2 0 obj\n<< /Subtype /Image >>\nstream\n\x00/JS \x00\nendstream\ntrailer"
    assert staff_files.judge("a.pdf", PDF.replace(b"trailer", picture))[0] == "application/pdf"


ACTING = b"<< /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>"


def hidden(data: bytes, words: bytes = b"/Filter /FlateDecode") -> bytes:
    """A PDF of which one object stream holds this, as it stands."""
    head = b"5 0 obj\n<< /Type /ObjStm /N 1 /First 4 %s /Length %d >>" % (words, len(data))
    return PDF.replace(b"trailer", head + b"\nstream\n" + data + b"\nendstream\nendobj\ntrailer")


def two_blocks(plain: bytes, packed: bytes) -> bytes:
    """Both folded up as one, the first part of it readable as it stands."""
    first, second = zlib.compressobj(0), zlib.compressobj(wbits=-15)
    begun = first.compress(plain) + first.flush(zlib.Z_SYNC_FLUSH)
    sum_of_all = zlib.adler32(plain + packed).to_bytes(4, "big")
    return begun + second.compress(packed) + second.flush() + sum_of_all


def by_difference(data: bytes, columns: int = 4) -> bytes:
    """Each row as its difference to the one above, as a predictor of PDFs writes it."""
    rows = [data[at : at + columns].ljust(columns) for at in range(0, len(data), columns)]
    above = [bytes(columns), *rows]
    return b"".join(b"\x02" + bytes((a - b) % 256 for a, b in zip(row, up, strict=True))
                    for row, up in zip(rows, above, strict=False))  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        # A remark with the word that begins a stream: what follows it is no stream.
        PDF.replace(b"1 0 obj", b"%stream\n1 0 obj").replace(b"<< /Type /Catalog >>", ACTING).replace(
            b"trailer", b"2 0 obj\n<< /Length 1 >>\nstream\nx\nendstream\nendobj\ntrailer"
        ),
        PDF.replace(b"1 0 obj", b"%>>\nstream\n1 0 obj").replace(b"<< /Type /Catalog >>", ACTING).replace(
            b"trailer", b"%endstream\ntrailer"
        ),
        # Folded up, and changed before that.
        hidden(zlib.compress(by_difference(b"1 0 " + ACTING)),
               b"/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>"),
        # A stream that seems to hold the one with the folded objects.
        PDF.replace(b"trailer", b"9 0 obj\n(>>\nstream\n)\nendobj\n" + hidden(zlib.compress(b"1 0 " + ACTING))[9:]),
        # It goes on behind what looks like its end.
        hidden(two_blocks(b"\nendstream\n", b"1 0 " + ACTING)),
    ],
    ids=["remark", "remark with brackets", "differences", "stream in a stream", "two ends"],
)  # fmt: skip
def test_a_pdf_that_hides_what_it_does_is_refused(data: bytes) -> None:
    with pytest.raises(RuleBroken):
        staff_files.judge("a.pdf", data)
    assert staff_files.judge("a.pdf", hidden(zlib.compress(b"1 0 << /Type /Page >>")))[0] == "application/pdf"


def test_a_pdf_made_to_keep_us_busy_is_read_in_one_go() -> None:
    began = time.monotonic()
    staff_files.judge("a.pdf", PDF.replace(b"trailer", b"stream\n" * 600_000 + b"trailer"))
    staff_files.judge("a.pdf", PDF.replace(b"trailer", b"stream endstream\n" * 250_000 + b"trailer"))
    assert time.monotonic() - began < 20


def test_five_megabytes_are_taken_and_not_a_byte_more() -> None:
    most = b"x" * rules.ATTACHMENT_BYTES
    assert staff_files.judge("a.txt", most)[1] == most
    assert rules.ATTACHMENT_BYTES < uploads.LARGEST
    with pytest.raises(RuleBroken):
        staff_files.judge("a.txt", most + b"x")


def test_more_than_a_form_may_hold_is_refused_before_it_is_read(
    app: Flask, worker: StaffBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = looked_after(app, worker)
    monkeypatch.setattr(uploads, "LARGEST", 300_000)
    answer = send(worker, number, "big.pdf", b"x" * 400_000)
    assert answer.status_code == 413 and files(app) == []
    said = answer.get_data(as_text=True)
    assert "A file may have up to 5 MB. Take the photo smaller" in said
    assert f'<a href="/staff/people/{number}/files/new">' in said


@pytest.mark.parametrize("name", ["page.html", "letter", "letter.doc"])
def test_an_unknown_ending_is_told_which_kinds_are_taken(name: str) -> None:
    with pytest.raises(RuleBroken, match="PDF, PNG, JPEG or plain text"):
        staff_files.judge(name, b"<p>Some words</p>")


def test_a_file_sent_twice_is_kept_once(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    for _press in range(2):
        assert send(worker, number, "letter.pdf", PDF, once="one").status_code == 303
    assert len(files(app)) == 1 == len(there(app))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\papers\\letter.txt", "letter.txt"),
        ("a\u202etxt.exe\n.txt", "atxt.exe.txt"),
        ('we"ird<name>;.txt', "we_ird_name__.txt"),
        ("مكتوب.txt", "مكتوب.txt"),
        (".txt", "file.txt"),
        ("x" * 300 + ".txt", "x" * 76 + ".txt"),
    ],
)
def test_a_name_is_cleaned(typed: str, kept: str) -> None:
    assert staff_files.clean_name(typed) == kept


def test_a_name_in_any_script_is_downloaded_by_it(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    send(worker, number, "مكتوب.txt", b"hello")
    said = worker.get(f"/staff/files/{files(app)[0].id}").headers["Content-Disposition"]
    assert said.startswith("attachment;") and "filename*=UTF-8''%D9" in said and "\n" not in said


def test_who_sent_it_deletes_it_within_fifteen_minutes_and_then_a_lead(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number = looked_after(app, worker)
    lead = staff_browser("safeguarding_lead")
    send(worker, number, "one.txt", b"one")
    send(worker, number, "two.txt", b"two")
    one, two = (file.id for file in files(app))
    assert f"/staff/files/{one}/delete" in worker.text(f"/staff/people/{number}/case")
    assert worker.send(f"/staff/files/{one}/delete").status_code == 303
    assert [file.id for file in files(app)] == [two] and len(there(app)) == 1
    page = f"/staff/files/{two}/delete"
    worker.text(page)
    with app.app_context(), transaction() as session:
        session.get_one(CaseFile, two).added_at = now() - timedelta(minutes=15, seconds=1)
    assert f"/staff/files/{two}/delete" not in worker.text(f"/staff/people/{number}/case")
    assert words.DELETE_TOO_LATE in worker.text(page)
    late = worker.send(page, form_on=f"/staff/people/{number}/files/new")
    assert late.status_code == 422 and len(files(app)) == 1
    assert lead.send(page, reason="short").status_code == 422
    assert lead.send(page, reason="It was of somebody else.").status_code == 303
    assert files(app) == [] and there(app) == set()
    with app.app_context(), transaction() as session:
        assert [row.words for row in session.query(AuditReason)] == ["It was of somebody else."]
    assert acts(app, number).count("delete file") == 2


def test_a_colleague_reads_and_does_not_delete(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    send(worker, number, "one.txt", b"one")
    (file,) = files(app)
    colleague, other = staff_browser("caseworker"), staff_browser("caseworker", organisation="Blue Door")
    other_lead = staff_browser("safeguarding_lead", organisation="Blue Door")
    assert colleague.get(f"/staff/files/{file.id}").status_code == 404
    share_caseload(app, worker)
    assert colleague.get(f"/staff/files/{file.id}").status_code == 200
    assert colleague.get(f"/staff/files/{file.id}/delete").status_code == 404
    send_on(app, number, by=worker, to=other)
    for stranger in (other, other_lead):
        for path in ("", "/delete"):
            assert stranger.get(f"/staff/files/{file.id}{path}").status_code == 404
            assert stranger.get(f"/staff/files/999999{path}").status_code == 404
    end_consents(app, number, now())
    assert worker.get(f"/staff/files/{file.id}").status_code == 404
    assert worker.get(f"/staff/people/{number}/files/new").status_code == 404


def test_bytes_that_were_changed_or_lost_are_not_handed_out(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    send(worker, number, "one.txt", b"one")
    (file,) = files(app)
    path = folder(app) / staff_files.FOLDER / file.stored_as
    sealed = path.read_bytes()
    path.write_bytes(sealed[:-1] + b"x")
    assert worker.get(f"/staff/files/{file.id}").status_code == 404
    path.unlink()
    assert worker.get(f"/staff/files/{file.id}").status_code == 404
    with pytest.raises(crypto.InvalidToken):
        crypto.unseal_bytes(sealed, "another.place")
    with pytest.raises(crypto.InvalidToken):
        crypto.unseal_bytes(b"short", staff_files.PLACE)


def test_files_of_whom_we_erased_are_swept_away(app: Flask, worker: StaffBrowser) -> None:
    kept, erased = looked_after(app, worker), looked_after(app, worker)
    for number in (kept, erased):
        send(worker, number, "one.txt", b"one")
    old = (now() - timedelta(days=2)).timestamp()
    for name in there(app):
        os.utime(folder(app) / staff_files.FOLDER / name, (old, old))
    assert len(there(app)) == 2
    with app.app_context():
        with transaction() as session:
            people.delete_resident(session, resident=session.get_one(Resident, erased), now=now())
        cli.do_chores(folder(app))
    (left,) = files(app)
    assert left.resident_id == kept and there(app) == {left.stored_as}


def test_a_new_key_reads_old_files_and_rotating_writes_them_anew(app: Flask) -> None:
    from cryptography.fernet import Fernet

    fresh = Fernet.generate_key().decode()
    try:
        with app.app_context():
            with transaction() as session:
                looked = people.make_resident(
                    session, secret_kind="pin", secret_hash="x", nickname=None, pin_for_everything=False,
                    language="en", now=now(),
                )  # fmt: skip
                from tests.factories.accounts import make_organisation

                file = make_file(
                    session, resident_id=looked.id, organisation_id=make_organisation(session).id
                )
                before = file.stored_as
            crypto.use_keys((fresh, FIELD_KEY))
            assert staff_files.read(files(app)[0], instance=folder(app)) == PDF
            assert staff_files.rotate(instance=folder(app)) == 1
            (row,) = files(app)
            assert row.stored_as != before
            crypto.use_keys((fresh,))
            sealed = kept_files.read(folder(app) / staff_files.FOLDER, row.stored_as)
            assert sealed is not None and crypto.unseal_bytes(sealed, staff_files.PLACE) == PDF
    finally:
        crypto.use_keys((FIELD_KEY,))


def test_a_backup_brings_them_back(app: Flask, worker: StaffBrowser, tmp_path: Path) -> None:
    assert staff_files.FOLDER == backup.CASE_FILES
    number, whole = looked_after(app, worker), str(tmp_path / "whole.backup")
    send(worker, number, "one.txt", b"one")
    with app.app_context(), transaction() as session:
        audit.append_heads(session, folder(app) / "audit-heads")
    assert app.test_cli_runner().invoke(args=["backup", whole]).exit_code == 0
    (name,) = there(app)
    (folder(app) / staff_files.FOLDER / name).unlink()
    assert app.test_cli_runner().invoke(args=["restore", whole, "--yes"]).exit_code == 0
    assert there(app) == {name}
    assert staff_files.read(files(app)[0], instance=folder(app)) == b"one"


def test_a_file_may_be_taken_back_once_on_both_engines(both_engines: Flask) -> None:
    from tests.factories.accounts import make_organisation, make_staff
    from tests.factories.people import make_person

    moment = now()
    with transaction() as session:
        organisation = make_organisation(session)
        author = make_staff(session, organisation_id=organisation.id).id
        rows = [
            make_file(
                session, resident_id=make_person(session).id, organisation_id=organisation.id, author_id=author,
                added_at=moment,
            )
            for _one in range(2)
        ]  # fmt: skip
        for who, when in ((author, moment + rules.NOTE_EDIT), (author + 1, moment)):
            with pytest.raises(RuleBroken):
                staff_files.delete_own(session, file=rows[0], author_id=who, now=when)
        staff_files.delete_own(
            session, file=rows[0], author_id=author, now=moment + rules.NOTE_EDIT - timedelta(seconds=1)
        )
        with pytest.raises(RuleBroken):
            staff_files.delete_own(session, file=rows[0], author_id=author, now=moment)
    with transaction() as session:
        assert session.query(CaseFile).count() == 1
