"""The room of referrals: its pages stand in the modules beside this one (see pages)."""

from __future__ import annotations

from inclusion_app.core.access import Room

room = Room("referrals", __name__)
