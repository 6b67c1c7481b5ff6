"""Every act of training that stands in the record has words of its own, for staff and for whom it is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from inclusion_app.accounts import record_words
from inclusion_app.people import my_record_words
from inclusion_app.training.views import room

ROOM = Path(__file__).parents[2] / "inclusion_app" / "training"
# What names somebody who has a plan, so that they read it.
ABOUT_SOMEBODY = (
    "book for a person", "cancel booking", "decide need", "register mark", "register unmark", "register walk_in",
    "register walk_in_undone", "make certificate",
)  # fmt: skip


def acts() -> set[str]:
    """As they are written in the code of the room."""
    code = "\n".join(path.read_text() for path in ROOM.rglob("*.py"))
    plain = re.findall(r'\bact\("([^"]+)"', code) + re.findall(r'\baction="([^"]+)"', code)
    marked = [f"register {what}" for what in re.findall(r'\b_say\(session, principal, "(\w+)"', code)]
    return {*plain, *marked}


def test_every_act_has_words_for_the_log() -> None:
    assert len(acts()) > 20
    assert set(ABOUT_SOMEBODY) <= acts()
    assert sorted(act for act in acts() if act not in record_words.ACTIONS) == []


def test_every_look_at_people_has_words_for_the_log(app: Flask) -> None:
    looks = {
        f"read {endpoint}"
        for endpoint, view in app.view_functions.items()
        if endpoint.startswith(f"{room.name}.") and getattr(view, "reads", ())
        and any(rule.rule.startswith("/staff") for rule in app.url_map.iter_rules(endpoint))
    }  # fmt: skip
    assert len(looks) > 8
    assert sorted(look for look in looks if look not in record_words.ACTIONS) == []


@pytest.mark.parametrize("act", ABOUT_SOMEBODY)
def test_whom_it_is_about_reads_what_was_done(act: str) -> None:
    assert my_record_words.action_words(act) != my_record_words.CHANGED


def test_a_look_at_a_booking_is_called_so() -> None:
    assert my_record_words.action_words("read training.one_booking") == "Opened your booking."
    assert my_record_words.action_words("read people.person") == my_record_words.LOOKED
    assert my_record_words.item_names("read training.register_certificate", "attendance") == ["if you came"]
