"""Random walks over referrals: whatever is tried, in whatever order, at whatever hour, the rules of domain.md hold.

Two people are sent to a service with one place, by the real door (`machine.act`, `machine.tick`), on a real database; beside
it walks a small model written from domain.md, which knows nothing of the table in rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import LONDON, now
from inclusion_app.core.db import engine
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.messages.models import Message
from inclusion_app.people import consent_services
from inclusion_app.people.models import Consent
from inclusion_app.people.policy import TABLE
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CaseTask, CityService, Referral
from inclusion_app.referrals.policy import REFERRALS
from inclusion_app.referrals.services import machine
from tests.referrals.world import Pair, do, make_pair, send

WALKS, STEPS, WALKERS = 66, 50, 4
# The first moment of a walk: an ordinary morning, before a weekend, before Christmas, in the night the clocks change.
STARTS = (
    datetime(2026, 12, 1, 9, tzinfo=UTC),
    datetime(2026, 12, 4, 16, 50, tzinfo=UTC),
    datetime(2026, 12, 23, 23, 30, tzinfo=UTC),
    datetime(2027, 3, 28, 0, 30, tzinfo=UTC),
)
LIVE = {"sent", "acknowledged", "needs_info", "accepted", "waitlisted", "active"}
# domain.md, "referrals", as a walk: state → what each actor may do there → the state that follows. "" is back to where
# the question was asked.
DOMAIN: dict[str, dict[tuple[str, str], str]] = {
    "sent": {
        ("receiver", "acknowledge"): "acknowledged", ("receiver", "accept"): "accepted",
        ("receiver", "waitlist"): "waitlisted", ("receiver", "decline"): "declined", ("receiver", "reroute"): "rerouted",
        ("sender", "recall"): "recalled", ("clock", "lapse"): "lapsed",
    },
    "acknowledged": {
        ("receiver", "ask"): "needs_info", ("receiver", "accept"): "accepted", ("receiver", "waitlist"): "waitlisted",
        ("receiver", "decline"): "declined", ("receiver", "reroute"): "rerouted", ("sender", "recall"): "recalled",
        ("clock", "lapse"): "lapsed",
    },
    "needs_info": {("sender", "answer"): "", ("receiver", "found_out"): "", ("sender", "recall"): "recalled"},
    "accepted": {("receiver", "ask"): "needs_info", ("receiver", "begin"): "active"},
    "waitlisted": {
        ("receiver", "accept"): "accepted", ("sender", "recall"): "recalled", ("clock", "lapse"): "lapsed",
    },
    "active": {("receiver", "close"): "closed"},
    "closed": {("sender", "reopen"): "active", ("receiver", "reopen"): "active"},
}  # fmt: skip
CLOCKED = {"sent", "acknowledged", "accepted", "waitlisted"}
SENT_BY_OTHERS = {"send", "confirm"}
TRIES = [
    (actor, action)
    for actor in ("sender", "receiver", "resident", "clock")
    for action in rules.ACTIONS
    if action not in SENT_BY_OTHERS
]


@dataclass
class Walker:
    """What the model knows of one referral."""

    pair: Pair
    referral: Referral
    status: str = "sent"
    asked_from: str = ""
    shares: bool = True
    moves: int = 1
    followed: int = 0

    def holds_place(self) -> bool:
        return self.status in {"accepted", "active"} or (
            self.status == "needs_info" and self.asked_from == "accepted"
        )


class Walk(RuleBasedStateMachine):
    """One walk. Every step is a try; the model says what has to come of it."""

    app: ClassVar[Flask]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.context = self.app.app_context()
        self.context.push()
        self.session = Session(engine())
        self.at = STARTS[0]

    @contextmanager
    def moment(self) -> Iterator[None]:
        with time_machine.travel(self.at, tick=False):
            yield

    @initialize(start=st.sampled_from(STARTS), urgency=st.sampled_from(("usual", "urgent")))
    def begin(self, start: datetime, urgency: str) -> None:
        self.at = start
        with self.moment():
            first, second = make_pair(self.session, places=1), make_pair(self.session)
            second.service, second.receiver, second.worker = first.service, first.receiver, first.worker
            self.walkers = [
                Walker(pair, send(self.session, pair, urgency=urgency)) for pair in (first, second)
            ]
            self.service = self.session.get_one(CityService, first.service)

    def expected(self, one: Walker, actor: str, action: str) -> str | None:
        """The state that has to follow, or None where it has to be refused."""
        if (actor, action) == ("resident", "withdraw"):
            return "withdrawn" if one.status in LIVE else None
        to = DOMAIN.get(one.status, {}).get((actor, action))
        if to is None or (action == "recall" and one.asked_from == "accepted"):
            return None
        if actor == "receiver" and not one.shares and action != "reopen":
            return None
        to = to or one.asked_from
        takes = to in {"accepted", "active"} and not one.holds_place()
        if takes and any(other.holds_place() for other in self.walkers if other is not one):
            return None
        return to

    @rule(which=st.integers(0, 1), tried=st.sampled_from(TRIES))
    def try_it(self, which: int, tried: tuple[str, str]) -> None:
        type(self).steps += 1
        self._do(self.walkers[which], *tried)

    @rule(which=st.integers(0, 1), choice=st.integers(0, 10))
    def go_on(self, which: int, choice: int) -> None:
        """Something that may be done here: else most tries would be refused and walks short."""
        type(self).steps += 1
        one = self.walkers[which]
        open_ways = sorted(DOMAIN.get(one.status, {})) or [("resident", "withdraw")]
        self._do(one, *open_ways[choice % len(open_ways)])

    def _do(self, one: Walker, actor: str, action: str) -> None:
        to = self.expected(one, actor, action)
        before = one.status
        with self.moment():
            try:
                with self.session.begin_nested():
                    do(self.session, one.referral, actor, action, one.pair)
            except RuleBroken:
                assert to is None, f"{actor} {action} in {before} was refused"
                return
        assert to is not None, f"{actor} {action} in {before} was done"
        self._moved(one, to, action)

    def _moved(self, one: Walker, to: str, action: str) -> None:
        one.asked_from = one.status if to == "needs_info" else ""
        one.status, one.moves = to, one.moves + 1
        if action == "reopen":
            one.shares = True
        elif to not in LIVE:
            one.shares = False
        one.followed += to in {"declined", "rerouted", "lapsed"}

    @rule(hours=st.sampled_from((1, 7, 16, 25, 100, 400)))
    def time_passes(self, hours: int) -> None:
        """The worker looks at the clocks: it nudges, and what nobody answered lapses."""
        type(self).steps += 1
        self.at += timedelta(hours=hours)
        with self.moment():
            for one in self.walkers:
                done = machine.tick(self.session, referral_id=one.referral.id, now=now())
                again = machine.tick(self.session, referral_id=one.referral.id, now=now())
                assert again == "", "the same pass twice does it once"
                if done == "lapse":
                    assert one.status in {"sent", "acknowledged", "waitlisted"}
                    self._moved(one, "lapsed", "lapse")

    @precondition(lambda self: any(one.shares and one.status in LIVE for one in self.walkers))
    @rule(which=st.integers(0, 1))
    def person_stops_sharing(self, which: int) -> None:
        """The person stops sharing by their own page: what lived by it ends in the same moment."""
        type(self).steps += 1
        one = self.walkers[which]
        if not (one.shares and one.status in LIVE and one.referral.consent_id is not None):
            return
        with self.moment():
            consent_services.stop_sharing(
                self.session, resident_id=one.pair.person, consent_id=one.referral.consent_id, now=now()
            )
            self.session.refresh(one.referral)
        self._moved(one, "withdrawn", "withdraw")

    # --- what holds after every step

    @invariant()
    def state_and_history_agree(self) -> None:
        for one in self._all():
            assert one.referral.status == one.status
            past = self.session.execute(
                select(StatusChange.before, StatusChange.after, StatusChange.at)
                .where(StatusChange.noun == "referrals", StatusChange.row_id == one.referral.id)
                .order_by(StatusChange.id)
            ).all()
            assert len(past) == one.moves
            assert past[-1].after == one.status
            assert all(early.after == late.before for early, late in zip(past, past[1:], strict=False))
            assert all(early.at <= late.at for early, late in zip(past, past[1:], strict=False))

    @invariant()
    def the_receiver_sees_what_lives_and_nothing_else(self) -> None:
        for one in self._all():
            lives = one.status in LIVE and one.shares and self.at < self._until(one)
            with self.moment():
                sees = {
                    "referral": REFERRALS.allows(self.session, "referral.read", one.pair.receiving, one.referral.id),
                    "identity": TABLE.allows(self.session, "resident.identity", one.pair.receiving, one.pair.person),
                    "plan": TABLE.allows(self.session, "resident.plan", one.pair.receiving, one.pair.person),
                }  # fmt: skip
            assert sees == {"referral": lives, "identity": lives, "plan": False}

    @invariant()
    def the_yes_ends_with_what_it_was_said_for(self) -> None:
        for one in self._all():
            ended = self.session.scalar(
                select(Consent.withdrawn_at).where(Consent.id == one.referral.consent_id)
            )
            assert (ended is None) == (one.status in LIVE and one.shares)

    def _until(self, one: Walker) -> datetime:
        consent = one.referral.consent
        return consent.until_at if consent is not None else self.at

    @invariant()
    def places_are_counted_right(self) -> None:
        if self._all():
            held = sum(one.holds_place() for one in self.walkers)
            assert (
                self.session.scalar(select(CityService.taken).where(CityService.id == self.service.id))
                == held
            )
            assert held <= 1

    @invariant()
    def no_dead_end(self) -> None:
        for one in self._all():
            made = self.session.scalars(
                select(CaseTask.due_on).where(CaseTask.referral_id == one.referral.id, CaseTask.kind == "another_way")
            ).all()  # fmt: skip
            assert len(made) == one.followed
            assert all(isinstance(day, date) and day.weekday() < 5 for day in made)
            if one.status in {"declined", "rerouted", "lapsed"}:
                assert max(made) > one.referral.ended_at.astimezone(LONDON).date()  # type: ignore[union-attr]

    @invariant()
    def the_person_was_told_of_each_turn(self) -> None:
        for one in self._all():
            keys = self.session.scalar(
                select(func.count(func.distinct(Message.key))).where(
                    Message.about == f"referral {one.referral.id}", Message.resident_id == one.pair.person
                )
            )
            assert (keys or 0) >= one.moves

    @invariant()
    def one_clock_runs_or_none(self) -> None:
        for one in self._all():
            row = one.referral
            if one.status == "needs_info":
                assert row.clock_stopped_at is not None
            else:
                assert row.clock_stopped_at is None
                assert (row.clock_due is not None) == (one.status in CLOCKED)

    def _all(self) -> list[Walker]:
        found: list[Walker] = getattr(self, "walkers", [])
        return found

    def teardown(self) -> None:
        self.session.rollback()
        self.session.close()
        self.context.pop()


@pytest.mark.parametrize("number", range(WALKERS))
def test_random_walks_hold_the_rules(app: Flask, tally: Callable[[str, int], None], number: int) -> None:
    """Four times this makes at least ten thousand steps; each walks ways of its own."""
    walk = type(f"Walk{number}", (Walk,), {"app": app, "steps": 0})
    run_state_machine_as_test(
        seed(number)(walk),
        settings=settings(
            max_examples=WALKS, stateful_step_count=STEPS, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
        ),
    )  # fmt: skip
    tally("steps of random walks over referrals", walk.steps)
    assert walk.steps >= 10_000 / WALKERS
