"""Views that somebody keeps of their caseload: filters under a name, theirs alone, twenty at most."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from inclusion_app.core.db import transaction
from inclusion_app.referrals.models import SavedView
from tests.conftest import StaffBrowser
from tests.factories.referrals import make_view

Make = Callable[..., StaffBrowser]
PAGE = "/staff/caseload"


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def views(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), transaction() as session:
        return [(one.name, one.filters) for one in session.scalars(select(SavedView).order_by(SavedView.id))]


def number_of(app: Flask, staff: StaffBrowser, **facts: str) -> int:
    with app.app_context(), transaction() as session:
        return make_view(session, organisation_id=staff.organisation_id, staff_id=staff.staff_id, **facts).id


def test_a_view_is_kept_and_opened(app: Flask, worker: StaffBrowser) -> None:
    chosen = f"{PAGE}?waiting=us&due=late&whose=mine&q=Amina&language=xx"
    answer = worker.send(chosen, name="  Late   this week ")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?due=late&waiting=us")
    assert views(app) == [("Late this week", "due=late&waiting=us")]
    page = worker.text(PAGE)
    found = re.search(r'href="(/staff/caseload/views/\d+)"><bdi>Late this week', page)
    assert found and "The view is kept." in page
    opened = worker.get(found[1])
    assert (opened.status_code, opened.location) == (303, f"{PAGE}?due=late&waiting=us")
    assert 'aria-current="true"><bdi>Late this week' in worker.text(f"{PAGE}?due=late&waiting=us")


def test_the_form_sent_twice_keeps_one(app: Flask, worker: StaffBrowser) -> None:
    for _press in range(2):
        assert worker.send(PAGE, name="All", once="once-typed-here").status_code == 303
    assert len(views(app)) == 1


def test_what_is_refused_says_so_at_its_field(app: Flask, worker: StaffBrowser) -> None:
    number_of(app, worker, name="Late")
    for name, said in (
        ("", "Give the view a name."),
        ("x" * 41, "This is too long."),
        ("Late", "You have a view of this name."),
    ):
        answer = worker.send(f"{PAGE}?due=today", form_on=PAGE, name=name)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422 and said in text and 'href="#name"' in text, name
        assert f'value="{name}"' in text and 'action="/staff/caseload?due=today"' in text
    for number in range(19):
        number_of(app, worker, name=f"V{number}")
    answer = worker.send(PAGE, name="One more")
    assert answer.status_code == 422 and "You keep 20 views." in answer.get_data(as_text=True)
    assert len(views(app)) == 20


def test_it_gets_another_name_and_goes(app: Flask, worker: StaffBrowser) -> None:
    number, other = number_of(app, worker, name="Late"), number_of(app, worker, name="Other")
    page = f"{PAGE}/views/{number}/change"
    assert 'value="Late"' in worker.text(page)
    assert worker.send(page, name="Other").status_code == 422
    assert worker.send(page, name="Late").status_code == 303
    assert worker.send(page, name="Much too late").status_code == 303
    assert views(app)[0] == ("Much too late", "due=late")
    assert worker.send(page, do="delete").status_code == 303
    assert [name for name, _filters in views(app)] == ["Other"]
    assert worker.get(page).status_code == 404 and worker.get(f"{PAGE}/views/{other}").status_code == 303


def test_a_view_of_somebody_else_answers_like_an_unknown_one(
    app: Flask, staff_browser: Make, worker: StaffBrowser
) -> None:
    colleague = staff_browser("caseworker")
    number = number_of(app, colleague)
    for wrong in (number, 999_999):
        for page in (f"{PAGE}/views/{wrong}", f"{PAGE}/views/{wrong}/change"):
            assert worker.get(page).status_code == 404
        assert worker.send(f"{PAGE}/views/{wrong}/change", form_on=PAGE, do="delete").status_code == 404
    assert len(views(app)) == 1
    assert staff_browser("organisation_admin").get(f"{PAGE}/views/{number}").status_code == 403


def test_what_stands_in_an_old_view_and_nobody_knows_is_left_out(app: Flask, worker: StaffBrowser) -> None:
    number = number_of(app, worker, filters="whose=999999&due=late&name=Amina&ward=E99999999")
    assert worker.get(f"{PAGE}/views/{number}").location == f"{PAGE}?due=late"
