"""Every mapped class in one place, for migrations and for walks over all tables."""

from inclusion_app.core import attempts, audit, history, sessions
from inclusion_app.core.db import Base
from inclusion_app.groups import models as groups
from inclusion_app.people import models as people
from inclusion_app.places import models as places
from inclusion_app.roadmaps import models as roadmaps

metadata = Base.metadata
__all__ = ["attempts", "audit", "groups", "history", "metadata", "people", "places", "roadmaps", "sessions"]
