"""Which of the staff may run a scheme, look at a request, hand over and take in: one table for the check and for the list.

A loan coordinator runs the scheme of the organisation they act for: its units, its queue, its loans. Of a person they read
the name and how to reach them, what device they need, how it is set, and the reasons of the queue; of no need beside, no
plan, no note. Who is kept from them, or from the organisation, stands in the figures only. A front desk takes in what
somebody brings back.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_

from inclusion_app.core.access import Principal
from inclusion_app.core.permissions import PermissionTable, Scope
from inclusion_app.loans.models import (
    DeviceModel,
    Loan,
    LoanRequest,
    LoanScheme,
    QuotaPool,
    Sim,
    StockItem,
    StockTake,
    Ticket,
    Unit,
)
from inclusion_app.people.models import Resident
from inclusion_app.people.policy import is_on_caseload, keeps_away

COORDINATOR = "loan_coordinator"
ADMIN = "organisation_admin"
OWN = "own organisation's scheme"


def _own_scheme(principal: Principal) -> ColumnElement[bool]:
    return LoanScheme.organisation_id == principal.organisation_id


def _own_units(principal: Principal) -> ColumnElement[bool]:
    return Unit.holder_id == principal.organisation_id


def _own_requests(principal: Principal) -> ColumnElement[bool]:
    """A request to this scheme of nobody who is kept from this person."""
    ours = LoanRequest.organisation_id == principal.organisation_id
    return and_(ours, not_(keeps_away(principal, LoanRequest.resident_id)))


def _sent_myself(principal: Principal) -> ColumnElement[bool]:
    """What this person asked for, for somebody, while they acted for this organisation: how it stands."""
    mine = LoanRequest.staff_id == principal.staff_id
    ours = LoanRequest.referrer_id == principal.organisation_id
    return and_(mine, ours, not_(keeps_away(principal, LoanRequest.resident_id)))


def _sent_requests(principal: Principal) -> ColumnElement[bool]:
    """The same, and what colleagues asked for whoever is on this person's caseload too, or on one that is shared."""
    ours = LoanRequest.referrer_id == principal.organisation_id
    on_caseload = exists().where(Resident.id == LoanRequest.resident_id, is_on_caseload(principal))
    theirs = and_(ours, on_caseload, not_(keeps_away(principal, LoanRequest.resident_id)))
    return or_(_sent_myself(principal), theirs)


def _own_loans(principal: Principal) -> ColumnElement[bool]:
    """A loan of this scheme; also one whose person has left nothing with us."""
    ours = Loan.organisation_id == principal.organisation_id
    return and_(ours, or_(Loan.resident_id.is_(None), not_(keeps_away(principal, Loan.resident_id))))


# Whoever stands at the desk with a device in their hand: no list and no search ever has them.
PRESENT = Scope("with the device in the hand, by its tag", lambda _principal: false())

SCHEMES = PermissionTable(
    LoanScheme,
    {
        "scheme.run": {COORDINATOR: Scope(OWN, _own_scheme)},
        # Numbers in which nobody stands.
        "scheme.count": dict.fromkeys((COORDINATOR, ADMIN), Scope(OWN, _own_scheme)),
    },
)
MODELS = PermissionTable(
    DeviceModel,
    {
        "model.write": {
            COORDINATOR: Scope(
                OWN, lambda principal: DeviceModel.organisation_id == principal.organisation_id
            )
        }
    },
)
UNITS = PermissionTable(
    Unit,
    {
        "unit.run": {COORDINATOR: Scope(OWN, _own_units)},
        "unit.count": dict.fromkeys((COORDINATOR, ADMIN), Scope(OWN, _own_units)),
        "unit.take_in": {"front_desk": PRESENT, COORDINATOR: Scope(OWN, _own_units)},
    },
)
SIMS = PermissionTable(
    Sim,
    {"sim.run": {COORDINATOR: Scope(OWN, lambda principal: Sim.holder_id == principal.organisation_id)}},
)
POOLS = PermissionTable(
    QuotaPool,
    {
        "pool.run": {
            COORDINATOR: Scope(OWN, lambda principal: QuotaPool.organisation_id == principal.organisation_id)
        }
    },
)
ITEMS = PermissionTable(
    StockItem,
    {
        "item.run": {
            COORDINATOR: Scope(OWN, lambda principal: StockItem.holder_id == principal.organisation_id)
        }
    },
)
REQUESTS = PermissionTable(
    LoanRequest,
    {
        "request.decide": {COORDINATOR: Scope(OWN, _own_requests)},
        "request.count": dict.fromkeys((COORDINATOR, ADMIN), Scope(OWN, _own_requests)),
        "request.follow": {
            "caseworker": Scope("sent by oneself, or for own caseload", _sent_requests),
            "referrer": Scope("sent by oneself", _sent_myself),
        },
    },
)
LOANS = PermissionTable(
    Loan,
    {
        "loan.run": {COORDINATOR: Scope(OWN, _own_loans)},
        "loan.count": dict.fromkeys((COORDINATOR, ADMIN), Scope(OWN, _own_loans)),
    },
)
TICKETS = PermissionTable(
    Ticket,
    {
        "ticket.run": {
            COORDINATOR: Scope(OWN, lambda principal: Ticket.organisation_id == principal.organisation_id)
        }
    },
)
STOCK_TAKES = PermissionTable(
    StockTake,
    {
        "stock_take.run": {
            COORDINATOR: Scope(OWN, lambda principal: StockTake.organisation_id == principal.organisation_id)
        }
    },
)
RUN = SCHEMES.permission("scheme.run")
SEE_COUNTS = SCHEMES.permission("scheme.count")
WRITE_MODEL = MODELS.permission("model.write")
RUN_UNIT = UNITS.permission("unit.run")
TAKE_IN = UNITS.permission("unit.take_in")
RUN_POOL = POOLS.permission("pool.run")
RUN_SIM = SIMS.permission("sim.run")
RUN_ITEM = ITEMS.permission("item.run")
DECIDE = REQUESTS.permission("request.decide")
FOLLOW = REQUESTS.permission("request.follow")
RUN_LOAN = LOANS.permission("loan.run")
RUN_TICKET = TICKETS.permission("ticket.run")
COUNT = STOCK_TAKES.permission("stock_take.run")
