"""How long clocks ran, from a history; and the page that shows sums of five and more, and nobody."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from itertools import product

import pytest
from flask import Flask

from inclusion_app.core.clock import moment, now
from inclusion_app.core.db import transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.referrals.clock_times import Change, ClockTime, clock_times
from inclusion_app.referrals.models import Referral
from inclusion_app.referrals.staff_figures_queries import _kept
from inclusion_app.referrals.staff_figures_rules import FEWEST, Shown, rounded, shown
from inclusion_app.referrals.staff_figures_views import time_words
from tests.referrals.paths import NAME, Doors

MONDAY = date(2026, 11, 23)
FIGURES = "/staff/referrals/figures"


def at(days: int, hour: int) -> datetime:
    return moment(MONDAY + timedelta(days=days), time(hour))


def times(
    *changes: tuple[str, str, datetime], until: datetime, is_urgent: bool = False
) -> dict[str, ClockTime]:
    made = [Change(*one) for one in changes]
    found = clock_times(made, is_urgent=is_urgent, now=until, holidays=frozenset())
    return {one.clock: one for one in found}


SENT = ("draft", "sent", at(0, 9))
SEEN = ("sent", "acknowledged", at(0, 12))


def test_each_clock_is_counted_in_hours_of_work() -> None:
    found = times(
        SENT, SEEN, ("acknowledged", "accepted", at(1, 10)), ("accepted", "active", at(7, 10)),
        ("active", "closed", at(8, 10)), until=at(30, 9),
    )  # fmt: skip
    assert [(one.clock, one.hours, one.limit, one.is_done) for one in found.values()] == [
        ("acknowledge", 3, 16, True), ("decide", 6, 40, True), ("contact", 32, 80, True),
    ]  # fmt: skip
    assert not any(one.is_running for one in found.values())


def test_the_time_of_a_question_is_taken_out() -> None:
    found = times(
        SENT, SEEN, ("acknowledged", "needs_info", at(0, 14)), ("needs_info", "acknowledged", at(4, 14)),
        ("acknowledged", "accepted", at(4, 15)), ("accepted", "needs_info", at(4, 16)), until=at(30, 9),
    )  # fmt: skip
    assert found["decide"].hours == 3  # two before the question, one after the answer
    assert found["contact"].hours == 1 and found["contact"].is_running


def test_who_says_yes_at_once_has_seen_and_decided_in_one_moment() -> None:
    found = times(SENT, ("sent", "accepted", at(0, 12)), until=at(1, 9))
    assert (found["acknowledge"].hours, found["decide"].hours, found["contact"].hours) == (3, 0, 5)
    assert found["decide"].is_done and not found["contact"].is_done


def test_what_nobody_did_yet_counts_so_far_and_what_lapsed_was_never_done() -> None:
    running = times(SENT, until=at(1, 11))["acknowledge"]
    assert running.hours == 10 and running.is_running and not running.is_done
    lapsed = times(SENT, ("sent", "lapsed", at(10, 17)), until=at(30, 9))["acknowledge"]
    assert lapsed.hours == 72 and not lapsed.is_running and not lapsed.is_done


@pytest.mark.parametrize("end", ["recalled", "withdrawn"])
def test_what_was_taken_back_says_nothing_of_a_clock_that_ran(end: str) -> None:
    found = times(SENT, SEEN, ("acknowledged", end, at(1, 9)), until=at(30, 9))
    assert set(found) == {"acknowledge"}


def test_an_urgent_one_has_the_day() -> None:
    assert times(SENT, SEEN, until=at(1, 9), is_urgent=True)["acknowledge"].limit == 8


def test_a_yes_from_the_waiting_list_begins_the_clock_of_the_contact() -> None:
    found = times(
        SENT, ("sent", "waitlisted", at(0, 10)), ("waitlisted", "accepted", at(7, 9)), until=at(7, 12)
    )
    assert found["decide"].hours == 0 and found["contact"].hours == 3


def test_counts_are_rounded_to_fives_and_hidden_below() -> None:
    assert [rounded(count) for count in (0, 4, 5, 7, 8, 12, 13)] == [None, None, 5, 5, 10, 10, 15]


def test_what_is_not_due_yet_stands_in_no_share() -> None:
    done, late = ClockTime("decide", 3, 40, True, False), ClockTime("decide", 50, 40, True, False)
    runs, over = ClockTime("decide", 3, 40, False, True), ClockTime("decide", 50, 40, False, True)
    kept = _kept("decide", [*[done] * 15, *[late] * 2, *[over] * 3, *[runs] * 20])
    assert kept and (kept.share, kept.count, kept.not_due) == (75, 40, 20)
    few = _kept("decide", [done] * 9)
    assert few and few.share is None and few.ninetieth is None and few.count == 10


def test_no_count_below_five_can_be_worked_out_of_what_is_shown() -> None:
    """Every house of up to 72 referrals: whatever is shown of one is shown of another with other small counts."""
    behind: dict[Shown, list[dict[str, int]]] = defaultdict(list)
    most = 72  # the last count that is shown as seventy, so no house is missing behind what is shown
    for in_time, not_in_time in product(range(most + 1), repeat=2):
        for not_due in range(most + 1 - in_time - not_in_time):
            parts = {"in_time": in_time, "not_in_time": not_in_time, "not_due": not_due}
            behind[shown(**parts)].append(parts | {"ended": in_time + not_in_time})
    assert any(seen.share is not None for seen in behind)
    for seen, houses in behind.items():
        for part in houses[0]:
            values = {house[part] for house in houses}
            assert len(values) > 1 or min(values) >= FEWEST, (seen, part, values)


def test_of_many_the_share_is_shown_also_where_nothing_else_is_left() -> None:
    assert shown(in_time=60, not_in_time=12, not_due=0).share == 85
    assert shown(in_time=5, not_in_time=7, not_due=0).share is None  # it would tell that nothing is left
    assert shown(in_time=5, not_in_time=62, not_due=0).share is None  # the last one of which that is so
    assert shown(in_time=5, not_in_time=6, not_due=0).share == 45
    assert shown(in_time=96, not_in_time=4, not_due=0).share is None


def test_hours_in_words(app: Flask) -> None:
    with app.test_request_context("/staff"):
        assert time_words(0.5) == "less than an hour" and time_words(1) == "1 hour of work"
        assert time_words(7.4) == "7 hours of work" and time_words(8) == "1 working day"
        assert time_words(20) == "2.5 working days"


def test_four_are_hidden_and_five_are_shown_to_all_who_count(app: Flask) -> None:
    doors = Doors(app)
    with app.app_context(), transaction() as session:
        people = [doors.person(session, name=f"{NAME} {n}") for n in range(5)]
    for resident_id in people[:4]:
        doors.refer("decline", resident_id=resident_id)
    shown = doors.receiver.text(FIGURES)
    assert "Blue Door" in shown and "How fast they answer" not in shown and "The service is full" not in shown
    last = doors.refer("decline", resident_id=people[4])
    for browser in (
        doors.receiver, doors.sender, doors.staff("insights_viewer", organisation="Third Door"),
        doors.staff("organisation_admin", organisation="Red Door"),
    ):  # fmt: skip
        text = browser.text(FIGURES)
        assert (
            "How fast they answer" in text
            and "not shown" in text
            and "of 100" not in text
            and "about 5" in text
        )
        assert NAME not in text and f"Referral {last}" not in text
    assert "Said no" in doors.receiver.text(FIGURES) and "Said no" not in doors.sender.text(FIGURES)
    # Older than a year: gone from the sums.
    with app.app_context(), transaction() as session:
        old = now() - timedelta(days=366)
        session.get_one(Referral, last).sent_at = old
        for change in session.query(StatusChange).filter_by(noun="referrals", row_id=last):
            change.at = old
    assert "How fast they answer" not in doors.receiver.text(FIGURES)


def test_without_a_role_that_counts_there_are_no_figures(app: Flask) -> None:
    doors = Doors(app)
    assert doors.staff("front_desk", organisation="Red Door").get(FIGURES).status_code == 403
    assert doors.staff("referrer", organisation="Red Door").get(FIGURES).status_code == 403
    assert app.test_client().get(FIGURES).status_code == 303
