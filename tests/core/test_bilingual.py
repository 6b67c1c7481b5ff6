"""A text that holds a sentence twice, and the page that shows both."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inclusion_app.core.bilingual import (
    MIDDLE,
    OPEN,
    SHUT,
    SIGNS,
    fold,
    halves,
    is_folded,
    own_half,
    unfold,
    without_signs,
)

ENGLISH = '<span class="in-english" lang="en" dir="ltr">'


def test_a_fold_gives_both_halves_and_the_same_words_are_not_folded() -> None:
    assert halves(fold("سلام", "Hello")) == ("سلام", "Hello")
    assert fold("Hello", "Hello") == "Hello"


def test_a_fold_within_a_fold_takes_the_half_it_stands_in() -> None:
    title = fold("عنوان", "Title")
    assert halves(fold(f"پہلے {title}۔", f"First {title}.")) == ("پہلے عنوان۔", "First Title.")


@pytest.mark.parametrize("broken", [OPEN, SHUT, MIDDLE, f"a{SHUT}b", f"{OPEN}a", f"{OPEN}a{MIDDLE}b"])
def test_a_sign_without_its_partner_is_dropped(broken: str) -> None:
    assert not is_folded("".join(halves(broken)))
    assert not is_folded(unfold(f"<p>{broken}</p>"))


def test_a_line_of_text_has_its_english_under_it() -> None:
    assert unfold(f"<p>{fold('الف', 'A')}</p>") == f"<p>الف{ENGLISH}A</span></p>"


def test_where_a_style_may_put_things_side_by_side_both_are_one_piece() -> None:
    page = unfold(f"<label>{fold('الف', 'A')}</label>")
    assert page == f"<label><span>الف{ENGLISH}A</span></span></label>"


def test_all_of_a_line_is_said_again_with_its_names() -> None:
    line = f'{fold("لائیں:", "Bring:")} 2 × <bdi lang="en">Pen</bdi> ({fold("نیا", "new")})'
    assert unfold(f"<p>{line}</p>") == (
        '<p>لائیں: 2 × <bdi lang="en">Pen</bdi> (نیا)'
        f'{ENGLISH}Bring: 2 × <bdi lang="en">Pen</bdi> (new)</span></p>'
    )


def test_a_line_that_is_broken_already_is_not_broken_twice() -> None:
    assert unfold(f"<p>{fold('الف', 'A')}<br>\n{fold('ب', 'B')}</p>").count("<br>") == 0
    assert unfold("<p>a<br>b</p>") == "<p>a<br>b</p>"


def test_a_tag_within_a_sentence_stands_in_both_halves() -> None:
    folded = fold("<bdi>M14</bdi> کے قریب", "Near <bdi>M14</bdi>")
    assert (
        unfold(f"<h2>{folded}</h2>") == f"<h2><bdi>M14</bdi> کے قریب{ENGLISH}Near <bdi>M14</bdi></span></h2>"
    )


@pytest.mark.parametrize(
    "kept",
    ["<title>{}</title>", "<option value=1>{}</option>", "<textarea>{}</textarea>", '<img alt="{}">',
     "<svg><title>{}</title><text>{}</text></svg>", '<span class="visually-hidden">: {}</span>', "<!-- {} -->"],
)  # fmt: skip
def test_where_no_element_may_stand_the_readers_words_stand_alone(kept: str) -> None:
    assert unfold(kept.replace("{}", fold("الف", "A"))) == kept.replace("{}", "الف")


def test_typed_words_lose_the_signs() -> None:
    assert without_signs(f"a{OPEN}b{MIDDLE}c{SHUT}") == "abc"


class Nesting(HTMLParser):
    """Fails where a tag closes what another opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


WORDS = st.text("abc ,.", max_size=5)
FOLDED = st.recursive(
    WORDS,
    lambda inner: st.builds(fold, inner, inner) | st.builds("{}<b>{}</b>{}".format, WORDS, inner, WORDS),
    max_leaves=8,
)


@given(FOLDED, st.text("".join(SIGNS) + "ab", max_size=6))
def test_whatever_is_folded_no_sign_is_left_and_every_tag_closes(text: str, stray: str) -> None:
    page = unfold(f"<p>{text}</p><p>{stray}</p>")
    assert not is_folded(page)
    reader = Nesting()
    reader.feed(unfold(f"<p>{text}</p>"))
    assert reader.open == []
    assert not is_folded(own_half(text + stray))


def english(text: str) -> str:
    return f'<span class="in-english" lang="en" dir="ltr">{text}</span>'


def test_each_sentence_of_a_line_has_its_english_under_it() -> None:
    line = f"<p>{fold('پہلا۔ دوسرا؟', 'First. Second?')} {fold('تیسرا۔', 'Third.')}</p>"
    assert unfold(line) == (
        f"<p>پہلا۔{english('First.')} دوسرا؟{english('Second?')} تیسرا۔{english('Third.')}</p>"
    )


def test_a_line_stays_whole_where_its_sentences_do_not_match_or_a_name_would_be_cut() -> None:
    assert unfold(f"<p>{fold('پہلا۔ دوسرا۔', 'First, second.')}</p>") == (
        f"<p>پہلا۔ دوسرا۔{english('First, second.')}</p>"
    )
    named = unfold(f"<p>{fold('یہ <bdi>St. Ann</bdi> ہے۔', 'This is <bdi>St. Ann</bdi>.')}</p>")
    assert named == f"<p>یہ <bdi>St. Ann</bdi> ہے۔{english('This is <bdi>St. Ann</bdi>.')}</p>"
