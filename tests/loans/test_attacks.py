"""What somebody tries who means no good, and what stays promised all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.core import kept_files
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import Loan, LoanOffer, Renewal, Transfer
from inclusion_app.loans.services import cleaning, custody, renewals, repairs, stock, transfers
from inclusion_app.loans.tool_reports import matched, read_report
from inclusion_app.people.models import Consent
from tests.conftest import Browser, StaffBrowser
from tests.factories.loans import make_loan, make_unit
from tests.factories.training import make_place
from tests.loans.desk import Desk
from tests.loans.test_repairs import refused

Staff = Callable[..., StaffBrowser]


def test_who_shares_no_more_is_named_and_found_by_no_hand_over(app: Flask, staff_browser: Staff) -> None:
    desk = Desk(app, staff_browser)
    pages = ("/staff/loans/hand-over", "/staff/loans/hand-over/many", desk.page)
    with app.app_context(), transaction() as session:
        session.execute(update(LoanOffer).values(address="Flat 9, Secret Street"))
    assert all("Amina" in desk.browser.text(page) for page in pages)
    assert "Secret Street" in desk.browser.text(desk.page)
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).values(withdrawn_at=now()))
    for page in pages:
        text = desk.browser.text(page)
        assert "Amina" not in text and "Secret Street" not in text, page
    # The device is still kept for them, and can be handed over.
    assert desk.tag in desk.browser.text(pages[0])


def test_a_hand_over_sent_twice_is_one_act(app: Flask, staff_browser: Staff) -> None:
    desk = Desk(app, staff_browser)
    for _press in range(2):
        assert desk.browser.send(desk.page, **desk.ticked()).status_code == 303
    with app.app_context(), transaction() as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("hand over"))).all()
    assert acts == ["hand over device"]


def test_the_key_of_a_form_takes_no_other_loan_its_turn(app: Flask, browser: Browser) -> None:
    """Keys of text messages can be reckoned: whoever sends one by their own code must not take it from its loan."""
    with app.app_context(), transaction() as session:
        mine, theirs = make_loan(session), make_loan(session)
        assert mine.request and theirs.request
        session.execute(update(Loan).values(due_on=today() + timedelta(days=3)))
        session.refresh(theirs)
        code, number, resident_id = mine.request.code, theirs.id, theirs.resident_id
        taken = f"sms {number} {theirs.due_on.isoformat()} {today().isoformat()}"
    assert browser.send(f"/loans/{code}/longer", f"/loans/{code}", form_key=taken).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalar(select(Renewal.new_due_on)) is not None
        assert resident_id
        renewals.keep_by_text(session, resident_ids=[resident_id], now=now())
        session.flush()
        assert session.get_one(Loan, number).renewals == 1


# --- what proves a wipe, and what stands in a picture


def test_a_line_that_names_two_of_ours_proves_nothing() -> None:
    known = {"PF0001": 1, "PF0002": 2}
    # The comment of one names the other, which nobody wiped.
    found, _unknown = matched(read_report("serial,comment,status\nPF0001,spare of PF0002,erased"), known)
    assert {unit: held for unit, (_line, held) in found.items()} == {1: None, 2: None}
    found, _unknown = matched(read_report("serial,comment,status\nPF0001,spare of PF0002,failed"), known)
    assert {unit: held for unit, (_line, held) in found.items()} == {1: False, 2: False}
    # Another line that names one alone still says how it went.
    both = "serial,comment,status\nPF0001,spare of PF0002,erased\nPF0002,,erased"
    found, _unknown = matched(read_report(both), known)
    assert {unit: held for unit, (_line, held) in found.items()} == {1: None, 2: True}


HEAD = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xe1\x00\x06GPS1\xff\xdb\x00\x04QQ"
SCAN = b"\xff\xda\x00\x04SSab\xff\x00c\xff\xd0d"


@pytest.mark.parametrize(
    "after",
    [
        b"\xff\xd9",
        # A second picture, a film or an archive after the end, with its own place and maker.
        b"\xff\xd9\xff\xd8\xff\xe1\x00\x06GPS2\xff\xd9",
        b"\xff\xd9PK\x03\x04GPS3",
        # Between two scans of one that comes in steps.
        b"\xff\xe1\x00\x06GPS4\xff\xfe\x00\x06GPS5" + SCAN + b"\xff\xd9GPS6",
    ],
)
def test_of_a_photo_the_picture_alone_is_kept(after: bytes) -> None:
    kept = kept_files.picture_alone(HEAD + SCAN + after, "image/jpeg")
    assert b"GPS" not in kept and b"PK" not in kept
    assert (
        kept.startswith(b"\xff\xd8\xff\xe0") and kept.endswith(b"\xff\xd9") and kept.count(b"\xff\xd9") == 1
    )
    assert kept.count(SCAN) == (HEAD + SCAN + after).count(SCAN)


def test_a_photo_without_an_end_is_none() -> None:
    for cut in (SCAN, SCAN + b"\xff", b"\xff\xda"):
        with pytest.raises(ValueError, match="cut short"):
            kept_files.picture_alone(HEAD + cut, "image/jpeg")


# --- the clean gate and the shelf


def test_a_check_before_a_repair_ended_does_not_count(both_engines: Flask) -> None:
    """The fault was told while it was lent; it came back and was checked, and only then the repair was done."""
    with transaction() as session:
        unit = make_unit(session)
        make_loan(session, unit=unit)
        ticket = repairs.open_ticket(session, unit=unit, fault="case", staff_id=None, now=now())
        custody.take_in(session, unit=unit, staff_id=None, hold_days=0, now=now())
        cleaning.record_check(session, unit=unit, passed=True, staff_id=None, now=now())
        repairs.end(session, ticket=ticket, result="no_fault", now=now())
        wiped = cleaning.Wiped("clear", "a tool", now())
        cleaning.record_wipe(session, unit=unit, wiped=wiped, staff_id=None, now=now())
        assert refused(lambda: cleaning.make_ready(session, unit=unit, now=now())) == cleaning.NOT_CHECKED


def test_what_is_retired_is_on_no_way_any_more(both_engines: Flask) -> None:
    with transaction() as session:
        unit, there = make_unit(session), make_place(session)
        transfers.send(session, units=[unit], to=there, staff_id=None, now=now())
        stock.retire(session, unit=unit, reason="too_old", now=now())
        assert session.scalar(select(Transfer.id).where(Transfer.arrived_at.is_(None))) is None
        assert unit.place_id != there.id


# --- strange signs, on the engine that takes none in a text


STRANGE = ("\0", "a\0b", "\0" * 70)


@pytest.mark.postgres
def test_a_null_byte_is_never_an_error_of_ours(service_on_both: Flask) -> None:
    from tests.conftest import sign_in_staff

    app = service_on_both
    desk = Desk(app, lambda role, **_facts: sign_in_staff(app, role))
    with app.app_context(), transaction() as session:
        loan = make_loan(session)
        assert loan.request
        code = loan.request.code
    browser = Browser(app)
    for strange in STRANGE:
        for path, sent in (
            (f"/staff/loans/take-in?at={desk.place_id}", {"mark": strange}),
            ("/staff/loans/hand-over", {"mark": strange}),
            ("/staff/loans/scan", {"mark": strange}),
            (desk.page, desk.ticked(unit=strange)),
            (desk.page, desk.ticked(form_key=strange, is_agreed="", signature=strange)),
            (
                "/staff/loans/moves",
                {"do": "send", "place": str(desk.place_id), "tags": strange, "tag": strange},
            ),
        ):
            assert desk.browser.send(path, **sent).status_code < 500, (path, strange)
        answer = browser.send(f"/loans/{code}/longer", f"/loans/{code}", form_key=strange)
        assert answer.status_code < 500
