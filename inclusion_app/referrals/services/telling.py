"""Who is told what, at each turn: the person by their own way; sender and receiver by e-mail, without one fact of anybody."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation
from inclusion_app.core import i18n
from inclusion_app.core.answer_hours import CLOSES
from inclusion_app.core.clock import LONDON
from inclusion_app.core.events import Contact, MessageWanted, publish
from inclusion_app.core.history import StatusChange
from inclusion_app.core.words import N_
from inclusion_app.messages import services as messages
from inclusion_app.messages.models import Message
from inclusion_app.messages.own_way import OwnWay, own_way
from inclusion_app.messages.rules import CHANNELS
from inclusion_app.messages.sending import whole_address
from inclusion_app.messages.templates import template_of
from inclusion_app.referrals import rules
from inclusion_app.referrals.models import CityService, PublicReferral, Referral
from inclusion_app.referrals.services import owning, partners

# Which message the person gets at which turn. What they asked for themself they need not be told of twice.
TO_RESIDENT = {
    "send": "referral_sent", "acknowledge": "referral_seen", "ask": "referral_asked", "answer": "referral_answered",
    "found_out": "referral_found_out", "accept": "referral_accepted", "waitlist": "referral_waitlisted",
    "decline": "referral_declined", "reroute": "referral_rerouted", "begin": "referral_begun", "close": "referral_closed",
    "reopen": "referral_reopened", "recall": "referral_recalled", "withdraw": "referral_withdrawn",
    "lapse": "referral_lapsed",
}  # fmt: skip
# How it stands, for whoever may know no more.
GOES_ON, HAS_ENDED = N_("It goes on"), N_("It has ended")
# The same where no organisation sent them, so that no helper looks on: by the public form, or by their own code.
ALONE = {
    "referral_accepted": "referral_accepted_alone",
    "referral_declined": "referral_declined_alone", "referral_rerouted": "referral_rerouted_alone",
    "referral_begun": "referral_begun_alone", "referral_closed": "referral_closed_alone",
    "referral_reopened": "referral_reopened_alone", "referral_lapsed": "referral_lapsed_alone",
}  # fmt: skip
# The same where it was not shared how to reach the person: nobody there will call.
UNREACHED = {
    "referral_accepted": "referral_accepted_unreached",
    "referral_accepted_alone": "referral_accepted_unreached_alone",
}
# Of somebody who was only told where to go nothing was sent: what their helper writes down about it later tells them nothing.
TO_RESIDENT_SIGNPOSTED = {"send": "referral_signposted", "withdraw": "referral_withdrawn"}


def about(referral: Referral) -> str:
    """Under what the messages about a referral are found again."""
    return about_number(referral.id)


def about_number(number: int) -> str:
    """The same by its number."""
    return f"referral {number}"


def turn(session: Session, referral: Referral, *, action: str, actor: str, now: datetime) -> None:
    """Tell whoever it concerns what was just done. What was still to be told of an earlier turn is not true any more."""
    session.flush()
    messages.take_back(session, about=about(referral), now=now)
    number = session.scalar(
        select(func.count()).where(
            StatusChange.noun == Referral.__tablename__, StatusChange.row_id == referral.id
        )
    )
    key = f"referral {referral.id} {number}"
    _tell_resident(session, referral, action, key=key, now=now)
    if actor != rules.SENDER:
        _tell_sender(session, referral, key=key)
    if actor != rules.RECEIVER and referral.mode != "signposted":
        _tell_receiver(session, referral, action, key=key, now=now)


def _tell_resident(session: Session, referral: Referral, action: str, *, key: str, now: datetime) -> None:
    name = (TO_RESIDENT_SIGNPOSTED if referral.mode == "signposted" else TO_RESIDENT).get(action)
    if name is None or referral.resident_id is None:
        return
    if action == "decline" and referral.declined_by == "resident":
        name = "referral_own_no"
    if referral.sender_id is None:
        name = ALONE.get(name, name)
    if name in UNREACHED and not referral.can_be_reached:
        name = UNREACHED[name]
    way = _way_to(session, referral, now=now, channels=template_of(name).channels)
    # Another organisation's name says what somebody is helped with, so it goes where the service's own may.
    facts = {} if way.no_trace else _facts(session, referral)
    if referral.promised_on is not None:
        facts["when"] = datetime.combine(referral.promised_on, CLOSES, LONDON).isoformat()
    publish(
        session,
        MessageWanted(
            key=key, template=name, language=referral.language, params=facts, resident_id=referral.resident_id,
            organisation_id=way.posts, about=about(referral),
        ),
    )  # fmt: skip


def can_tell(session: Session, referral: Referral, *, now: datetime) -> bool:
    """The person can be sent a message about it now, by a way of their own that is safe."""
    return _way_to(session, referral, now=now).route is not None


def _way_to(
    session: Session, referral: Referral, *, now: datetime, channels: tuple[str, ...] = CHANNELS
) -> OwnWay:
    """How the person is told of it: whoever sent it runs it for them, else whoever received it."""
    return own_way(
        session, resident_id=referral.resident_id, runs_it=referral.sender_id or referral.organisation_id, now=now,
        channels=channels,
    )  # fmt: skip


def _facts(session: Session, referral: Referral) -> dict[str, str]:
    sender = session.get(Organisation, referral.sender_id) if referral.sender_id else None
    facts = {
        "organisation": referral.service.organisation.name,
        "helper": sender.name if sender else "",
        "phone": referral.service.phone,
    }
    return {name: fact for name, fact in facts.items() if fact}


def _tell_sender(session: Session, referral: Referral, *, key: str) -> None:
    if referral.sender_id is not None:
        if (ear := owning.who_hears(session, referral, rules.SENDER)) is not None:
            _tell_turned(session, referral, ear, key=f"{key} sender")
        return
    public = session.get(PublicReferral, referral.id)
    if public is not None and public.from_email and public.confirmed_at is not None:
        publish(
            session,
            MessageWanted(
                key=f"{key} public",
                template="public_referral_news" if referral.status in rules.OPEN else "public_referral_ended",
                params=_news(session, referral, public.from_kind),
                language=referral.language, contact=Contact("email", public.from_email), about=about(referral),
            ),
        )  # fmt: skip


def _tell_turned(session: Session, referral: Referral, ear: owning.Ear, *, key: str) -> None:
    facts = {
        "number": str(referral.id), "state": rules.STATES[referral.status], "link": whole_address(ear.path),
    }  # fmt: skip
    publish(
        session,
        MessageWanted(
            key=key,
            template="staff_referral_turned",
            params=facts,
            staff_id=ear.staff_id,
            about=about(referral),
        ),
    )


def owner_went(session: Session, referral: Referral, *, now: datetime) -> None:
    """The person keeps away who had it at the receiver: whoever hears of it from now on is told how it stands."""
    ear = owning.who_hears(session, referral, rules.RECEIVER)
    ear = ear or owning.somebody_else(session, referral, rules.RECEIVER)
    if ear is not None:
        _tell_turned(session, referral, ear, key=f"referral {referral.id} owner {now.isoformat()}")


def _news(session: Session, referral: Referral, from_kind: str) -> dict[str, str]:
    """The message back: which one, to whom it went and how it stands. No fact of the person, and never why or with what
    success it ended: nobody has checked whose the address is, and the person has not said yes to it.

    Exactly how it stands is told only to who refers as their work, and only while it is on nobody's record.
    """
    with i18n.speaking(i18n.language_for(referral.language)):
        is_exact = from_kind in rules.PUBLIC_BY_WORK and referral.resident_id is None
        usual = GOES_ON if referral.status in rules.OPEN else HAS_ENDED
        news = {
            "number": str(referral.id), "organisation": referral.service.organisation.name,
            "state": gettext(rules.STATES[referral.status] if is_exact else usual),
        }  # fmt: skip
    if referral.status not in rules.OPEN:
        news["link"] = whole_address(f"/{i18n.language_for(referral.language).slug}/refer")
        better = session.get(CityService, referral.better_id) if is_exact and referral.better_id else None
        if better is not None:
            news["better"] = ", ".join(filter(None, (better.name, better.organisation.name, better.phone)))
    return news


def _tell_receiver(session: Session, referral: Referral, action: str, *, key: str, now: datetime) -> None:
    """Whoever has it there. A partner without an account gets a link instead."""
    ear = owning.who_hears(session, referral, rules.RECEIVER)
    if ear is None or partners.address_of(referral) is not None:
        if referral.status in rules.OPEN:
            partners.send_link(session, referral=referral, key=f"{key} partner", now=now)
        else:
            partners.tell_ended(session, referral=referral, key=f"{key} partner")
        return
    if action not in {"send", "confirm"} or referral.clock_due is None:
        _tell_turned(session, referral, ear, key=f"{key} receiver")
        return
    facts = {
        "number": str(referral.id), "until": referral.clock_due.isoformat(), "link": whole_address(ear.path),
    }  # fmt: skip
    publish(
        session,
        MessageWanted(
            key=f"{key} receiver", template="staff_referral_came", params=facts, staff_id=ear.staff_id,
            about=about(referral),
        ),
    )  # fmt: skip


def _reminder_key(referral: Referral, days: int) -> str:
    since = referral.clock_stopped_at.isoformat() if referral.clock_stopped_at else ""
    return f"referral {referral.id} asked {days} {since}"


def was_reminded(session: Session, referral: Referral, days: int) -> bool:
    """Whoever was asked was reminded after so many days of this question."""
    given = select(Message.id).where(Message.key == _reminder_key(referral, days))
    return session.scalar(given) is not None


def remind(session: Session, referral: Referral, days: int) -> None:
    """A question waits: whoever sent it is reminded, and the last time a colleague too, who may know the answer."""
    hears = [owning.who_hears(session, referral, rules.SENDER)]
    if days >= rules.REMINDED_AFTER[-1]:
        hears.append(owning.somebody_else(session, referral, rules.SENDER, but=hears[0]))
    # The first by the bare key, by which it is known that it was given.
    for ear, more in zip(filter(None, hears), ("", " colleague"), strict=False):
        publish(
            session,
            MessageWanted(
                key=f"{_reminder_key(referral, days)}{more}", template="staff_referral_question",
                params={"number": str(referral.id), "link": whole_address(ear.path)}, staff_id=ear.staff_id,
                about=about(referral),
            ),
        )  # fmt: skip


def nudge(session: Session, referral: Referral, percent: int, *, now: datetime) -> None:
    """A clock has run for half, for four fifths, or wholly: whoever has to answer hears it, and at the end the sender too."""
    if referral.clock_due is None or referral.clock_since is None:
        return
    is_late = percent >= rules.NUDGES[-1]
    facts = {"number": str(referral.id), "until": referral.clock_due.isoformat()}
    partners.send_link(
        session, referral=referral, now=now, template="partner_referral_waits",
        key=f"referral {referral.id} nudge {percent} {referral.clock_since.isoformat()} partner",
    )  # fmt: skip
    by_link = partners.address_of(referral) is not None
    hears = [] if by_link else [owning.who_hears(session, referral, rules.RECEIVER)]
    if is_late:
        hears.append(owning.who_hears(session, referral, rules.SENDER))
    for ear in filter(None, hears):
        publish(
            session,
            MessageWanted(
                key=f"referral {referral.id} nudge {percent} {referral.clock_since.isoformat()} {ear.staff_id}",
                template="staff_referral_late" if is_late else "staff_referral_waits",
                params=facts | {"link": whole_address(ear.path)}, staff_id=ear.staff_id, about=about(referral),
            ),
        )  # fmt: skip
