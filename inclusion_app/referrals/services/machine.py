"""What moves a referral on: one door, `act`, for the pages of the staff, a partner's link, the person themself and the clock.

Whatever is done is done in one transaction: the state by the table (rules.MOVES), its facts, who and when, the place of the
service it holds, the clock that runs next, the task a dead end makes, and what everybody is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Staff
from inclusion_app.core import history, registry
from inclusion_app.core.clock import LONDON
from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import LOST
from inclusion_app.core.history import StatusChange
from inclusion_app.core.words import N_
from inclusion_app.people.models import Consent, Restriction
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseTask,
    CityService,
    PartnerLink,
    Referral,
    ReferralNote,
    ReferralWords,
)
from inclusion_app.referrals.services import owning, telling

FULL = N_("The last place has just been taken. Put them on the waiting list, or say no.")
SOMEBODY_WAS_QUICKER = N_("%(name)s was quicker: it is “%(state)s” now.")
NO_YES = N_("The person does not share this any more.")
# Also said where the person keeps away from whoever runs it: nobody learns that from here.
SERVICE_CLOSED = N_("This service takes nobody any more. Choose another one.")
THERE_ALREADY = N_("They are referred there already. Look at that one.")
CHOOSE_REASON = N_("Choose a reason.")
CHOOSE_WHO = N_("Choose who says no.")
CHOOSE_OUTCOME = N_("Choose how it ended.")
CHOOSE_DAY = N_("Write the day you promise, up to a year ahead.")
CHOOSE_SERVICE = N_("Choose the better service.")
WRITE_QUESTION = N_("Write your question.")
WRITE_ANSWER = N_("Write your answer.")
TOO_LONG = N_("Write at most 1000 letters.")
LONGEST_WAIT = 366  # days

# What is typed with an action, and whether it must be.
WORDS_OF: Mapping[str, str] = {
    "ask": "question", "answer": "answer", "decline": "said_no", "reroute": "better", "close": "ended", "reopen": "again",
}  # fmt: skip
# A place of the service is held from the yes to the end.
HOLDS = frozenset({"accepted", "active"})


@dataclass(frozen=True)
class Said:
    """What was chosen and typed with an action: codes of rules, a day, another service, words."""

    words: str = ""
    reason: str = ""
    by: str = "provider"
    outcome: str = ""
    promised_on: date | None = None
    better_id: int | None = None
    # Reopening is a new sharing, so it comes with a new yes.
    consent_id: int | None = None


NOTHING = Said()


def stands(referral: Referral) -> dict[str, Any]:
    """What the table of moves asks about a referral (rules.leads_to, rules.actions_for)."""
    return {
        "state": referral.status, "mode": referral.mode, "asked_from": referral.asked_from or "",
        "has_sender": referral.sender_id is not None,
    }  # fmt: skip


def act(
    session: Session,
    *,
    referral: Referral,
    actor: str,
    action: str,
    now: datetime,
    staff_id: int | None = None,
    said: Said = NOTHING,
) -> None:
    """Do one thing to a referral. Raises RuleBroken where this actor may not do it now, at the field of what is missing,
    when the service is full, and with the name of whoever was quicker.
    """
    session.flush()
    session.refresh(referral, with_for_update={"of": Referral})
    before = referral.status
    to = rules.leads_to(actor=actor, action=action, **stands(referral))
    if to is None:
        raise _too_late(session, referral)
    if actor == rules.RESIDENT and staff_id is not None and referral.resident_id is not None:
        # It was put on their record in this moment: nobody of the staff takes it back for them any more.
        raise RuleBroken(CHANGED_ALREADY)
    for broken in what_is_missing(session, referral, action, said, now=now):
        raise broken
    if actor == rules.RECEIVER and action != "reopen" and not has_live_consent(session, referral, now):
        raise RuleBroken(NO_YES)
    try:
        with session.begin_nested():
            _hold_place(session, referral, before=before, to=to)
            _write_facts(referral, action=action, before=before, to=to, said=said, staff_id=staff_id, now=now)
            history.move(
                session, referral, to, actor=_signed(actor, staff_id), now=now, why=_why(action, said)
            )
            session.flush()
    except IntegrityError:
        if action != "reopen":
            raise
        # Somebody sent them there in the same moment.
        raise RuleBroken(THERE_ALREADY) from None
    if to in rules.OPEN:
        owning.settle_owner(session, referral)
    _run_clock(session, referral, action=action, before=before, said=said, now=now)
    if said.words.strip() and action in WORDS_OF:
        session.add(
            ReferralWords(
                referral_id=referral.id, kind=WORDS_OF[action], words=said.words.strip(), at=now, staff_id=staff_id
            )
        )  # fmt: skip
    session.flush()
    if to not in rules.LIVE:
        _end(session, referral, now)
    elif action == "reopen":
        # The new yes was said to no note. Until now they stood there as what somebody has read (see staff_notes).
        rows_changed(session, delete(ReferralNote).where(ReferralNote.referral_id == referral.id))
    _make_tasks(session, referral, now)
    telling.turn(session, referral, action=action, actor=actor, now=now)


def what_is_missing(
    session: Session, referral: Referral, action: str, said: Said, *, now: datetime
) -> list[RuleBroken]:
    """All that is not chosen or typed as this action asks, each at its field."""
    found: list[RuleBroken] = []
    words = said.words.replace(LOST, "").strip()
    if len(words) > rules.ANSWER_LONGEST:
        found.append(RuleBroken(TOO_LONG, field="words"))
    today = now.astimezone(LONDON).date()
    if action == "ask" and not words:
        found.append(RuleBroken(WRITE_QUESTION, field="words"))
    if action == "answer" and not words:
        found.append(RuleBroken(WRITE_ANSWER, field="words"))
    if action == "decline" and said.reason not in rules.DECLINED_FOR:
        found.append(RuleBroken(CHOOSE_REASON, field="reason"))
    if action == "decline" and said.by not in rules.DECLINED_BY:
        found.append(RuleBroken(CHOOSE_WHO, field="by"))
    if action == "close" and said.outcome not in rules.OUTCOMES:
        found.append(RuleBroken(CHOOSE_OUTCOME, field="outcome"))
    if action == "waitlist" and not (
        said.promised_on and 0 <= (said.promised_on - today).days <= LONGEST_WAIT
    ):
        found.append(RuleBroken(CHOOSE_DAY, field="promised_on"))
    if action == "reopen" and said.reason not in rules.REOPENED_FOR:
        found.append(RuleBroken(CHOOSE_REASON, field="reason"))
    if action == "reopen" and not _is_yes_for(session, referral, said.consent_id, now):
        found.append(RuleBroken(NO_YES, field="consent"))
    if action == "reopen" and takes_nobody(session, referral.service, referral.resident_id):
        found.append(RuleBroken(SERVICE_CLOSED))
    elif action == "reopen" and _is_there_already(session, referral):
        found.append(RuleBroken(THERE_ALREADY))
    if action == "reroute" and not _is_another_service(session, referral, said.better_id):
        found.append(RuleBroken(CHOOSE_SERVICE, field="better"))
    return found


def _is_another_service(session: Session, referral: Referral, service_id: int | None) -> bool:
    known = select(CityService.id).where(CityService.id == service_id, CityService.closed_at.is_(None))
    return service_id != referral.service_id and session.scalar(known) is not None


def takes_nobody(session: Session, service: CityService, resident_id: int | None) -> bool:
    """A service that is closed, or whose organisation is, or which this person keeps away from themself."""
    if service.closed_at is not None or service.organisation.closed_at is not None:
        return True
    kept = exists().where(
        Restriction.resident_id == resident_id, Restriction.organisation_id == service.organisation_id
    )
    return bool(session.scalar(select(kept)))


def _is_there_already(session: Session, referral: Referral) -> bool:
    """Another referral of this person to this service lives."""
    if referral.resident_id is None:
        return False
    beside = live_of(referral.resident_id).where(
        Referral.service_id == referral.service_id, Referral.id != referral.id
    )
    return session.scalar(select(beside.exists())) or False


def _is_yes_for(session: Session, referral: Referral, consent_id: int | None, now: datetime) -> bool:
    if referral.mode == "signposted" or referral.resident_id is None:
        return True
    given = select(Consent.id).where(
        Consent.id == consent_id,
        Consent.resident_id == referral.resident_id,
        Consent.organisation_id == referral.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > now,
    )
    return session.scalar(given) is not None


def has_live_consent(session: Session, referral: Referral, now: datetime) -> bool:
    """Rule (b): the yes holds now. A public referral was sent by whoever it is about, or for them, and needs none."""
    return referral.resident_id is None or _is_yes_for(session, referral, referral.consent_id, now)


def _signed(actor: str, staff_id: int | None) -> str:
    """Who did it, as the history keeps it: never a name."""
    return f"{actor} {staff_id}" if staff_id is not None else actor


def _why(action: str, said: Said) -> str:
    return said.outcome if action == "close" else said.reason


def _too_late(session: Session, referral: Referral) -> RuleBroken:
    """Who did what they wanted to do, where somebody of the staff did."""
    last = (
        select(StatusChange.actor)
        .where(StatusChange.noun == Referral.__tablename__, StatusChange.row_id == referral.id)
        .order_by(StatusChange.id.desc())
        .limit(1)
    )
    _actor, _space, number = (session.scalar(last) or "").partition(" ")
    staff = session.get(Staff, int(number)) if number.isdigit() else None
    if staff is None:
        return RuleBroken(CHANGED_ALREADY)
    return RuleBroken(SOMEBODY_WAS_QUICKER, name=staff.name, state=rules.STATES[referral.status])


def _hold_place(session: Session, referral: Referral, *, before: str, to: str) -> None:
    """One statement takes the place, if there is one; the table's own constraint has the last word. A question keeps it."""
    wants = to in HOLDS or (to == "needs_info" and before in HOLDS)
    if wants == referral.holds_place:
        return
    counter = update(CityService).where(CityService.id == referral.service_id)
    if wants:
        free = (CityService.places.is_(None)) | (CityService.taken < CityService.places)
        if rows_changed(session, counter.where(free).values(taken=CityService.taken + 1)) != 1:
            raise RuleBroken(FULL)
    else:
        rows_changed(session, counter.values(taken=CityService.taken - 1))
    session.expire(referral.service, ["taken"])
    referral.holds_place = wants


def _write_facts(
    referral: Referral, *, action: str, before: str, to: str, said: Said, staff_id: int | None, now: datetime
) -> None:
    """The facts that go with the state; what belongs to another state goes."""
    referral.asked_from = before if to == "needs_info" else None
    referral.promised_on = said.promised_on if to == "waitlisted" else None
    referral.declined_for, referral.declined_by = (said.reason, said.by) if to == "declined" else (None, None)
    referral.outcome = said.outcome if to == "closed" else None
    referral.ended_at = now if to not in rules.LIVE else None
    if action == "reroute":
        referral.better_id = said.better_id
    if to == "sent":
        referral.sent_at = now
    if action in {"acknowledge", "accept", "waitlist", "decline", "reroute"}:
        referral.acknowledged_at = referral.acknowledged_at or now
    if action in {"accept", "waitlist", "decline", "reroute"}:
        referral.decided_at = referral.decided_at or now
    if action == "begin":
        referral.contacted_at = now
    if action == "reopen":
        referral.consent_id = said.consent_id
    if action in {"acknowledge", "accept"} and staff_id is not None:
        referral.owner_id = referral.owner_id or staff_id


def _run_clock(
    session: Session, referral: Referral, *, action: str, before: str, said: Said, now: datetime
) -> None:
    """Which clock runs now. A question stops it; the answer lets it run on with what was left."""
    holidays = registry.holidays(session)
    if referral.mode == "signposted":
        return
    if action == "ask":
        referral.clock_stopped_at = now
        return
    if (
        action in rules.ENDS_QUESTION
        and referral.clock_due is not None
        and referral.clock_stopped_at is not None
    ):
        due = rules.moved_on(
            referral.clock_due, stopped_at=referral.clock_stopped_at, now=now, holidays=holidays
        )
        if referral.clock_since is not None:
            # As if it had begun later: the time of the question is none of what has run, or it would be nudged too soon.
            run = rules.worked_between(referral.clock_since, referral.clock_stopped_at, holidays)
            referral.clock_since = rules.began_before(now, run, holidays)
        referral.clock_due, referral.clock_stopped_at = due, None
        return
    clock = rules.CLOCK_OF.get(referral.status)
    referral.clock_stopped_at, referral.nudged = None, 0
    if clock is None:
        referral.clock_since = referral.clock_due = None
        return
    referral.clock_since = now
    referral.clock_due = rules.clock_ends(
        clock, since=now, is_urgent=referral.urgency == "urgent", holidays=holidays, promised=said.promised_on
    )


def _end(session: Session, referral: Referral, now: datetime) -> None:
    """What was shared for it is shared no more; no link opens it; nothing of it is nudged."""
    if referral.consent_id is not None:
        ending = update(Consent).where(Consent.id == referral.consent_id, Consent.withdrawn_at.is_(None))
        rows_changed(session, ending.values(withdrawn_at=now))
    links = update(PartnerLink).where(PartnerLink.referral_id == referral.id, PartnerLink.ended_at.is_(None))
    rows_changed(session, links.values(ended_at=now))


def _make_tasks(session: Session, referral: Referral, now: datetime) -> None:
    """Rule (a), no dead end; and whoever was only told where to go is asked later whether it helped."""
    today, holidays = now.astimezone(LONDON).date(), registry.holidays(session)
    is_urgent = referral.urgency == "urgent"
    if referral.status not in rules.LIVE:
        # What was still to be done for it is done with it.
        done = update(CaseTask).where(
            CaseTask.referral_id == referral.id, CaseTask.kind == "find_out", CaseTask.done_at.is_(None)
        )
        rows_changed(session, done.values(done_at=now, done_how="ended"))
    if rules.needs_follow_up(
        referral.status, outcome=referral.outcome or "", declined_by=referral.declined_by or ""
    ):
        due = rules.follow_up_on(today, is_urgent=is_urgent, holidays=holidays)
        make_task(session, referral=referral, kind="another_way", due_on=due, now=now)
    elif referral.status == "sent" and referral.mode == "signposted":
        make_task(session, referral=referral, kind="find_out", due_on=today + rules.FIND_OUT, now=now)


def make_task(session: Session, *, referral: Referral, kind: str, due_on: date, now: datetime) -> CaseTask:
    """A dated task for whoever sent it; of a public referral for who has it at its receiver. Each end makes one of its own.

    Whom the person keeps away gets none: it is nobody's then, for their colleagues to see.
    """
    turns = select(func.count()).where(
        StatusChange.noun == Referral.__tablename__, StatusChange.row_id == referral.id
    )
    had = (
        [referral.sender_staff_id]
        if referral.sender_id
        else [referral.owner_id, referral.service.duty_staff_id]
    )
    task = CaseTask(
        key=f"{kind} {referral.id} {session.scalar(turns)}", kind=kind, due_on=due_on, made_at=now,
        organisation_id=referral.sender_id or referral.organisation_id,
        owner_id=owning.first_not_kept(session, referral.resident_id, *had), resident_id=referral.resident_id,
        referral_id=referral.id,
    )  # fmt: skip
    session.add(task)
    session.flush()
    return task


# --- the clock and the person


def live_of(resident_id: int) -> Select[Referral]:
    """Live referrals of one person, to whomever."""
    return select(Referral).where(
        Referral.resident_id == resident_id, Referral.status.in_(sorted(rules.LIVE))
    )


def unshared(now: datetime) -> ColumnElement[bool]:
    """What a referral of somebody lived by has ended: their yes was taken back or has run out, or they keep its receiver
    away. What stands on no record lives by no yes, and is not asked about.
    """
    lives = exists().where(
        Consent.id == Referral.consent_id,
        Consent.resident_id == Referral.resident_id,
        Consent.organisation_id == Referral.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > now,
    )
    ended = and_(Referral.mode != "signposted", ~lives)
    kept = exists().where(
        Restriction.resident_id == Referral.resident_id,
        Restriction.organisation_id == Referral.organisation_id,
    )
    return or_(ended, kept)


def withdraw_unshared(session: Session, *, resident_id: int, now: datetime) -> int:
    """The person shares less than they did: every live referral that lived by what ended is taken back. Returns how many."""
    found = session.scalars(live_of(resident_id).where(unshared(now)).order_by(Referral.id)).all()
    for referral in found:
        act(session, referral=referral, actor=rules.RESIDENT, action="withdraw", now=now)
    return len(found)


def share_less(session: Session, *, resident_id: int, now: datetime) -> None:
    """What the person does not share any more, or with whom, ends here too: referrals, and who looks after what is left."""
    withdraw_unshared(session, resident_id=resident_id, now=now)
    kept = exists().where(Restriction.resident_id == resident_id, Restriction.staff_id == CaseTask.owner_id)
    tasks = select(CaseTask).where(CaseTask.resident_id == resident_id, CaseTask.done_at.is_(None), kept)
    for task in session.scalars(tasks):
        task.owner_id = None
    for referral in session.scalars(live_of(resident_id).order_by(Referral.id)).all():
        if owning.settle_owner(session, referral):
            telling.owner_went(session, referral, now=now)


def who_shares_no_more(now: datetime) -> Select[int]:
    """Numbers of people of whom something lives on that lived by a yes which has run out, or came back from a copy."""
    left = select(Referral.resident_id).where(Referral.resident_id.is_not(None), unshared(now))
    return left.where(Referral.status.in_(sorted(rules.LIVE))).distinct()  # type: ignore[return-value]


def overdue(now: datetime) -> Select[int]:
    """Numbers of the referrals whose clock has run, in part or wholly, and does not stand still."""
    return (
        select(Referral.id)
        .where(
            Referral.clock_since < now, Referral.clock_due.is_not(None), Referral.clock_stopped_at.is_(None)
        )
        .order_by(Referral.clock_due, Referral.id)
    )


def asked(now: datetime) -> Select[int]:
    """Numbers of the referrals that wait for the answer to a question."""
    waits = Referral.status == "needs_info", Referral.clock_stopped_at < now
    return select(Referral.id).where(*waits).order_by(Referral.clock_stopped_at, Referral.id)


def reminder_due(session: Session, referral: Referral, *, now: datetime) -> int:
    """Which reminder of a question is due now and was not given: 2 or 5 working days, or 0."""
    if referral.status != "needs_info" or referral.clock_stopped_at is None:
        return 0
    days = rules.reminder_due(
        asked_at=referral.clock_stopped_at, now=now, holidays=registry.holidays(session)
    )
    return days if days and not telling.was_reminded(session, referral, days) else 0


def remind(session: Session, *, referral_id: int, now: datetime) -> str:
    """Remind whoever was asked something. A question stops the clock, so nothing else would ever come of it.

    Returns `remind 2`, `remind 5` or nothing. The same pass twice does it once.
    """
    referral = session.get(Referral, referral_id, with_for_update={"of": Referral})
    days = reminder_due(session, referral, now=now) if referral is not None else 0
    if referral is None or not days:
        return ""
    telling.remind(session, referral, days)
    return f"remind {days}"


def tick(session: Session, *, referral_id: int, now: datetime) -> str:
    """Nudge whoever has to answer, at half, at four fifths and at the end; let it lapse where nobody did.

    Returns what was done: `nudge 50`, `lapse` or nothing. The same pass twice does it once.
    """
    referral = session.get(Referral, referral_id, with_for_update={"of": Referral})
    if referral is None or referral.clock_due is None or referral.clock_since is None:
        return ""
    if referral.clock_stopped_at is not None:
        return ""
    holidays = registry.holidays(session)
    may_lapse = rules.leads_to(actor=rules.CLOCK, action="lapse", **stands(referral))
    if may_lapse and now >= rules.lapses_at(referral.clock_due, holidays):
        act(session, referral=referral, actor=rules.CLOCK, action="lapse", now=now)
        return "lapse"
    nudge = rules.nudge_due(since=referral.clock_since, due=referral.clock_due, now=now, holidays=holidays)
    raising = update(Referral).where(Referral.id == referral.id, Referral.nudged < nudge)
    if not nudge or rows_changed(session, raising.values(nudged=nudge)) != 1:
        return ""
    session.expire(referral, ["nudged"])
    telling.nudge(session, referral, nudge, now=now)
    return f"nudge {nudge}"
