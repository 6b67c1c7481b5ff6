"""Pages of the loan scheme for residents: what can be borrowed, asking for it, and what becomes of it."""

from __future__ import annotations

from inclusion_app.core.access import Room

room = Room("loans", __name__)
