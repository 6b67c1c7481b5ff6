"""Files of a case: few kinds, judged by their bytes, sealed with the keys of the service, outside database and web root.

A file that could do something when it is opened is refused: a PDF with a script, with something to start or with a file
inside, and whatever is two kinds at once. What is kept is never shown as a page of ours (see staff_file_views).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from inclusion_app.core import crypto, kept_files
from inclusion_app.core.db import reading, rows_changed, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.referrals import rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseFile

FOLDER = "case-files"
# Bytes are bound to what they are, as a value of a column is to its column.
PLACE = "case_files.bytes"
NAME_LONGEST = 80
# Which endings go with which kind; the first one is given to what had none of its own.
ENDINGS = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "text/plain": ("txt",),
}
PDF_ENDS_WITHIN = 1024
# How much of what a PDF folded up is looked at.
MOST_UNFOLDED = 20_000_000
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
LOCKED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
ACTING = rb"JavaScript|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|GoToE|Rendition"
ACTS = re.compile(rb"/(?:JS|" + ACTING + rb")(?![A-Za-z0-9])")
# Looked for in every byte, also where we believe a picture to be: a shorter name would stand in many pictures by chance.
ACTS_ANYWHERE = re.compile(rb"/(?:" + ACTING + rb")(?![A-Za-z0-9])")
FOLDS = re.compile(rb"/ObjStm(?![A-Za-z0-9])")
# Only behind a dictionary: the word alone may stand in a remark, and what follows it would be looked at by nobody.
STREAM = re.compile(rb">>[\s\0]*stream(?:\r\n|\n|\r)")


def keep(
    session: Session,
    *,
    instance: Path,
    resident_id: int,
    organisation_id: int,
    author_id: int,
    name: str,
    data: bytes,
    now: datetime,
) -> CaseFile:
    """Seal and keep a file, and say whose it is. Raises RuleBroken at `file` for whatever we do not take."""
    media_type, data = judge(name, data)
    sealed = crypto.seal_bytes(data, PLACE)
    row = CaseFile(
        resident_id=resident_id, organisation_id=organisation_id, author_id=author_id, name=clean_name(name),
        media_type=media_type, stored_as=kept_files.write(instance / FOLDER, sealed), size=len(data), added_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def judge(name: str, data: bytes) -> tuple[str, bytes]:
    """What this file is, and its bytes as they are kept: of a picture the picture alone. Raises RuleBroken at `file`."""
    if not name and not data:
        raise _refused(words.NOTHING_SENT)
    if not data:
        raise _refused(words.EMPTY_FILE)
    if len(data) > rules.ATTACHMENT_BYTES:
        raise _refused(words.TOO_LARGE)
    media_type = kept_files.media_type_of(data)
    if media_type == "text/csv":
        media_type = "text/plain"  # any text may have a comma in its first line
    if media_type not in ENDINGS:
        raise _refused(words.WRONG_KIND)
    if not any(ending_of(name) in endings for endings in ENDINGS.values()):
        raise _refused(words.WRONG_ENDING)
    if ending_of(name) not in ENDINGS[media_type]:
        raise _refused(words.OTHER_THAN_ITS_NAME)
    if media_type == "application/pdf":
        _look_into_pdf(data)
    elif media_type.startswith("image/"):
        try:
            data = kept_files.picture_alone(data, media_type)
        except ValueError:
            raise _refused(words.BROKEN_FILE) from None
    return media_type, data


def _refused(why: str) -> RuleBroken:
    return RuleBroken(why, field="file")


def _look_into_pdf(data: bytes) -> None:
    """Refuse a PDF that ends with something else, is locked, or does something when it is opened.

    Names may be written with signs escaped, and objects may be folded up in streams; both are undone first. It is a net
    and no proof, so nothing here ever shows a PDF: it leaves as a download into a sandbox.
    """
    end = data.rfind(b"%%EOF")
    if end < 0 or len(data) - end > PDF_ENDS_WITHIN or data[end + 5 :].strip(b"\r\n\t \0"):
        raise _refused(words.BROKEN_FILE)
    whole = _without_escapes(data)
    left, parts, folded = MOST_UNFOLDED, [], 0
    for before, stream in _streams(data):
        plain = _without_escapes(before)
        parts.append(plain)
        if stream and FOLDS.search(plain):
            inside = _unfolded(stream, left) if b"/Filter" in plain else stream
            left -= len(inside)
            if left <= 0 or not inside or b"/DecodeParms" in plain:
                raise _refused(words.PDF_ACTS)  # too much of it, or folded in a way that nobody needs
            parts.append(_without_escapes(inside))
            folded += 1
    if any(LOCKED.search(part) for part in parts):
        raise _refused(words.PDF_LOCKED)
    # Each folding was undone; one that another stream seems to hold would have been passed over.
    if folded != len(FOLDS.findall(whole)) or ACTS_ANYWHERE.search(whole):
        raise _refused(words.PDF_ACTS)
    if any(ACTS.search(part) for part in parts):
        raise _refused(words.PDF_ACTS)


def _streams(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What stands outside streams, each piece with the stream behind it; what comes last has none. Each byte is read once."""
    at = 0
    while True:
        begins = STREAM.search(data, at)
        ends = data.find(b"endstream", begins.end()) if begins else -1
        if begins is None or ends < 0:
            yield data[at:], b""
            return
        yield data[at : begins.end()], data[begins.end() : ends]
        at = ends + 9


def _without_escapes(part: bytes) -> bytes:
    return ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), part)


def _unfolded(stream: bytes, most: int) -> bytes:
    """All that was folded up; nothing where it is folded otherwise, is more than `most`, or ends before its end."""
    unfolding = zlib.decompressobj()
    try:
        inside = unfolding.decompress(stream, max(1, most))
    except zlib.error:
        return b""
    return inside if unfolding.eof else b""


def ending_of(name: str) -> str:
    """What stands behind the last dot of a name, in small letters; empty where there is none."""
    return one_line(name).rpartition(".")[2].casefold() if "." in name else ""


def clean_name(name: str) -> str:
    """A name on one line without folders and without signs that mean something to a system; never empty."""
    last = re.split(r"[\\/]", one_line(name))[-1]
    plain = re.sub(r'[<>:"|?*;%\x00-\x1f]', "_", last).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot or not stem:
        return f"file.{ending or 'bin'}"
    return f"{stem[: NAME_LONGEST - len(ending) - 1].rstrip()}.{ending}"


def read(file: CaseFile, *, instance: Path) -> bytes | None:
    """The bytes of a file; None where they are gone, or are not what was kept."""
    sealed = kept_files.read(instance / FOLDER, file.stored_as)
    if sealed is None:
        return None
    try:
        return crypto.unseal_bytes(sealed, PLACE)
    except crypto.InvalidToken:
        return None


def delete_own(session: Session, *, file: CaseFile, author_id: int, now: datetime) -> None:
    """Whoever sent it takes it back within fifteen minutes: one statement that asks for both. Raises RuleBroken."""
    mine = and_(CaseFile.author_id == author_id, CaseFile.added_at > now - rules.NOTE_EDIT)
    if rows_changed(session, delete(CaseFile).where(CaseFile.id == file.id, mine)) != 1:
        raise RuleBroken(words.DELETE_TOO_LATE)


def delete_for_reason(session: Session, *, file: CaseFile, reason: str) -> None:
    """A lead deletes it, for a reason that stands in the record. Raises RuleBroken at `reason`."""
    if len(one_line(reason)) < rules.REASON_SHORTEST:
        raise RuleBroken(words.REASON_MISSING, field="reason")
    rows_changed(session, delete(CaseFile).where(CaseFile.id == file.id))


def delete_unnamed(session: Session, *, instance: Path, now: datetime) -> int:
    """Delete files that no row names, a day after they were written: of refused sendings, and of people who were erased."""
    old = kept_files.are_old(instance / FOLDER, now)
    named = set(session.scalars(select(CaseFile.stored_as))) if old else set()
    return kept_files.delete_unnamed(old, named, now=now)


def rotate(*, instance: Path) -> int:
    """Seal every file anew with the first key; the old bytes are swept away a day later. Returns how many."""
    with reading() as session:
        rows = session.execute(select(CaseFile.id, CaseFile.stored_as)).all()
    done = 0
    for number, name in rows:
        sealed = kept_files.read(instance / FOLDER, name)
        if sealed is None:
            continue
        fresh = crypto.seal_bytes(crypto.unseal_bytes(sealed, PLACE), PLACE)
        anew = kept_files.write(instance / FOLDER, fresh)
        with transaction() as session:
            naming = update(CaseFile).where(CaseFile.id == number, CaseFile.stored_as == name)
            done += rows_changed(session, naming.values(stored_as=anew))
    return done
