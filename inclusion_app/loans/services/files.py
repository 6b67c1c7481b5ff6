"""Files that prove something: reports of wiping tools and photos of a condition (see core.kept_files).

The same bytes lie there once.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import kept_files
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.models import Evidence

FOLDER = "loan-files"
LARGEST = 5 * 1024 * 1024
NOTHING_SENT = N_("Choose a file.")
TOO_LARGE = N_("The file is larger than 5 MB.")
WRONG_KIND = N_("This file is of no kind we take.")
ENDINGS = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "text/csv": "csv",
    "text/plain": "txt",
}
TAKEN = {
    "wipe_report": frozenset({"application/pdf", "text/csv", "text/plain"}),
    "photo": frozenset({"image/png", "image/jpeg"}),
}


def keep_file(
    session: Session,
    *,
    instance: Path,
    organisation_id: int,
    kind: str,
    data: bytes,
    staff_id: int | None,
    now: datetime,
    unit_id: int | None = None,
    loan_id: int | None = None,
) -> Evidence:
    """Keep a file and say whose it is. Raises RuleBroken at `file` for none, a large one, and one of another kind."""
    if not data:
        raise RuleBroken(NOTHING_SENT, field="file")
    if len(data) > LARGEST:
        raise RuleBroken(TOO_LARGE, field="file")
    media_type = kept_files.media_type_of(data)
    if media_type not in TAKEN[kind]:
        raise RuleBroken(WRONG_KIND, field="file")
    if kind == "photo":
        try:
            data = kept_files.picture_alone(data, media_type)
        except ValueError:
            raise RuleBroken(WRONG_KIND, field="file") from None
    name = kept_files.write(instance / FOLDER, data)
    row = Evidence(
        organisation_id=organisation_id, unit_id=unit_id, loan_id=loan_id, kind=kind, media_type=media_type,
        sha256=name, size=len(data), added_at=now, added_by_id=staff_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def open_file(evidence: Evidence, *, instance: Path) -> bytes | None:
    """The bytes of a file; None where they are gone, or are not what was kept."""
    return kept_files.read(instance / FOLDER, evidence.sha256)


def delete_unnamed(session: Session, *, instance: Path, now: datetime) -> int:
    """Delete files that no row names, a day after they were written last. Returns how many went."""
    old = kept_files.are_old(instance / FOLDER, now)
    named = set(session.scalars(select(Evidence.sha256))) if old else set()
    return kept_files.delete_unnamed(old, named, now=now)


def name_of(evidence: Evidence) -> str:
    """The name it is downloaded by: it tells nothing of anybody."""
    return f"{evidence.kind.replace('_', '-')}-{evidence.id}.{ENDINGS.get(evidence.media_type, 'bin')}"
