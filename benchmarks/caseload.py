"""The caseload page of a city beside that of a thousandth of it: `python benchmarks/caseload.py [--smoke]`.

A caseworker with forty people: once in a city (10,000 people, 50,000 referrals), once where there is hardly anybody else
(50 referrals). Both have as much open about their forty. Each lies in a database of its own; the requests take turns. The
ratio of the p95 of both is printed. Exit code 1 when the city's page asks more statements, or (by the median) is not flat.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flask import Flask
from sqlalchemy import text

from benchmarks.loans import in_parts, measure
from benchmarks.training import Failed, instance, p95
from inclusion_app.app import create_app
from inclusion_app.core.clock import now, today
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import engine, transaction
from inclusion_app.people.models import CaseloadEntry, Consent, ConsentItem, Resident
from inclusion_app.people.rules import ITEMS
from inclusion_app.referrals.models import CaseTask, Referral
from tests.factories.accounts import make_organisation, make_staff, sign_in
from tests.factories.referrals import make_service
from tests.plugins.postgres import find_binaries, running_cluster

MINE, FLAT = 40, 1.5
PAGES = ("/staff/caseload", "/staff/caseload?due=week", "/staff/caseload/outreach")


def residents(many: int) -> Iterator[dict[str, Any]]:
    """So many people with a name."""
    dice = random.Random(7)
    for number in range(1, many + 1):
        yield {
            "id": number, "code_hash": keyed_hash("bench", str(number)), "code": f"BENCH{number:06}", "secret_kind": "pin",
            "secret_hash": "none", "pin_for_everything": False, "language": "en", "made_at": now(), "last_used_at": now(),
            "name": f"Person {number}", "spoken": dice.choice(("en", "ur", "so")), "ward": f"E0501{dice.randrange(1368, 1400)}",
            "is_restricted": number % 97 == 96 and number > MINE,
        }  # fmt: skip


def consents(many: int, here: int) -> Iterator[dict[str, Any]]:
    """Everybody shares everything with the organisation."""
    usual = {
        "organisation_id": here, "purpose": "help", "basis": "consent", "wording": "2026-11", "language": "en",
        "how": "screen", "given_at": now(), "until_at": now() + timedelta(days=365), "is_for_referral": False,
    }  # fmt: skip
    for number in range(1, many + 1):
        yield {**usual, "id": number, "resident_id": number}


def sent(first: int, many: int, people: int, *, live: bool, **usual: Any) -> Iterator[dict[str, Any]]:
    """Referrals that were sent, live or ended, of one person after the other."""
    for number in range(first, first + many):
        moment = now() - timedelta(days=number % 900 + 1)
        yield {
            **usual, "id": number, "form_key": uuid.uuid4().hex, "resident_id": number % people + 1, "mode": "cold",
            "urgency": "usual", "status": "sent" if live else "closed", "outcome": None if live else "got_help",
            "language": "en", "nudged": 0, "holds_place": False, "made_at": moment, "sent_at": moment,
            "ended_at": None if live else moment, "clock_since": moment if live else None,
            "clock_due": moment + timedelta(days=2) if live else None,
        }  # fmt: skip


def fill(app: Flask, *, people: int, referrals: int) -> str:
    """The people, their referrals, forty to a caseworker. Gives a sign-in of the first one."""
    with app.app_context(), transaction() as session:
        here = make_organisation(session, name="Here", shares_caseload=False).id
        there = make_organisation(session, name="There").id
        service = make_service(session, organisation_id=there).id
        workers = [
            make_staff(session, organisation_id=here, roles=("caseworker",)).id
            for _one in range(-(-people // MINE))
        ]
        in_parts(session, Resident, residents(people))
        in_parts(session, Consent, consents(people, here))
        shared = ({"consent_id": number, "item": item} for number in range(1, people + 1) for item in ITEMS)
        in_parts(session, ConsentItem, shared)
        looked_after = (
            {
                "organisation_id": here,
                "staff_id": workers[number // MINE],
                "resident_id": number + 1,
                "since_at": now(),
            }
            for number in range(people)
        )
        in_parts(session, CaseloadEntry, looked_after)
        usual = {"service_id": service, "organisation_id": there, "sender_id": here}
        mine = min(MINE, people)
        in_parts(session, Referral, sent(1, mine, mine, live=True, **usual, sender_staff_id=workers[0]))
        in_parts(
            session,
            Referral,
            sent(mine + 1, referrals - mine, people, live=False, **usual, sender_staff_id=workers[-1]),
        )
        open_ = {"organisation_id": here, "kind": "own", "words": "Call them", "made_at": now()}
        tasks = (
            {
                **open_, "key": uuid.uuid4().hex, "owner_id": workers[number // MINE], "resident_id": number + 1,
                "due_on": today() + timedelta(days=number % 20 - 5), "done_at": None,
            }
            for number in range(people)
        )  # fmt: skip
        in_parts(session, CaseTask, tasks)
        token = sign_in(session, staff_id=workers[0], organisation_id=here)
    with app.app_context(), engine().connect().execution_options(isolation_level="AUTOCOMMIT") as line:
        line.execute(text("VACUUM ANALYZE" if line.dialect.name == "postgresql" else "ANALYZE"))
    return token


def run(
    name: str, urls: tuple[str | None, str | None], *, city: tuple[int, int], times: int, failed: Failed
) -> None:
    """Fill both places and measure each page of them."""
    with contextlib.ExitStack() as stack:
        places: list[tuple[Flask, str]] = []
        keys: dict[str, Any] = {}
        for people, referrals, url in ((MINE, max(MINE, city[1] // 1000), urls[0]), (*city, urls[1])):
            settings, _environment = stack.enter_context(instance(url))
            # One process seals with one key, whichever place it writes to.
            keys = keys or {"secret_key": settings.secret_key, "field_keys": settings.field_keys}
            app = create_app(replace(settings, **keys))
            stack.callback(app.extensions["engine"].dispose)
            began = time.perf_counter()
            places.append((app, fill(app, people=people, referrals=referrals)))
            print(
                f"{name:10} {people:,} people, {referrals:,} referrals: filled in {time.perf_counter() - began:.0f} s"
            )
        for path in PAGES:
            (few, few_queries), (many, many_queries) = measure(places, path, times)
            middle = statistics.median(many) / statistics.median(few)
            print(
                f"{name:10} {path}: p95 {p95(many):.1f} ms, of a thousandth {p95(few):.1f} ms"
                f" ({p95(many) / p95(few):.2f} x, goal <= {FLAT}) | median {statistics.median(many):.1f},"
                f" {statistics.median(few):.1f} ({middle:.2f} x) | queries {many_queries}, {few_queries}"
            )
            # By the median: the p95 of few rounds is what else this machine did.
            if times >= 60 and middle > FLAT:
                failed.faults.append(f"{path} is not flat")
            if many_queries != few_queries:
                failed.faults.append(
                    f"{path} asks {many_queries} queries of a city, {few_queries} of a thousandth"
                )


def engines() -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    """SQLite, a file for each place; and PostgreSQL where it is installed, a database for each."""
    yield "SQLite", (None, None)
    if find_binaries() is None:
        print("PostgreSQL is not installed here: not measured")
        return
    with running_cluster() as cluster:
        for name in ("town", "city"):
            cluster.run(f"CREATE DATABASE {name}")
        yield "PostgreSQL", (cluster.url("town"), cluster.url("city"))


def main() -> int:
    """Run it on each engine and say what must not happen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--smoke", action="store_true", help="a few rounds only: shows that it runs")
    given = parser.parse_args()
    failed = Failed([])
    city, times = ((400, 2_000), 5) if given.smoke else ((10_000, 50_000), 60)
    for name, urls in [("SQLite", (None, None))] if given.smoke else engines():
        run(name, urls, city=city, times=times, failed=failed)
    for fault in failed.faults:
        print(f"FAULT: {fault}")
    print("failed" if failed.faults else "flat")
    return 1 if failed.faults else 0


if __name__ == "__main__":
    sys.exit(main())
