"""From the invitation to the account: once, in time, for whoever holds the link; and what each dead link says."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app.accounts import passwords, services
from inclusion_app.accounts.models import Invitation, Membership, Organisation, Staff
from inclusion_app.accounts.queries import roles_of, staff_by_email
from inclusion_app.core import events
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted
from inclusion_app.core.staff_sessions import StaffSession
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff

GOOD = "seven green kettles sing"
NEW = {"name": "Nia Ferris", "password": GOOD, "password_again": GOOD}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MessageWanted]]:
    """The messages asked for."""
    found: list[MessageWanted] = []
    monkeypatch.setitem(events._handlers, MessageWanted, [lambda _session, event: found.append(event)])
    yield found


def invited(
    app: Flask, email: str = "nia@example.org", roles: tuple[str, ...] = ("caseworker",), **more: Any
) -> str:
    """An open invitation to Red Door; its token."""
    with app.app_context(), transaction() as session:
        home = session.scalar(select(Organisation).where(Organisation.name == "Red Door"))
        home = home or make_organisation(session, name="Red Door")
        return services.invite(
            session, organisation_id=home.id, email=email, roles=roles, actor=None, link_for=str,
            **{"now": now(), **more},
        )  # fmt: skip


def accept(app: Flask, token: str, **data: str) -> Any:
    return StaffBrowser(app).send(f"/staff/invitation/{token}", **{**NEW, **data})


def test_the_page_says_who_invites_to_what_and_changes_nothing(app: Flask) -> None:
    token = invited(app, roles=("caseworker", "front_desk"))
    page = StaffBrowser(app).text(f"/staff/invitation/{token}")
    assert "Red Door invites you" in page
    assert "Caseworker" in page and "Cannot search." in page
    assert "nia@example.org" not in page
    with app.app_context(), reading() as session:
        assert session.scalar(select(Invitation.used_at)) is None


def test_accepting_makes_one_account_that_is_half_way_signed_in(app: Flask) -> None:
    token = invited(app, email="Nia@Example.org")
    person = StaffBrowser(app)
    answer = person.send(f"/staff/invitation/{token}", **NEW)
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in/set-up")
    # The second factor is missing: no page of the staff opens yet.
    assert person.get("/staff").status_code == 303
    with app.app_context(), reading() as session:
        staff = staff_by_email(session, "nia@example.ORG ")
        assert staff is not None and staff.name == "Nia Ferris"
        assert passwords.check_password(staff.password_hash, GOOD)
        assert set(*roles_of(session, staff_id=staff.id).values()) == {"caseworker"}
        row = session.scalars(select(StaffSession)).one()
        assert (row.stage, row.staff_id) == ("password", staff.id)
        assert session.scalars(select(Invitation)).one().staff_id == staff.id
        acts = session.scalars(select(AuditRow).where(AuditRow.action == "accept invitation")).all()
        assert [(act.actor_id, act.organisation_id) for act in acts] == [(staff.id, row.organisation_id)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": " \u200b "}, "Type your name."),
        ({"name": "x" * 81}, "This name is too long."),
        ({"password": "short", "password_again": "short"}, "Use at least 12"),
        ({"password_again": "another one entirely"}, "The two passwords are not the same."),
        ({"password": "password1234", "password_again": "password1234"}, "Many people use this password"),
        ({"password": "Ferris-Door-12", "password_again": "Ferris-Door-12"}, "mostly a name"),
        ({"password": "a" * 201, "password_again": "a" * 201}, "at most 200"),
    ],
)
def test_what_cannot_be_right_is_said_at_its_field_and_the_link_stays_open(
    app: Flask, data: dict[str, str], words: str
) -> None:
    token = invited(app)
    answer = accept(app, token, **data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert GOOD not in page
    assert accept(app, token).status_code == 303


def test_a_null_byte_in_the_address_the_name_or_the_password_is_no_error_of_ours(app: Flask) -> None:
    token = invited(app)
    assert StaffBrowser(app).get("/staff/invitation/a%00b").status_code == 404
    assert (
        accept(app, token, name="Ni\0a", password=GOOD + "\0", password_again=GOOD + "\0").status_code == 303
    )
    with app.app_context(), reading() as session:
        assert session.scalars(select(Staff.name)).all() == ["Nia"]


def dead_links(app: Flask) -> dict[str, str]:
    used = invited(app)
    assert accept(app, used).status_code == 303
    old = invited(app, email="old@example.org", now=now() - timedelta(days=7, seconds=1))
    gone = invited(app, email="gone@example.org")
    with app.app_context(), transaction() as session:
        session.execute(update(Invitation).where(Invitation.id == 3).values(revoked_at=now()))
    return {"used": used, "expired": old, "revoked": gone, "unknown": "nothing-of-ours"}


def without_token(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def test_each_dead_link_says_what_to_do_and_nothing_of_people(app: Flask) -> None:
    links = dead_links(app)
    seen = {}
    for why, token in links.items():
        answer = StaffBrowser(app).get(f"/staff/invitation/{token}")
        seen[why] = (answer.status_code, without_token(answer.get_data(as_text=True)))
        for word in ("example.org", "Nia", "Red Door", token):
            assert word not in seen[why][1], why
        assert "new one" in seen[why][1] or "newer" in seen[why][1]
    assert seen["used"] == seen["unknown"]
    assert {why: status for why, (status, _) in seen.items()} == {
        "used": 404, "unknown": 404, "expired": 410, "revoked": 410
    }  # fmt: skip


def test_a_form_that_was_open_when_the_link_died_makes_nothing(app: Flask) -> None:
    token = invited(app)
    person = StaffBrowser(app)
    found = re.search(r'name="csrf_token" value="([^"]+)"', person.text(f"/staff/invitation/{token}"))
    assert found
    with app.app_context(), transaction() as session:
        session.execute(update(Invitation).values(revoked_at=now()))
    sent = person.client.post(f"/staff/invitation/{token}", data={**NEW, "csrf_token": found[1]})
    assert sent.status_code == 410
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count(Staff.id))) == 0


def test_an_invitation_of_a_closed_organisation_opens_nothing(app: Flask) -> None:
    token = invited(app)
    with app.app_context(), transaction() as session:
        session.execute(update(Organisation).values(closed_at=now()))
    assert StaffBrowser(app).get(f"/staff/invitation/{token}").status_code == 410


def test_who_has_an_account_keeps_the_password_gains_the_role_and_signs_in(app: Flask) -> None:
    assert accept(app, invited(app)).status_code == 303
    with app.app_context(), reading() as session:
        before = session.scalars(select(Staff.password_hash)).one()
    token = invited(app, roles=("referrer",))
    person = StaffBrowser(app)
    page = person.text(f"/staff/invitation/{token}")
    assert "You have an account here already." in page
    assert 'type="password"' not in page
    answer = person.send(f"/staff/invitation/{token}", **{**NEW, "password": "a stranger's own words"})
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in")
    assert person.client.get_cookie("staff") is None or person.get("/staff").status_code == 303
    with app.app_context(), reading() as session:
        staff = session.scalars(select(Staff)).one()
        assert staff.password_hash == before
        assert set(*roles_of(session, staff_id=staff.id).values()) == {"caseworker", "referrer"}
        # New roles end every sign-in, also the half one of the first day.
        assert session.scalar(select(func.count(StaffSession.id))) == 0


def test_too_many_tries_from_one_network_wait(app: Flask) -> None:
    token = invited(app)
    for _ in range(30):
        answer = accept(app, token, password="password1234", password_again="password1234")  # noqa: S106
        assert "Many people" in answer.get_data(as_text=True)
    answer = accept(app, token)
    assert answer.status_code == 422
    assert "too many tries" in answer.get_data(as_text=True)


def test_an_invitation_is_told_by_e_mail_and_a_newer_one_ends_the_older(
    app: Flask, told: list[MessageWanted]
) -> None:
    first, second = invited(app), invited(app)
    assert [(one.template, one.email, one.params["link"], one.params["days"]) for one in told] == [
        ("staff_invitation", "nia@example.org", first, "7"),
        ("staff_invitation", "nia@example.org", second, "7"),
    ]
    assert len({one.key for one in told}) == 2
    assert StaffBrowser(app).get(f"/staff/invitation/{first}").status_code == 410
    assert StaffBrowser(app).get(f"/staff/invitation/{second}").status_code == 200


@pytest.mark.parametrize(
    ("email", "roles", "field"),
    [
        ("nobody", ("caseworker",), "email"),
        ("a@b", ("caseworker",), "email"),
        ("x" * 250 + "@example.org", ("caseworker",), "email"),
        ("a\0b@example.org", ("caseworker",), "email"),
        ("ann@example.org", (), "roles"),
        ("ann@example.org", ("king",), "roles"),
    ],
)
def test_what_no_invitation_can_be(app: Flask, email: str, roles: tuple[str, ...], field: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        invited(app, email=email, roles=roles)
    assert broken.value.field == field


def test_who_has_the_roles_already_is_not_invited(app: Flask) -> None:
    assert accept(app, invited(app)).status_code == 303
    with pytest.raises(RuleBroken) as broken:
        invited(app)
    assert broken.value.message == services.HAS_THEM


def test_an_invitation_is_deleted_thirty_days_after_its_end(app: Flask) -> None:
    invited(app, now=now() - timedelta(days=37, seconds=1))
    invited(app, email="b@example.org", now=now() - timedelta(days=36))
    with app.app_context(), transaction() as session:
        assert services.delete_old_invitations(session, now=now()) == 1
        assert session.scalars(select(Invitation.id)).all() == [2]


def at_once(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """Each in a thread of its own, begun together; a broken rule is an answer too."""
    start, answers = threading.Barrier(len(works)), []

    def run(work: Callable[[], Any]) -> None:
        with app.app_context():
            start.wait(10)
            try:
                answers.append(work())
            except RuleBroken as broken:
                answers.append(broken.message)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def use(token: str, moment: datetime, name: str) -> services.Accepted:
    with transaction() as session:
        return services.accept_invitation(
            session, token=token, name=name, password_hash=f"hash of {name}", now=moment
        )


@pytest.mark.parametrize("_again", range(3))
def test_of_two_who_accept_at_once_one_has_the_account(service_on_both: Flask, _again: int) -> None:
    app = service_on_both
    token, moment = invited(app), now()
    answers = at_once(app, *[lambda n=n: use(token, moment, f"N{n}") for n in range(6)])
    won = [answer for answer in answers if isinstance(answer, services.Accepted)]
    assert len(won) == 1 and won[0].is_new
    assert [answer for answer in answers if isinstance(answer, str)] == [services.NOT_OPEN] * 5
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count(Staff.id))) == 1
        assert session.scalar(select(func.count(Membership.id))) == 1


def test_of_two_invitations_accepted_at_once_one_chooses_the_password(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        other = make_organisation(session, name="Elm Row").id
        second = services.invite(
            session, organisation_id=other, email="nia@example.org", roles=["referrer"], actor=None, link_for=str, now=now()
        )  # fmt: skip
    tokens, moment = (invited(app), second), now()
    answers = at_once(app, *[lambda t=t: use(t, moment, t) for t in tokens])
    # The one whose password was not taken is not signed in by it.
    assert sorted(answer.is_new for answer in answers) == [False, True]
    with app.app_context(), reading() as session:
        staff = session.scalars(select(Staff)).one()
        assert staff.password_hash == f"hash of {staff.name}"
        assert len(roles_of(session, staff_id=staff.id)) == 2


def test_who_had_left_comes_back_by_a_new_invitation(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        home = make_organisation(session, name="Red Door")
        make_staff(
            session, organisation_id=home.id, email="nia@example.org", left_at=now(), password_hash="kept"
        )
    assert accept(app, invited(app)).location == "/staff/sign-in"
    with app.app_context(), reading() as session:
        staff = session.scalars(select(Staff)).one()
        assert (staff.left_at, staff.password_hash) == (None, "kept")


@pytest.mark.parametrize("is_known", [False, True])
def test_whoever_was_signed_in_at_this_screen_is_not_any_more(
    app: Flask, staff_browser: Callable[..., StaffBrowser], is_known: bool
) -> None:
    here = staff_browser("caseworker", organisation="Elm Row")
    if is_known:
        assert accept(app, invited(app)).status_code == 303
    old = here.client.get_cookie("staff")
    assert old and here.get("/staff").status_code == 200
    token = invited(app, roles=("referrer",))
    assert here.send(f"/staff/invitation/{token}", **NEW).status_code == 303
    here.client.set_cookie("staff", old.value)
    assert here.get("/staff").status_code == 303


def test_somebody_who_accepts_at_their_own_open_screen_signs_in_anew(
    app: Flask, staff_browser: Callable[..., StaffBrowser]
) -> None:
    here = staff_browser("caseworker", email="nia@example.org", password_hash="kept", organisation="Elm Row")  # noqa: S106
    token = invited(app, roles=("referrer",))
    assert here.send(f"/staff/invitation/{token}").location == "/staff/sign-in"
    assert here.get("/staff").status_code == 303
    with app.app_context(), reading() as session:
        assert len(roles_of(session, staff_id=here.staff_id)) == 2
