"""Pages of repair, of counting and of moves: what they do, what they refuse, what of another scheme they never show."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from inclusion_app.core.db import transaction
from inclusion_app.loans import staff_words as words
from inclusion_app.loans.models import StockTake, Ticket, Transfer, Unit
from inclusion_app.loans.services import repairs, transfers
from inclusion_app.places.models import Place
from tests.conftest import without_token
from tests.loans.coordinator import Desk, words_of

NEW = "/staff/loans/repairs/new"


@pytest.fixture
def desk(app: Flask) -> Desk:
    """A coordinator at a screen."""
    return Desk(app)


def made(desk: Desk, tag: str, **facts: object) -> int:
    return int(desk.write(lambda session: desk.unit(session, tag=tag, **facts).id))


def fitness(desk: Desk, number: int) -> str:
    return str(desk.write(lambda session: session.get_one(Unit, number).status))


def once(desk: Desk, path: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', desk.browser.text(path))
    assert found
    return found[1]


def page(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def test_a_repair_from_ticket_to_result(desk: Desk) -> None:
    number = made(desk, "MCR-00001")
    key = once(desk, NEW)
    sent = {"tag": "mcr-00001", "fault": "screen", "note": "cracked", "once": key}
    answer = desk.browser.send(NEW, **sent)
    assert answer.status_code == 303
    one = answer.headers["Location"]
    assert desk.browser.send(NEW, **sent).headers["Location"] == "/staff/loans/repairs"
    assert fitness(desk, number) == "repair"
    said = words_of(desk.browser.text(one))
    assert "MCR-00001" in said and "cracked" in said and "Reported" in said
    assert "None yet" in words_of(desk.browser.text("/staff/loans/repairs"))

    name = desk.names[desk.there]
    assert desk.browser.send(one, do="send", **{"shop-place": "0", "shop-other": name}).status_code == 303
    assert name in words_of(desk.browser.text("/staff/loans/repairs"))
    assert desk.browser.send(one, do="part").status_code == 303
    assert "Waits for a part" in words_of(desk.browser.text(one))
    assert desk.browser.send(one, do="go_on").status_code == 303
    assert "MCR-00001" in desk.browser.text(f"/staff/loans/repairs?workshop={desk.there}")
    assert "MCR-00001" not in desk.browser.text(f"/staff/loans/repairs?workshop={desk.here}")
    assert desk.browser.send(one, do="end", **{"end-result": "mended"}).status_code == 303
    assert fitness(desk, number) == "testing"
    assert "MCR-00001" not in desk.browser.text("/staff/loans/repairs")
    assert "Mended" in words_of(desk.browser.text("/staff/loans/repairs?state=done"))
    assert "End the repair" not in desk.browser.text(one)


def test_a_ticket_refuses_what_nobody_knows_and_keeps_what_was_typed(desk: Desk) -> None:
    made(desk, "MCR-00001")
    key = once(desk, NEW)
    answer = desk.browser.send(NEW, tag="NOBODY-1", fault="screen", note="cracked", once=key)
    assert answer.status_code == 422
    assert (
        words.TAG_UNKNOWN in page(answer) and 'value="NOBODY-1"' in page(answer) and "cracked" in page(answer)
    )
    for wrong in (
        {"fault": "love"},
        {"fault": ""},
        {"fault": "slow", "note": "x" * 400},
        {"fault": "slow", "tag": "\u200b"},
    ):
        sent = {"tag": "MCR-00001", "once": key, **wrong}
        assert desk.browser.send(NEW, **sent).status_code == 422, wrong
    assert desk.write(lambda session: session.scalar(select(Ticket.id))) is None


def test_a_ticket_says_why_a_button_does_nothing(desk: Desk) -> None:
    def ticket(session: Session, unit: Unit) -> int:
        return repairs.open_ticket(session, unit=unit, fault="slow", staff_id=None, now=unit.made_at).id

    one = f"/staff/loans/repairs/{desk.write(lambda session: ticket(session, desk.loan(session)))}"
    form = f"/staff/loans/repairs/{desk.write(lambda session: ticket(session, desk.unit(session)))}"
    assert "Somebody has it on loan. Take it in first" in words_of(desk.browser.text(one))
    for sent, said in (
        ({"do": "end", "end-result": "mended"}, repairs.NOT_BACK),
        ({"do": "part"}, "This was changed already"),
        ({"do": "x\x00"}, words.NOTHING_CHOSEN),
    ):
        answer = desk.browser.send(one, form_on=form, **sent)
        assert answer.status_code == 422 and said in page(answer), sent
    for sent, said in (
        ({"do": "send", "shop-place": "0"}, words.NO_PLACE),
        ({"do": "send", "shop-place": "0", "shop-other": "no such place anywhere"}, words.PLACE_UNKNOWN),
        ({"do": "send", "shop-place": "0", "shop-other": "library"}, "More than one place fits"),
        ({"do": "send", "shop-place": "999999999999", "shop-other": "x" * 5_000}, words.PLACE_UNKNOWN),
        ({"do": "end", "end-result": ""}, repairs.NO_RESULT),
        ({"do": "end", "end-result": "love"}, "There is a problem"),
    ):
        answer = desk.browser.send(form, **sent)
        assert answer.status_code == 422 and said in page(answer), sent


def test_another_scheme_and_nothing_answer_alike(app: Flask, desk: Desk) -> None:
    other = Desk(app, organisation="Blue Door")

    def rows(session: Session) -> tuple[int, int, int]:
        unit = other.unit(session)
        ticket = repairs.open_ticket(session, unit=unit, fault="slow", staff_id=None, now=unit.made_at)
        count = StockTake(
            organisation_id=other.browser.organisation_id, place_id=other.here, begun_at=unit.made_at
        )
        session.add(count)
        (move,) = transfers.send(
            session, units=[other.unit(session)], to=session.get_one(Place, other.there), staff_id=None,
            now=unit.made_at,
        )  # fmt: skip
        session.flush()
        return ticket.id, count.id, move.id

    ticket, count, move = other.write(rows)
    for path in ("/staff/loans/repairs/{}", "/staff/loans/counts/{}"):
        number = ticket if "repairs" in path else count
        theirs, none = (desk.browser.get(path.format(one)) for one in (number, 999_999))
        assert theirs.status_code == none.status_code == 404
        assert without_token(theirs) == without_token(none)
    assert (
        desk.browser.send(f"/staff/loans/moves/{move}/call-off", form_on="/staff/loans/moves").status_code
        == 404
    )
    assert (
        other.browser.send(f"/staff/loans/moves/{move}/call-off", form_on="/staff/loans/moves").status_code
        == 303
    )


def test_counting_by_scanning_and_putting_right_what_differs(desk: Desk) -> None:
    gone, away, here = (
        made(desk, "MCR-00001"),
        made(desk, "MCR-00002", place_id=desk.there),
        made(desk, "MCR-00003"),
    )
    begun = desk.browser.send("/staff/loans/counts", place=str(desk.here))
    one = begun.headers["Location"]
    assert desk.browser.send("/staff/loans/counts", place=str(desk.here)).headers["Location"] == one
    assert "camera=(self)" in desk.browser.get(one).headers["Permissions-Policy"]
    for typed, said in (
        ("MCR-00002", words.SEEN), ("mcr-00003", words.SEEN), ("MCR-00003", words.SEEN_BEFORE),
        ("NOBODY", words.SEEN_UNKNOWN),
    ):  # fmt: skip
        assert desk.browser.send(one, do="see", tag=typed).status_code == 303
        assert said in desk.browser.text(one)
    for wrong in (
        {"do": "see", "tag": " "},
        {"do": "x"},
        {"do": "missing", "unit": "x\x00"},
        {"do": "missing", "unit": str(gone)},  # while it runs: no page has this button
        {"do": "here", "unit": "-1"},
    ):
        assert desk.browser.send(one, **wrong).status_code == 422, wrong
    assert "by the books at another place" in desk.browser.text(one)
    last = words_of(desk.browser.text(one)).split("Seen last")[1]
    assert "NOBODY nobody knows it" in last and "MCR-00002" in last and "MCR-00003" in last
    assert desk.browser.send(one, do="end").status_code == 303
    said = words_of(desk.browser.text(one))
    assert "1 should be here and was not seen" in said and "1 is here, but not by the books" in said
    assert "MCR-00003" not in said and "NOBODY" in said
    assert desk.browser.send(one, do="missing", unit=str(gone)).status_code == 303
    assert desk.browser.send(one, do="missing", unit=str(here)).status_code == 422
    assert desk.browser.send(one, do="here", unit=str(away)).status_code == 303
    assert fitness(desk, gone) == "missing"
    assert desk.write(lambda session: session.get_one(Unit, away).place_id) == desk.here
    said = words_of(desk.browser.text(one))
    assert "MCR-00001" not in said and "MCR-00002" not in said
    assert desk.browser.send("/staff/loans/counts", place="0").status_code == 422


def test_devices_leave_and_arrive(desk: Desk) -> None:
    first, second = made(desk, "MCR-00001"), made(desk, "MCR-00002")
    made(desk, "MCR-00003", place_id=desk.there)
    path = "/staff/loans/moves"
    wrong = desk.browser.send(
        path, do="send", **{"to-tags": "MCR-00001\nNOBODY", "to-place": str(desk.there)}
    )
    assert wrong.status_code == 422 and "NOBODY" in page(wrong) and "MCR-00001" in page(wrong)
    assert "Nothing is on its way" in desk.browser.text(path)
    sent = desk.browser.send(
        path, do="send", **{"to-tags": "mcr-00001\r\n\r\nMCR-00002\n", "to-place": str(desk.there)}
    )
    assert sent.status_code == 303
    assert "2 devices are on their way" in desk.browser.text(path)
    answer = desk.browser.send(path, do="arrive", **{"here-tag": "MCR-00001", "here-place": str(desk.there)})
    assert answer.status_code == 303 and f"at={desk.there}" in answer.headers["Location"]
    assert f'value="{desk.there}" selected' in desk.browser.text(answer.headers["Location"])
    assert desk.write(lambda session: session.get_one(Unit, first).place_id) == desk.there
    for tag, said in (("MCR-00001", transfers.NOT_ON_THE_WAY), ("NOBODY", words.TAG_UNKNOWN)):
        again = desk.browser.send(path, do="arrive", **{"here-tag": tag, "here-place": str(desk.there)})
        assert again.status_code == 422 and said in page(again)
    with desk.app.app_context(), transaction() as session:
        number = session.scalars(select(Transfer.id).where(Transfer.unit_id == second)).one()
    assert desk.browser.send(f"{path}/{number}/call-off", form_on=path).status_code == 303
    assert "Nothing is on its way" in desk.browser.text(path)
    assert desk.browser.send(f"{path}/{number}/call-off", form_on=path).status_code == 404
