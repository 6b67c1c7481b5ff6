"""Limits on tries, held in the database so that more workers do not multiply them.

A try is claimed by one atomic statement in a transaction of its own before the secret is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from sqlalchemy import String, and_, case, delete, not_, null, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.db import Base, UTCDateTime


@dataclass(frozen=True)
class Limit:
    """So many tries in a window; then a lock, doubling each time it is reached again, up to a longest."""

    name: str
    tries: int
    window: timedelta
    lock: timedelta
    longest: timedelta


PIN_WRONG = Limit("pin", 5, timedelta(days=1), timedelta(minutes=15), timedelta(days=1))
CODE_NETWORK = Limit("code-network", 30, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
CODE_ALL = Limit("code-all", 2_000, timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=15))


class Attempt(Base):
    """How often something was tried. The key is a keyed hash: no address and no code stands here in the clear."""

    __tablename__ = "attempts"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    locks: Mapped[int]
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


def network_of(address: str | None) -> str:
    """The network a try comes from: /24 for IPv4, /56 for IPv6; one name for what is no address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    # A socket that serves both families shows IPv4 guests as ::ffff:a.b.c.d: they are not all one network.
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ip_network(f"{parsed}/{24 if parsed.version == 4 else 56}", strict=False))


def claim(session: Session, *, key_hash: str, limit: Limit, now: datetime) -> bool:
    """Take one try. True when it may go ahead; False while locked. One statement on both engines.

    The try that uses up the limit goes ahead and sets the lock in the same statement, so that no number of
    parallel tries gets past it; a right answer lifts it again (`settle_success`).
    """
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table = Attempt.__table__.c
    fresh = table.began_at <= now - limit.window
    full = and_(not_(fresh), table.tries + 1 >= limit.tries)
    lengths: list[timedelta] = []
    while not lengths or lengths[-1] < limit.longest:
        lengths.append(min(limit.lock * 2 ** len(lengths), limit.longest))
    until = case(
        *((table.locks == count, now + length) for count, length in enumerate(lengths)),
        else_=now + lengths[-1],
    )
    statement = (
        kind.insert(Attempt)
        .values(key_hash=key_hash, tries=1, locks=0, began_at=now, locked_until=None)
        .on_conflict_do_update(
            index_elements=["key_hash"],
            set_={
                "tries": case((fresh, 1), (full, 0), else_=table.tries + 1),
                "locks": case((full, table.locks + 1), else_=table.locks),
                "began_at": case((fresh, now), else_=table.began_at),
                "locked_until": case((full, until), else_=null()),
            },
            where=or_(table.locked_until.is_(None), table.locked_until <= now),
        )
        .returning(Attempt.key_hash)
    )
    return session.scalar(statement) is not None


def locked_until(session: Session, *, key_hash: str, now: datetime) -> datetime | None:
    """Until when this key is locked, or None."""
    row = session.get(Attempt, key_hash, populate_existing=True)
    return row.locked_until if row and row.locked_until and row.locked_until > now else None


def settle_success(session: Session, *, key_hash: str) -> None:
    """The right secret clears the count and the lock."""
    session.execute(delete(Attempt).where(Attempt.key_hash == key_hash))


def give_back(session: Session, *, key_hash: str, limit: Limit) -> None:
    """This try was no wrong one: a library with many people behind one network is not shut out.

    The try that used up the limit set the lock with it (see `claim`), so giving that one back lifts the lock.
    """
    table = Attempt.__table__.c
    locked_by_it = and_(table.tries == 0, table.locked_until.is_not(None))
    session.execute(
        update(Attempt)
        .where(Attempt.key_hash == key_hash, or_(table.tries > 0, locked_by_it))
        .values(
            tries=case((locked_by_it, limit.tries - 1), else_=table.tries - 1),
            locks=case((locked_by_it, table.locks - 1), else_=table.locks),
            locked_until=case((locked_by_it, null()), else_=table.locked_until),
        )
    )


def delete_old(session: Session, *, now: datetime) -> int:
    """Forget counts nobody added to for two days. Returns how many."""
    done = session.execute(delete(Attempt).where(Attempt.began_at <= now - timedelta(days=2)))
    return int(done.rowcount)  # type: ignore[attr-defined]
