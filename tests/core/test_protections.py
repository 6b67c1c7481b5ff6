"""A restore brings back no consent that ended, no look that was taken away and no sign-in; nobody plants any of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from inclusion_app import cli
from inclusion_app.accounts import services as accounts
from inclusion_app.accounts.models import Membership, Staff, StaffLink
from inclusion_app.core import audit, protections
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import Base, transaction
from inclusion_app.core.sessions import Visit
from inclusion_app.core.staff_sessions import StaffSession
from inclusion_app.people import consent_services, record_services
from inclusion_app.people import services as people
from inclusion_app.people.models import Consent, Resident, ResidentLink, Restriction
from tests.core.test_backup import folder, run, sign_heads
from tests.factories.accounts import make_organisation, make_staff, sign_in
from tests.factories.people import make_consent, make_person


@dataclass
class Town:
    """One resident who shares with a charity, its admin and a caseworker; and what was open when the copy was made."""

    resident: int
    charity: int
    admin: int
    worker: int
    consent: int
    file: Path


@contextmanager
def inside(app: Flask) -> Iterator[Session]:
    with app.app_context(), transaction() as session:
        yield session


def build(app: Flask, file: Path) -> Town:
    """The town as it was three hours ago, in a backup of then."""
    with time_machine.travel(now() - timedelta(hours=3), tick=True):
        with inside(app) as session:
            charity = make_organisation(session).id
            admin = make_staff(session, organisation_id=charity, roles=("organisation_admin",)).id
            worker = make_staff(session, organisation_id=charity, roles=("caseworker",)).id
            resident = make_person(session).id
            consent = make_consent(session, resident_id=resident, organisation_id=charity).id
            sign_in(session, staff_id=worker, organisation_id=charity)
            far = now() + timedelta(days=1)
            session.add(Visit(token_hash="v", started_at=now(), last_used_at=now()))
            session.add(ResidentLink(token_hash="r", resident_id=resident, made_at=now(), expires_at=far))
            session.add(StaffLink(token_hash="s", staff_id=worker, made_at=now(), expires_at=far))
        sign_heads(app)
        assert run(app, "backup", str(file))[0] == 0
    return Town(resident, charity, admin, worker, consent, file)


def boss(town: Town) -> Principal:
    return Principal(
        "staff", staff_id=town.admin, organisation_id=town.charity, roles=frozenset({"organisation_admin"})
    )


def take_away(app: Flask, town: Town) -> None:
    """The resident stops sharing and sets limits; the caseworker leaves."""
    with inside(app) as session:
        assert consent_services.withdraw_consent(
            session, resident_id=town.resident, consent_id=town.consent, now=now()
        )
        people.note(session, town.resident, "withdraw consent", ("consents",), now())
        hide(session, town, on=True)
        record_services.keep_from(
            session, actor=boss(town), resident_id=town.resident, staff=[town.worker],
            organisations=[town.charity], now=now(),
        )  # fmt: skip
        accounts.leave(
            session, staff_id=town.worker, organisation_id=town.charity, actor=boss(town), now=now()
        )
    sign_heads(app)


def hide(session: Session, town: Town, *, on: bool) -> None:
    record_services.restrict(session, actor=boss(town), resident_id=town.resident, on=on, now=now())


def state(app: Flask, town: Town) -> dict[str, bool | int]:
    with inside(app) as session:
        worker = session.get_one(Staff, town.worker)
        return {
            "shares": session.get_one(Consent, town.consent).withdrawn_at is None,
            "hidden": session.get_one(Resident, town.resident).is_restricted,
            "limits": session.scalar(select(func.count()).select_from(Restriction)) or 0,
            "has left": worker.left_at is not None,
            "roles": session.scalar(
                select(func.count(Membership.id)).where(
                    Membership.staff_id == town.worker, Membership.until_at.is_(None)
                )
            )
            or 0,
        }


TAKEN = {"shares": False, "hidden": True, "limits": 2, "has left": True, "roles": 0}
GIVEN = {"shares": True, "hidden": False, "limits": 0, "has left": False, "roles": 1}


def remember(app: Flask) -> None:
    """What the worker does once a minute."""
    with app.app_context():
        cli._remember_protections(folder(app))


def break_disk(app: Flask) -> None:
    app.extensions["engine"].dispose()
    for path in folder(app).glob("test.sqlite3*"):
        path.write_bytes(b"a disk that broke")


def test_what_was_taken_away_since_the_backup_stays_taken_away(
    service_on_both: Flask, tmp_path: Path
) -> None:
    app = service_on_both
    town = build(app, tmp_path / "monday.backup")
    before = state(app, town)
    take_away(app, town)
    code, said = run(app, "restore", str(town.file), "--yes")
    assert (
        code,
        "ended again: 1 consents, 2 roles and accounts of staff, 0 bookings, 0 requests and loans of devices;"
        " limited again: 3" in said,
    ) == (
        0,
        True,
    ), said
    assert "Nobody can know" not in said
    assert (before, state(app, town)) == (GIVEN, TAKEN)
    assert run(app, "audit", "verify") == (0, "every row of the record is as it was written\n")
    with inside(app) as session:
        rows = select(audit.AuditRow.action).where(audit.AuditRow.actor_kind == "restore")
        assert sorted(session.scalars(rows)) == [
            "change roles", "end staff", "keep from", "keep from", "restrict", "withdraw consent",
        ]  # fmt: skip


def test_every_sign_in_visit_and_one_time_link_ends(service_on_both: Flask, tmp_path: Path) -> None:
    app = service_on_both
    town = build(app, tmp_path / "monday.backup")
    assert run(app, "restore", str(town.file), "--yes")[0] == 0
    with inside(app) as session:
        for model in (StaffSession, Visit, ResidentLink, StaffLink):
            assert session.scalars(select(model)).all() == [], model
    assert state(app, town) == GIVEN


def test_the_file_outlives_a_broken_disk_and_is_for_its_owner_only(app: Flask, tmp_path: Path) -> None:
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    remember(app)
    path = folder(app) / "protections"
    written = path.stat()
    remember(app)
    assert (path.stat().st_ino, written.st_mode & 0o077) == (written.st_ino, 0)
    assert [each.name for each in folder(app).glob(".protections*")] == []
    break_disk(app)
    assert run(app, "restore", str(town.file), "--yes")[0] == 0
    assert state(app, town) == TAKEN


def test_an_empty_service_started_after_the_disk_broke_forgets_nothing(app: Flask, tmp_path: Path) -> None:
    """Somebody starts the service before they restore: its worker finds nobody, and other people get the old numbers."""
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    remember(app)
    with inside(app) as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))
        other = make_person(session).id
        assert other == town.resident
        people.note(session, other, "lift restriction", ("restriction",), now())
    remember(app)
    assert run(app, "restore", str(town.file), "--yes")[0] == 0
    assert state(app, town) == TAKEN


def test_a_restore_that_broke_off_half_way_can_be_done_again(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)

    def full(*_: object, **__: object) -> int:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(cli.people, "delete_again", full)
        assert run(app, "restore", str(town.file), "--yes")[0] == 1
    assert state(app, town) == GIVEN
    remember(app)
    assert run(app, "restore", str(town.file), "--yes")[0] == 0
    assert state(app, town) == TAKEN


def test_what_was_given_back_is_not_taken_again(app: Flask, tmp_path: Path) -> None:
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    remember(app)
    with inside(app) as session:
        hide(session, town, on=False)
        for number in session.scalars(select(Restriction.id)).all():
            record_services.stop_keeping_from(
                session, actor=boss(town), resident_id=town.resident, restriction_id=number, now=now()
            )
        session.add(
            Membership(staff_id=town.worker, organisation_id=town.charity, role="caseworker", since_at=now())
        )
        session.execute(update(Staff).where(Staff.id == town.worker).values(left_at=None))
    remember(app)
    assert run(app, "restore", str(town.file), "--yes")[0] == 0
    # The role that ended stays ended: the new one is not in the backup.
    assert state(app, town) == {**GIVEN, "shares": False, "roles": 0}


def test_nothing_is_kept_of_who_was_deleted_and_old_ends_of_consents_go(app: Flask, tmp_path: Path) -> None:
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    remember(app)
    with inside(app) as session:
        people.delete_resident(session, resident=session.get_one(Resident, town.resident), now=now())
    with app.app_context():
        cli.do_chores(folder(app))
    facts = json.loads((folder(app) / "protections").read_text())["facts"]
    assert (facts["kept from"], facts["in no search"]) == ([], [])
    assert len(facts["consents that ended"]) == 1
    with time_machine.travel(now() + timedelta(days=401), tick=True):
        remember(app)
    assert json.loads((folder(app) / "protections").read_text())["facts"]["consents that ended"] == []


def test_another_consent_of_the_same_number_is_not_ended(app: Flask, tmp_path: Path) -> None:
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    with inside(app) as session:
        moved = session.get_one(Consent, town.consent).given_at + timedelta(seconds=1)
        session.execute(update(Consent).values(given_at=moved))
    remember(app)
    assert run(app, "restore", str(town.file), "--yes")[0] == 0
    assert state(app, town)["shares"] is True


@pytest.mark.parametrize(
    "change",
    [
        lambda said: {**said, "facts": {**said["facts"], "consents that ended": []}},
        lambda said: {**said, "since": "2020-01-01T00:00:00+00:00"},
        lambda said: {**said, "format": 2},
        lambda said: {**said, "seal": "ö"},
        lambda said: {**said, "seal": 7},
        lambda said: {name: said[name] for name in ("format", "since", "facts")},
        lambda said: [said],
        lambda said: None,
    ],
)
def test_a_broken_seal_stops_the_restore_unless_somebody_goes_on_without(
    app: Flask, tmp_path: Path, change: object
) -> None:
    assert callable(change)
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    remember(app)
    path = folder(app) / "protections"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    planted = path.read_bytes()
    code, said = run(app, "restore", str(town.file), "--yes")
    assert (code, "The seal of the file protections is not right" in said, said.count("\n")) == (
        1,
        True,
        1,
    ), said
    assert state(app, town) == TAKEN
    with app.app_context(), pytest.raises(protections.SealBroken):
        cli._remember_protections(folder(app))
    code, said = run(app, "backup", str(tmp_path / "tuesday.backup"))
    assert (code, "The seal of the file" in said, path.read_bytes()) == (0, True, planted)
    code, said = run(app, "restore", str(town.file), "--yes", "--without-protections")
    assert (code, "Nobody can know" in said, "protections.before-" in said) == (0, True, True), said
    assert (state(app, town), path.exists()) == (GIVEN, False)


@pytest.mark.parametrize("started", [False, True])
def test_on_another_machine_nobody_can_know_and_it_says_so(app: Flask, tmp_path: Path, started: bool) -> None:
    town = build(app, tmp_path / "monday.backup")
    take_away(app, town)
    (folder(app) / "protections").unlink()
    break_disk(app)
    if started:
        for path in folder(app).glob("test.sqlite3*"):
            path.unlink()
        assert run(app, "db", "upgrade")[0] == 0
        remember(app)
    asked = app.test_cli_runner().invoke(args=["restore", str(town.file)], input="y\nn\n")
    assert (asked.exit_code, "Nobody can know" in asked.output) == (1, True), asked.output
    code, said = run(app, "restore", str(town.file), "--yes")
    assert (code, "Nobody can know" in said) == (0, True), said
    assert state(app, town) == GIVEN
