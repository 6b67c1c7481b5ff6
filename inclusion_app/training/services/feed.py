"""The change numbers of the open feed: which session changed after which."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from inclusion_app.core.db import insert_into
from inclusion_app.training.models import FeedCounter, TrainingSession

NAME = "sessions"


def touch(session: Session, training: TrainingSession, *, now: datetime) -> None:
    """Something of this session changed that the open feed shows (or shows no more): it stands last in the feed now.

    The counter's row stays locked until the change is committed. So numbers are committed in their order, and whoever
    read the feed up to a number has missed nothing below it.
    """
    counting = insert_into(session, FeedCounter).values(name=NAME, value=1)
    following = counting.on_conflict_do_update(
        index_elements=["name"], set_={"value": FeedCounter.value + 1}
    ).returning(FeedCounter.value)
    training.change_number = session.execute(following).scalar_one()
    training.changed_at = now
    session.flush()


def touch_shown(session: Session, training: TrainingSession, *, now: datetime) -> None:
    """The same for a session that may be a draft still, or withdrawn: the feed shows nothing of those."""
    if training.status == "published":
        touch(session, training, now=now)
