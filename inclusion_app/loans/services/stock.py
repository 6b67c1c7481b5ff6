"""What a scheme has: device models and their words, units with their tags and marks, SIMs, and what is counted.

No two units have one tag, serial number or IMEI: the constraints of the table have the last word, and whoever types a mark
that is there already reads on which tag of their own pool it stands.
"""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from inclusion_app.loans import rules
from inclusion_app.loans.models import Unit

# --- found by what stands on it


def unit_by_mark(session: Session, *, holder_id: int, typed: str) -> Unit | None:
    """The unit of this pool whose tag, label address, serial number or IMEI this is, as typed or scanned; else None."""
    marks = rules.marks_in(typed)
    if not marks:
        return None
    wanted = or_(Unit.tag.in_(marks), Unit.serial.in_(marks), Unit.imei.in_(marks))
    found = session.scalars(select(Unit).where(Unit.holder_id == holder_id, wanted)).all()
    for mark in marks:
        for name in ("tag", "serial", "imei"):
            for unit in found:
                if getattr(unit, name) == mark:
                    return unit
    return None
