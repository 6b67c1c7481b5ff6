"""The self-check: twelve questions, one a page, as data. Wording is marked here and translated on the page."""

from __future__ import annotations

from dataclasses import dataclass

from inclusion_app.core.words import N_


@dataclass(frozen=True)
class Option:
    """One answer: its value in the store and its words."""

    value: str
    label: str
    picture: str = ""


@dataclass(frozen=True)
class Question:
    """One question; `many` allows several answers."""

    id: str
    text: str
    hint: str
    options: tuple[Option, ...]
    many: bool
    picture: str


@dataclass(frozen=True)
class Tap:
    """A second tap beside the answers of a question."""

    name: str
    question: str
    label: str


# Goals that often have a day they must be reached by; asked after question 1, never required.
DAY_GOALS = ("g02", "g04", "g05")

GOALS = Question(
    "q1",
    N_("What do you want to do?"),
    N_("Choose up to three. Not sure? Choose “Just get started”."),
    (
        Option("g01", N_("Just get started"), "g01"),
        Option("g02", N_("See my GP and order medicine online"), "g02"),
        Option("g03", N_("Keep in touch with family and friends"), "g03"),
        Option("g04", N_("Find and apply for a job"), "g04"),
        Option("g05", N_("Claim and look after Universal Credit"), "g05"),
        Option("g06", N_("Help my child with school"), "g06"),
        Option("g07", N_("Manage my money and pay safely"), "g07"),
        Option("g08", N_("Cut my bills"), "g08"),
        Option("g09", N_("Feel safe online"), "g09"),
        Option("g10", N_("Meet people and feel better"), "g10"),
        Option("g11", N_("Start a digital career"), "g11"),
        Option("g12", N_("Repair and make things"), "g12"),
        Option("g13", N_("Help other people get online"), "g13"),
        Option("g14", N_("Enjoy music, museums and shows online"), "g14"),
        Option("g15", N_("Run my own small business"), "g15"),
    ),
    True,
    "q1",
)
SCALE = (
    Option("not_yet", N_("Not yet"), "not_yet"),
    Option("with_help", N_("With help"), "with_help"),
    Option("alone", N_("On my own"), "by_myself"),
    Option("show", N_("I can show others"), "show"),
)


def _skill(number: int, text: str, hint: str = "") -> Question:
    return Question(f"q{number}", text, hint, SCALE, False, f"q{number}")


QUESTIONS: tuple[Question, ...] = (
    GOALS,
    Question(
        "q2",
        N_("What can you use most days?"),
        N_("Choose all that you have."),
        (
            Option("smartphone", N_("A smartphone"), "smartphone"),
            Option("tablet", N_("A tablet"), "tablet"),
            Option("computer", N_("A laptop or computer"), "computer"),
            Option("shared", N_("One I share with others"), "shared"),
            Option("none", N_("None of these"), "none"),
        ),
        True,
        "q2",
    ),
    Question(
        "q3",
        N_("Can you get online when you need to?"),
        "",
        (
            Option("yes", N_("Yes"), "q3-yes"),
            Option("sometimes", N_("Sometimes. My data runs out"), "q3-sometimes"),
            Option("library", N_("Only in places like a library"), "q3-library"),
            Option("no", N_("No"), "q3-no"),
        ),
        False,
        "q3",
    ),
    Question(
        "q4",
        N_("What makes it hard?"),
        N_("Choose all that fit. Nothing? Just press “Next”."),
        (
            Option("seeing", N_("Seeing"), "seeing"),
            Option("hearing", N_("Hearing"), "hearing"),
            Option("hands", N_("Using my hands"), "hands"),
            Option("remembering", N_("Remembering"), "remembering"),
            Option("english", N_("English"), "english"),
            Option("reading", N_("Reading"), "reading"),
            Option("scams", N_("I worry about scams"), "scams"),
            Option("confidence", N_("I do not feel sure of myself"), "confidence"),
            Option("alone", N_("I am on my own with this"), "alone"),
            Option("money", N_("It costs too much"), "money"),
            Option("time", N_("No time, or I care for somebody"), "time"),
            Option("no_id", N_("I have no ID"), "no_id"),
            Option("not_wanted", N_("I do not want to go online"), "not_wanted"),
        ),
        True,
        "q4",
    ),
    _skill(5, N_("Can you turn on a phone or computer and open what you need?")),
    _skill(6, N_("Can you join Wi-Fi and open a web page?")),
    _skill(7, N_("Do you have passwords that work when you need them?")),
    _skill(8, N_("Can you read and send an email?")),
    _skill(9, N_("Can you send a message or make a video call?")),
    _skill(10, N_("Can you find something out online and tell if it is true?")),
    _skill(11, N_("Can you fill in a form or pay online?")),
    _skill(12, N_("Would you know a scam, and what to do next?")),
)
TAPS: tuple[Tap, ...] = (
    Tap("checks_who_wrote_it", "q10", N_("I also check who wrote it")),
    Tap("pays_online", "q11", N_("I can also pay online")),
)
