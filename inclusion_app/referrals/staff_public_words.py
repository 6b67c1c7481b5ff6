"""Words that only the staff meet who put a public referral on a record, and what its acts are called in the record."""

from __future__ import annotations

from inclusion_app.accounts import record_words
from inclusion_app.core.words import N_

ON_ONE_ALREADY = N_("This one is on somebody’s record already.")
THERE_ALREADY = N_("They are referred there already. Close one of the two.")
NOBODY_CHOSEN = N_("Choose somebody, or type their code.")
NOT_BOTH = N_("Choose somebody or type a code, not both.")
record_words.ACTIONS.update(
    {
        "refer oneself": N_("Asked for help with their code"),
        "withdraw referral": N_("Took a referral back"),
        "put a referral on a record": N_("Put a public referral on a record"),
    }
)
