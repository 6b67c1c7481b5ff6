"""The self-check on paper: one sheet, two sides, the person's language beside English. Pure.

A helper types the answers in later (see typed_in_views), so each question has its number and each answer its letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from inclusion_app.core.paper_parts import Pair, Translate, pair
from inclusion_app.core.pins import PICTURE_WORDS, PICTURES
from inclusion_app.core.words import N_
from inclusion_app.roadmaps.selfcheck import DAY_GOALS, QUESTIONS, SCALE, TAPS, Option, Question

WORDS = {
    "title": N_("Make my plan on paper"),
    "later": N_("A helper types this in later. Then this paper is destroyed."),
    "name": N_("First name or nickname, if you like"),
    "order": N_("Choose up to three. Write 1, 2 and 3 in the boxes."),
    "all": N_("Tick all that fit."),
    "one": N_("Tick one."),
    "day": N_("Is there a day for b, d or e? Write day, month, year."),
    "the_day": N_("Day"),
    "the_month": N_("Month"),
    "the_year": N_("Year"),
    "skills": N_("Tick one box in each row."),
    "pictures": N_("Choose three pictures to open your plan"),
    "three": N_("Write 1, 2 and 3 in the boxes. Remember the order."),
    "seen": N_("The helper who types this in sees your pictures."),
    "none": N_("No pictures? Then the code cannot open your plan."),
    "agree": N_("I say yes: a helper may type this in."),
    "sticker": N_("Put the sticker here"),
    "home": N_("Take the second sticker home. Its code opens your plan later."),
    "group": N_("Count me in our group"),
    "group_code": N_("Code of the group"),
}


@dataclass(frozen=True)
class Answer:
    """One answer: the letter a helper types it by, its words and its picture (empty for none)."""

    letter: str
    words: Pair
    picture: str


@dataclass(frozen=True)
class Asked:
    """One question with its number; `hint` says how to answer, `tap` is a second answer beside the scale."""

    number: int
    words: Pair
    picture: str
    answers: tuple[Answer, ...]
    hint: Pair | None = None
    tap: Pair | None = None


@dataclass(frozen=True)
class CheckSheet:
    """All that the sheet prints, in the person's language and in English. It holds nothing about anybody."""

    lang: str
    dir: str
    words: dict[str, Pair]
    life: tuple[Asked, ...]  # the four questions of side 1
    skills: tuple[Asked, ...]  # the eight of side 2, all on one scale
    days: tuple[Answer, ...]  # goals that may have a day
    pictures: tuple[Answer, ...]  # the twelve pictures that open a plan
    with_group: bool
    large: bool = False

    @property
    def is_english(self) -> bool:
        """True when one language is enough."""
        return self.lang == "en"


def check_sheet(translate: Translate, *, lang: str, direction: str, with_group: bool) -> CheckSheet:
    """The sheet in a language; `translate` is its gettext. `with_group` asks for a group's code too."""
    words = {name: pair(translate, text) for name, text in WORDS.items()}

    def answers(options: Sequence[Option]) -> tuple[Answer, ...]:
        return tuple(
            Answer(letter, pair(translate, option.label), option.picture)
            for letter, option in zip(ascii_lowercase, options, strict=False)
        )

    def asked(number: int, question: Question) -> Asked:
        tap = next((tap for tap in TAPS if tap.question == question.id and number > 1), None)
        hint = words["order"] if number == 1 else words["all" if question.many else "one"]
        return Asked(
            number,
            pair(translate, question.text),
            question.picture,
            answers(question.options),
            hint=hint if question.options is not SCALE else None,
            tap=pair(translate, tap.label) if tap else None,
        )

    numbered = [asked(number, question) for number, question in enumerate(QUESTIONS, 1)]
    goals = zip(QUESTIONS[0].options, numbered[0].answers, strict=True)
    return CheckSheet(
        lang=lang,
        dir=direction,
        words=words,
        life=tuple(item for item in numbered if item.hint is not None),
        skills=tuple(item for item in numbered if item.hint is None),
        days=tuple(answer for goal, answer in goals if goal.value in DAY_GOALS),
        pictures=tuple(Answer("", pair(translate, PICTURE_WORDS[name]), name) for name in PICTURES),
        with_group=with_group,
    )
