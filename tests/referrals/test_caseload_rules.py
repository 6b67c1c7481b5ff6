"""What is late, what comes first, and which filters can be said at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.referrals import staff_caseload_rules as rules
from inclusion_app.referrals.staff_caseload_rules import OTHERS, US, Due, Filters, Line

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
TODAY = date(2026, 11, 27)


def on(days: int, **more: object) -> Due:
    return Due("task", 1, 1, on=TODAY + timedelta(days=days), waits=US, **more)  # type: ignore[arg-type]


def at(hours: float, kind: str = "clock", **more: object) -> Due:
    return Due(kind, 1, 1, at=NOW + timedelta(hours=hours), **more)  # type: ignore[arg-type]


def test_a_day_is_late_from_the_next_day_on_and_a_moment_at_once() -> None:
    assert not on(0).is_late(NOW) and on(-1).is_late(NOW) and not on(1).is_late(NOW)
    assert at(0).is_late(NOW) and at(-0.1).is_late(NOW) and not at(0.1).is_late(NOW)
    assert not at(-5, "session", is_firm=False).is_late(NOW)
    assert not Due("sent", 1, 1, waits=OTHERS).is_late(NOW)
    # Half past midnight of a summer day in Manchester is still the day before in UTC.
    assert Due("clock", 1, at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC)).day == date(2026, 7, 2)


def test_what_is_due_soonest_stands_first_and_nothing_last() -> None:
    late, today, later = Line(5, dues=(on(-2),)), Line(4, dues=(at(3),)), Line(3, dues=(on(9),))
    asks, nothing, waits = (
        Line(9, dues=(Due("answer", 1, 9, waits=US),)),
        Line(1),
        Line(2, dues=(Due("sent", 1, 2, waits=OTHERS),)),
    )
    same_day = Line(2, dues=(on(0),))
    mixed = [nothing, later, asks, waits, same_day, today, late]
    assert [line.resident_id for line in rules.sorted_by_due(mixed)] == [5, 4, 2, 3, 9, 1, 2]
    line = Line(1, dues=rules.in_order([Due("answer", 7, 1, waits=US), on(3), on(-1), at(1)]))
    assert [due.day for due in line.dues] == [
        TODAY - timedelta(days=1),
        TODAY,
        TODAY + timedelta(days=3),
        None,
    ]
    assert line.next == on(-1) and line.late(NOW) == [on(-1)]
    assert asks.next is not None and waits.next is None and nothing.next is None


@pytest.mark.parametrize(
    ("due", "fits"),
    [
        ("late", {-1}), ("today", {0}), ("week", {0, 6}), ("none", {None}),
    ],
)  # fmt: skip
def test_each_filter_of_time(due: str, fits: set[int | None]) -> None:
    for days in (-1, 0, 6, 7, None):
        line = Line(1, dues=(on(days),) if days is not None else (Due("answer", 1, 1, waits=US),))
        assert Filters(due=due).takes(line, NOW) == (days in fits), days
    assert Filters(due="today").takes(Line(1, dues=(on(-1), on(0))), NOW)
    assert not Filters(due="none").takes(Line(1, dues=(on(-1),)), NOW)


def test_the_other_filters() -> None:
    line = Line(1, "so", "en", "E05011368", frozenset({"device"}), (Due("sent", 1, 1, waits=OTHERS),))
    for good in (
        {"waiting": OTHERS},
        {"help": "device"},
        {"language": "so"},
        {"language": "en"},
        {"ward": "E05011368"},
    ):
        assert Filters(**good).takes(line, NOW), good
    for bad in ({"waiting": US}, {"help": "money"}, {"language": "ur"}, {"ward": "E05011369"}):
        assert not Filters(**bad).takes(line, NOW), bad


def test_filters_are_made_of_known_values_only() -> None:
    given_ = {
        "whose": "12", "due": "late", "waiting": "us", "help": "device", "language": "ur", "ward": "E05011368",
        "q": "Amina Yusuf", "name": "Amina",
    }  # fmt: skip
    known = Filters.read(given_, colleagues=[12], wards=["E05011368"])
    assert known.line == "whose=12&due=late&waiting=us&help=device&language=ur&ward=E05011368"
    assert known.colleague_id == 12 and len(known.line) <= 300
    assert Filters.read(given_).chosen == {"due": "late", "waiting": "us", "help": "device", "language": "ur"}
    assert Filters.read({"whose": "mine"}).line == "" and Filters.read({"whose": "organisation"}).line


@given(
    st.dictionaries(st.sampled_from(["whose", "due", "waiting", "help", "language", "ward", "q"]), st.text())
)
def test_nothing_typed_ever_stands_in_a_view(typed: dict[str, str]) -> None:
    kept = Filters.read(typed, colleagues=[3], wards=["E05011368"])
    again = {name: str(value) for name, value in kept.chosen.items()}
    assert Filters.read(again, colleagues=[3], wards=["E05011368"]) == kept
    allowed = {*rules.WHOSE, *rules.DUE, *rules.WAITING, *rules.HELPS, *rules.LANGUAGES, "3", "E05011368"}
    assert set(again.values()) <= allowed


def test_names_on_paper_are_short() -> None:
    assert rules.first_name("  Amina  Yusuf Abdi ") == "Amina" and rules.first_name("") == ""
    assert rules.initials("amina yusuf") == "A. Y." and rules.initials("عائشہ خان") == "ع. خ."
    assert rules.initials("") == "" and rules.initials("- O'Neil") == "O."


def test_a_sheet_is_printed_on_its_day_and_asked_after_in_a_week() -> None:
    assert rules.may_print(NOW, destroyed=False, now=NOW + timedelta(hours=5))
    assert not rules.may_print(NOW, destroyed=True, now=NOW)
    assert not rules.may_print(NOW, destroyed=False, now=NOW + timedelta(days=1))
    assert rules.looks_for(NOW, destroyed=False, now=NOW + timedelta(days=7))
    assert not rules.looks_for(NOW, destroyed=False, now=NOW + timedelta(days=6, hours=23))
    assert not rules.looks_for(NOW, destroyed=True, now=NOW + timedelta(days=70))
