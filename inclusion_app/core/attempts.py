"""Limits on tries, held in the database so that more workers do not multiply them.

A try is claimed by one atomic statement in a transaction of its own before the secret is looked at.

How long the next lock of a key will be is remembered for a month after its last lock. So whoever waits for a count to
be forgotten gets fewer tries than whoever takes the longest lock each day (5), and nobody is locked for longer than
that. A stranger who knows a code could keep it locked by wrong tries without end; therefore a network from which the
right secret was given lately counts for itself (`knows_network`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Index, String, and_, case, delete, not_, null, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.db import Base, UTCDateTime, insert_into


@dataclass(frozen=True)
class Limit:
    """So many tries in a window; then a lock, doubling each time it is reached again, up to a longest."""

    name: str
    tries: int
    window: timedelta
    lock: timedelta
    longest: timedelta
    # The window begins anew with each try: then no stretch of this length ever holds more tries than these, also not
    # one that lies across the end of a window.
    until_quiet: bool = False


PIN_WRONG = Limit("pin", 5, timedelta(days=1), timedelta(minutes=15), timedelta(days=1))
# 40 tries lead to the longest lock. Forgotten after a week they would be more than 5 a day; after a month they are not.
LOCKS_REMEMBERED = timedelta(days=30)
NETWORK_KNOWN = timedelta(days=30)
# No window is longer than a day; after two, a count that never led to a lock says nothing any more.
COUNT_REMEMBERED = timedelta(days=2)
CODE_NETWORK = Limit("code-network", 30, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
CODE_ALL = Limit("code-all", 2_000, timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=15))

# "Tell us it is wrong": enough for a class at a library, and the longest lock is the one for their next hour.
REPORT_NETWORK = Limit("report-network", 30, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
# Groups, and people added to a home: more than a class needs in an hour.
MAKING_NETWORK = Limit("making-network", 60, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
# Places of training booked from one network: two classes at a library in an hour. And bookings that name one phone or
# e-mail: a youth worker books for a whole group, and nobody has a stranger told all day.
BOOKING_NETWORK = Limit("booking-network", 60, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))
BOOKING_CONTACT = Limit("booking-contact", 12, timedelta(days=1), timedelta(hours=12), timedelta(days=1))
# Devices asked for in a day by one person, or by all who name one phone or e-mail: as many as one may ask for at once. Asked
# and taken back without end, each would tell whoever that number is of.
ASKING = Limit("asking", 5, timedelta(days=1), timedelta(hours=1), timedelta(days=1))
# Times to fetch a device that are told for one request: switched to and fro, each would be a message.
SLOT_TOLD = Limit("slot-told", 5, timedelta(days=1), timedelta(days=1), timedelta(days=1))

# Staff. A browser somebody has signed in from before counts for itself (accounts/sign_in.py).
STAFF_MINUTE = Limit(
    "staff-minute", 5, timedelta(minutes=1), timedelta(minutes=1), timedelta(minutes=1), until_quiet=True
)
STAFF_FIVE = Limit(
    "staff-five", 10, timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=15), until_quiet=True
)
# Whoever has somebody's password still guesses one of three codes in a million: in the end forty times a day, no more.
STAFF_SECOND = Limit("staff-second", 20, timedelta(days=1), timedelta(minutes=15), timedelta(hours=12))
STAFF_ADDRESS = Limit(
    "staff-address", 20, timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=15), until_quiet=True
)
# Mails with a link to set a new password: enough for whoever looks in the wrong folder, too few to annoy somebody.
STAFF_RECOVER = Limit(
    "staff-recover", 3, timedelta(hours=1), timedelta(minutes=15), timedelta(minutes=15), until_quiet=True
)
# "Send me a link": a person needs one, perhaps two; a class at a library thirty.
LINK_CODE = Limit("link-code", 3, timedelta(hours=1), timedelta(hours=1), timedelta(days=1))
LINK_NETWORK = Limit("link-network", 30, timedelta(hours=1), timedelta(minutes=15), timedelta(hours=1))


class Attempt(Base):
    """How often something was tried. The key is a keyed hash: no address and no code stands here in the clear.

    `locks` counts the locks so far, the last of which ended or ends at `locked_until`.
    """

    __tablename__ = "attempts"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    locks: Mapped[int]
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class KnownNetwork(Base):
    """A network from which a code was opened with its right secret lately; the keyed hash of both together."""

    __tablename__ = "known_networks"
    __table_args__ = (Index("ix_known_networks_last_at", "last_at"),)

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)


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


def host_of(address: str | None) -> str:
    """The one machine a try comes from: an IPv4 address, or a /64 for IPv6, of which every machine has all addresses."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network(f"{parsed}/64", strict=False))
    return str(parsed)


def claim(session: Session, *, key_hash: str, limit: Limit, now: datetime) -> bool:
    """Take one try. True when it may go ahead; False while locked. One statement on both engines.

    The try that uses up the limit goes ahead and sets the lock in the same statement, so that no number of
    parallel tries gets past it; a right answer lifts it again (`settle_success`).
    """
    table = Attempt.__table__.c
    fresh = table.began_at <= now - limit.window
    full = and_(not_(fresh), table.tries + 1 >= limit.tries)
    lengths: list[timedelta] = []
    while not lengths or lengths[-1] < limit.longest:
        lengths.append(min(limit.lock * 2 ** len(lengths), limit.longest))
    forgotten = or_(table.locked_until.is_(None), table.locked_until <= now - LOCKS_REMEMBERED)
    before = case((forgotten, 0), else_=table.locks)
    until = case(
        *((before == count, now + length) for count, length in enumerate(lengths)),
        else_=now + lengths[-1],
    )
    statement = (
        insert_into(session, Attempt)
        .values(key_hash=key_hash, tries=1, locks=0, began_at=now, locked_until=None)
        .on_conflict_do_update(
            index_elements=["key_hash"],
            set_={
                "tries": case((fresh, 1), (full, 0), else_=table.tries + 1),
                "locks": case((full, before + 1), else_=table.locks),
                "began_at": now if limit.until_quiet else case((fresh, now), else_=table.began_at),
                "locked_until": case((full, until), else_=table.locked_until),
            },
            where=or_(table.locked_until.is_(None), table.locked_until <= now),
        )
        .returning(Attempt.key_hash)
    )
    return session.scalar(statement) is not None


def claim_once(session: Session, *, key_hash: str, window: timedelta, now: datetime) -> bool:
    """True for the first in a window, False for whoever comes after; of two at once the second waits for the first."""
    table = Attempt.__table__.c
    statement = (
        insert_into(session, Attempt)
        .values(key_hash=key_hash, tries=1, locks=0, began_at=now, locked_until=None)
        .on_conflict_do_update(
            index_elements=["key_hash"], set_={"began_at": now}, where=table.began_at <= now - window
        )
        .returning(Attempt.key_hash)
    )
    return session.scalar(statement) is not None


def tries_left(session: Session, *, key_hash: str, limit: Limit) -> int:
    """How many more tries may go ahead before the lock; 0 once it is set."""
    row = session.get(Attempt, key_hash)
    # The try that uses up the limit sets the lock and the count back to nought.
    return limit.tries - row.tries if row is not None and row.tries else 0


def locked_until(session: Session, *, key_hash: str, now: datetime) -> datetime | None:
    """Until when this key is locked, or None."""
    row = session.get(Attempt, key_hash, populate_existing=True)
    return row.locked_until if row and row.locked_until and row.locked_until > now else None


def settle_success(session: Session, *, key_hash: str, now: datetime) -> None:
    """The right secret clears the count and lifts the lock. How long the next lock would be is not forgotten.

    Else a stranger who tries between two visits of the owner would get the short locks again after each of them.
    """
    table = Attempt.__table__.c
    session.execute(delete(Attempt).where(table.key_hash == key_hash, table.locks == 0))
    locked = table.locked_until > now  # by the right try itself, which came last: it was no wrong one
    session.execute(
        update(Attempt)
        .where(table.key_hash == key_hash)
        .values(
            tries=0,
            locks=case((locked, table.locks - 1), else_=table.locks),
            locked_until=case((locked, now), else_=table.locked_until),
        )
    )


def give_back(session: Session, *, key_hash: str, limit: Limit, now: datetime) -> None:
    """This try was no wrong one: a library with many people behind one network is not shut out.

    The try that used up the limit set the lock with it (see `claim`), so giving that one back lifts the lock.
    """
    table = Attempt.__table__.c
    locked_by_it = and_(table.tries == 0, table.locked_until > now)
    session.execute(
        update(Attempt)
        .where(Attempt.key_hash == key_hash, or_(table.tries > 0, locked_by_it))
        .values(
            tries=case((locked_by_it, limit.tries - 1), else_=table.tries - 1),
            locks=case((locked_by_it, table.locks - 1), else_=table.locks),
            # The lock before this one ended at the latest now; sooner is not known any more.
            locked_until=case(
                (and_(locked_by_it, table.locks > 1), now), (locked_by_it, null()), else_=table.locked_until
            ),
        )
    )


def remember_network(session: Session, *, key_hash: str, now: datetime) -> None:
    """The right secret of a code was given from this network. The key is the keyed hash of code and network."""
    session.execute(
        insert_into(session, KnownNetwork)
        .values(key_hash=key_hash, last_at=now)
        .on_conflict_do_update(index_elements=["key_hash"], set_={"last_at": now})
    )


def knows_network(session: Session, *, key_hash: str, now: datetime) -> bool:
    """True when the right secret of a code was given from this network in the last 30 days.

    Then wrong tries from elsewhere do not lock it: the owner at home or in their library comes in.
    """
    since = now - NETWORK_KNOWN
    found = select(KnownNetwork.key_hash).where(
        KnownNetwork.key_hash == key_hash, KnownNetwork.last_at > since
    )
    return session.scalar(found) is not None


def delete_old(session: Session, *, now: datetime) -> int:
    """Forget what has no more effect: counts after two days, locks and known networks after 30. Returns how many.

    The table stays small: a row that outlives two days cost its sender five claimed tries of the city's 2,000 an hour.
    """
    table = Attempt.__table__.c
    no_lock = or_(table.locked_until.is_(None), table.locked_until <= now - LOCKS_REMEMBERED)
    counts = session.execute(delete(Attempt).where(table.began_at <= now - COUNT_REMEMBERED, no_lock))
    networks = session.execute(delete(KnownNetwork).where(KnownNetwork.last_at <= now - NETWORK_KNOWN))
    return int(counts.rowcount) + int(networks.rowcount)  # type: ignore[attr-defined]
