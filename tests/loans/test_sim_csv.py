"""SIM cards in and out as CSV: tried first, whole or not at all, twice as once; on the page and on the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.loans import csv_in, rules
from inclusion_app.loans.cli import loans
from inclusion_app.loans.models import Sim, Unit
from inclusion_app.loans.services import sims
from inclusion_app.loans.services import stock as services
from tests.conftest import StaffBrowser
from tests.factories.loans import make_loan, make_scheme
from tests.factories.training import make_place
from tests.loans.stock_pages import Staff, Stock

PAGE = "/staff/loans/sims/import"
OUT = "/staff/loans/sims.csv"
HEAD = "ICCID,Phone number,Network,Location,Data,Until,Colour"


def iccid(number: int) -> str:
    """The number of a card, of nineteen figures of which the last is right."""
    body = f"8944{number:014d}"
    return next(card for last in "0123456789" if rules.luhn_holds(card := body + last))


ONE, TWO, THREE = iccid(1), iccid(2), iccid(3)


def table(stock: Stock, *lines: str, head: str = HEAD) -> str:
    return "\n".join([head, *(line.replace("@", stock.place) for line in lines)])


def cards(app: Flask) -> Sequence[Sim]:
    """All SIM cards of everybody, in the order of their numbers."""
    with app.app_context(), transaction() as session:
        found = session.scalars(select(Sim).order_by(Sim.iccid)).all()
        session.expunge_all()
        return found


def make_card(app: Flask, stock: Stock | None, card: str, **facts: Any) -> None:
    """A card of this scheme, or of another one."""
    with app.app_context(), transaction() as session:
        holder = stock.holder_id if stock else make_scheme(session).organisation_id
        place = stock.place_id if stock else make_place(session).id
        session.add(Sim(holder_id=holder, place_id=place, iccid=card, made_at=now(), **facts))


def acts(app: Flask) -> list[str]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow.action).where(AuditRow.action == "import sims")))


def test_a_file_is_tried_then_made_and_twice_is_once(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    text = table(stock, f"{ONE[:4]} {ONE[4:]}F,0161 496-0001,Net,@,20 GB,31/03/2027,red", f"{TWO},,,@,,,")
    tried = coordinator.send(PAGE, do="try", file=(io.BytesIO(text.encode()), "x.csv"))
    page = tried.get_data(as_text=True)
    assert tried.status_code == 200 and "2 SIM cards are new" in page and "Make 2 SIM cards" in page
    # What was sent stands in the box, for the second press.
    assert f"{ONE[:4]} {ONE[4:]}F" in page and cards(app) == [] and acts(app) == []
    made = coordinator.send(PAGE, do="make", text=text)
    assert made.status_code == 303 and made.location.endswith("/staff/loans/sims")
    one, two = cards(app)
    assert (one.iccid, one.number, one.carrier, one.data_gb) == (ONE, "01614960001", "Net", 20)
    assert (one.data_until, one.place_id, one.holder_id) == (
        date(2027, 3, 31),
        stock.place_id,
        stock.holder_id,
    )
    assert (two.iccid, two.number, two.carrier, two.data_gb, two.data_until) == (TWO, None, "", None, None)
    assert one.state == two.state == "stock" and acts(app) == ["import sims"]
    # Sent again, and with something else on the line, it stays as it is.
    again = coordinator.send(PAGE, do="make", text=text.replace("20 GB", "30"))
    assert again.status_code == 303 and [card.data_gb for card in cards(app)] == [20, None]
    page = coordinator.send(PAGE, do="try", text=text).get_data(as_text=True)
    assert "2 are here already" in page and f"Line 2: {ONE}" in page and "0 SIM cards are new" in page


def test_each_refused_line_says_where_and_why_and_nothing_is_half_made(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    make_card(app, stock, iccid(90), number="0161")
    wrong = {
        f"{ONE[:-1]}{(int(ONE[-1]) + 1) % 10},,,@,,,": ("iccid", "This is no SIM number"),
        "8.94412E+18,,,@,,,": ("iccid", "This is no SIM number"),
        ",0161 1,,@,,,": ("iccid", "This is no SIM number"),
        f"{iccid(10)},{'1' * 21},,@,,,": ("number", "up to 20 figures"),
        f"{iccid(18)},{'℡' * 10},,@,,,": ("number", "up to 20 figures"),
        f"{iccid(11)},0161,,@,,,": ("number", "Another SIM card has this already"),
        f"{iccid(12)},,{'n' * 41},@,,,": ("carrier", "This is too long"),
        f"{iccid(13)},,,nowhere,,,": ("place", "No place has this name"),
        f"{iccid(14)},,,@,0,,": ("data_gb", "from 1 to 9999"),
        f"{iccid(15)},,,@,lots,,": ("data_gb", "from 1 to 9999"),
        f"{iccid(16)},,,@,,31/02/2027,": ("data_until", "Write a day like"),
        f"{TWO},,,@,,,": ("iccid", "An earlier line of this file has the same"),
        f"{iccid(17)},555,,@,,,": ("number", "An earlier line of this file has the same"),
    }
    text = table(stock, f"{TWO},555,,@,,,", *wrong)
    answer = coordinator.send(PAGE, do="make", text=text)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "13 lines are refused" in page and "Make 1" not in page
    for line, (column, said) in enumerate(wrong.values(), 3):
        row = page.split(f'<td data-label="Line">{line}</td>')[1].split("</tr>")[0]
        assert f">{column}</bdi>" in row and said in row, (line, row)
    assert [card.iccid for card in cards(app)] == [iccid(90)] and acts(app) == []


def test_all_that_is_wrong_in_a_line_is_said_at_once(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    page = coordinator.send(PAGE, do="try", text=table(stock, "123,,,nowhere,0,soon,")).get_data(as_text=True)
    said = ("This is no SIM number", "No place", "from 1 to 9999", "Write a day like")
    # In the order of the columns.
    assert -1 < page.find(said[0]) < page.find(said[1]) < page.find(said[2]) < page.find(said[3])
    assert "1 line is refused" in page


def test_a_file_that_is_no_such_table_is_refused_whole(
    coordinator: StaffBrowser, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bad, said in (
        (b"", "Choose a file"), (b"\x00\x01", "no CSV"), (b"iccid\n1", "We need at least: iccid, place."),
        (b'iccid,place\n"' + b"x" * 300_000, "no CSV"),
    ):  # fmt: skip
        answer = coordinator.send(PAGE, do="make", file=(io.BytesIO(bad), "x.csv"))
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422 and 'id="file-error"' in page and said in page, bad[:20]
    two = table(stock, f"{ONE},,,@,,,", f"{TWO},,,@,,,")
    monkeypatch.setattr(csv_in, "MOST_ROWS", 1)
    answer = coordinator.send(PAGE, do="make", text=two)
    assert answer.status_code == 422 and "up to 2000 lines" in answer.get_data(as_text=True)
    monkeypatch.setattr(csv_in, "MOST_ROWS", 2)
    assert coordinator.send(PAGE, do="make", text=two).status_code == 303


def test_two_thousand_cards_are_tried_and_made_by_two_presses(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    net = "A network with as long a name as may be"
    lines = (f"{iccid(number)},+4477009{number:05d},{net},@,20,2027-03-31," for number in range(2_000))
    text = table(stock, *lines)
    page = coordinator.send(PAGE, do="try", file=(io.BytesIO(text.encode()), "x.csv")).get_data(as_text=True)
    assert "2000 SIM cards are new" in page and iccid(1_999) in page
    # A browser sends the empty field of the file along, so each field is a part of its own.
    made = coordinator.send(PAGE, do="make", text=text.replace("\n", "\r\n"), file=(io.BytesIO(), ""))
    assert made.status_code == 303 and len(cards(app)) == 2_000


def test_what_goes_out_comes_in_again_and_runs_no_formula(
    app: Flask, coordinator: StaffBrowser, stock: Stock, staff_browser: Staff
) -> None:
    formula = "=HYPERLINK(1)"
    make_card(
        app, stock, ONE, number="+447700900001", carrier=formula, data_gb=5, data_until=date(2027, 3, 31)
    )
    make_card(app, stock, TWO, state="lost")
    answer = coordinator.get(OUT)
    assert answer.mimetype == "text/csv" and 'filename="sims.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == {
        "iccid": ONE, "number": "'+447700900001", "carrier": f"'{formula}", "place": stock.place, "data_gb": "5",
        "data_until": "2027-03-31", "state": "stock",
    }  # fmt: skip
    assert (rows[1]["iccid"], rows[1]["number"], rows[1]["state"]) == (TWO, "", "lost")
    page = coordinator.send(PAGE, do="try", file=(io.BytesIO(answer.data), "x.csv")).get_data(as_text=True)
    assert "2 are here already" in page and "0 lines are refused" in page
    # Where none of them is, each comes in again as it was.
    with app.app_context(), transaction() as session:
        for card in session.scalars(select(Sim)):
            session.delete(card)
    sent = coordinator.send(PAGE, do="make", file=(io.BytesIO(answer.data), "x.csv"))
    one, _two = cards(app)
    assert sent.status_code == 303 and (one.iccid, one.number, one.carrier, one.data_gb, one.data_until) == (
        ONE, "+447700900001", formula, 5, date(2027, 3, 31),
    )  # fmt: skip
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    assert ONE in coordinator.text(OUT) and ONE not in other.text(OUT)


def test_the_file_names_nobody_who_has_one(app: Flask, coordinator: StaffBrowser, stock: Stock) -> None:
    unit = stock.unit()
    make_card(app, stock, ONE)
    with app.app_context(), transaction() as session:
        loan = make_loan(session, unit=session.get_one(Unit, unit))
        sims.put_in(session, loan=loan, sim=session.scalars(select(Sim)).one(), now=now())
    assert coordinator.text(OUT).splitlines()[1:] == [f'"{ONE}","","","{stock.place}","","","out"']


def test_a_card_of_another_organisation_is_refused_and_nothing_of_it_told(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    make_card(app, None, ONE, number="01619999999", carrier="Secret Net")
    text = table(stock, f"{ONE},,,@,,,", f"{TWO},0161 999 9999,,@,,,", f"{THREE},,,@,,,")
    page = coordinator.send(PAGE, do="make", text=text).get_data(as_text=True)
    assert page.count("Another SIM card has this already.") == 2 and "2 lines are refused" in page
    assert "Secret Net" not in page and "Here already" not in page
    assert [card.iccid for card in cards(app)] == [ONE]
    # Theirs is told in the words for one of our own, and leaves our own out of theirs.
    make_card(app, stock, iccid(90), number="01618888888")
    ours = coordinator.send(PAGE, do="try", text=table(stock, f"{TWO},01618888888,,@,,,"))
    assert "Another SIM card has this already." in ours.get_data(as_text=True)


def test_of_two_who_bring_in_the_same_card_at_once_one_is_refused(
    app: Flask, coordinator: StaffBrowser, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(session: Any, *, holder_id: int, rows: Any) -> Any:
        """Looked at before the other one's card was there."""
        return services.Sorted(rows, [], [])

    make_card(app, stock, TWO, number="0161")
    monkeypatch.setattr(services, "sort_sims", late)
    for line in (f"{TWO},,,@,,,", f"{THREE},0161,,@,,,"):
        answer = coordinator.send(PAGE, do="make", text=table(stock, f"{ONE},,,@,,,", line))
        assert answer.status_code == 422 and CHANGED_ALREADY in answer.get_data(as_text=True)
        assert [card.iccid for card in cards(app)] == [TWO]
    with app.app_context(), transaction() as session:
        facts = services.SimFacts(place_id=stock.place_id, iccid=TWO)
        with pytest.raises(RuleBroken):
            services.make_sims(
                session, holder_id=stock.holder_id, rows=[services.NewSim(2, facts)], now=now()
            )


def test_only_a_coordinator_with_a_scheme(
    app: Flask, coordinator: StaffBrowser, staff_browser: Staff
) -> None:
    text = f"{HEAD}\n{ONE},,,x,,,"
    answer = coordinator.send(PAGE, do="make", text=text)
    assert answer.status_code == 422 and "Set up your scheme first" in answer.get_data(as_text=True)
    for role in ("caseworker", "front_desk", "organisation_admin"):
        other = staff_browser(role)
        assert (other.get(PAGE).status_code, other.get(OUT).status_code) == (403, 403)
    page = coordinator.text("/staff/loans/sims")
    assert f'href="{PAGE}"' in page and f'href="{OUT}"' in page


def test_on_the_command_line(app: Flask, stock: Stock, tmp_path: Path) -> None:
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(table(stock, f"{ONE},+447700900001,=Net,@,20,2027-03-31,"), encoding="utf-8")
    run = app.test_cli_runner().invoke
    usual = ["import-sims", str(file), "--organisation", "red door"]
    tried = run(loans, [*usual, "--dry-run"])
    assert (tried.exit_code, tried.output) == (0, "1 would be made, 0 here already, 0 refused\n")
    assert cards(app) == []
    assert run(loans, usual).output == "1 made, 0 here already, 0 refused\n"
    assert run(loans, usual).output == "0 made, 1 here already, 0 refused\n"
    file.write_text(table(stock, "1,,,@,,,", f"{TWO},,,@,,,"), encoding="utf-8")
    wrong = run(loans, usual)
    assert wrong.exit_code == 1 and "line 2, iccid: This is no SIM number." in wrong.output
    assert "1 would be made, 0 here already, 1 refused" in wrong.output and len(cards(app)) == 1
    file.write_text("iccid\n1", encoding="utf-8")
    assert "We need at least: iccid, place." in run(loans, usual).output
    usual = ["export-sims", "-o", str(out), "--organisation"]
    assert run(loans, [*usual, "Red Door"]).output == "1 SIM cards written\n"
    assert f'"{ONE}","\'+447700900001","\'=Net"' in out.read_text(encoding="utf-8-sig")
    assert run(loans, [*usual, "Nobody"]).exit_code == 1
