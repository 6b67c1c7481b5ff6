"""What people and coordinators read of one queue: whom a quota moved, either way, and one wait for who asks now."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from inclusion_app.core.clock import now
from inclusion_app.core.db import transaction
from inclusion_app.loans import rules
from inclusion_app.loans.models import DeviceModel, LoanRequest, LoanScheme, QuotaPool
from inclusion_app.loans.services import queue
from tests.conftest import Browser, StaffBrowser
from tests.factories.loans import make_loan, make_model, make_request, make_scheme, make_unit
from tests.loans.coordinator import words_of

Staff = Callable[..., StaffBrowser]
WARD = "E05011355"
BACK = "So a few people go before you."
FORWARD = "Some devices are kept for some areas or helpers. So you go before a few people."


def a_moved_queue(session: Session, scheme: LoanScheme) -> tuple[DeviceModel, list[LoanRequest]]:
    """Three with many points, and one with few whom the quota of their area puts second."""
    model = make_model(session, scheme=scheme)
    session.add(QuotaPool(organisation_id=scheme.organisation_id, kind="area", ward=WARD, share=50))
    session.flush()
    many = [make_request(session, model=model, points=20) for _one in range(3)]
    return model, [*many, make_request(session, model=model, points=1, ward=WARD)]


def test_a_quota_moves_some_back_and_one_forward(both_engines: Flask) -> None:
    with transaction() as session:
        _model, asked = a_moved_queue(session, make_scheme(session))
        stands = [queue.place_of(session, one, now()) for one in asked]
        assert [(one.position, one.moved_by_quota, one.moved_forward) for one in stands] == [
            (1, False, False), (3, True, False), (4, True, False), (2, False, True)
        ]  # fmt: skip


@pytest.fixture
def coordinator(staff_browser: Staff) -> StaffBrowser:
    """Somebody who lends devices at Red Door."""
    return staff_browser("loan_coordinator")


def test_whom_a_quota_moves_forward_reads_it_as_the_points_page_promises(
    app: Flask, browser: Browser, coordinator: StaffBrowser
) -> None:
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session, organisation_id=coordinator.organisation_id)
        model, asked = a_moved_queue(session, scheme)
        first, second, forward = (asked[number].code for number in (0, 1, 3))
        model_id, request_id = model.id, asked[3].id
    assert "Your page tells you if that moves you." in browser.text("/loans/how-we-choose")
    for path in ("", "/print"):
        assert FORWARD in browser.text(f"/loans/{forward}{path}")
        assert BACK not in browser.text(f"/loans/{forward}{path}")
        assert BACK in browser.text(f"/loans/{second}{path}")
        assert "Some devices are kept" not in browser.text(f"/loans/{first}{path}")
    page = coordinator.text(f"/staff/loans/queue/{model_id}")
    assert (page.count("Moved forward by a quota"), page.count("Moved back by a quota")) == (1, 2)
    assert "Moved forward by a quota" in coordinator.text(f"/staff/loans/requests/{request_id}")


# --- the wait of who asks now


def test_coordinators_and_residents_read_one_wait_for_who_asks_now(
    app: Flask, browser: Browser, coordinator: StaffBrowser
) -> None:
    with app.app_context(), transaction() as session:
        scheme = make_scheme(session, organisation_id=coordinator.organisation_id)
        model = make_model(session, scheme=scheme)
        for _one in range(4):
            make_loan(session, unit=make_unit(session, model=model))
        for _one in range(2):
            make_request(session, model=model)
        # Who is not decided on yet comes before who asks now, too.
        make_request(session, model=model, status="submitted", waits_since=None)
        model_id = model.id
    least, most = rules.weeks_to_wait(3, 4) or (0, 0)
    page = words_of(coordinator.text(f"/staff/loans/queue/{model_id}"))
    assert "Waiting 2 Requests to decide 1 Ready now 0" in page
    assert f"Who asks now waits {least} to {most} weeks" in page
    assert f"You wait about {least} to {most} weeks." in browser.text("/loans")
    # What is ready counts for both of them.
    with app.app_context(), transaction() as session:
        for _one in range(4):
            make_unit(session, model=session.get_one(DeviceModel, model_id))
    page = words_of(coordinator.text(f"/staff/loans/queue/{model_id}"))
    assert "Ready now 4" in page and "Who asks now waits A week at most" in page
    assert "You wait up to 1 week, as far as we know." in browser.text("/loans")
    # The last who waits reads at the desk what their own page says.
    assert "A week at most" in words_of(coordinator.text("/staff/loans")).split("Expected wait")[1]
