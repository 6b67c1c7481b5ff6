"""What stands on a group's papers: handout, wall poster and paper list, in the reader's language beside English.

No member's name stands on any of them, and no count of members or of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask_babel import gettext as _
from markupsafe import Markup

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import in_this_language, whole_address
from inclusion_app.core.paper_parts import Pair, Paper, direction_of, pair, qr_square
from inclusion_app.core.words import N_
from inclusion_app.groups import queries, rules
from inclusion_app.groups.models import Group
from inclusion_app.places.on_paper import printed_today
from inclusion_app.roadmaps import wording
from inclusion_app.roadmaps.catalogue import Catalogue, Step
from inclusion_app.roadmaps.handout import Journey
from inclusion_app.roadmaps.picture import one_line

WORDS = {
    "title": N_("Our group"),
    "next": N_("Our next step together"),
    "how": N_("How to do it"),
    "bring": N_("Bring:"),
    "notes": N_("What we will do together"),
    "more": N_("Write here what, when and where."),
    "route": N_("Without the internet"),
    "journey": N_("Our journey as a picture"),
    "code": N_("Code of the group"),
    "code_opens": N_("With this code you can join the group."),
    "old": N_("Ask us if this is old."),
    "wait": N_("The group’s next step shows from three people on."),
    "nothing": N_("No step is next for the group now. Choose one together."),
    "come": N_("Learn with us"),
    "free": N_("It is free. You need no account, no email and no phone number."),
    "join": N_("Come along, or join with this code."),
    "list": N_("Tick each step you want to learn"),
    "one_each": N_("Everybody makes one tick in a box. Write no names."),
    "strike": N_("Do you want to leave? Cross out your ticks. Nobody asks why."),
    "people": N_("Everybody makes one line here, so that we can count."),
    "sum": N_("How many"),
}


@dataclass(frozen=True)
class Own:
    """Words somebody typed, with the direction of their first letter."""

    text: str
    dir: str


def own(text: str) -> Own:
    """What was typed, as it is set on paper."""
    return Own(text, direction_of(text))


# The front holds the newest notes and lines to write more by hand; the other notes stand on the back.
FRONT_NOTES = 4
ROOM_FOR_LINES = 12
ROOM_IN_NASTALIQ = 8
LINES_A_NOTE = 2
MANY_LETTERS = 140  # of the group's own words on a poster


@dataclass(frozen=True)
class Note:
    """A note of the group's own words, each with the direction it is written in."""

    what: Own
    when: Own
    where: Own


@dataclass(frozen=True)
class NextStep:
    """The group's next step with all that is needed to do it together."""

    title: Pair
    why: Pair
    minutes: Pair
    setting: Pair
    bring: tuple[Pair, ...]
    how: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True)
class GroupSheet(Paper):
    """All that a group's papers print.

    `name` and `notes` are the group's own words, in whatever language, the newest note first; `rows` are the titles of
    the paper list.
    """

    name: Own
    enough: bool
    step: NextStep | None
    notes: tuple[Note, ...]
    routes: tuple[Pair, ...]
    journey: Journey
    rows: tuple[Pair, ...]
    code: str
    private: bool = False

    @property
    def front_notes(self) -> tuple[Note, ...]:
        """The newest notes."""
        return self.notes[:FRONT_NOTES]

    @property
    def back_notes(self) -> tuple[Note, ...]:
        """The notes the front has no room for."""
        return self.notes[FRONT_NOTES:]

    @property
    def poster_words(self) -> str:
        """How much the poster has to hold, from which its letters get their size: few, some or many words."""
        if not self.notes:
            return "few"
        newest = self.notes[0]
        typed = sum(len(part.text) for part in (self.name, newest.what, newest.when, newest.where))
        return "many" if typed > MANY_LETTERS else "some"

    @property
    def lines(self) -> int:
        """How many empty lines there is room for."""
        room = ROOM_IN_NASTALIQ if self.lang == "ur" else ROOM_FOR_LINES
        return room - LINES_A_NOTE * len(self.front_notes)


@i18n.one_language()
def build_sheet(group: Group) -> GroupSheet:
    """What the papers of this group say today."""
    found = queries.together(db_session(), group, today=clock.today())
    catalogue, language = found.catalogue, i18n.current_language()
    step = catalogue.steps.get(found.line.following or "")
    address = whole_address(f"/g/{group.code}")
    words = {name: pair(_, text) for name, text in WORDS.items()}
    return GroupSheet(
        lang=language.tag,
        dir=language.dir,
        words=words,
        printed_on=printed_today(),
        name=own(group.name or ""),
        enough=found.enough,
        step=_next(step) if step else None,
        notes=tuple(
            Note(own(note["what"]), own(note["when"]), own(note["where"])) for note in queries.notes_of(group)
        ),
        routes=tuple(pair(_, sentence) for sentence in step.no_internet) if step else (),
        journey=_journey(catalogue, found.line),
        rows=tuple(pair(_, catalogue.steps[step].title) for step in rules.listed_steps(catalogue)),
        code=show_code(group.code),
        address=address,
        qr=qr_square(in_this_language(address), _("Code of the group")),
    )


def _next(step: Step) -> NextStep:
    return NextStep(
        title=pair(_, step.title),
        why=pair(_, step.why),
        minutes=Pair(wording.minutes_words(step.minutes), wording.minutes_in_english(step.minutes)),
        setting=pair(_, step.setting) if step.setting else Pair("", ""),
        bring=tuple(pair(_, item) for item in step.bring if item != "Nothing."),
        how=tuple(pair(_, sentence) for sentence in step.how),
    )


def _journey(catalogue: Catalogue, line: rules.Line) -> Journey:
    drawn = one_line(
        line.done, line.following, line.later, whole=False, rtl=i18n.current_language().dir == "rtl"
    )
    html = render_template("roadmaps/_paper_map.html", map=drawn, catalogue=catalogue)
    _key, *rows = (Markup(piece) for piece in html.split("\x1e"))  # noqa: S704 - our own template, escaped
    # One row alone ("You are here") is no picture of a way.
    return Journey(tuple(rows) if len(rows) > 1 else ())


def handout_html(sheet: GroupSheet) -> str:
    """The finished handout the paper service draws: A4, two sides at most."""
    return _finished("pdf/group_handout.html", sheet)


def list_html(sheet: GroupSheet) -> str:
    """The finished paper list: A4, two sides at most, a box for everybody's ticks at each step."""
    return _finished("pdf/group_list.html", sheet)


def poster_html(sheet: GroupSheet) -> str:
    """The finished wall poster: A3, one side, to be read from two metres. Of the notes it shows the newest."""
    return _finished("pdf/group_poster.html", sheet, "paperposter.css")


@i18n.one_language()
def _finished(template: str, sheet: GroupSheet, *styles: str) -> str:
    style = paper.style_sheet("paper.css", "papergroups.css", *styles)
    return render_template(template, paper=sheet, h=sheet, paper_style=style)
