"""The page of a booking: what it says, what can be done there, who gets to it, and the slip."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.codes import code_to_words, new_code, show_code
from inclusion_app.core.db import transaction
from inclusion_app.places.models import Place
from inclusion_app.roadmaps.models import StepProgress
from inclusion_app.training.models import Arrangement, Booking, Notice, Occurrence, TrainingSession
from inclusion_app.training.services import bookings, waiting
from tests.conftest import Browser
from tests.factories.training import make_booking, make_place, make_session


def make(app: Flask, *, of_session: dict[str, Any] | None = None, **facts: Any) -> tuple[str, int]:
    """A booking; its code and number."""
    with app.app_context(), transaction() as session:
        training = make_session(session, **(of_session or {}))
        made = make_booking(session, training, **facts)
        return made.code, made.id


def offered(app: Flask) -> tuple[str, int]:
    """Somebody who waited and has an offer now."""
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1)
        first = make_booking(session, training)
        made = make_booking(
            session, training, waiting_mode="ask_me", contact_kind="sms", contact="+447700900123"
        )
        make_booking(session, training)
        bookings.cancel(session, booking_id=first.id, by="learner", now=now())
        return made.code, made.id


def change(app: Flask, row: type, number: int, **facts: Any) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(row).where(row.id == number).values(**facts))  # type: ignore[attr-defined]


def status_of(app: Flask, number: int) -> str:
    with app.app_context(), transaction() as session:
        return session.get_one(Booking, number).status


def test_it_says_what_is_booked_and_changes_nothing(app: Flask, browser: Browser) -> None:
    code, _number = make(app, of_session={"room": "Blue room"}, label="Amina", contact_kind="sms",
                         contact="+447700900123", needs={"codes": ["large_print"], "note": "my leg"})  # fmt: skip
    page = browser.text(f"/book/{code}")
    for words in ("You are booked", "First steps", "Blue room", "0161 496 0000", show_code(code), "Large print",
                  " ".join(code_to_words(code)), "Hall"):  # fmt: skip
        assert words in page, words
    # Whoever finds the paper reads nothing of the person.
    for secret in ("Amina", "900123", "my leg"):
        assert secret not in page
    assert f'href="/en/book/{code}.ics"' in page
    assert browser.text(f"/book/{code}").count("You are booked") == 2


@pytest.mark.parametrize("typed", ["{0}", "{1}", "{2}", " {2}", "{3}"])
def test_the_code_is_read_as_people_type_it(app: Flask, browser: Browser, typed: str) -> None:
    code, _number = make(app)
    ways = (code, show_code(code), code.lower(), "-".join(code_to_words(code)))
    assert browser.get(f"/book/{typed.format(*ways)}").status_code == 200


def test_an_unknown_code_and_a_dead_one_answer_alike(app: Flask, browser: Browser) -> None:
    code, number = make(app)
    change(app, Booking, number, forgotten_at=now())
    unknown = new_code()
    seen = set()
    for one in (code, unknown):
        for path in ("", "/print", "/slip.pdf"):
            answer = browser.get(f"/book/{one}{path}")
            seen.add((path, answer.status_code, answer.get_data(as_text=True).replace(one, "")))
        for path in ("/cancel", "/offer", "/plan"):
            answer = browser.send(f"/book/{one}{path}", "/training")
            seen.add((path, answer.status_code, answer.get_data(as_text=True).replace(one, "")))
    assert len(seen) == 6
    assert {status for _path, status, _html in seen} == {404}
    for wrong in ("ABCDEFGH", "x", "9" * 3_000, "%F0%9F%98%80"):
        assert browser.get(f"/book/{wrong}").status_code == 404, wrong


def test_codes_of_people_and_groups_open_no_booking(app: Flask, browser: Browser) -> None:
    browser.make_plan()
    assert browser.get(f"/book/{browser.save_plan()}").status_code == 404


def test_who_guesses_codes_is_stopped_and_who_has_one_is_not(app: Flask, browser: Browser) -> None:
    code, _number = make(app)
    for _ in range(40):
        assert browser.get(f"/book/{code}").status_code == 200
    answers = [browser.get(f"/book/{new_code()}").status_code for _ in range(32)]
    assert answers == [404] * 30 + [422] * 2
    assert "Too many codes were tried" in browser.text(f"/book/{code}")


def test_a_code_typed_where_one_comes_back_leads_to_its_booking(app: Flask, browser: Browser) -> None:
    code, _number = make(app)
    for typed in (show_code(code), " ".join(code_to_words(code)), f"http://localhost/ur/book/{code}"):
        answer = browser.send("/come-back", code=typed)
        assert (answer.status_code, answer.location) == (303, f"/en/book/{code}"), typed
    answer = browser.send("/come-back", code=code, pin="4071")
    assert answer.location == f"/en/book/{code}"
    # Where a person is brought into a group it is no code of theirs.
    browser.make_plan()
    browser.save_plan()
    assert browser.send("/groups/join", code=code).status_code == 422


def test_i_cannot_come_frees_the_place_and_is_said_once(app: Flask, browser: Browser) -> None:
    code, number = make(app, of_session={"capacity": 1})
    for _ in range(2):
        assert (
            browser.send(f"/book/{code}/cancel", f"/book/{code}" if _ == 0 else "/training").status_code
            == 303
        )
    page = browser.text(f"/book/{code}")
    assert "This booking has ended" in page
    assert "You said that you cannot come." in page
    assert "/cancel" not in page
    assert status_of(app, number) == "cancelled"
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Occurrence)).one().taken == 0


def test_a_helper_is_not_taken_for_the_learner(app: Flask, browser: Browser) -> None:
    code, _number = make(app, booked_for="other")
    browser.send(f"/book/{code}/cancel", f"/book/{code}")
    assert "Your helper said that you cannot come." in browser.text(f"/book/{code}")


@pytest.mark.parametrize(
    ("answer", "status"), [("yes", "booked"), ("no", "cancelled"), ("keep", "waitlisted")]
)
def test_an_offer_is_taken_or_turned_down(app: Flask, browser: Browser, answer: str, status: str) -> None:
    code, number = offered(app)
    page = browser.text(f"/book/{code}")
    assert "A place is free for you" in page
    assert "We keep it for you until:" in page
    assert browser.send(f"/book/{code}/offer", f"/book/{code}", answer=answer).status_code == 303
    assert status_of(app, number) == status
    # The same button once more: what is booked stays booked, the rest is over.
    again = browser.send(f"/book/{code}/offer", "/training", answer=answer)
    assert again.status_code == (303 if answer == "yes" else 422)
    assert status_of(app, number) == status


def test_an_unknown_answer_to_an_offer_changes_nothing(app: Flask, browser: Browser) -> None:
    code, number = offered(app)
    assert browser.send(f"/book/{code}/offer", f"/book/{code}", answer="perhaps").status_code == 303
    assert browser.send(f"/book/{code}/offer", f"/book/{code}").status_code == 303
    assert status_of(app, number) == "offered"


def test_an_offer_that_is_over_says_so(app: Flask, browser: Browser) -> None:
    code, number = offered(app)
    with app.app_context(), transaction() as session:
        ends = session.get_one(Booking, number).offer_ends_at
    assert ends is not None
    with time_machine.travel(ends + timedelta(seconds=1), tick=False):
        page = browser.text(f"/book/{code}")
        assert "The time to answer is over." in page
        assert "Yes, I come" not in page
        answer = browser.send(f"/book/{code}/offer", f"/book/{code}", answer="yes")
        assert answer.status_code == 422
        assert bookings.OFFER_OVER in answer.get_data(as_text=True)
        with app.app_context(), transaction() as session:
            assert waiting.lapse_offers(session, now=now()) == 1
        page = browser.text(f"/book/{code}")
    assert "You did not take an offer. So you went to the end of the list." in page


def test_what_became_of_access_needs_is_said(app: Flask, browser: Browser) -> None:
    code, number = make(app, of_session={"offers": "step_free"},
                        needs={"codes": ["bsl", "interpreter", "step_free", "quiet", "large_print"]})  # fmt: skip
    with app.app_context(), transaction() as session:
        rows = {
            row.need: row
            for row in session.scalars(select(Arrangement).where(Arrangement.booking_id == number))
        }
        for need, status in (("bsl", "arranged"), ("interpreter", "not_possible")):
            session.execute(
                update(Arrangement)
                .where(Arrangement.id == rows[need].id)
                .values(status=status, decided_at=now())
            )
    page = browser.text(f"/book/{code}")
    said = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert said["British Sign Language"] == "Arranged."
    assert said["An interpreter"] == "This time it did not work. Ask before you travel."
    assert said["A quiet place"] == "Asked for. We tell you here if it works."
    assert said["Step-free way in"] == "It is there."
    assert said["Large print"] == "We know."


def test_a_need_nobody_could_see_to_in_time_is_said_before_they_travel(app: Flask, browser: Browser) -> None:
    code, _number = make(app, of_session={"lead_days": 30}, needs={"codes": ["bsl"]})
    page = browser.text(f"/book/{code}")
    assert "Not arranged yet. Phone before you travel." in page
    assert "We tell you here if it works." not in page


def test_what_the_organiser_told_is_read_in_the_readers_language(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    code, _number = make(app)
    with app.app_context(), transaction() as session:
        training = session.scalars(select(TrainingSession)).one()
        for template, params in (("training_new_room", {"room": "<b>4</b>"}), ("training_words", {"words": "Bring tea"}),
                                 ("no_such", {})):  # fmt: skip
            session.add(
                Notice(
                    session_id=training.id,
                    template=template,
                    params=params,
                    made_at=now() + timedelta(seconds=1),
                )
            )
        session.add(Notice(session_id=training.id, template="training_late", params={"minutes": "10"},
                           made_at=now() - timedelta(days=1)))  # fmt: skip
    for language in ("en", "ur"):
        page = another_browser(language).text(f"/book/{code}")
        assert "&lt;b&gt;4&lt;/b&gt;" in page
        assert "Bring tea" in page
    page = another_browser().text(f"/book/{code}")
    assert "The organiser wrote this. It is only in English:" in page
    assert "10 minutes later" not in page, "that was told before this was booked"


def test_a_date_that_was_cancelled_says_so(app: Flask, browser: Browser) -> None:
    days = [today() + timedelta(days=n) for n in (3, 10)]
    code, _number = make(app, of_session={"booked_as": "course", "days": days})
    with app.app_context(), transaction() as session:
        first = session.scalars(select(Occurrence.id).order_by(Occurrence.starts_at)).first()
        session.execute(update(Occurrence).where(Occurrence.id == first).values(status="cancelled"))
    page = browser.text(f"/book/{code}")
    assert page.count("This date does not take place.") == 1
    assert "I cannot come on this date" not in page, "one date is left: the button for all of it does"


def test_how_to_join_is_for_whoever_has_a_place(app: Flask, browser: Browser) -> None:
    online = {"is_online": True, "place_id": None, "joining": "Call room 7", "capacity": 1}
    code, _number = make(app, of_session=online)
    assert "Call room 7" in browser.text(f"/book/{code}")
    with app.app_context(), transaction() as session:
        training = session.scalars(select(TrainingSession)).one()
        waits, slug = make_booking(session, training).code, training.slug
    assert "Call room 7" not in browser.text(f"/book/{waits}")
    assert "Call room 7" not in browser.text(f"/training/{slug}")


def test_a_booking_is_put_into_the_plan_that_is_open(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    code, number = make(app)
    stranger, owner, other = another_browser(), another_browser(), another_browser()
    for person in (owner, other):
        person.make_plan()
        person.save_plan()
    assert "Put this into my plan" not in stranger.text(f"/book/{code}")
    assert stranger.send(f"/book/{code}/plan", f"/book/{code}").status_code == 303
    assert owner.send(f"/book/{code}/plan", f"/book/{code}").status_code == 303
    assert other.send(f"/book/{code}/plan", f"/book/{code}").status_code == 303
    assert "This booking is in your plan." in owner.text(f"/book/{code}")
    assert "Put this into my plan" not in other.text(f"/book/{code}")
    with app.app_context(), transaction() as session:
        resident_id = session.get_one(Booking, number).resident_id
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "keep booking")).all()
        assert [row.resident_id for row in rows] == [resident_id]


def test_a_booking_in_a_plan_notes_who_read_it_and_others_nobody(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    code, _number = make(app)
    owner, stranger, other = another_browser(), another_browser(), another_browser()
    for person in (owner, other):
        person.make_plan()
        person.save_plan()

    def rows(look: Callable[[], Any]) -> list[tuple[str, int | None]]:
        with app.app_context(), transaction() as session:
            last = session.scalar(select(AuditRow.id).order_by(AuditRow.id.desc()).limit(1)) or 0
        look()
        with app.app_context(), transaction() as session:
            found = session.scalars(select(AuditRow).where(AuditRow.id > last))
            return [(row.actor_kind, row.resident_id) for row in found]

    assert rows(lambda: owner.get(f"/book/{code}")) == []
    owner.send(f"/book/{code}/plan", f"/book/{code}")
    with app.app_context(), transaction() as session:
        me = session.scalars(select(Booking.resident_id)).one()
    assert rows(lambda: owner.get(f"/book/{code}")) == [("resident", me)]
    assert rows(lambda: other.get(f"/book/{code}")) == [("booking code", me)]
    for path in ("", "/print"):
        assert rows(lambda path=path: stranger.get(f"/book/{code}{path}")) == [("booking code", me)]  # type: ignore[misc]


# --- the slip


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_the_slip_holds_what_is_needed_and_nothing_of_the_person(
    app: Flask, another_browser: Callable[..., Browser], language: str
) -> None:
    code, _number = make(app, label="Amina", needs={"codes": ["bsl"]}, of_session={"room": "Blue room"})
    page = another_browser(language).text(f"/book/{code}/print")
    for words in (show_code(code), " ".join(code_to_words(code)), "0161 496 0000", "10:00–12:00", "Blue room",
                  "What will happen", "Is the time bad?", 'class="qr"', "1 High Street", f"/{language}/book/{code}"):  # fmt: skip
        assert words in page, words
    for secret in ("Amina", "British Sign Language"):
        assert secret not in page


def test_without_the_paper_service_the_slip_leads_to_its_page(app: Flask, browser: Browser) -> None:
    code, _number = make(app)
    answer = browser.get(f"/book/{code}/slip.pdf")
    assert answer.status_code == 503
    assert f"/en/book/{code}/print" in answer.get_data(as_text=True)


def first_of(app: Flask, number: int) -> int:
    with app.app_context(), transaction() as session:
        return session.get_one(Booking, number).dates[0].occurrence_id


def came(app: Flask, number: int) -> None:
    """They were there yesterday."""
    with app.app_context(), transaction() as session:
        booking = session.get_one(Booking, number)
        for date in booking.dates:
            date.attendance, date.came, date.how, date.marked_at = "attended", 1, "screen", now()
            date.occurrence.starts_at = now() - timedelta(days=1)
            date.occurrence.ends_at = now() - timedelta(days=1) + timedelta(hours=2)


def test_who_came_is_led_to_the_question_and_the_certificate(app: Flask, browser: Browser) -> None:
    code, number = make(app)
    assert f"/en/book/{code}/question" not in browser.text(f"/book/{code}")
    assert f"/en/book/{code}/certificate" not in browser.text(f"/book/{code}")
    came(app, number)
    page = browser.text(f"/book/{code}")
    assert f'href="/en/book/{code}/question"' in page
    assert f'href="/en/book/{code}/certificate"' in page
    assert browser.send(f"/book/{code}/question", helped="yes").status_code == 303
    assert f"/en/book/{code}/question" not in browser.text(f"/book/{code}")


def test_when_it_is_over_the_page_says_so_and_asks_nobody_to_come(app: Flask, browser: Browser) -> None:
    code, number = make(app, needs={"codes": ["bsl"]})
    change(app, Occurrence, first_of(app, number), starts_at=now() - timedelta(minutes=10))
    page = browser.text(f"/book/{code}")
    assert "<h1>You are booked</h1>" in page and "Show it when you come" in page  # late, but not too late
    change(app, Occurrence, first_of(app, number), ends_at=now() - timedelta(minutes=1))
    page = browser.text(f"/book/{code}")
    assert "<h1>Over</h1>" in page
    for words in ("Show it when you come", "Is the time bad?", "British Sign Language", "What to bring"):
        assert words not in page, words
    came(app, number)
    assert "<h1>You have been there</h1>" in browser.text(f"/book/{code}")


@pytest.mark.parametrize("which", ["all", "one date"])
def test_what_has_begun_cannot_be_cancelled_and_says_so(app: Flask, browser: Browser, which: str) -> None:
    code, number = make(app)
    with app.app_context(), transaction() as session:
        date = session.get_one(Booking, number).dates[0].occurrence_id
    change(app, Occurrence, date, starts_at=now() - timedelta(minutes=5))
    data = {} if which == "all" else {"date": str(date)}
    answer = browser.send(f"/book/{code}/cancel", "/training", **data)
    assert answer.status_code == 422
    assert "This has begun already." in answer.get_data(as_text=True)
    assert status_of(app, number) == "booked"


def test_cancelling_twice_is_no_refusal(app: Flask, browser: Browser) -> None:
    code, _number = make(app)
    assert [browser.send(f"/book/{code}/cancel", "/training").status_code for _press in range(2)] == [
        303,
        303,
    ]


def test_a_booking_put_into_a_plan_after_its_session_moves_the_steps(app: Flask, browser: Browser) -> None:
    code, number = make(app)
    came(app, number)
    browser.make_plan()
    browser.save_plan()
    assert browser.send(f"/book/{code}/plan", "/training").status_code == 303
    with app.app_context(), transaction() as session:
        states = {row.step_id: row.status for row in session.scalars(select(StepProgress))}
    assert states == {"F1": "done_with_help", "F2": "done_with_help"}


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_slip_has_the_one_question_below_its_line_and_no_code_there(
    app: Flask, another_browser: Callable[..., Browser], language: str
) -> None:
    code, _number = make(app)
    above, below = another_browser(language).text(f"/book/{code}/print").split('class="tear"')
    assert show_code(code) in above
    assert show_code(code) not in below
    # Once in English, and once more in another language.
    assert below.count("☐") == (8 if language == "en" else 16)
    for words in ("Did this help you?", "A bit", "A device of my own", "You do not have to answer."):
        assert words in below, words


def test_a_slip_of_somebody_who_waits_sends_nobody_on_a_journey(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        training = make_session(session, capacity=1)
        make_booking(session, training)
        code = make_booking(session, training).code
    for path in ("", "/print"):
        page = browser.text(f"/book/{code}{path}")
        assert "Do not travel yet. First you need a place." in page
        assert "Show it when you come." not in page
    assert "Somebody at the door" not in browser.text(f"/book/{code}/print")
    assert ".ics" not in browser.text(f"/book/{code}")


def test_a_slip_of_an_offer_says_until_when(app: Flask, browser: Browser) -> None:
    code, _number = offered(app)
    page = browser.text(f"/book/{code}/print")
    assert "We keep it for you until" in page
    assert "Say yes first. Then the place is yours." in page
    assert "Somebody at the door" not in page


def test_a_booking_that_ended_shows_no_slip_but_the_way_to_another_session(
    app: Flask, browser: Browser
) -> None:
    code, number = make(app, needs={"codes": ["bsl"]})
    with app.app_context(), transaction() as session:
        bookings.cancel(session, booking_id=number, by="learner", now=now())
        slug = session.get_one(Booking, number).session.slug
    page = browser.text(f"/book/{code}")
    assert "Show it when you come." not in page
    assert "slip.pdf" not in page
    assert "We tell you here if it works." not in page
    assert f"/training/{slug}" in page, "who pressed by mistake books again"
    assert "Please do not travel to it." in browser.text(f"/book/{code}/print")


def test_nobody_is_sent_to_the_place_a_date_has_left(app: Flask, browser: Browser) -> None:
    with app.app_context(), transaction() as session:
        days = [today() + timedelta(days=more) for more in (10, 17)]
        training = make_session(session, days=days, booked_as="course", room="Blue room")
        usual, other = training.place, make_place(session, name="Chapel", address="9 Mill Lane")
        assert usual is not None
        training.occurrences[1].place_id = other.id
        session.flush()
        session.expire(training)
        code, slug, name = make_booking(session, training).code, training.slug, usual.name
    slip = browser.text(f"/book/{code}/print")
    before, after = slip.split(i18n_day(days[1]))
    assert f"{name} (Blue room)" in before
    assert "Chapel" in after
    assert "Chapel" not in before
    assert "Chapel (Blue room)" not in slip, "the room is a room of the other place"
    for path in (f"/book/{code}", f"/training/{slug}"):
        page = browser.text(path)
        assert "9 Mill Lane" in page
        assert "1 High Street" in page
    with app.app_context(), transaction() as session:
        session.execute(
            update(Occurrence).values(
                place_id=select(Place.id).where(Place.name == "Chapel").scalar_subquery()
            )
        )
    for path in (f"/book/{code}", f"/book/{code}/print", f"/training/{slug}"):
        page = browser.text(path)
        assert "9 Mill Lane" in page, path
        assert "1 High Street" not in page, path
        assert "Blue room" not in page, path


def i18n_day(day: date) -> str:
    """A day as the page writes it in English."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def test_each_button_of_a_date_says_which_date_it_is(app: Flask, browser: Browser) -> None:
    days = [today() + timedelta(days=more) for more in (10, 17)]
    code, _number = make(app, of_session={"days": days, "booked_as": "course"})
    page = browser.text(f"/book/{code}")
    for day in days:
        assert f'I cannot come on this date<span class="visually-hidden">: {i18n_day(day)}</span>' in page


def test_who_cannot_hear_is_not_left_with_a_phone(app: Flask, browser: Browser) -> None:
    code, _number = make(app, needs={"codes": ["bsl"]})
    assert "Dial 18001, then the whole number." in browser.text(f"/book/{code}")
    other, _number = make(app)
    assert "18001" not in browser.text(f"/book/{other}")


def test_a_slip_of_four_says_four(app: Flask, browser: Browser) -> None:
    code, _number = make(app, places=4)
    assert "How many people? 4" in browser.text(f"/book/{code}/print")
