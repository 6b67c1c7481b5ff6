"""Ask for a device, and take the asking back: what somebody does by themselves, or through whoever helps them.

No papers, bank account, fixed address, e-mail or phone is ever needed for it. Whether somebody may have one is decided
by a person (services/requests_decide.py); here nobody is refused for what they answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import attempts, history
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.db import insert_into
from inclusion_app.core.errors import CHANGED_ALREADY, RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans.models import DeviceModel, LoanRequest, LoanScheme, RequestAnswers
from inclusion_app.loans.rules import (
    LIVE,
    MOST_AT_ONCE,
    PURPOSES,
    REASONS,
    SETTINGS,
    WHOM,
    WORDING,
    WORDINGS,
    points_of,
)
from inclusion_app.loans.services import offers, telling
from inclusion_app.loans.staff_queue_words import ENOUGH_ASKED_FOR
from inclusion_app.people import consent_services
from inclusion_app.people import services as people
from inclusion_app.people.models import Resident
from inclusion_app.people.queries import routes_of
from inclusion_app.people.rules import HOW_GIVEN, NOT_AN_ANSWER
from inclusion_app.places.models import Place

NOT_LENT = N_("We do not lend this one now. Choose another one.")
SENT_BEFORE = N_("This form was sent before. To ask again, begin anew.")
ENOUGH_ASKED = N_("You have asked for %(most)s devices already. Take one request back to ask for another.")
TOO_MANY_ASKED = N_("Too many were made from here. Wait an hour and try again.")
# What the coordinator of the scheme reads of somebody, and nothing beside.
SHARED = ("identity", "contact")


@dataclass(frozen=True)
class Asked:
    """What somebody asks for. `answers` holds the reasons they said yes or no to; one that was skipped is not in it.

    `purposes` are keys of rules.PURPOSES, `whom` of WHOM, `settings` of SETTINGS. `place_id` None: it has to be brought.
    `ward` is the area of a quota. `consent_how`: on a screen, on paper, or spoken to whoever asks for them.
    """

    form_key: str
    model_id: int
    language: str
    purposes: Collection[str] = ()
    whom: str = "me"
    wants_data: bool = False
    settings: Collection[str] = ()
    place_id: int | None = None
    ward: str | None = None
    answers: Mapping[str, bool] = field(default_factory=dict)
    consent_wording: str = WORDING
    consent_how: str = "screen"


def ask(
    session: Session,
    *,
    resident_id: int,
    asked: Asked,
    now: datetime,
    staff_id: int | None = None,
    referrer_id: int | None = None,
) -> LoanRequest:
    """Ask for a device model for this resident: submitted, with a code of its own, and shared with whoever lends it.

    The same form sent twice gives the same request. `staff_id` and `referrer_id`: who of the staff asked for them, and
    for which organisation; they heard or read the yes. Raises RuleBroken, at a field where there is one, for a model
    that is not lent, a scheme that is closed, an answer that is none, and too many requests at once.
    """
    known = _of_form(session, resident_id, asked)
    if known is not None:
        return known
    with session.begin_nested():
        return _ask(session, resident_id, asked, now, staff_id, referrer_id)


def _ask(
    session: Session,
    resident_id: int,
    asked: Asked,
    now: datetime,
    staff_id: int | None,
    referrer_id: int | None,
) -> LoanRequest:
    model, scheme = _model(session, asked.model_id)
    _check(session, asked, staff_id)
    # Whoever asks is held, so that two forms at once cannot both be the last that may be asked.
    resident = session.scalar(
        select(Resident).where(Resident.id == resident_id).with_for_update(key_share=True)
    )
    if resident is None:
        raise RuleBroken(CHANGED_ALREADY)
    if len(_live_of(session, resident_id)) >= MOST_AT_ONCE:
        raise RuleBroken(ENOUGH_ASKED if staff_id is None else ENOUGH_ASKED_FOR, most=MOST_AT_ONCE)
    code = people.give_code(session, kind="loan", now=now)
    said_yes = [reason for reason, yes in asked.answers.items() if yes]
    statement = (
        insert_into(session, LoanRequest)
        .values(
            code_hash=people.hash_of_code(code), code=code, form_key=key_of(resident_id, asked.form_key),
            resident_id=resident_id, organisation_id=model.organisation_id, model_id=model.id, status="draft",
            purposes=_listed(asked.purposes, PURPOSES), whom=asked.whom, wants_data=asked.wants_data,
            language=asked.language, settings=_listed(asked.settings, SETTINGS), place_id=asked.place_id,
            ward=asked.ward or resident.ward, staff_id=staff_id, referrer_id=referrer_id,
            consent_wording=asked.consent_wording, consent_how=asked.consent_how,
            points=points_of(said_yes, scheme.points), offers_lapsed=0, reason="", made_at=now,
        )
        .on_conflict_do_nothing(index_elements=["form_key"])
        .returning(LoanRequest.id)
    )  # fmt: skip
    number = session.scalar(statement)
    if number is None:
        # The other press of the same button was quicker by a moment; its code is given, this one is not.
        people.take_back_code(session, code_hash=people.hash_of_code(code))
        known = _of_form(session, resident_id, asked)
        if known is None:
            raise RuleBroken(CHANGED_ALREADY)
        return known
    request = session.get_one(LoanRequest, number)
    if asked.answers:
        session.add(RequestAnswers(request_id=number, answers=dict(asked.answers)))
    consent_services.give_consent(
        session, resident_id=resident_id, organisation_id=model.organisation_id, items=SHARED, purpose="device",
        how=asked.consent_how, language=asked.language, now=now,
        told_staff_id=staff_id if asked.consent_how != "screen" else None,
    )  # fmt: skip
    history.move(session, request, "submitted", actor="staff" if staff_id else "resident", now=now)
    session.flush()
    telling.tell(session, request, "loan_asked", key=f"asked {number}", now=now)
    return request


def count_asking(session: Session, *, resident_id: int, now: datetime) -> None:
    """Count what somebody asked for by themselves, by who it is and by each phone and e-mail that is told of it.

    A way to reach somebody is not proven to be theirs: whoever asks and takes back all day would have a stranger told each
    time. In the transaction of the asking: what is refused for another reason counts for nothing. Raises RuleBroken.
    """
    keys = {keyed_hash("attempt-asking-resident", str(resident_id))}
    for route in routes_of(session, resident_id):
        if route.value and route.kind != "letter":
            keys.add(keyed_hash("attempt-asking-contact", route.value.casefold()))
    # In one order: two who ask at once do not wait for each other.
    for key in sorted(keys):
        if not attempts.claim(session, key_hash=key, limit=attempts.ASKING, now=now):
            raise RuleBroken(TOO_MANY_ASKED)


def key_of(resident_id: int, form_key: str) -> str:
    """Under what one sending of a form is known: nobody meets a request of somebody else by what they sent."""
    return hashlib.sha256(f"{resident_id} {form_key}".encode("utf-8", "replace")).hexdigest()


def _of_form(session: Session, resident_id: int, asked: Asked) -> LoanRequest | None:
    """The request this form made before. Raises RuleBroken when it is sent again with another device on it."""
    wanted = select(LoanRequest).where(LoanRequest.form_key == key_of(resident_id, asked.form_key))
    known = session.scalar(wanted)
    if known is not None and known.model_id != asked.model_id:
        raise RuleBroken(SENT_BEFORE)
    return known


def _model(session: Session, model_id: int) -> tuple[DeviceModel, LoanScheme]:
    wanted = (
        select(DeviceModel, LoanScheme)
        .join(LoanScheme, LoanScheme.organisation_id == DeviceModel.organisation_id)
        .where(DeviceModel.id == model_id, DeviceModel.is_offered, LoanScheme.is_open)
    )
    found = session.execute(wanted).first()
    if found is None:
        raise RuleBroken(NOT_LENT, field="model")
    return found[0], found[1]


def _check(session: Session, asked: Asked, staff_id: int | None) -> None:
    """Only answers that stand on the form. Raises RuleBroken."""
    for name, given, known in (
        ("purposes", asked.purposes, PURPOSES),
        ("settings", asked.settings, SETTINGS),
        ("whom", [asked.whom], WHOM),
        ("answers", asked.answers, REASONS),
        ("consent", [asked.consent_wording], WORDINGS),
        ("consent", [asked.consent_how], HOW_GIVEN),
    ):
        if not set(given) <= set(known):
            raise RuleBroken(NOT_AN_ANSWER, field=name)
    if asked.consent_how != "screen" and staff_id is None:
        raise RuleBroken(NOT_AN_ANSWER, field="consent")
    if (
        asked.place_id is not None
        and session.scalar(select(Place.id).where(Place.id == asked.place_id)) is None
    ):
        raise RuleBroken(NOT_AN_ANSWER, field="place")


def _listed(given: Collection[str], known: Mapping[str, str]) -> str:
    return " ".join(one for one in known if one in given)


def _live_of(session: Session, resident_id: int) -> list[int]:
    mine = select(LoanRequest.id).where(LoanRequest.resident_id == resident_id, LoanRequest.status.in_(LIVE))
    return list(session.scalars(mine))


def withdraw(session: Session, *, request: LoanRequest, actor: str, now: datetime) -> None:
    """ "I do not need it any more": the request ends, and what was kept for it is free for the next one. Twice is once.

    `actor` is resident or staff. Raises RuleBroken for one that has ended another way, or whose device is out already.
    """
    if request.status == "withdrawn":
        return
    freed = offers.end_offer(session, request=request, to="taken_back", now=now)
    history.move(session, request, "withdrawn", actor=actor, now=now)
    request.ended_at = now
    session.flush()
    telling.take_back(session, request, now=now)
    if freed:
        offers.serve(session, organisation_id=request.organisation_id, model_id=request.model_id, now=now)
