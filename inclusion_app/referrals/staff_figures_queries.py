"""How organisations keep the clocks of referrals, in sums nobody stands in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import registry
from inclusion_app.core.history import StatusChange
from inclusion_app.referrals import rules
from inclusion_app.referrals.clock_times import MEASURED, Change, ClockTime, clock_times
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.rules import Attained
from inclusion_app.referrals.staff_figures_rules import rounded, shown

MEASURED_OVER = timedelta(days=365)


@dataclass(frozen=True)
class Kept:
    """How one organisation kept one clock: hours of work, counts rounded; None for what is hidden (staff_figures_rules).
    `not_due`: how many are neither done nor due. `share`: in time, in per cent, of those that are done or overdue.
    """

    clock: str
    count: int
    median: float
    ninetieth: float | None
    share: int | None
    not_due: int | None


@dataclass(frozen=True)
class House:
    """One organisation and the clocks of which there are enough."""

    name: str
    is_own: bool
    kept: Sequence[Kept]


def houses_of(session: Session, *, own_id: int | None, now: datetime) -> list[House]:
    """Every organisation with enough referrals received in a year, by name, the own first, with or without."""
    since = now - MEASURED_OVER
    received = (Referral.mode != "signposted", Referral.sent_at >= since)
    facts = {
        number: (house, urgency)
        for number, house, urgency in session.execute(
            select(Referral.id, Referral.organisation_id, Referral.urgency).where(*received)
        )
    }
    changes: dict[int, list[Change]] = defaultdict(list)
    for number, before, after, at in session.execute(
        select(StatusChange.row_id, StatusChange.before, StatusChange.after, StatusChange.at)
        .join(Referral, Referral.id == StatusChange.row_id)
        .where(StatusChange.noun == Referral.__tablename__, *received)
        .order_by(StatusChange.id)
    ):
        changes[number].append(Change(before, after, at))
    holidays = registry.holidays(session)
    times: dict[int, dict[str, list[ClockTime]]] = defaultdict(lambda: defaultdict(list))
    for number, (house, urgency) in facts.items():
        for one in clock_times(changes[number], is_urgent=urgency == "urgent", now=now, holidays=holidays):
            times[house][one.clock].append(one)
    wanted = {*times, *([own_id] if own_id else [])}
    names = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted)))
    found = [
        House(
            name,
            number == own_id,
            [kept for clock in MEASURED if (kept := _kept(clock, times[number][clock]))],
        )
        for number, name in names
    ]
    return sorted(
        (one for one in found if one.kept or one.is_own), key=lambda one: (not one.is_own, one.name)
    )


def _kept(clock: str, times: Sequence[ClockTime]) -> Kept | None:
    # What lapsed was never done, however short its clock was.
    in_time = sum(one.is_done and one.hours <= one.limit for one in times)
    not_due = sum(one.is_running and one.hours <= one.limit for one in times)
    may = shown(in_time=in_time, not_in_time=len(times) - in_time - not_due, not_due=not_due)
    found: Attained | None = rules.attained([one.hours for one in times], [one.limit for one in times])
    if found is None or may.count is None:
        return None
    return Kept(
        clock=clock,
        count=may.count,
        median=found.median,
        ninetieth=found.ninetieth if may.has_ninetieth else None,
        share=may.share,
        not_due=may.not_due,
    )


def outcomes_of(session: Session, *, organisation_id: int | None, now: datetime) -> list[tuple[str, int]]:
    """How what the own organisation received in a year ended (N_), of each end at least five; rounded to fives."""
    of_house = (
        Referral.organisation_id == organisation_id,
        Referral.mode != "signposted",
        Referral.sent_at >= now - MEASURED_OVER,
    )
    counts = (
        select(Referral.status, func.coalesce(Referral.outcome, ""), func.count())
        .where(*of_house, Referral.status.not_in(sorted(rules.LIVE)))
        .group_by(Referral.status, Referral.outcome)
    )
    ended = {(status, outcome): count for status, outcome, count in session.execute(counts)}
    said = [
        *((said, ended.get(("closed", code), 0)) for code, said in rules.OUTCOMES.items()),
        *((said, ended.get((code, ""), 0)) for code, said in rules.STATES.items()),
    ]
    return [(words, about) for words, count in said if (about := rounded(count)) is not None]
