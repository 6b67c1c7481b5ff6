"""Counting by scanning, what differs, and moves between places."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import DeviceModel, Loan, Sighting, StockTake, TakeIn, Transfer, Unit
from inclusion_app.loans.services import custody, repairs, stocktake, transfers
from inclusion_app.places.models import Place
from tests.factories.loans import make_loan, make_model, make_unit
from tests.factories.training import make_place

BEFORE = timedelta(days=1)


class Shelf:
    """One place of one scheme, another place, and a count that runs here."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.model: DeviceModel = make_model(session)
        self.here: Place = make_place(session)
        self.there: Place = make_place(session)
        self.units: dict[str, Unit] = {}

    def put(self, name: str, **facts: Any) -> Unit:
        usual = {"place_id": self.here.id, "made_at": now() - BEFORE}
        self.units[name] = make_unit(self.session, model=self.model, **{**usual, **facts})
        return self.units[name]

    def begin(self) -> StockTake:
        return stocktake.begin(
            self.session,
            organisation_id=self.model.organisation_id,
            place=self.here,
            staff_id=None,
            now=now(),
        )

    def see(self, count: StockTake, typed: str, at: datetime | None = None) -> stocktake.Seen:
        return stocktake.see(self.session, count=count, typed=typed, now=at or now())

    def send(self, *units: Unit, to: Place | None = None) -> list[Transfer]:
        return transfers.send(self.session, units=units, to=to or self.there, staff_id=None, now=now())

    def names(self, condition: Any) -> set[str]:
        found = set(self.session.scalars(select(Unit.id).where(condition)))
        return {name for name, unit in self.units.items() if unit.id in found}


def refused(call: Any) -> str:
    with pytest.raises(RuleBroken) as broken:
        call()
    return broken.value.message


def test_each_tag_counts_once_and_an_unknown_one_is_kept(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        unit, count = shelf.put("one"), shelf.begin()
        assert shelf.see(count, unit.tag) == stocktake.Seen(unit.tag, unit, True)
        assert shelf.see(count, f" {unit.tag.lower()} ") == stocktake.Seen(unit.tag, unit, False)
        assert not shelf.see(count, unit.serial or "").is_new, "the same machine by its serial number"
        assert shelf.see(count, "who\x00 knows").unit is None
        assert not shelf.see(count, "WHO KNOWS").is_new
        assert len(shelf.see(count, "x" * 5_000).tag) == stocktake.TAG_LENGTH
        assert refused(lambda: shelf.see(count, " \u200b ")) == stocktake.NOTHING_TYPED
        assert session.scalar(select(func.count()).select_from(Sighting)) == 3


def test_a_unit_of_another_scheme_is_a_tag_nobody_knows(both_engines: Flask) -> None:
    with transaction() as session:
        shelf, other = Shelf(session), make_unit(session)
        assert shelf.see(shelf.begin(), other.tag).unit is None


def test_a_place_has_one_count_at_a_time_and_what_is_over_takes_no_scan(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        count = shelf.begin()
        assert shelf.begin().id == count.id
        stocktake.end(session, count=count, now=now())
        assert refused(lambda: shelf.see(count, "A")) == stocktake.IS_OVER
        assert refused(lambda: stocktake.end(session, count=count, now=now())) == stocktake.IS_OVER
        assert shelf.begin().id != count.id


def test_the_differences(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        for name in ("seen", "gone", "lent", "sent", "at workshop"):
            shelf.put(name)
        shelf.put("elsewhere", place_id=shelf.there.id)
        shelf.put("lent and here")
        shelf.put("was missing", status="missing")
        shelf.put("retired", status="retired", retired_for="unsafe")
        shelf.put("retired and here", status="retired", retired_for="unsafe")
        for name in ("lent", "lent and here"):
            make_loan(session, unit=shelf.units[name])
        shelf.send(shelf.units["sent"])
        ticket = repairs.open_ticket(
            session, unit=shelf.units["at workshop"], fault="slow", staff_id=None, now=now()
        )
        repairs.send(session, ticket=ticket, workshop=shelf.there, now=now())
        count = shelf.begin()
        for name in ("seen", "elsewhere", "lent and here", "was missing", "retired and here"):
            shelf.see(count, shelf.units[name].tag)
        # What comes in while somebody counts, or after, is no difference.
        later = now() + timedelta(seconds=1)
        shelf.put("new", made_at=later)
        custody.take_in(session, unit=shelf.units["lent"], staff_id=None, hold_days=3, now=later)
        stocktake.end(session, count=count, now=later)
        session.flush()
        assert shelf.names(stocktake.is_missing_here(count)) == {"gone"}
        assert shelf.names(stocktake.is_elsewhere_by_the_books(count)) == {
            "elsewhere", "lent and here", "was missing", "retired and here",
        }  # fmt: skip


def test_what_is_missing_is_marked_once(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        gone, seen = shelf.put("gone"), shelf.put("seen")
        count = shelf.begin()
        shelf.see(count, seen.tag)
        # Somebody scans still: what was not seen yet is not missing.
        early = lambda: stocktake.mark_missing(session, count=count, unit=gone, now=now())  # noqa: E731
        assert refused(early) == stocktake.STILL_RUNS and gone.status == "ready"
        stocktake.end(session, count=count, now=now())
        stocktake.mark_missing(session, count=count, unit=gone, now=now())
        assert gone.status == "missing"
        for unit in (gone, seen):
            again = lambda unit=unit: stocktake.mark_missing(session, count=count, unit=unit, now=now())  # noqa: E731
            assert refused(again) == stocktake.NOT_MISSING
        assert seen.status == "ready"


def test_what_was_seen_is_moved_here(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        away, lent, retired, never = (
            shelf.put("away", place_id=shelf.there.id), shelf.put("lent"),
            shelf.put("retired", status="retired", retired_for="unsafe"), shelf.put("never"),
        )  # fmt: skip
        missing = shelf.put("missing", place_id=shelf.there.id)
        loan = make_loan(session, unit=missing)
        custody.history.move(session, loan, "lost", actor="staff", now=now())
        loan.ended_at, loan.cause = now(), "lost"
        custody.history.move(session, missing, "missing", actor="staff", now=now())
        make_loan(session, unit=lent)
        shelf.send(away, to=make_place(session))
        count = shelf.begin()
        for unit in (away, lent, retired, missing):
            shelf.see(count, unit.tag)

        def move(unit: Unit) -> None:
            stocktake.move_here(session, count=count, unit=unit, staff_id=None, now=now())

        move(away)
        assert away.place_id == shelf.here.id and not transfers.is_moving(session, away.id)
        move(missing)
        assert (missing.status, missing.place_id) == ("quarantine", shelf.here.id)
        assert missing.returned_at is not None and missing.hold_until is not None
        assert session.get_one(Loan, loan.id).status == "returned"
        # It came in like every other: somebody looks at its parts, and a mistake can be undone.
        came = session.scalars(select(TakeIn)).one()
        assert (came.unit_id, came.loan_id, came.place_id, came.was_fitness) == (
            missing.id, loan.id, shelf.here.id, "missing",
        )  # fmt: skip
        assert refused(lambda: move(lent)) == stocktake.IS_LENT
        assert refused(lambda: move(retired)) == stocktake.IS_RETIRED
        assert refused(lambda: move(never)) == stocktake.NOT_SEEN


def test_units_are_on_their_way_until_they_arrive(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        one, two = shelf.put("one"), shelf.put("two")
        assert len(shelf.send(one, two, one)) == 2
        assert one.place_id == shelf.here.id and transfers.is_moving(session, one.id)
        transfers.arrive(session, unit=one, at=shelf.there, now=now())
        session.refresh(one)
        assert one.place_id == shelf.there.id and not transfers.is_moving(session, one.id)
        again = lambda: transfers.arrive(session, unit=one, at=shelf.there, now=now())  # noqa: E731
        assert refused(again) == transfers.NOT_ON_THE_WAY
        (way,) = session.scalars(select(Transfer).where(Transfer.unit_id == two.id)).all()
        transfers.call_off(session, transfer=way, now=now())
        assert refused(lambda: transfers.call_off(session, transfer=way, now=now()))
        assert two.place_id == shelf.here.id and not transfers.is_moving(session, two.id)


def test_one_that_cannot_leave_keeps_all_of_them(both_engines: Flask) -> None:
    with transaction() as session:
        shelf = Shelf(session)
        fine, lent, moving = shelf.put("fine"), shelf.put("lent"), shelf.put("moving")
        gone, there = shelf.put("gone", status="missing"), shelf.put("there", place_id=shelf.there.id)
        make_loan(session, unit=lent)
        shelf.send(moving)
        for unit, said in (
            (lent, transfers.IS_LENT), (moving, transfers.ON_THE_WAY), (gone, transfers.IS_GONE), (there, transfers.IS_THERE),
        ):  # fmt: skip
            assert refused(lambda unit=unit: shelf.send(fine, unit)) == said
        assert refused(shelf.send) == transfers.NOTHING_TO_SEND
        assert not transfers.is_moving(session, fine.id)
