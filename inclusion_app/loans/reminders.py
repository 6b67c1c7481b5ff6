"""What the worker does for loans: serve the queue, end offers, remind of what is due, warn of data, ask how it goes.

Called inside an application context. A look decides whether there is anything to do, so that a quiet minute takes no
lock. What is told is told once, by its key; a loan that ended or was kept longer takes its reminders with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from inclusion_app.core import clock
from inclusion_app.core.clock import LONDON, moment
from inclusion_app.core.db import reading, rows_changed, transaction
from inclusion_app.loans.models import Loan, LoanRequest, Sim, SimUse
from inclusion_app.loans.rules import DATA_WARNED, LADDER, reminders_due
from inclusion_app.loans.services import offers, renewals, requests_decide, telling
from inclusion_app.messages import services as messages
from inclusion_app.messages.models import Message
from inclusion_app.messages.sending import settings_now

# --- until when, data, how it goes

# Somebody answers KEEP to a reminder.
messages.ANSWERS["keep"] = lambda session, numbers, now: renewals.keep_by_text(
    session, resident_ids=numbers, now=now
)
# As many as are put in one transaction: their loans are locked meanwhile.
AT_ONCE = 100
# In the day only: a message that waits overnight says tomorrow what was true today.
HOURS = (time(9), time(19))
LAST_STEP = timedelta(days=14)
ASKED_WITHIN = timedelta(weeks=4)


@dataclass(frozen=True)
class Due:
    """One thing to tell about one loan. `step` is the day of the ladder, or how many days the data still lasts."""

    loan_id: int
    key: str
    step: int = 0
    way: str = ""
    use_id: int = 0


def remind() -> int:
    """Put every step of the ladder that is due, each once. Returns how many."""
    return _each(due_back, put_due_back)


def warn_of_data() -> int:
    """Tell whose data ends in two weeks, and in three days. Returns how many."""
    return _each(data_ending, put_data_ending)


def ask_how_it_goes() -> int:
    """Four weeks after a device or SIM somebody is asked how it goes; once, and nobody has to answer. Returns how many."""
    return _each(to_ask, put_question)


Find = Callable[[Session, datetime], Sequence[Due]]
Put = Callable[[Session, Sequence[Due], datetime], int]


def _each(find: Find, put: Put) -> int:
    now = clock.now()
    if not HOURS[0] <= now.astimezone(LONDON).time() < HOURS[1]:
        return 0
    with reading() as session:
        due = find(session, now)
    told = 0
    for begin in range(0, len(due), AT_ONCE):
        with transaction() as session:
            told += put(session, due[begin : begin + AT_ONCE], clock.now())
    return told


def _untold(session: Session, found: Sequence[Due]) -> list[Due]:
    """What was not put before, by its key."""
    known: set[str] = set()
    for begin in range(0, len(found), 500):
        keys = [f"loan {one.key}" for one in found[begin : begin + 500]]
        known.update(session.scalars(select(Message.key).where(Message.key.in_(keys))))
    return [one for one in found if f"loan {one.key}" not in known]


def _locked(session: Session, due: Sequence[Due]) -> dict[int, tuple[Loan, LoanRequest]]:
    """The loans of these that still go on. One that somebody ends or renews at this moment is left for the next time."""
    wanted = (
        select(Loan, LoanRequest)
        .join(LoanRequest, LoanRequest.id == Loan.loan_request_id)
        .where(Loan.id.in_([one.loan_id for one in due]), Loan.status == "active")
        .with_for_update(of=Loan, key_share=True, skip_locked=True)
    )
    return {loan.id: (loan, request) for loan, request in session.execute(wanted).all()}


def key_of_step(loan_id: int, due_on: date, step: int) -> str:
    """By its day: when that moves, every step is new."""
    return f"remind {loan_id} {due_on.isoformat()} {step}"


def due_back(session: Session, now: datetime) -> list[Due]:
    """Whom to remind today, by the ladder; who is due first comes first."""
    today = now.astimezone(LONDON).date()
    earliest = today - timedelta(days=LADDER[-1][0]) - LAST_STEP
    wanted = select(Loan.id, Loan.due_on, Loan.issued_at).where(
        Loan.status == "active",
        Loan.loan_request_id.is_not(None),
        Loan.due_on.between(earliest, today - timedelta(days=LADDER[0][0])),
    )
    found = []
    for number, due_on, issued_at in session.execute(wanted.order_by(Loan.due_on, Loan.id)):
        step = reminders_due(due_on, issued_at.astimezone(LONDON).date(), today)
        if step is not None:
            found.append(Due(number, key_of_step(number, due_on, step[0]), *step))
    return _untold(session, found)


def put_due_back(session: Session, due: Sequence[Due], now: datetime) -> int:
    """Put these steps. A letter goes to who can have one, a call to who may be called; the others are told by their way."""
    loans, told = _locked(session, due), 0
    for one in due:
        if one.loan_id not in loans:
            continue
        loan, request = loans[one.loan_id]
        if one.key != key_of_step(loan.id, loan.due_on, one.step):
            continue
        template = _template(session, request, one, now)
        if template is None:
            continue
        over = next((step for step, _way in LADDER if step > one.step), one.step + LAST_STEP.days)
        telling.tell(
            session, request, template, key=one.key, now=now, day=loan.due_on.isoformat(),
            useful_until=moment(loan.due_on + timedelta(days=over), time()),
        )  # fmt: skip
        told += 1
    return told


def _template(session: Session, request: LoanRequest, one: Due, now: datetime) -> str | None:
    # A provider that hands us what people answer also takes a word for it.
    can_answer = bool(settings_now().notify_callback_token)
    asks = "_keep" if can_answer and _by_text(session, request, now) else ""
    if one.step < -1:
        return f"loan_due_soon{asks}"
    if one.step < 0:
        # A day before, who is told by letter only was told a week ago.
        by_letter = telling.own_way(session, request, now, channels=("letter",)).route is not None
        quick = telling.own_way(session, request, now, channels=("email", "sms", "call")).route is not None
        return f"loan_due_now{asks}" if quick or not by_letter else None
    if one.way in {"letter", "call"} and telling.own_way(session, request, now, channels=(one.way,)).route:
        return f"loan_late_{one.way}"
    return "loan_late"


def _by_text(session: Session, request: LoanRequest, now: datetime) -> bool:
    route = telling.own_way(session, request, now).route
    return route is not None and route.channel == "sms"


def data_ending(session: Session, now: datetime) -> list[Due]:
    """SIMs inside a loan whose data ends within two weeks, and again within three days."""
    today = now.astimezone(LONDON).date()
    wanted = (
        select(SimUse.id, SimUse.loan_id, Sim.data_until)
        .join(Sim, Sim.id == SimUse.sim_id)
        .join(Loan, Loan.id == SimUse.loan_id)
        .where(
            SimUse.until_at.is_(None),
            Loan.status == "active",
            Loan.loan_request_id.is_not(None),
            Sim.data_until.between(today, today + timedelta(days=max(DATA_WARNED))),
        )
    )
    found = []
    for use_id, loan_id, until in session.execute(wanted.order_by(Sim.data_until, SimUse.id)):
        if until is None:
            continue
        step = min(days for days in DATA_WARNED if (until - today).days <= days)
        found.append(Due(loan_id, f"data {use_id} {until.isoformat()} {step}", step, use_id=use_id))
    return _untold(session, found)


def put_data_ending(session: Session, due: Sequence[Due], now: datetime) -> int:
    """Put these warnings; a SIM that was swapped meanwhile is not spoken of."""
    loans, told = _locked(session, due), 0
    for one in due:
        use = session.get(SimUse, one.use_id)
        if use is None or use.until_at is not None or use.sim.data_until is None or one.loan_id not in loans:
            continue
        until = use.sim.data_until
        telling.tell(
            session, loans[one.loan_id][1], "loan_data_ends", key=one.key, now=now, day=until.isoformat(),
            useful_until=moment(until + timedelta(days=1), time()),
        )  # fmt: skip
        rows_changed(session, update(SimUse).where(SimUse.id == use.id).values(warned_for=until))
        told += 1
    return told


def to_ask(session: Session, now: datetime) -> list[Due]:
    """Whom nobody asked yet how it goes."""
    today = now.astimezone(LONDON).date()
    wanted = select(Loan.id).where(
        Loan.status == "active",
        Loan.loan_request_id.is_not(None),
        Loan.outcome_asked_at.is_(None),
        Loan.follow_up_on.between(today - ASKED_WITHIN, today),
    )
    return _untold(session, [Due(number, f"how {number}") for number in session.scalars(wanted)])


def put_question(session: Session, due: Sequence[Due], now: datetime) -> int:
    """Put these questions."""
    loans = _locked(session, due)
    for number, (_loan, request) in loans.items():
        telling.tell(
            session, request, "loan_how_is_it", key=f"how {number}", now=now, useful_until=now + ASKED_WITHIN
        )
    return len(loans)


# --- the queue


def serve_and_lapse(now: datetime) -> int:
    """End offers and questions whose time is over, keep another unit where one broke, and offer what is free.

    Returns how many were ended, mended and made.
    """
    with reading() as session:
        is_unanswered = session.scalar(requests_decide.unanswered(now).limit(1)) is not None
        is_over = session.scalar(offers.offers_over(now).limit(1)) is not None
        is_unready = bool(offers.unready(session))
    done = 0
    if is_unanswered:
        with transaction() as session:
            done += requests_decide.expire_unanswered(session, now=now)
    if is_over:
        with transaction() as session:
            done += offers.lapse_offers(session, now=now)
    if is_unready:
        with transaction() as session:
            done += offers.mend_offers(session, now=now)
    with reading() as session:
        queues = [pair for pair in offers.models_to_serve(session) if offers.could_serve(session, *pair)]
    for organisation_id, model_id in queues:
        with transaction() as session:
            done += offers.serve(session, organisation_id=organisation_id, model_id=model_id, now=now)
    return done
