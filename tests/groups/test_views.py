"""The pages of a group: who may do what, what is shown from three people on, and that nobody is named or counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select, text

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import transaction
from inclusion_app.groups.models import Group, GroupMember
from inclusion_app.people import opening
from inclusion_app.roadmaps.catalogue import load_catalogue
from tests.conftest import Browser

PIN = "8306"
OURS = "/groups/1"


@pytest.fixture
def keeper(browser: Browser) -> Browser:
    """Somebody who made a group and has it open with its PIN."""
    make_group(browser)
    return browser


def make_group(person: Browser, name: str = "Monday tea") -> str:
    answer = person.send("/groups/new", nickname=name, pin=PIN, pin_again=PIN)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return code_of(person, answer.headers["Location"].removeprefix(f"/{person.language}"))


def code_of(person: Browser, path: str = f"{OURS}/code") -> str:
    found = re.search(r'class="code"><bdi>([^<]+)', person.text(path))
    assert found
    return found[1]


def member(make: Callable[..., Browser], code: str, goals: tuple[str, ...] = ("g02", "g03")) -> Browser:
    person = make()
    person.make_plan(goals)
    person.save_plan(nickname="Zarqa")
    assert person.send("/groups/join", code=code).status_code == 303
    return person


def words(html: str) -> str:
    """What a page says in its main part, without markup."""
    main = re.search(r"<main.*?</main>", html, re.S)
    assert main
    return unescape(re.sub(r"<[^>]+>", " ", main[0]))


def test_a_group_is_made_closed_here_and_opened_again(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    assert "Monday tea" in keeper.text(OURS)
    assert keeper.send(f"{OURS}/code", form_on=OURS, do="away").status_code == 303
    assert "closed on this screen" in keeper.text("/groups")
    assert keeper.get(OURS).status_code == 404
    other = another_browser()
    assert other.send("/groups/open", code=code, pin="").status_code == 422
    assert other.send("/groups/open", code=code, pin="4071").status_code == 422
    assert other.get(OURS).status_code == 404
    assert other.send("/groups/open", code=code, pin=PIN).headers["Location"] == "/en/groups/1"
    assert other.get(OURS).status_code == 200


def test_a_refused_name_or_pin_is_said_at_its_field_and_the_name_kept(browser: Browser) -> None:
    answer = browser.send("/groups/new", nickname="Tea <b>", pin="1234", pin_again="1234")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="pin-error"' in page
    assert 'value="Tea &lt;b&gt;"' in page
    assert browser.send("/groups/new", nickname="x" * 41, pin=PIN, pin_again=PIN).status_code == 422


def test_pictures_open_a_group_as_well(browser: Browser, another_browser: Callable[..., Browser]) -> None:
    shown = {"picture1": "sun", "picture2": "key", "picture3": "fish", "with": "pictures"}
    assert browser.send("/groups/new", form_on="/groups/new?with=pictures", **shown).status_code == 303
    code = code_of(browser)
    assert another_browser().send("/groups/open", code=code, **shown).status_code == 303
    wrong = {**shown, "picture3": "sun"}
    assert another_browser().send("/groups/open", code=code, **wrong).status_code == 422


@pytest.mark.parametrize("with_plan", [False, True])
def test_pressed_twice_makes_one_group(app: Flask, browser: Browser, with_plan: bool) -> None:
    if with_plan:
        browser.make_plan()
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.text("/groups/new"))
    assert token
    before = browser.client.get_cookie("visit")
    data = {"csrf_token": token[1], "nickname": "Tea", "pin": PIN, "pin_again": PIN}
    assert browser.client.post("/en/groups/new", data=data).status_code == 303
    assert before
    browser.client.set_cookie("visit", before.value)  # the first answer was thrown away
    assert (
        browser.client.post("/en/groups/new", data={**data, "pin": "4072", "pin_again": "4072"}).status_code
        == 422
    )
    answer = browser.client.post("/en/groups/new", data=data)
    assert answer.headers["Location"] == "/en/groups/ours"
    assert browser.get("/groups/ours").headers["Location"] == "/en/groups/1"
    with app.app_context(), transaction() as session:
        assert session.query(Group).count() == 1
    if with_plan:
        assert "Your next steps" in browser.text("/roadmap")


def test_a_group_is_made_beside_a_plan_and_both_stay(browser: Browser) -> None:
    browser.make_plan()
    make_group(browser)
    assert "Your next steps" in browser.text("/roadmap")
    assert "/groups/ours" in browser.text("/roadmap")
    browser.send("/finish")
    assert browser.get(OURS).status_code in {303, 404}


def test_below_three_nothing_shows_and_from_three_the_next_step_does(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    for _ in range(2):
        assert "from three people on" in words(keeper.text(OURS))
        member(another_browser, code)
    page = words(keeper.text(OURS))
    assert "from three people on" in page
    assert not any(step.title in page for step in load_catalogue().steps.values())
    third = member(another_browser, code)
    page = words(keeper.text(OURS))
    assert "from three people on" not in page
    assert load_catalogue().steps["A3"].title in page
    assert words(third.text(OURS)).count(load_catalogue().steps["A3"].title) >= 1


@pytest.mark.parametrize("count", [3, 4, 5])
def test_nobody_is_named_or_counted(
    keeper: Browser, another_browser: Callable[..., Browser], count: int
) -> None:
    code = code_of(keeper)
    people = [member(another_browser, code) for _ in range(count)]
    for person in (keeper, people[0]):
        for path in (OURS, f"{OURS}/print", f"{OURS}/print-list"):
            page = words(person.text(path))
            assert "Zarqa" not in page
            said = page.replace("About 20 minutes", "").replace("(A3 paper, PDF)", "")
            assert not re.search(rf"(?<![\w-]){count}(?![\w-])", said.split("How to do it")[0]), (path, said)


def test_the_page_is_the_same_with_three_and_with_five_alike(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    for _ in range(3):
        member(another_browser, code)
    three = words(keeper.text(OURS))
    for _ in range(2):
        member(another_browser, code)
    assert words(keeper.text(OURS)) == three


def test_private_steps_never_show(keeper: Browser, another_browser: Callable[..., Browser]) -> None:
    code = code_of(keeper)
    for _ in range(3):
        person = another_browser()
        person.send("/roadmap/check", answer=["g05"])
        person.send("/roadmap/check/2", answer=["smartphone"])
        person.send("/roadmap/check/3", answer="yes")
        person.send("/roadmap/check/4", answer=["no_id"])
        person.save_plan()
        person.send("/groups/join", code=code)
    pages = words(keeper.text(OURS)) + words(keeper.text(f"{OURS}/print")) + keeper.text(f"{OURS}/list")
    for step in load_catalogue().steps.values():
        if step.private:
            assert step.title not in pages, step.id


def test_leaving_takes_one_press_and_tells_nobody(
    app: Flask, keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    keeper.send(f"{OURS}/notes", what="Meet for tea")
    people = [member(another_browser, code) for _ in range(4)]
    keeper.text(OURS)  # says that the note is kept
    before = keeper.text(OURS)
    answer = people[0].send(f"{OURS}/leave", form_on=OURS)
    assert answer.status_code == 303
    assert "You are out of the group. Nobody is told." in people[0].text("/groups")
    assert people[0].get(OURS).status_code == 404
    assert people[0].send(f"{OURS}/leave", form_on="/finish").status_code == 303  # pressed twice
    assert words(keeper.text(OURS)) == words(before)
    for person in people[1:]:
        assert person.send(f"{OURS}/leave", form_on=OURS).status_code == 303
    page = words(keeper.text(OURS))  # the last one left: the group goes on for its code and PIN
    assert "Meet for tea" in page
    assert "from three people on" in page
    with app.app_context(), transaction() as session:
        assert session.query(GroupMember).count() == 0
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "leave group")).all()
        assert len(rows) == 4
        assert {row.items for row in rows} == {"group"}


def test_a_member_reads_and_leaves_but_changes_nothing(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    person = member(another_browser, code_of(keeper))
    assert person.get(OURS).status_code == 200
    for path in ("notes", "add", "list", "code"):
        assert person.get(f"{OURS}/{path}").status_code == 403, path
        assert person.send(f"{OURS}/{path}", form_on=OURS, what="x", do="end").status_code == 403, path
    assert person.send(f"{OURS}/together", form_on=OURS, do="done", step="F1").status_code == 403
    stranger = another_browser()
    for path in (
        "",
        "/notes",
        "/add",
        "/list",
        "/code",
        "/print",
        "/handout.pdf",
        "/poster.pdf",
        "/list.pdf",
    ):
        assert stranger.get(OURS + path).status_code == 404, path


def test_the_code_alone_of_a_plan_shows_none_of_its_groups(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    person = another_browser()
    person.make_plan()
    own = person.save_plan()
    person.send("/groups/join", code=code_of(keeper))
    glance = another_browser()
    glance.send("/come-back", code=own, pin="")
    assert glance.get(OURS).status_code in {303, 404}
    assert glance.get("/groups/ours").status_code == 403
    assert "Our group" not in words(glance.text("/roadmap"))
    assert glance.send("/groups/join", code=code_of(keeper)).status_code == 422


def test_codes_of_the_other_kind_are_answered_plainly(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    person = another_browser()
    person.make_plan()
    own = person.save_plan()
    not_a_group, not_a_person = opening.NOT_A_GROUP["resident"], opening.NOT_A_PERSON["group"]
    for path, data, said in (
        ("/groups/open", {"code": own, "pin": "4071"}, not_a_group),
        ("/groups/join", {"code": own}, not_a_group),
        ("/come-back", {"code": code, "pin": ""}, not_a_person),
    ):
        answer = person.send(path, **data)
        assert answer.status_code == 422
        assert said in unescape(answer.get_data(as_text=True)), path
    not_a_member = opening.NOT_A_MEMBER["group"]
    assert not_a_member in unescape(keeper.send(f"{OURS}/add", code=code, pin="").get_data(as_text=True))
    for wrong in ("ABCD-EFGH", "", "gorton"):
        assert person.send("/groups/join", code=wrong).status_code == 422


def test_joining_asks_for_a_saved_plan_and_keeps_the_code(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code, person = code_of(keeper), another_browser()
    for _ in range(2):
        answer = person.send("/groups/join", code=code)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "Save your plan first" in page
        assert f'value="{code}"' in page
        person.make_plan()
    person.save_plan()
    for _ in range(2):
        assert person.send("/groups/join", code=code).status_code == 303
        assert "You are in the group." in person.text(OURS)


def test_the_keeper_adds_a_person_by_their_code_and_hears_the_same_twice(
    app: Flask, keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    person = another_browser()
    person.make_plan()
    own = person.save_plan()
    for _ in range(2):
        assert keeper.send(f"{OURS}/add", code=own, pin="").status_code == 303
        assert "They are in the group." in keeper.text(OURS)
    assert person.get("/groups/ours").headers["Location"] == "/en/groups/1"
    person.send("/roadmap/code", do="everything-on")
    person.send(f"{OURS}/leave", form_on=OURS)
    answer = keeper.send(f"{OURS}/add", code=own, pin="")
    assert answer.status_code == 422
    assert opening.NEEDS_SECRET in answer.get_data(as_text=True)
    assert keeper.send(f"{OURS}/add", code=own, pin="4071").status_code == 303
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "join group")).all()
        assert [row.actor_kind for row in rows] == ["group", "group"]


def test_notes_are_written_changed_and_deleted_as_they_were_typed(keeper: Browser) -> None:
    note = {"what": "  Tea & <talk> ", "when": "Mondays at 10", "where": "ہال"}
    assert keeper.send(f"{OURS}/notes", **note).status_code == 303
    page = keeper.text(OURS)
    assert "Tea &amp; &lt;talk&gt;" in page
    assert "<bdi>Tea" in page
    assert "ہال" in page
    assert keeper.send(f"{OURS}/notes", note="1", **{**note, "what": "Walk"}).status_code == 303
    assert "Tea" not in words(keeper.text(OURS)).replace("Monday tea", "")
    assert 'value="Walk"' in keeper.text(f"{OURS}/notes?note=1")
    assert keeper.get(f"{OURS}/notes?note=7").status_code == 404
    assert keeper.send(f"{OURS}/notes", note="1", do="delete").status_code == 303
    assert "Nothing is written yet." in keeper.text(OURS)


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"what": " "}, "what"), ({"what": "x" * 201}, "what"), ({"what": "a", "when": "x" * 61}, "when"),
     ({"what": "a", "where": "x" * 121}, "where")],
)  # fmt: skip
def test_a_note_that_cannot_be_kept_is_said_at_its_field(
    keeper: Browser, typed: dict[str, str], field: str
) -> None:
    answer = keeper.send(f"{OURS}/notes", **typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in page
    assert f'value="{typed[field].strip()}"' in page


def test_there_is_room_for_twelve_notes(keeper: Browser) -> None:
    for number in range(12):
        assert keeper.send(f"{OURS}/notes", what=f"Thing {number}").status_code == 303
    answer = keeper.send(f"{OURS}/notes", what="One more")
    assert answer.status_code == 422
    assert "room for 12 notes" in answer.get_data(as_text=True)
    assert 'value="One more"' in answer.get_data(as_text=True)


def test_people_on_paper_count_and_their_ticks_do(keeper: Browser) -> None:
    assert keeper.send(f"{OURS}/list", people="۳", step_S1="٣", step_F1="2").status_code == 303
    page = words(keeper.text(OURS))
    assert load_catalogue().steps["S1"].title in page.split("Our journey")[0]
    assert 'value="3"' in keeper.text(f"{OURS}/list")
    assert keeper.send(f"{OURS}/list", people="2", step_S1="2").status_code == 303
    assert "from three people on" in words(keeper.text(OURS))


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"people": "2", "step_S1": "3"}, "step_S1"), ({"people": "100"}, "people"), ({"people": "-1"}, "people"),
     ({"people": "two"}, "people"), ({"people": "3", "step_F1": "1e3"}, "step_F1"), ({"people": "", "step_F1": "1"}, "step_F1")],
)  # fmt: skip
def test_a_list_that_cannot_be_right_is_said_at_its_field(
    keeper: Browser, typed: dict[str, str], field: str
) -> None:
    answer = keeper.send(f"{OURS}/list", **typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in page
    assert f'value="{typed[field]}"' in page


def test_done_together_moves_on_and_can_be_taken_back(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    for _ in range(3):
        member(another_browser, code)
    first = load_catalogue().steps["A3"].title
    for _ in range(2):  # pressed twice
        assert keeper.send(f"{OURS}/together", form_on=OURS, do="done", step="A3").status_code == 303
    page = words(keeper.text(OURS))
    assert first not in page.split("Our journey as a picture")[0]
    assert "Done together" in page
    assert keeper.send(f"{OURS}/together", form_on=OURS, do="undo", step="A3").status_code == 303
    assert first in words(keeper.text(OURS)).split("Our journey as a picture")[0]
    for bad in ({"do": "done", "step": "T6"}, {"do": "done", "step": "Z9"}, {"do": "fly"}):
        assert keeper.send(f"{OURS}/together", form_on=OURS, **bad).status_code == 422


def test_a_new_code_ends_the_old_one_and_other_screens(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    old, other = code_of(keeper), another_browser()
    other.send("/groups/open", code=old, pin=PIN)
    assert keeper.send(f"{OURS}/code", do="new").status_code == 303
    fresh = code_of(keeper)
    assert fresh != old
    assert other.get(OURS).status_code in {303, 404}
    assert other.send("/groups/open", code=old, pin=PIN).status_code == 422
    assert other.send("/groups/open", code=fresh, pin=PIN).status_code == 303


def test_ending_a_group_leaves_the_plans(
    app: Flask, keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code = code_of(keeper)
    keeper.send(f"{OURS}/notes", what="Meet")
    person = member(another_browser, code)
    assert keeper.send(f"{OURS}/code", do="end").status_code == 303
    assert "The group is deleted." in keeper.text("/groups")
    assert "Your next steps" in person.text("/roadmap")
    assert person.get(OURS).status_code == 404
    with app.app_context(), transaction() as session:
        assert session.query(Group).count() == session.query(GroupMember).count() == 0
        assert session.scalar(text("SELECT count(*) FROM given_codes WHERE kind = 'group'")) == 0


def test_a_person_may_be_in_several_groups(browser: Browser, another_browser: Callable[..., Browser]) -> None:
    codes = [make_group(another_browser(), name) for name in ("Tea", "Walk")]
    person = member(another_browser, codes[0])
    person.send("/groups/join", code=codes[1])
    page = person.text("/groups/ours")
    assert "Tea" in page
    assert "Walk" in page
    person.send("/groups/2/leave", form_on=OURS)
    assert person.get("/groups/ours").headers["Location"] == "/en/groups/1"


def test_the_square_of_a_poster_looks_nothing_up(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code, person = code_of(keeper), another_browser()
    answer = person.client.get(f"/g/{code}?l=ur")
    assert answer.status_code == 200
    assert 'lang="ur"' in answer.get_data(as_text=True)
    assert person.client.get("/g/ABCDEFGH").status_code == 422
    page = person.client.get(f"/g/{code.replace('-', '')}").get_data(as_text=True)
    link = re.search(r'href="(/en/groups/join\?code=[^"]+)"', page)
    assert link
    assert f'value="{code}"' in person.client.get(link[1]).get_data(as_text=True)


def test_reading_a_group_with_ones_own_plan_is_recorded(
    app: Flask, keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    person = member(another_browser, code_of(keeper))
    person.get(OURS)
    keeper.get(OURS)
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "read groups.group")).all()
        assert [(row.actor_kind, row.items) for row in rows] == [("resident", "group"), ("group", "group")]
        assert rows[0].resident_id is not None


def test_guessing_the_pin_of_a_group_is_limited(
    keeper: Browser, another_browser: Callable[..., Browser]
) -> None:
    code, guesser = code_of(keeper), another_browser()
    # From this network the group was never opened with its PIN, only made.
    said = [guesser.send("/groups/open", code=code, pin=f"40{n:02}").get_data(as_text=True) for n in range(6)]
    assert "One more try" in said[3]
    assert "Too many wrong tries" in said[5]
    assert guesser.send("/groups/open", code=code, pin=PIN).status_code == 422


def test_an_ended_visit_is_asked_to_open_the_group_again(app: Flask, keeper: Browser) -> None:
    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE visits SET last_used_at = '2026-01-01 00:00:00'"))
    answer = keeper.get(OURS)
    assert answer.headers["Location"] == "/en/groups/open"
    assert "Your visit ended" in keeper.text("/groups/open")
