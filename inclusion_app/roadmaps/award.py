"""The award in a saved plan: how far somebody is, and the credential once a level is reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.roadmaps import queries
from inclusion_app.roadmaps.award_rules import LEVEL_BY_CODE, Done, Level, count, highest, is_reached
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.rules import StepState
from inclusion_app.training.badges import Achievement, Issuer
from inclusion_app.training.models import Credential
from inclusion_app.training.queries_award import dates_come_to
from inclusion_app.training.services.credentials import certify_award

NOT_REACHED = N_("This level is not reached yet.")
SHEET_NOT_ENOUGH = N_("This sheet does not reach bronze yet.")
DESCRIPTION = "Digital steps and sessions of a young person, outside school."


def area_of() -> Mapping[str, str]:
    """The area of each step."""
    return {step.id: step.area for step in load_catalogue().steps.values()}


def done_by(session: Session, resident_id: int) -> Done:
    """What somebody has done. In a home the steps that carry the name of another of it are not theirs."""
    roadmap = queries.roadmap_of_resident(session, resident_id)
    sessions = dates_come_to(session, resident_id)
    if roadmap is None:
        return Done(sessions=sessions)
    home = queries.shared_home_of(session, roadmap)
    others = {
        step for step, member in (home.who.items() if home else ()) if member.resident_id != resident_id
    }
    states = {row.step_id: StepState(row.status) for row in roadmap.progress if row.step_id not in others}
    return count(states, area_of(), sessions=sessions)


def awards_of(session: Session, resident_id: int) -> dict[str, Credential]:
    """The awards somebody has, by level."""
    mine = select(Credential).where(Credential.resident_id == resident_id, Credential.kind == "award")
    return {row.level: row for row in session.scalars(mine) if row.level}


def claim(session: Session, *, resident_id: int, level: str, issuer: Issuer, now: datetime) -> str:
    """Give somebody a level they have reached; twice gives the same one. Raises RuleBroken when it is not reached."""
    wanted = LEVEL_BY_CODE.get(level)
    if wanted is None or not is_reached(wanted, done_by(session, resident_id)):
        raise RuleBroken(NOT_REACHED)
    return _give(session, wanted, resident_id, issuer, now)


def give_from_sheet(
    session: Session,
    *,
    principal: Principal,
    states: Mapping[str, StepState],
    sessions: int,
    resident_id: int | None,
    issuer: Issuer,
    now: datetime,
) -> str:
    """Give the highest level that a signed sheet reaches, by the same rules as in a plan. Raises RuleBroken."""
    level = highest(count(states, area_of(), sessions=sessions))
    if level is None:
        raise RuleBroken(SHEET_NOT_ENOUGH)
    record_act(
        session, principal, action="award from sheet", resident_id=resident_id, items=("award",), now=now
    )
    return _give(session, level, resident_id, issuer, now)


def _give(session: Session, level: Level, resident_id: int | None, issuer: Issuer, now: datetime) -> str:
    asks = (
        f"{level.steps} digital steps in {level.areas} areas and {level.sessions} sessions"
        f"{', one of the steps shown to others' if level.shows else ''}."
    )
    achievement = Achievement(
        address=f"{issuer.address}/en/award#{level.code}",
        name=f"Digital challenge award, {level.code}",
        description=DESCRIPTION,
        criteria=asks,
        kind="Award",
    )
    return certify_award(
        session, level=level.code, achievement=achievement, resident_id=resident_id, issuer=issuer, now=now
    )
