"""The data-protection officer's desk: the clock, the reach that ends with the request, the record of all reads."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app.core import registry
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.registry import Fact, Holding, holidays
from inclusion_app.messages.models import Message
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import AccessRequest, ContactRoute, Merge, Resident
from inclusion_app.people.rules import calendar_months_after
from tests.conftest import StaffBrowser
from tests.factories.people import make_consent, make_person

Staff = Callable[..., StaffBrowser]


def somebody(app: Flask, **facts: object) -> int:
    with app.app_context(), transaction() as session:
        return make_person(session, **facts).id


def boxes(day: date) -> list[str]:
    return [str(day.day), str(day.month), str(day.year)]


def opened(officer: StaffBrowser, number: int, day: date | None = None, kind: str = "access") -> str:
    answer = officer.send("/staff/requests", person=str(number), kind=kind, received_on=boxes(day or today()))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.location)


def actions(app: Flask, action: str) -> list[AuditRow]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.action == action)))


def test_a_request_runs_for_a_month_and_the_city_knows_its_bank_holidays(
    app: Flask, staff_browser: Staff
) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    opened(officer, number)
    with app.app_context(), transaction() as session:
        row = session.scalars(select(AccessRequest)).one()
        assert len(holidays(session)) > 8
        assert row.due_on == calendar_months_after(today(), 1, holidays(session))
        left = (row.due_on - today()).days
    assert f"{left} days left" in officer.text("/staff/requests")
    (act,) = actions(app, "open request")
    assert (act.resident_id, act.purpose, act.items) == (number, "request", "access")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"received_on": ["", "", ""]}, words.DAY_MISSING),
        ({"received_on": ["31", "2", "2026"]}, words.REAL_DAY),
        ({"received_on": ["1", "1", "2999"]}, words.DAY_TO_COME),
        ({"received_on": ["1", "1", "2001"]}, words.DAY_LONG_AGO),
        ({"received_on": ["1", "1", "9" * 30]}, words.REAL_DAY),
        ({"kind": "sing"}, words.CHOOSE_ONE),
        ({"person": ""}, words.NOBODY_TYPED),
        ({"person": "999999"}, words.UNKNOWN_PERSON),
        ({"person": "\x00\x00"}, words.UNKNOWN_PERSON),
    ],
)
def test_a_request_that_is_none_is_refused_where_it_is_wrong(
    app: Flask, staff_browser: Staff, change: dict[str, object], message: str
) -> None:
    typed = {"person": str(somebody(app)), "kind": "access", "received_on": boxes(today()), **change}
    answer = staff_browser("data_protection").send("/staff/requests", **typed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert message in page
    assert page.startswith("<!doctype html>")
    assert "<title>Error:" in page


def test_a_request_opened_by_two_presses_has_one_clock(app: Flask, staff_browser: Staff) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    page = officer.text("/staff/requests")
    token, once = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "once"))
    assert token and once
    typed = {"person": str(number), "kind": "access", "received_on": boxes(today())}
    for _press in range(2):
        sent = {**typed, "csrf_token": token[1], "once": once[1]}
        assert officer.client.post("/staff/requests", data=sent).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(AccessRequest)) == 1


def test_the_person_is_reached_while_the_request_is_open_and_not_after(
    app: Flask, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = Holding("tests", "Held for a test", (), lambda _session, _id: [Fact("Steps", "Learn to type")],
                      lambda _session, _id: {})  # fmt: skip
    monkeypatch.setitem(registry._holdings, "tests", holding)
    number = somebody(
        app, name="Amina Yusuf", needs={"needs": ["large_print"]}, postcode_sector="M18 8", spoken="ur"
    )
    another = somebody(app, name="Chen Li")
    officer, admin = staff_browser("data_protection"), staff_browser("platform_admin")
    with app.app_context(), transaction() as session:
        session.add(
            ContactRoute(
                resident_id=number, position=1, kind="email", value="amina@example.org", value_hash="h", made_at=now()
            )
        )  # fmt: skip
        make_consent(session, resident_id=number, organisation_id=admin.organisation_id)
        session.add(
            Merge(
                kept_id=number, gone_id=another, organisation_id=admin.organisation_id, asked_by_id=admin.staff_id,
                asked_at=now(),
            )
        )  # fmt: skip
    path = opened(officer, number)
    assert "Amina" not in officer.text(path)
    page = officer.text(f"{path}/person").split("<main")[1]
    for shown in (
        "Amina Yusuf",
        "amina@example.org",
        "Urdu",
        "Large print",
        "M18 8",
        "Learn to type",
        "Red Door",
    ):
        assert page.count(shown) == 1, shown
    assert "Number" in page
    for code in ("large_print", ">email<", ">ur<"):
        assert code not in page, code
    (look,) = actions(app, "read people.request_person")
    assert (look.resident_id, look.purpose) == (number, "request")
    assert look.items == "identity contact needs plan record"
    assert look.actor_kind == "data_protection"
    assert admin.get(f"{path}/person").status_code == 403
    answer = officer.send(f"{path}/close", form_on=path, outcome="granted")
    assert answer.status_code == 303
    assert "Granted" in officer.text("/staff/requests")
    gone, unknown = officer.get(f"{path}/person"), officer.get("/staff/requests/999999/person")
    assert (gone.status_code, unknown.status_code) == (404, 404)
    token = r'value="[^"]+"'
    assert re.sub(token, "", gone.get_data(as_text=True)) == re.sub(token, "", unknown.get_data(as_text=True))
    again = officer.send(f"{path}/close", form_on="/staff/requests", outcome="refused")
    assert again.status_code == 422
    assert words.CLOSED_ALREADY in again.get_data(as_text=True)


def test_whose_record_is_deleted_leaves_the_request_and_nothing_to_see(
    app: Flask, staff_browser: Staff
) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    path = opened(officer, number, kind="erasure")
    with app.app_context(), transaction() as session:
        session.delete(session.get_one(Resident, number))
    assert officer.get(f"{path}/person").status_code == 404
    assert "Deleted" in officer.text(path)


def test_two_months_more_are_given_once_and_within_the_month(app: Flask, staff_browser: Staff) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    path = opened(officer, number, today() - timedelta(days=3))
    assert officer.send(f"{path}/extend", form_on=path, extension="bored").status_code == 422
    assert officer.send(f"{path}/extend", form_on=path, extension="complex").status_code == 303
    with app.app_context(), transaction() as session:
        row = session.scalars(select(AccessRequest)).one()
        came = row.received_on
        assert row.due_on == calendar_months_after(came, 3, holidays(session))
    again = officer.send(f"{path}/extend", form_on=path, extension="many")
    assert again.status_code == 422
    assert words.EXTENDED_ALREADY in again.get_data(as_text=True)
    late = opened(officer, number, today() - timedelta(days=60))
    page = officer.text(late)
    assert "Extend by two months" not in page
    assert "Late by" in page
    answer = officer.send(f"{late}/extend", form_on=late, extension="complex")
    assert answer.status_code == 422
    assert "Late: answer request number" in officer.text("/staff")


def test_a_request_due_soon_waits_on_the_start_page(app: Flask, staff_browser: Staff) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    opened(officer, number)
    assert "Answer request" not in officer.text("/staff")
    with app.app_context(), transaction() as session:
        session.execute(update(AccessRequest).values(due_on=today() + timedelta(days=7)))
    assert "soon." in officer.text("/staff")
    assert "request" not in staff_browser("organisation_admin").text("/staff").split("<main")[1]


def test_the_bundle_is_the_persons_own_download(
    app: Flask, staff_browser: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    path = opened(officer, number)
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as out:
        out.writestr("my-record.json", f'{{"number": {number}}}')
    monkeypatch.setattr(
        "inclusion_app.people.my_record_services.bundle",
        lambda _session, _resident_id, **_more: kept.getvalue(),
    )
    answer = officer.send(f"{path}/bundle", form_on=f"{path}/person")
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert (
        answer.headers["Content-Disposition"] == f'attachment; filename="request-{path.rsplit("/")[-1]}.zip"'
    )
    with zipfile.ZipFile(io.BytesIO(answer.data)) as opened_file:
        assert opened_file.namelist() == ["my-record.json"]
    (act,) = actions(app, "export for request")
    assert (act.resident_id, act.purpose) == (number, "request")
    officer.send(f"{path}/close", form_on=path, outcome="granted")
    # Another request of the same person is open: it does not open the closed one again.
    still_open = opened(officer, number)
    assert officer.get(f"{still_open}/person").status_code == 200
    assert officer.get(f"{path}/person").status_code == 404
    assert officer.send(f"{path}/bundle", form_on="/staff/requests").status_code == 404


def test_who_looked_is_shown_by_organisation_role_person_and_day(app: Flask, staff_browser: Staff) -> None:
    number, another = somebody(app), somebody(app)
    officer = staff_browser("data_protection")
    path, elsewhere = opened(officer, number), opened(officer, another)
    officer.get(f"{path}/person")
    officer.get(f"{elsewhere}/person")

    def shown(query: str) -> list[str]:
        page = officer.text(f"/staff/reads?{query}")
        return re.findall(
            r"<td[^>]*>(Opened a record for a request by right|Saved a plan|Opened a request by right)</td><td[^>]*>(\d+)",
            page,
        )  # type: ignore[return-value]

    assert ("Opened a record for a request by right", str(number)) in shown("")
    assert {who for _act, who in shown(f"number={number}")} == {str(number)}
    assert {act for act, _who in shown("role=data_protection")} >= {"Opened a request by right"}
    assert "Saved a plan" not in {act for act, _who in shown("role=data_protection")}
    assert shown(f"organisation={officer.organisation_id}&number={another}")
    assert not shown(f"organisation={officer.organisation_id + 1}")
    yesterday = "&".join(f"day={part}" for part in boxes(today() - timedelta(days=1)))
    assert not shown(yesterday)
    assert shown("&".join(f"day={part}" for part in boxes(today())))


def test_what_somebody_types_into_the_filter_is_no_news_to_the_record(
    app: Flask, staff_browser: Staff
) -> None:
    officer = staff_browser("data_protection")
    for query in (
        "number=888888888",
        "number=" + "9" * 400,
        "organisation=x&role=y",
        "before=-1",
        "before=" + "9" * 50,
    ):
        assert officer.get(f"/staff/reads?{query}").status_code == 200, query
    assert officer.get("/staff/reads?day=40&day=1&day=2026").status_code == 422
    with app.app_context(), transaction() as session:
        highest = session.scalar(select(func.max(AuditRow.resident_id)))
    assert highest is None or highest < 888_888_888
    assert len(actions(app, "read people.reads")) == 6


def test_twenty_rows_a_page_and_none_twice(app: Flask, staff_browser: Staff) -> None:
    officer = staff_browser("data_protection")
    for _ in range(25):
        somebody(app)
    first = officer.text("/staff/reads?role=&number=")
    found = re.search(r'href="(/staff/reads\?[^"]*before=[0-9]+)"', first)
    assert found
    second = officer.text(found[1].replace("&amp;", "&"))
    assert first.count("<tr>") == 21
    assert second.count("<tr>") == 6


@pytest.mark.parametrize(
    ("outcome", "told"), [("granted", 1), ("partly", 1), ("refused", 0), ("withdrawn", 0)]
)
def test_what_was_done_is_told_by_the_persons_own_route(
    app: Flask, staff_browser: Staff, outcome: str, told: int
) -> None:
    number, officer = somebody(app), staff_browser("data_protection")
    with app.app_context(), transaction() as session:
        session.add(
            ContactRoute(
                resident_id=number, position=1, kind="email", value="amina@example.org", value_hash="h", made_at=now()
            )
        )  # fmt: skip
    path = opened(officer, number)
    assert officer.send(f"{path}/close", form_on=path, outcome=outcome).status_code == 303
    with app.app_context(), transaction() as session:
        rows = list(session.scalars(select(Message).where(Message.resident_id == number)))
        assert [(row.template, row.channel, row.state) for row in rows] == [
            ("request_done", "email", "waiting")
        ] * told
