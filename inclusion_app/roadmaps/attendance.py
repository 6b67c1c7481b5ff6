"""What somebody came to counts in their plan: the step is done with help, and only a register's word is taken back.

A step somebody has taken further themselves, or set aside, stays as they left it.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.events import AttendanceRecorded
from inclusion_app.core.history import StatusChange
from inclusion_app.people import services as people
from inclusion_app.roadmaps import queries, services
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.models import Roadmap, StepProgress
from inclusion_app.roadmaps.rules import StepState

# By this actor the history of a step says that it was a register, not the person or a helper.
REGISTER = "register"
MOVED = frozenset({StepState.NOT_STARTED, StepState.DOING})


def take_credit(session: Session, event: AttendanceRecorded) -> None:
    """The steps of a session move in the plan this resident opens; without a plan nothing happens."""
    people.hold(session, residents=(event.resident_id,))
    found = queries.roadmap_of_resident(session, event.resident_id)
    if found is None:
        return
    roadmap = session.scalars(
        select(Roadmap)
        .where(Roadmap.id == found.id)
        .with_for_update(of=Roadmap)
        .execution_options(populate_existing=True)
    ).one()
    rows = {row.step_id: row for row in roadmap.progress}
    for step_id in event.step_ids:
        if step_id not in load_catalogue().steps:
            continue
        row = rows.get(step_id)
        if event.came:
            state = StepState(row.status) if row is not None else StepState.NOT_STARTED
            if state in MOVED:
                services.set_step_state(
                    session, roadmap=roadmap, step_id=step_id, state=StepState.DONE_WITH_HELP,
                    actor=REGISTER, now=event.at, by=event.resident_id,
                )  # fmt: skip
        elif row is not None:
            _take_back(session, roadmap, row, event)


def _take_back(session: Session, roadmap: Roadmap, row: StepProgress, event: AttendanceRecorded) -> None:
    """Back to where it was, when the last move of this step was the register's."""
    session.flush()
    last = session.scalar(
        select(StatusChange)
        .where(StatusChange.noun == StepProgress.__tablename__, StatusChange.row_id == row.id)
        .order_by(StatusChange.id.desc())
        .limit(1)
    )
    if last is None or last.actor != REGISTER or last.after != row.status:
        return
    history.move(session, row, last.before, actor=f"{REGISTER} undone", now=event.at)
    row.changed_at = roadmap.changed_at = event.at
