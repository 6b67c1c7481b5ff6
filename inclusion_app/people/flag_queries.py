"""Questions about safeguarding flags: which stand, who reads them, what was written; and who can be asked to work on one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from inclusion_app.accounts.models import Membership, Organisation, Staff
from inclusion_app.core.access import Principal
from inclusion_app.people import policy
from inclusion_app.people.models import Restriction, SafeguardingFlag, SafeguardingWords
from inclusion_app.people.rules import FLAG_OWN_SHOWN, FLAG_QUIET

SHOWN = 20
LEAD = "safeguarding_lead"


@dataclass(frozen=True)
class FlagLine:
    """A flag as lists show it: never a word of it, never who the person is."""

    flag: SafeguardingFlag
    raised_by: str
    assigned: str
    assigned_is_here: bool
    last_at: datetime
    # Nobody but whoever raised it has written anything, and nobody was asked to work on it.
    is_new: bool
    is_quiet: bool


class Written(NamedTuple):
    """What somebody wrote about a flag, and their name."""

    words: SafeguardingWords
    by: str


def flag_for(session: Session, principal: Principal, right: str, number: int) -> SafeguardingFlag | None:
    """The flag of this number when the principal reaches it by this right, else None."""
    wanted = select(SafeguardingFlag).where(
        SafeguardingFlag.id == number, policy.FLAGS.rows(right, principal)
    )
    return session.scalar(wanted)


def flags_about(session: Session, principal: Principal, resident_id: int) -> list[SafeguardingFlag]:
    """The flags about one person whose page the principal may open; the newest first."""
    wanted = select(SafeguardingFlag).where(
        SafeguardingFlag.resident_id == resident_id, policy.FLAGS.rows("flag.see", principal)
    )
    return list(session.scalars(wanted.order_by(SafeguardingFlag.id.desc()).limit(SHOWN)))


def standing(
    session: Session, principal: Principal, now: datetime, right: str = "flag.read"
) -> list[FlagLine]:
    """The flags that stand and that the principal reads, the one without a word for longest first."""
    lines = _lines(session, now, policy.FLAGS.rows(right, principal), SafeguardingFlag.ended_at.is_(None))
    return sorted(lines, key=lambda line: (line.last_at, line.flag.id))


def ended(session: Session, principal: Principal, now: datetime) -> list[FlagLine]:
    """The last twenty that were ended."""
    lines = _lines(
        session, now, policy.FLAGS.rows("flag.read", principal), SafeguardingFlag.ended_at.is_not(None), most=SHOWN
    )  # fmt: skip
    return sorted(lines, key=lambda line: (line.flag.ended_at or line.last_at, line.flag.id), reverse=True)


def _lines(
    session: Session, now: datetime, *conditions: ColumnElement[bool], most: int | None = None
) -> list[FlagLine]:
    raiser, worker = aliased(Staff), aliased(Staff)
    about = SafeguardingWords.flag_id == SafeguardingFlag.id
    last = select(func.max(SafeguardingWords.at)).where(about).correlate(SafeguardingFlag).scalar_subquery()
    by_others = exists().where(about, SafeguardingWords.staff_id != SafeguardingFlag.raised_by_id)
    rows = session.execute(
        select(
            SafeguardingFlag,
            raiser.name,
            worker.name,
            _works_here(SafeguardingFlag.assigned_id, SafeguardingFlag.organisation_id, "caseworker"),
            last,
            by_others,
        )
        .join(raiser, raiser.id == SafeguardingFlag.raised_by_id)
        .outerjoin(worker, worker.id == SafeguardingFlag.assigned_id)
        .where(*conditions)
        .order_by(SafeguardingFlag.ended_at.desc(), SafeguardingFlag.id.desc())
        .limit(most)
    )
    found = []
    for flag, raised_by, assigned, is_here, written_at, others in rows:
        last_at = written_at or flag.raised_at
        is_open = flag.ended_at is None
        found.append(
            FlagLine(
                flag=flag, raised_by=raised_by, assigned=assigned or "", assigned_is_here=bool(is_here), last_at=last_at,
                is_new=is_open and not others and flag.assigned_id is None, is_quiet=is_open and last_at <= now - FLAG_QUIET,
            )
        )  # fmt: skip
    return found


def _works_here(staff_id: object, organisation_id: object, role: str) -> ColumnElement[bool]:
    """This member of staff holds the role in the organisation now."""
    person = aliased(Staff)
    return exists().where(
        Membership.staff_id == staff_id,
        Membership.organisation_id == organisation_id,
        Membership.role == role,
        Membership.until_at.is_(None),
        exists().where(person.id == Membership.staff_id, person.left_at.is_(None)),
    )


def line_of(session: Session, flag: SafeguardingFlag, now: datetime) -> FlagLine:
    """One flag with its names."""
    return _lines(session, now, SafeguardingFlag.id == flag.id)[0]


def words_of(
    session: Session, principal: Principal, flag: SafeguardingFlag, *, reads: bool, now: datetime
) -> list[Written]:
    """What was written, the first first. Who may not read it has their own words back for a quarter of an hour."""
    wanted = (
        select(SafeguardingWords, func.coalesce(Staff.name, ""))
        .outerjoin(Staff, Staff.id == SafeguardingWords.staff_id)
        .where(SafeguardingWords.flag_id == flag.id)
        .order_by(SafeguardingWords.id)
    )
    if not reads:
        wanted = wanted.where(
            SafeguardingWords.staff_id == principal.staff_id, SafeguardingWords.at > now - FLAG_OWN_SHOWN
        )
    return [Written(words, by) for words, by in session.execute(wanted)]


def leads_of(session: Session, organisation_id: int | None, resident_id: int) -> list[tuple[int, str]]:
    """Who of an organisation would read a flag about this person: its leads, without those they are kept from."""
    wanted = (
        select(Staff.id, Staff.name)
        .where(
            _works_here(Staff.id, organisation_id, LEAD),
            not_(exists().where(Restriction.resident_id == resident_id, Restriction.staff_id == Staff.id)),
        )
        .order_by(Staff.name, Staff.id)
    )
    return [(number, name) for number, name in session.execute(wanted)]


def caseworkers_for(session: Session, flag: SafeguardingFlag) -> list[tuple[int, str]]:
    """Who of the organisation of a flag can be asked to work on it: caseworkers who may open the person."""
    rows = session.execute(
        select(Staff.id, Staff.name)
        .where(_works_here(Staff.id, flag.organisation_id, "caseworker"))
        .order_by(Staff.name, Staff.id)
    )
    return [
        (number, name)
        for number, name in rows
        if policy.TABLE.allows(
            session,
            "resident.open",
            Principal(
                "staff",
                staff_id=number,
                organisation_id=flag.organisation_id,
                roles=frozenset({"caseworker"}),
            ),
            flag.resident_id,
        )
    ]


def without_lead(session: Session, organisation_id: int | None) -> int:
    """How many flags of an organisation stand and nobody reads, because it has no lead who may. A number, nothing else.

    Whom the whole organisation is kept from is not counted: nobody it could appoint would read it.
    """
    lead = aliased(Membership)
    kept = (
        exists()
        .where(Restriction.resident_id == SafeguardingFlag.resident_id, Restriction.staff_id == lead.staff_id)
        .correlate(SafeguardingFlag, lead)
    )
    reads = exists().where(
        lead.organisation_id == SafeguardingFlag.organisation_id,
        lead.role == LEAD,
        lead.until_at.is_(None),
        exists().where(Staff.id == lead.staff_id, Staff.left_at.is_(None)),
        not_(kept),
    )
    wanted = select(func.count(SafeguardingFlag.id)).where(
        SafeguardingFlag.organisation_id == organisation_id,
        SafeguardingFlag.ended_at.is_(None),
        not_(reads),
        not_(
            exists().where(
                Restriction.resident_id == SafeguardingFlag.resident_id,
                Restriction.organisation_id == SafeguardingFlag.organisation_id,
            )
        ),
    )
    return session.scalar(wanted) or 0


def admins_of(session: Session, organisation_id: int | None) -> list[int]:
    """Who can appoint a lead: the admins of the organisation; where it has none, those of the platform."""
    for condition in (
        and_(Membership.organisation_id == organisation_id, Membership.role == "organisation_admin"),
        Membership.role == "platform_admin",
    ):
        found = session.scalars(
            select(Membership.staff_id)
            .join(Staff, Staff.id == Membership.staff_id)
            .join(Organisation, Organisation.id == Membership.organisation_id)
            .where(
                condition,
                Membership.until_at.is_(None),
                Staff.left_at.is_(None),
                or_(Organisation.closed_at.is_(None), Organisation.id == organisation_id),
            )
            .distinct()
            .order_by(Membership.staff_id)
        ).all()
        if found:
            return list(found)
    return []
