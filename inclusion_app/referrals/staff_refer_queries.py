"""Questions about sending somebody: whom one may send, what of them would be seen, which notes may go along."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from inclusion_app.core.access import Principal
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people_queries
from inclusion_app.people.models import Resident
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals.models import CaseNote, CaseTask, CityService, Referral, ReferralWords

# The newest notes that can go along; an older one is told in the reason.
NOTES_OFFERED = 30


def person_for(session: Session, principal: Principal, number: int) -> Resident | None:
    """Somebody of my caseload whose own consent stands; for a referrer whom they sent themselves, while a yes holds:
    to what they sent, or to their organisation. Broken glass sends nobody anywhere.
    """
    found = people_queries.resident_for(session, principal, number, "resident.edit")
    if found is not None or policy.REFERRER not in principal.roles:
        return found
    sent = exists().where(
        Referral.resident_id == Resident.id,
        # What the person or the sender took back opens nothing any more.
        or_(
            and_(Referral.status.in_(sorted(rules.OPEN)), policy.live_consent()),
            and_(
                Referral.status.in_(sorted(rules.DEAD_ENDS)),
                people_policy.by_organisation(principal, "identity"),
            ),
        ),
        policy.SENT_MYSELF.where(principal),
    )
    return session.scalar(select(Resident).where(Resident.id == number, sent))


def parent_for(session: Session, principal: Principal, number: int, *, resident_id: int) -> Referral | None:
    """A referral of this person by one's own organisation after which another way is looked for; None for any other number.

    It came to nothing, or the task to find another way is still open.
    """
    asked = exists().where(
        CaseTask.referral_id == Referral.id, CaseTask.kind == "another_way", CaseTask.done_at.is_(None)
    )
    came_to_nothing = or_(
        Referral.status.in_(sorted(rules.DEAD_ENDS)),
        and_(Referral.status == "closed", Referral.outcome.in_(sorted(rules.UNSUCCESSFUL))),
    )
    return session.scalar(
        select(Referral).where(
            Referral.id == number,
            Referral.resident_id == resident_id,
            Referral.sender_id == principal.organisation_id,
            or_(came_to_nothing, asked),
            policy.REFERRALS.rows("referral.read", principal),
        )
    )


def why_of(session: Session, referral: Referral) -> str:
    """What was typed of the need when it was sent."""
    said = select(ReferralWords.words).where(
        ReferralWords.referral_id == referral.id, ReferralWords.kind == "why"
    )
    return session.scalar(said.order_by(ReferralWords.id).limit(1)) or ""


def under_way(session: Session, principal: Principal, resident_id: int) -> dict[int, Referral]:
    """Live referrals of this person that this member of staff may follow, by the service.

    Who was only told where to go may still be sent there.
    """
    wanted = select(Referral).where(
        Referral.resident_id == resident_id,
        Referral.mode != "signposted",
        Referral.status.in_(sorted(rules.LIVE)),
        policy.REFERRALS.rows("referral.follow", principal),
    )
    return {one.service_id: one for one in session.scalars(wanted)}


@dataclass(frozen=True)
class NoteOffered:
    """A note of one's own organisation, with what was added to it: all of it goes along, or nothing."""

    note: CaseNote
    added: Sequence[CaseNote]


def notes_to_offer(session: Session, principal: Principal, resident_id: int) -> list[NoteOffered]:
    """The newest notes this person may read that their own organisation wrote; another's are not theirs to pass on."""
    own = (
        select(CaseNote)
        .where(
            CaseNote.resident_id == resident_id,
            CaseNote.organisation_id == principal.organisation_id,
            policy.NOTES.rows("note.read", principal),
        )
        .order_by(CaseNote.happened_on.desc(), CaseNote.id.desc())
    )
    notes, added = session.scalars(own).all(), defaultdict(list)
    first = {note.id: note.amends_id for note in notes}
    for note in reversed(notes):
        root = note.amends_id
        while root is not None and first.get(root) is not None:
            root = first[root]
        if root is not None:
            added[root].append(note)
    roots = [note for note in notes if note.amends_id is None][:NOTES_OFFERED]
    return [NoteOffered(note, added[note.id]) for note in roots]


def service_to_send(session: Session, number: int) -> CityService | None:
    """A service of the directory, open or not: whether somebody can be sent there is asked of services.sending."""
    return session.get(CityService, number)
