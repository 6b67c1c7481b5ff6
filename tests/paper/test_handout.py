"""The handout: what stands on it, that it fits its sides, and that it can be read with eyes and without."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import fields, replace

import pikepdf
import pytest
import segno
from markupsafe import Markup

from inclusion_app.core.paper_parts import QUIET_ZONE, Pair, joined, pair, qr_square
from inclusion_app.core.words import N_
from inclusion_app.places.place_sheet import OpenDay, PlaceBox, in_rows
from inclusion_app.roadmaps.handout import (
    LEAN,
    SCAM_WORDS,
    WORDS,
    Handout,
    Lean,
    by_goal,
    cut_journey,
    fixed_words,
)
from inclusion_app.roadmaps.handout_fit import (
    HEIGHT,
    MOVABLE,
    TIGHTEST,
    Heights,
    Layout,
    arrange,
    parts_of,
)
from tests.core.pdf_checks import problems, read_tags, spoken
from tests.paper.samples import page, sample

Draw = Callable[[str], bytes]
LANGS = ("en", "ur", "ar")
# From an ordinary sheet to the fullest there can be.
SHEETS: dict[str, dict[str, int | bool]] = {
    "ordinary": {},
    "appointment": {"appointment": True},
    "two goals": {"goals": 2, "stations": 11},
    "three goals": {"goals": 3, "phones": 2, "stations": 13},
    "done and looked at again": {"again": True, "wins": 3},
    "full and looked at again": {"again": True, "wins": 3, "goals": 3, "phones": 2, "stations": 13},
    "everything": {"goals": 3, "phones": 2, "appointment": True, "stations": 18, "heavy": True},
}
CHOSEN = {"Noto-Sans", "Noto-Nastaliq-Urdu", "Noto-Naskh-Arabic"}


def text_of(pdf: bytes, *options: str) -> str:
    """The words as a program reads them from the page."""
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def sizes_of(pdf: bytes) -> set[float]:
    """The sizes of letters on the paper, in points."""
    sizes = set()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for side in document.pages:
            for instruction in pikepdf.parse_content_stream(side):
                if str(instruction.operator) == "Tf":
                    sizes.add(round(float(instruction.operands[1]) * 0.75, 2))
    return sizes


def sides_of(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", SHEETS)
def test_a_handout_fills_two_sides_and_reads_out(draw: Draw, lang: str, kind: str) -> None:
    pdf = draw(page(sample(lang, **SHEETS[kind])))
    assert sides_of(pdf) == 2
    assert problems(pdf) == []
    assert len(pdf) <= 200_000
    assert min(sizes_of(pdf)) >= 12 * 0.8  # the smallest: labels of the map beside sentences of 12 points


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", ["ordinary", "everything"])
def test_large_print_is_large_all_over(draw: Draw, lang: str, kind: str) -> None:
    pdf = draw(page(sample(lang, large=True, **SHEETS[kind])))
    assert min(sizes_of(pdf)) >= 16
    assert sides_of(pdf) <= 4
    assert problems(pdf) == []


TWELVE = tuple(
    f"{name} Begum"
    for name in (
        "Amina",
        "Bilal",
        "Chen",
        "Dadi",
        "Ewa",
        "Farah",
        "Gita",
        "Hana",
        "Ines",
        "Jo",
        "Kiran",
        "Lena",
    )
)


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_a_sheet_of_a_home_has_room_for_twelve_names(draw: Draw, lang: str) -> None:
    home = replace(sample(lang), name="", people=TWELVE)
    pdf = draw(page(home))
    assert sides_of(pdf) == 2
    assert problems(pdf) == []
    assert " · ".join(f"<bdi>{name}</bdi>" for name in TWELVE) in page(home)
    assert not [name for name in TWELVE if name in page(home.without_reasons())]


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_an_ordinary_front_is_set_in_fourteen_points(draw: Draw, lang: str) -> None:
    # These samples are fuller than an ordinary plan; tests/roadmaps holds that both sides of a real one are.
    assert arrange(sample(lang)).fits[0] <= 1
    assert 14 in sizes_of(draw(page(sample(lang))))


@pytest.mark.paper
@pytest.mark.parametrize("kind", [kind for kind in SHEETS if kind != "everything"])
def test_urdu_keeps_its_own_hand_on_both_sides(draw: Draw, kind: str) -> None:
    pdf = draw(page(sample("ur", **SHEETS[kind])))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for side in document.pages:
            names = " ".join(str(font.BaseFont) for font in side.Resources.Font.values())
            assert "Noto-Nastaliq-Urdu" in names


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_every_letter_is_in_a_chosen_font(draw: Draw, lang: str) -> None:
    with pikepdf.open(io.BytesIO(draw(page(sample(lang, **SHEETS["everything"]))))) as document:
        names = [str(font.BaseFont) for font in document.objects if isinstance(font, pikepdf.Dictionary)
                 and "/DescendantFonts" in font]  # fmt: skip
    assert {re.sub(r"^/([A-Z]+\+)?", "", name).removesuffix("-Bold") for name in names} <= CHOSEN


@pytest.mark.paper
@pytest.mark.parametrize(("lang", "font"), [("ur", "Noto-Nastaliq-Urdu"), ("ar", "Noto-Naskh-Arabic")])
def test_each_language_has_its_own_hand(draw: Draw, lang: str, font: str) -> None:
    pdf = draw(page(sample(lang)))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        names = " ".join(
            str(thing.get("/BaseFont", ""))
            for thing in document.objects
            if isinstance(thing, pikepdf.Dictionary)
        )
    assert font in names


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "words", ["7KQ4 M2XD", "roadmap.example.org/r/7KQ4M2XD", "0800 144 8848", "9:00–17:00", "M12 4NE"]
)
def test_codes_numbers_times_and_addresses_stay_left_to_right(draw: Draw, lang: str, words: str) -> None:
    assert words in text_of(draw(page(sample(lang))), "-layout")


@pytest.mark.paper
def test_the_english_sheet_says_everything_in_order(draw: Draw) -> None:
    text = spoken(draw(page(sample("en", appointment=True))))
    order = [
        "Printed on Monday 23 November 2026.", "Ask us if this is old.", "My next steps", "Shirley",
        "I want to see my GP", "Set up your own email", "Many things ask", "About 45 minutes", "Bring:",
        "Set up the NHS App", "in place of ID.", "Make the screen work", "My next appointment", "Wednesday 2 December",
        "10:30", "Longsight Library", "A digital helper", "We set up your email", "Is the time bad?",
        "Talk to a person", "Citizens Advice", "0800 144 8848", "My code", "7KQ4 M2XD", "A place near you",
        "519 Stockport Road", "slow walk", "Opening times this week", "Monday", "Thursday", "Closed",
        "These times are not confirmed.", "Ask before you travel.", "Without the internet", "Phone your surgery",
        "Is it a scam?", *SCAM_WORDS, "Your journey as a picture", "You are here",
    ]  # fmt: skip
    at = 0
    for words in order:
        assert words in text[at:], words
        at = text.index(words, at) + len(words)


@pytest.mark.paper
@pytest.mark.parametrize("lang", ["ur", "ar"])
def test_both_languages_are_said_one_beside_the_other(draw: Draw, lang: str) -> None:
    handout = sample(lang)
    said = spoken(draw(page(handout)))
    # On a full sheet the scam box is one paragraph a language.
    scam = (joined(handout.scam),) if arrange(handout).lean.scam_in_one else handout.scam
    for sentence in (*handout.goals, *scam, *handout.routes, *(step.title for step in handout.steps)):
        assert f"{sentence.own} {sentence.en}" in said


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_headings_are_the_persons_own_and_english_is_not_one(draw: Draw, lang: str) -> None:
    with pikepdf.open(io.BytesIO(draw(page(sample(lang))))) as document:
        heads = read_tags(document).all("H1", "H2")
    assert [tag.kind for tag in heads] == ["H1", *["H2"] * 9]
    assert {tag.lang for tag in heads} == {""}


@pytest.mark.paper
@pytest.mark.parametrize("lang", ["ar", "ur"])
def test_the_week_is_a_table_with_its_days_as_headers(draw: Draw, lang: str) -> None:
    handout = sample(lang)
    with pikepdf.open(io.BytesIO(draw(page(handout)))) as document:
        table = read_tags(document).all("Table")[0]
    assert handout.place
    days = handout.place.days(arrange(handout).lean.week_in_groups)
    assert len(table.all("TH")) == len(days)
    assert len(days) == 7 or lang == "ur"
    assert all(len(cell.headers) == 1 for cell in table.all("TD"))
    assert len(table.all("Caption")) == 1


@pytest.mark.paper
def test_the_square_is_not_where_the_sheet_folds(draw: Draw) -> None:
    with pikepdf.open(io.BytesIO(draw(page(sample("ur"))))) as document:
        boxes = [thing.A.BBox for thing in document.objects if isinstance(thing, pikepdf.Dictionary)
                 and thing.get("/S") == "/Figure" and str(thing.get("/Alt", "")) == "QR"]  # fmt: skip
        bottom = max(float(edge) for edge in (boxes[0][1], boxes[0][3]))
    assert len(boxes) == 1
    assert bottom / 96 * 25.4 < 140  # A4 folds at 148 mm


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_the_private_sheet_tells_no_goal_and_no_reason(draw: Draw, lang: str) -> None:
    whole = sample(lang, goals=2, appointment=True, heavy=True)
    html = page(whole.without_reasons())
    told = [whole.name, *(goal.en for goal in whole.goals), *(goal.own for goal in whole.goals)]
    told += [step.why.en for step in whole.steps if step.why] + [
        line.en for line in (*whole.routes, *whole.notes)
    ]
    assert [words for words in told if words and words in html] == []
    assert 'class="lm-row' not in html
    assert whole.steps[0].title.own in html
    assert problems(draw(html)) == []


@pytest.mark.parametrize("lang", LANGS)
def test_private_alone_is_enough_to_keep_it_private(lang: str) -> None:
    # Should a view set the flag and forget the rest, the template still keeps silent.
    html = page(replace(sample(lang, goals=2), private=True))
    whole = sample(lang, goals=2)
    told = [
        whole.name,
        *(goal.en for goal in whole.goals),
        *(step.why.en for step in whole.steps if step.why),
    ]
    assert [words for words in (*told, *(line.en for line in whole.routes)) if words in html] == []


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
def test_what_is_not_known_is_left_out(draw: Draw, lang: str) -> None:
    bare = replace(
        sample(lang), steps=(), name="", goals=(), phones=(), place=None, routes=(), journey=None, code="",
        address="", qr=None,
    )  # fmt: skip
    html = page(bare)
    for name in ("appointment", "talk", "code", "place", "route", "journey"):
        assert f">{bare.words[name].own}<" not in html
    assert bare.words["done"].own in html
    assert problems(draw(html)) == []


@pytest.mark.paper
def test_a_sentence_nobody_translated_stands_once_and_says_that_it_is_english(draw: Draw) -> None:
    handout = replace(sample("ur"), goals=(Pair("I want to start.", "I want to start."),))
    html = page(handout)
    assert html.count("I want to start.") == 1
    assert '<p class="en" lang="en" dir="ltr">I want to start.</p>' in html
    assert problems(draw(html)) == []


def test_a_typed_name_is_text_and_nothing_else() -> None:
    assert "<script>" not in page(replace(sample("en"), name="<script>alert(1)</script>"))


def test_the_page_has_no_style_or_script_of_its_own_in_its_body() -> None:
    body = page(sample("ur", appointment=True, goals=3)).split("<body", 1)[1]
    assert not re.search(r"<script|\sstyle=|\son[a-z]+=", body)


# --- the guess ---------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", SHEETS)
def test_the_guess_is_right_or_one_step_off(draw: Draw, lang: str, kind: str) -> None:
    handout = sample(lang, **SHEETS[kind])
    layout = arrange(handout)
    front, back = layout.fits
    # Drawn as guessed it fits, or the service would have set it tighter and the bytes would differ.
    assert sides_of(draw(page(handout))) == 2
    looser = max(0, front - 2), max(0, back - 2)
    html = page(handout)
    if front > 1:
        loose = html.replace(
            f'data-sides="1" data-fit="{front}" class="side">',
            f'data-sides="2" data-fit="{looser[0]}" class="side">',
        )
        assert loose != html
        assert sides_of(draw(loose)) == 3
    if back > 1:
        loose = html.replace(
            f'data-fit="{back}" class="side side--two"', f'data-fit="{looser[1]}" class="side side--two"'
        )
        loose = loose.replace('id="side-2" data-sides="1"', 'id="side-2" data-sides="2"')
        assert loose != html
        assert sides_of(draw(loose)) == 3


ALL = tuple(name for side in parts_of(()) for name in side)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", SHEETS)
def test_a_tighter_setting_is_lower(lang: str, kind: str) -> None:
    heights = Heights(sample(lang, **SHEETS[kind]))
    for parts in parts_of(("talk",)):
        fits = [heights.side(parts, fit, LEAN[0]) for fit in range(TIGHTEST + 1)]
        assert fits == sorted(fits, reverse=True)
        assert fits[0] > fits[-1]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "kind", ["everything"]
)  # a shorter journey, one station longer than drawn, gains a sentence
def test_a_leaner_sheet_is_lower(lang: str, kind: str) -> None:
    heights = Heights(sample(lang, **SHEETS[kind]))
    lean = [heights.side(ALL, 1, lean) for lean in LEAN]
    assert lean == sorted(lean, reverse=True)
    assert lean[0] > lean[-1]


@pytest.mark.parametrize("parts", parts_of(("talk",)))
def test_more_words_need_more_height(parts: tuple[str, ...]) -> None:
    short, long = (Heights(sample("ur", goals=goals)) for goals in (1, 3))
    assert long.side(parts, 0, LEAN[0]) > short.side(parts, 0, LEAN[0])


# --- where it stands ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", SHEETS)
def test_each_part_stands_once_and_on_its_side(lang: str, large: bool, kind: str) -> None:
    handout = sample(lang, large=large, **SHEETS[kind])
    layout = arrange(handout)
    has = [name for name in ALL if Heights(handout).of(name, 0, LEAN[0])]
    assert sorted(name for name in (*layout.front, *layout.back) if name in has) == sorted(has)
    assert [name for name in layout.front if name in {"head", "doing", "steps"}] == ["head", "doing", "steps"]
    if not large:
        assert {"head", "steps", "notes", "appointment"} <= set(layout.front)
        assert {"code", "place", "journey"} <= set(layout.back)
    assert layout == arrange(handout)  # the same sheet is always set the same way


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", SHEETS)
def test_what_was_done_goes_first_when_there_is_no_room(lang: str, kind: str) -> None:
    told = sample(lang, **{**SHEETS[kind], "wins": 3})
    with_wins, without = arrange(told), arrange(replace(told, wins=()))
    if with_wins.lean.wins:
        assert replace(with_wins.lean, wins=False) == Lean()  # all the rest is there too
    else:
        assert (with_wins.fits, with_wins.lean) == (without.fits, replace(without.lean, wins=False))
    assert max(with_wins.fits) <= max(1, *without.fits)  # and no letter is smaller for it


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", SHEETS)
def test_large_print_takes_no_side_for_what_was_done(lang: str, kind: str) -> None:
    told = sample(lang, large=True, **{**SHEETS[kind], "wins": 3})
    assert arrange(told).sides == arrange(replace(told, wins=())).sides


def test_a_sheet_with_room_keeps_everything_at_its_usual_place() -> None:
    assert arrange(sample("en")) == Layout(*parts_of(("talk",)), (0, 0), LEAN[0])


def test_what_may_stand_on_either_side_goes_where_there_is_room() -> None:
    layout = arrange(sample("ur", goals=2, stations=11))
    assert {name for name in MOVABLE if name in layout.front} - {"talk"}
    assert max(layout.fits) <= 2


@pytest.mark.parametrize("kind", ["two goals", "three goals", "everything"])
def test_a_sheet_goes_leaner_before_its_letters_become_smaller(kind: str) -> None:
    handout = sample("ur", **SHEETS[kind])
    layout, heights = arrange(handout), Heights(handout)
    if max(layout.fits) < 2:
        return
    for in_front in (
        (),
        ("talk",),
        ("scam",),
        ("route",),
        ("talk", "scam"),
        ("talk", "route"),
        ("route", "scam"),
    ):
        sides = [heights.side(parts, 1, LEAN[-1]) for parts in parts_of(in_front)]
        assert max(sides) > HEIGHT * 0.98, in_front


def test_large_print_needs_two_sheets_at_most_and_leaves_no_holes() -> None:
    for lang in LANGS:
        for kind in SHEETS.values():
            assert arrange(sample(lang, large=True, **kind)).sides <= 4


def test_days_with_the_same_times_share_a_row() -> None:
    def day(name: str, *times: str, today: bool = False) -> OpenDay:
        return OpenDay(Pair(name, name), times, today=today)

    week = (
        day("Mon", "9–5"),
        day("Tue", "9–5", today=True),
        day("Wed", "9–5"),
        day("Thu", today=True),
        day("Fri", "9–5"),
    )
    rows = in_rows(week)
    assert [(row.day.en, row.times, row.today) for row in rows] == [
        ("Mon–Wed", ("9–5",), False), ("Thu", (), True), ("Fri", ("9–5",), False),
    ]  # fmt: skip


def test_the_ways_of_several_goals_are_a_paragraph_each() -> None:
    one, two, three = (Pair(letter, letter) for letter in "abc")
    assert by_goal([[one, two]]) == (one, two)
    assert by_goal([[one, two], [], [three]]) == (Pair("a b", "a b"), three)


# --- who does it, and what is being done ---------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_what_is_being_done_stands_before_what_is_next(lang: str) -> None:
    html = page(sample(lang, doing=1))
    doing, first = html.index("You are doing this now"), html.index("Set up your own email")
    assert doing < html.index("Get on to Wi-Fi") < first
    assert html.count('class="tick"') == 4
    assert "Many things ask" not in html[doing:first]  # its title alone


def test_what_is_being_done_is_told_whole_when_nothing_is_next() -> None:
    html = page(replace(sample("en", doing=1), steps=()))
    assert "Many things ask" in html


def test_a_private_step_that_is_being_done_keeps_its_name_for_itself() -> None:
    whole = sample("en", doing=2)
    hidden, told = whole.doing
    html = page(replace(whole, doing=(replace(hidden, private=True), told)).without_reasons())
    assert "You are doing this now" in html
    assert hidden.title.en not in html
    assert told.title.en in html
    assert whole.words["kept_private"].en in html


def test_a_private_sheet_tells_no_private_win_and_keeps_the_day() -> None:
    whole = sample("en", again=True, wins=3)
    html = page(whole)
    assert "Set up the NHS App or website: You did this with help." in html
    for hidden in (page(whole.without_reasons()), page(replace(whole, private=True))):
        assert "NHS App or website: " not in hidden
        assert "Open a web page: You did this with help." in hidden
        assert "Look at this plan again on Monday 21 December 2026." in hidden


def test_a_private_sheet_says_nothing_of_what_is_in_the_way() -> None:
    whole = replace(sample("en"), steps=())
    whole.words["done"] = Pair("First finish: Start a claim.", "First finish: Start a claim.")
    assert "Start a claim" in page(whole)
    assert "Start a claim" not in page(whole.without_reasons())


@pytest.mark.parametrize("lang", LANGS)
def test_who_does_a_step_stands_on_its_box(lang: str) -> None:
    whole = sample(lang)
    together = Pair("XX", "We do it together")
    html = page(replace(whole, steps=(replace(whole.steps[0], mode=together), *whole.steps[1:])))
    assert html.count("We do it together") == 1
    assert html.count("XX") == (lang != "en")


def test_wards_are_named_by_letters_outside_the_drawing() -> None:
    html = page(sample("ur"))
    names = html[html.index('map__names"') :].split("</p>")[0]
    assert names.startswith('map__names" lang="en" dir="ltr"')
    assert re.findall(r"<b>(\w)</b> ([^<]+)<", names) == [
        ("A", "Ardwick"), ("B", "Gorton and Abbey Hey"), ("C", "Levenshulme"),
    ]  # fmt: skip


# --- what it is made of ------------------------------------------------------------------------------------------


def test_a_pair_is_filled_in_both_languages() -> None:
    made = pair(lambda text, **params: f"<{text % params}>", N_("About %(minutes)s minutes"), minutes=30)
    assert made == Pair("<About 30 minutes>", "About 30 minutes")


def test_a_sentence_with_a_percent_sign_and_no_places_is_left_alone() -> None:
    assert pair(lambda text: text, "100 %").en == "100 %"


def test_every_fixed_word_is_translated_once() -> None:
    asked: list[str] = []
    words, scam = fixed_words(lambda text: asked.append(text) or text.upper())  # type: ignore[func-returns-value]
    assert asked == [*WORDS.values(), *SCAM_WORDS]
    assert words["title"] == Pair("MY NEXT STEPS", "My next steps")
    assert len(scam) == len(SCAM_WORDS)


@pytest.mark.parametrize("sentence", [*WORDS.values(), *SCAM_WORDS])
def test_fixed_words_are_short(sentence: str) -> None:
    assert len(sentence.split()) <= 15


def test_a_fourth_step_or_win_is_refused() -> None:
    whole = sample("en", wins=3)
    with pytest.raises(ValueError, match="three wins"):
        replace(whole, wins=(*whole.wins, whole.wins[0]))
    with pytest.raises(ValueError, match="three steps"):
        replace(whole, steps=(*whole.steps, whole.steps[0]))


@pytest.mark.parametrize("lost", ["code", "qr"])
def test_the_code_and_its_square_stand_together(lost: str) -> None:
    with pytest.raises(ValueError, match="together"):
        replace(sample("en"), **{lost: None if lost == "qr" else ""})


def test_a_map_with_words_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="beside"):
        PlaceBox("Library", "Street 1", drawing=Markup("<svg><text>ا</text></svg>"))


@pytest.mark.parametrize("lean", LEAN)
@pytest.mark.parametrize("stations", [3, 9, 30])
def test_a_long_journey_is_cut_and_says_so(stations: int, lean: Lean) -> None:
    more = cut_journey(stations, lambda text, **params: text % params)
    handout = replace(sample("en", stations=stations))
    if stations > lean.stations:
        assert more[lean.stations].en == f"Steps after these: {stations - lean.stations}"
    else:
        assert lean.stations not in more
    assert len(handout.journey.rows) <= LEAN[0].stations if handout.journey else False


def test_an_address_is_shown_as_it_is_typed() -> None:
    assert (
        replace(sample("en"), address="https://roadmap.example.org/r/X").typed_address
        == "roadmap.example.org/r/X"
    )


def test_a_handout_cannot_hold_a_pin() -> None:
    assert not [field.name for field in fields(Handout) if "pin" in field.name.lower()]


@pytest.mark.parametrize(
    "text", ["https://roadmap.example.org/r/7KQ4M2XD", "http://127.0.0.1:8000/r/7KQ4M2XD"]
)
def test_the_square_is_the_code_with_its_quiet_zone(text: str) -> None:
    svg = str(qr_square(text, "QR"))
    size = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])  # type: ignore[index]
    drawn = [[0] * size for _ in range(size)]
    x = y = 0
    for sign, number, down in re.findall(
        r"([Mmh])(\d+)(?: (\d+))?", svg.split('d="')[2].split('"', maxsplit=1)[0]
    ):
        if sign == "M":
            x, y = int(number), int(down)
        elif sign == "m":
            x += int(number)
        else:
            for column in range(x, x + int(number)):
                drawn[y][column] += 1
            x += int(number)
    matrix = segno.make(text, error="m", micro=False).matrix
    blank = [[0] * size for _ in range(QUIET_ZONE)]
    edge = [0] * QUIET_ZONE
    assert drawn == [*blank, *([*edge, *map(int, row), *edge] for row in matrix), *blank]


def test_the_words_of_a_square_are_escaped() -> None:
    assert "<title>&lt;b&gt;</title>" in qr_square("x", "<b>")
