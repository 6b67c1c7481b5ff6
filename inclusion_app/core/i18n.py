"""Languages: what there is, which one this request speaks, and how numbers, days and names look in it.

Figures and names: Census 2021 main languages of Manchester. The language lives in the URL, nowhere else,
so that links, printed QR codes and a borrowed screen all keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import flask_babel
from babel import Locale
from babel.dates import format_date as babel_format_date
from flask import Flask, Request, current_app, g, has_request_context
from flask import session as cookie

from inclusion_app.core import bilingual
from inclusion_app.core.clock import LONDON


@dataclass(frozen=True)
class Language:
    """One language: `code` for Babel, `slug` for the URL, `tag` for HTML's lang attribute."""

    code: str
    slug: str
    own_name: str
    english_name: str
    script: str
    dir: str = "ltr"
    released: bool = False

    @property
    def tag(self) -> str:
        return self.code.replace("_", "-")


_ALL = (
    Language("en", "en", "English", "English", "Latn", released=True),
    Language("ur", "ur", "اردو", "Urdu", "Aran", "rtl", released=True),
    Language("ar", "ar", "العربية", "Arabic", "Arab", "rtl", released=True),
    Language("zh_Hans", "zh-hans", "简体中文", "Chinese (simplified)", "Hans"),
    Language("zh_Hant", "zh-hant", "繁體中文", "Chinese (traditional)", "Hant"),
    Language("pl", "pl", "Polski", "Polish", "Latn"),
    Language("pa", "pa", "ਪੰਜਾਬੀ", "Panjabi", "Guru"),
    Language("es", "es", "Español", "Spanish", "Latn"),
    Language("bn", "bn", "বাংলা", "Bengali", "Beng"),
    Language("pt", "pt", "Português", "Portuguese", "Latn"),
    Language("ro", "ro", "Română", "Romanian", "Latn"),
    Language("fa", "fa", "فارسی", "Persian", "Arab", "rtl"),
    Language("so", "so", "Soomaali", "Somali", "Latn"),
    Language("ckb", "ckb", "کوردیی ناوەندی", "Kurdish (Sorani)", "Arab", "rtl"),
    Language("fr", "fr", "Français", "French", "Latn"),
    Language("uk", "uk", "Українська", "Ukrainian", "Cyrl"),
)
LANGUAGES: dict[str, Language] = {language.slug: language for language in _ALL}
ENGLISH = LANGUAGES["en"]
# Carried in a real code because Babel refuses private ones; exists only where test_languages is set.
PSEUDO = Language("eo", "eo", "[Ƥşḗŭḓǿ]", "Pseudo", "Latn", released=True)
ENGLISH_TOO = "both"
# Around a fact in a sentence, so that its signs keep their own order and those of the sentence theirs (UAX 9).
ISOLATE, END_ISOLATE = "\u2068", "\u2069"

# What browsers and people write for our languages (BCP 47 spelling varies by region and by habit).
ALIASES = {
    "zh": "zh-hans",
    "zh-cn": "zh-hans",
    "zh-sg": "zh-hans",
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
    "ku-arab": "ckb",
    "prs": "fa",
}


def known(slug: str) -> Language | None:
    """The language of a URL part, released or not; None for what we do not know."""
    if slug == PSEUDO.slug and current_app.extensions["settings"].test_languages:
        return PSEUDO
    return LANGUAGES.get(slug)


def released() -> list[Language]:
    """The languages a person can choose today, English first, then by speakers."""
    return [language for language in _ALL if language.released]


def language_for(*wished: str | None) -> Language:
    """The first of these languages that is whole, else English: who reads none of ours best still has the language they
    chose for their plan.
    """
    found = (known(slug or "") for slug in wished)
    return next((language for language in found if language is not None and language.released), ENGLISH)


def current_language() -> Language:
    """The language of this request; English outside one and on pages that have none."""
    found: Language = g.get("language", ENGLISH)
    return found


def preferred(request: Request, remembered: str | None) -> Language:
    """Which language to send a visitor of `/` to: the visit's own, then the browser's wish, then English."""
    if remembered and (language := known(remembered)) and language.released:
        return language
    for wish, _quality in request.accept_languages:
        tag = wish.lower().replace("_", "-")
        for candidate in (tag, ALIASES.get(tag, ""), tag.split("-")[0], ALIASES.get(tag.split("-")[0], "")):
            language = LANGUAGES.get(candidate)
            if language and language.released:
                return language
    return ENGLISH


def locale_code() -> str:
    """The selector given to Flask-Babel."""
    return current_language().code


def in_english(text: str, **params: Any) -> str:
    """The English of a message, which is the message itself, with its named places filled."""
    return text % params if params else text


def translated(text: str) -> str:
    """Imported words, or a setting, in the reader's language where we have them in it; a template filter.

    In a template `_()` gives markup and fills in `%`: right for sentences of ours, and a way in for anybody else's.
    This gives the bare text, which the template escapes like all data.
    """
    return flask_babel.gettext(text) if text else ""


def show_english(on: bool) -> None:
    """Show English under each sentence from the next page on, or no more. Kept in the visit's cookie, gone with it."""
    if on:
        cookie[ENGLISH_TOO] = 1
    else:
        cookie.pop(ENGLISH_TOO, None)


def wants_english() -> bool:
    """True when English was turned on for this visit."""
    return bool(cookie.get(ENGLISH_TOO))


def show_english_here() -> None:
    """Show English on this one page: two people read it who may share no language."""
    g.english_here = True


def shows_english() -> bool:
    """True when the page being made shows each sentence with its English."""
    return (
        has_request_context()
        and "one_language" not in g
        and current_language() is not ENGLISH
        and ("english_here" in g or wants_english())
    )


def in_one_language() -> str:
    """The rest of this answer is in the reader's language alone; "", so that a template can say it."""
    g.one_language = True
    return ""


def in_both_languages() -> str:
    """From here on English is shown again where it was asked for; "", like in_one_language."""
    g.pop("one_language", None)
    return ""


@contextmanager
def one_language() -> Iterator[None]:
    """What is made within has no English folded in: papers bring their own English and measure their words."""
    before = "one_language" in g
    g.one_language = True
    try:
        yield
    finally:
        if not before:
            g.pop("one_language")


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """What is made within is in this language alone, whatever the page around it speaks: a message to somebody."""
    before = g.get("language")
    g.language = language
    try:
        with one_language(), flask_babel.force_locale(language.code):
            yield
    finally:
        if before is None:
            g.pop("language")
        else:
            g.language = before


def isolated(fact: str) -> str:
    """A fact for a sentence that is read from the right, such as a phone number; as it is where one reads from the left."""
    return f"{ISOLATE}{fact}{END_ISOLATE}" if current_language().dir == "rtl" else fact


def two(own: str, english: str) -> str:
    """Words that come from no catalogue, such as a day, with their English where this page shows it."""
    return type(own)(bilingual.fold(own, english)) if shows_english() else own


class _FoldedTranslations:
    """The translations of a language, each with its English folded in."""

    def __init__(self, translations: Any) -> None:
        self._own = translations

    def ugettext(self, text: str) -> str:
        return bilingual.fold(self._own.ugettext(text), text)

    def ungettext(self, one: str, many: str, num: int) -> str:
        return bilingual.fold(self._own.ungettext(one, many, num), one if num == 1 else many)


class FoldingDomain(flask_babel.Domain):
    """Where every lookup ends, in code, in templates and in lazy words: folds while English is shown too."""

    def get_translations(self) -> Any:
        """Flask-Babel's own, or those with the English folded in."""
        own = super().get_translations()
        return _FoldedTranslations(own) if shows_english() else own


def fold_english_in(app: Flask) -> None:
    """Make this application's translations able to carry their English."""
    babel = app.extensions["babel"]
    babel.instance.domain_instance = FoldingDomain(domain=babel.default_domain)


def _dated(day: date, pattern: str) -> str:
    return two(
        str(babel_format_date(day, pattern, locale=locale_code())),
        str(babel_format_date(day, pattern, locale="en")),
    )


def day_words(day: date) -> str:
    """A day in words: Monday 23 November 2026, in the reader's language."""
    return _dated(day, "EEEE d MMMM y")


def source_words(on: str, locale: str | None = None) -> str:
    """The day, month or year of a source ("2024-02-01", "2024-02", "2024") in words of the reader, or of `locale`.

    Bare figures with dashes turn round in a right-to-left line, so that 1 February reads as 2 January.
    """
    pattern = {10: "d MMMM y", 7: "MMMM y"}.get(len(on))
    try:
        day = date.fromisoformat(f"{on}-01"[:10])
    except ValueError:
        return on
    if pattern is None:
        return on
    return str(babel_format_date(day, pattern, locale=locale)) if locale else _dated(day, pattern)


def weekday_words(day: date) -> str:
    """The name of a weekday in the reader's language."""
    return _dated(day, "EEEE")


def near_day_words(day: date) -> str:
    """A day not far off, without its year: Monday 23 November."""
    return _dated(day, "EEEE d MMMM")


def clock_words(wall: time) -> str:
    """A wall-clock time, always with Latin digits as on the door: 9:30 or 17:00."""
    return f"{wall.hour}:{wall.minute:02d}"


def local(moment: datetime) -> datetime:
    """An instant as a Manchester wall clock shows it."""
    return moment.astimezone(LONDON)


def money(pence: int) -> str:
    """Pounds as British shops print them, the same in every language: £12.50."""
    return f"£{pence // 100}.{pence % 100:02d}"


def language_names(codes: Iterable[str]) -> dict[str, str]:
    """What the reader calls these languages (ISO 639 codes, which Babel knows); one it has no name for stays a code."""
    names = Locale.parse(locale_code()).languages
    english = Locale.parse("en").languages
    return {
        code: two(str(names.get(code) or english.get(code, code)), str(english.get(code, code)))
        for code in codes
    }
