"""The record of reads and writes of personal data: append-only, chained, and checkable from outside.

A row holds ids, an action, a purpose and the names of items, never what somebody typed. Rows stand in 16 chains
by resident id; each carries an HMAC over all of its columns and over the one before it, with a key that is not in the
database. So a row that was changed, renumbered, moved, put in or taken out of the middle is found from the rows alone.

What the rows alone cannot show is that the end of a chain, or all of it, was cut together with its head. The worker
signs the heads with their counts into a file beside the database; each of its lines is signed over the one before.
Whoever can write both the database and that file, and cuts both at the same moment, is found only by a copy of the
file kept elsewhere: every backup holds one.

A reason somebody typed stands beside its row, encrypted, with a salt of its own; the row holds their HMAC. Deleting
text and salt leaves the chain whole and a hash that nobody can try guesses on.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
    type_coerce,
    update,
)  # fmt: skip
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.crypto import EncryptedText, InvalidToken, derive_key, unseal
from inclusion_app.core.db import Base, UTCDateTime, insert_into, snapshot

CHAINS = 16
# What the record calls the end of a resident (people.services).
ENDINGS = ("delete", "expire")
_ENDINGS_SQL = text("action IN ({})".format(", ".join(f"'{name}'" for name in ENDINGS)))
_STAFF_SQL = text("organisation_id IS NOT NULL")
START = "0" * 64
SALT_BYTES = 32


class AuditRow(Base):
    """One page or export that showed personal data, or one change of it."""

    __tablename__ = "audit_rows"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index("ix_audit_rows_resident_id", "resident_id"),
        # An organisation's admin reads its own rows, newest first; rows of residents alone cost this nothing.
        Index(
            "ix_audit_rows_organisation_id",
            "organisation_id",
            "id",
            sqlite_where=_STAFF_SQL,
            postgresql_where=_STAFF_SQL,
        ),
        # A few rows among very many: the worker asks for them every minute.
        Index("ix_audit_rows_endings", "at", sqlite_where=_ENDINGS_SQL, postgresql_where=_ENDINGS_SQL),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[int] = mapped_column(ForeignKey("audit_heads.chain"))
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None]
    organisation_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(40))
    resident_id: Mapped[int | None]
    items: Mapped[str] = mapped_column(String(400))
    reason_hmac: Mapped[str | None] = mapped_column(String(64))
    mac: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of one chain; its row lock puts writers in a line on both engines."""

    __tablename__ = "audit_heads"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    mac: Mapped[str] = mapped_column(String(64))


class AuditReason(Base):
    """What somebody typed as their reason, beside the row it belongs to; deleted when the person's words go."""

    __tablename__ = "audit_reasons"

    row_id: Mapped[int] = mapped_column(ForeignKey("audit_rows.id"), primary_key=True, autoincrement=False)
    salt: Mapped[str] = mapped_column(String(64))
    words: Mapped[str] = mapped_column(EncryptedText)


@dataclass(frozen=True)
class Fault:
    """Something in the record is not as it was written. Chain -1 is the file of heads, `seq` then its line."""

    chain: int
    seq: int
    what: str

    def __str__(self) -> str:
        if self.chain < 0:
            return f"file of signed heads, line {self.seq}: {self.what}"
        return f"chain {self.chain}, row {self.seq}: {self.what}"


def _key(secret: str | None) -> bytes:
    return derive_key(secret or current_app.extensions["settings"].secret_key, "audit-chain")


# Everything a row says. The MAC is over these in this order, after the mark of its kind and the MAC before.
COLUMNS = (
    "id", "chain", "seq", "at", "actor_kind", "actor_id", "organisation_id", "action", "purpose", "resident_id",
    "items", "reason_hmac",
)  # fmt: skip


def _mac(key: bytes, before: str, facts: dict[str, Any]) -> str:
    return _hmac(key, ["row 2", before, *(facts[name] for name in COLUMNS)])


def _mac_without_id(key: bytes, before: str, facts: dict[str, Any]) -> str:
    """Of the rows written before the id was covered too (November 2026)."""
    return _hmac(key, [before, *(facts[name] for name in COLUMNS[1:])])


def _hmac(key: bytes, facts: list[Any]) -> str:
    return hmac.new(key, json.dumps(facts, separators=(",", ":")).encode(), hashlib.sha256).hexdigest()


def _reason_hmac(salt: str, words: str) -> str:
    return hmac.new(bytes.fromhex(salt), words.encode(), hashlib.sha256).hexdigest()


def record(
    session: Session,
    *,
    at: datetime,
    actor_kind: str,
    actor_id: int | None,
    action: str,
    purpose: str,
    resident_id: int | None,
    items: Sequence[str] = (),
    organisation_id: int | None = None,
    reason: str | None = None,
    secret: str | None = None,
) -> AuditRow:
    """Append one row in the caller's transaction. Two writers of one chain wait for each other at its head.

    `reason` is typed text: it is kept beside the row (`AuditReason`), and only its salted HMAC enters the chain.
    """
    chain = (resident_id or 0) % CHAINS
    on_postgres = session.get_bind().dialect.name == "postgresql"
    head = session.execute(
        insert_into(session, AuditHead)
        .values(chain=chain, seq=1, mac=START)
        .on_conflict_do_update(index_elements=["chain"], set_={"seq": AuditHead.__table__.c.seq + 1})
        .returning(AuditHead.seq, AuditHead.mac)
    ).one()
    # The number is part of what is signed, so it is drawn before the row is written. SQLite has one writer, and the
    # statement above made it us.
    number = session.scalar(
        select(func.nextval(func.pg_get_serial_sequence("audit_rows", "id")))
        if on_postgres
        else select(func.coalesce(func.max(AuditRow.id), 0) + 1)
    )
    salt = secrets.token_hex(SALT_BYTES) if reason is not None else ""
    row = AuditRow(
        id=number, chain=chain, seq=head.seq, at=at, actor_kind=actor_kind, actor_id=actor_id,
        organisation_id=organisation_id, action=action, purpose=purpose, resident_id=resident_id, items=" ".join(items),
        reason_hmac=_reason_hmac(salt, reason) if reason is not None else None,
    )  # fmt: skip
    facts = {name: getattr(row, name) for name in COLUMNS} | {"at": at.astimezone(UTC).isoformat()}
    row.mac = _mac(_key(secret), head.mac, facts)
    session.add(row)
    session.execute(update(AuditHead).where(AuditHead.chain == chain).values(mac=row.mac))
    session.flush()
    if reason is not None:
        session.add(AuditReason(row_id=row.id, salt=salt, words=reason))
        session.flush()
    return row


def endings_since(session: Session, moment: datetime) -> list[tuple[datetime, int]]:
    """(when, which resident) of everybody deleted or expired since; read by an index of these rows alone."""
    rows = session.execute(
        select(AuditRow.at, AuditRow.resident_id).where(
            _ENDINGS_SQL, AuditRow.at >= moment, AuditRow.resident_id.is_not(None)
        )
    )
    return [(at, resident_id) for at, resident_id in rows if resident_id is not None]


def erase_reasons(session: Session, *, resident_id: int) -> int:
    """Delete what was typed about one person with its salts; the rows stay. Returns how many."""
    theirs = select(AuditRow.id).where(AuditRow.resident_id == resident_id)
    done = session.execute(
        delete(AuditReason).where(AuditReason.row_id.in_(theirs)),
        execution_options={"synchronize_session": False},
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def verify(session: Session, heads_file: Path | None = None, *, secret: str | None = None) -> list[Fault]:
    """Every fault of every chain: a changed row, a missing row, a cut tail. Empty when all is as written.

    Reads what is committed, in one snapshot of its own on the engine of `session`: people may go on working.
    """
    key = _key(secret)
    # The file first: what it says was committed before, so the snapshot holds it.
    lines, faults = _read_heads(heads_file, key)
    try:
        with snapshot(session) as frozen, _bytes_as_they_are(frozen):
            return faults + _verify_rows(frozen, key, lines, heads_file)
    except DatabaseError as broken:
        return [*faults, Fault(0, 0, f"the record cannot be read ({type(broken.orig).__name__})")]


def _verify_rows(
    session: Session, key: bytes, lines: list[tuple[int, int, str]], heads_file: Path | None
) -> list[Fault]:
    faults: list[Fault] = []
    ends: dict[int, tuple[int, str]] = {}
    signed = {(chain, seq): mac for chain, seq, mac in lines}
    hmacs: dict[int, str] = {}
    for facts, mac in _stored_rows(session):
        chain, number = (_whole(facts[name]) for name in ("chain", "seq"))
        seq, before = ends.get(chain, (0, START))
        if number != seq + 1:
            faults.append(Fault(chain, seq + 1, "missing"))
        elif mac != _mac(key, before, facts) and mac != _mac_without_id(key, before, facts):
            faults.append(Fault(chain, number, "changed"))
        ends[chain] = (number, mac)
        if signed.get((chain, number)) == mac:
            del signed[chain, number]
        if facts["reason_hmac"] is not None:
            hmacs[facts["id"]] = facts["reason_hmac"]
    heads = session.execute(select(AuditHead.chain, AuditHead.seq, AuditHead.mac))
    stored = {chain: (seq, mac) for chain, seq, mac in heads}
    for chain in sorted(stored.keys() | ends.keys()):
        if stored.get(chain) != ends.get(chain, (0, START)):
            end = ends.get(chain, (0, START))[0]
            faults.append(Fault(chain, end + 1, "the end of the chain is not its head"))
    faults.extend(
        Fault(chain, seq, "cut or changed since its head was signed") for chain, seq in sorted(signed)
    )
    if heads_file is not None and ends and not heads_file.exists():
        # Without it a cut tail cannot be found, so whoever cuts would take the file away too.
        faults.append(Fault(-1, 0, "the file of signed heads is missing"))
    return faults + _wrong_reasons(session, hmacs)


def _stored_rows(session: Session) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each row in the order of its chain: its facts as they were signed, and its MAC.

    What is stored is taken as it is, not as it is meant: a time spelt another way, or a text that is no text any
    more, must come out different from what was written.
    """
    on_sqlite = _is_sqlite(session)
    columns: list[Any] = [getattr(AuditRow, name) for name in COLUMNS]
    if on_sqlite:
        columns[COLUMNS.index("at")] = type_coerce(AuditRow.at, Text)
    found = session.execute(
        select(*columns, AuditRow.mac).order_by(AuditRow.chain, AuditRow.seq),
        execution_options={"yield_per": 500},
    )
    for *values, mac in found:
        facts: dict[str, Any] = dict(zip(COLUMNS, values, strict=True))
        facts["at"] = _sqlite_instant(facts["at"]) if on_sqlite else facts["at"].isoformat()
        yield {name: _plain(value) for name, value in facts.items()}, _plain(mac)


def _whole(value: Any) -> int:
    """SQLite would keep a text in a column of numbers; such a row fits no MAC, whatever chain it is shown under."""
    return value if isinstance(value, int) else -1


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else f"{type(value).__name__} {value!r}"


def _sqlite_instant(stored: Any) -> str:
    """The signed form of a stored instant; what is spelt in any other way stays as it is and fits no MAC."""
    try:
        moment = datetime.fromisoformat(stored).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return f"not an instant: {stored}"
    spelt = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return moment.isoformat() if spelt == stored else f"not as written: {stored}"


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


@contextmanager
def _bytes_as_they_are(session: Session) -> Iterator[None]:
    """SQLite keeps any bytes in a text column; a damaged one must be a fault of its row, not of the reading."""
    if not _is_sqlite(session):
        yield
        return
    driver: Any = session.connection().connection.driver_connection
    before, driver.text_factory = driver.text_factory, lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before


def _wrong_reasons(session: Session, hmacs: dict[int, str]) -> list[Fault]:
    """Reasons that are not what the row says. One that is gone is no fault: erasure may take it away."""
    rows = session.execute(
        select(AuditReason.row_id, AuditReason.salt, type_coerce(AuditReason.words, Text), AuditRow.chain, AuditRow.seq)
        .outerjoin(AuditRow, AuditRow.id == AuditReason.row_id)
        .order_by(AuditReason.row_id)
    )  # fmt: skip
    faults = []
    for row_id, salt, sealed, chain, seq in rows:
        try:
            right = hmacs.get(row_id) == _reason_hmac(salt, unseal(sealed, "audit_reasons.words"))
        except (InvalidToken, TypeError, ValueError):  # whatever else may have been put there
            right = False
        if not right:
            faults.append(Fault(chain or 0, seq or 0, "its reason is not what was typed"))
    return faults


# The file of heads: one line a head, `moment chain seq mac sign`, the sign over the line and the sign before it.


def _read_heads(path: Path | None, key: bytes) -> tuple[list[tuple[int, int, str]], list[Fault]]:
    """What the file says (chain, seq, MAC) and every line of it that is not as it was signed."""
    if path is None or not path.exists():
        return [], []
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        # A last line without its end is looked at too: a power cut leaves half a line, which the worker mends.
        lines = [line.decode("latin-1").removesuffix("\n") for line in file]
    heads: list[tuple[int, int, str]] = []
    faults: list[Fault] = []
    before = ""
    for number, line in enumerate(lines, 1):
        facts, _, sign = line.rpartition(" ")
        fits = (_sign(key, facts, before), *([_old_sign(key, facts)] if _is_old(before) else []))
        if any(hmac.compare_digest(right.encode(), sign.encode()) for right in fits):
            _at, chain, seq, mac = facts.split(" ")
            heads.append((int(chain), int(seq), mac))
        else:
            faults.append(Fault(-1, number, "a line was changed, or one before it taken away"))
        before = sign
    if not lines:
        faults.append(Fault(-1, 0, "the file of signed heads is empty"))
    return heads, faults


def _whole_lines(file: BinaryIO) -> list[str]:
    """The finished lines. What a power cut left without its end is written anew, since no line says so."""
    return [line.decode("latin-1").removesuffix("\n") for line in file if line.endswith(b"\n")]


def _sign(key: bytes, facts: str, before: str) -> str:
    return "2" + hmac.new(key, f"line {before} {facts}".encode(), hashlib.sha256).hexdigest()


def _old_sign(key: bytes, facts: str) -> str:
    """Of the lines written before each was signed over the one before it (November 2026)."""
    return hmac.new(key, b"head " + facts.encode(), hashlib.sha256).hexdigest()


def _is_old(sign: str) -> bool:
    """True where an old line may still follow: at the beginning and after another old one."""
    return len(sign) != len(START) + 1


def append_heads(
    session: Session, path: Path, *, at: datetime | None = None, secret: str | None = None
) -> int:
    """Add the signed head of each chain that grew since the last time to the file; returns how many."""
    from inclusion_app.core.clock import now

    key = _key(secret)
    heads = session.execute(
        select(AuditHead.chain, AuditHead.seq, AuditHead.mac).order_by(AuditHead.chain)
    ).all()
    if not heads:
        return 0  # an empty record needs no file
    moment = (at or now()).strftime("%Y-%m-%dT%H:%M:%SZ")
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = _whole_lines(file)
        known = {tuple(line.split(" ")[1:3]) for line in lines}
        fresh = [head for head in heads if (str(head.chain), str(head.seq)) not in known]
        if not fresh:
            return 0
        before = lines[-1].rpartition(" ")[2] if lines else ""
        file.seek(sum(len(line) + 1 for line in lines))
        file.truncate()
        for head in fresh:
            facts = f"{moment} {head.chain} {head.seq} {head.mac}"
            before = _sign(key, facts, before)
            file.write(f"{facts} {before}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o600)  # also one that a restore or a hand made
    return len(fresh)
