"""`places import` and `places export` on the real pack and on both engines: nothing lost, nothing doubled."""

from __future__ import annotations

import csv
import io
import json
import os
import time as time_of_day
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from inclusion_app.core.db import transaction
from inclusion_app.places import queries, services
from inclusion_app.places.export import guarded, unguarded, write_places
from inclusion_app.places.hours import Kind, Span
from inclusion_app.places.models import OpeningSpan, Place
from inclusion_app.places.readers import READERS, Options
from inclusion_app.places.row_facts import Action, ImportReport, source_tag
from tests.conftest import Browser

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)
LATER = datetime(2027, 2, 1, 11, tzinfo=UTC)

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    return lambda *words: app.test_cli_runner().invoke(args=["places", *map(str, words)])


def feature(number: int, name: str, lng: float, lat: float, **tags: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": f"node/{number}",
        "properties": {"amenity": "library", "name": name} | tags,
        "geometry": {"type": "Point", "coordinates": [lng, lat]},
    }


def osm_file(folder: Path, *features: dict[str, Any]) -> Path:
    path = folder / "places.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def csv_file(folder: Path, text: str, name: str = "places.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


OSM = ("--format", "osm", "--source", "OpenStreetMap", "--licence", "ODbL-1.0")
CSV = ("--format", "csv", "--source", "Example list", "--licence", "CC-BY-SA-4.0")


def stored(app: Flask, name: str) -> list[Place]:
    with app.app_context(), transaction() as session:
        found = session.query(Place).filter_by(name=name).all()
        for place in found:  # so that they can be looked at when the session is gone
            assert place.hours
            assert place.facilities is not None
        return found


def snapshot(app: Flask) -> str:
    with app.app_context(), transaction() as session:
        ids = list(session.query(OpeningSpan.id, OpeningSpan.place_id).order_by(OpeningSpan.id))
        return write_places(queries.places_to_export(session)) + str(ids)


# --- the command


def test_a_dry_run_says_what_would_happen_and_changes_nothing(app: Flask, run: Run, tmp_path: Path) -> None:
    before = snapshot(app)
    path = osm_file(tmp_path, feature(1, "Example Library", -2.22, 53.45))
    done = run("import", path, *OSM, "--dry-run")
    assert done.exit_code == 0, done.output
    assert "would be added feature 1: Example Library (example-library)" in done.output
    assert "would take 1 places, refused 0 features" in done.output
    assert snapshot(app) == before


def test_osm_places_keep_their_id_source_and_licence_and_come_twice_without_a_change(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    one = feature(
        1, "Example Library", -2.22, 53.45, opening_hours="Mo 09:00-17:00; PH off", wheelchair="yes"
    )
    path = osm_file(tmp_path, one)
    assert run("import", path, *OSM).exit_code == 0
    [place] = stored(app, "Example Library")
    assert (place.source_key, place.source, place.licence) == (
        "openstreetmap:node/1",
        "OpenStreetMap",
        "ODbL-1.0",
    )
    assert place.holiday_rule == "closed"
    assert place.ward_id is not None
    before = snapshot(app)
    again = run("import", path, *OSM)
    assert "0 added, 0 changed, 1 the same" in again.output
    assert snapshot(app) == before
    path = osm_file(tmp_path, feature(1, "Example Library, renamed", -2.22, 53.45))
    assert "0 added, 1 changed" in run("import", path, *OSM).output
    [place] = stored(app, "Example Library, renamed")
    assert (place.slug, place.spans, place.holiday_rule) == ("example-library", [], "ask")


def test_a_place_like_one_we_have_is_held_back_named_and_never_merged(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    [ours] = stored(app, "Gorton Library")
    assert ours.lat is not None
    assert ours.lng is not None
    path = osm_file(tmp_path, feature(5, "Gorton Community Library", ours.lng + 0.001, ours.lat))
    before = snapshot(app)
    done = run("import", path, *OSM)
    assert done.exit_code == 0
    assert (
        "held back feature 1: Gorton Community Library: looks like Gorton Library (gorton-library"
        in done.output
    )
    assert snapshot(app) == before
    done = run("import", path, *OSM, "--take-likely")
    assert "1 added" in done.output
    assert [place.licence for place in stored(app, "Gorton Library")] == ["OGL-UK-3.0"]
    assert [place.licence for place in stored(app, "Gorton Community Library")] == ["ODbL-1.0"]
    # Once taken it is known by its id, and no longer held back.
    assert "1 the same, 0 held back" in run("import", path, *OSM).output


def test_two_entries_of_one_file_for_one_place_are_seen(run: Run, tmp_path: Path) -> None:
    path = osm_file(
        tmp_path, feature(1, "Example Library", -2.22, 53.45), feature(2, "Example Library", -2.2201, 53.45)
    )
    done = run("import", path, *OSM)
    assert "1 added, 0 changed, 0 the same, 1 held back" in done.output


def test_what_a_person_edited_or_checked_stands(app: Flask, run: Run, tmp_path: Path) -> None:
    both = (feature(1, "One Library", -2.22, 53.45), feature(2, "Two Library", -2.25, 53.47))
    run("import", osm_file(tmp_path, *both), *OSM)
    with app.app_context(), transaction() as session:
        one = session.query(Place).filter_by(name="One Library").one()
        one.address, one.edited_at = "Mended by hand", NOW
        session.query(Place).filter_by(name="Two Library").one().checked_on = date(2026, 11, 1)
    before = snapshot(app)
    changed = [{**each, "properties": each["properties"] | {"addr:street": "Other Road"}} for each in both]
    done = run("import", osm_file(tmp_path, *changed), *OSM)
    assert done.exit_code == 0
    assert "left to a person feature 1: One Library: edited or checked by a person" in done.output
    assert snapshot(app) == before


BAD_LINES = """name,kinds,postcode,lat,lng,hours,website,phone,facilities,confidence,read_on
Good Place,wifi,m14 5rq,,,Mo 09:00-17:00,www.example.org,0161 496 0000,computers,,
No Such Kind,castle,M14 5RQ,,,,,,,,
Far Away,wifi,SW1A 1AA,,,,,,,,
Swapped,wifi,,-2.2,53.4,,,,,,
North,wifi,,north,-2.2,,,,,,
Bad Hours,wifi,M14 5RQ,,,Mo 9-5,,,,,
No Postcode,wifi,somewhere,,,,,,,,
Weak,wifi,M14 5RQ,,,,,,,low,
Strange Fact,wifi,M14 5RQ,,,,,,pool,,
Bad Day,wifi,M14 5RQ,,,,,,,,yesterday
Good Place,wifi,M14 5RQ,,,,,,,,
New Estate,wifi,M14 9ZZ,,,,javascript:x,ask us,,,
Glasgow,wifi,,55.86,-4.25,,,,,,
"""


def test_bad_lines_are_named_in_plain_words_and_good_ones_taken(app: Flask, run: Run, tmp_path: Path) -> None:
    done = run("import", csv_file(tmp_path, BAD_LINES), *CSV)
    assert done.exit_code == 1
    told = [line for line in done.output.splitlines() if line.startswith("refused")]
    expected = [
        (3, "No Such Kind: no such kind: castle"),
        (4, "Far Away: outside the region: SW1A 1AA"),
        (5, "Swapped: not in Great Britain"),
        (6, "North: lat and lng cannot be read"),
        (7, "Bad Hours: "),
        (8, "No Postcode: no postcode can be read in: somewhere"),
        (9, "Weak: too weak to show: low"),
        (10, "Strange Fact: no such facility: pool"),
        (11, "Bad Day: read_on is no day"),
        (12, "Good Place: stands there twice, first at line 2"),
        (14, "Glasgow: outside the region, by about"),
    ]
    assert len(told) == len(expected)
    for line, (number, words) in zip(told, expected, strict=True):
        assert line.startswith(f"refused line {number}: {words}"), line
    [good] = stored(app, "Good Place")
    assert (good.postcode, good.website, good.licence) == (
        "M14 5RQ",
        "https://www.example.org",
        "CC-BY-SA-4.0",
    )
    assert good.lat is not None
    assert good.ward_id is not None
    assert {fact.name for fact in good.facilities} == {"computers", "wifi"}
    [new] = stored(app, "New Estate")
    assert (new.postcode, new.lat, new.website, new.phone) == ("M14 9ZZ", None, "", "")
    for words in ("postcode not known", "web page left out", "phone number left out"):
        assert f"note line 13: New Estate: {words}" in done.output


@pytest.mark.parametrize(
    ("typed", "mended"), [("ml4 5rq", "M14 5RQ"), ("M145RQ", "M14 5RQ"), ("m2o 3bn", "M20 3BN")]
)
def test_postcodes_are_mended(app: Flask, run: Run, tmp_path: Path, typed: str, mended: str) -> None:
    run("import", csv_file(tmp_path, f"name,kinds,postcode\nMended,wifi,{typed}\n"), *CSV)
    assert [place.postcode for place in stored(app, "Mended")] == [mended]


@pytest.mark.parametrize(
    ("form", "text", "says"),
    [
        ("osm", "name\nA\n", "not JSON"),
        ("osm", "[]", "not a GeoJSON FeatureCollection"),
        ("hsds", '{"a": 1}', "not Open Referral"),
        ("csv", "", "the file is empty"),
        ("librarieshacked", "name\nA\n", "no column named Library name"),
    ],
)
def test_a_broken_file_ends_with_a_clear_message_and_code_2(
    app: Flask, run: Run, tmp_path: Path, form: str, text: str, says: str
) -> None:
    before = snapshot(app)
    path = csv_file(tmp_path, text, "broken.file")
    done = run("import", path, "--format", form, "--source", "A", "--licence", "B")
    assert done.exit_code == 2
    assert f"Error: broken.file: {says}" in done.output
    assert "Traceback" not in done.output
    assert snapshot(app) == before


def test_open_referral_comes_in_through_the_command(app: Flask, run: Run, tmp_path: Path) -> None:
    place = {
        "location": {
            "id": "l",
            "name": "Hall",
            "addresses": [{"address_1": "1 Rd", "postal_code": "M14 5RQ"}],
        }
    }
    service = {"id": "s", "name": "Example Repair Cafe", "status": "active", "service_at_locations": [place]}
    path = csv_file(tmp_path, json.dumps({"contents": [service]}), "services.json")
    words = ("import", path, "--format", "hsds", "--source", "Example directory", "--licence", "OGL-UK-3.0")
    assert run(*words).exit_code == 0
    [found] = stored(app, "Example Repair Cafe, Hall")
    assert (found.source_key, found.kinds, found.postcode) == (
        "example directory:s@l",
        "repair_cafe",
        "M14 5RQ",
    )
    assert "1 the same" in run(*words).output


def test_a_list_of_our_own_libraries_doubles_none(app: Flask, run: Run, tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "Local authority,Library name,Postcode,Monday staffed hours\n"
        "Manchester City Council,Gorton Library,M18 8LN,09:00-17:00\n"
        "Salford City Council,Example Library,M14 5RQ,09:00-17:00\n",
    )
    done = run(
        "import", path, "--format", "librarieshacked", "--source", "Example", "--licence", "OGL-UK-3.0"
    )
    assert done.exit_code == 0, done.output
    assert "1 added, 0 changed, 0 the same, 1 held back" in done.output
    assert len(stored(app, "Gorton Library")) == 1


def test_progress_is_told_on_long_lists(run: Run, tmp_path: Path) -> None:
    lines = "".join(f"Place {number},wifi,M14 5RQ\n" for number in range(1_001))
    done = run(
        "import", csv_file(tmp_path, "name,kinds,postcode\n" + lines), *CSV, "--take-likely", "--dry-run"
    )
    assert "1,000 of 1,001" in done.output


# --- whose word counts

OVER = (
    "key,name,kinds,address,postcode,phone,website,checked_on,hours_confirmed,hours,confidence,source,licence,facilities\n"
    "libraries:gorton library,Gorton Central,library,1 Evil St,M14 5AA,0900 123 456,https://evil.example/,2026-11-24,yes,"
    "Mo 10:00-11:00,high,Manchester City Council,OGL-UK-3.0,wifi yes high 2025 -\n"
)


def test_a_strangers_list_adds_its_own_places_and_changes_none_of_ours(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    [before] = stored(app, "Gorton Library")
    assert before.source_key == "libraries:gorton library"
    done = run("import", csv_file(tmp_path, OVER), *CSV, "--take-likely")
    assert "1 added, 0 changed" in done.output, done.output
    [after] = stored(app, "Gorton Library")
    assert (after.phone, after.website, after.address) == (before.phone, before.website, before.address)
    [theirs] = stored(app, "Gorton Central")
    assert theirs.source_key == "example list:libraries:gorton library"
    assert (theirs.source, theirs.licence) == ("Example list", "CC-BY-SA-4.0")
    assert (theirs.checked_on, theirs.hours_confirmed, theirs.confidence) == (None, False, "medium")
    assert [fact.confidence for fact in theirs.facilities] == ["medium"]
    # It is theirs: no check of theirs keeps their own next list from changing it.
    again = run("import", csv_file(tmp_path, OVER.replace("1 Evil St", "2 Evil St")), *CSV)
    assert "0 added, 1 changed" in again.output, again.output


def test_a_place_like_ours_is_held_back_whatever_key_it_names(run: Run, tmp_path: Path) -> None:
    text = "key,name,kinds,postcode\nx,Gorton Library,library,M18 8LN\n"
    assert "1 held back" in run("import", csv_file(tmp_path, text), *CSV).output


def test_our_own_export_may_say_all_and_names_what_it_changes_of_others(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    for dry in (("--dry-run",), ()):
        done = run("import", csv_file(tmp_path, OVER), *CSV, "--own", *dry)
        assert done.exit_code == 0, done.output
        assert "changed line 2: Gorton Central (gorton-library)" in done.output.replace(
            "changed a place of another source: line", "changed line"
        )
    [place] = stored(app, "Gorton Central")
    assert (place.slug, place.source, place.checked_on) == (
        "gorton-library",
        "Manchester City Council",
        date(2026, 11, 24),
    )


def test_rows_of_another_source_are_refused_without_own_on_both_engines(both_engines: Flask) -> None:
    assert take([PLAIN | {"source": "One"}]).of(Action.ADDED)
    other = PLAIN | {"source": "Another", "area": "Gorton"}
    [refused] = take([other]).refused
    assert "would change plain, which is from One; --own if that is right" in refused.reason
    [refused] = take([PLAIN | {"key": "example:1", "source": "One", "area": "x"}], source="other").refused
    assert "would change plain" in refused.reason
    report = take([other], own=True)
    assert [outcome.of_another for outcome in report.of(Action.CHANGED)] == [True]


# --- nobody waits for an import


def test_an_import_decides_without_a_lock_and_writes_in_parts(
    app: Flask, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other people's changes are committed while it decides; between two parts they can be, too."""
    written: list[int] = []
    real_decide, real_write = services.decide_import, services.write_import

    def decide(session: Any, *facts: Any, **more: Any) -> Any:
        found = real_decide(session, *facts, **more)
        with transaction() as other:  # would wait for its lock, and then be refused
            other.query(Place).filter_by(slug="place-1").delete()
        return found

    def write(session: Any, changes: Any, **more: Any) -> int:
        written.append(len(changes))
        return real_write(session, changes, **more)

    monkeypatch.setattr(services, "decide_import", decide)
    monkeypatch.setattr(services, "write_import", write)
    lines = "".join(f"Place {number},wifi,M14 5RQ\n" for number in range(450))
    done = run("import", csv_file(tmp_path, "name,kinds,postcode\n" + lines), *CSV, "--take-likely")
    assert done.exit_code == 0, done.output
    assert written == [200, 200, 50]
    with app.app_context(), transaction() as session:
        assert session.query(Place).filter(Place.name.like("Place %")).count() == 450


def test_what_a_person_did_meanwhile_stands_on_both_engines(both_engines: Flask) -> None:
    assert take([PLAIN, PLAIN | {"id": "2", "name": "Other"}]).taken == 2
    rows = [
        PLAIN | {"area": "x"},
        PLAIN | {"id": "2", "name": "Other", "area": "x"},
        PLAIN | {"id": "3", "name": "New"},
    ]
    with transaction() as session:
        _report, changes = services.decide_import(session, rows, source_name="example", now=NOW)
    with transaction() as session:
        session.query(Place).filter_by(slug="plain").one().edited_at = NOW
        session.delete(session.query(Place).filter_by(slug="other").one())
        session.add(Place(slug="new", source_key="theirs", name="N", kinds="wifi", confidence="high", source="s",
                          licence="l", read_on=NOW.date()))  # fmt: skip
    with transaction() as session:
        assert services.write_import(session, changes, now=NOW) == 0
    with transaction() as session:
        assert {place.slug: place.area for place in session.query(Place)} == {"plain": "", "new": ""}


# --- files that are none


def test_pipes_and_devices_are_no_files(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), Path("/dev/null")):
        done = run("import", path, *CSV)
        assert (done.exit_code, "is not a plain file" in done.output) == (2, True), done.output


def test_a_value_without_end_is_read_at_once(run: Run, tmp_path: Path) -> None:
    began = time_of_day.perf_counter()
    long = "A" + "a " * 60_000
    blanks, dots = "M" + " " * 40_000 + "x", "http://" + "a." * 40_000 + "<"
    one = feature(1, "Example Library", -2.22, 53.45, opening_hours=blanks, website=dots)
    assert run("import", osm_file(tmp_path, one), *OSM).exit_code == 0
    text = f"name,kinds,postcode,website,phone,hours\nB,wifi,M14 5RQ,{dots},{'1 ' * 60_000},{long}\n"
    assert run("import", csv_file(tmp_path, text), *CSV).exit_code == 1
    assert time_of_day.perf_counter() - began < 20  # some minutes otherwise


# --- out, and in again


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+44 161", "'+44 161"),
        ("-2 places", "'-2 places"),
        ("@home", "'@home"),
        ("\tx", "'\tx"),
        ("'=x", "''=x"),
        ("-2.24", "-2.24"),
        ("Plain - name", "Plain - name"),
        ("'tis", "'tis"),
    ],
)
def test_cells_a_spreadsheet_would_work_out_are_guarded_and_come_back(cell: str, safe: str) -> None:
    assert guarded(cell) == safe
    assert unguarded(safe) == cell


def test_the_export_has_every_shown_place_with_source_licence_and_check(run: Run, tmp_path: Path) -> None:
    done = run("export")
    rows = list(csv.DictReader(io.StringIO(done.output)))
    assert len(rows) == 52
    for row in rows:
        assert row["licence"]
        assert row["source"]
        assert row["read_on"]
        assert "checked_on" in row
    target = tmp_path / "out.csv"
    assert run("export", "-o", target, "--format", "csv").exit_code == 0
    assert target.read_text(encoding="utf-8") == done.output


def test_only_one_licence_can_be_taken_out(run: Run, tmp_path: Path) -> None:
    run("import", osm_file(tmp_path, feature(1, "Example Library", -2.22, 53.45)), *OSM)
    rows = list(csv.DictReader(io.StringIO(run("export", "--licence", "ODbL-1.0").output)))
    assert [row["name"] for row in rows] == ["Example Library"]


def test_an_export_read_again_changes_nothing(app: Flask, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    run("export", "-o", target)
    before = snapshot(app)
    done = run("import", target, *CSV, "--own")
    assert done.exit_code == 0, done.output
    assert "0 added, 0 changed, 52 the same" in done.output
    assert snapshot(app) == before


HARD: dict[str, Any] = {
    "id": "hard",
    "name": '=HYPERLINK("https://example.org")',
    "slug": "a-hard-one",
    "kinds": "repair_cafe wifi",
    "address": "-1, The Road; 'quoted'",
    "phone": "+44 161 496 0000",
    "licence": "ODbL-1.0",
    "source": "@list",
    "lat": 53.45,
    "lng": -2.22,
    "checked_on": "2026-11-01",
    "holiday_rule": "spans",
    "spans": (
        Span(0, time(9), time(17)),
        Span(5, time(10), time(12), nth=-1),
        Span(1, time(17), time(20), Kind.MEMBERS),
        Span(2, time(17), time(20), Kind.SELF_SERVICE),
        Span(3, time(22), time(2), Kind.APPOINTMENT),
    ),
    "holiday_spans": (Span(0, time(11), time(12)),),
    "facilities": [
        ("computers", "no", "https://example.org/a;b", "2025", "high"),
        ("printing", "not_known", "", "", ""),
    ],
}


def take(
    rows: list[dict[str, Any]], now: datetime = NOW, source: str = "example", **more: Any
) -> ImportReport:
    with transaction() as session:
        return services.import_places(session, rows, source_name=source, now=now, **more)


def test_a_place_goes_out_and_comes_back_whole_on_both_engines(both_engines: Flask) -> None:
    assert take([HARD]).taken == 1
    with transaction() as session:
        text = write_places(queries.places_to_export(session))
    assert "'=HYPERLINK" in text
    with transaction() as session:
        session.delete(session.query(Place).one())
    [row] = READERS["csv"](text.encode(), Options(NOW.date())).rows
    assert take([row]).of(Action.ADDED)
    with transaction() as session:
        assert write_places(queries.places_to_export(session)) == text
        place = session.query(Place).one()
        assert (place.slug, place.source_key, place.checked_on) == (
            "a-hard-one",
            "example:hard",
            date(2026, 11, 1),
        )
        assert {fact.name for fact in place.facilities} == {"computers", "printing", "wifi", "tools"}
        assert set(place.hours.spans) == set(HARD["spans"])


PLAIN: dict[str, Any] = {
    "id": "1",
    "name": "Plain",
    "kinds": "wifi",
    "licence": "ODbL-1.0",
    "hours": "Mo 09:00-17:00",
}


def test_the_same_rows_later_change_nothing_on_both_engines(both_engines: Flask) -> None:
    assert take([PLAIN]).of(Action.ADDED)
    with transaction() as session:
        ids = [span.id for span in session.query(OpeningSpan)]
    assert take([PLAIN], LATER).of(Action.SAME)
    with transaction() as session:
        assert session.query(Place).one().read_on == NOW.date()
        assert [span.id for span in session.query(OpeningSpan)] == ids
    report = take([PLAIN | {"hours": "Mo 09:00-18:00", "area": "Gorton"}], LATER)
    [changed] = report.of(Action.CHANGED)
    assert changed.text == "Plain (plain): area, hours"
    with transaction() as session:
        assert session.query(Place).one().read_on == LATER.date()


def test_rows_too_long_for_the_database_are_refused_on_both_engines(both_engines: Flask) -> None:
    long = PLAIN | {"name": "x" * 200}
    report = take([long, PLAIN | {"id": "y" * 300, "name": "Nul\x00 name", "address": "half \ud800 sign"}])
    assert [item.reason.removeprefix("x" * 200) for item in report.refused] == [
        ": name is longer than 160 letters"
    ]
    with transaction() as session:
        place = session.query(Place).one()
        assert (place.name, len(place.source_key)) == ("Nul name", 120)
    assert take([PLAIN | {"id": "y" * 300, "name": "Nul name", "address": "half sign"}]).of(Action.SAME)


def test_a_dry_run_of_the_service_writes_nothing_on_both_engines(both_engines: Flask) -> None:
    assert take([PLAIN], dry_run=True).of(Action.ADDED)
    with transaction() as session:
        assert session.query(Place).count() == 0


def test_an_edit_is_never_overwritten_on_both_engines(both_engines: Flask) -> None:
    take([PLAIN])
    with transaction() as session:
        place = session.query(Place).one()
        place.phone, place.edited_at = "0161 496 0000", NOW
    assert take([PLAIN | {"phone": "0161 496 0001"}]).of(Action.KEPT)
    with transaction() as session:
        assert session.query(Place).one().phone == "0161 496 0000"


def test_a_publisher_cannot_take_the_keys_of_the_pack_or_of_another_with_a_long_name() -> None:
    assert source_tag("Libraries") == "libraries list"
    assert source_tag("OpenStreetMap") == "openstreetmap"
    long = "A directory of the ten councils, "
    assert source_tag(long + "north") != source_tag(long + "south")
    assert len(source_tag(long)) <= 30


def test_the_page_of_an_imported_place_names_licence_and_day_and_has_no_empty_link(
    browser: Browser, run: Run, tmp_path: Path
) -> None:
    text = "name,kinds,postcode,hours,read_on\nExample Hall,wifi,M14 5RQ,Mo 09:00-17:00,2026-11-20\n"
    run("import", csv_file(tmp_path, text), *CSV)
    page = browser.text("/places/example-hall")
    assert "Example list (CC-BY-SA-4.0)" in page
    assert "a public list without a date. We read it on Friday 20 November 2026." in page
    assert 'href=""' not in page
