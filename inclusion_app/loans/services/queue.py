"""The queue of one device model: who waits, in which order and why, and about how long. Read only; `rules` reckons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from inclusion_app.loans import rules
from inclusion_app.loans.models import DeviceModel, Loan, LoanOffer, LoanRequest, QuotaPool, RequestAnswers
from inclusion_app.loans.services import custody
from inclusion_app.loans.services.custody import LIVE_OFFER

Pools = Mapping[tuple[str, str | int | None], int]


@dataclass(frozen=True)
class QueuePlace:
    """Where somebody stands: the how many-th of how many, and why.

    `reasons` are the codes that counted, `points` their sum, `weeks_waited` what was added for waiting. `weeks`: from how
    many to how many weeks from now; None when nobody can say. `moved_by_quota`: without quotas they would come sooner;
    `moved_forward`: later.
    """

    position: int
    of: int
    reasons: tuple[str, ...]
    moved_by_quota: bool
    weeks: tuple[int, int] | None
    points: int = 0
    weeks_waited: int = 0
    is_put_first: bool = False
    moved_forward: bool = False


def pools_of(session: Session, organisation_id: int) -> Pools:
    """The quotas of a scheme by what they are for."""
    wanted = select(QuotaPool.id, QuotaPool.ward, QuotaPool.referrer_id)
    return {
        ("referrer", referrer_id) if referrer_id is not None else ("area", ward): number
        for number, ward, referrer_id in session.execute(
            wanted.where(QuotaPool.organisation_id == organisation_id)
        )
    }


def pool_of(pools: Pools, *, referrer_id: int | None, ward: str | None) -> int | None:
    """The pool a request is in: that of who sent it, else that of its area, else none of its own."""
    of_referrer = pools.get(("referrer", referrer_id)) if referrer_id is not None else None
    if of_referrer is not None:
        return of_referrer
    return pools.get(("area", ward)) if ward is not None else None


def entries_of(session: Session, organisation_id: int, model_id: int) -> list[rules.Entry]:
    """Everybody who waits for this model. One query, and nothing somebody wrote is read for it."""
    pools = pools_of(session, organisation_id)
    wanted = select(
        LoanRequest.id, LoanRequest.points, LoanRequest.waits_since, LoanRequest.put_first_at,
        LoanRequest.referrer_id, LoanRequest.ward,
    ).where(
        LoanRequest.organisation_id == organisation_id,
        LoanRequest.status == "queued",
        LoanRequest.model_id == model_id,
    )  # fmt: skip
    return [
        rules.Entry(number, points, since, pool_of(pools, referrer_id=referrer_id, ward=ward), put_first is not None)
        for number, points, since, put_first, referrer_id, ward in session.execute(wanted)
        if since is not None
    ]  # fmt: skip


def shares_of(session: Session, organisation_id: int, model_id: int, now: datetime) -> list[rules.Share]:
    """What each pool had of this model in the last weeks: handed over, or kept for somebody of it now."""
    pools = pools_of(session, organisation_id)
    given: dict[int | None, int] = {}
    for referrer_id, ward, count in session.execute(_handed_over(organisation_id, model_id, now)):
        pool = pool_of(pools, referrer_id=referrer_id, ward=ward)
        given[pool] = given.get(pool, 0) + count
    kept = (
        select(LoanRequest.referrer_id, LoanRequest.ward, func.count())
        .join(LoanOffer, LoanOffer.request_id == LoanRequest.id)
        .where(
            LoanRequest.organisation_id == organisation_id,
            LoanRequest.status == "offered",
            LoanRequest.model_id == model_id,
            LoanOffer.state.in_(LIVE_OFFER),
        )
        .group_by(LoanRequest.referrer_id, LoanRequest.ward)
    )
    for referrer_id, ward, count in session.execute(kept):
        pool = pool_of(pools, referrer_id=referrer_id, ward=ward)
        given[pool] = given.get(pool, 0) + count
    shares = select(QuotaPool.id, QuotaPool.share).where(QuotaPool.organisation_id == organisation_id)
    found = [rules.Share(pool, share, given.get(pool, 0)) for pool, share in session.execute(shares)]
    return [*found, rules.Share(None, 0, given.get(None, 0))]


def _handed_over(organisation_id: int, model_id: int, now: datetime) -> Select[int | None, str | None, int]:
    """By referrer and ward. Of whom has left nothing with us neither is known; then it counts for no pool."""
    return (
        select(LoanRequest.referrer_id, LoanRequest.ward, func.count())
        .select_from(Loan)
        .outerjoin(LoanRequest, LoanRequest.id == Loan.loan_request_id)
        .where(
            Loan.organisation_id == organisation_id,
            Loan.model_id == model_id,
            Loan.issued_at > now - timedelta(weeks=rules.PACE_WEEKS),
            Loan.issued_at <= now,
        )
        .group_by(LoanRequest.referrer_id, LoanRequest.ward)
    )


def handed_over(session: Session, organisation_id: int, model_id: int, now: datetime) -> int:
    """How many of this model were handed over in the last weeks: the pace of the queue."""
    return paces(session, organisation_id, now, (model_id,)).get(model_id, 0)


def paces(
    session: Session, organisation_id: int, now: datetime, model_ids: Collection[int]
) -> dict[int, int]:
    """The same for several models of a scheme at once."""
    return _paces(session, (organisation_id,), now, model_ids)


def _paces(
    session: Session, organisation_ids: Collection[int], now: datetime, model_ids: Collection[int]
) -> dict[int, int]:
    wanted = select(Loan.model_id, func.count()).where(
        Loan.organisation_id.in_(organisation_ids),
        Loan.model_id.in_(model_ids),
        Loan.issued_at > now - timedelta(weeks=rules.PACE_WEEKS),
        Loan.issued_at <= now,
    )
    return dict(session.execute(wanted.group_by(Loan.model_id)).all())


# Who asks now comes after all of these. Who was offered one already waits no more.
WAITS = ("submitted", "approved", "queued")


@dataclass(frozen=True)
class Asking:
    """What awaits who asks for a model now: how many are before them, how many are ready, and from how many to how many
    weeks it takes; None when nobody knows.
    """

    before: int
    ready: int
    weeks: tuple[int, int] | None


def asking_now(session: Session, models: Collection[DeviceModel], now: datetime) -> dict[int, Asking]:
    """By model, in a few counts for all of them. Residents and coordinators read this one reckoning."""
    numbers = [model.id for model in models]
    waiting = (
        select(LoanRequest.model_id, func.count())
        .where(LoanRequest.model_id.in_(numbers), LoanRequest.status.in_(WAITS))
        .group_by(LoanRequest.model_id)
    )
    before = dict(session.execute(waiting).all())
    pace = _paces(session, {model.organisation_id for model in models}, now, numbers)
    free = custody.free_by_model(session, numbers)
    found = {}
    for number in numbers:
        ahead, ready = before.get(number, 0), free.get(number, 0)
        found[number] = Asking(ahead, ready, rules.weeks_to_wait(ahead, pace.get(number, 0), ready))
    return found


def order_of(session: Session, organisation_id: int, model_id: int, now: datetime) -> list[rules.Entry]:
    """The whole queue of a model in its order."""
    shares = shares_of(session, organisation_id, model_id, now)
    return rules.queue_order(entries_of(session, organisation_id, model_id), shares, now)


def place_of(session: Session, request: LoanRequest, now: datetime) -> QueuePlace:
    """Where this request stands now. One that does not wait (yet) is told where it would stand."""
    organisation_id, model_id = request.organisation_id, request.model_id
    entries = entries_of(session, organisation_id, model_id)
    mine = next((entry for entry in entries if entry.request_id == request.id), None)
    if mine is None:
        pool = pool_of(pools_of(session, organisation_id), referrer_id=request.referrer_id, ward=request.ward)
        mine = rules.Entry(
            request.id, request.points, request.waits_since or request.made_at, pool, request.put_first_at is not None
        )  # fmt: skip
        entries.append(mine)
    ordered = rules.queue_order(entries, shares_of(session, organisation_id, model_id, now), now)
    before, without = ordered.index(mine), rules.in_order(entries, now).index(mine)
    return QueuePlace(
        position=before + 1,
        of=len(ordered),
        reasons=reasons_of(session, request),
        moved_by_quota=without < before,
        weeks=rules.weeks_to_wait(
            before,
            handed_over(session, organisation_id, model_id, now),
            custody.can_be_lent(session, organisation_id, model_id),
        ),
        points=mine.points,
        weeks_waited=rules.total_points(mine, now) - mine.points,
        is_put_first=mine.is_put_first,
        moved_forward=without > before,
    )


def reasons_of(session: Session, request: LoanRequest) -> tuple[str, ...]:
    """The reasons that counted, most points first; empty when the answers behind the sum are gone."""
    kept = session.get(RequestAnswers, request.id)
    said = true_reasons(kept.answers) if kept is not None else ()
    points = request.scheme.points
    counted = [reason for reason in said if points.get(reason, 0) > 0]
    return tuple(sorted(counted, key=lambda reason: (-points[reason], list(rules.REASONS).index(reason))))


def true_reasons(answers: Mapping[str, object]) -> Sequence[str]:
    """What was answered with yes."""
    return [reason for reason in rules.REASONS if answers.get(reason) is True]
