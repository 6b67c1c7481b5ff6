"""One file that holds all of the service but its keys, and the way back from it.

The file is a ZIP: `manifest.json`, the database (`database.sqlite3`, or `database.dump` of pg_dump), `audit-heads`,
`erasures` and, where there are any, the files rows name by their sha256 (`loan-files.tar`, `case-files.tar`). The keys
are kept in another place on purpose: together they open everything. The manifest says which are needed without them.
It names the size and digest of every part and is sealed over all it says, so that nobody without the secret key can
put another database, another day or nothing at all in the place of what was saved.

What a person had deleted stays deleted: the file `erasures` in the instance folder outlives the database, and a
restore deletes again everybody in it who was made before their line was written. No clock of a backup is asked: a
deletion that was still on its way while the copy was taken counts like any other. What people took away without
leaving (a consent, a role) stays taken away by another file: see protections.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Engine, make_url, text
from sqlalchemy.orm import Session

from inclusion_app.config import Settings
from inclusion_app.core.audit import endings_since
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.migrations import alembic_config

FORMAT = 2
MANIFEST = "manifest.json"
HEADS, ERASURES = "audit-heads", "erasures"
# Files that rows name by their sha256, which is their name too: in folders of the instance, each in one part of the backup.
FILES, CASE_FILES = "loan-files", "case-files"
PACKED = {folder: f"{folder}.tar" for folder in (FILES, CASE_FILES)}
NAMED_BY_ITS_BYTES = re.compile(r"[0-9a-f]{64}")
SQLITE, DUMP = "database.sqlite3", "database.dump"
DATABASES = {"sqlite": SQLITE, "postgresql": DUMP}
MOST_MANIFEST_BYTES = 100_000
OVERLAP = timedelta(days=1)
PROOF = b"these are the right field keys"


class BackupError(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself: `parts` are SHA-256 digests by name, `sizes` bytes.

    `secret_proof` tells a wrong key from a changed file, `field_proof` is readable with its keys only, `seal` is over
    all the rest.
    """

    format: int
    made_at: str
    engine: str
    revision: str
    secret_proof: str
    field_proof: str
    parts: dict[str, str]
    sizes: dict[str, int]
    seal: str = ""

    def sealed(self, secret: str) -> Manifest:
        """The same with its seal by this secret key."""
        said = {name: value for name, value in asdict(self).items() if name != "seal"}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return replace(self, seal=keyed_hash("backup-seal", text, secret=secret))


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
        # Files after rows: a row without its file would be a proof that is lost, a file without its row is swept away.
        for name, packed_as in PACKED.items():
            _pack_files(settings.instance / name, folder / packed_as)
        parts = {path.name: _digest(path) for path in sorted(folder.iterdir())}
        manifest = Manifest(
            format=FORMAT,
            made_at=now.isoformat(),
            engine=engine.dialect.name,
            revision=revision,
            secret_proof=keyed_hash("backup", "", secret=settings.secret_key),
            field_proof=Fernet(settings.field_keys[0]).encrypt(PROOF).decode(),
            parts=parts,
            sizes={name: (folder / name).stat().st_size for name in parts},
        ).sealed(settings.secret_key)
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
    before (`erased`). Raises BackupError.
    """
    broken = [line for line in _lines(settings.instance / ERASURES) if _read_line(line) is None]
    if broken:
        raise BackupError(
            f"The file {ERASURES} has a line nobody can read, so somebody deleted could come back."
            f" Mend it or take it out: {broken[0][:60]!r}"
        )
    with _work_folder(settings.instance) as folder:
        manifest = _unpack(source, folder, settings, engine)
        for name in PACKED:
            _unpack_files(source, folder, name)
        remember = _lines(settings.instance / ERASURES) | _lines(folder / ERASURES)
        # Before the rows that name them. What is here stays: the same name is the same bytes.
        for name in PACKED:
            _put_files(folder / name, settings.instance / name)
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


def look_into(source: Path, *, settings: Settings, engine: Engine) -> Manifest:
    """What a backup says of itself, checked against the keys here and its seal. Raises BackupError."""
    with _opened(source) as archive:
        manifest = _read_manifest(archive)
        _check(manifest, settings, engine)
    return manifest


def has_database(engine: Engine) -> bool:
    """False when there is no SQLite file yet: asking such a database anything would make one."""
    return engine.dialect.name != "sqlite" or Path(str(engine.url.database)).exists()


def remember_erasures(session: Session, instance: Path) -> int:
    """Write down, outside the database, who was deleted: one line each of moment and number. Returns how many are new.

    It only reads the database, by an index of deletions alone, so the session needs no lock. It reads as far back as a
    row could still have been on its way when the last line was written.
    """
    path = instance / ERASURES
    known = _lines(path)
    moments = [found[0] for line in known if (found := _read_line(line))]
    since = max(moments, default=datetime.min.replace(tzinfo=UTC) + OVERLAP) - OVERLAP
    fresh = {f"{at.isoformat()} {number}" for at, number in endings_since(session, since)} - known
    if fresh:
        _write_lines(path, known | fresh)
    return len(fresh)


def erased(instance: Path) -> dict[int, datetime]:
    """The numbers of all who were deleted, with the moment of it (the last, should a number have been given twice)."""
    found: dict[int, datetime] = {}
    for line in _lines(instance / ERASURES):
        if (read := _read_line(line)) is not None:
            moment, number = read
            found[number] = max(moment, found.get(number, moment))
    return found


def _read_line(line: str) -> tuple[datetime, int] | None:
    """Moment and number of a line of `erasures`; None for what is none."""
    moment, _, number = line.partition(" ")
    try:
        at = datetime.fromisoformat(moment)
        return (at, int(number)) if at.tzinfo else None
    except ValueError:
        return None


@contextlib.contextmanager
def _work_folder(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=parent) as name:
        yield Path(name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(path: Path) -> set[str]:
    # What somebody else's editor left in it is kept as it is, and is no line of ours (`_read_line`).
    if not path.exists():
        return set()
    return set(filter(str.strip, path.read_text(encoding="ascii", errors="surrogateescape").splitlines()))


def _write_lines(path: Path, lines: set[str]) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    with fresh.open("w", encoding="ascii", errors="surrogateescape") as file:
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


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (
        OSError,
        KeyError,
        EOFError,
        NotImplementedError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as err:
        raise BackupError(f"{source} is not a whole backup ({type(err).__name__}).") from err


def _unpack(source: Path, folder: Path, settings: Settings, engine: Engine) -> Manifest:
    """Check what the backup says of itself, then unpack what it names, and nothing larger than it says."""
    with _opened(source) as archive:
        manifest = _read_manifest(archive)
        _check(manifest, settings, engine)
        for name, size in manifest.sizes.items():
            if archive.getinfo(name).file_size != size:
                raise _damaged(source, name)
            with archive.open(name) as packed, (folder / name).open("xb") as out:
                shutil.copyfileobj(packed, out)
            if _digest(folder / name) != manifest.parts[name]:
                raise _damaged(source, name)
    return manifest


def _pack_files(folder: Path, target: Path) -> None:
    """All files of the folder in one archive; none is made where there is nothing."""
    names = [path.name for path in sorted(folder.glob("*")) if NAMED_BY_ITS_BYTES.fullmatch(path.name)]
    if not names:
        return
    with tarfile.open(target, "w") as archive:
        for name in names:
            with contextlib.suppress(FileNotFoundError), (folder / name).open("rb") as file:
                part = tarfile.TarInfo(name)
                part.size = os.fstat(file.fileno()).st_size
                archive.addfile(part, file)


def _unpack_files(source: Path, folder: Path, name: str) -> None:
    """The archive as single files, each checked: its name is the digest of its bytes. Raises BackupError."""
    packed = folder / PACKED[name]
    if not packed.exists():
        return
    (folder / name).mkdir(mode=0o700)
    try:
        with tarfile.open(packed, "r:") as archive:
            for part in archive:
                is_ours = part.isreg() and NAMED_BY_ITS_BYTES.fullmatch(part.name)
                file = archive.extractfile(part) if is_ours else None
                if file is None:
                    raise _damaged(source, PACKED[name])
                with (folder / name / part.name).open("xb") as out:
                    shutil.copyfileobj(file, out)
                if _digest(folder / name / part.name) != part.name:
                    raise _damaged(source, PACKED[name])
    except (tarfile.TarError, OSError) as err:
        raise _damaged(source, PACKED[name]) from err
    packed.unlink()


def _put_files(unpacked: Path, folder: Path) -> None:
    """Each file in its place, for the service alone."""
    if not unpacked.exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in unpacked.iterdir():
        path.chmod(0o600)
        path.replace(folder / path.name)


def _damaged(source: Path, name: str) -> BackupError:
    return BackupError(f"{source} is damaged: {name} is not as it was written.")


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """The manifest, each of its facts of the right kind. Raises BackupError, and KeyError when there is none."""
    no_manifest = BackupError("This is not a whole backup: what it says of itself cannot be read.")
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
        raise no_manifest
    try:
        said = json.loads(archive.read(MANIFEST))
    except (ValueError, RecursionError):
        raise no_manifest from None
    if isinstance(said, dict) and said.get("format") not in {None, FORMAT}:
        raise BackupError("This backup is of another version of the service.")
    try:
        manifest = Manifest(**said)
        texts = [
            manifest.made_at,
            manifest.engine,
            manifest.revision,
            manifest.secret_proof,
            manifest.field_proof,
        ]
        texts += [manifest.seal, *manifest.parts, *manifest.parts.values(), *manifest.sizes]
        right = all(isinstance(text, str) and text.isascii() for text in texts)
        right = right and all(type(size) is int for size in manifest.sizes.values())
        datetime.fromisoformat(manifest.made_at)
    except (AttributeError, TypeError, ValueError):
        right = False
    if not right:
        raise no_manifest
    return manifest


def _check(manifest: Manifest, settings: Settings, engine: Engine) -> None:
    if manifest.engine != engine.dialect.name:
        raise BackupError(
            f"This backup is of {manifest.engine}, and the database here is {engine.dialect.name}."
        )
    scripts = ScriptDirectory.from_config(alembic_config(settings.database_url))
    if manifest.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise BackupError("This backup is of a newer version of the service. Upgrade first.")
    if not hmac.compare_digest(manifest.secret_proof, keyed_hash("backup", "", secret=settings.secret_key)):
        raise BackupError(
            "The secret key here is not that of the backup: codes and PINs would not open anything."
        )
    try:
        MultiFernet([Fernet(key) for key in settings.field_keys]).decrypt(manifest.field_proof.encode())
    except InvalidToken:
        raise BackupError("The field keys here cannot read this backup.") from None
    if not hmac.compare_digest(manifest.seal, manifest.sealed(settings.secret_key).seal):
        raise BackupError("This backup is damaged or was changed: its seal is not right.")
    parts = manifest.parts.keys()
    if parts != manifest.sizes.keys() or parts - {HEADS, ERASURES, *PACKED.values()} != {
        DATABASES[manifest.engine]
    }:
        raise BackupError("This backup is damaged: it does not hold one database.")


def _swap_sqlite(fresh: Path, engine: Engine, now: datetime) -> list[Path]:
    try:
        with contextlib.closing(sqlite3.connect(fresh)) as connection:
            whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        whole = False
    if not whole:
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
    "ERASURES", "BackupError", "Manifest", "erased", "has_database", "look_into", "make_backup", "remember_erasures",
    "restore",
]  # fmt: skip
