"""An organisation's own people: invite, roles, leaving, the file, the log; and what reaches nobody else's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from inclusion_app.accounts import services
from inclusion_app.accounts.models import Invitation, Membership, Organisation, Staff
from inclusion_app.accounts.queries import roles_of
from inclusion_app.core import audit
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading, transaction
from inclusion_app.core.staff_sessions import StaffSession
from tests.accounts.test_invitations import at_once
from tests.conftest import Browser, StaffBrowser
from tests.factories.accounts import make_organisation, make_staff

Make = Callable[..., StaffBrowser]
PEOPLE = "/staff/organisations/{}/people/{}"


@pytest.fixture
def admin(staff_browser: Make) -> StaffBrowser:
    """The admin of Red Door."""
    return staff_browser("organisation_admin", name="Olwen Achebe", email="olwen@example.org")


@pytest.fixture
def worker(staff_browser: Make, admin: StaffBrowser) -> StaffBrowser:
    """A caseworker of Red Door."""
    return staff_browser("caseworker", name="Casey Mahmood", email="casey@example.org")


def roles(app: Flask, staff_id: int) -> set[str]:
    with app.app_context(), reading() as session:
        return {role for held in roles_of(session, staff_id=staff_id).values() for role in held}


def acts(app: Flask, action: str) -> list[AuditRow]:
    with app.app_context(), reading() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id)))


def test_an_admin_sees_the_people_and_open_invitations_of_their_organisation(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, staff_browser: Make
) -> None:
    staff_browser("caseworker", organisation="Elm Row", name="Zadie Stranger")
    with app.app_context(), transaction() as session:
        for email, ago in (("soon@example.org", 6), ("late@example.org", 8)):
            services.invite(
                session, organisation_id=admin.organisation_id, email=email, roles=["referrer"], actor=None, link_for=str,
                now=now() - timedelta(days=ago),
            )  # fmt: skip
    page = admin.text("/staff/organisation")
    assert page == page.replace("Zadie", "")
    for words in (
        "Casey Mahmood",
        "casey@example.org",
        "not set yet",
        "1 day",
        "too old",
        "soon@example.org",
    ):
        assert words in page, words
    assert len(acts(app, "read accounts.own_organisation")) == 1
    assert "1 invitation ends within two days and is not answered." in admin.text("/staff")
    assert "invitation" not in worker.text("/staff")


@pytest.mark.parametrize(
    "role",
    ["caseworker", "loan_coordinator", "front_desk", "referrer", "safeguarding_lead", "data_protection", "insights_viewer"],
)  # fmt: skip
def test_no_other_role_opens_these_pages(
    app: Flask, admin: StaffBrowser, staff_browser: Make, role: str
) -> None:
    person = staff_browser(role)
    one = f"/staff/organisations/{admin.organisation_id}"
    for path in (
        "/staff/organisation", "/staff/organisation/reads", "/staff/organisations", "/staff/organisations/new", "/staff/record",
        one, one + "/invite", one + "/staff.csv", f"{one}/people/{admin.staff_id}",
    ):  # fmt: skip
        assert person.get(path).status_code == 403, path
    assert "Your organisation" not in person.text("/staff")


def test_a_stranger_is_sent_to_sign_in(browser: Browser) -> None:
    for path in ("/staff/organisation", "/staff/organisations/1", "/staff/record", "/staff/act-for"):
        assert browser.client.get(path).status_code == 303, path


def plain(answer: Any) -> tuple[int, str]:
    page = answer.get_data(as_text=True)
    return answer.status_code, re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def test_another_organisations_number_answers_as_one_that_nobody_has(
    app: Flask, admin: StaffBrowser, staff_browser: Make
) -> None:
    other = staff_browser("organisation_admin", organisation="Elm Row")
    with app.app_context(), transaction() as session:
        services.invite(
            session, organisation_id=other.organisation_id, email="n@example.org", roles=["referrer"], actor=None,
            link_for=str, now=now(),
        )  # fmt: skip
    theirs, nobody = other.organisation_id, 987654
    pages = ["", "/invite", "/staff.csv", f"/people/{other.staff_id}", f"/people/{admin.staff_id}"]
    for rest in pages:
        seen = [plain(admin.get(f"/staff/organisations/{number}{rest}")) for number in (theirs, nobody)]
        assert seen[0] == seen[1], rest
        assert seen[0][0] == 404
    person, invitation = f"/people/{other.staff_id}", "/invitations/1"
    posts = ["/invite", person, person + "/end", invitation + "/again", invitation + "/take-back"]
    for rest in posts:
        data = {"email": "x@example.org", "roles": ["referrer"]}
        seen = [
            plain(admin.send(f"/staff/organisations/{number}{rest}", form_on="/staff/act-for", **data))
            for number in (theirs, nobody)
        ]
        assert seen[0] == seen[1] and seen[0][0] == 404, rest
    # Nor does their person or invitation answer under the own organisation's number.
    for rest in posts[1:]:
        path = f"/staff/organisations/{admin.organisation_id}{rest}"
        assert admin.send(path, form_on="/staff/act-for", roles=["referrer"]).status_code == 404, path
    assert roles(app, other.staff_id) == {"organisation_admin"}
    with app.app_context(), reading() as session:
        assert session.scalars(select(Invitation)).one().revoked_at is None


def test_an_admin_invites_sends_again_and_takes_back(app: Flask, admin: StaffBrowser) -> None:
    one = f"/staff/organisations/{admin.organisation_id}"
    answer = admin.send(one + "/invite", email=" New@example.org", roles=["caseworker", "front_desk"])
    assert (answer.status_code, answer.location) == (303, "/staff/organisation")
    page = admin.text("/staff/organisation")
    assert "on its way" in page and "New@example.org" in page and "Caseworker, Front desk" in page
    assert admin.send(f"{one}/invitations/1/again", form_on="/staff/organisation").status_code == 303
    assert admin.send(f"{one}/invitations/1/again", form_on="/staff/organisation").status_code == 404
    assert admin.send(f"{one}/invitations/2/take-back", form_on="/staff/organisation").status_code == 303
    assert "No invitation is open." in admin.text("/staff/organisation")
    with app.app_context(), reading() as session:
        rows = session.scalars(select(Invitation).order_by(Invitation.id)).all()
        assert [(row.roles, row.revoked_at is None, row.invited_by_id) for row in rows] == [
            ("caseworker front_desk", False, admin.staff_id)
        ] * 2
    assert [row.items for row in acts(app, "invite staff")] == [
        "invitation-1 caseworker front_desk", "invitation-2 caseworker front_desk"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"email": "nobody", "roles": ["caseworker"]}, "Type an e-mail address"),
        ({"email": "n@example.org"}, "Choose at least one role."),
        ({"email": "n@example.org", "roles": ["platform_admin"]}, "Choose from the list"),
        ({"email": "n@example.org", "roles": ["data_protection", "caseworker"]}, "Choose from the list"),
        ({"email": "casey@example.org", "roles": ["caseworker"]}, "has these roles already"),
    ],
)
def test_an_invitation_that_cannot_be_keeps_what_was_typed(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, data: dict[str, Any], words: str
) -> None:
    path = f"/staff/organisations/{admin.organisation_id}/invite"
    answer = admin.send(path, **data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page and f'value="{data["email"]}"' in page and "<title>Error:" in page
    assert "Platform admin" not in page
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count(Invitation.id))) == 0


def test_new_roles_end_every_sign_in_of_the_person(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser
) -> None:
    path = PEOPLE.format(admin.organisation_id, worker.staff_id)
    assert admin.send(path, roles=["caseworker"]).status_code == 303
    assert worker.get("/staff").status_code == 200, "nothing changed, so nobody is signed out"
    assert admin.send(path, roles=["caseworker", "referrer"]).status_code == 303
    assert worker.get("/staff").status_code == 303
    assert admin.send(path, roles=["front_desk"]).status_code == 303
    assert roles(app, worker.staff_id) == {"front_desk"}
    assert [row.items for row in acts(app, "change roles")] == [
        f"staff-{worker.staff_id} +referrer", f"staff-{worker.staff_id} +front_desk -caseworker -referrer"
    ]  # fmt: skip
    with app.app_context(), reading() as session:
        ended = session.scalars(select(Membership.role).where(Membership.until_at.is_not(None)))
        assert sorted(ended) == ["caseworker", "referrer"]


def test_no_role_at_all_is_not_a_change_of_roles(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser
) -> None:
    answer = admin.send(PEOPLE.format(admin.organisation_id, worker.staff_id))
    assert answer.status_code == 422
    assert "Choose at least one role." in answer.get_data(as_text=True)
    assert roles(app, worker.staff_id) == {"caseworker"}


def test_a_city_wide_role_is_neither_given_nor_taken_by_an_admin(
    app: Flask, admin: StaffBrowser, staff_browser: Make
) -> None:
    both = staff_browser("caseworker", "insights_viewer")
    path = PEOPLE.format(admin.organisation_id, both.staff_id)
    assert admin.send(path, roles=["caseworker", "platform_admin"]).status_code == 422
    assert admin.send(path, roles=["front_desk"]).status_code == 303
    assert roles(app, both.staff_id) == {"front_desk", "insights_viewer"}
    answer = admin.send(path + "/end", form_on=path)
    assert answer.status_code == 422
    assert "Only a platform admin" in answer.get_data(as_text=True)
    platform = staff_browser("platform_admin", organisation="City")
    assert platform.send(path, roles=["front_desk"]).status_code == 303
    assert roles(app, both.staff_id) == {"front_desk"}


def test_leaving_ends_all_sign_ins_at_once_and_the_account(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser
) -> None:
    path = PEOPLE.format(admin.organisation_id, worker.staff_id)
    assert worker.get("/staff").status_code == 200
    assert admin.send(path + "/end", form_on=path).status_code == 303
    assert worker.get("/staff").status_code == 303
    assert admin.get(path).status_code == 404
    with app.app_context(), reading() as session:
        assert session.get_one(Staff, worker.staff_id).left_at is not None
        assert session.scalar(select(func.count()).where(StaffSession.staff_id == worker.staff_id)) == 0
    assert [row.items for row in acts(app, "end staff")] == [f"staff-{worker.staff_id} caseworker"]


def test_who_leaves_one_of_two_organisations_still_works_for_the_other(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, staff_browser: Make
) -> None:
    other = staff_browser("organisation_admin", organisation="Elm Row")
    with app.app_context(), transaction() as session:
        session.add(
            Membership(staff_id=worker.staff_id, organisation_id=other.organisation_id, role="referrer", since_at=now())
        )  # fmt: skip
    path = PEOPLE.format(admin.organisation_id, worker.staff_id)
    assert admin.send(path + "/end", form_on=path).status_code == 303
    assert worker.get("/staff").status_code == 303
    assert roles(app, worker.staff_id) == {"referrer"}
    with app.app_context(), reading() as session:
        assert session.get_one(Staff, worker.staff_id).left_at is None


def test_an_admin_ends_the_sign_ins_of_a_colleague_who_keeps_the_roles(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, staff_browser: Make
) -> None:
    page = PEOPLE.format(admin.organisation_id, worker.staff_id)
    stranger = staff_browser("organisation_admin", organisation="Elm Row")
    assert stranger.send(f"{page}/end-sign-ins", form_on="/staff/organisation").status_code == 404
    assert worker.get("/staff").status_code == 200
    assert admin.send(f"{page}/end-sign-ins", form_on=page).status_code == 303
    assert worker.get("/staff").status_code == 303
    assert roles(app, worker.staff_id) == {"caseworker"}
    assert [row.items for row in acts(app, "end sign-ins")] == [f"staff-{worker.staff_id}"]


def test_no_open_invitation_is_a_way_back_for_who_left(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, staff_browser: Make
) -> None:
    second = staff_browser("organisation_admin", email="second@example.org")
    second.send(
        f"/staff/organisations/{admin.organisation_id}/invite", email="own@example.org", roles="caseworker"
    )
    for email, role in (("casey@example.org", "referrer"), ("else@example.org", "caseworker")):
        admin.send(f"/staff/organisations/{admin.organisation_id}/invite", email=email, roles=role)
    for gone in (worker, second):
        page = PEOPLE.format(gone.organisation_id, gone.staff_id)
        assert admin.send(f"{page}/end", form_on=page).status_code == 303
    with app.app_context(), reading() as session:
        open_ones = session.scalars(select(Invitation).where(Invitation.revoked_at.is_(None)))
        assert [row.email for row in open_ones] == ["else@example.org"]
    assert len(acts(app, "take back invitation")) == 2


def test_no_open_invitation_brings_back_a_role_that_was_taken(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, staff_browser: Make
) -> None:
    second = staff_browser("organisation_admin", email="second@example.org")
    invite = f"/staff/organisations/{admin.organisation_id}/invite"
    second.send(invite, email="own@example.org", roles="organisation_admin")
    for email, role in (("second@example.org", "front_desk"), ("casey@example.org", "referrer")):
        admin.send(invite, email=email, roles=role)
    page = PEOPLE.format(admin.organisation_id, second.staff_id)
    assert admin.send(page, roles=["caseworker"]).status_code == 303
    with app.app_context(), reading() as session:
        open_ones = session.scalars(select(Invitation).where(Invitation.revoked_at.is_(None)))
        assert [row.email for row in open_ones] == ["casey@example.org"]
    assert len(acts(app, "take back invitation")) == 2
    # Who only gains something, or never could invite, ends no invitation of others.
    assert admin.send(page, roles=["caseworker", "referrer"]).status_code == 303
    assert len(acts(app, "take back invitation")) == 2


def test_the_last_admin_can_neither_leave_nor_stop_being_one(app: Flask, admin: StaffBrowser) -> None:
    path = PEOPLE.format(admin.organisation_id, admin.staff_id)
    for rest, data in (("/end", {}), ("", {"roles": ["caseworker"]})):
        answer = admin.send(path + rest, form_on=path, **data)
        assert answer.status_code == 422
        assert "only organisation admin here" in answer.get_data(as_text=True)
    assert roles(app, admin.staff_id) == {"organisation_admin"}
    assert admin.get("/staff").status_code == 200


def test_the_last_platform_admin_stays(app: Flask, staff_browser: Make) -> None:
    first = staff_browser("platform_admin", "insights_viewer", organisation="City")
    path = PEOPLE.format(first.organisation_id, first.staff_id)
    assert first.send(path, roles=["insights_viewer"]).status_code == 422
    staff_browser("platform_admin", organisation="Elm Row")
    with app.app_context(), transaction() as session:
        session.execute(update(Organisation).where(Organisation.name == "Elm Row").values(closed_at=now()))
    assert first.send(path, roles=["insights_viewer"]).status_code == 422, (
        "the other one's organisation is closed"
    )
    with app.app_context(), transaction() as session:
        session.execute(update(Organisation).values(closed_at=None))
    assert first.send(path, roles=["insights_viewer"]).status_code == 303


@pytest.mark.parametrize("role", ["organisation_admin", "platform_admin"])
@pytest.mark.parametrize("_again", range(3))
def test_the_last_two_admins_cannot_take_each_other_away_at_once(
    service_on_both: Flask, role: str, _again: int
) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        home = make_organisation(session).id
        # Platform admins sit in organisations of their own.
        homes = [home, home if role == "organisation_admin" else make_organisation(session).id]
        pair = [make_staff(session, organisation_id=number, roles=(role,)).id for number in homes]

    def remove(of: int) -> str:
        actor = Principal(
            "staff", staff_id=pair[1 - of], organisation_id=homes[1 - of], roles=frozenset({role, "platform_admin"})
        )  # fmt: skip
        with transaction() as session:
            services.leave(session, staff_id=pair[of], organisation_id=homes[of], actor=actor, now=now())
        return "gone"

    answers = at_once(app, lambda: remove(0), lambda: remove(1))
    assert sorted(answers) == sorted(["gone", services.LAST[role]])
    with app.app_context(), reading() as session:
        live = select(func.count()).where(Membership.role == role, Membership.until_at.is_(None))
        assert session.scalar(live) == 1


def test_the_staff_list_is_one_file_with_one_row_in_the_record_and_no_formula(
    app: Flask, admin: StaffBrowser, staff_browser: Make
) -> None:
    staff_browser("caseworker", name="=HYPERLINK(1)", email="=x@example.org")
    answer = admin.get(f"/staff/organisations/{admin.organisation_id}/staff.csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="staff.csv"'
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    assert [row[0] for row in rows] == ["Name", "'=HYPERLINK(1)", "Olwen Achebe"]
    assert rows[1][1] == "'=x@example.org"
    assert rows[2][2:] == ["Organisation admin", now().date().isoformat(), "no"]
    assert [row.items for row in acts(app, "read accounts.staff_list")] == ["staff-list"]


def test_a_platform_admin_has_no_staff_file_of_others(admin: StaffBrowser, staff_browser: Make) -> None:
    platform = staff_browser("platform_admin", organisation="City")
    assert platform.get(f"/staff/organisations/{admin.organisation_id}/staff.csv").status_code == 403


def test_the_read_log_shows_own_acts_by_page_and_person_and_no_resident(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser, staff_browser: Make
) -> None:
    other = staff_browser("caseworker", organisation="Elm Row", name="Zadie Stranger")
    with app.app_context(), transaction() as session:
        for number, who in enumerate([worker] * 21 + [other] * 2):
            audit.record(
                session, at=now(), actor_kind="caseworker", actor_id=who.staff_id, organisation_id=who.organisation_id,
                action="read people.somebody", purpose="help", resident_id=770000 + number, items=("needs",),
            )  # fmt: skip
    page = admin.text("/staff/organisation/reads")
    assert page.count("<tr>") == 21
    assert "Opened a page" in page and "Casey Mahmood" in page
    assert "Zadie" not in page and "7700" not in page and "needs" not in page
    assert "page=2" in page
    # The first look at the log stands in it too.
    second = admin.text("/staff/organisation/reads?page=2")
    assert second.count("<tr>") == 3 and "Page before" in second
    mine = admin.text(f"/staff/organisation/reads?person={admin.staff_id}")
    assert "Looked at this log" in mine and "Opened a page" not in mine
    theirs = admin.text(f"/staff/organisation/reads?person={other.staff_id}")
    assert "Nothing stands here." in theirs and "Zadie" not in theirs
    for odd in ("page=0", "page=-1", "page=99999999999999999999", "person=x", "page=²", "person=1%2C2"):
        assert admin.get(f"/staff/organisation/reads?{odd}").status_code == 200, odd


def test_a_platform_admin_makes_opens_and_closes_organisations(
    app: Flask, admin: StaffBrowser, staff_browser: Make
) -> None:
    platform = staff_browser("platform_admin", organisation="City")
    answer = platform.send("/staff/organisations/new", name="  Elm \u202eRow ", kind="library")
    with app.app_context(), reading() as session:
        made = session.scalars(select(Organisation).where(Organisation.name == "Elm Row")).one()
    assert answer.location == f"/staff/organisations/{made.id}/invite"
    for data, words in (
        ({"name": "Elm Row", "kind": "library"}, "of this name already"),
        ({"name": "", "kind": "library"}, "Type the name"),
        ({"name": "x" * 101, "kind": "library"}, "too long"),
        ({"name": "New", "kind": "castle"}, "Choose from the list"),
        ({"name": "New"}, "Choose what kind"),
    ):
        refused = platform.send("/staff/organisations/new", **data)
        assert refused.status_code == 422 and words in refused.get_data(as_text=True), words
    page = platform.text("/staff/organisations")
    assert "Red Door" in page and "Elm Row" in page
    home = f"/staff/organisations/{admin.organisation_id}"
    assert "Olwen Achebe" in platform.text(home)
    assert platform.send(home + "/caseload", form_on=home, shares="y").status_code == 303
    with app.app_context(), reading() as session:
        assert session.get_one(Organisation, admin.organisation_id).shares_caseload
    assert platform.send(home + "/close", form_on=home).status_code == 303
    assert admin.get("/staff").status_code == 303, "nobody works for it any more"
    assert platform.get(home).status_code == 200
    assert platform.get(home + "/invite").status_code == 404
    assert platform.send(home + "/close", form_on="/staff/act-for").status_code == 422
    own = f"/staff/organisations/{platform.organisation_id}"
    assert platform.send(own + "/close", form_on=own).status_code == 422
    assert len(acts(app, "close organisation")) == 1


def test_an_admin_runs_no_organisation(app: Flask, admin: StaffBrowser) -> None:
    home = f"/staff/organisations/{admin.organisation_id}"
    assert admin.send(home + "/close", form_on="/staff/act-for").status_code == 403
    assert "Close this organisation" not in admin.text("/staff/organisation")


def test_an_admin_shares_the_caseload_of_their_own_organisation_alone(
    app: Flask, admin: StaffBrowser, staff_browser: Make
) -> None:
    def shares(number: int) -> bool:
        with app.app_context(), reading() as session:
            return session.get_one(Organisation, number).shares_caseload

    other = staff_browser("caseworker", organisation="Blue Door").organisation_id
    own, page = f"/staff/organisations/{admin.organisation_id}/caseload", "/staff/organisation"
    assert "All caseworkers here see everybody" in admin.text(page)
    for given, after in (({"shares": "y"}, True), ({"shares": "y"}, True), ({}, False)):
        answer = admin.send(own, form_on=page, **given)
        assert (answer.status_code, answer.location) == (303, page)
        assert shares(admin.organisation_id) is after
    assert len(acts(app, "share caseload")) == len(acts(app, "unshare caseload")) == 1
    foreign = f"/staff/organisations/{other}/caseload"
    assert admin.send(foreign, form_on=page, shares="y").status_code == 404 and not shares(other)
    assert staff_browser("caseworker").send(own, form_on="/staff/act-for", shares="y").status_code == 403


def test_the_record_is_checked_and_a_changed_row_is_named(app: Flask, staff_browser: Make) -> None:
    platform = staff_browser("platform_admin", organisation="City")
    assert platform.send("/staff/record").status_code == 200
    with app.app_context():
        with reading() as session:
            assert not [f for f in audit.verify(session) if f.chain >= 0]
            audit.append_heads(session, app.extensions["settings"].instance / "audit-heads")
        assert "Every row is as it was written." in platform.send("/staff/record").get_data(as_text=True)
        with transaction() as session:
            session.execute(update(AuditRow).where(AuditRow.seq == 1).values(purpose="other"))
    page = platform.send("/staff/record").get_data(as_text=True)
    assert "chain 0, row 1: changed" in page and "1 place is not as it was written." in page
    assert len(acts(app, "verify record")) == 3


def test_somebody_of_two_organisations_chooses_whom_to_act_for(
    app: Flask, admin: StaffBrowser, staff_browser: Make
) -> None:
    other = staff_browser("caseworker", organisation="Elm Row", name="Zadie Stranger")
    assert "Act for another organisation" not in admin.text("/staff")
    assert "You work for one organisation only." in admin.text("/staff/act-for")
    with app.app_context(), transaction() as session:
        session.add(
            Membership(staff_id=admin.staff_id, organisation_id=other.organisation_id, role="referrer", since_at=now())
        )  # fmt: skip
    assert "Act for another organisation" in admin.text("/staff")
    before = admin.client.get_cookie("staff")
    answer = admin.send("/staff/act-for", organisation=str(other.organisation_id))
    assert (answer.status_code, answer.location) == (303, "/staff")
    after = admin.client.get_cookie("staff")
    assert before and after and before.value != after.value
    assert "Olwen Achebe, for Elm Row" in admin.text("/staff")
    assert admin.get("/staff/organisation").status_code == 403, "there they are no admin"
    assert admin.get(f"/staff/organisations/{admin.organisation_id}").status_code == 403
    with app.app_context(), transaction() as session:
        third = make_organisation(session).id
    for wrong in (str(third), "987654", "x", ""):
        assert admin.send("/staff/act-for", organisation=wrong).status_code == 422, wrong
    admin.client.set_cookie("staff", before.value)
    assert admin.get("/staff").status_code == 303, "the cookie of before opens nothing"


def test_a_form_from_another_website_changes_nothing(
    app: Flask, admin: StaffBrowser, worker: StaffBrowser
) -> None:
    path = PEOPLE.format(admin.organisation_id, worker.staff_id)
    token = re.search(r'name="csrf_token" value="([^"]+)"', admin.text(path))
    assert token
    data = {"csrf_token": token[1]}
    cross = admin.client.post(path + "/end", data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 400
    assert admin.client.post(path + "/end").status_code == 400
    assert roles(app, worker.staff_id) == {"caseworker"}


def test_the_page_asks_the_same_number_of_questions_for_many_people(app: Flask, admin: StaffBrowser) -> None:
    asked: list[str] = []

    def count() -> int:
        asked.clear()
        assert admin.get("/staff/organisation").status_code == 200
        return len(asked)

    event.listen(app.extensions["engine"], "before_cursor_execute", lambda *facts: asked.append(facts[2]))
    few = count()
    with app.app_context(), transaction() as session:
        for number in range(15):
            make_staff(session, organisation_id=admin.organisation_id, roles=("caseworker", "referrer"))
            services.invite(
                session, organisation_id=admin.organisation_id, email=f"p{number}@example.net", roles=["referrer"],
                actor=None, link_for=str, now=now(),
            )  # fmt: skip
    assert count() == few


def test_of_several_roles_the_record_names_the_one_that_gave_the_right(
    app: Flask, staff_browser: Callable[..., StaffBrowser], worker: StaffBrowser
) -> None:
    both = staff_browser("caseworker", "organisation_admin", "platform_admin")
    path = PEOPLE.format(both.organisation_id, worker.staff_id)
    assert both.send(path, roles=["referrer"]).status_code == 303
    assert both.send("/staff/record").status_code == 200
    with app.app_context(), transaction() as session:
        found = session.execute(
            select(AuditRow.action, AuditRow.actor_kind).where(AuditRow.actor_id == both.staff_id)
        )
        acts = {row.action: row.actor_kind for row in found}
    assert acts["change roles"] == "organisation_admin"
    assert acts["verify record"] == "platform_admin"
