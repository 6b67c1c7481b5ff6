"""Lost, found, given away; SIMs inside a loan; how it went: nobody owes anything, and no number is another's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import carbon, reuse, rules
from inclusion_app.loans.models import Loan, LoanOutcome, Sim, StockItem, Unit
from inclusion_app.loans.services import custody, endings, outcomes, returns, sims
from inclusion_app.loans.services.days import follow_up_day
from inclusion_app.messages.models import Message
from tests.factories.accounts import make_organisation
from tests.factories.loans import hand_over, make_loan, make_model, make_request, make_scheme, make_unit

number = iter(range(10_000, 99_999))


def make_sim(session: Session, loan: Loan, **facts: Any) -> Sim:
    usual = {
        "holder_id": loan.organisation_id,
        "place_id": loan.place_id,
        "iccid": f"89{next(number):018d}",
        "made_at": now(),
    }
    row = Sim(**{**usual, **facts})
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize("cause", rules.CAUSES)
def test_what_is_lost_ends_the_loan_stops_the_sim_and_owes_nothing(both_engines: Flask, cause: str) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        sim = make_sim(session, loan)
        sims.put_in(session, loan=loan, sim=sim, now=now())
        endings.report_lost(session, loan=loan, cause=cause, staff_id=None, now=now())
        session.refresh(sim)
        assert (loan.status, loan.cause, unit.status) == ("lost", cause, "missing")
        assert (
            sim.state == ("ended" if cause == "broken" else "lost") and sims.sim_in(session, loan.id) is None
        )
        with pytest.raises(RuleBroken, match="over"):
            endings.report_lost(session, loan=loan, cause=cause, staff_id=None, now=now())
        # Nobody is kept from asking again.
        again = make_loan(session, request=make_request(
            session, model=make_model(session), status="offered", resident_id=loan.resident_id
        ))  # fmt: skip
        assert again.status == "active"


def test_a_cause_is_one_of_the_list(both_engines: Flask) -> None:
    with transaction() as session:
        loan = make_loan(session)
        with pytest.raises(RuleBroken) as broken:
            endings.report_lost(session, loan=loan, cause="sold", staff_id=None, now=now())
        assert broken.value.field == "cause" and loan.status == "active"


def test_what_turns_up_goes_into_quarantine(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        with pytest.raises(RuleBroken):
            endings.found_again(session, loan=loan, staff_id=None, now=now())
        endings.report_lost(session, loan=loan, cause="stolen", staff_id=None, now=now())
        endings.note_locked(session, loan=loan, now=now())
        locked = loan.locked_at
        endings.note_locked(session, loan=loan, now=now() + timedelta(hours=1))
        assert locked and loan.locked_at == locked
        assert endings.lost_loan(session, unit.id) is loan
        endings.found_again(session, loan=loan, staff_id=None, now=now())
        assert (loan.status, loan.cause, unit.status) == ("returned", "stolen", "quarantine")
        assert unit.hold_until == today() + timedelta(days=3) and endings.lost_loan(session, unit.id) is None
        with pytest.raises(RuleBroken, match="not ready"):
            make_loan(session, unit=unit)


@pytest.mark.parametrize(
    ("days", "template"), [(None, "loan_gift"), (400, "loan_gift_until"), (-1, "loan_gift_old")]
)
def test_a_gift_says_how_long_its_maker_keeps_it_safe(app: Flask, days: int | None, template: str) -> None:
    with app.app_context(), transaction() as session:
        unit = make_unit(session)
        unit.support_until = today() + timedelta(days=days) if days is not None else None
        loan = make_loan(session, unit=unit)
        endings.give_away(session, loan=loan, staff_id=None, now=now())
        assert (loan.status, unit.status, unit.retired_for) == ("gifted", "retired", "gifted")
        told = session.scalars(select(Message.template).where(Message.resident_id == loan.resident_id)).all()
        assert told == [template]
        assert custody.can_be_lent(session, unit.holder_id, unit.model_id) == 0


def test_what_belongs_to_another_is_given_away_when_they_agree(both_engines: Flask) -> None:
    with transaction() as session:
        owner = make_organisation(session)
        unit = make_unit(session, owner_id=owner.id)
        loan = make_loan(session, unit=unit)
        with pytest.raises(RuleBroken) as broken:
            endings.give_away(session, loan=loan, staff_id=None, now=now())
        assert broken.value.field == "owner_agrees" and broken.value.params["owner"] == owner.name
        endings.give_away(session, loan=loan, staff_id=None, now=now(), owner_agrees=True)
        assert loan.status == "gifted"


# --- accessories


def with_accessories(session: Session, *counts: int) -> tuple[Loan, Unit, list[StockItem]]:
    """A loan with so many of each kind; somebody else has one of each too."""
    unit = make_unit(session)
    usual = {
        "holder_id": unit.holder_id,
        "place_id": unit.place_id,
        "kind": "accessory",
        "in_stock": 9,
        "on_loan": 1,
    }
    items = [StockItem(name=f"Mouse {next(number)}", **usual) for _count in counts]
    session.add_all(items)
    session.flush()
    parts = [(item.id, count) for item, count in zip(items, counts, strict=True)]
    request = make_request(session, model=unit.model, status="offered")
    loan = custody.issue(
        session, request=request, unit=unit, staff_id=None, now=now(), hand_over=hand_over(unit, items=parts)
    )
    return loan, unit, items


def counted(session: Session, items: list[StockItem]) -> list[tuple[int, int]]:
    for item in items:
        session.refresh(item)
    return [(item.in_stock, item.on_loan) for item in items]


def test_accessories_go_with_a_gift(both_engines: Flask) -> None:
    with transaction() as session:
        loan, _unit, items = with_accessories(session, 2, 1)
        assert counted(session, items) == [(7, 3), (8, 2)]
        endings.give_away(session, loan=loan, staff_id=None, now=now())
        assert counted(session, items) == [(7, 1), (8, 1)]


def test_accessories_of_what_is_lost_are_with_nobody_and_count_once_when_it_is_found(
    both_engines: Flask,
) -> None:
    with transaction() as session:
        loan, unit, items = with_accessories(session, 2, 1)
        endings.report_lost(session, loan=loan, cause="stolen", staff_id=None, now=now())
        assert counted(session, items) == [(7, 1), (8, 1)]
        # It is scanned, that was a mistake, and then it turns up all the same.
        came = returns.quick_return(session, unit=unit, at_place_id=unit.place_id, staff_id=None, now=now())
        assert (
            came.how == "found" and came.take_in is not None and counted(session, items) == [(7, 3), (8, 2)]
        )
        returns.undo(session, take_in=came.take_in, staff_id=None, by_coordinator=True, now=now())
        assert loan.status == "lost" and counted(session, items) == [(7, 1), (8, 1)]
        endings.found_again(session, loan=loan, staff_id=None, now=now())
        assert counted(session, items) == [(7, 3), (8, 2)]
        back = {part.id: part.count_out if part.count_out != 2 else 1 for part in loan.parts}
        returns.check_parts(session, loan=loan, looked=returns.Looked(back), staff_id=None, now=now())
        # One mouse of two came back.
        assert counted(session, items) == [(8, 1), (9, 1)]


def test_accessories_of_a_sim_that_is_lost_alone_are_with_nobody(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        shell = make_unit(session, model=model)
        item = StockItem(
            holder_id=model.organisation_id, place_id=shell.place_id, kind="accessory", name="Box", in_stock=3
        )
        sim = Sim(
            holder_id=model.organisation_id,
            place_id=shell.place_id,
            iccid=f"89{next(number):018d}",
            made_at=now(),
        )
        session.add_all([item, sim])
        session.flush()
        request = make_request(session, model=model, status="offered")
        loan = custody.issue(
            session, request=request, unit=None, staff_id=None, now=now(),
            hand_over=hand_over(shell, sim_id=sim.id, parts=[], items=[(item.id, 1)]),
        )  # fmt: skip
        endings.report_lost(session, loan=loan, cause="lost", staff_id=None, now=now())
        assert counted(session, [item]) == [(2, 0)]
        endings.found_again(session, loan=loan, staff_id=None, now=now())
        assert counted(session, [item]) == [(2, 1)]
        back = {part.id: 1 for part in loan.parts}
        returns.check_parts(session, loan=loan, looked=returns.Looked(back), staff_id=None, now=now())
        assert counted(session, [item]) == [(3, 0)]


# --- SIMs


def test_a_sim_is_swapped_by_one_statement_or_not_at_all(both_engines: Flask) -> None:
    with transaction() as session:
        loan, other = make_loan(session), make_loan(session)
        old, new, taken = (
            make_sim(session, loan),
            make_sim(session, loan),
            make_sim(session, loan, state="ended"),
        )
        foreign = make_sim(session, other)
        with pytest.raises(RuleBroken):
            sims.swap(session, loan=loan, sim=new, now=now())
        sims.put_in(session, loan=loan, sim=old, now=now())
        with pytest.raises(RuleBroken):
            sims.put_in(session, loan=loan, sim=new, now=now())
        for bad in (taken, foreign, old):
            with pytest.raises(RuleBroken, match="not free"):
                sims.swap(session, loan=loan, sim=bad, now=now())
        session.refresh(old)
        use = sims.sim_in(session, loan.id)
        assert old.state == "out" and use is not None and use.sim_id == old.id
        sims.swap(session, loan=loan, sim=new, now=now())
        session.refresh(old)
        use = sims.sim_in(session, loan.id)
        assert (old.state, new.state) == ("ended", "out") and use is not None and use.sim_id == new.id
        assert loan.follow_up_on == follow_up_day(session, today())


@pytest.mark.parametrize(
    ("kind", "data", "state"), [("hub", 20, "stock"), ("hub", -1, "ended"), ("phone", 20, "ended")]
)
def test_no_number_rings_at_another(app: Flask, kind: str, data: int, state: str) -> None:
    with app.app_context(), transaction() as session:
        loan = make_loan(session, unit=make_unit(session, model=make_model(session, kind=kind)))
        sim = make_sim(session, loan, data_until=today() + timedelta(days=20))
        sims.put_in(session, loan=loan, sim=sim, now=now())
        sim.data_until = today() + timedelta(days=data)
        assert sims.take_out(session, loan=loan, now=now()) is sim
        assert sim.state == state and sims.take_out(session, loan=loan, now=now()) is None


# --- how it went


def test_an_answer_is_kept_once_and_names_no_loan(both_engines: Flask) -> None:
    with transaction() as session:
        loan = make_loan(session)
        with pytest.raises(RuleBroken):
            outcomes.answer_outcome(session, loan=loan, used_for=["spying"], changed=[], now=now())
        assert loan.outcome_asked_at is None
        outcomes.answer_outcome(session, loan=loan, used_for=["learn"], changed=["school"], now=now())
        with pytest.raises(RuleBroken):
            outcomes.answer_outcome(session, loan=loan, used_for=["learn"], changed=[], now=now())
        row = session.scalars(select(LoanOutcome)).one()
        assert (row.kind, row.used_for, row.changed) == ("laptop", "learn", "school")
        assert {column.name for column in LoanOutcome.__table__.columns} == {
            "id", "organisation_id", "kind", "used_for", "changed",
        }  # fmt: skip


def test_who_says_nothing_is_not_asked_again(both_engines: Flask) -> None:
    with transaction() as session:
        loan = make_loan(session)
        outcomes.answer_outcome(session, loan=loan, used_for=[], changed=[], now=now())
        assert session.scalar(select(func.count(LoanOutcome.id))) == 0 and loan.outcome_asked_at


def test_sums_of_fewer_than_five_are_not_shown(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session)
        for place in range(7):
            changed = "school" if place < 4 else "money school"
            session.add(
                LoanOutcome(
                    organisation_id=scheme.organisation_id, kind="laptop", used_for="learn", changed=changed
                )
            )
        session.flush()
        found = outcomes.sums(session, organisation_id=scheme.organisation_id)
        assert found.answers == 5 and found.used_for["learn"] == 5 and found.changed["school"] == 5
        assert found.changed["money"] is None and found.used_for["work"] is None


def test_carbon_counts_what_was_re_used_by_its_kind() -> None:
    found = carbon.saved({"laptop": 3, "phone": 2, "sim": 40, "hub": -1})
    assert found.devices == {"laptop": 3, "phone": 2, "hub": 0} and found.total == 200


def test_carbon_counts_given_devices_that_were_lent_and_no_others(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        model = make_model(session)
        lent, _new, _idle = (
            make_unit(session, model=model, donor=donor) for donor in ("A firm", "", "A firm")
        )
        make_loan(session, unit=lent)
        make_loan(session, unit=_new)
        elsewhere = make_unit(session, donor="Another")
        make_loan(session, unit=elsewhere)
        found = reuse.carbon_saved(session, organisation_id=model.organisation_id)
        assert found.devices == {"laptop": 1} and found.total == 50
        assert reuse.carbon_saved(session).total == 100
