"""The first admin by command, and demonstration staff that come once and go without a trace."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, inspect, select

from inclusion_app.accounts import passwords
from inclusion_app.accounts.models import Invitation, Membership, Organisation, Staff, Totp
from inclusion_app.accounts.queries import roles_of, staff_by_email
from inclusion_app.accounts.rules import ROLES
from inclusion_app.app import create_app
from inclusion_app.core import audit, migrations
from inclusion_app.core.clock import now
from inclusion_app.core.db import Base, engine, reading, transaction
from inclusion_app.supervisor import new_sign_ins
from tests.conftest import StaffBrowser, settings_for
from tests.factories.accounts import make_organisation, make_staff


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=list(words))


def test_the_first_admin_is_invited_by_command_and_the_link_opens(app: Flask) -> None:
    done = run(
        app, "accounts", "invite", "first@example.org", "--role", "platform_admin", "--role", "organisation_admin",
        "--organisation", "Manchester City Council",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    link = done.output.strip().splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8000/staff/invitation/")
    page = StaffBrowser(app).text(link.removeprefix("http://127.0.0.1:8000"))
    assert "Manchester City Council invites you" in page and "Platform admin" in page
    with app.app_context(), reading() as session:
        assert session.scalars(select(Organisation.kind)).one() == "council"
        actors = {(row.actor_kind, row.action) for row in session.scalars(select(audit.AuditRow))}
        assert actors == {("command", "make organisation"), ("command", "invite staff")}
    place = ("--organisation", "Manchester City Council")
    again = run(app, "accounts", "invite", "b@example.org", "--role", "referrer", *place)
    assert again.exit_code == 0
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count(Organisation.id))) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody", "--role", "referrer", "--organisation", "X"], "Type an e-mail address"),
        (["a@example.org", "--role", "king", "--organisation", "X"], "Choose roles from the list."),
        (["a@example.org", "--role", "referrer", "--organisation", "X", "--kind", "castle"], "what kind"),
        (["a@example.org", "--role", "referrer", "--organisation", " "], "Type the name"),
        (["a@example.org", "--organisation", "X"], "--role"),
    ],
)
def test_what_cannot_be_right_ends_with_two_and_makes_nothing(
    app: Flask, words: list[str], said: str
) -> None:
    done = run(app, "accounts", "invite", *words)
    assert done.exit_code == 2
    assert said in done.output
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count(Organisation.id))) == 0
        assert session.scalar(select(func.count(Invitation.id))) == 0


def rows_by_table(app: Flask) -> dict[str, int]:
    with app.app_context(), reading() as session:
        kept = {"audit_rows", "audit_heads", "audit_reasons"}
        names = set(inspect(engine()).get_table_names()) & set(Base.metadata.tables) - kept
        return {
            name: int(session.scalar(select(func.count()).select_from(Base.metadata.tables[name])) or 0)
            for name in names
        }


def test_demonstration_staff_come_once_and_go_without_a_trace(app: Flask) -> None:
    before = rows_by_table(app)
    path: Path = app.extensions["settings"].instance / "demo-sign-ins.json"
    assert run(app, "demo", "load").exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = json.loads(path.read_text())
    assert sorted(row["role"] for row in rows) == sorted(ROLES)
    loaded, written = rows_by_table(app), path.read_bytes()
    assert "loaded already" in run(app, "demo", "load").output
    assert (rows_by_table(app), path.read_bytes()) == (loaded, written)
    with app.app_context(), reading() as session:
        for row in rows[:2]:
            staff = staff_by_email(session, row["email"])
            assert staff is not None
            assert passwords.check_password(staff.password_hash, row["password"])
            assert {row["role"]} in roles_of(session, staff_id=staff.id).values()
            totp = session.get_one(Totp, staff.id)
            assert totp.confirmed_at is not None
            assert pyotp.TOTP(row["totp_secret"]).now() == pyotp.TOTP(totp.secret).now()
    assert any(rows[0]["password"] in line for line in new_sign_ins(path.parent))
    assert run(app, "demo", "remove").exit_code == 0
    # The counter of the open feed never goes back: a reader would miss what comes later.
    assert rows_by_table(app) | {"feed_counters": 0} == before
    assert not path.exists()
    with app.app_context(), reading() as session:
        assert not [fault for fault in audit.verify(session) if fault.chain >= 0]


def test_what_hangs_on_demonstration_staff_goes_and_real_people_stay(app: Flask) -> None:
    from inclusion_app.messages.models import Message, TrayItem
    from inclusion_app.people.models import AccessRequest

    with app.app_context(), transaction() as session:
        real = make_organisation(session)
        both = make_staff(session, organisation_id=real.id, roles=("referrer",)).id
    assert run(app, "demo", "load").exit_code == 0
    with app.app_context(), transaction() as session:
        demo = session.scalars(select(Organisation.id).where(Organisation.is_demonstration)).first()
        person = session.scalars(select(Staff.id).where(Staff.id != both)).first()
        assert demo and person
        session.add(Membership(staff_id=both, organisation_id=demo, role="referrer", since_at=now()))
        letter = Message(
            key="k", template="t", language="en", channel="letter", organisation_id=demo, next_try_at=now(), made_at=now()
        )  # fmt: skip
        session.add(letter)
        session.flush()
        session.add(TrayItem(message_id=letter.id, organisation_id=demo, kind="letter", made_at=now()))
        session.add(
            AccessRequest(
                kind="access", received_on=now().date(), due_on=now().date(), opened_by_id=person, opened_at=now()
            )
        )  # fmt: skip
    assert run(app, "demo", "remove").exit_code == 0
    with app.app_context(), reading() as session:
        assert session.scalars(select(Staff.id)).all() == [both]
        assert session.scalars(select(Organisation.id)).all() == [real.id]
        assert session.scalar(select(func.count()).select_from(TrayItem)) == 0
        assert len(roles_of(session, staff_id=both)) == 1


@pytest.mark.parametrize(
    "more", [{"demo": False}, {"base_url": "https://roadmap.example.org", "demo": False}]
)
def test_no_demonstration_where_it_may_not_be(tmp_path: Path, more: dict[str, Any]) -> None:
    app = create_app(settings_for(tmp_path, **more))
    with app.app_context():
        migrations.upgrade()
    done = run(app, "demo", "load")
    assert done.exit_code == 1
    assert "this machine only" in done.output
    # What was loaded while it was allowed opens nothing, and can still be taken away.
    with app.app_context(), transaction() as session:
        demo = make_organisation(session, is_demonstration=True)
        person = make_staff(session, organisation_id=demo.id, roles=("platform_admin",)).id
    with app.app_context(), reading() as session:
        assert roles_of(session, staff_id=person) == {}
    assert "removed 1" in run(app, "demo", "remove").output
    app.extensions["engine"].dispose()


def test_a_demonstration_sign_in_needs_no_phone(app: Flask) -> None:
    assert run(app, "demo", "code", "caseworker@red-door.example.org").exit_code == 2  # nothing is loaded
    run(app, "demo", "load")
    path: Path = app.extensions["settings"].instance / "demo-sign-ins.json"
    one = json.loads(path.read_text())[1]
    shown = run(app, "demo", "code", f" {one['email'].upper()} ").output.strip()
    assert pyotp.TOTP(one["totp_secret"]).verify(shown, valid_window=1)
    browser = StaffBrowser(app)
    assert browser.send("/staff/sign-in", email=one["email"], password=one["password"]).status_code == 303
    assert browser.send("/staff/sign-in/second", code=shown).status_code == 303
    assert run(app, "demo", "code", "nobody@example.org").exit_code == 2
    app.extensions["settings"] = replace(app.extensions["settings"], demo=False)
    refused = run(app, "demo", "code", one["email"])
    assert (refused.exit_code, shown in refused.output) == (1, False)
