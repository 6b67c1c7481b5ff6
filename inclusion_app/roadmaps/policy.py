"""Who may do what with a roadmap. The load of each page gives only this visit's own roadmap."""

from __future__ import annotations

from inclusion_app.core.access import permission
from inclusion_app.core.permissions import role_right

# With the code alone: step titles, nothing else.
READ_TITLES = permission("roadmap.read_titles", "stranger", "visit", "code", "resident")
# What a step or a goal is, as anybody may read it; nothing of the plan is shown with it.
LOOK = permission("roadmap.look", "stranger", "visit", "code", "resident")
READ = permission("roadmap.read", "stranger", "visit", "resident")
CHANGE = permission("roadmap.change", "stranger", "visit", "resident")
SAVE = permission("roadmap.save", "visit", "resident")
OWN_CODE = permission("roadmap.own_code", "resident")
# A home has one plan: who is in it, who does what, and the way out.
HOUSEHOLD = permission("roadmap.household", "resident")
# Type in what stands on a signed award sheet. Nobody's plan is loaded or shown by it.
GIVE_AWARD = role_right("award.give", "group_facilitator", "training_organiser")
