"""What is kept of referrals and cases goes: with its person, and by the schedule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core.db import rows_changed
from inclusion_app.core.retention_runs import keep
from inclusion_app.messages import services as messages
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import (
    CaseNote,
    CaseTask,
    CityService,
    OutreachSheet,
    PartnerLink,
    PublicReferral,
    Referral,
    ReferralNote,
    ReferralWords,
    SavedView,
)
from inclusion_app.referrals.services import telling

APART = {"synchronize_session": False}
AT_ONCE = 500


def erase_of_resident(session: Session, *, resident_id: int) -> None:
    """Somebody is deleted: the places their referrals hold are free again, and what was told about them has no words.

    The rows themselves go with the row of the person.
    """
    mine = select(Referral.id).where(Referral.resident_id == resident_id)
    delete_referrals(session, session.scalars(mine).all())


def delete_referrals(session: Session, numbers: Sequence[int]) -> int:
    """These referrals go with their words, links, tasks, and what was told about them; their places are free again."""
    session.flush()
    for number in numbers:
        messages.forget_about(session, about=telling.about_number(number))
    for begin in range(0, len(numbers), AT_ONCE):
        some = numbers[begin : begin + AT_ONCE]
        held = select(Referral.service_id).where(Referral.id.in_(some), Referral.holds_place)
        for service_id in session.scalars(held).all():
            place = update(CityService).where(CityService.id == service_id, CityService.taken > 0)
            rows_changed(session, place.values(taken=CityService.taken - 1))
        session.execute(delete(Referral).where(Referral.id.in_(some)), execution_options=APART)
    session.expire_all()
    return len(numbers)


# --- by the schedule


def delete_unconfirmed(session: Session, *, now: datetime) -> int:
    """What came by the public form and nobody confirmed in time. Returns how many."""
    unread = (
        select(Referral.id)
        .join(PublicReferral, PublicReferral.referral_id == Referral.id)
        .where(
            Referral.status == "draft",
            PublicReferral.confirmed_at.is_(None),
            PublicReferral.expires_at <= now,
        )
        .order_by(Referral.id)
    )
    return delete_referrals(session, session.scalars(unread).all())


def forget_public_facts(session: Session, *, now: datetime) -> int:
    """Who filled in the public form and for whom, and the words of what never came to stand on a record, some weeks after
    the end. That there was one stays for the figures. Returns how many.
    """
    over = (
        select(PublicReferral.referral_id)
        .join(Referral, Referral.id == PublicReferral.referral_id)
        .where(Referral.ended_at <= now - keep("public-referral"))
    )
    numbers = session.scalars(over).all()
    for number in numbers:
        messages.forget_about(session, about=telling.about_number(number))
    session.flush()
    for begin in range(0, len(numbers), AT_ONCE):
        some = numbers[begin : begin + AT_ONCE]
        nobodys = select(Referral.id).where(Referral.id.in_(some), Referral.resident_id.is_(None))
        words = delete(ReferralWords).where(ReferralWords.referral_id.in_(nobodys))
        session.execute(words, execution_options=APART)
        facts = delete(PublicReferral).where(PublicReferral.referral_id.in_(some))
        session.execute(facts, execution_options=APART)
    session.expire_all()
    return len(numbers)


def delete_ended(session: Session, *, now: datetime) -> int:
    """Referrals with what was said about them, six years after they ended. Returns how many."""
    old = select(Referral.id).where(
        Referral.ended_at <= now - keep("referral"), Referral.status.not_in(sorted(rules.LIVE))
    )
    return delete_referrals(session, session.scalars(old.order_by(Referral.id)).all())


def delete_old_notes(session: Session, *, now: datetime) -> int:
    """Case notes six years after they were written, with what was added to them. Returns how many were at their time.

    One that goes with a live referral stays as long as that is live.
    """
    is_read = exists().where(
        ReferralNote.note_id == CaseNote.id,
        Referral.id == ReferralNote.referral_id,
        Referral.status.in_(sorted(rules.LIVE)),
    )
    return _delete(session, CaseNote, CaseNote.written_at <= now - keep("case-note"), ~is_read)


def delete_done_tasks(session: Session, *, now: datetime) -> int:
    """Tasks a year after they were done. Returns how many."""
    return _delete(session, CaseTask, CaseTask.done_at <= now - keep("case-task"))


def delete_old_sheets(session: Session, *, now: datetime) -> int:
    """Who stood on a printed sheet, a year after it was ticked as destroyed. One that nobody ticked stays. Returns how many."""
    return _delete(session, OutreachSheet, OutreachSheet.destroyed_at <= now - keep("outreach-sheet"))


def delete_old_partner_links(session: Session, *, now: datetime) -> int:
    """Links of partners, some weeks after they opened nothing any more. Returns how many."""
    moment = now - keep("partner-link")
    return _delete(
        session, PartnerLink, or_(PartnerLink.expires_at <= moment, PartnerLink.ended_at <= moment)
    )


def delete_left_views(session: Session, *, now: datetime) -> int:
    """Saved views of who works there no more. Returns how many."""
    works_there = exists().where(
        Membership.staff_id == SavedView.staff_id,
        Membership.organisation_id == SavedView.organisation_id,
        or_(Membership.until_at.is_(None), Membership.until_at > now),
        Staff.id == Membership.staff_id,
        Staff.left_at.is_(None),
    )
    return _delete(session, SavedView, ~works_there)


def _delete(session: Session, model: Any, *which: ColumnElement[bool]) -> int:
    session.flush()
    gone = session.execute(delete(model).where(and_(*which)), execution_options=APART)
    session.expire_all()
    return int(gone.rowcount)  # type: ignore[attr-defined]
