"""Every act of the loans that stands in the record has words of its own, for staff and for whom it is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.accounts import record_words
from inclusion_app.loans.views import room
from inclusion_app.people import my_record_words, staff_record_words

ROOM = Path(__file__).parents[2] / "inclusion_app" / "loans"
# Acts that stand beside a person: (file, how they are written there).
WITH_A_PERSON = {
    "staff_queue_views.py": r'action="([^"]+)"|_done\(asked, "([^"]+)"',
    "staff_loan_views.py": r'_done\(loan, "([^"]+)"',
    "request_views.py": r'note_change\(asked, "([^"]+)"',
    "staff_person_views.py": r'action="([^"]+)"',
    "staff_handover_views.py": r'action="([^"]+)"|else "([^"]+)",$',
    "staff_return_views.py": r'action="([^"]+)"',
}
# Acts on the stock alone, and those whose name ends with the button that was pressed.
ON_THE_STOCK = r'\b_?act\("([^"]+)"|note_act\("([^"]+)"|action="([^"]+)"'
BY_BUTTON = {
    *(f"repair {do}" for do in ("send", "part", "go_on", "end")),
    *(f"stock count: {do}" for do in ("missing", "here")),
}


def found(code: str, pattern: str) -> set[str]:
    return {next(filter(None, hit.groups())) for hit in re.finditer(pattern, code, re.M)}


def about_somebody() -> set[str]:
    return set().union(*(found((ROOM / file).read_text(), how) for file, how in WITH_A_PERSON.items()))


def acts() -> set[str]:
    code = "\n".join(path.read_text() for path in ROOM.rglob("*.py"))
    assert {f"{act.split()[0]} " for act in BY_BUTTON} == {"repair ", "stock "}
    return found(code, ON_THE_STOCK) | about_somebody() | BY_BUTTON


def looks(app: Flask) -> set[str]:
    return {
        f"read {endpoint}"
        for endpoint, view in app.view_functions.items()
        if endpoint.startswith(f"{room.name}.") and getattr(view, "reads", ())
    }


def is_of_the_staff(app: Flask, look: str) -> bool:
    rules = app.url_map.iter_rules(look.removeprefix("read "))
    return any(rule.rule.startswith("/staff") for rule in rules)


def test_every_act_has_words_for_the_log() -> None:
    assert len(acts()) > 50
    assert len(about_somebody()) > 30
    assert sorted(act for act in acts() if act not in record_words.ACTIONS) == []


def test_every_look_at_people_has_words_for_the_log(app: Flask) -> None:
    by_staff = [look for look in looks(app) if is_of_the_staff(app, look)]
    assert len(by_staff) > 15
    assert sorted(look for look in by_staff if look not in record_words.ACTIONS) == []


def test_whom_it_is_about_reads_what_was_done() -> None:
    assert sorted(act for act in about_somebody() if act not in my_record_words.DONE) == []


def test_whom_it_is_about_reads_what_was_looked_at(app: Flask) -> None:
    # Asking asks before anybody is known; who asks for somebody opens their record.
    of_nobody_yet = {"read loans.ask_for"} | {look for look in looks(app) if ".ask_" in look}
    assert sorted(looks(app) - of_nobody_yet - set(my_record_words.DONE)) == []
    assert my_record_words.item_names("read loans.one_loan", "identity loan") == [
        "your name and languages",
        "what you borrow",
    ]


@pytest.mark.parametrize("kind", ["code", "booking code", "loan code"])
def test_who_holds_a_code_is_called_so_and_never_one_of_the_staff(kind: str) -> None:
    assert my_record_words.who_words(kind, is_self=False) == my_record_words.CODE_ALONE
    assert staff_record_words.WHO[kind] == "Somebody with the code alone"
