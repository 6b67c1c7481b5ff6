"""Every table that names a resident is held by some room: so it is shown, downloaded and erased."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import MetaData, Table, select

from inclusion_app import models_index
from inclusion_app.core import registry
from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.people import services
from inclusion_app.people.models import Feedback, Resident, ResidentLink
from tests.conftest import StaffBrowser, sign_in_staff
from tests.people.world import looked_after

# The chain of the record keeps numbers only, for six years, and names nobody (docs: retention).
KEEPS_NUMBERS_ONLY = {"audit_rows"}
CANARY = "canary-7f3a91"


def names_a_resident(metadata: MetaData) -> set[str]:
    """Tables with a key to residents, and those with a column of that name."""
    return {
        table.name
        for table in metadata.sorted_tables
        if any(key.column.table.name == "residents" for key in table.foreign_keys)
        or "resident_id" in table.columns
    } | {"residents"}


def held() -> set[str]:
    return {name for holding in registry.holdings() for name in holding.tables}


def test_each_table_with_a_resident_is_in_some_holding(app: Flask) -> None:
    missing = names_a_resident(models_index.metadata) - held() - KEEPS_NUMBERS_ONLY
    assert not missing, f"no room says what it holds of a resident in: {sorted(missing)}"
    known = {table.name for table in models_index.metadata.sorted_tables}
    assert held() <= known


def test_a_table_nobody_holds_is_found() -> None:
    from sqlalchemy import Column, ForeignKey, Integer

    metadata = MetaData()
    Table("residents", metadata, Column("id", Integer, primary_key=True))
    Table("diaries", metadata, Column("whose", ForeignKey("residents.id"), primary_key=True))
    assert "diaries" in names_a_resident(metadata)


def full_person(app: Flask, worker: StaffBrowser) -> int:
    number = looked_after(
        app, worker, name=f"{CANARY} name", address=f"{CANARY} street", nickname=f"{CANARY} nick",
        safe_contact={"interpreters_to_avoid": f"{CANARY} interpreter"},
    )  # fmt: skip
    with app.app_context(), transaction() as session:
        session.add(
            Feedback(
                resident_id=number, organisation_id=worker.organisation_id, kind="thanks", words=f"{CANARY} words",
                language="en", made_at=now(), answer=f"{CANARY} answer", answered_at=now(),
            )
        )  # fmt: skip
        session.add(ResidentLink(token_hash="a" * 64, resident_id=number, made_at=now(), expires_at=now()))
    return number


def everything(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table as the application reads it, decrypted."""
    with app.app_context(), transaction() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table))]
            for table in models_index.metadata.sorted_tables
        }


def test_each_holding_says_and_gives_out_what_it_holds(app: Flask) -> None:
    number = full_person(app, sign_in_staff(app, "caseworker"))
    with app.test_request_context("/en/"), transaction() as session:
        said = {holding.name: holding.describe(session, number) for holding in registry.holdings()}
        given = {holding.name: holding.export(session, number) for holding in registry.holdings()}
        words = " ".join(fact.value for facts in said.values() for fact in facts)
        for part in ("name", "street", "interpreter", "words", "answer"):
            assert f"{CANARY} {part}" in words and f"{CANARY} {part}" in str(given), part
        assert "07700 900123" in words and "Red Door" in words and "Sam Patel" in words
        for facts in said.values():
            assert all(isinstance(fact.label, str) and isinstance(fact.value, str) for fact in facts)
        # Nobody is nobody: no room falls over one who is gone.
        for holding in registry.holdings():
            holding.describe(session, 424242)
            holding.export(session, 424242)


def test_erasing_leaves_the_canary_nowhere(app: Flask) -> None:
    number = full_person(app, sign_in_staff(app, "caseworker"))
    assert CANARY in str(everything(app))
    with app.app_context(), transaction() as session:
        services.delete_resident(session, resident=session.get_one(Resident, number), now=now())
    left = everything(app)
    assert CANARY not in str(left)
    for name in names_a_resident(models_index.metadata) - KEEPS_NUMBERS_ONLY:
        assert left[name] == [], name
    assert left["consent_items"] == []


def test_what_a_room_erases_is_asked_for(app: Flask) -> None:
    gone: list[int] = []
    usual = registry.holdings()
    try:
        registry.hold(
            registry.Holding(
                "trial",
                "Trial",
                (),
                lambda _s, _n: [],
                lambda _s, _n: {},
                lambda _s, number: gone.append(number),
            )
        )
        number = full_person(app, sign_in_staff(app, "caseworker"))
        with app.app_context(), transaction() as session:
            services.delete_resident(session, resident=session.get_one(Resident, number), now=now())
        assert gone == [number]
    finally:
        registry._holdings.clear()
        for holding in usual:
            registry.hold(holding)
