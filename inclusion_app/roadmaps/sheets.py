"""What stands on a sheet of paper: the words of the handout in the reader's language and in English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from babel.dates import format_date as babel_format_date
from flask import current_app, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.clock import now
from inclusion_app.core.codes import show_code
from inclusion_app.core.db import db_session
from inclusion_app.core.words import N_
from inclusion_app.people.models import Resident
from inclusion_app.places import drawing
from inclusion_app.places.hours import DayHours, is_told_by_rules, week
from inclusion_app.places.queries import Where, city_sheet, holidays
from inclusion_app.places.wording import (
    Near,
    closed_text,
    distance_facts,
    hours_source_words,
    rule_words,
    self_service_text,
)
from inclusion_app.roadmaps import catalogue, nearby, queries, wording
from inclusion_app.roadmaps.handout import (
    STATIONS_SHOWN,
    STEPS_SHOWN,
    Handout,
    Journey,
    OpenDay,
    Pair,
    PhoneLine,
    PlaceBox,
    StepBox,
    by_goal,
    cut_journey,
    fixed_words,
    pair,
    printed_words,
    qr_square,
)
from inclusion_app.roadmaps.handout_fit import arrange
from inclusion_app.roadmaps.models import Roadmap
from inclusion_app.roadmaps.picture import LineMap, line_map
from inclusion_app.roadmaps.rules import Mode

LONG_DAY = "EEEE d MMMM y"
PHONES_SHOWN = 2
UNKNOWN = "We do not know the opening times. Ask before you travel."
# Who does a step, said only when the person does not do it alone.
MODE_WORDS = {Mode.TOGETHER: N_("We do it together"), Mode.FOR_ME: N_("Somebody does it for you")}


def handout_html(sheet: Handout) -> str:
    """The finished page the paper service draws."""
    return render_template(
        "pdf/handout.html", handout=sheet, layout=arrange(sheet), paper_style=paper.style_sheet()
    )


def build_handout(
    roadmap: Roadmap, *, resident: Resident | None, where: Where | None, large: bool = False
) -> Handout:
    """All that both sheets print, already in the reader's language and in English.

    `resident` is whose saved plan it is, None for a plan of this visit only; `where` the person looks from.
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
    steps = (*made.plan.next, *doing)
    near = next((places[0] for places in nearby.places_for(steps, where).values() if places), None)
    drawn = line_map(made.plan, [goal.id for goal in goals], made.choices.states, rtl=language.dir == "rtl")
    return Handout(
        lang=language.tag,
        dir=language.dir,
        words=words,
        scam=scam,
        printed_on=printed_words(_, i18n.day_words(clock.today()), _english_day(clock.today(), LONG_DAY)),
        steps=tuple(_step(made, step) for step in made.plan.next),
        doing=tuple(_step(made, step) for step in doing),
        name=(resident.nickname or "") if resident else "",
        goals=tuple(pair(_, goal.words) for goal in goals),
        notes=tuple(pair(_, note) for note in wording.notes_for(made.answers, goals)),
        phones=_phones(made.catalogue.phone_lines_for_goals([goal.id for goal in goals])),
        place=_place(near, where) if near else None,
        routes=by_goal([[pair(_, sentence) for sentence in goal.route] for goal in goals]),
        journey=_drawn_journey(drawn, made) if drawn.stations else None,
        code=show_code(resident.code) if resident else "",
        address=short_address(resident.code) if resident else "",
        qr=qr_square(scanned_address(resident.code), _("My code")) if resident else None,
        large=large,
    )


def _step(made: queries.Computed, step_id: str) -> StepBox:
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
    return line.name.replace(line.number, "").strip(" ()")


def _place(near: Near, where: Where | None) -> PlaceBox:
    place = near.place
    today = now().astimezone(clock.LONDON).date()
    days = (
        week(place.hours, today - timedelta(days=today.weekday()), holidays(db_session()))
        if place.spans
        else ()
    )
    sure = [Pair(*both) for both in rule_words(place)]
    if days and not place.hours_confirmed:
        sure.append(Pair(*hours_source_words(place)))
    if self_service := self_service_text(place):
        sure.append(pair(_, self_service))
    if is_told_by_rules(place.hours, days):
        # Seven rows of "Closed" tell nobody when to come.
        days = ()
        sure.insert(0, _opens_next(near))
    if place.hours_differ:
        sure.append(pair(_, "Two public lists do not agree on these times."))
    if days and place.opening_note:
        sure.append(pair(_, place.opening_note))
    city = city_sheet(db_session())
    drawn = drawing.close_up(city, place, where) if city else None
    text, facts = distance_facts(near.found)
    return PlaceBox(
        name=place.name,
        address=place.address,
        postcode=place.postcode,
        distance=pair(_, text, **facts) if text else None,
        week=tuple(_open_day(day, closed_text(place)) for day in days),
        opening_note=pair(_, place.opening_note or UNKNOWN) if not place.spans else None,
        how_sure=tuple(sure),
        drawing=_drawn_map(drawn) if drawn else None,
        drawing_shows_you=bool(drawn and drawn.here),
        drawing_names=tuple(ward.name for ward in drawn.names) if drawn else (),
    )


def _opens_next(near: Near) -> Pair:
    opens = near.found.status.opens_at
    if opens is None:
        return pair(_, "Closed now. Ask when it opens")
    wall = opens.astimezone(clock.LONDON)
    text, time = N_("It opens next on %(day)s at %(time)s."), i18n.clock_words(wall.time())
    own, english = i18n.day_words(wall.date()), _english_day(wall.date(), LONG_DAY)
    return Pair(_(text, day=own, time=time), text % {"day": english, "time": time})


def _drawn_journey(whole: LineMap, made: queries.Computed) -> Journey:
    shown = replace(whole, stations=whole.stations[:STATIONS_SHOWN])
    html = render_template("roadmaps/_paper_map.html", map=shown, catalogue=made.catalogue)
    key, *rows = (Markup(piece) for piece in html.split("\x1e"))  # noqa: S704 - our own template, escaped
    keys = len(whole.lanes) if len(whole.lanes) > 1 else 0
    return Journey(tuple(rows), key, keys, cut_journey(len(whole.stations), _))


def _drawn_map(near: drawing.CloseUp) -> Markup:
    return Markup(render_template("places/_paper_map.html", near=near))  # noqa: S704 - our own template, escaped


def _open_day(day: DayHours, closed: str) -> OpenDay:
    name = Pair(i18n.weekday_words(day.day), _english_day(day.day, "EEEE"))
    today = day.day == clock.today()
    if day.ask or not day.known:
        return OpenDay(name, words=pair(_, "Ask first"), today=today)
    if not day.spans:
        return OpenDay(name, words=pair(_, closed), today=today)
    times = tuple(f"{i18n.clock_words(span.opens)}–{i18n.clock_words(span.closes)}" for span in day.spans)
    return OpenDay(name, times=times, today=today)


def _english_day(day: date, pattern: str) -> str:
    return str(babel_format_date(day, pattern, locale="en"))


def scanned_address(code: str) -> str:
    """What a square opens: the same in the language of its paper. The address people type stays short."""
    slug = i18n.current_language().slug
    return short_address(code) + ("" if slug == "en" else f"?l={slug}")


def short_address(code: str) -> str:
    """What the QR opens, as short as this service's own address allows."""
    base = current_app.extensions["settings"].base_url or request.host_url.rstrip("/")
    return f"{base}/r/{code}"
