"""Training under load: `python benchmarks/training.py [--smoke] [--runs 10]`.

Last places: 50 clients ask four times each for one of 20 places, by 2 and by 8 worker processes, on SQLite and (where it is
installed) on PostgreSQL, each run beside as many bare INSERTs by the same clients. The same over HTTP: 50 people send the
form of the page to the web server with 2 and with 8 workers. The list page with 5,000 sessions, by
CPU time beside the bare answer of /healthz. The open feed: all pages of 20,000 items. Exit code 1 when anything was
oversold, a booking failed in another way than by a plain refusal, or the number of queries of the list grew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import time as wall
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flask import Flask
from sqlalchemy import event, func, insert, select

from inclusion_app.accounts.services import make_organisation
from inclusion_app.app import create_app
from inclusion_app.config import Settings, load_settings
from inclusion_app.core import migrations
from inclusion_app.core.clock import moment, now, today
from inclusion_app.core.db import engine, reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people.models import GivenCode
from inclusion_app.places.models import Place
from inclusion_app.training.models import Course, CourseText, FeedCounter, Occurrence, TrainingSession
from inclusion_app.training.queries import PAGE
from inclusion_app.training.services.bookings import Wanted, book
from tests.plugins.postgres import find_binaries, running_cluster

CLIENTS, TRIES, PLACES, WAITING = 50, 4, 20, 60


@dataclass
class Failed:
    """What must not happen, to be said at the end."""

    faults: list[str]


# --- worker processes


def worker(kind: str, session_id: int, clients: int, tries: int) -> None:
    """One worker process: says "ready", waits for a line, does its work with so many clients at once, says what came of it."""
    app = create_app(load_settings(instance=Path(os.environ["INCLUSION_INSTANCE"])))
    outcomes: Counter[str] = Counter()
    guard = threading.Lock()

    def client(_number: int) -> None:
        for _try in range(tries):
            with app.app_context():
                said = one_booking(session_id) if kind == "book" else one_insert()
            with guard:
                outcomes[said] += 1

    with app.app_context(), reading() as session:  # the first connection is not what is measured
        session.scalar(select(func.count()).select_from(Occurrence))
    with ThreadPoolExecutor(clients) as pool:
        print("ready", flush=True)
        sys.stdin.readline()
        list(pool.map(client, range(clients)))
    print(json.dumps(outcomes), flush=True)


def one_booking(session_id: int) -> str:
    """A booking by somebody without a name; what became of it."""
    wanted = Wanted(form_key=uuid.uuid4().hex, language="en")
    try:
        with transaction() as session:
            training = session.get_one(TrainingSession, session_id)
            return book(session, training=training, wanted=wanted, now=now()).status
    except RuleBroken:
        return "refused"
    except Exception as err:  # noqa: BLE001 - counted and named
        return f"failed: {type(err).__name__}"


def one_insert() -> str:
    """One row in a transaction of its own: the least that writing costs here."""
    with transaction() as session:
        session.add(GivenCode(code_hash=uuid.uuid4().hex, kind="booking", given_at=now()))
    return "written"


def at_once(
    kind: str, session_id: int, workers: int, environment: dict[str, str]
) -> tuple[float, Counter[str]]:
    """All clients at once, spread over the workers; the seconds from the start to the last answer."""
    share = [CLIENTS // workers + (number < CLIENTS % workers) for number in range(workers)]
    return together(
        [[__file__, "--worker", kind, str(session_id), str(clients), str(TRIES)] for clients in share],
        environment,
    )


def together(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> tuple[float, Counter[str]]:
    """Worker processes that begin at one moment; the seconds from the start to the last answer, and what came of all."""
    running = [
        subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )
        for command in commands
    ]  # fmt: skip
    for child in running:
        assert child.stdout and child.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for child in running:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    outcomes: Counter[str] = Counter()
    for child in running:
        assert child.stdout
        outcomes.update(json.loads(child.stdout.readline()))
    seconds = time.perf_counter() - began
    for child in running:
        child.wait(30)
    return seconds, outcomes


# --- what is measured


def make_courses(session: Any, owner: int, many: int) -> list[int]:
    """Courses with English words."""
    numbers = []
    for number in range(many):
        course = Course(organisation_id=owner, area="FND", level=1, steps="F1 F2", made_at=now())
        course.texts = [
            CourseText(language="en", title=f"First steps {number}", summary="We begin.", bring="Nothing")
        ]
        session.add(course)
        session.flush()
        numbers.append(course.id)
    return numbers


def sessions_of(course: int, owner: int, place: int | None, number: int, **more: Any) -> dict[str, Any]:
    """One row of a published session."""
    return {
        "slug": f"made-{number}", "course_id": course, "organisation_id": owner, "place_id": place, "status": "published",
        "booked_as": "series", "capacity": 20, "waiting_size": WAITING, "is_online": place is None, "taught_in": "en",
        "made_at": now(), "changed_at": now(), "change_number": number, "phone": "0161 496 0000", **more,
    }  # fmt: skip


def date_of(session_id: int, days: int, capacity: int) -> dict[str, Any]:
    """One row of a date at ten o'clock."""
    day = today() + timedelta(days=days)
    return {
        "session_id": session_id, "day": day, "begins": wall(10), "ends": wall(12), "capacity": capacity,
        "starts_at": moment(day, wall(10)), "ends_at": moment(day, wall(12)), "uid": str(uuid.uuid4()),
    }  # fmt: skip


def last_session(session: Any, course: int, owner: int, number: int) -> int:
    """One session with the places everybody wants."""
    row = sessions_of(course, owner, None, number, booked_as="single", capacity=PLACES)
    made: int = session.scalar(insert(TrainingSession).values(row).returning(TrainingSession.id))
    session.execute(insert(Occurrence).values(date_of(made, 10, PLACES)))
    return made


def last_places(app: Flask, name: str, environment: dict[str, str], *, runs: int, failed: Failed) -> None:
    """200 bookings on 20 places, again and again, with 2 and with 8 workers."""
    with app.app_context(), transaction() as session:
        owner = make_organisation(session, name="Bench", kind="library", actor=None, now=now()).id
        (course,) = make_courses(session, owner, 1)
    number = 0
    for workers in (2, 8):
        per_second, bare, total = [], [], Counter[str]()
        for _run in range(runs):
            number += 1
            with app.app_context(), transaction() as session:
                made = last_session(session, course, owner, number)
            floor, _rows = at_once("bare", made, workers, environment)
            seconds, outcomes = at_once("book", made, workers, environment)
            per_second.append(CLIENTS * TRIES / seconds)
            bare.append(CLIENTS * TRIES / floor)
            total += outcomes
            with app.app_context(), reading() as session:
                taken = session.scalar(select(Occurrence.taken).where(Occurrence.session_id == made))
            expected = {
                "booked": PLACES,
                "waitlisted": WAITING,
                "refused": CLIENTS * TRIES - PLACES - WAITING,
            }
            if taken != PLACES or dict(outcomes) != expected:
                failed.faults.append(
                    f"{name}, {workers} workers: {taken} taken of {PLACES}; {dict(outcomes)}"
                )
        print(
            f"{name:10} {workers} workers, {runs} runs: {statistics.median(per_second):7.1f} bookings/s"
            f" | bare INSERTs {statistics.median(bare):7.1f}/s ({statistics.median(per_second) / statistics.median(bare):.2f} x)"
            f" | {dict(total)}"
        )


@contextlib.contextmanager
def web_server(workers: int, environment: dict[str, str]) -> Iterator[str]:
    """The web server as the service runs it, but many may book from one machine. Gives its address."""
    from tests.plugins.chromium import ROOT, free_port, wait_for_page

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "gunicorn", "tests.training.race_app:app", "--bind", f"127.0.0.1:{port}", "--preload",
                    "--worker-class", "gthread", "--workers", str(workers), "--threads", "4", "--graceful-timeout", "2",
                    "--no-control-socket", "--log-level", "warning",
                ],
                cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out,
            )  # fmt: skip
        try:
            wait_for_page(f"http://127.0.0.1:{port}/healthz", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def over_http(app: Flask, name: str, environment: dict[str, str], *, runs: int, failed: Failed) -> None:
    """200 people send the form for 20 places, 50 at once, to the real web server. Opening the page is not measured."""
    import requests

    from tests.training.test_http_race import Form

    with app.app_context(), transaction() as session:
        owner = make_organisation(session, name="Bench web", kind="library", actor=None, now=now()).id
        (course,) = make_courses(session, owner, 1)
    want, number = CLIENTS * TRIES, 100_000
    for workers in (2, 8):
        per_second, total = [], Counter[int]()
        with web_server(workers, environment) as url:
            for _run in range(runs):
                number += 1
                with app.app_context(), transaction() as session:
                    made = last_session(session, course, owner, number)
                page = f"{url}/en/training/made-{number}"

                def opens(_number: int, page: str = page) -> tuple[requests.Session, dict[str, str]]:
                    person = requests.Session()
                    person.headers["Connection"] = "close"  # the server ends lines that stand idle
                    return person, Form(person.get(page, timeout=60).text).to_book()

                def sends(
                    one: tuple[requests.Session, dict[str, str]], page: str = page
                ) -> tuple[int, float]:
                    with one[0] as person:
                        answer = person.post(page, data=one[1], allow_redirects=False, timeout=60)
                    return answer.status_code, answer.elapsed.total_seconds()

                with ThreadPoolExecutor(CLIENTS) as crowd:
                    people = list(crowd.map(opens, range(want)))
                    began = time.perf_counter()
                    answers = list(crowd.map(sends, people))
                    per_second.append(want / (time.perf_counter() - began))
                statuses = Counter(status for status, _seconds in answers)
                total += statuses
                with app.app_context(), reading() as session:
                    taken = session.scalar(select(Occurrence.taken).where(Occurrence.session_id == made))
                if taken != PLACES or dict(statuses) != {303: PLACES + WAITING, 422: want - PLACES - WAITING}:
                    failed.faults.append(f"{name}, HTTP, {workers} workers: {taken} taken; {dict(statuses)}")
        print(
            f"{name:10} {workers} workers, {runs} runs over HTTP: {statistics.median(per_second):7.1f} forms/s,"
            f" slowest run {min(per_second):.1f} | {dict(total)}"
        )


def fill(app: Flask, *, sessions: int, dates: int) -> None:
    """So many sessions at made-up places across the city, with so many dates in all over ten weeks."""
    dice = random.Random(5)
    with app.app_context(), transaction() as session:
        owner = make_organisation(session, name="Bench list", kind="library", actor=None, now=now()).id
        places = [
            Place(
                slug=f"made-{number}", source_key=f"made:{number}", name=f"Made {number}", kinds="library",
                lat=53.35 + dice.random() * 0.2, lng=-2.3 + dice.random() * 0.15, confidence="medium", source="made",
                licence="CC0", read_on=today(),
            )
            for number in range(60)
        ]  # fmt: skip
        session.add_all(places)
        session.flush()
        courses = make_courses(session, owner, 40)
        first = (session.scalar(select(func.max(TrainingSession.id))) or 0) + 1
        rows = [
            {
                "id": first + number,
                **sessions_of(dice.choice(courses), owner, dice.choice(places).id, 10_000 + number),
            }
            for number in range(sessions)
        ]
        session.execute(insert(TrainingSession), rows)
        numbers = [first + number for number in range(sessions)]
        session.execute(
            insert(Occurrence),
            [date_of(numbers[number % sessions], 1 + dice.randrange(70), 20) for number in range(dates)],
        )
        session.merge(FeedCounter(name="sessions", value=10_000 + sessions))


def queries_of(app: Flask, path: str) -> int:
    """How many statements a page asks."""
    asked: list[str] = []

    def count(*said: Any) -> None:
        asked.append(said[2])

    with app.app_context():
        event.listen(engine(), "before_cursor_execute", count)
        app.test_client().get(path)
        event.remove(engine(), "before_cursor_execute", count)
    return len(asked)


def cpu_of(app: Flask, path: str, times: int) -> list[float]:
    """Milliseconds of CPU for each answer; empty when there is no such page."""
    client = app.test_client()
    if client.get(path).status_code != 200:
        return []
    taken = []
    for _ in range(times):
        began = time.process_time()
        client.get(path)
        taken.append((time.process_time() - began) * 1000)
    return taken


def list_page(settings: Settings, *, times: int, failed: Failed) -> None:
    """The list with one full page and with 5,000 sessions (20,000 dates): CPU, p95 of both, queries of both.

    Both show the same number of lines, so what differs is only how much there is to choose from.
    """
    app = create_app(settings)
    path = "/en/training"
    fill(app, sessions=PAGE, dates=4 * PAGE)
    few, few_queries = cpu_of(app, path, times), queries_of(app, path)
    with app.app_context(), transaction() as session:
        # The small town makes room for the city.
        for table in ("occurrences", "training_sessions", "course_texts", "courses", "places"):
            session.execute(TrainingSession.metadata.tables[table].delete())
        session.execute(TrainingSession.metadata.tables["organisations"].delete())
    fill(app, sessions=5_000, dates=20_000)
    floor = cpu_of(app, "/healthz", times)
    many, many_queries = cpu_of(app, path, times), queries_of(app, path)
    if not few or not many:
        print("list page: there is none yet")
        return
    show = statistics.median
    print(
        f"list page, 5,000 sessions: {show(many):.1f} ms CPU | /healthz {show(floor):.1f} ms ({show(many) / show(floor):.1f} x)"
        f" | p95 {p95(many):.1f} ms, of one page of sessions {p95(few):.1f} ms ({p95(many) / p95(few):.2f} x)"
        f" | queries {many_queries}, of one page {few_queries}"
    )
    if many_queries > few_queries:
        failed.faults.append(f"the list asks {many_queries} queries for many sessions, {few_queries} for few")
    app.extensions["engine"].dispose()


def p95(figures: Sequence[float]) -> float:
    """The figure below which 19 of 20 lie."""
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * 0.95))]


def feed(settings: Settings, *, items: int, failed: Failed) -> None:
    """Every page of the open feed, from the first to the one that is empty."""
    app = create_app(settings)
    fill(app, sessions=items, dates=items)
    client, path, seen, pages, taken = app.test_client(), "/api/openactive/sessions", 0, 0, []
    while True:
        began = time.process_time()
        answer = client.get(path)
        taken.append((time.process_time() - began) * 1000)
        if answer.status_code != 200:
            print("open feed: there is none yet")
            break
        said = answer.get_json()
        pages += 1
        seen += len(said["items"])
        following = said["next"].split("//", 1)[-1].partition("/")[2]
        if not said["items"]:
            print(
                f"open feed, {seen:,} items on {pages} pages: {sum(taken) / 1000:.2f} s CPU, {seen / (sum(taken) / 1000):,.0f}"
                f" items/s, p95 of a page {p95(taken):.1f} ms, last full page {taken[-2]:.1f} ms, first {taken[0]:.1f} ms"
            )
            if seen != items:
                failed.faults.append(f"the feed gave {seen} of {items} items")
            break
        path = f"/{following}"
    app.extensions["engine"].dispose()


@contextlib.contextmanager
def instance(url: str | None = None) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Settings of a throw-away instance, migrated, and the environment that leads its workers there."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"INCLUSION_INSTANCE": folder}
        if url:  # beside another database every key is asked for
            made = load_settings({}, instance=Path(folder))
            environment |= {
                "INCLUSION_DATABASE_URL": url,
                "INCLUSION_SECRET_KEY": made.secret_key,
                "INCLUSION_FIELD_KEYS": ",".join(made.field_keys),
                "INCLUSION_BADGE_KEY": made.badge_keys,
            }
        settings = load_settings({**os.environ, **environment}, instance=Path(folder))
        app = create_app(settings)
        with app.app_context():
            migrations.upgrade()
        app.extensions["engine"].dispose()
        yield settings, environment


def clusters() -> Iterator[tuple[str, str | None]]:
    """SQLite, and PostgreSQL where it is installed."""
    yield "SQLite", None
    if find_binaries() is None:
        print("PostgreSQL is not installed here: not measured")
        return
    with running_cluster() as cluster:
        cluster.run("CREATE DATABASE bench")
        yield "PostgreSQL", cluster.url("bench")


def main() -> int:
    """Run them all and say what must not happen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--smoke", action="store_true", help="a few rounds only: shows that they run")
    parser.add_argument("--runs", type=int, default=10, help="how often the last places are given away")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        kind, *numbers = given.worker
        worker(kind, *(int(number) for number in numbers))
        return 0
    failed = Failed([])
    for name, url in [("SQLite", None)] if given.smoke else clusters():
        with instance(url) as (settings, environment):
            app = create_app(settings)
            runs = 1 if given.smoke else given.runs
            last_places(app, name, environment, runs=runs, failed=failed)
            over_http(app, name, environment, runs=runs, failed=failed)
            app.extensions["engine"].dispose()
    with instance() as (settings, _environment):
        list_page(settings, times=5 if given.smoke else 100, failed=failed)
    with instance() as (settings, _environment):
        feed(settings, items=500 if given.smoke else 20_000, failed=failed)
    for fault in failed.faults:
        print(f"FAULT: {fault}")
    print("never oversold" if not failed.faults else f"{len(failed.faults)} faults")
    return 1 if failed.faults else 0


if __name__ == "__main__":
    sys.exit(main())
