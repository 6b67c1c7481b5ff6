"""Verbs that change a resident: keep a plan, open it, give a new code, delete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from inclusion_app.core import audit, pins, registry
from inclusion_app.core.codes import new_code
from inclusion_app.core.crypto import keyed_hash
from inclusion_app.core.errors import RuleBroken
from inclusion_app.core.retention_runs import keep
from inclusion_app.core.sessions import end_other_visits
from inclusion_app.core.words import N_
from inclusion_app.people.models import DeskPaper, GivenCode, Resident, ResidentLink

CODE_PURPOSE = "resident-code"
UNKNOWN_CODE = N_("We do not know this code. Look at your paper again.")
NOT_CLAIMED = {
    "resident": N_(
        "This code has a plan already. Did somebody else type in this paper? Open it with the code."
    ),
    "group": N_("This is the code of a group. Type the code on the person’s sticker."),
}
# What the rooms above do before a resident goes: the last of a home takes its plan along.
BEFORE_LEAVING: list[Callable[[Session, int], None]] = []
# The rooms above know places and plans; create_app puts in what they answer. Of a typed postcode only the code of the
# ward and the postcode sector come back (two empty texts when it is not known).
AREA_OF: list[Callable[[Session, str], tuple[str, str]]] = []
WARD_NAME: list[Callable[[Session, str], str]] = []
# Title and state of each step of somebody's plan, both in words of the reader; never a private one.
PLAN_OF: list[Callable[[Session, int], list[tuple[str, str]]]] = []


def hash_of_code(code: str) -> str:
    """Under what a canonical code is looked up, whatever it opens."""
    return keyed_hash(CODE_PURPOSE, code)


def give_code(session: Session, *, kind: str, now: datetime) -> str:
    """A fresh code for a thing of this kind (resident, group, unclaimed), kept so that nothing else ever gets it."""
    code = new_code()
    session.add(GivenCode(code_hash=hash_of_code(code), kind=kind, given_at=now))
    session.flush()
    return code


def keep_sticker_codes(session: Session, *, codes: Collection[str], now: datetime) -> None:
    """Codes that were drawn on a sheet of stickers: each waits for the paper that is typed in under it.

    A code that was given before is refused by the database (IntegrityError), and then none of them is kept.
    """
    session.add_all(GivenCode(code_hash=hash_of_code(code), kind="unclaimed", given_at=now) for code in codes)
    session.flush()


def delete_old_sticker_codes(session: Session, *, now: datetime) -> int:
    """Forget the codes of stickers under which nobody typed in a paper for so long (24 months by default). Returns how many."""
    old = delete(GivenCode).where(
        GivenCode.kind == "unclaimed", GivenCode.given_at <= now - keep("sticker-code")
    )
    done = session.execute(old, execution_options={"synchronize_session": False})
    return int(done.rowcount)  # type: ignore[attr-defined]


def take_back_code(session: Session, *, code_hash: str) -> None:
    """A code that opens nothing any more is forgotten."""
    session.execute(
        delete(GivenCode).where(GivenCode.code_hash == code_hash),
        execution_options={"synchronize_session": False},
    )


def kind_of_code(session: Session, *, code: str) -> str | None:
    """What a canonical code is of: resident, group or unclaimed; None for one that was never given or is dead."""
    return session.scalar(select(GivenCode.kind).where(GivenCode.code_hash == hash_of_code(code)))


def claim_code(session: Session, *, code: str) -> None:
    """The plan of a sticker's code was typed in: it is a resident's from now on.

    One statement, so that of two who type the same sheet one wins. Raises RuleBroken at `code` for the other, and for
    a code that is no sticker's.
    """
    won = session.execute(
        update(GivenCode)
        .where(GivenCode.code_hash == hash_of_code(code), GivenCode.kind == "unclaimed")
        .values(kind="resident")
        .execution_options(synchronize_session=False)
    )
    if won.rowcount == 1:  # type: ignore[attr-defined]
        return
    kind = kind_of_code(session, code=code)
    raise RuleBroken(NOT_CLAIMED.get(kind or "", UNKNOWN_CODE), field="code")


def make_resident(
    session: Session,
    *,
    secret_kind: str,
    secret_hash: str,
    nickname: str | None,
    pin_for_everything: bool,
    language: str,
    now: datetime,
    claimed: str | None = None,
) -> Resident:
    """A new resident with a fresh code; nothing else needs to be known. The hash is made before (it is slow).

    `claimed` is the code of a sticker the person took home (see claim_code, which raises RuleBroken).
    """
    if claimed is not None:
        claim_code(session, code=claimed)
    code = claimed or give_code(session, kind="resident", now=now)
    resident = Resident(
        id=_unused_number(session),
        code_hash=hash_of_code(code),
        code=code,
        secret_kind=secret_kind,
        secret_hash=secret_hash,
        nickname=nickname or None,
        pin_for_everything=pin_for_everything,
        language=language,
        made_at=now,
        last_used_at=now,
    )
    session.add(resident)
    session.flush()
    note(session, resident.id, "make", ("code", "plan"), now)
    return resident


def _unused_number(session: Session) -> int | None:
    """A number nobody ever had. SQLite would give the last one away again once its resident is deleted, and the
    record of reads of the one would look like that of the other. PostgreSQL's sequence (None) never goes back.
    Whoever writes to SQLite is alone (see core/db.py), so no two draw the same number.
    """
    if session.get_bind().dialect.name != "sqlite":
        return None
    session.execute(
        update(Resident).where(Resident.id == -1).values(id=-1)
    )  # takes the write lock, changes nothing
    had = (select(func.max(Resident.id)), select(func.max(audit.AuditRow.resident_id)))
    return max(session.scalar(query) or 0 for query in had) + 1


def find_by_code(session: Session, *, code: str, to_change: bool = False) -> Resident | None:
    """The resident of a canonical code. With `to_change` nobody else changes or deletes them before the commit."""
    found = select(Resident).where(Resident.code_hash == hash_of_code(code))
    return session.scalar(found.with_for_update() if to_change else found)


def hold(session: Session, *, residents: Collection[int]) -> None:
    """Until the commit nobody else deletes these residents, nor changes whose plan they open.

    Taken before any row of a home or a plan, the lowest number first.
    """
    rows = select(Resident.id).where(Resident.id.in_(residents)).order_by(Resident.id)
    session.execute(rows.with_for_update(key_share=True))


def open_with_secret(stored: str | None, secret_text: str, secret_key: str) -> bool:
    """True when the PIN or pictures are right; the same work for a code that does not exist."""
    return pins.check_secret(stored, secret_text, secret_key)


def renew_hash(session: Session, *, resident_id: int, old: str, fresh: str) -> None:
    """Put the same secret's hash with today's parameters in the place of an older one, unless it was changed since."""
    session.execute(
        update(Resident)
        .where(Resident.id == resident_id, Resident.secret_hash == old)
        .values(secret_hash=fresh)
    )


def renew_code(session: Session, *, resident: Resident, now: datetime) -> str:
    """A new code; the old one dies at once, and with it what other browsers have open by it."""
    code = replace_code(session, resident=resident, now=now)
    note(session, resident.id, "renew code", ("code",), now)
    return code


def replace_code(session: Session, *, resident: Resident, now: datetime) -> str:
    """The same without a row in the record: for whoever writes who it was."""
    take_back_code(session, code_hash=resident.code_hash)
    resident.code = give_code(session, kind="resident", now=now)
    resident.code_hash = hash_of_code(resident.code)
    end_other_visits(session, resident_id=resident.id)
    # Nor does it come up on the screen of whoever gave the one before.
    session.execute(delete(DeskPaper).where(DeskPaper.resident_id == resident.id))
    # A one-time link of before lies in the same mailbox or phone that may have been lost.
    end_links(session, resident_id=resident.id)
    return resident.code


def end_links(session: Session, *, resident_id: int) -> None:
    """One-time links open this plan no more: the code is another, or a phone or mailbox they lie in is theirs no more."""
    ending = delete(ResidentLink).where(ResidentLink.resident_id == resident_id)
    session.execute(ending, execution_options={"synchronize_session": False})


def set_pin_for_everything(session: Session, *, resident: Resident, on: bool, now: datetime) -> None:
    """With it on, the code alone shows nothing, also where it was typed before."""
    resident.pin_for_everything = on
    if on:
        end_other_visits(session, resident_id=resident.id, titles_only=True)
    note(session, resident.id, "set pin for everything", ("setting",), now)


def delete_resident(session: Session, *, resident: Resident, now: datetime) -> None:
    """Delete the resident with the plan and every visit that has it open. The record keeps ids only."""
    _erase(session, resident.id, "delete", ("plan", "code", "nickname"), now)


def delete_again(session: Session, *, erased: Mapping[int, datetime], now: datetime) -> int:
    """After a restore: delete whoever was deleted before, by number and moment. Returns how many came back.

    Who was made after that moment is somebody else with the same number.
    """
    back = [
        number
        for number, made_at in session.execute(select(Resident.id, Resident.made_at))
        if number in erased and made_at <= erased[number]
    ]
    return sum(_erase(session, number, "delete", ("plan",), now, actor="restore") for number in back)


def delete_idle_residents(session: Session, *, now: datetime) -> int:
    """Delete saved plans nobody has opened for so long (13 months by default). Returns how many.

    Only numbers are read: one value that cannot be decrypted any more must not keep everybody's plan for ever.
    """
    idle = Resident.last_used_at <= now - keep("saved-plan")
    numbers = session.scalars(select(Resident.id).where(idle).order_by(Resident.id)).all()
    return sum(
        _erase(session, number, "expire", ("plan",), now, actor="retention", only_if=idle)
        for number in numbers
    )


def _erase(
    session: Session,
    resident_id: int,
    action: str,
    items: tuple[str, ...],
    now: datetime,
    actor: str = "resident",
    only_if: ColumnElement[bool] | None = None,
) -> bool:
    """Delete one resident by number; False when somebody else did it first, or when `only_if` no longer holds."""
    session.flush()
    found = select(Resident.code_hash).where(Resident.id == resident_id)
    code_hash = session.scalar((found if only_if is None else found.where(only_if)).with_for_update())
    if code_hash is None:
        return False
    for tell in BEFORE_LEAVING:
        tell(session, resident_id)
    for holding in registry.holdings():
        holding.erase(session, resident_id)
    mine = delete(Resident).where(Resident.id == resident_id)
    session.execute(mine, execution_options={"synchronize_session": False})
    take_back_code(session, code_hash=code_hash)
    # What somebody typed as their reason may name the person; its hash stays in the chain.
    audit.erase_reasons(session, resident_id=resident_id)
    note(session, resident_id, action, items, now, actor)
    return True


def note(
    session: Session,
    resident_id: int,
    action: str,
    items: tuple[str, ...],
    now: datetime,
    actor: str = "resident",
    by: int | None = None,
) -> None:
    """Write in the record what was done to a resident's facts; `by` is the resident who did it when it was another."""
    audit.record(
        session,
        at=now,
        actor_kind=actor,
        actor_id=(by or resident_id) if actor == "resident" else None,
        action=action,
        purpose="own" if actor == "resident" else "retention",
        resident_id=resident_id,
        items=items,
    )
