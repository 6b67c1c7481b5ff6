"""SIM cards in and out as CSV: what stands in each column, which rows are refused and why. Pure, but for what it is given.

The columns are told in docs/loan-stock.md. A card is known again by its ICCID.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from inclusion_app.core.codes import plain_digits
from inclusion_app.core.csv_out import csv_file
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.csv_in import NO_PLACE, Columns, Line, Refused, Way, iso, read_rows
from inclusion_app.loans.models import Sim
from inclusion_app.loans.services import stock
from inclusion_app.loans.services.stock import LONGEST_CARRIER, MOST_GB, NewSim, SimFacts
from inclusion_app.people.staff_words import NO_NUMBER

COLUMNS = Columns(
    names=("iccid", "number", "carrier", "place", "data_gb", "data_until"),
    others={
        "sim": "iccid",
        "sim_number": "iccid",
        "phone": "number",
        "phone_number": "number",
        "msisdn": "number",
        "network": "carrier",
        "location": "place",
        "data": "data_gb",
        "gb": "data_gb",
        "until": "data_until",
        "data_ends": "data_until",
    },
    needed=("iccid", "place"),
)
OUT = (*COLUMNS.names, "state")


def way_in(
    session: Session, *, holder_id: int, place: Callable[[str], int | None], now: datetime
) -> Way[NewSim]:
    """A file of SIM cards into this scheme's stock; `place` finds one by its name."""
    return Way(
        read=lambda text: read_sims(text, place),
        sort=lambda rows: stock.sort_sims(session, holder_id=holder_id, rows=rows),
        make=lambda rows: stock.make_sims(session, holder_id=holder_id, rows=rows, now=now),
        elsewhere=stock.SIM_IS_ELSEWHERE,
    )


def read_sims(text: str, place: Callable[[str], int | None]) -> tuple[list[NewSim], list[Refused]]:
    """The rows of a file, and the refused ones. Raises RuleBroken at `file` for one that is no such table."""
    return read_rows(
        text, COLUMNS, read=lambda line: _row(line, place),
        marks=lambda row: {"iccid": row.facts.iccid, "number": row.facts.number},
    )  # fmt: skip


def _row(line: Line, place: Callable[[str], int | None]) -> NewSim:
    return NewSim(
        line.number,
        SimFacts(
            iccid=line.good(lambda: stock.plain_iccid(line.text("iccid")), ""),
            number=line.good(lambda: stock.plain_number(line.text("number")), ""),
            carrier=line.text("carrier", LONGEST_CARRIER),
            place_id=line.known(place(line.text("place")), NO_PLACE, "place"),
            data_gb=line.good(lambda: _gigabytes(line.text("data_gb")), None),
            data_until=line.day("data_until"),
        ),
    )


def _gigabytes(typed: str) -> int | None:
    """A month's data in whole GB, of "20" or "20 GB"; None for nothing. Raises RuleBroken at `data_gb`."""
    if not typed:
        return None
    found = re.fullmatch(r"([0-9]{1,4})\s*(?:gb)?", plain_digits(typed).casefold())
    if not found or not 1 <= int(found[1]) <= MOST_GB:
        raise RuleBroken(NO_NUMBER, field="data_gb", least=1, most=MOST_GB)
    return int(found[1])


def sims_file(sims: Iterable[tuple[Sim, str]]) -> bytes:
    """All SIM cards, each with the short name of its place. No resident is in it: who has one is not told."""
    return csv_file(
        OUT,
        [
            (sim.iccid, sim.number, sim.carrier, slug, sim.data_gb, iso(sim.data_until), sim.state)
            for sim, slug in sims
        ],
    )
