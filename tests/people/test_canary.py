"""A word planted in every text column of one resident is nowhere once they are deleted; another resident keeps theirs.

The columns are found by walking the tables from `residents`, so that one a later part adds is planted too.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Boolean, Column, Date, Integer, String, Table, Text, insert, select, update
from sqlalchemy.orm import Session

from inclusion_app import cli
from inclusion_app.core import audit
from inclusion_app.core.clock import now
from inclusion_app.core.crypto import EncryptedJSON, EncryptedText
from inclusion_app.core.db import UTCDateTime, engine, shorten_log, transaction
from inclusion_app.core.staff_sessions import StaffSession
from inclusion_app.groups.models import Group
from inclusion_app.models_index import metadata
from inclusion_app.people import services
from inclusion_app.people.models import Resident
from tests.conftest import Browser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.loans import make_loan, make_model, make_scheme, make_unit
from tests.factories.people import make_person
from tests.factories.referrals import make_service, make_sheet
from tests.factories.training import make_session

GOES, STAYS = "Kanarienvogel-gelb", "Kanarienvogel-blau"
ROOT = metadata.tables["residents"]
# A home goes with the last of its people (roadmaps.household_services), though no key says so.
PARENTS = {"households": "household_members"}
# Columns that hold one of a few words, or a link to a code: what they may hold, so that nothing typed can stand there.
FIXED: dict[str, Any] = {
    "residents.secret_kind": "pin",
    "residents.code_hash": None,
    "contact_routes.kind": "email",
    "consents.how": "screen",
    "consents.basis": "consent",
    "feedback.kind": "thanks",
    "messages.channel": "email",
    "messages.state": "waiting",
    "tray_items.kind": "letter",
    "visits.unlocked": "everything",
    "step_progress.status": "doing",
    "access_requests.kind": "access",
    "access_requests.outcome": "granted",
    "access_requests.extension": "complex",
    "break_glasses.finding": "justified",
    "bookings.status": "booked",
    "bookings.contact_kind": "email",
    "bookings.contact_of": "learner",
    "bookings.waiting_mode": "book_me",
    "booking_dates.status": "on",
    "booking_dates.attendance": "attended",
    "booking_dates.how": "screen",
    "arrangements.status": "asked",
    "walk_ins.attendance": "attended",
    "credentials.kind": "attendance",
    "credentials.level": None,
    "loan_requests.status": "offered",
    "loan_requests.whom": "me",
    "loan_requests.consent_how": "screen",
    "loan_offers.state": "accepted",
    # Not over before the test is.
    "loan_offers.ends_at": now() + timedelta(days=5),
    "referrals.status": "recalled",
    "referrals.mode": "warm",
    "referrals.urgency": "usual",
    "referrals.introduced_how": "call",
    "referrals.asked_from": None,
    "referrals.declined_for": None,
    "referrals.declined_by": None,
    "referrals.outcome": None,
    "referral_words.kind": "why",
    "public_referrals.from_kind": "self",
    "case_notes.kind": "visit",
    "case_tasks.kind": "own",
    "case_tasks.done_how": "done",
}
# Columns of pairs and choices in which a constraint wants the other one empty, or both filled.
EMPTY = {
    "restrictions.organisation_id", "roadmaps.visit_id", "status_changes.place_id", "residents.merged_into_id",
    "messages.claimed_until", "messages.sent_at", "visits.group_id", "merges.undone_by_id", "merges.undone_at",
    "merges.agreed_by_id", "merges.agreed_at", "merges.refused_at", "messages.staff_id", "break_glasses.second_id",
    "break_glasses.open_slot", "status_changes.booking_id", "bookings.offer_ends_at", "bookings.ended_at",
    "arrangements.decided_at", "status_changes.loan_request_id", "status_changes.unit_id", "loan_requests.ended_at",
    "loan_offers.ended_at", "loan_offers.slot_at", "loan_offers.slot_seat", "status_changes.referral_id",
    "referrals.promised_on", "referrals.ended_at", "safeguarding_flags.ended_at", "safeguarding_flags.ended_by_id",
}  # fmt: skip
# Done by somebody else than the first one named.
BY_ANOTHER = {"break_glasses.reviewed_by_id"}
# Kept by law when the person goes (the clock of a request); their number is taken out of it, and it holds codes only.
KEPT = {"access_requests"}
# Stays when the person goes, for a machine is out: their number and their signature are taken out of it.
WITHOUT_THEM = {"loans"}


def owned() -> list[Table]:
    """Every table whose rows go with a resident, each after those it hangs on."""
    found: list[Table] = [ROOT]
    for _round in range(10):
        for table in metadata.sorted_tables:
            goes_with = any(
                key.column.table in found and key.ondelete == "CASCADE" for key in table.foreign_keys
            )
            child = PARENTS.get(table.name)
            if table not in found and (goes_with or (child and metadata.tables[child] in found)):
                found.append(table)
    return [table for table in metadata.sorted_tables if table in found]


def is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String | Text | EncryptedText | EncryptedJSON)


def is_planted(column: Column[Any]) -> bool:
    return is_text(column) and str(column) not in FIXED and not column.foreign_keys


class Planter:
    """Fills one row of every table of one resident with a word."""

    def __init__(self, session: Session, word: str, other_id: int) -> None:
        self.session, self.word, self.count = session, word, 0
        organisation = make_organisation(session)
        staff = [make_staff(session, organisation_id=organisation.id) for _ in range(2)]
        # Their group is not theirs alone: it stays, so no word of theirs is planted in it.
        group = Group(
            code_hash=secrets.token_hex(32), code="group", secret_kind="pin", secret_hash="-", language="en", kept={},
            made_at=now(), last_used_at=now(),
        )  # fmt: skip
        session.add(group)
        # The sign-in of whoever gave them a new code.
        desk = StaffSession(
            token_hash=secrets.token_hex(32), staff_id=staff[0].id, organisation_id=organisation.id, stage="full",
            began_at=now(), last_used_at=now(), proven_at=now(),
        )  # fmt: skip
        session.add(desk)
        # Planted bookings are booked, so the date counts more places than they will free.
        training = make_session(
            session, organisation_id=organisation.id, capacity=10_000, companion_cap=10_000
        )
        training.occurrences[0].taken = training.occurrences[0].companions = 10_000
        model = make_model(session, scheme=make_scheme(session, organisation_id=organisation.id))
        kept, self.lent = (make_unit(session, model=model) for _ in range(2))
        service = make_service(session, organisation_id=organisation.id)
        sheet = make_sheet(session, organisation_id=organisation.id, staff_id=staff[0].id)
        session.flush()
        self.ids: dict[str, list[Any]] = {
            "self_help_groups": [group.id],
            "organisations": [organisation.id],
            "staff": [person.id for person in staff],
            "others": [other_id],
            "staff_sessions": [desk.id],
            "training_sessions": [training.id],
            "occurrences": [training.occurrences[0].id],
            "loan_schemes": [organisation.id],
            "device_models": [model.id],
            "units": [kept.id],
            "city_services": [service.id],
            "outreach_sheets": [sheet.id],
        }

    def value(self, table: Table, column: Column[Any], number: int) -> Any:
        """Something right for this column, the word wherever words may stand."""
        name = str(column)
        if name in EMPTY:
            return None
        if name in FIXED:
            return FIXED[name]
        if column.foreign_keys:
            target = next(iter(column.foreign_keys)).column.table.name
            known = self.ids.get("others" if name == "merges.gone_id" else target)
            return known[-1 if name in BY_ANOTHER else number] if known else None
        self.count += 1
        if isinstance(column.type, EncryptedJSON):
            return {"words": self.word, "more": [self.word]}
        if is_text(column):
            unique = column.primary_key or column.unique or "hash" in column.name or column.name == "key"
            return f"{self.word}{self.count}" if unique else self.word
        if isinstance(column.type, UTCDateTime):
            return now()
        if isinstance(column.type, Date):
            return date(2026, 11, 26)
        if isinstance(column.type, Boolean):
            return False
        return self.count

    def plant(self, resident: Resident) -> None:
        """One row of each table; the row of the resident is there already and gets its words."""
        self.ids["residents"] = [resident.id]
        for table in owned():
            if table is ROOT:
                words = {
                    column.name: self.value(table, column, 0)
                    for column in table.columns
                    if is_planted(column)
                }
                self.session.execute(update(ROOT).where(ROOT.c.id == resident.id).values(**words))
                continue
            rounds = 2 if table.name == "roadmaps" else 1  # one of their own and one of their home
            for number in range(rounds):
                row = self.row(table, number)
                done = self.session.execute(insert(table).values(**row))
                self.ids.setdefault(table.name, []).append(done.inserted_primary_key[0])
        loan = make_loan(self.session, unit=self.lent)
        loan.resident_id, loan.signature = resident.id, self.word
        audit.record(
            self.session, at=now(), actor_kind="caseworker", actor_id=self.ids["staff"][0], action="read people.person",
            purpose="help", resident_id=resident.id, reason=f"They told me {self.word}",
        )  # fmt: skip

    def row(self, table: Table, number: int) -> dict[str, Any]:
        """The values of one row."""
        row = {}
        for column in table.columns:
            if column.primary_key and isinstance(column.type, Integer) and not column.foreign_keys:
                continue
            row[column.name] = self.value(table, column, 0)
        if table.name == "roadmaps":
            row["household_id" if number == 0 else "resident_id"] = None
        return row


def dump(app: Flask) -> list[tuple[str, str]]:
    """Every value of the database as it is read: (table.column, text), encrypted ones opened."""
    found = []
    with app.app_context(), transaction() as session:
        for table in metadata.sorted_tables:
            for row in session.execute(select(*table.columns)):
                found += [
                    (str(column), str(value))
                    for column, value in zip(table.columns, row, strict=True)
                    if value
                ]
    return found


def traces(app: Flask, word: str) -> set[str]:
    """Where the word still stands: a column, the dump of SQLite, or a file."""
    found = {column for column, value in dump(app) if word in value}
    folder: Path = app.extensions["settings"].instance
    with app.app_context():
        assert shorten_log(engine())
    copy = sqlite3.connect(folder / "test.sqlite3")
    found |= {f"dump: {line[:60]}" for line in copy.iterdump() if word in line}
    copy.close()
    for path in folder.rglob("*"):
        if path.is_file() and word.encode() in path.read_bytes():
            found.add(f"file {path.name}")
    return found


@pytest.fixture
def two(app: Flask) -> Iterator[tuple[Flask, int, int]]:
    """Two residents, each with their own word in every column."""
    with app.app_context(), transaction() as session:
        one, other = make_person(session), make_person(session)
        stranger = make_person(session)
        Planter(session, GOES, stranger.id).plant(one)
        Planter(session, STAYS, stranger.id).plant(other)
        numbers = one.id, other.id
    yield app, *numbers


def columns_of(app: Flask, word: str) -> set[str]:
    return {column for column, value in dump(app) if word in value}


def test_every_text_column_of_a_resident_is_planted(two: tuple[Flask, int, int],
                                                    tally: Callable[[str, int], None]) -> None:  # fmt: skip
    app, _one, _other = two
    wished = {str(column) for table in owned() for column in table.columns if is_planted(column)}
    for word in (GOES, STAYS):
        planted = columns_of(app, word)
        assert wished <= planted, wished - planted
        assert {"audit_reasons.words", "loans.signature"} <= planted
    tally("columns planted with a word of one resident", len(wished) + 2)
    assert len(owned()) >= 17
    # What may hold a few words only is said above and held by the database or by a code of ours.
    assert set(FIXED) <= {str(column) for table in metadata.sorted_tables for column in table.columns}
    assert len([path for path in traces(app, GOES) if path.startswith("file")]) >= 1


def test_every_table_with_a_key_to_a_resident_goes_with_them() -> None:
    for table in metadata.sorted_tables:
        keys = [key for key in table.foreign_keys if key.column.table is ROOT and table is not ROOT]
        for key in keys:
            assert key.ondelete == "CASCADE" or table.name in KEPT | WITHOUT_THEM, (table.name, key.ondelete)
    # What is kept holds no words: every text column of it is one of a few.
    for name in KEPT:
        texts = {column.name for column in metadata.tables[name].columns if is_text(column)}
        assert texts == {"kind", "outcome", "extension"}


def expire(app: Flask, number: int) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Resident, number).last_used_at = now() - timedelta(days=400)
    done = app.test_cli_runner().invoke(args=["retention", "run"])
    assert "deleted 1 saved plans" in done.output, done.output


def delete(app: Flask, number: int) -> None:
    with app.app_context(), transaction() as session:
        services.delete_resident(session, resident=session.get_one(Resident, number), now=now())


def again(app: Flask, number: int) -> None:
    """After a restore."""
    later = now() + timedelta(minutes=1)
    with app.app_context(), transaction() as session:
        assert services.delete_again(session, erased={number: later}, now=later) == 1


@pytest.mark.parametrize("way", [delete, expire, again])
def test_after_they_are_gone_the_word_is_nowhere(
    two: tuple[Flask, int, int], way: Callable[[Flask, int], None]
) -> None:
    app, one, _other = two
    before = sorted((column, value) for column, value in dump(app) if STAYS in value)
    way(app, one)
    with app.app_context():
        cli.do_chores(app.extensions["settings"].instance)
    assert traces(app, GOES) == set()
    assert sorted((column, value) for column, value in dump(app) if STAYS in value) == before
    with app.app_context(), transaction() as session:
        assert audit.verify(session, app.extensions["settings"].instance / "audit-heads") == []
        kept = session.scalars(select(audit.AuditRow).where(audit.AuditRow.resident_id == one)).all()
        assert {row.action for row in kept} & {
            "delete",
            "expire",
        }  # the trace: a number, an action and a time


def test_one_press_on_their_own_page_does_it(app: Flask, browser: Browser) -> None:
    browser.make_plan()
    browser.save_plan(nickname=GOES)
    browser.send("/my-record/correct", name=GOES, language="en", nickname=GOES)
    browser.send("/my-record/contact", kind="letter", value=f"1 {GOES} Street")
    browser.send("/my-record/tell", kind="thanks", to="city", words=f"Thanks, says {GOES}")
    assert len(columns_of(app, GOES)) >= 4
    assert browser.send("/my-record/delete").status_code == 303
    assert traces(app, GOES) == set()


def test_a_column_that_stays_behind_is_found(two: tuple[Flask, int, int], tmp_path: Path) -> None:
    """The test itself is shown to see a word that was left in a table, in a file, and in a free page."""
    app, one, _other = two
    delete(app, one)
    (tmp_path / "left-behind.txt").write_text(f"about {GOES}")
    with app.app_context(), transaction() as session:
        make_organisation(session, name=GOES)
    found = traces(app, GOES)
    assert {"organisations.name", "file left-behind.txt", "file test.sqlite3"} <= found
