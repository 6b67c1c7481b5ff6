"""Pages of the clean gate: one unit, one report for many, the certificate, label sheets."""

from __future__ import annotations

import io
import itertools
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.kept_files import media_type_of
from inclusion_app.loans.models import Evidence, SafetyCheck, Wipe
from inclusion_app.loans.tool_reports import held, matched, read_report
from tests.conftest import StaffBrowser
from tests.loans.stock_pages import Staff, Stock

NEW = {"status": "intake", "wiped_at": None, "checked_at": None}


def wipes(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        return session.scalar(select(func.count()).select_from(Wipe)) or 0


def test_a_unit_is_wiped_checked_and_made_ready(app: Flask, coordinator: StaffBrowser, stock: Stock) -> None:
    unit = stock.unit(**NEW)
    path = f"/staff/loans/units/{unit}/clean"
    assert coordinator.send(path, do="ready").status_code == 422
    wrong = coordinator.send(path, do="wipe", once="a", tool="")
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and 'id="method-error"' in page and 'id="tool-error"' in page
    # A browser told how long it may be would cut what is pasted, and nobody would know.
    assert "maxlength" not in re.findall(r'<input[^>]*name="tool"[^>]*>', page)[0]
    long = coordinator.send(path, do="wipe", once="a", method="clear", tool="N" * 61).get_data(as_text=True)
    assert 'id="tool-error"' in long and "This is too long." in long and "N" * 61 in long
    form = {"do": "wipe", "once": "b", "method": "clear", "tool": "Nwipe 0.37"}
    for _press in range(2):
        sent = form | {"file": (io.BytesIO(b"sda erased"), "r.txt")}
        assert coordinator.send(path, **sent).status_code == 303
    assert wipes(app) == 1 and stock.facts(unit).status == "testing"
    tomorrow = (now() + timedelta(days=2)).date()
    to_come = {"wiped_on": [str(tomorrow.day), str(tomorrow.month), str(tomorrow.year)]}
    early = coordinator.send(path, **{**form, **to_come, "once": "z"})
    assert early.status_code == 422 and "still to come" in early.get_data(as_text=True) and wipes(app) == 1
    failed = coordinator.send(path, do="check", once="c", passed="no", unlocked="yes")
    assert failed.status_code == 422 and 'id="faults-error"' in failed.get_data(as_text=True)
    assert coordinator.send(path, do="check", once="d", passed="yes", unlocked="yes").status_code == 303
    assert 'value="ready"' in coordinator.text(path)
    assert coordinator.send(path, do="ready").status_code == 303
    assert stock.facts(unit).status == "ready"
    assert coordinator.send(path, do="ready").status_code == 422
    page = coordinator.text(f"/staff/loans/units/{unit}")
    assert "Nwipe 0.37" in page and "Verified by Sam Patel" in page and "Report of the tool" in page


def test_many_are_made_ready_at_once(coordinator: StaffBrowser, stock: Stock) -> None:
    units = [stock.unit(status="testing") for _each in range(3)]
    waiting = stock.unit(**NEW)
    page = coordinator.text("/staff/loans/clean")
    assert page.count('name="unit"') == 4
    assert coordinator.send("/staff/loans/clean").status_code == 422
    mixed = coordinator.send("/staff/loans/clean", unit=[*map(str, units), str(waiting)])
    page = mixed.get_data(as_text=True)
    assert mixed.status_code == 422 and f"{stock.facts(waiting).tag}: It is not wiped" in page
    # None of them is ready, and what was ticked is still.
    assert {stock.facts(unit).status for unit in units} == {"testing"} and page.count(" checked") == 4
    assert coordinator.send("/staff/loans/clean", unit=[*map(str, units), "999999"]).status_code == 303
    assert {stock.facts(unit).status for unit in units} == {"ready"}
    assert coordinator.send("/staff/loans/clean", unit=[str(waiting)]).status_code == 422


def test_many_are_checked_at_once_all_or_none(app: Flask, coordinator: StaffBrowser, stock: Stock) -> None:
    units = [stock.unit(status="testing", checked_at=None) for _each in range(3)]
    ready, locked = stock.unit(), stock.unit(status="testing", checked_at=None, is_unlocked=False)
    path = "/staff/loans/clean"
    # A lock somebody found is not taken away by one press for a whole shelf.
    assert coordinator.text(path).count(">locked<") == 1
    sent = coordinator.send(path, do="check", once="a", unit=[*map(str, units), str(locked)])
    assert sent.status_code == 422 and f"{stock.facts(locked).tag}: It is still locked" in sent.get_data(
        as_text=True
    )
    assert stock.facts(locked).is_unlocked is False
    assert coordinator.send(path, do="check").status_code == 422
    refused = coordinator.send(path, do="check", once="a", unit=[*map(str, units), str(ready)])
    assert refused.status_code == 422 and f"{stock.facts(ready).tag}: " in refused.get_data(as_text=True)
    assert {stock.facts(unit).checked_at for unit in units} == {None}
    # A check alone makes nothing ready, and nothing unwiped is ready by it.
    for these in (units[:2], units[:2], units[2:]):
        sent = coordinator.send(path, do="check", once="a", unit=list(map(str, these)))
        assert sent.status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(SafetyCheck)) == len(units)
    assert {stock.facts(unit).status for unit in units} == {"testing"}
    assert all(stock.facts(unit).checked_at and stock.facts(unit).is_unlocked for unit in units)
    assert coordinator.send(path, do="ready", unit=list(map(str, units))).status_code == 303
    assert {stock.facts(unit).status for unit in units} == {"ready"}


CSV = (
    "Computer,Serial number,Disk,Status,Erasure method\n"
    "Maker 14,PF0001,WD-1,Erased,NIST Clear\nMaker 14,PF0002,WD-2,Failed,NIST Clear\n"
    "Maker 14,PF0003,WD-3,Erased,NIST Clear\nMaker 14,ZZ9999,WD-4,Erased,NIST Clear\n"
)


def test_one_report_is_the_proof_for_many(app: Flask, coordinator: StaffBrowser, stock: Stock) -> None:
    good, failed = stock.unit(serial="PF0001", **NEW), stock.unit(serial="PF0002", **NEW)
    done = stock.unit(serial="PF0003")
    more = stock.unit(serial="PF0004", tag="RED-4", **NEW)
    assert coordinator.send("/staff/loans/clean/reports").status_code == 422
    sent = coordinator.send("/staff/loans/clean/reports", file=(io.BytesIO(CSV.encode()), "x.csv"))
    assert sent.status_code == 303
    page = coordinator.text(sent.location)
    assert (
        "3 of your devices are in it" in page
        and "did not hold" in page
        and "ZZ9999" not in page.split("<details>")[0]
    )
    form = {"method": "clear", "tool": "Blancco", "marks": "red-4\nnobody"}
    tried = coordinator.send(sent.location, do="look", **form)
    assert (
        tried.status_code == 200 and wipes(app) == 0 and "4 of your devices" in tried.get_data(as_text=True)
    )
    for _press in range(2):
        assert coordinator.send(sent.location, do="record", **form).status_code == 303
    assert wipes(app) == 2
    assert [stock.facts(unit).status for unit in (good, failed, done, more)] == [
        "testing", "intake", "ready", "testing",
    ]  # fmt: skip
    assert coordinator.send(sent.location, do="record", tool="x").status_code == 422


def test_a_report_of_anothers_is_not_there(
    coordinator: StaffBrowser, stock: Stock, staff_browser: Staff
) -> None:
    sent = coordinator.send("/staff/loans/clean/reports", file=(io.BytesIO(CSV.encode()), "x.csv"))
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    Stock(other_app := stock.app, other)
    assert other.get(sent.location).status_code == 404 and other_app
    unit = stock.unit(**NEW)
    coordinator.send(f"/staff/loans/units/{unit}/clean", do="wipe", once="b", method="clear", tool="Nwipe")
    with stock.app.app_context(), transaction() as session:
        number = session.scalars(select(Wipe.id)).one()
    assert other.get(f"/staff/loans/wipes/{number}/certificate.pdf").status_code == 404
    assert coordinator.get("/staff/loans/wipes/99999/certificate.pdf").status_code == 404
    assert coordinator.get(f"/staff/loans/wipes/{number}/certificate.pdf").status_code in (200, 503)


NWIPE = """
********************************************************************************
! Device | Status | Thru-put | HH:MM:SS | Model/Serial Number
--------------------------------------------------------------------------------
   sda   |-Erased-|  105 MB/s| 01:02:03 | WDC WD5000/PF0001
   sdb   |-FAILED-|   99 MB/s| 01:02:03 | WDC WD5000/PF0002
   sdc   | UNKNOWN|   99 MB/s| 01:02:03 | WDC WD5000/PF0003
--------------------------------------------------------------------------------
[2026/11/26 10:00:00] notice: Nwipe finished without errors, 0 errors
"""


def test_reports_are_read_as_tools_write_them() -> None:
    known = {"PF0001": 1, "PF0002": 2, "PF0003": 3}
    found, _unknown = matched(read_report(NWIPE), known)
    assert {unit: held for unit, (_line, held) in found.items()} == {1: True, 2: False, 3: None}
    found, unknown = matched(read_report(CSV), known)
    assert {unit: held for unit, (_line, held) in found.items()} == {1: True, 2: False, 3: True}
    assert [line.number for line in unknown] == [5]
    # A unit with two drives, one of which failed, was not wiped.
    two = "serial;status\nPF0001;passed\nPF0001;Error: sector\n"
    assert matched(read_report(two), known)[0] == {1: (2, False)}
    assert matched(read_report("serial,status\nPF0001,not erased\nPF0002,completed with 0 errors"), known)[0] == {
        1: (2, False), 2: (3, True),
    }  # fmt: skip
    for odd in ("", "\n\n", ",,,,", '"' * 999, "status,\x0b\n"):
        assert matched(read_report(odd), known)[0] == {}


HELD = (
    "Erased", "Success", "PASS", "Completed, 0 errors", "100% complete", "Erased successfully without errors", "verified ok",
    "-Erased-", "OK", "Wiped", "Completed with no errors", "Errors: 0, passed", "Passed (no read errors)", "done: 3 of 3",
    "completed, 0 bad sectors", "Erased, without any warnings", "DoD 3-pass completed", "Erased in 1:02:03", "100.0 % erased",
    "Successful (NIST 800-88 Purge)", "Serial no. 12 erased", "Erased, no failures", "Completed 27/11/2026",
)  # fmt: skip
NOT_HELD = (
    "Not completed - 45% done", "Not successful", "Not passed", "Never completed", "not yet erased", "Not fully erased",
    "Erasure not done", "Erased: no", "Verified: no", "no success", "45% complete", "Stopped: 12% completed",
    "interrupted 50% done", "Completed with 2 failures", "timed out done", "verify mismatch done",
    "Erased with warnings", "wasn't erased", "was not erased", "Isn’t done", "didnt pass", "Erased: false",
    "Erased = 0", "Completed: N", "unverified, done", "Unable to verify, erased", "Unsuccessful", "un-successful: done",
    "Incomplete", "Partially erased", "Erased, verification skipped", "Erased without verification", "none erased",
    "nothing done", "Completed with errors", "Completed, 10 errors", "no errors: 5, done", "Error count 3, done",
    "rejected - done", "Exception: done", "ABORTED after pass", "UABORTED done", "Cancelled, done", "erase pending",
    "to be erased", "must be wiped", "erased 99.9%", "erased ４５％", "Completed 1 of 3", "done 2/3 passes",
    "45 percent complete", "pass 1", "3-pass", "Verification pass started", "almost done",
    "Erase in progress, 1 pass done", "0% complete", "Success: 0", "Time-out, done", "Timeout done", "halted ok",
    "dry run completed", "nok", "UNKNOWN", "", "0 sectors erased", "erased 5 bad sectors",
)  # fmt: skip


@pytest.mark.parametrize("said", HELD)
def test_a_report_that_says_so_proves_a_wipe(said: str) -> None:
    assert held(said) is True
    assert held(said.upper()) is True and held(f"PF0001 | {said} |") is True


@pytest.mark.parametrize("said", NOT_HELD)
def test_a_report_that_says_not_or_leaves_a_doubt_proves_nothing(said: str) -> None:
    assert held(said) is not True
    assert held(said.upper()) is not True and held(f"PF0001 | {said} |") is not True


BADS = (
    "not", "never", "no", "failed", "failure", "failures", "error", "errors", "warning", "stopped", "interrupted", "aborted",
    "canceled", "timeout", "timed out", "mismatch", "rejected", "exception", "skipped", "pending", "partial", "unverified",
    "incomplete", "isn't", "45%", "0 %", "1 of 2", "false",
)  # fmt: skip


def test_a_word_of_failure_beside_any_success_is_never_a_proof() -> None:
    between = (" ", ", ", " - ", "; ", "\n", " (")
    for good, bad, sign in itertools.product(HELD, BADS, between):
        assert held(f"{good}{sign}{bad}") is not True, (good, sign, bad)
        # "no Errors: 0" says that there was none.
        if not (bad == "no" and sign == " " and good.startswith("Errors")):
            assert held(f"{bad}{sign}{good}") is not True, (bad, sign, good)


def test_a_line_of_any_length_is_read_at_once() -> None:
    many = 20_000
    for odd in (
        "1" * many,
        f"errors{' ' * many}x",
        f"0{' ' * many}errors",
        "errors " * many,
        "1 of " * many,
        "un" * many,
    ):
        # Words that are looked through again and again would not come to an end here.
        assert held(odd) is not True


def test_another_column_can_speak_against_the_status_and_not_for_it() -> None:
    known = {"PF0001": 1, "PF0002": 2, "PF0003": 3, "PF0004": 4, "PF0005": 5}
    table = (
        "serial,status,errors,verified\nPF0001,Erased,0,yes\nPF0002,Erased,5,yes\nPF0003,Erased,,no\n"
        "PF0004,,0,verified\nPF0005,Erased,0,10%\n"
    )
    found, _unknown = matched(read_report(table), known)
    assert {unit: says for unit, (_line, says) in found.items()} == {
        1: True,
        2: False,
        3: False,
        4: None,
        5: None,
    }


def test_a_report_of_an_unfinished_wipe_makes_nothing_ready(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    unit = stock.unit(serial="PF0001", **NEW)
    said = b"serial,status\nPF0001,Not completed - 45% done\n"
    sent = coordinator.send("/staff/loans/clean/reports", file=(io.BytesIO(said), "x.csv"))
    assert "did not hold" in coordinator.text(sent.location)
    coordinator.send(sent.location, do="record", method="clear", tool="Nwipe")
    assert wipes(app) == 0 and stock.facts(unit).status == "intake"


def test_a_file_is_what_its_bytes_say() -> None:
    assert media_type_of(b"%PDF-1.7 ...") == "application/pdf"
    assert media_type_of("a,b\n1,2".encode("utf-16")) == "text/csv"
    assert media_type_of(b"wiped sda\n") == "text/plain"
    for strange in (b"\x00\x01", b"PK\x03\x04\x00", b"<\x00\x00"):
        assert media_type_of(strange) == ""


def test_labels_are_printed_for_own_devices_only(coordinator: StaffBrowser, stock: Stock) -> None:
    stock.unit(tag="RED-1")
    page = coordinator.text("/staff/loans/labels?first=RED-1&last=RED-1")
    assert ">RED-1</textarea>" in page
    for query in ("tags=&start=1", "tags=NOPE-1&start=1", "tags=RED-1&start=25", "tags=RED-1&start=x", ""):
        assert coordinator.get(f"/staff/loans/labels.pdf?{query}").status_code == 422, query
    assert coordinator.get("/staff/loans/labels.pdf?tags=red-1&start=24").status_code in (200, 503)


def test_a_held_unit_needs_a_reason_on_its_page(coordinator: StaffBrowser, stock: Stock) -> None:
    unit = stock.unit(
        status="quarantine",
        returned_at=now() - timedelta(hours=1),
        hold_until=now().date() + timedelta(days=3),
    )
    path = f"/staff/loans/units/{unit}/clean"
    assert "It is held until" in coordinator.text(path)
    form = {"do": "wipe", "method": "encrypted_reset", "tool": "Settings"}
    answer = coordinator.send(path, once="a", **form)
    assert answer.status_code == 422 and 'id="early-error"' in answer.get_data(as_text=True)
    assert coordinator.send(path, once="b", early="said_yes", **form).status_code == 303
    assert "They said we may wipe it" in coordinator.text(f"/staff/loans/units/{unit}")
    assert Evidence.__tablename__ == "loan_evidence"
