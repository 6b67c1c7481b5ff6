"""Many at one moment: one yes to one referral, one place for one person, one owner; on both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.history import StatusChange
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, Referral, ReferralWords
from inclusion_app.referrals.services import machine, owning
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person
from tests.factories.referrals import make_referral, make_service

pytestmark = pytest.mark.postgres
ROUNDS = 5


def all_at_once(app: Flask, *works: Callable[[Session], None]) -> list[str]:
    """Each in a transaction of its own, all begun at one moment. What each said: done, or the rule."""
    ready, said = threading.Barrier(len(works)), [""] * len(works)

    def run(number: int) -> None:
        with app.app_context():
            ready.wait(30)
            try:
                with transaction() as session:
                    works[number](session)
                said[number] = "done"
            except RuleBroken as broken:
                said[number] = broken.message % broken.params

    crowd = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    return said


def accept(number: int, staff_id: int) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        one = session.get_one(Referral, number)
        machine.act(
            session, referral=one, actor=rules.RECEIVER, action="accept", staff_id=staff_id, now=now()
        )

    return work


def lay_out(app: Flask, *, people: int, places: int | None = None) -> tuple[list[int], list[int], int]:
    """Referrals of so many people to one service, two of its staff, and the service."""
    with app.app_context(), transaction() as session:
        red, blue = make_organisation(session), make_organisation(session)
        service = make_service(session, organisation_id=blue.id, places=places)
        staff = [
            make_staff(session, organisation_id=blue.id, roles=("caseworker",), name=name).id
            for name in ("Ann", "Ben")
        ]
        numbers = [
            make_referral(session, resident_id=make_person(session).id, service=service, sender_id=red.id).id
            for _person in range(people)
        ]
        return numbers, staff, service.id


def test_two_accept_at_one_moment_and_the_other_reads_who_was_quicker(service_on_both: Flask) -> None:
    app = service_on_both
    numbers, (ann, ben), _service = lay_out(app, people=ROUNDS)
    for number in numbers:
        said = all_at_once(app, accept(number, ann), accept(number, ben))
        assert sorted(said) in (
            ["Ann was quicker: it is “Accepted” now.", "done"],
            ["Ben was quicker: it is “Accepted” now.", "done"],
        )
        winner = (ann, ben)[said.index("done")]
        with app.app_context(), transaction() as session:
            one = session.get_one(Referral, number)
            assert one.owner_id == winner and one.status == "accepted"
            moves = select(func.count()).where(
                StatusChange.row_id == number,
                StatusChange.noun == "referrals",
                StatusChange.after == "accepted",
            )
            assert session.scalar(moves) == 1


def test_a_question_is_answered_and_found_out_at_one_moment_and_ends_once(service_on_both: Flask) -> None:
    app = service_on_both
    numbers, (ann, ben), _service = lay_out(app, people=ROUNDS)

    def ends(number: int, actor: str, action: str, staff_id: int) -> Callable[[Session], None]:
        said = machine.Said(words="Any day but Friday.")
        return lambda session: machine.act(
            session, referral=session.get_one(Referral, number), actor=actor, action=action, staff_id=staff_id,
            said=said if action in {"ask", "answer"} else machine.NOTHING, now=now(),
        )  # fmt: skip

    for number in numbers:
        with app.app_context(), transaction() as session:
            for action in ("acknowledge", "ask"):
                ends(number, rules.RECEIVER, action, ann)(session)
        said = all_at_once(
            app, ends(number, rules.SENDER, "answer", ben), ends(number, rules.RECEIVER, "found_out", ann)
        )
        assert said.count("done") == 1 and "was quicker: it is “Seen” now." in "".join(said)
        with app.app_context(), transaction() as session:
            one = session.get_one(Referral, number)
            assert one.status == "acknowledged" and one.clock_stopped_at is None
            answers = select(func.count(ReferralWords.id)).where(
                ReferralWords.referral_id == number, ReferralWords.kind == "answer"
            )
            assert session.scalar(answers) == int(said[0] == "done")


def test_the_last_place_is_given_once(service_on_both: Flask) -> None:
    app = service_on_both
    for _round in range(ROUNDS):
        numbers, (ann, ben), service_id = lay_out(app, people=4, places=1)
        works = [accept(number, (ann, ben)[place % 2]) for place, number in enumerate(numbers)]
        said = all_at_once(app, *works)
        assert sorted(said) == sorted([machine.FULL] * 3 + ["done"])
        with app.app_context(), transaction() as session:
            assert session.get_one(CityService, service_id).taken == 1
            held = select(func.count()).where(Referral.id.in_(numbers), Referral.holds_place)
            assert session.scalar(held) == 1


def test_two_take_it_at_one_moment_and_one_has_it(service_on_both: Flask) -> None:
    app = service_on_both
    numbers, (ann, ben), _service = lay_out(app, people=ROUNDS)

    def take(number: int, staff_id: int) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            one = session.get_one(Referral, number)
            owning.give_owner(session, referral=one, owner_id=staff_id, was=0, by_id=staff_id, now=now())

        return work

    for number in numbers:
        said = all_at_once(app, take(number, ann), take(number, ben))
        assert said.count("done") == 1
        with app.app_context(), transaction() as session:
            assert session.get_one(Referral, number).owner_id == (ann, ben)[said.index("done")]
