"""Devices in and out as CSV: tried first, whole or not at all, twice as once; on the page and on the command line."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.loans import rules
from inclusion_app.loans.cli import loans
from inclusion_app.loans.csv_in import Columns, Line, read_rows
from inclusion_app.loans.stock_csv import read_parts
from tests.conftest import StaffBrowser
from tests.factories.loans import make_unit
from tests.loans.stock_pages import Staff, Stock

PAGE = "/staff/loans/import"


def table(stock: Stock, *lines: str) -> str:
    return "\n".join(
        ["Model,Location,Serial number,IMEI,Parts,Donor", *(line.replace("@", stock.place) for line in lines)]
    )


def test_a_file_is_tried_then_made_and_twice_is_once(coordinator: StaffBrowser, stock: Stock) -> None:
    text = table(stock, "maker 14,@,sn 1001,,charger; bag x2,Bank", "Maker 14,@,SN1002,,,'=cmd()")
    tried = coordinator.send(PAGE, do="try", file=(io.BytesIO(text.encode()), "x.csv"))
    page = tried.get_data(as_text=True)
    assert tried.status_code == 200 and "2 devices are new" in page and "Make 2 devices" in page
    assert stock.tags() == [] and "sn 1001" in page
    assert coordinator.send(PAGE, do="make", text=text).status_code == 422  # the letters of tags are missing
    assert coordinator.send(PAGE, do="make", text=text, prefix="mcr").status_code == 303
    assert len(stock.tags()) == 2
    again = coordinator.send(PAGE, do="make", text=text)
    assert again.status_code == 303 and len(stock.tags()) == 2
    assert "2 are here already" in coordinator.send(PAGE, do="try", text=text).get_data(as_text=True)


def test_each_refused_line_says_why_and_nothing_is_half_made(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    with app.app_context(), transaction() as session:
        make_unit(session, serial="THEIRS1")
    text = table(
        stock, "Maker 14,@,SN1,,,", "Boat,@,SN2,,,", "Maker 14,nowhere,SN3,,,", "Maker 14,@,,123,,", "Maker 14,@,,,,",
        "Maker 14,@,sn1,,,", "Maker 14,@,THEIRS1,,,", "Maker 14,@,SN8,,a x99,", "",
    )  # fmt: skip
    page = coordinator.send(PAGE, do="make", text=text, prefix="MCR").get_data(as_text=True)
    assert stock.tags() == []
    for line, said in (
        (3, "No device model"), (4, "No place"), (5, "no IMEI"), (6, "Give a tag"), (7, "earlier line"),
        (8, "Another device"), (9, "Write parts like"),
    ):  # fmt: skip
        assert f">{line}</td>" in page and said in page, said
    for bad in (b"", b"\x00\x01", b"name\nx", b'model,place\n"' + b"x" * 300_000):
        answer = coordinator.send(PAGE, do="try", file=(io.BytesIO(bad), "x.csv"))
        assert answer.status_code == 422 and 'id="file-error"' in answer.get_data(as_text=True)


def test_all_that_is_wrong_in_a_line_is_said_at_once(coordinator: StaffBrowser, stock: Stock) -> None:
    text = table(stock, "Boat,nowhere,x,123,a x99,")
    page = coordinator.send(PAGE, do="try", text=text).get_data(as_text=True)
    for said in ("No device model", "No place", "A serial number has", "no IMEI", "Write parts like"):
        assert said in page, said
    assert "1 line is refused" in page and stock.tags() == []


def test_what_goes_out_comes_in_again_and_runs_no_formula(
    coordinator: StaffBrowser, stock: Stock, staff_browser: Staff
) -> None:
    stock.unit(tag="RED-1", serial="SN1", donor="=HYPERLINK(1)", note="+1")
    answer = coordinator.get("/staff/loans/units.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert (rows[0]["tag"], rows[0]["donor"], rows[0]["note"]) == ("RED-1", "'=HYPERLINK(1)", "'+1")
    page = coordinator.send(PAGE, do="try", file=(io.BytesIO(answer.data), "x.csv")).get_data(as_text=True)
    assert "1 is here already" in page and "0 lines are refused" in page
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    assert "RED-1" not in other.text("/staff/loans/units.csv")


def test_on_the_command_line(app: Flask, stock: Stock, tmp_path: Path) -> None:
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(table(stock, "Maker 14,@,SN1,,,"), encoding="utf-8")
    run = app.test_cli_runner().invoke
    usual = ["import", str(file), "--organisation", "red door", "--prefix", "MCR"]
    tried = run(loans, [*usual, "--dry-run"])
    assert (tried.exit_code, tried.output) == (0, "1 would be made, 0 here already, 0 refused\n")
    assert stock.tags() == []
    assert run(loans, usual).output == "1 made, 0 here already, 0 refused\n"
    assert run(loans, usual).output == "0 made, 1 here already, 0 refused\n"
    file.write_text(table(stock, "Boat,@,SN2,,,", "Maker 14,@,SN3,,,"), encoding="utf-8")
    wrong = run(loans, usual)
    assert (
        wrong.exit_code == 1 and "line 2, model: No device model" in wrong.output and len(stock.tags()) == 1
    )
    assert run(loans, ["export", "--organisation", "Red Door", "-o", str(out)]).exit_code == 0
    assert "SN1" in out.read_text(encoding="utf-8-sig")
    assert run(loans, ["export", "--organisation", "Nobody", "-o", str(out)]).exit_code == 1


def test_a_tag_finds_a_wrong_sign_and_two_that_were_swapped() -> None:
    tags = [tag for number in range(1, 400) if (tag := rules.tag_of("MCR", number))]
    assert len(tags) > 320
    for tag in tags[:40]:
        body, sign = tag.replace("-", "")[:-1], tag[-1]
        for at in range(3, len(body)):
            for other in "0123456789":
                changed = body[:at] + other + body[at + 1 :]
                assert (rules.check_sign(changed) == sign) == (changed == body)
            if at + 1 < len(body) and body[at] != body[at + 1]:
                assert rules.check_sign(body[:at] + body[at + 1] + body[at] + body[at + 2 :]) != sign


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("charger x2", (("charger", 2),)), ("charger × 3; Xbox 2", (("charger", 3), ("Xbox 2", 1))),
        ("HDMI to VGA box 1", (("HDMI to VGA box 1", 1),)), ("fax 1\nmouse", (("fax 1", 1), ("mouse", 1))),
    ],
)  # fmt: skip
def test_a_count_stands_behind_an_x_of_its_own(typed: str, parts: tuple[tuple[str, int], ...]) -> None:
    assert read_parts(typed) == parts


def test_empty_lines_cost_nothing_and_too_many_are_not_held() -> None:
    asked = Columns(names=("model", "place"), others={}, needed=("model", "place"))

    def read(line: Line) -> str:
        return line.text("model")

    rows, refused = read_rows(
        "\n\nmodel,place\n" + "\n" * 50_000 + "A,B\n", asked, read=read, marks=lambda _row: {}
    )
    assert (rows, refused) == (["A"], [])
    tracemalloc.start()
    try:
        with pytest.raises(RuleBroken, match="2000"):
            read_rows("model,place\n" + "A,B\n" * 1_000_000, asked, read=read, marks=lambda _row: {})
        # The text itself is four megabytes; its lines as lists would be some hundred.
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
