"""A complaint, thanks or correction: sent by a resident, taken and answered by one named person.

Whoever answers reads the words, and no other fact of the person: not even their name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core import attempts, events
from inclusion_app.core.access import Principal, record_act
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.forms import JOINERS, LOST
from inclusion_app.core.retention_runs import keep
from inclusion_app.core.words import N_
from inclusion_app.people import services
from inclusion_app.people.feedback_policy import TABLE, answers
from inclusion_app.people.models import Consent, ContactRoute, Feedback
from inclusion_app.people.my_record_words import ANSWER_LENGTH, CITY, FEEDBACK_LENGTH, KINDS

CHOOSE_KIND = N_("Choose what you want to say.")
CHOOSE_WHO = N_("Choose who should read it.")
WRITE_SOMETHING = N_("Write a few words.")
TOO_LONG = N_("This is too long. Use 2,000 letters at most.")
TOO_MANY = N_("You sent many messages today. Try again tomorrow.")
TAKEN = N_("Somebody else answers this already.")
# Enough for anybody with something to say, and no flood for whoever answers.
FEEDBACK_A_DAY = attempts.Limit("feedback", 10, timedelta(days=1), timedelta(hours=12), timedelta(days=1))


def organisations_to_tell(session: Session, *, resident_id: int) -> list[tuple[Organisation, str]]:
    """Where this resident may send something, each with the first name of who reads it there.

    Every organisation they ever shared something with: a complaint often comes after that was ended. Not where
    nobody is left to answer, nor where all who answer are kept from them; the city's officer reads instead.
    """
    rows = session.execute(
        select(Organisation, Staff)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .join(Staff, Staff.id == Membership.staff_id)
        .where(
            Organisation.id.in_(select(Consent.organisation_id).where(Consent.resident_id == resident_id)),
            *answers(resident_id),
        )
        .order_by(Organisation.name, Membership.since_at, Staff.id)
    )
    found: dict[int, tuple[Organisation, str]] = {}
    for organisation, person in rows:
        found.setdefault(organisation.id, (organisation, first_name(person.name)))
    return list(found.values())


def first_name(name: str) -> str:
    """What a member of staff is called on a resident's page."""
    return (name.split() or [""])[0]


def who_reads(session: Session, feedback: Feedback) -> str:
    """The first name of who reads or answered one message; empty for the city's officer until they took it."""
    owner = session.get(Staff, feedback.owner_id) if feedback.owner_id else None
    if owner is not None:
        return first_name(owner.name)
    readers = _readers(session, feedback)
    return first_name(readers[0].name) if readers and feedback.organisation_id else ""


def _readers(session: Session, feedback: Feedback) -> Sequence[Staff]:
    """Those with whom it waits: the admins of the organisation, or the officers of the city."""
    readers = (
        select(Staff)
        .join(Membership, Membership.staff_id == Staff.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .order_by(Membership.since_at, Staff.id)
    )
    if feedback.organisation_id is None:
        return session.scalars(readers.where(*answers(feedback.resident_id, "data_protection"))).all()
    of_it = Membership.organisation_id == feedback.organisation_id
    return session.scalars(readers.where(of_it, *answers(feedback.resident_id))).all()


def problems_with(*, kind: str, to: str, readers: Collection[str], words: str) -> list[RuleBroken]:
    """All that is wrong with a message before it is sent, each at its field: `kind`, `to` or `words`.

    `to` is the number of an organisation or CITY, one of `readers`.
    """
    found = []
    if kind not in KINDS:
        found.append(RuleBroken(CHOOSE_KIND, field="kind"))
    if to not in readers:
        found.append(RuleBroken(CHOOSE_WHO, field="to"))
    length = len(plain_words(words))
    if not 0 < length <= FEEDBACK_LENGTH:
        found.append(RuleBroken(TOO_LONG if length else WRITE_SOMETHING, field="words"))
    return found


def send_feedback(
    session: Session,
    *,
    resident_id: int,
    organisation_id: int | None,
    kind: str,
    words: str,
    language: str,
    link: str,
    now: datetime,
) -> Feedback:
    """Send a few words to an organisation, or (None) to the city's data-protection officer; who reads it is told.

    `link` leads the staff to it. Raises RuleBroken at `kind`, `to` or `words`, or without a field for too many a day.
    """
    readers = [
        organisation.id for organisation, _name in organisations_to_tell(session, resident_id=resident_id)
    ]
    for problem in problems_with(
        kind=kind, to=CITY if organisation_id is None else str(organisation_id),
        readers=[CITY, *map(str, readers)], words=words,
    ):  # fmt: skip
        raise problem
    words = plain_words(words)
    key = keyed_hash("attempt-feedback", str(resident_id))
    if not attempts.claim(session, key_hash=key, limit=FEEDBACK_A_DAY, now=now):
        raise RuleBroken(TOO_MANY)
    feedback = Feedback(
        resident_id=resident_id, organisation_id=organisation_id, kind=kind, words=words, language=language, made_at=now
    )  # fmt: skip
    session.add(feedback)
    session.flush()
    services.note(session, resident_id, "send feedback", ("feedback",), now)
    for person in _readers(session, feedback):
        events.publish(
            session,
            events.MessageWanted(
                key=f"feedback-{feedback.id}-{person.id}",
                template="staff_feedback",
                params={"link": link},
                staff_id=person.id,
            ),
        )
    return feedback


def plain_words(text: str | None) -> str:
    """Typed words with their lines, without the signs nobody sees but those a letter needs."""
    kept = "".join(
        sign
        for sign in text or ""
        if sign != LOST and (sign == "\n" or sign.isprintable() or sign in JOINERS)
    )
    return "\n".join(line.strip() for line in kept.splitlines()).strip()


def take_feedback(session: Session, *, principal: Principal, feedback: Feedback, now: datetime) -> None:
    """This person answers it from now on: of two who press at once, one. Raises RuleBroken for the other."""
    won = session.execute(
        update(Feedback)
        .where(
            Feedback.id == feedback.id,
            Feedback.owner_id.is_(None),
            Feedback.answered_at.is_(None),
            TABLE.rows("feedback.answer", principal),
        )
        .values(owner_id=principal.staff_id)
        .execution_options(synchronize_session=False)
    )
    if won.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(TAKEN)
    _act(session, principal, "take feedback", feedback, now)


def give_back_feedback(session: Session, *, principal: Principal, feedback: Feedback, now: datetime) -> None:
    """Somebody else may answer it. Whoever may answer may also take it out of the hands of one who is away.

    Raises RuleBroken when it is answered, or with nobody already.
    """
    done = session.execute(
        update(Feedback)
        .where(Feedback.id == feedback.id, Feedback.owner_id.is_not(None), Feedback.answered_at.is_(None))
        .values(owner_id=None)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(CHANGED_ALREADY)
    _act(session, principal, "give back feedback", feedback, now)


def answer_feedback(
    session: Session, *, principal: Principal, feedback: Feedback, words: str, link: str, now: datetime
) -> None:
    """Answer once; the resident is told by the route they chose and reads it on their record.

    Only who took it answers. Raises RuleBroken at `answer`, or without a field when somebody else was quicker.
    """
    words = plain_words(words)
    if not words:
        raise RuleBroken(WRITE_SOMETHING, field="answer")
    if len(words) > ANSWER_LENGTH:
        raise RuleBroken(TOO_LONG, field="answer")
    done = session.execute(
        update(Feedback)
        .where(
            Feedback.id == feedback.id,
            Feedback.owner_id == principal.staff_id,
            Feedback.answered_at.is_(None),
        )
        .values(answer=words, answered_at=now)
        .execution_options(synchronize_session=False)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(CHANGED_ALREADY)
    _act(session, principal, "answer feedback", feedback, now)
    # The city's officer answers what was sent to nobody's organisation, and where nobody there can answer any more.
    of_admin = (
        "organisation_admin" in principal.roles and feedback.organisation_id == principal.organisation_id
    )
    events.publish(
        session,
        events.MessageWanted(
            key=f"feedback-answered-{feedback.id}",
            template="feedback_answered",
            language=feedback.language,
            params=_told(session, feedback, words, link),
            resident_id=feedback.resident_id,
            # Who answers also posts it: what an officer answers waits where the officer acts.
            organisation_id=principal.organisation_id,
            from_officer=not of_admin,
        ),
    )


def _told(session: Session, feedback: Feedback, words: str, link: str) -> dict[str, str]:
    """What the message with the answer says.

    A text or an e-mail may be read by others, so it leads to the answer. Whoever is reached by paper or by a person
    may have no screen: they are told the answer itself. Which of their routes it takes is not known here, so somebody
    with both gets both facts written down, and each way says its own.
    """
    kinds = set(
        session.scalars(select(ContactRoute.kind).where(ContactRoute.resident_id == feedback.resident_id))
    )
    said = {"link": link} if kinds & {"sms", "email"} or not kinds else {}
    if kinds - {"sms", "email"}:
        said["words"] = words
    organisation = session.get(Organisation, feedback.organisation_id) if feedback.organisation_id else None
    return {**said, "organisation": organisation.name} if organisation else said


def delete_old_feedback(session: Session, *, now: datetime) -> int:
    """Delete what was answered long ago; what still waits for an answer stays. Returns how many."""
    old = delete(Feedback).where(Feedback.answered_at <= now - keep("feedback"))
    done = session.execute(old, execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]


def _act(session: Session, principal: Principal, action: str, feedback: Feedback, now: datetime) -> None:
    record_act(
        session,
        principal,
        action=action,
        now=now,
        resident_id=feedback.resident_id,
        items=("feedback",),
        purpose="feedback",
        role=next(role for role in TABLE.grid["feedback.answer"] if role in principal.roles),
    )
