"""Booking without an account: one form with nothing that must be typed, and every refusal at its field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from inclusion_app.core import attempts
from inclusion_app.core.clock import today
from inclusion_app.core.db import transaction
from inclusion_app.messages.models import Message
from inclusion_app.training import rules
from inclusion_app.training.models import Arrangement, Booking, TrainingSession
from inclusion_app.training.services import bookings
from tests.conftest import Browser
from tests.factories.training import make_booking, make_session


def make(app: Flask, **facts: Any) -> str:
    """A session; its slug."""
    with app.app_context(), transaction() as session:
        return make_session(session, **facts).slug


def kept(app: Flask) -> list[dict[str, Any]]:
    """Every booking there is, with the days that are still on."""
    columns = [column.key for column in Booking.__table__.columns]
    with app.app_context(), transaction() as session:
        return [
            {**{name: getattr(row, name) for name in columns},
             "days": [date.occurrence.day for date in row.dates if date.status == "on"]}
            for row in session.scalars(select(Booking).order_by(Booking.id))
        ]  # fmt: skip


def book(browser: Browser, slug: str, **data: Any) -> str:
    """Book and give back where it leads, below the language."""
    answer = browser.send(f"/training/{slug}", **data)
    assert answer.status_code == 303, re.findall(
        r'error-message"[^>]*>(.*?)</p>', answer.get_data(as_text=True)
    )
    return answer.location.removeprefix(f"/{browser.language}")


def filled(html: str) -> dict[str, list[str]]:
    """The form as it stands: what is chosen, written or hidden in it."""
    form = html[html.index('<input type="hidden" name="form_key"') :].split("</form>", maxsplit=1)[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]+>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        chosen = "checked" in tag or not re.search(r'type="(radio|checkbox)"', tag)
        if name and chosen:
            found.setdefault(name[1], []).append(value[1] if value else "")
    for name, inner in re.findall(r'<select[^>]+name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        found[name] = re.findall(r'value="([^"]*)" selected', inner)
    return found


def test_three_pages_two_clicks_and_nothing_typed(app: Flask, browser: Browser) -> None:
    make(app, offers="step_free")
    link = re.search(r'<h2><a href="/en(/training/[^"]+)"', browser.text("/training"))  # page 1
    assert link
    page = browser.text(link[1])  # page 2, the first click
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = filled(page)
    assert all(
        value == [""] for name, value in form.items() if name in {"contact", "contact_name", "label", "note"}
    )
    answer = browser.client.post(f"/en{link[1]}", data={**form, "csrf_token": token[1]})  # the second click
    assert answer.status_code == 303
    assert re.fullmatch(r"/en/book/[2-9A-Z]{8}", answer.location)
    last = browser.client.get(answer.location).get_data(as_text=True)  # page 3
    assert "<h1>You are booked</h1>" in last
    [booking] = kept(app)
    assert booking["status"] == "booked"
    assert booking["contact_kind"] == "none"
    assert not any(
        booking[name] for name in ("contact", "contact_name", "label", "needs", "age_band", "resident_id")
    )
    assert booking["consent_wording"] == rules.WORDING
    assert [one for one in rules.WORDINGS[rules.WORDING] if one not in page] == []


def test_the_same_form_sent_twice_books_once(app: Flask, browser: Browser) -> None:
    slug = make(app)
    page = browser.text(f"/training/{slug}")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {**filled(page), "csrf_token": token[1]}
    first, second = (browser.client.post(f"/en/training/{slug}", data=data) for _ in range(2))
    assert first.location == second.location
    assert len(kept(app)) == 1
    assert filled(browser.text(f"/training/{slug}"))["form_key"] != filled(page)["form_key"]


def test_all_that_can_be_said_is_kept_apart(app: Flask, browser: Browser) -> None:
    slug = make(app)
    book(
        browser, slug, who="other", places="1", contact_kind="sms", contact="07700 900123", contact_of="helper",
        contact_name="  Bo  ", label="Amina", age="16_over", needs=["bsl", "interpreter"], interpreter="ur",
        note=" a\u200b lift ", companions="2", is_discreet="y",
    )  # fmt: skip
    [booking] = kept(app)
    said = {name: booking[name] for name in ("booked_for", "contact_kind", "contact", "contact_of", "contact_name",
            "label", "age_band", "needs", "companions", "is_discreet")}  # fmt: skip
    assert said == {
        "booked_for": "other", "contact_kind": "sms", "contact": "+447700900123", "contact_of": "helper",
        "contact_name": "Bo", "label": "Amina", "age_band": "16_over", "companions": 2, "is_discreet": True,
        "needs": {"codes": ["bsl", "interpreter"], "interpreter": "ur", "note": "a lift"},
    }  # fmt: skip


def test_a_helpers_details_are_never_filled_in_for_the_next(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    slug = make(app)
    helper = another_browser()
    helper.send("/roadmap/helper")
    book(helper, slug, who="other", contact_kind="sms", contact="07700 900123", contact_of="helper",
         contact_name="Bo", label="Amina")  # fmt: skip
    page = helper.text(f"/training/{slug}")
    assert "900123" not in page
    assert "Amina" not in page
    assert filled(page)["contact_of"] == [""]


def test_who_helps_says_whose_phone_it_is(app: Flask, browser: Browser) -> None:
    slug = make(app)
    answer = browser.send(f"/training/{slug}", who="other", contact_kind="sms", contact="07700 900123")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="contact_of-error"' in page
    assert 'value="07700 900123"' in page
    assert kept(app) == []


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"who": "nobody"}, "who"),
        ({"places": "7"}, "places"),
        ({"places": "-1"}, "places"),
        ({"companions": "3"}, "companions"),
        ({"contact_kind": "pigeon"}, "contact_kind"),
        ({"contact_kind": "record"}, "contact_kind"),
        ({"contact_kind": "sms"}, "contact"),
        ({"contact_kind": "sms", "contact": "0161 496 0000"}, "contact"),
        ({"contact_kind": "sms", "contact": "\0"}, "contact"),
        ({"contact_kind": "email", "contact": "me@"}, "contact"),
        ({"contact_kind": "call", "contact": "12"}, "contact"),
        ({"contact_kind": "letter", "contact": "here"}, "contact"),
        ({"contact_kind": "letter", "contact": "x" * 201}, "contact"),
        ({"contact_kind": "none", "contact": "07700 900123"}, "contact"),
        ({"contact_kind": "sms", "contact": "07700 900123", "contact_of": "king"}, "contact_of"),
        ({"contact_kind": "sms", "contact": "07700 900123", "contact_name": "x" * 61}, "contact_name"),
        ({"label": "x" * 61}, "label"),
        ({"age": "eleven"}, "age"),
        ({"age": "under_13"}, "contact"),
        ({"age": "under_13", "contact_kind": "sms", "contact": "07700 900123"}, "contact"),
        ({"needs": ["lions"]}, "needs"),
        ({"interpreter": "klingon"}, "interpreter"),
        ({"note": "x" * 121}, "note"),
        ({"waiting_mode": "never"}, "waiting_mode"),
    ],
)
def test_each_refusal_stands_at_its_field_and_books_nothing(
    app: Flask, browser: Browser, data: dict[str, Any], field: str
) -> None:
    # A full session shows the choice of the waiting list too.
    slug = make(app, capacity=1)
    with app.app_context(), transaction() as session:
        make_booking(session, session.scalars(select(TrainingSession)).one())
    answer = browser.send(f"/training/{slug}", **{"label": "Amina", **data})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in page
    assert re.search(rf'href="#{field}(-0)?"', page)
    assert "Error: First steps" in re.sub(r"\s+", " ", page)
    assert "Amina" in page or "label" in data
    assert len(kept(app)) == 1


def test_a_child_books_with_an_adult_and_from_13_on_alone(app: Flask, browser: Browser) -> None:
    slug = make(app, responsible_adult="Sam")
    book(browser, slug, age="under_13", contact_kind="call", contact="07700 900123", contact_of="adult")
    path = book(browser, slug, age="13_15")
    assert [booking["contact_of"] for booking in kept(app)] == ["adult", "learner"]
    assert "Under 16 and alone? Sam is there for you." in browser.text(path)


def test_only_ways_that_lead_somewhere_are_offered(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = make(app)
    monkeypatch.setattr("inclusion_app.training.views.channels_now", lambda: frozenset({"letter", "call"}))
    page = browser.text(f"/training/{slug}")
    assert "Send a text message" not in page
    assert "Send a letter" in page
    assert browser.send(f"/training/{slug}", contact_kind="email", contact="a@example.org").status_code == 422


def test_dates_of_a_series_are_chosen_one_is_chosen_already(app: Flask, browser: Browser) -> None:
    days = [today() + timedelta(days=n) for n in (3, 10, 17)]
    slug = make(app, booked_as="series", days=days, capacity=1)
    page = browser.text(f"/training/{slug}")
    ids = re.findall(r'name="dates" value="(\d+)"', page)
    assert filled(page)["dates"] == ids[:1]
    book(browser, slug, dates=ids[:1])
    assert filled(browser.text(f"/training/{slug}"))["dates"] == ids[1:2], "the full one is not proposed"
    book(browser, slug, dates=ids[1:])
    assert [booking["days"] for booking in kept(app)] == [days[:1], days[1:]]
    for wrong in ([], ["999999"], [*ids, "999999"], ["\0"], ["9" * 40]):
        answer = browser.send(f"/training/{slug}", dates=wrong)
        assert answer.status_code == 422, wrong
        assert 'id="dates-error"' in answer.get_data(as_text=True)


def test_who_chooses_a_full_date_with_others_reads_first_that_they_wait_for_all(
    app: Flask, browser: Browser
) -> None:
    days = [today() + timedelta(days=number) for number in (10, 17)]
    says = "One of the dates you choose is full? Then you wait for all of them."
    with app.app_context(), transaction() as session:
        training = make_session(session, days=days, booked_as="series", capacity=1)
        slug, first = training.slug, training.occurrences[0].id
    assert says not in browser.text(f"/training/{slug}")
    with app.app_context(), transaction() as session:
        training = session.scalars(select(TrainingSession)).one()
        make_booking(session, training, occurrence_ids=[first])
    assert says in browser.text(f"/training/{slug}")


def test_a_course_is_one_booking_for_all_its_dates(app: Flask, browser: Browser) -> None:
    days = [today() + timedelta(days=n) for n in (3, 10, 17)]
    slug = make(app, booked_as="course", days=days)
    path = book(browser, slug)
    assert kept(app)[0]["days"] == days
    page = browser.text(path)
    dates = re.findall(r'name="date" value="(\d+)"', page)
    assert len(dates) == 3
    assert browser.send(f"{path}/cancel", path, date=dates[0]).status_code == 303
    assert kept(app)[0]["days"] == days[1:]
    assert kept(app)[0]["status"] == "booked"
    assert browser.text(path).count("You said that you cannot come.") == 1
    assert browser.send(f"{path}/cancel", path, date="x").status_code == 303
    assert kept(app)[0]["days"] == days[1:]


def test_a_full_session_leads_to_its_waiting_list(app: Flask, browser: Browser) -> None:
    slug = make(app, capacity=1, waiting_size=2)
    assert "waiting_mode" not in filled(browser.text(f"/training/{slug}"))
    book(browser, slug)
    page = browser.text(f"/training/{slug}")
    assert "Join the waiting list" in page
    assert filled(page)["waiting_mode"] == ["book_me"]
    second = book(browser, slug, waiting_mode="ask_me")
    third = book(browser, slug)
    assert "You are the first on the list." in browser.text(second)
    assert "When a place is free, we ask you first." in browser.text(second)
    assert "1 booking is before yours." in browser.text(third)
    assert "We cannot reach you. Look at this page now and then." in browser.text(third)
    page = browser.text(f"/training/{slug}")
    assert "You cannot book this session any more." in page
    answer = browser.send(f"/training/{slug}", "/training")
    assert answer.status_code == 422
    assert bookings.NO_PLACE in answer.get_data(as_text=True)
    assert len(kept(app)) == 3


def test_a_group_stays_together_and_the_next_may_go_first(app: Flask, browser: Browser) -> None:
    slug = make(app, capacity=2)
    first = book(browser, slug)
    book(browser, slug)
    group = book(browser, slug, who="group", places="2")
    single = book(browser, slug, waiting_mode="ask_me")
    assert "Your group stays together." in browser.text(group)
    assert "A group before you may be too big." in browser.text(single)
    browser.send(f"{first}/cancel", first)
    assert "<h1>A place is free for you</h1>" in browser.text(single)
    assert "You are on the waiting list" in browser.text(group)


@pytest.mark.parametrize(
    ("capacity", "waiting_size", "said"),
    [
        (4, 0, "Free places: 3. Room on the waiting list: 0. Your group stays together"),
        (1, 2, "Free places: 0. Room on the waiting list: 2. Your group stays together"),
        (4, 2, "Free places: 3. Room on the waiting list: 2. Your group stays together"),
        (1, 0, "This session is full, and so is its waiting list."),
    ],
)
def test_a_group_that_does_not_fit_reads_how_many_would(
    app: Flask, browser: Browser, capacity: int, waiting_size: int, said: str
) -> None:
    slug = make(app, capacity=capacity, waiting_size=waiting_size)
    with app.app_context(), transaction() as session:
        make_booking(session, session.scalars(select(TrainingSession)).one())
    fits = max(capacity - 1, waiting_size)
    facts = {"who": "group", "label": "Amina", "contact_kind": "sms", "contact": "07700 900123"}
    # Where nothing is left the page has no form; it is sent from the list, whose token is the same.
    answer = browser.send(f"/training/{slug}", *(() if fits else ("/training",)), **facts, places="4")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in page
    assert len(kept(app)) == 1
    if fits:
        assert 'id="places-error"' in page
        assert re.search(r'<a href="/en/training">Look for another one</a>', page)
        assert 'value="07700 900123"' in page and "Amina" in page
        assert '<option value="4" selected>' in page
        # As many as are left are booked, or wait.
        assert book(browser, slug, **facts, places=str(fits))


def test_a_group_that_waits_where_places_are_free_is_not_told_that_it_is_full(
    app: Flask, browser: Browser
) -> None:
    slug = make(app, capacity=3)
    book(browser, slug)
    path = book(browser, slug, who="group", places="3", contact_kind="call", contact="07700 900123")
    assert "You are on the waiting list" in browser.text(path)
    with app.app_context(), transaction() as session:
        assert session.scalars(select(Message.template)).all() == ["training_waitlisted_group"]


def test_without_a_date_one_says_that_one_would_come(app: Flask, browser: Browser) -> None:
    slug = make(app, booked_as="undated", place_id=None)
    assert "Say that you would come" in browser.text(f"/training/{slug}")
    path = book(browser, slug)
    assert "This session has no date yet." in browser.text(path)
    assert kept(app)[0]["status"] == "requested"
    browser.send(f"{path}/cancel", path)
    assert kept(app)[0]["status"] == "cancelled"


def test_a_saved_plan_that_is_open_keeps_the_booking_when_wished(app: Flask, browser: Browser) -> None:
    slug = make(app)
    assert "Put it into my plan" not in browser.text(f"/training/{slug}")
    browser.make_plan()
    browser.save_plan()
    assert filled(browser.text(f"/training/{slug}"))["in_plan"] == ["y"]
    book(browser, slug, in_plan="y")
    book(browser, slug)
    book(browser, slug, contact_kind="record")
    book(browser, slug, who="other", in_plan="y")
    residents = [bool(booking["resident_id"]) for booking in kept(app)]
    assert residents == [True, False, True, False]


def test_the_code_alone_offers_nothing_of_a_plan(app: Flask, another_browser: Callable[..., Browser]) -> None:
    slug = make(app)
    owner = another_browser()
    owner.make_plan()
    code = owner.save_plan()
    alone = another_browser()
    alone.send("/come-back", code=code, pin="")
    assert "Put it into my plan" not in alone.text(f"/training/{slug}")
    book(alone, slug, in_plan="y")
    assert kept(app)[0]["resident_id"] is None


def test_an_open_group_books_as_a_group(app: Flask, browser: Browser) -> None:
    slug = make(app)
    browser.send("/groups/new", nickname="Tea", pin="8306", pin_again="8306")
    book(browser, slug, who="group", places="4")
    book(browser, slug)
    assert [booking["group_id"] is not None for booking in kept(app)] == [True, False]


def test_whoever_can_be_told_is_told_once(app: Flask, browser: Browser) -> None:
    slug = make(app)
    book(browser, slug, contact_kind="email", contact="a@example.org")
    book(browser, slug)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_a_form_without_its_key_is_a_press_of_its_own(app: Flask, browser: Browser) -> None:
    slug = make(app)
    for key in ("", "\0", "short", "x" * 5_000, "é" * 30):
        book(browser, slug, form_key=key)
    assert len({booking["form_key"] for booking in kept(app)}) == 5


def test_nobody_books_the_city_from_one_network(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "BOOKING_NETWORK", replace(attempts.BOOKING_NETWORK, tries=3))
    slug = make(app)
    for _booking in range(3):
        book(browser, slug)
    answer = browser.send(f"/training/{slug}")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert bookings.TOO_MANY_HERE in page
    assert page.index("error-summary") < page.index(bookings.TOO_MANY_HERE) < page.index("<h1>")
    assert len(kept(app)) == 3


def test_one_phone_is_not_named_all_day(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "BOOKING_CONTACT", replace(attempts.BOOKING_CONTACT, tries=2))
    slug = make(app)
    said = {"contact_kind": "sms", "contact": "07700 900123"}
    for _booking in range(2):
        book(browser, slug, **said)
    page = browser.send(f"/training/{slug}", **said).get_data(as_text=True)
    assert f'<a href="#contact">{bookings.TOO_MANY_TO}</a>' in page


def test_a_form_of_before_says_where_a_new_one_is(app: Flask, browser: Browser) -> None:
    slug = make(app)
    key = "k" * 32
    book(browser, slug, form_key=key)
    answer = browser.send(f"/training/{slug}", form_key=key, label="Somebody else")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert bookings.SENT_BEFORE in page
    assert f'<a href="/en/training/{slug}#book">Open this page anew</a>' in page
    assert len(kept(app)) == 1


def test_a_session_for_young_people_asks_the_age_where_it_is_seen(app: Flask, browser: Browser) -> None:
    young, anybody = make(app, for_age="young"), make(app)
    page = browser.text(f"/training/{young}")
    assert page.count('name="age"') == 1
    assert page.index('name="age"') < page.index('name="contact_kind"')
    assert "<details open><summary>You help somebody" in page
    page = browser.text(f"/training/{anybody}")
    assert page.count('name="age"') == 1
    assert page.index('name="age"') > page.index('name="contact_kind"')


def test_a_language_alone_asks_for_the_interpreter(app: Flask, browser: Browser) -> None:
    slug = make(app)
    book(browser, slug, interpreter="ur")
    [booking] = kept(app)
    assert booking["needs"] == {"codes": ["interpreter"], "interpreter": "ur"}
    with app.app_context(), transaction() as session:
        assert [one.need for one in session.scalars(select(Arrangement))] == ["interpreter"]


def test_the_box_alone_asks_for_the_language_of_the_page(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    urdu = another_browser("ur")
    where = book(urdu, make(app), needs=["interpreter"])
    [booking] = kept(app)
    assert booking["needs"] == {"codes": ["interpreter"], "interpreter": "ur"}
    assert ": اردو</dt>" in urdu.text(where), "which language is said"
