"""Two organisations, one service and one person who is sent there: what tests of referrals begin with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now, today
from inclusion_app.people.consent_services import give_consent
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, Referral
from inclusion_app.referrals.services import machine
from inclusion_app.referrals.services.machine import Said
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload
from tests.factories.referrals import make_referral, make_service

# Said beside each action, as it asks for.
SAID = {
    "ask": Said(words="On which days can they come?"),
    "answer": Said(words="On any day but Friday."),
    "decline": Said(reason="no_capacity"),
    "close": Said(outcome="got_help"),
}


@dataclass
class Pair:
    """Numbers: who sends, who receives, one person whom the sender looks after, and a service with one place."""

    sender: int
    receiver: int
    helper: int
    worker: int
    person: int
    service: int

    @property
    def receiving(self) -> Principal:
        """The caseworker who receives, as they ask for a page."""
        return Principal(
            "staff", staff_id=self.worker, organisation_id=self.receiver, roles=frozenset({"caseworker"})
        )

    @property
    def sending(self) -> Principal:
        """The caseworker who sends, as they ask for a page."""
        return Principal(
            "staff", staff_id=self.helper, organisation_id=self.sender, roles=frozenset({"caseworker"})
        )


def make_pair(session: Session, *, places: int | None = None, **facts: Any) -> Pair:
    """Red Door's helper looks after somebody; Blue Door's worker receives. `facts` are those of the person."""
    red, blue = (make_organisation(session) for _ in range(2))
    helper = make_staff(session, organisation_id=red.id, roles=("caseworker",), name="Hana Red")
    worker = make_staff(session, organisation_id=blue.id, roles=("caseworker",), name="Bo Blue")
    person = make_person(session, name="Amina Yusuf", **facts)
    make_consent(session, resident_id=person.id, organisation_id=red.id)
    put_on_caseload(session, resident_id=person.id, staff_id=helper.id, organisation_id=red.id)
    service = make_service(session, organisation_id=blue.id, places=places, duty_staff_id=worker.id)
    return Pair(red.id, blue.id, helper.id, worker.id, person.id, service.id)


def send(session: Session, pair: Pair, **facts: Any) -> Referral:
    """The person of this pair is sent to its service."""
    return make_referral(
        session, resident_id=pair.person, service=session.get_one(CityService, pair.service), sender_id=pair.sender,
        staff_id=pair.helper, **facts,
    )  # fmt: skip


def said_for(session: Session, referral: Referral, action: str, pair: Pair) -> Said:
    """What an action asks to be said: a day, another service, a new yes."""
    if action == "waitlist":
        return Said(promised_on=today())
    if action == "reroute":
        other = select(CityService.id).where(CityService.id != referral.service_id).limit(1)
        better = session.scalar(other) or make_service(session, organisation_id=pair.sender).id
        return Said(better_id=better, words="They teach it in Urdu.")
    if action == "reopen":
        return Said(reason="came_back", consent_id=say_yes(session, pair))
    return SAID.get(action, machine.NOTHING)


def say_yes(session: Session, pair: Pair) -> int:
    """The person says yes anew to what a referral shares."""
    return give_consent(
        session, resident_id=pair.person, organisation_id=pair.receiver, items=("identity", "contact"), purpose="other_help",
        how="screen", language="en", now=now(), for_referral=True,
    ).id  # fmt: skip


def do(session: Session, referral: Referral, actor: str, action: str, pair: Pair) -> None:
    """Let this actor do this, with all that it asks for."""
    staff_id = {rules.SENDER: pair.helper, rules.RECEIVER: pair.worker}.get(actor)
    machine.act(
        session, referral=referral, actor=actor, action=action, staff_id=staff_id, now=now(),
        said=said_for(session, referral, action, pair),
    )  # fmt: skip


# One way to each state, as (actor, action) one after the other.
WAYS_TO: dict[str, tuple[tuple[str, str], ...]] = {
    "sent": (),
    "acknowledged": (("receiver", "acknowledge"),),
    "needs_info": (("receiver", "acknowledge"), ("receiver", "ask")),
    "accepted": (("receiver", "accept"),),
    "waitlisted": (("receiver", "waitlist"),),
    "active": (("receiver", "accept"), ("receiver", "begin")),
    "closed": (("receiver", "accept"), ("receiver", "begin"), ("receiver", "close")),
    "declined": (("receiver", "decline"),),
    "rerouted": (("receiver", "reroute"),),
    "recalled": (("sender", "recall"),),
    "withdrawn": (("resident", "withdraw"),),
    "lapsed": (("clock", "lapse"),),
}


def in_state(session: Session, pair: Pair, state: str, **facts: Any) -> Referral:
    """A referral of this pair that has come to this state by its usual way."""
    referral = send(session, pair, **facts)
    for actor, action in WAYS_TO[state]:
        do(session, referral, actor, action, pair)
    return referral


def form_key() -> str:
    """A key of a form nobody sent before."""
    return secrets.token_hex(16)
