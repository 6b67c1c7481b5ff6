"""How much making of new devices re-use saved, as an estimate: the count behind carbon.py."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.loans.carbon import Saved, saved
from inclusion_app.loans.models import DeviceModel, Unit


def carbon_saved(session: Session, *, organisation_id: int | None = None) -> Saved:
    """Of the used devices of one scheme, or of all, that were lent at least once. Nothing of anybody is in it."""
    wanted = (
        select(DeviceModel.kind, func.count(Unit.id))
        .join(DeviceModel, DeviceModel.id == Unit.model_id)
        .where(Unit.donor != "", Unit.issued > 0, Unit.is_demonstration.is_(False))
        .group_by(DeviceModel.kind)
    )
    if organisation_id is not None:
        wanted = wanted.where(Unit.holder_id == organisation_id)
    return saved(dict(session.execute(wanted).all()))
