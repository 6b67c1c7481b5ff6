"""What a coordinator reads of a person: their name and how to reach them, while they share it with the scheme's organisation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flask import flash
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.core.words import N_
from inclusion_app.loans.models import LoanRequest
from inclusion_app.loans.services import telling
from inclusion_app.people import queries as people
from inclusion_app.people.models import Resident
from inclusion_app.people.policy import has_consent

ITEMS = ("identity", "contact")
TOLD = N_("They are told.")
NO_SAFE_WAY = N_("There is no safe way. They look at the page of their code.")


def names_of(session: Session, principal: Principal, numbers: Iterable[int | None]) -> dict[int, str]:
    """What these people are called, by their numbers; without whoever gave no name or does not share it any more."""
    asked = {number for number in numbers if number is not None}
    wanted = select(Resident.id, Resident.name, Resident.nickname).where(
        Resident.id.in_(asked), has_consent(principal, "identity")
    )
    called = ((number, name or nick or "") for number, name, nick in session.execute(wanted))
    return {number: name for number, name in called if name}


def name_of(session: Session, principal: Principal, number: int | None) -> str:
    """The same of one; empty where there is none to show."""
    return names_of(session, principal, [number]).get(number or 0, "")


def shared_with(session: Session, principal: Principal, number: int) -> tuple[str, ...]:
    """Which of ITEMS this person shares with the scheme's organisation now."""
    return tuple(
        item
        for item in ITEMS
        if session.scalar(select(Resident.id).where(Resident.id == number, has_consent(principal, item)))
    )


def speaks_first(session: Session, number: int | None) -> bool:
    """Whoever sent this person is asked before they are contacted: they are restricted, or somebody fears for them.

    One sentence for both, so that it tells nobody which. Not on a page the person reads along on, as at a hand-over.
    """
    resident = session.get(Resident, number) if number is not None else None
    return resident is not None and (resident.is_restricted or bool(people.flagged(session, [resident.id])))


def say_told(session: Session, request: LoanRequest, now: datetime) -> None:
    """Say to staff whether the person is told of what was just done: not where there is no safe way to tell them."""
    flash(TOLD if telling.own_way(session, request, now).route is not None else NO_SAFE_WAY)
