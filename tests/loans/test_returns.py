"""Return: one scan one device in quarantine, parts later, a mistake undone as if it had not been, and nobody owes anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app.core import history
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans.models import (
    Loan,
    LoanPart,
    LoanRequest,
    Sim,
    SimUse,
    StockItem,
    TakeIn,
    Ticket,
    Transfer,
    Unit,
)
from inclusion_app.loans.queries import places_of
from inclusion_app.loans.services import custody, endings, returns
from inclusion_app.loans.services.returns import Looked
from inclusion_app.messages.models import Message
from tests.conftest import StaffBrowser
from tests.factories.loans import hand_over, make_loan, make_model, make_request, make_unit
from tests.factories.training import make_place
from tests.loans.desk import Desk

PAGE = "/staff/loans/take-in"


@pytest.fixture
def desk(app: Flask, staff_browser: Callable[..., StaffBrowser]) -> Desk:
    found = Desk(app, staff_browser)
    with app.app_context(), transaction() as session:
        loan = make_loan(
            session,
            unit=session.get_one(Unit, found.unit_id),
            request=session.get_one(LoanRequest, found.request_id),
        )
        found.loan_id = loan.id
    return found


def scan(desk: Desk, mark: str, browser: StaffBrowser | None = None, **facts: str) -> tuple[int, str]:
    """One scan; the status of the answer and the page behind it."""
    who = browser or desk.browser
    page = f"{PAGE}?at={desk.place_id}"
    answer = who.send(page, mark=mark, **facts)
    return answer.status_code, who.text(page) if answer.status_code == 303 else answer.get_data(as_text=True)


def states(desk: Desk) -> tuple[str, str]:
    with desk.app.app_context(), transaction() as session:
        loan = session.get_one(Loan, desk.loan_id)
        return loan.status, session.get_one(Unit, desk.unit_id).status


def test_one_scan_and_it_is_in_quarantine(desk: Desk) -> None:
    status, page = scan(desk, desk.tag)
    assert status == 303 and "It is in. Scan the next one." in page and desk.tag in page
    assert "Amina" not in page and "autofocus" in page
    assert states(desk) == ("returned", "quarantine")
    # Scanned again nothing changes, and that is said.
    assert "in already" in scan(desk, desk.tag)[1]
    with desk.app.app_context(), transaction() as session:
        unit = session.get_one(Unit, desk.unit_id)
        assert unit.hold_until == today() + timedelta(days=3)
        assert session.scalar(select(func.count(TakeIn.id))) == 1
        assert session.scalars(select(AuditRow.action).where(AuditRow.action == "take in device")).all()


def test_without_a_label_it_is_found_by_its_serial_number(desk: Desk) -> None:
    with desk.app.app_context(), transaction() as session:
        serial = session.get_one(Unit, desk.unit_id).serial
    assert scan(desk, f" {str(serial).lower()} ")[0] == 303 and states(desk) == ("returned", "quarantine")


@pytest.mark.parametrize("mark", ["", "MCR-99999", "\x00", "x" * 5000, "<script>"])
def test_what_nobody_knows_is_refused(desk: Desk, mark: str) -> None:
    assert scan(desk, mark)[0] == 422 and states(desk) == ("active", "ready")


def test_a_front_desk_takes_in_and_sees_no_name(
    desk: Desk, staff_browser: Callable[..., StaffBrowser]
) -> None:
    front = staff_browser("front_desk", name="Fay")
    status, page = scan(desk, desk.tag, front)
    assert status == 303 and states(desk) == ("returned", "quarantine")
    assert "Amina" not in page and "Look at the parts" not in page
    for path in ("/staff/loans/returns", "/staff/loans/hand-over", f"/staff/loans/{desk.loan_id}/return"):
        assert front.get(path).status_code == 403, path
    # Of another organisation they find nothing.
    other = staff_browser("front_desk", organisation="Blue Door")
    assert desk.tag not in other.text(PAGE)


def test_a_wrong_one_is_undone_by_who_did_it_and_all_stands_as_before(
    desk: Desk, staff_browser: Callable[..., StaffBrowser]
) -> None:
    with desk.app.app_context(), transaction() as session:
        session.get_one(Unit, desk.unit_id).is_unlocked = True
        before = session.get_one(Unit, desk.unit_id)
        stood = (before.status, before.returned_at, before.hold_until, before.is_unlocked, before.place_id)
    scan(desk, desk.tag)
    with desk.app.app_context(), transaction() as session:
        number = str(session.scalars(select(TakeIn.id)).one())
    # A colleague does not undo it from here.
    other = staff_browser("front_desk", name="Fay")
    assert scan(desk, "", other, do="undo", take_in=number)[0] == 422 and states(desk)[0] == "returned"
    status, page = scan(desk, "", do="undo", take_in=number)
    assert status == 303 and "All is as it was before" in page
    assert states(desk) == ("active", "ready")
    with desk.app.app_context(), transaction() as session:
        unit, loan = session.get_one(Unit, desk.unit_id), session.get_one(Loan, desk.loan_id)
        assert (unit.status, unit.returned_at, unit.hold_until, unit.is_unlocked, unit.place_id) == stood
        assert loan.ended_at is None and loan.ended_by_id is None
        # The person has it: nobody else can.
        assert custody.can_be_lent(session, desk.holder_id, desk.model_id) == 0
        changes = session.scalars(
            select(history.StatusChange.after)
            .where(history.StatusChange.why == "undone")
            .order_by(history.StatusChange.id)
        ).all()
        assert changes == ["ready", "active"]
    # It comes in again on the right day, as any other.
    assert scan(desk, desk.tag)[0] == 303 and states(desk) == ("returned", "quarantine")


def test_after_a_quarter_of_an_hour_only_a_coordinator_undoes(
    desk: Desk, staff_browser: Callable[..., StaffBrowser]
) -> None:
    front = staff_browser("front_desk", name="Fay")
    scan(desk, desk.tag, front)
    with desk.app.app_context(), transaction() as session:
        row = session.scalars(select(TakeIn)).one()
        back = row.taken_at - timedelta(minutes=16)
        session.execute(update(TakeIn).values(taken_at=back))
        session.execute(update(Unit).where(Unit.id == row.unit_id).values(returned_at=back))
        number = str(row.id)
    assert scan(desk, "", front, do="undo", take_in=number)[0] == 422
    answer = desk.browser.send(f"/staff/loans/{desk.loan_id}/return", do="undo")
    assert answer.status_code == 303 and states(desk) == ("active", "ready")


def test_what_is_being_wiped_is_not_undone(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        make_loan(session, unit=unit)
        custody.take_in(session, unit=unit, staff_id=None, hold_days=0, now=now())
        row = session.scalars(select(TakeIn)).one()
        history.move(session, unit, "wiping", actor="staff", now=now())
        session.flush()
        with pytest.raises(RuleBroken, match="looked at"), session.begin_nested():
            custody.undo_take_in(session, take_in=row, staff_id=None, by_coordinator=True, now=now())
        session.refresh(row)
        assert row.undone_at is None


def test_a_missing_one_is_found_and_its_loan_has_come_back(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        endings.report_lost(session, loan=loan, cause="stolen", staff_id=None, now=now())
        assert (loan.status, unit.status) == ("lost", "missing")
        lost_at = loan.ended_at
        came = returns.quick_return(session, unit=unit, at_place_id=unit.place_id, staff_id=None, now=now())
        assert came.how == "found" and (loan.status, unit.status, loan.cause) == (
            "returned",
            "quarantine",
            "stolen",
        )
        assert came.take_in is not None
        # It was not that one after all: it is missing as before.
        returns.undo(session, take_in=came.take_in, staff_id=None, by_coordinator=True, now=now())
        assert (loan.status, unit.status, loan.ended_at) == ("lost", "missing", lost_at)
        # One that nobody knows a loan of, seen again.
        stray = make_unit(session, status="missing")
        came = returns.quick_return(session, unit=stray, at_place_id=stray.place_id, staff_id=None, now=now())
        assert (came.how, came.loan, stray.status) == ("found", None, "quarantine")


def test_what_nobody_had_stays_as_it_is(both_engines: Flask) -> None:
    with transaction() as session:
        for status, how in (("ready", "not_out"), ("wiping", "in_already"), ("repair", "in_already")):
            unit = make_unit(session, status=status)
            came = returns.quick_return(
                session, unit=unit, at_place_id=unit.place_id, staff_id=None, now=now()
            )
            assert (came.how, unit.status) == (how, status)
        gone = make_unit(session, status="retired", retired_for="gifted")
        assert (
            returns.quick_return(session, unit=gone, at_place_id=1, staff_id=None, now=now()).how == "retired"
        )
        assert session.scalar(select(func.count(TakeIn.id))) == 0


def test_brought_to_another_place_it_is_on_its_way_home(both_engines: Flask) -> None:
    with transaction() as session:
        unit, other = make_unit(session), make_place(session)
        home = unit.place_id
        make_loan(session, unit=unit)
        came = returns.quick_return(session, unit=unit, at_place_id=other.id, staff_id=None, now=now())
        way = session.scalars(select(Transfer)).one()
        assert came.is_on_its_way and (way.from_id, way.to_id, way.arrived_at) == (other.id, home, None)
        assert unit.place_id == other.id
        assert (
            returns.quick_return(session, unit=unit, at_place_id=home, staff_id=None, now=now()).how
            == "arrived"
        )
        session.refresh(way)
        assert way.arrived_at is not None and unit.place_id == home


def test_who_takes_in_what_belongs_elsewhere_reads_where_it_goes(desk: Desk) -> None:
    with desk.app.app_context(), transaction() as session:
        unit = session.get_one(Unit, desk.unit_id)
        home = unit.place.name
        desk.place_id = (there := make_place(session, name="Elsewhere Library")).id
        make_unit(session, model=unit.model, place_id=there.id)
    status, page = scan(desk, desk.tag)
    row = page[page.index("</thead>") :]
    assert status == 303 and "Put it with what goes to:" in row and home in row


def test_a_mistake_elsewhere_leaves_no_way_home(both_engines: Flask) -> None:
    with transaction() as session:
        unit, other = make_unit(session), make_place(session)
        home, loan = unit.place_id, make_loan(session, unit=unit)
        came = returns.quick_return(session, unit=unit, at_place_id=other.id, staff_id=None, now=now())
        assert came.take_in is not None
        returns.undo(session, take_in=came.take_in, staff_id=None, by_coordinator=True, now=now())
        assert (loan.status, unit.place_id, session.scalar(select(func.count(Transfer.id)))) == (
            "active",
            home,
            0,
        )


def test_a_sim_alone_comes_back_and_a_mistake_is_undone(both_engines: Flask) -> None:
    with transaction() as session:
        model = make_model(session, kind="sim")
        place = make_place(session)
        sim = Sim(
            holder_id=model.organisation_id, place_id=place.id, iccid="89440000000000000003", made_at=now()
        )
        session.add(sim)
        session.flush()
        request = make_request(session, model=model, status="offered")
        shell = make_unit(session, model=model)
        loan = custody.issue(
            session, request=request, unit=None, staff_id=None, now=now(),
            hand_over=hand_over(shell, sim_id=sim.id, parts=[], place_id=place.id),
        )  # fmt: skip
        assert loan.unit_id is None
        assert returns.give_back(session, loan=loan, at_place_id=place.id, staff_id=None, now=now()) is loan
        assert returns.give_back(session, loan=loan, at_place_id=place.id, staff_id=None, now=now()) is None
        session.refresh(sim)
        assert (loan.status, sim.state) == ("returned", "ended")
        row = session.scalars(select(TakeIn)).one()
        returns.undo(session, take_in=row, staff_id=None, by_coordinator=True, now=now())
        session.refresh(sim)
        assert (loan.status, loan.ended_at, sim.state) == ("active", None, "out")
        assert session.scalars(select(SimUse.until_at)).one() is None


# --- at the desk of another organisation


def undo_number(desk: Desk) -> str:
    """The last take-in that stands."""
    with desk.app.app_context(), transaction() as session:
        return str(session.scalar(select(func.max(TakeIn.id)).where(TakeIn.undone_at.is_(None))))


class Library:
    """A front desk of an organisation that lends nothing, at a place of its own."""

    def __init__(self, desk: Desk, make: Callable[..., StaffBrowser]) -> None:
        self.app, self.browser = desk.app, make("front_desk", organisation="Blue Door")
        with desk.app.app_context(), transaction() as session:
            place = make_place(session)
            self.place_id, self.name = place.id, place.name
            self.home = session.get_one(Unit, desk.unit_id).place.name

    def scan(self, mark: str, **facts: str) -> tuple[int, str]:
        page = f"{PAGE}?at={self.place_id}"
        answer = self.browser.send(page, mark=mark, **facts)
        text = self.browser.text(page) if answer.status_code == 303 else answer.get_data(as_text=True)
        # What was typed stands in its field again, and each page has a token of its own.
        return answer.status_code, re.sub(r' name="csrf_token" value="[^"]+"', "", text).replace(
            mark or "-", "TAG"
        )


@pytest.fixture
def library(desk: Desk, staff_browser: Callable[..., StaffBrowser]) -> Library:
    return Library(desk, staff_browser)


def test_another_organisation_takes_in_by_the_tag_and_reads_where_it_goes(
    desk: Desk, library: Library
) -> None:
    status, page = library.scan(desk.tag)
    assert status == 303 and "Thank you. Put it aside" in page and library.home in page
    for hidden in ("Amina", "Maker 14", "Red Door", "Look at the parts"):
        assert hidden not in page, hidden
    assert states(desk) == ("returned", "quarantine")
    with desk.app.app_context(), transaction() as session:
        unit, way = session.get_one(Unit, desk.unit_id), session.scalars(select(Transfer)).one()
        assert unit.place_id == library.place_id == way.from_id and way.to_id == desk.place_id
        assert session.scalars(select(TakeIn.organisation_id)).one() == desk.holder_id
        # No resident is sent to the library for a device.
        assert [one.place.id for one in places_of(session, [desk.holder_id])] == [desk.place_id]
    assert "in already" in library.scan(desk.tag)[1]
    # Whose it is looks at its parts.
    assert desk.tag in desk.browser.text("/staff/loans/returns")


def test_a_mistake_there_is_undone_for_a_quarter_of_an_hour(desk: Desk, library: Library) -> None:
    library.scan(desk.tag)
    number = undo_number(desk)
    assert library.scan("", do="undo", take_in=number)[0] == 303
    assert states(desk) == ("active", "ready")
    library.scan(desk.tag)
    with desk.app.app_context(), transaction() as session:
        session.execute(update(TakeIn).values(taken_at=now() - timedelta(minutes=16)))
        session.execute(update(Unit).values(returned_at=now() - timedelta(minutes=16)))
    status, page = library.scan("", do="undo", take_in=undo_number(desk))
    assert status == 422 and custody.UNDO_OVER in page
    assert states(desk) == ("returned", "quarantine")


def test_unknown_and_not_out_answer_alike_there(desk: Desk, library: Library) -> None:
    with desk.app.app_context(), transaction() as session:
        model = session.get_one(Unit, desk.unit_id).model
        serial = session.get_one(Unit, desk.unit_id).serial or ""
        inside = [
            make_unit(session, model=model).tag,
            make_unit(session, model=model, status="quarantine").tag,
            make_unit(session, model=model, status="retired", retired_for="unsafe").tag,
        ]
    answers = {library.scan(tag) for tag in ("MCR-99999", serial, *inside)}
    assert len(answers) == 1 and {status for status, _page in answers} == {422}
    assert states(desk) == ("active", "ready")


def test_tags_are_not_guessed_in_bulk_and_right_ones_do_not_count(desk: Desk, library: Library) -> None:
    with desk.app.app_context(), transaction() as session:
        model = session.get_one(Unit, desk.unit_id).model
        out = [make_loan(session, unit=make_unit(session, model=model)).unit for _one in range(22)]
        tags = [unit.tag for unit in out if unit is not None]
    assert [library.scan(tag)[0] for tag in tags] == [303] * len(tags)
    for number in range(20):
        library.scan(f"MCR-9{number:04d}")
    status, page = library.scan(desk.tag)
    assert status == 422 and "Too many unknown tags" in page
    assert states(desk) == ("active", "ready")
    # Whoever has a pool goes on with what is theirs.
    assert scan(desk, desk.tag)[0] == 303


def test_where_they_are_is_chosen_by_name_and_kept(desk: Desk, library: Library) -> None:
    page = library.browser.text(PAGE)
    assert "Where are you now?" in page and "Another place, by its name" in page
    assert library.browser.get(f"{PAGE}?place=0&other=Nowhere+at+all").status_code == 422
    assert library.browser.get(f"{PAGE}?place=0&other=").status_code == 422
    answer = library.browser.get(f"{PAGE}?place=0&other={library.name}")
    assert answer.status_code == 302 or answer.status_code == 303
    assert answer.headers["Location"].endswith(f"?at={library.place_id}")
    library.scan(desk.tag)
    assert f"You are at {library.name}" in library.browser.text(PAGE), "it is known now"
    assert library.browser.get(f"{PAGE}?at=999999999").status_code == 200


# --- the parts


def seen(desk: Desk, **facts: object) -> dict[str, object]:
    """A form as it is sent when all came back."""
    with desk.app.app_context(), transaction() as session:
        parts = session.scalars(select(LoanPart).where(LoanPart.loan_id == desk.loan_id)).all()
    usual = {f"part-{part.id}": str(part.count_out) for part in parts}
    return {
        **usual,
        "condition": "B",
        "is_unlocked": "yes",
        "files": "saved",
        "fault": "",
        "at": str(desk.place_id),
        **facts,
    }


def test_parts_are_looked_at_once_and_what_is_missing_is_no_debt(desk: Desk) -> None:
    with desk.app.app_context(), transaction() as session:
        mouse = StockItem(
            holder_id=desk.holder_id,
            place_id=desk.place_id,
            kind="accessory",
            name="mouse",
            in_stock=1,
            on_loan=2,
        )
        session.add(mouse)
        session.flush()
        part = LoanPart(loan_id=desk.loan_id, name="mouse", stock_item_id=mouse.id, count_out=2)
        session.add(part)
        session.flush()
        numbers = part.id, mouse.id
    page = f"/staff/loans/{desk.loan_id}/return"
    scan(desk, desk.tag)
    assert desk.tag in desk.browser.text("/staff/loans/returns")
    shown = desk.browser.text(page)
    assert (
        "activation lock off" in shown
        and "Files saved" in shown
        and "Nobody pays for it" in shown
        and "Amina" not in shown
    )
    for wrong in (
        {f"part-{numbers[0]}": "3"},
        {f"part-{numbers[0]}": ""},
        {"files": ""},
        {"is_unlocked": "maybe"},
    ):
        assert desk.browser.send(page, **seen(desk, **wrong)).status_code == 422, wrong
    done = desk.browser.send(
        page, **seen(desk, **{f"part-{numbers[0]}": "1"}, fault="screen", is_unlocked="no")
    )
    assert done.status_code == 303 and desk.tag not in desk.browser.text(done.location)
    with desk.app.app_context(), transaction() as session:
        found = session.get_one(LoanPart, numbers[0])
        assert (found.count_back, found.is_damaged) == (1, False)
        item = session.get_one(StockItem, numbers[1])
        assert (item.in_stock, item.on_loan) == (2, 0)
        unit = session.get_one(Unit, desk.unit_id)
        assert unit.is_unlocked is False and unit.hold_until == today() and unit.status == "repair"
        assert session.scalars(select(Ticket.fault).where(Ticket.unit_id == unit.id)).one() == "screen"
    # Looked at once: a second look changes nothing, and the return stays.
    assert desk.browser.send(page, form_on="/staff/loans/returns", **seen(desk)).status_code == 422
    after = desk.browser.text(page)
    assert "1 of 2" in after and "Nobody owes anything" in after


def test_one_that_is_out_is_taken_in_and_looked_at_with_one_press(desk: Desk) -> None:
    page = f"/staff/loans/{desk.loan_id}/return"
    assert desk.browser.send(page, **seen(desk, files="later")).status_code == 303
    assert states(desk) == ("returned", "quarantine")
    with desk.app.app_context(), transaction() as session:
        assert session.get_one(Unit, desk.unit_id).hold_until == today() + timedelta(days=3)
        assert session.scalars(select(TakeIn.looked_at)).one() is not None


def test_after_somebody_looked_the_return_stays(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        with pytest.raises(RuleBroken, match="Take it in first"):
            returns.check_parts(session, loan=loan, looked=Looked({}), staff_id=None, now=now())
        came = returns.quick_return(session, unit=unit, at_place_id=unit.place_id, staff_id=None, now=now())
        looked = Looked({loan.parts[0].id: 0}, damaged=[loan.parts[0].id])
        returns.check_parts(session, loan=loan, looked=looked, staff_id=None, now=now())
        assert (loan.parts[0].count_back, loan.parts[0].is_damaged) == (0, True)
        with pytest.raises(RuleBroken, match="looked at"):
            returns.check_parts(session, loan=loan, looked=looked, staff_id=None, now=now())
        assert came.take_in is not None
        with pytest.raises(RuleBroken, match="looked at"):
            returns.undo(session, take_in=came.take_in, staff_id=None, by_coordinator=True, now=now())


def test_who_is_told_of_a_wrong_return_is_told_that_it_was_wrong(both_engines: Flask) -> None:
    with transaction() as session:
        unit = make_unit(session)
        loan = make_loan(session, unit=unit)
        moment = now()
        came = returns.quick_return(session, unit=unit, at_place_id=unit.place_id, staff_id=None, now=moment)
        assert came.take_in is not None and loan.resident_id is not None
        # It has left already.
        session.add(
            Message(
                key=f"loan back {loan.id} {moment.isoformat()}#x", template="loan_back", language="en", params={},
                about=f"loan {loan.loan_request_id}",
                resident_id=loan.resident_id, channel="sms", to="+447700900123", state="sent", sent_at=moment,
                next_try_at=moment, made_at=moment,
            )
        )  # fmt: skip
        session.flush()
        told: list[str] = []
        real = returns.tell
        returns.tell = lambda _session, _request, template, **_more: told.append(template)
        try:
            returns.undo(session, take_in=came.take_in, staff_id=None, by_coordinator=True, now=now())
        finally:
            returns.tell = real
        assert told == ["loan_not_back"] and loan.status == "active"
