"""Is a language fit to be released? Six checkers read its catalogue; what is not installed is named, never passed over.

Used by `flask translations check`. Pure files and programmes: no Flask, no database. What comes with the service
(Babel, fontTools) always runs; msgfmt, i18nspector and pofilter belong to the tests and run where they are installed.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import PoFileError, read_po

from inclusion_app.core.paper_fonts import SYSTEM, chosen_files, prepare_fonts

TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
PLACES = re.compile(r"%\(\w+\)[a-z]")
# The family each script is set in on paper (static/css/paper.css). Urdu goes into Naskh when a sheet is very full.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "Latn": ("NotoSans",),
    "Cyrl": ("NotoSans",),
    "Arab": ("NotoNaskhArabic",),
    "Aran": ("NotoNastaliqUrdu", "NotoNaskhArabic"),
    "Beng": ("NotoSansBengali",),
    "Guru": ("NotoSansGurmukhi",),
}
# Set beside every one of them, for Latin letters, figures and signs.
BESIDE = "NotoSans"
# Signs that only steer the direction of text are not drawn.
UNDRAWN = re.compile("[\n\u200c\u200d\u200e\u200f\u061c\u2066-\u2069]")
# Vowel signs of the Arabic script and the sign that only stretches a word.
POINTS = re.compile("[\u064b-\u0652\u0670\u0640]")
# Particles written joined to the word after them: and, so, with, like, for, the.
JOINED = {"ar": "[وفبكل]{0,2}(?:ال|ل)?"}
# Who wrote a line and when is kept by git, not by the head of the file.
GIT_KEEPS = frozenset(
    {
        "no-date-header-field",
        "no-language-team-header-field",
        "no-last-translator-header-field",
        "no-report-msgid-bugs-to-header-field",
        "no-version-in-project-id-version",
    }
)
# Filters that are right in every language. Left out are those that take English habits for rules: capitals, quotation
# marks, acronyms (CV is سی وی), repeated words (ایک ایک), the count of sentences, brackets (the Arabic dual), length.
FILTERS = (
    "blank", "compendiumconflicts", "credits", "doublespacing", "emails", "endpunc", "endwhitespace", "escapes",
    "filepaths", "functions", "isfuzzy", "newlines", "nplurals", "numbers", "options", "printf", "pythonbraceformat",
    "startwhitespace", "tabs", "untranslated", "urls", "variables", "xmltags",
)  # fmt: skip


class NotHere(Exception):
    """The programme of a checker is not installed on this machine."""


class BadGlossary(ValueError):
    """The glossary cannot be used as it stands."""


@dataclass(frozen=True)
class Tongue:
    """One catalogue: the language's code as Babel writes it, its script, its file."""

    code: str
    script: str
    path: Path


@dataclass(frozen=True)
class Term:
    """A word of the glossary: its English forms, where it means something else, and its words in each language."""

    forms: tuple[str, ...]
    otherwise: tuple[str, ...]
    stems: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Fault:
    """Something a checker found in a language."""

    checker: str
    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.code} {self.checker}: {self.words}"


@dataclass(frozen=True)
class Report:
    """What came out: faults, the checkers that ran, and those that could not because their programme is missing."""

    faults: tuple[Fault, ...]
    ran: tuple[str, ...]
    not_run: tuple[str, ...]


def tongues(languages: Iterable[tuple[str, str]], folder: Path = TRANSLATIONS) -> list[Tongue]:
    """The catalogues of these languages, given as pairs of code and script. English has none."""
    return [
        Tongue(code, script, folder / code / "LC_MESSAGES" / "messages.po")
        for code, script in languages
        if code != "en"
    ]


def check(chosen: Sequence[Tongue], *, folder: Path = TRANSLATIONS) -> Report:
    """Run every checker over every catalogue. Raises BadGlossary and OSError when there is nothing to check against."""
    terms = read_glossary(folder / "glossary.csv")
    template = _read(folder / "messages.pot", None)
    letters = _letters()
    # What Babel cannot read at all is told by the first; the next two have nothing to read then.
    readable = [tongue for tongue in chosen if not _unreadable(tongue)]
    checkers: dict[str, tuple[Sequence[Tongue], Callable[[Tongue], list[str]]]] = {
        "whole": (chosen, lambda tongue: check_whole(tongue, template)),
        "letters": (readable, lambda tongue: check_letters(tongue, letters)),
        "glossary": (readable, lambda tongue: check_glossary(tongue, terms)),
        "msgfmt": (chosen, check_with_msgfmt),
        "i18nspector": (chosen, check_with_i18nspector),
        "pofilter": (chosen, check_with_pofilter),
    }
    faults: list[Fault] = []
    missing: list[str] = []
    for name, (given, checker) in checkers.items():
        try:
            for tongue in given:
                faults += [Fault(name, tongue.code, words) for words in checker(tongue)]
        except NotHere:
            missing.append(name)
    return Report(tuple(faults), tuple(name for name in checkers if name not in missing), tuple(missing))


def check_whole(tongue: Tongue, template: Catalog) -> list[str]:
    """Every word of the template is translated, none in doubt; same named places; the right number of plural forms."""
    if err := _unreadable(tongue):
        return [f"cannot be read: {err}"]
    catalogue = _read(tongue.path, tongue.code)
    wanted, found = set(_ids(template)), set(_ids(catalogue))
    rows = [f"not in the catalogue: {_short(item)}" for item in sorted(wanted - found)]
    rows += [f"no longer in the service: {_short(item)}" for item in sorted(found - wanted)]
    due = get_plural(tongue.code).num_plurals
    if catalogue.num_plurals != due:
        rows.append(f"{catalogue.num_plurals} plural forms in the head, {due} in this language")
    for message in _messages(catalogue):
        title = _short(_id(message))
        if message.fuzzy:
            rows.append(f"in doubt (fuzzy): {title}")
        given = _given(message)
        if not all(given):
            rows.append(f"not translated: {title}")
            continue
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        right = [sorted(PLACES.findall(item)) for item in ids]
        if any(sorted(PLACES.findall(text)) not in right for text in given):
            rows.append(f"other named places: {title}")
        rows += [f"{err}: {title}" for err in message.check(catalogue)]
    return rows


def check_letters(tongue: Tongue, letters: Mapping[str, frozenset[int]]) -> list[str]:
    """Every character is in the font its language is set in, or in the font beside it."""
    families = FAMILIES.get(tongue.script, ())
    if not families:
        return [f"no font is named for the script {tongue.script}"]
    rows = []
    for family in families:
        have = letters.get(family, frozenset()) | letters.get(BESIDE, frozenset())
        for sign, title in sorted(_signs(tongue).items()):
            if ord(sign) not in have:
                name = unicodedata.name(sign, "no name")
                rows.append(f"U+{ord(sign):04X} {name} is not in {family}: {title}")
    return rows


def check_glossary(tongue: Tongue, terms: Iterable[Term]) -> list[str]:
    """The same word for the same thing: where English has a word of the glossary, its own word stands here too."""
    rows = []
    catalogue = [message for message in _messages(_read(tongue.path, tongue.code)) if all(_given(message))]
    for term in terms:
        stems = term.stems.get(tongue.code, ())
        if not stems:
            rows.append(f"the glossary has no word for “{term.forms[0]}”")
            continue
        own = _pattern(stems, tongue.code)
        for message in catalogue:
            if not _has_term(_id(message), term):
                continue
            for text in _given(message):
                if not own.search(_plain(text)):
                    rows.append(
                        f"“{term.forms[0]}” is not {stems[0]}: {_short(_id(message))} → {_short(text)}"
                    )
    return rows


def check_with_msgfmt(tongue: Tongue) -> list[str]:
    """GNU gettext compiles it without an error."""
    done = _run("msgfmt", "--check", "--output-file=/dev/null", str(tongue.path))
    return [_after_path(line, tongue) for line in done.stderr.splitlines()] if done.returncode else []


def check_with_i18nspector(tongue: Tongue) -> list[str]:
    """i18nspector finds nothing, apart from lines of the head that git keeps for us."""
    done = _run("i18nspector", str(tongue.path))
    rows = [_after_path(line, tongue) for line in done.stdout.splitlines() if line.strip()]
    rows = [row for row in rows if not GIT_KEEPS & set(row.split())]
    return rows or ([done.stderr.strip()] if done.returncode else [])


def check_with_pofilter(tongue: Tongue) -> list[str]:
    """translate-toolkit's filters find nothing; only they see a lost tag or figure."""
    wanted = [f"--test={name}" for name in FILTERS]
    done = _run("pofilter", "--progress=none", f"--language={tongue.code}", *wanted, str(tongue.path))
    if done.returncode:
        return [done.stderr.strip()]
    if not done.stdout.strip():
        return []
    found = read_po(io.StringIO(done.stdout), locale=tongue.code)
    return [
        f"{comment.removeprefix('(pofilter) ')}: {_short(_id(message))}"
        for message in _messages(found)
        for comment in message.user_comments
        if comment.startswith("(pofilter) ")
    ]


def read_glossary(path: Path) -> list[Term]:
    """The glossary: term, except, note, and one column a language; what may stand for another is parted by `|`.

    A word that ends in `*` goes on in any way. `except` holds English phrases in which the term means something else
    or is rightly left out. Raises BadGlossary.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    terms = []
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise BadGlossary(f"{path.name}, line {number}: not as many columns as in the first line")
        cells = {
            name: tuple(part.strip() for part in text.split("|") if part.strip())
            for name, text in row.items()
        }
        if not cells.get("term"):
            raise BadGlossary(f"{path.name}, line {number}: no term")
        stems = {name: cell for name, cell in cells.items() if name not in {"term", "except", "note"}}
        terms.append(Term(cells["term"], cells.get("except", ()), stems))
    if not terms:
        raise BadGlossary(f"{path.name} is empty")
    return terms


def _has_term(english: str, term: Term) -> bool:
    for phrase in term.otherwise:
        english = re.sub(re.escape(phrase), "", english, flags=re.IGNORECASE)
    for form in term.forms:
        # A name written in capitals is only itself: PIN is not to pin.
        flags = re.IGNORECASE if form.islower() else re.NOFLAG
        if re.search(rf"(?<![\w-]){re.escape(form)}s?(?![\w-])", english, flags):
            return True
    return False


def _pattern(stems: Iterable[str], code: str) -> re.Pattern[str]:
    """Any of these words, alone or behind a particle that the language writes joined."""
    words = (re.escape(_plain(stem.rstrip("*"))) + (r"\w*" if stem.endswith("*") else "") for stem in stems)
    return re.compile(rf"(?<!\w){JOINED.get(code, '')}(?:{'|'.join(words)})(?!\w)")


def _plain(text: str) -> str:
    """Without capitals, Arabic vowel signs and stretching, so that a word is found however it is pointed."""
    return POINTS.sub("", unicodedata.normalize("NFC", text).casefold())


def _letters() -> dict[str, frozenset[int]]:
    """The characters of each chosen font that is there."""
    from fontTools.ttLib import TTFont

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        prepare_fonts(Path(folder), SYSTEM)
        for path in chosen_files(Path(folder)):
            if path.stem.endswith("-Regular"):
                with TTFont(path, lazy=True) as font:
                    found[path.stem.removesuffix("-Regular")] = frozenset(font.getBestCmap())
    return found


def _signs(tongue: Tongue) -> dict[str, str]:
    """Every character a reader sees, with the first message it stands in."""
    found: dict[str, str] = {}
    for message in _messages(_read(tongue.path, tongue.code)):
        for text in _given(message):
            for sign in UNDRAWN.sub("", PLACES.sub("", text)):
                found.setdefault(sign, _short(_id(message)))
    return found


def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Programmes of the tests stand beside this Python or on the path. Raises NotHere.
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise NotHere(name)
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False)  # noqa: S603


def _read(path: Path, code: str | None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def _unreadable(tongue: Tongue) -> str | None:
    try:
        _read(tongue.path, tongue.code)
    except (OSError, PoFileError, ValueError) as err:
        return str(err)
    return None


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _ids(catalogue: Catalog) -> list[str]:
    return [_id(message) for message in _messages(catalogue)]


def _id(message: Message) -> str:
    words: Any = message.id
    title = words if isinstance(words, str) else words[0]
    return f"{message.context}: {title}" if message.context else str(title)


def _given(message: Message) -> list[str]:
    text: Any = message.string
    return [text] if isinstance(text, str) else list(text)


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"


def _after_path(line: str, tongue: Tongue) -> str:
    return line.replace(f"{tongue.path}:", "").replace(str(tongue.path), "").strip()
