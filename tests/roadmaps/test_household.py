"""A home with one plan: nobody comes in without their own secret, nobody leaves with nothing, no plan is left behind."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from inclusion_app.core import audit, clock, history
from inclusion_app.core.clock import now
from inclusion_app.core.db import Base, engine, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.people.opening import Facts
from inclusion_app.people.rules import PLAN_IDLE
from inclusion_app.roadmaps import household_services as households
from inclusion_app.roadmaps import merging, queries, services
from inclusion_app.roadmaps.models import Household, HouseholdMember, Roadmap, StepProgress
from inclusion_app.roadmaps.rules import StepState
from tests.conftest import Browser

MAKE = "/roadmap/household"
ADD = "/roadmap/household/add"
NEW = "/roadmap/household/new"
LEAVE = "/roadmap/household/leave"


def page_of(answer: Any) -> str:
    text: str = answer.get_data(as_text=True)
    return text


def at_home(person: Browser, name: str = "Amina", goals: tuple[str, ...] = ("g02", "g03")) -> str:
    """Somebody makes a plan for their home; their code."""
    person.make_plan(goals)
    code = person.save_plan("6283")
    assert person.send(MAKE, name=name).status_code == 303
    return code


def saved(person: Browser, goals: tuple[str, ...] = ("g12",), pin: str = "6283") -> str:
    person.make_plan(goals)
    return person.save_plan(pin)


@pytest.fixture
def two(app: Flask, another_browser: Callable[..., Browser]) -> tuple[Browser, Browser]:
    """Amina and Bilal, who had a plan of his own, at one home."""
    amina, bilal = another_browser(), another_browser()
    at_home(amina)
    code = saved(bilal)
    answer = amina.send(ADD, name="Bilal", code=code, pin="6283", may_wait="y")
    assert answer.status_code == 303, page_of(answer)
    return amina, bilal


def count(model: type[Base]) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_saved_plan_becomes_the_plan_of_a_home(browser: Browser, app: Flask) -> None:
    browser.make_plan(("g02",))
    assert browser.get(MAKE).status_code == 403  # not saved yet
    browser.save_plan()
    page = browser.text(MAKE)
    assert "All of you see all of it" in page
    assert browser.send(MAKE, name=" Amina  B ").status_code == 303
    page = browser.text(MAKE)
    assert "<bdi>Amina B</bdi> (you)" in page
    assert "Who does what?" not in page
    # Sent twice, it is made once.
    assert browser.client.post(f"/en{MAKE}", data={"name": "X", "csrf_token": token(page)}).status_code == 303
    with app.app_context():
        assert (count(Household), count(HouseholdMember), count(Roadmap)) == (1, 1, 2)
        with transaction() as session:
            own, plan = session.scalars(select(Roadmap).order_by(Roadmap.id)).all()
            assert (plan.resident_id, plan.visit_id) == (None, None)
            assert (own.household_id, own.visit_id) == (None, None)
            assert (own.answers, own.made_at) == (plan.answers, plan.made_at)


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("name", "says"), [("  ", "Type a name. A nickname is enough."), ("x" * 41, "40 letters at most")]
)
def test_a_name_is_needed_and_short(browser: Browser, name: str, says: str) -> None:
    browser.make_plan()
    browser.save_plan()
    answer = browser.send(MAKE, name=name)
    assert answer.status_code == 422
    assert says in page_of(answer)
    assert f'value="{name.strip()}"' in page_of(answer)


def test_both_see_and_change_one_plan_and_an_own_plan_waits(two: tuple[Browser, Browser]) -> None:
    amina, bilal = two
    for person in two:
        page = person.text("/roadmap")
        assert "<h1>Our plan</h1>" in page
        assert "<bdi>Amina</bdi> · <bdi>Bilal</bdi>" in page
    assert bilal.send("/roadmap/steps/A3", do="doing").status_code == 303
    assert "You are doing this step now." in bilal.text("/roadmap/steps/A3")
    page = amina.text("/roadmap/steps/A3")
    assert "<p><bdi>Bilal</bdi>: Doing</p>" in page
    assert "You are doing this step now." not in page
    assert "Visit a repair cafe" not in bilal.text("/roadmap")
    assert bilal.send(LEAVE, MAKE).status_code == 303
    page = bilal.text("/roadmap")
    assert "<h1>My plan</h1>" in page
    assert "You have your own plan again. Your steps came with you." in page
    assert "The others are not told." in page
    assert "Visit a repair cafe" in page
    assert "<bdi>Bilal</bdi>" not in amina.text("/roadmap")


def test_nobody_outside_sees_or_changes_anything_of_it(
    two: tuple[Browser, Browser], another_browser: Callable[..., Browser]
) -> None:
    other = another_browser()
    at_home(other, "Chen")
    page = other.text("/roadmap") + other.text(MAKE)
    assert "Amina" not in page
    assert other.get("/roadmap/household/code/1").status_code == 404
    # A name of another home is none of theirs.
    assert other.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who="1").status_code == 422


def test_with_the_code_alone_there_is_neither_a_name_nor_who(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    amina, alone = another_browser(), another_browser()
    code = at_home(amina)
    amina.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who=number_of(app, "Amina"))
    assert alone.send("/come-back", code=code, pin="").status_code == 303
    page = alone.text("/roadmap") + alone.text("/roadmap/steps/A3")
    assert "Amina" not in page
    assert "Who does" not in page
    assert "Our plan" not in page
    for path in (MAKE, ADD, NEW):
        assert alone.get(path).status_code == 403


def number_of(app: Flask, name: str) -> int:
    with app.app_context(), transaction() as session:
        members = session.scalars(select(HouseholdMember)).all()
        return next(member.id for member in members if member.nickname == name)


REFUSED = [
    ({"pin": "9999"}, "do not fit", "name"),
    ({"pin": ""}, "A PIN has 4 numbers", "name"),
    ({"code": "nonsense"}, "", "name"),
    ({"code": ""}, "Type your code.", "name"),
    ({"name": ""}, "Type a name.", "code"),
    ({"name": "amina"}, "Somebody here has this name already.", "code"),
    ({"may_wait": ""}, "This person has a plan of their own.", "name"),
]


@pytest.mark.parametrize(("change", "says", "kept"), REFUSED)
def test_nobody_is_added_without_their_own_secret_and_what_was_typed_is_kept(
    app: Flask, another_browser: Callable[..., Browser], change: dict[str, str], says: str, kept: str
) -> None:
    amina, bilal = another_browser(), another_browser()
    at_home(amina)
    typed = {"name": "Bilal", "code": saved(bilal), "pin": "6283", "may_wait": "y", **change}
    answer = amina.send(ADD, **{key: value for key, value in typed.items() if value})
    page = page_of(answer)
    assert answer.status_code == 422
    assert says in page
    assert "There is a problem" in page
    assert f'name="{kept}" type="text" value="{typed[kept]}"' in page
    if says:
        assert page.count(says) == 2  # above the form and at the field
    assert "6283" not in page
    assert "9999" not in page
    with app.app_context():
        assert count(HouseholdMember) == 1


def test_wrong_secrets_are_counted(app: Flask, another_browser: Callable[..., Browser]) -> None:
    amina, bilal = another_browser(), another_browser()
    at_home(amina)
    code = saved(bilal)
    for _ in range(5):
        amina.send(ADD, name="Bilal", code=code, pin="9999", may_wait="y")
    answer = amina.send(ADD, name="Bilal", code=code, pin="6283", may_wait="y")
    assert "Too many wrong tries." in page_of(answer)
    assert "Bilal" not in amina.text(MAKE)


def test_who_is_in_a_home_is_told_only_after_their_secret(
    two: tuple[Browser, Browser], another_browser: Callable[..., Browser], app: Flask
) -> None:
    amina, bilal = two
    chen = another_browser()
    at_home(chen, "Chen")
    with app.app_context(), transaction() as session:
        codes = [
            session.get_one(Resident, member.resident_id).code
            for member in session.scalars(select(HouseholdMember).order_by(HouseholdMember.id))
        ]
    again = {"name": "B", "code": codes[1], "may_wait": "y"}
    assert "in your plan already" in page_of(amina.send(ADD, **again, pin="6283"))
    assert "in another household" in page_of(chen.send(ADD, **again, pin="6283"))
    wrong = page_of(chen.send(ADD, **again, pin="9998"))
    assert "household. They must" not in wrong
    assert "do not fit" in wrong


def test_a_group_code_is_told_plainly(browser: Browser, app: Flask) -> None:
    at_home(browser)
    with app.app_context(), transaction() as session:
        code = people.give_code(session, kind="group", now=now())
        waiting = people.give_code(session, kind="unclaimed", now=now())
    answer = browser.send(ADD, name="Bilal", code=code, pin="6283")
    assert "This is the code of a group. Type the code of the person." in page_of(answer)
    answer = browser.send(ADD, name="Bilal", code=waiting, pin="6283")
    assert "This code is not ready yet. Somebody must type in its paper first." in page_of(answer)


def test_somebody_without_a_code_gets_one_shown_until_they_use_it(
    app: Flask, another_browser: Callable[..., Browser]
) -> None:
    amina, sara = another_browser(), another_browser()
    at_home(amina)
    newest = number_of(app, "Amina")
    answer = amina.send(NEW, name="Sara", pin="5192", pin_again="5192", newest=newest)
    assert answer.status_code == 303
    where = re.sub("^/en", "", answer.headers["Location"])
    assert "Sara" not in where
    page = amina.text(where)
    code = re.search(r'class="code"><bdi>([^<]+)', page)
    assert code and "<bdi>Sara</bdi>" in page
    assert "Show the new code" in amina.text(MAKE)
    # Pressed twice: nobody is made twice, and the code is not lost.
    again = amina.send(NEW, name="Sara", pin="5192", pin_again="5192", newest=newest)
    assert again.headers["Location"].endswith(MAKE)
    assert "This was changed already." in amina.text(MAKE)
    with app.app_context():
        assert (count(HouseholdMember), count(Resident), count(Roadmap)) == (2, 2, 2)
    assert sara.send("/come-back", code=code[1], pin="5192").status_code == 303
    assert "<h1>Our plan</h1>" in sara.text("/roadmap")
    assert amina.get(where).status_code == 404
    assert "Show the new code" not in amina.text(MAKE)


def test_the_code_of_somebody_who_had_one_is_never_shown(two: tuple[Browser, Browser], app: Flask) -> None:
    for name in ("Amina", "Bilal"):
        for person in two:
            assert person.get(f"/roadmap/household/code/{number_of(app, name)}").status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pin_again": "5193"}, ""),
        ({"pin": "1234", "pin_again": "1234"}, ""),
        ({"name": ""}, "Type a name."),
        ({"name": "AMINA"}, "Somebody here has this name already."),
    ],
)
def test_a_new_person_needs_a_name_and_a_good_pin(
    browser: Browser, app: Flask, change: dict[str, str], says: str
) -> None:
    at_home(browser)
    typed = {"name": "Sara", "pin": "5192", "pin_again": "5192", "newest": number_of(app, "Amina"), **change}
    answer = browser.send(NEW, **typed)
    page = page_of(answer)
    assert answer.status_code == 422
    assert says in page
    assert "There is a problem" in page
    assert "5192" not in page
    with app.app_context():
        assert count(Resident) == 1


def test_pictures_serve_as_well_as_a_pin(app: Flask, another_browser: Callable[..., Browser]) -> None:
    amina = another_browser()
    at_home(amina)
    page = amina.text(f"{NEW}?with=pictures")
    names = re.findall(r'name="picture1" value="([^"]+)"', page)[:3]
    chosen = {f"picture{number}": name for number, name in enumerate(names, 1)}
    extra = {"with": "pictures", "newest": number_of(app, "Amina")}
    assert amina.send(NEW, name="Sara", **chosen, **extra).status_code == 303
    dad = another_browser()
    dad.make_plan(("g12",))
    assert (
        dad.send("/roadmap/save", "/roadmap/save?with=pictures", **{"with": "pictures"}, **chosen).status_code
        == 303
    )  # noqa: F541
    found = re.search(r'class="code"><bdi>([^<]+)', dad.text("/roadmap/code"))
    assert found
    answer = amina.send(ADD, name="Dad", code=found[1], may_wait="y", **{"with": "pictures"}, **chosen)
    assert answer.status_code == 303
    assert "<bdi>Dad</bdi>" in amina.text(MAKE)


def test_who_does_a_step_stands_on_page_list_and_paper(two: tuple[Browser, Browser], app: Flask) -> None:
    amina, bilal = two
    step = "A3"
    assert (
        bilal.send(
            f"/roadmap/steps/{step}/who", f"/roadmap/steps/{step}", who=number_of(app, "Bilal")
        ).status_code
        == 303
    )
    assert amina.text("/roadmap").count("<bdi>Bilal</bdi>") == 3  # the names, the card, the list
    page = amina.text(f"/roadmap/steps/{step}")
    assert re.search(r'aria-pressed="true"><bdi>Bilal</bdi> \(chosen\)', page)
    paper = amina.text("/roadmap/print")
    assert "Who does it: <bdi>Bilal</bdi>" in paper
    assert "Bilal" not in amina.text("/roadmap/print?private=yes")
    # Everybody again.
    assert amina.send(f"/roadmap/steps/{step}/who", f"/roadmap/steps/{step}", who="").status_code == 303
    assert bilal.text("/roadmap").count("<bdi>Bilal</bdi>") == 1


@pytest.mark.parametrize("who", ["999", "x", "-1", "1" * 30])
def test_a_name_that_is_not_here_does_no_step(browser: Browser, who: str) -> None:
    at_home(browser)
    assert browser.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who=who).status_code == 422
    assert browser.send("/roadmap/steps/ZZ/who", "/roadmap/steps/A3", who="").status_code == 404


def test_a_name_that_went_is_ignored(two: tuple[Browser, Browser], app: Flask) -> None:
    amina, bilal = two
    amina.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who=number_of(app, "Bilal"))
    assert bilal.send("/roadmap/code", do="delete").status_code == 303
    assert "Bilal" not in amina.text("/roadmap") + amina.text("/roadmap/steps/A3")


def test_a_name_is_words_and_not_markup(browser: Browser, app: Flask) -> None:
    at_home(browser, "<b>A&B</b>")
    browser.send(NEW, name="Sara", pin="5192", pin_again="5192", newest=number_of(app, "<b>A&B</b>"))
    browser.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who=number_of(app, "<b>A&B</b>"))
    for path in ("/roadmap", MAKE, "/roadmap/steps/A3", "/roadmap/print"):
        page = browser.text(path)
        assert "<bdi>&lt;b&gt;A&amp;B&lt;/b&gt;</bdi>" in page, path
        assert "<b>A&B" not in page


def test_leaving_twice_is_leaving_once(two: tuple[Browser, Browser], app: Flask) -> None:
    _amina, bilal = two
    page = bilal.text(MAKE)
    for _ in range(2):
        answer = bilal.client.post(f"/en{LEAVE}", data={"csrf_token": token(page)})
        assert answer.status_code == 303
    with app.app_context():
        assert (count(Household), count(HouseholdMember), count(Roadmap)) == (1, 1, 3)


def test_a_new_code_keeps_its_person_in(two: tuple[Browser, Browser]) -> None:
    _amina, bilal = two
    bilal.send("/roadmap/code", do="new")
    assert "<h1>Our plan</h1>" in bilal.text("/roadmap")


@pytest.mark.parametrize("path", [ADD, NEW])
def test_who_is_in_no_home_adds_nobody(browser: Browser, path: str) -> None:
    saved(browser)
    assert browser.get(path).headers["Location"].endswith(MAKE)


@pytest.mark.parametrize(
    ("language", "plan", "steps", "far"),
    [
        ("ur", "ہمارا منصوبہ", "ہمارے اگلے قدم", "آپ سب مل کر یہاں تک آ گئے ہیں۔"),
        ("ar", "خطتنا", "خطواتنا التالية", "وصلتم إلى هنا معًا."),
    ],
)
def test_pages_of_a_home_speak_the_language(
    another_browser: Callable[..., Browser], app: Flask, language: str, plan: str, steps: str, far: str
) -> None:
    person = another_browser(language)
    at_home(person, "آمنہ")
    newest = number_of(app, "آمنہ")
    assert person.send(NEW, name="سارہ", pin="5192", pin_again="5192", newest=newest).status_code == 303
    person.send("/roadmap/steps/A3", do="done_alone")
    page = person.text("/roadmap")
    assert "<bdi>آمنہ</bdi> · <bdi>سارہ</bdi>" in page
    assert plan in page
    assert steps in person.text("/roadmap/print")
    assert far in person.text("/roadmap/look-back")


def test_who_presses_stands_at_a_step_without_a_name(two: tuple[Browser, Browser]) -> None:
    amina, bilal = two
    amina.send("/roadmap/steps/A3", do="doing")
    bilal.send("/roadmap/steps/M1", do="done_with_help")
    assert "You did this with help. That is a real step." in bilal.text("/roadmap")
    for step, name in (("A3", "Amina"), ("M1", "Bilal")):
        assert f"<bdi>{name}</bdi> (chosen)" in amina.text(f"/roadmap/steps/{step}")
    # A name that stands there stays, and what is said of the step is not said to the presser.
    bilal.send("/roadmap/steps/A3", do="done_alone")
    page = bilal.text("/roadmap")
    assert "Well done. The step is done." in page
    assert "You did this on your own" not in page
    for path in ("/roadmap", "/roadmap/look-back"):
        assert "<bdi>Amina</bdi>: Done on my own" in bilal.text(path), path
        assert "You did this with help." in bilal.text(path), path
        assert "You did this on your own." in amina.text(path), path
        assert "<bdi>Bilal</bdi>: Done with help" in amina.text(path), path
    assert "<p><bdi>Amina</bdi>: Done on my own</p>" in bilal.text("/roadmap/steps/A3")
    for person in two:
        page = person.text("/roadmap/look-back")
        assert "You have come this far together." in page
        assert "Every step here is yours." not in page


def test_a_step_of_another_that_is_begun_is_a_changed_plan(two: tuple[Browser, Browser], app: Flask) -> None:
    amina, bilal = two
    amina.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who=number_of(app, "Amina"))
    bilal.send("/roadmap/steps/A3", do="doing")
    page = bilal.text("/roadmap")
    assert "Your plan is changed." in page
    assert "You are doing this step now." not in page


def test_a_step_done_by_everybody_is_nobodys_alone(two: tuple[Browser, Browser]) -> None:
    amina, bilal = two
    amina.send("/roadmap/steps/A3", do="done_with_help")
    amina.send("/roadmap/steps/A3/who", "/roadmap/steps/A3", who="")
    for person in two:
        page = person.text("/roadmap/look-back")
        assert "<br>Done with help</li>" in page
        assert "You did this" not in page


def test_one_alone_has_a_plan_of_their_own_words(two: tuple[Browser, Browser]) -> None:
    amina, bilal = two
    amina.send("/roadmap/steps/A3", do="done_alone")
    assert bilal.send(LEAVE, MAKE).status_code == 303
    page = amina.text("/roadmap")
    assert "<h1>My plan</h1>" in page
    assert "Who does it:" not in page
    assert "<bdi>Amina</bdi>" not in page
    assert "You did this on your own." in page
    assert f'href="/en{MAKE}">The people in our plan</a>' in page
    assert "Who does this step?" not in amina.text("/roadmap/steps/M1")
    assert "Every step here is yours." in amina.text("/roadmap/look-back")
    assert "Our next steps" not in amina.text("/roadmap/print")
    page = amina.text(MAKE)
    assert "They have a code" in page
    assert "Leave this plan now" in page
    assert "Who does what?" not in page


def test_a_paper_of_a_home_names_all_and_a_private_one_nobody(two: tuple[Browser, Browser]) -> None:
    amina, _bilal = two
    amina.send("/roadmap/steps/M1", do="done_with_help")
    paper = amina.text("/roadmap/print")
    assert "<h1>Our next steps</h1>" in paper
    assert '<p class="name"><bdi>Amina</bdi> · <bdi>Bilal</bdi></p>' in paper
    assert "My next steps" not in paper
    assert "You did this with help." not in paper
    private = amina.text("/roadmap/print?private=yes")
    assert "<h1>My next steps</h1>" in private
    assert "Our next steps" not in private
    for name in ("Amina", "Bilal"):
        assert name not in private


# Services, on both engines.


def make_resident(name: str, goals: tuple[str, ...] = (), **answers: Any) -> int:
    with transaction() as session:
        resident = people.make_resident(
            session, secret_kind="pin", secret_hash=f"hash of {name}", nickname=None,
            pin_for_everything=False, language="en", now=now(),
        )  # fmt: skip
        if goals:
            given = {"q1": list(goals), "q2": ["smartphone"], "q3": "yes", **answers}
            session.add(
                Roadmap(resident_id=resident.id, answers=given, choices={}, made_at=now(), changed_at=now())
            )
        return resident.id


def join(by: int, number: int, name: str) -> None:
    with transaction() as session:
        resident = session.get_one(Resident, number)
        households.add(
            session, by=by, code=resident.code, proven=Facts(number, resident.secret_hash, False),
            name=name, may_wait=True, now=now(),
        )  # fmt: skip


def leave(number: int) -> int | None:
    with transaction() as session:
        return households.leave(session, resident_id=number, today=clock.today(), actor="resident", now=now())


@pytest.fixture
def home(both_engines: Flask) -> Iterator[tuple[int, int, int]]:
    """Amina, Bilal and Sara; only Bilal had another plan before (he wants to repair things)."""
    amina, bilal, sara = (
        make_resident("Amina", ("g02", "g04")),
        make_resident("Bilal", ("g12",)),
        make_resident("Sara"),
    )
    with transaction() as session:
        households.make(session, resident_id=amina, name="Amina", now=now())
    join(amina, bilal, "Bilal")
    join(amina, sara, "Sara")
    yield amina, bilal, sara


def plan_of(number: int) -> queries.Computed:
    with transaction() as session:
        roadmap = queries.roadmap_of_resident(session, number)
        assert roadmap is not None
        return queries.compute(roadmap, today=clock.today())


def give(number: int, *steps: str) -> None:
    with transaction() as session:
        roadmap = queries.roadmap_of_resident(session, number)
        assert roadmap is not None
        member = session.scalars(select(HouseholdMember).where(HouseholdMember.resident_id == number)).one()
        for step in steps:
            services.set_who(session, roadmap=roadmap, step_id=step, member_id=member.id, now=now())


def put(number: int, step: str, state: StepState) -> None:
    with transaction() as session:
        roadmap = queries.roadmap_of_resident(session, number)
        assert roadmap is not None
        services.set_step_state(
            session, roadmap=roadmap, step_id=step, state=state, actor="resident", now=now()
        )


@pytest.mark.parametrize("had_a_plan", [True, False])
def test_leaving_takes_the_steps_along(home: tuple[int, int, int], had_a_plan: bool) -> None:
    amina, leaver = home[0], home[1] if had_a_plan else home[2]
    ours = plan_of(amina)
    mine = [step.id for step in ours.plan.steps][:6]
    give(leaver, *mine)
    put(leaver, mine[0], StepState.DONE_WITH_HELP)
    put(leaver, mine[1], StepState.DOING)
    with transaction() as session:
        roadmap = queries.roadmap_of_resident(session, leaver)
        assert roadmap is not None
        services.pin_step(session, roadmap=roadmap, step_id=mine[5], actor="resident", now=now())
    assert leave(leaver) == 2
    own = plan_of(leaver)
    assert own.choices.states[mine[0]] is StepState.DONE_WITH_HELP
    assert own.choices.states[mine[1]] is StepState.DOING
    assert own.step_ids >= set(mine[1:])
    assert mine[5] in own.choices.pins
    assert ("g12" in own.answers.goals) is had_a_plan
    ours = plan_of(amina)
    assert set(ours.choices.states).isdisjoint(mine)
    assert set(mine) <= ours.step_ids
    assert ours.roadmap.choices["who"] == {}
    assert mine[5] not in ours.choices.pins
    # The days of these steps go along too.
    with transaction() as session:
        roadmap = session.get_one(Roadmap, own.roadmap.id)
        assert [moment.step for moment in queries.moments_of(session, roadmap)] == mine[:2]
        assert session.scalar(select(func.count()).select_from(history.StatusChange)) == 2


def test_leaving_takes_no_step_of_another_along(home: tuple[int, int, int]) -> None:
    amina, bilal, sara = home
    steps = [step.id for step in plan_of(amina).plan.steps]
    give(sara, steps[0])
    put(amina, steps[0], StepState.DOING)
    put(amina, steps[1], StepState.DONE_ALONE)
    assert leave(bilal) == 2
    ours, own = plan_of(amina), plan_of(bilal)
    assert ours.choices.states == {steps[0]: StepState.DOING, steps[1]: StepState.DONE_ALONE}
    assert list(ours.roadmap.choices["who"]) == [steps[0]]
    assert own.answers.goals == ("g12",)
    assert own.choices.states == {}


def test_who_takes_no_step_along_still_has_goals(home: tuple[int, int, int]) -> None:
    amina, _bilal, sara = home
    for number in (amina, sara):
        leave(number)
        own = plan_of(number)
        assert own.answers.goals == ("g02", "g04")
        assert set(own.roadmap.answers) <= {"q1", "q2", "q3"}
        assert own.choices.states == {}


def test_a_step_done_before_stays_done_and_is_not_pinned_again(home: tuple[int, int, int]) -> None:
    amina, bilal, sara = home
    with transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.resident_id == bilal)).one()
        for step in ("A3", "M1"):
            services.set_step_state(
                session, roadmap=own, step_id=step, state=StepState.CAN_SHOW, actor="resident", now=now()
            )
        ours = queries.roadmap_of_resident(session, amina)
        assert ours is not None
        for step in ("F1", "A3", "M1"):
            services.pin_step(session, roadmap=ours, step_id=step, actor="resident", now=now())
    give(bilal, "A3", "F1")
    put(amina, "A3", StepState.DOING)
    put(amina, "M1", StepState.NOT_FOR_ME)
    put(amina, "M2", StepState.DONE_ALONE)
    give(sara, "A3")
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, sara), now=now())
    leave(amina)
    leave(bilal)
    own_now = plan_of(bilal)
    assert own_now.choices.states == {
        "A3": StepState.CAN_SHOW, "M1": StepState.CAN_SHOW, "M2": StepState.DONE_ALONE
    }  # fmt: skip
    assert own_now.choices.pins == ("F1",)


def test_of_a_step_in_both_plans_what_they_said_later_counts_and_no_day_is_lost(
    home: tuple[int, int, int],
) -> None:
    _amina, bilal, _sara = home
    with transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.resident_id == bilal)).one()
        services.set_step_state(
            session, roadmap=own, step_id="A3", state=StepState.DONE_ALONE, actor="resident", now=now()
        )
    put(bilal, "A3", StepState.DOING)
    give(bilal, "A3")
    assert leave(bilal) == 2
    own_now = plan_of(bilal)
    assert own_now.choices.states == {"A3": StepState.DOING}
    assert [after for _step, after, _at in days_of(own_now.roadmap.id)] == ["done_alone", "doing"]


def test_every_open_step_comes_along_whatever_their_own_plan_says(home: tuple[int, int, int]) -> None:
    """Also a step their own answers call known, and one that waits behind another who does the goal for them."""
    amina, bilal, _sara = home
    with transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.resident_id == bilal)).one()
        own.answers = {
            **own.answers,
            **{f"q{number}": "alone" for number in range(5, 13)},
            "q4": ["not_wanted"],
        }
    steps = [step.id for step in plan_of(amina).plan.steps]
    give(bilal, *steps)
    leave(bilal)
    assert plan_of(bilal).step_ids >= set(steps)


LONG_AGO = timedelta(days=30)


def days_of(roadmap_id: int) -> list[tuple[str, str, Any]]:
    """All that is remembered of a plan's steps, oldest first."""
    with transaction() as session:
        changes = session.execute(
            select(StepProgress.step_id, history.StatusChange.after, history.StatusChange.at)
            .join(history.StatusChange, history.StatusChange.row_id == StepProgress.id)
            .where(StepProgress.roadmap_id == roadmap_id, history.StatusChange.roadmap_id == roadmap_id)
            .order_by(history.StatusChange.at, StepProgress.step_id)
        ).all()
        return [(step, after, at) for step, after, at in changes]


@pytest.fixture
def founder(both_engines: Flask) -> int:
    """Dadi has done A3, does M1 and does not want M2; she made a plan for the home of it later."""
    dadi, then = make_resident("Dadi", ("g02", "g04"), q5="not_yet", q7="alone"), now() - LONG_AGO
    with transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.resident_id == dadi)).one()
        own.made_at = then
        for step, state in (
            ("A3", StepState.DONE_WITH_HELP), ("M1", StepState.DOING), ("M2", StepState.NOT_FOR_ME)
        ):  # fmt: skip
            services.set_step_state(
                session, roadmap=own, step_id=step, state=state, actor="resident", now=then
            )
        services.pin_step(session, roadmap=own, step_id="F1", actor="resident", now=then)
    with transaction() as session:
        households.make(session, resident_id=dadi, name="Dadi", now=now())
    return dadi


def test_a_home_begins_as_a_copy_with_its_days_and_the_own_plan_waits_whole(founder: int) -> None:
    ours = plan_of(founder)
    with transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.resident_id == founder)).one()
        own_now = queries.compute(own, today=clock.today())
        member = session.scalars(select(HouseholdMember)).one()
    assert ours.roadmap.id != own_now.roadmap.id
    assert ours.roadmap.answers == own_now.roadmap.answers
    assert ours.roadmap.made_at == own_now.roadmap.made_at
    assert ours.choices.states == own_now.choices.states
    assert ours.choices.pins == own_now.choices.pins
    assert ours.roadmap.choices["who"] == {"A3": member.id, "M1": member.id}
    assert "who" not in own_now.roadmap.choices
    assert days_of(ours.roadmap.id) == days_of(own_now.roadmap.id)
    assert [step for step, _after, _at in days_of(ours.roadmap.id)] == ["A3", "M1", "M2"]


def test_the_founder_goes_with_their_own_history_and_answers(founder: int) -> None:
    bilal = make_resident("Bilal")
    join(founder, bilal, "Bilal")
    with transaction() as session:
        plan = queries.roadmap_of_resident(session, bilal)
        assert plan is not None
        services.give_answer(session, roadmap=plan, question="q7", value="not_yet", now=now())
        services.set_step_state(
            session, roadmap=plan, step_id="M1", state=StepState.DONE_ALONE, actor="resident",
            now=now(), by=bilal,
        )  # fmt: skip
        services.set_step_state(
            session, roadmap=plan, step_id="F1", state=StepState.DOING, actor="resident",
            now=now(), by=bilal,
        )  # fmt: skip
    assert leave(founder) == 1
    own, ours = plan_of(founder), plan_of(bilal)
    assert own.roadmap.answers["q5"] == "not_yet"
    assert own.roadmap.answers["q7"] == "alone"
    assert own.choices.states == {
        "A3": StepState.DONE_WITH_HELP, "M1": StepState.DONE_ALONE, "M2": StepState.NOT_FOR_ME
    }  # fmt: skip
    told = days_of(own.roadmap.id)
    assert [(step, after) for step, after, _at in told] == [
        ("A3", "done_with_help"), ("M1", "doing"), ("M2", "not_for_me"), ("M1", "done_alone")
    ]  # fmt: skip
    assert told[0][2] < now() - LONG_AGO / 2 < told[-1][2]
    assert ours.choices.states == {"F1": StepState.DOING, "M2": StepState.NOT_FOR_ME}
    assert ours.roadmap.answers["q7"] == "not_yet"
    assert [step for step, _after, _at in days_of(ours.roadmap.id)] == ["M2", "F1"]
    # Nothing is remembered of a row that is gone.
    with transaction() as session:
        rows = select(StepProgress.id)
        lost = select(func.count()).where(history.StatusChange.row_id.not_in(rows))
        assert session.scalar(lost) == 0


@pytest.mark.parametrize("others", [0, 1])
def test_the_founder_who_goes_last_has_everything_once(founder: int, others: int) -> None:
    for number in range(others):
        bilal = make_resident(str(number))
        join(founder, bilal, str(number))
        leave(bilal)
    before = plan_of(founder)
    told = days_of(before.roadmap.id)
    put(founder, "A3", StepState.CAN_SHOW)
    put(founder, "M2", StepState.NOT_STARTED)
    assert leave(founder) == 0
    own = plan_of(founder)
    assert own.answers.goals == before.answers.goals
    assert own.choices.states == {
        "A3": StepState.CAN_SHOW, "M1": StepState.DOING, "M2": StepState.NOT_STARTED
    }  # fmt: skip
    assert own.choices.pins == before.choices.pins
    assert "who" not in own.roadmap.choices
    assert days_of(own.roadmap.id)[:3] == told
    assert len(days_of(own.roadmap.id)) == 5
    assert count(Roadmap) == 1 + others
    assert count(StepProgress) == 3
    assert count(history.StatusChange) == 5
    assert count(Household) == 0


def test_who_presses_in_a_home_signs_where_no_name_stands(home: tuple[int, int, int]) -> None:
    amina, bilal, sara = home
    numbers = {}
    with transaction() as session:
        for member in session.scalars(select(HouseholdMember)):
            numbers[member.resident_id] = member.id
        plan = queries.roadmap_of_resident(session, amina)
        assert plan is not None
        for step, state, by in (
            ("A3", StepState.DOING, amina), ("A3", StepState.DONE_ALONE, bilal), ("M1", StepState.ALREADY_KNEW, sara),
            ("M2", StepState.NOT_FOR_ME, sara), ("F1", StepState.DONE_ALONE, None),
        ):  # fmt: skip
            services.set_step_state(
                session, roadmap=plan, step_id=step, state=state, actor="resident", now=now(), by=by
            )
        assert plan.choices["who"] == {"A3": numbers[amina], "M1": numbers[sara]}
    # A name that went is no name any more.
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, sara), now=now())
    with transaction() as session:
        plan = queries.roadmap_of_resident(session, bilal)
        assert plan is not None
        services.set_step_state(
            session,
            roadmap=plan,
            step_id="M1",
            state=StepState.CAN_SHOW,
            actor="resident",
            now=now(),
            by=bilal,
        )
        assert plan.choices["who"]["M1"] == numbers[bilal]


def test_the_last_one_keeps_all_and_what_waited_comes_back(home: tuple[int, int, int]) -> None:
    amina, bilal, sara = home
    with transaction() as session:
        own = session.scalars(select(Roadmap).where(Roadmap.resident_id == bilal)).one()
        services.set_step_state(
            session, roadmap=own, step_id="M1", state=StepState.DONE_ALONE, actor="resident", now=now()
        )
        services.pin_step(session, roadmap=own, step_id="M2", actor="resident", now=now())
        services.give_answer(session, roadmap=own, question="q7", value="alone", now=now())
    put(amina, "A3", StepState.DOING)
    give(amina, "A3")
    ours = plan_of(bilal)
    assert (leave(sara), leave(amina), leave(bilal)) == (2, 1, 0)
    own_now = plan_of(bilal)
    assert own_now.answers.goals == (*ours.answers.goals, "g12")
    assert own_now.choices.states["M1"] is StepState.DONE_ALONE
    assert own_now.choices.pins == ("M2",)
    assert own_now.roadmap.answers["q7"] == "alone"
    assert "who" not in own_now.roadmap.choices
    assert count(Household) == count(HouseholdMember) == 0
    assert count(Roadmap) == 3
    assert leave(bilal) is None


def test_whoever_goes_last_takes_the_plan_along(home: tuple[int, int, int]) -> None:
    amina, bilal, sara = home
    for number, left in ((amina, 2), (sara, 1), (bilal, 0)):
        with transaction() as session:
            people.delete_resident(session, resident=session.get_one(Resident, number), now=now())
        assert count(HouseholdMember) == left
        assert count(Household) == (1 if left else 0)
    assert count(Roadmap) == count(StepProgress) == count(history.StatusChange) == 0


def test_a_plan_lives_while_one_of_them_uses_it(home: tuple[int, int, int]) -> None:
    amina, bilal, sara = home
    later = now() + PLAN_IDLE - timedelta(days=1)
    with transaction() as session:
        session.get_one(Resident, sara).last_used_at = later
    with transaction() as session:
        assert people.delete_idle_residents(session, now=now() + PLAN_IDLE + timedelta(days=1)) == 2
    assert plan_of(sara).answers.goals == ("g02", "g04")
    with transaction() as session:
        assert people.delete_idle_residents(session, now=later + PLAN_IDLE + timedelta(days=1)) == 1
    assert count(Household) == count(Roadmap) == 0


def test_a_name_stands_nowhere_in_clear_and_is_gone_with_its_person(home: tuple[int, int, int]) -> None:
    def found(words: str) -> list[str]:
        with engine().connect() as connection:
            return [
                table.name
                for table in Base.metadata.sorted_tables
                if words in str(connection.execute(text(f"SELECT * FROM {table.name}")).all())
            ]

    canary = make_resident("Canary")
    join(home[0], canary, "Canary Yusuf")
    assert found("Canary Yusuf") == []
    with transaction() as session:
        sealed = session.execute(
            text("SELECT nickname FROM household_members WHERE resident_id = :id"), {"id": canary}
        ).scalar_one()
    assert found(sealed) == ["household_members"]
    with transaction() as session:
        people.delete_resident(session, resident=session.get_one(Resident, canary), now=now())
    assert found(sealed) == []


def test_every_change_is_a_row_of_the_record_with_numbers_only(home: tuple[int, int, int]) -> None:
    amina, bilal, _sara = home
    leave(bilal)
    with transaction() as session:
        rows = [
            (row.action, row.resident_id, row.actor_id)
            for row in session.scalars(select(audit.AuditRow).order_by(audit.AuditRow.id))
            if "household" in row.action
        ]
    assert rows == [
        ("make household", amina, amina),
        ("join household", bilal, amina),
        ("join household", home[2], amina),
        ("leave household", bilal, bilal),
    ]


def test_twelve_and_no_more(both_engines: Flask) -> None:
    first = make_resident("1", ("g01",))
    with transaction() as session:
        households.make(session, resident_id=first, name="1", now=now())
    for number in range(2, 13):
        join(first, make_resident(str(number)), str(number))
    with pytest.raises(RuleBroken, match="no room"):
        join(first, make_resident("13"), "13")
    assert count(HouseholdMember) == 12


def test_what_changed_while_a_secret_was_checked_counts(home: tuple[int, int, int]) -> None:
    amina, *_ = home
    outside = make_resident("Chen")
    with transaction() as session:
        code = session.get_one(Resident, outside).code
    for proven in (Facts(outside, "another hash", False), Facts(outside + 1, "hash of Chen", False)):
        with transaction() as session, pytest.raises(RuleBroken, match="changed already"):
            households.add(session, by=amina, code=code, proven=proven, name="Chen", may_wait=True, now=now())
    leave(amina)
    with pytest.raises(RuleBroken, match="changed already"):
        join(amina, outside, "Chen")


def all_at_once(app: Flask, *work: Callable[[], object]) -> list[object]:
    """Run these at the same time; what each gives or raises."""
    ready, results = threading.Barrier(len(work)), [None] * len(work)

    def run(number: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                results[number] = work[number]()  # type: ignore[call-overload]
            except RuleBroken as broken:
                results[number] = broken.message  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


def test_two_add_the_same_person_at_once_and_one_is_told(
    home: tuple[int, int, int], both_engines: Flask
) -> None:
    amina, bilal, sara = home
    for name in ("Chen", "Dora", "Ewa"):
        outside = make_resident(name)
        results = all_at_once(
            both_engines,
            partial(join, amina, outside, f"{name} 1"),
            partial(join, bilal, outside, f"{name} 2"),
        )
        assert sorted(map(str, results)) == ["None", households.HERE_ALREADY]
    assert count(HouseholdMember) == 6


def test_all_leave_at_once_and_no_home_is_left_behind(
    home: tuple[int, int, int], both_engines: Flask
) -> None:
    results = all_at_once(both_engines, *(partial(leave, number) for number in home))
    assert sorted(map(str, results)) == ["0", "1", "2"]
    assert count(Household) == count(HouseholdMember) == 0
    assert count(Roadmap) == 3
    for number in home:
        plan_of(number)


def test_one_leaves_twice_at_once(home: tuple[int, int, int], both_engines: Flask) -> None:
    results = all_at_once(both_engines, lambda: leave(home[1]), lambda: leave(home[1]))
    assert sorted(map(str, results)) == ["2", "None"]


def test_a_change_that_waited_for_a_leaving_goes_into_the_own_plan(
    home: tuple[int, int, int], both_engines: Flask
) -> None:
    """Two screens of one person: one leaves, the other adds a goal. It never lands in the plan they have left."""
    amina, bilal, _sara = home

    def add_goal() -> None:
        with transaction() as session:
            people.hold(session, residents=(bilal,))
            roadmap = queries.roadmap_of_resident(session, bilal)
            assert roadmap is not None
            services.add_goal(session, roadmap=roadmap, goal_id="g14", now=now())

    for _ in range(3):
        all_at_once(both_engines, lambda: leave(bilal), add_goal)
        ours, own = plan_of(amina).answers.goals, plan_of(bilal).answers.goals
        assert ("g14" in ours) != ("g14" in own)
        if "g14" in ours:
            return


def test_two_members_change_one_plan_at_once_and_both_survive(
    service_on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.roadmaps.test_together import at_once, prepared

    amina, bilal = Browser(service_on_both), Browser(service_on_both)
    at_home(amina)
    code = saved(bilal)
    assert amina.send(ADD, name="Bilal", code=code, pin="6283", may_wait="y").status_code == 303
    sends = [
        prepared(person, f"/roadmap/steps/{step}", f"/roadmap/steps/{step}", do="pin")
        for person, step in ((amina, "C1"), (bilal, "C2"))
    ]
    at_once(monkeypatch, *sends)
    with service_on_both.app_context(), transaction() as session:
        plan = session.scalars(select(Roadmap).where(Roadmap.household_id.is_not(None))).one()
        assert sorted(plan.choices["pins"]) == ["C1", "C2"]


# What two plans say, as one. Pure.


def test_of_two_plans_nothing_is_lost() -> None:
    first: dict[str, Any] = {
        "q1": ["g02"],
        "q2": ["tablet"],
        "q5": "skipped",
        "q6": "skipped",
        "skipped": ["q5", "q6"],
        "days": {"g02": "2027-01-02"},
        "first": {"q5": "not_yet"},
    }
    second = {"q1": ["g03", "g02"], "q2": [], "q5": "alone", "q6": "skipped", "q10": "alone", "q11": "alone",
              "checks_who_wrote_it": True, "skipped": ["q6"], "days": {"g02": "2028-01-01", "g03": "2027-05-06"},
              "helped": True, "first": {"q5": "with_help", "q10": "alone"}}  # fmt: skip
    assert merging.answers_of_both(first, second) == {
        "q1": ["g02", "g03"], "q2": ["tablet"], "q5": "alone", "q6": "skipped", "q10": "alone", "q11": "alone",
        "checks_who_wrote_it": True, "pays_online": False, "helped": True, "skipped": ["q6"],
        "days": {"g02": "2027-01-02", "g03": "2027-05-06"}, "first": {"q5": "not_yet", "q10": "alone"},
    }  # fmt: skip
    one = {"pins": ["A1", "A2"], "extras": [["g02", "H2"]], "modes": {"g02": "together"}, "free_minutes": 30}
    other = {"pins": ["A2", "A3", "A4"], "extras": [["g02", "H2"], ["g02", "S5"]], "modes": {"g02": "me", "g03": "for_me"},
             "drop_dependants": ["T7"], "use_library": True, "free_minutes": 60}  # fmt: skip
    assert merging.choices_of_both(one, other) == {
        "pins": ["A1", "A2", "A3"], "extras": [["g02", "H2"], ["g02", "S5"]],
        "modes": {"g02": "together", "g03": "for_me"}, "drop_dependants": ["T7"], "use_library": True, "free_minutes": 30,
    }  # fmt: skip


@pytest.mark.parametrize("state", list(StepState))
def test_what_was_reached_is_never_taken_back(state: StepState) -> None:
    assert merging.further(state, StepState.NOT_STARTED) is state
    assert merging.further(StepState.CAN_SHOW, state) is StepState.CAN_SHOW
