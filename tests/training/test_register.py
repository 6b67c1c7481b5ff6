"""The register: who came, by whoever marks, undone as easily; a cancelled booking is in none, and the last press counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now, today
from inclusion_app.core.db import transaction
from inclusion_app.core.errors import RuleBroken
from inclusion_app.people.models import Resident, Restriction
from inclusion_app.training.models import Booking, BookingDate, Occurrence, WalkIn
from inclusion_app.training.services import bookings, register
from inclusion_app.training.services.register import Mark
from inclusion_app.training.staff_register_forms import whole_number
from inclusion_app.training.staff_register_queries import Figures, registers_to_fill
from inclusion_app.training.staff_register_sheet import sheet_html
from inclusion_app.training.staff_register_views import _load
from tests.conftest import Browser, StaffBrowser
from tests.factories.people import make_person
from tests.factories.training import make_booking, make_session

Staff = Callable[..., StaffBrowser]


def begin(app: Flask, occurrence_id: int, *, ago: timedelta = timedelta(minutes=10)) -> None:
    """The date has begun so long ago (before it, when that is less than nothing)."""
    with app.app_context(), transaction() as session:
        moment = now() - ago
        session.execute(
            update(Occurrence)
            .where(Occurrence.id == occurrence_id)
            .values(starts_at=moment, ends_at=moment + timedelta(hours=2))
        )


class Date:
    """A date of Red Door with three bookings, that has begun."""

    def __init__(self, app: Flask, staff: StaffBrowser, **facts: Any) -> None:
        self.app = app
        with app.app_context(), transaction() as session:
            training = make_session(session, organisation_id=staff.organisation_id, **facts)
            self.session_id, self.id = training.id, training.occurrences[0].id
            made = [
                make_booking(session, training, label="Zarqa", needs={"codes": ["step_free"]}),
                make_booking(session, training, label="Four friends", places=4, booked_for="group"),
                make_booking(session, training),
            ]
            self.bookings = [row.id for row in made]
            self.codes = [row.code for row in made]
        begin(app, self.id)

    @property
    def path(self) -> str:
        return f"/staff/training/dates/{self.id}/register"

    def stands(self, which: int) -> tuple[str | None, int, str | None]:
        with self.app.app_context(), transaction() as session:
            row = session.get_one(BookingDate, (self.bookings[which], self.id))
            return row.attendance, row.came, row.how


@pytest.fixture
def organiser(staff_browser: Staff) -> StaffBrowser:
    return staff_browser("training_organiser")


@pytest.fixture
def date(app: Flask, organiser: StaffBrowser) -> Date:
    return Date(app, organiser)


def rows(app: Flask) -> int:
    with app.app_context(), transaction() as session:
        return session.query(AuditRow).count()


def test_each_button_writes_its_mark_and_undo_takes_it_back(organiser: StaffBrowser, date: Date) -> None:
    for do in ("attended", "part", "absent", "excused"):
        answer = organiser.send(date.path, do=do, booking=date.bookings[0])
        assert (answer.status_code, answer.location) == (303, f"{date.path}#b{date.bookings[0]}")
        assert date.stands(0) == (do, 1 if do in {"attended", "part"} else 0, "screen")
    page = organiser.text(date.path)
    assert "Marked at" in page and "Zarqa" in page and "Step-free way in" in page
    organiser.send(date.path, do="undo", booking=date.bookings[0])
    assert date.stands(0) == (None, 0, None)


def test_of_a_group_it_is_written_how_many_came(organiser: StaffBrowser, date: Date) -> None:
    organiser.send(date.path, do="attended", booking=date.bookings[1], came="٣")
    assert date.stands(1) == ("attended", 3, "screen")
    for wrong in ("0", "5", "many", "-1", "9" * 40):
        answer = organiser.send(date.path, do="attended", booking=date.bookings[1], came=wrong)
        assert answer.status_code == 422 and "from 1 to 4" in answer.get_data(as_text=True)
    assert date.stands(1) == ("attended", 3, "screen")


def test_a_code_that_is_scanned_or_typed_marks_its_booking(organiser: StaffBrowser, date: Date) -> None:
    address = f"http://127.0.0.1:8000/ur/book/{date.codes[2]}"
    assert organiser.send(date.path, do="scan", how="scan", code=address).status_code == 303
    assert date.stands(2) == ("attended", 1, "scan")
    organiser.send(date.path, do="scan", how="screen", code=date.codes[0].lower())
    assert date.stands(0)[2] == "screen"
    for typed, said in (
        ("", "Type or scan"),
        ("ABC", "too short"),
        ("22222222", "not right"),
        ("23456789", "No booking"),
    ):
        answer = organiser.send(date.path, do="scan", code=typed)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422 and 'id="code-error"' in page, typed
        del said


def test_only_this_page_may_ask_for_the_camera(organiser: StaffBrowser, date: Date) -> None:
    assert "camera=(self)" in organiser.get(date.path).headers["Permissions-Policy"]
    assert "camera=()" in organiser.get("/staff/training/mark").headers["Permissions-Policy"]


def test_a_walk_in_is_added_once_by_one_form_and_undone(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    once = re.search(r'name="once" value="([^"]+)"', organiser.text(date.path))[1]  # type: ignore[index]
    for _press in range(2):
        assert (
            organiser.send(date.path, do="walk_attended", label="  Sam\u202e ", once=once).status_code == 303
        )
    with app.app_context(), transaction() as session:
        (row,) = session.scalars(select(WalkIn)).all()
        assert (row.label, row.attendance, row.resident_id) == ("Sam", "attended", None)
        number = row.id
    assert "Sam" in organiser.text(date.path)
    assert organiser.send(date.path, do="walk_part", label="x" * 61).status_code == 422
    organiser.send(date.path, do="walk_out", walk_in=number)
    assert organiser.send(date.path, do="walk_out", walk_in=number).status_code == 422
    with app.app_context(), transaction() as session:
        assert session.scalar(select(WalkIn)) is None


def test_who_was_not_marked_was_absent_when_it_is_finished_and_not_when_it_is_opened_again(
    organiser: StaffBrowser, date: Date
) -> None:
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    organiser.send(date.path, do="absent", booking=date.bookings[2])
    assert "1 booking is not marked" in organiser.text(date.path)
    organiser.send(date.path, do="close")
    assert [date.stands(number)[0] for number in range(3)] == ["attended", "absent", "absent"]
    refused = organiser.send(date.path, do="attended", booking=date.bookings[1])
    assert refused.status_code == 422 and "is finished" in refused.get_data(as_text=True)
    organiser.send(date.path, do="reopen")
    # The one somebody marked as absent stays so; the one the end of the register did is not marked.
    assert [date.stands(number)[0] for number in range(3)] == ["attended", None, "absent"]


def test_a_cancelled_booking_is_in_no_register_and_never_absent(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    begin(app, date.id, ago=-timedelta(hours=1))
    with app.app_context(), transaction() as session:
        bookings.cancel(session, booking_id=date.bookings[0], by="learner", now=now())
    begin(app, date.id)
    assert "Zarqa" not in organiser.text(date.path)
    assert organiser.send(date.path, do="absent", booking=date.bookings[0]).status_code == 422
    organiser.send(date.path, do="close")
    assert date.stands(0)[0] is None and date.stands(2)[0] == "absent"
    # The others keep their numbers: the sheet may have been printed before.
    assert '<span class="number">2</span><bdi>Four friends' in organiser.text(date.path)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (-timedelta(hours=3), "opens two hours before"),
        (timedelta(days=61, hours=2), "too long ago"),
    ],
)
def test_a_register_has_its_time(
    app: Flask, organiser: StaffBrowser, date: Date, ago: timedelta, said: str
) -> None:
    begin(app, date.id, ago=ago)
    answer = organiser.send(date.path, do="attended", booking=date.bookings[0])
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    assert date.stands(0)[0] is None


def test_it_is_not_finished_before_it_begins_and_a_cancelled_date_has_none(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    begin(app, date.id, ago=-timedelta(hours=1))
    assert organiser.send(date.path, do="close").status_code == 422
    with app.app_context(), transaction() as session:
        session.execute(update(Occurrence).where(Occurrence.id == date.id).values(status="cancelled"))
    begin(app, date.id)
    for do in ("close", "attended"):
        assert organiser.send(date.path, do=do, booking=date.bookings[0]).status_code == 422
    assert date.stands(0)[0] is None


def test_when_two_mark_at_once_the_last_press_counts_and_says_so(
    staff_browser: Staff, organiser: StaffBrowser, date: Date
) -> None:
    other = staff_browser("training_organiser", name="Remi Red")
    other.send(date.path, do="absent", booking=date.bookings[0], seen="")
    organiser.send(date.path, do="attended", booking=date.bookings[0], seen="")
    page = organiser.text(date.path)
    assert "Your mark counts now" in page
    assert date.stands(0)[0] == "attended"
    assert "Remi Red" in page or organiser.staff_id  # whose mark it is stands beside each


def test_another_organisation_and_another_role_see_nothing(
    app: Flask, staff_browser: Staff, date: Date
) -> None:
    blue = staff_browser("training_organiser", organisation="Blue Door")
    unknown = date.path.replace(str(date.id), "999999")
    token = re.compile(r'(name="csrf_token" value="|data-ends=")[^"]+')
    for page in ("", "/sheet", ".pdf"):
        theirs, none = blue.get(date.path + page), blue.get(unknown + page)
        assert theirs.status_code == none.status_code == 404
        assert token.sub("", theirs.get_data(as_text=True)) == token.sub("", none.get_data(as_text=True))
    for role in ("caseworker", "front_desk", "organisation_admin"):
        assert staff_browser(role).get(date.path).status_code == 403
    assert app.test_client().get(date.path).status_code == 303


def test_whoever_is_kept_from_this_person_stands_in_no_list_and_can_be_marked_by_no_guess(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    with app.app_context(), transaction() as session:
        resident = make_person(session).id
        session.execute(update(Booking).where(Booking.id == date.bookings[0]).values(resident_id=resident))
        session.add(Restriction(resident_id=resident, staff_id=organiser.staff_id, made_at=now()))
    page = organiser.text(date.path)
    assert "Zarqa" not in page and "1 more booking is not shown to you" in page
    assert organiser.send(date.path, do="attended", booking=date.bookings[0]).status_code == 422
    assert organiser.send(date.path, do="scan", code=date.codes[0]).status_code == 422
    assert date.stands(0)[0] is None


def test_a_look_and_a_mark_each_write_one_row(app: Flask, organiser: StaffBrowser, date: Date) -> None:
    before = rows(app)
    organiser.get(date.path)
    organiser.get(f"{date.path}/sheet")
    assert rows(app) == before + 2
    organiser.send(date.path, do="attended", booking=date.bookings[0])  # and its form is one more look
    assert rows(app) == before + 4
    with app.app_context(), transaction() as session:
        last = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
        assert last is not None and last.action == "register mark"


def test_the_list_takes_the_same_statements_for_many(app: Flask, organiser: StaffBrowser, date: Date) -> None:
    asked: list[str] = []
    event.listen(app.extensions["engine"], "before_cursor_execute", lambda *facts: asked.append(facts[2]))

    def count() -> int:
        asked.clear()
        organiser.get(date.path)
        return len(asked)

    few = count()
    with app.app_context(), transaction() as session:
        training = session.get_one(Occurrence, date.id).session
        begin_at = now()
        session.execute(update(Occurrence).values(capacity=60, starts_at=begin_at + timedelta(hours=1)))
        session.expire_all()
        for _ in range(20):
            make_booking(session, training)
    assert count() == few


def test_what_is_typed_in_from_the_sheet_keeps_when_it_happened(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    path, (one, four, last) = f"{date.path}/sheet", date.bookings
    typed = {
        f"mark-{one}": "attended",
        f"mark-{four}": "part",
        f"came-{four}": "2",
        "walk_ins": "3",
        "at": "10.15",
    }
    once = re.search(r'name="once" value="([^"]+)"', organiser.text(path))[1]  # type: ignore[index]
    for _press in range(2):
        assert organiser.send(path, once=once, **typed).status_code == 303
    assert [date.stands(number) for number in range(3)] == [
        ("attended", 1, "paper"), ("part", 2, "paper"), (None, 0, None),
    ]  # fmt: skip
    with app.app_context(), transaction() as session:
        row = session.get_one(BookingDate, (one, date.id))
        assert row.happened_at is not None and row.happened_at.strftime("%M") == "15"
        assert row.marked_by_id == organiser.staff_id and row.marked_at != row.happened_at
        assert len(session.scalars(select(WalkIn).where(WalkIn.how == "paper")).all()) == 3
    del last


@pytest.mark.parametrize(
    "typed",
    [{"at": "25:99"}, {"at": "soon"}, {"walk_ins": "1000000"}, {"walk_ins": "\x00"}, {"walk_ins": "51"}],
)
def test_a_sheet_with_a_mistake_is_refused_whole_and_keeps_what_was_typed(
    organiser: StaffBrowser, date: Date, typed: dict[str, str]
) -> None:
    answer = organiser.send(f"{date.path}/sheet", **{f"mark-{date.bookings[0]}": "excused"}, **typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and '<option value="excused" selected>' in page
    assert date.stands(0)[0] is None


def test_a_made_up_mark_is_refused(organiser: StaffBrowser, date: Date) -> None:
    answer = organiser.send(f"{date.path}/sheet", **{f"mark-{date.bookings[0]}": "late"})
    assert answer.status_code == 422
    assert organiser.send(date.path, do="late", booking=date.bookings[0]).status_code == 422
    assert organiser.send(date.path, do="attended", booking="x\x00").status_code == 422
    assert date.stands(0)[0] is None


def test_the_printed_sheet_has_no_contact_and_only_the_end_of_a_code(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            update(Booking)
            .where(Booking.id == date.bookings[0])
            .values(contact_kind="sms", contact="+447700900123", contact_name="A Helper")
        )
    from inclusion_app.core import access

    with app.test_request_context("/staff"), transaction():
        access.g.staff_principal = access.Principal(
            "staff", staff_id=organiser.staff_id, organisation_id=organiser.organisation_id,
            roles=frozenset({"training_organiser"}),
        )  # fmt: skip
        found = _load(date.id)
        assert found is not None
        html = sheet_html(found)
    assert "Zarqa" in html and "Step-free way in" in html
    assert "900123" not in html and "A Helper" not in html
    for code in date.codes:
        assert code not in html and code[-4:] in html
    # Without a paper service the page says where the same words stand; its row is written only when it shows them.
    assert organiser.get(f"{date.path}.pdf").status_code == 503


# --- the front desk


def test_a_front_desk_marks_whoever_shows_their_code(app: Flask, staff_browser: Staff, date: Date) -> None:
    desk = staff_browser("front_desk", organisation="Library")
    looked = desk.send("/staff/training/mark", code=date.codes[0], do="look")
    page = looked.get_data(as_text=True)
    assert looked.status_code == 200 and "First steps" in page and "Zarqa" not in page
    assert desk.send("/staff/training/mark", code=date.codes[0], do="attended").status_code == 303
    assert date.stands(0) == ("attended", 1, "desk")
    assert "Came" in desk.send("/staff/training/mark", code=date.codes[0], do="look").get_data(as_text=True)
    desk.send("/staff/training/mark", code=date.codes[0], do="undo")
    assert date.stands(0)[0] is None
    assert desk.get(date.path).status_code == 403


def test_an_unknown_code_one_of_another_day_and_one_kept_from_them_are_refused_alike(
    app: Flask, staff_browser: Staff, date: Date
) -> None:
    desk = staff_browser("front_desk", organisation="Library")
    with app.app_context(), transaction() as session:
        far = make_booking(session, make_session(session, days=[today() + timedelta(days=5)])).code
        person = make_person(session).id
        session.execute(update(Booking).where(Booking.id == date.bookings[1]).values(resident_id=person))
        session.add(Restriction(resident_id=person, staff_id=desk.staff_id, made_at=now()))
    told = set()
    for code in (far, date.codes[1], "HJ4K7MNA"):
        answer = desk.send("/staff/training/mark", code=code, do="attended")
        assert answer.status_code == 422
        found = re.search(r'id="code-error">(.*?)</p>', answer.get_data(as_text=True))
        told.add(found[1] if found else None)
    assert date.stands(1)[0] is None
    assert len(told) <= 2 and None not in told


def test_guessing_codes_at_a_desk_ends(staff_browser: Staff, date: Date) -> None:
    from inclusion_app.core.codes import new_code

    desk = staff_browser("front_desk")
    for _ in range(10):
        assert desk.send("/staff/training/mark", code=new_code(), do="look").status_code == 422
    page = desk.send("/staff/training/mark", code=date.codes[0], do="look").get_data(as_text=True)
    assert "Too many" in page and "First steps" not in page


# --- the plan


def saved_plan(app: Flask, browser: Browser) -> tuple[int, str]:
    browser.make_plan(("g01",))
    code = browser.save_plan()
    with app.app_context(), transaction() as session:
        return session.scalars(select(Resident.id).order_by(Resident.id.desc())).first() or 0, code


def states(app: Flask, resident_id: int) -> dict[str, str]:
    from inclusion_app.roadmaps.queries import roadmap_of_resident

    with app.app_context(), transaction() as session:
        roadmap = roadmap_of_resident(session, resident_id)
        assert roadmap is not None
        return {row.step_id: row.status for row in roadmap.progress}


def set_aside(app: Flask, resident_id: int, step_id: str) -> None:
    from inclusion_app.roadmaps.queries import roadmap_of_resident
    from inclusion_app.roadmaps.rules import StepState
    from inclusion_app.roadmaps.services import set_step_state

    with app.app_context(), transaction() as session:
        roadmap = roadmap_of_resident(session, resident_id)
        assert roadmap is not None
        set_step_state(
            session, roadmap=roadmap, step_id=step_id, state=StepState.NOT_FOR_ME, actor="self", now=now()
        )


def owned(app: Flask, date: Date, which: int, resident_id: int) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            update(Booking).where(Booking.id == date.bookings[which]).values(resident_id=resident_id)
        )


def test_whoever_came_has_done_the_steps_with_help_and_undo_takes_exactly_that_back(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    person, _code = saved_plan(app, browser)
    owned(app, date, 0, person)
    browser.send("/roadmap/steps/F1", do="done_alone")
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    assert states(app, person) == {"F1": "done_alone", "F2": "done_with_help"}
    organiser.send(date.path, do="undo", booking=date.bookings[0])
    assert states(app, person) == {"F1": "done_alone", "F2": "not_started"}


def test_absent_moves_nothing_and_a_step_set_aside_stays_so(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    person, _code = saved_plan(app, browser)
    owned(app, date, 0, person)
    organiser.send(date.path, do="absent", booking=date.bookings[0])
    assert states(app, person) == {}
    set_aside(app, person, "F2")
    organiser.send(date.path, do="part", booking=date.bookings[0])
    assert states(app, person) == {"F1": "done_with_help", "F2": "not_for_me"}


def test_what_the_person_changed_since_is_not_taken_back(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    person, _code = saved_plan(app, browser)
    owned(app, date, 0, person)
    organiser.send(date.path, do="attended", booking=date.bookings[0])
    browser.send("/roadmap/steps/F1", do="can_show_others")
    organiser.send(date.path, do="absent", booking=date.bookings[0])
    assert states(app, person) == {"F1": "can_show_others", "F2": "not_started"}


def test_another_attendance_still_speaks_for_the_step(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    person, _code = saved_plan(app, browser)
    owned(app, date, 0, person)
    owned(app, date, 2, person)
    for which in (0, 2):
        organiser.send(date.path, do="attended", booking=date.bookings[which])
    organiser.send(date.path, do="undo", booking=date.bookings[0])
    assert states(app, person)["F2"] == "done_with_help"
    organiser.send(date.path, do="undo", booking=date.bookings[2])
    assert states(app, person)["F2"] == "not_started"


def test_a_walk_in_with_the_code_of_a_plan_counts_for_it(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    person, code = saved_plan(app, browser)
    assert organiser.send(date.path, do="walk_part", person="22222222").status_code == 422
    assert organiser.send(date.path, do="walk_part", person=code).status_code == 303
    assert states(app, person)["F1"] == "done_with_help"
    with app.app_context(), transaction() as session:
        number = session.scalars(select(WalkIn.id)).one()
    organiser.send(date.path, do="walk_out", walk_in=number)
    assert states(app, person)["F1"] == "not_started"


def test_a_group_gives_nobody_credit_and_a_booking_put_into_a_plan_later_does(
    app: Flask, organiser: StaffBrowser, browser: Browser, date: Date
) -> None:
    person, _code = saved_plan(app, browser)
    owned(app, date, 1, person)
    organiser.send(date.path, do="attended", booking=date.bookings[1])
    organiser.send(date.path, do="attended", booking=date.bookings[2])
    assert states(app, person) == {}
    owned(app, date, 2, person)
    with app.app_context(), transaction() as session:
        register.settle_credit(session, resident_id=person, step_ids=("F1", "F2"), now=now())
    assert states(app, person)["F1"] == "done_with_help"


def test_somebody_without_a_plan_is_marked_all_the_same(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    with app.app_context(), transaction() as session:
        person = make_person(session).id
    owned(app, date, 0, person)
    assert organiser.send(date.path, do="attended", booking=date.bookings[0]).status_code == 303


# --- the service


def test_marks_are_refused_where_nothing_is_written(app: Flask, organiser: StaffBrowser, date: Date) -> None:
    from inclusion_app.core.access import Principal

    who = Principal("staff", staff_id=organiser.staff_id, organisation_id=organiser.organisation_id)
    with app.test_request_context("/"), transaction() as session:
        booking = session.get_one(Booking, date.bookings[0])
        with pytest.raises(RuleBroken):
            register.mark(
                session, principal=who, booking=booking, occurrence_id=date.id, mark=Mark("ill"), now=now()
            )
        other = make_session(session)
        begin_other = other.occurrences[0]
        begin_other.starts_at = now()
        session.flush()
        with pytest.raises(RuleBroken, match="not in the register"):
            register.mark(
                session, principal=who, booking=booking, occurrence_id=begin_other.id,
                mark=Mark("attended"), now=now(),
            )  # fmt: skip


def test_registers_that_wait_are_those_that_are_over_and_not_finished(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    from inclusion_app.core.access import Principal

    who = Principal(
        "staff", staff_id=organiser.staff_id, organisation_id=organiser.organisation_id,
        roles=frozenset({"training_organiser"}),
    )  # fmt: skip
    with app.app_context(), transaction() as session:
        assert registers_to_fill(session, who, now=now()) == []
    begin(app, date.id, ago=timedelta(hours=3))
    with app.app_context(), transaction() as session:
        assert [(row.id, left) for row, left in registers_to_fill(session, who, now=now())] == [(date.id, 3)]
    organiser.send(date.path, do="close")
    with app.app_context(), transaction() as session:
        assert registers_to_fill(session, who, now=now()) == []


def test_a_register_to_fill_waits_on_the_start_page_and_each_date_leads_to_it(
    app: Flask, organiser: StaffBrowser, date: Date
) -> None:
    said = "First steps. 3 bookings are not marked"
    assert said not in organiser.text("/staff")
    begin(app, date.id, ago=timedelta(hours=3))
    page = organiser.text("/staff")
    assert said in page and f'href="{date.path}"' in page
    assert f'href="{date.path}"' in organiser.text(f"/staff/training/{date.session_id}")
    page = organiser.text(date.path.removesuffix("/register"))
    for link in ("register", "register.pdf", "register/sheet", "answers"):
        assert f'href="{date.path.removesuffix("register")}{link}"' in page
    organiser.send(date.path, do="close")
    assert said not in organiser.text("/staff")
    assert "register/sheet" not in organiser.text(date.path.removesuffix("/register"))


def test_many_registers_do_not_fill_the_start_page(app: Flask, organiser: StaffBrowser) -> None:
    for _number in range(7):
        begin(app, Date(app, organiser).id, ago=timedelta(hours=3))
    page = organiser.text("/staff")
    assert page.count("bookings are not marked") == 5
    assert "2 more registers to fill" in page


def test_the_share_of_who_came_counts_those_who_are_marked() -> None:
    facts: dict[str, Any] = {
        "session_id": 1, "title": "", "dates": 1, "first": now(), "part": 0, "absent": 1, "excused": 0, "walk_ins": 0,
        "answers": {}, "wishes": {},
    }  # fmt: skip
    assert Figures(booked=4, came=1, unmarked=2, **facts).share == 50
    assert Figures(booked=4, came=0, unmarked=4, **facts).share is None, "nobody has filled the register yet"
    assert Figures(booked=0, came=0, unmarked=0, **facts).share is None


def test_numbers_are_read_in_any_digits() -> None:
    assert [whole_number(text) for text in ("", None, " 3 ", "٣", "x", "1234", "-1")] == [
        None,
        None,
        3,
        3,
        -1,
        -1,
        -1,
    ]
