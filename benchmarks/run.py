"""Figures beside a named baseline measured in the same run: `python benchmarks/run.py [--smoke]`.

Absolute times wander on a shared machine; a ratio to a baseline of the same run does not.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inclusion_app.app import create_app
from inclusion_app.config import load_settings
from inclusion_app.core import migrations
from inclusion_app.core.db import transaction
from inclusion_app.places import queries
from inclusion_app.places.models import Place
from inclusion_app.places.services import load_city_pack
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.rules import Answers, Choices, Connection, Device, make_plan

NOW = datetime(2026, 11, 24, 11, tzinfo=UTC)
PLACES = 3_487  # as many as England's libraries


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The median of so many runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def show(name: str, figure: float, unit: str, baseline: str, base: float, goal: str) -> None:
    """One line: the figure, its baseline, their ratio, what is to be reached."""
    print(f"{name:34} {figure:9.2f} {unit:4} | {baseline}: {base:.2f} ({figure / base:.2f} x) | goal {goal}")


def plan(times: int) -> None:
    """The plan of fifteen goals against one walk over all steps and their links."""
    catalogue = load_catalogue()
    answers = Answers(tuple(catalogue.goals), devices=frozenset({Device.NONE}), connection=Connection.NO)
    walk = milliseconds(lambda: [list(step.after) for step in catalogue.steps.values()], times)
    figure = milliseconds(lambda: make_plan(catalogue, answers, Choices(), date(2026, 11, 23)), times)
    show("plan, all 15 goals", figure, "ms", "one walk over the catalogue", walk, "<= 2 ms")


def finder(times: int) -> None:
    """Nearest 20 of 3,487 places against the bare sums and a sort."""
    dice = random.Random(1)
    with transaction() as session:
        for number in range(PLACES - session.query(Place).count()):
            session.add(
                Place(
                    slug=f"made-{number}", source_key=f"made:{number}", name=f"Made {number}", kinds="library",
                    lat=53.3 + dice.random() * 0.4, lng=-2.6 + dice.random() * 0.7, confidence="medium",
                    source="made", licence="CC0", read_on=NOW.date(),
                )
            )  # fmt: skip
    where = queries.Where(53.45, -2.2, "here")
    points = [(53.3 + dice.random() * 0.4, -2.6 + dice.random() * 0.7) for _ in range(PLACES)]

    def bare() -> object:
        return sorted(math.hypot(lat - where.lat, (lng - where.lng) * 0.6) for lat, lng in points)[:20]

    def find() -> None:
        with transaction() as session:
            queries.find_places(session, where=where, filters=queries.Filters(), now=NOW)

    show(
        "finder, nearest 20 of 3,487",
        milliseconds(find, times),
        "ms",
        "bare sums and sort",
        milliseconds(bare, times),
        "-",
    )


def page(times: int, app: object) -> None:
    """The start page against an empty answer through the same server code."""
    client = app.test_client()  # type: ignore[attr-defined]
    health = milliseconds(lambda: client.get("/healthz"), times)
    show("start page", milliseconds(lambda: client.get("/ur/"), times), "ms", "/healthz", health, "-")
    listed = milliseconds(lambda: client.get("/en/places?near=M14"), max(3, times // 10))
    show("finder page, 3,487 places", listed, "ms", "/healthz", health, "-")


def paper(times: int) -> None:
    """A bilingual two-page sheet of plain HTML: WeasyPrint alone, the floor for the handout."""
    import weasyprint

    html = "<!doctype html><html lang=en><title>x</title>" + "<p>A sentence of plain words.</p>" * 60
    floor = milliseconds(lambda: weasyprint.HTML(string=html).write_pdf(), times)
    tagged = milliseconds(lambda: weasyprint.HTML(string=html).write_pdf(pdf_variant="pdf/ua-1"), times)
    show("tagged paper", tagged, "ms", "the same untagged", floor, "<= 1.25 x")


def memory_and_start() -> None:
    """Resident memory and import time of one web process, against bare Flask with SQLAlchemy."""

    def measure(code: str) -> tuple[float, float]:
        began = time.perf_counter()
        out = subprocess.run(
            [sys.executable, "-c", code + "\nprint(open('/proc/self/statm').read().split()[1])"],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
        return int(out.stdout.split()[-1]) * 4096 / 2**20, time.perf_counter() - began

    floor, floor_start = measure("import flask, sqlalchemy.orm\nflask.Flask('x')")
    ours, start = measure("from inclusion_app.app import create_app\ncreate_app()")
    show("resident memory", ours, "MiB", "bare Flask and SQLAlchemy", floor, "<= 110 MiB")
    show("process start", start, "s", "bare Flask and SQLAlchemy", floor_start, "<= 3 s")


def main() -> None:
    """Run them all on a throw-away instance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true", help="a few rounds only: shows that they run")
    times = 5 if parser.parse_args().smoke else 200
    with tempfile.TemporaryDirectory() as folder:
        os.environ["INCLUSION_INSTANCE"] = folder
        app = create_app(load_settings(instance=Path(folder)))
        with app.app_context():
            migrations.upgrade()
            with transaction() as session:
                load_city_pack(session, now=NOW)
            plan(times)
            finder(max(5, times // 10))
        page(times, app)
        paper(max(3, times // 20))
        memory_and_start()


if __name__ == "__main__":
    main()
