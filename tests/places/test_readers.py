"""Readers of other people's lists: what is taken, what is refused, and what is passed over."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.places.hours import Span
from inclusion_app.places.readers import READERS, Options, Reading, Unusable
from inclusion_app.places.readers import rows as shared
from inclusion_app.places.readers.osm import kinds_of_tags, point_of
from inclusion_app.places.readers.osm_hours import read_osm_hours
from inclusion_app.places.readers.own_csv import read_facilities
from inclusion_app.places.readers.rows import clean, kinds_in_words, phone_number, web_address

TODAY = date(2026, 11, 24)


def read(name: str, content: Any, kind: str = "") -> Reading:
    data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return READERS[name](data, Options(TODAY, kind))


def reasons(found: list[Any]) -> list[str]:
    return [str(item) for item in found]


# --- whole files


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("osm", b"name,kinds\n", "not JSON"),
        ("osm", b'{"type": "Feature"}', "FeatureCollection"),
        ("osm", b'{"elements": []}', "raw Overpass JSON"),
        ("osm", b'{"type": "FeatureCollection", "features": {}}', "no list of features"),
        ("osm", b"[1, NaN]", "NaN"),
        ("osm", b"[" * 200_000, "nested too deep"),
        ("hsds", b'{"type": "FeatureCollection", "features": []}', "not Open Referral"),
        ("hsds", b'"text"', "not Open Referral"),
        ("csv", b"", "empty"),
        ("csv", b"title,postcode\nOne,M1 1AD\n", "no column named name; the columns are: title, postcode"),
        ("csv", "name\nCaf\xe9\n".encode("latin-1"), "not UTF-8"),
        ("librarieshacked", b"name\nOne\n", "no column named Library name, Postcode"),
    ],
)
def test_a_broken_file_is_refused_whole_with_a_reason(name: str, data: bytes, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        READERS[name](data, Options(TODAY))


@pytest.mark.parametrize("name", sorted(READERS))
@given(data=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_whole(name: str, data: bytes) -> None:
    try:
        assert READERS[name](data, Options(TODAY)).rows is not None
    except Unusable as err:
        assert str(err)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "name",
                    "properties",
                    "geometry",
                    "type",
                    "coordinates",
                    "tags",
                    "amenity",
                    "location",
                    "status",
                ]
                + [
                    "service_at_locations",
                    "schedules",
                    "addresses",
                    "attributes",
                    "taxonomy_term",
                    "freq",
                    "byday",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_entries_of_any_shape_are_answered_never_raised(value: Any) -> None:
    features = {"type": "FeatureCollection", "features": [value]}
    osm, hsds = read("osm", features), read("hsds", [value], "wifi")
    for found in (osm, hsds):
        assert len(found.rows) + len(found.refused) + len(found.passed_over) >= 1


def test_too_many_entries_and_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST_ROWS", 2)
    with pytest.raises(Unusable, match="more than 2 lines"):
        read("csv", "name,kinds\n" + "One,wifi\n" * 3)
    with pytest.raises(Unusable, match="more than 2 entries"):
        read("osm", {"type": "FeatureCollection", "features": [{}, {}, {}]})
    monkeypatch.setattr(shared, "MOST_BYTES", 10)
    with pytest.raises(Unusable, match="larger than"):
        read("csv", "name,kinds\nOne,wifi\n")


# --- small things


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (None, ""),
        (" two\n lines\t", "two lines"),
        ("nul\x00 and \ud800half", "nul and half"),
        ("turn\u202eed", "turned"),
        ("كتابخانه\u200cها", "كتابخانه\u200cها"),
    ],
)
def test_text_is_cleaned(text: str | None, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.org/a?b=c", "https://example.org/a?b=c"),
        ("www.example.org/here", "https://www.example.org/here"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ('https://example.org/"onclick="x', ""),
        ("not a page", ""),
    ],
)
def test_only_web_addresses_become_links(text: str, address: str) -> None:
    assert web_address(text) == address


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+44 161 496 0000;+44 161 496 0001", "+44 161 496 0000"),
        ("0161 496 0000", "0161 496 0000"),
        ("ask", ""),
    ],
)
def test_the_first_phone_number_is_taken(text: str, number: str) -> None:
    assert phone_number(text) == number


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("Example Library", ["library"]),
        ("Rhyme time at Example Library", []),
        ("Toy library", []),
        ("Example Repair Café", ["repair_cafe"]),
        ("Hackspace Example", ["makerspace"]),
        ("Laptop lending", ["device_bank"]),
        ("Digital skills for all", ["online_centre"]),
        ("Yoga", []),
    ],
)
def test_a_name_gives_its_kind_away_or_not(name: str, kinds: list[str]) -> None:
    assert kinds_in_words(name) == kinds


# --- OpenStreetMap: hours


def test_a_week_with_bank_holidays_is_read() -> None:
    hours = read_osm_hours("Mo-We 9:00-17:00; We 10:00-12:00,13:00-15:00; Tu off; Sa[3] 10:00-12:00; PH off")
    assert hours.holiday_rule == "closed"
    assert hours.spans == (
        Span(0, time(9), time(17)),
        Span(2, time(10), time(12)),
        Span(2, time(13), time(15)),
        Span(5, time(10), time(12), nth=3),
    )


def test_a_comma_adds_where_a_semicolon_replaces() -> None:
    assert len(read_osm_hours("Mo 09:00-12:00, Mo 13:00-17:00").spans) == 2
    assert read_osm_hours("Mo 09:00-12:00; Mo 13:00-17:00").spans == (Span(0, time(13), time(17)),)


def test_times_without_days_hold_every_day_and_on_bank_holidays_when_said() -> None:
    hours = read_osm_hours("10:00-16:00; PH 11:00-12:00")
    assert len(hours.spans) == 7
    assert (hours.holiday_rule, hours.holiday_spans) == ("spans", (Span(0, time(11), time(12)),))


@pytest.mark.parametrize(
    "text",
    [
        "24/7",
        'Mo-Fr "by appointment"',
        "Apr-Sep: Mo-Fr 09:00-17:00",
        "Mo-Fr 09:00-17:00; SH off",
        "Mo sunrise-sunset",
        "Mo 17:00+",
        "Mo 09:00-26:00",
        "Mo 09:00-09:00",
        "Sa 09:00-17:00; Sa[1] 09:00-20:00",
        "open",
        "Xx 09:00-17:00",
    ],
)
def test_hours_that_cannot_be_said_exactly_are_not_read_at_all(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_osm_hours(text)


# --- OpenStreetMap: features


def feature(tags: dict[str, Any], osm_id: str | None = "node/1", at: Any = None) -> dict[str, Any]:
    geometry = at or {"type": "Point", "coordinates": [-2.22, 53.45]}
    return {"type": "Feature", "id": osm_id, "properties": tags, "geometry": geometry}


def osm(*features: Any, **more: Any) -> Reading:
    return read("osm", {"type": "FeatureCollection", "features": list(features), **more})


LIBRARY = {"amenity": "library", "name": "Example Library"}


def test_a_flat_feature_is_read_with_all_its_facts() -> None:
    tags = LIBRARY | {
        "addr:housenumber": "1",
        "addr:street": "High Street",
        "addr:postcode": "m14 5rq",
        "contact:phone": "0161 496 0000",
        "website": "https://example.org",
        "wheelchair": "limited",
        "internet_access": "wlan;terminal",
        "internet_access:fee": "no",
        "opening_hours": "Mo 09:00-17:00; PH off",
        "@timestamp": "2025-03-01T00:00:00Z",
    }
    [row] = osm(feature(tags), timestamp="2026-11-20T09:00:00Z").rows
    assert (row["line"], row["part"], row["id"]) == (1, "feature", "node/1")
    assert (row["lat"], row["lng"], row["postcode"]) == (53.45, -2.22, "m14 5rq")
    assert (row["address"], row["phone"]) == ("1 High Street", "0161 496 0000")
    assert row["source_address"] == "https://www.openstreetmap.org/node/1"
    assert (row["source_on"], row["read_on"]) == ("2025-03-01", "2026-11-20")
    assert (row["spans"], row["holiday_rule"]) == ((Span(0, time(9), time(17)),), "closed")
    assert {name: value for name, value, *_rest in row["facilities"]} == {
        "wifi": "yes",
        "computers": "yes",
        "step_free": "not_known",
    }


def test_a_nested_way_stands_at_the_middle_of_its_area() -> None:
    ring = [[-2.2, 53.4], [-2.1, 53.4], [-2.1, 53.5], [-2.2, 53.5], [-2.2, 53.4]]
    given = {
        "type": "Feature",
        "properties": {
            "type": "way",
            "id": 7,
            "tags": LIBRARY,
            "meta": {"timestamp": "2024-01-02T00:00:00Z"},
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    [row] = osm(given).rows
    assert (row["id"], row["lat"], row["lng"], row["source_on"]) == ("way/7", 53.45, -2.15, "2024-01-02")


def test_the_largest_part_of_a_place_in_parts_counts() -> None:
    small = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    large = [[[10, 10], [20, 10], [20, 20], [10, 20], [10, 10]]]
    assert point_of({"type": "MultiPolygon", "coordinates": [small, large]}) == (15, 15)
    assert point_of({"type": "LineString", "coordinates": [[0, 0], [2, 4]]}) == (2, 1)
    assert point_of({"type": "Polygon", "coordinates": [[[1, 2], [1, 2], [1, 2]]]}) == (2, 1)


@pytest.mark.parametrize(
    ("tags", "kinds"),
    [
        ({"amenity": "library"}, ["library"]),
        ({"leisure": "hackerspace", "name": "Example"}, ["makerspace"]),
        ({"leisure": "hackerspace", "name": "Example FabLab"}, ["fablab"]),
        ({"repair": "assisted_self_service"}, ["repair_cafe"]),
        ({"amenity": "community_centre", "name": "Example Repair Café"}, ["repair_cafe"]),
        ({"amenity": "cafe", "name": "The Repair Cafe"}, []),
        ({"amenity": "internet_cafe"}, []),
        ({"amenity": "internet_cafe", "fee": "no"}, ["wifi"]),
        ({"amenity": "cafe", "internet_access": "wlan", "internet_access:fee": "no"}, []),
        ({"amenity": "townhall", "internet_access": "wlan", "internet_access:fee": "no"}, ["wifi"]),
        ({"amenity": "townhall", "internet_access": "wlan"}, []),
        ({"amenity": "community_centre"}, []),
        ({"amenity": "community_centre", "internet_access": "terminal"}, ["online_centre"]),
        ({"office": "government", "name": "Jobcentre Plus"}, ["jobcentre"]),
        ({"disused:amenity": "library"}, []),
    ],
)
def test_tags_say_what_a_feature_is(tags: dict[str, str], kinds: list[str]) -> None:
    assert kinds_of_tags(tags) == kinds


def test_paid_or_unknown_wifi_is_not_called_free() -> None:
    for fee, value in (("yes", "no"), ("customers", "not_known")):
        [row] = osm(feature(LIBRARY | {"internet_access": "wlan", "internet_access:fee": fee})).rows
        assert [fact[:2] for fact in row["facilities"]] == [("wifi", value)]


def test_features_with_a_fault_are_named_and_the_others_still_taken() -> None:
    found = osm(
        feature({"amenity": "library"}),
        feature(LIBRARY, osm_id=None),
        feature(LIBRARY, at={"type": "Point", "coordinates": ["west", 53]}),
        {"type": "Feature", "properties": LIBRARY | {"@id": "node/4"}, "geometry": None},
        "a feature",
        feature({"amenity": "bench", "name": "Bench"}),
        feature(LIBRARY | {"access": "private"}),
        feature(LIBRARY, osm_id="node/8"),
    )
    assert reasons(found.refused) == [
        "feature 1: has no name",
        "feature 2: Example Library: has no OpenStreetMap id such as node/123",
        "feature 3: Example Library: has no point on the map",
        "feature 4: Example Library: has no point on the map",
        "feature 5: is not a feature with properties",
    ]
    assert [item.line for item in found.passed_over] == [6, 7]
    assert [row["id"] for row in found.rows] == ["node/8"]


def test_hours_nobody_can_read_are_left_out_and_said() -> None:
    [row] = osm(feature(LIBRARY | {"opening_hours": "by appointment"})).rows
    assert "spans" not in row
    assert row["notes"] == ("opening times left out, they cannot be read: by appointment",)


# --- Open Referral UK


def service(**more: Any) -> dict[str, Any]:
    location = {
        "id": "loc-1",
        "location_type": "physical",
        "name": "Example Hall",
        "latitude": 53.45,
        "longitude": "-2.22",
        "addresses": [
            {"address_1": "PO Box 1", "postal_code": "M1 1AD", "address_type": "postal"},
            {
                "address_1": "1 High St",
                "city": "Manchester",
                "postal_code": "M14 5RQ",
                "address_type": "physical",
            },
        ],
        "accessibility": [{"description": "Level access at the front. The stage is not step-free."}],
    }
    return {
        "id": "ser-1",
        "name": "Digital skills drop-in",
        "status": "active",
        "url": "https://example.org/drop-in",
        "assured_date": "2026-01-02",
        "organization": {"name": "Example", "website": "https://example.org"},
        "phones": [{"number": "0161 496 0000"}],
        "service_at_locations": [{"id": "sal-1", "location": location}],
        "schedules": [
            {"freq": "WEEKLY", "byday": "MO,WE", "opens_at": "10:00:00", "closes_at": "12:00"},
            {"freq": "MONTHLY", "byday": "3SA", "opens_at": "10:00", "closes_at": "13:00"},
            {
                "freq": "WEEKLY",
                "byday": "SU",
                "opens_at": "09:00",
                "closes_at": "10:00",
                "valid_to": "2025-01-01",
            },
            {
                "service_at_location_id": "sal-2",
                "freq": "WEEKLY",
                "byday": "TU",
                "opens_at": "09:00",
                "closes_at": "10:00",
            },
        ],
    } | more


@pytest.mark.parametrize("wrap", ["page", "list", "one"])
def test_a_service_is_read_from_each_shape(wrap: str) -> None:
    shapes = {"page": {"total_pages": 1, "contents": [service()]}, "list": [service()], "one": service()}
    [row] = read("hsds", shapes[wrap]).rows
    assert (row["id"], row["name"], row["kinds"]) == (
        "sal-1",
        "Digital skills drop-in, Example Hall",
        "online_centre",
    )
    assert (row["address"], row["postcode"]) == ("1 High St, Manchester", "M14 5RQ")
    assert (row["lat"], row["lng"], row["phone"], row["source_on"]) == (
        53.45,
        -2.22,
        "0161 496 0000",
        "2026-01-02",
    )
    assert row["spans"] == (
        Span(0, time(10), time(12)),
        Span(2, time(10), time(12)),
        Span(5, time(10), time(13), nth=3),
    )
    assert [fact[:2] for fact in row["facilities"]] == [("step_free", "yes")]


def test_what_service_at_locations_answers_is_read_too() -> None:
    whole = service()
    [inner] = whole.pop("service_at_locations")
    [row] = read("hsds", {"contents": [inner | {"service": whole}]}).rows
    assert (row["id"], row["postcode"]) == ("sal-1", "M14 5RQ")


def test_a_subject_heading_says_the_kind_and_what_is_there() -> None:
    terms = [{"taxonomy_term": {"name": "Repair café"}}, {"taxonomy_term": {"term": "computers"}}]
    [row] = read("hsds", service(name="Mend it", attributes=terms)).rows
    assert row["kinds"] == "repair_cafe"
    assert ("computers", "yes") in [fact[:2] for fact in row["facilities"]]


@pytest.mark.parametrize(
    ("more", "refused", "says"),
    [
        ({"name": ""}, True, "has no name"),
        ({"service_at_locations": []}, True, "no place in it"),
        ({"status": "inactive"}, False, "is inactive"),
        ({"name": "Yoga"}, False, "none of our kinds"),
        ({"service_at_locations": [{"location": {"location_type": "virtual"}}]}, False, "nowhere to go to"),
        ({"id": "", "service_at_locations": [{"location": {"name": "Hall"}}]}, True, "has no id"),
    ],
)
def test_services_that_are_not_taken_say_why(more: dict[str, Any], refused: bool, says: str) -> None:
    found = read("hsds", [service(**more), service()])
    [item] = found.refused if refused else found.passed_over
    assert (item.line, says in item.reason) == (1, True)
    assert len(found.rows) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"freq": "YEARLY"},
        {"interval": 2},
        {"byday": ""},
        {"byday": "1MO"},
        {"opens_at": "ten"},
        {"closes_at": "10:00"},
        {"bymonthday": "2"},
        {"freq": "MONTHLY"},
    ],
)
def test_a_schedule_that_cannot_be_said_leaves_out_all_hours(change: dict[str, Any]) -> None:
    plain = {"freq": "WEEKLY", "byday": "MO", "opens_at": "10:00", "closes_at": "12:00"}
    rows = [plain, plain | {"byday": "TU"} | change]
    [row] = read("hsds", service(schedules=rows)).rows
    assert "spans" not in row
    assert row["notes"][0].startswith("opening times left out")


def test_one_page_of_several_is_said() -> None:
    found = read("hsds", {"total_pages": 3, "contents": [service()]})
    assert found.notes == ["this is one of 3 pages; import each of them"]


def test_a_kind_can_be_said_for_all() -> None:
    [row] = read("hsds", service(name="Yoga"), kind="adult_learning").rows
    assert row["kinds"] == "adult_learning"


# --- CSV


def test_columns_have_other_names_too_and_lines_count_from_the_header() -> None:
    found = read("csv", 'Name,Kind,Latitude,Longitude,Colour\n"Two\nlines",wifi,53.4,-2.2,red\n\nB,wifi,,,\n')
    assert [(row["line"], row["name"], row["lat"]) for row in found.rows] == [
        (3, "Two lines", "53.4"),
        (5, "B", ""),
    ]
    assert "Colour" not in found.rows[0]


def test_bad_lines_are_named_and_the_others_still_taken() -> None:
    found = read("csv", "name,kinds\n,wifi\nPlain Hall,\nA,wifi,extra\nGood Library,\nShort\n", "")
    assert reasons(found.refused) == [
        "line 2: has no name",
        "line 3: Plain Hall: no kind; fill in `kinds` or say --kind",
        "line 4: has 3 cells for 2 columns",
        "line 6: Short: no kind; fill in `kinds` or say --kind",
    ]
    assert [(row["name"], row["kinds"]) for row in found.rows] == [("Good Library", "library")]


def test_facilities_are_read_long_and_short() -> None:
    long = "wifi yes high 2025-06 https://example.org/a;b; printing not_known medium - -"
    assert read_facilities(long) == [
        ("wifi", "yes", "https://example.org/a;b", "2025-06", "high"),
        ("printing", "not_known", "", "", "medium"),
    ]
    assert read_facilities("computers; step_free=no") == [
        ("computers", "yes", None, None, None),
        ("step_free", "no", None, None, None),
    ]
    with pytest.raises(ValueError, match="cannot read the facility"):
        read_facilities("wifi maybe")


def test_a_list_of_libraries_gives_staffed_and_unstaffed_hours() -> None:
    found = read(
        "librarieshacked",
        "Local authority,Library name,Postcode,Address 1,Address 3,Year closed,Monday staffed hours,"
        "Monday unstaffed hours\n"
        "Example Council,Central Library,M1 1AD,1 Road,Town,,09:00-12:00,12:00-18:00\n"
        "Example Council,Old Library,M1 1AD,,,2012,,\n"
        "Example Council,,M1 1AD,,,,,\n",
    )
    [row] = found.rows
    assert (row["id"], row["address"]) == ("example council/central library", "1 Road, Town")
    assert (row["hours"], row["hours_self_service"]) == ("Mo 09:00-12:00", "Mo 12:00-18:00")
    assert reasons(found.passed_over) == ["line 3: Old Library: closed in 2012"]
    assert reasons(found.refused) == ["line 4: has no name"]
