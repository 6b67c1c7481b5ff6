"""The work page of a caseworker: whom it lists, what is due, what it never tells; and the view for a phone outdoors."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON, now, today
from inclusion_app.core.db import transaction
from inclusion_app.people.models import CaseloadEntry, Consent, ContactRoute, Resident, Restriction
from inclusion_app.referrals import policy
from inclusion_app.referrals import staff_caseload_queries as queries
from inclusion_app.referrals.models import CaseTask, Referral
from inclusion_app.referrals.staff_caseload_rules import OTHERS, US, Filters
from tests.conftest import StaffBrowser
from tests.factories import loans
from tests.factories.accounts import make_organisation
from tests.factories.referrals import bring_to, make_flag, make_referral, make_service, make_task
from tests.factories.training import make_booking, make_session
from tests.people.world import code_of, looked_after, rows_of

Make = Callable[..., StaffBrowser]
PAGE = "/staff/caseload"


@pytest.fixture
def worker(staff_browser: Make) -> StaffBrowser:
    return staff_browser("caseworker")


def task_of(app: Flask, staff: StaffBrowser, resident_id: int | None, days: int = 0, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        facts = {"owner_id": staff.staff_id, **facts}
        due = today() + timedelta(days=days)
        return make_task(
            session, organisation_id=staff.organisation_id, resident_id=resident_id, due_on=due, **facts
        ).id


def sent_by(app: Flask, staff: StaffBrowser, resident_id: int, *actions: str, **facts: Any) -> int:
    """Sent to another organisation, which did these."""
    with app.app_context(), transaction() as session:
        there = make_organisation(session).id
        service = make_service(session, organisation_id=there, **facts)
        sent = make_referral(
            session, resident_id=resident_id, service=service, sender_id=staff.organisation_id, staff_id=staff.staff_id
        )  # fmt: skip
        return bring_to(session, sent, *actions).id


def received_by(app: Flask, staff: StaffBrowser, resident_id: int, *actions: str, **facts: Any) -> int:
    with app.app_context(), transaction() as session:
        sender = make_organisation(session).id
        service = make_service(session, organisation_id=staff.organisation_id)
        sent = make_referral(session, resident_id=resident_id, service=service, sender_id=sender)
        found = bring_to(session, sent, *actions)
        for name, value in facts.items():
            setattr(found, name, value)
        return found.id


def names_on(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/staff/people/\d+/case"><bdi>([^<]+)', text)


def test_whoever_has_the_soonest_thing_stands_first(app: Flask, worker: StaffBrowser) -> None:
    for name, days in (("Later", 5), ("Late", -3), ("Today", 0), ("Nothing", None)):
        number = looked_after(app, worker, name=name)
        if days is not None:
            task_of(app, worker, number, days, words=f"Words of {name}")
    before = len(rows_of(app))
    page = worker.text(PAGE)
    assert names_on(page) == ["Late", "Today", "Later", "Nothing"]
    assert "Words of Today" in page and "1 late" in page and "Nothing is due" in page
    rows = rows_of(app)[before:]
    assert rows == [("read referrals.caseload", worker.staff_id, None, "identity tasks referrals", "help")]
    for due, named in (
        ("late", ["Late"]),
        ("today", ["Today"]),
        ("week", ["Today", "Later"]),
        ("none", ["Nothing"]),
    ):
        assert names_on(worker.text(f"{PAGE}?due={due}")) == named, due
    # What nobody knows is left out, and does not come back in an address.
    odd = worker.text(f"{PAGE}?due=Amina+Yusuf&q=Amina+Yusuf")
    assert len(names_on(odd)) == 4 and "Amina" not in odd


def test_it_says_what_waits_for_us_and_for_others(app: Flask, worker: StaffBrowser) -> None:
    numbers = {
        name: looked_after(app, worker, name=name)
        for name in ("Sent", "Asked", "Helped", "Owed", "Owes", "Told")
    }
    sent_by(app, worker, numbers["Sent"], helps="device money")
    sent_by(app, worker, numbers["Asked"], "acknowledge", "ask")
    sent_by(app, worker, numbers["Helped"], "acknowledge", "accept", "begin")
    received_by(app, worker, numbers["Owed"], clock_due=now() - timedelta(hours=1))
    received_by(app, worker, numbers["Owes"], "acknowledge", "ask")
    with app.app_context(), transaction() as session:
        service = make_service(session, organisation_id=make_organisation(session).id)
        make_referral(
            session, resident_id=numbers["Told"], service=service, sender_id=worker.organisation_id,
            staff_id=worker.staff_id, mode="signposted", items=(), how="", has_yes=False,
        )  # fmt: skip
    assert set(names_on(worker.text(f"{PAGE}?waiting=us"))) == {"Asked", "Owed", "Told"}
    assert set(names_on(worker.text(f"{PAGE}?waiting=others"))) == {"Sent", "Owes"}
    assert names_on(worker.text(f"{PAGE}?due=late")) == ["Owed"]
    assert names_on(worker.text(f"{PAGE}?help=money")) == ["Sent"]
    page = worker.text(PAGE)
    for said in (
        "Answer the question about a referral", "Say that you have seen it", "Sent, not seen yet",
        "We asked the sender something", "Ask whether it helped",
    ):  # fmt: skip
        assert said in page, said


def test_a_referral_to_others_is_said_as_it_stands(app: Flask, worker: StaffBrowser) -> None:
    said = {}
    for name, actions, words in (
        ("New", (), "Sent, not seen yet"),
        ("Seen", ("acknowledge",), "Seen, answer by {day}"),
        ("Taken", ("acknowledge", "accept"), "Accepted, first contact by {day}"),
        ("Waits", ("acknowledge", "waitlist"), "On a waiting list until {day}"),
    ):
        number = sent_by(app, worker, looked_after(app, worker, name=name), *actions)
        with app.app_context(), transaction() as session:
            sent = session.get_one(Referral, number)
            assert sent.clock_due is not None
            day = sent.promised_on or sent.clock_due.astimezone(LONDON).date()
        said[name] = words.format(day=f"{day:%A} {day.day} {day:%B}")
    page = worker.text(PAGE)
    rows = dict(re.findall(r'<bdi>(\w+)</bdi>.*?data-label="Waits for others">(.*?)</td>', page, re.DOTALL))
    assert rows == said
    # It is nothing that is due of us.
    assert set(names_on(worker.text(f"{PAGE}?due=none"))) == set(said)


def test_two_of_one_name_are_told_apart_by_the_end_of_their_code(app: Flask, worker: StaffBrowser) -> None:
    first, second = (
        looked_after(app, worker, name="Amina Yusuf"),
        looked_after(app, worker, name="amina  yusuf"),
    )
    looked_after(app, worker, name="Other")
    page, give = worker.text(PAGE), worker.text(f"/staff/people/{first}/give")
    for number in (first, second):
        code = code_of(app, number)
        assert f'code ends in <bdi dir="ltr">{code[-4:]}</bdi>' in page and code not in page
        assert f"(code ends in {code[-4:]})" in worker.text(f"{PAGE}/sheets/new")
    assert page.count("code ends in") == 2
    assert code_of(app, first)[-4:] in give and code_of(app, second)[-4:] not in give


def test_language_and_ward(app: Flask, worker: StaffBrowser) -> None:
    looked_after(app, worker, name="Somali", spoken="so", read=None)
    looked_after(app, worker, name="Urdu", spoken="en", read="ur", ward="E05011369")
    assert names_on(worker.text(f"{PAGE}?language=so")) == ["Somali"]
    assert names_on(worker.text(f"{PAGE}?language=ur")) == ["Urdu"]
    assert names_on(worker.text(f"{PAGE}?ward=E05011369")) == ["Urdu"]
    assert "Nobody fits." in worker.text(f"{PAGE}?ward=E05011370")


def test_training_and_loans_as_far_as_a_caseworker_may_see(app: Flask, worker: StaffBrowser) -> None:
    mine = {
        name: looked_after(app, worker, name=name)
        for name in ("Trains", "Borrows", "Queues", "Own", "Offered")
    }
    with app.app_context(), transaction() as session:
        here = {"organisation_id": worker.organisation_id}
        provider = make_organisation(session).id
        training = make_session(session, organisation_id=provider, days=[today() + timedelta(days=3)])
        make_booking(session, training, resident_id=mine["Trains"], **here)
        make_booking(session, training, resident_id=mine["Own"])  # they booked themselves
        scheme = loans.make_scheme(session, organisation_id=provider)
        model = loans.make_model(session, scheme=scheme)
        asked = {"model": model, "referrer_id": worker.organisation_id}
        lent = loans.make_request(session, resident_id=mine["Borrows"], status="offered", **asked)
        loans.make_loan(session, unit=loans.make_unit(session, model=model), request=lent)
        loans.make_request(session, resident_id=mine["Queues"], **asked)
        loans.make_request(session, resident_id=mine["Own"], model=model)
        loans.make_request(session, resident_id=mine["Offered"], status="need_info", **asked)
    page = worker.text(PAGE)
    assert "Training" in page and "The device goes back" in page and "A device is asked for" in page
    # What they did themselves is not ours to follow.
    assert set(names_on(worker.text(f"{PAGE}?due=none"))) == {"Offered", "Queues", "Own"}
    assert names_on(worker.text(f"{PAGE}?due=week")) == ["Trains"]
    assert names_on(worker.text(f"{PAGE}?waiting=others")) == ["Queues"]
    assert names_on(worker.text(f"{PAGE}?waiting=us")) == ["Offered"]


def test_whom_the_table_of_people_does_not_list_is_not_here(
    app: Flask, staff_browser: Make, worker: StaffBrowser
) -> None:
    other = staff_browser("caseworker")
    elsewhere = staff_browser("caseworker", organisation="Blue Door")
    looked_after(app, worker, name="Mine")
    looked_after(app, other, name="Colleague’s")
    looked_after(app, elsewhere, name="Elsewhere")
    kept = looked_after(app, worker, name="Kept")
    ended = looked_after(app, worker, name="Ended")
    task_of(app, worker, kept, words="About whoever is kept")
    task_of(app, worker, ended, words="About whoever ended it")
    hidden = looked_after(app, worker, name="Hidden", is_restricted=True)
    task_of(app, worker, hidden, words="About whoever is hidden")
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=kept, staff_id=worker.staff_id, made_at=now()))
        session.execute(update(Consent).where(Consent.resident_id == ended).values(withdrawn_at=now()))
    page = worker.text(PAGE)
    assert names_on(page) == ["Mine", "Hidden"] and "1 person." in page
    assert "About whoever is kept" not in page and "Kept" not in page and "Ended" not in page
    assert page.index("Restricted people on my caseload") < page.index("Hidden")
    # My own task about somebody who shares no more is still mine to do: as a number, without what was typed.
    assert "About whoever ended it" not in page and f"person {ended}" in page
    assert names_on(worker.text(f"{PAGE}?whose=organisation")) == ["Mine"]
    assert f'value="{other.staff_id}"' not in page
    with app.app_context(), transaction() as session:
        session.get_one(Organisation, worker.organisation_id).shares_caseload = True
    assert set(names_on(worker.text(f"{PAGE}?whose=organisation"))) == {"Mine", "Colleague’s"}
    assert names_on(worker.text(f"{PAGE}?whose={other.staff_id}")) == ["Colleague’s"]
    with app.app_context(), transaction() as session:
        session.get_one(Staff, other.staff_id).name = "Colleague Khan"
    ours = worker.text(f"{PAGE}?whose=organisation")
    assert '<td data-label="With whom"><bdi>Colleague Khan</bdi></td>' in ours
    assert "With whom" not in page
    assert names_on(worker.text(f"{PAGE}?whose={elsewhere.staff_id}")) == ["Mine", "Hidden"]


def test_work_about_nobody_listed_stands_below(app: Flask, staff_browser: Make, worker: StaffBrowser) -> None:
    other = staff_browser("caseworker")
    task_of(app, worker, None, -1, words="Buy stamps")
    task_of(app, other, None, words="A colleague’s own")
    task_of(app, worker, None, words="Anybody’s", owner_id=None)
    unknown = looked_after(app, None, name="Canary unknown")
    number = received_by(app, worker, unknown)
    page = worker.text(PAGE)
    assert "Buy stamps" in page and "Anybody’s" in page and "A colleague’s own" not in page
    assert f"referral {number}" in page and "Canary unknown" not in page
    late = worker.text(f"{PAGE}?due=late")
    assert "Buy stamps" in late and "Anybody’s" not in late
    assert "Buy stamps" not in worker.text(f"{PAGE}?language=so")


def test_what_is_asked_by_number_is_what_the_tables_open(app: Flask, worker: StaffBrowser) -> None:
    """Of whoever is listed the page asks for tasks and referrals by their numbers: the tables of the room say the same."""
    numbers = [looked_after(app, worker, name=f"P{number}") for number in range(3)]
    for number in numbers:
        task_of(app, worker, number)
        sent_by(app, worker, number)
        received_by(app, worker, number)
    stranger = looked_after(app, None)
    nobodys = task_of(app, worker, stranger, owner_id=None)
    who = Principal(
        "staff",
        staff_id=worker.staff_id,
        organisation_id=worker.organisation_id,
        roles=frozenset({"caseworker"}),
    )
    with app.test_request_context(), transaction() as session:
        found = queries.caseload_of(session, who, Filters(), now())
        lines = found.lines
        shown = {(due.kind == "task", due.number) for line in lines for due in line.dues}
        tasks = session.scalars(select(CaseTask.id).where(policy.TASKS.rows("task.work", who)))
        read = session.scalars(
            select(Referral.id).where(
                policy.REFERRALS.rows("referral.read", who), Referral.resident_id.in_(numbers)
            )
        )
        assert [due.number for due in found.others] == [nobodys]
        assert shown | {(True, nobodys)} == {(True, number) for number in tasks} | {
            (False, number) for number in read
        }
        assert {due.waits for line in lines for due in line.dues} == {US, OTHERS}


def statements_of(app: Flask, ask: Callable[[], Any]) -> int:
    said: list[str] = []

    def count(*facts: Any) -> None:
        said.append(facts[2])

    event.listen(app.extensions["engine"], "before_cursor_execute", count)
    try:
        ask()
    finally:
        event.remove(app.extensions["engine"], "before_cursor_execute", count)
    return len(said)


def test_as_many_questions_for_one_as_for_many(app: Flask, worker: StaffBrowser, monkeypatch: Any) -> None:
    def fill(many: int) -> None:
        for number in range(many):
            person = looked_after(app, worker, name=f"P{number}")
            task_of(app, worker, person)
            sent_by(app, worker, person)

    fill(2)
    pages: Sequence[str] = (PAGE, f"{PAGE}?whose=organisation", f"{PAGE}?due=today")
    few = [statements_of(app, lambda page=page: worker.get(page)) for page in pages]  # type: ignore[misc]
    fill(12)
    assert [statements_of(app, lambda page=page: worker.get(page)) for page in pages] == few  # type: ignore[misc]
    assert max(few) < 30
    # More people than numbers fit into one statement: the same list, from as many questions.
    before = names_on(worker.text(PAGE))
    monkeypatch.setattr(queries, "MOST_NUMBERS", 3)
    assert names_on(worker.text(PAGE)) == before
    assert [statements_of(app, lambda page=page: worker.get(page)) for page in pages] == few  # type: ignore[misc]


def test_a_long_list_is_cut_into_pages(app: Flask, worker: StaffBrowser, monkeypatch: Any) -> None:
    monkeypatch.setattr(queries, "ON_A_PAGE", 2)
    for number in range(3):
        task_of(app, worker, looked_after(app, worker, name=f"P{number}"), number)
    assert names_on(worker.text(PAGE)) == ["P0", "P1"] and "page 1 of 2" in worker.text(PAGE)
    assert names_on(worker.text(f"{PAGE}?page=2")) == ["P2"]
    assert 'href="/staff/caseload?page=2&amp;due=week"' in worker.text(f"{PAGE}?due=week")


def test_no_other_role_has_a_caseload(staff_browser: Make) -> None:
    for role in ("organisation_admin", "safeguarding_lead", "referrer", "platform_admin", "front_desk"):
        browser = staff_browser(role)
        for page in (PAGE, f"{PAGE}/outreach"):
            assert browser.get(page).status_code == 403, role


# --- outdoors


def test_one_person_at_a_time(app: Flask, worker: StaffBrowser) -> None:
    first = looked_after(app, worker, name="First", safe_contact=None)
    task_of(app, worker, first, -1, words="Bring the form")
    looked_after(app, worker, name="Second", safe_contact=None)
    before = len(rows_of(app))
    page = worker.text(f"{PAGE}/outreach")
    assert "Person 1 of 2" in page and "First" in page and "Second" not in page and "Bring the form" in page
    assert 'href="sms:+447700900123"' in page
    action, _staff, about, items, _purpose = rows_of(app)[before:][0]
    assert (action, about) == ("read referrals.outreach", first) and "contact" in items
    assert len(rows_of(app)) == before + 1
    assert "Second" in worker.text(f"{PAGE}/outreach?place=2")
    for odd in ("9", "x", "-1", "0", "٣"):
        assert worker.get(f"{PAGE}/outreach?place={odd}").status_code == 200
    assert "Nobody fits." in worker.text(f"{PAGE}/outreach?due=today")


def test_no_way_is_shown_that_safe_contact_forbids(
    app: Flask, staff_browser: Make, worker: StaffBrowser
) -> None:
    def ways(**facts: Any) -> bool:
        number = looked_after(app, worker, name="One", **facts)
        page = worker.text(f"{PAGE}/outreach")
        with app.app_context(), transaction() as session:
            session.execute(
                update(CaseloadEntry)
                .where(CaseloadEntry.resident_id == number)
                .values(staff_id=other.staff_id)
            )
        return "sms:" in page or "tel:" in page

    other = staff_browser("caseworker")
    hour = (now() + timedelta(hours=6)).astimezone(queries.caseload.LONDON)
    never = [hour.strftime("%H:%M"), (hour + timedelta(minutes=1)).strftime("%H:%M")]
    assert ways(safe_contact=None)
    assert not ways(safe_contact={"hours": never})
    assert not ways(safe_contact={"not_staff": [worker.staff_id]})
    assert not ways(safe_contact={"not_organisations": [worker.organisation_id]})
    assert not ways(safe_contact={"hours": "nonsense"})
    assert not ways(safe_contact=None, items=("identity", "needs"))
    assert ways(safe_contact={"never_call": True})  # a text is none


def test_whoever_answers_for_a_child_is_named_as_that(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, name="Child", safe_contact=None)
    with app.app_context(), transaction() as session:
        session.execute(update(ContactRoute).where(ContactRoute.resident_id == number).values(is_adults=True))
    assert "an adult who answers for the child" in worker.text(f"{PAGE}/outreach")


def test_what_else_has_a_day_is_counted(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, name="Busy")
    for days in range(3):
        task_of(app, worker, number, days)
    sent_by(app, worker, number, "acknowledge", "ask")
    page = worker.text(PAGE)
    assert "and 2 more" in page and "Answer the question about a referral" in page
    assert f'href="/staff/people/{number}/give"' in page
    with app.app_context(), transaction() as session:
        session.get_one(Organisation, worker.organisation_id).shares_caseload = True
    assert "/give" not in worker.text(f"{PAGE}?whose=organisation")


def test_a_number_of_the_record_is_gone_when_the_person_is(app: Flask, worker: StaffBrowser) -> None:
    number = looked_after(app, worker, name="")
    assert f"number {number}" in worker.text(PAGE)
    with app.app_context(), transaction() as session:
        session.delete(session.get_one(Resident, number))
    assert f"number {number}" not in worker.text(PAGE)


def test_a_note_leads_back_to_the_same_person_of_the_list(app: Flask, worker: StaffBrowser) -> None:
    for name in ("First", "Second"):
        task_of(app, worker, looked_after(app, worker, name=name))
    page = worker.text(f"{PAGE}/outreach?place=2&due=today")
    (link,) = re.findall(r'href="(/staff/people/\d+/notes/new[^"]*)"', page)
    link = link.replace("&amp;", "&")
    there = f"{PAGE}/outreach?place=2&due=today"
    note = {
        "kind": "visit", "happened_on": [str(today().day), str(today().month), str(today().year)],
        "words": "We met.", "form_key": "one",
    }  # fmt: skip
    assert f'href="{there.replace("&", "&amp;")}"' in worker.text(link)
    assert worker.send(link, **note).location == there
    # An address made up by somebody leads nowhere else.
    bare = link.partition("?")[0]
    for odd, end in (
        ("back=//evil.example&place=2", f"{bare.removesuffix('/notes/new')}/case"),
        ("back=outreach&place=x&due=//evil.example&next=//evil.example", f"{PAGE}/outreach?place=1"),
    ):
        answer = worker.send(f"{bare}?{odd}", **{**note, "form_key": odd[:20]})
        assert (answer.status_code, answer.location) == (303, end)


def test_what_is_empty_is_left_out_on_a_phone_and_the_end_of_the_page_is_linked(
    app: Flask, worker: StaffBrowser
) -> None:
    looked_after(app, worker, name="Nothing")
    task_of(app, worker, None, words="Buy stamps")
    page = worker.text(PAGE)
    for label in ("Late", "Waits for others"):
        assert f'<td data-label="{label}" class="none">–</td>' in page
    for mark, said in (("other-work", "Other work (1)"), ("keep-view", "Keep this view")):
        assert page.index(f'<a href="#{mark}">{said}</a>') < page.index("<table") < page.index(f'id="{mark}"')


def test_whom_to_ask_first_stands_wherever_a_person_does(
    app: Flask, staff_browser: Make, worker: StaffBrowser
) -> None:
    number = looked_after(app, worker, name="Afraid")
    task, sent, received = (
        task_of(app, worker, number), sent_by(app, worker, number), received_by(app, worker, number),
    )  # fmt: skip
    assert sent != received
    pages = (f"/staff/people/{number}/give", f"/staff/tasks/{task}")
    lists = ("/staff/referrals?which=sent", "/staff/referrals?which=received")
    said = r"(Talk to the safeguarding lead of|Ask the lead of) "
    for page in (*pages, *lists):
        assert not re.search(said, worker.text(page)), page
    with app.app_context(), transaction() as session:
        make_flag(
            session, resident_id=number, organisation_id=worker.organisation_id, raised_by_id=worker.staff_id
        )
    for page in pages:
        assert "Talk to the safeguarding lead of" in worker.text(page), page
    for page in lists:
        assert worker.text(page).count("Ask the lead of ") == 1, page
