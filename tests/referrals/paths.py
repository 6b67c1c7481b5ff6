"""Two organisations and somebody who is referred from one to the other: what the pages of referrals are tried on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people.contact import hash_of_value
from inclusion_app.people.models import ContactRoute
from inclusion_app.referrals.models import CityService, Referral
from tests.conftest import StaffBrowser, sign_in_staff
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import bring_to, make_referral, make_service

NAME, PHONE = "Amina Example", "+447700900123"


@dataclass
class Doors:
    """Red Door sends with `sender` (a caseworker), Blue Door receives with `receiver`; `service_id` is Blue Door's."""

    app: Flask
    sender: StaffBrowser = field(init=False)
    receiver: StaffBrowser = field(init=False)
    service_id: int = field(init=False)
    resident_id: int = field(init=False)

    def __post_init__(self) -> None:
        self.sender = sign_in_staff(self.app, "caseworker", organisation="Red Door", name="Rita Red")
        self.receiver = sign_in_staff(self.app, "caseworker", organisation="Blue Door", name="Ben Blue")
        with self.app.app_context(), transaction() as session:
            service = make_service(session, organisation_id=self.receiver.organisation_id, name="Blue help")
            self.service_id = service.id
            self.resident_id = self.person(session)

    def person(self, session: Session, **facts: Any) -> int:
        """Somebody on the sender's caseload who shares all with Red Door."""
        person = make_person(session, **{"name": NAME, "spoken": "so", **facts})
        session.add(
            ContactRoute(
                resident_id=person.id, position=1, kind="call", value=PHONE, value_hash=hash_of_value(PHONE),
                made_at=now(),
            )
        )  # fmt: skip
        make_consent(session, resident_id=person.id, organisation_id=self.sender.organisation_id)
        put_on_caseload(
            session,
            resident_id=person.id,
            staff_id=self.sender.staff_id,
            organisation_id=self.sender.organisation_id,
        )
        return person.id

    def refer(self, *actions: str, service: dict[str, Any] | None = None, **facts: Any) -> int:
        """A referral of the person (of another one where `resident_id` says so), brought to where these actions lead."""
        with self.app.app_context(), transaction() as session:
            found = session.get_one(CityService, self.service_id)
            for name, value in (service or {}).items():
                setattr(found, name, value)
            staff_id = facts.pop("done_by", None)
            one = make_referral(
                session, resident_id=facts.pop("resident_id", self.resident_id), service=found,
                sender_id=self.sender.organisation_id, staff_id=self.sender.staff_id, **facts,
            )  # fmt: skip
            return bring_to(session, one, *actions, staff_id=staff_id).id

    def state(self, number: int) -> str:
        """How it stands."""
        with self.app.app_context(), transaction() as session:
            return session.get_one(Referral, number).status

    def staff(self, *roles: str, organisation: str, **facts: Any) -> StaffBrowser:
        """Somebody else at one of the two."""
        return sign_in_staff(self.app, *roles, organisation=organisation, **facts)
