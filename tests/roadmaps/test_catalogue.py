"""The catalogue: whole, plain, and refused when it is not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

from inclusion_app.roadmaps.catalogue import (
    ENABLING_STEPS,
    FOLDER,
    GOAL_WORDS,
    OFFER_WORDS,
    STEP_WORDS,
    CatalogueError,
    hard_word,
    load_catalogue,
    read_catalogue,
    sentences_of,
)
from inclusion_app.roadmaps.selfcheck import QUESTIONS


def test_fifteen_goals_and_fifty_four_steps_with_a_longest_chain_of_seven() -> None:
    catalogue = load_catalogue()
    assert (len(catalogue.goals), len(catalogue.steps)) == (15, 54)
    assert max(catalogue.chain(step) for step in catalogue.steps) == 7


def test_the_self_check_offers_every_goal_by_its_title() -> None:
    catalogue = load_catalogue()
    assert {option.value: option.label for option in QUESTIONS[0].options} == {
        goal.id: goal.title for goal in catalogue.goals.values()
    }


def test_it_is_read_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_steps_that_ask_for_id_say_what_can_be_done_without() -> None:
    for step in load_catalogue().steps.values():
        assert bool(step.without_id) == ("id" in step.needs or step.id == "A7"), step.id


def test_the_private_steps() -> None:
    steps = load_catalogue().steps.values()
    assert {step.id for step in steps if step.private} == {"T6", "T7", "U1", "U2", "A7", "E1"}


def test_job_and_benefit_goals_send_people_who_wait_for_a_decision_to_an_adviser() -> None:
    goals = load_catalogue().goals
    warned = {key for key, goal in goals.items() if any("decision to stay" in note for note in goal.notes)}
    assert warned == {"g04", "g05"}


def test_only_meeting_people_is_suggested_together_first() -> None:
    goals = load_catalogue().goals
    assert {key for key, goal in goals.items() if goal.together_first} == {"g10"}


def test_ancestors_are_all_that_comes_before_at_any_depth() -> None:
    assert load_catalogue().ancestors("C3") == {"C2", "F3", "F6", "F2", "F1"}
    assert load_catalogue().ancestors("F1") == frozenset()


def test_at_most_three_offers_and_one_line_stand_by_a_step_and_none_for_somebody_in_danger() -> None:
    catalogue = load_catalogue()
    assert [offer.key for offer in catalogue.offers_for("A3")] == [
        "national_databank",
        "manchester_library_sim",
        "gm_databank",
    ]
    assert max(len(catalogue.offers_for(step)) for step in catalogue.steps) == 3
    lines = [catalogue.phone_line_for(step) for step in catalogue.steps]
    lines += [line for goal in catalogue.goals for line in catalogue.phone_lines_for_goal(goal)]
    assert any(lines)
    assert not any(line.unsafe for line in lines if line)
    assert catalogue.unsafe_lines()


def test_every_word_of_the_data_files_becomes_a_message_at_its_line() -> None:
    catalogue = load_catalogue()
    words = {
        text for row in catalogue.goals.values() for _, text in sentences_of(row, (*GOAL_WORDS, "notes"))
    }
    words |= {
        text
        for row in catalogue.steps.values()
        for _, text in sentences_of(row, (*STEP_WORDS, "without_id", "notes"))
    }
    words |= {text for row in catalogue.offers for _, text in sentences_of(row, OFFER_WORDS)}
    words |= {text for row in catalogue.lines for _, text in sentences_of(row, ("for_what", "hours")) if text}
    found = set()
    for file in FOLDER.glob("*.toml"):
        lines = file.read_text().splitlines()
        method = "inclusion_app.roadmaps.catalogue:extract_catalogue"
        for number, message, comments, _ in extract_from_file(method, file):
            assert str(message) in lines[number - 1]
            assert comments
            found.add(str(message))
    assert found == words


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in FOLDER.glob("*.toml"):
        shutil.copy(file, tmp_path)
    return tmp_path


WHY = "This is where everything starts."
HOW = '"Find the power button and hold it."'
FAULTS = [
    ("steps.toml", 'after = ["F1"]', 'after = ["F9"]', "A5: there is no step F9"),
    ("steps.toml", 'id = "F1"\n', 'id = "F2"\n', "F2 stands there twice"),
    ("steps.toml", "minutes = 45", "minutes = 0", "F1: level or minutes cannot be right"),
    ("steps.toml", "minutes = 45", 'minutes = "45"', "F1: minutes must be a whole number"),
    ("steps.toml", "level = 4", "level = 5", "D4: level or minutes cannot be right"),
    ("steps.toml", 'area = "SAFE"', 'area = "DANGER"', "S1: there is no area DANGER"),
    ("steps.toml", 'needs = ["place"]', 'needs = ["moon"]', "A2: there is no need moon"),
    ("steps.toml", 'digcomp = "5.2"', 'digcomp = "9.2"', "A1: there is no DigComp number 9.2"),
    ("steps.toml", "private = true", 'private = "yes"', "A7: private must be true or false"),
    ("steps.toml", f'why = "{WHY}"', 'why = ""', "F1: why is missing"),
    ("steps.toml", f'why = "{WHY}"\n', "", "F1: why is missing"),
    ("steps.toml", f'why = "{WHY}"', 'why = " "', "F1: why has an empty text"),
    ("steps.toml", f'why = "{WHY}"', f'why = ["{WHY}"]', "F1: why must be text"),
    ("steps.toml", HOW, '""', "F1: how has an empty text"),
    ("steps.toml", HOW, "7", "F1: how must be a list of texts"),
    ("steps.toml", WHY, "This is " + "very " * 14 + "long.", "F1: why has more than 15 words"),
    ("steps.toml", "Turn it on and find", "now " * 12 + "find", "F1: title has more than 12 words"),
    ("steps.toml", WHY, "Utilise this.", "F1: why has the hard word Utilise"),
    ("steps.toml", WHY, "Ask the DWP.", "F1: why has the hard word DWP"),
    ("steps.toml", 'id = "A1"\n', 'id = "A1"\ncolour = "red"\n', "A1: unknown field colour"),
    ("steps.toml", 'id = "A1"\n', "", "a row without an id: .*'id'"),
    ("steps.toml", "without_id =", "notes_id =", "unknown field notes_id"),
    (
        "steps.toml",
        f'why = "{WHY}"',
        f'why = "{WHY}"\nwithout_id = ["Go."]',
        "F1: without_id is only for steps",
    ),
    ("steps.toml", "[[step]]", "[[stop]]", "unknown table stop"),
    ("steps.toml", "[[step]]", "[[step", "line 3"),
    ("goals.toml", 'steps = ["T7"]', 'steps = ["T8"]', "g02: there is no step T8"),
    ("goals.toml", 'extras = ["A6"]', 'extras = ["A8"]', "g01: there is no step A8"),
    ("goals.toml", 'steps = ["T7"]', "steps = []", "g02: a goal needs a step"),
    ("goals.toml", 'id = "g02"', 'id = "g01"', "g01 stands there twice"),
    ("goals.toml", 'words = "I want to make a start."\n', "", "g01: words is missing"),
    ("goals.toml", 'route = ["A money adviser phones for you."]', "route = []", "g08: route is missing"),
    ("goals.toml", "A money adviser", "Via the DWP a money adviser", "g08: route has the hard word Via"),
    ("offers.toml", 'source_on = "2024"', 'source_on = "spring 2024"', "source_on is no day, month or year"),
    ("offers.toml", 'steps = ["A1"]', 'steps = ["A9"]', "national_device_bank: there is no step A9"),
    (
        "offers.toml",
        "A free SIM card with",
        "Utilise a SIM card with",
        "national_databank: what has the hard word",
    ),
    ("phone_lines.toml", 'goals = ["g05"]', 'goals = ["g55"]', "uc_helpline: there is no goal g55"),
    (
        "phone_lines.toml",
        'steps = ["A7"]',
        'steps = ["A77"]',
        "citizens_advice_adviceline: there is no step A77",
    ),
    ("phone_lines.toml", 'cost = "free"', 'cost = "5p"', "uc_helpline: cost is free, or left out"),
    (
        "phone_lines.toml",
        'number = "0800 328 5644"',
        'number = ""',
        "uc_helpline: neither number nor website",
    ),
    (
        "phone_lines.toml",
        'source_on = "2020-05-05"',
        'source_on = "May"',
        "adviceline: source_on is no day, month or year",
    ),
    (
        "phone_lines.toml",
        'source = "https://www.gov.uk/u',
        'source = "gov.uk/u',
        "uc_helpline: source is no address",
    ),
    ("phone_lines.toml", 'read_on = "2026-11-23"', 'read_on = ""', "uc_helpline: read_on is no day"),
    (
        "offers.toml",
        'confidence = "high"',
        'confidence = "low"',
        "national_databank: confidence must be high or medium",
    ),
    ("phone_lines.toml", "Tell the police about fraud.", "", "report_fraud: for_what is missing"),
    ("safe_sites.toml", "https://", "http://", "address must start with https://"),
    ("safe_sites.toml", "[[site]]", "[[place]]", "unknown table place"),
    ("safe_sites.toml", "[[site]]", "[site]", r"there is no \[\[site\]\]"),
]


@pytest.mark.parametrize(("file", "find", "put", "says"), FAULTS)
def test_a_faulty_file_is_refused_with_its_name_and_id(
    copy: Path, file: str, find: str, put: str, says: str
) -> None:
    path = copy / file
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, put, 1))
    with pytest.raises(CatalogueError, match=says) as caught:
        read_catalogue(copy)
    assert str(caught.value).startswith(f"{file}: ")


def change_after(folder: Path, step: str, after: str) -> None:
    """Put other prerequisites on one step of a copy."""
    path = folder / "steps.toml"
    text = path.read_text()
    at = text.index(f'id = "{step}"')
    path.write_text(text[:at] + re.sub(r"after = \[.*\]", f"after = {after}", text[at:], count=1))


def test_the_copy_itself_is_accepted(copy: Path) -> None:
    assert read_catalogue(copy) == load_catalogue()


@pytest.mark.parametrize(
    "file", ["goals.toml", "steps.toml", "offers.toml", "phone_lines.toml", "safe_sites.toml"]
)
def test_a_missing_file_is_refused_by_its_name(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(CatalogueError, match=f"^{file}: "):
        read_catalogue(copy)


@pytest.mark.parametrize("step", ENABLING_STEPS)
def test_an_enabling_step_may_not_be_missing(copy: Path, step: str) -> None:
    path = copy / "steps.toml"
    path.write_text(path.read_text().replace(f'id = "{step}"', 'id = "Z1"'))
    with pytest.raises(CatalogueError, match=f"the enabling step {step} is missing"):
        read_catalogue(copy)


def test_a_line_of_more_than_seven_steps_is_refused(copy: Path) -> None:
    last = next(step for step in load_catalogue().steps if load_catalogue().chain(step) == 7)
    change_after(copy, "M1", f'["{last}"]')
    with pytest.raises(CatalogueError, match="steps.toml: M[1-3]: more than 7 steps stand in its line"):
        read_catalogue(copy)


def test_a_loop_is_refused_and_named(copy: Path) -> None:
    change_after(copy, "F1", '["F6"]')
    with pytest.raises(
        CatalogueError, match=r"steps.toml: \w+: a loop: .*F1 → F6 → F2 → F1|F2 → F1 → F6 → F2"
    ):
        read_catalogue(copy)


@pytest.mark.parametrize("step", ["A1", "A2", "A3", "A4", "A6", "A7"])
def test_an_access_step_may_not_rest_on_a_skill(copy: Path, step: str) -> None:
    change_after(copy, step, '["F1"]')
    with pytest.raises(CatalogueError, match=f"steps.toml: {step}: an access step may not rest on F1"):
        read_catalogue(copy)


def test_an_access_step_may_rest_on_another_one(copy: Path) -> None:
    change_after(copy, "A3", '["A1"]')
    assert read_catalogue(copy).ancestors("A3") == {"A1"}


def test_hard_words_and_initials() -> None:
    assert hard_word("Ask your GP about the NHS App.") is None
    assert hard_word("Ask the DWP.") == "DWP"
    assert hard_word("You are eligible.") == "eligible"
    assert hard_word("You are Eligible.") == "Eligible"
