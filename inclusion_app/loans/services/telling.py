"""Telling whoever asked for a device, by their own way: in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from inclusion_app.core.events import MessageWanted, RequestEnded, publish
from inclusion_app.core.i18n import language_for
from inclusion_app.loans.models import Loan, LoanRequest
from inclusion_app.messages import services as messages
from inclusion_app.messages.own_way import OwnWay
from inclusion_app.messages.own_way import own_way as way_of
from inclusion_app.messages.rules import CHANNELS
from inclusion_app.messages.sending import whole_address
from inclusion_app.messages.templates import template_of
from inclusion_app.places.models import Place


def about(request: LoanRequest) -> str:
    """Under what the messages about a request, and the loan it became, are found again."""
    return about_number(request.id)


def about_number(request_id: int) -> str:
    """The same, for a request by its number."""
    return f"loan {request_id}"


def own_way(
    session: Session, request: LoanRequest, now: datetime, *, channels: tuple[str, ...] = CHANNELS
) -> OwnWay:
    """How whoever asked is told; by these channels only."""
    return way_of(
        session, resident_id=request.resident_id, runs_it=request.organisation_id, now=now, channels=channels
    )


def tell(
    session: Session,
    request: LoanRequest,
    template: str,
    *,
    key: str,
    now: datetime,
    place: Place | None = None,
    useful_until: datetime | None = None,
    **facts: str | datetime,
) -> None:
    """Put one message about this request or its loan; once by its key. Instants and days become ISO texts.

    Device, place, phone and link stand in it beside the facts given; for whom nothing may name the service, the facts
    given only: in a letter too, that somebody else may open. Who has no way to be told finds it on the page of their code.
    """
    way = own_way(session, request, now, channels=template_of(template).channels)
    own = {} if way.no_trace else _facts_of(session, request, place)
    publish(
        session,
        MessageWanted(
            key=f"loan {key}", template=template, language=request.language, organisation_id=way.posts,
            params=own | {name: fact if isinstance(fact, str) else fact.isoformat() for name, fact in facts.items()},
            about=about(request), useful_until=useful_until, resident_id=request.resident_id,
        ),
    )  # fmt: skip


def _facts_of(session: Session, request: LoanRequest, place: Place | None) -> dict[str, str]:
    language, words = language_for(request.language), request.model.text_in(request.language)
    where = place or (session.get(Place, request.place_id) if request.place_id else None)
    phone = request.scheme.phone
    facts = {
        "device": words.title if words else request.model.name,
        "place": where.name if where else "",
        "phone": phone,
        "link": whole_address(f"/{language.slug}/loans/{request.code}"),
    }
    return {name: fact for name, fact in facts.items() if fact}


def request_of(session: Session, loan: Loan) -> LoanRequest | None:
    """The request a loan came from; None when its person deleted what we held."""
    return session.get(LoanRequest, loan.loan_request_id) if loan.loan_request_id is not None else None


def take_back(
    session: Session, request: LoanRequest, *, now: datetime, key_begins: str | Sequence[str] = ""
) -> int:
    """What was to be told about it and did not leave yet is not true any more; all, or what some kinds of key begin.

    Returns how many there were.
    """
    kinds = (key_begins,) if isinstance(key_begins, str) else key_begins
    keys = [f"loan {kind}" for kind in kinds if kind]
    return messages.take_back(session, about=about(request), now=now, key_begins=keys)


def free_keys(session: Session, request: LoanRequest, *, taken_back_at: datetime) -> list[str]:
    """What was taken back at this moment was true after all, and may be told anew. Returns its keys."""
    keys = messages.free_keys(session, about=about(request), taken_back_at=taken_back_at)
    return [key.removeprefix("loan ") for key in keys]


def tell_sender(session: Session, request: LoanRequest, *, now: datetime) -> None:
    """A request that staff made for somebody came to nothing. Whoever made it hears of it."""
    if request.referrer_id is None:
        return
    publish(
        session,
        RequestEnded(
            resident_id=request.resident_id, organisation_id=request.referrer_id, staff_id=request.staff_id,
            noun="loan request", number=request.id, at=now,
        ),
    )  # fmt: skip
