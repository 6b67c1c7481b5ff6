"""The order of the queue: what holds for any requests, any points and any quotas."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from inclusion_app.loans.rules import (
    DECLINED,
    POINTS,
    REASONS,
    WAYS_ON,
    WAYS_ON_FROM,
    Entry,
    Share,
    in_order,
    offer_ends,
    points_of,
    queue_order,
    weeks_to_wait,
)

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
POOLS = (None, 1, 2)


@st.composite
def queues(draw: st.DrawFn) -> list[Entry]:
    """Some who wait, of any pool."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 40), st.integers(0, 60 * 24 * 60), st.sampled_from(POOLS), st.booleans()
            ),
            min_size=1,
            max_size=25,
        )
    )
    return [
        Entry(number, points, NOW - timedelta(minutes=minutes), pool, first)
        for number, (points, minutes, pool, first) in enumerate(rows, start=1)
    ]


@st.composite
def quotas(draw: st.DrawFn) -> list[Share]:
    """Two quotas, and what each pool had."""
    first = draw(st.integers(1, 99))
    second = draw(st.integers(1, 100 - first))
    had = [draw(st.integers(0, 30)) for _pool in POOLS]
    return [Share(None, 0, had[0]), Share(1, first, had[1]), Share(2, second, had[2])]


def place(ordered: list[Entry], number: int) -> int:
    """The how many-th somebody is."""
    return [one.request_id for one in ordered].index(number)


@given(queues(), quotas(), st.randoms())
def test_the_order_is_total_and_does_not_hang_on_how_it_is_read(
    queue: list[Entry], shares: list[Share], dice: random.Random
) -> None:
    ordered = queue_order(queue, shares, NOW)
    assert sorted(one.request_id for one in ordered) == [one.request_id for one in queue]
    mixed = list(queue)
    dice.shuffle(mixed)
    assert queue_order(mixed, shares[::-1], NOW) == ordered


@given(queues(), quotas())
def test_a_quota_never_changes_the_order_inside_a_pool(queue: list[Entry], shares: list[Share]) -> None:
    ordered = queue_order(queue, shares, NOW)
    for pool in POOLS:
        mine = [one for one in ordered if one.pool == pool]
        assert mine == in_order(mine, NOW)


@given(queues(), quotas(), st.data())
def test_more_need_is_never_a_later_place(
    queue: list[Entry], shares: list[Share], data: st.DataObject
) -> None:
    who = data.draw(st.sampled_from(queue))
    more = replace(who, points=who.points + data.draw(st.integers(1, 20)))
    after = [more if one is who else one for one in queue]
    before = place(queue_order(queue, shares, NOW), who.request_id)
    assert place(queue_order(after, shares, NOW), who.request_id) <= before
    mine = [one for one in queue_order(queue, shares, NOW) if one.pool == who.pool]
    then = [one for one in queue_order(after, shares, NOW) if one.pool == who.pool]
    assert place(then, who.request_id) <= place(mine, who.request_id)
    # Of any two of one pool whom nobody put first, the one with more need who waits as long is before the other.
    for one in then:
        for other in then:
            if one.is_put_first == other.is_put_first and one.waits_since == other.waits_since:
                assert one.points <= other.points or place(then, one.request_id) < place(
                    then, other.request_id
                )


@given(queues(), quotas(), st.data())
def test_waiting_always_helps(queue: list[Entry], shares: list[Share], data: st.DataObject) -> None:
    who = data.draw(st.sampled_from(queue))
    longer = replace(who, waits_since=who.waits_since - timedelta(minutes=data.draw(st.integers(1, 50_000))))
    after = [longer if one is who else one for one in queue]
    before = place(queue_order(queue, shares, NOW), who.request_id)
    assert place(queue_order(after, shares, NOW), who.request_id) <= before
    mine = [one for one in queue_order(queue, shares, NOW) if one.pool == who.pool]
    then = [one for one in queue_order(after, shares, NOW) if one.pool == who.pool]
    assert place(then, who.request_id) <= place(mine, who.request_id)


@given(queues(), quotas(), st.integers(0, 400))
def test_time_alone_turns_nobody_round_who_asked_first_with_as_much_need(
    queue: list[Entry], shares: list[Share], days: int
) -> None:
    later = NOW + timedelta(days=days)
    for pool in POOLS:
        mine = [one for one in queue_order(queue, shares, later) if one.pool == pool]
        for one in mine:
            for other in mine:
                alike = one.points == other.points and one.is_put_first == other.is_put_first
                if alike and one.waits_since < other.waits_since:
                    assert place(mine, one.request_id) < place(mine, other.request_id)


@given(queues(), quotas())
def test_whom_a_person_put_first_comes_before_all_others(queue: list[Entry], shares: list[Share]) -> None:
    firsts = [one.is_put_first for one in queue_order(queue, shares, NOW)]
    assert firsts == sorted(firsts, reverse=True)


@given(st.sets(st.sampled_from(sorted(REASONS))), st.sampled_from(sorted(REASONS)))
def test_one_more_reason_never_takes_anything_away(said: set[str], more: str) -> None:
    assert points_of(said | {more}, POINTS) >= points_of(said, POINTS) >= 0


def test_a_quota_gives_its_pool_its_share() -> None:
    queue = [Entry(number, 30, NOW, None) for number in range(1, 51)]
    queue += [Entry(number, 1, NOW, 1) for number in range(51, 101)]
    first_20 = queue_order(queue, [Share(1, 25, 0)], NOW)[:20]
    assert sum(one.pool == 1 for one in first_20) == 5
    # What a pool had lately is reckoned in.
    assert sum(one.pool == 1 for one in queue_order(queue, [Share(1, 25, 10)], NOW)[:20]) == 0


@given(st.integers(0, 500), st.integers(0, 200))
def test_the_wait_is_a_range_and_longer_for_who_stands_behind(before: int, pace: int) -> None:
    found, behind = weeks_to_wait(before, pace), weeks_to_wait(before + 1, pace)
    if pace == 0:
        assert found is None
    else:
        assert found is not None and behind is not None
        assert 0 <= found[0] < found[1] and found[0] <= behind[0] and found[1] <= behind[1]


@given(st.integers(0, 40), st.integers(0, 200), st.integers(0, 60))
def test_what_is_ready_never_makes_a_wait_longer(before: int, pace: int, ready: int) -> None:
    found, without = weeks_to_wait(before, pace, ready), weeks_to_wait(before, pace)
    if ready > before:
        assert found == (0, 1)
    elif without is not None:
        assert found is not None and found[0] <= without[0] and found[1] <= without[1]


@given(
    st.integers(0, 700 * 24 * 60),
    st.integers(1, 14),
    st.sampled_from(["sms", "letter", "none"]),
)
@settings(max_examples=50)
def test_an_offer_ends_while_somebody_answers(minutes: int, days: int, way: str) -> None:
    made = NOW + timedelta(minutes=minutes)
    ends = offer_ends(made, days=days, hears_by=way, holidays=())
    assert ends - made >= timedelta(hours=8 * days)
    assert ends.weekday() < 5
    assert ends >= offer_ends(made, days=days, hears_by="sms", holidays=())


def test_nobody_is_declined_without_a_way_on() -> None:
    assert set(WAYS_ON_FROM) == set(DECLINED)
    assert all(ways and set(ways) <= set(WAYS_ON) for ways in WAYS_ON_FROM.values())


def test_ten_thousand_are_put_in_order_in_a_moment() -> None:
    dice = random.Random(6)  # noqa: S311
    queue = [
        Entry(number, dice.randrange(30), NOW - timedelta(hours=dice.randrange(9000)), dice.choice(POOLS))
        for number in range(10_000)
    ]
    begun = time.perf_counter()
    queue_order(queue, [Share(1, 20, 3), Share(2, 30, 9)], NOW)
    assert time.perf_counter() - begun < 2
