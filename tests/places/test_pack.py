"""The city pack: the tables as they stand, and the builders that make them from fresh releases."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from inclusion_app.core.geo import is_inside, metres_between
from inclusion_app.places import pack
from inclusion_app.places.hours import read_osm_week
from inclusion_app.places.postcodes import Postcode, read_where
from inclusion_app.places.row_facts import read_place_hours
from inclusion_app.places.rules import FACILITIES, KINDS

FACT_TABLES = ("libraries.csv", "places.csv", "organisations.csv")
LEAD_TABLES = ("places.csv", "organisations.csv", "to_verify.csv")
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@pytest.fixture(scope="module")
def points() -> dict[str, tuple[int, int, str]]:
    return {str(postcode): (lat, lng, ward) for postcode, lat, lng, ward in pack.read_postcodes()}


@pytest.fixture(scope="module")
def wards() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in pack.read_table("wards.csv")}


def rows_of(name: str) -> list[dict[str, str]]:
    return list(pack.read_table(name))


# --- the tables as they stand


def test_the_pack_is_as_it_describes_itself() -> None:
    assert pack.check_pack() == []


def test_the_pack_is_small() -> None:
    assert sum(path.stat().st_size for path in pack.CITY.iterdir()) < 900_000


@pytest.mark.parametrize("name", sorted(pack.describe()))
def test_every_row_has_every_column(name: str) -> None:
    lines = list(csv.reader(pack.open_table(name)))
    assert {len(line) for line in lines} == {len(lines[0])}


@pytest.mark.parametrize("name", ["postcodes.csv.gz", "wards.csv"])
def test_open_data_carries_its_required_notice(name: str) -> None:
    assert "Contains OS data" in pack.describe()[name]["notice"]


def test_there_are_all_postcodes_of_greater_manchester(points: dict[str, Any]) -> None:
    assert len(points) == 72_141


def test_every_postcode_is_well_formed_and_stands_once() -> None:
    read = [postcode for postcode, _lat, _lng, _ward in pack.read_postcodes()]
    assert len(set(read)) == len(read)
    assert [postcode for postcode in read if read_where(str(postcode)) != postcode] == []


def test_every_postcode_lies_in_a_known_ward(points: dict[str, Any], wards: dict[str, Any]) -> None:
    assert {ward for _lat, _lng, ward in points.values()} <= set(wards)


def test_a_postcode_stands_where_the_release_says(points: dict[str, Any]) -> None:
    assert points["M1 1AD"] == (5348381, -224485, "E05011361")


def test_there_are_215_wards_in_ten_districts(wards: dict[str, dict[str, str]]) -> None:
    assert len(wards) == 215
    assert len({row["district"] for row in wards.values()}) == 10


def test_the_32_wards_of_manchester_and_no_others_have_outlines(wards: dict[str, dict[str, str]]) -> None:
    drawn = {code for code, row in wards.items() if row["outline"]}
    assert drawn == {code for code, row in wards.items() if row["district"] == "Manchester"}
    assert len(drawn) == 32


def test_outlines_are_closed_rings_around_their_label(wards: dict[str, dict[str, str]]) -> None:
    for row in wards.values():
        if row["outline"]:
            ring = json.loads(row["outline"])
            assert ring[0] == ring[-1], row["name"]
            assert is_inside(float(row["lat"]), float(row["lng"]), ring), row["name"]


def test_nearly_every_postcode_lies_in_the_outline_of_its_ward(
    points: dict[str, tuple[int, int, str]], wards: dict[str, dict[str, str]]
) -> None:
    rings = {code: json.loads(row["outline"]) for code, row in wards.items() if row["outline"]}
    own = [(lat / 1e5, lng / 1e5, ward) for lat, lng, ward in points.values() if ward in rings]
    outside = [point for point in own if not is_inside(point[0], point[1], rings[point[2]])]
    assert len(own) == 14_240
    assert len(outside) <= 15  # the source's own generalised line already leaves five outside


def test_an_outcode_stands_in_the_middle_of_its_postcodes(points: dict[str, tuple[int, int, str]]) -> None:
    row = next(row for row in rows_of("outcodes.csv") if row["outcode"] == "M14")
    own = [point for postcode, point in points.items() if postcode.startswith("M14 ")]
    lat, lng = (sum(point[axis] for point in own) / len(own) / 1e5 for axis in (0, 1))
    assert metres_between(float(row["lat"]), float(row["lng"]), lat, lng) < 20


def test_every_postcode_has_its_outcode(points: dict[str, Any]) -> None:
    assert {postcode.split()[0] for postcode in points} == {row["outcode"] for row in rows_of("outcodes.csv")}


def test_neighbourhoods_stand_for_wards_of_the_city(wards: dict[str, dict[str, str]]) -> None:
    for row in rows_of("neighbourhoods.csv"):
        codes = row["ward_codes"].split()
        assert codes, row["name"]
        assert {wards[code]["district"] for code in codes} == {"Manchester"}, row["name"]


def test_the_names_inside_a_ward_name_lead_to_it() -> None:
    found = {row["name"]: row["ward_codes"] for row in rows_of("neighbourhoods.csv")}
    assert found["Abbey Hey"] == found["Gorton"] == found["Gorton & Abbey Hey"]


def test_every_manchester_ward_is_found_by_its_name(wards: dict[str, dict[str, str]]) -> None:
    found = {(row["name"], row["ward_codes"]) for row in rows_of("neighbourhoods.csv")}
    own = {(row["name"], code) for code, row in wards.items() if row["district"] == "Manchester"}
    assert own - found == set()


def test_bank_holidays_run_from_2019_to_2028_without_a_gap() -> None:
    days = [date.fromisoformat(row["date"]) for row in rows_of("bank_holidays.csv")]
    assert len(days) == 83
    assert days == sorted(set(days))
    assert {day.year for day in days} == set(range(2019, 2029))


@pytest.mark.parametrize("day", ["2026-01-01", "2026-04-06", "2026-08-31", "2026-12-28"])
def test_the_days_other_tables_lack_for_england_are_there(day: str) -> None:
    assert day in {row["date"] for row in rows_of("bank_holidays.csv")}


def test_there_are_22_libraries() -> None:
    assert len(rows_of("libraries.csv")) == 22


@pytest.mark.parametrize("name", ["libraries.csv", "places.csv"])
def test_a_place_with_a_postcode_stands_at_its_point(
    name: str, points: dict[str, tuple[int, int, str]]
) -> None:
    for row in rows_of(name):
        if row["postcode"]:
            lat, lng, ward = points[row["postcode"]]
            assert (round(float(row["lat"]) * 1e5), round(float(row["lng"]) * 1e5)) == (lat, lng), row["name"]
            assert row["ward"] == ward, row["name"]


def test_a_place_without_a_postcode_has_no_point() -> None:
    assert [
        row["name"] for row in rows_of("places.csv") if not row["postcode"] and (row["lat"] or row["lng"])
    ] == []


def test_every_library_has_hours_that_can_be_read() -> None:
    for row in rows_of("libraries.csv"):
        assert read_osm_week(row["staffed_hours_osm"]), row["name"]


def test_hours_of_other_places_can_be_read_when_given() -> None:
    spans = {row["name"]: read_place_hours(row["hours"]) for row in rows_of("places.csv") if row["hours"]}
    [third_saturday] = spans["Levenshulme Repair Cafe"]
    assert (third_saturday.weekday, third_saturday.nth, third_saturday.opens) == (5, 3, time(10))


def test_five_libraries_have_a_way_in_without_staff() -> None:
    found = {row["name"].split()[0] for row in rows_of("libraries.csv") if row["self_service_entry"] == "yes"}
    assert found == {"Avenue", "Forum", "Gorton", "Longsight", "Withington"}


def test_two_sources_differ_on_twelve_libraries() -> None:
    assert sum(row["sources_differ"] == "yes" for row in rows_of("libraries.csv")) == 12


def test_a_library_that_differs_names_the_other_total() -> None:
    gorton = next(row for row in rows_of("libraries.csv") if row["name"] == "Gorton Library")
    assert (gorton["sources_differ"], gorton["staffed_hours_other_source"]) == ("yes", "38")


def test_facilities_are_known_words_with_a_source_when_claimed() -> None:
    for row in rows_of("library_facilities.csv"):
        assert row["facility"] in FACILITIES
        assert row["value"] in {"yes", "no", "not_known"}
        assert (row["value"] == "not_known") is (row["source_address"] == ""), row["facility"]


def test_printing_is_not_claimed_on_a_weak_source() -> None:
    found = {row["facility"]: row["value"] for row in rows_of("library_facilities.csv")}
    assert found["printing"] == "not_known"


@pytest.mark.parametrize("name", FACT_TABLES)
def test_every_shown_row_has_source_licence_day_and_confidence(name: str) -> None:
    for row in rows_of(name):
        assert row["source_address"].startswith("http"), row["name"]
        assert row["licence"], row["name"]
        assert row["confidence"] in {"high", "medium"}, row["name"]
        assert date.fromisoformat(row["read_on"]) >= date(2026, 11, 23), row["name"]
        assert not row["source_on"] or DATE.fullmatch(row["source_on"]), row["name"]


@pytest.mark.parametrize("name", ["places.csv", "organisations.csv"])
def test_kinds_are_known_words(name: str) -> None:
    for row in rows_of(name):
        assert row["kinds"].split(), row["name"]
        assert set(row["kinds"].split()) <= set(KINDS), row["name"]


def test_no_lead_stands_twice() -> None:
    names = [row["name"] for table in LEAD_TABLES for row in rows_of(table)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("start", ["Manchester FabLab", "Jobcentre Openshaw", "Stitched Up", "Metrolink"])
def test_closed_places_are_kept_as_closed_and_not_shown(start: str) -> None:
    [row] = [row for row in rows_of("to_verify.csv") if row["name"].startswith(start)]
    assert row["state"] == "closed"


# --- the builders


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


POSTCODES = """postcode,lat,lng,ward_code
M14 5RX,53.450004,-2.220006,E05011364
M1 1AD,53.483813,-2.244854,E05011361
m1 1ae,53.483471,-2.231184,E05011376
"""


def test_postcodes_come_back_from_their_table_in_order(tmp_path: Path) -> None:
    target = tmp_path / "postcodes.csv.gz"
    assert pack.build_postcodes(write(tmp_path / "in.csv", POSTCODES), target) == (3, [])
    assert list(pack.read_postcodes_file(target)) == [
        (Postcode("M1", "1AD"), 5348381, -224485, "E05011361"),
        (Postcode("M1", "1AE"), 5348347, -223118, "E05011376"),
        (Postcode("M14", "5RX"), 5345000, -222001, "E05011364"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Gorton,53.4,-2.2,E05011365", "no postcode"),
        ("M14 5RX,53.4,-2.2,E05011364", "twice"),
        ("M14 5RY,-2.2,53.4,E05011364", "Great Britain"),
        ("M14 5RZ,north,-2.2,E05011364", "cannot be read"),
        ("M14 5RZ,nan,-2.2,E05011364", "cannot be read"),
    ],
)
def test_a_bad_postcode_line_is_refused_with_number_and_reason(
    tmp_path: Path, line: str, reason: str
) -> None:
    source = write(tmp_path / "in.csv", POSTCODES + line + "\n")
    written, refused = pack.build_postcodes(source, tmp_path / "postcodes.csv.gz")
    assert written == 3
    assert [(item.line, reason in item.reason) for item in refused] == [(5, True)]


def test_the_same_release_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    header, *lines = POSTCODES.splitlines()
    turned = "\n".join([header, *reversed(lines)]) + "\n"
    pack.build_postcodes(write(tmp_path / "a.csv", POSTCODES), tmp_path / "a.csv.gz")
    pack.build_postcodes(write(tmp_path / "b.csv", turned), tmp_path / "b.csv.gz")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def feature(code: str, name: str, ring: list[list[float]]) -> dict[str, Any]:
    facts = {
        "area_code": code,
        "area_name": name,
        "lat": "53.5",
        "lon": "-2.2",
        "local_authority_area_code": "E1",
    }
    return {"type": "Feature", "properties": facts, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def test_wards_take_outlines_only_from_the_finer_file(tmp_path: Path) -> None:
    ring = [[-2.3, 53.4], [-2.1, 53.4], [-2.1, 53.6], [-2.3, 53.6], [-2.3, 53.4]]
    both = {"features": [feature("W2", "Far", ring), feature("W1", "Near", ring)]}
    labels = write(tmp_path / "labels.geojson", json.dumps(both))
    finer = write(tmp_path / "finer.geojson", json.dumps({"features": [feature("W1", "Near", ring)]}))
    assert pack.build_wards(labels, finer, tmp_path / "wards.csv", {"E1": "Manchester"}) == 2
    near, far = pack.read_table("wards.csv", tmp_path)
    assert (near["code"], near["district"], json.loads(near["outline"])) == ("W1", "Manchester", ring)
    assert (far["code"], far["outline"]) == ("W2", "")


def test_simplifying_drops_what_nobody_sees_and_keeps_corners() -> None:
    ring = [[0.0, 0.0], [1.0, 0.00001], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]]
    assert pack.simplify(ring, 0.001) == [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]]


def test_bank_holidays_are_read_from_csv(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", "date,title,note\n2027-01-01,new_year,\n2026-12-25,christmas,\n")
    assert pack.build_holidays(source, tmp_path / "out.csv") == (2, [])
    assert [tuple(row.values()) for row in pack.read_table("out.csv", tmp_path)] == [
        ("2026-12-25", "christmas"),
        ("2027-01-01", "new year"),
    ]


def test_bank_holidays_are_read_from_the_governments_json(tmp_path: Path) -> None:
    events = [{"title": "Christmas Day", "date": "2026-12-25", "notes": "", "bunting": True}]
    found = {"england-and-wales": {"events": events}, "scotland": {"events": []}}
    source = write(tmp_path / "in.json", json.dumps(found))
    assert pack.build_holidays(source, tmp_path / "out.csv") == (1, [])
    assert rows_in(tmp_path, "out.csv") == [{"date": "2026-12-25", "title": "Christmas Day"}]


def test_json_of_another_country_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in.json", json.dumps({"scotland": {"events": []}}))
    with pytest.raises(ValueError, match="england-and-wales"):
        pack.build_holidays(source, tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("line", "reason"),
    [("25/12/2026,christmas", "no date"), ("2026-01-01,again", "twice"), ("2026-12-25, ", "no name")],
)
def test_a_bad_bank_holiday_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    source = write(tmp_path / "in.csv", f"date,title\n2026-01-01,new year\n{line}\n")
    written, refused = pack.build_holidays(source, tmp_path / "out.csv")
    assert written == 1
    assert [(item.line, reason in item.reason) for item in refused] == [(3, True)]


def rows_in(folder: Path, name: str) -> list[dict[str, str]]:
    return list(pack.read_table(name, folder))


def test_outcodes_are_the_mean_point_and_the_main_district(tmp_path: Path) -> None:
    lines = "M1 1AA,53.40,-2.20,W1\nM1 1AB,53.50,-2.30,W1\nM1 1AD,53.60,-2.10,W2\nM2 1AA,53.10,-2.10,W2\n"
    source = write(tmp_path / "in.csv", "postcode,lat,lng,ward_code\n" + lines)
    pack.build_postcodes(source, tmp_path / "postcodes.csv.gz")
    table = "code,name,district,lat,lng,outline\nW1,One,Bury,0,0,\nW2,Two,Salford,0,0,\n"
    write(tmp_path / "wards.csv", table)
    found = pack.build_outcodes(
        tmp_path / "postcodes.csv.gz", tmp_path / "wards.csv", tmp_path / "outcodes.csv"
    )
    assert found == 2
    assert rows_in(tmp_path, "outcodes.csv") == [
        {"outcode": "M1", "lat": "53.5", "lng": "-2.2", "district": "Bury"},
        {"outcode": "M2", "lat": "53.1", "lng": "-2.1", "district": "Salford"},
    ]


LISTED = [
    "Local authority",
    "Library name",
    "Address 1",
    "Address 2",
    "Address 3",
    "Postcode",
    "Type of library",
    "Year closed",
    "Co-located with",
    *(f"{day} staffed hours" for day in pack.WEEK),
]


def build_libraries(
    folder: Path, *listed: dict[str, str], totals: str = ""
) -> tuple[int, list[pack.Refused]]:
    """Run the builder on a few lines; the table is folder/libraries.csv."""
    with (folder / "listed.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, LISTED, restval="")
        writer.writeheader()
        writer.writerows(listed)
    pack.build_postcodes(write(folder / "in.csv", POSTCODES), folder / "postcodes.csv.gz")
    write(folder / "totals.csv", "reporting,name,closed,hours,staffed_hours,automated\n" + totals)
    return pack.build_libraries(
        folder / "listed.csv",
        folder / "totals.csv",
        folder / "postcodes.csv.gz",
        folder / "libraries.csv",
        authority="Manchester",
        source_on="2023-07",
        read_on=date(2026, 11, 23),
    )


CENTRAL = {
    "Local authority": "Manchester City Council",
    "Library name": "Central Library",
    "Address 1": "St. Peters Square",
    "Address 3": "Greater Manchester",
    "Postcode": "M1 1AD",
    "Type of library": "LAL",
    "Monday staffed hours": "09:00-17:00",
    "Tuesday staffed hours": "09:00-17:00",
    "Thursday staffed hours": "09:00-17:00",
}


def test_a_library_stands_at_its_postcode_with_its_week(tmp_path: Path) -> None:
    assert build_libraries(tmp_path, CENTRAL) == (1, [])
    [row] = rows_in(tmp_path, "libraries.csv")
    assert (row["lat"], row["lng"], row["ward"]) == ("53.48381", "-2.24485", "E05011361")
    assert (row["address"], row["staffed_hours_osm"]) == (
        "St. Peters Square",
        "Mo,Tu 09:00-17:00; Th 09:00-17:00",
    )


@pytest.mark.parametrize(
    ("hours", "staffed", "differ"), [("24", "10", ""), ("60", "24.5", ""), ("30", "20", "yes"), ("", "", "")]
)
def test_sources_differ_when_neither_total_fits(
    tmp_path: Path, hours: str, staffed: str, differ: str
) -> None:
    build_libraries(tmp_path, CENTRAL, totals=f"Manchester,Central Library,,{hours},{staffed},\n")
    [row] = rows_in(tmp_path, "libraries.csv")
    assert row["sources_differ"] == differ


def test_a_library_of_the_same_name_elsewhere_says_nothing(tmp_path: Path) -> None:
    build_libraries(tmp_path, CENTRAL, totals="Birmingham,Central Library,,63,63,Yes\n")
    [row] = rows_in(tmp_path, "libraries.csv")
    assert (row["sources_differ"], row["staffed_hours_other_source"], row["self_service_entry"]) == (
        "",
        "",
        "",
    )


@pytest.mark.parametrize(
    ("automated", "entry"),
    [("Yes", "yes"), ("Yes - Open+ and Self-service", "yes"), ("Yes - Self-service", ""), ("", "")],
)
def test_machines_at_the_counter_are_no_way_in(tmp_path: Path, automated: str, entry: str) -> None:
    build_libraries(tmp_path, CENTRAL, totals=f"Manchester,Central Library,,24,24,{automated}\n")
    [row] = rows_in(tmp_path, "libraries.csv")
    assert row["self_service_entry"] == entry


def test_closed_libraries_and_other_councils_are_passed_over(tmp_path: Path) -> None:
    closed = CENTRAL | {"Library name": "Old", "Year closed": "2015"}
    other = CENTRAL | {"Library name": "Far", "Local authority": "Salford City Council"}
    assert build_libraries(tmp_path, closed, other, CENTRAL) == (1, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Postcode": "M99 9ZZ"}, "postcode not known"),
        ({"Monday staffed hours": "09:00-09:00"}, "length"),
        ({"Monday staffed hours": "nine to five"}, "nine to five"),
    ],
)
def test_a_bad_library_line_is_refused(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    written, refused = build_libraries(tmp_path, CENTRAL, CENTRAL | {"Library name": "Bad"} | change)
    assert written == 1
    assert [(item.line, item.reason.startswith("Bad:"), reason in item.reason) for item in refused] == [
        (3, True, True)
    ]


# --- the description


@pytest.fixture
def small_pack(tmp_path: Path) -> Path:
    """The two smallest tables with a description of their own."""
    for name in ("bank_holidays.csv", "library_facilities.csv"):
        shutil.copy(pack.CITY / name, tmp_path / name)
    text = (pack.CITY / "pack.toml").read_text(encoding="utf-8")
    head, *entries = text.split("[table.")
    kept = [
        entry for entry in entries if entry.startswith(('"bank_holidays.csv"', '"library_facilities.csv"'))
    ]
    write(tmp_path / "pack.toml", "[table.".join([head, *kept]))
    return tmp_path


def test_a_table_that_changed_is_found(small_pack: Path) -> None:
    with (small_pack / "bank_holidays.csv").open("a", encoding="utf-8") as file:
        file.write("2030-01-01,new year\n")
    assert pack.check_pack(small_pack) == [
        "bank_holidays.csv: 84 rows, 83 told",
        "bank_holidays.csv: the checksum differs",
    ]


def test_a_table_nobody_describes_is_found(small_pack: Path) -> None:
    write(small_pack / "stray.csv", "name\nOne\n")
    assert pack.check_pack(small_pack) == ["stray.csv: not in pack.toml"]


def test_a_table_that_is_missing_is_found(small_pack: Path) -> None:
    (small_pack / "bank_holidays.csv").unlink()
    assert pack.check_pack(small_pack) == ["bank_holidays.csv: the table is not there"]


def test_renewing_the_description_mends_only_what_changed(small_pack: Path) -> None:
    pack.build_holidays(
        write(small_pack / "in.txt", "date,title\n2030-01-01,new year\n"), small_pack / "bank_holidays.csv"
    )
    before = pack.describe(small_pack)
    changed = pack.renew_description(small_pack, released_on={"bank_holidays.csv": date(2029, 1, 2)})
    after = pack.describe(small_pack)
    assert changed == ["bank_holidays.csv"]
    assert after["library_facilities.csv"] == before["library_facilities.csv"]
    assert (after["bank_holidays.csv"]["rows"], after["bank_holidays.csv"]["released_on"]) == (
        1,
        "2029-01-02",
    )
    assert pack.check_pack(small_pack) == []


def test_renewing_twice_changes_nothing(small_pack: Path) -> None:
    assert pack.renew_description(small_pack) == []


@pytest.mark.parametrize(
    ("total", "staffed", "automated", "said"),
    [
        ("24", "10", "Yes", True),
        ("24", "24", "Yes", False),
        ("24", "10", "", False),
        ("60", "10", "Yes", False),
    ],
)
def test_a_week_that_holds_hours_without_staff_says_so(
    tmp_path: Path, total: str, staffed: str, automated: str, said: bool
) -> None:
    build_libraries(tmp_path, CENTRAL, totals=f"Manchester,Central Library,,{total},{staffed},{automated}\n")
    [row] = rows_in(tmp_path, "libraries.csv")
    assert row["opening_note"] == (pack.SOME_HOURS_NO_STAFF if said else "")


def test_hours_of_a_leisure_centre_are_not_taken_for_those_of_the_library(tmp_path: Path) -> None:
    for partner, staffed, said in (
        ("Moss Side Leisure Centre", "10", True),
        ("Moss Side Leisure Centre", "24", False),
        ("Town Hall", "10", False),
    ):
        row = CENTRAL | {"Co-located with": partner}
        build_libraries(tmp_path, row, totals=f"Manchester,Central Library,,60,{staffed},\n")
        [found] = rows_in(tmp_path, "libraries.csv")
        assert found["opening_note"] == (pack.HOURS_OF_THE_BUILDING if said else ""), partner
