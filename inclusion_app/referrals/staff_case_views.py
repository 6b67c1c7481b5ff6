"""The case of a person: one page in order of time, with what is to be done and what got better above it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import render_template, request

from inclusion_app.core.access import shows_person, the_staff
from inclusion_app.core.clock import now
from inclusion_app.core.db import db_session
from inclusion_app.core.paging import page_number
from inclusion_app.people import policy as people_policy
from inclusion_app.people import queries as people_queries
from inclusion_app.people import rules as people_rules
from inclusion_app.people.models import Resident
from inclusion_app.people.staff_views import safe_words
from inclusion_app.referrals import policy, rules
from inclusion_app.referrals import staff_case_queries as queries
from inclusion_app.referrals import staff_case_words as words
from inclusion_app.referrals import staff_refer_queries as refer_queries
from inclusion_app.referrals.services import staff_notes
from inclusion_app.referrals.views import room
from inclusion_app.roadmaps.holding import told_to_staff

PERSON = "/staff/people/<int(max=999999999):resident_id>"
# What the page may show beside the parts of a record.
MORE_PARTS = ("notes", "tasks", "files", "referrals")
PARTS = (*people_rules.ITEMS, *MORE_PARTS)


def to_read(resident_id: int) -> Resident | None:
    """Somebody whose case this person may open; None for a miss, whatever the reason."""
    return _through("case.read", resident_id)


def to_write(resident_id: int) -> Resident | None:
    """Somebody of whom this person may write."""
    return _through("case.write", resident_id)


def _through(right: str, resident_id: int) -> Resident | None:
    rows = policy.CASES.rows(right, the_staff())
    return db_session().query(Resident).where(Resident.id == resident_id, rows).one_or_none()


def name_for(resident: Resident) -> str:
    """What a form calls the person it is about; empty where their name is not shared or not given."""
    parts = people_queries.parts_seen(db_session(), the_staff(), resident.id)
    return (resident.name or "") if "identity" in parts else ""


@room.page(f"{PERSON}/case", allow=policy.READ_CASE, load=to_read, reads=PARTS, localised=False)
def case(resident: Resident) -> Any:
    """Everything that happened with one person, as far as it is shared with us."""
    session, principal, moment = db_session(), the_staff(), now()
    parts = people_queries.parts_seen(session, principal, resident.id)
    told = told_to_staff(session, resident.id) if "plan" in parts else None
    asks = queries.Asks(
        principal, resident.id, parts, told, queries.shares_beyond(session, principal, resident.id)
    )
    kind = request.args.get("kind", "")
    kind = kind if kind in words.KINDS else ""
    entries, size = queries.entries_of(session, asks, kind), queries.ON_A_PAGE
    page = page_number(len(entries), size)
    shown = entries[(page - 1) * size : page * size]
    tasks = queries.open_tasks(session, asks)
    glass = people_queries.glass_of(session, principal, resident.id, moment)
    noted = [note.id for entry in shown if entry.note for note in (entry.note, *entry.added)]
    along = staff_notes.sent_along(session, noted)
    shows_person(
        resident.id, *parts, *MORE_PARTS, *(("safe contact",) if resident.safe_contact else ()),
        purpose="safety" if glass else "help",
    )  # fmt: skip
    return render_template(
        "referrals/staff/case.html",
        resident=resident,
        name=(resident.name or "") if "identity" in parts else "",
        safe=safe_words(session, resident),
        days=[(day, list(group)) for day, group in groupby(shown, key=lambda entry: entry.day)],
        total=len(entries),
        page=page,
        pages=-(-len(entries) // size),
        kind=kind,
        kinds=words.KINDS,
        missing=_missing(asks),
        tasks=tasks,
        sees_words=asks.sees_name,
        # How they answered is more than the names of their steps, so a referral alone does not open it.
        told=told if asks.is_beyond else None,
        wins=rules.small_wins(told.first, told.latest) if told else None,
        may_write=policy.CASES.allows(session, "case.write", principal, resident.id),
        may_refer=policy.REFER.may_at_all(principal)
        and refer_queries.person_for(session, principal, resident.id) is not None,
        # Changed, or given on, by their own yes to us: a referral that we received is none.
        is_ours=people_policy.TABLE.allows(session, "resident.edit", principal, resident.id),
        may_edit=lambda note: (
            note.id not in along
            and rules.may_edit_note(
                is_author=note.author_id == principal.staff_id, written_at=note.written_at, now=moment
            )
        ),
        may_take_back=lambda file: rules.may_edit_note(is_author=True, written_at=file.added_at, now=moment),
        edit_ends=rules.note_edit_ends,
        names=queries.names_of(session, shown, tasks),
        organisations=queries.organisations_of(session, shown),
        me=principal.staff_id,
        ours=principal.organisation_id,
        is_lead=policy.LEAD in principal.roles,
        task_kinds=rules.TASK_KINDS,
        modes=rules.MODES,
    )


def _missing(asks: queries.Asks) -> list[str]:
    """What is left out because the person does not share it, as N_ words."""
    found = [said for item, said in words.NOT_SHARED.items() if item not in asks.parts]
    if "plan" in asks.parts and not asks.is_beyond:
        found.append(words.NOT_BEYOND)
    return found
