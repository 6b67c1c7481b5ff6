"""The chores: each step once by its own way, none of what has ended, in the day, across a change of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from inclusion_app import cli
from inclusion_app.core import clock
from inclusion_app.core.db import transaction
from inclusion_app.loans import reminders
from inclusion_app.loans.models import Loan, TakeIn, Unit
from inclusion_app.loans.services import custody, outcomes, renewals, returns, sims, telling
from inclusion_app.messages.models import JobRun, Message, TrayItem
from tests.factories.loans import hand_over, make_request, make_unit
from tests.factories.people import make_consent
from tests.loans.test_endings import make_sim
from tests.messages.conftest import PHONE, configure, reachable

DUE = date(2027, 3, 28)  # clocks go forward in its first hours
BEGUN = datetime(2027, 1, 4, 12, tzinfo=UTC)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = BEGUN
        monkeypatch.setattr(clock, "now", lambda: self.at)

    def day(self, day: date, hour: int = 12) -> None:
        self.at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ready(app: Flask, wall: Clock) -> Flask:
    configure(
        app, mail_url="smtp://127.0.0.1:9", mail_from="post@example.org", sms="https://example.org/sms", sms_token="t"
    )  # fmt: skip
    return app


def lent(app: Flask, *kinds: str, due: date = DUE, **facts: object) -> int:
    with app.app_context(), transaction() as session:
        unit = make_unit(session)
        person = reachable(session, *kinds, **facts)
        make_consent(session, resident_id=person.id, organisation_id=unit.holder_id)
        request = make_request(session, model=unit.model, status="offered", resident_id=person.id)
        loan = custody.issue(
            session, request=request, unit=unit, hand_over=hand_over(unit, due_on=due), staff_id=None, now=BEGUN
        )  # fmt: skip
        return loan.id


def told(app: Flask) -> list[tuple[str, str, str]]:
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(Message).order_by(Message.id))
        return [(row.template, row.channel, row.state) for row in rows]


def run_days(app: Flask, wall: Clock, since: date, until: date) -> list[tuple[date, str, str]]:
    """What each day brought; the chores run twice a day."""
    found = []
    day = since
    while day <= until:
        before = len(told(app))
        for hour in (10, 15):
            wall.day(day, hour)
            with app.app_context():
                reminders.remind()
        found += [(day, template, channel) for template, channel, _state in told(app)[before:]]
        day += timedelta(days=1)
    return found


def test_every_step_comes_once_on_its_day_across_the_change_of_clocks(ready: Flask, wall: Clock) -> None:
    lent(ready, "sms", "letter", "call")
    found = run_days(ready, wall, date(2027, 3, 15), date(2027, 5, 10))
    assert found == [
        (date(2027, 3, 21), "loan_due_soon", "sms"),
        (date(2027, 3, 27), "loan_due_now", "sms"),
        (date(2027, 3, 29), "loan_late", "sms"),
        (date(2027, 4, 4), "loan_late_letter", "letter"),
        (date(2027, 4, 11), "loan_late_call", "call"),
    ]


def test_everybody_is_told_by_their_own_way(ready: Flask, wall: Clock) -> None:
    lent(ready, "letter")
    found = run_days(ready, wall, date(2027, 3, 19), date(2027, 4, 12))
    # A letter a day before comes too late.
    assert [channel for _day, _template, channel in found] == ["letter"] * 4
    assert [template for _day, template, _channel in found] == [
        "loan_due_soon", "loan_late", "loan_late_letter", "loan_late",
    ]  # fmt: skip


def test_the_worker_that_slept_does_not_make_up_for_what_it_missed(ready: Flask, wall: Clock) -> None:
    lent(ready, "sms")
    found = run_days(ready, wall, date(2027, 3, 30), date(2027, 4, 1))
    assert [template for _day, template, _channel in found] == ["loan_late"]


@pytest.mark.parametrize("hour", [3, 8, 18, 23])
def test_nobody_is_reminded_at_night(ready: Flask, wall: Clock, hour: int) -> None:
    lent(ready, "sms")
    wall.day(date(2027, 3, 30), hour)  # an hour later on the wall
    with ready.app_context():
        assert reminders.remind() == (1 if hour == 8 else 0)


def test_who_brought_it_back_or_keeps_it_longer_is_not_asked_for_it(ready: Flask, wall: Clock) -> None:
    back, longer = lent(ready, "sms"), lent(ready, "sms")
    wall.day(date(2027, 3, 21))
    with ready.app_context():
        assert reminders.remind() == 2
        with transaction() as session:
            unit = session.get_one(Unit, session.get_one(Loan, back).unit_id)
            custody.take_in(session, unit=unit, staff_id=None, hold_days=3, now=wall.at)
            renewals.ask_to_renew(
                session, loan=session.get_one(Loan, longer), how="code", form_key="a", now=wall.at
            )
    assert [state for template, _channel, state in told(ready) if template == "loan_due_soon"] == [
        "dropped"
    ] * 2
    assert run_days(ready, wall, date(2027, 3, 22), date(2027, 4, 12)) == []


def back_by_mistake(
    app: Flask, loan_id: int, at: datetime, *, is_undone: bool = True, is_read: bool = False
) -> None:
    """Somebody scans the wrong device, and says so five minutes later. `is_read`: its person heard that it is back."""
    with app.app_context(), transaction() as session:
        loan = session.get_one(Loan, loan_id)
        came = returns.give_back(session, loan=loan, at_place_id=loan.place_id, staff_id=None, now=at)
        assert came is loan
        if is_read:
            session.execute(
                update(Message).where(Message.template == "loan_back").values(state="sent", sent_at=at)
            )
        if is_undone:
            row = session.scalars(select(TakeIn).where(TakeIn.undone_at.is_(None))).one()
            later = at + timedelta(minutes=5)
            returns.undo(session, take_in=row, staff_id=None, by_coordinator=True, now=later)


def test_a_return_by_mistake_loses_no_reminder(ready: Flask, wall: Clock) -> None:
    number = lent(ready, "call")
    late = date(2027, 4, 5)  # eight days
    assert run_days(ready, wall, late, late) == [(late, "loan_late", "call")]
    for _mistake in range(2):
        back_by_mistake(ready, number, wall.at + timedelta(minutes=1))
        assert [state for _name, _channel, state in told(ready)].count("waiting") == 0
        # The task to call comes again, once; and the next step on its day.
        assert run_days(ready, wall, late, late + timedelta(days=2)) == [(late, "loan_late", "call")]
        wall.day(late, 16)
    with ready.app_context(), transaction() as session:
        open_items = select(func.count()).select_from(TrayItem).where(TrayItem.done_at.is_(None))
        assert session.scalar(open_items) == 1
    found = run_days(ready, wall, late + timedelta(days=3), date(2027, 5, 10))
    assert found == [(date(2027, 4, 11), "loan_late_call", "call")]


def test_a_reminder_that_left_is_not_told_again_after_a_mistake(ready: Flask, wall: Clock) -> None:
    number = lent(ready, "sms")
    late = date(2027, 3, 30)
    assert len(run_days(ready, wall, late, late)) == 1
    with ready.app_context(), transaction() as session:
        session.execute(update(Message).values(state="sent", sent_at=wall.at))
    back_by_mistake(ready, number, wall.at + timedelta(minutes=1))
    assert run_days(ready, wall, late, late + timedelta(days=2)) == []


def test_a_return_that_stands_is_not_reminded_of(ready: Flask, wall: Clock) -> None:
    number = lent(ready, "call")
    late = date(2027, 4, 5)
    assert len(run_days(ready, wall, late, late)) == 1
    back_by_mistake(ready, number, wall.at + timedelta(minutes=1), is_undone=False)
    assert run_days(ready, wall, late, date(2027, 5, 10)) == []
    assert [name for name, _channel, state in told(ready) if state == "waiting"] == ["loan_back"]


def test_a_mistake_undone_tells_anew_of_data_and_how_it_goes(ready: Flask, wall: Clock) -> None:
    number = lent(ready, "sms", due=date(2027, 6, 28))
    with ready.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        sims.put_in(session, loan=loan, sim=make_sim(session, loan, data_until=date(2027, 2, 10)), now=BEGUN)
        loan.follow_up_on = date(2027, 2, 1)
    wall.day(date(2027, 2, 1))
    with ready.app_context():
        assert reminders.warn_of_data() == 1 and reminders.ask_how_it_goes() == 1
        back_by_mistake(ready, number, wall.at)
        wall.at += timedelta(minutes=10)
        assert reminders.warn_of_data() == 1 and reminders.ask_how_it_goes() == 1
        assert reminders.warn_of_data() == 0 and reminders.ask_how_it_goes() == 0


def test_a_mistake_undone_tells_anew_what_no_chore_tells(ready: Flask, wall: Clock) -> None:
    number = lent(ready, "letter")
    with ready.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        renewals.ask_to_renew(session, loan=loan, how="code", form_key="a", now=BEGUN)
        request = telling.request_of(session, loan)
        assert request is not None
        telling.tell(
            session, request, "loan_begun", key=f"begun {number}", now=BEGUN, day=loan.due_on.isoformat()
        )
        telling.tell(session, request, "loan_asked", key=f"asked {request.id}", now=BEGUN)
    wall.day(date(2027, 1, 5))
    back_by_mistake(ready, number, wall.at)
    waiting = [name for name, _channel, state in told(ready) if state == "waiting"]
    # What is about the request and not about the loan stays all the time.
    assert sorted(waiting) == ["loan_asked", "loan_begun", "loan_kept_longer"]
    with ready.app_context(), transaction() as session:
        session.execute(
            update(Message).where(Message.template == "loan_begun").values(state="sent", sent_at=wall.at)
        )
    back_by_mistake(ready, number, wall.at + timedelta(hours=1))
    waiting = [name for name, _channel, state in told(ready) if state == "waiting"]
    assert sorted(waiting) == ["loan_asked", "loan_kept_longer"]


def test_who_heard_that_it_is_back_hears_of_the_mistake_however_often_it_is_scanned(
    ready: Flask, wall: Clock
) -> None:
    number = lent(ready, "letter")
    back_by_mistake(ready, number, wall.at, is_read=True)
    # Again the wrong one, before the letter about the first mistake is posted; this time nobody heard of it.
    back_by_mistake(ready, number, wall.at + timedelta(hours=1))
    waiting = [name for name, _channel, state in told(ready) if state == "waiting"]
    assert waiting == ["loan_not_back"]
    with ready.app_context(), transaction() as session:
        session.execute(
            update(Message).where(Message.template == "loan_not_back").values(state="sent", sent_at=wall.at)
        )
    back_by_mistake(ready, number, wall.at + timedelta(hours=2))
    assert not [name for name, _channel, state in told(ready) if state == "waiting"]


def test_whom_nothing_may_name_the_service_reads_no_device_and_no_link(ready: Flask, wall: Clock) -> None:
    lent(ready, "sms", safe_contact={"no_service_name": True})
    wall.day(date(2027, 3, 21))
    with ready.app_context():
        reminders.remind()
        with transaction() as session:
            row = session.scalars(select(Message)).one()
            assert row.state == "waiting" and set(row.params or {}) == {"day"}


def test_data_that_ends_is_warned_of_twice_and_not_after_a_swap(ready: Flask, wall: Clock) -> None:
    number = lent(ready, "sms")
    with ready.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        sim = make_sim(session, loan, data_until=date(2027, 2, 20))
        sims.put_in(session, loan=loan, sim=sim, now=BEGUN)
    days = []
    for day in range(1, 21):
        wall.day(date(2027, 2, day))
        with ready.app_context():
            if reminders.warn_of_data():
                days.append(day)
    assert days == [6, 17]
    with ready.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        sims.swap(session, loan=loan, sim=make_sim(session, loan), now=wall.at)
    assert [state for *_more, state in told(ready)] == ["dropped", "dropped"]
    wall.day(date(2027, 2, 20))
    with ready.app_context():
        assert reminders.warn_of_data() == 0


def test_how_it_goes_is_asked_once_and_not_of_who_answered(ready: Flask, wall: Clock) -> None:
    numbers = lent(ready, "sms"), lent(ready, "sms")
    with ready.app_context(), transaction() as session:
        for number in numbers:
            session.get_one(Loan, number).follow_up_on = date(2027, 2, 1)
        outcomes.answer_outcome(
            session, loan=session.get_one(Loan, numbers[0]), used_for=[], changed=[], now=BEGUN
        )
    wall.day(date(2027, 2, 1))
    with ready.app_context():
        assert (reminders.ask_how_it_goes(), reminders.ask_how_it_goes()) == (1, 0)
    assert [template for template, *_more in told(ready)] == ["loan_how_is_it"]


def test_keep_answered_by_text_message_keeps_it_longer_once(ready: Flask, wall: Clock) -> None:
    configure(ready, notify_callback_token="a token of the provider")
    number = lent(ready, "sms")
    wall.day(date(2027, 3, 21))
    with ready.app_context():
        reminders.remind()
    assert [template for template, *_more in told(ready)] == ["loan_due_soon_keep"]
    from inclusion_app.messages import hooks

    monkey = pytest.MonkeyPatch()
    monkey.setattr(hooks, "now", lambda: wall.at)
    client = ready.test_client()
    for words in (" Keep. ", "KEEP", "I keep bees"):
        answer = client.post(
            "/hooks/notify/inbound", json={"source_number": PHONE, "message": words},
            headers={"Authorization": "Bearer a token of the provider"},
        )  # fmt: skip
        assert answer.status_code == 204
    monkey.undo()
    with ready.app_context(), transaction() as session:
        loan = session.get_one(Loan, number)
        assert loan.renewals == 1 and loan.due_on > DUE


def test_a_chore_that_fails_stands_on_the_page_of_the_jobs(
    ready: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise RuntimeError("a secret")

    monkeypatch.setattr(reminders, "remind", broken)
    with ready.app_context():
        cli.do_chores(ready.extensions["settings"].instance)
        with transaction() as session:
            run = session.get_one(JobRun, "remind of what is lent")
            assert (run.failures, run.fault) == (1, "RuntimeError")


@pytest.mark.parametrize("kind", ["sms", "email", "letter"])
def test_nothing_that_stays_to_be_read_tells_who_is_discreet_what_it_is_about(
    ready: Flask, wall: Clock, kind: str
) -> None:
    lent(ready, kind, safe_contact={"no_service_name": True})
    run_days(ready, wall, date(2027, 3, 20), date(2027, 3, 23))
    with ready.app_context(), transaction() as session:
        message = session.scalars(select(Message)).one()
        assert message.channel == kind
        assert set(message.params or {}) == {"day"}


def test_who_phones_somebody_discreet_knows_what_it_is_about(ready: Flask, wall: Clock) -> None:
    lent(ready, "call", safe_contact={"no_service_name": True})
    run_days(ready, wall, date(2027, 3, 20), date(2027, 3, 23))
    with ready.app_context(), transaction() as session:
        message = session.scalars(select(Message)).one()
        assert "device" in (message.params or {})
