"""The open feed: every change in its order, what is gone said so for a week, and data that both validators pass."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time as clock_time
import uuid
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from inclusion_app.app import create_app
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import reading, transaction
from inclusion_app.training import feed
from inclusion_app.training.feed import Wish
from inclusion_app.training.models import Occurrence, TrainingSession
from inclusion_app.training.rules import KINDS, OFFERS, moment
from inclusion_app.training.services.feed import touch
from tests.conftest import Browser, settings_for
from tests.factories.accounts import make_organisation
from tests.factories.training import add_date, make_booking, make_course, make_place, make_session
from tests.serving import serving

FEED = "/api/openactive/sessions"
CHECK = Path(__file__).resolve().parents[1] / "tools" / "check_feed.js"


def page(browser: Browser, address: str = FEED) -> dict[str, Any]:
    answer = browser.client.get(address)
    assert answer.status_code == 200, address
    found: dict[str, Any] = answer.get_json()
    return found


def walk(browser: Browser, address: str = FEED) -> list[dict[str, Any]]:
    """Every item, page by page, until the last one."""
    items: list[dict[str, Any]] = []
    for _page in range(50):
        found = page(browser, address)
        if not found["items"]:
            assert found["next"].removeprefix("http://localhost") == address
            return items
        items += found["items"]
        address = found["next"].removeprefix("http://localhost")
    raise AssertionError("the feed has no end")


def published(app: Flask, count: int = 1, **facts: Any) -> list[int]:
    with app.app_context(), transaction() as session:
        made = [make_session(session, **facts) for _number in range(count)]
        for training in made:
            touch(session, training, now=now())
        return [training.id for training in made]


# --- the exchange


def test_an_empty_feed_is_its_own_last_page(browser: Browser) -> None:
    answer = browser.client.get(FEED)
    assert answer.get_json() == {"next": f"http://localhost{FEED}", "items": [], "license": feed.LICENCE}
    assert answer.headers["Cache-Control"] == "public, max-age=8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.content_type == "application/json"
    assert "Set-Cookie" not in answer.headers


def test_pages_follow_each_other_and_lose_nothing(app: Flask, browser: Browser) -> None:
    numbers = published(app, 7)
    answer = browser.client.get(f"{FEED}?limit=3")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    found = page(browser, f"{FEED}?limit=3")
    assert len(found["items"]) == 3
    assert found["next"] == f"http://localhost{FEED}?afterChangeNumber=3&limit=3"
    items = walk(browser, f"{FEED}?limit=3")
    assert [int(item["id"]) for item in items] == numbers
    assert [item["modified"] for item in items] == list(range(1, 8))


def test_what_changed_comes_last(app: Flask, browser: Browser) -> None:
    first, second = published(app, 2)
    with app.app_context(), transaction() as session:
        touch(session, session.get_one(TrainingSession, first), now=now())
    assert [int(item["id"]) for item in walk(browser)] == [second, first]
    assert [int(item["id"]) for item in walk(browser, f"{FEED}?afterChangeNumber=2")] == [first]


@pytest.mark.parametrize(("days", "stays"), [(0, True), (2, True), (6.9, True), (7.1, False)])
def test_what_is_gone_is_said_to_be_for_a_week(
    app: Flask, browser: Browser, days: float, stays: bool
) -> None:
    (number,) = published(app)
    with app.app_context(), transaction() as session:
        training = session.get_one(TrainingSession, number)
        training.withdrawn_at = now() - timedelta(days=days)
        touch(session, training, now=now())
    expected = [{"state": "deleted", "id": str(number), "kind": "SessionSeries", "modified": 2}]
    assert walk(browser) == (expected if stays else [])


@pytest.mark.parametrize("facts", [{"status": "draft"}, {"booked_as": "undated"}])
def test_a_draft_and_one_without_a_date_is_nothing_to_come_to(
    app: Flask, browser: Browser, facts: dict[str, str]
) -> None:
    published(app, **facts)
    (item,) = walk(browser)
    assert item["state"] == "deleted"
    assert "data" not in item


def test_what_was_never_published_is_not_in_it(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        make_session(session, status="draft", change_number=0)
    assert walk(browser) == []


@pytest.mark.parametrize(
    "query",
    ["afterChangeNumber=x", "afterChangeNumber=-1", "afterChangeNumber=1.5", "afterChangeNumber=" + "9" * 40,
     "afterChangeNumber=١", "limit=0", "limit=-3", "limit=x", "limit=" + "9" * 30, "afterChangeNumber="],
)  # fmt: skip
def test_what_is_no_number_is_refused(browser: Browser, query: str) -> None:
    assert browser.client.get(f"{FEED}?{query}").status_code == 400


def test_a_limit_has_its_limit(app: Flask, browser: Browser) -> None:
    assert Wish.read(None, "100000").limit == feed.ON_A_PAGE == 500
    assert page(browser, f"{FEED}?limit=100000")["next"].endswith("?limit=500")


def test_who_reads_the_feed_of_a_named_service_stays_there(tmp_path: Path, loaded_database: Path) -> None:
    shutil.copy(loaded_database, tmp_path / "test.sqlite3")
    app = create_app(settings_for(tmp_path, base_url="https://roadmap.example.org"))
    answer = app.test_client().get(FEED, base_url="https://roadmap.example.org")
    assert answer.get_json()["next"] == f"https://roadmap.example.org{FEED}"
    app.extensions["engine"].dispose()


def test_a_page_costs_the_same_for_many_sessions(app: Flask, browser: Browser, statements: list[str]) -> None:
    published(app, 15, days=[today() + timedelta(days=day) for day in (3, 10)], booked_as="series")
    statements.clear()
    assert len(page(browser)["items"]) == 15
    assert len([text for text in statements if text.startswith("SELECT")]) <= 4


# --- what it says


def test_a_session_as_others_read_it(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session, name="Red Door")
        course = make_course(session, organisation_id=organisation.id, kind="family", level=3)
        training = make_session(
            session, organisation_id=organisation.id, course=course, taught_in="ur", offers="bsl women_only",
            for_age="older", days=[date(2027, 3, 27), date(2027, 3, 28)], booked_as="course",
            joining="https://meet.example.org/secret",
        )  # fmt: skip
        make_booking(session, training, label="Amina Canary", contact_kind="sms", contact="07700 900123")
        touch(session, training, now=now())
        uids = [occurrence.uid for occurrence in training.occurrences]
    (item,) = walk(browser)
    data = item["data"]
    assert data["@type"] == item["kind"] == "SessionSeries"
    assert data["name"] == "First steps"
    assert data["organizer"]["name"] == "Red Door"
    assert data["roadmap:sessionLanguage"] == "ur"
    assert data["roadmap:accessSupport"] == ["bsl", "women_only"]
    assert data["roadmap:courseKind"] == "family"
    assert data["genderRestriction"] == "https://openactive.io/FemaleOnly"
    assert data["ageRange"]["minValue"] == 50
    assert data["level"] == ["Advanced"]
    assert data["offers"][0]["price"] == 0
    assert data["location"]["address"]["postalCode"] == "M14 5RQ"
    dates = data["subEvent"]
    assert [one["startDate"] for one in dates] == ["2027-03-27T10:00:00+00:00", "2027-03-28T10:00:00+01:00"]
    assert dates[0]["duration"] == "PT2H"
    assert [one["@id"].partition("#")[2] for one in dates] == uids
    told = json.dumps(item)
    # Neither who comes nor how many places are left, nor who teaches, nor how to join.
    for secret in ("Canary", "900123", "Noor", "secret", "remaining"):
        assert secret not in told


def test_a_booking_changes_nothing_in_it(app: Flask, browser: Browser) -> None:
    (number,) = published(app)
    before = browser.client.get(FEED).get_data()
    with app.app_context(), transaction() as session:
        make_booking(session, session.get_one(TrainingSession, number))
    assert browser.client.get(FEED).get_data() == before


def test_a_cancelled_date_and_a_cancelled_session_say_so(app: Flask, browser: Browser) -> None:
    one, other = published(
        app, 2, booked_as="series", days=[today() + timedelta(days=day) for day in (3, 10)]
    )
    with app.app_context(), transaction() as session:
        first = session.scalar(select(Occurrence).where(Occurrence.session_id == one).limit(1))
        assert first is not None
        session.execute(update(Occurrence).where(Occurrence.id == first.id).values(status="cancelled"))
        session.execute(update(TrainingSession).where(TrainingSession.id == other).values(status="cancelled"))
    mine, theirs = (item["data"] for item in walk(browser))
    assert mine["eventStatus"].endswith("EventScheduled")
    assert [part["eventStatus"].rpartition("/")[2] for part in mine["subEvent"]] == [
        "EventCancelled",
        "EventScheduled",
    ]
    assert {part["eventStatus"] for part in (theirs, *theirs["subEvent"])} == {feed.CANCELLED}


def test_what_our_fields_mean_is_published_beside_it(browser: Browser) -> None:
    answer = browser.client.get("/api/openactive/context")
    assert answer.content_type == "application/ld+json"
    told = answer.get_json()
    assert {field["@id"] for field in told["@graph"]} == {
        feed.LANGUAGE_FIELD,
        feed.ACCESS_FIELD,
        feed.KIND_FIELD,
    }
    for word in (*OFFERS, *KINDS):
        assert word in json.dumps(told)


def test_robots_are_told_of_open_data(browser: Browser) -> None:
    told = browser.client.get("/robots.txt").get_data(as_text=True)
    assert FEED in told and "CC BY 4.0" in told
    assert "Disallow: /en/book/" in told


# --- both validators of OpenActive, against a running server


@pytest.fixture
def live(tmp_path: Path, loaded_database: Path) -> Iterator[tuple[Flask, str]]:
    """The service at an address of this machine."""
    shutil.copy(loaded_database, tmp_path / "test.sqlite3")
    app = create_app(settings_for(tmp_path))
    with serving(app) as port:
        yield app, f"http://127.0.0.1:{port}"
    app.extensions["engine"].dispose()


def many(app: Flask, count: int) -> None:
    """A feed of several pages with every kind of session in it, and some that are gone."""
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session).id
        places = [make_place(session), make_place(session, postcode="", lat=None, lng=None, address=""),
                  make_place(session, lat=None, lng=None, phone="0161 496 0000")]  # fmt: skip
        every = list(OFFERS)
        for number, kind in enumerate(KINDS):
            course = make_course(session, organisation_id=organisation, kind=kind, level=number % 5)
            for age, place, online in (
                ("any", 0, False),
                ("young", 1, False),
                ("adults", 2, True),
                ("older", None, True),
            ):
                training = make_session(
                    session, organisation_id=organisation, course=course, for_age=age, is_online=online,
                    place_id=places[place].id if place is not None else None, offers=" ".join(every[: number * 2]),
                    days=[today() + timedelta(days=3), today() + timedelta(days=10)], booked_as="series",
                )  # fmt: skip
                if place == 0:
                    add_date(session, training, day=today() + timedelta(days=17), place_id=places[2].id)
                touch(session, training, now=now())
        same = [
            "course_id",
            "organisation_id",
            "place_id",
            "is_online",
            "booked_as",
            "capacity",
            "made_at",
            "changed_at",
        ]
        fixed = {column: getattr(training, column) for column in same}
        begin = training.change_number
        copies = [
            {**fixed, "slug": f"copy-{number}", "status": "published", "change_number": begin + number,
             "withdrawn_at": now() if number % 10 == 0 else None}
            for number in range(1, count + 1)
        ]  # fmt: skip
        session.execute(insert(TrainingSession), copies)
        day = today() + timedelta(days=4)
        when = {"day": day, "begins": time(9), "ends": time(10), "starts_at": moment(day, time(9)),
                "ends_at": moment(day, time(10)), "capacity": 8}  # fmt: skip
        written = session.scalars(select(TrainingSession.id).where(TrainingSession.slug.like("copy-%")))
        session.execute(
            insert(Occurrence),
            [{**when, "session_id": number, "uid": str(uuid.uuid4())} for number in written],
        )


def test_both_validators_find_nothing_but_the_one_deviation(live: tuple[Flask, str]) -> None:
    app, address = live
    many(app, 1100)
    run = subprocess.run(  # noqa: S603 - our own script on our own server
        ["node", str(CHECK), f"{address}{FEED}"], capture_output=True, text=True, check=False, timeout=120  # noqa: S607
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["pages"] >= 3
    assert (found["updated"], found["deleted"]) == (28 + 990, 110)
    assert [one for one in found["paging"] if one["severity"] == "failure"] == []
    failures = {(one["type"], one["path"]) for one in found["data"] if one["severity"] == "failure"}
    # An `activity` is a sport of OpenActive's list, and what we teach is none: docs/open-feed.md.
    assert failures == {("missing_required_field", "$.activity")}
    # The check checks: every session that was looked at has it, and our own fields were looked up.
    assert len([one for one in found["data"] if one["path"] == "$.activity"]) == 10


# --- the order of numbers is the order of commits


@pytest.mark.postgres
def test_who_reads_on_from_a_number_misses_nothing(service_on_both: Flask) -> None:
    """Eight organisers change eighty sessions, each once, while somebody reads on and on from the last number they saw."""
    app = service_on_both
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session).id
        course, place = make_course(session, organisation_id=organisation), make_place(session).id
        numbers = [
            make_session(
                session, organisation_id=organisation, course=course, place_id=place, change_number=0
            ).id
            for _number in range(80)
        ]
    seen: dict[int, int] = {}
    order: list[int] = []
    done, reads = threading.Event(), threading.Event()

    def change(mine: list[int]) -> None:
        for number in mine:
            with app.app_context(), transaction() as session:
                training = session.get_one(TrainingSession, number)
                touch(session, training, now=now())
                # Work after the number was taken: without the lock a later number would be committed first.
                clock_time.sleep(0.05 * (number % 3))

    def read() -> None:
        after = 0
        while True:
            last_round = done.is_set()
            with app.app_context(), reading() as session:
                for training in feed.changed_after(session, Wish(after, 5), now=now()):
                    seen[training.id] = after = training.change_number
                    order.append(after)
            reads.set()
            if last_round and (not order or after == order[-1]) and not _left(app, after):
                return

    reader = threading.Thread(target=read)
    reader.start()
    assert reads.wait(timeout=30)
    writers = [threading.Thread(target=change, args=(numbers[part::8],)) for part in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join(timeout=60)
    assert not reader.is_alive()
    assert order == sorted(order)
    with app.app_context(), reading() as session:
        rows = session.execute(select(TrainingSession.id, TrainingSession.change_number))
        stored = {row.id: row.change_number for row in rows}
    assert sorted(stored.values()) == list(range(1, 81))
    assert seen == stored


def _left(app: Flask, after: int) -> bool:
    with app.app_context(), reading() as session:
        return (
            session.scalar(select(TrainingSession.id).where(TrainingSession.change_number > after))
            is not None
        )
