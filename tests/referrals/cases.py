"""What the tests of a case share: who works where, a referral between them, what the record says."""

from __future__ import annotations

from typing import Any

from flask import Flask

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.db import transaction
from inclusion_app.people.models import Consent
from inclusion_app.referrals.models import ReferralNote
from tests.conftest import StaffBrowser
from tests.factories import referrals as make


def acts(app: Flask, number: int) -> list[str]:
    """The actions that stand in the record about one person, the oldest first."""
    with app.app_context(), transaction() as session:
        rows = session.query(AuditRow).filter(AuditRow.resident_id == number).order_by(AuditRow.id)
        return [row.action for row in rows]


def send_on(app: Flask, number: int, *, by: StaffBrowser, to: StaffBrowser, **facts: Any) -> int:
    """Refer somebody from one organisation to the other. Returns the number of the referral."""
    with app.app_context(), transaction() as session:
        service = make.make_service(session, organisation_id=to.organisation_id)
        return make.make_referral(
            session, resident_id=number, service=service, sender_id=by.organisation_id, staff_id=by.staff_id,
            **facts,
        ).id  # fmt: skip


def note_of(app: Flask, number: int, by: StaffBrowser, **facts: Any) -> int:
    """A note of the organisation of this member of staff, by them."""
    with app.app_context(), transaction() as session:
        mine = {"organisation_id": by.organisation_id, "author_id": by.staff_id}
        return make.make_note(session, resident_id=number, **{**mine, **facts}).id


def attach(app: Flask, referral_id: int, note_id: int) -> None:
    with app.app_context(), transaction() as session:
        session.add(ReferralNote(referral_id=referral_id, note_id=note_id))


def end_consents(app: Flask, number: int, moment: Any) -> None:
    """The person takes every yes back."""
    with app.app_context(), transaction() as session:
        for consent in session.query(Consent).filter(Consent.resident_id == number):
            consent.withdrawn_at = moment


def share_caseload(app: Flask, staff: StaffBrowser) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Organisation, staff.organisation_id).shares_caseload = True
