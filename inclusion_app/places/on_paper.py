"""Places in the words of a paper: in the reader's language and in English. The handout and the sheets use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from babel.dates import format_date as babel_format_date
from flask import render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from inclusion_app.core import clock, i18n, paper
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.paper_answer import whole_address
from inclusion_app.core.paper_parts import PRINTED_ON, Pair, pair, qr_square, with_day
from inclusion_app.core.words import N_
from inclusion_app.places import drawing, names, queries, wording
from inclusion_app.places.hours import DayHours, is_told_by_rules, week
from inclusion_app.places.models import Place
from inclusion_app.places.place_sheet import WORDS, OpenDay, PlaceBox, PlaceSheet
from inclusion_app.places.queries import Found, NamedWard, holidays
from inclusion_app.places.rules import FACILITIES, KINDS
from inclusion_app.places.sites import site_words

LONG_DAY = "EEEE d MMMM y"
UNKNOWN = "We do not know the opening times. Ask before you travel."


def printed_today() -> Pair:
    """The day a paper is printed, as a sentence."""
    return dated(PRINTED_ON, clock.today())


def dated(text: str, day: date) -> Pair:
    """An N_ sentence of a day, both ways."""
    return with_day(_, text, i18n.day_words(day), english_day(day))


def place_box(found: Found) -> PlaceBox:
    """A place with the hours of this week, and how sure we are of them."""
    place = found.place
    today = now().astimezone(clock.LONDON).date()
    days = (
        week(place.hours, today - timedelta(days=today.weekday()), holidays(db_session()))
        if place.spans
        else ()
    )
    sure = [Pair(*both) for both in wording.rule_words(place)]
    if days and not place.hours_confirmed:
        sure.append(Pair(*wording.hours_source_words(place)))
    if self_service := wording.self_service_text(place):
        sure.append(pair(_, self_service))
    if is_told_by_rules(place.hours, days):
        # Seven rows of "Closed" tell nobody when to come.
        days = ()
        sure.insert(0, _opens_next(found))
    if place.hours_differ:
        sure.append(pair(_, "Two public lists do not agree on these times."))
    if days and place.opening_note:
        sure.append(pair(_, place.opening_note))
    return PlaceBox(
        name=place.name,
        address=place.address,
        postcode=place.postcode,
        week=tuple(_open_day(day, wording.closed_text(place)) for day in days),
        opening_note=pair(_, place.opening_note or UNKNOWN) if not place.spans else None,
        how_sure=tuple(sure),
    )


def distance_of(found: Found) -> Pair | None:
    """How far it is for the person; None where nobody knows."""
    text, facts = wording.distance_facts(found)
    return pair(_, text, **facts) if text else None


def drawn_map(near: drawing.CloseUp) -> Markup:
    """A close-up as a picture without words."""
    return Markup(render_template("places/_paper_map.html", near=near))  # noqa: S704 - our own template, escaped


@i18n.one_language()
def build_place_sheet(ward: NamedWard, *, large: bool = False) -> PlaceSheet:
    """The sheet of a ward: its places with all that helps to choose one, in the reader's language and in English."""
    language = i18n.current_language()
    inside, outside = queries.ward_places(db_session(), ward, now=now())
    address = whole_address(url_for("places.area_print", ward=ward.slug))
    words = {name: pair(_, text) for name, text in WORDS.items()}
    return PlaceSheet(
        lang=language.tag,
        dir=language.dir,
        words=words,
        printed_on=printed_today(),
        address=address,
        qr=qr_square(address, words["newer"].own),
        large=large,
        ward=ward.name,
        ward_written=names.written(ward.name, language.code),
        inside=tuple(_whole_box(found) for found in inside),
        outside=tuple(_whole_box(found) for found in outside),
    )


@i18n.one_language()
def place_sheet_html(sheet: PlaceSheet) -> str:
    """The finished page the paper service draws."""
    return render_template(
        "pdf/places.html", sheet=sheet, paper_style=paper.style_sheet("paper.css", "papersheets.css")
    )


def _whole_box(found: Found) -> PlaceBox:
    place = found.place
    known = {fact.name: fact.value for fact in place.facilities}
    helps = [
        pair(_, words) if known[name] == "yes" else _known_not_there(words)
        for name, words in FACILITIES.items()
        if known.get(name) in {"yes", "no"}
    ]
    box = place_box(found)
    return replace(
        box,
        week=tuple(replace(day, today=False) for day in box.week),  # it hangs longer than a day
        how_sure=(*box.how_sure, _who_says(place)),
        kinds=_in_a_row(pair(_, KINDS[kind]) for kind in place.kind_list),
        phone=place.phone,
        helps=_in_a_row(helps) if helps else None,
    )


def _who_says(place: Place) -> Pair:
    own, english = wording.checked_words(place)
    site = (
        "" if place.checked_on or not place.source_address else site_words(place.source_address, short=True)
    )
    return Pair(f"{own} {site}".rstrip(), f"{english} {site}".rstrip())


def _in_a_row(pairs: Iterable[Pair]) -> Pair:
    pairs = tuple(pairs)
    return Pair(" · ".join(pair.own for pair in pairs), " · ".join(pair.en for pair in pairs))


def _known_not_there(words: str) -> Pair:
    text = N_("No: %(what)s")
    return Pair(_(text, what=_(words)), text % {"what": words})


def _opens_next(found: Found) -> Pair:
    opens = found.status.opens_at
    if opens is None:
        return pair(_, "Closed now. Ask when it opens")
    wall = opens.astimezone(clock.LONDON)
    text, time = N_("It opens next on %(day)s at %(time)s."), i18n.clock_words(wall.time())
    own, english = i18n.day_words(wall.date()), english_day(wall.date())
    return Pair(_(text, day=own, time=time), text % {"day": english, "time": time})


def _open_day(day: DayHours, closed: str) -> OpenDay:
    name = Pair(i18n.weekday_words(day.day), english_day(day.day, "EEEE"))
    today = day.day == clock.today()
    if day.ask or not day.known:
        return OpenDay(name, words=pair(_, "Ask first"), today=today)
    if not day.spans:
        return OpenDay(name, words=pair(_, closed), today=today)
    times = tuple(f"{i18n.clock_words(span.opens)}–{i18n.clock_words(span.closes)}" for span in day.spans)
    return OpenDay(name, times=times, today=today)


def english_day(day: date, pattern: str = LONG_DAY) -> str:
    """A day in English words, for the English beside another language."""
    return str(babel_format_date(day, pattern, locale="en"))
