"""Refusals that only the staff can meet who put a public referral on a record. Pure."""

from __future__ import annotations

from inclusion_app.core.words import N_

ON_ONE_ALREADY = N_("This one is on somebody’s record already.")
THERE_ALREADY = N_("They are referred there already. Close one of the two.")
NOBODY_CHOSEN = N_("Choose somebody, or type their code.")
NOT_BOTH = N_("Choose somebody or type a code, not both.")
