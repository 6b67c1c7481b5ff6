"""The running paper service, for the papers of a group."""

from tests.paper.conftest import draw

__all__ = ["draw"]
