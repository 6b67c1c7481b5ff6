"""Libraries that few pages need: loaded when something of theirs is first asked for, so that starting stays quick."""

from __future__ import annotations

import importlib
from typing import Any


class _Later:
    """Stands for a module until it is needed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


def later(name: str) -> Any:
    """The module of this name, not loaded yet. A wrong name is an ImportError at the first use."""
    return _Later(name)
