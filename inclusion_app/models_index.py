"""Every mapped class in one place, for migrations and for walks over all tables."""

from inclusion_app.accounts import models as accounts
from inclusion_app.core import attempts, audit, history, retention_runs, sessions, staff_sessions
from inclusion_app.core.db import Base
from inclusion_app.groups import models as groups
from inclusion_app.loans import models as loans
from inclusion_app.messages import models as messages
from inclusion_app.people import models as people
from inclusion_app.places import models as places
from inclusion_app.referrals import models as referrals
from inclusion_app.roadmaps import models as roadmaps
from inclusion_app.training import models as training

metadata = Base.metadata
__all__ = [
    "accounts", "attempts", "audit", "groups", "history", "loans", "messages", "metadata", "people", "places",
    "referrals", "retention_runs", "roadmaps", "sessions", "staff_sessions", "training",
]  # fmt: skip
