"""The database: base class, engine set-up, and the only places where a transaction begins and ends.

SQLite is the embedded default. A safe request reads in a DEFERRED transaction; everything that may write
takes the write lock at once (BEGIN IMMEDIATE), so no transaction can fail half-way for want of the lock.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import current_app, g, has_request_context, request
from sqlalchemy import DateTime, Delete, Engine, MetaData, Update, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITE = {"sqlite_begin": "IMMEDIATE"}
BUSY_SECONDS = 15
IMPATIENT_SECONDS = 0.2
CHECKPOINT_MILLISECONDS = 200
LET_IN_SECONDS = 0.15


class Base(DeclarativeBase):
    """Every mapped class of the service; constraints get predictable names so that migrations can find them."""

    metadata = MetaData(naming_convention=NAMING)


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware in, aware UTC out. A naive datetime is refused, for it could be any hour."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, full sync, secure delete) or PostgreSQL, ready for our transaction rule."""
    if url.startswith("sqlite:"):
        engine = create_engine(
            url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=4, hide_parameters=True)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver would say it too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    how, impatient = options.get("sqlite_begin", "DEFERRED"), options.get("impatient", False)
    if impatient:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {IMPATIENT_SECONDS * 1000:.0f}")
    try:
        connection.exec_driver_sql(f"BEGIN {how}")
    except OperationalError as err:
        if impatient or ("locked" not in str(err) and "busy" not in str(err)):
            raise
        time.sleep(0.05)
        connection.exec_driver_sql(f"BEGIN {how}")
    finally:
        if impatient:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def engine() -> Engine:
    """The engine of the running application."""
    found: Engine = current_app.extensions["engine"]
    return found


@event.listens_for(Session, "after_flush")
def _note_flush(session: Session, _context: Any) -> None:
    session.info["flushed"] = True


@event.listens_for(Session, "after_transaction_end")
def _forget_flush(session: Session, transaction: Any) -> None:
    if transaction.parent is None:
        session.info.pop("flushed", None)


def _writing_session(*, impatient: bool = False) -> Session:
    return Session(engine().execution_options(**WRITE, impatient=impatient), expire_on_commit=False)


def _reading_session() -> Session:
    return Session(engine(), expire_on_commit=False)


def db_session() -> Session:
    """The session of this request. It begins at its first statement; the page wrapper ends it."""
    if "db_session" not in g:
        writes = has_request_context() and request.method not in SAFE_METHODS and not g.get("only_reads")
        g.db_session = _writing_session() if writes else _reading_session()
    found: Session = g.db_session
    return found


def finish_request(commit: bool) -> None:
    """End the request's transaction: commit when told to, else roll back; then run what waited for the commit."""
    session: Session | None = g.pop("db_session", None)
    waiting: list[Callable[[], None]] = g.pop("after_commit", [])
    if session is None:
        return
    try:
        if commit:
            session.commit()
            g.committed = True  # what comes after must not bring the same change about once more (core.again)
        else:
            session.rollback()
    finally:
        session.close()
    if commit:
        for work in waiting:
            work()


def after_commit(work: Callable[[], None]) -> None:
    """Run `work` once this request's transaction has been committed; dropped when it is rolled back."""
    g.setdefault("after_commit", []).append(work)


def insert_into(session: Session, model: type[Base]) -> Any:
    """An INSERT that can say what happens when the row is there already, on either engine."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return kind.insert(model)


def rows_changed(session: Session, statement: Update | Delete) -> int:
    """How many rows one statement with its condition reached. What this session holds in memory is not touched by it."""
    done: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(done.rowcount)


@contextmanager
def reading() -> Iterator[Session]:
    """A short read beside the request's own transaction, for what must be known before slow work (hashing)."""
    with _reading_session() as session:
        yield session


@contextmanager
def snapshot(like: Session) -> Iterator[Session]:
    """A read that sees one moment of the database throughout, on the engine of `like`, whatever others commit.

    Nobody waits for it: SQLite's log gives every reader its moment; PostgreSQL is asked for REPEATABLE READ.
    What `like` has not committed is not seen.
    """
    bind = like.get_bind()
    options: dict[str, Any] = {"sqlite_begin": "DEFERRED"}
    if bind.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with Session(bind.engine.execution_options(**options), expire_on_commit=False) as session:
        yield session


@contextmanager
def transaction(*, impatient: bool = False) -> Iterator[Session]:
    """One transaction of a command or of the worker: commits at the end, rolls back on any exception.

    An `impatient` one gives up after a fifth of a second (OperationalError) when another writes just now.
    """
    session = _writing_session(impatient=impatient)
    if impatient and session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = '{IMPATIENT_SECONDS}s'"))
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def shorten_log(target: Engine) -> bool:
    """Empty SQLite's log into the database, so that what was deleted is not left in it. True when nothing is left.

    Waits for others a fifth of a second only, and never fails: the next time will do. PostgreSQL keeps no such file.
    """
    if target.dialect.name != "sqlite":
        return True
    try:
        with target.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            raw: Any = connection.connection.driver_connection
            try:
                raw.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MILLISECONDS}")
                busy, _pages, _done = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    except (DBAPIError, sqlite3.Error):
        return False
    return not busy


def let_others_in() -> None:
    """Between two transactions of a long command: SQLite has no queue, and who waits looks again each tenth second."""
    time.sleep(LET_IN_SECONDS)


@contextmanager
def side_write(*, impatient: bool = False) -> Iterator[Session]:
    """A short transaction of its own, for the four things that outlive a request's own fate.

    Attempt counters, the audit row of a read, last-seen times and anonymous counts (a guard lists the callers).
    The request's transaction must hold no change yet, flushed or not: SQLite has one writer, and it would wait for
    itself. (A change by a bare statement is not seen here.)
    """
    outer: Session | None = g.get("db_session")
    if outer is not None and outer.in_transaction():
        if outer.new or outer.dirty or outer.deleted or outer.info.get("flushed"):
            raise RuntimeError("side_write() inside a transaction that has already changed something")
        outer.rollback()
    with transaction(impatient=impatient) as session:
        yield session
