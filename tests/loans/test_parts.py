"""The parts of a device on the agreement: names everybody uses in the reader's language beside English, others as typed."""

from __future__ import annotations

import pytest
from flask import Flask

from inclusion_app.core import i18n
from inclusion_app.core.paper_parts import Pair
from inclusion_app.core.words import N_
from inclusion_app.loans import parts, staff_handover_views
from inclusion_app.loans.agreement import Facts, build


def test_a_known_name_is_read_in_their_language_and_another_one_as_it_was_typed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"charger": "Ladegerät", "SIM pin": "SIM-Nadel"}
    monkeypatch.setattr(parts, "_", lambda text: known.get(text, text))
    with app.test_request_context("/ur/"):
        for typed, own in (("charger", "Ladegerät"), (" Charger ", "Ladegerät"), ("SIM  PIN", "SIM-Nadel")):
            assert parts.part_words(typed, 1) == Pair(own, " ".join(typed.split()))
        assert parts.part_words("charger", 2) == Pair("2 × Ladegerät", "2 × charger")
        assert parts.part_words("blue charger of Sam", 1) == Pair(
            "blue charger of Sam", "blue charger of Sam"
        )


def test_what_people_call_the_same_part_is_one_word() -> None:
    assert all(name == name.casefold() for name in parts.SAME)
    assert set(parts.SAME.values()) <= set(parts.PARTS.values())
    assert parts.PARTS["charger"] == N_("charger")


def test_the_agreement_says_all_things_in_both_languages(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_", lambda text: {"charger": "Ladegerät"}.get(text, text))
    things = [parts.part_words("charger", 1), parts.part_words("red bag", 2)]
    with app.test_request_context("/staff/"):
        urdu = i18n.LANGUAGES["ur"]
        with i18n.speaking(urdu):
            made = build(
                "2026-11",
                Facts(
                    name="Amina",
                    device=Pair("A", "A"),
                    tag="",
                    things=things,
                    due_on=None,
                    place="",
                    phone="",
                ),
            )
        assert made.all_things is not None
        assert "Ladegerät" in made.all_things.own
        assert "2 × red bag" in made.all_things.own
        assert made.all_things.en == "charger, 2 × red bag"
        drawn = staff_handover_views.agreement_html(made, urdu)
    assert "Ladegerät" in drawn
    # In English it stands once among the things; what the agreement itself says of a charger is another line.
    assert drawn.count("charger, 2 × red bag") == 1
