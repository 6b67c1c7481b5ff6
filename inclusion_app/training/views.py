"""Pages of training: find a session and book it."""

from __future__ import annotations

from inclusion_app.core.access import Room

room = Room("training", __name__)
