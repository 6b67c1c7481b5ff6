"""How a scheme lends: open or closed, its phone, points and times; and the quotas, which never are more than the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from inclusion_app.core.db import insert_into, rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import LoanRequest, LoanScheme, QuotaPool, RequestAnswers
from inclusion_app.loans.services import queue

TOO_MUCH = N_("All quotas together are more than 100. There is room for %(left)s.")
HAS_QUOTA = N_("There is a quota for this already.")
ONE_OF = N_("Choose an area or an organisation.")


@dataclass(frozen=True)
class SchemeFacts:
    """What a coordinator sets. `points` by the code of a reason, whole numbers of 0 or more."""

    is_open: bool
    phone: str
    points: Mapping[str, int]
    offer_days: int
    hold_days: int
    max_renewals: int


def open_scheme(session: Session, *, organisation_id: int) -> LoanScheme:
    """A scheme with the usual points, closed to residents until somebody opens it. Twice is once."""
    making = insert_into(session, LoanScheme).values(
        organisation_id=organisation_id, is_open=False, phone="", points=dict(rules.POINTS), offer_days=5, hold_days=3,
        max_renewals=2,
    )  # fmt: skip
    session.execute(making.on_conflict_do_nothing(index_elements=["organisation_id"]))
    return session.get_one(LoanScheme, organisation_id, populate_existing=True)


def change_scheme(session: Session, *, scheme: LoanScheme, facts: SchemeFacts) -> int:
    """Set it. Whoever waits is reckoned by the new points at once, so that the page and the queue say the same.

    Returns of how many requests the sum changed. Who asked with answers that are gone keeps their sum.
    """
    scheme.is_open, scheme.phone = facts.is_open, facts.phone
    scheme.points = {reason: max(0, facts.points.get(reason, 0)) for reason in rules.REASONS}
    scheme.offer_days, scheme.hold_days = facts.offer_days, facts.hold_days
    scheme.max_renewals = facts.max_renewals
    session.flush()
    live = (
        select(LoanRequest, RequestAnswers.answers)
        .join(RequestAnswers, RequestAnswers.request_id == LoanRequest.id)
        .where(LoanRequest.organisation_id == scheme.organisation_id, LoanRequest.status.in_(rules.LIVE))
        .order_by(LoanRequest.id)
    )
    changed = 0
    for request, answers in session.execute(live):
        points = rules.points_of(queue.true_reasons(answers), scheme.points)
        if points != request.points:
            request.points, changed = points, changed + 1
    session.flush()
    return changed


def add_quota(
    session: Session, *, organisation_id: int, ward: str | None, referrer_id: int | None, share: int
) -> QuotaPool:
    """Keep a share of a hundred for an area or for who comes through an organisation. One after the other.

    Raises RuleBroken for neither or both, a second quota of the same, and when all together are more than the whole.
    """
    if (ward is None) == (referrer_id is None):
        raise RuleBroken(ONE_OF, field="ward")
    # The row of the scheme is held: two quotas at once must not both be the last that fits.
    session.execute(
        select(LoanScheme.organisation_id)
        .where(LoanScheme.organisation_id == organisation_id)
        .with_for_update(key_share=True)
    )
    kept = session.scalar(
        select(func.coalesce(func.sum(QuotaPool.share), 0)).where(
            QuotaPool.organisation_id == organisation_id
        )
    )
    left = 100 - int(kept or 0)
    if share > left:
        raise RuleBroken(TOO_MUCH, field="share", left=left)
    making = insert_into(session, QuotaPool).values(
        organisation_id=organisation_id, kind="area" if ward is not None else "referrer", ward=ward,
        referrer_id=referrer_id, share=share,
    )  # fmt: skip
    number = session.scalar(making.on_conflict_do_nothing().returning(QuotaPool.id))
    if number is None:
        raise RuleBroken(HAS_QUOTA, field="ward" if ward is not None else "referrer_id")
    return session.get_one(QuotaPool, number)


def remove_quota(session: Session, *, pool: QuotaPool) -> None:
    """What it kept is for all again. Raises RuleBroken when it is gone already."""
    if rows_changed(session, delete(QuotaPool).where(QuotaPool.id == pool.id)) == 0:
        raise RuleBroken(CHANGED_ALREADY)
    session.expunge(pool)
