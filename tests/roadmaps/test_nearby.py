"""Places for the steps of a plan: said once, the best two, and an anonymous count where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from itertools import product

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session, transaction
from inclusion_app.places.models import Ward
from inclusion_app.places.queries import Where, area_code, find_where, near_candidates
from inclusion_app.places.rules import KINDS
from inclusion_app.places.services import load_city_pack
from inclusion_app.roadmaps import nearby, services, views
from inclusion_app.roadmaps.models import OfferGap
from inclusion_app.roadmaps.rules import Offer
from tests.conftest import Browser

FALLOWFIELD = Where(53.4436, -2.2147, "M14 5")


def where_i_am(browser: Browser, near: str = "M14 5RQ") -> None:
    assert browser.send("/places", near=near, **{"for": "plan"}).status_code == 303


def gaps(app: Flask) -> list[tuple[str, str, str, int]]:
    with app.app_context(), transaction() as session:
        return [(row.step_id, row.month, row.area, row.times) for row in session.query(OfferGap)]


def lose_all_places(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        session.execute(text("DELETE FROM places"))


def test_a_place_of_several_steps_is_said_once_with_their_numbers(browser: Browser) -> None:
    browser.make_plan()
    where_i_am(browser)
    page = browser.text("/roadmap")
    assert page.count('id="places"') == 1
    for slug in re.findall(r"/en/places/([\w-]+)", page):
        assert page.count(f"/en/places/{slug}") == 1
    assert "For steps 1 and 2" in page
    assert "Nearest: Library" in page
    assert "Until then, use a free computer at " in page


def test_a_place_of_one_step_stays_on_its_card(browser: Browser) -> None:
    browser.make_plan(("g12",))
    where_i_am(browser)
    page = browser.text("/roadmap")
    card = page[page.index("Visit a repair cafe or FabLab</a></h3>") :]
    assert "Nearest for this step: " in card[: card.index("</form>")]


def test_the_rule_of_offers_is_asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = nearby.best_offers

    def furthest(offers: list[Offer], *, today: date, most: int) -> tuple[Offer, ...]:
        return tuple(sorted(real(offers, today=today, most=99), key=lambda offer: -(offer.metres or 0)))[
            :most
        ]

    with app.test_request_context("/en/"):
        nearest = [near.found.metres or 0 for near in nearby.places_for(["F1"], FALLOWFIELD)["F1"]]
        monkeypatch.setattr(nearby, "best_offers", furthest)
        others = [near.found.metres or 0 for near in nearby.places_for(["F1"], FALLOWFIELD)["F1"]]
    assert nearest == sorted(nearest)
    assert len(nearest) == 2
    assert min(others) > min(nearest)
    assert others != nearest


def test_the_kind_a_step_needs_comes_before_what_is_near(app: Flask) -> None:
    with app.test_request_context("/en/"):
        found = nearby.places_for(["M1", "A4"], FALLOWFIELD)
        measured = near_candidates(db_session(), where=FALLOWFIELD, kinds=["repair_cafe", "library"])
        ids = [near.place.id for near in found["M1"]]
        assert ids[0] == measured["repair_cafe"][0][1]
        assert measured["library"][0] < measured["repair_cafe"][0]
        assert found["A4"] == []
        assert nearby.said_once(found).gaps == ()


@time_machine.travel("2026-11-24 10:00", tick=False)
def test_a_gap_is_counted_once_for_a_visit_and_step(
    browser: Browser, another_browser: Callable[..., Browser], app: Flask
) -> None:
    browser.make_plan()
    browser.text("/roadmap")
    assert gaps(app) == []  # where the person is, nobody said
    where_i_am(browser)
    browser.text("/roadmap")
    assert gaps(app) == []  # there are places
    lose_all_places(app)
    for _ in range(2):
        assert browser.text("/roadmap").count("Ask at any library.") == 2
    with app.app_context(), transaction() as session:
        found = find_where(session, "M14 5RQ")
        assert isinstance(found, Where)
        ward = session.get_one(Ward, found.ward_id).code
    assert sorted(gaps(app)) == [("A3", "2026-11", ward, 1), ("F1", "2026-11", ward, 1)]
    other = another_browser()
    other.make_plan()
    where_i_am(other)
    other.text("/roadmap")
    assert {row[3] for row in gaps(app)} == {2}
    browser.send("/finish")
    with app.app_context(), transaction() as session:
        assert (
            session.execute(text("SELECT count(*) FROM visits WHERE gaps_counted IS NOT NULL")).scalar() == 1
        )


def test_a_step_that_needs_no_place_is_no_gap_and_names_its_line(browser: Browser, app: Flask) -> None:
    browser.make_plan(("g08",))
    where_i_am(browser)
    lose_all_places(app)
    page = browser.text("/roadmap")
    card = page[page.index("Ask for help with your energy bill</a></h3>") :]
    card = card[: card.index("</form>")]
    assert "Ask at any library." not in card
    assert "0800 023 2692" in card
    assert "E1" not in {row[0] for row in gaps(app)}


def test_a_plan_does_not_wait_for_a_figure(
    browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("x", {}, Exception("locked"))

    browser.make_plan()
    where_i_am(browser)
    lose_all_places(app)
    monkeypatch.setattr(views.services, "count_gaps", fail)
    assert browser.get("/roadmap").status_code == 200
    assert gaps(app) == []


def test_counts_add_up_on_both_engines(service_on_both: Flask) -> None:
    people = [Browser(service_on_both) for _ in range(2)]
    for person in people:
        person.make_plan()
    with service_on_both.app_context(), transaction() as session:
        load_city_pack(session, now=now())
    with service_on_both.app_context():
        with transaction() as session:
            visits = [row.id for row in session.execute(text("SELECT id FROM visits"))]
        for visit in (*visits, *visits, 0):
            with transaction() as session:
                services.count_gaps(
                    session, visit_id=visit, steps=("F1", "A3"), area="x", today=date(2026, 11, 24)
                )
        with transaction() as session:
            assert area_code(session, FALLOWFIELD) == "Manchester"
    assert sorted(gaps(service_on_both)) == [("A3", "2026-11", "x", 2), ("F1", "2026-11", "x", 2)]


BY_KIND = {
    "library": [(100.0, 1), (200.0, 2), (900.0, 3)],
    "jobcentre": [(5000.0, 4), (6000.0, 5)],
    "wifi": [(150.0, 6), (100.0, 1)],
}


@pytest.mark.parametrize(
    ("groups", "picked"),
    [
        ((), []),
        ((("library",),), [1, 2]),
        # One of each group, not two of the first one far away.
        ((("jobcentre",), ("library",)), [4, 1]),
        # Kinds that fit equally: the nearest wins, and a place of two kinds is taken once.
        ((("library", "wifi"),), [1, 6]),
        ((("wifi",), ("library",)), [1, 2]),
        # A group nobody has is passed over.
        ((("fablab",), ("jobcentre",)), [4, 5]),
        ((("fablab",),), []),
        ((("jobcentre",), ("jobcentre",), ("library",)), [4, 5]),
    ],
)
def test_the_nearest_of_each_group_in_turn(groups: tuple[tuple[str, ...], ...], picked: list[int]) -> None:
    assert nearby.pick_places("F1", groups, BY_KIND) == picked


def test_never_more_than_asked_and_never_twice() -> None:
    for first, second, most in product(KINDS, KINDS, (0, 1, 2, 3)):
        found = nearby.pick_places("F1", ((first,), (second,)), BY_KIND, most)
        assert len(found) == len(set(found)) <= most
