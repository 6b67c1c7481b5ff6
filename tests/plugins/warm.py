"""What is the same for every application of a run is made once: the code of templates and of addresses, and statements.

Nearly every test makes an application of its own; without this, most of a run is Jinja, Werkzeug and SQLAlchemy compiling
the same.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine, create_engine
from werkzeug.routing import Rule

from inclusion_app.app import Service
from inclusion_app.core import db


class KeptTemplates(BytecodeCache):
    """The code of each template that was compiled in this process. Jinja compares the source before it takes one."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket when its template was compiled before."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was just compiled."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


class KeptRule(Rule):
    """The function that builds the addresses of a route knows its rule by `self` alone, so each is compiled once."""

    kept: ClassVar[dict[tuple[Any, ...], Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        of = self.rule, repr(self.defaults), self.subdomain, self.host, append_unknown
        if of not in self.kept:
            self.kept[of] = super()._compile_builder(append_unknown)
        return self.kept[of]


class KeptStatements(dict[Any, Any]):
    """Compiled statements of one kind of database, whichever engine asks: the key that SQLAlchemy gives begins with the
    dialect, of which every engine has its own.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """As of a dictionary."""
        return super().get(key[1:], default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(key[1:], value)


_statements: dict[str, KeptStatements] = defaultdict(KeptStatements)


def _engine(url: str, **options: Any) -> Engine:
    made = create_engine(url, **options)
    made.update_execution_options(compiled_cache=_statements[made.dialect.name])
    return made


def pytest_configure() -> None:
    """Before the first application is made. Nothing here has to survive a power cut, so SQLite waits for no disk either."""
    db.create_engine = _engine
    Service.jinja_options = {"bytecode_cache": KeptTemplates()}
    Service.url_rule_class = KeptRule
    prepare = db._prepare_sqlite

    def in_haste(connection: sqlite3.Connection, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous = OFF")

    db._prepare_sqlite = in_haste
