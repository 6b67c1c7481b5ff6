"""Break-glass: who may, how long, who is told, who reviews; and that two at once get one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core import events
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.audit import AuditReason, AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.events import MessageWanted
from inclusion_app.core.staff_sessions import StaffSession
from inclusion_app.people import glass_services, policy
from inclusion_app.people import staff_words as words
from inclusion_app.people.models import BreakGlass, Restriction
from tests.conftest import StaffBrowser
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload

REASON = "Their neighbour rang: they do not open the door since Monday."
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
Staff = Callable[..., StaffBrowser]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[MessageWanted]:
    """What was published to be told."""
    found: list[MessageWanted] = []

    def keep(_session: Session, event: Any) -> None:
        found.append(event)

    monkeypatch.setitem(events._handlers, MessageWanted, [keep])
    return found


def somebody(app: Flask, **facts: Any) -> tuple[int, str]:
    with app.app_context(), transaction() as session:
        row = make_person(session, **facts)
        return row.id, row.code


def principal_of(person: StaffBrowser, *roles: str) -> Principal:
    return Principal(
        "staff", staff_id=person.staff_id, organisation_id=person.organisation_id, roles=frozenset(roles)
    )


def sees(app: Flask, resident_id: int, principal: Principal) -> bool:
    with app.app_context(), transaction() as session:
        return policy.TABLE.allows(session, "resident.identity", principal, resident_id)


def broken(person: StaffBrowser, who: Any, reason: str = REASON) -> int:
    answer = person.send("/staff/break-glass", person=str(who), reason=reason)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return int(answer.location.rsplit("/", 1)[1])


def rows(app: Flask, action: str) -> list[AuditRow]:
    with app.app_context(), transaction() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.action == action)))


@pytest.mark.parametrize("by", ["number", "code"])
def test_a_caseworker_sees_one_person_for_an_hour_and_then_no_more(
    app: Flask, staff_browser: Staff, by: str, told: list[MessageWanted]
) -> None:
    number, code = somebody(app)
    another, _code = somebody(app)
    lead = staff_browser("safeguarding_lead")
    foreign_lead = staff_browser("safeguarding_lead", organisation="Blue Door")
    officer = staff_browser("data_protection", organisation="Blue Door")
    colleague = staff_browser("caseworker")
    worker = staff_browser("caseworker")
    me = principal_of(worker, "caseworker")
    with time_machine.travel(now(), tick=False) as clock:
        glass = broken(worker, number if by == "number" else code)
        assert sees(app, number, me)
        assert not sees(app, another, me)
        assert not sees(app, number, principal_of(colleague, "caseworker"))
        elsewhere = Principal("staff", staff_id=worker.staff_id, organisation_id=foreign_lead.organisation_id,
                              roles=frozenset({"caseworker"}))  # fmt: skip
        assert not sees(app, number, elsewhere)
        page = worker.text("/staff")
        assert f"Break-glass number {glass} is open for 60 more minutes." in page
        clock.shift(timedelta(minutes=59, seconds=59))
        assert sees(app, number, me)
        clock.shift(timedelta(seconds=1))
        assert not sees(app, number, me)
    assert {(event.template, event.staff_id) for event in told} == {
        ("staff_glass_broken", lead.staff_id), ("staff_glass_broken", officer.staff_id)
    }  # fmt: skip
    assert {event.params["number"] for event in told} == {str(glass)}
    assert "Their neighbour" not in repr(told)


def test_it_is_over_as_soon_as_it_is_ended_and_the_next_one_may_begin(
    app: Flask, staff_browser: Staff
) -> None:
    (first, _), (second, _) = somebody(app), somebody(app)
    worker = staff_browser("caseworker")
    me = principal_of(worker, "caseworker")
    glass = broken(worker, first)
    refused = worker.send("/staff/break-glass", form_on="/staff", person=str(second), reason=REASON)
    assert refused.status_code == 422
    assert words.ONE_AT_A_TIME in refused.get_data(as_text=True)
    assert worker.send(f"/staff/break-glass/{glass}/end", form_on="/staff").status_code == 303
    assert not sees(app, first, me)
    assert "is open for" not in worker.text("/staff")
    # Pressed twice says no more than once.
    assert worker.send(f"/staff/break-glass/{glass}/end", form_on="/staff").status_code == 303
    broken(worker, second)
    assert len(rows(app, "end glass")) == 1


def test_one_that_ran_out_makes_room_for_the_next(app: Flask, staff_browser: Staff) -> None:
    (first, _), (second, _) = somebody(app), somebody(app)
    worker = staff_browser("caseworker")
    broken(worker, first)
    with app.app_context(), transaction() as session:
        before = now() - timedelta(hours=2)
        session.execute(update(BreakGlass).values(began_at=before, ends_at=before + timedelta(hours=1)))
    broken(worker, second)


def test_the_reason_is_kept_encrypted_beside_the_row_and_never_in_it(
    app: Flask, staff_browser: Staff
) -> None:
    number, _code = somebody(app)
    broken(staff_browser("caseworker"), number)
    (row,) = rows(app, "break glass")
    assert (row.purpose, row.actor_kind, row.resident_id) == ("safety", "caseworker", number)
    assert row.items == "identity contact needs plan"
    with app.app_context(), transaction() as session:
        assert session.scalar(select(AuditReason.words)) == REASON
        raw = session.connection().exec_driver_sql("SELECT reason FROM break_glasses").scalar()
    assert "neighbour" not in str(raw)


@pytest.mark.parametrize("reason", ["", "because", "?" * 60, "a b c d e f g 1234567890123456", "x" * 501])
def test_a_reason_that_is_none_is_refused_and_what_was_typed_stays(
    app: Flask, staff_browser: Staff, reason: str
) -> None:
    number, _code = somebody(app)
    answer = staff_browser("caseworker").send("/staff/break-glass", person=str(number), reason=reason)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Say the reason in at" in page
    assert f'value="{number}"' in page
    assert not rows(app, "break glass")


def test_without_a_fresh_proof_the_password_is_asked_for_again(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker")
    with app.app_context(), transaction() as session:
        session.execute(update(StaffSession).values(proven_at=now() - timedelta(minutes=6)))
    wanted = "/staff/sign-in/again?next=%2Fstaff%2Fbreak-glass"
    assert worker.get("/staff/break-glass").location == wanted
    answer = worker.send("/staff/break-glass", form_on="/staff", person=str(number), reason=REASON)
    assert (answer.status_code, answer.location) == (303, wanted)
    assert not rows(app, "break glass")


def test_unknown_and_kept_from_answer_alike_and_tries_are_counted(app: Flask, staff_browser: Staff) -> None:
    number, code = somebody(app)
    hidden, hidden_code = somebody(app)
    worker, colleague = staff_browser("caseworker"), staff_browser("caseworker")
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=hidden, staff_id=worker.staff_id, made_at=now()))
    bodies = set()
    for typed in ("999999", "ABCDEFGH", str(hidden), hidden_code, "\x00", "9" * 30, "x" * 5000):
        answer = worker.send("/staff/break-glass", person=typed, reason=REASON)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        bodies.add(re.sub(r'csrf_token" value="[^"]+|<input class="input input--error[^>]+>', "", page))
    assert len(bodies) == 1
    # Right ones take nothing of the ten tries an hour.
    glass = broken(worker, code)
    worker.send(f"/staff/break-glass/{glass}/end", form_on="/staff")
    for _ in range(3):
        assert worker.send("/staff/break-glass", person="999999", reason=REASON).status_code == 422
    locked = worker.send("/staff/break-glass", person=str(number), reason=REASON)
    assert locked.status_code == 422
    assert words.TOO_MANY_TRIES in locked.get_data(as_text=True)
    broken(colleague, hidden)


def test_who_is_kept_from_somebody_later_is_out_at_once(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker")
    broken(worker, number)
    with app.app_context(), transaction() as session:
        session.add(Restriction(resident_id=number, organisation_id=worker.organisation_id, made_at=now()))
    assert not sees(app, number, principal_of(worker, "caseworker"))


def test_no_lasting_power_comes_by_broken_glass(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker")
    broken(worker, number)
    assert worker.get(f"/staff/people/{number}/new-code").status_code == 404


def test_a_platform_admin_needs_another_person(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    number, _code = somebody(app)
    admin, second = staff_browser("platform_admin"), staff_browser("platform_admin")
    officer = staff_browser("data_protection", organisation="Blue Door")
    me = principal_of(admin, "platform_admin")
    glass = broken(admin, number)
    assert not sees(app, number, me)
    assert "A second person has not agreed yet." in admin.text("/staff")
    assert admin.send(f"/staff/break-glass/{glass}/agree", form_on="/staff").status_code == 404
    assert {event.template for event in told} == {"staff_second_person"}
    assert "asks for a second person" in officer.text("/staff")
    assert REASON in second.text(f"/staff/break-glass/{glass}")
    assert second.send(f"/staff/break-glass/{glass}/agree", form_on="/staff").status_code == 303
    assert sees(app, number, me)
    assert not sees(app, number, principal_of(second, "platform_admin"))
    assert officer.send(f"/staff/break-glass/{glass}/agree", form_on="/staff").status_code == 404
    assert "staff_glass_broken" in {event.template for event in told}


def test_what_was_asked_for_a_day_ago_or_taken_back_is_not_agreed_to(
    app: Flask, staff_browser: Staff
) -> None:
    number, _code = somebody(app)
    admin, lead = staff_browser("platform_admin"), staff_browser("safeguarding_lead")
    glass = broken(admin, number)
    with app.app_context(), transaction() as session:
        session.execute(update(BreakGlass).values(asked_at=now() - timedelta(hours=25)))
    assert lead.send(f"/staff/break-glass/{glass}/agree", form_on="/staff").status_code == 404
    glass = broken(admin, number)
    admin.send(f"/staff/break-glass/{glass}/end", form_on="/staff")
    assert lead.send(f"/staff/break-glass/{glass}/agree", form_on="/staff").status_code == 404


def test_the_database_refuses_one_person_in_two_places(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker")
    glass = broken(worker, number)
    for facts in (
        {"second_id": worker.staff_id},
        {"reviewed_by_id": worker.staff_id, "reviewed_at": now(), "finding": "justified"},
        {"finding": "fine", "reviewed_at": now()},
        {"open_slot": worker.staff_id + 1},
    ):
        with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
            session.execute(update(BreakGlass).where(BreakGlass.id == glass).values(**facts))


def test_another_reviews_what_was_looked_at(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker", "safeguarding_lead", name="Asha Khan")
    lead = staff_browser("safeguarding_lead", name="Lee Long")
    foreign = staff_browser("safeguarding_lead", organisation="Blue Door")
    glass = broken(worker, number)
    with app.app_context(), transaction() as session:
        record_act(
            session, principal_of(worker, "caseworker"), action="read people.person", resident_id=number,
            items=("identity",), now=now(),
        )  # fmt: skip
    (read,) = rows(app, "read people.person")
    assert read.purpose == "safety"
    path = f"/staff/break-glass/{glass}"
    assert f"Review break-glass number {glass}." in lead.text("/staff")
    assert "Review break-glass" not in worker.text("/staff")
    assert "Asha Khan" in lead.text("/staff/break-glass/reviews")
    assert foreign.get(path).status_code == 404
    page = lead.text(path)
    assert REASON in page
    assert "Opened a record" in page
    assert "read people.person" not in page
    assert worker.send(f"{path}/review", form_on="/staff", finding="justified").status_code == 404
    assert foreign.send(f"{path}/review", form_on="/staff", finding="justified").status_code == 404
    refused = lead.send(f"{path}/review", form_on=path, finding="lovely")
    assert refused.status_code == 422
    assert words.CHOOSE_ONE in refused.get_data(as_text=True)
    assert lead.send(f"{path}/review", form_on=path, finding="follow_up").status_code == 303
    assert "Needs follow-up" in lead.text("/staff/break-glass/reviews")
    assert "Review break-glass" not in lead.text("/staff")
    again = lead.send(f"{path}/review", form_on="/staff", finding="justified")
    assert again.status_code == 422
    assert words.REVIEWED_ALREADY in again.get_data(as_text=True)


def test_each_look_at_a_glass_is_one_row(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker, lead = staff_browser("caseworker"), staff_browser("safeguarding_lead")
    glass = broken(worker, number)
    lead.get(f"/staff/break-glass/{glass}")
    (row,) = rows(app, "read people.glass")
    assert (row.resident_id, row.purpose, row.items) == (number, "safety", "reason looks")
    assert (row.actor_kind, row.actor_id) == ("safeguarding_lead", lead.staff_id)


def test_a_review_is_late_after_two_working_days(app: Flask, staff_browser: Staff) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker")
    officer = staff_browser("data_protection", organisation="Blue Door")
    glass = broken(worker, number)
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with app.app_context(), transaction() as session:
        session.execute(
            update(BreakGlass).values(asked_at=friday, began_at=friday, ends_at=friday + timedelta(hours=1))
        )
        session.execute(update(StaffSession).values(began_at=datetime(2026, 11, 24, tzinfo=UTC)))
    for day, is_late in ((24, False), (25, True)):
        moment = datetime(2026, 11, day, 9, tzinfo=UTC)
        with app.app_context(), transaction() as session:
            session.execute(update(StaffSession).values(began_at=moment, last_used_at=moment))
        with time_machine.travel(moment, tick=False):
            assert (f"Late: review break-glass number {glass}." in officer.text("/staff")) == is_late
            assert ('class="tag tag--bad">Late' in officer.text("/staff/break-glass/reviews")) == is_late


def test_whoever_may_review_is_told_of_a_late_one_but_not_the_one_who_broke_it(
    app: Flask, staff_browser: Staff, told: list[MessageWanted]
) -> None:
    number, _code = somebody(app)
    worker = staff_browser("caseworker", "data_protection")
    lead = staff_browser("safeguarding_lead")
    officer = staff_browser("data_protection", organisation="Blue Door")
    staff_browser("safeguarding_lead", organisation="Blue Door")
    glass = broken(worker, number)
    began = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
    with app.app_context(), transaction() as session:
        session.execute(update(BreakGlass).values(began_at=began, ends_at=began + timedelta(hours=1)))

    def late_on(day: int) -> int:
        told.clear()
        with app.app_context(), transaction() as session:
            return glass_services.tell_late_reviews(session, link_to=str, today=date(2026, 11, day))

    assert late_on(24) == 0
    assert not told
    assert late_on(25) == 1
    assert {(event.template, event.staff_id) for event in told} == {
        ("staff_review_due", lead.staff_id), ("staff_review_due", officer.staff_id)
    }  # fmt: skip
    assert {event.key.startswith(f"glass-late-{glass}-") for event in told} == {True}
    lead.send(
        f"/staff/break-glass/{glass}/review", form_on=f"/staff/break-glass/{glass}", finding="justified"
    )
    assert late_on(30) == 0


def test_the_lead_sees_a_list_without_who_is_restricted(app: Flask, staff_browser: Staff) -> None:
    lead = staff_browser("safeguarding_lead")
    with app.app_context(), transaction() as session:
        for name, facts in (("Amina", {}), ("Bilal", {"is_restricted": True})):
            row = make_person(session, name=name, **facts)
            make_consent(session, resident_id=row.id, organisation_id=lead.organisation_id)
        make_person(session, name="Chen")
    page = lead.text("/staff/safeguarding")
    assert "Amina" in page
    assert "Bilal" not in page
    assert "Chen" not in page
    (row,) = rows(app, "read people.safeguarding")
    assert (row.resident_id, row.items) == (None, "identity")
    with app.app_context(), transaction() as session:
        for number in range(21):
            row = make_person(session, name=f"Person {number:02}")
            make_consent(session, resident_id=row.id, organisation_id=lead.organisation_id)
    first = lead.text("/staff/safeguarding")
    more = re.search(r'href="(/staff/safeguarding\?after=[0-9]+)"', first)
    assert more
    assert "Person 20" not in first
    assert "Person 20" in lead.text(more[1])
    assert lead.get("/staff/safeguarding?after=%F0%9D%9F%97x").status_code == 200


def test_of_two_at_once_one_breaks_the_glass(service_on_both: Flask) -> None:
    """Eight threads of one member of staff, eight residents: one opens, seven are told they have one already."""
    app = service_on_both
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        person = make_staff(session, organisation_id=organisation.id, roles=("caseworker",))
        residents = [make_person(session).id for _ in range(8)]
        me = Principal(
            "staff", staff_id=person.id, organisation_id=organisation.id, roles=frozenset({"caseworker"})
        )
    start, answers = threading.Barrier(8), []

    def run(resident_id: int) -> None:
        with app.app_context():
            start.wait(5)
            try:
                with transaction() as session:
                    glass_services.break_glass(
                        session, principal=me, resident_id=resident_id, reason=REASON, link_to=str, now=NOON
                    )
                answers.append("opened")
            except RuleBroken as broken:
                answers.append(broken.message)

    threads = [threading.Thread(target=run, args=(number,)) for number in residents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(["opened", *[words.ONE_AT_A_TIME] * 7])
    with app.app_context(), transaction() as session:
        assert session.query(BreakGlass).count() == 1
        assert session.query(AuditRow).where(AuditRow.action == "break glass").count() == 1


def test_of_two_second_people_at_once_one_agrees(service_on_both: Flask) -> None:
    app = service_on_both
    with app.app_context(), transaction() as session:
        organisation = make_organisation(session)
        people = [
            make_staff(session, organisation_id=organisation.id, roles=("platform_admin",)).id
            for _ in range(4)
        ]
        roles = frozenset({"platform_admin"})
        everybody = [
            Principal("staff", staff_id=number, organisation_id=organisation.id, roles=roles)
            for number in people
        ]
        glass = glass_services.break_glass(
            session, principal=everybody[0], resident_id=make_person(session).id, reason=REASON, link_to=str, now=NOON
        )  # fmt: skip
    start, answers = threading.Barrier(4), []

    def run(me: Principal) -> None:
        with app.app_context():
            start.wait(5)
            try:
                with transaction() as session:
                    glass_services.agree(session, principal=me, glass_id=glass, link_to=str, now=NOON)
                answers.append((me.staff_id, True))
            except RuleBroken:
                answers.append((me.staff_id, False))

    threads = [threading.Thread(target=run, args=(me,)) for me in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, won in answers if won]
    assert len(winners) == 1
    assert winners[0] != people[0]
    with app.app_context(), transaction() as session:
        assert session.scalar(select(BreakGlass.second_id)) == winners[0]


def test_who_is_on_the_caseload_may_still_break_the_glass(app: Flask, staff_browser: Staff) -> None:
    """The answer is the same as for anybody else: nobody learns by it what they may see already."""
    worker = staff_browser("caseworker")
    with app.app_context(), transaction() as session:
        row = make_person(session)
        make_consent(session, resident_id=row.id, organisation_id=worker.organisation_id, items=("identity",))
        put_on_caseload(
            session, resident_id=row.id, staff_id=worker.staff_id, organisation_id=worker.organisation_id
        )
        number = row.id
    broken(worker, number)
