"""The box, the geocoder, the distances, the import: on the real pack."""

from __future__ import annotations

import math
import random
import unicodedata
from datetime import UTC, date, datetime, time

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from inclusion_app.core.db import reading, transaction
from inclusion_app.core.geo import is_inside, metres_between, walk_minutes
from inclusion_app.places import names, pack, queries, services
from inclusion_app.places.edges import all_edges
from inclusion_app.places.hours import Answer, is_open_late, status_at
from inclusion_app.places.models import OpeningException, OpeningSpan, PackState, Place, PostcodePoint
from inclusion_app.places.postcodes import (
    Name,
    Outcode,
    Postcode,
    area_key,
    postcode_key,
    postcode_of_key,
    read_where,
)
from inclusion_app.places.queries import Filters, NotFound, Where
from inclusion_app.places.row_facts import Action
from inclusion_app.places.rules import area_to_keep
from inclusion_app.places.views import OPEN_WISHES, SHOWN_FACILITIES

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)
WITHINGTON = Where(53.436, -2.2263, "M20 3BN", "Withington")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("m14 5rq", Postcode("M14", "5RQ")),
        (" M145RQ ", Postcode("M14", "5RQ")),
        ("M14-5RQ", Postcode("M14", "5RQ")),
        ("M١٤ ٥RQ", Postcode("M14", "5RQ")),
        ("Ｍ１４", Outcode("M14")),
        ("OL1 IAA", Postcode("OL1", "1AA")),
        ("Gorton & Abbey Hey", Name("Gorton & Abbey Hey", "gorton and abbey hey")),
        ("   ", None),
    ],
)
def test_the_box_reads_what_people_type(typed: str, read: object) -> None:
    assert read_where(typed) == read


@given(st.sampled_from(["M14 5RQ", "OL16 1AA", "M1 1AD", "SK1 3XE", "WN7 1DR"]))
def test_a_postcode_is_a_whole_number_and_back(text: str) -> None:
    read = read_where(text)
    assert isinstance(read, Postcode)
    assert postcode_of_key(postcode_key(read)) == read


def test_distance_agrees_with_the_law_of_cosines_to_the_metre() -> None:
    for other in ((53.4800, -2.2400), (53.3799, -2.2650), (53.53, -2.10)):
        a, b = (math.radians(53.4576), math.radians(other[0]))
        delta = math.radians(other[1] + 2.2417)
        cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(delta)
        assert metres_between(53.4576, -2.2417, *other) == pytest.approx(
            6_371_008.8 * math.acos(cosine), abs=1
        )
    assert walk_minutes(100) == 5
    assert walk_minutes(601) == 15


def test_a_point_is_found_in_its_ward() -> None:
    square = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0), (0.0, 0.0)]
    assert is_inside(1, 1, square)
    assert not is_inside(3, 1, square)


def test_the_pack_is_what_its_list_says() -> None:
    for name, facts in pack.describe().items():
        assert pack.digest(name) == facts["sha256"], name
        assert facts["licence"]
        assert facts["source"]
    assert sum(1 for _row in pack.read_postcodes()) == 72_141
    libraries = list(pack.read_table("libraries.csv"))
    assert len(libraries) == 22
    assert sum(row["self_service_entry"] == "yes" for row in libraries) == 5
    assert sum(row["sources_differ"] == "yes" for row in libraries) == 12


def test_postcode_points_lie_in_the_outline_of_their_ward() -> None:
    outlines = {row["code"]: row["outline"] for row in pack.read_table("wards.csv") if row["outline"]}
    assert len(outlines) == 32
    import json

    rings = {code: [tuple(point) for point in json.loads(text)] for code, text in outlines.items()}
    mine = [row for number, row in enumerate(pack.read_postcodes()) if row[3] in rings and number % 7 == 0]
    inside = sum(is_inside(lat / 1e5, lng / 1e5, rings[ward]) for _code, lat, lng, ward in mine)
    assert inside / len(mine) > 0.99


def find(app: Flask, text: str) -> Where | NotFound | None:
    with app.app_context(), transaction() as session:
        return queries.find_where(session, text)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("SW1A 1AA", "outside"),
        ("LS1", "outside"),
        ("EH1 1AA", "outside"),
        ("M10 7AA", "unknown_outcode"),
        ("M10", "unknown_outcode"),
        ("M14 5", "half_postcode"),
        ("Nowhere at all", "unknown_name"),
    ],
)
def test_what_is_not_found_says_why(app: Flask, typed: str, reason: str) -> None:
    assert find(app, typed) == NotFound(reason)


def test_an_unknown_postcode_names_its_own_first_half(app: Flask) -> None:
    assert find(app, "M14 9ZZ") == NotFound("unknown_postcode", "M14")


@pytest.mark.parametrize(
    ("typed", "district"),
    [("L1 8JQ", "Wigan"), ("PR1", "Wigan"), ("CW8 1AA", "Trafford"), ("SK17", "Stockport")],
)
def test_outside_but_not_far_names_the_nearest_district(app: Flask, typed: str, district: str) -> None:
    assert find(app, typed) == NotFound("outside_nearby", district)


@pytest.mark.parametrize(
    ("typed", "district", "unsure"),
    [
        ("SK23 7AA", "Stockport", False),
        ("SK23", "Stockport", False),
        ("WA16 6DE", "Trafford", False),
        ("BB4 8AA", "Bury", False),
        ("WN8 6AA", "Wigan", False),
        ("OL14 9ZZ", "Rochdale", True),
        ("WA13 9ZZ", "Trafford", True),
        ("SK22 9ZZ", "Stockport", True),
    ],
)
def test_near_the_edge_the_edge_answers(app: Flask, typed: str, district: str, unsure: bool) -> None:
    where = find(app, typed)
    assert isinstance(where, Where)
    assert (where.outside, where.unsure, where.rough) == (district, unsure, True)
    assert where.name == typed.partition(" ")[0]
    assert queries.where_of_near(where.as_near()) == where
    with app.app_context(), transaction() as session:
        assert queries.nearest_district(session, where) == district
        found, _total = queries.find_places(session, where=where, filters=Filters(), now=NOW)
    assert all(item.from_edge for item in found)


def test_the_area_kept_with_a_plan_still_says_that_it_is_outside(app: Flask) -> None:
    where = find(app, "SK23 7AA")
    assert isinstance(where, Where)
    kept = area_to_keep(where.as_near())
    assert kept is not None
    again = queries.where_of_near(kept.near)
    assert again is not None
    assert again.outside == "Stockport"
    assert kept.words == "SK23"


def test_a_postcode_inside_is_not_called_outside(app: Flask) -> None:
    for typed in ("SK22 4PL", "WA15 8AA", "M14 5RQ", "OL14"):
        where = find(app, typed)
        if isinstance(where, Where):
            assert not where.outside or where.unsure, typed


def test_every_edge_stands_in_the_district_it_names() -> None:
    wards = {row["code"]: row["district"] for row in pack.read_table("wards.csv")}
    districts = set(wards.values())
    assert all_edges()
    for start, edge in all_edges().items():
        assert edge.kind in {"near", "area", "inside"}, start
        assert edge.district in districts, start
        assert (edge.kind == "near") == bool(edge.ward), start
        assert not edge.ward or wards[edge.ward] == edge.district, start


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("گورٹن", "Gorton"),
        ("غورتون", "Gorton"),
        ("جورتون", "Gorton"),
        ("لانگسائٹ", "Longsight"),
        ("لانگ  سائٹ", "Longsight"),
        ("لانگ سا\u0626ٹ", "Longsight"),
        ("بيكاديلي", "Piccadilly"),
        ("بیکادیلی", "Piccadilly"),
        ("كلايتون", "Clayton"),
        ("کلایتون", "Clayton"),
        ("گُورٹَن", "Gorton"),
        ("أنكوتس", "Ancoats"),
        ("انكوتس", "Ancoats"),
        ("ودن شا", "Wythenshawe"),
        ("مانچسٹر", "Manchester"),
        ("مانشستر", "Manchester"),
        ("رشھوم", "Rusholme"),
        ("لیونزہ", "Levenshulme"),
        ("Manchester", "Manchester"),
        ("stockport", "Stockport"),
    ],
)
def test_names_are_found_in_other_letters_however_they_are_typed(app: Flask, typed: str, name: str) -> None:
    found = find(app, typed)
    assert isinstance(found, Where), typed
    assert found.name == name


def test_every_written_form_is_found_and_stands_for_one_name(app: Flask) -> None:
    taken: dict[str, str] = {}
    with app.app_context(), transaction() as session:
        for name, forms in names.all_written().items():
            for form in (form for some in forms.values() for form in some):
                found = queries.find_where(session, form)
                assert isinstance(found, Where), form
                assert found.name == name, form
                assert taken.setdefault(area_key(form), name) == name, form


def test_every_name_to_pick_has_a_form_in_urdu_and_arabic_letters(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        own, around = queries.names_to_pick(session)
    assert len(own) == 52
    assert len(around) == 10
    for code, script in (("ur", "ARABIC"), ("ar", "ARABIC")):
        for name in own + around:
            form = names.written(name, code)
            assert form, (name, code)
            assert all(unicodedata.name(sign).startswith(script) for sign in form if sign != " "), form
    assert names.written("Gorton", "en") == ""


def test_names_stand_in_the_order_of_the_readers_alphabet() -> None:
    some = ["Gorton", "Ancoats", "Beswick", "Hulme", "Piccadilly", "Ardwick"]
    assert [letter for letter, _group in names.in_order(some, "en")] == list("ABGHP")
    assert [letter for letter, _group in names.in_order(some, "ur")] == list("ابپگہ")
    [(_letter, first), *_rest] = names.in_order(some, "ur")
    assert {item.name for item in first} == {"Ancoats", "Ardwick"}


def test_the_nearest_twenty_agree_with_an_own_great_circle_sum_from_200_postcodes(app: Flask) -> None:
    """The database sorts by flat sums; the cosine law on a sphere must give the same order, to the metre."""

    def cosine(lat: float, lng: float, place: Place) -> float:
        assert place.lat is not None and place.lng is not None  # noqa: PT018
        a, b = math.radians(lat), math.radians(place.lat)
        sum_ = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(math.radians(place.lng - lng))
        return 6_371_008.8 * math.acos(min(1.0, sum_))

    picked = random.Random(200).sample(list(pack.read_postcodes()), 200)
    with app.app_context(), transaction() as session:
        every = [place for place in session.query(Place) if place.lat is not None]
        for postcode, lat, lng, _ward in picked:
            where = queries.find_where(session, str(postcode))
            assert isinstance(where, Where)
            found, _total = queries.find_places(session, where=where, filters=Filters(), now=NOW, size=100)
            mine = [item for item in found if item.metres is not None]
            true = sorted(cosine(lat / 1e5, lng / 1e5, place) for place in every)
            assert len(mine) == len(every)
            for item, metres in zip(mine, true, strict=True):
                assert cosine(lat / 1e5, lng / 1e5, item.place) == pytest.approx(metres, abs=1), postcode
                assert item.metres == pytest.approx(metres, abs=1), postcode


def test_each_filter_that_is_offered_changes_the_list(app: Flask) -> None:
    with app.app_context(), transaction() as session:

        def count(filters: Filters) -> int:
            return queries.find_places(session, where=None, filters=filters, now=NOW)[1]

        every = count(Filters())
        offered = [Filters(kind=kind) for kind in queries.kinds_with_data(session)]
        offered += [Filters(open=wish) for wish in OPEN_WISHES]
        facilities = queries.facilities_with_data(session) & set(SHOWN_FACILITIES)
        assert facilities == {"wifi", "computers", "data_sim", "device_donation", "staff_help", "tools"}
        offered += [Filters(facilities=(name,)) for name in facilities]
        for filters in offered:
            assert 0 < count(filters) < every, filters
        assert count(Filters(kind="library", facilities=("tools",))) == 0


def test_what_is_loaded_is_counted_truly_and_a_part_that_changed_loads_the_whole(app: Flask) -> None:
    counts = {name: facts["rows"] for name, facts in pack.describe().items()}
    with app.app_context(), transaction() as session:
        for state in session.query(PackState):
            assert state.rows == counts[state.name], state.name
        assert {state.name for state in session.query(PackState)} == set(services.LOADERS)
        for name, part in (("libraries.csv", "library_facilities.csv"), ("neighbourhoods.csv", "names.csv")):
            fresh = {table: pack.digest(table) for table in pack.describe()} | {part: "new"}
            assert services.digest_of_all(name, fresh.__getitem__) != services.digest_of_all(name)


def test_a_place_cannot_take_the_address_of_a_page(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        row = {
            "name": "Areas",
            "kinds": "library",
            "licence": "x",
            "read_on": "2026-11-23",
            "confidence": "medium",
        }
        row["source_address"] = "https://example.org"
        report = services.import_places(session, [row], source_name="x", now=NOW)
        assert report.taken == 1, report.refused
        assert session.query(Place).filter_by(name="Areas").one().slug == "areas-2"


def test_a_look_alike_area_letter_is_mended(app: Flask) -> None:
    for typed, sector in (("ml4 5rq", "M14 5"), ("m2o 3bn", "M20 3")):
        found = find(app, typed)
        assert isinstance(found, Where), typed
        assert found.sector == sector


def test_a_full_postcode_is_not_among_what_is_kept(app: Flask) -> None:
    found = find(app, "M14 5RQ")
    assert isinstance(found, Where)
    assert "5RQ" not in str(found.as_near())
    assert found.ward


def test_names_and_outcodes_stand_for_their_middle(app: Flask) -> None:
    for text in ("Gorton", "gorton and abbey hey", "Wythenshawe", "M14", "Chorlton-cum-Hardy"):
        found = find(app, text)
        assert isinstance(found, Where), text
        assert found.rough


def test_places_come_nearest_first_and_those_without_a_point_after(app: Flask) -> None:
    where = find(app, "M18 8HE")
    assert isinstance(where, Where)
    with app.app_context(), transaction() as session:
        found, total = queries.find_places(session, where=where, filters=Filters(), now=NOW, size=100)
    assert total == len(found) == 52
    metres = [item.metres for item in found if item.metres is not None]
    assert metres == sorted(metres)
    in_area = [item.place.name for item in found if item.in_area]
    assert found[0].in_area
    assert "Gorton Hub" in in_area
    assert all(item.metres is None for item in found[len(metres) + len(in_area) :])


def test_filters_narrow_and_count_what_is_true(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        libraries, total = queries.find_places(
            session, where=None, filters=Filters(kind="library"), now=NOW, size=100
        )
        assert total == 22
        now_open, _ = queries.find_places(session, where=None, filters=Filters(open="now"), now=NOW, size=100)
        with_sims, _ = queries.find_places(
            session, where=None, filters=Filters(facilities=("data_sim",)), now=NOW, size=100
        )
    assert {item.status.answer.value for item in now_open} <= {"open", "self_service"}
    assert 5 < len(now_open) <= len(libraries)
    assert all(
        any(f.name == "data_sim" and f.value == "yes" for f in item.place.facilities) for item in with_sims
    )


def test_loading_the_pack_again_changes_nothing(app: Flask) -> None:
    with app.app_context():
        with transaction() as session:
            assert services.load_city_pack(session, now=NOW) == []
        with transaction() as session:
            report = services.import_places(
                session, list(pack.read_table("places.csv")), source_name="leads", now=NOW
            )
            assert [item.text for item in report.of(*set(Action) - {Action.SAME})] == []
            assert report.taken == 30
        with transaction() as session:
            assert session.query(Place).count() == 52


def test_an_import_never_overwrites_an_edit_and_names_each_refused_line(app: Flask) -> None:
    rows = list(pack.read_table("places.csv"))
    rows[1] = {**rows[1], "hours": "Mo 9-5"}
    with app.app_context():
        with transaction() as session:
            place = session.query(Place).filter_by(name=rows[0]["name"]).one()
            place.address, place.edited_at = "Mended by hand", NOW
        with transaction() as session:
            report = services.import_places(session, rows, source_name="leads", now=NOW)
        assert report.taken == 28
        assert [item.line for item in report.kept] == [2]
        assert [item.line for item in report.refused] == [3]
        with transaction() as session:
            assert session.query(Place).filter_by(name=rows[0]["name"]).one().address == "Mended by hand"


def test_the_pack_loads_on_both_engines(both_engines: Flask) -> None:
    with transaction() as session:
        lines = services.load_city_pack(session, now=NOW)
    assert not [line for line in lines if line.startswith("  ")]
    with transaction() as session:
        assert session.query(PostcodePoint).count() == 72_141
        assert isinstance(queries.find_where(session, "M14 5RQ"), Where)


@pytest.mark.parametrize("page", [1, 2])
def test_the_same_places_in_the_same_order_on_both_engines(
    both_engines: Flask, app: Flask, page: int
) -> None:
    """Sorting is the database's work, so both have to sort alike: near ones, ward ones, names, nothing twice."""
    ways = (
        (None, Filters()),
        (WITHINGTON, Filters()),
        (WITHINGTON, Filters(kind="library")),
        (WITHINGTON, Filters(facilities=("wifi", "computers"))),
        (WITHINGTON, Filters(kind="wifi", open="late")),
    )

    def listed(made: Flask) -> list[tuple[int, list[str]]]:
        with made.app_context(), transaction() as session:
            return [
                (total, [item.place.slug for item in found])
                for found, total in (
                    queries.find_places(session, where=where, filters=filters, now=NOW, page=page)
                    for where, filters in ways
                )
            ]

    with transaction() as session:
        services.load_city_pack(session, now=NOW)
    assert listed(both_engines) == listed(app)


# 2026-11-28 is a Saturday; 25 and 26 December are holidays here; the clock goes back on 2026-10-25.
MOMENTS = [
    datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 18, 30, tzinfo=UTC),
    datetime(2026, 11, 28, 11, tzinfo=UTC), datetime(2026, 11, 24, 1, tzinfo=UTC),
    datetime(2026, 12, 25, 11, tzinfo=UTC), datetime(2026, 12, 26, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2027, 1, 4, 11, tzinfo=UTC),
]  # fmt: skip


def awkward_places() -> list[Place]:
    """Places whose hours have every shape: past midnight, one week in the month, dated, of holidays alone."""
    spans: dict[str, list[OpeningSpan]] = {
        "night": [
            OpeningSpan(weekday=0, opens=time(20), closes=time(2)),
            OpeningSpan(weekday=4, opens=time(20), closes=time(2)),
        ],
        "last": [OpeningSpan(weekday=5, opens=time(10), closes=time(12), nth=-1)],
        "members": [OpeningSpan(weekday=0, opens=time(9), closes=time(12), kind="members")],
        "card": [OpeningSpan(weekday=0, opens=time(9), closes=time(19), kind="self_service")],
        "over": [OpeningSpan(weekday=0, opens=time(9), closes=time(12), valid_until=date(2026, 1, 1))],
        "holidays": [OpeningSpan(weekday=0, opens=time(9), closes=time(12), on_holidays=True)],
        "both": [
            OpeningSpan(weekday=2, opens=time(9), closes=time(10)),
            OpeningSpan(weekday=0, opens=time(10), closes=time(12), on_holidays=True),
        ],
        "always": [OpeningSpan(weekday=day, opens=time(0), closes=time(23, 59)) for day in range(7)],
        "none": [],
        "dated": [],
    }
    rules = {"holidays": "spans", "both": "spans", "always": "as_normal"}
    made = [
        Place(
            slug=name, source_key=name, name=name, kinds="library", confidence="high", source="s", licence="l",
            read_on=NOW.date(), spans=these, holiday_rule=rules.get(name, "ask"),
        )
        for name, these in spans.items()
    ]  # fmt: skip
    made[0].exceptions = [OpeningException(day=date(2026, 11, 23), reason="moving")]
    made[-1].exceptions = [OpeningException(day=date(2026, 11, 28), opens=time(10), closes=time(13))]
    return made


def test_open_now_and_late_are_exactly_what_the_rules_say(both_engines: Flask) -> None:
    with transaction() as session:
        services.load_city_pack(session, now=NOW)
        session.add_all(awkward_places())
    with transaction() as session:
        every, days = session.query(Place).all(), queries.holidays(session)
        late, total = queries.find_places(
            session, where=None, filters=Filters(open="late"), now=NOW, size=200
        )
        assert {item.place.slug for item in late} == {
            place.slug for place in every if is_open_late(place.hours)
        }
        assert total == len(late)
        for moment in MOMENTS:
            right = {
                place.slug
                for place in every
                if status_at(place.hours, moment, days).answer in {Answer.OPEN, Answer.SELF_SERVICE}
            }
            found, total = queries.find_places(
                session, where=None, filters=Filters(open="now"), now=moment, size=200
            )
            assert {item.place.slug for item in found} == right, moment
            assert total == len(right)


def test_open_now_reads_no_whole_place_beyond_its_page(app: Flask) -> None:
    """Over 12,000 places every one of them was read with all its facts: three seconds for one page."""
    with app.app_context(), reading() as session:
        loaded: list[str] = []
        event.listen(session, "loaded_as_persistent", lambda _s, item: loaded.append(type(item).__name__))
        found, total = queries.find_places(session, where=None, filters=Filters(open="now"), now=NOW, size=5)
        assert (len(found), total > 5) == (5, True)
        assert loaded.count("Place") == 5
