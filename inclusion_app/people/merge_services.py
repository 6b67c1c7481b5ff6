"""Two records that are one person: asked by one member of staff, agreed by another, undone within 90 days.

Nothing moves: the row that goes points to the row that stays, keeps everything it has, and its code still opens its
own plan. So it can be undone by taking the pointer away.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import services
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import Merge, Resident
from inclusion_app.people.rules import MERGE_UNDONE_WITHIN

Other = aliased(Resident)


def ask_merge(session: Session, *, actor: Principal, kept_id: int, code: str, now: datetime) -> Merge:
    """Ask to link the record of this canonical code to a record, with the person's permission.

    One sentence refuses (RuleBroken at `code`) an unknown code, the record itself, a restricted one, one that is linked
    already or has others linked to it, and what is asked already: it tells nobody which of these it was.
    """
    gone = services.find_by_code(session, code=code)
    if (
        gone is None
        or not _may_link(session, kept_id=kept_id, gone_id=gone.id)
        or _is_asked(session, gone.id)
    ):
        raise RuleBroken(words.CANNOT_LINK, field="code")
    row = Merge(
        kept_id=kept_id, gone_id=gone.id, organisation_id=actor.organisation_id, asked_by_id=actor.staff_id, asked_at=now
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, actor, "ask to link", row.kept_id, row.gone_id, now)
    return row


def _may_link(session: Session, *, kept_id: int, gone_id: int) -> bool:
    """No chains, no restricted ones, never with itself."""
    if kept_id == gone_id:
        return False
    free = select(Resident.id).where(
        Resident.id.in_((kept_id, gone_id)), Resident.merged_into_id.is_(None), ~Resident.is_restricted
    )
    followed = select(exists().where(Resident.merged_into_id == gone_id))
    return len(session.scalars(free).all()) == 2 and not session.scalar(followed)


def _is_asked(session: Session, gone_id: int) -> bool:
    """A request for this record, in either place, still waits for its second person."""
    waiting = exists().where(
        (Merge.gone_id == gone_id) | (Merge.kept_id == gone_id),
        Merge.agreed_at.is_(None),
        Merge.refused_at.is_(None),
    )
    return bool(session.scalar(select(waiting)))


def agree_merge(session: Session, *, actor: Principal, merge: Merge, now: datetime) -> None:
    """A second member of staff of the organisation agrees, and the records are linked.

    Raises RuleBroken for the one who asked, for what was decided already, and when one of the two may not be linked
    any more. Two such requests over one record wait for each other, so that no chain comes about.
    """
    services.hold(session, residents=(merge.kept_id, merge.gone_id))
    _decide(session, actor, merge, agreed_by_id=actor.staff_id, agreed_at=now)
    linked = session.execute(
        update(Resident)
        .where(
            Resident.id == merge.gone_id,
            Resident.merged_into_id.is_(None),
            ~Resident.is_restricted,
            ~exists().where(Other.merged_into_id == merge.gone_id),
            exists().where(Other.id == merge.kept_id, Other.merged_into_id.is_(None), ~Other.is_restricted),
        )
        .values(merged_into_id=merge.kept_id)
        .execution_options(synchronize_session=False)
    )
    if linked.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(words.CANNOT_LINK)
    _note(session, actor, "link", merge.kept_id, merge.gone_id, now)


def refuse_merge(session: Session, *, actor: Principal, merge: Merge, now: datetime) -> None:
    """A second member of staff says no; the one who asked may take it back the same way. Raises RuleBroken."""
    _decide(session, actor, merge, by_asker_too=True, refused_at=now)
    _note(session, actor, "refuse to link", merge.kept_id, merge.gone_id, now)


def _decide(
    session: Session, actor: Principal, merge: Merge, *, by_asker_too: bool = False, **values: object
) -> None:
    """One statement, so that of two who decide at once one wins."""
    open_ = [
        Merge.id == merge.id,
        Merge.organisation_id == actor.organisation_id,
        Merge.agreed_at.is_(None),
        Merge.refused_at.is_(None),
    ]
    if not by_asker_too:
        open_.append(Merge.asked_by_id != actor.staff_id)
    won = session.execute(
        update(Merge).where(*open_).values(**values).execution_options(synchronize_session=False)
    )
    if won.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(words.CANNOT_AGREE)


def undo_merge(session: Session, *, actor: Principal, merge: Merge, now: datetime) -> None:
    """The two records stand apart again as they were; within 90 days, by anybody who might have agreed.

    Raises RuleBroken when it is too late or was done already.
    """
    services.hold(session, residents=(merge.kept_id, merge.gone_id))
    undone = session.execute(
        update(Merge)
        .where(
            Merge.id == merge.id,
            Merge.organisation_id == actor.organisation_id,
            Merge.agreed_at > now - MERGE_UNDONE_WITHIN,
            Merge.undone_at.is_(None),
        )
        .values(undone_by_id=actor.staff_id, undone_at=now)
        .execution_options(synchronize_session=False)
    )
    if undone.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(words.CANNOT_UNDO)
    session.execute(
        update(Resident)
        .where(Resident.id == merge.gone_id, Resident.merged_into_id == merge.kept_id)
        .values(merged_into_id=None)
        .execution_options(synchronize_session=False)
    )
    _note(session, actor, "undo link", merge.kept_id, merge.gone_id, now)


def _note(session: Session, actor: Principal, action: str, kept_id: int, gone_id: int, now: datetime) -> None:
    """In the records of both: each of the two codes still opens a `my record` of its own."""
    for resident_id in sorted((kept_id, gone_id)):
        record_act(session, actor, action=action, resident_id=resident_id, items=("link",), now=now)
