"""Two made-up languages: every marked word in brackets and much longer, one of them from right to left.

They are carried in real codes, since Babel takes no others: Esperanto (which the application knows in test builds) and
Hebrew, which stands in for all that is written from the right and is none of ours.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from flask import Flask

from inclusion_app.app import create_app
from inclusion_app.core import i18n
from inclusion_app.core.i18n import PSEUDO, Language
from tests.serving import serving

TEMPLATE = Path(__file__).resolve().parents[2] / "translations" / "messages.pot"
MIRRORED = Language("he", "he", "[מראה]", "Mirrored", "Hebr", "rtl", released=True)
MADE_UP = (PSEUDO, MIRRORED)
OPEN, CLOSE = "⟦", "⟧"
PLACE = re.compile(r"(%\(\w+\)[a-z]|%%)")
LONGER = {
    **str.maketrans("bcdfghjklmnpqrstvwxyz", "ƀçđƒǧħĵķļɱñƥɋřšŧṽŵẋÿž"),
    **str.maketrans("BCDFGHJKLMNPQRSTVWXYZ", "ƁÇĐƑǦĦĴĶĻṀÑƤɊŘŠŦṼŴẊŸŽ"),
    # Words grow with their vowels, as German and Polish words do.
    **{ord(plain): 2 * fancy for plain, fancy in zip("aeiouAEIOU", "åéîøûÅÉÎØÛ", strict=True)},
}
TURNED = {
    **str.maketrans("bcdfghjklmnpqrstvwxyz", "בכדפגהיקלמנפקרסתבושיז"),
    **str.maketrans("BCDFGHJKLMNPQRSTVWXYZ", "בכדפגהיקלמנפקרסתבושיז"),
    **{ord(plain): 2 * other for plain, other in zip("aeiouAEIOU", "אעיוואעיוו", strict=True)},
}


def disguise(english: str, language: Language) -> str:
    """The English in brackets, in other letters and about a third longer, its words more than that; named places stay."""
    letters = TURNED if language.dir == "rtl" else LONGER
    parts = PLACE.split(english)
    told = "".join(part if PLACE.fullmatch(part) else part.translate(letters) for part in parts)
    return f"{OPEN}{told}{CLOSE}"


def write_catalogue(folder: Path, language: Language) -> None:
    """The compiled words of a made-up language, below `folder`."""
    made = polib.POFile()
    made.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for entry in polib.pofile(str(TEMPLATE)):
        words = {"msgid": entry.msgid, "msgctxt": entry.msgctxt}
        if entry.msgid_plural:
            forms = {0: disguise(entry.msgid, language), 1: disguise(entry.msgid_plural, language)}
            made.append(polib.POEntry(**words, msgid_plural=entry.msgid_plural, msgstr_plural=forms))
        else:
            made.append(polib.POEntry(**words, msgstr=disguise(entry.msgid, language)))
    target = folder / language.code / "LC_MESSAGES"
    target.mkdir(parents=True)
    made.save_as_mofile(str(target / "messages.mo"))


@pytest.fixture
def made_up_app(tmp_path: Path, loaded_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The service in its made-up languages, with real places in it."""
    from tests.conftest import settings_for

    shutil.copy(loaded_database, tmp_path / "test.sqlite3")
    for language in MADE_UP:
        write_catalogue(tmp_path / "translations", language)
    monkeypatch.setitem(i18n.LANGUAGES, MIRRORED.slug, MIRRORED)
    app = create_app(settings_for(tmp_path, test_languages=True))
    app.testing = True
    yield app
    app.extensions["engine"].dispose()


@pytest.fixture
def made_up_url(made_up_app: Flask) -> Iterator[str]:
    """The same for a real browser: its address, without a path."""
    with serving(made_up_app) as port:
        yield f"http://127.0.0.1:{port}"
