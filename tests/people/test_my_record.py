"""A resident's own record: what is held, who looked, all of it to take along, put right, and deleted."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app.accounts import record_words
from inclusion_app.accounts.models import Membership
from inclusion_app.accounts.rules import ROLES
from inclusion_app.core import events, registry
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people import my_record_services, my_record_words, services
from inclusion_app.people.models import Consent, ContactRoute, Feedback, Resident
from inclusion_app.people.rules import PURPOSES
from tests.conftest import Browser, StaffBrowser, without_token
from tests.factories.accounts import make_organisation
from tests.factories.people import make_consent

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("", "/looked", "/print", "/download", "/correct", "/contact", "/tell", "/delete")


@pytest.fixture
def resident(browser: Browser) -> Browser:
    """Somebody with a saved plan, in with their PIN."""
    browser.make_plan()
    browser.code = browser.save_plan(nickname="Amina")  # type: ignore[attr-defined]
    return browser


def the_resident(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        return session.scalars(select(Resident.id)).one()


def rows(app: Flask) -> list[tuple[str, int | None, str]]:
    with app.app_context(), transaction() as session:
        found = session.execute(
            select(AuditRow.action, AuditRow.resident_id, AuditRow.items).order_by(AuditRow.id)
        )
        return [(row.action, row.resident_id, row.items) for row in found]


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[events.MessageWanted]:
    """The messages that were asked for."""
    asked: list[events.MessageWanted] = []
    real = events.publish

    def note(session: object, event: object) -> None:
        if isinstance(event, events.MessageWanted):
            asked.append(event)
        real(session, event)  # type: ignore[arg-type]

    monkeypatch.setattr(events, "publish", note)
    return asked


@pytest.fixture
def holding() -> Iterator[registry.Holding]:
    """A room that holds something, with words that try to be markup."""
    one = registry.Holding(
        "test", "Your plan", (), lambda _session, number: [registry.Fact("Language", f"<b>{number}")],
        lambda _session, number: {"number": number, "day": now()},
    )  # fmt: skip
    registry.hold(one)
    yield one
    del registry._holdings["test"]


# Who may.


def test_a_stranger_and_a_code_alone_read_nothing(resident: Browser, app: Flask,
                                                  another_browser: Callable[..., Browser]) -> None:  # fmt: skip
    stranger, glance = another_browser(), another_browser()
    assert glance.send("/come-back", code=resident.code, pin="").status_code == 303  # type: ignore[attr-defined]
    before = len(rows(app))
    for person in (stranger, glance):
        page = person.text("/my-record")
        assert "The code alone is not enough" in page
        assert "Amina" not in page
        for path in PAGES[1:]:
            assert person.get(f"/my-record{path}").status_code == 403, path
    assert len(rows(app)) == before  # nothing was shown, so nothing is noted


def test_each_page_that_shows_something_writes_one_row(resident: Browser, app: Flask) -> None:
    number = the_resident(app)
    shows = {"", "/looked", "/print", "/correct", "/contact", "/tell"}
    for path in PAGES:
        before = len(rows(app))
        assert resident.get(f"/my-record{path}").status_code == 200, path
        fresh = rows(app)[before:]
        assert len(fresh) == (1 if path in shows else 0), path
        assert all(row[1] == number for row in fresh)


def test_what_rooms_hold_is_shown_and_never_as_markup(
    resident: Browser, app: Flask, holding: registry.Holding
) -> None:
    number = the_resident(app)
    page = resident.text("/my-record")
    assert f"<bdi>&lt;b&gt;{number}</bdi>" in page
    assert f"&lt;b&gt;{number}" in resident.text("/my-record/print")


@pytest.mark.parametrize(
    ("page", "reads", "printed"),
    [
        ("ur", None, ["ur", "en"]),
        ("en", "ur", ["ur", "en"]),
        ("en", None, ["en"]),
        ("ur", "ar", ["ur", "en"]),
    ],
)
def test_it_prints_in_the_language_of_the_page_or_of_the_reader_and_in_english(
    resident: Browser, app: Flask, page: str, reads: str | None, printed: list[str]
) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Resident).values(read=reads))  # the plan itself was kept in English
    resident.language = page
    main = resident.text("/my-record/print").partition("<main")[2]
    found = re.findall(r'<section lang="([^"]+)" dir="[^"]+">\s*<h1>([^<]+)</h1>', main)
    assert [tongue for tongue, _title in found] == printed
    for tongue, title in found:
        assert (title == "What we hold about you") == (tongue == "en")


# Who looked.


def look(app: Flask, number: int, staff: StaffBrowser, role: str, *, times: int = 1, **more: str) -> None:
    principal = Principal(
        "staff", staff_id=staff.staff_id, organisation_id=staff.organisation_id, roles=frozenset({role})
    )
    with app.app_context(), transaction() as session:
        for _ in range(times):
            record_act(
                session, principal, action=more.get("action", "read people.person"), now=now(), resident_id=number,
                items=("identity", "needs"), purpose=more.get("purpose", "help"),
            )  # fmt: skip


def test_who_looked_names_the_organisation_and_never_the_person(
    resident: Browser, app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    number = the_resident(app)
    staff = staff_browser("caseworker", organisation="Red Door", name="Sam Patel")
    look(app, number, staff, "caseworker")
    look(app, number + 1, staff, "caseworker", action="read somebody.else")
    page = resident.text("/my-record/looked")
    assert "Red Door" in page
    assert "A worker who helps people." in page
    assert "Looked at: your name and languages, what help you need." in page
    assert "To help you." in page
    assert "Sam" not in page
    assert "You, with your PIN" not in page
    assert page.count("<dt>") == 1
    assert "You, with your PIN or pictures." in resident.text("/my-record/looked?all=1")
    assert "1 time." in resident.text("/my-record")


def test_who_looked_has_twenty_a_page_newest_first(
    resident: Browser, app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    staff = staff_browser("caseworker")
    look(app, the_resident(app), staff, "caseworker", times=41)
    look(app, the_resident(app), staff, "safeguarding_lead", purpose="safety")
    first, last = resident.text("/my-record/looked"), resident.text("/my-record/looked?page=3")
    assert first.count("<dt>") == 20
    assert "keeps people safe" in first
    assert last.count("<dt>") == 2
    for odd in ("0", "99999", "-1", "x", "٣", "9" * 400):
        assert resident.get(f"/my-record/looked?page={odd}").status_code == 200


def test_a_code_alone_counts_as_somebody_else(
    resident: Browser, another_browser: Callable[..., Browser]
) -> None:
    glance = another_browser()
    glance.send("/come-back", code=resident.code, pin="")  # type: ignore[attr-defined]
    assert glance.get("/roadmap").status_code == 200
    assert "Somebody with your code alone." in resident.text("/my-record/looked")


def written_actions() -> set[str]:
    """Every action that stands as a text in a call which writes in the record."""
    found = set()
    for path in (ROOT / "inclusion_app").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func).split(".")[-1]
            given = [word.value for word in call.keywords if word.arg == "action"]
            if name in {"note", "_note", "_act", "_erase"} and len(call.args) > 2:
                given.append(call.args[2])
            if name in {"record", "record_act", "note", "_note", "_act", "_erase"}:
                found |= {
                    word.value
                    for word in given
                    if isinstance(word, ast.Constant) and isinstance(word.value, str)
                }
    return found


def test_every_action_role_purpose_has_words(app: Flask) -> None:
    actions = written_actions()
    assert {"make", "renew code", "export", "answer feedback", "leave group", "type in", "delete"} <= actions
    for action in actions:
        assert my_record_words.action_words(action).endswith("."), action
    # The staff who read the record have words for each as well, and never see a code.
    assert not {action for action in actions if record_words.action_words(action) == record_words.CHANGED}
    # Those of today stand in the table; what later parts write falls back on a sentence that is true of them too.
    assert actions - set(my_record_words.DONE) <= {
        "read handout", "delete", "expire", "take feedback", "give back feedback"
    } | {action for action in actions if my_record_words.action_words(action) == my_record_words.CHANGED}  # fmt: skip
    for role in ROLES:
        assert role in my_record_words.ROLE_WORDS, role
    for purpose in ("help", "present", "safety", "request", "feedback", "operations", "retention", *PURPOSES):
        assert my_record_words.purpose_words(purpose)
    assert my_record_words.purpose_words("own") is None
    assert my_record_words.purpose_words("something new") == "To help you."
    assert my_record_words.who_words("a new role", is_self=False) == my_record_words.SOMEBODY
    for rule in app.url_map.iter_rules():
        view, room = app.view_functions[rule.endpoint], rule.endpoint.partition(".")[0]
        for item in getattr(view, "reads", ()):
            said = my_record_words.action_words(f"read {rule.endpoint}")
            assert said == my_record_words.LOOKED or (
                room in {"training", "loans", "referrals"} and said in my_record_words.DONE.values()
            )
            assert not rule.endpoint.startswith("people.my_record") or item in my_record_words.ITEM_NAMES


# Take it along.


def test_the_download_holds_everything_and_is_noted(
    resident: Browser, app: Flask, holding: registry.Holding, staff_browser: Callable[..., StaffBrowser]
) -> None:
    number = the_resident(app)
    look(app, number, staff_browser("caseworker", organisation="Red Door"), "caseworker")
    before = len(rows(app))
    answer = resident.send("/my-record/download")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == "attachment; filename=my-record.zip"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert rows(app)[before:] == [("export", number, "record")]
    archive = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert archive.namelist() == ["my-record.html", "my-record.json"]
    data = json.loads(archive.read("my-record.json"))
    assert data["held"]["test"]["number"] == number
    assert {"by": "caseworker", "organisation": "Red Door"}.items() <= data["who_looked"][-1].items()
    page = archive.read("my-record.html").decode()
    assert f"&lt;b&gt;{number}" in page
    assert "Red Door" in page
    assert not re.search(r"<script|<link|src=|href=", page)
    assert page.count("<section") == 1  # English alone is said once


def test_the_readable_page_speaks_the_language_and_english(
    app: Flask, another_browser: Callable[..., Browser], holding: registry.Holding
) -> None:
    person = another_browser("ur")
    person.make_plan()
    person.save_plan()
    answer = person.send("/my-record/download")
    page = zipfile.ZipFile(io.BytesIO(answer.get_data())).read("my-record.html").decode()
    assert '<section lang="ur" dir="rtl">' in page
    assert '<section lang="en" dir="ltr">' in page
    assert '<html lang="ur" dir="rtl">' in page
    assert page.count("What we hold about you") >= 1
    assert "in-english" not in page


def test_a_download_needs_its_token_and_a_get_gives_nothing(resident: Browser) -> None:
    assert resident.client.post("/en/my-record/download").status_code == 400
    assert resident.get("/my-record/download").mimetype == "text/html"


# Put it right.


def test_facts_are_put_right_and_taken_away(resident: Browser, app: Flask) -> None:
    page = resident.text("/my-record/correct")
    assert 'value="Amina"' in page
    assert "British Sign Language" in page
    sent = {"name": " Amina\x00  Khan\u202e ", "nickname": "", "language": "ur", "spoken": "so", "read": "bfi",
            "needs": ["quiet", "large_print"]}  # fmt: skip
    answer = resident.send("/my-record/correct", **sent)
    assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Resident)).one()
        assert (row.name, row.nickname, row.language, row.spoken, row.read) == (
            "Amina Khan",
            None,
            "ur",
            "so",
            "bfi",
        )
        assert row.needs == {"needs": ["large_print", "quiet"]}
        assert row.name_hash
    assert ("correct record", the_resident(app), "identity needs") in rows(app)
    assert "Your facts are changed." in resident.text("/my-record")
    resident.send("/my-record/correct", language="en")
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Resident)).one()
        assert (row.name, row.name_hash, row.spoken, row.needs) == (None, None, None, None)


def test_a_name_of_signs_alone_is_like_no_other_name(resident: Browser, app: Flask) -> None:
    assert resident.send("/my-record/correct", name="!?", language="en").status_code == 303
    with app.app_context(), transaction() as session:
        row = session.scalars(select(Resident)).one()
        assert (row.name, row.name_hash) == ("!?", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "x" * 81), ("nickname", "x" * 41), ("language", "xx"), ("spoken", "klingon"), ("needs", "a horse"),
     ("language", "")],
)  # fmt: skip
def test_wrong_facts_are_refused_and_stay_typed(
    resident: Browser, app: Flask, field: str, value: str
) -> None:
    answer = resident.send("/my-record/correct", **{"name": "Bilal", "language": "en", field: value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "There is a problem" in page
    assert field == "name" or 'value="Bilal"' in page
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Resident.name)).one() is None


def routes(app: Flask) -> list[tuple[str, str | None]]:
    with app.app_context(), transaction() as session:
        found = session.execute(
            select(ContactRoute.kind, ContactRoute.value).order_by(ContactRoute.position)
        ).all()
        return [(kind, value) for kind, value in found]


def test_ways_to_be_reached_are_added_moved_and_taken_away(resident: Browser, app: Flask) -> None:
    add = "/my-record/contact"
    for kind, value in (
        ("sms", "٠٧٧٠٠ ٩٠٠١٢٣"),
        ("email", "amina@example.org"),
        ("letter", "1 High Street\nM14 5RQ"),
    ):
        assert resident.send(add, kind=kind, value=value).status_code == 303, kind
    assert routes(app) == [("sms", "+447700900123"), ("email", "amina@example.org"), ("letter", None)]
    page = resident.text(add)
    assert "07700 900123" in page
    assert "1 High Street" in page
    ids = re.findall(r'value="remove:(\d+)"', page)
    assert resident.send(add, do=f"up:{ids[2]}").status_code == 303
    assert [kind for kind, _value in routes(app)] == ["sms", "letter", "email"]
    resident.send(add, do=f"up:{ids[0]}")  # the first stays first
    assert resident.send(add, do=f"remove:{ids[2]}").status_code == 303
    assert [kind for kind, _value in routes(app)] == ["sms", "email"]
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Resident.address)).one() is None
    assert resident.send(add, do=f"remove:{ids[2]}").status_code == 422
    assert resident.send(add, kind="caseworker").status_code == 303
    assert resident.send(add, kind="call", value="0161 234 5678").status_code == 303
    assert resident.send(add, kind="letter", value="2 High Street").status_code == 303
    full = resident.send(add, kind="sms", value="07700 900124")
    assert (full.status_code, "five ways at most" in full.get_data(as_text=True)) == (422, True)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("", ""), ("pigeon", "x"), ("sms", ""), ("sms", "0161 234 5678"), ("email", "nobody"), ("letter", " \n "),
     ("letter", "x" * 301), ("sms", "\x00" * 50), ("call", "9" * 5000)],
)  # fmt: skip
def test_a_wrong_way_is_refused(resident: Browser, app: Flask, kind: str, value: str) -> None:
    assert resident.send("/my-record/contact", kind=kind, value=value).status_code == 422
    assert routes(app) == []


def test_a_person_says_themself_how_never_to_be_reached(resident: Browser, app: Flask) -> None:
    page = "/my-record/contact"
    with app.app_context(), transaction() as session:
        session.scalars(select(Resident)).one().safe_contact = {"hours": ["10:00", "12:00"]}

    def rule() -> dict[str, Any] | None:
        with app.app_context(), transaction() as session:
            return session.scalars(select(Resident.safe_contact)).one()

    before = len(rows(app))
    assert resident.send(page, do="never", never=["never_call", "no_service_name"]).status_code == 303
    assert rows(app)[before + 1 :] == [("change contact", the_resident(app), "contact")]
    kept = rule() or {}
    assert kept["never_call"] and kept["no_service_name"] and not kept["no_letter"]
    assert kept["hours"] == ["10:00", "12:00"]
    shown = resident.text(page)
    assert re.search(r'value="never_call"[^>]* checked', shown)
    assert not re.search(r'value="no_letter"[^>]* checked', shown)
    assert resident.send(page, do="never", never=["sing"]).status_code == 422
    # Another form of the same page leaves the rule alone.
    assert resident.send(page, kind="caseworker").status_code == 303
    assert rule() == kept
    assert resident.send(page, do="never").status_code == 303
    assert (rule() or {}).get("hours") and not (rule() or {}).get("never_call")


def test_a_child_is_kept_by_an_adults_rule(resident: Browser, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        one = session.scalars(select(Resident)).one()
        one.age_band, one.safe_contact = "under_13", {"never_call": True}
    assert resident.send("/my-record/contact", do="never").status_code == 422
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Resident.safe_contact)).one() == {"never_call": True}


@pytest.mark.parametrize(
    "do", ["up:999999", "remove:1", "remove:x", "up:" + "9" * 50, "remove:-1", "remove:"]
)
def test_nobody_moves_what_is_not_theirs(resident: Browser, app: Flask, do: str) -> None:
    with app.app_context(), transaction() as session:
        other = services.make_resident(
            session, secret_kind="pin", secret_hash="x", nickname=None, pin_for_everything=False, language="en", now=now()
        )  # fmt: skip
        session.add(ContactRoute(resident_id=other.id, position=1, kind="caseworker", made_at=now()))
    assert resident.send("/my-record/contact", do=do).status_code == 422
    assert len(routes(app)) == 1


# Delete it.


def test_deleting_says_what_goes_and_stays_and_takes_all_at_once(
    resident: Browser, app: Flask, holding: registry.Holding
) -> None:
    page = resident.text("/my-record/delete")
    for words in ("Your plan", "What you told us", "six years", "30 days"):
        assert words in page
    assert resident.get("/my-record/delete").status_code == 200  # looking deletes nothing
    resident.send("/my-record/contact", kind="sms", value="07700 900123")
    assert resident.send("/my-record/delete").status_code == 303
    with app.app_context(), transaction() as session:
        for model in (Resident, ContactRoute, Feedback):
            assert session.scalar(select(func.count()).select_from(model)) == 0
    assert "The code alone is not enough" in resident.text("/my-record")
    assert resident.get("/my-record/print").status_code == 403


# Say something.


def with_consent(app: Flask, organisation_id: int, **facts: object) -> None:
    with app.app_context(), transaction() as session:
        make_consent(
            session, resident_id=session.scalars(select(Resident.id)).one(), organisation_id=organisation_id, **facts
        )  # fmt: skip


def test_a_complaint_reaches_a_named_person_and_the_answer_comes_back(
    resident: Browser,
    app: Flask,
    staff_browser: Callable[..., StaffBrowser],
    wanted: list[events.MessageWanted],
) -> None:
    admin = staff_browser("organisation_admin", organisation="Red Door", name="Sam Patel")
    other = staff_browser("organisation_admin", organisation="Blue Door")
    with_consent(app, admin.organisation_id, withdrawn_at=now())
    page = resident.text("/my-record/tell")
    assert "Red Door: Sam reads it" in page
    assert "Blue Door" not in page
    sent = {"kind": "complaint", "to": str(admin.organisation_id), "words": "You were late.\nTwice. <b>"}
    assert resident.send("/my-record/tell", **sent).status_code == 303
    assert [(event.template, event.staff_id) for event in wanted] == [("staff_feedback", admin.staff_id)]
    assert "You were late." in resident.text("/my-record")
    assert "Sam" in resident.text("/my-record")

    assert "waits for somebody" in admin.text("/staff")
    assert "waits for somebody" not in other.text("/staff")
    listed = admin.text("/staff/feedback")
    assert "You were late" not in listed
    path = re.search(r'href="(/staff/feedback/\d+)"', listed)
    assert path
    before = len(rows(app))
    page = admin.text(path[1])
    assert rows(app)[before:] == [("read people.feedback_one", the_resident(app), "feedback")]
    assert "You were late." in page
    assert "Twice. &lt;b&gt;" in page
    assert "Amina" not in page
    assert without_token(other.get(path[1])) == without_token(other.get("/staff/feedback/999999"))

    assert admin.send(path[1], do="answer", answer="Sorry").status_code in {400, 422}  # not taken yet
    assert admin.send(path[1], do="take").status_code == 303
    colleague = staff_browser("organisation_admin", organisation="Red Door", name="Jo Byrne")
    assert colleague.send(path[1], do="answer", answer="I say no").status_code == 422
    assert admin.send(path[1], do="answer", answer="").status_code == 422
    assert admin.send(path[1], do="answer", answer="x" * 2001).status_code == 422
    assert admin.send(path[1], do="answer", answer="We are sorry.").status_code == 303
    assert admin.client.post(path[1], data={"do": "answer", "answer": "Again"}).status_code == 400
    told = wanted[-1]
    assert (told.template, told.resident_id, told.organisation_id) == (
        "feedback_answered", the_resident(app), admin.organisation_id
    )  # fmt: skip
    assert set(told.params) == {"link", "organisation"}
    assert "sorry" not in json.dumps(dict(told.params))
    assert "We are sorry." in resident.text("/my-record")
    assert "Nothing waits for you now." in admin.text("/staff")
    looked = resident.text("/my-record/looked")
    assert "Answered your message." in looked
    assert "To answer your message." in looked


def test_whoever_is_reached_by_letter_only_gets_the_answer_itself(
    resident: Browser,
    app: Flask,
    staff_browser: Callable[..., StaffBrowser],
    wanted: list[events.MessageWanted],
) -> None:
    officer = staff_browser("data_protection")
    resident.send("/my-record/contact", kind="letter", value="1 High Street")
    resident.send("/my-record/tell", kind="complaint", to="city", words="Nobody wrote")
    officer.send("/staff/feedback/1", do="take")
    officer.send("/staff/feedback/1", do="answer", answer="We are sorry.")
    assert dict(wanted[-1].params) == {"words": "We are sorry."}
    # With a phone as well: which way it takes is decided later, so the letter has its words with it.
    resident.send("/my-record/contact", kind="sms", value="07700 900123")
    resident.send("/my-record/tell", kind="complaint", to="city", words="Still nobody")
    officer.send("/staff/feedback/2", do="take")
    officer.send("/staff/feedback/2", do="answer", answer="We are very sorry.")
    assert set(wanted[-1].params) == {"words", "link"}


def test_of_two_who_take_it_one_answers(
    resident: Browser, app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    first, second = staff_browser("organisation_admin"), staff_browser("organisation_admin")
    with_consent(app, first.organisation_id)
    resident.send("/my-record/tell", kind="thanks", to=str(first.organisation_id), words="Thank you")
    assert first.send("/staff/feedback/1", do="take").status_code == 303
    token = re.search(r'name="csrf_token" value="([^"]+)"', second.text("/staff/feedback"))
    assert token
    late = second.client.post("/staff/feedback/1", data={"do": "take", "csrf_token": token[1]})
    assert (late.status_code, "Somebody else answers" in late.get_data(as_text=True)) == (422, True)
    assert second.send("/staff/feedback/1", do="back").status_code == 303  # the first one is ill
    assert second.send("/staff/feedback/1", do="take").status_code == 303
    assert second.send("/staff/feedback/1", do="nonsense").status_code == 422


@pytest.mark.parametrize("admin_elsewhere", [False, True])
def test_what_somebody_took_who_then_left_waits_for_the_others(
    resident: Browser, app: Flask, staff_browser: Callable[..., StaffBrowser], admin_elsewhere: bool
) -> None:
    first, second = staff_browser("organisation_admin"), staff_browser("organisation_admin")
    with_consent(app, first.organisation_id)
    resident.send("/my-record/tell", kind="complaint", to=str(first.organisation_id), words="Hello")
    first.send("/staff/feedback/1", do="take")
    assert "Nothing waits for you now." in second.text("/staff")
    with app.app_context(), transaction() as session:
        session.execute(
            update(Membership).where(Membership.staff_id == first.staff_id).values(until_at=now())
        )
        if admin_elsewhere:
            elsewhere = make_organisation(session).id
            session.add(
                Membership(
                    staff_id=first.staff_id, organisation_id=elsewhere, role="organisation_admin", since_at=now()
                )
            )  # fmt: skip
    assert "waits for somebody" in second.text("/staff")
    assert second.send("/staff/feedback/1", do="back").status_code == 303
    assert second.send("/staff/feedback/1", do="take").status_code == 303


def test_the_city_reads_what_is_for_it_and_what_nobody_else_can(
    resident: Browser, app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    officer = staff_browser("data_protection", organisation="The city", name="Ada Okoro")
    admin = staff_browser("organisation_admin", organisation="Red Door")
    with_consent(app, admin.organisation_id)
    resident.send("/my-record/tell", kind="complaint", to="city", words="To the city")
    resident.send("/my-record/tell", kind="complaint", to=str(admin.organisation_id), words="To the door")
    assert admin.get("/staff/feedback/1").status_code == 404
    assert officer.get("/staff/feedback/1").status_code == 200
    assert officer.get("/staff/feedback/2").status_code == 404
    with app.app_context(), transaction() as session:
        from inclusion_app.accounts.models import Staff

        session.get_one(Staff, admin.staff_id).left_at = now()
    assert officer.get("/staff/feedback/2").status_code == 200
    assert "Red Door" not in resident.text("/my-record/tell")


def test_nobody_reads_of_a_person_who_is_kept_from_them(
    resident: Browser,
    app: Flask,
    staff_browser: Callable[..., StaffBrowser],
    wanted: list[events.MessageWanted],
) -> None:
    from inclusion_app.people.models import Restriction

    feared, other = (staff_browser("organisation_admin", name=name) for name in ("Max Low", "Sam Patel"))
    with_consent(app, feared.organisation_id)
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=the_resident(app), staff_id=feared.staff_id, made_at=now()))
    assert "Sam reads it" in resident.text("/my-record/tell")
    resident.send("/my-record/tell", kind="complaint", to=str(other.organisation_id), words="About Max")
    assert [event.staff_id for event in wanted] == [other.staff_id]
    assert feared.get("/staff/feedback/1").status_code == 404
    assert "day" not in feared.text("/staff/feedback").split("<main")[1].split("Nobody has written")[0]
    assert other.get("/staff/feedback/1").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", ""), ("kind", "insult"), ("to", ""), ("to", "999"), ("to", "٣"), ("to", "1" * 40), ("words", ""),
     ("words", " \n\x00 "), ("words", "x" * 2001)],
)  # fmt: skip
def test_a_message_that_is_not_one_is_refused(resident: Browser, app: Flask, field: str, value: str) -> None:
    sent = {"kind": "thanks", "to": "city", "words": "Kept words", field: value}
    answer = resident.send("/my-record/tell", **sent)
    assert answer.status_code == 422
    assert field == "words" or "Kept words" in answer.get_data(as_text=True)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(Feedback)) == 0


def test_all_that_is_wrong_with_a_message_is_said_at_once(resident: Browser) -> None:
    page = resident.send("/my-record/tell", kind="", to="", words="").get_data(as_text=True)
    for message in ("Choose what you want to say.", "Choose who should read it.", "Write a few words."):
        assert page.count(message) == 2, message  # at the head and at its field


def test_what_is_shared_or_said_by_two_presses_is_once(resident: Browser, app: Flask) -> None:
    with app.app_context(), transaction() as session:
        number = make_organisation(session).id
    sent = {
        "/my-record/tell": {"kind": "thanks", "to": "city", "words": "Thanks"},
        "/my-record/sharing/new": {
            "organisation": number, "items": ["identity"], "purpose": "help", "days": "30",
        },
    }  # fmt: skip
    for path, data in sent.items():
        page = resident.text(path)
        token, once = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("csrf_token", "once"))
        assert token and once
        for _press in range(2):
            answer = resident.client.post(
                f"/en{path}", data={**data, "csrf_token": token[1], "once": once[1]}
            )
            assert answer.status_code == 303
    with app.app_context(), transaction() as session:
        for kind in (Feedback, Consent):
            assert session.scalar(select(func.count()).select_from(kind)) == 1


def test_ten_messages_a_day(resident: Browser, app: Flask) -> None:
    for _ in range(10):
        assert resident.send("/my-record/tell", kind="thanks", to="city", words="Thanks").status_code == 303
    late = resident.send("/my-record/tell", kind="thanks", to="city", words="Thanks")
    assert (late.status_code, "many messages" in late.get_data(as_text=True)) == (422, True)


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"organisation_admin", "data_protection"}))
def test_other_roles_read_no_messages(staff_browser: Callable[..., StaffBrowser], role: str) -> None:
    person = staff_browser(role)
    assert person.get("/staff/feedback").status_code == 403
    assert person.get("/staff/feedback/1").status_code == 403


def test_the_list_and_the_single_message_agree(
    resident: Browser, app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    from inclusion_app.people.feedback_policy import TABLE

    doors = [staff_browser("organisation_admin", organisation=name) for name in ("Red Door", "Blue Door")]
    for door in doors:
        with_consent(app, door.organisation_id)
        resident.send("/my-record/tell", kind="thanks", to=str(door.organisation_id), words="Thanks")
    resident.send("/my-record/tell", kind="thanks", to="city", words="Thanks")
    seen = {}
    with app.app_context(), transaction() as session:
        for role in ROLES:
            for door in doors:
                principal = Principal(
                    "staff", staff_id=door.staff_id, organisation_id=door.organisation_id, roles=frozenset({role})
                )  # fmt: skip
                listed = set(
                    session.scalars(select(Feedback.id).where(TABLE.rows("feedback.answer", principal)))
                )
                single = {n for n in (1, 2, 3) if TABLE.allows(session, "feedback.answer", principal, n)}
                assert listed == single
                seen[role, door.organisation_id] = listed
    red, blue = (door.organisation_id for door in doors)
    assert seen.pop(("organisation_admin", red)) == {1}
    assert seen.pop(("organisation_admin", blue)) == {2}
    assert seen.pop(("data_protection", red)) == seen.pop(("data_protection", blue)) == {3}
    assert not any(seen.values())


def test_answered_messages_go_after_three_years(resident: Browser, app: Flask) -> None:
    resident.send("/my-record/tell", kind="thanks", to="city", words="Old")
    resident.send("/my-record/tell", kind="thanks", to="city", words="Still waits")
    with app.app_context(), transaction() as session:
        old = session.get_one(Feedback, 1)
        old.answer, old.answered_at = "Good", now() - timedelta(days=3 * 366 + 1)
        session.get_one(Feedback, 2).made_at = now() - timedelta(days=4000)
    done = app.test_cli_runner().invoke(args=["retention", "run", "--dry-run"])
    assert "would delete 1 answered feedback" in done.output
    app.test_cli_runner().invoke(args=["retention", "run"])
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Feedback.id)).all() == [2]
        trace = session.scalars(select(AuditRow).where(AuditRow.action == "expire feedback")).one()
        assert (trace.items, trace.resident_id, trace.actor_kind) == ("1", None, "retention")


def test_the_bundle_is_there_for_whoever_answers_a_request(resident: Browser, app: Flask) -> None:
    with app.test_request_context(), transaction() as session:
        archive = my_record_services.bundle(session, the_resident(app), now=now())
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["my-record.html", "my-record.json"]
