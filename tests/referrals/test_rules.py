"""The leaflet of referrals: who may do what when, clocks in working days, no dead end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.core.clock import LONDON, moment
from inclusion_app.referrals import rules

# Christmas Day 2026 is a Friday; Boxing Day is kept on the Monday; New Year’s Day is a Friday again.
HOLIDAYS = frozenset({date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)})
FRIDAY = date(2026, 11, 27)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return moment(day, time(hour, minute))


# --- the table

# Written out once more by hand, so that a change of the table is a change here.
GRID = {
    "sender": {
        "draft": ["send"], "sent": ["recall"], "acknowledged": ["recall"], "needs_info": ["answer", "recall"],
        "waitlisted": ["recall"], "closed": ["reopen"],
    },
    "receiver": {
        "sent": ["acknowledge", "accept", "waitlist", "decline", "reroute"],
        "acknowledged": ["ask", "accept", "waitlist", "decline", "reroute"], "needs_info": ["found_out"],
        "accepted": ["ask", "begin"], "waitlisted": ["accept"], "active": ["close"], "closed": ["reopen"],
    },
    "resident": dict.fromkeys(
        ("draft", "sent", "acknowledged", "needs_info", "accepted", "waitlisted", "active"), ["withdraw"]
    ),
    "stranger": {"draft": ["confirm"]},
    "clock": {"sent": ["lapse"], "acknowledged": ["lapse"], "waitlisted": ["lapse"]},
}  # fmt: skip
SIGNPOSTED = {
    "sender": {"draft": ["send"], "sent": ["close", "recall"]},
    "resident": {"draft": ["withdraw"], "sent": ["withdraw"]},
}


@pytest.mark.parametrize("actor", ["sender", "receiver", "resident", "stranger", "clock"])
@pytest.mark.parametrize("state", list(rules.STATES))
@pytest.mark.parametrize("mode", list(rules.MODES))
def test_the_table_is_what_stands_here(actor: str, state: str, mode: str) -> None:
    wanted = (SIGNPOSTED if mode == "signposted" else GRID).get(actor, {}).get(state, [])
    assert rules.actions_for(actor=actor, state=state, mode=mode, asked_from="acknowledged") == wanted
    for action in rules.ACTIONS:
        leads = rules.leads_to(actor=actor, action=action, state=state, mode=mode, asked_from="acknowledged")
        assert (leads is not None) == (action in wanted)
        assert leads is None or rules.LIFECYCLE.allows(state, leads)


def test_every_word_is_known() -> None:
    states = {state for move in (*rules.MOVES, *rules.MOVES_SIGNPOSTED) for state in move.states}
    assert states <= set(rules.STATES) == set(rules.STATES_FOR_RESIDENT)
    assert {move.action for move in rules.MOVES} == set(rules.ACTIONS)
    assert set(rules.CLOCK_OF) <= rules.OPEN < rules.LIVE < set(rules.STATES)
    assert set(rules.CLOCK_OF.values()) == set(rules.CLOCKS)


def test_who_was_only_told_where_to_go_was_sent_nowhere() -> None:
    assert rules.state_words("sent", "signposted") == "Told where to go"
    told = rules.state_words_for_resident("sent", "signposted", has_sender=True, can_be_reached=False)
    assert told == "Your helper told you about it. Nothing was sent."
    for state in rules.STATES:
        assert rules.state_words(state, "cold") == rules.STATES[state]
        said = rules.state_words_for_resident(state, "warm", has_sender=True, can_be_reached=True)
        assert said == rules.STATES_FOR_RESIDENT[state]
    assert rules.state_words("closed", "signposted") == rules.STATES["closed"]


def test_nobody_is_promised_a_call_that_cannot_come_or_a_helper_they_do_not_have() -> None:
    for state in rules.STATES:
        for has_sender in (True, False):
            for reached in (True, False):
                said = rules.state_words_for_resident(
                    state, "cold", has_sender=has_sender, can_be_reached=reached
                )
                assert has_sender or "looks for another way" not in said
                assert has_sender or "helper asks you first" not in said
                assert reached or "will contact you" not in said
    assert rules.state_words_for_resident("accepted", "cold", has_sender=False, can_be_reached=False) == (
        "They said yes. You did not share how to reach you. Please contact them."
    )
    assert rules.state_words_for_resident("accepted", "cold", has_sender=True, can_be_reached=False) == (
        "They said yes. You did not share how to reach you. Please contact them, or ask your helper."
    )
    assert rules.state_words_for_resident("lapsed", "cold", has_sender=False, can_be_reached=True) == (
        "Nobody answered. We are sorry. You can look for another service."
    )


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2026-12-23T11:00", 0), ("2026-12-24T16:00", 0), ("2026-12-29T08:59", 0), ("2026-12-29T09:00", 2),
        ("2027-01-04T08:59", 2), ("2027-01-04T09:00", 5), ("2027-03-01T12:00", 5),
    ],
)  # fmt: skip
def test_a_question_is_reminded_of_after_two_and_five_days_of_work(now: str, days: int) -> None:
    """Asked on the Wednesday before Christmas: Friday and Monday are holidays, and so is New Year's Day."""
    holidays = {date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1)}
    asked = datetime.fromisoformat("2026-12-23T10:00").replace(tzinfo=UTC)
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert rules.reminder_due(asked_at=asked, now=moment, holidays=holidays) == days


@pytest.mark.parametrize("state", list(rules.STATES))
@pytest.mark.parametrize("mode", list(rules.MODES))
def test_who_stands_on_no_record_says_no_to_either_side(state: str, mode: str) -> None:
    for side in (rules.SENDER, rules.RECEIVER):
        stands = {"state": state, "mode": mode, "asked_from": "acknowledged"}
        own = rules.actions_for(actor=side, **stands)
        assert rules.acts_of(side, is_recorded=True, **stands) == own
        theirs = rules.acts_of(side, is_recorded=False, **stands)
        is_open = state in rules.OPEN and mode != "signposted"
        assert theirs == ([*own, "withdraw"] if is_open and "recall" not in own else own)
        for action in theirs:
            actor = rules.speaks_as(side, action, is_recorded=False)
            assert rules.leads_to(actor=actor, action=action, **stands)
        assert rules.speaks_as(side, "withdraw", is_recorded=True) == side
        assert rules.speaks_as(side, "accept", is_recorded=False) == side


@pytest.mark.parametrize(("actor", "action"), [("sender", "answer"), ("receiver", "found_out")])
def test_an_answer_goes_back_to_where_it_was_asked(actor: str, action: str) -> None:
    for asked_from in ("acknowledged", "accepted"):
        leads = rules.leads_to(
            actor=actor, action=action, state="needs_info", mode="cold", asked_from=asked_from
        )
        assert leads == asked_from


@pytest.mark.parametrize(
    ("actor", "action", "before", "after", "done"),
    [
        ("receiver", "found_out", "needs_info", "accepted", True),
        ("receiver", "accept", "sent", "accepted", True),
        ("receiver", "accept", "needs_info", "accepted", False),
        ("sender", "accept", "sent", "accepted", False),
        ("receiver", "answer", "needs_info", "accepted", False),
        ("receiver", "acknowledge", "sent", "accepted", False),
    ],
)
def test_a_turn_is_known_by_who_did_it_and_what_came_of_it(
    actor: str, action: str, before: str, after: str, done: bool
) -> None:
    assert rules.is_done(actor=actor, action=action, before=before, after=after, mode="cold") is done


def test_what_was_accepted_is_not_taken_back_by_the_sender_even_while_a_question_is_open() -> None:
    for state, asked_from in (("accepted", ""), ("active", ""), ("needs_info", "accepted")):
        assert "recall" not in rules.actions_for(
            actor="sender", state=state, mode="warm", asked_from=asked_from
        )
    assert "recall" in rules.actions_for(
        actor="sender", state="needs_info", mode="warm", asked_from="acknowledged"
    )


def test_no_live_referral_is_stuck() -> None:
    """From each live state somebody can go on, and the person can always end it."""
    for mode in rules.MODES:
        reached = {"draft"}
        while True:
            more = {
                leads
                for state in reached
                for move in rules.moves_of(mode)
                for asked_from in ("acknowledged", "accepted")
                if (leads := rules.leads_to(actor=move.actor, action=move.action, state=state, mode=mode,
                                            asked_from=asked_from))
            }  # fmt: skip
            if more <= reached:
                break
            reached |= more
        for state in reached & rules.LIVE:
            assert rules.leads_to(actor="resident", action="withdraw", state=state, mode=mode) == "withdrawn"
            others = [
                move for move in rules.moves_of(mode) if state in move.states and move.actor != "resident"
            ]
            assert others, state


# --- no dead end


@pytest.mark.parametrize(
    ("state", "outcome", "declined_by", "wanted"),
    [
        ("declined", "", "provider", True), ("declined", "", "resident", False), ("rerouted", "", "", True),
        ("lapsed", "", "", True), ("recalled", "", "", False), ("withdrawn", "", "", False),
        ("active", "no_capacity", "", False), ("accepted", "", "", False),
        *[("closed", outcome, "", True) for outcome in sorted(rules.UNSUCCESSFUL)],
        *[("closed", outcome, "", False) for outcome in ("got_help", "met_elsewhere", "no_longer_wanted", "moved")],
    ],
)  # fmt: skip
def test_each_unsuccessful_end_is_followed_up(
    state: str, outcome: str, declined_by: str, wanted: bool
) -> None:
    assert rules.needs_follow_up(state, outcome=outcome, declined_by=declined_by) is wanted


def test_all_outcomes_are_sorted() -> None:
    good = {"got_help", "met_elsewhere", "no_longer_wanted", "moved"}
    assert good | rules.UNSUCCESSFUL == set(rules.OUTCOMES) and not good & rules.UNSUCCESSFUL


def test_the_follow_up_is_in_two_working_days_and_in_one_where_it_is_urgent() -> None:
    thursday = date(2026, 12, 24)
    assert rules.follow_up_on(thursday, is_urgent=False, holidays=HOLIDAYS) == date(2026, 12, 30)
    assert rules.follow_up_on(thursday, is_urgent=True, holidays=HOLIDAYS) == date(2026, 12, 29)


# --- clocks


@pytest.mark.parametrize(
    ("clock", "since", "wanted"),
    [
        ("acknowledge", at(date(2026, 11, 30), 10), at(date(2026, 12, 2), 10)),
        ("acknowledge", at(FRIDAY, 16), at(date(2026, 12, 1), 16)),
        # Sent at night and on a Saturday counts from nine on Monday.
        ("acknowledge", at(date(2026, 11, 28), 3), at(date(2026, 12, 1), 17)),
        ("decide", at(date(2026, 11, 30), 9), at(date(2026, 12, 4), 17)),
        ("decide", at(date(2026, 12, 23), 12), at(date(2027, 1, 4), 12)),
        ("contact", at(date(2026, 11, 30), 12), at(date(2026, 12, 14), 12)),
    ],
)
def test_clocks_run_in_working_days(clock: str, since: datetime, wanted: datetime) -> None:
    assert rules.clock_ends(clock, since=since, holidays=HOLIDAYS) == wanted


@pytest.mark.parametrize(
    ("since", "wanted"),
    [
        (at(FRIDAY, 8), at(FRIDAY, 17)),
        (at(FRIDAY, 15), at(FRIDAY, 17)),
        (at(FRIDAY, 16, 50), at(date(2026, 11, 30), 9, 50)),
        (at(FRIDAY, 18), at(date(2026, 11, 30), 10)),
        (at(date(2026, 12, 25), 11), at(date(2026, 12, 29), 17)),
    ],
)
def test_an_urgent_one_is_seen_the_same_day(since: datetime, wanted: datetime) -> None:
    assert rules.clock_ends("acknowledge", since=since, is_urgent=True, holidays=HOLIDAYS) == wanted


def test_only_the_first_clock_is_shorter_where_it_is_urgent() -> None:
    since = at(date(2026, 11, 30), 9)
    for clock in ("decide", "contact"):
        usual, urgent = (
            rules.clock_ends(clock, since=since, is_urgent=is_urgent, holidays=HOLIDAYS)
            for is_urgent in (False, True)
        )
        assert usual == urgent


def test_a_waiting_list_ends_on_the_promised_day_or_the_next_working_one() -> None:
    since = at(FRIDAY, 12)
    ends = rules.clock_ends("waitlist", since=since, holidays=HOLIDAYS, promised=date(2026, 12, 25))
    assert ends == at(date(2026, 12, 29), 17)
    sunday = rules.clock_ends("waitlist", since=since, holidays=HOLIDAYS, promised=date(2026, 11, 29))
    assert sunday == at(date(2026, 11, 30), 17)
    with pytest.raises(ValueError, match="has a day"):
        rules.clock_ends("waitlist", since=since, holidays=HOLIDAYS)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (at(date(2026, 11, 30), 9), 0), (at(date(2026, 11, 30), 16, 59), 0), (at(date(2026, 11, 30), 17), 50),
        (at(date(2026, 12, 1), 9), 50), (at(date(2026, 12, 1), 13, 47), 50), (at(date(2026, 12, 1), 13, 48), 80),
        (at(date(2026, 12, 1), 16, 59), 80), (at(date(2026, 12, 1), 17), 100), (at(date(2026, 12, 5), 17), 100),
        (at(date(2026, 11, 28), 12), 0),
    ],
)  # fmt: skip
def test_nudges_come_at_half_at_four_fifths_and_at_the_end(now: datetime, wanted: int) -> None:
    since = at(date(2026, 11, 30), 9)
    due = rules.clock_ends("acknowledge", since=since, holidays=HOLIDAYS)
    assert due == at(date(2026, 12, 1), 17)
    assert rules.nudge_due(since=since, due=due, now=now, holidays=HOLIDAYS) == wanted


def test_a_clock_without_any_working_time_nudges_at_its_end_only() -> None:
    saturday = date(2026, 11, 28)
    args = {"since": at(saturday, 9), "due": at(saturday, 12), "holidays": HOLIDAYS}
    assert rules.nudge_due(now=at(saturday, 11), **args) == 0
    assert rules.nudge_due(now=at(saturday, 12), **args) == 100


def test_a_clock_whose_working_time_has_run_is_not_over_before_its_moment() -> None:
    saturday = at(date(2026, 11, 28), 12)
    args = {"since": at(FRIDAY, 9), "due": saturday, "holidays": HOLIDAYS}
    assert rules.nudge_due(now=at(FRIDAY, 18), **args) == 80
    assert rules.nudge_due(now=saturday, **args) == 100


def test_it_lapses_five_working_days_after_its_clock_ran_out() -> None:
    assert rules.lapses_at(at(FRIDAY, 12), HOLIDAYS) == at(date(2026, 12, 4), 17)
    assert rules.lapses_at(at(date(2026, 12, 24), 9), HOLIDAYS) == at(date(2027, 1, 5), 17)


def test_work_is_counted_from_nine_to_five_on_working_days() -> None:
    assert rules.worked_between(at(FRIDAY, 16), at(date(2026, 11, 30), 10), HOLIDAYS) == timedelta(hours=2)
    assert rules.worked_between(at(FRIDAY, 18), at(FRIDAY, 8), HOLIDAYS) == timedelta()
    assert rules.worked_between(at(date(2026, 12, 24), 0), at(date(2026, 12, 29), 0), HOLIDAYS) == timedelta(
        hours=8
    )


MOMENTS = st.integers(0, 200 * 24 * 60).map(
    lambda minutes: datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(since=MOMENTS, stopped=st.integers(0, 20), away=st.integers(0, 200))
def test_a_clock_that_stood_still_has_as_much_left_as_before(
    since: datetime, stopped: int, away: int
) -> None:
    due = rules.clock_ends("decide", since=since, holidays=HOLIDAYS)
    stopped_at = min(since + timedelta(hours=stopped), due)
    now = stopped_at + timedelta(hours=away)
    left = rules.worked_between(stopped_at, due, HOLIDAYS)
    later = rules.moved_on(due, stopped_at=stopped_at, now=now, holidays=HOLIDAYS)
    assert rules.worked_between(now, later, HOLIDAYS) == left
    assert later >= now


@given(since=MOMENTS, urgent=st.booleans(), clock=st.sampled_from(["acknowledge", "decide", "contact"]))
def test_every_clock_ends_when_somebody_works(since: datetime, urgent: bool, clock: str) -> None:
    due = rules.clock_ends(clock, since=since, is_urgent=urgent, holidays=HOLIDAYS)
    wall = due.astimezone(LONDON)
    assert (
        due > since
        and time(9) <= wall.time() <= time(17)
        and wall.weekday() < 5
        and wall.date() not in HOLIDAYS
    )
    run = [
        rules.nudge_due(since=since, due=due, now=since + (due - since) * part / 7, holidays=HOLIDAYS)
        for part in range(8)
    ]
    assert run == sorted(run) and run[-1] == 100


def test_what_was_attained_is_said_as_median_and_ninetieth_percentile() -> None:
    hours = [2.0, 4.0, 1.0, 30.0, 3.0, 5.0, 6.0, 7.0, 8.0, 20.0]
    found = rules.attained(hours, [16.0] * 10)
    assert found == rules.Attained(count=10, median=5.5, ninetieth=20.0, in_time=8)
    assert rules.attained([3.0, 1.0, 2.0], [2.0] * 3) == rules.Attained(3, 2.0, 3.0, 2)
    assert rules.attained([], []) is None
    with pytest.raises(ValueError, match="argument"):
        rules.attained([1.0], [])


# --- to whom, notes


@pytest.mark.parametrize(
    ("wards", "ages", "ward", "age", "wanted"),
    [
        ((), (), "E1", "65_over", True), (("E1",), (), "E1", None, True), (("E1",), (), "E2", None, False),
        (("E1",), (), None, None, True), ((), ("16_17",), None, "65_over", False), ((), ("16_17",), None, None, True),
        ((), ("16_17",), None, "16_17", True),
    ],
)  # fmt: skip
def test_who_can_go_there(
    wards: Collection[str], ages: Collection[str], ward: str | None, age: str | None, wanted: bool
) -> None:
    asks = rules.Asks(wards=frozenset(wards), ages=frozenset(ages))
    assert (rules.why_not_eligible(asks, ward=ward, age=age) is None) is wanted


def test_a_service_is_full_when_all_its_places_are_taken() -> None:
    assert not rules.is_full(places=None, taken=999)
    assert [rules.is_full(places=2, taken=taken) for taken in (1, 2, 3)] == [False, True, True]


def test_a_note_is_changed_for_fifteen_minutes_by_its_author_only() -> None:
    written = at(FRIDAY, 12)
    minutes = {minute: written + timedelta(minutes=minute) for minute in (0, 14, 15)}
    assert [rules.may_edit_note(is_author=True, written_at=written, now=now) for now in minutes.values()] == [
        True, True, False,
    ]  # fmt: skip
    assert not rules.may_edit_note(is_author=False, written_at=written, now=written)


def test_a_note_is_of_today_or_up_to_a_year_ago() -> None:
    for days, fine in ((0, True), (366, True), (367, False), (-1, False)):
        why = rules.why_not_happened(FRIDAY - timedelta(days=days), today=FRIDAY)
        assert (why is None) is fine, days


def test_small_wins_are_answers_that_went_up_and_nothing_else_is_told() -> None:
    first = {"alone": 0, "from help": 1, "with help": 0, "shows": 2, "same": 1, "down": 3, "once": 0}
    latest = {"alone": 2, "from help": 3, "with help": 1, "shows": 3, "same": 1, "down": 0, "new": 3}
    found = rules.small_wins(first, latest)
    assert found == rules.SmallWins(new=("alone", "from help"), easier=("with help", "shows"))
    assert rules.small_wins({}, {}) == rules.SmallWins((), ())
    assert rules.small_wins(latest, latest) == rules.SmallWins((), ())


def test_a_task_is_due_today_or_within_two_years() -> None:
    day = date(2026, 11, 27)
    for days, fine in ((-1, False), (0, True), (2 * 366, True), (2 * 366 + 1, False)):
        why = rules.why_not_due(day + timedelta(days=days), today=day)
        assert (why is None) is fine, days


def test_a_note_is_changed_until_the_very_end_of_its_time() -> None:
    written = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    ends = rules.note_edit_ends(written)
    assert ends - written == timedelta(minutes=15)
    assert rules.may_edit_note(is_author=True, written_at=written, now=ends - timedelta(seconds=1))
    assert not rules.may_edit_note(is_author=True, written_at=written, now=ends)


def test_the_times_and_sizes_the_leaflet_names() -> None:
    """What pages, e-mails and docs say in words; whoever changes one changes them too."""
    assert (rules.FIND_OUT.days, rules.PARTNER_LINK_LIFE.days, rules.CONFIRM_WITHIN.days) == (14, 14, 3)
    assert (rules.ACKNOWLEDGE_DAYS, rules.DECIDE_DAYS, rules.CONTACT_DAYS, rules.LAPSE_DAYS) == (2, 5, 10, 5)
    assert (rules.FOLLOW_UP_DAYS, rules.FOLLOW_UP_DAYS_URGENT, rules.NUDGES) == (2, 1, (50, 80, 100))
    assert (rules.REASON_SHORTEST, rules.REASON_LONGEST, rules.ANSWER_LONGEST) == (10, 1_000, 1_000)
    assert (rules.NOTE_LONGEST, rules.TASK_LONGEST, rules.ATTACHMENT_BYTES) == (4_000, 200, 5_000_000)
    assert (rules.SHEET_PEOPLE, rules.PUBLIC_A_DAY_FROM_ONE_NETWORK) == (20, 20)


@pytest.mark.parametrize(
    ("seconds", "may"), [(0, True), (899, True), (900, False), (901, False), (3600, False)]
)
def test_a_note_is_changed_for_fifteen_minutes(seconds: int, may: bool) -> None:
    written_at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    now = written_at + timedelta(seconds=seconds)
    assert rules.may_edit_note(is_author=True, written_at=written_at, now=now) is may
    assert not rules.may_edit_note(is_author=False, written_at=written_at, now=now)


@pytest.mark.parametrize(("count", "ninetieth"), [(1, 1), (2, 2), (10, 9), (11, 10), (20, 18), (100, 90)])
def test_the_ninetieth_percentile_is_a_value_somebody_had(count: int, ninetieth: int) -> None:
    found = rules.attained([float(number) for number in range(count, 0, -1)], [1.5] * count)
    assert found is not None
    assert (found.count, found.ninetieth, found.in_time) == (count, ninetieth, 1)
    assert found.median == (count + 1) / 2


def test_what_came_by_the_public_form_is_asked_nothing() -> None:
    """Nobody could answer: its receiver asks the person, by the contact that was given."""
    here = {"actor": rules.RECEIVER, "state": "acknowledged", "mode": "cold"}
    assert "ask" in rules.actions_for(**here)
    assert "ask" not in rules.actions_for(**here, has_sender=False)
    assert rules.leads_to(action="ask", **here, has_sender=False) is None


@given(until=MOMENTS, hours=st.integers(1, 80), minutes=st.sampled_from((0, 20, 59)))
def test_a_clock_is_set_back_by_what_it_has_run(until: datetime, hours: int, minutes: int) -> None:
    run = timedelta(hours=hours, minutes=minutes)
    began = rules.began_before(until, run, HOLIDAYS)
    assert rules.worked_between(began, until, HOLIDAYS) == run
    wall = began.astimezone(LONDON)
    assert wall.weekday() < 5 and wall.date() not in HOLIDAYS and time(9) <= wall.time() < time(17)


def test_a_clock_that_has_not_run_began_now_and_one_of_more_than_half_a_year_is_no_clock() -> None:
    until = datetime(2026, 11, 28, 3, tzinfo=UTC)  # a Saturday night
    assert rules.began_before(until, timedelta(), HOLIDAYS) == until
    with pytest.raises(ValueError, match="half a year"):
        rules.began_before(until, timedelta(hours=8 * 200), HOLIDAYS)
    # The half year is 183 days, the last of them among them.
    friday, first = datetime(2026, 11, 27, 17, tzinfo=UTC), date(2026, 5, 29)
    off = [first + timedelta(days=1 + day) for day in range(182)]
    assert rules.began_before(friday, timedelta(hours=8), off) == at(first, 9)
    with pytest.raises(ValueError, match="half a year"):
        rules.began_before(friday, timedelta(hours=8), [*off, first])
    # To the minute: a whole day before five, and a minute more is of the day before.
    five = datetime(2026, 11, 26, 17, tzinfo=UTC)
    assert rules.began_before(five, timedelta(hours=8), HOLIDAYS) == datetime(2026, 11, 26, 9, tzinfo=UTC)
    more = rules.began_before(five, timedelta(hours=8, minutes=1), HOLIDAYS)
    assert more == datetime(2026, 11, 25, 16, 59, tzinfo=UTC)
