"""Words that came from outside are data: escaped on every page, and never read as a pattern to fill in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request
from jinja2 import nodes
from sqlalchemy import update

from inclusion_app.app import create_app
from inclusion_app.core.db import transaction
from inclusion_app.places.models import OpeningSpan, Place
from tests.conftest import settings_for

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
TRANSLATORS = {"_", "gettext", "ngettext", "pgettext", "in_english"}
# Sentences of ours that templates translate: of the catalogue, the tables in the code, the city's own programmes.
# What can come from an import, a form or a setting must never stand here: use the filter `translated`.
OURS = {
    "a goal": ("goal.title", "catalogue.goals[].title"),
    "a step": (
        "step.title", "step.why", "step.setting", "item.title", "pin.title", "catalogue.steps[].title",
        "made.catalogue.steps[].title", "each of step.bring", "each of step.have", "each of step.how",
        "each of step.safe", "each of step.no_internet", "each of step.without_id", "each of goal.no_internet",
        "steps[].title", "first_step.title", "last.title", "each of goal.without_id", "each of goal.notes", "each of goal.route",
        "each of notes_for()", "each of notes_for_step()", "each of made.catalogue.goals[].no_internet",
    ),
    "a question": ("question.text", "question.hint", "option.label"),
    "a phone line": ("line.for_what", "line.hours"),
    "an offer": ("offer.what", "offer.who", "offer.without_internet", "other.what"),
    "a state": ("s.word", "moves.now", "move.label"),
    "what to ask and say beside a person": ("script.ask", "script.say", "script.avoid"),
    "a win, or a day to look again": ("win.words", "moment.words", "each of better", "each of ready_days"),
    "a kind or a facility": ("each of kinds", "each of wishes.items()", "each of facilities", "each of facts",
                             "facility_words[]"),
    "a rule's own N_ sentence": ("broken.message",),
}  # fmt: skip
SAFE = {name for names in OURS.values() for name in names}
NOTES = (
    "<img src=x onerror=alert(1)><meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "Open 100% of days",
    "%(name)s and %s",
)


def spelt(node: nodes.Node, loops: dict[str, str]) -> str:
    """An expression as one short text: what is asked for by a changing key is `[]`, a loop's name is what it walks."""
    if isinstance(node, nodes.Name):
        return loops.get(node.name, node.name)
    if isinstance(node, nodes.Getattr):
        return (
            f"{node.node.name if isinstance(node.node, nodes.Name) else spelt(node.node, loops)}.{node.attr}"
        )
    if isinstance(node, nodes.Getitem):
        return f"{spelt(node.node, loops)}[]"
    if isinstance(node, nodes.Call):
        return f"{spelt(node.node, loops)}()"
    return type(node).__name__


def spoken(node: nodes.Node, loops: dict[str, str]) -> Iterator[tuple[int, str]]:
    """(line, what is translated) of each call of a translator whose sentence is not written there."""
    if isinstance(node, nodes.For):
        targets = (
            [node.target] if isinstance(node.target, nodes.Name) else list(node.target.find_all(nodes.Name))
        )
        loops = loops | {name.name: f"each of {spelt(node.iter, loops)}" for name in targets}
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in TRANSLATORS:
        for sentence in node.args[: 2 if node.node.name == "ngettext" else 1]:
            if not isinstance(sentence, nodes.Const):
                yield node.lineno, spelt(sentence, loops)
    for child in node.iter_child_nodes():
        yield from spoken(child, loops)


def not_ours(app: Flask, source: str) -> list[tuple[int, str]]:
    return [found for found in spoken(app.jinja_env.parse(source), {}) if found[1] not in SAFE]


def test_templates_translate_sentences_of_ours_only(app: Flask) -> None:
    pages = [path for path in TEMPLATES.rglob("*.html") if path.parent.name != "pdf"]
    assert len(pages) > 30
    found = {
        str(path.relative_to(TEMPLATES)): bad for path in pages if (bad := not_ours(app, path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    ["{{ _(place.opening_note) }}", "{% for note in place.notes %}{{ _(note) }}{% endfor %}",
     "{{ ngettext(a.b, 'c', 2) }}", "{{ in_english(service_name) }}", "{{ _(request.args['x']) }}"],
)  # fmt: skip
def test_a_planted_translation_of_data_is_found(app: Flask, planted: str) -> None:
    assert not_ours(app, planted)


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("with_hours", [True, False])
def test_a_note_of_an_import_is_text(app: Flask, note: str, language: str, with_hours: bool) -> None:
    with app.app_context(), transaction() as session:
        place = session.query(Place).filter_by(slug="gorton-library").one()
        session.execute(update(Place).where(Place.id == place.id).values(opening_note=note))
        if not with_hours:
            session.query(OpeningSpan).filter_by(place_id=place.id).delete()
    page = app.test_client().get(f"/{language}/places/gorton-library")
    html = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "<img" not in html
    assert "<meta http-equiv" not in html
    assert note.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in html


def test_a_name_with_a_percent_sign_is_a_name(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, service_name="50% <b>off</b> %(x)s"))
    with app.test_request_context("/en/privacy"):
        assert request.endpoint == "start.privacy"
    html = app.test_client().get("/en/privacy").get_data(as_text=True)
    assert html.count("50% &lt;b&gt;off&lt;/b&gt; %(x)s") == 2
