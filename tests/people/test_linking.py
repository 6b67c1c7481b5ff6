"""Two records that are one person: two members of staff, no chains, nothing lost, and a way back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people import merge_services, services
from inclusion_app.people.models import Merge, Resident
from tests.conftest import Browser, StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_person
from tests.people.world import NAME, code_of, looked_after, rows_of

Make = Callable[..., StaffBrowser]


@pytest.fixture
def two(app: Flask) -> Iterator[tuple[Session, Principal, Principal]]:
    """A session and two caseworkers of one organisation."""
    with app.app_context(), transaction() as session:
        yield (session, *caseworkers(session))


def caseworkers(session: Session) -> tuple[Principal, Principal]:
    where = make_organisation(session).id
    first, second = (
        Principal(
            "staff", staff_id=make_staff(session, organisation_id=where).id, organisation_id=where,
            roles=frozenset({"caseworker"}),
        )
        for _ in range(2)
    )  # fmt: skip
    return first, second


def test_asked_by_one_agreed_by_another_and_undone(two: tuple[Session, Principal, Principal]) -> None:
    session, one, other = two
    kept, gone = make_person(session), make_person(session)
    moment = now()
    merge = merge_services.ask_merge(session, actor=one, kept_id=kept.id, code=gone.code, now=moment)
    with pytest.raises(RuleBroken):
        merge_services.agree_merge(session, actor=one, merge=merge, now=moment)
    assert session.get_one(Resident, gone.id, populate_existing=True).merged_into_id is None
    merge_services.agree_merge(session, actor=other, merge=merge, now=moment)
    assert session.get_one(Resident, gone.id, populate_existing=True).merged_into_id == kept.id
    with pytest.raises(RuleBroken):
        merge_services.refuse_merge(session, actor=other, merge=merge, now=moment)
    late = moment + timedelta(days=91)
    with pytest.raises(RuleBroken):
        merge_services.undo_merge(session, actor=one, merge=merge, now=late)
    merge_services.undo_merge(session, actor=one, merge=merge, now=moment + timedelta(days=89))
    assert session.get_one(Resident, gone.id, populate_existing=True).merged_into_id is None
    with pytest.raises(RuleBroken):
        merge_services.undo_merge(session, actor=one, merge=merge, now=moment)


def test_what_cannot_be_linked_is_refused_in_one_sentence(two: tuple[Session, Principal, Principal]) -> None:
    session, one, other = two
    kept, gone, third, hidden = (make_person(session, is_restricted=n == 3) for n in range(4))
    ask = {"actor": one, "now": now()}
    done = merge_services.ask_merge(session, kept_id=kept.id, code=gone.code, **ask)
    refused = {
        "unknown": (third.id, "22222222"),
        "itself": (third.id, third.code),
        "restricted": (third.id, hidden.code),
        "from restricted": (hidden.id, third.code),
        "asked already": (third.id, gone.code),
    }
    messages = set()
    for kept_id, code in refused.values():
        with pytest.raises(RuleBroken) as broken:
            merge_services.ask_merge(session, kept_id=kept_id, code=code, **ask)
        messages.add((broken.value.message, broken.value.field))
    merge_services.agree_merge(session, actor=other, merge=done, now=now())
    chains = {
        "linked already": (third.id, gone.code),
        "has one": (third.id, kept.code),
        "into": (gone.id, third.code),
    }
    for kept_id, code in chains.values():
        with pytest.raises(RuleBroken) as broken:
            merge_services.ask_merge(session, kept_id=kept_id, code=code, **ask)
        messages.add((broken.value.message, broken.value.field))
    assert len(messages) == 1


def test_who_becomes_restricted_meanwhile_is_not_linked(two: tuple[Session, Principal, Principal]) -> None:
    session, one, other = two
    kept, gone = make_person(session), make_person(session)
    merge = merge_services.ask_merge(session, actor=one, kept_id=kept.id, code=gone.code, now=now())
    kept.is_restricted = True
    session.flush()
    with pytest.raises(RuleBroken):
        merge_services.agree_merge(session, actor=other, merge=merge, now=now())


def test_the_database_itself_wants_two_people(two: tuple[Session, Principal, Principal]) -> None:
    session, one, _other = two
    kept, gone = make_person(session), make_person(session)
    with session.begin_nested() as inner:
        session.add(
            Merge(
                kept_id=kept.id, gone_id=gone.id, organisation_id=one.organisation_id, asked_by_id=one.staff_id,
                asked_at=now(), agreed_by_id=one.staff_id, agreed_at=now(),
            )
        )  # fmt: skip
        with pytest.raises(IntegrityError):
            session.flush()
        inner.rollback()


def test_two_links_agreed_at_once_never_make_a_chain(both_engines: Flask) -> None:
    """A into B and B into C, each agreed in a thread of its own: only one may win."""
    for _turn in range(8):
        with transaction() as session:
            one, other = caseworkers(session)
            a, b, c = (make_person(session) for _ in range(3))
            merges = [
                merge_services.ask_merge(session, actor=one, kept_id=b.id, code=a.code, now=now()).id,
            ]
            # The second is written past the service, which would refuse it while the first waits.
            late = Merge(
                kept_id=c.id, gone_id=b.id, organisation_id=one.organisation_id, asked_by_id=one.staff_id,
                asked_at=now(),
            )  # fmt: skip
            session.add(late)
            session.flush()
            merges.append(late.id)
            people = [a.id, b.id]
        start = threading.Barrier(2)
        won: list[int] = []

        def agree(
            number: int, who: Principal = other, start: threading.Barrier = start, won: list[int] = won
        ) -> None:
            with both_engines.app_context():
                start.wait()
                try:
                    with transaction() as session:
                        merge = session.get_one(Merge, number)
                        merge_services.agree_merge(session, actor=who, merge=merge, now=now())
                    won.append(number)
                except RuleBroken:
                    pass

        threads = [threading.Thread(target=agree, args=(number,)) for number in merges]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        with transaction() as session:
            linked = [session.get_one(Resident, number).merged_into_id is not None for number in people]
            assert linked.count(True) == 1


# The pages


@pytest.fixture
def staff(staff_browser: Make) -> tuple[StaffBrowser, StaffBrowser]:
    return staff_browser("caseworker", name="Asker"), staff_browser("caseworker", name="Second")


def test_the_pages_from_asking_to_undoing(
    staff: tuple[StaffBrowser, StaffBrowser], app: Flask, another_browser: Callable[..., Browser]
) -> None:
    asker, second = staff
    kept, gone = looked_after(app, asker), looked_after(app, asker, name="Amina Y")
    code = code_of(app, gone)
    assert asker.send(f"/staff/people/{kept}/link", code=code).status_code == 422  # without permission
    assert asker.send(f"/staff/people/{kept}/link", code="", permission="y").status_code == 422
    assert asker.send(f"/staff/people/{kept}/link", code=code, permission="y").status_code == 303
    assert "Somebody asks to link two records" in second.text("/staff")
    assert "Somebody asks to link two records" not in asker.text("/staff")
    page = second.text("/staff/people/links")
    assert "Asker" in page and "Amina" not in page and ">Agree<" in page
    assert ">Agree<" not in asker.text("/staff/people/links")
    with app.app_context(), transaction() as session:
        merge = session.query(Merge).one().id
    decide = f"/staff/people/links/{merge}"
    assert asker.send(decide, "/staff/people/links", do="agree").status_code == 422
    assert second.send(decide, "/staff/people/links", do="nothing").status_code == 400
    assert second.send(decide, "/staff/people/links", do="agree").status_code == 303
    page = asker.text(f"/staff/people/{kept}")
    assert f'href="/staff/people/{gone}"' in page and NAME in page
    assert f'href="/staff/people/{kept}"' in asker.text(f"/staff/people/{gone}")
    # Found once, by the record that stays; the code of the other still opens its own plan.
    assert "Amina Y<" not in asker.text("/staff/people")
    for number in (kept, gone):
        assert another_browser().send("/come-back", code=code_of(app, number), pin="4071").status_code == 303
        assert "link" in [row[0] for row in rows_of(app, number)]
    assert asker.send(decide, "/staff/people/links", do="undo").status_code == 303
    assert "Amina Y<" in asker.text("/staff/people")


def test_a_record_somebody_may_not_see_is_named_by_nothing(
    staff: tuple[StaffBrowser, StaffBrowser], app: Flask
) -> None:
    asker, second = staff
    kept, gone = looked_after(app, asker), looked_after(app, None, name="Somebody Secret")
    asker.send(f"/staff/people/{kept}/link", code=code_of(app, gone), permission="y")
    with app.app_context(), transaction() as session:
        merge = session.query(Merge).one().id
    second.send(f"/staff/people/links/{merge}", "/staff/people/links", do="agree")
    page = asker.text(f"/staff/people/{kept}")
    assert (
        "It is not shared with you." in page and f"/staff/people/{gone}" not in page and "Secret" not in page
    )


def test_other_organisations_and_roles_see_no_links(
    staff: tuple[StaffBrowser, StaffBrowser], staff_browser: Make, app: Flask
) -> None:
    asker, _second = staff
    kept, gone = looked_after(app, asker), looked_after(app, asker)
    asker.send(f"/staff/people/{kept}/link", code=code_of(app, gone), permission="y")
    with app.app_context(), transaction() as session:
        merge = session.query(Merge).one().id
    stranger = staff_browser("caseworker", organisation="Blue Door")
    assert "Nothing waits here." in stranger.text("/staff/people/links")
    answers = [stranger.send(f"/staff/people/links/{n}", "/staff/people", do="agree") for n in (merge, 4242)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert staff_browser("front_desk").get("/staff/people/links").status_code == 403


def test_too_many_codes_lock_the_door(staff: tuple[StaffBrowser, StaffBrowser], app: Flask) -> None:
    asker, _second = staff
    kept = looked_after(app, asker)
    from inclusion_app.core.codes import new_code

    said = [
        asker.send(f"/staff/people/{kept}/link", code=new_code(), permission="y").get_data(as_text=True)
        for _ in range(31)
    ]
    assert "cannot be linked" in said[0] and "Too many codes were tried" in said[-1]


def test_deleting_the_record_that_stays_frees_the_other(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        one, other = caseworkers(session)
        kept, gone = make_person(session), make_person(session)
        merge = merge_services.ask_merge(session, actor=one, kept_id=kept.id, code=gone.code, now=now())
        merge_services.agree_merge(session, actor=other, merge=merge, now=now())
        services.delete_resident(session, resident=kept, now=now())
        assert session.get_one(Resident, gone.id, populate_existing=True).merged_into_id is None
        assert session.query(Merge).count() == 0
