"""Two people who move one row at once: one wins, the other is told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core import history
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.places.models import Place, PlaceReport

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_report() -> int:
    with transaction() as session:
        place = Place(
            slug="a", source_key="a", name="A", kinds="library", confidence="high",
            source="s", licence="l", read_on=NOON.date(),
        )  # fmt: skip
        session.add(place)
        session.flush()
        report = PlaceReport(place_id=place.id, what="hours", words="w", language="en", status="new", at=NOON)
        session.add(report)
        session.flush()
        return report.id


def test_of_two_people_who_move_one_row_at_once_one_wins(both_engines: Flask) -> None:
    report_id = make_report()
    ready = threading.Barrier(2, timeout=5)
    ends: list[str] = []

    def decide(to: str) -> None:
        with both_engines.app_context():
            try:
                with transaction() as session:
                    if session.get_bind().dialect.name == "sqlite":
                        ready.wait()  # one writer at a time: the second cannot even begin
                        report = session.get_one(PlaceReport, report_id)
                    else:
                        report = session.get_one(PlaceReport, report_id)
                        ready.wait()  # both have seen "new"
                    history.move(session, report, to, actor="editor", now=NOON)
                ends.append(to)
            except RuleBroken:
                ends.append("told")

    threads = [threading.Thread(target=decide, args=(to,)) for to in ("mended", "refused")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "told" in ends and len(ends) == 2
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(history.StatusChange)) == 1
