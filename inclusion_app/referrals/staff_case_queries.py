"""What stands in the case of one person, for one member of staff: each source is one question, whatever its length.

Each list asks the table of its room who asks. What the person does not share is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import LONDON
from inclusion_app.core.history import StatusChange
from inclusion_app.loans import staff_queries as loans
from inclusion_app.loans.staff_queue_words import STATES as REQUEST_STATES
from inclusion_app.messages import queries as messages
from inclusion_app.people import policy as people
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals.models import CaseFile, CaseNote, CaseTask, Referral
from inclusion_app.referrals.staff_referral_queries import became
from inclusion_app.referrals.staff_referral_words import WHO
from inclusion_app.roadmaps.holding import ToldToStaff
from inclusion_app.training import staff_queries as training
from inclusion_app.training.staff_views import english_line, where_of
from inclusion_app.training.staff_words import BOOKING_STATES

ON_A_PAGE = 30


@dataclass(frozen=True)
class Entry:
    """One thing in the case: of which kind, when, what it is in a few words, how it stands (a word that is marked)."""

    kind: str
    at: datetime
    title: str
    state: str = ""
    # A row of this room that the page says more of.
    note: CaseNote | None = None
    file: CaseFile | None = None
    task: CaseTask | None = None
    referral: Referral | None = None
    # One turn of a referral after it was sent: by which organisation, or in which words.
    is_turn: bool = False
    by_id: int | None = None
    by: str = ""
    may_open: bool = False
    # What was added to a note, the oldest first.
    added: tuple[CaseNote, ...] = ()

    @property
    def day(self) -> date:
        """The day it happened on a Manchester wall calendar."""
        return self.at.astimezone(LONDON).date()


@dataclass(frozen=True)
class Asks:
    """Who asks for whose case, and which parts are theirs to see."""

    principal: Principal
    resident_id: int
    parts: Collection[str]
    told: ToldToStaff | None
    # The person's own yes to us, not that of one referral: then what they booked themselves is shown too.
    is_beyond: bool

    @property
    def sees_name(self) -> bool:
        """Also what was typed of tasks (see policy, `task.words`)."""
        return "identity" in self.parts

    @property
    def only_ours(self) -> int | None:
        """None where everything is shown, else the organisation whose own acts alone are."""
        return None if self.is_beyond else self.principal.organisation_id


def shares_beyond(session: Session, principal: Principal, resident_id: int) -> bool:
    """The person shares their plan with this organisation by a yes of its own."""
    asked = select(Resident.id).where(Resident.id == resident_id, people.has_consent(principal, "plan"))
    return session.scalar(asked) is not None


def entries_of(session: Session, asks: Asks, kind: str = "") -> list[Entry]:
    """All that stands in the case, or of one kind, the newest first."""
    wanted = [kind] if kind in SOURCES else list(SOURCES)
    found = [entry for name in wanted for entry in SOURCES[name](session, asks)]
    return sorted(found, key=lambda entry: (entry.day, entry.at), reverse=True)


def _steps(_session: Session, asks: Asks) -> Iterable[Entry]:
    told = asks.told
    if told is None:
        return
    yield Entry("plan", told.made_at, _("The plan was made"))
    for step in told.done:
        yield Entry("plan", step.at, step.title, step.how)


def _training(session: Session, asks: Asks) -> Iterable[Entry]:
    for booking, on in training.dates_of_person(session, asks.resident_id, made_by=asks.only_ours):
        title = booking.session.course.title_in()
        if on is None:
            yield Entry("training", booking.made_at, title, _(BOOKING_STATES[booking.status]))
            continue
        line = _(", ").join([title, english_line(on), where_of(booking.session, on)])
        status = "session_cancelled" if on.is_off else booking.status
        yield Entry("training", on.starts_at, line, _(BOOKING_STATES[status]))


def _devices(session: Session, asks: Asks) -> Iterable[Entry]:
    for status, at in loans.requests_of_person(session, asks.resident_id, asked_by=asks.only_ours):
        yield Entry("device", at, _("Asked for a device or data"), _(REQUEST_STATES[status]))
    for status, at, _due in loans.loans_of_person(session, asks.resident_id, asked_by=asks.only_ours):
        yield Entry("device", at, _("Borrowed a device or data"), _(words.LOAN_STATES[status]))


def _referrals(session: Session, asks: Asks) -> Iterable[Entry]:
    may_read = policy.REFERRALS.rows("referral.read", asks.principal).label("may_read")
    rows = session.execute(
        select(Referral, may_read).where(
            Referral.resident_id == asks.resident_id, policy.REFERRALS.rows("referral.follow", asks.principal)
        )
    )
    followed = {referral.id: (referral, bool(may_open)) for referral, may_open in rows}
    for referral, may_open in followed.values():
        yield Entry(
            "referral", referral.sent_at or referral.made_at, referral.service.name,
            _(rules.state_words(referral.status, referral.mode)), referral=referral, may_open=may_open,
        )  # fmt: skip
    # That it was sent stands in its own entry, with how it is today.
    turns = select(StatusChange).where(
        StatusChange.noun == Referral.__tablename__,
        StatusChange.row_id.in_(followed),
        StatusChange.after != "sent",
    )
    for turn in session.scalars(turns.order_by(StatusChange.id)):
        referral, may_open = followed[turn.row_id]
        side = turn.actor.partition(" ")[0]
        yield Entry(
            "referral", turn.at, referral.service.name, _(became(turn, side)), referral=referral, is_turn=True,
            by_id={rules.RECEIVER: referral.organisation_id, rules.SENDER: referral.sender_id}.get(side),
            by=_(WHO[side]) if side in WHO else "", may_open=may_open,
        )  # fmt: skip


def _messages(session: Session, asks: Asks) -> Iterable[Entry]:
    if "contact" not in asks.parts:
        return
    ours = asks.principal.organisation_id
    for told in messages.told_by(session, resident_id=asks.resident_id, organisation_id=ours):
        yield Entry("message", told.sent_at, _(told.subject), _(words.CHANNELS[told.channel]))


def _notes(session: Session, asks: Asks) -> Iterable[Entry]:
    rows = session.scalars(
        select(CaseNote)
        .where(CaseNote.resident_id == asks.resident_id, policy.NOTES.rows("note.read", asks.principal))
        .order_by(CaseNote.written_at, CaseNote.id)
    ).all()
    here = {note.id for note in rows}
    for note in rows:
        # An addition whose note is not open to us stands by itself.
        if note.amends_id in here:
            continue
        added = tuple(one for one in rows if one.amends_id == note.id)
        yield Entry("note", _moment_of(note), _(rules.NOTE_KINDS[note.kind]), note=note, added=added)


def _moment_of(note: CaseNote) -> datetime:
    """When it was typed; of one typed in later the end of the day it happened, for its hour is not known."""
    if note.happened_on == note.written_at.astimezone(LONDON).date():
        return note.written_at
    return datetime.combine(note.happened_on, time(23, 59), LONDON)


def _tasks(session: Session, asks: Asks) -> Iterable[Entry]:
    for task in _tasks_of(session, asks, is_open=False):
        title = (asks.sees_name and task.words) or _(rules.TASK_KINDS[task.kind])
        how = words.TASK_DONE.get(task.done_how or "", words.TASK_DONE["done"])
        yield Entry("task", task.done_at or task.made_at, title, _(how), task=task)


def _tasks_of(session: Session, asks: Asks, *, is_open: bool) -> Sequence[CaseTask]:
    state = CaseTask.done_at.is_(None) if is_open else CaseTask.done_at.is_not(None)
    rows = select(CaseTask).where(
        CaseTask.resident_id == asks.resident_id, state, policy.TASKS.rows("task.work", asks.principal)
    )
    return session.scalars(rows.order_by(CaseTask.due_on, CaseTask.id)).all()


def open_tasks(session: Session, asks: Asks) -> Sequence[CaseTask]:
    """What is still to be done, the first day first."""
    return _tasks_of(session, asks, is_open=True)


def _files(session: Session, asks: Asks) -> Iterable[Entry]:
    rows = session.scalars(
        select(CaseFile).where(
            CaseFile.resident_id == asks.resident_id, policy.FILES.rows("file.read", asks.principal)
        )
    )
    for file in rows:
        yield Entry("file", file.added_at, file.name, file=file)


SOURCES: dict[str, Callable[[Session, Asks], Iterable[Entry]]] = {
    "plan": _steps,
    "training": _training,
    "device": _devices,
    "referral": _referrals,
    "message": _messages,
    "note": _notes,
    "task": _tasks,
    "file": _files,
}


def names_of(session: Session, entries: Iterable[Entry], tasks: Iterable[CaseTask]) -> dict[int, str]:
    """Who of the staff wrote, sent or owns what a page shows, by number."""
    rows: list[Any] = [row for entry in entries for row in (entry.note, entry.file, *entry.added) if row]
    numbers = {row.author_id for row in rows} | {task.owner_id for task in tasks}
    found = session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(numbers - {None})))
    return {row.id: row.name for row in found}


def organisations_of(session: Session, entries: Iterable[Entry]) -> dict[int, str]:
    """The organisations a page names: who receives or sent a referral, whose note it is."""
    numbers: set[int | None] = set()
    for entry in entries:
        if entry.referral is not None:
            numbers |= {entry.referral.organisation_id, entry.referral.sender_id}
        if entry.note is not None:
            numbers.add(entry.note.organisation_id)
    rows = select(Organisation.id, Organisation.name).where(Organisation.id.in_(numbers - {None}))
    return {row.id: row.name for row in session.execute(rows)}
