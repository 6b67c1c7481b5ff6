"""The catalogue: whole, plain, and refused when it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inclusion_app.roadmaps.catalogue import FOLDER, CatalogueError, hard_word, load_catalogue, read_catalogue
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
    assert len(QUESTIONS) == 12


def test_steps_that_ask_for_id_say_what_can_be_done_without() -> None:
    for step in load_catalogue().steps.values():
        assert bool(step.without_id) == ("id" in step.needs or step.id == "A7"), step.id


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in FOLDER.glob("*.toml"):
        shutil.copy(file, tmp_path)
    return tmp_path


FAULTS = [
    ('after = ["F1"]', 'after = ["F9"]', "no step F9"),
    ('id = "F1"\n', 'id = "F2"\n', "stands there twice"),
    ("minutes = 45", "minutes = 0", "cannot be right"),
    ('area = "SAFE"', 'area = "DANGER"', "no area DANGER"),
    ('needs = ["place"]', 'needs = ["moon"]', "no need moon"),
    ('why = "This is where everything starts."', 'why = ""', "why is missing"),
    ("This is where everything starts.", "This is " + "very " * 14 + "long.", "more than 15 words"),
    ("This is where everything starts.", "Utilise this.", "hard word Utilise"),
    ("This is where everything starts.", "Ask the DWP.", "hard word DWP"),
    ('id = "A1"\n', 'id = "A1"\ncolour = "red"\n', "unknown field colour"),
]


@pytest.mark.parametrize(("find", "put", "says"), FAULTS)
def test_a_faulty_file_is_refused_with_its_name_and_id(copy: Path, find: str, put: str, says: str) -> None:
    path = copy / "steps.toml"
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, put, 1))
    with pytest.raises(CatalogueError, match=says) as caught:
        read_catalogue(copy)
    assert "steps.toml" in str(caught.value)


def test_a_loop_is_refused(copy: Path) -> None:
    path = copy / "steps.toml"
    path.write_text(
        path.read_text().replace(
            'title = "Turn it on and find your way round"\narea = "FND"\nlevel = 1\nafter = []',
            'title = "Turn it on and find your way round"\narea = "FND"\nlevel = 1\nafter = ["F2"]',
        )
    )
    with pytest.raises(CatalogueError, match="a loop"):
        read_catalogue(copy)


def test_an_access_step_may_not_rest_on_a_skill(copy: Path) -> None:
    path = copy / "steps.toml"
    text = path.read_text()
    at = text.index('id = "A2"')
    path.write_text(text[:at] + text[at:].replace("after = []", 'after = ["F1"]', 1))
    with pytest.raises(CatalogueError, match="access step may not rest on F1"):
        read_catalogue(copy)


def test_hard_words_and_initials() -> None:
    assert hard_word("Ask your GP about the NHS App.") is None
    assert hard_word("Ask the DWP.") == "DWP"
    assert hard_word("You are eligible.") == "eligible"
