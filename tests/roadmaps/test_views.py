"""The whole road as a resident walks it, without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from inclusion_app.core import audit, paper
from inclusion_app.core.clock import now
from inclusion_app.core.codes import new_code
from inclusion_app.core.db import transaction
from inclusion_app.core.sessions import Visit
from inclusion_app.places.services import load_city_pack
from inclusion_app.roadmaps.models import Roadmap
from tests.conftest import Browser


def titles(html: str) -> list[str]:
    return re.findall(r'class="number"[^>]*>\d</span><a[^>]*>([^<]+)', html)


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_from_the_first_page_to_paper_and_back(
    another_browser: Callable[..., Browser], language: str
) -> None:
    here = another_browser(language)
    here.make_plan()
    before = here.text("/roadmap")
    assert len(titles(before)) >= 1
    assert here.send("/places", near="m14 5rq", **{"for": "plan"}).status_code == 303
    assert "M14 5" in here.text("/roadmap")
    code = here.save_plan(nickname="Amina")
    assert code in here.text("/roadmap/print")
    assert here.send("/finish").headers["Location"].endswith("/finished")
    assert titles(here.text("/roadmap")) == []
    there = another_browser(language)
    assert there.send("/come-back", code=code.lower(), pin="٤٠٧١").status_code == 303
    assert titles(there.text("/roadmap")) == titles(before)


def test_a_plan_after_three_questions_and_the_rest_later(browser: Browser) -> None:
    assert "Show me my plan now" not in browser.text("/roadmap/check/2")
    browser.make_plan()
    assert "Show me my plan now" in browser.text("/roadmap/check/4")
    assert "/roadmap/check/4" in browser.text("/roadmap")


def test_new_to_all_this_finishes_the_check(browser: Browser) -> None:
    browser.send("/roadmap/check", answer=["g03"])
    browser.send("/roadmap/check/2", answer=["none"])
    assert "I am new to all this" in browser.text("/roadmap/check/3")
    assert browser.send("/roadmap/check/new", "/roadmap/check/3").status_code == 303
    page = browser.text("/roadmap")
    assert "Get a phone, tablet or laptop to use" in page
    assert "Go on with the questions" not in page


def test_skip_back_and_change(browser: Browser) -> None:
    browser.make_plan(("g12",))
    assert browser.send("/roadmap/check/4", skip="1").headers["Location"].endswith("/roadmap/check/5")
    assert "Skipped" in browser.text("/roadmap/answers")
    assert (
        browser.send("/roadmap/check?back=plan", answer=["g03"], back="plan")
        .headers["Location"]
        .endswith("/roadmap")
    )
    assert "Make a video call" in browser.text("/roadmap")


@pytest.mark.parametrize(
    ("path", "data", "says"),
    [
        ("/roadmap/check", {}, "Choose an answer"),
        ("/roadmap/check", {"answer": ["g01", "g02", "g03", "g04"]}, "three at most"),
        ("/roadmap/check", {"answer": ["g99"]}, "one of the answers on this page"),
        ("/roadmap/check/2", {"answer": ["none", "tablet"]}, "Not both"),
        ("/roadmap/check/5", {"answer": "perhaps"}, "one of the answers on this page"),
    ],
)
def test_a_wrong_answer_is_said_at_the_field(
    browser: Browser, path: str, data: dict[str, object], says: str
) -> None:
    answer = browser.send(path, **data)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in html
    assert "<title>Error:" in html
    assert 'href="#answer-0"' in html


def test_what_was_chosen_is_kept_when_something_is_wrong(browser: Browser) -> None:
    html = browser.send("/roadmap/check", answer=["g01", "g02", "g03", "g04"]).get_data(as_text=True)
    assert html.count(" checked") == 4


@time_machine.travel("2026-11-24 10:00", tick=False)
def test_days_are_asked_for_and_half_a_date_is_not_taken(browser: Browser) -> None:
    assert browser.send("/roadmap/check", answer=["g05"]).headers["Location"].endswith("/check/days")
    wrong = browser.send("/roadmap/check/days", g05=["31", "2", "2027"])
    assert wrong.status_code == 422
    assert 'value="31"' in wrong.get_data(as_text=True)
    assert browser.send("/roadmap/check/days", g05=["٢٧", "11", "26"]).status_code == 303
    assert 'value="2026"' in browser.text("/roadmap/check/days")


def test_states_move_and_the_plan_is_made_anew(browser: Browser) -> None:
    browser.make_plan()
    first = titles(browser.text("/roadmap"))
    assert browser.send("/roadmap/steps/A3", do="doing").status_code == 303
    page = browser.text("/roadmap")
    assert "You are doing this now" in page
    assert "Get a free SIM card with data" not in titles(page)
    browser.send("/roadmap/steps/A3", do="done_with_help")
    page = browser.text("/roadmap")
    assert "What you have done" in page
    assert titles(page) != first
    assert browser.send("/roadmap/steps/A3", do="explode").status_code == 400


def test_not_for_me_asks_once_what_happens_to_the_rest(browser: Browser) -> None:
    browser.make_plan(("g12",))
    assert browser.send("/roadmap/steps/M1", do="not_for_me").headers["Location"].endswith("/not-for-me")
    assert browser.send("/roadmap/steps/M1/not-for-me").status_code == 422
    assert browser.send("/roadmap/steps/M1/not-for-me", dependants="drop").status_code == 303
    assert "Make or mend a thing with help" not in browser.text("/roadmap")
    browser.send("/roadmap/steps/M1", do="not_started")
    assert "Visit a repair cafe or FabLab" in titles(browser.text("/roadmap"))


def test_a_fourth_pin_is_refused_kindly(browser: Browser) -> None:
    browser.make_plan()
    for step in ("C1", "C2", "C3"):
        assert browser.send(f"/roadmap/steps/{step}", do="pin").status_code == 303
    refused = browser.send("/roadmap/steps/T6", do="pin")
    assert refused.status_code == 422
    assert "Take one down first" in refused.get_data(as_text=True)


def test_add_and_remove_goals_and_extras(browser: Browser) -> None:
    browser.make_plan(("g12",))
    browser.send("/roadmap/goals", goal="g08")
    assert "Ask for help with your energy bill" in browser.text("/roadmap")
    browser.send("/roadmap/goals/g12", extra="M3")
    assert "Keep, mend or pass on old devices" in browser.text("/roadmap")
    browser.send("/roadmap/goals/g12", mode="together")
    browser.send("/roadmap/goals", goal="g12", remove="1")
    assert "Make or mend a thing" not in browser.text("/roadmap")
    assert browser.send("/roadmap/goals", goal="g99").status_code == 404


def test_saving_needs_a_pin_that_is_not_trivial_and_typed_twice(browser: Browser) -> None:
    browser.make_plan()
    for pins, says in (
        (("1234", "1234"), "too easy"),
        (("407", "407"), "4 numbers"),
        (("4071", "4072"), "not the same"),
    ):
        answer = browser.send("/roadmap/save", pin=pins[0], pin_again=pins[1])
        assert answer.status_code == 422
        assert says in answer.get_data(as_text=True)


def test_pictures_open_a_plan_in_their_order_only(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    chosen = {"picture1": "sun", "picture2": "fish", "picture3": "key", "with": "pictures"}
    assert browser.send("/roadmap/save?with=pictures", **chosen).status_code == 303
    code = re.search(r'class="code"><bdi>([^<]+)', browser.text("/roadmap/code"))[1]  # type: ignore[index]
    other = another_browser()
    turned = {**chosen, "picture1": "fish", "picture2": "sun"}
    assert other.send("/come-back?with=pictures", code=code, **turned).status_code == 422
    assert other.send("/come-back?with=pictures", code=code, **chosen).status_code == 303


def test_saving_twice_keeps_one_code(browser: Browser, app: Flask) -> None:
    browser.make_plan()
    code = browser.save_plan()
    assert browser.get("/roadmap/save").status_code == 303
    assert code in browser.text("/roadmap/code")
    with app.app_context(), transaction() as session:
        assert session.query(Roadmap).count() == 1


def test_the_code_alone_shows_titles_and_nothing_else(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan(("g02", "g05"))
    browser.send("/places", near="m14 5rq")
    code = browser.save_plan(nickname="Amina")
    other = another_browser()
    assert other.send("/come-back", code=code, pin="").status_code == 303
    page = other.text("/roadmap")
    assert re.search(r"[2-9] steps kept private", page)
    for secret in ("Set up the NHS App", "Universal Credit", "M14", "Amina", "Library", "GP and", code):
        assert secret not in page
    for closed in (
        "/roadmap/print",
        "/roadmap/answers",
        "/roadmap/code",
        "/roadmap/check",
        "/roadmap/goals",
        "/roadmap/handout.pdf",
    ):
        assert other.get(closed).status_code == 403


def test_what_anybody_may_read_the_code_alone_may_read_too(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan(("g02", "g05"))
    browser.send("/roadmap/steps/F1", do="doing")
    browser.send("/places", near="m14 5rq")
    code = browser.save_plan(keep_near="y")
    assert "free computer at any library" not in browser.text("/roadmap/steps/A3")
    other, stranger = another_browser(), another_browser()
    other.send("/come-back", code=code, pin="")
    for page in ("/roadmap/steps/F1", "/roadmap/steps/A3", "/roadmap/goals/g05"):
        known, open_to_all = other.text(page), stranger.text(page)
        mains = [re.sub(r'value="[^"]+"', "", text.split("<main")[1]) for text in (known, open_to_all)]
        assert mains[0] == mains[1]
    refused = other.send("/roadmap/steps/F1", form_on="/roadmap", do="done_alone")
    assert refused.status_code == 422
    assert "Type your PIN" in refused.text


def test_the_code_alone_leads_to_a_new_plan_and_leaves_the_saved_one(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    other = another_browser()
    other.send("/come-back", code=code, pin="")
    began = other.send("/finish", form_on="/roadmap", then="check")
    assert began.headers["Location"] == "/en/roadmap/check"
    assert other.get("/roadmap/check").status_code == 200
    other.make_plan(("g08",))
    assert another_browser().send("/come-back", code=code, pin="4071").status_code == 303
    assert code in browser.text("/roadmap/code")


def test_private_steps_stand_last_so_that_their_place_tells_nothing(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan(("g02", "g05"))
    code = browser.save_plan()
    other = another_browser()
    other.send("/come-back", code=code, pin="")
    listed = re.findall(r"<li>(.*?)</li>", other.text("/roadmap").split("<h1>")[1].split("</ul>")[0])
    assert "kept private" in listed[-1]
    assert not any("private" in item for item in listed[:-1])


def test_a_warning_comes_before_the_lock(browser: Browser, another_browser: Callable[..., Browser]) -> None:
    browser.make_plan()
    code = browser.save_plan()
    for known in (code, new_code()):  # one that exists, one that does not
        other = another_browser()
        said = [other.send("/come-back", code=known, pin="9999").text for _ in range(5)]
        assert ["Two more tries" in text for text in said] == [False, False, True, False, False]
        assert ["One more try" in text for text in said] == [False, False, False, True, False]


def test_the_whole_address_of_the_paper_is_a_code_too(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    address = f"http://127.0.0.1:8000/r/{code.replace('-', '')}?l=ur"
    assert another_browser().send("/come-back", code=address, pin="4071").status_code == 303
    assert "Type your code." in another_browser().send("/come-back", code=" ", pin="4071").text


def test_a_plan_not_saved_is_not_lost_without_a_word(browser: Browser) -> None:
    assert "not saved" not in browser.text("/come-back")
    browser.make_plan()
    assert "not saved" in browser.text("/come-back")


def test_which_goal_comes_first_is_asked_and_kept(browser: Browser) -> None:
    sent = browser.send("/roadmap/check", answer=["g05", "g07", "g09"])
    assert sent.headers["Location"] == "/en/roadmap/check/first"
    sent = browser.send("/roadmap/check/first", answer="g09")
    assert sent.headers["Location"] == "/en/roadmap/check/days"
    assert browser.send("/roadmap/check/first", answer="g01").status_code == 422

    def goals() -> list[str]:
        return re.findall(r'href="/en/roadmap/goals/(g\d\d)"', browser.text("/roadmap"))

    assert goals()[:3] == ["g09", "g05", "g07"]
    # Ticking the boxes again says nothing of the order.
    browser.send("/roadmap/check", answer=["g03", "g07", "g09"])
    assert goals()[:3] == ["g09", "g07", "g03"]
    one = browser.send("/roadmap/check", answer=["g03"])
    assert one.headers["Location"] == "/en/roadmap/check/2"


def test_more_goals_than_three_may_stay_but_not_become_more(browser: Browser) -> None:
    browser.make_plan(("g02", "g03", "g08"))
    browser.send("/roadmap/goals", goal="g09")
    four = ["g02", "g03", "g08", "g09"]
    assert browser.send("/roadmap/check", answer=four).status_code == 303
    assert browser.send("/roadmap/check", answer=[*four, "g10"]).status_code == 422


def test_two_wrong_days_have_two_messages(browser: Browser) -> None:
    browser.send("/roadmap/check", answer=["g02", "g04"])
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/roadmap/check/days"))
    assert token
    wrong = browser.client.post(
        "/en/roadmap/check/days",
        data={"csrf_token": token[1], "g02": ["31", "2", "2027"], "g04": ["1", "1", "2020"]},
    )
    links = re.findall(r'<li><a href="#g\d\d">([^<]+)</a>', wrong.text)
    assert len(set(links)) == 2
    assert all(title in text for title, text in zip(("GP", "job"), links, strict=True))
    assert wrong.text.count('aria-invalid="true"') == 6


def test_pin_for_everything(browser: Browser, another_browser: Callable[..., Browser]) -> None:
    browser.make_plan()
    code = browser.save_plan(everything="y")
    answer = another_browser().send("/come-back", code=code, pin="")
    assert answer.status_code == 422
    assert "asks for the PIN" in answer.get_data(as_text=True)


def test_wrong_pin_and_unknown_code_read_alike_and_five_tries_lock(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    code = browser.save_plan()
    other = another_browser()
    wrong = other.send("/come-back", code=code, pin="9999").get_data(as_text=True)
    assert "do not fit" in wrong
    assert f'value="{code}"' in wrong
    for _ in range(4):
        other.send("/come-back", code=code, pin="9999")
    locked = other.send("/come-back", code=code, pin="4071")
    assert locked.status_code == 422
    assert "Too many wrong tries" in locked.get_data(as_text=True)
    with time_machine.travel(now() + timedelta(minutes=16)):
        assert other.send("/come-back", code=code, pin="4071").status_code == 303


def test_a_broken_code_keeps_what_was_typed(browser: Browser) -> None:
    answer = browser.send("/come-back", code="ABC", pin="")
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert 'value="ABC"' in html
    assert "too short" in html


def test_a_new_code_kills_the_old_one(browser: Browser, another_browser: Callable[..., Browser]) -> None:
    browser.make_plan()
    old = browser.save_plan()
    browser.send("/roadmap/code", do="new")
    assert old not in browser.text("/roadmap/code")
    assert another_browser().send("/come-back", code=old, pin="4071").status_code == 422


def test_what_the_qr_opens_looks_nothing_up(browser: Browser) -> None:
    browser.make_plan()
    code = browser.save_plan().replace("-", "")
    page = browser.client.get(f"/r/{code}", headers={"Accept-Language": "ur"})
    assert page.status_code == 200
    assert 'lang="ur"' in page.get_data(as_text=True)
    assert code in page.get_data(as_text=True)


def test_save_nothing_and_the_visit_goes_with_its_answers(browser: Browser, app: Flask) -> None:
    browser.make_plan()
    with time_machine.travel(now() + timedelta(hours=2, minutes=1)):
        assert "Your visit has ended" in browser.text("/roadmap")
        app.test_cli_runner().invoke(args=["retention", "run"])
    with app.app_context(), transaction() as session:
        assert session.query(Visit).count() == 0
        assert session.query(Roadmap).count() == 0


def test_deleting_a_plan_leaves_nothing_of_it(browser: Browser, app: Flask) -> None:
    browser.make_plan()
    browser.save_plan(nickname="Canary Amina")
    assert browser.send("/roadmap/code", do="delete").headers["Location"].endswith("/finished?deleted=1")
    with app.app_context(), transaction() as session:
        for table in ("residents", "roadmaps", "step_progress", "visits"):
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0


def test_reading_a_saved_plan_writes_one_row_of_the_record_and_an_unsaved_one_none(
    browser: Browser, app: Flask
) -> None:
    def rows() -> int:
        with app.app_context(), transaction() as session:
            return int(session.execute(text("SELECT count(*) FROM audit_rows")).scalar_one())

    browser.make_plan()
    browser.text("/roadmap")
    assert rows() == 0
    browser.save_plan()
    before = rows()
    for path in ("/roadmap", "/roadmap/print", "/roadmap/answers", "/roadmap/code", "/roadmap/steps/A1"):
        browser.text(path)
        assert rows() == (before := before + 1), path
    with app.app_context(), transaction() as session:
        audit.append_heads(session, app.extensions["settings"].instance / "audit-heads")
    assert app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 0


def test_a_full_paper_service_offers_the_print_page(browser: Browser) -> None:
    browser.make_plan()
    answer = browser.get("/roadmap/handout.pdf")
    assert answer.status_code == 503
    assert "/roadmap/print" in answer.get_data(as_text=True)


def test_the_cookie_holds_no_answer(browser: Browser) -> None:
    browser.make_plan(("g05",))
    cookie = browser.client.get_cookie("visit")
    assert cookie is not None
    import base64

    body = cookie.value.split(".")[0]
    plain = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    assert sorted(re.findall(r'"(\w+)":', plain)) == ["began", "csrf_token", "v"]


def test_the_whole_road_runs_on_both_engines(service_on_both: Flask) -> None:
    with service_on_both.app_context(), transaction() as session:
        load_city_pack(session, now=now())
    here, there = Browser(service_on_both), Browser(service_on_both)
    here.make_plan(("g02", "g05"))
    here.send("/places", near="m14 5rq", **{"for": "plan"})
    here.send("/roadmap/steps/A3", do="done_with_help")
    code = here.save_plan(nickname="Amina", keep_near="y")
    here.send("/finish")
    assert there.send("/come-back", code=code, pin="1111").status_code == 422
    assert there.send("/come-back", code=code, pin="4071").status_code == 303
    page = there.text("/roadmap")
    assert "What you have done" in page
    assert "M14 5" in page
    with service_on_both.app_context(), transaction() as session:
        audit.append_heads(session, service_on_both.extensions["settings"].instance / "audit-heads")
    runner = service_on_both.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    assert there.send("/roadmap/code", do="delete").status_code == 303


def test_a_course_of_weeks_is_told_in_hours(browser: Browser) -> None:
    assert "About 30 hours" in browser.text("/roadmap/steps/D2")
    assert "About 30 minutes" in browser.text("/roadmap/steps/A1")


def test_every_page_leads_back_to_a_plan_that_is_being_made(browser: Browser) -> None:
    assert "Back to my plan" not in browser.text("/privacy")
    assert "Make my plan" in browser.text("/")
    browser.make_plan()
    for page in ("/privacy", "/places", "/places/gorton-library", "/not-safe", "/nope"):
        assert "Back to my plan" in browser.text(page), page
    assert "Go on with my plan" in browser.text("/")


def test_a_form_sends_to_its_page_so_that_no_fragment_travels_on(browser: Browser) -> None:
    browser.make_plan()
    for page in (
        "/roadmap/check",
        "/roadmap/check/4?back=plan",
        "/roadmap/save?with=pictures",
        "/roadmap/steps/F1",
    ):
        assert f'action="/en{page}"' in browser.text(page), page


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("/roadmap/steps/A3", {"do": "doing"}, "You are doing this step now."),
        ("/roadmap/steps/A3", {"do": "done_alone"}, "You did this on your own."),
        ("/roadmap/steps/A3", {"do": "pin"}, "The step is at the top of your plan."),
        ("/roadmap/goals", {"goal": "g08"}, "Your plan is changed."),
        ("/roadmap/goals/g02", {"mode": "together"}, "Your plan is changed."),
    ],
)
def test_what_was_done_is_said_on_the_plan(
    browser: Browser, path: str, data: dict[str, str], said: str
) -> None:
    browser.make_plan()
    assert browser.send(path, **data).status_code == 303
    assert f'role="status"><p>{said}' in browser.text("/roadmap")
    assert f'role="status"><p>{said}' not in browser.text("/roadmap")


def test_goals_can_be_put_in_order(browser: Browser) -> None:
    browser.make_plan(("g02", "g08"))
    assert browser.send("/roadmap/goals", goal="g08", up="1").status_code == 303
    page = browser.text("/roadmap")
    assert page.index("Cut my bills") < page.index("See my GP")
    # The first has nowhere to go, and what is no goal of theirs stays where it is.
    for goal in ("g08", "g09"):
        browser.send("/roadmap/goals", goal=goal, up="1")
    assert browser.text("/roadmap").index("Cut my bills") < browser.text("/roadmap").index("See my GP")


@time_machine.travel("2026-11-24 10:00", tick=False)
def test_a_day_stands_by_its_goal_and_a_past_day_is_refused(browser: Browser) -> None:
    browser.send("/roadmap/check", answer=["g04"])
    assert "For example 8 12 2026" in browser.text("/roadmap/check/days")
    far = browser.send("/roadmap/check/days", g04=["1", "1", "9999999999"])
    assert far.status_code == 422
    assert "Type a real day" in far.get_data(as_text=True)
    past = browser.send("/roadmap/check/days", g04=["23", "11", "2026"])
    assert past.status_code == 422
    assert "This day has passed." in past.get_data(as_text=True)
    browser.send("/roadmap/check/days", g04=["3", "12", "2026"])
    assert "By Thursday 3 December 2026" in browser.text("/roadmap")
    assert "Thursday 3 December 2026" in browser.text("/roadmap/answers")


def test_nothing_makes_it_hard_is_an_answer(browser: Browser) -> None:
    browser.make_plan()
    assert browser.send("/roadmap/check/4").status_code == 303
    page = browser.text("/roadmap/answers")
    assert "Nothing<br>" in page
    assert "Skipped" not in page


def test_who_has_a_phone_hears_that_a_big_screen_is_missing(browser: Browser) -> None:
    browser.make_plan(("g04",))
    assert "This needs a bigger screen than a phone: Write your CV." in browser.text("/roadmap/steps/A1")


def test_until_a_device_is_there_a_free_computer_is_named(browser: Browser) -> None:
    browser.send("/roadmap/check", answer=["g02"])
    browser.send("/roadmap/check/2", answer=["none"])
    browser.send("/roadmap/check/3", answer="no")
    browser.send("/places", near="M18 8HE", **{"for": "plan"})
    assert re.search(r"Until then, use a free computer at <bdi[^>]*>[^<]+</bdi>\.", browser.text("/roadmap"))


def test_the_private_sheet_names_no_private_step_and_no_line(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def draw(html: str, **_: object) -> bytes:
        asked.append(html)
        return b"%PDF-"

    monkeypatch.setattr(paper, "render_pdf", draw)
    browser.make_plan(("g05",))
    for step in ("U1", "T4"):
        browser.send(f"/roadmap/steps/{step}", do="pin")
    browser.get("/roadmap/handout.pdf")
    browser.get("/roadmap/handout.pdf?private=yes")
    whole, private = asked
    assert "Start a Universal Credit claim" in whole
    assert "Talk to a person" in whole
    assert "Universal Credit" not in private
    assert "Talk to a person" not in private
    assert "A step you keep to yourself" in private


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
@pytest.mark.parametrize("goals", [("g02",), ("g02", "g04")])
def test_an_ordinary_paper_is_set_in_fourteen_points_on_both_sides(
    another_browser: Callable[..., Browser],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    goals: tuple[str, ...],
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(paper, "render_pdf", lambda html, **_: asked.append(html) or b"%PDF-")
    person = another_browser(language)
    person.make_plan(goals)
    person.send("/roadmap/check/4", answer=["confidence", "money"])
    person.send("/places", near="m14 5rq", **{"for": "plan"})
    person.save_plan()
    person.get("/roadmap/handout.pdf")
    fits = re.findall(r'data-sides="1" data-fit="(\d)"', asked[0])
    assert len(fits) == 2
    assert set(fits) <= {"0", "1"}  # from 2 on letters are smaller, at 4 Urdu stands in Naskh


def test_the_print_page_takes_every_form_and_its_links_keep_it(browser: Browser) -> None:
    browser.make_plan(("g05", "g02", "g04"))
    usual = browser.text("/roadmap/print")
    assert "print?size=large" in usual
    assert "print?private=yes" in usual
    assert 'class="sheet sheet--large"' not in usual
    assert 'href="/en/roadmap/handout.pdf"' in usual
    large = browser.text("/roadmap/print?size=large")
    assert 'class="sheet sheet--large"' in large
    assert 'href="/en/roadmap/handout.pdf?size=large"' in large
    assert 'href="/en/roadmap/print"' in large
    assert 'href="/en/roadmap/print?size=large&amp;private=yes"' in large
    both = browser.text("/roadmap/print?size=large&private=yes")
    assert 'href="/en/roadmap/handout.pdf?size=large&amp;private=yes"' in both
    assert 'href="/en/roadmap/print?private=yes"' in both
    assert 'href="/en/roadmap/print?size=large"' in both
    assert "Talk to a person" in large
    assert "Talk to a person" not in both
    browser.send("/places", near="m14 5rq", **{"for": "plan"})
    assert "Large print needs up to" in browser.text("/roadmap/print")


def test_a_step_being_done_and_who_does_it_stand_on_the_paper(browser: Browser) -> None:
    browser.make_plan(("g02",))
    step = re.search(r"/roadmap/steps/(\w+)", browser.text("/roadmap"))
    assert step
    browser.send(f"/roadmap/steps/{step[1]}", do="doing")
    sheet = browser.text("/roadmap/print")
    assert sheet.index("You are doing this now") < sheet.index('class="step"')
    assert "Somebody does it for you" not in sheet
    browser.send("/roadmap/goals/g02", mode="for_me")
    assert "Somebody does it for you" in browser.text("/roadmap/print")


def test_a_place_of_one_day_a_month_says_when_it_opens_next(browser: Browser) -> None:
    with time_machine.travel("2026-12-07 10:00Z"):
        browser.make_plan(("g12",))
        browser.send("/places", near="m19 3qe", **{"for": "plan"})
        sheet = browser.text("/roadmap/print")
    assert "Levenshulme Repair Cafe" in sheet
    assert "It opens next on Saturday 19 December 2026 at 10:00." in sheet
    assert 'class="week"' not in sheet
    assert "a public list of ." not in sheet


def test_the_paper_does_not_praise_what_was_set_aside(browser: Browser) -> None:
    browser.make_plan(("g12",))
    browser.send("/roadmap/check/3", answer="yes")
    browser.send("/roadmap/steps/M1/not-for-me", dependants="drop")
    sheet = browser.text("/roadmap/print")
    assert "You set the other steps aside." in sheet
    assert "Well done" not in sheet
    assert "Your journey as a picture" not in sheet


def test_the_square_opens_in_the_language_of_its_paper(another_browser: Callable[..., Browser]) -> None:
    here = another_browser("ur")
    here.make_plan()
    code = here.save_plan().replace("-", "")
    page = another_browser().client.get(f"/r/{code}?l=ur")
    html = page.get_data(as_text=True)
    assert 'lang="ur"' in html
    assert f'href="/r/{code}?l=ar"' in html
    assert 'lang="en"' in here.client.get(f"/r/{code}?l=xx", headers={"Accept-Language": "en"}).get_data(
        as_text=True
    )


def test_finish_says_what_would_be_lost_and_delete_what_is_gone(browser: Browser) -> None:
    assert "You have not saved this plan" not in browser.text("/finish")
    browser.make_plan()
    assert "You have not saved this plan" in browser.text("/finish")
    browser.save_plan()
    assert "You have not saved this plan" not in browser.text("/finish")
    gone = browser.send("/roadmap/code", do="delete")
    assert "Your plan is deleted." in browser.client.get(gone.headers["Location"]).get_data(as_text=True)
