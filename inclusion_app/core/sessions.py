"""The resident's visit: one unsaved stay, known only by a random cookie, gone two hours after its last use.

A page with a form sets a signed cookie that holds a random id and the form token. The first POST makes the row.
No answer stands in the cookie; the row is found by the hash of the id, so a copy of the database opens no visit.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from flask import g, has_request_context
from flask import session as cookie
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.clock import now as clock_now
from inclusion_app.core.crypto import EncryptedJSON
from inclusion_app.core.db import Base, UTCDateTime, db_session, side_write

VISIT_IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)
PRESSED_TWICE = timedelta(minutes=2)
COOKIE_KEY = "v"
HELPING = "helper"


class Visit(Base):
    """One stay of one person at one screen. `unlocked` says how far a typed code has opened a saved plan."""

    __tablename__ = "visits"
    __table_args__ = (
        CheckConstraint("unlocked IN ('nothing', 'titles', 'everything')", name="unlocked_known"),
        CheckConstraint("(unlocked = 'nothing') = (resident_id IS NULL)", name="unlocked_has_resident"),
        CheckConstraint("(before_hash IS NULL) = (renewed_at IS NULL)", name="renewed_with_time"),
        Index("ix_visits_last_used_at", "last_used_at"),
        Index("ix_visits_before_hash", "before_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # The id before the last renewal, or with which the browser came when the row was made. A browser whose button was
    # pressed twice throws the answer with the new id away and comes with this one; `renewed_visit` says what it is
    # still good for.
    before_hash: Mapped[str | None] = mapped_column(String(64))
    renewed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    resident_id: Mapped[int | None] = mapped_column(
        ForeignKey("residents.id", ondelete="CASCADE"), index=True
    )
    unlocked: Mapped[str] = mapped_column(String(12), default="nothing")
    # A group opened here with its PIN, beside or without a plan.
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("self_help_groups.id", ondelete="SET NULL"), index=True
    )
    # Where the person asked us to look from; a key for this stay only (see places).
    near: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    # Steps of this stay that were counted for the gap report, so that looking twice counts once (see roadmaps).
    gaps_counted: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    # What was typed so far to borrow a device (see loans): a key for this stay only, gone with it.
    asking: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)


class VisitEnded(Exception):
    """Somebody wants to change a plan that went with its visit. Answered with a page that says so, 422."""


def remember_browser() -> None:
    """Give this browser its random id, once; called when a page shows a form."""
    if COOKIE_KEY not in cookie:
        cookie[COOKIE_KEY] = secrets.token_urlsafe(32)


def _token_hash() -> str | None:
    token = cookie.get(COOKIE_KEY)
    return hashlib.sha256(token.encode()).hexdigest() if isinstance(token, str) else None


def begin_helping() -> None:
    """Somebody reads and types with the person from now on, until they stop or the visit is cleared."""
    cookie[HELPING] = 1


def stop_helping() -> None:
    """The person goes on alone; nothing else changes."""
    cookie.pop(HELPING, None)


def is_helping() -> bool:
    """True while somebody helps the person at this screen."""
    return bool(cookie.get(HELPING))


def current_visit() -> Visit | None:
    """The live visit of this browser, or None: no cookie, no row yet, or idle for too long."""
    token_hash = _token_hash()
    if token_hash is None:
        return None
    visit = db_session().scalar(select(Visit).where(Visit.token_hash == token_hash))
    if visit is None or visit.last_used_at <= clock_now() - VISIT_IDLE:
        return None
    g.visit_seen = (visit.id, visit.last_used_at)
    return visit


def had_visit() -> bool:
    """True when this browser holds a cookie whose visit has ended: to say so kindly rather than start anew."""
    token_hash = _token_hash()
    if token_hash is None or current_visit() is not None:
        return False
    return bool(cookie.get("began"))


def visit_for_change(session: Session, now: datetime) -> Visit:
    """The visit this change belongs to; the first one of a browser makes the row."""
    visit = current_visit()
    if visit is not None:
        visit.last_used_at = now
        return visit
    old = _token_hash()
    if old is not None:
        session.execute(delete(Visit).where(Visit.token_hash == old))
    # A new id with every new row: an id planted or left over in the browser opens nothing made later.
    cookie[COOKIE_KEY] = secrets.token_urlsafe(32)
    cookie["began"] = 1
    visit = Visit(
        token_hash=_token_hash(),
        before_hash=old,
        renewed_at=now if old else None,
        unlocked="nothing",
        started_at=now,
        last_used_at=now,
    )
    session.add(visit)
    session.flush()
    return visit


def renew_browser(visit: Visit) -> None:
    """A new cookie id for the same visit, whenever it comes to show more than before."""
    old = _token_hash()
    cookie[COOKIE_KEY] = secrets.token_urlsafe(32)
    if old == visit.token_hash:
        visit.before_hash, visit.renewed_at = old, clock_now()
    visit.token_hash = _token_hash() or ""


def close_group(session: Session, *, group_id: int, keep_visit: int | None) -> None:
    """Close a group in every browser that has it open, but for the visit `keep_visit`."""
    closing = update(Visit).where(Visit.group_id == group_id)
    if keep_visit is not None:
        closing = closing.where(Visit.id != keep_visit)
    session.execute(closing.values(group_id=None), execution_options={"synchronize_session": False})


def fresh_visit(session: Session, now: datetime) -> Visit:
    """A new visit in the place of this browser's old one, which ends with everything unsaved.

    The old id leads to it for a button pressed twice, as after `renew_browser` (see `renewed_visit`).
    """
    old = _token_hash()
    end_visit(session)
    visit = visit_for_change(session, now)
    if old is not None:
        visit.before_hash, visit.renewed_at = old, now
    return visit


def renewed_visit(session: Session, now: datetime) -> Visit | None:
    """The visit this browser had until two minutes ago, when its id was renewed by an answer it did not keep.

    The old id opens nothing by itself: whoever asks must check a secret of the person first, then renew again.
    """
    token_hash = _token_hash()
    if token_hash is None:
        return None
    return session.scalar(
        select(Visit).where(Visit.before_hash == token_hash, Visit.renewed_at > now - PRESSED_TWICE)
    )


def end_visit(session: Session) -> None:
    """Delete this browser's visit with everything unsaved, and forget the cookie."""
    token_hash = _token_hash()
    if token_hash is not None:
        session.execute(delete(Visit).where(Visit.token_hash == token_hash))
    cookie.clear()


def end_other_visits(session: Session, *, resident_id: int, titles_only: bool = False) -> int:
    """End the visits of other browsers that have this resident's plan open. Returns how many.

    With `titles_only` those that were opened by the code alone. Called when what opens the plan was changed: whoever
    came in with the old code is out at once and not only two hours later.
    """
    ending = delete(Visit).where(Visit.resident_id == resident_id)
    if titles_only:
        ending = ending.where(Visit.unlocked == "titles")
    if has_request_context() and (mine := _token_hash()) is not None:
        ending = ending.where(Visit.token_hash != mine)
    done = session.execute(ending, execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]


def touch_visit() -> None:
    """Note that the visit is in use, at most once a minute; called by the page wrapper after a safe page."""
    seen: tuple[int, datetime] | None = g.pop("visit_seen", None)
    now = clock_now()
    if seen is None or seen[1] > now - SEEN_EVERY:
        return
    # A note of this kind never costs a page: the next page writes it.
    with suppress(OperationalError), side_write(impatient=True) as session:
        session.execute(update(Visit).where(Visit.id == seen[0]).values(last_used_at=now))


def delete_idle_visits(session: Session, *, now: datetime) -> int:
    """Delete the visits nobody has used for two hours. Returns how many."""
    done = session.execute(delete(Visit).where(Visit.last_used_at <= now - VISIT_IDLE))
    return int(done.rowcount)  # type: ignore[attr-defined]
