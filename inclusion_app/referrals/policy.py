"""Which of the staff may read, send, receive and end what: one table for the check and for the list.

What a receiver reads of a person follows from a live referral and its consent, asked at every request; nothing is copied. A
caseworker reaches what their organisation sent or received; a referrer what they sent themselves. Case notes are their own
organisation's; of another's only those that go with a referral. A note about safeguarding is none: see people.policy.
Whom a person is kept from sees none of it. An organisation's admin reads numbers, and gives an owner without opening.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select

from inclusion_app.accounts.models import Membership, Staff
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.permissions import EVERY_ROW, PermissionTable, Scope, role_right
from inclusion_app.people import policy as people
from inclusion_app.people.models import Consent, ConsentItem, Resident
from inclusion_app.referrals.models import (
    CaseFile,
    CaseNote,
    CaseTask,
    CityService,
    OutreachSheet,
    Referral,
    ReferralNote,
)
from inclusion_app.referrals.rules import OPEN

WORKER, LEAD, ADMIN, REFERRER = "caseworker", "safeguarding_lead", "organisation_admin", "referrer"
PLATFORM = "platform_admin"


def live_consent(item: Any | None = None) -> ColumnElement[bool]:
    """The yes of this referral holds now; for this item, where one is named."""
    alive = [
        Consent.id == Referral.consent_id,
        Consent.organisation_id == Referral.organisation_id,
        Consent.resident_id == Referral.resident_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > now(),
    ]
    if item is not None:
        alive += [ConsentItem.consent_id == Consent.id, ConsentItem.item == item]
    return exists().where(*alive)


def is_received(principal: Principal) -> ColumnElement[bool]:
    """Sent to the organisation the principal acts for. Where somebody was only told to go, nobody received anything."""
    return and_(
        Referral.organisation_id == principal.organisation_id,
        Referral.mode != "signposted",
        Referral.status != "draft",
    )


def _is_open_to_receiver(principal: Principal) -> ColumnElement[bool]:
    """Received, live, and by a yes that holds. A public one was sent by whoever it is about, or for them, without one."""
    by_yes = or_(Referral.resident_id.is_(None), live_consent())
    return and_(is_received(principal), Referral.status.in_(sorted(OPEN)), by_yes, _not_kept(principal))


def _not_kept(principal: Principal) -> ColumnElement[bool]:
    return or_(Referral.resident_id.is_(None), not_(people.keeps_away(principal, Referral.resident_id)))


def _for_whom_looks_after(principal: Principal) -> ColumnElement[bool]:
    """Of somebody who is restricted only whoever looks after this referral."""
    restricted = exists().where(Resident.id == Referral.resident_id, Resident.is_restricted)
    return or_(not_(restricted), Referral.owner_id == principal.staff_id)


def _received_by_worker(principal: Principal) -> ColumnElement[bool]:
    return and_(_is_open_to_receiver(principal), _for_whom_looks_after(principal))


def _ended_here(principal: Principal) -> ColumnElement[bool]:
    """Received once and ended: that it was, and how; nothing of the person."""
    return and_(is_received(principal), Referral.status.not_in(sorted(OPEN)), _not_kept(principal))


def _by_myself(principal: Principal) -> ColumnElement[bool]:
    return Referral.sender_staff_id == principal.staff_id


def _by_myself_and_shared(principal: Principal) -> ColumnElement[bool]:
    """What one sent oneself, while it lives and by a yes that holds."""
    by_yes = or_(Referral.resident_id.is_(None), live_consent())
    return and_(_by_myself(principal), Referral.status.in_(sorted(OPEN)), by_yes)


def _sent_by_organisation(
    seen: Callable[[Principal, str], ColumnElement[bool]],
    mine: Callable[[Principal], ColumnElement[bool]] = _by_myself,
) -> Callable[..., Any]:
    """Sent by this organisation: by oneself (as `mine` says), or about somebody whose name one may read (`seen`)."""

    def where(principal: Principal) -> ColumnElement[bool]:
        theirs = or_(
            mine(principal),
            exists().where(Resident.id == Referral.resident_id, seen(principal, "identity")),
        )
        return and_(Referral.sender_id == principal.organisation_id, theirs, _not_kept(principal))

    return where


def _sent_by_me(principal: Principal) -> ColumnElement[bool]:
    return and_(Referral.sender_id == principal.organisation_id, _by_myself(principal), _not_kept(principal))


def by_referral(principal: Principal, item: str) -> ColumnElement[bool]:
    """A live referral to this organisation shares this item of the person: the way people.policy asks for."""
    received = and_(
        Referral.resident_id == Resident.id,
        is_received(principal),
        Referral.status.in_(sorted(OPEN)),
        live_consent(item),
        or_(not_(Resident.is_restricted), Referral.owner_id == principal.staff_id),
    )
    return exists().where(received)


def _any(*scopes: Scope) -> Scope:
    return Scope(
        " or ".join(scope.name for scope in scopes),
        lambda principal: or_(false(), *(scope.where(principal) for scope in scopes)),
    )


SENT = Scope("sent by own organisation", _sent_by_organisation(people.by_caseload))
SENT_FOR_LEAD = Scope(
    "sent by own organisation, of whom it sees", _sent_by_organisation(people.by_organisation)
)
SENT_MYSELF = Scope("sent by oneself", _sent_by_me)
# Having sent it shows to the end how it stands; what was typed only while the person says yes to somebody here.
SENT_READ = Scope(
    "sent by own organisation, shared", _sent_by_organisation(people.by_caseload, _by_myself_and_shared)
)
SENT_READ_BY_LEAD = Scope(
    "sent by own organisation, shared", _sent_by_organisation(people.by_organisation, _by_myself_and_shared)
)
SENT_MYSELF_READ = Scope(
    "sent by oneself, shared",
    lambda principal: and_(_sent_by_me(principal), _by_myself_and_shared(principal)),
)
RECEIVED = Scope("received by own organisation, live", _received_by_worker)
RECEIVED_BY_LEAD = Scope("received by own organisation, live", _is_open_to_receiver)
RECEIVED_ONCE = Scope("received by own organisation, ended", _ended_here)
# An admin sees that there is one and since when, and gives it an owner; no page of it opens.
OF_ORGANISATION = Scope(
    "own organisation's, without opening",
    lambda principal: and_(
        or_(is_received(principal), Referral.sender_id == principal.organisation_id), _not_kept(principal)
    ),
)

REFERRALS = PermissionTable(
    Referral,
    {
        # The page of a referral: what was typed, what is shared, how it stands.
        "referral.read": {
            WORKER: _any(SENT_READ, RECEIVED), LEAD: _any(SENT_READ_BY_LEAD, RECEIVED_BY_LEAD),
            REFERRER: SENT_MYSELF_READ,
        },
        # One line of it: to or from whom, how it stands, how it ended.
        "referral.follow": {
            WORKER: _any(SENT, RECEIVED, RECEIVED_ONCE), LEAD: _any(SENT_FOR_LEAD, RECEIVED_BY_LEAD, RECEIVED_ONCE),
            REFERRER: SENT_MYSELF,
        },
        "referral.send": {WORKER: SENT, REFERRER: SENT_MYSELF},
        "referral.receive": {WORKER: RECEIVED, LEAD: RECEIVED_BY_LEAD},
        "referral.reopen": {WORKER: _any(SENT, RECEIVED_ONCE)},
        "referral.count": {ADMIN: OF_ORGANISATION},
        "referral.assign": {ADMIN: OF_ORGANISATION, WORKER: RECEIVED, LEAD: RECEIVED_BY_LEAD},
    },
)  # fmt: skip
READ = REFERRALS.permission("referral.read")
FOLLOW = REFERRALS.permission("referral.follow")
SEND = REFERRALS.permission("referral.send")
RECEIVE = REFERRALS.permission("referral.receive")
REOPEN = REFERRALS.permission("referral.reopen")
SEE_COUNTS = REFERRALS.permission("referral.count")
ASSIGN = REFERRALS.permission("referral.assign")


def _own_service(principal: Principal) -> ColumnElement[bool]:
    return CityService.organisation_id == principal.organisation_id


def has_accounts(organisation_id: Any) -> ColumnElement[bool]:
    """Somebody who has not left works here for this organisation."""
    return exists().where(
        Membership.organisation_id == organisation_id,
        Membership.until_at.is_(None),
        Staff.id == Membership.staff_id,
        Staff.left_at.is_(None),
    )


def _without_accounts(_principal: Principal) -> ColumnElement[bool]:
    return not_(has_accounts(CityService.organisation_id))


SERVICES = PermissionTable(
    CityService,
    {
        # The directory holds no fact of anybody.
        "service.look": dict.fromkeys((WORKER, LEAD, ADMIN, REFERRER, PLATFORM), EVERY_ROW),
        "service.write": {
            WORKER: Scope("own organisation's", _own_service), ADMIN: Scope("own organisation's", _own_service),
            PLATFORM: Scope("of organisations without accounts", _without_accounts),
        },
    },
)  # fmt: skip
LOOK = SERVICES.permission("service.look")
WRITE_SERVICE = SERVICES.permission("service.write")


def _writes(principal: Principal) -> ColumnElement[bool]:
    """Something new is written of whoever shares their name with us, or by a live referral. Broken glass writes nothing."""
    return or_(people.by_caseload(principal, "identity"), people.by_other_ways(principal, "identity"))


def _shares(principal: Principal) -> ColumnElement[bool]:
    """The same for a lead: whoever shares their name with the organisation, on whoever's caseload."""
    return or_(people.by_organisation(principal, "identity"), people.by_other_ways(principal, "identity"))


# The case of a person: open to whoever of these may open the person; each part of it asks its own right.
CASES = PermissionTable(
    Resident,
    {
        "case.read": {role: people.TABLE.grid["resident.open"][role] for role in (WORKER, LEAD)},
        "case.write": {WORKER: Scope("own caseload or received", _writes)},
        # On whose record a referral of the public form is put: never by broken glass, which would become a lasting yes.
        "case.attach": {
            WORKER: Scope("own caseload or received", _writes),
            LEAD: Scope("own organisation or received", _shares),
        },
    },
)
READ_CASE = CASES.permission("case.read")
WRITE_CASE = CASES.permission("case.write")


def _writable(model: Any) -> Any:
    """Of this organisation, about somebody of whom this person may write."""

    def where(principal: Principal) -> ColumnElement[bool]:
        whom = select(Resident.id).where(_writes(principal))
        return and_(model.organisation_id == principal.organisation_id, model.resident_id.in_(whom))

    return where


def _of_own_organisation(model: Any) -> Any:
    """Written by this organisation, of somebody whom this person may open for any item."""

    def where(principal: Principal) -> ColumnElement[bool]:
        opened = select(Resident.id).where(people.TABLE.rows("resident.identity", principal))
        return and_(model.organisation_id == principal.organisation_id, model.resident_id.in_(opened))

    return where


def goes_with(received: ColumnElement[bool]) -> ColumnElement[bool]:
    """A note that goes with such a referral of the same person: for staff who received it, and for a partner's link."""
    return exists().where(
        ReferralNote.note_id == CaseNote.id,
        Referral.id == ReferralNote.referral_id,
        Referral.resident_id == CaseNote.resident_id,
        received,
    )


def _attached(principal: Principal) -> ColumnElement[bool]:
    """Another organisation's note that goes with a referral which this one received, and which is live and shared."""
    return goes_with(_received_by_worker(principal))


def _mine(model: Any) -> Any:
    """Written by this person themself, and still of somebody of whom they may write."""

    def where(principal: Principal) -> ColumnElement[bool]:
        return and_(model.author_id == principal.staff_id, _writable(model)(principal))

    return where


_OWN_NOTES = Scope("own organisation's", _of_own_organisation(CaseNote))
NOTES = PermissionTable(
    CaseNote,
    {
        "note.read": {
            WORKER: _any(_OWN_NOTES, Scope("attached to a received referral", _attached)), LEAD: _OWN_NOTES,
        },
        "note.write": {
            WORKER: Scope("one's own", _mine(CaseNote))
        },
        # What is added stands under a note of the organisation; the note itself stays as it is.
        "note.add": {WORKER: Scope("own organisation's", _writable(CaseNote))},
    },
)  # fmt: skip
WRITE_NOTE = NOTES.permission("note.write")
ADD_TO_NOTE = NOTES.permission("note.add")
_OWN_FILES = Scope("own organisation's", _of_own_organisation(CaseFile))


def _of_shared_people(principal: Principal) -> ColumnElement[bool]:
    whom = select(Resident.id).where(_shared_with_us(principal))
    return and_(CaseFile.organisation_id == principal.organisation_id, CaseFile.resident_id.in_(whom))


FILES = PermissionTable(
    CaseFile,
    {
        "file.read": dict.fromkeys((WORKER, LEAD), _OWN_FILES),
        # Whoever sent it, within minutes; later a lead, for a reason.
        "file.delete": {
            WORKER: Scope("one's own", _mine(CaseFile)), LEAD: Scope("own organisation's", _of_shared_people),
        },
    },
)  # fmt: skip
READ_FILE = FILES.permission("file.read")
DELETE_FILE = FILES.permission("file.delete")


def _shared_with_us(principal: Principal) -> ColumnElement[bool]:
    return people.by_organisation(principal, "identity")


def _tasks_about(
    whom: Callable[[Principal], ColumnElement[bool]],
) -> Callable[[Principal], ColumnElement[bool]]:
    """Of this organisation: one's own, nobody's, or about somebody of whom this holds."""

    def where(principal: Principal) -> ColumnElement[bool]:
        about = or_(
            CaseTask.owner_id == principal.staff_id,
            CaseTask.resident_id.in_(select(Resident.id).where(whom(principal))),
            # Whoever comes first takes up what nobody has, or it would be a dead end; whom it is about is another right.
            CaseTask.owner_id.is_(None),
        )
        kept = or_(CaseTask.resident_id.is_(None), not_(people.keeps_away(principal, CaseTask.resident_id)))
        return and_(CaseTask.organisation_id == principal.organisation_id, about, kept)

    return where


def _my_tasks(principal: Principal) -> ColumnElement[bool]:
    """Given to this person themself, for the organisation they act for, about nobody who keeps them away."""
    kept = and_(CaseTask.resident_id.is_not(None), people.keeps_away(principal, CaseTask.resident_id))
    mine = and_(
        CaseTask.owner_id == principal.staff_id, CaseTask.organisation_id == principal.organisation_id
    )
    return and_(mine, not_(kept))


_OWN_TASKS = Scope(
    "own organisation's",
    _tasks_about(lambda principal: people.TABLE.rows("resident.identity", principal)),
)


def _words_of_task(principal: Principal) -> ColumnElement[bool]:
    named = select(Resident.id).where(people.TABLE.rows("resident.identity", principal))
    return and_(
        _OWN_TASKS.where(principal), or_(CaseTask.resident_id.is_(None), CaseTask.resident_id.in_(named))
    )


TASKS = PermissionTable(
    CaseTask,
    {
        "task.work": {**dict.fromkeys((WORKER, LEAD), _OWN_TASKS), REFERRER: Scope("one's own", _my_tasks)},
        # What was typed of it, while the name of whom it is about is shared. The kind and the day are seen without.
        "task.words": dict.fromkeys(
            (WORKER, LEAD), Scope("own organisation's, of whom it sees", _words_of_task)
        ),
        # What broken glass shows is not changed by it.
        "task.change": {
            WORKER: Scope("own organisation's, to change", _tasks_about(_writes)),
            LEAD: Scope("own organisation's, to change", _tasks_about(_shared_with_us)),
            REFERRER: Scope("one's own", _my_tasks),
        },
    },
)
WORK_TASK = TASKS.permission("task.work")
SHEETS = PermissionTable(
    OutreachSheet,
    {
        "sheet.keep": {
            WORKER: Scope(
                "one's own",
                lambda principal: and_(
                    OutreachSheet.staff_id == principal.staff_id,
                    OutreachSheet.organisation_id == principal.organisation_id,
                ),
            )
        }
    },
)
KEEP_SHEET = SHEETS.permission("sheet.keep")


# Choosing a service for somebody: whom they may send is asked by the table of people.
REFER = role_right("referral.make", WORKER, REFERRER)
# Sums of referrals in which nobody stands: how organisations keep their clocks.
FIGURES = role_right("referral.figures", WORKER, LEAD, ADMIN, "insights_viewer")
