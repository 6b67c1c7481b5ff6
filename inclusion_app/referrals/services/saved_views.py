"""Keep filters of a caseload under a name, give them another one, and let them go."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.errors import RuleBroken
from inclusion_app.referrals import staff_caseload_words as words
from inclusion_app.referrals.models import SavedView
from inclusion_app.referrals.staff_caseload_rules import VIEWS_AT_MOST, Filters


def keep(session: Session, *, actor: Principal, name: str, filters: Filters) -> SavedView:
    """Keep these filters. Raises RuleBroken at `name` for a name that is taken, and for one view too many."""
    _one_at_a_time(session, actor)
    mine = select(func.count()).where(
        SavedView.staff_id == actor.staff_id, SavedView.organisation_id == actor.organisation_id
    )
    if (session.scalar(mine) or 0) >= VIEWS_AT_MOST:
        raise RuleBroken(words.TOO_MANY_VIEWS, field="name")
    _check_name(session, actor, name)
    view = SavedView(
        staff_id=actor.staff_id, organisation_id=actor.organisation_id, name=name, filters=filters.line
    )
    session.add(view)
    session.flush()
    return view


def rename(session: Session, *, actor: Principal, view: SavedView, name: str) -> None:
    """Another name for a view of one's own. Raises RuleBroken at `name` for one that is taken."""
    _one_at_a_time(session, actor)
    _check_name(session, actor, name, but=view.id)
    view.name = name
    session.flush()


def _one_at_a_time(session: Session, actor: Principal) -> None:
    """Two forms of one person come one after the other: the count, and the name, are right for both."""
    session.execute(select(Staff.id).where(Staff.id == actor.staff_id).with_for_update(key_share=True))


def _check_name(session: Session, actor: Principal, name: str, but: int = 0) -> None:
    same = select(SavedView.id).where(
        SavedView.staff_id == actor.staff_id,
        SavedView.organisation_id == actor.organisation_id,
        SavedView.name == name,
        SavedView.id != but,
    )
    if session.scalar(same) is not None:
        raise RuleBroken(words.VIEW_NAMED, field="name")
