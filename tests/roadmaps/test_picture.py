"""The line map as numbers and as drawn, and every pictogram."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import jinja2
import pytest
from markupsafe import Markup

from inclusion_app.core.pins import PICTURES as SECRET_PICTURES
from inclusion_app.roadmaps.catalogue import load_catalogue
from inclusion_app.roadmaps.picture import (
    CELL,
    LANES_WIDTH,
    PICTURES,
    WORDS,
    LineMap,
    Shape,
    Station,
    line_map,
)
from inclusion_app.roadmaps.rules import (
    Answers,
    Barrier,
    Choices,
    Connection,
    Device,
    Plan,
    StepState,
    make_plan,
)
from inclusion_app.roadmaps.selfcheck import QUESTIONS

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue()
TODAY = date(2026, 11, 23)
PHONE = frozenset({Device.SMARTPHONE})
NO_DEVICE = frozenset({Device.NONE})
CASES = {
    "one goal, nothing begun": (Answers(goals=("g03",), devices=NO_DEVICE), Choices()),
    "three goals, part done": (
        Answers(
            goals=("g02", "g06", "g08"),
            devices=PHONE,
            connection=Connection.SOMETIMES,
            barriers=frozenset({Barrier.SCAMS}),
        ),
        Choices(
            states={
                "F1": StepState.DONE_WITH_HELP,
                "A3": StepState.DONE_ALONE,
                "S1": StepState.ALREADY_KNEW,
                "F3": StepState.DOING,
                "E1": StepState.NOT_FOR_ME,
            }
        ),
    ),
    "help asked for beside the goal": (
        Answers(goals=("g12", "g14"), devices=PHONE, barriers=frozenset({Barrier.SCAMS, Barrier.ALONE})),
        Choices(),
    ),
    "long": (Answers(goals=("g05", "g04", "g11"), devices=NO_DEVICE), Choices()),
    "all reached": (
        Answers(goals=("g12",)),
        Choices(states={"M1": StepState.CAN_SHOW, "M2": StepState.CAN_SHOW}),
    ),
}
every_case = pytest.mark.parametrize("case", CASES)


def _plan(case: str) -> Plan:
    answers, choices = CASES[case]
    return make_plan(CATALOGUE, answers, choices, TODAY)


def _map(case: str, *, rtl: bool = False, whole: bool = True) -> LineMap:
    answers, choices = CASES[case]
    return line_map(
        _plan(case), answers.goals, choices.states, catalogue=CATALOGUE if whole else None, rtl=rtl
    )


def _steps(drawn: LineMap) -> list[Station]:
    return [station for station in drawn.stations if station.shape not in {Shape.HERE, Shape.GOAL}]


def _by_id(drawn: LineMap) -> dict[str, Station]:
    return {station.id: station for station in drawn.stations}


# The layout


@every_case
def test_each_step_is_drawn_once(case: str) -> None:
    plan = _plan(case)
    ids = [station.id for station in _steps(_map(case))]
    assert sorted(ids) == sorted({*(step.id for step in plan.steps), *plan.done, *plan.not_for_me})


@every_case
def test_the_way_ahead_stands_in_plan_order_with_the_numbers_of_the_list(case: str) -> None:
    numbered = [(station.number, station.id) for station in _map(case).stations if station.number]
    assert numbered == list(enumerate((step.id for step in _plan(case).steps), 1))


@every_case
def test_a_station_sits_on_every_line_it_serves_and_no_other(case: str) -> None:
    goals = CASES[case][0].goals
    drawn = _by_id(_map(case))
    for step in _plan(case).steps:
        if step.serves:
            assert tuple(goals[lane] for lane in drawn[step.id].lanes) == step.serves


@every_case
def test_the_lines_a_station_stops_on_are_its_lanes(case: str) -> None:
    for station in _map(case).stations:
        assert tuple(track.lane for track in station.tracks if track.stops) == station.lanes


def test_a_shared_station_spans_its_lines() -> None:
    shared = _by_id(_map("long"))["F1"]
    assert shared.lanes == (0, 1, 2)
    stops = [track for track in shared.tracks if track.stops]
    assert (shared.first_x, shared.last_x) == (stops[0].x, stops[-1].x)
    assert (shared.first_y, shared.last_y) == (stops[0].y, stops[-1].y)


def test_a_step_that_serves_no_goal_of_its_own_sits_on_every_line() -> None:
    case = "help asked for beside the goal"
    assert next(step for step in _plan(case).steps if step.id == "A6").serves == ()
    assert _by_id(_map(case))["A6"].lanes == (0, 1)


@every_case
def test_every_line_runs_without_a_gap_from_its_first_station_to_its_last(case: str) -> None:
    drawn = _map(case)
    for lane in range(len(drawn.lanes)):
        pieces = [
            (number, track)
            for number, station in enumerate(drawn.stations)
            for track in station.tracks
            if track.lane == lane
        ]
        numbers = [number for number, _track in pieces]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert [track.top for _number, track in pieces] == [False] + [True] * (len(pieces) - 1)
        assert [track.bottom for _number, track in pieces] == [True] * (len(pieces) - 1) + [False]


@every_case
def test_across_the_page_each_piece_meets_the_next(case: str) -> None:
    drawn = _map(case)
    for before, after in zip(drawn.stations, drawn.stations[1:], strict=False):
        leaving = {track.lane for track in before.tracks if track.end == CELL}
        arriving = {track.lane for track in after.tracks if track.start == 0}
        assert leaving == arriving


@every_case
def test_you_are_here_once_between_what_is_settled_and_what_is_ahead(case: str) -> None:
    shapes = [station.shape for station in _map(case).stations]
    assert shapes.count(Shape.HERE) == 1
    settled = {Shape.DONE, Shape.KNEW, Shape.REFUSED, Shape.GOAL}
    here = shapes.index(Shape.HERE)
    assert set(shapes[:here]) <= settled
    assert not set(shapes[here:]) & {Shape.DONE, Shape.KNEW, Shape.REFUSED}


@every_case
def test_each_goal_stands_once_after_the_last_step_of_its_line(case: str) -> None:
    drawn = _map(case)
    for lane, goal in enumerate(drawn.lanes):
        places = [number for number, station in enumerate(drawn.stations) if station.id == goal]
        assert len(places) == 1
        later = [s for s in drawn.stations[places[0] + 1 :] if lane in s.lanes and s.shape is not Shape.HERE]
        assert later == []


def test_a_goal_that_is_reached_says_so_and_stands_behind() -> None:
    drawn = _map("all reached")
    assert [station.shape for station in drawn.stations[-2:]] == [Shape.GOAL, Shape.HERE]
    assert drawn.stations[-2].word


def test_a_goal_that_is_ahead_does_not_say_it_is_reached() -> None:
    assert _by_id(_map("one goal, nothing begun"))["g03"].word == ""


def test_the_next_three_are_ringed_with_their_numbers() -> None:
    for case in CASES:
        ringed = {s.next_number: s.id for s in _map(case).stations if s.shape is Shape.NEXT}
        assert ringed == dict(enumerate(_plan(case).next, 1))


def test_each_state_has_its_own_shape_and_word() -> None:
    drawn = _by_id(_map("three goals, part done"))
    assert {step: drawn[step].shape for step in ("F1", "A3", "S1", "F3", "E1", "F4")} == {
        "F1": Shape.DONE,
        "A3": Shape.DONE,
        "S1": Shape.KNEW,
        "F3": Shape.DOING,
        "E1": Shape.REFUSED,
        "F4": Shape.LATER,
    }
    words = [drawn[step].word for step in ("F1", "A3", "S1", "F3", "E1", "F4")]
    assert "" not in words
    assert len(set(words)) == len(words)
    assert drawn["F1"].word == "Done with help"


def test_what_is_done_stands_with_the_earlier_steps_first() -> None:
    answers = Answers(goals=("g09",), devices=PHONE, connection=Connection.YES)
    states = {"S3": StepState.DONE_ALONE, "C1": StepState.DONE_ALONE, "F1": StepState.DONE_ALONE}
    plan = make_plan(CATALOGUE, answers, Choices(states=states), TODAY)
    drawn = line_map(plan, answers.goals, states, catalogue=CATALOGUE)
    assert [station.id for station in drawn.stations[:3]] == ["F1", "C1", "S3"]


@every_case
def test_right_to_left_is_the_same_map_mirrored(case: str) -> None:
    ltr, rtl = _map(case), _map(case, rtl=True)
    assert [station.id for station in ltr.stations] == [station.id for station in rtl.stations]
    for here, there in zip(ltr.stations, rtl.stations, strict=True):
        assert (there.first_x, there.last_x) == (ltr.width - here.last_x, ltr.width - here.first_x)
        assert there.sign_x == ltr.width - here.sign_x
        assert there.at == CELL - here.at
        assert [(track.x, track.start, track.end) for track in there.tracks] == [
            (ltr.width - track.x, CELL - track.end, CELL - track.start) for track in here.tracks
        ]


def test_left_to_right_begins_at_the_left_and_right_to_left_at_the_right() -> None:
    assert _map("long").stations[0].at < CELL / 2 < _map("long", rtl=True).stations[0].at


@every_case
def test_the_same_plan_gives_the_same_map(case: str) -> None:
    assert _map(case) == _map(case)


@every_case
def test_paper_shows_the_way_ahead_only(case: str) -> None:
    drawn = _map(case, whole=False)
    assert [station.id for station in drawn.stations] == [step.id for step in _plan(case).steps]
    assert not drawn.whole


def test_paper_marks_the_step_the_person_stands_before() -> None:
    drawn = _map("three goals, part done", whole=False)
    assert [station.id for station in drawn.stations if station.here] == ["F3"]


def test_many_goals_share_the_room_of_five() -> None:
    goals = tuple(CATALOGUE.goals)
    plan = make_plan(CATALOGUE, Answers(goals=goals), Choices(), TODAY)
    drawn = line_map(plan, goals, {}, catalogue=CATALOGUE)
    assert drawn.lanes == goals
    assert drawn.width <= LANES_WIDTH


def test_goals_that_are_gone_leave_the_line_the_plan_fell_back_to() -> None:
    plan = make_plan(CATALOGUE, Answers(goals=("g99",)), Choices(), TODAY)
    assert line_map(plan, ("g99",), {}, catalogue=CATALOGUE).lanes == ("g01",)


def test_every_open_shape_has_a_word() -> None:
    assert set(WORDS) == set(Shape) - {Shape.DONE, Shape.GOAL}


# What is drawn


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.globals.update(
        _=lambda text, **values: text % values if values else text,
        url_for=lambda endpoint, step_id: f"/en/steps/{step_id}",
    )
    return environment


def _drawn(drawn: LineMap, *, links: bool = True) -> str:
    template = _environment().from_string(
        '{% from "components/linemap.html" import line_map with context %}{{ line_map(map, catalogue, links) }}'
    )
    return template.render(map=drawn, catalogue=CATALOGUE, links=links)


def _tree(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{markup}</div>")


@every_case
@pytest.mark.parametrize("whole", [True, False])
def test_the_words_stand_in_the_order_of_the_stations(case: str, whole: bool) -> None:
    drawn = _map(case, whole=whole)
    rows = _tree(_drawn(drawn)).findall("ol/li")
    assert len(rows) == len(drawn.stations)
    for row, station in zip(rows, drawn.stations, strict=True):
        words = "".join((row.find("span") or row).itertext())
        if station.shape is Shape.HERE:
            assert words == "You are here"
        elif station.shape is Shape.GOAL:
            assert words.startswith(CATALOGUE.goals[station.id].title)
        else:
            assert CATALOGUE.steps[station.id].title in words


def test_every_station_on_the_page_says_its_state_in_words() -> None:
    drawn = _map("three goals, part done")
    rows = _tree(_drawn(drawn)).findall("ol/li")
    for row, station in zip(rows, drawn.stations, strict=True):
        if station.word:
            assert station.word in "".join((row.find("span") or row).itertext())


def test_every_shape_is_drawn_differently_down_the_page() -> None:
    seen: dict[str, str] = {}
    template = _environment().from_string(
        '{% from "components/linemap.html" import station %}{{ station(s, 11, 22, 11, 22, 11, 22) }}'
    )
    drawn = _by_id(_map("three goals, part done"))
    for station in drawn.values():
        marks = template.render(s=station).strip()
        assert marks
        key = f"{station.shape} {station.next_number} {station.id if station.shape is Shape.GOAL else ''}"
        seen.setdefault(key, marks)
    assert len(set(seen.values())) == len(seen)
    assert {key.split(" ")[0] for key in seen} == {shape.value for shape in Shape}


def test_a_line_that_does_not_stop_passes_over_the_station() -> None:
    goals = ("g03", "g12", "g06")
    plan = make_plan(CATALOGUE, Answers(goals=goals, devices=PHONE), Choices(), TODAY)
    drawn = line_map(plan, goals, {}, catalogue=CATALOGUE)
    number, station = next(
        (number, station)
        for number, station in enumerate(drawn.stations)
        if station.lanes == (0, 2) and len(station.tracks) == 3
    )
    row = _tree(_drawn(drawn)).findall("ol/li")[number]
    for picture in row.findall("svg"):
        tags = [child.tag for child in picture]
        assert tags.index("rect") == 2
        assert tags[-1] == "path"
        assert picture[-1].get("stroke") != picture[0].get("stroke")


def test_the_map_keeps_the_content_security_policy() -> None:
    for whole in (True, False):
        markup = _drawn(_map("three goals, part done", whole=whole))
        assert not re.search(r"\sstyle=|<style|<script|\son\w+=", markup)


def test_the_drawing_is_decoration_beside_its_words() -> None:
    for picture in _tree(_drawn(_map("three goals, part done"))).iter("svg"):
        assert picture.get("aria-hidden") == "true"


def test_stations_link_to_their_steps_on_the_page_and_not_on_paper() -> None:
    assert 'href="/en/steps/F3"' in _drawn(_map("three goals, part done"))
    assert "<a " not in _drawn(_map("three goals, part done"), links=False)
    assert "<a " not in _drawn(_map("three goals, part done", whole=False))


def test_only_the_number_of_a_ring_is_text_inside_a_drawing() -> None:
    texts = ["".join(text.itertext()) for text in _tree(_drawn(_map("three goals, part done"))).iter("text")]
    assert texts
    assert set(texts) <= {"1", "2", "3"}


def test_the_style_sheet_stays_small_and_turns_with_the_language() -> None:
    css = (ROOT / "static" / "css" / "linemap.css").read_text()
    assert len(css.encode()) <= 1500
    assert not re.search(
        r"[{;](?:left|right|(?:margin|padding|border)-(?:left|right)|text-align:(?:left|right))", css
    )


# The pictures

NAMES = [name for group in PICTURES.values() for name in group]


def _picture(name: str, **options: str) -> str:
    module = _environment().get_template("components/pictures.html").module
    return str(module.picture(name, **options)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_draws_and_stays_small(name: str) -> None:
    markup = _picture(name)
    drawing = ElementTree.fromstring(markup)
    assert drawing.get("viewBox") == "0 0 48 48"
    assert len(drawing) > 0
    assert len(markup) <= 360


@pytest.mark.parametrize("name", NAMES)
def test_no_stroke_starts_outside_the_square(name: str) -> None:
    for path in re.findall(r' d="([^"]+)"', _picture(name)):
        for x, y in re.findall(r"M\s?([\d.-]+)[ ,]([\d.-]+)", path):
            assert 0 <= float(x) <= 48
            assert 0 <= float(y) <= 48


def test_the_list_of_pictures_is_what_the_template_holds() -> None:
    module = _environment().get_template("components/pictures.html").module
    assert sorted(module.drawings) == sorted(NAMES)  # type: ignore[attr-defined]
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(
    "group", ["goals", "questions", "devices", "connection", "barriers", "secret", "start"]
)
def test_pictures_one_chooses_between_all_differ(group: str) -> None:
    pictures = [_picture(name) for name in PICTURES[group]]
    assert len(set(pictures)) == len(pictures)


def test_the_secret_pictures_are_the_ones_a_person_can_choose() -> None:
    assert sorted(PICTURES["secret"]) == sorted(SECRET_PICTURES)


def test_every_picture_of_the_self_check_exists() -> None:
    asked = {question.picture for question in QUESTIONS} | {
        option.picture for question in QUESTIONS for option in question.options if option.picture
    }
    assert asked <= set(NAMES)


def test_every_goal_has_a_picture() -> None:
    assert set(PICTURES["goals"]) == set(CATALOGUE.goals)


def test_a_picture_is_decoration_until_it_has_a_title() -> None:
    assert 'aria-hidden="true"' in _picture("sun")
    named = _picture("sun", title="Sun & rain")
    assert "<title>Sun &amp; rain</title>" in named
    assert 'role="img"' in named
    assert "aria-hidden" not in named


def test_a_name_that_is_not_there_draws_nothing() -> None:
    assert _picture("<b>") == ""


def test_pictures_survive_as_markup() -> None:
    module = _environment().get_template("components/pictures.html").module
    assert isinstance(module.picture("sun"), Markup)  # type: ignore[attr-defined]
