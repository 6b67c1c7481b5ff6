"""The sign-in of one staff member in one browser: a row of its own, found by a random cookie of its own.

It has nothing to do with a resident's visit: another table and another cookie. It ends 30 minutes after its last use,
ten hours after it began, or when the row is deleted: by the person, by an admin, by a change of password or role.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from flask import Response, current_app, g, request
from sqlalchemy import CheckConstraint, ForeignKey, String, delete, inspect, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from inclusion_app.core.clock import now as clock_now
from inclusion_app.core.db import Base, UTCDateTime, db_session, side_write

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
HALF_WAY = timedelta(minutes=10)  # between the right password and the second factor
SEEN_EVERY = timedelta(minutes=1)


class StaffSession(Base):
    """One sign-in. Only a `full` one opens pages; `password` still lacks the second factor.

    `codes` has both, but its owner was not yet given recovery codes, or has not said that they kept them.
    """

    __tablename__ = "staff_sessions"
    __table_args__ = (
        CheckConstraint("stage IN ('password', 'codes', 'full')", name="stage_known"),
        CheckConstraint("stage <> 'full' OR organisation_id IS NOT NULL", name="full_acts_somewhere"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    # In whose name the person acts now; somebody of two organisations changes it, and never has both at once.
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(String(10))
    # What a passkey was asked to sign, once.
    challenge: Mapped[str | None] = mapped_column(String(100))
    # "Firefox on Windows": to tell one's own sessions apart. No address is kept.
    device: Mapped[str] = mapped_column(String(60), default="")
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    # When password or second factor were last given, for changes that ask again.
    proven_at: Mapped[datetime] = mapped_column(UTCDateTime)


def cookie_name() -> str:
    """`__Host-` exactly when people reach the service over HTTPS."""
    return "__Host-staff" if current_app.extensions["settings"].is_https else "staff"


def hash_of(token: str) -> str:
    """Under what a random token of 256 bits is looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin_session(
    session: Session, *, staff_id: int, stage: str, organisation_id: int | None, device: str, now: datetime
) -> StaffSession:
    """A new sign-in row; its random id goes to the browser with this answer (see `send_cookie`)."""
    token = secrets.token_urlsafe(32)
    row = StaffSession(
        token_hash=hash_of(token), staff_id=staff_id, organisation_id=organisation_id, stage=stage, device=device[:60],
        began_at=now, last_used_at=now, proven_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    g.staff_token = token
    g.pop("staff_session", None)
    return row


def renew_token(row: StaffSession) -> None:
    """A new random id for the same sign-in, whenever it comes to open more than before."""
    token = secrets.token_urlsafe(32)
    row.token_hash = hash_of(token)
    g.staff_token = token


def forget_cookie() -> None:
    """The browser forgets its sign-in with this answer."""
    g.staff_token = ""


def send_cookie(response: Response) -> Response:
    """After each request: hand out or take back the cookie of a sign-in that began or ended in it."""
    token: str | None = g.pop("staff_token", None)
    if token is None or response.status_code >= 500:
        return response
    secure = bool(current_app.extensions["settings"].is_https)
    if token:
        response.set_cookie(cookie_name(), token, secure=secure, httponly=True, samesite="Lax", path="/")
    else:
        response.delete_cookie(cookie_name(), secure=secure, httponly=True, samesite="Lax", path="/")
    return response


def current_session() -> StaffSession | None:
    """The live sign-in of this browser, of any stage; read once in a transaction. None when there is none."""
    found: StaffSession | None = g.get("staff_session")
    if "staff_session" not in g or (found is not None and _is_stale(found)):
        found = g.staff_session = _find(clock_now())
    return found


def _is_stale(row: StaffSession) -> bool:
    """True for a row read in a transaction that is over: an error page has one of its own, a counted try ends one."""
    state = inspect(row)
    return state.expired or state.session is not db_session()


def _find(now: datetime) -> StaffSession | None:
    token = request.cookies.get(cookie_name(), "")
    if not token or len(token) > 100:
        return None
    row = db_session().scalar(select(StaffSession).where(StaffSession.token_hash == hash_of(token)))
    if row is None or not is_live(row, now):
        return None
    if row.stage == "full":
        g.staff_seen = (row.id, row.last_used_at)
    return row


def is_live(row: StaffSession, now: datetime) -> bool:
    """True while a sign-in opens anything: used in the last 30 minutes, begun in the last ten hours."""
    if row.stage != "full":
        return row.began_at > now - HALF_WAY
    return row.last_used_at > now - IDLE and row.began_at > now - LONGEST


def ends_at(row: StaffSession, now: datetime) -> datetime:
    """When a sign-in that is used now ends, unless it is used again."""
    used = row.last_used_at if row.last_used_at > now - SEEN_EVERY else now
    return min(used + IDLE, row.began_at + LONGEST)


def touch_session() -> None:
    """Note that the sign-in is in use, at most once a minute; called by the page wrapper after a page."""
    seen: tuple[int, datetime] | None = g.pop("staff_seen", None)
    now = clock_now()
    if seen is None or seen[1] > now - SEEN_EVERY:
        return
    # A note of this kind never costs a page: the next page writes it.
    with suppress(OperationalError), side_write(impatient=True) as session:
        session.execute(update(StaffSession).where(StaffSession.id == seen[0]).values(last_used_at=now))


def end_sessions(session: Session, *, staff_id: int, keep: int | None = None) -> int:
    """End every sign-in of one person, but for the row `keep`. Takes effect on the next request. Returns how many."""
    ending = delete(StaffSession).where(StaffSession.staff_id == staff_id)
    if keep is not None:
        ending = ending.where(StaffSession.id != keep)
    done = session.execute(ending, execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]


def delete_ended_sessions(session: Session, *, now: datetime) -> int:
    """Delete sign-ins that open nothing any more. Returns how many."""
    done = session.execute(
        delete(StaffSession).where(
            (StaffSession.last_used_at <= now - IDLE) | (StaffSession.began_at <= now - LONGEST)
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
