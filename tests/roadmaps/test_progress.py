"""Small wins, the look back and the day to look again: the rules, then the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, text

from inclusion_app.core.db import transaction
from inclusion_app.core.history import StatusChange
from inclusion_app.roadmaps import journeys
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.progress import (
    BETTER_WORDS,
    PAST,
    ROW_SIGNS,
    SCALE,
    TOO_FAR,
    WIN_SAID,
    WIN_WORDS,
    Change,
    better_answers,
    day_to_propose,
    easiest,
    follow_up_of,
    moments,
    months_after,
    path_of,
    ready_days,
    what_is_wrong,
    wins_of,
)
from inclusion_app.roadmaps.rules import DONE, StepState
from tests.conftest import Browser

TODAY = date(2026, 10, 5)
MONDAY = datetime(2026, 10, 5, 10, tzinfo=UTC)
HELP, ALONE, SHOW, KNEW = (
    StepState.DONE_WITH_HELP, StepState.DONE_ALONE, StepState.CAN_SHOW, StepState.ALREADY_KNEW,
)  # fmt: skip


def change(step: str, after: StepState, days: int = 0) -> Change:
    return Change(step, after, MONDAY + timedelta(days=days))


# --- what is told --------------------------------------------------------------------------------------------------


def test_every_way_of_doing_has_its_own_words() -> None:
    assert set(WIN_WORDS) == set(WIN_SAID) == DONE
    assert len(set(WIN_WORDS.values())) == len(set(WIN_SAID.values())) == len(DONE)


@pytest.mark.parametrize("sentence", [*WIN_WORDS.values(), *WIN_SAID.values(), *BETTER_WORDS.values()])
def test_nothing_is_a_score(sentence: str) -> None:
    assert not re.search(r"\d|%|points?|score|level", sentence)


def test_only_the_last_settled_state_of_a_step_is_told() -> None:
    moves = [change("F1", StepState.DOING), change("F1", HELP, 1), change("F1", ALONE, 4)]
    (told,) = moments(moves, {"F1": ALONE})
    assert (told.state, told.day, told.words) == (ALONE, date(2026, 10, 9), "You did this on your own.")


def test_done_again_is_told_on_the_later_day() -> None:
    moves = [change("F1", HELP), change("F1", StepState.NOT_STARTED, 1), change("F1", HELP, 2)]
    assert [moment.day.day for moment in moments(moves, {"F1": HELP})] == [7]


@pytest.mark.parametrize("state", [StepState.NOT_STARTED, StepState.NOT_FOR_ME])
def test_what_was_undone_or_set_aside_is_not_told(state: StepState) -> None:
    assert moments([change("F1", HELP), change("F1", state, 1)], {"F1": state}) == ()


def test_what_is_being_done_is_told_and_is_no_win() -> None:
    told = moments(
        [change("F2", ALONE, 3), change("F1", StepState.DOING)], {"F1": StepState.DOING, "F2": ALONE}
    )
    assert [(moment.step, moment.words) for moment in told] == [
        ("F1", "You began this step."), ("F2", "You did this on your own."),
    ]  # fmt: skip
    assert [win.step for win in wins_of(told)] == ["F2"]


def test_the_easiest_step_is_the_shortest_and_the_first_of_equals() -> None:
    minutes = {"C1": 45, "A3": 20, "F3": 20}
    assert easiest(("C1", "A3", "F3"), minutes.__getitem__) == "A3"
    assert easiest((), minutes.__getitem__) is None


# --- answers that got better ---------------------------------------------------------------------------------------


def test_the_first_answer_is_kept_and_no_later_one() -> None:
    stored: dict[str, object] = {}
    for value in ("not_yet", "with_help", "alone", None):
        stored = journeys.with_answer(stored, "q5", value)
    assert stored["first"] == {"q5": "not_yet"}


def test_a_skipped_question_has_no_first_answer_until_it_is_answered() -> None:
    stored = journeys.with_answer({}, "q7", None)
    assert "first" not in stored
    assert journeys.with_answer(stored, "q7", "with_help")["first"] == {"q7": "with_help"}


def test_life_questions_keep_no_first_answer() -> None:
    assert "first" not in journeys.with_answer(journeys.with_answer({}, "q1", ["g01"]), "q3", "yes")


def test_new_to_all_this_is_a_first_answer_and_takes_none_away() -> None:
    stored = journeys.new_to_all_this(journeys.with_answer({}, "q5", "with_help"))
    assert stored["first"]["q5"] == "with_help"
    assert stored["first"]["q12"] == "not_yet"


def test_a_plan_from_before_first_answers_were_kept_begins_with_the_one_it_has() -> None:
    assert better_answers({"q5": "alone"}) == ()
    stored = journeys.with_answer({"q5": "not_yet"}, "q5", "alone")
    assert better_answers(stored) == (("q5", "At first: not yet. Now: on your own."),)


def test_only_further_is_told() -> None:
    for before, first in enumerate(SCALE):
        for after, now in enumerate(SCALE):
            found = better_answers({"q9": now.value, "first": {"q9": first.value}})
            assert bool(found) == (after > before)
    assert better_answers({"q9": "skipped", "first": {"q9": "not_yet"}}) == ()


def test_the_rule_of_the_plan_does_not_see_first_answers() -> None:
    plain = {"q1": ["g03"], "q5": "with_help"}
    assert journeys.read_answers({**plain, "first": {"q5": "show"}}) == journeys.read_answers(plain)
    assert journeys.answered({**plain, "first": {"q9": "show"}}) == {"q1", "q5"}


# --- the picture ---------------------------------------------------------------------------------------------------


def wins(number: int) -> tuple[object, ...]:
    steps = [f"X{step}" for step in range(number)]
    return moments([change(step, ALONE, day) for day, step in enumerate(steps)], dict.fromkeys(steps, ALONE))


@pytest.mark.parametrize("number", [0, 1, 5, 6, 7, 20])
def test_the_road_grows_by_a_sign_for_each_win(number: int) -> None:
    path = path_of(wins(number))
    assert len(path.signs) == number
    assert [sign.latest for sign in path.signs] == [False] * (number - 1) + [True] * (number > 0)
    spots = [path.start, *((sign.x, sign.y) for sign in path.signs)]
    assert len(set(spots)) == len(spots)
    assert all(0 < x < path.width and 0 < y < path.height for x, y in spots)
    # One line: each sign is one step from the one before, along the row or down to the next.
    far = {abs(x - a) + abs(y - b) for (a, b), (x, y) in zip(spots, spots[1:], strict=False)}
    assert far <= {44}


def test_the_road_is_mirrored_for_right_to_left() -> None:
    left, right = path_of(wins(9)), path_of(wins(9), rtl=True)
    assert [sign.x for sign in right.signs] == [left.width - sign.x for sign in left.signs]
    assert [sign.y for sign in right.signs] == [sign.y for sign in left.signs]


def test_a_short_road_shows_the_latest() -> None:
    path = path_of(wins(30), most=ROW_SIGNS - 2)
    assert len(path.signs) == ROW_SIGNS - 2
    assert path.signs[-1].latest
    assert len({sign.y for sign in path.signs}) == 1


# --- the day to look again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "wrong"),
    [
        (TODAY - timedelta(days=1), PAST), (TODAY, None), (date(2027, 10, 5), None), (date(2027, 10, 6), TOO_FAR),
    ],
)  # fmt: skip
def test_a_day_is_kept_from_today_to_a_year_ahead(day: date, wrong: str | None) -> None:
    assert what_is_wrong(day, TODAY) == wrong


def test_a_month_ends_where_it_ends() -> None:
    assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_after(date(2026, 12, 31), 1) == date(2027, 1, 31)
    assert months_after(date(2028, 2, 29), 12) == date(2029, 2, 28)


def test_every_ready_day_can_be_kept() -> None:
    for today in (TODAY, date(2028, 2, 29), date(2026, 12, 31)):
        assert all(what_is_wrong(day, today) is None for _label, day in ready_days(today))


@pytest.mark.parametrize("step", ["A1", "A3"])
@pytest.mark.parametrize("after", [HELP, ALONE, SHOW])
def test_after_a_device_or_a_sim_a_day_is_proposed(step: str, after: StepState) -> None:
    day = day_to_propose({}, step=step, before=StepState.DOING, after=after, today=TODAY)
    assert day == date(2026, 11, 2)


@pytest.mark.parametrize(
    ("choices", "step", "before", "after"),
    [
        ({}, "F1", StepState.DOING, ALONE),  # no device came
        ({}, "A1", StepState.NOT_STARTED, KNEW),  # nor did one here
        ({}, "A1", HELP, ALONE),  # it came before
        ({}, "A1", HELP, StepState.NOT_STARTED),
        ({"follow_up_on": "2026-10-20"}, "A1", StepState.DOING, HELP),  # a day stands
    ],
)
def test_else_no_day_is_proposed(
    choices: dict[str, str], step: str, before: StepState, after: StepState
) -> None:
    assert day_to_propose(choices, step=step, before=before, after=after, today=TODAY) is None


def test_a_day_that_has_come_makes_room_for_a_new_one() -> None:
    gone = {"follow_up_on": "2026-10-05"}
    assert day_to_propose(gone, step="A3", before=StepState.DOING, after=HELP, today=TODAY)
    stands = follow_up_of(gone, TODAY)
    assert stands
    assert stands.come
    assert not stands.proposed


# --- the pages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-10-05 10:00", tick=False) as traveller:
        yield traveller


def main_of(html: str) -> str:
    return re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("<main")[1].split("</main>", maxsplit=1)[0])
    )


def test_a_win_is_said_at_once_and_stays(browser: Browser, clock: time_machine.Traveller) -> None:
    browser.make_plan()
    answer = browser.send("/roadmap/steps/F1", do="done_with_help")
    assert "free" not in str(answer.headers)
    page = browser.text("/roadmap")
    assert "You did this with help. That is a real step." in page
    assert page.count('class="path"') == 1
    assert page.index('class="path"') < page.index("Your next steps")
    later = browser.text("/roadmap")
    assert "That is a real step" not in later
    assert later.index('class="path"') > later.index("What you have done")
    assert "You did this with help. Monday 5 October 2026" in main_of(later)


def test_the_look_back_tells_day_by_day(browser: Browser, clock: time_machine.Traveller) -> None:
    clock.move_to("2026-10-04 23:30Z")  # in Manchester it is Monday
    browser.make_plan()
    browser.send("/roadmap/steps/F1", do="doing")
    clock.shift(timedelta(minutes=1))
    browser.send("/roadmap/steps/S1", do="already_knew")
    code = browser.save_plan()
    clock.move_to("2026-10-09 09:00Z")
    browser.send("/come-back", code=code, pin="4071")
    browser.send("/roadmap/steps/F1", do="done_alone")
    browser.send("/roadmap/steps/F2", do="done_alone")
    browser.send("/roadmap/steps/F2", do="not_started")
    told = main_of(browser.text("/roadmap/look-back"))
    parts = (
        "You made this plan on Monday 5 October 2026.", "Spot a scam You knew this already.", "Friday 9 October 2026",
        "Turn it on and find your way round You did this on your own.",
    )  # fmt: skip
    assert [told.index(part) for part in parts] == sorted(told.index(part) for part in parts)
    assert "You began" not in told
    assert "Tap, type" not in told
    assert not re.search(r"%|\d+ of \d+|\bsteps done\b", told)


def test_answers_that_got_better_are_told_in_words(browser: Browser) -> None:
    browser.make_plan()
    browser.send("/roadmap/check/5", answer="not_yet")
    browser.send("/roadmap/check/6", answer="alone")
    browser.send("/roadmap/check/5", answer="with_help")
    browser.send("/roadmap/check/6", answer="not_yet")
    told = main_of(browser.text("/roadmap/look-back"))
    assert "At first: not yet. Now: with help." in told
    assert told.count("At first") == 1


def test_nothing_yet_is_a_kind_word_and_the_easiest_step(browser: Browser) -> None:
    browser.make_plan()
    told = browser.text("/roadmap/look-back")
    assert "No step is done yet, and that is fine." in told
    assert re.search(r'good start: <a href="/en/roadmap/steps/(A3|S1)"', told)
    assert 'class="path"' not in told


def test_the_history_is_one_select(browser: Browser, app: Flask) -> None:
    browser.make_plan()
    for step in ("F1", "F2", "F3", "S1"):
        browser.send(f"/roadmap/steps/{step}", do="done_alone")
    seen: list[str] = []
    engine = app.extensions["engine"]

    def note(_c: object, _k: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    browser.text("/roadmap/look-back")
    event.remove(engine, "before_cursor_execute", note)
    assert len([sql for sql in seen if "status_changes" in sql]) == 1


@pytest.mark.parametrize("path", ["/roadmap/look-back", "/roadmap/follow-up"])
def test_without_a_plan_one_begins(browser: Browser, path: str) -> None:
    assert browser.get(path).headers["Location"] == "/en/roadmap/check"


def test_a_ready_day_and_a_typed_one(browser: Browser, clock: time_machine.Traveller) -> None:
    browser.make_plan()
    assert "In one week" in browser.text("/roadmap")
    sent = browser.send("/roadmap/follow-up", ready="2026-10-12")
    assert sent.headers["Location"] == "/en/roadmap"
    assert "Look at this plan again on Monday 12 October 2026." in browser.text("/roadmap")
    browser.send("/roadmap/follow-up", day=["٧", "12", "26"])
    page = browser.text("/roadmap")
    assert "Look at this plan again on Monday 7 December 2026." in page
    assert "12 October" not in page
    browser.send("/roadmap/follow-up", remove="1")
    page = browser.text("/roadmap")
    assert "Look at this plan again" not in page
    assert "The day is taken out of your plan." in page


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"day": ["4", "10", "2026"]}, "This day has passed. Type a later day."),
        ({"day": ["6", "10", "2027"]}, "This day is too far away."),
        ({"day": ["31", "2", "2027"]}, "Type a real day: day, month, year."),
        ({"day": ["", "", ""]}, "Type a day, or choose one of the days above."),
        ({}, "Type a day, or choose one of the days above."),
        ({"ready": "soon"}, "Type a day, or choose one of the days above."),
        ({"ready": "2026-10-04"}, "This day has passed."),
    ],
)
def test_a_day_that_cannot_be_kept_is_said_at_the_field(
    browser: Browser, clock: time_machine.Traveller, app: Flask, sent: dict[str, object], says: str
) -> None:
    browser.make_plan()
    answer = browser.send("/roadmap/follow-up", **sent)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in html.split('id="day-error"')[1]
    assert '<a href="#day">' in html
    for typed in sent.get("day", ()):  # type: ignore[attr-defined]
        assert f'value="{typed}"' in html
    with app.app_context(), transaction() as session:
        assert "follow_up_on" not in session.query(Roadmap).one().choices


@pytest.mark.parametrize("language", ["ur", "ar"])
def test_a_refused_day_speaks_the_readers_language(
    another_browser: Callable[..., Browser], clock: time_machine.Traveller, language: str
) -> None:
    person = another_browser(language)
    person.make_plan()
    html = person.send("/roadmap/follow-up", day=["1", "1", "2020"]).get_data(as_text=True)
    assert "This day" not in html
    assert {"ur": "یہ دن گزر گیا ہے", "ar": "هذا اليوم مضى"}[language] in html


def test_after_a_sim_a_day_is_proposed_agreed_to_and_comes(
    browser: Browser, clock: time_machine.Traveller
) -> None:
    browser.make_plan()
    browser.send("/roadmap/steps/A3", do="done_with_help")
    page = browser.text("/roadmap")
    assert "Look at this plan again on Monday 2 November 2026." in page
    assert "Is this day good?" in page
    browser.send("/roadmap/follow-up", ready="2026-11-02")
    page = browser.text("/roadmap")
    assert "Is this day good?" not in page
    code = browser.save_plan()
    clock.move_to("2026-11-02 09:00Z")
    assert browser.send("/come-back", code=code, pin="4071").status_code == 303
    page = browser.text("/roadmap")
    assert "It is time to look at your plan again." in page
    assert "You chose this day: Monday 2 November 2026." in page


def test_the_code_alone_shows_no_day_and_no_history(
    browser: Browser, another_browser: Callable[..., Browser]
) -> None:
    browser.make_plan()
    browser.send("/roadmap/steps/A3", do="done_with_help")
    code = browser.save_plan()
    other = another_browser()
    other.send("/come-back", code=code, pin="")
    page = other.text("/roadmap")
    assert "Your steps" in page
    for told in ("You did this", "SIM card", "again on", "202", 'class="path"', "look-back", "follow-up"):
        assert told not in main_of(page) + page.split("<main")[1].split("</main>")[0]
    assert other.get("/roadmap/look-back").status_code == 403
    assert other.get("/roadmap/follow-up").status_code == 403


def test_all_of_it_goes_with_the_plan(browser: Browser, app: Flask) -> None:
    browser.make_plan()
    browser.send("/roadmap/check/5", answer="not_yet")
    browser.send("/roadmap/steps/A3", do="done_with_help")
    browser.save_plan()
    with app.app_context(), transaction() as session:
        kept = session.execute(text("SELECT answers, choices FROM roadmaps")).one()
        assert not [value for value in kept if "first" in str(value) or "follow_up" in str(value)]
        assert session.query(StatusChange).count() > 0
    assert browser.send("/roadmap/code", do="delete").status_code == 303
    with app.app_context(), transaction() as session:
        assert session.query(Roadmap).count() == session.query(StatusChange).count() == 0


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
@pytest.mark.parametrize("form", ["", "?size=large", "?private=yes", "?size=large&private=yes"])
def test_the_day_stands_on_every_form_of_the_paper(
    another_browser: Callable[..., Browser], clock: time_machine.Traveller, language: str, form: str
) -> None:
    person = another_browser(language)
    person.make_plan()
    assert "again on" not in person.text(f"/roadmap/print{form}")
    person.send("/roadmap/follow-up", ready="2026-10-12")
    page = person.text(f"/roadmap/print{form}")
    assert page.count("Look at this plan again on Monday 12 October 2026.") == 1
    assert page.count('class="line"') == 1


def test_a_day_that_has_passed_is_not_printed(browser: Browser, clock: time_machine.Traveller) -> None:
    browser.make_plan()
    browser.send("/roadmap/follow-up", ready="2026-10-12")
    code = browser.save_plan()
    clock.move_to("2026-10-13 09:00Z")
    browser.send("/come-back", code=code, pin="4071")
    assert "again on" not in browser.text("/roadmap/print")


def test_the_latest_wins_are_printed_and_private_ones_keep_silent(browser: Browser) -> None:
    browser.make_plan(("g12",))
    for step in ("F1", "M1", "E1", "T6"):
        browser.send(f"/roadmap/steps/{step}", do="done_with_help")
    page = browser.text("/roadmap/print")
    assert "Set up the NHS App or website: You did this with help." in page
    assert "Turn it on" not in page.split("What you have done")[1]  # only the three latest
    private = browser.text("/roadmap/print?private=yes")
    assert "Visit a repair cafe or FabLab: You did this with help." in private
    for hidden in ("NHS App", "energy bill"):
        assert hidden not in private
