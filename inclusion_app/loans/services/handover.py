"""Hand-over: what was set, ticked and agreed becomes a loan. The tablet, the scan and the list of many all come here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.core import history
from inclusion_app.core.clock import LONDON
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.forms import one_line
from inclusion_app.core.i18n import language_for
from inclusion_app.core.words import N_
from inclusion_app.loans import agreement
from inclusion_app.loans.models import KitPart, Loan, LoanPart, LoanRequest, Sim, Unit
from inclusion_app.loans.services import custody
from inclusion_app.loans.services.days import due_on, follow_up_day
from inclusion_app.loans.services.telling import tell
from inclusion_app.places.models import Place

SETTINGS_FIRST = N_("Set the device first, then tick each setting.")
NOT_AGREED = N_("Tick that they said yes.")
HOW_AGREED = N_("Choose how they said yes.")
SIGN_AGAIN = N_("The signature did not come through. Sign again, or choose another way.")
SAY_WHY = N_("They are not next. Write why they get one now.")
WHY_LONG = N_("Write at most 300 letters.")
IS_OVER = N_("This request has ended.")
ASKED_BACK = N_("We asked them something first. Answer that, then hand over.")
OF_ANOTHER_POOL = N_("This one is not in your pool.")
NO_SIM = N_("Choose the SIM card.")
NO_UNIT = N_("Scan or type the tag of the device.")
NOT_OPEN = N_("Choose one of the places.")
WHY_LENGTH = 300
# The way a request goes that is handed over out of its turn.
ON_THE_WAY = ("submitted", "approved", "queued", "offered")


@dataclass(frozen=True)
class Ticked:
    """What a coordinator ticked. `parts`: name, count. `items`: stock item, count. `why`: for whom it is not the turn."""

    form_key: str
    place_id: int
    agreed_how: str
    is_agreed: bool = True
    language: str | None = None
    settings_done: Collection[str] = ()
    parts: Sequence[tuple[str, int]] = ()
    items: Sequence[tuple[int, int]] = ()
    condition: str = "B"
    signature: str = ""
    sim_id: int | None = None
    why: str = ""


def hand_over(
    session: Session,
    *,
    request: LoanRequest,
    unit: Unit | None,
    ticked: Ticked,
    staff_id: int | None,
    now: datetime,
) -> Loan:
    """Hand a unit over for a request; the same form sent twice hands it over once. `unit` None: a SIM alone.

    Raises RuleBroken when a setting they need is not ticked, nobody said yes, the turn is another's and no reason is
    given, the unit is not ready or of another pool, or somebody else was quicker.
    """
    # Held first: of two presses at once the second then finds what the first did, and of two people one is told.
    session.flush()
    session.refresh(request, with_for_update={"of": LoanRequest})
    known = made_by(session, request=request, form_key=ticked.form_key)
    for broken in whats_against(session, request=request, unit=unit, ticked=ticked):
        raise broken
    if known is None:
        _out_of_turn(session, request, ticked.why, now)
    place = session.get_one(Place, ticked.place_id)
    days, today = (unit.model if unit else request.model).loan_days, now.astimezone(LONDON).date()
    loan = custody.issue(
        session, request=request, unit=unit, staff_id=staff_id, now=now,
        hand_over=custody.HandOver(
            form_key=ticked.form_key, due_on=due_on(session, place_id=place.id, since=today, days=days), place_id=place.id,
            agreement=agreement.CURRENT, agreed_how=ticked.agreed_how,
            signature=ticked.signature if ticked.agreed_how == "drawn" else None,
            language=language_for(ticked.language, request.language).slug, parts=ticked.parts, items=ticked.items,
            condition=ticked.condition, sim_id=ticked.sim_id,
            follow_up_on=follow_up_day(session, today),
        ),
    )  # fmt: skip
    if known is None:
        tell(session, request, "loan_begun", key=f"begun {loan.id}", now=now, place=place,
             day=loan.due_on.isoformat())  # fmt: skip
    return loan


def whats_against(
    session: Session, *, request: LoanRequest, unit: Unit | None, ticked: Ticked
) -> list[RuleBroken]:
    """All that stands against this hand-over, each at its field: whoever mends it with a person beside them mends it once.

    Of a form that has handed over already only the place is asked about.
    """
    found: list[RuleBroken] = []
    if made_by(session, request=request, form_key=ticked.form_key) is None:
        found = [*_of_the_request(request, unit, ticked), *_of_the_sim(session, request, unit, ticked)]
        found += _of_the_yes(ticked)
    if session.get(Place, ticked.place_id) is None:
        found.append(RuleBroken(NOT_OPEN, field="place"))
    return found


def made_by(session: Session, *, request: LoanRequest, form_key: str) -> Loan | None:
    """The loan this very form made for this request, when it was sent before."""
    mine = Loan.form_key == form_key, Loan.loan_request_id == request.id
    return session.scalar(select(Loan).where(*mine)) if form_key else None


def _of_the_request(request: LoanRequest, unit: Unit | None, ticked: Ticked) -> list[RuleBroken]:
    if request.status == "need_info":
        return [RuleBroken(ASKED_BACK)]
    if request.status not in ON_THE_WAY and request.status != "fulfilled":
        return [RuleBroken(IS_OVER)]
    found: list[RuleBroken] = []
    if unit is not None and unit.holder_id != request.organisation_id:
        found.append(RuleBroken(OF_ANOTHER_POOL, field="unit"))
    if unit is not None and set(request.settings.split()) - set(ticked.settings_done):
        found.append(RuleBroken(SETTINGS_FIRST, field="settings"))
    why = one_line(ticked.why)
    if _is_out_of_turn(request) and not why:
        found.append(RuleBroken(SAY_WHY, field="why"))
    elif _is_out_of_turn(request) and len(why) > WHY_LENGTH:
        found.append(RuleBroken(WHY_LONG, field="why"))
    return found


def _of_the_sim(
    session: Session, request: LoanRequest, unit: Unit | None, ticked: Ticked
) -> list[RuleBroken]:
    if unit is None and request.model.kind != "sim":
        return [RuleBroken(NO_UNIT, field="unit")]
    sim = session.get(Sim, ticked.sim_id) if ticked.sim_id is not None else None
    if ticked.sim_id is None:
        is_fine = unit is not None
    else:
        is_fine = sim is not None and sim.holder_id == request.organisation_id
    return [] if is_fine else [RuleBroken(NO_SIM, field="sim")]


def _of_the_yes(ticked: Ticked) -> list[RuleBroken]:
    found: list[RuleBroken] = []
    if ticked.agreed_how not in agreement.AGREED:
        found.append(RuleBroken(HOW_AGREED, field="agreed_how"))
    if ticked.agreed_how == "drawn" and not agreement.is_signature(ticked.signature):
        found.append(RuleBroken(SIGN_AGAIN, field="agreed_how"))
    if not ticked.is_agreed:
        found.append(RuleBroken(NOT_AGREED, field="is_agreed"))
    return found


def _is_out_of_turn(request: LoanRequest) -> bool:
    return request.status in ON_THE_WAY and request.status != "offered"


def _out_of_turn(session: Session, request: LoanRequest, why: str, now: datetime) -> None:
    """Somebody stands there and needs it now: the reason is kept, as with everybody who is put first."""
    if not _is_out_of_turn(request):
        return
    if request.put_first_at is None:
        request.put_first_at, request.put_first_for = now, one_line(why)
    request.waits_since = request.waits_since or now
    for state in ON_THE_WAY[ON_THE_WAY.index(request.status) + 1 :]:
        history.move(session, request, state, actor="staff", now=now, why="out_of_turn")


def missing_last_time(session: Session, unit: Unit) -> set[str]:
    """Parts of this unit that did not come back whole the last time somebody looked: whoever hands it over looks for them."""
    last = select(Loan.id).where(Loan.unit_id == unit.id, Loan.status != "active").order_by(Loan.id.desc())
    loan_id = session.scalar(last.limit(1))
    parts = select(LoanPart.name).where(LoanPart.loan_id == loan_id, LoanPart.count_back < LoanPart.count_out)
    return set(session.scalars(parts)) if loan_id is not None else set()


def parts_of(unit: Unit, ticked: Collection[str]) -> list[tuple[str, int]]:
    """The parts of its kit that go out: what was ticked, as it stands in the kit now. Raises RuleBroken for none of them."""
    kit: dict[str, KitPart] = {str(part.id): part for part in unit.parts}
    if set(ticked) - kit.keys():
        raise RuleBroken(N_("The list of parts has changed. Look at it again."), field="parts")
    return [(part.name, part.count) for number, part in kit.items() if number in ticked]
