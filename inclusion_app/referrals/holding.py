"""What this room holds of a resident: referrals and what was said about them, notes, files, tasks, sheets with their name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.core import i18n
from inclusion_app.core.clock import now
from inclusion_app.core.registry import Fact, Holding, hold
from inclusion_app.core.words import N_
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseFile,
    CaseNote,
    CaseTask,
    Referral,
    ReferralNote,
    ReferralWords,
    SheetPerson,
    Sitting,
)
from inclusion_app.referrals.services import forgetting


def referrals_of(session: Session, resident_id: int) -> Sequence[Referral]:
    """Every referral of one person, the oldest first; drafts are unread by others and stand here too."""
    mine = select(Referral).where(Referral.resident_id == resident_id)
    return session.scalars(mine.order_by(Referral.made_at, Referral.id)).all()


# What was typed of the need, and what was asked and answered about it. What a service types when it says no, ends the
# help or names another one is for whoever sent it, and may be about somebody else.
FOR_THE_PERSON = frozenset({"why", "question", "answer"})


def _words_of(session: Session, referral_id: int) -> Sequence[ReferralWords]:
    said = select(ReferralWords).where(ReferralWords.referral_id == referral_id)
    return session.scalars(said.order_by(ReferralWords.at, ReferralWords.id)).all()


def _rows(session: Session, model: Any, resident_id: int) -> Sequence[Any]:
    return session.scalars(select(model).where(model.resident_id == resident_id).order_by(model.id)).all()


def state_for_resident(referral: Referral) -> str:
    """How it stands, as the person reads it whom it is about (N_)."""
    return rules.state_words_for_resident(
        referral.status,
        referral.mode,
        has_sender=referral.sender_id is not None,
        can_be_reached=referral.can_be_reached,
    )


def _describe_referral(session: Session, referral: Referral) -> list[Fact]:
    made = i18n.day_words(i18n.local(referral.made_at).date())
    facts = [
        Fact(
            N_("You were referred to"),
            referral.service.organisation.name,
            opens=("referrals.my_referrals", ""),
            is_english=True,
        ),
        Fact(N_("When"), made),
        Fact(N_("How it stands"), _(state_for_resident(referral))),
        Fact(N_("How you were passed on"), _(rules.MODES_FOR_RESIDENT[referral.mode])),
        Fact(N_("Whom you met"), referral.introduced_to or ""),
        *(
            Fact(rules.WORDS_FOR_RESIDENT[one.kind], one.words)
            for one in _words_of(session, referral.id)
            if one.kind in FOR_THE_PERSON
        ),
    ]
    return [fact for fact in facts if fact.value]


def describe(session: Session, resident_id: int) -> list[Fact]:
    """Each referral with what was typed about it; notes marked for the person; that there are others; files; tasks."""
    facts = [fact for one in referrals_of(session, resident_id) for fact in _describe_referral(session, one)]
    notes = _rows(session, CaseNote, resident_id)
    for note in notes:
        if note.is_shareable:
            facts.append(Fact(N_("What a helper noted"), note.words))
    kept = sum(not note.is_shareable for note in notes)
    if kept:
        facts.append(Fact(N_("Other notes of helpers"), str(kept)))
    facts += [Fact(N_("A file a helper keeps"), file.name) for file in _rows(session, CaseFile, resident_id)]
    tasks = [task for task in _rows(session, CaseTask, resident_id) if task.done_at is None]
    facts += [
        Fact(N_("What a helper does for you"), _(rules.TASKS_FOR_RESIDENT[task.kind]))
        for task in tasks
        if task.kind != "own"
    ]
    sheets = session.scalar(
        select(func.count()).select_from(SheetPerson).where(SheetPerson.resident_id == resident_id)
    )
    if sheets:
        facts.append(Fact(N_("Lists on paper with your name"), str(sheets)))
    facts += [
        Fact(N_("A helper works beside you until"), i18n.clock_words(i18n.local(until).time()))
        for until in _sittings(session, resident_id)
    ]
    return facts


def _sittings(session: Session, resident_id: int) -> Sequence[datetime]:
    """Until when somebody may work on the plan beside this person; what is over opens nothing any more."""
    live = select(Sitting.until_at).where(Sitting.resident_id == resident_id, Sitting.until_at > now())
    return session.scalars(live.order_by(Sitting.until_at)).all()


def export(session: Session, resident_id: int) -> dict[str, Any]:
    """The same as data, for their own download: it may be read on a screen that somebody else watches."""
    found = export_whole(session, resident_id)
    for one in found["referrals"]:
        one["words"] = [said for said in one["words"] if said["kind"] in FOR_THE_PERSON]
    found["notes"] = [note for note in found["notes"] if note["is_shareable"]]
    for task in found["tasks"]:
        del task["words"]
    return found


def export_whole(session: Session, resident_id: int) -> dict[str, Any]:
    """All of it, with every note and all that was typed: for the officer, who reads it before it is given to anybody."""
    return {
        "referrals": [
            {
                "to": one.service.organisation.name,
                "service": one.service.name,
                "state": one.status,
                "mode": one.mode,
                "made_at": one.made_at.isoformat(),
                "words": [{"kind": said.kind, "words": said.words} for said in _words_of(session, one.id)],
            }
            for one in referrals_of(session, resident_id)
        ],
        "notes": [
            {
                "happened_on": note.happened_on.isoformat(),
                "is_shareable": note.is_shareable,
                "words": note.words,
            }
            for note in _rows(session, CaseNote, resident_id)
        ],
        "beside_you_until": [until.isoformat() for until in _sittings(session, resident_id)],
        "files": [file.name for file in _rows(session, CaseFile, resident_id)],
        "tasks": [
            {"due_on": task.due_on.isoformat(), "kind": task.kind, "words": task.words or ""}
            for task in _rows(session, CaseTask, resident_id)
        ],
    }


hold(
    Holding(
        "referrals",
        N_("Who else helps you"),
        tuple(
            model.__tablename__
            for model in (
                Referral,
                ReferralWords,
                ReferralNote,
                CaseNote,
                CaseFile,
                CaseTask,
                SheetPerson,
                Sitting,
            )
        ),
        describe,
        export,
        lambda session, resident_id: forgetting.erase_of_resident(session, resident_id=resident_id),
        export_whole,
    )
)
