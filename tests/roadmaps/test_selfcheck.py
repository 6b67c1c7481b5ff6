"""The self-check: twelve plain questions whose answers the plan rule understands."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract_from_file

from inclusion_app.roadmaps import selfcheck
from inclusion_app.roadmaps.catalogue import SENTENCE_WORDS, hard_word, load_catalogue
from inclusion_app.roadmaps.rules import (
    BARRIER_WORDS,
    SKILL_STEPS,
    Answers,
    Barrier,
    Connection,
    Device,
    Skill,
)
from inclusion_app.roadmaps.selfcheck import QUESTIONS, TAPS, Question

TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
BY_ID = {question.id: question for question in QUESTIONS}


def values(question: Question) -> list[str]:
    return [option.value for option in question.options]


def words() -> list[str]:
    """Every text of the self-check that a person reads."""
    found = [text for question in QUESTIONS for text in (question.text, question.hint) if text]
    found += [option.label for question in QUESTIONS for option in question.options]
    return found + [tap.label for tap in TAPS]


def test_twelve_questions_in_order() -> None:
    assert [question.id for question in QUESTIONS] == [f"q{number}" for number in range(1, 13)]


def test_the_first_question_offers_every_goal_in_the_order_of_the_catalogue() -> None:
    assert values(BY_ID["q1"]) == list(load_catalogue().goals)


@pytest.mark.parametrize(("question", "kind"), [("q2", Device), ("q3", Connection), ("q4", Barrier)])
def test_the_answers_about_life_are_those_the_rule_knows(question: str, kind: type[Device]) -> None:
    assert values(BY_ID[question]) == [item.value for item in kind]


@pytest.mark.parametrize("question", sorted(SKILL_STEPS))
def test_the_skill_questions_share_one_scale(question: str) -> None:
    assert values(BY_ID[question]) == ["not_yet", "with_help", "alone", "show"]
    assert set(values(BY_ID[question])) | {"skipped"} == {skill.value for skill in Skill}


def test_every_skill_question_marks_steps_that_exist() -> None:
    assert set(SKILL_STEPS) == {f"q{number}" for number in range(5, 13)}
    assert {step for steps in SKILL_STEPS.values() for step in steps} <= set(load_catalogue().steps)


def test_only_goals_devices_and_what_is_hard_take_several_answers() -> None:
    assert {question.id for question in QUESTIONS if question.many} == {"q1", "q2", "q4"}


def test_no_answer_stands_twice_in_a_question() -> None:
    for question in QUESTIONS:
        assert len(set(values(question))) == len(question.options)
        assert len({option.label for option in question.options}) == len(question.options)


def test_every_answer_and_question_has_its_picture() -> None:
    pictures = [question.picture for question in QUESTIONS]
    assert len(set(pictures)) == 12
    for question in QUESTIONS:
        drawn = [option.picture for option in question.options]
        assert all(drawn)
        assert len(set(drawn)) == len(drawn)


def test_the_second_taps_are_facts_the_rule_reads() -> None:
    assert {tap.name: tap.question for tap in TAPS} == {
        "checks_who_wrote_it": "q10",
        "pays_online": "q11",
    }
    assert {tap.name for tap in TAPS} <= set(Answers.__dataclass_fields__)


def test_a_barrier_is_explained_in_the_words_in_which_it_was_asked_or_a_whole_sentence() -> None:
    asked = {option.value: option.label for option in BY_ID["q4"].options}
    for barrier in ("scams", "confidence", "alone", "money", "no_id"):
        assert BARRIER_WORDS[barrier] == asked[barrier]


def test_every_word_is_marked_for_translation() -> None:
    marked = {
        str(message)
        for _, message, _, _ in extract_from_file("python", Path(selfcheck.__file__), keywords={"N_": None})
    }
    assert set(words()) == marked


@pytest.mark.parametrize("text", words())
def test_every_sentence_is_short_and_plain(text: str) -> None:
    for sentence in re.split(r"(?<=[.?!])\s+", text):
        assert len(sentence.split()) <= SENTENCE_WORDS
    assert hard_word(text) is None


# Grown-ups read 238 words a minute on average (Brysbaert 2019); ours reads a quarter slower. A tap and a page take a
# second each.
WORDS_A_MINUTE = 180
TAPS_A_QUESTION = 2
SECONDS_A_TAP, SECONDS_A_PAGE = 1, 1


@pytest.mark.parametrize("language", ["en", "ur", "ar"])
def test_a_slow_reader_who_reads_every_word_once_is_through_in_under_three_minutes(language: str) -> None:
    """A model, not a measurement: nobody with a stop watch stood beside a person yet.

    The answers that stand under eight questions alike are read the first time only.
    """
    texts = list(dict.fromkeys(words()))
    if language != "en":
        catalogue = polib.pofile(str(TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"))
        texts = [entry.msgstr for text in texts if (entry := catalogue.find(text))]
        assert len(texts) == len(set(words()))
    reading = 60 * sum(len(text.split()) for text in texts) / WORDS_A_MINUTE
    handling = len(QUESTIONS) * (TAPS_A_QUESTION * SECONDS_A_TAP + SECONDS_A_PAGE)
    assert reading + handling < 180, f"{reading:.0f} s of reading and {handling} s of taps"
