"""Notes are added to and never changed, but for fifteen minutes by who wrote them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import LOST
from inclusion_app.referrals import holding, rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseNote, Referral
from inclusion_app.referrals.services import staff_notes
from inclusion_app.referrals.services.staff_notes import Written
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person
from tests.factories.referrals import bring_to
from tests.people.world import NAME, looked_after
from tests.referrals.cases import acts, end_consents, note_of, send_on, share_caseload

Make = Callable[..., StaffBrowser]


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def boxes(day: Any) -> list[str]:
    return [str(day.day), str(day.month), str(day.year)]


def typed(**more: Any) -> dict[str, Any]:
    usual = {
        "kind": "visit", "happened_on": boxes(today()), "words": "We opened the e-mail.", "form_key": "one",
    }  # fmt: skip
    return {**usual, **more}


def notes(app: Flask) -> list[CaseNote]:
    with app.app_context(), transaction() as session:
        found = session.query(CaseNote).order_by(CaseNote.id).all()
        session.expunge_all()
        return found


def age(app: Flask, note_id: int, **back: float) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(CaseNote, note_id).written_at = now() - timedelta(**back)


def test_a_note_is_written_once_and_stands_in_the_case(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    page = f"/staff/people/{number}/notes/new"
    asked = worker.text(page)
    assert f'value="{today().year}"' in asked  # today stands there
    assert " checked" not in asked  # and nothing is chosen for anybody
    for _press in range(2):
        assert worker.send(page, **typed()).status_code == 303
    (note,) = notes(app)
    assert (note.kind, note.happened_on, note.words, note.is_shareable, note.author_id) == (
        "visit", today(), "We opened the e-mail.", False, worker.staff_id,
    )  # fmt: skip
    shown = worker.text(f"/staff/people/{number}/case")
    assert shown.count("We opened the e-mail.") == 1 and "Change it, until" in shown
    assert acts(app, number).count("write note") == 1


def test_one_typed_in_later_keeps_both_days(app: Flask, worker: StaffBrowser) -> None:
    number, day = looked_after(app, worker), today() - timedelta(days=9)
    worker.send(f"/staff/people/{number}/notes/new", **typed(happened_on=boxes(day), kind="outreach"))
    shown = worker.text(f"/staff/people/{number}/case")
    assert "It happened on" in shown and "typed on" in shown
    assert notes(app)[0].happened_on == day
    # Of one that was typed on its day only that day is said.
    worker.send(f"/staff/people/{number}/notes/new", **typed(form_key="two"))
    assert worker.text(f"/staff/people/{number}/case").count("It happened on") == 1


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"kind": ""}, "kind", words.CHOOSE_KIND),
        ({"kind": "spell"}, "kind", "Choose one of the answers"),
        ({"words": f"  {LOST} \n"}, "words", words.NOTHING_WRITTEN),
        ({"words": "x" * (rules.NOTE_LONGEST + 1)}, "words", words.NOTE_TOO_LONG),
        ({"happened_on": ["", "", ""]}, "happened_on", words.DAY_MISSING),
        ({"happened_on": ["31", "2", "2026"]}, "happened_on", "Type a real day"),
        ({"happened_on": ["1", "1", "2001"]}, "happened_on", "more than a year ago"),
        ({"happened_on": boxes(today() + timedelta(days=2))}, "happened_on", "still to come"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    app: Flask, worker: StaffBrowser, more: dict[str, Any], field: str, why: str
) -> None:
    number = looked_after(app, worker)
    answer = worker.send(f"/staff/people/{number}/notes/new", **typed(**more))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and why in page
    assert f'id="{field}-error"' in page and page.count("error-message") == 1
    assert notes(app) == []
    if "words" not in more:
        assert "We opened the e-mail." in page


def test_signs_that_were_lost_are_left_out(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    worker.send(f"/staff/people/{number}/notes/new", **typed(words=f"One{LOST} line\n\nand another\0"))
    assert notes(app)[0].words == "One line\n\nand another"


def test_its_author_changes_it_for_fifteen_minutes(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    page = f"/staff/notes/{note_id}/edit"
    assert "We opened the library page together." in worker.text(page)
    assert worker.send(page, **typed(words="In fact it was a bus ticket.", may_read="y")).status_code == 303
    (note,) = notes(app)
    assert (note.words, note.is_shareable) == ("In fact it was a bus ticket.", True)
    assert note.edited_at is not None and "changed at" in worker.text(f"/staff/people/{number}/case")
    assert "change note" in acts(app, number)


def test_after_that_the_page_refuses_and_takes_the_words_as_an_addition(
    app: Flask, worker: StaffBrowser
) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    page = f"/staff/notes/{note_id}/edit"
    worker.text(page)
    age(app, note_id, minutes=15, seconds=1)
    assert "The 15 minutes to change this note are over" in worker.text(page)
    late = worker.send(page, **typed(words="Something I had forgotten.", may_read="y"))
    shown = late.get_data(as_text=True)
    assert late.status_code == 422 and words.NOTE_TOO_LATE in shown
    assert "Something I had forgotten." in shown and f"/staff/notes/{note_id}/add" in shown
    assert notes(app)[0].words == "We opened the library page together."
    assert "Change it, until" not in worker.text(f"/staff/people/{number}/case")


def test_what_is_added_hangs_under_the_note(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    age(app, note_id, days=3)
    share_caseload(app, worker)
    colleague = staff_browser("caseworker", name="Remi Red")
    page = f"/staff/notes/{note_id}/add"
    for _press in range(2):
        added = colleague.send(page, **typed(words="The ticket was for the tram."))
        assert added.status_code == 303
    first, second = notes(app)
    assert (second.amends_id, second.kind, second.author_id) == (first.id, "visit", colleague.staff_id)
    # What is added to an addition stands under the note too.
    assert colleague.send(f"/staff/notes/{second.id}/add", **typed(form_key="two")).status_code == 303
    assert notes(app)[2].amends_id == first.id
    shown = worker.text(f"/staff/people/{number}/case")
    assert shown.index("We opened the library page") < shown.index("The ticket was for the tram.")
    assert shown.count("Added later") == 2
    # A colleague may add, but not change what is not theirs; nor may who wrote it change what was added.
    assert colleague.get(f"/staff/notes/{first.id}/edit").status_code == 404
    assert worker.get(f"/staff/notes/{second.id}/edit").status_code == 404
    assert colleague.send(page, **typed(words=" ")).status_code == 422


def test_a_stranger_to_the_person_gets_no_note(app: Flask, worker: StaffBrowser, staff_browser: Make) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    other = staff_browser("caseworker", organisation="Blue Door")
    lead = staff_browser("safeguarding_lead")
    unknown = other.get("/staff/notes/999999/edit")
    for path in ("edit", "add"):
        assert other.get(f"/staff/notes/{note_id}/{path}").status_code == 404
        assert lead.get(f"/staff/notes/{note_id}/{path}").status_code == 403
    assert other.get(f"/staff/people/{number}/notes/new").status_code == 404
    assert unknown.status_code == 404
    # And when the person takes their yes back, not even who wrote it.
    end_consents(app, number, now())
    for path in (f"notes/{note_id}/edit", f"notes/{note_id}/add", f"people/{number}/notes/new"):
        assert worker.get(f"/staff/{path}").status_code == 404


def test_pages_of_a_note_write_one_row_each(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    for path in (f"people/{number}/notes/new", f"notes/{note_id}/edit", f"notes/{note_id}/add"):
        before = len(acts(app, number))
        shown = worker.text(f"/staff/{path}")
        assert len(acts(app, number)) == before + 1, path
        assert "do not belong in a note" in shown
    assert NAME in worker.text(f"/staff/people/{number}/notes/new")


def test_only_what_they_may_read_stands_in_their_record(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker)
    note_of(app, number, worker, words="Canary kept")
    note_of(app, number, worker, words="Canary shared", is_shareable=True)
    with app.test_request_context(), transaction() as session:
        said = [fact.value for fact in holding.describe(session, number)]
    assert "Canary shared" in said and "Canary kept" not in said and "1" in said


# --- on both engines


def world(session: Any) -> tuple[int, int, int, int]:
    organisation = make_organisation(session)
    author, other = (make_staff(session, organisation_id=organisation.id).id for _one in range(2))
    return make_person(session).id, organisation.id, author, other


def test_the_statement_asks_for_the_time_and_the_author(both_engines: Flask) -> None:
    written, moment = Written("call", today(), "Changed."), now()
    with transaction() as session:
        number, organisation_id, author, other = world(session)
        staff_notes.write(
            session, resident_id=number, organisation_id=organisation_id, author_id=author, form_key="k",
            written=Written("visit", today(), "First."), now=moment, today=today(),
        )  # fmt: skip
        note_id = session.query(CaseNote.id).scalar()
    ends = rules.note_edit_ends(moment)
    for who, when, fine in (
        (author, ends - timedelta(seconds=1), True), (author, ends, False),
        (author, ends + timedelta(days=1), False), (other, moment, False),
    ):  # fmt: skip
        with transaction() as session:
            if fine:
                staff_notes.change(
                    session, note_id=note_id, author_id=who, written=written, now=when, today=today()
                )
                continue
            with pytest.raises(RuleBroken, match=re.escape(words.NOTE_TOO_LATE[:20])):
                staff_notes.change(
                    session, note_id=note_id, author_id=who, written=Written("visit", today(), "Late."), now=when,
                    today=today(),
                )  # fmt: skip
    with transaction() as session:
        note = session.query(CaseNote).one()
        assert (note.words, note.kind, note.edited_at) == ("Changed.", "call", ends - timedelta(seconds=1))


def test_a_form_sent_twice_keeps_one_note(both_engines: Flask) -> None:
    made = []
    with transaction() as session:
        number, organisation_id, author, _other = world(session)
    for text in ("First.", "Second."):
        with transaction() as session:
            made.append(
                staff_notes.write(
                    session, resident_id=number, organisation_id=organisation_id, author_id=author, form_key="k",
                    written=Written("visit", today(), text), now=now(), today=today(),
                )
            )  # fmt: skip
    with transaction() as session:
        assert [note.words for note in session.query(CaseNote)] == ["First."]
    assert made == [True, False]


def test_one_that_was_sent_along_is_added_to_and_never_changed(
    app: Flask, worker: StaffBrowser, staff_browser: Make
) -> None:
    number = looked_after(app, worker)
    note_id = note_of(app, number, worker)
    other = staff_browser("caseworker", organisation="Blue Door")
    page, case = f"/staff/notes/{note_id}/edit", f"/staff/people/{number}/case"
    assert "Change it, until" in worker.text(case)
    worker.text(page)
    referral_id = send_on(app, number, by=worker, to=other, note_ids=(note_id,))
    late = worker.send(page, **typed(words="I never wrote that."))
    shown = late.get_data(as_text=True)
    assert late.status_code == 422 and words.NOTE_SENT_ALONG in shown
    assert "I never wrote that." in shown and f"/staff/notes/{note_id}/add" in shown
    assert notes(app)[0].words == "We opened the library page together."
    assert "This note was sent along" in worker.text(page) and "Change it, until" not in worker.text(case)
    # They read it, so it stays as it was when the referral has ended too.
    with app.app_context(), transaction() as session:
        bring_to(session, session.get_one(Referral, referral_id), "recall")
    assert worker.send(page, **typed(words="I never wrote that.")).status_code == 422
