"""What stands on a sheet of paper: the words of the handout in the reader's language and in English."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flask import render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import in_this_language, whole_address
from inclusion_app.core.paper_parts import Pair, pair, qr_square
from inclusion_app.core.words import N_
from inclusion_app.people.models import Resident
from inclusion_app.places import drawing
from inclusion_app.places.on_paper import dated, distance_of, drawn_map, place_box, printed_today
from inclusion_app.places.place_sheet import PlaceBox
from inclusion_app.places.queries import Where, city_sheet
from inclusion_app.places.wording import Near, unconfirmed_words
from inclusion_app.roadmaps import catalogue, learning, nearby, queries, wording
from inclusion_app.roadmaps.handout import (
    AGAIN_ON,
    OURS,
    STATIONS_SHOWN,
    STEPS_SHOWN,
    WINS_SHOWN,
    Handout,
    Journey,
    PhoneLine,
    StepBox,
    Won,
    by_goal,
    cut_journey,
    fixed_words,
)
from inclusion_app.roadmaps.handout_fit import arrange, has_room
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.picture import LineMap, line_map
from inclusion_app.roadmaps.progress import WIN_WORDS, follow_up_of, wins_of
from inclusion_app.roadmaps.rules import Mode
from inclusion_app.roadmaps.step_sheet import WORDS as STEP_WORDS
from inclusion_app.roadmaps.step_sheet import StepSheet

PHONES_SHOWN = 2
LIBRARY_STEP = "A2"  # its places are libraries, which tell nothing of anybody
# Who does a step, said only when the person does not do it alone.
MODE_WORDS = {Mode.TOGETHER: N_("We do it together"), Mode.FOR_ME: N_("Somebody does it for you")}


@i18n.one_language()
def handout_html(sheet: Handout) -> str:
    """The finished page the paper service draws."""
    return render_template(
        "pdf/handout.html", handout=sheet, layout=arrange(sheet), paper_style=paper.style_sheet()
    )


@i18n.one_language()
def build_handout(
    roadmap: Roadmap,
    *,
    resident: Resident | None,
    where: Where | None,
    large: bool = False,
    private: bool = False,
) -> Handout:
    """All that both sheets print, already in the reader's language and in English.

    `resident` is whose saved plan it is, None for a plan of this visit only; `where` the person looks from. `private`
    leaves out goals and reasons, and all that would tell them.
    """
    made = queries.compute(roadmap, today=clock.today())
    language = i18n.current_language()
    doing = made.plan.doing[:STEPS_SHOWN]
    words, scam = fixed_words(_)
    if made.plan.nothing_next is not None:
        own, english = (
            wording.reason_words(made.plan.nothing_next),
            wording.reason_in_english(made.plan.nothing_next),
        )
        words["done"] = Pair(own, english)
    goals = [made.catalogue.goals[goal] for goal in made.answers.goals or ("g01",)]
    steps: Sequence[str] = (*made.plan.next, *doing)
    if private:
        # A jobcentre tells of a claim as its title would.
        steps = [step for step in steps if not made.catalogue.steps[step].private] or [LIBRARY_STEP]
    near = next((places[0] for places in nearby.places_for(steps, where).values() if places), None)
    home = queries.shared_home_of(db_session(), roadmap)
    if home and not private:
        words["title"] = pair(_, OURS)
    drawn = line_map(made.plan, [goal.id for goal in goals], made.choices.states, rtl=language.dir == "rtl")
    sheet = Handout(
        lang=language.tag,
        dir=language.dir,
        words=words,
        scam=scam,
        printed_on=printed_today(),
        steps=tuple(_step(made, step, home) for step in made.plan.next),
        doing=tuple(_step(made, step, home) for step in doing),
        name=(resident.nickname or "") if resident and home is None else "",
        people=tuple(member.name for member in home.members) if home else (),
        goals=tuple(pair(_, goal.words) for goal in goals),
        notes=tuple(pair(_, note) for note in wording.notes_for(made.answers, goals)),
        again_on=_again_on(roadmap),
        wins=_wins(made, home),
        phones=_phones(made.catalogue.phone_lines_for_goals([goal.id for goal in goals])),
        place=_place(near, where) if near else None,
        routes=by_goal([[pair(_, sentence) for sentence in goal.route] for goal in goals]),
        journey=_drawn_journey(drawn, made) if drawn.stations else None,
        code=show_code(resident.code) if resident else "",
        address=short_address(resident.code) if resident else "",
        qr=qr_square(in_this_language(short_address(resident.code)), _("My code")) if resident else None,
        large=large,
    )
    if private:
        return sheet.without_reasons()
    return _with_sessions(sheet, made, where, resident)


def _with_sessions(
    sheet: Handout, made: queries.Computed, where: Where | None, resident: Resident | None
) -> Handout:
    """The sheet with sessions to book at its next steps, as far as its two sides still hold all the rest."""
    needs = learning.said_needs(resident) if resident else ()
    sessions = learning.on_paper(made.plan.next, where, needs=needs)
    for shown in range(len(sessions), 0, -1):
        kept = dict(list(sessions.items())[:shown])
        fuller = replace(
            sheet,
            steps=tuple(
                replace(step, notes=(*step.notes, *kept.get(step_id, ())))
                for step_id, step in zip(made.plan.next, sheet.steps, strict=True)
            ),
        )
        if has_room(fuller):
            return fuller
    return sheet


@i18n.one_language()
def build_step_sheet(step: catalogue.Step, *, where: Where | None, large: bool = False) -> StepSheet:
    """The public sheet of a step. `where` this visit looks from, None when it has not said; nothing else of it is read."""
    language = i18n.current_language()
    near = next(iter(nearby.places_for([step.id], where).get(step.id, ())), None)
    line = catalogue.load_catalogue().phone_line_for(step.id)
    phones = _phones([line] if line else ())
    ask = wording.ask_at_text(step.id)
    address = whole_address(url_for("roadmaps.step", step_id=step.id))
    words = {name: pair(_, text) for name, text in STEP_WORDS.items()}
    return StepSheet(
        lang=language.tag,
        dir=language.dir,
        words=words,
        printed_on=printed_today(),
        address=address,
        qr=qr_square(address, words["screen"].own),
        large=large,
        title=pair(_, step.title),
        why=pair(_, step.why),
        minutes=Pair(wording.minutes_words(step.minutes), wording.minutes_in_english(step.minutes)),
        setting=pair(_, step.setting) if step.setting else None,
        have=_all(step.have),
        bring=_all(item for item in step.bring if item != "Nothing."),
        how=_all(step.how),
        safe=_all(step.safe),
        routes=_all(step.no_internet),
        without_id=_all(step.without_id),
        notes=_all(wording.notes_for_step(step, None)),
        phone=phones[0] if phones else None,
        phone_notes=_phone_notes(line) if line and phones else (),
        place=place_box(near.found) if near else None,
        ask=pair(_, ask) if ask and not near else None,
    )


@i18n.one_language()
def step_sheet_html(sheet: StepSheet) -> str:
    """The finished page the paper service draws."""
    return render_template(
        "pdf/step.html", sheet=sheet, paper_style=paper.style_sheet("paper.css", "papersheets.css")
    )


def _phone_notes(line: catalogue.PhoneLine) -> tuple[Pair, ...]:
    sure = Pair(*unconfirmed_words(line.source_on, line.read_on))
    return (pair(_, line.hours), sure) if line.hours else (sure,)


def _all(sentences: Iterable[str]) -> tuple[Pair, ...]:
    return tuple(pair(_, sentence) for sentence in sentences)


def _again_on(roadmap: Roadmap) -> Pair | None:
    """The day to look at the plan again; one that has passed is no use on paper."""
    stands = follow_up_of(roadmap.choices, clock.today())
    return dated(AGAIN_ON, stands.day) if stands and stands.day >= clock.today() else None


def _wins(made: queries.Computed, home: queries.Home | None) -> tuple[Won, ...]:
    """The latest of what was done. In a home it was one of them, so the sheet does not say "you"."""
    said = wording.STATE_WORDS if home else WIN_WORDS
    steps = made.catalogue.steps
    told = [win for win in wins_of(queries.moments_of(db_session(), made.roadmap)) if win.step in steps]
    return tuple(
        Won(
            Pair(
                f"{_(steps[win.step].title)}: {_(said[win.state])}",
                f"{steps[win.step].title}: {said[win.state]}",
            ),
            steps[win.step].private,
        )
        for win in reversed(told[-WINS_SHOWN:])
    )


def _step(made: queries.Computed, step_id: str, home: queries.Home | None) -> StepBox:
    step = made.catalogue.steps[step_id]
    mode = next((planned.mode for planned in made.plan.steps if planned.id == step_id), Mode.ME)
    no_id = "id" in step.needs and "no_id" in {barrier.value for barrier in made.answers.barriers or ()}
    return StepBox(
        title=pair(_, step.title),
        minutes=Pair(wording.minutes_words(step.minutes), wording.minutes_in_english(step.minutes)),
        why=pair(_, step.why),
        bring=tuple(pair(_, item) for item in step.bring if item != "Nothing."),
        notes=tuple(pair(_, sentence) for sentence in step.without_id) if no_id or step.id == "A7" else (),
        mode=pair(_, MODE_WORDS[mode]) if mode in MODE_WORDS else None,
        private=step.private,
        who=home.name_for(step_id) if home else "",
    )


def _phones(lines: Sequence[catalogue.PhoneLine]) -> tuple[PhoneLine, ...]:
    """The lines one can call, two at most: more would push the steps off the sheet."""
    return tuple(
        PhoneLine(
            pair(_, line.for_what),
            line.number,
            _name_beside(line),
            cost=pair(_, line.hours) if line.hours else None,
        )
        for line in lines
        if line.number and not line.text
    )[:PHONES_SHOWN]


def _name_beside(line: catalogue.PhoneLine) -> str:
    """Whose number it is, without the number itself: "NHS 111" beside 111 would read as another one."""
    return line.name.replace(line.number, "").strip(" ()") if line.number in line.name else line.name


def _place(near: Near, where: Where | None) -> PlaceBox:
    city = city_sheet(db_session())
    drawn = drawing.close_up(city, near.place, where) if city else None
    return replace(
        place_box(near.found),
        distance=distance_of(near.found),
        drawing=drawn_map(drawn) if drawn else None,
        drawing_shows_you=bool(drawn and drawn.here),
        drawing_names=tuple(ward.name for ward in drawn.names) if drawn else (),
    )


def _drawn_journey(whole: LineMap, made: queries.Computed) -> Journey:
    shown = replace(whole, stations=whole.stations[:STATIONS_SHOWN])
    html = render_template("roadmaps/_paper_map.html", map=shown, catalogue=made.catalogue)
    key, *rows = (Markup(piece) for piece in html.split("\x1e"))  # noqa: S704 - our own template, escaped
    keys = len(whole.lanes) if len(whole.lanes) > 1 else 0
    return Journey(tuple(rows), key, keys, cut_journey(len(whole.stations), _))


def short_address(code: str) -> str:
    """What the QR opens, as short as this service's own address allows."""
    return whole_address(f"/r/{code}")
