"""What goes with its person, and what goes by the schedule; what is live stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app import cli
from inclusion_app.accounts.models import Membership, Organisation
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.events import Contact, MessageWanted, publish
from inclusion_app.core.retention import OF_CHORE
from inclusion_app.messages.models import Message
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.referrals import holding
from inclusion_app.referrals.models import (
    CaseFile,
    CaseNote,
    CaseTask,
    CityService,
    OutreachSheet,
    PartnerLink,
    PublicReferral,
    Referral,
    ReferralNote,
    ReferralWords,
    SavedView,
    SheetPerson,
)
from inclusion_app.referrals.services import forgetting, public, telling
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person
from tests.factories.referrals import (
    bring_to,
    make_file,
    make_note,
    make_referral,
    make_service,
    make_sheet,
    make_task,
    make_view,
)

CANARY = "Zebra-7732"
CHORES = (
    "referrals that ended", "unconfirmed referrals", "facts of public referrals", "notes of cases", "tasks that are done",
    "sheets that were destroyed", "links of partners", "saved views of who left",
)  # fmt: skip


def make_public(session: Session, service: CityService) -> Referral:
    """What somebody typed in the public form a moment ago."""
    asked = public.Asked(
        form_key=f"public {CANARY}", from_kind="health", from_name=CANARY, from_organisation=CANARY,
        from_email="lin@example.org", about_name=CANARY, about_contact=CANARY, why=f"They need help, {CANARY}",
        said_yes=True, language="en",
    )  # fmt: skip
    return public.ask(session, service=service, asked=asked, link_of=lambda token: token, now=now())


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_every_chore_is_done_and_in_the_schedule() -> None:
    assert set(CHORES) <= set(cli.DELETIONS) and set(CHORES) <= set(OF_CHORE)


def test_with_their_person_all_of_it_goes_and_the_place_is_free(app: Flask) -> None:
    with app.test_request_context("/en"), transaction() as session:
        red, blue = make_organisation(session), make_organisation(session)
        staff = make_staff(session, organisation_id=red.id, roles=("caseworker",))
        person = make_person(session)
        service = make_service(session, organisation_id=blue.id, places=1)
        row = make_referral(
            session,
            resident_id=person.id,
            service=service,
            sender_id=red.id,
            staff_id=staff.id,
            why=CANARY * 2,
        )
        bring_to(session, row, "accept")
        note = make_note(
            session, resident_id=person.id, organisation_id=red.id, words=CANARY, is_shareable=True
        )
        session.add(ReferralNote(referral_id=row.id, note_id=note.id))
        make_file(session, resident_id=person.id, organisation_id=red.id, name=CANARY)
        make_task(session, organisation_id=red.id, resident_id=person.id, words=CANARY)
        make_sheet(session, organisation_id=red.id, staff_id=staff.id, people=(person.id,))
        publish(
            session,
            MessageWanted(
                key="of a stranger", template="public_referral_news", params={"number": "1", "state": CANARY},
                contact=Contact("email", "lin@example.org"), about=telling.about(row),
            ),
        )  # fmt: skip
        session.flush()
        said = " ".join(fact.value for fact in holding.describe(session, person.id))
        assert said.count(CANARY) == 4
        assert service.taken == 1
        people.delete_resident(session, resident=session.get_one(Resident, person.id), now=now())
        session.expire_all()
        for model in (Referral, ReferralWords, ReferralNote, CaseNote, CaseFile, CaseTask, SheetPerson):
            assert count(session, model) == 0, model
        # The sheet was printed all the same, and somebody has to destroy it.
        assert count(session, OutreachSheet) == 1
        assert session.get_one(CityService, service.id).taken == 0
        kept = session.scalars(select(Message).where(Message.key == "of a stranger")).one()
        assert (kept.params, kept.to) == (None, None)


def test_what_nobody_confirmed_goes_after_three_days(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        row = make_public(session, make_service(session, organisation_id=make_organisation(session).id))
        expires = session.get_one(PublicReferral, row.id).expires_at
        assert forgetting.delete_unconfirmed(session, now=expires - timedelta(seconds=1)) == 0
        assert forgetting.delete_unconfirmed(session, now=expires) == 1
        assert forgetting.delete_unconfirmed(session, now=expires) == 0
        for model in (Referral, PublicReferral, ReferralWords):
            assert count(session, model) == 0, model
        assert [one.to for one in session.scalars(select(Message))] == [None]


def test_what_was_confirmed_stays_and_loses_its_people_after_its_end(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        row = make_public(session, make_service(session, organisation_id=make_organisation(session).id))
        public.confirm(session, public=session.get_one(PublicReferral, row.id), now=now())
        assert forgetting.delete_unconfirmed(session, now=now() + timedelta(days=9)) == 0
        assert forgetting.forget_public_facts(session, now=now() + timedelta(days=400)) == 0  # it is live
        bring_to(session, row, "decline")
        number, end = row.id, row.ended_at
        assert end
        assert forgetting.forget_public_facts(session, now=end + timedelta(days=91)) == 0
        assert forgetting.forget_public_facts(session, now=end + timedelta(days=92)) == 1
        session.expire_all()
        assert session.get_one(Referral, number).declined_for == "no_capacity"
        assert count(session, PublicReferral) == count(session, ReferralWords) == 0


def test_an_ended_referral_goes_after_six_years_and_a_live_one_never(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        red, blue = make_organisation(session).id, make_organisation(session).id
        old, live = (
            make_referral(
                session, resident_id=make_person(session).id, sender_id=red,
                service=make_service(session, organisation_id=blue),
            ) for _ in range(2)
        )  # fmt: skip
        bring_to(session, old, "decline")
        end, stays = old.ended_at, live.id
        assert end and session.scalars(select(CaseTask)).one().kind == "another_way"
        assert forgetting.delete_ended(session, now=end + timedelta(days=6 * 366 - 1)) == 0
        assert forgetting.delete_ended(session, now=end + timedelta(days=6 * 366)) == 1
        assert session.scalars(select(Referral.id)).all() == [stays]
        assert count(session, CaseTask) == 0


def test_a_note_goes_after_six_years_unless_a_live_referral_carries_it(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        red, blue = make_organisation(session).id, make_organisation(session).id
        person, at = make_person(session).id, now() - timedelta(days=6 * 366)
        first = make_note(session, resident_id=person, organisation_id=red, written_at=at)
        make_note(session, resident_id=person, organisation_id=red, written_at=at, amends_id=first.id)
        young = make_note(session, resident_id=person, organisation_id=red, written_at=at + timedelta(days=1))
        read = make_note(session, resident_id=person, organisation_id=red, written_at=at)
        row = make_referral(
            session, resident_id=person, service=make_service(session, organisation_id=blue), sender_id=red
        )
        session.add(ReferralNote(referral_id=row.id, note_id=read.id))
        session.flush()
        stay = [young.id, read.id]
        assert forgetting.delete_old_notes(session, now=now()) >= 1
        assert session.scalars(select(CaseNote.id).order_by(CaseNote.id)).all() == stay


def test_tasks_sheets_and_links_go_when_they_are_over(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        red = make_organisation(session).id
        staff, at = make_staff(session, organisation_id=red).id, now()
        year = timedelta(days=366)
        make_task(session, organisation_id=red, done_at=at - year, done_how="done")
        kept = [
            make_task(session, organisation_id=red).id,
            make_task(session, organisation_id=red, done_at=at, done_how="done").id,
        ]
        gone = make_sheet(session, organisation_id=red, staff_id=staff, people=(make_person(session).id,))
        gone.made_at = gone.destroyed_at = at - year
        gone.destroyed_how = "burnt"
        unticked = make_sheet(session, organisation_id=red, staff_id=staff)
        unticked.made_at = at - year * 3
        row = make_referral(
            session, resident_id=make_person(session).id, sender_id=red,
            service=make_service(session, organisation_id=make_organisation(session).id),
        )  # fmt: skip
        for name, days in (("over", 30), ("young", 29)):
            ends = at - timedelta(days=days)
            session.add(PartnerLink(token_hash=name, referral_id=row.id, made_at=ends, expires_at=ends))
        session.flush()
        sheet = unticked.id
        assert forgetting.delete_done_tasks(session, now=at) == 1
        assert session.scalars(select(CaseTask.id).order_by(CaseTask.id)).all() == kept
        assert forgetting.delete_old_sheets(session, now=at) == 1
        assert session.scalars(select(OutreachSheet.id)).all() == [sheet]
        assert count(session, SheetPerson) == 0
        assert forgetting.delete_old_partner_links(session, now=at) == 1
        assert session.scalars(select(PartnerLink.token_hash)).all() == ["young"]


@pytest.mark.parametrize("how", ["membership", "left"])
def test_saved_views_go_with_whoever_made_them(app: Flask, how: str) -> None:
    with app.app_context(), transaction() as session:
        red = make_organisation(session).id
        here, gone = (make_staff(session, organisation_id=red, roles=("caseworker",)) for _ in range(2))
        for staff in (here, gone):
            make_view(session, organisation_id=red, staff_id=staff.id)
        stays = here.id
        assert forgetting.delete_left_views(session, now=now()) == 0
        if how == "left":
            gone.left_at = now()
        else:
            mine = select(Membership).where(Membership.staff_id == gone.id)
            session.scalars(mine).one().until_at = now()
        session.flush()
        assert forgetting.delete_left_views(session, now=now()) == 1
        assert session.scalars(select(SavedView.staff_id)).all() == [stays]


def test_the_run_of_all_of_them_leaves_what_is_young(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        make_public(session, make_service(session, organisation_id=make_organisation(session).id))
        assert session.scalars(select(Organisation)).all()
    done = app.test_cli_runner().invoke(args=["retention", "run"])
    assert done.exit_code == 0, done.output
    for chore in CHORES:
        assert f"deleted 0 {chore}" in done.output
