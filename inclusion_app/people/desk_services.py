"""With the person present: a new code and a new PIN or pictures that they choose themselves; the old ones die at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.core import attempts
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.events import MessageWanted, publish
from inclusion_app.core.i18n import known, local, source_words
from inclusion_app.core.sessions import end_other_visits
from inclusion_app.people.models import DeskPaper, Resident
from inclusion_app.people.rules import DESK_PAPER_LIFE
from inclusion_app.people.services import hash_of_code, replace_code

PRESENT = "present"


def reissue(
    session: Session,
    *,
    principal: Principal,
    session_id: int,
    resident_id: int,
    secret_kind: str,
    secret_hash: str,
    new_code: bool,
    role: str,
    now: datetime,
) -> None:
    """The secret the person chose opens their plan from now on; with `new_code` the old code is dead.

    Every visit that had the plan open ends. The hash is made before (it is slow). Raises RuleBroken when the person
    deleted their plan meanwhile.
    """
    resident = session.scalar(select(Resident).where(Resident.id == resident_id).with_for_update())
    if resident is None:
        raise RuleBroken(CHANGED_ALREADY)
    old = resident.code_hash
    resident.secret_kind, resident.secret_hash = secret_kind, secret_hash
    # Whoever locked the code by wrong tries did not know the new secret.
    attempts.settle_success(session, key_hash=keyed_hash("attempt-pin", resident.code), now=now)
    if new_code:
        replace_code(session, resident=resident, now=now)
        _keep_paper(session, session_id=session_id, resident_id=resident_id, old_code_hash=old, now=now)
    else:
        end_other_visits(session, resident_id=resident_id)
    session.flush()
    record_act(
        session, principal, action="give new code" if new_code else "give new secret", resident_id=resident_id,
        items=("code", "secret") if new_code else ("secret",), purpose=PRESENT, role=role, now=now,
    )  # fmt: skip
    language = known(resident.language)
    day = source_words(local(now).date().isoformat(), language.code if language else "en")
    publish(
        session,
        MessageWanted(
            key=f"new-code-{resident_id}-{now.isoformat()}", template="resident_new_code",
            language=resident.language, params={"day": day}, resident_id=resident_id,
            organisation_id=principal.organisation_id,
        ),
    )  # fmt: skip


def _keep_paper(
    session: Session, *, session_id: int, resident_id: int, old_code_hash: str, now: datetime
) -> None:
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    facts = {"resident_id": resident_id, "old_code_hash": old_code_hash, "made_at": now}
    session.execute(
        kind.insert(DeskPaper)
        .values(session_id=session_id, **facts)
        .on_conflict_do_update(index_elements=["session_id"], set_=facts)
    )


def paper_of(session: Session, *, session_id: int, now: datetime) -> Resident | None:
    """Whose new code this sign-in has just given; None after ten minutes."""
    wanted = (
        select(Resident)
        .join(DeskPaper, DeskPaper.resident_id == Resident.id)
        .where(DeskPaper.session_id == session_id, DeskPaper.made_at > now - DESK_PAPER_LIFE)
    )
    return session.scalar(wanted)


def was_given_just_now(session: Session, *, session_id: int, code: str, now: datetime) -> bool:
    """True when this sign-in has just given a new code in the place of this one: the button was pressed twice."""
    wanted = select(DeskPaper.session_id).where(
        DeskPaper.session_id == session_id,
        DeskPaper.old_code_hash == hash_of_code(code),
        DeskPaper.made_at > now - DESK_PAPER_LIFE,
    )
    return session.scalar(wanted) is not None


def put_paper_away(session: Session, *, session_id: int) -> None:
    """The code is on paper: this screen does not show it again."""
    session.execute(delete(DeskPaper).where(DeskPaper.session_id == session_id))


def delete_old_papers(session: Session, *, now: datetime) -> int:
    """Forget the papers whose ten minutes are over. Returns how many."""
    done = session.execute(delete(DeskPaper).where(DeskPaper.made_at <= now - DESK_PAPER_LIFE))
    return int(done.rowcount)  # type: ignore[attr-defined]
