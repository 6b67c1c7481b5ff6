"""Whether this instance can do its work: each part asked at once, none waited for longer than two seconds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta

from flask import Flask
from sqlalchemy import text

from inclusion_app.config import Settings
from inclusion_app.core import paper
from inclusion_app.core.clock import now
from inclusion_app.core.db import reading
from inclusion_app.core.migrations import pending_migrations

SECONDS = 2.0
PAPER_SECONDS = 1.0
# The worker beats every 20 seconds, and its longest chore takes a few.
WORKER_SILENT = timedelta(minutes=2)


@functools.cache
def _askers() -> ThreadPoolExecutor:
    """Few threads for all questions: when a database hangs, asking again and again ties up no more of them.

    Made at the first question, so after the web server has forked.
    """
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="readiness")


def check_parts(app: Flask) -> dict[str, bool]:
    """`database`, `migrations`, `worker` and `paper`: whether each is ready. Blocks for two seconds at most.

    A part that fails in any way, or gives no answer in time, is not ready; why is for the log, not for the page.
    """
    settings: Settings = app.extensions["settings"]
    questions: dict[str, Callable[[], bool]] = {
        "database": lambda: _database_answers(app),
        "migrations": lambda: _migrations_are_done(app),
        "worker": lambda: _worker_is_alive(settings),
        "paper": lambda: paper.is_ready(settings=settings, seconds=PAPER_SECONDS),
    }
    asked = {name: _askers().submit(question) for name, question in questions.items()}
    wait(asked.values(), timeout=SECONDS)
    return {name: _good(app, name, answer) for name, answer in asked.items()}


def _good(app: Flask, name: str, answer: Future[bool]) -> bool:
    if not answer.done():
        answer.cancel()
        app.logger.warning("readiness: %s gave no answer in %s seconds", name, SECONDS)
        return False
    failed = None if answer.cancelled() else answer.exception()
    if failed is not None:
        app.logger.warning("readiness: %s failed: %s", name, type(failed).__name__)
        return False
    return answer.result()


def _database_answers(app: Flask) -> bool:
    with app.app_context(), reading() as session:
        return session.scalar(text("SELECT 1")) == 1


def _migrations_are_done(app: Flask) -> bool:
    with app.app_context():
        return not pending_migrations()


def _worker_is_alive(settings: Settings) -> bool:
    beat = settings.instance / "worker-beat"
    try:
        silent = now().timestamp() - beat.stat().st_mtime
    except FileNotFoundError:
        return False
    return (
        abs(silent) < WORKER_SILENT.total_seconds()
    )  # a beat from the future is a clock put back, not a life
