"""Which of the staff may see what of a resident: one table, from which both the check and the list filter come.

The grid stands in the design of the service ("who may see what"). A caseworker reaches a resident by a live consent to
the organisation they act for, for the item asked, while the person is on their caseload (or the organisation shares
its caseload). A safeguarding lead reaches whoever gave consent to their organisation. The data-protection officer
reaches a resident by an open request only, a platform admin by break-glass only. What stands nowhere is denied.

Whom a resident is kept from (by name, or a whole organisation) does not see them through broken glass either: a reason
typed by the very person they are afraid of must not open their address, and a colleague can break it in their place.
Broken glass shows; it never changes. Nor does an officer see whom they are kept from by name, whatever request they open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select

from inclusion_app.accounts.models import Organisation
from inclusion_app.core.access import Principal
from inclusion_app.core.audit import AuditRow
from inclusion_app.core.clock import now
from inclusion_app.core.permissions import EVERY_ROW, PermissionTable, Scope, role_right
from inclusion_app.people.models import (
    AccessRequest,
    BreakGlass,
    CaseloadEntry,
    Consent,
    ConsentItem,
    Merge,
    Resident,
    Restriction,
    SafeguardingFlag,
)
from inclusion_app.people.rules import GLASS_ASKED_FOR, GLASS_NEEDS_SECOND, GLASS_ROLES, ITEMS


def has_consent(principal: Principal, item: str) -> ColumnElement[bool]:
    """A live consent to the organisation the principal acts for that covers this item."""
    return exists().where(
        Consent.resident_id == Resident.id,
        Consent.organisation_id == principal.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > now(),
        Consent.is_for_referral.is_(False),
        ConsentItem.consent_id == Consent.id,
        ConsentItem.item == item,
    )


# Ways on which later rooms open an item of a person: a name, and a condition on Resident for a principal and an item.
WAYS: dict[str, Callable[[Principal, str], ColumnElement[bool]]] = {}


def by_other_ways(principal: Principal, item: str) -> ColumnElement[bool]:
    """A later room opens this item (a live referral does), and the person is not kept from this principal."""
    ways = or_(false(), *(way(principal, item) for way in WAYS.values()))
    return and_(ways, not_(is_kept_from(principal)))


def is_kept_from(principal: Principal, resident: Any = Resident) -> ColumnElement[bool]:
    """The resident does not want this member of staff, or this organisation, to see them."""
    return keeps_away(principal, resident.id)


def keeps_away(principal: Principal, resident_id: Any) -> ColumnElement[bool]:
    """The same for a row of another room that names a resident: whoever it is about keeps this person away."""
    return exists().where(
        Restriction.resident_id == resident_id,
        or_(
            Restriction.staff_id == principal.staff_id,
            Restriction.organisation_id == principal.organisation_id,
        ),
    )


def is_on_caseload(principal: Principal) -> ColumnElement[bool]:
    """On this person's own caseload, or on one the organisation shares; who is restricted is never shared."""
    own = exists().where(
        CaseloadEntry.resident_id == Resident.id,
        CaseloadEntry.staff_id == principal.staff_id,
        CaseloadEntry.organisation_id == principal.organisation_id,
    )
    shares = (
        select(Organisation.shares_caseload)
        .where(Organisation.id == principal.organisation_id)
        .scalar_subquery()
    )
    return or_(own, and_(shares, not_(Resident.is_restricted)))


def has_broken_glass(principal: Principal) -> ColumnElement[bool]:
    """Within the hour that this person, and nobody else, was given for a reason; never whom the resident is kept from."""
    broken = exists().where(
        BreakGlass.resident_id == Resident.id,
        BreakGlass.staff_id == principal.staff_id,
        BreakGlass.organisation_id == principal.organisation_id,
        BreakGlass.began_at <= now(),
        BreakGlass.ends_at > now(),
    )
    return and_(broken, not_(is_kept_from(principal)))


def has_open_request(principal: Principal) -> ColumnElement[bool]:
    """The resident asked the data-protection officer for something that is not answered yet.

    An officer opens requests themselves, so it is nothing for one whom the person is kept from by name: another
    officer answers. That the person is kept from the officer's organisation takes no right from them.
    """
    asked = exists().where(AccessRequest.resident_id == Resident.id, AccessRequest.closed_at.is_(None))
    return and_(asked, not_(is_named(principal, Resident.id)))


def is_named(principal: Principal, resident_id: Any) -> ColumnElement[bool]:
    """The resident does not want this member of staff to see them, whatever organisation they act for."""
    return exists().where(Restriction.resident_id == resident_id, Restriction.staff_id == principal.staff_id)


def by_caseload(principal: Principal, item: str) -> ColumnElement[bool]:
    """By consent for this item and a caseload, and not kept from this person."""
    return and_(has_consent(principal, item), is_on_caseload(principal), not_(is_kept_from(principal)))


def stands_for_itself(principal: Principal) -> ColumnElement[bool]:
    """Linked to no newer record, or to one that is not shared here: then this one still stands in the lists."""
    newer = exists().where(
        Consent.resident_id == Resident.merged_into_id,
        Consent.organisation_id == principal.organisation_id,
        Consent.withdrawn_at.is_(None),
        Consent.until_at > now(),
        Consent.is_for_referral.is_(False),
        ConsentItem.consent_id == Consent.id,
        ConsentItem.item == "identity",
    )
    return or_(Resident.merged_into_id.is_(None), not_(newer))


def may_change(principal: Principal, item: str) -> ColumnElement[bool]:
    """This item may be changed: the person shares it, and broken glass does not stand in for what they do not share."""
    return and_(TABLE.rows("resident.edit", principal), by_caseload(principal, item))


def by_organisation(principal: Principal, item: str) -> ColumnElement[bool]:
    """By consent for this item to the organisation, on whoever's caseload."""
    return and_(has_consent(principal, item), not_(is_kept_from(principal)))


def caseload(*items: str) -> Scope:
    """Rows a caseworker reaches for any of these items: by consent and caseload, or through broken glass."""
    return Scope(
        f"own caseload, {' or '.join(items)}",
        lambda principal: or_(
            *(by_caseload(principal, item) for item in items),
            *(by_other_ways(principal, item) for item in items),
            has_broken_glass(principal),
        ),
    )


def own_organisation(*items: str) -> Scope:
    """Rows a safeguarding lead reaches for any of these items: whoever gave consent to their organisation."""
    return Scope(
        f"own organisation, {' or '.join(items)}",
        lambda principal: or_(
            *(by_organisation(principal, item) for item in items),
            *(by_other_ways(principal, item) for item in items),
            has_broken_glass(principal),
        ),
    )


BROKEN_GLASS = Scope("break-glass only", has_broken_glass)
OPEN_REQUEST = Scope("open request only", has_open_request)
# Nobody who is restricted comes up in a search, whoever looks.
FOUND = Scope(
    "own caseload, found by searching",
    lambda principal: and_(
        has_consent(principal, "identity"),
        is_on_caseload(principal),
        not_(is_kept_from(principal)),
        not_(Resident.is_restricted),
        stands_for_itself(principal),
    ),
)

# Changing needs the person's own consent: broken glass only shows.
CHANGED = Scope("own caseload, to change", lambda principal: by_caseload(principal, "identity"))
LISTED = Scope(
    "own organisation, in a list",
    lambda principal: and_(
        has_consent(principal, "identity"),
        not_(is_kept_from(principal)),
        not_(Resident.is_restricted),
        stands_for_itself(principal),
    ),
)
# Whoever a person shows their code to, in the moment they do: no list and no search ever has them.
PRESENT = Scope("with the person present, by their code", lambda _principal: false())

TABLE = PermissionTable(
    Resident,
    {
        **{
            f"resident.{item}": {
                "caseworker": caseload(item),
                "safeguarding_lead": own_organisation(item),
                "platform_admin": BROKEN_GLASS,
                "data_protection": OPEN_REQUEST,
            }
            for item in ITEMS
        },
        "resident.search": {"caseworker": FOUND},
        "resident.edit": {"caseworker": CHANGED},
        # The page of a person: open to whoever sees any part of it; each part then asks its own right.
        "resident.open": {
            "caseworker": caseload(*ITEMS),
            "safeguarding_lead": own_organisation(*ITEMS),
            "platform_admin": BROKEN_GLASS,
            "data_protection": OPEN_REQUEST,
        },
        # Whoever may open somebody may say that they fear for them, through broken glass too: it changes nothing of theirs.
        "resident.flag": {
            "caseworker": caseload(*ITEMS),
            "safeguarding_lead": own_organisation(*ITEMS),
            "platform_admin": BROKEN_GLASS,
            "data_protection": OPEN_REQUEST,
        },
        "resident.consents": {
            "caseworker": caseload("identity"),
            "safeguarding_lead": own_organisation("identity"),
            "data_protection": OPEN_REQUEST,
        },
        "resident.reissue": {"caseworker": CHANGED},
        "resident.present": {"front_desk": PRESENT, "caseworker": PRESENT},
        "resident.list": {"safeguarding_lead": LISTED},
    },
)
SEE = {item: TABLE.permission(f"resident.{item}") for item in ITEMS}
SEARCH = TABLE.permission("resident.search")
EDIT = TABLE.permission("resident.edit")
OPEN = TABLE.permission("resident.open")
RAISE_FLAG = TABLE.permission("resident.flag")
CONSENTS = TABLE.permission("resident.consents")
REISSUE = TABLE.permission("resident.reissue")
PRESENT_AT_DESK = TABLE.permission("resident.present")
LIST = TABLE.permission("resident.list")
# A new record, a caseload and its list: nothing of anybody is loaded by it; each query narrows by the table above.
RECORD = role_right("resident.record", "caseworker")
# How many people each caseworker looks after, and handing them on: nobody is named or opened by it.
HAND_OVER = role_right("caseload.hand-over", "organisation_admin")

# Linking two records takes two people of one organisation; what either may see of them stays as it is.
MERGES = PermissionTable(
    Merge,
    {
        "merge.decide": {
            role: Scope(
                "own organisation", lambda principal: Merge.organisation_id == principal.organisation_id
            )
            for role in ("caseworker", "safeguarding_lead")
        }
    },
)
DECIDE_MERGE = MERGES.permission("merge.decide")


def _is_mine(principal: Principal) -> ColumnElement[bool]:
    return and_(
        BreakGlass.staff_id == principal.staff_id, BreakGlass.organisation_id == principal.organisation_id
    )


def _waits_for_second(principal: Principal) -> ColumnElement[bool]:
    """Asked for by a platform admin, not begun, not given up; by anybody but the one who asks."""
    return and_(
        BreakGlass.role == GLASS_NEEDS_SECOND,
        BreakGlass.began_at.is_(None),
        BreakGlass.open_slot.is_not(None),
        BreakGlass.asked_at > now() - GLASS_ASKED_FOR,
        BreakGlass.staff_id != principal.staff_id,
    )


def _is_for_review(principal: Principal) -> ColumnElement[bool]:
    """Begun by somebody else and agreed to by somebody else: nobody judges what they decided."""
    return and_(
        BreakGlass.began_at.is_not(None),
        BreakGlass.staff_id != principal.staff_id,
        or_(BreakGlass.second_id.is_(None), BreakGlass.second_id != principal.staff_id),
    )


OWN_GLASS = Scope("own glass", _is_mine)
SECOND = Scope("waits for a second person", _waits_for_second)
REVIEWED_HERE = Scope(
    "broken in own organisation by another",
    lambda principal: and_(
        _is_for_review(principal), BreakGlass.organisation_id == principal.organisation_id
    ),
)
REVIEWED_ANYWHERE = Scope("broken by another", _is_for_review)


def _any_of(*scopes: Scope) -> Scope:
    return Scope(
        " or ".join(scope.name for scope in scopes),
        lambda principal: or_(false(), *(scope.where(principal) for scope in scopes)),
    )


GLASS_TABLE = PermissionTable(
    BreakGlass,
    {
        "glass.break": dict.fromkeys(GLASS_ROLES, OWN_GLASS),
        "glass.agree": dict.fromkeys(("safeguarding_lead", "data_protection", "platform_admin"), SECOND),
        "glass.review": {"safeguarding_lead": REVIEWED_HERE, "data_protection": REVIEWED_ANYWHERE},
        "glass.see": {
            "caseworker": OWN_GLASS,
            "safeguarding_lead": _any_of(OWN_GLASS, SECOND, REVIEWED_HERE),
            "platform_admin": _any_of(OWN_GLASS, SECOND),
            "data_protection": _any_of(SECOND, REVIEWED_ANYWHERE),
        },
    },
)
BREAK = GLASS_TABLE.permission("glass.break")
AGREE = GLASS_TABLE.permission("glass.agree")
REVIEW = GLASS_TABLE.permission("glass.review")
SEE_GLASS = GLASS_TABLE.permission("glass.see")

UNDER_WAY = Scope(
    "open requests of somebody who is still here",
    lambda principal: and_(
        AccessRequest.closed_at.is_(None),
        AccessRequest.resident_id.is_not(None),
        not_(is_named(principal, AccessRequest.resident_id)),
    ),
)
REQUEST_TABLE = PermissionTable(
    AccessRequest,
    {
        "request.keep": {"data_protection": EVERY_ROW},
        "request.person": {"data_protection": UNDER_WAY},
    },
)
KEEP_REQUESTS = REQUEST_TABLE.permission("request.keep")
REQUEST_PERSON = REQUEST_TABLE.permission("request.person")

RECORD_TABLE = PermissionTable(AuditRow, {"record.read": {"data_protection": EVERY_ROW}})
READ_RECORD = RECORD_TABLE.permission("record.read")


# --- safeguarding: who reads what was written about a fear for somebody


def _flag_is_ours(principal: Principal) -> ColumnElement[bool]:
    """A flag of the organisation the principal acts for, about nobody who is kept from them.

    It asks for no consent: that somebody took theirs back is no reason to look away. Whom the person is kept from reads
    nothing of it, be they the lead: the fear may be of them.
    """
    return and_(
        SafeguardingFlag.organisation_id == principal.organisation_id,
        not_(keeps_away(principal, SafeguardingFlag.resident_id)),
    )


def _flag_is_assigned(principal: Principal) -> ColumnElement[bool]:
    return and_(_flag_is_ours(principal), SafeguardingFlag.assigned_id == principal.staff_id)


def _flag_is_mine(principal: Principal) -> ColumnElement[bool]:
    return and_(_flag_is_ours(principal), SafeguardingFlag.raised_by_id == principal.staff_id)


def _flag_by_request(principal: Principal) -> ColumnElement[bool]:
    asked = exists().where(
        AccessRequest.resident_id == SafeguardingFlag.resident_id, AccessRequest.closed_at.is_(None)
    )
    return and_(asked, not_(is_named(principal, SafeguardingFlag.resident_id)))


OUR_FLAGS = Scope("flags of own organisation", _flag_is_ours)
ASSIGNED_FLAGS = Scope("flags they were asked to work on", _flag_is_assigned)
OWN_FLAGS = Scope("flags they raised", _flag_is_mine)
FLAGS_BY_REQUEST = Scope("flags of whoever has an open request", _flag_by_request)

FLAGS = PermissionTable(
    SafeguardingFlag,
    {
        # Its page: that it stands, who works on it. Whoever raised it sees no more than that.
        "flag.see": {
            "safeguarding_lead": OUR_FLAGS,
            "caseworker": _any_of(ASSIGNED_FLAGS, OWN_FLAGS),
            "platform_admin": OWN_FLAGS,
            "data_protection": _any_of(FLAGS_BY_REQUEST, OWN_FLAGS),
        },
        # All that was written about it.
        "flag.read": {
            "safeguarding_lead": OUR_FLAGS,
            "caseworker": ASSIGNED_FLAGS,
            "data_protection": FLAGS_BY_REQUEST,
        },
        # Of one that was ended the service refuses more, with what was typed kept (flag_services).
        "flag.write": {
            "safeguarding_lead": OUR_FLAGS,
            "caseworker": _any_of(ASSIGNED_FLAGS, OWN_FLAGS),
            "platform_admin": OWN_FLAGS,
            "data_protection": OWN_FLAGS,
        },
        # Ask a caseworker to work on it, and end it.
        "flag.work": {"safeguarding_lead": OUR_FLAGS},
    },
)
SEE_FLAG = FLAGS.permission("flag.see")
READ_FLAG = FLAGS.permission("flag.read")
WRITE_FLAG = FLAGS.permission("flag.write")
WORK_FLAG = FLAGS.permission("flag.work")
