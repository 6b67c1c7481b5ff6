"""A request by the code that opens it, as it stands in an address. Each try counts before anything is looked up."""

from __future__ import annotations

import re

from flask import request as asked
from flask import url_for
from sqlalchemy.orm import Session

from inclusion_app.core import audit, i18n
from inclusion_app.core.access import current_principal, shows_of
from inclusion_app.core.clock import now
from inclusion_app.core.codes import BrokenCode, read_code
from inclusion_app.core.db import db_session
from inclusion_app.loans import queries
from inclusion_app.loans.models import LoanRequest
from inclusion_app.people import opening
from inclusion_app.people.models import Resident


def request_of(code: str) -> LoanRequest | None:
    """The request of a code as people type it. An unknown code and one that has ended to be known answer alike.

    Every page below a code asks here, so that a guess counts the same at each. Raises RuleBroken when too many wrong
    codes came from this network, or from everywhere.
    """
    try:
        canonical = loan_code_of(code)
    except BrokenCode:
        return None
    if not opening.find_thing(canonical, address=asked.remote_addr, now=now(), kind="loan"):
        return None
    return queries.request_by_code(db_session(), canonical)


def loan_code_of(typed: str) -> str:
    """The canonical code; who scans or copies the whole address of a request means the code in it. Raises BrokenCode."""
    return read_code(re.split(r"/loans/", typed[:200])[-1].split("?")[0].split("/")[0])


def is_mine(request: LoanRequest) -> bool:
    """True for whoever has the plan it belongs to open with its PIN or pictures."""
    principal = current_principal()
    return principal.kind == "resident" and principal.resident_id == request.resident_id


def note_reader(request: LoanRequest) -> None:
    """A request is somebody's: the one row of this page says whether they read it, or whoever holds its code."""
    if not is_mine(request):
        shows_of(request.resident_id, kind="loan code", actor_id=None, instead=True)


def note_change(request: LoanRequest, action: str) -> None:
    """What was done with a request stands in that person's record: by them, or by its code."""
    mine = is_mine(request)
    audit.record(
        db_session(), at=now(), actor_kind="resident" if mine else "loan code",
        actor_id=request.resident_id if mine else None, action=action, purpose="own",
        resident_id=request.resident_id, items=("loan",),
    )  # fmt: skip


def page_of(request: LoanRequest) -> str:
    """The address of its own page, below which what belongs to it stands."""
    return url_for("loans.request_page", code=request.code)


def code_of_owner(session: Session, code: str) -> str | None:
    """The own code of whoever a request belongs to; None when it is nobody's any more."""
    request = queries.request_by_code(session, code)
    owner = session.get(Resident, request.resident_id) if request is not None else None
    return owner.code if owner is not None else None


def address_of(code: str) -> str:
    """Where the code of a request leads, in the reader's language."""
    return url_for("loans.request_page", code=code, language=i18n.current_language().slug)
