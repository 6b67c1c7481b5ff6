"""What residents took away: consents and who may see them, to be so again after a restore of an older copy.

A line that is known stays until the database says why not. That a limit is not in it is no reason: it may be an older
copy, put back a moment ago, or an empty one after the disk broke.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from inclusion_app.accounts.models import Organisation, Staff
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.protections import Facts, Line, lines_of, moment
from inclusion_app.core.sessions import Visit
from inclusion_app.people.models import Consent, Resident, ResidentLink, Restriction
from inclusion_app.people.services import note

CONSENTS, LIMITS, HIDDEN = "consents that ended", "kept from", "in no search"
# A consent lives for a year at most, and a backup for 30 days.
CONSENTS_KEPT = timedelta(days=400)


def facts_of(session: Session, known: Facts, *, erased: Mapping[int, datetime], now: datetime) -> Facts:
    """Consents that ended (number, given, ended), limits (resident, staff, organisation, made), and who is in no search
    (resident, made, first noted). `erased` are the people whose plan was deleted: nothing is kept of them.
    """
    return {
        CONSENTS: _consents(session, known, now),
        LIMITS: _limits(session, known, erased),
        HIDDEN: _hidden(session, known, erased, now),
    }


def _consents(session: Session, known: Facts, now: datetime) -> list[Line]:
    since = now - CONSENTS_KEPT
    rows = session.execute(
        select(Consent.id, Consent.given_at, Consent.withdrawn_at).where(Consent.withdrawn_at >= since)
    )
    found = {
        (number, given): ended for number, given, ended in lines_of(known, CONSENTS) if moment(ended) >= since
    }
    for number, given_at, withdrawn_at in rows:
        if withdrawn_at is not None:
            found[number, given_at.isoformat()] = withdrawn_at.isoformat()
    return [(number, given, ended) for (number, given), ended in found.items()]


def _limits(session: Session, known: Facts, erased: Mapping[int, datetime]) -> list[Line]:
    rows = session.execute(
        select(
            Restriction.resident_id, Restriction.staff_id, Restriction.organisation_id, Restriction.made_at
        )
    )
    stand = {(who, staff, organisation, at.isoformat()) for who, staff, organisation, at in rows}
    stay = {
        line
        for line in set(lines_of(known, LIMITS)) - stand
        if not _is_over(session, line[0], moment(line[3]), moment(line[3]), erased)
    }
    return [*stand, *stay]


def _hidden(session: Session, known: Facts, erased: Mapping[int, datetime], now: datetime) -> list[Line]:
    before = {(who, made): noted for who, made, noted in lines_of(known, HIDDEN)}
    rows = session.execute(select(Resident.id, Resident.made_at).where(Resident.is_restricted))
    stand = {(number, made_at.isoformat()) for number, made_at in rows}
    stay = {
        (who, made)
        for who, made in before.keys() - stand
        if not _is_over(session, who, moment(made), moment(before[who, made]), erased)
    }
    return [(who, made, before.get((who, made), now.isoformat())) for who, made in stand | stay]


def _is_over(
    session: Session, who: int | str | None, made: datetime, since: datetime, erased: Mapping[int, datetime]
) -> bool:
    """Whether a limit that no longer stands was taken back after `since`, or went with the person.

    `made` is when they were there already: who was made later is somebody else with the same number.
    """
    number = int(who or 0)
    if number in erased and erased[number] >= made:
        return True
    taken_back = select(AuditRow.id).where(
        AuditRow.resident_id == number, AuditRow.action == "lift restriction", AuditRow.at >= since
    )
    is_them = select(Resident.id).where(Resident.id == number, Resident.made_at <= made)
    return bool(session.scalar(is_them) and session.scalar(taken_back.limit(1)))


def put_back(session: Session, *, facts: Facts, now: datetime) -> tuple[int, int]:
    """End again what had ended and limit again what was limited. Returns how many consents, and how many limits.

    A consent must agree in number and moment. A limit needs its resident, and who is kept away, made before it.
    """
    consents = 0
    for number, given, ended in lines_of(facts, CONSENTS):
        sharer = session.scalar(
            update(Consent)
            .where(Consent.id == number, Consent.given_at == moment(given), Consent.withdrawn_at.is_(None))
            .values(withdrawn_at=moment(ended))
            .returning(Consent.resident_id)
            .execution_options(synchronize_session=False)
        )
        if sharer is not None:
            note(session, sharer, "withdraw consent", ("consents",), now, actor="restore")
            consents += 1
    limits = sum(_keep_from(session, line, now) for line in lines_of(facts, LIMITS))
    for who, made, _noted in lines_of(facts, HIDDEN):
        hidden = session.scalar(
            update(Resident)
            .where(Resident.id == who, Resident.made_at == moment(made), ~Resident.is_restricted)
            .values(is_restricted=True)
            .returning(Resident.id)
            .execution_options(synchronize_session=False)
        )
        if hidden is not None:
            note(session, hidden, "restrict", ("restriction",), now, actor="restore")
            limits += 1
    return consents, limits


def _keep_from(session: Session, line: Line, now: datetime) -> bool:
    who, staff_id, organisation_id, made = line
    at = moment(made)
    other = (
        select(Organisation.id).where(Organisation.id == organisation_id, Organisation.made_at <= at)
        if staff_id is None
        else select(Staff.id).where(Staff.id == staff_id, Staff.made_at <= at)
    )
    there = select(Resident.id).where(Resident.id == who, Resident.made_at <= at)
    resident_id = session.scalar(there)
    if resident_id is None or session.scalar(other) is None:
        return False
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    fresh = session.scalar(
        kind.insert(Restriction)
        .values(resident_id=resident_id, staff_id=staff_id, organisation_id=organisation_id, made_at=at)
        .on_conflict_do_nothing()
        .returning(Restriction.id)
    )
    if fresh is None:
        return False
    note(session, resident_id, "keep from", ("restriction",), now, actor="restore")
    return True


def end_all_visits(session: Session) -> None:
    """Every visit ends and every one-time link: a code was perhaps made anew after the copy, or a link was used."""
    for model in (Visit, ResidentLink):
        session.execute(delete(model), execution_options={"synchronize_session": False})
