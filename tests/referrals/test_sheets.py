"""Outreach sheets: made once, printed on their day without what must not lie about, typed in once, ticked as destroyed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.core import paper
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON, now, today
from inclusion_app.core.db import transaction
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import rules, staff_plan_steps
from inclusion_app.referrals.models import CaseNote, OutreachSheet, SheetPerson
from inclusion_app.referrals.services import sheets
from inclusion_app.roadmaps.catalogue import load_catalogue
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import make_sheet
from tests.factories.world import make_glass
from tests.people.world import PHONE, code_of, looked_after, rows_of
from tests.referrals.test_caseload import received_by, sent_by, task_of

Make = Callable[..., StaffBrowser]
PAGE = "/staff/caseload/sheets"


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The HTML of each paper that was asked for; nothing is drawn."""
    asked: list[str] = []

    def draw(html: str, **_more: Any) -> bytes:
        asked.append(html)
        return b"%PDF-1.7"

    monkeypatch.setattr(paper, "render_pdf", draw)
    return asked


def sheet_of(app: Flask, staff: StaffBrowser, *people: int, days_ago: int = 0) -> int:
    with app.app_context(), transaction() as session:
        made = make_sheet(
            session, organisation_id=staff.organisation_id, staff_id=staff.staff_id, people=people
        )
        made.made_at = now() - timedelta(days=days_ago)
        return made.id


def on_sheets(app: Flask) -> list[tuple[int, int, int]]:
    with app.app_context(), transaction() as session:
        rows = session.execute(
            select(SheetPerson.sheet_id, SheetPerson.place, SheetPerson.resident_id).order_by(
                SheetPerson.sheet_id, SheetPerson.place
            )
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


def notes(app: Flask) -> list[CaseNote]:
    with app.app_context(), transaction() as session:
        found = session.scalars(select(CaseNote).order_by(CaseNote.id)).all()
        session.expunge_all()
        return list(found)


def test_a_sheet_is_made_once_with_its_people_in_order(app: Flask, worker: StaffBrowser) -> None:
    second, first = looked_after(app, worker, name="Second"), looked_after(app, worker, name="First")
    looked_after(app, worker, name="Restricted", is_restricted=True)
    task_of(app, worker, first, -1)
    before = len(rows_of(app))
    page = worker.text(f"{PAGE}/new")
    assert page.index("First") < page.index("Second") and "Restricted" not in page and "checked" not in page
    assert len(rows_of(app)) == before + 1
    data = {"people": [str(first), str(second)], "once": "pressed-twice"}
    for _press in range(2):
        assert worker.send(f"{PAGE}/new", **data).status_code == 303
    made = on_sheets(app)
    assert [row[1:] for row in made] == [(1, first), (2, second)]
    acts = [row for row in rows_of(app) if row[0] == "make outreach sheet"]
    assert acts == [("make outreach sheet", worker.staff_id, None, "identity plan", "help")]
    text = worker.text(f"{PAGE}/{made[0][0]}")
    assert "2 people stand on it." in text and "First" not in text and "Print with initials" in text


def test_who_cannot_stand_on_a_sheet(app: Flask, staff_browser: Make, worker: StaffBrowser) -> None:
    mine = looked_after(app, worker, name="Mine")
    hidden = looked_after(app, worker, name="Hidden", is_restricted=True)
    theirs = looked_after(app, staff_browser("caseworker"), name="Theirs")
    for people, said in (
        ([], "Choose at least one person."),
        ([str(hidden)], "Choose one of the answers"),
        ([str(mine), str(theirs)], "Choose one of the answers"),
        (["x"], "Choose one of the answers"),
    ):
        answer = worker.send(f"{PAGE}/new", people=people)
        assert answer.status_code == 422 and said in answer.get_data(as_text=True), people
    many = [str(looked_after(app, worker, name=f"P{number}")) for number in range(rules.SHEET_PEOPLE + 1)]
    answer = worker.send(f"{PAGE}/new", people=many)
    text = answer.get_data(as_text=True)
    assert (
        answer.status_code == 422
        and "A sheet has room for 20 people." in text
        and text.count(" checked>") == 21
    )
    assert on_sheets(app) == []
    assert worker.send(f"{PAGE}/new", people=many[:20]).status_code == 303 and len(on_sheets(app)) == 20


def test_what_stands_on_the_paper(app: Flask, worker: StaffBrowser, drawn: list[str]) -> None:
    one = looked_after(app, worker, name="Amina Yusuf", address="1 Secret Street")
    two = looked_after(app, worker, name="عائشہ خان")
    task_of(app, worker, one, words="Ask about the injection")
    number = sheet_of(app, worker, one, two)
    before = len(rows_of(app))
    answer = worker.get(f"{PAGE}/{number}/sheet.pdf?name=first")
    assert (
        answer.status_code == 200
        and answer.mimetype == "application/pdf"
        and "Amina" not in str(answer.headers)
    )
    assert rows_of(app)[before:] == [
        ("read referrals.sheet_pdf", worker.staff_id, None, "identity code plan tasks", "help")
    ]
    (html,) = drawn
    assert f"Outreach sheet {number}" in html and "Destroy after use." in html and "Made by" in html
    assert ">Amina<" in html and '<bdi dir="rtl">عائشہ</bdi>' in html
    code = code_of(app, one)
    assert code[-4:] in html
    for secret in ("Yusuf", PHONE, "0779", "Secret Street", "injection", code, "large_print", "never_call"):
        assert secret not in html, secret
    assert worker.get(f"{PAGE}/{number}/sheet.pdf?name=initials").status_code == 200
    assert "A. Y." in drawn[1] and "Amina" not in drawn[1]
    for wrong in ("", "?name=whole"):
        answer = worker.get(f"{PAGE}/{number}/sheet.pdf{wrong}")
        assert (answer.status_code, answer.location) == (303, f"{PAGE}/{number}")
    assert len(drawn) == 2


def test_without_a_plan_the_sheet_says_what_is_due(
    app: Flask, worker: StaffBrowser, drawn: list[str]
) -> None:
    tasked, owed, asked, sent, nothing = (looked_after(app, worker, name=f"P{number}") for number in range(5))
    task_of(app, worker, tasked, 3, words="Ask about the injection")
    due = now() + timedelta(days=2)
    received_by(app, worker, owed, clock_due=due)
    sent_by(app, worker, asked, "acknowledge", "ask")
    sent_by(app, worker, sent)
    # What the service asked for is a kind of thing too, and tells nothing of the person.
    again = looked_after(app, worker, name="P6")
    task_of(app, worker, again, 3, kind="find_out", words=None)
    number = sheet_of(app, worker, tasked, owed, asked, sent, nothing, again)
    worker.get(f"{PAGE}/{number}/sheet.pdf?name=first")
    day, by = today() + timedelta(days=3), due.astimezone(LONDON).date()
    steps = re.findall(r"</th><td>(.*?)</td>", drawn[0])
    assert steps == [
        f"Task, by {day:%A} {day.day} {day:%B}",
        f"Referral: answer by {by:%A} {by.day} {by:%B}",
        "Referral: answer a question",
        "–",
        "–",
        f"Ask whether it helped, by {day:%A} {day.day} {day:%B}",
    ]


def test_it_is_printed_again_on_its_day_only(
    app: Flask, staff_browser: Make, worker: StaffBrowser, drawn: list[str]
) -> None:
    one = looked_after(app, worker)
    new, old = sheet_of(app, worker, one), sheet_of(app, worker, one, days_ago=1)
    for _again in range(2):
        assert worker.get(f"{PAGE}/{new}/sheet.pdf?name=first").status_code == 200
    assert worker.get(f"{PAGE}/{old}/sheet.pdf?name=first").status_code == 404
    assert "sheet.pdf" not in worker.text(f"{PAGE}/{old}")
    assert worker.send(f"{PAGE}/{new}", how="shredded").status_code == 303
    assert worker.get(f"{PAGE}/{new}/sheet.pdf?name=first").status_code == 404
    colleague = staff_browser("caseworker")
    for page in (
        f"{PAGE}/{old}",
        f"{PAGE}/{old}/notes",
        f"{PAGE}/{old}/sheet.pdf?name=first",
        f"{PAGE}/999999",
    ):
        assert colleague.get(page).status_code == 404, page
    assert colleague.send(f"{PAGE}/{old}", form_on=f"{PAGE}/new", how="shredded").status_code in {400, 404}
    for role in ("organisation_admin", "safeguarding_lead", "platform_admin"):
        assert staff_browser(role).get(PAGE).status_code == 403


def test_whoever_shares_no_more_is_left_out(app: Flask, worker: StaffBrowser, drawn: list[str]) -> None:
    stays, ended, kept = (looked_after(app, worker, name=name) for name in ("Stays", "Endson", "Keptson"))
    number = sheet_of(app, worker, stays, ended, kept)
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).where(Consent.resident_id == ended).values(withdrawn_at=now()))
    assert "1 person no longer shares with you." in worker.text(f"{PAGE}/{number}")
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=kept, staff_id=worker.staff_id, made_at=now()))
    assert "2 people no longer share with you." in worker.text(f"{PAGE}/{number}/notes")
    worker.get(f"{PAGE}/{number}/sheet.pdf?name=first")
    assert "Stays" in drawn[0] and "Endson" not in drawn[0] and "Keptson" not in drawn[0]
    assert "2 people no longer share and are left out." in drawn[0]
    answer = send_notes(worker, number, {stays: "Well.", ended: "Not read."})
    assert answer.status_code == 303 and [note.resident_id for note in notes(app)] == [stays]


def test_nothing_of_health_stands_on_paper() -> None:
    told = re.compile(r"\b(GP|NHS|medicine|doctor|health|pharmacy)\b", re.IGNORECASE)
    named = {step.id for step in load_catalogue().steps.values() if told.search(step.title)}
    assert named <= staff_plan_steps.NOT_ON_PAPER


def test_the_next_step_is_of_a_shared_plan_only(
    app: Flask, browser: Any, worker: StaffBrowser, drawn: list[str]
) -> None:
    browser.make_plan(("g02",))
    code = browser.save_plan().replace("-", "").replace(" ", "")
    from inclusion_app.people.models import Resident  # noqa: PLC0415

    with app.app_context(), transaction() as session:
        owner = next(
            one for one in session.scalars(select(Resident)) if code in one.code or one.code in code
        ).id
        make_consent(session, resident_id=owner, organisation_id=worker.organisation_id)
        put_on_caseload(
            session, resident_id=owner, staff_id=worker.staff_id, organisation_id=worker.organisation_id
        )
        step = staff_plan_steps.next_steps(session, [owner], on_paper=True)[owner]
    number = sheet_of(app, worker, owner)
    worker.get(f"{PAGE}/{number}/sheet.pdf?name=first")
    assert step and f"<td>{step}</td>" in drawn[0]
    assert step in worker.text("/staff/caseload/outreach")
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).where(Consent.resident_id == owner).values(withdrawn_at=now()))
        make_consent(session, resident_id=owner, organisation_id=worker.organisation_id, items=("identity",))
    worker.get(f"{PAGE}/{number}/sheet.pdf?name=first")
    assert step not in drawn[1] and step not in worker.text("/staff/caseload/outreach")


# --- the end of a sheet


def test_it_is_ticked_as_destroyed_once(app: Flask, worker: StaffBrowser) -> None:
    number = sheet_of(app, worker, looked_after(app, worker))
    answer = worker.send(f"{PAGE}/{number}")
    assert answer.status_code == 422 and "Choose how it was destroyed." in answer.get_data(as_text=True)
    assert worker.send(f"{PAGE}/{number}", how="eaten").status_code == 422
    page = f"{PAGE}/{number}"
    assert worker.send(page, how="shredded").status_code == 303
    assert worker.send(page, form_on=f"{PAGE}/{number}/notes", how="given_back").status_code == 303
    with app.app_context(), transaction() as session:
        made = session.get_one(OutreachSheet, number)
        assert (made.destroyed_how, made.destroyed_by_id) == ("shredded", worker.staff_id)
    assert [row[0] for row in rows_of(app)].count("destroy outreach sheet") == 1
    text = worker.text(PAGE)
    assert "No sheet of yours lies anywhere." in text and "Shredded" in text


def test_after_a_week_it_is_asked_after(app: Flask, worker: StaffBrowser) -> None:
    one = looked_after(app, worker)
    sheet_of(app, worker, one, days_ago=6)
    assert "not ticked as destroyed" not in worker.text("/staff")
    old = sheet_of(app, worker, one, days_ago=7)
    assert "1 outreach sheet is not ticked as destroyed" in worker.text("/staff")
    assert worker.text(PAGE).count("Destroy it now") == 1
    worker.send(f"{PAGE}/{old}", how="given_back")
    assert "not ticked as destroyed" not in worker.text("/staff")


# --- notes typed in later


def send_notes(worker: StaffBrowser, sheet_id: int, said: dict[int, str], **more: Any) -> Any:
    day = today()
    boxes: dict[str, Any] = {f"words_{number}": words for number, words in said.items()}
    boxes |= {f"day_{number}": [str(day.day), str(day.month), str(day.year)] for number in said}
    return worker.send(f"{PAGE}/{sheet_id}/notes", **{**boxes, **more})


def test_notes_keep_the_day_it_happened_and_when_they_were_typed(app: Flask, worker: StaffBrowser) -> None:
    one, two, three = (looked_after(app, worker, name=name) for name in ("One", "Two", "Three"))
    number = sheet_of(app, worker, one, two, three, days_ago=3)
    day = today() - timedelta(days=3)
    typed = {
        f"day_{one}": [str(day.day), str(day.month), str(day.year)], f"words_{one}": "We met at the market.\n\nAll is well.",
        f"day_{three}": [str(day.day), str(day.month), str(day.year)], f"words_{three}": "ملاقات ہوئی",
        f"day_{two}": ["", "", ""], f"words_{two}": "  ", "once": "sent-twice",
    }  # fmt: skip
    before = len(rows_of(app))
    for _press in range(2):
        assert worker.send(f"{PAGE}/{number}/notes", **typed).status_code == 303
    found = notes(app)
    assert [(note.resident_id, note.words) for note in found] == [
        (one, "We met at the market.\nAll is well."), (three, "ملاقات ہوئی"),
    ]  # fmt: skip
    for note in found:
        assert (note.happened_on, note.kind, note.author_id) == (day, "outreach", worker.staff_id)
        assert (
            note.written_at > now() - timedelta(minutes=5) and note.organisation_id == worker.organisation_id
        )
        assert not note.is_shareable
    acts = [row for row in rows_of(app)[before:] if row[0] == "write a note from a sheet"]
    assert acts == [
        ("write a note from a sheet", worker.staff_id, who, "note", "help") for who in (one, three)
    ]
    again = worker.text(f"{PAGE}/{number}/notes")
    assert again.count("A note is typed in already") == 2 and "market" not in again


def test_all_that_is_wrong_is_said_at_once_and_what_was_typed_stays(app: Flask, worker: StaffBrowser) -> None:
    who: Sequence[int] = [looked_after(app, worker, name=f"P{number}") for number in range(5)]
    number = sheet_of(app, worker, *who)
    tomorrow = today() + timedelta(days=1)
    data = {
        f"words_{who[0]}": "Without a day.",
        f"day_{who[1]}": ["31", "2", "2026"], f"words_{who[1]}": "A day that is none.",
        f"day_{who[2]}": [str(tomorrow.day), str(tomorrow.month), str(tomorrow.year)], f"words_{who[2]}": "Tomorrow.",
        f"day_{who[3]}": ["1", "1", "2020"], f"words_{who[3]}": "x" * 4001,
        f"day_{who[4]}": [str(today().day), str(today().month), str(today().year)],
    }  # fmt: skip
    answer = worker.send(f"{PAGE}/{number}/notes", **data)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for said in (
        "For person 1: Write the day it happened.", "For person 2: Write a day with day, month and year.",
        "For person 3: This day is still to come.", "For person 4: This is more than a year ago.",
        "For person 4: Write at most 4000 letters.", "For person 5: Write what happened, or leave the day empty too.",
    ):  # fmt: skip
        assert said in text, said
    for one in who[:4]:
        assert f'href="#day_{one}"' in text
    assert "Without a day." in text and 'value="31"' in text and "Tomorrow." in text
    assert notes(app) == []
    empty = worker.send(f"{PAGE}/{number}/notes")
    assert empty.status_code == 422 and "Type at least one note." in empty.get_data(as_text=True)


def test_nobody_else_is_written_about(app: Flask, worker: StaffBrowser) -> None:
    one, beside = looked_after(app, worker), looked_after(app, worker, name="Beside")
    number = sheet_of(app, worker, one)
    answer = send_notes(worker, number, {one: "Right.", beside: "Not on this sheet.", 999_999: "Nobody."})
    assert answer.status_code == 303 and [note.resident_id for note in notes(app)] == [one]


def test_notes_sent_twice_at_once_are_written_once(both_engines: Flask) -> None:
    with transaction() as session:
        here = make_organisation(session).id
        staff = make_staff(session, organisation_id=here, roles=("caseworker",)).id
        people = [make_person(session).id for _one in range(3)]
        for number in people:
            make_consent(session, resident_id=number, organisation_id=here)
            put_on_caseload(session, resident_id=number, staff_id=staff, organisation_id=here)
        sheet = make_sheet(session, organisation_id=here, staff_id=staff, people=tuple(people)).id
    who = Principal("staff", staff_id=staff, organisation_id=here, roles=frozenset({"caseworker"}))
    typed = [sheets.Typed(number, today(), f"Note {number}") for number in people]

    def press(_press: int) -> int:
        with both_engines.test_request_context(), transaction() as session:
            return sheets.write_notes(
                session, actor=who, sheet_id=sheet, typed=typed, once="the same", now=now()
            )

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(press, range(4))) == 3
    with transaction() as session:
        assert sorted(session.scalars(select(CaseNote.resident_id))) == sorted(people)
        assert sheets.noted(session, sheet, people) == set(people)


def test_broken_glass_writes_no_note_from_a_sheet(app: Flask, worker: StaffBrowser) -> None:
    shares, seen = looked_after(app, worker, name="Shares"), looked_after(app, worker, name="Seen")
    number = sheet_of(app, worker, shares, seen)
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).where(Consent.resident_id == seen).values(withdrawn_at=now()))
        make_glass(
            session, resident_id=seen, staff_id=worker.staff_id, organisation_id=worker.organisation_id, began_at=now()
        )  # fmt: skip
    assert "Seen" in worker.text(f"/staff/people/{seen}")
    shown = worker.text(f"{PAGE}/{number}/notes")
    assert f'name="words_{shares}"' in shown and f'name="words_{seen}"' not in shown
    assert "1 person no longer shares with you" in shown
    answer = send_notes(worker, number, {shares: "Right.", seen: "By glass."})
    assert answer.status_code == 303 and [note.resident_id for note in notes(app)] == [shares]


def test_whom_a_note_may_be_about_is_asked_again_when_it_is_written(app: Flask, worker: StaffBrowser) -> None:
    one = looked_after(app, worker)
    number = sheet_of(app, worker, one)
    me = Principal(
        "staff", staff_id=worker.staff_id, organisation_id=worker.organisation_id, roles=frozenset({"caseworker"})
    )  # fmt: skip
    with app.app_context(), transaction() as session:
        session.execute(update(Consent).where(Consent.resident_id == one).values(withdrawn_at=now()))
        typed = [sheets.Typed(one, today(), "Too late.")]
        assert sheets.write_notes(session, actor=me, sheet_id=number, typed=typed, once="x", now=now()) == 0
    assert notes(app) == []
