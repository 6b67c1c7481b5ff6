"""Pages of the stock: units and their marks, models, SIM cards, what is counted, labels, a scan."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from inclusion_app.core import uploads
from inclusion_app.core.clock import today
from inclusion_app.core.db import engine, transaction
from inclusion_app.loans.models import Evidence, LoanScheme, Sim, StockItem
from inclusion_app.loans.rules import is_imei, plain_mark
from tests.conftest import StaffBrowser, without_token
from tests.factories.loans import make_loan, make_model, make_unit
from tests.factories.training import make_place
from tests.loans.stock_pages import Staff, Stock

IMEI = "352099001761481"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636064f8ff1f0003030200"
    "efbf6ab80000000049454e44ae426082"
)


def test_units_are_made_with_tags_of_their_own(coordinator: StaffBrowser, stock: Stock) -> None:
    missing = coordinator.send("/staff/loans/units/new", **stock.new(count="3"))
    assert missing.status_code == 422 and "two or three letters" in missing.get_data(as_text=True)
    answer = coordinator.send("/staff/loans/units/new", **stock.new(count="3", prefix="mcr"))
    assert answer.status_code == 303 and "/staff/loans/labels" in answer.location
    tags = stock.tags()
    assert len(tags) == 3 and all(re.fullmatch(r"MCR-0000\d[0-9A-Z]", tag) for tag in tags)
    # The same form sent twice makes nothing more; the letters are asked for once.
    coordinator.send("/staff/loans/units/new", **stock.new(count="3", prefix="mcr"))
    assert stock.tags() == tags
    assert 'name="prefix"' not in coordinator.text("/staff/loans/units/new")
    page = coordinator.text("/staff/loans/stock")
    assert all(tag in page for tag in tags)


def test_another_scheme_has_other_letters(
    app: Flask, coordinator: StaffBrowser, stock: Stock, staff_browser: Staff
) -> None:
    coordinator.send("/staff/loans/units/new", **stock.new(prefix="MCR"))
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    theirs = Stock(app, other)
    answer = other.send("/staff/loans/units/new", **theirs.new(prefix="MCR"))
    assert answer.status_code == 422 and 'id="prefix-error"' in answer.get_data(as_text=True)
    assert other.send("/staff/loans/units/new", **theirs.new(prefix="BLU")).status_code == 303


def test_a_mark_that_is_there_already_names_the_tag_of_the_own_pool_only(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    with app.app_context(), transaction() as session:
        make_unit(session, serial="THEIRS123", tag="XYZ-1")
    stock.unit(serial="OURS123", imei=IMEI, tag="RED-1")
    for facts, at, said in (
        ({"serial": "ours 123"}, "serial", "RED-1 has this already"),
        ({"serial": "theirs123"}, "serial", "Another device has this"),
        ({"imei": "35-209900-176148-1"}, "imei", "RED-1 has this already"),
        ({"imei": "352099001761482"}, "imei", "This is no IMEI"),
        ({"serial": "?"}, "serial", "3 to 40"),
        ({"tag": "red-1"}, "tag", "RED-1 has this already"),
        ({"count": "2", "serial": "NEW1234"}, "count", "one device at a time"),
        ({"count": "0"}, "count", "from 1 to 200"),
        ({"model": "999"}, "model", ""),
        ({"parts": "x" * 700}, "parts", "too long"),
    ):
        answer = coordinator.send("/staff/loans/units/new", **stock.new(prefix="MCR", **facts))
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422 and f'id="{at}-error"' in page and said in page, facts
        assert "XYZ-1" not in page
    assert stock.tags() == ["RED-1"]


def test_a_unit_is_changed_and_retired(app: Flask, coordinator: StaffBrowser, stock: Stock) -> None:
    unit = stock.unit(tag="RED-1")
    form = stock.new(serial="New 5", parts="charger x2\nbag", note="<b>dent</b>")
    assert coordinator.send(f"/staff/loans/units/{unit}/edit", **form).status_code == 303
    page = coordinator.text(f"/staff/loans/units/{unit}")
    assert "NEW5" in page and "charger</bdi> × 2" in page and "&lt;b&gt;dent" in page
    assert coordinator.send(f"/staff/loans/units/{unit}/retire").status_code == 422
    assert coordinator.send(f"/staff/loans/units/{unit}/retire", reason="too_old").status_code == 303
    assert stock.facts(unit).status == "retired"
    assert "RED-1" not in coordinator.text("/staff/loans/stock")
    assert "RED-1" in coordinator.text("/staff/loans/stock?fitness=retired")


def test_what_somebody_has_is_not_retired_and_nobody_is_named(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    unit = stock.unit()
    with app.app_context(), transaction() as session:
        from inclusion_app.loans.models import Unit

        make_loan(session, unit=session.get_one(Unit, unit))
    page = coordinator.text(f"/staff/loans/units/{unit}")
    assert "Somebody has it on loan" in page and "1 time" in page
    answer = coordinator.send(f"/staff/loans/units/{unit}/retire", reason="too_old")
    assert answer.status_code == 422 and "Take it in first" in answer.get_data(as_text=True)
    # Nor does it become another model than they asked for.
    with app.app_context(), transaction() as session:
        mine = session.get_one(LoanScheme, coordinator.organisation_id)
        another = make_model(session, scheme=mine, name="Maker 15").id
    form = stock.new(model=str(another))
    answer = coordinator.send(f"/staff/loans/units/{unit}/edit", **form)
    assert answer.status_code == 422 and "Take it in first" in answer.get_data(as_text=True)


def test_of_several_models_and_places_none_is_chosen_because_nobody_looked(
    app: Flask, coordinator: StaffBrowser, stock: Stock
) -> None:
    with app.app_context(), transaction() as session:
        scheme = session.get_one(LoanScheme, coordinator.organisation_id)
        make_unit(
            session,
            model=make_model(session, scheme=scheme, name="Maker 15"),
            place_id=make_place(session).id,
        )
    stock.unit()
    page = coordinator.text("/staff/loans/units/new")
    chosen = re.findall(
        r'<select[^>]*name="(?:model|place)"[^>]*>\s*<option value="([^"]*)"( selected)?>', page
    )
    assert chosen == [("", " selected")] * 2
    answer = coordinator.send("/staff/loans/units/new", **stock.new(count="1", model="", place=""))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'id="model-error"' in page and 'id="place-error"' in page


def test_marks_are_read_in_the_figures_of_any_keyboard() -> None:
    assert plain_mark(" mcr-٠٠٠١۲ x") == "MCR-00012X"
    assert is_imei(plain_mark("٤٩٠١٥٤٢٠٣٢٣٧٥١٨"))


def test_anothers_unit_and_an_unknown_one_answer_alike(
    app: Flask, coordinator: StaffBrowser, stock: Stock, staff_browser: Staff
) -> None:
    other = Stock(app, staff_browser("loan_coordinator", organisation="Blue Door"))
    theirs = other.unit()
    for path in ("", "/edit", "/retire", "/clean"):
        one = coordinator.get(f"/staff/loans/units/{theirs}{path}")
        none = coordinator.get(f"/staff/loans/units/9999999{path}")
        assert (one.status_code, without_token(one)) == (404, without_token(none))
    assert staff_browser("caseworker").get("/staff/loans/stock").status_code == 403
    assert staff_browser("front_desk").get("/staff/loans/scan").status_code == 403


def test_the_list_is_narrowed_by_its_address_and_asks_no_more_for_more(
    coordinator: StaffBrowser, stock: Stock
) -> None:
    stock.unit(tag="RED-1", serial="AAA111", support_until=__import__("datetime").date(2020, 1, 1))
    stock.unit(tag="RED-2", status="repair")
    for query, seen, unseen in (
        ("text=aaa", "RED-1", "RED-2"),
        ("fitness=repair", "RED-2", "RED-1"),
        ("ends=soon", "RED-1", "RED-2"),
        (f"model={stock.model_id}&place={stock.place_id}&text=red-2", "RED-2", "RED-1"),
        ("where=here", "RED-1", "RED-9"),
    ):
        page = coordinator.text(f"/staff/loans/stock?{query}")
        assert seen in page and unseen not in page, query
    assert "No device fits" in coordinator.text("/staff/loans/stock?where=out")
    for query in ("model=x&place=-1&page=99999999", "text=%25&fitness=nonsense&owner=" + "9" * 40):
        assert coordinator.get(f"/staff/loans/stock?{query}").status_code == 200

    def questions() -> int:
        asked: list[Any] = []

        def note(*statement: Any) -> None:
            asked.append(statement)

        with stock.app.app_context():
            event.listen(engine(), "before_cursor_execute", note)
            coordinator.get("/staff/loans/stock")
            event.remove(engine(), "before_cursor_execute", note)
        return len(asked)

    few = questions()
    for _each in range(30):
        stock.unit()
    assert questions() == few


def test_models_have_words_in_other_languages(coordinator: StaffBrowser, stock: Stock) -> None:
    form = {"kind": "tablet", "name": "Maker Tab", "title": "Tablet", "summary": "Small.", "features": ["camera", "touch"],
            "loan_days": "90", "steps": "a1", "is_offered": "y", "once": "o"}  # fmt: skip
    assert coordinator.send("/staff/loans/models/new", **form).status_code == 303
    assert "Maker Tab" in coordinator.text("/staff/loans/models")
    for wrong, at in (({"kind": "boat"}, "kind-error"), ({"title": " "}, "title-error"),
                      ({"loan_days": "0"}, "loan_days-error"), ({"steps": "Q99"}, "steps-error")):  # fmt: skip
        answer = coordinator.send("/staff/loans/models/new", **{**form, "once": at, **wrong})
        assert answer.status_code == 422 and f'id="{at}"' in answer.get_data(as_text=True)
    path = f"/staff/loans/models/{stock.model_id}/words/ur"
    assert coordinator.send(path, title="لیپ ٹاپ", summary="", state="drafted").status_code == 303
    assert "draft" in coordinator.text("/staff/loans/models")
    assert coordinator.get(f"/staff/loans/models/{stock.model_id}/words/en").status_code == 404


def test_sims_and_what_is_counted(app: Flask, coordinator: StaffBrowser, stock: Stock) -> None:
    form = {"iccid": "8944 1100 0000 0000 0007", "carrier": "Net", "place": stock.place_id, "data_gb": "20",
            "data_until": ["1", "2", str(today().year + 1)], "once": "a"}  # fmt: skip
    assert coordinator.send("/staff/loans/sims/new", **form).status_code == 303
    again = coordinator.send("/staff/loans/sims/new", **{**form, "once": "b"})
    assert again.status_code == 422 and "We have a SIM card" in again.get_data(as_text=True)
    wrong = coordinator.send("/staff/loans/sims/new", **{**form, "once": "c", "iccid": "1234"})
    assert wrong.status_code == 422 and 'id="iccid-error"' in wrong.get_data(as_text=True)
    # Twenty signs as typed, more as they are stored.
    long = coordinator.send("/staff/loans/sims/new", **{**form, "once": "d", "number": "℡" * 10})
    assert long.status_code == 422 and 'id="number-error"' in long.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        sim = session.scalars(select(Sim)).one()
        number, iccid = sim.id, sim.iccid
    assert iccid in coordinator.text("/staff/loans/sims")
    assert coordinator.send(f"/staff/loans/sims/{number}", do="lost").status_code == 303
    assert iccid in coordinator.text("/staff/loans/sims?state=lost")

    item = {"name": "mouse", "kind": "accessory", "place": stock.place_id, "count": "5", "once": "i"}
    assert coordinator.send("/staff/loans/items", **item).status_code == 303
    assert coordinator.send("/staff/loans/items", **{**item, "once": "j"}).status_code == 422
    with app.app_context(), transaction() as session:
        number = session.scalars(select(StockItem.id)).one()
    assert coordinator.send(f"/staff/loans/items/{number}", by="-2", once="k").status_code == 303
    answer = coordinator.send(f"/staff/loans/items/{number}", by="-4", once="l")
    assert answer.status_code == 422 and "not so many" in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.get_one(StockItem, number).in_stock == 3


def test_a_scan_opens_a_unit_without_script(coordinator: StaffBrowser, stock: Stock) -> None:
    unit = stock.unit(tag="RED-00001", serial="PF1AB2", imei=IMEI)
    page = coordinator.get("/staff/loans/scan")
    assert "camera=(self)" in page.headers["Permissions-Policy"]
    assert 'data-scan="mark"' in page.get_data(as_text=True)
    for typed in (
        "red-00001", " RED-00001 ", "http://127.0.0.1:8000/d/RED-00001", "https://x.org/ur/d/red-00001?l=ur",
        "pf1ab2", "SPF1AB2", IMEI, "35 209900 176148 1",
    ):  # fmt: skip
        answer = coordinator.send("/staff/loans/scan", mark=typed)
        assert answer.location == f"/staff/loans/units/{unit}", typed
    for typed in ("", "RED-00002", "\0", "x" * 5000, "https://x.org/d/"):
        answer = coordinator.send("/staff/loans/scan", mark=typed)
        assert answer.status_code == 422 and 'id="mark-error"' in answer.get_data(as_text=True)


def test_photos_are_kept_outside_the_web_and_only_pictures(
    app: Flask, coordinator: StaffBrowser, stock: Stock, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = stock.unit()
    path, on = f"/staff/loans/units/{unit}/photo", f"/staff/loans/units/{unit}"
    assert coordinator.send(path, on, file=(io.BytesIO(PNG), "a.exe")).status_code == 303
    for data in (b"", b"<svg onload=x>", b"MZ\x90\x00" * 30, PNG[:40]):
        assert coordinator.send(path, on, file=(io.BytesIO(data), "a.png")).status_code == 422
    monkeypatch.setattr(uploads, "LARGEST", 300_000)
    assert coordinator.send(path, on, file=(io.BytesIO(PNG + b"0" * 290_000), "a.png")).status_code == 303
    large = coordinator.send(path, on, file=(io.BytesIO(PNG + b"0" * 310_000), "a.png"))
    assert large.status_code == 413 and "up to 5 MB" in large.get_data(as_text=True)
    # It only takes what is sent: nothing leads back there.
    assert path not in large.get_data(as_text=True)
    big = coordinator.send("/staff/loans/items", name="x" * 400_000)
    assert big.status_code == 413
    with app.app_context(), transaction() as session:
        number, kept = session.execute(select(Evidence.id, Evidence.sha256).limit(1)).one()
    folder = app.extensions["settings"].instance / "loan-files"
    assert (folder / kept).stat().st_mode & 0o777 == 0o600
    answer = coordinator.get(f"/staff/loans/evidence/{number}")
    assert answer.data.startswith(b"\x89PNG") and answer.headers["Content-Disposition"].startswith(
        "attachment"
    )
    other = staff_browser("loan_coordinator", organisation="Blue Door")
    Stock(app, other)
    assert other.get(f"/staff/loans/evidence/{number}").status_code == 404
    assert staff_browser("caseworker").get(f"/staff/loans/evidence/{number}").status_code == 403
