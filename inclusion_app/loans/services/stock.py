"""What a scheme has: device models and their words, units with their tags and marks, SIMs, and what is counted.

No two units have one tag, serial number or IMEI: the constraints of the table have the last word, and whoever types a mark
that is there already reads on which tag of their own pool it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from inclusion_app.core import history
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import (
    DeviceModel,
    DeviceModelText,
    KitPart,
    LoanScheme,
    Sim,
    StockItem,
    Transfer,
    Unit,
)
from inclusion_app.loans.services import custody

MOST_AT_ONCE = 200
MOST_COUNTED = 9_999
# Of a SIM card: GB a month, and signs of its columns.
MOST_GB = 9_999
LONGEST_NUMBER = 20
LONGEST_CARRIER = 40
WRONG_SERIAL = N_("A serial number has 3 to 40 letters and figures.")
WRONG_IMEI = N_("This is no IMEI. It has 15 figures, and one of them is not right.")
WRONG_ICCID = N_("This is no SIM number. It begins with 89, has 19 or 20 figures, and each must be right.")
LONG_NUMBER = N_("A phone number has up to 20 figures.")
WRONG_TAG = N_("A tag has 3 to 12 letters and figures.")
WRONG_PREFIX = N_("Choose two or three letters from A to Z.")
PREFIX_TAKEN = N_("Another scheme uses these letters. Choose others.")
ONE_OF_MANY = N_("A serial number or IMEI is of one device. Make one device at a time.")
IS_THERE = N_("%(tag)s has this already.")
IS_ELSEWHERE = N_("Another device has this already.")
SIM_IS_THERE = N_("We have a SIM card with this number.")
SIM_IS_ELSEWHERE = N_("Another SIM card has this already.")
TOO_MANY = N_("Make from 1 to 200 at a time.")
FULL = N_("There are no more numbers for tags. Ask for other letters.")
SOMEBODY_HAS_IT = N_("Somebody has this one on loan. Take it in first.")
KEPT = N_("This one is kept for somebody. End their offer first.")
ON_ITS_WAY = N_("This one is on its way. Take it in where it arrives.")
CHOOSE = N_("Choose one from the list.")
NOT_SO_MANY = N_("There are not so many in stock.")
SAME_NAME = N_("This place has one with this name. Change its count.")
Made = TypeVar("Made", Unit, Sim)
Row = TypeVar("Row")


# --- device models


@dataclass(frozen=True)
class ModelFacts:
    """What a device model is."""

    kind: str
    name: str
    features: Sequence[str] = ()
    steps: Sequence[str] = ()
    loan_days: int = 90
    support_until: date | None = None
    is_offered: bool = True


def make_model(
    session: Session, *, organisation_id: int, facts: ModelFacts, title: str, summary: str, now: datetime
) -> DeviceModel:
    """A model of this scheme with its English words. Raises RuleBroken at a field."""
    model = DeviceModel(organisation_id=organisation_id, made_at=now, texts=[])
    change_model(session, model=model, facts=facts, title=title, summary=summary)
    session.add(model)
    session.flush()
    return model


def change_model(
    session: Session, *, model: DeviceModel, facts: ModelFacts, title: str, summary: str
) -> None:
    """Change what it is, and its English words. Raises RuleBroken at a field."""
    if facts.kind not in rules.KINDS or not set(facts.features) <= set(rules.FEATURES):
        raise RuleBroken(CHOOSE, field="kind")
    model.kind, model.name, model.loan_days = facts.kind, facts.name, facts.loan_days
    model.features, model.steps = " ".join(facts.features), " ".join(facts.steps)
    model.support_until, model.is_offered = facts.support_until, facts.is_offered
    # What a coordinator types in English is what residents read when there is nothing better.
    put_words(session, model=model, language="en", title=title, summary=summary, state="checked")


def put_words(
    _session: Session, *, model: DeviceModel, language: str, title: str, summary: str, state: str
) -> None:
    """The words of a model in one language: a draft, or checked by somebody who reads it."""
    text = next((one for one in model.texts if one.language == language), None)
    if text is None:
        text = DeviceModelText(language=language)
        model.texts.append(text)
    text.title, text.summary, text.state = title, summary, state


# --- units


@dataclass(frozen=True)
class UnitFacts:
    """What is known of a machine. Marks as typed; `parts` are names and counts."""

    model_id: int
    place_id: int
    owner_id: int
    serial: str = ""
    imei: str = ""
    donor: str = ""
    acquired_on: date | None = None
    support_until: date | None = None
    condition: str = "B"
    note: str = ""
    parts: Sequence[tuple[str, int]] = field(default=())


def make_units(
    session: Session,
    *,
    holder_id: int,
    facts: UnitFacts,
    count: int = 1,
    prefix: str = "",
    tag: str = "",
    now: datetime,
) -> list[Unit]:
    """So many units that are alike, new here, each with a tag of ours; or one with a tag it has already.

    `prefix` is asked for once, with the first tag of a scheme. Raises RuleBroken at a field.
    """
    if not 1 <= count <= MOST_AT_ONCE:
        raise RuleBroken(TOO_MANY, field="count")
    serial, imei = marks_of(facts)
    if count > 1 and (serial or imei or tag):
        raise RuleBroken(ONE_OF_MANY, field="count")
    if tag:
        tags = [known_tag(tag)]
    else:
        tags = _next_tags(session, holder_id, count, prefix)
    made = [Unit(tag=one, holder_id=holder_id, made_at=now, parts=[]) for one in tags]
    for unit in made:
        _fill(unit, facts, serial, imei)
    _save(session, holder_id, made, serial, imei)
    return made


def change_unit(session: Session, *, unit: Unit, facts: UnitFacts) -> None:
    """Change what is known of it; its tag stays. Raises RuleBroken at a field.

    What somebody has or is promised stays the model they asked for, and what is on its way stays on its way.
    """
    serial, imei = marks_of(facts)
    if facts.model_id != unit.model_id:
        _hold_free(session, unit, field="model")
    if facts.place_id != unit.place_id and session.scalar(_of(unit).where(custody.is_moving())):
        raise RuleBroken(ON_ITS_WAY, field="place")
    _fill(unit, facts, serial, imei)
    _save(session, unit.holder_id, [unit], serial, imei)


def marks_of(facts: UnitFacts) -> tuple[str | None, str | None]:
    """Serial number and IMEI as they are stored. Raises RuleBroken at the field of one that is none."""
    serial = rules.plain_mark(facts.serial) or None
    imei = re.sub(r"[-./]", "", rules.plain_mark(facts.imei)) or None
    if serial is not None and not rules.SERIAL.fullmatch(serial):
        raise RuleBroken(WRONG_SERIAL, field="serial")
    if imei is not None and not rules.is_imei(imei):
        raise RuleBroken(WRONG_IMEI, field="imei")
    return serial, imei


def known_tag(typed: str) -> str:
    """A tag somebody else gave, as it is stored. Raises RuleBroken at the field."""
    tag = rules.plain_mark(typed)
    if not 3 <= len(tag) <= rules.TAG_LENGTH or not rules.ANY_TAG.fullmatch(tag):
        raise RuleBroken(WRONG_TAG, field="tag")
    return tag


def _fill(unit: Unit, facts: UnitFacts, serial: str | None, imei: str | None) -> None:
    if facts.condition not in rules.CONDITIONS:
        raise RuleBroken(CHOOSE, field="condition")
    unit.model_id, unit.place_id, unit.owner_id = facts.model_id, facts.place_id, facts.owner_id
    unit.serial, unit.imei, unit.donor, unit.note = serial, imei, facts.donor, facts.note
    unit.acquired_on, unit.support_until, unit.condition = (
        facts.acquired_on,
        facts.support_until,
        facts.condition,
    )
    wanted = dict(facts.parts)
    for part in list(unit.parts):
        if part.name not in wanted:
            unit.parts.remove(part)
        else:
            part.count = wanted.pop(part.name)
    unit.parts += [KitPart(name=name, count=count) for name, count in wanted.items()]


def _save(
    session: Session, holder_id: int, units: Sequence[Unit], serial: str | None, imei: str | None
) -> None:
    """Write them, and say which tag has a mark that is there already. The constraints let one of two through."""
    with session.no_autoflush:
        _refuse_twice(session, holder_id, units, serial, imei)
    try:
        with session.begin_nested():
            session.add_all(units)
    except IntegrityError:
        _refuse_twice(session, holder_id, units, serial, imei)
        raise RuleBroken(CHANGED_ALREADY) from None


def _refuse_twice(
    session: Session, holder_id: int, units: Sequence[Unit], serial: str | None, imei: str | None
) -> None:
    own = units[0].id
    tags: list[str] = [unit.tag for unit in units] if own is None else []
    asked = (("serial", Unit.serial, [serial] if serial else []), ("imei", Unit.imei, [imei] if imei else []))
    for name, column, marks in (*asked, ("tag", Unit.tag, tags)):
        if not marks:
            continue
        wanted = select(Unit.tag, Unit.holder_id).where(column.in_(marks))
        found = session.execute(wanted if own is None else wanted.where(Unit.id != own)).first()
        if found is not None and found.holder_id == holder_id:
            raise RuleBroken(IS_THERE, field=name, tag=found.tag)
        if found is not None:
            raise RuleBroken(IS_ELSEWHERE, field=name)


def _next_tags(session: Session, holder_id: int, count: int, prefix: str) -> list[str]:
    """Tags nobody has. The statement that counts up holds the scheme's row, so nobody else is given these numbers."""
    letters = rules.plain_mark(prefix)
    scheme = session.get_one(LoanScheme, holder_id, populate_existing=True, with_for_update=True)
    if scheme.tag_prefix is None:
        if not re.fullmatch(r"[A-Z]{2,3}", letters):
            raise RuleBroken(WRONG_PREFIX, field="prefix")
        try:
            with session.begin_nested():
                scheme.tag_prefix = letters
        except IntegrityError:
            raise RuleBroken(PREFIX_TAKEN, field="prefix") from None
    tags: list[str] = []
    while len(tags) < count:
        first = scheme.last_tag + 1
        last = first + count + 20
        if last > rules.TAG_NUMBERS:
            raise RuleBroken(FULL)
        drawn = {number: rules.tag_of(scheme.tag_prefix or "", number) for number in range(first, last)}
        taken = set(
            session.scalars(select(Unit.tag).where(Unit.tag.in_([tag for tag in drawn.values() if tag])))
        )
        for number, tag in drawn.items():
            if len(tags) == count:
                break
            scheme.last_tag = number
            if tag and tag not in taken:
                tags.append(tag)
    session.flush()
    return tags


@dataclass(frozen=True)
class NewUnit:
    """A row of a file: its line, its tag where it has one already, and what is known of it, with clean marks."""

    line: int
    tag: str
    facts: UnitFacts


@dataclass(frozen=True)
class Sorted(Generic[Row]):
    """What a file would do: rows to make, lines that are there already with the mark they are known by (a tag, an ICCID),
    and lines of marks others have, each with its column.
    """

    new: Sequence[Row]
    known: Sequence[tuple[int, str]]
    taken: Sequence[tuple[int, str]]


def sort_rows(session: Session, *, holder_id: int, rows: Sequence[NewUnit]) -> Sorted[NewUnit]:
    """Which rows are new, which are in this pool already, and which have a mark (its column) of somebody else's."""
    there: dict[tuple[str, str], tuple[int, str]] = {}
    for name, column, asked in (
        ("tag", Unit.tag, [row.tag for row in rows if row.tag]),
        ("serial", Unit.serial, [row.facts.serial for row in rows if row.facts.serial]),
        ("imei", Unit.imei, [row.facts.imei for row in rows if row.facts.imei]),
    ):
        for mark, holder, tag in _there(session, column, asked, Unit.holder_id, Unit.tag):
            there[(name, mark)] = (holder, tag)
    new: list[NewUnit] = []
    known: list[tuple[int, str]] = []
    taken: list[tuple[int, str]] = []
    for row in rows:
        marks = {"tag": row.tag, "serial": row.facts.serial, "imei": row.facts.imei}
        found = {name: there[(name, mark)] for name, mark in marks.items() if (name, mark) in there}
        ours = {tag for holder, tag in found.values() if holder == holder_id}
        strange = next((name for name, (holder, _tag) in found.items() if holder != holder_id), None)
        if strange is not None or len(ours) > 1:
            taken.append((row.line, strange or next(iter(found))))
        elif ours:
            known.append((row.line, ours.pop()))
        else:
            new.append(row)
    return Sorted(new, known, taken)


def _there(
    session: Session,
    column: InstrumentedAttribute[Any],
    marks: Sequence[str],
    *more: InstrumentedAttribute[Any],
) -> Iterator[Any]:
    """The marks that are in the column, whoever's they are, each with `more` of its row."""
    for at in range(0, len(marks), 500):
        yield from session.execute(select(column, *more).where(column.in_(marks[at : at + 500])))


def make_rows(
    session: Session, *, holder_id: int, rows: Sequence[NewUnit], prefix: str = "", now: datetime
) -> list[Unit]:
    """All these units, or none. Raises RuleBroken where the letters of tags are missing, or a mark was taken meanwhile."""
    untagged = [row for row in rows if not row.tag]
    tags = iter(_next_tags(session, holder_id, len(untagged), prefix) if untagged else ())
    made = []
    for row in rows:
        unit = Unit(tag=row.tag or next(tags), holder_id=holder_id, made_at=now, parts=[])
        _fill(unit, row.facts, row.facts.serial or None, row.facts.imei or None)
        made.append(unit)
    return _all_or_none(session, made)


def _all_or_none(session: Session, made: list[Made]) -> list[Made]:
    """Write them. The unique marks let one of two people through who bring in the same at once; the other reads it."""
    try:
        with session.begin_nested():
            session.add_all(made)
    except IntegrityError:
        raise RuleBroken(CHANGED_ALREADY) from None
    return made


def _of(unit: Unit) -> Select[int]:
    return select(Unit.id).where(Unit.id == unit.id)


def _hold_free(session: Session, unit: Unit, *, field: str) -> None:
    """Hold it while nobody has it and it is kept for nobody; whoever issues it is waited for. Raises RuleBroken."""
    session.scalar(_of(unit).with_for_update())
    if session.scalar(_of(unit).where(custody.is_lent())):
        raise RuleBroken(SOMEBODY_HAS_IT, field=field)
    if session.scalar(_of(unit).where(custody.is_kept())):
        raise RuleBroken(KEPT, field=field)


def retire(session: Session, *, unit: Unit, reason: str, now: datetime) -> None:
    """A machine leaves the pool for good. Raises RuleBroken while somebody has it or it is kept for somebody."""
    if reason not in rules.RETIRED_FOR:
        raise RuleBroken(CHOOSE, field="reason")
    _hold_free(session, unit, field="reason")
    history.move(session, unit, "retired", actor="staff", now=now, why=reason)
    unit.retired_for = reason
    # It arrives nowhere any more.
    ending = update(Transfer).where(Transfer.unit_id == unit.id, Transfer.arrived_at.is_(None))
    rows_changed(session, ending.values(arrived_at=now))


# --- found by what stands on it


def unit_by_mark(session: Session, *, holder_id: int, typed: str) -> Unit | None:
    """The unit of this pool whose tag, label address, serial number or IMEI this is, as typed or scanned; else None."""
    marks = rules.marks_in(typed)
    if not marks:
        return None
    wanted = or_(Unit.tag.in_(marks), Unit.serial.in_(marks), Unit.imei.in_(marks))
    found = session.scalars(select(Unit).where(Unit.holder_id == holder_id, wanted)).all()
    for mark in marks:
        for name in ("tag", "serial", "imei"):
            for unit in found:
                if getattr(unit, name) == mark:
                    return unit
    return None


# --- SIM cards


@dataclass(frozen=True)
class SimFacts:
    """What is known of a SIM card."""

    place_id: int
    iccid: str
    number: str = ""
    carrier: str = ""
    data_gb: int | None = None
    data_until: date | None = None


def make_sim(session: Session, *, holder_id: int, facts: SimFacts, now: datetime) -> Sim:
    """A SIM card in stock. Raises RuleBroken at a field."""
    sim = Sim(holder_id=holder_id, made_at=now, state="stock")
    change_sim(session, sim=sim, facts=facts)
    return sim


def change_sim(session: Session, *, sim: Sim, facts: SimFacts) -> None:
    """Change what is known of it. Raises RuleBroken at a field."""
    iccid, number = plain_iccid(facts.iccid), plain_number(facts.number) or None
    with session.no_autoflush:
        for name, column, mark in (("iccid", Sim.iccid, iccid), ("number", Sim.number, number)):
            wanted = select(Sim.id).where(column == mark)
            if mark and session.scalar(wanted if sim.id is None else wanted.where(Sim.id != sim.id)):
                raise RuleBroken(SIM_IS_THERE, field=name)
    _fill_sim(sim, facts, iccid, number)
    try:
        with session.begin_nested():
            session.add(sim)
    except IntegrityError:
        raise RuleBroken(SIM_IS_THERE, field="iccid") from None


def plain_iccid(typed: str) -> str:
    """The number of a card as it is stored. Raises RuleBroken at `iccid` for what is none."""
    iccid = re.sub(r"[-./]", "", rules.plain_mark(typed)).removesuffix("F")
    if not rules.is_iccid(iccid):
        raise RuleBroken(WRONG_ICCID, field="iccid")
    return iccid


def plain_number(typed: str) -> str:
    """Its phone number as it is stored; nothing for none. Raises RuleBroken at `number` where it does not fit."""
    number = re.sub(r"[-./()]", "", rules.plain_mark(typed))
    # One sign may stand for several, so the length that counts is this one.
    if len(number) > LONGEST_NUMBER:
        raise RuleBroken(LONG_NUMBER, field="number")
    return number


def _fill_sim(sim: Sim, facts: SimFacts, iccid: str, number: str | None) -> None:
    sim.iccid, sim.number, sim.carrier = iccid, number, facts.carrier
    sim.place_id, sim.data_gb, sim.data_until = facts.place_id, facts.data_gb, facts.data_until


@dataclass(frozen=True)
class NewSim:
    """A row of a file: its line, and what is known of the card, with clean marks."""

    line: int
    facts: SimFacts


def sort_sims(session: Session, *, holder_id: int, rows: Sequence[NewSim]) -> Sorted[NewSim]:
    """Which cards are new, which this scheme has already, and which have a mark (its column) of another card.

    A card is known by its ICCID alone, and stays as it is. Whose the other card is makes no difference to what is said.
    """
    cards = dict(_there(session, Sim.iccid, [row.facts.iccid for row in rows], Sim.holder_id))
    asked = [row.facts.number for row in rows if row.facts.number]
    numbers = {number for (number,) in _there(session, Sim.number, asked)}
    new: list[NewSim] = []
    known: list[tuple[int, str]] = []
    taken: list[tuple[int, str]] = []
    for row in rows:
        if cards.get(row.facts.iccid) == holder_id:
            known.append((row.line, row.facts.iccid))
        elif row.facts.iccid in cards:
            taken.append((row.line, "iccid"))
        elif row.facts.number in numbers:
            taken.append((row.line, "number"))
        else:
            new.append(row)
    return Sorted(new, known, taken)


def make_sims(session: Session, *, holder_id: int, rows: Sequence[NewSim], now: datetime) -> list[Sim]:
    """All these cards in stock, or none. Raises RuleBroken where a mark was taken meanwhile."""
    made = []
    # Always in one order: two who bring in the same file at once wait for each other, and never each for the other.
    for row in sorted(rows, key=lambda row: row.facts.iccid):
        sim = Sim(holder_id=holder_id, made_at=now, state="stock")
        _fill_sim(sim, row.facts, row.facts.iccid, row.facts.number or None)
        made.append(sim)
    return _all_or_none(session, made)


def end_sim(session: Session, *, sim: Sim, to: str) -> None:
    """A SIM in stock has ended or is lost, or is in stock again. Raises RuleBroken while somebody has it."""
    before = {"ended": ("stock", "lost"), "lost": ("stock", "ended"), "stock": ("ended", "lost")}.get(to)
    if before is None:
        raise RuleBroken(CHOOSE, field="state")
    ending = update(Sim).where(Sim.id == sim.id, Sim.state.in_(before)).values(state=to)
    if rows_changed(session, ending) != 1:
        raise RuleBroken(CHANGED_ALREADY)
    session.refresh(sim)


# --- what is counted


def make_item(
    session: Session, *, holder_id: int, place_id: int, kind: str, name: str, count: int
) -> StockItem:
    """A thing that is counted at a place. Raises RuleBroken at a field."""
    if kind not in {"accessory", "consumable"}:
        raise RuleBroken(CHOOSE, field="kind")
    item = StockItem(holder_id=holder_id, place_id=place_id, kind=kind, name=name, in_stock=count)
    try:
        with session.begin_nested():
            session.add(item)
    except IntegrityError:
        raise RuleBroken(SAME_NAME, field="name") from None
    return item


def count_item(session: Session, *, item: StockItem, by: int) -> None:
    """So many more in stock, or fewer, by one statement. Raises RuleBroken where there are not so many."""
    counting = update(StockItem).where(
        StockItem.id == item.id, StockItem.in_stock + by >= 0, StockItem.in_stock + by <= MOST_COUNTED
    )
    if rows_changed(session, counting.values(in_stock=StockItem.in_stock + by)) != 1:
        raise RuleBroken(NOT_SO_MANY, field="by")
    session.refresh(item)
