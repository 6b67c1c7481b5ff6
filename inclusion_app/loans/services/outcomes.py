"""How it went: asked once, answered or not; what is stored names no loan, and sums of few people are not shown."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inclusion_app.core.db import rows_changed
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.words import N_
from inclusion_app.loans import rules
from inclusion_app.loans.models import Loan, LoanOutcome
from inclusion_app.loans.services.renewals import model_of

ANSWERED = N_("This was answered before. Thank you.")
NOT_KNOWN = N_("Choose from the list.")
LARGEST = 2**31 - 1
# Fewer than these could be known by name.
LEAST = 5


def answer_outcome(
    session: Session, *, loan: Loan, used_for: Collection[str], changed: Collection[str], now: datetime
) -> None:
    """Keep an answer, once for a loan. Nothing chosen is an answer too: then nobody asks again and nothing is stored.

    Raises RuleBroken for a word that is none of the list, or when it was answered before.
    """
    if not set(used_for) <= set(rules.PURPOSES):
        raise RuleBroken(NOT_KNOWN, field="used_for")
    if not set(changed) <= set(rules.CHANGED):
        raise RuleBroken(NOT_KNOWN, field="changed")
    once = update(Loan).where(Loan.id == loan.id, Loan.outcome_asked_at.is_(None))
    if rows_changed(session, once.values(outcome_asked_at=now)) != 1:
        raise RuleBroken(ANSWERED)
    session.refresh(loan)
    if not used_for and not changed:
        return
    model = model_of(session, loan)
    _keep(
        session, organisation_id=loan.organisation_id, kind=model.kind if model else "sim",
        used_for=" ".join(code for code in rules.PURPOSES if code in used_for),
        changed=" ".join(code for code in rules.CHANGED if code in changed),
    )  # fmt: skip


def _keep(session: Session, **facts: object) -> None:
    """Under a number drawn by lot: by their order nobody finds out whose answer it was."""
    for _try in range(5):
        try:
            with session.begin_nested():
                session.add(LoanOutcome(id=secrets.randbelow(LARGEST) + 1, **facts))
            return
        except IntegrityError:
            continue
    raise RuntimeError("no free number for an answer")


@dataclass(frozen=True)
class Sums:
    """How many answered, and how often each thing was said; None where fewer than five did."""

    answers: int | None
    used_for: Mapping[str, int | None]
    changed: Mapping[str, int | None]


def sums(session: Session, *, organisation_id: int | None = None) -> Sums:
    """Of one scheme, or of all. Each line is a count of its own: several may be chosen, so none is the rest of others."""
    wanted = select(LoanOutcome.used_for, LoanOutcome.changed)
    if organisation_id is not None:
        wanted = wanted.where(LoanOutcome.organisation_id == organisation_id)
    answers, used, changed = 0, Counter[str](), Counter[str]()
    for uses, changes in session.execute(wanted):
        answers += 1
        used.update(uses.split())
        changed.update(changes.split())
    return Sums(
        _shown(answers),
        {code: _shown(used[code]) for code in rules.PURPOSES},
        {code: _shown(changed[code]) for code in rules.CHANGED},
    )


def _shown(number: int) -> int | None:
    """Rounded down to fives, so that one more answer does not show whose it was; nothing below five."""
    return number - number % LEAST if number >= LEAST else None
