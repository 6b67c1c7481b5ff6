"""The desk: what it counts, where each number leads, how many statements it takes, who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import LONDON, now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans import staff_queries as queries
from inclusion_app.loans import staff_words as words
from inclusion_app.loans.models import LoanOutcome, Sim, SimUse, TakeIn, Transfer
from inclusion_app.loans.services import repairs
from inclusion_app.messages.models import Message
from inclusion_app.people.models import Resident, Restriction
from tests.conftest import sign_in_staff
from tests.factories.loans import make_request, make_unit
from tests.loans.coordinator import Desk, words_of


@pytest.fixture
def desk(app: Flask) -> Desk:
    """A coordinator at a screen."""
    return Desk(app)


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Every statement sent to the database while the test lasts."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(app.extensions["engine"], "before_cursor_execute", note)
    yield seen
    event.remove(app.extensions["engine"], "before_cursor_execute", note)


def fill(desk: Desk, session: Session, times: int = 1) -> None:
    """So many of what each line of the desk counts."""
    noon = datetime.combine(today(), datetime.min.time(), LONDON) + timedelta(hours=12)
    for _time in range(times):
        desk.request(session, status="submitted")
        desk.request(session, status="need_info")
        desk.request(session)
        desk.offer(session)
        desk.offer(session, state="accepted")
        desk.offer(session, state="accepted", slot_place_id=desk.here, slot_at=noon)
        desk.offer(session, state="accepted", address="1 Red Road")
        desk.offer(session, state="accepted", slot_place_id=desk.here, slot_at=noon - timedelta(days=1))
        desk.offer(session, state="accepted", unit_id=desk.unit(session, status="repair").id,
                   slot_place_id=desk.here, slot_at=noon + timedelta(days=2))  # fmt: skip
        desk.offer(session, state="accepted", unit_id=desk.unit(session, place_id=desk.there).id,
                   slot_place_id=desk.here, slot_at=noon + timedelta(days=2))  # fmt: skip
        desk.loan(session, due_in=0)
        desk.loan(session, due_in=-9)
        unit = desk.loan(session, due_in=30)
        loan = session.scalar(select(queries.Loan).where(queries.Loan.unit_id == unit.id))
        assert loan is not None
        sim = Sim(
            holder_id=unit.holder_id, place_id=desk.here, iccid=f"89{unit.id:018d}", state="out", made_at=now(),
            data_until=today() + timedelta(days=7),
        )  # fmt: skip
        session.add(sim)
        session.flush()
        session.add(SimUse(loan_id=loan.id, sim_id=sim.id, from_at=now()))
        session.add(
            TakeIn(
                organisation_id=unit.holder_id,
                unit_id=unit.id,
                place_id=desk.here,
                taken_at=now(),
            )
        )
        for fitness in ("intake", "wiping", "testing", "missing", "quarantine"):
            desk.unit(session, status=fitness)
        desk.unit(session, status="quarantine", hold_until=today() + timedelta(days=2))
        repairs.open_ticket(session, unit=desk.unit(session), fault="screen", staff_id=None, now=now())
        session.add(
            Transfer(unit_id=desk.unit(session).id, from_id=desk.here, to_id=desk.there, sent_at=now())
        )
    session.flush()


EXPECTED = {
    "decide": 1, "asked": 1, "hand_overs": 1, "to_bring": 1, "not_fetched": 1, "offers": 1, "no_slot": 1, "broken_offers": 1,
    "due": 1, "late": 1, "data": 1, "to_wipe": 3, "held": 1, "to_test": 1, "repair": 1, "moving": 1, "missing": 1,
    "counts": 0, "to_look_at": 1, "elsewhere": 1,
}  # fmt: skip


def test_the_desk_counts_what_is_open_and_each_number_leads_to_as_many_lines(desk: Desk) -> None:
    desk.write(lambda session: fill(desk, session))
    desk.write(desk.unit)
    page = desk.browser.text("/staff/loans")
    for code, many in EXPECTED.items():
        said = f">{many}<span" if many else ">0</dd>"
        assert f"<dt>{words.DESK[code]}</dt><dd>" in page.replace("&#39;", "'"), code
        row = page.split(f"<dt>{words.DESK[code]}</dt>")[1].split("</div>")[0]
        assert said in row, (code, row)
    for show in (*words.PEOPLE, *words.MACHINES):
        kind = "people" if show in words.PEOPLE else "machines"
        listed = desk.browser.text(f"/staff/loans/{kind}?show={show}")
        rows = listed.count("<tr>") - 1
        assert rows == EXPECTED.get(show, rows), show
        assert (
            desk.browser.get(
                f"/staff/loans/{kind}?show={show}&model={desk.model_id}&place={desk.here}"
            ).status_code
            == 200
        )
        there = desk.browser.text(f"/staff/loans/{kind}?show={show}&place={desk.there}")
        assert "There is nothing here now." in there, show
    # Ready, not lent, not kept by an offer, not on its way: one.
    shelf = words_of(page).split("In repair Maker 14")[1]
    assert "1 , Maker 14" in shelf


def test_the_desk_asks_as_much_for_many_as_for_few(desk: Desk, statements: list[str]) -> None:
    desk.write(lambda session: fill(desk, session))
    asked = []
    for path in (
        "/staff/loans",
        "/staff/loans/people?show=late",
        "/staff/loans/machines?show=to_wipe",
        "/staff",
    ):
        desk.browser.get(path)
        statements.clear()
        desk.browser.get(path)
        asked.append(len(statements))
    desk.write(lambda session: fill(desk, session, 4))
    for path, few in zip(
        ("/staff/loans", "/staff/loans/people?show=late", "/staff/loans/machines?show=to_wipe", "/staff"), asked,
        strict=True,
    ):  # fmt: skip
        statements.clear()
        desk.browser.get(path)
        assert len(statements) == few, path


def test_the_late_are_named_with_their_days_and_how_they_were_told(desk: Desk) -> None:
    def late(session: Session) -> int:
        unit = desk.loan(session, due_in=-9)
        loan = session.scalars(select(queries.Loan).where(queries.Loan.unit_id == unit.id)).one()
        session.get_one(Resident, loan.resident_id).name = "Amira Example"
        for number, state in enumerate(("sent", "dead")):
            sent = now() if state == "sent" else None
            session.add(
                Message(
                    key=f"late {number}", template="loan_late", language="en", channel="sms", state=state,
                    about=f"loan {loan.loan_request_id}", made_at=now(), next_try_at=now(), sent_at=sent,
                )
            )  # fmt: skip
        return loan.resident_id or 0

    number = desk.write(late)
    said = words_of(desk.browser.text("/staff/loans/people?show=late"))
    assert "Amira Example" in said and "9 days late" in said and "Text message, Could not be sent" in said
    with desk.app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "read loans.desk_people")).all()
        assert [row.resident_id for row in rows] == [None], "one row for the page, and it names nobody"
        last = session.scalars(select(Message).where(Message.state == "dead")).one()
        last.state, last.fault = "dropped", "taken back"
    assert "Text message, Sent" in words_of(desk.browser.text("/staff/loans/people?show=late"))
    with desk.app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, staff_id=desk.browser.staff_id, made_at=now()))
    page = desk.browser.text("/staff/loans/people?show=late")
    assert "Amira" not in page and "There is nothing here now." in page
    late_row = desk.browser.text("/staff/loans").split("<dt>Late</dt>")[1].split("</div>")[0]
    assert ">0</dd>" in late_row


def test_another_organisation_counts_nothing_of_it(app: Flask, desk: Desk) -> None:
    desk.write(lambda session: fill(desk, session))
    other = Desk(app, organisation="Blue Door")
    page = other.browser.text("/staff/loans")
    assert all(f"<dt>{words.DESK[code]}</dt><dd>0</dd>" in page for code in EXPECTED)
    assert "Nobody waits" in page and "There is no device here yet." in page


@pytest.mark.parametrize("role", ["caseworker", "front_desk", "training_organiser", "platform_admin"])
def test_nobody_else_comes_in(app: Flask, role: str) -> None:
    browser = sign_in_staff(app, role)
    paths = (
        "", "/people", "/machines", "/repairs", "/repairs/new", "/counts", "/moves", "/figures", "/figures.csv",
    )  # fmt: skip
    for path in paths:
        assert browser.get(f"/staff/loans{path}").status_code == 403, path


def test_an_unknown_list_is_no_page(desk: Desk) -> None:
    for path in ("people?show=ready", "people?show=%00", "machines?show=late", "machines?show=x"):
        assert desk.browser.get(f"/staff/loans/{path}").status_code == 404
    assert desk.browser.get("/staff/loans/machines?model=x&place=-1&page=99999999999").status_code == 200


def test_the_start_page_says_what_waits(desk: Desk) -> None:
    assert "to hand over today" not in desk.browser.text("/staff")
    desk.write(lambda session: fill(desk, session))
    said = words_of(desk.browser.text("/staff"))
    for line in (
        "1 request for a device to decide",
        "1 device to hand over today",
        "1 device to bring to somebody",
        "1 device is late",
        "3 devices to wipe",
    ):
        assert line in said
    assert "Device loans" in desk.browser.text("/staff")


def test_the_wait_is_a_range_by_the_pace_of_the_last_weeks(desk: Desk) -> None:
    assert "Nobody waits" in desk.browser.text("/staff/loans")
    desk.write(lambda session: [desk.request(session) for _one in range(4)])
    assert "Nobody can say" in desk.browser.text("/staff/loans")
    desk.write(lambda session: [desk.loan(session) for _one in range(13)])
    # Four wait and one a week is handed over: four weeks, half as quick again or half as slow.
    assert "2 to 6 weeks" in desk.browser.text("/staff/loans")


def test_figures_of_use_idle_and_answers(desk: Desk) -> None:
    def some(session: Session) -> None:
        old = now() - timedelta(days=100)
        idle = desk.unit(session, made_at=old, returned_at=now() - timedelta(days=80), tag="MCR-IDLE")
        lent = desk.loan(session, made_at=old)
        loan = session.scalars(select(queries.Loan).where(queries.Loan.unit_id == lent.id)).one()
        loan.issued_at = now() - timedelta(days=50)
        assert idle.model_id == lent.model_id
        for number in range(7):
            session.add(
                LoanOutcome(
                    organisation_id=lent.holder_id,
                    kind="laptop",
                    used_for="learn health" if number < 4 else "learn",
                )
            )

    desk.write(some)
    said = words_of(desk.browser.text("/staff/loans/figures"))
    assert "On loan 1 Late 0 Requests to decide 0 Waiting for a device 0" in said
    assert "Maker 14 2 200 50 25 %" in said
    assert "MCR-IDLE" in said
    assert "To learn or for school 5 or more" in said and "For my health" not in said
    table = desk.browser.text("/staff/loans/figures.csv")
    assert '"Maker 14","laptop","2","200","50","25","1","0","0","1","learn 5",""' in table
    assert '"Maker 14"' in desk.browser.text("/staff/loans/figures.csv?months=999")


def test_the_organisation_admin_sees_numbers_and_no_page_behind_them(app: Flask, desk: Desk) -> None:
    desk.write(lambda session: fill(desk, session))
    desk.write(lambda session: desk.loan(session, due_in=-1))
    desk.write(lambda session: desk.request(session, status="submitted"))
    admin = sign_in_staff(app, "organisation_admin")
    page = admin.text("/staff/loans/figures")
    assert "On loan 4 Late 2 Requests to decide 2 Waiting for a device 1" in words_of(page)
    assert "/staff/loans/stock/" not in page and 'href="/staff/loans"' not in page
    assert admin.get("/staff/loans/figures.csv").status_code == 200
    assert admin.get("/staff/loans").status_code == 403
    assert "Figures of loans" in admin.text("/staff")


def test_who_is_kept_from_the_reader_is_in_no_number_of_the_scheme(desk: Desk) -> None:
    desk.write(lambda session: fill(desk, session))
    figures = "/staff/loans/figures"
    assert "Requests to decide 1" in words_of(desk.browser.text(figures))

    def keep_away(session: Session) -> None:
        asked = session.scalars(
            select(queries.LoanRequest).where(queries.LoanRequest.status == "submitted")
        ).one()
        session.add(Restriction(resident_id=asked.resident_id, staff_id=desk.browser.staff_id, made_at=now()))

    desk.write(keep_away)
    assert "Requests to decide 0" in words_of(desk.browser.text(figures))


def test_a_unit_of_another_scheme_is_in_no_list(app: Flask, desk: Desk) -> None:
    with app.app_context(), transaction() as session:
        make_unit(session, status="missing", tag="OTHER-1")
        make_request(session, status="submitted")
    assert "OTHER-1" not in desk.browser.text("/staff/loans/machines?show=missing")
    assert "There is nothing here now." in desk.browser.text("/staff/loans/people?show=decide")
