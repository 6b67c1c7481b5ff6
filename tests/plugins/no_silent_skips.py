"""Under CI a test that would be skipped fails: a missing browser or database must not look like success.

`CI=true` turns it on. `xfail` is left alone: it is a statement about the code, not about the machine.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest


def _counts() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _why(longrepr: Any) -> str:
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test, or a skip in its fixtures, becomes a failure that gives the reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _counts():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped under CI: {_why(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole file that skips itself becomes an error."""
    report = yield
    if report.skipped and _counts():
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped under CI: {_why(report.longrepr)}"
    return report
