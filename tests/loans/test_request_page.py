"""The page of a request by its code: how it stands, what is offered, what one can do, and what a code alone never shows."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.codes import code_to_words, new_code, show_code
from inclusion_app.core.db import transaction
from inclusion_app.loans.models import (
    DeviceModel,
    Loan,
    LoanOffer,
    LoanOutcome,
    LoanRequest,
    LoanScheme,
    Renewal,
    RequestAnswers,
    Ticket,
    Unit,
)
from inclusion_app.loans.services import requests_decide
from inclusion_app.people import my_record_services
from inclusion_app.people.models import Resident
from inclusion_app.places.models import Place
from tests.conftest import Browser
from tests.factories.loans import make_loan, make_request, make_unit
from tests.factories.people import make_person
from tests.loans.conftest import Scheme


@pytest.fixture
def code(app: Flask, lending: Scheme) -> str:
    """A request that was sent a moment ago, by Canary who gave a reason."""
    with app.app_context(), transaction() as session:
        model = session.get_one(DeviceModel, lending.model_id)
        person = make_person(session, name="Canary Name")
        asked = make_request(
            session, model=model, status="submitted", waits_since=None, resident_id=person.id,
            place_id=lending.place_id, points=14,
        )  # fmt: skip
        session.add(RequestAnswers(request_id=asked.id, answers={"no_device": True, "unsafe": True}))
        return asked.code


def request_of(app: Flask, change: Callable[..., None] | None = None) -> LoanRequest:
    with app.app_context(), transaction() as session:
        asked = session.scalars(select(LoanRequest).order_by(LoanRequest.id)).first()
        assert asked is not None
        if change is not None:
            change(session, asked)
        session.flush()
        session.refresh(asked)
        return asked


def offer_it(app: Flask) -> None:
    request_of(
        app, lambda session, asked: requests_decide.approve(session, request=asked, staff_id=None, now=now())
    )


def lend_it(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        unit, asked = session.scalars(select(Unit)).one(), session.scalars(select(LoanRequest)).one()
        asked.waits_since = now()
        loan = make_loan(session, unit=unit, request=_offered(session, asked))
        return loan.id


def _offered(session: object, asked: LoanRequest) -> LoanRequest:
    requests_decide.approve(session, request=asked, staff_id=None, now=now())  # type: ignore[arg-type]
    return asked


# --- the code


def test_the_code_opens_it_as_people_type_it(browser: Browser, code: str) -> None:
    for typed in (code, show_code(code), code.lower(), "-".join(code_to_words(code))):
        assert "We have your request" in browser.text(f"/loans/{typed}")


def test_unknown_dead_and_other_codes_answer_alike(app: Flask, browser: Browser, code: str) -> None:
    unknown, strange = new_code(), "no-code-at-all"
    browser.make_plan()
    of_plan = browser.save_plan().replace("-", "")
    request_of(app, lambda _session, asked: setattr(asked, "forgotten_at", now()))
    answers = []
    for typed in (unknown, code, strange, of_plan):
        answer = browser.get(f"/loans/{typed}")
        page = re.sub(r'name="csrf_token" value="[^"]+"', "", answer.get_data(as_text=True))
        answers.append((answer.status_code, page.replace(typed, "CODE")))
    assert len(set(answers)) == 1
    assert answers[0][0] == 404


def test_guessing_is_stopped(browser: Browser, code: str) -> None:
    for _ in range(30):
        browser.get(f"/loans/{new_code()}")
    assert browser.get(f"/loans/{code}").status_code == 422


def test_typed_at_come_back_it_leads_here(browser: Browser, code: str) -> None:
    answer = browser.send("/come-back", code=show_code(code))
    assert answer.headers["Location"] == f"/en/loans/{code}"


def test_the_code_alone_shows_nothing_that_was_typed(app: Flask, browser: Browser, code: str) -> None:
    with app.app_context(), transaction() as session:
        session.delete(session.scalars(select(Unit)).one())
    offer_it(app)
    for path in ("", "/print"):
        page = browser.text(f"/loans/{code}{path}")
        assert "Canary" not in page
        assert "not safe, or has no home" not in page
        assert "14 points" not in page
    assert "You are next." in browser.text(f"/loans/{code}")
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action.like("read loans.%"))).all()
        person = session.scalars(select(Resident)).one()
        assert {(row.actor_kind, row.actor_id, row.resident_id) for row in rows} == {
            ("loan code", None, person.id)
        }
        assert len(rows) == 3


def test_who_opened_their_plan_reads_why(app: Flask, browser: Browser, code: str) -> None:
    browser.make_plan()
    browser.save_plan()
    with app.app_context(), transaction() as session:
        mine = session.scalars(select(Resident).order_by(Resident.id.desc())).first()
        asked = session.scalars(select(LoanRequest)).one()
        assert mine is not None
        asked.resident_id = mine.id
        session.delete(session.scalars(select(Unit)).one())
    offer_it(app)
    page = browser.text(f"/loans/{code}")
    assert "Your reasons give you 14 points." in page
    assert "not safe, or has no home" in page
    assert "You are in the queue" in browser.text("/roadmap")


# --- what one can do


def test_taking_it_back_twice_is_once(app: Flask, browser: Browser, code: str) -> None:
    for _ in range(2):
        assert browser.send(f"/loans/{code}/withdraw", form_on="/loans/ask").status_code == 303
    assert request_of(app).status == "withdrawn"
    assert "You took your request back" in browser.text(f"/loans/{code}")


@pytest.mark.parametrize(
    ("answer", "status", "state"),
    [("yes", "offered", "accepted"), ("keep", "queued", "declined"), ("no", "withdrawn", "declined")],
)
def test_an_offer_is_answered(
    app: Flask, browser: Browser, code: str, answer: str, status: str, state: str
) -> None:
    offer_it(app)
    page = browser.text(f"/loans/{code}")
    assert "There is a device for you" in page
    assert "We keep the device for you until:" in page
    assert browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer=answer).status_code == 303
    assert request_of(app).status == status
    with app.app_context(), transaction() as session:
        assert session.scalars(select(LoanOffer.state).order_by(LoanOffer.id)).first() == state


def test_an_offer_that_is_over_says_so(app: Flask, browser: Browser, code: str) -> None:
    offer_it(app)
    with app.app_context(), transaction() as session:
        session.scalars(select(LoanOffer)).one().ends_at = now() - timedelta(hours=1)
    assert "The time to answer is over." in browser.text(f"/loans/{code}")
    answer = browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer="yes")
    assert answer.status_code == 422
    assert "This offer is over." in answer.get_data(as_text=True)
    # What is no answer changes nothing.
    assert browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer="maybe").status_code == 303


def test_a_time_to_fetch_it_is_chosen_from_the_list(app: Flask, browser: Browser, code: str) -> None:
    offer_it(app)
    browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer="yes")
    page = browser.text(f"/loans/{code}")
    times = re.findall(r'name="slot" value="([^"]+)"', page)
    assert times
    for wrong in ("", "tomorrow", "2026-01-01T10:00:00", "2026-01-01T10:00:00+00:00", "\0", "9" * 500):
        refused = browser.send(f"/loans/{code}/slot", f"/loans/{code}", slot=wrong)
        assert refused.status_code == 422, wrong
    assert browser.send(f"/loans/{code}/slot", f"/loans/{code}", slot=times[0]).status_code == 303
    assert "You fetch it:" in browser.text(f"/loans/{code}")
    with app.app_context(), transaction() as session:
        assert session.scalars(select(LoanOffer.slot_at)).one() is not None


def test_it_is_brought_and_the_address_is_shown_nowhere(app: Flask, browser: Browser, code: str) -> None:
    offer_it(app)
    refused = browser.send(f"/loans/{code}/bring", f"/loans/{code}", address="1 Canary Road")
    assert refused.status_code == 422  # not before a yes
    browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer="yes")
    empty = browser.send(f"/loans/{code}/bring", f"/loans/{code}", address="  ")
    assert empty.status_code == 422
    assert "Write where we should bring it." in empty.get_data(as_text=True)
    # Nothing is cut without a word: it is refused at its field, and what they typed stays.
    typed = "1 Canary Road " + "behind the green gate " * 220
    long = browser.send(f"/loans/{code}/bring", f"/loans/{code}", address=typed)
    assert long.status_code == 422
    assert 'id="address-error"' in long.get_data(as_text=True)
    assert "Use 300 letters at most." in long.get_data(as_text=True)
    assert typed.strip() in long.get_data(as_text=True)
    assert browser.send(f"/loans/{code}/bring", f"/loans/{code}", address="1 Canary Road").status_code == 303
    page = browser.text(f"/loans/{code}")
    assert "We bring it to you." in page
    assert "Canary" not in page
    # Nobody is sent to a place to which it does not come.
    assert "Say your code there." not in page
    assert "We keep the device for you until:" not in page
    slip = browser.text(f"/loans/{code}/print")
    assert "We bring it to you." in slip
    assert "Gorton" not in slip


def test_a_question_is_answered(app: Flask, browser: Browser, code: str) -> None:
    request_of(
        app,
        lambda session, asked: requests_decide.ask_more(
            session, request=asked, question="still_wanted", staff_id=None, now=now()
        ),
    )
    assert "Do you still want to borrow a device?" in browser.text(f"/loans/{code}")
    assert browser.send(f"/loans/{code}/still", f"/loans/{code}").status_code == 303
    assert request_of(app).status == "submitted"
    assert browser.send(f"/loans/{code}/still", form_on="/loans/ask").status_code == 303


def test_a_no_says_why_and_where_to_go_on(app: Flask, browser: Browser, code: str) -> None:
    request_of(
        app,
        lambda session, asked: requests_decide.decline(
            session, request=asked, reason="no_stock", staff_id=None, now=now()
        ),
    )
    page = browser.text(f"/loans/{code}")
    assert "We do not have such a device to lend." in page
    assert "You can use a computer for free at a library." in page


# --- on loan


def test_it_is_kept_longer_once_by_a_form_sent_twice(app: Flask, browser: Browser, code: str) -> None:
    loan_id = lend_it(app)
    page = browser.text(f"/loans/{code}")
    assert "Please give it back by:" in page
    assert "There is nothing to pay" in page
    key = re.findall(r'name="form_key" value="([^"]+)"', page)[0]
    for _ in range(2):
        assert browser.send(f"/loans/{code}/longer", form_on="/loans/ask", form_key=key).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(Renewal)) == 1
        loan = session.get_one(Loan, loan_id)
        assert loan.renewals == 1
        assert loan.due_on > today() + timedelta(days=100)
    page = browser.text(f"/loans/{code}")
    assert "The new day stands above." in page
    assert "You asked today already." not in page  # they have what they asked for


@pytest.mark.parametrize("most", [0, 1, 3])
def test_that_it_cannot_be_kept_longer_is_right_for_any_number(
    app: Flask, browser: Browser, code: str, lending: Scheme, most: int
) -> None:
    """How often is a setting of the scheme; and a yes and a no never stand side by side."""
    loan_id = lend_it(app)
    with app.app_context(), transaction() as session:
        session.get_one(LoanScheme, lending.organisation_id).max_renewals = most
    for _ in range(most):
        key = re.findall(r'name="form_key" value="([^"]+)"', browser.text(f"/loans/{code}"))[0]
        browser.send(f"/loans/{code}/longer", form_on="/loans/ask", form_key=key)
        page = browser.text(f"/loans/{code}")
        assert "The new day stands above." in page
        assert "We cannot lend it" not in page
        assert 'name="form_key"' not in page
        with app.app_context(), transaction() as session:
            for row in session.scalars(select(Renewal)):
                row.asked_at -= timedelta(days=2)
    with app.app_context(), transaction() as session:
        assert session.get_one(Loan, loan_id).renewals == most
    # Another day: what was granted then is the day that stands above, and no more of it is said.
    for page in (browser.text(f"/loans/{code}"), browser.text(f"/loans/{code}/print")):
        assert "We cannot lend it to you for longer." in page
        assert "You can keep it longer." not in page
        assert "twice" not in page
    assert "Ways to have your own" in browser.text(f"/loans/{code}")


def test_while_somebody_waits_it_is_not_kept_longer(
    app: Flask, browser: Browser, code: str, lending: Scheme
) -> None:
    lend_it(app)
    with app.app_context(), transaction() as session:
        make_request(session, model=session.get_one(DeviceModel, lending.model_id))
    page = browser.text(f"/loans/{code}")
    assert "Somebody waits for one. So we need it back." in page
    assert 'name="form_key"' not in page
    assert browser.send(f"/loans/{code}/longer", form_on="/loans/ask", form_key="k" * 30).status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Renewal.refused_for)).one() == "waited_for"


def test_broken_is_told_and_costs_nothing(app: Flask, browser: Browser, code: str) -> None:
    lend_it(app)
    for wrong in ("", "haunted"):
        assert browser.send(f"/loans/{code}/broken", f"/loans/{code}", fault=wrong).status_code == 422
    assert browser.send(f"/loans/{code}/broken", f"/loans/{code}", fault="screen").status_code == 303
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Ticket.fault)).one() == "screen"
        assert session.scalars(select(Loan.status)).one() == "active"
    assert "We know that it is broken." in browser.text(f"/loans/{code}")


def test_lost_is_asked_once_more_and_costs_nothing(app: Flask, browser: Browser, code: str) -> None:
    lend_it(app)
    page = browser.text(f"/loans/{code}/lost")
    assert "There is nothing to pay." in page
    for wrong in ("", "no_contact", "eaten"):
        assert browser.send(f"/loans/{code}/lost", cause=wrong).status_code == 422
    assert browser.send(f"/loans/{code}/lost", cause="stolen").status_code == 303
    with app.app_context(), transaction() as session:
        loan = session.scalars(select(Loan)).one()
        assert (loan.status, loan.cause) == ("lost", "stolen")
    assert "You can ask for another one." in browser.text(f"/loans/{code}")
    again = browser.send(f"/loans/{code}/lost", cause="stolen")
    assert again.status_code == 422
    assert "This loan is over." in again.get_data(as_text=True)


def test_how_it_goes_is_asked_once(app: Flask, browser: Browser, code: str) -> None:
    loan_id = lend_it(app)
    path = f"/loans/{code}/how-it-goes"
    assert browser.get(path).status_code == 303  # not yet
    with app.app_context(), transaction() as session:
        session.get_one(Loan, loan_id).follow_up_on = today()
    assert "Tell us how it goes" in browser.text(f"/loans/{code}")
    assert browser.send(path, used_for=["fun"]).status_code == 422
    assert browser.send(path, used_for=["learn"], changed=["found_work"]).status_code == 303
    assert browser.get(path).status_code == 303
    with app.app_context(), transaction() as session:
        kept = session.scalars(select(LoanOutcome)).one()
        assert (kept.used_for, kept.changed) == ("learn", "found_work")
    page = browser.text(f"/loans/{code}")
    assert "Thank you. We have your answer." in page
    assert "Tell us how it goes" not in page


def test_without_a_loan_nothing_of_a_loan_can_be_done(browser: Browser, code: str) -> None:
    for path, data in (("longer", {}), ("broken", {"fault": "screen"})):
        assert browser.send(f"/loans/{code}/{path}", form_on="/loans/ask", **data).status_code == 422
    assert browser.send(f"/loans/{code}/lost", cause="lost").status_code == 422
    assert browser.send(f"/loans/{code}/slot", form_on="/loans/ask", slot="x").status_code == 422
    assert browser.send(f"/loans/{code}/offer", form_on="/loans/ask", answer="yes").status_code == 422


def test_what_was_done_by_the_code_stands_in_the_record(app: Flask, browser: Browser, code: str) -> None:
    offer_it(app)
    browser.send(f"/loans/{code}/offer", f"/loans/{code}", answer="yes")
    with app.app_context(), transaction() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "answer loan offer")).one()
        assert (row.actor_kind, row.actor_id) == ("loan code", None)


def test_the_slip_is_in_both_languages(
    app: Flask, another_browser: Callable[..., Browser], code: str
) -> None:
    lend_it(app)
    page = another_browser("ur").text(f"/loans/{code}/print")
    assert show_code(code) in page
    assert "Please give it back by" in page
    assert 'dir="rtl"' in page


# --- for who never goes online, and who gave no way to be told


def test_nobody_is_promised_a_message_who_gave_no_way(app: Flask, browser: Browser, code: str) -> None:
    for path in ("", "/print"):
        page = browser.text(f"/loans/{code}{path}")
        assert "tells you what comes next" not in page
        assert "We have no way to reach you. Look at the page of your code once a week, or ask us." in page
    with app.app_context(), transaction() as session:
        person = session.scalars(select(Resident)).one()
        my_record_services.add_route(
            session, resident=person, kind="letter", value="1 Canary Road", channels=("letter",), now=now()
        )  # fmt: skip
    page = browser.text(f"/loans/{code}")
    assert "Somebody reads it and tells you what comes next." in page
    assert "no way to reach you" not in page


def test_the_slip_says_all_that_the_page_says(app: Flask, browser: Browser, code: str) -> None:
    def slip() -> str:
        return browser.text(f"/loans/{code}/print")

    def ask(session: object, asked: LoanRequest) -> None:
        requests_decide.ask_more(session, request=asked, question="where", staff_id=None, now=now())  # type: ignore[arg-type]

    assert "There is nothing to pay." in slip()
    request_of(app, ask)
    assert "Where can you fetch it? Or should we bring it?" in slip()
    with app.app_context(), transaction() as session:
        asked = session.scalars(select(LoanRequest)).one()
        requests_decide.answer_more(session, request=asked, now=now())
        session.delete(session.scalars(select(Unit)).one())
        requests_decide.approve(session, request=asked, staff_id=None, now=now())
    assert "You are next." in slip()
    assert "not safe, or has no home" not in slip()


def test_the_slip_says_how_to_answer_an_offer_and_when_it_is_over(
    app: Flask, browser: Browser, code: str
) -> None:
    offer_it(app)
    assert "You can say it on the page of your code, or by phone." in browser.text(f"/loans/{code}/print")
    with app.app_context(), transaction() as session:
        session.scalars(select(LoanOffer)).one().ends_at = now() - timedelta(hours=1)
    for path in ("", "/print"):
        page = browser.text(f"/loans/{code}{path}")
        assert "The time to answer is over." in page
        assert "Please phone us or go to a place below." in page
        assert "We keep" not in page


def test_the_slip_of_a_no_says_why_and_where_to_go_on(app: Flask, browser: Browser, code: str) -> None:
    request_of(
        app,
        lambda session, asked: requests_decide.decline(
            session, request=asked, reason="no_stock", staff_id=None, now=now()
        ),
    )
    page = browser.text(f"/loans/{code}/print")
    assert "We do not have such a device to lend." in page
    assert "You can use a computer for free at a library." in page


def test_the_slip_of_a_late_loan_says_so(app: Flask, browser: Browser, code: str) -> None:
    loan_id = lend_it(app)
    with app.app_context(), transaction() as session:
        session.get_one(Loan, loan_id).due_on = today() - timedelta(days=2)
    page = browser.text(f"/loans/{code}/print")
    assert "The day to give it back is over. Please bring it soon." in page
    assert "You can ask to keep it longer." in page


def test_that_somebody_was_put_first_is_not_read_by_the_code_alone(
    app: Flask, browser: Browser, code: str
) -> None:
    with app.app_context(), transaction() as session:
        session.delete(session.scalars(select(Unit)).one())
    offer_it(app)
    request_of(
        app,
        lambda session, asked: requests_decide.put_first(session, request=asked, why="Not safe", now=now()),
    )
    for path in ("", "/print"):
        assert "special reason" not in browser.text(f"/loans/{code}{path}")


def test_what_has_ended_can_be_asked_for_again(app: Flask, browser: Browser, code: str) -> None:
    browser.send(f"/loans/{code}/withdraw", form_on="/loans/ask")
    assert re.search(r'class="button" href="/en/loans/ask"', browser.text(f"/loans/{code}"))


def test_the_slip_of_a_loan_names_each_place_where_it_can_be_brought(
    app: Flask, browser: Browser, code: str
) -> None:
    loan_id = lend_it(app)
    with app.app_context(), transaction() as session:
        loan = session.get_one(Loan, loan_id)
        unit = session.get_one(Unit, loan.unit_id)
        here = session.get_one(Place, loan.place_id)
        there = session.scalars(select(Place).where(Place.id != here.id).order_by(Place.id)).first()
        assert there is not None
        make_unit(session, model=unit.model, place_id=there.id)
        names = [here.name, there.name]
    page = html.unescape(browser.text(f"/loans/{code}/print"))
    assert page.index(f"<b>{names[0]}</b>") < page.index(f"<b>{names[1]}</b>")
