"""Sending somebody to a service: who fits, what stands against it, one of several at once, and a yes that opens only this."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people.models import Consent, Resident, Restriction
from inclusion_app.people.policy import TABLE
from inclusion_app.people.rules import NOT_AN_ANSWER
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseTask,
    CityService,
    Referral,
    ReferralNote,
    ReferralWords,
)
from inclusion_app.referrals.services import directory, machine, sending
from inclusion_app.referrals.services.machine import Said
from inclusion_app.referrals.services.sending import Wanted
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person
from tests.factories.referrals import WHY, bring_to, make_note, make_referral, make_service

COLD = Wanted(
    form_key="form", mode="cold", why=WHY, items=("identity", "contact"), how="spoken", has_yes=True
)
WARM = replace(
    COLD, mode="warm", introduced_how="call", introduced_on=today(), introduced_to="Kim at the desk"
)
TOLD = Wanted(form_key="told", mode="signposted")


class City:
    """A person, who sends them, and a service of somebody else."""

    def __init__(self, session: Session, **facts: Any) -> None:
        self.session = session
        self.sender = make_organisation(session).id
        self.staff = make_staff(session, organisation_id=self.sender, roles=("caseworker",)).id
        self.receiver = make_organisation(session).id
        self.service = make_service(session, organisation_id=self.receiver, **facts)
        self.person = make_person(session, ward="E05011368", age_band="25_49", address="1 Test Street")

    def against(self, wanted: Wanted = COLD, **who: Any) -> list[tuple[str | None, str]]:
        """What stands against it: field and words."""
        facts = {"resident": self.person, "service": self.service, "sender_id": self.sender, **who}
        found = sending.whats_against(self.session, **facts, wanted=wanted, today=today())
        return [(broken.field, broken.message) for broken in found]

    def send(self, wanted: Wanted = COLD, **who: Any) -> Referral:
        facts = {
            "resident": self.person, "service": self.service, "sender_id": self.sender, "staff_id": self.staff, **who
        }  # fmt: skip
        return sending.refer(self.session, **facts, wanted=wanted, today=today(), now=now())

    def choices(self, help_with: str = "") -> list[sending.Choice]:
        return sending.services_for(
            self.session, resident=self.person, sender_id=self.sender, help_with=help_with
        )

    def keep_away(self) -> None:
        self.session.add(
            Restriction(resident_id=self.person.id, organisation_id=self.receiver, made_at=now())
        )
        self.session.flush()


# Which services there are for somebody


def test_those_that_take_them_now_come_first_and_the_full_ones_last(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session, name="C free")
        for name, facts in {
            "A waits": {"places": 1, "taken": 1},
            "B shut": {"places": 1, "taken": 1, "keeps_waiting_list": False},
            "D other age": {"ages": "65_over"},
            "E other ward": {"wards": "E05011369"},
            "F theirs": {"wards": "E05011368 E05011369", "ages": "18_24 25_49"},
        }.items():
            make_service(session, organisation_id=city.receiver, name=name, **facts)
        found = city.choices()
        assert [one.service.name for one in found] == [
            "C free", "F theirs", "A waits", "D other age", "E other ward", "B shut"
        ]  # fmt: skip
        assert [one.can_be_sent for one in found] == [True, True, True, False, False, False]
        assert [one.why_not for one in found if one.why_not] == [
            "Only for people of another age.", "Only for people in other areas."
        ]  # fmt: skip


def test_what_we_do_not_know_of_somebody_keeps_them_out_of_nothing(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session, wards="E05011369", ages="65_over")
        city.person.ward = city.person.age_band = None
        assert city.choices()[0].can_be_sent and not city.against()


def test_narrowed_by_what_it_helps_with(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session, helps="digital money")
        make_service(session, organisation_id=city.receiver, helps="housing")
        assert [len(city.choices(code)) for code in ("", "money", "housing", "mone", "law")] == [
            2,
            1,
            1,
            0,
            0,
        ]


def test_own_closed_and_kept_away_services_are_not_offered_and_nothing_says_so(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        make_service(session, organisation_id=city.sender)
        make_service(session, organisation_id=city.receiver, closed_at=now())
        make_service(session, organisation_id=make_organisation(session, closed_at=now()).id)
        assert [one.service.id for one in city.choices()] == [city.service.id]
        city.keep_away()
        assert city.choices() == []
        # The very same as of one that is closed.
        assert city.against() == [("service", machine.SERVICE_CLOSED)]


def test_where_nobody_can_be_asked_it_says_which_of_the_two_it_is(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session, places=1, taken=1, keeps_waiting_list=False)
        assert sending.why_nobody(city.choices()) == rules.ALL_FULL
        city.service.ages = "65_over"
        session.flush()
        assert sending.why_nobody(city.choices()) == rules.NO_SERVICE == sending.why_nobody([])
        city.service.ages, city.service.keeps_waiting_list = "", True
        session.flush()
        assert sending.why_nobody(city.choices()) is None


# What stands against it


def test_nothing_stands_against_what_is_right(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        assert city.against() == city.against(WARM) == []
        assert city.against(Wanted(form_key="x", mode="signposted")) == []


def test_all_that_is_missing_is_said_at_once(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        fields = [
            field for field, _said in city.against(Wanted(form_key="x", mode="warm", how="", urgency=""))
        ]
        assert fields == [
            "urgency", "why", "items", "how", "consent", "introduced_how", "introduced_on", "introduced_to"
        ]  # fmt: skip
        nothing = city.against(Wanted(form_key="x", mode="", urgency="", why="x" * 1001))
        assert [field for field, _said in nothing] == ["mode", "why", "urgency", "items", "consent"]
        told = replace(WARM, mode="signposted", note_ids=(1,))
        assert [field for field, _said in city.against(told)] == [
            "items", "notes", "introduced_how", "introduced_on", "introduced_to"
        ]  # fmt: skip


# What is wrong, and the field it is said at.
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"mode": "carried"}, "mode"), ({"urgency": "now"}, "urgency"), ({"why": "123456789 - . ,,, ab"}, "why"),
    ({"why": "x" * 1001}, "why"), ({"items": ()}, "items"), ({"items": ("needs", "plan")}, "items"),
    ({"items": ("identity", "safeguarding")}, "items"), ({"has_yes": False}, "consent"), ({"how": "guessed"}, "how"),
    ({"note_ids": (999_999,)}, "notes"), ({"introduced_how": "sent"}, "introduced_how"),
    ({"introduced_on": None}, "introduced_on"), ({"introduced_on": today() + timedelta(days=1)}, "introduced_on"),
    ({"introduced_on": today() - timedelta(days=400)}, "introduced_on"), ({"introduced_to": " "}, "introduced_to"),
    ({"introduced_to": "x" * 81}, "introduced_to"),
)  # fmt: skip


def test_each_thing_is_refused_at_its_field(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        for facts, field in WRONG:
            wanted = replace(WARM, **facts)
            assert [at for at, _said in city.against(wanted)] == [field], facts
            with pytest.raises(RuleBroken):
                city.send(wanted)
        assert session.scalar(select(func.count()).select_from(Referral)) == 0
        assert session.scalar(select(func.count()).select_from(Consent)) == 0


def test_a_service_that_is_own_closed_full_or_not_for_them(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        own = make_service(session, organisation_id=city.sender)
        assert city.against(service=own) == [("service", sending.TO_ONESELF)]
        for facts, said in (
            ({"ages": "65_over"}, "Only for people of another age."),
            ({"places": 1, "taken": 1, "keeps_waiting_list": False}, sending.IS_FULL),
            ({"closed_at": now()}, machine.SERVICE_CLOSED),
        ):
            other = make_service(session, organisation_id=city.receiver, **facts)
            assert city.against(service=other) == [("service", said)]
            # Whoever is only told where to go takes no place.
            told = [] if said == sending.IS_FULL else [("service", said)]
            assert city.against(TOLD, service=other) == told
            with pytest.raises(RuleBroken, match=said):
                city.send(service=other)
        waits = make_service(session, organisation_id=city.receiver, places=1, taken=1)
        assert city.send(service=waits).status == "sent"


# Sent


def test_a_referral_is_sent_with_its_own_yes(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        sent = city.send(
            replace(WARM, urgency="urgent", language="ur", items=("contact", "identity", "plan"))
        )
        assert (sent.status, sent.mode, sent.urgency, sent.language) == ("sent", "warm", "urgent", "ur")
        assert (sent.organisation_id, sent.sender_id, sent.sender_staff_id) == (
            city.receiver, city.sender, city.staff
        )  # fmt: skip
        assert (sent.introduced_how, sent.introduced_on, sent.introduced_to) == (
            "call", today(), "Kim at the desk"
        )  # fmt: skip
        assert sent.clock_due is not None and not sent.holds_place
        consent = session.get_one(Consent, sent.consent_id)
        assert consent.is_for_referral and consent.organisation_id == city.receiver
        assert (consent.how, consent.told_staff_id, consent.language, consent.purpose) == (
            "spoken", city.staff, "ur", "other_help"
        )  # fmt: skip
        assert sorted(one.item for one in consent.items) == ["contact", "identity", "plan"]
        said = session.scalars(select(ReferralWords).where(ReferralWords.referral_id == sent.id)).one()
        assert (said.kind, said.words, said.staff_id) == ("why", WHY, city.staff)


def test_whom_somebody_only_told_where_to_go_shares_nothing(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        sent = city.send(replace(COLD, mode="signposted", why="", items=(), has_yes=False))
        assert sent.status == "sent" and sent.consent_id is None and sent.clock_due is None
        assert session.scalar(select(func.count()).select_from(Consent)) == 0
        assert session.scalars(select(CaseTask.kind)).all() == ["find_out"]


def test_whom_somebody_only_told_where_to_go_may_still_be_sent_there_and_is_told_once(
    both_engines: Flask,
) -> None:
    with transaction() as session:
        city = City(session)
        told = city.send(TOLD)
        assert city.send(TOLD).id == told.id
        with pytest.raises(RuleBroken, match=sending.TOLD_ALREADY):
            city.send(replace(TOLD, form_key="told again"))
        assert city.send().status == "sent"
        with pytest.raises(RuleBroken, match=machine.THERE_ALREADY):
            city.send(replace(COLD, form_key="sent again"))


def test_the_yes_opens_these_items_to_the_receiver_only_while_the_referral_is_live(
    both_engines: Flask,
) -> None:
    with transaction() as session:
        city = City(session)
        worker = make_staff(session, organisation_id=city.receiver, roles=("caseworker",)).id
        there = Principal(
            "staff", staff_id=worker, organisation_id=city.receiver, roles=frozenset({"caseworker"})
        )

        def seen() -> list[str]:
            session.flush()
            rights = (
                "resident.identity",
                "resident.contact",
                "resident.needs",
                "resident.plan",
                "resident.edit",
            )
            return [right for right in rights if TABLE.allows(session, right, there, city.person.id)]

        assert seen() == []
        sent = city.send()
        assert seen() == ["resident.identity", "resident.contact"]
        bring_to(session, sent, "acknowledge", "accept", "begin", staff_id=worker)
        assert seen() == ["resident.identity", "resident.contact"]
        bring_to(session, sent, "close", staff_id=worker)
        assert seen() == []
        assert session.get_one(Consent, sent.consent_id).withdrawn_at is not None


def test_the_yes_alone_opens_nothing(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        worker = make_staff(session, organisation_id=city.receiver, roles=("caseworker",)).id
        there = Principal(
            "staff", staff_id=worker, organisation_id=city.receiver, roles=frozenset({"caseworker"})
        )
        sent = city.send()
        machine.act(session, referral=sent, actor=rules.RESIDENT, action="withdraw", now=now())
        consent = session.get_one(Consent, sent.consent_id)
        consent.withdrawn_at = None  # as if only the referral had ended
        session.flush()
        assert not TABLE.allows(session, "resident.identity", there, city.person.id)


def test_the_same_form_sends_once_and_only_the_same(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        first = city.send()
        assert city.send().id == first.id
        elsewhere = make_service(session, organisation_id=city.receiver)
        for who in (
            {"service": elsewhere},
            {"resident": make_person(session)},
            {"sender_id": make_organisation(session).id},
        ):
            with pytest.raises(RuleBroken, match=machine.THERE_ALREADY):
                city.send(**who)
        assert session.scalar(select(func.count()).select_from(Referral)) == 1


def test_who_is_referred_there_already_is_not_sent_again_but_after_an_end(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        first = city.send()
    with transaction() as session, pytest.raises(RuleBroken, match=machine.THERE_ALREADY):
        # Another helper, of another organisation.
        make_referral(
            session, resident_id=city.person.id, service=session.get_one(CityService, city.service.id),
            sender_id=make_organisation(session).id,
        )  # fmt: skip
    with transaction() as session:
        bring_to(session, session.get_one(Referral, first.id), "decline")
        again = make_referral(
            session, resident_id=city.person.id, service=session.get_one(CityService, city.service.id),
            sender_id=city.sender,
        )  # fmt: skip
        assert again.status == "sent"


def test_another_way_that_was_found_is_no_task_any_more(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        better = make_service(session, organisation_id=make_organisation(session).id)
        first = city.send()
        machine.act(
            session,
            referral=first,
            actor=rules.RECEIVER,
            action="reroute",
            said=Said(better_id=better.id),
            now=now(),
        )
        task = session.scalars(select(CaseTask).where(CaseTask.kind == "another_way")).one()
        assert task.done_at is None
        child = city.send(replace(COLD, form_key="again", parent_id=first.id), service=better)
        session.refresh(task)
        assert child.parent_id == first.id and (task.done_how, task.done_by_id) == ("sent_on", city.staff)
        # The old yes stays ended; the new one is a yes of its own.
        assert child.consent_id != first.consent_id
        assert session.get_one(Consent, first.consent_id).withdrawn_at is not None


# Notes that go along


def test_a_note_goes_along_with_what_was_added_to_it(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        mine = {"resident_id": city.person.id, "organisation_id": city.sender}
        note, other = make_note(session, **mine), make_note(session, **mine)
        added = make_note(session, amends_id=note.id, **mine)
        later = make_note(session, amends_id=added.id, **mine)
        sent = city.send(replace(COLD, note_ids=(note.id,)))
        found = session.scalars(select(ReferralNote.note_id).where(ReferralNote.referral_id == sent.id)).all()
        assert sorted(found) == [note.id, added.id, later.id] and other.id not in found


def test_nobody_passes_on_what_is_not_their_own(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        theirs = make_note(session, resident_id=city.person.id, organisation_id=city.receiver)
        of_another = make_note(session, resident_id=make_person(session).id, organisation_id=city.sender)
        for note in (theirs, of_another):
            assert city.against(replace(COLD, note_ids=(note.id,))) == [("notes", NOT_AN_ANSWER)]


# Several at once


@pytest.mark.postgres
@pytest.mark.parametrize("same_form", [True, False])
def test_two_who_send_at_once_send_one(service_on_both: Flask, same_form: bool) -> None:
    app = service_on_both
    for round_ in range(4):
        with app.app_context(), transaction() as session:
            city = City(session)
            person, service, sender, staff = city.person.id, city.service.id, city.sender, city.staff
        ready, said = threading.Barrier(3), []

        def send(key: str, number: int = round_, who: tuple[int, ...] = (person, service, sender, staff),
                 ready: threading.Barrier = ready, said: list[object] = said) -> None:  # fmt: skip
            with app.app_context():
                ready.wait(30)
                try:
                    with transaction() as session:
                        found = sending.refer(
                            session, resident=session.get_one(Resident, who[0]),
                            service=session.get_one(CityService, who[1]), sender_id=who[2], staff_id=who[3],
                            wanted=replace(COLD, form_key=f"{number} {key}"), today=today(), now=now(),
                        ).id  # fmt: skip
                    said.append(found)
                except RuleBroken as broken:
                    said.append(broken.message)

        keys = ("a", "a", "a") if same_form else ("a", "b", "c")
        crowd = [threading.Thread(target=send, args=(key,)) for key in keys]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        with app.app_context(), transaction() as session:
            rows = session.scalars(select(Referral.id).where(Referral.resident_id == person)).all()
            consents = session.scalars(select(Consent.id).where(Consent.resident_id == person)).all()
        assert len(rows) == len(consents) == 1 and len(said) == 3
        others = [one for one in said if one != rows[0]]
        assert others == ([] if same_form else [machine.THERE_ALREADY] * 2)


@pytest.mark.postgres
def test_places_and_a_yes_at_once_never_make_more_taken_than_there_are(service_on_both: Flask) -> None:
    app = service_on_both
    for round_ in range(6):
        with app.app_context(), transaction() as session:
            city = City(session, places=1)
            sent = city.send(replace(COLD, form_key=f"round {round_}")).id
            service = city.service.id
            facts = directory.Facts(
                name="Now smaller",
                helps=("digital",),
                summary="Less.",
                places=0,
                partner_email="a@example.org",
            )
        ready, said = threading.Barrier(2), []

        def shrink(session: Session, number: int = service, facts: directory.Facts = facts) -> None:
            directory.change_service(
                session,
                service=session.get_one(CityService, number),
                facts=facts,
                has_accounts=False,
                now=now(),
            )

        def accept(session: Session, number: int = sent) -> None:
            bring_to(session, session.get_one(Referral, number), "accept")

        def run(work: Any, ready: threading.Barrier = ready, said: list[str] = said) -> None:
            with app.app_context():
                ready.wait(30)
                try:
                    with transaction() as session:
                        work(session)
                    said.append("done")
                except RuleBroken as broken:
                    said.append(broken.message)

        crowd = [threading.Thread(target=run, args=(work,)) for work in (shrink, accept)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        with app.app_context(), transaction() as session:
            row = session.get_one(CityService, service)
            assert (row.places, row.taken) in {(0, 0), (1, 1)}, said
        assert sorted(said) in (sorted(["done", directory.BELOW_TAKEN]), sorted(["done", machine.FULL]))


def test_who_is_sent_unseen_can_be_reached(both_engines: Flask) -> None:
    with transaction() as session:
        city = City(session)
        unsaid = replace(COLD, items=("identity",))
        assert city.against(unsaid) == [("items", sending.CANNOT_REACH)]
        assert city.against(replace(WARM, items=("identity",))) == []
        city.person.address = None
        session.flush()
        assert city.against() == [("items", sending.NO_WAY)]
        assert city.against(WARM) == []
