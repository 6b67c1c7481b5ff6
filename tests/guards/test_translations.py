"""`flask translations check`: every released language is clean by six checkers, and each of them can fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polib
import pytest
from click.testing import CliRunner

from inclusion_app import cli
from inclusion_app.core import i18n, wordcheck

ALL = ("whole", "letters", "glossary", "msgfmt", "i18nspector", "pofilter")


def check(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.translations_group, ["check", *arguments])
    return done.exit_code, done.output


def test_every_released_language_is_clean_by_all_six() -> None:
    code, words = check("--strict")
    print(words)
    assert code == 0, words
    assert words.strip().endswith(f"checked by {', '.join(ALL)}"), "a checker did not run"


def first(catalogue: polib.POFile, start: str) -> polib.POEntry:
    return next(entry for entry in catalogue if entry.msgid.startswith(start))


def word(start: str, msgstr: str) -> Callable[[polib.POFile], None]:
    def plant(catalogue: polib.POFile) -> None:
        first(catalogue, start).msgstr = msgstr

    return plant


def drop_an_entry(catalogue: polib.POFile) -> None:
    catalogue.remove(first(catalogue, "My plan"))


def doubt(catalogue: polib.POFile) -> None:
    first(catalogue, "My plan").flags.append("fuzzy")


def lose_a_plural(catalogue: polib.POFile) -> None:
    entry = next(entry for entry in catalogue if entry.msgid_plural)
    entry.msgstr_plural.pop(max(entry.msgstr_plural))


def two_plurals_only(catalogue: polib.POFile) -> None:
    catalogue.metadata["Plural-Forms"] = "nplurals=2; plural=(n != 1);"


def three_plurals(catalogue: polib.POFile) -> None:
    catalogue.metadata["Plural-Forms"] = "nplurals=3; plural=(n == 1 ? 0 : n == 2 ? 1 : 2);"
    for entry in catalogue:
        if entry.msgid_plural:
            entry.msgstr_plural[2] = entry.msgstr_plural[1]


def wrong_plural_rule(catalogue: polib.POFile) -> None:
    catalogue.metadata["Plural-Forms"] = "nplurals=6; plural=(n != 1);"


def lose_a_line_end(catalogue: polib.POFile) -> None:
    catalogue.append(polib.POEntry(msgid="Two lines\n", msgstr="سطران"))


def lose_a_tag(catalogue: polib.POFile) -> None:
    catalogue.append(polib.POEntry(msgid="A <b>fat</b> word", msgstr="كلمة سمينة"))


PLANTED: list[tuple[str, str, str, Callable[[polib.POFile], None]]] = [
    ("whole", "ar", "not in the catalogue: My plan", drop_an_entry),
    ("whole", "ar", "not translated: My plan", word("My plan", "")),
    ("whole", "ar", "in doubt (fuzzy): My plan", doubt),
    ("whole", "ar", "other named places: Open until", word("Open until %(time)s", "مفتوح")),
    ("whole", "ar", "other named places: Open until", word("Open until %(time)s", "مفتوح %(tiem)s")),
    ("whole", "ar", "not translated: %(num)d booking", lose_a_plural),
    ("whole", "ar", "cannot be read", two_plurals_only),
    ("whole", "ur", "3 plural forms in the head, 2 in this language", three_plurals),
    ("letters", "ar", "U+0995 BENGALI LETTER KA is not in NotoNaskhArabic: My plan", word("My plan", "خطتي ক")),
    ("letters", "ur", "is not in NotoNastaliqUrdu: My plan", word("My plan", "میرا منصوبہ ڕ")),
    ("glossary", "ar", "“plan” is not خطة: My plan", word("My plan", "مشروعي")),
    ("glossary", "ur", "“PIN” is not پن: Your PIN", word("Your PIN", "آپ کا اپنا نمبر")),
    ("msgfmt", "ar", "end with '\\n'", lose_a_line_end),
    ("i18nspector", "ar", "plural-forms", wrong_plural_rule),
    ("pofilter", "ar", "xmltags", lose_a_tag),
    ("pofilter", "ar", "numbers: A PIN has 4 numbers", word("A PIN has 4 numbers", "الرقم السري من 5 أرقام، مثل 4071.")),
]  # fmt: skip


@pytest.mark.parametrize(("checker", "code", "words", "plant"), PLANTED)
def test_each_checker_finds_a_planted_fault(
    tmp_path: Path, checker: str, code: str, words: str, plant: Callable[[polib.POFile], None]
) -> None:
    shutil.copytree(wordcheck.TRANSLATIONS, tmp_path / "words")
    script = next(language.script for language in i18n.released() if language.code == code)
    (tongue,) = wordcheck.tongues([(code, script)], tmp_path / "words")
    catalogue = polib.pofile(str(tongue.path))
    plant(catalogue)
    catalogue.save()
    report = wordcheck.check([tongue], folder=tmp_path / "words")
    assert any(fault.checker == checker and words in fault.words for fault in report.faults), report


def test_a_missing_programme_is_named_and_fails_when_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which
    monkeypatch.setattr(
        wordcheck.shutil, "which", lambda name, **more: None if name == "i18nspector" else real(name, **more)
    )
    _code, words = check()
    assert "not run, because it is not installed: i18nspector" in words
    code, words = check("--strict")
    assert code == 1
    assert "i18nspector" not in words.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [("term,note,ur\n", "empty"), ("term,note,ur\nplan,x\n", "line 2"), ("term,note,ur\n,x,y\n", "no term")],
)
def test_a_broken_glossary_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "glossary.csv").write_text(text)
    with pytest.raises(wordcheck.BadGlossary, match=words):
        wordcheck.read_glossary(tmp_path / "glossary.csv")


def test_a_language_without_a_word_in_the_glossary_is_told() -> None:
    (urdu,) = wordcheck.tongues([("ur", "Aran")])
    term = wordcheck.Term(("plan",), (), {"ar": ("خطة",)})
    assert wordcheck.check_glossary(urdu, [term]) == ["the glossary has no word for “plan”"]


def test_what_the_glossary_matches() -> None:
    (urdu,) = wordcheck.tongues([("ur", "Aran")])
    plan = wordcheck.Term(("step",), (), {"ur": ("قدم", "قدموں")})
    assert wordcheck.check_glossary(urdu, [plan]) == []  # "Step-free way in" is no step
    narrow = wordcheck.Term(("step",), (), {"ur": ("قدم",)})
    found = wordcheck.check_glossary(urdu, [narrow])
    assert found  # a word without a star is that word alone
    assert len(wordcheck.check_glossary(urdu, [wordcheck.Term(("step",), (), {"ur": ("قد*",)})])) == 0
