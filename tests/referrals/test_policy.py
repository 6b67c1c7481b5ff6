"""Who may what with referrals, services, notes, files, tasks and sheets: list and check agree, and both with a list by hand."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.permissions import PermissionTable
from inclusion_app.people.models import Consent, Resident, Restriction
from inclusion_app.people.policy import TABLE
from inclusion_app.referrals.models import Referral, ReferralNote
from inclusion_app.referrals.policy import FIGURES, FILES, NOTES, REFER, REFERRALS, SERVICES, SHEETS, TASKS
from inclusion_app.referrals.rules import OPEN
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person, put_on_caseload
from tests.factories.referrals import make_note, make_referral, make_service, make_task
from tests.factories.world import World, build

# (right, role) → the rows it reaches, by their name in the world. What stands nowhere reaches nothing. Received: `own` is
# live, `restricted` of somebody in no search, `kept` of somebody who keeps Red Door away, `withdrawn` was taken back. Sent:
# `by worker`, `by referrer` of Red Door, `by colleague` of somebody on nobody's caseload here.
RECEIVED = {"own"}
REFERRALS_BY_HAND = {
    ("referral.read", "caseworker"): {*RECEIVED, "by worker"},
    ("referral.read", "safeguarding_lead"): {*RECEIVED, "restricted", "by worker"},
    ("referral.read", "referrer"): {"by referrer"},
    ("referral.follow", "caseworker"): {*RECEIVED, "by worker", "withdrawn"},
    ("referral.follow", "safeguarding_lead"): {*RECEIVED, "restricted", "withdrawn", "by worker"},
    ("referral.follow", "referrer"): {"by referrer"},
    ("referral.send", "caseworker"): {"by worker"},
    ("referral.send", "referrer"): {"by referrer"},
    ("referral.receive", "caseworker"): RECEIVED,
    ("referral.receive", "safeguarding_lead"): {*RECEIVED, "restricted"},
    ("referral.reopen", "caseworker"): {"by worker", "withdrawn"},
    ("referral.count", "organisation_admin"): {
        "own", "restricted", "withdrawn", "by worker", "by referrer", "by colleague",
    },
    ("referral.assign", "organisation_admin"): {
        "own", "restricted", "withdrawn", "by worker", "by referrer", "by colleague",
    },
    ("referral.assign", "caseworker"): RECEIVED,
    ("referral.assign", "safeguarding_lead"): {*RECEIVED, "restricted"},
}  # fmt: skip
SERVICES_BY_HAND = {
    **{
        ("service.look", role): {"own", "other", "without accounts", "all left"}
        for role in ("caseworker", "safeguarding_lead", "organisation_admin", "referrer", "platform_admin")
    },
    ("service.write", "caseworker"): {"own"},
    ("service.write", "organisation_admin"): {"own"},
    # Only those of organisations without accounts.
    ("service.write", "platform_admin"): {"without accounts", "all left"},
}
NOTES_BY_HAND = {
    ("note.read", "caseworker"): {"own", "attached"},
    ("note.read", "safeguarding_lead"): {"own"},
    ("note.write", "caseworker"): {"own"},
    ("note.add", "caseworker"): {"own"},
}
FILES_BY_HAND = {
    (right, role): {"own"}
    for right in ("file.read", "file.delete")
    for role in ("caseworker", "safeguarding_lead")
}
TASKS_BY_HAND = {
    ("task.work", "caseworker"): {"own", "nobody's"},
    ("task.work", "safeguarding_lead"): {"own", "nobody's"},
    ("task.words", "caseworker"): {"own", "nobody's"},
    ("task.words", "safeguarding_lead"): {"own", "nobody's"},
    ("task.change", "caseworker"): {"own", "nobody's"},
    ("task.change", "safeguarding_lead"): {"own", "nobody's"},
    # A referrer does what came of their own referrals, and nothing else.
    ("task.work", "referrer"): {"of the referrer"},
    ("task.change", "referrer"): {"of the referrer"},
}
SHEETS_BY_HAND = {("sheet.keep", "caseworker"): {"own"}}
BY_HAND: tuple[tuple[PermissionTable, str, dict[tuple[str, str], set[str]]], ...] = (
    (REFERRALS, "referral_id", REFERRALS_BY_HAND),
    (SERVICES, "service_id", SERVICES_BY_HAND),
    (NOTES, "note_id", NOTES_BY_HAND),
    (FILES, "file_id", FILES_BY_HAND),
    (TASKS, "task_id", TASKS_BY_HAND),
    (SHEETS, "sheet_id", SHEETS_BY_HAND),
)


@pytest.fixture
def world(app: Flask) -> World:
    """The small city, with referrals that Red Door sent, a note that came with one, tasks of nobody."""
    with app.app_context(), transaction() as session:
        made = build(session)
        rows, here = made.rows, made.residents["own"]
        elsewhere = make_service(session, organisation_id=make_organisation(session, name="Fourth Door").id)
        empty = make_organisation(session, name="Fifth Door").id
        make_staff(session, organisation_id=empty, roles=("caseworker",), left_at=now())
        rows["service_id"] |= {
            "without accounts": elsewhere.id,
            "all left": make_service(session, organisation_id=empty).id,
        }
        referred = session.get_one(Referral, rows["referral_id"]["own"])
        left = make_person(session, name="Canary of the colleague").id
        for name, by, number in (
            ("by worker", "caseworker", here), ("by referrer", "referrer", make_person(session).id),
            ("by colleague", "colleague", left),
        ):  # fmt: skip
            sent = make_referral(
                session, resident_id=number, service=elsewhere, sender_id=made.red, staff_id=made.staff[by]
            )
            rows["referral_id"][name] = sent.id
        note = make_note(session, resident_id=referred.resident_id or 0, organisation_id=made.blue)
        apart = make_note(session, resident_id=referred.resident_id or 0, organisation_id=made.blue)
        session.add(ReferralNote(referral_id=referred.id, note_id=note.id))
        rows["note_id"] |= {"attached": note.id, "not attached": apart.id}
        rows["task_id"]["nobody's"] = make_task(session, organisation_id=made.red).id
        rows["task_id"]["of the referrer"] = make_task(
            session, organisation_id=made.red, owner_id=made.staff["referrer"]
        ).id
        rows["task_id"]["of the colleague"] = make_task(
            session, organisation_id=made.red, owner_id=made.staff["colleague"], resident_id=left
        ).id
        session.flush()
        return made


def principal(world: World, role: str) -> Principal:
    return Principal("staff", staff_id=world.staff[role], organisation_id=world.red, roles=frozenset({role}))


@pytest.mark.parametrize("role", ROLES)
def test_list_and_check_agree_with_what_was_written_by_hand(
    app: Flask, world: World, role: str, tally: Any
) -> None:
    cells = 0
    with app.app_context(), transaction() as session:
        for table, kind, expected in BY_HAND:
            rows = world.rows[kind]
            for right in table.grid:
                me = principal(world, role)
                listed = set(session.scalars(select(table.model.id).where(table.rows(right, me))))
                checked = {number for number in rows.values() if table.allows(session, right, me, number)}
                by_hand = {rows[name] for name in expected.get((right, role), ())}
                assert listed & set(rows.values()) == checked == by_hand, (right, role)
                cells += len(rows)
    tally("cells of list filter and check, referrals", cells)


@pytest.mark.parametrize("role", ROLES)
def test_the_rights_on_no_row_belong_to_the_staff_of_these_roles(role: str) -> None:
    by_hand = {
        REFER: {"caseworker", "referrer"},
        FIGURES: {"caseworker", "safeguarding_lead", "organisation_admin", "insights_viewer"},
    }
    for right, held_by in by_hand.items():
        assert right.may_at_all(Principal("staff", roles=frozenset({role}))) == (role in held_by)
        assert not right.may_at_all(Principal("resident", roles=frozenset({role})))
        assert set(right.held_by) == held_by


def shared(
    app: Flask, world: World, *, items: tuple[str, ...] = ("identity", "contact", "needs", "plan")
) -> set[str]:
    """What Red Door's caseworker may read of whoever was referred to them."""
    with app.app_context(), transaction() as session:
        number = session.get_one(Referral, world.rows["referral_id"]["own"]).resident_id or 0
        me = principal(world, "caseworker")
        return {item for item in items if TABLE.allows(session, f"resident.{item}", me, number)}


def test_a_referral_opens_what_was_shared_and_no_more(app: Flask, world: World) -> None:
    assert shared(app, world) == {"identity", "contact"}


def test_what_it_opens_is_read_and_never_changed(app: Flask, world: World) -> None:
    with app.app_context(), transaction() as session:
        number = session.get_one(Referral, world.rows["referral_id"]["own"]).resident_id or 0
        for right in ("resident.edit", "resident.reissue"):
            assert not TABLE.allows(session, right, principal(world, "caseworker"), number)


@pytest.mark.parametrize(
    "state", ["draft", "closed", "declined", "rerouted", "recalled", "withdrawn", "lapsed"]
)
def test_in_every_other_state_it_opens_nothing(app: Flask, world: World, state: str) -> None:
    facts: dict[str, Any] = {
        "closed": {"outcome": "got_help"}, "declined": {"declined_for": "other", "declined_by": "provider"},
    }.get(state, {})  # fmt: skip
    with app.app_context(), transaction() as session:
        row = update(Referral).where(Referral.id == world.rows["referral_id"]["own"])
        session.execute(row.values(status=state, **facts))
    assert state not in OPEN
    assert shared(app, world) == set()


@pytest.mark.parametrize("how", ["withdrawn", "over", "of another organisation", "of another person"])
def test_without_its_own_yes_it_opens_nothing(app: Flask, world: World, how: str) -> None:
    with app.app_context(), transaction() as session:
        facts: dict[str, Any] = {
            "withdrawn": {"withdrawn_at": now()}, "over": {"until_at": now()},
            "of another organisation": {"organisation_id": world.blue},
            "of another person": {"resident_id": world.residents["own"]},
        }[how]  # fmt: skip
        consent_id = session.get_one(Referral, world.rows["referral_id"]["own"]).consent_id
        session.execute(update(Consent).where(Consent.id == consent_id).values(**facts))
    assert shared(app, world) == set()


@pytest.mark.parametrize("whom", ["organisation_id", "staff_id"])
def test_who_is_kept_away_sees_nothing(app: Flask, world: World, whom: str) -> None:
    with app.app_context(), transaction() as session:
        number = session.get_one(Referral, world.rows["referral_id"]["own"]).resident_id
        kept = {"organisation_id": world.red, "staff_id": world.staff["caseworker"]}[whom]
        session.add(Restriction(resident_id=number, made_at=now(), **{whom: kept}))
    assert shared(app, world) == set()


def test_of_somebody_restricted_only_whoever_looks_after_the_referral_reads(app: Flask, world: World) -> None:
    with app.app_context(), transaction() as session:
        row = session.get_one(Referral, world.rows["referral_id"]["own"])
        session.execute(update(Resident).where(Resident.id == row.resident_id).values(is_restricted=True))
    assert shared(app, world) == set()
    with app.app_context(), transaction() as session:
        row = session.get_one(Referral, world.rows["referral_id"]["own"])
        row.owner_id = world.staff["caseworker"]
    assert shared(app, world) == {"identity", "contact"}


def test_a_yes_for_a_referral_opens_nothing_by_a_caseload(app: Flask, world: World) -> None:
    """Who was referred here and stands on somebody's caseload is not shared by that alone."""
    with app.app_context(), transaction() as session:
        row = session.get_one(Referral, world.rows["referral_id"]["own"])
        put_on_caseload(
            session,
            resident_id=row.resident_id or 0,
            staff_id=world.staff["caseworker"],
            organisation_id=world.red,
        )
        row.status, row.outcome = "closed", "got_help"
    assert shared(app, world) == set()
