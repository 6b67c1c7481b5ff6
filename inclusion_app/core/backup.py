"""One file that holds all of the service but its keys, and the way back from it.

The file is a ZIP: `manifest.json`, the database (`database.sqlite3`, or `database.dump` of pg_dump), `audit-heads` and
`erasures`. The keys are kept in another place on purpose: together they open everything. The manifest says which keys
are needed without holding them.

What a person had deleted stays deleted: the file `erasures` in the instance folder outlives the database, and a
restore deletes again whoever was deleted after the backup was made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.orm import Session

from inclusion_app.config import Settings
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.migrations import alembic_config

FORMAT = 1
MANIFEST = "manifest.json"
HEADS, ERASURES = "audit-heads", "erasures"
SQLITE, DUMP = "database.sqlite3", "database.dump"
OVERLAP = timedelta(days=1)
# What the record calls the end of a resident (people.services).
ENDINGS = ("delete", "expire")
PROOF = b"these are the right field keys"


class BackupError(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. `parts` are SHA-256 digests by name; `field_proof` is readable with its keys only."""

    format: int
    made_at: str
    engine: str
    revision: str
    secret_proof: str
    field_proof: str
    parts: dict[str, str]


def make_backup(target: Path, *, settings: Settings, engine: Engine, now: datetime) -> Manifest:
    """Write the backup to `target`, readable by its owner only, while the service runs.

    Nothing is left when it fails. Raises BackupError when the file is there already, when there is no database yet, or
    when pg_dump is missing or fails.
    """
    if target.exists():
        raise BackupError(f"{target} is there already; a backup never overwrites one.")
    with _work_folder(target.parent) as folder:
        # Heads before rows: a head without its row would read as a cut tail.
        for name in (HEADS, ERASURES):
            if (settings.instance / name).exists():
                shutil.copyfile(settings.instance / name, folder / name)
        revision = _revision(engine)
        if engine.dialect.name == "sqlite":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                raw.execute("VACUUM INTO ?", (str(folder / SQLITE),))
        else:
            _postgres("pg_dump", engine, "--format=custom", "--no-owner", f"--file={folder / DUMP}")
        parts = {path.name: _digest(path) for path in sorted(folder.iterdir())}
        manifest = Manifest(
            format=FORMAT,
            made_at=now.isoformat(),
            engine=engine.dialect.name,
            revision=revision,
            secret_proof=keyed_hash("backup", "", secret=settings.secret_key),
            field_proof=Fernet(settings.field_keys[0]).encrypt(PROOF).decode(),
            parts=parts,
        )
        packed = folder / "packed"
        with packed.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
            for name in parts:
                archive.write(folder / name, name)
            archive.close()
            file.flush()
            os.fsync(file.fileno())
        packed.chmod(0o600)
        try:
            os.link(packed, target)  # unlike a rename, this fails when somebody else was quicker
        except FileExistsError:
            raise BackupError(f"{target} is there already; a backup never overwrites one.") from None
    return manifest


def restore(
    source: Path, *, settings: Settings, engine: Engine, now: datetime
) -> tuple[Manifest, list[Path]]:
    """Put a backup in the place of this instance's database; the old SQLite file is moved aside.

    The service must be stopped and its lock held by the caller. Everything is checked before anything is changed.
    Returns the manifest and the files moved aside. Afterwards the caller migrates and deletes again who was deleted
    since (`erased_since`). Raises BackupError.
    """
    with _work_folder(settings.instance) as folder:
        manifest = _unpack(source, folder)
        _check(manifest, settings, engine)
        remember = _lines(settings.instance / ERASURES) | _lines(folder / ERASURES)
        aside: list[Path] = []
        if manifest.engine == "sqlite":
            aside = _swap_sqlite(folder / SQLITE, engine, now)
        else:
            _postgres(
                "pg_restore", engine, "--clean", "--if-exists", "--no-owner", "--single-transaction",
                "--exit-on-error", f"--dbname={engine.url.database}", str(folder / DUMP),
            )  # fmt: skip
        heads = settings.instance / HEADS
        if heads.exists():
            aside.append(heads.rename(_aside(heads, now)))
        if (folder / HEADS).exists():
            (folder / HEADS).chmod(0o600)
            (folder / HEADS).replace(heads)
        _write_lines(settings.instance / ERASURES, remember)
        # The next start looks at the city's data again.
        (settings.instance / "setup-stamp.json").unlink(missing_ok=True)
    return manifest, aside


def has_database(engine: Engine) -> bool:
    """False when there is no SQLite file yet: asking such a database anything would make one."""
    return engine.dialect.name != "sqlite" or Path(str(engine.url.database)).exists()


def remember_erasures(session: Session, instance: Path) -> int:
    """Write down, outside the database, who was deleted: one line each of moment and number. Returns how many are new."""
    path = instance / ERASURES
    known = _lines(path)
    # Newest first and only as far back as a row could still have been on its way when the last line was written.
    since = (
        max((_moment(line) for line in known), default=datetime.min.replace(tzinfo=UTC) + OVERLAP) - OVERLAP
    )
    fresh = set()
    rows = session.execute(
        select(AuditRow.at, AuditRow.action, AuditRow.resident_id)
        .order_by(AuditRow.id.desc())
        .execution_options(yield_per=500)
    )
    for at, action, resident_id in rows:
        if at < since:
            break
        if action in ENDINGS and resident_id is not None:
            fresh.add(f"{at.isoformat()} {resident_id}")
    rows.close()
    fresh -= known
    if fresh:
        _write_lines(path, known | fresh)
    return len(fresh)


def erased_since(instance: Path, moment: datetime) -> set[int]:
    """The numbers of the residents who were deleted at or after a moment."""
    return {int(line.split(" ")[1]) for line in _lines(instance / ERASURES) if _moment(line) >= moment}


def _moment(line: str) -> datetime:
    return datetime.fromisoformat(line.split(" ", maxsplit=1)[0])


@contextlib.contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=parent) as name:
        yield Path(name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(path: Path) -> set[str]:
    return set(path.read_text(encoding="ascii").splitlines()) if path.exists() else set()


def _write_lines(path: Path, lines: set[str]) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    with fresh.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in sorted(lines))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _revision(engine: Engine) -> str:
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    except Exception as err:
        raise BackupError("There is no database to back up yet: start the service once.") from err


def _unpack(source: Path, folder: Path) -> Manifest:
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = Manifest(**json.loads(archive.read(MANIFEST)))
            if manifest.format != FORMAT:
                raise BackupError("This backup is of another version of the service.")
            for name in set(manifest.parts) & {SQLITE, DUMP, HEADS, ERASURES}:
                with archive.open(name) as packed, (folder / name).open("xb") as out:
                    shutil.copyfileobj(packed, out)
    except (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as err:
        raise BackupError(f"{source} is not a whole backup ({type(err).__name__}).") from err
    for name, digest in manifest.parts.items():
        if not (folder / name).exists() or _digest(folder / name) != digest:
            raise BackupError(f"{source} is damaged: {name} is not as it was written.")
    return manifest


def _check(manifest: Manifest, settings: Settings, engine: Engine) -> None:
    if manifest.engine != engine.dialect.name:
        raise BackupError(
            f"This backup is of {manifest.engine}, and the database here is {engine.dialect.name}."
        )
    scripts = ScriptDirectory.from_config(alembic_config(settings.database_url))
    if manifest.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise BackupError("This backup is of a newer version of the service. Upgrade first.")
    if manifest.secret_proof != keyed_hash("backup", "", secret=settings.secret_key):
        raise BackupError(
            "The secret key here is not that of the backup: codes and PINs would not open anything."
        )
    try:
        MultiFernet([Fernet(key) for key in settings.field_keys]).decrypt(manifest.field_proof.encode())
    except InvalidToken:
        raise BackupError("The field keys here cannot read this backup.") from None


def _swap_sqlite(fresh: Path, engine: Engine, now: datetime) -> list[Path]:
    with contextlib.closing(sqlite3.connect(fresh)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupError("The database in this backup is damaged.")
    assert engine.url.database
    live = Path(engine.url.database)
    engine.dispose()
    aside = []
    # The log files first: beside another database they would be taken for its own.
    for path in (live.with_name(live.name + "-wal"), live.with_name(live.name + "-shm"), live):
        if path.exists():
            aside.append(path.rename(_aside(path, now)))
    fresh.chmod(0o600)
    fresh.replace(live)
    return aside


def _aside(path: Path, now: datetime) -> Path:
    stamp = f"{now:%Y%m%dT%H%M%S}"
    for ending in ("-wal", "-shm"):
        if path.name.endswith(ending):
            # So that the file moved aside still opens with what its log holds.
            return path.with_name(f"{path.name.removesuffix(ending)}.before-{stamp}{ending}")
    return path.with_name(f"{path.name}.before-{stamp}")


def _postgres(program: str, engine: Engine, *arguments: str) -> None:
    url = make_url(engine.url)
    # The password goes by the environment: arguments can be read by everybody on the machine.
    places = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password,
              "PGDATABASE": url.database}  # fmt: skip
    environment = {**os.environ, **{name: str(value) for name, value in places.items() if value is not None}}
    try:
        # Our own arguments; what the settings say goes by the environment.
        subprocess.run([program, *arguments], check=True, capture_output=True, text=True, env=environment)  # noqa: S603
    except FileNotFoundError:
        raise BackupError(f"{program} is not here: install postgresql-client.") from None
    except subprocess.CalledProcessError as failed:
        raise BackupError(f"{program} failed: {failed.stderr.strip().splitlines()[-1:]}") from failed


__all__ = [
    "ERASURES", "BackupError", "Manifest", "erased_since", "has_database", "make_backup", "remember_erasures", "restore",
]  # fmt: skip
