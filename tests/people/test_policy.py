"""Who may see what of a resident: every right, every role, every kind of resident, against a grid written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from inclusion_app.accounts.rules import ROLES
from inclusion_app.core.access import Principal
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people import policy
from inclusion_app.people.models import AccessRequest, BreakGlass, Merge, Resident, Restriction
from inclusion_app.people.rules import ITEMS
from tests.factories.accounts import make_organisation, make_staff
from tests.factories.people import make_consent, make_person, put_on_caseload

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Facts:
    """What is true of one resident, seen from one member of staff. Said twice: to the database and to `expected`."""

    consents_to: str = "us"  # us, them, nobody
    items: tuple[str, ...] = ITEMS
    consent: str = "live"  # live, withdrawn, expired
    on: str = "me"  # whose caseload: me, colleague, nobody
    shares: bool = False  # our organisation shares its caseload
    restricted: bool = False
    kept: str = ""  # me, us, colleague, them
    merged: str = (
        ""  # into a record that shares with: us, nobody; or with us no longer, or nothing but their needs
    )
    glass: str = ""  # mine, over, later, colleague's, asked (a second person is still missing), elsewhere
    request: str = ""  # open, closed


WORLD = {
    "own": Facts(),
    "a colleague's, not shared": Facts(on="colleague"),
    "a colleague's, shared": Facts(on="colleague", shares=True),
    "nobody's, shared": Facts(on="nobody", shares=True),
    "nobody's, not shared": Facts(on="nobody"),
    "of another organisation": Facts(consents_to="them"),
    "of another organisation, ours shares": Facts(consents_to="them", shares=True),
    "gave no consent": Facts(consents_to="nobody"),
    "withdrew": Facts(consent="withdrawn"),
    "withdrew, shared": Facts(consent="withdrawn", shares=True, on="colleague"),
    "consent is over": Facts(consent="expired"),
    **{f"shares {item} only": Facts(items=(item,)) for item in ITEMS},
    **{
        f"shares all but {item}": Facts(items=tuple(one for one in ITEMS if one != item), shares=True)
        for item in ITEMS
    },
    "restricted, own": Facts(restricted=True),
    "restricted, own, shared": Facts(restricted=True, shares=True),
    "restricted, a colleague's, shared": Facts(restricted=True, on="colleague", shares=True),
    "kept from me": Facts(kept="me"),
    "kept from me, shared": Facts(kept="me", on="colleague", shares=True),
    "kept from us": Facts(kept="us"),
    "kept from a colleague": Facts(kept="colleague"),
    "kept from another organisation": Facts(kept="them"),
    "linked to another record": Facts(merged="us"),
    "linked to a record that is not shared here": Facts(merged="nobody"),
    "linked to a record whose consent is over": Facts(merged="no longer"),
    "linked to a record that shares needs only": Facts(merged="needs"),
    "glass broken by me": Facts(consents_to="nobody", glass="mine"),
    "glass over": Facts(consents_to="nobody", glass="over"),
    "glass that begins later": Facts(consents_to="nobody", glass="later"),
    "glass of a colleague": Facts(consents_to="nobody", glass="colleague's"),
    "glass that waits for a second": Facts(consents_to="nobody", glass="asked"),
    "glass broken for another organisation": Facts(consents_to="nobody", glass="elsewhere"),
    "glass broken, restricted": Facts(consents_to="nobody", glass="mine", restricted=True),
    "glass broken, kept from me": Facts(consents_to="nobody", glass="mine", kept="me"),
    "glass broken, kept from us": Facts(consents_to="nobody", glass="mine", kept="us"),
    "glass broken, withdrew": Facts(consent="withdrawn", glass="mine"),
    "request open": Facts(consents_to="nobody", request="open"),
    "request open, kept from me": Facts(consents_to="nobody", request="open", kept="me"),
    "request open, kept from us": Facts(consents_to="nobody", request="open", kept="us"),
    "request closed": Facts(consents_to="nobody", request="closed"),
    "request open, restricted": Facts(consents_to="them", request="open", restricted=True),
}


def expected(right: str, roles: frozenset[str], facts: Facts) -> bool:
    """The grid of the design, in plain words and without the database."""
    agreed = facts.consents_to == "us" and facts.consent == "live"
    shared = facts.items if agreed else ()
    kept = facts.kept in {"me", "us"}
    mine = facts.on == "me" or (facts.shares and not facts.restricted)
    glass = facts.glass == "mine" and not kept
    what = right.removeprefix("resident.")
    if what == "present":
        return False  # nobody's row: who shows their code is looked up by it
    if what == "list":
        told = "identity" in shared and not (kept or facts.restricted or facts.merged == "us")
        return "safeguarding_lead" in roles and told
    if what in {"search", "edit", "reissue"}:
        if "caseworker" not in roles or "identity" not in shared or not mine or kept:
            return False
        return what != "search" or not (facts.restricted or facts.merged == "us")
    items = {"consents": {"identity"}, "open": set(ITEMS), "flag": set(ITEMS)}.get(what, {what})
    told = bool(items & set(shared)) and not kept
    if "caseworker" in roles and ((told and mine) or glass):
        return True
    if "safeguarding_lead" in roles and (told or glass):
        return True
    if "platform_admin" in roles and glass and what != "consents":
        return True
    return "data_protection" in roles and facts.request == "open" and facts.kept != "me"


@dataclass(frozen=True)
class Here:
    """Two organisations, and in ours two members of staff."""

    us: int
    us_sharing: int
    them: int
    me: int
    colleague: int


@pytest.fixture
def here(app: Flask) -> Iterator[tuple[Session, Here]]:
    with app.app_context(), transaction() as session:
        us = make_organisation(session)
        sharing = make_organisation(session, shares_caseload=True)
        them = make_organisation(session)
        me, colleague = (make_staff(session, organisation_id=us.id) for _ in range(2))
        yield session, Here(us.id, sharing.id, them.id, me.id, colleague.id)


def put(session: Session, here: Here, facts: Facts) -> int:
    """A resident of whom these facts are true."""
    us = here.us_sharing if facts.shares else here.us
    number = make_person(session, is_restricted=facts.restricted).id
    if facts.consents_to != "nobody":
        more = {
            "live": {},
            "withdrawn": {"withdrawn_at": now()},
            "expired": {"given_at": now() - 400 * DAY, "until_at": now() - 35 * DAY},
        }[facts.consent]
        to = us if facts.consents_to == "us" else here.them
        make_consent(session, resident_id=number, organisation_id=to, items=facts.items, **more)
    if facts.on != "nobody":
        who = here.me if facts.on == "me" else here.colleague
        put_on_caseload(session, resident_id=number, staff_id=who, organisation_id=us)
    if facts.kept:
        column = {
            "me": {"staff_id": here.me},
            "colleague": {"staff_id": here.colleague},
            "us": {"organisation_id": us},
            "them": {"organisation_id": here.them},
        }[facts.kept]
        session.add(Restriction(resident_id=number, made_at=now(), **column))
    if facts.merged:
        kept = make_person(session).id
        session.get_one(Resident, number).merged_into_id = kept
        over = {"given_at": now() - 400 * DAY, "until_at": now() - 35 * DAY}
        shared: dict[str, dict[str, Any]] = {"us": {}, "no longer": over, "needs": {"items": ("needs",)}}
        if facts.merged in shared:
            make_consent(session, resident_id=kept, organisation_id=us, **shared[facts.merged])
    if facts.glass:
        began = now() - timedelta(minutes={"over": 90, "later": -10}.get(facts.glass, 5))
        began_at = None if facts.glass == "asked" else began
        session.add(
            BreakGlass(
                resident_id=number, staff_id=here.colleague if facts.glass == "colleague's" else here.me,
                organisation_id=here.them if facts.glass == "elsewhere" else us, role="caseworker", reason="fire",
                asked_at=began, began_at=began_at, ends_at=began_at and began_at + timedelta(minutes=60),
            )
        )  # fmt: skip
    if facts.request:
        closed = facts.request == "closed"
        session.add(
            AccessRequest(
                resident_id=number, kind="access", received_on=date(2026, 11, 1), due_on=date(2026, 12, 1),
                opened_by_id=here.me, opened_at=now(), closed_at=now() if closed else None,
                outcome="granted" if closed else None,
            )
        )  # fmt: skip
    session.flush()
    return number


def test_list_and_check_and_the_grid_by_hand_agree_on_every_cell(
    here: tuple[Session, Here], tally: Callable[[str, int], None]
) -> None:
    session, place = here
    people = {name: (put(session, place, facts), facts) for name, facts in WORLD.items()}
    assert "resident.open" in policy.TABLE.grid
    cells = 0
    # Roles alone, none at all, and the two of a small charity in one person.
    held = [
        frozenset[str](),
        *(frozenset({role}) for role in ROLES),
        frozenset({"caseworker", "safeguarding_lead"}),
    ]
    for right in policy.TABLE.grid:
        for roles in held:
            asking = {
                us: Principal("staff", staff_id=place.me, organisation_id=us, roles=roles)
                for us in (place.us, place.us_sharing)
            }
            listed = {
                us: set(session.scalars(select(Resident.id).where(policy.TABLE.rows(right, asks))))
                for us, asks in asking.items()
            }
            for name, (number, facts) in people.items():
                us = place.us_sharing if facts.shares else place.us
                checked = policy.TABLE.allows(session, right, asking[us], number)
                cell = f"{right} by {sorted(roles)} of somebody who is: {name}"
                assert checked == (number in listed[us]), cell
                assert checked == expected(right, roles, facts), cell
                cells += 1
    tally("cells of who may see what of a resident", cells)
    assert cells == len(policy.TABLE.grid) * (len(ROLES) + 2) * len(WORLD)


def test_the_grid_by_hand_is_no_empty_grid() -> None:
    yes = {
        (right, role)
        for right in policy.TABLE.grid
        for role in ROLES
        for facts in WORLD.values()
        if expected(right, frozenset({role}), facts)
    }
    assert {role for _right, role in yes} == {
        "caseworker", "safeguarding_lead", "platform_admin", "data_protection"
    }  # fmt: skip
    assert ("resident.edit", "safeguarding_lead") not in yes
    assert not expected("resident.search", frozenset({"caseworker"}), Facts(restricted=True))


def test_only_the_organisation_that_asked_decides_a_link(here: tuple[Session, Here]) -> None:
    session, place = here
    kept, gone = make_person(session), make_person(session)
    merge = Merge(
        kept_id=kept.id, gone_id=gone.id, organisation_id=place.us, asked_by_id=place.me, asked_at=now()
    )
    session.add(merge)
    session.flush()
    for role in ROLES:
        for organisation in (place.us, place.them):
            asks = Principal(
                "staff", staff_id=place.me, organisation_id=organisation, roles=frozenset({role})
            )
            may = policy.MERGES.allows(session, "merge.decide", asks, merge.id)
            assert may == (organisation == place.us and role in {"caseworker", "safeguarding_lead"})
