"""The record of reads and writes of personal data: append-only, chained, and checkable from outside.

A row holds ids, an action, a purpose and the names of items, never what somebody typed. Rows stand in 16 chains
by resident id; each carries an HMAC over itself and the one before it, with a key that is not in the database.
The worker signs the heads with their counts into a file beside it, so that a cut tail is found too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.crypto import derive_key
from inclusion_app.core.db import Base, UTCDateTime

CHAINS = 16
START = "0" * 64


class AuditRow(Base):
    """One page or export that showed personal data, or one change of it."""

    __tablename__ = "audit_rows"
    __table_args__ = (UniqueConstraint("chain", "seq"), Index("ix_audit_rows_resident_id", "resident_id"))

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


@dataclass(frozen=True)
class Fault:
    """Something in the record is not as it was written."""

    chain: int
    seq: int
    what: str

    def __str__(self) -> str:
        return f"chain {self.chain}, row {self.seq}: {self.what}"


def _key(secret: str | None) -> bytes:
    return derive_key(secret or current_app.extensions["settings"].secret_key, "audit-chain")


def _mac(key: bytes, before: str, row: AuditRow) -> str:
    facts = [
        before, row.chain, row.seq, row.at.astimezone(UTC).isoformat(), row.actor_kind, row.actor_id,
        row.organisation_id, row.action, row.purpose, row.resident_id, row.items, row.reason_hmac,
    ]  # fmt: skip
    return hmac.new(key, json.dumps(facts, separators=(",", ":")).encode(), hashlib.sha256).hexdigest()


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
    reason_hmac: str | None = None,
    secret: str | None = None,
) -> AuditRow:
    """Append one row in the caller's transaction. Two writers of one chain wait for each other at its head."""
    chain = (resident_id or 0) % CHAINS
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    head = session.execute(
        kind.insert(AuditHead)
        .values(chain=chain, seq=1, mac=START)
        .on_conflict_do_update(index_elements=["chain"], set_={"seq": AuditHead.__table__.c.seq + 1})
        .returning(AuditHead.seq, AuditHead.mac)
    ).one()
    row = AuditRow(
        chain=chain, seq=head.seq, at=at, actor_kind=actor_kind, actor_id=actor_id, organisation_id=organisation_id,
        action=action, purpose=purpose, resident_id=resident_id, items=" ".join(items), reason_hmac=reason_hmac,
    )  # fmt: skip
    row.mac = _mac(_key(secret), head.mac, row)
    session.add(row)
    session.execute(update(AuditHead).where(AuditHead.chain == chain).values(mac=row.mac))
    session.flush()
    return row


def verify(session: Session, heads_file: Path | None = None, *, secret: str | None = None) -> list[Fault]:
    """Every fault of every chain: a changed row, a missing row, a cut tail. Empty when all is as written."""
    key = _key(secret)
    faults: list[Fault] = []
    ends: dict[int, tuple[int, str]] = {}
    macs: dict[tuple[int, int], str] = {}
    for row in session.scalars(select(AuditRow).order_by(AuditRow.chain, AuditRow.seq)).yield_per(500):
        seq, before = ends.get(row.chain, (0, START))
        if row.seq != seq + 1:
            faults.append(Fault(row.chain, seq + 1, "missing"))
        elif not hmac.compare_digest(_mac(key, before, row), row.mac):
            faults.append(Fault(row.chain, row.seq, "changed"))
        ends[row.chain] = (row.seq, row.mac)
        macs[row.chain, row.seq] = row.mac
    heads = {head.chain: (head.seq, head.mac) for head in session.scalars(select(AuditHead))}
    for chain in sorted(heads.keys() | ends.keys()):
        if heads.get(chain) != ends.get(chain, (0, START)):
            faults.append(
                Fault(chain, ends.get(chain, (0, START))[0] + 1, "the end of the chain is not its head")
            )
    faults.extend(_against_file(macs, heads_file, key))
    return faults


def _against_file(macs: dict[tuple[int, int], str], heads_file: Path | None, key: bytes) -> list[Fault]:
    if heads_file is None:
        return []
    if not heads_file.exists():
        # Without it a cut tail cannot be found, so whoever cuts would take the file away too.
        return [Fault(-1, 0, "the file of signed heads is missing")] if macs else []
    faults = []
    lines = heads_file.read_text(encoding="ascii", errors="replace").rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        facts, _, sign = line.rpartition(" ")
        if not hmac.compare_digest(_sign(key, facts).encode(), sign.encode()):
            faults.append(Fault(-1, number, "a line of the heads file was changed"))
            continue
        _at, chain, seq, mac = facts.split(" ")
        if macs.get((int(chain), int(seq))) != mac:
            faults.append(Fault(int(chain), int(seq), "cut or changed since its head was signed"))
    return faults


def _sign(key: bytes, facts: str) -> str:
    return hmac.new(key, b"head " + facts.encode(), hashlib.sha256).hexdigest()


def append_heads(
    session: Session, path: Path, *, at: datetime | None = None, secret: str | None = None
) -> int:
    """Add the signed head of each chain that grew since the last time to the file; returns how many."""
    from inclusion_app.core.clock import now

    key = _key(secret)
    known = set()
    if path.exists():
        known = {tuple(line.split(" ")[1:3]) for line in path.read_text(encoding="ascii").splitlines()}
    fresh = [
        head for head in session.scalars(select(AuditHead)) if (str(head.chain), str(head.seq)) not in known
    ]
    moment = (at or now()).strftime("%Y-%m-%dT%H:%M:%SZ")
    with path.open("a", encoding="ascii") as out:
        for head in fresh:
            facts = f"{moment} {head.chain} {head.seq} {head.mac}"
            out.write(f"{facts} {_sign(key, facts)}\n")
    path.chmod(0o600)
    return len(fresh)
