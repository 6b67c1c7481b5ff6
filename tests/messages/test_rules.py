"""The safe-contact rule, route by route and hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.messages.rules import (
    BACK_OFF,
    BY_HAND,
    CHANNEL_OF,
    CHANNELS,
    LONDON,
    Route,
    SafeContact,
    Through,
    Wanted,
    choose_route,
    is_allowed,
    may_send_at,
    next_time_to_send,
    next_try,
    plain_number,
    reference_of,
)

SMS, MAIL, LETTER, CALL = (
    Route("sms", "+447700900123"),
    Route("email", "a@example.org"),
    Route("letter", "1 Any Road"),
    Route("call", "+447700900123"),
)
CASEWORKER = Route("caseworker")
ALL = (SMS, MAIL, LETTER, CALL, CASEWORKER)
HELPED = Through(7, has_consent=True)


def chosen(
    routes: tuple[Route, ...], rule: SafeContact | None = None, through: Through = HELPED, **wanted: object
) -> Route | None:
    return choose_route(
        routes,
        rule or SafeContact(),
        channels=wanted.pop("channels", CHANNELS),  # type: ignore[arg-type]
        through=through,
        wanted=Wanted(**wanted),  # type: ignore[arg-type]
    )


def test_the_first_route_of_the_person_is_taken() -> None:
    assert chosen((LETTER, SMS)) == LETTER
    assert chosen((SMS, LETTER)) == SMS
    assert chosen(()) is None


def test_a_channel_that_is_not_set_up_is_passed_over() -> None:
    assert chosen((SMS, MAIL, LETTER), channels=("email", "letter", "call")) == MAIL
    assert chosen((SMS, MAIL), channels=("letter", "call")) is None


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ({"never_call": True}, {"call"}),
        ({"no_letter": True}, {"letter"}),
        ({"not_organisations": [7]}, {"letter", "call", "caseworker"}),
        ({"no_service_name": True}, set()),
        ({"no_voicemail": True}, set()),
        ({"hours": ["10:00", "12:00"]}, set()),
        ({"hours": ["10:00"]}, set(CHANNEL_OF)),
        ({"hours": ["10:00", "10:00"]}, set(CHANNEL_OF)),
        ({"hours": ["soon", "later"]}, set(CHANNEL_OF)),
        ({"not_staff": ["x"]}, set(CHANNEL_OF)),
        (["never"], set(CHANNEL_OF)),
    ],
)
def test_each_line_of_the_rule_refuses_its_routes_and_what_cannot_be_read_refuses_all(
    rule: dict[str, object], refused: set[str]
) -> None:
    read = SafeContact.read(rule)
    found = {
        route.kind for route in ALL if not is_allowed(route, read, through=HELPED, wanted=Wanted(CHANNELS))
    }
    assert found == refused


def test_a_link_names_the_service_by_its_address() -> None:
    shy = SafeContact(no_service_name=True)
    assert chosen((SMS, MAIL, LETTER), shy, names_service=True) == LETTER
    assert chosen((SMS, MAIL), shy, names_service=True) is None
    assert chosen((SMS, MAIL), shy) == SMS


@pytest.mark.parametrize("through", [Through(), Through(7, has_consent=False)])
def test_nobody_posts_or_calls_for_whom_the_contact_is_not_shared(through: Through) -> None:
    assert chosen((LETTER, CALL, CASEWORKER), through=through) is None
    assert chosen((LETTER, MAIL), through=through) == MAIL


def test_a_route_that_failed_is_not_taken_again() -> None:
    tried = frozenset({("sms", SMS.value)})
    assert chosen((SMS, CALL), not_to=tried) == CALL


def test_a_route_without_a_number_is_none() -> None:
    assert chosen((Route("sms"), Route("letter", ""), CASEWORKER)) == CASEWORKER


rules = st.builds(
    SafeContact,
    never_call=st.booleans(),
    no_service_name=st.booleans(),
    no_voicemail=st.booleans(),
    no_letter=st.booleans(),
    hours=st.none() | st.tuples(st.times(), st.times()).filter(lambda pair: pair[0] != pair[1]),
    not_organisations=st.frozensets(st.integers(5, 8)),
    not_staff=st.frozensets(st.integers(1, 3)),
    unreadable=st.booleans(),
)
throughs = st.builds(Through, st.none() | st.integers(5, 8), st.booleans())
moments = st.timedeltas(timedelta(0), timedelta(days=1000)).map(
    lambda some: datetime(2025, 1, 1, tzinfo=UTC) + some
)


@given(
    st.lists(st.sampled_from(ALL)), rules, st.sets(st.sampled_from(CHANNELS)), throughs, st.booleans(),
    st.sets(st.sampled_from(CHANNELS)),
)  # fmt: skip
def test_no_rule_is_ever_broken_and_no_earlier_route_was_right(
    routes: list[Route], rule: SafeContact, up: set[str], through: Through, named: bool, sensible: set[str]
) -> None:
    """Said once more in other words than the code's."""

    def forbidden(route: Route) -> bool:
        by_hand = route.kind in {"letter", "call", "caseworker"}
        return (
            rule.unreadable
            or (route.kind == "call" and rule.never_call)
            or (route.kind == "letter" and rule.no_letter)
            or (by_hand and (not through.has_consent or through.organisation_id is None))
            or (by_hand and through.organisation_id in rule.not_organisations)
            or (named and rule.no_service_name and not by_hand)
            or CHANNEL_OF[route.kind] not in up & sensible
        )

    found = choose_route(routes, rule, channels=up, through=through, wanted=Wanted(sensible, named))
    right = [route for route in routes if not forbidden(route)]
    assert found == (right[0] if right else None)


@given(rules, moments)
def test_the_next_hour_is_a_right_one_and_the_soonest(rule: SafeContact, now: datetime) -> None:
    if rule.unreadable:
        assert not may_send_at(rule, now)
        with pytest.raises(ValueError, match="cannot be read"):
            next_time_to_send(rule, now)
        return
    begin = next_time_to_send(rule, now)
    assert begin >= now
    assert may_send_at(rule, begin)
    assert begin < now + timedelta(days=3)
    # Nothing in between would have been right (but where the clocks change the first minutes may be left out).
    if rule.hours is None or _clocks_change(now):
        return
    for part in range(40):
        between = (
            now + (begin - now) * part / 40
        )  # rounded to microseconds, so it may be the very moment it begins
        assert between == begin or not may_send_at(rule, between)


def _clocks_change(now: datetime) -> bool:
    days = (now + timedelta(hours=hours) for hours in (-24, 0, 24, 48, 72))
    return len({day.astimezone(LONDON).utcoffset() for day in days}) > 1


@pytest.mark.parametrize(
    ("wall", "hours", "right"),
    [
        ("2026-07-01T09:59:59+01:00", (time(10), time(12)), False),
        ("2026-07-01T10:00:00+01:00", (time(10), time(12)), True),
        ("2026-07-01T11:59:59+01:00", (time(10), time(12)), True),
        ("2026-07-01T12:00:00+01:00", (time(10), time(12)), False),
        ("2026-01-01T10:00:00+00:00", (time(10), time(12)), True),
        ("2026-07-01T23:30:00+01:00", (time(22), time(2)), True),
        ("2026-07-01T01:59:00+01:00", (time(22), time(2)), True),
        ("2026-07-01T12:00:00+01:00", (time(22), time(2)), False),
    ],
)
def test_hours_are_those_of_a_wall_clock_here(wall: str, hours: tuple[time, time], right: bool) -> None:
    assert may_send_at(SafeContact(hours=hours), datetime.fromisoformat(wall)) is right


def test_six_tries_and_then_a_person_looks() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    waits = [next_try(tries, now) for tries in range(1, 7)]
    assert waits == [now + wait for wait in BACK_OFF] + [None]
    assert [wait.total_seconds() // 60 for wait in BACK_OFF] == [1, 5, 15, 60, 240]


def test_a_reference_is_the_same_each_time_and_says_nothing() -> None:
    assert reference_of("consent 12") == reference_of("consent 12") != reference_of("consent 13")
    assert len(reference_of("x")) == 32


@pytest.mark.parametrize("text", ["07700 900123", "+44 7700 900123", "0044 7700 900123", "447700900123"])
def test_one_number_in_four_spellings(text: str) -> None:
    assert plain_number(text) == "447700900123"


def test_every_route_leads_to_a_channel() -> None:
    assert set(CHANNEL_OF.values()) == set(CHANNELS)
    assert set(CHANNELS) > BY_HAND
